"""Elementwise programs: arithmetic, mathematics, comparison and conversion on every element type, with broadcasts."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import digamma, erfinv, gammaln, ndtr

from . import add
from .inputs import K, M, bfloat16, floats, integers, uniform


def one(name, function, *makers, **options):
    add("elementwise", name, function, lambda: [make() for make in makers], **options)


def vector(n=4 * M, dtype=np.float32, seed=0):
    return lambda: floats(n, dtype=dtype, seed=seed)


def positive(n=M, dtype=np.float32, low=0.1, high=4.0, seed=0):
    return lambda: uniform(n, low=low, high=high, dtype=dtype, seed=seed)


def four_gelus(x):
    for _ in range(4):
        x = jax.nn.gelu(x) + 0.1 * x
    return x


def mathematics(x):
    return jnp.exp(-x * x) * jnp.sin(x) + jnp.log1p(jnp.abs(x)) + jnp.tanh(x) * lax.erf(x)


def black_scholes(price, strike, years):
    rate, vol = 0.02, 0.3
    root = vol * jnp.sqrt(years)
    d1 = (jnp.log(price / strike) + (rate + vol * vol / 2) * years) / root
    discounted = strike * jnp.exp(-rate * years)
    call = price * ndtr(d1) - discounted * ndtr(d1 - root)
    return call, call - price + discounted


def hash32(x):
    x = x.astype(jnp.uint32)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = (x ^ (x >> shift)) * jnp.uint32(factor)
    return x ^ (x >> 16)


def adam(parameter, gradient, first, second):
    first = 0.9 * first + 0.1 * gradient
    second = 0.999 * second + 0.001 * gradient * gradient
    return parameter - 1e-3 * first / (jnp.sqrt(second) + 1e-8), first, second


def horner(x):
    total = jnp.full_like(x, 0.3)
    for i in range(12):
        total = total * x + (0.7 - 0.1 * i)
    return total


def chain_of_forty(x):
    for i in range(10):
        x = jnp.maximum(x * 1.01 + 0.1 * i, -x) - 0.05
    return x


def blend(below, above, alpha):
    wide = above.astype(jnp.uint16) * alpha + below.astype(jnp.uint16) * (255 - alpha)
    return (wide // 255).astype(jnp.uint8)


one("a + b, 4 Mi", lambda a, b: a + b, vector(), vector(seed=1), quick=True)
one("4 gelu, 4 Mi", four_gelus, vector(), quick=True)
one("exp sin log1p tanh erf, 4 Mi", mathematics, vector(), quick=True)
one("silu(x) y, bf16, 4 Mi", lambda x, y: jax.nn.silu(x) * y, vector(dtype=bfloat16), vector(dtype=bfloat16, seed=1), quick=True)
one("a + b, bf16, 4 Mi", lambda a, b: a + b, vector(dtype=bfloat16), vector(dtype=bfloat16, seed=1))
one("a b + c, f16, 4 Mi", lambda a, b, c: a * b + c, *(vector(dtype=np.float16, seed=i) for i in range(3)))
one("a b + c, f64, 1 Mi", lambda a, b, c: a * b + c, *(vector(M, np.float64, i) for i in range(3)), x64=True)
one("exp log, f64, 1 Mi", lambda x: jnp.exp(-x) + jnp.log(x), positive(dtype=np.float64), x64=True)
one("sin cos, f64, 1 Mi", lambda x: jnp.sin(3 * x) * jnp.cos(x), vector(M, np.float64), x64=True)
one("a b + c, i32, 4 Mi", lambda a, b, c: a * b + c, *(lambda i=i: integers(4 * M, high=1000, seed=i) for i in range(3)))
one("div rem, i32, 1 Mi", lambda a, b: a // b + a % b, lambda: integers(M, low=-10**6, high=10**6),
    lambda: integers(M, low=1, high=1000, seed=1))
one("integer hash, 4 Mi", hash32, lambda: integers(4 * M, high=2**31), quick=True)
one("popcount shift, u32, 4 Mi", lambda x: lax.population_count(x) + (x << 3 | x >> 29), lambda: integers(4 * M, high=2**31, dtype=np.uint32))
one("comparisons and or not, 4 Mi", lambda a, b: (a < b) & ~(a > 0.5) | (b != b), vector(), vector(seed=1), quick=True)
one("image blend, u8, 1080p", blend, *(lambda i=i: integers(1080, 1920, 3, high=256, dtype=np.uint8, seed=i) for i in range(2)),
    lambda: np.uint16(77))
one("matrix + row, 2048x2048", lambda x, b: x + b, lambda: floats(2048, 2048), lambda: floats(2048, seed=1))
one("matrix + column, 2048x2048", lambda x, b: x * 2 + b, lambda: floats(2048, 2048), lambda: floats(2048, 1, seed=1))
one("bias + relu, NHWC 8x56x56x64", lambda x, b: jax.nn.relu(x + b), lambda: floats(8, 56, 56, 64), lambda: floats(64, seed=1))
one("outer sum, 2048 + 2048", lambda a, b: a[:, None] + b[None, :], lambda: floats(2048), lambda: floats(2048, seed=1))
one("where, clip, 4 Mi", lambda x, y: jnp.where(x > 0, jnp.clip(y, -1, 1), 0.1 * x), vector(), vector(seed=1))
one("gelu (exact), 1 Mi", lambda x: jax.nn.gelu(x, approximate=False), vector(M))
one("gelu, bf16, 4 Mi", jax.nn.gelu, vector(dtype=bfloat16))
one("sigmoid, 1 Mi", jax.nn.sigmoid, vector(M))
one("softplus, log_sigmoid, 1 Mi", lambda x: jax.nn.softplus(x) - jax.nn.log_sigmoid(x), vector(M))
one("tanh, 4 Mi", jnp.tanh, vector())
one("sin, 4 Mi", lambda x: jnp.sin(10 * x), vector())
one("power, 1 Mi", lambda x, y: x ** y, positive(), positive(seed=1))
one("cbrt rsqrt, 1 Mi", lambda x: jnp.cbrt(x) + lax.rsqrt(x), positive())
one("atan2 hypot, 1 Mi", lambda y, x: (jnp.arctan2(y, x), jnp.hypot(y, x)), vector(M), vector(M, seed=1))
one("erf_inv, 1 Mi", lambda x: erfinv(x), positive(low=-0.999, high=0.999), tolerance=1e-4)
one("lgamma digamma, 256 Ki", lambda x: gammaln(x) + digamma(x), positive(256 * K, high=20.0), tolerance=1e-4)
one("complex multiply, abs, 1 Mi", lambda a, b: jnp.abs(a * b + jnp.conj(a)),
    *(lambda i=i: (floats(M, seed=i) + 1j * floats(M, seed=i + 9)).astype(np.complex64) for i in range(2)))
one("complex exp, 1 Mi", lambda x: jnp.exp(1j * x), vector(M))
one("black-scholes, 1 Mi", black_scholes, positive(low=10, high=50), positive(low=10, high=50, seed=1), positive(seed=2), quick=True)
one("adam update, 4 Mi", adam, vector(), vector(seed=1), vector(seed=2), positive(4 * M, seed=3), quick=True)
one("adam update in place, 4 Mi", lambda p, m, v, g: adam(p, g, m, v), vector(), vector(seed=2), positive(4 * M, seed=3),
    vector(seed=1), carry=3)
one("polynomial of degree 12, 4 Mi", horner, vector())
one("40 ops, 1,024 elements", chain_of_forty, vector(K), quick=True)
one("40 ops, 4 Mi", chain_of_forty, vector())
one("rows chosen in place, 100000x9", lambda x, y: (jnp.where(y > 0, -x, x),), lambda: uniform(100000, 9), lambda: uniform(100000, 1), carry=1)
one("f32 to bf16, 4 Mi", lambda x: x.astype(jnp.bfloat16), vector())
one("bf16 to f32 scaled, 4 Mi", lambda x: x.astype(jnp.float32) * 0.5, vector(dtype=bfloat16))
one("u8 to f32 normalised, 224x224x3x16", lambda x: (x.astype(jnp.float32) / 255 - 0.45) / 0.22,
    lambda: integers(16, 224, 224, 3, high=256, dtype=np.uint8))
one("f32 to i32 round, 4 Mi", lambda x: jnp.round(x * 100).astype(jnp.int32), vector())
one("dequantize i8, 4 Mi", lambda x, s: (x.astype(jnp.float32) * s).astype(jnp.bfloat16),
    lambda: integers(4096, 1024, low=-128, high=128, dtype=np.int8), lambda: uniform(4096, 1))
one("rotary embedding, 2x512x12x64", lambda x, c, s: jnp.concatenate(
    [x[..., :32] * c - x[..., 32:] * s, x[..., 32:] * c + x[..., :32] * s], -1),
    lambda: floats(2, 512, 12, 64), lambda: floats(512, 1, 32), lambda: floats(512, 1, 32, seed=1))

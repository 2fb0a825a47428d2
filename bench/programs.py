"""The programs that `make bench` times: name -> (function of JAX arrays, how to make its arguments).

A first choice from what users run and complain about; each row is one call of a compiled function with inputs on the device.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax


def floats(*shape, dtype=np.float32):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


def mlp_step(params, x, y):
    def loss(params):
        h = x
        for w, b in params[:-1]:
            h = jax.nn.relu(h @ w + b)
        w, b = params[-1]
        return -jnp.mean(jnp.sum(jax.nn.log_softmax(h @ w + b) * y, axis=1))

    return jax.tree.map(lambda p, g: p - 0.1 * g, params, jax.grad(loss)(params))


def attention(q, k, v):
    scores = jnp.einsum("bthd,bshd->bhts", q, k) / 8
    mask = jnp.tril(jnp.ones((scores.shape[-2], scores.shape[-1]), bool))
    return jnp.einsum("bhts,bshd->bthd", jax.nn.softmax(jnp.where(mask, scores, -1e9)), v)


def layer_norm(x):
    mean = x.mean(1, keepdims=True)
    return (x - mean) * lax.rsqrt(x.var(1, keepdims=True) + 1e-5)


def heat(x):
    def step(_, u):
        return u + 0.1 * (jnp.roll(u, 1, 0) + jnp.roll(u, -1, 0) + jnp.roll(u, 1, 1) + jnp.roll(u, -1, 1) - 4 * u)

    return lax.fori_loop(0, 10, step, x)


def conv(x, w, groups=1):
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"),
                                    feature_group_count=groups)


MLP = [(n, m) for n, m in ((784, 512), (512, 512), (512, 10))]

PROGRAMS = {
    "x + 1, scalar": (lambda x: x + 1, lambda: [np.float32(1)]),
    "20 arguments of 8 floats": (lambda *xs: [x + 1 for x in xs], lambda: [floats(8)] * 20),
    "fori_loop 20,000, scalar": (lambda x: lax.fori_loop(0, 20000, lambda i, v: v * 0.999 + 0.5, x), lambda: [np.float32(1)]),
    "fori_loop 1,000, tanh(A16x16 @ x)": (lambda a, x: lax.fori_loop(0, 1000, lambda i, v: jnp.tanh(a @ v), x),
                                          lambda: [floats(16, 16) / 8, floats(16)]),
    "a + b, 4 Mi": (lambda a, b: a + b, lambda: [floats(1 << 22), floats(1 << 22)]),
    "4 gelu, 1 Mi": (lambda x: [x := jax.nn.gelu(x) + 0.1 * x for _ in range(4)][-1], lambda: [floats(1 << 20)]),
    "exp sin log1p tanh erf, 1 Mi": (lambda x: jnp.exp(-x * x) * jnp.sin(x) + jnp.log1p(jnp.abs(x))
                                     + jnp.tanh(x) * lax.erf(x), lambda: [floats(1 << 20)]),
    "sum, 8 Mi": (jnp.sum, lambda: [floats(1 << 23)]),
    "argmax of rows, 1024²": (lambda x: jnp.argmax(x, axis=1), lambda: [floats(1024, 1024)]),
    "softmax, 1024²": (lambda x: jax.nn.softmax(x), lambda: [floats(1024, 1024)]),
    "layer norm, 4096x768": (layer_norm, lambda: [floats(4096, 768)]),
    "cumsum, 1 Mi": (jnp.cumsum, lambda: [floats(1 << 20)]),
    "matmul 1024³": (jnp.matmul, lambda: [floats(1024, 1024), floats(1024, 1024)]),
    "matmul 1024³, bf16": (jnp.matmul, lambda: [floats(1024, 1024).astype(jnp.bfloat16)] * 2),
    "matmul, 256 of 64³": (jnp.matmul, lambda: [floats(256, 64, 64), floats(256, 64, 64)]),
    "attention, 1x256x12x64": (attention, lambda: [floats(1, 256, 12, 64)] * 3),
    "conv 3x3, 2x56x56x64": (conv, lambda: [floats(2, 56, 56, 64), floats(3, 3, 64, 64)]),
    "conv 3x3 depthwise, 2x56x56x128": (lambda x, w: conv(x, w, 128), lambda: [floats(2, 56, 56, 128), floats(3, 3, 1, 128)]),
    "transpose 2048²": (jnp.transpose, lambda: [floats(2048, 2048)]),
    "gather 8,192 rows of 256": (lambda x, i: x[i], lambda: [floats(10000, 256), np.arange(8192, dtype=np.int32) * 7 % 10000]),
    "scatter-add 20,000 rows of 64": (lambda x, i, u: x.at[i].add(u), lambda: [
        floats(10000, 64), np.arange(20000, dtype=np.int32) * 7 % 10000, floats(20000, 64)]),
    "sort, 1 Mi": (jnp.sort, lambda: [floats(1 << 20)]),
    "top 50 of 50,257, 8 rows": (lambda x: lax.top_k(x, 50), lambda: [floats(8, 50257)]),
    "random.normal, 1 Mi": (lambda k: jax.random.normal(k, (1 << 20,)), lambda: [np.asarray(jax.random.PRNGKey(0))]),
    "fft, 256 Ki": (jnp.fft.fft, lambda: [floats(1 << 18).astype(np.complex64)]),
    "cholesky 256": (jnp.linalg.cholesky, lambda: [np.eye(256, dtype=np.float32) * 600 + floats(256, 256)]),
    "batched solve, 1000 of 3x3": (jnp.linalg.solve, lambda: [floats(1000, 3, 3) + 4 * np.eye(3, dtype=np.float32),
                                                              floats(1000, 3, 1)]),
    "MLP 784-512-512-10, training step": (mlp_step, lambda: [
        [(floats(n, m) / 30, floats(m)) for n, m in MLP], floats(128, 784), np.eye(10, dtype=np.float32)[np.arange(128) % 10]]),
    "heat stencil 512², 10 steps": (heat, lambda: [floats(512, 512)]),
}

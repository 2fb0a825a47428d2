"""Choosing tokens, and products of quantised numbers."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .inputs import weights as w
from .tables import add_all

B, H, L = 3, 6, 77
QKV = uniform(B, H, L, 16), uniform(B, H, L, 16), uniform(B, H, L, 16)


# Decoding

LOGITS = uniform(5, 3001)
KEY = np.array([1, 2], np.uint32)


def nucleus(x, k, p=0.9):
    order = jnp.argsort(-x)
    s = jnp.take_along_axis(x, order, -1)
    c = jnp.cumsum(jax.nn.softmax(s), -1)
    s = jnp.where(c - jax.nn.softmax(s) > p, -jnp.inf, s)
    return jnp.take_along_axis(order, jax.random.categorical(k, s)[:, None], -1)


def beam(scores, logits, seen):
    s = (scores[:, None] + jax.nn.log_softmax(logits)).reshape(-1)
    v, i = lax.top_k(s, 5)
    return v, jnp.concatenate([seen[i // 3001], (i % 3001)[:, None]], 1)


def generate(e, a, b):
    """Greedy: the last token's row through a small net, 40 times, into a buffer."""
    def step(i, t):
        h = e[t[:, i]] + 0.1 * jnp.where(jnp.arange(50)[:, None] <= i, e[t], 0).sum(1)
        return t.at[:, i + 1].set(jnp.argmax(jnp.tanh(h @ a) @ b, -1))
    return lax.fori_loop(0, 40, step, jnp.zeros((4, 50), int))


def speculative(p, q, tokens, u):
    a = jnp.take_along_axis(p, tokens[:, None], 1)[:, 0] / jnp.take_along_axis(q, tokens[:, None], 1)[:, 0]
    n = jnp.cumprod(u < a).sum()
    r = jnp.maximum(p[jnp.minimum(n, 7)] - q[jnp.minimum(n, 7)], 0)
    return n, jnp.argmax(r / r.sum())


DECODING = {
    "greedy": (lambda x: x.argmax(-1), LOGITS), "temperature": (lambda x, k: jax.random.categorical(k, x / 0.7), LOGITS, KEY),
    "best 40": (lambda x, k: (t := lax.top_k(x, 40), jnp.take_along_axis(t[1], jax.random.categorical(k, t[0])[:, None], 1))[1], LOGITS,
        KEY),
    "best 40 by mask": (lambda x, k: jax.random.categorical(k, jnp.where(x < lax.top_k(x, 40)[0][:, -1:], -jnp.inf, x)), LOGITS, KEY),
    "nucleus": (nucleus, LOGITS, KEY),
    "least share": (lambda x, k: (p := jax.nn.softmax(x), jax.random.categorical(k,
        jnp.where(p < 0.1 * p.max(-1, keepdims=True), -jnp.inf, x)))[1], LOGITS, KEY),
    "repetition penalty": (lambda x, t: (s := jnp.take_along_axis(x, t, 1),
        x.at[jnp.arange(5)[:, None], t].set(jnp.where(s > 0, s / 1.2, s * 1.2)))[1], LOGITS, integers(5, 50, high=3001)),
    "frequency penalty": (lambda x, t: x - 0.3 * jnp.zeros_like(x).at[jnp.arange(5)[:, None], t].add(1), LOGITS,
        integers(5, 50, high=3001)),
    "beam": (beam, uniform(5), LOGITS, integers(5, 20, high=3001)),
    "greedy, 40 tokens": (generate, uniform(301, 32), w(32, 64), w(64, 301)),
    "typical": (lambda x: (l := jax.nn.log_softmax(x), h := -(jnp.exp(l) * l).sum(-1, keepdims=True), d := jnp.abs(-l - h),
        o := jnp.argsort(d), c := jnp.cumsum(jnp.take_along_axis(jnp.exp(l), o, -1), -1),
                           jnp.take_along_axis(d, jnp.take_along_axis(o, (c < 0.9).sum(-1, keepdims=True) - 1, -1), -1))[5], LOGITS),
    "speculative": (speculative, np.abs(uniform(8, 3001)), np.abs(uniform(8, 3001)), integers(8, high=3001), np.abs(uniform(8)) / 2),
    "forbidden words": (lambda x, b: jnp.where(b, -jnp.inf, x).argmax(-1), LOGITS, integers(3001, high=10) == 0),
    "n-grams forbidden": (lambda t: (t[:, None, :-2] == t[:, -2:-1, None].swapaxes(1, 2)) & (t[:, None, 1:-1] == t[:, -1:, None].swapaxes(1,
        2)), integers(5, 200, high=50)),
    "log-probabilities of tokens": (lambda x, t: jnp.take_along_axis(jax.nn.log_softmax(x), t, 1).sum(1), LOGITS,
        integers(5, 50, high=3001)),
    "watermark": (lambda x, t: (g := (jnp.arange(3001, dtype=jnp.uint32) * np.uint32(2654435761) ^ t[:,
        None].astype(jnp.uint32) * np.uint32(40503)) % 4 == 0, (x + 2.0 * g).argmax(-1))[1], LOGITS, integers(5, high=3001)),
    "perplexity": (lambda x, t: jnp.exp(-jnp.take_along_axis(jax.nn.log_softmax(x), t[:, None], 1).mean()), uniform(200, 1001),
        integers(200, high=1001)),
}

# Quantised

BYTES = integers(129, 200, low=-127, high=128, dtype=np.int8)
WEIGHTS = integers(200, 301, low=-127, high=128, dtype=np.int8)
dot8 = lambda a, b: lax.dot_general(a, b, (((a.ndim - 1,), (0,)), ((), ())), preferred_element_type=jnp.int32)
ACT = uniform(129, 200)


def unpack4(q):
    return jnp.stack([q & 15, q >> 4], 1).reshape(-1, q.shape[1]).astype(jnp.int8) - 8


def codes(x, axis=-1, top=127):
    s = jnp.abs(x).max(axis, keepdims=True) / top
    return jnp.round(x / s).astype(jnp.int8), s


def dynamic(x, k, s):
    q, t = codes(x)
    return dot8(q, k) * t * s


def fake(x, bits=4):
    n = 2 ** (bits - 1) - 1
    s = jnp.abs(x).max() / n
    return x + lax.stop_gradient(jnp.clip(jnp.round(x / s), -n - 1, n) * s - x)


def fp8(x, k):
    q = lambda v: ((v * (448 / jnp.abs(v).max())).astype(jnp.float8_e4m3fn), jnp.abs(v).max() / 448)
    (a, s), (b, t) = q(x), q(k)
    return jnp.dot(a.astype(jnp.bfloat16), b.astype(jnp.bfloat16), preferred_element_type=jnp.float32) * s * t


def smooth(x, k):
    s = jnp.sqrt(jnp.abs(x).max(0) / jnp.abs(k).max(1))
    a, sa = codes(x / s)
    b, sb = codes(k * s[:, None], 0)
    return dot8(a, b) * sa * sb


def hadamard(x):
    n = x.shape[-1]
    h = 1
    while h < n:
        x = x.reshape(-1, n // (2 * h), 2, h)
        x = jnp.stack([x[:, :, 0] + x[:, :, 1], x[:, :, 0] - x[:, :, 1]], 2).reshape(-1, n)
        h *= 2
    return x / n**0.5


SCALES = np.abs(uniform(301)) / 100
QUANTISED = {
    "codes of rows": (codes, ACT),
    "codes of columns": (lambda x: codes(x, 0), ACT),
    "codes of groups": (lambda x: codes(x.reshape(129, 25, 8)), ACT),
    "codes, asymmetric": (lambda x: (l := x.min(1, keepdims=True), s := (x.max(1, keepdims=True) - l) / 255,
        jnp.clip(jnp.round((x - l) / s), 0, 255).astype(jnp.uint8), s, l)[2:], ACT),
    "codes, stochastic": (lambda x, k: jnp.floor(x * 20 + jax.random.uniform(k, x.shape)).astype(jnp.int8), ACT, KEY),
    "product of bytes, odd": (dot8, BYTES, WEIGHTS),
    "dynamic product": (dynamic, ACT, WEIGHTS, SCALES),
    "one row": (dynamic, ACT[:1].copy(), WEIGHTS, SCALES),
    "zero points": (lambda a, b, z: dot8(a, b) - z * b.astype(jnp.int32).sum(0) - 3 * a.astype(jnp.int32).sum(1,
        keepdims=True) + 200 * 3 * z, BYTES, WEIGHTS, np.int32(5)),
    "requantised": (lambda a, b, s: jnp.clip(jnp.round(dot8(a, b) * s * 0.01), -128, 127).astype(jnp.int8), BYTES, WEIGHTS, SCALES),
    "two layers of bytes": (lambda a, b, c: dot8(jnp.clip(dot8(a, b) >> 10, 0, 127).astype(jnp.int8), c), BYTES, WEIGHTS,
        integers(301, 65, low=-127, high=128, dtype=np.int8)),
    "weights of 8 bits, f32": (lambda x, k, s: (x @ k.astype(jnp.float32)) * s, ACT, WEIGHTS, SCALES),
    "weights of 8 bits, bf16": (lambda x, k, s: (x @ k.astype(jnp.bfloat16)) * s, ACT.astype(jnp.bfloat16), WEIGHTS,
        SCALES.astype(jnp.bfloat16)),
    "weights of 4 bits": (lambda x, q, s: (x @ unpack4(q).astype(jnp.float32)) * s, ACT, integers(100, 301, high=256, dtype=np.uint8),
        SCALES),
    "weights of 4 bits, groups": (lambda x, q, s: x @ (unpack4(q).reshape(8, 25, 301) * s[:, None]).reshape(200, 301), ACT,
        integers(100, 301, high=256, dtype=np.uint8), np.abs(uniform(8, 301))),
    "weights of 4 bits, one row": (lambda x, q, s: (x @ unpack4(q).astype(jnp.float32)) * s, ACT[0],
        integers(100, 301, high=256, dtype=np.uint8), SCALES),
    "table of 16 values": (lambda x, q, t: x @ t[unpack4(q).astype(int) + 8], ACT, integers(100, 301, high=256, dtype=np.uint8),
        uniform(16)),
    "signs": (lambda x, q: x @ (jnp.unpackbits(q, axis=0)[:200].astype(jnp.float32) * 2 - 1), ACT,
        integers(25, 301, high=256, dtype=np.uint8)),
    "three values": (lambda x, k: (s := jnp.abs(k).mean(), x @ (jnp.clip(jnp.round(k / s), -1, 1) * s))[1], ACT, uniform(200, 301)),
    "binary by popcount": (lambda a, b: 256 - 2 * lax.population_count(a[:, None] ^ b[None]).astype(jnp.int32).sum(-1),
        integers(64, 8, high=2**31), integers(100, 8, high=2**31)),
    "fake": (fake, ACT),
    "fp8": (fp8, ACT, uniform(200, 301)),
    "fp8, e5m2": (lambda x: x.astype(jnp.float8_e5m2).astype(jnp.float32), ACT),
    "int4 type": (lambda x: x.astype(jnp.int4).astype(jnp.float32), ACT * 3),
    "smooth": (smooth, ACT, uniform(200, 301)), "Hadamard": (hadamard, uniform(129, 256)),
    "outliers apart": (lambda x, k: (o := jnp.abs(x).max(0) > 1.97,
        (lambda q, t: dot8(q[0], t[0]) * q[1] * t[1])(codes(jnp.where(o, 0, x)), codes(k, 0)) + jnp.where(o, x, 0) @ k)[1], ACT,
        uniform(200, 301)),
    "attention of bytes": (lambda q, k, v: (a := codes(q), b := codes(k),
        s := lax.dot_general(a[0], b[0], (((3,), (3,)), ((0, 1), (0, 1))), preferred_element_type=jnp.int32) * a[1] * b[1].swapaxes(-1,
        -2) / 4, jax.nn.softmax(s) @ v)[3], *QKV),
    "cache of bytes": (lambda q, k, s, v: jax.nn.softmax(q @ (k * s).swapaxes(-1, -2) / 4) @ v, uniform(B, H, 1, 16),
        integers(B, H, L, 16, low=-127, high=128, dtype=np.int8), np.abs(uniform(B, H, L, 1)) / 50, QKV[2]),
    "conv of bytes": (lambda x, k: lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"),
        preferred_element_type=jnp.int32), integers(2, 28, 30, 24, low=-127, high=128, dtype=np.int8),
        integers(3, 3, 24, 17, low=-127, high=128, dtype=np.int8)),
    "microscaled": (lambda x: (b := x.reshape(129, -1, 8), e := jnp.floor(jnp.log2(jnp.abs(b).max(-1, keepdims=True) + 1e-30)),
        jnp.round(b / 2.0 ** (e - 2)) * 2.0 ** (e - 2))[2].reshape(x.shape), ACT),
    "logarithmic": (lambda x: jnp.sign(x) * 2.0 ** jnp.round(jnp.log2(jnp.abs(x) + 1e-8)), ACT),
    "mu-law": (lambda x: jnp.round((jnp.sign(x) * jnp.log1p(255 * jnp.abs(x) / 2) / np.log(256) + 1) / 2 * 255).astype(jnp.uint8), ACT),
    "Lloyd-Max": (lambda x: lax.fori_loop(0, 10, lambda i, c: (a := jnp.abs(x.reshape(-1)[:, None] - c).argmin(1),
        jax.ops.segment_sum(x.reshape(-1), a, 16) / jnp.maximum(jnp.bincount(a, length=16), 1))[1], jnp.linspace(-2, 2, 16)), ACT),
}

add_all("decode", DECODING)
add_all("quantised", QUANTISED)

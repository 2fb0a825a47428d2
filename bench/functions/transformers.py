"""Layers of transformers and what replaces them: gated and routed feed-forward nets, positions, attention of all kinds, state spaces."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .inputs import weights as w
from .tables import add_all, gradients

D, H, L, B = 96, 6, 77, 3
TOKENS = uniform(B, L, D)
IMAGE = uniform(2, 28, 30, 24)


def rms(x, g):
    return x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * g


# Feed-forward

GATES = {"GLU": jax.nn.sigmoid, "ReGLU": jax.nn.relu, "GEGLU": jax.nn.gelu, "SwiGLU": jax.nn.silu, "mish gate": jax.nn.mish,
         "squared ReLU gate": lambda x: jax.nn.relu(x) ** 2, "hard swish gate": jax.nn.hard_swish}


def glu(f):
    return lambda x, a, b, c: (f(x @ a) * (x @ b)) @ c


def route(x, g, a, b, k=2):
    """A mixture of experts, dense: all are computed, k of them weighted."""
    top, i = lax.top_k(x @ g, k)
    weight = jnp.zeros((x.shape[0], g.shape[1])).at[jnp.arange(x.shape[0])[:, None], i].set(jax.nn.softmax(top))
    h = jax.nn.gelu(jnp.einsum("td,edf->etf", x, a))
    return jnp.einsum("etf,efd,te->td", h, b, weight)


def route_capacity(x, g, a, b, capacity=40):
    """A switch: each token to one expert, which takes so many; dispatched by one-hot products."""
    p = jax.nn.softmax(x @ g)
    e = p.argmax(-1)
    o = jax.nn.one_hot(e, g.shape[1])
    place = (jnp.cumsum(o, 0) * o - 1).max(-1)
    d = o[..., None] * jax.nn.one_hot(place.astype(int), capacity)[:, None]
    h = jax.nn.relu(jnp.einsum("td,tec,edf->ecf", x, d, a))
    balance = (o.mean(0) * p.mean(0)).sum() * g.shape[1]
    return jnp.einsum("ecf,efd,tec->td", h, b, d * p.max(-1)[:, None, None]), balance


def route_sorted(x, g, a, b):
    """Tokens sorted by expert, then ragged products."""
    p, i = lax.top_k(jax.nn.softmax(x @ g), 2)
    flat = i.reshape(-1)
    order = jnp.argsort(flat)
    sizes = jnp.bincount(flat, length=g.shape[1])
    h = jax.nn.silu(lax.ragged_dot(x[order // 2], a, sizes))
    y = lax.ragged_dot(h, b, sizes)
    return jnp.zeros_like(x).at[order // 2].add(y * p.reshape(-1)[order][:, None])


def route_gather(x, g, a, b):
    """Each token gathers its expert's matrices."""
    e = (x[:50] @ g).argmax(-1)
    return jnp.einsum("tf,tfd->td", jax.nn.relu(jnp.einsum("td,tdf->tf", x[:50], a[e])), b[e])


def experts_choose(x, g, a, b, k=50):
    s, i = lax.top_k(jax.nn.softmax(x @ g).T, k)
    y = jnp.einsum("ekf,efd->ekd", jax.nn.gelu(jnp.einsum("ekd,edf->ekf", x[i], a)), b)
    return jnp.zeros_like(x).at[i].add(y * s[..., None])


FLAT = TOKENS.reshape(-1, D)
E = 8
EXPERTS = (w(D, E), w(E, D, 64), w(E, 64, D))
FEED = {n: (glu(f), TOKENS, w(D, 200), w(D, 200), w(200, D)) for n, f in GATES.items()} | {
    "experts, dense": (route, FLAT, *EXPERTS),
    "experts, with capacity": (route_capacity, FLAT, *EXPERTS),
    "experts, sorted": (route_sorted, FLAT, *EXPERTS),
    "experts, gathered": (route_gather, FLAT, *EXPERTS),
    "experts that choose": (experts_choose, FLAT, *EXPERTS),
    "maxout": (lambda x, a: (x @ a).reshape(*x.shape[:-1], 64, 4).max(-1), TOKENS, w(D, 256)),
    "low rank adapter": (lambda x, k, a, b: x @ k + (x @ a) @ b * 0.5, TOKENS, w(D, D), w(D, 8), w(8, D)),
    "highway": (lambda x, a, b: (t := jax.nn.sigmoid(x @ a - 1), t * jax.nn.tanh(x @ b) + (1 - t) * x)[1], TOKENS, w(D, D), w(D, D)),
    "Kolmogorov-Arnold": (lambda x, c: jnp.einsum("tdk,dok->to", jnp.exp(-((x[..., None] - jnp.linspace(-2, 2, 8)) * 2) ** 2), c), FLAT,
        uniform(D, 33, 8)),
    "Fourier features": (lambda x, b: jnp.concatenate([jnp.sin(x @ b), jnp.cos(x @ b)], -1), FLAT, uniform(D, 128)),
    "SIREN": (lambda x, a, b, c: jnp.sin(30 * (jnp.sin(30 * (x @ a)) @ b)) @ c, uniform(1000, 2), w(2, 64) / 30, w(64, 64) / 30, w(64, 3)),
    "bilinear": (lambda x, y, k: jnp.einsum("ni,kij,nj->nk", x, k, y), FLAT, FLAT[::-1].copy(), w(9, D, D)),
    "factorisation machine": (lambda x, v: 0.5 * ((x @ v) ** 2 - (x * x) @ (v * v)).sum(-1), FLAT, w(D, 10)),
    "cross network": (lambda x, k: functools.reduce(lambda y, w: x * (y @ w) + y, k, x), FLAT, w(3, D, 1)),
    "mixer": (lambda x, a, b, c, d: (y := x + (jax.nn.gelu(x.swapaxes(1, 2) @ a) @ b).swapaxes(1, 2), y + jax.nn.gelu(y @ c) @ d)[1],
              TOKENS, w(L, 48), w(48, L), w(D, 128), w(128, D)),
    "Fourier mixing": (lambda x: jnp.fft.fft2(x).real, TOKENS),
    "tree of soft decisions": (lambda x, k, v: (p := jax.nn.sigmoid(x @ k), functools.reduce(
        lambda m, i: jnp.stack([m * p[:, 2**i - 1 : 2 ** (i + 1) - 1], m * (1 - p[:, 2**i - 1 : 2 ** (i + 1) - 1])], -1).reshape(x.shape[0],
            -1),
        range(5), jnp.ones((x.shape[0], 1))) @ v)[1], FLAT, w(D, 31), w(32, 5)),
    "spectral norm": (lambda k, u: (v := lax.fori_loop(0, 3, lambda i, u: (y := k @ (k.T @ u), y / jnp.linalg.norm(y))[1], u),
        k / jnp.linalg.norm(k.T @ v))[1],
                      w(129, 200), w(129)),
    "weight norm": (lambda x, v, g: x @ (v / jnp.linalg.norm(v, axis=0) * g), FLAT, w(D, 129), w(129)),
    "dropout": (lambda x, k: jnp.where(jax.random.bernoulli(k, 0.8, x.shape), x / 0.8, 0), TOKENS, np.array([1, 2], np.uint32)),
    "Gumbel softmax": (lambda x, k: jax.nn.softmax((x + jax.random.gumbel(k, x.shape)) / 0.5), TOKENS, np.array([1, 2], np.uint32)),
    "straight through": (lambda x: lax.stop_gradient(jnp.round(jax.nn.sigmoid(x))) + jax.nn.sigmoid(x)
        - lax.stop_gradient(jax.nn.sigmoid(x)), TOKENS),
    "codes of vectors": (lambda x, c: (i := ((x * x).sum(1)[:, None] - 2 * x @ c.T + (c * c).sum(1)).argmin(1), q := c[i],
        x + lax.stop_gradient(q - x),
                                      ((lax.stop_gradient(x) - q) ** 2).mean())[2:], FLAT, uniform(128, D)),
    "sparsemax": (lambda x: (z := -jnp.sort(-x), c := jnp.cumsum(z, -1), k := jnp.arange(1, D + 1),
        n := (1 + k * z > c).sum(-1, keepdims=True),
                             jnp.maximum(x - (jnp.take_along_axis(c, n - 1, -1) - 1) / n, 0))[4], TOKENS),
}

# Positions and attention


def heads(x, n=H):
    return x.reshape(*x.shape[:-1], n, -1).swapaxes(-2, -3)


def rope(x, base=10000.0, start=0):
    d = x.shape[-1]
    a = (jnp.arange(x.shape[-2]) + start)[:, None] * base ** (-jnp.arange(0, d, 2) / d)
    e, o = x[..., ::2], x[..., 1::2]
    return jnp.stack([e * jnp.cos(a) - o * jnp.sin(a), e * jnp.sin(a) + o * jnp.cos(a)], -1).reshape(x.shape)


def rope_complex(x):
    d = x.shape[-1]
    a = jnp.arange(x.shape[-2])[:, None] * 10000.0 ** (-jnp.arange(0, d, 2) / d)
    z = lax.complex(x[..., : d // 2], x[..., d // 2 :]) * jnp.exp(1j * a)
    return jnp.concatenate([z.real, z.imag], -1)


def rope_half(x):
    d = x.shape[-1]
    a = jnp.tile(jnp.arange(x.shape[-2])[:, None] * 10000.0 ** (-jnp.arange(0, d, 2) / d), 2)
    return x * jnp.cos(a) + jnp.concatenate([-x[..., d // 2 :], x[..., : d // 2]], -1) * jnp.sin(a)


def rope_2d(x, side=7):
    a, b = jnp.split(x[..., : side * side, :], 2, -1)
    n = a.shape[-1]
    f = 100.0 ** (-jnp.arange(0, n, 2) / n)
    def turn(v, p):
        t = p[:, None] * f
        return jnp.concatenate([v[..., : n // 2] * jnp.cos(t) - v[..., n // 2 :] * jnp.sin(t),
            v[..., : n // 2] * jnp.sin(t) + v[..., n // 2 :] * jnp.cos(t)], -1)
    i = jnp.arange(side * side)
    return jnp.concatenate([turn(a, i // side), turn(b, i % side)], -1)


def attend(q, k, v, bias=0.0, mask=None, cap=None):
    s = q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5 + bias
    if cap:
        s = cap * jnp.tanh(s / cap)
    return jax.nn.softmax(s if mask is None else jnp.where(mask, s, -1e9)) @ v


Q = uniform(B, H, L, 16)
K, V = uniform(B, H, L, 16), uniform(B, H, L, 16)
I = np.arange(L)
CAUSAL = I[:, None] >= I


def alibi(q, k, v):
    slopes = 2.0 ** (-8 * jnp.arange(1, H + 1) / H)
    return attend(q, k, v, -slopes[:, None, None] * jnp.abs(I[:, None] - I), CAUSAL)


def grouped(q, k, v):
    """Six heads of queries over two of keys and values."""
    q = q.reshape(B, 2, 3, L, 16)
    s = jnp.einsum("bgrqd,bgkd->bgrqk", q, k[:, :2]) / 4
    return jnp.einsum("bgrqk,bgkd->bgrqd", jax.nn.softmax(jnp.where(CAUSAL, s, -jnp.inf)), v[:, :2]).reshape(B, H, L, 16)


def grouped_repeat(q, k, v):
    return attend(q, jnp.repeat(k[:, :2], 3, 1), jnp.repeat(v[:, :2], 3, 1), mask=CAUSAL)


def multi_query(q, k, v):
    return jnp.einsum("bhqk,bkd->bhqd", jax.nn.softmax(jnp.einsum("bhqd,bkd->bhqk", q, k[:, 0]) / 4), v[:, 0])


def relative_shift(q, k, v, r):
    """Scores by distance, as Transformer-XL shifts them."""
    s = jnp.einsum("bhqd,rd->bhqr", q, r)
    s = jnp.pad(s, ((0, 0), (0, 0), (0, 0), (1, 0))).reshape(B, H, L + 1, L)[:, :, 1:]
    return attend(q, k, v, s / 4, CAUSAL)


def relative_buckets(q, k, v, t):
    d = jnp.abs(I[:, None] - I)
    b = jnp.where(d < 8, d, jnp.minimum(8 + (jnp.log(jnp.maximum(d, 1) / 8) / np.log(16) * 8).astype(int), 15))
    return attend(q, k, v, t[b].transpose(2, 0, 1))


def linear(q, k, v):
    f = lambda x: jax.nn.elu(x) + 1
    kv = jnp.einsum("bhnd,bhne->bhde", f(k), v)
    return jnp.einsum("bhnd,bhde->bhne", f(q), kv) / jnp.einsum("bhnd,bhd->bhn", f(q), f(k).sum(2))[..., None]


def linear_causal(q, k, v):
    f = lambda x: jax.nn.elu(x) + 1
    s = jnp.cumsum(jnp.einsum("bhnd,bhne->bhnde", f(k), v), 2)
    return jnp.einsum("bhnd,bhnde->bhne", f(q), s) / jnp.einsum("bhnd,bhnd->bhn", f(q), jnp.cumsum(f(k), 2))[..., None]


def performer(q, k, v, p):
    f = lambda x: jnp.exp(x @ p / 2 - (x * x).sum(-1, keepdims=True) / 8) / 8
    return (f(q) @ (f(k).swapaxes(-1, -2) @ v)) / (f(q) @ f(k).sum(2)[..., None])


def blocks_local(q, k, v, n=11):
    cut = lambda x: x.reshape(B, H, L // n, n, 16)
    return attend(cut(q), cut(k), cut(v)).reshape(q.shape)


def neighbours(q, k, v, r=5):
    """A window by gathered keys."""
    i = jnp.clip(I[:, None] + jnp.arange(-r, r + 1), 0, L - 1)
    s = jnp.einsum("bhqd,bhqkd->bhqk", q, k[:, :, i]) / 4
    return jnp.einsum("bhqk,bhqkd->bhqd", jax.nn.softmax(s), v[:, :, i])


def top_attention(q, k, v, n=8):
    s = q @ k.swapaxes(-1, -2) / 4
    least = lax.top_k(s, n)[0][..., -1:]
    return jax.nn.softmax(jnp.where(s < least, -1e9, s)) @ v


def retention(q, k, v):
    g = 1 - 2.0 ** (-5 - jnp.arange(H))
    d = jnp.where(CAUSAL, g[:, None, None] ** (I[:, None] - I), 0)
    return (q @ k.swapaxes(-1, -2) * d) @ v


def delta_rule(q, k, v):
    k = k / jnp.linalg.norm(k, axis=-1, keepdims=True)
    def step(s, x):
        q, k, v = x
        s = s + jnp.einsum("bhd,bhe->bhde", k, 0.5 * (v - jnp.einsum("bhde,bhd->bhe", s, k)))
        return s, jnp.einsum("bhde,bhd->bhe", s, q)
    return lax.scan(step, jnp.zeros((B, H, 16, 16)), [x.transpose(2, 0, 1, 3) for x in (q, k, v)])[1]


def cross(x, c, wq, wk, wv, wo):
    y = attend(heads(x @ wq), heads(c @ wk), heads(c @ wv))
    return y.swapaxes(1, 2).reshape(x.shape) @ wo


def self_attention(x, qkv, wo, norm):
    q, k, v = (heads(t) for t in jnp.split(rms(x, norm) @ qkv, 3, -1))
    return x + attend(rope(q), rope(k), v, mask=CAUSAL).swapaxes(1, 2).reshape(x.shape) @ wo


def windows_2d(x, qkv, n=7):
    b, h, _, d = x.shape
    cut = x.reshape(b, h // n, n, h // n, n, d).transpose(0, 1, 3, 2, 4, 5).reshape(-1, n * n, d)
    q, k, v = (heads(t, 3) for t in jnp.split(cut @ qkv, 3, -1))
    y = attend(q, k, v).swapaxes(1, 2).reshape(b, h // n, h // n, n, n, d)
    return y.transpose(0, 1, 3, 2, 4, 5).reshape(x.shape)


def axial(x, a, b):
    q, k, v = jnp.split(x @ a, 3, -1)
    x = x + attend(q, k, v)
    q, k, v = jnp.split(x.swapaxes(1, 2) @ b, 3, -1)
    return x + attend(q, k, v).swapaxes(1, 2)


def pooled(x, q):
    return jnp.einsum("bld,bl->bd", x, jax.nn.softmax(x @ q))


def ring(q, k, v, n=7):
    """Blocks of keys one after another, with a running maximum and sum."""
    cut = lambda x: x.reshape(B, H, L // n, n, 16).transpose(2, 0, 1, 3, 4)
    def step(c, kv):
        m, s, a = c
        z = q @ kv[0].swapaxes(-1, -2) / 4
        new = jnp.maximum(m, z.max(-1, keepdims=True))
        p = jnp.exp(z - new)
        f = jnp.exp(m - new)
        return (new, s * f + p.sum(-1, keepdims=True), a * f + p @ kv[1]), None
    m, s, a = lax.scan(step, (jnp.full((B, H, L, 1), -jnp.inf), jnp.zeros((B, H, L, 1)), jnp.zeros_like(q)), (cut(k), cut(v)))[0]
    return a / s


def decode_step(x, qkv, kc, vc, n):
    """One token against a cache that it is written to."""
    q, k, v = (t.reshape(B, H, 1, 16) for t in jnp.split(x @ qkv, 3, -1))
    kc, vc = (lax.dynamic_update_slice(c, t, (0, 0, n, 0)) for c, t in ((kc, k), (vc, v)))
    return attend(q, kc, vc, mask=I <= n), kc, vc


def paged(q, kc, vc, table, length):
    """A cache in pages of 16 that a table names."""
    k, v = (c[table].reshape(B, -1, H, 16).swapaxes(1, 2) for c in (kc, vc))
    return attend(q, k, v, mask=(jnp.arange(k.shape[2]) < length[:, None])[:, None, None])


QKV = (Q, K, V)
ATTENTION = {
    "RoPE, pairs": (rope, Q), "RoPE, complex": (rope_complex, Q), "RoPE, halves": (rope_half, Q), "RoPE, two axes": (rope_2d, Q),
    "RoPE, pairs, f64": (rope, Q.astype(np.float64)),
    "RoPE, halves, bf16": (lambda x: rope_half(x.astype(jnp.float32)).astype(x.dtype), Q.astype(jnp.bfloat16)),
    "positions by sine": (lambda x: (a := I[:, None] * 10000.0 ** (-jnp.arange(0, D, 2) / D),
        x + jnp.stack([jnp.sin(a), jnp.cos(a)], -1).reshape(L, D))[1], TOKENS),
    "plain": (attend, *QKV),
    "ALiBi": (alibi, *QKV),
    "grouped": (grouped, *QKV),
    "grouped by repeat": (grouped_repeat, *QKV),
    "multi-query": (multi_query, *QKV),
    "window of 16": (lambda q, k, v: attend(q, k, v, mask=CAUSAL & (I[:, None] - I < 16)), *QKV),
    "prefix": (lambda q, k, v: attend(q, k, v, mask=CAUSAL | (I < 20)), *QKV),
    "padding": (lambda q, k, v, n: attend(q, k, v, mask=(I < n[:, None])[:, None, None]), *QKV, np.array([77, 40, 13], np.int32)),
    "segments": (lambda q, k, v, s: attend(q, k, v, mask=(s[:, :, None] == s[:, None, :])[:, None] & CAUSAL), *QKV,
        np.sort(integers(B, L, high=4), 1)),
    "capped": (lambda q, k, v: attend(q, k, v, mask=CAUSAL, cap=30.0), *QKV),
    "cosine": (lambda q, k, v: attend(*(x / jnp.linalg.norm(x, axis=-1, keepdims=True) * 8 for x in (q, k)), v), *QKV),
    "normed queries": (lambda q, k, v, g: attend(rms(q, g), rms(k, g), v), *QKV, uniform(16)),
    "sigmoid": (lambda q, k, v: jax.nn.sigmoid(q @ k.swapaxes(-1, -2) / 4 - 4) @ v, *QKV),
    "softmax plus one": (lambda q, k, v: (s := q @ k.swapaxes(-1, -2) / 4, m := jnp.maximum(s.max(-1, keepdims=True), 0),
        e := jnp.exp(s - m),
                                         (e / (e.sum(-1, keepdims=True) + jnp.exp(-m))) @ v)[3], *QKV),
    "sinks": (lambda q, k, v, s: jax.nn.softmax(jnp.concatenate([q @ k.swapaxes(-1, -2) / 4,
        jnp.broadcast_to(s[:, None, None], (B, H, L, 1))], -1))[..., :-1] @ v,
              *QKV, uniform(H)),
    "differential": (lambda q, k, v: attend(q[:, ::2], k[:, ::2], v[:, ::2]) - 0.5 * attend(q[:, 1::2], k[:, 1::2], v[:, ::2]), *QKV),
    "relative, shifted": (relative_shift, *QKV, uniform(L, 16)),
    "relative, buckets": (relative_buckets, *QKV, uniform(16, H)),
    "linear": (linear, *QKV), "linear, causal": (linear_causal, *QKV), "random features": (performer, *QKV, uniform(16, 64)),
    "blocks": (blocks_local, *QKV),
    "neighbours": (neighbours, *QKV),
    "of the best 8": (top_attention, *QKV),
    "retention": (retention, *QKV),
    "delta rule": (delta_rule, *QKV), "ring": (ring, *QKV),
    "cross": (cross, TOKENS, uniform(B, 33, 40), w(D, D), w(40, D), w(40, D), w(D, D)),
    "whole layer": (self_attention, TOKENS, w(D, 3 * D), w(D, D), uniform(D)),
    "windows of pictures": (windows_2d, uniform(2, 28, 28, 24), w(24, 72)),
    "axial": (axial, IMAGE, w(24, 72), w(24, 72)),
    "pooling": (pooled, TOKENS, w(D)),
    "decode, one token": (decode_step, uniform(B, D), w(D, 3 * D), K, V, np.int32(50)),
    "decode, pages": (paged, uniform(B, H, 1, 16), uniform(40, 16, H, 16), uniform(40, 16, H, 16), integers(B, 8, high=40),
        np.array([100, 37, 128], np.int32)),
    "additive": (lambda q, k, v, a: jax.nn.softmax(jnp.tanh(q[:, 0, :, None] + k[:, 0, None]) @ a) @ v[:, 0], *QKV, w(16)),
    "Gauss": (lambda q, k, v: jax.nn.softmax(-((q[:, :, :, None] - k[:, :, None]) ** 2).sum(-1) / 8) @ v, *QKV),
}


# State spaces


def mamba(x, a, b, c, d):
    """A selective scan by an associative one."""
    d = jax.nn.softplus(d)
    p = jnp.exp(d[..., None] * a)
    q = (d * x)[..., None] * b[:, :, None]
    h = lax.associative_scan(lambda l, r: (l[0] * r[0], l[1] * r[0] + r[1]), (p, q), axis=1)[1]
    return jnp.einsum("blds,bls->bld", h, c)


def mamba_scan(x, a, b, c, d):
    d = jax.nn.softplus(d)
    def step(h, v):
        x, b, c, d = v
        h = jnp.exp(d[..., None] * a) * h + (d * x)[..., None] * b[:, None]
        return h, (h * c[:, None]).sum(-1)
    return lax.scan(step, jnp.zeros((x.shape[0], *a.shape)), [t.swapaxes(0, 1) for t in (x, b, c, d)])[1]


def s4(u, a, b, c):
    """A diagonal state space as a convolution by FFT."""
    n = u.shape[1]
    k = 2 * (c * b * (jnp.exp(a * jnp.arange(n)[:, None])[:, None])).sum(-1).real
    return jnp.fft.irfft(jnp.fft.rfft(u, 2 * n, 1) * jnp.fft.rfft(k, 2 * n, 0), 2 * n, 1)[:, :n]


def lru(u, a, b):
    h = lax.associative_scan(lambda l, r: (l[0] * r[0], l[1] * r[0] + r[1]),
        (jnp.broadcast_to(jnp.exp(-jnp.exp(a) + 1j * b), (u.shape[1], a.size)), u[0] * (1 + 0j)))[1]
    return h.real


def mingru(x, a, b):
    z = jax.nn.sigmoid(x @ a)
    return lax.associative_scan(lambda l, r: (l[0] * r[0], l[1] * r[0] + r[1]), (1 - z, z * (x @ b)), axis=1)[1]


def rwkv(k, v, t, u):
    def step(c, kv):
        a, b, m = c
        k, v = kv
        n = jnp.maximum(m, u + k)
        out = (jnp.exp(m - n) * a + jnp.exp(u + k - n) * v) / (jnp.exp(m - n) * b + jnp.exp(u + k - n))
        n = jnp.maximum(m - jnp.exp(t), k)
        return (jnp.exp(m - jnp.exp(t) - n) * a + jnp.exp(k - n) * v, jnp.exp(m - jnp.exp(t) - n) * b + jnp.exp(k - n), n), out
    z = jnp.zeros_like(k[:, 0])
    return lax.scan(step, (z, z, z - 1e30), (k.swapaxes(0, 1), v.swapaxes(0, 1)))[1]


def chunked(q, k, v, a):
    """Gated linear attention in chunks of 11."""
    n = 11
    cut = lambda x: x.reshape(B, H, L // n, n, -1)
    q, k, v, a = cut(q), cut(k), cut(v), jnp.cumsum(-jax.nn.softplus(a).reshape(B, H, L // n, n), -1)
    inner = jnp.where(jnp.tril(jnp.ones((n, n), bool)), jnp.exp(a[..., :, None] - a[..., None, :]), 0)
    y = ((q @ k.swapaxes(-1, -2)) * inner) @ v
    s = jnp.einsum("bhcnd,bhcn,bhcne->bhcde", k, jnp.exp(a[..., -1:] - a), v)
    def step(h, x):
        s, d = x
        return h * jnp.exp(d)[..., None, None] + s, h
    h = lax.scan(step, jnp.zeros((B, H, 16, 16)), (s.transpose(2, 0, 1, 3, 4), a[..., -1].transpose(2, 0, 1)))[1]
    return y + jnp.einsum("bhcnd,bhcn,cbhde->bhcne", q, jnp.exp(a), h)


STATES = {
    "Mamba, associative": (mamba, TOKENS, -np.abs(uniform(D, 8)), uniform(B, L, 8), uniform(B, L, 8), uniform(B, L, D)),
    "Mamba, scan": (mamba_scan, TOKENS, -np.abs(uniform(D, 8)), uniform(B, L, 8), uniform(B, L, 8), uniform(B, L, D)),
    "S4 by FFT": (s4, TOKENS, (-np.abs(uniform(D, 16)) / 10 + 1j * uniform(D, 16)).astype(np.complex64)[0], uniform(D, 16), uniform(D, 16)),
    "LRU": (lru, TOKENS, uniform(D), uniform(D)), "minGRU": (mingru, TOKENS, w(D, D), w(D, D)),
    "RWKV": (rwkv, TOKENS, uniform(B, L, D), uniform(D), uniform(D)), "gated, chunked": (chunked, *QKV, uniform(B, H, L)),
    "quasi-recurrent": (lambda z, f: lax.scan(lambda c, v: (v[1] * c + (1 - v[1]) * v[0],) * 2, jnp.zeros((B, D)),
        (jnp.tanh(z).swapaxes(0, 1), jax.nn.sigmoid(f).swapaxes(0, 1)))[1],
                        TOKENS, uniform(B, L, D)),
    "echo state": (lambda x, a, b: lax.scan(lambda h, v: ((h := 0.7 * h + 0.3 * jnp.tanh(a @ h + b @ v)), h), jnp.zeros(100), x)[1],
        TOKENS[0], w(100, 100), w(D, 100).T.copy()),
    "neural ODE": (lambda x, a, b: lax.fori_loop(0, 10, lambda i,
        y: (k1 := jnp.tanh(y @ a) @ b, k2 := jnp.tanh((y + 0.05 * k1) @ a) @ b, y + 0.1 * k2)[2], x), FLAT, w(D, 64), w(64, D)),
    "equilibrium": (lambda x, a: lax.while_loop(lambda c: (jnp.abs(c[0] - c[1]).max() > 1e-4) & (c[2] < 30),
        lambda c: (jnp.tanh(c[0] @ a * 0.3 + x), c[0], c[2] + 1), (x, x + 1, 0))[0], FLAT, w(D, D)),
    "bidirectional": (lambda x, a, b: jnp.concatenate([lax.scan(lambda h, v: ((h := jnp.tanh(v @ a + h @ b)), h), jnp.zeros((B, 48)),
        x.swapaxes(0, 1), reverse=r)[1] for r in (False, True)], -1),
                      TOKENS, w(D, 48), w(48, 48)),
}

HALVES, SAVED = ["SwiGLU", "experts, dense", "low rank adapter", "mixer"], [
    "plain", "grouped", "ALiBi", "capped", "whole layer", "window of 16", "cross"]
for title, table in (("feed", FEED), ("attention", ATTENTION), ("state", STATES)):
    add_all(title, table)
    # JAX has no gradient of a while whose turns are not counted.
    add_all(f"grad {title}", table, [name for name in table if name not in ("equilibrium", "decode, pages")], gradients)
add_all("feed", FEED, HALVES, dtype=jnp.bfloat16)
add_all("grad feed", FEED, HALVES, gradients, jnp.bfloat16)
add_all("attention", ATTENTION, SAVED, dtype=jnp.bfloat16)
add_all("attention", ATTENTION, SAVED, dtype=jnp.float16)
add_all("remat feed", FEED, HALVES, lambda f: gradients(jax.checkpoint(f)))
add_all("remat attention", ATTENTION, SAVED, lambda f: gradients(jax.checkpoint(f)))

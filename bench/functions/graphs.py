"""Graphs, clouds of points, meshes, and tables of embeddings."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .inputs import weights as w
from .tables import add_all, gradients


N, M = 300, 1700
NODES, SEND, TAKE, EDGES = uniform(N, 32), integers(M, high=N), integers(M, high=N), uniform(M, 8)
sums = lambda x, i: jax.ops.segment_sum(x, i, N)


def gcn(x, s, r, k):
    d = lax.rsqrt(sums(jnp.ones(M), r) + 1)
    return d[:, None] * (sums((x @ k * d[:, None])[s], r) + x @ k * d[:, None])


def gat(x, s, r, k, a, b):
    h = (x @ k).reshape(N, 4, 8)
    e = jax.nn.leaky_relu((h * a).sum(-1)[s] + (h * b).sum(-1)[r], 0.2)
    e = jnp.exp(e - jax.ops.segment_max(e, r, N)[r])
    return (sums(e[..., None] * h[s], r) / (sums(e, r)[..., None] + 1e-9)).reshape(N, 32)


def message_passing(x, s, r, e, a, b, c):
    for _ in range(3):
        m = jax.nn.relu(jnp.concatenate([x[s], x[r], e], 1) @ a)
        x = x + jnp.tanh(jnp.concatenate([x, sums(m, r)], 1) @ b)
    return x.mean(0) @ c


def many_aggregations(x, s, r):
    m = x[s]
    n = jnp.maximum(sums(jnp.ones(M), r), 1)[:, None]
    mean = sums(m, r) / n
    high, low = jax.ops.segment_max(m, r, N), jax.ops.segment_min(m, r, N)
    y = jnp.concatenate([mean, jnp.where(jnp.isfinite(high), high, 0), jnp.where(jnp.isfinite(low), low, 0),
        jnp.sqrt(jax.nn.relu(sums(m * m, r) / n - mean**2) + 1e-5)], 1)
    return jnp.concatenate([y, y * jnp.log(n + 1)], 1)


def equivariant(x, p, s, r, a, b):
    d = p[s] - p[r]
    q = (d * d).sum(1, keepdims=True)
    m = jax.nn.silu(jnp.concatenate([x[s], x[r], q], 1) @ a)
    return sums(m, r), p + sums(d * (m @ b), r) / 10


def schnet(z, p, s, r, e, a):
    d = jnp.sqrt(((p[s] - p[r]) ** 2).sum(1) + 1e-6)
    f = jnp.exp(-10 * (d[:, None] - jnp.linspace(0, 5, 50)) ** 2) * (0.5 * (jnp.cos(jnp.pi * jnp.minimum(d, 5) / 5) + 1))[:, None]
    return sums(e[z][s] * (f @ a), r)


def nearest(x, k=16):
    d = ((x[:, None] - x[None]) ** 2).sum(-1)
    return lax.top_k(-d, k)[1]


def edge_conv(x, a):
    i = nearest(x[:, :3])
    return jax.nn.relu(jnp.concatenate([jnp.broadcast_to(x[:, None], (N, 16, 32)), x[i] - x[:, None]], -1) @ a).max(1)


def furthest(p, n=64):
    """Points one after another, each the furthest from those before."""
    def step(c, _):
        d, i = c
        d = jnp.minimum(d, ((p - p[i]) ** 2).sum(1))
        return (d, jnp.argmax(d)), i
    return lax.scan(step, (jnp.full(p.shape[0], 1e10), 0), None, length=n)[1]


def voxels(p, x):
    i = jnp.clip((p * 4 + 8).astype(int), 0, 15)
    g = jnp.zeros((16, 16, 16, x.shape[1])).at[i[:, 0], i[:, 1], i[:, 2]].add(x)
    return g / jnp.maximum(jnp.zeros((16, 16, 16)).at[i[:, 0], i[:, 1], i[:, 2]].add(1), 1)[..., None]


def icp(a, b):
    def step(a, _):
        m = b[((a[:, None] - b) ** 2).sum(-1).argmin(1)]
        ca, cb = a.mean(0), m.mean(0)
        u, _, v = jnp.linalg.svd((a - ca).T @ (m - cb))
        r = v.T @ u.T
        return (a - ca) @ r.T + cb, None
    return lax.scan(step, a, None, length=5)[0]


def bag(e, i, n):
    m = jnp.arange(i.shape[1]) < n[:, None]
    return jnp.where(m[..., None], e[i], 0).sum(1) / jnp.maximum(n, 1)[:, None]


def hashed(p, t):
    """A grid of several resolutions whose corners are hashed into tables."""
    out = []
    for l in range(4):
        q = (p + 2) * (8 * 1.5**l)
        f = jnp.floor(q).astype(jnp.uint32)
        u = q - f
        acc = 0
        for c in range(8):
            o = jnp.array([c & 1, c >> 1 & 1, c >> 2 & 1], jnp.uint32)
            h = (f + o) * jnp.array([1, 2654435761, 805459861], jnp.uint32)
            k = (h[:, 0] ^ h[:, 1] ^ h[:, 2]) % 4096
            acc += t[l][k] * jnp.prod(jnp.where(o == 1, u, 1 - u), 1, keepdims=True)
        out.append(acc)
    return jnp.concatenate(out, 1)


GRAPH = (NODES, SEND, TAKE)
CLOUD = uniform(700, 3)
GRAPHS = {
    "convolution": (gcn, *GRAPH, w(32, 32)), "attention": (gat, *GRAPH, w(32, 32), uniform(4, 8), uniform(4, 8)),
    "message passing": (message_passing, *GRAPH, EDGES, w(72, 48), w(80, 32), w(32, 5)), "many aggregations": (many_aggregations, *GRAPH),
    "SAGE": (lambda x, s, r, k: jax.nn.relu(jnp.concatenate([x, sums(x[s], r) / jnp.maximum(sums(jnp.ones(M), r), 1)[:, None]], 1) @ k),
        *GRAPH, w(64, 32)),
    "isomorphism": (lambda x, s, r, a, b: jax.nn.relu((1.1 * x + sums(x[s], r)) @ a) @ b, *GRAPH, w(32, 64), w(64, 32)),
    "equivariant": (equivariant, NODES, uniform(N, 3), SEND, TAKE, w(65, 32), w(32, 1)),
    "SchNet": (schnet, integers(N, high=20), uniform(N, 3), SEND, TAKE, uniform(20, 32), w(50, 32)),
    "by dense matrix": (lambda x, a, k: (d := lax.rsqrt(a.sum(1) + 1), jax.nn.relu((d[:, None] * a * d) @ (x @ k)))[1], NODES,
        (integers(N, N, high=20) == 0).astype(np.float32), w(32, 32)),
    "Chebyshev": (lambda x, a: functools.reduce(lambda c, _: (c[1], 2 * a @ c[1] - c[0]), range(4), (x, a @ x))[1], NODES, w(N, N)),
    "adjacency from edges": (lambda s, r: jnp.zeros((N, N), bool).at[s, r].set(True), SEND, TAKE),
    "pooling of graphs": (lambda x, b: jax.ops.segment_sum(x, b, 20) / jnp.maximum(jnp.bincount(b, length=20), 1)[:, None], NODES,
        np.sort(integers(N, high=20))),
    "labels spread": (lambda y, s, r: lax.fori_loop(0, 20, lambda i,
        p: 0.9 * sums(p[s], r) / jnp.maximum(sums(jnp.ones(M), r), 1)[:, None] + 0.1 * y, y), uniform(N, 7), SEND, TAKE),
    "components": (lambda s, r: lax.fori_loop(0, 20, lambda i, c: c.at[r].min(c[s]).at[s].min(c[r]), jnp.arange(N)), SEND, TAKE),
    "Bellman-Ford": (lambda s, r, c: lax.fori_loop(0, 30, lambda i, d: d.at[r].min(d[s] + c), jnp.full(N, jnp.inf).at[0].set(0)), SEND,
        TAKE, np.abs(uniform(M))),
    "breadth first": (lambda s, r: lax.while_loop(lambda c: c[1].any() & (c[2] < 50),
        lambda c: (n := jnp.zeros(N, bool).at[r].max(c[1][s]) & (c[0] < 0), (jnp.where(n, c[2] + 1, c[0]), n, c[2] + 1))[1],
                                             (jnp.full(N, -1).at[0].set(0), jnp.zeros(N, bool).at[0].set(True), 0))[0], SEND, TAKE),
    "random walks": (lambda t, k: lax.scan(lambda c, k: (n := t[c, jax.random.randint(k, c.shape, 0, 8)], (n, n))[1], jnp.arange(N),
        jax.random.split(k, 20))[1], integers(N, 8, high=N), np.array([1, 2], np.uint32)),
    "triangles": (lambda a: jnp.trace(a @ a @ a) / 6, (integers(N, N, high=20) == 0).astype(np.float32)),
    "edge convolution": (edge_conv, NODES, w(64, 32)),
    "points, nearest": (nearest, CLOUD),
    "points, furthest": (furthest, CLOUD),
    "points, voxels": (voxels, CLOUD, uniform(700, 4)),
    "points, PointNet": (lambda x, a, b: jax.nn.relu(jax.nn.relu(x @ a) @ b).max(0), CLOUD, w(3, 64), w(64, 128)),
    "points, ball": (lambda p: (d := ((p[:100, None] - p) ** 2).sum(-1), i := jnp.where(d < 0.5, jnp.arange(700), 700),
        p[jnp.minimum(jnp.sort(i, 1)[:, :32], 699)] - p[:100, None])[2], CLOUD),
    "points, aligned": (icp, CLOUD[:200].copy(), uniform(200, 3)),
    "points, normals": (lambda p: (q := p[nearest(p[:200], 8)], q := q - q.mean(1, keepdims=True),
        jnp.linalg.eigh(jnp.einsum("nki,nkj->nij", q, q))[1][:, :, 0])[2], CLOUD),
    "points, rotated": (lambda p, q: (r := q / jnp.linalg.norm(q, axis=1, keepdims=True), w := r[:, :1], v := r[:, 1:],
        p + 2 * jnp.cross(v, jnp.cross(v, p) + w * p))[3], CLOUD, uniform(700, 4)),
    "points, projected": (lambda p, m: (h := jnp.concatenate([p, jnp.ones((700, 1))], 1) @ m.T, h[:, :2] / (jnp.abs(h[:, 2:]) + 1))[1],
        CLOUD, uniform(3, 4)),
    "points, depth buffer": (lambda p: jnp.full((64, 64), jnp.inf).at[(p[:, 0] * 15 + 32).astype(int),
        (p[:, 1] * 15 + 32).astype(int)].min(p[:, 2]), CLOUD),
    "mesh, normals of vertices": (lambda v, f: (t := v[f], n := jnp.cross(t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]),
        m := jnp.zeros_like(v).at[f].add(n[:, None]), m / (jnp.linalg.norm(m, axis=1, keepdims=True) + 1e-9))[3], CLOUD,
        integers(1300, 3, high=700)),
    "table, bag": (bag, uniform(2000, 40), integers(129, 30, high=2000), integers(129, high=30)),
    "table, bag by segments": (lambda e, i, s: jax.ops.segment_sum(e[i], s, 100), uniform(2000, 40), integers(1500, high=2000),
        np.sort(integers(1500, high=100))),
    "table, many fields": (lambda e, i: jnp.concatenate([e[f][i[:, f]] for f in range(8)], 1), uniform(8, 300, 16),
        integers(256, 8, high=300)),
    "table, fields by vmap": (lambda e, i: jax.vmap(lambda e, i: e[i], (0, 1), 1)(e, i).reshape(256, -1), uniform(8, 300, 16),
        integers(256, 8, high=300)),
    "table, interactions": (lambda e, i: (v := e[i], jnp.einsum("bfd,bgd->bfg", v, v)[:, *jnp.triu_indices(8, 1)])[1], uniform(2000, 16),
        integers(256, 8, high=2000)),
    "table, hashed grid": (hashed, CLOUD, uniform(4, 4096, 2)),
    "table, codes of products": (lambda c, t: jnp.take_along_axis(t[None], c[:, :, None].astype(int), 2).sum((1, 2)),
        integers(5000, 8, high=256, dtype=np.uint8), uniform(8, 256)),
    "table, codes to vectors": (lambda c, t: t[jnp.arange(8), c.astype(int)].reshape(3000, -1), integers(3000, 8, high=256, dtype=np.uint8),
        uniform(8, 256, 4)),
}

add_all("graph", GRAPHS)
SMOOTH = [name for name, (_, x, *_) in GRAPHS.items() if x.dtype == np.float32 and name not in (
    "points, nearest", "points, furthest", "points, normals", "points, aligned")]
add_all("grad graph", GRAPHS, SMOOTH, gradients)

"""Steps of optimisers over a tree of parameters, second-order and derivative-free methods."""

import jax
import jax.numpy as jnp
import jax.flatten_util
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .tables import add_all

SHAPES = {"embed": (301, 48),
"w1": (48, 129),
"b1": (129,),
"w2": (129, 48),
"b2": (48,),
"scale": (48,),
"conv": (3, 3, 5, 16),
"head": (48, 11)}
tree = lambda low=-2.0, high=2.0, dtype=np.float32: {k: uniform(*s, low=low, high=high).astype(dtype) for k, s in SHAPES.items()}
PARAMETERS, GRADIENTS, FIRST, SECOND = tree(), tree(), tree(), tree(low=0.0)
each = jax.tree.map


def global_norm(g):
    return jnp.sqrt(sum((x * x).sum() for x in jax.tree.leaves(g)))


def clipped(g, limit=1.0):
    n = global_norm(g)
    return each(lambda x: x * jnp.minimum(1, limit / (n + 1e-6)), g)


def adam(p, g, m, v, t=7.0, decay=0.0):
    m = each(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = each(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    return each(lambda p, m, v: p - 1e-3 * (m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8) + decay * p), p, m, v), m, v


def nadam(p, g, m, v):
    m = each(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = each(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    return each(lambda p, m, v, g: p - 1e-3 * (0.9 * m + 0.1 * g) / (jnp.sqrt(v) + 1e-8), p, m, v, g), m, v


def amsgrad(p, g, m, v, top):
    p2, m, v = adam(p, g, m, v)
    top = each(jnp.maximum, top, v)
    return each(lambda p, m, v: p - 1e-3 * m / (jnp.sqrt(v) + 1e-8), p, m, top), m, v, top


def adabelief(p, g, m, v):
    m = each(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = each(lambda v, g, m: 0.999 * v + 0.001 * (g - m) ** 2 + 1e-16, v, g, m)
    return each(lambda p, m, v: p - 1e-3 * m / (jnp.sqrt(v) + 1e-8), p, m, v), m, v


def lamb(p, g, m, v):
    _, m, v = adam(p, g, m, v)
    def one(p, m, v):
        u = m / (jnp.sqrt(v) + 1e-6) + 0.01 * p
        a, b = jnp.linalg.norm(p), jnp.linalg.norm(u)
        return p - 1e-3 * jnp.where(a > 0, jnp.where(b > 0, a / b, 1), 1) * u
    return each(one, p, m, v), m, v


def lars(p, g, m):
    def one(p, g, m):
        g = g + 1e-4 * p
        trust = 0.001 * jnp.linalg.norm(p) / (jnp.linalg.norm(g) + 1e-9)
        m = 0.9 * m + trust * g
        return p - 0.1 * m, m
    return each(one, p, g, m)


def adafactor(p, g):
    """The second moment of a matrix as the product of its rows' and its columns' means."""
    def one(p, g):
        s = g * g + 1e-30
        v = s if g.ndim < 2 else s.mean(-1, keepdims=True) * s.mean(-2, keepdims=True) / s.mean((-1, -2), keepdims=True)
        u = g * lax.rsqrt(v)
        u = u / jnp.maximum(1, jnp.sqrt((u * u).mean()))
        return p - 1e-2 * jnp.maximum(1e-3, jnp.sqrt((p * p).mean())) * u
    return each(one, p, g)


def shampoo(p, g, l, r):
    """A matrix between the inverse fourth roots of its statistics."""
    l, r = l + g @ g.T, r + g.T @ g
    def root(a):
        w, q = jnp.linalg.eigh(a + 1e-4 * jnp.eye(a.shape[0]))
        return (q * jnp.maximum(w, 1e-6) ** -0.25) @ q.T
    return p - 0.1 * root(l) @ g @ root(r), l, r


def inverse_root(a):
    """The inverse fourth root by Newton's coupled iteration."""
    n = a.shape[0]
    z = 5 / (2 * jnp.linalg.norm(a))
    def step(i, c):
        m, h = c
        t = (5 * jnp.eye(n) - m) / 4
        return jnp.linalg.matrix_power(t, 4) @ m, h @ t
    return lax.fori_loop(0, 12, step, (a * z, jnp.eye(n) * z**0.25))[1]


def muon(g):
    """Orthogonalised by five steps of Newton and Schulz."""
    x = g / (jnp.linalg.norm(g) + 1e-7)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.775 * a + 2.0315 * a @ a) @ x
    return x


def sam(p, x, y):
    loss = lambda p: ((jnp.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"] - y) ** 2).mean()
    g = jax.grad(loss)(p)
    n = global_norm(g)
    return each(lambda p, g: p - 0.1 * g, p, jax.grad(loss)(each(lambda p, g: p + 0.05 * g / n, p, g)))


def agc(p, g):
    norm = lambda x: jnp.linalg.norm(x.reshape(-1, x.shape[-1]), axis=0) if x.ndim > 1 else jnp.abs(x)
    return each(lambda p, g: g * jnp.minimum(1, 0.01 * jnp.maximum(norm(p), 1e-3) / jnp.maximum(norm(g), 1e-6)), p, g)


def lion(p, g, m):
    return each(lambda p, g, m: p - 1e-4 * (jnp.sign(0.9 * m + 0.1 * g) + 0.1 * p), p, g, m), each(lambda g, m: 0.99 * m + 0.01 * g, g, m)


def mixed(p, g, m, v):
    """Parameters in bf16, moments and arithmetic in f32, skipped where a gradient is not finite."""
    g = each(lambda g: g.astype(jnp.float32) / 1024, g)
    good = jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves(g)]).all()
    new, m2, v2 = adam(p, g, m, v)
    pick = lambda a, b: each(lambda a, b: jnp.where(good, a, b), a, b)
    return each(lambda p: p.astype(jnp.bfloat16), pick(new, p)), pick(m2, m), pick(v2, v)


def eight_bits(p, g, codes, scales):
    """A first moment kept as bytes with a scale for each block of 64."""
    m = (codes.astype(jnp.float32) * scales[:, None] / 127).reshape(p.shape)
    m = 0.9 * m + 0.1 * g
    blocks = m.reshape(-1, 64)
    s = jnp.abs(blocks).max(1)
    return p - 0.01 * m, jnp.round(blocks / s[:, None] * 127).astype(jnp.int8), s


def lbfgs(g, s, y):
    """The direction of L-BFGS by its two loops."""
    rho = 1 / (s * y).sum(1)
    def back(q, v):
        s, y, r = v
        a = r * s @ q
        return q - a * y, a
    q, a = lax.scan(back, g, (s, y, rho), reverse=True)
    q = q * (s[-1] @ y[-1]) / (y[-1] @ y[-1])
    return -lax.scan(lambda q, v: (q + v[0] * (v[3] - v[2] * v[1] @ q), 0), q, (s, y, rho, a))[0]


def sophia(p, g, m, h):
    m = each(lambda m, g: 0.96 * m + 0.04 * g, m, g)
    return each(lambda p, m, h: p - 1e-3 * jnp.clip(m / jnp.maximum(0.05 * h, 1e-12), -1, 1), p, m, h), m


def gauss_newton(w, x, y):
    f = lambda w: jnp.tanh(x @ w) - y
    j, r = jax.jacfwd(f)(w), f(w)
    return w - jnp.linalg.solve(j.T @ j + 0.1 * jnp.eye(w.size), j.T @ r)


def logistic_newton(w, x, y):
    loss = lambda w: jnp.logaddexp(0, -y * (x @ w)).mean() + 0.01 * w @ w
    return lax.fori_loop(0, 5, lambda i, w: w - jnp.linalg.solve(jax.hessian(loss)(w), jax.grad(loss)(w)), w)


def lasso(a, b):
    step = 1 / (a * a).sum()
    def one(_, c):
        x, z, t = c
        v = z - step * a.T @ (a @ z - b)
        new = jnp.sign(v) * jnp.maximum(jnp.abs(v) - 0.1 * step, 0)
        u = (1 + jnp.sqrt(1 + 4 * t * t)) / 2
        return new, new + (t - 1) / u * (new - x), u
    x = jnp.zeros(a.shape[1])
    return lax.fori_loop(0, 100, one, (x, x, 1.0))[0]


def coordinate_descent(a, b):
    n = (a * a).sum(0)
    def one(j, c):
        x, r = c
        v = x[j] + a[:, j] @ r / n[j]
        v = jnp.sign(v) * jnp.maximum(jnp.abs(v) - 0.5 / n[j], 0)
        return x.at[j].set(v), r - a[:, j] * (v - x[j])
    return lax.fori_loop(0, 10, lambda _, c: lax.fori_loop(0, a.shape[1], one, c), (jnp.zeros(a.shape[1]), b))[0]


def admm(a, b):
    q = jnp.linalg.cholesky(a.T @ a + jnp.eye(a.shape[1]))
    def one(_, c):
        z, u = c
        x = jax.scipy.linalg.cho_solve((q, True), a.T @ b + z - u)
        z = jnp.sign(x + u) * jnp.maximum(jnp.abs(x + u) - 0.1, 0)
        return z, u + x - z
    return lax.fori_loop(0, 50, one, (jnp.zeros(a.shape[1]),) * 2)[0]


def nelder_mead(x):
    f = lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()
    def one(_, s):
        v = jax.vmap(f)(s)
        s = s[jnp.argsort(v)]
        c = s[:-1].mean(0)
        r, e = 2 * c - s[-1], 3 * c - 2 * s[-1]
        k = jnp.where(f(r) < f(s[-1]), (c + r) / 2, (c + s[-1]) / 2)
        best, worst, fr = f(s[0]), f(s[-2]), f(r)
        new = jnp.where(fr < best, jnp.where(f(e) < fr, e, r), jnp.where(fr < worst, r, k))
        return jnp.where((fr >= worst) & (f(k) > f(s[-1])), s.at[1:].set((s[1:] + s[0]) / 2), s.at[-1].set(new))
    return lax.fori_loop(0, 100, one, x)


def swarm(key):
    f = lambda x: (x**2 - 10 * jnp.cos(2 * jnp.pi * x)).sum(-1)
    def one(c, k):
        x, v, best, least = c
        a, b = jax.random.uniform(k, (2, *x.shape))
        g = best[jnp.argmin(least)]
        v = 0.7 * v + 1.5 * a * (best - x) + 1.5 * b * (g - x)
        x = x + v
        n = f(x)
        return (x, v, jnp.where((n < least)[:, None], x, best), jnp.minimum(n, least)), least.min()
    x = jax.random.normal(key, (64, 5))
    return lax.scan(one, (x, x * 0, x, f(x)), jax.random.split(key, 50))[1]


def genetic(key):
    def one(c, k):
        x = c
        a, b, d = jax.random.split(k, 3)
        score = (x * jnp.arange(20)).sum(1)
        parents = x[lax.top_k(score, 16)[1]]
        i = jax.random.randint(a, (2, 64), 0, 16)
        mask = jax.random.bernoulli(b, 0.5, (64, 20))
        return jnp.where(mask, parents[i[0]], parents[i[1]]) ^ jax.random.bernoulli(d, 0.02, (64, 20)), score.max()
    return lax.scan(one, jnp.zeros((64, 20), bool), jax.random.split(key, 50))[1]


HALF = lambda t: each(lambda x: x.astype(jnp.bfloat16), t)
OPTIMISERS = {
    "SGD": (lambda p, g: each(lambda p, g: p - 0.1 * g, p, g), PARAMETERS, GRADIENTS),
    "momentum": (lambda p, g, m: (m := each(lambda m, g: 0.9 * m + g, m, g), each(lambda p, m: p - 0.1 * m, p, m)), PARAMETERS, GRADIENTS,
        FIRST),
    "Nesterov": (lambda p, g, m: (m := each(lambda m, g: 0.9 * m + g, m, g), each(lambda p, m, g: p - 0.1 * (g + 0.9 * m), p, m, g)),
                 PARAMETERS, GRADIENTS, FIRST),
    "RMSprop": (lambda p, g, v: (v := each(lambda v, g: 0.9 * v + 0.1 * g * g, v, g),
        each(lambda p, v, g: p - 0.01 * g * lax.rsqrt(v + 1e-8), p, v, g)),
                PARAMETERS, GRADIENTS, SECOND),
    "Adagrad": (lambda p, g, v: (v := each(lambda v, g: v + g * g, v, g),
        each(lambda p, v, g: p - 0.01 * g / (jnp.sqrt(v) + 1e-10), p, v, g)),
                PARAMETERS, GRADIENTS, SECOND),
    "Adadelta": (lambda p, g, v, d: (v := each(lambda v, g: 0.9 * v + 0.1 * g * g, v, g),
        u := each(lambda v, d, g: g * jnp.sqrt((d + 1e-6) / (v + 1e-6)), v, d, g),
                                     each(lambda d, u: 0.9 * d + 0.1 * u * u, d, u), each(jnp.subtract, p, u)), PARAMETERS, GRADIENTS,
                                         SECOND, SECOND),
    "Adam": (adam, PARAMETERS, GRADIENTS, FIRST, SECOND),
    "AdamW, clipped": (lambda p, g, m, v: adam(p, clipped(g), m, v, decay=0.01), PARAMETERS, GRADIENTS, FIRST, SECOND),
    "Adamax": (lambda p, g, m, v: (m := each(lambda m, g: 0.9 * m + 0.1 * g, m, g),
        v := each(lambda v, g: jnp.maximum(0.999 * v, jnp.abs(g)), v, g),
                                   each(lambda p, m, v: p - 0.002 * m / v, p, m, v)), PARAMETERS, GRADIENTS, FIRST, SECOND),
    "Nadam": (nadam, PARAMETERS, GRADIENTS, FIRST, SECOND),
    "AMSGrad": (amsgrad, PARAMETERS, GRADIENTS, FIRST, SECOND, SECOND),
    "AdaBelief": (adabelief, PARAMETERS, GRADIENTS, FIRST, SECOND),
    "LAMB": (lamb, PARAMETERS, GRADIENTS, FIRST, SECOND),
    "LARS": (lars, PARAMETERS, GRADIENTS, FIRST),
    "Lion": (lion, PARAMETERS, GRADIENTS, FIRST),
    "Adafactor": (adafactor, PARAMETERS, GRADIENTS),
    "Sophia": (sophia, PARAMETERS, GRADIENTS, FIRST, SECOND),
    "Shampoo": (shampoo, PARAMETERS["w1"], GRADIENTS["w1"], np.eye(48, dtype=np.float32), np.eye(129, dtype=np.float32)),
    "inverse fourth root": (inverse_root, (lambda a: a @ a.T + np.eye(65, dtype=np.float32))(uniform(65, 65))),
    "Muon": (muon, GRADIENTS["w1"]),
    "Muon, bf16": (muon, GRADIENTS["w1"].astype(jnp.bfloat16)),
    "sharpness aware": (sam, {k: 0.1 * PARAMETERS[k] for k in ("w1", "b1", "w2", "b2")}, uniform(64, 48), uniform(64, 48)),
    "global norm": (global_norm, GRADIENTS),
    "clip by global norm": (clipped, GRADIENTS),
    "clip by unit": (agc, PARAMETERS, GRADIENTS),
    "clip by value": (lambda g: each(lambda x: jnp.clip(x, -1, 1), g), GRADIENTS),
    "centralise": (lambda g: each(lambda x: x - x.mean(tuple(range(x.ndim - 1)), keepdims=True) if x.ndim > 1 else x, g), GRADIENTS),
    "exponential mean": (lambda p, m: each(lambda p, m: 0.999 * m + 0.001 * p, p, m), PARAMETERS, FIRST),
    "mixed precision": (mixed, PARAMETERS, HALF(GRADIENTS), FIRST, SECOND),
    "Adam, bf16": (adam, HALF(PARAMETERS), HALF(GRADIENTS), HALF(FIRST), HALF(SECOND)),
    "moments of 8 bits": (eight_bits, uniform(512, 130), uniform(512, 130), integers(1040, 64, low=-127, high=128, dtype=np.int8),
        np.abs(uniform(1040))),
    "accumulate": (lambda a, g: each(lambda a, g: a + g.astype(jnp.float32) / 8, a, g), FIRST, HALF(GRADIENTS)),
    "ravel and unravel": (lambda t: jax.flatten_util.ravel_pytree(t)[1](jax.flatten_util.ravel_pytree(t)[0] * 2), PARAMETERS),
    "finite": (lambda g: jnp.stack([jnp.isfinite(x).all() for x in jax.tree.leaves(g)]).all(), GRADIENTS),
    "norms of all": (lambda g: each(jnp.linalg.norm, g), GRADIENTS),
    "soft update and difference": (lambda a, b: (each(lambda a, b: a + 0.005 * (b - a), a, b),
        sum(jnp.abs(a - b).max() for a, b in zip(a.values(), b.values()))),
                                   PARAMETERS, FIRST),
    "L-BFGS direction": (lbfgs, uniform(1000), uniform(10, 1000), uniform(10, 1000)),
    "Gauss-Newton": (gauss_newton, uniform(20), uniform(300, 20), uniform(300)),
    "logistic Newton": (logistic_newton, uniform(12) * 0.1, uniform(200, 12), np.sign(uniform(200))),
    "lasso by FISTA": (lasso, uniform(100, 60), uniform(100)),
    "lasso by coordinates": (coordinate_descent, uniform(100, 60), uniform(100)),
    "lasso by ADMM": (admm, uniform(100, 60), uniform(100)),
    "Nelder-Mead": (nelder_mead, uniform(6, 5)),
    "particle swarm": (swarm, np.array([1, 2], np.uint32)),
    "genetic": (genetic, np.array([1, 2], np.uint32)),
    "projection to the simplex": (lambda x: (u := -jnp.sort(-x, 1), c := (jnp.cumsum(u, 1) - 1) / jnp.arange(1, 102),
        k := (u > c).sum(1) - 1,
                                             jnp.maximum(x - jnp.take_along_axis(c, k[:, None], 1), 0))[3], uniform(257, 101)),
}

add_all("optimiser", OPTIMISERS)

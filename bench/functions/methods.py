"""Numerical methods: quadrature, interpolation, roots, prices, fits, Gaussian processes, clusters, graphs as matrices, filters, solvers, rays."""

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .tables import add_all, gradient

KEY = np.array([1, 2], np.uint32)
wide = lambda a: a.astype(np.float64)
G = np.sort(uniform(60))
X1 = uniform(800)


def trapezoid(f, n):
    return lambda a: (x := jnp.linspace(0, 1, n), jnp.trapezoid(f(x, a), x))[1]


def thomas_spline(x, y):
    """Second derivatives of the natural cubic spline."""
    h = jnp.diff(x)
    r = 6 * jnp.diff(jnp.diff(y) / h)
    z = jnp.zeros(1, y.dtype)
    m = lax.linalg.tridiagonal_solve(jnp.concatenate([z, h[1:-1]]), 2 * (h[1:] + h[:-1]), jnp.concatenate([h[1:-1], z]), r[:, None])[:, 0]
    return jnp.concatenate([z, m, z])


def spline(x, y, q):
    m = thomas_spline(x, y)
    i = jnp.clip(jnp.searchsorted(x, q) - 1, 0, x.size - 2)
    h = x[i + 1] - x[i]
    a, b = (x[i + 1] - q) / h, (q - x[i]) / h
    return a * y[i] + b * y[i + 1] + ((a**3 - a) * m[i] + (b**3 - b) * m[i + 1]) * h * h / 6


def catmull(p, t):
    i = jnp.clip(t.astype(int), 1, p.shape[0] - 3)
    u = (t - i)[:, None]
    a, b, c, d = p[i - 1], p[i], p[i + 1], p[i + 2]
    return 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)


def bezier(p, t):
    while p.shape[0] > 1:
        p = (1 - t)[:, None, None] * p[..., :-1, :] + t[:, None, None] * p[..., 1:, :] if p.ndim == 3 else p
        if p.ndim == 2:
            p = jnp.broadcast_to(p, (t.size, *p.shape))
        if p.shape[1] == 1:
            break
    return p[:, 0]


def bsplines(x, k=3, n=12):
    t = jnp.linspace(-3, 3, n + k + 1)
    b = ((x[:, None] >= t[:-1]) & (x[:, None] < t[1:])).astype(x.dtype)
    for d in range(1, k + 1):
        b = (x[:, None] - t[: -d - 1]) / (t[d:-1] - t[: -d - 1]) * b[:, :-1] + (t[d + 1 :] - x[:, None]) / (t[d + 1 :] - t[1:-d]) * b[:, 1:]
    return b


def barycentric(y, q):
    n = y.size
    x = jnp.cos(jnp.pi * jnp.arange(n) / (n - 1))
    w = (-1.0) ** jnp.arange(n) * jnp.ones(n).at[0].set(0.5).at[-1].set(0.5)
    c = w / (q[:, None] - x + 1e-7)
    return c @ y / c.sum(1)


def clenshaw(c, x):
    a, b = jnp.zeros_like(x), jnp.zeros_like(x)
    for k in c[::-1]:
        a, b = 2 * x * a - b + k, a
    return a - x * b


def newton_lanes(f, x, n=8):
    d = jax.vmap(jax.grad(f))
    return lax.fori_loop(0, n, lambda i, x: x - jax.vmap(f)(x) / d(x), x)


def implied_volatility(s, c):
    """Newton's method on the price of Black and Scholes."""
    price = lambda v: black_scholes(s, v)
    return lax.fori_loop(0, 6, lambda i, v: jnp.clip(v - (price(v) - c) / jnp.maximum(jax.jvp(price, (v,), (jnp.ones_like(v),))[1], 1e-3),
        0.01, 3), jnp.full_like(s, 0.5))


def black_scholes(s, v, k=1.0, t=1.0, r=0.02):
    a = (jnp.log(s / k) + (r + v * v / 2) * t) / (v * jnp.sqrt(t))
    n = jsp.stats.norm.cdf
    return s * n(a) - k * jnp.exp(-r * t) * n(a - v * jnp.sqrt(t))


def binomial_tree(s, n=100):
    u = np.exp(0.2 / np.sqrt(n))
    p = (np.exp(0.02 / n) - 1 / u) / (u - 1 / u)
    k = jnp.arange(n + 1)
    v = jnp.maximum(1 - s * u ** (2.0 * k - n), 0)
    return lax.fori_loop(0, n, lambda i, v: jnp.maximum(np.exp(-0.02 / n) * (p * jnp.concatenate([v[1:], v[-1:]]) + (1 - p) * v), 0), v)[0]


def asian(k):
    z = jax.random.normal(k, (500, 60))
    s = jnp.exp(jnp.cumsum(0.02 * z, 1))
    return jnp.maximum(s.mean(1) - 1, 0).mean()


def heston(k):
    def step(c, k):
        s, v = c
        a, b = jax.random.normal(k, (2, 1000))
        v0 = jnp.maximum(v, 0)
        return (s * jnp.exp(-0.5 * v0 * 0.02 + jnp.sqrt(v0 * 0.02) * a),
            v + 2 * (0.04 - v0) * 0.02 + 0.3 * jnp.sqrt(v0 * 0.02) * (-0.7 * a + 0.71 * b)), None
    return jnp.maximum(lax.scan(step, (jnp.ones(1000), jnp.full(1000, 0.04)), jax.random.split(k, 50))[0][0] - 1, 0).mean()


def longstaff(k):
    s = jnp.exp(jnp.cumsum(0.05 * jax.random.normal(k, (500, 10)), 1))
    v = jnp.maximum(1 - s[:, -1], 0)
    for t in range(8, -1, -1):
        a = jnp.stack([jnp.ones(500), s[:, t], s[:, t] ** 2], 1)
        c = a @ jnp.linalg.solve(a.T @ a, a.T @ v)
        v = jnp.where(1 - s[:, t] > c, 1 - s[:, t], v) * 0.99
    return v.mean()


def rbf(a, b, s=1.0):
    return jnp.exp(-0.5 * ((a[:, None] - b) ** 2).sum(-1) / s**2)


def matern(a, b):
    r = jnp.sqrt(((a[:, None] - b) ** 2).sum(-1) + 1e-12) * np.sqrt(5)
    return (1 + r + r * r / 3) * jnp.exp(-r)


def process(x, y, q):
    l = jnp.linalg.cholesky(rbf(x, x) + 0.1 * jnp.eye(x.shape[0]))
    k = rbf(q, x)
    v = jsp.linalg.solve_triangular(l, k.T, lower=True)
    return k @ jsp.linalg.cho_solve((l, True), y), 1 - (v * v).sum(0)


def likelihood(p, x, y):
    l = jnp.linalg.cholesky(jnp.exp(p[0]) * rbf(x, x, jnp.exp(p[1])) + jnp.exp(p[2]) * jnp.eye(x.shape[0]))
    a = jsp.linalg.solve_triangular(l, y, lower=True)
    return 0.5 * a @ a + jnp.log(jnp.diagonal(l)).sum()


def mixture(x, m):
    """Ten turns of expectation and maximisation for round Gaussians."""
    def step(_, c):
        m, v, w = c
        r = jax.nn.softmax(jnp.log(w) - 0.5 * ((x[:, None] - m) ** 2).sum(-1) / v - 0.5 * x.shape[1] * jnp.log(v))
        n = r.sum(0) + 1e-6
        m = r.T @ x / n[:, None]
        return m, (r * ((x[:, None] - m) ** 2).sum(-1)).sum(0) / n / x.shape[1] + 1e-3, n / x.shape[0]
    return lax.fori_loop(0, 10, step, (m, jnp.ones(m.shape[0]), jnp.full(m.shape[0], 1 / m.shape[0])))


def mixture_full(x, m):
    k, d = m.shape
    def step(_, c):
        m, s = c
        l = jnp.linalg.cholesky(s)
        z = jax.vmap(lambda l, m: jsp.linalg.solve_triangular(l, (x - m).T, lower=True))(l, m)
        r = jax.nn.softmax(-0.5 * (z * z).sum(1) - jnp.log(jnp.diagonal(l, axis1=1, axis2=2)).sum(1)[:, None], 0)
        n = r.sum(1)[:, None] + 1e-6
        m = r @ x / n
        e = x - m[:, None]
        return m, jnp.einsum("kn,kni,knj->kij", r, e, e) / n[:, :, None] + 0.01 * jnp.eye(d)
    return lax.fori_loop(0, 5, step, (m, jnp.broadcast_to(jnp.eye(d), (k, d, d))))


def k_means(x, c):
    def step(_, c):
        a = ((x * x).sum(1)[:, None] - 2 * x @ c.T + (c * c).sum(1)).argmin(1)
        return jax.ops.segment_sum(x, a, c.shape[0]) / jnp.maximum(jax.ops.segment_sum(jnp.ones(x.shape[0]), a, c.shape[0]), 1)[:, None]
    return lax.fori_loop(0, 10, step, c)


def neighbours(x, q, y, k=7):
    d = ((q[:, None] - x) ** 2).sum(-1)
    i = lax.top_k(-d, k)[1]
    return jax.nn.one_hot(y[i], 10).sum(1).argmax(1)


def tsne(y, p):
    d = ((y[:, None] - y) ** 2).sum(-1)
    q = (1 / (1 + d)) * (1 - jnp.eye(y.shape[0]))
    q = q / q.sum()
    return (p * jnp.log((p + 1e-12) / (q + 1e-12))).sum()


def perplexity(d):
    """Widths of neighbourhoods by bisection, as t-SNE wants them."""
    def one(d):
        def step(_, c):
            l, h = c
            b = (l + h) / 2
            p = jnp.exp(-d * b)
            s = p.sum()
            e = jnp.log(s) + b * (d * p).sum() / s
            return jnp.where(e > np.log(20), b, l), jnp.where(e > np.log(20), h, b)
        return lax.fori_loop(0, 30, step, (0.0, 100.0))[0]
    return jax.vmap(one)(d)


def nonnegative(v, w, h):
    for _ in range(10):
        h = h * (w.T @ v) / (w.T @ w @ h + 1e-9)
        w = w * (v @ h.T) / (w @ h @ h.T + 1e-9)
    return w, h


def sinkhorn(c, log=True):
    n, m = c.shape
    def step(_, fg):
        f, g = fg
        f = -0.1 * jax.nn.logsumexp((g - c) / 0.1, axis=1)
        return f, -0.1 * jax.nn.logsumexp((f[:, None] - c) / 0.1, axis=0)
    f, g = lax.fori_loop(0, 20, step, (jnp.zeros(n), jnp.zeros(m)))
    return jnp.exp((f[:, None] + g - c) / 0.1)


def floyd(d):
    return lax.fori_loop(0, d.shape[0], lambda k, d: jnp.minimum(d, d[:, k, None] + d[None, k]), d)


def min_plus(d):
    for _ in range(7):
        d = jnp.minimum(d, (d[:, :, None] + d[None]).min(1))
    return d


def pagerank(a):
    a = a / jnp.maximum(a.sum(0), 1)
    return lax.fori_loop(0, 50, lambda i, r: 0.85 * a @ r + 0.15 / r.size, jnp.full(a.shape[0], 1 / a.shape[0]))


def pagerank_edges(s, r, n=2000):
    d = jnp.maximum(jnp.bincount(s, length=n), 1)
    return lax.fori_loop(0, 20, lambda i, p: 0.85 * jnp.zeros(n).at[r].add((p / d)[s]) + 0.15 / n, jnp.full(n, 1 / n))


def prim(w):
    n = w.shape[0]
    def step(c, _):
        d, used = c
        i = jnp.argmin(jnp.where(used, jnp.inf, d))
        return (jnp.minimum(d, w[i]), used.at[i].set(True)), d[i]
    return lax.scan(step, (w[0], jnp.zeros(n, bool).at[0].set(True)), None, length=n - 1)[1].sum()


def rts(ys):
    """Kalman's filter with the smoother behind it, 4 by 2."""
    f = jnp.eye(4) + 0.1 * jnp.eye(4, k=2)
    h = jnp.eye(2, 4)
    def forward(c, y):
        x, p = c
        xp, pp = f @ x, f @ p @ f.T + 0.01 * jnp.eye(4)
        s = h @ pp @ h.T + 0.1 * jnp.eye(2)
        k = jnp.linalg.solve(s, h @ pp).T
        x, p = xp + k @ (y - h @ xp), (jnp.eye(4) - k @ h) @ pp
        return (x, p), (x, p, xp, pp)
    def backward(c, v):
        xs, ps = c
        x, p, xp, pp = v
        g = jnp.linalg.solve(pp, f @ p).T
        xs, ps = x + g @ (xs - xp), p + g @ (ps - pp) @ g.T
        return (xs, ps), xs
    last, out = lax.scan(forward, (jnp.zeros(4), jnp.eye(4)), ys)
    return lax.scan(backward, last, out, reverse=True)[1]


def kalman_associative(ys):
    a = jnp.full_like(ys, 0.9)
    return lax.associative_scan(lambda l, r: (r[0] * l[0], r[0] * l[1] + r[1]), (a * 0.6, 0.4 * ys))[1]


def unscented(m, p):
    l = jnp.linalg.cholesky(p * 6)
    s = jnp.concatenate([m[None], m + l.T, m - l.T])
    y = jax.vmap(lambda x: jnp.stack([jnp.hypot(x[0], x[1]), jnp.arctan2(x[1], x[0])]))(s)
    w = jnp.full(9, 1 / 12).at[0].set(1 / 3)
    e = y - w @ y
    return w @ y, (w[:, None] * e).T @ e


def ensemble(x, y, k):
    e = x - x.mean(0)
    p = e.T @ e / (x.shape[0] - 1)
    h = p[:, :10]
    g = jnp.linalg.solve(p[:10, :10] + 0.1 * jnp.eye(10), h.T).T
    return x + (y + 0.3 * jax.random.normal(k, (x.shape[0], 10)) - x[:, :10]) @ g.T


def levenberg(x, t):
    f = lambda p: p[0] * jnp.exp(-p[1] * t) + p[2] - x
    def step(_, c):
        p, l = c
        j, r = jax.jacfwd(f)(p), f(p)
        a = j.T @ j
        n = p - jnp.linalg.solve(a + l * jnp.diag(jnp.diagonal(a)), j.T @ r)
        good = (f(n) ** 2).sum() < (r**2).sum()
        return jnp.where(good, n, p), jnp.where(good, l / 3, l * 2)
    return lax.fori_loop(0, 20, step, (jnp.ones(3), 0.01))[0]


def ransac(p, k):
    i = jax.random.randint(k, (200, 2), 0, p.shape[0])
    a, b = p[i[:, 0]], p[i[:, 1]]
    n = jnp.stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]], 1)
    n = n / (jnp.linalg.norm(n, axis=1, keepdims=True) + 1e-6)
    d = jnp.abs(n @ p.T - (n * a).sum(1, keepdims=True))
    return i[(d < 0.1).sum(1).argmax()]


def arnoldi(a, b, m=20):
    n = b.size
    def step(j, c):
        q, h = c
        v = a @ q[j]
        k = q @ v * (jnp.arange(m + 1) <= j)
        v = v - k @ q
        k2 = jnp.linalg.norm(v)
        return q.at[j + 1].set(v / k2), h.at[:, j].set(k.at[j + 1].set(k2))
    return lax.fori_loop(0, m, step, (jnp.zeros((m + 1, n)).at[0].set(b / jnp.linalg.norm(b)), jnp.zeros((m + 1, m))))[1]


def lanczos(a, b, m=20):
    def step(c, _):
        q, p, beta = c
        v = a @ q - beta * p
        alpha = v @ q
        v = v - alpha * q
        beta = jnp.linalg.norm(v)
        return (v / beta, q, beta), (alpha, beta)
    return lax.scan(step, (b / jnp.linalg.norm(b), jnp.zeros_like(b), 0.0), None, length=m)[1]


def householder(a):
    n = a.shape[1]
    def step(k, a):
        x = jnp.where(jnp.arange(a.shape[0]) >= k, a[:, k], 0)
        v = x.at[k].add(jnp.sign(x[k]) * jnp.linalg.norm(x))
        return a - 2 * jnp.outer(v, v @ a) / (v @ v + 1e-12)
    return lax.fori_loop(0, n, step, a)


def jacobi_eigen(a):
    n = a.shape[0]
    def turn(t, a):
        p, q = t // n, t % n
        th = 0.5 * jnp.arctan2(2 * a[p, q], a[q, q] - a[p, p])
        c, s = jnp.cos(th), jnp.sin(th)
        r = jnp.eye(n).at[p, p].set(c).at[q, q].set(c).at[p, q].set(s).at[q, p].set(-s)
        return jnp.where(p < q, r.T @ a @ r, a)
    return jnp.diagonal(lax.fori_loop(0, n * n, turn, a))


def gauss(a, b):
    """Elimination with a pivot, row by row."""
    n = b.size
    m = jnp.concatenate([a, b[:, None]], 1)
    def step(k, m):
        p = jnp.argmax(jnp.where(jnp.arange(n) >= k, jnp.abs(m[:, k]), -1))
        r, s = m[k], m[p]
        m = m.at[k].set(s).at[p].set(r)
        m = m.at[k].divide(m[k, k])
        return m - jnp.where(jnp.arange(n) == k, 0, m[:, k])[:, None] * m[k]
    return lax.fori_loop(0, n, step, m)[:, -1]


def simpson(f, a, b, n=2001):
    x = jnp.linspace(a, b, n)
    w = jnp.where(jnp.arange(n) % 2 == 1, 4, 2).at[0].set(1).at[-1].set(1)
    return (w * f(x)).sum() * (b - a) / (n - 1) / 3


SPD = (lambda a: a @ a.T + 40 * np.eye(101, dtype=np.float32))(uniform(101, 101))
DATA, ANSWERS = uniform(200, 5), uniform(200)
EDGE = integers(9000, high=2000), integers(9000, high=2000)
METHODS = {
    "trapezoid": (trapezoid(lambda x, a: jnp.exp(-a * x) * jnp.sin(x), 2001), np.float32(1.5)),
    "trapezoid of lanes": (jax.vmap(trapezoid(lambda x, a: jnp.exp(-a * x) * jnp.sin(x), 101)), uniform(100)),
    "Simpson": (lambda a: simpson(lambda x: jnp.sqrt(1 + a * x * x), 0, 1), np.float32(2)),
    "Gauss-Legendre": (lambda a: (n := np.polynomial.legendre.leggauss(40),
        jnp.cos(a[:, None] * n[0].astype(np.float32)) @ n[1].astype(np.float32))[1], uniform(300)),
    "Gauss, a plane": (lambda a: (n := np.polynomial.legendre.leggauss(20),
        jnp.einsum("i,j,aij->a", n[1].astype(np.float32), n[1].astype(np.float32),
        jnp.exp(-a[:, None, None] * (n[0][:, None] ** 2 + n[0] ** 2).astype(np.float32))))[1], np.abs(uniform(50))),
    "Romberg": (lambda a: (t := [simpson(lambda x: jnp.exp(a * x), 0, 1, 2**k + 1) for k in range(3, 9)],
        [t := [(4**j * v - u) / (4**j - 1) for u, v in zip(t, t[1:])] for j in range(1, 6)][-1])[1][0], np.float32(1.1)),
    "cumulative trapezoid": (lambda y: jnp.cumsum((y[1:] + y[:-1]) / 2), X1),
    "Monte Carlo, pi": (lambda k: 4 * ((jax.random.uniform(k, (20000, 2)) ** 2).sum(1) < 1).mean(), KEY),
    "Monte Carlo, ball of 5": (lambda k: ((jax.random.uniform(k, (9000, 5), minval=-1) ** 2).sum(1) < 1).mean(), KEY),
    "Halton": (lambda n: sum((n // 3**k % 3) / 3.0 ** (k + 1) for k in range(10)), np.arange(3000, dtype=np.int32)),
    "interpolation, linear": (lambda y, q: jnp.interp(q, G, y), uniform(60), X1),
    "interpolation, even grid": (lambda y, q: (t := (q + 2) * 14.5, i := jnp.clip(t.astype(int), 0, 58),
        y[i] + (t - i) * (y[i + 1] - y[i]))[2], uniform(60), X1),
    "interpolation, spline": (lambda y, q, g: spline(g, y, q), uniform(60), X1, G),
    "interpolation, Catmull-Rom": (catmull, uniform(40, 2), np.abs(X1) * 19),
    "interpolation, plane": (lambda z, p: (t := (p + 2) * 15, i := jnp.clip(t.astype(int), 0, 59), u := t - i,
        z[i[:, 0], i[:, 1]] * (1 - u[:, 0]) * (1 - u[:, 1]) + z[i[:, 0] + 1, i[:, 1]] * u[:, 0] * (1 - u[:, 1]) + z[i[:, 0],
        i[:, 1] + 1] * (1 - u[:, 0]) * u[:, 1] + z[i[:, 0] + 1, i[:, 1] + 1] * u[:, 0] * u[:, 1])[3], uniform(61, 61), uniform(900, 2)),
    "Bezier": (bezier, uniform(6, 2), np.abs(X1) / 2),
    "B-splines": (bsplines, X1),
    "barycentric": (barycentric, uniform(33), X1 / 2),
    "Chebyshev, Clenshaw": (clenshaw, uniform(12), X1 / 2),
    "Lagrange": (lambda y, q: (x := jnp.linspace(-2, 2, 9), d := jnp.where(jnp.eye(9, dtype=bool), 1, x[:, None] - x),
        jnp.prod(jnp.where(jnp.eye(9, dtype=bool), 1, (q[:, None, None] - x) / d), -1) @ y)[2], uniform(9), X1),
    "inverse distance": (lambda p, v, q: (w := 1 / (((q[:, None] - p) ** 2).sum(-1) + 1e-6), w @ v / w.sum(1))[1], uniform(200, 2),
        uniform(200), uniform(150, 2)),
    "thin plates": (lambda p, v: (r := ((p[:, None] - p) ** 2).sum(-1),
        jnp.linalg.solve(jnp.where(r > 0, r * jnp.log(r + 1e-9), 0) + 3 * jnp.eye(100), v))[1], uniform(100, 2), uniform(100)),
    "roots, Newton": (lambda a: newton_lanes(lambda x: x**3 - 2 * x + jnp.cos(x), a), uniform(500)),
    "roots, Halley": (lambda a: lax.fori_loop(0, 5, lambda i, y: y * (y**3 + 2 * a) / (2 * y**3 + a), jnp.ones_like(a)), np.abs(X1) + 0.1),
    "roots, secant": (lambda a: lax.fori_loop(0, 10, lambda i, c: (f := lambda x: jnp.exp(x) - a, d := f(c[1]) - f(c[0]),
        (c[1], c[1] - jnp.where(d != 0, f(c[1]) * (c[1] - c[0]) / jnp.where(d != 0, d, 1), 0)))[2],
        (jnp.zeros_like(a), jnp.ones_like(a)))[1], np.abs(X1) + 0.5),
    "roots, Lambert": (lambda a: lax.fori_loop(0, 8, lambda i, w: w - (w * jnp.exp(w) - a) / (jnp.exp(w) * (w + 1)), jnp.log1p(a)),
        np.abs(X1)),
    "roots, Kepler": (lambda m: lax.fori_loop(0, 6, lambda i, e: e - (e - 0.4 * jnp.sin(e) - m) / (1 - 0.4 * jnp.cos(e)), m), X1),
    "roots, Kepler of f64": (lambda m: lax.fori_loop(0, 6, lambda i, e: e - (e - 0.4 * jnp.sin(e) - m) / (1 - 0.4 * jnp.cos(e)), m),
        wide(X1)),
    "roots, Durand-Kerner": (lambda c: lax.fori_loop(0, 20, lambda i,
        z: z - jnp.polyval(jnp.concatenate([jnp.ones(1), c]).astype(z.dtype),
        z) / jnp.prod(jnp.where(jnp.eye(8, dtype=bool), 1, z[:, None] - z), 1), (0.4 + 0.9j) ** jnp.arange(8)), uniform(8)),
    "Black-Scholes": (black_scholes, np.abs(X1) + 0.5, np.abs(uniform(800)) / 4 + 0.1),
    "Black-Scholes of f64": (black_scholes, wide(np.abs(X1) + 0.5), wide(np.abs(uniform(800)) / 4 + 0.1)),
    "Greeks": (jax.vmap(jax.hessian(lambda x: black_scholes(x[0], x[1]))), np.abs(uniform(300, 2)) + 0.5),
    "implied volatility": (implied_volatility, np.abs(X1) / 4 + 0.8, np.abs(uniform(800)) / 8 + 0.2),
    "binomial tree": (jax.vmap(binomial_tree), np.abs(uniform(50)) / 4 + 0.8),
    "Asian option": (asian, KEY),
    "Heston": (heston, KEY),
    "Longstaff-Schwartz": (longstaff, KEY),
    "yield curve": (lambda c, t: jnp.exp(-(c[0] + c[1] * (1 - jnp.exp(-t)) / t + c[2] * ((1 - jnp.exp(-t)) / t - jnp.exp(-t))) * t),
        uniform(3) / 50, np.abs(X1) * 5 + 0.1),
    "value at risk": (lambda r, w: (p := r @ w, q := jnp.quantile(p, 0.05), q, jnp.where(p < q, p, 0).sum() / (p < q).sum())[2:],
        uniform(1000, 20), np.abs(uniform(20))),
    "portfolio": (lambda r: (c := jnp.cov(r, rowvar=False) + 0.01 * jnp.eye(20), w := jnp.linalg.solve(c, jnp.ones(20)), w / w.sum())[2],
        uniform(500, 20)),
    "drawdown": (lambda r: (p := jnp.cumprod(1 + r / 100, 1), (1 - p / lax.cummax(p, 1)).max(1))[1], uniform(50, 250)),
    "moving averages crossed": (lambda p: (c := jnp.cumsum(p, 1), f := lambda n: (c[:, n:] - c[:, :-n]) / n,
        jnp.diff((f(5)[:, 15:] > f(20)).astype(jnp.int32), axis=1))[2], uniform(50, 250)),
    "candles": (lambda p: (q := p.reshape(50, 25, 10), jnp.stack([q[..., 0], q.max(-1), q.min(-1), q[..., -1]], -1))[1], uniform(50, 250)),
    "process": (process, uniform(80, 3), uniform(80), uniform(60, 3)),
    "process, likelihood": (likelihood, uniform(3) / 4, uniform(80, 3), uniform(80)),
    "process, Matern": (lambda x, q: matern(x, q), uniform(150, 4), uniform(130, 4)),
    "process, drawn": (lambda x, k: jnp.linalg.cholesky(rbf(x, x) + 1e-2 * jnp.eye(80)) @ jax.random.normal(k, (80, 5)), uniform(80, 2),
        KEY),
    "process, inducing": (lambda x, y, z: (k := rbf(z, x), a := rbf(z, z) + 0.1 * jnp.eye(20) + 10 * k @ k.T,
        10 * k.T @ jnp.linalg.solve(a, k @ y))[2], DATA, ANSWERS, uniform(20, 5)),
    "expected improvement": (lambda m, s, b: (z := (m - b) / s, (m - b) * jsp.stats.norm.cdf(z) + s * jsp.stats.norm.pdf(z))[1], X1,
        np.abs(uniform(800)) + 0.1, np.float32(0.3)),
    "mixture, round": (mixture, uniform(500, 4), uniform(6, 4)),
    "mixture, full": (mixture_full, uniform(300, 3), uniform(4, 3)),
    "k-means": (k_means, uniform(1000, 8), uniform(12, 8)),
    "nearest neighbours": (neighbours, uniform(500, 8), uniform(100, 8), integers(500, high=10)),
    "nearest by products": (lambda x, q: lax.top_k(2 * q @ x.T - (x * x).sum(1), 5), uniform(900, 32), uniform(60, 32)),
    "principal components": (lambda x: (c := x - x.mean(0), jnp.linalg.svd(c, full_matrices=False)[2][:3] @ c.T)[1], uniform(150, 12)),
    "principal components by eigh": (lambda x: jnp.linalg.eigh(jnp.cov(x, rowvar=False))[0][::-1][:3], uniform(300, 12)),
    "whitening": (lambda x: (c := x - x.mean(0), e := jnp.linalg.eigh(c.T @ c / 300), c @ (e[1] / jnp.sqrt(e[0] + 1e-5)) @ e[1].T)[2],
        uniform(300, 12)),
    "independent components": (lambda x, w: lax.fori_loop(0, 10, lambda i,
        w: (g := jnp.tanh(w @ x.T), n := g @ x / 300 - (1 - g * g).mean(1)[:, None] * w, u := jnp.linalg.svd(n), u[0] @ u[2])[3], w),
        uniform(300, 4), uniform(4, 4)),
    "random projection": (lambda x, k: x @ jax.random.normal(k, (12, 5)), uniform(900, 12), KEY),
    "t-SNE": (tsne, uniform(120, 2), np.abs(uniform(120, 120)) / 14400),
    "grad t-SNE": (jax.grad(tsne), uniform(120, 2), np.abs(uniform(120, 120)) / 14400),
    "perplexities": (perplexity, np.abs(uniform(120, 119)) * 4),
    "UMAP forces": (jax.grad(lambda y, i, j, k: (jnp.log1p(((y[i] - y[j]) ** 2).sum(1))
        - jnp.log(1e-3 + 1 - 1 / (1 + ((y[i] - y[k]) ** 2).sum(1)))).sum()), uniform(500, 2), integers(2000, high=500),
        integers(2000, high=500), integers(2000, high=500)),
    "multidimensional scaling": (jax.grad(lambda y, d: ((jnp.sqrt(((y[:, None] - y) ** 2).sum(-1) + 1e-6) - d) ** 2).sum()),
        uniform(120, 2), np.abs(uniform(120, 120))),
    "nonnegative factors": (nonnegative, np.abs(uniform(120, 90)), np.abs(uniform(120, 8)), np.abs(uniform(8, 90))),
    "self-organising": (lambda w, x: lax.scan(lambda w, x: (b := ((w - x) ** 2).sum(-1).argmin(),
        g := jnp.exp(-((jnp.arange(100) // 10 - b // 10) ** 2 + (jnp.arange(100) % 10 - b % 10) ** 2) / 8.0),
        (w + 0.1 * g[:, None] * (x - w), b))[2], w, x), uniform(100, 5), uniform(300, 5)),
    "mean shift": (lambda x: lax.fori_loop(0, 5, lambda i, y: (w := jnp.exp(-4 * ((y[:, None] - x) ** 2).sum(-1)),
        w @ x / w.sum(1, keepdims=True))[1], x), uniform(200, 2)),
    "spectral clustering": (lambda x: (a := rbf(x, x, 0.5), d := lax.rsqrt(a.sum(1)), jnp.linalg.eigh(d[:, None] * a * d)[1][:, -3:])[2],
        uniform(60, 2)),
    "naive Bayes": (lambda x, y, q: (o := jax.nn.one_hot(y, 5), n := o.sum(0)[:, None], m := o.T @ x / n,
        v := o.T @ (x * x) / n - m * m + 1e-2, (-0.5 * ((q[:, None] - m) ** 2 / v + jnp.log(v)).sum(-1)).argmax(1))[4], uniform(300, 8),
        integers(300, high=5), uniform(200, 8)),
    "discriminant": (lambda x, y: (o := jax.nn.one_hot(y, 3), m := o.T @ x / o.sum(0)[:, None], c := (x - m[y]).T @ (x - m[y]) / 300,
        jnp.linalg.solve(c + 0.01 * jnp.eye(8), m.T))[3], uniform(300, 8), integers(300, high=3)),
    "support vectors": (lambda x, y: lax.fori_loop(0, 50, lambda i, w: w - 0.1 * (0.01 * w - (jnp.where(y * (x @ w) < 1, y, 0) @ x) / 300),
        jnp.zeros(8)), uniform(300, 8), np.sign(uniform(300))),
    "kernel ridge": (lambda x, y: jnp.linalg.solve(rbf(x, x) + 0.1 * jnp.eye(120), y), uniform(120, 5), uniform(120)),
    "ridge": (lambda x, y: jnp.linalg.solve(x.T @ x + jnp.eye(5), x.T @ y), DATA, ANSWERS),
    "least squares": (lambda x, y: jnp.linalg.lstsq(x, y)[0], DATA, ANSWERS),
    "polynomial fit": (lambda x, y: jnp.linalg.lstsq(jnp.vander(x, 6), y)[0], X1, uniform(800)),
    "reweighted": (lambda x, y: lax.fori_loop(0, 10, lambda i, w: (s := 1 / jnp.maximum(jnp.abs(y - x @ w), 1e-3),
        jnp.linalg.solve((x * s[:, None]).T @ x, (x * s[:, None]).T @ y))[1], jnp.zeros(5)), DATA, ANSWERS),
    "Levenberg": (levenberg, uniform(60), np.linspace(0, 3, 60, dtype=np.float32)),
    "tree, best split": (lambda x, y: (o := jnp.argsort(x, 0), s := jnp.cumsum(y[o], 0), n := jnp.arange(1, 201)[:, None],
        g := s**2 / n + (s[-1] - s) ** 2 / jnp.maximum(200 - n, 1), jnp.unravel_index(g.argmax(), g.shape))[4], DATA, ANSWERS),
    "trees, predicted": (lambda x, f, t, v: lax.fori_loop(0, 5, lambda d,
        i: 2 * i + 1 + (x[jnp.arange(200)[:, None], f[jnp.arange(30), i]] > t[jnp.arange(30), i]), jnp.zeros((200, 30), int)) @ v, DATA,
        integers(30, 63, high=5), uniform(30, 63), uniform(30)),
    "histograms of trees": (lambda x, g: jnp.zeros((5, 64)).at[jnp.arange(5), ((x + 2) * 15.9).astype(int)].add(g[:, None]), DATA, ANSWERS),
    "RANSAC": (ransac, uniform(300, 2), KEY),
    "Sinkhorn": (sinkhorn, np.abs(uniform(60, 70))),
    "Sinkhorn, gradient": (jax.grad(lambda c: (sinkhorn(c) * c).sum()), np.abs(uniform(60, 70))),
    "Floyd-Warshall": (floyd, np.abs(uniform(100, 100))),
    "Floyd-Warshall of whole numbers": (floyd, integers(100, 100, high=1000)),
    "min plus": (min_plus, np.abs(uniform(70, 70))),
    "PageRank": (pagerank, (integers(300, 300, high=20) == 0).astype(np.float32)),
    "PageRank of edges": (pagerank_edges, *EDGE),
    "spanning tree": (prim, np.abs(uniform(100, 100))),
    "transitive closure": (lambda a: lax.fori_loop(0, 7, lambda i, a: a | (a.astype(jnp.float32) @ a.astype(jnp.float32) > 0), a),
        integers(120, 120, high=60) == 0),
    "Katz": (lambda a: jnp.linalg.solve(jnp.eye(120) - 0.01 * a.T, jnp.ones(120)), (integers(120, 120, high=20) == 0).astype(np.float32)),
    "assignment by auction": (lambda c: lax.fori_loop(0, 50, lambda i,
        p: (v := c - p, b := lax.top_k(v, 2), j := b[1][:, 0], p.at[j].max(p[j] + b[0][:, 0] - b[0][:, 1] + 0.01))[3], jnp.zeros(50)),
        np.abs(uniform(50, 50))),
    "travelling by exchange": (lambda p, k: lax.scan(lambda t, k: (i := jax.random.randint(k, (2,), 0, 40), n := t.at[i].set(t[i[::-1]]),
        l := lambda t: jnp.linalg.norm(p[t] - p[jnp.roll(t, 1)], axis=1).sum(), (jnp.where(l(n) < l(t), n, t), l(t)))[3], jnp.arange(40),
        jax.random.split(k, 100)), uniform(40, 2), KEY),
    "value iteration": (lambda p, r: lax.fori_loop(0, 50, lambda i, v: (r + 0.95 * p @ v).max(0), jnp.zeros(50)),
        (lambda a: a / a.sum(-1, keepdims=True))(np.abs(uniform(4, 50, 50))), uniform(4, 50)),
    "policy evaluation": (lambda p, r: jnp.linalg.solve(jnp.eye(50) - 0.95 * p, r),
        (lambda a: a / a.sum(-1, keepdims=True))(np.abs(uniform(50, 50))), uniform(50)),
    "bandit of Thompson": (lambda k, m: lax.scan(lambda c, k: (a := jnp.argmax(c[0] / (c[1] + 1) + jax.random.normal(k,
        (10,)) / jnp.sqrt(c[1] + 1)), ((c[0].at[a].add(m[a]), c[1].at[a].add(1)), a))[1], (jnp.zeros(10), jnp.zeros(10)),
        jax.random.split(k, 200))[1], KEY, uniform(10)),
    "regret matching": (lambda a: lax.fori_loop(0, 100, lambda i,
        c: (s := lambda r: (q := jnp.maximum(r, 0), jnp.where(q.sum() > 0, q / (q.sum() + 1e-9), 1 / 9))[1], x := s(c[0]), y := s(c[1]),
        u := a @ y, v := -(x @ a), (c[0] + u - x @ u, c[1] + v - y @ v))[5], (jnp.zeros(9), jnp.zeros(9))), uniform(9, 9)),
    "Elo": (lambda i, j: lax.scan(lambda r, g: (e := 1 / (1 + 10 ** ((r[g[1]] - r[g[0]]) / 400)),
        (r.at[g[0]].add(32 * (1 - e)).at[g[1]].add(-32 * (1 - e)), e))[1], jnp.full(100, 1500.0), (i, j)), integers(400, high=100),
        integers(400, high=100)),
    "filter and smoother": (rts, uniform(150, 2)),
    "filter, associative": (kalman_associative, uniform(3000)),
    "unscented": (jax.vmap(unscented), uniform(100, 4), np.broadcast_to(np.eye(4, dtype=np.float32), (100, 4, 4)).copy()),
    "ensemble": (ensemble, uniform(50, 40), uniform(10), KEY),
    "Riccati": (lambda a, b: lax.fori_loop(0, 50, lambda i, p: (k := jnp.linalg.solve(jnp.eye(2) + b.T @ p @ b, b.T @ p @ a),
        jnp.eye(5) + a.T @ p @ (a - b @ k))[1], jnp.eye(5)), uniform(5, 5) / 3, uniform(5, 2)),
    "iterative control": (jax.grad(lambda u: (lax.scan(lambda x, u: (x := x + 0.1 * jnp.stack([x[1], u - jnp.sin(x[0])]), x),
        jnp.array([3.0, 0.0]), u)[1] ** 2).sum() + 0.01 * (u * u).sum()), uniform(100)),
    "path integral": (lambda k: (n := jax.random.normal(k, (256, 30)),
        c := jax.vmap(lambda u: (lax.scan(lambda x, u: (x := x + 0.1 * jnp.stack([x[1], u - jnp.sin(x[0])]), (x**2).sum()),
        jnp.array([3.0, 0.0]), u)[1]).sum())(n), jax.nn.softmax(-c) @ n)[2], KEY),
    "advantages": (lambda r, v: lax.scan(lambda a, x: ((a := x[0] + 0.99 * x[2] - x[1] + 0.94 * a), a), jnp.zeros(33), (r, v[:-1], v[1:]),
        reverse=True)[1], uniform(100, 33), uniform(101, 33)),
    "Arnoldi": (arnoldi, uniform(101, 101), uniform(101)),
    "Lanczos": (lanczos, SPD, uniform(101)),
    "Householder": (householder, uniform(60, 20)),
    "Jacobi's rotations": (jacobi_eigen, (lambda a: a + a.T)(uniform(8, 8))),
    "elimination": (gauss, uniform(30, 30), uniform(30)),
    "power method": (lambda a, x: lax.fori_loop(0, 30, lambda i, x: (y := a @ x, y / jnp.linalg.norm(y))[1], x), SPD, uniform(101)),
    "subspace iteration": (lambda a, x: lax.fori_loop(0, 5, lambda i, x: jnp.linalg.qr(a @ x)[0], x), SPD, uniform(101, 5)),
    "Newton-Schulz inverse": (lambda a: lax.fori_loop(0, 15, lambda i, x: x @ (2 * jnp.eye(101) - a @ x),
        a.T / (jnp.abs(a).sum(0).max() * jnp.abs(a).sum(1).max())), SPD),
    "Denman-Beavers": (lambda a: lax.fori_loop(0, 8, lambda i, c: ((c[0] + jnp.linalg.inv(c[1])) / 2, (c[1] + jnp.linalg.inv(c[0])) / 2),
        (a, jnp.eye(20)))[0], SPD[:20, :20].copy()),
    "exponential": (jsp.linalg.expm, uniform(20, 20) / 4),
    "determinants": (jnp.linalg.slogdet, uniform(50, 6, 6)),
    "adjugates of 3": (lambda a: jnp.stack([jnp.cross(a[:, 1], a[:, 2]), jnp.cross(a[:, 2], a[:, 0]), jnp.cross(a[:, 0], a[:, 1])], -1),
        uniform(900, 3, 3)),
    "Krylov, GMRES": (lambda a, b: jsp.sparse.linalg.gmres(a, b, maxiter=3, restart=10)[0], SPD, uniform(101)),
    "BiCGSTAB": (lambda a, b: jsp.sparse.linalg.bicgstab(a, b, maxiter=10)[0], SPD, uniform(101)),
    "sparse by coordinates": (lambda v, x, i, j: jnp.zeros(2000).at[i].add(v * x[j]), uniform(9000), uniform(2000), *EDGE),
    "sparse, diagonals": (lambda d, x: sum(d[k + 2] * jnp.roll(x, -k) for k in range(-2, 3)), uniform(5, 3000), uniform(3000)),
    "sparse, rows": (lambda v, c, x: (v * x[c]).sum(1), uniform(2000, 7), integers(2000, 7, high=2000), uniform(2000)),
    "sparse by a matrix": (lambda v, c, x: jnp.einsum("rk,rkd->rd", v, x[c]), uniform(700, 7), integers(700, 7, high=700),
        uniform(700, 20)),
    "Kronecker product by vector": (lambda a, b, x: (a @ x.reshape(30, 40) @ b.T).reshape(-1), uniform(30, 30), uniform(40, 40),
        uniform(1200)),
    "Toeplitz by FFT": (lambda c, x: jnp.fft.irfft(jnp.fft.rfft(jnp.concatenate([c, jnp.zeros(1), c[:0:-1]])) * jnp.fft.rfft(x, 1000),
        1000)[:500], uniform(500), uniform(500)),
    "Strassen": (lambda a, b: (s := lambda x: (x[:50, :50], x[:50, 50:], x[50:, :50], x[50:, 50:]),
        (lambda a, b, c, d, e, f, g, h: (m1 := (a + d) @ (e + h), m2 := (c + d) @ e, m3 := a @ (f - h), m4 := d @ (g - e),
        m5 := (a + b) @ h, m6 := (c - a) @ (e + f), m7 := (b - d) @ (g + h),
        jnp.block([[m1 + m4 - m5 + m7, m3 + m5], [m2 + m4, m1 - m2 + m3 + m6]]))[7])(*s(a), *s(b)))[1], uniform(100, 100),
        uniform(100, 100)),
    "Clifford, Pauli": (lambda s: lax.fori_loop(0, 30, lambda i,
        s: (p := s.reshape(2 ** 3, 2, -1), jnp.stack([(p[:, 0] + p[:, 1]) * 0.70710678, (p[:, 0] - p[:, 1]) * 0.70710678],
        1).reshape(-1))[1], s), (uniform(1024) + 1j * uniform(1024)).astype(np.complex64)),
    "quantum gates": (lambda s, t: (s := s.reshape((2,) * 10), [s := jnp.moveaxis(jnp.tensordot(jnp.array([[jnp.cos(t[q]),
        -1j * jnp.sin(t[q])], [-1j * jnp.sin(t[q]), jnp.cos(t[q])]]), s, ((1,), (q,))), 0, q) for q in range(10)][-1].reshape(-1))[1],
        (uniform(1024) + 1j * uniform(1024)).astype(np.complex64), uniform(10)),
    "mandelbrot smooth": (lambda c: lax.fori_loop(0, 20, lambda i,
        s: (z := s[0] * s[0] + c, (jnp.where(jnp.abs(z) < 4, z, 4), s[1] + (jnp.abs(z) < 4)))[1], (c, jnp.zeros(c.shape)))[1],
        (uniform(80, 90) + 1j * uniform(80, 90)).astype(np.complex64)),
    "julia of f64": (lambda x, y: lax.fori_loop(0, 20, lambda i, c: (c[0] * c[0] - c[1] * c[1] - 0.8, 2 * c[0] * c[1] + 0.156,
        c[2] + (c[0] * c[0] + c[1] * c[1] < 4)), (x, y, jnp.zeros_like(x)))[2], wide(uniform(80, 90)) / 2, wide(uniform(80, 90)) / 2),
    "Legendre polynomials": (lambda x: lax.scan(lambda c, n: (p := ((2 * n + 1) * x * c[1] - n * c[0]) / (n + 1), ((c[1], p), p))[1],
        (jnp.ones_like(x), x), jnp.arange(1.0, 20.0))[1], X1 / 2),
    "ray marching": (lambda d: lax.fori_loop(0, 20, lambda i, t: t + (jnp.linalg.norm(d * t[:, None] - jnp.array([0, 0, 3.0]), axis=1) - 1),
        jnp.zeros(2000)), (lambda v: v / np.linalg.norm(v, axis=1, keepdims=True))(uniform(2000, 3))),
    "ray and triangles": (lambda o, d, t: (e := t[:, 1] - t[:, 0], f := t[:, 2] - t[:, 0], p := jnp.cross(d[:, None], f),
        q := (p * e).sum(-1), s := o[:, None] - t[:, 0], u := (s * p).sum(-1) / q, r := jnp.cross(s, e), v := (d[:, None] * r).sum(-1) / q,
        jnp.where((u > 0) & (v > 0) & (u + v < 1), (f * r).sum(-1) / q, jnp.inf).min(1))[8], uniform(200, 3), uniform(200, 3),
        uniform(40, 3, 3)),
    "spherical harmonics": (lambda p: (x := p[:, 0], y := p[:, 1], z := p[:, 2],
        jnp.stack([jnp.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], 1))[3], uniform(3000, 3)),
    "great circles": (lambda a, b: 2 * 6371 * jnp.arcsin(jnp.sqrt(jnp.sin((b[:, 0] - a[:, 0]) / 2) ** 2 + jnp.cos(a[:, 0]) * jnp.cos(b[:,
        0]) * jnp.sin((b[:, 1] - a[:, 1]) / 2) ** 2)), uniform(800, 2), uniform(800, 2)),
    "Mercator": (lambda a: jnp.stack([a[:, 1], jnp.log(jnp.tan(jnp.pi / 4 + a[:, 0] / 4))], 1), uniform(800, 2)),
    "convex hull, directions": (lambda p: (a := jnp.linspace(0, 2 * np.pi, 64), (p @ jnp.stack([jnp.cos(a), jnp.sin(a)])).argmax(0))[1],
        uniform(2000, 2)),
    "points in a polygon": (lambda p, q: (a := q, b := jnp.roll(q, -1, 0),
        ((((a[:, 1] > p[:, None, 1]) != (b[:, 1] > p[:, None, 1])) & (p[:, None,
        0] < (b[:, 0] - a[:, 0]) * (p[:, None, 1] - a[:, 1]) / (b[:, 1] - a[:, 1]) + a[:, 0])).sum(1) % 2))[2], uniform(1000, 2),
        uniform(30, 2)),
}

SMOOTH = """interpolation, linear|interpolation, spline|interpolation, Catmull-Rom|interpolation, plane|B-splines|barycentric|Black-Scholes|\
process|process, likelihood|process, Matern|nearest by products|ray and triangles|sparse by coordinates|sparse, rows|\
Kronecker product by vector|inverse distance|unscented|quantum gates|Gauss-Legendre|spherical harmonics|great circles|\
yield curve|min plus|ridge""".split("|")
add_all("method", METHODS)
add_all("grad method", METHODS, SMOOTH, gradient)
add_all("method", METHODS, SMOOTH, dtype=jnp.float64)

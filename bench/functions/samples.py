"""Statistics of samples, tables of data, and sketches."""

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .tables import add_all, gradient

KEY = np.array([1, 2], np.uint32)
DATA = uniform(200, 5)
S, S2, RANK = uniform(901), uniform(901), uniform(41, 333)


def bootstrap(x, k):
    return x[jax.random.randint(k, (200, x.size), 0, x.size)].mean(1).std()


def ranks(x):
    return jnp.argsort(jnp.argsort(x))


def average_ranks(x):
    s = jnp.sort(x)
    return (jnp.searchsorted(s, x, "left") + jnp.searchsorted(s, x, "right") + 1) / 2


STATISTICS = {
    "quantiles of rows": (lambda x: jnp.quantile(x, jnp.array([0.05, 0.5, 0.95]), axis=1), RANK),
    "median of deviations": (lambda x: jnp.median(jnp.abs(x - jnp.median(x))), S),
    "trimmed mean": (lambda x: jnp.sort(x, 1)[:, 33:-33].mean(1), RANK),
    "winsorised": (lambda x: jnp.clip(x, jnp.quantile(x, 0.05), jnp.quantile(x, 0.95)), S),
    "skew and kurtosis": (lambda x: (z := (x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True), (z**3).mean(1), (z**4).mean(1) - 3)[1:],
        RANK),
    "standard scores": (lambda x: (x - x.mean(0)) / x.std(0), RANK),
    "robust scores": (lambda x: (q := jnp.percentile(x, jnp.array([25.0, 50, 75]), axis=0), (x - q[1]) / (q[2] - q[0] + 1e-6))[1], RANK),
    "between 0 and 1": (lambda x: (l := x.min(0), (x - l) / (x.max(0) - l))[1], RANK),
    "bootstrap": (bootstrap, S, KEY),
    "jackknife": (lambda x: (x.sum() - x) / (x.size - 1), S),
    "permutation test": (lambda x, k: jax.vmap(lambda k: jnp.diff(jax.random.permutation(k, x)[:900].reshape(2,
        -1).mean(1))[0])(jax.random.split(k, 50)), S, KEY),
    "ranks": (ranks, S),
    "ranks of ties": (average_ranks, np.round(S * 10)),
    "Spearman": (lambda a, b: jnp.corrcoef(ranks(a).astype(jnp.float32), ranks(b).astype(jnp.float32))[0, 1], S, S2),
    "Kendall": (lambda a, b: (jnp.sign(a[:, None] - a) * jnp.sign(b[:, None] - b)).sum() / (a.size * (a.size - 1)), S, S2),
    "Pearson of rows": (lambda x: jnp.corrcoef(x), RANK),
    "distance correlation": (lambda a, b: (d := lambda x: (e := jnp.abs(x[:, None] - x), e - e.mean(0) - e.mean(1)[:, None] + e.mean())[1],
        (d(a) * d(b)).mean())[1], S[:300].copy(), S2[:300].copy()),
    "mutual information": (lambda a, b: (h := jnp.histogram2d(a, b, 12)[0] / a.size,
        jnp.where(h > 0, h * jnp.log(h / (h.sum(0) * h.sum(1)[:, None] + 1e-12) + 1e-12), 0).sum())[1], S, S2),
    "Kolmogorov-Smirnov": (lambda a, b: (s := jnp.sort(jnp.concatenate([a, b])),
        jnp.abs(jnp.searchsorted(jnp.sort(a), s, "right") / a.size - jnp.searchsorted(jnp.sort(b), s, "right") / b.size).max())[1], S, S2),
    "Mann-Whitney": (lambda a, b: (a[:, None] > b).sum() + 0.5 * (a[:, None] == b).sum(), S, S2),
    "Welch's t": (lambda a, b: (a.mean(1) - b.mean(1)) / jnp.sqrt(a.var(1) / 333 + b.var(1) / 333), RANK, RANK[::-1].copy()),
    "chi squared": (lambda c: (e := c.sum(0) * c.sum(1)[:, None] / c.sum(), ((c - e) ** 2 / e).sum())[1], np.abs(uniform(30, 40)) + 0.1),
    "variance of groups": (lambda x, g: (n := jnp.bincount(g, length=7), m := jax.ops.segment_sum(x, g, 7) / n,
        jax.ops.segment_sum((x - m[g]) ** 2, g, 7).sum() / (n * (m - x.mean()) ** 2).sum())[2], S, integers(901, high=7)),
    "pivot table": (lambda x, i, j: jnp.zeros((12, 9)).at[i, j].add(x) / jnp.maximum(jnp.zeros((12, 9)).at[i, j].add(1), 1), S,
        integers(901, high=12), integers(901, high=9)),
    "join of sorted keys": (lambda a, b, v: (i := jnp.clip(jnp.searchsorted(a, b), 0, 499), jnp.where(a[i] == b, v[i], -1))[1],
        np.sort(integers(500, high=2000)), integers(3000, high=2000), uniform(500)),
    "top values of groups": (lambda x, g: jax.ops.segment_max(x, g, 50), uniform(5000), integers(5000, high=50)),
    "cumulative of groups": (lambda x, s: lax.associative_scan(lambda a, b: (jnp.where(b[1], b[0], a[0] + b[0]), a[1] | b[1]), (x, s))[0],
        uniform(3000), integers(3000, high=10) == 0),
    "last value carried": (lambda x, m: x[lax.cummax(jnp.where(m, jnp.arange(x.size), 0))], uniform(3000), integers(3000, high=3) == 0),
    "histogram, even": (lambda x: jnp.zeros(64, int).at[jnp.clip(((x + 2) * 16).astype(int), 0, 63)].add(1), uniform(20000)),
    "histogram, jnp": (lambda x: jnp.histogram(x, 50, (-2, 2))[0], uniform(20000)),
    "histogram by comparison": (lambda x: ((x[:, None] >= jnp.linspace(-2, 1.75, 16)) & (x[:, None] < jnp.linspace(-1.75, 2, 16))).sum(0),
        uniform(5000)),
    "kernel density": (lambda x, q: jnp.exp(-8 * (q[:, None] - x) ** 2).mean(1), S, np.linspace(-2, 2, 200, dtype=np.float32)),
    "empirical distribution": (lambda x, q: (x <= q[:, None]).mean(1), S, uniform(200)),
    "entropy of bytes": (lambda b: (p := jnp.bincount(b, length=256) / b.size,
        -jnp.where(p > 0, p * jnp.log2(jnp.maximum(p, 1e-12)), 0).sum())[1], integers(20000, high=256, dtype=np.uint8)),
    "nan mean and deviation": (lambda x: (jnp.nanmean(x, 1), jnp.nanstd(x, 1)), np.where(RANK > 1, np.nan, RANK).astype(np.float32)),
    "nan quantile": (lambda x: jnp.nanquantile(x, 0.3, axis=1), np.where(RANK > 1, np.nan, RANK).astype(np.float32)),
    "fill of nan": (lambda x: jnp.where(jnp.isnan(x), jnp.nanmean(x, 0), x), np.where(RANK > 1, np.nan, RANK).astype(np.float32)),
    "weighted quantile": (lambda x, w: (o := jnp.argsort(x), c := jnp.cumsum(w[o]), x[o][jnp.searchsorted(c, 0.5 * c[-1])])[2], S,
        np.abs(S2)),
    "rolling mean": (lambda x: (c := jnp.cumsum(x, 1), (c[:, 20:] - c[:, :-20]) / 20)[1], RANK),
    "rolling maximum": (lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 20), (1, 1), "VALID"), RANK),
    "rolling deviation": (lambda x: jnp.sqrt(jnp.maximum(lax.reduce_window(x * x, 0.0, lax.add, (1, 20), (1, 1),
        "VALID") / 20 - (lax.reduce_window(x, 0.0, lax.add, (1, 20), (1, 1), "VALID") / 20) ** 2, 0)), RANK),
    "rolling median": (lambda x: jnp.median(x[jnp.arange(880)[:, None] + jnp.arange(21)], 1), S),
    "rolling correlation": (lambda a, b: (w := lambda x: jnp.convolve(x, jnp.ones(20) / 20, "valid"),
        (w(a * b) - w(a) * w(b)) / jnp.sqrt(jnp.maximum((w(a * a) - w(a) ** 2) * (w(b * b) - w(b) ** 2), 1e-9)))[1], S, S2),
    "autocorrelations": (lambda x: (z := x - x.mean(), jnp.stack([(z[: 901 - k] * z[k:]).sum() for k in range(10)]) / (z * z).sum())[1], S),
    "partial correlations": (lambda x: (p := jnp.linalg.inv(jnp.cov(x, rowvar=False) + 0.1 * jnp.eye(12)),
        -p / jnp.sqrt(jnp.outer(jnp.diagonal(p), jnp.diagonal(p))))[1], uniform(300, 12)),
    "Mahalanobis": (lambda x: (c := x - x.mean(0), (c @ jnp.linalg.inv(c.T @ c / 300 + 0.1 * jnp.eye(12)) * c).sum(1))[1],
        uniform(300, 12)),
    "Theil-Sen": (lambda x, y: jnp.median(((y[:, None] - y) / (x[:, None] - x + 10 * jnp.eye(100)))[jnp.triu_indices(100, 1)]),
        S[:100].copy(), S2[:100].copy()),
    "isotonic": (lambda y: (c := jnp.cumsum(jnp.concatenate([jnp.zeros(1), y])), i := jnp.arange(101),
        m := (c[None] - c[:, None]) / jnp.where(i[None] > i[:, None], i[None] - i[:, None], 1),
        lax.cummax(jnp.where(i[None] > i[:, None], m, jnp.inf)[:-1, 1:].min(1)))[3], S[:100].copy()),
    "log-likelihoods": (lambda x: (jsp.stats.norm.logpdf(x).sum(), jsp.stats.gamma.logpdf(jnp.abs(x) + 0.1, 2.0).sum(),
        jsp.stats.beta.logpdf((x + 2.1) / 4.2, 2.0, 3.0).sum(), jsp.stats.t.logpdf(x, 4.0).sum()), S),
    "beta-binomial": (lambda k, n, a: jsp.special.betaln(k + a, n - k + 2) - jsp.special.betaln(a,
        2.0) - jnp.log(n + 1) - jsp.special.betaln(n - k + 1, k + 1), integers(800, high=20).astype(np.float32),
        np.full(800, 25, np.float32), np.float32(1.5)),
    "Dirichlet": (lambda k, a: jax.random.dirichlet(k, a, (50,)), KEY, np.abs(uniform(8)) + 0.5),
    "gamma drawn": (lambda k: jax.random.gamma(k, 2.5, (500,)), KEY),
    "Poisson drawn": (lambda k: jax.random.poisson(k, 4.0, (500,)), KEY),
    "without replacement": (lambda k, x: jax.random.choice(k, x, (50,), False), KEY, S),
    "alias drawn": (lambda k, p, a: (i := jax.random.randint(k, (2000,), 0, 100),
        jnp.where(jax.random.uniform(k, (2000,)) < p[i], i, a[i]))[1], KEY, np.abs(uniform(100)) / 2, integers(100, high=100)),
    "inverse transform": (lambda k, p: jnp.searchsorted(jnp.cumsum(p / p.sum()), jax.random.uniform(k, (2000,))), KEY,
        np.abs(uniform(100))),
    "multivariate": (lambda k, m, c: m + jax.random.normal(k, (300, 12)) @ jnp.linalg.cholesky(c).T, KEY, uniform(12),
        (lambda a: a @ a.T + np.eye(12, dtype=np.float32))(uniform(12, 12))),
    "sum, compensated": (lambda x: lax.scan(lambda c, v: (y := v - c[1], t := c[0] + y, ((t, (t - c[0]) - y), None))[2], (0.0, 0.0),
        x)[0][0], S),
    "online covariance": (lambda x: lax.scan(lambda c, v: (n := c[0] + 1, d := v - c[1], m := c[1] + d / n,
        ((n, m, c[2] + jnp.outer(d, v - m)), None))[3], (0.0, jnp.zeros(5), jnp.zeros((5, 5))), DATA)[0][2], S),
    "reservoir": (lambda x, k: lax.scan(lambda r, v: (j := jax.random.randint(v[2], (), 0, v[1] + 1),
        (jnp.where(j < 10, r.at[jnp.minimum(j, 9)].set(v[0]), r), None))[1], jnp.zeros(10),
        (x[:200], jnp.arange(200), jax.random.split(k, 200)))[0], S, KEY),
    "count-min": (lambda i: (h := (i[:, None].astype(jnp.uint32) * jnp.array([2654435761, 40503, 2246822519, 3266489917],
        jnp.uint32)) >> 22, t := jnp.zeros((4, 1024), int).at[jnp.arange(4), h].add(1), t[jnp.arange(4), h].min(1))[2],
        integers(3000, high=500)),
    "HyperLogLog": (lambda i: (h := i.astype(jnp.uint32) * np.uint32(2654435761),
        jnp.zeros(64, jnp.int32).at[h >> 26].max(lax.clz(h << 6 | 63).astype(jnp.int32) + 1))[1], integers(9000, high=5000)),
    "bloom filter": (lambda i, q: (h := lambda x: (x[:, None].astype(jnp.uint32) * jnp.array([2654435761, 40503, 2246822519],
        jnp.uint32)) % 4093, t := jnp.zeros(4093, bool).at[h(i)].set(True), t[h(q)].all(1))[2], integers(500, high=10**6),
        integers(2000, high=10**6)),
    "minhash": (lambda i: ((i[:, None].astype(jnp.uint32) * jnp.arange(1, 65, dtype=jnp.uint32) * np.uint32(2654435761)) >> 3).min(0),
        integers(900, high=10**6)),
    "digits of whole numbers": (lambda i: (i[:, None] // 10 ** jnp.arange(7, -1, -1)) % 10, integers(3000, high=10**8)),
    "dates": (lambda d: (z := d + 719468, e := z // 146097, o := z - e * 146097, y := (o - o // 1460 + o // 36524 - o // 146096) // 365,
        t := o - (365 * y + y // 4 - y // 100), m := (5 * t + 2) // 153,
        (jnp.where(m < 10, y + e * 400, y + e * 400 + 1), jnp.where(m < 10, m + 3, m - 9), t - (153 * m + 2) // 5 + 1))[6],
        integers(3000, high=40000)),
    "whole numbers of 64 bits": (lambda a, b: (a * b % 1000003, a // b, jnp.abs(a - b)), integers(900, high=10**9).astype(np.int64),
        integers(900, high=10**6).astype(np.int64) + 1),
    "modular powers": (lambda a: lax.fori_loop(0, 20, lambda i, c: (jnp.where((1000001 >> i) & 1, c[0] * c[1] % 1000003, c[0]),
        c[1] * c[1] % 1000003), (jnp.ones_like(a), a))[0], integers(900, high=10**6).astype(np.int64)),
}

SMOOTH = ["quantiles of rows", "skew and kurtosis", "Pearson of rows", "robust scores", "rolling deviation", "kernel density", "Mahalanobis",
          "Welch's t", "distance correlation", "rolling mean"]
add_all("sample", STATISTICS)
add_all("grad sample", STATISTICS, SMOOTH, gradient)
add_all("sample", STATISTICS, SMOOTH, dtype=jnp.float64)

"""Sort, scan, scatter, FFT, random numbers and linear algebra."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add
from .inputs import K, M, floats, integers, key, uniform


def many(tag, **defaults):
    def one(name, function, *makers, **options):
        add(tag, name, function, lambda: [make() for make in makers], **{**defaults, **options})
    return one


def normal(*shape, dtype=np.float32, seed=0):
    return lambda: floats(*shape, dtype=dtype, seed=seed)


def places(*shape, high, seed=0):
    return lambda: integers(*shape, high=high, seed=seed)


def complexes(*shape):
    return lambda: (floats(*shape) + 1j * floats(*shape, seed=1)).astype(np.complex64)


def definite(*batch, n):
    def make():
        a = floats(*batch, n, n)
        return a @ np.swapaxes(a, -1, -2) + n * np.eye(n, dtype=np.float32)
    return make


def dominant(*batch, n):
    return lambda: floats(*batch, n, n) + 2 * n * np.eye(n, dtype=np.float32)


def recurrence(a, b):
    def combine(left, right):
        return left[0] * right[0], left[1] * right[0] + right[1]

    return lax.associative_scan(combine, (a, b))[1]


def random(draw):
    return lambda k: draw(jax.random.wrap_key_data(k))


def dropout(k, x):
    return jnp.where(jax.random.bernoulli(jax.random.wrap_key_data(k), 0.9, x.shape), x / 0.9, 0)


def categorical(k, logits):
    return jax.random.categorical(jax.random.wrap_key_data(k), logits)


def embedding_gradient(table, ids, g):
    return jax.grad(lambda t: jnp.sum(t[ids] * g))(table)


sort = many("sort")
sort("sort, 1 Mi", jnp.sort, normal(M), quick=True)
sort("sort, i32, 1 Mi", jnp.sort, places(M, high=10**9))
sort("sort of rows, 1024x1024", lambda x: jnp.sort(x, 1), normal(1024, 1024))
sort("argsort of rows, 1024x1024", lambda x: jnp.argsort(x, 1), normal(1024, 1024), quick=True)
sort("argsort, 256 Ki", jnp.argsort, normal(256 * K))
sort("sort by key, 256 Ki", lambda k, v: lax.sort((k, v), num_keys=1), places(256 * K, high=10**9), normal(256 * K))
sort("sort by two keys, 64 Ki", lambda a, b: jnp.lexsort((a, b)), normal(64 * K), places(64 * K, high=100))
sort("top 50 of 50,257, 64 rows", lambda x: lax.top_k(x, 50), normal(64, 50257), quick=True)
sort("median of rows, 1024x255", lambda x: jnp.median(x, 1), normal(1024, 255))
sort("searchsorted, 64 Ki in 64 Ki", lambda s, x: jnp.searchsorted(s, x), lambda: np.sort(floats(64 * K)), normal(64 * K, seed=1))
sort("sort of 1,000 rows of 8", lambda x: jnp.sort(x, 1), normal(1000, 8))
sort("sort of 10,000 rows of 16", lambda x: jnp.sort(x, 1), normal(10000, 16))

scan = many("scan", tolerance=1e-3)
scan("cumsum, 1 Mi", jnp.cumsum, lambda: uniform(M), quick=True)
scan("cumsum, i32, 1 Mi", jnp.cumsum, places(M, high=100))
scan("cumsum of rows, 1024x1024", lambda x: jnp.cumsum(x, 1), lambda: uniform(1024, 1024), quick=True)
scan("cumsum of columns, 1024x1024", lambda x: jnp.cumsum(x, 0), lambda: uniform(1024, 1024))
scan("cumprod, 256 Ki", jnp.cumprod, lambda: uniform(256 * K, low=0.999, high=1.001), tolerance=1e-2)
scan("cummax, 1 Mi", lax.cummax, normal(M))
scan("cumlogsumexp, 64 Ki", lax.cumlogsumexp, normal(64 * K))
scan("associative_scan, linear recurrence, 64 Ki", recurrence, lambda: uniform(64 * K), normal(64 * K), quick=True)
scan("gradient of cumsum, 256 Ki", jax.grad(lambda x: jnp.sum(jnp.cumsum(x) * x)), lambda: uniform(256 * K))

scatter = many("scatter", tolerance=1e-3)
scatter("scatter-add of 100,000 rows of 64", lambda x, i, u: x.at[i].add(u), normal(10000, 64), places(100_000, high=10000),
        normal(100_000, 64, seed=1), quick=True)
scatter("scatter-set of 8,192 rows of 64", lambda x, i, u: x.at[i].set(u), normal(10000, 64),
        lambda: np.random.default_rng(0).permutation(10000)[:8192].astype(np.int32), normal(8192, 64, seed=1))
scatter("scatter-add of elements, 1 Mi into 1 Mi", lambda x, i, u: x.at[i].add(u), normal(M), places(M, high=M), normal(M, seed=1))
scatter("scatter-max of elements, 256 Ki", lambda x, i, u: x.at[i].max(u), normal(64 * K), places(256 * K, high=64 * K),
        normal(256 * K, seed=1))
scatter("histogram, 1 Mi into 256", lambda x: jnp.bincount(x, length=256), places(M, high=256), quick=True)
scatter("segment_sum, 1 Mi into 1,000", lambda x, s: jax.ops.segment_sum(x, s, 1000), lambda: uniform(M), places(M, high=1000),
        quick=True)
scatter("segment_sum of sorted rows, 65536x32", lambda x, s: jax.ops.segment_sum(x, s, 1000, indices_are_sorted=True),
        lambda: uniform(65536, 32), lambda: np.sort(integers(65536, high=1000)))
scatter("segment_max, 256 Ki into 1,000", lambda x, s: jax.ops.segment_max(x, s, 1000), normal(256 * K), places(256 * K, high=1000))
scatter("embedding gradient, 4096 into 50257x128", embedding_gradient, normal(50257, 128), places(4096, high=50257),
        normal(4096, 128, seed=1))
scatter("scatter-set of points, 512x512", lambda x, i, j: x.at[i, j].set(1.0), normal(512, 512), places(10000, high=512),
        places(10000, high=512, seed=1))

fft = many("fft", tolerance=1e-4)
fft("fft, 1 Mi complex", jnp.fft.fft, complexes(M), quick=True)
fft("fft of 1,024 rows of 1,024", jnp.fft.fft, complexes(1024, 1024), quick=True)
fft("fft of 256 rows of 1,000", jnp.fft.fft, complexes(256, 1000))
fft("fft of a prime, 10,007", jnp.fft.fft, complexes(10007))
fft("rfft2, 1024x1024", jnp.fft.rfft2, normal(1024, 1024))
fft("irfft of 256 rows of 4,096", jnp.fft.irfft, complexes(256, 2049))
fft("convolution by fft, 256 Ki", lambda a, b: jnp.fft.irfft(jnp.fft.rfft(a) * jnp.fft.rfft(b)), normal(256 * K), normal(256 * K, seed=1))

rng = many("rng", tolerance=1e-4)
rng("random.normal, 4 Mi", random(lambda k: jax.random.normal(k, (4 * M,))), key, quick=True)
rng("random.bits, 4 Mi", random(lambda k: jax.random.bits(k, (4 * M,))), key, quick=True)
rng("random.uniform, 4 Mi", random(lambda k: jax.random.uniform(k, (4 * M,))), key)
rng("random.randint, 1 Mi", random(lambda k: jax.random.randint(k, (M,), 0, 1000)), key)
rng("dropout, 4 Mi", dropout, key, normal(4 * M), quick=True)
rng("categorical, 256 of 10,000", categorical, key, normal(256, 10000))
rng("permutation of 64 Ki", random(lambda k: jax.random.permutation(k, 64 * K)), key)
rng("split into 10,000 keys", random(lambda k: jax.random.key_data(jax.random.split(k, 10000))), key)
rng("gamma, 10,000", random(lambda k: jax.random.gamma(k, 2.5, (10000,))), key)

linalg = many("linalg", tolerance=1e-3)
linalg("cholesky 512", jnp.linalg.cholesky, definite(n=512), quick=True)
linalg("cholesky of 64 of 128x128", jnp.linalg.cholesky, definite(64, n=128))
linalg("cholesky of 1,000 of 8x8", jnp.linalg.cholesky, definite(1000, n=8))
linalg("solve 256", jnp.linalg.solve, dominant(n=256), normal(256, 4))
linalg("solve of 10,000 of 3x3", jnp.linalg.solve, dominant(10000, n=3), normal(10000, 3, 1), quick=True)
linalg("inverse 512", jnp.linalg.inv, dominant(n=512))
linalg("inverse of 1,000 of 4x4", jnp.linalg.inv, dominant(1000, n=4))
linalg("determinant of 10,000 of 3x3", jnp.linalg.det, dominant(10000, n=3))
linalg("triangular solve 512x64", lambda a, b: lax.linalg.triangular_solve(a, b, left_side=True, lower=True), dominant(n=512), normal(512, 64))
linalg("triangular solve 512x512", lambda a, b: lax.linalg.triangular_solve(a, b, left_side=True, lower=True), dominant(n=512), normal(512, 512))
linalg("R of qr 256", lambda a: jnp.abs(jnp.linalg.qr(a)[1]), normal(256, 256), tolerance=1e-2)
linalg("singular values 128", lambda a: jnp.linalg.svd(a, compute_uv=False), normal(128, 128))
linalg("eigenvalues of symmetric 128", jnp.linalg.eigvalsh, definite(n=128))

"""Reductions of several shapes, and normalisations: reductions with what surrounds them."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.scipy.special import logsumexp

from . import add
from .inputs import M, bfloat16, floats, integers, uniform


def reduction(name, function, *makers, **options):
    add("reduction", name, function, lambda: [make() for make in makers], **options)


def normalisation(name, function, *makers, **options):
    add("normalisation", name, function, lambda: [make() for make in makers], **options)


def positive(*shape, dtype=np.float32, seed=0):
    return lambda: uniform(*shape, dtype=dtype, seed=seed)


def normal(*shape, dtype=np.float32, seed=0):
    return lambda: floats(*shape, dtype=dtype, seed=seed)


def pairwise(a, b):
    return jnp.sqrt(jnp.sum((a[:, None, :] - b[None, :, :]) ** 2, -1))


def k_means_step(points, centres):
    distances = jnp.sum(points**2, 1)[:, None] - 2 * points @ centres.T + jnp.sum(centres**2, 1)
    member = jax.nn.one_hot(jnp.argmin(distances, 1), centres.shape[0], dtype=points.dtype)
    return member.T @ points / jnp.maximum(member.sum(0), 1)[:, None]


def layer_norm(x, scale=1.0, shift=0.0, axis=-1):
    mean = x.mean(axis, keepdims=True)
    return (x - mean) * lax.rsqrt(x.var(axis, keepdims=True) + 1e-5) * scale + shift


def rms_norm(x, scale):
    wide = x.astype(jnp.float32)
    return (wide * lax.rsqrt(jnp.mean(wide * wide, -1, keepdims=True) + 1e-6)).astype(x.dtype) * scale


def batch_norm(x, scale, shift):
    mean, var = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) * lax.rsqrt(var + 1e-5) * scale + shift, mean, var


def group_norm(x, groups=8):
    n, h, w, c = x.shape
    return layer_norm(x.reshape(n, h, w, groups, c // groups), axis=(1, 2, 4)).reshape(x.shape)


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()


def causal_softmax(x):
    return jax.nn.softmax(jnp.where(jnp.tril(jnp.ones(x.shape[-2:], bool)), x, -1e30))


# Sums whose exact order differs: XLA's own rounding is the larger part of these tolerances.
LONG = 2e-3

reduction("sum, 8 Mi", jnp.sum, positive(8 * M), tolerance=LONG, quick=True)
reduction("sum of rows, 2048x2048", lambda x: x.sum(1), positive(2048, 2048), quick=True)
reduction("sum of columns, 2048x2048", lambda x: x.sum(0), positive(2048, 2048), tolerance=LONG, quick=True)
reduction("argmax of rows, 2048x2048", lambda x: jnp.argmax(x, 1), normal(2048, 2048), quick=True)
reduction("argmin of columns, 2048x2048", lambda x: jnp.argmin(x, 0), normal(2048, 2048))
reduction("argmax, 4 Mi", jnp.argmax, normal(4 * M))
reduction("max, 8 Mi", jnp.max, normal(8 * M))
reduction("min and max, 4 Mi", lambda x: (x.min(), x.max()), normal(4 * M))
reduction("mean and variance, 4 Mi", lambda x: (x.mean(), x.var()), positive(4 * M), tolerance=LONG)
reduction("sum of the middle axis, 64x512x128", lambda x: x.sum(1), positive(64, 512, 128))
reduction("sum of outer and inner, 64x512x128", lambda x: x.sum((0, 2)), positive(64, 512, 128), tolerance=LONG)
reduction("sum of short rows, 262144x16", lambda x: x.sum(1), positive(262144, 16), quick=True)
reduction("sum of long rows, 8x1048576", lambda x: x.sum(1), positive(8, M), tolerance=LONG)
reduction("sum of tall columns, 262144x16", lambda x: x.sum(0), positive(262144, 16), tolerance=LONG)
reduction("product of rows, 2048x512", lambda x: x.prod(1), lambda: uniform(2048, 512, low=0.99, high=1.01), tolerance=1e-3)
reduction("sum, bf16, 4 Mi", lambda x: x.sum(), positive(4 * M, dtype=bfloat16), tolerance=3e-2)
reduction("sum of rows, bf16, 2048x2048", lambda x: x.sum(1), positive(2048, 2048, dtype=bfloat16))
reduction("sum, i32, 4 Mi", jnp.sum, lambda: integers(4 * M, high=100))
reduction("sum, f64, 4 Mi", jnp.sum, positive(4 * M, dtype=np.float64), x64=True, tolerance=1e-9)
reduction("any and all, 8 Mi", lambda x: (x.any(), (~x).all(1).any()), lambda: np.zeros((2048, 4096), bool))
reduction("count above, 4 Mi", lambda x: jnp.sum(x > 0.3), normal(4 * M))
reduction("dot of vectors, 4 Mi", lambda a, b: jnp.sum(a * b), positive(4 * M), positive(4 * M, seed=1), tolerance=LONG)
reduction("norm, 4 Mi", lambda x: jnp.sqrt(jnp.sum(x * x)), normal(4 * M), tolerance=LONG)
reduction("mean squared error, 2048x2048", lambda a, b: jnp.mean((a - b) ** 2), normal(2048, 2048), normal(2048, 2048, seed=1),
          tolerance=LONG)
reduction("sum of exp, 4 Mi", lambda x: jnp.exp(x).sum(), normal(4 * M), tolerance=LONG, quick=True)
reduction("logsumexp of rows, 1024x4096", lambda x: logsumexp(x, axis=1), normal(1024, 4096), quick=True)
reduction("logsumexp of columns, 4096x1024", lambda x: logsumexp(x, axis=0), normal(4096, 1024))
reduction("pairwise distances, 512x512x64", pairwise, normal(512, 64), normal(512, 64, seed=1), quick=True)
reduction("k-means step, 20000x16, 64 centres", k_means_step, normal(20000, 16), normal(64, 16, seed=1), tolerance=1e-3)
reduction("gradient of bias, 4096x768", lambda g, x: (jnp.where(x > 0, g, 0).sum(0), jnp.where(x > 0, g, 0)), positive(4096, 768),
          normal(4096, 768, seed=1), tolerance=1e-3)

normalisation("softmax, 2048x2048", jax.nn.softmax, normal(2048, 2048), quick=True)
normalisation("softmax of short rows, 65536x32", jax.nn.softmax, normal(65536, 32), quick=True)
normalisation("softmax of long rows, 16x131072", jax.nn.softmax, normal(16, 131072))
normalisation("softmax of columns, 2048x1024", lambda x: jax.nn.softmax(x, axis=0), normal(2048, 1024))
normalisation("softmax, bf16, 2048x2048", jax.nn.softmax, normal(2048, 2048, dtype=bfloat16))
normalisation("causal softmax, 24x512x512", causal_softmax, normal(24, 512, 512))
normalisation("log_softmax, 512x10000", jax.nn.log_softmax, normal(512, 10000))
normalisation("cross entropy, 512x10000", cross_entropy, normal(512, 10000), lambda: integers(512, high=10000), tolerance=1e-4,
              quick=True)
normalisation("gradient of cross entropy, 512x10000", jax.grad(cross_entropy), normal(512, 10000),
              lambda: integers(512, high=10000))
normalisation("layer norm, 4096x768", layer_norm, normal(4096, 768), tolerance=1e-4, quick=True)
normalisation("layer norm with scale, 4096x768", layer_norm, normal(4096, 768), normal(768), normal(768, seed=1), tolerance=1e-4)
normalisation("gradient of layer norm, 2048x768", jax.grad(lambda x, s, b: jnp.sum(layer_norm(x, s, b) ** 2), (0, 1, 2)),
              normal(2048, 768), normal(768), normal(768, seed=1), tolerance=1e-3)
normalisation("rms norm, bf16, 4096x1024", rms_norm, normal(4096, 1024, dtype=bfloat16), normal(1024, dtype=bfloat16, seed=1),
              quick=True)
normalisation("batch norm, NHWC 32x28x28x128", batch_norm, normal(32, 28, 28, 128), normal(128), normal(128, seed=1), tolerance=1e-3,
              quick=True)
normalisation("group norm, 8x32x32x64", group_norm, normal(8, 32, 32, 64), tolerance=1e-4)
normalisation("standardise columns, 8192x256", lambda x: layer_norm(x, axis=0), normal(8192, 256), tolerance=1e-4)
normalisation("unit rows, 65536x64", lambda x: x / jnp.linalg.norm(x, axis=1, keepdims=True), normal(65536, 64))
normalisation("add and layer norm, 4096x768", lambda x, y: layer_norm(x + y), normal(4096, 768), normal(4096, 768, seed=1),
              tolerance=1e-4)

# Rows that fill no vectors and change in place: what they end in must not be written before the row behind it is read.
normalisation("softmax in place, 20000x37", lambda x: (jax.nn.softmax(x),), normal(20000, 37), carry=1)
normalisation("rms norm in place, 20000x37", lambda x: (rms_norm(x, 1),), normal(20000, 37), carry=1)
normalisation("rms norm in place, bf16, 20000x37", lambda x: (rms_norm(x, 1),), normal(20000, 37, dtype=bfloat16), carry=1)

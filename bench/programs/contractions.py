"""Contractions and convolutions: matrix products of several shapes and types, attention, convolutions with gradients, pooling."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add
from .inputs import bfloat16, floats, integers


def contraction(name, function, *makers, **options):
    options.setdefault("tolerance", 1e-3)
    add("contraction", name, function, lambda: [make() for make in makers], **options)


def conv(name, function, *makers, **options):
    options.setdefault("tolerance", 1e-3)
    add("conv", name, function, lambda: [make() for make in makers], **options)


def normal(*shape, dtype=np.float32, seed=0):
    return lambda: floats(*shape, dtype=dtype, seed=seed)


def pair(a, b, dtype=np.float32):
    return normal(*a, dtype=dtype), normal(*b, dtype=dtype, seed=1)


def attention(q, k, v):
    scores = jnp.einsum("bthd,bshd->bhts", q, k) / q.shape[-1] ** 0.5
    mask = jnp.tril(jnp.ones((scores.shape[-2], scores.shape[-1]), bool))
    return jnp.einsum("bhts,bshd->bthd", jax.nn.softmax(jnp.where(mask, scores, -1e9)), v)


def attend_once(q, k, v, length):
    scores = jnp.einsum("bhd,bshd->bhs", q, k) / q.shape[-1] ** 0.5
    scores = jnp.where(jnp.arange(k.shape[1]) < length, scores, -1e9)
    return jnp.einsum("bhs,bshd->bhd", jax.nn.softmax(scores), v)


def convolve(x, w, groups=1, stride=1, padding="SAME", layout=("NHWC", "HWIO", "NHWC"), **options):
    strides = (stride,) * (x.ndim - 2)
    return lax.conv_general_dilated(x, w, strides, padding, dimension_numbers=layout, feature_group_count=groups, **options)


def pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")


def average(x):
    return lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4


def matmul_i8(a, b):
    return lax.dot(a, b, preferred_element_type=jnp.int32)


contraction("matmul 1024x1024x1024", jnp.matmul, *pair((1024, 1024), (1024, 1024)), quick=True)
contraction("matmul 1024x1024x1024, bf16", jnp.matmul, *pair((1024, 1024), (1024, 1024), bfloat16), tolerance=5e-2, quick=True)
contraction("matmul 512x512x512, f64", jnp.matmul, *pair((512, 512), (512, 512), np.float64), x64=True, tolerance=1e-10)
contraction("matmul 512x512x512, f16", jnp.matmul, *pair((512, 512), (512, 512), np.float16), tolerance=5e-2)
contraction("matmul 512x512x512, i8 to i32", matmul_i8,
            *(lambda i=i: integers(512, 512, low=-128, high=128, dtype=np.int8, seed=i) for i in range(2)))
contraction("matmul 256x256x256, complex", jnp.matmul, *pair((256, 256), (256, 256), np.complex64))
contraction("matmul of 256 batches of 64x64x64", jnp.matmul, *pair((256, 64, 64), (256, 64, 64)), quick=True)
contraction("matmul of 10,000 batches of 4x4x4", jnp.matmul, *pair((10000, 4, 4), (10000, 4, 4)))
contraction("matrix-vector 4096x4096", jnp.matmul, *pair((4096, 4096), (4096,)), quick=True)
contraction("vector-matrix 4096x4096", jnp.matmul, *pair((4096,), (4096, 4096)))
contraction("skinny matmul 8x4096x4096", jnp.matmul, *pair((8, 4096), (4096, 4096)))
contraction("matmul 16x16x16", jnp.matmul, *pair((16, 16), (16, 16)))
contraction("matmul 128x128x128", jnp.matmul, *pair((128, 128), (128, 128)))
contraction("matmul 100x300x77", jnp.matmul, *pair((100, 300), (300, 77)))
contraction("A^T B, 1024x512x512", lambda a, b: a.T @ b, *pair((1024, 512), (1024, 512)))
contraction("A B^T, 512x1024x512", lambda a, b: a @ b.T, *pair((512, 1024), (512, 1024)))
contraction("gelu(x w + b), 512x768x3072", lambda x, w, b: jax.nn.gelu(x @ w + b), *pair((512, 768), (768, 3072)),
            normal(3072, seed=2), quick=True)
contraction("outer product, 2048x2048", jnp.outer, *pair((2048,), (2048,)))
contraction("einsum bij,bkj->bik, 64x128x64", lambda a, b: jnp.einsum("bij,bkj->bik", a, b), *pair((64, 128, 64), (64, 128, 64)))
contraction("causal attention, 2x512x12x64", attention, *(normal(2, 512, 12, 64, seed=i) for i in range(3)), quick=True)
contraction("gradient of attention, 1x256x12x64", jax.grad(lambda q, k, v: jnp.sum(attention(q, k, v) ** 2), (0, 1, 2)),
            *(normal(1, 256, 12, 64, seed=i) for i in range(3)), tolerance=5e-3)
contraction("gradient of attention, 2x512x12x64", jax.grad(lambda q, k, v: jnp.sum(attention(q, k, v) ** 2), (0, 1, 2)),
            *(normal(2, 512, 12, 64, seed=i) for i in range(3)), tolerance=5e-3)
contraction("causal attention, 1x2048x16x64", attention, *(normal(1, 2048, 16, 64, seed=i) for i in range(3)))
contraction("causal attention, bf16, 2x512x12x64", lambda q, k, v: jax.nn.dot_product_attention(q, k, v, is_causal=True),
            *(normal(2, 512, 12, 64, dtype=bfloat16, seed=i) for i in range(3)), tolerance=5e-2)
contraction("attention of one query, 4x2048x12x64", jax.nn.dot_product_attention, normal(4, 1, 12, 64),
            *(normal(4, 2048, 12, 64, seed=i) for i in (1, 2)))
contraction("attention of one token, 4x1024x12x64", attend_once, normal(4, 12, 64), normal(4, 1024, 12, 64, seed=1),
            normal(4, 1024, 12, 64, seed=2), lambda: np.int32(700))

WEIGHTS = normal(3, 3, 64, 64, seed=1)
conv("conv 3x3, NHWC 8x56x56x64", convolve, normal(8, 56, 56, 64), WEIGHTS, quick=True)
conv("conv 3x3, NCHW 8x64x56x56", lambda x, w: convolve(x, w, layout=("NCHW", "OIHW", "NCHW")), normal(8, 64, 56, 56),
     normal(64, 64, 3, 3, seed=1))
conv("conv 3x3 depthwise, NHWC 8x56x56x128", lambda x, w: convolve(x, w, 128), normal(8, 56, 56, 128), normal(3, 3, 1, 128, seed=1),
     quick=True)
conv("conv 3x3 of 8 groups, NHWC 2x28x28x128", lambda x, w: convolve(x, w, 8), normal(2, 28, 28, 128), normal(3, 3, 16, 128, seed=1))
conv("conv 3x3 stride 2, NHWC 8x56x56x64", lambda x, w: convolve(x, w, stride=2), normal(8, 56, 56, 64), WEIGHTS)
conv("conv 1x1, NHWC 8x28x28x256", convolve, normal(8, 28, 28, 256), normal(1, 1, 256, 256, seed=1))
conv("conv 7x7 stride 2, NHWC 1x224x224x3", lambda x, w: convolve(x, w, stride=2), normal(1, 224, 224, 3), normal(7, 7, 3, 64, seed=1))
conv("conv 3x3 dilated by 2, NHWC 2x56x56x64", lambda x, w: convolve(x, w, rhs_dilation=(2, 2)), normal(2, 56, 56, 64), WEIGHTS)
conv("conv 4x4 transposed, NHWC 1x28x28x64", lambda x, w: lax.conv_transpose(x, w, (2, 2), "SAME"), normal(1, 28, 28, 64),
     normal(4, 4, 64, 64, seed=1), quick=True)
conv("conv 1-D of 9, 8x4096x32", lambda x, w: convolve(x, w, layout=("NWC", "WIO", "NWC")), normal(8, 4096, 32), normal(9, 32, 32, seed=1))
conv("conv 1-D, one channel, 100,000 by 101", lambda x, w: jnp.convolve(x, w, mode="same"), normal(100_000), normal(101, seed=1))
conv("conv 3x3x3, NDHWC 1x16x28x28x16", lambda x, w: convolve(x, w, layout=("NDHWC", "DHWIO", "NDHWC")), normal(1, 16, 28, 28, 16),
     normal(3, 3, 3, 16, 16, seed=1))
conv("gradients of conv 3x3, NHWC 4x28x28x64", jax.grad(lambda x, w: jnp.sum(convolve(x, w) ** 2), (0, 1)), normal(4, 28, 28, 64), WEIGHTS,
     quick=True)
conv("gradients of depthwise, NHWC 2x28x28x64", jax.grad(lambda x, w: jnp.sum(convolve(x, w, 64) ** 2), (0, 1)),
     normal(2, 28, 28, 64), normal(3, 3, 1, 64, seed=1))
conv("conv 3x3 + bias + relu, NHWC 8x28x28x64", lambda x, w, b: jax.nn.relu(convolve(x, w) + b), normal(8, 28, 28, 64), WEIGHTS, normal(64))
conv("max pool 3x3, NHWC 8x56x56x64", pool, normal(8, 56, 56, 64), quick=True)
conv("max pool 3x3, NCHW 8x64x56x56", lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, 3, 3), (1, 1, 2, 2), "SAME"),
     normal(8, 64, 56, 56))
conv("average pool 2x2, NHWC 8x56x56x64", average, normal(8, 56, 56, 64))
conv("gradient of max pool, NHWC 2x56x56x64", jax.grad(lambda x: jnp.sum(pool(x) ** 2)), normal(2, 56, 56, 64))

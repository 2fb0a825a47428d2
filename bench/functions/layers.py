"""Layers of networks: convolutions, attention, small models, products of quantised numbers, and their gradients."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add, gradient
from .inputs import X, integers, uniform

IMAGE, KERNEL, PLANES = uniform(8, 32, 32, 16), uniform(3, 3, 16, 32), uniform(8, 16, 32, 32)
NHWC, NCHW = ("NHWC", "HWIO", "NHWC"), ("NCHW", "HWIO", "NCHW")


def conv(x, k, padding="SAME", stride=1, dilation=1, layout=NHWC, groups=1):
    return lax.conv_general_dilated(x, k, (stride, stride), padding, rhs_dilation=(dilation, dilation), dimension_numbers=layout,
                                    feature_group_count=groups)


def squared(function):
    return lambda *arguments: function(*arguments) ** 2


KINDS = {"same": {}, "valid": {"padding": "VALID"}, "stride 2": {"stride": 2}, "dilation 2": {"dilation": 2}}
for name, options in KINDS.items():
    function = lambda x, k, o=options: conv(x, k, **o)
    add(f"conv {name}", function, IMAGE, KERNEL)
    add(f"grad conv {name}", gradient(squared(function), (0, 1)), IMAGE, KERNEL)
    planes = lambda x, k, o=options: conv(x, k, layout=NCHW, **o)
    add(f"conv NCHW {name}", planes, PLANES, KERNEL)
    add(f"grad conv NCHW {name}", gradient(squared(planes), (0, 1)), PLANES, KERNEL)
depthwise = lambda x, k: conv(x, k, groups=16)
add("conv depthwise", depthwise, IMAGE, uniform(3, 3, 1, 16))
add("grad conv depthwise", gradient(squared(depthwise), (0, 1)), IMAGE, uniform(3, 3, 1, 16))
add("conv of 4 groups", lambda x, k: conv(x, k, groups=4), IMAGE, uniform(3, 3, 4, 32))
add("conv_transpose", lambda x, k: lax.conv_transpose(x, k, (2, 2), "SAME"), IMAGE, uniform(4, 4, 16, 8))
add("conv bf16", lambda x, k: conv(x.astype(jnp.bfloat16), k.astype(jnp.bfloat16)), IMAGE, KERNEL)
add("conv f16", lambda x, k: conv(x.astype(jnp.float16), k.astype(jnp.float16)), IMAGE, KERNEL)
add("conv 1 axis", lambda x, k: lax.conv_general_dilated(x, k, (1,), "SAME", dimension_numbers=("NWC", "WIO", "NWC")),
    uniform(8, 1000, 16), uniform(9, 16, 16))
add("conv 3 axes", lambda x, k: lax.conv_general_dilated(x, k, (1, 1, 1), "SAME", dimension_numbers=("NDHWC", "DHWIO", "NDHWC")),
    uniform(1, 16, 16, 16, 8), uniform(3, 3, 3, 8, 8))
add("conv s8 to s32", lambda x, k: lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=NHWC,
                                                            preferred_element_type=jnp.int32),
    integers(8, 32, 32, 16, low=-128, high=128, dtype=np.int8), integers(3, 3, 16, 32, low=-128, high=128, dtype=np.int8))

Q = uniform(2, 128, 4, 32)
attention = jax.nn.dot_product_attention
add("attention", lambda q: attention(q, q, q), Q)
add("attention, causal", lambda q: attention(q, q, q, is_causal=True), Q)
add("grad attention, causal", gradient(lambda q: attention(q, q, q, is_causal=True)), Q)
add("attention bf16", lambda q: attention(q, q, q), Q.astype(jnp.bfloat16))

W, V, ROWS = uniform(256, 512), uniform(512, 64), uniform(64, 256)
perceptron = lambda w, v, x: jax.nn.relu(x @ w) @ v
add("perceptron", perceptron, W, V, ROWS)
add("grad perceptron", gradient(perceptron, (0, 1)), W, V, ROWS)
add("vmap grad perceptron", lambda w, v, x: jax.vmap(lambda r: gradient(perceptron)(w, v, r))(x[:8]), W, V, ROWS)
add("jacfwd", jax.jacfwd(lambda v: jnp.sin(v) * v.sum()), X[:200])
add("jacrev", jax.jacrev(lambda v: jnp.sin(v) * v.sum()), X[:200])
add("hessian", jax.hessian(lambda v: (jnp.sin(v) * v.sum()).sum()), X[:100])

CODES = integers(256, 512, low=-128, high=128, dtype=np.int8)
SCALES = uniform(512, low=0.001, high=0.01)


def product(a, b, result=jnp.int32):
    return lax.dot_general(a, b, (((a.ndim - 1,), (0,)), ((), ())), preferred_element_type=result)


def quantise(x):
    scale = jnp.abs(x).max(-1, keepdims=True) / 127
    return jnp.round(x / scale).astype(jnp.int8), scale


def quantised_layer(x, w, scales):
    codes, scale = quantise(x)
    return product(codes, w).astype(jnp.float32) * scale * scales


add("quantise rows", quantise, ROWS)
add("quantised product s8", product, CODES[:, :256].copy(), CODES)
add("quantised product u8", lambda a, b: product(a.view(jnp.uint8), b.view(jnp.uint8)), CODES[:, :256].copy(), CODES)
add("quantised product u8 by s8", lambda a, b: product(a.view(jnp.uint8).astype(jnp.int32), b.astype(jnp.int32)), CODES[:, :256].copy(), CODES)
add("quantised layer", quantised_layer, ROWS, CODES, SCALES)
add("weights of 8 bits", lambda x, w, s: x @ (w.astype(jnp.float32) * s), ROWS, CODES, SCALES)
add("weights of 8 bits, one row", lambda x, w, s: (x @ w.astype(jnp.float32)) * s, ROWS[0], CODES, SCALES)
add("weights of 4 bits", lambda x, w, s: x @ (jnp.stack([w & 15, w >> 4 & 15], 1).reshape(-1, 512)[:256].astype(jnp.float32) - 8) * s,
    ROWS, CODES, SCALES)
add("requantise", lambda x: jnp.clip(jnp.round(x.astype(jnp.float32) * 0.013) + 3, -128, 127).astype(jnp.int8),
    integers(512, 512, low=-9999, high=9999))
add("rotary embedding", lambda q: rotate(q), Q)
add("rms norm", lambda x, w: x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w, ROWS, W[:, 0].copy())
add("grad rms norm", gradient(lambda x, w: x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * w, (0, 1)), ROWS, W[:, 0].copy())
add("rms norm bf16", lambda x, w: (x.astype(jnp.float32) * lax.rsqrt((x.astype(jnp.float32) ** 2).mean(-1, keepdims=True))).astype(x.dtype) * w,
    ROWS.astype(jnp.bfloat16), W[:, 0].astype(jnp.bfloat16))
add("group norm", lambda x: group_norm(x, 4), IMAGE)
add("grad group norm", gradient(lambda x: squared(group_norm)(x, 4)), IMAGE)
add("embedding and mean", lambda e, i: e[i].mean(1), uniform(5000, 64), integers(256, 20, high=5000))
add("grad embedding and mean", gradient(lambda e, i: e[i].mean(1)), uniform(5000, 64), integers(256, 20, high=5000))


def rotate(q):
    angles = jnp.arange(q.shape[1])[:, None, None] * 10000.0 ** (-jnp.arange(q.shape[3] // 2) / (q.shape[3] // 2))
    a, b = jnp.split(q, 2, -1)
    return jnp.concatenate([a * jnp.cos(angles) - b * jnp.sin(angles), b * jnp.cos(angles) + a * jnp.sin(angles)], -1)


def group_norm(x, groups):
    shape = x.shape
    x = x.reshape(*shape[:-1], groups, -1)
    mean, variance = x.mean((1, 2, 4), keepdims=True), x.var((1, 2, 4), keepdims=True)
    return ((x - mean) * lax.rsqrt(variance + 1e-5)).reshape(shape)

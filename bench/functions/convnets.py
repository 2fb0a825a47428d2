"""Blocks of convolutional nets: norms, gates, pools, patches, samples between pixels."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .inputs import integers, uniform
from .inputs import weights as w
from .tables import add_all, gradients

IMAGE, SEQUENCE = uniform(2, 28, 30, 24), uniform(3, 77, 96)


def layer_norm(x, g, b):
    m = x.mean(-1, keepdims=True)
    return (x - m) * lax.rsqrt(((x - m) ** 2).mean(-1, keepdims=True) + 1e-5) * g + b


def conv(x, k, stride=1, groups=1, dilation=1, padding="SAME"):
    return lax.conv_general_dilated(x, k, (stride, stride), padding, rhs_dilation=(dilation, dilation),
                                    dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups)


def batch_norm(x, g, b):
    m, v = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - m) * lax.rsqrt(v + 1e-5) * g + b


def squeeze(x, a, b):
    s = jax.nn.sigmoid(jax.nn.relu(x.mean((1, 2)) @ a) @ b)
    return x * s[:, None, None]


def inverted(x, a, d, b, g):
    y = jax.nn.silu(conv(x, a) * g)
    y = jax.nn.silu(conv(y, d, groups=y.shape[-1]))
    return x + conv(y, b)


def convnext(x, d, g, b, a, c):
    y = layer_norm(conv(x, d, groups=x.shape[-1]), g, b)
    return x + jax.nn.gelu(y @ a) @ c


def shuffle(x, g=4):
    n, h, k, c = x.shape
    return x.reshape(n, h, k, g, c // g).swapaxes(3, 4).reshape(x.shape)


def pixel_shuffle(x, r=2):
    n, h, k, c = x.shape
    return x.reshape(n, h, k, r, r, c // r**2).transpose(0, 1, 3, 2, 4, 5).reshape(n, h * r, k * r, -1)


def group_norm(x, g, b, n=4):
    y = x.reshape(*x.shape[:3], n, -1)
    m, v = y.mean((1, 2, 4), keepdims=True), y.var((1, 2, 4), keepdims=True)
    return ((y - m) * lax.rsqrt(v + 1e-5)).reshape(x.shape) * g + b


def deformable(x, k, o):
    """Bilinear samples at places that an offset moves, then a product."""
    n, h, c, d = x.shape
    o = conv(x, o).reshape(n, h, c, 9, 2)
    g = jnp.stack(jnp.meshgrid(jnp.arange(h), jnp.arange(c), indexing="ij"), -1)[:, :,
        None] + jnp.stack(jnp.meshgrid(jnp.arange(-1, 2), jnp.arange(-1, 2), indexing="ij"), -1).reshape(9, 2)
    p = g + o
    f = jnp.floor(p).astype(int)
    t = p - f
    def at(i, j):
        y, z = jnp.clip(f[..., 0] + i, 0, h - 1), jnp.clip(f[..., 1] + j, 0, c - 1)
        return jax.vmap(lambda x, y, z: x[y, z])(x, y, z)
    u, v = t[..., :1], t[..., 1:]
    s = (1 - u) * ((1 - v) * at(0, 0) + v * at(0, 1)) + u * ((1 - v) * at(1, 0) + v * at(1, 1))
    return jnp.einsum("nhwkd,kde->nhwe", s, k)


def roi_align(x, boxes):
    def one(box):
        y = box[0] + (jnp.arange(7) + 0.5) / 7 * box[2]
        z = box[1] + (jnp.arange(7) + 0.5) / 7 * box[3]
        f = lambda t, n: (jnp.clip(jnp.floor(t).astype(int), 0, n - 2), t - jnp.clip(jnp.floor(t), 0, n - 2))
        (i, a), (j, b) = f(y, x.shape[1]), f(z, x.shape[2])
        a, b, v = a[:, None, None], b[:, None], x[0]
        return (1 - a) * ((1 - b) * v[i][:, j] + b * v[i][:, j + 1]) + a * ((1 - b) * v[i + 1][:, j] + b * v[i + 1][:, j + 1])
    return jax.vmap(one)(boxes)


def unet(x, a, b, c):
    d = lax.reduce_window(jax.nn.relu(conv(x, a)), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    e = jax.nn.relu(conv(d, b))
    return conv(jnp.concatenate([x, jnp.repeat(jnp.repeat(e, 2, 1), 2, 2)], -1), c)


def adaptive_pool(x, n=7):
    return jnp.stack([jnp.stack([x[:, i * 28 // n : -(-(i + 1) * 28 // n),
        j * 30 // n : -(-(j + 1) * 30 // n)].mean((1, 2)) for j in range(n)], 1) for i in range(n)], 1)


C = 24
PICTURES = {
    "conv, norm, relu": (lambda x, k, g, b: jax.nn.relu(batch_norm(conv(x, k), g, b)), IMAGE, w(3, 3, C, 32), uniform(32), uniform(32)),
    "conv, folded norm, relu6": (lambda x, k, g, b: jnp.clip(conv(x, k) * g + b, 0, 6), IMAGE, w(3, 3, C, 32), uniform(32), uniform(32)),
    "residual": (lambda x, a, b: jax.nn.relu(x + conv(jax.nn.relu(conv(x, a)), b)), IMAGE, w(3, 3, C, C), w(3, 3, C, C)),
    "squeeze and excite": (squeeze, IMAGE, w(C, 6), w(6, C)),
    "inverted bottleneck": (inverted, IMAGE, w(1, 1, C, 96), w(5, 5, 1, 96), w(1, 1, 96, C), uniform(96)),
    "ConvNeXt": (convnext, IMAGE, w(7, 7, 1, C), uniform(C), uniform(C), w(C, 96), w(96, C)),
    "channel shuffle": (shuffle, IMAGE), "pixel shuffle": (pixel_shuffle, IMAGE), "group norm": (group_norm, IMAGE, uniform(C), uniform(C)),
    "instance norm": (lambda x: (x - x.mean((1, 2), keepdims=True)) * lax.rsqrt(x.var((1, 2), keepdims=True) + 1e-5), IMAGE),
    "response norm": (lambda x, g: (n := jnp.sqrt((x * x).sum((1, 2), keepdims=True)),
        x + g * x * n / (n.mean(-1, keepdims=True) + 1e-6))[1], IMAGE, uniform(C)),
    "local response norm": (lambda x: x / (2 + 1e-4 * lax.reduce_window(x * x, 0.0, lax.add, (1, 1, 1, 5), (1, 1, 1, 1), "SAME")) ** 0.75,
        IMAGE),
    "standardised weights": (lambda x, k: conv(x, (k - k.mean((0, 1, 2))) / (k.std((0, 1, 2)) + 1e-5)), IMAGE, w(3, 3, C, 32)),
    "deformable": (deformable, IMAGE, w(9, C, 16), w(3, 3, C, 18) * 0.1),
    "regions aligned": (roi_align, IMAGE, np.abs(uniform(50, 4)) * 6),
    "U": (unet, IMAGE, w(3, 3, C, C), w(3, 3, C, C), w(3, 3, 2 * C, 8)),
    "pyramid": (lambda x, a, b: [conv(x[:, ::s, ::s], a) + conv(x[:, ::s, ::s], b) for s in (1, 2, 4)], IMAGE, w(1, 1, C, 16),
        w(3, 3, C, 16)),
    "dilated pyramid": (lambda x, k: jnp.concatenate([conv(x, k, dilation=d) for d in (1, 2, 4)], -1), IMAGE, w(3, 3, C, 8)),
    "patches embedded": (lambda x, k, p: conv(x, k, 4, padding="VALID").reshape(2, -1, 64) + p, IMAGE[:, :, :28].copy(), w(4, 4, C, 64),
        uniform(49, 64)),
    "patches by reshape": (lambda x, k: x.reshape(2, 7, 4, 7, 4, C).transpose(0, 1, 3, 2, 4, 5).reshape(2, 49, -1) @ k,
        IMAGE[:, :, :28].copy(), w(16 * C, 64)),
    "unfold": (lambda x: lax.conv_general_dilated_patches(x.transpose(0, 3, 1, 2), (3, 3), (1, 1), "SAME"), IMAGE),
    "transposed": (lambda x, k: lax.conv_transpose(x, k, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")), IMAGE,
        w(3, 3, C, 12)),
    "mean pool": (lambda x: lax.reduce_window(x, 0.0, lax.add, (1, 3, 3, 1), (1, 2, 2, 1), "SAME") / lax.reduce_window(jnp.ones_like(x),
        0.0, lax.add, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"), IMAGE),
    "power pool": (lambda x: lax.reduce_window(jnp.abs(x) ** 3, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") ** (1 / 3), IMAGE),
    "adaptive pool": (adaptive_pool, IMAGE),
    "spatial pyramid": (lambda x: jnp.concatenate([x[:, :28, :28].reshape(2, n, 28 // n, n, 28 // n, C).max((2, 4)).reshape(2,
        -1) for n in (1, 2, 4)], 1), IMAGE),
    "blur pool": (lambda x: conv(x, jnp.tile((jnp.outer(t := jnp.array([1.0, 3, 3, 1]), t) / 64)[:, :, None, None], (1, 1, 1, C)), 2, C),
        IMAGE),
    "style": (lambda a, b: (a - a.mean((1, 2), keepdims=True)) / (a.std((1, 2), keepdims=True) + 1e-5) * b.std((1, 2),
        keepdims=True) + b.mean((1, 2), keepdims=True), IMAGE, uniform(2, 20, 30, C)),
    "causal conv of a sequence": (lambda x, k: lax.conv_general_dilated(x, k, (1,), [(3, 0)], dimension_numbers=("NWC", "WIO", "NWC"),
        feature_group_count=96), SEQUENCE, w(4, 1, 96)),
    "WaveNet": (lambda x, f, g: functools.reduce(lambda y, d: y + jnp.tanh(c1(y, f, d)) * jax.nn.sigmoid(c1(y, g, d)), (1, 2, 4, 8), x),
        uniform(2, 400, 32), w(2, 32, 32), w(2, 32, 32)),
    "upsampled by nearest": (lambda x: jnp.repeat(jnp.repeat(x, 2, 1), 2, 2), IMAGE),
    "coordinates added": (lambda x: jnp.concatenate([x, jnp.broadcast_to(jnp.linspace(-1, 1, 28)[:, None, None], (2, 28, 30, 1)),
        jnp.broadcast_to(jnp.linspace(-1, 1, 30)[:, None], (2, 28, 30, 1))], -1), IMAGE),
    "depth to space, planes": (lambda x: x.transpose(0, 3, 1, 2).reshape(2, 6, 2, 2, 28, 30).transpose(0, 1, 4, 2, 5, 3).reshape(2, 6, 56,
        60), IMAGE),
    "rays and densities": (lambda x, s: (a := 1 - jnp.exp(-jax.nn.relu(s) * 0.1), t := jnp.cumprod(1 - a + 1e-10, 1) / (1 - a + 1e-10),
        jnp.einsum("rs,rsc->rc", a * t, jax.nn.sigmoid(x)))[2],
                           uniform(400, 64, 3), uniform(400, 64)),
    "diffusion step": (lambda x, e, t: (a := jnp.cumprod(1 - jnp.linspace(1e-4, 0.02, 1000)), b := a[t][:, None, None, None],
        jnp.sqrt(b) * x + jnp.sqrt(1 - b) * e)[2], IMAGE, IMAGE[::-1].copy(), integers(2, high=1000)),
}


def c1(x, k, d):
    return lax.conv_general_dilated(x, k, (1,), [(d, 0)], rhs_dilation=(d,), dimension_numbers=("NWC", "WIO", "NWC"))

HALVES = ["conv, norm, relu", "residual", "squeeze and excite", "ConvNeXt", "group norm", "inverted bottleneck"]
add_all("picture", PICTURES)
add_all("grad picture", PICTURES, of=gradients)
add_all("picture", PICTURES, HALVES, dtype=jnp.bfloat16)
add_all("grad picture", PICTURES, HALVES, gradients, jnp.bfloat16)

"""Convolutions as networks for images, sound, video and text have them, and their gradients by the input x and the kernel k."""

import jax
import jax.numpy as jnp
from jax import lax

from . import add
from .inputs import uniform

LAYOUTS = {1: ("NWC", "WIO", "NWC"), 2: ("NHWC", "HWIO", "NHWC"), 3: ("NDHWC", "DHWIO", "NDHWC")}
PLANES = {1: ("NCW", "OIW", "NCW"), 2: ("NCHW", "OIHW", "NCHW"), 3: ("NCDHW", "OIDHW", "NCDHW")}
_made = {}


def numbers(*shape):
    """An array of this shape, the same for all."""
    if shape not in _made:
        _made[shape] = uniform(*shape)
    return _made[shape]


def convolution(name, batch, sizes, features, window, outputs, gradients=False, groups=1, stride=1, dilation=1, padding="SAME", holes=1,
                planes=False, dtype=None, after=lambda y: y):
    """Adds one, and, with |gradients|, those by the input and by the kernel."""
    axes, each = len(sizes), lambda n: (n,) * len(sizes)
    window = each(window) if isinstance(window, int) else window
    layout = (PLANES if planes else LAYOUTS)[axes]

    def function(x, k):
        return after(lax.conv_general_dilated(x, k, each(stride), padding, lhs_dilation=each(holes), rhs_dilation=each(dilation),
                                              dimension_numbers=layout, feature_group_count=groups))

    if planes:
        x, k = numbers(batch, features, *sizes), numbers(outputs, features // groups, *window)
    else:
        x, k = numbers(batch, *sizes, features), numbers(*window, features // groups, outputs)
    if dtype is not None:
        x, k = x.astype(dtype), k.astype(dtype)
    name = f"conv {name}{', planes' if planes else ''}"
    add(name, function, x, k)
    if gradients:
        result = jax.eval_shape(function, x, k)
        g = numbers(*result.shape).astype(result.dtype)
        add(f"{name}, by x", lambda x, k, g: jax.vjp(lambda x: function(x, k), x)[1](g)[0], x, k, g)
        add(f"{name}, by k", lambda x, k, g: jax.vjp(lambda k: function(x, k), k)[1](g)[0], x, k, g)


CAUSAL = {d: [(2 * d, 0)] for d in (1, 4, 16)}
BFLOAT16 = jnp.bfloat16
relu = jax.nn.relu
BIAS = numbers(64)
for planes in (False, True):
    both = dict(planes=planes)
    grads = dict(planes=planes, gradients=True)
    # Groups: from two to as many as there are features.
    for groups in (2, 4, 8):
        convolution(f"1-D of {groups} groups", 4, (256,), 64, 5, 64, groups=groups, **grads)
        convolution(f"3x3 of {groups} groups", 2, (28, 28), 64, 3, 64, groups=groups, **grads)
        convolution(f"3x3x3 of {groups} groups", 1, (8, 14, 14), 32, 3, 32, groups=groups, **grads)
    convolution("3x3 of 4 groups, stride 2", 2, (28, 28), 64, 3, 64, groups=4, stride=2, **grads)
    convolution("3x3 of 4 groups, dilation 2", 2, (28, 28), 64, 3, 64, groups=4, dilation=2, **grads)
    convolution("3x3 of 32 groups of 4", 2, (14, 14), 128, 3, 128, groups=32, **grads)
    convolution("1x1 of 8 groups", 2, (28, 28), 128, 1, 128, groups=8, **grads)
    convolution("1-D depthwise of 4", 4, (256,), 128, 4, 128, groups=128, padding=[(3, 0)], **grads)
    convolution("3x3 depthwise", 2, (28, 28), 96, 3, 96, groups=96, **grads)
    convolution("3x3 depthwise, stride 2", 2, (28, 28), 96, 3, 96, groups=96, stride=2, **grads)
    convolution("3x3 depthwise, two each", 2, (28, 28), 32, 3, 64, groups=32, **grads)
    convolution("5x5 depthwise", 2, (14, 14), 240, 5, 240, groups=240, **grads)
    convolution("7x7 depthwise", 1, (14, 14), 384, 7, 384, groups=384, **grads)
    convolution("3x3x3 depthwise", 1, (8, 14, 14), 32, 3, 32, groups=32, **grads)
    # Video and volumes.
    convolution("3x3x3", 1, (8, 16, 16), 16, 3, 32, **grads)
    convolution("3x3x3, stride 2", 1, (8, 16, 16), 16, 3, 32, stride=2, **grads)
    convolution("1x3x3", 1, (8, 16, 16), 32, (1, 3, 3), 32, **grads)
    convolution("3x1x1", 1, (8, 16, 16), 32, (3, 1, 1), 32, **grads)
    convolution("3x7x7 of RGB, stride 2", 1, (8, 32, 32), 3, (3, 7, 7), 32, stride=2, **grads)
    # Sound and text.
    for dilation, padding in CAUSAL.items():
        convolution(f"1-D, causal, dilation {dilation}", 2, (512,), 64, 3, 64, dilation=dilation, padding=padding, **grads)
    convolution("1-D of 25 of a line, stride 4", 4, (4096,), 1, 25, 32, stride=4, **grads)
    convolution("1-D of 3, stride 2", 2, (512,), 80, 3, 128, stride=2, **grads)
    convolution("1-D of 8, transposed by 4", 2, (128,), 64, 8, 32, holes=4, padding=[(5, 5)], **grads)
    # Images.
    convolution("3x3 of RGB, stride 2", 1, (96, 96), 3, 3, 32, stride=2, **grads)
    convolution("7x7 of RGB, stride 2", 1, (96, 96), 3, 7, 64, stride=2, **grads)
    convolution("16x16 patches", 2, (96, 96), 3, 16, 192, stride=16, padding="VALID", **grads)
    convolution("4x4 patches", 2, (96, 96), 3, 4, 96, stride=4, padding="VALID", **grads)
    convolution("1x1", 2, (28, 28), 64, 1, 128, **grads)
    convolution("1x1, stride 2", 2, (28, 28), 64, 1, 128, stride=2, **grads)
    convolution("1x1 of one image of 7x7", 1, (7, 7), 512, 1, 128, **grads)
    convolution("3x3 of one image of 7x7", 1, (7, 7), 256, 3, 128, **grads)
    convolution("3x3, 3 to 5", 2, (40, 40), 3, 3, 5, **grads)
    convolution("3x3, 17 to 17", 2, (28, 28), 17, 3, 17, **grads)
    convolution("5x5, 1 to 6", 16, (28, 28), 1, 5, 6, **grads)
    convolution("3x3, 32 to 1", 2, (40, 40), 32, 3, 1, **grads)
    convolution("3x3, stride 2", 2, (28, 28), 64, 3, 64, stride=2, **grads)
    convolution("3x3, dilation 2", 2, (28, 28), 64, 3, 64, dilation=2, **grads)
    convolution("3x3, dilation 6", 1, (28, 28), 64, 3, 64, dilation=6, **grads)
    convolution("5x1", 2, (28, 28), 32, (5, 1), 32, **grads)
    convolution("1x5", 2, (28, 28), 32, (1, 5), 32, **grads)
    convolution("2x2 transposed by 2", 2, (16, 16), 64, 2, 32, holes=2, padding=[(1, 1), (1, 1)], **grads)
    convolution("4x4 transposed by 2", 2, (16, 16), 64, 4, 32, holes=2, padding=[(2, 2), (2, 2)], **grads)
    convolution("3x3 bf16", 2, (28, 28), 64, 3, 64, dtype=BFLOAT16, **grads)
    convolution("1x1 bf16", 2, (28, 28), 64, 1, 128, dtype=BFLOAT16, **grads)
    convolution("3x3 depthwise bf16", 2, (28, 28), 96, 3, 96, groups=96, dtype=BFLOAT16, **grads)
    convolution("7x7 of RGB bf16, stride 2", 1, (96, 96), 3, 7, 64, stride=2, dtype=BFLOAT16, **grads)
    convolution("3x3 f16", 2, (28, 28), 64, 3, 64, dtype=jnp.float16, **both)
    row = BIAS[:, None, None] if planes else BIAS
    convolution("3x3 + bias, relu", 2, (28, 28), 64, 3, 64, after=lambda y, b=row: relu(y + b), **both)
    convolution("1x1 + bias, silu", 2, (28, 28), 96, 1, 64, after=lambda y, b=row: jax.nn.silu(y + b), **both)
    convolution("3x3 depthwise + bias, relu6", 2, (28, 28), 64, 3, 64, groups=64, after=lambda y, b=row: jax.nn.relu6(y + b), **both)

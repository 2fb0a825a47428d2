"""Programs that move data: transposes, slices, padding, rolls, gathers and masks from iota."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add
from .inputs import K, M, bfloat16, floats, integers


def move(name, function, *makers, **options):
    add("movement", name, function, lambda: [make() for make in makers], **options)


def normal(*shape, dtype=np.float32, seed=0):
    return lambda: floats(*shape, dtype=dtype, seed=seed)


def space_to_depth(x, b=2):
    n, h, w, c = x.shape
    return x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, h // b, w // b, b * b * c)


def patches(x):
    n, h, w, c = x.shape
    return jnp.concatenate([x[:, i:h - 2 + i, j:w - 2 + j] for i in range(3) for j in range(3)], -1)


def blur(x):
    x = jnp.pad(x, ((2, 2), (2, 2), (0, 0)), mode="edge")
    taps = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
    x = sum(t * x[i:x.shape[0] - 4 + i] for i, t in enumerate(taps))
    return sum(t * x[:, i:x.shape[1] - 4 + i] for i, t in enumerate(taps))


def rolls(x):
    return jnp.roll(x, 1, 0) + jnp.roll(x, -1, 0) + jnp.roll(x, 1, 1) + jnp.roll(x, -1, 1) - 4 * x


move("transpose, 2048x2048", jnp.transpose, normal(2048, 2048), quick=True)
move("transpose, bf16, 2048x2048", jnp.transpose, normal(2048, 2048, dtype=bfloat16))
move("transpose, u8, 2048x2048", jnp.transpose, lambda: integers(2048, 2048, high=256, dtype=np.uint8))
move("transpose NHWC to NCHW, 8x56x56x64", lambda x: x.transpose(0, 3, 1, 2), normal(8, 56, 56, 64), quick=True)
move("transpose heads, 8x512x12x64", lambda x: x.transpose(0, 2, 1, 3), normal(8, 512, 12, 64))
move("transpose and add, 2048x2048", lambda x: x + x.T, normal(2048, 2048))
move("gather of 8,192 rows of 256", lambda x, i: x[i], normal(10000, 256), lambda: integers(8192, high=10000), quick=True)
move("embedding, bf16, 4096 of 50257x384", lambda x, i: x[i], normal(50257, 384, dtype=bfloat16), lambda: integers(4096, high=50257))
move("gather of elements, 1 Mi", lambda x, i: x[i], normal(M), lambda: integers(M, high=M), quick=True)
move("take_along_axis, 1024x1024", lambda x, i: jnp.take_along_axis(x, i, 1), normal(1024, 1024),
     lambda: integers(1024, 1024, high=1024))
move("lookup in a table of 256, 4 Mi u8", lambda t, x: t[x], normal(256), lambda: integers(4 * M, high=256, dtype=np.uint8))
move("concatenate of 4, rows", lambda *xs: jnp.concatenate(xs), *(normal(512, 2048, seed=i) for i in range(4)), quick=True)
move("concatenate of 4, columns", lambda *xs: jnp.concatenate(xs, 1), *(normal(2048, 512, seed=i) for i in range(4)))
move("stack of 8 vectors, 256 Ki", lambda *xs: jnp.stack(xs, 1), *(normal(256 * K, seed=i) for i in range(8)))
move("split and swap, 2048x2048", lambda x: jnp.concatenate(jnp.split(x, 2, 1)[::-1], 1), normal(2048, 2048))
move("pad, 8x56x56x64", lambda x: jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), normal(8, 56, 56, 64), quick=True)
move("pad inside, 512x512", lambda x: lax.pad(x, 0.0, ((0, 0, 1), (2, 2, 1))), normal(512, 512))
move("slice, 2048x2048", lambda x: x[3:2000, 5:2005], normal(2048, 2048))
move("strided slice, 2048x2048", lambda x: x[::2, ::3], normal(2048, 2048), quick=True)
move("reverse rows, 2048x2048", lambda x: x[:, ::-1], normal(2048, 2048))
move("reverse both, 2048x2048", lambda x: x[::-1, ::-1] * 2, normal(2048, 2048))
move("roll, 2048x2048", lambda x: jnp.roll(x, (5, 7), (0, 1)), normal(2048, 2048), quick=True)
move("sum of 4 rolls, 2048x2048", rolls, normal(2048, 2048), quick=True)
move("roll by a traced number, 1 Mi", lambda x, n: jnp.roll(x, n), normal(M), lambda: np.int32(12345))
move("dynamic slices of 64 rows, 4096x512", lambda x, i: lax.dynamic_slice(x, (i, 0), (64, 512)), normal(4096, 512),
     lambda: np.int32(777))
move("dynamic update in place, 4096x512", lambda x, u, i: (lax.dynamic_update_slice(x, u, (i, 0)),), normal(4096, 512), normal(1, 512),
     lambda: np.int32(777), carry=1, quick=True)
move("dynamic update of a copy, 4096x512", lambda x, u, i: lax.dynamic_update_slice(x, u, (i, 0)), normal(4096, 512), normal(64, 512),
     lambda: np.int32(777))
move("tile, 256x256 by 8x8", lambda x: jnp.tile(x, (8, 8)), normal(256, 256))
move("repeat each 4 times, 1 Mi", lambda x: jnp.repeat(x, 4), normal(M))
move("broadcast of rows, 4096x1024", lambda x: jnp.broadcast_to(x, (4096, 1024)) + 0, normal(1024))
move("one-hot, 8192 of 1000", lambda i: jax.nn.one_hot(i, 1000), lambda: integers(8192, high=1000), quick=True)
move("iota causal mask, 24x512x512", lambda x: jnp.where(jnp.arange(512)[:, None] >= jnp.arange(512), x, 0), normal(24, 512, 512),
     quick=True)
move("band mask, 2048x2048", lambda x: jnp.where(abs(jnp.arange(2048)[:, None] - jnp.arange(2048)) < 100, x, 0), normal(2048, 2048))
move("iota, linspace, 4 Mi", lambda a: jnp.arange(4 * M, dtype=jnp.float32) * a + 1, lambda: np.float32(0.5))
move("space to depth, 8x112x112x16", space_to_depth, normal(8, 112, 112, 16))
move("patches 3x3 by slices, 8x56x56x16", patches, normal(8, 56, 56, 16))
move("image blur 5x5, 1080p", blur, normal(1080, 1920, 3), quick=True)
move("image flip and crop, u8, 1080p", lambda x: x[40:-40, ::-1][:, 60:-60], lambda: integers(1080, 1920, 3, high=256, dtype=np.uint8))
move("upsample nearest x2, 8x56x56x32", lambda x: jnp.repeat(jnp.repeat(x, 2, 1), 2, 2), normal(8, 56, 56, 32))
move("triangle, 2048x2048", lambda x: jnp.tril(x) + jnp.triu(x, 1).T, normal(2048, 2048))
move("diagonal added, 2048x2048", lambda x: x + jnp.diag(jnp.diagonal(x)), normal(2048, 2048))

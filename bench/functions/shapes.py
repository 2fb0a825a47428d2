"""The functions most used at other sizes and places: 1 Ki and 4 Mi numbers, odd sizes, middle axes of three and four, transposed."""

import functools

import jax
import jax.numpy as jnp
from jax import lax

from . import add, gradient, inputs
from .inputs import integers


@functools.cache
def uniform(*shape, of=0):
    """Arrays of the same shape are the same one: some are large."""
    return inputs.uniform(*shape)


ALONG = {
    "sum": jnp.sum,
    "max": jnp.max,
    "mean": jnp.mean,
    "var": jnp.var,
    "argmax": jnp.argmax,
    "cumsum": jnp.cumsum,
    "cummax": lax.cummax,
    "sort": jnp.sort,
    "argsort": jnp.argsort,
    "softmax": jax.nn.softmax,
    "logsumexp": jax.nn.logsumexp,
    "diff": jnp.diff,
    "flip": jnp.flip,
    "median": jnp.median,
    "fft": jnp.fft.fft,
    "standardize": jax.nn.standardize,
    "roll": lambda x, axis: jnp.roll(x, 3, axis),
    "repeat": lambda x, axis: jnp.repeat(x, 2, axis),
    "take": lambda x, axis: jnp.take(x, jnp.array([3, 1, 4, 1, 5, 9, 2, 6]), axis),
    "pad": lambda x, axis: jnp.pad(x, [(2, 1) if d == axis % x.ndim else (0, 0) for d in range(x.ndim)], mode="edge"),
    "top_k": lambda x, axis: jnp.moveaxis(lax.top_k(jnp.moveaxis(x, axis, -1), 5)[0], -1, axis),
    "take_along_axis": lambda x, axis: jnp.take_along_axis(x, jnp.argsort(x, axis), axis),
    "concatenate": lambda x, axis: jnp.concatenate([x, x * 2], axis),
    "every second": lambda x, axis: lax.slice_in_dim(x, 0, None, 2, axis),
    "norm": lambda x, axis: x / jnp.linalg.norm(x, axis=axis, keepdims=True),
}
PLACES = {
    "1024": ((1024,), 0),
    "4 Mi": ((1 << 22,), 0),
    "1000 x 37": ((1000, 37), 1),
    "37 x 1000, axis 0": ((37, 1000), 0),
    "1000 x 37, axis 0": ((1000, 37), 0),
    "16 x 50 x 33, axis 1": ((16, 50, 33), 1),
    "8 x 16 x 16 x 32, axis 2": ((8, 16, 16, 32), 2),
    "8 x 16 x 16 x 32, axis 1": ((8, 16, 16, 32), 1),
    "20000 x 8": ((20000, 8), 1),
    "3 x 40000": ((3, 40000), 1),
}
SLOW = ("sort", "argsort", "median", "take_along_axis", "top_k", "cummax")  # of 4 Mi: seconds for XLA
for place, (shape, axis) in PLACES.items():
    array = uniform(*shape)
    for name, function in ALONG.items():
        if not (place == "4 Mi" and name in SLOW):
            add(f"{name} of {place}", lambda x, f=function, axis=axis: f(x, axis=axis), array)
array = uniform(37, 1000)
for name, function in ALONG.items():
    add(f"{name} of a transposed one", lambda x, f=function: f(x.T, axis=1), array)
for name in ("sum", "max", "var", "cumsum", "softmax", "logsumexp", "standardize", "take", "pad", "sort", "norm", "take_along_axis"):
    add(f"grad {name} of 16 x 50 x 33, axis 1", gradient(lambda x, f=ALONG[name]: f(x, axis=1) ** 2), uniform(16, 50, 33))
    add(f"grad {name} of 1000 x 37", gradient(lambda x, f=ALONG[name]: f(x, axis=1) ** 2), uniform(1000, 37))

PAIRS = {
    "add": jnp.add,
    "divide": jnp.divide,
    "power": lambda a, b: jnp.abs(a) ** b,
    "where": lambda a, b: jnp.where(a > 0, a, b),
    "gelu": lambda a, b: jax.nn.gelu(a) * b,
}
for name, function in PAIRS.items():
    for shape in ((1024,), (1 << 22,), (1000, 37), (16, 50, 33)):
        size = " x ".join(map(str, shape)) if shape != (1 << 22,) else "4 Mi"
        add(f"{name} of two, {size}", function, uniform(*shape), uniform(*shape, of=1))
    add(f"{name} of rows, 1000 x 37", function, uniform(1000, 37), uniform(37))
    add(f"{name} of columns, 1000 x 37", function, uniform(1000, 37), uniform(1000, 1))
    add(f"{name} of rows and columns, 500 x 300", function, uniform(500, 1), uniform(300))
    add(f"{name} of the middle axis, 16 x 50 x 33", function, uniform(16, 50, 33), uniform(50, 1))
    add(f"{name} of a transposed one, 300 x 500", lambda a, b, f=function: f(a.T, b), uniform(300, 500), uniform(500, 300))
for m, k, n in ((1, 512, 512), (7, 33, 65), (37, 1000, 3), (1000, 37, 1000), (100, 100, 1), (3, 3, 3), (16, 4096, 16), (2048, 8, 64)):
    add(f"matmul {m} x {k} x {n}", jnp.matmul, uniform(m, k), uniform(k, n))
    add(f"matmul {m} x {k} x {n}, both turned", lambda a, b: a.T @ b.T, uniform(k, m), uniform(n, k))
for batch, m, k, n in ((1000, 4, 4, 4), (200, 16, 16, 16), (64, 1, 64, 64), (32, 33, 17, 9), (5000, 3, 3, 1)):
    add(f"matmul of {batch}, {m} x {k} x {n}", jnp.matmul, uniform(batch, m, k), uniform(batch, k, n))
add("einsum bhqd,bhkd->bhqk", lambda a, b: jnp.einsum("bhqd,bhkd->bhqk", a, b), uniform(4, 4, 64, 32), uniform(4, 4, 64, 32))
add("einsum bqhd,bkhd->bhqk", lambda a, b: jnp.einsum("bqhd,bkhd->bhqk", a, b), uniform(4, 64, 4, 32), uniform(4, 64, 4, 32))
add("einsum bij,jk->bik", lambda a, b: jnp.einsum("bij,jk->bik", a, b), uniform(16, 50, 33), uniform(33, 40))
add("einsum bij,ik->bjk", lambda a, b: jnp.einsum("bij,ik->bjk", a, b), uniform(16, 50, 33), uniform(50, 40))
add("einsum ijk,ijk->k", lambda a, b: jnp.einsum("ijk,ijk->k", a, b), uniform(16, 50, 33), uniform(16, 50, 33))
add("einsum ijk,kji->", lambda a, b: jnp.einsum("ijk,kji->", a, b), uniform(16, 50, 33), uniform(33, 50, 16))
for axes in ((0, 2, 1), (2, 1, 0), (1, 0, 2), (2, 0, 1), (1, 2, 0)):
    add(f"transpose {axes} of 37 x 50 x 129", lambda x, axes=axes: jnp.transpose(x, axes), uniform(37, 50, 129))
    add(f"transpose {axes} of 64 x 32 x 128, u8", lambda x, axes=axes: jnp.transpose(x, axes), integers(64, 32, 128, high=256).astype("uint8"))

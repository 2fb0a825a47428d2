"""Gathers, scatters, segments and sorts by 262,144 indices below 1000, and their gradients."""

import jax
import jax.numpy as jnp

from . import add, gradient
from .inputs import INDEX, X

FUNCTIONS = {
    "segment_sum": lambda x, i: jax.ops.segment_sum(x, i, 1000),
    "segment_sum, sorted": lambda x, i: jax.ops.segment_sum(x, jnp.sort(i), 1000, indices_are_sorted=True),
    "segment_max": lambda x, i: jax.ops.segment_max(x, i, 1000),
    "segment_min": lambda x, i: jax.ops.segment_min(x, i, 1000),
    "segment_prod": lambda x, i: jax.ops.segment_prod(x, i, 1000),
    "segment_sum of rows": lambda x, i: jax.ops.segment_sum(x.reshape(-1, 16), i[: x.size // 16], 1000),
    "segment mean": lambda x, i: jax.ops.segment_sum(x, i, 1000) / jnp.maximum(jax.ops.segment_sum(jnp.ones_like(x), i, 1000), 1),
    "segment softmax": lambda x, i: segment_softmax(x, i),
    "at add": lambda x, i: jnp.zeros(1000).at[i].add(x),
    "at set": lambda x, i: jnp.zeros(1000).at[i].set(x),
    "at multiply": lambda x, i: jnp.ones(1000).at[i].multiply(x),
    "at min": lambda x, i: jnp.ones(1000).at[i].min(x),
    "take": lambda x, i: jnp.take(x, i),
    "take, clip": lambda x, i: jnp.take(x, i, mode="clip"),
    "take, fill": lambda x, i: jnp.take(x, i, mode="fill"),
    "take and square": lambda x, i: x[i] ** 2,
    "table of 1000": lambda x, i: x[:1000][i],
    "rows of 64": lambda x, i: jnp.take(x.reshape(-1, 64), i[:20000] % 4096, axis=0),
    "elements of 3 axes": lambda x, i: x.reshape(64, 64, 64)[i % 64, i // 16 % 64, i % 7],
}
WHOLE = {
    "bincount": lambda x, i: jnp.bincount(i, length=1000),
    "bincount, weights": lambda x, i: jnp.bincount(i, x, length=1000),
    "table of iota": lambda x, i: jnp.arange(1000.0)[i],
    "one_hot": lambda x, i: jax.nn.one_hot(i[:20000], 100),
    "argsort": lambda x, i: jnp.argsort(i),
    "sort": lambda x, i: jnp.sort(i),
    "unique": lambda x, i: jnp.unique(i[:20000], size=1000),
    "rank of each": lambda x, i: jnp.argsort(jnp.argsort(i)),
    "sort by key": lambda x, i: x[jnp.argsort(i)],
    "compact": lambda x, i: x[jnp.nonzero(i < 300, size=x.size, fill_value=0)],
    "run lengths": lambda x, i: jnp.diff(jnp.nonzero(jnp.diff(jnp.sort(i), prepend=-1) != 0, size=1000)[0]),
    "ragged to padded": lambda x, i: ragged_to_padded(x, i),
}


def segment_softmax(x, i):
    exponents = jnp.exp(x - jax.ops.segment_max(x, i, 1000)[i])
    return exponents / jax.ops.segment_sum(exponents, i, 1000)[i]


def ragged_to_padded(x, i):
    """1000 rows of different lengths that lie one behind another, as rows of 512 with zeros behind."""
    lengths = i[:1000] % 262
    starts = jnp.cumsum(lengths) - lengths
    places = jnp.arange(512)
    return jnp.where(places < lengths[:, None], x[jnp.minimum(starts[:, None] + places, x.size - 1)], 0)


for name, function in (FUNCTIONS | WHOLE).items():
    add(f"by index: {name}", function, X, INDEX)
for name, function in FUNCTIONS.items():
    if name not in ("segment_prod", "at multiply"):  # JAX has no gradient of products of what may fall together
        add(f"grad by index: {name}", gradient(function), X, INDEX)

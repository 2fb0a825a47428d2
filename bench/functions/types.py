"""The same functions of every element type: arithmetic, conversions, reductions, scans, sorts, gathers, scatters, products."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from . import add
from .inputs import INDEX, OTHER_INDEX

ROWS = 512


def rows(x):
    return x.reshape(ROWS, -1)


FUNCTIONS = {
    "add": jnp.add,
    "multiply": jnp.multiply,
    "divide": lambda a, b: a / b,
    "floor_divide": jnp.floor_divide,
    "remainder": jnp.remainder,
    "maximum": jnp.maximum,
    "where": lambda a, b: jnp.where(a > b, a, b),
    "less": lambda a, b: a < b,
    "clip": lambda a, b: jnp.clip(a, 2, 50),
    "cube": lambda a, b: a**3,
    "exp": lambda a, b: jnp.exp(a),
    "sqrt": lambda a, b: jnp.sqrt(a),
    "to f32": lambda a, b: a.astype(jnp.float32),
    "sum": lambda a, b: a.sum(),
    "sum of rows": lambda a, b: rows(a).sum(1),
    "sum of columns": lambda a, b: rows(a).sum(0),
    "prod of rows": lambda a, b: rows(a).prod(1),
    "max": lambda a, b: a.max(),
    "max of rows": lambda a, b: rows(a).max(1),
    "max of columns": lambda a, b: rows(a).max(0),
    "mean": lambda a, b: jnp.mean(a),
    "argmax": lambda a, b: a.argmax(),
    "argmax of rows": lambda a, b: rows(a).argmax(1),
    "argmax of columns": lambda a, b: rows(a).argmax(0),
    "cumsum": lambda a, b: jnp.cumsum(a),
    "cumsum of rows": lambda a, b: jnp.cumsum(rows(a), 1),
    "cumsum of columns": lambda a, b: jnp.cumsum(rows(a), 0),
    "cumprod of rows": lambda a, b: jnp.cumprod(rows(a), 1),
    "cummax of rows": lambda a, b: lax.cummax(rows(a), 1),
    "cummin of columns": lambda a, b: lax.cummin(rows(a), 0),
    "sort": lambda a, b: jnp.sort(a),
    "sort of rows": lambda a, b: jnp.sort(rows(a), 1),
    "argsort of rows": lambda a, b: jnp.argsort(rows(a), 1),
    "top 10 of rows": lambda a, b: lax.top_k(rows(a), 10),
    "matmul": lambda a, b: rows(a) @ rows(b),
    "matrix by vector": lambda a, b: rows(a) @ b[:ROWS],
    "transpose": lambda a, b: rows(a).T + 0,
    "reverse": lambda a, b: a[::-1],
    "every second": lambda a, b: a[::2],
    "pad": lambda a, b: jnp.pad(rows(a), 3),
    "take": lambda a, b: jnp.take(a, INDEX),
    "take rows": lambda a, b: rows(a)[INDEX[:ROWS] % ROWS],
    "take_along_axis": lambda a, b: jnp.take_along_axis(rows(a), rows(INDEX) % ROWS, 1),
    "at two indices": lambda a, b: rows(a)[rows(INDEX) % ROWS, rows(OTHER_INDEX) % ROWS],
    "segment_sum": lambda a, b: jax.ops.segment_sum(a, INDEX, 1000),
    "segment_max": lambda a, b: jax.ops.segment_max(a, INDEX, 1000),
    "at set": lambda a, b: a.at[INDEX].set(b),
    "pool max": lambda a, b: lax.reduce_window(rows(a), least(a), lax.max, (3, 3), (1, 1), "SAME"),
    "pool sum": lambda a, b: lax.reduce_window(rows(a), np.zeros((), a.dtype)[()], lax.add, (3, 3), (2, 2), "VALID"),
    "unique": lambda a, b: jnp.unique(a[:8192], size=256),
}


def least(a):
    """The neutral number of max."""
    return a.dtype.type(-np.inf if jnp.issubdtype(a.dtype, jnp.floating) else jnp.iinfo(a.dtype).min)


for dtype in (jnp.bfloat16, jnp.float16, jnp.float64, jnp.int8, jnp.uint8, jnp.int16, jnp.uint16, jnp.int32, jnp.uint32, jnp.int64,
              jnp.uint64):
    name = jnp.dtype(dtype).name
    for title, function in FUNCTIONS.items():
        add(f"{name} {title}", function, (INDEX % 100).astype(dtype), (OTHER_INDEX % 100 + 1).astype(dtype), x64=name.endswith("64"))

PREDICATES = ("where,less,sum,sum of rows,sum of columns,max of rows,max of columns,argmax,argmax of rows,argmax of columns,cumsum of rows,"
              "sort of rows,transpose,reverse,every second,pad,take,take rows,take_along_axis,at two indices,at set,to f32")
for title in PREDICATES.split(","):
    add(f"bool {title}", FUNCTIONS[title], INDEX % 3 == 0, OTHER_INDEX % 2 == 0)
PREDICATE = {"any": jnp.any, "all": jnp.all, "not": jnp.logical_not, "count_nonzero": jnp.count_nonzero}
for title, function in PREDICATE.items():
    add(f"bool {title}", function, INDEX % 3 == 0)
for first in (jnp.int8, jnp.uint8, jnp.int16, jnp.int32, jnp.bfloat16, jnp.float16, jnp.float32):
    for second in (jnp.int8, jnp.uint8, jnp.uint16, jnp.int32, jnp.bfloat16, jnp.float16, jnp.float32):
        if first is not second:
            names = jnp.dtype(first).name, jnp.dtype(second).name
            add(f"{names[0]} to {names[1]}", lambda a, t=second: a.astype(t), (INDEX % 100).astype(first))

"""jvp, vmap and vmap of gradients of functions from all over JAX, and updates in place of donated arrays."""

import jax
import jax.numpy as jnp
from jax import lax

from . import add, gradient
from .arrays import ARRAYS
from .inputs import A, B, CUBE, INDEX, uniform

for name in ("pad edge", "roll columns", "laplacian", "cdist", "cosine", "huber", "layer norm", "softmax of columns", "interp", "polyval",
             "where of where", "gradient", "transpose and add", "take_along_axis 1", "at two indices", "rows", "sort of rows", "quantile of rows",
             "top_k", "einsum ij,kj->ik", "convolve2d", "repeat columns", "fft", "kron", "cov", "masked mean"):
    add(f"jvp 2d {name}", lambda a, b, f=ARRAYS[name]: jax.jvp(lambda a: f(a, b), (a,), (jnp.ones_like(a),)), A, B)

ROWWISE = {
    "softmax": jax.nn.softmax,
    "dot": lambda r: r @ r,
    "sort": jnp.sort,
    "argmax": jnp.argmax,
    "cumsum": jnp.cumsum,
    "cumprod": jnp.cumprod,
    "interp": lambda r: jnp.interp(r, jnp.linspace(-2, 2, 20), jnp.arange(20.0)),
    "searchsorted": lambda r: jnp.searchsorted(jnp.sort(r), r[:16]),
    "histogram": lambda r: jnp.histogram(r, 16)[0],
    "convolve": lambda r: jnp.convolve(r, r[:9]),
    "fft": jnp.fft.fft,
    "median": jnp.median,
    "quantile": lambda r: jnp.quantile(r, 0.3),
    "top_k": lambda r: lax.top_k(r, 5),
    "take": lambda r: r[jnp.argsort(r)[:32]],
    "dynamic_slice": lambda r: lax.dynamic_slice(r, (jnp.argmax(r),), (16,)),
    "dynamic_update_slice": lambda r: lax.dynamic_update_slice(r, jnp.zeros(16), (jnp.argmax(r),)),
    "at set": lambda r: r.at[jnp.argmax(r)].set(0),
    "at add": lambda r: r.at[(jnp.abs(r) * 60).astype(int)].add(1),
    "segment_sum": lambda r: jax.ops.segment_sum(r, (jnp.abs(r) * 60).astype(int), 128),
    "one_hot": lambda r: jax.nn.one_hot(jnp.argmax(r), 128),
    "roll": lambda r: jnp.roll(r, jnp.argmax(r)),
    "polyfit": lambda r: jnp.polyfit(jnp.linspace(-1, 1, 128), r, 2),
    "outer": lambda r: jnp.outer(r[:32], r[:32]),
    "solve": lambda r: jnp.linalg.solve(r[:64].reshape(8, 8) + 9 * jnp.eye(8), r[:8]),
    "cholesky": lambda r: jnp.linalg.cholesky(jnp.outer(r[:8], r[:8]) + 9 * jnp.eye(8)),
    "random.normal": lambda r: jax.random.normal(jax.random.key(lax.bitcast_convert_type(r[0], jnp.int32)), (128,)),
    "while": lambda r: lax.while_loop(lambda c: jnp.abs(c).max() > 0.1, lambda c: c * 0.5, r),
    "scan": lambda r: lax.scan(lambda c, x: (c * 0.9 + x,) * 2, 0.0, r)[1],
    "cond": lambda r: lax.cond(r[0] > 0, jnp.sin, jnp.cos, r),
}
DISCRETE = ("argmax", "histogram", "one_hot", "random.normal", "while", "searchsorted")
MATRIX = uniform(1000, 128)
for name, function in ROWWISE.items():
    add(f"vmap {name}", jax.vmap(function), MATRIX)
    if name not in DISCRETE:
        add(f"vmap grad {name}", jax.vmap(gradient(function)), MATRIX)
for name in ("softmax", "cumsum", "sort", "argmax", "take", "at set", "scan", "fft", "median", "interp"):
    add(f"vmap {name}, columns", jax.vmap(ROWWISE[name], 1, 1) if name not in ("argmax", "median") else jax.vmap(ROWWISE[name], 1),
        uniform(128, 1000))
    add(f"vmap vmap {name}", jax.vmap(jax.vmap(ROWWISE[name])), CUBE)

UPDATES = {
    "slice": lambda a, b: a.at[10:300, 20:400].set(b[10:300, 20:400]),
    "slice add": lambda a, b: a.at[10:300, 20:400].add(b[10:300, 20:400]),
    "every third column": lambda a, b: a.at[:, ::3].multiply(2.0),
    "mask": lambda a, b: jnp.where(b > 0, 0, a),
    "mask add": lambda a, b: a.at[:].add(b > 0),
    "row by a traced index": lambda a, b: a.at[INDEX[0] % 512 + b[0, 0].astype(int) * 0].set(b[0]),
    "column by a traced index": lambda a, b: a.at[:, b[0, 0].astype(int) + 9].set(b[0]),
    "rows by indices": lambda a, b: a.at[(jnp.abs(b[:64, 0]) * 200).astype(int)].set(b[:64]),
    "columns by indices": lambda a, b: a.at[:, (jnp.abs(b[:64, 0]) * 200).astype(int)].set(b[:, :64]),
    "elements by indices": lambda a, b: a.at[(jnp.abs(b[0]) * 200).astype(int), (jnp.abs(b[1]) * 200).astype(int)].set(1),
    "maximum of elements": lambda a, b: a.at[(jnp.abs(b[0]) * 200).astype(int), (jnp.abs(b[1]) * 200).astype(int)].max(1),
    "last row": lambda a, b: a.at[-1].set(b[0]),
    "reversed": lambda a, b: a.at[::-1].set(b),
    "swap of rows": lambda a, b: a.at[jnp.array([3, 5])].set(a[jnp.array([5, 3])]),
    "tril": lambda a, b: a.at[jnp.tril_indices(512)].set(0),
}
for name, function in UPDATES.items():
    add(f"update {name}", function, A, B)
    add(f"grad update {name}", gradient(function, (0, 1)), A, B)

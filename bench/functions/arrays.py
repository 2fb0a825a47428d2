"""jax.numpy on arrays of 512 x 512: movement, products, sorts, statistics, index functions. gradients.py takes gradients of these."""

import jax
import jax.numpy as jnp
import jax.scipy.ndimage  # noqa: F401
import jax.scipy.signal  # noqa: F401
from jax import lax

from . import add
from .inputs import A, B, N


def indices(x):
    """Whole numbers from 0 to 399 made of uniform numbers from -2 to 2."""
    return (jnp.abs(x) * 200).astype(int)


def laplacian(a):
    return a[:-2, 1:-1] + a[2:, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] - 4 * a[1:-1, 1:-1]


def cosine(a, b):
    return (a * b).sum(1) / (jnp.linalg.norm(a, axis=1) * jnp.linalg.norm(b, axis=1))


def huber(a, b):
    return jnp.where(jnp.abs(a - b) < 1, 0.5 * (a - b) ** 2, jnp.abs(a - b) - 0.5).mean()


def cross_entropy(a, b):
    return -jnp.take_along_axis(jax.nn.log_softmax(a), indices(b[:, :1]), 1).mean()


def rows_by_columns(a):
    return a.reshape(-1)[: 3 * 80000].reshape(-1, 3)


def squares(a, b, k):
    return ((a[:256, None, :k] - b[None, :256, :k]) ** 2).sum(-1)


MOVEMENT = {
    "stack": lambda a, b: jnp.stack([a, b]),
    "stack, axis 1": lambda a, b: jnp.stack([a, b], 1),
    "stack, last axis": lambda a, b: jnp.stack([a, b], -1),
    "concatenate": lambda a, b: jnp.concatenate([a, b]),
    "concatenate columns": lambda a, b: jnp.concatenate([a, b], 1),
    "block": lambda a, b: jnp.block([[a, b], [b, a]]),
    "hsplit": lambda a, b: jnp.hsplit(a, 4),
    "vsplit": lambda a, b: jnp.vsplit(a, 4),
    "tile": lambda a, b: jnp.tile(a, (2, 3)),
    "repeat": lambda a, b: jnp.repeat(a, 3),
    "repeat rows": lambda a, b: jnp.repeat(a, 3, 0),
    "repeat columns": lambda a, b: jnp.repeat(a, 2, 1),
    "roll": lambda a, b: jnp.roll(a, 37),
    "roll rows": lambda a, b: jnp.roll(a, 37, 0),
    "roll columns": lambda a, b: jnp.roll(a, 37, 1),
    "rot90": lambda a, b: jnp.rot90(a),
    "flip": lambda a, b: jnp.flip(a),
    "fliplr": lambda a, b: jnp.fliplr(a),
    "flipud": lambda a, b: jnp.flipud(a),
    "transpose": lambda a, b: a.T + 0,
    "transpose and add": lambda a, b: a.T + b,
    "tril": lambda a, b: jnp.tril(a),
    "triu": lambda a, b: jnp.triu(a),
    "diag": lambda a, b: jnp.diag(a),
    "diag of a vector": lambda a, b: jnp.diag(a[0]),
    "eye": lambda a, b: a + jnp.eye(512),
    "meshgrid": lambda a, b: jnp.meshgrid(a[0], b[0]),
    "every second": lambda a, b: a[::2, ::2],
    "inside": lambda a, b: a[1:-1, 1:-1],
    "every second row back": lambda a, b: a[::-2],
    "pad": lambda a, b: jnp.pad(a, 3),
    "pad edge": lambda a, b: jnp.pad(a, 3, mode="edge"),
    "pad reflect": lambda a, b: jnp.pad(a, 3, mode="reflect"),
    "pad wrap": lambda a, b: jnp.pad(a, 3, mode="wrap"),
    "pad symmetric": lambda a, b: jnp.pad(a, 3, mode="symmetric"),
    "fftshift": lambda a, b: jnp.fft.fftshift(a),
}
PRODUCTS = {
    "trace": lambda a, b: jnp.trace(a),
    "outer": lambda a, b: jnp.outer(a[0], b[0]),
    "kron": lambda a, b: jnp.kron(a[:32, :32], b[:32, :32]),
    "cross": lambda a, b: jnp.cross(rows_by_columns(a), rows_by_columns(b)),
    "inner": lambda a, b: jnp.inner(a, b),
    "vdot": lambda a, b: jnp.vdot(a, b),
    "tensordot": lambda a, b: jnp.tensordot(a, b, 1),
    "einsum ij,ij->i": lambda a, b: jnp.einsum("ij,ij->i", a, b),
    "einsum ij,ij->j": lambda a, b: jnp.einsum("ij,ij->j", a, b),
    "einsum ij,jk,kl->il": lambda a, b: jnp.einsum("ij,jk,kl->il", a, b, a),
    "einsum ii->i": lambda a, b: jnp.einsum("ii->i", a),
    "einsum ij,kj->ik": lambda a, b: jnp.einsum("ij,kj->ik", a, b),
    "einsum ij,jk,ik->i": lambda a, b: jnp.einsum("ij,jk,ik->i", a, b, a),
    "multi_dot": lambda a, b: jnp.linalg.multi_dot([a, b, a]),
    "matrix_power": lambda a, b: jnp.linalg.matrix_power(a / 25, 5),
    "gram": lambda a, b: a @ a.T,
    "cov": lambda a, b: jnp.cov(a),
    "corrcoef": lambda a, b: jnp.corrcoef(a),
    "convolve": lambda a, b: jnp.convolve(a.reshape(-1)[:20000], b[0][:101]),
    "correlate": lambda a, b: jnp.correlate(a.reshape(-1)[:20000], b[0][:101]),
    "convolve2d": lambda a, b: jax.scipy.signal.convolve2d(a, b[:5, :5]),
    "sums of differences": lambda a, b: jnp.abs(a[:256, None, :64] - b[None, :256, :64]).sum(-1),
    "cdist": lambda a, b: jnp.sqrt(squares(a, b, 16)),
    "gauss kernel": lambda a, b: jnp.exp(-0.5 * ((a[:, None, :8] - b[None, :, :8]) ** 2).sum(-1)),
}
STATISTICS = {
    "average": lambda a, b: jnp.average(a, axis=0, weights=b[:, 0]),
    "norm": lambda a, b: jnp.linalg.norm(a),
    "norm of rows": lambda a, b: jnp.linalg.norm(a, axis=1),
    "norm inf": lambda a, b: jnp.linalg.norm(a, jnp.inf),
    "trapezoid": lambda a, b: jnp.trapezoid(a, axis=1),
    "gradient": lambda a, b: jnp.gradient(a),
    "diff": lambda a, b: jnp.diff(a),
    "diff of rows": lambda a, b: jnp.diff(a, axis=0),
    "ediff1d": lambda a, b: jnp.ediff1d(a),
    "laplacian": lambda a, b: laplacian(a),
    "polyval": lambda a, b: jnp.polyval(jnp.arange(1.0, 8.0), a),
    "vander": lambda a, b: jnp.vander(a[:, 0], 16),
    "unwrap": lambda a, b: jnp.unwrap(a),
    "apply_along_axis": lambda a, b: jnp.apply_along_axis(jnp.cumsum, 0, a),
    "isclose": lambda a, b: jnp.isclose(a, b),
    "allclose": lambda a, b: jnp.allclose(a, b),
    "array_equal": lambda a, b: jnp.array_equal(a, b),
    "where": lambda a, b: jnp.where(a > 0, a, b),
    "where or zero": lambda a, b: jnp.where(a > b, a, 0),
    "where of where": lambda a, b: jnp.where(a > 1, a, jnp.where(b > 1, b, jnp.where(a < b, a * b, a + b))),
    "masked mean": lambda a, b: jnp.mean(a, where=b > 0),
    "masked max of rows": lambda a, b: jnp.max(a, axis=1, where=b > 0, initial=-9),
    "masked sum of columns": lambda a, b: jnp.where(b > 0, a, 0).sum(0) / (b > 0).sum(0),
    "select": lambda a, b: jnp.select([a > 1, a > 0], [a, b], 0),
    "clip": lambda a, b: jnp.clip(a, -1, 1),
    "piecewise": lambda a, b: jnp.piecewise(a, [a < 0, a >= 0], [lambda v: -v, lambda v: v * v]),
    "max of 4 neighbours": lambda a, b: a.reshape(512, 128, 4).max(2),
    "batch norm": lambda a, b: (a - a.mean(0)) / jnp.sqrt(a.var(0) + 1e-5),
    "layer norm": lambda a, b: (a - a.mean(1, keepdims=True)) / jnp.sqrt(a.var(1, keepdims=True) + 1e-5),
    "softmax of columns": lambda a, b: jax.nn.softmax(a, 0),
    "cross entropy": cross_entropy,
    "mean squared error": lambda a, b: ((a - b) ** 2).mean(),
    "huber": huber,
    "cosine": cosine,
    "binary cross entropy": lambda a, b: (jax.nn.softplus(a) - a * b).mean(),
}
SORTS = {
    "sort of columns": lambda a, b: jnp.sort(a, 0),
    "sort of rows": lambda a, b: jnp.sort(a, 1),
    "argsort of columns": lambda a, b: jnp.argsort(a, 0),
    "argsort of rows": lambda a, b: jnp.argsort(a, 1),
    "partition": lambda a, b: jnp.partition(a, 20),
    "argpartition": lambda a, b: jnp.argpartition(a, 20),
    "top_k": lambda a, b: lax.top_k(a, 10),
    "quantile of rows": lambda a, b: jnp.quantile(a, 0.3, axis=1),
    "percentile": lambda a, b: jnp.percentile(a, jnp.array([10.0, 50.0, 90.0])),
    "nanmedian of columns": lambda a, b: jnp.nanmedian(a, 0),
    "histogram": lambda a, b: jnp.histogram(a, 64)[0],
    "histogram2d": lambda a, b: jnp.histogram2d(a[0], b[0], 16)[0],
    "digitize": lambda a, b: jnp.digitize(a, jnp.linspace(-2, 2, 65)),
    "searchsorted": lambda a, b: jnp.searchsorted(jnp.linspace(-2, 2, 1000), a),
    "interp": lambda a, b: jnp.interp(a, jnp.linspace(-2, 2, 1000), b.reshape(-1)[:1000]),
    "lexsort": lambda a, b: jnp.lexsort((a.reshape(-1)[:20000], b.reshape(-1)[:20000])),
    "unique": lambda a, b: jnp.unique(a.reshape(-1)[:8192], size=8192),
    "setdiff1d": lambda a, b: jnp.setdiff1d(a[0], b[0], size=512),
    "isin": lambda a, b: jnp.isin(a, b[0, :50]),
}
INDICES = {
    "at set rows": lambda a, b: a.at[10:20].set(0),
    "at add a column": lambda a, b: a.at[:, 5].add(1),
    "at multiply every second row": lambda a, b: a.at[::2].multiply(2),
    "at set the diagonal": lambda a, b: a.at[jnp.arange(100), jnp.arange(100)].set(0),
    "place": lambda a, b: jnp.place(a, a > 0, b[0], inplace=False),
    "at max inside": lambda a, b: a.at[1:-1, 1:-1].max(b[1:-1, 1:-1]),
    "at add rows": lambda a, b: a.at[indices(b[0])].add(b),
    "at add elements": lambda a, b: a.at[indices(b), indices(a)].add(1),
    "one_hot": lambda a, b: jax.nn.one_hot((a[0] * 100).astype(int), 512),
    "rows": lambda a, b: a[(b[0] * 200 + 256).astype(int)],
    "columns": lambda a, b: a[:, (b[0] * 200 + 256).astype(int)],
    "at two indices": lambda a, b: a[indices(b), indices(a)],
    "take_along_axis 1": lambda a, b: jnp.take_along_axis(a, indices(b), 1),
    "take_along_axis 0": lambda a, b: jnp.take_along_axis(a, indices(b), 0),
    "put_along_axis": lambda a, b: jnp.put_along_axis(a, indices(b[:, :5]), 0, 1, inplace=False),
    "nonzero": lambda a, b: jnp.nonzero(a > 0, size=N),
    "extract": lambda a, b: jnp.extract(a.reshape(-1)[:8192] > 0, a.reshape(-1)[:8192], size=8192),
    "choose": lambda a, b: jnp.choose((a > 0).astype(int), [a, b], mode="clip"),
    "tril_indices": lambda a, b: a[jnp.tril_indices(512)],
    "diagonal by indices": lambda a, b: a[jnp.arange(512), jnp.arange(512)],
}
FOURIER = {
    "fft": lambda a, b: jnp.fft.fft(a),
    "fft of columns": lambda a, b: jnp.fft.fft(a, axis=0),
    "fft of 500": lambda a, b: jnp.fft.fft(a[:, :500]),
    "fft2": lambda a, b: jnp.fft.fft2(a),
    "fftn": lambda a, b: jnp.fft.fftn(a.reshape(64, 64, 64)),
    "rfft": lambda a, b: jnp.fft.rfft(a),
    "irfft": lambda a, b: jnp.fft.irfft(a),
    "ifft": lambda a, b: jnp.fft.ifft(a + 1j * b),
}
ARRAYS = MOVEMENT | PRODUCTS | STATISTICS | SORTS | INDICES | FOURIER
for name, function in ARRAYS.items():
    add(f"2d {name}", function, A, B)
add("2d of three, middle axis moved", lambda a: jnp.moveaxis(a.reshape(32, 64, 128), 1, 2) + 0, A)

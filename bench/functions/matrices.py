"""jax.numpy.linalg and jax.scipy.linalg: one matrix of 128 x 128, 500 of 6 x 6, gradients."""

import jax.numpy as jnp
import jax.scipy.linalg as scipy_linalg
import numpy as np

from . import add, gradient
from .inputs import A, uniform

ONE = (A @ A.T / 512 + 2 * np.eye(512, dtype=np.float32))[:128, :128]
_half = uniform(500, 6, 6) + 6 * np.eye(6, dtype=np.float32)
MANY = _half @ _half.transpose(0, 2, 1)

FUNCTIONS = {name: getattr(jnp.linalg, name) for name in "inv det slogdet cholesky qr svd eigh pinv matrix_rank cond".split()} | {
    "solve": lambda a: jnp.linalg.solve(a, a[..., :3]),
    "solve_triangular": lambda a: scipy_linalg.solve_triangular(a, a[..., :3], lower=True),
    "cho_solve": lambda a: scipy_linalg.cho_solve((jnp.linalg.cholesky(a), True), a[..., :3]),
    "singular values": lambda a: jnp.linalg.svd(a, compute_uv=False),
    "lstsq": lambda a: jnp.linalg.lstsq(a, a[:, 0])[0],
    "eigvals": jnp.linalg.eigvals,
    "expm": scipy_linalg.expm,
    "lu": scipy_linalg.lu,
    "sqrtm": scipy_linalg.sqrtm,
    "schur": lambda a: scipy_linalg.schur(a)[0],
    "hessenberg": scipy_linalg.hessenberg,
    "polar": lambda a: scipy_linalg.polar(a)[0],
}
ONE_ONLY = ("expm", "sqrtm", "schur", "lstsq", "hessenberg", "polar", "eigvals", "lu")
for name, function in FUNCTIONS.items():
    add(f"linalg {name}", function, ONE)
    if name not in ONE_ONLY:
        add(f"linalg many {name}", function, MANY)
    if name in ("inv", "det", "slogdet", "cholesky", "eigh", "solve", "expm", "qr", "svd"):
        add(f"grad linalg {name}", gradient(function), ONE)
        if name not in ONE_ONLY:
            add(f"grad linalg many {name}", gradient(function), MANY)

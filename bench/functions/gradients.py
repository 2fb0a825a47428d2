"""Gradients of the functions in arrays.py."""

from . import add, gradient
from .arrays import ARRAYS
from .inputs import A, B

# Without: what returns whole numbers or truth values, or does not depend on a.
WITHOUT = set("one_hot,eye,array_equal,allclose,isclose,histogram,histogram2d,digitize,searchsorted,isin,lexsort,nonzero,setdiff1d,"
              "argsort of columns,argsort of rows,argpartition,apply_along_axis,unique,nanmedian of columns".split(","))
for name, function in ARRAYS.items():
    if name not in WITHOUT:
        add(f"grad 2d {name}", gradient(function), A, B)
for name in ("where", "cosine", "cdist", "einsum ij,kj->ik", "binary cross entropy", "gauss kernel", "convolve2d", "interp", "kron", "masked mean"):
    add(f"grad of both 2d {name}", gradient(ARRAYS[name], (0, 1)), A, B)

"""What lowerings share: ATen's type promotion, the types it computes in, dimensions as users count them."""

import contextlib

import torch

from libpjrt.torch.builder import LoweringError, Value, is_complex, is_float, is_integer, real_type
from libpjrt.torch.dtypes import TO_STABLEHLO, TO_TORCH

NARROW = ("f16", "bf16")


def is_number(x):
    """A Python number, as opposed to a Value."""
    return isinstance(x, (bool, int, float, complex))


def default_float():
    """The spelling of torch.get_default_dtype()."""
    return TO_STABLEHLO[torch.get_default_dtype()]


def opmath(dtype):
    """The type that ATen's CPU kernels compute in: f32 for the 16-bit floats, the type itself for others."""
    return "f32" if dtype in NARROW else dtype


def complex_of(dtype):
    """The complex type whose parts are at least `dtype`."""
    if is_complex(dtype):
        return dtype
    return "complex<f64>" if dtype == "f64" else "complex<f32>"


def float_of(dtype):
    """The type of a true division: integers and bool become the default float type."""
    return dtype if is_float(dtype) or is_complex(dtype) else default_float()


def promote_types(x, y):
    return TO_STABLEHLO[torch.promote_types(TO_TORCH[x], TO_TORCH[y])]


def result_type(*args):
    """ATen's type promotion of Values and Python numbers. Arrays with dimensions, 0-dimensional ones and numbers count in
    this order: a later kind matters only where its category (bool, integer, float, complex) is higher."""
    kinds = [None, None, None]
    for a in args:
        if a is None:
            continue
        if isinstance(a, Value):
            kind, dtype = (0 if a.shape else 1), a.dtype
        elif isinstance(a, bool):
            kind, dtype = 2, "i1"
        elif isinstance(a, int):
            kind, dtype = 2, "i64"
        else:
            kind, dtype = 2, complex_of(default_float()) if isinstance(a, complex) else default_float()
        kinds[kind] = dtype if kinds[kind] is None else promote_types(kinds[kind], dtype)
    return _combine(kinds[0], _combine(kinds[1], kinds[2]))


def _combine(higher, lower):
    if higher is None:
        return lower
    if lower is None or is_complex(higher):
        return higher
    if is_float(higher):
        return complex_of(higher) if is_complex(lower) else higher
    if higher == "i1" or is_float(lower) or is_complex(lower):
        return promote_types(higher, lower)
    return higher


def cast(b, x, dtype):
    """x as `dtype`, by C's rules as PyTorch's CPU kernels follow them: floats lose their fraction and, for the types of 8
    and 16 bits, the high bits of the integer that is left; a complex number loses its imaginary part, unless bool is
    wanted. Numbers stay numbers and None stays None."""
    if not isinstance(x, Value) or x.dtype == dtype:
        return x
    if is_complex(x.dtype) and dtype != "i1" and not is_complex(dtype):
        x = b.real(x)
    if is_float(x.dtype) and dtype in ("ui8", "i8", "i16", "ui16", "ui32"):
        x = b.convert(x, "i64")
    return b.convert(x, dtype)


def value_of(b, x, dtype, shape=()):
    """x, a Value or number, as a Value of `dtype`."""
    return cast(b, x, dtype) if isinstance(x, Value) else b.constant(x, dtype, shape)


def wide(b, *xs):
    """16-bit floats among xs as f32, in which composite lowerings compute."""
    xs = tuple(cast(b, x, opmath(x.dtype)) if isinstance(x, Value) else x for x in xs)
    return xs[0] if len(xs) == 1 else xs


def dim_of(dim, rank):
    """A dimension counted from the front; 0-dimensional arrays count as having one."""
    rank = max(rank, 1)
    if not -rank <= dim < rank:
        raise LoweringError(f"dimension {dim} of an array of rank {rank}")
    return dim % rank


def dims_of(dims, rank):
    """Dimensions counted from the front, in order. None and the empty list mean all; a 0-dimensional array has none."""
    if dims is None or (not isinstance(dims, int) and not len(dims)):
        return list(range(rank))
    dims = [dims] if isinstance(dims, int) else dims
    return sorted({dim_of(d, rank) for d in dims}) if rank else []


def as_list(x, n):
    """A list of n: one number, or a list of one, stands for all."""
    x = [x] if isinstance(x, int) else list(x)
    return x * n if len(x) == 1 else x


def at_least_1d(b, x):
    """Lowerings along a dimension take a 0-dimensional array as one element; they reshape what they give."""
    return x if x.shape else b.reshape(x, (1,))


def zeros(b):
    """The result as an array of zeros."""
    return b.constant(0, b.result.dtype, b.result.shape)


def in_opmath(function):
    """A lowering that computes in the type ATen does: its operands come in opmath of the result's type, and what it gives is
    brought back."""
    def lowering(b, *args, **kwargs):
        dtype = opmath(b.result.dtype)
        return cast(b, function(b, *[cast(b, x, dtype) for x in args], **kwargs), b.result.dtype)
    lowering.__name__, lowering.__doc__ = function.__name__, function.__doc__
    return lowering


@contextlib.contextmanager
def expecting(b, shape, dtype):
    """Lets a lowering call another one, which asks b.result what to give."""
    from libpjrt.torch.table import Meta
    saved = b.result, b.results
    b.result = Meta(tuple(shape), dtype)
    b.results = [b.result]
    try:
        yield
    finally:
        b.result, b.results = saved


__all__ = ["NARROW", "LoweringError", "Value", "as_list", "at_least_1d", "cast", "complex_of", "default_float", "dim_of", "dims_of",
           "expecting", "float_of", "in_opmath", "is_complex", "is_float", "is_integer", "is_number", "opmath", "promote_types", "real_type",
           "result_type", "value_of", "wide", "zeros"]

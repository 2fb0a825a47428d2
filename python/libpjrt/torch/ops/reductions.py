"""Reductions over dimensions: sums, products, extremes and where they lie, moments, norms, softmax."""

import math

from libpjrt.torch.builder import highest, lowest
from libpjrt.torch.common import LoweringError, at_least_1d, cast, dim_of, dims_of, is_complex, is_float, opmath, wide
from libpjrt.torch.ops.pointwise import truth
from libpjrt.torch.table import aten, lowers, overloads


def summed(b, x, dims, dtype):
    """The sum over `dims`, computed in opmath of `dtype`, as `dtype`."""
    return cast(b, b.reduce_sum(cast(b, x, opmath(dtype)), dims), dtype)


def kept(b, x, shape, dims):
    """x, from which `dims` of `shape` were reduced, with ones in their place."""
    return b.reshape(x, [1 if i in dims else n for i, n in enumerate(shape)])


@lowers(aten.sum.default, aten.sum.dim_IntList)
def sum_(b, x, dim=None, keepdim=False, *, dtype=None):
    wanted = b.result.dtype
    if wanted == "i1":  # the default for bool is i64; this is an explicit dtype=torch.bool
        return b.reshape(b.reduce_or(truth(b, x), dims_of(dim, x.rank)), b.result.shape)
    return b.reshape(summed(b, x, dims_of(dim, x.rank), wanted), b.result.shape)


@lowers(aten.nansum.default)
def nansum(b, x, dim=None, keepdim=False, *, dtype=None):
    x = b.select(b.is_nan(x), 0, x) if is_float(x.dtype) else x
    return sum_(b, x, dim, keepdim)


@lowers(aten.mean.default, aten.mean.dim)
def mean(b, x, dim=None, keepdim=False, *, dtype=None):
    wanted = b.result.dtype
    dims = dims_of(dim, x.rank)
    total = b.reduce_sum(cast(b, x, opmath(wanted)), dims)
    count = math.prod(x.shape[d] for d in dims)
    average = b.divide(total, count) if count else b.divide(total, b.full_like(total, 0))
    return b.reshape(cast(b, average, wanted), b.result.shape)


@lowers(aten.prod.default, aten.prod.dim_int)
def prod(b, x, dim=None, keepdim=False, *, dtype=None):
    wanted = b.result.dtype
    dims = dims_of(dim, x.rank)
    if wanted == "i1":
        return b.reshape(b.reduce_and(truth(b, x), dims), b.result.shape)
    return b.reshape(cast(b, b.reduce_product(cast(b, x, opmath(wanted)), dims), wanted), b.result.shape)


def _extreme(b, x, dims, shape, greatest):
    if x.dtype == "i1":
        value = b.reduce_or(x, dims) if greatest else b.reduce_and(x, dims)
    else:
        value = b.reduce_max(x, dims) if greatest else b.reduce_min(x, dims)
    return b.reshape(value, shape)


@lowers(aten.amax.default, aten.max.default)
def amax(b, x, dim=None, keepdim=False):
    return _extreme(b, x, dims_of(dim, x.rank), b.result.shape, True)


@lowers(aten.amin.default, aten.min.default)
def amin(b, x, dim=None, keepdim=False):
    return _extreme(b, x, dims_of(dim, x.rank), b.result.shape, False)


@lowers(aten.aminmax.default)
def aminmax(b, x, *, dim=None, keepdim=False):
    dims = dims_of(dim, x.rank)
    return [_extreme(b, x, dims, b.result.shape, False), _extreme(b, x, dims, b.result.shape, True)]


@lowers(*overloads(aten.any, "default", "dim", "dims"))
def any_(b, x, dim=None, keepdim=False):
    if isinstance(dim, (list, tuple)) and not dim:  # an empty list is none here, where sum takes it as all
        return cast(b, truth(b, x), b.result.dtype)
    return b.reshape(cast(b, b.reduce_or(truth(b, x), dims_of(dim, x.rank)), b.result.dtype), b.result.shape)


@lowers(*overloads(aten.all, "default", "dim", "dims"))
def all_(b, x, dim=None, keepdim=False):
    if isinstance(dim, (list, tuple)) and not dim:
        return cast(b, truth(b, x), b.result.dtype)
    return b.reshape(cast(b, b.reduce_and(truth(b, x), dims_of(dim, x.rank)), b.result.dtype), b.result.shape)


def found(b, x, dim, greatest):
    """The greatest (or least) of x along `dim` and the index of the first, as i64; a NaN wins. x has dimensions, `dim` is
    not empty."""
    index = b.iota(x.shape, dim, "i64")
    if x.dtype == "i1":
        x = b.convert(x, "ui8")
        value, index = found(b, x, dim, greatest)
        return b.convert(value, "i1"), index
    direction = "GT" if greatest else "LT"

    def better(b, value, at, other, other_at):
        wins = b.compare(value, other, direction)
        same = b.compare(value, other, "EQ")
        if is_float(x.dtype):
            wins = b.or_(wins, b.and_(b.is_nan(value), b.not_(b.is_nan(other))))
            same = b.or_(same, b.and_(b.is_nan(value), b.is_nan(other)))
        wins = b.or_(wins, b.and_(same, b.compare(at, other_at, "LT")))
        return [b.select(wins, value, other), b.select(wins, at, other_at)]
    return b.reduce([x, index], [lowest(x.dtype) if greatest else highest(x.dtype), 0x7FFFFFFFFFFFFFFF], [dim], better)


def _found_along(b, x, dim, greatest):
    x1 = at_least_1d(b, x)
    value, index = found(b, x1, dim_of(dim, x.rank), greatest)
    return [b.reshape(value, b.results[0].shape), b.reshape(index, b.results[0].shape)]


@lowers(aten.max.dim)
def max_dim(b, x, dim, keepdim=False):
    return _found_along(b, x, dim, True)


@lowers(aten.min.dim)
def min_dim(b, x, dim, keepdim=False):
    return _found_along(b, x, dim, False)


def _arg(b, x, dim, greatest):
    if dim is None:
        x, dim = b.reshape(x, (x.size,)), 0
    return b.reshape(found(b, at_least_1d(b, x), dim_of(dim, x.rank), greatest)[1], b.result.shape)


@lowers(aten.argmax.default)
def argmax(b, x, dim=None, keepdim=False):
    return _arg(b, x, dim, True)


@lowers(aten.argmin.default)
def argmin(b, x, dim=None, keepdim=False):
    return _arg(b, x, dim, False)


# --- Moments and norms -------------------------------------------------------------------------------------------------


def moments(b, x, dims, correction=1):
    """Variance and mean over `dims`, both with ones in their place: twice over the data, as ATen's sums of squares of
    differences are. x is of a float type to compute in; complex numbers have a real variance."""
    count = math.prod(x.shape[d] for d in dims)
    total = kept(b, b.reduce_sum(x, dims), x.shape, dims)
    average = b.divide(total, count) if count else b.divide(total, b.full_like(total, 0))
    distance = b.subtract(x, average)
    if is_complex(x.dtype):
        parts = b.real(distance), b.imag(distance)
        square = b.add(*[b.multiply(p, p) for p in parts])
    else:
        square = b.multiply(distance, distance)
    total = kept(b, b.reduce_sum(square, dims), x.shape, dims)
    return b.divide(total, b.full_like(total, max(count - correction, 0))), average


@lowers(aten.var.correction)
def var(b, x, dim=None, *, correction=None, keepdim=False):
    variance, _ = moments(b, wide(b, x), dims_of(dim, x.rank), 1 if correction is None else correction)
    return b.reshape(cast(b, variance, b.result.dtype), b.result.shape)


@lowers(aten.var.dim)
def var_dim(b, x, dim=None, unbiased=True, keepdim=False):
    return var(b, x, dim, correction=int(unbiased), keepdim=keepdim)


@lowers(aten.std.correction)
def std(b, x, dim=None, *, correction=None, keepdim=False):
    variance, _ = moments(b, wide(b, x), dims_of(dim, x.rank), 1 if correction is None else correction)
    return b.reshape(cast(b, b.sqrt(variance), b.result.dtype), b.result.shape)


@lowers(aten.var_mean.correction)
def var_mean(b, x, dim=None, *, correction=None, keepdim=False):
    both = moments(b, wide(b, x), dims_of(dim, x.rank), 1 if correction is None else correction)
    return [b.reshape(cast(b, v, want.dtype), want.shape) for v, want in zip(both, b.results)]


@lowers(aten.std_mean.correction)
def std_mean(b, x, dim=None, *, correction=None, keepdim=False):
    variance, average = moments(b, wide(b, x), dims_of(dim, x.rank), 1 if correction is None else correction)
    return [b.reshape(cast(b, v, want.dtype), want.shape) for v, want in zip((b.sqrt(variance), average), b.results)]


@lowers(aten.linalg_vector_norm.default)
def vector_norm(b, x, ord=2, dim=None, keepdim=False, *, dtype=None):
    wanted = b.result.dtype
    dims = dims_of(dim, x.rank)
    size = b.abs(x)
    size = cast(b, size, opmath(wanted))
    if ord == math.inf:
        norm = b.reduce_max(size, dims)
    elif ord == -math.inf:
        norm = b.reduce_min(size, dims)
    elif ord == 0:
        norm = b.reduce_sum(b.convert(b.compare(size, 0, "NE"), size.dtype), dims)
    elif ord == 1:
        norm = b.reduce_sum(size, dims)
    elif ord == 2:
        norm = b.sqrt(b.reduce_sum(b.multiply(size, size), dims))
    else:
        norm = b.power(b.reduce_sum(b.power(size, float(ord)), dims), 1.0 / ord)
    return b.reshape(cast(b, norm, wanted), b.result.shape)


# --- Softmax -----------------------------------------------------------------------------------------------------------


def _shifted(b, x, dim):
    """x less its greatest along `dim`, the exponentials of that, and their sum."""
    top = kept(b, b.reduce_max(x, [dim]), x.shape, [dim])
    x = b.subtract(x, top)
    power = b.exponential(x)
    return x, power, kept(b, b.reduce_sum(power, [dim]), x.shape, [dim])


@lowers(aten._softmax.default)
def softmax(b, x, dim, half_to_float=False):
    x = at_least_1d(b, cast(b, x, opmath(b.result.dtype)))
    _, power, total = _shifted(b, x, dim_of(dim, x.rank))
    return b.reshape(cast(b, b.divide(power, total), b.result.dtype), b.result.shape)


@lowers(aten._log_softmax.default)
def log_softmax(b, x, dim, half_to_float=False):
    x = at_least_1d(b, cast(b, x, opmath(b.result.dtype)))
    x, _, total = _shifted(b, x, dim_of(dim, x.rank))
    return b.reshape(cast(b, b.subtract(x, b.log(total)), b.result.dtype), b.result.shape)


@lowers(aten._softmax_backward_data.default)
def softmax_backward(b, grad, output, dim, input_dtype):
    grad, output = (at_least_1d(b, v) for v in wide(b, grad, output))
    dim = dim_of(dim, grad.rank)
    product = b.multiply(grad, output)
    total = kept(b, b.reduce_sum(product, [dim]), product.shape, [dim])
    return b.reshape(cast(b, b.subtract(product, b.multiply(output, total)), b.result.dtype), b.result.shape)


@lowers(aten._log_softmax_backward_data.default)
def log_softmax_backward(b, grad, output, dim, input_dtype):
    grad, output = (at_least_1d(b, v) for v in wide(b, grad, output))
    dim = dim_of(dim, grad.rank)
    total = kept(b, b.reduce_sum(grad, [dim]), grad.shape, [dim])
    return b.reshape(cast(b, b.subtract(grad, b.multiply(b.exponential(output), total)), b.result.dtype), b.result.shape)


@lowers(aten.logsumexp.default)
def logsumexp(b, x, dim, keepdim=False):
    wanted = b.result.dtype
    if is_complex(x.dtype):
        raise LoweringError("logsumexp of complex numbers")
    x = cast(b, x, opmath(wanted))
    dims = dims_of(dim, x.rank)
    if not x.size:
        return b.reshape(b.log(b.reduce_sum(x, dims)), b.result.shape)
    top = b.reduce_max(x, dims)
    top = b.select(b.is_infinite(top), 0, top)
    total = b.reduce_sum(b.exponential(b.subtract(x, kept(b, top, x.shape, dims))), dims)
    return b.reshape(cast(b, b.add(b.log(total), top), wanted), b.result.shape)


# --- Scans -------------------------------------------------------------------------------------------------------------


def scanned(b, x, dim, initial, body):
    """Along `dim` what `body` makes of all elements up to each: one window that reaches back to the start."""
    n = x.shape[dim]
    if n == 0:
        return x
    window = [n if i == dim else 1 for i in range(x.rank)]
    padding = [(n - 1, 0) if i == dim else (0, 0) for i in range(x.rank)]
    return b.reduce_window([x], [initial], body, window=window, padding=padding)[0]


def _scan(b, x, dim, initial, body):
    x = at_least_1d(b, cast(b, x, opmath(b.result.dtype)))
    return b.reshape(cast(b, scanned(b, x, dim_of(dim, x.rank), initial, body), b.result.dtype), b.result.shape)


@lowers(aten.cumsum.default)
def cumsum(b, x, dim, *, dtype=None):
    return _scan(b, x, dim, 0, lambda b, old, new: b.add(old, new))


@lowers(aten.cumprod.default)
def cumprod(b, x, dim, *, dtype=None):
    return _scan(b, x, dim, 1, lambda b, old, new: b.multiply(old, new))


@lowers(aten.logcumsumexp.default)
def logcumsumexp(b, x, dim):
    if is_complex(x.dtype):
        raise LoweringError("logcumsumexp of complex numbers")

    def joined(b, old, new):
        large, small = b.maximum(old, new), b.minimum(old, new)
        total = b.add(large, b.log_plus_one(b.exponential(b.subtract(small, large))))
        return b.select(b.and_(b.is_infinite(old), b.compare(old, new, "EQ")), old, total)
    return _scan(b, x, dim, -math.inf, joined)


def _running_extreme(b, x, dim, greatest):
    """Running extremes and where they lie: of equal ones the last, and a NaN stays."""
    shape = b.results[0].shape
    x = at_least_1d(b, x)
    dim = dim_of(dim, x.rank)
    n = x.shape[dim]
    if x.size == 0:
        return [b.reshape(x, shape), b.constant(0, "i64", shape)]
    kind = x.dtype
    if kind == "i1":
        x = b.convert(x, "ui8")
    window = [n if i == dim else 1 for i in range(x.rank)]
    padding = [(n - 1, 0) if i == dim else (0, 0) for i in range(x.rank)]

    def better(b, value, at, other, other_at):
        wins = b.compare(other, value, "GE" if greatest else "LE")
        if is_float(x.dtype):
            wins = b.or_(wins, b.is_nan(other))
            wins = b.and_(wins, b.or_(b.not_(b.is_nan(value)), b.is_nan(other)))
        wins = b.and_(wins, b.compare(other_at, at, "GE"))
        return [b.select(wins, other, value), b.select(wins, other_at, at)]
    value, at = b.reduce_window([x, b.iota(x.shape, dim, "i64")], [lowest(x.dtype) if greatest else highest(x.dtype), -1], better,
                                window=window, padding=padding)
    return [b.reshape(cast(b, value, kind), shape), b.reshape(at, shape)]


@lowers(aten.cummax.default)
def cummax(b, x, dim):
    return _running_extreme(b, x, dim, True)


@lowers(aten.cummin.default)
def cummin(b, x, dim):
    return _running_extreme(b, x, dim, False)

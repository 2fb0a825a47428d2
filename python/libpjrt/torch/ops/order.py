"""Sorting and what is found by it."""

from libpjrt.torch.common import LoweringError, at_least_1d, dim_of, is_float
from libpjrt.torch.ops.reductions import kept
from libpjrt.torch.table import aten, lowers


def _key(b, x):
    """A float scalar whose total order is ATen's: all zeros are equal, all NaN are the greatest. Left and right keys are
    made in the same way, which is how the compiler knows that it may sort keys."""
    x = b.select(b.compare(x, 0, "EQ"), 0, x)
    return b.select(b.is_nan(x), float("nan"), x)


def in_order(b, x, dim, descending=False):
    """x sorted along `dim`, stably, and where each element came from (i64). NaN counts as the greatest."""
    kind = x.dtype
    if kind == "i1":
        x = b.convert(x, "ui8")
    direction = "GT" if descending else "LT"

    def before(b, a, c, i, j):
        if not is_float(x.dtype):
            return b.compare(a, c, direction)
        a, c = _key(b, a), _key(b, c)
        return b.emit(f"stablehlo.compare {direction}, {a.name}, {c.name}, TOTALORDER : ({a.type}, {c.type}) -> tensor<i1>", (), "i1")
    value, index = b.sort([x, b.iota(x.shape, dim, "i64")], dim, before)
    return b.convert(value, kind), index


def _sorted(b, x, dim, descending):
    shape = b.results[0].shape
    if x.size == 0:
        return [b.reshape(x, shape), b.constant(0, "i64", shape)]
    x = at_least_1d(b, x)
    return [b.reshape(v, shape) for v in in_order(b, x, dim_of(dim, x.rank), descending)]


@lowers(aten.sort.default)
def sort(b, x, dim=-1, descending=False):
    return _sorted(b, x, dim, descending)


@lowers(aten.sort.stable)
def sort_stable(b, x, *, stable, dim=-1, descending=False):
    return _sorted(b, x, dim, descending)


@lowers(aten.topk.default)
def topk(b, x, k, dim=-1, largest=True, sorted=True):
    shape = b.results[0].shape
    x = at_least_1d(b, x)
    dim = dim_of(dim, x.rank)
    if x.size == 0 or k == 0:
        return [b.constant(0, x.dtype, shape), b.constant(0, "i64", shape)]
    return [b.reshape(v, shape) for v in _greatest(b, x, dim, k, largest)]


def _greatest(b, x, dim, k, largest):
    """The k greatest along `dim`, or the least, by chlo.top_k: over the last dimension, in an order where NaN with its sign
    clear is the greatest. The least of x are the greatest of its reverse."""
    order = [d for d in range(x.rank) if d != dim] + [dim]
    kind = x.dtype
    key = b.transpose(b.convert(x, "ui8") if kind == "i1" else x, order)
    if is_float(kind):
        key = b.select(b.is_nan(key), float("nan"), key)

    def reverse(v):
        return v if largest else b.negate(v) if is_float(kind) else b.not_(v)
    key = reverse(key)
    out = (*key.shape[:-1], k)
    types = [(out, key.dtype), (out, "i32")]
    value, index = b.emit_many(b._generic("chlo.top_k", [key], f"k = {k} : i64", types), types)
    back = [order.index(d) for d in range(x.rank)]
    return b.transpose(b.convert(reverse(value), kind), back), b.transpose(b.convert(index, "i64"), back)


@lowers(aten.kthvalue.default)
def kthvalue(b, x, k, dim=-1, keepdim=False):
    shape = b.results[0].shape
    x = at_least_1d(b, x)
    dim = dim_of(dim, x.rank)
    return [b.reshape(b.slice_dim(v, dim, k - 1, k), shape) for v in in_order(b, x, dim)]


def _median(b, x, dim, ignore_nan):
    """The lower of the two middle elements, and where it is; with a NaN among them that one, unless NaN are ignored."""
    value, index = in_order(b, x, dim)
    n = x.shape[dim]
    middle = b.slice_dim(value, dim, (n - 1) // 2, (n - 1) // 2 + 1), b.slice_dim(index, dim, (n - 1) // 2, (n - 1) // 2 + 1)
    if not is_float(x.dtype):
        return middle
    count = b.reduce_sum(b.convert(b.not_(b.is_nan(value)), "i64"), [dim])
    count = kept(b, count, x.shape, [dim])
    if ignore_nan:
        place = b.shift_right_arithmetic(b.maximum(b.subtract(count, 1), 0), 1)
    else:
        place = b.select(b.compare(count, n, "EQ"), (n - 1) // 2, count)
    hit = b.compare(b.iota(value.shape, dim, "i64"), b.broadcast_to(place, value.shape), "EQ")
    picked = b.reduce_max(b.select(hit, value, float("-inf")), [dim])  # of one element and -inf: that element, also NaN
    at = b.reduce_max(b.select(hit, index, -1), [dim])
    return kept(b, picked, x.shape, [dim]), kept(b, at, x.shape, [dim])


def _median_all(b, x, ignore_nan):
    if x.size == 0:
        raise LoweringError("the median of nothing")
    return b.reshape(_median(b, b.reshape(x, (x.size,)), 0, ignore_nan)[0], ())


def _median_along(b, x, dim, ignore_nan):
    shape = b.results[0].shape
    x = at_least_1d(b, x)
    if x.size == 0:
        raise LoweringError("the median of nothing")
    return [b.reshape(v, shape) for v in _median(b, x, dim_of(dim, x.rank), ignore_nan)]


@lowers(aten.median.default)
def median(b, x):
    return _median_all(b, x, False)


@lowers(aten.nanmedian.default)
def nanmedian(b, x):
    return _median_all(b, x, True)


@lowers(aten.median.dim)
def median_dim(b, x, dim, keepdim=False):
    return _median_along(b, x, dim, False)


@lowers(aten.nanmedian.dim)
def nanmedian_dim(b, x, dim, keepdim=False):
    return _median_along(b, x, dim, True)

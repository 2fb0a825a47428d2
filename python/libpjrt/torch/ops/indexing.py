"""Gathers and scatters: elements chosen or changed by indices that are only known when the program runs.

Negative indices count from the end. PyTorch raises an error for an index out of range; a compiled program has no way to, so
reads are clamped and writes dropped, as StableHLO says."""

import math

from libpjrt.torch.builder import broadcast_shapes, highest, lowest
from libpjrt.torch.common import LoweringError, at_least_1d, cast, dim_of, is_float, opmath, value_of
from libpjrt.torch.ops.shape import slice_bounds
from libpjrt.torch.table import aten, lowers, overloads


def replace(b, old, new):
    return new


def add(b, old, new):
    return b.or_(old, new) if old.dtype == "i1" else b.add(old, new)


def wrapped(b, index, n):
    """Indices as i64, those below zero counted from the end."""
    index = b.convert(index, "i64")
    return b.select(b.compare(index, 0, "LT"), b.add(index, n), index)


def take_along(b, x, dim, index):
    """x's slices along `dim` at `index` (of any shape, in range), whose dimensions come in the place of dim."""
    sizes = [1 if d == dim else n for d, n in enumerate(x.shape)]
    k = index.rank
    offsets = [d if d < dim else d + k - 1 for d in range(x.rank) if d != dim]
    return b.gather(x, index, offset_dims=offsets, collapsed_slice_dims=[dim], start_index_map=[dim], index_vector_dim=k, slice_sizes=sizes)


@lowers(aten.index_select.default)
def index_select(b, x, dim, index):
    if not x.rank:
        return b.reshape(x, b.result.shape)
    dim = dim_of(dim, x.rank)
    return take_along(b, x, dim, wrapped(b, at_least_1d(b, index), x.shape[dim]))


def scatter_rows(b, x, index, updates, body, dim=0):
    """x with the slices of `updates` along `dim` joined by `body` to x's slices at `index`, of rank 1."""
    windows = [d for d in range(x.rank) if d != dim]
    return b.scatter(x, index, updates, body, update_window_dims=windows, inserted_window_dims=[dim],
                     scatter_dims_to_operand_dims=[dim], index_vector_dim=1)


# --- Advanced indexing -------------------------------------------------------------------------------------------------


def _spread(b, x, indices):
    """Index arrays of x brought to one shape: those, the dimensions that they index, and where theirs come in the result
    (in the place of the first if they are neighbours, else in front)."""
    indices = list(indices) + [None] * (x.rank - len(indices))
    if any(i is not None and i.dtype in ("i1", "ui8") for i in indices):
        raise LoweringError("an index of booleans, whose count is only known when it runs")
    dims = [d for d, i in enumerate(indices) if i is not None]
    shape = broadcast_shapes(*[indices[d].shape for d in dims])
    arrays = [b.broadcast_to(wrapped(b, indices[d], x.shape[d]), shape) for d in dims]
    neighbours = dims == list(range(dims[0], dims[0] + len(dims)))
    return arrays, dims, shape, dims[0] if neighbours else 0


def _vectors(b, arrays):
    """Index arrays of one shape as vectors in a last dimension, or the only array itself (whose index_vector_dim is then
    its rank)."""
    if len(arrays) == 1:
        return arrays[0]
    return b.concatenate([b.unsqueeze(a, a.rank) for a in arrays], arrays[0].rank)


def _grid(b, x, indices):
    """x at index arrays that form a grid, such as those of shapes (m, 1) and (n,) that resampling makes: one dimension after
    the other, which moves whole rows. None for others."""
    given = [(d, i) for d, i in enumerate(indices) if i is not None]
    dims = [d for d, _ in given]
    if len(given) < 2 or dims != list(range(dims[0], dims[0] + len(dims))):
        return None
    shape = broadcast_shapes(*[i.shape for _, i in given])
    if len(shape) != len(given):
        return None
    for k, (_, i) in enumerate(given):
        lead = len(shape) - i.rank
        if i.dtype in ("i1", "ui8") or i.size != shape[k] or (shape[k] != 1 and i.shape[k - lead] != shape[k]):
            return None
    for dim, i in given:
        x = take_along(b, x, dim, wrapped(b, b.reshape(i, (i.size,)), x.shape[dim]))
    return x


@lowers(aten.index.Tensor, *overloads(aten._unsafe_index, "Tensor"))
def index(b, x, indices):
    if not any(i is not None for i in indices):
        return x
    if x.size and math.prod(b.result.shape):
        grid = _grid(b, x, indices)
        if grid is not None:
            return grid
    arrays, dims, shape, place = _spread(b, x, indices)
    if x.size == 0 or math.prod(b.result.shape) == 0:
        return b.constant(0, x.dtype, b.result.shape)
    rest = [d for d in range(x.rank) if d not in dims]
    before = place if place else 0
    offsets = [i if i < before else i + len(shape) for i in range(len(rest))]
    return b.gather(x, _vectors(b, arrays), offset_dims=offsets, collapsed_slice_dims=dims, start_index_map=dims, index_vector_dim=len(shape),
                    slice_sizes=[1 if d in dims else n for d, n in enumerate(x.shape)])


def _masked_put(b, x, indices, values, accumulate):
    """index_put by one mask of booleans where all its places get the same value: a choice, no scatter."""
    given = [(d, i) for d, i in enumerate(indices) if i is not None]
    if len(given) != 1 or values.size != 1:
        return None
    dim, mask = given[0]
    if mask.dtype == "ui8":
        mask = b.compare(mask, 0, "NE")
    mask = b.broadcast_in_dim(mask, x.shape, range(dim, dim + mask.rank))
    value = b.reshape(values, ())
    return b.select(mask, add(b, x, b.broadcast_to(value, x.shape)) if accumulate else value, x)


@lowers(aten.index_put.default, *overloads(aten._unsafe_index_put, "default"))
def index_put(b, x, indices, values, accumulate=False):
    values = cast(b, values, x.dtype)
    if any(i is not None and i.dtype in ("i1", "ui8") for i in indices):
        result = _masked_put(b, x, indices, values, accumulate)
        if result is None:
            raise LoweringError("an index of booleans, whose count is only known when it runs")
        return result
    if not any(i is not None for i in indices):
        return add(b, x, b.broadcast_to(values, x.shape)) if accumulate else b.broadcast_to(values, x.shape)
    arrays, dims, shape, place = _spread(b, x, indices)
    rest = [d for d in range(x.rank) if d not in dims]
    whole = [x.shape[d] for d in rest]
    updates = b.broadcast_to(values, (*whole[:place], *shape, *whole[place:]))
    if updates.size == 0:
        return x
    windows = [i if i < place else i + len(shape) for i in range(len(rest))]
    computed = opmath(x.dtype) if accumulate else x.dtype
    result = b.scatter(cast(b, x, computed), _vectors(b, arrays), cast(b, updates, computed), add if accumulate else replace,
                       update_window_dims=windows, inserted_window_dims=dims, scatter_dims_to_operand_dims=dims,
                       index_vector_dim=len(shape))
    return cast(b, result, x.dtype)


@lowers(*overloads(aten._unsafe_masked_index, "default"))
def masked_index(b, x, mask, indices, fill):
    """x at indices that may be out of range where the mask is false; `fill` there."""
    if x.size == 0:
        return b.constant(fill, x.dtype, b.result.shape)
    indices = [None if i is None else b.clamp(0, b.convert(i, "i64"), n - 1) for i, n in zip(indices, x.shape)]
    return b.select(mask, index(b, x, indices), fill)


@lowers(*overloads(aten._unsafe_masked_index_put_accumulate, "default"))
def masked_index_put(b, x, mask, indices, values):
    if x.size == 0:
        return x
    indices = [None if i is None else b.clamp(0, b.convert(i, "i64"), n - 1) for i, n in zip(indices, x.shape)]
    return index_put(b, x, indices, b.select(mask, values, b.full_like(values, 0)), accumulate=True)


# --- Along one dimension -----------------------------------------------------------------------------------------------


@lowers(aten.gather.default)
def gather(b, x, dim, index, *, sparse_grad=False):
    if index.size == 0:
        return b.constant(0, x.dtype, b.result.shape)
    if not x.rank:
        return b.broadcast_to(x, b.result.shape)
    index = at_least_1d(b, index)
    dim = dim_of(dim, x.rank)
    at = wrapped(b, index, x.shape[dim])
    limits = [n if d == dim else m for d, (n, m) in enumerate(zip(x.shape, index.shape))]
    x = b.slice(x, [0] * x.rank, limits)
    others = [d for d in range(x.rank) if d != dim]
    taken = b.gather(x, at, offset_dims=[], collapsed_slice_dims=[dim], start_index_map=[dim], index_vector_dim=index.rank,
                     operand_batching_dims=others, start_indices_batching_dims=others, slice_sizes=[1] * x.rank)
    return b.reshape(taken, b.result.shape)


def scatter_along(b, x, dim, index, updates, body):
    """x with single elements of `updates` joined by `body` at `index` along `dim`, at their own place in the others: by their
    places in the flat array, where what is out of range lies behind its end and is dropped. Places have 32 bits where that
    suffices, which takes half the time."""
    n = x.shape[dim]
    at = wrapped(b, index, n)
    inside = b.and_(b.compare(at, 0, "GE"), b.compare(at, n, "LT"))
    dtype = "i32" if x.size < 1 << 31 else "i64"
    at = b.convert(at, dtype)  # may wrap for what is not inside
    stride = math.prod(x.shape[dim + 1:])
    place = b.multiply(at, stride) if stride != 1 else at
    step = 1
    for d in reversed(range(x.rank)):
        if d != dim and index.shape[d] != 1:
            place = b.add(place, b.multiply(b.iota(index.shape, d, dtype), step))
        step *= x.shape[d]
    place = b.reshape(b.select(inside, place, x.size), (index.size,))
    return b.reshape(scatter_rows(b, b.reshape(x, (x.size,)), place, b.reshape(updates, (index.size,)), body), x.shape)


def _scatter(b, x, dim, index, source, body, computed=None):
    """`source`: a Value, of which what `index` does not reach is not read, or a number."""
    dtype, shape = x.dtype, b.result.shape
    if index.size == 0:
        return x
    computed = computed or dtype
    x, index = at_least_1d(b, x), at_least_1d(b, index)
    if hasattr(source, "shape"):
        source = at_least_1d(b, source)
        source = b.slice(source, [0] * source.rank, index.shape)
        source = cast(b, source, computed)
    else:
        source = b.constant(source, computed, index.shape)
    return b.reshape(cast(b, scatter_along(b, cast(b, x, computed), dim_of(dim, x.rank), index, source, body), dtype), shape)


@lowers(aten.scatter.src, aten.scatter.value)
def scatter(b, x, dim, index, src):
    return _scatter(b, x, dim, index, src, replace)


@lowers(aten.scatter_add.default)
def scatter_add(b, x, dim, index, src):
    return _scatter(b, x, dim, index, src, add, opmath(x.dtype))


_BODIES = {
    "add": add, "sum": add, "mean": add,
    "multiply": lambda b, x, y: b.and_(x, y) if x.dtype == "i1" else b.multiply(x, y),
    "amax": lambda b, x, y: b.maximum(x, y), "amin": lambda b, x, y: b.minimum(x, y),
}
_BODIES["prod"] = _BODIES["multiply"]


def _neutral(reduce, dtype):
    return {"amax": lowest(dtype), "amin": highest(dtype), "prod": 1, "multiply": 1}.get(reduce, 0)


@lowers(aten.scatter.reduce, aten.scatter.value_reduce)
def scatter_with(b, x, dim, index, src, *, reduce):
    return _scatter(b, x, dim, index, src, _BODIES[reduce], opmath(x.dtype))


@lowers(aten.scatter_reduce.two)
def scatter_reduce(b, x, dim, index, src, reduce, *, include_self=True):
    dtype, shape = x.dtype, b.result.shape
    if index.size == 0:
        return x
    computed = opmath(dtype)
    x, index, src = (at_least_1d(b, v) for v in (x, index, src))
    dim = dim_of(dim, x.rank)
    src = cast(b, b.slice(src, [0] * src.rank, index.shape), computed)
    start = cast(b, x, computed)
    if not include_self:
        touched = scatter_along(b, b.constant(False, "i1", x.shape), dim, index, b.constant(True, "i1", index.shape), replace)
        start = b.select(touched, _neutral(reduce, computed), start)
    total = scatter_along(b, start, dim, index, src, _BODIES[reduce])
    if reduce == "mean":
        total = _averaged(b, total, lambda zero, one: scatter_along(b, zero, dim, index, b.broadcast_to(one, index.shape), add), include_self)
    return b.reshape(cast(b, total, dtype), shape)


def _averaged(b, total, counted, include_self):
    """Sums by how many went into each: `counted(zeros, one)` adds up ones as the sums were."""
    ones = counted(b.full_like(total, 1 if include_self else 0), b.constant(1, total.dtype))
    ones = b.maximum(ones, 1)
    if is_float(total.dtype) or total.dtype.startswith("complex"):
        return b.divide(total, ones)
    quotient = b.divide(total, ones)
    below = b.and_(b.compare(b.multiply(quotient, ones), total, "NE"), b.compare(total, 0, "LT"))
    return b.select(below, b.subtract(quotient, 1), quotient)


def _rows(b, x, dim, index, source):
    """The operands of index_add and the like with at least one dimension, and the dimension counted from the front."""
    x, index, source = (at_least_1d(b, v) for v in (x, index, source))
    dim = dim_of(dim, x.rank)
    return x, dim, wrapped(b, index, x.shape[dim]), source


@lowers(aten.index_add.default)
def index_add(b, x, dim, index, source, *, alpha=1):
    dtype, shape = x.dtype, b.result.shape
    x, dim, index, source = _rows(b, x, dim, index, source)
    if source.size == 0:
        return b.reshape(x, shape)
    computed = opmath(dtype)
    source = cast(b, source, computed)
    if alpha != 1:
        source = b.and_(source, bool(alpha)) if dtype == "i1" else b.multiply(source, alpha)
    return b.reshape(cast(b, scatter_rows(b, cast(b, x, computed), index, source, add, dim), dtype), shape)


@lowers(aten.index_copy.default)
def index_copy(b, x, dim, index, source):
    shape = b.result.shape
    x, dim, index, source = _rows(b, x, dim, index, source)
    return b.reshape(scatter_rows(b, x, index, source, replace, dim) if source.size else x, shape)


@lowers(aten.index_fill.int_Scalar, aten.index_fill.int_Tensor)
def index_fill(b, x, dim, index, value):
    dtype, shape = x.dtype, b.result.shape
    value = value_of(b, value, dtype)
    x, index = at_least_1d(b, x), at_least_1d(b, index)
    dim = dim_of(dim, x.rank)
    if index.size == 0 or x.size == 0:
        return b.reshape(x, shape)
    updates = b.broadcast_to(b.reshape(value, ()), [index.size if d == dim else n for d, n in enumerate(x.shape)])
    return b.reshape(scatter_rows(b, x, wrapped(b, index, x.shape[dim]), updates, replace, dim), shape)


@lowers(aten.index_reduce.default)
def index_reduce(b, x, dim, index, source, reduce, *, include_self=True):
    dtype, shape = x.dtype, b.result.shape
    x, dim, index, source = _rows(b, x, dim, index, source)
    if source.size == 0:
        return b.reshape(x, shape)
    computed = opmath(dtype)
    start, source = cast(b, x, computed), cast(b, source, computed)
    if not include_self:
        touched = scatter_rows(b, b.constant(False, "i1", x.shape), index, b.constant(True, "i1", source.shape), replace, dim)
        start = b.select(touched, _neutral(reduce, computed), start)
    total = scatter_rows(b, start, index, source, _BODIES[reduce], dim)
    if reduce == "mean":
        total = _averaged(b, total, lambda zero, one: scatter_rows(b, zero, index, b.broadcast_to(one, source.shape), add, dim), include_self)
    return b.reshape(cast(b, total, dtype), shape)


# --- Flat places -------------------------------------------------------------------------------------------------------


@lowers(aten.take.default)
def take(b, x, index):
    if index.size == 0:
        return b.constant(0, x.dtype, b.result.shape)
    return take_along(b, b.reshape(x, (x.size,)), 0, wrapped(b, index, x.size))


@lowers(aten.put.default)
def put(b, x, index, source, accumulate=False):
    if index.size == 0:
        return x
    flat = b.reshape(x, (x.size,))
    at, source = b.reshape(wrapped(b, index, x.size), (index.size,)), b.reshape(source, (index.size,))
    computed = opmath(x.dtype) if accumulate else x.dtype
    out = scatter_rows(b, cast(b, flat, computed), at, cast(b, source, computed), add if accumulate else replace)
    return b.reshape(cast(b, out, x.dtype), x.shape)


@lowers(aten.masked_fill.Scalar, aten.masked_fill.Tensor)
def masked_fill(b, x, mask, value):
    value = value_of(b, value, x.dtype)
    return b.broadcast_to(b.select(mask, value, x), b.result.shape)


@lowers(aten.masked_scatter.default)
def masked_scatter(b, x, mask, source):
    """The n-th place where the mask holds gets source's n-th element."""
    from libpjrt.torch.ops.reductions import scanned
    shape = b.result.shape
    x, mask = b.broadcast_to(x, shape), b.broadcast_to(mask, shape)
    if x.size == 0 or source.size == 0:
        return x
    flat = b.reshape(mask, (mask.size,))
    count = scanned(b, b.convert(flat, "i64"), 0, 0, lambda b, old, new: b.add(old, new))
    taken = take_along(b, b.reshape(source, (source.size,)), 0, b.clamp(0, b.subtract(count, 1), source.size - 1))
    return b.select(mask, b.reshape(taken, shape), x)


# --- Views written to --------------------------------------------------------------------------------------------------


@lowers(aten.select_scatter.default)
def select_scatter(b, x, src, dim, index):
    dim = dim_of(dim, x.rank)
    index = index % x.shape[dim]
    middle = b.unsqueeze(cast(b, src, x.dtype), dim)
    return _between(b, x, middle, dim, index, index + 1)


def _between(b, x, middle, dim, start, end):
    """x with what lies between start and end of `dim` replaced."""
    parts = [b.slice_dim(x, dim, 0, start)] if start else []
    parts += [middle]
    if end < x.shape[dim]:
        parts.append(b.slice_dim(x, dim, end, x.shape[dim]))
    return b.concatenate(parts, dim)


@lowers(aten.slice_scatter.default)
def slice_scatter(b, x, src, dim=0, start=None, end=None, step=1):
    dim = dim_of(dim, x.rank)
    n = x.shape[dim]
    start, end = slice_bounds(n, start, end, step)
    src = cast(b, src, x.dtype)
    if end <= start:
        return x
    if step == 1:
        return _between(b, x, src, dim, start, end)
    low, high, interior = [0] * x.rank, [0] * x.rank, [0] * x.rank
    count = src.shape[dim]
    low[dim], interior[dim] = start, step - 1
    high[dim] = n - start - (count - 1) * step - 1
    spread = b.pad(src, 0, low, high, interior)
    place = b.subtract(b.iota(x.shape, dim, "i64"), start)
    inside = b.and_(b.compare(b.remainder(place, step), 0, "EQ"), b.compare(place, 0, "GE"))
    inside = b.and_(inside, b.compare(place, end - start, "LT"))
    return b.select(inside, spread, x)


@lowers(aten.diagonal_scatter.default)
def diagonal_scatter(b, x, src, offset=0, dim1=0, dim2=1):
    dim1, dim2 = dim_of(dim1, x.rank), dim_of(dim2, x.rank)
    rows, columns = b.iota(x.shape, dim1, "i64"), b.iota(x.shape, dim2, "i64")
    on = b.compare(b.subtract(columns, rows), offset, "EQ")
    # The diagonal stretched over the array: along the dimension in which it starts at 0.
    along, other = (dim1, dim2) if offset >= 0 else (dim2, dim1)
    rest = [d for d in range(x.rank) if d not in (dim1, dim2)]
    src = cast(b, src, x.dtype)
    src = b.pad(src, 0, [0] * src.rank, [0] * (src.rank - 1) + [x.shape[along] - src.shape[-1]])
    return b.select(on, b.broadcast_in_dim(src, x.shape, [*rest, along]), x) if other != along else x


# --- Searching ---------------------------------------------------------------------------------------------------------


def _searched(b, boundaries, values, right):
    """For each value how many of the sorted boundaries (in the last dimension) lie before it: halving steps, all values at
    once. `boundaries` has rank 1 or the leading dimensions of `values`."""
    n = boundaries.shape[-1]
    low = b.constant(0, "i64", values.shape)
    if n == 0 or values.size == 0:
        return low
    high = b.full_like(low, n)
    for _ in range(n.bit_length()):
        middle = b.shift_right_logical(b.add(low, high), 1)
        at = b.minimum(middle, n - 1)
        if boundaries.rank == 1:
            there = take_along(b, boundaries, 0, at)
        else:
            others = list(range(boundaries.rank - 1))
            there = b.gather(boundaries, at, offset_dims=[], collapsed_slice_dims=[boundaries.rank - 1],
                             start_index_map=[boundaries.rank - 1], index_vector_dim=at.rank, operand_batching_dims=others,
                             start_indices_batching_dims=others, slice_sizes=[1] * boundaries.rank)
        if right:
            before = b.not_(b.compare(there, values, "GT"))
        else:
            before = b.not_(b.compare(there, values, "GE"))
        before = b.and_(before, b.compare(middle, high, "LT"))
        low, high = b.select(before, b.add(middle, 1), low), b.select(before, high, middle)
    return low


def _search(b, boundaries, values, right):
    from libpjrt.torch.common import result_type
    dtype = result_type(boundaries, values)
    shape = b.result.shape
    found = _searched(b, cast(b, boundaries, dtype), at_least_1d(b, value_of(b, values, dtype)), right)
    return b.reshape(b.convert(found, b.result.dtype), shape)


@lowers(aten.bucketize.Tensor, aten.bucketize.Scalar)
def bucketize(b, x, boundaries, *, out_int32=False, right=False):
    return _search(b, boundaries, x, right)


@lowers(aten.searchsorted.Tensor, aten.searchsorted.Scalar)
def searchsorted(b, boundaries, x, *, out_int32=False, right=False, side=None, sorter=None):
    if sorter is not None:
        raise LoweringError("searchsorted with a sorter")
    return _search(b, boundaries, x, right or side == "right")


@lowers(aten.isin.Tensor_Tensor, aten.isin.Tensor_Scalar, aten.isin.Scalar_Tensor)
def isin(b, elements, test, *, assume_unique=False, invert=False):
    from libpjrt.torch.common import result_type
    dtype = result_type(elements, test)
    elements, test = value_of(b, elements, dtype), value_of(b, test, dtype)
    flat = b.reshape(test, (test.size,))
    wide = b.broadcast_in_dim(elements, (*elements.shape, flat.size), range(elements.rank))
    equal = b.compare(wide, b.broadcast_to(flat, wide.shape), "EQ")
    hit = b.reduce_or(equal, [elements.rank])
    return b.not_(hit) if invert else hit

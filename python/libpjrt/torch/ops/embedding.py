"""Embeddings: rows of a table chosen by indices, and joined bag by bag."""

import math

from libpjrt.torch.common import LoweringError, cast, opmath
from libpjrt.torch.ops.indexing import add, scatter_rows, take_along
from libpjrt.torch.table import aten, lowers

_SUM, _MEAN, _MAX = range(3)


@lowers(aten.embedding.default)
def embedding(b, weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False):
    return take_along(b, weight, 0, b.convert(indices, "i64"))


@lowers(aten.embedding_dense_backward.default)
def embedding_dense_backward(b, grad, indices, num_weights, padding_idx, scale_grad_by_freq):
    wanted = b.result.dtype
    index = b.reshape(b.convert(indices, "i64"), (-1,)) if indices.size else b.constant(0, "i64", (0,))
    grad = cast(b, b.reshape(grad, (index.size, grad.shape[-1])), opmath(wanted))
    if scale_grad_by_freq:
        zero = b.constant(0, "i64", (num_weights,))
        counts = scatter_rows(b, zero, index, b.constant(1, "i64", index.shape), add)
        grad = b.divide(grad, b.unsqueeze(b.convert(take_along(b, counts, 0, index), grad.dtype), 1))
    if padding_idx is not None and padding_idx >= 0:
        index = b.select(b.compare(index, padding_idx, "EQ"), num_weights, index)  # out of range: dropped
    return cast(b, scatter_rows(b, b.constant(0, grad.dtype, b.result.shape), index, grad, add), wanted)


# --- Bags --------------------------------------------------------------------------------------------------------------


def _bags(b, offsets, count, bags):
    """For each of `count` indices the bag that it lies in: the last one that begins at it or before."""
    if bags < 2 or not count:
        return b.constant(0, "i64", (count,))
    starts = b.slice_dim(b.convert(offsets, "i64"), 0, 1, bags)
    # What begins behind the last index marks nothing.
    marks = scatter_rows(b, b.constant(0, "i64", (count,)), starts, b.constant(1, "i64", (bags - 1,)), add)
    return _running_sum(b, marks)


def _running_sum(b, x):
    return b.reduce_window([x], [0], lambda b, a, c: b.add(a, c), window=[x.size], padding=[(x.size - 1, 0)])[0]


def _where_padded(b, indices, padding_idx, bag, bags):
    """Bags of indices, where those that are padding lie in none: scatters drop them."""
    if padding_idx < 0:
        return bag
    return b.select(b.compare(indices, padding_idx, "EQ"), bags, bag)


def _largest(b, rows, place, indices, bags):
    """The maximum of each bag's rows, 0 for a bag of none, and which of the table's rows it is from."""
    shape = (bags, rows.shape[1])
    start = b.constant(-math.inf, rows.dtype, shape)
    best = scatter_rows(b, start, place, rows, lambda b, x, y: b.maximum(x, y))
    inside = b.clamp(0, place, bags - 1)
    order = b.iota(rows.shape, 0, "i64")
    hit = b.select(b.compare(rows, take_along(b, best, 0, inside), "EQ"), order, indices.size)
    first = scatter_rows(b, b.constant(indices.size, "i64", shape), place, hit, lambda b, x, y: b.minimum(x, y))
    found = b.compare(first, indices.size, "LT")
    row = take_along(b, indices, 0, b.select(found, first, 0))
    empty = scatter_rows(b, b.constant(0, "i64", (bags,)), place, b.constant(1, "i64", place.shape), add)
    empty = b.broadcast_in_dim(b.compare(empty, 0, "EQ"), shape, [0])
    return b.select(empty, 0, best), b.select(found, row, 0)


@lowers(aten._embedding_bag.default, aten._embedding_bag_forward_only.default)
def embedding_bag(b, weight, indices, offsets, scale_grad_by_freq=False, mode=0, sparse=False, per_sample_weights=None,
                  include_last_offset=False, padding_idx=-1):
    wanted, kind = b.results, offsets.dtype
    count, bags = indices.size, b.result.shape[0]
    dtype = b.result.dtype
    if not count or not bags:
        return [b.constant(0, m.dtype, m.shape) for m in wanted]
    indices = b.convert(indices, "i64")
    bag = _bags(b, offsets, count, bags)
    place = _where_padded(b, indices, padding_idx, bag, bags)
    sizes = scatter_rows(b, b.constant(0, "i64", (bags,)), place, b.constant(1, "i64", (count,)), add)
    rows = cast(b, take_along(b, weight, 0, indices), opmath(dtype))
    largest = b.constant(0, "i64", wanted[3].shape)
    if mode == _MAX:
        total, largest = _largest(b, rows, place, indices, bags)
    else:
        if per_sample_weights is not None:
            rows = b.multiply(rows, b.unsqueeze(cast(b, per_sample_weights, rows.dtype), 1))
        total = scatter_rows(b, b.constant(0, rows.dtype, (bags, rows.shape[1])), place, rows, add)
        if mode == _MEAN:
            total = b.divide(total, b.unsqueeze(b.convert(b.maximum(sizes, 1), rows.dtype), 1))
    told = b.convert(bag, kind) if wanted[1].shape[0] else b.constant(0, kind, (0,))
    extra = wanted[2].shape[0] - bags  # of inference with include_last_offset, which has one more
    sizes = b.pad(b.convert(sizes, kind), 0, [0], [extra])
    return [cast(b, total, dtype), told, sizes, b.convert(largest, kind)]


def _bag_gradient(b, grad, indices, bag, sizes, largest, num_weights, scale_grad_by_freq, mode, weights, padding_idx):
    wanted = b.result
    shape, computed = wanted.shape, opmath(wanted.dtype)
    if not indices.size or not grad.size:
        return b.constant(0, wanted.dtype, shape)
    grad = cast(b, grad, computed)
    bags = grad.shape[0]
    if mode == _MAX:
        empty = b.broadcast_in_dim(b.compare(b.slice_dim(sizes, 0, 0, bags), 0, "EQ"), grad.shape, [0])
        row = b.select(empty, num_weights, b.convert(largest, "i64"))
        place = b.add(b.multiply(row, shape[1]), b.iota(grad.shape, 1, "i64"))
        flat = scatter_rows(b, b.constant(0, computed, (math.prod(shape),)), b.reshape(place, (grad.size,)), b.reshape(grad, (grad.size,)), add)
        return cast(b, b.reshape(flat, shape), wanted.dtype)
    indices = b.convert(indices, "i64")
    if mode == _MEAN:
        grad = b.divide(grad, b.unsqueeze(b.convert(b.maximum(b.slice_dim(sizes, 0, 0, bags), 1), computed), 1))
    rows = take_along(b, grad, 0, bag)
    if weights is not None:
        rows = b.multiply(rows, b.unsqueeze(cast(b, weights, computed), 1))
    if scale_grad_by_freq:
        counts = scatter_rows(b, b.constant(0, "i64", (num_weights,)), indices, b.constant(1, "i64", indices.shape), add)
        rows = b.divide(rows, b.unsqueeze(b.convert(take_along(b, counts, 0, indices), computed), 1))
    place = _where_padded(b, indices, padding_idx, indices, num_weights)
    return cast(b, scatter_rows(b, b.constant(0, computed, shape), place, rows, add), wanted.dtype)


@lowers(aten._embedding_bag_backward.default)
def embedding_bag_backward(b, grad, indices, offsets, offset2bag, bag_size, maximum_indices, num_weights, scale_grad_by_freq, mode, sparse,
                           per_sample_weights, padding_idx=-1):
    if sparse:
        raise LoweringError("a sparse gradient")
    bag = b.convert(offset2bag, "i64") if offset2bag.size else _bags(b, offsets, indices.size, grad.shape[0])
    return _bag_gradient(b, grad, indices, bag, bag_size, maximum_indices, num_weights, scale_grad_by_freq, mode, per_sample_weights, padding_idx)


@lowers(aten._embedding_bag_dense_backward.default)
def embedding_bag_dense_backward(b, grad, indices, offset2bag, bag_size, maximum_indices, num_weights, scale_grad_by_freq, mode,
                                 per_sample_weights, padding_idx=-1):
    bag = b.convert(offset2bag, "i64")
    return _bag_gradient(b, grad, indices, bag, bag_size, maximum_indices, num_weights, scale_grad_by_freq, mode, per_sample_weights, padding_idx)


@lowers(aten._embedding_bag_per_sample_weights_backward.default)
def embedding_bag_weights_backward(b, grad, weight, indices, offsets, offset2bag, mode, padding_idx=-1):
    if not indices.size:
        return b.constant(0, b.result.dtype, b.result.shape)
    indices = b.convert(indices, "i64")
    bag = b.convert(offset2bag, "i64") if offset2bag.size else _bags(b, offsets, indices.size, grad.shape[0])
    computed = opmath(b.result.dtype)
    rows = b.multiply(cast(b, take_along(b, grad, 0, bag), computed), cast(b, take_along(b, weight, 0, indices), computed))
    total = b.reduce_sum(rows, [1])
    if padding_idx >= 0:
        total = b.select(b.compare(indices, padding_idx, "EQ"), 0, total)
    return cast(b, total, b.result.dtype)

"""Pooling: greatest and average, over windows and over parts (adaptive), forward and backward.

The greatest of a window comes with its index in the plane. Small windows are taken apart into one strided slice for each of
their places, compared in ATen's order: a later element wins only if it is greater, or NaN. That fuses; its gradient is the
same slices put back. Large windows are reduced in one window operation over values and indices."""

import itertools
import math

from libpjrt.torch.builder import lowest
from libpjrt.torch.common import as_list, cast, is_float, opmath
from libpjrt.torch.ops.indexing import add, scatter_along
from libpjrt.torch.table import aten, lowers

MAX_SLICES = 64


def _windows(shape, n, kernel, stride, padding, dilation, ceil_mode, out):
    """The last n dimensions' kernel, stride, padding before and after, dilation: after, what ceil_mode lets windows reach
    past the end, so that the windows are as many as `out` says."""
    kernel = as_list(kernel, n)
    stride = as_list(stride, n) if not isinstance(stride, int) and len(stride) or isinstance(stride, int) else kernel
    padding, dilation = as_list(padding, n), as_list(dilation, n)
    edges = []
    for size, k, s, p, d, o in zip(shape[-n:], kernel, stride, padding, dilation, out[-n:]):
        reach = (o - 1) * s + d * (k - 1) + 1
        edges.append((p, reach - size - p))
    return kernel, stride, edges, dilation


def _padded(b, x, n, value, edges):
    lead = [0] * (x.rank - n)
    return b.pad(x, value, lead + [low for low, _ in edges], lead + [high for _, high in edges])


def _slices(b, x, n, kernel, stride, dilation, out):
    """For each place of the window, in order: the place and the elements of the padded x that lie there, one a window."""
    lead = x.rank - n
    for place in itertools.product(*[range(k) for k in kernel]):
        starts = [0] * lead + [i * d for i, d in zip(place, dilation)]
        limits = list(x.shape[:lead]) + [i * d + (o - 1) * s + 1 for i, d, s, o in zip(place, dilation, stride, out)]
        yield place, b.slice(x, starts, limits, [1] * lead + list(stride))


def _plane_index(b, sizes, n, padding, stride, place, dilation, out):
    """The flat index in the unpadded plane of `sizes` of what lies at `place` of each window, an array of shape `out`."""
    flat = None
    for i in range(n):
        at = b.add(b.multiply(b.iota(out, i, "i64"), stride[i]), place[i] * dilation[i] - padding[i])
        flat = at if flat is None else b.add(b.multiply(flat, sizes[i]), at)
    return flat


def _max_pool(b, x, n, kernel, stride, padding, dilation, ceil_mode):
    shape = b.results[0].shape
    out = shape[-n:]
    if math.prod(shape) == 0:
        return [b.constant(0, x.dtype, shape), b.constant(0, "i64", shape)]
    kernel, stride, edges, dilation = _windows(x.shape, n, kernel, stride, padding, dilation, ceil_mode, out)
    low = [e[0] for e in edges]
    sizes = x.shape[-n:]
    if math.prod(kernel) <= MAX_SLICES:
        padded = _padded(b, x, n, lowest(x.dtype), edges)
        value = index = None
        for place, here in _slices(b, padded, n, kernel, stride, dilation, out):
            at = _plane_index(b, sizes, n, low, stride, place, dilation, out)
            at = b.broadcast_to(at, shape)
            if value is None:
                # Windows that begin in the padding: the first place inside, should nothing be greater than -inf.
                inside = None
                for i in range(n):
                    start = b.subtract(b.multiply(b.iota(out, i, "i64"), stride[i]), low[i])
                    missing = b.maximum(b.subtract(0, start), 0)
                    first = b.add(start, b.multiply(b.divide(b.add(missing, dilation[i] - 1), dilation[i]), dilation[i]))
                    inside = first if inside is None else b.add(b.multiply(inside, sizes[i]), first)
                value, index = here, b.broadcast_to(inside, shape)
                continue
            better = b.compare(here, value, "GT")
            if is_float(x.dtype):
                better = b.or_(better, b.is_nan(here))
            value, index = b.select(better, here, value), b.select(better, at, index)
        return [value, index]
    flat = None
    for i in range(n):
        at = b.iota(sizes, i, "i64")
        flat = at if flat is None else b.add(b.multiply(flat, sizes[i]), at)
    flat = b.broadcast_to(flat, x.shape)

    def better(b, value, at, here, here_at):
        wins = b.compare(here, value, "GT")
        same = b.compare(here, value, "EQ")
        if is_float(x.dtype):
            wins = b.or_(wins, b.and_(b.is_nan(here), b.not_(b.is_nan(value))))
        wins = b.or_(wins, b.and_(same, b.and_(b.compare(here_at, at, "LT"), b.compare(here_at, 0, "GE"))))
        wins = b.or_(wins, b.compare(at, 0, "LT"))
        return [b.select(wins, here, value), b.select(wins, here_at, at)]
    lead = x.rank - n
    return b.reduce_window([x, flat], [lowest(x.dtype), -1], better, window=[1] * lead + kernel, strides=[1] * lead + stride,
                           padding=[(0, 0)] * lead + edges, window_dilation=[1] * lead + dilation)


@lowers(aten.max_pool2d_with_indices.default)
def max_pool2d(b, x, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    return _max_pool(b, x, 2, kernel_size, stride, padding, dilation, ceil_mode)


@lowers(aten.max_pool3d_with_indices.default)
def max_pool3d(b, x, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    return _max_pool(b, x, 3, kernel_size, stride, padding, dilation, ceil_mode)


def _to_planes(b, grad, x, indices, n):
    """The gradients added up where their indices say, plane by plane."""
    lead, dtype = x.shape[:-n], x.dtype
    if grad.size == 0:
        return b.full_like(x, 0)
    planes, size = math.prod(lead), math.prod(x.shape[-n:])
    index, grad = b.reshape(indices, (planes, -1)), b.reshape(grad, (planes, -1))
    computed = opmath(dtype)
    total = scatter_along(b, b.constant(0, computed, (planes, size)), 1, index, cast(b, grad, computed), add)
    return b.reshape(cast(b, total, dtype), x.shape)


def _max_pool_backward(b, grad, x, n, kernel, stride, padding, dilation, ceil_mode, indices):
    if grad.size == 0 or math.prod(as_list(kernel, n)) > MAX_SLICES:
        return _to_planes(b, grad, x, indices, n)
    out, sizes = grad.shape[-n:], x.shape[-n:]
    kernel, stride, edges, dilation = _windows(x.shape, n, kernel, stride, padding, dilation, ceil_mode, out)
    low = [e[0] for e in edges]
    lead = x.rank - n
    computed = opmath(x.dtype)
    grad = cast(b, grad, computed)
    total = None
    for place in itertools.product(*[range(k) for k in kernel]):
        at = b.broadcast_to(_plane_index(b, sizes, n, low, stride, place, dilation, out), grad.shape)
        here = b.select(b.compare(indices, at, "EQ"), grad, 0)
        before = [i * d - p for i, d, p in zip(place, dilation, low)]
        after = [m - (f + (o - 1) * s + 1) for m, f, o, s in zip(sizes, before, out, stride)]
        here = b.pad(here, 0, [0] * lead + before, [0] * lead + after, [0] * lead + [s - 1 for s in stride])
        total = here if total is None else b.add(total, here)
    return cast(b, total, x.dtype)


@lowers(aten.max_pool2d_with_indices_backward.default)
def max_pool2d_backward(b, grad, x, kernel_size, stride, padding, dilation, ceil_mode, indices):
    return _max_pool_backward(b, grad, x, 2, kernel_size, stride, padding, dilation, ceil_mode, indices)


@lowers(aten.max_pool3d_with_indices_backward.default)
def max_pool3d_backward(b, grad, x, kernel_size, stride, padding, dilation, ceil_mode, indices):
    return _max_pool_backward(b, grad, x, 3, kernel_size, stride, padding, dilation, ceil_mode, indices)


# --- Averages ----------------------------------------------------------------------------------------------------------


def _divisors(sizes, kernel, stride, padding, out, count_include_pad, divisor):
    """For each dimension the list of how many elements each window counts there."""
    counts = []
    for size, k, s, p, o in zip(sizes, kernel, stride, padding, out):
        row = []
        for i in range(o):
            start = i * s - p
            end = min(start + k, size + p)
            row.append(end - start if count_include_pad else min(end, size) - max(start, 0))
        counts.append(row)
    return counts


def _divided(b, total, sizes, kernel, stride, padding, count_include_pad, divisor):
    n = len(kernel)
    if divisor is not None:
        return b.divide(total, divisor)
    out = total.shape[-n:]
    counts = _divisors(sizes, kernel, stride, padding, out, count_include_pad, divisor)
    if all(len(set(row)) == 1 for row in counts):
        return b.divide(total, math.prod(row[0] for row in counts))
    for i, row in enumerate(counts):
        total = b.divide(total, b.broadcast_in_dim(b.constant_list(row, total.dtype), total.shape, [total.rank - n + i]))
    return total


def _avg_pool(b, x, n, kernel, stride, padding, ceil_mode, count_include_pad, divisor):
    shape, dtype = b.result.shape, x.dtype
    out = shape[-n:]
    if x.size == 0 or math.prod(shape) == 0:
        return b.constant(0, dtype, shape)
    kernel, stride, edges, _ = _windows(x.shape, n, kernel, stride, padding, 1, ceil_mode, out)
    x = cast(b, x, opmath(dtype))
    lead = x.rank - n
    total = b.reduce_window([x], [0], lambda b, a, c: b.add(a, c), window=[1] * lead + kernel, strides=[1] * lead + stride,
                            padding=[(0, 0)] * lead + edges)[0]
    total = _divided(b, total, x.shape[-n:], kernel, stride, as_list(padding, n), count_include_pad, divisor)
    return cast(b, total, dtype)


@lowers(aten.avg_pool2d.default)
def avg_pool2d(b, x, kernel_size, stride=(), padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    return _avg_pool(b, x, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@lowers(aten.avg_pool3d.default)
def avg_pool3d(b, x, kernel_size, stride=(), padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None):
    return _avg_pool(b, x, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _avg_pool_backward(b, grad, x, n, kernel, stride, padding, ceil_mode, count_include_pad, divisor):
    dtype = x.dtype
    if x.size == 0 or grad.size == 0:
        return b.full_like(x, 0)
    out = grad.shape[-n:]
    kernel, stride, edges, _ = _windows(x.shape, n, kernel, stride, padding, 1, ceil_mode, out)
    lead = x.rank - n
    share = _divided(b, cast(b, grad, opmath(dtype)), x.shape[-n:], kernel, stride, as_list(padding, n), count_include_pad, divisor)
    # Each element gets the shares of all windows that it lies in: the same windows over the shares, spread by the stride.
    back = [(k - 1 - low, k - 1 - high) for k, (low, high) in zip(kernel, edges)]
    spread = b.pad(share, 0, [0] * lead + [low for low, _ in back], [0] * lead + [high for _, high in back],
                   [0] * lead + [s - 1 for s in stride])
    total = b.reduce_window([spread], [0], lambda b, a, c: b.add(a, c), window=[1] * lead + kernel)[0]
    return cast(b, total, dtype)


@lowers(aten.avg_pool2d_backward.default)
def avg_pool2d_backward(b, grad, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    return _avg_pool_backward(b, grad, x, 2, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@lowers(aten.avg_pool3d_backward.default)
def avg_pool3d_backward(b, grad, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
    return _avg_pool_backward(b, grad, x, 3, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# --- Adaptive ----------------------------------------------------------------------------------------------------------


def parts(n, count):
    """Start and end of each of `count` parts of n elements; they overlap by one where count does not divide n."""
    return [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]


def _adaptive_average(b, x, n):
    """Dimension by dimension: where parts are of one size by a reshape, else part by part."""
    shape, dtype = b.result.shape, x.dtype
    if x.size == 0 or math.prod(shape) == 0:
        return b.constant(0, dtype, shape)
    x = cast(b, x, opmath(dtype))
    for dim in range(x.rank - n, x.rank):
        size, count = x.shape[dim], shape[dim]
        if size % count == 0:
            split = b.reshape(x, (*x.shape[:dim], count, size // count, *x.shape[dim + 1:]))
            x = b.divide(b.reduce_sum(split, [dim + 1]), size // count)
            continue
        pieces = [b.unsqueeze(b.divide(b.reduce_sum(b.slice_dim(x, dim, s, e), [dim]), e - s), dim) for s, e in parts(size, count)]
        x = b.concatenate(pieces, dim)
    return cast(b, x, dtype)


@lowers(aten._adaptive_avg_pool2d.default)
def adaptive_avg_pool2d(b, x, output_size):
    return _adaptive_average(b, x, 2)


@lowers(aten._adaptive_avg_pool3d.default)
def adaptive_avg_pool3d(b, x, output_size):
    return _adaptive_average(b, x, 3)


def _adaptive_average_backward(b, grad, x, n):
    dtype = x.dtype
    if x.size == 0 or grad.size == 0:
        return b.full_like(x, 0)
    grad = cast(b, grad, opmath(dtype))
    for dim in range(x.rank - n, x.rank):
        size, count = x.shape[dim], grad.shape[dim]
        if size % count == 0:
            each = size // count
            wide = b.broadcast_to(b.unsqueeze(b.divide(grad, each), dim + 1), (*grad.shape[:dim + 1], each, *grad.shape[dim + 1:]))
            grad = b.reshape(wide, (*grad.shape[:dim], size, *grad.shape[dim + 1:]))
            continue
        total = None
        for i, (start, end) in enumerate(parts(size, count)):
            share = b.divide(b.slice_dim(grad, dim, i, i + 1), end - start)
            share = b.broadcast_to(share, [end - start if d == dim else m for d, m in enumerate(share.shape)])
            low, high = [0] * x.rank, [0] * x.rank
            low[dim], high[dim] = start, size - end
            share = b.pad(share, 0, low, high)
            total = share if total is None else b.add(total, share)
        grad = total
    return cast(b, grad, dtype)


@lowers(aten._adaptive_avg_pool2d_backward.default)
def adaptive_avg_pool2d_backward(b, grad, x):
    return _adaptive_average_backward(b, grad, x, 2)


@lowers(aten._adaptive_avg_pool3d_backward.default)
def adaptive_avg_pool3d_backward(b, grad, x):
    return _adaptive_average_backward(b, grad, x, 3)


def _adaptive_max(b, x, n):
    """From the last dimension to the first, so that of equal elements the first in the plane's order wins."""
    from libpjrt.torch.ops.reductions import found
    shape = b.results[0].shape
    if x.size == 0 or math.prod(shape) == 0:
        return [b.constant(0, x.dtype, shape), b.constant(0, "i64", shape)]
    sizes = x.shape[-n:]
    flat = None
    value = x
    for i in reversed(range(n)):
        dim = x.rank - n + i
        values, places = [], []
        for start, end in parts(value.shape[dim], shape[dim]):
            part = b.slice_dim(value, dim, start, end)
            best, at = found(b, part, dim, True)
            at = b.add(at, start)
            if flat is None:
                place = at
            else:
                inner = b.slice_dim(flat, dim, start, end)
                hit = b.compare(b.add(b.iota(part.shape, dim, "i64"), start), b.broadcast_to(b.unsqueeze(at, dim), part.shape), "EQ")
                inner = b.reduce_max(b.select(hit, inner, -1), [dim])
                place = b.add(b.multiply(at, math.prod(sizes[i + 1:])), inner)
            values.append(b.unsqueeze(best, dim))
            places.append(b.unsqueeze(place, dim))
        value, flat = b.concatenate(values, dim), b.concatenate(places, dim)
    return [value, flat]


@lowers(aten.adaptive_max_pool2d.default)
def adaptive_max_pool2d(b, x, output_size):
    return _adaptive_max(b, x, 2)


@lowers(aten.adaptive_max_pool3d.default)
def adaptive_max_pool3d(b, x, output_size):
    return _adaptive_max(b, x, 3)


@lowers(aten.adaptive_max_pool2d_backward.default)
def adaptive_max_pool2d_backward(b, grad, x, indices):
    return _to_planes(b, grad, x, indices, 2)


@lowers(aten.adaptive_max_pool3d_backward.default)
def adaptive_max_pool3d_backward(b, grad, x, indices):
    return _to_planes(b, grad, x, indices, 3)


def _unpool(name, n):
    @lowers(getattr(aten, name).default)
    def unpool(b, x, indices, *how):
        """Elements put back to where pooling took them from; where two came from one place, the last is left."""
        from libpjrt.torch.ops.indexing import replace
        shape = b.result.shape
        if x.size == 0:
            return b.constant(0, x.dtype, shape)
        planes, size = math.prod(shape[:-n]), math.prod(shape[-n:])
        zero = b.constant(0, x.dtype, (planes, size))
        out = scatter_along(b, zero, 1, b.reshape(indices, (planes, -1)), b.reshape(x, (planes, -1)), replace)
        return b.reshape(out, shape)
    unpool.__name__ = name


_unpool("max_unpool2d", 2)
_unpool("max_unpool3d", 3)

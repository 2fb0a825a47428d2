"""Resampling: upsampling along each dimension, and by a grid of places.

Where upsampling reads is known in advance: for each place of the result a few taps, each an index and a weight, which become
constants. They are computed in the precision that ATen computes them in, so that the same neighbours are chosen."""

import math
import struct

from libpjrt.torch.common import LoweringError, cast, is_float, opmath, wide
from libpjrt.torch.ops.indexing import add, scatter_rows, take_along
from libpjrt.torch.table import aten, lowers, overloads


def _f32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


class _Arithmetic:
    """Products and sums of Python floats, rounded as a type rounds them."""

    def __init__(self, dtype):
        self.round = float if dtype == "f64" else _f32

    def scale(self, size, out, align_corners, given):
        if align_corners:
            return self.round((size - 1) / (out - 1)) if out > 1 else 0.0
        return self.round(1 / given) if given else self.round(size / out)

    def source(self, i, scale, align_corners):
        if align_corners:
            return self.round(scale * i)
        return self.round(self.round(scale * (i + 0.5)) - 0.5)


def _nearest_taps(exact, dtype, size, out, given):
    arithmetic = _Arithmetic(dtype)
    scale = arithmetic.scale(size, out, False, given)
    return [[(min(int(math.floor(arithmetic.round((i + 0.5 if exact else i) * scale))), size - 1), 1.0)] for i in range(out)]


def _linear_taps(align_corners, dtype, size, out, given):
    if out == size and not given:
        return [[(i, 1.0)] for i in range(out)]
    arithmetic = _Arithmetic(dtype)
    scale = arithmetic.scale(size, out, align_corners, given)
    taps = []
    for i in range(out):
        at = max(arithmetic.source(i, scale, align_corners), 0.0)
        low = min(int(at), size - 1)
        weight = min(max(arithmetic.round(at - low), 0.0), 1.0)
        taps.append([(low, arithmetic.round(1 - weight)), (min(low + 1, size - 1), weight)])
    return taps


def cubic_weights(t):
    """Weights of the four taps around a place at distance t behind the second; t is a number or any type with arithmetic."""
    a = -0.75

    def near(x):
        return ((a + 2) * x - (a + 3)) * x * x + 1

    def far(x):
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return far(t + 1), near(t), near(1 - t), far(2 - t)


def _cubic_taps(align_corners, dtype, size, out, given):
    arithmetic = _Arithmetic(dtype)
    scale = arithmetic.scale(size, out, align_corners, given)
    taps = []
    for i in range(out):
        at = arithmetic.source(i, scale, align_corners)
        low = math.floor(at)
        weights = cubic_weights(arithmetic.round(at - low))
        taps.append([(min(max(low - 1 + k, 0), size - 1), w) for k, w in enumerate(weights)])
    return taps


def _resampled(b, x, dim, taps):
    """x along `dim` at the taps: as many gathers as a place has taps, weighted."""
    total = None
    for k in range(len(taps[0])):
        index = b.constant_list([t[k][0] for t in taps], "i64")
        part = take_along(b, x, dim, index)
        weights = [t[k][1] for t in taps]
        if any(w != 1.0 for w in weights):
            part = b.multiply(part, b.broadcast_in_dim(b.constant_list(weights, x.dtype), part.shape, [dim]))
        total = part if total is None else b.add(total, part)
    return total


def _spread_back(b, grad, dim, size, taps):
    """What _resampled does, backwards: each gradient goes to its taps."""
    total = b.constant(0, grad.dtype, [size if d == dim else n for d, n in enumerate(grad.shape)])
    for k in range(len(taps[0])):
        weights = [t[k][1] for t in taps]
        part = grad
        if any(w != 1.0 for w in weights):
            part = b.multiply(part, b.broadcast_in_dim(b.constant_list(weights, grad.dtype), grad.shape, [dim]))
        total = scatter_rows(b, total, b.constant_list([t[k][0] for t in taps], "i64"), part, add, dim)
    return total


def _upsample(b, x, taps_of, scales):
    shape, dtype = b.result.shape, x.dtype
    if x.size == 0:
        return b.constant(0, dtype, shape)
    x = cast(b, x, opmath(dtype))
    n = len(shape) - 2
    for i in reversed(range(n)):
        x = _resampled(b, x, 2 + i, taps_of(x.dtype, x.shape[2 + i], shape[2 + i], scales[i] if scales else None))
    return cast(b, x, dtype)


def _upsample_backward(b, grad, taps_of, scales):
    shape, dtype = b.result.shape, grad.dtype
    if grad.size == 0:
        return b.constant(0, dtype, shape)
    grad = cast(b, grad, opmath(dtype))
    for i in range(len(shape) - 2):
        taps = taps_of(grad.dtype, shape[2 + i], grad.shape[2 + i], scales[i] if scales else None)
        grad = _spread_back(b, grad, 2 + i, shape[2 + i], taps)
    return cast(b, grad, dtype)


def _nearest(name, exact):
    def taps(dtype, size, out, given):
        return _nearest_taps(exact, dtype, size, out, given)

    @lowers(*overloads(getattr(aten, name), "default"))
    def upsample(b, x, output_size, *scales):
        return _upsample(b, x, taps, scales)

    @lowers(*overloads(getattr(aten, name), "vec"))
    def upsample_vec(b, x, output_size, scale_factors):
        return _upsample(b, x, taps, scale_factors)

    @lowers(getattr(aten, name + "_backward").default)
    def backward(b, grad, output_size, input_size, *scales):
        return _upsample_backward(b, grad, taps, scales)


for _n in ("1d", "2d", "3d"):
    _nearest("upsample_nearest" + _n, False)
    _nearest("_upsample_nearest_exact" + _n, True)


def _smooth(name, kind):
    def checked(x):
        if not is_float(x.dtype):
            raise LoweringError(f"{name} of {x.dtype}, which rounds in its own way")

    def taps(align_corners):
        return lambda dtype, size, out, given: kind(align_corners, dtype, size, out, given)

    @lowers(*overloads(getattr(aten, name), "default"))
    def upsample(b, x, output_size, align_corners, *scales):
        checked(x)
        return _upsample(b, x, taps(align_corners), scales)

    @lowers(*overloads(getattr(aten, name), "vec"))
    def upsample_vec(b, x, output_size, align_corners, scale_factors):
        checked(x)
        return _upsample(b, x, taps(align_corners), scale_factors)

    @lowers(getattr(aten, name + "_backward").default)
    def backward(b, grad, output_size, input_size, align_corners, *scales):
        return _upsample_backward(b, grad, taps(align_corners), scales)


_smooth("upsample_linear1d", _linear_taps)
_smooth("upsample_bilinear2d", _linear_taps)
_smooth("upsample_trilinear3d", _linear_taps)
_smooth("upsample_bicubic2d", _cubic_taps)


# --- Grids -------------------------------------------------------------------------------------------------------------

_BILINEAR, _NEAREST, _BICUBIC = range(3)
_ZEROS, _BORDER, _REFLECTION = range(3)


def _unnormalised(b, x, size, align_corners):
    """Places from [-1, 1] to the indices of a dimension, and the factor between them."""
    factor = (size - 1) / 2 if align_corners else size / 2
    middle = factor if align_corners else (size - 1) / 2
    return b.add(b.multiply(x, factor), middle), factor


def _reflected(b, x, twice_low, twice_high):
    """Places reflected at both ends, and the sign of the derivative."""
    if twice_low == twice_high:
        return b.full_like(x, 0), b.full_like(x, 0)
    low, span = twice_low / 2, (twice_high - twice_low) / 2
    moved = b.subtract(x, low)
    sign = b.select(b.compare(moved, 0, "LT"), b.full_like(x, -1), b.full_like(x, 1))
    moved = b.abs(moved)
    rest = b.remainder(moved, span)
    flips = b.floor(b.divide(moved, span))
    even = b.compare(b.remainder(flips, 2), 0, "EQ")
    place = b.select(even, b.add(rest, low), b.add(b.subtract(span, rest), low))
    return place, b.select(even, sign, b.negate(sign))


def _padded_place(b, x, size, padding, align_corners):
    """What the padding mode makes of places, and the derivative of that."""
    slope = b.full_like(x, 1)
    if padding == _ZEROS:
        return x, slope
    if padding == _REFLECTION:
        ends = (0, 2 * (size - 1)) if align_corners else (-1, 2 * size - 1)
        x, slope = _reflected(b, x, *ends)
    inside = b.and_(b.compare(x, 0, "GT"), b.compare(x, size - 1, "LT"))
    return b.minimum(b.maximum(x, 0), size - 1), b.select(inside, slope, 0)


class _Plane:
    """An array (N, C, H * W) that is read at places of each of N planes; what lies outside is zero."""

    def __init__(self, b, x, sizes):
        self.b, self.sizes = b, sizes
        self.flat = b.reshape(x, (*x.shape[:2], math.prod(sizes)))

    def at(self, places):
        """Integer coordinates as floats (N, P), one array a dimension: which lie inside, and their index in the plane."""
        b = self.b
        inside, index = None, None
        for at, size in zip(places, self.sizes):
            here = b.and_(b.compare(at, 0, "GE"), b.compare(at, size - 1, "LE"))
            inside = here if inside is None else b.and_(inside, here)
            at = b.convert(b.clamp(0, b.select(b.is_nan(at), 0, at), size - 1), "i64")
            index = at if index is None else b.add(b.multiply(index, size), at)
        return inside, index

    def read(self, inside, index):
        """(N, C, P)."""
        b, c = self.b, self.flat.shape[1]
        value = b.gather(self.flat, index, offset_dims=[1], collapsed_slice_dims=[2], start_index_map=[2], index_vector_dim=2,
                         operand_batching_dims=[0], start_indices_batching_dims=[0], slice_sizes=[1, c, 1])
        return b.select(b.broadcast_in_dim(inside, value.shape, [0, 2]), value, 0)

    def add_to(self, total, inside, index, part):
        """`total` (N, C, H * W) with `part` (N, C, P) added at the places inside."""
        b, (n, c, size) = self.b, self.flat.shape
        index = b.select(inside, index, size)
        shape = part.shape
        lead = b.add(b.multiply(b.iota(shape, 0, "i64"), c), b.iota(shape, 1, "i64"))
        wide = b.broadcast_in_dim(index, shape, [0, 2])
        place = b.select(b.compare(wide, size, "LT"), b.add(b.multiply(lead, size), wide), n * c * size)
        flat = scatter_rows(b, b.reshape(total, (n * c * size,)), b.reshape(place, (place.size,)), b.reshape(part, (part.size,)), add)
        return b.reshape(flat, total.shape)


def _sample_places(b, grid, sizes, padding, align_corners, pad=True):
    """The grid (N, ..., d), whose last dimension counts x first, as places (N, P) in the order of `sizes`, and derivatives."""
    n = grid.shape[0]
    count = math.prod(grid.shape[1:-1])
    places, slopes = [], []
    for i, size in enumerate(sizes):
        k = len(sizes) - 1 - i
        x = b.reshape(b.slice_dim(grid, -1, k, k + 1), (n, count))
        x, factor = _unnormalised(b, x, size, align_corners)
        slope = b.full_like(x, factor)
        if pad:
            x, more = _padded_place(b, x, size, padding, align_corners)
            slope = b.multiply(slope, more)
        places.append(x)
        slopes.append(slope)
    return places, slopes


def _corners(b, places):
    """The corners around places: for each its coordinates and, a dimension each, weight and whether it is the upper one."""
    low = [b.floor(p) for p in places]
    rest = [b.subtract(p, f) for p, f in zip(places, low)]
    for bits in range(1 << len(places)):
        upper = [bool(bits >> i & 1) for i in range(len(places))]
        yield ([b.add(f, 1) if u else f for f, u in zip(low, upper)],
               [r if u else b.subtract(1, r) for r, u in zip(rest, upper)], upper)


def _product(b, values):
    total = values[0]
    for v in values[1:]:
        total = b.multiply(total, v)
    return total


def _channels(b, weight, shape):
    """(N, P) as (N, C, P)."""
    return b.broadcast_in_dim(weight, shape, [0, 2])


def _grid_sample(b, x, grid, mode, padding, align_corners):
    shape, dtype = b.result.shape, x.dtype
    if x.size == 0 or math.prod(shape) == 0:
        return b.constant(0, dtype, shape)
    x, grid = wide(b, x, grid)
    sizes = x.shape[2:]
    plane = _Plane(b, x, sizes)
    if mode == _BICUBIC:
        return cast(b, b.reshape(_grid_cubic(b, plane, grid, padding, align_corners), shape), dtype)
    places, _ = _sample_places(b, grid, sizes, padding, align_corners)
    if mode == _NEAREST:
        value = plane.read(*plane.at([b.round_nearest_even(p) for p in places]))
        return cast(b, b.reshape(value, shape), dtype)
    total = None
    for corner, weights, _ in _corners(b, places):
        value = plane.read(*plane.at(corner))
        value = b.multiply(value, _channels(b, _product(b, weights), value.shape))
        total = value if total is None else b.add(total, value)
    return cast(b, b.reshape(total, shape), dtype)


def _grid_cubic(b, plane, grid, padding, align_corners):
    sizes = plane.sizes
    places, _ = _sample_places(b, grid, sizes, padding, align_corners, pad=False)
    low = [b.floor(p) for p in places]
    weights = []
    for p, f in zip(places, low):
        t = b.subtract(p, f)
        weights.append([_cubic(b, t, k) for k in range(4)])
    total = None
    for i in range(4):
        for j in range(4):
            at = []
            for f, k, size in zip(low, (i, j), sizes):
                at.append(_padded_place(b, b.add(f, k - 1), size, padding, align_corners)[0])
            value = plane.read(*plane.at([b.round_nearest_even(a) for a in at]))
            value = b.multiply(value, _channels(b, b.multiply(weights[0][i], weights[1][j]), value.shape))
            total = value if total is None else b.add(total, value)
    return total


def _cubic(b, t, k):
    """Weight of tap k at distance t, as cubic_weights has it for numbers."""
    a = -0.75
    x = [b.add(t, 1), t, b.subtract(1, t), b.subtract(2, t)][k]
    if k in (1, 2):
        return b.add(b.multiply(b.multiply(b.subtract(b.multiply(x, a + 2), a + 3), x), x), 1)
    return b.subtract(b.multiply(b.add(b.multiply(b.subtract(b.multiply(x, a), 5 * a), x), 8 * a), x), 4 * a)


@lowers(aten.grid_sampler_2d.default, aten.grid_sampler_3d.default)
def grid_sampler(b, x, grid, interpolation_mode, padding_mode, align_corners):
    return _grid_sample(b, x, grid, interpolation_mode, padding_mode, align_corners)


@lowers(aten.grid_sampler_2d_backward.default, aten.grid_sampler_3d_backward.default)
def grid_sampler_backward(b, grad, x, grid, interpolation_mode, padding_mode, align_corners, output_mask):
    if interpolation_mode == _BICUBIC:
        raise LoweringError("the gradient of bicubic sampling")
    if x.size == 0 or grad.size == 0:
        return [b.full_like(x, 0), b.full_like(grid, 0)]
    dtypes, shapes = (x.dtype, grid.dtype), (x.shape, grid.shape)
    grad, x, grid = wide(b, grad, x, grid)
    sizes = x.shape[2:]
    plane = _Plane(b, x, sizes)
    grad = b.reshape(grad, (*grad.shape[:2], math.prod(grad.shape[2:])))
    places, slopes = _sample_places(b, grid, sizes, padding_mode, align_corners)
    by_x = b.full_like(plane.flat, 0)
    if interpolation_mode == _NEAREST:
        by_x = plane.add_to(by_x, *plane.at([b.round_nearest_even(p) for p in places]), grad)
        return [cast(b, b.reshape(by_x, shapes[0]), dtypes[0]), b.constant(0, dtypes[1], shapes[1])]
    by_place = [b.full_like(p, 0) for p in places]
    for corner, weights, upper in _corners(b, places):
        inside, index = plane.at(corner)
        if output_mask[0]:
            by_x = plane.add_to(by_x, inside, index, b.multiply(grad, _channels(b, _product(b, weights), grad.shape)))
        share = b.reduce_sum(b.multiply(plane.read(inside, index), grad), [1])
        for i, up in enumerate(upper):
            others = [w for j, w in enumerate(weights) if j != i]
            part = b.multiply(share, _product(b, others))
            by_place[i] = b.add(by_place[i], part) if up else b.subtract(by_place[i], part)
    parts = [b.reshape(b.multiply(g, s), (*shapes[1][:-1], 1)) for g, s in zip(by_place, slopes)]
    by_grid = b.concatenate(parts[::-1], grid.rank - 1)
    return [cast(b, b.reshape(by_x, shapes[0]), dtypes[0]) if output_mask[0] else None, cast(b, by_grid, dtypes[1])]

"""Views and movement: nothing is computed, elements only go elsewhere. Every result is an array of its own."""

import math

from libpjrt.torch.common import LoweringError, as_list, cast, dim_of, dims_of, is_complex
from libpjrt.torch.table import aten, lowers, overloads, prims


@lowers(aten.view.default, aten._unsafe_view.default, *overloads(aten.reshape, "default"), *overloads(aten._reshape_copy, "default"),
        *overloads(aten._reshape_alias, "default"), *overloads(aten.view_copy, "default"), aten.unsqueeze.default,
        *overloads(aten.unsqueeze_copy, "default"), aten.squeeze.default, aten.squeeze.dim, aten.squeeze.dims)
def view(b, x, *sizes):
    return b.reshape(x, b.result.shape)


@lowers(aten.expand.default, *overloads(aten.expand_copy, "default"))
def expand(b, x, size, *, implicit=False):
    return b.broadcast_to(x, b.result.shape)


@lowers(aten.detach.default, aten.alias.default, aten.lift_fresh_copy.default, aten.lift_fresh.default, aten.lift.default,
        aten.clone.default, aten.contiguous.default, *overloads(aten.alias_copy, "default"), *overloads(aten.detach_copy, "default"))
def same(b, x, *, memory_format=None):
    return x


@lowers(aten._to_copy.default)
def to_copy(b, x, *, dtype=None, layout=None, device=None, pin_memory=None, non_blocking=False, memory_format=None):
    return cast(b, x, b.result.dtype)


@lowers(aten.copy.default)
def copy(b, x, source, non_blocking=False):
    return b.broadcast_to(cast(b, source, b.result.dtype), b.result.shape)


@lowers(aten.view.dtype)
def view_dtype(b, x, dtype):
    """The same bytes as another type; where widths differ the last dimension grows or shrinks."""
    wanted, shape = b.result.dtype, b.result.shape
    if is_complex(x.dtype) or is_complex(wanted) or "i1" in (x.dtype, wanted):
        raise LoweringError("a view of complex numbers or bool as another type")
    old, new = (int("".join(c for c in d.split("E")[0] if c.isdigit())) if not d.startswith("f8") else 8 for d in (x.dtype, wanted))
    if old == new:
        return b.bitcast_convert(x, wanted)
    if old > new:
        return b.reshape(b.bitcast_convert(x, wanted, (*x.shape, old // new)), shape)
    ratio = new // old
    return b.bitcast_convert(b.reshape(x, (*x.shape[:-1], x.shape[-1] // ratio, ratio)), wanted, shape)


@lowers(aten.permute.default, *overloads(aten.permute_copy, "default"))
def permute(b, x, dims):
    return b.transpose(x, [dim_of(d, x.rank) for d in dims]) if x.rank else x


@lowers(aten.t.default)
def t(b, x):
    return b.transpose(x, [1, 0]) if x.rank == 2 else x


@lowers(aten.transpose.int)
def transpose(b, x, dim0, dim1):
    if not x.rank:
        return x
    order = list(range(x.rank))
    i, j = dim_of(dim0, x.rank), dim_of(dim1, x.rank)
    order[i], order[j] = j, i
    return b.transpose(x, order)


@lowers(aten.cat.default)
def cat(b, tensors, dim=0):
    """Arrays of shape (0,) are left out, as PyTorch has always done."""
    dtype = b.result.dtype
    rank = len(b.result.shape)
    parts = [cast(b, x, dtype) for x in tensors if x.rank == rank and not (x.shape == (0,) and rank != 1)]
    if not parts:
        return b.constant(0, dtype, b.result.shape)
    return b.concatenate(parts, dim_of(dim, rank))


@lowers(aten.stack.default)
def stack(b, tensors, dim=0):
    dtype, rank = b.result.dtype, len(b.result.shape)
    dim = dim_of(dim, rank)
    return b.concatenate([b.unsqueeze(cast(b, x, dtype), dim) for x in tensors], dim)


def slice_bounds(n, start, end, step):
    """Start and end of a slice of n elements, as Python's rules clamp them."""
    start, end, _ = slice(start, end, step).indices(n)
    return start, max(start, end)


@lowers(aten.slice.Tensor, *overloads(aten.slice_copy, "Tensor"))
def slice_(b, x, dim=0, start=None, end=None, step=1):
    dim = dim_of(dim, x.rank)
    start, end = slice_bounds(x.shape[dim], start, end, step)
    return b.slice_dim(x, dim, start, end, step)


@lowers(aten.select.int, *overloads(aten.select_copy, "int"))
def select(b, x, dim, index):
    dim = dim_of(dim, x.rank)
    index = index % x.shape[dim]
    return b.squeeze(b.slice_dim(x, dim, index, index + 1), dim)


@lowers(aten.split_with_sizes.default, *overloads(aten.split_with_sizes_copy, "default"))
def split_with_sizes(b, x, split_sizes, dim=0):
    dim = dim_of(dim, x.rank)
    parts, start = [], 0
    for size in split_sizes:
        parts.append(b.slice_dim(x, dim, start, start + size))
        start += size
    return parts


@lowers(aten.split.Tensor, *overloads(aten.split_copy, "Tensor"))
def split(b, x, split_size, dim=0):
    dim = dim_of(dim, x.rank)
    n = x.shape[dim]
    if split_size == 0 or n == 0:
        return [x]
    return [b.slice_dim(x, dim, i, min(i + split_size, n)) for i in range(0, n, split_size)]


@lowers(aten.unbind.int, *overloads(aten.unbind_copy, "int"))
def unbind(b, x, dim=0):
    return [select(b, x, dim, i) for i in range(x.shape[dim_of(dim, x.rank)])]


@lowers(aten.flip.default)
def flip(b, x, dims):
    return b.reverse(x, dims_of(dims, x.rank)) if x.rank and len(dims) else x


@lowers(aten.roll.default)
def roll(b, x, shifts, dims=()):
    dims = as_list(dims, 1) if isinstance(dims, int) else list(dims)
    shifts = as_list(shifts, max(len(dims), 1)) if isinstance(shifts, int) else list(shifts)
    if not dims:
        return b.reshape(roll(b, b.reshape(x, (x.size,)), shifts, [0]), x.shape)
    for shift, dim in zip(shifts, dims):
        if x.rank == 0:
            continue
        dim = dim_of(dim, x.rank)
        n = x.shape[dim]
        if n and shift % n:
            cut = n - shift % n
            x = b.concatenate([b.slice_dim(x, dim, cut, n), b.slice_dim(x, dim, 0, cut)], dim)
    return x


@lowers(aten.repeat.default)
def repeat(b, x, repeats):
    """Each dimension of n becomes (times, 1, n), and then one of times * n."""
    shape = (1,) * (len(repeats) - x.rank) + x.shape
    dims, wide = [], []
    for times, n in zip(repeats, shape):
        wide += [times, n]
        dims.append(len(wide) - 1)
    return b.reshape(b.broadcast_in_dim(b.reshape(x, shape), wide, dims), b.result.shape)


@lowers(aten.constant_pad_nd.default)
def constant_pad_nd(b, x, pad, value=0):
    low, high = [0] * x.rank, [0] * x.rank
    for i in range(len(pad) // 2):
        low[x.rank - 1 - i], high[x.rank - 1 - i] = pad[2 * i], pad[2 * i + 1]
    return b.pad(x, value, low, high)


def padded_indices(n, low, high, kind):
    """For each place of a padded dimension the place of n that it shows."""
    places = []
    for i in range(-low, n + high):
        if kind == "replicate":
            i = min(max(i, 0), n - 1)
        elif kind == "circular":
            i %= n
        elif n == 1:
            i = 0
        else:
            i %= 2 * (n - 1)
            i = min(i, 2 * (n - 1) - i)
        places.append(i)
    return places


def taken(b, x, dim, places):
    """x at a list of places, known in advance, along one dimension: slices and reversed slices, joined."""
    parts, i = [], 0
    while i < len(places):
        j = i + 1
        step = places[j] - places[i] if j < len(places) and abs(places[j] - places[i]) <= 1 else 0
        while j < len(places) and places[j] - places[j - 1] == step:
            j += 1
        first, last, count = places[i], places[j - 1], j - i
        if step == 0 and count > 1:
            part = b.slice_dim(x, dim, first, first + 1)
            part = b.broadcast_to(part, [count if d == dim else n for d, n in enumerate(x.shape)])
        elif step < 0:
            part = b.reverse(b.slice_dim(x, dim, last, first + 1), [dim])
        else:
            part = b.slice_dim(x, dim, first, last + 1)
        parts.append(part)
        i = j
    return b.concatenate(parts, dim) if parts else b.slice_dim(x, dim, 0, 0)


def _padding(kind, *packets):
    @lowers(*(p.default for p in packets))
    def pad(b, x, padding):
        for i in range(len(padding) // 2):
            dim = x.rank - 1 - i
            x = taken(b, x, dim, padded_indices(x.shape[dim], padding[2 * i], padding[2 * i + 1], kind))
        return x
    pad.__name__ = kind


_padding("reflect", aten.reflection_pad1d, aten.reflection_pad2d, aten.reflection_pad3d)
_padding("replicate", aten.replication_pad1d, aten.replication_pad2d, aten.replication_pad3d)


def folded(b, grad, dim, n, places):
    """What `taken` did, backwards: a gradient's parts are added to the places that they came from."""
    parts = {}
    for at, place in enumerate(places):
        parts.setdefault(place, []).append(at)
    total = None
    while any(parts.values()):
        layer = [parts[i].pop() if parts.get(i) else None for i in range(n)]
        pieces, i = [], 0
        while i < n:
            j = i + 1
            if layer[i] is None:
                while j < n and layer[j] is None:
                    j += 1
                shape = [j - i if d == dim else m for d, m in enumerate(grad.shape)]
                pieces.append(b.constant(0, grad.dtype, shape))
            else:
                step = layer[j] - layer[i] if j < n and layer[j] is not None and abs(layer[j] - layer[i]) == 1 else 1
                while j < n and layer[j] is not None and layer[j] - layer[j - 1] == step:
                    j += 1
                pieces.append(taken(b, grad, dim, layer[i:j]))
            i = j
        piece = b.concatenate(pieces, dim)
        total = piece if total is None else b.add(total, piece)
    return total


def _padding_backward(kind, *packets):
    @lowers(*(p.default for p in packets))
    def pad_backward(b, grad, x, padding):
        for i in range(len(padding) // 2):
            dim = x.rank - 1 - i
            n = x.shape[dim]
            grad = folded(b, grad, dim, n, padded_indices(n, padding[2 * i], padding[2 * i + 1], kind))
        return grad
    pad_backward.__name__ = kind + "_backward"


_padding_backward("reflect", aten.reflection_pad1d_backward, aten.reflection_pad2d_backward, aten.reflection_pad3d_backward)
_padding_backward("replicate", aten.replication_pad1d_backward, aten.replication_pad2d_backward, aten.replication_pad3d_backward)


# --- Diagonals and triangles -------------------------------------------------------------------------------------------


def _mask(b, shape, diagonal, direction):
    """i1: where column - row compares as `direction` with `diagonal`, in the last two dimensions."""
    rows, columns = b.iota(shape, len(shape) - 2, "i64"), b.iota(shape, len(shape) - 1, "i64")
    return b.compare(columns, b.add(rows, diagonal), direction)


@lowers(aten.tril.default)
def tril(b, x, diagonal=0):
    return b.select(_mask(b, x.shape, diagonal, "LE"), x, b.full_like(x, 0))


@lowers(aten.triu.default)
def triu(b, x, diagonal=0):
    return b.select(_mask(b, x.shape, diagonal, "GE"), x, b.full_like(x, 0))


def _diagonal_to_end(b, x, offset, dim1, dim2):
    """x with dim1 and dim2 last, cut to where the diagonal lies, both of one size."""
    dim1, dim2 = dim_of(dim1, x.rank), dim_of(dim2, x.rank)
    x = b.transpose(x, [d for d in range(x.rank) if d not in (dim1, dim2)] + [dim1, dim2])
    rows, columns = x.shape[-2:]
    first_row, first_column = max(-offset, 0), max(offset, 0)
    size = max(0, min(rows - first_row, columns - first_column))
    x = b.slice_dim(x, -2, min(first_row, rows), min(first_row, rows) + size)
    return b.slice_dim(x, -1, min(first_column, columns), min(first_column, columns) + size), size


@lowers(aten.diagonal.default, *overloads(aten.diagonal_copy, "default"))
def diagonal(b, x, offset=0, dim1=0, dim2=1):
    """Rows joined, one element added to each: then the diagonal is a column."""
    x, n = _diagonal_to_end(b, x, offset, dim1, dim2)
    batch = x.shape[:-2]
    if n == 0 or math.prod(batch) == 0:
        return b.constant(0, x.dtype, b.result.shape)
    flat = b.reshape(x, (*batch, n * n))
    flat = b.pad(flat, 0, [0] * flat.rank, [0] * (flat.rank - 1) + [n])
    grid = b.reshape(flat, (*batch, n, n + 1))
    return b.reshape(b.slice_dim(grid, -1, 0, 1), (*batch, n))


@lowers(aten.diag_embed.default)
def diag_embed(b, x, offset=0, dim1=-2, dim2=-1):
    shape = b.result.shape
    rank = len(shape)
    dim1, dim2 = dim_of(dim1, rank), dim_of(dim2, rank)
    if dim1 > dim2:
        dim1, dim2, offset = dim2, dim1, -offset
    n = shape[dim1]
    low = max(offset, 0)
    row = b.pad(x, 0, [0] * (x.rank - 1) + [low], [0] * (x.rank - 1) + [n - x.shape[-1] - low])
    grid = b.broadcast_in_dim(row, (*x.shape[:-1], n, n), [*range(x.rank - 1), x.rank])
    grid = b.select(_mask(b, grid.shape, offset, "EQ"), grid, b.full_like(grid, 0))
    rest = iter(range(rank - 2))
    return b.transpose(grid, [rank - 2 if d == dim1 else rank - 1 if d == dim2 else next(rest) for d in range(rank)])


@lowers(aten.unfold.default, *overloads(aten.unfold_copy, "default"))
def unfold(b, x, dimension, size, step):
    """Windows along a dimension; each window's elements become a new last dimension."""
    if x.rank == 0:
        return b.broadcast_to(b.reshape(x, (1,)), b.result.shape)
    dim = dim_of(dimension, x.rank)
    count = (x.shape[dim] - size) // step + 1
    columns = [b.unsqueeze(b.slice_dim(x, dim, i, i + (count - 1) * step + 1, step), x.rank) for i in range(size)]
    return b.concatenate(columns, x.rank) if columns else b.constant(0, x.dtype, b.result.shape)


@lowers(aten.pixel_shuffle.default)
def pixel_shuffle(b, x, upscale_factor):
    r = upscale_factor
    *batch, c, h, w = x.shape
    k = len(batch)
    x = b.reshape(x, (*batch, c // (r * r), r, r, h, w))
    return b.reshape(b.transpose(x, [*range(k), k, k + 3, k + 1, k + 4, k + 2]), b.result.shape)


@lowers(aten.pixel_unshuffle.default)
def pixel_unshuffle(b, x, downscale_factor):
    r = downscale_factor
    *batch, c, h, w = x.shape
    k = len(batch)
    x = b.reshape(x, (*batch, c, h // r, r, w // r, r))
    return b.reshape(b.transpose(x, [*range(k), k, k + 2, k + 4, k + 1, k + 3]), b.result.shape)


@lowers(aten.as_strided.default, *overloads(aten.as_strided_copy, "default"))
def as_strided(b, x, size, stride, storage_offset=None):
    """Elements by their place in memory, as PyTorch believes the operand to lie. A view whose places are one stretch is a
    slice; others are gathered."""
    size, stride = list(size), list(stride)
    if math.prod(size) == 0:
        return b.constant(0, x.dtype, size)
    flat, offset = in_memory(b, x)
    start = 0 if storage_offset is None else storage_offset - offset
    last = start + sum((n - 1) * s for n, s in zip(size, stride))
    if start < 0 or last >= x.size:
        raise LoweringError("as_strided reaches past its operand")
    dense, expected = True, 1
    for n, s in reversed(list(zip(size, stride))):
        dense &= n == 1 or s == expected
        expected *= n
    if dense:
        return b.reshape(b.slice_dim(flat, 0, start, start + expected), size)
    return b.gather(flat, _strided_places(b, size, stride, start), offset_dims=[], collapsed_slice_dims=[0], start_index_map=[0],
                    index_vector_dim=len(size), slice_sizes=[1])


def in_memory(b, x):
    """x, the first argument, as the flat array that its memory is, and the index of that in its storage."""
    from libpjrt.torch.lowering import memory_order
    fake = b.first
    whole = fake is not None and all(isinstance(n, int) for n in (*fake.shape, *fake.stride(), fake.storage_offset()))
    order = memory_order(tuple(fake.shape), tuple(fake.stride())) if whole else None
    if order is None:
        raise LoweringError("as_strided of memory whose layout is not known")
    return b.reshape(b.transpose(x, order), (x.size,)), fake.storage_offset()


def _strided_places(b, size, stride, start):
    """The places in memory of a strided view's elements, i64, of its shape."""
    at = b.constant(start, "i64", size)
    for d, s in enumerate(stride):
        if size[d] > 1 and s:
            at = b.add(at, b.multiply(b.iota(size, d, "i64"), s))
    return at


@lowers(aten.as_strided_scatter.default, *overloads(prims.as_strided_scatter, "default"))
def as_strided_scatter(b, x, src, size, stride, storage_offset=None):
    size, stride = list(size), list(stride)
    if math.prod(size) == 0:
        return x
    flat, offset = in_memory(b, x)
    start = 0 if storage_offset is None else storage_offset - offset
    last = start + sum((n - 1) * s for n, s in zip(size, stride))
    if start < 0 or last >= x.size:
        raise LoweringError("as_strided_scatter reaches past its operand")
    places = b.reshape(_strided_places(b, size, stride, start), (math.prod(size),))
    flat = b.scatter(flat, places, b.reshape(cast(b, src, x.dtype), (math.prod(size),)), lambda b, old, new: new, update_window_dims=[],
                     inserted_window_dims=[0], scatter_dims_to_operand_dims=[0], index_vector_dim=1)
    from libpjrt.torch.lowering import memory_order
    order = memory_order(tuple(b.first.shape), tuple(b.first.stride()))
    back = [order.index(d) for d in range(x.rank)]
    return b.transpose(b.reshape(flat, [x.shape[d] for d in order]), back)

"""Operations that only move elements: reshape, slice, pad, gather, scatter."""

import math

from libpjrt.torch.builder.types import LoweringError, array, ints, type_text


class Movement:
    """Methods of Builder."""

    def reshape(self, x, shape):
        """x with its elements in the same order; one entry of `shape` may be -1."""
        shape = tuple(shape)
        if -1 in shape:
            known = -math.prod(shape)
            shape = tuple(x.size // known if n == -1 else n for n in shape)
        if shape == x.shape:
            return x
        if math.prod(shape) != x.size:
            raise LoweringError(f"reshape of {x.shape} to {shape}")
        return self.emit(f"stablehlo.reshape {x.name} : ({x.type}) -> {type_text(shape, x.dtype)}", shape, x.dtype)

    def unsqueeze(self, x, *dims):
        """A dimension of 1 at each of `dims`, as counted in the result."""
        rank = len(x.shape) + len(dims)
        dims = {d % rank for d in dims}
        rest = iter(x.shape)
        return self.reshape(x, [1 if i in dims else next(rest) for i in range(rank)])

    def squeeze(self, x, *dims):
        """Without `dims`, each of size 1."""
        dims = {d % len(x.shape) for d in dims}
        return self.reshape(x, [n for i, n in enumerate(x.shape) if i not in dims])

    def transpose(self, x, permutation):
        """Dimension i of the result is dimension permutation[i] of x."""
        permutation = [p % len(x.shape) for p in permutation]
        if permutation == list(range(len(x.shape))):
            return x
        shape = tuple(x.shape[p] for p in permutation)
        return self.emit(f"stablehlo.transpose {x.name}, dims = {ints(permutation)} : ({x.type}) -> {type_text(shape, x.dtype)}",
                         shape, x.dtype)

    def concatenate(self, values, dim):
        values = list(values)
        if len(values) == 1:
            return values[0]
        first = values[0]
        dim %= len(first.shape)
        shape = tuple(sum(v.shape[dim] for v in values) if i == dim else n for i, n in enumerate(first.shape))
        return self.emit(f"stablehlo.concatenate {', '.join(v.name for v in values)}, dim = {dim} : "
                         f"({', '.join(v.type for v in values)}) -> {type_text(shape, first.dtype)}", shape, first.dtype)

    def slice(self, x, starts, limits, strides=None):
        """x[starts[i]:limits[i]:strides[i], ...]; all in range, strides positive."""
        strides = [1] * len(x.shape) if strides is None else strides
        shape = tuple(max(0, -(-(e - s) // k)) for s, e, k in zip(starts, limits, strides))
        if shape == x.shape:
            return x
        parts = ", ".join(f"{s}:{e}:{k}" if k != 1 else f"{s}:{e}" for s, e, k in zip(starts, limits, strides))
        return self.emit(f"stablehlo.slice {x.name} [{parts}] : ({x.type}) -> {type_text(shape, x.dtype)}", shape, x.dtype)

    def slice_dim(self, x, dim, start, limit, stride=1):
        """A slice along one dimension."""
        dim %= len(x.shape)
        starts, limits, strides = [0] * len(x.shape), list(x.shape), [1] * len(x.shape)
        starts[dim], limits[dim], strides[dim] = start, limit, stride
        return self.slice(x, starts, limits, strides)

    def dynamic_slice(self, x, starts, sizes):
        """`starts`: a scalar integer Value for each dimension, clamped to what fits."""
        sizes = tuple(sizes)
        names, types = ", ".join(s.name for s in starts), ", ".join(s.type for s in starts)
        return self.emit(f"stablehlo.dynamic_slice {x.name}, {names}, sizes = {ints(sizes)} : ({x.type}, {types}) -> "
                         f"{type_text(sizes, x.dtype)}", sizes, x.dtype)

    def dynamic_update_slice(self, x, update, starts):
        names, types = ", ".join(s.name for s in starts), ", ".join(s.type for s in starts)
        return self.emit(f"stablehlo.dynamic_update_slice {x.name}, {update.name}, {names} : ({x.type}, {update.type}, {types}) "
                         f"-> {x.type}", x.shape, x.dtype)

    def pad(self, x, value, low, high, interior=None):
        """x with `value` (a number or scalar Value) around and, `interior` times, between; negative low and high crop."""
        interior = [0] * len(x.shape) if interior is None else list(interior)
        if not any(low) and not any(high) and not any(interior):
            return x
        value = self.lift(value, x.dtype, ())
        shape = tuple(l + h + n + max(n - 1, 0) * i for n, l, h, i in zip(x.shape, low, high, interior))
        return self.emit(f"stablehlo.pad {x.name}, {value.name}, low = {ints(low)}, high = {ints(high)}, interior = "
                         f"{ints(interior)} : ({x.type}, {value.type}) -> {type_text(shape, x.dtype)}", shape, x.dtype)

    def reverse(self, x, dims):
        dims = [d % len(x.shape) for d in dims]
        if not dims:
            return x
        return self.emit(f"stablehlo.reverse {x.name}, dims = {ints(dims)} : {x.type}", x.shape, x.dtype)

    def gather(self, x, indices, *, offset_dims, collapsed_slice_dims, start_index_map, index_vector_dim, slice_sizes,
               operand_batching_dims=(), start_indices_batching_dims=(), sorted=False):
        """stablehlo.gather; out-of-range starts are clamped."""
        batch = [n for i, n in enumerate(indices.shape) if i != index_vector_dim]
        gone = set(collapsed_slice_dims) | set(operand_batching_dims)
        window = [n for i, n in enumerate(slice_sizes) if i not in gone]
        offsets, rank = set(offset_dims), len(batch) + len(window)
        batch, window = iter(batch), iter(window)
        shape = tuple(next(window) if i in offsets else next(batch) for i in range(rank))
        parts = [f"offset_dims = {ints(offset_dims)}"] if offset_dims else []
        if collapsed_slice_dims:
            parts.append(f"collapsed_slice_dims = {ints(collapsed_slice_dims)}")
        if operand_batching_dims:
            parts.append(f"operand_batching_dims = {ints(operand_batching_dims)}")
            parts.append(f"start_indices_batching_dims = {ints(start_indices_batching_dims)}")
        parts += [f"start_index_map = {ints(start_index_map)}", f"index_vector_dim = {index_vector_dim}"]
        attributes = (f"dimension_numbers = #stablehlo.gather<{', '.join(parts)}>, slice_sizes = {array(slice_sizes)}, "
                      f"indices_are_sorted = {'true' if sorted else 'false'}")
        return self.emit(self._generic("stablehlo.gather", [x, indices], attributes, [(shape, x.dtype)]), shape, x.dtype)

    def scatter(self, x, indices, updates, body, *, update_window_dims, inserted_window_dims, scatter_dims_to_operand_dims,
                index_vector_dim, input_batching_dims=(), scatter_indices_batching_dims=(), sorted=False, unique=False):
        """stablehlo.scatter of one array. `body(b, old, update)`: what is left; out-of-range updates are dropped."""
        parts = [f"update_window_dims = {ints(update_window_dims)}"] if update_window_dims else []
        if inserted_window_dims:
            parts.append(f"inserted_window_dims = {ints(inserted_window_dims)}")
        if input_batching_dims:
            parts.append(f"input_batching_dims = {ints(input_batching_dims)}")
            parts.append(f"scatter_indices_batching_dims = {ints(scatter_indices_batching_dims)}")
        parts += [f"scatter_dims_to_operand_dims = {ints(scatter_dims_to_operand_dims)}", f"index_vector_dim = {index_vector_dim}"]
        attributes = (f"scatter_dimension_numbers = #stablehlo.scatter<{', '.join(parts)}>, indices_are_sorted = "
                      f"{'true' if sorted else 'false'}, unique_indices = {'true' if unique else 'false'}")
        region, _ = self.region([((), x.dtype)] * 2, body)
        return self.emit(self._generic("stablehlo.scatter", [x, indices, updates], attributes, [(x.shape, x.dtype)], region),
                         x.shape, x.dtype)

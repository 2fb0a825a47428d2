"""Reductions, windows and sorting."""

from libpjrt.torch.builder.types import array, highest, ints, lowest, pairs, type_text


class Reductions:
    """Methods of Builder."""

    def _reduce_one(self, op, x, initial, dims):
        dims = [d % len(x.shape) for d in dims]
        if not dims:
            return x
        gone = set(dims)
        shape = tuple(n for i, n in enumerate(x.shape) if i not in gone)
        initial = self.lift(initial, x.dtype, ())
        return self.emit(f"stablehlo.reduce({x.name} init: {initial.name}) applies {op} across dimensions = {ints(sorted(gone))} : "
                         f"({x.type}, {initial.type}) -> {type_text(shape, x.dtype)}", shape, x.dtype)

    def reduce_sum(self, x, dims):
        """The sum over `dims`, which fall away; of no elements 0."""
        return self._reduce_one("stablehlo.add", x, 0, dims)

    def reduce_product(self, x, dims):
        return self._reduce_one("stablehlo.multiply", x, 1, dims)

    def reduce_max(self, x, dims):
        """The greatest over `dims`; NaN where there is one."""
        return self._reduce_one("stablehlo.maximum", x, lowest(x.dtype), dims)

    def reduce_min(self, x, dims):
        return self._reduce_one("stablehlo.minimum", x, highest(x.dtype), dims)

    def reduce_and(self, x, dims):
        return self._reduce_one("stablehlo.and", x, True if x.dtype == "i1" else -1, dims)

    def reduce_or(self, x, dims):
        return self._reduce_one("stablehlo.or", x, 0, dims)

    def reduce(self, xs, initials, dims, body):
        """stablehlo.reduce of several arrays at once. `body(b, *accumulators, *elements)` gives as many scalars.
        `initials`: numbers or scalar Values. A list of Values."""
        dims = sorted(d % len(xs[0].shape) for d in dims)
        shape = tuple(n for i, n in enumerate(xs[0].shape) if i not in dims)
        initials = [self.lift(i, x.dtype, ()) for x, i in zip(xs, initials)]
        region, _ = self.region([((), x.dtype) for x in xs] * 2, body)
        types = [(shape, x.dtype) for x in xs]
        return self.emit_many(self._generic("stablehlo.reduce", [*xs, *initials], f"dimensions = {array(dims)}", types, region), types)

    def reduce_window(self, xs, initials, body, *, window, strides=None, padding=None, base_dilation=None, window_dilation=None):
        """stablehlo.reduce_window of several arrays. `padding`: pairs (low, high), one for each dimension."""
        rank = len(xs[0].shape)
        ones = [1] * rank
        strides, base_dilation, window_dilation = strides or ones, base_dilation or ones, window_dilation or ones
        padding = padding or [(0, 0)] * rank
        shape = []
        for n, w, s, (low, high), bd, wd in zip(xs[0].shape, window, strides, padding, base_dilation, window_dilation):
            whole = (0 if n == 0 else (n - 1) * bd + 1) + low + high
            reach = (w - 1) * wd + 1
            shape.append(0 if whole < reach else (whole - reach) // s + 1)
        initials = [self.lift(i, x.dtype, ()) for x, i in zip(xs, initials)]
        region, _ = self.region([((), x.dtype) for x in xs] * 2, body)
        attributes = (f"window_dimensions = {array(window)}, window_strides = {array(strides)}, base_dilations = "
                      f"{array(base_dilation)}, window_dilations = {array(window_dilation)}, padding = {pairs(padding)}")
        types = [(tuple(shape), x.dtype) for x in xs]
        return self.emit_many(self._generic("stablehlo.reduce_window", [*xs, *initials], attributes, types, region), types)

    def select_and_scatter(self, x, source, initial, select, scatter, *, window, strides, padding):
        """stablehlo.select_and_scatter: `select(b, a, c)` gives an i1, `scatter(b, a, c)` joins."""
        initial = self.lift(initial, x.dtype, ())
        first, _ = self.region([((), x.dtype)] * 2, select)
        second, _ = self.region([((), x.dtype)] * 2, scatter)
        attributes = f"window_dimensions = {array(window)}, window_strides = {array(strides)}, padding = {pairs(padding)}"
        return self.emit(self._generic("stablehlo.select_and_scatter", [x, source, initial], attributes, [(x.shape, x.dtype)],
                                       f"{first}, {second}"), x.shape, x.dtype)

    def sort(self, xs, dim, comparator, stable=True):
        """Sorts several arrays of one shape along `dim` by the first's order or any other: `comparator(b, x0, y0, x1,
        y1 ...)` gives i1, whether the x come before the y. A list of Values."""
        types = [(x.shape, x.dtype) for x in xs]
        scalars = [((), x.dtype) for x in xs for _ in range(2)]
        region, _ = self.region(scalars, comparator)
        attributes = f"dimension = {dim % len(xs[0].shape)} : i64, is_stable = {'true' if stable else 'false'}"
        return self.emit_many(self._generic("stablehlo.sort", xs, attributes, types, region), types)

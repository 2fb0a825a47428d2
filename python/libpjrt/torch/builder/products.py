"""Products of arrays: dot_general, convolution, factorisations, Fourier transforms."""

from libpjrt.torch.builder.types import LoweringError, array, ints, real_type, type_text


class Products:
    """Methods of Builder."""

    def dot_general(self, x, y, contracting, batching=((), ()), dtype=None):
        """Sums of products over `contracting` = (dims of x, dims of y), for each of `batching`. The result has the
        batching dimensions, x's others, y's others; its type is `dtype`, x's by default."""
        (xc, yc), (xb, yb) = contracting, batching
        xc, yc = [d % len(x.shape) for d in xc], [d % len(y.shape) for d in yc]
        xb, yb = [d % len(x.shape) for d in xb], [d % len(y.shape) for d in yb]
        if x.dtype != y.dtype:
            raise LoweringError(f"a product of {x.dtype} and {y.dtype}")
        shape = tuple([x.shape[d] for d in xb] + [n for i, n in enumerate(x.shape) if i not in xc and i not in xb] +
                      [n for i, n in enumerate(y.shape) if i not in yc and i not in yb])
        dtype = dtype or x.dtype
        batch = f"batching_dims = {ints(xb)} x {ints(yb)}, " if xb else ""
        return self.emit(f"stablehlo.dot_general {x.name}, {y.name}, {batch}contracting_dims = {ints(xc)} x {ints(yc)} : "
                         f"({x.type}, {y.type}) -> {type_text(shape, dtype)}", shape, dtype)

    def convolution(self, x, w, *, strides, padding, lhs_dilation=None, rhs_dilation=None, reversal=None, groups=1,
                    batch_groups=1, x_dims=None, w_dims=None, out_dims=None):
        """stablehlo.convolution. `padding`: pairs (low, high) for each spatial dimension. The layouts are (batch,
        feature, spatial...) for x and the result and (output, input, spatial...) for w, unless x_dims, w_dims and
        out_dims say which dimension is which, in that order: x_dims=(0, 3, 1, 2) for NHWC."""
        rank = len(x.shape)
        spatial = rank - 2
        x_dims, w_dims, out_dims = x_dims or tuple(range(rank)), w_dims or tuple(range(rank)), out_dims or tuple(range(rank))
        ones = [1] * spatial
        lhs_dilation, rhs_dilation = lhs_dilation or ones, rhs_dilation or ones
        shape = [0] * rank
        shape[out_dims[0]] = x.shape[x_dims[0]] // batch_groups
        shape[out_dims[1]] = w.shape[w_dims[0]]
        for i in range(spatial):
            n, k = x.shape[x_dims[2 + i]], w.shape[w_dims[2 + i]]
            whole = (0 if n == 0 else (n - 1) * lhs_dilation[i] + 1) + sum(padding[i])
            reach = 0 if k == 0 else (k - 1) * rhs_dilation[i] + 1
            shape[out_dims[2 + i]] = 0 if whole < reach else (whole - reach) // strides[i] + 1

        def layout(dims, first, second):
            names = [""] * rank
            names[dims[0]], names[dims[1]] = first, second
            for i in range(spatial):
                names[dims[2 + i]] = str(i)
            return "[" + ", ".join(names) + "]"

        parts = [f"stride = {ints(strides)}", "pad = [" + ", ".join(f"[{a}, {b}]" for a, b in padding) + "]",
                 f"lhs_dilate = {ints(lhs_dilation)}", f"rhs_dilate = {ints(rhs_dilation)}"]
        if reversal and any(reversal):
            parts.append("reverse = [" + ", ".join("true" if r else "false" for r in reversal) + "]")
        shape = tuple(shape)
        return self.emit(f"stablehlo.convolution({x.name}, {w.name}) dim_numbers = {layout(x_dims, 'b', 'f')}x{layout(w_dims, 'o', 'i')}"
                         f"->{layout(out_dims, 'b', 'f')}, window = {{{', '.join(parts)}}} {{feature_group_count = {groups} : i64, "
                         f"batch_group_count = {batch_groups} : i64}} : ({x.type}, {w.type}) -> {type_text(shape, x.dtype)}",
                         shape, x.dtype)

    def cholesky(self, x, lower=True):
        return self.emit(f"stablehlo.cholesky {x.name}, lower = {'true' if lower else 'false'} : {x.type}", x.shape, x.dtype)

    def triangular_solve(self, a, b, *, left_side=True, lower=True, unit_diagonal=False, transpose_a="NO_TRANSPOSE"):
        """Solves op(a) @ x = b, or x @ op(a) = b; transpose_a: NO_TRANSPOSE, TRANSPOSE or ADJOINT."""
        attributes = (f"left_side = {'true' if left_side else 'false'}, lower = {'true' if lower else 'false'}, unit_diagonal = "
                      f"{'true' if unit_diagonal else 'false'}, transpose_a = #stablehlo<transpose {transpose_a}>")
        return self.emit(self._generic("stablehlo.triangular_solve", [a, b], attributes, [(b.shape, b.dtype)]), b.shape, b.dtype)

    def fft(self, x, kind, length):
        """kind: FFT, IFFT, RFFT, IRFFT; over the last len(length) dimensions."""
        shape = list(x.shape)
        if kind == "RFFT":
            shape[-1] = length[-1] // 2 + 1
            dtype = f"complex<{x.dtype}>"
        elif kind == "IRFFT":
            shape[-1] = length[-1]
            dtype = real_type(x.dtype)
        else:
            dtype = x.dtype
        attributes = f"fft_type = #stablehlo<fft_type {kind}>, fft_length = {array(length)}"
        return self.emit(self._generic("stablehlo.fft", [x], attributes, [(shape, dtype)]), shape, dtype)

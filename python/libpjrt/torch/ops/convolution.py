"""Convolutions, forward and backward, of any number of dimensions, transposed and grouped."""

from libpjrt.torch.common import LoweringError, as_list, cast, opmath
from libpjrt.torch.table import aten, lowers, overloads


def _convolved(b, x, w, **how):
    """stablehlo.convolution, of 16-bit floats summed in f32; complex numbers by parts."""
    if x.dtype.startswith("complex"):
        real, imag = [(b.real(x), b.imag(x)), (b.real(w), b.imag(w))]
        rr, ii = b.convolution(real[0], imag[0], **how), b.convolution(real[1], imag[1], **how)
        ri, ir = b.convolution(real[0], imag[1], **how), b.convolution(real[1], imag[0], **how)
        return b.complex(b.subtract(rr, ii), b.add(ri, ir))
    dtype = x.dtype
    computed = opmath(dtype)
    return cast(b, b.convolution(cast(b, x, computed), cast(b, w, computed), **how), dtype)


def _grouped_weight(b, w, groups):
    """The weight (input, output / groups, ...) of a transposed convolution as (output, input / groups, ...)."""
    inputs, outputs, *window = w.shape
    w = b.reshape(w, (groups, inputs // groups, outputs, *window))
    rest = range(3, w.rank)
    return b.reshape(b.transpose(w, [0, 2, 1, *rest]), (groups * outputs, inputs // groups, *window))


def forward(b, x, w, stride, padding, dilation, groups):
    return _convolved(b, x, w, strides=stride, padding=[(p, p) for p in padding], rhs_dilation=dilation, groups=groups)


def transposed(b, x, w, stride, padding, dilation, output_padding, groups):
    """The gradient of a convolution by its input, as StableHLO says it: the input spread by the stride, the window turned."""
    reach = [d * (k - 1) for d, k in zip(dilation, w.shape[2:])]
    edges = [(r - p, r - p + o) for r, p, o in zip(reach, padding, output_padding)]
    n = len(stride)
    turned = {"w_dims": (1, 0, *range(2, 2 + n))}  # which is output and input changes places, without moving anything
    if groups > 1:
        w, turned = _grouped_weight(b, w, groups), {}
    return _convolved(b, x, w, strides=[1] * n, padding=edges, lhs_dilation=stride, rhs_dilation=dilation, reversal=[True] * n,
                      groups=groups, **turned)


def weight_gradient(b, x, grad, window, stride, padding, dilation, groups):
    """The gradient by the weight (output, input / groups, window...) of a plain convolution of x whose result's gradient is
    `grad`: a convolution of x with the gradient as its window, where batch and features change places."""
    n = len(stride)
    outputs = [g for g in grad.shape[2:]]
    edges = []
    for i in range(n):
        reach = (window[i] - 1) * dilation[i] + (outputs[i] - 1) * stride[i] + 1
        edges.append((padding[i], reach - x.shape[2 + i] - padding[i]))
    spatial = tuple(range(2, 2 + n))
    return _convolved(b, x, grad, strides=dilation, padding=edges, rhs_dilation=stride, batch_groups=groups,
                      x_dims=(1, 0, *spatial), w_dims=(1, 0, *spatial), out_dims=(1, 0, *spatial))


@lowers(aten.convolution.default)
def convolution(b, x, weight, bias, stride, padding, dilation, transposed_, output_padding, groups):
    n = weight.rank - 2
    stride, padding, dilation = as_list(stride, n), as_list(padding, n), as_list(dilation, n)
    batched = x.rank == n + 2
    if not batched:
        x = b.unsqueeze(x, 0)
    shape = b.result.shape if batched else (1, *b.result.shape)
    if x.size == 0 or weight.size == 0:
        out = b.constant(0, x.dtype, shape)
    elif transposed_:
        out = transposed(b, x, weight, stride, padding, dilation, as_list(output_padding, n), groups)
    else:
        out = forward(b, x, weight, stride, padding, dilation, groups)
    if bias is not None:
        out = b.add(out, b.broadcast_in_dim(bias, out.shape, [1]))
    return b.reshape(out, b.result.shape)


@lowers(*overloads(aten._convolution, "default"))
def _convolution(b, x, weight, bias, stride, padding, dilation, transposed_, output_padding, groups, *flags):
    return convolution(b, x, weight, bias, stride, padding, dilation, transposed_, output_padding, groups)


@lowers(aten.convolution_backward.default)
def convolution_backward(b, grad, x, weight, bias_sizes, stride, padding, dilation, transposed_, output_padding, groups, output_mask):
    n = weight.rank - 2
    stride, padding, dilation = as_list(stride, n), as_list(padding, n), as_list(dilation, n)
    batched = x.rank == n + 2
    if not batched:
        x, grad = b.unsqueeze(x, 0), b.unsqueeze(grad, 0)
    by_x = by_weight = by_bias = None
    nothing = x.size == 0 or weight.size == 0 or grad.size == 0
    if x.dtype.startswith("complex"):
        raise LoweringError("the gradient of a convolution of complex numbers")
    if output_mask[0]:
        if nothing:
            by_x = b.full_like(x, 0)
        elif transposed_:
            by_x = forward(b, grad, weight, stride, padding, dilation, groups)
        else:
            # What the stride left over at the end of x was read by no window, or by some: its size says how much it is.
            left = [m - ((g - 1) * s - 2 * p + d * (k - 1) + 1)
                    for m, g, s, p, d, k in zip(x.shape[2:], grad.shape[2:], stride, padding, dilation, weight.shape[2:])]
            by_x = transposed(b, grad, weight, stride, padding, dilation, left, groups)
        if not batched:
            by_x = b.squeeze(by_x, 0)
    if output_mask[1]:
        if nothing:
            by_weight = b.full_like(weight, 0)
        elif transposed_:
            by_weight = weight_gradient(b, grad, x, weight.shape[2:], stride, padding, dilation, groups)
        else:
            by_weight = weight_gradient(b, x, grad, weight.shape[2:], stride, padding, dilation, groups)
    if output_mask[2]:
        total = b.reduce_sum(cast(b, grad, opmath(grad.dtype)), [0, *range(2, grad.rank)])
        by_bias = cast(b, total, grad.dtype)
    return [by_x, by_weight, by_bias]

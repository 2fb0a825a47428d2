"""Normalisation: layer, batch and group norm, with the statistics that their gradients want."""

import math

from libpjrt.torch.common import cast, opmath, wide
from libpjrt.torch.ops.reductions import moments
from libpjrt.torch.table import aten, lowers, overloads


def _normalised(b, x, dims, eps):
    """x with mean 0 and variance 1 over `dims`, the mean, and the reciprocal of the deviation."""
    variance, average = moments(b, x, dims, 0)
    scale = b.rsqrt(b.add(variance, eps))
    return b.multiply(b.subtract(x, average), scale), average, scale


def _along(b, v, shape, dim, dtype):
    """A vector along one dimension of `shape`."""
    return b.broadcast_in_dim(cast(b, v, dtype), shape, [dim])


@lowers(aten.native_layer_norm.default)
def layer_norm(b, x, normalized_shape, weight, bias, eps):
    dtype = opmath(x.dtype)
    rank = len(normalized_shape)
    y, average, scale = _normalised(b, cast(b, x, dtype), list(range(x.rank - rank, x.rank)), eps)
    if weight is not None:
        y = b.multiply(y, cast(b, weight, dtype))
    if bias is not None:
        y = b.add(y, cast(b, bias, dtype))
    return [cast(b, v, want.dtype) for v, want in zip((y, average, scale), b.results)]


@lowers(aten.native_layer_norm_backward.default)
def layer_norm_backward(b, grad, x, normalized_shape, mean, rstd, weight, bias, output_mask):
    dtype = opmath(x.dtype)
    kinds = [v.dtype if v is not None else None for v in (x, weight, bias)]
    grad, x, mean, rstd = (cast(b, v, dtype) for v in (grad, x, mean, rstd))
    outer, inner = list(range(x.rank - len(normalized_shape))), list(range(x.rank - len(normalized_shape), x.rank))
    count = math.prod(normalized_shape)
    normal = b.multiply(b.subtract(x, mean), rstd)
    by_x = by_weight = by_bias = None
    if output_mask[0]:
        weighted = b.multiply(grad, cast(b, weight, dtype)) if weight is not None else grad
        lead = [1 if i in inner else n for i, n in enumerate(x.shape)]
        first = b.divide(b.reshape(b.reduce_sum(weighted, inner), lead), count)
        second = b.divide(b.reshape(b.reduce_sum(b.multiply(weighted, normal), inner), lead), count)
        by_x = cast(b, b.multiply(b.subtract(b.subtract(weighted, first), b.multiply(normal, second)), rstd), kinds[0])
    if output_mask[1] and weight is not None:
        by_weight = cast(b, b.reduce_sum(b.multiply(grad, normal), outer), kinds[1])
    if output_mask[2] and bias is not None:
        by_bias = cast(b, b.reduce_sum(grad, outer), kinds[2])
    return [by_x, by_weight, by_bias]


@lowers(aten.native_group_norm.default)
def group_norm(b, x, weight, bias, n, c, hxw, group, eps):
    dtype = opmath(x.dtype)
    parts = b.reshape(cast(b, x, dtype), (n, group, (c // group) * hxw))
    y, average, scale = _normalised(b, parts, [2], eps)
    y = b.reshape(y, x.shape)
    if weight is not None:
        y = b.multiply(y, _along(b, weight, x.shape, 1, dtype))
    if bias is not None:
        y = b.add(y, _along(b, bias, x.shape, 1, dtype))
    results = [y, b.reshape(average, (n, group)), b.reshape(scale, (n, group))]
    return [cast(b, v, want.dtype) for v, want in zip(results, b.results)]


@lowers(aten.native_group_norm_backward.default)
def group_norm_backward(b, grad, x, mean, rstd, weight, n, c, hxw, group, output_mask):
    dtype = opmath(x.dtype)
    kinds = x.dtype, weight.dtype if weight is not None else x.dtype
    shape = (n, group, c // group, hxw)
    grad, x = (b.reshape(cast(b, v, dtype), shape) for v in (grad, x))
    mean, rstd = (b.reshape(cast(b, v, dtype), (n, group, 1, 1)) for v in (mean, rstd))
    normal = b.multiply(b.subtract(x, mean), rstd)
    by_x = by_weight = by_bias = None
    if output_mask[0]:
        weighted = grad
        if weight is not None:
            weighted = b.multiply(grad, b.reshape(cast(b, weight, dtype), (1, group, c // group, 1)))
        count = shape[2] * shape[3]
        first = b.divide(b.reshape(b.reduce_sum(weighted, [2, 3]), (n, group, 1, 1)), count)
        second = b.divide(b.reshape(b.reduce_sum(b.multiply(weighted, normal), [2, 3]), (n, group, 1, 1)), count)
        by_x = b.multiply(b.subtract(b.subtract(weighted, first), b.multiply(normal, second)), rstd)
        by_x = b.reshape(cast(b, by_x, kinds[0]), b.results[0].shape)
    if output_mask[1]:
        by_weight = cast(b, b.reshape(b.reduce_sum(b.multiply(grad, normal), [0, 3]), (c,)), kinds[1])
    if output_mask[2]:
        by_bias = cast(b, b.reshape(b.reduce_sum(grad, [0, 3]), (c,)), kinds[1])
    return [by_x, by_weight, by_bias]


def _batch_norm(b, x, weight, bias, running_mean, running_var, training, momentum, eps):
    """What all batch norms share: the result, the saved mean and reciprocal deviation, the new running statistics."""
    dtype = opmath(x.dtype)
    channels = x.shape[1]
    dims = [0, *range(2, x.rank)]
    lead = [1, channels] + [1] * (x.rank - 2)
    x = cast(b, x, dtype)
    new_mean, new_var = running_mean, running_var
    if training:
        variance, average = moments(b, x, dims, 0)
        scale = b.rsqrt(b.add(variance, eps))
        saved = b.reshape(average, (channels,)), b.reshape(scale, (channels,))
        if running_mean is not None:
            kind = running_mean.dtype
            mean_now = cast(b, saved[0], opmath(kind))
            new_mean = cast(b, b.add(b.multiply(mean_now, momentum), b.multiply(cast(b, running_mean, opmath(kind)), 1 - momentum)), kind)
        if running_var is not None:
            kind = running_var.dtype
            count = x.size // channels if channels else 0
            spread = b.multiply(b.reshape(variance, (channels,)), count / (count - 1) if count > 1 else math.nan)
            spread = cast(b, spread, opmath(kind))
            new_var = cast(b, b.add(b.multiply(spread, momentum), b.multiply(cast(b, running_var, opmath(kind)), 1 - momentum)), kind)
    else:
        average = b.reshape(cast(b, running_mean, dtype), lead)
        scale = b.rsqrt(b.add(b.reshape(cast(b, running_var, dtype), lead), eps))
        saved = None
    y = b.multiply(b.subtract(x, average), scale)
    if weight is not None:
        y = b.multiply(y, b.reshape(cast(b, weight, dtype), lead))
    if bias is not None:
        y = b.add(y, b.reshape(cast(b, bias, dtype), lead))
    return y, saved, new_mean, new_var


def _batch_norm_results(b, y, saved, *more):
    """As many of the results as the operation has, each of the type it wants; what was not saved is empty."""
    values = [y, *(saved or (None, None)), *more]
    out = []
    for v, want in zip(values, b.results):
        if want is None:
            out.append(None)
        elif v is None or v.shape != want.shape:
            out.append(b.constant(0, want.dtype, want.shape))
        else:
            out.append(cast(b, v, want.dtype))
    return out


@lowers(aten._native_batch_norm_legit.no_stats)
def batch_norm_no_stats(b, x, weight, bias, training, momentum, eps):
    y, saved, _, _ = _batch_norm(b, x, weight, bias, None, None, True, momentum, eps)
    return _batch_norm_results(b, y, saved)


@lowers(aten._native_batch_norm_legit_no_training.default)
def batch_norm_no_training(b, x, weight, bias, running_mean, running_var, momentum, eps):
    y, saved, _, _ = _batch_norm(b, x, weight, bias, running_mean, running_var, False, momentum, eps)
    return _batch_norm_results(b, y, saved)


@lowers(*overloads(aten._native_batch_norm_legit_functional, "default"))
def batch_norm_functional(b, x, weight, bias, running_mean, running_var, training, momentum, eps):
    y, saved, new_mean, new_var = _batch_norm(b, x, weight, bias, running_mean, running_var, training, momentum, eps)
    return _batch_norm_results(b, y, saved, new_mean, new_var)


@lowers(*overloads(aten._batch_norm_with_update_functional, "default"))
def batch_norm_with_update(b, x, weight, bias, running_mean, running_var, momentum, eps):
    y, saved, new_mean, new_var = _batch_norm(b, x, weight, bias, running_mean, running_var, True, momentum, eps)
    return _batch_norm_results(b, y, saved, None, new_mean, new_var)


@lowers(*overloads(aten._batch_norm_no_update, "default"))
def batch_norm_no_update(b, x, weight, bias, running_mean, running_var, momentum, eps):
    y, saved, _, _ = _batch_norm(b, x, weight, bias, running_mean, running_var, False, momentum, eps)
    return _batch_norm_results(b, y, saved, None)


@lowers(aten.native_batch_norm_backward.default)
def batch_norm_backward(b, grad, x, weight, running_mean, running_var, save_mean, save_invstd, train, eps, output_mask):
    dtype = opmath(x.dtype)
    kinds = x.dtype, weight.dtype if weight is not None else x.dtype
    channels = x.shape[1]
    dims = [0, *range(2, x.rank)]
    lead = [1, channels] + [1] * (x.rank - 2)
    count = x.size // channels if channels else 0
    grad, x = wide(b, grad, x)
    if train:
        average, scale = cast(b, save_mean, dtype), cast(b, save_invstd, dtype)
    else:
        average = cast(b, running_mean, dtype)
        scale = b.rsqrt(b.add(cast(b, running_var, dtype), eps))
    average, scale = b.reshape(average, lead), b.reshape(scale, lead)
    normal = b.multiply(b.subtract(x, average), scale)
    total = b.reshape(b.reduce_sum(grad, dims), lead)
    product = b.reshape(b.reduce_sum(b.multiply(grad, normal), dims), lead)
    by_x = by_weight = by_bias = None
    if output_mask[0]:
        by_x = grad
        if train and count:
            by_x = b.subtract(b.subtract(grad, b.divide(total, count)), b.multiply(normal, b.divide(product, count)))
        factor = b.multiply(scale, b.reshape(cast(b, weight, dtype), lead)) if weight is not None else scale
        by_x = cast(b, b.multiply(by_x, factor), kinds[0])
    if output_mask[1]:
        by_weight = cast(b, b.reshape(product, (channels,)), kinds[1])
    if output_mask[2]:
        by_bias = cast(b, b.reshape(total, (channels,)), kinds[1])
    return [by_x, by_weight, by_bias]

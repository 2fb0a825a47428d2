"""Scaled dot-product attention, in the form that PyTorch takes on the CPU: forward with the logarithm of the sums, backward
from it or, unless a mask is given as an array, from the scores again. Written out in products and a softmax, which the compiler
recognises as attention."""

import math

from libpjrt.torch.common import LoweringError, cast, opmath, wide
from libpjrt.torch.ops.reductions import kept
from libpjrt.torch.table import aten, lowers, overloads


def _scores(b, q, k, is_causal, mask, scale):
    """Scores of queries (batch..., L, E) with keys (batch..., S, E), scaled and masked."""
    batch = list(range(q.rank - 2))
    scores = b.dot_general(q, k, ([q.rank - 1], [k.rank - 1]), (batch, batch))
    scores = b.multiply(scores, scale)
    if is_causal:
        shape = scores.shape
        rows, columns = b.iota(shape, -2, "i64"), b.iota(shape, -1, "i64")
        scores = b.select(b.compare(columns, rows, "LE"), scores, -math.inf)
    if mask is not None:
        if mask.dtype == "i1":
            scores = b.select(mask, scores, -math.inf)
        else:
            scores = b.add(scores, cast(b, mask, scores.dtype))
    return scores


def _scale(q, scale):
    return 1 / math.sqrt(q.shape[-1]) if scale is None else scale


def _times(b, x, y):
    """Products of the last two dimensions' matrices."""
    batch = list(range(x.rank - 2))
    return b.dot_general(x, y, ([x.rank - 1], [y.rank - 2]), (batch, batch))


def _transposed_times(b, x, y):
    """x^T y of the last two dimensions' matrices."""
    batch = list(range(x.rank - 2))
    return b.dot_general(x, y, ([x.rank - 2], [y.rank - 2]), (batch, batch))


@lowers(*overloads(aten._scaled_dot_product_flash_attention_for_cpu, "default"))
def flash_attention(b, query, key, value, dropout_p=0.0, is_causal=False, *, attn_mask=None, scale=None):
    if dropout_p:
        raise LoweringError("attention with dropout")
    dtype = query.dtype
    q, k, v = wide(b, query, key, value)
    scores = _scores(b, q, k, is_causal, attn_mask, _scale(query, scale))
    last = scores.rank - 1
    top = b.reduce_max(scores, [last])
    power = b.exponential(b.subtract(scores, kept(b, top, scores.shape, [last])))
    total = b.reduce_sum(power, [last])
    weights = b.divide(power, kept(b, total, scores.shape, [last]))
    if attn_mask is not None:  # a row without any key gives zeros
        weights = b.select(kept(b, b.is_finite(top), scores.shape, [last]), weights, 0)
    out = cast(b, _times(b, weights, v), dtype)
    log_sum = cast(b, b.add(b.log(total), top), b.results[1].dtype)
    return [out, log_sum]


@lowers(*overloads(aten._scaled_dot_product_flash_attention_for_cpu_backward, "default"))
def flash_attention_backward(b, grad_out, query, key, value, out, logsumexp, dropout_p, is_causal, *, attn_mask=None, scale=None):
    if dropout_p:
        raise LoweringError("attention with dropout")
    dtypes = query.dtype, key.dtype, value.dtype
    factor = _scale(query, scale)
    grad, q, k, v, o, lse = wide(b, grad_out, query, key, value, out, logsumexp)
    scores = _scores(b, q, k, is_causal, attn_mask, factor)
    last = scores.rank - 1
    batch = list(range(q.rank - 2))
    by_weights = b.dot_general(grad, v, ([last], [last]), (batch, batch))
    if attn_mask is None:
        # Softmax once more, as the compiler recognises the gradient: it wants neither sums nor results of the forward pass.
        power = b.exponential(b.subtract(scores, kept(b, b.reduce_max(scores, [last]), scores.shape, [last])))
        weights = b.divide(power, kept(b, b.reduce_sum(power, [last]), scores.shape, [last]))
        row = b.reduce_sum(b.multiply(weights, by_weights), [last])
    else:
        weights = b.exponential(b.subtract(scores, kept(b, cast(b, lse, opmath(q.dtype)), scores.shape, [last])))
        weights = b.select(b.is_nan(weights), 0, weights)  # a row without any key
        row = b.reduce_sum(b.multiply(grad, o), [last])
    by_value = _transposed_times(b, weights, grad)
    by_scores = b.multiply(b.multiply(weights, b.subtract(by_weights, kept(b, row, scores.shape, [last]))), factor)
    return [cast(b, g, d) for g, d in zip((_times(b, by_scores, k), _transposed_times(b, by_scores, q), by_value), dtypes)]

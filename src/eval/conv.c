// convolution and dynamic_conv (StableHLO specification, "convolution").
//
// Operands are brought into the canonical order of conv.h, which costs nothing where they already
// have it, and the result is brought back from it.
#include "eval/conv.h"

#include <string.h>

#include "base/alloc.h"
#include "eval/float.h"
#include "eval/strided.h"

// The dimensions of an array in canonical order.
typedef struct Order {
  int32_t rank;
  int64_t dim[PJ_MAX_RANK];
  bool reverse[PJ_MAX_RANK];
} Order;

// Whether the canonical order is the one in memory (dimensions of size 1 do not count).
static bool is_canonical(const Order *order, const PjTensor *tensor) {
  int64_t last = -1;
  for (int32_t i = 0; i < order->rank; ++i) {
    if (tensor->dims[order->dim[i]] == 1)
      continue;
    if (order->dim[i] < last || order->reverse[i])
      return false;
    last = order->dim[i];
  }
  return true;
}

// Copies between memory order and canonical order. |to_canonical| reverses the marked dimensions on
// the way.
static void reorder(PjComp comp, const Order *order, const PjTensor *tensor, const void *from,
                    void *to, bool to_canonical) {
  int64_t strides[PJ_MAX_RANK], dims[PJ_MAX_RANK], memory[PJ_MAX_RANK], dense[PJ_MAX_RANK],
      start = 0;
  pj_strides(tensor->rank, tensor->dims, strides);
  for (int32_t i = 0; i < order->rank; ++i) {
    dims[i] = tensor->dims[order->dim[i]];
    memory[i] = strides[order->dim[i]];
    if (!order->reverse[i])
      continue;
    start += (dims[i] - 1) * memory[i];
    memory[i] = -memory[i];
  }
  pj_strides(order->rank, dims, dense);
  const size_t bytes = pj_comp_bytes(comp);
  if (to_canonical)
    pj_strided_copy(bytes, order->rank, dims, (const char *)from + (size_t)start * bytes, memory,
                    to, dense);
  else
    pj_strided_copy(bytes, order->rank, dims, from, dense, to, memory);
}

// |tensor| as v->comp in canonical order; |*out_scratch| as in pj_comp_operand.
static const void *canonical(PjEval *ev, PjComp comp, const Order *order, const PjTensor *tensor,
                             void **out_scratch) {
  const void *data = pj_comp_operand(ev, comp, tensor, out_scratch);
  if (is_canonical(order, tensor) || !tensor->count)
    return data;
  void *ordered = pj_comp_scratch(ev, comp, tensor->count);
  reorder(comp, order, tensor, data, ordered, true);
  if (*out_scratch)
    pj_eval_free(ev, *out_scratch);
  return *out_scratch = ordered;
}

// Number of windows along spatial dimension |d| into v->out; false on overflow.
static bool count_windows(PjConv *v, int32_t d, int64_t high) {
  int64_t padded = 0, window = 0;
  if (v->in[d] &&
      (!pj_mul_i64(v->in[d] - 1, v->in_dilation[d], &padded) || !pj_add_i64(padded, 1, &padded)))
    return false;
  if (!pj_add_i64(padded, v->low[d], &padded) || !pj_add_i64(padded, high, &padded))
    return false;
  if (v->window[d] && (!pj_mul_i64(v->window[d] - 1, v->window_dilation[d], &window) ||
                       !pj_add_i64(window, 1, &window)))
    return false;
  v->out[d] = padded <= 0 || window > padded ? 0 : (padded - window) / v->stride[d] + 1;
  return true;
}

static PjStatus convolve(PjEval *ev, const PjOp *op, const PjTensor *lhs, const PjTensor *rhs,
                         const int64_t *padding, PjTensor **out) {
  uint32_t spatial;
  const int64_t *in_dims = PJ_INTS(op, input_spatial_dimensions, &spatial),
                *kernel_dims = PJ_INTS(op, kernel_spatial_dimensions, NULL);
  const int64_t *out_dims = PJ_INTS(op, output_spatial_dimensions, NULL),
                *strides = PJ_INTS(op, window_strides, NULL);
  const int64_t *in_dilation = PJ_INTS(op, lhs_dilation, NULL),
                *window_dilation = PJ_INTS(op, rhs_dilation, NULL);
  const int64_t *reversal = PJ_INTS(op, window_reversal, NULL);
  const PjDtype dtype = op->results[0].type->dtype;
  const int32_t rank = (int32_t)spatial + 2;
  Order in_order = {.rank = rank}, kernel_order = {.rank = rank}, out_order = {.rank = rank};
  in_order.dim[0] = PJ_INT(op, input_batch_dimension);
  in_order.dim[rank - 1] = PJ_INT(op, input_feature_dimension);
  kernel_order.dim[rank - 2] = PJ_INT(op, kernel_input_feature_dimension);
  kernel_order.dim[rank - 1] = PJ_INT(op, kernel_output_feature_dimension);
  out_order.dim[0] = PJ_INT(op, output_batch_dimension);
  out_order.dim[rank - 1] = PJ_INT(op, output_feature_dimension);
  PjConv v = {.comp = pj_comp_pick(lhs->dtype, rhs->dtype, dtype),
              .spatial = spatial ? (int32_t)spatial : 1,
              .batch = lhs->dims[in_order.dim[0]],
              .in_features = lhs->dims[in_order.dim[rank - 1]],
              .out_features = rhs->dims[kernel_order.dim[rank - 1]],
              .feature_groups = PJ_INT(op, feature_group_count),
              .batch_groups = PJ_INT(op, batch_group_count)};
  const int64_t kernel_features = rhs->dims[kernel_order.dim[rank - 2]];
  if (v.in_features % v.feature_groups || kernel_features != v.in_features / v.feature_groups ||
      v.out_features % v.feature_groups || v.out_features % v.batch_groups ||
      v.batch % v.batch_groups)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "%lld input features, %lld of the kernel, %lld output features and a batch "
                       "of %lld do not fit %lld feature and %lld batch groups",
                       (long long)v.in_features, (long long)kernel_features,
                       (long long)v.out_features, (long long)v.batch, (long long)v.feature_groups,
                       (long long)v.batch_groups);
  if (!spatial)
    v.in[0] = v.window[0] = v.out[0] = v.stride[0] = v.in_dilation[0] = v.window_dilation[0] = 1;
  int64_t shape[PJ_MAX_RANK];
  shape[out_order.dim[0]] = pj_conv_out_batch(&v);
  shape[out_order.dim[rank - 1]] = v.out_features;
  for (uint32_t d = 0; d < spatial; ++d) {
    in_order.dim[1 + d] = in_dims[d];
    kernel_order.dim[d] = kernel_dims[d];
    kernel_order.reverse[d] = v.reverse[d] = reversal[d] != 0;
    out_order.dim[1 + d] = out_dims[d];
    v.in[d] = lhs->dims[in_dims[d]];
    v.window[d] = rhs->dims[kernel_dims[d]];
    v.stride[d] = strides[d];
    v.in_dilation[d] = in_dilation[d];
    v.window_dilation[d] = window_dilation[d];
    v.low[d] = padding[2 * d];
    if (!count_windows(&v, (int32_t)d, padding[2 * d + 1]))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "the padded size of spatial dimension %u does not fit 64 bits", d);
    shape[out_dims[d]] = v.out[d];
  }
  PjTensor *result = *out = pj_eval_new(ev, dtype, rank, shape);
  if (!result->count)
    return PJ_STATUS_OK;

  void *lhs_scratch, *rhs_scratch;
  const void *in = canonical(ev, v.comp, &in_order, lhs, &lhs_scratch);
  const void *kernel = canonical(ev, v.comp, &kernel_order, rhs, &rhs_scratch);
  void *target = pj_comp_target(ev, v.comp, result);
  if (is_canonical(&out_order, result)) {
    pj_conv_run(ev, &v, in, kernel, target);
  } else {
    void *dense = pj_comp_scratch(ev, v.comp, result->count);
    pj_conv_run(ev, &v, in, kernel, dense);
    reorder(v.comp, &out_order, result, dense, target, false);
    pj_eval_free(ev, dense);
  }
  pj_comp_finish(ev, v.comp, result, target);
  if (lhs_scratch)
    pj_eval_free(ev, lhs_scratch);
  if (rhs_scratch)
    pj_eval_free(ev, rhs_scratch);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_convolution(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  return convolve(ev, op, in[0], in[1], PJ_INTS(op, padding, NULL), out);
}

PjStatus pj_ev_dynamic_conv(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *tensor = in[2];
  int64_t padding[2 * PJ_MAX_RANK];
  if (tensor->count != 2 * (in[0]->rank - 2))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "padding has %lld elements, expected %d",
                       (long long)tensor->count, 2 * (in[0]->rank - 2));
  for (int64_t i = 0; i < tensor->count; ++i)
    padding[i] = pj_int_decode(tensor->dtype, (const char *)tensor->data +
                                                  (size_t)i * pj_dtype_bytes(tensor->dtype));
  return convolve(ev, op, in[0], in[1], padding, out);
}

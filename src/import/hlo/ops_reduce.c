// Reductions and windows.
#include <inttypes.h>

#include "import/hlo/builders.h"

typedef struct Window {
  uint32_t rank;
  int64_t *size, *stride, *padding, *base_dilation, *window_dilation,
      *reversal; // padding: rank x 2
} Window;

static PjStatus read_window(PjHloSite *s, Window *out) {
  PjHloWindowMsg msg = {0};
  PJ_TRY(pj_hlo_decode(s->h, s->msg.window, PJ_HLO_Window, &msg));
  uint32_t rank = out->rank = msg.dimensions.len;
  int64_t **lists[] = {&out->size, &out->stride, &out->base_dilation, &out->window_dilation,
                       &out->reversal};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; ++i)
    *lists[i] = PJ_NEW_ARRAY(s->h->arena, int64_t, rank);
  out->padding = PJ_NEW_ARRAY(s->h->arena, int64_t, 2 * (size_t)rank);
  for (uint32_t i = 0; i < rank; ++i) {
    PjHloWindowDimensionMsg dim = {0};
    PJ_TRY(pj_hlo_decode(s->h, msg.dimensions.data[i], PJ_HLO_WindowDimension, &dim));
    PJ_FAIL_IF(dim.size < 1 || dim.stride < 1 || dim.window_dilation < 1 || dim.base_dilation < 1,
               INVALID_ARGUMENT,
               "dimension %u of its window has a size, stride or dilation below 1", i);
    out->size[i] = dim.size;
    out->stride[i] = dim.stride;
    out->padding[2 * i] = dim.padding_low;
    out->padding[2 * i + 1] = dim.padding_high;
    out->base_dilation[i] = dim.base_dilation;
    out->window_dilation[i] = dim.window_dilation;
    out->reversal[i] = dim.window_reversal;
  }
  return PJ_STATUS_OK;
}

static bool any_above(const int64_t *values, uint32_t count, int64_t limit) {
  for (uint32_t i = 0; i < count; ++i)
    if (values[i] > limit)
      return true;
  return false;
}

PjStatus pj_hlo_build_reduce(PjHloSite *s) {
  PJ_FAIL_IF(s->inst->num_operands % 2, INVALID_ARGUMENT,
             "%u operands, expected as many initial values as inputs", s->inst->num_operands);
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_REDUCE, s->inst->num_operands / 2, 1);
  PJ_HLO_SET(op, dimensions, pj_hlo_ints_attr(s, s->msg.dimensions));
  PJ_TRY(pj_hlo_region(s, 0, true, &op->regions[0]));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_reduce_window(PjHloSite *s) {
  Window w;
  PjArena *arena = s->h->arena;
  PJ_TRY(read_window(s, &w));
  PJ_FAIL_IF(s->inst->num_operands % 2, INVALID_ARGUMENT,
             "%u operands, expected as many initial values as inputs", s->inst->num_operands);
  PJ_FAIL_IF(any_above(w.reversal, w.rank, 0), UNIMPLEMENTED, "a reversed window");
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_REDUCE_WINDOW, s->inst->num_operands / 2, 1);
  PJ_HLO_SET(op, window_dimensions, pj_attr_ints(arena, w.rank, w.size));
  PJ_HLO_SET(op, window_strides, pj_attr_ints(arena, w.rank, w.stride));
  PJ_HLO_SET(op, base_dilations, pj_attr_ints(arena, w.rank, w.base_dilation));
  PJ_HLO_SET(op, window_dilations, pj_attr_ints(arena, w.rank, w.window_dilation));
  PJ_HLO_SET(op, padding, pj_attr_matrix(arena, w.rank, 2, w.padding));
  PJ_TRY(pj_hlo_region(s, 0, true, &op->regions[0]));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_select_and_scatter(PjHloSite *s) {
  Window w;
  PjArena *arena = s->h->arena;
  PJ_TRY(read_window(s, &w));
  PJ_FAIL_IF(any_above(w.reversal, w.rank, 0) || any_above(w.window_dilation, w.rank, 1) ||
                 any_above(w.base_dilation, w.rank, 1),
             UNIMPLEMENTED, "a reversed or dilated window");
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_SELECT_AND_SCATTER, 1, 2);
  PJ_HLO_SET(op, window_dimensions, pj_attr_ints(arena, w.rank, w.size));
  PJ_HLO_SET(op, window_strides, pj_attr_ints(arena, w.rank, w.stride));
  PJ_HLO_SET(op, padding, pj_attr_matrix(arena, w.rank, 2, w.padding));
  PJ_TRY(pj_hlo_region(s, 0, true, &op->regions[0]));
  PJ_TRY(pj_hlo_region(s, 1, true, &op->regions[1]));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_batch_norm(PjHloSite *s) {
  PjOpKind kind = s->inst->row->kind;
  PjOp *op = pj_hlo_op_on_all(s, kind, kind == PJ_OP_BATCH_NORM_INFERENCE ? 1 : 3, 0);
  PJ_HLO_SET(op, epsilon, pj_attr_float(s->h->arena, (double)s->msg.epsilon, PJ_DT_F32));
  PJ_HLO_SET(op, feature_index, pj_attr_i64(s->h->arena, s->msg.feature_index));
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- convolution
// Both operands with the wider of their element types, as HLO allows them to differ.
static PjStatus unify_operands(PjHloSite *s, PjOp *op) {
  PjDtype a = op->operands[0]->type->dtype, b = op->operands[1]->type->dtype;
  if (a == b)
    return PJ_STATUS_OK;
  int narrow = pj_dtype_bits(a) < pj_dtype_bits(b) ? 0 : 1;
  PjValue *value = op->operands[narrow];
  PjOp *convert = pj_hlo_op(s, PJ_OP_CONVERT, 1, 1, 0);
  convert->operands[0] = value;
  const PjType *type = pj_type_with_dtype(s->h->arena, value->type, narrow ? a : b);
  return pj_hlo_append_one(s, convert, type, &op->operands[narrow]);
}

PjStatus pj_hlo_build_convolution(PjHloSite *s) {
  Window w;
  PjHloConvolutionNumbersMsg msg = {0};
  PjArena *arena = s->h->arena;
  const PjAttr *precisions;
  PjValue *array;
  PJ_FAIL_IF(s->msg.conv_kind || s->msg.sparsity_config.len || s->msg.padding_type, UNIMPLEMENTED,
             "sparse and dynamic convolutions are not supported");
  PJ_TRY(read_window(s, &w));
  PJ_TRY(
      pj_hlo_decode(s->h, s->msg.convolution_dimension_numbers, PJ_HLO_ConvolutionNumbers, &msg));
  PJ_TRY(pj_hlo_precisions(s, 2, false, &precisions));
  for (uint32_t i = 0; i < 2; ++i)
    PJ_TRY(pj_hlo_array(s, i, &array));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_CONVOLUTION, 1, 0);
  PJ_TRY(unify_operands(s, op));
  PJ_HLO_SET(op, window_strides, pj_attr_ints(arena, w.rank, w.stride));
  PJ_HLO_SET(op, padding, pj_attr_matrix(arena, w.rank, 2, w.padding));
  PJ_HLO_SET(op, lhs_dilation, pj_attr_ints(arena, w.rank, w.base_dilation));
  PJ_HLO_SET(op, rhs_dilation, pj_attr_ints(arena, w.rank, w.window_dilation));
  PJ_HLO_SET(op, window_reversal, pj_attr_bools(arena, w.rank, w.reversal));
  PJ_HLO_SET(op, input_batch_dimension, pj_attr_i64(arena, msg.input_batch));
  PJ_HLO_SET(op, input_feature_dimension, pj_attr_i64(arena, msg.input_feature));
  PJ_HLO_SET(op, input_spatial_dimensions, pj_hlo_ints_attr(s, msg.input_spatial));
  PJ_HLO_SET(op, kernel_input_feature_dimension, pj_attr_i64(arena, msg.kernel_input_feature));
  PJ_HLO_SET(op, kernel_output_feature_dimension, pj_attr_i64(arena, msg.kernel_output_feature));
  PJ_HLO_SET(op, kernel_spatial_dimensions, pj_hlo_ints_attr(s, msg.kernel_spatial));
  PJ_HLO_SET(op, output_batch_dimension, pj_attr_i64(arena, msg.output_batch));
  PJ_HLO_SET(op, output_feature_dimension, pj_attr_i64(arena, msg.output_feature));
  PJ_HLO_SET(op, output_spatial_dimensions, pj_hlo_ints_attr(s, msg.output_spatial));
  int64_t features = s->msg.feature_group_count, batches = s->msg.batch_group_count;
  PJ_HLO_SET(op, feature_group_count, pj_attr_i64(arena, features ? features : 1));
  PJ_HLO_SET(op, batch_group_count, pj_attr_i64(arena, batches ? batches : 1));
  PJ_HLO_SET(op, precision_config, precisions);
  return pj_hlo_finish(s, op);
}

// See perturb_unroll.h.
#include "perturb_unroll.h"

enum { MOST_PLACES = 128, MOST_ELEMENTS = 1 << 22 };

static PjValue *insert(PjOp *before, PjOp *op, const PjType *type) {
  op->results[0].type = type;
  pj_op_insert_before(before, op);
  return &op->results[0];
}

static PjValue *make_zero(PjArena *arena, PjOp *before, PjDtype dtype) {
  static const double zero[2];
  const PjType *type = pj_type_tensor(arena, dtype, 0, NULL);
  PjOp *op = pj_op_create(arena, PJ_OP_CONSTANT, 0, 1, 0);
  pj_op_set_attr(op, PJ_KEY_value,
                 pj_attr_elements(arena, type, zero, pj_dtype_bytes(dtype), true));
  return insert(before, op, type);
}

// With zeros around and between the elements.
static PjValue *make_padded(PjArena *arena, PjOp *conv) {
  const PjType *type = conv->operands[0]->type;
  uint32_t n;
  const int64_t *dims = PJ_INTS(conv, input_spatial_dimensions, &n),
                *dilation = PJ_INTS(conv, lhs_dilation, NULL),
                *padding = PJ_INTS(conv, padding, NULL);
  int64_t low[PJ_MAX_RANK] = {0}, high[PJ_MAX_RANK] = {0}, interior[PJ_MAX_RANK] = {0},
          padded[PJ_MAX_RANK];
  memcpy(padded, type->dims, (size_t)type->rank * sizeof *padded);
  for (uint32_t i = 0; i < n; ++i) {
    int64_t d = dims[i];
    low[d] = padding[2 * i];
    high[d] = padding[2 * i + 1];
    interior[d] = dilation[i] - 1;
    padded[d] = (type->dims[d] ? (type->dims[d] - 1) * dilation[i] + 1 : 0) + low[d] + high[d];
  }
  PjOp *op = pj_op_create(arena, PJ_OP_PAD, 2, 1, 0);
  op->operands[0] = conv->operands[0];
  op->operands[1] = make_zero(arena, conv, type->dtype);
  pj_op_set_attr(op, PJ_KEY_edge_padding_low, pj_attr_ints(arena, (size_t)type->rank, low));
  pj_op_set_attr(op, PJ_KEY_edge_padding_high, pj_attr_ints(arena, (size_t)type->rank, high));
  pj_op_set_attr(op, PJ_KEY_interior_padding, pj_attr_ints(arena, (size_t)type->rank, interior));
  return insert(conv, op, pj_type_tensor(arena, type->dtype, type->rank, padded));
}

// |n| of |dims| from |from| in |steps|, |counts| elements each; the others whole.
static PjValue *make_slice(PjArena *arena, PjOp *before, PjValue *x, uint32_t n,
                           const int64_t *dims, const int64_t *from, const int64_t *steps,
                           const int64_t *counts) {
  const PjType *type = x->type;
  size_t rank = (size_t)type->rank;
  int64_t start[PJ_MAX_RANK] = {0}, limit[PJ_MAX_RANK], stride[PJ_MAX_RANK], size[PJ_MAX_RANK];
  for (size_t d = 0; d < rank; ++d) {
    limit[d] = size[d] = type->dims[d];
    stride[d] = 1;
  }
  for (uint32_t i = 0; i < n; ++i) {
    int64_t d = dims[i];
    start[d] = from[i];
    stride[d] = steps[i];
    size[d] = counts[i];
    limit[d] = from[i] + (counts[i] - 1) * steps[i] + 1;
  }
  PjOp *op = pj_op_create(arena, PJ_OP_SLICE, 1, 1, 0);
  op->operands[0] = x;
  pj_op_set_attr(op, PJ_KEY_start_indices, pj_attr_ints(arena, rank, start));
  pj_op_set_attr(op, PJ_KEY_limit_indices, pj_attr_ints(arena, rank, limit));
  pj_op_set_attr(op, PJ_KEY_strides, pj_attr_ints(arena, rank, stride));
  return insert(before, op, pj_type_tensor(arena, type->dtype, type->rank, size));
}

static PjValue *make_joined(PjArena *arena, PjOp *before, uint32_t count, PjValue *const *parts,
                            int64_t dim) {
  const PjType *type = parts[0]->type;
  int64_t dims[PJ_MAX_RANK];
  memcpy(dims, type->dims, (size_t)type->rank * sizeof *dims);
  dims[dim] *= count;
  PjOp *op = pj_op_create(arena, PJ_OP_CONCATENATE, count, 1, 0);
  memcpy(op->operands, parts, count * sizeof *parts);
  pj_op_set_attr(op, PJ_KEY_dimension, pj_attr_i64(arena, dim));
  return insert(before, op, pj_type_tensor(arena, type->dtype, type->rank, dims));
}

void perturb_unroll(PjArena *arena, PjOp *op) {
  const PjType *x = op->operands[0]->type, *w = op->operands[1]->type, *y = op->results[0].type;
  uint32_t n;
  const int64_t *kernel = PJ_INTS(op, kernel_spatial_dimensions, &n),
                *in = PJ_INTS(op, input_spatial_dimensions, NULL),
                *out = PJ_INTS(op, output_spatial_dimensions, NULL),
                *stride = PJ_INTS(op, window_strides, NULL),
                *dilation = PJ_INTS(op, rhs_dilation, NULL),
                *reversal = PJ_INTS(op, window_reversal, NULL);
  int64_t places = 1, elements = PJ_INT(op, input_feature_dimension), size[PJ_MAX_RANK],
          at[PJ_MAX_RANK] = {0}, from[PJ_MAX_RANK], ones[PJ_MAX_RANK], zeros[2 * PJ_MAX_RANK] = {0};
  elements = x->dims[elements] * x->dims[PJ_INT(op, input_batch_dimension)];
  for (uint32_t i = 0; i < n; ++i) {
    places *= w->dims[kernel[i]];
    size[i] = y->dims[out[i]];
    elements *= size[i];
    ones[i] = 1;
  }
  if (x->quant || w->quant || PJ_INT(op, feature_group_count) != 1 || places < 2 ||
      places > MOST_PLACES || !elements || elements > MOST_ELEMENTS / places)
    return;
  PjValue *parts[2][MOST_PLACES], *padded = make_padded(arena, op);
  for (int64_t k = 0; k < places; ++k) {
    int64_t rest = k;
    for (uint32_t i = n; i-- > 0; rest /= w->dims[kernel[i]]) {
      int64_t window = w->dims[kernel[i]];
      at[i] = rest % window;
      from[i] = (reversal[i] ? window - 1 - at[i] : at[i]) * dilation[i];
    }
    parts[0][k] = make_slice(arena, op, padded, n, in, from, stride, size);
    parts[1][k] = make_slice(arena, op, op->operands[1], n, kernel, at, ones, ones);
  }
  op->operands[0] =
      make_joined(arena, op, (uint32_t)places, parts[0], PJ_INT(op, input_feature_dimension));
  op->operands[1] = make_joined(arena, op, (uint32_t)places, parts[1],
                                PJ_INT(op, kernel_input_feature_dimension));
  pj_op_set_attr(op, PJ_KEY_window_strides, pj_attr_ints(arena, n, ones));
  pj_op_set_attr(op, PJ_KEY_lhs_dilation, pj_attr_ints(arena, n, ones));
  pj_op_set_attr(op, PJ_KEY_rhs_dilation, pj_attr_ints(arena, n, ones));
  pj_op_set_attr(op, PJ_KEY_window_reversal, pj_attr_bools(arena, n, zeros));
  pj_op_set_attr(op, PJ_KEY_padding, pj_attr_matrix(arena, n, 2, zeros));
}

// A convolution of one feature that gives one, by a small window, becomes the sum of its places:
//
//   %r = convolution(%x, %k), window [3], padding [1, 1]
//     =>  %p = pad %x, 0 ; %r = %p[0 : n] * %k[0] + %p[1 : n + 1] * %k[1] + ..
//
// So are stencils and filters of images written. A routine would use each element of the input as
// often, but has no features to put into its vectors and reads copies of padded rows; the sum is
// one kernel, together with what is computed before and after it.
//
// The places are summed in row-major order and from zero, as the evaluator does: a sum of nothing
// but -0 is 0.
#include "pass/constant.h"
#include "pass/simplify.h"

enum {
  MAX_LEAVES = 32, // what a kernel reads for them: more may be cut apart
  MIN_RESULTS = 64,
  MIN_ROW = 8, // of the last dimension but for features
};

typedef struct Taps {
  PjRewrite *rw;
  PjOp *op;
  PjValue *x, *kernel; // [batch, spatial] in the order of the result, and the window's places
  const PjType *type;  // of the result without its feature
  int32_t rank, num_spatial;
  int32_t spatial[PJ_MAX_RANK]; // of a dimension of |type|, or -1
} Taps;

// Dimensions of |type| but for |feature|, in their order, and which spatial one each is.
static void list_dims(const PjType *type, int64_t feature, const int64_t *spatial, int32_t count,
                      int64_t *dims, int32_t *which) {
  for (int32_t d = 0, at = 0; d < type->rank; ++d) {
    if (d == feature)
      continue;
    which[at] = -1;
    for (int32_t i = 0; i < count; ++i)
      if (spatial[i] == d)
        which[at] = i;
    dims[at++] = type->dims[d];
  }
}

// The type that the sum is computed in.
static PjDtype sum_type(PjDtype dtype) {
  return pj_dtype_is_float(dtype) && pj_dtype_bytes(dtype) < 4 ? PJ_DT_F32 : dtype;
}

static bool fits(const PjOp *op) {
  const PjType *x = op->operands[0]->type, *kernel = op->operands[1]->type,
               *type = op->results[0].type;
  uint32_t num_spatial;
  const int64_t *in_dilation = PJ_INTS(op, lhs_dilation, &num_spatial);
  if (x->dims[PJ_INT(op, input_feature_dimension)] != 1 ||
      type->dims[PJ_INT(op, output_feature_dimension)] != 1 || PJ_INT(op, batch_group_count) != 1 ||
      pj_count(type) < MIN_RESULTS ||
      pj_count(kernel) * (pj_const_of(op->operands[1]) ? 1 : 2) > MAX_LEAVES ||
      !(pj_dtype_is_float(type->dtype) || pj_dtype_is_int(type->dtype)) ||
      pj_dtype_is_float(type->dtype) != pj_dtype_is_float(x->dtype) ||
      pj_dtype_is_float(type->dtype) != pj_dtype_is_float(kernel->dtype))
    return false;
  for (uint32_t i = 0; i < num_spatial; ++i)
    if (in_dilation[i] != 1)
      return false;
  return true;
}

// |x| with zeros around it.
static void pad_input(Taps *t) {
  PjRewrite *rw = t->rw;
  const int64_t *padding = PJ_INTS(t->op, padding, NULL);
  int64_t low[PJ_MAX_RANK], high[PJ_MAX_RANK], interior[PJ_MAX_RANK], dims[PJ_MAX_RANK];
  bool changes = false;
  for (int32_t d = 0; d < t->rank; ++d) {
    const int32_t i = t->spatial[d];
    low[d] = i < 0 ? 0 : padding[2 * i];
    high[d] = i < 0 ? 0 : padding[2 * i + 1];
    interior[d] = 0;
    dims[d] = t->x->type->dims[d] + low[d] + high[d];
    changes |= low[d] || high[d];
  }
  if (!changes)
    return;
  const PjType *scalar = pj_type_with_dims(rw->arena, t->x->type, 0, NULL);
  PjValue *operands[] = {t->x, pj_dtype_is_float(scalar->dtype)
                                   ? pj_build_float(rw, t->op, scalar, 0)
                                   : pj_build_int(rw, t->op, scalar, 0)};
  PjOp *pad = pj_build_op(rw, t->op, PJ_OP_PAD, 2, operands,
                          pj_type_with_dims(rw->arena, t->x->type, t->rank, dims));
  const uint32_t rank = (uint32_t)t->rank;
  pj_op_set_attr(pad, PJ_KEY_edge_padding_low, pj_attr_ints(rw->arena, rank, low));
  pj_op_set_attr(pad, PJ_KEY_edge_padding_high, pj_attr_ints(rw->arena, rank, high));
  pj_op_set_attr(pad, PJ_KEY_interior_padding, pj_attr_ints(rw->arena, rank, interior));
  t->x = pj_build_done(rw, pad);
}

// The input under the place |k| of the window, times that place.
static PjValue *tap(const Taps *t, const int64_t *k) {
  PjRewrite *rw = t->rw;
  const int64_t *stride = PJ_INTS(t->op, window_strides, NULL),
                *dilation = PJ_INTS(t->op, rhs_dilation, NULL),
                *kernel_dims = PJ_INTS(t->op, kernel_spatial_dimensions, NULL),
                *reversal = PJ_INTS(t->op, window_reversal, NULL);
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK], steps[PJ_MAX_RANK];
  for (int32_t d = 0; d < t->rank; ++d) {
    const int32_t i = t->spatial[d];
    start[d] = i < 0 ? 0 : k[i] * dilation[i];
    steps[d] = i < 0 ? 1 : stride[i];
    limit[d] = start[d] + (t->type->dims[d] - 1) * steps[d] + 1;
  }
  PjValue *under = pj_build_slice(rw, t->op, t->x, start, limit, steps);
  for (int32_t d = 0; d < t->kernel->type->rank; ++d) {
    start[d] = 0;
    limit[d] = 1;
  }
  for (int32_t i = 0; i < t->num_spatial; ++i) {
    const int64_t d = kernel_dims[i], size = t->kernel->type->dims[d];
    start[d] = reversal[i] ? size - 1 - k[i] : k[i];
    limit[d] = start[d] + 1;
  }
  PjValue *weight = pj_build_slice(rw, t->op, t->kernel, start, limit, NULL);
  weight = pj_build_reshape_dims(rw, t->op, weight, 0, NULL);
  weight = pj_build_broadcast(rw, t->op, weight, NULL, under->type);
  return pj_build_binary(rw, t->op, PJ_OP_MULTIPLY, under, weight);
}

static PjValue *sum_of_taps(const Taps *t) {
  const int64_t *kernel_dims = PJ_INTS(t->op, kernel_spatial_dimensions, NULL);
  int64_t k[PJ_MAX_RANK] = {0};
  PjValue *sum = NULL;
  if (pj_dtype_is_float(t->type->dtype))
    sum = pj_build_float(t->rw, t->op, t->type, 0);
  for (;;) {
    PjValue *next = tap(t, k);
    sum = sum ? pj_build_binary(t->rw, t->op, PJ_OP_ADD, sum, next) : next;
    int32_t i = t->num_spatial - 1;
    for (; i >= 0 && ++k[i] == t->kernel->type->dims[kernel_dims[i]]; --i)
      k[i] = 0;
    if (i < 0)
      return sum;
  }
}

bool pj_rule_convolution_taps(PjRewrite *rw, PjOp *op) {
  if (!fits(op))
    return false;
  const PjType *x = op->operands[0]->type, *type = op->results[0].type;
  Taps t = {.rw = rw, .op = op, .rank = type->rank - 1, .num_spatial = type->rank - 2};
  int64_t in[PJ_MAX_RANK], out[PJ_MAX_RANK];
  int32_t from[PJ_MAX_RANK];
  list_dims(x, PJ_INT(op, input_feature_dimension), PJ_INTS(op, input_spatial_dimensions, NULL),
            t.num_spatial, in, from);
  list_dims(type, PJ_INT(op, output_feature_dimension),
            PJ_INTS(op, output_spatial_dimensions, NULL), t.num_spatial, out, t.spatial);
  for (int32_t d = 0; d < t.rank; ++d)
    if (from[d] != t.spatial[d])
      return false;
  if (out[t.rank - 1] < MIN_ROW)
    return false;
  const PjDtype dtype = sum_type(type->dtype);
  t.type = pj_type_with_dtype(rw->arena, pj_type_with_dims(rw->arena, type, t.rank, out), dtype);
  t.x = pj_build_convert(rw, op, pj_build_reshape_dims(rw, op, op->operands[0], t.rank, in), dtype);
  t.kernel = pj_build_convert(rw, op, op->operands[1], dtype);
  pad_input(&t);
  PjValue *sum = pj_build_convert(rw, op, sum_of_taps(&t), type->dtype);
  return pj_rw_become(rw, op, pj_build_reshape(rw, op, sum, type));
}

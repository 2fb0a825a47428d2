// Rules of contractions and convolutions.
//
// The normal form of dot_general: no dimensions of size 1, operands that are no transposes where
// the contraction can read them as they lie, contracting dimensions in the order in which they lie
// in the left operand. Without anything to contract it is a product of broadcasts, with few
// elements a sum of such. A convolution whose windows do not overlap is a contraction.
//
// The order of sums may change where several dimensions are contracted, or another kernel does the
// work: the evaluator's bits are not kept there, as pass.h says.
#include "pass/contraction.h"
#include "pass/shapes.h"
#include "pass/simplify.h"

static bool keep(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become(rw, op, value);
}

// A dot_general of the sides, with the remaining attributes of |op|.
static PjValue *build_dot(PjRewrite *rw, PjOp *at, const PjOp *op, const PjSide side[2]) {
  int64_t dims[PJ_MAX_RANK];
  int32_t rank = 0;
  for (uint32_t i = 0; i < side[0].num_batch; ++i)
    dims[rank++] = side[0].x->type->dims[side[0].batch[i]];
  for (int s = 0; s < 2; ++s)
    for (int32_t d = 0; d < side[s].x->type->rank; ++d)
      if (pj_side_is_free(&side[s], d))
        dims[rank++] = side[s].x->type->dims[d];
  PjValue *operands[] = {side[0].x, side[1].x};
  PjOp *made = pj_build_op(rw, at, PJ_OP_DOT_GENERAL, 2, operands,
                           pj_type_with_dims(rw->arena, op->results[0].type, rank, dims));
  if (op->kind == PJ_OP_DOT_GENERAL)
    for (uint32_t i = 0; i < pj_op_info[PJ_OP_DOT_GENERAL].num_attrs; ++i)
      made->attrs[i] = op->attrs[i];
  else
    pj_op_set_attr(made, PJ_KEY_precision_config, PJ_ATTR(op, precision_config));
  pj_op_set_attr(made, PJ_KEY_lhs_batching_dimensions,
                 pj_attr_ints(rw->arena, side[0].num_batch, side[0].batch));
  pj_op_set_attr(made, PJ_KEY_rhs_batching_dimensions,
                 pj_attr_ints(rw->arena, side[1].num_batch, side[1].batch));
  pj_op_set_attr(made, PJ_KEY_lhs_contracting_dimensions,
                 pj_attr_ints(rw->arena, side[0].num_contract, side[0].contract));
  pj_op_set_attr(made, PJ_KEY_rhs_contracting_dimensions,
                 pj_attr_ints(rw->arena, side[1].num_contract, side[1].contract));
  return pj_build_done(rw, made);
}

// ------------------------------------------------------------------------------------ unit sizes

static bool has_units(const PjType *type) {
  for (int32_t d = 0; d < type->rank; ++d)
    if (type->dims[d] == 1)
      return true;
  return false;
}

static uint32_t drop_units(const int64_t *dims, const int64_t *sizes, uint32_t count,
                           const int32_t *place, int64_t *out) {
  uint32_t left = 0;
  for (uint32_t i = 0; i < count; ++i)
    if (sizes[dims[i]] != 1)
      out[left++] = place[dims[i]];
  return left;
}

static void squeeze_side(PjRewrite *rw, PjOp *op, PjSide *side) {
  const PjType *type = side->x->type;
  int32_t place[PJ_MAX_RANK], rank = 0;
  int64_t list[PJ_MAX_RANK];
  for (int32_t d = 0; d < type->rank; ++d)
    place[d] = type->dims[d] == 1 ? -1 : rank++;
  side->num_batch = drop_units(side->batch, type->dims, side->num_batch, place, list);
  memcpy(side->batch, list, side->num_batch * sizeof *list);
  side->num_contract = drop_units(side->contract, type->dims, side->num_contract, place, list);
  memcpy(side->contract, list, side->num_contract * sizeof *list);
  side->x = pj_build_squeeze(rw, op, side->x);
}

// ---------------------------------------------------------------------------------------- product

// PjSide |s| as one factor of |shape|, [batch, left, right].
static PjValue *factor(PjRewrite *rw, PjOp *at, const PjSide side[2], int s, PjValue *x,
                       const PjType *shape) {
  int64_t dims[PJ_MAX_RANK];
  int32_t place = (int32_t)side[0].num_batch, rank = 0;
  if (s == 1)
    place = shape->rank -
            (side[1].x->type->rank - (int32_t)side[1].num_batch - (int32_t)side[1].num_contract);
  for (int32_t d = 0; d < side[s].x->type->rank; ++d) {
    if (pj_list_has(side[s].contract, side[s].num_contract, d))
      continue;
    dims[rank] = -1;
    for (uint32_t i = 0; i < side[s].num_batch; ++i)
      if (side[s].batch[i] == d)
        dims[rank] = i;
    if (dims[rank] < 0)
      dims[rank] = place++;
    ++rank;
  }
  return pj_build_broadcast(rw, at, pj_build_convert(rw, at, x, shape->dtype), dims, shape);
}

// Element |k| of the dimension that is contracted.
static PjValue *pick(PjRewrite *rw, PjOp *at, const PjSide *side, int64_t k) {
  int64_t start[PJ_MAX_RANK] = {0}, limit[PJ_MAX_RANK], dims[PJ_MAX_RANK];
  const PjType *type = side->x->type;
  int32_t rank = 0;
  for (int32_t d = 0; d < type->rank; ++d) {
    limit[d] = type->dims[d];
    if (d != side->contract[0])
      dims[rank++] = type->dims[d];
  }
  start[side->contract[0]] = k;
  limit[side->contract[0]] = k + 1;
  PjValue *x = pj_build_slice(rw, at, side->x, start, limit, NULL);
  return pj_build_reshape_dims(rw, at, x, rank, dims);
}

// x[b, m, k] * y[b, n, k] for each k, added to the +0 that sums begin with; |count| is 0 where
// there is nothing to contract: x[b, m] * y[b, n].
static bool become_products(PjRewrite *rw, PjOp *op, const PjSide side[2], const PjType *squeezed,
                            int64_t count) {
  const PjType *type = op->results[0].type;
  PjDtype from = side[0].x->type->dtype, dtype = pj_product_type(from, type->dtype);
  if (side[1].x->type->dtype != from || dtype == PJ_DT_INVALID)
    return false;
  const PjType *shape = pj_type_with_dtype(rw->arena, squeezed, dtype);
  PjValue *sum = NULL;
  for (int64_t k = 0; !k || k < count; ++k) {
    PjValue *factors[2];
    for (int s = 0; s < 2; ++s) {
      PjValue *x = count ? pick(rw, op, &side[s], k) : side[s].x;
      factors[s] = factor(rw, op, side, s, x, shape);
    }
    PjValue *product = pj_build_binary(rw, op, PJ_OP_MULTIPLY, factors[0], factors[1]);
    if (!sum && pj_dtype_is_float(dtype))
      sum = pj_build_float(rw, op, shape, 0);
    sum = sum ? pj_build_binary(rw, op, PJ_OP_ADD, product, sum) : product;
  }
  sum = pj_build_convert(rw, op, sum, type->dtype);
  return keep(rw, op, pj_build_reshape(rw, op, sum, type));
}

// True for contractions so short that each is but a few instructions, and of which no operand is
// used again: a call and its way through memory would cost more, and as sums of products they are
// computed with what is around them. Positions, velocities and rotations of many bodies are such.
static bool is_few_products(const PjOp *op, const PjSide side[2]) {
  enum { FEW = 4, ENOUGH = 8 };
  if (side[0].num_contract != 1 || pj_count(op->results[0].type) < ENOUGH)
    return false;
  int64_t count = side[0].x->type->dims[side[0].contract[0]];
  bool once = false;
  for (int s = 0; s < 2; ++s)
    once |= side[s].x->type->rank == (int32_t)side[s].num_batch + 1;
  return once && count > 0 && count <= FEW;
}

// ------------------------------------------------------------------------------------ dot_general

// Reads through a transpose if the free dimensions stay in order.
static bool see_through(PjSide *side) {
  PjOp *transpose = pj_def(side->x, PJ_OP_TRANSPOSE);
  if (!transpose)
    return false;
  const int64_t *perm = PJ_INTS(transpose, permutation, NULL);
  int64_t last = -1;
  for (int32_t d = 0; d < side->x->type->rank; ++d) {
    if (!pj_side_is_free(side, d))
      continue;
    if (perm[d] < last)
      return false;
    last = perm[d];
  }
  for (uint32_t i = 0; i < side->num_batch; ++i)
    side->batch[i] = perm[side->batch[i]];
  for (uint32_t i = 0; i < side->num_contract; ++i)
    side->contract[i] = perm[side->contract[i]];
  side->x = transpose->operands[0];
  return true;
}

// Orders pairs of contracting dimensions by the left one.
static bool sort_contracting(PjSide side[2]) {
  bool changed = false;
  for (uint32_t i = 1; i < side[0].num_contract; ++i)
    for (uint32_t j = i; j > 0 && side[0].contract[j] < side[0].contract[j - 1]; --j) {
      for (int s = 0; s < 2; ++s) {
        int64_t swap = side[s].contract[j];
        side[s].contract[j] = side[s].contract[j - 1];
        side[s].contract[j - 1] = swap;
      }
      changed = true;
    }
  return changed;
}

bool pj_rule_dot_general(PjRewrite *rw, PjOp *op) {
  const PjType *type = op->results[0].type;
  PjSide side[2];
  if (pj_has_algorithm(op) || !pj_count(type))
    return false;
  pj_sides_read(op, side);
  bool changed = false;
  if (has_units(side[0].x->type) || has_units(side[1].x->type)) {
    for (int s = 0; s < 2; ++s)
      squeeze_side(rw, op, &side[s]);
    changed = true;
  }
  bool few = is_few_products(op, side);
  if (!side[0].num_contract || few) {
    int64_t dims[PJ_MAX_RANK];
    int32_t rank = 0;
    for (int32_t d = 0; d < type->rank; ++d)
      if (type->dims[d] != 1)
        dims[rank++] = type->dims[d];
    int64_t count = few ? side[0].x->type->dims[side[0].contract[0]] : 0;
    if (become_products(rw, op, side, pj_type_with_dims(rw->arena, type, rank, dims), count))
      return true;
  }
  changed |= see_through(&side[0]);
  changed |= see_through(&side[1]);
  changed |= sort_contracting(side);
  return changed && keep(rw, op, pj_build_reshape(rw, op, build_dot(rw, op, op, side), type));
}

static void swap_precision(PjRewrite *rw, PjValue *dot, const PjOp *like) {
  const PjAttr *precision = PJ_ATTR(like, precision_config);
  if (precision && precision->count == 2)
    pj_op_set_attr(
        dot->def, PJ_KEY_precision_config,
        pj_attr_array(rw->arena, 2, (const PjAttr *[]){precision->elems[1], precision->elems[0]}));
}

// [batch, left, right] transposed becomes [batch, right, left] by exchanging the operands, with or
// without a transpose that is left to do: then one that keeps the last dimension, so that whole
// rows are moved.
bool pj_rule_transpose_of_dot(PjRewrite *rw, PjOp *op, PjOp *dot) {
  PjSide side[2];
  const int64_t *perm = PJ_INTS(op, permutation, NULL);
  if (pj_rw_uses(rw, &dot->results[0]) != 1 || pj_has_algorithm(dot))
    return false;
  pj_sides_read(dot, side);
  int64_t rank = dot->results[0].type->rank, batch = side[0].num_batch,
          left = side[0].x->type->rank - batch - (int64_t)side[0].num_contract,
          right = rank - batch - left;
  if (perm[rank - 1] != batch + left - 1 || !left || !right)
    return false;
  int64_t after[PJ_MAX_RANK];
  for (int64_t i = 0; i < rank; ++i)
    after[i] = perm[i] < batch          ? perm[i]
               : perm[i] < batch + left ? perm[i] + right
                                        : perm[i] - left;
  PjSide swapped[] = {side[1], side[0]};
  PjValue *made = build_dot(rw, op, dot, swapped);
  swap_precision(rw, made, dot);
  return keep(rw, op, pj_build_transpose(rw, op, made, after));
}

// ------------------------------------------------------------------------------------ convolution

// What becomes of one spatial dimension of the input: |size| elements from the first on, every
// |stride|-th, seen as [windows, window].
typedef struct Spatial {
  int64_t size, stride, windows, window;
} Spatial;

static bool plan_spatial(const PjOp *op, int32_t i, Spatial *out) {
  const int64_t *in = PJ_INTS(op, input_spatial_dimensions, NULL),
                *kernel = PJ_INTS(op, kernel_spatial_dimensions, NULL),
                *result = PJ_INTS(op, output_spatial_dimensions, NULL);
  int64_t size = op->operands[0]->type->dims[in[i]],
          window = op->operands[1]->type->dims[kernel[i]],
          windows = op->results[0].type->dims[result[i]],
          stride = PJ_INTS(op, window_strides, NULL)[i];
  if (PJ_INTS(op, padding, NULL)[2 * i] || PJ_INTS(op, padding, NULL)[2 * i + 1] ||
      PJ_INTS(op, lhs_dilation, NULL)[i] != 1 || !windows || !window)
    return false;
  if (window > 1 &&
      (PJ_INTS(op, rhs_dilation, NULL)[i] != 1 || PJ_INTS(op, window_reversal, NULL)[i]))
    return false;
  if (window == 1) {
    *out = (Spatial){(windows - 1) * stride + 1, stride, windows, 1};
    return true;
  }
  *out = (Spatial){windows * window, 1, windows, window};
  return (windows == 1 || stride == window) && out->size <= size;
}

// Zeros around the input are padding of the convolution.
static bool absorb_padding(PjRewrite *rw, PjOp *op) {
  PjOp *pad = pj_def(op->operands[0], PJ_OP_PAD);
  uint32_t num_spatial;
  const int64_t *in = PJ_INTS(op, input_spatial_dimensions, &num_spatial);
  if (!pad || !pj_const_is_zero(pad->operands[1]))
    return false;
  const int64_t *low = PJ_INTS(pad, edge_padding_low, NULL),
                *high = PJ_INTS(pad, edge_padding_high, NULL),
                *interior = PJ_INTS(pad, interior_padding, NULL);
  int64_t padding[2 * PJ_MAX_RANK];
  for (int32_t d = 0; d < op->operands[0]->type->rank; ++d)
    if (low[d] < 0 || high[d] < 0 || interior[d] ||
        (!pj_list_has(in, num_spatial, d) && (low[d] || high[d])))
      return false;
  for (uint32_t i = 0; i < num_spatial; ++i) {
    padding[2 * i] = PJ_INTS(op, padding, NULL)[2 * i] + low[in[i]];
    padding[2 * i + 1] = PJ_INTS(op, padding, NULL)[2 * i + 1] + high[in[i]];
    if (PJ_INTS(op, lhs_dilation, NULL)[i] != 1)
      return false;
  }
  PjValue *operands[] = {pad->operands[0], op->operands[1]};
  PjValue *made = pj_build_like(rw, op, op, operands, op->results[0].type);
  pj_op_set_attr(made->def, PJ_KEY_padding, pj_attr_matrix(rw->arena, num_spatial, 2, padding));
  return keep(rw, op, made);
}

enum { LARGE_WINDOW = 64 };

// A convolution whose windows do not overlap:
//   input [n, h, w, c] seen as [n, H, kh, W, kw, c], contracted with the kernel over kh, kw, c.
// Only where the result comes out in its order, or windows are so large that it is small beside the
// input: then it is transposed.
bool pj_rule_convolution(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *kernel = op->operands[1];
  const PjType *type = op->results[0].type;
  int32_t rank = type->rank, num_spatial = rank - 2;
  Spatial plan[PJ_MAX_RANK];
  if (PJ_INT(op, feature_group_count) != 1 || PJ_INT(op, batch_group_count) != 1 ||
      !pj_count(type) || !pj_count(x->type) || 2 * rank > PJ_MAX_RANK)
    return false;
  if (absorb_padding(rw, op))
    return true;
  for (int32_t i = 0; i < num_spatial; ++i)
    if (!plan_spatial(op, i, &plan[i]))
      return pj_rule_convolution_taps(rw, op);

  const int64_t *in = PJ_INTS(op, input_spatial_dimensions, NULL),
                *kernel_dims = PJ_INTS(op, kernel_spatial_dimensions, NULL),
                *result_dims = PJ_INTS(op, output_spatial_dimensions, NULL);
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK], strides[PJ_MAX_RANK], dims[PJ_MAX_RANK];
  int64_t place[PJ_MAX_RANK]; // of a free dimension of the contraction: in the result
  int32_t count = 0, num_free = 0;
  int64_t elements = 1; // of a window
  PjSide side[2] = {{.num_contract = 0}, {.num_contract = 0}};
  side[0].num_contract = side[1].num_contract = (uint32_t)num_spatial + 1;
  for (int32_t d = 0; d < rank; ++d) {
    start[d] = 0;
    limit[d] = x->type->dims[d];
    strides[d] = 1;
    int32_t spatial = -1;
    for (int32_t i = 0; i < num_spatial; ++i)
      if (in[i] == d)
        spatial = i;
    if (spatial < 0) {
      bool feature = d == PJ_INT(op, input_feature_dimension);
      if (feature)
        side[0].contract[num_spatial] = count;
      else
        place[num_free++] = PJ_INT(op, output_batch_dimension);
      dims[count++] = limit[d];
      continue;
    }
    limit[d] = plan[spatial].size;
    strides[d] = plan[spatial].stride;
    place[num_free++] = result_dims[spatial];
    dims[count++] = plan[spatial].windows;
    side[0].contract[spatial] = count;
    dims[count++] = plan[spatial].window;
    elements *= plan[spatial].window;
    side[1].contract[spatial] = kernel_dims[spatial];
  }
  side[1].contract[num_spatial] = PJ_INT(op, kernel_input_feature_dimension);
  // Free dimensions of the input, then output features; or the other way round.
  int64_t feature = PJ_INT(op, output_feature_dimension), last = -1;
  int64_t forward[PJ_MAX_RANK], backward[PJ_MAX_RANK];
  for (int32_t i = 0; i < num_free; ++i)
    forward[i] = backward[i + 1] = place[i];
  forward[num_free] = backward[0] = feature;
  for (int order = 0; order < (elements < LARGE_WINDOW ? 2 : 3); ++order) {
    const int64_t *to = order == 1 ? backward : forward;
    bool in_order = true;
    last = -1;
    for (int32_t i = 0; i < rank; ++i) {
      if (type->dims[to[i]] == 1)
        continue;
      in_order &= to[i] > last;
      last = to[i];
    }
    if (!in_order && order < 2)
      continue;
    side[0].x = pj_build_reshape_dims(rw, op, pj_build_slice(rw, op, x, start, limit, strides),
                                      count, dims);
    side[1].x = kernel;
    if (order == 1) {
      PjSide swap = side[0];
      side[0] = side[1];
      side[1] = swap;
    }
    PjValue *dot = build_dot(rw, op, op, side);
    if (order == 1)
      swap_precision(rw, dot, op);
    if (!in_order) {
      int64_t permutation[PJ_MAX_RANK], sizes[PJ_MAX_RANK];
      for (int32_t i = 0; i < rank; ++i) {
        permutation[to[i]] = i;
        sizes[i] = type->dims[to[i]];
      }
      dot =
          pj_build_transpose(rw, op, pj_build_reshape_dims(rw, op, dot, rank, sizes), permutation);
    }
    return keep(rw, op, pj_build_reshape(rw, op, dot, type));
  }
  return false;
}

// Attention, as frameworks write it:
//
//   s = dot_general q, k                    [batch.., rows, keys] in any order of dimensions
//   s = any of: multiply s, c; divide s, c; add s, bias; select mask, s, c; reshape; transpose
//   e = exponential(subtract s, broadcast(reduce maximum s))
//   p = divide e, broadcast(reduce add e)
//   o = dot_general p (reshaped, transposed, narrowed), v
//   o = transpose o                         where nothing else reads o
//
// What a mask is compared from (iotas, lengths) is looked at, but stays outside: masks and biases
// that are not plainly causal are read from memory, without the dimensions in which they repeat.
//
// Dimensions are followed by the axis of the scores that they are: axis i is dimension i of the
// first product's result. Dimensions of size 1 have none; so reshapes may add or take them.
#include "pass/match_attention.h"

#include <math.h>

#include "eval/comp.h"
#include "pass/body.h"
#include "pass/constant.h"

enum {
  MAX_PATH = 20,
  NEAR = 64, // operations behind a product, within which its reader is looked for
  NO_AXIS = -1,
};

// The axis of each dimension of some value.
typedef struct Axes {
  int32_t rank;
  int8_t of[PJ_MAX_RANK];
} Axes;

typedef struct Match {
  PjAttentionMatch *out;
  const PjRegion *region;
  // From the first product to the scores under softmax; each with the operand that led there.
  uint32_t length;
  const PjOp *path[MAX_PATH];
  const PjOp *scores_dot;
  int8_t key, row;           // axes; row: NO_AXIS for a single query
  int64_t size[PJ_MAX_RANK]; // of each axis
  int32_t num_axes;
} Match;

static const PjOp *made_by(const Match *m, const PjValue *value) {
  return value->def && value->def->region == m->region ? value->def : NULL;
}

static bool keep_op(Match *m, const PjOp *op) {
  if (m->out->num_ops == PJ_MAX_ATTENTION_OPS)
    return false;
  m->out->ops[m->out->num_ops++] = op;
  return true;
}

static bool is_float_array(const PjValue *value) {
  return value->type->kind == PJ_TYPE_TENSOR && pj_type_is_static(value->type) &&
         !value->type->quant &&
         (value->type->dtype == PJ_DT_F32 || value->type->dtype == PJ_DT_BF16 ||
          value->type->dtype == PJ_DT_F16);
}

// ---- axes
// Those of a reshape's result from its operand's, or the other way round: the dimensions that are
// not 1 are the same.
static bool reshape_axes(const PjType *from, const PjType *to, const Axes *in, Axes *out) {
  int32_t d = 0;
  out->rank = to->rank;
  for (int32_t i = 0; i < to->rank; ++i) {
    out->of[i] = NO_AXIS;
    if (to->dims[i] == 1)
      continue;
    while (d < from->rank && from->dims[d] == 1)
      ++d;
    if (d == from->rank || from->dims[d] != to->dims[i])
      return false;
    out->of[i] = in->of[d++];
  }
  while (d < from->rank && from->dims[d] == 1)
    ++d;
  return d == from->rank;
}

static bool axes_equal(const Axes *a, const Axes *b) {
  if (a->rank != b->rank)
    return false;
  for (int32_t d = 0; d < a->rank; ++d)
    if (a->of[d] != b->of[d])
      return false;
  return true;
}

// Goes back through broadcasts, reshapes and transposes to what repeats in |value|, whose axes are
// |axes|; those of what is found replace them. With |keep| the operations become part of the match.
static const PjValue *source_of(Match *m, const PjValue *value, Axes *axes, bool keep) {
  for (int depth = 0; depth < 8; ++depth) {
    const PjOp *op = made_by(m, value);
    if (!op)
      return value;
    const PjValue *from = op->num_operands == 1 ? op->operands[0] : NULL;
    Axes next = {0};
    if (op->kind == PJ_OP_BROADCAST_IN_DIM) {
      const int64_t *dims = PJ_INTS(op, broadcast_dimensions, NULL);
      next.rank = from->type->rank;
      for (int32_t d = 0; d < next.rank; ++d)
        next.of[d] = from->type->dims[d] == 1 ? NO_AXIS : axes->of[dims[d]];
    } else if (op->kind == PJ_OP_TRANSPOSE) {
      const int64_t *permutation = PJ_INTS(op, permutation, NULL);
      next.rank = axes->rank;
      for (int32_t d = 0; d < next.rank; ++d)
        next.of[permutation[d]] = axes->of[d];
    } else if (op->kind != PJ_OP_RESHAPE || !reshape_axes(value->type, from->type, axes, &next)) {
      return value;
    }
    if (keep && !keep_op(m, op))
      return NULL;
    *axes = next;
    value = from;
  }
  return value;
}

// Strides of |type| along the axes.
static void strides_of(const Match *m, const PjType *type, const Axes *axes, int64_t *out) {
  for (int32_t i = 0; i < m->num_axes; ++i)
    out[i] = 0;
  int64_t stride = 1;
  for (int32_t d = type->rank - 1; d >= 0; --d) {
    if (axes->of[d] != NO_AXIS)
      out[axes->of[d]] += stride;
    stride *= type->dims[d];
  }
}

// ---- softmax, backwards
static const PjOp *expect(Match *m, const PjValue *value, PjOpKind kind) {
  const PjOp *op = made_by(m, value);
  return op && op->kind == kind && keep_op(m, op) ? op : NULL;
}

static bool is_reduce(const PjOp *op, const PjValue *of, PjOpKind kind) {
  double init;
  if (op->num_operands != 2 || op->operands[0] != of || pj_region_binary(&op->regions[0]) != kind ||
      !pj_const_float(op->operands[1], &init))
    return false;
  return kind == PJ_OP_ADD ? init == 0 : init == -INFINITY;
}

// The one axis that |op| reduces; false if it is not one.
static bool reduced_axis(const PjOp *op, const Axes *axes, int8_t *out, Axes *left) {
  uint32_t n;
  const int64_t *dims = PJ_INTS(op, dimensions, &n);
  bool reduced[PJ_MAX_RANK] = {false};
  int count = 0;
  for (uint32_t i = 0; i < n; ++i) {
    reduced[dims[i]] = true;
    if (axes->of[dims[i]] != NO_AXIS) {
      *out = axes->of[dims[i]];
      ++count;
    }
  }
  left->rank = 0;
  for (int32_t d = 0; d < axes->rank; ++d)
    if (!reduced[d])
      left->of[left->rank++] = axes->of[d];
  return count == 1;
}

// |value|, of axes |axes|, is the reduction |kind| of |of| along the keys, repeated.
static bool is_repeated_reduce(Match *m, const PjValue *value, const PjValue *of, PjOpKind kind,
                               const Axes *axes) {
  Axes found = *axes, left;
  const PjValue *source = source_of(m, value, &found, true);
  const PjOp *reduce = source ? expect(m, source, PJ_OP_REDUCE) : NULL;
  int8_t axis;
  return reduce && is_reduce(reduce, of, kind) && reduced_axis(reduce, axes, &axis, &left) &&
         axis == m->key && axes_equal(&left, &found);
}

// ---- the way to the scores
static bool is_scalar_step(const PjOp *op, uint32_t i) {
  double c;
  return (op->kind == PJ_OP_MULTIPLY || (op->kind == PJ_OP_DIVIDE && i == 0)) &&
         pj_const_float(op->operands[1 - i], &c);
}

// Finds the first product behind |value|, leaving the way in m->path, last operation first.
static bool find_scores(Match *m, const PjValue *value, uint32_t length, int *budget) {
  const PjOp *op = made_by(m, value);
  if (!op || length == MAX_PATH || --*budget < 0 || value->type->dtype != PJ_DT_F32)
    return false;
  if (op->kind == PJ_OP_DOT_GENERAL) {
    m->scores_dot = op;
    m->length = length;
    return true;
  }
  m->path[length] = op;
  switch (op->kind) {
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
    return find_scores(m, op->operands[0], length + 1, budget);
  case PJ_OP_SELECT:
    return find_scores(m, op->operands[1], length + 1, budget) ||
           find_scores(m, op->operands[2], length + 1, budget);
  case PJ_OP_ADD:
    return find_scores(m, op->operands[0], length + 1, budget) ||
           find_scores(m, op->operands[1], length + 1, budget);
  case PJ_OP_MULTIPLY:
  case PJ_OP_DIVIDE:
    for (uint32_t i = 0; i < 2; ++i)
      if (is_scalar_step(op, i))
        return find_scores(m, op->operands[i], length + 1, budget);
    return false;
  default:
    return false;
  }
}

// ---- steps
static PjScoreStep *add_step(Match *m, PjScoreKind kind) {
  PjAttention *a = &m->out->what;
  if (a->num_steps == PJ_MAX_SCORE_STEPS)
    return NULL;
  PjScoreStep *step = &a->steps[a->num_steps++];
  *step = (PjScoreStep){.kind = kind};
  return step;
}

// Strides of an input along rows, keys and batches.
static void set_strides(const Match *m, const int64_t *strides, int64_t *row, int64_t *key,
                        int64_t *batch) {
  int32_t n = 0;
  for (int8_t i = 0; i < m->num_axes; ++i)
    if (i != m->key && i != m->row && m->size[i] > 1)
      batch[n++] = strides[i];
  if (row)
    *row = m->row == NO_AXIS ? 0 : strides[m->row];
  if (key)
    *key = strides[m->key];
}

// |value| counts along one axis, from *out_offset on.
static bool is_count(Match *m, const PjValue *value, Axes axes, int8_t *out_axis,
                     int64_t *out_offset) {
  *out_offset = 0;
  for (int depth = 0; depth < 4; ++depth) {
    value = source_of(m, value, &axes, false);
    const PjOp *op = made_by(m, value);
    int64_t more;
    if (!op)
      return false;
    if (op->kind == PJ_OP_ADD && pj_const_int(op->operands[1], &more) && more > -(1 << 30) &&
        more < 1 << 30) {
      *out_offset += more;
      value = op->operands[0];
      continue;
    }
    if (op->kind != PJ_OP_IOTA)
      return false;
    *out_axis = axes.of[PJ_INT(op, iota_dimension)];
    return *out_axis != NO_AXIS;
  }
  return false;
}

// What is kept where |value| == |keep|, as keys up to row + *out_offset.
static bool is_causal(Match *m, const PjValue *value, const Axes *axes, bool keep,
                      int64_t *out_offset) {
  const PjOp *op = made_by(m, value);
  int8_t axis[2];
  int64_t from[2];
  if (!op || op->kind != PJ_OP_COMPARE || !pj_dtype_is_int(op->operands[0]->type->dtype) ||
      m->row == NO_AXIS || !is_count(m, op->operands[0], *axes, &axis[0], &from[0]) ||
      !is_count(m, op->operands[1], *axes, &axis[1], &from[1]))
    return false;
  // Numbers that wrap in a narrow type are left alone.
  const int64_t most = (int64_t)1 << (pj_dtype_bits(op->operands[0]->type->dtype) > 16 ? 30 : 6);
  if (m->size[m->row] + m->size[m->key] > most || from[0] > most || from[1] > most || from[0] < 0 ||
      from[1] < 0)
    return false;
  const bool row_first = axis[0] == m->row && axis[1] == m->key;
  if (!row_first && !(axis[0] == m->key && axis[1] == m->row))
    return false;
  int direction = (int)PJ_INT(op, comparison_direction);
  if (!keep)
    direction = direction == PJ_CMP_GE   ? PJ_CMP_LT
                : direction == PJ_CMP_GT ? PJ_CMP_LE
                : direction == PJ_CMP_LE ? PJ_CMP_GT
                : direction == PJ_CMP_LT ? PJ_CMP_GE
                                         : direction;
  const int64_t offset = row_first ? from[0] - from[1] : from[1] - from[0];
  if (direction == (row_first ? PJ_CMP_GE : PJ_CMP_LE))
    *out_offset = offset;
  else if (direction == (row_first ? PJ_CMP_GT : PJ_CMP_LT))
    *out_offset = offset - 1;
  else
    return false;
  return true;
}

static bool add_mask(Match *m, const PjValue *pred, Axes axes, bool keep, float value, int depth) {
  const PjValue *source = source_of(m, pred, &axes, false);
  const PjOp *op = made_by(m, source);
  if (op && keep && op->kind == PJ_OP_AND && depth < 3)
    return add_mask(m, op->operands[0], axes, keep, value, depth + 1) &&
           add_mask(m, op->operands[1], axes, keep, value, depth + 1);
  if (op && op->kind == PJ_OP_NOT && depth < 3)
    return add_mask(m, op->operands[0], axes, !keep, value, depth + 1);
  int64_t offset;
  if (is_causal(m, source, &axes, keep, &offset)) {
    PjScoreStep *step = add_step(m, PJ_SCORE_CAUSAL);
    if (!step)
      return false;
    step->value = value;
    step->offset = offset;
    return true;
  }
  PjScoreStep *step = add_step(m, PJ_SCORE_MASK);
  if (!step)
    return false;
  int64_t strides[PJ_MAX_RANK];
  strides_of(m, source->type, &axes, strides);
  set_strides(m, strides, &step->row, &step->key, step->batch);
  step->value = value;
  step->keep = keep;
  m->out->inputs[m->out->num_inputs++] = source;
  return true;
}

static bool add_bias(Match *m, const PjValue *value, Axes axes) {
  const PjValue *source = source_of(m, value, &axes, false);
  PjScoreStep *step = add_step(m, PJ_SCORE_ADD);
  if (!step || source->type->dtype != PJ_DT_F32)
    return false;
  int64_t strides[PJ_MAX_RANK];
  strides_of(m, source->type, &axes, strides);
  set_strides(m, strides, &step->row, &step->key, step->batch);
  m->out->inputs[m->out->num_inputs++] = source;
  return true;
}

// Follows the path from the product on: |axes| become those of the scores under softmax.
static bool follow_path(Match *m, const PjValue *scores, Axes *axes, bool steps) {
  const PjValue *value = &m->scores_dot->results[0];
  for (uint32_t i = m->length; i-- > 0;) {
    const PjOp *op = m->path[i];
    Axes next = *axes;
    double c;
    if (op->kind == PJ_OP_RESHAPE) {
      if (!reshape_axes(value->type, op->results[0].type, axes, &next))
        return false;
    } else if (op->kind == PJ_OP_TRANSPOSE) {
      const int64_t *permutation = PJ_INTS(op, permutation, NULL);
      for (int32_t d = 0; d < axes->rank; ++d)
        next.of[d] = axes->of[permutation[d]];
    } else if (!steps) {
      // Only where dimensions go.
    } else if (op->kind == PJ_OP_SELECT) {
      const bool keep = op->operands[1] == value;
      if (op->operands[0]->type->rank != axes->rank || op->operands[1] == op->operands[2] ||
          !pj_const_float(op->operands[keep ? 2 : 1], &c) ||
          !add_mask(m, op->operands[0], *axes, keep, (float)c, 0))
        return false;
    } else if (op->kind == PJ_OP_ADD) {
      const PjValue *other = op->operands[op->operands[0] == value];
      if (other == value || !add_bias(m, other, *axes))
        return false;
    } else {
      const bool divides = op->kind == PJ_OP_DIVIDE;
      if (!pj_const_float(op->operands[op->operands[0] == value], &c) || !isfinite(c) || c == 0)
        return false;
      PjScoreStep *step = add_step(m, PJ_SCORE_SCALE);
      if (!step)
        return false;
      step->value = (float)(divides ? 1 / c : c);
    }
    *axes = next;
    value = &op->results[0];
    if (steps && !keep_op(m, op))
      return false;
  }
  return value == scores;
}

// ---- the products
// A product's dimensions: of one operand, which axis of the result each is; or, of the summed
// ones, NO_AXIS.
static void result_axes(const PjOp *dot, uint32_t side, Axes *out, bool *summed) {
  uint32_t batches, sums;
  const int64_t *lhs_batch = PJ_INTS(dot, lhs_batching_dimensions, &batches),
                *rhs_batch = PJ_INTS(dot, rhs_batching_dimensions, NULL),
                *lhs_sum = PJ_INTS(dot, lhs_contracting_dimensions, &sums),
                *rhs_sum = PJ_INTS(dot, rhs_contracting_dimensions, NULL);
  const int64_t *batch = side ? rhs_batch : lhs_batch, *sum = side ? rhs_sum : lhs_sum;
  const PjType *type = dot->operands[side]->type, *left = dot->operands[0]->type;
  out->rank = type->rank;
  for (int32_t d = 0; d < type->rank; ++d) {
    out->of[d] = NO_AXIS;
    summed[d] = false;
  }
  for (uint32_t i = 0; i < batches; ++i)
    out->of[batch[i]] = (int8_t)i;
  for (uint32_t i = 0; i < sums; ++i)
    summed[sum[i]] = true;
  int8_t next = (int8_t)batches;
  if (side)
    next = (int8_t)(left->rank - (int32_t)sums);
  for (int32_t d = 0; d < type->rank; ++d) {
    bool is_batch = false;
    for (uint32_t i = 0; i < batches; ++i)
      is_batch |= batch[i] == d;
    if (!is_batch && !summed[d])
      out->of[d] = next++;
  }
}

static bool is_f32_product(const PjOp *dot) {
  if (!is_float_array(dot->operands[0]) || !is_float_array(dot->operands[1]) ||
      !is_float_array(&dot->results[0]))
    return false;
  const PjAttr *sum = PJ_ATTR(dot, accumulation_type);
  return !sum || !sum->type || sum->type->kind != PJ_TYPE_SCALAR || sum->type->dtype == PJ_DT_F32;
}

// q or k: the operand |side| of the first product. |main|: the axis it alone has, or NO_AXIS.
static bool set_operand(Match *m, uint32_t side, int8_t main, PjAttentionArray *out, int64_t *depth,
                        uint32_t input) {
  const PjValue *value = m->scores_dot->operands[side];
  Axes axes;
  bool summed[PJ_MAX_RANK];
  result_axes(m->scores_dot, side, &axes, summed);
  int64_t strides[PJ_MAX_RANK], stride = 1;
  *depth = 1;
  out->col = 1;
  for (int32_t d = axes.rank - 1; d >= 0; --d) {
    if (summed[d] && value->type->dims[d] > 1) {
      if (*depth > 1)
        return false;
      *depth = value->type->dims[d];
      out->col = stride;
    }
    if (value->type->dims[d] == 1)
      axes.of[d] = NO_AXIS;
    stride *= value->type->dims[d];
  }
  strides_of(m, value->type, &axes, strides);
  set_strides(m, strides, NULL, NULL, out->batch);
  out->row = main == NO_AXIS ? 0 : strides[main];
  out->dtype = value->type->dtype;
  m->out->inputs[input] = value;
  return true;
}

// The side of the first product that axis |axis| comes from alone; 2 for both.
static uint32_t side_of(const Match *m, int8_t axis) {
  uint32_t batches, sums;
  PJ_INTS(m->scores_dot, lhs_batching_dimensions, &batches);
  PJ_INTS(m->scores_dot, lhs_contracting_dimensions, &sums);
  if (axis < (int32_t)batches)
    return 2;
  return axis >= m->scores_dot->operands[0]->type->rank - (int32_t)sums;
}

// Which axes are keys, rows and batches. Rows: the longest of those that k does not have.
static bool set_roles(Match *m) {
  const uint32_t keys = side_of(m, m->key);
  if (keys == 2)
    return false;
  m->row = NO_AXIS;
  PjAttention *a = &m->out->what;
  for (int8_t i = 0; i < m->num_axes; ++i) {
    const uint32_t side = side_of(m, i);
    if (side == keys && i != m->key && m->size[i] > 1)
      return false;
    if (side == 1 - keys && m->size[i] > 1 && (m->row == NO_AXIS || m->size[i] >= m->size[m->row]))
      m->row = i;
  }
  for (int8_t i = 0; i < m->num_axes; ++i)
    if (i != m->key && i != m->row && m->size[i] > 1)
      a->batch[a->num_batch++] = m->size[i];
  a->rows = m->row == NO_AXIS ? 1 : m->size[m->row];
  a->keys = m->size[m->key];
  return set_operand(m, 1 - keys, m->row, &a->q, &a->depth, 0) &&
         set_operand(m, keys, m->key, &a->k, &a->depth, 1);
}

// v and the result: |axes| are those of the weights, operand |side| of |dot|.
static bool set_values(Match *m, const PjOp *dot, uint32_t side, const Axes *axes,
                       const uint32_t *uses) {
  PjAttention *a = &m->out->what;
  const PjValue *v = dot->operands[1 - side];
  Axes p_result, v_result, v_axes, out_axes;
  bool p_summed[PJ_MAX_RANK], v_summed[PJ_MAX_RANK];
  result_axes(dot, side, &p_result, p_summed);
  result_axes(dot, 1 - side, &v_result, v_summed);
  uint32_t sums;
  const int64_t *lhs_sum = PJ_INTS(dot, lhs_contracting_dimensions, &sums),
                *rhs_sum = PJ_INTS(dot, rhs_contracting_dimensions, NULL);
  const int64_t *p_sum = side ? rhs_sum : lhs_sum, *v_sum = side ? lhs_sum : rhs_sum;
  out_axes.rank = dot->results[0].type->rank;
  for (int32_t d = 0; d < out_axes.rank; ++d)
    out_axes.of[d] = NO_AXIS;
  // The dimensions of the result are axes, but for the one that v alone has.
  for (int32_t d = 0; d < axes->rank; ++d)
    if (!p_summed[d])
      out_axes.of[p_result.of[d]] = axes->of[d];
  v_axes.rank = v->type->rank;
  int32_t width = -1, v_width = -1;
  for (int32_t d = 0; d < v_axes.rank; ++d) {
    v_axes.of[d] = NO_AXIS;
    if (v_summed[d] || v->type->dims[d] == 1)
      continue;
    v_axes.of[d] = out_axes.of[v_result.of[d]];
    if (v_axes.of[d] != NO_AXIS)
      continue;
    if (v_width >= 0)
      return false;
    v_width = d;
    width = v_result.of[d];
  }
  for (uint32_t i = 0; i < sums; ++i) {
    const int8_t axis = axes->of[p_sum[i]];
    if (axis == NO_AXIS && v->type->dims[v_sum[i]] == 1)
      continue;
    if (axis != m->key)
      return false;
    v_axes.of[v_sum[i]] = axis;
  }
  int64_t strides[PJ_MAX_RANK], stride = 1;
  a->width = v_width < 0 ? 1 : v->type->dims[v_width];
  a->v.dtype = v->type->dtype;
  a->v.col = 1;
  for (int32_t d = v_axes.rank - 1; d >= 0; --d) {
    if (d == v_width)
      a->v.col = stride;
    stride *= v->type->dims[d];
  }
  strides_of(m, v->type, &v_axes, strides);
  if (!strides[m->key] || (m->row != NO_AXIS && strides[m->row]))
    return false;
  set_strides(m, strides, NULL, &a->v.row, a->v.batch);
  m->out->inputs[2] = v;
  // Transposes that only move the result.
  const PjOp *last = dot;
  const PjType *type = dot->results[0].type;
  int near = uses[last->results[0].id] == 1 ? NEAR : 0;
  for (const PjOp *op = dot->next; op && near > 0; op = op->next, --near) {
    bool reads = false;
    for (uint32_t i = 0; i < op->num_operands; ++i)
      reads |= op->operands[i] == &last->results[0];
    if (!reads)
      continue;
    if (op->kind != PJ_OP_TRANSPOSE)
      break;
    const int64_t *permutation = PJ_INTS(op, permutation, NULL);
    Axes next = out_axes;
    int32_t moved = width;
    for (int32_t d = 0; d < out_axes.rank; ++d) {
      next.of[d] = out_axes.of[permutation[d]];
      if (permutation[d] == width)
        moved = d;
    }
    out_axes = next;
    width = moved;
    last = op;
    type = op->results[0].type;
    if (!keep_op(m, op))
      return false;
    break;
  }
  a->out.dtype = type->dtype;
  a->out.col = stride = 1;
  for (int32_t d = type->rank - 1; d >= 0; --d) {
    if (d == width)
      a->out.col = stride;
    if (type->dims[d] == 1)
      out_axes.of[d] = NO_AXIS;
    stride *= type->dims[d];
  }
  strides_of(m, type, &out_axes, strides);
  set_strides(m, strides, &a->out.row, NULL, a->out.batch);
  m->out->last = last;
  return true;
}

// Nothing but the match reads what its operations make, the last one aside.
static bool is_closed(const Match *m, const uint32_t *uses) {
  const PjAttentionMatch *out = m->out;
  for (uint32_t i = 0; i < out->num_ops; ++i) {
    if (out->ops[i] == out->last)
      continue;
    uint32_t inside = 0;
    for (uint32_t j = 0; j < out->num_ops; ++j) {
      bool again = false; // listed twice: what is reached in two ways
      for (uint32_t k = 0; k < j; ++k)
        again |= out->ops[k] == out->ops[j];
      for (uint32_t o = 0; !again && o < out->ops[j]->num_operands; ++o)
        inside += out->ops[j]->operands[o] == &out->ops[i]->results[0];
    }
    if (inside != uses[out->ops[i]->results[0].id])
      return false;
  }
  // And what it reads is made outside.
  for (uint32_t i = 0; i < out->num_inputs; ++i)
    for (uint32_t j = 0; j < out->num_ops; ++j)
      if (out->inputs[i]->def == out->ops[j])
        return false;
  return true;
}

// The weights |value|, operand |side| of |dot|.
static bool match_side(Match *m, const PjOp *dot, uint32_t side, const uint32_t *uses) {
  // What lies between softmax and the product.
  const PjOp *behind[4];
  uint32_t num_behind = 0;
  const PjValue *value = dot->operands[side];
  const PjOp *op;
  while ((op = made_by(m, value)) && num_behind < 4 &&
         (op->kind == PJ_OP_RESHAPE || op->kind == PJ_OP_TRANSPOSE || op->kind == PJ_OP_CONVERT)) {
    if (!is_float_array(value) || !keep_op(m, op))
      return false;
    behind[num_behind++] = op;
    value = op->operands[0];
  }
  const PjOp *divide = expect(m, value, PJ_OP_DIVIDE);
  const PjOp *exp = divide ? expect(m, divide->operands[0], PJ_OP_EXPONENTIAL) : NULL;
  const PjOp *minus = exp ? expect(m, exp->operands[0], PJ_OP_SUBTRACT) : NULL;
  int budget = 64;
  if (!minus || value->type->dtype != PJ_DT_F32 || !pj_type_is_static(value->type) ||
      !find_scores(m, minus->operands[0], 0, &budget) || !is_f32_product(m->scores_dot) ||
      !keep_op(m, m->scores_dot))
    return false;
  const PjType *type = m->scores_dot->results[0].type;
  m->num_axes = type->rank;
  Axes axes = {.rank = type->rank};
  for (int8_t d = 0; d < type->rank; ++d) {
    m->size[d] = type->dims[d];
    axes.of[d] = type->dims[d] == 1 ? NO_AXIS : d;
    if (type->dims[d] == 0)
      return false;
  }
  // Which axis softmax runs along is known first; then what the steps are.
  const Axes start = axes;
  if (!follow_path(m, minus->operands[0], &axes, false))
    return false;
  Axes found = axes, left;
  const PjValue *most = source_of(m, minus->operands[1], &found, false);
  if (!made_by(m, most) || most->def->kind != PJ_OP_REDUCE ||
      most->def->operands[0] != minus->operands[0] ||
      !reduced_axis(most->def, &axes, &m->key, &left) || !set_roles(m))
    return false;
  m->out->num_inputs = 3;
  Axes again = start;
  if (!follow_path(m, minus->operands[0], &again, true) ||
      !is_repeated_reduce(m, minus->operands[1], minus->operands[0], PJ_OP_MAXIMUM, &axes) ||
      !is_repeated_reduce(m, divide->operands[1], &exp->results[0], PJ_OP_ADD, &axes))
    return false;
  const PjType *from = value->type;
  while (num_behind-- > 0) {
    op = behind[num_behind];
    Axes next = axes;
    if (op->kind == PJ_OP_RESHAPE && !reshape_axes(from, op->results[0].type, &axes, &next))
      return false;
    if (op->kind == PJ_OP_TRANSPOSE) {
      const int64_t *permutation = PJ_INTS(op, permutation, NULL);
      for (int32_t d = 0; d < axes.rank; ++d)
        next.of[d] = axes.of[permutation[d]];
    }
    axes = next;
    from = op->results[0].type;
  }
  return set_values(m, dot, side, &axes, uses) && is_closed(m, uses);
}

bool pj_match_attention(const PjOp *op, const uint32_t *uses, PjAttentionMatch *out) {
  if (op->kind != PJ_OP_DOT_GENERAL || !is_f32_product(op))
    return false;
  for (uint32_t side = 0; side < 2; ++side) {
    Match m = {.out = out, .region = op->region};
    *out = (PjAttentionMatch){.num_ops = 1, .ops = {op}, .last = op};
    if (match_side(&m, op, side, uses))
      return true;
  }
  return false;
}

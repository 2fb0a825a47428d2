// The way from the first product to the scores under softmax: scales, biases and masks, as steps of
// the routine.
#include <math.h>

#include "pass/attention.h"
#include "pass/constant.h"

static bool is_scalar_step(const PjOp *op, uint32_t i) {
  double c;
  return (op->kind == PJ_OP_MULTIPLY || (op->kind == PJ_OP_DIVIDE && i == 0)) &&
         pj_const_float(op->operands[1 - i], &c);
}

bool pj_attention_find_scores(PjAttentionSearch *m, const PjValue *value, uint32_t length,
                              int *budget) {
  const PjOp *op = pj_attention_made_by(m, value);
  if (!op || length == PJ_MAX_ATTENTION_PATH || --*budget < 0 || value->type->dtype != PJ_DT_F32)
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
    return pj_attention_find_scores(m, op->operands[0], length + 1, budget);
  case PJ_OP_SELECT:
    return pj_attention_find_scores(m, op->operands[1], length + 1, budget) ||
           pj_attention_find_scores(m, op->operands[2], length + 1, budget);
  case PJ_OP_ADD:
    return pj_attention_find_scores(m, op->operands[0], length + 1, budget) ||
           pj_attention_find_scores(m, op->operands[1], length + 1, budget);
  case PJ_OP_MULTIPLY:
  case PJ_OP_DIVIDE:
    for (uint32_t i = 0; i < 2; ++i)
      if (is_scalar_step(op, i))
        return pj_attention_find_scores(m, op->operands[i], length + 1, budget);
    return false;
  default:
    return false;
  }
}

static PjScoreStep *add_step(PjAttentionSearch *m, PjScoreKind kind) {
  PjAttention *a = &m->out->what;
  if (a->num_steps == PJ_MAX_SCORE_STEPS)
    return NULL;
  PjScoreStep *step = &a->steps[a->num_steps++];
  *step = (PjScoreStep){.kind = kind};
  return step;
}

// |value| counts along one axis, from *out_offset on.
static bool is_count(PjAttentionSearch *m, const PjValue *value, PjScoreAxes axes, int8_t *out_axis,
                     int64_t *out_offset) {
  *out_offset = 0;
  for (int depth = 0; depth < 4; ++depth) {
    value = pj_attention_source(m, value, &axes, false);
    const PjOp *op = pj_attention_made_by(m, value);
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
    return *out_axis != PJ_NO_AXIS;
  }
  return false;
}

// What is kept where |value| == |keep|, as keys up to row + *out_offset.
static bool is_causal(PjAttentionSearch *m, const PjValue *value, const PjScoreAxes *axes,
                      bool keep, int64_t *out_offset) {
  const PjOp *op = pj_attention_made_by(m, value);
  int8_t axis[2];
  int64_t from[2];
  if (!op || op->kind != PJ_OP_COMPARE || !pj_dtype_is_int(op->operands[0]->type->dtype) ||
      m->row == PJ_NO_AXIS || !is_count(m, op->operands[0], *axes, &axis[0], &from[0]) ||
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

// The same, written out as a constant: row r keeps as many keys as the first one, and r more.
static bool is_causal_constant(const PjAttentionSearch *m, const PjValue *value,
                               const PjScoreAxes *axes, bool keep, int64_t *out_offset) {
  const PjAttr *attr = pj_const_of(value);
  int64_t strides[PJ_MAX_RANK];
  int64_t count;
  if (!attr || attr->splat || m->row == PJ_NO_AXIS || !pj_type_num_elements(value->type, &count))
    return false;
  const int64_t rows = m->size[m->row], keys = m->size[m->key];
  if (count != rows * keys)
    return false;
  pj_attention_strides(m, value->type, axes, strides);
  const uint8_t *seen = attr->data;
  int64_t first = 0;
  while (first < keys && (seen[first * strides[m->key]] != 0) == keep)
    ++first;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < keys; ++j)
      if (((seen[r * strides[m->row] + j * strides[m->key]] != 0) == keep) != (j < first + r))
        return false;
  *out_offset = first - 1;
  return true;
}

static bool add_mask(PjAttentionSearch *m, const PjValue *pred, PjScoreAxes axes, bool keep,
                     float value, int depth) {
  const PjValue *source = pj_attention_source(m, pred, &axes, false);
  const PjOp *op = pj_attention_made_by(m, source);
  if (op && keep && op->kind == PJ_OP_AND && depth < 3)
    return add_mask(m, op->operands[0], axes, keep, value, depth + 1) &&
           add_mask(m, op->operands[1], axes, keep, value, depth + 1);
  if (op && op->kind == PJ_OP_NOT && depth < 3)
    return add_mask(m, op->operands[0], axes, !keep, value, depth + 1);
  int64_t offset;
  if (is_causal(m, source, &axes, keep, &offset) ||
      is_causal_constant(m, source, &axes, keep, &offset)) {
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
  pj_attention_strides(m, source->type, &axes, strides);
  pj_attention_set_strides(m, strides, &step->row, &step->key, step->batch);
  step->value = value;
  step->keep = keep;
  m->out->inputs[m->out->num_inputs++] = source;
  return true;
}

static bool add_bias(PjAttentionSearch *m, const PjValue *value, PjScoreAxes axes) {
  const PjValue *source = pj_attention_source(m, value, &axes, false);
  PjScoreStep *step = add_step(m, PJ_SCORE_ADD);
  if (!step || source->type->dtype != PJ_DT_F32)
    return false;
  int64_t strides[PJ_MAX_RANK];
  pj_attention_strides(m, source->type, &axes, strides);
  pj_attention_set_strides(m, strides, &step->row, &step->key, step->batch);
  m->out->inputs[m->out->num_inputs++] = source;
  return true;
}

bool pj_attention_follow(PjAttentionSearch *m, const PjValue *scores, PjScoreAxes *axes,
                         bool steps) {
  const PjValue *value = &m->scores_dot->results[0];
  for (uint32_t i = m->length; i-- > 0;) {
    const PjOp *op = m->path[i];
    PjScoreAxes next = *axes;
    double c;
    if (op->kind == PJ_OP_RESHAPE) {
      if (!pj_score_axes_reshape(value->type, op->results[0].type, axes, &next))
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
      const bool nothing = pj_const_float(other, &c) && c == 0;
      if (other == value || (!nothing && !add_bias(m, other, *axes)))
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
    if (steps && !pj_attention_keep(m, op))
      return false;
  }
  return value == scores;
}

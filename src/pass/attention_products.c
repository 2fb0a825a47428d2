// The two products of attention: where q, k, v and the result lie, by axes of the scores.
#include "eval/comp.h"
#include "pass/attention.h"

enum { NEAR = 64 }; // operations behind a product, within which its reader is looked for

// A product's dimensions: of one operand, which axis of the result each is; or, of the summed
// ones, PJ_NO_AXIS.
void pj_attention_result_axes(const PjOp *dot, uint32_t side, PjScoreAxes *out, bool *summed) {
  uint32_t batches, sums;
  const int64_t *lhs_batch = PJ_INTS(dot, lhs_batching_dimensions, &batches),
                *rhs_batch = PJ_INTS(dot, rhs_batching_dimensions, NULL),
                *lhs_sum = PJ_INTS(dot, lhs_contracting_dimensions, &sums),
                *rhs_sum = PJ_INTS(dot, rhs_contracting_dimensions, NULL);
  const int64_t *batch = side ? rhs_batch : lhs_batch, *sum = side ? rhs_sum : lhs_sum;
  const PjType *type = dot->operands[side]->type, *left = dot->operands[0]->type;
  out->rank = type->rank;
  for (int32_t d = 0; d < type->rank; ++d) {
    out->of[d] = PJ_NO_AXIS;
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

bool pj_attention_is_product(const PjOp *dot) {
  if (!pj_attention_is_float(dot->operands[0]) || !pj_attention_is_float(dot->operands[1]) ||
      !pj_attention_is_float(&dot->results[0]))
    return false;
  const PjAttr *sum = PJ_ATTR(dot, accumulation_type);
  return !sum || !sum->type || sum->type->kind != PJ_TYPE_SCALAR || sum->type->dtype == PJ_DT_F32;
}

// q or k: the operand |side| of the first product. |main|: the axis it alone has, or PJ_NO_AXIS.
static bool set_operand(PjAttentionSearch *m, uint32_t side, int8_t main, PjAttentionArray *out,
                        int64_t *depth, uint32_t input) {
  const PjValue *value = m->scores_dot->operands[side];
  PjScoreAxes axes;
  bool summed[PJ_MAX_RANK];
  pj_attention_result_axes(m->scores_dot, side, &axes, summed);
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
      axes.of[d] = PJ_NO_AXIS;
    stride *= value->type->dims[d];
  }
  pj_attention_strides(m, value->type, &axes, strides);
  pj_attention_set_strides(m, strides, NULL, NULL, out->batch);
  out->row = main == PJ_NO_AXIS ? 0 : strides[main];
  out->dtype = value->type->dtype;
  m->out->inputs[input] = value;
  return true;
}

// The side of the first product that axis |axis| comes from alone; 2 for both.
static uint32_t side_of(const PjAttentionSearch *m, int8_t axis) {
  uint32_t batches, sums;
  PJ_INTS(m->scores_dot, lhs_batching_dimensions, &batches);
  PJ_INTS(m->scores_dot, lhs_contracting_dimensions, &sums);
  if (axis < (int32_t)batches)
    return 2;
  return axis >= m->scores_dot->operands[0]->type->rank - (int32_t)sums;
}

bool pj_attention_set_roles(PjAttentionSearch *m) {
  const uint32_t keys = side_of(m, m->key);
  if (keys == 2)
    return false;
  m->row = PJ_NO_AXIS;
  PjAttention *a = &m->out->what;
  for (int8_t i = 0; i < m->num_axes; ++i) {
    const uint32_t side = side_of(m, i);
    if (side == keys && i != m->key && m->size[i] > 1)
      return false;
    if (side == 1 - keys && m->size[i] > 1 &&
        (m->row == PJ_NO_AXIS || m->size[i] >= m->size[m->row]))
      m->row = i;
  }
  for (int8_t i = 0; i < m->num_axes; ++i)
    if (i != m->key && i != m->row && m->size[i] > 1)
      a->batch[a->num_batch++] = m->size[i];
  a->rows = m->row == PJ_NO_AXIS ? 1 : m->size[m->row];
  a->keys = m->size[m->key];
  return set_operand(m, 1 - keys, m->row, &a->q, &a->depth, 0) &&
         set_operand(m, keys, m->key, &a->k, &a->depth, 1);
}

const PjValue *pj_attention_transposed(const PjOp *dot, const uint32_t *uses, PjScoreAxes *axes) {
  const PjValue *result = &dot->results[0];
  int near = uses[result->id] == 1 ? NEAR : 0;
  for (const PjOp *op = dot->next; op && near > 0; op = op->next, --near) {
    bool reads = false;
    for (uint32_t i = 0; i < op->num_operands; ++i)
      reads |= op->operands[i] == result;
    if (!reads)
      continue;
    if (op->kind != PJ_OP_TRANSPOSE)
      break;
    pj_attention_moved(op, axes, axes);
    return &op->results[0];
  }
  return result;
}

bool pj_attention_set_values(PjAttentionSearch *m, const PjOp *dot, uint32_t side,
                             const PjScoreAxes *axes, const uint32_t *uses) {
  PjAttention *a = &m->out->what;
  const PjValue *v = dot->operands[1 - side];
  PjScoreAxes p_result, v_result, v_axes, out_axes;
  bool p_summed[PJ_MAX_RANK], v_summed[PJ_MAX_RANK];
  pj_attention_result_axes(dot, side, &p_result, p_summed);
  pj_attention_result_axes(dot, 1 - side, &v_result, v_summed);
  uint32_t sums;
  const int64_t *lhs_sum = PJ_INTS(dot, lhs_contracting_dimensions, &sums),
                *rhs_sum = PJ_INTS(dot, rhs_contracting_dimensions, NULL);
  const int64_t *p_sum = side ? rhs_sum : lhs_sum, *v_sum = side ? lhs_sum : rhs_sum;
  out_axes.rank = dot->results[0].type->rank;
  for (int32_t d = 0; d < out_axes.rank; ++d)
    out_axes.of[d] = PJ_NO_AXIS;
  // The dimensions of the result are axes, but for the one that v alone has.
  for (int32_t d = 0; d < axes->rank; ++d)
    if (!p_summed[d])
      out_axes.of[p_result.of[d]] = axes->of[d];
  v_axes.rank = v->type->rank;
  int32_t width = -1, v_width = -1;
  for (int32_t d = 0; d < v_axes.rank; ++d) {
    v_axes.of[d] = PJ_NO_AXIS;
    if (v_summed[d] || v->type->dims[d] == 1)
      continue;
    v_axes.of[d] = out_axes.of[v_result.of[d]];
    if (v_axes.of[d] != PJ_NO_AXIS)
      continue;
    if (v_width >= 0)
      return false;
    v_width = d;
    width = v_result.of[d];
  }
  for (uint32_t i = 0; i < sums; ++i) {
    const int8_t axis = axes->of[p_sum[i]];
    if (axis == PJ_NO_AXIS && v->type->dims[v_sum[i]] == 1)
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
  pj_attention_strides(m, v->type, &v_axes, strides);
  if (!strides[m->key] || (m->row != PJ_NO_AXIS && strides[m->row]))
    return false;
  pj_attention_set_strides(m, strides, NULL, &a->v.row, a->v.batch);
  m->out->inputs[2] = v;
  if (v_width >= 0)
    out_axes.of[width] = PJ_NOT_SCORES;
  const PjValue *result = pj_attention_transposed(dot, uses, &out_axes);
  if (result->def != dot && !pj_attention_keep(m, result->def))
    return false;
  const PjType *type = result->type;
  for (int32_t d = 0; d < type->rank; ++d)
    if (out_axes.of[d] == PJ_NOT_SCORES) {
      width = d;
      out_axes.of[d] = PJ_NO_AXIS;
    }
  a->out.dtype = type->dtype;
  a->out.col = stride = 1;
  for (int32_t d = type->rank - 1; d >= 0; --d) {
    if (d == width)
      a->out.col = stride;
    if (type->dims[d] == 1)
      out_axes.of[d] = PJ_NO_AXIS;
    stride *= type->dims[d];
  }
  pj_attention_strides(m, type, &out_axes, strides);
  pj_attention_set_strides(m, strides, &a->out.row, NULL, a->out.batch);
  m->out->place = result->def;
  m->out->outputs[0] = result;
  m->out->num_outputs = 1;
  return true;
}

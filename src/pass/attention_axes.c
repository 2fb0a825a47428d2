// Which axis of the scores each dimension of a value is, followed back through what only moves
// elements.
#include "pass/attention.h"

const PjOp *pj_attention_made_by(const PjAttentionSearch *m, const PjValue *value) {
  return value->def && value->def->region == m->region ? value->def : NULL;
}

bool pj_attention_keep(PjAttentionSearch *m, const PjOp *op) {
  if (m->out->num_ops == PJ_MAX_ATTENTION_OPS)
    return false;
  m->out->ops[m->out->num_ops++] = op;
  return true;
}

bool pj_attention_is_float(const PjValue *value) {
  return value->type->kind == PJ_TYPE_TENSOR && pj_type_is_static(value->type) &&
         !value->type->quant &&
         (value->type->dtype == PJ_DT_F32 || value->type->dtype == PJ_DT_BF16 ||
          value->type->dtype == PJ_DT_F16);
}

bool pj_score_axes_reshape(const PjType *from, const PjType *to, const PjScoreAxes *in,
                           PjScoreAxes *out) {
  int32_t d = 0;
  out->rank = to->rank;
  for (int32_t i = 0; i < to->rank; ++i) {
    out->of[i] = PJ_NO_AXIS;
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

bool pj_attention_moved(const PjOp *op, const PjScoreAxes *in, PjScoreAxes *out) {
  PjScoreAxes next = *in;
  if (op->kind == PJ_OP_RESHAPE &&
      !pj_score_axes_reshape(op->operands[0]->type, op->results[0].type, in, &next))
    return false;
  if (op->kind == PJ_OP_TRANSPOSE) {
    const int64_t *permutation = PJ_INTS(op, permutation, NULL);
    for (int32_t d = 0; d < in->rank; ++d)
      next.of[d] = in->of[permutation[d]];
  }
  *out = next;
  return true;
}

bool pj_score_axes_equal(const PjScoreAxes *a, const PjScoreAxes *b) {
  if (a->rank != b->rank)
    return false;
  for (int32_t d = 0; d < a->rank; ++d)
    if (a->of[d] != b->of[d])
      return false;
  return true;
}

const PjValue *pj_attention_source(PjAttentionSearch *m, const PjValue *value, PjScoreAxes *axes,
                                   bool keep) {
  for (int depth = 0; depth < 8; ++depth) {
    const PjOp *op = pj_attention_made_by(m, value);
    if (!op)
      return value;
    const PjValue *from = op->num_operands == 1 ? op->operands[0] : NULL;
    PjScoreAxes next = {0};
    if (op->kind == PJ_OP_BROADCAST_IN_DIM) {
      const int64_t *dims = PJ_INTS(op, broadcast_dimensions, NULL);
      next.rank = from->type->rank;
      for (int32_t d = 0; d < next.rank; ++d)
        next.of[d] = from->type->dims[d] == 1 ? PJ_NO_AXIS : axes->of[dims[d]];
    } else if (op->kind == PJ_OP_TRANSPOSE) {
      const int64_t *permutation = PJ_INTS(op, permutation, NULL);
      next.rank = axes->rank;
      for (int32_t d = 0; d < next.rank; ++d)
        next.of[permutation[d]] = axes->of[d];
    } else if (op->kind != PJ_OP_RESHAPE ||
               !pj_score_axes_reshape(value->type, from->type, axes, &next)) {
      return value;
    }
    if (keep && !pj_attention_keep(m, op))
      return NULL;
    *axes = next;
    value = from;
  }
  return value;
}

void pj_attention_strides(const PjAttentionSearch *m, const PjType *type, const PjScoreAxes *axes,
                          int64_t *out) {
  for (int32_t i = 0; i < m->num_axes; ++i)
    out[i] = 0;
  int64_t stride = 1;
  for (int32_t d = type->rank - 1; d >= 0; --d) {
    if (axes->of[d] != PJ_NO_AXIS)
      out[axes->of[d]] += stride;
    stride *= type->dims[d];
  }
}

void pj_attention_set_strides(const PjAttentionSearch *m, const int64_t *strides, int64_t *row,
                              int64_t *key, int64_t *batch) {
  int32_t n = 0;
  for (int8_t i = 0; i < m->num_axes; ++i)
    if (i != m->key && i != m->row && m->size[i] > 1)
      batch[n++] = strides[i];
  if (row)
    *row = m->row == PJ_NO_AXIS ? 0 : strides[m->row];
  if (key)
    *key = strides[m->key];
}

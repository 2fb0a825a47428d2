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
#include "pass/match_attention.h"

#include <math.h>

#include "pass/attention.h"
#include "pass/body.h"
#include "pass/constant.h"

enum { FEW_NUMBERS = 4096 }; // of the keys of one query

static const PjOp *expect(PjAttentionSearch *m, const PjValue *value, PjOpKind kind) {
  const PjOp *op = pj_attention_made_by(m, value);
  return op && op->kind == kind && pj_attention_keep(m, op) ? op : NULL;
}

bool pj_attention_is_reduce(const PjOp *op, const PjValue *of, PjOpKind kind) {
  double init;
  if (op->num_operands != 2 || op->operands[0] != of || pj_region_binary(&op->regions[0]) != kind ||
      !pj_const_float(op->operands[1], &init))
    return false;
  return kind == PJ_OP_ADD ? init == 0 : init == -INFINITY;
}

// The one axis that |op| reduces; false if it is not one.
static bool reduced_axis(const PjOp *op, const PjScoreAxes *axes, int8_t *out, PjScoreAxes *left) {
  uint32_t n;
  const int64_t *dims = PJ_INTS(op, dimensions, &n);
  bool reduced[PJ_MAX_RANK] = {false};
  int count = 0;
  for (uint32_t i = 0; i < n; ++i) {
    reduced[dims[i]] = true;
    if (axes->of[dims[i]] != PJ_NO_AXIS) {
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
static bool is_repeated_reduce(PjAttentionSearch *m, const PjValue *value, const PjValue *of,
                               PjOpKind kind, const PjScoreAxes *axes) {
  PjScoreAxes found = *axes, left;
  const PjValue *source = pj_attention_source(m, value, &found, true);
  const PjOp *reduce = source ? expect(m, source, PJ_OP_REDUCE) : NULL;
  int8_t axis;
  return reduce && pj_attention_is_reduce(reduce, of, kind) &&
         reduced_axis(reduce, axes, &axis, &left) && axis == m->key &&
         pj_score_axes_equal(&left, &found);
}

// Nothing but the match reads what its operations make, the last one aside.
static bool is_closed(const PjAttentionSearch *m, const uint32_t *uses) {
  const PjAttentionMatch *out = m->out;
  for (uint32_t i = 0; i < out->num_ops; ++i) {
    if (out->ops[i] == out->place)
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

bool pj_attention_match_softmax(PjAttentionSearch *m, const PjOp *exp, uint32_t first_input,
                                PjScoreAxes *out) {
  const PjOp *minus = expect(m, exp->operands[0], PJ_OP_SUBTRACT);
  int budget = 64;
  if (!minus || exp->results[0].type->dtype != PJ_DT_F32 ||
      !pj_type_is_static(exp->results[0].type) ||
      !pj_attention_find_scores(m, minus->operands[0], 0, &budget) ||
      !pj_attention_is_product(m->scores_dot) || !pj_attention_keep(m, m->scores_dot))
    return false;
  const PjType *type = m->scores_dot->results[0].type;
  m->num_axes = type->rank;
  PjScoreAxes axes = {.rank = type->rank};
  for (int8_t d = 0; d < type->rank; ++d) {
    m->size[d] = type->dims[d];
    axes.of[d] = type->dims[d] == 1 ? PJ_NO_AXIS : d;
    if (type->dims[d] == 0)
      return false;
  }
  // Which axis softmax runs along is known first; then what the steps are.
  const PjScoreAxes start = axes;
  if (!pj_attention_follow(m, minus->operands[0], &axes, false))
    return false;
  PjScoreAxes found = axes, left;
  const PjValue *most = pj_attention_source(m, minus->operands[1], &found, false);
  if (!pj_attention_made_by(m, most) || most->def->kind != PJ_OP_REDUCE ||
      most->def->operands[0] != minus->operands[0] ||
      !reduced_axis(most->def, &axes, &m->key, &left) || !pj_attention_set_roles(m))
    return false;
  m->out->num_inputs = first_input;
  PjScoreAxes again = start;
  *out = axes;
  return pj_attention_follow(m, minus->operands[0], &again, true) &&
         is_repeated_reduce(m, minus->operands[1], minus->operands[0], PJ_OP_MAXIMUM, &axes);
}

// Whether each batch has one query of few keys: the routine would take longer to begin each of them
// than to compute it, and kernels compute them together.
static bool is_tiny(const PjAttention *a) {
  return a->rows == 1 && a->keys * a->depth <= FEW_NUMBERS;
}

// The weights |value|, operand |side| of |dot|.
static bool match_side(PjAttentionSearch *m, const PjOp *dot, uint32_t side, const uint32_t *uses) {
  // What lies between softmax and the product.
  const PjOp *behind[4];
  uint32_t num_behind = 0;
  const PjValue *value = dot->operands[side];
  const PjOp *op;
  while ((op = pj_attention_made_by(m, value)) && num_behind < 4 &&
         (op->kind == PJ_OP_RESHAPE || op->kind == PJ_OP_TRANSPOSE || op->kind == PJ_OP_CONVERT)) {
    if (!pj_attention_is_float(value) || !pj_attention_keep(m, op))
      return false;
    behind[num_behind++] = op;
    value = op->operands[0];
  }
  const PjOp *divide = expect(m, value, PJ_OP_DIVIDE);
  const PjOp *exp = divide ? expect(m, divide->operands[0], PJ_OP_EXPONENTIAL) : NULL;
  PjScoreAxes axes;
  if (!exp || !pj_attention_match_softmax(m, exp, 3, &axes) || is_tiny(&m->out->what) ||
      !is_repeated_reduce(m, divide->operands[1], &exp->results[0], PJ_OP_ADD, &axes))
    return false;
  while (num_behind-- > 0)
    if (!pj_attention_moved(behind[num_behind], &axes, &axes))
      return false;
  return pj_attention_set_values(m, dot, side, &axes, uses) && is_closed(m, uses);
}

bool pj_match_attention(const PjOp *op, const uint32_t *uses, PjAttentionMatch *out) {
  if (op->kind != PJ_OP_DOT_GENERAL || !pj_attention_is_product(op))
    return false;
  for (uint32_t side = 0; side < 2; ++side) {
    PjAttentionSearch m = {.out = out, .region = op->region};
    *out = (PjAttentionMatch){.num_ops = 1, .ops = {op}, .place = op};
    if (match_side(&m, op, side, uses))
      return true;
  }
  return false;
}

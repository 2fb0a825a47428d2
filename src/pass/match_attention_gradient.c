// The gradient of attention, as automatic differentiation writes it:
//
//   dp = dot_general dout, v                  [batch.., rows, keys] in any order of dimensions
//   ds = a formula of exponentials, dp and their sums along the keys (attention_algebra.h), then
//        any of: multiply or divide by a constant; select mask, ds, 0; reshape; transpose
//   dv = dot_general p, dout;  dq = dot_general ds, k;  dk = dot_general ds, q
//
// All three products are wanted, each with a transpose behind it or none, of the very values that
// attention multiplied. Operations that softmax's forward and backward share stay where attention
// itself still needs them.
#include <math.h>

#include "pass/attention_algebra.h"
#include "pass/constant.h"

enum { LOOKED_AT = 96, MAX_MASKS = 4 };

typedef struct Mask { // of a select: hidden where |pred|, of axes |axes|, is not |keep|
  const PjValue *pred;
  bool keep;
  PjScoreAxes axes;
} Mask;

typedef struct Gradient {
  PjAttentionSearch m;
  PjScoreAlgebra algebra;
  const PjValue *changes; // ds
  double factor;
  bool hides;                // ds is 0 where masks hide
  PjScoreAxes q, k, v, d;    // of the arrays' dimensions
  const PjValue *results[3]; // dq, dk, dv
} Gradient;

// ---- the gradient of scores
static bool is_zero(const PjValue *value) {
  double c;
  return pj_const_float(value, &c) && c == 0;
}

// Goes back from ds to the formula: moves, constant factors and masks. |axes| become those there.
static const PjValue *peel(Gradient *g, const PjValue *value, PjScoreAxes *axes, Mask *masks,
                           uint32_t *num_masks) {
  g->factor = 1;
  for (const PjOp *op; (op = pj_attention_made_by(&g->m, value)) && --g->algebra.budget > 0;) {
    const PjValue *from = op->operands[0];
    PjScoreAxes next = *axes;
    double c;
    if (op->kind == PJ_OP_RESHAPE) {
      if (!pj_score_axes_reshape(value->type, from->type, axes, &next))
        return NULL;
    } else if (op->kind == PJ_OP_TRANSPOSE) {
      const int64_t *permutation = PJ_INTS(op, permutation, NULL);
      for (int32_t d = 0; d < axes->rank; ++d)
        next.of[permutation[d]] = axes->of[d];
    } else if (op->kind == PJ_OP_SELECT) {
      const bool keep = is_zero(op->operands[2]);
      if (*num_masks == MAX_MASKS || keep == is_zero(op->operands[1]))
        return NULL;
      masks[(*num_masks)++] = (Mask){op->operands[0], keep, *axes};
      from = op->operands[keep ? 1 : 2];
    } else if ((op->kind == PJ_OP_MULTIPLY || op->kind == PJ_OP_DIVIDE) &&
               pj_const_float(op->operands[1], &c) && c != 0) {
      g->factor = op->kind == PJ_OP_MULTIPLY ? g->factor * c : g->factor / c;
    } else if (op->kind != PJ_OP_CONVERT || !pj_attention_is_float(from)) {
      break;
    }
    *axes = next;
    value = from;
  }
  return value;
}

static const PjValue *reshaped(const PjValue *value) {
  while (value->def && value->def->kind == PJ_OP_RESHAPE)
    value = value->def->operands[0];
  return value;
}

// Dimensions of size 1 aside, for they may be added to one of the two alone.
static bool masks_equal(const Mask *a, const Mask *b) {
  int32_t i = 0, j = 0;
  for (;; ++i, ++j) {
    while (i < a->axes.rank && a->axes.of[i] == PJ_NO_AXIS)
      ++i;
    while (j < b->axes.rank && b->axes.of[j] == PJ_NO_AXIS)
      ++j;
    if (i == a->axes.rank || j == b->axes.rank)
      break;
    if (a->axes.of[i] != b->axes.of[j])
      return false;
  }
  return i == a->axes.rank && j == b->axes.rank && a->keep == b->keep &&
         reshaped(a->pred) == reshaped(b->pred);
}

// The same masks hide in the scores and in their gradient, or none in the gradient: where weights
// are 0, it is without them.
static bool masks_agree(const PjAttentionSearch *m, const Mask *masks, uint32_t count) {
  if (!count)
    return true;
  const PjValue *value = &m->scores_dot->results[0];
  PjScoreAxes axes = {.rank = value->type->rank};
  for (int8_t d = 0; d < axes.rank; ++d)
    axes.of[d] = value->type->dims[d] == 1 ? PJ_NO_AXIS : d;
  uint32_t found = 0; // bits of |masks|
  for (uint32_t i = m->length; i-- > 0; value = &m->path[i]->results[0]) {
    const PjOp *op = m->path[i];
    if (!pj_attention_moved(op, &axes, &axes))
      return false;
    if (op->kind != PJ_OP_SELECT)
      continue;
    const Mask mask = {op->operands[0], op->operands[1] == value, axes};
    uint32_t j = 0;
    while (j < count && !masks_equal(&masks[j], &mask))
      ++j;
    if (j == count)
      return false;
    found |= 1u << j;
  }
  return found + 1 == 1u << count;
}

// |value|, an operand of a product, is ds; |axes| become its.
static bool match_changes(Gradient *g, const PjValue *value, PjScoreAxes *axes) {
  PjAttentionSearch *m = &g->m;
  int budget = LOOKED_AT;
  const PjOp *exp = pj_score_exponential(m, value, &budget);
  PjScoreAxes exp_axes;
  if (!exp || !pj_attention_match_softmax(m, exp, 4, &exp_axes))
    return false;
  g->algebra = (PjScoreAlgebra){.m = m, .exp = exp, .exp_axes = exp_axes, .budget = LOOKED_AT};
  if (!pj_score_axes_of(&g->algebra, value, axes))
    return false;
  g->algebra.budget = LOOKED_AT;
  Mask masks[MAX_MASKS];
  uint32_t num_masks = 0;
  PjScoreAxes inner = *axes;
  const PjValue *core = peel(g, value, &inner, masks, &num_masks);
  // e g / l - e t / l^2
  static const PjScoreTerm terms[] = {{1, 1, 1, -1, 0}, {-1, 1, 0, -2, 1}};
  PjScoreFormula formula;
  double factor;
  if (!core || !masks_agree(m, masks, num_masks) ||
      !pj_score_formula(&g->algebra, core, &inner, &formula) ||
      !pj_score_formula_is(&formula, 2, terms, &factor))
    return false;
  g->factor *= factor;
  g->hides = num_masks > 0;
  g->changes = value;
  return isfinite(g->factor);
}

// ---- products
// The axes of operand |side| of |dot|, whose result has axes |result|.
static bool operand_axes(const PjOp *dot, uint32_t side, const PjScoreAxes *result,
                         PjScoreAxes *out) {
  PjScoreAxes at;
  bool summed[PJ_MAX_RANK];
  const PjType *type = dot->operands[side]->type;
  int more = 0;
  pj_attention_result_axes(dot, side, &at, summed);
  out->rank = type->rank;
  for (int32_t d = 0; d < type->rank; ++d) {
    out->of[d] = PJ_NO_AXIS;
    if (type->dims[d] == 1)
      continue;
    out->of[d] = summed[d] ? PJ_NOT_SCORES : result->of[at.of[d]];
    more += summed[d];
  }
  return more <= 1;
}

// |dot| adds up its operand |side|, of axes |axes|, along axis |sum|: the axes of the other operand
// and of the result.
static bool product_axes(const PjOp *dot, uint32_t side, const PjScoreAxes *axes, int8_t sum,
                         PjScoreAxes *other, PjScoreAxes *result) {
  PjScoreAxes at, other_at;
  bool summed[PJ_MAX_RANK], other_summed[PJ_MAX_RANK], found = false;
  const PjType *type = dot->operands[side]->type, *other_type = dot->operands[1 - side]->type;
  pj_attention_result_axes(dot, side, &at, summed);
  pj_attention_result_axes(dot, 1 - side, &other_at, other_summed);
  result->rank = dot->results[0].type->rank;
  for (int32_t d = 0; d < result->rank; ++d)
    result->of[d] = PJ_NO_AXIS;
  for (int32_t d = 0; d < type->rank; ++d) {
    if (type->dims[d] == 1)
      continue;
    if (!summed[d])
      result->of[at.of[d]] = axes->of[d];
    else if (axes->of[d] != sum)
      return false;
    found |= summed[d];
  }
  int more = 0;
  other->rank = other_type->rank;
  for (int32_t d = 0; d < other_type->rank; ++d) {
    other->of[d] = PJ_NO_AXIS;
    if (other_type->dims[d] == 1)
      continue;
    if (other_summed[d]) {
      other->of[d] = sum;
      continue;
    }
    int8_t *to = &result->of[other_at.of[d]];
    if (*to == PJ_NO_AXIS) {
      *to = PJ_NOT_SCORES;
      ++more;
    }
    other->of[d] = *to;
  }
  return found && more <= 1;
}

// Where |axes| lie in an array of |type|, |main| being its rows. All batches must be there.
static bool set_array(const PjAttentionSearch *m, const PjType *type, const PjScoreAxes *axes,
                      int8_t main, PjAttentionArray *out) {
  int64_t strides[PJ_MAX_RANK] = {0}, stride = 1;
  *out = (PjAttentionArray){.dtype = type->dtype, .col = 1};
  for (int32_t d = type->rank - 1; d >= 0; --d) {
    if (axes->of[d] == PJ_NOT_SCORES)
      out->col = stride;
    else if (axes->of[d] != PJ_NO_AXIS)
      strides[axes->of[d]] = stride;
    stride *= type->dims[d];
  }
  for (int8_t i = 0; i < m->num_axes; ++i)
    if (m->size[i] > 1 && (i == main || (i != m->row && i != m->key)) && !strides[i])
      return false;
  pj_attention_set_strides(m, strides, &out->row, NULL, out->batch);
  out->row = strides[main];
  return true;
}

// The operands of the products that ds is computed from: q and k, v and the result's gradient.
static bool set_operands(Gradient *g) {
  PjAttentionSearch *m = &g->m;
  PjAttentionMatch *out = m->out;
  PjAttentionGradient *to = &out->gradient;
  const PjOp *scores = m->scores_dot, *dp = g->algebra.gradient;
  if (!dp || m->row == PJ_NO_AXIS || out->what.keys < 2 || out->what.rows < 2 ||
      !pj_attention_is_product(dp))
    return false;
  PjScoreAxes start = {.rank = scores->results[0].type->rank};
  for (int8_t d = 0; d < start.rank; ++d)
    start.of[d] = scores->results[0].type->dims[d] == 1 ? PJ_NO_AXIS : d;
  to->of = out->what;
  to->factor = (float)g->factor;
  to->hides = g->hides;
  for (uint32_t side = 0; side < 2; ++side) {
    PjScoreAxes axes;
    bool is_key = false;
    if (!operand_axes(scores, side, &start, &axes))
      return false;
    for (int32_t d = 0; d < axes.rank; ++d)
      is_key |= axes.of[d] == m->key;
    *(is_key ? &g->k : &g->q) = axes;
    if (!operand_axes(dp, side, &g->algebra.gradient_axes, &axes))
      return false;
    const PjValue *value = dp->operands[side];
    is_key = false;
    for (int32_t d = 0; d < axes.rank; ++d) {
      is_key |= axes.of[d] == m->key;
      if (axes.of[d] == PJ_NOT_SCORES)
        to->of.width = value->type->dims[d];
    }
    *(is_key ? &g->v : &g->d) = axes;
    out->inputs[is_key ? 2 : 3] = value;
  }
  if (dp->operands[0] == dp->operands[1])
    return false;
  if (!to->of.width)
    to->of.width = 1;
  return set_array(m, out->inputs[0]->type, &g->q, m->row, &to->of.q) &&
         set_array(m, out->inputs[1]->type, &g->k, m->key, &to->of.k) &&
         set_array(m, out->inputs[2]->type, &g->v, m->key, &to->of.v) &&
         set_array(m, out->inputs[3]->type, &g->d, m->row, &to->of.out);
}

// |dot| multiplies its operand |side|, of axes |axes|, by input |input|, of axes |want|, along axis
// |sum|: result |index|, whose rows are axis |main|.
static bool set_result(Gradient *g, const PjOp *dot, uint32_t side, const PjScoreAxes *axes,
                       int8_t sum, uint32_t input, const PjScoreAxes *want, uint32_t index,
                       int8_t main, const uint32_t *uses, PjAttentionArray *to) {
  PjScoreAxes other, result;
  if (dot->operands[1 - side] != g->m.out->inputs[input] || !pj_attention_is_product(dot) ||
      !product_axes(dot, side, axes, sum, &other, &result) || !pj_score_axes_equal(&other, want))
    return false;
  const PjValue *value = pj_attention_transposed(dot, uses, &result);
  g->results[index] = value;
  return set_array(&g->m, value->type, &result, main, to);
}

// |value| is p, softmax's result; |axes| become its.
static bool is_weights(Gradient *g, const PjValue *value, PjScoreAxes *axes) {
  static const PjScoreTerm weights = {1, 1, 0, -1, 0};
  PjScoreFormula formula;
  double factor;
  g->algebra.budget = LOOKED_AT;
  if (!pj_score_axes_of(&g->algebra, value, axes))
    return false;
  g->algebra.budget = LOOKED_AT;
  return pj_score_formula(&g->algebra, value, axes, &formula) &&
         pj_score_formula_is(&formula, 1, &weights, &factor) && factor == 1;
}

static const PjValue *moved_from(const PjValue *value) {
  while (value->def && (value->def->kind == PJ_OP_TRANSPOSE || value->def->kind == PJ_OP_RESHAPE))
    value = value->def->operands[0];
  return value;
}

// The products that make dk and dv.
static bool find_others(Gradient *g, const uint32_t *uses) {
  PjAttentionGradient *to = &g->m.out->gradient;
  const PjValue *d = g->m.out->inputs[3];
  for (const PjOp *op = g->m.region->first; op && !(g->results[1] && g->results[2]);
       op = op->next) {
    if (op->kind != PJ_OP_DOT_GENERAL)
      continue;
    for (uint32_t side = 0; side < 2; ++side) {
      PjScoreAxes axes;
      const PjValue *value = op->operands[side];
      // ds itself, or moved in another way.
      if (!g->results[1] && op->operands[1 - side] == g->m.out->inputs[0]) {
        g->algebra.budget = LOOKED_AT;
        if (moved_from(value) == moved_from(g->changes) &&
            pj_score_axes_of(&g->algebra, value, &axes) &&
            !set_result(g, op, side, &axes, g->m.row, 0, &g->q, 1, g->m.key, uses, &to->dk))
          return false;
      }
      if (!g->results[2] && op->operands[1 - side] == d && op != g->algebra.gradient &&
          is_weights(g, value, &axes) &&
          !set_result(g, op, side, &axes, g->m.row, 3, &g->d, 2, g->m.key, uses, &to->dv))
        return false;
    }
  }
  return g->results[1] && g->results[2];
}

// The first of the results' operations, before which all inputs are there.
static bool find_place(Gradient *g) {
  PjAttentionMatch *out = g->m.out;
  out->place = g->results[0]->def;
  for (uint32_t i = 1; i < 3; ++i)
    if (g->results[i]->def->id < out->place->id)
      out->place = g->results[i]->def;
  for (uint32_t i = 0; i < out->num_inputs; ++i)
    if (pj_attention_made_by(&g->m, out->inputs[i]) && out->inputs[i]->def->id >= out->place->id)
      return false;
  return true;
}

bool pj_match_attention_gradient(const PjOp *op, const uint32_t *uses, PjAttentionMatch *out) {
  if (op->kind != PJ_OP_DOT_GENERAL || !pj_attention_is_product(op))
    return false;
  for (uint32_t side = 0; side < 2; ++side) {
    Gradient g = {.m = {.out = out, .region = op->region}};
    *out = (PjAttentionMatch){.is_gradient = true};
    PjScoreAxes axes;
    if (match_changes(&g, op->operands[side], &axes) && set_operands(&g) &&
        set_result(&g, op, side, &axes, g.m.key, 1, &g.k, 0, g.m.row, uses, &out->gradient.dq) &&
        find_others(&g, uses) && find_place(&g)) {
      out->product = g.algebra.gradient;
      out->num_outputs = 3;
      for (uint32_t i = 0; i < 3; ++i)
        out->outputs[i] = g.results[i];
      return true;
    }
  }
  return false;
}

// ---- what it replaces
static bool is_pure(const PjOp *op) {
  return op->num_results == 1 && pj_op_info[op->kind].traits & PJ_TRAIT_PURE;
}

bool pj_attention_take(PjAttentionMatch *match, uint32_t *uses) {
  for (uint32_t i = 0; i < match->num_inputs; ++i)
    uses[match->inputs[i]->id]++;
  match->num_ops = 0;
  bool fits = true, found = false;
  for (uint32_t i = 0; i < match->num_outputs; ++i)
    match->ops[match->num_ops++] = match->outputs[i]->def;
  for (uint32_t done = 0; done < match->num_ops; ++done) {
    const PjOp *op = match->ops[done];
    found |= op == match->product;
    for (uint32_t i = 0; i < op->num_operands; ++i) {
      const PjValue *value = op->operands[i];
      const PjOp *def = --uses[value->id] ? NULL : value->def;
      if (!def || def->region != op->region || !is_pure(def) || def->kind == PJ_OP_CONSTANT)
        continue;
      fits = fits && match->num_ops < PJ_MAX_ATTENTION_OPS;
      if (fits)
        match->ops[match->num_ops++] = def;
    }
  }
  if (fits && found)
    return true;
  for (uint32_t i = 0; i < match->num_ops; ++i)
    for (uint32_t o = 0; o < match->ops[i]->num_operands; ++o)
      uses[match->ops[i]->operands[o]->id]++;
  for (uint32_t i = 0; i < match->num_inputs; ++i)
    uses[match->inputs[i]->id]--;
  return false;
}

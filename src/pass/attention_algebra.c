// Formulas over softmax's exponentials: attention_algebra.h.
#include "pass/attention_algebra.h"

#include <math.h>
#include <stdlib.h>

#include "pass/constant.h"

// ---- sums of terms
static bool is_alike(const PjScoreTerm *a, const PjScoreTerm *b) {
  return a->e == b->e && a->g == b->g && a->l == b->l && a->t == b->t;
}

static bool add_term(PjScoreFormula *f, PjScoreTerm term) {
  uint32_t i = 0;
  while (i < f->count && !is_alike(&f->terms[i], &term))
    ++i;
  if (i < f->count) {
    f->terms[i].factor += term.factor;
    if (f->terms[i].factor == 0)
      f->terms[i] = f->terms[--f->count];
    return true;
  }
  if (term.factor == 0)
    return true;
  if (f->count == PJ_MAX_SCORE_TERMS)
    return false;
  f->terms[f->count++] = term;
  return true;
}

static bool add(PjScoreFormula *f, const PjScoreFormula *more, double factor) {
  for (uint32_t i = 0; i < more->count; ++i) {
    PjScoreTerm term = more->terms[i];
    term.factor *= factor;
    if (!add_term(f, term))
      return false;
  }
  return true;
}

// |x| * |y|^power, power 1 or -1; of a divisor there must be one term.
static bool multiply(const PjScoreFormula *x, const PjScoreFormula *y, int power,
                     PjScoreFormula *out) {
  *out = (PjScoreFormula){0};
  if (power < 0 && y->count != 1)
    return false;
  for (uint32_t i = 0; i < x->count; ++i)
    for (uint32_t j = 0; j < y->count; ++j) {
      const PjScoreTerm *a = &x->terms[i], *b = &y->terms[j];
      const PjScoreTerm term = {power < 0 ? a->factor / b->factor : a->factor * b->factor,
                                (int8_t)(a->e + power * b->e), (int8_t)(a->g + power * b->g),
                                (int8_t)(a->l + power * b->l), (int8_t)(a->t + power * b->t)};
      const int most = 8; // powers of powers are no gradient
      if (abs(term.e) > most || abs(term.g) > most || abs(term.l) > most || abs(term.t) > most ||
          !add_term(out, term))
        return false;
    }
  return true;
}

// The sum of |f| along the keys, where each term has e or e g.
static bool sum_keys(PjScoreFormula *f) {
  for (uint32_t i = 0; i < f->count; ++i) {
    PjScoreTerm *term = &f->terms[i];
    if (term->e != 1 || term->g < 0 || term->g > 1)
      return false;
    term->l = (int8_t)(term->l + (term->g == 0));
    term->t = (int8_t)(term->t + (term->g == 1));
    term->e = term->g = 0;
  }
  return true;
}

bool pj_score_formula_is(const PjScoreFormula *f, uint32_t count, const PjScoreTerm *terms,
                         double *out_factor) {
  if (f->count != count)
    return false;
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t j = 0;
    while (j < count && !is_alike(&f->terms[j], &terms[i]))
      ++j;
    if (j == count)
      return false;
    const double factor = f->terms[j].factor / terms[i].factor;
    if (i > 0 && factor != *out_factor)
      return false;
    *out_factor = factor;
  }
  return true;
}

// ---- values
// A sum along the keys: the axes of its operand from those of its result.
static bool unreduced_axes(const PjScoreAlgebra *s, const PjOp *op, const PjScoreAxes *axes,
                           PjScoreAxes *out) {
  const PjType *from = op->operands[0]->type;
  uint32_t n;
  const int64_t *dims = PJ_INTS(op, dimensions, &n);
  bool reduced[PJ_MAX_RANK] = {false};
  for (uint32_t i = 0; i < n; ++i)
    reduced[dims[i]] = true;
  out->rank = from->rank;
  for (int32_t d = 0, r = 0; d < from->rank; ++d)
    out->of[d] = from->dims[d] == 1 ? PJ_NO_AXIS
                 : reduced[d]       ? s->m->key
                                    : axes->of[r],
    r += !reduced[d];
  return true;
}

static bool is_gradient(PjScoreAlgebra *s, const PjOp *dot, const PjScoreAxes *axes) {
  if (dot == s->m->scores_dot)
    return false;
  if (!s->gradient) {
    s->gradient = dot;
    s->gradient_axes = *axes;
  }
  return s->gradient == dot && pj_score_axes_equal(&s->gradient_axes, axes);
}

static bool leaf(PjScoreFormula *out, double factor, int8_t e, int8_t g) {
  *out = (PjScoreFormula){.count = factor != 0, .terms = {{factor, e, g, 0, 0}}};
  return true;
}

bool pj_score_formula(PjScoreAlgebra *s, const PjValue *value, const PjScoreAxes *axes,
                      PjScoreFormula *out) {
  double c;
  if (pj_const_float(value, &c))
    return isfinite(c) && leaf(out, c, 0, 0);
  const PjOp *op = pj_attention_made_by(s->m, value);
  if (!op || --s->budget < 0 || !pj_attention_is_float(value))
    return false;
  if (op == s->exp)
    return pj_score_axes_equal(axes, &s->exp_axes) && leaf(out, 1, 1, 0);
  PjScoreFormula x, y;
  PjScoreAxes from = {0};
  switch (op->kind) {
  case PJ_OP_DOT_GENERAL:
    return is_gradient(s, op, axes) && leaf(out, 1, 0, 1);
  case PJ_OP_CONVERT:
    return pj_score_formula(s, op->operands[0], axes, out);
  case PJ_OP_NEGATE:
    *out = (PjScoreFormula){0};
    return pj_score_formula(s, op->operands[0], axes, &x) && add(out, &x, -1);
  case PJ_OP_ADD:
  case PJ_OP_SUBTRACT:
    return pj_score_formula(s, op->operands[0], axes, out) &&
           pj_score_formula(s, op->operands[1], axes, &y) &&
           add(out, &y, op->kind == PJ_OP_ADD ? 1 : -1);
  case PJ_OP_MULTIPLY:
  case PJ_OP_DIVIDE:
    return pj_score_formula(s, op->operands[0], axes, &x) &&
           pj_score_formula(s, op->operands[1], axes, &y) &&
           multiply(&x, &y, op->kind == PJ_OP_MULTIPLY ? 1 : -1, out);
  case PJ_OP_REDUCE:
    return pj_attention_is_reduce(op, op->operands[0], PJ_OP_ADD) &&
           unreduced_axes(s, op, axes, &from) && pj_score_formula(s, op->operands[0], &from, out) &&
           sum_keys(out);
  case PJ_OP_BROADCAST_IN_DIM: {
    const int64_t *dims = PJ_INTS(op, broadcast_dimensions, NULL);
    from.rank = op->operands[0]->type->rank;
    for (int32_t d = 0; d < from.rank; ++d)
      from.of[d] = op->operands[0]->type->dims[d] == 1 ? PJ_NO_AXIS : axes->of[dims[d]];
    return pj_score_formula(s, op->operands[0], &from, out);
  }
  case PJ_OP_TRANSPOSE: {
    const int64_t *permutation = PJ_INTS(op, permutation, NULL);
    from.rank = axes->rank;
    for (int32_t d = 0; d < axes->rank; ++d)
      from.of[permutation[d]] = axes->of[d];
    return pj_score_formula(s, op->operands[0], &from, out);
  }
  case PJ_OP_RESHAPE:
    return pj_score_axes_reshape(value->type, op->operands[0]->type, axes, &from) &&
           pj_score_formula(s, op->operands[0], &from, out);
  default:
    return false;
  }
}

// ---- the way to the exponentials
static bool is_elementwise(const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
  case PJ_OP_CONVERT:
  case PJ_OP_NEGATE:
  case PJ_OP_ADD:
  case PJ_OP_SUBTRACT:
  case PJ_OP_MULTIPLY:
  case PJ_OP_DIVIDE:
  case PJ_OP_SELECT:
    return true;
  default:
    return false;
  }
}

const PjOp *pj_score_exponential(const PjAttentionSearch *m, const PjValue *value, int *budget) {
  const PjOp *op = pj_attention_made_by(m, value), *found = NULL;
  if (!op || --*budget < 0 || op->kind == PJ_OP_EXPONENTIAL || !is_elementwise(op))
    return op && op->kind == PJ_OP_EXPONENTIAL ? op : NULL;
  for (uint32_t i = op->kind == PJ_OP_SELECT; i < op->num_operands && !found; ++i)
    found = pj_score_exponential(m, op->operands[i], budget);
  return found;
}

bool pj_score_axes_of(PjScoreAlgebra *s, const PjValue *value, PjScoreAxes *out) {
  const PjOp *op = pj_attention_made_by(s->m, value);
  if (op && op == s->exp) {
    *out = s->exp_axes;
    return true;
  }
  if (!op || --s->budget < 0 || !is_elementwise(op))
    return false;
  for (uint32_t i = op->kind == PJ_OP_SELECT; i < op->num_operands; ++i)
    if (pj_score_axes_of(s, op->operands[i], out))
      return pj_attention_moved(op, out, out);
  return false;
}

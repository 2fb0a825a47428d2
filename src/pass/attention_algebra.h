// What is computed of softmax's exponentials and of the gradient of its result, as formulas.
//
// Frameworks write the gradient of softmax in several ways: as autodiff takes a division apart, or
// as y * (g - sum of y * g), with the sum's sign here or there. As sums of products of four things
// they are all the same:
//
//   e, the exponentials; g, the product of the result's gradient by v; and of each query l, the sum
//   of e along the keys, and t, the sum of e g
#pragma once
#include "pass/attention.h"

typedef struct PjScoreTerm { // factor * e^e * g^g * l^l * t^t
  double factor;
  int8_t e, g, l, t;
} PjScoreTerm;

enum { PJ_MAX_SCORE_TERMS = 4 };
typedef struct PjScoreFormula {
  uint32_t count;
  PjScoreTerm terms[PJ_MAX_SCORE_TERMS]; // none alike, no factor 0
} PjScoreFormula;

typedef struct PjScoreAlgebra {
  PjAttentionSearch *m;
  const PjOp *exp, *gradient; // e; g, or NULL until it was met
  PjScoreAxes exp_axes, gradient_axes;
  int budget; // operations that may be looked at
} PjScoreAlgebra;

// The formula of |value|, of axes |axes|. False if it is none, or too much to look at.
bool pj_score_formula(PjScoreAlgebra *s, const PjValue *value, const PjScoreAxes *axes,
                      PjScoreFormula *out);
// True for factor * (|terms|), a list of |count|; they stay as they are but for the factor.
bool pj_score_formula_is(const PjScoreFormula *f, uint32_t count, const PjScoreTerm *terms,
                         double *out_factor);

// The exponential that |value| is computed from element by element, or NULL. At most |budget|
// operations are looked at.
const PjOp *pj_score_exponential(const PjAttentionSearch *m, const PjValue *value, int *budget);
// The axes of |value|, which is computed from s->exp element by element; false if it is not.
bool pj_score_axes_of(PjScoreAlgebra *s, const PjValue *value, PjScoreAxes *out);

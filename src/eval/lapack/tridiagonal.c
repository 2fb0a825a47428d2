// tridiagonal_solve_perturbed_ffi: solves tridiagonal systems that may be singular, for inverse
// iteration. Gaussian elimination with row exchanges as in LAPACK's xLAGTF, then back substitution
// as in xLAGTS, where a pivot so small that dividing by it would overflow is moved by a multiple of
// eps * max |U|. One implementation in complex double serves all types; eps and the smallest number
// are those of the type.
#include <complex.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "eval/lapack/routines.h"

typedef double _Complex Number;

typedef struct System {
  int64_t n, sides;
  const Number *lower, *diagonal,
      *upper;   // row i: lower[i], diagonal[i], upper[i]; lower[0] and upper[n - 1] do not count
  Number *u[3]; // the diagonal of U and the two above it
  Number *x;    // [n, sides], first the right-hand sides
  double eps, least; // of the element type; 1 / least does not overflow
} System;

// Eliminates below the diagonal; returns max |U|.
static double eliminate(System *s) {
  Number *const *u = s->u;
  u[0][0] = s->diagonal[0];
  u[1][0] = s->n > 1 ? s->upper[0] : 0;
  double scale = cabs(u[0][0]) + cabs(u[1][0]); // of the current row, for choosing the pivot
  for (int64_t k = 0; k + 1 < s->n; ++k) {
    const bool last = k + 2 == s->n;
    const Number below = s->lower[k + 1], diagonal = s->diagonal[k + 1],
                 above = last ? 0 : s->upper[k + 1];
    const double scale_below = cabs(below) + cabs(diagonal) + cabs(above);
    Number *row = s->x + k * s->sides, *next = row + s->sides;
    const double here = u[0][k] == 0 ? 0 : cabs(u[0][k]) / scale;
    if (below == 0 || cabs(below) / scale_below <= here) {
      const Number factor = below == 0 ? 0 : below / u[0][k];
      u[0][k + 1] = diagonal - factor * u[1][k];
      u[1][k + 1] = above;
      u[2][k] = 0;
      if (below != 0)
        for (int64_t j = 0; j < s->sides; ++j)
          next[j] -= factor * row[j];
      scale = scale_below;
      continue;
    }
    const Number factor = u[0][k] / below, beside = u[1][k];
    u[0][k] = below;
    u[1][k] = diagonal;
    u[2][k] = above;
    u[0][k + 1] = beside - factor * diagonal;
    u[1][k + 1] = -factor * above;
    for (int64_t j = 0; j < s->sides; ++j) {
      const Number lower_side = next[j];
      next[j] = row[j] - factor * lower_side;
      row[j] = lower_side;
    }
    scale = cabs(u[0][k + 1]) + cabs(u[1][k + 1]);
  }
  double largest = 0;
  for (int d = 0; d < 3; ++d)
    for (int64_t k = 0; k + d < s->n; ++k)
      largest = fmax(largest, cabs(u[d][k]));
  return largest;
}

// Moves |*pivot| away from zero, or scales the row, until row / pivot does not overflow.
static void perturb(const System *s, double step, Number *pivot, Number *row) {
  double largest = 0;
  for (int64_t j = 0; j < s->sides; ++j)
    largest = fmax(largest, cabs(row[j]));
  step = copysign(fmax(fabs(step), s->least), creal(*pivot));
  for (double size = cabs(*pivot); size < 1; size = cabs(*pivot)) {
    if (size < s->least && size != 0 && largest * s->least <= size) {
      *pivot /= s->least;
      for (int64_t j = 0; j < s->sides; ++j)
        row[j] /= s->least;
      return;
    }
    if (size >= s->least && largest <= size / s->least)
      return;
    *pivot += step;
    step *= 2;
    if (!isfinite(step))
      return;
  }
}

static void solve(System *s) {
  const double step = s->eps * eliminate(s);
  for (int64_t k = s->n - 1; k >= 0; --k) {
    Number *row = s->x + k * s->sides, pivot = s->u[0][k];
    for (int64_t j = 0; j < s->sides; ++j) {
      if (k + 1 < s->n)
        row[j] -= s->u[1][k] * row[s->sides + j];
      if (k + 2 < s->n)
        row[j] -= s->u[2][k] * row[2 * s->sides + j];
    }
    perturb(s, step, &pivot, row);
    for (int64_t j = 0; j < s->sides; ++j)
      row[j] /= pivot;
  }
}

PjStatus pj_la_tridiagonal_perturbed(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                                     PjTensor **results, void *user) {
  (void)user;
  if (op->num_operands != 4 || op->num_results != 1 || operands[3]->rank < 2)
    return PJ_OP_ERROR(
        op, INVALID_ARGUMENT,
        "expected three diagonals and right-hand sides [.., n, sides], and one result");
  const PjTensor *b = operands[3];
  const PjDtype dtype = b->dtype, part = pj_dtype_part(dtype);
  const int64_t n = b->dims[b->rank - 2], sides = b->dims[b->rank - 1];
  if (part != PJ_DT_F32 && part != PJ_DT_F64)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "element type %s, expected f32, f64 or complex",
                       pj_dtype_text(dtype));
  for (int i = 0; i < 3; ++i)
    if (operands[i]->dtype != dtype || operands[i]->rank != b->rank - 1 ||
        memcmp(operands[i]->dims, b->dims, (size_t)operands[i]->rank * sizeof *b->dims))
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "diagonal %d does not have the type and shape of the right-hand sides "
                         "without their last dimension",
                         i);
  if (op->results[0].type->dtype != dtype)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the result's element type is not %s",
                       pj_dtype_text(dtype));
  PjTensor *result = results[0] = pj_eval_new_like(ev, dtype, b);
  if (!result->count)
    return PJ_STATUS_OK;
  // Column-major operands only differ in their layout, which the values do not depend on.
  Number *buffer = pj_comp_scratch(ev, PJ_COMP_C128, 6 * n),
         *x = pj_comp_scratch(ev, PJ_COMP_C128, n * sides);
  const size_t bytes = pj_dtype_bytes(dtype);
  System s = {.n = n,
              .sides = sides,
              .x = x,
              .lower = buffer,
              .diagonal = buffer + n,
              .upper = buffer + 2 * n};
  for (int i = 0; i < 3; ++i)
    s.u[i] = buffer + (3 + i) * n;
  s.eps = part == PJ_DT_F32 ? FLT_EPSILON : DBL_EPSILON;
  s.least = part == PJ_DT_F32 ? FLT_MIN : DBL_MIN;
  for (int64_t batch = 0; batch < b->count / (n * sides); ++batch) {
    for (int i = 0; i < 3; ++i)
      pj_comp_load(PJ_COMP_C128, dtype, n,
                   (const char *)operands[i]->data + (size_t)(batch * n) * bytes, buffer + i * n);
    const size_t at = (size_t)(batch * n * sides) * bytes;
    pj_comp_load(PJ_COMP_C128, dtype, n * sides, (const char *)b->data + at, x);
    solve(&s);
    pj_comp_store(PJ_COMP_C128, dtype, n * sides, x, (char *)result->data + at);
  }
  pj_eval_free(ev, buffer);
  pj_eval_free(ev, x);
  return PJ_STATUS_OK;
}

// triangular_solve (StableHLO specification, "triangular_solve"). Every form is brought to one: a
// lower triangular matrix on the left. x * t = b is t^T * x^T = b^T, and an upper triangular system
// read backwards is a lower one.
#include "eval/strided.h"
#include "eval/triangular.h"

// Sizes known only at run time must agree too.
static PjStatus check_sizes(const PjOp *op, const PjTensor *a, const PjTensor *b, bool left) {
  bool fits = a->rank == b->rank && a->rank >= 2 && a->dims[a->rank - 2] == a->dims[a->rank - 1] &&
              a->dims[a->rank - 1] == b->dims[b->rank - (left ? 2 : 1)];
  for (int32_t d = 0; fits && d < a->rank - 2; ++d)
    fits = a->dims[d] == b->dims[d];
  return fits ? PJ_STATUS_OK
              : PJ_OP_ERROR(op, INVALID_ARGUMENT,
                            "the matrices of a are not square, or do not fit those of b");
}

PjStatus pj_ev_triangular_solve(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *a = in[0], *b = in[1];
  const bool left = PJ_INT(op, left_side), unit = PJ_INT(op, unit_diagonal);
  const int64_t form = PJ_INT(op, transpose_a);
  PJ_TRY(check_sizes(op, a, b, left));
  const PjComp comp = pj_comp_pick(a->dtype, b->dtype, b->dtype);
  PjTensor *result = out[0] = pj_eval_new_like(ev, b->dtype, b);
  if (!result->count)
    return PJ_STATUS_OK;
  const int64_t n = a->dims[a->rank - 1], m = b->dims[b->rank - (left ? 1 : 2)];
  const int64_t row = b->dims[b->rank - 1];
  const bool transposed = (form == PJ_TRANSPOSE_YES || form == PJ_TRANSPOSE_ADJOINT) == left;
  const bool lower = (PJ_INT(op, lower) != 0) != transposed;
  const size_t bytes = pj_comp_bytes(comp);
  void *a_scratch, *b_scratch;
  const char *matrix = pj_comp_operand(ev, comp, a, &a_scratch);
  const char *from = pj_comp_operand(ev, comp, b, &b_scratch);
  char *target = pj_comp_target(ev, comp, result), *to = target;
  char *square = pj_comp_scratch(ev, comp, n * n), *other = pj_comp_scratch(ev, comp, n * n);
  char *sides = pj_comp_scratch(ev, comp, n * m);
  void *space = pj_eval_scratch(ev, pj_solve_work(comp, n, m));
  const int64_t square_dims[2] = {n, n}, dense_square[2] = {n, 1}, reversed[2] = {-n, -1};
  // The unknowns' index walks b's rows (left) or columns, backwards for an upper matrix.
  const int64_t step = left ? row : 1, dims[2] = {n, m}, dense[2] = {m, 1};
  const int64_t strides[2] = {lower ? step : -step, left ? 1 : row};
  const size_t start = lower ? 0 : (size_t)((n - 1) * step) * bytes;
  for (int64_t i = 0; i < b->count; i += n * m) {
    pj_copy_square(comp, n, matrix, transposed, form == PJ_TRANSPOSE_ADJOINT, square);
    const char *l = square;
    if (!lower) {
      pj_strided_copy(bytes, 2, square_dims, square + (size_t)(n * n - 1) * bytes, reversed, other,
                      dense_square);
      l = other;
    }
    pj_strided_copy(bytes, 2, dims, from + start, strides, sides, dense);
    pj_solve_lower(comp, n, m, l, unit, sides, space);
    pj_strided_copy(bytes, 2, dims, sides, dense, to + start, strides);
    matrix += (size_t)(n * n) * bytes;
    from += (size_t)(n * m) * bytes;
    to += (size_t)(n * m) * bytes;
  }
  pj_eval_free(ev, square);
  pj_eval_free(ev, other);
  pj_eval_free(ev, sides);
  pj_eval_free(ev, space);
  pj_comp_finish(ev, comp, result, target);
  if (a_scratch)
    pj_eval_free(ev, a_scratch);
  if (b_scratch)
    pj_eval_free(ev, b_scratch);
  return PJ_STATUS_OK;
}

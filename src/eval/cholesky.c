// cholesky (StableHLO specification, "cholesky"). As XLA: reads one triangle, leaves zeros in the
// other, and fills a matrix that is not positive definite with NaN.
#include <math.h>
#include <string.h>

#include "eval/triangular.h"

// A quiet NaN as any comp type: both parts for complex ones.
static void fill_nan(PjComp comp, int64_t count, void *data) {
  const bool wide = comp == PJ_COMP_F64 || comp == PJ_COMP_C128;
  if (comp == PJ_COMP_C64 || comp == PJ_COMP_C128)
    count *= 2;
  for (int64_t i = 0; i < count; ++i) {
    if (wide)
      ((double *)data)[i] = NAN;
    else
      ((float *)data)[i] = NAN;
  }
}

PjStatus pj_ev_cholesky(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *a = in[0];
  if (a->rank < 2 || a->dims[a->rank - 2] != a->dims[a->rank - 1])
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the matrices are not square at run time");
  const bool lower = PJ_INT(op, lower);
  const PjComp comp = pj_comp_pick(a->dtype, a->dtype, a->dtype);
  PjTensor *result = out[0] = pj_eval_new_like(ev, a->dtype, a);
  if (!result->count)
    return PJ_STATUS_OK;
  const int64_t n = a->dims[a->rank - 1];
  const size_t bytes = pj_comp_bytes(comp), matrix = (size_t)(n * n) * bytes;
  void *scratch;
  const char *from = pj_comp_operand(ev, comp, a, &scratch);
  char *target = pj_comp_target(ev, comp, result), *to = target;
  void *work = pj_comp_scratch(ev, comp, n * n);
  void *space = pj_eval_scratch(ev, pj_cholesky_work(comp, n));
  for (int64_t i = 0; i < result->count; i += n * n, from += matrix, to += matrix) {
    pj_copy_square(comp, n, from, !lower, !lower, work);
    if (!pj_cholesky_lower(comp, n, work, space)) {
      fill_nan(comp, n * n, to);
      continue;
    }
    for (int64_t row = 0; row + 1 < n; ++row)
      memset((char *)work + (size_t)(row * n + row + 1) * bytes, 0, (size_t)(n - row - 1) * bytes);
    pj_copy_square(comp, n, work, !lower, !lower, to);
  }
  pj_eval_free(ev, work);
  pj_eval_free(ev, space);
  pj_comp_finish(ev, comp, result, target);
  if (scratch)
    pj_eval_free(ev, scratch);
  return PJ_STATUS_OK;
}

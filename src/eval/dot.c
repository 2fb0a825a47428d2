// dot_general and dot (StableHLO specification, "dot_general"; dot is the legacy form for vectors
// and matrices).
//
// precision_config and the algorithm say how much precision may be given up; this evaluator gives
// up none, except that an accumulation type of f64 is honoured.
#include "eval/dot.h"

#include "eval/strided.h"

static bool contains(const int64_t *list, uint32_t count, int64_t value) {
  for (uint32_t i = 0; i < count; ++i)
    if (list[i] == value)
      return true;
  return false;
}

void pj_dot_axes(const PjTensor *lhs, const PjTensor *rhs, const PjDotDims *dims, uint64_t rhs_skip,
                 PjContraction *out) {
  int64_t l[PJ_MAX_RANK], r[PJ_MAX_RANK];
  pj_strides(lhs->rank, lhs->dims, l);
  pj_strides(rhs->rank, rhs->dims, r);
  out->batch.count = out->rows.count = out->cols.count = out->sum.count = 0;
  for (uint32_t i = 0; i < dims->num_batch; ++i) {
    const int64_t x = dims->lhs_batch[i], y = dims->rhs_batch[i];
    pj_axes_add(&out->batch, lhs->dims[x], l[x], r[y]);
  }
  for (uint32_t i = 0; i < dims->num_sum; ++i) {
    const int64_t x = dims->lhs_sum[i], y = dims->rhs_sum[i];
    pj_axes_add(&out->sum, lhs->dims[x], l[x], r[y]);
  }
  for (int32_t d = 0; d < lhs->rank; ++d)
    if (!contains(dims->lhs_batch, dims->num_batch, d) &&
        !contains(dims->lhs_sum, dims->num_sum, d))
      pj_axes_add(&out->rows, lhs->dims[d], l[d], 0);
  for (int32_t d = 0; d < rhs->rank; ++d)
    if (!contains(dims->rhs_batch, dims->num_batch, d) &&
        !contains(dims->rhs_sum, dims->num_sum, d) && !(rhs_skip >> d & 1))
      pj_axes_add(&out->cols, rhs->dims[d], 0, r[d]);
}

PjStatus pj_dot_check(const PjOp *op, const PjTensor *lhs, const PjTensor *rhs,
                      const PjDotDims *dims) {
  for (uint32_t i = 0; i < dims->num_batch + dims->num_sum; ++i) {
    const bool batch = i < dims->num_batch;
    const uint32_t at = batch ? i : i - dims->num_batch;
    const int64_t x = (batch ? dims->lhs_batch : dims->lhs_sum)[at],
                  y = (batch ? dims->rhs_batch : dims->rhs_sum)[at];
    if (lhs->dims[x] != rhs->dims[y])
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "%s dimensions %lld of lhs and %lld of rhs have sizes %lld and %lld",
                         batch ? "batching" : "contracting", (long long)x, (long long)y,
                         (long long)lhs->dims[x], (long long)rhs->dims[y]);
  }
  return PJ_STATUS_OK;
}

PjTensor *pj_dot(PjEval *ev, PjComp comp, PjDtype dtype, const PjTensor *lhs, const PjTensor *rhs,
                 const PjDotDims *dims) {
  PjContraction c;
  pj_dot_axes(lhs, rhs, dims, 0, &c);
  int64_t sizes[2 * PJ_MAX_RANK];
  int32_t rank = 0;
  const PjAxes *const groups[] = {&c.batch, &c.rows, &c.cols};
  for (int g = 0; g < 3; ++g)
    for (int32_t i = 0; i < groups[g]->count; ++i)
      sizes[rank++] = groups[g]->at[i].size;
  PjTensor *result = pj_eval_new(ev, dtype, rank, sizes);
  void *lhs_scratch, *rhs_scratch;
  c.comp = comp;
  c.lhs = pj_comp_operand(ev, comp, lhs, &lhs_scratch);
  c.rhs = pj_comp_operand(ev, comp, rhs, &rhs_scratch);
  void *target = pj_comp_target(ev, comp, result);
  pj_contract(ev, &c, target);
  pj_comp_finish(ev, comp, result, target);
  if (lhs_scratch)
    pj_eval_free(ev, lhs_scratch);
  if (rhs_scratch)
    pj_eval_free(ev, rhs_scratch);
  return result;
}

PjStatus pj_ev_dot_general(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PjDotDims dims;
  dims.lhs_batch = PJ_INTS(op, lhs_batching_dimensions, &dims.num_batch);
  dims.rhs_batch = PJ_INTS(op, rhs_batching_dimensions, NULL);
  dims.lhs_sum = PJ_INTS(op, lhs_contracting_dimensions, &dims.num_sum);
  dims.rhs_sum = PJ_INTS(op, rhs_contracting_dimensions, NULL);
  const PjDtype dtype = op->results[0].type->dtype;
  PjComp comp = pj_comp_pick(in[0]->dtype, in[1]->dtype, dtype);
  const PjAttr *sum_type = PJ_ATTR(op, accumulation_type);
  if (sum_type && sum_type->type && sum_type->type->kind == PJ_TYPE_SCALAR &&
      sum_type->type->dtype == PJ_DT_F64 && comp == PJ_COMP_F32)
    comp = PJ_COMP_F64;
  PJ_TRY(pj_dot_check(op, in[0], in[1], &dims));
  out[0] = pj_dot(ev, comp, dtype, in[0], in[1], &dims);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_dot(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const int64_t last = in[0]->rank - 1, first = 0;
  const PjDotDims dims = {.num_sum = in[0]->rank > 0, .lhs_sum = &last, .rhs_sum = &first};
  const PjDtype dtype = op->results[0].type->dtype;
  PJ_TRY(pj_dot_check(op, in[0], in[1], &dims));
  out[0] = pj_dot(ev, pj_comp_pick(in[0]->dtype, in[1]->dtype, dtype), dtype, in[0], in[1], &dims);
  return PJ_STATUS_OK;
}

// dynamic_slice and dynamic_update_slice: a box at a run-time position, clamped into the operand.
// set_dimension_size and get_dimension_size.
#include <inttypes.h>

#include "eval/structure.h"

// Reads the start index of each dimension from |starts|, clamps it so that a box of |sizes| fits,
// and sets |out_first| to the offset in elements of the box's first element.
static PjStatus place(const PjOp *op, const PjTensor *operand, PjTensor *const *starts,
                      const int64_t *sizes, int64_t *strides, int64_t *out_first) {
  int64_t first = 0;
  pj_strides(operand->rank, operand->dims, strides);
  for (int32_t i = 0; i < operand->rank; ++i) {
    if (sizes[i] < 0 || sizes[i] > operand->dims[i])
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "a slice of size %" PRId64 " does not fit into dimension %d of size "
                         "%" PRId64,
                         sizes[i], i, operand->dims[i]);
    if (!operand->count)
      continue;
    first += pj_clamp_i64(pj_index_at(starts[i], 0), 0, operand->dims[i] - sizes[i]) * strides[i];
  }
  *out_first = first;
  return PJ_STATUS_OK;
}

PjStatus pj_ev_dynamic_slice(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *operand = in[0];
  const int64_t *sizes = PJ_INTS(op, slice_sizes, NULL);
  int64_t source[PJ_MAX_RANK], target[PJ_MAX_RANK], first;
  PJ_TRY(place(op, operand, in + 1, sizes, source, &first));
  PJ_TRY(pj_result_new(ev, op, 0, operand->rank, sizes, out));
  if (!(*out)->count)
    return PJ_STATUS_OK;
  size_t elem = pj_dtype_bytes(operand->dtype);
  pj_strides(operand->rank, sizes, target);
  pj_strided_copy(elem, operand->rank, sizes, (const char *)operand->data + (size_t)first * elem,
                  source, (*out)->data, target);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_dynamic_update_slice(PjEval *ev, const PjOp *op, PjTensor *const *in,
                                    PjTensor **out) {
  const PjTensor *update = in[1];
  int64_t source[PJ_MAX_RANK], target[PJ_MAX_RANK], first;
  if (update->rank != in[0]->rank)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "update has rank %d, operand has rank %d",
                       update->rank, in[0]->rank);
  PJ_TRY(place(op, in[0], in + 2, update->dims, target, &first));
  PJ_TRY(pj_result_check(op, 0, in[0]->rank, in[0]->dims));
  if (update->count == in[0]->count && update->count) {
    *out = pj_eval_keep(ev, in[1]); // the update covers everything
    return PJ_STATUS_OK;
  }
  *out = pj_eval_take(ev, op, in, 0);
  if (!update->count)
    return PJ_STATUS_OK;
  size_t elem = pj_dtype_bytes(update->dtype);
  pj_strides(update->rank, update->dims, source);
  pj_strided_copy(elem, update->rank, update->dims, update->data, source,
                  (char *)(*out)->data + (size_t)first * elem, target);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_get_dimension_size(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  *out = pj_eval_result(ev, op, 0);
  *(int32_t *)(*out)->data = (int32_t)in[0]->dims[PJ_INT(op, dimension)];
  return PJ_STATUS_OK;
}

// Arrays have exactly their run-time shape here, so a smaller dynamic size keeps the first
// elements.
PjStatus pj_ev_set_dimension_size(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjTensor *operand = in[0];
  const PjType *type = op->operands[0]->type;
  int32_t axis = (int32_t)PJ_INT(op, dimension);
  int64_t dims[PJ_MAX_RANK], common[PJ_MAX_RANK], source[PJ_MAX_RANK], target[PJ_MAX_RANK];
  int64_t size = pj_index_at(in[1], 0), limit = operand->dims[axis];
  // Of an array of bounded size what lies behind its end may be asked for: it is unspecified there,
  // and zero here.
  if (type->bounds && type->bounds[axis] != PJ_DYN)
    limit = type->bounds[axis];
  if (size < 0 || size > limit)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "size %" PRId64 " is not within dimension %d of size %" PRId64, size, axis,
                       limit);
  for (int32_t i = 0; i < operand->rank; ++i) {
    dims[i] = i == axis ? size : operand->dims[i];
    common[i] = dims[i] < operand->dims[i] ? dims[i] : operand->dims[i];
  }
  if (size == operand->dims[axis])
    return pj_result_view(ev, op, 0, in, 0, operand->rank, dims, out);
  PJ_TRY(pj_result_new(ev, op, 0, operand->rank, dims, out));
  if (!(*out)->count)
    return PJ_STATUS_OK;
  if (size > operand->dims[axis])
    memset((*out)->data, 0, (*out)->bytes);
  pj_strides(operand->rank, operand->dims, source);
  pj_strides(operand->rank, dims, target);
  if (operand->count)
    pj_strided_copy(pj_dtype_bytes(operand->dtype), operand->rank, common, operand->data, source,
                    (*out)->data, target);
  return PJ_STATUS_OK;
}

// map: a computation on every element, by the compiled body where it has one; chlo.scan.
#include <inttypes.h>

#include "eval/body.h"
#include "eval/structure.h"

enum { WIDTH = 1024 };

static PjStatus map_elements(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor *result) {
  uint32_t count = op->num_operands;
  size_t elem = pj_dtype_bytes(result->dtype);
  PjTensor **args = pj_eval_scratch(ev, count * sizeof *args), *value;
  for (int64_t i = 0; i < result->count; ++i) {
    for (uint32_t a = 0; a < count; ++a) {
      size_t bytes = pj_dtype_bytes(in[a]->dtype);
      args[a] = pj_eval_new(ev, in[a]->dtype, 0, NULL);
      memcpy(args[a]->data, (const char *)in[a]->data + (size_t)i * bytes, bytes);
    }
    PJ_TRY(pj_eval_region(ev, &op->regions[0], args, &value, 1));
    memcpy((char *)result->data + (size_t)i * elem, value->data, elem);
    pj_eval_drop(ev, value);
    for (uint32_t a = 0; a < count; ++a)
      pj_eval_drop(ev, args[a]);
  }
  pj_eval_free(ev, args);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_map(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  uint32_t count = op->num_operands;
  PJ_TRY(pj_same_shapes(op, count, in));
  PJ_TRY(pj_result_new(ev, op, 0, in[0]->rank, in[0]->dims, out));
  int64_t n = (*out)->count;
  if (!n)
    return PJ_STATUS_OK;
  PjBody *body = pj_body_compile(ev, &op->regions[0], n < WIDTH ? n : WIDTH);
  if (!body)
    return map_elements(ev, op, in, *out);
  size_t elem = pj_dtype_bytes((*out)->dtype);
  const void **args = pj_eval_scratch(ev, count * sizeof *args), *result;
  for (int64_t at = 0; at < n; at += WIDTH) {
    int64_t some = n - at < WIDTH ? n - at : WIDTH;
    for (uint32_t a = 0; a < count; ++a)
      args[a] = (const char *)in[a]->data + (size_t)at * pj_dtype_bytes(in[a]->dtype);
    pj_body_run(body, some, args, &result);
    memcpy((char *)(*out)->data + (size_t)at * elem, result, (size_t)some * elem);
  }
  pj_eval_free(ev, args);
  return PJ_STATUS_OK;
}

// ---- chlo.scan
// (inputs.., inits..) -> (outputs.., carries..): the body takes a slice of each input
// along |dimension| and the carries, and returns a slice of each output and the new carries. Inputs
// and inits are told apart by rank: an input has the scanned dimension, which its body argument
// lacks.
static uint32_t count_inputs(const PjOp *op, PjTensor *const *in) {
  const PjRegion *body = &op->regions[0];
  uint32_t i = 0;
  while (i < op->num_operands && in[i]->rank == body->args[i].type->rank + 1)
    ++i;
  return i;
}

// Slice |at| of |tensor| along |axis|, or back into it.
static void move_slice(PjTensor *tensor, int32_t axis, int64_t at, PjTensor *part, bool in) {
  int64_t whole[PJ_MAX_RANK], slice[PJ_MAX_RANK];
  size_t elem = pj_dtype_bytes(tensor->dtype);
  pj_strides(tensor->rank, tensor->dims, whole);
  pj_strides(part->rank, part->dims, slice);
  char *data = (char *)tensor->data + (size_t)(at * whole[axis]) * elem;
  for (int32_t d = axis; d + 1 < tensor->rank; ++d)
    whole[d] = whole[d + 1];
  if (!part->count)
    return;
  if (in)
    pj_strided_copy(elem, part->rank, part->dims, part->data, slice, data, whole);
  else
    pj_strided_copy(elem, part->rank, part->dims, data, whole, part->data, slice);
}

static PjStatus slice_shape(const PjOp *op, const PjTensor *tensor, int32_t axis, int64_t *dims) {
  if (axis < 0 || axis >= tensor->rank)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "dimension %d is not one of rank %d", axis,
                       tensor->rank);
  for (int32_t d = 0, k = 0; d < tensor->rank; ++d)
    if (d != axis)
      dims[k++] = tensor->dims[d];
  return PJ_STATUS_OK;
}

PjStatus pj_ev_chlo_scan(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjRegion *body = &op->regions[0];
  int32_t axis = (int32_t)PJ_INT(op, dimension);
  uint32_t num_inputs = count_inputs(op, in), num_carries = op->num_operands - num_inputs;
  if (body->num_args != op->num_operands || num_carries > op->num_results)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the body takes %u arguments for %u operands",
                       body->num_args, op->num_operands);
  uint32_t num_outputs = op->num_results - num_carries;
  bool reverse = PJ_INT(op, is_reverse) != 0;
  int64_t n = PJ_ATTR(op, scan_dim_size) ? PJ_INT(op, scan_dim_size) : -1, dims[PJ_MAX_RANK];
  for (uint32_t i = 0; i < num_inputs; ++i) {
    PJ_TRY(slice_shape(op, in[i], axis, dims));
    if (n >= 0 && in[i]->dims[axis] != n)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "operand %u has %" PRId64 " slices where %" PRId64 " are scanned", i,
                         in[i]->dims[axis], n);
    n = in[i]->dims[axis];
  }
  if (n < 0)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "nothing says how many steps to scan");

  PjTensor **args = pj_eval_scratch(ev, body->num_args * sizeof *args);
  PjTensor **results = pj_eval_scratch(ev, op->num_results * sizeof *results);
  for (uint32_t i = 0; i < num_carries; ++i)
    args[num_inputs + i] = pj_eval_keep(ev, in[num_inputs + i]);
  for (int64_t step = 0; step < n; ++step) {
    int64_t at = reverse ? n - 1 - step : step;
    for (uint32_t i = 0; i < num_inputs; ++i) {
      PJ_TRY(slice_shape(op, in[i], axis, dims));
      args[i] = pj_eval_new(ev, in[i]->dtype, in[i]->rank - 1, dims);
      move_slice(in[i], axis, at, args[i], false);
    }
    PJ_TRY(pj_eval_region(ev, body, args, results, op->num_results));
    for (uint32_t i = 0; i < body->num_args; ++i)
      pj_eval_drop(ev, args[i]);
    for (uint32_t i = 0; i < num_outputs; ++i) {
      if (!out[i]) { // the first step tells the shape
        const PjTensor *part = results[i];
        if (axis > part->rank || part->rank == PJ_MAX_RANK)
          return PJ_OP_ERROR(op, INVALID_ARGUMENT, "dimension %d is not one of output %u", axis, i);
        for (int32_t d = 0; d <= part->rank; ++d)
          dims[d] = d < axis ? part->dims[d] : d == axis ? n : part->dims[d - 1];
        PJ_TRY(pj_result_new(ev, op, i, part->rank + 1, dims, &out[i]));
      }
      PJ_TRY(slice_shape(op, out[i], axis, dims));
      bool same = results[i]->rank == out[i]->rank - 1;
      for (int32_t d = 0; same && d < results[i]->rank; ++d)
        same = results[i]->dims[d] == dims[d];
      if (!same)
        return PJ_OP_ERROR(op, INVALID_ARGUMENT, "output %u changes its shape at step %" PRId64, i,
                           step);
      move_slice(out[i], axis, at, results[i], true);
      pj_eval_drop(ev, results[i]);
    }
    for (uint32_t i = 0; i < num_carries; ++i)
      args[num_inputs + i] = results[num_outputs + i];
  }
  for (uint32_t i = 0; i < num_outputs; ++i) {
    if (out[i])
      continue;
    const PjType *type = op->results[i].type;
    for (int32_t d = 0; d < type->rank; ++d)
      dims[d] = d == axis ? n : type->dims[d] == PJ_DYN ? 0 : type->dims[d];
    PJ_TRY(pj_result_new(ev, op, i, type->rank, dims, &out[i]));
  }
  for (uint32_t i = 0; i < num_carries; ++i)
    out[num_outputs + i] = args[num_inputs + i];
  pj_eval_free(ev, args);
  pj_eval_free(ev, results);
  return PJ_STATUS_OK;
}

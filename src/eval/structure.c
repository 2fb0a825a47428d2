// Helpers of the data movement operations.
#include "eval/structure.h"

#include <inttypes.h>
#include <stdio.h>

#include "eval/run.h"

const char *pj_dims_text(int32_t rank, const int64_t *dims, char text[PJ_DIMS_TEXT]) {
  size_t at = 0;
  text[0] = 0;
  if (!rank)
    return "scalar";
  for (int32_t i = 0; i < rank && at < PJ_DIMS_TEXT; ++i)
    at += (size_t)snprintf(text + at, PJ_DIMS_TEXT - at, i ? "x%" PRId64 : "%" PRId64, dims[i]);
  return text;
}

PjStatus pj_result_check(const PjOp *op, uint32_t index, int32_t rank, const int64_t *dims) {
  const PjType *type = op->results[index].type;
  bool fits = type->kind == PJ_TYPE_TENSOR && type->rank == rank;
  for (int32_t i = 0; fits && i < rank; ++i) {
    fits = dims[i] >= 0 && (type->dims[i] == PJ_DYN || type->dims[i] == dims[i]);
    if (fits && type->bounds && type->bounds[i] != PJ_DYN)
      fits = dims[i] <= type->bounds[i];
  }
  if (fits)
    return PJ_STATUS_OK;
  char got[PJ_DIMS_TEXT];
  PjStrBuf want = {0};
  pj_type_print(&want, type);
  PjStatus status = PJ_OP_ERROR(op, INVALID_ARGUMENT,
                                "result %u has the shape %s at run time, but its type is %s", index,
                                pj_dims_text(rank, dims, got), want.data ? want.data : "");
  pj_strbuf_free(&want);
  return status;
}

PjStatus pj_result_new(PjEval *ev, const PjOp *op, uint32_t index, int32_t rank,
                       const int64_t *dims, PjTensor **out) {
  PJ_TRY(pj_result_check(op, index, rank, dims));
  *out = pj_eval_new(ev, op->results[index].type->dtype, rank, dims);
  return PJ_STATUS_OK;
}

// True if operand |i| dies at |op| and nothing else refers to its data.
static bool is_sole(PjEval *ev, const PjOp *op, PjTensor *const *in, uint32_t i) {
  bool dies = i < 64 && op->region && (ev->frame->plan->ops[op->id].takes >> i & 1);
  return dies && in[i]->writable && atomic_load_explicit(&in[i]->refs, memory_order_acquire) == 1;
}

PjStatus pj_result_view(PjEval *ev, const PjOp *op, uint32_t index, PjTensor *const *in, uint32_t i,
                        int32_t rank, const int64_t *dims, PjTensor **out) {
  PJ_TRY(pj_result_check(op, index, rank, dims));
  PjTensor *operand = in[i];
  bool same = operand->rank == rank && operand->dtype == op->results[index].type->dtype;
  for (int32_t d = 0; same && d < rank; ++d)
    same = operand->dims[d] == dims[d];
  if (same) {
    *out = pj_eval_keep(ev, operand);
    return PJ_STATUS_OK;
  }
  // The view may be written when it is about to hold the only reference: then a later update of the
  // reshaped value still happens in place.
  bool sole = is_sole(ev, op, in, i);
  *out = pj_eval_view(ev, operand, operand->dtype, rank, dims);
  (*out)->writable = sole;
  return PJ_STATUS_OK;
}

static void load_ints(PjDtype dtype, const void *data, int64_t count, int64_t *out) {
  switch (dtype) {
  case PJ_DT_PRED:
  case PJ_DT_U2:
  case PJ_DT_U4:
  case PJ_DT_U8:
    for (int64_t i = 0; i < count; ++i)
      out[i] = ((const uint8_t *)data)[i];
    return;
  case PJ_DT_S2:
  case PJ_DT_S4:
  case PJ_DT_S8:
    for (int64_t i = 0; i < count; ++i)
      out[i] = ((const int8_t *)data)[i];
    return;
  case PJ_DT_S16:
    for (int64_t i = 0; i < count; ++i)
      out[i] = ((const int16_t *)data)[i];
    return;
  case PJ_DT_U16:
    for (int64_t i = 0; i < count; ++i)
      out[i] = ((const uint16_t *)data)[i];
    return;
  case PJ_DT_S32:
    for (int64_t i = 0; i < count; ++i)
      out[i] = ((const int32_t *)data)[i];
    return;
  case PJ_DT_U32:
    for (int64_t i = 0; i < count; ++i)
      out[i] = ((const uint32_t *)data)[i];
    return;
  case PJ_DT_U64:
    for (int64_t i = 0; i < count; ++i) {
      uint64_t x = ((const uint64_t *)data)[i];
      out[i] = x > (uint64_t)PJ_INDEX_LIMIT ? PJ_INDEX_LIMIT : (int64_t)x;
    }
    return;
  default:
    for (int64_t i = 0; i < count; ++i)
      out[i] = pj_clamp_i64(((const int64_t *)data)[i], -PJ_INDEX_LIMIT, PJ_INDEX_LIMIT);
    return;
  }
}

PjStatus pj_read_ints(const PjOp *op, const PjTensor *tensor, const char *what, int64_t count,
                      int64_t *out) {
  if (tensor->kind != PJ_TENSOR_ARRAY || tensor->count != count)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "%s has %" PRId64 " elements, %" PRId64 " are wanted",
                       what, tensor->count, count);
  load_ints(tensor->dtype, tensor->data, count, out);
  return PJ_STATUS_OK;
}

int64_t pj_index_at(const PjTensor *tensor, int64_t at) {
  int64_t value;
  load_ints(tensor->dtype, (const char *)tensor->data + (size_t)at * pj_dtype_bytes(tensor->dtype),
            1, &value);
  return value;
}

static bool agree(const PjTensor *a, const PjTensor *b) {
  return a->rank == b->rank &&
         (!a->rank || !memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims));
}

bool pj_shapes_agree(uint32_t count, PjTensor *const *tensors) {
  for (uint32_t i = 1; i < count; ++i)
    if (!agree(tensors[0], tensors[i]))
      return false;
  return true;
}

PjStatus pj_same_shapes(const PjOp *op, uint32_t count, PjTensor *const *tensors) {
  for (uint32_t i = 1; i < count; ++i) {
    if (agree(tensors[0], tensors[i]))
      continue;
    char a[PJ_DIMS_TEXT], b[PJ_DIMS_TEXT];
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "operand %u has shape %s, operand 0 has %s", i,
                       pj_dims_text(tensors[i]->rank, tensors[i]->dims, a),
                       pj_dims_text(tensors[0]->rank, tensors[0]->dims, b));
  }
  return PJ_STATUS_OK;
}

// The shape in which operands meet, of the rank of the first that is no scalar. False if none.
static bool meeting(const PjOp *op, uint32_t count, PjTensor *const *in, int64_t *dims) {
  const PjTensor *first = NULL;
  bool open[PJ_MAX_RANK] = {false};
  for (uint32_t i = 0; i < count; ++i) {
    if (!in[i]->rank)
      continue;
    if (first && in[i]->rank != first->rank)
      return false;
    for (int32_t d = 0; d < in[i]->rank; ++d) {
      dims[d] = first && dims[d] < in[i]->dims[d] ? dims[d] : in[i]->dims[d];
      const int64_t *bounds = op->operands[i]->type->bounds;
      open[d] |= bounds && bounds[d] != PJ_DYN;
    }
    first = first ? first : in[i];
  }
  for (uint32_t i = 0; first && i < count; ++i)
    for (int32_t d = 0; d < in[i]->rank; ++d)
      if (in[i]->dims[d] != dims[d] && !open[d])
        return false;
  return first != NULL;
}

// |tensor| up to |dims|: a new reference.
static PjTensor *cut(PjEval *ev, PjTensor *tensor, const int64_t *dims) {
  int64_t source[PJ_MAX_RANK], target[PJ_MAX_RANK];
  if (!tensor->rank || !memcmp(tensor->dims, dims, (size_t)tensor->rank * sizeof *dims))
    return pj_eval_keep(ev, tensor);
  PjTensor *part = pj_eval_new(ev, tensor->dtype, tensor->rank, dims);
  pj_strides(tensor->rank, tensor->dims, source);
  pj_strides(tensor->rank, dims, target);
  if (part->count)
    pj_strided_copy(pj_dtype_bytes(tensor->dtype), tensor->rank, dims, tensor->data, source,
                    part->data, target);
  return part;
}

PjStatus pj_meet(PjEval *ev, const PjOp *op, uint32_t count, PjTensor *const *in, PjTensor **out,
                 PjEvalFn *eval) {
  int64_t dims[PJ_MAX_RANK];
  if (!meeting(op, count, in, dims))
    return pj_same_shapes(op, count, in);
  PjTensor **met = pj_eval_scratch(ev, op->num_operands * sizeof *met);
  bool shorter = false;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    met[i] = i < count ? cut(ev, in[i], dims) : pj_eval_keep(ev, in[i]);
    shorter |= met[i] != in[i];
  }
  PjStatus status = shorter ? eval(ev, op, met, out) : pj_same_shapes(op, count, in);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    pj_eval_drop(ev, met[i]);
  pj_eval_free(ev, met);
  return status;
}

PjTensor *pj_converted(PjEval *ev, PjTensor *tensor, PjDtype dtype) {
  if (tensor->dtype == dtype)
    return pj_eval_keep(ev, tensor);
  PjTensor *out = pj_eval_new_like(ev, dtype, tensor);
  PjType from = {.kind = PJ_TYPE_TENSOR, .dtype = tensor->dtype};
  PjType to = {.kind = PJ_TYPE_TENSOR, .dtype = dtype};
  PjValue operand = {.type = &from}, result = {.type = &to};
  PjValue *operands[] = {&operand};
  PjOp op = {.kind = PJ_OP_CONVERT,
             .num_operands = 1,
             .num_results = 1,
             .operands = operands,
             .results = &result};
  PjKernel kernel;
  // Every pair of element types has a conversion.
  if (pj_kernel_select(&op, &kernel)) {
    const void *data = tensor->data;
    kernel.fn(&kernel, tensor->count, &data, out->data);
  } else {
    memset(out->data, 0, out->bytes);
  }
  return out;
}

void pj_splat(PjTensor *tensor, const PjTensor *value) {
  pj_fill(pj_dtype_bytes(tensor->dtype), tensor->count, value->data, tensor->data);
}

// constant, iota, dynamic_iota.
#include <math.h>

#include "eval/float.h"
#include "eval/run.h"
#include "eval/structure.h"

// A constant is a view of the program's own bytes; runs copy it only when it leaves them.
PjStatus pj_ev_constant(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjAttr *value = PJ_ATTR(op, value);
  const PjType *type = value->type;
  size_t elem = pj_dtype_bytes(type->dtype), bytes;
  int64_t count;
  if (!pj_type_num_elements(type, &count) || !pj_type_num_bytes(type, &bytes))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the constant's type has no size");
  PJ_TRY(pj_result_check(op, 0, type->rank, type->dims));
  if (value->data_size < (value->splat ? (count ? elem : 0) : bytes))
    return PJ_OP_ERROR(op, INTERNAL, "the constant holds %zu bytes, its type needs %zu",
                       value->data_size, bytes);
  size_t align = elem > 8 ? 8 : elem;
  if (value->data_size >= bytes && count && (uintptr_t)value->data % align == 0) {
    *out = pj__eval_adopt(ev, pj_tensor_wrap(type->dtype, type->rank, type->dims,
                                             (void *)(uintptr_t)value->data, false, NULL, NULL));
    return PJ_STATUS_OK;
  }
  *out = pj_eval_new(ev, type->dtype, type->rank, type->dims);
  if (value->data_size >= bytes) {
    if (bytes)
      memcpy((*out)->data, value->data, bytes);
  } else {
    char aligned[16] __attribute__((aligned(16)));
    memcpy(aligned, value->data, elem);
    pj_fill(elem, count, aligned, (*out)->data);
  }
  return PJ_STATUS_OK;
}

// The number |i| as a storage value of a quantised type (spec: uniform_quantize).
static int64_t quantized(const PjQuant *quant, int64_t i) {
  double q = nearbyint((double)i / quant->scales[0]) + (double)quant->zero_points[0];
  return q <= (double)quant->min ? quant->min : q >= (double)quant->max ? quant->max : (int64_t)q;
}

static void encode_number(const PjType *type, int64_t i, void *element) {
  switch (pj_dtype_class(type->dtype)) {
  case PJ_CLASS_FLOAT:
    pj_double_encode(type->dtype, (double)i, element);
    return;
  case PJ_CLASS_COMPLEX: {
    size_t half = pj_dtype_bytes(type->dtype) / 2;
    memset(element, 0, 2 * half);
    pj_double_encode(pj_dtype_part(type->dtype), (double)i, element);
    return;
  }
  default:
    pj_int_encode(type->dtype, type->quant ? quantized(type->quant, i) : i, element);
  }
}

static void fill_iota(PjEval *ev, const PjType *type, PjTensor *result, int64_t axis) {
  if (!result->count)
    return;
  size_t elem = pj_dtype_bytes(type->dtype);
  int64_t n = result->dims[axis], strides[PJ_MAX_RANK], source[PJ_MAX_RANK] = {0};
  bool line = result->count == n; // the result is the list of numbers itself
  char *numbers = line ? result->data : pj_eval_scratch(ev, (size_t)n * elem);
  for (int64_t i = 0; i < n; ++i)
    encode_number(type, i, numbers + (size_t)i * elem);
  if (line)
    return;
  source[axis] = 1;
  pj_strides(result->rank, result->dims, strides);
  pj_strided_copy(elem, result->rank, result->dims, numbers, source, result->data, strides);
  pj_eval_free(ev, numbers);
}

PjStatus pj_ev_iota(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  *out = pj_eval_result(ev, op, 0);
  fill_iota(ev, op->results[0].type, *out, PJ_INT(op, iota_dimension));
  return PJ_STATUS_OK;
}

PjStatus pj_ev_dynamic_iota(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjType *type = op->results[0].type;
  int64_t dims[PJ_MAX_RANK];
  PJ_TRY(pj_read_ints(op, in[0], "output_shape", type->rank, dims));
  PJ_TRY(pj_result_new(ev, op, 0, type->rank, dims, out));
  fill_iota(ev, type, *out, PJ_INT(op, iota_dimension));
  return PJ_STATUS_OK;
}

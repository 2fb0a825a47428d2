// chlo.broadcast_*: an elementwise operation on operands that are first brought to one shape, by
// numpy's rule (dimensions are aligned at the last; 1 fits any size) or by |broadcast_dimensions|,
// which place those of the operand with fewer.
#include "eval/kernel.h"

static PjOpKind plain_kind(PjOpKind kind) {
  switch (kind) {
#define PLAIN(name)                 \
  case PJ_OP_CHLO_BROADCAST_##name: \
    return PJ_OP_##name;
    PLAIN(ADD)
    PLAIN(AND)
    PLAIN(ATAN2)
    PLAIN(COMPLEX)
    PLAIN(DIVIDE)
    PLAIN(MAXIMUM)
    PLAIN(MINIMUM)
    PLAIN(MULTIPLY)
    PLAIN(OR)
    PLAIN(POWER)
    PLAIN(REMAINDER)
    PLAIN(SHIFT_LEFT)
    PLAIN(SHIFT_RIGHT_ARITHMETIC)
    PLAIN(SHIFT_RIGHT_LOGICAL)
    PLAIN(SUBTRACT)
    PLAIN(XOR)
    PLAIN(COMPARE)
    PLAIN(SELECT)
#undef PLAIN
  case PJ_OP_CHLO_BROADCAST_NEXT_AFTER:
    return PJ_OP_CHLO_NEXT_AFTER;
  case PJ_OP_CHLO_BROADCAST_POLYGAMMA:
    return PJ_OP_CHLO_POLYGAMMA;
  case PJ_OP_CHLO_BROADCAST_ZETA:
    return PJ_OP_CHLO_ZETA;
  default:
    return PJ_OP_INVALID;
  }
}

// The dimension of the result that dimension |d| of |operand| becomes.
static int32_t placed(const PjTensor *operand, int32_t rank, const int64_t *dimensions, int32_t d) {
  return operand->rank == rank ? d : dimensions ? (int32_t)dimensions[d] : d + rank - operand->rank;
}

static PjTensor *spread(PjEval *ev, PjTensor *operand, int32_t rank, const int64_t *dims,
                        const int64_t *dimensions) {
  PjTensor *result = pj_eval_new(ev, operand->dtype, rank, dims);
  size_t bytes = pj_dtype_bytes(operand->dtype);
  int64_t strides[PJ_MAX_RANK] = {0}, index[PJ_MAX_RANK] = {0}, stride = 1;
  for (int32_t d = operand->rank - 1; d >= 0; --d) {
    if (operand->dims[d] != 1)
      strides[placed(operand, rank, dimensions, d)] = stride;
    stride *= operand->dims[d];
  }
  const char *from = operand->data;
  char *to = result->data;
  for (int64_t i = 0; i < result->count; ++i, to += bytes) {
    memcpy(to, from, bytes);
    for (int32_t d = rank - 1; d >= 0; --d) {
      from += strides[d] * (int64_t)bytes;
      if (++index[d] < dims[d])
        break;
      from -= strides[d] * dims[d] * (int64_t)bytes;
      index[d] = 0;
    }
  }
  return result;
}

PjStatus pj_ev_chlo_broadcast(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const int64_t *dimensions = NULL;
  uint32_t num_dimensions = 0;
  if (op->kind != PJ_OP_CHLO_BROADCAST_SELECT && PJ_ATTR(op, broadcast_dimensions))
    dimensions = PJ_INTS(op, broadcast_dimensions, &num_dimensions);
  int64_t dims[PJ_MAX_RANK];
  int32_t rank = 0;
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (in[i]->rank > rank)
      rank = in[i]->rank;
  for (int32_t d = 0; d < rank; ++d)
    dims[d] = 1;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    if (dimensions && in[i]->rank < rank && num_dimensions != (uint32_t)in[i]->rank)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "broadcast_dimensions has %u entries for an operand of rank %d",
                         num_dimensions, in[i]->rank);
    for (int32_t d = 0; d < in[i]->rank; ++d) {
      int32_t at = placed(in[i], rank, dimensions, d);
      if (at < 0 || at >= rank)
        return PJ_OP_ERROR(op, INVALID_ARGUMENT, "broadcast dimension %d is outside of rank %d", at,
                           rank);
      if (in[i]->dims[d] == 1)
        continue;
      if (dims[at] != 1 && dims[at] != in[i]->dims[d])
        return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                           "sizes %lld and %lld of dimension %d cannot be broadcast",
                           (long long)dims[at], (long long)in[i]->dims[d], at);
      dims[at] = in[i]->dims[d];
    }
  }
  int64_t a = 0, b = 0;
  if (op->kind == PJ_OP_CHLO_BROADCAST_COMPARE) {
    a = PJ_INT(op, comparison_direction);
    b = PJ_INT(op, compare_type);
  }
  PjKernel kernel;
  PjDtype from = in[op->num_operands - 1]->dtype, to = op->results[0].type->dtype;
  if (!pj_kernel_make(plain_kind(op->kind), from, to, a, b, &kernel))
    return PJ_OP_ERROR(op, UNIMPLEMENTED, "no kernel for elements of type %s", pj_dtype_text(from));
  PjTensor *spreads[3], *result = pj_eval_new(ev, to, rank, dims);
  const void *args[3];
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    spreads[i] = in[i]->count == result->count ? pj_eval_keep(ev, in[i])
                                               : spread(ev, in[i], rank, dims, dimensions);
    args[i] = spreads[i]->data;
  }
  kernel.fn(&kernel, result->count, args, result->data);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    pj_eval_drop(ev, spreads[i]);
  out[0] = result;
  return PJ_STATUS_OK;
}

// One value of the attribute, converted to |dtype|; false for an attribute that is no number.
static bool number(const PjAttr *value, PjDtype dtype, void *element) {
  switch (value->kind) {
  case PJ_ATTR_FLOAT:
    pj_convert_n(PJ_DT_F64, dtype, 1, &value->f64, element);
    return true;
  case PJ_ATTR_INT:
  case PJ_ATTR_BOOL:
    pj_convert_n(PJ_DT_S64, dtype, 1, &value->i64, element);
    return true;
  case PJ_ATTR_ELEMENTS:
    if (value->data_size < pj_dtype_bytes(value->type->dtype))
      return false;
    pj_convert_n(value->type->dtype, dtype, 1, value->data, element);
    return true;
  case PJ_ATTR_ARRAY: { // a complex number
    if (value->count != 2 || !pj_dtype_is_complex(dtype))
      return false;
    PjDtype part = pj_dtype_part(dtype);
    return number(value->elems[0], part, element) &&
           number(value->elems[1], part, (char *)element + pj_dtype_bytes(part));
  }
  default:
    return false;
  }
}

PjStatus pj_ev_chlo_constant_like(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PjDtype dtype = op->results[0].type->dtype;
  size_t bytes = pj_dtype_bytes(dtype);
  _Alignas(16) char element[16];
  if (!number(PJ_ATTR(op, value), dtype, element))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the value is not a number that fits %s",
                       pj_dtype_text(dtype));
  PjTensor *result = pj_eval_new_like(ev, dtype, in[0]);
  for (int64_t i = 0; i < result->count; ++i)
    memcpy((char *)result->data + (size_t)i * bytes, element, bytes);
  out[0] = result;
  return PJ_STATUS_OK;
}

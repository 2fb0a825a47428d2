// Reading and making constants.
//
// As everywhere in the IR, a constant of several equal elements holds one of them (PjAttr.splat).
#include "pass/constant.h"

#include <math.h>

#include "eval/float.h"

bool pj_const_is_splat(const PjAttr *attr) {
  size_t bytes = pj_dtype_bytes(attr->type->dtype);
  return attr->data_size && (attr->splat || attr->data_size == bytes);
}

const void *pj_const_splat(const PjValue *value) {
  for (int depth = 0; value->def && depth < 8; ++depth) {
    const PjOp *op = value->def;
    if (op->kind == PJ_OP_CONSTANT) {
      const PjAttr *attr = pj_const_of(value);
      return attr && pj_const_is_splat(attr) ? attr->data : NULL;
    }
    if (op->kind != PJ_OP_BROADCAST_IN_DIM && op->kind != PJ_OP_RESHAPE)
      return NULL;
    value = op->operands[0];
  }
  return NULL;
}

bool pj_const_int(const PjValue *value, int64_t *out) {
  PjDtype dtype = value->type->dtype;
  const void *element;
  if ((!pj_dtype_is_int(dtype) && dtype != PJ_DT_PRED) || !(element = pj_const_splat(value)))
    return false;
  *out = pj_int_decode(dtype, element);
  return true;
}

bool pj_const_float(const PjValue *value, double *out) {
  const void *element;
  if (!pj_dtype_is_float(value->type->dtype) || !(element = pj_const_splat(value)))
    return false;
  *out = pj_double_decode(value->type->dtype, element);
  return true;
}

static bool is_number(const PjValue *value, int64_t number) {
  int64_t i;
  double f;
  if (pj_const_int(value, &i))
    return i == number;
  return pj_const_float(value, &f) && f == (double)number && (number || !signbit(f));
}

bool pj_const_is_zero(const PjValue *value) {
  return is_number(value, 0);
}

bool pj_const_is_neg_zero(const PjValue *value) {
  double f;
  return pj_const_float(value, &f) && f == 0 && signbit(f);
}

bool pj_const_is_one(const PjValue *value) {
  return is_number(value, 1);
}

static uint64_t low_bits(PjDtype dtype, int64_t value) {
  unsigned bits = pj_dtype_bits(dtype);
  return bits >= 64 ? (uint64_t)value : (uint64_t)value & (((uint64_t)1 << bits) - 1);
}

bool pj_const_is_ones(const PjValue *value) {
  int64_t i;
  PjDtype dtype = value->type->dtype;
  return pj_const_int(value, &i) && low_bits(dtype, i) == low_bits(dtype, -1);
}

// The integer limits of |dtype|, U64 by its bits.
static int64_t int_limit(PjDtype dtype, bool high) {
  unsigned bits = pj_dtype_bits(dtype);
  switch (pj_dtype_class(dtype)) {
  case PJ_CLASS_SINT:
    return high ? (int64_t)(low_bits(dtype, -1) >> 1) : -(int64_t)((uint64_t)1 << (bits - 2)) * 2;
  case PJ_CLASS_UINT:
  case PJ_CLASS_PRED:
    return high ? (int64_t)low_bits(dtype, -1) : 0;
  default:
    return 0;
  }
}

static bool is_limit(const PjValue *value, bool high) {
  int64_t i;
  double f;
  if (pj_const_int(value, &i))
    return i == int_limit(value->type->dtype, high);
  return pj_const_float(value, &f) && isinf(f) && (f > 0) == high;
}

bool pj_const_is_lowest(const PjValue *value) {
  return is_limit(value, false);
}

bool pj_const_is_highest(const PjValue *value) {
  return is_limit(value, true);
}

bool pj_const_ints(const PjValue *value, uint32_t max, int64_t *out, uint32_t *out_count) {
  const PjAttr *attr = pj_const_of(value);
  int64_t count;
  if (!attr || !pj_dtype_is_int(value->type->dtype) || value->type->rank > 1 ||
      !pj_type_num_elements(value->type, &count) || count > max)
    return false;
  size_t bytes = pj_dtype_bytes(value->type->dtype);
  for (int64_t i = 0; i < count; ++i)
    out[i] = pj_int_decode(value->type->dtype,
                           (const char *)attr->data + (attr->splat ? 0 : (size_t)i * bytes));
  *out_count = (uint32_t)count;
  return true;
}

PjValue *pj_build_const(PjRewrite *rw, PjOp *at, const PjType *type, const void *data,
                        size_t data_size) {
  size_t bytes = pj_dtype_bytes(type->dtype);
  int64_t count;
  if (!pj_type_num_elements(type, &count))
    count = 0;
  bool equal = count > 1;
  for (size_t i = bytes; equal && i < data_size; i += bytes)
    equal = !memcmp(data, (const char *)data + i, bytes);
  PjOp *op = pj_build_op(rw, at, PJ_OP_CONSTANT, 0, NULL, type);
  op->attrs[0] = pj_attr_elements(rw->arena, type, data,
                                  !count  ? 0
                                  : equal ? bytes
                                          : data_size,
                                  equal);
  return &op->results[0];
}

PjValue *pj_build_splat(PjRewrite *rw, PjOp *at, const PjType *type, const void *element) {
  size_t bytes = pj_dtype_bytes(type->dtype);
  return pj_build_const(rw, at, type, pj_arena_memdup(rw->arena, element, bytes), bytes);
}

PjValue *pj_build_int(PjRewrite *rw, PjOp *at, const PjType *type, int64_t value) {
  char element[16] = {0};
  if (pj_dtype_is_float(type->dtype))
    pj_double_encode(type->dtype, (double)value, element);
  else
    pj_int_encode(type->dtype, value, element);
  return pj_build_splat(rw, at, type, element);
}

PjValue *pj_build_float(PjRewrite *rw, PjOp *at, const PjType *type, double value) {
  char element[16] = {0};
  pj_double_encode(type->dtype, value, element);
  return pj_build_splat(rw, at, type, element);
}

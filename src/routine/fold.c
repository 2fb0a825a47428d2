// Loops of simple reductions, by instruction set.
#include "routine/fold.h"

#include <math.h>
#include <string.h>

#include "eval/eval.h"
#include "eval/float.h"
#include "routine/fold_ops.h"
#include "routine/variant.h"

#define PJ_VARIANT_FILE "routine/fold_variant.h"
#include "routine/variants.h"

bool pj__fold_kind(const PjRegion *region, PjFoldKind *out) {
  static const PjOpKind kinds[PJ_FOLDS] = {PJ_OP_ADD, PJ_OP_MULTIPLY, PJ_OP_MAXIMUM, PJ_OP_MINIMUM,
                                           PJ_OP_AND, PJ_OP_OR,       PJ_OP_XOR};
  const PjOpKind kind = pj_body_binary(region);
  for (int i = 0; i < PJ_FOLDS; ++i)
    if (kinds[i] == kind) {
      *out = (PjFoldKind)i;
      return true;
    }
  return false;
}

PjPairsFn *pj__fold_pairs(PjFoldKind kind, PjDtype dtype) {
  return PJ_PICK(pairs)[dtype][kind];
}

PjScanFn *pj__fold_scan(PjFoldKind kind, PjDtype dtype) {
  return PJ_PICK(scans)[dtype][kind];
}

PjManyFn *pj__fold_many(PjFoldKind kind, PjDtype dtype) {
  return PJ_PICK(manies)[dtype][kind];
}

PjRowsFn *pj__fold_rows(PjFoldKind kind, PjDtype dtype, int64_t n) {
  const int64_t bytes = n * (int64_t)pj_dtype_bytes(dtype), vector = PJ_PICK(vector_bytes);
  if (n > 1 && n < 16)
    return PJ_PICK(few)[dtype][kind];
  const bool fits = bytes % vector == 0 && bytes <= 4 * vector;
  return fits ? PJ_PICK(rows)[dtype][kind] : NULL;
}

void pj__fold_neutral(PjFoldKind kind, PjDtype dtype, void *out) {
  const unsigned bits = pj_dtype_bits(dtype);
  const bool is_signed = pj_dtype_class(dtype) == PJ_CLASS_SINT;
  const bool high = kind == PJ_FOLD_MIN || kind == PJ_FOLD_AND; // the largest is neutral
  if (pj_dtype_is_float(dtype)) {
    const double values[] = {-0.0, 1, -INFINITY, INFINITY};
    pj_double_encode(dtype, values[kind], out);
    return;
  }
  uint64_t value = 0;
  if (kind == PJ_FOLD_MUL)
    value = 1;
  else if (kind == PJ_FOLD_AND)
    value = UINT64_MAX;
  else if (kind == PJ_FOLD_MAX || kind == PJ_FOLD_MIN)
    value = is_signed ? (high ? UINT64_MAX >> (65 - bits) : UINT64_C(1) << (bits - 1))
            : high    ? UINT64_MAX
                      : 0;
  pj_int_encode(dtype, (int64_t)value, out);
}

const void *pj__constant_element(const PjValue *value) {
  while (value->def && value->type->rank == 0 &&
         (value->def->kind == PJ_OP_BROADCAST_IN_DIM || value->def->kind == PJ_OP_RESHAPE))
    value = value->def->operands[0];
  const PjOp *op = value->def;
  if (!op || op->kind != PJ_OP_CONSTANT)
    return NULL;
  const PjAttr *attr = PJ_ATTR(op, value);
  const bool one = attr && attr->kind == PJ_ATTR_ELEMENTS &&
                   attr->data_size == pj_dtype_bytes(value->type->dtype);
  return one ? attr->data : NULL;
}

// Reading and making constants.
#pragma once
#include "pass/build.h"

// The elements of a constant operation that is not quantised, or NULL.
static inline const PjAttr *pj_const_of(const PjValue *value) {
  if (!value->def || value->def->kind != PJ_OP_CONSTANT || value->type->quant)
    return NULL;
  return value->def->attrs[0];
}

// True if all elements of |attr| are equal: |data| then begins with that element.
bool pj_const_is_splat(const PjAttr *attr);
// The element that all of |value|'s are, or NULL: of a constant that is not empty, also seen
// through broadcasts and reshapes.
const void *pj_const_splat(const PjValue *value);

// The integer (or truth value) that all elements are; false when there is none.
bool pj_const_int(const PjValue *value, int64_t *out);
// The float that all elements are. Its sign and payload, should it be NaN, do not come through.
bool pj_const_float(const PjValue *value, double *out);

// Properties of constants of any type, all elements alike.
bool pj_const_is_zero(const PjValue *value);     // integer 0, false, float +0
bool pj_const_is_neg_zero(const PjValue *value); // float -0
bool pj_const_is_one(const PjValue *value);      // 1, true, 1.0
bool pj_const_is_ones(const PjValue *value);     // all bits set, or true
// The smallest (largest) value of the type, infinities included: what maximum (minimum) ignores.
bool pj_const_is_lowest(const PjValue *value);
bool pj_const_is_highest(const PjValue *value);

// The integers of a constant of one dimension (or none) into |out|, of room for |max|. False when
// it is no such constant or has more.
bool pj_const_ints(const PjValue *value, uint32_t max, int64_t *out, uint32_t *out_count);

// A constant of |type| whose elements lie in |data| (kept, not copied; in the arena), or all are
// the one there.
PjValue *pj_build_const(PjRewrite *rw, PjOp *at, const PjType *type, const void *data,
                        size_t data_size);
PjValue *pj_build_splat(PjRewrite *rw, PjOp *at, const PjType *type, const void *element);
// All elements the integer (or truth value) |value|; of a float type: the float.
PjValue *pj_build_int(PjRewrite *rw, PjOp *at, const PjType *type, int64_t value);
PjValue *pj_build_float(PjRewrite *rw, PjOp *at, const PjType *type, double value);

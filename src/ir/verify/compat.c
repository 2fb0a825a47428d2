// How types relate: compatibility of declared with inferred types, and what several types of one
// value say together.
//
// Spec and doc/type_inference: an inferred type may be less precise than the declared one (unknown
// dimensions, other scales), so verification asks for compatible types, not for equal ones.
#include <inttypes.h>

#include "ir/verify/check.h"

bool pj__elements_eq(const PjType *a, const PjType *b) {
  return a->dtype == b->dtype && pj_quant_eq(a->quant, b->quant);
}

bool pj__elements_compatible(const PjType *a, const PjType *b) {
  if (a->dtype != b->dtype || !a->quant != !b->quant)
    return false;
  if (!a->quant)
    return true;
  return a->quant->min == b->quant->min && a->quant->max == b->quant->max &&
         a->quant->expressed == b->quant->expressed && (a->quant->axis < 0) == (b->quant->axis < 0);
}

bool pj__shapes_compatible(const PjType *a, const PjType *b) {
  if (a->kind == PJ_TYPE_UNRANKED || b->kind == PJ_TYPE_UNRANKED)
    return true;
  if (a->rank != b->rank)
    return false;
  for (int32_t i = 0; i < a->rank; ++i)
    if (!pj__dims_compatible(a->dims[i], b->dims[i]))
      return false;
  return true;
}

static bool within_bounds(const PjType *type, const PjType *bounded) {
  if (!bounded->bounds || type->kind != PJ_TYPE_TENSOR)
    return true;
  for (int32_t i = 0; i < type->rank; ++i)
    if (type->dims[i] != PJ_DYN && bounded->bounds[i] != PJ_DYN &&
        type->dims[i] > bounded->bounds[i])
      return false;
  return true;
}

bool pj__types_compatible(const PjType *a, const PjType *b) {
  if (pj_type_eq(a, b))
    return true;
  if (!pj__is_shaped(a) || !pj__is_shaped(b) ||
      (a->kind == PJ_TYPE_BUFFER) != (b->kind == PJ_TYPE_BUFFER))
    return false;
  return pj__shapes_compatible(a, b) && pj__elements_compatible(a, b) && within_bounds(a, b) &&
         within_bounds(b, a);
}

bool pj__same_element_but_precision(const PjType *a, const PjType *b) {
  if (!a->quant && !b->quant && pj_dtype_is_float(a->dtype) && pj_dtype_is_float(b->dtype))
    return true;
  return pj__elements_eq(a, b);
}

// Integers of all kinds count as one class, booleans among them, as in MLIR.
static PjDtypeClass promotion_class(PjDtype dtype) {
  PjDtypeClass class = pj_dtype_class(dtype);
  return class == PJ_CLASS_PRED || class == PJ_CLASS_UINT ? PJ_CLASS_SINT : class;
}

bool pj__promotable(const PjType *from, const PjType *to) {
  if (!from->quant != !to->quant)
    return false;
  if (from->quant) {
    if (from->quant->expressed != to->quant->expressed)
      return false;
  } else {
    if (promotion_class(from->dtype) != promotion_class(to->dtype))
      return false;
    if (pj_dtype_is_float(from->dtype))
      return true; // precision is free
  }
  return pj_dtype_bits(from->dtype) <= pj_dtype_bits(to->dtype);
}

// ---------------------------------------------------------------------- construction
const PjType *pj__tensor(PjCheck *check, const PjType *like, int32_t rank, const int64_t *dims,
                         const int64_t *bounds) {
  if (bounds) {
    bool any = false;
    for (int32_t i = 0; i < rank; ++i)
      any = any || bounds[i] != PJ_DYN;
    if (!any)
      bounds = NULL;
  }
  return pj_type_tensor_full(check->arena, like->dtype, like->quant, rank, dims, bounds);
}

const PjType *pj__with_element(PjCheck *check, const PjType *shape, PjDtype dtype,
                               const PjQuant *quant) {
  if (shape->dtype == dtype && shape->quant == quant)
    return shape;
  if (shape->kind == PJ_TYPE_UNRANKED)
    return pj_type_unranked(check->arena, dtype, quant);
  return pj_type_tensor_full(check->arena, dtype, quant, shape->rank, shape->dims, shape->bounds);
}

// ---------------------------------------------------------------------- merging
bool pj__merge_dim_most(int64_t *size, int64_t *bound, int64_t other_size, int64_t other_bound) {
  bool known = *size != PJ_DYN, other_known = other_size != PJ_DYN;
  if (known || other_known) {
    if (known && other_known && *size != other_size)
      return false;
    int64_t limit = *bound != PJ_DYN ? *bound : other_bound;
    if (!known)
      *size = other_size;
    *bound = PJ_DYN;
    return limit == PJ_DYN || *size <= limit;
  }
  if (*bound == PJ_DYN || (other_bound != PJ_DYN && other_bound < *bound))
    *bound = other_bound;
  return true;
}

void pj__merge_dim_least(int64_t *size, int64_t *bound, int64_t other_size, int64_t other_bound) {
  if (*size != PJ_DYN && *size == other_size) {
    *bound = PJ_DYN;
    return;
  }
  int64_t limit = *size != PJ_DYN ? *size : *bound,
          other_limit = other_size != PJ_DYN ? other_size : other_bound;
  *size = PJ_DYN;
  *bound = limit == PJ_DYN || other_limit == PJ_DYN ? PJ_DYN
           : limit > other_limit                    ? limit
                                                    : other_limit;
}

PjStatus pj__merge_operands(PjCheck *check, const PjOp *op, uint32_t first, uint32_t count,
                            const PjType **out) {
  const PjType *type = pj__in(op, first);
  uint32_t same = 1;
  while (same < count && pj_type_eq(type, pj__in(op, first + same)))
    ++same;
  if (same == count || type->kind != PJ_TYPE_TENSOR) {
    // An unranked tensor tells nothing; another operand may.
    for (uint32_t i = 1; i < count && type->kind == PJ_TYPE_UNRANKED; ++i)
      if (pj__in(op, first + i)->kind == PJ_TYPE_TENSOR)
        type = pj__with_element(check, pj__in(op, first + i), type->dtype, type->quant);
    *out = type;
    return NULL;
  }
  int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  for (int32_t d = 0; d < type->rank; ++d) {
    dims[d] = type->dims[d];
    bounds[d] = pj__bound(type, d);
  }
  for (uint32_t i = 1; i < count; ++i) {
    const PjType *other = pj__in(op, first + i);
    if (other->kind == PJ_TYPE_UNRANKED)
      continue;
    PJ_REQUIRE(op, other->rank == type->rank,
               "operands must have the same shape, but got %s and %s", pj__type_text(check, type),
               pj__type_text(check, other));
    for (int32_t d = 0; d < type->rank; ++d)
      PJ_REQUIRE(op, pj__merge_dim_most(&dims[d], &bounds[d], other->dims[d], pj__bound(other, d)),
                 "operands must have the same shape, but dimension %d differs: %s and %s", d,
                 pj__type_text(check, type), pj__type_text(check, other));
  }
  *out = pj__tensor(check, type, type->rank, dims, bounds);
  return NULL;
}

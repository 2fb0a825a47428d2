// Ops whose result shape an operand gives, and random numbers. What constants make known is checked
// here, the rest when the program runs.
//
// Spec: dynamic_broadcast_in_dim, dynamic_iota, dynamic_pad, dynamic_reshape, get_dimension_size,
// rng, rng_bit_generator; real_dynamic_slice and set_dimension_size have no section.
#include <inttypes.h>

#include "ir/infer/quantize.h"
#include "ir/verify/check.h"

// The shape operand, when it is constant, must fit the declared result.
static PjStatus check_shape_operand(PjCheck *check, const PjOp *op, uint32_t operand,
                                    PjInts *out_shape, bool *out_known) {
  const PjType *result = pj__out(op, 0);
  *out_known = pj__constant_ints(check, op->operands[operand], out_shape);
  if (!*out_known)
    return NULL;
  bool fits = out_shape->n == (uint32_t)result->rank;
  for (uint32_t i = 0; fits && i < out_shape->n; ++i)
    fits = out_shape->v[i] >= 0 && pj__dims_compatible(out_shape->v[i], result->dims[i]) &&
           (pj__bound(result, i) == PJ_DYN || out_shape->v[i] <= pj__bound(result, i));
  PJ_REQUIRE(op, fits, "the output shape %s is incompatible with the declared result type %s",
             pj__list_text(check, *out_shape), pj__type_text(check, result));
  return NULL;
}

static PjStatus check_element(PjCheck *check, const PjOp *op) {
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0);
  PJ_REQUIRE(op, pj__elements_compatible(operand, result),
             "operand and result must have compatible element types, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, result));
  return NULL;
}

static PjStatus check_hints(PjCheck *check, const PjOp *op) {
  PjInts expanding = PJ_LIST(op, known_expanding_dimensions),
         others = PJ_LIST(op, known_nonexpanding_dimensions);
  PJ_TRY(pj__check_distinct(op, "known_expanding_dimensions", expanding,
                            "known_nonexpanding_dimensions", others));
  PJ_TRY(pj__check_dims(op, "known_expanding_dimensions", expanding, pj__in(op, 0)->rank,
                        "the operand's rank"));
  return pj__check_dims(op, "known_nonexpanding_dimensions", others, pj__in(op, 0)->rank,
                        "the operand's rank");
}

PjStatus pj_verify_dynamic_broadcast_in_dim(PjCheck *check, const PjOp *op) {
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0);
  PjInts dims = PJ_LIST(op, broadcast_dimensions), shape;
  bool known;
  PJ_TRY(check_element(check, op));
  PJ_TRY(pj__check_length(op, "broadcast_dimensions", dims, operand->rank, "the operand's rank"));
  PJ_REQUIRE(op, result->rank >= operand->rank,
             "the result's rank must not be less than the operand's, but got %s and %s",
             pj__type_text(check, result), pj__type_text(check, operand));
  PJ_REQUIRE(op, pj__in(op, 1)->dims[0] == result->rank,
             "output_dimensions has %" PRId64 " elements, but the result has rank %d",
             pj__in(op, 1)->dims[0], result->rank);
  PJ_TRY(pj__check_unique(check, op, "broadcast_dimensions", dims));
  PJ_TRY(pj__check_dims(op, "broadcast_dimensions", dims, result->rank, "the result's rank"));
  for (uint32_t i = 0; i < dims.n; ++i)
    PJ_REQUIRE(
        op, operand->dims[i] == 1 || pj__dims_compatible(operand->dims[i], result->dims[dims.v[i]]),
        "the size of operand dimension %u (%s) is not compatible with that of result dimension "
        "%" PRId64 " (%s)",
        i, pj__dim_text(check, operand->dims[i]), dims.v[i],
        pj__dim_text(check, result->dims[dims.v[i]]));
  PJ_TRY(check_shape_operand(check, op, 1, &shape, &known));
  PJ_TRY(check_hints(check, op));
  for (uint32_t i = 0; known && i < dims.n; ++i)
    PJ_REQUIRE(op,
               operand->dims[i] == 1 || pj__dims_compatible(operand->dims[i], shape.v[dims.v[i]]),
               "the size of operand dimension %u (%" PRId64
               ") is neither 1 nor output_dimensions[%" PRId64 "] = %" PRId64,
               i, operand->dims[i], dims.v[i], shape.v[dims.v[i]]);
  return pj__check_broadcast_quant(check, op, operand, result, dims);
}

PjStatus pj_verify_dynamic_iota(PjCheck *check, const PjOp *op) {
  PjInts shape;
  bool known;
  const PjType *result = pj__out(op, 0);
  PJ_REQUIRE(op, result->rank > 0, "scalars are not supported");
  PJ_TRY(pj__check_dim(op, "iota_dimension", PJ_INT(op, iota_dimension), result->rank,
                       "the rank of the result"));
  PJ_REQUIRE(op, pj__in(op, 0)->dims[0] == result->rank,
             "output_shape has %" PRId64 " elements, but the result has rank %d",
             pj__in(op, 0)->dims[0], result->rank);
  return check_shape_operand(check, op, 0, &shape, &known);
}

PjStatus pj_verify_dynamic_pad(PjCheck *check, const PjOp *op) {
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0);
  PjInts low, high, interior;
  PJ_REQUIRE(
      op, pj__elements_eq(operand, pj__in(op, 1)) && pj__elements_eq(operand, result),
      "operand, padding_value and result must have the same element type, but got %s, %s and %s",
      pj__type_text(check, operand), pj__type_text(check, pj__in(op, 1)),
      pj__type_text(check, result));
  PJ_REQUIRE(op, operand->rank == result->rank,
             "operand and result must have the same rank, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, result));
  for (uint32_t i = 2; i < 5; ++i) {
    PJ_REQUIRE(op, pj__in(op, i)->dims[0] == operand->rank,
               "padding operand #%u has %" PRId64 " elements, but the operand's rank is %d", i,
               pj__in(op, i)->dims[0], operand->rank);
    PJ_REQUIRE(op, pj_type_eq(pj__in(op, 2), pj__in(op, i)),
               "the padding operands must have the same type, but got %s and %s",
               pj__type_text(check, pj__in(op, 2)), pj__type_text(check, pj__in(op, i)));
  }
  if (!pj__constant_ints(check, op->operands[4], &interior))
    return NULL;
  for (uint32_t i = 0; i < interior.n; ++i)
    PJ_REQUIRE(op, interior.v[i] >= 0, "interior_padding must not be negative, but is %s",
               pj__list_text(check, interior));
  if (!pj__constant_ints(check, op->operands[2], &low) ||
      !pj__constant_ints(check, op->operands[3], &high))
    return NULL;
  for (int32_t i = 0; i < operand->rank; ++i) {
    int64_t size = operand->dims[i], gaps;
    if (size == PJ_DYN || result->dims[i] == PJ_DYN)
      continue;
    bool fits = pj_mul_i64(size > 0 ? size - 1 : 0, interior.v[i], &gaps) &&
                pj_add_i64(size, gaps, &size) && pj_add_i64(size, low.v[i], &size) &&
                pj_add_i64(size, high.v[i], &size);
    PJ_REQUIRE(op, fits && size == result->dims[i],
               "the size of dimension %d of the result must be %" PRId64 ", but is %" PRId64, i,
               size, result->dims[i]);
  }
  return NULL;
}

PjStatus pj_verify_dynamic_reshape(PjCheck *check, const PjOp *op) {
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0);
  PjInts shape;
  bool known;
  int64_t from, to;
  PJ_TRY(check_element(check, op));
  PJ_TRY(pj__check_reshaped_quant(check, op, operand, result));
  bool counted = pj_type_num_elements(operand, &from);
  if (counted && pj_type_num_elements(result, &to))
    PJ_REQUIRE(op, from == to,
               "the number of elements must not change, but is %" PRId64 " for %s and %" PRId64
               " for %s",
               from, pj__type_text(check, operand), to, pj__type_text(check, result));
  PJ_TRY(check_shape_operand(check, op, 1, &shape, &known));
  PJ_REQUIRE(op, pj__in(op, 1)->dims[0] == result->rank,
             "output_shape has %" PRId64 " elements, but the result has rank %d",
             pj__in(op, 1)->dims[0], result->rank);
  if (known && counted) {
    const PjType *shaped = pj__tensor(check, operand, (int32_t)shape.n, shape.v, NULL);
    PJ_REQUIRE(op, pj_type_num_elements(shaped, &to) && from == to,
               "output_shape %s is incompatible with the operand, which has %" PRId64 " elements",
               pj__list_text(check, shape), from);
  }
  return NULL;
}

PjStatus pj_verify_real_dynamic_slice(PjCheck *check, const PjOp *op) {
  static const char *const names[] = {"start_indices", "limit_indices", "strides"};
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0);
  for (uint32_t i = 1; i < 4; ++i) {
    PJ_REQUIRE(op, pj__in(op, i)->dims[0] == operand->rank,
               "%s has %" PRId64 " elements, but the operand's rank is %d", names[i - 1],
               pj__in(op, i)->dims[0], operand->rank);
    PJ_REQUIRE(
        op, pj_type_eq(pj__in(op, 1), pj__in(op, i)),
        "start_indices, limit_indices and strides must have the same type, but got %s and %s",
        pj__type_text(check, pj__in(op, 1)), pj__type_text(check, pj__in(op, i)));
  }
  PJ_REQUIRE(op, pj__elements_eq(operand, result),
             "operand and result must have the same element type, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, result));
  PJ_REQUIRE(op, operand->rank == result->rank,
             "operand and result must have the same rank, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, result));
  return NULL;
}

// ---------------------------------------------------------------------- sizes of dimensions
PjStatus pj_infer_get_dimension_size(PjCheck *check, const PjOp *op, const PjType **out) {
  PJ_TRY(pj__check_dim(op, "dimension", PJ_INT(op, dimension), pj__in(op, 0)->rank,
                       "the operand's rank"));
  out[0] = pj_type_tensor(check->arena, PJ_DT_S32, 0, NULL);
  return NULL;
}

// The dimension becomes unknown with its former size as bound, unless a constant sets it to that
// bound.
PjStatus pj_infer_set_dimension_size(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *operand = pj__in(op, 0), *size = pj__in(op, 1);
  int64_t dimension = PJ_INT(op, dimension), dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  PJ_REQUIRE(op, size->rank == 0, "size must be a tensor of rank 0, but is %s",
             pj__type_text(check, size));
  PJ_TRY(pj__check_dim(op, "dimension", dimension, operand->rank, "the operand's rank"));
  for (int32_t i = 0; i < operand->rank; ++i) {
    dims[i] = operand->dims[i];
    bounds[i] = pj__bound(operand, i);
  }
  if (dims[dimension] != PJ_DYN)
    bounds[dimension] = dims[dimension];
  dims[dimension] = PJ_DYN;
  PjInts constant;
  if (pj__constant_ints(check, op->operands[1], &constant)) {
    PJ_REQUIRE(op, constant.v[0] >= 0, "size must not be negative, but is %" PRId64, constant.v[0]);
    if (constant.v[0] == bounds[dimension]) {
      dims[dimension] = constant.v[0];
      bounds[dimension] = PJ_DYN;
    }
  }
  out[0] = pj__tensor(check, operand, operand->rank, dims, bounds);
  return NULL;
}

// ---------------------------------------------------------------------- random numbers
PjStatus pj_infer_rng(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *a = pj__in(op, 0), *b = pj__in(op, 1), *shape = pj__in(op, 2);
  PJ_REQUIRE(op, a->dtype == b->dtype,
             "a, b and the result must have the same element type, but got %s and %s",
             pj__type_text(check, a), pj__type_text(check, b));
  PJ_REQUIRE(op, PJ_INT(op, rng_distribution) != PJ_RNG_NORMAL || pj_dtype_is_float(a->dtype),
             "mu and sigma must be floats, but got %s", pj__type_text(check, a));
  PJ_REQUIRE(op, shape->dims[0] <= PJ_MAX_RANK,
             "the result would have rank %" PRId64 ": at most %d dimensions are supported",
             shape->dims[0], PJ_MAX_RANK);
  int64_t dims[PJ_MAX_RANK];
  PjInts constant;
  bool known = pj__constant_ints(check, op->operands[2], &constant);
  for (int64_t i = 0; i < shape->dims[0]; ++i) {
    dims[i] = known ? constant.v[i] : PJ_DYN;
    PJ_REQUIRE(op, !known || dims[i] >= 0, "shape must not be negative, but is %s",
               pj__list_text(check, constant));
  }
  out[0] = pj__tensor(check, a, (int32_t)shape->dims[0], dims, NULL);
  return NULL;
}

PjStatus pj_verify_rng_bit_generator(PjCheck *check, const PjOp *op) {
  const PjType *before = pj__in(op, 0), *after = pj__out(op, 0);
  PJ_REQUIRE(op, pj__types_compatible(before, after),
             "the output state must have the type of the initial state, but got %s and %s",
             pj__type_text(check, after), pj__type_text(check, before));
  return NULL;
}

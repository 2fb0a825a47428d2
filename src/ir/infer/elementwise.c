// Elementwise ops: one shape for all operands and the result, and rules on element types that
// signatures cannot say.
//
// Spec: abs ... xor, clamp, compare, complex, convert, is_finite, map, real, imag,
// reduce_precision, select.
#include <inttypes.h>

#include "ir/verify/check.h"

// All operands have compatible types; the result has the most specific of them (HLO's
// CompatibleOperandsAndResultType).
PjStatus pj_infer_same(PjCheck *check, const PjOp *op, const PjType **out) {
  for (uint32_t i = 1; i < op->num_operands; ++i)
    PJ_REQUIRE(op, pj__elements_compatible(pj__in(op, 0), pj__in(op, i)),
               "requires compatible element types for all operands and results, but got %s and %s",
               pj__type_text(check, pj__in(op, 0)), pj__type_text(check, pj__in(op, i)));
  return pj__merge_operands(check, op, 0, op->num_operands, &out[0]);
}

PjStatus pj_infer_abs(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *type = pj__in(op, 0);
  out[0] = pj__with_element(check, type, pj_dtype_part(type->dtype), type->quant);
  return NULL;
}

PjStatus pj_infer_real_imag(PjCheck *check, const PjOp *op, const PjType **out) {
  return pj_infer_abs(check, op, out);
}

PjStatus pj_infer_pred(PjCheck *check, const PjOp *op, const PjType **out) {
  out[0] = pj__with_element(check, pj__in(op, 0), PJ_DT_PRED, NULL);
  return NULL;
}

PjStatus pj_infer_complex(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *merged;
  PJ_REQUIRE(op, lhs->dtype == rhs->dtype,
             "requires operands of the same element type, but got %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs));
  PJ_TRY(pj__merge_operands(check, op, 0, 2, &merged));
  out[0] = pj__with_element(check, merged, lhs->dtype == PJ_DT_F32 ? PJ_DT_C64 : PJ_DT_C128, NULL);
  return NULL;
}

// convert (C1): same shape; any element types.
PjStatus pj_verify_convert(PjCheck *check, const PjOp *op) {
  PJ_REQUIRE(op, pj__shapes_compatible(pj__in(op, 0), pj__out(op, 0)),
             "requires the same shape for operand and result, but got %s and %s",
             pj__type_text(check, pj__in(op, 0)), pj__type_text(check, pj__out(op, 0)));
  return NULL;
}

// bitcast_convert: equal widths keep the shape; otherwise the last dimension of the narrower side
// makes up for the ratio.
PjStatus pj_verify_bitcast_convert(PjCheck *check, const PjOp *op) {
  const PjType *from = pj__in(op, 0), *to = pj__out(op, 0);
  const char *from_text = pj__type_text(check, from), *to_text = pj__type_text(check, to);
  PJ_REQUIRE(op, pj_dtype_is_complex(from->dtype) == pj_dtype_is_complex(to->dtype),
             "cannot convert between real and complex types, but got %s and %s", from_text,
             to_text);
  unsigned from_bits = pj_dtype_bits(from->dtype), to_bits = pj_dtype_bits(to->dtype);
  const PjType *narrow = from_bits < to_bits ? from : to, *wide = narrow == from ? to : from;
  int32_t prefix = wide->rank;
  if (from_bits != to_bits) {
    PJ_REQUIRE(op, narrow->rank == wide->rank + 1,
               "the rank of the type with narrower elements must be one more than that of the "
               "other, but got %s and %s",
               from_text, to_text);
    int64_t last = narrow->dims[narrow->rank - 1];
    unsigned narrow_bits = pj_dtype_bits(narrow->dtype), wide_bits = pj_dtype_bits(wide->dtype);
    PJ_REQUIRE(op,
               last == PJ_DYN || (wide_bits % narrow_bits == 0 && last == wide_bits / narrow_bits),
               "requires compatible bit widths, but got %s and %s: %u * %" PRId64 " != %u",
               from_text, to_text, narrow_bits, last, wide_bits);
  } else {
    PJ_REQUIRE(op, narrow->rank == wide->rank,
               "operand and result must have the same rank, but got %s and %s", from_text, to_text);
  }
  for (int32_t i = 0; i < prefix; ++i)
    PJ_REQUIRE(op, pj__dims_compatible(narrow->dims[i], wide->dims[i]),
               "operand and result must have the same shape but for the last dimension of the "
               "narrower type, but got %s and %s",
               from_text, to_text);
  return NULL;
}

// reduce_precision (C2, C3).
PjStatus pj_infer_reduce_precision(PjCheck *check, const PjOp *op, const PjType **out) {
  PJ_REQUIRE(op, PJ_INT(op, exponent_bits) > 0, "exponent_bits must be positive, but is %" PRId64,
             PJ_INT(op, exponent_bits));
  PJ_REQUIRE(op, PJ_INT(op, mantissa_bits) >= 0,
             "mantissa_bits must not be negative, but is %" PRId64, PJ_INT(op, mantissa_bits));
  return pj_infer_same(check, op, out);
}

// compare (C1, C2). A comparison type that does not fit the element type (C3) is in circulation and
// means nothing: programs with SIGNED for floats are accepted everywhere.
PjStatus pj_infer_compare(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *merged;
  PJ_TRY(pj_infer_same(check, op, &merged));
  out[0] = pj__with_element(check, merged, PJ_DT_PRED, NULL);
  return NULL;
}

// clamp (C1-C4): bounds are scalars or have the operand's shape.
PjStatus pj_infer_clamp(PjCheck *check, const PjOp *op, const PjType **out) {
  static const char *const names[] = {"min", "operand", "max"};
  const PjType *operand = pj__in(op, 1);
  for (uint32_t i = 0; i < 3; i += 2) {
    const PjType *bound = pj__in(op, i);
    PJ_REQUIRE(op, bound->rank == 0 || pj__shapes_compatible(bound, operand),
               "%s of shape %s is not scalar and does not have the operand's shape %s", names[i],
               pj__shape_text(check, bound), pj__shape_text(check, operand));
    PJ_REQUIRE(op, pj__elements_compatible(bound, operand),
               "requires compatible element types for all operands and results, but got %s and %s",
               pj__type_text(check, bound), pj__type_text(check, operand));
  }
  out[0] = operand;
  return NULL;
}

// select (C1, C2): a scalar predicate chooses for all elements.
PjStatus pj_infer_select(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *pred = pj__in(op, 0), *on_true = pj__in(op, 1), *on_false = pj__in(op, 2);
  PJ_REQUIRE(op, pj__shapes_compatible(on_true, on_false) && pj__elements_eq(on_true, on_false),
             "requires compatible types for the non-predicate operands, but got %s and %s",
             pj__type_text(check, on_true), pj__type_text(check, on_false));
  PJ_REQUIRE(op, pred->rank == 0 || pj__shapes_compatible(pred, on_true),
             "requires the same shape for all operands or a scalar predicate, but got %s and %s",
             pj__type_text(check, pred), pj__type_text(check, on_true));
  return pj__merge_operands(check, op, 1, 2, &out[0]);
}

// map (C1-C4): all dimensions, in order; the body takes one scalar per operand and returns one
// scalar.
PjStatus pj_infer_map(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjRegion *body = &op->regions[0];
  PjInts dims = PJ_LIST(op, dimensions);
  const PjType *shape;
  PJ_REQUIRE(op, body->num_args == op->num_operands,
             "the computation takes %u arguments, but there are %u operands", body->num_args,
             op->num_operands);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjType *arg = body->args[i].type, *in = pj__in(op, i);
    PJ_REQUIRE(op, pj_type_is_scalar_tensor(arg) && pj__elements_eq(arg, in),
               "argument %u of the computation must be a tensor of rank 0 with the element type of "
               "%s, but is %s",
               i, pj__type_text(check, in), pj__type_text(check, arg));
    PJ_TRY(pj__check_length(op, "dimensions", dims, in->rank, "the rank of the operands"));
  }
  PJ_TRY(pj__merge_operands(check, op, 0, op->num_operands, &shape));
  for (uint32_t i = 0; i < dims.n; ++i)
    PJ_REQUIRE(op, dims.v[i] == i, "dimensions must be 0, 1, 2, ... in order, but are %s",
               pj__list_text(check, dims));
  uint32_t count;
  PjValue *const *returned = pj__returned(body, &count);
  PJ_REQUIRE(op, count == 1 && pj_type_is_scalar_tensor(returned[0]->type),
             "the computation must return one tensor of rank 0");
  out[0] = pj__with_element(check, shape, returned[0]->type->dtype, returned[0]->type->quant);
  return NULL;
}

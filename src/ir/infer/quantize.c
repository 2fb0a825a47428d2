// Quantisation: uniform_quantize, uniform_dequantize, and how scales may change across ops that
// move or add values.
//
// Spec: add (C2-C7), broadcast_in_dim (C6), reshape (C1, C3), transpose (C1, C4), dot_general
// (C14-C20), convolution (C28-C34).
#include "ir/infer/quantize.h"

#include <inttypes.h>

static bool same_scales(const PjQuant *a, const PjQuant *b) {
  if (a->num_scales != b->num_scales)
    return false;
  for (uint32_t i = 0; i < a->num_scales; ++i)
    if (a->scales[i] != b->scales[i] || a->zero_points[i] != b->zero_points[i])
      return false;
  return true;
}

PjStatus pj__check_same_scales(PjCheck *check, const PjOp *op, const PjType *a, const PjType *b) {
  if (pj__is_per_tensor(a) && pj__is_per_tensor(b))
    PJ_REQUIRE(op, pj__elements_eq(a, b),
               "expects the same quantization scale and zero point, but got %s and %s",
               pj__type_text(check, a), pj__type_text(check, b));
  if (pj__is_per_axis(a) && pj__is_per_axis(b))
    PJ_REQUIRE(op, same_scales(a->quant, b->quant),
               "expects the same quantization scales and zero points, but got %s and %s",
               pj__type_text(check, a), pj__type_text(check, b));
  return NULL;
}

PjStatus pj__check_reshaped_quant(PjCheck *check, const PjOp *op, const PjType *from,
                                  const PjType *to) {
  PJ_TRY(pj__check_same_scales(check, op, from, to));
  if (!pj__is_per_axis(from) || !pj__is_per_axis(to))
    return NULL;
  int32_t a = from->quant->axis, b = to->quant->axis;
  PJ_REQUIRE(op, pj__dims_compatible(from->dims[a], to->dims[b]),
             "expects the same size of the quantization dimension, but got %s and %s",
             pj__type_text(check, from), pj__type_text(check, to));
  if (!pj_type_is_static(from) || !pj_type_is_static(to))
    return NULL;
  // Products wrap alike on both sides; sizes were checked to be countable, so that only empty
  // tensors can wrap.
  uint64_t before_a = 1, before_b = 1;
  for (int32_t i = 0; i < a; ++i)
    before_a *= (uint64_t)from->dims[i];
  for (int32_t i = 0; i < b; ++i)
    before_b *= (uint64_t)to->dims[i];
  PJ_REQUIRE(op, before_a == before_b,
             "the product of the dimensions before the quantization dimension must not change, but "
             "got %s and %s",
             pj__type_text(check, from), pj__type_text(check, to));
  return NULL;
}

PjStatus pj__check_broadcast_quant(PjCheck *check, const PjOp *op, const PjType *from,
                                   const PjType *to, PjInts dims) {
  if (!pj__is_per_axis(from) || !pj__is_per_axis(to))
    return pj__check_same_scales(check, op, from, to);
  int32_t a = from->quant->axis, b = to->quant->axis;
  PJ_REQUIRE(
      op, dims.v[a] == b,
      "the quantization dimension %d of the result is not broadcast_dimensions[%d] = %" PRId64, b,
      a, dims.v[a]);
  if (from->dims[a] != 1)
    return NULL;
  for (uint32_t i = 0; i < to->quant->num_scales; ++i) {
    PJ_REQUIRE(op, to->quant->scales[i] == from->quant->scales[0],
               "scale %u of the result (%g) is not the operand's scale (%g)", i,
               to->quant->scales[i], from->quant->scales[0]);
    PJ_REQUIRE(op, to->quant->zero_points[i] == from->quant->zero_points[0],
               "zero point %u of the result (%" PRId64 ") is not the operand's zero point (%" PRId64
               ")",
               i, to->quant->zero_points[i], from->quant->zero_points[0]);
  }
  return NULL;
}

PjStatus pj__check_contracted_quant(PjCheck *check, const PjOp *op) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *result = pj__out(op, 0);
  PJ_REQUIRE(op, rhs->quant && !lhs->quant == !result->quant,
             "rhs must be quantized, and lhs and result both or neither, but got %s, %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs), pj__type_text(check, result));
  if (!lhs->quant) { // hybrid: weights are dequantised
    PJ_REQUIRE(op, lhs->dtype == rhs->quant->expressed && lhs->dtype == result->dtype,
               "lhs and result must have the expressed type of rhs, but got %s, %s and %s",
               pj__type_text(check, lhs), pj__type_text(check, rhs), pj__type_text(check, result));
    return NULL;
  }
  PJ_REQUIRE(op, lhs->dtype == rhs->dtype,
             "lhs and rhs must have the same storage type, but got %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs));
  PJ_REQUIRE(op,
             lhs->quant->expressed == rhs->quant->expressed &&
                 lhs->quant->expressed == result->quant->expressed,
             "lhs, rhs and result must have the same expressed type, but got %s, %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs), pj__type_text(check, result));
  PJ_REQUIRE(op, !(pj__is_per_tensor(rhs) && pj__is_per_axis(result)),
             "the result must be quantized per tensor as rhs is, but got %s and %s",
             pj__type_text(check, rhs), pj__type_text(check, result));
  return NULL;
}

// ---------------------------------------------------------------------- add
PjStatus pj_infer_add(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1);
  PJ_REQUIRE(op, pj__shapes_compatible(lhs, rhs),
             "operands must have the same shape, but got %s and %s", pj__type_text(check, lhs),
             pj__type_text(check, rhs));
  if (lhs->quant || rhs->quant)
    return NULL; // the result's scales are its own
  PJ_REQUIRE(op, lhs->dtype == rhs->dtype,
             "requires the same element type for all operands and results, but got %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs));
  return pj__merge_operands(check, op, 0, 2, &out[0]);
}

PjStatus pj_verify_add(PjCheck *check, const PjOp *op) {
  const PjType *lhs = pj__in(op, 0), *rhs = pj__in(op, 1), *result = pj__out(op, 0);
  if (!lhs->quant && !rhs->quant && !result->quant)
    return NULL;
  PJ_REQUIRE(op, lhs->quant && rhs->quant && result->quant,
             "operands and result must all be quantized or none, but got %s, %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs), pj__type_text(check, result));
  PJ_REQUIRE(op, pj__shapes_compatible(lhs, result) && pj__shapes_compatible(rhs, result),
             "requires the same shape for all operands and results, but got %s, %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs), pj__type_text(check, result));
  PJ_REQUIRE(op, lhs->dtype == rhs->dtype && lhs->dtype == result->dtype,
             "operands and result must have the same storage type, but got %s, %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs), pj__type_text(check, result));
  PJ_REQUIRE(op,
             lhs->quant->expressed == rhs->quant->expressed &&
                 lhs->quant->expressed == result->quant->expressed,
             "operands and result must have the same expressed type, but got %s, %s and %s",
             pj__type_text(check, lhs), pj__type_text(check, rhs), pj__type_text(check, result));
  PJ_REQUIRE(
      op, (pj__is_per_axis(lhs) || pj__is_per_axis(rhs)) == pj__is_per_axis(result),
      "the result must be quantized per axis if and only if an operand is, but got %s, %s and %s",
      pj__type_text(check, lhs), pj__type_text(check, rhs), pj__type_text(check, result));
  for (uint32_t i = 0; i < 2; ++i)
    PJ_REQUIRE(
        op, !pj__is_per_axis(pj__in(op, i)) || pj__in(op, i)->quant->axis == result->quant->axis,
        "the quantization dimensions of %s and the result must be the same, but got %s and %s",
        i ? "rhs" : "lhs", pj__type_text(check, pj__in(op, i)), pj__type_text(check, result));
  return NULL;
}

// ---------------------------------------------------------------------- conversions
PjStatus pj_infer_uniform_dequantize(PjCheck *check, const PjOp *op, const PjType **out) {
  out[0] = pj__with_element(check, pj__in(op, 0), pj__in(op, 0)->quant->expressed, NULL);
  return NULL;
}

PjStatus pj_verify_uniform_quantize(PjCheck *check, const PjOp *op) {
  const PjType *operand = pj__in(op, 0), *result = pj__out(op, 0);
  PJ_REQUIRE(op, pj__shapes_compatible(operand, result),
             "requires the same shape for operand and result, but got %s and %s",
             pj__type_text(check, operand), pj__type_text(check, result));
  PjDtype expressed = operand->quant ? operand->quant->expressed : operand->dtype;
  PJ_REQUIRE(op, result->quant->expressed == expressed,
             "the expressed type of the result must be %s, but is %s", pj_dtype_text(expressed),
             pj_dtype_text(result->quant->expressed));
  return NULL;
}

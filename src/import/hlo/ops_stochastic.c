// stochastic-convert: floats to integers, rounded up as often as the fraction says, by random bits
// that the program brings along. As XLA's CPU does it:
//
//   t = floor(|x|) ; up = random < convert((|x| - t) * 2^bits of random) ; r = convert(t) + up
//   r = x < 0 ? -r : r ; the least number for x <= it, the largest for x >= it, 0 for NaN
#include <math.h>

#include "import/hlo/builders.h"

static PjStatus apply(PjHloSite *s, PjOpKind kind, uint32_t count, PjValue *const *operands,
                      const PjType *type, PjValue **out) {
  PjOp *op = pj_hlo_op(s, kind, count, 1, 0);
  for (uint32_t i = 0; i < count; ++i)
    op->operands[i] = operands[i];
  return pj_hlo_append_one(s, op, type, out);
}

static PjStatus unary(PjHloSite *s, PjOpKind kind, PjValue *x, const PjType *type, PjValue **out) {
  return apply(s, kind, 1, &x, type, out);
}

static PjStatus binary(PjHloSite *s, PjOpKind kind, PjValue *x, PjValue *y, PjValue **out) {
  return apply(s, kind, 2, (PjValue *[]){x, y}, x->type, out);
}

static PjStatus choose(PjHloSite *s, PjValue *pred, PjValue *x, PjValue *y, PjValue **out) {
  return apply(s, PJ_OP_SELECT, 3, (PjValue *[]){pred, x, y}, x->type, out);
}

static PjStatus compare(PjHloSite *s, PjValue *x, int direction, PjValue *y, PjValue **out) {
  PjOp *op = pj_hlo_op(s, PJ_OP_COMPARE, 2, 1, 0);
  op->operands[0] = x;
  op->operands[1] = y;
  PJ_HLO_SET(op, comparison_direction,
             pj_attr_enum(s->h->arena, PJ_ENUM_COMPARE_DIRECTION, direction));
  return pj_hlo_append_one(s, op, pj_type_with_dtype(s->h->arena, x->type, PJ_DT_PRED), out);
}

// |number|, which a double holds, everywhere in an array of |type|.
static PjStatus fill(PjHloSite *s, const PjType *type, double number, PjValue **out) {
  PjArena *arena = s->h->arena;
  const PjType *wide = pj_type_with_dtype(arena, type, PJ_DT_F64);
  PjOp *op = pj_hlo_op(s, PJ_OP_CONSTANT, 0, 1, 0);
  int64_t count;
  pj_type_num_elements(wide, &count);
  const void *data = pj_arena_memdup(arena, &number, sizeof number);
  PJ_HLO_SET(op, value, pj_attr_elements(arena, wide, data, count ? sizeof number : 0, count > 1));
  PJ_TRY(pj_hlo_append_one(s, op, wide, out));
  return type->dtype == PJ_DT_F64 ? PJ_STATUS_OK : unary(s, PJ_OP_CONVERT, *out, type, out);
}

// Whether |fraction| asks for rounding up.
static PjStatus rounds_up(PjHloSite *s, PjValue *fraction, PjValue *random, PjValue **out) {
  PjValue *scale;
  if (fraction->type->dtype == PJ_DT_F16) // 2^16 is no number of its own type
    PJ_TRY(unary(s, PJ_OP_CONVERT, fraction,
                 pj_type_with_dtype(s->h->arena, fraction->type, PJ_DT_F32), &fraction));
  PJ_TRY(fill(s, fraction->type, ldexp(1, (int)pj_dtype_bits(random->type->dtype)), &scale));
  PJ_TRY(binary(s, PJ_OP_MULTIPLY, fraction, scale, &fraction));
  PJ_TRY(unary(s, PJ_OP_CONVERT, fraction, random->type, &fraction));
  return compare(s, random, PJ_CMP_LT, fraction, out);
}

// |result| for |x| within the range of integers from |limit|, which is the least for LE or the
// largest for GE.
static PjStatus saturate(PjHloSite *s, PjValue *x, int direction, double limit, PjValue **result) {
  PjValue *bound, *beyond, *number;
  int bits = (int)pj_dtype_bits((*result)->type->dtype);
  PjArena *arena = s->h->arena;
  PJ_TRY(fill(s, x->type, limit, &bound));
  PJ_TRY(compare(s, x, direction, bound, &beyond));
  int64_t least = bits == 64 ? INT64_MIN : -((int64_t)1 << (bits - 1)),
          value = direction == PJ_CMP_LE ? least : -(least + 1);
  PjOp *op = pj_hlo_op(s, PJ_OP_CONSTANT, 0, 1, 0);
  int64_t count;
  pj_type_num_elements((*result)->type, &count);
  size_t width = pj_dtype_bytes((*result)->type->dtype);
  const void *data = pj_arena_memdup(arena, &value, sizeof value);
  PJ_HLO_SET(op, value,
             pj_attr_elements(arena, (*result)->type, data, count ? width : 0, count > 1));
  PJ_TRY(pj_hlo_append_one(s, op, (*result)->type, &number));
  return choose(s, beyond, number, *result, result);
}

PjStatus pj_hlo_build_stochastic_convert(PjHloSite *s) {
  PjValue *x, *random, *zero, *one, *size, *whole, *fraction, *up, *more, *below, *result, *minus;
  const PjType *type;
  PJ_TRY(pj_hlo_array(s, 0, &x));
  PJ_TRY(pj_hlo_array(s, 1, &random));
  PJ_TRY(pj_hlo_result_type(s, &type));
  bool fits = type->kind == PJ_TYPE_TENSOR && pj_type_is_static(type) &&
              pj_dtype_class(type->dtype) == PJ_CLASS_SINT && pj_dtype_is_float(x->type->dtype) &&
              pj_dtype_bits(x->type->dtype) >= 16 &&
              pj_dtype_class(random->type->dtype) == PJ_CLASS_UINT &&
              pj_dtype_bits(random->type->dtype) == pj_dtype_bits(x->type->dtype) &&
              pj_type_eq(pj_type_with_dtype(s->h->arena, x->type, type->dtype), type) &&
              pj_type_eq(pj_type_with_dtype(s->h->arena, random->type, type->dtype), type);
  PJ_FAIL_IF(!fits, UNIMPLEMENTED, "stochastic-convert from %s with %s to %s",
             pj_type_text(s->h->arena, x->type), pj_type_text(s->h->arena, random->type),
             pj_type_text(s->h->arena, type));
  PJ_TRY(unary(s, PJ_OP_ABS, x, x->type, &size));
  PJ_TRY(unary(s, PJ_OP_FLOOR, size, x->type, &whole));
  PJ_TRY(binary(s, PJ_OP_SUBTRACT, size, whole, &fraction));
  PJ_TRY(rounds_up(s, fraction, random, &up));
  PJ_TRY(unary(s, PJ_OP_CONVERT, whole, type, &result));
  PJ_TRY(fill(s, type, 1, &one));
  PJ_TRY(binary(s, PJ_OP_ADD, result, one, &more));
  PJ_TRY(choose(s, up, more, result, &result));
  PJ_TRY(fill(s, x->type, 0, &zero));
  PJ_TRY(compare(s, x, PJ_CMP_LT, zero, &below));
  PJ_TRY(unary(s, PJ_OP_NEGATE, result, type, &minus));
  PJ_TRY(choose(s, below, minus, result, &result));
  double limit = ldexp(1, (int)pj_dtype_bits(type->dtype) - 1);
  PJ_TRY(saturate(s, x, PJ_CMP_LE, -limit, &result));
  PJ_TRY(saturate(s, x, PJ_CMP_GE, limit - 1, &result));
  pj_hlo_set_result(s, result);
  return PJ_STATUS_OK;
}

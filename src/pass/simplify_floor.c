// Division and remainder that round down, as frameworks write them: with those that round towards
// zero, corrected where the signs differ. By a power of two they are one operation.
#include "pass/simplify.h"

static bool keep(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become(rw, op, value);
}

// The dividend if |value| is one |kind|, divide or remainder, of signed integers by a positive
// constant.
static PjValue *dividend_of(const PjValue *value, PjOpKind kind, int64_t *out_divisor) {
  const PjOp *op = pj_def(value, kind);
  return op && pj_dtype_class(value->type->dtype) == PJ_CLASS_SINT &&
                 pj_dtype_bits(value->type->dtype) >= 8 &&
                 pj_const_int(op->operands[1], out_divisor) && *out_divisor > 0
             ? op->operands[0]
             : NULL;
}

static bool is_power_of_two(int64_t positive) {
  return (positive & (positive - 1)) == 0;
}

// What is compared if |value| is `x DIR number`.
static PjValue *compared(const PjValue *value, int direction, int64_t number) {
  const PjOp *op = pj_def(value, PJ_OP_COMPARE);
  int64_t right;
  return op && PJ_INT(op, comparison_direction) == direction &&
                 pj_const_int(op->operands[1], &right) && right == number
             ? op->operands[0]
             : NULL;
}

static bool become_compare(PjRewrite *rw, PjOp *op, PjValue *x, int direction, int64_t number) {
  return keep(rw, op,
              pj_build_compare(rw, op, x, pj_build_int(rw, op, x->type, number), direction,
                               PJ_CMPTYPE_SIGNED));
}

bool pj_rule_compare_floor(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  const int direction = (int)PJ_INT(op, comparison_direction);
  int64_t number, divisor;
  if (pj_dtype_class(x->type->dtype) != PJ_CLASS_SINT ||
      (direction != PJ_CMP_EQ && direction != PJ_CMP_NE) || !pj_const_int(op->operands[1], &number))
    return false;
  const bool equal = direction == PJ_CMP_EQ;
  PjOp *sign = pj_def(x, PJ_OP_SIGN);
  if (sign && number == 0)
    return become_compare(rw, op, sign->operands[0], direction, 0);
  if (sign && number == 1)
    return become_compare(rw, op, sign->operands[0], equal ? PJ_CMP_GT : PJ_CMP_LE, 0);
  if (sign && number == -1)
    return become_compare(rw, op, sign->operands[0], equal ? PJ_CMP_LT : PJ_CMP_GE, 0);
  // Whichever way a remainder is rounded, it is 0 for the same numbers.
  PjValue *dividend = dividend_of(x, PJ_OP_REMAINDER, &divisor);
  if (!dividend || number != 0 || !is_power_of_two(divisor))
    return false;
  PjValue *low =
      pj_build_binary(rw, op, PJ_OP_AND, dividend, pj_build_int(rw, op, x->type, divisor - 1));
  return become_compare(rw, op, low, direction, 0);
}

// The dividend if |p| says that the remainder of a division by |divisor| is not 0.
static PjValue *leaves_rest(const PjValue *p, int64_t *out_divisor) {
  const PjValue *rest = compared(p, PJ_CMP_NE, 0);
  const PjOp *low = rest ? pj_def(rest, PJ_OP_AND) : NULL;
  int64_t mask;
  if (!rest)
    return NULL;
  if (!low)
    return dividend_of(rest, PJ_OP_REMAINDER, out_divisor);
  if (!pj_const_int(low->operands[1], &mask) || mask <= 0 || mask == INT64_MAX ||
      !is_power_of_two(mask + 1))
    return NULL;
  *out_divisor = mask + 1;
  return low->operands[0];
}

bool pj_rule_and_floor(PjRewrite *rw, PjOp *op) {
  for (int i = 0; i < 2; i++) {
    PjValue *other = op->operands[!i];
    const PjValue *below = compared(other, PJ_CMP_LT, 0);
    int64_t divisor, again;
    const PjValue *x = leaves_rest(op->operands[i], &divisor);
    if (!x)
      continue;
    // A remainder below 0 is not 0, and has the sign of its dividend.
    if (below && dividend_of(below, PJ_OP_REMAINDER, &again) == x && again == divisor)
      return keep(rw, op, other);
    PjValue *rest = compared(op->operands[i], PJ_CMP_NE, 0);
    if (pj_def(rest, PJ_OP_REMAINDER) && (below == x || compared(other, PJ_CMP_LE, 0) == x))
      return become_compare(rw, op, rest, PJ_CMP_LT, 0);
  }
  return false;
}

// True if |p| says that |x|, divided by |divisor|, a power of two, is a negative fraction.
static bool says_fraction_below(const PjValue *p, const PjValue *x, int64_t divisor) {
  const PjOp *both = pj_def(p, PJ_OP_AND);
  for (int i = 0; both && i < 2; i++) {
    const PjValue *other = both->operands[!i];
    int64_t by;
    if (leaves_rest(both->operands[i], &by) == x && by == divisor &&
        (compared(other, PJ_CMP_LE, 0) == x || compared(other, PJ_CMP_LT, 0) == x))
      return true;
  }
  return false;
}

bool pj_rule_select_floor(PjRewrite *rw, PjOp *op) {
  const PjValue *p = op->operands[0];
  PjValue *rounded = op->operands[2];
  const PjOp *corrected = pj_def(op->operands[1], PJ_OP_ADD);
  int64_t divisor, number;
  if (!corrected || corrected->operands[0] != rounded ||
      !pj_const_int(corrected->operands[1], &number))
    return false;
  PjValue *x = dividend_of(rounded, PJ_OP_REMAINDER, &divisor);
  if (x && number == divisor && is_power_of_two(divisor) && compared(p, PJ_CMP_LT, 0) == rounded)
    return keep(rw, op,
                pj_build_binary(rw, op, PJ_OP_AND, x, pj_build_int(rw, op, x->type, divisor - 1)));
  x = dividend_of(rounded, PJ_OP_DIVIDE, &divisor);
  if (!x || number != -1 || divisor == 1 || !is_power_of_two(divisor) ||
      !says_fraction_below(p, x, divisor))
    return false;
  return keep(rw, op,
              pj_build_binary(rw, op, PJ_OP_SHIFT_RIGHT_ARITHMETIC, x,
                              pj_build_int(rw, op, x->type, __builtin_ctzll((uint64_t)divisor))));
}

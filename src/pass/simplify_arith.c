// Rules of arithmetic.
#include <math.h>

#include "base/alloc.h"
#include "eval/float.h"
#include "pass/body.h"
#include "pass/simplify.h"

// Formats whose arithmetic returns any operand unchanged when the other is neutral.
static bool has_neutral(const PjValue *value) {
  switch (value->type->dtype) {
  case PJ_DT_F16:
  case PJ_DT_BF16:
  case PJ_DT_F32:
  case PJ_DT_F64:
    return true;
  default:
    return pj_is_int(value) || value->type->dtype == PJ_DT_PRED;
  }
}

static bool keep(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become(rw, op, value);
}

static bool become_int(PjRewrite *rw, PjOp *op, int64_t value) {
  return pj_rw_become(rw, op, pj_build_int(rw, op, op->results[0].type, value));
}

// (x op c1) op c2 for an associative |op| of integers: x op (c1 op c2). The constants fold next.
static bool reassociate(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *c2 = op->operands[1];
  PjOp *inner = pj_def(x, op->kind);
  if (!inner || !pj_is_int(x) || !pj_const_of(c2) || !pj_const_of(inner->operands[1]) ||
      pj_const_of(inner->operands[0]))
    return false;
  PjValue *both = pj_build_binary(rw, op, op->kind, inner->operands[1], c2);
  return keep(rw, op, pj_build_binary(rw, op, op->kind, inner->operands[0], both));
}

// True if no element of |value| is -0. A sum is -0 only if both of its terms are, so sums that
// begin with +0 never are.
static bool never_neg_zero(const PjValue *value, int depth) {
  const PjOp *op = value->def;
  double f;
  if (!pj_is_float(value))
    return true;
  if (pj_const_float(value, &f))
    return f != 0 || !signbit(f);
  if (!op || !depth)
    return false;
  switch (op->kind) {
  case PJ_OP_ADD:
    return never_neg_zero(op->operands[0], depth - 1) || never_neg_zero(op->operands[1], depth - 1);
  case PJ_OP_REDUCE:
    return op->num_results == 1 && pj_const_is_zero(op->operands[1]) &&
           op->operands[0]->type->dtype == value->type->dtype &&
           pj_region_binary(&op->regions[0]) == PJ_OP_ADD;
  case PJ_OP_CONVERT:
    return !pj_is_float(op->operands[0]) && !pj_dtype_is_complex(op->operands[0]->type->dtype);
  case PJ_OP_ABS:
  case PJ_OP_EXPONENTIAL:
  case PJ_OP_LOGISTIC:
  case PJ_OP_IOTA:
    return true;
  case PJ_OP_MULTIPLY:
    return op->operands[0] == op->operands[1];
  case PJ_OP_MAXIMUM: // with what is at least +0
    if (pj_const_float(op->operands[1], &f) && f >= 0 && !signbit(f))
      return true;
    return never_neg_zero(op->operands[0], depth - 1) && never_neg_zero(op->operands[1], depth - 1);
  case PJ_OP_SELECT:
    return never_neg_zero(op->operands[1], depth - 1) && never_neg_zero(op->operands[2], depth - 1);
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
  case PJ_OP_TRANSPOSE:
  case PJ_OP_SLICE:
  case PJ_OP_DYNAMIC_SLICE:
  case PJ_OP_GATHER:
  case PJ_OP_REVERSE:
    return never_neg_zero(op->operands[0], depth - 1);
  default:
    return false;
  }
}

bool pj_rule_add(PjRewrite *rw, PjOp *op) {
  enum { LOOK_BACK = 4 };
  PjValue *x = op->operands[0], *y = op->operands[1];
  if (pj_rule_commute(rw, op))
    return true;
  // -0 is what floats ignore: -0 + +0 is +0.
  if (has_neutral(x) && (pj_is_float(x) ? pj_const_is_neg_zero(y) : pj_const_is_zero(y)))
    return keep(rw, op, x);
  if (has_neutral(x) && pj_is_float(x) && pj_const_is_zero(y) && never_neg_zero(x, LOOK_BACK))
    return keep(rw, op, x);
  if (!pj_is_int(x))
    return false;
  // (c1 - a) + c2
  PjOp *minus = pj_def(x, PJ_OP_SUBTRACT);
  if (minus && pj_const_of(y) && pj_const_of(minus->operands[0])) {
    PjValue *both = pj_build_binary(rw, op, PJ_OP_ADD, minus->operands[0], y);
    return keep(rw, op, pj_build_binary(rw, op, PJ_OP_SUBTRACT, both, minus->operands[1]));
  }
  PjOp *negated = pj_def(y, PJ_OP_NEGATE);
  if (negated)
    return keep(rw, op, pj_build_binary(rw, op, PJ_OP_SUBTRACT, x, negated->operands[0]));
  negated = pj_def(x, PJ_OP_NEGATE);
  if (negated)
    return keep(rw, op, pj_build_binary(rw, op, PJ_OP_SUBTRACT, y, negated->operands[0]));
  // (a - b) + b
  PjOp *difference = pj_def(x, PJ_OP_SUBTRACT);
  if (difference && difference->operands[1] == y)
    return keep(rw, op, difference->operands[0]);
  return reassociate(rw, op);
}

bool pj_rule_subtract(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *y = op->operands[1];
  if (has_neutral(x) && x->type->dtype != PJ_DT_PRED && pj_const_is_zero(y))
    return keep(rw, op, x);
  if (!pj_is_int(x))
    return false;
  if (x == y)
    return become_int(rw, op, 0);
  PjOp *negated = pj_def(y, PJ_OP_NEGATE);
  if (negated)
    return keep(rw, op, pj_build_binary(rw, op, PJ_OP_ADD, x, negated->operands[0]));
  PjOp *sum = pj_def(x, PJ_OP_ADD);
  if (sum && (sum->operands[0] == y || sum->operands[1] == y))
    return keep(rw, op, sum->operands[sum->operands[0] == y]);
  // x - c: x + (-c), which sums of constants find. Unsigned constants would look large.
  int64_t c;
  if (pj_dtype_class(x->type->dtype) == PJ_CLASS_SINT && pj_const_int(y, &c) && c != INT64_MIN)
    return keep(rw, op, pj_build_binary(rw, op, PJ_OP_ADD, x, pj_build_int(rw, op, y->type, -c)));
  return false;
}

bool pj_rule_multiply(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *y = op->operands[1];
  if (pj_rule_commute(rw, op))
    return true;
  if (has_neutral(x) && pj_const_is_one(y))
    return keep(rw, op, x);
  if (pj_is_float(x) || pj_dtype_is_complex(x->type->dtype))
    return false;
  if (pj_const_is_zero(y))
    return keep(rw, op, y);
  return reassociate(rw, op);
}

// 1 / |value| if that is exact: of a power of two.
static bool exact_reciprocal(PjDtype dtype, double value, double *out) {
  int exponent;
  if (!isfinite(value) || value == 0 || fabs(frexp(value, &exponent)) != 0.5)
    return false;
  char element[8] = {0};
  *out = 1 / value;
  pj_double_encode(dtype, *out, element);
  return isfinite(*out) && pj_double_decode(dtype, element) == *out;
}

static bool power_of_two(int64_t value, int *out_log) {
  if (value <= 0 || (value & (value - 1)))
    return false;
  *out_log = __builtin_ctzll((uint64_t)value);
  return true;
}

static bool not_negative(const PjValue *value) {
  PjRange range;
  return pj_dtype_class(value->type->dtype) == PJ_CLASS_UINT ||
         (pj_range_of(value, &range) && range.low >= 0);
}

bool pj_rule_divide(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *y = op->operands[1];
  if (has_neutral(x) && pj_const_is_one(y))
    return keep(rw, op, x);
  double divisor, reciprocal;
  if (has_neutral(x) && pj_const_float(y, &divisor) &&
      exact_reciprocal(x->type->dtype, divisor, &reciprocal))
    return keep(
        rw, op,
        pj_build_binary(rw, op, PJ_OP_MULTIPLY, x, pj_build_float(rw, op, y->type, reciprocal)));
  int64_t number;
  int shift;
  if (!pj_is_int(x) || !pj_const_int(y, &number) || !power_of_two(number, &shift) ||
      !not_negative(x))
    return false;
  return keep(
      rw, op,
      pj_build_binary(rw, op, PJ_OP_SHIFT_RIGHT_LOGICAL, x, pj_build_int(rw, op, y->type, shift)));
}

bool pj_rule_remainder(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *y = op->operands[1];
  int64_t divisor;
  int shift;
  PjRange range;
  if (!pj_is_int(x) || !pj_const_int(y, &divisor))
    return false;
  if (divisor == 1)
    return become_int(rw, op, 0);
  if (divisor > 0 && pj_range_of(x, &range) && range.low >= 0 && range.high < divisor)
    return keep(rw, op, x);
  if (power_of_two(divisor, &shift) && not_negative(x))
    return keep(rw, op,
                pj_build_binary(rw, op, PJ_OP_AND, x, pj_build_int(rw, op, y->type, divisor - 1)));
  return false;
}

// x ** 2 is x * x. The product is rounded correctly, the evaluator's power is not always: of F32
// and F64 it is off by a unit in the last place in 4 of 10,000 cases. So this is the one rule after
// which the bits may differ, towards the better; f16, bf16 and integers agree.
bool pj_rule_power(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *y = op->operands[1];
  double exponent;
  int64_t number;
  if (pj_const_int(y, &number) && pj_is_int(x)) {
    if (number == 0)
      return become_int(rw, op, 1);
    if (number == 1)
      return keep(rw, op, x);
    return number == 2 && keep(rw, op, pj_build_binary(rw, op, PJ_OP_MULTIPLY, x, x));
  }
  if (!has_neutral(x) || !pj_const_float(y, &exponent))
    return false;
  if (exponent == 1)
    return keep(rw, op, x);
  if (exponent == 0)
    return keep(rw, op, pj_build_float(rw, op, op->results[0].type, 1));
  return exponent == 2 && keep(rw, op, pj_build_binary(rw, op, PJ_OP_MULTIPLY, x, x));
}

// maximum and minimum. NaN wins on either side, so an infinity that never wins is neutral.
bool pj_rule_extremum(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *y = op->operands[1];
  bool max = op->kind == PJ_OP_MAXIMUM;
  if (pj_rule_commute(rw, op))
    return true;
  if (x == y && !pj_dtype_is_complex(x->type->dtype))
    return keep(rw, op, x);
  if (has_neutral(x) && (max ? pj_const_is_lowest(y) : pj_const_is_highest(y)))
    return keep(rw, op, x);
  if (!pj_is_int(x))
    return false;
  PjRange a, b;
  if (!pj_range_of(x, &a) || !pj_range_of(y, &b))
    return false;
  if (max ? a.low >= b.high : a.high <= b.low)
    return keep(rw, op, x);
  if (max ? b.low >= a.high : b.high <= a.low)
    return keep(rw, op, y);
  return false;
}

// Operations that undo or repeat themselves.
bool pj_rule_unary(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  PjOp *inner = x->def;
  PjRange range;
  if (op->kind == PJ_OP_ABS && pj_is_int(x) && pj_range_of(x, &range) && range.low >= 0)
    return keep(rw, op, x);
  if (!inner)
    return false;
  bool rounded = inner->kind == PJ_OP_FLOOR || inner->kind == PJ_OP_CEIL ||
                 inner->kind == PJ_OP_ROUND_NEAREST_AFZ || inner->kind == PJ_OP_ROUND_NEAREST_EVEN;
  switch (op->kind) {
  case PJ_OP_NEGATE:
    if (inner->kind == PJ_OP_NEGATE)
      return keep(rw, op, inner->operands[0]);
    // -(a - b), which for floats would turn +0 into -0
    return inner->kind == PJ_OP_SUBTRACT && pj_is_int(x) &&
           keep(rw, op,
                pj_build_binary(rw, op, PJ_OP_SUBTRACT, inner->operands[1], inner->operands[0]));
  case PJ_OP_NOT:
    return inner->kind == PJ_OP_NOT && keep(rw, op, inner->operands[0]);
  case PJ_OP_ABS:
    if (pj_dtype_is_complex(inner->results[0].type->dtype))
      return false;
    if (inner->kind == PJ_OP_ABS && pj_type_eq(inner->operands[0]->type, x->type))
      return keep(rw, op, x);
    return inner->kind == PJ_OP_NEGATE &&
           keep(rw, op, pj_build_unary(rw, op, PJ_OP_ABS, inner->operands[0], op->results[0].type));
  default: // of the roundings: what is whole stays
    return rounded && keep(rw, op, x);
  }
}

bool pj_rule_shift(PjRewrite *rw, PjOp *op) {
  int64_t by, before;
  PjValue *x = op->operands[0];
  if (pj_const_is_zero(x))
    return keep(rw, op, x);
  if (!pj_const_int(op->operands[1], &by))
    return false;
  unsigned bits = pj_dtype_bits(x->type->dtype);
  if (by == 0)
    return keep(rw, op, x);
  if (by < 0 || by >= (int64_t)bits)
    return op->kind != PJ_OP_SHIFT_RIGHT_ARITHMETIC && become_int(rw, op, 0);
  PjRange range;
  if (op->kind != PJ_OP_SHIFT_LEFT && pj_range_of(x, &range) && range.low >= 0 &&
      range.high >> by == 0)
    return become_int(rw, op, 0);
  PjOp *inner = pj_def(x, op->kind);
  if (!inner || !pj_const_int(inner->operands[1], &before) || before < 0 ||
      before + by >= (int64_t)bits)
    return false;
  PjValue *sum = pj_build_int(rw, op, op->operands[1]->type, before + by);
  return keep(rw, op, pj_build_binary(rw, op, op->kind, inner->operands[0], sum));
}

bool pj_rule_real_imag(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  PjOp *whole = pj_def(x, PJ_OP_COMPLEX);
  if (whole)
    return keep(rw, op, whole->operands[op->kind == PJ_OP_IMAG]);
  return op->kind == PJ_OP_REAL && pj_is_float(x) && keep(rw, op, x);
}

bool pj_rule_complex(PjRewrite *rw, PjOp *op) {
  PjOp *real = pj_def(op->operands[0], PJ_OP_REAL), *imag = pj_def(op->operands[1], PJ_OP_IMAG);
  return real && imag && real->operands[0] == imag->operands[0] &&
         pj_dtype_is_complex(real->operands[0]->type->dtype) && keep(rw, op, real->operands[0]);
}

bool pj_rule_square(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  return has_neutral(x) && keep(rw, op, pj_build_binary(rw, op, PJ_OP_MULTIPLY, x, x));
}

bool pj_rule_reduce_precision(PjRewrite *rw, PjOp *op) {
  static const struct {
    PjDtype dtype;
    int exponent, mantissa;
  } formats[] = {{PJ_DT_F16, 5, 10}, {PJ_DT_BF16, 8, 7}, {PJ_DT_F32, 8, 23}, {PJ_DT_F64, 11, 52}};
  PjValue *x = op->operands[0];
  for (size_t i = 0; i < sizeof formats / sizeof *formats; ++i)
    if (formats[i].dtype == x->type->dtype && PJ_INT(op, exponent_bits) >= formats[i].exponent &&
        PJ_INT(op, mantissa_bits) >= formats[i].mantissa)
      return keep(rw, op, x);
  return false;
}

// Floats of all formats, computed in f32 or f64; see elem.c for the rounding of what is narrower.
#include <math.h>

#include "kernel/convert.h"
#include "kernel/elem_rows.h"
#include "kernel/math.h"

#define OP_1(name, OP)                                        \
  static PjKirVal name(PjKir *k, PjDtype dtype, PjKirVal x) { \
    return pj_kir_1(k, PJ_KIR_##OP, x);                       \
  }
#define OP_2(name, OP)                                                    \
  static PjKirVal name(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) { \
    return pj_kir_2(k, PJ_KIR_##OP, x, y);                                \
  }
OP_1(negate, FNEG)
OP_1(absolute, FABS)
OP_1(square_root, FSQRT)
OP_1(floor_of, FLOOR)
OP_1(ceil_of, CEIL)
OP_1(even, RINT)
OP_2(add, FADD)
OP_2(sub, FSUB)
OP_2(mul, FMUL)
OP_2(div, FDIV)

static PjKirVal number(PjKir *k, PjKirVal x, double value) {
  return pj_kir_float(k, pj_kir_type((PjKirElem)pj_kir_typeof(k, x).elem, 1), value);
}

static PjKirVal square(PjKir *k, PjDtype dtype, PjKirVal x) {
  return pj_kir_fmul(k, x, x);
}

// x where it is 0 or NaN.
static PjKirVal sign(PjKir *k, PjDtype dtype, PjKirVal x) {
  PjKirVal unit = pj_kir_2(k, PJ_KIR_COPYSIGN, number(k, x, 1), x);
  PjKirVal nonzero = pj_kir_flt(k, number(k, x, 0), pj_kir_1(k, PJ_KIR_FABS, x));
  return pj_kir_select(k, nonzero, unit, x);
}

// To nearest, ties away from zero: the distance to the number cut off is exact.
static PjKirVal away(PjKir *k, PjDtype dtype, PjKirVal x) {
  PjKirVal magnitude = pj_kir_1(k, PJ_KIR_FABS, x), whole = pj_kir_1(k, PJ_KIR_FTRUNC, magnitude);
  PjKirVal up = pj_kir_fle(k, number(k, x, 0.5), pj_kir_fsub(k, magnitude, whole));
  whole = pj_kir_select(k, up, pj_kir_fadd(k, whole, number(k, x, 1)), whole);
  return pj_kir_2(k, PJ_KIR_COPYSIGN, whole, x);
}

static PjKirVal is_finite(PjKir *k, PjDtype dtype, PjKirVal x) {
  return pj_kir_flt(k, pj_kir_1(k, PJ_KIR_FABS, x), number(k, x, INFINITY));
}
static PjKirVal is_inf(PjKir *k, PjDtype dtype, PjKirVal x) {
  return pj_kir_feq(k, pj_kir_1(k, PJ_KIR_FABS, x), number(k, x, INFINITY));
}
static PjKirVal is_pos_inf(PjKir *k, PjDtype dtype, PjKirVal x) {
  return pj_kir_feq(k, x, number(k, x, INFINITY));
}
static PjKirVal is_neg_inf(PjKir *k, PjDtype dtype, PjKirVal x) {
  return pj_kir_feq(k, x, number(k, x, -INFINITY));
}

// sinh and cosh of float are defined by chlo's expansion with every step rounded to float, of up to
// 8 ULP of error: see eval/kernel_special.c.
static PjKirVal exp_of_half(PjKir *k, PjKirVal x) { // e^x / 2
  return pj_math_exp(k, pj_kir_fsub(k, x, number(k, x, 0x1.62e43p-1)));
}
static PjKirVal sinh_of(PjKir *k, PjDtype dtype, PjKirVal x) {
  if (dtype == PJ_DT_F64)
    return pj_math_sinh(k, x);
  PjKirVal far = pj_kir_fsub(k, exp_of_half(k, x), exp_of_half(k, pj_kir_1(k, PJ_KIR_FNEG, x)));
  PjKirVal near = pj_kir_flt(k, pj_kir_1(k, PJ_KIR_FABS, x), number(k, x, 1));
  return pj_kir_select(k, near, pj_math_sinh(k, x), far);
}
static PjKirVal cosh_of(PjKir *k, PjDtype dtype, PjKirVal x) {
  if (dtype == PJ_DT_F64)
    return pj_math_cosh(k, x);
  return pj_kir_fadd(k, exp_of_half(k, x), exp_of_half(k, pj_kir_1(k, PJ_KIR_FNEG, x)));
}

// The neighbour of x towards y. Codes of one sign of a narrow format lie in the order of their
// values too.
static PjKirVal next_after(PjKir *k, PjDtype dtype, PjKirVal x, PjKirVal y) {
  if (dtype == PJ_DT_F32 || dtype == PJ_DT_F64)
    return pj_math_next_after(k, x, y);
  PjKirElem elem = pj_conv_memory(dtype);
  PjKirType word = pj_kir_type(elem, 1);
  PjKirVal code = pj_conv_to_memory(k, dtype, x), of_y = pj_conv_to_memory(k, dtype, y);
  PjKirVal zero = number(k, x, 0), sign = pj_kir_const(k, word, 1ull << (pj_dtype_bits(dtype) - 1));
  PjKirVal one = pj_kir_const(k, word, 1), minus_one = pj_kir_const(k, word, ~0ull);
  PjKirVal outward = pj_kir_not(k, pj_kir_xor(k, pj_kir_flt(k, x, y), pj_kir_flt(k, zero, x)));
  PjKirVal next = pj_kir_add(k, code, pj_kir_select(k, outward, one, minus_one));
  PjKirVal least = pj_kir_select(k, pj_kir_flt(k, zero, y), one, pj_kir_or(k, sign, one));
  next = pj_kir_select(k, pj_kir_feq(k, x, zero), least, next);
  // Formats without -0 have a NaN in its place.
  if (pj_conv_has_no_minus_zero(dtype))
    next = pj_kir_select(k, pj_kir_eq(k, next, sign), pj_kir_const(k, word, 0), next);
  next = pj_kir_select(k, pj_kir_feq(k, x, y), of_y, next);
  PjKirVal x_nan = pj_kir_2(k, PJ_KIR_UNO, x, x), y_nan = pj_kir_2(k, PJ_KIR_UNO, y, y);
  next = pj_kir_select(k, x_nan, code, pj_kir_select(k, y_nan, of_y, next));
  return pj_conv_from_memory(k, dtype, next);
}

static const PjElemReal rows[PJ_OP_COUNT] = {
    [PJ_OP_ADD] = {.binary = add},
    [PJ_OP_SUBTRACT] = {.binary = sub},
    [PJ_OP_MULTIPLY] = {.binary = mul},
    [PJ_OP_DIVIDE] = {.binary = div},
    [PJ_OP_MAXIMUM] = {.binary = pj_elem__maximum, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_MINIMUM] = {.binary = pj_elem__minimum, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_NEGATE] = {.unary = negate, .rounding = PJ_ELEM_WHOLE},
    [PJ_OP_ABS] = {.unary = absolute, .rounding = PJ_ELEM_WHOLE},
    [PJ_OP_SIGN] = {.unary = sign, .rounding = PJ_ELEM_WHOLE},
    [PJ_OP_SQRT] = {.unary = square_root},
    [PJ_OP_FLOOR] = {.unary = floor_of, .rounding = PJ_ELEM_WHOLE},
    [PJ_OP_CEIL] = {.unary = ceil_of, .rounding = PJ_ELEM_WHOLE},
    [PJ_OP_ROUND_NEAREST_EVEN] = {.unary = even, .rounding = PJ_ELEM_WHOLE},
    [PJ_OP_ROUND_NEAREST_AFZ] = {.unary = away, .rounding = PJ_ELEM_WHOLE},
    [PJ_OP_IS_FINITE] = {.unary = is_finite, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_CHLO_IS_INF] = {.unary = is_inf, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_CHLO_IS_POS_INF] = {.unary = is_pos_inf, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_CHLO_IS_NEG_INF] = {.unary = is_neg_inf, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_CHLO_SQUARE] = {.unary = square},
    [PJ_OP_EXPONENTIAL] = {.function = pj_math_exp},
    [PJ_OP_EXPONENTIAL_MINUS_ONE] = {.function = pj_math_expm1},
    [PJ_OP_LOG] = {.function = pj_math_log},
    [PJ_OP_LOG_PLUS_ONE] = {.function = pj_math_log1p},
    [PJ_OP_LOGISTIC] = {.function = pj_math_logistic},
    [PJ_OP_SINE] = {.function = pj_math_sin},
    [PJ_OP_COSINE] = {.function = pj_math_cos},
    [PJ_OP_TAN] = {.function = pj_math_tan},
    [PJ_OP_CHLO_TAN] = {.function = pj_math_tan},
    [PJ_OP_TANH] = {.function = pj_math_tanh},
    [PJ_OP_RSQRT] = {.function = pj_math_rsqrt},
    [PJ_OP_CBRT] = {.function = pj_math_cbrt},
    [PJ_OP_POWER] = {.function2 = pj_math_pow},
    [PJ_OP_REMAINDER] = {.function2 = pj_math_fmod},
    [PJ_OP_ATAN2] = {.function2 = pj_math_atan2},
    [PJ_OP_CHLO_NEXT_AFTER] = {.binary = next_after, .rounding = PJ_ELEM_EXACT},
    [PJ_OP_CHLO_ASIN] = {.function = pj_math_asin},
    [PJ_OP_CHLO_ACOS] = {.function = pj_math_acos},
    [PJ_OP_CHLO_ATAN] = {.function = pj_math_atan},
    [PJ_OP_CHLO_ERF] = {.function = pj_math_erf},
    [PJ_OP_CHLO_ERFC] = {.function = pj_math_erfc},
    [PJ_OP_CHLO_ERF_INV] = {.function = pj_math_erf_inv},
    [PJ_OP_CHLO_SINH] = {.unary = sinh_of},
    [PJ_OP_CHLO_COSH] = {.unary = cosh_of},
    [PJ_OP_CHLO_ASINH] = {.function = pj_math_asinh},
    [PJ_OP_CHLO_ACOSH] = {.function = pj_math_acosh},
    [PJ_OP_CHLO_ATANH] = {.function = pj_math_atanh},
    [PJ_OP_CHLO_LGAMMA] = {.function = pj_math_lgamma},
    [PJ_OP_CHLO_DIGAMMA] = {.function = pj_math_digamma},
    [PJ_OP_CHLO_BESSEL_I1E] = {.function = pj_math_bessel_i1e},
    [PJ_OP_CHLO_ZETA] = {.function2 = pj_math_zeta},
    [PJ_OP_CHLO_POLYGAMMA] = {.function2 = pj_math_polygamma},
};

const PjElemReal *pj_elem__float(PjOpKind kind) {
  return &rows[kind];
}

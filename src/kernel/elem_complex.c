// Complex numbers.
//
// Sums and products are those of the parts, rounded after each step as the specification has it.
// Everything else is computed in double; for complex<f32> that is more than twice the digits, and
// the parts are rounded once.
#include "kernel/elem_rows.h"
#include "kernel/math.h"
#include "kernel/math_complex.h"

#define PARTS(name, real, imaginary)                 \
  static PjElem name(PjKir *k, PjElem x, PjElem y) { \
    return (PjElem){real, imaginary};                \
  }
PARTS(add, pj_kir_fadd(k, x.re, y.re), pj_kir_fadd(k, x.im, y.im))
PARTS(sub, pj_kir_fsub(k, x.re, y.re), pj_kir_fsub(k, x.im, y.im))
PARTS(mul, pj_kir_fsub(k, pj_kir_fmul(k, x.re, y.re), pj_kir_fmul(k, x.im, y.im)),
      pj_kir_fadd(k, pj_kir_fmul(k, x.re, y.im), pj_kir_fmul(k, x.im, y.re)))

static PjElem negate(PjKir *k, PjElem x) {
  return (PjElem){pj_kir_1(k, PJ_KIR_FNEG, x.re), pj_kir_1(k, PJ_KIR_FNEG, x.im)};
}

// The lexical order; a NaN in either part wins, the first operand's before the second's.
static PjElem extreme(PjKir *k, bool maximum, PjElem x, PjElem y) {
  PjKirVal tie = pj_kir_feq(k, x.re, y.re), before;
  if (maximum)
    before = pj_kir_select(k, tie, pj_kir_flt(k, x.im, y.im), pj_kir_flt(k, x.re, y.re));
  else
    before = pj_kir_select(k, tie, pj_kir_flt(k, y.im, x.im), pj_kir_flt(k, y.re, x.re));
  PjKirVal x_nan = pj_kir_2(k, PJ_KIR_UNO, x.re, x.im), y_nan = pj_kir_2(k, PJ_KIR_UNO, y.re, y.im);
  PjKirVal take_y = pj_kir_and(k, pj_kir_not(k, x_nan), pj_kir_or(k, y_nan, before));
  return pj_elem_select(k, take_y, y, x);
}
static PjElem larger(PjKir *k, PjElem x, PjElem y) {
  return extreme(k, true, x, y);
}
static PjElem smaller(PjKir *k, PjElem x, PjElem y) {
  return extreme(k, false, x, y);
}

// ------------------------------------------------------------------ functions, in double

static PjElem widen(PjKir *k, PjElem z) {
  return (PjElem){pj_kir_cast(k, PJ_KIR_FPEXT, PJ_KIR_F64, z.re),
                  pj_kir_cast(k, PJ_KIR_FPEXT, PJ_KIR_F64, z.im)};
}
static PjElem narrow(PjKir *k, PjElem z) {
  PjElem value = {pj_kir_cast(k, PJ_KIR_FPTRUNC, PJ_KIR_F32, z.re), 0};
  if (z.im)
    value.im = pj_kir_cast(k, PJ_KIR_FPTRUNC, PJ_KIR_F32, z.im);
  return value;
}

#define FUNCTION_1(name)                                      \
  static PjElem name##_c64(PjKir *k, PjElem z) {              \
    return narrow(k, pj_math_complex_##name(k, widen(k, z))); \
  }
#define FUNCTION_2(name)                                                   \
  static PjElem name##_c64(PjKir *k, PjElem x, PjElem y) {                 \
    return narrow(k, pj_math_complex_##name(k, widen(k, x), widen(k, y))); \
  }
FUNCTION_1(exp)
FUNCTION_1(expm1)
FUNCTION_1(log)
FUNCTION_1(log1p)
FUNCTION_1(rsqrt)
FUNCTION_1(cbrt)
FUNCTION_1(logistic)
FUNCTION_1(sign)
FUNCTION_1(square)
FUNCTION_1(sin)
FUNCTION_1(cos)
FUNCTION_1(tan)
FUNCTION_1(tanh)
FUNCTION_1(asin)
FUNCTION_1(acos)
FUNCTION_1(atan)
FUNCTION_1(asinh)
FUNCTION_1(acosh)
FUNCTION_1(atanh)
FUNCTION_1(asin_acos)
FUNCTION_2(pow)
FUNCTION_2(atan2)

static PjElem div_c64(PjKir *k, PjElem x, PjElem y) {
  return narrow(k, pj_math_complex_div_of_f32(k, widen(k, x), widen(k, y)));
}

static PjElem sqrt_c64(PjKir *k, PjElem z) {
  return narrow(k, pj_math_complex_sqrt_of_f32(k, widen(k, z)));
}

static PjElem abs_c64(PjKir *k, PjElem z) {
  return (PjElem){pj_math_complex_abs_f32(k, z), 0};
}
static PjElem abs_c128(PjKir *k, PjElem z) {
  return (PjElem){pj_math_complex_abs(k, z), 0};
}

// sinh and cosh of complex<f32> by chlo's expansion, rounded to float at each step: see
// elem_float.c.
static PjElem exp_of_half(PjKir *k, PjElem z) {
  PjKirVal half = pj_kir_float(k, PJ_KIR_T(F32, 1), 0x1.62e43p-1);
  return exp_c64(k, (PjElem){pj_kir_fsub(k, z.re, half), z.im});
}
static PjElem sinh_c64(PjKir *k, PjElem z) {
  PjElem value = sub(k, exp_of_half(k, z), exp_of_half(k, negate(k, z)));
  return pj_math_complex_with_angle(k, z, value);
}
static PjElem cosh_c64(PjKir *k, PjElem z) {
  PjElem value = add(k, exp_of_half(k, z), exp_of_half(k, negate(k, z)));
  return pj_math_complex_with_angle(k, z, value);
}

#define ROWS(S, F)                                                                                \
  {                                                                                               \
    [PJ_OP_ADD] = {.binary = add}, [PJ_OP_SUBTRACT] = {.binary = sub},                            \
    [PJ_OP_MULTIPLY] = {.binary = mul}, [PJ_OP_NEGATE] = {.unary = negate},                       \
    [PJ_OP_MAXIMUM] = {.binary = larger}, [PJ_OP_MINIMUM] = {.binary = smaller},                  \
    [PJ_OP_ABS] = {.unary = abs_##S}, [PJ_OP_DIVIDE] = {.binary = F(div)},                        \
    [PJ_OP_POWER] = {.binary = F(pow)}, [PJ_OP_ATAN2] = {.binary = F(atan2)},                     \
    [PJ_OP_SIGN] = {.unary = F(sign)}, [PJ_OP_SQRT] = {.unary = F(sqrt)},                         \
    [PJ_OP_RSQRT] = {.unary = F(rsqrt)}, [PJ_OP_CBRT] = {.unary = F(cbrt)},                       \
    [PJ_OP_EXPONENTIAL] = {.unary = F(exp)}, [PJ_OP_EXPONENTIAL_MINUS_ONE] = {.unary = F(expm1)}, \
    [PJ_OP_LOG] = {.unary = F(log)}, [PJ_OP_LOG_PLUS_ONE] = {.unary = F(log1p)},                  \
    [PJ_OP_LOGISTIC] = {.unary = F(logistic)}, [PJ_OP_SINE] = {.unary = F(sin)},                  \
    [PJ_OP_COSINE] = {.unary = F(cos)}, [PJ_OP_TAN] = {.unary = F(tan)},                          \
    [PJ_OP_TANH] = {.unary = F(tanh)}, [PJ_OP_CHLO_TAN] = {.unary = F(tan)},                      \
    [PJ_OP_CHLO_SQUARE] = {.unary = F(square)}, [PJ_OP_CHLO_SINH] = {.unary = F(sinh)},           \
    [PJ_OP_CHLO_COSH] = {.unary = F(cosh)}, [PJ_OP_CHLO_ASIN] = {.unary = F(asin)},               \
    [PJ_OP_CHLO_ACOS] = {.unary = F(acos)}, [PJ_OP_CHLO_ATAN] = {.unary = F(atan)},               \
    [PJ_OP_CHLO_ASINH] = {.unary = F(asinh)}, [PJ_OP_CHLO_ACOSH] = {.unary = F(acosh)},           \
    [PJ_OP_CHLO_ATANH] = {.unary = F(atanh)},                                                     \
    [PJ_OP_CHLO_ASIN_ACOS_KERNEL] = {.unary = F(asin_acos)},                                      \
  }
#define OF_C64(name)  name##_c64
#define OF_C128(name) pj_math_complex_##name
static const PjElemComplex rows_c64[PJ_OP_COUNT] = ROWS(c64, OF_C64);
static const PjElemComplex rows_c128[PJ_OP_COUNT] = ROWS(c128, OF_C128);

// What is not yet right where parts are infinite or sums leave the range, by the StableHLO suite;
// the evaluator computes it.
static bool waits(PjOpKind kind, PjDtype dtype) {
  switch (kind) {
  case PJ_OP_CHLO_ASIN:
  case PJ_OP_CHLO_ACOS:
  case PJ_OP_CHLO_ASINH:
  case PJ_OP_CHLO_ACOSH:
  case PJ_OP_CHLO_ASIN_ACOS_KERNEL:
    return true;
  case PJ_OP_SQRT:
    return dtype == PJ_DT_C128;
  default:
    return false;
  }
}

const PjElemComplex *pj_elem__complex(PjOpKind kind, PjDtype dtype) {
  static const PjElemComplex none = {0};
  if (waits(kind, dtype))
    return &none;
  return dtype == PJ_DT_C64 ? &rows_c64[kind] : &rows_c128[kind];
}

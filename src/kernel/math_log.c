// Logarithms: x = 2^e (1 + f) with 1 + f between 2/3 and 4/3 (of double, between the roots of 1/2
// and 2), and log x = e log 2 + log(1 + f).
#include <math.h>

#include "kernel/math_util.h"

// log(1 + f) = f + f^2 P(f), error 5.0e-9.
static const double log_32[] = {-0x1p-1,        0x1.5555p-2,   -0x1.ffff1p-3,
                                0x1.99d29ap-3,  -0x1.5598dp-3, 0x1.1eb3bep-3,
                                -0x1.f38f36p-4, 0x1.1f065ep-3, -0x1.07083ap-3};
// log(1 + f) = s (2 + s^2 P(s^2)) with s = f / (2 + f), error 9.0e-21.
static const double log_64[] = {0x1.5555555555555p-1, 0x1.9999999999d0dp-2, 0x1.2492492439e63p-2,
                                0x1.c71c724ae8c6cp-3, 0x1.745ce1ef71f1bp-3, 0x1.3b201e2f4829cp-3,
                                0x1.0f67cb02b1ca3p-3, 0x1.0f095098a4f7bp-3};

// The parts of a positive normal number.
typedef struct Parts {
  PjKirVal exponent; // float
  PjKirVal shifted;  // 2^e as an integer: e in the exponent's place
  PjKirVal fraction; // f
} Parts;
static Parts take_apart(PjKir *k, PjKirVal x) {
  PjKirVal bits = BITS(x), least = IW(0x3F2AAAAB, 0x3FE6A09E667F3BCD);
  PjKirVal e = ASHR(ISUB(bits, least), MANTISSA), shifted = SHL(e, MANTISSA);
  Parts parts = {.shifted = shifted};
  if (pj__wide(k, x)) // e + 1.5 2^52 is the float whose low bits hold e
    parts.exponent = SUB(FLOAT(IADD(e, I(0x4338000000000000))), C(0x1.8p52));
  else
    parts.exponent = pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F32, e);
  parts.fraction = SUB(FLOAT(ISUB(bits, shifted)), C(1));
  return parts;
}

// e log 2 + log(1 + f)
static PjKirVal log_of_parts(PjKir *k, PjKirVal e, PjKirVal f) {
  PjKirVal x = f, high = CW(0x1.62e4p-1, 0x1.62e42fefa3p-1),
           low = CW(0x1.7f7d1cp-20, 0x1.3de6af278ece6p-42);
  if (!pj__wide(k, x)) {
    PjKirVal rest = MADD(MUL(f, f), POLY(f, log), MUL(e, low));
    return MADD(e, high, ADD(f, rest));
  }
  // f - f^2 / 2 + s (f^2 / 2 + s^2 P): f is exact, and only small terms are rounded before the last
  // sum.
  PjKirVal s = DIV(f, ADD(f, C(2))), square = MUL(s, s), half = MUL(MUL(f, f), C(0.5));
  PjKirVal rest = MADD(s, MADD(square, POLY(square, log), half), MUL(e, low));
  return MADD(e, high, SUB(f, SUB(half, rest)));
}

// Results where x, the distance from the pole, is not a positive number.
static PjKirVal log_specials(PjKir *k, PjKirVal x, PjKirVal above_pole, PjKirVal at_pole,
                             PjKirVal result) {
  result = SEL(above_pole, result, SEL(at_pole, C(-INFINITY), C(NAN)));
  return SEL(LT(x, C(INFINITY)), result, x);
}

// Subnormal numbers are made normal first; |*exponent| takes that back.
static PjKirVal normalise(PjKir *k, PjKirVal x, Parts *parts) {
  PjKirVal tiny = LT(x, CW(0x1p-126, 0x1p-1022));
  *parts = take_apart(k, SEL(tiny, MUL(x, CW(0x1p25, 0x1p54)), x));
  parts->exponent = ADD(parts->exponent, SEL(tiny, CW(-25, -54), C(0)));
  return parts->fraction;
}

PjKirVal pj_math__log_any(PjKir *k, PjKirVal x) {
  Parts parts;
  normalise(k, x, &parts);
  PjKirVal result = log_of_parts(k, parts.exponent, parts.fraction);
  return log_specials(k, x, LT(C(0), x), EQ(x, C(0)), result);
}

PjKirVal pj_math_log(PjKir *k, PjKirVal x) {
  return pj_math__is_alone(k, x) ? pj_math__log_alone(k, x) : pj_math__log_any(k, x);
}

// log 2 in the last step has its low digits too, so that the result's error is log's and one
// rounding.
PjKirVal pj_math_log2(PjKir *k, PjKirVal x) {
  Parts parts;
  normalise(k, x, &parts);
  PjKirVal natural = log_of_parts(k, C(0), parts.fraction);
  PjKirVal low = MUL(natural, CW(0x1.4ae0cp-26, 0x1.777d0ffda0d24p-56));
  PjKirVal result = ADD(parts.exponent, MADD(natural, CW(0x1.715476p0, 0x1.71547652b82fep0), low));
  return log_specials(k, x, LT(C(0), x), EQ(x, C(0)), result);
}

// u = 1 + x rounded; what the rounding lost, brought to the scale of f, is added to f.
PjKirVal pj_math__log1p(PjKir *k, PjKirVal x, PjKirVal low) {
  PjKirVal one = C(1), u = ADD(x, one), lost = SUB(x, SUB(u, one));
  if (low)
    lost = ADD(lost, low);
  Parts parts = take_apart(k, u);
  // 2^-e; nothing was lost where that underflows.
  PjKirVal scale = FLOAT(
      pj_kir_2(k, PJ_KIR_SMAX, ISUB(IW(0x3F800000, 0x3FF0000000000000), parts.shifted), I(0)));
  return log_of_parts(k, parts.exponent, MADD(lost, scale, parts.fraction));
}

PjKirVal pj_math_log1p(PjKir *k, PjKirVal x) {
  PjKirVal result = COPYSIGN(pj_math__log1p(k, x, 0), x); // for -0
  return log_specials(k, x, LT(C(-1), x), EQ(x, C(-1)), result);
}

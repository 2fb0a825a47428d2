// Hyperbolic functions and their inverses.
//
// sinh and cosh come from e^|x| / 2, which does not overflow before they do. The inverse functions
// are logarithms of 1 + t with t in two parts, in double also for float: they are rare, and that
// spares them a second set of tables.
#include <math.h>

#include "kernel/math_util.h"

// sinh x = x + x^3 P(x^2) up to 1, errors 3.6e-10 and 7.4e-23.
static const double sinh_32[] = {0x1.555556p-3, 0x1.1110eap-7, 0x1.a01c22p-13, 0x1.767726p-19};
static const double sinh_64[] = {0x1.5555555555555p-3,  0x1.1111111111111p-7, 0x1.a01a01a019fb8p-13,
                                 0x1.71de3a5574976p-19, 0x1.ae64567363dep-26, 0x1.61246b6de468fp-33,
                                 0x1.ae75233e83829p-41, 0x1.9a8d14ecc497ap-49};

// e^|x| / 2
static PjKirVal half_exp(PjKir *k, PjKirVal x) {
  PjPair less = pj_math__two_sum(k, ABS(x), CW(-0x1.62e43p-1, -0x1.62e42fefa39efp-1));
  PjKirVal low = ADD(less.lo, CW(0x1.05c61p-29, -0x1.abc9e3b39803fp-56));
  return pj_math__exp(k, less.hi, SEL(LT(less.hi, C(1000)), low, C(0)));
}

PjKirVal pj_math_sinh(PjKir *k, PjKirVal x) {
  PjKirVal magnitude = ABS(x), square = MUL(x, x),
           near = MADD(MUL(x, square), POLY(square, sinh), x);
  PjKirVal half = half_exp(k, x), far = SUB(half, DIV(C(0.25), half));
  return COPYSIGN(SEL(LE(magnitude, C(1)), near, far), x);
}

PjKirVal pj_math_cosh(PjKir *k, PjKirVal x) {
  PjKirVal half = half_exp(k, x);
  return ADD(half, DIV(C(0.25), half));
}

// ------------------------------------------------------------------ inverses

// log(1 + hi + lo) + (|large| ? log 2 : 0). Of large numbers |lo| is -1, against the 1.
static PjKirVal log_of(PjKir *k, PjPair t, PjKirVal large) {
  PjKirVal x = t.hi, value = pj_math__log1p(k, t.hi, t.lo);
  return ADD(value, SEL(large, C(0x1.62e42fefa39efp-1), C(0)));
}

// Above this x + sqrt(x^2 + 1) is 2 x.
static const double LARGE = 0x1p28;

// asinh x = log(1 + x + x^2 / (1 + sqrt(1 + x^2)))
static PjKirVal asinh_double(PjKir *k, PjKirVal x) {
  PjKirVal a = ABS(x), large = LT(C(LARGE), a), one = C(1), square = MUL(a, a);
  PjKirVal rest = DIV(square, ADD(one, SQRT(ADD(one, square))));
  PjPair t = pj_math__two_sum(k, a, rest);
  t = (PjPair){SEL(large, a, t.hi), SEL(large, C(-1), t.lo)};
  PjKirVal value = SEL(LT(a, C(0x1p-28)), a, log_of(k, t, large));
  return COPYSIGN(SEL(LT(a, C(INFINITY)), value, a), x);
}

// acosh x = log(1 + t + sqrt(t (t + 2))), t = x - 1
static PjKirVal acosh_double(PjKir *k, PjKirVal x) {
  PjKirVal large = LT(C(LARGE), x), t = SUB(x, C(1)), root = SQRT(MUL(t, ADD(t, C(2))));
  PjPair sum = pj_math__two_sum(k, t, root);
  sum = (PjPair){SEL(large, x, sum.hi), SEL(large, C(-1), sum.lo)};
  PjKirVal value = SEL(LT(x, C(1)), C(NAN), log_of(k, sum, large));
  return SEL(LT(x, C(INFINITY)), value, x);
}

// atanh x = log(1 + 2 x / (1 - x)) / 2
static PjKirVal atanh_double(PjKir *k, PjKirVal x) {
  PjKirVal a = ABS(x), one = C(1), twice = ADD(a, a);
  PjPair below = pj_math__two_sum(k, one, NEG(a)), quotient;
  quotient.hi = DIV(twice, below.hi);
  PjKirVal rest = pj_math__fma(k, NEG(quotient.hi), below.hi, twice);
  quotient.lo = DIV(MADD(NEG(quotient.hi), below.lo, rest), below.hi);
  PjKirVal value = MUL(pj_math__log1p(k, quotient.hi, quotient.lo), C(0.5));
  value = SEL(LT(a, C(0x1p-28)), a, value);
  value = SEL(LT(a, one), value, SEL(EQ(a, one), C(INFINITY), C(NAN)));
  return COPYSIGN(value, x);
}

PjKirVal pj_math__in_double(PjKir *k, PjKirVal (*function)(PjKir *, PjKirVal), PjKirVal x) {
  return pj__wide(k, x) ? function(k, x) : pj__narrow(k, function(k, pj__widen(k, x)));
}

PjKirVal pj_math_asinh(PjKir *k, PjKirVal x) {
  return pj_math__in_double(k, asinh_double, x);
}
PjKirVal pj_math_acosh(PjKir *k, PjKirVal x) {
  return pj_math__in_double(k, acosh_double, x);
}
PjKirVal pj_math_atanh(PjKir *k, PjKirVal x) {
  return pj_math__in_double(k, atanh_double, x);
}

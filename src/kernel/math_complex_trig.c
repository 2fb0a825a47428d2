// Trigonometric and hyperbolic functions of complex numbers and their inverses; see math_complex.h.
#include <math.h>

#include "kernel/math_complex.h"
#include "kernel/math_util.h"

static PjElem times_i(PjKir *k, PjElem z) {
  return (PjElem){NEG(z.im), z.re};
}
static PjElem times_minus_i(PjKir *k, PjElem z) {
  return (PjElem){z.im, NEG(z.re)};
}

// e^|t| / 2 and e^-|t| / 2 make sinh and cosh; past the range of double a quarter of the argument's
// scale is kept out. a cosh t and b sinh t without overflow before there is one, and with 0 where a
// or b is 0.
static PjElem with_hyperbolic(PjKir *k, PjKirVal t, PjKirVal a, PjKirVal b) {
  PjKirVal x = t, magnitude = ABS(t), large = LT(C(700), magnitude), zero = C(0);
  PjKirVal inner = SEL(large, zero, magnitude), cosh = pj_math_cosh(k, inner),
           sinh = pj_math_sinh(k, inner);
  // e^(|t| - 128 log 2) 2^127
  PjPair shifted = pj_math__two_sum(k, magnitude, C(-0x1.62e42fefa39efp+6));
  PjKirVal ordinary = LT(magnitude, C(2000));
  PjKirVal low = SEL(ordinary, ADD(shifted.lo, C(-0x1.abc9e3b39803fp-49)), zero);
  PjKirVal e = pj_math__exp(k, shifted.hi, low), factor = C(0x1p127);
  PjKirVal re = SEL(large, MUL(MUL(a, e), factor), MUL(a, cosh));
  PjKirVal im = SEL(large, MUL(MUL(b, e), factor), MUL(b, sinh));
  im = FLOAT(XOR(BITS(im), AND(BITS(t), I(0x8000000000000000))));
  return (PjElem){SEL(EQ(a, zero), a, re), SEL(EQ(b, zero), MUL(b, COPYSIGN(C(1), t)), im)};
}

// sin(x + iy) = sin x cosh y + i cos x sinh y
PjElem pj_math_complex_sin(PjKir *k, PjElem z) {
  return with_hyperbolic(k, z.im, pj_math_sin(k, z.re), pj_math_cos(k, z.re));
}
// cos(x + iy) = cos x cosh y - i sin x sinh y
PjElem pj_math_complex_cos(PjKir *k, PjElem z) {
  return with_hyperbolic(k, z.im, pj_math_cos(k, z.re), NEG(pj_math_sin(k, z.re)));
}

PjElem pj_math_complex_with_angle(PjKir *k, PjElem z, PjElem value) {
  PjKirVal x = z.im, nan = C(NAN);
  return pj_elem_select(k, LT(ABS(x), C(INFINITY)), value, (PjElem){nan, nan});
}

PjElem pj_math_complex_sinh(PjKir *k, PjElem z) {
  return pj_math_complex_with_angle(k, z, times_minus_i(k, pj_math_complex_sin(k, times_i(k, z))));
}
PjElem pj_math_complex_cosh(PjKir *k, PjElem z) {
  return pj_math_complex_with_angle(k, z, pj_math_complex_cos(k, times_i(k, z)));
}

// tanh(x + iy) = (sinh x cosh x + i sin y cos y) / (sinh^2 x + cos^2 y)
PjElem pj_math_complex_tanh(PjKir *k, PjElem z) {
  PjKirVal x = z.re, magnitude = ABS(z.re), large = LT(C(22), magnitude),
           inner = SEL(large, C(1), z.re);
  PjKirVal sinh = pj_math_sinh(k, inner), cosh = pj_math_cosh(k, inner);
  PjKirVal sine = pj_math_sin(k, z.im), cosine = pj_math_cos(k, z.im);
  PjKirVal below = MADD(sinh, sinh, MUL(cosine, cosine)), product = MUL(sine, cosine);
  PjKirVal re = DIV(MUL(sinh, cosh), below), im = DIV(product, below);
  // Far out the real part is 1 and the other 4 sin y cos y e^(-2 |x|).
  PjKirVal decay = pj_math__exp(k, MUL(magnitude, C(-2)), 0);
  PjKirVal far_im = MUL(MUL(product, C(4)), decay);
  PjKirVal endless = EQ(magnitude, C(INFINITY)), zero = C(0);
  far_im = SEL(AND(endless, UNO(product, product)), zero, far_im);
  im = SEL(large, far_im, im);
  return (PjElem){SEL(large, COPYSIGN(C(1), z.re), SEL(EQ(z.re, zero), z.re, re)),
                  SEL(EQ(z.im, zero), z.im, im)};
}
PjElem pj_math_complex_tan(PjKir *k, PjElem z) {
  PjElem value = times_minus_i(k, pj_math_complex_tanh(k, times_i(k, z)));
  // A real part without an angle leaves nothing known where the imaginary one is finite.
  PjKirVal x = z.re, infinity = C(INFINITY), nan = C(NAN);
  PjKirVal vague = AND(pj_kir_not(k, LT(ABS(x), infinity)), LT(ABS(z.im), infinity));
  return pj_elem_select(k, vague, (PjElem){nan, nan}, value);
}

// ------------------------------------------------------------------ inverses
// W. Kahan, "Branch cuts for complex elementary functions", in: The State of the Art in Numerical
// Analysis, 1987.

typedef struct Roots {
  PjElem minus, plus; // sqrt(1 - z), sqrt(1 + z)
} Roots;
static Roots roots_of(PjKir *k, PjElem z) {
  PjKirVal x = z.re, one = C(1);
  return (Roots){pj_math_complex_sqrt(k, (PjElem){SUB(one, z.re), NEG(z.im)}),
                 pj_math_complex_sqrt(k, (PjElem){ADD(one, z.re), z.im})};
}

PjElem pj_math_complex_acos(PjKir *k, PjElem z) {
  Roots r = roots_of(k, z);
  PjKirVal x = z.re, angle = pj_math_atan2(k, r.minus.re, r.plus.re);
  PjKirVal im = SUB(MUL(r.plus.re, r.minus.im), MUL(r.plus.im, r.minus.re));
  return (PjElem){MUL(angle, C(2)), pj_math_asinh(k, im)};
}

PjElem pj_math_complex_asin(PjKir *k, PjElem z) {
  Roots r = roots_of(k, z);
  PjKirVal re = SUB(MUL(r.minus.re, r.plus.re), MUL(r.minus.im, r.plus.im));
  PjKirVal im = SUB(MUL(r.minus.re, r.plus.im), MUL(r.minus.im, r.plus.re));
  return (PjElem){pj_math_atan2(k, z.re, re), pj_math_asinh(k, im)};
}

PjElem pj_math_complex_asinh(PjKir *k, PjElem z) {
  return times_minus_i(k, pj_math_complex_asin(k, times_i(k, z)));
}

PjElem pj_math_complex_acosh(PjKir *k, PjElem z) {
  PjKirVal x = z.re, one = C(1);
  PjElem minus = pj_math_complex_sqrt(k, (PjElem){SUB(z.re, one), z.im});
  PjElem plus = pj_math_complex_sqrt(k, (PjElem){ADD(z.re, one), z.im});
  PjKirVal re = ADD(MUL(minus.re, plus.re), MUL(minus.im, plus.im));
  return (PjElem){pj_math_asinh(k, re), MUL(pj_math_atan2(k, minus.im, plus.re), C(2))};
}

// log(1 + 4 x / ((1 - x)^2 + y^2)) / 4 + i atan2(2 y, (1 - x) (1 + x) - y^2) / 2, on the right
// half.
PjElem pj_math_complex_atanh(PjKir *k, PjElem z) {
  PjKirVal x = ABS(z.re), y = z.im, one = C(1), less = SUB(one, x), size = ADD(x, ABS(y));
  // Far out 1 does not count: x / |z|^2 and a quarter turn.
  PjKirVal far = LT(C(0x1p60), size);
  PjKirVal below = MADD(less, less, MUL(y, y));
  PjKirVal near_re = MUL(pj_math__log1p(k, DIV(MUL(x, C(4)), below), 0), C(0.25));
  near_re = SEL(LT(x, C(0x1p-60)), DIV(x, below), near_re);
  PjKirVal size_of = pj_math_complex_abs(k, z), far_re = DIV(DIV(x, size_of), size_of);
  far_re = SEL(EQ(size_of, C(INFINITY)), C(0), far_re);
  PjKirVal angle = pj_math_atan2(k, ADD(y, y), MADD(less, ADD(one, x), NEG(MUL(y, y))));
  PjKirVal near_im = MUL(angle, C(0.5)), far_im = COPYSIGN(C(0x1.921fb54442d18p0), y);
  // At 1 itself there is a pole.
  PjKirVal re = SEL(EQ(below, C(0)), C(INFINITY), SEL(far, far_re, near_re));
  PjKirVal im = SEL(AND(far, EQ(y, y)), far_im, near_im);
  return (PjElem){COPYSIGN(re, z.re), im};
}

PjElem pj_math_complex_atan(PjKir *k, PjElem z) {
  return times_minus_i(k, pj_math_complex_atanh(k, times_i(k, z)));
}

// sqrt(a^2 - x^2) + i log(a + sqrt(a^2 - 1)), a = (|z + 1| + |z - 1|) / 2, from acos of the first
// quadrant: there cos(angle) = x / a.
PjElem pj_math_complex_asin_acos(PjKir *k, PjElem z) {
  PjElem w = pj_math_complex_acos(k, (PjElem){ABS(z.re), ABS(z.im)});
  PjKirVal x = ABS(w.im), a = pj_math_cosh(k, x), re = MUL(a, pj_math_sin(k, w.re));
  return (PjElem){SEL(EQ(a, C(INFINITY)), ABS(z.im), re), x};
}

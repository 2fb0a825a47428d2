// Division, exponentials, logarithms, roots and powers of complex numbers; see math_complex.h.
#include "kernel/math_complex.h"

#include <math.h>

#include "kernel/math_util.h"

static PjElem elem_mul(PjKir *k, PjElem a, PjElem b) {
  return (PjElem){SUB(MUL(a.re, b.re), MUL(a.im, b.im)), ADD(MUL(a.re, b.im), MUL(a.im, b.re))};
}
static PjElem elem_scale(PjKir *k, PjElem z, PjKirVal factor) {
  return (PjElem){MUL(z.re, factor), MUL(z.im, factor)};
}

// a + |low|, which is small. The sign of a zero stays, and what is infinite or NaN, whose low part
// is NaN.
static PjKirVal add_low(PjKir *k, PjKirVal a, PjKirVal low) {
  PjKirVal x = a;
  return SEL(LT(C(0), ABS(low)), ADD(a, low), a);
}

// a b + c d, exact but for the last rounding or so.
static PjKirVal sum_of_products(PjKir *k, PjKirVal a, PjKirVal b, PjKirVal c, PjKirVal d) {
  PjPair p = pj_math__two_prod(k, a, b), q = pj_math__two_prod(k, c, d),
         sum = pj_math__two_sum(k, p.hi, q.hi);
  return add_low(k, sum.hi, ADD(sum.lo, ADD(p.lo, q.lo)));
}

typedef struct Sorted {
  PjKirVal large, small; // magnitudes
} Sorted;
static Sorted sorted(PjKir *k, PjElem z) {
  PjKirVal a = ABS(z.re), b = ABS(z.im), swap = LT(a, b);
  return (Sorted){SEL(swap, b, a), SEL(swap, a, b)};
}

// The power of two of a positive number's exponent, and its inverse.
static PjKirVal power_of_two(PjKir *k, PjKirVal x) {
  return FLOAT(AND(BITS(x), I(0x7FF0000000000000)));
}
static PjKirVal inverse_power(PjKir *k, PjKirVal power) {
  PjKirVal x = power;
  return FLOAT(ISUB(I(0x7FE0000000000000), BITS(power)));
}

// In f32 itself: a root of eight lanes costs less than two of four in f64. The parts are brought
// near the power of two of the larger, so that squares neither overflow nor vanish where they
// count.
PjKirVal pj_math_complex_abs_f32(PjKir *k, PjElem z) {
  PjKirVal x = z.re, infinity = C(INFINITY), a = ABS(z.re), b = ABS(z.im);
  PjKirVal large = FMIN(C(0x1p126), FMAX(C(0x1p-126), FMAX(a, b)));
  PjKirVal power = AND(BITS(large), I(0x7F800000)), inverse = FLOAT(ISUB(I(0x7F000000), power));
  PjKirVal u = MUL(a, inverse), v = MUL(b, inverse);
  PjKirVal value = MUL(SQRT(MADD(u, u, MUL(v, v))), FLOAT(power));
  return SEL(OR(EQ(a, infinity), EQ(b, infinity)), infinity, value);
}

PjKirVal pj_math_complex_abs(PjKir *k, PjElem z) {
  Sorted s = sorted(k, z);
  PjKirVal x = s.large;
  // Brought near 1; what is below the normal numbers counts as the smallest of them.
  PjKirVal power = power_of_two(k, FMIN(C(0x1p1022), FMAX(C(0x1p-1021), s.large)));
  PjKirVal inverse = inverse_power(k, power), a = MUL(s.large, inverse), b = MUL(s.small, inverse);
  PjKirVal value = MUL(SQRT(MADD(a, a, MUL(b, b))), power), infinity = C(INFINITY);
  value = SEL(UNO(z.re, z.im), C(NAN), value);
  return SEL(OR(EQ(ABS(z.re), infinity), EQ(ABS(z.im), infinity)), infinity, value);
}

// The infinite and zero cases of annex G.5.1: |value|, but where both parts are NaN and n / d is no
// NaN. Rare, so vectors without any pass it by.
static PjElem with_special_quotients(PjKir *k, PjElem n, PjElem d, PjElem value) {
  PjKirVal x = d.re, infinity = C(INFINITY), zero = C(0), one = C(1);
  PjKirVal lost = AND(UNO(value.re, value.re), UNO(value.im, value.im));
  pj_kir_if_begin(k, pj_math__any(k, lost));
  pj_kir_if_rare(k);
  PjKirVal n_inf = OR(EQ(ABS(n.re), infinity), EQ(ABS(n.im), infinity));
  PjKirVal d_inf = OR(EQ(ABS(d.re), infinity), EQ(ABS(d.im), infinity));
  PjKirVal n_finite = AND(LT(ABS(n.re), infinity), LT(ABS(n.im), infinity));
  PjKirVal d_finite = AND(LT(ABS(d.re), infinity), LT(ABS(d.im), infinity));
  // By zero: infinite, unless the dividend is NaN in both parts.
  PjKirVal n_some = pj_kir_not(k, AND(UNO(n.re, n.re), UNO(n.im, n.im)));
  PjKirVal by_zero = AND(AND(EQ(d.re, zero), EQ(d.im, zero)), n_some),
           towards = COPYSIGN(infinity, d.re);
  PjElem at_zero = {MUL(towards, n.re), MUL(towards, n.im)};
  // Infinite by finite, and finite by infinite: what counts is where infinities stand and with
  // which sign.
  PjElem n_unit = {COPYSIGN(SEL(EQ(ABS(n.re), infinity), one, zero), n.re),
                   COPYSIGN(SEL(EQ(ABS(n.im), infinity), one, zero), n.im)};
  PjElem d_unit = {COPYSIGN(SEL(EQ(ABS(d.re), infinity), one, zero), d.re),
                   COPYSIGN(SEL(EQ(ABS(d.im), infinity), one, zero), d.im)};
  PjKirVal far = AND(n_inf, d_finite), vanish = AND(d_inf, n_finite);
  PjElem a = {SEL(far, n_unit.re, n.re), SEL(far, n_unit.im, n.im)};
  PjElem b = {SEL(far, d.re, d_unit.re), SEL(far, d.im, d_unit.im)};
  PjKirVal factor = SEL(far, infinity, zero);
  PjElem at_end = {MUL(factor, ADD(MUL(a.re, b.re), MUL(a.im, b.im))),
                   MUL(factor, SUB(MUL(a.im, b.re), MUL(a.re, b.im)))};
  PjElem special =
      pj_elem_select(k, by_zero, at_zero, pj_elem_select(k, OR(far, vanish), at_end, value));
  special = pj_elem_select(k, lost, special, value);
  PjKirVal then_values[] = {special.re, special.im}, else_values[] = {value.re, value.im}, out[2];
  pj_kir_if_else(k, 2, then_values);
  pj_kir_if_end(k, 2, else_values, out);
  return (PjElem){out[0], out[1]};
}

// (a + bi) / (c + di) with the divisor brought near 1.
PjElem pj_math_complex_div(PjKir *k, PjElem n, PjElem d) {
  Sorted s = sorted(k, d);
  PjKirVal x = s.large, one = C(1);
  PjKirVal scale =
      inverse_power(k, power_of_two(k, FMIN(C(0x1p1022), FMAX(C(0x1p-1021), s.large))));
  PjElem q = elem_scale(k, d, scale);
  // Nor may the dividend overflow times a divisor of up to 2.
  PjKirVal huge = LT(C(0x1p1000), sorted(k, n).large), shrink = SEL(huge, C(0x1p-8), one);
  PjElem p = elem_scale(k, n, shrink);
  PjKirVal below = MADD(q.re, q.re, MUL(q.im, q.im)), back = SEL(huge, C(0x1p8), one);
  PjKirVal re = DIV(sum_of_products(k, p.re, q.re, p.im, q.im), below);
  PjKirVal im = DIV(sum_of_products(k, p.im, q.re, p.re, NEG(q.im)), below);
  PjElem value = {MUL(MUL(re, scale), back), MUL(MUL(im, scale), back)};
  return with_special_quotients(k, n, d, value);
}

// Of floats in double: products are exact and of any size, so a sum of two is rounded once.
PjElem pj_math_complex_div_of_f32(PjKir *k, PjElem n, PjElem d) {
  PjKirVal below = MADD(d.re, d.re, MUL(d.im, d.im));
  PjElem value = {DIV(MADD(n.re, d.re, MUL(n.im, d.im)), below),
                  DIV(SUB(MUL(n.im, d.re), MUL(n.re, d.im)), below)};
  return with_special_quotients(k, n, d, value);
}

// ------------------------------------------------------------------ exponentials

// e^x times (re, im), which are at most 1: without overflow before there is one.
static PjElem exp_times(PjKir *k, PjKirVal x, PjElem z) {
  PjKirVal large = LT(C(700), x), low = SEL(large, C(-0x1.62e42fefa39efp+6), C(0));
  PjPair shifted = pj_math__two_sum(k, x, low);
  shifted.lo = SEL(large, ADD(shifted.lo, C(-0x1.abc9e3b39803fp-49)), C(0));
  PjKirVal ordinary = LT(x, C(2000)),
           e = pj_math__exp(k, shifted.hi, SEL(ordinary, shifted.lo, C(0)));
  PjKirVal factor = SEL(large, C(0x1p128), C(1));
  PjElem value = elem_scale(k, elem_scale(k, z, e), factor);
  // Zero stays zero, however large the other factor.
  PjKirVal zero = C(0);
  return (PjElem){SEL(EQ(z.re, zero), z.re, value.re), SEL(EQ(z.im, zero), z.im, value.im)};
}

static PjElem unit(PjKir *k, PjKirVal angle) {
  PjKirVal x = angle, sine = pj_math_sin(k, angle);
  return (PjElem){pj_math_cos(k, angle), SEL(EQ(angle, C(0)), x, sine)};
}

PjElem pj_math_complex_exp(PjKir *k, PjElem z) {
  PjKirVal x = z.re, infinity = C(INFINITY), zero = C(0);
  PjElem direction = unit(k, z.im), value = exp_times(k, x, direction);
  // Of -inf nothing is left, whatever the angle; of inf the angle of infinity is unknown.
  PjKirVal vague = UNO(direction.re, direction.re), gone = EQ(x, C(-INFINITY)),
           endless = EQ(x, infinity);
  PjElem rest = {SEL(gone, zero, SEL(endless, infinity, C(NAN))), SEL(gone, zero, C(NAN))};
  value = pj_elem_select(k, vague, rest, value);
  // Real arguments have real results.
  value.im = SEL(EQ(z.im, zero), z.im, value.im);
  return value;
}

// e^z - 1 = (e^x - 1) cos y - 2 sin(y / 2)^2 + i e^x sin y
PjElem pj_math_complex_expm1(PjKir *k, PjElem z) {
  PjKirVal x = z.re, half = pj_math_sin(k, MUL(z.im, C(0.5)));
  PjElem e = pj_math_complex_exp(k, z);
  PjKirVal near =
      sum_of_products(k, pj_math_expm1(k, x), pj_math_cos(k, z.im), MUL(half, C(-2)), half);
  PjKirVal angle = LT(ABS(z.im), C(INFINITY)), nan = C(NAN), zero = C(0);
  PjKirVal re = SEL(LT(x, C(40)), near, SUB(e.re, C(1)));
  re = SEL(EQ(z.im, zero), pj_math_expm1(k, x), re);
  // Without an angle all is lost, also next to -1.
  return pj_elem_select(k, angle, (PjElem){re, e.im}, (PjElem){nan, nan});
}

// 1 / (1 + e^-z), on the left e^z / (1 + e^z): nothing overflows.
PjElem pj_math_complex_logistic(PjKir *k, PjElem z) {
  PjKirVal x = z.re, left = LT(x, C(0));
  PjElem one = {C(1), C(0)};
  PjElem e = pj_math_complex_exp(k, pj_elem_select(k, left, z, (PjElem){NEG(z.re), NEG(z.im)}));
  return pj_math_complex_div(k, pj_elem_select(k, left, e, one), (PjElem){ADD(e.re, C(1)), e.im});
}

// ------------------------------------------------------------------ logarithms

// log |z|: near 1 as log(1 + (a - 1) (a + 1) + b^2) / 2, whose argument is formed in two parts,
// else from the larger part and the quotient.
static PjKirVal log_abs(PjKir *k, PjElem z) {
  Sorted s = sorted(k, z);
  PjKirVal x = s.large, a = s.large, b = s.small, one = C(1), infinity = C(INFINITY);
  PjPair minus = pj_math__two_sum(k, a, C(-1)), plus = pj_math__two_sum(k, a, one);
  PjPair product = pj_math__pair_mul(k, minus, plus), square = pj_math__two_prod(k, b, b);
  PjPair sum = pj_math__two_sum(k, product.hi, square.hi);
  PjPair t = pj_math__two_sum(k, sum.hi, ADD(sum.lo, ADD(product.lo, square.lo)));
  PjKirVal close = AND(LT(C(0.5), a), LT(a, C(1.5)));
  PjKirVal quotient = DIV(b, a);
  t = (PjPair){SEL(close, t.hi, MUL(quotient, quotient)), SEL(close, t.lo, C(0))};
  PjKirVal half = MUL(pj_math__log1p(k, t.hi, t.lo), C(0.5));
  half = SEL(LT(ABS(t.hi), C(0x1p-60)), MUL(t.hi, C(0.5)), half);
  PjKirVal value = SEL(close, half, ADD(pj_math_log(k, a), half));
  value = SEL(EQ(a, C(0)), C(-INFINITY), value);
  value = SEL(UNO(z.re, z.im), C(NAN), value);
  return SEL(OR(EQ(ABS(z.re), infinity), EQ(ABS(z.im), infinity)), infinity, value);
}

PjElem pj_math_complex_log(PjKir *k, PjElem z) {
  return (PjElem){log_abs(k, z), pj_math_atan2(k, z.im, z.re)};
}

// The real part is log(1 + 2 x + x^2 + y^2) / 2; where the sum cancels it counts to the last digit.
PjElem pj_math_complex_log1p(PjKir *k, PjElem z) {
  PjKirVal x = z.re, one = C(1);
  PjElem u = {ADD(z.re, one), z.im};
  PjPair p = pj_math__two_prod(k, x, x), q = pj_math__two_prod(k, z.im, z.im);
  PjPair sum = pj_math__two_sum(k, ADD(x, x), q.hi), all = pj_math__two_sum(k, sum.hi, p.hi);
  PjPair low = pj_math__two_sum(k, sum.lo, all.lo);
  PjPair t = pj_math__two_sum(k, all.hi, ADD(low.hi, ADD(low.lo, ADD(p.lo, q.lo))));
  PjKirVal half = MUL(pj_math__log1p(k, t.hi, t.lo), C(0.5));
  half = SEL(LT(ABS(t.hi), C(0x1p-60)), MUL(t.hi, C(0.5)), half);
  // Next to the pole, and where squares overflow, 1 + z says all.
  PjKirVal inner = AND(LT(ADD(ABS(x), ABS(z.im)), C(0x1p100)), LT(C(-0.75), t.hi));
  PjKirVal re = SEL(inner, half, log_abs(k, u));
  return (PjElem){re, pj_math_atan2(k, z.im, u.re)};
}

// ------------------------------------------------------------------ roots

// With t = sqrt((|x| + |z|) / 2): t + i y / 2t on the right, |y| / 2t + i t (with the sign of y) on
// the left. Of w, which is z times a power of two, and its |size|; |back| takes that back, 0: there
// is none.
static PjElem root_of_size(PjKir *k, PjElem z, PjElem w, PjKirVal size, PjKirVal back) {
  PjKirVal x = z.re, zero = C(0), infinity = C(INFINITY);
  PjKirVal t = SQRT(MUL(ADD(ABS(w.re), size), C(0.5))), other = DIV(ABS(w.im), ADD(t, t));
  other = SEL(EQ(size, zero), zero, other);
  PjKirVal left = pj_kir_slt(k, BITS(x), I(0));
  PjKirVal re = SEL(left, other, t), im = SEL(left, t, other);
  if (back) {
    re = MUL(re, back);
    im = MUL(im, back);
  }
  im = COPYSIGN(im, z.im);
  // Infinite: by the imaginary part first.
  PjKirVal far = EQ(ABS(x), infinity), im_nan = UNO(z.im, z.im);
  PjKirVal far_re = SEL(left, SEL(im_nan, C(NAN), zero), infinity);
  PjKirVal far_im = SEL(left, COPYSIGN(infinity, z.im), SEL(im_nan, z.im, COPYSIGN(zero, z.im)));
  PjElem value = pj_elem_select(k, far, (PjElem){far_re, far_im}, (PjElem){re, im});
  return pj_elem_select(k, EQ(ABS(z.im), infinity), (PjElem){infinity, z.im}, value);
}

PjElem pj_math_complex_sqrt(PjKir *k, PjElem z) {
  Sorted s = sorted(k, z);
  PjKirVal x = z.re, one = C(1);
  // By an even power of two into the middle of the range.
  PjKirVal large = LT(C(0x1p1000), s.large), small = LT(s.large, C(0x1p-900));
  PjKirVal factor = SEL(large, C(0x1p-120), SEL(small, C(0x1p120), one));
  PjKirVal back = SEL(large, C(0x1p60), SEL(small, C(0x1p-60), one));
  PjElem w = elem_scale(k, z, factor);
  return root_of_size(k, z, w, pj_math_complex_abs(k, w), back);
}

// Of floats, whose squares a double holds.
PjElem pj_math_complex_sqrt_of_f32(PjKir *k, PjElem z) {
  return root_of_size(k, z, z, SQRT(MADD(z.re, z.re, MUL(z.im, z.im))), 0);
}

PjElem pj_math_complex_rsqrt(PjKir *k, PjElem z) {
  PjKirVal x = z.re;
  return pj_math_complex_div(k, (PjElem){C(1), C(0)}, pj_math_complex_sqrt(k, z));
}

PjElem pj_math_complex_cbrt(PjKir *k, PjElem z) {
  PjKirVal x = z.re, size = pj_math_cbrt(k, pj_math_complex_abs(k, z));
  PjKirVal angle = DIV(pj_math_atan2(k, z.im, z.re), C(3));
  return (PjElem){MUL(size, pj_math_cos(k, angle)), MUL(size, pj_math_sin(k, angle))};
}

PjElem pj_math_complex_sign(PjKir *k, PjElem z) {
  PjKirVal x = z.re, zero = C(0), size = pj_math_complex_abs(k, z);
  PjElem value = {DIV(z.re, size), DIV(z.im, size)}, nothing = {zero, zero}, nan = {C(NAN), C(NAN)};
  value = pj_elem_select(k, AND(EQ(z.re, zero), EQ(z.im, zero)), nothing, value);
  return pj_elem_select(k, UNO(z.re, z.im), nan, value);
}

// (x - y) (x + y) + i 2 x y: no cancellation, and 0 where |x| = |y| is too large to square.
PjElem pj_math_complex_square(PjKir *k, PjElem z) {
  PjKirVal x = z.re, infinity = C(INFINITY);
  PjKirVal both = AND(EQ(ABS(z.re), infinity), EQ(ABS(z.im), infinity));
  PjPair minus = pj_math__two_sum(k, z.re, NEG(z.im)), plus = pj_math__two_sum(k, z.re, z.im);
  PjKirVal re = MUL(minus.hi, plus.hi), low = MADD(minus.hi, plus.lo, MUL(minus.lo, plus.hi));
  re = add_low(k, re, low);
  PjKirVal product = MUL(z.re, z.im);
  return (PjElem){SEL(both, C(NAN), re), ADD(product, product)};
}

// ------------------------------------------------------------------ powers

PjElem pj_math_complex_pow(PjKir *k, PjElem base, PjElem exponent) {
  PjKirVal x = base.re, zero = C(0);
  PjElem log = pj_math_complex_log(k, base);
  PjElem product = {sum_of_products(k, exponent.re, log.re, NEG(exponent.im), log.im),
                    sum_of_products(k, exponent.re, log.im, exponent.im, log.re)};
  PjElem value = pj_math_complex_exp(k, product);
  // Of zero by the exponent's real part alone.
  PjKirVal positive = LT(zero, exponent.re), base_zero = AND(EQ(base.re, zero), EQ(base.im, zero));
  PjElem of_zero = {SEL(positive, zero, C(INFINITY)), SEL(positive, zero, C(NAN))},
         one = {C(1), zero};
  value = pj_elem_select(k, base_zero, of_zero, value);
  return pj_elem_select(k, AND(EQ(exponent.re, zero), EQ(exponent.im, zero)), one, value);
}

// atan2(y, x) = -i log((x + i y) / sqrt(x^2 + y^2)), both brought near 1, which does not change it.
PjElem pj_math_complex_atan2(PjKir *k, PjElem y, PjElem z) {
  PjKirVal x = FMAX(sorted(k, y).large, sorted(k, z).large);
  PjKirVal scale = inverse_power(k, power_of_two(k, FMIN(C(0x1p1022), FMAX(C(0x1p-1021), x))));
  y = elem_scale(k, y, scale);
  z = elem_scale(k, z, scale);
  PjElem sum = {SUB(z.re, y.im), ADD(z.im, y.re)}, zz = elem_mul(k, z, z), yy = elem_mul(k, y, y);
  PjElem root = pj_math_complex_sqrt(k, (PjElem){ADD(zz.re, yy.re), ADD(zz.im, yy.im)});
  PjElem log = pj_math_complex_log(k, pj_math_complex_div(k, sum, root));
  return (PjElem){log.im, NEG(log.re)};
}

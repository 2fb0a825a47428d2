// Exponentials: x = n log 2 + r with |r| <= log 2 / 2, e^x = 2^n e^r, e^r by a polynomial.
//
// n comes from adding a number whose last place is 1, so that it stands in the low bits of the sum
// as an integer too. log 2 is taken in two parts, the first so short that its product with n is
// exact.
#include <math.h>

#include "kernel/math_util.h"

// (e^r - 1 - r) / r^2; errors of e^r 3.3e-9 and 7.6e-20.
const double pj_math__exp_32[] = {0x1.fffffap-2, 0x1.555492p-3, 0x1.555a26p-5, 0x1.12398p-7,
                                  0x1.694ca6p-10};
const double pj_math__exp_64[] = {0x1p-1,
                                  0x1.555555555555cp-3,
                                  0x1.5555555555544p-5,
                                  0x1.111111110ea06p-7,
                                  0x1.6c16c16c1e5bdp-10,
                                  0x1.a01a01b43e1c9p-13,
                                  0x1.a01a017d48c66p-16,
                                  0x1.71ddee863632bp-19,
                                  0x1.27e5339dbae4cp-22,
                                  0x1.af6e5bd233d8fp-26,
                                  0x1.1eed10ba3ff62p-29};
// The same, for results relative to e^r - 1: 4.7e-10 and 3.0e-19.
static const double expm1_32[] = {0x1p-1,        0x1.555554p-3,  0x1.5554fp-5,
                                  0x1.111306p-7, 0x1.6d436ap-10, 0x1.9e0bfep-13};
static const double expm1_64[] = {0x1p-1,
                                  0x1.5555555555559p-3,
                                  0x1.555555555554dp-5,
                                  0x1.111111110f659p-7,
                                  0x1.6c16c16c1aafap-10,
                                  0x1.a01a01b000a1cp-13,
                                  0x1.a01a018e0fb83p-16,
                                  0x1.71ddf819199dfp-19,
                                  0x1.27e5133c92e3cp-22,
                                  0x1.af5f17c20c511p-26,
                                  0x1.1f1a283c7cf11p-29};
// (2^r - 1 - r log 2) / r^2
const double pj_math__exp2_32[] = {0x1.ebfbd8p-3, 0x1.c6af74p-5, 0x1.3b3096p-7, 0x1.5f0ca8p-10,
                                   0x1.3fad5ep-13};
static const double pj_math__exp2_64[] = {
    0x1.ebfbdff82c58fp-3,  0x1.c6b08d704a0cfp-5,  0x1.3b2ab6fba4e22p-7,  0x1.5d87fe78a26bap-10,
    0x1.430912f883d3bp-13, 0x1.ffcbfc74dbcf1p-17, 0x1.62c021e2647acp-20, 0x1.b524dd472679ep-24,
    0x1.e4d06c7a88b79p-28, 0x1.ea01671a167ecp-32, 0x1.c2cebd0d791d8p-36};

// exp_32 and exp_64 of 2 r, doubled.
static const double exp_of_twice_32[] = {0x1.fffffap-1, 0x1.555492p-1, 0x1.555a26p-2, 0x1.12398p-3,
                                         0x1.694ca6p-5};
static const double exp_of_twice_64[] = {0x1p+0,
                                         0x1.555555555555cp-1,
                                         0x1.5555555555544p-2,
                                         0x1.111111110ea06p-3,
                                         0x1.6c16c16c1e5bdp-5,
                                         0x1.a01a01b43e1c9p-7,
                                         0x1.a01a017d48c66p-9,
                                         0x1.71ddee863632bp-11,
                                         0x1.27e5339dbae4cp-13,
                                         0x1.af6e5bd233d8fp-16,
                                         0x1.1eed10ba3ff62p-18};

// tanh x = x + x^3 P(x^2) up to 0.75, errors 1.7e-9 and 1.5e-18.
const double pj_math__tanh_32[] = {-0x1.55554ap-2, 0x1.110ddap-3,  -0x1.b98108p-5,
                                   0x1.5f9082p-6,  -0x1.f662fep-8, 0x1.c8975p-10};
const double pj_math__tanh_64[] = {
    -0x1.555555555554ap-2,  0x1.111111111046cp-3,  -0x1.ba1ba1b97e48fp-5,  0x1.664f4863ed5fap-6,
    -0x1.226e31ccb6e85p-7,  0x1.d6d3487b2da93p-9,  -0x1.7d9c7b3ecf372p-10, 0x1.35196cbc468cap-11,
    -0x1.f25434d314796p-13, 0x1.87f08da0cd695p-14, -0x1.1a065b963b6d3p-15, 0x1.3e92ef283a367p-17,
    -0x1.8ef15ab7849a6p-20};

// round(v scale) as a number and, in the low bits of an integer, with |offset| added.
typedef struct Whole {
  PjKirVal number, bits;
} Whole;
static Whole whole(PjKir *k, PjKirVal x, double scale, double offset) {
  PjKirVal big = CW(0x1.8p23 + offset, 0x1.8p52 + offset);
  PjKirVal sum = MADD(x, C(scale), big);
  return (Whole){SUB(sum, big), BITS(sum)};
}

static PjKirVal minus_log2_high(PjKir *k, PjKirVal x) {
  return CW(-0x1.62e4p-1, -0x1.62e42fefa3p-1);
}
static PjKirVal minus_log2_low(PjKir *k, PjKirVal x) {
  return CW(-0x1.7f7d1cp-20, -0x1.3de6af278ece6p-42);
}

// The bits of n + 2 bias in Whole.bits: half of it and the rest make two powers of two whose
// product is 2^n, so that results below the normal numbers are rounded once and results up to
// 2^(largest exponent) do not overflow on the way.
static double twice_bias(PjKir *k, PjKirVal x) {
  return pj__wide(k, x) ? 2046 : 254;
}
// (1 + p) scale for a power of two: one way or the other there is one rounding. With AVX-512
// vectors of sums are scaled by an instruction (emit/x86/scale.c).
static PjKirVal scaled_sum(PjKir *k, PjKirVal x, PjKirVal p, PjKirVal scale) {
  const bool by_instruction = k->target->isa == PJ_ISA_AVX512 && pj_kir_typeof(k, p).lanes > 1;
  return by_instruction ? MUL(ADD(p, C(1)), scale) : MADD(p, scale, scale);
}
// (1 + p) times that, and |factor|, 0: none.
static PjKirVal scale_by(PjKir *k, PjKirVal x, PjKirVal p, PjKirVal factor, PjKirVal bits) {
  PjKirVal half = LSHR(bits, 1), rest = ISUB(bits, half), scale = FLOAT(SHL(half, MANTISSA));
  PjKirVal scaled = factor ? MUL(MADD(p, factor, factor), scale) : scaled_sum(k, x, p, scale);
  return MUL(scaled, FLOAT(SHL(rest, MANTISSA)));
}

// From where on results are 0 or infinite. NaN passes.
static PjKirVal clamp(PjKir *k, PjKirVal x, double low, double high) {
  return FMAX(C(low), FMIN(C(high), x));
}

// e^(x + low) for n at hand without 2^n, |low| 0: none.
static PjKirVal exp_rest(PjKir *k, PjKirVal x, PjKirVal low, PjKirVal n) {
  PjKirVal r = MADD(n, minus_log2_high(k, x), x), log2_low = minus_log2_low(k, x);
  r = low ? ADD(r, MADD(n, log2_low, low)) : MADD(n, log2_low, r);
  return MADD(MUL(r, r), POLY(r, pj_math__exp), r);
}

static PjKirVal exp_times(PjKir *k, PjKirVal x, PjKirVal low, PjKirVal factor) {
  Whole n = whole(k, x, M_LOG2E, twice_bias(k, x));
  PjKirVal p = exp_rest(k, x, low, n.number);
  return scale_by(k, x, p, factor, n.bits);
}

// e^x for x from -104 (of double -746) to 0, or NaN: 2^n is 2^(n + DOWN), which is no subnormal
// number, and 2^-DOWN.
static PjKirVal exp_below_1(PjKir *k, PjKirVal x) {
  bool wide = pj__wide(k, x);
  int down = wide ? 512 : 64; // ORDER exp-down
  Whole n = whole(k, x, M_LOG2E, (wide ? 1023 : 127) + down);
  PjKirVal p = exp_rest(k, x, 0, n.number), scale = FLOAT(SHL(n.bits, MANTISSA));
  return MUL(scaled_sum(k, x, p, scale), C(ldexp(1, -down)));
}

PjKirVal pj_math__exp(PjKir *k, PjKirVal x, PjKirVal low) {
  return exp_times(k, pj__wide(k, x) ? clamp(k, x, -746, 710) : clamp(k, x, -104, 89), low, 0);
}

PjKirVal pj_math__exp_times(PjKir *k, PjKirVal hi, PjKirVal lo, PjKirVal factor) {
  return exp_times(k, hi, lo, factor);
}

PjKirVal pj_math__exp_any(PjKir *k, PjKirVal x) {
  return pj_math__exp(k, x, 0);
}

PjKirVal pj_math_exp(PjKir *k, PjKirVal x) {
  return pj_math__is_alone(k, x) ? pj_math__exp_alone(k, x) : pj_math__exp_any(k, x);
}

PjKirVal pj_math_exp2(PjKir *k, PjKirVal x) {
  x = pj__wide(k, x) ? clamp(k, x, -1076, 1024) : clamp(k, x, -151, 128);
  Whole n = whole(k, x, 1, twice_bias(k, x));
  PjKirVal r = SUB(x, n.number), square = MUL(r, r);
  // log 2 of double needs more digits than a double has.
  PjKirVal p = pj__wide(k, x)
                   ? MADD(square, POLY(r, pj_math__exp2), MUL(r, C(0x1.9bb471f1ce4c4p-56)))
                   : MUL(square, POLY(r, pj_math__exp2));
  p = MADD(r, CW(0x1.62e43p-1, 0x1.62e42fefa39efp-1), p);
  return scale_by(k, x, p, 0, n.bits);
}

// 2^n e^r - 1 = 2^n (e^r - 1) + (2^n - 1). 2^(n - 1) in its place, so that n up to the largest
// exponent has one.
PjKirVal pj_math_expm1(PjKir *k, PjKirVal x) {
  PjKirVal t = pj__wide(k, x) ? clamp(k, x, -50, 710) : clamp(k, x, -30, 89);
  Whole n = whole(k, t, M_LOG2E, pj__wide(k, x) ? 1022 : 126);
  PjKirVal r = MADD(n.number, minus_log2_high(k, x), t);
  r = MADD(n.number, minus_log2_low(k, x), r);
  PjKirVal p = MADD(MUL(r, r), POLY(r, expm1), r);
  PjKirVal scale = FLOAT(SHL(n.bits, MANTISSA));
  PjKirVal e = MADD(p, scale, SUB(scale, C(0.5)));
  return SEL(LT(ABS(x), CW(0x1p-26, 0x1p-55)), x, ADD(e, e));
}

// 1 / (1 + e^-x), for negative x as e^x / (1 + e^x): e^-|x| does not overflow, and has the small
// results' digits.
PjKirVal pj_math__logistic_any(PjKir *k, PjKirVal x) {
  PjKirVal e = exp_below_1(k, FMAX(CW(-104, -746), NEG(ABS(x)))), one = C(1);
  return DIV(SEL(pj_kir_slt(k, BITS(x), I(0)), e, one), ADD(one, e));
}

PjKirVal pj_math_logistic(PjKir *k, PjKirVal x) {
  return pj_math__is_alone(k, x) ? pj_math__logistic_alone(k, x) : pj_math__logistic_any(k, x);
}

// 1 - 1 / ((e^2|x| + 1) / 2), near zero a polynomial. The sign is set at the end: that of -0 too.
PjKirVal pj_math__tanh_any(PjKir *k, PjKirVal x) {
  PjKirVal magnitude = ABS(x), square = MUL(x, x);
  PjKirVal near = MADD(MUL(x, square), HORNER(square, pj_math__tanh), x);
  PjKirVal t = FMIN(CW(10, 22), magnitude);
  Whole n = whole(k, t, 2 * M_LOG2E, pj__wide(k, x) ? 1023 : 127);
  // The quotient is small, and smaller still where n is large: log 2 needs no second part.
  PjKirVal r = MADD(n.number, CW(-0x1.62e43p-2, -0x1.62e42fefa39efp-2), t);
  PjKirVal p = MADD(MUL(r, r), POLY(r, exp_of_twice), r), half = C(0.5), one = C(1);
  PjKirVal scale = FLOAT(SHL(n.bits, MANTISSA));
  PjKirVal far = SUB(one, DIV(one, MADD(p, scale, MADD(scale, half, half))));
  PjKirVal sign = AND(BITS(x), IW(0x80000000, 0x8000000000000000));
  return FLOAT(OR(BITS(SEL(LT(magnitude, C(0.75)), near, far)), sign));
}

PjKirVal pj_math_tanh(PjKir *k, PjKirVal x) {
  return pj_math__is_alone(k, x) ? pj_math__tanh_alone(k, x) : pj_math__tanh_any(k, x);
}

PjKirVal pj_math__expm1_small(PjKir *k, PjKirVal x) {
  Whole n = whole(k, x, M_LOG2E, pj__wide(k, x) ? 1023 : 127);
  PjKirVal r = MADD(n.number, CW(-0x1.62e43p-1, -0x1.62e42fefa39efp-1), x);
  PjKirVal p = MADD(MUL(r, r), POLY(r, pj_math__exp), r), scale = FLOAT(SHL(n.bits, MANTISSA));
  return MADD(p, scale, SUB(scale, C(1)));
}

// Sine, cosine, tangent: x = n pi / 2 + r with |r| <= pi / 4, polynomials of both functions of r,
// and n mod 4 chooses.
//
// pi / 2 is taken in three parts of full precision (W. J. Cody and W. Waite, "Software Manual for
// the Elementary Functions", 1980; with a fused multiply-add the parts need no trailing zeros): x -
// n high is exact, and the two roundings after it are relative to r, also where x lies next to a
// multiple of pi / 2. That holds up to |x| = 2^20 (2^30 of double); what is larger goes to the C
// library.
#include <math.h>

#include "kernel/math_util.h"

// sin r = r + r^3 P(r^2) up to 0.82, errors 5.5e-9 and 3.8e-18 (to 0.786).
static const double sin_32[] = {-0x1.55554p-3, 0x1.110548p-7, -0x1.98a08cp-13};
static const double sin_64[] = {-0x1.5555555555548p-3,  0x1.111111110f751p-7,
                                -0x1.a01a019befb93p-13, 0x1.71de355c5f14p-19,
                                -0x1.ae5e52092adc7p-26, 0x1.5d8d6e1091e0bp-33};
// cos r = 1 - r^2 / 2 + r^4 P(r^2), errors 2.0e-10 and 5.8e-20.
static const double cos_32[] = {0x1.555546p-5, -0x1.6c09ep-10, 0x1.9949fp-16};
static const double cos_64[] = {0x1.555555555554bp-5,  -0x1.6c16c16c1500cp-10,
                                0x1.a01a019c8d949p-16, -0x1.27e4f7f008783p-22,
                                0x1.1ee9da88f4795p-29, -0x1.8fa5c165deabdp-37};

typedef struct Turn {
  PjKirVal sine, cosine; // of r
  PjKirVal quadrant;     // integer whose low bits are those of n
} Turn;

// n as a number and in the low bits of an integer.
typedef struct Whole {
  PjKirVal number, bits;
} Whole;
static Whole whole(PjKir *k, PjKirVal x) {
  PjKirVal big = CW(0x1.8p23, 0x1.8p52),
           sum = MADD(x, CW(0x1.45f306p-1, 0x1.45f306dc9c883p-1), big);
  return (Whole){SUB(sum, big), BITS(sum)};
}

// r, and what it is larger than x - n pi / 2: polynomials of r need not wait for that, which comes
// in again with the small terms. Of float the parts of pi / 2 are such that |over| is +0 for zeros:
// so they keep their signs.
typedef struct Rest {
  PjKirVal value, over;
} Rest;
static Rest rest_of(PjKir *k, PjKirVal x, PjKirVal n) {
  PjKirVal middle = CW(0x1.4442d2p-24, 0x1.1a62633145c07p-54);
  PjKirVal last = CW(-0x1.ee59dap-50, -0x1.f1976b7ed8fbcp-110);
  PjKirVal first = pj_math__fma(k, n, CW(-0x1.921fb4p0, -0x1.921fb54442d18p0), x);
  PjKirVal r = pj_math__fma(k, n, NEG(middle), first);
  PjKirVal way = SUB(r, first), rounded = SUB(r, ADD(first, way));
  PjKirVal over = MADD(n, last, pj_math__fma(k, n, middle, way));
  return (Rest){r, ADD(over, rounded)};
}

// Of float. Both polynomials are taken away from the first term.
static Turn reduce_32(PjKir *k, PjKirVal x) {
  Whole n = whole(k, x);
  Rest rest = rest_of(k, x, n.number);
  PjKirVal r = rest.value, square = MUL(r, r);
  PjKirVal sine = SUB(r, MADD(MUL(r, square), NEG(POLY(square, sin)), rest.over));
  // Near pi / 4 what is added to 3 / 4 is small. Without a fused multiply-add the large product is
  // one by a power of two, which is exact.
  PjKirVal more = POLY(square, cos), half = C(0.5);
  if (pj_math__is_alone(k, x)) { // the shorter way
    PjKirVal most = MADD(MUL(square, square), more, MADD(square, C(-0.5), C(0.25)));
    return (Turn){sine, ADD(C(0.75), ADD(most, MUL(r, rest.over))), n.bits};
  }
  PjKirVal most = k->target->fma ? MADD(square, NEG(MADD(square, NEG(more), half)), C(0.25))
                                 : MADD(square, MUL(square, more), SUB(C(0.25), MUL(square, half)));
  PjKirVal cosine = ADD(C(0.75), MADD(r, rest.over, most));
  return (Turn){sine, cosine, n.bits};
}

// To the last digits.
static Turn reduce_in_parts(PjKir *k, PjKirVal x) {
  Whole n = whole(k, x);
  Rest parts = rest_of(k, x, n.number);
  PjKirVal r = parts.value, square = MUL(r, r), half = MUL(square, C(0.5)), most = SUB(C(1), half);
  PjKirVal sine = SUB(r, MADD(MUL(r, square), NEG(POLY(square, sin)), parts.over));
  PjKirVal left = SUB(SUB(C(1), most), half), product = MUL(r, parts.over), rest;
  if (pj__wide(k, x) && pj_math__is_alone(k, x)) // the shorter way
    rest = ADD(MADD(MUL(square, square), POLY(square, cos), left), product);
  else
    rest = ADD(left, MADD(MUL(square, square), POLY(square, cos), product));
  PjKirVal cosine = ADD(most, rest);
  return (Turn){sine, cosine, n.bits};
}

static Turn reduce(PjKir *k, PjKirVal x) {
  return pj__wide(k, x) ? reduce_in_parts(k, x) : reduce_32(k, x);
}

// One float is taken to double, which rounds nothing that counts: both functions are then half as
// many operations, and no longer chain. r is rounded for its second part only where that may count,
// as a factor.
static bool goes_by_double(const PjKir *k, PjKirVal x) {
  return k->target->fma && !pj__wide(k, x) && pj_math__is_alone(k, x);
}
static Turn reduce_double(PjKir *k, PjKirVal x) {
  Whole n = whole(k, x);
  PjKirVal r = MADD(n.number, C(-0x1.921fb54442d18p0), x), square = MUL(r, r),
           fourth = MUL(square, square);
  PjKirVal high = MADD(square, C(sin_32[2]), C(sin_32[1])), low = MADD(square, C(sin_32[0]), C(1));
  PjKirVal sine = MUL(MADD(n.number, C(-0x1.1a62633145c07p-54), r), MADD(fourth, high, low));
  high = MADD(fourth, C(cos_32[2]), MADD(square, C(cos_32[1]), C(cos_32[0])));
  PjKirVal cosine = MADD(fourth, high, MADD(square, C(-0.5), C(1)));
  return (Turn){sine, cosine, n.bits};
}

// |value|, negated where bit 1 of |bits| is set.
static PjKirVal with_sign(PjKir *k, PjKirVal x, PjKirVal bits, PjKirVal value) {
  PjKirVal sign = AND(SHL(bits, pj__wide(k, x) ? 62 : 30), IW(1u << 31, 1ull << 63));
  return FLOAT(XOR(BITS(value), sign));
}
static PjKirVal is_odd(PjKir *k, PjKirVal bits) {
  return pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I1, bits);
}
// The same of double, where blends look at the highest bit.
static PjKirVal is_odd_double(PjKir *k, PjKirVal x, PjKirVal bits) {
  return pj_kir_2(k, PJ_KIR_SLT, SHL(bits, 63), I(0));
}

// |result|, but |callee| of x where x is too large for reduce().
static PjKirVal or_library(PjKir *k, PjKirVal x, PjKirVal magnitude, PjKirVal result,
                           PjKirExtern callee) {
  PjKirVal huge = LT(CW(0x1p20, 0x1p30), magnitude), chosen;
  pj_kir_if_begin(k, pj_math__any(k, huge));
  pj_kir_if_rare(k);
  PjKirVal from_library = SEL(huge, pj_math__call_lanes(k, callee, 1, &x), result);
  pj_kir_if_else(k, 1, &from_library);
  pj_kir_if_end(k, 1, &result, &chosen);
  return chosen;
}

// The sums of two parts lose the sign of a zero.
static PjKirVal keep_tiny(PjKir *k, PjKirVal x, PjKirVal magnitude, PjKirVal result) {
  return SEL(LT(magnitude, CW(0x1p-13, 0x1p-28)), x, result);
}

PjKirVal pj_math__sin_small(PjKir *k, PjKirVal x) {
  Turn t = reduce(k, x);
  PjKirVal value = SEL(is_odd(k, t.quadrant), t.cosine, t.sine);
  value = with_sign(k, x, t.quadrant, value);
  return pj__wide(k, x) ? keep_tiny(k, x, ABS(x), value) : value;
}

static PjKirVal sin_double(PjKir *k, PjKirVal x) {
  Turn t = reduce_double(k, x);
  return with_sign(k, x, t.quadrant, SEL(is_odd_double(k, x, t.quadrant), t.cosine, t.sine));
}
static PjKirVal cos_double(PjKir *k, PjKirVal x) {
  Turn t = reduce_double(k, x);
  PjKirVal value = SEL(is_odd_double(k, x, t.quadrant), t.sine, t.cosine);
  return with_sign(k, x, IADD(t.quadrant, I(1)), value);
}
// The sine is there first.
static PjKirVal tan_double(PjKir *k, PjKirVal x) {
  Turn t = reduce_double(k, x);
  PjKirVal odd = is_odd_double(k, x, t.quadrant);
  return DIV(SEL(odd, t.cosine, t.sine), SEL(odd, NEG(t.sine), t.cosine));
}

PjKirVal pj_math_sin(PjKir *k, PjKirVal x) {
  PjKirVal value =
      goes_by_double(k, x) ? pj_math__in_double(k, sin_double, x) : pj_math__sin_small(k, x);
  return or_library(k, x, ABS(x), value, pj__wide(k, x) ? PJ_KIR_EXTERN_SIN : PJ_KIR_EXTERN_SINF);
}

static PjKirVal cos_small(PjKir *k, PjKirVal x) {
  Turn t = reduce(k, x);
  PjKirVal value = SEL(is_odd(k, t.quadrant), t.sine, t.cosine);
  return with_sign(k, x, IADD(t.quadrant, I(1)), value);
}

PjKirVal pj_math_cos(PjKir *k, PjKirVal x) {
  PjKirVal value = goes_by_double(k, x) ? pj_math__in_double(k, cos_double, x) : cos_small(k, x);
  return or_library(k, x, ABS(x), value, pj__wide(k, x) ? PJ_KIR_EXTERN_COS : PJ_KIR_EXTERN_COSF);
}

PjKirVal pj_math__tan_small(PjKir *k, PjKirVal x) {
  Turn t = reduce_in_parts(k, x);
  PjKirVal odd = is_odd(k, t.quadrant);
  // The sine is there first.
  PjKirVal value = DIV(SEL(odd, t.cosine, t.sine), SEL(odd, NEG(t.sine), t.cosine));
  return pj__wide(k, x) ? keep_tiny(k, x, ABS(x), value) : value;
}

PjKirVal pj_math_tan(PjKir *k, PjKirVal x) {
  PjKirVal value =
      goes_by_double(k, x) ? pj_math__in_double(k, tan_double, x) : pj_math__tan_small(k, x);
  return or_library(k, x, ABS(x), value, pj__wide(k, x) ? PJ_KIR_EXTERN_TAN : PJ_KIR_EXTERN_TANF);
}

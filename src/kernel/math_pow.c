// Powers, roots, exact remainders and neighbours.
#include <math.h>
#include <string.h>

#include "kernel/math_util.h"

// ------------------------------------------------------------------ logarithm
// log of double in two parts, to about 2^-66: its product with an exponent of up to 2^10 has to be
// good to 2^-54.

// 2 atanh(s) / s = 2 + 2 s^2 / 3 + s^4 (2 / 5 + s^2 P(s^2)), s up to 0.1716; error 7.6e-23.
static const double log_tail[] = {0x1.2492492492f4cp-2, 0x1.c71c71c597639p-3, 0x1.745d1828e749ep-3,
                                  0x1.3b1364e71b3e8p-3, 0x1.11206ad8481cfp-3, 0x1.de3e17473b062p-4,
                                  0x1.eac0abbd6658dp-4};
#define LOG_FIFTH 0x1.9999999999996p-2

typedef struct Split {
  PjKirVal exponent,
      fraction; // x = 2^exponent (1 + fraction), 1 + fraction between the roots of 1/2 and 2
} Split;

// Of a positive normal double.
static Split split_double(PjKir *k, PjKirVal x) {
  PjKirVal bits = BITS(x), e = ASHR(ISUB(bits, I(0x3FE6A09E667F3BCD)), 52);
  PjKirVal exponent = SUB(FLOAT(IADD(e, I(0x4338000000000000))), C(0x1.8p52));
  return (Split){exponent, SUB(FLOAT(ISUB(bits, SHL(e, 52))), C(1))};
}

// The low part is up to 2^-17 of the high one: what is left of a series whose first terms, which
// make the high part, do not wait for it.
static PjPair log_pair(PjKir *k, PjKirVal x) {
  PjKirVal tiny = LT(x, C(0x1p-1022));
  Split parts = split_double(k, SEL(tiny, MUL(x, C(0x1p54)), x));
  PjKirVal e = ADD(parts.exponent, SEL(tiny, C(-54), C(0))), f = parts.fraction;
  // s = f / (2 + f) and what the division left.
  PjPair below = pj_math__fast_two_sum(k, C(2), f), s;
  PjKirVal inverse = DIV(C(1), below.hi);
  s.hi = MUL(f, inverse);
  PjKirVal rest = pj_math__fma(k, NEG(s.hi), below.hi, f);
  s.lo = MUL(MADD(NEG(s.hi), below.lo, rest), inverse);
  // log(1 + f) = 2 s + 2 s^3 / 3 + s^5 (2 / 5 + s^2 P)
  const double two_thirds = 0x1.5555555555555p-1, rest_of_two_thirds = 0x1.5555555555555p-55;
  PjPair square = pj_math__two_prod(k, s.hi, s.hi),
         part = pj_math__two_prod(k, s.hi, C(two_thirds));
  PjKirVal square_lo = MADD(ADD(s.hi, s.hi), s.lo, square.lo);
  PjKirVal part_lo = MADD(s.hi, C(rest_of_two_thirds), MADD(s.lo, C(two_thirds), part.lo));
  PjPair third = pj_math__two_prod(k, part.hi, square.hi);
  PjKirVal third_lo = MADD(part.hi, square_lo, MADD(part_lo, square.hi, third.lo));
  PjKirVal fifth_power = MUL(MUL(s.hi, square.hi), square.hi);
  PjKirVal tail = MUL(MUL(fifth_power, square.hi), pj_math__poly(k, square.hi, 7, log_tail));
  // The first part of log 2 is so short that its product with e is exact.
  PjPair sum = pj_math__fast_two_sum(k, ADD(s.hi, s.hi), third.hi);
  PjKirVal low = ADD(MADD(C(2), s.lo, third_lo), sum.lo);
  sum = pj_math__fast_two_sum(k, MUL(e, C(0x1.62e42fefa3p-1)), sum.hi);
  low = ADD(low, MADD(e, C(0x1.3de6af278ece6p-42), sum.lo));
  sum = pj_math__fast_two_sum(k, sum.hi, MUL(fifth_power, C(LOG_FIFTH)));
  return (PjPair){sum.hi, ADD(ADD(low, sum.lo), tail)};
}

// ------------------------------------------------------------------ power

// |x|^y of floats in double, with the digits that takes: errors 4.8e-12 of the logarithm and 3.1e-9
// of the exponential.
static const double short_log[] = {0x1.555554fdc607ep-1, 0x1.999a7a51db052p-2, 0x1.2438e27fd485cp-2,
                                   0x1.e2f52d1b10643p-3};
static const double short_exp[] = {0x1.fffffb9a565b8p-2, 0x1.555491541a3b1p-3, 0x1.5558f17e3831fp-5,
                                   0x1.1239e2a7a12efp-7, 0x1.6a2433852e8c6p-10};

static PjKirVal magnitude_f32(PjKir *k, PjKirVal base, PjKirVal exponent) {
  PjKirVal x = pj__widen(k, base), y = pj__widen(k, exponent);
  Split parts = split_double(k, x);
  PjKirVal s = DIV(parts.fraction, ADD(parts.fraction, C(2))), square = MUL(s, s);
  PjKirVal series = MADD(square, pj_math__poly(k, square, 4, short_log), C(2));
  PjKirVal log = MADD(s, series, MUL(parts.exponent, C(0x1.62e42fefa39efp-1)));
  log = SEL(LT(C(0), x), log, C(-INFINITY));
  log = SEL(LT(x, C(INFINITY)), log, x);
  // Bounds of what is 0 or infinite as a float.
  PjKirVal product = FMAX(C(-105), FMIN(C(90), MUL(log, y)));
  PjKirVal big = C(0x1.8p52 + 1023), sum = MADD(product, C(M_LOG2E), big), n = SUB(sum, big);
  PjKirVal r = MADD(n, C(-0x1.62e42fefa39efp-1), product);
  PjKirVal e = MADD(MUL(r, r), pj_math__poly(k, r, 5, short_exp), r);
  PjKirVal scale = FLOAT(SHL(BITS(sum), 52));
  return pj__narrow(k, MADD(e, scale, scale));
}

static PjKirVal magnitude_f64(PjKir *k, PjKirVal x, PjKirVal y) {
  PjPair log = log_pair(k, x);
  PjKirVal ordinary = AND(LT(C(0), x), LT(x, C(INFINITY)));
  log.hi = SEL(ordinary, log.hi, SEL(EQ(x, C(0)), C(-INFINITY), x));
  PjPair product = pj_math__two_prod(k, y, log.hi);
  PjKirVal low = MADD(y, log.lo, product.lo);
  // Past the range the product may have overflowed or be infinite, and there is no low part.
  low = SEL(LT(ABS(product.hi), C(1000)), low, C(0));
  return pj_math__exp(k, product.hi, low);
}

// The special cases of C99, F.9.4.4.
PjKirVal pj_math__pow_any(PjKir *k, PjKirVal x, PjKirVal y) {
  PjKirVal ax = ABS(x), zero = C(0), one = C(1), half = MUL(y, C(0.5));
  PjKirVal whole = EQ(RINT(y), y), odd = AND(whole, pj_kir_not(k, EQ(RINT(half), half)));
  PjKirVal power = pj__wide(k, x) ? magnitude_f64(k, ax, y) : magnitude_f32(k, ax, y);
  // A negative base to an odd power; to one that is not whole there is no result.
  PjKirVal sign = AND(BITS(x), IW(1u << 31, 1ull << 63));
  power = FLOAT(OR(BITS(power), SEL(odd, sign, I(0))));
  PjKirVal undefined = AND(AND(LT(x, zero), LT(ax, C(INFINITY))), pj_kir_not(k, whole));
  power = SEL(OR(undefined, UNO(x, y)), C(NAN), power);
  // Exponents of this size are even; log |x| y may be no number.
  PjKirVal even = AND(EQ(ax, one), LT(C(0x1p60), ABS(y)));
  return SEL(OR(OR(EQ(y, zero), EQ(x, one)), even), one, power);
}

// |y|, if it is a known number.
static bool known_number(PjKir *k, PjKirVal y, double *out) {
  uint64_t bits;
  if (!pj_kir_is_const(k, y, &bits))
    return false;
  if (pj__wide(k, y)) {
    memcpy(out, &bits, sizeof *out);
  } else {
    const uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    *out = value;
  }
  return true;
}

// Whether x^|y| is made of few products, a square root and a quotient within the bounds: of floats
// in double.
static bool is_short_product(bool wide, double y) {
  if (wide)
    return y == 0.5 || y == 2 || y == -1;
  return y != 0 && fabs(y) <= 4 && rint(2 * y) == 2 * y;
}

// x^|y| of double. The root of -0 is 0 here, and that of minus infinity what its size gives.
static PjKirVal short_product(PjKir *k, PjKirVal x, double y) {
  const int whole = (int)fabs(y);
  const bool root = whole != fabs(y);
  PjKirVal base = root ? ABS(x) : x, square = whole > 1 ? MUL(base, base) : base;
  PjKirVal power = whole == 3 ? MUL(square, base) : whole == 4 ? MUL(square, square) : square;
  if (root) {
    PjKirVal half = SQRT(ADD(x, C(0)));
    power = whole ? MUL(power, half) : half;
  }
  if (y < 0)
    power = DIV(C(1), power);
  return root ? SEL(EQ(x, C(-INFINITY)), C(y < 0 ? 0 : INFINITY), power) : power;
}

PjKirVal pj_math_pow(PjKir *k, PjKirVal x, PjKirVal y) {
  double number;
  if (known_number(k, y, &number) && is_short_product(pj__wide(k, x), number))
    return pj__wide(k, x) ? short_product(k, x, number)
                          : pj__narrow(k, short_product(k, pj__widen(k, x), number));
  return pj_math__is_alone(k, x) && pj_math__is_alone(k, y) ? pj_math__pow_alone(k, x, y)
                                                            : pj_math__pow_any(k, x, y);
}

// ------------------------------------------------------------------ roots

PjKirVal pj_math_sqrt(PjKir *k, PjKirVal x) {
  return SQRT(x);
}

PjKirVal pj_math_rsqrt(PjKir *k, PjKirVal x) {
  return DIV(C(1), SQRT(x));
}

// ((1 - h)^(-1/3) - 1) / h up to 0.104, error 1.9e-10.
static const double inverse_root[] = {0x1.5555562e267efp-2, 0x1.c71c7188bce7ep-3,
                                      0x1.61f49965b80f8p-3, 0x1.26f923fb71d92p-3,
                                      0x1.03714b9f9016ap-3, 0x1.cb506bdca3dfdp-4};

// x^(-1/3) of double to 32 bits. Minus a third of the upper half of the bits is one to 4 bits, t;
// then t (1 - h)^(-1/3) with h = 1 - x t^3.
static PjKirVal inverse_cbrt(PjKir *k, PjKirVal x) {
  PjKirVal high = LSHR(BITS(x), 32), magic = I(0x4338000000000000), big = C(0x1.8p52);
  PjKirVal third = MADD(SUB(FLOAT(IADD(high, magic)), big), C(-1 / 3.0), C(1430187000.0));
  PjKirVal t = FLOAT(SHL(BITS(ADD(third, big)), 32));
  PjKirVal h = MADD(NEG(MUL(x, t)), MUL(t, t), C(1));
  return MADD(MUL(t, h),
              pj_math__poly(k, h, sizeof inverse_root / sizeof *inverse_root, inverse_root), t);
}

PjKirVal pj_math_cbrt(PjKir *k, PjKirVal x) {
  PjKirVal magnitude = ABS(x), root;
  PjKirVal ordinary = AND(LT(C(0), magnitude), LT(magnitude, C(INFINITY)));
  if (!pj__wide(k, x)) {
    PjKirVal a = pj__widen(k, magnitude), inverse = inverse_cbrt(k, a);
    root = pj__narrow(k, MUL(MUL(a, inverse), inverse));
  } else {
    // Brought to where neither the cube's low part underflows nor a product overflows.
    PjKirVal small = LT(magnitude, C(0x1p-700)), large = LT(C(0x1p700), magnitude), one = C(1);
    PjKirVal a = MUL(magnitude, SEL(small, C(0x1p300), SEL(large, C(0x1p-300), one)));
    PjKirVal inverse = inverse_cbrt(k, a), t = MUL(MUL(a, inverse), inverse);
    // Newton's method with the exact cube.
    PjPair square = pj_math__two_prod(k, t, t), cube = pj_math__two_prod(k, square.hi, t);
    PjKirVal low = MADD(square.lo, t, cube.lo), rest = SUB(SUB(a, cube.hi), low);
    t = MADD(MUL(rest, C(1 / 3.0)), MUL(inverse, inverse), t);
    root = MUL(t, SEL(small, C(0x1p-100), SEL(large, C(0x1p100), one)));
  }
  return SEL(ordinary, COPYSIGN(root, x), x);
}

// ------------------------------------------------------------------ remainder

// Whether |y| is known, and |*out| = |y| is 1, 2, 4 ...
static bool is_power_of_two(PjKir *k, PjKirVal y, double *out) {
  if (!known_number(k, y, out))
    return false;
  int exponent;
  *out = fabs(*out);
  return *out >= 1 && frexp(*out, &exponent) == 0.5 && exponent < 100;
}

// x - y trunc(x / y), exactly. By 1, 2, 4 ... each step is exact for all x: a quotient that
// underflows is cut off anyway. Else the rounded quotient is at most one off as long as it is below
// 2^(digits - 1), and then the remainder it leaves is a number. Larger quotients go to the C
// library, and all of them on targets without a fused multiply-add.
PjKirVal pj_math_fmod(PjKir *k, PjKirVal x, PjKirVal y) {
  double power;
  if (is_power_of_two(k, y, &power)) {
    PjKirVal magnitude = ABS(x), whole = MUL(TRUNC(MUL(magnitude, C(1 / power))), C(power));
    return COPYSIGN(SUB(magnitude, whole), x);
  }
  PjKirVal ax = ABS(x), ay = ABS(y), quotient = DIV(ax, ay), limit = CW(0x1p22, 0x1p51), rest,
           chosen;
  PjKirVal far = pj_kir_not(k, LT(quotient, limit));
  PjKirExtern callee = pj__wide(k, x) ? PJ_KIR_EXTERN_FMOD : PJ_KIR_EXTERN_FMODF;
  int lanes = pj_kir_typeof(k, x).lanes > pj_kir_typeof(k, y).lanes ? pj_kir_typeof(k, x).lanes
                                                                    : pj_kir_typeof(k, y).lanes;
  PjKirVal args[2] = {pj_kir_splat(k, x, lanes), pj_kir_splat(k, y, lanes)};
  if (!k->target->fma)
    return pj_math__call_lanes(k, callee, 2, args);
  rest = pj_kir_fma(k, NEG(TRUNC(quotient)), ay, ax);
  rest = SEL(LT(rest, C(0)), ADD(rest, ay), rest);
  rest = SEL(LT(ax, ay), ax, rest);
  rest = COPYSIGN(rest, x);
  pj_kir_if_begin(k, pj_math__any(k, far));
  PjKirVal from_library = SEL(far, pj_math__call_lanes(k, callee, 2, args), rest);
  pj_kir_if_else(k, 1, &from_library);
  pj_kir_if_end(k, 1, &rest, &chosen);
  return chosen;
}

// ------------------------------------------------------------------ neighbours

// Numbers of one sign lie in the order of their bits.
PjKirVal pj_math_next_after(PjKir *k, PjKirVal x, PjKirVal y) {
  PjKirVal bits = BITS(x), zero = C(0), away = pj_kir_xor(k, LT(x, y), LT(x, zero));
  PjKirVal next = FLOAT(IADD(bits, SEL(away, I(1), I(~0ull))));
  PjKirVal least = FLOAT(OR(AND(BITS(y), IW(1u << 31, 1ull << 63)), I(1)));
  next = SEL(EQ(x, zero), least, next);
  next = SEL(EQ(x, y), y, next);
  return SEL(UNO(x, y), ADD(x, y), next);
}

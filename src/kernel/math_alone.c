// Functions of one number that the rest of a program waits for, as in a loop over a state of a few
// numbers: the shortest way from the argument to the value, however many operations lie beside it.
//
// What is not ordinary (zeros, subnormal numbers, infinities, NaN, results near the ends of the
// range) leaves to the general functions by a branch, which is foreseen nearly always and so costs
// no time, while bounds and choices would be waited for. The bounds of math.def hold, but the bits
// are others than those of vectors: only what is one number wherever it is computed (PjKir.alone)
// comes here.
#include <math.h>

#include "kernel/math_util.h"

typedef PjKirVal General1(PjKir *k, PjKirVal x);

// |value| where |ordinary| holds, else what the general function gives.
static PjKirVal or_general(PjKir *k, PjKirVal ordinary, PjKirVal value, General1 *general,
                           PjKirVal x) {
  PjKirVal chosen;
  pj_kir_if_begin(k, ordinary);
  pj_kir_if_else(k, 1, &value);
  pj_kir_if_rare(k);
  PjKirVal any = general(k, x);
  pj_kir_if_end(k, 1, &any, &chosen);
  return chosen;
}

// True if |x| is positive, normal and finite.
static PjKirVal is_normal(PjKir *k, PjKirVal x) {
  PjKirVal above = ISUB(BITS(x), IW(0x800000, 0x10000000000000));
  return pj_kir_2(k, PJ_KIR_ULT, above, IW(0x7F000000, 0x7FE0000000000000));
}

// ------------------------------------------------------------------ logarithm and power

// x = 2^exponent (1 + fraction), 1 + fraction from 2/3 to 4/3; of a normal double. The fraction is
// that of the magnitude.
typedef struct Split {
  PjKirVal exponent, fraction;
} Split;
static Split split(PjKir *k, PjKirVal magnitude, PjKirVal x) {
  PjKirVal least = I(0x3FE5555555555555), e = ASHR(ISUB(BITS(magnitude), least), 52);
  PjKirVal exponent = SUB(FLOAT(IADD(e, I(0x4338000000000000))), C(0x1.8p52));
  PjKirVal scaled = IADD(AND(ISUB(BITS(x), least), I(0xfffffffffffff)), least);
  return (Split){exponent, SUB(FLOAT(scaled), C(1))};
}

// (log(1 + f) - f + f^2 / 2) / f^3, error of the logarithm 9.2e-18, in two parts: the second one
// counts so little that its product with f^19 is made while the first is summed.
static const double log_low[] = {
    -0x1.0000000000972p-2, 0x1.99999999a2abap-3, -0x1.555555540b4dfp-3, 0x1.2492491f33dbep-3,
    -0x1.000000860c514p-3, 0x1.c71c74d5a087dp-4, -0x1.999961e911c1cp-4, 0x1.745c9915728c2p-4,
    -0x1.555c0a751bd8bp-4, 0x1.3b202a183ba61p-4, -0x1.2413ab77529e1p-4, 0x1.104905e46fbcfp-4,
    -0x1.05c62b7979626p-4, 0x1.f1c181a96c8d9p-5, -0x1.76a4877cee70fp-5};
static const double log_high[] = {0x1.4d583dc142c7bp-5, -0x1.614a0441f4f17p-4,
                                  0x1.642c7c62b8ad3p-4};
#define LOG_FIRST 0x1.555555555552ep-2

// e log 2 + f, and in |*left| what its rounding left and the rest of e log 2: only small terms are
// added to that.
static PjKirVal most_of_log(PjKir *k, PjKirVal e, PjKirVal f, PjKirVal *left) {
  PjKirVal x = f, log2 = CW(0x1.62e4p-1, 0x1.62e42fefa3p-1), most = MADD(e, log2, f);
  *left = MADD(e, CW(0x1.7f7d1cp-20, 0x1.3de6af278ece6p-42), ADD(MADD(e, log2, NEG(most)), f));
  return most;
}

static PjKirVal log_f64(PjKir *k, PjKirVal x) {
  Split s = split(k, x, x);
  PjKirVal f = s.fraction, square = MUL(f, f), cube = MUL(f, square), fourth = MUL(square, square);
  PjKirVal eighth = MUL(fourth, fourth), left, most = most_of_log(k, s.exponent, f, &left);
  PjKirVal low = pj_math__estrin(k, f, C(LOG_FIRST), 15, log_low);
  PjKirVal high = MUL(cube, pj_math__horner(k, f, 3, log_high));
  PjKirVal rest = SUB(left, MUL(square, C(0.5)));
  return ADD(most, MADD(cube, low, MADD(MUL(eighth, eighth), high, rest)));
}

// Of float, error of the logarithm 2.7e-9.
static const double short_log[] = {0x1.555558p-2,  -0x1.fffe48p-3, 0x1.99969cp-3,
                                   -0x1.55b1d8p-3, 0x1.250bbcp-3,  -0x1.f17224p-4,
                                   0x1.b6b01cp-4,  -0x1.0af4dep-3, 0x1.f222c4p-4};

static PjKirVal log_f32(PjKir *k, PjKirVal x) {
  const double *c = short_log;
  PjKirVal least = I(0x3F2AAAAB), above = ISUB(BITS(x), least);
  PjKirVal e = pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F32, ASHR(above, 23));
  PjKirVal f = SUB(FLOAT(IADD(AND(above, I(0x7FFFFF)), least)), C(1)), square = MUL(f, f);
  PjKirVal cube = MUL(f, square), fourth = MUL(square, square), left;
  PjKirVal most = most_of_log(k, e, f, &left), rest = SUB(left, MUL(square, C(0.5)));
  PjKirVal high = MUL(cube, C(c[8])); // as above
  rest = MADD(MUL(fourth, fourth), high, rest);
  return ADD(most, MADD(cube, pj_math__estrin(k, f, C(c[0]), 7, c + 1), rest));
}

PjKirVal pj_math__log_alone(PjKir *k, PjKirVal x) {
  PjKirVal log = pj__wide(k, x) ? log_f64(k, x) : log_f32(k, x);
  return or_general(k, is_normal(k, x), log, pj_math__log_any, x);
}

// |x|^y of floats in double, 2^(y log2 |x|): relative errors 1.6e-11 of the logarithm and 3.1e-9 of
// the power.
static const double short_log2[] = {
    0x1.71547652bbe04p+0, -0x1.7154764b331eap-1, 0x1.ec709d90255b1p-2, -0x1.715484fb608f9p-2,
    0x1.2776e221f13abp-2, -0x1.ec687b60fe33cp-3, 0x1.a60b29ff8ded9p-3, -0x1.724a7821951e9p-3,
    0x1.49814b4b44d33p-3, -0x1.1985095badbe0p-3, 0x1.fa1d7b4e06cf5p-4, -0x1.542f8a8db3a56p-3,
    0x1.42a4c9b73e724p-3};
static const double short_exp2[] = {0x1.62e42fefa39efp-1,  0x1.ebfbdbbe84669p-3,
                                    0x1.c6af885745151p-5,  0x1.3b2e0c4c06b89p-7,
                                    0x1.5f03eda9fddd1p-10, 0x1.414ebc304356fp-13};

// Of double the C library's, which has tables.
static PjKirVal pow_f64(PjKir *k, PjKirVal x, PjKirVal y) {
  PjKirVal chosen;
  pj_kir_if_begin(k, AND(is_normal(k, x), LT(ABS(y), C(INFINITY))));
  PjKirVal power = pj_kir_call(k, PJ_KIR_EXTERN_POW, 2, (PjKirVal[]){x, y});
  pj_kir_if_else(k, 1, &power);
  pj_kir_if_rare(k);
  PjKirVal any = pj_math__pow_any(k, x, y);
  pj_kir_if_end(k, 1, &any, &chosen);
  return chosen;
}

PjKirVal pj_math__pow_alone(PjKir *k, PjKirVal base, PjKirVal exponent) {
  if (pj__wide(k, base))
    return pow_f64(k, base, exponent);
  PjKirVal x = pj__widen(k, base), y = pj__widen(k, exponent), chosen;
  Split s = split(k, ABS(x), x);
  PjKirVal log2 = pj_math__estrin(k, s.fraction, s.exponent, 13, short_log2);
  PjKirVal big = C(0x1.8p52 + 1023), sum = MADD(log2, y, big), n = SUB(sum, big);
  PjKirVal r = MADD(log2, y, NEG(n)), power = pj_math__estrin(k, r, C(1), 6, short_exp2);
  PjKirVal ordinary = LT(ABS(MUL(log2, y)), C(126)); // then the power is normal
  pj_kir_if_begin(k, AND(is_normal(k, base), ordinary));
  power = pj__narrow(k, MUL(power, FLOAT(SHL(BITS(sum), 52))));
  pj_kir_if_else(k, 1, &power);
  pj_kir_if_rare(k);
  PjKirVal any = pj_math__pow_any(k, base, exponent);
  pj_kir_if_end(k, 1, &any, &chosen);
  return chosen;
}

// ------------------------------------------------------------------ exponentials

// e^(u x) = (1 + u rest) scale for u = 1, -1 or 2.
typedef struct Power {
  PjKirVal rest, scale;
} Power;
static Power exp_parts(PjKir *k, PjKirVal x, int u) {
  enum { MOST = 11, COUNT_32 = 5 };
  const bool wide = pj__wide(k, x);
  const int n = wide ? MOST : COUNT_32;
  PjKirVal big = CW(0x1.8p23 + 127, 0x1.8p52 + 1023), sum = MADD(x, C(u * M_LOG2E), big);
  PjKirVal scale = FLOAT(SHL(BITS(sum), MANTISSA)), number = SUB(sum, big), r;
  // r + u r^2 P(u r)
  double c[MOST + 1] = {1}, factor = u;
  for (int i = 0; i < n; ++i, factor *= u)
    c[i + 1] = factor * (wide ? pj_math__exp_64 : pj_math__exp_32)[i];
  if (u == 2) // counts little: log 2 needs no second part
    r = MADD(number, CW(-0x1.62e43p-2, -0x1.62e42fefa39efp-2), x);
  else
    r = MADD(number, CW(-0x1.7f7d1cp-20 / u, -0x1.3de6af278ece6p-42 / u),
             MADD(number, CW(-0x1.62e4p-1 / u, -0x1.62e42fefa3p-1 / u), x));
  if (u == 2 && !wide) // and the sum may be rounded twice
    return (Power){pj_math__estrin(k, r, C(0), (size_t)n + 1, c), scale};
  return (Power){MADD(MUL(r, r), pj_math__estrin(k, r, C(c[1]), (size_t)n - 1, c + 2), r), scale};
}

PjKirVal pj_math__exp_alone(PjKir *k, PjKirVal x) {
  Power e = exp_parts(k, x, 1);
  return or_general(k, LT(ABS(x), CW(87, 708)), MADD(e.rest, e.scale, e.scale), pj_math__exp_any,
                    x);
}

PjKirVal pj_math__logistic_alone(PjKir *k, PjKirVal x) {
  Power e = exp_parts(k, x, -1);
  PjKirVal one = C(1), sum = MADD(NEG(e.rest), e.scale, ADD(e.scale, one));
  return or_general(k, LT(ABS(x), CW(15, 35)), DIV(one, sum), pj_math__logistic_any, x);
}

// 1 - 1 / ((e^2|x| + 1) / 2) with the sign of x, far from zero.
static PjKirVal tanh_far(PjKir *k, PjKirVal x) {
  PjKirVal sign = AND(BITS(x), IW(1u << 31, 1ull << 63)), half = C(0.5);
  PjKirVal one = FLOAT(OR(sign, BITS(C(1))));
  Power e = exp_parts(k, ABS(x), 2);
  return SUB(one, DIV(one, MADD(e.rest, e.scale, MADD(e.scale, half, half))));
}

PjKirVal pj_math__tanh_alone(PjKir *k, PjKirVal x) {
  PjKirVal magnitude = ABS(x), square = MUL(x, x), value;
  pj_kir_if_begin(k, LT(magnitude, C(0.75)));
  const double *c = pj__wide(k, x) ? pj_math__tanh_64 : pj_math__tanh_32;
  PjKirVal p = pj_math__estrin(k, square, C(c[0]), pj__wide(k, x) ? 12 : 5, c + 1);
  PjKirVal near = MADD(MUL(x, square), p, x);
  pj_kir_if_else(k, 1, &near);
  PjKirVal far = tanh_far(k, x);
  pj_kir_if_end(k, 1, &far, &value);
  return or_general(k, AND(LT(C(0), magnitude), LT(magnitude, CW(9, 19))), value, pj_math__tanh_any,
                    x);
}

// ------------------------------------------------------------------ error function

// log2 erfc x from 0.873 to 4, error of erf 2.3e-9.
static const double log2_erfc[] = {-0x1.acf6b8p-13, -0x1.a0913p0,   -0x1.d6617p-1, -0x1.3411b8p-3,
                                   0x1.089acap-5,   -0x1.23967ap-8, 0x1.2eb832p-12};

// Up to 0.875 the polynomial of erf, beyond 1 - 2^P(|x|).
PjKirVal pj_math__erf_alone(PjKir *k, PjKirVal x) {
  PjKirVal magnitude = ABS(x), square = MUL(x, x), value;
  pj_kir_if_begin(k, LT(magnitude, C(0.875)));
  const double *c = pj_math__erf_32;
  PjKirVal near = MADD(x, pj_math__estrin(k, square, C(c[0]), 5, c + 1), x);
  pj_kir_if_else(k, 1, &near);
  PjKirVal t = pj_math__estrin(k, magnitude, C(log2_erfc[0]), 6, log2_erfc + 1),
           big = C(0x1.8p23 + 127);
  PjKirVal sum = ADD(t, big), r = SUB(t, SUB(sum, big)), sign = AND(BITS(x), I(0x80000000));
  c = pj_math__exp2_32;
  PjKirVal p = pj_math__estrin(k, r, C(c[0]), 4, c + 1);
  p = MADD(MUL(r, r), p, MUL(r, C(0x1.62e43p-1))); // 2^r - 1
  PjKirVal scale = FLOAT(SHL(BITS(sum), MANTISSA)), rest = SUB(C(1), scale);
  PjKirVal far = MADD(NEG(p), FLOAT(XOR(BITS(scale), sign)), FLOAT(XOR(BITS(rest), sign)));
  pj_kir_if_end(k, 1, &far, &value);
  return or_general(k, LT(magnitude, C(4)), value, pj_math__erf_any, x);
}

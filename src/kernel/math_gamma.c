// Functions of the gamma family, in double also for float: they are rare.
#include <math.h>

#include "kernel/math_util.h"

static const double PI = 0x1.921fb54442d18p1;

// log gamma(2 + t) = t P(t), |t| up to 1/2; error 1.5e-19.
static const double near_two[] = {
    0x1.b0ee6072093cep-2,   0x1.4a34cc4a60fa6p-2,  -0x1.13e001a55760ap-4,  0x1.51322ac7d84fp-6,
    -0x1.e404fc218dcbfp-8,  0x1.7add6eada7166p-9,  -0x1.38ac5c2d3d278p-10, 0x1.0b36af8e879dp-11,
    -0x1.d3fd4b6eab526p-13, 0x1.a127ac1bfef7dp-14, -0x1.78de9970ddc1p-15,  0x1.580ea6a5d254p-16,
    -0x1.3cb3e0d8c3473p-17, 0x1.258037e76e14ap-18, -0x1.1274c7bab5855p-19, 0x1.01fb18eef0a9fp-20,
    -0x1.ce3bdd05f4186p-22, 0x1.a65a162545f0cp-23, -0x1.1fc8cc4cdd1edp-23, 0x1.2909b1e6a3876p-24};
// log gamma(x) = (x - 1/2) log x - x + log(2 pi) / 2 + P(1 / x^2) / x from 8 on; error 5.8e-19.
static const double stirling[] = {
    0x1.5555555555555p-4,  -0x1.6c16c16c14af7p-9,  0x1.a01a017e8adc5p-11, -0x1.38134e166afcdp-11,
    0x1.b92c938d403d2p-11, -0x1.ef980c25087d8p-10, 0x1.4c3829132c98bp-8};

#define POLYNOMIAL(v, name) pj_math__poly(k, v, sizeof(name) / sizeof *(name), name)

// x - the nearest integer.
static PjKirVal fraction_of(PjKir *k, PjKirVal x) {
  return SUB(x, RINT(x));
}

// For positive x, and for x between -1/2 and 0 as log gamma(x + 2) - log |x (x + 1)|.
static PjKirVal lgamma_positive(PjKir *k, PjKirVal x) {
  PjKirVal one = C(1), two = C(2), below_half = LT(x, C(0.5)), below = LT(x, C(1.5)),
           far = LE(C(8.5), x);
  // Above 2.5 whole steps down, each a factor of the gamma function.
  PjKirVal steps = FMIN(C(6), FMAX(C(0), FLOOR(SUB(x, C(1.5))))), product = one;
  for (int i = 1; i <= 6; ++i)
    product = MUL(product, SEL(LT(steps, C(i)), one, SUB(x, C(i))));
  PjKirVal factor = SEL(below_half, ABS(MUL(x, ADD(one, x))), SEL(below, x, product));
  PjKirVal t = SEL(below_half, x, SEL(below, SUB(x, one), SUB(SUB(x, two), steps)));
  PjKirVal log = pj_math_log(k, SEL(far, x, factor));
  PjKirVal near = MADD(t, POLYNOMIAL(t, near_two), SEL(below, NEG(log), log));
  PjKirVal inverse = DIV(one, x),
           series = MUL(inverse, POLYNOMIAL(MUL(inverse, inverse), stirling));
  // (x - 1/2) (log x - 1) has 1/2 too much: log(2 pi) / 2 - 1/2.
  PjKirVal large = ADD(MADD(SUB(x, C(0.5)), SUB(log, one), C(0x1.acfe390c97d69p-2)), series);
  return SEL(far, large, near);
}

// Left of -1/2: gamma(x) gamma(1 - x) = pi / sin(pi x).
static PjKirVal lgamma_double(PjKir *k, PjKirVal x) {
  PjKirVal reflected = LT(x, C(-0.5)), a = ABS(x),
           direct = lgamma_positive(k, SEL(reflected, a, x));
  PjKirVal sine = pj_math__sin_small(k, MUL(ABS(fraction_of(k, a)), C(PI)));
  PjKirVal left = SUB(pj_math_log(k, DIV(C(PI), MUL(a, sine))), direct);
  PjKirVal value = SEL(reflected, SEL(EQ(sine, C(0)), C(INFINITY), left), direct);
  return SEL(EQ(a, C(INFINITY)), a, value);
}

PjKirVal pj_math_lgamma(PjKir *k, PjKirVal x) {
  return pj_math__in_double(k, lgamma_double, x);
}

// ------------------------------------------------------------------ digamma

// B(2k) / (2k), k = 1 ..: the asymptotic series is log x - 1 / (2 x) - sum of these over x^2k.
static const double digamma_series[] = {1 / 12.0,  -1 / 120.0,     1 / 252.0, -1 / 240.0,
                                        1 / 132.0, -691 / 32760.0, 1 / 12.0,  -3617 / 8160.0};

static PjKirVal digamma_positive(PjKir *k, PjKirVal x) {
  // Upwards to where the series is good: psi(x) = psi(x + 1) - 1 / x.
  enum { FAR = 12 };
  int lanes = pj_kir_typeof(k, x).lanes;
  PjKirVal carried[2] = {x, pj_kir_splat(k, C(0), lanes)}, state[2], results[2], one = C(1),
           zero = C(0);
  pj_kir_for_begin(k, pj_kir_i64(k, 0), pj_kir_i64(k, FAR), pj_kir_i64(k, 1), 2, carried, state);
  PjKirVal near = LT(state[0], C(FAR));
  PjKirVal next[2] = {ADD(state[0], SEL(near, one, zero)),
                      SUB(state[1], SEL(near, DIV(one, state[0]), zero))};
  pj_kir_for_end(k, 2, next, results);
  PjKirVal z = results[0], inverse = DIV(one, z), square = MUL(inverse, inverse);
  PjKirVal series = MADD(square, POLYNOMIAL(square, digamma_series), MUL(inverse, C(0.5)));
  PjKirVal value = ADD(results[1], SUB(pj_math_log(k, z), series));
  return SEL(LT(x, C(INFINITY)), value, x);
}

// psi(x) = psi(1 - x) - pi / tan(pi x) for x <= 0.
static PjKirVal digamma_double(PjKir *k, PjKirVal x) {
  PjKirVal left = LE(x, C(0)), value = digamma_positive(k, SEL(left, SUB(C(1), x), x));
  PjKirVal angle = MUL(fraction_of(k, x), C(PI));
  PjKirVal reflected = SUB(value, DIV(C(PI), pj_math__tan_small(k, angle)));
  value = SEL(left, reflected, value);
  return SEL(AND(left, EQ(FLOOR(x), x)), C(NAN), value);
}

PjKirVal pj_math_digamma(PjKir *k, PjKirVal x) {
  return pj_math__in_double(k, digamma_double, x);
}

// ------------------------------------------------------------------ zeta

// B(2k) / (2k)!, k = 1 ...
static const double bernoulli[] = {1 / 12.0,
                                   -1 / 720.0,
                                   1 / 30240.0,
                                   -1 / 1209600.0,
                                   1 / 47900160.0,
                                   -691 / 1307674368000.0,
                                   1 / 74724249600.0,
                                   -3617 / 10670622842880000.0,
                                   43867 / 5109094217170944000.0,
                                   -174611 / 802857662698291200000.0,
                                   77683 / 14101100039391805440000.0,
                                   -236364091 / 1693824136731743669452800000.0};
enum { BERNOULLI_TERMS = sizeof bernoulli / sizeof *bernoulli };

// Hurwitz' zeta for s > 1, q > 0 by Euler and Maclaurin: F. Johansson, "Rigorous high-precision
// computation of the Hurwitz zeta function and its derivatives", Numerical Algorithms 69, 2015,
// formula (5).
static PjKirVal zeta_positive(PjKir *k, PjKirVal s, PjKirVal q) {
  PjKirVal x = s, minus_s = NEG(s), one = C(1), zero = C(0);
  // The rest after a term of the sum is up to q / (s - 1) times as large.
  PjKirVal tiny = MUL(C(0x1p-60), FMIN(one, MUL(SUB(s, one), C(0x1p-5))));
  int lanes = pj_kir_typeof(k, s).lanes;
  // Terms until the rest is smooth, or too small to count; lanes that are done wait. State: how
  // many, the sum, its last term. What the rounding of q + n loses counts s times in the power.
  PjKirVal limit = FMIN(C(4096), ADD(s, C(16)));
  PjKirVal carried[3] = {pj_kir_splat(k, zero, lanes), pj_kir_splat(k, zero, lanes),
                         pj_kir_splat(k, one, lanes)},
           state[3], results[3];
  pj_kir_while_begin(k, 3, carried, state);
  PjKirVal more = LT(ADD(q, state[0]), limit);
  pj_kir_while_test(k, pj_math__any(k, AND(more, LT(MUL(state[1], tiny), state[2]))));
  PjPair at = pj_math__two_sum(k, q, state[0]);
  PjKirVal active = AND(LT(at.hi, limit), LT(MUL(state[1], tiny), state[2]));
  PjKirVal term = pj_math_pow(k, at.hi, minus_s);
  PjKirVal lost = DIV(MUL(minus_s, at.lo), at.hi);
  term = SEL(EQ(lost, zero), term, MADD(term, lost, term)); // which may be infinite
  PjKirVal next[3] = {SEL(active, ADD(state[0], one), state[0]),
                      ADD(state[1], SEL(active, term, zero)), SEL(active, term, state[2])};
  pj_kir_while_end(k, 3, next, results);
  // a^(1 - s) does not underflow where a^-s does.
  PjPair last = pj_math__two_sum(k, q, results[0]);
  PjKirVal a = last.hi, rest = pj_math_pow(k, a, SUB(one, s)), sum = results[1];
  lost = DIV(MUL(SUB(one, s), last.lo), a);
  rest = SEL(EQ(lost, zero), rest, MADD(rest, lost, rest));
  PjKirVal power = DIV(rest, a);
  PjKirVal tail = ADD(DIV(rest, SUB(s, one)), MUL(power, C(0.5)));
  PjKirVal square = MUL(a, a), factor = DIV(MUL(s, power), a);
  for (int i = 1; i <= BERNOULLI_TERMS; ++i) {
    tail = MADD(factor, C(bernoulli[i - 1]), tail);
    PjKirVal growth = MUL(ADD(s, C(2 * i - 1)), ADD(s, C(2 * i)));
    factor = MUL(factor, DIV(growth, square));
  }
  PjKirVal finished = OR(LE(results[2], MUL(sum, tiny)), EQ(rest, zero));
  PjKirVal value = SEL(finished, sum, ADD(sum, tail));
  return SEL(EQ(q, C(INFINITY)), zero, value);
}

static PjKirVal zeta_double(PjKir *k, PjKirVal s, PjKirVal q) {
  PjKirVal x = s, one = C(1), zero = C(0), whole = EQ(FLOOR(s), s), left = LE(q, zero),
           floor = FLOOR(q);
  PjKirVal half = MUL(s, C(0.5)), even = AND(LT(s, C(INFINITY)), EQ(FLOOR(half), half)),
           pole = AND(left, EQ(floor, q));
  PjKirVal valid = AND(LT(one, s), OR(pj_kir_not(k, left), whole));
  // Outside of the domain 2 and 1 keep the loop short.
  PjKirVal least = SUB(q, floor), ordinary = AND(valid, pj_kir_not(k, OR(pole, UNO(q, q))));
  PjKirVal base = SEL(ordinary, s, C(2)), from = SEL(ordinary, SEL(left, least, q), one);
  PjKirVal value = zeta_positive(k, base, from), chosen;
  // Below zero the terms are, up to their sign, those of |q| down to its fraction.
  PjKirVal below_zero = AND(ordinary, left);
  pj_kir_if_begin(k, pj_math__any(k, below_zero));
  PjKirVal first = SEL(below_zero, SUB(ADD(floor, one), q), one),
           last = SEL(below_zero, SUB(first, floor), one);
  PjKirVal below = SUB(zeta_positive(k, base, first), zeta_positive(k, base, last));
  PjKirVal both = SEL(below_zero, ADD(value, SEL(even, below, NEG(below))), value);
  pj_kir_if_else(k, 1, &both);
  pj_kir_if_end(k, 1, &value, &chosen);
  value = SEL(pole, SEL(even, C(INFINITY), C(NAN)), chosen);
  value = SEL(valid, value, C(NAN));
  value = SEL(EQ(s, one), C(INFINITY), value);
  return SEL(UNO(s, q), C(NAN), value);
}

PjKirVal pj_math_zeta(PjKir *k, PjKirVal x, PjKirVal y) {
  return pj__wide(k, x) ? zeta_double(k, x, y)
                        : pj__narrow(k, zeta_double(k, pj__widen(k, x), pj__widen(k, y)));
}

// (-1)^(n + 1) n! zeta(n + 1, x), and digamma for n = 0.
static PjKirVal polygamma_double(PjKir *k, PjKirVal n, PjKirVal y) {
  PjKirVal x = n, one = C(1), zero = C(0);
  int lanes = pj_kir_typeof(k, n).lanes;
  PjKirVal carried[2] = {FMIN(C(171), n), pj_kir_splat(k, one, lanes)}, state[2], results[2];
  pj_kir_while_begin(k, 2, carried, state);
  pj_kir_while_test(k, pj_math__any(k, LT(one, state[0])));
  PjKirVal more = LT(one, state[0]);
  PjKirVal next[2] = {SEL(more, SUB(state[0], one), state[0]),
                      MUL(state[1], SEL(more, state[0], one))};
  pj_kir_while_end(k, 2, next, results);
  PjKirVal zeta = zeta_double(k, ADD(n, one), y), half = MUL(n, C(0.5));
  PjKirVal value = SEL(EQ(zeta, zero), zero, MUL(zeta, results[1]));
  value = SEL(AND(LT(n, C(INFINITY)), EQ(FLOOR(half), half)), NEG(value), value);
  value = SEL(EQ(n, zero), digamma_double(k, y), value);
  PjKirVal valid = AND(EQ(FLOOR(n), n), LE(zero, n));
  return SEL(valid, value, C(NAN));
}

PjKirVal pj_math_polygamma(PjKir *k, PjKirVal x, PjKirVal y) {
  return pj__wide(k, x) ? polygamma_double(k, x, y)
                        : pj__narrow(k, polygamma_double(k, pj__widen(k, x), pj__widen(k, y)));
}

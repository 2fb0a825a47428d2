// The special functions of chlo, for float (computed in double or wider) and double (in long
// double).
//
// Each is written from its definition: power series and Euler-Maclaurin sums with enough terms for
// long double, so that the rounding to the result is the only error that shows. Domains and poles
// follow chlo's own expansions.
#include <math.h>

#include "eval/kernel.h"

static const long double pi = 3.14159265358979323846264338327950288L;

// B(2k) / (2k)! for k = 1 .. 12.
static const long double bernoulli[] = {
    1 / 12.0L,
    -1 / 720.0L,
    1 / 30240.0L,
    -1 / 1209600.0L,
    1 / 47900160.0L,
    -691 / 1307674368000.0L,
    1 / 74724249600.0L,
    -3617 / 10670622842880000.0L,
    43867 / 5109094217170944000.0L,
    -174611 / 802857662698291200000.0L,
    77683 / 14101100039391805440000.0L,
    -236364091 / 1693824136731743669452800000.0L,
};
enum { BERNOULLI_TERMS = sizeof bernoulli / sizeof *bernoulli };

// erf^-1(y) / y as a polynomial in w = -log(1 - y^2) up to w = 5, and in sqrt(w) from there to w =
// 16, which is as far as float goes (the arrangement of M. Giles, "Approximating the erfinv
// function", GPU Computing Gems 2, 2012). Our coefficients, highest first: Chebyshev fits of 1e-9
// and 7e-9 relative error, about a tenth of float's last place.
static double erf_inv_d(double y) {
  static const double central[] = {
      0x1.0f810cd459d8fp-33,  0x1.dd41c8690491bp-32,  -0x1.75351001f6a5ap-27, 0x1.1b87cb49df7c4p-26,
      0x1.00fe9cd1418bbp-21,  -0x1.cbdd9c4cb7373p-19, -0x1.4f46a0da98c92p-18, 0x1.c9bba8f339f32p-13,
      -0x1.4863ced547e02p-10, -0x1.11c3e29af6b02p-8,  0x1.f91e899417ac0p-3,   0x1.805c5cffaabf1p+0};
  static const double tail[] = {
      0x1.0b565cf09f41ap-13, -0x1.4e56116732ce9p-12, -0x1.33e5212064bc9p-14, 0x1.8828b2a8690acp-10,
      -0x1.d671138e15f8cp-9, 0x1.7472e856aaf37p-8,   -0x1.f49ee830da3d9p-8,  0x1.358440cf30338p-7,
      0x1.006dc6b050a36p+0,  0x1.6a9efbcec14dbp+1};
  double w = -log((1 - y) * (1 + y)), sum = 0;
  if (!(fabs(y) < 1))
    return fabs(y) == 1 ? y * HUGE_VAL : NAN;
  if (w < 5) {
    for (size_t i = 0; i < sizeof central / sizeof *central; ++i)
      sum = sum * (w - 2.5) + central[i];
  } else {
    for (size_t i = 0; i < sizeof tail / sizeof *tail; ++i)
      sum = sum * (sqrt(w) - 3) + tail[i];
  }
  return sum * y;
}

// Solves erf(x) = y by Halley's method, which triples the digits at each step, from the value above
// or, past its range, from the approximation of S. Winitzki ("A handy approximation for the error
// function and its inverse", 2008).
static long double erf_inv_l(long double y) {
  if (!(fabsl(y) < 1))
    return fabsl(y) == 1 ? y * HUGE_VALL : (long double)NAN;
  const long double to_derivative = sqrtl(pi) / 2, a = 0.147L;
  if (fabsl(y) < 1e-10L)
    return y * to_derivative;
  long double magnitude = fabsl(y), tail = 1 - magnitude, x;
  int steps = 1;
  if (tail > 0x1p-24L) {
    x = erf_inv_d((double)magnitude);
  } else {
    long double log_term = logl(tail * (1 + magnitude)), half = 2 / (pi * a) + log_term / 2;
    x = sqrtl(sqrtl(half * half - log_term / a) - half);
    steps = 3;
  }
  for (int i = 0; i < steps; ++i) {
    // The side of erf that does not cancel.
    long double error = magnitude < 0.5L ? erfl(x) - magnitude : tail - erfcl(x);
    long double step = error * to_derivative * expl(x * x);
    x -= step / (1 + x * step);
  }
  return copysignl(x, y);
}

// psi(x): upwards by psi(x + 1) = psi(x) + 1 / x to where the asymptotic series (Abramowitz and
// Stegun 6.3.18) is exact to a long double; negative x by reflection (6.3.7).
static long double digamma(long double x) {
  if (x <= 0) {
    if (x == floorl(x))
      return NAN;
    long double rest = x - rintl(x);
    return digamma(1 - x) - pi / tanl(pi * rest);
  }
  long double sum = 0;
  for (; x < 16; x += 1)
    sum -= 1 / x;
  if (isinf(x) || isnan(x))
    return x;
  // B(2k) / (2k x^2k): the factor (2k - 1)! comes along with the powers.
  long double power = 1 / (x * x), factor = power;
  long double series = 0;
  for (int k = 1; k <= BERNOULLI_TERMS; ++k) {
    series += bernoulli[k - 1] * factor;
    factor *= power * (2 * k) * (2 * k + 1);
  }
  return sum + logl(x) - 1 / (2 * x) - series;
}

// Hurwitz' zeta for s > 1, q > 0 by Euler-Maclaurin: F. Johansson, "Rigorous high-precision
// computation of the Hurwitz zeta function and its derivatives", Numerical Algorithms 69, 2015,
// formula (5).
static long double zeta_positive(long double s, long double q) {
  if (isinf(q))
    return 0;
  long double sum = 0;
  int terms = 0;
  // Far enough that the derivatives' growth, about (s + 2k) / (2 pi a) a step, is a decline; or
  // nothing is left to add: all that follows is up to q / (s - 1) times the last term.
  for (; q < 16 + s && terms < 4096; q += 1, ++terms) {
    long double term = powl(q, -s);
    sum += term;
    if (term < sum * 0x1p-70L * fminl(1, (s - 1) / 32))
      return sum;
  }
  long double power = powl(q, -s);
  sum += power * q / (s - 1) + power / 2;
  long double factor = s * power / q;
  for (int k = 1; k <= BERNOULLI_TERMS; ++k) {
    sum += bernoulli[k - 1] * factor;
    factor *= (s + 2 * k - 1) * (s + 2 * k) / (q * q);
  }
  return sum;
}

static long double zeta(long double s, long double q) {
  if (isnan(s) || isnan(q))
    return NAN;
  if (s == 1)
    return HUGE_VALL;
  bool integer = s == floorl(s);
  if (s < 1 || (q <= 0 && !integer))
    return NAN;
  bool even = integer && fmodl(s, 2) == 0;
  if (q <= 0 && q == floorl(q))
    return even ? HUGE_VALL : (long double)NAN;
  if (q > 0)
    return zeta_positive(s, q);
  // The terms below zero are, up to their sign, those of |q| down to its fraction.
  long double count = -floorl(q), least = count + q; // in [0, 1]: rounded, where q is small
  long double first = 1 - count - q;                 // 1 - least, exactly
  long double below = zeta_positive(s, first) - zeta_positive(s, first + count);
  return zeta_positive(s, least) + (even ? below : -below);
}

static long double polygamma(long double n, long double x) {
  if (n != floorl(n) || n < 0)
    return NAN;
  if (n == 0)
    return digamma(x);
  long double value = zeta(n + 1, x);
  value = value == 0 ? 0 : value * tgammal(n + 1);
  return fmodl(n, 2) == 0 ? -value : value;
}

// exp(-|x|) I1(x): the power series (Abramowitz and Stegun 9.6.10), all of whose terms are
// positive, and for large x the asymptotic series (9.7.1) up to its smallest term.
static long double bessel_i1e(long double x) {
  long double z = fabsl(x), sum;
  if (isinf(z))
    return copysignl(0, x);
  if (z < 30) {
    long double term = z / 2;
    sum = term;
    for (int k = 1; k < 200; ++k) {
      term *= z * z / 4 / ((long double)k * (k + 1));
      sum += term;
      if (term < sum * 0x1p-70L)
        break;
    }
    sum *= expl(-z);
  } else {
    long double term = 1;
    sum = 1;
    for (int k = 1; k < 60; ++k) {
      term *= -(4 - (2 * k - 1) * (2 * k - 1)) / (8 * k * z);
      sum += term;
      if (fabsl(term) < 0x1p-70L)
        break;
    }
    sum /= sqrtl(2 * pi * z);
  }
  return copysignl(sum, x);
}

// sinh and cosh of float are defined by chlo's expansion, exp(x + log(1/2)) -+ exp(log(1/2) - x)
// with every step rounded to float, whose error of up to 8 ULP programs and tests have come to
// expect.
static const float log_half = -0x1.62e43p-1f;
static float sinh_f(float x) {
  return fabsf(x) < 1 ? (float)sinh((double)x) : expf(x + log_half) - expf(log_half - x);
}
static float cosh_f(float x) {
  return expf(x + log_half) + expf(log_half - x);
}

static double lgamma_d(double x) {
  int sign;
  return lgamma_r(x, &sign);
}
static long double lgamma_l(long double x) {
  int sign;
  return lgammal_r(x, &sign);
}

#define BOTH_1(name, of_f32, of_f64)               \
  PJ_KERNEL_1(name##_f32, float, float, of_f32(x)) \
  PJ_KERNEL_1(name##_f64, double, double, of_f64(x))
BOTH_1(acos, acos, acosl)
BOTH_1(asin, asin, asinl)
BOTH_1(atan, atan, atanl)
BOTH_1(acosh, acosh, acoshl)
BOTH_1(asinh, asinh, asinhl)
BOTH_1(atanh, atanh, atanhl)
PJ_KERNEL_1(sinh_f32, float, float, sinh_f(x))
PJ_KERNEL_1(cosh_f32, float, float, cosh_f(x))
PJ_KERNEL_1(sinh_f64, double, double, sinhl(x))
PJ_KERNEL_1(cosh_f64, double, double, coshl(x))
BOTH_1(erf, erf, erfl)
BOTH_1(erfc, erfc, erfcl)
BOTH_1(lgamma, lgamma_d, lgamma_l)
BOTH_1(erf_inv, erf_inv_d, erf_inv_l)
BOTH_1(digamma, digamma, digamma)
BOTH_1(i1e, bessel_i1e, bessel_i1e)
PJ_KERNEL_2(zeta_f32, float, float, zeta(x, y))
PJ_KERNEL_2(zeta_f64, double, double, zeta(x, y))
PJ_KERNEL_2(polygamma_f32, float, float, polygamma(x, y))
PJ_KERNEL_2(polygamma_f64, double, double, polygamma(x, y))

// clang-format off
#define SPECIAL_TABLE(S)                                                                          \
  {                                                                                               \
    [PJ_OP_CHLO_ACOS] = acos_##S, [PJ_OP_CHLO_ASIN] = asin_##S, [PJ_OP_CHLO_ATAN] = atan_##S,     \
    [PJ_OP_CHLO_ACOSH] = acosh_##S, [PJ_OP_CHLO_ASINH] = asinh_##S,                               \
    [PJ_OP_CHLO_ATANH] = atanh_##S, [PJ_OP_CHLO_SINH] = sinh_##S, [PJ_OP_CHLO_COSH] = cosh_##S,   \
    [PJ_OP_CHLO_ERF] = erf_##S, [PJ_OP_CHLO_ERFC] = erfc_##S, [PJ_OP_CHLO_ERF_INV] = erf_inv_##S, \
    [PJ_OP_CHLO_LGAMMA] = lgamma_##S, [PJ_OP_CHLO_DIGAMMA] = digamma_##S,                         \
    [PJ_OP_CHLO_BESSEL_I1E] = i1e_##S, [PJ_OP_CHLO_ZETA] = zeta_##S,                              \
    [PJ_OP_CHLO_POLYGAMMA] = polygamma_##S,                                                       \
  }
// clang-format on
static PjKernelFn *const table_f32[PJ_OP_COUNT] = SPECIAL_TABLE(f32);
static PjKernelFn *const table_f64[PJ_OP_COUNT] = SPECIAL_TABLE(f64);

PjKernelFn *pj_kernel_special(PjOpKind kind, PjDtype dtype) {
  return dtype == PJ_DT_F32 ? table_f32[kind] : dtype == PJ_DT_F64 ? table_f64[kind] : NULL;
}

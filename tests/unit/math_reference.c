#include "math_reference.h"

#include <math.h>
#include <string.h>

#include "kernel/math.h"

typedef long double Ld;

const MathFunction math_functions[MATH_COUNT] = {
#define BUILD_1(name)                  .build_1 = pj_math_##name
#define BUILD_2(name)                  .build_2 = pj_math_##name
#define MATH(name, args, ulp32, ulp64) {#name, args, BUILD_##args(name), .ulp = {ulp32, ulp64}},
#include "kernel/math.def"
#undef MATH
};

bool math_is_common(int function) {
  switch (function) {
  case MATH_lgamma:
  case MATH_digamma:
  case MATH_zeta:
  case MATH_polygamma:
  case MATH_bessel_i1e:
  case MATH_erf_inv:
    return false;
  default:
    return true;
  }
}

// ------------------------------------------------------------------ values
static const Ld PI = 3.14159265358979323846264338327950288L;

// B(2k) / (2k)!, k = 1 ...
static const Ld bernoulli[] = {1 / 12.0L,
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
                               -236364091 / 1693824136731743669452800000.0L};
enum { TERMS = sizeof bernoulli / sizeof *bernoulli };

static Ld digamma(Ld x) {
  if (x <= 0)
    return x == floorl(x) ? (Ld)NAN : digamma(1 - x) - PI / tanl(PI * (x - rintl(x)));
  if (isinf(x) || isnan(x))
    return x;
  Ld sum = 0;
  for (; x < 24; x += 1)
    sum -= 1 / x;
  Ld power = 1 / (x * x), factor = power;
  for (int k = 1; k <= TERMS; ++k, factor *= power * (2 * k - 2) * (2 * k - 1))
    sum -= bernoulli[k - 1] * factor;
  return sum + logl(x) - 1 / (2 * x);
}

static Ld zeta(Ld s, Ld q) { // for positive q
  if (isnan(s) || isnan(q) || s < 1)
    return NAN;
  if (s == 1)
    return INFINITY;
  if (isinf(q))
    return 0;
  Ld sum = 0;
  for (; q < 24 + s; q += 1) {
    Ld term = powl(q, -s);
    sum += term;
    if (term <
        sum * 0x1p-70L * fminl(1, (s - 1) / 32)) // the rest is up to q / (s - 1) times as large
      return sum;
  }
  Ld rest = powl(q, 1 - s), factor = s * rest / q / q;
  sum += rest / (s - 1) + rest / q / 2;
  for (int k = 1; k <= TERMS; ++k, factor *= (s + 2 * k - 3) * (s + 2 * k - 2) / (q * q))
    sum += bernoulli[k - 1] * factor;
  return sum;
}

static Ld polygamma(Ld n, Ld x) {
  if (n != floorl(n) || n < 0)
    return NAN;
  if (n == 0)
    return digamma(x);
  Ld value = zeta(n + 1, x) * tgammal(n + 1);
  return fmodl(n, 2) == 0 ? -value : value;
}

static Ld bessel_i1e(Ld x) {
  Ld z = fabsl(x), sum, term;
  if (isinf(z))
    return copysignl(0, x);
  if (z < 40) {
    sum = term = z / 2;
    for (int k = 1; k < 400 && term >= sum * 0x1p-70L; ++k)
      sum += term *= z * z / 4 / ((Ld)k * (k + 1));
    sum *= expl(-z);
  } else {
    sum = term = 1;
    for (int k = 1; k < 60 && fabsl(term) >= 0x1p-70L; ++k)
      sum += term *= -(4 - (2 * k - 1) * (2 * k - 1)) / (8 * k * z);
    sum /= sqrtl(2 * PI * z);
  }
  return copysignl(sum, x);
}

// Halley's method on the side of erf that does not cancel, from S. Winitzki's approximation.
static Ld erf_inv(Ld y) {
  Ld magnitude = fabsl(y), tail = 1 - magnitude, half_root = sqrtl(PI) / 2, a = 0.147L;
  if (!(magnitude < 1))
    return magnitude == 1 ? copysignl(INFINITY, y) : (Ld)NAN;
  if (magnitude < 1e-10L)
    return y * half_root;
  Ld log_term = logl(tail * (1 + magnitude)), half = 2 / (PI * a) + log_term / 2;
  Ld x = sqrtl(sqrtl(half * half - log_term / a) - half);
  for (int i = 0; i < 5; ++i) {
    Ld error = magnitude < 0.5L ? erfl(x) - magnitude : tail - erfcl(x);
    Ld step = error * half_root * expl(x * x);
    x -= step / (1 + x * step);
  }
  return copysignl(x, y);
}

static Ld lgamma_of(Ld x) {
  int sign;
  return lgammal_r(x, &sign);
}

static Ld value_of(int function, bool wide, Ld x, Ld y) {
  switch (function) {
  case MATH_exp:
    return expl(x);
  case MATH_exp2:
    return exp2l(x);
  case MATH_expm1:
    return expm1l(x);
  case MATH_logistic:
    return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x));
  case MATH_log:
    return logl(x);
  case MATH_log2:
    return log2l(x);
  case MATH_log1p:
    return log1pl(x);
  case MATH_sin:
    return sinl(x);
  case MATH_cos:
    return cosl(x);
  case MATH_tan:
    return tanl(x);
  case MATH_tanh:
    return tanhl(x);
  case MATH_asin:
    return asinl(x);
  case MATH_acos:
    return acosl(x);
  case MATH_atan:
    return atanl(x);
  case MATH_atan2:
    return atan2l(x, y);
  case MATH_pow:
    return powl(x, y);
  case MATH_sqrt:
    return sqrtl(x);
  case MATH_rsqrt:
    return 1 / sqrtl(x);
  case MATH_cbrt:
    return cbrtl(x);
  case MATH_erf:
    return erfl(x);
  case MATH_erfc:
    return erfcl(x);
  case MATH_erf_inv:
    return erf_inv(x);
  case MATH_fmod:
    return fmodl(x, y);
  case MATH_next_after:
    return wide ? (Ld)nextafter((double)x, (double)y) : (Ld)nextafterf((float)x, (float)y);
  case MATH_sinh:
    return sinhl(x);
  case MATH_cosh:
    return coshl(x);
  case MATH_asinh:
    return asinhl(x);
  case MATH_acosh:
    return acoshl(x);
  case MATH_atanh:
    return atanhl(x);
  case MATH_lgamma:
    return lgamma_of(x);
  case MATH_digamma:
    return digamma(x);
  case MATH_zeta:
    return zeta(x, y);
  case MATH_polygamma:
    return polygamma(x, y);
  case MATH_bessel_i1e:
    return bessel_i1e(x);
  default:
    return NAN;
  }
}

// ------------------------------------------------------------------ arguments
static uint64_t scramble(uint64_t x) { // Steele, Lea, Flood 2014
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

static const double special[] = {0,
                                 -0.0,
                                 1,
                                 -1,
                                 0.5,
                                 -0.5,
                                 2,
                                 -2,
                                 INFINITY,
                                 -INFINITY,
                                 NAN,
                                 0x1p-149,
                                 -0x1p-149,
                                 0x1p-126,
                                 0x1.fffffep127,
                                 -0x1.fffffep127,
                                 0x1p-1074,
                                 0x1p-1022,
                                 0x1.fffffffffffffp1023,
                                 3,
                                 -3,
                                 10,
                                 0x1.fffffep-1,
                                 0x1.000002p0,
                                 100,
                                 -100,
                                 88.72284,
                                 -103.97208,
                                 709.782712893384,
                                 -745.1332191019412,
                                 0x1.921fb6p0,
                                 0x1.921fb54442d18p1};
enum { SPECIAL = sizeof special / sizeof *special };

static double number(bool wide, uint64_t random) {
  uint64_t bits = scramble(random + 1);
  double unit = (double)(bits >> 11) * 0x1p-53, value;
  float narrow;
  uint32_t low = (uint32_t)bits;
  switch (random % 8) {
  case 0:
  case 1: // any bits
    if (wide) {
      memcpy(&value, &bits, 8);
      return value;
    }
    memcpy(&narrow, &low, 4);
    return (double)narrow;
  case 2:
    return (unit - 0.5) * 20;
  case 3:
    return (unit - 0.5) * 2.02;
  case 4: // next to 1
    return 1 + (unit - 0.5) * ldexp(1, -(int)(random >> 8 & 31));
  case 5:
    return (unit - 0.5) * 300;
  case 6:
    return ldexp(unit + 1, (int)(random >> 8 & 63) - 40) * (random >> 16 & 1 ? 1 : -1);
  default:
    return (unit - 0.5) * (wide ? 2000 : 1e6);
  }
}

void math_arguments(int function, bool wide, uint64_t index, double *x, double *y) {
  bool two = math_functions[function].args == 2;
  uint64_t first = scramble(2 * index), second = scramble(2 * index + 1);
  if (index < SPECIAL * (two ? SPECIAL : 1)) {
    *x = special[index % SPECIAL];
    *y = special[index / SPECIAL % SPECIAL];
  } else {
    *x = number(wide, first);
    *y = number(wide, second);
    if (two && first >> 40 & 1)
      *y = rint(*y);
    if (function == MATH_zeta)
      *x = 1 + fabs(*x) / 4;
    if (function == MATH_polygamma)
      *x = (double)(first >> 32 & 15);
  }
  if (!wide) {
    *x = (double)(float)*x;
    *y = (double)(float)*y;
  }
}

// ------------------------------------------------------------------ errors
double math_error(int function, bool wide, double x, double y, double got, long double *want) {
  bool sum = function == MATH_zeta || function == MATH_polygamma;
  if (sum && (!(y > 0) || !(x <= 170)))
    return -1;
  Ld value = *want = value_of(function, wide, x, y), result = got;
  if (sum && wide && fabsl(value) < 1e-280L)
    return -1;
  if (isnan(value) || isnan(got))
    return isnan(value) && isnan(got) ? 0 : INFINITY;
  if (value == 0 && got == 0)
    return (signbit(value) != 0) == (signbit(got) != 0) ? 0 : INFINITY;
  // Infinity stands for the number that follows the largest; beyond it there is nothing else.
  Ld top = wide ? 0x1p1024L : 0x1p128L;
  result = isinf(result) ? copysignl(top, result) : result;
  value = fabsl(value) > top ? copysignl(top, value) : value;
  Ld scale = fabsl(value);
  bool has_zeros =
      function == MATH_lgamma || function == MATH_digamma || (function == MATH_polygamma && x == 0);
  if (has_zeros && scale < 1)
    scale = 1;
  int exponent = 0, least = wide ? -1074 : -149;
  if (scale > 0)
    frexpl(scale, &exponent);
  exponent -= wide ? 53 : 24;
  return (double)(fabsl(result - value) /
                  ldexpl(1, exponent < least || scale == 0 ? least : exponent));
}

void math_build(PjKir *k, int function, bool wide, int lanes) {
  const MathFunction *f = &math_functions[function];
  k->alone = lanes == 0;
  lanes = lanes ? lanes : 1;
  PjKirType type = pj_kir_type(wide ? PJ_KIR_F64 : PJ_KIR_F32, lanes);
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, lanes), 0, NULL, NULL);
  PjKirVal x = pj_kir_load(k, type, pj_kir_buffer(k, 0), i, 0, true), value;
  value = f->args == 1 ? f->build_1(k, x)
                       : f->build_2(k, x, pj_kir_load(k, type, pj_kir_buffer(k, 1), i, 0, true));
  pj_kir_store(k, value, pj_kir_buffer(k, 2), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// Loops over complex numbers.
//
// Sums and products are those of the parts, rounded after each step as the specification has it.
// Everything else is computed with more digits than the result has, complex<f32> in double and
// complex<f64> in long double, by the functions of C99 (whose annex G gives the special values and
// branch cuts), and rounded.
#include <complex.h>
#ifndef CMPLX // glibc's header offers these to GCC alone
#define CMPLXF(x, y) __builtin_complex((float)(x), (float)(y))
#define CMPLX(x, y)  __builtin_complex((double)(x), (double)(y))
#define CMPLXL(x, y) __builtin_complex((long double)(x), (long double)(y))
#endif
#include <math.h>

#include "eval/kernel.h"

typedef struct C64 {
  float re, im;
} C64;
typedef struct C128 {
  double re, im;
} C128;

// One operand, computed by F in the wide complex type; two operands likewise.
#define COMPLEX_1(name, C, W, F)                                                     \
  static void name(const PjKernel *k, int64_t n, const void *const *in, void *out) { \
    const C *a = in[0];                                                              \
    C *r = out;                                                                      \
    for (int64_t i = 0; i < n; ++i) {                                                \
      W z = F(CMPLXL(a[i].re, a[i].im));                                             \
      r[i] = (C){(__typeof__(r->re))__real__ z, (__typeof__(r->re))__imag__ z};      \
    }                                                                                \
  }
#define COMPLEX_2(name, C, W, F)                                                     \
  static void name(const PjKernel *k, int64_t n, const void *const *in, void *out) { \
    const C *a = in[0], *b = in[1];                                                  \
    C *r = out;                                                                      \
    for (int64_t i = 0; i < n; ++i) {                                                \
      W z = F((W)CMPLXL(a[i].re, a[i].im), (W)CMPLXL(b[i].re, b[i].im));             \
      r[i] = (C){(__typeof__(r->re))__real__ z, (__typeof__(r->re))__imag__ z};      \
    }                                                                                \
  }

// ------------------------------------------------------------------ arithmetic in the type itself
#define SIMPLE_2(name, C, real_expr, imag_expr)                                      \
  static void name(const PjKernel *k, int64_t n, const void *const *in, void *out) { \
    const C *a = in[0], *b = in[1];                                                  \
    C *r = out;                                                                      \
    PJ_LOOP(i, n) {                                                                  \
      C x = a[i], y = b[i];                                                          \
      r[i].re = real_expr;                                                           \
      r[i].im = imag_expr;                                                           \
    }                                                                                \
  }
#define SIMPLE_1(name, C, real_expr, imag_expr)                                      \
  static void name(const PjKernel *k, int64_t n, const void *const *in, void *out) { \
    const C *a = in[0];                                                              \
    C *r = out;                                                                      \
    PJ_LOOP(i, n) {                                                                  \
      C x = a[i];                                                                    \
      r[i].re = real_expr;                                                           \
      r[i].im = imag_expr;                                                           \
    }                                                                                \
  }

#define NAN_IN(z)    (z.re != z.re || z.im != z.im)
#define BEFORE(x, y) (x.re == y.re ? x.im < y.im : x.re < y.re)

#define ARITHMETIC(C, T, S)                                                              \
  SIMPLE_2(add_##S, C, x.re + y.re, x.im + y.im)                                         \
  SIMPLE_2(sub_##S, C, x.re - y.re, x.im - y.im)                                         \
  SIMPLE_2(mul_##S, C, x.re *y.re - x.im * y.im, x.re * y.im + x.im * y.re)              \
  SIMPLE_1(neg_##S, C, -x.re, -x.im)                                                     \
  SIMPLE_1(conj_##S, C, x.re, -x.im)                                                     \
  static inline C larger_##S(C x, C y) {                                                 \
    return NAN_IN(x) ? x : NAN_IN(y) || BEFORE(x, y) ? y : x;                            \
  }                                                                                      \
  static inline C smaller_##S(C x, C y) {                                                \
    return NAN_IN(x) ? x : NAN_IN(y) || BEFORE(y, x) ? y : x;                            \
  }                                                                                      \
  PJ_KERNEL_2(max_##S, C, C, larger_##S(x, y))                                           \
  PJ_KERNEL_2(min_##S, C, C, smaller_##S(x, y))                                          \
  PJ_KERNEL_1(abs_##S, T, C, hypot(x.re, x.im))                                          \
  PJ_KERNEL_1(real_##S, T, C, x.re)                                                      \
  PJ_KERNEL_1(imag_##S, T, C, x.im)                                                      \
  PJ_KERNEL_2(eq_##S, uint8_t, C, x.re == y.re && x.im == y.im)                          \
  PJ_KERNEL_2(ne_##S, uint8_t, C, x.re != y.re || x.im != y.im)                          \
  static void make_##S(const PjKernel *k, int64_t n, const void *const *in, void *out) { \
    const T *re = in[0], *im = in[1];                                                    \
    C *r = out;                                                                          \
    PJ_LOOP(i, n) {                                                                      \
      r[i].re = re[i];                                                                   \
      r[i].im = im[i];                                                                   \
    }                                                                                    \
  }
ARITHMETIC(C64, float, c64)
ARITHMETIC(C128, double, c128)

// ------------------------------------------------------------------ functions
// R: real type, W: complex type, L: suffix of its functions, S: suffix of ours.
#define FUNCTIONS(R, W, L, S)                                                                    \
  /* z / |z|, with 0 and NaN kept */                                                             \
  static W sign_of_##S(W z) {                                                                    \
    R x = creal##L(z), y = cimag##L(z);                                                          \
    if (isnan(x) || isnan(y))                                                                    \
      return CMPLXL(NAN, NAN);                                                                   \
    if (x == 0 && y == 0)                                                                        \
      return 0;                                                                                  \
    R size = cabs##L(z);                                                                         \
    return CMPLXL(x / size, y / size);                                                           \
  }                                                                                              \
  /* e^z - 1 = (e^x - 1) cos y - 2 sin(y / 2)^2 + i e^x sin y */                                 \
  static W expm1_of_##S(W z) {                                                                   \
    R x = creal##L(z), y = cimag##L(z), half = sin##L(y / 2);                                    \
    if (!isfinite(y))                                                                            \
      return CMPLXL(NAN, NAN);                                                                   \
    if (y == 0 || !isfinite(x) || x > 88) {                                                      \
      W e = cexp##L(z);                                                                          \
      return CMPLXL(y == 0 ? expm1##L(x) : creal##L(e) - 1, cimag##L(e));                        \
    }                                                                                            \
    return CMPLXL(expm1##L(x) * cos##L(y) - 2 * half * half, exp##L(x) * sin##L(y));             \
  }                                                                                              \
  /* NaN without an angle: stricter than annex G, as XLA and mpmath are. */                      \
  static W with_angle_##S(W z, W value) {                                                        \
    return isfinite(cimag##L(z)) ? value : CMPLXL(NAN, NAN);                                     \
  }                                                                                              \
  static W sin_of_##S(W z) {                                                                     \
    return isfinite(creal##L(z)) ? csin##L(z) : CMPLXL(NAN, NAN);                                \
  }                                                                                              \
  static W cos_of_##S(W z) {                                                                     \
    return isfinite(creal##L(z)) ? ccos##L(z) : CMPLXL(NAN, NAN);                                \
  }                                                                                              \
  static W tan_of_##S(W z) {                                                                     \
    bool vague = !isfinite(creal##L(z)) && isfinite(cimag##L(z));                                \
    return vague ? CMPLXL(NAN, NAN) : ctan##L(z);                                                \
  }                                                                                              \
  static W logistic_of_##S(W z) {                                                                \
    return 1 / (1 + cexp##L(-z));                                                                \
  }                                                                                              \
  static W rsqrt_of_##S(W z) {                                                                   \
    return 1 / csqrt##L(z);                                                                      \
  }                                                                                              \
  static W cbrt_of_##S(W z) {                                                                    \
    R size = cbrt##L(cabs##L(z)), angle = carg##L(z) / 3;                                        \
    return CMPLXL(size * cos##L(angle), size * sin##L(angle));                                   \
  }                                                                                              \
  /* atan2(y, x) = -i log((x + i y) / sqrt(x^2 + y^2)) */                                        \
  static W atan2_of_##S(W y, W x) {                                                              \
    W iy = CMPLXL(-cimag##L(y), creal##L(y));                                                    \
    W w = clog##L((x + iy) / csqrt##L(x * x + y * y));                                           \
    return CMPLXL(cimag##L(w), -creal##L(w));                                                    \
  }                                                                                              \
  static W power_of_##S(W x, W y) {                                                              \
    if (creal##L(y) == 0 && cimag##L(y) == 0)                                                    \
      return 1;                                                                                  \
    if (creal##L(x) == 0 && cimag##L(x) == 0)                                                    \
      return creal##L(y) > 0 ? 0 : CMPLXL(INFINITY, NAN);                                        \
    /* The product as written out: that of C makes an infinity of a NaN (Annex G). */            \
    W log = clog##L(x);                                                                          \
    R a = creal##L(y), b = cimag##L(y), c = creal##L(log), d = cimag##L(log);                    \
    return cexp##L(CMPLXL(a * c - b * d, a * d + b * c));                                        \
  }                                                                                              \
  static W divide_of_##S(W x, W y) {                                                             \
    return x / y;                                                                                \
  }                                                                                              \
  /* (x - y) (x + y) + i 2 x y: no cancellation, and 0 where |x| = |y| is too large to square */ \
  static W square_of_##S(W z) {                                                                  \
    R x = creal##L(z), y = cimag##L(z);                                                          \
    R re = isinf(x) && isinf(y) ? (R)NAN : (x - y) * (x + y);                                    \
    return CMPLXL(re, 2 * (x * y));                                                              \
  }
FUNCTIONS(double, double complex, , c64)
FUNCTIONS(long double, long double complex, l, c128)

// log(1 + z): the real part is log1p(2 x + x^2 + y^2) / 2, whose argument must not lose its digits
// when the terms cancel (x near -y^2 / 2, or z near -2). The sum is formed from exact products by
// exact additions (Dekker, "A floating-point technique for extending the available precision",
// Numerische Mathematik 18, 1971).
static long double sum_2x_xx_yy(double x, double y) {
  // Of doubles: 53-bit factors, so the 64 bits of a long double and its error hold a product.
  long double xx = (long double)x * x, xx_low = fmal(x, x, -xx);
  long double yy = (long double)y * y, yy_low = fmal(y, y, -yy);
  long double terms[5] = {2 * (long double)x, xx, yy, xx_low, yy_low}, high = 0, low = 0;
  for (int i = 0; i < 5; ++i) {
    long double sum = high + terms[i], part = sum - high;
    low += (high - (sum - part)) + (terms[i] - part);
    high = sum;
  }
  return high + low;
}

static long double complex log1p_of_c128(long double complex z) {
  double x = (double)creall(z), y = (double)cimagl(z);
  long double angle = atan2l(y, 1 + (long double)x);
  if (!isfinite(x) || !isfinite(y) || fabs(x) > 0x1p500 || fabs(y) > 0x1p500)
    return CMPLXL(creall(clogl(z)), angle);
  // Near -1 the sum is 1 off what counts.
  if (fabs(x + 1) + fabs(y) < 0.5)
    return CMPLXL(logl(hypotl(1 + (long double)x, y)), angle);
  return CMPLXL(log1pl(sum_2x_xx_yy(x, y)) / 2, angle);
}

static double complex log1p_of_c64(double complex z) {
  return log1p_of_c128(z);
}

// sinh and cosh in complex<f32> by chlo's expansion, rounded to float at each step: see
// kernel_special.c.
static float complex exp_near_half(float x, float y) {
  return (float complex)cexp(CMPLX((double)(x - 0x1.62e43p-1f), (double)y));
}
static double complex sinh_of_c64(double complex z) {
  float x = (float)creal(z), y = (float)cimag(z);
  return with_angle_c64(z, exp_near_half(x, y) - exp_near_half(-x, -y));
}
static long double complex sinh_of_c128(long double complex z) {
  return with_angle_c128(z, csinhl(z));
}
static double complex cosh_of_c64(double complex z) {
  float x = (float)creal(z), y = (float)cimag(z);
  return with_angle_c64(z, exp_near_half(x, y) + exp_near_half(-x, -y));
}
static long double complex cosh_of_c128(long double complex z) {
  return with_angle_c128(z, ccoshl(z));
}

#define BOTH_1(name, F_c64, F_c128)                 \
  COMPLEX_1(name##_c64, C64, double complex, F_c64) \
  COMPLEX_1(name##_c128, C128, long double complex, F_c128)
#define BOTH_2(name, F_c64, F_c128)                 \
  COMPLEX_2(name##_c64, C64, double complex, F_c64) \
  COMPLEX_2(name##_c128, C128, long double complex, F_c128)

BOTH_1(exp, cexp, cexpl)
BOTH_1(log, clog, clogl)
BOTH_1(sqrt, csqrt, csqrtl)
BOTH_1(sin, sin_of_c64, sin_of_c128)
BOTH_1(cos, cos_of_c64, cos_of_c128)
BOTH_1(tan, tan_of_c64, tan_of_c128)
BOTH_1(tanh, ctanh, ctanhl)
BOTH_1(sinh, sinh_of_c64, sinh_of_c128)
BOTH_1(cosh, cosh_of_c64, cosh_of_c128)
BOTH_1(asin, casin, casinl)
BOTH_1(acos, cacos, cacosl)
BOTH_1(atan, catan, catanl)
BOTH_1(asinh, casinh, casinhl)
BOTH_1(acosh, cacosh, cacoshl)
BOTH_1(atanh, catanh, catanhl)
BOTH_1(sign, sign_of_c64, sign_of_c128)
BOTH_1(expm1, expm1_of_c64, expm1_of_c128)
BOTH_1(log1p, log1p_of_c64, log1p_of_c128)
BOTH_1(logistic, logistic_of_c64, logistic_of_c128)
BOTH_1(rsqrt, rsqrt_of_c64, rsqrt_of_c128)
BOTH_1(cbrt, cbrt_of_c64, cbrt_of_c128)
BOTH_1(square, square_of_c64, square_of_c128)
BOTH_2(div, divide_of_c64, divide_of_c128)
BOTH_2(pow, power_of_c64, power_of_c128)
BOTH_2(atan2, atan2_of_c64, atan2_of_c128)

// chlo's common part of asin and acos: sqrt(a^2 - x^2) + i log(a + sqrt(a^2 - 1)), a = (|z + 1| +
// |z - 1|) / 2. It is made from acos of the first quadrant: there cos(angle) = x / a, so tan(angle)
// = sqrt(a^2 - x^2) / x.
#define ASIN_ACOS(R, W, L, S)                             \
  static W asin_acos_of_##S(W z) {                        \
    R x = fabs##L(creal##L(z)), y = fabs##L(cimag##L(z)); \
    W w = cacos##L(CMPLXL(x, y));                         \
    R a = cosh##L(cimag##L(w));                           \
    R re = isinf(a) ? y : a * sin##L(creal##L(w));        \
    return CMPLXL(re, fabs##L(cimag##L(w)));              \
  }
ASIN_ACOS(double, double complex, , c64)
ASIN_ACOS(long double, long double complex, l, c128)
BOTH_1(asin_acos, asin_acos_of_c64, asin_acos_of_c128)

// clang-format off
#define COMPLEX_TABLE(S)                                                                          \
  {                                                                                               \
    [PJ_OP_ADD] = add_##S, [PJ_OP_SUBTRACT] = sub_##S, [PJ_OP_MULTIPLY] = mul_##S,                \
    [PJ_OP_DIVIDE] = div_##S, [PJ_OP_POWER] = pow_##S, [PJ_OP_ATAN2] = atan2_##S,                 \
    [PJ_OP_MAXIMUM] = max_##S, [PJ_OP_MINIMUM] = min_##S, [PJ_OP_COMPLEX] = make_##S,             \
    [PJ_OP_REAL] = real_##S, [PJ_OP_IMAG] = imag_##S, [PJ_OP_CHLO_CONJ] = conj_##S,               \
    [PJ_OP_NEGATE] = neg_##S, [PJ_OP_ABS] = abs_##S, [PJ_OP_SIGN] = sign_##S,                     \
    [PJ_OP_SQRT] = sqrt_##S, [PJ_OP_RSQRT] = rsqrt_##S, [PJ_OP_CBRT] = cbrt_##S,                  \
    [PJ_OP_EXPONENTIAL] = exp_##S, [PJ_OP_EXPONENTIAL_MINUS_ONE] = expm1_##S,                     \
    [PJ_OP_LOG] = log_##S, [PJ_OP_LOG_PLUS_ONE] = log1p_##S, [PJ_OP_LOGISTIC] = logistic_##S,     \
    [PJ_OP_SINE] = sin_##S, [PJ_OP_COSINE] = cos_##S, [PJ_OP_TAN] = tan_##S,                      \
    [PJ_OP_TANH] = tanh_##S, [PJ_OP_CHLO_TAN] = tan_##S, [PJ_OP_CHLO_SQUARE] = square_##S,        \
    [PJ_OP_CHLO_SINH] = sinh_##S, [PJ_OP_CHLO_COSH] = cosh_##S, [PJ_OP_CHLO_ASIN] = asin_##S,     \
    [PJ_OP_CHLO_ACOS] = acos_##S, [PJ_OP_CHLO_ATAN] = atan_##S, [PJ_OP_CHLO_ASINH] = asinh_##S,   \
    [PJ_OP_CHLO_ACOSH] = acosh_##S, [PJ_OP_CHLO_ATANH] = atanh_##S,                               \
    [PJ_OP_CHLO_ASIN_ACOS_KERNEL] = asin_acos_##S,                                                \
  }
// clang-format on
static PjKernelFn *const table_c64[PJ_OP_COUNT] = COMPLEX_TABLE(c64);
static PjKernelFn *const table_c128[PJ_OP_COUNT] = COMPLEX_TABLE(c128);

PjKernelFn *pj_kernel_complex(PjOpKind kind, PjDtype dtype) {
  return dtype == PJ_DT_C64 ? table_c64[kind] : dtype == PJ_DT_C128 ? table_c128[kind] : NULL;
}

PjKernelFn *pj_kernel_complex_compare(PjDtype dtype, int64_t direction) {
  if (direction == PJ_CMP_EQ)
    return dtype == PJ_DT_C64 ? eq_c64 : eq_c128;
  if (direction == PJ_CMP_NE)
    return dtype == PJ_DT_C64 ? ne_c64 : ne_c128;
  return NULL;
}

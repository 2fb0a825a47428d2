// Loops over float and double: arithmetic, rounding and the elementary functions of StableHLO.
//
// The specification asks for IEEE 754: maximum and minimum propagate NaN and order -0 below +0.
// Functions of float that glibc computes in float with more than about 0.6 ULP of error are
// computed in double and rounded.
#include <math.h>
#include <string.h>

#include "eval/kernel.h"

static inline uint32_t bits_f32(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline uint64_t bits_f64(double x) {
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline float from_f32(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
static inline double from_f64(uint64_t bits) {
  double x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// Equal numbers differ at most in the sign of zero, which `and` and `or` settle.
#define MAX(S) (x == y ? from_##S(bits_##S(x) & bits_##S(y)) : ((x > y) | (x != x)) ? x : y)
#define MIN(S) (x == y ? from_##S(bits_##S(x) | bits_##S(y)) : ((x < y) | (x != x)) ? x : y)

// Adding and taking away BIG, whose last place is 1, rounds to an integer; what is as large already
// is one.
#define BIG_f32      0x1p23f
#define BIG_f64      0x1p52
#define ABS_f32      __builtin_fabsf
#define ABS_f64      __builtin_fabs
#define COPYSIGN_f32 __builtin_copysignf
#define COPYSIGN_f64 __builtin_copysign

#define ROUNDING(T, S)                                                             \
  static inline T even_##S(T x) {                                                  \
    T magnitude = ABS_##S(x);                                                      \
    T rounded = COPYSIGN_##S((magnitude + BIG_##S) - BIG_##S, x);                  \
    return magnitude < BIG_##S ? rounded : x;                                      \
  }                                                                                \
  static inline T floor_##S(T x) {                                                 \
    T rounded = even_##S(x);                                                       \
    return COPYSIGN_##S(rounded > x ? rounded - 1 : rounded, x);                   \
  }                                                                                \
  static inline T ceil_##S(T x) {                                                  \
    T rounded = even_##S(x);                                                       \
    return COPYSIGN_##S(rounded < x ? rounded + 1 : rounded, x);                   \
  }                                                                                \
  static inline T away_##S(T x) {                                                  \
    /* the difference is exact; only a tie that went towards zero is off */        \
    T magnitude = ABS_##S(x), rounded = even_##S(magnitude);                       \
    return COPYSIGN_##S(magnitude - rounded == (T)0.5 ? rounded + 1 : rounded, x); \
  }
ROUNDING(float, f32)
ROUNDING(double, f64)

#define ARITHMETIC(T, S)                                                 \
  PJ_KERNEL_2(add_##S, T, T, x + y)                                      \
  PJ_KERNEL_2(sub_##S, T, T, x - y)                                      \
  PJ_KERNEL_2(mul_##S, T, T, x *y)                                       \
  PJ_KERNEL_2(div_##S, T, T, x / y)                                      \
  PJ_KERNEL_2(max_##S, T, T, MAX(S))                                     \
  PJ_KERNEL_2(min_##S, T, T, MIN(S))                                     \
  PJ_KERNEL_1(neg_##S, T, T, -x)                                         \
  PJ_KERNEL_1(abs_##S, T, T, ABS_##S(x))                                 \
  PJ_KERNEL_1(sign_##S, T, T, x == 0 || x != x ? x : COPYSIGN_##S(1, x)) \
  PJ_KERNEL_1(square_##S, T, T, x *x)                                    \
  PJ_KERNEL_1(k_even_##S, T, T, even_##S(x))                             \
  PJ_KERNEL_1(k_floor_##S, T, T, floor_##S(x))                           \
  PJ_KERNEL_1(k_ceil_##S, T, T, ceil_##S(x))                             \
  PJ_KERNEL_1(k_away_##S, T, T, away_##S(x))                             \
  PJ_KERNEL_1(finite_##S, uint8_t, T, ABS_##S(x) < (T)INFINITY)          \
  PJ_KERNEL_1(is_inf_##S, uint8_t, T, ABS_##S(x) == (T)INFINITY)         \
  PJ_KERNEL_1(is_pos_inf_##S, uint8_t, T, x == (T)INFINITY)              \
  PJ_KERNEL_1(is_neg_inf_##S, uint8_t, T, x == -(T)INFINITY)
ARITHMETIC(float, f32)
ARITHMETIC(double, f64)

PJ_KERNEL_1(sqrt_f32, float, float, __builtin_sqrtf(x))
PJ_KERNEL_1(sqrt_f64, double, double, __builtin_sqrt(x))
PJ_KERNEL_1(rsqrt_f32, float, float, 1 / __builtin_sqrt((double)x))
PJ_KERNEL_1(rsqrt_f64, double, double, 1 / __builtin_sqrt(x))
PJ_KERNEL_1(exp_f32, float, float, expf(x))
PJ_KERNEL_1(exp_f64, double, double, exp(x))
PJ_KERNEL_1(log_f32, float, float, logf(x))
PJ_KERNEL_1(log_f64, double, double, log(x))
PJ_KERNEL_1(sin_f32, float, float, sinf(x))
PJ_KERNEL_1(sin_f64, double, double, sin(x))
PJ_KERNEL_1(cos_f32, float, float, cosf(x))
PJ_KERNEL_1(cos_f64, double, double, cos(x))
PJ_KERNEL_1(tan_f32, float, float, tan((double)x))
PJ_KERNEL_1(tan_f64, double, double, tan(x))
PJ_KERNEL_1(expm1_f32, float, float, expm1((double)x))
PJ_KERNEL_1(expm1_f64, double, double, expm1(x))
PJ_KERNEL_1(log1p_f32, float, float, log1p((double)x))
PJ_KERNEL_1(log1p_f64, double, double, log1p(x))
PJ_KERNEL_1(cbrt_f32, float, float, cbrt((double)x))
PJ_KERNEL_1(cbrt_f64, double, double, cbrtl(x))
PJ_KERNEL_1(tanh_f32, float, float, tanh((double)x))
PJ_KERNEL_1(tanh_f64, double, double, tanh(x))
PJ_KERNEL_1(logistic_f32, float, float, 1 / (1 + exp(-(double)x)))
PJ_KERNEL_1(logistic_f64, double, double, x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)))
PJ_KERNEL_2(pow_f32, float, float, powf(x, y))
PJ_KERNEL_2(pow_f64, double, double, pow(x, y))
PJ_KERNEL_2(rem_f32, float, float, fmodf(x, y))
PJ_KERNEL_2(rem_f64, double, double, fmod(x, y))
PJ_KERNEL_2(atan2_f32, float, float, atan2((double)x, (double)y))
PJ_KERNEL_2(atan2_f64, double, double, atan2(x, y))
PJ_KERNEL_2(next_f32, float, float, nextafterf(x, y))
PJ_KERNEL_2(next_f64, double, double, nextafter(x, y))

// clang-format off
#define FLOAT_TABLE(S)                                                                            \
  {                                                                                               \
    [PJ_OP_ADD] = add_##S, [PJ_OP_SUBTRACT] = sub_##S, [PJ_OP_MULTIPLY] = mul_##S,                \
    [PJ_OP_DIVIDE] = div_##S, [PJ_OP_REMAINDER] = rem_##S, [PJ_OP_POWER] = pow_##S,               \
    [PJ_OP_MAXIMUM] = max_##S, [PJ_OP_MINIMUM] = min_##S, [PJ_OP_ATAN2] = atan2_##S,              \
    [PJ_OP_NEGATE] = neg_##S, [PJ_OP_ABS] = abs_##S, [PJ_OP_SIGN] = sign_##S,                     \
    [PJ_OP_ROUND_NEAREST_EVEN] = k_even_##S, [PJ_OP_ROUND_NEAREST_AFZ] = k_away_##S,              \
    [PJ_OP_FLOOR] = k_floor_##S, [PJ_OP_CEIL] = k_ceil_##S, [PJ_OP_IS_FINITE] = finite_##S,       \
    [PJ_OP_SQRT] = sqrt_##S, [PJ_OP_RSQRT] = rsqrt_##S, [PJ_OP_CBRT] = cbrt_##S,                  \
    [PJ_OP_EXPONENTIAL] = exp_##S, [PJ_OP_EXPONENTIAL_MINUS_ONE] = expm1_##S,                     \
    [PJ_OP_LOG] = log_##S, [PJ_OP_LOG_PLUS_ONE] = log1p_##S, [PJ_OP_LOGISTIC] = logistic_##S,     \
    [PJ_OP_SINE] = sin_##S, [PJ_OP_COSINE] = cos_##S, [PJ_OP_TAN] = tan_##S,                      \
    [PJ_OP_TANH] = tanh_##S, [PJ_OP_CHLO_TAN] = tan_##S, [PJ_OP_CHLO_SQUARE] = square_##S,        \
    [PJ_OP_CHLO_IS_INF] = is_inf_##S, [PJ_OP_CHLO_IS_POS_INF] = is_pos_inf_##S,                   \
    [PJ_OP_CHLO_IS_NEG_INF] = is_neg_inf_##S, [PJ_OP_CHLO_NEXT_AFTER] = next_##S,                 \
  }
// clang-format on
static PjKernelFn *const table_f32[PJ_OP_COUNT] = FLOAT_TABLE(f32);
static PjKernelFn *const table_f64[PJ_OP_COUNT] = FLOAT_TABLE(f64);

PjKernelFn *pj_kernel_float(PjOpKind kind, PjDtype dtype) {
  return dtype == PJ_DT_F32 ? table_f32[kind] : dtype == PJ_DT_F64 ? table_f64[kind] : NULL;
}

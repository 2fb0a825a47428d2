// Scatters of single elements: what histograms, segment sums of vectors and writes of points are.
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/cpu.h"
#include "eval/half.h"
#include "routine/scatter.h"

// The loops of each type and operation, for what SINGLES_TARGET says: see PjSingles. Where SAME,
// EXPR is |a| as it is.
#define SINGLES_TARGET
#define DIRECT(NAME, T, SAME, EXPR)                                                               \
  SINGLES_TARGET static void NAME(int64_t count, const int32_t *restrict starts,                  \
                                  int64_t starts_step, uint64_t size, int64_t unit, int64_t step, \
                                  void *acc_at, const void *update_at) {                          \
    T *acc = acc_at;                                                                              \
    const T *update = update_at;                                                                  \
    for (int64_t i = 0; i < count; ++i) {                                                         \
      const uint64_t start = (uint64_t)starts[i * starts_step];                                   \
      if (start >= size)                                                                          \
        continue;                                                                                 \
      T *const at = acc + (int64_t)start * unit;                                                  \
      const T a = *at, x = update[i * step];                                                      \
      (void)a;                                                                                    \
      if (!__builtin_expect(SAME, 1))                                                             \
        *at = EXPR;                                                                               \
    }                                                                                             \
  }
#define SINGLES(NAME, T, EXPR)                                                                   \
  SINGLES_TARGET static void NAME##_listed(const PjScatterPlaces *restrict places, int64_t unit, \
                                           int64_t step, void *acc_at, const void *update_at) {  \
    T *acc = acc_at;                                                                             \
    const T *update = update_at;                                                                 \
    const int64_t n = places->count;                                                             \
    for (int64_t i = 0; i < n; ++i) {                                                            \
      T *const at = acc + places->to[i] * unit;                                                  \
      const T a = *at, x = update[places->from[i] * step];                                       \
      (void)a;                                                                                   \
      *at = EXPR;                                                                                \
    }                                                                                            \
  }                                                                                              \
  DIRECT(NAME##_direct, T, false, EXPR)
// Types of four bytes have this one too.
#define PACKED(NAME, T, EXPR)                                                                     \
  SINGLES(NAME, T, EXPR)                                                                          \
  static void NAME##_packed(const PjScatterPlaces *restrict places, int64_t unit, void *acc_at) { \
    T *acc = acc_at;                                                                              \
    const int64_t n = places->count;                                                              \
    for (int64_t i = 0; i < n; ++i) {                                                             \
      T *const at = acc + places->to[i] * unit;                                                   \
      T a = *at, x;                                                                               \
      memcpy(&x, &places->from[i], sizeof x);                                                     \
      (void)a;                                                                                    \
      *at = EXPR;                                                                                 \
    }                                                                                             \
  }
#define LOOPS(NAME) \
  { NAME##_listed, NAME##_direct, NULL, NULL }
#define LOOPS4(NAME) \
  { NAME##_listed, NAME##_direct, NAME##_packed, NULL }
// Extrema, which have |seldom|.
#define LOOPS_X(NAME) \
  { NAME##_listed, NAME##_direct, NULL, NAME##_seldom }
#define LOOPS4_X(NAME) \
  { NAME##_listed, NAME##_direct, NAME##_packed, NAME##_seldom }
#define EXTREMUM(MAKE, NAME, T, SAME, EXPR) MAKE(NAME, T, EXPR) DIRECT(NAME##_seldom, T, SAME, EXPR)
#define INT(MAKE, S, T)             \
  MAKE(add_##S, T, (T)(a + x))      \
  MAKE(mul_##S, T, (T)(1u * a * x)) \
  MAKE(and_##S, T, (T)(a & x))      \
  MAKE(or_##S, T, (T)(a | x))       \
  MAKE(xor_##S, T, (T)(a ^ x))      \
  MAKE(set_##S, T, x)
#define ORDER(MAKE, S, T)                           \
  EXTREMUM(MAKE, max_##S, T, a >= x, a > x ? a : x) \
  EXTREMUM(MAKE, min_##S, T, a <= x, a < x ? a : x)
INT(SINGLES, u8, uint8_t)
INT(SINGLES, u16, uint16_t)
INT(PACKED, u32, uint32_t)
INT(SINGLES, u64, uint64_t)
ORDER(SINGLES, u8, uint8_t)
ORDER(SINGLES, u16, uint16_t)
ORDER(PACKED, u32, uint32_t)
ORDER(SINGLES, u64, uint64_t)
ORDER(SINGLES, s8, int8_t)
ORDER(SINGLES, s16, int16_t)
ORDER(PACKED, s32, int32_t)
ORDER(SINGLES, s64, int64_t)

// As FMAX and FMIN of fold_variant.h: one instruction where one number is less than the other, and
// a branch that is hardly ever taken for equal numbers and NaN.
#define FLOAT(MAKE, S, T, I)                                                               \
  static T same_##S(T a, T b, bool largest) {                                              \
    I x, y;                                                                                \
    if (a != a || b != b)                                                                  \
      return a != a ? a : b;                                                               \
    memcpy(&x, &a, sizeof x);                                                              \
    memcpy(&y, &b, sizeof y);                                                              \
    x = largest ? x & y : x | y;                                                           \
    memcpy(&a, &x, sizeof a);                                                              \
    return a;                                                                              \
  }                                                                                        \
  static inline T largest_##S(T a, T b) {                                                  \
    const T r = a > b ? a : b;                                                             \
    return __builtin_expect(__builtin_islessgreater(a, b), 1) ? r : same_##S(a, b, true);  \
  }                                                                                        \
  static inline T smallest_##S(T a, T b) {                                                 \
    const T r = a < b ? a : b;                                                             \
    return __builtin_expect(__builtin_islessgreater(a, b), 1) ? r : same_##S(a, b, false); \
  }                                                                                        \
  MAKE(add_##S, T, a + x)                                                                  \
  MAKE(mul_##S, T, a *x)                                                                   \
  MAKE(max_##S, T, largest_##S(a, x))                                                      \
  MAKE(min_##S, T, smallest_##S(a, x))
FLOAT(PACKED, f32, float, uint32_t)
FLOAT(SINGLES, f64, double, uint64_t)

// Sums and products are rounded each time, as the body says. Codes without their sign are in the
// order of the numbers, so an extremum is one of integers, which knows -0 from +0: with few codes
// equal numbers are frequent, and a branch would be taken at random.
#define HALF(S, INFINITY_CODE)                                                         \
  static inline int order_##S(uint16_t code) {                                         \
    return code & 0x8000u ? -1 - (int)(code & 0x7FFFu) : (int)code;                    \
  }                                                                                    \
  static inline bool any_nan_##S(uint16_t a, uint16_t b) {                             \
    return (a & 0x7FFFu) > INFINITY_CODE || (b & 0x7FFFu) > INFINITY_CODE;             \
  }                                                                                    \
  static inline uint16_t largest_##S(uint16_t a, uint16_t b) {                         \
    if (__builtin_expect(any_nan_##S(a, b), 0))                                        \
      return pj_##S##_encode(same_f32(pj_##S##_decode(a), pj_##S##_decode(b), true));  \
    return order_##S(a) > order_##S(b) ? a : b;                                        \
  }                                                                                    \
  static inline uint16_t smallest_##S(uint16_t a, uint16_t b) {                        \
    if (__builtin_expect(any_nan_##S(a, b), 0))                                        \
      return pj_##S##_encode(same_f32(pj_##S##_decode(a), pj_##S##_decode(b), false)); \
    return order_##S(a) < order_##S(b) ? a : b;                                        \
  }                                                                                    \
  SINGLES(add_##S, uint16_t, pj_##S##_encode(pj_##S##_decode(a) + pj_##S##_decode(x))) \
  SINGLES(mul_##S, uint16_t, pj_##S##_encode(pj_##S##_decode(a) * pj_##S##_decode(x))) \
  SINGLES(max_##S, uint16_t, largest_##S(a, x))                                        \
  SINGLES(min_##S, uint16_t, smallest_##S(a, x))
HALF(f16, 0x7C00u)
HALF(bf16, 0x7F80u)
#if defined(__x86_64__)
// Sums and products of F16 by the instructions that convert it, which round as half.h does.
#undef SINGLES_TARGET
#define SINGLES_TARGET __attribute__((target("avx,f16c")))
#define DECODE(code)   _cvtsh_ss(code)
#define ENCODE(value)  _cvtss_sh(value, _MM_FROUND_TO_NEAREST_INT)
SINGLES(add_f16c, uint16_t, ENCODE(DECODE(a) + DECODE(x)))
SINGLES(mul_f16c, uint16_t, ENCODE(DECODE(a) * DECODE(x)))
#endif

#define INT_ROW(ENTRY, S, U)                                                                     \
  {                                                                                              \
    [PJ_FOLD_ADD] = ENTRY(add_##U), [PJ_FOLD_MUL] = ENTRY(mul_##U),                              \
    [PJ_FOLD_MAX] = ENTRY##_X(max_##S), [PJ_FOLD_MIN] = ENTRY##_X(min_##S),                      \
    [PJ_FOLD_AND] = ENTRY(and_##U), [PJ_FOLD_OR] = ENTRY(or_##U), [PJ_FOLD_XOR] = ENTRY(xor_##U) \
  }
#define FLOAT_ROW(ENTRY, S)                                         \
  {                                                                 \
    [PJ_FOLD_ADD] = ENTRY(add_##S), [PJ_FOLD_MUL] = ENTRY(mul_##S), \
    [PJ_FOLD_MAX] = ENTRY(max_##S), [PJ_FOLD_MIN] = ENTRY(min_##S)  \
  }
const PjSingles *pj__scatter_singles(PjFoldKind kind, PjDtype dtype) {
  static const PjSingles table[PJ_DT_COUNT][PJ_FOLDS] = {
      [PJ_DT_S8] = INT_ROW(LOOPS, s8, u8),      [PJ_DT_S16] = INT_ROW(LOOPS, s16, u16),
      [PJ_DT_S32] = INT_ROW(LOOPS4, s32, u32),  [PJ_DT_S64] = INT_ROW(LOOPS, s64, u64),
      [PJ_DT_INDEX] = INT_ROW(LOOPS, s64, u64), [PJ_DT_U8] = INT_ROW(LOOPS, u8, u8),
      [PJ_DT_U16] = INT_ROW(LOOPS, u16, u16),   [PJ_DT_U32] = INT_ROW(LOOPS4, u32, u32),
      [PJ_DT_U64] = INT_ROW(LOOPS, u64, u64),   [PJ_DT_F32] = FLOAT_ROW(LOOPS4, f32),
      [PJ_DT_F64] = FLOAT_ROW(LOOPS, f64),      [PJ_DT_F16] = FLOAT_ROW(LOOPS, f16),
      [PJ_DT_BF16] = FLOAT_ROW(LOOPS, bf16),
  };
#if defined(__x86_64__)
  static const PjSingles converted[PJ_FOLDS] = {
      [PJ_FOLD_ADD] = LOOPS(add_f16c), [PJ_FOLD_MUL] = LOOPS(mul_f16c)};
  if (dtype == PJ_DT_F16 && pj_cpu_has(PJ_CPU_AVX2 | PJ_CPU_F16C) && converted[kind].listed)
    return &converted[kind];
#endif
  const PjSingles *singles = &table[dtype][kind];
  return singles->listed ? singles : NULL;
}

const PjSingles *pj__scatter_set_singles(size_t elem) {
  static const PjSingles table[] = {LOOPS(set_u8), LOOPS(set_u16), LOOPS4(set_u32), LOOPS(set_u64)};
  return elem == 1   ? &table[0]
         : elem == 2 ? &table[1]
         : elem == 4 ? &table[2]
         : elem == 8 ? &table[3]
                     : NULL;
}

// Scatters of single elements: what histograms, segment sums of vectors and writes of points are.
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/cpu.h"
#include "eval/half.h"
#include "routine/scatter.h"

// The loops of each type and operation, for what SINGLES_TARGET says: see PjSingles. COMBINE does
// so with |x| and what is |at|, |a|.
#define SINGLES_TARGET
#define DIRECT_LOOP(T, STARTS_STEP, UNIT, STEP, COMBINE)        \
  for (int64_t i = 0; i < count; ++i) {                         \
    const uint64_t start = (uint64_t)starts[i * (STARTS_STEP)]; \
    if (start >= size)                                          \
      continue;                                                 \
    T *const at = (T *)acc_at + (int64_t)start * (UNIT);        \
    const T *const from = (const T *)update_at + i * (STEP);    \
    const T a = *at, x = *from;                                 \
    (void)a;                                                    \
    COMBINE;                                                    \
  }
#define DIRECT_HEAD(NAME)                                                                         \
  SINGLES_TARGET static void NAME(int64_t count, const int32_t *restrict starts,                  \
                                  int64_t starts_step, uint64_t size, int64_t unit, int64_t step, \
                                  void *acc_at, const void *update_at)
// Four in turn where everything lies side by side.
#define DIRECT(NAME, T, COMBINE)                               \
  DIRECT_HEAD(NAME) {                                          \
    if (starts_step == 1 && unit == 1 && step == 1) {          \
      _Pragma("GCC unroll 4") DIRECT_LOOP(T, 1, 1, 1, COMBINE) \
    } else {                                                   \
      DIRECT_LOOP(T, starts_step, unit, step, COMBINE)         \
    }                                                          \
  }
#define LISTED(NAME, T, EXPR)                                                                    \
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
  }
#define SINGLES(NAME, T, EXPR) LISTED(NAME, T, EXPR) DIRECT(NAME##_direct, T, *at = EXPR)
// Types of four bytes have this one too.
#define ONLY_PACKED(NAME, T, EXPR)                                                                \
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
#define PACKED(NAME, T, EXPR) SINGLES(NAME, T, EXPR) ONLY_PACKED(NAME, T, EXPR)
#define LOOPS(NAME) \
  { NAME##_listed, NAME##_direct, NULL, NULL }
#define LOOPS4(NAME) \
  { NAME##_listed, NAME##_direct, NAME##_packed, NULL }
// Extrema, which have |seldom|.
#define LOOPS_X(NAME) \
  { NAME##_listed, NAME##_direct, NULL, NAME##_seldom }
#define LOOPS4_X(NAME) \
  { NAME##_listed, NAME##_direct, NAME##_packed, NAME##_seldom }
#define EXTREMUM(MAKE, NAME, T, SAME, EXPR) \
  MAKE(NAME, T, EXPR) DIRECT(NAME##_seldom, T, if (!__builtin_expect(SAME, 1)) *at = EXPR)
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
// branches that are hardly ever taken for equal numbers and NaN. But where all updates of a place
// are equal, as they often are, so are their bits, and nothing has to be written.
#define LESS_OR_GREATER             __builtin_expect(__builtin_islessgreater(a, x), 1)
#define EXTREME(S, LARGEST, BEYOND) (LESS_OR_GREATER ? (BEYOND ? a : x) : same_##S(a, x, LARGEST))
#define FLOAT_EXTREMUM(MORE, NAME, S, T, LARGEST, BEYOND)                  \
  LISTED(NAME, T, EXTREME(S, LARGEST, BEYOND))                             \
  DIRECT(                                                                  \
      NAME##_direct, T, T result = BEYOND ? a : x; if (!LESS_OR_GREATER) { \
        if (!memcmp(at, from, sizeof a))                                   \
          continue;                                                        \
        result = same_##S(a, x, LARGEST);                                  \
      } *at = result)                                                      \
  MORE(NAME, T, EXTREME(S, LARGEST, BEYOND))
#define NO_MORE(NAME, T, EXPR)
#define FLOAT(MAKE, MORE, S, T, I)                                      \
  __attribute__((noinline)) static T same_##S(T a, T b, bool largest) { \
    I x, y;                                                             \
    if (a != a || b != b)                                               \
      return a != a ? a : b;                                            \
    memcpy(&x, &a, sizeof x);                                           \
    memcpy(&y, &b, sizeof y);                                           \
    x = largest ? x & y : x | y;                                        \
    memcpy(&a, &x, sizeof a);                                           \
    return a;                                                           \
  }                                                                     \
  MAKE(add_##S, T, a + x)                                               \
  MAKE(mul_##S, T, a *x)                                                \
  FLOAT_EXTREMUM(MORE, max_##S, S, T, true, a > x)                      \
  FLOAT_EXTREMUM(MORE, min_##S, S, T, false, a < x)
FLOAT(PACKED, ONLY_PACKED, f32, float, uint32_t)
FLOAT(SINGLES, NO_MORE, f64, double, uint64_t)

// Sums and products are rounded each time, as the body says. Codes without their sign are in the
// order of the numbers, so an extremum is one of integers, which knows -0 from +0: with few codes
// equal numbers are frequent, and a branch would be taken at random. A NaN is beyond the infinity
// of its sign: of |seldom|, one that has been combined stays, and updates are asked for one only
// where it would seem to change nothing.
#define HALF(S, INFINITY_CODE)                                                                \
  static inline int order_##S(uint16_t code) {                                                \
    const int bits = (int16_t)code;                                                           \
    return bits ^ (bits >> 15 & 0x7FFF);                                                      \
  }                                                                                           \
  static inline bool any_nan_##S(uint16_t a, uint16_t b) {                                    \
    return (a & 0x7FFFu) > INFINITY_CODE || (b & 0x7FFFu) > INFINITY_CODE;                    \
  }                                                                                           \
  static inline uint16_t largest_##S(uint16_t a, uint16_t b) {                                \
    if (__builtin_expect(any_nan_##S(a, b), 0))                                               \
      return pj_##S##_encode(same_f32(pj_##S##_decode(a), pj_##S##_decode(b), true));         \
    return order_##S(a) > order_##S(b) ? a : b;                                               \
  }                                                                                           \
  static inline uint16_t smallest_##S(uint16_t a, uint16_t b) {                               \
    if (__builtin_expect(any_nan_##S(a, b), 0))                                               \
      return pj_##S##_encode(same_f32(pj_##S##_decode(a), pj_##S##_decode(b), false));        \
    return order_##S(a) < order_##S(b) ? a : b;                                               \
  }                                                                                           \
  SINGLES(add_##S, uint16_t, pj_##S##_encode(pj_##S##_decode(a) + pj_##S##_decode(x)))        \
  SINGLES(mul_##S, uint16_t, pj_##S##_encode(pj_##S##_decode(a) * pj_##S##_decode(x)))        \
  EXTREMUM(SINGLES, max_##S, uint16_t,                                                        \
           order_##S(a) >= order_##S(x) && x <= (0x8000u | INFINITY_CODE), largest_##S(a, x)) \
  EXTREMUM(SINGLES, min_##S, uint16_t,                                                        \
           order_##S(a) <= order_##S(x) && (int16_t)x <= (int)INFINITY_CODE, smallest_##S(a, x))
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
#define HALF_ROW(S)                                                    \
  {                                                                    \
    [PJ_FOLD_ADD] = LOOPS(add_##S), [PJ_FOLD_MUL] = LOOPS(mul_##S),    \
    [PJ_FOLD_MAX] = LOOPS_X(max_##S), [PJ_FOLD_MIN] = LOOPS_X(min_##S) \
  }
#define FLOAT_ROW(ENTRY, S)                                         \
  {                                                                 \
    [PJ_FOLD_ADD] = ENTRY(add_##S), [PJ_FOLD_MUL] = ENTRY(mul_##S), \
    [PJ_FOLD_MAX] = ENTRY(max_##S), [PJ_FOLD_MIN] = ENTRY(min_##S)  \
  }
const PjSingles *pj__scatter_singles(PjFoldKind kind, PjDtype dtype) {
  static const PjSingles table[PJ_DT_COUNT][PJ_FOLDS] = {
      // On truth values addition is `or` and multiplication is `and`.
      [PJ_DT_PRED] = {[PJ_FOLD_ADD] = LOOPS(or_u8),
                      [PJ_FOLD_MUL] = LOOPS(and_u8),
                      [PJ_FOLD_MAX] = LOOPS(or_u8),
                      [PJ_FOLD_MIN] = LOOPS(and_u8),
                      [PJ_FOLD_AND] = LOOPS(and_u8),
                      [PJ_FOLD_OR] = LOOPS(or_u8),
                      [PJ_FOLD_XOR] = LOOPS(xor_u8)},
      [PJ_DT_S8] = INT_ROW(LOOPS, s8, u8),
      [PJ_DT_S16] = INT_ROW(LOOPS, s16, u16),
      [PJ_DT_S32] = INT_ROW(LOOPS4, s32, u32),
      [PJ_DT_S64] = INT_ROW(LOOPS, s64, u64),
      [PJ_DT_INDEX] = INT_ROW(LOOPS, s64, u64),
      [PJ_DT_U8] = INT_ROW(LOOPS, u8, u8),
      [PJ_DT_U16] = INT_ROW(LOOPS, u16, u16),
      [PJ_DT_U32] = INT_ROW(LOOPS4, u32, u32),
      [PJ_DT_U64] = INT_ROW(LOOPS, u64, u64),
      [PJ_DT_F32] = FLOAT_ROW(LOOPS4, f32),
      [PJ_DT_F64] = FLOAT_ROW(LOOPS, f64),
      [PJ_DT_F16] = HALF_ROW(f16),
      [PJ_DT_BF16] = HALF_ROW(bf16),
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

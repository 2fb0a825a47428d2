// Loops of the operations that reductions, scans and windows use most, on native types.
//
//   pairs  out[i] = op(a[i], b[i * b_stride])
//   scan   out[i] = op(carry, x[0] op .. op x[i]), then the carry becomes the last of them;
//   backwards: from x[n - 1] down.
//          |out| may be NULL: then what works in any order takes the total in several parts.
//
// A scan works on vectors: within one by steps of 1, 2, 4 lanes, from one to the next by the last
// lane. So its rounding depends on the length of blocks only; |neutral| fills the lanes before the
// first.
#include "routine/fold_wide.h"

#define PAIRS(NAME, T, OP)                                                            \
  PJ_TARGET static void PJ_V(pairs_##NAME)(int64_t n, const void *pa, const void *pb, \
                                           int64_t b_stride, void *po) {              \
    const T *a = pa, *b = pb;                                                         \
    T *o = po;                                                                        \
    if (b_stride == 1) {                                                              \
      PJ_IVDEP for (int64_t i = 0; i < n; ++i) o[i] = OP(T, a[i], b[i]);              \
    } else if (b_stride == 2) { /* pooling's */                                       \
      PJ_IVDEP for (int64_t i = 0; i < n; ++i) o[i] = OP(T, a[i], b[2 * i]);          \
    } else {                                                                          \
      for (int64_t i = 0; i < n; ++i)                                                 \
        o[i] = OP(T, a[i], b[i * b_stride]);                                          \
    }                                                                                 \
  }

// acc[i] = op(.. op(acc[i], xs[0][i]) .., xs[count - 1][i]). Whole vectors are never taken one by
// one: then which of two NaNs stays does not depend on where columns are cut (at whole lines).
#define MANY(NAME, T, I, OP, VOP)                                                      \
  PJ_TARGET static void PJ_V(many_##NAME)(int64_t n, int count, const void *const *xs, \
                                          void *pacc) {                                \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));  \
    typedef I Ints __attribute__((vector_size(PJ_VB), unused));                        \
    enum { LANES = PJ_VB / sizeof(T) };                                                \
    T *acc = pacc;                                                                     \
    int64_t i = 0;                                                                     \
    for (; i + 2 * LANES <= n; i += 2 * LANES) {                                       \
      Vec a = *(const Vec *)(acc + i), b = *(const Vec *)(acc + i + LANES);            \
      for (int k = 0; k < count; ++k) {                                                \
        const Vec x = *(const Vec *)((const T *)xs[k] + i),                            \
                  y = *(const Vec *)((const T *)xs[k] + i + LANES);                    \
        a = VOP(a, x);                                                                 \
        b = VOP(b, y);                                                                 \
      }                                                                                \
      *(Vec *)(acc + i) = a;                                                           \
      *(Vec *)(acc + i + LANES) = b;                                                   \
    }                                                                                  \
    for (; i + LANES <= n; i += LANES) {                                               \
      Vec a = *(const Vec *)(acc + i);                                                 \
      for (int k = 0; k < count; ++k)                                                  \
        a = VOP(a, *(const Vec *)((const T *)xs[k] + i));                              \
      *(Vec *)(acc + i) = a;                                                           \
    }                                                                                  \
    for (int k = 0; i < n && k < count; ++k) {                                         \
      const T *x = xs[k];                                                              \
      PJ_IVDEP for (int64_t j = i; j < n; ++j) acc[j] = OP(T, acc[j], x[j]);           \
    }                                                                                  \
  }

// PjRowsFn: a place that follows itself stays in registers.
#define ROWS_OF(VOP, COUNT)                                               \
  for (int64_t i = 0; i < count;) {                                       \
    const uint32_t place = to[i];                                         \
    Vec *at = (Vec *)(acc + place * unit), a[COUNT];                      \
    PJ_UNROLL for (int v = 0; v < COUNT; ++v) a[v] = at[v];               \
    do {                                                                  \
      const Vec *row = (const Vec *)(x + from[i] * step);                 \
      PJ_UNROLL for (int v = 0; v < COUNT; ++v) a[v] = VOP(a[v], row[v]); \
    } while (++i < count && to[i] == place);                              \
    PJ_UNROLL for (int v = 0; v < COUNT; ++v) at[v] = a[v];               \
  }
// Rows of N < 16 elements: whole vectors, then pieces of 8, 4, 2 and 1. No piece meets another, so
// what was stored a few rows ago is read back as it was stored.
#define PIECE_OP(T, I, W, VOP, a, b)                                                        \
  do {                                                                                      \
    typedef T Vec                                                                           \
        __attribute__((vector_size(W * sizeof(T)), aligned(sizeof(T)), may_alias, unused)); \
    typedef I Ints __attribute__((vector_size(W * sizeof(T)), unused));                     \
    a = VOP(a, b);                                                                          \
  } while (0)
#define PIECE(W) (N & W & (LANES - 1))
#define PIECES_OF(T, I, OP, VOP, PVOP, COUNT)                                          \
  case COUNT:                                                                          \
    for (int64_t i = 0; i < count;) {                                                  \
      enum { N = COUNT, WHOLE = N / LANES, AT4 = N & ~7, AT2 = N & ~3, AT1 = N & ~1 }; \
      const uint32_t place = to[i];                                                    \
      T *const at = acc + place * unit;                                                \
      Whole a[WHOLE + 1];                                                              \
      Of8 a8;                                                                          \
      Of4 a4;                                                                          \
      Of2 a2;                                                                          \
      T a1;                                                                            \
      PJ_UNROLL for (int v = 0; v < WHOLE; ++v) a[v] = ((const Whole *)at)[v];         \
      if (PIECE(8))                                                                    \
        a8 = *(const Of8 *)at;                                                         \
      if (PIECE(4))                                                                    \
        a4 = *(const Of4 *)(at + AT4);                                                 \
      if (PIECE(2))                                                                    \
        a2 = *(const Of2 *)(at + AT2);                                                 \
      if (PIECE(1))                                                                    \
        a1 = at[AT1];                                                                  \
      do {                                                                             \
        const T *row = x + from[i] * step;                                             \
        PJ_UNROLL for (int v = 0; v < WHOLE; ++v)                                      \
            PIECE_OP(T, I, LANES, VOP, a[v], ((const Whole *)row)[v]);                 \
        if (PIECE(8))                                                                  \
          PIECE_OP(T, I, 8, PVOP, a8, *(const Of8 *)row);                              \
        if (PIECE(4))                                                                  \
          PIECE_OP(T, I, 4, PVOP, a4, *(const Of4 *)(row + AT4));                      \
        if (PIECE(2))                                                                  \
          PIECE_OP(T, I, 2, PVOP, a2, *(const Of2 *)(row + AT2));                      \
        if (PIECE(1))                                                                  \
          a1 = OP(T, a1, row[AT1]);                                                    \
      } while (++i < count && to[i] == place);                                         \
      PJ_UNROLL for (int v = 0; v < WHOLE; ++v)((Whole *)at)[v] = a[v];                \
      if (PIECE(8))                                                                    \
        *(Of8 *)at = a8;                                                               \
      if (PIECE(4))                                                                    \
        *(Of4 *)(at + AT4) = a4;                                                       \
      if (PIECE(2))                                                                    \
        *(Of2 *)(at + AT2) = a2;                                                       \
      if (PIECE(1))                                                                    \
        at[AT1] = a1;                                                                  \
    }                                                                                  \
    return;
#define ROWS_HEAD(NAME)                                                                        \
  PJ_TARGET static void PJ_V(NAME)(int64_t count, int64_t n, const uint32_t *to, int64_t unit, \
                                   const uint32_t *from, int64_t step, const void *px, void *pacc)
#define ROWS_FN(NAME, T, I, OP, VOP, PVOP)                                                    \
  ROWS_HEAD(few_##NAME) {                                                                     \
    enum { LANES = PJ_VB / sizeof(T) };                                                       \
    typedef T Whole __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));       \
    typedef T Of8 __attribute__((vector_size(8 * sizeof(T)), aligned(sizeof(T)), may_alias)); \
    typedef T Of4 __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias)); \
    typedef T Of2 __attribute__((vector_size(2 * sizeof(T)), aligned(sizeof(T)), may_alias)); \
    const T *x = px;                                                                          \
    T *acc = pacc;                                                                            \
    switch (n) {                                                                              \
      PIECES_OF(T, I, OP, VOP, PVOP, 2)                                                       \
      PIECES_OF(T, I, OP, VOP, PVOP, 3)                                                       \
      PIECES_OF(T, I, OP, VOP, PVOP, 4)                                                       \
      PIECES_OF(T, I, OP, VOP, PVOP, 5)                                                       \
      PIECES_OF(T, I, OP, VOP, PVOP, 6)                                                       \
      PIECES_OF(T, I, OP, VOP, PVOP, 7)                                                       \
      PIECES_OF(T, I, OP, VOP, PVOP, 8)                                                       \
      PIECES_OF(T, I, OP, VOP, PVOP, 9)                                                       \
      PIECES_OF(T, I, OP, VOP, PVOP, 10)                                                      \
      PIECES_OF(T, I, OP, VOP, PVOP, 11)                                                      \
      PIECES_OF(T, I, OP, VOP, PVOP, 12)                                                      \
      PIECES_OF(T, I, OP, VOP, PVOP, 13)                                                      \
      PIECES_OF(T, I, OP, VOP, PVOP, 14)                                                      \
      PIECES_OF(T, I, OP, VOP, PVOP, 15)                                                      \
    }                                                                                         \
  }                                                                                           \
  ROWS_HEAD(rows_##NAME) {                                                                    \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));         \
    typedef I Ints __attribute__((vector_size(PJ_VB), unused));                               \
    const T *x = px;                                                                          \
    T *acc = pacc;                                                                            \
    if (n * sizeof(T) == PJ_VB) {                                                             \
      ROWS_OF(VOP, 1)                                                                         \
    } else if (n * sizeof(T) == 2 * PJ_VB) {                                                  \
      ROWS_OF(VOP, 2)                                                                         \
    } else if (n * sizeof(T) == 3 * PJ_VB) {                                                  \
      ROWS_OF(VOP, 3)                                                                         \
    } else {                                                                                  \
      ROWS_OF(VOP, 4)                                                                         \
    }                                                                                         \
  }

#define UP_16(v, none, op)                                                                         \
  v = op(__builtin_shufflevector(v, none, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14),   \
         v);                                                                                       \
  v = op(__builtin_shufflevector(v, none, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13),   \
         v);                                                                                       \
  v = op(__builtin_shufflevector(v, none, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),   \
         v);                                                                                       \
  v = op(__builtin_shufflevector(v, none, 16, 16, 16, 16, 16, 16, 16, 16, 0, 1, 2, 3, 4, 5, 6, 7), \
         v);
#define UP_8(v, none, op)                                              \
  v = op(__builtin_shufflevector(v, none, 8, 0, 1, 2, 3, 4, 5, 6), v); \
  v = op(__builtin_shufflevector(v, none, 8, 8, 0, 1, 2, 3, 4, 5), v); \
  v = op(__builtin_shufflevector(v, none, 8, 8, 8, 8, 0, 1, 2, 3), v);
#define UP_4(v, none, op)                                  \
  v = op(__builtin_shufflevector(v, none, 4, 0, 1, 2), v); \
  v = op(__builtin_shufflevector(v, none, 4, 4, 0, 1), v);
#define TURN_16(v) \
  __builtin_shufflevector(v, v, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define TURN_8(v) __builtin_shufflevector(v, v, 7, 6, 5, 4, 3, 2, 1, 0)
#define TURN_4(v) __builtin_shufflevector(v, v, 3, 2, 1, 0)
#define LAST_16(v) \
  __builtin_shufflevector(v, v, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15)
#define LAST_8(v) __builtin_shufflevector(v, v, 7, 7, 7, 7, 7, 7, 7, 7)
#define LAST_4(v) __builtin_shufflevector(v, v, 3, 3, 3, 3)

// Extrema of floats are those of integers in the same order, of which one waits for the other no
// longer than a cycle. A NaN, of either sign, is the largest of all, or where the least is wanted
// the least. These work on numbers and on vectors.
#define AS_IS(T, x)     (x)
#define MOST(T)         ((T)(((uint64_t)1 << (8 * sizeof(T) - 1)) - 1))
#define INFINITE(T)     (sizeof(T) == 4 ? (T)0x7f800000 : (T)0x7ff0000000000000)
#define SIGNS(T, x)     ((x) >> (8 * sizeof(T) - 1))
#define IS_NAN(T, x)    SIGNS(T, INFINITE(T) - ((x)&MOST(T)))
#define ORDERED(T, x)   ((x) ^ (SIGNS(T, x) & MOST(T))) // its own inverse
#define NAN_LAST(T, x)  ORDERED(T, (x) & ~(IS_NAN(T, x) & ~MOST(T)))
#define NAN_FIRST(T, x) ORDERED(T, (x) | (IS_NAN(T, x) & ~MOST(T)))

#define SCAN(NAME, T, OP, VOP, LANES, TO, FROM, ANY_ORDER)                                        \
  PJ_TARGET static void PJ_V(scan_##NAME)(int64_t n, const void *px, void *po, bool backwards,    \
                                          const void *neutral, void *pcarry) {                    \
    typedef T Elem __attribute__((may_alias));                                                    \
    typedef T Vec __attribute__((vector_size(LANES * sizeof(T)), aligned(sizeof(T)), may_alias)); \
    typedef T Ints __attribute__((vector_size(LANES * sizeof(T)), unused));                       \
    const Elem *x = px, carry = TO(T, *(const Elem *)pcarry);                                     \
    Elem *o = po, local = TO(T, *(const Elem *)neutral);                                          \
    Vec none, outer, locals;                                                                      \
    for (int k = 0; k < LANES; ++k) {                                                             \
      none[k] = locals[k] = local;                                                                \
      outer[k] = carry;                                                                           \
    }                                                                                             \
    int64_t i = 0;                                                                                \
    if (ANY_ORDER && !o) { /* the total */                                                        \
      Vec sums[4] = {none, none, none, none};                                                     \
      for (; i + 4 * LANES <= n; i += 4 * LANES)                                                  \
        PJ_UNROLL for (int k = 0; k < 4; ++k) {                                                   \
          const Vec v = *(const Vec *)(x + i + k * LANES);                                        \
          sums[k] = VOP(sums[k], TO(T, v));                                                       \
        }                                                                                         \
      sums[0] = VOP(VOP(sums[0], sums[1]), VOP(sums[2], sums[3]));                                \
      for (int k = 0; k < LANES; ++k)                                                             \
        local = OP(T, local, sums[0][k]);                                                         \
      for (; i < n; ++i)                                                                          \
        local = OP(T, local, TO(T, x[i]));                                                        \
      *(Elem *)pcarry = FROM(T, OP(T, carry, local));                                             \
      return;                                                                                     \
    }                                                                                             \
    for (; i + LANES <= n; i += LANES) {                                                          \
      const int64_t at = backwards ? n - LANES - i : i;                                           \
      Vec v = *(const Vec *)(x + at);                                                             \
      if (backwards)                                                                              \
        v = TURN_##LANES(v);                                                                      \
      v = TO(T, v);                                                                               \
      UP_##LANES(v, none, VOP) const Vec all = VOP(locals, v);                                    \
      /* All that the next vector waits for; lanes of half a register move in one cycle. */       \
      if (sizeof v == 16)                                                                         \
        locals = LAST_##LANES(all);                                                               \
      else                                                                                        \
        locals = VOP(locals, LAST_##LANES(v));                                                    \
      if (!o)                                                                                     \
        continue;                                                                                 \
      v = FROM(T, VOP(outer, all));                                                               \
      if (backwards)                                                                              \
        v = TURN_##LANES(v);                                                                      \
      *(Vec *)(o + at) = v;                                                                       \
    }                                                                                             \
    local = locals[0];                                                                            \
    for (; i < n; ++i) {                                                                          \
      const int64_t at = backwards ? n - 1 - i : i;                                               \
      local = OP(T, local, TO(T, x[at]));                                                         \
      if (o)                                                                                      \
        o[at] = FROM(T, OP(T, carry, local));                                                     \
    }                                                                                             \
    *(Elem *)pcarry = FROM(T, OP(T, carry, local));                                               \
  }

#define INT_PAIRS(S, T)   \
  PAIRS(add_##S, T, ADD)  \
  PAIRS(mul_##S, T, UMUL) \
  PAIRS(max_##S, T, MAX)  \
  PAIRS(min_##S, T, MIN)  \
  PAIRS(and_##S, T, AND)  \
  PAIRS(or_##S, T, OR)    \
  PAIRS(xor_##S, T, XOR)
// Sums and products of signed numbers are those of unsigned ones.
INT_PAIRS(u8, uint8_t)
INT_PAIRS(u16, uint16_t)
INT_PAIRS(u32, uint32_t)
INT_PAIRS(u64, uint64_t)
#define SIGNED_PAIRS(S, T) PAIRS(max_##S, T, MAX) PAIRS(min_##S, T, MIN)
SIGNED_PAIRS(s8, int8_t)
SIGNED_PAIRS(s16, int16_t)
SIGNED_PAIRS(s32, int32_t)
SIGNED_PAIRS(s64, int64_t)
#define FLOAT_PAIRS(S, T) \
  PAIRS(add_##S, T, ADD) PAIRS(mul_##S, T, MUL) PAIRS(max_##S, T, FMAX) PAIRS(min_##S, T, FMIN)
FLOAT_PAIRS(f32, float)
FLOAT_PAIRS(f64, double)

#define INT_SCAN(NAME, T, OP, VOP, LANES) SCAN(NAME, T, OP, VOP, LANES, AS_IS, AS_IS, true)
#define INT_SCANS(S, T, LANES)            \
  INT_SCAN(add_##S, T, ADD, VADD, LANES)  \
  INT_SCAN(mul_##S, T, UMUL, VMUL, LANES) \
  INT_SCAN(and_##S, T, AND, VAND, LANES)  \
  INT_SCAN(or_##S, T, OR, VOR, LANES)     \
  INT_SCAN(xor_##S, T, XOR, VXOR, LANES)
INT_SCANS(u8, uint8_t, 16)
INT_SCANS(u16, uint16_t, 8)
INT_SCANS(u32, uint32_t, 8)
INT_SCANS(u64, uint64_t, 4)
#define EXTREME_SCANS(S, T, LANES, VMAXS, VMINS) \
  INT_SCAN(max_##S, T, MAX, VMAXS, LANES) INT_SCAN(min_##S, T, MIN, VMINS, LANES)
EXTREME_SCANS(u8, uint8_t, 16, VMAX, VMIN)
EXTREME_SCANS(s8, int8_t, 16, VMAX, VMIN)
EXTREME_SCANS(u16, uint16_t, 8, VMAX, VMIN)
EXTREME_SCANS(s16, int16_t, 8, VMAX, VMIN)
EXTREME_SCANS(u32, uint32_t, 8, HALF_MAX_u32, HALF_MIN_u32)
EXTREME_SCANS(s32, int32_t, 8, HALF_MAX_s32, HALF_MIN_s32)
EXTREME_SCANS(u64, uint64_t, 4, HALF_MAX_u64, HALF_MIN_u64)
EXTREME_SCANS(s64, int64_t, 4, HALF_MAX_s64, HALF_MIN_s64)
#define FLOAT_SCANS(S, T, I, IS, LANES)                                \
  SCAN(add_##S, T, ADD, VADD, LANES, AS_IS, AS_IS, false)              \
  SCAN(mul_##S, T, MUL, VMUL, LANES, AS_IS, AS_IS, false)              \
  SCAN(max_##S, I, MAX, HALF_MAX_##IS, LANES, NAN_LAST, ORDERED, true) \
  SCAN(min_##S, I, MIN, HALF_MIN_##IS, LANES, NAN_FIRST, ORDERED, true)
FLOAT_SCANS(f32, float, int32_t, s32, 8)
FLOAT_SCANS(f64, double, int64_t, s64, 4)

// |PVOP|: VOP on vectors of any length.
#define BOTH(NAME, T, I, OP, VOP, PVOP) MANY(NAME, T, I, OP, VOP) ROWS_FN(NAME, T, I, OP, VOP, PVOP)
#define MANIES(S, T, I, MAXS, MINS, VMAXS, VMINS, PMAXS, PMINS) \
  BOTH(add_##S, T, I, ADD, VADD, VADD)                          \
  BOTH(mul_##S, T, I, MUL, VMUL, VMUL)                          \
  BOTH(max_##S, T, I, MAXS, VMAXS, PMAXS)                       \
  BOTH(min_##S, T, I, MINS, VMINS, PMINS)
MANIES(u32, uint32_t, uint32_t, MAX, MIN, VMAX, VMIN, VMAX, VMIN)
MANIES(f32, float, uint32_t, FMAX, FMIN, WIDE_MAX_f32, WIDE_MIN_f32, VFMAX, VFMIN)
MANIES(f64, double, uint64_t, FMAX, FMIN, WIDE_MAX_f64, WIDE_MIN_f64, VFMAX, VFMIN)
BOTH(max_s32, int32_t, int32_t, MAX, VMAX, VMAX)
BOTH(min_s32, int32_t, int32_t, MIN, VMIN, VMIN)

#define INT_ROW(F, S, U)                                                  \
  {                                                                       \
    [PJ_FOLD_ADD] = PJ_V(F##_add_##U), [PJ_FOLD_MUL] = PJ_V(F##_mul_##U), \
    [PJ_FOLD_MAX] = PJ_V(F##_max_##S), [PJ_FOLD_MIN] = PJ_V(F##_min_##S), \
    [PJ_FOLD_AND] = PJ_V(F##_and_##U), [PJ_FOLD_OR] = PJ_V(F##_or_##U),   \
    [PJ_FOLD_XOR] = PJ_V(F##_xor_##U)                                     \
  }
#define FLOAT_ROW(F, S)                                                   \
  {                                                                       \
    [PJ_FOLD_ADD] = PJ_V(F##_add_##S), [PJ_FOLD_MUL] = PJ_V(F##_mul_##S), \
    [PJ_FOLD_MAX] = PJ_V(F##_max_##S), [PJ_FOLD_MIN] = PJ_V(F##_min_##S)  \
  }
// On truth values addition is `or` and multiplication is `and`.
#define ROWS(F)                                                                         \
  {                                                                                     \
    [PJ_DT_PRED] = {[PJ_FOLD_ADD] = PJ_V(F##_or_u8),  [PJ_FOLD_MUL] = PJ_V(F##_and_u8), \
                    [PJ_FOLD_MAX] = PJ_V(F##_or_u8),  [PJ_FOLD_MIN] = PJ_V(F##_and_u8), \
                    [PJ_FOLD_AND] = PJ_V(F##_and_u8), [PJ_FOLD_OR] = PJ_V(F##_or_u8),   \
                    [PJ_FOLD_XOR] = PJ_V(F##_xor_u8)},                                  \
    [PJ_DT_S8] = INT_ROW(F, s8, u8), [PJ_DT_S16] = INT_ROW(F, s16, u16),                \
    [PJ_DT_S32] = INT_ROW(F, s32, u32), [PJ_DT_S64] = INT_ROW(F, s64, u64),             \
    [PJ_DT_INDEX] = INT_ROW(F, s64, u64), [PJ_DT_U8] = INT_ROW(F, u8, u8),              \
    [PJ_DT_U16] = INT_ROW(F, u16, u16), [PJ_DT_U32] = INT_ROW(F, u32, u32),             \
    [PJ_DT_U64] = INT_ROW(F, u64, u64), [PJ_DT_F32] = FLOAT_ROW(F, f32),                \
    [PJ_DT_F64] = FLOAT_ROW(F, f64),                                                    \
  }
static PjPairsFn *const PJ_V(pairs)[PJ_DT_COUNT][PJ_FOLDS] = ROWS(pairs);
static PjScanFn *const PJ_V(scans)[PJ_DT_COUNT][PJ_FOLDS] = ROWS(scan);
#define MANY_ROW(F, S, U)                                                 \
  {                                                                       \
    [PJ_FOLD_ADD] = PJ_V(F##_add_##U), [PJ_FOLD_MUL] = PJ_V(F##_mul_##U), \
    [PJ_FOLD_MAX] = PJ_V(F##_max_##S), [PJ_FOLD_MIN] = PJ_V(F##_min_##S)  \
  }
#define MANY_ROWS(F)                                                          \
  {                                                                           \
    [PJ_DT_S32] = MANY_ROW(F, s32, u32), [PJ_DT_U32] = MANY_ROW(F, u32, u32), \
    [PJ_DT_F32] = MANY_ROW(F, f32, f32), [PJ_DT_F64] = MANY_ROW(F, f64, f64), \
  }
static PjManyFn *const PJ_V(manies)[PJ_DT_COUNT][PJ_FOLDS] = MANY_ROWS(many);
static PjRowsFn *const PJ_V(rows)[PJ_DT_COUNT][PJ_FOLDS] = MANY_ROWS(rows);
static PjRowsFn *const PJ_V(few)[PJ_DT_COUNT][PJ_FOLDS] = MANY_ROWS(few);
enum { PJ_V(vector_bytes) = PJ_VB };
#undef MANY
#undef MANIES
#undef MANY_ROW
#undef MANY_ROWS
#undef BOTH
#undef ROWS_OF
#undef ROWS_HEAD
#undef PIECE
#undef PIECE_OP
#undef PIECES_OF
#undef ROWS_FN
#undef PAIRS
#undef AS_IS
#undef MOST
#undef INFINITE
#undef SIGNS
#undef IS_NAN
#undef ORDERED
#undef NAN_LAST
#undef NAN_FIRST
#undef SCAN
#undef INT_SCAN
#undef INT_SCANS
#undef EXTREME_SCANS
#undef FLOAT_SCANS
#undef UP_16
#undef UP_8
#undef UP_4
#undef TURN_16
#undef TURN_8
#undef TURN_4
#undef LAST_16
#undef LAST_8
#undef LAST_4
#undef INT_PAIRS
#undef SIGNED_PAIRS
#undef FLOAT_PAIRS
#undef INT_ROW
#undef FLOAT_ROW
#undef ROWS

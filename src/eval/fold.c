// Loops of reductions, made by macros for each operation and type.
//
// Order: every loop is a fixed tree over the index, so results depend on nothing but the input.
// Sums of floats by |row| have an error that grows with the logarithm of the length.
#include "eval/fold.h"

#include <string.h>

#include "eval/extrema.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("tree-vectorize,vect-cost-model=dynamic")
#endif

enum { LANES = 16, BLOCK = 256 };

// Integers wrap: arithmetic happens in U, unsigned and at least as wide as int.
#define ADD(T, U, a, b)  ((T)((U)(a) + (U)(b)))
#define MUL(T, U, a, b)  ((T)((U)(a) * (U)(b)))
#define MAX(T, U, a, b)  ((a) > (b) ? (a) : (b))
#define MIN(T, U, a, b)  ((a) < (b) ? (a) : (b))
#define AND(T, U, a, b)  ((T)((a) & (b)))
#define OR(T, U, a, b)   ((T)((a) | (b)))
#define XOR(T, U, a, b)  ((T)((a) ^ (b)))
#define FADD(T, U, a, b) ((a) + (b))
#define FMUL(T, U, a, b) ((a) * (b))
#define FMAX(T, U, a, b) max_##T((a), (b))
#define FMIN(T, U, a, b) min_##T((a), (b))

#define LOOPS(NAME, T, U, OP)                                                     \
  static void vec_##NAME(int64_t n, void *acc, const void *x, int64_t x_stride) { \
    T *a = acc;                                                                   \
    const T *b = x;                                                               \
    if (x_stride == 1)                                                            \
      for (int64_t i = 0; i < n; ++i)                                             \
        a[i] = OP(T, U, a[i], b[i]);                                              \
    else                                                                          \
      for (int64_t i = 0; i < n; ++i)                                             \
        a[i] = OP(T, U, a[i], b[i * x_stride]);                                   \
  }                                                                               \
  static T tree_##NAME(int64_t n, const T *x) { /* n >= LANES */                  \
    if (n > BLOCK) {                                                              \
      int64_t half = (n / 2 + BLOCK - 1) / BLOCK * BLOCK;                         \
      T left = tree_##NAME(half, x);                                              \
      if (n - half < LANES) {                                                     \
        for (int64_t i = half; i < n; ++i)                                        \
          left = OP(T, U, left, x[i]);                                            \
        return left;                                                              \
      }                                                                           \
      T right = tree_##NAME(n - half, x + half);                                  \
      return OP(T, U, left, right);                                               \
    }                                                                             \
    T lane[LANES];                                                                \
    int64_t i = LANES;                                                            \
    for (int k = 0; k < LANES; ++k)                                               \
      lane[k] = x[k];                                                             \
    for (; i + LANES <= n; i += LANES)                                            \
      for (int k = 0; k < LANES; ++k)                                             \
        lane[k] = OP(T, U, lane[k], x[i + k]);                                    \
    for (int k = 0; i < n; ++i, ++k)                                              \
      lane[k] = OP(T, U, lane[k], x[i]);                                          \
    for (int width = LANES / 2; width; width /= 2)                                \
      for (int k = 0; k < width; ++k)                                             \
        lane[k] = OP(T, U, lane[k], lane[k + width]);                             \
    return lane[0];                                                               \
  }                                                                               \
  static void row_##NAME(int64_t n, const void *x, void *acc) {                   \
    const T *b = x;                                                               \
    T a = *(T *)acc;                                                              \
    if (n < LANES) {                                                              \
      for (int64_t i = 0; i < n; ++i)                                             \
        a = OP(T, U, a, b[i]);                                                    \
    } else {                                                                      \
      T tree = tree_##NAME(n, b);                                                 \
      a = OP(T, U, a, tree);                                                      \
    }                                                                             \
    *(T *)acc = a;                                                                \
  }                                                                               \
  static void scan_##NAME(int64_t n, const void *x, int64_t x_stride, void *out,  \
                          int64_t out_stride, void *acc) {                        \
    const T *b = x;                                                               \
    T *o = out, a = *(T *)acc;                                                    \
    for (int64_t i = 0; i < n; ++i, b += x_stride, o += out_stride)               \
      *o = a = OP(T, U, a, *b);                                                   \
    *(T *)acc = a;                                                                \
  }

#define INT_LOOPS(S, T, U)  \
  LOOPS(add_##S, T, U, ADD) \
  LOOPS(mul_##S, T, U, MUL) \
  LOOPS(max_##S, T, U, MAX) \
  LOOPS(min_##S, T, U, MIN) \
  LOOPS(and_##S, T, U, AND) \
  LOOPS(or_##S, T, U, OR)   \
  LOOPS(xor_##S, T, U, XOR)
#define FLOAT_LOOPS(S, T)    \
  LOOPS(add_##S, T, T, FADD) \
  LOOPS(mul_##S, T, T, FMUL) \
  LOOPS(max_##S, T, T, FMAX) \
  LOOPS(min_##S, T, T, FMIN)

INT_LOOPS(s8, int8_t, uint32_t)
INT_LOOPS(s16, int16_t, uint32_t)
INT_LOOPS(s32, int32_t, uint32_t)
INT_LOOPS(s64, int64_t, uint64_t)
INT_LOOPS(u8, uint8_t, uint32_t)
INT_LOOPS(u16, uint16_t, uint32_t)
INT_LOOPS(u32, uint32_t, uint32_t)
INT_LOOPS(u64, uint64_t, uint64_t)
FLOAT_LOOPS(f32, float)
FLOAT_LOOPS(f64, double)

#define FOLD(NAME) \
  { vec_##NAME, row_##NAME, scan_##NAME }
#define INT_ROW(S)                                                                           \
  {                                                                                          \
    FOLD(add_##S), FOLD(mul_##S), FOLD(max_##S), FOLD(min_##S), FOLD(and_##S), FOLD(or_##S), \
        FOLD(xor_##S)                                                                        \
  }
#define FLOAT_ROW(S) \
  { FOLD(add_##S), FOLD(mul_##S), FOLD(max_##S), FOLD(min_##S) }

enum { ADD_OP, MUL_OP, MAX_OP, MIN_OP, AND_OP, OR_OP, XOR_OP, NUM_OPS };

static const PjFold table[PJ_DT_COUNT][NUM_OPS] = {
    // On truth values addition is `or` and multiplication is `and`.
    [PJ_DT_PRED] = {FOLD(or_u8), FOLD(and_u8), FOLD(or_u8), FOLD(and_u8), FOLD(and_u8), FOLD(or_u8),
                    FOLD(xor_u8)},
    [PJ_DT_S8] = INT_ROW(s8),
    [PJ_DT_S16] = INT_ROW(s16),
    [PJ_DT_S32] = INT_ROW(s32),
    [PJ_DT_S64] = INT_ROW(s64),
    [PJ_DT_U8] = INT_ROW(u8),
    [PJ_DT_U16] = INT_ROW(u16),
    [PJ_DT_U32] = INT_ROW(u32),
    [PJ_DT_U64] = INT_ROW(u64),
    [PJ_DT_INDEX] = INT_ROW(s64),
    [PJ_DT_F32] = FLOAT_ROW(f32),
    [PJ_DT_F64] = FLOAT_ROW(f64),
};

bool pj_fold_select(PjOpKind kind, PjDtype dtype, PjFold *out) {
  int op;
  switch (kind) {
  case PJ_OP_ADD:
    op = ADD_OP;
    break;
  case PJ_OP_MULTIPLY:
    op = MUL_OP;
    break;
  case PJ_OP_MAXIMUM:
    op = MAX_OP;
    break;
  case PJ_OP_MINIMUM:
    op = MIN_OP;
    break;
  case PJ_OP_AND:
    op = AND_OP;
    break;
  case PJ_OP_OR:
    op = OR_OP;
    break;
  case PJ_OP_XOR:
    op = XOR_OP;
    break;
  default:
    return false;
  }
  *out = table[dtype][op];
  return out->vec != NULL;
}

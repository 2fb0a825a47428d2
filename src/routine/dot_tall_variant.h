// The kernel of dot_tall.c for one instruction set: a vector of rows at a time, one to a lane.
#include "routine/lanes_variant.h"

// TALL(S, T, COLS): rows of a, |rows| full vectors of them, by COLS columns.
#define TALL(S, T, COLS)                                                                  \
  PJ_TARGET static void PJ_V(tall_##S##_##COLS)(const PjTallBlock *t, int64_t rows,       \
                                                const void *pa, const void *pb, void *pc, \
                                                int64_t room) {                           \
    enum { N = PJ_LANES_##S, GROUPS = (COLS + N - 1) / N };                               \
    const T *a = pa;                                                                      \
    T *c = pc;                                                                            \
    const int64_t step = t->a_row, b_sum = t->b_sum, b_col = t->b_col, k = t->k;          \
    for (int64_t i = 0; i < rows; i += N, a += N * step) {                                \
      PJ_V(Vec##S) sum[GROUPS * N];                                                       \
      memset(sum, 0, sizeof sum);                                                         \
      const T *b = pb;                                                                    \
      for (int64_t p = 0; p < k; p += N) {                                                \
        /* A whole vector of each row, where the array goes on for so long behind it. */  \
        PJ_V(Vec##S) x[N];                                                                \
        if ((i + N - 1) * step + p + N <= room) {                                         \
          PJ_UNROLL for (int l = 0; l < N; ++l) x[l] =                                    \
              *(const PJ_V(Loose##S) *)(a + l * step + p);                                \
        } else {                                                                          \
          memset(x, 0, sizeof x);                                                         \
          for (int l = 0; l < N; ++l)                                                     \
            memcpy(&x[l], a + l * step + p, (size_t)pj__min(N, k - p) * sizeof(T));       \
        }                                                                                 \
        PJ_V(turn_##S)(x);                                                                \
        for (int64_t q = 0; q < pj__min(N, k - p); ++q, b += b_sum) {                     \
          PJ_UNROLL for (int j = 0; j < COLS; ++j) sum[j] += x[q] * b[j * b_col];         \
        }                                                                                 \
      }                                                                                   \
      PJ_UNROLL for (int g = 0; g < GROUPS; ++g) PJ_V(turn_##S)(sum + g * N);             \
      /* A row's vectors reach into the next rows, which come after it. */                \
      const int whole = i + 2 * N <= rows ? N : (N * COLS - GROUPS * N) / COLS + 1;       \
      for (int l = 0; l < N; ++l, c += COLS) {                                            \
        if (l < whole) {                                                                  \
          PJ_UNROLL for (int g = 0; g < GROUPS; ++g) * (PJ_V(Loose##S) *)(c + g * N) =    \
              sum[g * N + l];                                                             \
        } else {                                                                          \
          T line[GROUPS * N];                                                             \
          PJ_UNROLL for (int g = 0; g < GROUPS; ++g) * (PJ_V(Loose##S) *)(line + g * N) = \
              sum[g * N + l];                                                             \
          memcpy(c, line, COLS * sizeof(T));                                              \
        }                                                                                 \
      }                                                                                   \
    }                                                                                     \
  }
#define TALLS(S, T)                                                                   \
  TALL(S, T, 1)                                                                       \
  TALL(S, T, 2)                                                                       \
  TALL(S, T, 3)                                                                       \
  TALL(S, T, 4)                                                                       \
  TALL(S, T, 5)                                                                       \
  TALL(S, T, 6)                                                                       \
  TALL(S, T, 7)                                                                       \
  TALL(S, T, 8)                                                                       \
  static PjTallKernel *const PJ_V(talls_##S)[] = {                                    \
      PJ_V(tall_##S##_1), PJ_V(tall_##S##_2), PJ_V(tall_##S##_3), PJ_V(tall_##S##_4), \
      PJ_V(tall_##S##_5), PJ_V(tall_##S##_6), PJ_V(tall_##S##_7), PJ_V(tall_##S##_8)};
TALLS(f32, float)
TALLS(f64, double)
static const PjTallKernels PJ_V(tall_kernels)[] = {
    [PJ_COMP_F32] = {PJ_LANES_f32, PJ_V(talls_f32)},
    [PJ_COMP_F64] = {PJ_LANES_f64, PJ_V(talls_f64)},
};
#undef TALL
#undef TALLS

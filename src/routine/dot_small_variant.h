// The kernels of dot_small.c for one instruction set: c = a b for |s->count| products after each
// other, b's columns side by side in vectors of as many lanes as fit into a row of c. The last
// vector of a row lies at the row's end, over the one before where the row is no multiple of it: so
// nothing is read or written beside the matrices, and no lane is masked.

// R rows of one vector of columns.
#define SMALL_ROWS(NAME, T, BYTES, R)                                                       \
  static inline PJ_TARGET __attribute__((always_inline)) void PJ_V(NAME##_##R)(             \
      int64_t k, const T *a, int64_t a_row, int64_t a_sum, const T *b, int64_t b_sum, T *c, \
      int64_t n) {                                                                          \
    typedef T Vec __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));       \
    Vec sum[R];                                                                             \
    PJ_UNROLL for (int r = 0; r < R; ++r) sum[r] = (Vec){0};                                \
    for (int64_t p = 0; p < k; ++p) {                                                       \
      const Vec y = *(const Vec *)(b + p * b_sum);                                          \
      PJ_UNROLL for (int r = 0; r < R; ++r) sum[r] += a[r * a_row + p * a_sum] * y;         \
    }                                                                                       \
    PJ_UNROLL for (int r = 0; r < R; ++r) * (Vec *)(c + r * n) = sum[r];                    \
  }

// One product. With sizes known to the compiler it is written out.
#define SMALL_ONE(NAME, T, BYTES)                                                            \
  SMALL_ROWS(NAME, T, BYTES, 1)                                                              \
  SMALL_ROWS(NAME, T, BYTES, 2)                                                              \
  SMALL_ROWS(NAME, T, BYTES, 3)                                                              \
  SMALL_ROWS(NAME, T, BYTES, 4)                                                              \
  SMALL_ROWS(NAME, T, BYTES, 8)                                                              \
  static inline PJ_TARGET __attribute__((always_inline)) void PJ_V(NAME##_one)(              \
      int64_t m, int64_t n, int64_t k, const T *a, int64_t a_row, int64_t a_sum, const T *b, \
      int64_t b_sum, T *c) {                                                                 \
    enum { LANES = BYTES / sizeof(T) };                                                      \
    for (int64_t i = 0; i < m;) {                                                            \
      const int64_t left = m - i, rows = left >= 8 ? 8 : left >= 4 ? 4 : left;               \
      const T *x = a + i * a_row;                                                            \
      T *z = c + i * n;                                                                      \
      for (int64_t j = 0; j < n; j += LANES) {                                               \
        j = j + LANES > n ? n - LANES : j;                                                   \
        if (rows == 8)                                                                       \
          PJ_V(NAME##_8)(k, x, a_row, a_sum, b + j, b_sum, z + j, n);                        \
        else if (rows == 4)                                                                  \
          PJ_V(NAME##_4)(k, x, a_row, a_sum, b + j, b_sum, z + j, n);                        \
        else if (rows == 3)                                                                  \
          PJ_V(NAME##_3)(k, x, a_row, a_sum, b + j, b_sum, z + j, n);                        \
        else if (rows == 2)                                                                  \
          PJ_V(NAME##_2)(k, x, a_row, a_sum, b + j, b_sum, z + j, n);                        \
        else                                                                                 \
          PJ_V(NAME##_1)(k, x, a_row, a_sum, b + j, b_sum, z + j, n);                        \
      }                                                                                      \
      i += rows;                                                                             \
    }                                                                                        \
  }

// The loop over products; SIZE: of square matrices, or 0 for any.
#define SMALL_LOOP(NAME, ONE, T, SIZE)                                                          \
  PJ_TARGET static void PJ_V(NAME)(const SmallRun *s, const void *pa, const void *pb, void *pc, \
                                   int64_t count, int64_t a_step, int64_t b_step) {             \
    const int64_t m = SIZE ? SIZE : s->m, n = SIZE ? SIZE : s->n, k = SIZE ? SIZE : s->k;       \
    const T *a = pa, *b = pb;                                                                   \
    T *c = pc;                                                                                  \
    T turned[SIZE ? SIZE * SIZE : SMALL_TURNED];                                                \
    for (int64_t at = 0; at < count; ++at, a += a_step, b += b_step, c += m * n) {              \
      const T *y = b;                                                                           \
      int64_t y_sum = s->b_sum;                                                                 \
      if (s->b_col != 1) {                                                                      \
        if (SIZE)                                                                               \
          PJ_UNROLL for (int e = 0; e < SIZE * SIZE; ++e) turned[e] =                           \
              b[e / n * s->b_sum + e % n * s->b_col];                                           \
        else                                                                                    \
          SMALL_TURN(T)(s, k, n, b, turned);                                                    \
        y = turned;                                                                             \
        y_sum = n;                                                                              \
      }                                                                                         \
      PJ_V(ONE)(m, n, k, a, s->a_row, s->a_sum, y, y_sum, c);                                   \
    }                                                                                           \
  }
#define SMALL_WIDTH(NAME, T, BYTES) \
  SMALL_ONE(NAME, T, BYTES)         \
  SMALL_LOOP(NAME, NAME##_one, T, 0)

// Floats of |B| bytes: 2 and 4 lanes everywhere, 8 and 16 where a vector holds them. Of integers
// the short ones only: products of these are rare.
#define SMALL_TYPE(S, T, B)                          \
  SMALL_WIDTH(small_2_##S, T, 2 * B)                 \
  SMALL_WIDTH(small_4_##S, T, 4 * B)                 \
  SMALL_LOOP(small_2x2_##S, small_2_##S##_one, T, 2) \
  SMALL_LOOP(small_3x3_##S, small_2_##S##_one, T, 3) \
  SMALL_LOOP(small_4x4_##S, small_4_##S##_one, T, 4)
SMALL_TYPE(f32, float, 4)
SMALL_TYPE(f64, double, 8)
SMALL_WIDTH(small_2_u32, uint32_t, 8)
SMALL_WIDTH(small_4_u32, uint32_t, 16)
SMALL_WIDTH(small_2_u64, uint64_t, 16)
#if PJ_LEVEL > 0
SMALL_WIDTH(small_8_f32, float, 32)
#endif
#if PJ_LEVEL > 1
SMALL_WIDTH(small_16_f32, float, 64)
SMALL_WIDTH(small_8_f64, double, 64)
#endif

// [comp][logarithm of the lanes - 1]; absent ones are wider than a vector. Doubles of the plain set
// have four lanes in two vectors.
static SmallKernel *const PJ_V(widths)[][4] = {
    [PJ_COMP_F32] =
        {
            PJ_V(small_2_f32),
            PJ_V(small_4_f32),
#if PJ_LEVEL > 0
            PJ_V(small_8_f32),
#endif
#if PJ_LEVEL > 1
            PJ_V(small_16_f32),
#endif
        },
    [PJ_COMP_F64] =
        {
            PJ_V(small_2_f64),
            PJ_V(small_4_f64),
#if PJ_LEVEL > 1
            PJ_V(small_8_f64),
#endif
        },
    [PJ_COMP_U32] =
        {
            PJ_V(small_2_u32),
            PJ_V(small_4_u32),
        },
    [PJ_COMP_U64] = {PJ_V(small_2_u64)},
};
// [comp is double][size - 2]
static SmallKernel *const PJ_V(squares)[2][3] = {
    {PJ_V(small_2x2_f32), PJ_V(small_3x3_f32), PJ_V(small_4x4_f32)},
    {PJ_V(small_2x2_f64), PJ_V(small_3x3_f64), PJ_V(small_4x4_f64)},
};
#undef SMALL_ROWS
#undef SMALL_ONE
#undef SMALL_LOOP
#undef SMALL_WIDTH
#undef SMALL_TYPE

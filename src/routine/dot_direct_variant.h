// Tiles of dot_direct.c: c[i, j] (+)= sum over p < sums of a[i, p] * b[p, j] for ROWS rows and
// three vectors of columns, or |count| columns in one vector or, on AVX-512, in half a one, of
// which that processor does two at a time.

// Vectors of which only some lanes are in memory: a mask of the first |count|, reading, writing.
#if PJ_LEVEL == 2
#define FIRST(T, LANES, count)   ((uint32_t)(((uint64_t)1 << (count)) - 1))
#define READ_f32_64(p, mask)     _mm512_maskz_loadu_ps((__mmask16)(mask), p)
#define READ_f32_32(p, mask)     _mm256_maskz_loadu_ps((__mmask8)(mask), p)
#define READ_f64_64(p, mask)     _mm512_maskz_loadu_pd((__mmask8)(mask), p)
#define READ_f64_32(p, mask)     _mm256_maskz_loadu_pd((__mmask8)(mask), p)
#define WRITE_f32_64(p, mask, x) _mm512_mask_storeu_ps(p, (__mmask16)(mask), (__m512)(x))
#define WRITE_f32_32(p, mask, x) _mm256_mask_storeu_ps(p, (__mmask8)(mask), (__m256)(x))
#define WRITE_f64_64(p, mask, x) _mm512_mask_storeu_pd(p, (__mmask8)(mask), (__m512d)(x))
#define WRITE_f64_32(p, mask, x) _mm256_mask_storeu_pd(p, (__mmask8)(mask), (__m256d)(x))
#elif PJ_LEVEL == 1
#define FIRST(T, LANES, count) \
  _mm256_loadu_si256(          \
      (const __m256i_u *)((const char *)lane_masks + 32 - (size_t)(count) * sizeof(T)))
#define READ_f32_32(p, mask)     _mm256_maskload_ps(p, mask)
#define READ_f64_32(p, mask)     _mm256_maskload_pd(p, mask)
#define WRITE_f32_32(p, mask, x) _mm256_maskstore_ps(p, mask, (__m256)(x))
#define WRITE_f64_32(p, mask, x) _mm256_maskstore_pd(p, mask, (__m256d)(x))
#else
#define FIRST(T, LANES, count) ((size_t)(count) * sizeof(T))
#define READ_BASE(p, mask)     \
  ({                           \
    Vec read_ = {0};           \
    memcpy(&read_, (p), mask); \
    read_;                     \
  })
#define READ_f32_16(p, mask)     READ_BASE(p, mask)
#define READ_f64_16(p, mask)     READ_BASE(p, mask)
#define WRITE_f32_16(p, mask, x) memcpy(p, &(x), mask)
#define WRITE_f64_16(p, mask, x) memcpy(p, &(x), mask)
#endif

#define DIRECT_BEGIN(T, BYTES, ROWS, VECTORS)                                                      \
  typedef T Vec __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));                \
  enum { LANES = BYTES / sizeof(T) };                                                              \
  const T *a = pa, *b = pb;                                                                        \
  const int64_t row = f->a_row, a_sum = f->a_sum, b_sum = f->b_sum, ahead = f->ahead,              \
                c_row = f->c_row, sums = f->sums, ahead_first = f->ahead_first,                    \
                ahead_end = ahead_first + f->ahead_sums;                                           \
  T *c = pc;                                                                                       \
  Vec sum[ROWS][VECTORS];                                                                          \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i) PJ_UNROLL for (int v = 0; v < VECTORS; ++v) sum[i][v] = \
      (Vec){0};
#define DIRECT_SUMS(T, BYTES, ROWS, VECTORS, READ)                                      \
  for (int64_t p = 0; p < sums; ++p, a += a_sum, b += b_sum) {                          \
    Vec x[VECTORS];                                                                     \
    if (p >= ahead_first && p < ahead_end)                                              \
      PJ_UNROLL for (int v = 0; v < VECTORS * BYTES; v += PJ_DIRECT_LINE)               \
          __builtin_prefetch((const char *)(b + ahead) + v + PJ_DIRECT_LINE - 1, 0, 2); \
    PJ_UNROLL for (int v = 0; v < VECTORS; ++v) x[v] = (Vec)READ;                       \
    PJ_UNROLL for (int i = 0; i < ROWS; ++i) {                                          \
      const T y = a[i * row];                                                           \
      PJ_UNROLL for (int v = 0; v < VECTORS; ++v) sum[i][v] += y * x[v];                \
    }                                                                                   \
  }
#define DIRECT_WIDE(NAME, T, ROWS, VECTORS)                                                  \
  PJ_TARGET static void PJ_V(NAME)(const PjDirectBlock *f, const void *pa, const void *pb,   \
                                   void *pc) {                                               \
    DIRECT_BEGIN(T, PJ_VB, ROWS, VECTORS)                                                    \
    if (sums > PJ_DIRECT_LONG)                                                               \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i)                                               \
          PJ_UNROLL for (int v = 0; v < VECTORS * PJ_VB; v += PJ_DIRECT_LINE)                \
              __builtin_prefetch((const char *)(c + i * c_row) + v + PJ_DIRECT_LINE - 1, 1); \
    DIRECT_SUMS(T, PJ_VB, ROWS, VECTORS, *(const Vec *)(b + v * LANES))                      \
    if (f->add)                                                                              \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i) PJ_UNROLL for (int v = 0; v < VECTORS; ++v)   \
          sum[i][v] += *(const Vec *)(c + i * c_row + v * LANES);                            \
    PJ_UNROLL for (int i = 0; i < ROWS; ++i, c += c_row)                                     \
            PJ_UNROLL for (int v = 0; v < VECTORS; ++v) *                                    \
        (Vec *)(c + v * LANES) = sum[i][v];                                                  \
  }
#define DIRECT_ONE(NAME, S, T, BYTES, ROWS) DIRECT_ONE_OF(NAME, S, T, BYTES, ROWS)
// Tiles of few rows have several sums of each element, for one of them waits for its last addition.
#define DIRECT_ONE_OF(NAME, S, T, BYTES, ROWS)                                                    \
  PJ_TARGET static void PJ_V(NAME)(const PjDirectBlock *f, const void *pa, const void *pb,        \
                                   void *pc) {                                                    \
    enum { WAYS = ROWS < 3 ? 4 : ROWS < 5 ? 2 : 1 };                                              \
    typedef T Vec __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));             \
    enum { LANES = BYTES / sizeof(T) };                                                           \
    const T *a = pa, *b = pb;                                                                     \
    const int64_t row = f->a_row, a_sum = f->a_sum, b_sum = f->b_sum, c_row = f->c_row,           \
                  sums = f->sums;                                                                 \
    T *c = pc;                                                                                    \
    Vec sum[ROWS][WAYS];                                                                          \
    PJ_UNROLL for (int i = 0; i < ROWS; ++i) PJ_UNROLL for (int w = 0; w < WAYS; ++w) sum[i][w] = \
        (Vec){0};                                                                                 \
    const __auto_type mask = FIRST(T, LANES, f->count);                                           \
    int64_t p = 0;                                                                                \
    for (; p + WAYS <= sums; p += WAYS)                                                           \
      PJ_UNROLL for (int w = 0; w < WAYS; ++w, a += a_sum, b += b_sum) {                          \
        const Vec x = (Vec)READ_##S##_##BYTES(b, mask);                                           \
        PJ_UNROLL for (int i = 0; i < ROWS; ++i) sum[i][w] += a[i * row] * x;                     \
      }                                                                                           \
    for (; p < sums; ++p, a += a_sum, b += b_sum) {                                               \
      const Vec x = (Vec)READ_##S##_##BYTES(b, mask);                                             \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i) sum[i][0] += a[i * row] * x;                       \
    }                                                                                             \
    PJ_UNROLL for (int n = WAYS / 2; n > 0; n /= 2) PJ_UNROLL for (int w = 0; w < n; ++w)         \
        PJ_UNROLL for (int i = 0; i < ROWS; ++i) sum[i][w] += sum[i][w + n];                      \
    if (f->add)                                                                                   \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i) sum[i][0] +=                                       \
          (Vec)READ_##S##_##BYTES(c + i * c_row, mask);                                           \
    if (f->count == LANES) {                                                                      \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i, c += c_row) * (Vec *)c = sum[i][0];                \
    } else {                                                                                      \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i, c += c_row)                                        \
          WRITE_##S##_##BYTES(c, mask, sum[i][0]);                                                \
    }                                                                                             \
  }
#if PJ_LEVEL == 2
#define DIRECT_FEW(ROWS, S, T)                        \
  DIRECT_WIDE(direct_wide_##S##_##ROWS, T, ROWS, 3)   \
  DIRECT_ONE(direct_one_##S##_##ROWS, S, T, 64, ROWS) \
  DIRECT_ONE(direct_half_##S##_##ROWS, S, T, 32, ROWS)
#define DIRECT_MORE(ROWS, S, T) DIRECT_FEW(ROWS, S, T)
#define WIDE_OF(S) \
  { EIGHT_OF(wide, S) }
#define HALF_OF(S) \
  { EIGHT_OF(half, S) }
#define DIRECT_OF(S, BYTES) \
  { PJ_VB / BYTES, PJ_VB / BYTES / 2, 8, 8, 256, PJ_V(direct_##S) }
#else
#define DIRECT_FEW(ROWS, S, T)                      \
  DIRECT_WIDE(direct_wide_##S##_##ROWS, T, ROWS, 3) \
  DIRECT_MORE(ROWS, S, T)
#define DIRECT_MORE(ROWS, S, T) DIRECT_ONE(direct_one_##S##_##ROWS, S, T, PJ_VB, ROWS)
#define WIDE_OF(S) \
  { FOUR_OF(wide, S) }
#define HALF_OF(S) \
  { NULL }
#define DIRECT_OF(S, BYTES) \
  { PJ_VB / BYTES, 0, 8, 4, 128, PJ_V(direct_##S) }
#endif
#define FOUR_OF(KIND, S)                                                                       \
  PJ_V(direct_##KIND##_##S##_1), PJ_V(direct_##KIND##_##S##_2), PJ_V(direct_##KIND##_##S##_3), \
      PJ_V(direct_##KIND##_##S##_4)
#define EIGHT_OF(KIND, S)                                                         \
  FOUR_OF(KIND, S), PJ_V(direct_##KIND##_##S##_5), PJ_V(direct_##KIND##_##S##_6), \
      PJ_V(direct_##KIND##_##S##_7), PJ_V(direct_##KIND##_##S##_8)
#define DIRECT_ALL(S, T)                                            \
  DIRECT_FEW(1, S, T)                                               \
  DIRECT_FEW(2, S, T)                                               \
  DIRECT_FEW(3, S, T)                                               \
  DIRECT_FEW(4, S, T)                                               \
  DIRECT_MORE(5, S, T)                                              \
  DIRECT_MORE(6, S, T)                                              \
  DIRECT_MORE(7, S, T)                                              \
  DIRECT_MORE(8, S, T)                                              \
  static PjDirectTile *const PJ_V(direct_##S)[][PJ_DIRECT_ROWS] = { \
      [PJ_DIRECT_WIDE] = WIDE_OF(S),                                \
      [PJ_DIRECT_ONE] = {EIGHT_OF(one, S)},                         \
      [PJ_DIRECT_HALF] = HALF_OF(S),                                \
  };
DIRECT_ALL(f32, float)
DIRECT_ALL(f64, double)
static const PjDirectKernels PJ_V(direct_kernels)[] = {
    [PJ_COMP_F32] = DIRECT_OF(f32, 4),
    [PJ_COMP_F64] = DIRECT_OF(f64, 8),
};
#undef DIRECT_ALL
#undef DIRECT_FEW
#undef DIRECT_MORE
#undef DIRECT_OF
#undef WIDE_OF
#undef HALF_OF
#undef FOUR_OF
#undef EIGHT_OF
#undef DIRECT_ONE
#undef DIRECT_ONE_OF
#undef DIRECT_WIDE
#undef DIRECT_SUMS
#undef DIRECT_BEGIN
#undef FIRST
#undef READ_BASE
#undef READ_f32_64
#undef READ_f32_32
#undef READ_f32_16
#undef READ_f64_64
#undef READ_f64_32
#undef READ_f64_16
#undef WRITE_f32_64
#undef WRITE_f32_32
#undef WRITE_f32_16
#undef WRITE_f64_64
#undef WRITE_f64_32
#undef WRITE_f64_16

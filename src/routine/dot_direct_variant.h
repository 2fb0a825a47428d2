// Tiles of dot_direct.c: c[i, j] (+)= sum over p < sums of a[i, p] * b[p, j] for ROWS rows and
// three vectors of columns, or, on AVX-512, two, or |count| columns in one vector or, on AVX-512,
// in half a one, of which some do two at a time.

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
#if PJ_LEVEL == 1
// The whole tile of four rows: as DIRECT_WIDE, with sums in the registers ymm4 to ymm15 (why:
// gemm_variant.h). Strides in bytes.
#define DIRECT_ROW(S, AT, X, Y, Z)                  \
  "vbroadcasts" S " " AT ", %%ymm3\n\t"             \
  "vfmadd231p" S " %%ymm0, %%ymm3, %%ymm" #X "\n\t" \
  "vfmadd231p" S " %%ymm1, %%ymm3, %%ymm" #Y "\n\t" \
  "vfmadd231p" S " %%ymm2, %%ymm3, %%ymm" #Z "\n\t"
#define DIRECT_STEP(S)                                                                     \
  "vmovup" S " (%[b]), %%ymm0\n\t"                                                         \
  "vmovup" S " 32(%[b]), %%ymm1\n\t"                                                       \
  "vmovup" S " 64(%[b]), %%ymm2\n\t" DIRECT_ROW(S, "(%[a])", 4, 5, 6)                      \
      DIRECT_ROW(S, "(%[a],%[row])", 7, 8, 9) DIRECT_ROW(S, "(%[a],%[row],2)", 10, 11, 12) \
          DIRECT_ROW(S, "(%[a],%[row3])", 13, 14, 15) "add %[b_sum], %[b]\n\t"             \
                                                      "add %[a_sum], %[a]\n\t"
#define DIRECT_LOOP(S, COUNT, FIRST)                          \
  "test %[" COUNT "], %[" COUNT "]\n\tjle 2f\n\t.p2align 5\n" \
  "1:\n\t" FIRST                                              \
  DIRECT_STEP(S) "dec %[" COUNT "]\n\tjne 1b\n2:\n\t"
#define DIRECT_CLEAR(R)    "vxorps %%ymm" #R ", %%ymm" #R ", %%ymm" #R "\n\t"
#define DIRECT_STORE(I, R) "vmovups %%ymm" #R ", 32*" #I "(%[sums])\n\t"
#define DIRECT_FMA(NAME, T, S)                                                                    \
  PJ_TARGET static void PJ_V(NAME)(const PjDirectBlock *f, const void *pa, const void *pb,        \
                                   void *pc) {                                                    \
    typedef T Vec __attribute__((vector_size(32), aligned(sizeof(T)), may_alias));                \
    enum { LANES = 32 / sizeof(T), ELEM = sizeof(T) };                                            \
    const int64_t c_row = f->c_row, row = f->a_row * ELEM,                                        \
                  first = pj__min(f->ahead_first, f->sums),                                       \
                  last = pj__min(f->ahead_first + f->ahead_sums, f->sums);                        \
    T *c = pc;                                                                                    \
    Vec sum[4][3];                                                                                \
    if (f->sums > PJ_DIRECT_LONG)                                                                 \
      PJ_UNROLL for (int i = 0; i < 4; ++i) {                                                     \
        __builtin_prefetch((const char *)(c + i * c_row) + 63, 1);                                \
        __builtin_prefetch((const char *)(c + i * c_row) + 95, 1);                                \
      }                                                                                           \
    int64_t before = first, with = last - first, after = f->sums - last;                          \
    __asm__ volatile(                                                                             \
        DIRECT_CLEAR(4) DIRECT_CLEAR(5) DIRECT_CLEAR(6) DIRECT_CLEAR(7) DIRECT_CLEAR(8)           \
            DIRECT_CLEAR(9) DIRECT_CLEAR(10) DIRECT_CLEAR(11) DIRECT_CLEAR(12) DIRECT_CLEAR(13)   \
                DIRECT_CLEAR(14) DIRECT_CLEAR(15) DIRECT_LOOP(S, "before", "")                    \
                    DIRECT_LOOP(S, "with",                                                        \
                                "prefetcht1 63(%[b],%[ahead])\n\t"                                \
                                "prefetcht1 95(%[b],%[ahead])\n\t") DIRECT_LOOP(S, "after", "")   \
                        DIRECT_STORE(0, 4) DIRECT_STORE(1, 5) DIRECT_STORE(2, 6)                  \
                            DIRECT_STORE(3, 7) DIRECT_STORE(4, 8) DIRECT_STORE(5, 9)              \
                                DIRECT_STORE(6, 10) DIRECT_STORE(7, 11) DIRECT_STORE(8, 12)       \
                                    DIRECT_STORE(9, 13) DIRECT_STORE(10, 14) DIRECT_STORE(11, 15) \
        :                                                                                         \
        [a] "+r"(pa), [b] "+r"(pb), [before] "+r"(before), [with] "+r"(with), [after] "+r"(after) \
        : [row] "r"(row), [row3] "r"(3 * row), [a_sum] "r"(f->a_sum * ELEM),                      \
          [b_sum] "r"(f->b_sum * ELEM), [ahead] "r"(f->ahead * ELEM), [sums] "r"(sum)             \
        : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
          "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");                          \
    if (f->add)                                                                                   \
      PJ_UNROLL for (int i = 0; i < 4; ++i) PJ_UNROLL for (int v = 0; v < 3; ++v) sum[i][v] +=    \
          *(const Vec *)(c + i * c_row + v * LANES);                                              \
    PJ_UNROLL for (int i = 0; i < 4; ++i, c += c_row) PJ_UNROLL for (int v = 0; v < 3; ++v) *     \
        (Vec *)(c + v * LANES) = sum[i][v];                                                       \
  }
DIRECT_FMA(direct_wide_f32_4, float, "s")
DIRECT_FMA(direct_wide_f64_4, double, "d")
#undef DIRECT_FMA
#undef DIRECT_ROW
#undef DIRECT_STEP
#undef DIRECT_LOOP
#undef DIRECT_CLEAR
#undef DIRECT_STORE
#endif
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
  DIRECT_WIDE(direct_two_##S##_##ROWS, T, ROWS, 2)    \
  DIRECT_ONE(direct_one_##S##_##ROWS, S, T, 64, ROWS) \
  DIRECT_ONE(direct_half_##S##_##ROWS, S, T, 32, ROWS)
#define DIRECT_MORE(ROWS, S, T) DIRECT_FEW(ROWS, S, T)
#define DIRECT_FOUR             DIRECT_FEW
#define WIDE_OF(S) \
  { EIGHT_OF(wide, S) }
#define TWO_OF(S) \
  { EIGHT_OF(two, S) }
#define HALF_OF(S) \
  { EIGHT_OF(half, S) }
#define DIRECT_OF(S, BYTES) \
  { PJ_VB / BYTES, PJ_VB / BYTES / 2, 8, 8, 256, 512, PJ_V(direct_##S) }
#else
#define DIRECT_FEW(ROWS, S, T)                      \
  DIRECT_WIDE(direct_wide_##S##_##ROWS, T, ROWS, 3) \
  DIRECT_MORE(ROWS, S, T)
#define DIRECT_MORE(ROWS, S, T) DIRECT_ONE(direct_one_##S##_##ROWS, S, T, PJ_VB, ROWS)
#if PJ_LEVEL == 1
#define DIRECT_FOUR DIRECT_MORE
#else
#define DIRECT_FOUR DIRECT_FEW
#endif
#define WIDE_OF(S) \
  { FOUR_OF(wide, S) }
#define TWO_OF(S) \
  { NULL }
#define HALF_OF(S) \
  { NULL }
#define DIRECT_OF(S, BYTES) \
  { PJ_VB / BYTES, 0, 8, 4, 128, 128, PJ_V(direct_##S) }
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
  DIRECT_FOUR(4, S, T)                                              \
  DIRECT_MORE(5, S, T)                                              \
  DIRECT_MORE(6, S, T)                                              \
  DIRECT_MORE(7, S, T)                                              \
  DIRECT_MORE(8, S, T)                                              \
  static PjDirectTile *const PJ_V(direct_##S)[][PJ_DIRECT_ROWS] = { \
      [PJ_DIRECT_WIDE] = WIDE_OF(S),                                \
      [PJ_DIRECT_TWO] = TWO_OF(S),                                  \
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
#undef DIRECT_FOUR
#undef DIRECT_OF
#undef WIDE_OF
#undef TWO_OF
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

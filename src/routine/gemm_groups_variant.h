// Groups of neighbours of the sum as words of 32 bits: packing them, and their micro-kernels.

// out[i] = the group of element i of each of |lines|, the first line lowest, with the bits of
// |flip| turned; |n| elements, |width| of them in a sliver, of which PART makes |count|.
#define ZIP(NAME, T, SIZE, PART)                                                                  \
  PJ_TARGET static void PJ_V(NAME)(int64_t n, const void *const *lines, uint32_t flip, int width, \
                                   uint32_t *out, int64_t sliver) {                               \
    const T *x[SIZE];                                                                             \
    PJ_UNROLL for (int q = 0; q < SIZE; ++q) x[q] = lines[q];                                     \
    for (; n > 0; n -= width, out += sliver) {                                                    \
      const int count = n < width ? (int)n : width;                                               \
      PART;                                                                                       \
      PJ_UNROLL for (int q = 0; q < SIZE; ++q) x[q] += width;                                     \
    }                                                                                             \
  }
#define WORDS(WORD)                          \
  if (count == PJ_V(GROUP_NR))               \
    for (int i = 0; i < PJ_V(GROUP_NR); ++i) \
      out[i] = (WORD) ^ flip;                \
  else                                       \
    for (int i = 0; i < count; ++i)          \
    out[i] = (WORD) ^ flip
enum { PJ_V(GROUP_NR) = 2 * PJ_VB / 4 };

#if PJ_LEVEL == 2
// |count| numbers, 32 at most: lines are read and words written under masks.
PJ_TARGET static inline __attribute__((always_inline)) void
PJ_V(quads)(const uint8_t *const *x, uint32_t flip, int count, uint32_t *out) {
  const __mmask32 have = (__mmask32)(((uint64_t)1 << count) - 1);
  const __m256i each = _mm256_set1_epi32((int)flip);
  __m256i line[4], pair[4], quad[4];
  PJ_UNROLL for (int q = 0; q < 4; ++q) line[q] = count == 32
                                                      ? _mm256_loadu_si256((const __m256i_u *)x[q])
                                                      : _mm256_maskz_loadu_epi8(have, x[q]);
  PJ_UNROLL for (int q = 0; q < 2; ++q) {
    pair[q] = _mm256_unpacklo_epi8(line[2 * q], line[2 * q + 1]);
    pair[2 + q] = _mm256_unpackhi_epi8(line[2 * q], line[2 * q + 1]);
  }
  PJ_UNROLL for (int q = 0; q < 2; ++q) {
    quad[2 * q] = _mm256_xor_si256(each, _mm256_unpacklo_epi16(pair[2 * q], pair[2 * q + 1]));
    quad[2 * q + 1] = _mm256_xor_si256(each, _mm256_unpackhi_epi16(pair[2 * q], pair[2 * q + 1]));
  }
  PJ_UNROLL for (int q = 0; q < 2; ++q) {
    const __m256i low = _mm256_permute2x128_si256(quad[2 * q], quad[2 * q + 1], 0x20),
                  high = _mm256_permute2x128_si256(quad[2 * q], quad[2 * q + 1], 0x31);
    if (count == 32) {
      _mm256_storeu_si256((__m256i_u *)(out + 8 * q), low);
      _mm256_storeu_si256((__m256i_u *)(out + 16 + 8 * q), high);
      continue;
    }
    _mm256_mask_storeu_epi32(out + 8 * q, (__mmask8)(have >> (8 * q)), low);
    _mm256_mask_storeu_epi32(out + 16 + 8 * q, (__mmask8)(have >> (16 + 8 * q)), high);
  }
}
PJ_TARGET static inline void PJ_V(pairs)(const uint16_t *const *x, uint32_t flip, int count,
                                         uint32_t *out) {
  const __m512i each = _mm512_set1_epi32((int)flip);
  PJ_UNROLL for (int i = 0; i < 32; i += 16) {
    const __mmask16 have = (__mmask16)((1u << pj__max(0, pj__min(count - i, 16))) - 1);
    const bool whole = count == 32;
    const __m256i low = whole ? _mm256_loadu_si256((const __m256i_u *)(x[0] + i))
                              : _mm256_maskz_loadu_epi16(have, x[0] + i),
                  high = whole ? _mm256_loadu_si256((const __m256i_u *)(x[1] + i))
                               : _mm256_maskz_loadu_epi16(have, x[1] + i);
    const __m512i word =
        _mm512_xor_si512(each, _mm512_or_si512(_mm512_cvtepu16_epi32(low),
                                               _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16)));
    if (whole)
      _mm512_storeu_si512(out + i, word);
    else
      _mm512_mask_storeu_epi32(out + i, have, word);
  }
}
ZIP(zip_bytes, uint8_t, 4, PJ_V(quads)(x, flip, count, out))
ZIP(zip_halves, uint16_t, 2, PJ_V(pairs)(x, flip, count, out))
#else
ZIP(zip_bytes, uint8_t, 4,
    WORDS(x[0][i] | (uint32_t)x[1][i] << 8 | (uint32_t)x[2][i] << 16 | (uint32_t)x[3][i] << 24))
ZIP(zip_halves, uint16_t, 2, WORDS(x[0][i] | (uint32_t)x[1][i] << 16))
#endif

// 8-bit integers as 16-bit ones: a line of them, and two lines element by element.
#define WIDEN(S, T)                                                             \
  PJ_TARGET static void PJ_V(widen_##S)(int64_t n, const void *in, void *out) { \
    const T *from = in;                                                         \
    int16_t *to = out;                                                          \
    for (int64_t i = 0; i < n; ++i)                                             \
      to[i] = from[i];                                                          \
  }                                                                             \
  ZIP(zip_##S, T, 2, WORDS(WIDENED))
#define WIDENED ((uint16_t)(int16_t)x[0][i] | (uint32_t)(int32_t)(int16_t)x[1][i] << 16)
WIDEN(s8, int8_t)
WIDEN(u8, uint8_t)
#undef WIDEN
#undef WIDENED
#undef WORDS
#undef ZIP

static const PjGrouping PJ_V(groupings)[] = {
    [QUADS] = {4, PJ_V(zip_bytes), NULL},
    [PAIRS] = {2, PJ_V(zip_halves), NULL},
    [PAIRS_OF_S8] = {2, PJ_V(zip_s8), PJ_V(widen_s8)},
    [PAIRS_OF_U8] = {2, PJ_V(zip_u8), PJ_V(widen_u8)},
};

// The tiles of gemm_variant.h, with sums that START gives and take in a group by ADD.
#define MICRO_BEGIN(T, ROWS, VECTORS, START)                                                       \
  typedef T Vec __attribute__((vector_size(PJ_VB), aligned(4), may_alias));                        \
  typedef uint32_t Words __attribute__((vector_size(PJ_VB), aligned(4), may_alias));               \
  enum { LANES = PJ_VB / 4 };                                                                      \
  const uint32_t *b = pb;                                                                          \
  T *c = pc;                                                                                       \
  Vec sum[ROWS][VECTORS];                                                                          \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i) PJ_UNROLL for (int v = 0; v < VECTORS; ++v) sum[i][v] = \
      START;                                                                                       \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i) __builtin_prefetch(c + i * c_row, 1);
#define MICRO_STEP(ROWS, VECTORS, A, ADD)                                               \
  Words x[VECTORS];                                                                     \
  PJ_UNROLL for (int v = 0; v < VECTORS; ++v) x[v] = *(const Words *)(b + v * LANES);   \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i) {                                            \
    const Words each = A;                                                               \
    PJ_UNROLL for (int v = 0; v < VECTORS; ++v) sum[i][v] = ADD(sum[i][v], each, x[v]); \
  }
#define MICRO_END(ROWS, VECTORS)                       \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i, c += c_row) \
      PJ_UNROLL for (int v = 0; v < VECTORS; ++v) {    \
    if (add)                                           \
      sum[i][v] += *(const Vec *)(c + v * LANES);      \
    *(Vec *)(c + v * LANES) = sum[i][v];               \
  }
#define MICRO_ROWS(NAME, TARGET, T, ROWS, VECTORS, START, ADD)                                    \
  TARGET static void PJ_V(NAME)(int64_t k, const void *pa, const void *pb, const uint32_t *start, \
                                void *pc, int64_t c_row, bool add) {                              \
    MICRO_BEGIN(T, ROWS, VECTORS, START)                                                          \
    const uint32_t *a = pa;                                                                       \
    for (int64_t p = 0; p < k; ++p, a += PJ_GEMM_MR, b += VECTORS * LANES) {                      \
      MICRO_STEP(ROWS, VECTORS, (Words){0} + a[i], ADD)                                           \
    }                                                                                             \
    MICRO_END(ROWS, VECTORS)                                                                      \
  }
// Of rows as they lie, with the bits of FLIP turned.
#define MICRO_LINES_ROWS(NAME, TARGET, T, ROWS, VECTORS, START, FLIP, ADD)                      \
  TARGET static void PJ_V(NAME)(int64_t runs, const int64_t *sums, const void *const *lines,    \
                                const void *pb, const uint32_t *start, void *pc, int64_t c_row, \
                                bool add) {                                                     \
    typedef uint32_t Loose __attribute__((aligned(1), may_alias));                              \
    MICRO_BEGIN(T, ROWS, VECTORS, START)                                                        \
    for (int64_t r = 0; r < runs; ++r, lines += PJ_GEMM_MR) {                                   \
      const int64_t k = sums[r];                                                                \
      const Loose *a[ROWS];                                                                     \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i) a[i] = (const Loose *)lines[i] + k;              \
      for (int64_t p = -k; p < 0; ++p, b += VECTORS * LANES) {                                  \
        MICRO_STEP(ROWS, VECTORS, ((Words){0} + a[i][p]) ^ FLIP, ADD)                           \
      }                                                                                         \
    }                                                                                           \
    MICRO_END(ROWS, VECTORS)                                                                    \
  }
#define ZERO \
  (Vec) {    \
    0        \
  }
// Of all heights.
#define MICRO(NAME, TARGET, T, VECTORS, START, ADD)                   \
  MICRO_ROWS(NAME, TARGET, T, PJ_GEMM_MR, VECTORS, START, ADD)        \
  MICRO_ROWS(NAME##_low, TARGET, T, PJ_GEMM_LOW, VECTORS, START, ADD) \
  MICRO_ROWS(NAME##_mid, TARGET, T, PJ_GEMM_MID, VECTORS, START, ADD)
#define MICRO_LINES(NAME, TARGET, T, VECTORS, START, FLIP, ADD)                   \
  MICRO_LINES_ROWS(NAME, TARGET, T, PJ_GEMM_MR, VECTORS, START, FLIP, ADD)        \
  MICRO_LINES_ROWS(NAME##_low, TARGET, T, PJ_GEMM_LOW, VECTORS, START, FLIP, ADD) \
  MICRO_LINES_ROWS(NAME##_mid, TARGET, T, PJ_GEMM_MID, VECTORS, START, FLIP, ADD)
#define HEIGHTS(NAME) \
  { PJ_V(NAME##_low), PJ_V(NAME##_mid), PJ_V(NAME) }

// The sum of two products of -32768 wraps as sums of 32 bits do.
#if PJ_LEVEL == 2
#define ADD_PAIRS(sum, x, y) ((sum) + (Vec)_mm512_madd_epi16((__m512i)(x), (__m512i)(y)))
#elif PJ_LEVEL == 1
#define ADD_PAIRS(sum, x, y) ((sum) + (Vec)_mm256_madd_epi16((__m256i)(x), (__m256i)(y)))
#elif defined(__x86_64__)
#define ADD_PAIRS(sum, x, y) ((sum) + (Vec)_mm_madd_epi16((__m128i)(x), (__m128i)(y)))
#else
typedef int32_t PJ_V(Signed) __attribute__((vector_size(PJ_VB), aligned(4), may_alias));
#define LOW(x)               ((Vec)((PJ_V(Signed))((x) << 16) >> 16))
#define HIGH(x)              ((Vec)((PJ_V(Signed))(x) >> 16))
#define ADD_PAIRS(sum, x, y) ((sum) + LOW(x) * LOW(y) + HIGH(x) * HIGH(y))
#endif
MICRO(micro_pairs, PJ_TARGET, uint32_t, 2, ZERO, ADD_PAIRS)
#undef ADD_PAIRS

static const PjGroups PJ_V(groups_of_pairs)[] = {
    {.size = 2,
     .micro = {PJ_GEMM_MR, 2 * PJ_VB / 4, PJ_GEMM_LOW, {.columns = 2 * PJ_VB / 4}},
     .tile = HEIGHTS(micro_pairs)},
};

#if PJ_LEVEL == 2
#define TARGET_DOTS                                                                          \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma," \
                        "bmi,bmi2")))
#define ADD_QUADS(sum, x, y) (Vec) _mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(y))
#define GIVEN                *(const Vec *)(start + v * LANES)
MICRO(micro_quads, TARGET_DOTS, uint32_t, 2, GIVEN, ADD_QUADS)
MICRO(micro_quads_narrow, TARGET_DOTS, uint32_t, 1, GIVEN, ADD_QUADS)
MICRO_LINES(lines_signed, TARGET_DOTS, uint32_t, 2, GIVEN, 0x80808080u, ADD_QUADS)
MICRO_LINES(lines_signed_narrow, TARGET_DOTS, uint32_t, 1, GIVEN, 0x80808080u, ADD_QUADS)
MICRO_LINES(lines_unsigned, TARGET_DOTS, uint32_t, 2, GIVEN, 0u, ADD_QUADS)
MICRO_LINES(lines_unsigned_narrow, TARGET_DOTS, uint32_t, 1, GIVEN, 0u, ADD_QUADS)

// What signed numbers that were packed with 128 added bring too much.
TARGET_DOTS static void start_signed(int64_t k, int nr, const void *pb, uint32_t *start) {
  const __m512i all = _mm512_set1_epi32((int)0x80808080);
  for (int v = 0; v < nr; v += 16) {
    const uint32_t *b = (const uint32_t *)pb + v;
    __m512i sum[4]; // the instruction takes some cycles
    memset(sum, 0, sizeof sum);
    int64_t p = 0;
    for (; p + 4 <= k; p += 4, b += 4 * nr)
      PJ_UNROLL for (int q = 0; q < 4; ++q) sum[q] =
          _mm512_dpbusd_epi32(sum[q], all, _mm512_loadu_si512(b + q * nr));
    for (; p < k; ++p, b += nr)
      sum[0] = _mm512_dpbusd_epi32(sum[0], all, _mm512_loadu_si512(b));
    sum[0] = _mm512_add_epi32(_mm512_add_epi32(sum[0], sum[1]), _mm512_add_epi32(sum[2], sum[3]));
    _mm512_storeu_si512(start + v, _mm512_sub_epi32(_mm512_setzero_si512(), sum[0]));
  }
}
static void start_unsigned(int64_t k, int nr, const void *b, uint32_t *start) {
  memset(start, 0, (size_t)nr * sizeof *start);
}

// The processor's instruction adds the product of the upper halves, then that of the lower ones,
// each sum rounded as by fused multiply-adds; but it takes subnormal numbers for zero and makes
// none. The exact kernels do the same without that.
#define ADD_BF16(sum, x, y) (Vec) _mm512_dpbf16_ps((__m512)(sum), (__m512bh)(x), (__m512bh)(y))
#define UPPER(x)            (__m512)((x)&0xFFFF0000u)
#define LOWER(x)            (__m512)((x) << 16)
#define ADD_EXACT(sum, x, y) \
  (Vec) _mm512_fmadd_ps(LOWER(x), LOWER(y), _mm512_fmadd_ps(UPPER(x), UPPER(y), (__m512)(sum)))
MICRO(micro_bf16, TARGET_DOTS, float, 2, ZERO, ADD_BF16)
MICRO(micro_bf16_narrow, TARGET_DOTS, float, 1, ZERO, ADD_BF16)
MICRO(exact_bf16, TARGET_DOTS, float, 2, ZERO, ADD_EXACT)
MICRO(exact_bf16_narrow, TARGET_DOTS, float, 1, ZERO, ADD_EXACT)
MICRO_LINES(lines_bf16, TARGET_DOTS, float, 2, ZERO, 0u, ADD_BF16)
MICRO_LINES(lines_bf16_narrow, TARGET_DOTS, float, 1, ZERO, 0u, ADD_BF16)
MICRO_LINES(exact_lines_bf16, TARGET_DOTS, float, 2, ZERO, 0u, ADD_EXACT)
MICRO_LINES(exact_lines_bf16_narrow, TARGET_DOTS, float, 1, ZERO, 0u, ADD_EXACT)

TARGET_DOTS int pj__least_bf16(int64_t n, const void *words) {
  const char *w = words;
  const __m512i one = _mm512_set1_epi16(1), size = _mm512_set1_epi16(0x7FFF);
  __m512i least = _mm512_set1_epi16(-1); // one less, so that zeros are more than all others
  for (; n > 0; n -= 16, w += 64) {
    const __m512i x =
        n >= 16 ? _mm512_loadu_si512(w) : _mm512_maskz_loadu_epi32((__mmask16)((1u << n) - 1), w);
    least = _mm512_min_epu16(least, _mm512_sub_epi16(_mm512_and_si512(x, size), one));
  }
  const __m256i half =
      _mm256_min_epu16(_mm512_castsi512_si256(least), _mm512_extracti64x4_epi64(least, 1));
  const __m128i few =
      _mm_min_epu16(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  const uint16_t all = (uint16_t)_mm_cvtsi128_si32(_mm_minpos_epu16(few));
  return (all + 1) >> 7;
}

#define QUADS_OF(SIGN, NARROW, NR)                                                \
  {                                                                               \
    .size = 4, .micro = {PJ_GEMM_MR, NR, PJ_GEMM_LOW, {.columns = NR}},           \
    .tile = HEIGHTS(micro_quads##NARROW), .lines = HEIGHTS(lines_##SIGN##NARROW), \
    .can_reach = true, .start = start_##SIGN,                                     \
  }
#define BF16_OF(NARROW, NR)                                                                 \
  {                                                                                         \
    .size = 2, .micro = {PJ_GEMM_MR, NR, PJ_GEMM_LOW, {.columns = NR}},                     \
    .tile = HEIGHTS(micro_bf16##NARROW), .lines = HEIGHTS(lines_bf16##NARROW),              \
    .exact = HEIGHTS(exact_bf16##NARROW), .exact_lines = HEIGHTS(exact_lines_bf16##NARROW), \
    .can_reach = true, .least = pj__least_bf16,                                             \
  }
// Two vectors of columns, and one.
static const PjGroups groups_of_dots[][2] = {
    [DOTS_SIGNED] = {QUADS_OF(signed, , 32), QUADS_OF(signed, _narrow, 16)},
    [DOTS_UNSIGNED] = {QUADS_OF(unsigned, , 32), QUADS_OF(unsigned, _narrow, 16)},
    [DOTS_BF16] = {BF16_OF(, 32), BF16_OF(_narrow, 16)},
};
#undef QUADS_OF
#undef BF16_OF
#undef GIVEN
#undef ADD_QUADS
#undef ADD_BF16
#undef ADD_EXACT
#undef UPPER
#undef LOWER
#undef TARGET_DOTS
#endif
#undef MICRO_BEGIN
#undef MICRO_STEP
#undef MICRO_END
#undef MICRO
#undef MICRO_LINES
#undef MICRO_ROWS
#undef MICRO_LINES_ROWS
#undef HEIGHTS
#undef ZERO

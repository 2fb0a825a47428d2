// Micro-kernels of the packed product: c[i, j] (+)= sum over p < k of a[p * MR + i] * b[p * NR +
// j]. A tile of ROWS rows of VECTORS vectors stays in registers: MR rows, or fewer at the lower
// edge of c; two vectors, or one where c has no more columns, or one or half a one of the NR
// columns that the last sliver has. With each p a line from |ahead| on comes nearer.
#define MICRO_BEGIN(T, ROWS, VECTORS, BYTES)                                        \
  typedef T Vec __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias)); \
  enum { LANES = BYTES / sizeof(T) };                                               \
  const T *b = pb;                                                                  \
  T *c = pc;                                                                        \
  Vec sum[ROWS][VECTORS];                                                           \
  memset(sum, 0, sizeof sum);                                                       \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i) __builtin_prefetch(c + i * c_row, 1);
#define MICRO_STEP(ROWS, VECTORS, A)                                                   \
  Vec x[VECTORS];                                                                      \
  PJ_UNROLL for (int v = 0; v < VECTORS; ++v) x[v] = *(const Vec *)(b + v * LANES);    \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i) PJ_UNROLL for (int v = 0; v < VECTORS; ++v) \
      sum[i][v] += (A)*x[v];                                                           \
  __builtin_prefetch(ahead, 0, 2);                                                     \
  ahead += step;
#define MICRO_END(ROWS, VECTORS)                       \
  PJ_UNROLL for (int i = 0; i < ROWS; ++i, c += c_row) \
      PJ_UNROLL for (int v = 0; v < VECTORS; ++v) {    \
    if (add)                                           \
      sum[i][v] += *(const Vec *)(c + v * LANES);      \
    *(Vec *)(c + v * LANES) = sum[i][v];               \
  }
#define MICRO(NAME, T, ROWS, VECTORS, BYTES, NR)                                               \
  PJ_TARGET static void PJ_V(NAME)(int64_t k, const void *pa, const void *pb, void *pc,        \
                                   int64_t c_row, bool add, const char *ahead, int64_t step) { \
    MICRO_BEGIN(T, ROWS, VECTORS, BYTES)                                                       \
    const T *a = pa;                                                                           \
    for (int64_t p = 0; p < k; ++p, a += PJ_GEMM_MR, b += NR) {                                \
      MICRO_STEP(ROWS, VECTORS, a[i])                                                          \
    }                                                                                          \
    MICRO_END(ROWS, VECTORS)                                                                   \
  }
// The same where a is not packed: row i of run r is sums[r] elements from lines[r * MR + i] on.
#define MICRO_LINES(NAME, T, ROWS, VECTORS, BYTES, NR)                                          \
  PJ_TARGET static void PJ_V(NAME)(int64_t runs, const int64_t *sums, const void *const *lines, \
                                   const void *pb, void *pc, int64_t c_row, bool add,           \
                                   const char *ahead, int64_t step) {                           \
    MICRO_BEGIN(T, ROWS, VECTORS, BYTES)                                                        \
    for (int64_t r = 0; r < runs; ++r, lines += PJ_GEMM_MR) {                                   \
      const int64_t k = sums[r];                                                                \
      const T *a[ROWS];                                                                         \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i) a[i] = (const T *)lines[i] + k;                  \
      for (int64_t p = -k; p < 0; ++p, b += NR) {                                               \
        MICRO_STEP(ROWS, VECTORS, a[i][p])                                                      \
      }                                                                                         \
    }                                                                                           \
    MICRO_END(ROWS, VECTORS)                                                                    \
  }
#if PJ_LEVEL == 1
// The whole tile of floats: as MICRO, four sums at a time, in the registers ymm4 to ymm15.
// Compilers load vectors of b once more for each row, or spill sums; here a sum is 20 instructions
// and a share of the loop, which is what counts where two threads share a core's decoders and
// ports.
#define FMA_ROW(SIZE, S, P, ROW, X, Y)                                       \
  "vbroadcasts" S " " #SIZE "*6*" #P "+" #SIZE "*" #ROW "(%[a]), %%ymm2\n\t" \
  "vfmadd231p" S " %%ymm0, %%ymm2, %%ymm" #X "\n\t"                          \
  "vfmadd231p" S " %%ymm1, %%ymm2, %%ymm" #Y "\n\t"
#define FMA_STEP(SIZE, S, P)                                                                   \
  "vmovup" S " 64*" #P "(%[b]), %%ymm0\n\t"                                                    \
  "vmovup" S " 64*" #P "+32(%[b]), %%ymm1\n\t" FMA_ROW(SIZE, S, P, 0, 4, 5)                    \
      FMA_ROW(SIZE, S, P, 1, 6, 7) FMA_ROW(SIZE, S, P, 2, 8, 9) FMA_ROW(SIZE, S, P, 3, 10, 11) \
          FMA_ROW(SIZE, S, P, 4, 12, 13) FMA_ROW(SIZE, S, P, 5, 14, 15)
#define FMA_NEXT(SIZE, STEPS)             \
  "add $" #STEPS "*6*" #SIZE ", %[a]\n\t" \
  "add $" #STEPS "*64, %[b]\n\t"
#define FMA_AHEAD             \
  "prefetcht1 (%[ahead])\n\t" \
  "add %[step], %[ahead]\n\t"
#define FMA_CLEAR(R)    "vxorps %%ymm" #R ", %%ymm" #R ", %%ymm" #R "\n\t"
#define FMA_STORE(I, R) "vmovups %%ymm" #R ", 32*" #I "(%[sums])\n\t"
#define MICRO_FMA(NAME, T, SIZE, S)                                                               \
  PJ_TARGET static void PJ_V(NAME)(int64_t k, const void *pa, const void *pb, void *pc,           \
                                   int64_t c_row, bool add, const char *ahead, int64_t step) {    \
    _Static_assert(PJ_GEMM_MR == 6 && PJ_VB == 32 && sizeof(T) == SIZE, "as in FMA_ROW");         \
    typedef T Vec __attribute__((vector_size(32), aligned(sizeof(T)), may_alias));                \
    T *c = pc;                                                                                    \
    Vec sum[6][2] __attribute__((aligned(32)));                                                   \
    PJ_UNROLL for (int i = 0; i < 6; ++i) __builtin_prefetch(c + i * c_row, 1);                   \
    int64_t fours = k / 4, rest = k % 4;                                                          \
    __asm__ volatile(                                                                             \
        FMA_CLEAR(4) FMA_CLEAR(5) FMA_CLEAR(6) FMA_CLEAR(7) FMA_CLEAR(8) FMA_CLEAR(9)             \
            FMA_CLEAR(10) FMA_CLEAR(11) FMA_CLEAR(12) FMA_CLEAR(13) FMA_CLEAR(14)                 \
                FMA_CLEAR(15) "test %[fours], %[fours]\n\tje 3f\n\t.p2align 5\n"                  \
                              "1:\n\ttest %[step], %[step]\n\tje 2f\n\t" FMA_AHEAD FMA_AHEAD      \
                                  FMA_AHEAD FMA_AHEAD                                             \
                              "2:\n\t" FMA_STEP(SIZE, S, 0) FMA_STEP(SIZE, S, 1)                  \
                                  FMA_STEP(SIZE, S, 2) FMA_STEP(SIZE, S, 3)                       \
                                      FMA_NEXT(SIZE, 4) "dec %[fours]\n\tjne 1b\n"                \
                                                        "3:\n\ttest %[rest], %[rest]\n\tje 5f\n"  \
                                                        "4:\n\t" FMA_STEP(SIZE, S, 0)             \
                                                            FMA_NEXT(SIZE, 1) FMA_AHEAD           \
        "dec %[rest]\n\tjne 4b\n"                                                                 \
        "5:\n\t" FMA_STORE(0, 4) FMA_STORE(1, 5) FMA_STORE(2, 6) FMA_STORE(3, 7) FMA_STORE(4, 8)  \
            FMA_STORE(5, 9) FMA_STORE(6, 10) FMA_STORE(7, 11) FMA_STORE(8, 12) FMA_STORE(9, 13)   \
                FMA_STORE(10, 14) FMA_STORE(11, 15)                                               \
        : [a] "+r"(pa), [b] "+r"(pb), [fours] "+r"(fours), [rest] "+r"(rest), [ahead] "+r"(ahead) \
        : [step] "r"(step), [sums] "r"(sum)                                                       \
        : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", \
          "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");                                  \
    enum { LANES = 32 / SIZE };                                                                   \
    MICRO_END(6, 2)                                                                               \
  }
MICRO_FMA(micro_f32, float, 4, "s")
MICRO_FMA(micro_f64, double, 8, "d")
#undef MICRO_FMA
#undef FMA_ROW
#undef FMA_STEP
#undef FMA_NEXT
#undef FMA_AHEAD
#undef FMA_CLEAR
#undef FMA_STORE
#else
#define WHOLE(NAME, T) MICRO(NAME, T, PJ_GEMM_MR, 2, PJ_VB, 2 * LANES)
WHOLE(micro_f32, float)
WHOLE(micro_f64, double)
#undef WHOLE
#endif
MICRO(micro_u32, uint32_t, PJ_GEMM_MR, 2, PJ_VB, 2 * LANES)
MICRO(micro_u64, uint64_t, PJ_GEMM_MR, 2, PJ_VB, 2 * LANES)
#define MICROS(S, T)                                                    \
  MICRO(micro_low_##S, T, PJ_GEMM_LOW, 2, PJ_VB, 2 * LANES)             \
  MICRO(micro_mid_##S, T, PJ_GEMM_MID, 2, PJ_VB, 2 * LANES)             \
  MICRO(micro_narrow_##S, T, PJ_GEMM_MR, 1, PJ_VB, LANES)               \
  MICRO_LINES(micro_lines_##S, T, PJ_GEMM_MR, 2, PJ_VB, 2 * LANES)      \
  MICRO_LINES(micro_lines_low_##S, T, PJ_GEMM_LOW, 2, PJ_VB, 2 * LANES) \
  MICRO_LINES(micro_lines_mid_##S, T, PJ_GEMM_MID, 2, PJ_VB, 2 * LANES) \
  MICRO_LINES(micro_narrow_lines_##S, T, PJ_GEMM_MR, 1, PJ_VB, LANES)
MICROS(f32, float)
MICROS(f64, double)
MICROS(u32, uint32_t)
MICROS(u64, uint64_t)
#undef MICROS
#define THIN(NAME, S, T, BYTES, NR)                               \
  MICRO(NAME##_##S, T, PJ_GEMM_MR, 1, BYTES, NR)                  \
  MICRO(NAME##_low_##S, T, PJ_GEMM_LOW, 1, BYTES, NR)             \
  MICRO(NAME##_mid_##S, T, PJ_GEMM_MID, 1, BYTES, NR)             \
  MICRO_LINES(NAME##_lines_##S, T, PJ_GEMM_MR, 1, BYTES, NR)      \
  MICRO_LINES(NAME##_lines_low_##S, T, PJ_GEMM_LOW, 1, BYTES, NR) \
  MICRO_LINES(NAME##_lines_mid_##S, T, PJ_GEMM_MID, 1, BYTES, NR)
THIN(thin, f32, float, PJ_VB, 2 * LANES)
THIN(thin, f64, double, PJ_VB, 2 * LANES)
#if PJ_LEVEL == 2
// Some processors take half the time for half a vector of 64 bytes, and none takes more.
THIN(half, f32, float, PJ_VB / 2, 4 * LANES)
THIN(half, f64, double, PJ_VB / 2, 4 * LANES)
MICRO(half_narrow_f32, float, PJ_GEMM_MR, 1, PJ_VB / 2, 2 * LANES)
MICRO(half_narrow_f64, double, PJ_GEMM_MR, 1, PJ_VB / 2, 2 * LANES)
MICRO_LINES(half_narrow_lines_f32, float, PJ_GEMM_MR, 1, PJ_VB / 2, 2 * LANES)
MICRO_LINES(half_narrow_lines_f64, double, PJ_GEMM_MR, 1, PJ_VB / 2, 2 * LANES)
#endif
#undef THIN
#undef MICRO
#undef MICRO_LINES
#undef MICRO_BEGIN
#undef MICRO_STEP
#undef MICRO_END

#define TILES(NAME, S, COLUMNS)                                                                   \
  {                                                                                               \
    {PJ_V(NAME##_low_##S), PJ_V(NAME##_mid_##S), PJ_V(NAME##_##S)},                               \
        {PJ_V(NAME##_lines_low_##S), PJ_V(NAME##_lines_mid_##S), PJ_V(NAME##_lines_##S)}, COLUMNS \
  }
#define TILES_ONE(NAME, S, COLUMNS) \
  { {PJ_V(NAME##_##S)}, {PJ_V(NAME##_lines_##S)}, COLUMNS }
#if PJ_LEVEL == 2
#define THIN(S, BYTES) \
  { TILES(half, S, PJ_VB / 2 / BYTES), TILES(thin, S, PJ_VB / BYTES) }
#define THIN_NARROW(S, BYTES) \
  { TILES_ONE(half_narrow, S, PJ_VB / 2 / BYTES) }
#else
#define THIN(S, BYTES) \
  { TILES(thin, S, PJ_VB / BYTES) }
#define THIN_NARROW(S, BYTES) \
  {                           \
    { .columns = 0 }          \
  }
#endif
#define NO_THIN(S, BYTES) \
  {                       \
    { .columns = 0 }      \
  }
#define WIDE(S, BYTES, EDGE) \
  { PJ_GEMM_MR, 2 * PJ_VB / BYTES, PJ_GEMM_LOW, TILES(micro, S, 2 * PJ_VB / BYTES), EDGE(S, BYTES) }
#define NARROW(S, BYTES, EDGE)                                                        \
  {                                                                                   \
    PJ_GEMM_MR, PJ_VB / BYTES, PJ_GEMM_MR, TILES_ONE(micro_narrow, S, PJ_VB / BYTES), \
        EDGE(S, BYTES)                                                                \
  }
static const Micro PJ_V(micros)[] = {
    [PJ_COMP_F32] = WIDE(f32, 4, THIN),
    [PJ_COMP_F64] = WIDE(f64, 8, THIN),
    [PJ_COMP_U32] = WIDE(u32, 4, NO_THIN),
    [PJ_COMP_U64] = WIDE(u64, 8, NO_THIN),
};
static const Micro PJ_V(narrow_micros)[] = {
    [PJ_COMP_F32] = NARROW(f32, 4, THIN_NARROW),
    [PJ_COMP_F64] = NARROW(f64, 8, THIN_NARROW),
    [PJ_COMP_U32] = NARROW(u32, 4, NO_THIN),
    [PJ_COMP_U64] = NARROW(u64, 8, NO_THIN),
};
#undef TILES
#undef TILES_ONE
#undef THIN
#undef THIN_NARROW
#undef NO_THIN
#undef WIDE
#undef NARROW

// Copies |rows| rows of |words| numbers of 32 bits, no more than a tile has; rows are so many bytes
// apart.
PJ_TARGET static void PJ_V(copy_tile)(int64_t rows, int64_t words, const char *from,
                                      int64_t from_row, char *to, int64_t to_row) {
#if PJ_LEVEL == 2
  const __mmask16 low = (__mmask16)((1u << pj__min(words, 16)) - 1),
                  high = (__mmask16)((1u << pj__max(words - 16, 0)) - 1);
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row) {
    _mm512_mask_storeu_epi32(to, low, _mm512_maskz_loadu_epi32(low, from));
    if (high)
      _mm512_mask_storeu_epi32(to + 64, high, _mm512_maskz_loadu_epi32(high, from + 64));
  }
#else
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row)
    memcpy(to, from, (size_t)words * 4);
#endif
}
// Stores |rows| rows of |cols| numbers as bf16, rounded to nearest, NaN as pj_comp_store does.
#if PJ_LEVEL == 2
PJ_TARGET static void PJ_V(encode_tile)(int64_t rows, int64_t cols, const float *from,
                                        int64_t from_row, uint16_t *to, int64_t to_row) {
  const __m512i one = _mm512_set1_epi32(1), half = _mm512_set1_epi32(0x7FFF),
                sign = _mm512_set1_epi32(0x8000), quiet = _mm512_set1_epi32(0x7FC0);
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row)
    for (int64_t j = 0; j < cols; j += 16) {
      const __m512i x = _mm512_loadu_si512(from + j), up = _mm512_srli_epi32(x, 16);
      __m512i code = _mm512_srli_epi32(
          _mm512_add_epi32(_mm512_add_epi32(x, half), _mm512_and_si512(up, one)), 16);
      const __mmask16 nan = _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q);
      code = _mm512_mask_or_epi32(code, nan, _mm512_and_si512(up, sign), quiet);
      _mm256_mask_storeu_epi16(to + j, (__mmask16)((1u << pj__min(cols - j, 16)) - 1),
                               _mm512_cvtepi32_epi16(code));
    }
}
// The instruction for it takes subnormal numbers for zero and leaves NaN's bits: where there are
// such, all is done again.
__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16"))) static void
PJ_V(encode_tile_bf16)(int64_t rows, int64_t cols, const float *from, int64_t from_row,
                       uint16_t *to, int64_t to_row) {
  enum { UNLIKE = 0x01 | 0x20 | 0x80 }; // quiet NaN, subnormal, signalling NaN
  __mmask16 unlike = 0;
  for (int64_t j = 0; j < cols; j += 32) {
    const int64_t n = pj__min(cols - j, 32);
    const __mmask32 mask = (__mmask32)(((uint64_t)1 << n) - 1);
    const float *line = from + j;
    uint16_t *out = to + j;
    for (int64_t r = 0; r < rows; ++r, line += from_row, out += to_row) {
      const __m512 x = _mm512_maskz_loadu_ps((__mmask16)mask, line),
                   y = _mm512_maskz_loadu_ps((__mmask16)(mask >> 16), line + 16);
      unlike |= _mm512_fpclass_ps_mask(x, UNLIKE) | _mm512_fpclass_ps_mask(y, UNLIKE);
      _mm512_mask_storeu_epi16(out, mask, (__m512i)_mm512_cvtne2ps_pbh(y, x));
    }
  }
  if (unlike)
    PJ_V(encode_tile)(rows, cols, from, from_row, to, to_row);
}
PJ_TARGET static void PJ_V(encode_tile_f16)(int64_t rows, int64_t cols, const float *from,
                                            int64_t from_row, uint16_t *to, int64_t to_row) {
  for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row)
    for (int64_t j = 0; j < cols; j += 16)
      _mm256_mask_storeu_epi16(
          to + j, (__mmask16)((1u << pj__min(cols - j, 16)) - 1),
          _mm512_cvtps_ph(_mm512_loadu_ps(from + j), _MM_FROUND_TO_NEAREST_INT));
}
// And where the processor has an instruction for bf16; then f16.
static PjTileEncode *const PJ_V(encode)[] = {PJ_V(encode_tile), PJ_V(encode_tile_bf16),
                                             PJ_V(encode_tile_f16)};
#elif PJ_LEVEL == 1
PJ_TARGET static inline __m256i PJ_V(code_bf16)(const float *from) {
  const __m256i one = _mm256_set1_epi32(1), half = _mm256_set1_epi32(0x7FFF),
                sign = _mm256_set1_epi32(0x8000), quiet = _mm256_set1_epi32(0x7FC0);
  const __m256i x = _mm256_loadu_si256((const __m256i_u *)from), up = _mm256_srli_epi32(x, 16),
                code = _mm256_srli_epi32(
                    _mm256_add_epi32(_mm256_add_epi32(x, half), _mm256_and_si256(up, one)), 16);
  return _mm256_blendv_epi8(code, _mm256_or_si256(_mm256_and_si256(up, sign), quiet),
                            (__m256i)_mm256_cmp_ps((__m256)x, (__m256)x, _CMP_UNORD_Q));
}
PJ_TARGET static inline __m256i PJ_V(codes_bf16)(const float *from) {
  return _mm256_permute4x64_epi64(
      _mm256_packus_epi32(PJ_V(code_bf16)(from), PJ_V(code_bf16)(from + 8)), 0xD8);
}
PJ_TARGET static inline __m256i PJ_V(codes_f16)(const float *from) {
  return _mm256_set_m128i(_mm256_cvtps_ph(_mm256_loadu_ps(from + 8), _MM_FROUND_TO_NEAREST_INT),
                          _mm256_cvtps_ph(_mm256_loadu_ps(from), _MM_FROUND_TO_NEAREST_INT));
}
#define ENCODE_TILE(NAME, CODES)                                                     \
  PJ_TARGET static void PJ_V(NAME)(int64_t rows, int64_t cols, const float *from,    \
                                   int64_t from_row, uint16_t *to, int64_t to_row) { \
    for (int64_t r = 0; r < rows; ++r, from += from_row, to += to_row)               \
      for (int64_t j = 0; j < cols; j += 16) {                                       \
        const __m256i codes = PJ_V(CODES)(from + j);                                 \
        if (cols - j >= 16)                                                          \
          _mm256_storeu_si256((__m256i_u *)(to + j), codes);                         \
        else                                                                         \
          memcpy(to + j, &codes, (size_t)(cols - j) * sizeof *to);                   \
      }                                                                              \
  }
ENCODE_TILE(encode_tile, codes_bf16)
ENCODE_TILE(encode_tile_f16, codes_f16)
#undef ENCODE_TILE
static PjTileEncode *const PJ_V(encode)[] = {PJ_V(encode_tile), PJ_V(encode_tile),
                                             PJ_V(encode_tile_f16)};
#else
static PjTileEncode *const PJ_V(encode)[] = {NULL, NULL, NULL};
#endif

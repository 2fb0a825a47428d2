// Transposing squares in registers: to[i * to_step + j] = from[j * from_step + i], steps in bytes.
#if PJ_LEVEL > 0
PJ_TARGET static inline void PJ_V(square_4)(const char *from, int64_t from_step, char *to,
                                            int64_t to_step) {
  __m256 x[8], y[8];
  for (int r = 0; r < 8; ++r)
    x[r] = _mm256_loadu_ps((const float *)(from + r * from_step));
  for (int r = 0; r < 8; r += 2) {
    y[r] = _mm256_unpacklo_ps(x[r], x[r + 1]);
    y[r + 1] = _mm256_unpackhi_ps(x[r], x[r + 1]);
  }
  for (int r = 0; r < 8; r += 4) {
    x[r] = _mm256_shuffle_ps(y[r], y[r + 2], 0x44);
    x[r + 1] = _mm256_shuffle_ps(y[r], y[r + 2], 0xEE);
    x[r + 2] = _mm256_shuffle_ps(y[r + 1], y[r + 3], 0x44);
    x[r + 3] = _mm256_shuffle_ps(y[r + 1], y[r + 3], 0xEE);
  }
  for (int r = 0; r < 4; ++r) {
    _mm256_storeu_ps((float *)(to + r * to_step), _mm256_permute2f128_ps(x[r], x[r + 4], 0x20));
    _mm256_storeu_ps((float *)(to + (r + 4) * to_step),
                     _mm256_permute2f128_ps(x[r], x[r + 4], 0x31));
  }
}
PJ_TARGET static inline void PJ_V(square_8)(const char *from, int64_t from_step, char *to,
                                            int64_t to_step) {
  __m256d x[4], y[4];
  for (int r = 0; r < 4; ++r)
    x[r] = _mm256_loadu_pd((const double *)(from + r * from_step));
  for (int r = 0; r < 4; r += 2) {
    y[r] = _mm256_unpacklo_pd(x[r], x[r + 1]);
    y[r + 1] = _mm256_unpackhi_pd(x[r], x[r + 1]);
  }
  for (int r = 0; r < 2; ++r) {
    _mm256_storeu_pd((double *)(to + r * to_step), _mm256_permute2f128_pd(y[r], y[r + 2], 0x20));
    _mm256_storeu_pd((double *)(to + (r + 2) * to_step),
                     _mm256_permute2f128_pd(y[r], y[r + 2], 0x31));
  }
}
#else
#define SQUARE(NAME, T, N)                                                               \
  PJ_TARGET static inline void PJ_V(NAME)(const char *from, int64_t from_step, char *to, \
                                          int64_t to_step) {                             \
    T square[N][N];                                                                      \
    for (int j = 0; j < N; ++j)                                                          \
      memcpy(square[j], from + j * from_step, sizeof square[j]);                         \
    for (int i = 0; i < N; ++i)                                                          \
      for (int j = 0; j < N; ++j)                                                        \
        memcpy(to + i * to_step + j * sizeof(T), &square[j][i], sizeof(T));              \
  }
SQUARE(square_4, uint32_t, 8)
SQUARE(square_8, uint64_t, 4)
#undef SQUARE
#endif
#if defined(__x86_64__)
PJ_TARGET static inline void PJ_V(square_1)(const char *from, int64_t from_step, char *to,
                                            int64_t to_step) {
  __m128i x[16], y[16];
  for (int r = 0; r < 16; ++r)
    x[r] = _mm_loadu_si128((const __m128i_u *)(from + r * from_step));
  for (int round = 0; round < 4; ++round) {
    for (int r = 0; r < 8; ++r) {
      y[2 * r] = _mm_unpacklo_epi8(x[r], x[r + 8]);
      y[2 * r + 1] = _mm_unpackhi_epi8(x[r], x[r + 8]);
    }
    for (int r = 0; r < 16; ++r)
      x[r] = y[r];
  }
  for (int r = 0; r < 16; ++r)
    _mm_storeu_si128((__m128i_u *)(to + r * to_step), x[r]);
}
PJ_TARGET static inline void PJ_V(square_2)(const char *from, int64_t from_step, char *to,
                                            int64_t to_step) {
  __m128i x[8], y[8];
  for (int r = 0; r < 8; ++r)
    x[r] = _mm_loadu_si128((const __m128i_u *)(from + r * from_step));
  for (int r = 0; r < 4; ++r) {
    y[2 * r] = _mm_unpacklo_epi16(x[r], x[r + 4]);
    y[2 * r + 1] = _mm_unpackhi_epi16(x[r], x[r + 4]);
  }
  for (int r = 0; r < 4; ++r) {
    x[2 * r] = _mm_unpacklo_epi16(y[r], y[r + 4]);
    x[2 * r + 1] = _mm_unpackhi_epi16(y[r], y[r + 4]);
  }
  for (int r = 0; r < 4; ++r) {
    _mm_storeu_si128((__m128i_u *)(to + 2 * r * to_step), _mm_unpacklo_epi16(x[r], x[r + 4]));
    _mm_storeu_si128((__m128i_u *)(to + (2 * r + 1) * to_step), _mm_unpackhi_epi16(x[r], x[r + 4]));
  }
}
#else
PJ_TARGET static inline void PJ_V(square_1)(const char *from, int64_t from_step, char *to,
                                            int64_t to_step) {
  for (int i = 0; i < 16; ++i)
    for (int j = 0; j < 16; ++j)
      to[i * to_step + j] = from[j * from_step + i];
}
PJ_TARGET static inline void PJ_V(square_2)(const char *from, int64_t from_step, char *to,
                                            int64_t to_step) {
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 8; ++j)
      ((uint16_t *)(to + i * to_step))[j] = *(const uint16_t *)(from + j * from_step + 2 * i);
}
#endif

#if PJ_LEVEL > 1
// Squares as wide as a cache line, for whole lines are read and written once then, whatever rows
// drive each other out. Within 128 bits first, then these.
PJ_TARGET static inline void PJ_V(turn_lanes)(__m512i a, __m512i b, __m512i c, __m512i d, char *to,
                                              int64_t step) {
  const __m512i ab = _mm512_shuffle_i64x2(a, b, 0x44), cd = _mm512_shuffle_i64x2(c, d, 0x44),
                ef = _mm512_shuffle_i64x2(a, b, 0xEE), gh = _mm512_shuffle_i64x2(c, d, 0xEE);
  _mm512_storeu_si512(to, _mm512_shuffle_i64x2(ab, cd, 0x88));
  _mm512_storeu_si512(to + step, _mm512_shuffle_i64x2(ab, cd, 0xDD));
  _mm512_storeu_si512(to + 2 * step, _mm512_shuffle_i64x2(ef, gh, 0x88));
  _mm512_storeu_si512(to + 3 * step, _mm512_shuffle_i64x2(ef, gh, 0xDD));
}

PJ_TARGET static inline void PJ_V(line_1)(const char *from, int64_t from_step, char *to,
                                          int64_t to_step) {
  __m512i x[64];
  for (int g = 0; g < 64; g += 16) {
    __m512i y[16], z[16];
    PJ_UNROLL
    for (int r = 0; r < 16; ++r)
      y[r] = _mm512_loadu_si512(from + (g + r) * from_step);
    PJ_UNROLL
    for (int round = 0; round < 4; ++round) {
      PJ_UNROLL
      for (int r = 0; r < 8; ++r) {
        z[2 * r] = _mm512_unpacklo_epi8(y[r], y[r + 8]);
        z[2 * r + 1] = _mm512_unpackhi_epi8(y[r], y[r + 8]);
      }
      PJ_UNROLL
      for (int r = 0; r < 16; ++r)
        y[r] = z[r];
    }
    PJ_UNROLL
    for (int r = 0; r < 16; ++r)
      x[g + r] = y[r];
  }
  PJ_UNROLL
  for (int c = 0; c < 16; ++c)
    PJ_V(turn_lanes)(x[c], x[16 + c], x[32 + c], x[48 + c], to + c * to_step, 16 * to_step);
}

PJ_TARGET static inline void PJ_V(line_2)(const char *from, int64_t from_step, char *to,
                                          int64_t to_step) {
  __m512i x[32];
  PJ_UNROLL
  for (int g = 0; g < 32; g += 8) {
    __m512i y[8], z[8];
    PJ_UNROLL
    for (int r = 0; r < 8; ++r)
      y[r] = _mm512_loadu_si512(from + (g + r) * from_step);
    PJ_UNROLL
    for (int r = 0; r < 4; ++r) {
      z[2 * r] = _mm512_unpacklo_epi16(y[r], y[r + 4]);
      z[2 * r + 1] = _mm512_unpackhi_epi16(y[r], y[r + 4]);
    }
    PJ_UNROLL
    for (int r = 0; r < 4; ++r) {
      y[2 * r] = _mm512_unpacklo_epi16(z[r], z[r + 4]);
      y[2 * r + 1] = _mm512_unpackhi_epi16(z[r], z[r + 4]);
    }
    PJ_UNROLL
    for (int r = 0; r < 4; ++r) {
      x[g + 2 * r] = _mm512_unpacklo_epi16(y[r], y[r + 4]);
      x[g + 2 * r + 1] = _mm512_unpackhi_epi16(y[r], y[r + 4]);
    }
  }
  PJ_UNROLL
  for (int c = 0; c < 8; ++c)
    PJ_V(turn_lanes)(x[c], x[8 + c], x[16 + c], x[24 + c], to + c * to_step, 8 * to_step);
}

PJ_TARGET static inline void PJ_V(line_4)(const char *from, int64_t from_step, char *to,
                                          int64_t to_step) {
  __m512i x[16];
  PJ_UNROLL
  for (int g = 0; g < 16; g += 4) {
    const __m512i a = _mm512_loadu_si512(from + g * from_step),
                  b = _mm512_loadu_si512(from + (g + 1) * from_step),
                  c = _mm512_loadu_si512(from + (g + 2) * from_step),
                  d = _mm512_loadu_si512(from + (g + 3) * from_step);
    const __m512i ab = _mm512_unpacklo_epi32(a, b), cd = _mm512_unpacklo_epi32(c, d),
                  ef = _mm512_unpackhi_epi32(a, b), gh = _mm512_unpackhi_epi32(c, d);
    x[g] = _mm512_unpacklo_epi64(ab, cd);
    x[g + 1] = _mm512_unpackhi_epi64(ab, cd);
    x[g + 2] = _mm512_unpacklo_epi64(ef, gh);
    x[g + 3] = _mm512_unpackhi_epi64(ef, gh);
  }
  PJ_UNROLL
  for (int c = 0; c < 4; ++c)
    PJ_V(turn_lanes)(x[c], x[4 + c], x[8 + c], x[12 + c], to + c * to_step, 4 * to_step);
}

PJ_TARGET static inline void PJ_V(line_8)(const char *from, int64_t from_step, char *to,
                                          int64_t to_step) {
  __m512i x[8];
  PJ_UNROLL
  for (int g = 0; g < 8; g += 2) {
    const __m512i a = _mm512_loadu_si512(from + g * from_step),
                  b = _mm512_loadu_si512(from + (g + 1) * from_step);
    x[g] = _mm512_unpacklo_epi64(a, b);
    x[g + 1] = _mm512_unpackhi_epi64(a, b);
  }
  PJ_UNROLL
  for (int c = 0; c < 2; ++c)
    PJ_V(turn_lanes)(x[c], x[2 + c], x[4 + c], x[6 + c], to + c * to_step, 2 * to_step);
}
#endif

#if PJ_LEVEL == 1
// Of small squares, next to each other in a buffer: rows a large power of two apart leave room in
// the first cache for a few of their lines only, so each is read once.
#define LINE_OF(NAME, T, N, SQUARE)                                                               \
  PJ_TARGET static inline void PJ_V(NAME)(const char *from, int64_t from_step, char *to,          \
                                          int64_t to_step) {                                      \
    enum { LINE = 64 / sizeof(T) };                                                               \
    const int64_t elem = (int64_t)sizeof(T);                                                      \
    _Alignas(64) char square[LINE * 64];                                                          \
    for (int l = 0; l < LINE; l += N)                                                             \
      for (int k = 0; k < LINE; k += N)                                                           \
        PJ_V(SQUARE)(from + k * elem + l * from_step, from_step, square + k * 64 + l * elem, 64); \
    for (int k = 0; k < LINE; ++k)                                                                \
      memcpy(to + k * to_step, square + k * 64, 64);                                              \
  }
LINE_OF(line_1, uint8_t, 16, square_1)
LINE_OF(line_2, uint16_t, 8, square_2)
LINE_OF(line_4, uint32_t, 8, square_4)
LINE_OF(line_8, uint64_t, 4, square_8)
#undef LINE_OF
#endif

// |n1| by |n0| elements: the source is contiguous along the outer dimension, the destination along
// the inner. Blocks touch few pages, and within them whole cache lines on both sides at a time, so
// that rows a large power of two apart do not drive each other out.
#define PART(NAME, T, N, SQUARE)                                                                   \
  PJ_TARGET static void PJ_V(NAME)(int64_t n1, int64_t n0, const char *src, int64_t s0, char *dst, \
                                   int64_t d1) {                                                   \
    enum { LINE = 64 / sizeof(T), BLOCK = 64 };                                                    \
    const int64_t e1 = n1 / N * N, e0 = n0 / N * N, elem = (int64_t)sizeof(T);                     \
    for (int64_t ib = 0; ib < e1; ib += BLOCK)                                                     \
      for (int64_t jb = 0; jb < e0; jb += BLOCK)                                                   \
        for (int64_t i = ib; i < ib + BLOCK && i < e1; i += LINE)                                  \
          for (int64_t j = jb; j < jb + BLOCK && j < e0; j += LINE)                                \
            for (int64_t k = i; k < i + LINE && k < e1; k += N)                                    \
              for (int64_t l = j; l < j + LINE && l < e0; l += N)                                  \
                PJ_V(SQUARE)(src + k * elem + l * s0, s0, dst + k * d1 + l * elem, d1);            \
  }
PART(part_1, uint8_t, 16, square_1)
PART(part_2, uint16_t, 8, square_2)
PART(part_4, uint32_t, 8, square_4)
PART(part_8, uint64_t, 4, square_8)
#undef PART
#if PJ_LEVEL > 0
// The same in squares of lines: down a line of the source, so that the destination is written along
// its rows; the lines to come are asked for, as they lie too far apart for the processor to guess.
#define LINES_OF(NAME, T, SQUARE)                                                                  \
  PJ_TARGET static void PJ_V(NAME)(int64_t n1, int64_t n0, const char *src, int64_t s0, char *dst, \
                                   int64_t d1) {                                                   \
    enum { N = 64 / sizeof(T), BLOCK = PJ_LEVEL > 1 ? 1024 : 256 };                                \
    for (int64_t jb = 0; jb < n0; jb += BLOCK)                                                     \
      for (int64_t i = 0; i < n1; i += N)                                                          \
        for (int64_t j = jb; j < jb + BLOCK && j < n0; j += N) {                                   \
          const char *from = src + i * 64 / N + j * s0;                                            \
          for (int k = N; k < 2 * N && j + N < n0; ++k)                                            \
            __builtin_prefetch(from + k * s0);                                                     \
          PJ_V(SQUARE)(from, s0, dst + i * d1 + j * 64 / N, d1);                                   \
        }                                                                                          \
  }
LINES_OF(lines_1, uint8_t, line_1)
LINES_OF(lines_2, uint16_t, line_2)
LINES_OF(lines_4, uint32_t, line_4)
LINES_OF(lines_8, uint64_t, line_8)
#undef LINES_OF
#define LINES(NAME, LINE)                                     \
  const int64_t w1 = n1 / LINE * LINE, w0 = n0 / LINE * LINE; \
  PJ_V(NAME)(w1, w0, src, s0, dst, d1);
#else
#define LINES(NAME, LINE) const int64_t w1 = 0, w0 = n0;
#endif

// The two innermost dimensions: squares of lines, what is left of these in small squares, what is
// left of those one by one.
#define TILE(NAME, T, N, SMALL, WIDE)                                                \
  PJ_TARGET static void PJ_V(NAME)(const PjStrided *p, const char *src, char *dst) { \
    const int32_t r = p->rank;                                                       \
    const int64_t n1 = p->dims[r - 2], n0 = p->dims[r - 1], s0 = p->src[r - 1],      \
                  d1 = p->dst[r - 2];                                                \
    const int64_t elem = (int64_t)sizeof(T);                                         \
    LINES(WIDE, (int64_t)(64 / sizeof(T)))                                           \
    PJ_V(SMALL)(w1, n0 - w0, src + w0 * s0, s0, dst + w0 * elem, d1);                \
    PJ_V(SMALL)(n1 - w1, n0, src + w1 * elem, s0, dst + w1 * d1, d1);                \
    const int64_t e1 = n1 / N * N, e0 = n0 / N * N;                                  \
    for (int64_t i = 0; i < n1; ++i)                                                 \
      for (int64_t j = i < e1 ? e0 : 0; j < n0; ++j)                                 \
        memcpy(dst + i * d1 + j * elem, src + i * elem + j * s0, sizeof(T));         \
  }
TILE(tile_1, uint8_t, 16, part_1, lines_1)
TILE(tile_2, uint16_t, 8, part_2, lines_2)
TILE(tile_4, uint32_t, 8, part_4, lines_4)
TILE(tile_8, uint64_t, 4, part_8, lines_8)
#undef TILE
#undef LINES

static TileFn *const PJ_V(tiles)[] = {PJ_V(tile_1), PJ_V(tile_2), PJ_V(tile_4), PJ_V(tile_8)};

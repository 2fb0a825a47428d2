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
        ((T *)(to + i * to_step))[j] = square[j][i];                                     \
  }
SQUARE(square_4, uint32_t, 8)
SQUARE(square_8, uint64_t, 4)
#undef SQUARE
#endif
#if defined(__x86_64__)
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
PJ_TARGET static inline void PJ_V(square_2)(const char *from, int64_t from_step, char *to,
                                            int64_t to_step) {
  for (int i = 0; i < 8; ++i)
    for (int j = 0; j < 8; ++j)
      ((uint16_t *)(to + i * to_step))[j] = *(const uint16_t *)(from + j * from_step + 2 * i);
}
#endif

// The two innermost dimensions: the source is contiguous along the outer of them, the destination
// along the inner. Blocks touch few pages, and within them whole cache lines on both sides at a
// time, so that rows a large power of two apart do not drive each other out.
#define TILE(NAME, T, N, SQUARE)                                                        \
  PJ_TARGET static void PJ_V(NAME)(const PjStrided *p, const char *src, char *dst) {    \
    enum { LINE = 64 / sizeof(T), BLOCK = 64 };                                         \
    const int32_t r = p->rank;                                                          \
    const int64_t n1 = p->dims[r - 2], n0 = p->dims[r - 1], s0 = p->src[r - 1],         \
                  d1 = p->dst[r - 2];                                                   \
    const int64_t e1 = n1 / N * N, e0 = n0 / N * N, elem = (int64_t)sizeof(T);          \
    for (int64_t ib = 0; ib < e1; ib += BLOCK)                                          \
      for (int64_t jb = 0; jb < e0; jb += BLOCK)                                        \
        for (int64_t i = ib; i < ib + BLOCK && i < e1; i += LINE)                       \
          for (int64_t j = jb; j < jb + BLOCK && j < e0; j += LINE)                     \
            for (int64_t k = i; k < i + LINE && k < e1; k += N)                         \
              for (int64_t l = j; l < j + LINE && l < e0; l += N)                       \
                PJ_V(SQUARE)(src + k * elem + l * s0, s0, dst + k * d1 + l * elem, d1); \
    for (int64_t i = 0; i < n1; ++i)                                                    \
      for (int64_t j = i < e1 ? e0 : 0; j < n0; ++j)                                    \
        memcpy(dst + i * d1 + j * elem, src + i * elem + j * s0, sizeof(T));            \
  }
TILE(tile_2, uint16_t, 8, square_2)
TILE(tile_4, uint32_t, 8, square_4)
TILE(tile_8, uint64_t, 4, square_8)
#undef TILE

static TileFn *const PJ_V(tiles)[] = {PJ_V(tile_2), PJ_V(tile_4), PJ_V(tile_8)};

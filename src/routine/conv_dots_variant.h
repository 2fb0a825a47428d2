// A tile of R features and V columns: to[r, v, lane] = from[r, v, lane] + products of rows' numbers
// in that lane, see Block. Without |from| sums begin at zero.
#define DOTS(NAME, T, I, R, V)                                                                     \
  PJ_TARGET static void PJ_V(NAME##_##R##V)(const Block *b, const void *pa, const void *const *px, \
                                            const void *from, void *to, int64_t sums_row) {        \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));              \
    typedef I Mask __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));             \
    enum { LANES = PJ_VB / sizeof(T) };                                                            \
    const Mask mask = *(const Mask *)b->mask;                                                      \
    Vec sum[R][V];                                                                                 \
    PJ_UNROLL for (int r = 0; r < R; ++r) {                                                        \
      PJ_UNROLL for (int v = 0; v < V; ++v) sum[r][v] =                                            \
          from ? *(const Vec *)((const T *)from + r * sums_row + v * LANES) : (Vec){0};            \
    }                                                                                              \
    for (int64_t f = 0; f < b->count[0]; ++f)                                                      \
      for (int64_t i = 0; i < b->count[1]; ++i) {                                                  \
        const int64_t first = f * b->x_step[0] + i * b->x_step[1];                                 \
        const T *a = (const T *)pa + f * b->a_step[0] + i * b->a_step[1], *x[V];                   \
        PJ_UNROLL for (int v = 0; v < V; ++v) x[v] = (const T *)px[v] + first;                     \
        for (int64_t j = 0; j < b->count[2]; ++j, a += b->a_step[2]) {                             \
          int64_t k = 0;                                                                           \
          for (; k < b->whole; k += LANES) {                                                       \
            Vec each[V];                                                                           \
            PJ_UNROLL for (int v = 0; v < V; ++v) each[v] = *(const Vec *)(x[v] + k);              \
            PJ_UNROLL for (int r = 0; r < R; ++r) {                                                \
              const Vec w = *(const Vec *)(a + r * b->a_row + k);                                  \
              PJ_UNROLL for (int v = 0; v < V; ++v) sum[r][v] += w * each[v];                      \
            }                                                                                      \
          }                                                                                        \
          if (b->tail) {                                                                           \
            Vec each[V];                                                                           \
            PJ_UNROLL for (int v = 0; v < V; ++v) each[v] =                                        \
                (Vec)(*(const Mask *)(x[v] + k) & mask);                                           \
            PJ_UNROLL for (int r = 0; r < R; ++r) {                                                \
              const Vec w = *(const Vec *)(a + r * b->a_row + k);                                  \
              PJ_UNROLL for (int v = 0; v < V; ++v) sum[r][v] += w * each[v];                      \
            }                                                                                      \
          }                                                                                        \
          PJ_UNROLL for (int v = 0; v < V; ++v) x[v] += b->x_step[2];                              \
        }                                                                                          \
      }                                                                                            \
    PJ_UNROLL for (int r = 0; r < R; ++r) {                                                        \
      PJ_UNROLL for (int v = 0; v < V; ++v) * (Vec *)((T *)to + r * sums_row + v * LANES) =        \
          sum[r][v];                                                                               \
    }                                                                                              \
  }
#define ALL_DOTS(NAME, T, I) \
  DOTS(NAME, T, I, 1, 1)     \
  DOTS(NAME, T, I, 1, 2)     \
  DOTS(NAME, T, I, 1, 3)     \
  DOTS(NAME, T, I, 2, 1)     \
  DOTS(NAME, T, I, 2, 2)     \
  DOTS(NAME, T, I, 2, 3)     \
  DOTS(NAME, T, I, 3, 1)     \
  DOTS(NAME, T, I, 3, 2)     \
  DOTS(NAME, T, I, 3, 3)     \
  DOTS(NAME, T, I, 4, 1)     \
  DOTS(NAME, T, I, 4, 2)     \
  DOTS(NAME, T, I, 4, 3)
#if PJ_LEVEL == 2 // twice as many registers
#define TALL_DOTS(NAME, T, I) \
  DOTS(NAME, T, I, 8, 1)      \
  DOTS(NAME, T, I, 8, 2)      \
  DOTS(NAME, T, I, 8, 3)
TALL_DOTS(dots_f32, float, int32_t)
TALL_DOTS(dots_f64, double, int64_t)
#undef TALL_DOTS
#endif
ALL_DOTS(dots_f32, float, int32_t)
ALL_DOTS(dots_f64, double, int64_t)
#undef ALL_DOTS
#undef DOTS

// out[i] = the sum of vector i's lanes, as halves of halves.
#define ADD(NAME, T)                                                          \
  PJ_TARGET static void PJ_V(NAME)(int64_t n, const void *sums, void *out) {  \
    enum { LANES = PJ_VB / sizeof(T) };                                       \
    const T *x = sums;                                                        \
    for (int64_t i = 0; i < n; ++i, x += LANES) {                             \
      T lanes[LANES];                                                         \
      memcpy(lanes, x, sizeof lanes);                                         \
      PJ_UNROLL for (int half = LANES / 2; half; half /= 2) {                 \
        PJ_UNROLL for (int j = 0; j < half; ++j) lanes[j] += lanes[half + j]; \
      }                                                                       \
      ((T *)out)[i] = lanes[0];                                               \
    }                                                                         \
  }
ADD(add_f64, double)
#if PJ_LEVEL == 1
PJ_TARGET static void PJ_V(add_f32)(int64_t n, const void *sums, void *out) {
  const float *x = sums;
  float *y = out;
  for (int64_t i = 0; i < n; i += 8) {
    __m256 v[8];
    for (int j = 0; j < 8; ++j)
      v[j] = i + j < n ? _mm256_loadu_ps(x + (i + j) * 8) : _mm256_setzero_ps();
    for (int j = 0; j < 8; j += 4) {
      v[j] = _mm256_hadd_ps(_mm256_hadd_ps(v[j], v[j + 1]), _mm256_hadd_ps(v[j + 2], v[j + 3]));
    }
    const __m256 all = _mm256_add_ps(_mm256_permute2f128_ps(v[0], v[4], 0x20),
                                     _mm256_permute2f128_ps(v[0], v[4], 0x31));
    float some[8];
    _mm256_storeu_ps(some, all);
    memcpy(y + i, some, (size_t)(n - i < 8 ? n - i : 8) * sizeof *y);
  }
}
#else
ADD(add_f32, float)
#endif
#undef ADD

#define ROW(NAME, R) \
  { PJ_V(NAME##_##R##1), PJ_V(NAME##_##R##2), PJ_V(NAME##_##R##3) }
#if PJ_LEVEL == 2
#define ALL(NAME)                                                        \
  8, {                                                                   \
    ROW(NAME, 1), ROW(NAME, 2), ROW(NAME, 3), ROW(NAME, 4), ROW(NAME, 8) \
  }
#else
#define ALL(NAME)                                          \
  4, {                                                     \
    ROW(NAME, 1), ROW(NAME, 2), ROW(NAME, 3), ROW(NAME, 4) \
  }
#endif
static const Kernels PJ_V(kernels)[] = {
    {PJ_VB / 4, ALL(dots_f32), PJ_V(add_f32)},
    {PJ_VB / 8, ALL(dots_f64), PJ_V(add_f64)},
};
#undef ALL
#undef ROW

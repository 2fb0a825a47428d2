// A tile of QUADS times PJ_GEMM_LOW neighbouring positions by VECTORS of BYTES of output features,
// from zero: c[q][i, j] = sum over runs r and p < n of a[q][runs[r] + i * step + p] * b[(r * n + p)
// * NR
// + j].
#define LINES_TILE(NAME, T, QUADS, VECTORS, BYTES)                                            \
  PJ_TARGET static void PJ_V(NAME)(int64_t num, const int64_t *runs, int64_t n,               \
                                   const void *const *pa, int64_t step, const void *pb,       \
                                   void *const *pc, int64_t c_row) {                          \
    typedef T Vec __attribute__((vector_size(BYTES), aligned(sizeof(T)), may_alias));         \
    enum { LANES = BYTES / sizeof(T), LOW = PJ_GEMM_LOW };                                    \
    const T *b = pb;                                                                          \
    Vec sum[QUADS * LOW][VECTORS];                                                            \
    memset(sum, 0, sizeof sum);                                                               \
    PJ_UNROLL for (int q = 0; q < QUADS; ++q) PJ_UNROLL for (int i = 0; i < LOW; ++i)         \
        __builtin_prefetch((const T *)pc[q] + i * c_row, 1);                                  \
    for (int64_t r = 0; r < num; ++r) {                                                       \
      const T *a[QUADS];                                                                      \
      PJ_UNROLL for (int q = 0; q < QUADS; ++q) a[q] = (const T *)pa[q] + runs[r];            \
      for (int64_t p = 0; p < n; ++p, b += VECTORS * LANES) {                                 \
        Vec each[VECTORS];                                                                    \
        PJ_UNROLL for (int v = 0; v < VECTORS; ++v) each[v] = *(const Vec *)(b + v * LANES);  \
        PJ_UNROLL for (int q = 0; q < QUADS; ++q) {                                           \
          PJ_UNROLL for (int i = 0; i < LOW; ++i) PJ_UNROLL for (int v = 0; v < VECTORS; ++v) \
              sum[q * LOW + i][v] += a[q][i * step] * each[v];                                \
          ++a[q];                                                                             \
        }                                                                                     \
      }                                                                                       \
    }                                                                                         \
    PJ_UNROLL for (int q = 0; q < QUADS; ++q) PJ_UNROLL for (int i = 0; i < LOW; ++i)         \
            PJ_UNROLL for (int v = 0; v < VECTORS; ++v) *                                     \
        (Vec *)((T *)pc[q] + i * c_row + v * LANES) = sum[q * LOW + i][v];                    \
  }
#if PJ_LEVEL
#define LINES_TILES(NAME, T, VECTORS, BYTES) \
  LINES_TILE(NAME##_1, T, 1, VECTORS, BYTES) \
  LINES_TILE(NAME##_2, T, 2, VECTORS, BYTES) \
  LINES_TILE(NAME##_3, T, 3, VECTORS, BYTES)
#define LINES_ALL(NAME, T, VECTORS, BYTES)           \
  {                                                  \
    PJ_GEMM_LOW, 3, VECTORS *BYTES / sizeof(T), {    \
      PJ_V(NAME##_1), PJ_V(NAME##_2), PJ_V(NAME##_3) \
    }                                                \
  }
#else
#define LINES_TILES(NAME, T, VECTORS, BYTES) LINES_TILE(NAME##_1, T, 1, VECTORS, BYTES)
#define LINES_ALL(NAME, T, VECTORS, BYTES)        \
  {                                               \
    PJ_GEMM_LOW, 1, VECTORS *BYTES / sizeof(T), { \
      PJ_V(NAME##_1)                              \
    }                                             \
  }
#endif
LINES_TILES(wide_f32, float, 2, PJ_VB)
LINES_TILES(wide_f64, double, 2, PJ_VB)
LINES_TILES(narrow_f32, float, 1, PJ_VB)
LINES_TILES(narrow_f64, double, 1, PJ_VB)
#if PJ_LEVEL == 2
// Some processors take half the time for half a vector of 64 bytes, and none takes more.
LINES_TILES(half_f32, float, 1, PJ_VB / 2)
LINES_TILES(half_f64, double, 1, PJ_VB / 2)
#define LINES_HALF(NAME, T) LINES_ALL(NAME, T, 1, PJ_VB / 2)
#else
#define LINES_HALF(NAME, T) \
  { 0 }
#endif
static const Kernels PJ_V(kernels)[][SIZES] = {
    {LINES_ALL(wide_f32, float, 2, PJ_VB), LINES_ALL(narrow_f32, float, 1, PJ_VB),
     LINES_HALF(half_f32, float)},
    {LINES_ALL(wide_f64, double, 2, PJ_VB), LINES_ALL(narrow_f64, double, 1, PJ_VB),
     LINES_HALF(half_f64, double)}};
#undef LINES_HALF
#undef LINES_ALL
#undef LINES_TILES
#undef LINES_TILE

// A tile of QUADS times PJ_GEMM_LOW neighbouring positions by VECTORS of output features, from
// zero: c[q][i, j] = sum over runs r and p < n of a[q][runs[r] + i * step + p] * b[(r * n + p) * NR
// + j].
#define LINES_TILE(NAME, T, QUADS, VECTORS)                                                   \
  PJ_TARGET static void PJ_V(NAME)(int64_t num, const int64_t *runs, int64_t n,               \
                                   const void *const *pa, int64_t step, const void *pb,       \
                                   void *const *pc, int64_t c_row) {                          \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));         \
    enum { LANES = PJ_VB / sizeof(T), LOW = PJ_GEMM_LOW };                                    \
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
#define LINES_TILES(NAME, T, VECTORS) \
  LINES_TILE(NAME##_1, T, 1, VECTORS) \
  LINES_TILE(NAME##_2, T, 2, VECTORS) \
  LINES_TILE(NAME##_3, T, 3, VECTORS)
#define LINES_ALL(NAME, BYTES, VECTORS)              \
  {                                                  \
    PJ_GEMM_LOW, 3, VECTORS *PJ_VB / BYTES, {        \
      PJ_V(NAME##_1), PJ_V(NAME##_2), PJ_V(NAME##_3) \
    }                                                \
  }
#else
#define LINES_TILES(NAME, T, VECTORS) LINES_TILE(NAME##_1, T, 1, VECTORS)
#define LINES_ALL(NAME, BYTES, VECTORS)       \
  {                                           \
    PJ_GEMM_LOW, 1, VECTORS *PJ_VB / BYTES, { \
      PJ_V(NAME##_1)                          \
    }                                         \
  }
#endif
LINES_TILES(lines_f32, float, 2)
LINES_TILES(lines_f64, double, 2)
LINES_TILES(lines_narrow_f32, float, 1)
LINES_TILES(lines_narrow_f64, double, 1)
static const Kernels PJ_V(kernels)[] = {LINES_ALL(lines_f32, 4, 2), LINES_ALL(lines_f64, 8, 2),
                                        LINES_ALL(lines_narrow_f32, 4, 1),
                                        LINES_ALL(lines_narrow_f64, 8, 1)};
#undef LINES_ALL
#undef LINES_TILES
#undef LINES_TILE

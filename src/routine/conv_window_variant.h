// A tile of ROWS neighbouring taps and VECTORS of output features: c[i, j] (+)= sum over runs r
// and p < n of a[runs[r] + p * step + i] * b[(r * n + p) * NR + j], in order. With each p another
// line from |ahead| on comes nearer.
#define TILE(NAME, T, ROWS, VECTORS)                                                            \
  PJ_TARGET static void PJ_V(NAME)(int64_t num, const int64_t *runs, int64_t n, const void *pa, \
                                   int64_t step, const void *pb, void *pc, int64_t c_row,       \
                                   bool add, const char *ahead, int64_t ahead_step) {           \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));           \
    enum { LANES = PJ_VB / sizeof(T) };                                                         \
    const T *b = pb;                                                                            \
    T *c = pc;                                                                                  \
    Vec sum[ROWS][VECTORS];                                                                     \
    memset(sum, 0, sizeof sum);                                                                 \
    for (int64_t r = 0; r < num; ++r) {                                                         \
      const T *a = (const T *)pa + runs[r];                                                     \
      for (int64_t p = 0; p < n; ++p, a += step, b += VECTORS * LANES, ahead += ahead_step) {   \
        Vec each[VECTORS];                                                                      \
        PJ_UNROLL for (int v = 0; v < VECTORS; ++v) each[v] = *(const Vec *)(b + v * LANES);    \
        PJ_UNROLL for (int i = 0; i < ROWS; ++i) PJ_UNROLL for (int v = 0; v < VECTORS; ++v)    \
            sum[i][v] += a[i] * each[v];                                                        \
        __builtin_prefetch(ahead, 0, 2);                                                        \
      }                                                                                         \
    }                                                                                           \
    PJ_UNROLL for (int i = 0; i < ROWS; ++i, c += c_row)                                        \
        PJ_UNROLL for (int v = 0; v < VECTORS; ++v) {                                           \
      if (add)                                                                                  \
        sum[i][v] += *(const Vec *)(c + v * LANES);                                             \
      *(Vec *)(c + v * LANES) = sum[i][v];                                                      \
    }                                                                                           \
  }
#define TILES(NAME, T, VECTORS)             \
  TILE(NAME##_low, T, PJ_GEMM_LOW, VECTORS) \
  TILE(NAME##_mid, T, PJ_GEMM_MID, VECTORS) \
  TILE(NAME##_high, T, PJ_GEMM_MR, VECTORS)
TILES(taps_f32, float, 2)
TILES(taps_f64, double, 2)
TILES(narrow_f32, float, 1)
TILES(narrow_f64, double, 1)
#undef TILES
#undef TILE

#define ALL(NAME, BYTES, VECTORS)                           \
  {                                                         \
    PJ_GEMM_MR, PJ_GEMM_LOW, VECTORS *PJ_VB / BYTES, {      \
      PJ_V(NAME##_low), PJ_V(NAME##_mid), PJ_V(NAME##_high) \
    }                                                       \
  }
static const Kernels PJ_V(kernels)[] = {ALL(taps_f32, 4, 2), ALL(taps_f64, 8, 2),
                                        ALL(narrow_f32, 4, 1), ALL(narrow_f64, 8, 1)};
#undef ALL

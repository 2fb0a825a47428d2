// A tile of R features and V vectors of positions: to[v][r, lane] = from[r, v, lane] + sum over p <
// k of a[r, p] * x[v][offsets[p] + lane]. Without |from| sums begin at zero.
#define TILE(NAME, T, R, V)                                                                    \
  PJ_TARGET static void PJ_V(NAME##_##R##V)(                                                   \
      int64_t k, const void *pa, int64_t a_row, const int32_t *offsets, const void *const *px, \
      const void *from, int64_t from_row, void *const *to, int64_t to_row) {                   \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));          \
    enum { LANES = PJ_VB / sizeof(T) };                                                        \
    const T *a[R], *x[V];                                                                      \
    Vec sum[R][V];                                                                             \
    PJ_UNROLL for (int r = 0; r < R; ++r) {                                                    \
      a[r] = (const T *)pa + r * a_row;                                                        \
      PJ_UNROLL for (int v = 0; v < V; ++v) sum[r][v] =                                        \
          from ? *(const Vec *)((const T *)from + r * from_row + v * LANES) : (Vec){0};        \
    }                                                                                          \
    PJ_UNROLL for (int v = 0; v < V; ++v) x[v] = px[v];                                        \
    for (int64_t p = 0; p < k; ++p) {                                                          \
      const int64_t at = offsets[p];                                                           \
      Vec each[V];                                                                             \
      PJ_UNROLL for (int v = 0; v < V; ++v) each[v] = *(const Vec *)(x[v] + at);               \
      PJ_UNROLL for (int r = 0; r < R; ++r) {                                                  \
        PJ_UNROLL for (int v = 0; v < V; ++v) sum[r][v] += a[r][p] * each[v];                  \
      }                                                                                        \
    }                                                                                          \
    PJ_UNROLL for (int r = 0; r < R; ++r) {                                                    \
      PJ_UNROLL for (int v = 0; v < V; ++v) * (Vec *)((T *)to[v] + r * to_row) = sum[r][v];    \
    }                                                                                          \
  }
#define TILES(NAME, T) \
  TILE(NAME, T, 1, 1)  \
  TILE(NAME, T, 1, 2)  \
  TILE(NAME, T, 1, 3)  \
  TILE(NAME, T, 2, 1)  \
  TILE(NAME, T, 2, 2)  \
  TILE(NAME, T, 2, 3)  \
  TILE(NAME, T, 3, 1)  \
  TILE(NAME, T, 3, 2)  \
  TILE(NAME, T, 3, 3)  \
  TILE(NAME, T, 4, 1)  \
  TILE(NAME, T, 4, 2)  \
  TILE(NAME, T, 4, 3)
#if PJ_LEVEL == 2 // twice as many registers
#define TALL_TILES(NAME, T) \
  TILE(NAME, T, 8, 1)       \
  TILE(NAME, T, 8, 2)       \
  TILE(NAME, T, 8, 3)
TALL_TILES(tile_f32, float)
TALL_TILES(tile_f64, double)
#undef TALL_TILES
#endif
TILES(tile_f32, float)
TILES(tile_f64, double)

// Rows of |n| elements at from + offsets[i], one behind the other. Up to a vector behind the last
// is written, and behind each row read.
#define ROWS_TO(NAME, T)                                                              \
  PJ_TARGET static void PJ_V(NAME)(int64_t rows, int64_t n, const int32_t *offsets,   \
                                   const void *from, void *to) {                      \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias)); \
    enum { LANES = PJ_VB / sizeof(T) };                                               \
    T *out = to;                                                                      \
    for (int64_t i = 0; i < rows; ++i, out += n) {                                    \
      const T *row = (const T *)from + offsets[i];                                    \
      int64_t j = 0;                                                                  \
      do {                                                                            \
        *(Vec *)(out + j) = *(const Vec *)(row + j);                                  \
        j += LANES;                                                                   \
      } while (j < n);                                                                \
    }                                                                                 \
  }
ROWS_TO(rows_f32, uint32_t)
ROWS_TO(rows_f64, uint64_t)
#undef ROWS_TO
#undef TILES
#undef TILE

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
static const PjPlaneKernels PJ_V(kernels)[] = {
    {PJ_VB / 4, ALL(tile_f32), PJ_V(rows_f32)},
    {PJ_VB / 8, ALL(tile_f64), PJ_V(rows_f64)},
};
#undef ALL
#undef ROW

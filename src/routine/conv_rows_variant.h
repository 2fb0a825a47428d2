// A tile of R rows of positions, x_row apart, and V vectors: to[r, v] = sum over t < taps of
// weights[t] * x[offsets[t] + r * x_row + v].
#define TILE(NAME, T, R, V)                                                                        \
  PJ_TARGET static void PJ_V(NAME##_##R##V)(int64_t taps, const void *weights,                     \
                                            const int32_t *offsets, const void *px, int64_t x_row, \
                                            void *to, int64_t to_row) {                            \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));              \
    enum { LANES = PJ_VB / sizeof(T) };                                                            \
    Vec sum[R][V];                                                                                 \
    memset(sum, 0, sizeof sum);                                                                    \
    for (int64_t t = 0; t < taps; ++t) {                                                           \
      const T w = ((const T *)weights)[t], *x = (const T *)px + offsets[t];                        \
      PJ_UNROLL for (int r = 0; r < R; ++r) {                                                      \
        PJ_UNROLL for (int v = 0; v < V; ++v) sum[r][v] +=                                         \
            w * *(const Vec *)(x + r * x_row + v * LANES);                                         \
      }                                                                                            \
    }                                                                                              \
    PJ_UNROLL for (int r = 0; r < R; ++r) {                                                        \
      PJ_UNROLL for (int v = 0; v < V; ++v) * (Vec *)((T *)to + r * to_row + v * LANES) =          \
          sum[r][v];                                                                               \
    }                                                                                              \
  }
#define TILES(NAME, T) \
  TILE(NAME, T, 1, 1)  \
  TILE(NAME, T, 1, 2)  \
  TILE(NAME, T, 1, 3)  \
  TILE(NAME, T, 2, 1)  \
  TILE(NAME, T, 2, 2)  \
  TILE(NAME, T, 2, 3)  \
  TILE(NAME, T, 4, 1)  \
  TILE(NAME, T, 4, 2)  \
  TILE(NAME, T, 4, 3)
TILES(rows_f32, float)
TILES(rows_f64, double)
#undef TILES
#undef TILE

#define ROW(NAME, R) \
  { PJ_V(NAME##_##R##1), PJ_V(NAME##_##R##2), PJ_V(NAME##_##R##3) }
static const Kernels PJ_V(kernels)[] = {
    {PJ_VB / 4, {ROW(rows_f32, 1), ROW(rows_f32, 2), ROW(rows_f32, 4)}},
    {PJ_VB / 8, {ROW(rows_f64, 1), ROW(rows_f64, 2), ROW(rows_f64, 4)}},
};
#undef ROW

// Small factorisations and solutions of a vector of matrices, one to a lane: the operations of
// eval/triangular.c in the same order, so with the same bits.
#define LINALG(S, T, LANES)                                                                       \
  typedef T PJ_V(Mat##S) __attribute__((vector_size(PJ_VB)));                                     \
  /* a[i * n + j]: the lower triangle becomes its factor. Lanes without one become false in |ok|. \
   */                                                                                             \
  PJ_TARGET static void PJ_V(cholesky_##S)(int64_t n, void *data, bool *ok) {                     \
    PJ_V(Mat##S) *a = data;                                                                       \
    for (int64_t j = 0; j < n; ++j) {                                                             \
      PJ_V(Mat##S) root = a[j * n + j];                                                           \
      for (int l = 0; l < LANES; ++l) {                                                           \
        ok[l] &= root[l] > 0 && isfinite(root[l]);                                                \
        root[l] = (T)sqrt(ok[l] ? root[l] : 1);                                                   \
      }                                                                                           \
      a[j * n + j] = root;                                                                        \
      for (int64_t i = j + 1; i < n; ++i)                                                         \
        a[i * n + j] /= root;                                                                     \
      for (int64_t i = j + 1; i < n; ++i)                                                         \
        for (int64_t k = j + 1; k <= i; ++k)                                                      \
          a[i * n + k] -= a[i * n + j] * a[k * n + j];                                            \
    }                                                                                             \
  }                                                                                               \
  /* b[i * m + k]: l * x = b by forward substitution, in place. */                                \
  PJ_TARGET static void PJ_V(solve_##S)(int64_t n, int64_t m, const void *matrix, bool unit,      \
                                        void *data) {                                             \
    const PJ_V(Mat##S) *l = matrix;                                                               \
    PJ_V(Mat##S) *b = data;                                                                       \
    for (int64_t i = 0; i < n; ++i) {                                                             \
      for (int64_t j = 0; j < i; ++j)                                                             \
        for (int64_t k = 0; k < m; ++k)                                                           \
          b[i * m + k] -= l[i * n + j] * b[j * m + k];                                            \
      for (int64_t k = 0; !unit && k < m; ++k)                                                    \
        b[i * m + k] /= l[i * n + i];                                                             \
    }                                                                                             \
  }
#if PJ_VB == 64
LINALG(f32, float, 16)
LINALG(f64, double, 8)
static const Lanes PJ_V(lanes)[] = {{16, PJ_V(cholesky_f32), PJ_V(solve_f32)},
                                    {8, PJ_V(cholesky_f64), PJ_V(solve_f64)}};
#elif PJ_VB == 32
LINALG(f32, float, 8)
LINALG(f64, double, 4)
static const Lanes PJ_V(lanes)[] = {{8, PJ_V(cholesky_f32), PJ_V(solve_f32)},
                                    {4, PJ_V(cholesky_f64), PJ_V(solve_f64)}};
#else
LINALG(f32, float, 4)
LINALG(f64, double, 2)
static const Lanes PJ_V(lanes)[] = {{4, PJ_V(cholesky_f32), PJ_V(solve_f32)},
                                    {2, PJ_V(cholesky_f64), PJ_V(solve_f64)}};
#endif
#undef LINALG

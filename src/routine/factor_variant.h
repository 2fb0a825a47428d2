// The kernels of factor.h for one instruction set. FACTOR(S, T, I) makes those of real type T; I is
// the integer of its size.
#include "routine/lanes_variant.h"

#define FACTOR(S, T, I)                                                                            \
  PJ_TARGET static void PJ_V(take_##S)(int64_t k, int64_t cols, const void *from_v, int64_t row,   \
                                       int64_t col, bool negate, void *to_v, int64_t step) {       \
    enum { N = PJ_LANES_##S, NR = 2 * N };                                                         \
    const T *from = from_v;                                                                        \
    T *to = to_v;                                                                                  \
    int64_t p = 0;                                                                                 \
    for (int64_t q = 0; cols < NR && q < k; ++q)                                                   \
      memset(to + q * step, 0, NR * sizeof(T));                                                    \
    if (row == 1)                                                                                  \
      for (; p + N <= k; p += N)                                                                   \
        for (int64_t j = 0; j < cols; j += N) {                                                    \
          PJ_V(Vec##S) v[N];                                                                       \
          const T *x = from + p + j * col;                                                         \
          const int64_t last = cols - 1 - j;                                                       \
          PJ_UNROLL for (int l = 0; l < N; ++l) v[l] =                                             \
              *(const PJ_V(Loose##S) *)(x + (l < last ? l : last) * col);                          \
          PJ_V(turn_##S)(v);                                                                       \
          if (last < N - 1) /* those behind the last column are zero */                            \
            for (int l = 0; l < N; ++l)                                                            \
              for (int64_t i = last + 1; i < N; ++i)                                               \
                v[l][i] = 0;                                                                       \
          PJ_UNROLL for (int l = 0; l < N; ++l) * (PJ_V(Loose##S) *)(to + (p + l) * step + j) =    \
              negate ? -v[l] : v[l];                                                               \
        }                                                                                          \
    for (; p < k; ++p) {                                                                           \
      const T *x = from + p * row;                                                                 \
      T *y = to + p * step;                                                                        \
      if (col == 1 && cols == NR)                                                                  \
        PJ_UNROLL for (int v = 0; v < 2; ++v) {                                                    \
          const PJ_V(Vec##S) a = *(const PJ_V(Loose##S) *)(x + v * N);                             \
          *(PJ_V(Loose##S) *)(y + v * N) = negate ? -a : a;                                        \
        }                                                                                          \
      else                                                                                         \
        for (int64_t j = 0; j < cols; ++j)                                                         \
          y[j] = negate ? -x[j * col] : x[j * col];                                                \
    }                                                                                              \
  }                                                                                                \
  PJ_TARGET static void PJ_V(give_##S)(int64_t k, int64_t cols, const void *from_v, int64_t step,  \
                                       void *to_v, int64_t row, int64_t col) {                     \
    enum { N = PJ_LANES_##S, NR = 2 * N };                                                         \
    const T *from = from_v;                                                                        \
    T *to = to_v;                                                                                  \
    int64_t p = 0;                                                                                 \
    if (row == 1)                                                                                  \
      for (; p + N <= k; p += N)                                                                   \
        for (int64_t j = 0; j < cols; j += N) {                                                    \
          PJ_V(Vec##S) v[N];                                                                       \
          PJ_UNROLL for (int l = 0; l < N; ++l) v[l] =                                             \
              *(const PJ_V(Loose##S) *)(from + (p + l) * step + j);                                \
          PJ_V(turn_##S)(v);                                                                       \
          T *y = to + p + j * col;                                                                 \
          const int64_t have = cols - j;                                                           \
          PJ_UNROLL for (int l = 0; l < N; ++l) if (l < have) * (PJ_V(Loose##S) *)(y + l * col) =  \
              v[l];                                                                                \
        }                                                                                          \
    for (; p < k; ++p) {                                                                           \
      const T *x = from + p * step;                                                                \
      T *y = to + p * row;                                                                         \
      if (col == 1 && cols == NR)                                                                  \
        PJ_UNROLL for (int v = 0; v < 2; ++v) * (PJ_V(Loose##S) *)(y + v * N) =                    \
            *(const PJ_V(Loose##S) *)(x + v * N);                                                  \
      else                                                                                         \
        for (int64_t j = 0; j < cols; ++j)                                                         \
          y[j * col] = x[j];                                                                       \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  PJ_TARGET static void PJ_V(solve_##S)(const void *square, const void *diagonal, bool lower,      \
                                        bool divide, void *c_v) {                                  \
    enum { N = PJ_LANES_##S, MR = PJ_GEMM_MR };                                                    \
    const T *a = square, *d = diagonal;                                                            \
    PJ_V(Loose##S) *c = c_v;                                                                       \
    PJ_V(Vec##S) x[MR][2];                                                                         \
    PJ_UNROLL for (int i = 0; i < MR; ++i) PJ_UNROLL for (int v = 0; v < 2; ++v) x[i][v] =         \
        c[i * 2 + v];                                                                              \
    if (lower)                                                                                     \
      PJ_UNROLL for (int i = 0; i < MR; ++i) {                                                     \
        PJ_UNROLL for (int v = 0; v < 2; ++v) {                                                    \
          x[i][v] = divide ? x[i][v] / d[i] : x[i][v] * d[i];                                      \
          PJ_UNROLL for (int j = i + 1; j < MR; ++j) x[j][v] += x[i][v] * a[i * MR + j];           \
        }                                                                                          \
      }                                                                                            \
    else                                                                                           \
      PJ_UNROLL for (int i = MR - 1; i >= 0; --i) {                                                \
        PJ_UNROLL for (int v = 0; v < 2; ++v) {                                                    \
          x[i][v] = divide ? x[i][v] / d[i] : x[i][v] * d[i];                                      \
          PJ_UNROLL for (int j = 0; j < i; ++j) x[j][v] += x[i][v] * a[i * MR + j];                \
        }                                                                                          \
      }                                                                                            \
    PJ_UNROLL for (int i = 0; i < MR; ++i) PJ_UNROLL for (int v = 0; v < 2; ++v) c[i * 2 + v] =    \
        x[i][v];                                                                                   \
  }                                                                                                \
                                                                                                   \
  /* MR elements at |from| to |to|, negated; a vector behind |to| may be written. */               \
  PJ_TARGET static inline void PJ_V(turn_sign_##S)(const T *from, T *to) {                         \
    enum { N = PJ_LANES_##S, MR = PJ_GEMM_MR };                                                    \
    *(PJ_V(Loose##S) *)to = -*(const PJ_V(Loose##S) *)from;                                        \
    if (MR > N)                                                                                    \
      *(PJ_V(Loose##S) *)(to + MR - N) = -*(const PJ_V(Loose##S) *)(from + MR - N);                \
  }                                                                                                \
  PJ_TARGET static void PJ_V(left_##S)(int64_t k, int64_t slivers, const void *from_v,             \
                                       int64_t tiles, int64_t step, void *to_v) {                  \
    enum { N = PJ_LANES_##S, NR = 2 * N, MR = PJ_GEMM_MR, MOST = 2 * NR * MR };                    \
    const T *from = from_v;                                                                        \
    T *to = to_v, row[MOST + NR];                                                                  \
    for (int64_t p = 0; p < k; ++p) {                                                              \
      for (int64_t s = 0; s < slivers; ++s)                                                        \
        memcpy(row + s * NR, from + (s * k + p) * NR, sizeof(T) * NR);                             \
      for (int64_t t = 0; t < tiles; ++t)                                                          \
        PJ_V(turn_sign_##S)(row + t * MR, to + t * step + p * MR);                                 \
    }                                                                                              \
  }                                                                                                \
  PJ_TARGET static void PJ_V(left_columns_##S)(int64_t k, int64_t rows, const void *from_v,        \
                                               int64_t column, int64_t step, void *to_v) {         \
    enum { MR = PJ_GEMM_MR };                                                                      \
    const T *from = from_v;                                                                        \
    T *to = to_v;                                                                                  \
    for (int64_t t = 0; t * MR < rows; ++t)                                                        \
      for (int64_t p = 0; p < k; ++p)                                                              \
        PJ_V(turn_sign_##S)(from + p * column + t * MR, to + t * step + p * MR);                   \
  }                                                                                                \
                                                                                                   \
  PJ_TARGET static int32_t PJ_V(cholesky_##S)(int64_t n, void *av, int64_t row) {                  \
    enum { N = PJ_LANES_##S };                                                                     \
    T *a = av;                                                                                     \
    for (int64_t p = 0; p < n; ++p) {                                                              \
      T *x = a + p * row;                                                                          \
      if (!(x[p] > 0))                                                                             \
        return (int32_t)(p + 1);                                                                   \
      const T root = (T)sqrt(x[p]), factor = 1 / root;                                             \
      for (int64_t j = p / N * N; j < n; j += N)                                                   \
        *(PJ_V(Loose##S) *)(x + j) *= factor;                                                      \
      x[p] = root;                                                                                 \
      for (int64_t i = p + 1; i < n; ++i) {                                                        \
        T *y = a + i * row;                                                                        \
        const T f = x[i];                                                                          \
        for (int64_t j = i / N * N; j < n; j += N)                                                 \
          *(PJ_V(Loose##S) *)(y + j) -= f * *(const PJ_V(Loose##S) *)(x + j);                      \
      }                                                                                            \
    }                                                                                              \
    return 0;                                                                                      \
  }                                                                                                \
                                                                                                   \
  /* The lanes of the vector at |at| whose rows are not before |first|. */                         \
  PJ_TARGET static inline PJ_V(Int##S) PJ_V(from_##S)(int64_t at, int64_t first) {                 \
    PJ_V(Int##S) lane;                                                                             \
    PJ_UNROLL for (int l = 0; l < PJ_LANES_##S; ++l) lane[l] = l;                                  \
    return lane >= (I)(first - at);                                                                \
  }                                                                                                \
  PJ_TARGET static inline PJ_V(Vec##S)                                                             \
      PJ_V(choose_##S)(PJ_V(Int##S) mask, PJ_V(Vec##S) a, PJ_V(Vec##S) b) {                        \
    return (PJ_V(Vec##S))((mask & (PJ_V(Int##S))a) | (~mask & (PJ_V(Int##S))b));                   \
  }                                                                                                \
  /* The row of the first largest element of column |x| from row |first| on. */                    \
  PJ_TARGET static int64_t PJ_V(largest_##S)(const T *x, int64_t first, int64_t rows) {            \
    enum { N = PJ_LANES_##S };                                                                     \
    const I sign = (I)((uint64_t)1 << (8 * sizeof(I) - 1));                                        \
    PJ_V(Vec##S) most;                                                                             \
    PJ_V(Int##S) where;                                                                            \
    PJ_UNROLL for (int l = 0; l < N; ++l) {                                                        \
      most[l] = -1;                                                                                \
      where[l] = 0;                                                                                \
    }                                                                                              \
    for (int64_t r = first / N * N; r < rows; r += N) {                                            \
      const PJ_V(Vec##S) a =                                                                       \
          (PJ_V(Vec##S))((PJ_V(Int##S)) * (const PJ_V(Loose##S) *)(x + r) & ~sign);                \
      PJ_V(Int##S) more = a > most;                                                                \
      if (r < first)                                                                               \
        more &= PJ_V(from_##S)(r, first);                                                          \
      most = PJ_V(choose_##S)(more, a, most);                                                      \
      where = (more & (I)(r / N)) | (~more & where);                                               \
    }                                                                                              \
    int64_t best = first; /* where all are NaN */                                                  \
    T value = -1;                                                                                  \
    PJ_UNROLL for (int l = 0; l < N; ++l) {                                                        \
      const int64_t at = (int64_t)where[l] * N + l;                                                \
      if (most[l] > value || (most[l] == value && value >= 0 && at < best)) {                      \
        value = most[l];                                                                           \
        best = at;                                                                                 \
      }                                                                                            \
    }                                                                                              \
    return best < rows ? best : first;                                                             \
  }                                                                                                \
  /* Columns [to, to + cols) -= columns [from, from + k) x the rows from |from| on of those. */    \
  PJ_TARGET static inline void PJ_V(update_##S)(int64_t rows, T * a, int64_t column, int64_t from, \
                                                int k, int64_t to, int64_t cols) {                 \
    enum { N = PJ_LANES_##S, MOST = 8 };                                                           \
    const int64_t first = from + k;                                                                \
    for (int64_t r = first / N * N; r < rows; r += N) {                                            \
      PJ_V(Vec##S) x[MOST];                                                                        \
      PJ_UNROLL for (int q = 0; q < MOST; ++q) if (q < k) x[q] =                                   \
          *(const PJ_V(Loose##S) *)(a + (from + q) * column + r);                                  \
      for (int64_t c = to; c < to + cols; ++c) {                                                   \
        T *y = a + c * column;                                                                     \
        const T *u = y + from;                                                                     \
        const PJ_V(Vec##S) old = *(const PJ_V(Loose##S) *)(y + r);                                 \
        PJ_V(Vec##S) sum = old;                                                                    \
        PJ_UNROLL for (int q = 0; q < MOST; ++q) if (q < k) sum -= x[q] * u[q];                    \
        if (r < first)                                                                             \
          sum = PJ_V(choose_##S)(PJ_V(from_##S)(r, first), sum, old);                              \
        *(PJ_V(Loose##S) *)(y + r) = sum;                                                          \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  PJ_TARGET static int32_t PJ_V(lu_##S)(int64_t rows, int64_t n, void *av, int64_t column,         \
                                        int32_t *pivots) {                                         \
    enum { N = PJ_LANES_##S, TOGETHER = 8 };                                                       \
    T *a = av;                                                                                     \
    int32_t info = 0;                                                                              \
    for (int64_t from = 0; from < n; from += TOGETHER) {                                           \
      const int64_t to = pj__min(from + TOGETHER, n);                                              \
      for (int64_t j = from; j < to; ++j) {                                                        \
        T *x = a + j * column;                                                                     \
        if (j >= rows)                                                                             \
          break;                                                                                   \
        const int64_t p = PJ_V(largest_##S)(x, j, rows);                                           \
        pivots[j] = (int32_t)(p + 1);                                                              \
        if (p != j)                                                                                \
          for (int64_t c = 0; c < n; ++c) {                                                        \
            const T other = a[c * column + p];                                                     \
            a[c * column + p] = a[c * column + j];                                                 \
            a[c * column + j] = other;                                                             \
          }                                                                                        \
        const T pivot = x[j];                                                                      \
        if (pivot == 0) {                                                                          \
          info = info ? info : (int32_t)(j + 1);                                                   \
          continue;                                                                                \
        }                                                                                          \
        for (int64_t r = (j + 1) / N * N; r < rows; r += N) {                                      \
          const PJ_V(Vec##S) old = *(const PJ_V(Loose##S) *)(x + r);                               \
          PJ_V(Vec##S) y = old / pivot;                                                            \
          if (r < j + 1)                                                                           \
            y = PJ_V(choose_##S)(PJ_V(from_##S)(r, j + 1), y, old);                                \
          *(PJ_V(Loose##S) *)(x + r) = y;                                                          \
        }                                                                                          \
        PJ_V(update_##S)(rows, a, column, j, 1, j + 1, to - j - 1);                                \
      }                                                                                            \
      if (to == n)                                                                                 \
        break;                                                                                     \
      /* The rows of these in the other columns, then what is below. */                            \
      for (int64_t c = to; c < n; ++c) {                                                           \
        T *y = a + c * column + from;                                                              \
        for (int q = 0; q < TOGETHER; ++q)                                                         \
          for (int i = q + 1; i < TOGETHER; ++i)                                                   \
            y[i] -= a[(from + q) * column + from + i] * y[q];                                      \
      }                                                                                            \
      PJ_V(update_##S)(rows, a, column, from, TOGETHER, to, n - to);                               \
    }                                                                                              \
    return info;                                                                                   \
  }                                                                                                \
  PJ_TARGET static void PJ_V(swap_##S)(int64_t count, const int32_t *pivots, int64_t cols,         \
                                       void *a, int64_t row) {                                     \
    for (int64_t k = 0; k < count; ++k) {                                                          \
      T *x = (T *)a + k * row, *y = (T *)a + (pivots[k] - 1) * row;                                \
      if (x == y)                                                                                  \
        continue;                                                                                  \
      PJ_IVDEP for (int64_t j = 0; j < cols; ++j) {                                                \
        const T other = x[j];                                                                      \
        x[j] = y[j];                                                                               \
        y[j] = other;                                                                              \
      }                                                                                            \
    }                                                                                              \
  }

FACTOR(f32, float, int32_t)
FACTOR(f64, double, int64_t)
#undef FACTOR

#define TABLE(S)                                                                             \
  {                                                                                          \
    PJ_V(take_##S), PJ_V(give_##S), PJ_V(solve_##S), PJ_V(left_##S), PJ_V(left_columns_##S), \
        PJ_V(cholesky_##S), PJ_V(lu_##S), PJ_V(swap_##S)                                     \
  }
static const PjFactorKernels PJ_V(factor)[] = {TABLE(f32), TABLE(f64)};
#undef TABLE

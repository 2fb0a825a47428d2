// The kernels of spectrum.h for one instruction set. SPECTRUM(S, T, SMALL) makes those of real
// type T; SMALL is a square that is nothing beside 1.
#include "routine/lanes_variant.h"

#define SPECTRUM(S, T, SMALL)                                                                      \
  PJ_TARGET static inline T PJ_V(total_##S)(PJ_V(Vec##S) v) {                                      \
    T sum = 0;                                                                                     \
    PJ_UNROLL for (int l = 0; l < PJ_LANES_##S; ++l) sum += v[l];                                  \
    return sum;                                                                                    \
  }                                                                                                \
  /* The reflection that leaves but the first of |x| [first, n): its vector replaces |x|, with     \
     zeros before |first|, from the start of a vector on. Returns its factor, 0: none is needed;   \
     |left| is what is left. Elements from n to the end of the vector are zero. */                 \
  PJ_TARGET static T PJ_V(reflect_##S)(int64_t first, int64_t n, T * x, T * left) {                \
    enum { N = PJ_LANES_##S };                                                                     \
    const int64_t start = first / N * N;                                                           \
    for (int64_t j = start; j < first; ++j)                                                        \
      x[j] = 0;                                                                                    \
    const T head = x[first];                                                                       \
    PJ_V(Vec##S) sums = {0};                                                                       \
    x[first] = 0;                                                                                  \
    for (int64_t j = start; j < n; j += N) {                                                       \
      const PJ_V(Vec##S) a = *(const PJ_V(Loose##S) *)(x + j);                                     \
      sums += a * a;                                                                               \
    }                                                                                              \
    const T rest = PJ_V(total_##S)(sums);                                                          \
    if (rest < (SMALL)) { /* also where there is none */                                           \
      for (int64_t j = start; j < n; ++j)                                                          \
        x[j] = 0;                                                                                  \
      *left = head;                                                                                \
      return 0;                                                                                    \
    }                                                                                              \
    const T square = rest + head * head, norm = (T)sqrt(square), size = head < 0 ? -head : head;   \
    *left = head < 0 ? norm : -norm;                                                               \
    x[first] = head - *left;                                                                       \
    return 1 / (square + size * norm);                                                             \
  }                                                                                                \
                                                                                                   \
  /* |rows| rows from row |at| on of columns [start, n): -= v w^T + w v^T; p = the rows times u.   \
   */                                                                                              \
  PJ_TARGET static inline void PJ_V(both_##S)(int rows, int64_t at, int64_t start, int64_t n,      \
                                              T *a, int64_t row, const T *v, const T *w,           \
                                              const T *u, T *p) {                                  \
    enum { N = PJ_LANES_##S, MOST = 4 };                                                           \
    PJ_V(Vec##S) sums[MOST];                                                                       \
    PJ_UNROLL for (int i = 0; i < rows; ++i) sums[i] = (PJ_V(Vec##S)){0};                          \
    for (int64_t j = start; j < n; j += N) {                                                       \
      const PJ_V(Vec##S) vj = *(const PJ_V(Loose##S) *)(v + j),                                    \
                         wj = *(const PJ_V(Loose##S) *)(w + j),                                    \
                         uj = *(const PJ_V(Loose##S) *)(u + j);                                    \
      PJ_UNROLL for (int i = 0; i < rows; ++i) {                                                   \
        PJ_V(Loose##S) *x = (PJ_V(Loose##S) *)(a + (at + i) * row + j);                            \
        PJ_V(Vec##S) y = *x;                                                                       \
        y -= v[at + i] * wj;                                                                       \
        y -= w[at + i] * vj;                                                                       \
        *x = y;                                                                                    \
        sums[i] += y * uj;                                                                         \
      }                                                                                            \
    }                                                                                              \
    PJ_UNROLL for (int i = 0; i < rows; ++i) p[at + i] = PJ_V(total_##S)(sums[i]);                 \
  }                                                                                                \
  typedef struct PJ_V(Rows##S) {                                                                   \
    int64_t first, n, row;                                                                         \
    T *a;                                                                                          \
    const T *v, *w, *u;                                                                            \
    T *p;                                                                                          \
  } PJ_V(Rows##S);                                                                                 \
  PJ_TARGET static void PJ_V(row_parts_##S)(void *context, int64_t begin, int64_t end,             \
                                            int thread) {                                          \
    enum { N = PJ_LANES_##S, MOST = 4 };                                                           \
    (void)thread;                                                                                  \
    const PJ_V(Rows##S) *r = context;                                                              \
    const int64_t start = r->first / N * N;                                                        \
    for (int64_t part = begin; part < end; ++part) {                                               \
      int64_t i = r->first + part * MOST;                                                          \
      if (i + MOST <= r->n)                                                                        \
        PJ_V(both_##S)(MOST, i, start, r->n, r->a, r->row, r->v, r->w, r->u, r->p);                \
      else                                                                                         \
        for (; i < r->n; ++i)                                                                      \
          PJ_V(both_##S)(1, i, start, r->n, r->a, r->row, r->v, r->w, r->u, r->p);                 \
    }                                                                                              \
  }                                                                                                \
  PJ_TARGET static void PJ_V(tridiagonal_##S)(PjThreads * threads, int64_t n, void *av,            \
                                              int64_t row, void *d_v, void *e_v, void *work) {     \
    enum { N = PJ_LANES_##S, MOST = 4 };                                                           \
    T *a = av, *d = d_v, *e = e_v, *v = work, *w = v + row, *u = w + row;                          \
    memset(work, 0, (size_t)(3 * row) * sizeof(T));                                                \
    for (int64_t k = 0; k < n; ++k) {                                                              \
      T *x = a + k * row;                                                                          \
      const int64_t start = k / N * N;                                                             \
      for (int64_t j = start; j < n; j += N) { /* what the last step left to do */                 \
        PJ_V(Vec##S) y = *(const PJ_V(Loose##S) *)(x + j);                                         \
        y -= v[k] * *(const PJ_V(Loose##S) *)(w + j);                                              \
        y -= w[k] * *(const PJ_V(Loose##S) *)(v + j);                                              \
        *(PJ_V(Loose##S) *)(x + j) = y;                                                            \
        *(PJ_V(Loose##S) *)(u + j) = y;                                                            \
      }                                                                                            \
      d[k] = x[k];                                                                                 \
      if (k + 1 == n)                                                                              \
        break;                                                                                     \
      const T factor = PJ_V(reflect_##S)(k + 1, n, u, e + k);                                      \
      /* The products stand in row k, which is done with. */                                       \
      PJ_V(Rows##S) rows = {k + 1, n, row, a, v, w, u, x};                                         \
      const int64_t parts = pj__divide_up(n - k - 1, MOST);                                        \
      pj_threads_for(threads, parts, pj__grain(parts, (double)(n - k)), PJ_V(row_parts_##S),       \
                     &rows);                                                                       \
      PJ_V(Vec##S) sums = {0};                                                                     \
      const int64_t next = (k + 1) / N * N;                                                        \
      for (int64_t j = next; j < n; j += N)                                                        \
        sums += *(const PJ_V(Loose##S) *)(x + j) * *(const PJ_V(Loose##S) *)(u + j);               \
      const T half = PJ_V(total_##S)(sums) * factor / 2;                                           \
      for (int64_t j = next; j <= k; ++j)                                                          \
        x[j] = 0;                                                                                  \
      for (int64_t j = next; j < n; j += N) {                                                      \
        const PJ_V(Vec##S) uj = *(const PJ_V(Loose##S) *)(u + j);                                  \
        *(PJ_V(Loose##S) *)(w + j) = (*(const PJ_V(Loose##S) *)(x + j) - uj * half) * factor;      \
        *(PJ_V(Loose##S) *)(v + j) = uj;                                                           \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  /* |rows| rows from row |at| on of columns [start, n): -= z v^T; y += the rows times those of u. \
   */                                                                                              \
  PJ_TARGET static inline void PJ_V(first_##S)(int rows, int64_t at, int64_t start, int64_t n,     \
                                               T *a, int64_t row, const T *v, const T *z,          \
                                               const T *u, T *y) {                                 \
    enum { N = PJ_LANES_##S };                                                                     \
    for (int64_t j = start; j < n; j += N) {                                                       \
      const PJ_V(Vec##S) vj = *(const PJ_V(Loose##S) *)(v + j);                                    \
      PJ_V(Vec##S) sum = *(const PJ_V(Loose##S) *)(y + j);                                         \
      PJ_UNROLL for (int i = 0; i < rows; ++i) {                                                   \
        PJ_V(Loose##S) *x = (PJ_V(Loose##S) *)(a + (at + i) * row + j);                            \
        const PJ_V(Vec##S) b = *x - z[at + i] * vj;                                                \
        *x = b;                                                                                    \
        sum += u[at + i] * b;                                                                      \
      }                                                                                            \
      *(PJ_V(Loose##S) *)(y + j) = sum;                                                            \
    }                                                                                              \
  }                                                                                                \
  /* The same: -= u y^T; z = |factor| times the rows times v. */                                   \
  PJ_TARGET static inline void PJ_V(second_##S)(int rows, int64_t at, int64_t start, int64_t n,    \
                                                T *a, int64_t row, const T *u, const T *y,         \
                                                const T *v, T factor, T *z) {                      \
    enum { N = PJ_LANES_##S, MOST = 4 };                                                           \
    PJ_V(Vec##S) sums[MOST];                                                                       \
    PJ_UNROLL for (int i = 0; i < rows; ++i) sums[i] = (PJ_V(Vec##S)){0};                          \
    for (int64_t j = start; j < n; j += N) {                                                       \
      const PJ_V(Vec##S) yj = *(const PJ_V(Loose##S) *)(y + j),                                    \
                         vj = *(const PJ_V(Loose##S) *)(v + j);                                    \
      PJ_UNROLL for (int i = 0; i < rows; ++i) {                                                   \
        PJ_V(Loose##S) *x = (PJ_V(Loose##S) *)(a + (at + i) * row + j);                            \
        const PJ_V(Vec##S) b = *x - u[at + i] * yj;                                                \
        *x = b;                                                                                    \
        sums[i] += b * vj;                                                                         \
      }                                                                                            \
    }                                                                                              \
    PJ_UNROLL for (int i = 0; i < rows; ++i) z[at + i] = factor * PJ_V(total_##S)(sums[i]);        \
  }                                                                                                \
  PJ_TARGET static void PJ_V(bidiagonal_##S)(int64_t m, int64_t n, void *av, int64_t row,          \
                                             void *d_v, void *e_v, void *work) {                   \
    enum { N = PJ_LANES_##S, MOST = 4 };                                                           \
    const int64_t column = pj__divide_up(m, N) * N;                                                \
    T *a = av, *d = d_v, *e = e_v, *y = work, *v = y + row, *z = v + row, *u = z + column;         \
    memset(work, 0, (size_t)(2 * (row + column)) * sizeof(T));                                     \
    for (int64_t k = 0; k < n; ++k) {                                                              \
      for (int64_t i = k; i < m; ++i) /* what the last step left to do */                          \
        u[i] = a[i * row + k] - z[i] * v[k];                                                       \
      const T left = PJ_V(reflect_##S)(k, m, u, d + k);                                            \
      if (k + 1 == n)                                                                              \
        break;                                                                                     \
      const int64_t start = (k + 1) / N * N;                                                       \
      memset(y + start, 0, (size_t)(row - start) * sizeof(T));                                     \
      int64_t i = k;                                                                               \
      for (; i + MOST <= m; i += MOST)                                                             \
        PJ_V(first_##S)(MOST, i, start, n, a, row, v, z, u, y);                                    \
      for (; i < m; ++i)                                                                           \
        PJ_V(first_##S)(1, i, start, n, a, row, v, z, u, y);                                       \
      for (int64_t j = start; j <= k; ++j)                                                         \
        y[j] = 0;                                                                                  \
      for (int64_t j = start; j < n; j += N) {                                                     \
        const PJ_V(Vec##S) yj = left * *(const PJ_V(Loose##S) *)(y + j);                           \
        *(PJ_V(Loose##S) *)(y + j) = yj;                                                           \
        *(PJ_V(Loose##S) *)(v + j) = *(const PJ_V(Loose##S) *)(a + k * row + j) - u[k] * yj;       \
      }                                                                                            \
      const T right = PJ_V(reflect_##S)(k + 1, n, v, e + k);                                       \
      i = k + 1;                                                                                   \
      for (; i + MOST <= m; i += MOST)                                                             \
        PJ_V(second_##S)(MOST, i, start, n, a, row, u, y, v, right, z);                            \
      for (; i < m; ++i)                                                                           \
        PJ_V(second_##S)(1, i, start, n, a, row, u, y, v, right, z);                               \
    }                                                                                              \
  }

SPECTRUM(f32, float, 0x1p-100f)
SPECTRUM(f64, double, 0x1p-900)
#undef SPECTRUM

static const PjSpectrum PJ_V(spectrum)[] = {
    {PJ_LANES_f32, PJ_V(tridiagonal_f32), PJ_V(bidiagonal_f32)},
    {PJ_LANES_f64, PJ_V(tridiagonal_f64), PJ_V(bidiagonal_f64)},
};

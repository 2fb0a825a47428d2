// The kernels of small.h for one instruction set. SMALL(S, T, I) makes those of real type T; I is
// the integer of its size.
#include "routine/lanes_variant.h"

#define SMALL(S, T, I)                                                                            \
  PJ_TARGET static void PJ_V(load_##S)(int64_t size, int count, const void *from, int64_t step,   \
                                       int64_t room, void *to_v) {                                \
    enum { N = PJ_LANES_##S };                                                                    \
    PJ_V(Vec##S) *to = to_v;                                                                      \
    const T *x = from;                                                                            \
    int64_t e = 0;                                                                                \
    if (count == N)                                                                               \
      for (; e < size && (N - 1) * step + e + N <= room; e += N) {                                \
        PJ_V(Vec##S) v[N];                                                                        \
        PJ_UNROLL for (int l = 0; l < N; ++l) v[l] = *(const PJ_V(Loose##S) *)(x + l * step + e); \
        PJ_V(turn_##S)(v);                                                                        \
        PJ_UNROLL for (int l = 0; l < N; ++l) to[e + l] = v[l];                                   \
      }                                                                                           \
    if (e < size && count < N)                                                                    \
      memset(to + e, 0, (size_t)(size - e) * sizeof *to);                                         \
    for (; e < size; ++e)                                                                         \
      for (int l = 0; l < count; ++l)                                                             \
        ((T *)&to[e])[l] = x[l * step + e];                                                       \
  }                                                                                               \
  PJ_TARGET static void PJ_V(store_##S)(int64_t size, int count, const void *from_v, void *to_v,  \
                                        int64_t step) {                                           \
    enum { N = PJ_LANES_##S };                                                                    \
    const PJ_V(Vec##S) *from = from_v;                                                            \
    T *to = to_v;                                                                                 \
    int64_t e = 0;                                                                                \
    const bool dense = size < N && step == size; /* shorter than a vector: by way of the stack */ \
    T together[(N + 1) * N], *target = dense ? together : to;                                     \
    if (count == N && (size >= N || dense))                                                       \
      while (e < size) {                                                                          \
        PJ_V(Vec##S) v[N];                                                                        \
        PJ_UNROLL for (int l = 0; l < N; ++l) v[l] = from[e + l];                                 \
        PJ_V(turn_##S)(v);                                                                        \
        PJ_UNROLL for (int l = 0; l < N; ++l) * (PJ_V(Loose##S) *)(target + l * step + e) = v[l]; \
        e += N;                                                                                   \
        if (e < size && e + N > size) /* the last ones once more */                               \
          e = size - N;                                                                           \
      }                                                                                           \
    if (e && dense)                                                                               \
      memcpy(to, together, (size_t)(N * size) * sizeof(T));                                       \
    for (; e < size; ++e)                                                                         \
      for (int l = 0; l < count; ++l)                                                             \
        to[l * step + e] = ((const T *)&from[e])[l];                                              \
  }                                                                                               \
  PJ_TARGET static void PJ_V(spread_##S)(int64_t size, const void *from, void *to_v) {            \
    PJ_V(Vec##S) *to = to_v;                                                                      \
    for (int64_t e = 0; e < size; ++e)                                                            \
      to[e] = ((const T *)from)[e] - (PJ_V(Vec##S)){0}; /* -0, too */                             \
  }                                                                                               \
  static inline PJ_TARGET PJ_V(Vec##S)                                                            \
      PJ_V(pick_##S)(PJ_V(Int##S) mask, PJ_V(Vec##S) a, PJ_V(Vec##S) b) {                         \
    return (PJ_V(Vec##S))((mask & (PJ_V(Int##S))a) | (~mask & (PJ_V(Int##S))b));                  \
  }                                                                                               \
  static inline PJ_TARGET PJ_V(Vec##S) PJ_V(abs_##S)(PJ_V(Vec##S) a) {                            \
    const I sign = (I)((uint64_t)1 << (8 * sizeof(I) - 1));                                       \
    return (PJ_V(Vec##S))((PJ_V(Int##S))a & ~sign);                                               \
  }                                                                                               \
  static inline PJ_TARGET PJ_V(Vec##S) PJ_V(root_##S)(PJ_V(Vec##S) a) {                           \
    PJ_UNROLL for (int l = 0; l < PJ_LANES_##S; ++l) a[l] = (T)sqrt(a[l]);                        \
    return a;                                                                                     \
  }                                                                                               \
  static inline PJ_TARGET bool PJ_V(any_##S)(PJ_V(Int##S) mask) {                                 \
    I any = 0;                                                                                    \
    PJ_UNROLL for (int l = 0; l < PJ_LANES_##S; ++l) any |= mask[l];                              \
    return any != 0;                                                                              \
  }                                                                                               \
                                                                                                  \
  PJ_TARGET static void PJ_V(cholesky_##S)(int64_t n, void *av, int64_t row, int64_t col,         \
                                           int32_t *info) {                                       \
    enum { N = PJ_LANES_##S };                                                                    \
    PJ_V(Vec##S) *a = av;                                                                         \
    PJ_V(Int##S) first = {0};                                                                     \
    for (int64_t k = 0; k < n; ++k) {                                                             \
      const PJ_V(Vec##S) *x = a + k * row;                                                        \
      PJ_V(Vec##S) root = {0};                                                                    \
      for (int64_t i = k; i < n;) {                                                               \
        PJ_V(Vec##S) *y = a + i * row;                                                            \
        if (i > k && n - i >= 4) {                                                                \
          PJ_V(Vec##S)                                                                            \
          s0 = y[k * col], s1 = y[row + k * col], s2 = y[2 * row + k * col],                      \
          s3 = y[3 * row + k * col];                                                              \
          for (int64_t j = 0; j < k; ++j) {                                                       \
            const PJ_V(Vec##S) f = x[j * col];                                                    \
            s0 -= y[j * col] * f;                                                                 \
            s1 -= y[row + j * col] * f;                                                           \
            s2 -= y[2 * row + j * col] * f;                                                       \
            s3 -= y[3 * row + j * col] * f;                                                       \
          }                                                                                       \
          y[k * col] = s0 / root;                                                                 \
          y[row + k * col] = s1 / root;                                                           \
          y[2 * row + k * col] = s2 / root;                                                       \
          y[3 * row + k * col] = s3 / root;                                                       \
          i += 4;                                                                                 \
          continue;                                                                               \
        }                                                                                         \
        PJ_V(Vec##S) s = y[k * col];                                                              \
        for (int64_t j = 0; j < k; ++j)                                                           \
          s -= y[j * col] * x[j * col];                                                           \
        if (i == k) {                                                                             \
          const PJ_V(Vec##S) one = (PJ_V(Vec##S)){0} + 1;                                         \
          const PJ_V(Int##S) good = (s > 0) & (s < (T)INFINITY);                                  \
          first |= ~good & (first == 0) & (I)(k + 1);                                             \
          root = PJ_V(root_##S)(PJ_V(pick_##S)(good, s, one));                                    \
          y[k * col] = root;                                                                      \
        } else {                                                                                  \
          y[k * col] = s / root;                                                                  \
        }                                                                                         \
        ++i;                                                                                      \
      }                                                                                           \
    }                                                                                             \
    for (int l = 0; l < N; ++l)                                                                   \
      info[l] = (int32_t)first[l];                                                                \
  }                                                                                               \
                                                                                                  \
  PJ_TARGET static void PJ_V(solve_##S)(int64_t n, int64_t m, const void *lv, int64_t row,        \
                                        int64_t col, bool unit, void *bv, int64_t b_row,          \
                                        int64_t b_col) {                                          \
    const PJ_V(Vec##S) *l = lv;                                                                   \
    PJ_V(Vec##S) *b = bv;                                                                         \
    int64_t k = 0;                                                                                \
    for (; k + 4 <= m; k += 4, b += 4 * b_col)                                                    \
      for (int64_t i = 0; i < n; ++i) {                                                           \
        PJ_V(Vec##S) *x = b + i * b_row;                                                          \
        PJ_V(Vec##S) s0 = x[0], s1 = x[b_col], s2 = x[2 * b_col], s3 = x[3 * b_col];              \
        for (int64_t j = 0; j < i; ++j) {                                                         \
          const PJ_V(Vec##S) f = l[i * row + j * col], *y = b + j * b_row;                        \
          s0 -= f * y[0];                                                                         \
          s1 -= f * y[b_col];                                                                     \
          s2 -= f * y[2 * b_col];                                                                 \
          s3 -= f * y[3 * b_col];                                                                 \
        }                                                                                         \
        if (!unit) {                                                                              \
          const PJ_V(Vec##S) d = l[i * (row + col)];                                              \
          s0 /= d;                                                                                \
          s1 /= d;                                                                                \
          s2 /= d;                                                                                \
          s3 /= d;                                                                                \
        }                                                                                         \
        x[0] = s0;                                                                                \
        x[b_col] = s1;                                                                            \
        x[2 * b_col] = s2;                                                                        \
        x[3 * b_col] = s3;                                                                        \
      }                                                                                           \
    for (; k < m; ++k, b += b_col)                                                                \
      for (int64_t i = 0; i < n; ++i) {                                                           \
        PJ_V(Vec##S) s = b[i * b_row];                                                            \
        for (int64_t j = 0; j < i; ++j)                                                           \
          s -= l[i * row + j * col] * b[j * b_row];                                               \
        b[i * b_row] = unit ? s : s / l[i * (row + col)];                                         \
      }                                                                                           \
  }                                                                                               \
                                                                                                  \
  /* In each lane, row k of n elements changes places with row at[lane] >= k. */                  \
  static inline PJ_TARGET void PJ_V(exchange_##S)(int64_t m, int64_t n, PJ_V(Vec##S) * a,         \
                                                  int64_t k, PJ_V(Int##S) at) {                   \
    enum { N = PJ_LANES_##S, FEW = N / 2 };                                                       \
    if (m - k > FEW) {                                                                            \
      for (int l = 0; l < N; ++l) {                                                               \
        T *x = (T *)(a + k * n) + l, *y = (T *)(a + at[l] * n) + l;                               \
        for (int64_t j = 0; at[l] != k && j < n; ++j) {                                           \
          const T t = x[j * N];                                                                   \
          x[j * N] = y[j * N];                                                                    \
          y[j * N] = t;                                                                           \
        }                                                                                         \
      }                                                                                           \
      return;                                                                                     \
    }                                                                                             \
    for (int64_t i = k + 1; i < m; ++i) {                                                         \
      const PJ_V(Int##S) here = at == (I)i;                                                       \
      if (PJ_V(any_##S)(here))                                                                    \
        for (int64_t j = 0; j < n; ++j) {                                                         \
          const PJ_V(Int##S) x = (PJ_V(Int##S))a[k * n + j], y = (PJ_V(Int##S))a[i * n + j],      \
                             change = (x ^ y) & here;                                             \
          a[k * n + j] = (PJ_V(Vec##S))(x ^ change);                                              \
          a[i * n + j] = (PJ_V(Vec##S))(y ^ change);                                              \
        }                                                                                         \
    }                                                                                             \
  }                                                                                               \
  static inline PJ_TARGET __attribute__((always_inline)) void PJ_V(lu_of_##S)(                    \
      int64_t m, int64_t n, PJ_V(Vec##S) * a, int32_t * pivots, int32_t * info) {                 \
    enum { N = PJ_LANES_##S };                                                                    \
    const int64_t least = m < n ? m : n;                                                          \
    PJ_V(Int##S) first = {0};                                                                     \
    for (int64_t k = 0; k < least; ++k) {                                                         \
      PJ_V(Vec##S) best = PJ_V(abs_##S)(a[k * n + k]);                                            \
      PJ_V(Int##S) at = (PJ_V(Int##S)){0} + (I)k;                                                 \
      for (int64_t i = k + 1; i < m; ++i) {                                                       \
        const PJ_V(Vec##S) size = PJ_V(abs_##S)(a[i * n + k]);                                    \
        const PJ_V(Int##S) larger = size > best;                                                  \
        best = PJ_V(pick_##S)(larger, size, best);                                                \
        at = (at & ~larger) | (larger & (I)i);                                                    \
      }                                                                                           \
      PJ_UNROLL for (int l = 0; l < N; ++l) pivots[k * N + l] = (int32_t)at[l] + 1;               \
      PJ_V(exchange_##S)(m, n, a, k, at);                                                         \
      PJ_V(Vec##S) *x = a + k * n, pivot = x[k];                                                  \
      const PJ_V(Int##S) zero = pivot == 0;                                                       \
      first |= zero & (first == 0) & (I)(k + 1);                                                  \
      pivot = PJ_V(pick_##S)(zero, (PJ_V(Vec##S)){0} + 1, pivot);                                 \
      int64_t i = k + 1;                                                                          \
      for (; i + 4 <= m; i += 4) {                                                                \
        PJ_V(Vec##S) *y0 = a + i * n, *y1 = y0 + n, *y2 = y1 + n, *y3 = y2 + n;                   \
        const PJ_V(Vec##S) f0 = y0[k] / pivot, f1 = y1[k] / pivot, f2 = y2[k] / pivot,            \
                           f3 = y3[k] / pivot;                                                    \
        y0[k] = f0;                                                                               \
        y1[k] = f1;                                                                               \
        y2[k] = f2;                                                                               \
        y3[k] = f3;                                                                               \
        for (int64_t j = k + 1; j < n; ++j) {                                                     \
          const PJ_V(Vec##S) u = x[j];                                                            \
          y0[j] -= f0 * u;                                                                        \
          y1[j] -= f1 * u;                                                                        \
          y2[j] -= f2 * u;                                                                        \
          y3[j] -= f3 * u;                                                                        \
        }                                                                                         \
      }                                                                                           \
      for (; i < m; ++i) {                                                                        \
        PJ_V(Vec##S) *y = a + i * n;                                                              \
        const PJ_V(Vec##S) f = y[k] / pivot;                                                      \
        y[k] = f;                                                                                 \
        for (int64_t j = k + 1; j < n; ++j)                                                       \
          y[j] -= f * x[j];                                                                       \
      }                                                                                           \
    }                                                                                             \
    PJ_UNROLL for (int l = 0; l < N; ++l) info[l] = (int32_t)first[l];                            \
  }                                                                                               \
  PJ_TARGET static void PJ_V(lu_##S)(int64_t m, int64_t n, void *a, int32_t *pivots,              \
                                     int32_t *info) {                                             \
    if (m == 3 && n == 3) /* with known sizes it stays in registers */                            \
      PJ_V(lu_of_##S)(3, 3, a, pivots, info);                                                     \
    else if (m == 4 && n == 4)                                                                    \
      PJ_V(lu_of_##S)(4, 4, a, pivots, info);                                                     \
    else                                                                                          \
      PJ_V(lu_of_##S)(m, n, a, pivots, info);                                                     \
  }                                                                                               \
                                                                                                  \
  /* a[i, j] for j in [begin, n), i >= k: times the reflector whose rest below 1 is column k. */  \
  static inline PJ_TARGET void PJ_V(reflect_##S)(int64_t m, int64_t n, PJ_V(Vec##S) * a,          \
                                                 int64_t k, PJ_V(Vec##S) tau) {                   \
    for (int64_t j = k + 1; j < n; ++j) {                                                         \
      PJ_V(Vec##S) sum = a[k * n + j];                                                            \
      for (int64_t i = k + 1; i < m; ++i)                                                         \
        sum += a[i * n + k] * a[i * n + j];                                                       \
      sum *= tau;                                                                                 \
      a[k * n + j] -= sum;                                                                        \
      for (int64_t i = k + 1; i < m; ++i)                                                         \
        a[i * n + j] -= a[i * n + k] * sum;                                                       \
    }                                                                                             \
  }                                                                                               \
  PJ_TARGET static void PJ_V(qr_##S)(int64_t m, int64_t n, void *av, void *tau_v) {               \
    PJ_V(Vec##S) *a = av, *tau = tau_v;                                                           \
    const PJ_V(Vec##S) one = (PJ_V(Vec##S)){0} + 1;                                               \
    for (int64_t k = 0; k < m && k < n; ++k) {                                                    \
      const PJ_V(Vec##S) alpha = a[k * n + k];                                                    \
      PJ_V(Vec##S) below = {0}, sum;                                                              \
      for (int64_t i = k + 1; i < m; ++i) {                                                       \
        const PJ_V(Vec##S) size = PJ_V(abs_##S)(a[i * n + k]);                                    \
        below = PJ_V(pick_##S)((size > below) | (size != size), size, below);                     \
      }                                                                                           \
      const PJ_V(Int##S) none = below == 0; /* nothing to reflect */                              \
      PJ_V(Vec##S) scale = PJ_V(abs_##S)(alpha);                                                  \
      scale = PJ_V(pick_##S)(none, one, PJ_V(pick_##S)(scale > below, scale, below));             \
      sum = alpha / scale * (alpha / scale);                                                      \
      for (int64_t i = k + 1; i < m; ++i)                                                         \
        sum += a[i * n + k] / scale * (a[i * n + k] / scale);                                     \
      PJ_V(Vec##S) beta = scale * PJ_V(root_##S)(sum);                                            \
      beta = PJ_V(pick_##S)(alpha >= 0, -beta, beta);                                             \
      tau[k] = PJ_V(pick_##S)(none, (PJ_V(Vec##S)){0}, (beta - alpha) / beta);                    \
      const PJ_V(Vec##S) divisor = PJ_V(pick_##S)(none, one, alpha - beta);                       \
      for (int64_t i = k + 1; i < m; ++i)                                                         \
        a[i * n + k] /= divisor;                                                                  \
      a[k * n + k] = PJ_V(pick_##S)(none, alpha, beta);                                           \
      PJ_V(reflect_##S)(m, n, a, k, tau[k]);                                                      \
    }                                                                                             \
  }                                                                                               \
  PJ_TARGET static void PJ_V(form_q_##S)(int64_t m, int64_t n, int64_t count, void *av,           \
                                         const void *tau_v) {                                     \
    PJ_V(Vec##S) *a = av;                                                                         \
    const PJ_V(Vec##S) *tau = tau_v, none = {0}, one = none + 1;                                  \
    for (int64_t i = 0; i < m; ++i)                                                               \
      for (int64_t j = count; j < n; ++j)                                                         \
        a[i * n + j] = i == j ? one : none;                                                       \
    for (int64_t k = count - 1; k >= 0; --k) {                                                    \
      PJ_V(reflect_##S)(m, n, a, k, tau[k]);                                                      \
      for (int64_t i = 0; i < m; ++i)                                                             \
        a[i * n + k] = i < k ? none : i == k ? one - tau[k] : -(a[i * n + k] * tau[k]);           \
    }                                                                                             \
  }
SMALL(f32, float, int32_t)
SMALL(f64, double, int64_t)
#undef SMALL

#define ENTRY(S)                                                                         \
  {                                                                                      \
    PJ_LANES_##S, PJ_V(load_##S), PJ_V(store_##S), PJ_V(spread_##S), PJ_V(cholesky_##S), \
        PJ_V(solve_##S), PJ_V(lu_##S), PJ_V(qr_##S), PJ_V(form_q_##S)                    \
  }
static const PjSmall PJ_V(small)[] = {ENTRY(f32), ENTRY(f64)};
#undef ENTRY

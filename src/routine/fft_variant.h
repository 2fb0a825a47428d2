// Fourier transforms of a vector of lines at a time: lane l of every vector belongs to line l, so
// all passes are vector code whatever the length. FFT(S, T, U) makes the functions for real type T,
// LANES lines at a time.
//
// A pass of radix r over the first buffer, seen as [r][m][s], to the second, [m][r][s] (Stockham's
// self-sorting form): to[p][k][q] = root(p * k * s) * sum over j of from[j][p][q] * exp(-2 pi i j k
// / r).
#include "routine/lanes_variant.h"

#define FFT(S, T, LANES)                                                                           \
  typedef struct PJ_V(Pair##S) {                                                                   \
    PJ_V(Vec##S) re, im;                                                                           \
  } PJ_V(Pair##S);                                                                                 \
  static inline PJ_TARGET PJ_V(Pair##S) PJ_V(add##S)(PJ_V(Pair##S) a, PJ_V(Pair##S) b) {           \
    return (PJ_V(Pair##S)){a.re + b.re, a.im + b.im};                                              \
  }                                                                                                \
  static inline PJ_TARGET PJ_V(Pair##S) PJ_V(sub##S)(PJ_V(Pair##S) a, PJ_V(Pair##S) b) {           \
    return (PJ_V(Pair##S)){a.re - b.re, a.im - b.im};                                              \
  }                                                                                                \
  static inline PJ_TARGET PJ_V(Pair##S) PJ_V(mul##S)(PJ_V(Pair##S) a, const T *w) {                \
    return (PJ_V(Pair##S)){a.re * w[0] - a.im * w[1], a.re * w[1] + a.im * w[0]};                  \
  }                                                                                                \
  static inline PJ_TARGET PJ_V(Pair##S) PJ_V(scale##S)(PJ_V(Pair##S) a, T s) {                     \
    return (PJ_V(Pair##S)){a.re * s, a.im * s};                                                    \
  }                                                                                                \
  /* a * -i */                                                                                     \
  static inline PJ_TARGET PJ_V(Pair##S) PJ_V(turn##S)(PJ_V(Pair##S) a) {                           \
    return (PJ_V(Pair##S)){a.im, -a.re};                                                           \
  }                                                                                                \
                                                                                                   \
  PJ_TARGET static void PJ_V(pass2##S)(int64_t m, int64_t s, const T *roots,                       \
                                       const PJ_V(Pair##S) * from, PJ_V(Pair##S) * to) {           \
    for (int64_t p = 0; p < m; ++p) {                                                              \
      const T *w = roots + 2 * p * s;                                                              \
      const PJ_V(Pair##S) *x = from + p * s;                                                       \
      PJ_V(Pair##S) *y = to + 2 * p * s;                                                           \
      for (int64_t q = 0; q < s; ++q) {                                                            \
        const PJ_V(Pair##S) a = x[q], b = x[q + m * s];                                            \
        y[q] = PJ_V(add##S)(a, b);                                                                 \
        y[q + s] = PJ_V(mul##S)(PJ_V(sub##S)(a, b), w);                                            \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  PJ_TARGET static void PJ_V(pass3##S)(int64_t m, int64_t s, const T *roots,                       \
                                       const PJ_V(Pair##S) * from, PJ_V(Pair##S) * to) {           \
    const T half_sqrt3 = (T)0.86602540378443864676;                                                \
    for (int64_t p = 0; p < m; ++p) {                                                              \
      const T *w1 = roots + 2 * p * s, *w2 = roots + 4 * p * s;                                    \
      const PJ_V(Pair##S) *x = from + p * s;                                                       \
      PJ_V(Pair##S) *y = to + 3 * p * s;                                                           \
      for (int64_t q = 0; q < s; ++q) {                                                            \
        const PJ_V(Pair##S) a = x[q], b = x[q + m * s], c = x[q + 2 * m * s];                      \
        const PJ_V(Pair##S) t = PJ_V(add##S)(b, c),                                                \
                            u = PJ_V(sub##S)(a, PJ_V(scale##S)(t, (T)0.5));                        \
        const PJ_V(Pair##S) v = PJ_V(turn##S)(PJ_V(scale##S)(PJ_V(sub##S)(b, c), half_sqrt3));     \
        y[q] = PJ_V(add##S)(a, t);                                                                 \
        y[q + s] = PJ_V(mul##S)(PJ_V(add##S)(u, v), w1);                                           \
        y[q + 2 * s] = PJ_V(mul##S)(PJ_V(sub##S)(u, v), w2);                                       \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  PJ_TARGET static void PJ_V(pass4##S)(int64_t m, int64_t s, const T *roots,                       \
                                       const PJ_V(Pair##S) * from, PJ_V(Pair##S) * to) {           \
    for (int64_t p = 0; p < m; ++p) {                                                              \
      const T *w1 = roots + 2 * p * s, *w2 = roots + 4 * p * s, *w3 = roots + 6 * p * s;           \
      const PJ_V(Pair##S) *x = from + p * s;                                                       \
      PJ_V(Pair##S) *y = to + 4 * p * s;                                                           \
      for (int64_t q = 0; q < s; ++q) {                                                            \
        const PJ_V(Pair##S) a = x[q], b = x[q + m * s], c = x[q + 2 * m * s],                      \
                            d = x[q + 3 * m * s];                                                  \
        const PJ_V(Pair##S) ac = PJ_V(add##S)(a, c), bd = PJ_V(add##S)(b, d),                      \
                            a_c = PJ_V(sub##S)(a, c);                                              \
        const PJ_V(Pair##S) b_d = PJ_V(turn##S)(PJ_V(sub##S)(b, d));                               \
        y[q] = PJ_V(add##S)(ac, bd);                                                               \
        y[q + s] = PJ_V(mul##S)(PJ_V(add##S)(a_c, b_d), w1);                                       \
        y[q + 2 * s] = PJ_V(mul##S)(PJ_V(sub##S)(ac, bd), w2);                                     \
        y[q + 3 * s] = PJ_V(mul##S)(PJ_V(sub##S)(a_c, b_d), w3);                                   \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  PJ_TARGET static void PJ_V(pass5##S)(int64_t m, int64_t s, const T *roots,                       \
                                       const PJ_V(Pair##S) * from, PJ_V(Pair##S) * to) {           \
    const T c1 = (T)0.30901699437494742410,                                                        \
            c2 = (T)-0.80901699437494742410; /* cos of 2 pi / 5, 4 pi / 5 */                       \
    const T s1 = (T)0.95105651629515357212, s2 = (T)0.58778525229247312917;                        \
    for (int64_t p = 0; p < m; ++p) {                                                              \
      const T *w1 = roots + 2 * p * s, *w2 = roots + 4 * p * s, *w3 = roots + 6 * p * s,           \
              *w4 = roots + 8 * p * s;                                                             \
      const PJ_V(Pair##S) *x = from + p * s;                                                       \
      PJ_V(Pair##S) *y = to + 5 * p * s;                                                           \
      for (int64_t q = 0; q < s; ++q) {                                                            \
        const PJ_V(Pair##S) a = x[q], b = x[q + m * s], c = x[q + 2 * m * s],                      \
                            d = x[q + 3 * m * s], e = x[q + 4 * m * s];                            \
        const PJ_V(Pair##S) be = PJ_V(add##S)(b, e), cd = PJ_V(add##S)(c, d),                      \
                            b_e = PJ_V(sub##S)(b, e), c_d = PJ_V(sub##S)(c, d);                    \
        const PJ_V(Pair##S) u1 =                                                                   \
            PJ_V(add##S)(a, PJ_V(add##S)(PJ_V(scale##S)(be, c1), PJ_V(scale##S)(cd, c2)));         \
        const PJ_V(Pair##S) u2 =                                                                   \
            PJ_V(add##S)(a, PJ_V(add##S)(PJ_V(scale##S)(be, c2), PJ_V(scale##S)(cd, c1)));         \
        const PJ_V(Pair##S) v1 =                                                                   \
            PJ_V(turn##S)(PJ_V(add##S)(PJ_V(scale##S)(b_e, s1), PJ_V(scale##S)(c_d, s2)));         \
        const PJ_V(Pair##S) v2 =                                                                   \
            PJ_V(turn##S)(PJ_V(sub##S)(PJ_V(scale##S)(b_e, s2), PJ_V(scale##S)(c_d, s1)));         \
        y[q] = PJ_V(add##S)(a, PJ_V(add##S)(be, cd));                                              \
        y[q + s] = PJ_V(mul##S)(PJ_V(add##S)(u1, v1), w1);                                         \
        y[q + 2 * s] = PJ_V(mul##S)(PJ_V(add##S)(u2, v2), w2);                                     \
        y[q + 3 * s] = PJ_V(mul##S)(PJ_V(sub##S)(u2, v2), w3);                                     \
        y[q + 4 * s] = PJ_V(mul##S)(PJ_V(sub##S)(u1, v1), w4);                                     \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  PJ_TARGET static void PJ_V(pass8##S)(int64_t m, int64_t s, const T *roots,                       \
                                       const PJ_V(Pair##S) * from, PJ_V(Pair##S) * to) {           \
    const T half_sqrt2 = (T)0.70710678118654752440;                                                \
    for (int64_t p = 0; p < m; ++p) {                                                              \
      const T *w = roots + 2 * p * s;                                                              \
      const int64_t next = 2 * p * s;                                                              \
      const PJ_V(Pair##S) *x = from + p * s;                                                       \
      PJ_V(Pair##S) *y = to + 8 * p * s;                                                           \
      for (int64_t q = 0; q < s; ++q) {                                                            \
        const PJ_V(Pair##S) a = x[q], e = x[q + 4 * m * s], b = x[q + m * s],                      \
                            f = x[q + 5 * m * s], c = x[q + 2 * m * s], g = x[q + 6 * m * s],      \
                            d = x[q + 3 * m * s], h = x[q + 7 * m * s];                            \
        const PJ_V(Pair##S) ae = PJ_V(add##S)(a, e), bf = PJ_V(add##S)(b, f),                      \
                            cg = PJ_V(add##S)(c, g), dh = PJ_V(add##S)(d, h);                      \
        const PJ_V(Pair##S) t0 = PJ_V(add##S)(ae, cg), t1 = PJ_V(add##S)(bf, dh),                  \
                            t2 = PJ_V(sub##S)(ae, cg), t3 = PJ_V(turn##S)(PJ_V(sub##S)(bf, dh));   \
        y[q] = PJ_V(add##S)(t0, t1);                                                               \
        y[q + 4 * s] = PJ_V(mul##S)(PJ_V(sub##S)(t0, t1), w + 3 * next);                           \
        y[q + 2 * s] = PJ_V(mul##S)(PJ_V(add##S)(t2, t3), w + next);                               \
        y[q + 6 * s] = PJ_V(mul##S)(PJ_V(sub##S)(t2, t3), w + 5 * next);                           \
        /* The differences, times powers of the eighth root. */                                    \
        const PJ_V(Pair##S) a_e = PJ_V(sub##S)(a, e), b_f = PJ_V(sub##S)(b, f),                    \
                            c_g = PJ_V(turn##S)(PJ_V(sub##S)(c, g)), d_h = PJ_V(sub##S)(d, h);     \
        const PJ_V(Pair##S)                                                                        \
            u1 = PJ_V(scale##S)((PJ_V(Pair##S)){b_f.re + b_f.im, b_f.im - b_f.re}, half_sqrt2),    \
            u3 = PJ_V(scale##S)((PJ_V(Pair##S)){d_h.im - d_h.re, d_h.re + d_h.im}, half_sqrt2);    \
        const PJ_V(Pair##S) v1 = {u1.re + u3.re, u1.im - u3.im},                                   \
                            v3 = {u1.im + u3.im, u3.re - u1.re};                                   \
        const PJ_V(Pair##S) v0 = PJ_V(add##S)(a_e, c_g), v2 = PJ_V(sub##S)(a_e, c_g);              \
        y[q + s] = PJ_V(mul##S)(PJ_V(add##S)(v0, v1), w);                                          \
        y[q + 5 * s] = PJ_V(mul##S)(PJ_V(sub##S)(v0, v1), w + 4 * next);                           \
        y[q + 3 * s] = PJ_V(mul##S)(PJ_V(add##S)(v2, v3), w + 2 * next);                           \
        y[q + 7 * s] = PJ_V(mul##S)(PJ_V(sub##S)(v2, v3), w + 6 * next);                           \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  /* r is odd: elements j and r - j are added and subtracted first, and give results k and r - k.  \
   */                                                                                              \
  PJ_TARGET static void PJ_V(pass_odd##S)(int r, int64_t m, int64_t s, const T *roots,             \
                                          const PJ_V(Pair##S) * from, PJ_V(Pair##S) * to) {        \
    const int half = r / 2;                                                                        \
    T turns[2 * MAX_RADIX]; /* exp(-2 pi i j / r) */                                               \
    for (int j = 0; j < 2 * r; ++j)                                                                \
      turns[j] = roots[2 * (j / 2) * m * s + j % 2];                                               \
    for (int64_t p = 0; p < m; ++p)                                                                \
      for (int64_t q = 0; q < s; ++q) {                                                            \
        const PJ_V(Pair##S) *x = from + p * s + q;                                                 \
        PJ_V(Pair##S) *y = to + r * p * s + q, first = x[0];                                       \
        PJ_V(Pair##S) sums[MAX_RADIX / 2], differences[MAX_RADIX / 2];                             \
        for (int j = 0; j < half; ++j) {                                                           \
          const PJ_V(Pair##S) a = x[(j + 1) * m * s], b = x[(r - 1 - j) * m * s];                  \
          sums[j] = PJ_V(add##S)(a, b);                                                            \
          differences[j] = PJ_V(sub##S)(a, b);                                                     \
          first = PJ_V(add##S)(first, sums[j]);                                                    \
        }                                                                                          \
        y[0] = first;                                                                              \
        /* Two results and their mirrors at a time. */                                             \
        for (int k = 1; k <= half; k += 2) {                                                       \
          const int next = k < half ? k + 1 : k;                                                   \
          PJ_V(Pair##S) a = x[0], b = {0}, c = x[0], d = {0};                                      \
          for (int j = 0, jk = k, jn = next; j < half; ++j) {                                      \
            const PJ_V(Pair##S) sum = sums[j], difference = differences[j];                        \
            a = PJ_V(add##S)(a, PJ_V(scale##S)(sum, turns[2 * jk]));                               \
            b = PJ_V(add##S)(b, PJ_V(scale##S)(difference, turns[2 * jk + 1]));                    \
            c = PJ_V(add##S)(c, PJ_V(scale##S)(sum, turns[2 * jn]));                               \
            d = PJ_V(add##S)(d, PJ_V(scale##S)(difference, turns[2 * jn + 1]));                    \
            jk = jk + k < r ? jk + k : jk + k - r;                                                 \
            jn = jn + next < r ? jn + next : jn + next - r;                                        \
          }                                                                                        \
          b = (PJ_V(Pair##S)){-b.im, b.re};                                                        \
          d = (PJ_V(Pair##S)){-d.im, d.re};                                                        \
          const T *w = roots + 2 * p * k * s, *mirror = roots + 2 * p * (r - k) * s;               \
          y[k * s] = PJ_V(mul##S)(PJ_V(add##S)(a, b), w);                                          \
          y[(r - k) * s] = PJ_V(mul##S)(PJ_V(sub##S)(a, b), mirror);                               \
          w = roots + 2 * p * next * s;                                                            \
          mirror = roots + 2 * p * (r - next) * s;                                                 \
          y[next * s] = PJ_V(mul##S)(PJ_V(add##S)(c, d), w);                                       \
          y[(r - next) * s] = PJ_V(mul##S)(PJ_V(sub##S)(c, d), mirror);                            \
        }                                                                                          \
      }                                                                                            \
  }                                                                                                \
  /* Transforms |data| with |work|; returns where the result is. */                                \
  PJ_TARGET static PJ_V(Pair##S) *                                                                 \
      PJ_V(passes##S)(const Line *line, PJ_V(Pair##S) * data, PJ_V(Pair##S) * work) {              \
    PJ_V(Pair##S) *from = data, *to = work;                                                        \
    const T *roots = line->roots;                                                                  \
    int64_t s = 1, m = line->n;                                                                    \
    for (int i = 0; i < line->num_factors; ++i) {                                                  \
      const int r = line->factors[i];                                                              \
      m /= r;                                                                                      \
      if (r == 8)                                                                                  \
        PJ_V(pass8##S)(m, s, roots, from, to);                                                     \
      else if (r == 4)                                                                             \
        PJ_V(pass4##S)(m, s, roots, from, to);                                                     \
      else if (r == 2)                                                                             \
        PJ_V(pass2##S)(m, s, roots, from, to);                                                     \
      else if (r == 3)                                                                             \
        PJ_V(pass3##S)(m, s, roots, from, to);                                                     \
      else if (r == 5)                                                                             \
        PJ_V(pass5##S)(m, s, roots, from, to);                                                     \
      else                                                                                         \
        PJ_V(pass_odd##S)(r, m, s, roots, from, to);                                               \
      s *= r;                                                                                      \
      PJ_V(Pair##S) *const other = from;                                                           \
      from = to;                                                                                   \
      to = other;                                                                                  \
    }                                                                                              \
    return from;                                                                                   \
  }                                                                                                \
  /* Any length: other ones than products of small primes by Bluestein's chirp, as a cyclic        \
   * convolution. */                                                                               \
  PJ_TARGET static PJ_V(Pair##S) *                                                                 \
      PJ_V(forward##S)(const Line *line, PJ_V(Pair##S) * data, PJ_V(Pair##S) * work) {             \
    if (!line->inner)                                                                              \
      return PJ_V(passes##S)(line, data, work);                                                    \
    const int64_t n = line->n, length = line->inner->n;                                            \
    const T *chirp = line->chirp, *kernel = line->kernel;                                          \
    for (int64_t k = 0; k < n; ++k)                                                                \
      data[k] = PJ_V(mul##S)(data[k], chirp + 2 * k);                                              \
    memset(data + n, 0, (size_t)(length - n) * sizeof *data);                                      \
    PJ_V(Pair##S) *at = PJ_V(passes##S)(line->inner, data, work),                                  \
                  *other = at == data ? work : data;                                               \
    for (int64_t k = 0; k < length;                                                                \
         ++k) { /* the inverse is the forward one with the parts swapped */                        \
      const PJ_V(Pair##S) x = PJ_V(mul##S)(at[k], kernel + 2 * k);                                 \
      at[k] = (PJ_V(Pair##S)){x.im, x.re};                                                         \
    }                                                                                              \
    at = PJ_V(passes##S)(line->inner, at, other);                                                  \
    for (int64_t k = 0; k < n; ++k)                                                                \
      at[k] = PJ_V(mul##S)((PJ_V(Pair##S)){at[k].im, at[k].re}, chirp + 2 * k);                    \
    return at;                                                                                     \
  }                                                                                                \
                                                                                                   \
  /* Complex elements (step apart) of |count| lines (next apart) to vectors, parts swapped if      \
   * asked. */                                                                                     \
  PJ_TARGET static void PJ_V(load##S)(int64_t n, int count, const T *in, int64_t step,             \
                                      int64_t next, bool swap, PJ_V(Pair##S) * out) {              \
    if (count == LANES && next == 1) {                                                             \
      for (int64_t j = 0; j < n; ++j, in += 2 * step) {                                            \
        const PJ_V(Vec##S) a = *(const PJ_V(Loose##S) *)in,                                        \
                           b = *(const PJ_V(Loose##S) *)(in + LANES);                              \
        const PJ_V(Vec##S) re = PJ_EVENS_##S(a, b), im = PJ_ODDS_##S(a, b);                        \
        out[j].re = swap ? im : re;                                                                \
        out[j].im = swap ? re : im;                                                                \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    int64_t j = 0;                                                                                 \
    if (count == LANES && step == 1) /* squares of vectors, a line each, are turned */             \
      for (; j + LANES / 2 <= n; j += LANES / 2) {                                                 \
        PJ_V(Vec##S) v[LANES];                                                                     \
        PJ_UNROLL for (int l = 0; l < LANES; ++l) v[l] =                                           \
            *(const PJ_V(Loose##S) *)(in + 2 * (j + l * next));                                    \
        PJ_V(turn_##S)(v);                                                                         \
        PJ_UNROLL for (int i = 0; i < LANES / 2; ++i) {                                            \
          out[j + i].re = swap ? v[2 * i + 1] : v[2 * i];                                          \
          out[j + i].im = swap ? v[2 * i] : v[2 * i + 1];                                          \
        }                                                                                          \
      }                                                                                            \
    if (count < LANES)                                                                             \
      memset(out, 0, (size_t)n * sizeof *out);                                                     \
    for (; j < n; ++j)                                                                             \
      for (int l = 0; l < count; ++l) {                                                            \
        const T *x = in + 2 * (j * step + l * next);                                               \
        ((T *)&out[j])[swap * LANES + l] = x[0];                                                   \
        ((T *)&out[j])[!swap * LANES + l] = x[1];                                                  \
      }                                                                                            \
  }                                                                                                \
  PJ_TARGET static void PJ_V(store##S)(int64_t n, int count, const PJ_V(Pair##S) * in, T * out,    \
                                       int64_t step, int64_t next, bool swap, T factor) {          \
    if (count == LANES && next == 1) {                                                             \
      for (int64_t j = 0; j < n; ++j, out += 2 * step) {                                           \
        const PJ_V(Vec##S) re = (swap ? in[j].im : in[j].re) * factor,                             \
                           im = (swap ? in[j].re : in[j].im) * factor;                             \
        *(PJ_V(Loose##S) *)out = PJ_LOWS_##S(re, im);                                              \
        *(PJ_V(Loose##S) *)(out + LANES) = PJ_HIGHS_##S(re, im);                                   \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    int64_t j = 0;                                                                                 \
    if (count == LANES && step == 1)                                                               \
      for (; j + LANES / 2 <= n; j += LANES / 2) {                                                 \
        PJ_V(Vec##S) v[LANES];                                                                     \
        PJ_UNROLL for (int i = 0; i < LANES / 2; ++i) {                                            \
          v[2 * i] = (swap ? in[j + i].im : in[j + i].re) * factor;                                \
          v[2 * i + 1] = (swap ? in[j + i].re : in[j + i].im) * factor;                            \
        }                                                                                          \
        PJ_V(turn_##S)(v);                                                                         \
        PJ_UNROLL for (int l = 0; l < LANES; ++l) * (PJ_V(Loose##S) *)(out + 2 * (j + l * next)) = \
            v[l];                                                                                  \
      }                                                                                            \
    for (; j < n; ++j)                                                                             \
      for (int l = 0; l < count; ++l) {                                                            \
        T *x = out + 2 * (j * step + l * next);                                                    \
        x[0] = ((const T *)&in[j])[swap * LANES + l] * factor;                                     \
        x[1] = ((const T *)&in[j])[!swap * LANES + l] * factor;                                    \
      }                                                                                            \
  }                                                                                                \
                                                                                                   \
  /* Multiplies the elements of a group by its twiddles. Group by group lie the low rows, then the \
   * high ones, [row, re and im, LANES]. */                                                        \
  PJ_TARGET static void PJ_V(twiddle##S)(const Job *job, int64_t first, PJ_V(Pair##S) * at) {      \
    const int64_t n = job->line->n, lows = n < PJ_TWIDDLE_ROWS ? n : PJ_TWIDDLE_ROWS;              \
    const int64_t rows = lows + (n + PJ_TWIDDLE_ROWS - 1) / PJ_TWIDDLE_ROWS;                       \
    const PJ_V(Vec##S) *low = (const PJ_V(Vec##S) *)job->twiddles + first / LANES * 2 * rows;      \
    const PJ_V(Vec##S) *high = low + 2 * lows;                                                     \
    for (int64_t begin = 0; begin < n; begin += PJ_TWIDDLE_ROWS, high += 2) {                      \
      const int64_t some = n - begin < PJ_TWIDDLE_ROWS ? n - begin : PJ_TWIDDLE_ROWS;              \
      PJ_V(Pair##S) *x = at + begin;                                                               \
      for (int64_t j = 0; j < some; ++j) {                                                         \
        const PJ_V(Vec##S) re = high[0] * low[2 * j] - high[1] * low[2 * j + 1];                   \
        const PJ_V(Vec##S) im = high[0] * low[2 * j + 1] + high[1] * low[2 * j];                   \
        x[j] = (PJ_V(Pair##S)){x[j].re * re - x[j].im * im, x[j].re * im + x[j].im * re};          \
      }                                                                                            \
    }                                                                                              \
  }                                                                                                \
  /* data[j] *= the lanes of row j of a table of complex numbers, rows |step| apart, of which      \
   * |limit| are there; others are zero. */                                                        \
  PJ_TARGET static void PJ_V(table##S)(int64_t n, int count, const T *table, int64_t step,         \
                                       int64_t limit, PJ_V(Pair##S) * data) {                      \
    for (int64_t j = 0; j < n; ++j, table += 2 * step, limit -= step) {                            \
      PJ_V(Pair##S) w = {0};                                                                       \
      if (limit >= LANES && count == LANES) {                                                      \
        const PJ_V(Vec##S) a = *(const PJ_V(Loose##S) *)table,                                     \
                           b = *(const PJ_V(Loose##S) *)(table + LANES);                           \
        w = (PJ_V(Pair##S)){PJ_EVENS_##S(a, b), PJ_ODDS_##S(a, b)};                                \
      } else {                                                                                     \
        for (int l = 0; l < count && l < limit; ++l) {                                             \
          w.re[l] = table[2 * l];                                                                  \
          w.im[l] = table[2 * l + 1];                                                              \
        }                                                                                          \
      }                                                                                            \
      data[j] = (PJ_V(Pair##S)){data[j].re * w.re - data[j].im * w.im,                             \
                                data[j].re * w.im + data[j].im * w.re};                            \
    }                                                                                              \
  }                                                                                                \
  PJ_TARGET static void PJ_V(swap##S)(int64_t n, PJ_V(Pair##S) * data) {                           \
    for (int64_t j = 0; j < n; ++j)                                                                \
      data[j] = (PJ_V(Pair##S)){data[j].im, data[j].re};                                           \
  }                                                                                                \
  /* Rows of |step| elements of which only |limit| exist in all: whole ones, the last one in part, \
   * none behind it. */                                                                            \
  static inline int64_t PJ_V(whole##S)(int64_t n, int count, int64_t step, int64_t limit) {        \
    const int64_t rows = limit < count ? 0 : (limit - count) / step + 1;                           \
    return rows < n ? rows : n;                                                                    \
  }                                                                                                \
  /* A real line of even length as half as many complex elements at[0 .. half - 1] and its         \
     transform to[0 .. half], elements k and half - k, with w = root k of the whole length. */     \
  static inline PJ_TARGET void PJ_V(real_pair##S)(const T *a, const T *b, const T *w, T *to,       \
                                                  T *to_mirror) {                                  \
    const T even_re = (a[0] + b[0]) * (T)0.5, even_im = (a[1] - b[1]) * (T)0.5,                    \
            odd_re = (a[1] + b[1]) * (T)0.5, odd_im = (b[0] - a[0]) * (T)0.5;                      \
    const T re = odd_re * w[0] - odd_im * w[1], im = odd_re * w[1] + odd_im * w[0];                \
    to[0] = even_re + re;                                                                          \
    to[1] = even_im + im;                                                                          \
    to_mirror[0] = even_re - re;                                                                   \
    to_mirror[1] = im - even_im;                                                                   \
  }                                                                                                \
  static inline PJ_TARGET void PJ_V(real_unpair##S)(const T *a, const T *b, const T *w, T *to,     \
                                                    T *to_mirror) {                                \
    const T even_re = a[0] + b[0], even_im = a[1] - b[1], d_re = a[0] - b[0], d_im = a[1] + b[1];  \
    const T re = d_re * w[0] + d_im * w[1], im = d_im * w[0] - d_re * w[1];                        \
    to[0] = even_re - im;                                                                          \
    to[1] = even_im + re;                                                                          \
    to_mirror[0] = even_re + im;                                                                   \
    to_mirror[1] = re - even_im;                                                                   \
  }                                                                                                \
                                                                                                   \
  /* One group of lines of a job; |in|, |out| address the first. */                                \
  PJ_TARGET static void PJ_V(group##S)(const Job *job, int64_t first, int count, const void *in,   \
                                       void *out, void *scratch) {                                 \
    const Line *line = job->line;                                                                  \
    const int64_t n = line ? line->n : 0;                                                          \
    PJ_V(Pair##S) *data = scratch, *work = data + (line ? line->work : 0) + 1;                     \
    const T factor = (T)job->factor;                                                               \
    switch (job->kind) {                                                                           \
    case COMPLEX: {                                                                                \
      PJ_V(load##S)(n, count, in, job->in_step, job->in_next, job->swap_in, data);                 \
      PJ_V(Pair##S) *at = PJ_V(forward##S)(line, data, work);                                      \
      if (job->twiddles)                                                                           \
        PJ_V(twiddle##S)(job, first, at);                                                          \
      PJ_V(store##S)(n, count, at, out, job->out_step, job->out_next, job->swap_out, factor);      \
      return;                                                                                      \
    }                                                                                              \
    case CHIRP_FIRST: {                                                                            \
      const int64_t step = job->in_step, limit = job->length - first,                              \
                    rows = PJ_V(whole##S)(n, count, step, limit);                                  \
      PJ_V(load##S)(rows, count, in, step, 1, job->swap_in, data);                                 \
      if (rows < n)                                                                                \
        memset(data + rows, 0, (size_t)(n - rows) * sizeof *data);                                 \
      if (rows < n && limit > rows * step)                                                         \
        PJ_V(load##S)                                                                              \
      (1, (int)(limit - rows * step), (const T *)in + 2 * rows * step, step, 1, job->swap_in,      \
       data + rows);                                                                               \
      PJ_V(table##S)(n, count, (const T *)job->roots + 2 * first, step, limit, data);              \
      PJ_V(Pair##S) *at = PJ_V(forward##S)(line, data, work);                                      \
      PJ_V(twiddle##S)(job, first, at);                                                            \
      PJ_V(store##S)(n, count, at, out, job->out_step, 1, false, 1);                               \
      return;                                                                                      \
    }                                                                                              \
    case CHIRP_MIDDLE: {                                                                           \
      PJ_V(load##S)(n, count, in, 1, job->in_next, false, data);                                   \
      PJ_V(Pair##S) *at = PJ_V(forward##S)(line, data, work);                                      \
      PJ_V(table##S)(n, count, (const T *)job->roots + 2 * first, job->lines, INT64_MAX, at);      \
      PJ_V(swap##S)(n, at);                                                                        \
      at = PJ_V(forward##S)(line, at, at == data ? work : data);                                   \
      PJ_V(store##S)(n, count, at, out, 1, job->out_next, false, 1);                               \
      return;                                                                                      \
    }                                                                                              \
    case CHIRP_LAST: {                                                                             \
      const int64_t step = job->out_step, limit = job->length - first,                             \
                    rows = PJ_V(whole##S)(n, count, step, limit);                                  \
      PJ_V(load##S)(n, count, in, job->in_step, 1, false, data);                                   \
      PJ_V(twiddle##S)(job, first, data);                                                          \
      PJ_V(Pair##S) *at = PJ_V(forward##S)(line, data, work);                                      \
      PJ_V(swap##S)(n, at);                                                                        \
      PJ_V(table##S)(n, count, (const T *)job->roots + 2 * first, step, limit, at);                \
      PJ_V(store##S)(rows, count, at, out, step, 1, job->swap_out, factor);                        \
      if (rows < n && limit > rows * step)                                                         \
        PJ_V(store##S)                                                                             \
      (1, (int)(limit - rows * step), at + rows, (T *)out + 2 * rows * step, step, 1,              \
       job->swap_out, factor);                                                                     \
      return;                                                                                      \
    }                                                                                              \
    case REAL_LAST: { /* in place: |first| counts pairs */                                         \
      T *x = out;                                                                                  \
      const T *roots = job->roots;                                                                 \
      const int64_t half = job->length;                                                            \
      for (int64_t k = first; k < first + count; ++k) {                                            \
        const T a[2] = {x[2 * k], x[2 * k + 1]},                                                   \
                b[2] = {x[2 * (k ? half - k : 0)], x[2 * (k ? half - k : 0) + 1]};                 \
        PJ_V(real_pair##S)(a, b, roots + 2 * k, x + 2 * k, x + 2 * (half - k));                    \
        if (!k)                                                                                    \
          x[1] = x[2 * half + 1] = 0;                                                              \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    case REAL_FIRST: {                                                                             \
      const T *x = in, *roots = job->roots;                                                        \
      T *y = out;                                                                                  \
      const int64_t half = job->length;                                                            \
      for (int64_t k = first; k < first + count; ++k) {                                            \
        const T a[2] = {x[2 * k], k ? x[2 * k + 1] : 0},                                           \
                b[2] = {x[2 * (half - k)], k ? x[2 * (half - k) + 1] : 0};                         \
        T unused[2];                                                                               \
        PJ_V(real_unpair##S)(a, b, roots + 2 * k, y + 2 * k, k ? y + 2 * (half - k) : unused);     \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    case REAL_FORWARD: {                                                                           \
      /* Of even length: elements two by two are complex numbers; the transforms of even and odd   \
         ones are the symmetric and antisymmetric part of theirs. */                               \
      const T *roots = job->roots;                                                                 \
      if (!roots) {                                                                                \
        memset(data, 0, (size_t)n * sizeof *data);                                                 \
        for (int64_t j = 0; j < n; ++j)                                                            \
          for (int l = 0; l < count; ++l)                                                          \
            ((T *)&data[j].re)[l] = ((const T *)in)[j + l * job->in_next];                         \
        PJ_V(Pair##S) *at = PJ_V(forward##S)(line, data, work);                                    \
        PJ_V(store##S)(n / 2 + 1, count, at, out, 1, job->out_next, false, 1);                     \
        return;                                                                                    \
      }                                                                                            \
      PJ_V(load##S)(n, count, in, 1, job->in_next, false, data);                                   \
      const PJ_V(Pair##S) *at = PJ_V(forward##S)(line, data, work);                                \
      PJ_V(Pair##S) *result = (at == data ? work : data);                                          \
      for (int64_t k = 0; k <= n; ++k) {                                                           \
        const PJ_V(Pair##S) a = at[k == n ? 0 : k], b = at[k ? n - k : 0];                         \
        const PJ_V(Pair##S) even = {(a.re + b.re) * (T)0.5, (a.im - b.im) * (T)0.5},               \
                            odd = {(a.im + b.im) * (T)0.5, (b.re - a.re) * (T)0.5};                \
        result[k] = PJ_V(add##S)(even, PJ_V(mul##S)(odd, roots + 2 * k));                          \
      }                                                                                            \
      memset(&result[0].im, 0, sizeof result[0].im);                                               \
      memset(&result[n].im, 0, sizeof result[n].im);                                               \
      PJ_V(store##S)(n + 1, count, result, out, 1, job->out_next, false, 1);                       \
      return;                                                                                      \
    }                                                                                              \
    case REAL_INVERSE: {                                                                           \
      const T *roots = job->roots;                                                                 \
      if (!roots) {                                                                                \
        const int64_t half = n / 2;                                                                \
        PJ_V(load##S)(half + 1, count, in, 1, job->in_next, true, data); /* (im, re) */            \
        memset(&data[0].re, 0, sizeof data[0].re);                                                 \
        for (int64_t k = 1; k <= half; ++k) {                                                      \
          data[n - k].re = -data[k].re;                                                            \
          data[n - k].im = data[k].im;                                                             \
        }                                                                                          \
        const PJ_V(Pair##S) *at = PJ_V(forward##S)(line, data, work);                              \
        for (int64_t j = 0; j < n; ++j)                                                            \
          for (int l = 0; l < count; ++l)                                                          \
            ((T *)out)[j + l * job->out_next] = ((const T *)&at[j].im)[l] * factor;                \
        return;                                                                                    \
      }                                                                                            \
      PJ_V(load##S)(n + 1, count, in, 1, job->in_next, false, work);                               \
      memset(&work[0].im, 0, sizeof work[0].im);                                                   \
      memset(&work[n].im, 0, sizeof work[n].im);                                                   \
      for (int64_t k = 0; k < n; ++k) {                                                            \
        const PJ_V(Pair##S) a = work[k], b = work[n - k];                                          \
        const PJ_V(Pair##S) even = {a.re + b.re, a.im - b.im},                                     \
                            difference = {a.re - b.re, a.im + b.im};                               \
        const T w[2] = {roots[2 * k], -roots[2 * k + 1]};                                          \
        const PJ_V(Pair##S) odd = PJ_V(mul##S)(difference, w);                                     \
        data[k] =                                                                                  \
            (PJ_V(Pair##S)){even.im + odd.re, even.re - odd.im}; /* even + i odd, parts swapped */ \
      }                                                                                            \
      const PJ_V(Pair##S) *at = PJ_V(forward##S)(line, data, work);                                \
      PJ_V(store##S)(n, count, at, out, 1, job->out_next, true, factor);                           \
      return;                                                                                      \
    }                                                                                              \
    }                                                                                              \
  }

#if PJ_VB == 64
FFT(f32, float, 16)
FFT(f64, double, 8)
static const Kernels PJ_V(kernels)[] = {{16, PJ_V(groupf32)}, {8, PJ_V(groupf64)}};
#elif PJ_VB == 32
FFT(f32, float, 8)
FFT(f64, double, 4)
static const Kernels PJ_V(kernels)[] = {{8, PJ_V(groupf32)}, {4, PJ_V(groupf64)}};
#else
FFT(f32, float, 4)
FFT(f64, double, 2)
static const Kernels PJ_V(kernels)[] = {{4, PJ_V(groupf32)}, {2, PJ_V(groupf64)}};
#endif
#undef FFT

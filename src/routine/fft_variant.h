// Fourier transforms of a vector of lines at a time: lane l of every vector belongs to line l, so
// all passes are vector code whatever the length. FFT(S, T, U) makes the functions for real type T,
// LANES lines at a time.
//
// A pass of radix r over the first buffer, seen as [r][m][s], to the second, [m][r][s] (Stockham's
// self-sorting form): to[p][k][q] = root(p * k * s) * sum over j of from[j][p][q] * exp(-2 pi i j k
// / r).
#define FFT(S, T, LANES)                                                                           \
  typedef T PJ_V(Vec##S) __attribute__((vector_size(PJ_VB)));                                      \
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
  PJ_TARGET static void PJ_V(pass_any##S)(int r, int64_t m, int64_t s, const T *roots,             \
                                          const PJ_V(Pair##S) * from, PJ_V(Pair##S) * to) {        \
    const int64_t turn = m * s; /* roots[turn * j] = exp(-2 pi i j / r) */                         \
    for (int64_t p = 0; p < m; ++p)                                                                \
      for (int64_t q = 0; q < s; ++q) {                                                            \
        const PJ_V(Pair##S) *x = from + p * s + q;                                                 \
        for (int k = 0; k < r; ++k) {                                                              \
          PJ_V(Pair##S) sum = x[0];                                                                \
          for (int j = 1, jk = k; j < r; ++j, jk = jk + k < r ? jk + k : jk + k - r)               \
            sum = PJ_V(add##S)(sum, PJ_V(mul##S)(x[j * turn], roots + 2 * jk * turn));             \
          to[(r * p + k) * s + q] = PJ_V(mul##S)(sum, roots + 2 * p * k * s);                      \
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
      if (r == 4)                                                                                  \
        PJ_V(pass4##S)(m, s, roots, from, to);                                                     \
      else if (r == 2)                                                                             \
        PJ_V(pass2##S)(m, s, roots, from, to);                                                     \
      else if (r == 3)                                                                             \
        PJ_V(pass3##S)(m, s, roots, from, to);                                                     \
      else if (r == 5)                                                                             \
        PJ_V(pass5##S)(m, s, roots, from, to);                                                     \
      else                                                                                         \
        PJ_V(pass_any##S)(r, m, s, roots, from, to);                                               \
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
      typedef T Loose __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));          \
      for (int64_t j = 0; j < n; ++j, in += 2 * step) {                                            \
        const PJ_V(Vec##S) a = *(const Loose *)in, b = *(const Loose *)(in + LANES);               \
        const PJ_V(Vec##S) re = EVENS_##LANES(a, b), im = ODDS_##LANES(a, b);                      \
        out[j].re = swap ? im : re;                                                                \
        out[j].im = swap ? re : im;                                                                \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    if (count < LANES)                                                                             \
      memset(out, 0, (size_t)n * sizeof *out);                                                     \
    for (int64_t j = 0; j < n; ++j)                                                                \
      for (int l = 0; l < count; ++l) {                                                            \
        const T *x = in + 2 * (j * step + l * next);                                               \
        ((T *)&out[j])[swap * LANES + l] = x[0];                                                   \
        ((T *)&out[j])[!swap * LANES + l] = x[1];                                                  \
      }                                                                                            \
  }                                                                                                \
  PJ_TARGET static void PJ_V(store##S)(int64_t n, int count, const PJ_V(Pair##S) * in, T * out,    \
                                       int64_t step, int64_t next, bool swap, T factor) {          \
    if (count == LANES && next == 1) {                                                             \
      typedef T Loose __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));          \
      for (int64_t j = 0; j < n; ++j, out += 2 * step) {                                           \
        const PJ_V(Vec##S) re = (swap ? in[j].im : in[j].re) * factor,                             \
                           im = (swap ? in[j].re : in[j].im) * factor;                             \
        *(Loose *)out = LOWS_##LANES(re, im);                                                      \
        *(Loose *)(out + LANES) = HIGHS_##LANES(re, im);                                           \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t j = 0; j < n; ++j)                                                                \
      for (int l = 0; l < count; ++l) {                                                            \
        T *x = out + 2 * (j * step + l * next);                                                    \
        x[0] = ((const T *)&in[j])[swap * LANES + l] * factor;                                     \
        x[1] = ((const T *)&in[j])[!swap * LANES + l] * factor;                                    \
      }                                                                                            \
  }                                                                                                \
                                                                                                   \
  /* One group of lines of a job; |in|, |out| address the first. */                                \
  PJ_TARGET static void PJ_V(group##S)(const Job *job, int64_t first, int count, const void *in,   \
                                       void *out, void *scratch) {                                 \
    const Line *line = job->line;                                                                  \
    const int64_t n = line->n;                                                                     \
    PJ_V(Pair##S) *data = scratch, *work = data + line->work + 1;                                  \
    const T factor = (T)job->factor;                                                               \
    switch (job->kind) {                                                                           \
    case COMPLEX: {                                                                                \
      PJ_V(load##S)(n, count, in, job->in_step, job->in_next, job->swap_in, data);                 \
      PJ_V(Pair##S) *at = PJ_V(forward##S)(line, data, work);                                      \
      if (job->twiddles) {                                                                         \
        /* Group by group: the low rows, then the high ones, [row, re and im, LANES]. */           \
        const int64_t lows = n < TWIDDLE_ROWS ? n : TWIDDLE_ROWS;                                  \
        const int64_t rows = lows + (n + TWIDDLE_ROWS - 1) / TWIDDLE_ROWS;                         \
        const PJ_V(Vec##S) *low = (const PJ_V(Vec##S) *)job->twiddles + first / LANES * 2 * rows;  \
        const PJ_V(Vec##S) *high = low + 2 * lows;                                                 \
        for (int64_t begin = 0; begin < n; begin += TWIDDLE_ROWS, high += 2) {                     \
          const int64_t some = n - begin < TWIDDLE_ROWS ? n - begin : TWIDDLE_ROWS;                \
          PJ_V(Pair##S) *x = at + begin;                                                           \
          for (int64_t j = 0; j < some; ++j) {                                                     \
            const PJ_V(Vec##S) re = high[0] * low[2 * j] - high[1] * low[2 * j + 1];               \
            const PJ_V(Vec##S) im = high[0] * low[2 * j + 1] + high[1] * low[2 * j];               \
            x[j] = (PJ_V(Pair##S)){x[j].re * re - x[j].im * im, x[j].re * im + x[j].im * re};      \
          }                                                                                        \
        }                                                                                          \
      }                                                                                            \
      PJ_V(store##S)(n, count, at, out, job->out_step, job->out_next, job->swap_out, factor);      \
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

#define SHUFFLE __builtin_shufflevector
#if PJ_VB == 64
#define EVENS_16(a, b) SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define ODDS_16(a, b)  SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#define LOWS_16(a, b)  SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGHS_16(a, b) SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#endif
#if PJ_VB >= 32
#define EVENS_8(a, b) SHUFFLE(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define ODDS_8(a, b)  SHUFFLE(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#define LOWS_8(a, b)  SHUFFLE(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGHS_8(a, b) SHUFFLE(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#endif
#define EVENS_4(a, b) SHUFFLE(a, b, 0, 2, 4, 6)
#define ODDS_4(a, b)  SHUFFLE(a, b, 1, 3, 5, 7)
#define LOWS_4(a, b)  SHUFFLE(a, b, 0, 4, 1, 5)
#define HIGHS_4(a, b) SHUFFLE(a, b, 2, 6, 3, 7)
#define EVENS_2(a, b) SHUFFLE(a, b, 0, 2)
#define ODDS_2(a, b)  SHUFFLE(a, b, 1, 3)
#define LOWS_2(a, b)  SHUFFLE(a, b, 0, 2)
#define HIGHS_2(a, b) SHUFFLE(a, b, 1, 3)

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
#undef SHUFFLE
#undef EVENS_16
#undef ODDS_16
#undef LOWS_16
#undef HIGHS_16
#undef EVENS_8
#undef ODDS_8
#undef LOWS_8
#undef HIGHS_8
#undef EVENS_4
#undef ODDS_4
#undef LOWS_4
#undef HIGHS_4
#undef EVENS_2
#undef ODDS_2
#undef LOWS_2
#undef HIGHS_2

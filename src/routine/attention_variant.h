// Loops of attention over scores. In tiles these lie [key][query], queries in the two vectors of a
// row: what belongs to a query is computed in its lane, without sums across lanes.
typedef float PJ_V(Vec) __attribute__((vector_size(PJ_VB), aligned(4), may_alias));
typedef int32_t PJ_V(Int) __attribute__((vector_size(PJ_VB), aligned(4), may_alias));

PJ_TARGET static inline PJ_V(Vec) PJ_V(maximum)(PJ_V(Vec) a, PJ_V(Vec) b) {
#if PJ_LEVEL == 2
  return (PJ_V(Vec))_mm512_max_ps((__m512)a, (__m512)b);
#elif PJ_LEVEL == 1
  return (PJ_V(Vec))_mm256_max_ps((__m256)a, (__m256)b);
#else
  const PJ_V(Int) more = a > b;
  return (PJ_V(Vec))(((PJ_V(Int))a & more) | ((PJ_V(Int))b & ~more));
#endif
}

// e^x for x <= 0, 0 below the smallest normal number, NaN for NaN: x = n log 2 + r, as
// kernel/math_exp.c has it.
PJ_TARGET static inline PJ_V(Vec) PJ_V(exp)(PJ_V(Vec) x) {
  const PJ_V(Vec) big = (PJ_V(Vec)){0} + 0x1.8p23f, sum = x * 0x1.715476p0f + big;
  const PJ_V(Vec) n = sum - big;
  const PJ_V(Vec) r = (x - n * 0x1.62e4p-1f) - n * 0x1.7f7d1cp-20f;
  PJ_V(Vec) p = r * 0x1.694ca6p-10f + 0x1.12398p-7f;
  p = p * r + 0x1.555a26p-5f;
  p = p * r + 0x1.555492p-3f;
  p = p * r + 0x1.fffffap-2f;
  p = p * (r * r) + r + 1.0f;
  const PJ_V(Int) power = ((PJ_V(Int))sum + 127) << 23, small = x < -87.0f;
  return (PJ_V(Vec))((PJ_V(Int))(p * (PJ_V(Vec))power) & ~small);
}

PJ_TARGET static void PJ_V(scale)(int64_t n, float factor, float *x) {
  PJ_IVDEP for (int64_t i = 0; i < n; ++i) x[i] *= factor;
}

PJ_TARGET static void PJ_V(divide)(int64_t n, float by, float *x) {
  PJ_IVDEP for (int64_t i = 0; i < n; ++i) x[i] /= by;
}

// A row of scores is |value| in the lanes whose query, |first| + lane, is below |key|.
PJ_TARGET static void PJ_V(causal)(int64_t rows, int64_t key, float value, float *scores) {
  enum { LANES = PJ_VB / 4 };
  for (int64_t j = 0; j < rows; ++j, scores += 2 * LANES)
    for (int64_t lane = 0; lane < pj__min(key + j, 2 * LANES); ++lane)
      scores[lane] = value;
}

// Which of |n| bytes, up to 32 and |step| apart, are not 0.
PJ_TARGET static inline uint32_t PJ_V(set_bytes)(int64_t n, const uint8_t *from, int64_t step) {
#if PJ_LEVEL > 0
  if (n == 32 && step == 1) {
    const __m256i bytes = _mm256_loadu_si256((const __m256i *)from);
    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256()));
  }
#endif
  uint32_t set = 0;
  for (int64_t i = 0; i < n; ++i)
    set |= (uint32_t)(from[i * step] != 0) << i;
  return set;
}

// Scores of |n| keys become |value| where the byte for key and query, of which |lanes| exist, is 0,
// or with |hides| not 0. |row| and |key|: the bytes' strides. A word for each query says which of
// 32 keys it sees, so that bytes are read along keys and scores changed along queries.
PJ_TARGET static void PJ_V(mask)(int64_t n, int64_t lanes, const uint8_t *from, int64_t row,
                                 int64_t key, bool hides, float value, float *scores) {
  typedef PJ_V(Vec) Vec;
  typedef PJ_V(Int) Int;
  enum { LANES = PJ_VB / 4, WORD = 32 };
  Vec *s = (Vec *)scores;
  const Int hidden = (Int)((Vec){0} + value);
  for (int64_t j = 0; j < n; j += WORD, from += WORD * key) {
    const int64_t count = pj__min(WORD, n - j);
    uint32_t words[2 * LANES] = {0};
    for (int64_t lane = 0; lane < lanes; ++lane) {
      if (lane > 0 && row == 0) {
        words[lane] = words[0];
        continue;
      }
      const uint32_t set = PJ_V(set_bytes)(count, from + lane * row, key);
      words[lane] = hides ? set : ~set;
    }
    Int hide[2];
    memcpy(hide, words, sizeof hide);
    for (int64_t i = 0; i < count; ++i, s += 2)
      PJ_UNROLL for (int half = 0; half < 2; ++half) {
        const Int lane = (hide[half] & (int32_t)(1u << i)) != 0;
        s[half] = (Vec)(((Int)s[half] & ~lane) | (hidden & lane));
      }
  }
}

// Scores of |n| keys become weights, relative to the largest score so far. |most| and |sum|: of
// each query, so far; |factor|: by which what was summed up to now is to be multiplied.
PJ_TARGET static void PJ_V(weigh)(int64_t n, float *scores, float *most, float *sum,
                                  float *factor) {
  typedef PJ_V(Vec) Vec;
  typedef PJ_V(Int) Int;
  enum { LANES = PJ_VB / 4 };
  Vec *s = (Vec *)scores, *m = (Vec *)most, *l = (Vec *)sum, *f = (Vec *)factor, base[2];
  Vec high[2] = {m[0], m[1]};
  for (int64_t j = 0; j < n; ++j) {
    high[0] = PJ_V(maximum)(s[2 * j], high[0]);
    high[1] = PJ_V(maximum)(s[2 * j + 1], high[1]);
  }
  PJ_UNROLL for (int i = 0; i < 2; ++i) {
    // Scores that are all -inf are no weights yet; if none but such come, 0 / 0 will be NaN.
    const Int none = high[i] == -__builtin_inff();
    base[i] = (Vec)((Int)high[i] & ~none);
    f[i] = PJ_V(exp)(m[i] - base[i]);
    m[i] = high[i];
  }
  Vec total[2] = {{0}, {0}};
  for (int64_t j = 0; j < n; ++j)
    PJ_UNROLL for (int i = 0; i < 2; ++i) {
      const Vec p = PJ_V(exp)(s[2 * j + i] - base[i]);
      s[2 * j + i] = p;
      total[i] += p;
    }
  PJ_UNROLL for (int i = 0; i < 2; ++i) l[i] = l[i] * f[i] + total[i];
}

// Softmax over all |n| keys and its gradient: scores become weights, and |change|, the gradient of
// the weights, becomes that of the scores, times |factor|:
//
//   p[j] = exp(s[j] - most) / sum of them;  change[j] = p[j] * (change[j] - sum of p * change)
//
// |most|: the largest score of each query.
PJ_TARGET static void PJ_V(differentiate)(int64_t n, float factor, float *scores, float *change,
                                          float *most) {
  typedef PJ_V(Vec) Vec;
  typedef PJ_V(Int) Int;
  enum { LANES = PJ_VB / 4 };
  Vec *s = (Vec *)scores, *d = (Vec *)change, *m = (Vec *)most;
  Vec high[2], base[2], total[2] = {{0}, {0}}, mean[2] = {{0}, {0}};
  high[0] = high[1] = (Vec){0} - __builtin_inff();
  for (int64_t j = 0; j < n; ++j) {
    high[0] = PJ_V(maximum)(s[2 * j], high[0]);
    high[1] = PJ_V(maximum)(s[2 * j + 1], high[1]);
  }
  PJ_UNROLL for (int i = 0; i < 2; ++i) {
    const Int none = high[i] == -__builtin_inff();
    base[i] = (Vec)((Int)high[i] & ~none);
    m[i] = high[i];
  }
  for (int64_t j = 0; j < n; ++j)
    PJ_UNROLL for (int i = 0; i < 2; ++i) {
      const Vec p = PJ_V(exp)(s[2 * j + i] - base[i]);
      s[2 * j + i] = p;
      total[i] += p;
      mean[i] += p * d[2 * j + i];
    }
  PJ_UNROLL for (int i = 0; i < 2; ++i) {
    total[i] = 1.0f / total[i];
    mean[i] *= total[i];
  }
  for (int64_t j = 0; j < n; ++j)
    PJ_UNROLL for (int i = 0; i < 2; ++i) {
      const Vec p = s[2 * j + i] * total[i];
      s[2 * j + i] = p;
      d[2 * j + i] = p * (d[2 * j + i] - mean[i]) * factor;
    }
}

PJ_TARGET static bool PJ_V(finite)(int64_t n, const float *x) {
  enum { LANES = PJ_VB / 4 };
  PJ_V(Vec) sum = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    sum += *(const PJ_V(Vec) *)(x + i) * 0.0f; // NaN for what is not
  float rest = 0;
  for (; i < n; ++i)
    rest += x[i] * 0.0f;
  for (int lane = 0; lane < LANES; ++lane)
    rest += sum[lane];
  return rest == 0;
}

// The largest |x|; what is not finite counts as more than everything else.
PJ_TARGET static float PJ_V(largest)(int64_t n, const float *x) {
  enum { LANES = PJ_VB / 4 };
  PJ_V(Int) most = {0};
  int64_t i = 0;
  for (; i < n; i += LANES) {
    PJ_V(Int) bits = {0};
    if (i + LANES <= n)
      bits = *(const PJ_V(Int) *)(x + i);
    else
      memcpy(&bits, x + i, (size_t)(n - i) * sizeof *x);
    bits &= 0x7fffffff;
    const PJ_V(Int) more = bits > most;
    most = (bits & more) | (most & ~more);
  }
  int32_t all = 0;
  for (int lane = 0; lane < LANES; ++lane)
    all = most[lane] > all ? most[lane] : all;
  float result;
  memcpy(&result, &all, sizeof result);
  return result;
}

// Asks for row |j| of |next|, of so many numbers.
PJ_TARGET static inline void PJ_V(ask)(const PjNextRows *next, int64_t j, int64_t numbers) {
  enum { LINE = 16 };
  for (int64_t i = 0; j < next->rows && i < numbers; i += LINE)
    __builtin_prefetch(next->first + j * next->step + i, 0, 2);
}

// out[j] = sum over d of k[j * step + d] * q[d]. Eight keys at a time, always, so that a score does
// not depend on where it stands.
PJ_TARGET static void PJ_V(dots)(int64_t n, int64_t depth, const float *k, int64_t step,
                                 const PjNextRows *next, const float *q, float *out) {
  typedef PJ_V(Vec) Vec;
  enum { LANES = PJ_VB / 4, GROUP = 8 };
  for (int64_t j = 0; j < n; j += GROUP) {
    const float *at[GROUP];
    const int64_t have = pj__min(GROUP, n - j);
    Vec sum[GROUP];
    memset(sum, 0, sizeof sum);
    for (int i = 0; i < GROUP; ++i)
      at[i] = k + (j + pj__min(i, have - 1)) * step;
    for (int i = 0; i < have; ++i)
      PJ_V(ask)(next, j + i, depth);
    int64_t d = 0;
    for (; d + LANES <= depth; d += LANES) {
      const Vec x = *(const Vec *)(q + d);
      PJ_UNROLL for (int i = 0; i < GROUP; ++i) sum[i] += *(const Vec *)(at[i] + d) * x;
    }
    float all[GROUP];
#if PJ_LEVEL > 0
    __m256 s[GROUP];
    PJ_UNROLL for (int i = 0; i < GROUP; ++i) {
#if PJ_LEVEL == 2
      s[i] = _mm256_add_ps(_mm512_castps512_ps256((__m512)sum[i]),
                           _mm512_extractf32x8_ps((__m512)sum[i], 1));
#else
      s[i] = (__m256)sum[i];
#endif
    }
    const __m256 low = _mm256_hadd_ps(_mm256_hadd_ps(s[0], s[1]), _mm256_hadd_ps(s[2], s[3])),
                 high = _mm256_hadd_ps(_mm256_hadd_ps(s[4], s[5]), _mm256_hadd_ps(s[6], s[7]));
    _mm256_storeu_ps(all, _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                                        _mm256_permute2f128_ps(low, high, 0x31)));
#else
    for (int i = 0; i < GROUP; ++i)
      all[i] = (sum[i][0] + sum[i][1]) + (sum[i][2] + sum[i][3]);
#endif
    for (; d < depth; ++d)
      for (int i = 0; i < GROUP; ++i)
        all[i] += at[i][d] * q[d];
    memcpy(out + j, all, (size_t)have * sizeof *all);
  }
}

// As weigh, of a single query; returns the factor.
PJ_TARGET static float PJ_V(weigh_row)(int64_t n, float *scores, float *most, float *sum) {
  typedef PJ_V(Vec) Vec;
  enum { LANES = PJ_VB / 4 };
  Vec high = (Vec){0} - __builtin_inff(), total = {0};
  int64_t j = 0;
  for (; j + LANES <= n; j += LANES)
    high = PJ_V(maximum)(*(const Vec *)(scores + j), high);
  float top = *most;
  for (int lane = 0; lane < LANES; ++lane)
    top = high[lane] > top ? high[lane] : top;
  for (int64_t i = j; i < n; ++i)
    top = scores[i] > top ? scores[i] : top;
  // Scores that are all -inf are no weights yet.
  const float base = top == -__builtin_inff() ? 0 : top;
  for (j = 0; j < n; j += LANES) {
    Vec x = (Vec){0} - __builtin_inff();
    const size_t bytes = (size_t)pj__min(LANES, n - j) * sizeof(float);
    if (bytes == sizeof x)
      x = *(const Vec *)(scores + j);
    else
      memcpy(&x, scores + j, bytes);
    x = PJ_V(exp)(x - base);
    total += x;
    memcpy(scores + j, &x, bytes);
  }
  const Vec factor = PJ_V(exp)((Vec){0} + (*most - base));
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane)
      total[lane] += total[lane + half];
  *sum = *sum * factor[0] + total[0];
  *most = top;
  return factor[0];
}

// sums[w] += sum over j of weights[j] * v[j * step + w].
PJ_TARGET static void PJ_V(mix)(int64_t n, int64_t width, const float *v, int64_t step,
                                const PjNextRows *next, const float *weights, float *sums) {
  typedef PJ_V(Vec) Vec;
  enum { LANES = PJ_VB / 4, WIDE = 64 / LANES };
  int64_t w = 0;
  for (; w + WIDE * LANES <= width; w += WIDE * LANES) {
    Vec sum[WIDE], *to = (Vec *)(sums + w);
    PJ_UNROLL for (int i = 0; i < WIDE; ++i) sum[i] = to[i];
    for (int64_t j = 0; j < n; ++j) {
      const float *row = v + j * step + w;
      if (w == 0)
        PJ_V(ask)(next, j, width);
      PJ_UNROLL for (int i = 0; i < WIDE; ++i) sum[i] +=
          *(const Vec *)(row + i * LANES) * weights[j];
    }
    PJ_UNROLL for (int i = 0; i < WIDE; ++i) to[i] = sum[i];
  }
  for (; w + LANES <= width; w += LANES) {
    Vec sum = *(const Vec *)(sums + w);
    for (int64_t j = 0; j < n; ++j)
      sum += *(const Vec *)(v + j * step + w) * weights[j];
    *(Vec *)(sums + w) = sum;
  }
  for (; w < width; ++w)
    for (int64_t j = 0; j < n; ++j)
      sums[w] += v[j * step + w] * weights[j];
}

// Rows of a tile of a product. Two vectors of them wait for nothing, and leave registers over.
enum { PJ_V(TILE_ROWS) = PJ_LEVEL == 2 ? 8 : 4 };

// Scores of |n| keys, whole tiles of them, for the queries of a sliver, [depth][query]; |skip|: but
// for the first half of these. Rows of k are |k_step| apart.
PJ_TARGET static void PJ_V(score)(int64_t n, int64_t depth, const float *k, int64_t k_step,
                                  const float *q, bool skip, float *scores) {
  typedef PJ_V(Vec) Vec;
  enum { LANES = PJ_VB / 4, ROWS = PJ_V(TILE_ROWS) };
  for (int64_t j = 0; j < n; j += ROWS, k += ROWS * k_step, scores += ROWS * 2 * LANES) {
    Vec sum[ROWS][2];
    memset(sum, 0, sizeof sum);
    if (skip) {
      for (int64_t d = 0; d < depth; ++d) {
        const Vec b = *(const Vec *)(q + (2 * d + 1) * LANES);
        PJ_UNROLL for (int i = 0; i < ROWS; ++i) sum[i][1] += k[i * k_step + d] * b;
      }
    } else {
      for (int64_t d = 0; d < depth; ++d) {
        const Vec b0 = *(const Vec *)(q + 2 * d * LANES),
                  b1 = *(const Vec *)(q + (2 * d + 1) * LANES);
        PJ_UNROLL for (int i = 0; i < ROWS; ++i) {
          sum[i][0] += k[i * k_step + d] * b0;
          sum[i][1] += k[i * k_step + d] * b1;
        }
      }
    }
    PJ_UNROLL for (int i = 0; i < ROWS; ++i) {
      *(Vec *)(scores + 2 * i * LANES) = sum[i][0];
      *(Vec *)(scores + (2 * i + 1) * LANES) = sum[i][1];
    }
  }
}

// Adds up the values of |n| keys, whole vectors in rows |v_step| apart, for TILE_ROWS queries,
// whose weights stand beside each other in rows of a tile: sums, |width| numbers in rows |step|
// apart, become themselves times |factor| and what is added, or, if that is NULL, what is added.
PJ_TARGET static void PJ_V(add_values)(int64_t n, int64_t width, const float *weights,
                                       const float *v, int64_t v_step, const float *factor,
                                       float *sums, int64_t step) {
  typedef PJ_V(Vec) Vec;
  enum { LANES = PJ_VB / 4, ROWS = PJ_V(TILE_ROWS) };
  for (int64_t w = 0; w < width; w += 2 * LANES) {
    Vec sum[ROWS][2];
    memset(sum, 0, sizeof sum);
    const bool both = width - w > LANES;
    const float *at = v + w;
    if (both) {
      for (int64_t j = 0; j < n; ++j, at += v_step) {
        const Vec b0 = *(const Vec *)at, b1 = *(const Vec *)(at + LANES);
        PJ_UNROLL for (int i = 0; i < ROWS; ++i) {
          sum[i][0] += weights[2 * j * LANES + i] * b0;
          sum[i][1] += weights[2 * j * LANES + i] * b1;
        }
      }
    } else {
      for (int64_t j = 0; j < n; ++j, at += v_step) {
        const Vec b = *(const Vec *)at;
        PJ_UNROLL for (int i = 0; i < ROWS; ++i) sum[i][0] += weights[2 * j * LANES + i] * b;
      }
    }
    PJ_UNROLL for (int i = 0; i < ROWS; ++i) {
      Vec *to = (Vec *)(sums + i * step + w);
      if (factor) {
        sum[i][0] += to[0] * factor[i];
        if (both)
          sum[i][1] += to[1] * factor[i];
      }
      to[0] = sum[i][0];
      if (both)
        to[1] = sum[i][1];
    }
  }
}

// Adds rows of queries, |q_step| apart, to sums of TILE_ROWS keys, |step| apart. The keys' weights
// are rows of tiles, |sliver| numbers apart, of so many slivers of queries.
PJ_TARGET static void PJ_V(add_queries)(int64_t slivers, int64_t width, const float *weights,
                                        int64_t sliver, const float *q, int64_t q_step, float *sums,
                                        int64_t step) {
  typedef PJ_V(Vec) Vec;
  enum { LANES = PJ_VB / 4, ROWS = PJ_V(TILE_ROWS) };
  for (int64_t w = 0; w < width; w += 2 * LANES) {
    Vec sum[ROWS][2];
    memset(sum, 0, sizeof sum);
    const bool both = width - w > LANES;
    const float *at = q + w, *a = weights;
    for (int64_t r = 0; r < slivers; ++r, a += sliver)
      if (both) {
        for (int p = 0; p < 2 * LANES; ++p, at += q_step) {
          const Vec b0 = *(const Vec *)at, b1 = *(const Vec *)(at + LANES);
          PJ_UNROLL for (int i = 0; i < ROWS; ++i) {
            sum[i][0] += a[2 * i * LANES + p] * b0;
            sum[i][1] += a[2 * i * LANES + p] * b1;
          }
        }
      } else {
        for (int p = 0; p < 2 * LANES; ++p, at += q_step) {
          const Vec b = *(const Vec *)at;
          PJ_UNROLL for (int i = 0; i < ROWS; ++i) sum[i][0] += a[2 * i * LANES + p] * b;
        }
      }
    PJ_UNROLL for (int i = 0; i < ROWS; ++i) {
      Vec *to = (Vec *)(sums + i * step + w);
      to[0] += sum[i][0];
      if (both)
        to[1] += sum[i][1];
    }
  }
}

static const PjAttentionLoops PJ_V(loops)[] = {{
    .tile_rows = PJ_V(TILE_ROWS),
    .score = PJ_V(score),
    .add_values = PJ_V(add_values),
    .add_queries = PJ_V(add_queries),
    .causal = PJ_V(causal),
    .mask = PJ_V(mask),
    .weigh = PJ_V(weigh),
    .differentiate = PJ_V(differentiate),
    .dots = PJ_V(dots),
    .weigh_row = PJ_V(weigh_row),
    .mix = PJ_V(mix),
    .scale = PJ_V(scale),
    .divide = PJ_V(divide),
    .finite = PJ_V(finite),
    .largest = PJ_V(largest),
}};

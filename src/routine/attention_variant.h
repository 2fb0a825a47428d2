// Loops of attention over scores. In tiles they lie [key][query], queries in the two vectors of a
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

// A row of scores is |value| in the lanes whose query, |first| + lane, is below |key|.
PJ_TARGET static void PJ_V(causal)(int64_t rows, int64_t key, float value, float *scores) {
  enum { LANES = PJ_VB / 4 };
  for (int64_t j = 0; j < rows; ++j, scores += 2 * LANES)
    for (int64_t lane = 0; lane < pj__min(key + j, 2 * LANES); ++lane)
      scores[lane] = value;
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

// Each of |rows| rows of two vectors times |factor|, or, |divide|, by it.
PJ_TARGET static void PJ_V(rescale)(int64_t rows, bool divide, const float *factor, float *x) {
  typedef PJ_V(Vec) Vec;
  const Vec *f = (const Vec *)factor;
  Vec *at = (Vec *)x;
  for (int64_t i = 0; i < rows; ++i, at += 2) {
    at[0] = divide ? at[0] / f[0] : at[0] * f[0];
    at[1] = divide ? at[1] / f[1] : at[1] * f[1];
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

static const Loops PJ_V(loops)[] = {
    {PJ_V(scale), PJ_V(causal), PJ_V(weigh), PJ_V(rescale), PJ_V(finite)},
};

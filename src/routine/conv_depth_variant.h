// Sums of products of vectors: out[i] = sum over k < count of xs[k][i] * ws[k][i], added to |out|
// unless |first|.
#define GROUPS(NAME, T)                                                                     \
  PJ_TARGET static void PJ_V(NAME)(int64_t n, int count, const void *const *xs,             \
                                   const void *const *ws, bool first, void *po) {           \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));       \
    enum { LANES = PJ_VB / sizeof(T), UNROLL = 4 };                                         \
    T *o = po;                                                                              \
    int64_t i = 0;                                                                          \
    for (; i + UNROLL * LANES <= n; i += UNROLL * LANES) {                                  \
      Vec sum[UNROLL];                                                                      \
      PJ_UNROLL for (int u = 0; u < UNROLL; ++u) {                                          \
        sum[u] = (Vec){0};                                                                  \
        if (!first)                                                                         \
          sum[u] = *(const Vec *)(o + i + u * LANES);                                       \
      }                                                                                     \
      for (int k = 0; k < count; ++k) {                                                     \
        const T *x = (const T *)xs[k] + i, *w = (const T *)ws[k] + i;                       \
        PJ_UNROLL for (int u = 0; u < UNROLL; ++u) sum[u] +=                                \
            *(const Vec *)(x + u * LANES) * *(const Vec *)(w + u * LANES);                  \
      }                                                                                     \
      PJ_UNROLL for (int u = 0; u < UNROLL; ++u) * (Vec *)(o + i + u * LANES) = sum[u];     \
    }                                                                                       \
    for (; i + LANES <= n; i += LANES) {                                                    \
      Vec sum = {0};                                                                        \
      if (!first)                                                                           \
        sum = *(const Vec *)(o + i);                                                        \
      for (int k = 0; k < count; ++k)                                                       \
        sum += *(const Vec *)((const T *)xs[k] + i) * *(const Vec *)((const T *)ws[k] + i); \
      *(Vec *)(o + i) = sum;                                                                \
    }                                                                                       \
    for (; i < n; ++i) {                                                                    \
      T sum = first ? 0 : o[i];                                                             \
      for (int k = 0; k < count; ++k)                                                       \
        sum += ((const T *)xs[k])[i] * ((const T *)ws[k])[i];                               \
      o[i] = sum;                                                                           \
    }                                                                                       \
  }
GROUPS(groups_f32, float)
GROUPS(groups_f64, double)

// The same, from zero, for |strips| times PJ_STRIP neighbouring positions, whose inputs are |step|
// elements apart; those of a strip use each vector of |ws| together. |n| is a vector at least, and
// the last one overlaps. What the last place reads |ahead| elements further on comes nearer, if
// that is not 0.
#define STRIP_BEGIN(T, VECTORS, AT)                                                          \
  Vec sum[PJ_STRIP][VECTORS];                                                                \
  memset(sum, 0, sizeof sum);                                                                \
  PJ_UNROLL for (int s = 0; s < PJ_STRIP; ++s) PJ_UNROLL for (int u = 0; u < VECTORS; ++u)   \
      __builtin_prefetch(o + (PJ_STRIP + s) * n + (AT) + u * LANES, 1);                      \
  if (ahead)                                                                                 \
    PJ_UNROLL for (int s = 0; s < PJ_STRIP; ++s) PJ_UNROLL for (int u = 0; u < VECTORS; ++u) \
        __builtin_prefetch((const T *)xs[count - 1] + off + ahead + s * step + (AT) + u * LANES);
#define STRIP_END(VECTORS, AT)                                                               \
  PJ_UNROLL for (int s = 0; s < PJ_STRIP; ++s) PJ_UNROLL for (int u = 0; u < VECTORS; ++u) * \
      (Vec *)(o + s * n + (AT) + u * LANES) = sum[s][u];
#define ANY_PLACES(T, VECTORS, AT, WIDTH)                                       \
  {                                                                             \
    STRIP_BEGIN(T, VECTORS, AT)                                                 \
    for (int k = 0; k < count; ++k) {                                           \
      const T *x = (const T *)xs[k] + off + (AT), *w = (const T *)ws[k] + (AT); \
      PJ_UNROLL for (int u = 0; u < VECTORS; ++u) {                             \
        const Vec each = *(const Vec *)(w + u * LANES);                         \
        PJ_UNROLL for (int s = 0; s < PJ_STRIP; ++s) sum[s][u] +=               \
            *(const Vec *)(x + s * step + u * LANES) * each;                    \
      }                                                                         \
    }                                                                           \
    STRIP_END(VECTORS, AT)                                                      \
  }
// Places in rows of WIDTH, each where the next position has the one before: what a strip reads of a
// row is read once.
#define ROWS_OF(T, VECTORS, AT, WIDTH)                                                 \
  {                                                                                    \
    STRIP_BEGIN(T, VECTORS, AT)                                                        \
    for (int k = 0; k < count; k += WIDTH) {                                           \
      const T *x = (const T *)xs[k] + off + (AT);                                      \
      PJ_UNROLL for (int u = 0; u < VECTORS; ++u) {                                    \
        Vec all[PJ_STRIP + WIDTH - 1];                                                 \
        PJ_UNROLL for (int p = 0; p < PJ_STRIP + WIDTH - 1; ++p) all[p] =              \
            *(const Vec *)(x + p * step + u * LANES);                                  \
        PJ_UNROLL for (int p = 0; p < WIDTH; ++p) {                                    \
          const Vec each = *(const Vec *)((const T *)ws[k + p] + (AT) + u * LANES);    \
          PJ_UNROLL for (int s = 0; s < PJ_STRIP; ++s) sum[s][u] += all[s + p] * each; \
        }                                                                              \
      }                                                                                \
    }                                                                                  \
    STRIP_END(VECTORS, AT)                                                             \
  }
#define STRIPS(NAME, T, SUM, WIDTH)                                                                \
  PJ_TARGET static void PJ_V(NAME)(int64_t strips, int64_t n, int count, const void *const *xs,    \
                                   const void *const *ws, int64_t step, int64_t ahead, void *po) { \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));              \
    enum { LANES = PJ_VB / sizeof(T) };                                                            \
    T *o = po;                                                                                     \
    for (int64_t t = 0, off = 0; t < strips; ++t, off += PJ_STRIP * step, o += PJ_STRIP * n) {     \
      int64_t i = 0;                                                                               \
      for (; i + 2 * LANES <= n; i += 2 * LANES)                                                   \
        SUM(T, 2, i, WIDTH)                                                                        \
      for (; i < n; i += LANES) {                                                                  \
        const int64_t at = pj__min(i, n - LANES);                                                  \
        SUM(T, 1, at, WIDTH)                                                                       \
      }                                                                                            \
    }                                                                                              \
  }
STRIPS(strips_f32, float, ANY_PLACES, 1)
STRIPS(strips_f64, double, ANY_PLACES, 1)
STRIPS(strips_5_f32, float, ROWS_OF, 5)
STRIPS(strips_5_f64, double, ROWS_OF, 5)

// out[j] += w * x[j * step]
#define ROW(NAME, T)                                                                        \
  PJ_TARGET static void PJ_V(NAME)(int64_t n, const void *px, int64_t step, const void *pw, \
                                   void *po) {                                              \
    const T *x = px, w = *(const T *)pw;                                                    \
    T *o = po;                                                                              \
    if (step == 1) {                                                                        \
      PJ_IVDEP for (int64_t j = 0; j < n; ++j) o[j] += w * x[j];                            \
    } else if (step == 2) {                                                                 \
      PJ_IVDEP for (int64_t j = 0; j < n; ++j) o[j] += w * x[2 * j];                        \
    } else {                                                                                \
      for (int64_t j = 0; j < n; ++j)                                                       \
        o[j] += w * x[j * step];                                                            \
    }                                                                                       \
  }
ROW(row_f32, float)
ROW(row_f64, double)
#undef GROUPS
#undef STRIP_BEGIN
#undef STRIP_END
#undef ANY_PLACES
#undef ROWS_OF
#undef STRIPS
#undef ROW

static GroupsFn *const PJ_V(groups)[] = {PJ_V(groups_f32), PJ_V(groups_f64)};
static RowFn *const PJ_V(row)[] = {PJ_V(row_f32), PJ_V(row_f64)};
static StripFn *const PJ_V(strips)[][2] = {{PJ_V(strips_f32), PJ_V(strips_5_f32)},
                                           {PJ_V(strips_f64), PJ_V(strips_5_f64)}};

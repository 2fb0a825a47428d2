// out[x * step + i] += sum over l < count of rows[l][x * pitch + i], for i < |run| and each x < n;
// what lies behind a run is read, but not added.
#define SPREAD(NAME, T, I)                                                                         \
  PJ_TARGET static void PJ_V(NAME)(int64_t n, int64_t run, int64_t count, const void *const *rows, \
                                   int64_t pitch, void *out, int64_t step) {                       \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));              \
    typedef I Bits __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));             \
    enum { LANES = PJ_VB / sizeof(T) };                                                            \
    Bits mask;                                                                                     \
    for (int i = 0; i < LANES; ++i)                                                                \
      mask[i] = i < (run - 1) % LANES + 1 ? -1 : 0;                                                \
    T *o = out;                                                                                    \
    for (int64_t x = 0; x < n; ++x, o += step) {                                                   \
      int64_t i = 0;                                                                               \
      for (; i < run; i += LANES) {                                                                \
        Vec sum = *(const Vec *)((const T *)rows[0] + x * pitch + i);                              \
        for (int64_t l = 1; l < count; ++l)                                                        \
          sum += *(const Vec *)((const T *)rows[l] + x * pitch + i);                               \
        if (i + LANES >= run)                                                                      \
          sum = (Vec)((Bits)sum & mask);                                                           \
        *(Vec *)(o + i) += sum;                                                                    \
      }                                                                                            \
    }                                                                                              \
  }
SPREAD(spread_f32, float, int32_t)
SPREAD(spread_f64, double, int64_t)
#undef SPREAD

static SpreadFn *const PJ_V(spread)[] = {PJ_V(spread_f32), PJ_V(spread_f64)};

// Every |step|-th element of a row.
#define SPLIT(NAME, T)                                                                    \
  PJ_TARGET static void PJ_V(NAME)(int64_t n, const void *from, int64_t step, void *to) { \
    const T *restrict x = from;                                                           \
    T *restrict y = to;                                                                   \
    if (step == 2)                                                                        \
      for (int64_t j = 0; j < n; ++j)                                                     \
        y[j] = x[2 * j];                                                                  \
    else                                                                                  \
      for (int64_t j = 0; j < n; ++j)                                                     \
        y[j] = x[j * step];                                                               \
  }
SPLIT(split_4, uint32_t)
SPLIT(split_8, uint64_t)
#undef SPLIT

// 8 and 16-bit integers as 16-bit ones: a line of them, and two lines element by element.
#define PAIRS(S, T)                                                                 \
  PJ_TARGET static void PJ_V(widen_##S)(int64_t n, const void *in, void *out) {     \
    const T *from = in;                                                             \
    int16_t *to = out;                                                              \
    for (int64_t i = 0; i < n; ++i)                                                 \
      to[i] = from[i];                                                              \
  }                                                                                 \
  PJ_TARGET static void PJ_V(zip_##S)(int64_t n, const void *low, const void *high, \
                                      uint32_t *out) {                              \
    const T *x = low, *y = high;                                                    \
    for (int64_t i = 0; i < n; ++i)                                                 \
      out[i] = (uint16_t)(int16_t)x[i] | (uint32_t)(int32_t)(int16_t)y[i] << 16;    \
  }
PAIRS(s8, int8_t)
PAIRS(u8, uint8_t)
PAIRS(s16, int16_t)
#undef PAIRS

static const Widening PJ_V(widenings)[] = {
    {PJ_V(widen_s8), PJ_V(zip_s8)},
    {PJ_V(widen_u8), PJ_V(zip_u8)},
    {PJ_V(widen_s16), PJ_V(zip_s16)},
};

// The loops of sort_short.c for one instruction set.
#include "routine/lanes_variant.h"

typedef uint32_t PJ_V(Keys) __attribute__((vector_size(PJ_VB)));
typedef uint32_t PJ_V(LooseKeys) __attribute__((vector_size(PJ_VB), aligned(4), may_alias));

static inline PJ_TARGET void PJ_V(exchange)(PJ_V(Keys) * low, PJ_V(Keys) * high) {
  const PJ_V(Keys) a = *low, b = *high;
#if PJ_LEVEL == 2
  *low = (PJ_V(Keys))_mm512_min_epu32((__m512i)a, (__m512i)b);
  *high = (PJ_V(Keys))_mm512_max_epu32((__m512i)a, (__m512i)b);
#elif PJ_LEVEL == 1
  *low = (PJ_V(Keys))_mm256_min_epu32((__m256i)a, (__m256i)b);
  *high = (PJ_V(Keys))_mm256_max_epu32((__m256i)a, (__m256i)b);
#else
  const PJ_V(Keys) less = (PJ_V(Keys))(a < b);
  *low = (less & a) | (~less & b);
  *high = (less & b) | (~less & a);
#endif
}

// Rows of PLACES keys at most: a vector's lanes of rows.
#define NETWORK(PLACES)                                                                            \
  static PJ_TARGET void PJ_V(rows_##PLACES)(int64_t rows, int64_t n, uint32_t * keys) {            \
    enum { N = PJ_LANES_f32 };                                                                     \
    for (int64_t r = 0; r < rows; r += N) {                                                        \
      uint32_t *at = keys + r * n;                                                                 \
      PJ_V(Vecf32) v[N];                                                                           \
      PJ_V(Keys) k[PLACES];                                                                        \
      PJ_UNROLL for (int l = 0; l < N; ++l) v[l] =                                                 \
          (PJ_V(Vecf32)) * (const PJ_V(LooseKeys) *)(at + l * n);                                  \
      PJ_V(turn_f32)(v);                                                                           \
      PJ_UNROLL for (int j = 0; j < PLACES; ++j) {                                                 \
        k[j] = (PJ_V(Keys))v[j];                                                                   \
        if (j >= n)                                                                                \
          k[j] = ~(PJ_V(Keys)){0};                                                                 \
      }                                                                                            \
      PJ_UNROLL for (int p = 1; p < PLACES; p *= 2) PJ_UNROLL for (int q = p; q > 0; q /= 2)       \
          PJ_UNROLL for (int i = 0; i < PLACES; ++i) {                                             \
        const int from = i - q % p;                                                                \
        if (from >= 0 && from % (2 * q) < q && i + q < PLACES && i / (2 * p) == (i + q) / (2 * p)) \
          PJ_V(exchange)(&k[i], &k[i + q]);                                                        \
      }                                                                                            \
      PJ_UNROLL for (int j = 0; j < PLACES; ++j) v[j] = (PJ_V(Vecf32))k[j];                        \
      PJ_V(turn_f32)(v);                                                                           \
      /* What a row writes behind its end the next one overwrites, and behind the last one's was   \
       */                                                                                          \
      /* this. */                                                                                  \
      const PJ_V(Keys) next = *(const PJ_V(LooseKeys) *)(at + N * n);                              \
      PJ_UNROLL for (int l = 0; l < N; ++l) * (PJ_V(LooseKeys) *)(at + l * n) = (PJ_V(Keys))v[l];  \
      *(PJ_V(LooseKeys) *)(at + N * n) = next;                                                     \
    }                                                                                              \
  }
NETWORK(4)
#if PJ_LEVEL >= 1
NETWORK(8)
#endif
#if PJ_LEVEL == 2
NETWORK(16)
#endif
#undef NETWORK

static void PJ_V(short_rows)(int64_t rows, int64_t n, uint32_t *keys) {
#if PJ_LEVEL == 2
  if (n > 8) {
    PJ_V(rows_16)(rows, n, keys);
    return;
  }
#endif
#if PJ_LEVEL >= 1
  if (n > 4) {
    PJ_V(rows_8)(rows, n, keys);
    return;
  }
#endif
  PJ_V(rows_4)(rows, n, keys);
}

// Loops of copy_blocks.c.
#if PJ_LEVEL == 0
static BlockFn *const PJ_V(blocks)[] = {NULL, NULL};
#elif PJ_LEVEL == 1
// Vector |to| has lane |at| of vector |from| where |mask| says so.
typedef struct Orders {
  int32_t at[MOST][MOST][8], mask[MOST][MOST][8];
} Orders;

PJ_TARGET static inline __attribute__((always_inline)) void
reorder_avx2(const Orders *o, int v, const char *from, char *to) {
  __m256i x[MOST];
  for (int u = 0; u < v; ++u)
    x[u] = _mm256_loadu_si256((const __m256i_u *)(from + u * 32));
  for (int t = 0; t < v; ++t) {
    __m256i sum =
        _mm256_permutevar8x32_epi32(x[0], _mm256_load_si256((const __m256i *)o->at[t][0]));
    for (int u = 1; u < v; ++u)
      sum = _mm256_blendv_epi8(
          sum, _mm256_permutevar8x32_epi32(x[u], _mm256_load_si256((const __m256i *)o->at[t][u])),
          _mm256_load_si256((const __m256i *)o->mask[t][u]));
    _mm256_storeu_si256((__m256i_u *)(to + t * 32), sum);
  }
}

PJ_TARGET static inline __attribute__((always_inline)) void
all_avx2(const Block *b, const Orders *o, int v, int64_t size, const char *src, char *dst) {
  int64_t at = 0;
  for (; at + v * 32 <= size; at += b->bytes)
    reorder_avx2(o, v, src + at, dst + at);
  for (; at < size; at += b->bytes) {
    char from[MOST * 32] = {0}, to[MOST * 32];
    const int64_t rest = b->bytes < size - at ? b->bytes : size - at;
    memcpy(from, src + at, (size_t)rest);
    reorder_avx2(o, v, from, to);
    memcpy(dst + at, to, (size_t)rest);
  }
}

PJ_TARGET static void blocks_4_avx2(const PjStrided *p, const char *src, char *dst) {
  Block b;
  _Alignas(32) Orders o = {0};
  set_block(&b, p, 32);
  for (int i = 0; i < b.count; ++i) {
    o.at[i / 8][b.from[i] / 8][i % 8] = b.from[i] % 8;
    o.mask[i / 8][b.from[i] / 8][i % 8] = -1;
  }
  const int64_t size = p->dims[p->rank - 2] * p->dst[p->rank - 2];
  switch (b.vectors) {
  case 1:
    all_avx2(&b, &o, 1, size, src, dst);
    break;
  case 2:
    all_avx2(&b, &o, 2, size, src, dst);
    break;
  case 3:
    all_avx2(&b, &o, 3, size, src, dst);
    break;
  default:
    all_avx2(&b, &o, 4, size, src, dst);
  }
}
static BlockFn *const PJ_V(blocks)[] = {blocks_4_avx2, NULL};
#else
// Vector |t| of |V| is picked from the first two, then, where |behind| says so, from the others.
#define REORDER(T, LANES, EPI, V, FROM, TO)                                                    \
  do {                                                                                         \
    __m512i x[MOST];                                                                           \
    PJ_UNROLL for (int u = 0; u < MOST; ++u) x[u] =                                            \
        _mm512_loadu_si512((FROM) + (u < V ? u : V - 1) * WIDTH);                              \
    PJ_UNROLL for (int t = 0; t < V; ++t) {                                                    \
      __m512i y = _mm512_permutex2var_##EPI(x[0], _mm512_load_si512(at[t][0]), x[1]);          \
      if (V > 2)                                                                               \
        y = _mm512_mask_mov_##EPI(                                                             \
            y, behind[t], _mm512_permutex2var_##EPI(x[2], _mm512_load_si512(at[t][1]), x[3])); \
      _mm512_storeu_si512((TO) + t * WIDTH, y);                                                \
    }                                                                                          \
  } while (0)
#define ALL(T, LANES, EPI, V)                                             \
  for (; begin + V * WIDTH <= size; begin += b.bytes)                     \
    REORDER(T, LANES, EPI, V, src + begin, dst + begin);                  \
  for (; begin < size; begin += b.bytes) {                                \
    char from[MOST * WIDTH] = {0}, to[MOST * WIDTH];                      \
    const int64_t rest = b.bytes < size - begin ? b.bytes : size - begin; \
    memcpy(from, src + begin, (size_t)rest);                              \
    REORDER(T, LANES, EPI, V, from, to);                                  \
    memcpy(dst + begin, to, (size_t)rest);                                \
  }                                                                       \
  break;
#define BLOCKS(T, LANES, EPI)                                      \
  Block b;                                                         \
  _Alignas(WIDTH) T at[MOST][2][LANES] = {0};                      \
  uint64_t behind[MOST] = {0};                                     \
  set_block(&b, p, WIDTH);                                         \
  for (int i = 0; i < b.count; ++i) {                              \
    const bool back = b.from[i] >= 2 * LANES;                      \
    at[i / LANES][back][i % LANES] = (T)(b.from[i] % (2 * LANES)); \
    behind[i / LANES] |= (uint64_t)back << i % LANES;              \
  }                                                                \
  const int64_t size = p->dims[p->rank - 2] * p->dst[p->rank - 2]; \
  int64_t begin = 0;                                               \
  switch (b.vectors) {                                             \
  case 1:                                                          \
    ALL(T, LANES, EPI, 1)                                          \
  case 2:                                                          \
    ALL(T, LANES, EPI, 2)                                          \
  case 3:                                                          \
    ALL(T, LANES, EPI, 3)                                          \
  default:                                                         \
    ALL(T, LANES, EPI, 4)                                          \
  }
PJ_TARGET static void blocks_4_avx512(const PjStrided *p, const char *src,
                                      char *dst){BLOCKS(uint32_t, 16, epi32)} PJ_TARGET
    static void blocks_2_avx512(const PjStrided *p, const char *src, char *dst) {
  BLOCKS(uint16_t, 32, epi16)
}
static BlockFn *const PJ_V(blocks)[] = {blocks_4_avx512, blocks_2_avx512};
#endif

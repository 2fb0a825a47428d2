// Loops of copy_narrow.c. A block is K vectors on both sides, LANES of 32 bits each.
#if PJ_LEVEL == 0
static NarrowFn *const PJ_V(narrow)[] = {NULL, NULL};
#else
#if PJ_LEVEL > 1
#define LANES 16
#else
#define LANES 8
#endif

// Vector |to| of the destination has lane |at| of vector |from| of the source where |mask| says so.
typedef struct PJ_V(Order) {
  int32_t at[MOST][MOST][LANES];
  int32_t mask[MOST][MOST][LANES]; // all bits or none
} PJ_V(Order);

static void PJ_V(set_order)(PJ_V(Order) * o, int k, int unit, bool parts) {
  memset(o, 0, sizeof *o);
  for (int to = 0; to < k; ++to)
    for (int lane = 0; lane < LANES; ++lane) {
      const int element = (parts ? lane : to * LANES + lane) / unit, part = lane % unit;
      // Of a vector of rows: element e of row |to|; else element |element| of the block.
      const int source = parts ? (element * k + to) * unit + part : element / k * unit + part;
      const int from = parts ? source / LANES : element % k;
      o->at[to][from][lane] = source % LANES;
      o->mask[to][from][lane] = -1;
    }
}

PJ_TARGET static inline void PJ_V(reorder)(const PJ_V(Order) * o, int k, const char *from,
                                           int64_t from_step, char *to, int64_t to_step) {
  for (int v = 0; v < k; ++v) {
#if PJ_LEVEL > 1
    __m512i sum = _mm512_setzero_si512();
    for (int u = 0; u < k; ++u)
      sum = _mm512_mask_permutexvar_epi32(
          sum, _mm512_movepi32_mask(_mm512_loadu_si512(o->mask[v][u])),
          _mm512_loadu_si512(o->at[v][u]), _mm512_loadu_si512(from + u * from_step));
    _mm512_storeu_si512(to + v * to_step, sum);
#else
    __m256i sum = _mm256_setzero_si256();
    for (int u = 0; u < k; ++u) {
      const __m256i x =
          _mm256_permutevar8x32_epi32(_mm256_loadu_si256((const __m256i *)(from + u * from_step)),
                                      _mm256_loadu_si256((const __m256i *)o->at[v][u]));
      sum = _mm256_blendv_epi8(sum, x, _mm256_loadu_si256((const __m256i *)o->mask[v][u]));
    }
    _mm256_storeu_si256((__m256i *)(to + v * to_step), sum);
#endif
  }
}

PJ_TARGET static void PJ_V(interleave)(const PjStrided *p, const char *src, char *dst) {
  const int32_t r = p->rank;
  const int64_t n = p->dims[r - 2], k = p->dims[r - 1], step = p->src[r - 1],
                elem = (int64_t)p->elem, width = 4 * LANES / elem;
  PJ_V(Order) order;
  PJ_V(set_order)(&order, (int)k, (int)(elem / 4), false);
  int64_t i = 0;
  for (; i + width <= n; i += width)
    PJ_V(reorder)(&order, (int)k, src + i * elem, step, dst + i * k * elem, 4 * LANES);
  for (; i < n; ++i)
    for (int64_t j = 0; j < k; ++j)
      memcpy(dst + (i * k + j) * elem, src + i * elem + j * step, (size_t)elem);
}

PJ_TARGET static void PJ_V(part)(const PjStrided *p, const char *src, char *dst) {
  const int32_t r = p->rank;
  const int64_t n = p->dims[r - 1], k = p->dims[r - 2], step = p->dst[r - 2],
                elem = (int64_t)p->elem, width = 4 * LANES / elem;
  PJ_V(Order) order;
  PJ_V(set_order)(&order, (int)k, (int)(elem / 4), true);
  int64_t i = 0;
  for (; i + width <= n; i += width)
    PJ_V(reorder)(&order, (int)k, src + i * k * elem, 4 * LANES, dst + i * elem, step);
  for (; i < n; ++i)
    for (int64_t j = 0; j < k; ++j)
      memcpy(dst + i * elem + j * step, src + (i * k + j) * elem, (size_t)elem);
}

static NarrowFn *const PJ_V(narrow)[] = {PJ_V(interleave), PJ_V(part)};
#undef LANES
#endif

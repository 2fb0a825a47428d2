// Places of vectors of one 32-bit component that lie side by side: eight at a time, those inside
// packed by a table of permutations.
#if PJ_LEVEL > 0
PJ_TARGET static void PJ_V(line)(const PjScatterVectors *v, const PjScatterBounds *bounds,
                                 const void *indices, const uint32_t *values, int64_t count,
                                 PjScatterPlaces *out) {
  // Starts beyond 31 bits are no indices: cut there, differences of 32 bits tell what is inside.
  const uint64_t end = UINT64_C(1) << 31, low = bounds->low[0];
  out->count = 0;
  if (low >= end || !bounds->size[0])
    return;
  const uint64_t size = bounds->size[0] < end - low ? bounds->size[0] : end - low;
  const int32_t *in = indices;
  const __m256i lows = _mm256_set1_epi32((int32_t)low),
                last = _mm256_set1_epi32((int32_t)(uint32_t)(size - 1)),
                eight = _mm256_set1_epi32(8);
  __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  int64_t n = 0, i = 0;
  for (; i + 8 <= count; i += 8, number = _mm256_add_epi32(number, eight)) {
    const __m256i start = _mm256_loadu_si256((const __m256i_u *)(in + i)),
                  past = _mm256_sub_epi32(start, lows),
                  inside = _mm256_cmpeq_epi32(_mm256_min_epu32(past, last), past);
    const unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(inside));
    const __m256i lanes = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)v->lanes[mask]));
    _mm256_storeu_si256((__m256i_u *)(out->to + n), _mm256_permutevar8x32_epi32(start, lanes));
    _mm256_storeu_si256(
        (__m256i_u *)(out->from + n),
        _mm256_permutevar8x32_epi32(
            values ? _mm256_loadu_si256((const __m256i_u *)(values + i)) : number, lanes));
    n += __builtin_popcount(mask);
  }
  for (; i < count; ++i) {
    out->to[n] = (uint32_t)in[i];
    out->from[n] = values ? values[i] : (uint32_t)i;
    n += (uint32_t)in[i] - (uint32_t)low < size;
  }
  out->count = n;
}
static PjLocateFn *const PJ_V(locate_line) = PJ_V(line);
#else
static PjLocateFn *const PJ_V(locate_line) = NULL;
#endif

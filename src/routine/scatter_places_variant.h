// Places of vectors of one 32-bit component, or two, that lie side by side: eight at a time, those
// inside packed by a table of permutations.
#if PJ_LEVEL > 0
// Starts of one component that are asked for, [low, last] in unsigned differences of 32 bits; false
// where there are none. Starts beyond 31 bits are no indices: bounds are cut there.
PJ_TARGET static bool PJ_V(starts)(const PjScatterBounds *bounds, int k, uint32_t *low,
                                   uint32_t *size) {
  const uint64_t end = UINT64_C(1) << 31;
  if (bounds->low[k] >= end || !bounds->size[k])
    return false;
  *low = (uint32_t)bounds->low[k];
  *size = (uint32_t)(bounds->size[k] < end - *low ? bounds->size[k] : end - *low);
  return true;
}

// Writes the lanes of |to| and |from| that are |inside| at |n|; how many they are.
PJ_TARGET static inline int PJ_V(pack)(const PjScatterVectors *v, const PjScatterPlaces *out,
                                       int64_t n, __m256i inside, __m256i to, __m256i from) {
  const unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(inside));
  const __m256i lanes = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)v->lanes[mask]));
  _mm256_storeu_si256((__m256i_u *)(out->to + n), _mm256_permutevar8x32_epi32(to, lanes));
  _mm256_storeu_si256((__m256i_u *)(out->from + n), _mm256_permutevar8x32_epi32(from, lanes));
  return __builtin_popcount(mask);
}

PJ_TARGET static void PJ_V(pairs_of)(const PjScatterVectors *v, const PjScatterBounds *bounds,
                                     const void *indices, const uint32_t *values, int64_t count,
                                     PjScatterPlaces *out) {
  uint32_t low[2], size[2];
  out->count = 0;
  for (int k = 0; k < 2; ++k)
    if (!PJ_V(starts)(bounds, k, &low[k], &size[k]))
      return;
  const int32_t *in = indices;
  __m256i lows[2], last[2], factor[2];
  for (int k = 0; k < 2; ++k) {
    lows[k] = _mm256_set1_epi32((int32_t)low[k]);
    last[k] = _mm256_set1_epi32((int32_t)(size[k] - 1));
    factor[k] = _mm256_set1_epi32((int32_t)v->factor[k]);
  }
  const __m256i eight = _mm256_set1_epi32(8);
  __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  int64_t n = 0, i = 0;
  for (; i + 8 <= count; i += 8, number = _mm256_add_epi32(number, eight)) {
    // Pairs 0 1 4 5 2 3 6 7, whose halves are then put in order.
    const __m256i first = _mm256_loadu_si256((const __m256i_u *)(in + 2 * i)),
                  second = _mm256_loadu_si256((const __m256i_u *)(in + 2 * i + 8));
    const __m256 a = _mm256_castsi256_ps(first), b = _mm256_castsi256_ps(second);
    __m256i at[2] = {_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)),
                     _mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xDD))};
    __m256i inside = _mm256_set1_epi32(-1), to = _mm256_setzero_si256();
    for (int k = 0; k < 2; ++k) {
      at[k] = _mm256_permute4x64_epi64(at[k], 0xD8);
      const __m256i past = _mm256_sub_epi32(at[k], lows[k]);
      inside = _mm256_and_si256(inside, _mm256_cmpeq_epi32(_mm256_min_epu32(past, last[k]), past));
      to = _mm256_add_epi32(to, _mm256_mullo_epi32(at[k], factor[k]));
    }
    const __m256i from = values ? _mm256_loadu_si256((const __m256i_u *)(values + i)) : number;
    n += PJ_V(pack)(v, out, n, inside, to, from);
  }
  for (; i < count; ++i) {
    const uint32_t x = (uint32_t)in[2 * i], y = (uint32_t)in[2 * i + 1];
    out->to[n] = x * v->factor[0] + y * v->factor[1];
    out->from[n] = values ? values[i] : (uint32_t)i;
    n += (x - low[0] < size[0]) & (y - low[1] < size[1]);
  }
  out->count = n;
}
static PjLocateFn *const PJ_V(locate_pairs) = PJ_V(pairs_of);

PJ_TARGET static void PJ_V(line)(const PjScatterVectors *v, const PjScatterBounds *bounds,
                                 const void *indices, const uint32_t *values, int64_t count,
                                 PjScatterPlaces *out) {
  uint32_t low, size;
  out->count = 0;
  if (!PJ_V(starts)(bounds, 0, &low, &size))
    return;
  const int32_t *in = indices;
  const __m256i lows = _mm256_set1_epi32((int32_t)low),
                last = _mm256_set1_epi32((int32_t)(size - 1)), eight = _mm256_set1_epi32(8);
  __m256i number = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  int64_t n = 0, i = 0;
  for (; i + 8 <= count; i += 8, number = _mm256_add_epi32(number, eight)) {
    const __m256i start = _mm256_loadu_si256((const __m256i_u *)(in + i)),
                  past = _mm256_sub_epi32(start, lows),
                  inside = _mm256_cmpeq_epi32(_mm256_min_epu32(past, last), past);
    const __m256i from = values ? _mm256_loadu_si256((const __m256i_u *)(values + i)) : number;
    n += PJ_V(pack)(v, out, n, inside, start, from);
  }
  for (; i < count; ++i) {
    out->to[n] = (uint32_t)in[i];
    out->from[n] = values ? values[i] : (uint32_t)i;
    n += (uint32_t)in[i] - low < size;
  }
  out->count = n;
}
static PjLocateFn *const PJ_V(locate_line) = PJ_V(line);
#else
static PjLocateFn *const PJ_V(locate_line) = NULL, *const PJ_V(locate_pairs) = NULL;
#endif

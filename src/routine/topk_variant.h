// Places of keys below a limit. Most blocks have none: 32 keys at a time are looked at together.
PJ_TARGET static int PJ_V(filter_4)(int n, const void *data, uint64_t limit64, uint32_t *out) {
  const uint32_t *keys = data, limit = (uint32_t)limit64;
  int found = 0, i = 0;
#if PJ_LEVEL > 0
  // Unsigned order by turning the signs.
  const __m256i sign = _mm256_set1_epi32(INT32_MIN),
                top = _mm256_set1_epi32((int32_t)(limit ^ 0x80000000u));
  for (; i + 32 <= n; i += 32) {
    __m256i below[4];
    for (int part = 0; part < 4; part++) {
      const __m256i x = _mm256_loadu_si256((const __m256i_u *)(keys + i + 8 * part));
      below[part] = _mm256_cmpgt_epi32(top, _mm256_xor_si256(x, sign));
    }
    const __m256i any =
        _mm256_or_si256(_mm256_or_si256(below[0], below[1]), _mm256_or_si256(below[2], below[3]));
    if (_mm256_testz_si256(any, any))
      continue;
    for (int part = 0; part < 4; part++) {
      unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(below[part]));
      for (; mask; mask &= mask - 1)
        out[found++] = (uint32_t)(i + 8 * part + __builtin_ctz(mask));
    }
  }
#endif
  for (; i < n; ++i) {
    out[found] = (uint32_t)i;
    found += keys[i] < limit;
  }
  return found;
}

PJ_TARGET static int PJ_V(filter_8)(int n, const void *data, uint64_t limit, uint32_t *out) {
  const uint64_t *keys = data;
  int found = 0;
  for (int i = 0; i < n; ++i) {
    out[found] = (uint32_t)i;
    found += keys[i] < limit;
  }
  return found;
}

// An upper bound of the |k|-th least of the first |n| >= |lanes| keys: that of the least of each
// lane, for they are keys too.
PJ_TARGET static inline __attribute__((always_inline)) uint32_t
PJ_V(bound_of)(int lanes, int n, const uint32_t *keys, int k) {
  uint32_t least[MOST_LANES], lower[MOST_LANES] = {0}, bound = 0;
  memcpy(least, keys, (size_t)lanes * sizeof *least);
  for (int i = lanes; i + lanes <= n; i += lanes)
    for (int l = 0; l < lanes; ++l)
      least[l] = least[l] < keys[i + l] ? least[l] : keys[i + l];
  for (int other = 0; other < lanes; ++other)
    for (int l = 0; l < lanes; ++l)
      lower[l] += least[other] < least[l];
  for (int l = 0; l < lanes; ++l)
    bound = lower[l] < (uint32_t)k && least[l] > bound ? least[l] : bound;
  return bound;
}
PJ_TARGET static uint32_t PJ_V(bound)(int n, const uint32_t *keys, int k) {
  return k <= MOST_LANES / 8   ? PJ_V(bound_of)(MOST_LANES / 4, n, keys, k)
         : k <= MOST_LANES / 4 ? PJ_V(bound_of)(MOST_LANES / 2, n, keys, k)
                               : PJ_V(bound_of)(MOST_LANES, n, keys, k);
}

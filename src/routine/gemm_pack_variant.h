// Transposing lines into slivers: out[p * width + i] = lines[i][p] for p < n and i < have. The
// lines that will be next, |ahead| elements further on, are asked for, if that is not 0.
#if PJ_LEVEL == 2
// Half a vector at |low| and half a one at |high|.
PJ_TARGET static inline __m512 PJ_V(both_ps)(const float *low, const float *high) {
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(low)), _mm256_loadu_ps(high), 1);
}
PJ_TARGET static inline __m512d PJ_V(both_pd)(const double *low, const double *high) {
  return _mm512_insertf64x4(_mm512_castpd256_pd512(_mm256_loadu_pd(low)), _mm256_loadu_pd(high), 1);
}
#endif
PJ_TARGET static void PJ_V(lines_8)(const void *const *lines, int have, int width, int64_t n,
                                    int64_t ahead, void *to) {
  uint64_t *out = to;
  int i = 0;
#if PJ_LEVEL == 2
  // Eight lines: halves of two of them side by side, whose lanes then change places.
  for (; i + 8 <= have; i += 8) {
    const double *const *at = (const double *const *)lines + i;
    int64_t p = 0;
    for (; p + 4 <= n; p += 4) {
      __m512d x[4];
      PJ_UNROLL for (int r = 0; r < 4; ++r) {
        const int low = r / 2 * 4 + r % 2;
        x[r] = PJ_V(both_pd)(at[low] + p, at[low + 2] + p);
        if (ahead && p % 8 == 0) {
          __builtin_prefetch(at[low] + p + ahead);
          __builtin_prefetch(at[low + 2] + p + ahead);
        }
      }
      double *line = (double *)out + p * width + i;
      PJ_UNROLL for (int half = 0; half < 2; ++half, line += 2 * width) {
        const __m512d even = half ? _mm512_shuffle_f64x2(x[0], x[2], 0xDD)
                                  : _mm512_shuffle_f64x2(x[0], x[2], 0x88),
                      odd = half ? _mm512_shuffle_f64x2(x[1], x[3], 0xDD)
                                 : _mm512_shuffle_f64x2(x[1], x[3], 0x88);
        _mm512_storeu_pd(line, _mm512_unpacklo_pd(even, odd));
        _mm512_storeu_pd(line + width, _mm512_unpackhi_pd(even, odd));
      }
    }
    for (; p < n; ++p)
      for (int r = 0; r < 8; ++r)
        memcpy(&out[p * width + i + r], at[r] + p, 8);
  }
#endif
#if PJ_LEVEL > 0
  // Squares of four by four, or of two lines.
  for (; i + 2 <= have; i += have - i >= 4 ? 4 : 2) {
    const bool four = have - i >= 4;
    const double *at[4];
    for (int r = 0; r < 4; ++r)
      at[r] = lines[i + (four || r < 2 ? r : 0)];
    int64_t p = 0;
    for (; p + 4 <= n; p += 4) {
      __m256d x[4], y[4];
      for (int r = 0; r < 4; ++r) {
        x[r] = _mm256_loadu_pd(at[r] + p);
        if (ahead && p % 8 == 0)
          __builtin_prefetch(at[r] + p + ahead);
      }
      for (int r = 0; r < 4; r += 2) {
        y[r] = _mm256_unpacklo_pd(x[r], x[r + 1]);
        y[r + 1] = _mm256_unpackhi_pd(x[r], x[r + 1]);
      }
      double *line = (double *)out + p * width + i;
      if (four) {
        _mm256_storeu_pd(line, _mm256_permute2f128_pd(y[0], y[2], 0x20));
        _mm256_storeu_pd(line + width, _mm256_permute2f128_pd(y[1], y[3], 0x20));
        _mm256_storeu_pd(line + 2 * width, _mm256_permute2f128_pd(y[0], y[2], 0x31));
        _mm256_storeu_pd(line + 3 * width, _mm256_permute2f128_pd(y[1], y[3], 0x31));
        continue;
      }
      for (int r = 0; r < 2; ++r) {
        _mm_storeu_pd(line + r * width, _mm256_castpd256_pd128(y[r]));
        _mm_storeu_pd(line + (2 + r) * width, _mm256_extractf128_pd(y[r], 1));
      }
    }
    for (; p < n; ++p)
      for (int r = 0; r < (four ? 4 : 2); ++r)
        memcpy(&out[p * width + i + r], at[r] + p, 8);
  }
#endif
  for (; i < have; ++i) {
    const uint64_t *line = lines[i];
    for (int64_t p = 0; p < n; ++p)
      out[p * width + i] = line[p];
  }
}

PJ_TARGET static void PJ_V(lines_4)(const void *const *lines, int have, int width, int64_t n,
                                    int64_t ahead, void *to) {
  uint32_t *out = to;
  int i = 0;
#if PJ_LEVEL > 0
#if PJ_LEVEL == 2
  // Sixteen lines, as above.
  for (; i + 16 <= have; i += 16) {
    const float *const *at = (const float *const *)lines + i;
    int64_t p = 0;
    for (; p < n; p += 8) {
      if (p + 8 > n) { // the last ones end with the lines
        if (n < 8)
          break;
        p = n - 8;
      }
      __m512 x[8];
      PJ_UNROLL for (int r = 0; r < 8; ++r) {
        const int low = r / 4 * 8 + r % 4;
        x[r] = PJ_V(both_ps)(at[low] + p, at[low + 4] + p);
        if (ahead && p % 16 == 0) {
          __builtin_prefetch(at[low] + p + ahead, 0, 2);
          __builtin_prefetch(at[low + 4] + p + ahead, 0, 2);
        }
      }
      float *line = (float *)out + p * width + i;
      PJ_UNROLL for (int half = 0; half < 2; ++half, line += 4 * width) {
        __m512 y[4], z[4];
        PJ_UNROLL for (int r = 0; r < 4; ++r) y[r] =
            half ? _mm512_shuffle_f32x4(x[r], x[r + 4], 0xDD)
                 : _mm512_shuffle_f32x4(x[r], x[r + 4], 0x88);
        PJ_UNROLL for (int r = 0; r < 4; r += 2) {
          z[r] = _mm512_unpacklo_ps(y[r], y[r + 1]);
          z[r + 1] = _mm512_unpackhi_ps(y[r], y[r + 1]);
        }
        PJ_UNROLL for (int r = 0; r < 2; ++r) {
          _mm512_storeu_ps(line + 2 * r * width, _mm512_shuffle_ps(z[r], z[r + 2], 0x44));
          _mm512_storeu_ps(line + (2 * r + 1) * width, _mm512_shuffle_ps(z[r], z[r + 2], 0xEE));
        }
      }
    }
    for (; p < n; ++p)
      for (int r = 0; r < 16; ++r)
        memcpy(&out[p * width + i + r], at[r] + p, 4);
  }
  // Whole cache lines of four rows at a time, which may lie in one set of the nearest cache.
  for (; i + 4 <= have; i += 4) {
    const float *const *at = (const float *const *)lines + i;
    int64_t p = 0;
    for (; p < n; p += 16) {
      if (p + 16 > n) { // the last square ends with the lines
        if (n < 16)
          break;
        p = n - 16;
      }
      __m512 x[4], y[4];
      for (int r = 0; r < 4; ++r) {
        x[r] = _mm512_loadu_ps(at[r] + p);
        if (ahead && p % 16 == 0)
          __builtin_prefetch(at[r] + p + ahead);
      }
      for (int r = 0; r < 4; r += 2) {
        y[r] = _mm512_unpacklo_ps(x[r], x[r + 1]);
        y[r + 1] = _mm512_unpackhi_ps(x[r], x[r + 1]);
      }
      for (int r = 0; r < 2; ++r) {
        x[2 * r] = _mm512_shuffle_ps(y[r], y[r + 2], 0x44);
        x[2 * r + 1] = _mm512_shuffle_ps(y[r], y[r + 2], 0xEE);
      }
      float *line = (float *)out + p * width + i;
      PJ_UNROLL for (int r = 0; r < 4; ++r, line += width) {
        _mm_storeu_ps(line, _mm512_castps512_ps128(x[r]));
        _mm_storeu_ps(line + 4 * width, _mm512_extractf32x4_ps(x[r], 1));
        _mm_storeu_ps(line + 8 * width, _mm512_extractf32x4_ps(x[r], 2));
        _mm_storeu_ps(line + 12 * width, _mm512_extractf32x4_ps(x[r], 3));
      }
    }
    for (; p < n; ++p)
      for (int r = 0; r < 4; ++r)
        memcpy(&out[p * width + i + r], at[r] + p, 4);
  }
#endif
  // Squares of eight by eight; what is left of the width is stored in halves and quarters.
  for (; i < have && have - i >= 4; i += 8) {
    const int rows = have - i < 8 ? have - i : 8;
    const float *at[8];
    for (int r = 0; r < 8; ++r)
      at[r] = lines[i + (r < rows ? r : 0)];
    int64_t p = 0;
    for (; p < n; p += 8) {
      __m256 x[8], y[8];
      if (p + 8 > n) { // the last square ends with the lines
        if (n < 8)
          break;
        p = n - 8;
      }
      for (int r = 0; r < 8; ++r) {
        x[r] = _mm256_loadu_ps(at[r] + p);
        if (ahead && p % 16 == 0 && r < rows)
          __builtin_prefetch(at[r] + p + ahead);
      }
      for (int r = 0; r < 8; r += 2) {
        y[r] = _mm256_unpacklo_ps(x[r], x[r + 1]);
        y[r + 1] = _mm256_unpackhi_ps(x[r], x[r + 1]);
      }
      for (int r = 0; r < 8; r += 4) {
        x[r] = _mm256_shuffle_ps(y[r], y[r + 2], 0x44);
        x[r + 1] = _mm256_shuffle_ps(y[r], y[r + 2], 0xEE);
        x[r + 2] = _mm256_shuffle_ps(y[r + 1], y[r + 3], 0x44);
        x[r + 3] = _mm256_shuffle_ps(y[r + 1], y[r + 3], 0xEE);
      }
      for (int r = 0; r < 4; ++r) {
        y[r] = _mm256_permute2f128_ps(x[r], x[r + 4], 0x20);
        y[r + 4] = _mm256_permute2f128_ps(x[r], x[r + 4], 0x31);
      }
      float *line = (float *)out + p * width + i;
      for (int r = 0; r < 8; ++r, line += width) {
        if (rows == 8) {
          _mm256_storeu_ps(line, y[r]);
          continue;
        }
        _mm_storeu_ps(line, _mm256_castps256_ps128(y[r]));
        const __m128 high = _mm256_extractf128_ps(y[r], 1);
        if (rows & 2)
          _mm_storel_pi((__m64 *)(line + 4), high);
        if (rows & 1)
          _mm_store_ss(line + (rows & 2 ? 6 : 4), rows & 2 ? _mm_movehl_ps(high, high) : high);
      }
    }
    for (; p < n; ++p)
      for (int r = 0; r < rows; ++r)
        memcpy(&out[p * width + i + r], at[r] + p, 4);
  }
#endif
  for (; i < have; ++i) {
    const char *line = lines[i]; // of groups (gemm_groups.c) not aligned
    for (int64_t p = 0; p < n; ++p)
      memcpy(&out[p * width + i], line + p * 4, 4);
  }
}

// Lines along the rows: |n| elements at each of |sums| places, |step| elements (or table entries)
// apart, into slivers.
#define COPY_LINES(NAME, T)                                                                      \
  PJ_TARGET static void PJ_V(NAME)(const void *from, const int64_t *table, int64_t step,         \
                                   int64_t n, int64_t sums, int width, void *out,                \
                                   int64_t sliver) {                                             \
    const int64_t whole = n / width * width;                                                     \
    /* Some slivers at a time: a run of whole cache lines is read, and few lines are written in  \
     * turn. */                                                                                  \
    const int64_t group =                                                                        \
        512 / (int64_t)sizeof(T) / width > 0 ? 512 / (int64_t)sizeof(T) / width * width : width; \
    for (int64_t r = 0; r < n; r += group) {                                                     \
      const int64_t end = r + group < whole ? r + group : whole;                                 \
      for (int64_t p = 0; p < sums; ++p) {                                                       \
        const T *line = (const T *)from + (step >= 0 ? p * step : table[p]);                     \
        T *to = (T *)out + r / width * sliver + p * width;                                       \
        if (step > 0 && p + LINES_AHEAD < sums)                                                  \
          for (int64_t q = r; q < end; q += 64 / (int64_t)sizeof(T))                             \
            __builtin_prefetch(line + LINES_AHEAD * step + q, 0, 2);                             \
        int64_t i = r;                                                                           \
        COPY_CASE(T, 4)                                                                          \
        COPY_CASE(T, 6)                                                                          \
        COPY_CASE(T, 8)                                                                          \
        COPY_CASE(T, 12)                                                                         \
        COPY_CASE(T, 16)                                                                         \
        COPY_CASE(T, 32)                                                                         \
        if (i < n && i < r + group)                                                              \
          memcpy(to, line + i, (size_t)(n - i) * sizeof(T));                                     \
      }                                                                                          \
    }                                                                                            \
  }
#define COPY_CASE(T, W)                   \
  if (width == W)                         \
    for (; i < end; i += W, to += sliver) \
      memcpy(to, line + i, W * sizeof(T));
COPY_LINES(copy_4, uint32_t)
COPY_LINES(copy_8, uint64_t)
#undef COPY_CASE
#undef COPY_LINES

// Runs of 16-bit floats as float.
PJ_TARGET static void PJ_V(load_bf16)(int64_t n, const void *in, void *out) {
  const uint16_t *from = in;
  uint32_t *to = out;
  for (int64_t i = 0; i < n; ++i)
    to[i] = (uint32_t)from[i] << 16;
}
#if PJ_LEVEL > 0
PJ_TARGET static void PJ_V(load_f16)(int64_t n, const void *in, void *out) {
  const uint16_t *from = in;
  float *to = out;
  int64_t i = 0;
#if PJ_LEVEL == 2
  for (; i + 16 <= n; i += 16)
    _mm512_storeu_ps(to + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i_u *)(from + i))));
#endif
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i_u *)(from + i))));
  for (; i < n; ++i)
    to[i] = _cvtsh_ss(from[i]);
}
#else
PJ_TARGET static void PJ_V(load_f16)(int64_t n, const void *in, void *out) {
  pj_float_decode_n(PJ_DT_F16, n, in, out);
}
#endif

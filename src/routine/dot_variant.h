// Products that are bound by memory: matrix by vector.
typedef float PJ_V(VecF32) __attribute__((vector_size(PJ_VB), aligned(4), may_alias));
typedef double PJ_V(VecF64) __attribute__((vector_size(PJ_VB), aligned(8), may_alias));

// A vector of numbers at |p|, converted. F16 has an instruction for it, or none.
PJ_TARGET static inline PJ_V(VecF32) PJ_V(load_f32)(const float *p) {
  return *(const PJ_V(VecF32) *)p;
}
PJ_TARGET static inline PJ_V(VecF64) PJ_V(load_f64)(const double *p) {
  return *(const PJ_V(VecF64) *)p;
}
PJ_TARGET static inline PJ_V(VecF32) PJ_V(load_bf16)(const uint16_t *p) {
  typedef uint16_t Half __attribute__((vector_size(PJ_VB / 2), aligned(2), may_alias));
  typedef uint32_t Word __attribute__((vector_size(PJ_VB)));
  const Word word = __builtin_convertvector(*(const Half *)p, Word) << 16;
  return (PJ_V(VecF32))word;
}
#if PJ_LEVEL == 2
PJ_TARGET static inline PJ_V(VecF32) PJ_V(load_f16)(const uint16_t *p) {
  return (PJ_V(VecF32))_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i_u *)p));
}
#elif PJ_LEVEL == 1
PJ_TARGET static inline PJ_V(VecF32) PJ_V(load_f16)(const uint16_t *p) {
  return (PJ_V(VecF32))_mm256_cvtph_ps(_mm_loadu_si128((const __m128i_u *)p));
}
#endif

// Integers of 8 to 32 bits, as 32 bits that wrap.
typedef uint32_t PJ_V(VecU32) __attribute__((vector_size(PJ_VB), aligned(4), may_alias));
#if PJ_LEVEL == 2
#define WIDEN(from, BYTES) (PJ_V(VecU32)) _mm512_cvt##from##_epi32(LOAD_##BYTES(p))
#define LOAD_8(p)          _mm_loadu_si128((const __m128i_u *)(p))
#define LOAD_16(p)         _mm256_loadu_si256((const __m256i_u *)(p))
#elif PJ_LEVEL == 1
#define WIDEN(from, BYTES) (PJ_V(VecU32)) _mm256_cvt##from##_epi32(LOAD_##BYTES(p))
#define LOAD_8(p)          _mm_loadl_epi64((const __m128i_u *)(p))
#define LOAD_16(p)         _mm_loadu_si128((const __m128i_u *)(p))
#else
#define WIDEN(from, BYTES) \
  ((PJ_V(VecU32)){(uint32_t)p[0], (uint32_t)p[1], (uint32_t)p[2], (uint32_t)p[3]})
#endif
PJ_TARGET static inline PJ_V(VecU32) PJ_V(load_s8)(const int8_t *p) {
  return WIDEN(epi8, 8);
}
PJ_TARGET static inline PJ_V(VecU32) PJ_V(load_u8)(const uint8_t *p) {
  return WIDEN(epu8, 8);
}
PJ_TARGET static inline PJ_V(VecU32) PJ_V(load_s16)(const int16_t *p) {
  return WIDEN(epi16, 16);
}
PJ_TARGET static inline PJ_V(VecU32) PJ_V(load_s32)(const int32_t *p) {
  return *(const PJ_V(VecU32) *)p;
}
#undef WIDEN
#undef LOAD_8
#undef LOAD_16

// The sum of a vector's lanes, halves added to halves.
#if PJ_LEVEL > 0
PJ_TARGET static inline float PJ_V(total_float)(PJ_V(VecF32) v) {
#if PJ_LEVEL == 2
  const __m256 h =
      _mm256_add_ps(_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1));
#else
  const __m256 h = (__m256)v;
#endif
  __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  q = _mm_add_ps(q, _mm_movehl_ps(q, q));
  return _mm_cvtss_f32(_mm_add_ss(q, _mm_shuffle_ps(q, q, 1)));
}
PJ_TARGET static inline double PJ_V(total_double)(PJ_V(VecF64) v) {
#if PJ_LEVEL == 2
  const __m256d h =
      _mm256_add_pd(_mm512_castpd512_pd256((__m512d)v), _mm512_extractf64x4_pd((__m512d)v, 1));
#else
  const __m256d h = (__m256d)v;
#endif
  const __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
  return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
}
PJ_TARGET static inline uint32_t PJ_V(total_uint32_t)(PJ_V(VecU32) v) {
#if PJ_LEVEL == 2
  const __m256i h = _mm256_add_epi32(_mm512_castsi512_si256((__m512i)v),
                                     _mm512_extracti32x8_epi32((__m512i)v, 1));
#else
  const __m256i h = (__m256i)v;
#endif
  __m128i q = _mm_add_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
  q = _mm_add_epi32(q, _mm_shuffle_epi32(q, 0x4E));
  return (uint32_t)_mm_cvtsi128_si32(_mm_add_epi32(q, _mm_shuffle_epi32(q, 0xB1)));
}
#else
#define TOTAL(T, VEC)                                              \
  PJ_TARGET static inline T PJ_V(total_##T)(PJ_V(VEC) v) {         \
    T lanes[PJ_VB / sizeof(T)];                                    \
    memcpy(lanes, &v, sizeof lanes);                               \
    for (size_t half = PJ_VB / sizeof(T) / 2; half > 0; half /= 2) \
      for (size_t j = 0; j < half; ++j)                            \
        lanes[j] += lanes[j + half];                               \
    return lanes[0];                                               \
  }
TOTAL(float, VecF32)
TOTAL(double, VecF64)
TOTAL(uint32_t, VecU32)
#undef TOTAL
#endif

// y[r] = sum over p of a[r * row + p] * x[p]. Rows are summed alike whether four at a time or one,
// so that it does not matter where a part begins. What is behind the last whole vector of a row are
// the last lanes of the vector that ends with it, the others of which are made zero on both sides;
// only of rows shorter than a vector they are taken one by one. The four lie a quarter of the rows
// apart: a core fetches four long lines ahead better than sixteen short ones.
#define ROWS_STEP(COUNT, APART, T, LOAD, ONE)                                       \
  {                                                                                 \
    Vec sum[COUNT][2];                                                              \
    PJ_UNROLL for (int i = 0; i < COUNT; ++i) sum[i][0] = sum[i][1] = (Vec){0};     \
    int64_t p = 0;                                                                  \
    for (; p + 2 * LANES <= k; p += 2 * LANES) {                                    \
      const Vec x0 = *(const Vec *)(x + p), x1 = *(const Vec *)(x + p + LANES);     \
      PJ_UNROLL for (int i = 0; i < COUNT; ++i) {                                   \
        sum[i][0] += PJ_V(LOAD)(a + i * APART * row + p) * x0;                      \
        sum[i][1] += PJ_V(LOAD)(a + i * APART * row + p + LANES) * x1;              \
      }                                                                             \
    }                                                                               \
    if (p + LANES <= k) {                                                           \
      const Vec x0 = *(const Vec *)(x + p);                                         \
      PJ_UNROLL for (int i = 0; i < COUNT; ++i) sum[i][0] +=                        \
          PJ_V(LOAD)(a + i * APART * row + p) * x0;                                 \
      p += LANES;                                                                   \
    }                                                                               \
    if (p && p < k) {                                                               \
      PJ_UNROLL for (int i = 0; i < COUNT; ++i) sum[i][1] +=                        \
          (Vec)((Bits)PJ_V(LOAD)(a + i * APART * row + k - LANES) & last) * x_last; \
      p = k;                                                                        \
    }                                                                               \
    PJ_UNROLL for (int i = 0; i < COUNT; ++i) {                                     \
      T rest = 0;                                                                   \
      for (int64_t q = p; q < k; ++q)                                               \
        rest += ONE(a[i * APART * row + q]) * x[q];                                 \
      y[i * APART] = PJ_V(total_##T)(sum[i][0] + sum[i][1]) + rest;                 \
    }                                                                               \
  }
#define ROWS_KERNEL(NAME, FROM, T, LOAD, ONE)                                              \
  PJ_TARGET static void PJ_V(NAME)(int64_t rows, int64_t k, const void *pa, int64_t row,   \
                                   const void *px, void *py) {                             \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));      \
    typedef uint32_t Bits __attribute__((vector_size(PJ_VB), aligned(4), may_alias));      \
    enum { LANES = PJ_VB / sizeof(T) };                                                    \
    const FROM *a = pa;                                                                    \
    const T *x = px;                                                                       \
    T *y = py;                                                                             \
    Bits last = {0};                                                                       \
    Vec x_last = {0};                                                                      \
    if (k >= LANES) {                                                                      \
      memcpy(&last, (const char *)lane_bits + 64 - PJ_VB + k % LANES * (int64_t)sizeof(T), \
             sizeof last);                                                                 \
      x_last = (Vec)(*(const Bits *)(x + k - LANES) & last);                               \
    }                                                                                      \
    const int64_t apart = rows / 4;                                                        \
    for (int64_t r = 0; r < apart; ++r, a += row, ++y)                                     \
      ROWS_STEP(4, apart, T, LOAD, ONE)                                                    \
    a += 3 * apart * row;                                                                  \
    y += 3 * apart;                                                                        \
    for (rows -= 4 * apart; rows > 0; --rows, a += row, ++y)                               \
      ROWS_STEP(1, 1, T, LOAD, ONE)                                                        \
  }

// y[j] += sum over p of x[p] * a[p * sum + j], eight p at a time.
#define COLS_KERNEL(NAME, FROM, T, LOAD, ONE)                                                 \
  PJ_TARGET static void PJ_V(NAME)(int64_t cols, int64_t k, const void *pa, int64_t step,     \
                                   const void *px, void *py) {                                \
    typedef T Vec __attribute__((vector_size(PJ_VB), aligned(sizeof(T)), may_alias));         \
    enum { LANES = PJ_VB / sizeof(T), GROUP = 8 };                                            \
    const FROM *a = pa;                                                                       \
    const T *x = px;                                                                          \
    T *y = py;                                                                                \
    for (; k >= GROUP; k -= GROUP, a += GROUP * step, x += GROUP) {                           \
      int64_t j = 0;                                                                          \
      for (; j + LANES <= cols; j += LANES) {                                                 \
        Vec sum = *(const Vec *)(y + j);                                                      \
        PJ_UNROLL for (int q = 0; q < GROUP; ++q) sum += x[q] * PJ_V(LOAD)(a + q * step + j); \
        *(Vec *)(y + j) = sum;                                                                \
      }                                                                                       \
      for (; j < cols; ++j)                                                                   \
        for (int q = 0; q < GROUP; ++q)                                                       \
          y[j] += x[q] * ONE(a[q * step + j]);                                                \
    }                                                                                         \
    for (; k > 0; --k, a += step, ++x)                                                        \
      for (int64_t j = 0; j < cols; ++j)                                                      \
        y[j] += x[0] * ONE(a[j]);                                                             \
  }

#define VECTOR_KERNELS(NAME, FROM, T, LOAD, ONE) \
  ROWS_KERNEL(rows_##NAME, FROM, T, LOAD, ONE)   \
  COLS_KERNEL(cols_##NAME, FROM, T, LOAD, ONE)
VECTOR_KERNELS(f32, float, float, load_f32, )
VECTOR_KERNELS(f64, double, double, load_f64, )
VECTOR_KERNELS(bf16, uint16_t, float, load_bf16, one_bf16)
#if PJ_LEVEL > 0
VECTOR_KERNELS(f16, uint16_t, float, load_f16, _cvtsh_ss)
#endif

VECTOR_KERNELS(s8, int8_t, uint32_t, load_s8, (uint32_t))
VECTOR_KERNELS(u8, uint8_t, uint32_t, load_u8, (uint32_t))
VECTOR_KERNELS(s16, int16_t, uint32_t, load_s16, (uint32_t))
VECTOR_KERNELS(s32, int32_t, uint32_t, load_s32, (uint32_t))

#if PJ_LEVEL > 0
// all[i] = the sum of the lanes of vector i of eight.
PJ_TARGET static inline void PJ_V(totals_float)(const PJ_V(VecF32) * sum, float *all) {
  __m256 s[8];
  PJ_UNROLL for (int i = 0; i < 8; ++i) {
#if PJ_LEVEL == 2
    s[i] = _mm256_add_ps(_mm512_castps512_ps256((__m512)sum[i]),
                         _mm512_extractf32x8_ps((__m512)sum[i], 1));
#else
    s[i] = (__m256)sum[i];
#endif
  }
  const __m256 low = _mm256_hadd_ps(_mm256_hadd_ps(s[0], s[1]), _mm256_hadd_ps(s[2], s[3])),
               high = _mm256_hadd_ps(_mm256_hadd_ps(s[4], s[5]), _mm256_hadd_ps(s[6], s[7]));
  _mm256_storeu_ps(all, _mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20),
                                      _mm256_permute2f128_ps(low, high, 0x31)));
}
PJ_TARGET static inline void PJ_V(totals_double)(const PJ_V(VecF64) * sum, double *all) {
  __m256d s[8];
  PJ_UNROLL for (int i = 0; i < 8; ++i) {
#if PJ_LEVEL == 2
    s[i] = _mm256_add_pd(_mm512_castpd512_pd256((__m512d)sum[i]),
                         _mm512_extractf64x4_pd((__m512d)sum[i], 1));
#else
    s[i] = (__m256d)sum[i];
#endif
  }
  PJ_UNROLL for (int i = 0; i < 8; i += 4) {
    const __m256d low = _mm256_hadd_pd(s[i], s[i + 1]), high = _mm256_hadd_pd(s[i + 2], s[i + 3]);
    _mm256_storeu_pd(all + i, _mm256_add_pd(_mm256_permute2f128_pd(low, high, 0x20),
                                            _mm256_permute2f128_pd(low, high, 0x31)));
  }
}

// y[i * y_step + r] = sum over p of a[r * row + p] * x[i * x_step + p] for |count| vectors, VECTORS
// at most: ROWS rows with all of them at a time, always, so that each sum is made alike; k is a
// vector at least. Rows that come AHEAD numbers later are asked for, which streams side by side do
// not do by themselves.
#define TOGETHER(NAME, T, VEC, ROWS, VECTORS)                                                    \
  PJ_TARGET static void PJ_V(NAME)(int64_t rows, int64_t k, const void *pa, int64_t row,         \
                                   int64_t count, const void *px, int64_t x_step, void *py,      \
                                   int64_t y_step) {                                             \
    typedef PJ_V(VEC) Vec;                                                                       \
    typedef uint32_t Bits __attribute__((vector_size(PJ_VB), aligned(4), may_alias));            \
    enum { LANES = PJ_VB / sizeof(T), AHEAD = 4096 / sizeof(T) };                                \
    const T *a = pa, *each[VECTORS];                                                             \
    T *y = py;                                                                                   \
    PJ_UNROLL for (int64_t i = 0; i < VECTORS; ++i) each[i] =                                    \
        (const T *)px + pj__min(i, count - 1) * x_step;                                          \
    Bits last;                                                                                   \
    memcpy(&last, (const char *)lane_bits + 64 - PJ_VB + k % LANES * (int64_t)sizeof(T),         \
           sizeof last);                                                                         \
    for (int64_t r = 0; r < rows; r += ROWS) {                                                   \
      const T *line[ROWS];                                                                       \
      PJ_UNROLL for (int64_t i = 0; i < ROWS; ++i) line[i] = a + pj__min(r + i, rows - 1) * row; \
      Vec sum[ROWS][VECTORS];                                                                    \
      PJ_UNROLL for (int i = 0; i < ROWS; ++i) PJ_UNROLL for (int v = 0; v < VECTORS; ++v)       \
          sum[i][v] = (Vec){0};                                                                  \
      int64_t p = 0;                                                                             \
      for (; p + LANES <= k; p += LANES) {                                                       \
        Vec b[VECTORS];                                                                          \
        PJ_UNROLL for (int v = 0; v < VECTORS; ++v) {                                            \
          b[v] = *(const Vec *)(each[v] + p);                                                    \
          __asm__("" : "+v"(b[v])); /* or each row loads it again */                             \
        }                                                                                        \
        PJ_UNROLL for (int i = 0; i < ROWS; ++i) {                                               \
          const Vec x = *(const Vec *)(line[i] + p);                                             \
          __builtin_prefetch(line[i] + p + AHEAD, 0, 2);                                         \
          PJ_UNROLL for (int v = 0; v < VECTORS; ++v) sum[i][v] += x * b[v];                     \
        }                                                                                        \
      }                                                                                          \
      if (p < k) /* as ROWS_STEP */                                                              \
        PJ_UNROLL for (int i = 0; i < ROWS; ++i) {                                               \
          const Vec x = (Vec)(*(const Bits *)(line[i] + k - LANES) & last);                      \
          PJ_UNROLL for (int v = 0; v < VECTORS; ++v) sum[i][v] +=                               \
              x * (Vec)(*(const Bits *)(each[v] + k - LANES) & last);                            \
        }                                                                                        \
      T all[ROWS * VECTORS];                                                                     \
      PJ_UNROLL for (int i = 0; i < ROWS * VECTORS; i += 8)                                      \
          PJ_V(totals_##T)(&sum[0][0] + i, all + i);                                             \
      for (int64_t i = 0; i < pj__min(ROWS, rows - r); ++i)                                      \
        for (int64_t v = 0; v < count; ++v)                                                      \
          y[v * y_step + r + i] = all[i * VECTORS + v];                                          \
    }                                                                                            \
  }
TOGETHER(together_f32_2, float, VecF32, 4, 2)
TOGETHER(together_f32_4, float, VecF32, PJ_LEVEL * 2, 4)
TOGETHER(together_f64_2, double, VecF64, 4, 2)
TOGETHER(together_f64_4, double, VecF64, PJ_LEVEL * 2, 4)
#undef TOGETHER

// COUNT vectors that lie side by side, one behind the other.
#define APART(NAME, T, COUNT)                                               \
  PJ_TARGET static void PJ_V(NAME)(int64_t k, const void *from, void *to) { \
    const T *restrict x = from;                                             \
    T *restrict y = to;                                                     \
    for (int64_t p = 0; p < k; ++p, x += COUNT)                             \
      PJ_UNROLL for (int i = 0; i < COUNT; ++i) y[i * k + p] = x[i];        \
  }
APART(apart_f32_2, float, 2)
APART(apart_f32_3, float, 3)
APART(apart_f32_4, float, 4)
APART(apart_f64_2, double, 2)
APART(apart_f64_3, double, 3)
APART(apart_f64_4, double, 4)
#undef APART
static const Together PJ_V(together)[] = {
    [PJ_COMP_F32] = {{PJ_V(together_f32_2), PJ_V(together_f32_4)},
                     {PJ_V(apart_f32_2), PJ_V(apart_f32_3), PJ_V(apart_f32_4)}},
    [PJ_COMP_F64] = {{PJ_V(together_f64_2), PJ_V(together_f64_4)},
                     {PJ_V(apart_f64_2), PJ_V(apart_f64_3), PJ_V(apart_f64_4)}},
};
#else
static const Together PJ_V(together)[] = {[PJ_COMP_F64] = {{NULL}, {NULL}}};
#endif

static VectorKernel *const PJ_V(rows)[PJ_DT_COUNT] = {
    [PJ_DT_F32] = PJ_V(rows_f32), [PJ_DT_F64] = PJ_V(rows_f64), [PJ_DT_BF16] = PJ_V(rows_bf16),
    [PJ_DT_S8] = PJ_V(rows_s8),   [PJ_DT_U8] = PJ_V(rows_u8),   [PJ_DT_S16] = PJ_V(rows_s16),
    [PJ_DT_S32] = PJ_V(rows_s32), [PJ_DT_U32] = PJ_V(rows_s32),
#if PJ_LEVEL > 0
    [PJ_DT_F16] = PJ_V(rows_f16),
#endif
};
static VectorKernel *const PJ_V(cols)[PJ_DT_COUNT] = {
    [PJ_DT_F32] = PJ_V(cols_f32), [PJ_DT_F64] = PJ_V(cols_f64), [PJ_DT_BF16] = PJ_V(cols_bf16),
    [PJ_DT_S8] = PJ_V(cols_s8),   [PJ_DT_U8] = PJ_V(cols_u8),   [PJ_DT_S16] = PJ_V(cols_s16),
    [PJ_DT_S32] = PJ_V(cols_s32), [PJ_DT_U32] = PJ_V(cols_s32),
#if PJ_LEVEL > 0
    [PJ_DT_F16] = PJ_V(cols_f16),
#endif
};
#undef ROWS_STEP
#undef ROWS_KERNEL
#undef COLS_KERNEL
#undef VECTOR_KERNELS

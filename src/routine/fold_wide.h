// Extrema of vectors of the variant at hand (variants.h): of fold_ops.h, or the instruction set's
// own. WIDE_ are those of whole vectors, HALF_ those of 32 bytes in any variant. No guard: a file
// may have several variants.
#undef WIDE_MAX_f32
#undef WIDE_MIN_f32
#undef WIDE_MAX_f64
#undef WIDE_MIN_f64
#if PJ_LEVEL == 2
#define WIDE_MAX_f32(a, b) (Vec) pj__wide_max_ps((__m512)(a), (__m512)(b))
#define WIDE_MIN_f32(a, b) (Vec) pj__wide_min_ps((__m512)(a), (__m512)(b))
#define WIDE_MAX_f64(a, b) (Vec) pj__wide_max_pd((__m512d)(a), (__m512d)(b))
#define WIDE_MIN_f64(a, b) (Vec) pj__wide_min_pd((__m512d)(a), (__m512d)(b))
#elif PJ_LEVEL == 1
#define WIDE_MAX_f32(a, b) (Vec) pj__half_max_ps((__m256)(a), (__m256)(b))
#define WIDE_MIN_f32(a, b) (Vec) pj__half_min_ps((__m256)(a), (__m256)(b))
#define WIDE_MAX_f64(a, b) (Vec) pj__half_max_pd((__m256d)(a), (__m256d)(b))
#define WIDE_MIN_f64(a, b) (Vec) pj__half_min_pd((__m256d)(a), (__m256d)(b))
#else
#define WIDE_MAX_f32 VFMAX
#define WIDE_MIN_f32 VFMIN
#define WIDE_MAX_f64 VFMAX
#define WIDE_MIN_f64 VFMIN
#endif
#undef HALF_MAX_s32
#undef HALF_MIN_s32
#undef HALF_MAX_u32
#undef HALF_MIN_u32
#undef HALF_MAX_s64
#undef HALF_MIN_s64
#undef HALF_MAX_u64
#undef HALF_MIN_u64
#if PJ_LEVEL >= 1
#define HALF_MAX_s32(a, b) (Vec) _mm256_max_epi32((__m256i)(a), (__m256i)(b))
#define HALF_MIN_s32(a, b) (Vec) _mm256_min_epi32((__m256i)(a), (__m256i)(b))
#define HALF_MAX_u32(a, b) (Vec) _mm256_max_epu32((__m256i)(a), (__m256i)(b))
#define HALF_MIN_u32(a, b) (Vec) _mm256_min_epu32((__m256i)(a), (__m256i)(b))
#else
#define HALF_MAX_s32 VMAX
#define HALF_MIN_s32 VMIN
#define HALF_MAX_u32 VMAX
#define HALF_MIN_u32 VMIN
#endif
#if PJ_LEVEL == 2
#define HALF_MAX_s64(a, b) (Vec) _mm256_max_epi64((__m256i)(a), (__m256i)(b))
#define HALF_MIN_s64(a, b) (Vec) _mm256_min_epi64((__m256i)(a), (__m256i)(b))
#define HALF_MAX_u64(a, b) (Vec) _mm256_max_epu64((__m256i)(a), (__m256i)(b))
#define HALF_MIN_u64(a, b) (Vec) _mm256_min_epu64((__m256i)(a), (__m256i)(b))
#else
#define HALF_MAX_s64 VMAX
#define HALF_MIN_s64 VMIN
#define HALF_MAX_u64 VMAX
#define HALF_MIN_u64 VMIN
#endif

// Extrema of whole vectors of the variant at hand (variants.h): of fold_ops.h, or the instruction
// set's own. No guard: a file may have several variants.
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

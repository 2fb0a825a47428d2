// Operations that loops of folds are made of: OP(T, a, b) of numbers of type T, VOP(a, b) of
// vectors of type Vec, whose integers of the same width are Ints.
#pragma once
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "eval/extrema.h"

#define ADD(T, a, b) ((T)((a) + (b)))
#define MUL(T, a, b) ((T)((a) * (b)))
// Numbers narrower than int become int before they are multiplied, and could overflow that.
#define UMUL(T, a, b)      ((T)(1u * (a) * (b)))
#define MAX(T, a, b)       ((a) > (b) ? (a) : (b))
#define MIN(T, a, b)       ((a) < (b) ? (a) : (b))
#define AND(T, a, b)       ((T)((a) & (b)))
#define OR(T, a, b)        ((T)((a) | (b)))
#define XOR(T, a, b)       ((T)((a) ^ (b)))
#define VADD(a, b)         ((a) + (b))
#define VMUL(a, b)         ((a) * (b))
#define VAND(a, b)         ((a) & (b))
#define VOR(a, b)          ((a) | (b))
#define VXOR(a, b)         ((a) ^ (b))
#define CHOOSE(mask, a, b) ((Vec)(((Ints)(a) & (mask)) | ((Ints)(b) & ~(mask))))
#define VMAX(a, b)         CHOOSE((Ints)((a) > (b)), a, b)
#define VMIN(a, b)         CHOOSE((Ints)((a) < (b)), a, b)
// IEEE 754-2019 maximum and minimum: NaN wins, and -0 < +0; equal numbers differ in nothing but the
// sign of zero.
#define FMAX(T, a, b) max_##T((a), (b))
#define FMIN(T, a, b) min_##T((a), (b))
#define VFMAX(a, b)             \
  CHOOSE((Ints)((a) != (a)), a, \
         CHOOSE((Ints)((a) == (b)), (Vec)((Ints)(a) & (Ints)(b)), VMAX(a, b)))
#define VFMIN(a, b)             \
  CHOOSE((Ints)((a) != (a)), a, \
         CHOOSE((Ints)((a) == (b)), (Vec)((Ints)(a) | (Ints)(b)), VMIN(a, b)))

#if defined(__x86_64__)
// The same of AVX-512's whole vectors: its own extremum knows the signs of zeros, a sum keeps NaN.
#define WIDE_EXTREMUM(NAME, S, VEC, HOW)                                                       \
  __attribute__((target("avx512f,avx512dq"))) static inline VEC pj__wide_##NAME##_##S(VEC a,   \
                                                                                      VEC b) { \
    return _mm512_mask_add_##S(_mm512_range_##S(a, b, HOW),                                    \
                               _mm512_cmp_##S##_mask(a, b, _CMP_UNORD_Q), a, b);               \
  }
WIDE_EXTREMUM(min, ps, __m512, 4)
WIDE_EXTREMUM(max, ps, __m512, 5)
WIDE_EXTREMUM(min, pd, __m512d, 4)
WIDE_EXTREMUM(max, pd, __m512d, 5)
#undef WIDE_EXTREMUM
// Of AVX2's: either order, which differ where an operand is NaN and in the sign of zeros.
#define WIDE_EXTREMUM(NAME, S, VEC, JOIN)                                                 \
  __attribute__((target("avx2"))) static inline VEC pj__half_##NAME##_##S(VEC a, VEC b) { \
    return _mm256_blendv_##S(                                                             \
        _mm256_##JOIN##_##S(_mm256_##NAME##_##S(a, b), _mm256_##NAME##_##S(b, a)),        \
        _mm256_add_##S(a, b), _mm256_cmp_##S(a, b, _CMP_UNORD_Q));                        \
  }
WIDE_EXTREMUM(min, ps, __m256, or)
WIDE_EXTREMUM(max, ps, __m256, and)
WIDE_EXTREMUM(min, pd, __m256d, or)
WIDE_EXTREMUM(max, pd, __m256d, and)
#undef WIDE_EXTREMUM
#endif

// Micro-kernels in GCC's vector extension, one instance per element type and instruction set,
// chosen at run time. A kernel keeps mr rows of two vectors in registers; the shapes below are what
// fits the register files (16 SSE or AVX2 registers, 32 of AVX-512 and NEON).
#include "eval/gemm_kernel.h"

#include <string.h>

// Sums of products may be fused here: the specification leaves the precision of contractions open.
#if defined(__clang__)
#pragma clang fp contract(fast)
#define PJ_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=fast")
#define PJ_UNROLL _Pragma("GCC unroll 16")
#endif

#define MICRO(NAME, T, MR, VECTOR_BYTES, TARGET)                                   \
  TARGET static void NAME(int64_t k, const void *pa, const void *pb, void *tile) { \
    typedef T V __attribute__((vector_size(VECTOR_BYTES)));                        \
    enum { LANES = VECTOR_BYTES / sizeof(T) };                                     \
    const T *a = pa, *b = pb;                                                      \
    V sum[MR][2];                                                                  \
    memset(sum, 0, sizeof sum);                                                    \
    for (int64_t p = 0; p < k; ++p, a += MR, b += 2 * LANES) {                     \
      V b0, b1;                                                                    \
      memcpy(&b0, b, sizeof b0);                                                   \
      memcpy(&b1, b + LANES, sizeof b1);                                           \
      PJ_UNROLL for (int i = 0; i < MR; ++i) {                                     \
        sum[i][0] += a[i] * b0;                                                    \
        sum[i][1] += a[i] * b1;                                                    \
      }                                                                            \
    }                                                                              \
    memcpy(tile, sum, sizeof sum);                                                 \
  }

#define MICRO_SET(SUFFIX, MR, VECTOR_BYTES, TARGET)                   \
  MICRO(micro_f32_##SUFFIX, float, MR, VECTOR_BYTES, TARGET)          \
  MICRO(micro_f64_##SUFFIX, double, MR, VECTOR_BYTES, TARGET)         \
  MICRO(micro_u32_##SUFFIX, uint32_t, MR, VECTOR_BYTES, TARGET)       \
  MICRO(micro_u64_##SUFFIX, uint64_t, MR, VECTOR_BYTES, TARGET)       \
  static const PjMicroKernel kernels_##SUFFIX[] = {                   \
      [PJ_COMP_F32] = {MR, 2 * VECTOR_BYTES / 4, micro_f32_##SUFFIX}, \
      [PJ_COMP_F64] = {MR, 2 * VECTOR_BYTES / 8, micro_f64_##SUFFIX}, \
      [PJ_COMP_U32] = {MR, 2 * VECTOR_BYTES / 4, micro_u32_##SUFFIX}, \
      [PJ_COMP_U64] = {MR, 2 * VECTOR_BYTES / 8, micro_u64_##SUFFIX}, \
  };

MICRO_SET(base, 4, 16, )
#if defined(__x86_64__)
MICRO_SET(avx2, 6, 32, __attribute__((target("avx2,fma"))))
MICRO_SET(avx512, 12, 64, __attribute__((target("avx512f,avx512dq,fma"))))
#endif

PjMicroKernel pj_micro_kernel(PjComp comp) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
    return kernels_avx512[comp];
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return kernels_avx2[comp];
#endif
  return kernels_base[comp];
}

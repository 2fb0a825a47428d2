// Kernels in several instruction sets. The loops stand in a file NAME_variant.h, which NAME.c
// includes once per set:
//
//   #define PJ_VARIANT_FILE "routine/NAME_variant.h"
//   #include "routine/variants.h"
//
// In it PJ_V(f) is the name f of this variant, PJ_TARGET the attribute of its functions, PJ_VB the
// bytes of a vector and PJ_LEVEL 0 (what every processor has), 1 (AVX2, FMA, F16C) or 2 (AVX-512).
// A plain build runs everywhere: which variant is used is decided at run time (base/cpu.h).
#pragma once
#include "base/cpu.h"

// The best of the variants of |name|: functions or tables of one type.
#if defined(__x86_64__)
#define PJ_PICK(name)                                        \
  (pj_cpu_has(PJ_CPU_AVX512 | PJ_CPU_F16C) ? (name##_avx512) \
   : pj_cpu_has(PJ_CPU_AVX2 | PJ_CPU_F16C) ? (name##_avx2)   \
                                           : (name##_base))
#else
#define PJ_PICK(name) (name##_base)
#endif

#define PJ_V_JOIN2(name, variant) name##_##variant
#define PJ_V_JOIN(name, variant)  PJ_V_JOIN2(name, variant)
#define PJ_V(name)                PJ_V_JOIN(name, PJ_VARIANT)

#if defined(__clang__)
#define PJ_UNROLL _Pragma("unroll")
// Iterations that do not depend on each other.
#define PJ_IVDEP _Pragma("clang loop vectorize(assume_safety)")
#else
#define PJ_UNROLL _Pragma("GCC unroll 16")
#define PJ_IVDEP  _Pragma("GCC ivdep")
#endif

// Includes PJ_VARIANT_FILE once per instruction set: see variant.h. No guard: a file may have
// several sets of loops.
#include "routine/variant.h"

#define PJ_VARIANT base
#define PJ_TARGET
#define PJ_VB    16
#define PJ_LEVEL 0
#include PJ_VARIANT_FILE
#undef PJ_VARIANT
#undef PJ_TARGET
#undef PJ_VB
#undef PJ_LEVEL

#if defined(__x86_64__)
#define PJ_VARIANT avx2
#define PJ_TARGET  __attribute__((target("avx2,fma,f16c,bmi,bmi2,lzcnt,popcnt")))
#define PJ_VB      32
#define PJ_LEVEL   1
#include PJ_VARIANT_FILE
#undef PJ_VARIANT
#undef PJ_TARGET
#undef PJ_VB
#undef PJ_LEVEL

#define PJ_VARIANT avx512
#define PJ_TARGET                                                                          \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi,bmi2,lzcnt," \
                        "popcnt")))
#define PJ_VB    64
#define PJ_LEVEL 2
#include PJ_VARIANT_FILE
#undef PJ_VARIANT
#undef PJ_TARGET
#undef PJ_VB
#undef PJ_LEVEL
#endif

#undef PJ_VARIANT_FILE

// Micro-kernels of the blocked matrix product: a tile of c from packed slivers of a and b.
#pragma once
#include "eval/gemm.h"

// tile[i * nr + j] = sum over p < k of a[p * mr + i] * b[p * nr + j].
typedef void PjMicroFn(int64_t k, const void *a, const void *b, void *tile);

typedef struct PjMicroKernel {
  int mr, nr;
  PjMicroFn *fn;
} PjMicroKernel;

enum { PJ_MICRO_MAX_MR = 12, PJ_MICRO_MAX_NR = 64 };

// The best kernel for this machine and a real |comp| (not complex).
PjMicroKernel pj_micro_kernel(PjComp comp);

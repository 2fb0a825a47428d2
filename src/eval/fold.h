// Native loops for the operations that reductions use most, on the types that computers have.
#pragma once
#include "eval/eval.h"

typedef struct PjFold {
  // acc[i] = op(acc[i], x[i * x_stride]) for i < n; strides in elements.
  void (*vec)(int64_t n, void *acc, const void *x, int64_t x_stride);
  // *acc = op(*acc, x[0] op ... op x[n-1]), floats by a fixed tree: 16 lanes per block of 256, then
  // pairwise. Fewer than 16 elements: in order.
  void (*row)(int64_t n, const void *x, void *acc);
  // out[i * out_stride] = *acc = op(*acc, x[i * x_stride]), in order of i.
  void (*scan)(int64_t n, const void *x, int64_t x_stride, void *out, int64_t out_stride,
               void *acc);
} PjFold;

// The loops for add, multiply, maximum, minimum, and, or, xor over PRED, integers of 8 to 64 bits,
// F32 and F64; false for anything else.
bool pj_fold_select(PjOpKind kind, PjDtype dtype, PjFold *out);

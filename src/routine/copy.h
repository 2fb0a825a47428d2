// Moving boxes of elements between arrays of any strides, by all threads: what transposition,
// slices, padding, concatenation and their kin are.
#pragma once
#include "eval/strided.h"
#include "routine/plan.h"

// A planned copy: eval/strided.h with kernels for transposition, and a dimension along which
// threads share it.
typedef struct PjCopy {
  PjStrided strided;
  int32_t split;       // dimension that is cut, or -1: nothing to copy
  int64_t unit, grain; // parts are multiples of |unit|, and of |grain| units
} PjCopy;

// dst[i . dst_strides] = src[i . src_strides] for all i in |dims|; strides in elements, those of
// |src| may be 0, all may be negative.
void pj__copy_plan(PjCopy *copy, size_t elem, int32_t rank, const int64_t *dims,
                   const int64_t *src_strides, const int64_t *dst_strides);
// |src| and |dst| address the element of index 0; the two areas do not overlap. |threads| may be
// NULL.
void pj__copy_run(const PjCopy *copy, PjThreads *threads, const void *src, void *dst);

// As memcpy and as pj_fill, by all threads.
void pj__move(PjThreads *threads, void *to, const void *from, size_t bytes);
void pj__fill(PjThreads *threads, size_t elem, int64_t count, const void *value, void *to);

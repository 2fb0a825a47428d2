// Copies between arrays of any strides.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/threads.h"

// Copies an array of |rank| (<= 64) sizes |dims|, elements of |elem_bytes| (1, 2, 4, 8 or 16, or
// any other at less speed), on all |threads| (or NULL) where that pays. Strides are in bytes and
// may be negative or, for |src|, zero; |dst| and |src| are the addresses of element 0...0. No
// overlap.
void pj_copy_strided_bytes(PjThreads *threads, size_t elem_bytes, int rank, const int64_t *dims,
                           void *dst, const int64_t *dst_strides, const void *src,
                           const int64_t *src_strides);

// Byte strides of a dense array whose dimensions are |minor_to_major| (NULL: row-major) into |out|
// [rank].
void pj_dense_strides(size_t elem_bytes, int rank, const int64_t *dims,
                      const int64_t *minor_to_major, int64_t *out);

// True if |strides| (NULL: yes) are those of a dense row-major array; strides of dimensions of size
// 1, and all strides of empty arrays, do not matter.
bool pj_is_dense(size_t elem_bytes, int rank, const int64_t *dims, const int64_t *strides);

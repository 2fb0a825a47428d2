// The strided copy engine: moves a box of elements between two arrays of any strides.
//
// transpose, broadcast, slice, pad, reverse, concatenate, gather and scatter describe what they do
// as sizes and two lists of strides; the engine merges dimensions and picks the loop.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "ir/types.h"

// A prepared copy; make with pj_strided_plan, run any number of times on different addresses.
typedef struct PjStrided PjStrided;
struct PjStrided {
  size_t elem; // bytes of an element: 1, 2, 4, 8 or 16, several of the array's where these lie
               // together
  bool empty;  // some size is 0
  int32_t rank;
  int64_t
      dims[PJ_MAX_RANK];    // outermost first, merged, none of them 1 (except to fill up to rank 2)
  int64_t src[PJ_MAX_RANK]; // strides in bytes
  int64_t dst[PJ_MAX_RANK];
  // Copies the two innermost dimensions.
  void (*kernel)(const PjStrided *plan, const char *src, char *dst);
};

// Prepares the copy dst[i . dst_strides] = src[i . src_strides] for all i in |dims|. Strides are in
// elements and may be 0 (src) or negative. |rank| <= PJ_MAX_RANK.
void pj_strided_plan(PjStrided *plan, size_t elem_bytes, int32_t rank, const int64_t *dims,
                     const int64_t *src_strides, const int64_t *dst_strides);
// Copies; |src| and |dst| address the element of index 0. The two areas must not overlap.
void pj_strided_run(const PjStrided *plan, const void *src, void *dst);
// Both in one.
void pj_strided_copy(size_t elem_bytes, int32_t rank, const int64_t *dims, const void *src,
                     const int64_t *src_strides, void *dst, const int64_t *dst_strides);

// Stores |n| copies of the element at |value|.
void pj_fill(size_t elem_bytes, int64_t n, const void *value, void *dst);

// Strides in elements of a dense row-major array.
void pj_strides(int32_t rank, const int64_t *dims, int64_t *strides);

// See stride.h. The dimensions are brought into the order of the destination and merged where both
// sides are contiguous; then the two innermost dimensions run in tiles, so that transposes touch
// each cache line once per tile.
#include "runtime/stride.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RANK = 64, TILE = 32 };

typedef struct Dim {
  int64_t size, dst, src; // strides in bytes
} Dim;

// Copies |n| elements; the strides are loop constants in each case.
static void copy_row(size_t elem_bytes, int64_t n, char *dst, int64_t dst_stride, const char *src,
                     int64_t src_stride) {
  if (dst_stride == (int64_t)elem_bytes && src_stride == (int64_t)elem_bytes) {
    memcpy(dst, src, (size_t)n * elem_bytes);
    return;
  }
#define LOOP(size)                                            \
  for (int64_t i = 0; i < n; i++) {                           \
    memcpy(dst + i * dst_stride, src + i * src_stride, size); \
  }
  switch (elem_bytes) {
  case 1:
    LOOP(1) break;
  case 2:
    LOOP(2) break;
  case 4:
    LOOP(4) break;
  case 8:
    LOOP(8) break;
  case 16:
    LOOP(16) break;
  default:
    LOOP(elem_bytes) break;
  }
#undef LOOP
}

static void copy_plane(size_t elem_bytes, const Dim *outer, const Dim *inner, char *dst,
                       const char *src) {
  bool rows = (inner->dst == (int64_t)elem_bytes && inner->src == (int64_t)elem_bytes) ||
              outer->size == 1 || inner->size == 1;
  int64_t tile = rows ? inner->size : TILE;
  for (int64_t j = 0; j < inner->size; j += tile) {
    int64_t n = inner->size - j < tile ? inner->size - j : tile;
    for (int64_t i = 0; i < outer->size; i++)
      copy_row(elem_bytes, n, dst + i * outer->dst + j * inner->dst, inner->dst,
               src + i * outer->src + j * inner->src, inner->src);
  }
}

static int by_dst_stride(const void *a, const void *b) {
  int64_t x = llabs(((const Dim *)a)->dst), y = llabs(((const Dim *)b)->dst);
  return (x < y) - (x > y); // largest first
}

void pj_copy_strided_bytes(size_t elem_bytes, int rank, const int64_t *dims, void *dst,
                           const int64_t *dst_strides, const void *src,
                           const int64_t *src_strides) {
  Dim sorted[MAX_RANK + 2];
  int n = 0;
  for (int i = 0; i < rank; i++) {
    if (dims[i] == 0)
      return;
    if (dims[i] != 1)
      sorted[n++] = (Dim){dims[i], dst_strides[i], src_strides[i]};
  }
  qsort(sorted, (size_t)n, sizeof *sorted, by_dst_stride);
  // Merge neighbours that are contiguous on both sides.
  int m = 0;
  for (int i = 0; i < n; i++) {
    if (m && sorted[m - 1].dst == sorted[i].dst * sorted[i].size &&
        sorted[m - 1].src == sorted[i].src * sorted[i].size)
      sorted[m - 1] = (Dim){sorted[m - 1].size * sorted[i].size, sorted[i].dst, sorted[i].src};
    else
      sorted[m++] = sorted[i];
  }
  // At least two dimensions; the added ones have size 1.
  Dim all[MAX_RANK + 2];
  int added = m < 2 ? 2 - m : 0;
  for (int i = 0; i < added; i++)
    all[i] = (Dim){1, (int64_t)elem_bytes, (int64_t)elem_bytes};
  memcpy(all + added, sorted, (size_t)m * sizeof *all);
  m += added;

  int64_t index[MAX_RANK + 2] = {0};
  char *to = dst;
  const char *from = src;
  for (;;) {
    copy_plane(elem_bytes, &all[m - 2], &all[m - 1], to, from);
    int d = m - 3;
    for (; d >= 0; d--) {
      to += all[d].dst;
      from += all[d].src;
      if (++index[d] < all[d].size)
        break;
      to -= all[d].dst * all[d].size;
      from -= all[d].src * all[d].size;
      index[d] = 0;
    }
    if (d < 0)
      return;
  }
}

void pj_dense_strides(size_t elem_bytes, int rank, const int64_t *dims,
                      const int64_t *minor_to_major, int64_t *out) {
  int64_t stride = (int64_t)elem_bytes;
  for (int i = 0; i < rank; i++) {
    int64_t d = minor_to_major ? minor_to_major[i] : rank - 1 - i;
    out[d] = stride;
    stride *= dims[d] ? dims[d] : 1;
  }
}

bool pj_is_dense(size_t elem_bytes, int rank, const int64_t *dims, const int64_t *strides) {
  if (!strides)
    return true;
  int64_t stride = (int64_t)elem_bytes;
  for (int i = 0; i < rank; i++)
    if (dims[i] == 0)
      return true;
  for (int i = rank - 1; i >= 0; i--) {
    if (dims[i] != 1 && strides[i] != stride)
      return false;
    stride *= dims[i];
  }
  return true;
}

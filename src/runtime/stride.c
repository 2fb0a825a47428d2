// See stride.h. The dimensions are brought into the order of the destination and merged where both
// sides are contiguous; then the two innermost dimensions run in tiles, so that transposes touch
// each cache line once per tile.
#include "runtime/stride.h"

#include <stdlib.h>
#include <string.h>

enum {
  MAX_RANK = 64,
  TILE = 32,       // elements
  TILE_BYTES = 64, // a cache line
  BAND = 64,       // rows of a plane that a thread copies at least
  GRAIN_BYTES = 128 << 10,
};

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

// Copies a tile of |rows| x |cols| elements whose rows are contiguous in |dst|, its columns in
// |src|, by way of a buffer: the lines of a column's neighbours often share one set of the cache,
// so each is read once and as a whole.
static void copy_transposed_tile(size_t elem_bytes, int64_t rows, int64_t cols, char *dst,
                                 int64_t dst_stride, const char *src, int64_t src_stride) {
  _Alignas(64) char buffer[TILE][TILE_BYTES];
  for (int64_t j = 0; j < cols; j++)
    memcpy(buffer[j], src + j * src_stride, (size_t)rows * elem_bytes);
  for (int64_t i = 0; i < rows; i++)
    copy_row(elem_bytes, cols, dst + i * dst_stride, (int64_t)elem_bytes,
             buffer[0] + i * (int64_t)elem_bytes, TILE_BYTES);
}

// Copies rows |begin| to |end| of a plane.
static void copy_plane(size_t elem_bytes, const Dim *outer, const Dim *inner, int64_t begin,
                       int64_t end, char *dst, const char *src) {
  int64_t elem = (int64_t)elem_bytes;
  bool rows = (inner->dst == elem && inner->src == elem) || outer->size == 1 || inner->size == 1;
  if (!rows && inner->dst == elem && outer->src == elem && elem <= TILE_BYTES / 2) {
    int64_t high = TILE_BYTES / elem;
    for (int64_t i = begin; i < end; i += high)
      for (int64_t j = 0; j < inner->size; j += TILE)
        copy_transposed_tile(elem_bytes, end - i < high ? end - i : high,
                             inner->size - j < TILE ? inner->size - j : TILE,
                             dst + i * outer->dst + j * inner->dst, outer->dst,
                             src + i * outer->src + j * inner->src, inner->src);
    return;
  }
  int64_t tile = rows ? inner->size : TILE;
  for (int64_t j = 0; j < inner->size; j += tile) {
    int64_t n = inner->size - j < tile ? inner->size - j : tile;
    for (int64_t i = begin; i < end; i++)
      copy_row(elem_bytes, n, dst + i * outer->dst + j * inner->dst, inner->dst,
               src + i * outer->src + j * inner->src, inner->src);
  }
}

static int by_dst_stride(const void *a, const void *b) {
  int64_t x = llabs(((const Dim *)a)->dst), y = llabs(((const Dim *)b)->dst);
  return (x < y) - (x > y); // largest first
}

typedef struct Bands {
  size_t elem_bytes;
  int rank; // >= 2
  const Dim *dims;
  int64_t per_plane; // bands
  char *dst;
  const char *src;
} Bands;

// A part of the bands of all planes, counted through.
static void copy_bands(void *context, int64_t begin, int64_t end, int thread) {
  const Bands *bands = context;
  const Dim *outer = &bands->dims[bands->rank - 2], *inner = outer + 1;
  for (int64_t at = begin; at < end; at++) {
    int64_t plane = at / bands->per_plane, first = at % bands->per_plane * BAND;
    char *dst = bands->dst;
    const char *src = bands->src;
    for (int d = bands->rank - 3; d >= 0; d--) {
      int64_t index = plane % bands->dims[d].size;
      plane /= bands->dims[d].size;
      dst += index * bands->dims[d].dst;
      src += index * bands->dims[d].src;
    }
    int64_t last = outer->size - first < BAND ? outer->size : first + BAND;
    copy_plane(bands->elem_bytes, outer, inner, first, last, dst, src);
  }
}

void pj_copy_strided_bytes(PjThreads *threads, size_t elem_bytes, int rank, const int64_t *dims,
                           void *dst, const int64_t *dst_strides, const void *src,
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

  int64_t per_plane = (all[m - 2].size - 1) / BAND + 1, count = per_plane;
  for (int i = 0; i < m - 2; i++)
    count *= all[i].size;
  int64_t rows = all[m - 2].size < BAND ? all[m - 2].size : BAND;
  int64_t band_bytes = rows * all[m - 1].size * (int64_t)elem_bytes;
  Bands bands = {elem_bytes, m, all, per_plane, dst, src};
  pj_threads_for(threads, count, GRAIN_BYTES / band_bytes + 1, copy_bands, &bands);
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

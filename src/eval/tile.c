// Rows along the last dimension are copied whole; the dimensions before it are counted like an
// odometer.
#include "eval/tile.h"

bool pj_tile_dims(const PjTiling *tiling, const int64_t *dims, int64_t *out_dims) {
  for (int32_t d = 0; d < tiling->rank; ++d) {
    if (dims[d] % tiling->counts[d])
      return false;
    out_dims[d] = dims[d] / tiling->counts[d];
  }
  return true;
}

static void copy(const PjTiling *tiling, int64_t position, char *whole, const int64_t *whole_dims,
                 char *part, const int64_t *part_dims, size_t size, bool extract) {
  int32_t rank = tiling->rank;
  const int64_t *index = tiling->index + position * rank;
  int64_t at[PJ_MAX_RANK] = {0};
  for (int32_t d = 0; d < rank; ++d)
    if (!part_dims[d])
      return;
  size_t row = (rank ? (size_t)part_dims[rank - 1] : 1) * size;
  for (;;) {
    size_t offset = 0;
    for (int32_t d = 0; d < rank; ++d)
      offset = offset * (size_t)whole_dims[d] + (size_t)(index[d] * part_dims[d] + at[d]);
    if (extract)
      memcpy(part, whole + offset * size, row);
    else
      memcpy(whole + offset * size, part, row);
    part += row;
    int32_t d = rank - 2;
    while (d >= 0 && ++at[d] == part_dims[d])
      at[d--] = 0;
    if (d < 0)
      return;
  }
}

void pj_tile_extract(const PjTiling *tiling, int64_t position, const PjTensor *whole,
                     PjTensor *part) {
  copy(tiling, position, whole->data, whole->dims, part->data, part->dims,
       pj_dtype_bytes(whole->dtype), true);
}

void pj_tile_insert(const PjTiling *tiling, int64_t position, const PjTensor *part,
                    PjTensor *whole) {
  copy(tiling, position, whole->data, whole->dims, part->data, part->dims,
       pj_dtype_bytes(whole->dtype), false);
}

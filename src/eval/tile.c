// Rows along the last dimension are copied whole; the dimensions before it are counted like an
// odometer.
#include "eval/tile.h"

#include "eval/kernel.h"

bool pj_tile_dims(const PjTiling *tiling, const int64_t *dims, int64_t *out_dims) {
  for (int32_t d = 0; d < tiling->rank; ++d) {
    if (dims[d] % tiling->counts[d])
      return false;
    out_dims[d] = dims[d] / tiling->counts[d];
  }
  return true;
}

typedef enum Move { EXTRACT, INSERT, ADD } Move;

static void move_row(Move move, const PjKernel *add, size_t size, char *whole, char *part,
                     int64_t count) {
  const void *terms[2] = {whole, part};
  if (move == EXTRACT)
    memcpy(part, whole, (size_t)count * size);
  else if (move == INSERT)
    memcpy(whole, part, (size_t)count * size);
  else
    add->fn(add, count, terms, whole);
}

static void move_part(const PjTiling *tiling, int64_t position, const PjTensor *whole,
                      const PjTensor *part, Move move) {
  PjKernel add;
  if (move == ADD && !pj_kernel_make(PJ_OP_ADD, whole->dtype, whole->dtype, 0, 0, &add))
    move = INSERT; // nothing to add: tokens and the like
  int32_t rank = tiling->rank;
  const int64_t *index = tiling->index + position * rank;
  int64_t at[PJ_MAX_RANK] = {0};
  for (int32_t d = 0; d < rank; ++d)
    if (!part->dims[d])
      return;
  size_t size = pj_dtype_bytes(whole->dtype);
  int64_t row = rank ? part->dims[rank - 1] : 1;
  char *from = part->data;
  for (;;) {
    size_t offset = 0;
    for (int32_t d = 0; d < rank; ++d)
      offset = offset * (size_t)whole->dims[d] + (size_t)(index[d] * part->dims[d] + at[d]);
    move_row(move, &add, size, (char *)whole->data + offset * size, from, row);
    from += (size_t)row * size;
    int32_t d = rank - 2;
    while (d >= 0 && ++at[d] == part->dims[d])
      at[d--] = 0;
    if (d < 0)
      return;
  }
}

void pj_tile_extract(const PjTiling *tiling, int64_t position, const PjTensor *whole,
                     PjTensor *part) {
  if (tiling->terms > 1 && tiling->term[position])
    memset(part->data, 0, part->bytes);
  else
    move_part(tiling, position, whole, part, EXTRACT);
}

void pj_tile_begin(const PjTiling *tiling, PjTensor *whole) {
  if (tiling->terms > 1)
    memset(whole->data, 0, whole->bytes);
}

void pj_tile_insert(const PjTiling *tiling, int64_t position, const PjTensor *part,
                    PjTensor *whole) {
  if (tiling->terms == 1)
    move_part(tiling, position, whole, part, INSERT);
  else if (tiling->first[position])
    move_part(tiling, position, whole, part, ADD);
}

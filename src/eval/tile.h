// Cutting arrays into the equal parts of a tiling and putting them together again.
#pragma once
#include "eval/tensor.h"
#include "ir/sharding.h"

// Sizes of one part of an array of |dims|; false when a dimension does not divide.
bool pj_tile_dims(const PjTiling *tiling, const int64_t *dims, int64_t *out_dims);
// Copies the part of mesh position |position| out of |whole| into |part|, or back; of a sum of
// terms, the first term is the whole part and the others are zero, and back they are added. Before
// the first insertion comes pj_tile_begin.
void pj_tile_extract(const PjTiling *tiling, int64_t position, const PjTensor *whole,
                     PjTensor *part);
void pj_tile_begin(const PjTiling *tiling, PjTensor *whole);
void pj_tile_insert(const PjTiling *tiling, int64_t position, const PjTensor *part,
                    PjTensor *whole);

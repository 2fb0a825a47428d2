// The sides of a dot_general, as rules take them apart.
#pragma once
#include "pass/build.h"
#include "pass/shapes.h"

typedef struct PjSide {
  PjValue *x;
  uint32_t num_batch, num_contract;
  int64_t batch[PJ_MAX_RANK], contract[PJ_MAX_RANK];
} PjSide;

void pj_sides_read(const PjOp *op, PjSide side[2]);
// Is dimension |d| neither of a batch nor contracted?
bool pj_side_is_free(const PjSide *side, int64_t d);

// True if an algorithm is asked for, which only concerns a contraction as a whole.
bool pj_has_algorithm(const PjOp *op);

// The type in which products are formed and summed, or INVALID where that is not plain: f32 for
// narrower floats, which are rounded in the end only.
PjDtype pj_product_type(PjDtype from, PjDtype to);

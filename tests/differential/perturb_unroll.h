// A convolution as one over a window of one place, whose features are those of all places: sums
// over places then move, split and widen as sums over features do.
#pragma once
#include "ir/ir.h"

// In the place of |op| itself, if it has no groups, several places, and not too many.
void perturb_unroll(PjArena *arena, PjOp *op);

// Products of floats by a matrix with its columns side by side, as they lie.
#pragma once
#include "routine/gemm.h"

// The routine for |product|, whose fields up to |swapped| are set, or NULL when it is no such
// product.
const PjRoutine *pj__dot_direct(PjArena *arena, const PjProduct *product);

// Products of floats, as they lie, or with strips of a turned matrix packed when they are used.
#pragma once
#include "routine/gemm.h"

// The routine for |product|, whose fields up to |swapped| are set, or NULL when it is no such
// product.
const PjRoutine *pj__dot_direct(PjArena *arena, const PjProduct *product);

// Products of many rows by a few columns.
#pragma once
#include "routine/gemm.h"

// The routine for |product|, whose fields up to |swapped| are set, or NULL when it is no such
// product.
const PjRoutine *pj__dot_tall(PjArena *arena, const PjProduct *product);

// Products of a few rows by a matrix as it lies.
#pragma once
#include "routine/gemm.h"

// The routine for |product|, whose fields up to |swapped| are set, or NULL when it is no such
// product.
const PjRoutine *pj__dot_few(PjArena *arena, const PjProduct *product);

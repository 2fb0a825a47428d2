// Products of long sums with few elements, shared out by their sums.
#pragma once
#include "routine/gemm.h"

// The best routine for the product |g|, whose fields up to |swapped| are set; it may change |g|.
const PjRoutine *pj__dot_select(PjArena *arena, PjProduct *g);

// The routine that computes |g| piece by piece of its sums, or NULL where the result alone gives
// the threads enough to do.
const PjRoutine *pj__dot_split(PjArena *arena, const PjProduct *g);

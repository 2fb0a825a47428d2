// Batches of products of a few thousand multiplications each, read as they lie.
#pragma once
#include "routine/gemm.h"

// True for products that are too small to be worth packing.
bool pj__dot_is_small(const PjProduct *product);

// The routine for |product|, whose fields up to |swapped| are set, or NULL when it is no such
// product, or of types that need conversion.
const PjRoutine *pj__dot_small(PjArena *arena, const PjProduct *product);

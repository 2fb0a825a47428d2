// Products of a few rows by a matrix of bf16 or of bytes as it lies.
#pragma once
#include "routine/gemm.h"

// The routine for |product|, whose fields up to |swapped| are set, or NULL when it is no such
// product, or the processor has no instructions for it.
const PjRoutine *pj__dot_few_groups(PjArena *arena, const PjProduct *product);

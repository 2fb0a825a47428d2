// Products of many rows of bytes or bf16 by a few columns, summed up along the rows.
#pragma once
#include "routine/gemm.h"

// The routine for |product|, whose fields up to |swapped| are set, or NULL when it is no such
// product or the processor has no instruction for it.
const PjRoutine *pj__dot_rows(PjArena *arena, const PjProduct *product);

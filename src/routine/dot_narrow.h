// Many rows of bytes or bf16 by columns that stay in a cache.
#pragma once
#include "routine/gemm.h"

// The routine for |product|, whose fields up to |constant| are set, or NULL where it is not the
// best.
const PjRoutine *pj__dot_narrow(PjArena *arena, const PjProduct *product);

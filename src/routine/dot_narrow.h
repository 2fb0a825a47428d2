// Rows of bytes or bf16 by up to two vectors of columns. See routine/dot_narrow.c.
#pragma once
#include "routine/gemm.h"

// NULL where this is not the best way.
const PjRoutine *pj__dot_narrow(PjArena *arena, const PjProduct *product);

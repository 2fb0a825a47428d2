// Triangular systems, for other selectors than that of triangular_solve.
#pragma once
#include "routine/routine.h"

// The routine that solves op(a) x = b, or x op(a) = b unless |left|, for matrices a [.., n, n] and
// b of the same batch; |form| is a PJ_TRANSPOSE_*. NULL when it does not fit.
const PjRoutine *pj__linalg_solve(PjArena *arena, const PjType *a, const PjType *b, bool left,
                                  bool lower, bool unit, int64_t form);

// Cumulative operations: reduce_window whose windows all begin at the first element, or all end at
// the last.
#pragma once
#include "eval/window.h"
#include "routine/fold.h"

// The routine if |window| (that of |op|, a reduce_window of one operand whose body is |kind| and
// whose init value is the constant |init|) is such a one, else NULL.
const PjRoutine *pj__scan_select(PjArena *arena, const PjOp *op, const PjWindow *window,
                                 PjFoldKind kind, const void *init);

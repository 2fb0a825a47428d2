// Windows that slide along lines, combined across the lines first.
#pragma once
#include "eval/window.h"
#include "routine/fold.h"

// The routine for windows |w|, merged, over an array of |dtype|: in[0] the array, in[1] the init
// value, which combined with itself stays as it is. NULL where lines are too long for the cache,
// or dilated with one element at a place, and for products.
const PjRoutine *pj__window_lines(PjArena *arena, const PjWindow *w, PjDtype dtype,
                                  PjFoldKind kind);

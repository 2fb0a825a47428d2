// Windows that reach to one end of the array, computed as running scans.
#pragma once
#include "eval/combine.h"
#include "eval/window.h"

// If each result continues its neighbour (pj_window_run): accumulates into |out| (filled with the
// init values) in time linear in the array and sets *|done|. Padding must be neutral, as
// reduce_window.c says.
PjStatus pj_scan_window(PjEval *ev, const PjWindow *w, PjCombiner *combiner, uint32_t count,
                        PjTensor *const *inputs, PjTensor *const *out, bool *done);

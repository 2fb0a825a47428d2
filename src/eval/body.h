// More of region bodies than eval.h shows: for reduce, scatter, sort and their kin.
#pragma once
#include "eval/eval.h"

// As pj_body_compile for the values |wanted| (of |region|, or of outside) instead of what the
// terminator returns: run gives these.
PjBody *pj_body_compile_values(PjEval *ev, const PjRegion *region, uint32_t num_wanted,
                               PjValue *const *wanted, int64_t width);
// True if |region| does nothing but return its arguments first, first + 1, ...
bool pj_body_returns_args(const PjRegion *region, uint32_t first);

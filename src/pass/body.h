// Regions of scalar operations, applied to whole arrays.
#pragma once
#include "pass/build.h"

// The kind of operation if |region| is just `op(arg 0, arg 1)`, in either order if |op| is
// commutative; PJ_OP_INVALID otherwise.
PjOpKind pj_region_binary(const PjRegion *region);
// The argument that the region returns as its only value, or -1.
int pj_region_argument(const PjRegion *region);

// True if |region| can be spread over arrays: elementwise operations on scalars, constants,
// captured scalars; at most |limit| of them.
bool pj_region_spreads(const PjRegion *region, uint32_t limit);
// Computes |region|, which spreads, on arrays |args| of one shape, before |at|; |results| are the
// values that it returns.
void pj_region_spread(PjRewrite *rw, PjOp *at, const PjRegion *region, PjValue *const *args,
                      PjValue **results);

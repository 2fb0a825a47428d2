// Regions of scalar operations as lists of vector kernels, made when a routine is selected: keys
// and comparators of sort, combining bodies of windows and scatters.
//
// What eval/body.h does for the evaluator, without its run: a body here sees its arguments and
// constants only, and works in memory that the caller gives it, so it is shared by threads.
#pragma once
#include "routine/plan.h"

typedef struct PjScalarBody PjScalarBody;

// The body that computes |wanted| (|num_wanted| values of |region|) for up to |width| elements at a
// time, or NULL when they need more than elementwise operations, constants and the region's
// arguments.
const PjScalarBody *pj__body_make(PjArena *arena, const PjRegion *region, uint32_t num_wanted,
                                  PjValue *const *wanted, int64_t width);
// The same for what the region returns.
const PjScalarBody *pj__body_returns(PjArena *arena, const PjRegion *region, int64_t width);

size_t pj__body_scratch(const PjScalarBody *body); // bytes for one run, a multiple of 64
// Runs it on |n| <= width elements: args[i] points to n elements of the region's argument i;
// outs[k] is set to n elements of value k, which may lie in an argument. |scratch| is aligned
// to 64.
void pj__body_run(const PjScalarBody *body, int64_t n, const void *const *args, const void **outs,
                  void *scratch);

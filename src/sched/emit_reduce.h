// Accumulators of several reductions, carried through loops.
#pragma once
#include "sched/emit_loops.h"

enum { PJ_MAX_CARRIED = 128 };

// Accumulators of the reductions that a loop works on, |copies| of each.
typedef struct PjAccumulators {
  int copies;
  uint32_t num_roots;
  uint32_t roots[PJ_MAX_ROOTS]; // numbers of the group's roots
  PjElem value[PJ_MAX_CARRIED];
  uint32_t count; // values in use: for each copy, for each root, for each operand
} PjAccumulators;

// False if they are too many.
bool pj_accumulators_begin(PjEmit *e, PjAccumulators *acc, int copies, int lanes);
// As lists for the builder of loops: |n| values.
uint32_t pj_accumulators_flatten(const PjAccumulators *acc, PjKirVal *out);
void pj_accumulators_unflatten(PjAccumulators *acc, const PjKirVal *in);
// Takes the elements at |index| of the domain into copy |copy|, all or those in |mask|.
void pj_accumulators_take(PjEmit *e, PjAccumulators *acc, int copy, const PjIndex *index,
                          PjKirVal mask);
// Combines all copies into the first |left|, in a fixed tree: copy c those at distances of |left|.
// Both numbers of copies are powers of two.
void pj_accumulators_merge(PjEmit *e, PjAccumulators *acc, int left);
static inline PjElem *pj_accumulators_of(PjEmit *e, PjAccumulators *acc, int copy, uint32_t i) {
  uint32_t at = (uint32_t)copy * (acc->count / (uint32_t)acc->copies);
  for (uint32_t r = 0; r < i; r++)
    at += e->group->roots[acc->roots[r]].reducer.count;
  return &acc->value[at];
}

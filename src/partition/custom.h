// Custom calls that the host partitions (partitioners.h): each becomes, in the program of whole
// arrays, a manual computation over all axes of the mesh around what the partitioner made:
//
//   custom_call @CustomSPMDPartitioning(%x)
//   =>  sdy.manual_computation(%x) in_shardings=[...] out_shardings=[...] (%part) { ... }
//
// The partitioner is told how propagation cuts the operands and results, and says how it wants
// them. Calls in manual computations stay.
#pragma once
#include "partition/flow.h"
#include "partition/lay.h"

typedef struct PjCustomCall {
  PjOp *op;            // of the program
  const PjAttr *extra; // its own, while it is marked
  PjOp *copy;          // the first in the copy; NULL: none
  bool asked;          // how its results are cut
  const PjLay **in, **out;
  PjModule *body;
} PjCustomCall;

typedef struct PjCustom {
  PjArena *arena; // of the program
  PjModule *module;
  PJ_VEC(PjCustomCall) calls;
} PjCustom;

// Finds the calls of |module| and marks them, so that they are found in a copy; takes the marks
// away again.
void pj_custom_mark(PjCustom *custom, PjModule *module);
void pj_custom_unmark(PjCustom *custom);
// Finds them in the copy, |region| and all within.
void pj_custom_find(PjCustom *custom, PjRegion *region);

// How the results of |call|, that has no sharding rule, are cut: as the partitioner makes of what
// users of the results want, else of the operands. Each call is asked about once. *out_specs: one
// for each result, NULL where nothing is known; or NULL. Errors: those of the partitioner.
PjStatus pj_custom_ask(PjCustom *custom, PjCustomCall *call, PjFlow *flow, const PjSpecMesh *mesh,
                       const PjSpec *const **out_specs);
// Partitions all calls that the copy has; |flow| is propagated. *out_any: whether there were any;
// the program is verified and numbered then. Errors: those of partitioners; INVALID_ARGUMENT for
// programs that are none or do not fit what is said of them, UNIMPLEMENTED.
PjStatus pj_custom_partition(PjCustom *custom, PjFlow *flow, const PjSpecMesh *mesh, bool *out_any);

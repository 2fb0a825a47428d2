// Passes: from a verified module to the smaller, canonical one that the scheduler takes.
//
// pj_passes_run works on a private copy. What holds for its result, besides what pj_verify checks:
//
//   * Calls and composites are inlined, also those in regions. Only the entry function remains,
//     with Shardy's meshes; other functions stay only where something still names them: a call
//     that would have grown the module or its nesting too much, a custom call's computation.
//     A composite stays as an operation when native code is registered under its name; those of
//     chlo (chlo.erf, chlo.top_k) become that operation. A module without an entry function keeps
//     all of its functions.
//   * Nothing is dead: an operation without effect has a result that is used.
//   * Loops: carried values change from one iteration to the next and are needed; what never
//     changes is captured from outside. Short loops of elementwise work are written out.
//   * Operations are in their usual form: none with dynamic sizes whose result is static after
//     all; no legacy dot, broadcast or map, no chlo.broadcast_*; batch normalisations written out.
//   * Windows whose body no ready kernel knows, or of several operands, are written out, with loops
//     over the places of large ones, and along the dimension where their results continue each
//     other; so are bitcasts of elements that are less than a byte.
//   * Constants stand on the right of commutative operations. The operands of broadcasts and
//     contractions have no dimensions of size 1. Gathers and scatters of one window that is known
//     to lie within are slices and updates. The private constants of a region stay in it.
//   * Barriers, and marks about sharding that mean nothing on one device, are gone.
//   * Custom calls, collectives and effects stand in their order, untouched; a custom call without
//     side effect whose results nobody uses is gone.
//   * Values and operations are numbered (pj_module_number).
//   * Every result has the bits that the evaluator gives for the module before. Exceptions: the
//     order of sums inside contractions, those that a loop adds up included (totals.c), batch
//     normalisations and transforms of a few real lines of odd length; power by 2 and sums of copies
//     (simplify_spread.c), which become products and are rounded better; composites of chlo, and erfc and erf^-1 of f32 that were
//     written out (functions.c), whose decompositions are less exact; the order in which one long
//     line is accumulated by a body that multiplies no floats (simplify_scan.c); the sign and
//     payload of NaN where two meet.
//
// How a module is made of other pieces than before is not to be relied on beyond this list: match.h
// recognises what the scheduler needs to know.
#pragma once
#include "ir/ir.h"

enum { PJ_MAX_PASSES = 48 };

typedef struct PjPassReport {
  uint32_t count;
  struct PjPassTime {
    const char *name;
    uint64_t ns;
    uint32_t changes; // how often the pass rewrote something
    bool exhausted;   // it ran out of work budget: from there on the IR is as it was
  } passes[PJ_MAX_PASSES];
  uint32_t ops_before, ops_after; // of the whole module, terminators included
} PjPassReport;

typedef struct PjPassOptions {
  // Verify the module after each pass. On in builds with assertions, and with PJRT_VERIFY=1.
  bool verify;
  // Units of work (operations looked at, elements computed) of each pass; 0: in proportion to the
  // module.
  uint64_t work_limit;
  // Run only these passes, a list "a,b", after the inliner, which always runs. NULL: all.
  const char *only;
  // Called with the module after each pass, under |pass| the name of that pass. The module is
  // numbered then, and must not be kept.
  void (*dump)(void *context, const char *pass, const PjModule *module);
  void *dump_context;
  PjPassReport *report; // filled when not NULL
} PjPassOptions;

// Copies |in| (verified and numbered; stays as it is, and must outlive the copy, which shares its
// types, attributes and locations) into |arena| and runs the passes over the copy. |options| may be
// NULL. Needs no guard of the caller. Threads: any, each with its own arena. Errors:
// RESOURCE_EXHAUSTED; INTERNAL for a module that a pass made invalid, with verification on.
PjStatus pj_passes_run(PjArena *arena, const PjModule *in, const PjPassOptions *options,
                       PjModule **out);

// Bodies of reductions as kernel code: how two accumulators become one.
#pragma once
#include "sched/nest.h"

enum { PJ_MAX_REDUCED = 8 }; // operands of one reduction

typedef struct PjReducer {
  const PjOp *op; // REDUCE
  uint32_t count; // operands
  // The operations, if the body combines each result on its own by one of a known identity:
  // accumulators then begin with that, and the initial value comes in once, at the end, so it may
  // be any. Narrow floats alone are summed and multiplied in f32 and rounded once, at the end.
  PjOpKind monoids[PJ_MAX_REDUCED];
  bool has_identity;
  bool wide; // accumulators are f32 though the operand is narrower
  // Lanes and copies hold elements that lie between each other, which any order of the body must
  // allow. It does where operations are known (above), and where the body chooses an element by
  // value and then by index (pj_match_arg_reduce): then of two accumulators that of the lower
  // index, operand |index|, comes first. Every other body is |ordered|: it sees its elements in
  // order, one lane.
  bool by_index, ordered;
  bool largest; // by_index: of the largest element, else the smallest
  uint32_t index;
} PjReducer;

// False if the body holds more than elementwise operations on scalars with a register form.
bool pj_reducer_make(const PjOp *op, PjReducer *out);
// True if |region| of |num_args| scalars is made of elementwise operations with a register form.
bool pj_reducer_body_supported(const PjRegion *region, uint32_t num_args);
// What |region| returns for |args|.
void pj_region_apply(PjNest *nest, const PjRegion *region, uint32_t num_args, const PjElem *args,
                     uint32_t num_results, PjElem *results);
// What accumulators begin with: the identity, else the initial values. |out|: count values, one
// lane.
void pj_reducer_begin(const PjReducer *r, PjNest *nest, PjElem *out);
// acc = body(acc, x); all of the same lanes.
void pj_reducer_combine(const PjReducer *r, PjNest *nest, PjElem *acc, const PjElem *x);
// The same for accumulators whose elements lie between each other: acc and x may change places.
void pj_reducer_merge(const PjReducer *r, PjNest *nest, PjElem *acc, const PjElem *x);
// Maxima and minima of floats along vectors, two operations for each instead of seven: acc.re keeps
// a NaN but not which zero is the greater, acc.im the signs of all elements, which say that in the
// end. Of copies of an accumulator, one keeps the signs of all.
bool pj_reducer_keeps_signs(const PjReducer *r);
void pj_reducer_begin_signs(const PjReducer *r, PjNest *nest, PjElem *acc);
// |signs|: the accumulator that keeps them, which may be |acc|.
void pj_reducer_extreme(const PjReducer *r, PjNest *nest, PjElem *acc, PjElem *signs, PjKirVal x);
// The accumulator as it would be without: lane by lane.
void pj_reducer_end_signs(const PjReducer *r, PjNest *nest, PjElem *acc);

// All lanes combined in a fixed tree.
void pj_reducer_lanes(const PjReducer *r, PjNest *nest, PjElem *acc);
// Joins the initial value where the accumulators began with an identity, and rounds to the results'
// types.
void pj_reducer_finish(const PjReducer *r, PjNest *nest, PjElem *acc);
// The type in which accumulator |i| is kept in memory.
PjDtype pj_reducer_dtype(const PjReducer *r, uint32_t i);

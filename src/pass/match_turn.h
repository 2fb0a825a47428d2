// Arrays that hold something for each turn of a loop: read in turn, or written so.
#pragma once
#include "ir/ir.h"

typedef struct PjCounter PjCounter; // match.h

// What the body of a while reads in turn, of an array from outside: reshape(dynamic_slice(stack))
// by one along |dim|, which the reshape drops, and whole along all others.
typedef struct PjTurn {
  PjOp *slice;
  PjValue *stack;
  int32_t dim;
  int64_t count; // the size of |dim|
} PjTurn;
// False when |value| is no such thing. The index need not be understood.
bool pj_match_turn(const PjOp *loop, const PjValue *value, PjTurn *out);

// True if |index|, a scalar of the body, is 0 in the first turn and 1 more in each (|direction| 1),
// or |counter|'s trips less 1 at first and 1 less in each (-1).
bool pj_match_each_turn(const PjOp *loop, const PjCounter *counter, const PjValue *index,
                        int *direction);

// The carried arrays of while |op| (bit i: the i-th, of the first 64) in which the loop writes each
// element, one slice along some dimension a turn, and reads none before: what they begin with is
// never seen.
uint64_t pj_match_written(const PjOp *op);

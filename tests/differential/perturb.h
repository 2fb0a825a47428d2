// Programs whose inexact operations err: how far results may honestly differ.
//
// Two implementations of exp, or two orders of a sum, give results a few units in the last place
// apart, and what a program makes of that depends on the program: a subtraction may blow it up, a
// comparison may turn it into another branch. No fixed tolerance is right for that. So the bound is
// measured: the evaluator runs the program several times while every inexact operation is moved, at
// random, by as much as an implementation may err (the table in perturb.c); what the results do
// then is what rounding alone can do to them. Exact operations (arithmetic on one element,
// comparison, conversion, movement, integers) are not moved: programs of these must give the same
// bits.
#pragma once
#include "ir/ir.h"

// What is done to contractions beyond moving their operands.
typedef enum PerturbKind {
  PERTURB_PLAIN,
  PERTURB_WIDE,   // a range in which their products do not overflow
  PERTURB_HALVES, // two accumulators
  PERTURB_KINDS
} PerturbKind;

// Inserts moves behind and before the inexact operations of |module|, which is numbered again.
// Returns how many there are. |scale| times as large as the table says (1 but in tests). Needs the
// arena's guard.
uint32_t perturb_module(PjModule *module, double scale, PerturbKind kind);

// The moves of the runs that follow depend on |seed|.
PjStatus perturb_start(uint64_t seed);

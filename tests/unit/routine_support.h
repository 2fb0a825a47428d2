// Comparing routines with the evaluator: a small program with one operation of interest is run by
// both.
#pragma once
#include "evaluate.h"
#include "routine/routine.h"

// The routine of the operation |kind| in the entry function of |text| (the only one of that kind),
// whose operands are arguments of the function and whose results the function returns, in order.
typedef struct RoutineCase {
  PjArena *arena;
  const PjOp *op;
  const PjRoutine *routine; // NULL: none fits
} RoutineCase;
void routine_open(const char *text, PjOpKind kind, RoutineCase *out);
void routine_close(RoutineCase *c);

// Runs it on |inputs| (arguments of the function) with |threads| threads and poisoned memory, into
// new tensors; memory around results and scratch must stay as it was. With |in_place|, result 0 is
// made where the operand lies.
PjStatus routine_run(const RoutineCase *c, int threads, bool in_place, PjTensor *const *inputs,
                     PjTensor **outputs);

// How a result may differ from the evaluator's.
typedef enum RoutineMatch {
  MATCH_BITS, // not at all (but NaN is NaN)
  MATCH_SUM,  // by the rounding of sums, see below
  MATCH_NORM, // by |factor| units of rounding of the largest element
} RoutineMatch;

// Runs |text| by the evaluator and by the routine, with 1, 2 and 5 threads and in place where that
// is allowed; all runs must give the same bits, and those of the evaluator as |match| says. With
// MATCH_SUM |bounds| are the evaluator's results for the magnitudes of the inputs and each element
// may differ by |factor| units of rounding of its bound. Fails the test if there is no routine.
// |inputs| are borrowed.
void check_routine(const char *text, PjOpKind kind, uint32_t num_inputs, PjTensor *const *inputs,
                   RoutineMatch match, double factor);

// Random contents: small integers for integer types; for floats a mix of magnitudes and, if
// |special|, of NaN, infinities, zeros of both signs and subnormal numbers.
PjTensor *random_tensor(PjDtype dtype, int32_t rank, const int64_t *dims, bool special);

// Recognising what operations are for: shared by passes and the scheduler. Nothing here changes the
// module; all work on modules as pj_passes_run returns them, and while passes run.
#pragma once
#include "ir/ir.h"

// ------------------------------------------------------------------------------------------ loops

// The carried value that counts the iterations of a while loop:
//   cond: compare(DIR, counter, limit), alone or as one operand of `and`;  body: counter + step
typedef struct PjCounter {
  uint32_t index;   // among the loop's carried values
  int64_t step;     // not 0
  int direction;    // PJ_CMP_*: goes on while (counter DIR limit)
  bool is_unsigned; // how the two are compared
  bool alone;       // nothing else ends the loop
  PjValue *limit;   // constant, captured, or an argument of the condition
  bool start_known, limit_known;
  int64_t start_value, limit_value;
  int64_t trips; // iterations, exact when |alone|, else at most so many; -1: not known
} PjCounter;

// False when |op| is no such loop. Constant time.
bool pj_match_counter(const PjOp *op, PjCounter *out);

// -------------------------------------------------------------------------------------- reductions

// A reduce of two operands that finds the largest (smallest) element along one dimension and where
// it is. Of equal elements the first counts. A NaN is larger (smaller) than everything, and of
// several any may count, for the program leaves that to the order in which its body is applied;
// take the first.
typedef struct PjArgMatch {
  bool max;
  uint32_t value, index; // operands and results: 0 and 1, or 1 and 0
  int32_t dimension;
} PjArgMatch;
bool pj_match_arg_reduce(const PjOp *op, PjArgMatch *out);

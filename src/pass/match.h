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

typedef enum PjCarryKind {
  PJ_CARRY_OTHER,
  PJ_CARRY_COUNTER,
  PJ_CARRY_INVARIANT, // the body returns its argument
  PJ_CARRY_UPDATED,   // only ever updated: by dynamic_update_slice or scatter, one after the other
} PjCarryKind;

typedef struct PjCarry {
  PjCarryKind kind;
  uint32_t updates;  // UPDATED: how many operations update it
  bool read;         // UPDATED: the body also reads it (or what lies between two updates) elsewhere
  bool stacked;      // UPDATED: by one slice, at the counter along one dimension, at 0 along others
  int32_t dimension; // stacked: that dimension, in which the slice has size 1
} PjCarry;

typedef struct PjLoop {
  bool counted; // |counter| is valid
  PjCounter counter;
  uint32_t num_carries;
  PjCarry *carries;
} PjLoop;

// Analyses a while loop; |out| lies in |arena|. Linear in the operations of the body's first level.
// The module must be numbered (pj_module_number).
const PjLoop *pj_while_analyse(PjArena *arena, const PjOp *op);

// -------------------------------------------------------------------------------------- reductions

// A reduce_window that is a running reduction along one dimension: result j is the reduction of
// elements 0 to j (of j to the last one if |reverse|). The initial value is neutral.
typedef struct PjScanMatch {
  int32_t dimension;
  bool reverse;
  PjOpKind kind; // of the body: PJ_OP_ADD, MULTIPLY, MAXIMUM, MINIMUM, AND, OR, XOR
} PjScanMatch;
bool pj_match_scan(const PjOp *op, PjScanMatch *out);

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

// ------------------------------------------------------------------------------ gather and scatter

typedef enum PjIndexKind {
  PJ_INDEX_GENERAL,
  PJ_INDEX_ROWS,     // one index along |dimension|, all of the other dimensions
  PJ_INDEX_ELEMENTS, // single elements
} PjIndexKind;

typedef enum PjCombineKind {
  PJ_COMBINE_SET, // the update
  PJ_COMBINE_OP,  // |op| of old element and update
  PJ_COMBINE_OTHER,
} PjCombineKind;

typedef struct PjIndexMatch {
  PjIndexKind kind;
  int32_t dimension;    // ROWS
  int64_t num_indices;  // index vectors
  int64_t outer, inner; // ROWS: elements of the dimensions before and behind |dimension|
  // ROWS: the result (of a gather) or the updates (of a scatter) are [outer, indices, inner] in
  // this order, so that each row is contiguous.
  bool in_order;
  PjCombineKind combine; // scatter
  PjOpKind op;           // PJ_COMBINE_OP
} PjIndexMatch;
// |op|: a gather or a scatter of one operand, of static shapes. False for others.
bool pj_match_index(const PjOp *op, PjIndexMatch *out);

// Values of tensors inside a kernel: from the index of an element to the code that computes it.
//
// A nest belongs to one kernel. Values that are in memory, or in registers already, are bound to
// places; every other value is computed where it is wanted, from its operation, at the index that
// is wanted: that is fusion. Nothing here decides what is fused.
#pragma once
#include "base/map.h"
#include "ir/ir.h"
#include "kernel/elem.h"
#include "sched/index.h"

typedef enum PjPlaceKind {
  PJ_PLACE_MEMORY, // dense, row-major
  PJ_PLACE_VALUE,  // in registers: a single element, or an element per row for which the code at
                   // hand is
} PjPlaceKind;

typedef struct PjPlace {
  PjPlaceKind kind;
  PjKirVal ptr;
  int64_t row;   // MEMORY: positions from |row| on are left out of the address (it holds one row
                 // only); 0: none
  bool readonly; // the kernel does not write there
  int64_t count; // MEMORY: elements of the whole array; 0: not known
  uint8_t alias;
  PjElem value;
} PjPlace;

enum { PJ_MOST_COLUMNS = 24 }; // of rows whose columns may be read together

typedef struct PjNest {
  PjIxBuilder ix; // first: the function and the lanes
  PjArena *arena;
  PjMap places;     // of values (by address) to PjPlace *
  PjMap memo;       // of (value, index, mask) to PjElem *; emptied by pj_nest_forget
  PjMap constants;  // of attributes to their params
  PjKirVal scratch; // memory for rows; 0: that of the call
  PjKirVal some;    // a mask of which some lane is on, or 0
  uint32_t budget;  // instructions that the function may have
  int depth;
  int branches;                         // that the code at hand is in
  bool streams;                         // whole vectors are read by pointers of their own
  uint8_t columns[PJ_MOST_COLUMNS + 1]; // how many columns of rows of so many elements are read
  const char *failed; // why the kernel cannot be made; values are meaningless then
} PjNest;

PjNest *pj_nest_create(PjKir *k, bool literal);
void pj_nest_bind(PjNest *nest, const PjValue *value, const PjPlace *place);
const PjPlace *pj_nest_place(const PjNest *nest, const PjValue *value); // or NULL
// Values computed so far are out of scope (another loop begins, lanes change, memory was written).
void pj_nest_forget(PjNest *nest);

// True if the result of |op| can be computed from its operands at any index: elementwise operations
// with a register form, broadcasts, slices and the like.
bool pj_nest_can_inline(const PjOp *op);

// The element(s) of |value| at |index|; lanes off in |mask| (0: none) may be anything, and touch no
// memory. The result has one lane when it is the same for all.
PjElem pj_nest_value(PjNest *nest, const PjValue *value, const PjIndex *index, PjKirVal mask);
// A rank-0 value, as a scalar.
PjElem pj_nest_scalar(PjNest *nest, const PjValue *value);
// A rank-0 integer value as i64.
PjKirVal pj_nest_integer(PjNest *nest, const PjValue *value);
// The start of a slice of |size| of |limit| elements, clamped so that it lies inside.
PjKirVal pj_nest_start(PjNest *nest, const PjValue *value, int64_t limit, int64_t size);
// The index along the dimension whose positions are [stride, stride * size).
PjIx pj_nest_dim_index(PjNest *nest, const PjIndex *index, int64_t stride, int64_t size);
// gather (nest_gather.c): its element at |index|, and what pj_cuts_through does for both of its
// operands.
PjElem pj_gather_value(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask);
bool pj_gather_cuts(const PjOp *op, uint32_t operand, const PjCuts *inner, PjCuts *cuts);

// nest_memory.c: element(s) of memory of |dtype| at offset |at|, and into it; one lane as many.
PjElem pj_nest_load(PjNest *nest, PjDtype dtype, const PjPlace *place, PjIx at, PjKirVal mask);
void pj_nest_store(PjNest *nest, PjDtype dtype, PjKirVal ptr, uint8_t alias, PjIx at, PjElem value,
                   PjKirVal mask);
PjElem pj_nest_splat(PjNest *nest, PjElem value);
// Whether |v|, an i64 scalar, is a number that this kernel is made for.
bool pj_nest_number(const PjNest *nest, PjKirVal v, int64_t *out);

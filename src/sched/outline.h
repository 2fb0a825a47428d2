// Outlining: copies of operations in functions of their own.
#pragma once
#include "base/map.h"
#include "base/vec.h"
#include "ir/ir.h"

typedef struct PjOutline {
  PjArena *arena;
  PjMap values;                   // to their copies
  PJ_VEC(const PjValue *) inputs; // read from outside, each once
} PjOutline;

// Adds what |op| and its regions read from outside of it to the inputs.
void pj_outline_collect(PjOutline *o, const PjOp *op);
// What |value| is in the copies from here on.
void pj_outline_map(PjOutline *o, const PjValue *value, PjValue *copy);
PjValue *pj_outline_copy_of(const PjOutline *o, const PjValue *value);
// A copy of |op| over the copies of its operands, all of which must be known.
PjOp *pj_outline_clone(PjOutline *o, const PjOp *op);
// A function |name| of the given types, without operations.
PjOp *pj_outline_func(PjArena *arena, const char *name, uint32_t num_inputs,
                      const PjType *const *inputs, uint32_t num_results,
                      const PjType *const *results);
// Copies of all that stands beside the entry of |from|: meshes, and functions that operations name.
void pj_outline_surroundings(PjArena *arena, const PjModule *from, PjModule *to);

// Control flow as code: a small loop, with all that is in it, becomes one function.
#pragma once
#include "sched/lower.h"

// True if the while |op| is worth one function: everything in it can be emitted inline, and a turn
// is so short that handing its parts to threads, or calling one kernel after the other, would cost
// more than it saves.
bool pj_native_fits(PjLower *l, const PjOp *op);
// Makes it one kernel step.
PjStatus pj_lower_native(PjLower *l, const PjUnit *unit, PjSteps *out);

// --- native_ops.c: operations that are loops of their own inside such a function
typedef struct PjNative {
  PjLower *l;
  PjNest *nest;
  PjKir *k;
  PjMap buffers;                    // of slots to numbers of buffers
  PJ_VEC(uint32_t) slots;           // by number of buffer
  PjMap current;                    // of slots to addresses in loops that exchange them
  PjMap group_of;                   // of slots to alias numbers
  PJ_VEC(struct PjPanels *) panels; // of matrices that are packed before the loop
  const char *failed;
} PjNative;

// --- native.c: where |slot| lies
void pj_native_memory(PjNative *n, uint32_t slot, PjPlace *out);

bool pj_native_supports(const PjOp *op, double *out_cost);
// --- native_dot.c
bool pj_native_dot_supported(const PjOp *op, double *out_cost);
// Packs the matrices that contractions of the loop |op| read in each of its turns; before it
// begins.
void pj_native_pack(PjNative *n, const PjOp *op);
void pj_native_dot(PjNative *n, const PjOp *op, PjKirVal out, uint8_t alias);
void pj_native_scatter(PjNative *n, const PjOp *op, PjKirVal array);

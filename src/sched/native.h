// Control flow as code: a small loop, with all that is in it, becomes one function.
#pragma once
#include "sched/lower.h"

// True if the while |op| is worth one function: everything in it can be emitted inline, and a turn
// is so short that handing its parts to threads, or calling one kernel after the other, would cost
// more than it saves.
bool pj_native_fits(PjLower *l, const PjOp *op);
// Makes it one kernel step.
PjStatus pj_lower_native(PjLower *l, const PjUnit *unit, PjSteps *out);

enum {
  PJ_NATIVE_CARRIES = 64, // of a loop, or results of a branch, at most
  PJ_NATIVE_FEW = 12,     // elements that are computed one by one where they fill no vector
  PJ_NATIVE_SHORT = 4,    // elements that make a vector
};

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

// --- native.c
bool pj_native_is_single(const PjValue *value); // one element: lies in a register
PjKirVal pj_native_slot(PjNative *n, uint32_t slot);
uint8_t pj_native_alias(PjNative *n, uint32_t slot);
// Where |slot| lies
void pj_native_memory(PjNative *n, uint32_t slot, PjPlace *out);
void pj_native_bind_memory(PjNative *n, const PjValue *value); // it lies in its slot
void pj_native_bind_value(PjNative *n, const PjValue *value, PjElem elem);
void pj_native_copy(PjNative *n, PjKirVal to, PjKirVal from, size_t bytes);
// What was computed is not in scope any more where a block ends.
void pj_native_forget(PjNative *n);
void pj_native_region(PjNative *n, const PjRegion *region);

// --- native_flow.c: control flow
void pj_native_while(PjNative *n, const PjUnit *unit);
void pj_native_case(PjNative *n, const PjUnit *unit);

// --- native_pieces.c: small arrays in registers, beside their memory
enum { PJ_NATIVE_PIECES = 16 }; // of an array, at most
typedef struct PjPieces {
  int count; // 0: it is too large
  int64_t at[PJ_NATIVE_PIECES];
  PjKirType type[PJ_NATIVE_PIECES];
} PjPieces;
PjPieces pj_native_pieces(const PjNative *n, const PjValue *array);
// What lies in |slot|; how many.
uint32_t pj_native_load(PjNative *n, const PjPieces *p, uint32_t slot, PjKirVal *out);
// Tells the builder that |in| lies in |slot|, so that a turn need not wait for what the one before
// stored.
void pj_native_know(PjNative *n, const PjPieces *p, uint32_t slot, const PjKirVal *in);
// The update |op| of one element in an array of one or two vectors that is read as a whole: a
// vector could not be read for a while where one element of it was just written. False if it is
// none.
bool pj_native_update_pieces(PjNative *n, const PjOp *op, uint32_t source, uint32_t target);

// --- native_ops.c: operations that are loops of their own inside such a function
bool pj_native_supports(const PjOp *op, double *out_cost);
void pj_native_scatter(PjNative *n, const PjOp *op, PjKirVal array);

// --- native_dot.c
bool pj_native_dot_supported(const PjOp *op, double *out_cost);
// Packs the matrices that contractions of the loop |op| read in each of its turns; before it
// begins.
void pj_native_pack(PjNative *n, const PjOp *op);
void pj_native_dot(PjNative *n, const PjOp *op, PjKirVal out, uint8_t alias);

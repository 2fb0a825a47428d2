// Operations as plain loops of kernel IR: for programs written as C, which have no library of ready
// kernels to call.
//
// Each function emits the whole of one operation, all its operands and results dense in memory,
// sizes as literals. They are simple, not tuned: the innermost loop runs over vectors where memory
// lies for it, that is all.
#pragma once
#include "sched/nest.h"

enum { PJ_LOOP_MAX_OPERANDS = 64 };

typedef struct PjLoops {
  PjNest *nest;
  PjKir *k;
  const PjOp *op;
  PjPlace in[PJ_LOOP_MAX_OPERANDS];
  PjKirVal out[PJ_LOOP_MAX_OPERANDS];
  size_t scratch_bytes; // that the function needs
} PjLoops;

// Emits |op| into |l|; false if it cannot: nothing that was emitted counts then.
typedef bool PjLoopFn(PjLoops *l);
PjLoopFn *pj_loop_find(PjOpKind kind); // or NULL

#define LOOP(KIND, name) PjLoopFn pj_loop_##name;
#include "aot/loops.def"
#undef LOOP

// --- helpers (loops.c)

// Several nested loops from 0 to |sizes|, none for sizes of 1; |index| receives their indices,
// outermost first.
void pj_loop_open(PjLoops *l, int n, const int64_t *sizes, PjKirVal *index);
void pj_loop_close(PjLoops *l, int n, const int64_t *sizes);

// The same with carried elements, which |body| replaces.
typedef void PjLoopBody(void *context, const PjKirVal *index, PjElem *carried);
void pj_loop_carry(PjLoops *l, int n, const int64_t *sizes, PjKirVal *index, uint32_t count,
                   PjElem *carried, PjLoopBody *body, void *context);
// carried = condition ? body(carried) : carried; |condition| 0: always.
void pj_loop_when(PjLoops *l, PjKirVal condition, const PjKirVal *index, uint32_t count,
                  PjElem *carried, PjLoopBody *body, void *context);

// Sum of index * stride, in elements.
PjIx pj_loop_at(PjLoops *l, int n, const PjKirVal *index, const int64_t *strides);
// One element, or |lanes| along |step|, of operand |i|.
PjElem pj_loop_load(PjLoops *l, uint32_t i, PjIx at, int lanes, int64_t step);
void pj_loop_store(PjLoops *l, uint32_t result, PjIx at, int lanes, PjElem value);
// Operand |i| of rank 0 or of one element.
PjElem pj_loop_scalar(PjLoops *l, uint32_t i);
int pj_loop_lanes(const PjLoops *l, PjDtype dtype); // of a register, at least 1
PjKirVal pj_loop_number(PjLoops *l, int64_t value);
// index * factor + offset, and of two indices.
PjKirVal pj_loop_affine(PjLoops *l, PjKirVal index, int64_t factor, int64_t offset);
// An integer element as i64.
PjKirVal pj_loop_integer(PjLoops *l, PjDtype dtype, PjElem value);
// Copies operand |i| into result |i|.
void pj_loop_copy(PjLoops *l, uint32_t i, uint32_t result);
PjElem pj_loop_2(PjLoops *l, PjOpKind kind, PjDtype dtype, PjElem a, PjElem b);
PjElem pj_loop_select(PjLoops *l, PjKirVal mask, PjElem a, PjElem b);
PjElem pj_loop_zero(PjLoops *l, PjDtype dtype, int lanes);

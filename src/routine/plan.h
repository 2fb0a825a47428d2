// What the routines share among themselves: the form of a selector and small helpers for plans.
#pragma once
#include "eval/tensor.h"
#include "routine/routine.h"

// Makes a plan for |op| in |arena|, or returns NULL. A plan is a structure that begins with its
// PjRoutine.
typedef const PjRoutine *PjRoutineSelector(PjArena *arena, const PjOp *op);
#define ROUTINE(KIND, selector) PjRoutineSelector pj__routine_##selector;
#include "routine/routines.def"
#undef ROUTINE

enum { PJ_SCRATCH_ALIGN = 64 };

static inline size_t pj__scratch_round(size_t bytes) {
  return (bytes + (PJ_SCRATCH_ALIGN - 1)) / PJ_SCRATCH_ALIGN * PJ_SCRATCH_ALIGN;
}
// The part of |scratch| that belongs to |thread| alone.
static inline void *pj__thread_scratch(const PjRoutine *routine, void *scratch, int thread) {
  return (char *)scratch + routine->scratch_bytes + (size_t)thread * routine->thread_scratch_bytes;
}

// The static type of an operand or result.
static inline const PjType *pj__in(const PjOp *op, uint32_t i) {
  return op->operands[i]->type;
}
static inline const PjType *pj__out(const PjOp *op, uint32_t i) {
  return op->results[i].type;
}
// Number of elements and bytes; the selector's caller made sure that they fit.
int64_t pj__count(const PjType *type);
size_t pj__bytes(const PjType *type);

static inline int64_t pj__min(int64_t a, int64_t b) {
  return a < b ? a : b;
}
static inline int64_t pj__max(int64_t a, int64_t b) {
  return a > b ? a : b;
}
static inline int64_t pj__divide_up(int64_t n, int64_t by) {
  return n / by + (n % by != 0);
}
// A grain for pj_threads_for over |count| items of |item_work| (bytes moved, or about as many
// operations) each: parts that are worth waking a thread for.
int64_t pj__grain(int64_t count, double item_work);

// What all passes share: the module being rewritten, use counts, replacing and erasing.
//
// Values have no lists of uses. A pass walks each region forward, a definition before its uses, and
// replacing is lazy: pj_rw_replace notes that |old| has become |new|, and whoever visits a later
// operation calls pj_rw_resolve first. Use counts follow at once, so that they are right all the
// time. So every pass that replaces must walk the whole rest of the function, if only to resolve.
//
// PjValue.id is the index of a value in |slots| while passes run, unique in the module; the
// pipeline numbers the module properly in the end.
#pragma once
#include "base/map.h"
#include "base/vec.h"
#include "pass/pass.h"

typedef struct PjSlot {
  PjValue *forward; // what the value was replaced with, or NULL
  uint32_t uses;
  uint32_t tag; // for passes, 0 between uses of it
} PjSlot;

typedef struct PjRewrite {
  PjArena *arena;   // of the module
  PjArena *scratch; // for what a pass needs itself: reset after each
  PjModule *module;
  const PjPassOptions *options;
  PjSlot *slots;
  uint32_t num_values, cap_values;
  uint32_t num_ops; // about how many there are
  bool has_control; // while, if or case among them
  uint64_t work;    // what is left of the running pass's budget
  uint32_t changes; // of the running pass
  bool exhausted;
} PjRewrite;

// A pass. Errors end the compilation; a pass that finds nothing to do, or no budget, succeeds.
typedef PjStatus PjPassFn(PjRewrite *rw);

// ---------------------------------------------------------------------------------------- budget

// Takes |units| from the running pass's budget. False when it is used up: rewrite no more.
static inline bool pj_rw_spend(PjRewrite *rw, uint64_t units) {
  if (rw->work < units) {
    rw->work = 0;
    rw->exhausted = true;
    return false;
  }
  rw->work -= units;
  return true;
}

// ---------------------------------------------------------------------------------------- values

// Gives a new value its slot.
void pj_rw_add_value(PjRewrite *rw, PjValue *value);

static inline uint32_t pj_rw_uses(const PjRewrite *rw, const PjValue *value) {
  return rw->slots[value->id].uses;
}

// What |value| has become.
static inline PjValue *pj_rw_value(PjRewrite *rw, PjValue *value) {
  while (rw->slots[value->id].forward)
    value = rw->slots[value->id].forward;
  return value;
}

// Brings the operands of |op| up to date.
static inline void pj_rw_resolve(PjRewrite *rw, PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (rw->slots[op->operands[i]->id].forward)
      op->operands[i] = pj_rw_value(rw, op->operands[i]);
}

// All uses of |old| become uses of |new|, which must be visible to all of them and of a type that
// fits. Both must be up to date themselves.
void pj_rw_replace(PjRewrite *rw, PjValue *old, PjValue *new_value);

// True if |value| is made in |body| or in a region within it.
bool pj_rw_inside(const PjValue *value, const PjRegion *body);

// ------------------------------------------------------------------------------------ operations

// Counts the uses that an operation's operands are (of itself only, not of its regions).
void pj_rw_count_operands(PjRewrite *rw, const PjOp *op);
void pj_rw_set_operand(PjRewrite *rw, PjOp *op, uint32_t index, PjValue *value);

// Takes |op| out of its region, with everything in its own regions. Its results must be unused, or
// replaced.
void pj_rw_erase(PjRewrite *rw, PjOp *op);

// True if |op| on its own, regions aside, may be dropped when its results are not used.
bool pj_rw_droppable(const PjOp *op);
// The same, with its regions.
bool pj_rw_droppable_deep(const PjOp *op);

// ----------------------------------------------------------------------------------------- visits

typedef void PjVisitFn(PjRewrite *rw, PjOp *op, void *context);

// Calls |visit| for every operation of every function: definitions before uses, what is in regions
// before the operation that has them, with operands up to date. |visit| may erase |op|, replace its
// results and put operations before and behind it; these are not visited.
void pj_rw_visit(PjRewrite *rw, PjVisitFn *visit, void *context);

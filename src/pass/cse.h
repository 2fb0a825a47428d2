// Finding an earlier operation that computes the same: the table behind the pass, for walks that do
// something else as well. How operations are compared is said in cse.c.
#pragma once
#include "pass/rewrite.h"

typedef struct PjCse PjCse;

// An empty table in scratch memory.
PjCse *pj_cse_create(PjRewrite *rw);

// Around the walk through a region: what it adds is forgotten when it is left. |isolated|: nothing
// from outside is visible in it.
typedef struct PjCseScope {
  size_t len, floor;
} PjCseScope;
PjCseScope pj_cse_enter(PjCse *cse, bool isolated);
void pj_cse_leave(PjCse *cse, PjCseScope scope);

// Replaces |op|, whose operands are up to date, by an equal one that the table holds, and erases
// it: true. Otherwise enters it, if it is of a kind that may be merged. |op| must not change
// afterwards.
bool pj_cse_merge(PjCse *cse, PjOp *op);

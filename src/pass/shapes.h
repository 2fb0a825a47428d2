// Small facts about shapes that several rules need.
#pragma once
#include "pass/build.h"

// Row-major order kept, |from| and |to| differ in dimensions of size 1 only. Sets |map| (or NULL)
// for each dimension of |from| that is not of size 1 to its place in |to|, for the others to -1.
bool pj_same_but_units(const PjType *from, const PjType *to, int32_t *map);

// |x| without its dimensions of size 1, by a reshape if it has any.
PjValue *pj_build_squeeze(PjRewrite *rw, PjOp *at, PjValue *x);

// The transpose that makes |op|'s first operand, where |op| reads at most half of it, and nobody
// else does: what is read is turned instead, behind |op|. Else NULL.
PjOp *pj_turned_for_little(PjRewrite *rw, const PjOp *op);

static inline bool pj_list_has(const int64_t *list, uint32_t count, int64_t value) {
  for (uint32_t i = 0; i < count; ++i)
    if (list[i] == value)
      return true;
  return false;
}

// The coarsest dimensions of which those of two shapes of as many elements are products, a list for
// each of what its dimensions are made of: those of |a|'s d are first[d] to first[d + 1].
typedef struct PjRefined {
  int32_t rank, first_a[PJ_MAX_RANK + 1], first_b[PJ_MAX_RANK + 1];
  int64_t dims[PJ_MAX_RANK];
} PjRefined;

// False where there are no such dimensions, as of shapes of other sizes or with none of an element.
bool pj_refine(const PjType *a, const PjType *b, PjRefined *out);

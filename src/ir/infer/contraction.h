// Dimension numbers of contractions, shared by dot_general and chlo.ragged_dot.
#pragma once
#include "ir/verify/check.h"

typedef struct PjDotDims {
  PjInts lhs_batch, rhs_batch, lhs_contract, rhs_contract;
} PjDotDims;

// The four lists of |op|, checked against operands 0 and 1: distinct, in range, of equal lengths
// and sizes.
PjStatus pj__dot_dims(PjCheck *check, const PjOp *op, PjDotDims *out);
// Appends the sizes and bounds of |type|'s dimensions that are in none of the lists |a|, |b|, |c|.
void pj__append_free_dims(const PjType *type, PjInts a, PjInts b, PjInts c, int64_t *dims,
                          int64_t *bounds, int32_t *rank);

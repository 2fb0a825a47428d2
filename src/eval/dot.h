// Dimension numbers of dot_general as a contraction.
#pragma once
#include "eval/contract.h"

typedef struct PjDotDims {
  uint32_t num_batch, num_sum;
  const int64_t *lhs_batch, *rhs_batch, *lhs_sum, *rhs_sum;
} PjDotDims;

// Sets the indices of |out| for |lhs| x |rhs|: batch and sum in the order of |dims|, rows and cols
// in the order of the operands' dimensions, without those of the rhs whose bit is set in
// |rhs_skip|. Operands and type are left to the caller.
void pj_dot_axes(const PjTensor *lhs, const PjTensor *rhs, const PjDotDims *dims, uint64_t rhs_skip,
                 PjContraction *out);

// Batching and contracting dimensions must agree in size: at run time, types may leave that open.
PjStatus pj_dot_check(const PjOp *op, const PjTensor *lhs, const PjTensor *rhs,
                      const PjDotDims *dims);

// dot_general with the result type |dtype|; |comp| to compute in. A new tensor of the run.
PjTensor *pj_dot(PjEval *ev, PjComp comp, PjDtype dtype, const PjTensor *lhs, const PjTensor *rhs,
                 const PjDotDims *dims);

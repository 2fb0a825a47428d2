// Rules about quantised types that several ops share.
#pragma once
#include "ir/verify/check.h"

// Per-tensor types must be the same; per-axis types must have the same scales and zero points.
// Nothing for other pairs.
PjStatus pj__check_same_scales(PjCheck *check, const PjOp *op, const PjType *a, const PjType *b);
// reshape, dynamic_reshape: same scales; the quantisation dimension keeps its size and its place in
// row-major order.
PjStatus pj__check_reshaped_quant(PjCheck *check, const PjOp *op, const PjType *from,
                                  const PjType *to);
// broadcast_in_dim, dynamic_broadcast_in_dim: the quantisation dimension follows |dims| (checked);
// a stretched one repeats its scale.
PjStatus pj__check_broadcast_quant(PjCheck *check, const PjOp *op, const PjType *from,
                                   const PjType *to, PjInts dims);
// dot_general, convolution and their kin with any quantised operand or result: storage and
// expressed types, granularity.
PjStatus pj__check_contracted_quant(PjCheck *check, const PjOp *op);

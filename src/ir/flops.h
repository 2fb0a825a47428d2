// How much arithmetic an operation is, from its types alone.
#pragma once
#include "ir/ir.h"

// Additions, multiplications and the like of one run of |op|, a fused multiply-add counting as two;
// those of its regions are not counted. |*out_transcendentals|: calls of exp, sin and so on. Types
// of unknown size count as nothing.
double pj_op_flops(const PjOp *op, double *out_transcendentals);

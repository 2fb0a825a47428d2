// Constant folding of one operation.
#pragma once
#include "pass/constant.h"

// Replaces |op| by a constant if its result is one that is small or has all elements equal. True
// if it did.
bool pj_fold_op(PjRewrite *rw, PjOp *op);

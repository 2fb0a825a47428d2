// Inference against the types that a program declares.
#pragma once
#include "ir/ir.h"

// Infers every op of |module| without its result types, which must be compatible with the declared
// ones. Needs the arena's guard. Adds to |*count| (may be NULL) the ops whose types are implied.
// Errors: INTERNAL where they differ; those of inference.
PjStatus pj_test_infer_again(PjModule *module, int *count);

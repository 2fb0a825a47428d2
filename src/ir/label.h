// What people are told of an operation: its name, and where it comes from.
#pragma once
#include "ir/ir.h"

// "dot_general"; static.
const char *pj_op_short_name(const PjOp *op);
// The name that the framework gave: the outermost one, "jit(f)/add". Empty without.
PjStr pj_loc_framework_name(const PjLoc *loc);
// Writes the place in the user's program into |out|, empty at first; false, and nothing, where
// |loc| is only a name.
bool pj_loc_source(PjStrBuf *out, const PjLoc *loc);

// Custom calls of @InspectSharding: jax.debug.inspect_array_sharding asks how an array lies.
#pragma once
#include "ir/ir.h"

// Whether |op| is such a call.
bool pj_inspect_is_call(const PjOp *op);
// Tells the host that made call |op| of |sharding|, an OpSharding message (empty: replicated).
//
// The program holds the addresses of a function of jaxlib's and of its data: they mean something in
// the process that lowered it only. So the function is called only if it lies in a library whose
// name says that it is jaxlib's; for anything else, nothing happens. Errors: those of the host's
// function.
PjStatus pj_inspect_tell(const PjOp *op, PjStr sharding);
// Makes such calls in |module| those of Sharding, which do nothing, or takes them out where they
// have no result; it is numbered again.
void pj_inspect_remove(PjModule *module);

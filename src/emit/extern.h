// Addresses of the functions that generated code may call.
#pragma once
#include "kernel/kir.h"

const void *pj_emit_extern(PjKirExtern callee);
// By symbol; also those that LLVM calls where the processor has no instruction. NULL: there is no
// such function.
const void *pj_emit_extern_named(const char *name);

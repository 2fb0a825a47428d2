// From kernel IR to machine code in a relocatable object file, by LLVM. The rest of src/emit does
// not know LLVM.
#pragma once
#include "base/str.h"
#include "kernel/kir.h"

// The only symbol that an object defines.
#define PJ_CODEGEN_SYMBOL "pj_kernel"

// Compiles |k| (finished; any target that this build generates code for) to an ELF relocatable
// object of
// |*out_size| bytes, which the caller frees with pj_free. Threads: any.
// Errors: UNIMPLEMENTED (no LLVM, or without that target), RESOURCE_EXHAUSTED, INTERNAL (LLVM
// refused).
PjStatus pj_codegen_object(const PjKir *k, void **out_object, size_t *out_size);

// The text that LLVM gets, and the assembly that it makes of it. Either may be NULL.
PjStatus pj_codegen_text(const PjKir *k, PjStrBuf *ir, PjStrBuf *assembly);

// False where every object would be UNIMPLEMENTED.
bool pj_codegen_available(PjIsa isa);

// Everything besides the kernel that decides what its object holds: version of LLVM, processor to
// tune for, version of the emitter. One line, lives as long as the process.
const char *pj_codegen_version(PjIsa isa);

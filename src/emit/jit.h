// From kernel IR to code that can be called: in memory, shared within the process, and kept on
// disk.
#pragma once
#include "base/threads.h"
#include "kernel/kir.h"

typedef void PjKernelEntry(void *const *buffers, const uint64_t *params, int64_t begin, int64_t end,
                           void *scratch);

typedef struct PjJitCode PjJitCode; // reference-counted, immutable

// Compiles |count| functions (finished; all for the host), in parallel on |threads| (NULL: here).
// Functions that are equal, or that the process has compiled already and somebody still uses or the
// cache still holds, share their code; next comes the disk cache (PJRT_CACHE_DIR). |out| receives
// new references, all NULL on failure. Thread-safe. Errors: UNIMPLEMENTED (in a build without LLVM:
// our own code generator refused, or this is no processor of its), RESOURCE_EXHAUSTED, CANCELLED,
// INTERNAL (LLVM refused).
PjStatus pj_jit_compile(PjThreads *threads, uint32_t count, const PjKir *const *functions,
                        PjJitCode **out);
PjKernelEntry *pj_jit_entry(const PjJitCode *code);
void pj_jit_retain(PjJitCode *code);
void pj_jit_release(PjJitCode *code); // NULL allowed
uint64_t pj_jit_bytes(const PjJitCode *code);
// False on x86-64 before SSE4.2, and in a build without LLVM on a processor that our own code
// generator does not know: then nothing can be compiled.
bool pj_jit_available(void);

typedef struct PjJitStats {
  uint64_t compiled, shared, from_disk; // functions
  uint64_t own;                         // of the compiled ones, by our own code generator
  uint64_t emit_ns;                     // time in code generation, all threads together
  uint64_t code_bytes;                  // mapped now
} PjJitStats;
void pj_jit_stats(PjJitStats *out);

// The text that LLVM gets for |k| and the assembly that it makes of it; either may be NULL. For
// dumps.
PjStatus pj_jit_dump(const PjKir *k, PjStrBuf *ir, PjStrBuf *assembly);
// The bytes that our own generator makes (objdump -D -b binary -m i386:x86-64 reads them); an error
// where it makes none.
PjStatus pj_jit_dump_own(const PjKir *k, PjStrBuf *code);

// Runs kernels in every way there is (interpreter, C through a C compiler, machine code) and wants
// the same bits in memory from all.
#pragma once
#include "kernel/kir.h"

// Ways besides the interpreter, which always runs.
enum {
  KIR_C = 1,          // C with vectors of GCC, not optimised
  KIR_C_PORTABLE = 2, // C with structures
  KIR_C_O2 = 4,
  KIR_C_PORTABLE_O2 = 8,
  KIR_C_NATIVE = 16,  // optimised for this machine's instructions
  KIR_C_AARCH64 = 32, // cross-compiled, under qemu; left out with a message where either is missing
  KIR_INTERPRETER = 128, // nothing else
  KIR_JIT =
      64, // machine code of ours, for each instruction set of this machine; left out without LLVM
};

// Memory of a kernel. |elem| says how two results are compared: NaNs of F32 and F64 equal each
// other.
typedef struct KirBuffer {
  PjKirElem elem;
  size_t count;
  void *data; // initial content; owned by whoever made it
} KirBuffer;

typedef struct KirCase {
  const char *name;
  void (*build)(PjKir *k, const void *context); // may be called several times
  const void *context;
  uint32_t num_buffers;
  KirBuffer buffers[40];
  uint64_t params[16];
  int64_t begin, end;
  void *const *expected; // content of the buffers afterwards, or NULL: what the interpreter says
} KirCase;

// Fails the test at the first difference.
void kir_run_cases(unsigned ways, const KirCase *cases, size_t count);

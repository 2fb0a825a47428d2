// emit/jit.h for cross-compiled tests: kernels go to the host's code generator (object.c) by files;
// its objects are linked here, by the same linker and into the same code memory as ever.
#include "emit/jit.h"
#include "emit/codegen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emit/jit_link.h"
#include "emit/jit_memory.h"
#include "wire.h"

struct PjJitCode {
  PjJitSpan span;
  PjKernelEntry *entry;
};

// Runs PJ_CROSS_OBJECT on |k|; the object is in |data|, |*size| bytes at most.
static PjStatus generate(const PjKir *k, void *data, size_t *size) {
  const char *program = getenv("PJ_CROSS_OBJECT");
  char in[] = "/tmp/pj-cross-XXXXXX", out[64], command[1024];
  int fd = mkstemp(in);
  PJ_FAIL_IF(fd < 0 || !program, INTERNAL, "no program PJ_CROSS_OBJECT");
  snprintf(out, sizeof out, "%s.o", in);
  PjStrBuf bytes = {0};
  wire_write(k, &bytes);
  bool written = write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len;
  close(fd);
  pj_strbuf_free(&bytes);
  snprintf(command, sizeof command, "'%s' %s %s", program, in, out);
  bool made = written && system(command) == 0;
  FILE *f = made ? fopen(out, "rb") : NULL;
  *size = f ? fread(data, 1, *size, f) : 0;
  if (f)
    fclose(f);
  unlink(in);
  unlink(out);
  PJ_FAIL_IF(!f, INTERNAL, "%s failed", command);
  return NULL;
}

static PjStatus compile(const PjKir *k, PjJitCode *code) {
  static uint8_t object[4 << 20], image[4 << 20];
  size_t size = sizeof object;
  PJ_TRY(generate(k, object, &size));
  PjJitLink link;
  PJ_TRY(pj_jit_link_plan(&link, PJ_JIT_AARCH64, object, size));
  PJ_TRY(pj_jit_memory_alloc(link.image_bytes, &code->span));
  PJ_TRY(pj_jit_link_write(&link, (uint64_t)(uintptr_t)code->span.address, image));
  PJ_TRY(pj_jit_memory_fill(&code->span, image, link.image_bytes));
  code->entry = (PjKernelEntry *)(void *)(code->span.address + link.entry);
  return NULL;
}

PjStatus pj_jit_compile(PjThreads *threads, uint32_t count, const PjKir *const *functions,
                        PjJitCode **out) {
  for (uint32_t i = 0; i < count; ++i) {
    out[i] = calloc(1, sizeof **out);
    PJ_TRY(compile(functions[i], out[i]));
  }
  return NULL;
}

PjKernelEntry *pj_jit_entry(const PjJitCode *code) {
  return code->entry;
}

void pj_jit_release(PjJitCode *code) {
  pj_jit_memory_free(&code->span);
  free(code);
}

bool pj_jit_available(void) {
  return true;
}

bool pj_codegen_available(PjIsa isa) {
  return isa == PJ_ISA_NEON;
}

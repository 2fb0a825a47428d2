// What the targets of importers share: an input, an arena for what is made of it, and buffers for
// what is written.
#pragma once
#include <stdlib.h>

#include "import/import.h"
#include "ir/equal.h"
#include "ir/print.h"
#include "ir/verify.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { FUZZ_BUFFERS = 4 };

typedef struct FuzzInput {
  PjArena *arena;
  const unsigned char *data;
  size_t size;
  PjStrBuf written[FUZZ_BUFFERS]; // here, since an exhausted arena leaves the run
} FuzzInput;

// Runs |run| on the input, under the guard of an arena of |megabytes|. Whatever it returns is fine:
// what must not be, it aborts for.
static inline int fuzz_run(const unsigned char *data, size_t size, size_t megabytes,
                           PjStatus (*run)(void *input)) {
  FuzzInput in = {.data = data, .size = size};
  PjStatus status = pj_arena_create(megabytes << 20, &in.arena);
  if (!status)
    status = pj_arena_guard(in.arena, run, &in);
  pj_status_free(status);
  pj_arena_destroy(in.arena);
  for (int i = 0; i < FUZZ_BUFFERS; ++i)
    pj_strbuf_free(&in.written[i]);
  return 0;
}

// |status| may only be OK, or that memory ran out.
static inline PjStatus fuzz_demand(PjStatus status) {
  if (status && pj_status_code(status) != PJ_RESOURCE_EXHAUSTED)
    abort();
  return status;
}

// |module| printed into |out| must parse back to an equal module.
static inline PjStatus fuzz_print_and_parse(FuzzInput *in, PjModule *module,
                                            const PjPrintOptions *options, PjStrBuf *out) {
  PjModule *again;
  pj_module_print(out, module, options);
  PJ_TRY(pj_strbuf_status(out));
  PJ_TRY(fuzz_demand(pj_text_parse(in->arena, out->data, out->len, NULL, &again)));
  pj_module_number(again);
  if (!pj_module_eq(module, again))
    abort();
  return PJ_STATUS_OK;
}

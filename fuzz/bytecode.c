// The bytecode reader must take any bytes. What it accepts and the verifier too must print, parse
// back to an equal program, and survive being written for the newest version and for an old one.
#include <stdlib.h>

#include "import/import.h"
#include "ir/equal.h"
#include "ir/fingerprint.h"
#include "ir/print.h"
#include "ir/verify.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

typedef struct Input {
  PjArena *arena;
  const unsigned char *data;
  size_t size;
  PjStrBuf printed, written, old; // here, since an exhausted arena leaves run
} Input;

static void demand_equal(PjModule *a, PjModule *b) {
  pj_module_number(b);
  PjFingerprint first = pj_module_fingerprint(a), second = pj_module_fingerprint(b);
  if (!pj_module_eq(a, b) || first.high != second.high || first.low != second.low)
    abort();
}

static PjStatus run(void *ctx) {
  Input *in = ctx;
  PjModule *module, *again;
  PJ_TRY(pj_bytecode_read(in->arena, in->data, in->size, &module));
  pj_status_free(pj_bytecode_write(module, (PjVersion){0, 9, 0}, &in->old));
  PJ_TRY(pj_verify(module));
  pj_module_number(module);
  PJ_TRY(pj_bytecode_write(module, pj_version_current, &in->written));
  PjStatus status = pj_bytecode_read(in->arena, in->written.data, in->written.len, &again);
  if (status && pj_status_code(status) != PJ_RESOURCE_EXHAUSTED)
    abort();
  PJ_TRY(status);
  demand_equal(module, again);
  pj_module_print(&in->printed, module, NULL);
  PJ_TRY(pj_strbuf_status(&in->printed));
  return pj_text_parse(in->arena, in->printed.data, in->printed.len, NULL, &again);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  Input in = {.data = data, .size = size};
  PjStatus status = pj_arena_create((size_t)64 << 20, &in.arena);
  if (!status)
    status = pj_arena_guard(in.arena, run, &in);
  pj_status_free(status);
  pj_arena_destroy(in.arena);
  pj_strbuf_free(&in.printed);
  pj_strbuf_free(&in.written);
  pj_strbuf_free(&in.old);
  return 0;
}

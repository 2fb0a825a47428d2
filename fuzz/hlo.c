// The HLO reader must take any bytes. What it accepts and the verifier too must print and parse
// back to an equal program, and must be recognised as HLO; what goes back to hosts must be read
// again.
#include <stdlib.h>

#include "import/import.h"
#include "ir/equal.h"
#include "ir/print.h"
#include "ir/verify.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

typedef struct Input {
  PjArena *arena;
  const unsigned char *data;
  size_t size;
  PjStrBuf printed, written; // here, since an exhausted arena leaves run
} Input;

static PjStatus run(void *ctx) {
  Input *in = ctx;
  PjModule *module, *again;
  bool with_config;
  PJ_TRY(pj_import_hlo(in->arena, in->data, in->size, false, &module));
  if (!pj_is_hlo(in->data, in->size, &with_config))
    return PJ_STATUS_OK; // the first computation may be empty
  pj_module_print(&in->printed, module, NULL);
  PJ_TRY(pj_strbuf_status(&in->printed));
  PjStatus status = pj_text_parse(in->arena, in->printed.data, in->printed.len, NULL, &again);
  if (status && pj_status_code(status) != PJ_RESOURCE_EXHAUSTED)
    abort();
  PJ_TRY(status);
  pj_module_number(again);
  if (!pj_module_eq(module, again))
    abort();
  PJ_TRY(pj_hlo_write(in->arena, (PjStr){(const char *)in->data, in->size}, 1, 1, &in->written));
  status = pj_import_hlo(in->arena, in->written.data, in->written.len, true, &again);
  if (status && pj_status_code(status) != PJ_RESOURCE_EXHAUSTED)
    abort();
  return status;
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
  return 0;
}

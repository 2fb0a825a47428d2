// The text parser must take any bytes. Whatever it accepts must print without a fault, and what the
// verifier accepts too must print, in every mode, as text that parses back to an equal module.
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
  PjStrBuf printed[4]; // here, since an exhausted arena leaves run
} Input;

static PjStatus run(void *ctx) {
  Input *in = ctx;
  PjModule *module, *again;
  PJ_TRY(pj_text_parse(in->arena, (const char *)in->data, in->size, NULL, &module));
  pj_module_number(module);
  for (int mode = 0; mode < 4; ++mode) {
    PjPrintOptions options = {.generic = mode & 1, .locations = mode & 2};
    pj_module_print(&in->printed[mode], module, &options);
    PJ_TRY(pj_strbuf_status(&in->printed[mode]));
  }
  PJ_TRY(pj_verify(module));
  for (int mode = 0; mode < 4; ++mode) {
    const PjStrBuf *text = &in->printed[mode];
    PjStatus status = pj_text_parse(in->arena, text->data, text->len, NULL, &again);
    if (status)
      abort();
    pj_module_number(again);
    if (!pj_module_eq(module, again))
      abort();
  }
  return PJ_STATUS_OK;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  Input in = {.data = data, .size = size};
  PjStatus status = pj_arena_create((size_t)256 << 20, &in.arena);
  if (!status)
    status = pj_arena_guard(in.arena, run, &in);
  pj_status_free(status);
  pj_arena_destroy(in.arena);
  for (int mode = 0; mode < 4; ++mode)
    pj_strbuf_free(&in.printed[mode]);
  return 0;
}

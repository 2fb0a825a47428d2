// The text parser must take any bytes. Whatever it accepts must print without a fault, and what the
// verifier accepts too must print, in every mode, as text that parses back to an equal module.
#include "fuzz.h"

static PjStatus run(void *context) {
  FuzzInput *in = context;
  PjModule *module;
  PJ_TRY(pj_text_parse(in->arena, (const char *)in->data, in->size, NULL, &module));
  pj_module_number(module);
  for (int mode = 0; mode < 4; ++mode) {
    PjPrintOptions options = {.generic = mode & 1, .locations = mode & 2};
    pj_module_print(&in->written[mode], module, &options);
    PJ_TRY(pj_strbuf_status(&in->written[mode]));
    in->written[mode].len = 0;
  }
  PJ_TRY(pj_verify(module));
  for (int mode = 0; mode < 4; ++mode) {
    PjPrintOptions options = {.generic = mode & 1, .locations = mode & 2};
    PJ_TRY(fuzz_print_and_parse(in, module, &options, &in->written[mode]));
  }
  return PJ_STATUS_OK;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  return fuzz_run(data, size, 256, run);
}

// The HLO reader must take any bytes. What it accepts and the verifier too must print and parse
// back to an equal program, and must be recognised as HLO; what goes back to hosts must be read
// again.
#include "fuzz.h"

static PjStatus run(void *context) {
  FuzzInput *in = context;
  PjModule *module, *again;
  bool with_config;
  PJ_TRY(pj_import_hlo(in->arena, in->data, in->size, false, &module));
  if (!pj_is_hlo(in->data, in->size, &with_config))
    return PJ_STATUS_OK; // the first computation may be empty
  PJ_TRY(fuzz_print_and_parse(in, module, NULL, &in->written[0]));
  PjStrBuf *written = &in->written[1];
  PJ_TRY(pj_hlo_write(in->arena, (PjStr){(const char *)in->data, in->size}, 1, 1, NULL, written));
  return fuzz_demand(pj_import_hlo(in->arena, written->data, written->len, true, &again));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  return fuzz_run(data, size, 64, run);
}

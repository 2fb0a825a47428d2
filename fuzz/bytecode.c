// The bytecode reader must take any bytes. What it accepts and the verifier too must print, parse
// back to an equal program, and survive being written for the newest version and for an old one.
#include "fuzz.h"
#include "ir/fingerprint.h"

static void demand_equal(PjModule *a, PjModule *b) {
  pj_module_number(b);
  PjFingerprint first = pj_module_fingerprint(a), second = pj_module_fingerprint(b);
  if (!pj_module_eq(a, b) || first.high != second.high || first.low != second.low)
    abort();
}

static PjStatus run(void *context) {
  FuzzInput *in = context;
  PjModule *module, *again;
  PjStrBuf *old = &in->written[0], *written = &in->written[1], *printed = &in->written[2];
  PJ_TRY(pj_bytecode_read(in->arena, in->data, in->size, &module));
  pj_status_free(pj_bytecode_write(module, (PjVersion){0, 9, 0}, old));
  PJ_TRY(pj_verify(module));
  pj_module_number(module);
  PJ_TRY(pj_bytecode_write(module, pj_version_current, written));
  PJ_TRY(fuzz_demand(pj_bytecode_read(in->arena, written->data, written->len, &again)));
  demand_equal(module, again);
  return fuzz_print_and_parse(in, module, NULL, printed);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
  return fuzz_run(data, size, 64, run);
}

// pjrt-aot makes no machine code: with these in place of src/emit/llvm it links no LLVM.
#include "emit/codegen.h"

PjStatus pj_codegen_object(const PjKir *k, void **out_object, size_t *out_size) {
  *out_object = NULL;
  *out_size = 0;
  return PJ_ERROR(UNIMPLEMENTED, "pjrt-aot makes no machine code");
}

PjStatus pj_codegen_text(const PjKir *k, PjStrBuf *ir, PjStrBuf *assembly) {
  return PJ_ERROR(UNIMPLEMENTED, "pjrt-aot makes no machine code");
}

bool pj_codegen_available(PjIsa isa) {
  return false;
}

const char *pj_codegen_version(PjIsa isa) {
  return "none";
}

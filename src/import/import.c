// A program's way in: told apart by its first bytes, read, verified, numbered.
#include "import/import.h"

#include "ir/verify.h"

PjStatus pj_import(PjArena *arena, const void *bytes, size_t size, PjModule **out_module) {
  PjModule *module;
  *out_module = NULL;
  if (pj_is_bytecode(bytes, size))
    PJ_TRY(pj_bytecode_read(arena, bytes, size, &module));
  else
    PJ_TRY(pj_text_parse(arena, bytes, size, NULL, &module));
  PJ_TRY(pj_verify(module));
  pj_module_number(module);
  *out_module = module;
  return PJ_STATUS_OK;
}

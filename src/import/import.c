// A program's way in: told apart by its first bytes, read, verified, numbered.
#include "import/import.h"

#include "ir/verify.h"

static PjStatus finish(PjModule *module, PjModule **out_module) {
  PJ_TRY(pj_verify(module));
  pj_module_number(module);
  *out_module = module;
  return PJ_STATUS_OK;
}

PjStatus pj_import(PjArena *arena, const void *bytes, size_t size, PjModule **out_module) {
  PjModule *module;
  bool with_config;
  *out_module = NULL;
  if (pj_is_bytecode(bytes, size))
    PJ_TRY(pj_bytecode_read(arena, bytes, size, &module));
  else if (pj_is_hlo(bytes, size, &with_config))
    PJ_TRY(pj_hlo_read(arena, bytes, size, with_config, &module));
  else
    PJ_TRY(pj_text_parse(arena, bytes, size, NULL, &module));
  return finish(module, out_module);
}

PjStatus pj_import_hlo(PjArena *arena, const void *bytes, size_t size, bool with_config,
                       PjModule **out_module) {
  PjModule *module;
  *out_module = NULL;
  PJ_TRY(pj_hlo_read(arena, bytes, size, with_config, &module));
  return finish(module, out_module);
}

// Attributes that HLO carries as MLIR text.
#include "import/hlo/builders.h"

PjStatus pj_hlo_dict(PjHloSite *s, PjStr text, const PjAttr **out) {
  static const char before[] = "module attributes {a = ", behind[] = "} {}";
  PjArena *arena = s->h->arena;
  size_t size = sizeof before - 1 + text.len + sizeof behind - 1;
  char *program = pj_arena_alloc(arena, size + 1);
  memcpy(program, before, sizeof before - 1);
  if (text.len)
    memcpy(program + sizeof before - 1, text.ptr, text.len);
  memcpy(program + sizeof before - 1 + text.len, behind, sizeof behind);
  PjModule *module;
  PJ_TRY(pj_text_parse(arena, program, size, NULL, &module));
  *out = pj_attr_get(module->attrs, "a");
  PJ_FAIL_IF(!*out || (*out)->kind != PJ_ATTR_DICT || module->body.first, INVALID_ARGUMENT,
             "the text is no dictionary of attributes");
  return PJ_STATUS_OK;
}

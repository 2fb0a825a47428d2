// StableHLO text into IR: entry point.
#include "import/text/text.h"
#include "import/import.h"

PjStatus pj_text_parse(PjArena *arena, const char *text, size_t size, const char *name,
                       PjModule **out_module) {
  *out_module = NULL;
  PjText *t = PJ_NEW(arena, PjText);
  PjModule *module = pj_module_create(arena);
  t->arena = arena;
  PJ_RESERVE(arena, &t->operands); // lists in the making are slices of these stacks
  PJ_RESERVE(arena, &t->attrs);
  PJ_RESERVE(arena, &t->types);
  PJ_RESERVE(arena, &t->regions);
  PJ_RESERVE(arena, &t->results);
  PJ_RESERVE(arena, &t->ints);
  PJ_RESERVE(arena, &t->elems);
  t->begin = text;
  t->end = text + size;
  t->file = name;
  PJ_TRY(pj_text_scan_aliases(t));
  pj_text_seek(t, t->begin);
  PJ_TRY(pj_text_module(t, module));
  PJ_TRY(pj_text_finish_aliases(t));
  *out_module = module;
  return PJ_STATUS_OK;
}

// StableHLO text into IR: entry point.
#include "import/text/text.h"
#include "import/import.h"

static PjText *begin(PjArena *arena, const char *text, size_t size, const char *name) {
  PjText *t = PJ_NEW(arena, PjText);
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
  return t;
}

// Refuses what stands behind an attribute or a type.
static PjStatus end(PjText *t) {
  return pj_text_is(t, PJ_TOK_EOF) ? PJ_STATUS_OK : pj_text_unexpected(t, "the end");
}

PjStatus pj_text_parse_attr(PjArena *arena, PjStr text, const PjAttr **out) {
  PjText *t = begin(arena, text.ptr, text.len, NULL);
  pj_text_seek(t, t->begin);
  PJ_TRY(pj_text_attr(t, out));
  return end(t);
}

PjStatus pj_text_parse_type(PjArena *arena, PjStr text, const PjType **out) {
  PjText *t = begin(arena, text.ptr, text.len, NULL);
  pj_text_seek(t, t->begin);
  PJ_TRY(pj_text_type(t, out));
  return end(t);
}

PjStatus pj_text_parse(PjArena *arena, const char *text, size_t size, const char *name,
                       PjModule **out_module) {
  *out_module = NULL;
  PjText *t = begin(arena, text, size, name);
  PjModule *module = pj_module_create(arena);
  PJ_TRY(pj_text_scan_aliases(t));
  pj_text_seek(t, t->begin);
  PJ_TRY(pj_text_module(t, module));
  PJ_TRY(pj_text_finish_aliases(t));
  *out_module = module;
  return PJ_STATUS_OK;
}

// Locations (MLIR builtin dialect, "Location Attributes").
#include "import/text/text.h"

static PjStatus position(PjText *t, uint32_t *out) {
  const char *at = t->tok.start;
  int64_t value;
  PJ_TRY(pj_text_int(t, &value));
  if (value < 0 || value > UINT32_MAX)
    return pj_text_error(t, at, "expected a line or column of 32 bits");
  *out = (uint32_t)value;
  return PJ_STATUS_OK;
}

// "file":line:column [to [line]:column]
static PjStatus file_loc(PjText *t, PjLoc *loc) {
  loc->kind = PJ_LOC_FILE;
  PJ_TRY(position(t, &loc->line));
  if (pj_text_accept(t, ':'))
    PJ_TRY(position(t, &loc->column));
  if (!pj_text_accept_word(t, "to"))
    return PJ_STATUS_OK;
  loc->end_line = loc->line;
  if (!pj_text_is(t, ':'))
    PJ_TRY(position(t, &loc->end_line));
  PJ_TRY(pj_text_expect(t, ':'));
  return position(t, &loc->end_column);
}

static PjStatus nested(PjText *t, const PjLoc **out) {
  if (pj_text_is(t, PJ_TOK_HASH))
    return pj_text_loc_alias(t, out);
  PjLoc *loc = PJ_NEW(t->arena, PjLoc);
  *out = loc;
  return pj_text_loc_inside(t, loc);
}

static PjStatus fused_loc(PjText *t, PjLoc *loc) {
  PJ_VEC(const PjLoc *) parts = {0};
  loc->kind = PJ_LOC_FUSED;
  if (pj_text_accept(t, '<')) { // metadata: read and dropped
    const PjAttr *metadata;
    PJ_TRY(pj_text_attr(t, &metadata));
    PJ_TRY(pj_text_expect(t, '>'));
  }
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_accept(t, ']')) {
    do {
      const PjLoc *part;
      PJ_TRY(nested(t, &part));
      PJ_PUSH(t->arena, &parts, part);
    } while (pj_text_accept(t, ','));
    PJ_TRY(pj_text_expect(t, ']'));
  }
  loc->count = (uint32_t)parts.len;
  loc->parts = parts.data;
  return PJ_STATUS_OK;
}

static PjStatus any_loc(PjText *t, PjLoc *loc) {
  if (pj_text_accept_word(t, "unknown"))
    return PJ_STATUS_OK;
  if (pj_text_accept_word(t, "fused"))
    return fused_loc(t, loc);
  if (pj_text_accept_word(t, "callsite")) {
    loc->kind = PJ_LOC_CALLSITE;
    PJ_TRY(pj_text_expect(t, '('));
    PJ_TRY(nested(t, &loc->child));
    PJ_TRY(pj_text_expect_word(t, "at"));
    PJ_TRY(nested(t, &loc->caller));
    return pj_text_expect(t, ')');
  }
  if (!pj_text_is(t, PJ_TOK_STRING))
    return pj_text_unexpected(t, "a location");
  PJ_TRY(pj_text_string(t, &loc->text));
  if (pj_text_accept(t, ':'))
    return file_loc(t, loc);
  loc->kind = PJ_LOC_NAME;
  if (!pj_text_accept(t, '('))
    return PJ_STATUS_OK;
  PJ_TRY(nested(t, &loc->child));
  return pj_text_expect(t, ')');
}

PjStatus pj_text_loc_inside(PjText *t, PjLoc *loc) {
  if (t->depth >= PJ_TEXT_MAX_DEPTH)
    return pj_text_error(t, t->tok.start, "locations nest deeper than %d", PJ_TEXT_MAX_DEPTH);
  ++t->depth;
  PjStatus status;
  if (pj_text_is(t, PJ_TOK_HASH)) { // #a = loc(#b)
    loc->kind = PJ_LOC_FUSED;
    loc->count = 1;
    const PjLoc **part = PJ_NEW(t->arena, const PjLoc *);
    status = pj_text_loc_alias(t, part);
    loc->parts = part;
  } else {
    status = any_loc(t, loc);
  }
  --t->depth;
  return status;
}

PjStatus pj_text_loc(PjText *t, const PjLoc **out) {
  PJ_TRY(pj_text_expect_word(t, "loc"));
  PJ_TRY(pj_text_expect(t, '('));
  PJ_TRY(nested(t, out));
  return pj_text_expect(t, ')');
}

PjStatus pj_text_optional_loc(PjText *t, const PjLoc **out) {
  *out = NULL;
  return pj_text_is_word(t, "loc") ? pj_text_loc(t, out) : PJ_STATUS_OK;
}

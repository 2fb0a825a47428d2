// Decoding table entries when something refers to them: memoised, with cycles and blow-up refused
// and depth bounded.
#include <inttypes.h>

#include "import/bytecode/reader.h"

enum { MAX_DEPTH = PJ_MAX_TYPE_DEPTH, MAX_LOC_DEPTH = 512 };

PjStatus pj__bc_spend(PjBc *bc, const PjCursor *c) {
  uint64_t weight = bc->weight;
  bc->weight = 0;
  if (weight > bc->budget)
    return pj__cur_error(c,
                         "attributes, types and locations are out of all proportion to the file");
  bc->budget -= weight;
  return PJ_STATUS_OK;
}

PjStatus pj__bc_enter(PjBc *bc, PjBcEntry *entry, const char *what, PjCursor *out,
                      uint64_t *out_code, uint64_t *out_outer_weight) {
  *out = (PjCursor){entry->at, entry->at + entry->size, bc->sections[0].file};
  if (entry->state == PJ_BC_BUSY)
    return pj__cur_error(out, "%s refers to itself", what);
  PJ_TRY(pj__cur_varint(out, "an entry's code", out_code));
  entry->state = PJ_BC_BUSY;
  ++bc->depth;
  *out_outer_weight = bc->weight;
  bc->weight = 1;
  return PJ_STATUS_OK;
}

PjStatus pj__bc_leave(PjBc *bc, PjBcEntry *entry, const char *what, const PjCursor *c,
                      uint64_t outer_weight, PjBcState state, const void *value) {
  --bc->depth;
  PJ_TRY(pj__cur_done(c, what));
  if (bc->weight > bc->budget)
    return pj__cur_error(c, "%s is out of all proportion to the file", what);
  entry->weight = bc->weight;
  entry->state = (uint8_t)state;
  entry->value = value;
  bc->weight += outer_weight;
  return PJ_STATUS_OK;
}

// What its dialect has no encoding for: its text, closed by a NUL.
PjStatus pj__bc_text(PjBc *bc, PjBcEntry *entry, const char *what, bool is_type, const void **out) {
  PjCursor cursor, *c = &cursor;
  PjStr text = {(const char *)entry->at, entry->size};
  *c = (PjCursor){entry->at, entry->at + entry->size, bc->sections[0].file};
  if (!text.len || text.ptr[text.len - 1])
    return pj__cur_error(c, "%s as text, which does not end with NUL", what);
  --text.len;
  const PjAttr *attr = NULL;
  const PjType *type = NULL;
  PjStatus status = is_type ? pj_text_parse_type(bc->arena, text, &type)
                            : pj_text_parse_attr(bc->arena, text, &attr);
  if (status != PJ_STATUS_OK) {
    PjStatus named = pj__cur_error(c, "%s as text: %s", what, pj_status_message(status));
    pj_status_free(status);
    return named;
  }
  *out = is_type ? (const void *)type : (const void *)attr;
  entry->weight = entry->size;
  entry->state = PJ_BC_VALUE;
  entry->value = *out;
  bc->weight += entry->weight;
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------
// attributes
PjStatus pj__bc_attr_at(PjBc *bc, const PjCursor *at, uint64_t index, const PjAttr **out) {
  if (index >= bc->num_attrs)
    return pj__cur_error(at, "attribute %" PRIu64 ", expected one below %u", index, bc->num_attrs);
  PjBcEntry *entry = &bc->attrs[index];
  if (entry->state == PJ_BC_LOC)
    return pj__cur_error(at, "attribute %" PRIu64 " is a location, expected a value", index);
  if (entry->state != PJ_BC_VALUE) {
    PjCursor c;
    uint64_t code, outer;
    if (bc->depth >= MAX_DEPTH)
      return pj__cur_error(at, "attributes are nested deeper than %d", MAX_DEPTH);
    if (!entry->custom)
      return pj__bc_text(bc, entry, "an attribute", false, (const void **)out);
    PJ_TRY(pj__bc_enter(bc, entry, "an attribute", &c, &code, &outer));
    const PjAttr *attr = NULL;
    const PjBcDialectName *dialect = &bc->dialects[entry->dialect];
    switch (dialect->kind) {
    case PJ_BC_BUILTIN:
      PJ_TRY(pj__bc_attr_builtin(bc, &c, code, &attr));
      break;
    case PJ_BC_VHLO:
      PJ_TRY(pj__bc_attr_vhlo(bc, &c, code, &attr));
      break;
    case PJ_BC_SDY:
      PJ_TRY(pj__bc_attr_sdy(bc, &c, code, &attr));
      break;
    case PJ_BC_STABLEHLO:
      PJ_TRY(pj__bc_attr_stablehlo(bc, &c, code, &attr));
      break;
    case PJ_BC_CHLO:
      PJ_TRY(pj__bc_attr_chlo(bc, &c, code, &attr));
      break;
    case PJ_BC_FUNC:
    case PJ_BC_QUANT:
    case PJ_BC_OTHER:
      break;
    }
    if (!attr)
      return pj__cur_error(&c, "attribute code %" PRIu64 " of dialect %.*s is unknown; %s", code,
                           PJ_STR_ARG(dialect->name), pj__bc_versions(bc));
    PJ_TRY(pj__bc_leave(bc, entry, "an attribute", &c, outer, PJ_BC_VALUE, attr));
  } else {
    bc->weight += entry->weight;
  }
  *out = entry->value;
  return PJ_STATUS_OK;
}

PjStatus pj__bc_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  PjCursor start = *c;
  uint64_t index;
  PJ_TRY(pj__cur_varint(c, "an attribute", &index));
  return pj__bc_attr_at(bc, &start, index, out);
}

PjStatus pj__bc_opt_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  PjCursor start = *c;
  uint64_t index;
  bool present;
  *out = NULL;
  PJ_TRY(pj__cur_flag(c, "an optional attribute", &index, &present));
  return present ? pj__bc_attr_at(bc, &start, index, out) : PJ_STATUS_OK;
}

PjStatus pj__bc_attr_list(PjBc *bc, PjCursor *c, uint32_t *out_count, const PjAttr ***out) {
  PJ_TRY(pj__cur_count(c, "a list of attributes", out_count));
  *out = PJ_NEW_ARRAY(bc->arena, const PjAttr *, *out_count);
  for (uint32_t i = 0; i < *out_count; ++i)
    PJ_TRY(pj__bc_attr(bc, c, &(*out)[i]));
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------
// locations
enum {
  LOC_CALLSITE = 10,
  LOC_FILE,
  LOC_FUSED,
  LOC_FUSED_METADATA,
  LOC_NAME,
  LOC_UNKNOWN,
  LOC_RANGE = 22
};

static const PjLoc unknown_loc = {.kind = PJ_LOC_UNKNOWN};

// A location inside another one: never NULL.
static PjStatus inner_loc(PjBc *bc, PjCursor *c, const PjLoc **out) {
  PJ_TRY(pj__bc_loc(bc, c, out));
  if (!*out)
    *out = &unknown_loc;
  return PJ_STATUS_OK;
}

static PjStatus loc_text(PjBc *bc, PjCursor *c, PjStr *out) {
  const PjAttr *text;
  PjCursor start = *c;
  PJ_TRY(pj__bc_attr(bc, c, &text));
  if (text->kind != PJ_ATTR_STRING)
    return pj__cur_error(&start, "expected a location's name");
  *out = text->str;
  return PJ_STATUS_OK;
}

static PjStatus loc_number(PjCursor *c, uint32_t *out) {
  uint64_t value;
  PJ_TRY(pj__cur_varint(c, "a line or column", &value));
  *out = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
  return PJ_STATUS_OK;
}

// Of a range, two or three numbers are line, column and end column; four have the end line before
// the end column.
static PjStatus loc_range(PjCursor *c, PjLoc *loc) {
  uint32_t count, numbers[4] = {0};
  PjCursor start = *c;
  PJ_TRY(pj__cur_count(c, "a file range", &count));
  if (count > 4)
    return pj__cur_error(&start, "a file range of %u numbers, expected 0 to 4", count);
  for (uint32_t i = 0; i < count; ++i)
    PJ_TRY(loc_number(c, &numbers[i]));
  loc->line = numbers[0];
  loc->column = numbers[1];
  if (count == 3) {
    loc->end_line = numbers[0];
    loc->end_column = numbers[2];
  } else {
    loc->end_line = numbers[2];
    loc->end_column = numbers[3];
  }
  return PJ_STATUS_OK;
}

static PjStatus decode_loc(PjBc *bc, PjCursor *c, uint64_t code, PjLoc *loc) {
  const PjAttr *metadata;
  switch (code) {
  case LOC_CALLSITE:
    loc->kind = PJ_LOC_CALLSITE;
    PJ_TRY(inner_loc(bc, c, &loc->child));
    return inner_loc(bc, c, &loc->caller);
  case LOC_FILE:
    loc->kind = PJ_LOC_FILE;
    PJ_TRY(loc_text(bc, c, &loc->text));
    PJ_TRY(loc_number(c, &loc->line));
    return loc_number(c, &loc->column);
  case LOC_RANGE:
    loc->kind = PJ_LOC_FILE;
    PJ_TRY(loc_text(bc, c, &loc->text));
    return loc_range(c, loc);
  case LOC_NAME:
    loc->kind = PJ_LOC_NAME;
    PJ_TRY(loc_text(bc, c, &loc->text));
    return pj__bc_loc(bc, c, &loc->child);
  case LOC_FUSED:
  case LOC_FUSED_METADATA: {
    loc->kind = PJ_LOC_FUSED;
    PJ_TRY(pj__cur_count(c, "a fused location", &loc->count));
    const PjLoc **parts = PJ_NEW_ARRAY(bc->arena, const PjLoc *, loc->count);
    loc->parts = parts;
    for (uint32_t i = 0; i < loc->count; ++i)
      PJ_TRY(inner_loc(bc, c, &parts[i]));
    return code == LOC_FUSED ? PJ_STATUS_OK : pj__bc_attr(bc, c, &metadata);
  }
  default:
    return pj__cur_error(c, "attribute code %" PRIu64 ", expected a location", code);
  }
}

PjStatus pj__bc_loc(PjBc *bc, PjCursor *at, const PjLoc **out) {
  PjCursor start = *at, c;
  uint64_t index, code, outer;
  PJ_TRY(pj__bc_table_index(at, "location", bc->num_attrs, &index));
  PjBcEntry *entry = &bc->attrs[index];
  if (entry->state == PJ_BC_VALUE || bc->dialects[entry->dialect].kind != PJ_BC_BUILTIN)
    return pj__cur_error(&start, "attribute %" PRIu64 ", expected a location", index);
  if (entry->state != PJ_BC_LOC) {
    if (bc->depth >= MAX_LOC_DEPTH || !entry->custom) { // nothing depends on it
      *out = NULL;
      return PJ_STATUS_OK;
    }
    PJ_TRY(pj__bc_enter(bc, entry, "a location", &c, &code, &outer));
    PjLoc *loc = NULL;
    if (code != LOC_UNKNOWN) {
      loc = PJ_NEW(bc->arena, PjLoc);
      PJ_TRY(decode_loc(bc, &c, code, loc));
    }
    PJ_TRY(pj__bc_leave(bc, entry, "a location", &c, outer, PJ_BC_LOC, loc));
  } else {
    bc->weight += entry->weight;
  }
  *out = entry->value;
  return PJ_STATUS_OK;
}

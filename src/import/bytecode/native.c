// Operations of MLIR's own bytecode: what the dialects func, stablehlo, chlo and sdy look like in
// memory, not as VHLO spells them. Their attributes have the names and the structure of the text:
// one attribute holds all dimension numbers, a channel handle the two parts of a channel, and what
// has a default may be absent. Properties are in the order of the names.
#include <inttypes.h>

#include "import/bytecode/ops.h"

// Attributes that a dialect got later: writers before that leave them out. The latest first.
static const char *const young[] = {
    "no_inline", "result_tilings", "has_dynamic_root", "result_accuracy", "source_target_pairs",
    "is_stable", "algorithm",      "arg_attrs",        "res_attrs",
};

// ---------------------------------------------------------------------------------------- fields
static void add(PjBcFields *fields, PjBcField field) {
  uint32_t at = fields->count;
  for (uint32_t i = 0; i < fields->count; ++i)
    if (!strcmp(fields->list[i].name, field.name))
      return; // another part of the same structure
  for (; at && strcmp(fields->list[at - 1].name, field.name) > 0; --at)
    fields->list[at] = fields->list[at - 1];
  fields->list[at] = field;
  ++fields->count;
}

static PjBcField field_of(PjOpKind kind, int slot) {
  const PjAttrSpec *spec = &pj_op_info[kind].attrs[slot];
  PjBcField field = {.name = pj_key_text[spec->key], .slot = slot};
  // StableHLO lets this one be absent, and then refuses the operation.
  bool window = kind == PJ_OP_SELECT_AND_SCATTER && spec->key == PJ_KEY_window_dimensions;
  field.required = spec->mode == PJ_DEFAULT_REQ && !window;
  if ((field.group = pj_attr_group(kind, spec->key))) {
    field.what = PJ_BC_GROUP;
    field.name = field.group->name;
    field.required = strcmp(field.name, "algorithm") != 0;
  } else if (spec->key == PJ_KEY_channel_id || spec->key == PJ_KEY_channel_type) {
    field.what = PJ_BC_CHANNEL;
    field.name = "channel_handle";
  }
  return field;
}

const PjBcFields *pj__bc_native_fields(PjBc *bc, PjOpKind kind) {
  const PjOpInfo *info = &pj_op_info[kind];
  PjBcFields *fields = PJ_NEW(bc->arena, PjBcFields);
  fields->list = PJ_NEW_ARRAY(bc->arena, PjBcField, info->num_attrs + 3u);
  for (int i = 0; i < info->num_attrs; ++i)
    add(fields, field_of(kind, i));
  // What the IR has no attribute for stays with the operation as a discardable one.
  if (kind == PJ_OP_FUNC || kind == PJ_OP_CALL)
    add(fields, (PjBcField){.name = "no_inline", .what = PJ_BC_KEPT});
  if (kind == PJ_OP_CALL) {
    add(fields, (PjBcField){.name = "arg_attrs", .what = PJ_BC_KEPT});
    add(fields, (PjBcField){.name = "res_attrs", .what = PJ_BC_KEPT});
  }
  return fields;
}

int pj__bc_native_find(const PjBcFields *fields, PjStr name) {
  for (uint32_t i = 0; i < fields->count; ++i)
    if (fields->list[i].what != PJ_BC_KEPT && pj_str_is(name, fields->list[i].name))
      return (int)i;
  return -1;
}

// ---------------------------------------------------------------------------------------- setting
static PjStatus set(PjBc *bc, const PjCursor *c, PjOp *op, int slot, const PjAttr *attr) {
  const PjAttrSpec *spec = &pj_op_info[op->kind].attrs[slot];
  if (op->attrs[slot])
    return pj__cur_error(c, "attribute %s is given twice", pj_key_text[spec->key]);
  if (!(op->attrs[slot] = pj__bc_convert(bc, spec->kind, attr)))
    return pj__cur_error(c, "attribute %s is of the wrong kind or type", pj_key_text[spec->key]);
  return PJ_STATUS_OK;
}

static PjStatus set_group(PjBc *bc, const PjCursor *c, PjOp *op, const PjAttrGroup *group,
                          const PjAttr *attr) {
  if (attr->kind != PJ_ATTR_STRUCT || !pj_str_is(attr->str, group->structure))
    return pj__cur_error(c, "attribute %s, expected a %s", group->name, group->structure);
  for (const PjKey *key = group->keys; *key != PJ_KEY_COUNT; ++key) {
    int slot = pj_op_attr_index(op->kind, *key);
    for (uint32_t i = 0; slot >= 0 && i < attr->count; ++i)
      if (pj_str_is(attr->names[i], pj_key_text[*key]))
        PJ_TRY(set(bc, c, op, slot, attr->elems[i]));
  }
  return PJ_STATUS_OK;
}

static PjStatus set_channel(PjBc *bc, const PjCursor *c, PjOp *op, const PjAttr *attr) {
  int id = pj_op_attr_index(op->kind, PJ_KEY_channel_id);
  int type = pj_op_attr_index(op->kind, PJ_KEY_channel_type);
  if (attr->kind != PJ_ATTR_CHANNEL)
    return pj__cur_error(c, "attribute channel_handle, expected a channel handle");
  PJ_TRY(set(bc, c, op, id, pj_attr_i64(bc->arena, attr->i64)));
  return type < 0 ? PJ_STATUS_OK : set(bc, c, op, type, pj_attr_i64(bc->arena, attr->i64b));
}

PjStatus pj__bc_native_set(PjBc *bc, const PjCursor *c, PjOp *op, const PjBcField *field,
                           uint64_t index) {
  const PjAttr *attr;
  if (field->what == PJ_BC_SLOT) {
    if (op->attrs[field->slot])
      return pj__cur_error(c, "attribute %s is given twice", field->name);
    return pj__bc_canonical(bc, c, index, &pj_op_info[op->kind].attrs[field->slot],
                            &op->attrs[field->slot]);
  }
  PJ_TRY(pj__bc_attr_at(bc, c, index, &attr));
  return field->what == PJ_BC_GROUP ? set_group(bc, c, op, field->group, attr)
                                    : set_channel(bc, c, op, attr);
}

// ------------------------------------------------------------------------------------ properties

// How many numbers are left: each field takes one.
static PjStatus count_numbers(PjCursor c, uint32_t *out) {
  uint64_t ignored;
  for (*out = 0; c.at != c.end; ++*out)
    PJ_TRY(pj__cur_varint(&c, "properties", &ignored));
  return PJ_STATUS_OK;
}

// Marks the fields that the writer did not know, by how few numbers there are.
static void skip_young(const PjBcFields *fields, uint32_t count, bool *skipped) {
  uint32_t left = fields->count;
  for (size_t y = 0; y < sizeof young / sizeof *young && left > count; ++y)
    for (uint32_t i = 0; i < fields->count; ++i)
      if (!fields->list[i].required && !strcmp(fields->list[i].name, young[y])) {
        skipped[i] = true;
        --left;
      }
}

// The numbers of operands (or results) that play each part, written without trailing zeros or,
// where most are zero, as pairs of a number and its place. The IR tells them apart by itself.
static PjStatus skip_segments(PjCursor *c) {
  uint64_t count, value;
  bool sparse;
  PJ_TRY(pj__cur_flag(c, "segment sizes", &count, &sparse));
  if (sparse && count)
    PJ_TRY(pj__cur_varint(c, "segment sizes", &value));
  if (count > pj__cur_left(c))
    return pj__cur_error(c, "%" PRIu64 " segment sizes in %zu bytes", count, pj__cur_left(c));
  for (uint64_t i = 0; i < count; ++i)
    PJ_TRY(pj__cur_varint(c, "segment sizes", &value));
  return PJ_STATUS_OK;
}

static PjStatus keep(PjBc *bc, const PjCursor *c, PjOp *op, const char *name, uint64_t index) {
  uint32_t count = op->extra ? op->extra->count : 0;
  PjStr *names = PJ_NEW_ARRAY(bc->arena, PjStr, count + 1);
  const PjAttr **values = PJ_NEW_ARRAY(bc->arena, const PjAttr *, count + 1);
  for (uint32_t i = 0; i < count; ++i) {
    names[i] = op->extra->names[i];
    values[i] = op->extra->elems[i];
  }
  names[count] = pj_str(name);
  PJ_TRY(pj__bc_attr_at(bc, c, index, &values[count]));
  bc->weight += count;
  op->extra = pj_attr_dict(bc->arena, count + 1, names, values);
  return PJ_STATUS_OK;
}

PjStatus pj__bc_native_properties(PjBc *bc, PjOp *op, const PjBcFields *fields, PjCursor c) {
  bool segmented = op->kind == PJ_OP_CHLO_SCAN && bc->version >= 6;
  bool *skipped = PJ_NEW_ARRAY(bc->arena, bool, fields->count);
  uint32_t numbers;
  PJ_TRY(count_numbers(c, &numbers));
  if (!segmented)
    skip_young(fields, numbers, skipped);
  for (uint32_t i = 0; i < fields->count; ++i) {
    const PjBcField *field = &fields->list[i];
    PjCursor start = c;
    uint64_t index;
    bool present = true;
    if (skipped[i])
      continue;
    if (field->required)
      PJ_TRY(pj__cur_varint(&c, field->name, &index));
    else
      PJ_TRY(pj__cur_flag(&c, field->name, &index, &present));
    if (!present)
      continue;
    PJ_TRY(field->what == PJ_BC_KEPT ? keep(bc, &start, op, field->name, index)
                                     : pj__bc_native_set(bc, &start, op, field, index));
  }
  for (int i = 0; i < 2 && segmented; ++i)
    PJ_TRY(skip_segments(&c));
  return pj__cur_done(&c, "the properties");
}

// Operation names and attributes. Inherent attributes come as properties, sorted by name, or
// (format before 5, and for operations unknown to the writer) in the dictionary together with the
// discardable ones.
#include <inttypes.h>

#include "import/bytecode/ops.h"

void pj__bc_resolve(PjBc *bc, PjBcOpName *op) {
  const PjVhloOld *old = NULL;
  switch (bc->dialects[op->dialect].kind) {
  case PJ_BC_VHLO:
    old = pj__vhlo_find_old(op->name);
    op->kind = old ? old->kind : pj_op_from_vhlo(op->name);
    break;
  case PJ_BC_SDY:
  case PJ_BC_STABLEHLO:
  case PJ_BC_CHLO:
  case PJ_BC_FUNC: {
    char text[64];
    int len = snprintf(text, sizeof text, "%.*s.%.*s", PJ_STR_ARG(bc->dialects[op->dialect].name),
                       PJ_STR_ARG(op->name));
    if (len > 0 && len < (int)sizeof text)
      op->kind = pj_op_from_text(pj_str(text));
    if (op->kind)
      op->fields = pj__bc_native_fields(bc, op->kind);
    return;
  }
  case PJ_BC_BUILTIN:
  case PJ_BC_QUANT:
  case PJ_BC_OTHER:
    break;
  }
  pj__vhlo_keys(op->kind, old, &op->keys);
}

PjStatus pj__bc_unknown_op(PjBc *bc, const PjCursor *c, const PjBcOpName *op) {
  const PjBcDialectName *dialect = &bc->dialects[op->dialect];
  if (dialect->kind != PJ_BC_OTHER && dialect->kind != PJ_BC_BUILTIN)
    return pj__cur_error(c, "operation %.*s.%.*s is unknown; %s", PJ_STR_ARG(dialect->name),
                         PJ_STR_ARG(op->name), pj__bc_versions(bc));
  return pj__cur_error(c,
                       "operation %.*s.%.*s: expected operations of the dialects vhlo (a portable "
                       "artifact) or func, stablehlo, chlo and sdy",
                       PJ_STR_ARG(dialect->name), PJ_STR_ARG(op->name));
}

// ----------------------------------------------------------------------------------------
// attributes
static PjStatus set_attr(PjBc *bc, const PjCursor *c, PjOp *op, const PjBcOpName *name, int key,
                         uint64_t index) {
  if (name->fields)
    return pj__bc_native_set(bc, c, op, &name->fields->list[key], index);
  int slot = name->keys.slots[key];
  if (slot < 0)
    return PJ_STATUS_OK;
  if (op->attrs[slot])
    return pj__cur_error(c, "attribute %s is given twice", pj_key_text[name->keys.keys[key]]);
  return pj__bc_canonical(bc, c, index, &pj_op_info[op->kind].attrs[slot], &op->attrs[slot]);
}

static PjStatus read_properties(PjBc *bc, PjOp *op, const PjBcOpName *name, PjCursor c) {
  if (name->fields)
    return pj__bc_native_properties(bc, op, name->fields, c);
  for (int i = 0; i < name->keys.count; ++i) {
    PjCursor start = c;
    uint64_t index;
    PJ_TRY(pj__cur_varint(&c, pj_key_text[name->keys.keys[i]], &index));
    PJ_TRY(set_attr(bc, &start, op, name, i, index));
  }
  return pj__cur_done(&c, "the properties");
}

static int find_key(const PjBcOpName *name, PjStr text) {
  if (name->fields)
    return pj__bc_native_find(name->fields, text);
  for (int i = 0; i < name->keys.count; ++i)
    if (pj_str_is(text, pj_key_text[name->keys.keys[i]]))
      return i;
  return -1;
}

// Opens a builtin dictionary without decoding its values, which may have to become canonical.
static PjStatus open_dict(PjBc *bc, const PjCursor *at, uint64_t index, PjCursor *out,
                          uint32_t *out_count) {
  uint64_t code;
  if (index >= bc->num_attrs)
    return pj__cur_error(at, "attribute %" PRIu64 ", expected one below %u", index, bc->num_attrs);
  const PjBcEntry *entry = &bc->attrs[index];
  *out = (PjCursor){entry->at, entry->at + entry->size, at->file};
  if (!entry->custom || bc->dialects[entry->dialect].kind != PJ_BC_BUILTIN)
    return pj__cur_error(at, "an operation's attributes, expected a builtin dictionary");
  PJ_TRY(pj__cur_varint(out, "an entry's code", &code));
  if (code != 1)
    return pj__cur_error(at, "an operation's attributes, expected a builtin dictionary");
  return pj__cur_count(out, "a dictionary", out_count);
}

// The dictionary form: what the operation has no inherent attribute for is discardable.
static PjStatus read_dictionary(PjBc *bc, PjOp *op, const PjBcOpName *name, const PjCursor *at,
                                uint64_t index) {
  PjCursor c;
  uint32_t count, num_extra = 0;
  PJ_TRY(open_dict(bc, at, index, &c, &count));
  PjStr *names = PJ_NEW_ARRAY(bc->arena, PjStr, count);
  const PjAttr **values = PJ_NEW_ARRAY(bc->arena, const PjAttr *, count);
  for (uint32_t i = 0; i < count; ++i) {
    PjCursor start = c;
    const PjAttr *text;
    uint64_t value;
    PJ_TRY(pj__bc_attr(bc, &c, &text));
    if (text->kind != PJ_ATTR_STRING)
      return pj__cur_error(&start, "a dictionary's key, expected a string");
    start = c;
    PJ_TRY(pj__cur_varint(&c, "an attribute", &value));
    int key = find_key(name, text->str);
    if (key >= 0) {
      PJ_TRY(set_attr(bc, &start, op, name, key, value));
    } else {
      PJ_TRY(pj__bc_attr_at(bc, &start, value, &values[num_extra]));
      names[num_extra++] = text->str;
    }
  }
  if (num_extra)
    op->extra = pj_attr_dict(bc->arena, num_extra, names, values);
  return pj__cur_done(&c, "a dictionary");
}

// Discardable attributes may not be named like each other or like inherent ones.
static PjStatus check_extra(const PjCursor *c, const PjOp *op, const PjBcOpName *name) {
  for (uint32_t i = 0; op->extra && i < op->extra->count; ++i)
    if (find_key(name, op->extra->names[i]) >= 0 ||
        (i && pj_str_eq(op->extra->names[i - 1], op->extra->names[i])))
      return pj__cur_error(c, "attribute \"%.*s\" is given twice", PJ_STR_ARG(op->extra->names[i]));
  return PJ_STATUS_OK;
}

PjStatus pj__bc_op_attrs(PjBc *bc, const PjCursor *c, PjOp *op, const PjBcOpName *name,
                         const PjBcOpAttrs *from) {
  bool dictionary = bc->version < 5 || !name->registered;
  if (from->has_dict && dictionary && !from->has_props) {
    PJ_TRY(read_dictionary(bc, op, name, c, from->dict));
  } else if (from->has_dict) {
    PJ_TRY(pj__bc_attr_at(bc, c, from->dict, &op->extra));
    if (op->extra->kind != PJ_ATTR_DICT)
      return pj__cur_error(c, "an operation's attributes, expected a dictionary");
  }
  if (from->has_props && dictionary) {
    PjCursor props = bc->props[from->props];
    uint64_t index;
    PJ_TRY(pj__cur_varint(&props, "properties", &index));
    PJ_TRY(read_dictionary(bc, op, name, c, index));
    PJ_TRY(pj__cur_done(&props, "the properties"));
  } else if (from->has_props) {
    PJ_TRY(read_properties(bc, op, name, bc->props[from->props]));
  }
  for (int i = 0; i < name->keys.count; ++i) {
    int slot = name->keys.slots[i];
    if (slot >= 0 && !op->attrs[slot] && pj_op_info[op->kind].attrs[slot].mode != PJ_DEFAULT_OPT)
      return pj__cur_error(c, "%s has no attribute %s", pj_op_info[op->kind].text,
                           pj_key_text[name->keys.keys[i]]);
  }
  for (int i = 0; name->fields && i < pj_op_info[op->kind].num_attrs; ++i)
    if (!op->attrs[i] && pj_op_info[op->kind].attrs[i].mode == PJ_DEFAULT_REQ)
      return pj__cur_error(c, "%s has no attribute %s", pj_op_info[op->kind].text,
                           pj_key_text[pj_op_info[op->kind].attrs[i].key]);
  pj_op_fill_defaults(bc->arena, op);
  return check_extra(c, op, name);
}

// builtin.module: a name and a visibility (which means nothing here), both optional, and
// discardable attributes.
PjStatus pj__bc_module_attrs(PjBc *bc, const PjCursor *c, const PjBcOpAttrs *from) {
  const PjAttr *name = NULL, *visibility, *dict = NULL;
  PjModule *module = bc->module;
  if (from->has_dict)
    PJ_TRY(pj__bc_attr_at(bc, c, from->dict, &dict));
  if (dict && dict->kind != PJ_ATTR_DICT)
    return pj__cur_error(c, "a module's attributes, expected a dictionary");
  if (from->has_props) {
    PjCursor props = bc->props[from->props];
    PJ_TRY(pj__bc_opt_attr(bc, &props, &name));
    PJ_TRY(pj__bc_opt_attr(bc, &props, &visibility));
    PJ_TRY(pj__cur_done(&props, "the module's properties"));
  }
  PjStr *names = PJ_NEW_ARRAY(bc->arena, PjStr, dict ? dict->count : 0);
  const PjAttr **values = PJ_NEW_ARRAY(bc->arena, const PjAttr *, dict ? dict->count : 0);
  uint32_t count = 0;
  for (uint32_t i = 0; dict && i < dict->count; ++i) {
    bool is_name = pj_str_is(dict->names[i], "sym_name");
    if (is_name)
      name = dict->elems[i];
    if (is_name || pj_str_is(dict->names[i], "sym_visibility"))
      continue;
    names[count] = dict->names[i];
    values[count++] = dict->elems[i];
  }
  if (count)
    module->attrs = pj_attr_dict(bc->arena, count, names, values);
  if (name && name->kind != PJ_ATTR_STRING)
    return pj__cur_error(c, "a module's name, expected a string");
  if (name)
    module->name = name->str;
  return PJ_STATUS_OK;
}

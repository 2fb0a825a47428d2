// The module as tokens: operations in their spelling for the target, values numbered as the reader
// counts them, and casts where a value passes between VHLO's operations and Shardy's, whose types
// are builtin ones.
#include "import/bytecode/writer.h"

#define V(major, minor) ((major)*1000 + (minor))

enum {
  HAS_DICT = 0x01,
  HAS_RESULTS = 0x02,
  HAS_OPERANDS = 0x04,
  HAS_REGIONS = 0x10,
  HAS_PROPERTIES = 0x40,
};

static void put(PjBcw *w, PjTokenTag tag, uint64_t value) {
  pj__bcw_put(w, &w->ir, tag, value);
}

static bool is_sdy(const PjOp *op) {
  return op && op->kind >= PJ_OP_SDY_MESH && op->kind <= PJ_OP_SDY_RETURN;
}

// ---------------------------------------------------------------------------------------- casts
// The form in which a value is born, and the one in which |user| takes it.
static PjBcwForm native_form(const PjValue *value) {
  const PjOp *origin = value->def ? value->def : value->region ? value->region->parent : NULL;
  return is_sdy(origin) ? PJ_BCW_AS_BUILTIN : PJ_BCW_AS_VHLO;
}

static PjBcwForm form_of(const PjOp *user) {
  return is_sdy(user) ? PJ_BCW_AS_BUILTIN : PJ_BCW_AS_VHLO;
}

// Marks the values that are used in both forms; returns whether there are Shardy operations at all.
static bool find_casts(PjBcw *w, const PjRegion *region) {
  bool found = false;
  for (const PjOp *op = region->first; op; op = op->next) {
    found |= is_sdy(op);
    for (uint32_t i = 0; i < op->num_operands; ++i)
      if (native_form(op->operands[i]) != form_of(op))
        pj_map_set(w->arena, &w->casts, pj_map_ptr(op->operands[i]), 0);
    for (uint32_t i = 0; i < op->num_regions; ++i)
      found |= find_casts(w, &op->regions[i]);
  }
  return found;
}

static bool needs_cast(PjBcw *w, const PjValue *value) {
  return w->has_sdy && pj_map_find(&w->casts, pj_map_ptr(value));
}

static PjStatus put_cast(PjBcw *w, const PjValue *value, const PjLoc *loc, uint64_t *next) {
  uint32_t type, location;
  uint64_t number = *pj_map_find(&w->values, pj_map_ptr(value));
  PjBcwForm other = native_form(value) == PJ_BCW_AS_VHLO ? PJ_BCW_AS_BUILTIN : PJ_BCW_AS_VHLO;
  PJ_TRY(pj__bcw_type(w, value->type, other, &type));
  pj__bcw_loc(w, loc, &location);
  put(w, PJ_TOKEN_OP, pj__bcw_op_name(w, PJ_BCW_BUILTIN, "unrealized_conversion_cast"));
  put(w, PJ_TOKEN_BYTE, HAS_RESULTS | HAS_OPERANDS);
  put(w, PJ_TOKEN_ATTR, location);
  put(w, PJ_TOKEN_VARINT, 1);
  put(w, PJ_TOKEN_TYPE, type);
  put(w, PJ_TOKEN_VARINT, 1);
  put(w, PJ_TOKEN_VARINT, number);
  pj_map_set(w->arena, &w->casts, pj_map_ptr(value), (*next)++);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- spelling
static bool same_elements(const PjType *a, const PjType *b) {
  return a->dtype == b->dtype && pj_quant_eq(a->quant, b->quant);
}

// What a spelling allows in some versions only.
static PjStatus check_constraints(PjBcw *w, const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_ALL_REDUCE:
  case PJ_OP_REDUCE:
  case PJ_OP_REDUCE_SCATTER:
  case PJ_OP_REDUCE_WINDOW:
  case PJ_OP_SCATTER:
  case PJ_OP_SELECT_AND_SCATTER:
    for (uint32_t i = 0; i < op->num_operands && i < op->num_results; ++i)
      if (!same_elements(op->operands[i]->type, op->results[i].type))
        PJ_TRY(pj__bcw_needs(w, V(0, 17), "a result type other than the operand's"));
    return PJ_STATUS_OK;
  case PJ_OP_CUSTOM_CALL:
    if (PJ_ATTR(op, backend_config) && PJ_ATTR(op, backend_config)->kind == PJ_ATTR_DICT)
      PJ_TRY(pj__bcw_needs(w, V(1, 3), "a dictionary as backend_config"));
    if (PJ_INT(op, api_version) == PJ_API_TYPED_FFI)
      PJ_TRY(pj__bcw_needs(w, V(1, 3), "API_VERSION_TYPED_FFI"));
    for (uint32_t i = 0; i < op->num_operands; ++i)
      if (op->operands[i]->type->kind == PJ_TYPE_FUTURE)
        PJ_TRY(pj__bcw_needs(w, V(1, 17), "a future as operand"));
    return PJ_STATUS_OK;
  default:
    return PJ_STATUS_OK;
  }
}

static PjStatus spelling(PjBcw *w, const PjOp *op, const PjVhloOld **out_old) {
  const PjOpInfo *info = &pj_op_info[op->kind];
  if (!info->vhlo && pj_str_starts(pj_str(info->text), "chlo."))
    return pj__bcw_refuse(w, "it must be expanded to StableHLO operations first");
  if (!info->vhlo)
    return pj__bcw_refuse(w, "portable artifacts have no such operation");
  if (!pj__vhlo_spelling(op->kind, w->version, out_old))
    return pj__bcw_refuse(w, "that version has no such operation");
  const PjVhloOld *old = *out_old;
  if (!old)
    return PJ_STATUS_OK;
  if (old->single && (op->num_operands != 1 || op->num_results != 1))
    return pj__bcw_refuse(w, "that version allows one operand and one result, not %u and %u",
                          op->num_operands, op->num_results);
  if (op->kind == PJ_OP_COMPOSITE && op->num_regions)
    return pj__bcw_refuse(w, "that version allows no regions");
  for (uint8_t i = 0; i < old->num_absent; ++i) {
    int slot = pj_op_attr_index(op->kind, old->absent[i]);
    if (slot >= 0 && !pj_op_attr_is_default(op, slot))
      return pj__bcw_refuse(w, "that version has no attribute %s", pj_key_text[old->absent[i]]);
  }
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------
// attributes The attribute `padding` of old dynamic convolutions: zeros, which the operand
// overrides.
static PjStatus old_padding(PjBcw *w, const PjOp *op, uint32_t *out) {
  static const int64_t zeros[2 * PJ_MAX_RANK];
  PjAttrSpec spec = {PJ_KEY_padding, PJ_SPEC_I64X2, PJ_DEFAULT_REQ, 0};
  return pj__bcw_inherent(w, pj_attr_matrix(w->arena, pj_op_window_rank(op), 2, zeros), &spec, out);
}

// What VHLO wants where the op table has the empty default: a precision for each operand, and a
// dictionary for typed FFI calls.
static const PjAttr *spelled_out(PjBcw *w, const PjOp *op, const PjAttrSpec *spec,
                                 const PjAttr *attr) {
  if (spec->kind == PJ_SPEC_PRECISIONS && attr && !attr->count) {
    const PjAttr *elem = pj_attr_enum(w->arena, PJ_ENUM_PRECISION, PJ_PRECISION_DEFAULT);
    return pj_attr_array(w->arena, 2, (const PjAttr *const[]){elem, elem});
  }
  if (spec->kind == PJ_SPEC_STR_OR_DICT && PJ_INT(op, api_version) == PJ_API_TYPED_FFI && attr &&
      attr->kind == PJ_ATTR_STRING && !attr->str.len)
    return pj_attr_dict(w->arena, 0, NULL, NULL);
  return attr;
}

static PjStatus inherent_attrs(PjBcw *w, const PjOp *op, const PjVhloOld *old,
                               const PjVhloKeys *keys, uint32_t *numbers) {
  for (int i = 0; i < keys->count; ++i) {
    int slot = keys->slots[i];
    if (slot < 0) {
      PJ_TRY(old_padding(w, op, &numbers[i]));
      continue;
    }
    const PjAttrSpec *spec = &pj_op_info[op->kind].attrs[slot];
    if (!is_sdy(op))
      PJ_TRY(pj__bcw_inherent(w, spelled_out(w, op, spec, op->attrs[slot]), spec, &numbers[i]));
    else if (op->attrs[slot])
      PJ_TRY(pj__bcw_attr(w, op->attrs[slot], PJ_BCW_AS_BUILTIN, &numbers[i]));
    else
      return pj__bcw_refuse(w, "no attribute %s", pj_key_text[spec->key]);
  }
  return PJ_STATUS_OK;
}

typedef struct Attrs {
  bool has_dict, has_props;
  uint32_t dict, props;
} Attrs;

static int compare_names(PjStr a, PjStr b) {
  size_t len = a.len < b.len ? a.len : b.len;
  int order = len ? memcmp(a.ptr, b.ptr, len) : 0;
  return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

// A dictionary of |keys| (none when NULL) and of |extra|, both sorted by name.
static PjStatus merge_dict(PjBcw *w, const PjVhloKeys *keys, const uint32_t *numbers,
                           const PjAttr *extra, PjBcwForm form, Attrs *out) {
  uint32_t num_keys = keys ? keys->count : 0, num_extra = extra ? extra->count : 0, count = 0;
  PjStr *names = PJ_NEW_ARRAY(w->arena, PjStr, num_keys + num_extra);
  uint32_t *values = PJ_NEW_ARRAY(w->arena, uint32_t, num_keys + num_extra);
  for (uint32_t k = 0, e = 0; k < num_keys || e < num_extra; ++count) {
    PjStr key = k < num_keys ? pj_str(pj_key_text[keys->keys[k]]) : (PjStr){0};
    if (e == num_extra || (k < num_keys && compare_names(key, extra->names[e]) < 0)) {
      names[count] = key;
      values[count] = numbers[k++];
    } else {
      names[count] = extra->names[e];
      PJ_TRY(pj__bcw_attr(w, extra->elems[e++], form, &values[count]));
    }
  }
  out->has_dict = count != 0;
  return count ? pj__bcw_dict(w, count, names, values, &out->dict) : PJ_STATUS_OK;
}

static PjStatus op_attrs(PjBcw *w, const PjOp *op, const PjVhloOld *old, Attrs *out) {
  PjVhloKeys keys;
  uint32_t numbers[PJ_VHLO_MAX_KEYS];
  pj__vhlo_keys(op->kind, old, &keys);
  PJ_TRY(inherent_attrs(w, op, old, &keys, numbers));
  if (w->format < 5)
    return merge_dict(w, &keys, numbers, op->extra, form_of(op), out);
  PJ_TRY(merge_dict(w, NULL, NULL, op->extra, form_of(op), out));
  if (!keys.count)
    return PJ_STATUS_OK;
  PjTokens t = {0};
  for (int i = 0; i < keys.count; ++i)
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, numbers[i]);
  out->has_props = true;
  out->props = pj__bcw_intern(w, &w->props, PJ_BCW_BUILTIN, &t);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- regions
static PjStatus put_op(PjBcw *w, const PjOp *op, uint64_t *next, uint64_t nested);

static void define(PjBcw *w, const PjValue *value, uint64_t *next) {
  pj_map_set(w->arena, &w->values, pj_map_ptr(value), (*next)++);
}

// Values and operations of the region itself, casts among them.
static void count_region(PjBcw *w, const PjRegion *region, uint64_t *out_values,
                         uint64_t *out_ops) {
  uint64_t casts = 0, values = region->num_args, ops = 0;
  for (uint32_t i = 0; i < region->num_args; ++i)
    casts += needs_cast(w, &region->args[i]);
  for (const PjOp *op = region->first; op; op = op->next, ++ops) {
    values += op->num_results;
    for (uint32_t i = 0; i < op->num_results; ++i)
      casts += needs_cast(w, &op->results[i]);
  }
  *out_values = values + casts;
  *out_ops = ops + casts;
}

static PjStatus put_block_args(PjBcw *w, const PjRegion *region, uint64_t *next) {
  PjBcwForm form = is_sdy(region->parent) ? PJ_BCW_AS_BUILTIN : PJ_BCW_AS_VHLO;
  put(w, PJ_TOKEN_VARINT, region->num_args);
  for (uint32_t i = 0; i < region->num_args; ++i) {
    const PjLoc *loc = region->arg_locs ? region->arg_locs[i] : NULL;
    uint32_t type, location;
    PJ_TRY(pj__bcw_type(w, region->args[i].type, form, &type));
    pj__bcw_loc(w, loc, &location);
    bool located = loc || w->format < 4;
    put(w, w->format < 4 ? PJ_TOKEN_TYPE : loc ? PJ_TOKEN_TYPE_LOC : PJ_TOKEN_TYPE_BARE, type);
    if (located)
      put(w, PJ_TOKEN_ATTR, location);
    define(w, &region->args[i], next);
  }
  if (w->format >= 3)
    put(w, PJ_TOKEN_BYTE, 0); // no use-list orders
  return PJ_STATUS_OK;
}

static PjStatus put_region(PjBcw *w, const PjRegion *region, uint64_t first) {
  uint64_t values, ops, next = first;
  if (!region->first && !region->num_args) {
    put(w, PJ_TOKEN_VARINT, 0);
    return PJ_STATUS_OK;
  }
  count_region(w, region, &values, &ops);
  put(w, PJ_TOKEN_VARINT, 1);
  put(w, PJ_TOKEN_VARINT, values);
  put(w, PJ_TOKEN_VARINT, ops << 1 | (region->num_args != 0));
  if (region->num_args)
    PJ_TRY(put_block_args(w, region, &next));
  for (uint32_t i = 0; i < region->num_args; ++i)
    if (needs_cast(w, &region->args[i]))
      PJ_TRY(put_cast(w, &region->args[i], NULL, &next));
  for (const PjOp *op = region->first; op; op = op->next) {
    PJ_TRY(put_op(w, op, &next, first + values));
    for (uint32_t i = 0; i < op->num_results; ++i)
      if (needs_cast(w, &op->results[i]))
        PJ_TRY(put_cast(w, &op->results[i], op->loc, &next));
  }
  return PJ_STATUS_OK;
}

// Functions count their values from 0 and lie in sections of their own; other regions continue
// their parent's count.
static PjStatus put_regions(PjBcw *w, uint32_t count, const PjRegion *regions, bool isolated,
                            uint64_t first) {
  put(w, PJ_TOKEN_VARINT, (uint64_t)count << 1 | isolated);
  bool section = isolated && w->format >= 2;
  if (section)
    put(w, PJ_TOKEN_OPEN, 0);
  for (uint32_t i = 0; i < count; ++i)
    PJ_TRY(put_region(w, &regions[i], isolated ? 0 : first));
  if (section)
    put(w, PJ_TOKEN_CLOSE, 0);
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------
// operations
static PjStatus put_operands(PjBcw *w, const PjOp *op) {
  put(w, PJ_TOKEN_VARINT, op->num_operands);
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjValue *value = op->operands[i];
    bool cast = native_form(value) != form_of(op);
    uint64_t *number = pj_map_find(cast ? &w->casts : &w->values, pj_map_ptr(value));
    if (!number)
      return pj__bcw_refuse(w, "operand %u is not defined before", i);
    put(w, PJ_TOKEN_VARINT, *number);
  }
  return PJ_STATUS_OK;
}

static PjStatus put_results(PjBcw *w, const PjOp *op, uint64_t *next) {
  put(w, PJ_TOKEN_VARINT, op->num_results);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    uint32_t type;
    PJ_TRY(pj__bcw_type(w, op->results[i].type, form_of(op), &type));
    put(w, PJ_TOKEN_TYPE, type);
    define(w, &op->results[i], next);
  }
  return PJ_STATUS_OK;
}

static PjStatus put_op(PjBcw *w, const PjOp *op, uint64_t *next, uint64_t nested) {
  const PjOp *outer = w->op;
  const PjVhloOld *old = NULL;
  Attrs attrs = {0};
  uint32_t loc;
  w->op = op;
  if (is_sdy(op)) {
    PJ_TRY(pj__bcw_needs(w, V(1, 11), "an operation of another dialect"));
  } else {
    PJ_TRY(spelling(w, op, &old));
    PJ_TRY(check_constraints(w, op));
  }
  PJ_TRY(op_attrs(w, op, old, &attrs));
  pj__bcw_loc(w, op->loc, &loc);
  uint32_t name =
      is_sdy(op) ? pj__bcw_op_name(w, PJ_BCW_SDY, pj_op_info[op->kind].text + strlen("sdy."))
                 : pj__bcw_op_name(w, PJ_BCW_VHLO, old ? old->name : pj_op_info[op->kind].vhlo);
  put(w, PJ_TOKEN_OP, name);
  put(w, PJ_TOKEN_BYTE,
      (attrs.has_dict ? HAS_DICT : 0) | (attrs.has_props ? HAS_PROPERTIES : 0) |
          (op->num_results ? HAS_RESULTS : 0) | (op->num_operands ? HAS_OPERANDS : 0) |
          (op->num_regions ? HAS_REGIONS : 0));
  put(w, PJ_TOKEN_ATTR, loc);
  if (attrs.has_dict)
    put(w, PJ_TOKEN_ATTR, attrs.dict);
  if (attrs.has_props)
    put(w, PJ_TOKEN_VARINT, attrs.props);
  if (op->num_results)
    PJ_TRY(put_results(w, op, next));
  if (op->num_operands)
    PJ_TRY(put_operands(w, op));
  if (op->num_regions)
    PJ_TRY(put_regions(w, op->num_regions, op->regions, op->kind == PJ_OP_FUNC, nested));
  w->op = outer;
  return PJ_STATUS_OK;
}

// builtin.module: its name is a property, or an entry of the dictionary before format 5.
static PjStatus module_attrs(PjBcw *w, Attrs *out) {
  const PjModule *module = w->module;
  PjVhloKeys keys = {1, {PJ_KEY_sym_name}, {-1}};
  uint32_t name = 0;
  if (module->name.len)
    PJ_TRY(pj__bcw_attr(w, pj_attr_string(w->arena, module->name), PJ_BCW_AS_BUILTIN, &name));
  if (w->format < 5)
    return merge_dict(w, module->name.len ? &keys : NULL, &name, module->attrs, PJ_BCW_AS_BUILTIN,
                      out);
  PJ_TRY(merge_dict(w, NULL, NULL, module->attrs, PJ_BCW_AS_BUILTIN, out));
  if (!module->name.len)
    return PJ_STATUS_OK;
  PjTokens t = {0};
  pj__bcw_put(w, &t, PJ_TOKEN_OPT_ATTR, name + (uint64_t)1);
  pj__bcw_put(w, &t, PJ_TOKEN_OPT_ATTR, 0); // visibility
  out->has_props = true;
  out->props = pj__bcw_intern(w, &w->props, PJ_BCW_BUILTIN, &t);
  return PJ_STATUS_OK;
}

PjStatus pj__bcw_module(PjBcw *w) {
  Attrs attrs = {0};
  uint32_t loc;
  w->has_sdy = find_casts(w, &w->module->body);
  PJ_TRY(module_attrs(w, &attrs));
  pj__bcw_loc(w, w->module->loc, &loc);
  put(w, PJ_TOKEN_VARINT, 1 << 1); // a block of one operation without arguments
  put(w, PJ_TOKEN_OP, pj__bcw_op_name(w, PJ_BCW_BUILTIN, "module"));
  put(w, PJ_TOKEN_BYTE,
      HAS_REGIONS | (attrs.has_dict ? HAS_DICT : 0) | (attrs.has_props ? HAS_PROPERTIES : 0));
  put(w, PJ_TOKEN_ATTR, loc);
  if (attrs.has_dict)
    put(w, PJ_TOKEN_ATTR, attrs.dict);
  if (attrs.has_props)
    put(w, PJ_TOKEN_VARINT, attrs.props);
  return put_regions(w, 1, &w->module->body, true, 0);
}

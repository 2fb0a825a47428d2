// Attributes of Shardy's sdy dialect, kept as structures (ir/attr.h lists their fields). One table
// serves the reader and the writer.
#include "import/bytecode/sdy.h"

#include "import/bytecode/reader.h"

const PjSdyAttr pj__sdy_attrs[] = {
    {0, "sdy.manual_axes", {{"axes", PJ_SDY_ARRAY}}},
    {1, "sdy.mesh_axis", {{"name", PJ_SDY_STRING}, {"size", PJ_SDY_INT}}},
    {2, "sdy.mesh", {{"axes", PJ_SDY_ARRAY, "sdy.mesh_axis"}, {"device_ids", PJ_SDY_INTS}}},
    {3, "sdy.sub_axis", {{"pre_size", PJ_SDY_INT}, {"size", PJ_SDY_INT}}},
    {4, "sdy.axis_ref", {{"name", PJ_SDY_STRING}, {"sub_axis", PJ_SDY_OPT_ATTR, "sdy.sub_axis"}}},
    {5,
     "sdy.dimension_sharding",
     {{"axes", PJ_SDY_ARRAY, "sdy.axis_ref"},
      {"is_closed", PJ_SDY_BOOL},
      {"priority", PJ_SDY_OPT_INT}}},
    {6,
     "sdy.sharding",
     {{"mesh", PJ_SDY_MESH},
      {"dims", PJ_SDY_ARRAY, "sdy.dimension_sharding"},
      {"replicated", PJ_SDY_ARRAY, "sdy.axis_ref"}}},
    {7, "sdy.sharding_per_value", {{"shardings", PJ_SDY_ARRAY, "sdy.sharding"}}},
    {8, "sdy.dim_mapping", {{"factors", PJ_SDY_INTS}}},
    {9, "sdy.tensor_mapping", {{"dims", PJ_SDY_ARRAY, "sdy.dim_mapping"}}},
    {10,
     "sdy.op_sharding_rule",
     {{"factor_sizes", PJ_SDY_INTS},
      {"operands", PJ_SDY_ARRAY, "sdy.tensor_mapping"},
      {"results", PJ_SDY_ARRAY, "sdy.tensor_mapping"},
      {"reduction", PJ_SDY_INTS},
      {"need_replication", PJ_SDY_INTS},
      {"permutation", PJ_SDY_INTS},
      {"blocked", PJ_SDY_INTS},
      {"is_custom", PJ_SDY_BOOL}}},
    {11, "sdy.axis_list", {{"axes", PJ_SDY_ARRAY, "sdy.axis_ref"}}},
    {12, "sdy.list_of_axis_lists", {{"lists", PJ_SDY_ARRAY, "sdy.axis_list"}}},
    {13,
     "sdy.all_to_all_param",
     {{"axes", PJ_SDY_ARRAY, "sdy.axis_ref"}, {"src_dim", PJ_SDY_INT}, {"tgt_dim", PJ_SDY_INT}}},
    {14, "sdy.all_to_all_params", {{"params", PJ_SDY_ARRAY, "sdy.all_to_all_param"}}},
    {15,
     "sdy.sharding",
     {{"mesh", PJ_SDY_MESH},
      {"dims", PJ_SDY_ARRAY, "sdy.dimension_sharding"},
      {"replicated", PJ_SDY_ARRAY, "sdy.axis_ref"},
      {"unreduced", PJ_SDY_OPT_ARRAY, "sdy.axis_ref"}}},
    {16, "sdy.sharding_per_value", {{"shardings", PJ_SDY_ARRAY, "sdy.sharding"}}},
    {17,
     "sdy.sharding",
     {{"mesh", PJ_SDY_MESH},
      {"dims", PJ_SDY_ARRAY, "sdy.dimension_sharding"},
      {"replicated", PJ_SDY_ARRAY, "sdy.axis_ref"},
      {"unreduced", PJ_SDY_OPT_ARRAY, "sdy.axis_ref"},
      {"reduction", PJ_SDY_INT}}},
};
const size_t pj__sdy_num_attrs = sizeof pj__sdy_attrs / sizeof *pj__sdy_attrs;

static PjStatus read_int(PjBc *bc, PjCursor *c, const char *what, const PjAttr **out) {
  int64_t value;
  PJ_TRY(pj__cur_svarint(c, what, &value));
  *out = pj_attr_i64(bc->arena, value);
  return PJ_STATUS_OK;
}

static PjStatus read_opt_int(PjBc *bc, PjCursor *c, const char *what, const PjAttr **out) {
  uint64_t value;
  bool present;
  PJ_TRY(pj__cur_flag(c, what, &value, &present));
  *out = present ? pj_attr_i64(bc->arena, (int64_t)value) : NULL;
  return PJ_STATUS_OK;
}

static PjStatus read_ints(PjBc *bc, PjCursor *c, const char *what, const PjAttr **out) {
  uint32_t count;
  int64_t *values;
  PJ_TRY(pj__cur_svarints(c, bc->arena, what, &count, &values));
  bc->weight += count;
  *out = pj_attr_ints(bc->arena, count, values);
  return PJ_STATUS_OK;
}

static PjStatus read_bool(PjBc *bc, PjCursor *c, const char *what, const PjAttr **out) {
  uint8_t value;
  PjCursor start = *c;
  PJ_TRY(pj__cur_byte(c, what, &value));
  if (value > 1)
    return pj__cur_error(&start, "%s is %u, expected 0 or 1", what, value);
  *out = pj_attr_bool(bc->arena, value);
  return PJ_STATUS_OK;
}

// Strings where the table names no structure.
static PjStatus check(const PjCursor *c, const PjSdyField *field, const PjAttr *attr) {
  bool right = field->of ? attr->kind == PJ_ATTR_STRUCT && pj_str_is(attr->str, field->of)
                         : attr->kind == PJ_ATTR_STRING;
  return right
             ? PJ_STATUS_OK
             : pj__cur_error(c, "%s, expected a %s", field->name, field->of ? field->of : "string");
}

static PjStatus read_array(PjBc *bc, PjCursor *c, const PjSdyField *field, const PjAttr **out) {
  uint32_t count;
  const PjAttr **elems;
  PjCursor start = *c;
  PJ_TRY(pj__bc_attr_list(bc, c, &count, &elems));
  for (uint32_t i = 0; i < count; ++i)
    PJ_TRY(check(&start, field, elems[i]));
  bool absent = !count && field->kind == PJ_SDY_OPT_ARRAY;
  *out = absent ? NULL : pj_attr_array(bc->arena, count, elems);
  return PJ_STATUS_OK;
}

static PjStatus read_opt_attr(PjBc *bc, PjCursor *c, const PjSdyField *field, const PjAttr **out) {
  PjCursor start = *c;
  PJ_TRY(pj__bc_opt_attr(bc, c, out));
  return *out ? check(&start, field, *out) : PJ_STATUS_OK;
}

// A symbol, or a mesh in place of one: the text has nothing else.
static PjStatus read_mesh(PjBc *bc, PjCursor *c, const char *what, const PjAttr **out) {
  PjCursor start = *c;
  PJ_TRY(pj__bc_attr(bc, c, out));
  bool mesh = (*out)->kind == PJ_ATTR_STRUCT && pj_str_is((*out)->str, "sdy.mesh");
  if ((*out)->kind != PJ_ATTR_SYMBOL && !mesh)
    return pj__cur_error(&start, "%s of a sharding, expected a symbol or a mesh", what);
  return PJ_STATUS_OK;
}

static PjStatus read_field(PjBc *bc, PjCursor *c, const PjSdyField *field, const PjAttr **out) {
  switch (field->kind) {
  case PJ_SDY_MESH:
    return read_mesh(bc, c, field->name, out);
  case PJ_SDY_OPT_ATTR:
    return read_opt_attr(bc, c, field, out);
  case PJ_SDY_ARRAY:
  case PJ_SDY_OPT_ARRAY:
    return read_array(bc, c, field, out);
  case PJ_SDY_STRING:
    return pj__bc_string_attr(bc, c, field->name, out);
  case PJ_SDY_INT:
    return read_int(bc, c, field->name, out);
  case PJ_SDY_OPT_INT:
    return read_opt_int(bc, c, field->name, out);
  case PJ_SDY_INTS:
    return read_ints(bc, c, field->name, out);
  case PJ_SDY_BOOL:
    return read_bool(bc, c, field->name, out);
  }
  return PJ_STATUS_OK;
}

PjStatus pj__bc_attr_sdy(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out) {
  if (code >= pj__sdy_num_attrs)
    return PJ_STATUS_OK;
  const PjSdyAttr *schema = &pj__sdy_attrs[code];
  PjStr names[PJ_SDY_MAX_FIELDS];
  const PjAttr *values[PJ_SDY_MAX_FIELDS];
  uint32_t count = 0;
  for (int i = 0; i < PJ_SDY_MAX_FIELDS && schema->fields[i].name; ++i) {
    PJ_TRY(read_field(bc, c, &schema->fields[i], &values[count]));
    if (values[count])
      names[count++] = pj_str(schema->fields[i].name);
  }
  *out = pj_attr_struct(bc->arena, schema->name, count, names, values);
  return PJ_STATUS_OK;
}

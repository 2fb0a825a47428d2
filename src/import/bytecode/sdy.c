// Attributes of Shardy's sdy dialect, kept as structures (ir/attr.h lists their fields).
#include "import/bytecode/reader.h"

enum {
  SDY_MANUAL_AXES,
  SDY_MESH_AXIS,
  SDY_MESH,
  SDY_SUB_AXIS,
  SDY_AXIS_REF,
  SDY_DIMENSION_SHARDING,
  SDY_SHARDING,
  SDY_SHARDING_PER_VALUE,
  SDY_DIM_MAPPING,
  SDY_TENSOR_MAPPING,
  SDY_OP_SHARDING_RULE,
  SDY_AXIS_LIST,
  SDY_LIST_OF_AXIS_LISTS,
  SDY_ALL_TO_ALL_PARAM,
  SDY_ALL_TO_ALL_PARAMS,
  SDY_SHARDING_UNREDUCED,
  SDY_SHARDING_UNREDUCED_PER_VALUE,
  SDY_SHARDING_REDUCTION,
};

// A structure in the making. The largest, op_sharding_rule, has eight fields.
typedef struct Fields {
  PjBc *bc;
  PjCursor *c;
  uint32_t count;
  PjStr names[8];
  const PjAttr *values[8];
} Fields;

static void add(Fields *f, const char *name, const PjAttr *value) {
  f->names[f->count] = pj_str(name);
  f->values[f->count++] = value;
}

static PjStatus add_string(Fields *f, const char *name) {
  PjStr text;
  PJ_TRY(pj__bc_string(f->bc, f->c, name, &text));
  f->bc->weight += text.len / 16;
  add(f, name, pj_attr_string(f->bc->arena, text));
  return PJ_STATUS_OK;
}

static PjStatus add_int(Fields *f, const char *name) {
  int64_t value;
  PJ_TRY(pj__cur_svarint(f->c, name, &value));
  add(f, name, pj_attr_i64(f->bc->arena, value));
  return PJ_STATUS_OK;
}

static PjStatus add_ints(Fields *f, const char *name) {
  uint32_t count;
  int64_t *values;
  PJ_TRY(pj__cur_svarints(f->c, f->bc->arena, name, &count, &values));
  f->bc->weight += count;
  add(f, name, pj_attr_ints(f->bc->arena, count, values));
  return PJ_STATUS_OK;
}

static PjStatus add_bool(Fields *f, const char *name) {
  uint8_t value;
  PjCursor start = *f->c;
  PJ_TRY(pj__cur_byte(f->c, name, &value));
  if (value > 1)
    return pj__cur_error(&start, "%s is %u, expected 0 or 1", name, value);
  add(f, name, pj_attr_bool(f->bc->arena, value));
  return PJ_STATUS_OK;
}

static PjStatus add_attr(Fields *f, const char *name) {
  const PjAttr *value;
  PJ_TRY(pj__bc_attr(f->bc, f->c, &value));
  add(f, name, value);
  return PJ_STATUS_OK;
}

static PjStatus add_opt_attr(Fields *f, const char *name) {
  const PjAttr *value;
  PJ_TRY(pj__bc_opt_attr(f->bc, f->c, &value));
  if (value)
    add(f, name, value);
  return PJ_STATUS_OK;
}

// An array of attributes; an empty one is left out when |optional|.
static PjStatus add_array(Fields *f, const char *name, bool optional) {
  uint32_t count;
  const PjAttr **elems;
  PJ_TRY(pj__bc_attr_list(f->bc, f->c, &count, &elems));
  if (count || !optional)
    add(f, name, pj_attr_array(f->bc->arena, count, elems));
  return PJ_STATUS_OK;
}

static PjStatus dimension_sharding(Fields *f) {
  uint64_t priority;
  bool present;
  PJ_TRY(add_array(f, "axes", false));
  PJ_TRY(add_bool(f, "is_closed"));
  PJ_TRY(pj__cur_flag(f->c, "a priority", &priority, &present));
  if (present)
    add(f, "priority", pj_attr_i64(f->bc->arena, (int64_t)priority));
  return PJ_STATUS_OK;
}

static PjStatus sharding(Fields *f, uint64_t code) {
  PJ_TRY(add_attr(f, "mesh"));
  PJ_TRY(add_array(f, "dims", false));
  PJ_TRY(add_array(f, "replicated", false));
  if (code != SDY_SHARDING)
    PJ_TRY(add_array(f, "unreduced", true));
  return code == SDY_SHARDING_REDUCTION ? add_int(f, "reduction") : PJ_STATUS_OK;
}

static PjStatus op_sharding_rule(Fields *f) {
  PJ_TRY(add_ints(f, "factor_sizes"));
  PJ_TRY(add_array(f, "operands", false));
  PJ_TRY(add_array(f, "results", false));
  PJ_TRY(add_ints(f, "reduction"));
  PJ_TRY(add_ints(f, "need_replication"));
  PJ_TRY(add_ints(f, "permutation"));
  PJ_TRY(add_ints(f, "blocked"));
  return add_bool(f, "is_custom");
}

PjStatus pj__bc_attr_sdy(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out) {
  Fields fields = {bc, c, 0, {{0}}, {0}}, *f = &fields;
  const char *name;
  switch (code) {
  case SDY_MANUAL_AXES:
    name = "sdy.manual_axes";
    PJ_TRY(add_array(f, "axes", false));
    break;
  case SDY_MESH_AXIS:
    name = "sdy.mesh_axis";
    PJ_TRY(add_string(f, "name"));
    PJ_TRY(add_int(f, "size"));
    break;
  case SDY_MESH:
    name = "sdy.mesh";
    PJ_TRY(add_array(f, "axes", false));
    PJ_TRY(add_ints(f, "device_ids"));
    break;
  case SDY_SUB_AXIS:
    name = "sdy.sub_axis";
    PJ_TRY(add_int(f, "pre_size"));
    PJ_TRY(add_int(f, "size"));
    break;
  case SDY_AXIS_REF:
    name = "sdy.axis_ref";
    PJ_TRY(add_string(f, "name"));
    PJ_TRY(add_opt_attr(f, "sub_axis"));
    break;
  case SDY_DIMENSION_SHARDING:
    name = "sdy.dimension_sharding";
    PJ_TRY(dimension_sharding(f));
    break;
  case SDY_SHARDING:
  case SDY_SHARDING_UNREDUCED:
  case SDY_SHARDING_REDUCTION:
    name = "sdy.sharding";
    PJ_TRY(sharding(f, code));
    break;
  case SDY_SHARDING_PER_VALUE:
  case SDY_SHARDING_UNREDUCED_PER_VALUE:
    name = "sdy.sharding_per_value";
    PJ_TRY(add_array(f, "shardings", false));
    break;
  case SDY_DIM_MAPPING:
    name = "sdy.dim_mapping";
    PJ_TRY(add_ints(f, "factors"));
    break;
  case SDY_TENSOR_MAPPING:
    name = "sdy.tensor_mapping";
    PJ_TRY(add_array(f, "dims", false));
    break;
  case SDY_OP_SHARDING_RULE:
    name = "sdy.op_sharding_rule";
    PJ_TRY(op_sharding_rule(f));
    break;
  case SDY_AXIS_LIST:
    name = "sdy.axis_list";
    PJ_TRY(add_array(f, "axes", false));
    break;
  case SDY_LIST_OF_AXIS_LISTS:
    name = "sdy.list_of_axis_lists";
    PJ_TRY(add_array(f, "lists", false));
    break;
  case SDY_ALL_TO_ALL_PARAM:
    name = "sdy.all_to_all_param";
    PJ_TRY(add_array(f, "axes", false));
    PJ_TRY(add_int(f, "src_dim"));
    PJ_TRY(add_int(f, "tgt_dim"));
    break;
  case SDY_ALL_TO_ALL_PARAMS:
    name = "sdy.all_to_all_params";
    PJ_TRY(add_array(f, "params", false));
    break;
  default:
    return PJ_STATUS_OK;
  }
  *out = pj_attr_struct(bc->arena, name, f->count, f->names, f->values);
  return PJ_STATUS_OK;
}

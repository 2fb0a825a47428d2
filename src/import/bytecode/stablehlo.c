// Attributes of the stablehlo and chlo dialects as MLIR's own bytecode has them. Structures become
// PJ_ATTR_STRUCT with the fields that the op table has as attributes of their own; what has no
// encoding is written as text.
#include <inttypes.h>

#include "import/bytecode/reader.h"

enum {
  CHANNEL = 1,
  CONV = 4,
  DOT = 5,
  GATHER = 7,
  SCATTER = 11,
  BOUNDS = 13,
  ALIAS = 14,
  ALGORITHM = 15,
  ACCURACY = 17,
  REPLICA_GROUP_MESH_AXES = 18,
  SUB_AXIS = 19,
  AXIS_REF = 20,
  MESH_AXIS = 21,
  MESH = 22,
};

// A structure of numbers and lists of numbers, '#' before the names of lists, in the order of the
// file.
typedef struct Numbers {
  const char *name;
  const char *fields[9];
} Numbers;

static const Numbers conv = {"stablehlo.conv",
                             {"input_batch_dimension", "input_feature_dimension",
                              "#input_spatial_dimensions", "kernel_input_feature_dimension",
                              "kernel_output_feature_dimension", "#kernel_spatial_dimensions",
                              "output_batch_dimension", "output_feature_dimension",
                              "#output_spatial_dimensions"}};
static const Numbers dot = {"stablehlo.dot",
                            {"#lhs_batching_dimensions", "#rhs_batching_dimensions",
                             "#lhs_contracting_dimensions", "#rhs_contracting_dimensions"}};
static const Numbers gather = {"stablehlo.gather",
                               {"#offset_dims", "#collapsed_slice_dims", "#operand_batching_dims",
                                "#start_indices_batching_dims", "#start_index_map",
                                "index_vector_dim"}};
static const Numbers scatter = {"stablehlo.scatter",
                                {"#update_window_dims", "#inserted_window_dims",
                                 "#input_batching_dims", "#scatter_indices_batching_dims",
                                 "#scatter_dims_to_operand_dims", "index_vector_dim"}};

static PjStatus numbers_attr(PjBc *bc, PjCursor *c, const Numbers *spec, const PjAttr **out) {
  PjStr names[9];
  const PjAttr *values[9];
  size_t count = 0;
  for (; count < 9 && spec->fields[count]; ++count) {
    const char *name = spec->fields[count];
    if (*name == '#') {
      uint32_t length;
      int64_t *list;
      PJ_TRY(pj__cur_svarints(c, bc->arena, ++name, &length, &list));
      bc->weight += length;
      values[count] = pj_attr_ints(bc->arena, length, list);
    } else {
      int64_t value;
      PJ_TRY(pj__cur_svarint(c, name, &value));
      values[count] = pj_attr_i64(bc->arena, value);
    }
    names[count] = pj_str(name);
  }
  *out = pj_attr_struct(bc->arena, spec->name, count, names, values);
  return PJ_STATUS_OK;
}

static PjStatus boolean(PjCursor *c, const char *what, bool *out) {
  PjCursor start = *c;
  uint8_t value;
  PJ_TRY(pj__cur_byte(c, what, &value));
  if (value > 1)
    return pj__cur_error(&start, "%s is %u, expected 0 or 1", what, value);
  *out = value;
  return PJ_STATUS_OK;
}

static PjStatus algorithm_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  static const char *const fields[] = {"lhs_precision_type",          "rhs_precision_type",
                                       "accumulation_type",           "lhs_component_count",
                                       "rhs_component_count",         "num_primitive_operations",
                                       "allow_imprecise_accumulation"};
  PjStr names[7];
  const PjAttr *values[7];
  bool imprecise;
  for (int i = 0; i < 7; ++i)
    names[i] = pj_str(fields[i]);
  for (int i = 0; i < 3; ++i) {
    const PjType *type;
    PJ_TRY(pj__bc_type(bc, c, &type));
    values[i] = pj_attr_type(bc->arena, type);
  }
  for (int i = 3; i < 6; ++i) {
    int64_t value;
    PJ_TRY(pj__cur_svarint(c, fields[i], &value));
    values[i] = pj_attr_i64(bc->arena, value);
  }
  PJ_TRY(boolean(c, fields[6], &imprecise));
  values[6] = pj_attr_bool(bc->arena, imprecise);
  *out = pj_attr_struct(bc->arena, "stablehlo.dot_algorithm", 7, names, values);
  return PJ_STATUS_OK;
}

static PjStatus channel_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  int64_t handle, type;
  PJ_TRY(pj__cur_svarint(c, "a channel's handle", &handle));
  PJ_TRY(pj__cur_svarint(c, "a channel's type", &type));
  *out = pj_attr_channel(bc->arena, handle, type);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- meshes
// An attribute behind a byte that tells whether there is one.
static PjStatus maybe_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  bool present;
  *out = NULL;
  PJ_TRY(boolean(c, "a presence flag", &present));
  return present ? pj__bc_attr(bc, c, out) : PJ_STATUS_OK;
}

static PjStatus mesh_attr(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out) {
  static const struct {
    const char *name, *first, *second;
  } shapes[] = {{"stablehlo.replica_group_mesh_axes", "mesh", "axes"},
                {"stablehlo.sub_axis_info", "pre_size", "size"},
                {"stablehlo.axis_ref", "name", "sub_axis_info"},
                {"stablehlo.mesh_axis", "name", "size"},
                {"stablehlo.mesh", "axes", "device_ids"}};
  const PjAttr *values[2] = {0}, **axes;
  uint32_t count;
  int64_t number;
  switch (code) {
  case REPLICA_GROUP_MESH_AXES:
    PJ_TRY(pj__bc_attr(bc, c, &values[0]));
    PJ_TRY(pj__bc_attr_list(bc, c, &count, &axes));
    values[1] = pj_attr_array(bc->arena, count, axes);
    break;
  case SUB_AXIS:
    PJ_TRY(pj__cur_svarint(c, "a pre-size", &number));
    values[0] = pj_attr_i64(bc->arena, number);
    PJ_TRY(pj__cur_svarint(c, "a size", &number));
    values[1] = pj_attr_i64(bc->arena, number);
    break;
  case AXIS_REF:
    PJ_TRY(pj__bc_string_attr(bc, c, "an axis' name", &values[0]));
    PJ_TRY(maybe_attr(bc, c, &values[1]));
    break;
  case MESH_AXIS:
    PJ_TRY(pj__bc_string_attr(bc, c, "an axis' name", &values[0]));
    PJ_TRY(pj__cur_svarint(c, "a size", &number));
    values[1] = pj_attr_i64(bc->arena, number);
    break;
  default:
    PJ_TRY(pj__bc_attr(bc, c, &values[0]));
    PJ_TRY(maybe_attr(bc, c, &values[1]));
    break;
  }
  const size_t row = code - REPLICA_GROUP_MESH_AXES;
  *out = pj_attr_struct(bc->arena, shapes[row].name, values[1] ? 2 : 1,
                        (PjStr[]){pj_str(shapes[row].first), pj_str(shapes[row].second)}, values);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- dialects
PjStatus pj__bc_attr_stablehlo(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out) {
  static const int8_t enums[] = {
      [2] = PJ_ENUM_COMPARE_DIRECTION + 1, [3] = PJ_ENUM_COMPARE_TYPE + 1,
      [6] = PJ_ENUM_FFT_TYPE + 1,          [8] = PJ_ENUM_PRECISION + 1,
      [9] = PJ_ENUM_RNG_ALGORITHM + 1,     [10] = PJ_ENUM_RNG_DISTRIBUTION + 1,
      [12] = PJ_ENUM_TRANSPOSE + 1,        [16] = PJ_ENUM_ACCURACY_MODE + 1,
  };
  if (code < sizeof enums && enums[code])
    return pj__bc_enum(bc, c, (PjEnumKind)(enums[code] - 1), out);
  switch (code) {
  case CHANNEL:
    return channel_attr(bc, c, out);
  case CONV:
    return numbers_attr(bc, c, &conv, out);
  case DOT:
    return numbers_attr(bc, c, &dot, out);
  case GATHER:
    return numbers_attr(bc, c, &gather, out);
  case SCATTER:
    return numbers_attr(bc, c, &scatter, out);
  case BOUNDS:
    return pj__bc_bounds(bc, c, out);
  case ALIAS:
    return pj__bc_alias(bc, c, out);
  case ALGORITHM:
    return algorithm_attr(bc, c, out);
  case ACCURACY:
    return pj__bc_accuracy(bc, c, out);
  case REPLICA_GROUP_MESH_AXES:
  case SUB_AXIS:
  case AXIS_REF:
  case MESH_AXIS:
  case MESH:
    return mesh_attr(bc, c, code, out);
  default:
    return PJ_STATUS_OK;
  }
}

PjStatus pj__bc_attr_chlo(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out) {
  if (code > 1)
    return PJ_STATUS_OK;
  return pj__bc_enum(bc, c, code ? PJ_ENUM_COMPARE_TYPE : PJ_ENUM_COMPARE_DIRECTION, out);
}

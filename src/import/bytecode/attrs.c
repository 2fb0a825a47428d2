// Attributes of the vhlo and builtin dialects in generic form: what a discardable
// attribute keeps. Inherent attributes are brought into the form of the op table afterwards
// (canonical.c).
#include <inttypes.h>

#include "import/bytecode/reader.h"
#include "ir/float_bits.h"

enum {
  VHLO_ARRAY = 1,
  VHLO_BOOL = 2,
  VHLO_DICT = 6,
  VHLO_FLOAT = 8,
  VHLO_INTEGER = 9,
  VHLO_ALIAS = 10,
  VHLO_STRING = 14,
  VHLO_TENSOR = 15,
  VHLO_TYPE = 17,
  VHLO_BOUNDS = 18,
  VHLO_ACCURACY = 20,
  VHLO_SUB_AXIS = 21,
  VHLO_AXIS_REF = 22,
  VHLO_REPLICA_GROUP_MESH_AXES = 23,
  VHLO_MESH_AXIS = 24,
  VHLO_MESH = 25,
};

enum {
  BUILTIN_ARRAY = 0,
  BUILTIN_DICT = 1,
  BUILTIN_STRING = 2,
  BUILTIN_STRING_TYPED = 3,
  BUILTIN_SYMBOL = 4,
  BUILTIN_SYMBOL_NESTED = 5,
  BUILTIN_TYPE = 6,
  BUILTIN_UNIT = 7,
  BUILTIN_INTEGER = 8,
  BUILTIN_FLOAT = 9,
  BUILTIN_RESOURCE = 16,
  BUILTIN_DENSE_ARRAY = 17,
  BUILTIN_DENSE = 18,
};

// --------------------------------------------------------------------------------- shared pieces
static PjStatus array_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  uint32_t count;
  const PjAttr **elems;
  PJ_TRY(pj__bc_attr_list(bc, c, &count, &elems));
  *out = pj_attr_array(bc->arena, count, elems);
  return PJ_STATUS_OK;
}

PjStatus pj__bc_string_attr(PjBc *bc, PjCursor *c, const char *what, const PjAttr **out) {
  PjStr text;
  PJ_TRY(pj__bc_string(bc, c, what, &text));
  bc->weight += text.len / 16;
  *out = pj_attr_string(bc->arena, text);
  return PJ_STATUS_OK;
}

// Pairs of a name, which is a string attribute, and a value.
static PjStatus dict_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  PjCursor start = *c;
  uint32_t count;
  PJ_TRY(pj__cur_count(c, "a dictionary", &count));
  PjStr *names = PJ_NEW_ARRAY(bc->arena, PjStr, count);
  const PjAttr **values = PJ_NEW_ARRAY(bc->arena, const PjAttr *, count);
  for (uint32_t i = 0; i < count; ++i) {
    const PjAttr *name;
    PJ_TRY(pj__bc_attr(bc, c, &name));
    PJ_TRY(pj__bc_attr(bc, c, &values[i]));
    if (name->kind != PJ_ATTR_STRING)
      return pj__cur_error(&start, "a dictionary's key, expected a string");
    names[i] = name->str;
  }
  const PjAttr *dict = pj_attr_dict(bc->arena, count, names, values);
  for (uint32_t i = 1; i < count; ++i)
    if (pj_str_eq(dict->names[i - 1], dict->names[i]))
      return pj__cur_error(&start, "a dictionary has \"%.*s\" twice", PJ_STR_ARG(dict->names[i]));
  *out = dict;
  return PJ_STATUS_OK;
}

static PjStatus scalar_type(PjBc *bc, PjCursor *c, PjDtype *out) {
  PjCursor start = *c;
  const PjType *type;
  PJ_TRY(pj__bc_type(bc, c, &type));
  *out = type->kind == PJ_TYPE_SCALAR && !type->quant ? type->dtype : PJ_DT_INVALID;
  if (!*out)
    return pj__cur_error(&start, "a number of type %s, expected a scalar type",
                         pj_type_text(bc->arena, type));
  return PJ_STATUS_OK;
}

static PjStatus integer_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  PjCursor start = *c;
  PjDtype dtype;
  int64_t value;
  PJ_TRY(scalar_type(bc, c, &dtype));
  if (!pj_dtype_is_int(dtype) && dtype != PJ_DT_PRED)
    return pj__cur_error(&start, "an integer of type %s", pj_dtype_text(dtype));
  unsigned bits = pj_dtype_bits(dtype);
  PJ_TRY(pj__cur_apint(c, "an integer", bits, &value));
  if (pj_dtype_class(dtype) == PJ_CLASS_UINT && bits < 64)
    value &= ((int64_t)1 << bits) - 1;
  *out = dtype == PJ_DT_PRED ? pj_attr_bool(bc->arena, value & 1)
                             : pj_attr_int(bc->arena, value, dtype);
  return PJ_STATUS_OK;
}

static PjStatus float_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  PjCursor start = *c;
  PjDtype dtype;
  int64_t bits;
  PJ_TRY(scalar_type(bc, c, &dtype));
  if (!pj_dtype_is_float(dtype))
    return pj__cur_error(&start, "a float of type %s", pj_dtype_text(dtype));
  PJ_TRY(pj__cur_apint(c, "a float", pj_dtype_bits(dtype), &bits));
  *out = pj_attr_float(bc->arena, pj_float_from_bits(dtype, (uint64_t)bits), dtype);
  return PJ_STATUS_OK;
}

static PjStatus type_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  const PjType *type;
  PJ_TRY(pj__bc_type(bc, c, &type));
  *out = pj_attr_type(bc->arena, type);
  return PJ_STATUS_OK;
}

static PjStatus elements_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  PjCursor start = *c, blob;
  const PjType *type;
  uint64_t size;
  PJ_TRY(pj__bc_type(bc, c, &type));
  PJ_TRY(pj__cur_varint(c, "a constant's size", &size));
  PJ_TRY(pj__cur_take(c, "a constant", size, &blob));
  bc->weight += size / 64;
  return pj__bc_elements(bc, &start, type, blob, out);
}

PjStatus pj__bc_bounds(PjBc *bc, PjCursor *c, const PjAttr **out) {
  uint32_t count;
  int64_t *bounds;
  PJ_TRY(pj__cur_svarints(c, bc->arena, "bounds", &count, &bounds));
  bc->weight += count;
  *out = pj_attr_bounds(bc->arena, count, bounds);
  return PJ_STATUS_OK;
}

static PjStatus double_value(PjCursor *c, double *out) {
  int64_t bits;
  PJ_TRY(pj__cur_svarint(c, "a float", &bits));
  memcpy(out, &bits, sizeof *out);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- vhlo
PjStatus pj__bc_enum(PjBc *bc, PjCursor *c, PjEnumKind kind, const PjAttr **out) {
  PjCursor start = *c;
  uint64_t value;
  PJ_TRY(pj__cur_varint(c, "an enum's value", &value));
  if (value > INT8_MAX || !pj_enum_text(kind, (int64_t)value))
    return pj__cur_error(&start, "%s %" PRIu64 " is unknown; %s", pj_enum_name(kind), value,
                         pj__bc_versions(bc));
  *out = pj_attr_enum(bc->arena, kind, (int64_t)value);
  return PJ_STATUS_OK;
}

PjStatus pj__bc_alias(PjBc *bc, PjCursor *c, const PjAttr **out) {
  uint32_t num_outputs, num_operands;
  int64_t *outputs, *operands, operand;
  PJ_TRY(pj__cur_svarints(c, bc->arena, "output tuple indices", &num_outputs, &outputs));
  PJ_TRY(pj__cur_svarint(c, "an operand index", &operand));
  PJ_TRY(pj__cur_svarints(c, bc->arena, "operand tuple indices", &num_operands, &operands));
  bc->weight += num_outputs + (uint64_t)num_operands;
  *out = pj_attr_alias(bc->arena, num_outputs, outputs, operand, num_operands, operands);
  return PJ_STATUS_OK;
}

PjStatus pj__bc_accuracy(PjBc *bc, PjCursor *c, const PjAttr **out) {
  double atol, rtol;
  int64_t ulps;
  const PjAttr *mode;
  PJ_TRY(double_value(c, &atol));
  PJ_TRY(double_value(c, &rtol));
  PJ_TRY(pj__cur_svarint(c, "a number of ulps", &ulps));
  PjCursor start = *c;
  PJ_TRY(pj__bc_attr(bc, c, &mode));
  if (mode->kind != PJ_ATTR_ENUM || mode->enum_kind != PJ_ENUM_ACCURACY_MODE)
    return pj__cur_error(&start, "a result accuracy's mode, expected a result_accuracy_mode");
  *out = pj_attr_accuracy(bc->arena, atol, rtol, ulps, mode->i64);
  return PJ_STATUS_OK;
}

// A structure whose first |num_attrs| fields are attributes; |flagged| tells that the last one may
// be absent, by a number before it (vhlo) or a flag on it (stablehlo's mesh).
typedef enum Presence { ALWAYS, BY_NUMBER, BY_FLAG } Presence;

static PjStatus pair_attr(PjBc *bc, PjCursor *c, const char *name, const char *first,
                          const char *second, Presence presence, const PjAttr **out) {
  const PjAttr *values[2] = {0};
  PjStr names[2] = {pj_str(first), pj_str(second)};
  uint64_t present = 1;
  PJ_TRY(pj__bc_attr(bc, c, &values[0]));
  if (presence == BY_FLAG) {
    PJ_TRY(pj__bc_opt_attr(bc, c, &values[1]));
  } else {
    if (presence == BY_NUMBER)
      PJ_TRY(pj__cur_varint(c, "a presence flag", &present));
    if (present)
      PJ_TRY(pj__bc_attr(bc, c, &values[1]));
  }
  *out = pj_attr_struct(bc->arena, name, values[1] ? 2 : 1, names, values);
  return PJ_STATUS_OK;
}

static PjStatus sub_axis_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  int64_t pre_size, size;
  PJ_TRY(pj__cur_svarint(c, "a pre-size", &pre_size));
  PJ_TRY(pj__cur_svarint(c, "a size", &size));
  const PjAttr *values[] = {pj_attr_i64(bc->arena, pre_size), pj_attr_i64(bc->arena, size)};
  PjStr names[] = {PJ_STR("pre_size"), PJ_STR("size")};
  *out = pj_attr_struct(bc->arena, "stablehlo.sub_axis_info", 2, names, values);
  return PJ_STATUS_OK;
}

static PjStatus mesh_axis_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  const PjAttr *values[2];
  int64_t size;
  PJ_TRY(pj__bc_attr(bc, c, &values[0]));
  PJ_TRY(pj__cur_svarint(c, "a size", &size));
  values[1] = pj_attr_i64(bc->arena, size);
  PjStr names[] = {PJ_STR("name"), PJ_STR("size")};
  *out = pj_attr_struct(bc->arena, "stablehlo.mesh_axis", 2, names, values);
  return PJ_STATUS_OK;
}

// Here the name of a mesh is a plain string; in the IR it is the symbol that it stands for.
static PjStatus replica_group_mesh_axes_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  const PjAttr *values[2];
  PJ_TRY(pj__bc_attr(bc, c, &values[0]));
  PJ_TRY(pj__bc_attr(bc, c, &values[1]));
  if (values[0]->kind == PJ_ATTR_STRING)
    values[0] = pj_attr_symbol(bc->arena, values[0]->str);
  PjStr names[] = {PJ_STR("mesh"), PJ_STR("axes")};
  *out = pj_attr_struct(bc->arena, "stablehlo.replica_group_mesh_axes", 2, names, values);
  return PJ_STATUS_OK;
}

PjStatus pj__bc_attr_vhlo(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out) {
  static const int8_t enums[] = {
      [3] = PJ_ENUM_COMPARE_DIRECTION + 1, [4] = PJ_ENUM_COMPARE_TYPE + 1,
      [5] = PJ_ENUM_API_VERSION + 1,       [7] = PJ_ENUM_FFT_TYPE + 1,
      [11] = PJ_ENUM_PRECISION + 1,        [12] = PJ_ENUM_RNG_ALGORITHM + 1,
      [13] = PJ_ENUM_RNG_DISTRIBUTION + 1, [16] = PJ_ENUM_TRANSPOSE + 1,
      [19] = PJ_ENUM_ACCURACY_MODE + 1,
  };
  if (code < sizeof enums && enums[code])
    return pj__bc_enum(bc, c, (PjEnumKind)(enums[code] - 1), out);
  uint64_t value;
  switch (code) {
  case VHLO_ARRAY:
    return array_attr(bc, c, out);
  case VHLO_BOOL:
    PJ_TRY(pj__cur_varint(c, "a boolean", &value));
    *out = pj_attr_bool(bc->arena, value != 0);
    return PJ_STATUS_OK;
  case VHLO_DICT:
    return dict_attr(bc, c, out);
  case VHLO_FLOAT:
    return float_attr(bc, c, out);
  case VHLO_INTEGER:
    return integer_attr(bc, c, out);
  case VHLO_ALIAS:
    return pj__bc_alias(bc, c, out);
  case VHLO_STRING:
    return pj__bc_string_attr(bc, c, "a string", out);
  case VHLO_TENSOR:
    return elements_attr(bc, c, out);
  case VHLO_TYPE:
    return type_attr(bc, c, out);
  case VHLO_BOUNDS:
    return pj__bc_bounds(bc, c, out);
  case VHLO_ACCURACY:
    return pj__bc_accuracy(bc, c, out);
  case VHLO_SUB_AXIS:
    return sub_axis_attr(bc, c, out);
  case VHLO_AXIS_REF:
    return pair_attr(bc, c, "stablehlo.axis_ref", "name", "sub_axis_info", BY_NUMBER, out);
  case VHLO_REPLICA_GROUP_MESH_AXES:
    return replica_group_mesh_axes_attr(bc, c, out);
  case VHLO_MESH_AXIS:
    return mesh_axis_attr(bc, c, out);
  case VHLO_MESH:
    return pair_attr(bc, c, "stablehlo.mesh", "axes", "device_ids", BY_FLAG, out);
  default:
    return PJ_STATUS_OK;
  }
}

// ---------------------------------------------------------------------------------------- builtin
static PjStatus symbol_attr(PjBc *bc, PjCursor *c, bool nested, const PjAttr **out) {
  PjCursor start = *c;
  const PjAttr *root, **parts = NULL;
  uint32_t count = 0;
  PJ_TRY(pj__bc_attr(bc, c, &root));
  if (nested)
    PJ_TRY(pj__bc_attr_list(bc, c, &count, &parts));
  if (root->kind != PJ_ATTR_STRING)
    return pj__cur_error(&start, "a symbol's name, expected a string");
  size_t len = root->str.len;
  for (uint32_t i = 0; i < count; ++i) {
    if (parts[i]->kind != PJ_ATTR_SYMBOL)
      return pj__cur_error(&start, "a nested symbol, expected a symbol");
    len += 2 + parts[i]->str.len;
  }
  bc->weight += len / 16;
  char *text = pj_arena_calloc(bc->arena, len + 1, 1), *at = text;
  memcpy(at, root->str.ptr, root->str.len);
  at += root->str.len;
  for (uint32_t i = 0; i < count; ++i) {
    memcpy(at, "::", 2);
    memcpy(at + 2, parts[i]->str.ptr, parts[i]->str.len);
    at += 2 + parts[i]->str.len;
  }
  *out = pj_attr_symbol(bc->arena, (PjStr){text, len});
  return PJ_STATUS_OK;
}

// array<i64: 1, 2>, a blob of little-endian elements (booleans one byte each).
static PjStatus dense_array_attr(PjBc *bc, PjCursor *c, const PjAttr **out) {
  PjCursor start = *c, blob;
  PjDtype dtype;
  uint64_t count, size;
  PJ_TRY(scalar_type(bc, c, &dtype));
  PJ_TRY(pj__cur_varint(c, "an array's length", &count));
  PJ_TRY(pj__cur_varint(c, "an array's size", &size));
  PJ_TRY(pj__cur_take(c, "an array", size, &blob));
  size_t width = pj_dtype_bytes(dtype);
  if ((!pj_dtype_is_int(dtype) && dtype != PJ_DT_PRED) || pj_dtype_bits(dtype) % 8 > 1 ||
      count > UINT32_MAX / 2 || count != size / width || size % width)
    return pj__cur_error(&start, "an array of %" PRIu64 " %s in %" PRIu64 " bytes", count,
                         pj_dtype_text(dtype), size);
  bc->weight += count;
  int64_t *values = PJ_NEW_ARRAY(bc->arena, int64_t, count);
  bool is_signed = pj_dtype_class(dtype) == PJ_CLASS_SINT;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t bits = 0;
    memcpy(&bits, blob.at + i * width, width);
    unsigned shift = (unsigned)(64 - 8 * width);
    values[i] = is_signed ? (int64_t)(bits << shift) >> shift : (int64_t)bits;
  }
  if (dtype == PJ_DT_PRED) {
    for (uint64_t i = 0; i < count; ++i)
      values[i] = values[i] != 0;
    *out = pj_attr_bools(bc->arena, count, values);
    return PJ_STATUS_OK;
  }
  PjAttr *list = PJ_NEW(bc->arena, PjAttr);
  *list = *pj_attr_ints(bc->arena, count, values);
  if (dtype != PJ_DT_S64)
    list->type = pj_type_scalar(bc->arena, dtype, NULL);
  *out = list;
  return PJ_STATUS_OK;
}

PjStatus pj__bc_attr_builtin(PjBc *bc, PjCursor *c, uint64_t code, const PjAttr **out) {
  const PjType *type;
  switch (code) {
  case BUILTIN_ARRAY:
    return array_attr(bc, c, out);
  case BUILTIN_DICT:
    return dict_attr(bc, c, out);
  case BUILTIN_STRING:
    return pj__bc_string_attr(bc, c, "a string", out);
  case BUILTIN_STRING_TYPED:
    PJ_TRY(pj__bc_string_attr(bc, c, "a string", out));
    return pj__bc_type(bc, c, &type);
  case BUILTIN_SYMBOL:
    return symbol_attr(bc, c, false, out);
  case BUILTIN_SYMBOL_NESTED:
    return symbol_attr(bc, c, true, out);
  case BUILTIN_TYPE:
    return type_attr(bc, c, out);
  case BUILTIN_UNIT:
    *out = pj_attr_unit();
    return PJ_STATUS_OK;
  case BUILTIN_INTEGER:
    return integer_attr(bc, c, out);
  case BUILTIN_FLOAT:
    return float_attr(bc, c, out);
  case BUILTIN_RESOURCE:
    return PJ_ERROR(UNIMPLEMENTED, "bytecode, byte %zu: a constant kept as a resource",
                    (size_t)(c->at - c->file));
  case BUILTIN_DENSE_ARRAY:
    return dense_array_attr(bc, c, out);
  case BUILTIN_DENSE:
    return elements_attr(bc, c, out);
  default:
    return PJ_STATUS_OK;
  }
}

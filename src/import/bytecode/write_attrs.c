// Attributes for the writer: generic ones by their kind, inherent ones as VHLO spells them (lists
// of numbers are constant tensors, symbols are strings), locations.
#include "base/hash.h"
#include "import/bytecode/writer.h"
#include "ir/float_bits.h"

#define V(major, minor) ((major)*1000 + (minor))

enum {
  FORM_SPEC = 2
}; // in keys of |seen|: the form of an inherent attribute is FORM_SPEC + its kind
_Static_assert(FORM_SPEC + PJ_SPEC_ANY < 64, "keys of |seen| have room for 64 forms");

static void put(PjBcw *w, PjTokens *t, uint64_t value) {
  pj__bcw_put(w, t, PJ_TOKEN_VARINT, value);
}

static void put_signed(PjBcw *w, PjTokens *t, int64_t value) {
  pj__bcw_put(w, t, PJ_TOKEN_SVARINT, (uint64_t)value);
}

static void put_double(PjBcw *w, PjTokens *t, double value) {
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  put_signed(w, t, bits);
}

void pj__bcw_put_ints(PjBcw *w, PjTokens *t, uint32_t count, const int64_t *values) {
  put(w, t, count);
  for (uint32_t i = 0; i < count; ++i)
    put_signed(w, t, values[i]);
}

PjStatus pj__bcw_put_attr(PjBcw *w, PjTokens *t, const PjAttr *attr, PjBcwForm form) {
  uint32_t number;
  PJ_TRY(pj__bcw_attr(w, attr, form, &number));
  pj__bcw_put(w, t, PJ_TOKEN_ATTR, number);
  return PJ_STATUS_OK;
}

static PjStatus put_type(PjBcw *w, PjTokens *t, const PjType *type, PjBcwForm form) {
  uint32_t number;
  PJ_TRY(pj__bcw_type(w, type, form, &number));
  pj__bcw_put(w, t, PJ_TOKEN_TYPE, number);
  return PJ_STATUS_OK;
}

static uint32_t finish(PjBcw *w, PjBcwDialect dialect, const PjTokens *t) {
  return pj__bcw_intern(w, &w->attrs, dialect, t);
}

static PjBcwDialect dialect_of(PjBcwForm form) {
  return form == PJ_BCW_AS_VHLO ? PJ_BCW_VHLO : PJ_BCW_BUILTIN;
}

static uint32_t string_number(PjBcw *w, PjStr text, PjBcwForm form) {
  PjTokens t = {0};
  put(w, &t, form == PJ_BCW_AS_VHLO ? 14 : 2);
  pj__bcw_put(w, &t, PJ_TOKEN_STRING, pj__bcw_string(w, text));
  return finish(w, dialect_of(form), &t);
}

// ----------------------------------------------------------------------------------------
// constants Eight booleans to a byte, lowest bit first; equal ones are a single byte of 0x00 or
// 0xFF.
static uint32_t boolean_blob(PjBcw *w, const uint8_t *values, size_t count, bool splat) {
  bool all = true;
  for (size_t i = 1; !splat && i < count; ++i)
    all = all && values[i] == values[0];
  if (count && (splat || all))
    return pj__bcw_blob(w, values[0] ? "\xFF" : "\0", 1);
  uint8_t *packed = pj_arena_alloc(w->arena, count / 8 + 1);
  for (size_t i = 0; i < count; ++i)
    packed[i / 8] |= (uint8_t)((values[i] & 1) << i % 8);
  return pj__bcw_blob(w, packed, (count + 7) / 8);
}

static uint32_t narrow_blob(PjBcw *w, const uint8_t *values, size_t size, unsigned bits) {
  uint8_t *masked = pj_arena_alloc(w->arena, size);
  for (size_t i = 0; i < size; ++i)
    masked[i] = values[i] & (uint8_t)((1u << bits) - 1);
  return pj__bcw_blob(w, masked, size);
}

static PjStatus elements(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out) {
  PjDtype dtype = attr->type->dtype;
  unsigned bits = pj_dtype_bits(dtype);
  int64_t count;
  PjTokens t = {0};
  if (!pj_type_num_elements(attr->type, &count))
    return pj__bcw_refuse(w, "a constant of type %s", pj_type_text(w->arena, attr->type));
  uint32_t blob = dtype == PJ_DT_PRED ? boolean_blob(w, attr->data, (size_t)count, attr->splat)
                  : bits < 8          ? narrow_blob(w, attr->data, attr->data_size, bits)
                                      : pj__bcw_blob(w, attr->data, attr->data_size);
  put(w, &t, form == PJ_BCW_AS_VHLO ? 15 : 18);
  PJ_TRY(put_type(w, &t, attr->type, form));
  pj__bcw_put(w, &t, PJ_TOKEN_BLOB, blob);
  *out = finish(w, dialect_of(form), &t);
  return PJ_STATUS_OK;
}

// A list or matrix of numbers as a constant tensor.
static PjStatus number_tensor(PjBcw *w, PjDtype dtype, int32_t rank, const int64_t *dims,
                              const int64_t *values, PjBcwForm form, uint32_t *out) {
  size_t width = pj_dtype_bytes(dtype), count = 1;
  for (int32_t i = 0; i < rank; ++i)
    count *= (size_t)dims[i];
  uint8_t *data = pj_arena_calloc(w->arena, count, width);
  for (size_t i = 0; i < count; ++i)
    memcpy(data + i * width, &values[i], width);
  bool splat = count > 1;
  for (size_t i = 1; splat && i < count; ++i)
    splat = values[i] == values[0];
  const PjType *type = pj_type_tensor(w->arena, dtype, rank, dims);
  return elements(w, pj_attr_elements(w->arena, type, data, splat ? width : count * width, splat),
                  form, out);
}

static PjStatus number_list(PjBcw *w, const PjAttr *attr, PjDtype dtype, PjBcwForm form,
                            uint32_t *out) {
  int64_t dims[2] = {attr->count, 0};
  if (attr->columns >= 0) {
    dims[0] = attr->columns ? attr->count / (uint32_t)attr->columns : 0;
    dims[1] = attr->columns;
  }
  return number_tensor(w, dtype, attr->columns >= 0 ? 2 : 1, dims, attr->ints, form, out);
}

static PjStatus dense_array(PjBcw *w, const PjAttr *attr, PjDtype dtype, uint32_t *out) {
  size_t width = pj_dtype_bytes(dtype);
  uint8_t *data = pj_arena_calloc(w->arena, attr->count, width);
  for (uint32_t i = 0; i < attr->count; ++i)
    memcpy(data + i * width, &attr->ints[i], width);
  PjTokens t = {0};
  put(w, &t, 17);
  PJ_TRY(put_type(w, &t, pj_type_scalar(w->arena, dtype, NULL), PJ_BCW_AS_BUILTIN));
  put(w, &t, attr->count);
  pj__bcw_put(w, &t, PJ_TOKEN_BLOB, pj__bcw_blob(w, data, attr->count * width));
  *out = finish(w, PJ_BCW_BUILTIN, &t);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- generic
// attributes An integer or float: its type, then as many bits as that has. Wider than a byte it is
// a zigzag of the value without its sign.
static PjStatus number(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out) {
  bool is_float = attr->kind == PJ_ATTR_FLOAT;
  PjDtype dtype = attr->type ? attr->type->dtype : PJ_DT_S64;
  unsigned bits = pj_dtype_bits(dtype);
  uint64_t value = is_float ? pj_float_to_bits(dtype, attr->f64) : (uint64_t)attr->i64;
  if (bits < 64)
    value &= ((uint64_t)1 << bits) - 1;
  PjTokens t = {0};
  put(w, &t, is_float ? (form == PJ_BCW_AS_VHLO ? 8 : 9) : (form == PJ_BCW_AS_VHLO ? 9 : 8));
  PJ_TRY(put_type(w, &t, pj_type_scalar(w->arena, dtype, NULL), form));
  if (bits <= 8)
    pj__bcw_put(w, &t, PJ_TOKEN_BYTE, value);
  else
    put_signed(w, &t, (int64_t)value);
  *out = finish(w, dialect_of(form), &t);
  return PJ_STATUS_OK;
}

static PjStatus boolean(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out) {
  PjTokens t = {0};
  put(w, &t, form == PJ_BCW_AS_VHLO ? 2 : 8);
  if (form == PJ_BCW_AS_VHLO) {
    put(w, &t, attr->i64 != 0);
  } else {
    PJ_TRY(put_type(w, &t, pj_type_scalar(w->arena, PJ_DT_PRED, NULL), form));
    pj__bcw_put(w, &t, PJ_TOKEN_BYTE, attr->i64 != 0);
  }
  *out = finish(w, dialect_of(form), &t);
  return PJ_STATUS_OK;
}

static PjStatus symbol(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out) {
  *out = string_number(w, attr->str, form);
  if (form == PJ_BCW_AS_VHLO)
    return PJ_STATUS_OK;
  PjTokens t = {0};
  put(w, &t, 4);
  pj__bcw_put(w, &t, PJ_TOKEN_ATTR, *out);
  *out = finish(w, PJ_BCW_BUILTIN, &t);
  return PJ_STATUS_OK;
}

static PjStatus array(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out) {
  PjTokens t = {0};
  put(w, &t, form == PJ_BCW_AS_VHLO ? 1 : 0);
  put(w, &t, attr->count);
  for (uint32_t i = 0; i < attr->count; ++i)
    PJ_TRY(pj__bcw_put_attr(w, &t, attr->elems[i], form));
  *out = finish(w, dialect_of(form), &t);
  return PJ_STATUS_OK;
}

static PjStatus dictionary(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out) {
  PjTokens t = {0};
  put(w, &t, form == PJ_BCW_AS_VHLO ? 6 : 1);
  put(w, &t, attr->count);
  for (uint32_t i = 0; i < attr->count; ++i) {
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, string_number(w, attr->names[i], form));
    PJ_TRY(pj__bcw_put_attr(w, &t, attr->elems[i], form));
  }
  *out = finish(w, dialect_of(form), &t);
  return PJ_STATUS_OK;
}

PjStatus pj__bcw_dict(PjBcw *w, uint32_t count, const PjStr *names, const uint32_t *values,
                      uint32_t *out) {
  PjTokens t = {0};
  put(w, &t, 1);
  put(w, &t, count);
  for (uint32_t i = 0; i < count; ++i) {
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, string_number(w, names[i], PJ_BCW_AS_BUILTIN));
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, values[i]);
  }
  *out = finish(w, PJ_BCW_BUILTIN, &t);
  return PJ_STATUS_OK;
}

static PjStatus unit(PjBcw *w, PjBcwForm form, uint32_t *out) {
  PjTokens t = {0};
  if (form == PJ_BCW_AS_VHLO)
    PJ_TRY(pj__bcw_needs(w, V(1, 11), "a unit attribute"));
  put(w, &t, 7);
  *out = finish(w, PJ_BCW_BUILTIN, &t);
  return PJ_STATUS_OK;
}

static PjStatus type(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out) {
  PjTokens t = {0};
  put(w, &t, form == PJ_BCW_AS_VHLO ? 17 : 6);
  PJ_TRY(put_type(w, &t, attr->type, form));
  *out = finish(w, dialect_of(form), &t);
  return PJ_STATUS_OK;
}

static uint32_t enumeration(PjBcw *w, PjEnumKind kind, int64_t value) {
  static const uint8_t codes[PJ_ENUM_COUNT] = {
      [PJ_ENUM_COMPARE_DIRECTION] = 3, [PJ_ENUM_COMPARE_TYPE] = 4, [PJ_ENUM_API_VERSION] = 5,
      [PJ_ENUM_FFT_TYPE] = 7,          [PJ_ENUM_PRECISION] = 11,   [PJ_ENUM_RNG_ALGORITHM] = 12,
      [PJ_ENUM_RNG_DISTRIBUTION] = 13, [PJ_ENUM_TRANSPOSE] = 16,   [PJ_ENUM_ACCURACY_MODE] = 19,
  };
  PjTokens t = {0};
  put(w, &t, codes[kind]);
  put(w, &t, (uint64_t)value);
  return finish(w, PJ_BCW_VHLO, &t);
}

// ---------------------------------------------------------------------------------------- vhlo's
// own
static PjStatus alias(PjBcw *w, const PjAttr *attr, uint32_t *out) {
  PjTokens t = {0};
  put(w, &t, 10);
  pj__bcw_put_ints(w, &t, attr->count, attr->ints);
  put_signed(w, &t, attr->i64);
  pj__bcw_put_ints(w, &t, attr->more->count, attr->more->ints);
  *out = finish(w, PJ_BCW_VHLO, &t);
  return PJ_STATUS_OK;
}

static PjStatus accuracy(PjBcw *w, const PjAttr *attr, uint32_t *out) {
  PjTokens t = {0};
  PJ_TRY(pj__bcw_needs(w, V(1, 9), "a result accuracy"));
  put(w, &t, 20);
  put_double(w, &t, attr->f64);
  put_double(w, &t, attr->f64b);
  put_signed(w, &t, attr->i64);
  pj__bcw_put(w, &t, PJ_TOKEN_ATTR, enumeration(w, PJ_ENUM_ACCURACY_MODE, attr->i64b));
  *out = finish(w, PJ_BCW_VHLO, &t);
  return PJ_STATUS_OK;
}

static PjStatus field(PjBcw *w, const PjAttr *attr, const char *name, PjAttrKind kind,
                      const PjAttr **out) {
  *out = pj_attr_get(attr, name);
  if (!*out || (*out)->kind != kind)
    return pj__bcw_refuse(w, "attribute %.*s without a proper field %s", PJ_STR_ARG(attr->str),
                          name);
  return PJ_STATUS_OK;
}

static PjStatus put_int_field(PjBcw *w, PjTokens *t, const PjAttr *attr, const char *name) {
  const PjAttr *value;
  PJ_TRY(field(w, attr, name, PJ_ATTR_INT, &value));
  put_signed(w, t, value->i64);
  return PJ_STATUS_OK;
}

static PjStatus put_field(PjBcw *w, PjTokens *t, const PjAttr *attr, const char *name) {
  const PjAttr *value = pj_attr_get(attr, name);
  if (!value)
    return pj__bcw_refuse(w, "attribute %.*s without a field %s", PJ_STR_ARG(attr->str), name);
  return pj__bcw_put_attr(w, t, value, PJ_BCW_AS_VHLO);
}

// Meshes in replica groups.
static PjStatus mesh_struct(PjBcw *w, const PjAttr *attr, uint32_t *out) {
  PjTokens t = {0};
  const PjAttr *optional;
  PJ_TRY(pj__bcw_needs(w, V(1, 16), "a replica group over mesh axes"));
  if (pj_str_is(attr->str, "stablehlo.sub_axis_info")) {
    put(w, &t, 21);
    PJ_TRY(put_int_field(w, &t, attr, "pre_size"));
    PJ_TRY(put_int_field(w, &t, attr, "size"));
  } else if (pj_str_is(attr->str, "stablehlo.axis_ref")) {
    optional = pj_attr_get(attr, "sub_axis_info");
    put(w, &t, 22);
    PJ_TRY(put_field(w, &t, attr, "name"));
    put(w, &t, optional != NULL);
    if (optional)
      PJ_TRY(pj__bcw_put_attr(w, &t, optional, PJ_BCW_AS_VHLO));
  } else if (pj_str_is(attr->str, "stablehlo.replica_group_mesh_axes")) {
    put(w, &t, 23);
    PJ_TRY(put_field(w, &t, attr, "mesh"));
    PJ_TRY(put_field(w, &t, attr, "axes"));
  } else if (pj_str_is(attr->str, "stablehlo.mesh_axis")) {
    put(w, &t, 24);
    PJ_TRY(put_field(w, &t, attr, "name"));
    PJ_TRY(put_int_field(w, &t, attr, "size"));
  } else if (pj_str_is(attr->str, "stablehlo.mesh")) {
    uint32_t ids = 0;
    optional = pj_attr_get(attr, "device_ids");
    put(w, &t, 25);
    PJ_TRY(put_field(w, &t, attr, "axes"));
    if (optional)
      PJ_TRY(pj__bcw_attr(w, optional, PJ_BCW_AS_VHLO, &ids));
    pj__bcw_put(w, &t, PJ_TOKEN_OPT_ATTR, optional ? ids + (uint64_t)1 : 0);
  } else {
    return pj__bcw_refuse(w, "attribute %.*s", PJ_STR_ARG(attr->str));
  }
  *out = finish(w, PJ_BCW_VHLO, &t);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- dispatch
static PjStatus vhlo_only(PjBcw *w, const PjAttr *attr, uint32_t *out) {
  switch (attr->kind) {
  case PJ_ATTR_ENUM:
    *out = enumeration(w, attr->enum_kind, attr->i64);
    return PJ_STATUS_OK;
  case PJ_ATTR_ALIAS:
    return alias(w, attr, out);
  case PJ_ATTR_ACCURACY:
    return accuracy(w, attr, out);
  case PJ_ATTR_BOUNDS: {
    PjTokens t = {0};
    put(w, &t, 18);
    pj__bcw_put_ints(w, &t, attr->count, attr->ints);
    *out = finish(w, PJ_BCW_VHLO, &t);
    return PJ_STATUS_OK;
  }
  default:
    return pj__bcw_refuse(w, "an attribute that VHLO does not have");
  }
}

static PjStatus encode(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out) {
  PjDtype dtype = attr->type && attr->kind == PJ_ATTR_INTS ? attr->type->dtype : PJ_DT_S64;
  bool vhlo = form == PJ_BCW_AS_VHLO;
  switch (attr->kind) {
  case PJ_ATTR_UNIT:
    return unit(w, form, out);
  case PJ_ATTR_BOOL:
    return boolean(w, attr, form, out);
  case PJ_ATTR_INT:
  case PJ_ATTR_FLOAT:
    return number(w, attr, form, out);
  case PJ_ATTR_STRING:
    *out = string_number(w, attr->str, form);
    return PJ_STATUS_OK;
  case PJ_ATTR_SYMBOL:
    return symbol(w, attr, form, out);
  case PJ_ATTR_TYPE:
    return type(w, attr, form, out);
  case PJ_ATTR_INTS:
    if (!vhlo && attr->columns < 0)
      return dense_array(w, attr, dtype, out);
    return number_list(w, attr, dtype, form, out);
  case PJ_ATTR_BOOLS:
    if (!vhlo)
      return dense_array(w, attr, PJ_DT_PRED, out);
    return number_list(w, attr, PJ_DT_PRED, form, out);
  case PJ_ATTR_ARRAY:
    return array(w, attr, form, out);
  case PJ_ATTR_DICT:
    return dictionary(w, attr, form, out);
  case PJ_ATTR_ELEMENTS:
    return elements(w, attr, form, out);
  case PJ_ATTR_STRUCT:
    if (pj_str_starts(attr->str, "sdy."))
      return pj__bcw_sdy(w, attr, out);
    if (vhlo)
      return mesh_struct(w, attr, out);
    break;
  case PJ_ATTR_ENUM:
  case PJ_ATTR_ALIAS:
  case PJ_ATTR_ACCURACY:
  case PJ_ATTR_CHANNEL:
  case PJ_ATTR_BOUNDS:
    if (vhlo)
      return vhlo_only(w, attr, out);
    break;
  }
  return pj__bcw_refuse(w, "a StableHLO attribute on an operation of another dialect");
}

PjStatus pj__bcw_attr(PjBcw *w, const PjAttr *attr, PjBcwForm form, uint32_t *out) {
  uint64_t key = pj_map_ptr(attr) * 64 + form;
  uint64_t *seen = pj_map_find(&w->seen, key);
  if (seen) {
    *out = (uint32_t)*seen;
    return PJ_STATUS_OK;
  }
  PJ_TRY(encode(w, attr, form, out));
  pj_map_set(w->arena, &w->seen, key, *out);
  return PJ_STATUS_OK;
}

// ---------------------------------------------------------------------------------------- inherent
// attributes
static PjStatus layouts(PjBcw *w, const PjAttr *attr, uint32_t *out) {
  PjTokens t = {0};
  put(w, &t, 1);
  put(w, &t, attr->count);
  for (uint32_t i = 0; i < attr->count; ++i) {
    uint32_t layout;
    PJ_TRY(number_list(w, attr->elems[i], PJ_DT_INDEX, PJ_BCW_AS_VHLO, &layout));
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, layout);
  }
  *out = finish(w, PJ_BCW_VHLO, &t);
  return PJ_STATUS_OK;
}

// Writers of send and recv spell no pairs as an empty list, those of collective_permute as an empty
// matrix.
static PjStatus pairs(PjBcw *w, const PjAttr *attr, uint32_t *out) {
  bool list = !attr->count && w->op && (w->op->kind == PJ_OP_SEND || w->op->kind == PJ_OP_RECV);
  int64_t dims[2] = {attr->count / 2, 2};
  return number_tensor(w, PJ_DT_S64, list ? 1 : 2, dims, attr->ints, PJ_BCW_AS_VHLO, out);
}

PjStatus pj__bcw_inherent(PjBcw *w, const PjAttr *attr, const PjAttrSpec *spec, uint32_t *out) {
  if (!attr)
    return pj__bcw_refuse(w, "no attribute %s", pj_key_text[spec->key]);
  if (spec->kind == PJ_SPEC_I64X2 && attr->kind == PJ_ATTR_INTS)
    return pairs(w, attr, out);
  if (spec->kind != PJ_SPEC_LAYOUTS || attr->kind != PJ_ATTR_ARRAY)
    return pj__bcw_attr(w, attr, PJ_BCW_AS_VHLO, out);
  for (uint32_t i = 0; i < attr->count; ++i)
    if (attr->elems[i]->kind != PJ_ATTR_INTS)
      return pj__bcw_refuse(w, "a layout that is not a list");
  uint64_t key = pj_map_ptr(attr) * 64 + FORM_SPEC + spec->kind;
  uint64_t *seen = pj_map_find(&w->seen, key);
  if (seen) {
    *out = (uint32_t)*seen;
    return PJ_STATUS_OK;
  }
  PJ_TRY(layouts(w, attr, out));
  pj_map_set(w->arena, &w->seen, key, *out);
  return PJ_STATUS_OK;
}

// ----------------------------------------------------------------------------------------
// locations
static uint32_t loc_number(PjBcw *w, const PjLoc *loc) {
  uint32_t number;
  pj__bcw_loc(w, loc, &number);
  return number;
}

// Readers before 1.9 know no ranges.
static void put_file(PjBcw *w, PjTokens *t, const PjLoc *loc) {
  bool range = (loc->end_line || loc->end_column) && w->version >= V(1, 9);
  bool one_line = loc->end_line == loc->line;
  put(w, t, range ? 22 : 11);
  pj__bcw_put(w, t, PJ_TOKEN_ATTR, string_number(w, loc->text, PJ_BCW_AS_BUILTIN));
  if (range)
    put(w, t, one_line ? 3 : 4);
  put(w, t, loc->line);
  put(w, t, loc->column);
  if (range && !one_line)
    put(w, t, loc->end_line);
  if (range)
    put(w, t, loc->end_column);
}

void pj__bcw_loc(PjBcw *w, const PjLoc *loc, uint32_t *out) {
  uint64_t key = pj_map_ptr(loc) * 64, *seen = pj_map_find(&w->seen, key);
  if (seen) {
    *out = (uint32_t)*seen;
    return;
  }
  PjTokens t = {0};
  switch (loc ? loc->kind : PJ_LOC_UNKNOWN) {
  case PJ_LOC_UNKNOWN:
    put(w, &t, 15);
    break;
  case PJ_LOC_FILE:
    put_file(w, &t, loc);
    break;
  case PJ_LOC_NAME: {
    uint32_t child = loc_number(w, loc->child);
    put(w, &t, 14);
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, string_number(w, loc->text, PJ_BCW_AS_BUILTIN));
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, child);
    break;
  }
  case PJ_LOC_CALLSITE:
    put(w, &t, 10);
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, loc_number(w, loc->child));
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, loc_number(w, loc->caller));
    break;
  case PJ_LOC_FUSED:
    put(w, &t, 12);
    put(w, &t, loc->count);
    for (uint32_t i = 0; i < loc->count; ++i)
      pj__bcw_put(w, &t, PJ_TOKEN_ATTR, loc_number(w, loc->parts[i]));
    break;
  }
  *out = finish(w, PJ_BCW_BUILTIN, &t);
  pj_map_set(w->arena, &w->seen, key, *out);
}

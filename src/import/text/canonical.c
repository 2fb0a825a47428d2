// Brings the attributes of an operation as they are written in text into the form of ops.def:
// structured attributes become one attribute per field, tensors become integer lists, every
// attribute has the kind that its row in the op table asks for; what the table does not know
// becomes discardable.
#include <inttypes.h>

#include "import/text/text.h"
#include "ir/form.h"

enum { MAX_LIST = 1 << 20 }; // elements that a splat of integers may stand for in a list

typedef struct Convert {
  PjText *t;
  const PjOp *op;
  const PjRawAttr *raw;
} Convert;

static PjStatus wrong(const Convert *c, const char *expected) {
  return pj_text_error(c->t, c->raw->at, "attribute '%.*s' of %s: expected %s",
                       PJ_STR_ARG(c->raw->name), pj_op_info[c->op->kind].text, expected);
}

static bool is_number(const PjAttr *attr, PjAttrKind kind, PjDtype dtype) {
  return attr->kind == kind && attr->type && attr->type->dtype == dtype;
}

// ------------------------------------------------------------------------------------- integer
// lists
static int64_t load_int(PjDtype dtype, const void *from) {
  uint64_t bits = 0;
  size_t size = pj_dtype_bytes(dtype);
  memcpy(&bits, from, size);
  unsigned unused = 64 - 8 * (unsigned)size;
  return pj_dtype_class(dtype) == PJ_CLASS_SINT ? (int64_t)(bits << unused) >> unused
                                                : (int64_t)bits;
}

// The elements of an integer tensor as a list of int64 in the arena.
static PjStatus expand(const Convert *c, const PjAttr *attr, int64_t *out_count, int64_t **out) {
  PjDtype dtype = attr->type->dtype;
  int64_t count;
  if (!pj_type_num_elements(attr->type, &count) || count > MAX_LIST)
    return wrong(c, "fewer elements");
  size_t size = pj_dtype_bytes(dtype);
  *out = PJ_NEW_ARRAY(c->t->arena, int64_t, (size_t)count);
  for (int64_t i = 0; i < count; ++i)
    (*out)[i] = load_int(dtype, (const char *)attr->data + (attr->splat ? 0 : (size_t)i * size));
  *out_count = count;
  return PJ_STATUS_OK;
}

static bool is_list(const PjAttr *attr) {
  return attr->kind == PJ_ATTR_INTS && attr->columns < 0 && !attr->type;
}

static PjStatus int_list(const Convert *c, const PjAttr *attr, PjDtype dtype, const char *expected,
                         const PjAttr **out) {
  if (is_list(attr) && dtype == PJ_DT_S64) {
    *out = attr;
    return PJ_STATUS_OK;
  }
  if (attr->kind == PJ_ATTR_BOOLS && dtype == PJ_DT_PRED) {
    *out = attr;
    return PJ_STATUS_OK;
  }
  if (attr->kind != PJ_ATTR_ELEMENTS || attr->type->dtype != dtype || attr->type->rank != 1)
    return wrong(c, expected);
  int64_t count, *values;
  PJ_TRY(expand(c, attr, &count, &values));
  *out = dtype == PJ_DT_PRED ? pj_attr_bools(c->t->arena, (size_t)count, values)
                             : pj_attr_ints(c->t->arena, (size_t)count, values);
  return PJ_STATUS_OK;
}

// A matrix of i64. An empty one may have any rank and shape; it becomes 0 x |columns| if that is
// not -1.
static PjStatus matrix(const Convert *c, const PjAttr *attr, int64_t columns, const char *expected,
                       const PjAttr **out) {
  if (attr->kind != PJ_ATTR_ELEMENTS || attr->type->dtype != PJ_DT_S64)
    return wrong(c, expected);
  const PjType *type = attr->type;
  int64_t count, *values;
  PJ_TRY(expand(c, attr, &count, &values));
  bool fits = type->rank == 2 && (columns < 0 || type->dims[1] == columns);
  if (!fits && !(count == 0 && columns >= 0))
    return wrong(c, expected);
  if (columns < 0)
    columns = type->dims[1];
  if (count == 0) {
    *out = pj_attr_matrix(c->t->arena, 0, columns > INT32_MAX ? 0 : (size_t)columns, values);
    return PJ_STATUS_OK;
  }
  *out = pj_attr_matrix(c->t->arena, (size_t)(count / columns), (size_t)columns, values);
  return PJ_STATUS_OK;
}

// ------------------------------------------------------------------------------------- arrays
static PjStatus array_of(const Convert *c, const PjAttr *attr, PjAttrKind kind,
                         const char *expected, const PjAttr **out) {
  if (attr->kind != PJ_ATTR_ARRAY)
    return wrong(c, expected);
  for (uint32_t i = 0; i < attr->count; ++i)
    if (attr->elems[i]->kind != kind ||
        (kind == PJ_ATTR_ENUM && attr->elems[i]->enum_kind != PJ_ENUM_PRECISION))
      return wrong(c, expected);
  *out = attr;
  return PJ_STATUS_OK;
}

static PjStatus layouts(const Convert *c, const PjAttr *attr, const PjAttr **out) {
  static const char expected[] = "a list of rank-1 tensors of index";
  if (attr->kind != PJ_ATTR_ARRAY)
    return wrong(c, expected);
  const PjAttr **elems = PJ_NEW_ARRAY(c->t->arena, const PjAttr *, attr->count);
  for (uint32_t i = 0; i < attr->count; ++i)
    PJ_TRY(int_list(c, attr->elems[i], PJ_DT_INDEX, expected, &elems[i]));
  *out = pj_attr_array(c->t->arena, attr->count, elems);
  return PJ_STATUS_OK;
}

static PjStatus api_version(const Convert *c, const PjAttr *attr, const PjAttr **out) {
  if (!is_number(attr, PJ_ATTR_INT, PJ_DT_S32) || !pj_enum_text(PJ_ENUM_API_VERSION, attr->i64))
    return wrong(c, "an API version: 0 to 4 of type i32");
  *out = pj_attr_enum(c->t->arena, PJ_ENUM_API_VERSION, attr->i64);
  return PJ_STATUS_OK;
}

static PjStatus enum_value(const Convert *c, const PjAttr *attr, PjEnumKind kind,
                           const PjAttr **out) {
  *out = attr;
  if (attr->kind == PJ_ATTR_ENUM && attr->enum_kind == kind)
    return PJ_STATUS_OK;
  return pj_text_error(c->t, c->raw->at, "attribute '%.*s' of %s: expected #stablehlo<%s ...>",
                       PJ_STR_ARG(c->raw->name), pj_op_info[c->op->kind].text, pj_enum_name(kind));
}

// ------------------------------------------------------------------------------------- one
// attribute
static PjStatus plain(const Convert *c, bool ok, const char *expected, const PjAttr *attr,
                      const PjAttr **out) {
  *out = attr;
  return ok ? PJ_STATUS_OK : wrong(c, expected);
}

static PjStatus convert(const Convert *c, const PjAttrSpec *spec, const PjAttr *attr,
                        const PjAttr **out) {
  PjAttrKind kind = attr->kind;
  bool is_none = kind == PJ_ATTR_TYPE && attr->type->kind == PJ_TYPE_NONE;
  switch (spec->kind) {
  case PJ_SPEC_I64:
    return plain(c, is_number(attr, PJ_ATTR_INT, PJ_DT_S64), "an integer of type i64", attr, out);
  case PJ_SPEC_I32:
    return plain(c, is_number(attr, PJ_ATTR_INT, PJ_DT_S32), "an integer of type i32", attr, out);
  case PJ_SPEC_U64:
    return plain(c, is_number(attr, PJ_ATTR_INT, PJ_DT_U64), "an integer of type ui64", attr, out);
  case PJ_SPEC_F32:
    return plain(c, is_number(attr, PJ_ATTR_FLOAT, PJ_DT_F32), "a number of type f32", attr, out);
  case PJ_SPEC_F64:
    return plain(c, is_number(attr, PJ_ATTR_FLOAT, PJ_DT_F64), "a number of type f64", attr, out);
  case PJ_SPEC_BOOL:
    if (kind == PJ_ATTR_UNIT)
      attr = pj_attr_bool(c->t->arena, true);
    return plain(c, attr->kind == PJ_ATTR_BOOL, "true, false or no value", attr, out);
  case PJ_SPEC_STR:
    return plain(c, kind == PJ_ATTR_STRING, "a string", attr, out);
  case PJ_SPEC_SYM:
    return plain(c, kind == PJ_ATTR_SYMBOL, "a symbol (@name)", attr, out);
  case PJ_SPEC_SYMS:
    return array_of(c, attr, PJ_ATTR_SYMBOL, "a list of symbols", out);
  case PJ_SPEC_TYPE:
    return plain(c, kind == PJ_ATTR_TYPE, "a type", attr, out);
  case PJ_SPEC_I64_OR_NONE:
    return plain(c, is_none || is_number(attr, PJ_ATTR_INT, PJ_DT_S64), "an integer", attr, out);
  case PJ_SPEC_BOOL_OR_NONE:
    return plain(c, is_none || kind == PJ_ATTR_BOOL, "true or false", attr, out);
  case PJ_SPEC_I64S:
    return int_list(c, attr, PJ_DT_S64, "a list of i64", out);
  case PJ_SPEC_I64X2:
    return matrix(c, attr, 2, "a tensor<Nx2xi64>", out);
  case PJ_SPEC_BOOLS:
    return int_list(c, attr, PJ_DT_PRED, "a list of i1", out);
  case PJ_SPEC_REPLICA_GROUPS:
    if (kind == PJ_ATTR_STRUCT && pj_str_is(attr->str, "stablehlo.replica_group_mesh_axes"))
      return plain(c, true, "", attr, out);
    return matrix(c, attr, -1, "replica groups: a rank 2 tensor of i64", out);
  case PJ_SPEC_COMPARE_DIRECTION:
    return enum_value(c, attr, PJ_ENUM_COMPARE_DIRECTION, out);
  case PJ_SPEC_COMPARE_TYPE:
    return enum_value(c, attr, PJ_ENUM_COMPARE_TYPE, out);
  case PJ_SPEC_API_VERSION:
    return api_version(c, attr, out);
  case PJ_SPEC_FFT_TYPE:
    return enum_value(c, attr, PJ_ENUM_FFT_TYPE, out);
  case PJ_SPEC_RNG_ALGORITHM:
    return enum_value(c, attr, PJ_ENUM_RNG_ALGORITHM, out);
  case PJ_SPEC_RNG_DISTRIBUTION:
    return enum_value(c, attr, PJ_ENUM_RNG_DISTRIBUTION, out);
  case PJ_SPEC_TRANSPOSE:
    return enum_value(c, attr, PJ_ENUM_TRANSPOSE, out);
  case PJ_SPEC_PRECISIONS:
    return array_of(c, attr, PJ_ATTR_ENUM, "a list of precisions", out);
  case PJ_SPEC_ACCURACY:
    return plain(c, kind == PJ_ATTR_ACCURACY, "#stablehlo.result_accuracy<...>", attr, out);
  case PJ_SPEC_ELEMENTS:
    return plain(c, kind == PJ_ATTR_ELEMENTS, "a dense<> tensor", attr, out);
  case PJ_SPEC_LAYOUTS:
    return layouts(c, attr, out);
  case PJ_SPEC_ALIASES:
    return array_of(c, attr, PJ_ATTR_ALIAS, "a list of #stablehlo.output_operand_alias<...>", out);
  case PJ_SPEC_DICT:
    return plain(c, kind == PJ_ATTR_DICT, "a dictionary", attr, out);
  case PJ_SPEC_DICTS:
    return array_of(c, attr, PJ_ATTR_DICT, "a list of dictionaries", out);
  case PJ_SPEC_STR_OR_DICT:
    return plain(c, kind == PJ_ATTR_STRING || kind == PJ_ATTR_DICT, "a string or a dictionary",
                 attr, out);
  case PJ_SPEC_ARRAY:
    return plain(c, kind == PJ_ATTR_ARRAY, "a list", attr, out);
  case PJ_SPEC_ANY:
    return plain(c, true, "", attr, out);
  }
  return plain(c, true, "", attr, out);
}

static bool is_channel(PjKey key) {
  return key == PJ_KEY_channel_id || key == PJ_KEY_channel_type;
}

// The row of the attribute that text calls |name|: not one that channel_handle holds, unless
// |grouped|. (The pretty forms give the fields of other structured attributes one by one.)
static int find_spec(PjOpKind kind, PjStr name, bool grouped) {
  const PjOpInfo *info = &pj_op_info[kind];
  for (int i = 0; i < info->num_attrs; ++i) {
    PjKey key = info->attrs[i].key;
    if (pj_str_is(name, pj_key_text[key]))
      return grouped || !is_channel(key) ? i : -1;
  }
  return -1;
}

static PjStatus set(const Convert *c, PjOp *op, int index, const PjAttr *attr) {
  const PjAttrSpec *spec = &pj_op_info[op->kind].attrs[index];
  if (op->attrs[index])
    return pj_text_error(c->t, c->raw->at, "attribute '%s' of %s is given twice",
                         pj_key_text[spec->key], pj_op_info[op->kind].text);
  return convert(c, spec, attr, &op->attrs[index]);
}

// ------------------------------------------------------------------------------------- structured
// attributes
static PjStatus set_group(const Convert *c, PjOp *op, const PjAttr *attr) {
  for (uint32_t i = 0; i < attr->count; ++i)
    PJ_TRY(set(c, op, find_spec(op->kind, attr->names[i], true), attr->elems[i]));
  return PJ_STATUS_OK;
}

static PjStatus set_channel(const Convert *c, PjOp *op, const PjAttr *attr) {
  int id = pj_op_attr_index(op->kind, PJ_KEY_channel_id);
  int type = pj_op_attr_index(op->kind, PJ_KEY_channel_type);
  PJ_TRY(set(c, op, id, pj_attr_i64(c->t->arena, attr->i64)));
  return type < 0 ? PJ_STATUS_OK : set(c, op, type, pj_attr_i64(c->t->arena, attr->i64b));
}

// chlo.scan tells its inputs from its carries by these; the IR counts carries by the body
// (pj_op_scan_carries).
static PjStatus check_segments(const Convert *c, const PjOp *op, const PjAttr *attr) {
  uint32_t carries = pj_op_scan_carries(op);
  uint32_t total =
      pj_str_is(c->raw->name, "operandSegmentSizes") ? op->num_operands : op->num_results;
  if (attr->kind == PJ_ATTR_INTS && attr->count == 2 && attr->ints[1] == carries &&
      attr->ints[0] + attr->ints[1] == total)
    return PJ_STATUS_OK;
  return wrong(c, "sizes that agree with the body's arguments");
}

PjStatus pj_text_canonical(PjText *t, const PjDraft *draft, PjOp *op) {
  size_t extra = draft->attrs; // discardable attributes move down to here
  for (size_t i = draft->attrs; i < t->attrs.len; ++i) {
    PjRawAttr raw = t->attrs.data[i];
    Convert c = {t, op, &raw};
    const PjAttrGroup *group = pj_attr_group_named(op->kind, raw.name);
    bool channel =
        pj_str_is(raw.name, "channel_handle") && pj_op_attr_index(op->kind, PJ_KEY_channel_id) >= 0;
    int index = find_spec(op->kind, raw.name, raw.key != PJ_KEY_COUNT);
    if (index >= 0)
      PJ_TRY(set(&c, op, index, raw.value));
    else if (group && raw.value->kind == PJ_ATTR_STRUCT &&
             pj_str_is(raw.value->str, group->structure))
      PJ_TRY(set_group(&c, op, raw.value));
    else if (channel && raw.value->kind == PJ_ATTR_CHANNEL)
      PJ_TRY(set_channel(&c, op, raw.value));
    else if (group || channel)
      return wrong(&c, group ? group->structure : "#stablehlo.channel_handle<...>");
    else if (op->kind == PJ_OP_CHLO_SCAN && (pj_str_is(raw.name, "operandSegmentSizes") ||
                                             pj_str_is(raw.name, "resultSegmentSizes")))
      PJ_TRY(check_segments(&c, op, raw.value));
    else if (i < draft->properties)
      return pj_text_error(t, raw.at, "%s has no property '%.*s'", pj_op_info[op->kind].text,
                           PJ_STR_ARG(raw.name));
    else
      t->attrs.data[extra++] = raw;
  }
  t->attrs.len = extra;
  return pj_text_pop_dict(t, draft->attrs, &op->extra);
}

// Inherent attributes in the form of the op table: VHLO writes lists of numbers as constant tensors
// and symbols as strings; MLIR's own bytecode has lists and symbols, a unit for `true` and a number
// for a custom call's interface. The result is kept beside the entry, since many operations share
// an attribute.
#include <inttypes.h>

#include "import/bytecode/reader.h"

// A splat describes any number of elements; no list that means something is longer than this.
enum { MAX_SPLAT = 4096 };

static bool is_none(const PjAttr *a) {
  return a->kind == PJ_ATTR_TYPE && a->type->kind == PJ_TYPE_NONE;
}

// The elements of an integer or boolean tensor, or NULL.
static const int64_t *integers(PjBc *bc, const PjAttr *a, PjDtype dtype, size_t *out_count) {
  int64_t count;
  if (a->kind != PJ_ATTR_ELEMENTS || a->type->dtype != dtype ||
      !pj_type_num_elements(a->type, &count) || (a->splat && count > MAX_SPLAT) ||
      count > UINT32_MAX / 2)
    return NULL;
  int64_t *values = PJ_NEW_ARRAY(bc->arena, int64_t, (size_t)count);
  for (int64_t i = 0; i < count; ++i) {
    size_t at = a->splat ? 0 : (size_t)i;
    if (dtype == PJ_DT_PRED)
      values[i] = ((const uint8_t *)a->data)[at];
    else
      memcpy(&values[i], (const char *)a->data + 8 * at, 8);
  }
  *out_count = (size_t)count;
  return values;
}

static const PjAttr *list(PjBc *bc, const PjAttr *a, PjDtype dtype) {
  size_t count;
  if (a->kind == PJ_ATTR_INTS && a->columns < 0 && !a->type && dtype == PJ_DT_S64)
    return a;
  if (a->kind == PJ_ATTR_BOOLS && dtype == PJ_DT_PRED)
    return a;
  const int64_t *values = integers(bc, a, dtype, &count);
  if (!values || a->type->rank != 1)
    return NULL;
  return dtype == PJ_DT_PRED ? pj_attr_bools(bc->arena, count, values)
                             : pj_attr_ints(bc->arena, count, values);
}

// N x |columns| (any number of them when 0). An empty list stands for an empty matrix.
static const PjAttr *matrix(PjBc *bc, const PjAttr *a, int64_t columns) {
  size_t count;
  const int64_t *values = integers(bc, a, PJ_DT_S64, &count);
  if (!values)
    return NULL;
  if (a->type->rank == 1 && !count)
    return pj_attr_matrix(bc->arena, 0, 2, NULL);
  if (a->type->rank != 2 || a->type->dims[1] > INT32_MAX ||
      (columns && a->type->dims[1] != columns))
    return NULL;
  if (!count)
    return pj_attr_matrix(bc->arena, 0, (size_t)a->type->dims[1], NULL);
  return pj_attr_matrix(bc->arena, (size_t)a->type->dims[0], (size_t)a->type->dims[1], values);
}

static const PjAttr *integer(PjBc *bc, const PjAttr *a, PjDtype dtype) {
  if (a->kind != PJ_ATTR_INT)
    return NULL;
  if (a->type->dtype == dtype)
    return a;
  if (dtype == PJ_DT_S32 && a->i64 != (int32_t)a->i64)
    return NULL;
  return pj_attr_int(bc->arena, a->i64, dtype);
}

static const PjAttr *symbol(PjBc *bc, const PjAttr *a) {
  if (a->kind == PJ_ATTR_SYMBOL)
    return a;
  return a->kind == PJ_ATTR_STRING ? pj_attr_symbol(bc->arena, a->str) : NULL;
}

static const PjAttr *boolean(PjBc *bc, const PjAttr *a) {
  if (a->kind == PJ_ATTR_UNIT)
    return pj_attr_bool(bc->arena, true);
  return a->kind == PJ_ATTR_BOOL ? a : NULL;
}

static bool is_enum(const PjAttr *a, PjEnumKind kind) {
  return a->kind == PJ_ATTR_ENUM && a->enum_kind == kind;
}

// An array, each element converted by |convert|.
static const PjAttr *each(PjBc *bc, const PjAttr *a,
                          const PjAttr *(*convert)(PjBc *bc, const PjAttr *a)) {
  if (a->kind != PJ_ATTR_ARRAY)
    return NULL;
  const PjAttr **elems = PJ_NEW_ARRAY(bc->arena, const PjAttr *, a->count);
  for (uint32_t i = 0; i < a->count; ++i)
    if (!(elems[i] = convert(bc, a->elems[i])))
      return NULL;
  return pj_attr_array(bc->arena, a->count, elems);
}

static const PjAttr *precision(PjBc *bc, const PjAttr *a) {
  (void)bc;
  return is_enum(a, PJ_ENUM_PRECISION) ? a : NULL;
}

static const PjAttr *api_version(PjBc *bc, const PjAttr *a) {
  if (is_enum(a, PJ_ENUM_API_VERSION))
    return a;
  bool known = a->kind == PJ_ATTR_INT && a->i64 >= 0 && a->i64 <= INT8_MAX &&
               pj_enum_text(PJ_ENUM_API_VERSION, a->i64);
  return known ? pj_attr_enum(bc->arena, PJ_ENUM_API_VERSION, a->i64) : NULL;
}

static const PjAttr *layout(PjBc *bc, const PjAttr *a) {
  return list(bc, a, PJ_DT_INDEX);
}

static const PjAttr *alias(PjBc *bc, const PjAttr *a) {
  (void)bc;
  return a->kind == PJ_ATTR_ALIAS ? a : NULL;
}

static const PjAttr *dict(PjBc *bc, const PjAttr *a) {
  (void)bc;
  return a->kind == PJ_ATTR_DICT ? a : NULL;
}

static const PjAttr *kind(const PjAttr *a, PjAttrKind wanted) {
  return a->kind == wanted ? a : NULL;
}

const PjAttr *pj__bc_convert(PjBc *bc, PjAttrSpecKind spec, const PjAttr *a) {
  switch (spec) {
  case PJ_SPEC_I64:
    return integer(bc, a, PJ_DT_S64);
  case PJ_SPEC_I32:
    return integer(bc, a, PJ_DT_S32);
  case PJ_SPEC_U64:
    return integer(bc, a, PJ_DT_U64);
  case PJ_SPEC_F32:
    return a->kind == PJ_ATTR_FLOAT && a->type->dtype == PJ_DT_F32 ? a : NULL;
  case PJ_SPEC_F64:
    return a->kind == PJ_ATTR_FLOAT && a->type->dtype == PJ_DT_F64 ? a : NULL;
  case PJ_SPEC_BOOL:
    return boolean(bc, a);
  case PJ_SPEC_STR:
    return kind(a, PJ_ATTR_STRING);
  case PJ_SPEC_SYM:
    return symbol(bc, a);
  case PJ_SPEC_SYMS:
    return each(bc, a, symbol);
  case PJ_SPEC_TYPE:
    return kind(a, PJ_ATTR_TYPE);
  case PJ_SPEC_I64_OR_NONE:
    return is_none(a) ? a : integer(bc, a, PJ_DT_S64);
  case PJ_SPEC_BOOL_OR_NONE:
    return is_none(a) ? a : boolean(bc, a);
  case PJ_SPEC_I64S:
    return list(bc, a, PJ_DT_S64);
  case PJ_SPEC_I64X2:
    return matrix(bc, a, 2);
  case PJ_SPEC_BOOLS:
    return list(bc, a, PJ_DT_PRED);
  case PJ_SPEC_REPLICA_GROUPS:
    if (a->kind == PJ_ATTR_STRUCT)
      return pj_str_is(a->str, "stablehlo.replica_group_mesh_axes") ? a : NULL;
    return matrix(bc, a, 0);
  case PJ_SPEC_COMPARE_DIRECTION:
    return is_enum(a, PJ_ENUM_COMPARE_DIRECTION) ? a : NULL;
  case PJ_SPEC_COMPARE_TYPE:
    return is_enum(a, PJ_ENUM_COMPARE_TYPE) ? a : NULL;
  case PJ_SPEC_API_VERSION:
    return api_version(bc, a);
  case PJ_SPEC_FFT_TYPE:
    return is_enum(a, PJ_ENUM_FFT_TYPE) ? a : NULL;
  case PJ_SPEC_RNG_ALGORITHM:
    return is_enum(a, PJ_ENUM_RNG_ALGORITHM) ? a : NULL;
  case PJ_SPEC_RNG_DISTRIBUTION:
    return is_enum(a, PJ_ENUM_RNG_DISTRIBUTION) ? a : NULL;
  case PJ_SPEC_TRANSPOSE:
    return is_enum(a, PJ_ENUM_TRANSPOSE) ? a : NULL;
  case PJ_SPEC_PRECISIONS:
    return each(bc, a, precision);
  case PJ_SPEC_ACCURACY:
    return kind(a, PJ_ATTR_ACCURACY);
  case PJ_SPEC_ELEMENTS:
    return kind(a, PJ_ATTR_ELEMENTS);
  case PJ_SPEC_LAYOUTS:
    return each(bc, a, layout);
  case PJ_SPEC_ALIASES:
    return each(bc, a, alias);
  case PJ_SPEC_DICT:
    return kind(a, PJ_ATTR_DICT);
  case PJ_SPEC_DICTS:
    return each(bc, a, dict);
  case PJ_SPEC_STR_OR_DICT:
    return a->kind == PJ_ATTR_DICT ? a : kind(a, PJ_ATTR_STRING);
  case PJ_SPEC_ARRAY:
    return kind(a, PJ_ATTR_ARRAY);
  case PJ_SPEC_ANY:
    return a;
  }
  return NULL;
}

PjStatus pj__bc_canonical(PjBc *bc, const PjCursor *c, uint64_t index, const PjAttrSpec *spec,
                          const PjAttr **out) {
  const PjAttr *raw;
  PJ_TRY(pj__bc_attr_at(bc, c, index, &raw));
  PjBcEntry *entry = &bc->attrs[index];
  if (entry->canonical_kind != spec->kind + 1) {
    entry->canonical = pj__bc_convert(bc, spec->kind, raw);
    entry->canonical_kind = (uint8_t)(spec->kind + 1);
  }
  if (!entry->canonical)
    return pj__cur_error(c, "attribute %s (table entry %" PRIu64 ") is of the wrong kind or type",
                         pj_key_text[spec->key], index);
  bc->weight += entry->canonical->count;
  *out = entry->canonical;
  return PJ_STATUS_OK;
}

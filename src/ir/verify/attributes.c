// Inherent attributes against ops.def: presence, kind, and what every attribute of a kind must
// fulfil.
#include <inttypes.h>
#include <math.h>

#include "ir/verify/check.h"

static bool is_int(const PjAttr *attr, PjDtype dtype) {
  return attr->kind == PJ_ATTR_INT && attr->type && attr->type->dtype == dtype;
}
static bool is_float(const PjAttr *attr, PjDtype dtype) {
  return attr->kind == PJ_ATTR_FLOAT && attr->type && attr->type->dtype == dtype;
}
static bool is_none(const PjAttr *attr) {
  return attr->kind == PJ_ATTR_TYPE && attr->type && attr->type->kind == PJ_TYPE_NONE;
}
static bool is_list(const PjAttr *attr) {
  return attr->kind == PJ_ATTR_INTS && attr->columns < 0;
}
static bool is_matrix(const PjAttr *attr) {
  if (attr->kind != PJ_ATTR_INTS || attr->columns < 0)
    return false;
  return attr->columns ? attr->count % (uint32_t)attr->columns == 0 : attr->count == 0;
}
static bool is_enum(const PjAttr *attr, PjEnumKind kind) {
  return attr->kind == PJ_ATTR_ENUM && attr->enum_kind == kind && pj_enum_text(kind, attr->i64);
}
static bool is_array(const PjAttr *attr, PjAttrKind elems) {
  if (attr->kind != PJ_ATTR_ARRAY)
    return false;
  for (uint32_t i = 0; i < attr->count; ++i)
    if (!attr->elems[i] || attr->elems[i]->kind != elems)
      return false;
  return true;
}
static bool is_precisions(const PjAttr *attr) {
  if (attr->kind != PJ_ATTR_ARRAY)
    return false;
  for (uint32_t i = 0; i < attr->count; ++i)
    if (!attr->elems[i] || !is_enum(attr->elems[i], PJ_ENUM_PRECISION))
      return false;
  return true;
}

// What |spec| asks for when |attr| is not that, or NULL.
static const char *misfit(PjAttrSpecKind kind, const PjAttr *attr) {
  switch (kind) {
  case PJ_SPEC_I64:
    return is_int(attr, PJ_DT_S64) ? NULL : "a 64-bit signless integer";
  case PJ_SPEC_I32: // composite's version comes in both widths
    if (is_int(attr, PJ_DT_S64))
      return attr->i64 == (int32_t)attr->i64 ? NULL : "an integer of 32 bits";
    return is_int(attr, PJ_DT_S32) ? NULL : "a 32-bit signless integer";
  case PJ_SPEC_U64:
    return attr->kind == PJ_ATTR_INT ? NULL : "an integer";
  case PJ_SPEC_F32:
    return is_float(attr, PJ_DT_F32) ? NULL : "a 32-bit float";
  case PJ_SPEC_F64:
    return is_float(attr, PJ_DT_F64) ? NULL : "a 64-bit float";
  case PJ_SPEC_BOOL:
    return attr->kind == PJ_ATTR_BOOL ? NULL : "a boolean";
  case PJ_SPEC_STR:
    return attr->kind == PJ_ATTR_STRING ? NULL : "a string";
  case PJ_SPEC_SYM:
    return attr->kind == PJ_ATTR_SYMBOL ? NULL : "a symbol";
  case PJ_SPEC_SYMS:
    return is_array(attr, PJ_ATTR_SYMBOL) ? NULL : "an array of symbols";
  case PJ_SPEC_TYPE:
    return attr->kind == PJ_ATTR_TYPE ? NULL : "a type";
  case PJ_SPEC_I64_OR_NONE:
    return is_int(attr, PJ_DT_S64) || is_none(attr) ? NULL : "a 64-bit signless integer";
  case PJ_SPEC_BOOL_OR_NONE:
    return attr->kind == PJ_ATTR_BOOL || is_none(attr) ? NULL : "a boolean";
  case PJ_SPEC_I64S:
    return is_list(attr) ? NULL : "a list of 64-bit integers (1-D)";
  case PJ_SPEC_I64X2:
    return is_matrix(attr) && attr->columns == 2 ? NULL
                                                 : "a matrix of 64-bit integers of shape [N, 2]";
  case PJ_SPEC_BOOLS:
    return attr->kind == PJ_ATTR_BOOLS ? NULL : "a list of booleans (1-D)";
  case PJ_SPEC_REPLICA_GROUPS:
    if (attr->kind == PJ_ATTR_STRUCT && pj_str_is(attr->str, "stablehlo.replica_group_mesh_axes"))
      return NULL;
    return is_matrix(attr) ? NULL : "a rank 2 tensor of 64-bit integers or a mesh with axes";
  case PJ_SPEC_COMPARE_DIRECTION:
    return is_enum(attr, PJ_ENUM_COMPARE_DIRECTION) ? NULL : "a comparison direction";
  case PJ_SPEC_COMPARE_TYPE:
    return is_enum(attr, PJ_ENUM_COMPARE_TYPE) ? NULL : "a comparison type";
  case PJ_SPEC_API_VERSION:
    return is_enum(attr, PJ_ENUM_API_VERSION) ? NULL : "a custom call API version";
  case PJ_SPEC_FFT_TYPE:
    return is_enum(attr, PJ_ENUM_FFT_TYPE) ? NULL : "an FFT type";
  case PJ_SPEC_RNG_ALGORITHM:
    return is_enum(attr, PJ_ENUM_RNG_ALGORITHM) ? NULL : "an RNG algorithm";
  case PJ_SPEC_RNG_DISTRIBUTION:
    return is_enum(attr, PJ_ENUM_RNG_DISTRIBUTION) ? NULL : "an RNG distribution";
  case PJ_SPEC_TRANSPOSE:
    return is_enum(attr, PJ_ENUM_TRANSPOSE) ? NULL : "a transpose option";
  case PJ_SPEC_PRECISIONS:
    return is_precisions(attr) ? NULL : "an array of precisions";
  case PJ_SPEC_ACCURACY:
    return attr->kind == PJ_ATTR_ACCURACY && pj_enum_text(PJ_ENUM_ACCURACY_MODE, attr->i64b)
               ? NULL
               : "a result accuracy";
  case PJ_SPEC_ELEMENTS:
    return attr->kind == PJ_ATTR_ELEMENTS && pj_type_is_tensor(attr->type) ? NULL
                                                                           : "dense elements";
  case PJ_SPEC_LAYOUTS:
    return is_array(attr, PJ_ATTR_INTS) ? NULL : "an array of layouts (1-D lists of index values)";
  case PJ_SPEC_ALIASES:
    return is_array(attr, PJ_ATTR_ALIAS) ? NULL : "an array of output_operand_alias attributes";
  case PJ_SPEC_DICT:
    return attr->kind == PJ_ATTR_DICT ? NULL : "a dictionary";
  case PJ_SPEC_DICTS:
    return is_array(attr, PJ_ATTR_DICT) ? NULL : "an array of dictionaries";
  case PJ_SPEC_STR_OR_DICT:
    return attr->kind == PJ_ATTR_STRING || attr->kind == PJ_ATTR_DICT ? NULL
                                                                      : "a string or a dictionary";
  case PJ_SPEC_ARRAY:
    return attr->kind == PJ_ATTR_ARRAY ? NULL : "an array";
  case PJ_SPEC_ANY:
    return NULL;
  }
  return NULL;
}

// Spec, "Accuracy": tolerances are not negative, and none is given unless the mode is TOLERANCE.
static PjStatus check_accuracy(const PjOp *op, const PjAttr *attr) {
  PJ_REQUIRE(
      op, !signbit(attr->f64) && !signbit(attr->f64b) && attr->i64 >= 0,
      "result_accuracy must not have a negative tolerance, but has atol %g, rtol %g, ulps %" PRId64,
      attr->f64, attr->f64b, attr->i64);
  PJ_REQUIRE(op,
             attr->i64b == PJ_ACCURACY_TOLERANCE ||
                 (attr->f64 == 0 && attr->f64b == 0 && attr->i64 == 0),
             "result_accuracy of mode %s must have tolerances of zero, but has atol %g, rtol %g, "
             "ulps %" PRId64,
             pj_enum_text(PJ_ENUM_ACCURACY_MODE, attr->i64b), attr->f64, attr->f64b, attr->i64);
  return NULL;
}

// Constants: the data must be all that the type promises.
static PjStatus check_elements(PjCheck *check, const PjOp *op, const char *name,
                               const PjAttr *attr) {
  PJ_TRY(pj__check_type(check, op, name, attr->type));
  size_t bytes;
  PJ_REQUIRE(op, pj_type_num_bytes(attr->type, &bytes),
             "%s must have a static shape, but has type %s", name,
             pj__type_text(check, attr->type));
  size_t needed = attr->splat && bytes ? pj_dtype_bytes(attr->type->dtype) : bytes;
  PJ_REQUIRE(op, attr->data_size >= needed && (attr->data || !needed),
             "%s of type %s has %zu bytes of data, but needs %zu", name,
             pj__type_text(check, attr->type), attr->data_size, needed);
  return NULL;
}

PjStatus pj__check_attributes(PjCheck *check, const PjOp *op) {
  const PjOpInfo *info = &pj_op_info[op->kind];
  for (int i = 0; i < info->num_attrs; ++i) {
    const PjAttrSpec *spec = &info->attrs[i];
    const char *name = pj_key_text[spec->key];
    const PjAttr *attr = op->attrs[i];
    if (!attr) {
      PJ_REQUIRE(op, spec->mode == PJ_DEFAULT_OPT, "requires attribute '%s'", name);
      continue;
    }
    const char *wanted = misfit(spec->kind, attr);
    PJ_REQUIRE(op, !wanted, "attribute '%s' must be %s", name, wanted);
    if (spec->kind == PJ_SPEC_ACCURACY)
      PJ_TRY(check_accuracy(op, attr));
    if (spec->kind == PJ_SPEC_ELEMENTS)
      PJ_TRY(check_elements(check, op, name, attr));
    if (spec->kind == PJ_SPEC_PRECISIONS)
      PJ_REQUIRE(op, attr->count <= 2, "%s must be empty or have at most 2 elements, but has %u",
                 name, attr->count);
  }
  return NULL;
}

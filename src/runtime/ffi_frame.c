// Arguments, results and attributes of a custom call in the form that XLA FFI handlers want.
#include <string.h>

#include "base/alloc.h"
#include "eval/float.h"
#include "runtime/ffi_call.h"
#include "runtime/ffi_frame.h"
#include "runtime/stride.h"

XLA_FFI_DataType pj_ffi_dtype(PjDtype dtype) {
  static const uint8_t codes[PJ_DT_COUNT] = {
      [PJ_DT_PRED] = XLA_FFI_DataType_PRED,
      [PJ_DT_S2] = XLA_FFI_DataType_S2,
      [PJ_DT_S4] = XLA_FFI_DataType_S4,
      [PJ_DT_S8] = XLA_FFI_DataType_S8,
      [PJ_DT_S16] = XLA_FFI_DataType_S16,
      [PJ_DT_S32] = XLA_FFI_DataType_S32,
      [PJ_DT_S64] = XLA_FFI_DataType_S64,
      [PJ_DT_U2] = XLA_FFI_DataType_U2,
      [PJ_DT_U4] = XLA_FFI_DataType_U4,
      [PJ_DT_U8] = XLA_FFI_DataType_U8,
      [PJ_DT_U16] = XLA_FFI_DataType_U16,
      [PJ_DT_U32] = XLA_FFI_DataType_U32,
      [PJ_DT_U64] = XLA_FFI_DataType_U64,
      [PJ_DT_INDEX] = XLA_FFI_DataType_S64,
      [PJ_DT_F4E2M1FN] = XLA_FFI_DataType_F4E2M1FN,
      [PJ_DT_F8E3M4] = XLA_FFI_DataType_F8E3M4,
      [PJ_DT_F8E4M3] = XLA_FFI_DataType_F8E4M3,
      [PJ_DT_F8E4M3B11FNUZ] = XLA_FFI_DataType_F8E4M3B11FNUZ,
      [PJ_DT_F8E4M3FN] = XLA_FFI_DataType_F8E4M3FN,
      [PJ_DT_F8E4M3FNUZ] = XLA_FFI_DataType_F8E4M3FNUZ,
      [PJ_DT_F8E5M2] = XLA_FFI_DataType_F8E5M2,
      [PJ_DT_F8E5M2FNUZ] = XLA_FFI_DataType_F8E5M2FNUZ,
      [PJ_DT_F8E8M0FNU] = XLA_FFI_DataType_F8E8M0FNU,
      [PJ_DT_BF16] = XLA_FFI_DataType_BF16,
      [PJ_DT_F16] = XLA_FFI_DataType_F16,
      [PJ_DT_F32] = XLA_FFI_DataType_F32,
      [PJ_DT_F64] = XLA_FFI_DataType_F64,
      [PJ_DT_C64] = XLA_FFI_DataType_C64,
      [PJ_DT_C128] = XLA_FFI_DataType_C128,
  };
  return (XLA_FFI_DataType)codes[dtype];
}

// --- Arrays --------------------------------------------------------------------------------------

// Layout |i| of a list of them, or NULL if it is row-major, absent, or not for an array of this
// rank.
static const int64_t *layout_at(const PjAttr *layouts, uint32_t i, int32_t rank) {
  if (!layouts || layouts->kind != PJ_ATTR_ARRAY || i >= layouts->count)
    return NULL;
  const PjAttr *layout = layouts->elems[i];
  if (layout->kind != PJ_ATTR_INTS || layout->count != (uint32_t)rank)
    return NULL;
  for (int32_t k = 0; k < rank; k++)
    if (layout->ints[k] != rank - 1 - k)
      return layout->ints;
  return NULL;
}

static void transpose(const PjTensor *shape, void *dst, const int64_t *dst_layout, const void *src,
                      const int64_t *src_layout) {
  int64_t to[PJ_MAX_RANK], from[PJ_MAX_RANK];
  size_t elem = pj_dtype_bytes(shape->dtype);
  pj_dense_strides(elem, shape->rank, shape->dims, dst_layout, to);
  pj_dense_strides(elem, shape->rank, shape->dims, src_layout, from);
  pj_copy_strided_bytes(NULL, elem, shape->rank, shape->dims, dst, to, src, from);
}

static void describe(XLA_FFI_Buffer *out, const PjTensor *tensor, void *data) {
  *out = (XLA_FFI_Buffer){.struct_size = XLA_FFI_Buffer_STRUCT_SIZE,
                          .dtype = tensor->kind == PJ_TENSOR_TOKEN ? XLA_FFI_DataType_TOKEN
                                                                   : pj_ffi_dtype(tensor->dtype),
                          .data = data,
                          .rank = tensor->rank,
                          .dims = tensor->dims};
}

// The operand that result |index| shares its memory with, or -1.
static int64_t alias_of(const PjOp *op, uint32_t index) {
  const PjAttr *aliases = PJ_ATTR(op, output_operand_aliases);
  if (!aliases || aliases->kind != PJ_ATTR_ARRAY)
    return -1;
  for (uint32_t i = 0; i < aliases->count; i++) {
    const PjAttr *alias = aliases->elems[i];
    if (alias->kind != PJ_ATTR_ALIAS || (alias->more && alias->more->count))
      continue;
    // A single result is named by an empty list of tuple indices.
    bool matches =
        alias->count ? alias->count == 1 && alias->ints[0] == (int64_t)index : op->num_results == 1;
    if (matches && alias->i64 >= 0 && alias->i64 < (int64_t)op->num_operands)
      return alias->i64;
  }
  return -1;
}

PjStatus pj_ffi_arrays_prepare(PjEval *ev, const PjOp *op, PjTensor *const *operands,
                               PjTensor **results, size_t alignment, PjFfiArrays *out) {
  PjArena *arena = ev->arena;
  *out =
      (PjFfiArrays){.num_args = op->num_operands, .num_rets = op->num_results, .results = results};
  out->args = PJ_NEW_ARRAY(arena, XLA_FFI_Buffer, op->num_operands + 1);
  out->rets = PJ_NEW_ARRAY(arena, XLA_FFI_Buffer, op->num_results + 1);
  const int64_t **layouts = PJ_NEW_ARRAY(arena, const int64_t *, op->num_results + 1);
  out->ret_layouts = layouts;
  const PjAttr *operand_layouts = PJ_ATTR(op, operand_layouts),
               *result_layouts = PJ_ATTR(op, result_layouts);
  for (uint32_t i = 0; i < op->num_operands; i++) {
    PjTensor *tensor = operands[i];
    void *data = tensor->data;
    const int64_t *layout = layout_at(operand_layouts, i, tensor->rank);
    if (layout) {
      data = pj_eval_scratch(ev, tensor->bytes);
      transpose(tensor, data, layout, tensor->data, NULL);
    } else if (tensor->bytes && (uintptr_t)data % alignment) {
      data = pj_eval_scratch(ev, tensor->bytes);
      memcpy(data, tensor->data, tensor->bytes);
    }
    describe(&out->args[i], tensor, data);
  }
  for (uint32_t i = 0; i < op->num_results; i++) {
    if (op->results[i].type->kind == PJ_TYPE_TOKEN) {
      results[i] = pj__eval_adopt(ev, pj_tensor_token());
      describe(&out->rets[i], results[i], NULL);
      continue;
    }
    PjTensor *result = results[i] = pj_eval_result(ev, op, i);
    layouts[i] = layout_at(result_layouts, i, result->rank);
    void *data = layouts[i] ? pj_eval_scratch(ev, result->bytes) : result->data;
    int64_t alias = alias_of(op, i);
    if (alias >= 0 && operands[alias]->bytes == result->bytes) {
      // One memory for both, with the operand's contents in it.
      if (result->bytes)
        memcpy(data, out->args[alias].data, result->bytes);
      out->args[alias].data = data;
    }
    describe(&out->rets[i], result, data);
  }
  return PJ_STATUS_OK;
}

void pj_ffi_arrays_finish(const PjFfiArrays *arrays) {
  for (uint32_t i = 0; i < arrays->num_rets; i++) {
    PjTensor *result = arrays->results[i];
    if (arrays->ret_layouts[i])
      transpose(result, result->data, NULL, arrays->rets[i].data, arrays->ret_layouts[i]);
    if (result->kind == PJ_TENSOR_ARRAY)
      pj_canonicalize_elements(result->dtype, result->data, result->count);
  }
}

// --- Attributes ----------------------------------------------------------------------------------

// An integer or float of |dtype| into a cell of its own.
static void *scalar_cell(PjArena *arena, const PjAttr *attr, PjDtype dtype) {
  void *cell = pj_arena_alloc(arena, 16);
  if (attr->kind != PJ_ATTR_FLOAT) {
    // Little-endian: the low bytes are the narrower number.
    memcpy(cell, &attr->i64, sizeof attr->i64);
  } else if (dtype == PJ_DT_F64) {
    memcpy(cell, &attr->f64, sizeof attr->f64);
  } else {
    pj_double_encode(dtype, attr->f64, cell);
  }
  return cell;
}

static PjDtype scalar_dtype(const PjAttr *attr) {
  if (attr->kind == PJ_ATTR_BOOL)
    return PJ_DT_PRED;
  return attr->type ? attr->type->dtype : attr->kind == PJ_ATTR_FLOAT ? PJ_DT_F64 : PJ_DT_S64;
}

static XLA_FFI_Array *array_of(PjArena *arena, PjDtype dtype, size_t count, void *data) {
  XLA_FFI_Array *array = PJ_NEW(arena, XLA_FFI_Array);
  *array = (XLA_FFI_Array){pj_ffi_dtype(dtype), count, data};
  return array;
}

static PjStatus convert_attr(PjArena *arena, const PjAttr *attr, int depth,
                             XLA_FFI_AttrType *out_type, void **out_value) {
  switch (attr->kind) {
  case PJ_ATTR_BOOL:
  case PJ_ATTR_INT:
  case PJ_ATTR_FLOAT: {
    XLA_FFI_Scalar *scalar = PJ_NEW(arena, XLA_FFI_Scalar);
    PjDtype dtype = scalar_dtype(attr);
    *scalar = (XLA_FFI_Scalar){pj_ffi_dtype(dtype), scalar_cell(arena, attr, dtype)};
    *out_type = XLA_FFI_AttrType_SCALAR;
    *out_value = scalar;
    return PJ_STATUS_OK;
  }
  case PJ_ATTR_STRING:
  case PJ_ATTR_SYMBOL: {
    XLA_FFI_ByteSpan *span = PJ_NEW(arena, XLA_FFI_ByteSpan);
    *span = (XLA_FFI_ByteSpan){attr->str.len ? attr->str.ptr : "", attr->str.len};
    *out_type = XLA_FFI_AttrType_STRING;
    *out_value = span;
    return PJ_STATUS_OK;
  }
  case PJ_ATTR_INTS:
  case PJ_ATTR_BOOLS: {
    PjDtype dtype = attr->kind == PJ_ATTR_BOOLS ? PJ_DT_PRED
                    : attr->type                ? attr->type->dtype
                                                : PJ_DT_S64;
    size_t elem = pj_dtype_bytes(dtype);
    char *data = pj_arena_calloc(arena, attr->count + 1, elem);
    for (uint32_t i = 0; i < attr->count; i++)
      memcpy(data + i * elem, &attr->ints[i], elem);
    *out_type = XLA_FFI_AttrType_ARRAY;
    *out_value = array_of(arena, dtype, attr->count, data);
    return PJ_STATUS_OK;
  }
  case PJ_ATTR_ELEMENTS: {
    int64_t count;
    if (!pj_type_num_elements(attr->type, &count))
      break;
    PjDtype dtype = attr->type->dtype;
    size_t elem = pj_dtype_bytes(dtype);
    char *data = pj_arena_calloc(arena, (size_t)count + 1, elem);
    for (int64_t i = 0; i < count; i++)
      memcpy(data + (size_t)i * elem,
             (const char *)attr->data + (attr->splat ? 0 : (size_t)i * elem), elem);
    *out_type = XLA_FFI_AttrType_ARRAY;
    *out_value = array_of(arena, dtype, (size_t)count, data);
    return PJ_STATUS_OK;
  }
  case PJ_ATTR_DICT: {
    XLA_FFI_Attrs *attrs = PJ_NEW(arena, XLA_FFI_Attrs);
    PJ_TRY(pj_ffi_attrs(arena, attr, depth + 1, attrs));
    *out_type = XLA_FFI_AttrType_DICTIONARY;
    *out_value = attrs;
    return PJ_STATUS_OK;
  }
  default:
    break;
  }
  return PJ_ERROR(UNIMPLEMENTED, "an attribute of a kind that XLA FFI does not have");
}

PjStatus pj_ffi_attrs(PjArena *arena, const PjAttr *dict, int depth, XLA_FFI_Attrs *out) {
  uint32_t count = dict && dict->kind == PJ_ATTR_DICT ? dict->count : 0;
  PJ_FAIL_IF(depth > 32, INVALID_ARGUMENT, "attributes are nested too deeply");
  *out = (XLA_FFI_Attrs){.struct_size = XLA_FFI_Attrs_STRUCT_SIZE, .size = count};
  out->types = PJ_NEW_ARRAY(arena, XLA_FFI_AttrType, count + 1);
  out->names = PJ_NEW_ARRAY(arena, XLA_FFI_ByteSpan *, count + 1);
  out->attrs = PJ_NEW_ARRAY(arena, void *, count + 1);
  for (uint32_t i = 0; i < count; i++) {
    out->names[i] = PJ_NEW(arena, XLA_FFI_ByteSpan);
    *out->names[i] = (XLA_FFI_ByteSpan){dict->names[i].ptr, dict->names[i].len};
    PJ_TRY_IN(convert_attr(arena, dict->elems[i], depth, &out->types[i], &out->attrs[i]),
              "attribute %.*s", PJ_STR_ARG(dict->names[i]));
  }
  return PJ_STATUS_OK;
}

const PjAttr *pj_ffi_config(const PjOp *op) {
  // JAX's older targets leave backend_config empty and put the dictionary beside it.
  const PjAttr *config = PJ_ATTR(op, backend_config);
  const PjAttr *beside = pj_attr_get(op->extra, "mhlo.backend_config");
  bool typed = config && config->kind == PJ_ATTR_DICT;
  if (beside && beside->kind == PJ_ATTR_DICT && !(typed && config->count))
    return beside;
  return typed ? config : NULL;
}

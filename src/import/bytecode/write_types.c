// Types for the writer, in VHLO's encodings or (around Shardy's operations) builtin ones.
#include <stdarg.h>
#include <stdio.h>

#include "import/bytecode/writer.h"

#define V(major, minor) ((major)*1000 + (minor))

PjStatus pj__bcw_refuse(PjBcw *w, const char *format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  PjStatus status = PJ_ERROR(INVALID_ARGUMENT, "cannot write this for StableHLO %d.%d.%d: %s",
                             w->target.major, w->target.minor, w->target.patch, text);
  return w->op ? pj_op_blame(w->op, status) : pj_status_prefix(status, "module");
}

PjStatus pj__bcw_needs(PjBcw *w, int since, const char *what) {
  if (w->version >= since)
    return PJ_STATUS_OK;
  return pj__bcw_refuse(w, "%s exists since %d.%d.0", what, since / 1000, since % 1000);
}

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

static uint32_t finish(PjBcw *w, bool vhlo, const PjTokens *t) {
  return pj__bcw_intern(w, &w->types, vhlo ? PJ_BCW_VHLO : PJ_BCW_BUILTIN, t);
}

// ---------------------------------------------------------------------------------------- scalars
static uint32_t simple_vhlo(PjBcw *w, int code) {
  PjTokens t = {0};
  put(w, &t, (uint64_t)code);
  return finish(w, true, &t);
}

static PjStatus plain_scalar(PjBcw *w, PjDtype dtype, bool vhlo, uint32_t *out) {
  PjTokens t = {0};
  PJ_TRY(pj__bcw_needs(w, pj__vhlo_dtype_since(dtype), pj_dtype_text(dtype)));
  if (pj_dtype_is_complex(dtype)) {
    uint32_t part;
    PJ_TRY(plain_scalar(w, pj_dtype_part(dtype), vhlo, &part));
    put(w, &t, vhlo ? 1 : 9);
    pj__bcw_put(w, &t, PJ_TOKEN_TYPE, part);
  } else if (vhlo) {
    put(w, &t, (uint64_t)pj_dtype_info[dtype].vhlo);
  } else if (pj_dtype_info[dtype].builtin >= 0) {
    put(w, &t, (uint64_t)pj_dtype_info[dtype].builtin);
  } else {
    put(w, &t, 0);
    put(w, &t,
        (uint64_t)pj_dtype_bits(dtype) << 2 | (pj_dtype_class(dtype) == PJ_CLASS_UINT ? 2 : 0));
  }
  *out = finish(w, vhlo, &t);
  return PJ_STATUS_OK;
}

// The storage type is written signless; a flag tells whether it holds signed values.
static PjStatus quant_scalar(PjBcw *w, const PjType *type, uint32_t *out) {
  const PjQuant *quant = type->quant;
  bool is_signed = pj_dtype_class(type->dtype) == PJ_CLASS_SINT;
  PjDtype storage = is_signed ? type->dtype : (PjDtype)(type->dtype - (PJ_DT_U8 - PJ_DT_S8));
  uint32_t storage_type, expressed;
  PjTokens t = {0};
  PJ_TRY(plain_scalar(w, storage, true, &storage_type));
  PJ_TRY(plain_scalar(w, quant->expressed, true, &expressed));
  if (quant->axis >= 0)
    PJ_TRY(pj__bcw_needs(w, V(0, 18), "quantisation per axis"));
  put(w, &t, quant->axis >= 0 ? 30 : 24);
  put(w, &t, is_signed);
  pj__bcw_put(w, &t, PJ_TOKEN_TYPE, storage_type);
  pj__bcw_put(w, &t, PJ_TOKEN_TYPE, expressed);
  if (quant->axis < 0) {
    put_double(w, &t, quant->scales[0]);
    put_signed(w, &t, quant->zero_points[0]);
  } else {
    put(w, &t, (uint64_t)quant->axis);
  }
  put_signed(w, &t, quant->min);
  put_signed(w, &t, quant->max);
  if (quant->axis >= 0) {
    put(w, &t, quant->num_scales);
    for (uint32_t i = 0; i < quant->num_scales; ++i)
      put_double(w, &t, quant->scales[i]);
    put(w, &t, quant->num_scales);
    for (uint32_t i = 0; i < quant->num_scales; ++i)
      put_signed(w, &t, quant->zero_points[i]);
  }
  *out = finish(w, true, &t);
  return PJ_STATUS_OK;
}

static PjStatus element(PjBcw *w, const PjType *type, bool vhlo, uint32_t *out) {
  if (type->dtype == PJ_DT_INVALID || type->dtype >= PJ_DT_COUNT)
    return pj__bcw_refuse(w, "a type without an element type");
  if (!type->quant)
    return plain_scalar(w, type->dtype, vhlo, out);
  if (!vhlo)
    return pj__bcw_refuse(w, "quantised values cannot pass through a Shardy operation");
  return quant_scalar(w, type, out);
}

// ----------------------------------------------------------------------------------------
// composites
static void put_dims(PjBcw *w, PjTokens *t, const PjType *type) {
  put(w, t, (uint64_t)type->rank);
  for (int32_t i = 0; i < type->rank; ++i)
    put_signed(w, t, type->dims[i]);
}

// type_extensions: code 18 of vhlo, 13 of stablehlo.
static uint32_t bounds_attr(PjBcw *w, const PjType *type, bool vhlo) {
  PjTokens t = {0};
  put(w, &t, vhlo ? 18 : 13);
  put(w, &t, (uint64_t)type->rank);
  for (int32_t i = 0; i < type->rank; ++i)
    put_signed(w, &t, type->bounds[i]);
  return pj__bcw_intern(w, &w->attrs, vhlo ? PJ_BCW_VHLO : PJ_BCW_STABLEHLO, &t);
}

static PjStatus tensor(PjBcw *w, const PjType *type, bool vhlo, uint32_t *out) {
  uint32_t elem;
  PjTokens t = {0};
  PJ_TRY(element(w, type, vhlo, &elem));
  put(w, &t, (vhlo ? 20 : 13) + (type->bounds != NULL));
  if (type->bounds)
    pj__bcw_put(w, &t, PJ_TOKEN_ATTR, bounds_attr(w, type, vhlo));
  put_dims(w, &t, type);
  pj__bcw_put(w, &t, PJ_TOKEN_TYPE, elem);
  *out = finish(w, vhlo, &t);
  return PJ_STATUS_OK;
}

static PjStatus put_list(PjBcw *w, PjTokens *t, uint32_t count, const PjType *const *types,
                         PjBcwForm form) {
  put(w, t, count);
  for (uint32_t i = 0; i < count; ++i) {
    uint32_t type;
    PJ_TRY(pj__bcw_type(w, types[i], form, &type));
    pj__bcw_put(w, t, PJ_TOKEN_TYPE, type);
  }
  return PJ_STATUS_OK;
}

static PjStatus composite(PjBcw *w, const PjType *type, PjBcwForm form, uint32_t *out) {
  bool vhlo = form == PJ_BCW_AS_VHLO, stablehlo = false;
  PjTokens t = {0};
  uint32_t elem;
  switch (type->kind) {
  case PJ_TYPE_UNRANKED:
    PJ_TRY(element(w, type, vhlo, &elem));
    put(w, &t, vhlo ? 25 : 18);
    pj__bcw_put(w, &t, PJ_TOKEN_TYPE, elem);
    break;
  case PJ_TYPE_TUPLE:
    put(w, &t, vhlo ? 23 : 15);
    PJ_TRY(put_list(w, &t, type->num_elems, type->elems, form));
    break;
  case PJ_TYPE_FUTURE:
    PJ_TRY(pj__bcw_needs(w, V(1, 15), "a future"));
    stablehlo = !vhlo;
    put(w, &t, vhlo ? 42 : 1);
    PJ_TRY(put_list(w, &t, type->num_elems, type->elems, form));
    break;
  case PJ_TYPE_FUNCTION:
    put(w, &t, vhlo ? 8 : 2);
    PJ_TRY(put_list(w, &t, type->num_elems, type->elems, form));
    PJ_TRY(put_list(w, &t, type->num_results, type->results, form));
    break;
  case PJ_TYPE_BUFFER:
    if (!vhlo)
      return pj__bcw_refuse(w, "buffers cannot pass through a Shardy operation");
    PJ_TRY(pj__bcw_needs(w, V(1, 13), "a buffer"));
    PJ_TRY(element(w, type, vhlo, &elem));
    put(w, &t, 41);
    put_dims(w, &t, type);
    pj__bcw_put(w, &t, PJ_TOKEN_TYPE, elem);
    break;
  default:
    return pj__bcw_refuse(w, "type %s", pj_type_text(w->arena, type));
  }
  *out = stablehlo ? pj__bcw_intern(w, &w->types, PJ_BCW_STABLEHLO, &t) : finish(w, vhlo, &t);
  return PJ_STATUS_OK;
}

static PjStatus encode(PjBcw *w, const PjType *type, PjBcwForm form, uint32_t *out) {
  bool vhlo = form == PJ_BCW_AS_VHLO;
  PjTokens t = {0};
  switch (type->kind) {
  case PJ_TYPE_TENSOR:
    return tensor(w, type, vhlo, out);
  case PJ_TYPE_SCALAR:
    return element(w, type, vhlo, out);
  case PJ_TYPE_TOKEN:
    put(w, &t, vhlo ? 22 : 0);
    *out = pj__bcw_intern(w, &w->types, vhlo ? PJ_BCW_VHLO : PJ_BCW_STABLEHLO, &t);
    return PJ_STATUS_OK;
  case PJ_TYPE_NONE:
    if (vhlo)
      PJ_TRY(pj__bcw_needs(w, V(1, 6), "type none"));
    put(w, &t, vhlo ? 33 : 12);
    *out = finish(w, vhlo, &t);
    return PJ_STATUS_OK;
  case PJ_TYPE_WITNESS:
    if (!vhlo)
      return pj__bcw_refuse(w, "witnesses cannot pass through a Shardy operation");
    *out = simple_vhlo(w, 26);
    return PJ_STATUS_OK;
  default:
    return composite(w, type, form, out);
  }
}

PjStatus pj__bcw_type(PjBcw *w, const PjType *type, PjBcwForm form, uint32_t *out) {
  if (!type)
    return pj__bcw_refuse(w, "a value without a type");
  uint64_t key = pj_map_ptr(type) * 64 + form;
  uint64_t *seen = pj_map_find(&w->seen, key);
  if (seen) {
    *out = (uint32_t)*seen;
    return PJ_STATUS_OK;
  }
  PJ_TRY(encode(w, type, form, out));
  pj_map_set(w->arena, &w->seen, key, *out);
  return PJ_STATUS_OK;
}

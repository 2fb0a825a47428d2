// Constants as C.
#include <inttypes.h>

#include "aot/writer.h"

// The C type of an element as it lies in memory. Complex numbers are two of it, the smallest types
// a byte.
const char *pj_aot__element_type(PjDtype dtype) {
  switch (dtype) {
  case PJ_DT_F64:
  case PJ_DT_C128:
    return "double";
  case PJ_DT_F32:
  case PJ_DT_C64:
    return "float";
  default:
    break;
  }
  bool is_signed = pj_dtype_class(dtype) == PJ_CLASS_SINT;
  switch (pj_dtype_bytes(dtype)) {
  case 8:
    return is_signed ? "int64_t" : "uint64_t";
  case 4:
    return is_signed ? "int32_t" : "uint32_t";
  case 2:
    return is_signed ? "int16_t" : "uint16_t";
  default:
    return is_signed ? "int8_t" : "uint8_t";
  }
}

static void print_element(PjStrBuf *out, PjDtype dtype, const char *data, bool as_bits) {
  uint64_t bits = 0;
  size_t bytes = pj_dtype_is_complex(dtype) ? pj_dtype_bytes(dtype) / 2 : pj_dtype_bytes(dtype);
  memcpy(&bits, data, bytes);
  const char *type = pj_aot__element_type(dtype);
  if (*type == 'f' || *type == 'd') {
    if (as_bits)
      pj_strbuf_printf(out, bytes == 4 ? "0x%08" PRIx64 : "0x%016" PRIx64, bits);
    else
      pj_clike_number(out, bytes == 4 ? PJ_KIR_F32 : PJ_KIR_F64, bits);
  } else if (pj_dtype_class(dtype) == PJ_CLASS_SINT &&
             (int64_t)(bits << (64 - 8 * bytes)) != INT64_MIN) {
    pj_strbuf_printf(out, "%" PRId64, (int64_t)(bits << (64 - 8 * bytes)) >> (64 - 8 * bytes));
  } else {
    pj_strbuf_printf(out,
                     bytes == 8   ? "UINT64_C(%" PRIu64 ")"
                     : bytes == 4 ? "%" PRIu64 "u"
                                  : "%" PRIu64,
                     bits);
  }
}

static bool has_nan(PjDtype dtype, const char *data, size_t count, size_t bytes) {
  const char *type = pj_aot__element_type(dtype);
  if (*type != 'f' && *type != 'd')
    return false;
  for (size_t i = 0; i < count; ++i) {
    float narrow = 0;
    double wide = 0;
    if (bytes == 4)
      memcpy(&narrow, data + 4 * i, 4);
    else
      memcpy(&wide, data + 8 * i, 8);
    if (narrow != narrow || wide != wide)
      return true;
  }
  return false;
}

static void print_constant(PjAotWriter *w, uint32_t slot, const PjType *type) {
  const PjSchedSlot *s = &w->s->slots.data[slot];
  PjStrBuf *out = &w->constants;
  PjDtype dtype = type->dtype;
  size_t bytes = pj_dtype_is_complex(dtype) ? pj_dtype_bytes(dtype) / 2 : pj_dtype_bytes(dtype);
  size_t count = s->bytes / bytes;
  // The bits of a NaN are kept as an integer.
  bool as_bits = has_nan(dtype, s->data, count, bytes);
  const char *elem = as_bits ? bytes == 4 ? "uint32_t" : "uint64_t" : pj_aot__element_type(dtype);
  pj_strbuf_puts(out, "\n// ");
  pj_type_print(out, type);
  pj_strbuf_printf(out, "\n_Alignas(64) static const %s c%" PRIu32 "[%zu] = {", elem, slot,
                   count ? count : 1);
  for (size_t i = 0; i < count; ++i) {
    pj_strbuf_puts(out, i % 10 ? ", " : i ? ",\n    " : "\n    ");
    print_element(out, dtype, (const char *)s->data + i * bytes, as_bits);
  }
  pj_strbuf_puts(out, count ? "};\n" : "0};\n");
}

static bool is_constant(const PjAotWriter *w, size_t slot) {
  return w->s->slots.data[slot].kind == PJ_SLOT_CONSTANT && w->used[slot];
}

void pj_aot__place_weights(PjAotWriter *w) {
  size_t n = w->s->slots.len;
  w->weight = PJ_NEW_ARRAY(w->arena, size_t, n + 1);
  for (size_t i = 0; i < n; ++i) {
    size_t bytes = w->s->slots.data[i].bytes;
    w->weight[i] = PJ_AOT_INLINE;
    if (!w->options->weights || !is_constant(w, i) || bytes < PJ_AOT_WEIGHT_BYTES)
      continue;
    w->weight[i] = w->weights_bytes;
    w->weights_bytes += (bytes + 63) / 64 * 64;
  }
}

void pj_aot__print_constants(PjAotWriter *w, PjStrBuf *weights) {
  static const char zeros[64];
  for (size_t i = 0; i < w->s->slots.len; ++i) {
    const PjSchedSlot *slot = &w->s->slots.data[i];
    if (!is_constant(w, i))
      continue;
    if (w->weight[i] == PJ_AOT_INLINE) {
      print_constant(w, (uint32_t)i, slot->type);
    } else {
      pj_strbuf_append(weights, slot->data, slot->bytes);
      pj_strbuf_append(weights, zeros, (64 - slot->bytes % 64) % 64);
    }
  }
}

// Attributes as text.
#include <inttypes.h>

#include "ir/float_bits.h"
#include "ir/print_parts.h"

enum { HEX_ELEMENTS = 100 }; // longer constants are written as hex digits

static bool is_bare(PjStr name) {
  for (size_t i = 0; i < name.len; ++i) {
    char c = name.ptr[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (!letter && !(i && ((c >= '0' && c <= '9') || c == '$' || c == '.')))
      return false;
  }
  return name.len != 0;
}

void pj_print_int(PjStrBuf *out, int64_t value, PjDtype dtype) {
  if (pj_dtype_class(dtype) == PJ_CLASS_UINT)
    pj_strbuf_printf(out, "%" PRIu64, (uint64_t)value);
  else
    pj_strbuf_printf(out, "%" PRId64, value);
}

void pj_print_ints(PjStrBuf *out, uint32_t count, const int64_t *values) {
  for (uint32_t i = 0; i < count; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    pj_strbuf_printf(out, "%" PRId64, values[i]);
  }
}

static void print_bools(PjStrBuf *out, const PjAttr *attr) {
  for (uint32_t i = 0; i < attr->count; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    pj_strbuf_puts(out, attr->ints[i] ? "true" : "false");
  }
}

// ------------------------------------------------------------------------------------- elements
static void print_part(PjStrBuf *out, PjDtype dtype, const char *from) {
  size_t size = pj_dtype_bytes(dtype);
  uint64_t bits = 0;
  memcpy(&bits, from, size);
  if (dtype == PJ_DT_PRED) {
    pj_strbuf_puts(out, bits ? "true" : "false");
  } else if (pj_dtype_is_float(dtype)) {
    pj_float_print(out, dtype, bits);
  } else {
    unsigned unused = 64 - 8 * (unsigned)size;
    bool sign = pj_dtype_class(dtype) == PJ_CLASS_SINT;
    pj_print_int(out, sign ? (int64_t)(bits << unused) >> unused : (int64_t)bits, dtype);
  }
}

static void print_element(PjStrBuf *out, PjDtype dtype, const char *from) {
  PjDtype part = pj_dtype_part(dtype);
  if (part == dtype) {
    print_part(out, dtype, from);
    return;
  }
  pj_strbuf_putc(out, '(');
  print_part(out, part, from);
  pj_strbuf_puts(out, ", ");
  print_part(out, part, from + pj_dtype_bytes(part));
  pj_strbuf_putc(out, ')');
}

static const char *print_lists(PjStrBuf *out, const PjType *type, int32_t dim, const char *from) {
  if (dim == type->rank) {
    print_element(out, type->dtype, from);
    return from + pj_dtype_bytes(type->dtype);
  }
  pj_strbuf_putc(out, '[');
  for (int64_t i = 0; i < type->dims[dim]; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    from = print_lists(out, type, dim + 1, from);
  }
  pj_strbuf_putc(out, ']');
  return from;
}

// Not for i1: MLIR packed eight of them into a byte until late 2025, and gives each its own since.
static void print_hex(PjStrBuf *out, const PjAttr *attr) {
  // Three bytes of TF32's four are its value, as in MLIR; narrow elements lose the copies of their
  // sign.
  size_t elem = pj_dtype_bytes(attr->type->dtype);
  size_t kept = attr->type->dtype == PJ_DT_TF32 ? 3 : elem;
  unsigned bits = pj_dtype_bits(attr->type->dtype);
  unsigned mask = bits < 8 ? (1u << bits) - 1 : 0xFF;
  const uint8_t *data = attr->data;
  char chunk[256];
  size_t used = 0;
  pj_strbuf_puts(out, "\"0x");
  for (size_t i = 0; i < attr->data_size; ++i) {
    if (i % elem >= kept)
      continue;
    chunk[used++] = "0123456789ABCDEF"[(data[i] & mask) >> 4];
    chunk[used++] = "0123456789ABCDEF"[data[i] & mask & 15];
    if (used == sizeof chunk) {
      pj_strbuf_append(out, chunk, used);
      used = 0;
    }
  }
  pj_strbuf_append(out, chunk, used);
  pj_strbuf_putc(out, '"');
}

void pj_print_elements(PjStrBuf *out, const PjAttr *attr, uint32_t elide) {
  int64_t count = 0;
  pj_type_num_elements(attr->type, &count);
  if (elide && !attr->splat && count > elide) {
    pj_strbuf_puts(out, "dense_resource<__elided__> : ");
  } else {
    pj_strbuf_puts(out, "dense<");
    if (count && attr->splat)
      print_element(out, attr->type->dtype, attr->data);
    else if (count > HEX_ELEMENTS && attr->type->dtype != PJ_DT_PRED)
      print_hex(out, attr);
    else if (count)
      print_lists(out, attr->type, 0, attr->data);
    pj_strbuf_puts(out, "> : ");
  }
  pj_type_print(out, attr->type);
}

void pj_print_matrix(PjStrBuf *out, const PjAttr *attr) {
  uint32_t columns = (uint32_t)attr->columns, rows = columns ? attr->count / columns : 0;
  pj_strbuf_puts(out, "dense<");
  for (uint32_t i = 0; i < rows; ++i) {
    pj_strbuf_puts(out, i ? ", [" : "[[");
    pj_print_ints(out, columns, attr->ints + (size_t)i * columns);
    pj_strbuf_putc(out, ']');
  }
  pj_strbuf_printf(out, "%s> : tensor<%ux%uxi64>", rows ? "]" : "", rows, columns);
}

// ------------------------------------------------------------------------------------- one
// attribute
static void print_int_list(PjStrBuf *out, const PjAttr *attr) {
  PjDtype dtype = attr->type ? attr->type->dtype : PJ_DT_S64;
  pj_strbuf_printf(out, "array<%s", pj_dtype_text(dtype));
  for (uint32_t i = 0; i < attr->count; ++i) {
    pj_strbuf_puts(out, i ? ", " : ": ");
    if (pj_dtype_is_float(dtype))
      pj_float_print(out, dtype, (uint64_t)attr->ints[i]);
    else
      pj_print_int(out, attr->ints[i], dtype);
  }
  pj_strbuf_putc(out, '>');
}

static void print_accuracy(PjStrBuf *out, const PjAttr *attr) {
  uint64_t bits;
  pj_strbuf_puts(out, "#stablehlo.result_accuracy<atol = ");
  memcpy(&bits, &attr->f64, sizeof bits);
  pj_float_print(out, PJ_DT_F64, bits);
  pj_strbuf_puts(out, ", rtol = ");
  memcpy(&bits, &attr->f64b, sizeof bits);
  pj_float_print(out, PJ_DT_F64, bits);
  const char *mode = pj_enum_text(PJ_ENUM_ACCURACY_MODE, attr->i64b);
  pj_strbuf_printf(out, ", ulps = %" PRId64 ", mode = #stablehlo.result_accuracy_mode<%s>>",
                   attr->i64, mode ? mode : "DEFAULT");
}

static void print_alias(PjStrBuf *out, const PjAttr *attr) {
  pj_strbuf_puts(out, "#stablehlo.output_operand_alias<output_tuple_indices = [");
  pj_print_ints(out, attr->count, attr->ints);
  pj_strbuf_printf(out, "], operand_index = %" PRId64 ", operand_tuple_indices = [", attr->i64);
  if (attr->more)
    pj_print_ints(out, attr->more->count, attr->more->ints);
  pj_strbuf_puts(out, "]>");
}

static void print_enum(PjStrBuf *out, const PjAttr *attr) {
  const char *text = pj_enum_text(attr->enum_kind, attr->i64),
             *name = pj_enum_name(attr->enum_kind);
  pj_strbuf_printf(
      out, attr->enum_kind == PJ_ENUM_ACCURACY_MODE ? "#stablehlo.%s<%s>" : "#stablehlo<%s %s>",
      name, text ? text : "?");
}

void pj_print_field(PjStrBuf *out, PjStr name, const PjAttr *value) {
  if (is_bare(name))
    pj_strbuf_str(out, name);
  else
    pj_string_print(out, name);
  if (value->kind == PJ_ATTR_UNIT)
    return;
  pj_strbuf_puts(out, " = ");
  pj_attr_print(out, value);
}

void pj_print_array(PjStrBuf *out, uint32_t count, const PjAttr *const *elems) {
  for (uint32_t i = 0; i < count; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    pj_attr_print(out, elems[i]);
  }
}

void pj_attr_print(PjStrBuf *out, const PjAttr *attr) {
  uint64_t bits;
  if (!attr) {
    pj_strbuf_puts(out, "<<no attribute>>");
    return;
  }
  switch (attr->kind) {
  case PJ_ATTR_UNIT:
    pj_strbuf_puts(out, "unit");
    return;
  case PJ_ATTR_BOOL:
    pj_strbuf_puts(out, attr->i64 ? "true" : "false");
    return;
  case PJ_ATTR_INT:
    pj_print_int(out, attr->i64, attr->type->dtype);
    pj_strbuf_printf(out, " : %s", pj_dtype_text(attr->type->dtype));
    return;
  case PJ_ATTR_FLOAT:
    bits = pj_float_to_bits(attr->type->dtype, attr->f64);
    pj_float_print(out, attr->type->dtype, bits);
    pj_strbuf_printf(out, " : %s", pj_dtype_text(attr->type->dtype));
    return;
  case PJ_ATTR_STRING:
    pj_string_print(out, attr->str);
    return;
  case PJ_ATTR_SYMBOL:
    pj_symbol_print(out, attr->str);
    return;
  case PJ_ATTR_TYPE:
    pj_type_print(out, attr->type);
    return;
  case PJ_ATTR_ENUM:
    print_enum(out, attr);
    return;
  case PJ_ATTR_INTS:
    if (attr->columns >= 0)
      pj_print_matrix(out, attr);
    else
      print_int_list(out, attr);
    return;
  case PJ_ATTR_BOOLS:
    pj_strbuf_puts(out, attr->count ? "array<i1: " : "array<i1");
    print_bools(out, attr);
    pj_strbuf_putc(out, '>');
    return;
  case PJ_ATTR_ARRAY:
    pj_strbuf_putc(out, '[');
    pj_print_array(out, attr->count, attr->elems);
    pj_strbuf_putc(out, ']');
    return;
  case PJ_ATTR_DICT:
    pj_strbuf_putc(out, '{');
    for (uint32_t i = 0; i < attr->count; ++i) {
      if (i)
        pj_strbuf_puts(out, ", ");
      pj_print_field(out, attr->names[i], attr->elems[i]);
    }
    pj_strbuf_putc(out, '}');
    return;
  case PJ_ATTR_ELEMENTS:
    pj_print_elements(out, attr, 0);
    return;
  case PJ_ATTR_ALIAS:
    print_alias(out, attr);
    return;
  case PJ_ATTR_ACCURACY:
    print_accuracy(out, attr);
    return;
  case PJ_ATTR_CHANNEL:
    pj_strbuf_printf(out, "#stablehlo.channel_handle<handle = %" PRId64 ", type = %" PRId64 ">",
                     attr->i64, attr->i64b);
    return;
  case PJ_ATTR_BOUNDS:
    pj_strbuf_puts(out, "#stablehlo.bounds<");
    for (uint32_t i = 0; i < attr->count; ++i) {
      if (i)
        pj_strbuf_puts(out, ", ");
      if (attr->ints[i] == PJ_DYN)
        pj_strbuf_putc(out, '?');
      else
        pj_strbuf_printf(out, "%" PRId64, attr->ints[i]);
    }
    pj_strbuf_putc(out, '>');
    return;
  case PJ_ATTR_STRUCT:
    pj_print_struct(out, attr);
    return;
  }
}

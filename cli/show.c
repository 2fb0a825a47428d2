// Printing arrays. Narrow floats are decoded here from a table of their formats, since this command
// links nothing of the compiler.
#include "show.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALL_BELOW = 64 }; // a larger array shows |edge| elements at each end of each axis

void pj_show_type(PjStrBuf *out, PJRT_Buffer_Type type, const int64_t *dims, size_t rank) {
  pj_strbuf_printf(out, "%s[", pjh_type_name(type));
  for (size_t i = 0; i < rank; i++) {
    if (i)
      pj_strbuf_putc(out, ',');
    if (dims[i] < 0)
      pj_strbuf_putc(out, '?');
    else
      pj_strbuf_printf(out, "%" PRId64, dims[i]);
  }
  pj_strbuf_putc(out, ']');
}

// How the bits beyond sign, exponent and mantissa are read.
typedef enum FloatKind {
  IEEE,     // all-ones exponent: infinity and NaN
  FN,       // all ones everywhere: NaN; no infinity
  FNUZ,     // only 1000...: NaN; no infinity, no negative zero
  FINITE,   // every pattern is a number
  EXPONENT, // no sign, no mantissa; all ones: NaN
} FloatKind;

static const struct {
  PJRT_Buffer_Type type;
  unsigned char exponent_bits, mantissa_bits, bias;
  unsigned char kind;
} float_formats[] = {
    {PJRT_Buffer_Type_F16, 5, 10, 15, IEEE},
    {PJRT_Buffer_Type_BF16, 8, 7, 127, IEEE},
    {PJRT_Buffer_Type_F8E5M2, 5, 2, 15, IEEE},
    {PJRT_Buffer_Type_F8E4M3, 4, 3, 7, IEEE},
    {PJRT_Buffer_Type_F8E3M4, 3, 4, 3, IEEE},
    {PJRT_Buffer_Type_F8E4M3FN, 4, 3, 7, FN},
    {PJRT_Buffer_Type_F8E4M3B11FNUZ, 4, 3, 11, FNUZ},
    {PJRT_Buffer_Type_F8E5M2FNUZ, 5, 2, 16, FNUZ},
    {PJRT_Buffer_Type_F8E4M3FNUZ, 4, 3, 8, FNUZ},
    {PJRT_Buffer_Type_F8E8M0FNU, 8, 0, 127, EXPONENT},
    {PJRT_Buffer_Type_F4E2M1FN, 2, 1, 1, FINITE},
};

// Decodes |bits|. |*digits| is how many decimal digits tell all values of the format apart.
static double decode_float(PJRT_Buffer_Type type, unsigned bits, int *digits) {
  size_t i = 0;
  while (float_formats[i].type != type)
    i++; // callers ask only for types of the table
  int eb = float_formats[i].exponent_bits, mb = float_formats[i].mantissa_bits,
      bias = float_formats[i].bias;
  *digits = mb / 3 + 2;
  unsigned mantissa = bits & ((1u << mb) - 1), exponent = bits >> mb & ((1u << eb) - 1);
  bool negative = bits >> (eb + mb) & 1, top = exponent == (1u << eb) - 1;
  switch ((FloatKind)float_formats[i].kind) {
  case IEEE:
    if (top)
      return mantissa ? NAN : negative ? -INFINITY : INFINITY;
    break;
  case FN:
    if (top && mantissa == (1u << mb) - 1)
      return NAN;
    break;
  case FNUZ:
    if (negative && !exponent && !mantissa)
      return NAN;
    break;
  case EXPONENT:
    return top ? NAN : ldexp(1, (int)exponent - bias);
  case FINITE:
    break;
  }
  double value = exponent ? ldexp(1 + ldexp(mantissa, -mb), (int)exponent - bias)
                          : ldexp(mantissa, 1 - bias - mb);
  return negative ? -value : value;
}

// The shortest text that reads back as |value|, with |most| digits at most; |single| reads it back
// as float.
static void put_float(PjStrBuf *out, double value, int most, bool single) {
  char text[40];
  for (int digits = most < 6 ? most : 6; digits <= most; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    double back = single ? (double)strtof(text, NULL) : strtod(text, NULL);
    if (back == value || isnan(value))
      break;
  }
  pj_strbuf_puts(out, isnan(value) ? "nan" : text); // The sign of a NaN says nothing.
}

static void put_complex(PjStrBuf *out, double re, double im, bool single) {
  int digits = single ? 9 : 17;
  put_float(out, re, digits, single);
  if (!signbit(im) || isnan(im))
    pj_strbuf_putc(out, '+');
  put_float(out, im, digits, single);
  pj_strbuf_putc(out, 'i');
}

#define LOAD(Type, name) \
  Type name;             \
  memcpy(&(name), element, sizeof(name))

static void put_element(PjStrBuf *out, PJRT_Buffer_Type type, const char *element) {
  switch (type) {
  case PJRT_Buffer_Type_PRED:
    pj_strbuf_puts(out, *element ? "true" : "false");
    return;
  case PJRT_Buffer_Type_S1:
  case PJRT_Buffer_Type_S2:
  case PJRT_Buffer_Type_S4:
  case PJRT_Buffer_Type_S8:
    pj_strbuf_printf(out, "%d", *(const signed char *)element);
    return;
  case PJRT_Buffer_Type_U1:
  case PJRT_Buffer_Type_U2:
  case PJRT_Buffer_Type_U4:
  case PJRT_Buffer_Type_U8:
    pj_strbuf_printf(out, "%u", *(const unsigned char *)element);
    return;
  case PJRT_Buffer_Type_S16: {
    LOAD(int16_t, v);
    pj_strbuf_printf(out, "%d", v);
    return;
  }
  case PJRT_Buffer_Type_U16: {
    LOAD(uint16_t, v);
    pj_strbuf_printf(out, "%u", v);
    return;
  }
  case PJRT_Buffer_Type_S32: {
    LOAD(int32_t, v);
    pj_strbuf_printf(out, "%" PRId32, v);
    return;
  }
  case PJRT_Buffer_Type_U32: {
    LOAD(uint32_t, v);
    pj_strbuf_printf(out, "%" PRIu32, v);
    return;
  }
  case PJRT_Buffer_Type_S64: {
    LOAD(int64_t, v);
    pj_strbuf_printf(out, "%" PRId64, v);
    return;
  }
  case PJRT_Buffer_Type_U64: {
    LOAD(uint64_t, v);
    pj_strbuf_printf(out, "%" PRIu64, v);
    return;
  }
  case PJRT_Buffer_Type_F32: {
    LOAD(float, v);
    put_float(out, v, 9, true);
    return;
  }
  case PJRT_Buffer_Type_F64: {
    LOAD(double, v);
    put_float(out, v, 17, false);
    return;
  }
  case PJRT_Buffer_Type_C64: {
    LOAD(float, re);
    element += sizeof re;
    LOAD(float, im);
    put_complex(out, re, im, true);
    return;
  }
  case PJRT_Buffer_Type_C128: {
    LOAD(double, re);
    element += sizeof re;
    LOAD(double, im);
    put_complex(out, re, im, false);
    return;
  }
  case PJRT_Buffer_Type_INVALID:
  case PJRT_Buffer_Type_TOKEN:
    pj_strbuf_puts(out, "?");
    return;
  default: {
    unsigned bits = *(const unsigned char *)element;
    if (pjh_type_host_size(type) == 2) {
      LOAD(uint16_t, v);
      bits = v;
    }
    int digits = 0;
    double value = decode_float(type, bits, &digits);
    put_float(out, value, digits, false);
    return;
  }
  }
}

typedef struct Shape {
  PJRT_Buffer_Type type;
  const int64_t *dims;
  size_t rank, element_size;
  int64_t edge;
} Shape;

// Prints the |bytes| of the array at |data|, which span the axes from |axis| on.
static void put_axis(PjStrBuf *out, const Shape *shape, size_t axis, const char *data,
                     size_t bytes) {
  if (axis == shape->rank) {
    put_element(out, shape->type, data);
    return;
  }
  int64_t n = shape->dims[axis];
  size_t step = n ? bytes / (size_t)n : 0;
  bool innermost = axis + 1 == shape->rank;
  pj_strbuf_putc(out, '[');
  for (int64_t i = 0; i < n && !out->failed; i++) {
    if (i)
      pj_strbuf_puts(out, innermost ? ", " : ",\n");
    for (size_t k = 0; i && !innermost && k <= axis; k++)
      pj_strbuf_putc(out, ' ');
    if (i == shape->edge && n > 2 * shape->edge) {
      pj_strbuf_puts(out, "...");
      i = n - shape->edge - 1;
      continue;
    }
    put_axis(out, shape, axis + 1, data + (size_t)i * step, step);
  }
  pj_strbuf_putc(out, ']');
}

void pj_show_elements(PjStrBuf *out, PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                      const void *data) {
  size_t count = 1;
  for (size_t i = 0; i < rank; i++)
    count *= (size_t)dims[i];
  // Many axes multiply; one element at each end is enough of them.
  int64_t edge = count <= ALL_BELOW ? INT64_MAX / 2 : rank <= 3 ? 3 : 1;
  Shape shape = {type, dims, rank, pjh_type_host_size(type), edge};
  put_axis(out, &shape, 0, data, count * shape.element_size);
}

void pj_show_json(PjStrBuf *out, PJRT_Buffer_Type type, const void *data, size_t size) {
  size_t width = pjh_type_host_size(type), count = width ? size / width : 0;
  bool complex = type == PJRT_Buffer_Type_C64 || type == PJRT_Buffer_Type_C128;
  pj_strbuf_putc(out, '[');
  for (size_t i = 0; i < count; i++) {
    PjStrBuf element = {0};
    put_element(&element, type, (const char *)data + i * width);
    const char *text = element.data ? element.data : "0", *digits = text + (*text == '-');
    bool bare = !complex && *digits != 'i' && *digits != 'n';
    pj_strbuf_printf(out, bare ? "%s%s" : "%s\"%s\"", i ? ", " : "", text);
    pj_strbuf_free(&element);
  }
  pj_strbuf_putc(out, ']');
}

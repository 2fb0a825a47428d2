// Element types and arrays.
#include "array.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define INTEGER(T, name, mlir, class, bytes, bits, old) \
  { PJRT_Buffer_Type_##T, name, mlir, class, bytes, bits, 0, 0, 0, false, false, old }
#define FLOAT(T, name, mlir, bytes, bits, e, m, bias, inf, fnuz, old) \
  { PJRT_Buffer_Type_##T, name, mlir, PJ_FLOAT, bytes, bits, e, m, bias, inf, fnuz, old }

// All of the interface but TOKEN, which holds no data, and S1 and U1, which programs cannot name.
const PjCtsType pj_cts_types[] = {
    INTEGER(PRED, "pred", "i1", PJ_BOOL, 1, 8, true),
    INTEGER(S8, "s8", "i8", PJ_INT, 1, 8, true),
    INTEGER(S16, "s16", "i16", PJ_INT, 2, 16, true),
    INTEGER(S32, "s32", "i32", PJ_INT, 4, 32, true),
    INTEGER(S64, "s64", "i64", PJ_INT, 8, 64, true),
    INTEGER(U8, "u8", "ui8", PJ_UINT, 1, 8, true),
    INTEGER(U16, "u16", "ui16", PJ_UINT, 2, 16, true),
    INTEGER(U32, "u32", "ui32", PJ_UINT, 4, 32, true),
    INTEGER(U64, "u64", "ui64", PJ_UINT, 8, 64, true),
    FLOAT(F16, "f16", "f16", 2, 16, 5, 10, 15, true, false, true),
    FLOAT(F32, "f32", "f32", 4, 32, 8, 23, 127, true, false, true),
    FLOAT(F64, "f64", "f64", 8, 64, 11, 52, 1023, true, false, true),
    FLOAT(BF16, "bf16", "bf16", 2, 16, 8, 7, 127, true, false, true),
    {PJRT_Buffer_Type_C64, "c64", "complex<f32>", PJ_COMPLEX, 8, 32, 8, 23, 127, true, false, true},
    {PJRT_Buffer_Type_C128, "c128", "complex<f64>", PJ_COMPLEX, 16, 64, 11, 52, 1023, true, false,
     true},
    FLOAT(F8E5M2, "f8e5m2", "f8E5M2", 1, 8, 5, 2, 15, true, false, false),
    FLOAT(F8E4M3FN, "f8e4m3fn", "f8E4M3FN", 1, 8, 4, 3, 7, false, false, false),
    FLOAT(F8E4M3B11FNUZ, "f8e4m3b11fnuz", "f8E4M3B11FNUZ", 1, 8, 4, 3, 11, false, true, false),
    FLOAT(F8E5M2FNUZ, "f8e5m2fnuz", "f8E5M2FNUZ", 1, 8, 5, 2, 16, false, true, false),
    FLOAT(F8E4M3FNUZ, "f8e4m3fnuz", "f8E4M3FNUZ", 1, 8, 4, 3, 8, false, true, false),
    INTEGER(S4, "s4", "i4", PJ_INT, 1, 4, false),
    INTEGER(U4, "u4", "ui4", PJ_UINT, 1, 4, false),
    INTEGER(S2, "s2", "i2", PJ_INT, 1, 2, false),
    INTEGER(U2, "u2", "ui2", PJ_UINT, 1, 2, false),
    FLOAT(F8E4M3, "f8e4m3", "f8E4M3", 1, 8, 4, 3, 7, true, false, false),
    FLOAT(F8E3M4, "f8e3m4", "f8E3M4", 1, 8, 3, 4, 3, true, false, false),
    FLOAT(F8E8M0FNU, "f8e8m0fnu", "f8E8M0FNU", 1, 8, 8, 0, 127, false, false, false),
    FLOAT(F4E2M1FN, "f4e2m1fn", "f4E2M1FN", 1, 4, 2, 1, 1, false, false, false),
};
const size_t pj_cts_num_types = sizeof pj_cts_types / sizeof *pj_cts_types;

const PjCtsType *pj_cts_type_named(const char *name, size_t length) {
  for (size_t i = 0; i < pj_cts_num_types; i++)
    if (strlen(pj_cts_types[i].name) == length && memcmp(pj_cts_types[i].name, name, length) == 0)
      return &pj_cts_types[i];
  return NULL;
}

// Powers of two without sign or zero; 255 is NaN.
static bool is_scale(const PjCtsType *type) {
  return type->class == PJ_FLOAT && type->mantissa == 0;
}

static uint64_t encode_float(const PjCtsType *t, double value) {
  if (is_scale(t))
    return isnan(value) ? 255 : (uint64_t)(ilogb(value) + t->bias);
  uint64_t sign = (uint64_t)(signbit(value) != 0) << (t->exponent + t->mantissa);
  uint64_t all = ((uint64_t)1 << t->exponent) - 1, mantissas = (uint64_t)1 << t->mantissa;
  if (t->negative_zero_is_nan && isnan(value))
    return (uint64_t)1 << (t->exponent + t->mantissa);
  if (isnan(value))
    return t->infinities ? (all << t->mantissa) | mantissas >> 1
                         : all << t->mantissa | (mantissas - 1);
  double size = fabs(value);
  int e;
  frexp(size, &e);
  int field = size > 0 ? e - 1 + t->bias : 0; // the exponent field of a normal number
  int scale = field > 0 ? e - 1 : 1 - t->bias;
  double units = size == 0 ? 0 : nearbyint(ldexp(size, t->mantissa - scale));
  if (isinf(size))
    units = INFINITY;
  uint64_t bits;
  if (isinf(units)) {
    bits = UINT64_MAX;
  } else {
    uint64_t whole = (uint64_t)units; // with the hidden one, if normal
    bits = field > 0 ? ((uint64_t)(field - 1) << t->mantissa) + whole : whole;
  }
  uint64_t most; // the largest finite number
  if (t->infinities)
    most = (all << t->mantissa) - 1;
  else if (t->bits == 4 || t->negative_zero_is_nan)
    most = (all << t->mantissa) + mantissas - 1;
  else
    most = (all << t->mantissa) + mantissas - 2;
  if (bits > most) {
    if (t->infinities)
      bits = all << t->mantissa;
    else if (t->negative_zero_is_nan)
      return (uint64_t)1 << (t->exponent + t->mantissa);
    else
      bits = t->bits == 4 ? most : most + 1;
  }
  if (t->negative_zero_is_nan && bits == 0)
    return 0;
  return sign | bits;
}

uint64_t pj_cts_encode(const PjCtsType *type, double value) {
  uint64_t mask = type->bits == 64 ? UINT64_MAX : ((uint64_t)1 << type->bits) - 1;
  switch (type->class) {
  case PJ_INT: {
    // Below a byte, elements come sign-extended.
    uint64_t bytes = type->host_bytes == 8 ? UINT64_MAX : ((uint64_t)1 << 8 * type->host_bytes) - 1;
    return (uint64_t)(int64_t)value & bytes;
  }
  case PJ_UINT:
    return (value < 0 ? (uint64_t)(int64_t)value : (uint64_t)value) & mask;
  case PJ_BOOL:
    return value != 0;
  default:
    break;
  }
  if (type->bits == 64) {
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return bits;
  }
  return encode_float(type, value);
}

double pj_cts_decode(const PjCtsType *type, uint64_t bits) {
  int unused = 64 - type->bits;
  switch (type->class) {
  case PJ_INT:
    return (double)((int64_t)(bits << unused) >> unused);
  case PJ_UINT:
    return (double)(bits << unused >> unused);
  case PJ_BOOL:
    return (bits & 0xff) != 0;
  default:
    break;
  }
  if (is_scale(type))
    return bits == 255 ? NAN : ldexp(1, (int)bits - type->bias);
  uint64_t all = ((uint64_t)1 << type->exponent) - 1,
           m = bits & (((uint64_t)1 << type->mantissa) - 1);
  uint64_t e = bits >> type->mantissa & all;
  bool negative = bits >> (type->exponent + type->mantissa) & 1;
  double value;
  if (type->negative_zero_is_nan && negative && !e && !m)
    return NAN;
  if (type->infinities && e == all)
    value = m ? NAN : INFINITY;
  else if (!type->infinities && !type->negative_zero_is_nan && type->bits == 8 && e == all &&
           m == ((uint64_t)1 << type->mantissa) - 1)
    value = NAN;
  else if (e)
    value =
        ldexp((double)(m + ((uint64_t)1 << type->mantissa)), (int)e - type->bias - type->mantissa);
  else
    value = ldexp((double)m, 1 - type->bias - type->mantissa);
  return negative ? -value : value;
}

// Bytes of one number: an element, or a part of a complex one.
static size_t part_bytes(const PjCtsType *type) {
  return (size_t)type->host_bytes / (type->class == PJ_COMPLEX ? 2 : 1);
}

static double read_number(const PjCtsArray *a, size_t index) {
  uint64_t bits = 0;
  memcpy(&bits, a->data + index * part_bytes(a->type), part_bytes(a->type));
  return pj_cts_decode(a->type, bits);
}

static void write_number(PjCtsArray *a, size_t index, double value) {
  uint64_t bits = pj_cts_encode(a->type, value);
  memcpy(a->data + index * part_bytes(a->type), &bits, part_bytes(a->type));
}

// Integers beyond 2^53 keep their bits.
static bool write_integer(PjCtsArray *a, size_t index, const char *token) {
  char *end;
  if (a->type->class != PJ_INT && a->type->class != PJ_UINT)
    return false;
  uint64_t bits = *token == '-' ? (uint64_t)strtoll(token, &end, 10) : strtoull(token, &end, 10);
  if (*end)
    return false;
  memcpy(a->data + index * part_bytes(a->type), &bits, part_bytes(a->type));
  return true;
}

static double number(const char *token, const char *text) {
  if (strcmp(token, "true") == 0 || strcmp(token, "false") == 0)
    return *token == 't';
  char *end;
  double value = strtod(token, &end);
  CHECK(*token && !*end, "the kit's own fault: '%s' in %s", token, text);
  return value;
}

static void fill(PjCtsArray *out, char *numbers, const char *text) {
  size_t at = 0;
  bool complex = out->type->class == PJ_COMPLEX;
  for (char *token = strtok(numbers, " \t"); token; token = strtok(NULL, " \t")) {
    if (strcmp(token, "iota") == 0) {
      for (; at < out->count; at++)
        write_number(out, complex ? 2 * at : at, (double)at);
      continue;
    }
    char *star = strchr(token, '*'), *colon = strchr(token, ':');
    size_t times = star ? (size_t)strtoull(star + 1, NULL, 10) : 1;
    if (star)
      *star = 0;
    if (colon)
      *colon = 0;
    CHECK(at + times <= out->count, "the kit's own fault: too many numbers: %s", text);
    for (size_t i = 0; i < times; i++, at++) {
      if (!complex && write_integer(out, at, token))
        continue;
      write_number(out, complex ? 2 * at : at, number(token, text));
      if (complex)
        write_number(out, 2 * at + 1, colon ? number(colon + 1, text) : 0);
    }
  }
  CHECK(at == out->count, "the kit's own fault: %zu numbers of %zu: %s", at, out->count, text);
}

PjCtsArray pj_cts_parse(const char *text, size_t length) {
  char *copy = strndup(text, length), *bracket = strchr(copy, '[');
  CHECK(bracket, "the kit's own fault: no shape in '%s'", copy);
  PjCtsArray out = {.count = 1};
  out.type = pj_cts_type_named(copy, (size_t)(bracket - copy));
  CHECK(out.type, "the kit's own fault: no type in '%s'", copy);
  char *at = bracket + 1;
  while (*at && *at != ']') {
    out.dims[out.rank] = strtoll(at, &at, 10);
    out.count *= (size_t)out.dims[out.rank++];
    at += *at == ',';
  }
  CHECK(*at, "the kit's own fault: no end of the shape in '%s'", copy);
  out.data = calloc(out.count + 1, (size_t)out.type->host_bytes);
  CHECK(out.data, "out of memory");
  fill(&out, at + 1, text);
  free(copy);
  return out;
}

void pj_cts_compare(const PjCtsArray *got, const PjCtsArray *want, double tolerance,
                    const char *what) {
  int parts = want->type->class == PJ_COMPLEX ? 2 : 1;
  size_t size = part_bytes(want->type);
  for (size_t i = 0; i < want->count * (size_t)parts; i++) {
    if (memcmp(got->data + i * size, want->data + i * size, size) == 0)
      continue;
    if (want->type->bits >= 8 && (want->type->class == PJ_INT || want->type->class == PJ_UINT)) {
      // As integers: doubles do not tell the large ones apart.
      int64_t x = 0, y = 0;
      memcpy(&x, got->data + i * size, size);
      memcpy(&y, want->data + i * size, size);
      if (want->type->class == PJ_UINT)
        FAIL("%s: element %zu is %" PRIu64 ", not %" PRIu64, what, i, (uint64_t)x, (uint64_t)y);
      int unused = 64 - want->type->bits;
      x = (int64_t)((uint64_t)x << unused) >> unused;
      y = (int64_t)((uint64_t)y << unused) >> unused;
      FAIL("%s: element %zu is %" PRId64 ", not %" PRId64, what, i, x, y);
    }
    double x = read_number(got, i), y = read_number(want, i);
    if ((isnan(x) && isnan(y)) || (x == y && tolerance > 0) ||
        fabs(x - y) <= tolerance * (fabs(y) > 1 ? fabs(y) : 1))
      continue;
    // The same small integer may be padded with anything.
    if (want->type->bits < 8 && x == y)
      continue;
    if (want->type->class == PJ_BOOL && x == y)
      FAIL("%s: element %zu is a bool of the byte %d", what, i, got->data[i]);
    FAIL("%s: element %zu%s is %.17g, not %.17g", what, i / (size_t)parts,
         parts == 2 ? (i & 1 ? " (imaginary)" : " (real)") : "", x, y);
  }
}

PJRT_Buffer *pj_cts_upload(const PjCtsArray *array) {
  return make_buffer(device, array->type->type, array->rank, array->dims, array->data);
}

PjCtsArray pj_cts_download(PJRT_Buffer *buffer, const PjCtsArray *like, const char *what) {
  ARGS(Buffer_ElementType, type, .buffer = buffer);
  OK(Buffer_ElementType, type);
  CHECK(type.type == like->type->type, "%s has element type %d, not %d (%s)", what, (int)type.type,
        (int)like->type->type, like->type->name);
  ARGS(Buffer_Dimensions, shape, .buffer = buffer);
  OK(Buffer_Dimensions, shape);
  CHECK(shape.num_dims == like->rank, "%s has %zu dimensions, not %zu", what, shape.num_dims,
        like->rank);
  for (size_t i = 0; i < like->rank; i++)
    CHECK(shape.dims[i] == like->dims[i], "dimension %zu of %s is %" PRId64 ", not %" PRId64, i,
          what, shape.dims[i], like->dims[i]);
  PjCtsArray out = *like;
  out.data = calloc(like->count + 1, (size_t)like->type->host_bytes);
  CHECK(out.data, "out of memory");
  read_buffer(buffer, out.data, like->count * (size_t)like->type->host_bytes);
  return out;
}

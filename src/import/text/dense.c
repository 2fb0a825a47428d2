// `dense<...> : tensor<...>`: nested lists, one value for all elements, or the elements' bytes as
// hex digits.
//
// The type stands behind the elements but decides how to read them, so their text is skipped first
// and read once the type is known. No size is taken from the type alone: a list has at least two
// characters per element.
#include <inttypes.h>

#include "import/text/text.h"

typedef struct Elements {
  PjText *t;
  const PjType *type;
  PjDtype part; // element type, or the type of a complex number's parts
  size_t size;  // of an element
  char *data, *at, *end;
} Elements;

static void store(char *to, uint64_t bits, size_t size) {
  memcpy(to, &bits, size); // little-endian, as the host
}

// One number: an integer, a float or a boolean.
static PjStatus number(Elements *e, char *to) {
  PjText *t = e->t;
  if (pj_text_is(t, PJ_TOK_WORD)) {
    bool value;
    if (e->part != PJ_DT_PRED)
      return pj_text_unexpected(t, "a number (true and false are for i1)");
    PJ_TRY(pj_text_bool(t, &value));
    *to = value;
    return PJ_STATUS_OK;
  }
  bool negative = pj_text_accept(t, '-');
  PjToken tok = t->tok;
  if (tok.kind != PJ_TOK_INT && tok.kind != PJ_TOK_FLOAT)
    return pj_text_unexpected(t, "a number");
  uint64_t bits;
  if (pj_dtype_is_float(e->part)) {
    PJ_TRY(pj_text_float_bits(t, tok, negative, e->part, &bits));
  } else {
    int64_t value;
    if (tok.kind == PJ_TOK_FLOAT)
      return pj_text_error(t, tok.start, "expected an integer for an element of type %s",
                           pj_dtype_text(e->part));
    PJ_TRY(pj_text_int_value(t, tok, negative, e->part, &value));
    bits = (uint64_t)value;
  }
  store(to, bits, pj_dtype_bytes(e->part));
  pj_text_next(t);
  return PJ_STATUS_OK;
}

static PjStatus element(Elements *e, char *to) {
  if (!pj_dtype_is_complex(e->type->dtype))
    return number(e, to);
  PJ_TRY(pj_text_expect(e->t, '('));
  PJ_TRY(number(e, to));
  PJ_TRY(pj_text_expect(e->t, ','));
  PJ_TRY(number(e, to + e->size / 2));
  return pj_text_expect(e->t, ')');
}

// The list of dimension |dim|. Its shape has to be the type's.
static PjStatus list(Elements *e, int32_t dim) {
  PjText *t = e->t;
  const char *start = t->tok.start;
  if (dim == e->type->rank)
    return pj_text_error(t, start, "this list is nested deeper than the rank of %s",
                         pj_type_text(t->arena, e->type));
  PJ_TRY(pj_text_expect(t, '['));
  int64_t count = 0;
  if (!pj_text_accept(t, ']')) {
    do {
      if (dim + 1 < e->type->rank) {
        if (!pj_text_is(t, '['))
          return pj_text_error(t, t->tok.start,
                               "expected a list: the literal's rank is not that of %s",
                               pj_type_text(t->arena, e->type));
        PJ_TRY(list(e, dim + 1));
      } else {
        char extra[16];
        char *to = e->at < e->end ? e->at : extra;
        if (pj_text_is(t, '['))
          return pj_text_error(t, t->tok.start, "this list is nested deeper than the rank of %s",
                               pj_type_text(t->arena, e->type));
        PJ_TRY(element(e, to));
        if (to != extra)
          e->at += e->size;
      }
      ++count;
    } while (pj_text_accept(t, ','));
    PJ_TRY(pj_text_expect(t, ']'));
  }
  if (count != e->type->dims[dim])
    return pj_text_error(
        t, start, "this list has %" PRId64 " elements, but %s has %" PRId64 " in dimension %d",
        count, pj_type_text(t->arena, e->type), e->type->dims[dim], dim);
  return PJ_STATUS_OK;
}

// ------------------------------------------------------------------------------------- hex digits
// The value of a hex digit plus one; 0 for every other character.
static const uint8_t hex_digits[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

static bool decode_hex(const char *digits, size_t count, uint8_t *out) {
  bool good = true;
  for (size_t i = 0; i < count; ++i) {
    unsigned high = hex_digits[(uint8_t)digits[2 * i]];
    unsigned low = hex_digits[(uint8_t)digits[2 * i + 1]];
    good &= high && low;
    out[i] = (uint8_t)((high - 1) << 4 | (low - 1));
  }
  return good;
}

// Bytes as MLIR holds them into elements as dtypes.def describes them, in place.
static void normalise(PjDtype dtype, uint8_t *data, size_t size) {
  unsigned bits = pj_dtype_bits(dtype), unused = 8 - bits;
  if (dtype == PJ_DT_PRED) {
    for (size_t i = 0; i < size; ++i)
      data[i] = data[i] != 0;
  } else if (bits < 8) {
    bool sign = pj_dtype_class(dtype) == PJ_CLASS_SINT;
    for (size_t i = 0; i < size; ++i) {
      uint8_t high = (uint8_t)(data[i] << unused);
      data[i] = sign ? (uint8_t)((int8_t)high >> unused) : (uint8_t)(high >> unused);
    }
  }
}

// MLIR of 2024 and before packed eight booleans into a byte.
static uint8_t *unpack_bits(PjText *t, const uint8_t *packed, int64_t count) {
  uint8_t *data = pj_arena_alloc(t->arena, (size_t)count);
  for (int64_t i = 0; i < count; ++i)
    data[i] = packed[i / 8] >> (i % 8) & 1;
  return data;
}

static PjStatus hex_literal(PjText *t, const PjType *type, int64_t count, const void **out,
                            size_t *out_size, bool *out_splat) {
  PjToken tok = t->tok;
  size_t len = (size_t)(tok.end - tok.start) - 2, elem = pj_dtype_bytes(type->dtype);
  const char *digits = tok.start + 1;
  if (len < 2 || len % 2 || digits[0] != '0' || digits[1] != 'x')
    return pj_text_error(t, tok.start, "expected a string of 0x and an even number of hex digits");
  size_t size = len / 2 - 1, stored = type->dtype == PJ_DT_TF32 ? 3 : elem, all = 0;
  bool fits = pj_mul_size((size_t)count, stored, &all);
  bool splat = size == stored && count != 1;
  bool packed = type->dtype == PJ_DT_PRED && !splat && size != all &&
                size == (size_t)count / 8 + (count % 8 != 0);
  if (!splat && !packed && (!fits || size != all))
    return pj_text_error(t, tok.start,
                         "elements hex data size is invalid for provided type: %zu bytes, but %s "
                         "takes %zu (or %zu for a splat)",
                         size, pj_type_text(t->arena, type), all, stored);
  uint8_t *data = pj_arena_alloc(t->arena, size);
  if (!decode_hex(digits + 2, size, data))
    return pj_text_error(t, tok.start, "expected only hex digits behind 0x");
  if (packed) {
    data = unpack_bits(t, data, count);
    size = (size_t)count;
  } else if (stored != elem) { // TF32: three bytes there, four here
    size_t n = size / stored;
    uint8_t *wide = pj_arena_calloc(t->arena, n, elem);
    for (size_t i = 0; i < n; ++i)
      memcpy(wide + i * elem, data + i * stored, stored);
    data = wide;
    size = n * elem;
  }
  normalise(type->dtype, data, size);
  *out = data;
  *out_size = size;
  *out_splat = splat;
  pj_text_next(t);
  return PJ_STATUS_OK;
}

// ------------------------------------------------------------------------------------- the
// attribute The end of the literal: the first '>' outside strings and comments.
static const char *skip_literal(PjText *t) {
  const char *at = t->tok.start;
  while (at < t->end && *at != '>') {
    if (*at == '"') {
      at = memchr(at + 1, '"', (size_t)(t->end - at - 1));
      if (!at)
        return NULL;
    } else if (*at == '/' && t->end - at > 1 && at[1] == '/') {
      at = memchr(at, '\n', (size_t)(t->end - at));
      if (!at)
        return NULL;
    }
    ++at;
  }
  return at < t->end ? at : NULL;
}

// MLIR makes a splat of elements that are all equal, and no splat of a single one or of none.
static const PjAttr *finish(PjText *t, const PjType *type, int64_t count, const void *data,
                            size_t size, bool splat) {
  size_t elem = pj_dtype_bytes(type->dtype);
  if (count == 0) {
    size = 0;
    splat = false;
  } else if (!splat && count > 1 &&
             !memcmp(data, (const char *)data + elem, ((size_t)count - 1) * elem)) {
    size = elem;
    splat = true;
  }
  return pj_attr_elements(t->arena, type, data, size, splat);
}

static PjStatus literal(PjText *t, const char *close, const PjType *type, int64_t count,
                        const PjAttr **out) {
  const char *start = t->tok.start;
  Elements e = {t, type, pj_dtype_part(type->dtype), pj_dtype_bytes(type->dtype), NULL, NULL, NULL};
  if (pj_text_is(t, '>')) {
    if (count)
      return pj_text_error(t, start, "expected %" PRId64 " elements, found none", count);
    *out = finish(t, type, 0, "", 0, false);
    return PJ_STATUS_OK;
  }
  if (pj_text_is(t, PJ_TOK_STRING)) {
    const void *data = NULL;
    size_t size = 0;
    bool splat = false;
    PJ_TRY(hex_literal(t, type, count, &data, &size, &splat));
    *out = finish(t, type, count, data, size, splat);
    return PJ_STATUS_OK;
  }
  bool is_list = pj_text_is(t, '[');
  if (is_list && count > (close - start + 1) / 2)
    return pj_text_error(t, start, "expected %" PRId64 " elements for %s; the literal has fewer",
                         count, pj_type_text(t->arena, type));
  size_t size = (is_list ? (size_t)count : 1) * e.size;
  e.data = e.at = pj_arena_alloc(t->arena, size);
  e.end = e.data + size;
  PJ_TRY(is_list ? list(&e, 0) : element(&e, e.data));
  *out = finish(t, type, count, e.data, size, !is_list && count != 1);
  return PJ_STATUS_OK;
}

PjStatus pj_text_dense(PjText *t, const PjAttr **out) {
  if (!pj_text_is(t, '<'))
    return pj_text_unexpected(t, "'<'");
  const char *open = t->tok.start;
  pj_text_next(t);
  const char *body = t->tok.start, *close = skip_literal(t);
  if (!close)
    return pj_text_error(t, open, "this '<' has no matching '>'");
  pj_text_seek(t, close);
  PJ_TRY(pj_text_expect(t, '>'));
  PJ_TRY(pj_text_expect(t, ':'));
  const char *at = t->tok.start;
  const PjType *type;
  int64_t count;
  PJ_TRY(pj_text_type(t, &type));
  if (!pj_type_is_tensor(type) || type->quant || type->bounds)
    return pj_text_error(t, at, "expected a ranked tensor of plain elements for dense<>, found %s",
                         pj_type_text(t->arena, type));
  if (!pj_type_is_static(type))
    return pj_text_error(t, at, "elements literal type must have static shape, found %s",
                         pj_type_text(t->arena, type));
  if (!pj_type_num_elements(type, &count))
    return pj_text_error(t, at, "the number of elements of %s does not fit 64 bits",
                         pj_type_text(t->arena, type));
  PjToken resume = t->tok;
  const char *prev_end = t->prev_end, *lex_error = t->lex_error;
  pj_text_seek(t, body);
  PJ_TRY(literal(t, close, type, count, out));
  if (t->tok.start != close)
    return pj_text_unexpected(t, "'>'");
  t->tok = resume;
  t->prev_end = prev_end;
  t->lex_error = lex_error;
  return PJ_STATUS_OK;
}

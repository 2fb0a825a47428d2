// Builtin attributes (MLIR language reference, "Attributes"; builtin dialect, "Attributes").
#include <inttypes.h>

#include "import/text/text.h"
#include "ir/float_bits.h"

// A number with an optional type: integers are i64 and floats f64 without one.
static PjStatus number_attr(PjText *t, const PjAttr **out) {
  bool negative = pj_text_accept(t, '-');
  PjToken tok = t->tok;
  if (tok.kind != PJ_TOK_INT && tok.kind != PJ_TOK_FLOAT)
    return pj_text_unexpected(t, "a number");
  pj_text_next(t);
  PjDtype dtype = tok.kind == PJ_TOK_INT ? PJ_DT_S64 : PJ_DT_F64;
  if (pj_text_accept(t, ':')) {
    const char *at = t->tok.start;
    const PjType *type;
    PJ_TRY(pj_text_type(t, &type));
    if (type->kind != PJ_TYPE_SCALAR || type->quant || pj_dtype_is_complex(type->dtype))
      return pj_text_error(t, at, "expected an integer or floating-point type, found %s",
                           pj_type_text(t->arena, type));
    dtype = type->dtype;
    if (tok.kind == PJ_TOK_FLOAT && !pj_dtype_is_float(dtype))
      return pj_text_error(t, tok.start, "floating point value not valid for type %s",
                           pj_dtype_text(dtype));
  }
  if (pj_dtype_is_float(dtype)) {
    uint64_t bits;
    PJ_TRY(pj_text_float_bits(t, tok, negative, dtype, &bits));
    *out = pj_attr_float(t->arena, pj_float_from_bits(dtype, bits), dtype);
    return PJ_STATUS_OK;
  }
  int64_t value;
  PJ_TRY(pj_text_int_value(t, tok, negative, dtype, &value));
  *out = dtype == PJ_DT_PRED ? pj_attr_bool(t->arena, value != 0)
                             : pj_attr_int(t->arena, value, dtype);
  return PJ_STATUS_OK;
}

static PjStatus array_attr(PjText *t, const PjAttr **out) {
  size_t base = t->elems.len;
  pj_text_next(t);
  if (!pj_text_accept(t, ']')) {
    do {
      const PjAttr *elem;
      PJ_TRY(pj_text_attr(t, &elem));
      PJ_PUSH(t->arena, &t->elems, elem);
    } while (pj_text_accept(t, ','));
    PJ_TRY(pj_text_expect(t, ']'));
  }
  *out = pj_attr_array(t->arena, t->elems.len - base, t->elems.data + base);
  t->elems.len = base;
  return PJ_STATUS_OK;
}

// array<i64: 1, 2>, behind the word.
static PjStatus dense_array(PjText *t, const PjAttr **out) {
  size_t base = t->ints.len;
  PjDtype dtype;
  const PjQuant *quant;
  PJ_TRY(pj_text_expect(t, '<'));
  const char *at = t->tok.start;
  PJ_TRY(pj_text_element_type(t, &dtype, &quant));
  unsigned bits = pj_dtype_bits(dtype);
  if (quant || pj_dtype_is_complex(dtype) || (bits % 8 && dtype != PJ_DT_PRED))
    return pj_text_error(t, at, "expected i1, or a number type of whole bytes for array<>");
  if (pj_text_accept(t, ':')) {
    do {
      int64_t value;
      if (dtype == PJ_DT_PRED) {
        bool flag;
        PJ_TRY(pj_text_bool(t, &flag));
        value = flag;
      } else {
        bool negative = pj_text_accept(t, '-');
        PjToken tok = t->tok;
        if (tok.kind != PJ_TOK_INT && tok.kind != PJ_TOK_FLOAT)
          return pj_text_unexpected(t, "a number");
        if (pj_dtype_is_float(dtype)) {
          PJ_TRY(pj_text_float_bits(t, tok, negative, dtype, (uint64_t *)&value));
        } else {
          if (tok.kind != PJ_TOK_INT)
            return pj_text_unexpected(t, "an integer");
          PJ_TRY(pj_text_int_value(t, tok, negative, dtype, &value));
        }
        pj_text_next(t);
      }
      PJ_PUSH(t->arena, &t->ints, value);
    } while (pj_text_accept(t, ','));
  }
  PJ_TRY(pj_text_expect(t, '>'));
  size_t count = t->ints.len - base;
  const int64_t *values = t->ints.data + base;
  *out = dtype == PJ_DT_PRED  ? pj_attr_bools(t->arena, count, values)
         : dtype == PJ_DT_S64 ? pj_attr_ints(t->arena, count, values)
                              : pj_attr_typed_ints(t->arena, dtype, count, values);
  t->ints.len = base;
  return PJ_STATUS_OK;
}

static PjStatus symbol_attr(PjText *t, const PjAttr **out) {
  PjStr name;
  PJ_TRY(pj_text_symbol(t, &name));
  while (pj_text_accept(t, PJ_TOK_COLONS)) {
    PjStr next;
    PJ_TRY(pj_text_symbol(t, &next));
    if (name.len > 4096)
      return pj_text_error(t, t->prev_end, "this symbol is too long");
    char *joined = pj_arena_alloc(t->arena, name.len + next.len + 2);
    memcpy(joined, name.ptr, name.len);
    memcpy(joined + name.len, "::", 2);
    memcpy(joined + name.len + 2, next.ptr, next.len);
    name = (PjStr){joined, name.len + next.len + 2};
  }
  *out = pj_attr_symbol(t->arena, name);
  return PJ_STATUS_OK;
}

static PjStatus dict_attr(PjText *t, const PjAttr **out) {
  size_t base = t->attrs.len;
  PJ_TRY(pj_text_attr_dict(t));
  PJ_TRY(pj_text_pop_dict(t, base, out));
  if (!*out)
    *out = pj_attr_dict(t->arena, 0, NULL, NULL);
  return PJ_STATUS_OK;
}

static PjStatus word_attr(PjText *t, const PjAttr **out) {
  static const char *const foreign[] = {"sparse",     "dense_resource", "loc",      "affine_map",
                                        "affine_set", "strided",        "distinct", "vector"};
  if (pj_text_is_word(t, "true") || pj_text_is_word(t, "false")) {
    bool value;
    PJ_TRY(pj_text_bool(t, &value));
    *out = pj_attr_bool(t->arena, value);
    return PJ_STATUS_OK;
  }
  if (pj_text_accept_word(t, "unit")) {
    *out = pj_attr_unit();
    return PJ_STATUS_OK;
  }
  if (pj_text_accept_word(t, "dense"))
    return pj_text_dense(t, out);
  if (pj_text_accept_word(t, "array"))
    return dense_array(t, out);
  for (size_t i = 0; i < sizeof foreign / sizeof *foreign; ++i)
    if (pj_text_is_word(t, foreign[i]))
      return pj_text_unsupported(t, t->tok.start, "%s attributes are not supported%s", foreign[i],
                                 i == 1 ? ": constants must be written out as dense<>" : "");
  if (!pj_text_starts_type(t))
    return pj_text_unexpected(t, "an attribute value");
  const PjType *type;
  PJ_TRY(pj_text_type(t, &type));
  *out = pj_attr_type(t->arena, type);
  return PJ_STATUS_OK;
}

static PjStatus any_attr(PjText *t, const PjAttr **out) {
  switch (t->tok.kind) {
  case PJ_TOK_INT:
  case PJ_TOK_FLOAT:
  case '-':
    return number_attr(t, out);
  case PJ_TOK_STRING: {
    PjStr text;
    PJ_TRY(pj_text_string(t, &text));
    if (pj_text_is(t, ':'))
      return pj_text_unsupported(t, t->tok.start, "strings with a type are not supported");
    *out = pj_attr_string(t->arena, text);
    return PJ_STATUS_OK;
  }
  case PJ_TOK_SYMBOL:
    return symbol_attr(t, out);
  case '[':
    return array_attr(t, out);
  case '{':
    return dict_attr(t, out);
  case PJ_TOK_HASH:
    return pj_text_dialect_attr(t, out);
  case '(':
  case PJ_TOK_BANG: {
    const PjType *type;
    PJ_TRY(pj_text_type(t, &type));
    *out = pj_attr_type(t->arena, type);
    return PJ_STATUS_OK;
  }
  case PJ_TOK_WORD:
    return word_attr(t, out);
  default:
    return pj_text_unexpected(t, "an attribute value");
  }
}

PjStatus pj_text_attr(PjText *t, const PjAttr **out) {
  *out = NULL;
  if (t->depth >= PJ_TEXT_MAX_DEPTH)
    return pj_text_error(t, t->tok.start, "types and attributes nest deeper than %d",
                         PJ_TEXT_MAX_DEPTH);
  pj_text_descend(t);
  PjStatus status = any_attr(t, out);
  --t->depth;
  return status;
}

PjStatus pj_text_push_attr(PjText *t, PjStr name, const PjAttr *value, const char *at) {
  PjRawAttr attr = {name, PJ_KEY_COUNT, value, at};
  PJ_PUSH(t->arena, &t->attrs, attr);
  return PJ_STATUS_OK;
}

PjStatus pj_text_push_key(PjText *t, PjKey key, const PjAttr *value, const char *at) {
  PjRawAttr attr = {pj_str(pj_key_text[key]), key, value, at};
  PJ_PUSH(t->arena, &t->attrs, attr);
  return PJ_STATUS_OK;
}

PjStatus pj_text_attr_dict(PjText *t) {
  PJ_TRY(pj_text_expect(t, '{'));
  if (pj_text_accept(t, '}'))
    return PJ_STATUS_OK;
  do {
    const char *at = t->tok.start;
    const PjAttr *value = pj_attr_unit();
    PjStr name;
    PJ_TRY(pj_text_word_or_string(t, "an attribute name", &name));
    if (!name.len)
      return pj_text_error(t, at, "an attribute's name may not be empty");
    if (pj_text_accept(t, '='))
      PJ_TRY(pj_text_attr(t, &value));
    PJ_TRY(pj_text_push_attr(t, name, value, at));
  } while (pj_text_accept(t, ','));
  return pj_text_expect(t, '}');
}

PjStatus pj_text_pop_dict(PjText *t, size_t base, const PjAttr **out) {
  size_t count = t->attrs.len - base;
  const PjRawAttr *attrs = t->attrs.data + base;
  *out = NULL;
  t->attrs.len = base;
  if (!count)
    return PJ_STATUS_OK;
  PjStr *names = PJ_NEW_ARRAY(t->arena, PjStr, count);
  const PjAttr **values = PJ_NEW_ARRAY(t->arena, const PjAttr *, count);
  for (size_t i = 0; i < count; ++i) {
    names[i] = attrs[i].name;
    values[i] = attrs[i].value;
  }
  *out = pj_attr_dict(t->arena, count, names, values); // sorted
  for (size_t i = 1; i < count; ++i)
    if (pj_str_eq((*out)->names[i - 1], (*out)->names[i]))
      return pj_text_error(t, attrs[0].at, "the attribute '%.*s' is given twice",
                           PJ_STR_ARG((*out)->names[i]));
  return PJ_STATUS_OK;
}

// Types: MLIR language reference, "Type System", with StableHLO's own types and tensor encodings.
#include <inttypes.h>

#include "import/text/text.h"

bool pj_text_starts_type(const PjText *t) {
  PjStr word = pj_tok_str(t->tok);
  switch (t->tok.kind) {
  case PJ_TOK_BANG:
  case '(':
    return true;
  case PJ_TOK_WORD:
    break;
  default:
    return false;
  }
  if (pj_dtype_from_text(word) != PJ_DT_INVALID)
    return true;
  static const char *const words[] = {"tensor", "memref", "complex", "tuple", "none", "vector"};
  for (size_t i = 0; i < sizeof words / sizeof *words; ++i)
    if (pj_str_is(word, words[i]))
      return true;
  return false;
}

// i10, si8, f80: spelled like types, but none of StableHLO's.
static bool looks_numeric(PjStr word) {
  size_t i = 0;
  while (i < word.len && i < 2 && word.ptr[i] >= 'a' && word.ptr[i] <= 'z')
    ++i;
  return i > 0 && i < word.len && word.ptr[i] >= '0' && word.ptr[i] <= '9';
}

static PjStatus complex_type(PjText *t, PjDtype *out) {
  PJ_TRY(pj_text_expect(t, '<'));
  const char *at = t->tok.start;
  PjDtype part;
  const PjQuant *quant;
  PJ_TRY(pj_text_element_type(t, &part, &quant));
  if (quant || (part != PJ_DT_F32 && part != PJ_DT_F64))
    return pj_text_error(t, at, "expected f32 or f64 as the part of a complex type");
  *out = part == PJ_DT_F32 ? PJ_DT_C64 : PJ_DT_C128;
  return pj_text_expect(t, '>');
}

PjStatus pj_text_element_type(PjText *t, PjDtype *out_dtype, const PjQuant **out_quant) {
  *out_quant = NULL;
  PjToken tok = t->tok;
  PjStr text = pj_tok_str(tok);
  if (tok.kind == PJ_TOK_BANG && pj_str_is(text, "!quant.uniform"))
    return pj_text_quant(t, out_dtype, out_quant);
  if (tok.kind == PJ_TOK_BANG) {
    const PjType *type;
    PJ_TRY(pj_text_type(t, &type));
    if (type->kind != PJ_TYPE_SCALAR)
      return pj_text_error(t, tok.start, "expected an element type, found %s",
                           pj_type_text(t->arena, type));
    *out_dtype = type->dtype;
    *out_quant = type->quant;
    return PJ_STATUS_OK;
  }
  if (tok.kind != PJ_TOK_WORD)
    return pj_text_unexpected(t, "an element type");
  if (pj_text_accept_word(t, "complex"))
    return complex_type(t, out_dtype);
  *out_dtype = pj_dtype_from_text(text);
  if (*out_dtype == PJ_DT_INVALID)
    return pj_text_unexpected(t, looks_numeric(text) ? "an element type of StableHLO"
                                                     : "an element type");
  pj_text_next(t);
  return PJ_STATUS_OK;
}

// Dimension lists are read character by character, since `2x3xf32` is no sequence of tokens.
static PjStatus dims(PjText *t, int32_t *out_rank, int64_t *out) {
  const char *at = t->tok.start;
  int32_t rank = 0;
  for (;;) {
    const char *start = at;
    int64_t size = 0;
    if (at < t->end && *at == '?') {
      size = PJ_DYN;
      ++at;
    } else {
      for (; at < t->end && *at >= '0' && *at <= '9'; ++at)
        if (!pj_mul_i64(size, 10, &size) || !pj_add_i64(size, *at - '0', &size))
          return pj_text_error(t, start, "this dimension does not fit 64 bits");
      if (at == start)
        break;
    }
    while (at < t->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
      ++at;
    if (at == t->end || *at != 'x')
      return pj_text_error(t, at, "expected 'x' behind a dimension");
    ++at;
    while (at < t->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
      ++at;
    if (rank == PJ_MAX_RANK)
      return pj_text_unsupported(t, start, "tensors have at most %d dimensions here", PJ_MAX_RANK);
    out[rank++] = size;
  }
  *out_rank = rank;
  pj_text_seek(t, at);
  return PJ_STATUS_OK;
}

// Bounds: one per dimension, and only for dimensions without a size.
static PjStatus bounds(PjText *t, int32_t rank, const int64_t *sizes, const int64_t **out) {
  const char *at = t->tok.start;
  const PjAttr *attr;
  PJ_TRY(pj_text_attr(t, &attr));
  if (attr->kind != PJ_ATTR_BOUNDS)
    return pj_text_unsupported(t, at, "expected #stablehlo.bounds as the encoding of a tensor");
  if (attr->count != (uint32_t)rank)
    return pj_text_error(t, at, "expected one bound for each of the %d dimensions, found %u", rank,
                         attr->count);
  for (int32_t i = 0; i < rank; ++i)
    if (sizes[i] != PJ_DYN && attr->ints[i] != PJ_DYN)
      return pj_text_error(t, at,
                           "dimension %d has size %" PRId64 " and therefore no bound; expected '?'",
                           i, sizes[i]);
  *out = attr->ints;
  return PJ_STATUS_OK;
}

static PjStatus tensor_type(PjText *t, const PjType **out) {
  PJ_TRY(pj_text_expect(t, '<'));
  PjDtype dtype;
  const PjQuant *quant;
  if (pj_text_accept(t, '*')) {
    if (!pj_text_is(t, PJ_TOK_WORD) || *t->tok.start != 'x')
      return pj_text_unexpected(t, "'x' behind '*'");
    pj_text_seek(t, t->tok.start + 1);
    PJ_TRY(pj_text_element_type(t, &dtype, &quant));
    *out = pj_type_unranked(t->arena, dtype, quant);
    return pj_text_expect(t, '>');
  }
  int64_t sizes[PJ_MAX_RANK];
  const int64_t *limits = NULL;
  int32_t rank;
  PJ_TRY(dims(t, &rank, sizes));
  PJ_TRY(pj_text_element_type(t, &dtype, &quant));
  if (pj_text_accept(t, ','))
    PJ_TRY(bounds(t, rank, sizes, &limits));
  *out = pj_type_tensor_full(t->arena, dtype, quant, rank, sizes, limits);
  return pj_text_expect(t, '>');
}

static PjStatus memref_type(PjText *t, const PjType **out) {
  PJ_TRY(pj_text_expect(t, '<'));
  int64_t sizes[PJ_MAX_RANK];
  int32_t rank;
  PjDtype dtype;
  const PjQuant *quant;
  PJ_TRY(dims(t, &rank, sizes));
  PJ_TRY(pj_text_element_type(t, &dtype, &quant));
  if (quant || !pj_text_is(t, '>'))
    return pj_text_unsupported(t, t->tok.start,
                               "expected a memref of plain elements without layout");
  *out = pj_type_buffer(t->arena, dtype, rank, sizes);
  return pj_text_expect(t, '>');
}

PjStatus pj_text_type_list(PjText *t, PjTok close) {
  if (pj_text_accept(t, close))
    return PJ_STATUS_OK;
  do {
    const PjType *type;
    PJ_TRY(pj_text_type(t, &type));
    PJ_PUSH(t->arena, &t->types, type);
  } while (pj_text_accept(t, ','));
  return pj_text_expect(t, close);
}

static PjStatus list_type(PjText *t, PjTypeKind kind, const PjType **out) {
  size_t base = t->types.len;
  PJ_TRY(pj_text_expect(t, '<'));
  PJ_TRY(pj_text_type_list(t, '>'));
  *out = pj_type_list(t->arena, kind, (uint32_t)(t->types.len - base), t->types.data + base);
  t->types.len = base;
  return PJ_STATUS_OK;
}

static PjStatus function_type(PjText *t, const PjType **out) {
  size_t base = t->types.len;
  PJ_TRY(pj_text_expect(t, '('));
  PJ_TRY(pj_text_type_list(t, ')'));
  size_t inputs = t->types.len;
  PJ_TRY(pj_text_expect(t, PJ_TOK_ARROW));
  if (pj_text_accept(t, '(')) {
    PJ_TRY(pj_text_type_list(t, ')'));
  } else {
    const char *at = t->tok.start;
    const PjType *type;
    PJ_TRY(pj_text_type(t, &type));
    if (type->kind == PJ_TYPE_FUNCTION)
      return pj_text_error(t, at, "expected a type in parentheses: a function type stands here");
    PJ_PUSH(t->arena, &t->types, type);
  }
  *out = pj_type_function(t->arena, (uint32_t)(inputs - base), t->types.data + base,
                          (uint32_t)(t->types.len - inputs), t->types.data + inputs);
  t->types.len = base;
  return PJ_STATUS_OK;
}

static PjStatus bang_type(PjText *t, const PjType **out) {
  PjStr text = pj_tok_str(t->tok);
  if (pj_str_is(text, "!stablehlo.token")) {
    pj_text_next(t);
    *out = pj_type_simple(PJ_TYPE_TOKEN);
    return PJ_STATUS_OK;
  }
  if (pj_str_is(text, "!shape.witness")) {
    pj_text_next(t);
    *out = pj_type_simple(PJ_TYPE_WITNESS);
    return PJ_STATUS_OK;
  }
  if (pj_str_is(text, "!stablehlo.future")) {
    pj_text_next(t);
    return list_type(t, PJ_TYPE_FUTURE, out);
  }
  if (pj_str_is(text, "!quant.uniform")) {
    PjDtype dtype;
    const PjQuant *quant;
    PJ_TRY(pj_text_quant(t, &dtype, &quant));
    *out = pj_type_scalar(t->arena, dtype, quant);
    return PJ_STATUS_OK;
  }
  if (memchr(text.ptr, '.', text.len))
    return pj_text_unexpected(t, "a type of StableHLO");
  PjAlias *alias;
  PJ_TRY(pj_text_alias(t, &alias));
  *out = alias->type;
  return PJ_STATUS_OK;
}

static PjStatus any_type(PjText *t, const PjType **out) {
  if (pj_text_is(t, '('))
    return function_type(t, out);
  if (pj_text_is(t, PJ_TOK_BANG))
    return bang_type(t, out);
  if (pj_text_accept_word(t, "tensor"))
    return tensor_type(t, out);
  if (pj_text_accept_word(t, "tuple"))
    return list_type(t, PJ_TYPE_TUPLE, out);
  if (pj_text_accept_word(t, "memref"))
    return memref_type(t, out);
  if (pj_text_accept_word(t, "none")) {
    *out = pj_type_simple(PJ_TYPE_NONE);
    return PJ_STATUS_OK;
  }
  if (!pj_text_is(t, PJ_TOK_WORD))
    return pj_text_unexpected(t, "a type");
  PjDtype dtype;
  const PjQuant *quant;
  PJ_TRY(pj_text_element_type(t, &dtype, &quant));
  *out = pj_type_scalar(t->arena, dtype, quant);
  return PJ_STATUS_OK;
}

PjStatus pj_text_type(PjText *t, const PjType **out) {
  *out = NULL;
  if (t->depth >= PJ_TEXT_MAX_DEPTH)
    return pj_text_error(t, t->tok.start, "types and attributes nest deeper than %d",
                         PJ_TEXT_MAX_DEPTH);
  pj_text_descend(t);
  PjStatus status = any_type(t, out);
  --t->depth;
  return status;
}

PjStatus pj_text_function_type(PjText *t, const PjType **out) {
  const char *at = t->tok.start;
  PJ_TRY(pj_text_type(t, out));
  if ((*out)->kind != PJ_TYPE_FUNCTION)
    return pj_text_error(t, at, "expected a function type, found %s", pj_type_text(t->arena, *out));
  return PJ_STATUS_OK;
}

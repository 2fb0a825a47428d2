// Pretty forms that ir/forms.def describes.
#include <stdio.h>

#include "import/text/text.h"
#include "ir/form.h"

// ------------------------------------------------------------------------------------- attribute
// values
static PjStatus number(PjText *t, PjDtype dtype, const PjAttr **out) {
  bool negative = pj_text_accept(t, '-');
  PjToken tok = t->tok;
  if (tok.kind != PJ_TOK_INT)
    return pj_text_unexpected(t, "an integer");
  int64_t value;
  PJ_TRY(pj_text_int_value(t, tok, negative, dtype, &value));
  pj_text_next(t);
  *out = pj_attr_int(t->arena, value, dtype);
  return PJ_STATUS_OK;
}

static PjStatus short_value(PjText *t, PjAttrSpecKind kind, const PjAttr **out) {
  switch (kind) {
  case PJ_SPEC_I64:
    return number(t, PJ_DT_S64, out);
  case PJ_SPEC_I32:
    return number(t, PJ_DT_S32, out);
  case PJ_SPEC_U64:
    return number(t, PJ_DT_U64, out);
  case PJ_SPEC_F64: {
    double value;
    PJ_TRY(pj_text_double(t, &value));
    *out = pj_attr_float(t->arena, value, PJ_DT_F64);
    return PJ_STATUS_OK;
  }
  case PJ_SPEC_BOOL: {
    bool value;
    PJ_TRY(pj_text_bool(t, &value));
    *out = pj_attr_bool(t->arena, value);
    return PJ_STATUS_OK;
  }
  case PJ_SPEC_I64S:
    return pj_text_ints_attr(t, out);
  case PJ_SPEC_COMPARE_DIRECTION:
    return pj_text_enum(t, PJ_ENUM_COMPARE_DIRECTION, out);
  case PJ_SPEC_COMPARE_TYPE:
    return pj_text_enum(t, PJ_ENUM_COMPARE_TYPE, out);
  case PJ_SPEC_FFT_TYPE:
    return pj_text_enum(t, PJ_ENUM_FFT_TYPE, out);
  case PJ_SPEC_RNG_ALGORITHM:
    return pj_text_enum(t, PJ_ENUM_RNG_ALGORITHM, out);
  case PJ_SPEC_RNG_DISTRIBUTION:
    return pj_text_enum(t, PJ_ENUM_RNG_DISTRIBUTION, out);
  case PJ_SPEC_STR: {
    PjStr text;
    PJ_TRY(pj_text_string(t, &text));
    *out = pj_attr_string(t->arena, text);
    return PJ_STATUS_OK;
  }
  default:
    return pj_text_attr(t, out);
  }
}

static PjKey key_of(PjOpKind kind, PjStr name) {
  const PjOpInfo *info = &pj_op_info[kind];
  for (int i = 0; i < info->num_attrs; ++i)
    if (pj_str_is(name, pj_key_text[info->attrs[i].key]))
      return info->attrs[i].key;
  return PJ_KEY_COUNT;
}

static PjStatus keyed_value(PjText *t, const PjDraft *draft, PjStr name) {
  const char *at = t->tok.start;
  PjKey key = key_of(draft->kind, name);
  const PjAttr *value;
  int index = pj_op_attr_index(draft->kind, key);
  PJ_TRY(short_value(t, pj_op_info[draft->kind].attrs[index].kind, &value));
  return pj_text_push_key(t, key, value, at);
}

// ------------------------------------------------------------------------------------- special
// parts [0:2, 1:7:3]
static PjStatus slice_ranges(PjText *t) {
  static const PjKey keys[] = {PJ_KEY_start_indices, PJ_KEY_limit_indices, PJ_KEY_strides};
  const char *at = t->tok.start;
  int64_t values[3][PJ_MAX_RANK];
  size_t count = 0;
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_is(t, ']')) {
    do {
      if (count == PJ_MAX_RANK)
        return pj_text_error(t, at, "more than %d dimensions", PJ_MAX_RANK);
      values[2][count] = 1;
      PJ_TRY(pj_text_int(t, &values[0][count]));
      PJ_TRY(pj_text_expect(t, ':'));
      PJ_TRY(pj_text_int(t, &values[1][count]));
      if (pj_text_accept(t, ':'))
        PJ_TRY(pj_text_int(t, &values[2][count]));
      ++count;
    } while (pj_text_accept(t, ','));
  }
  PJ_TRY(pj_text_expect(t, ']'));
  for (int i = 0; i < 3; ++i)
    PJ_TRY(pj_text_push_key(t, keys[i], pj_attr_ints(t->arena, count, values[i]), at));
  return PJ_STATUS_OK;
}

// [[0, 1], [2, 3]], as a tensor: the canonical form makes a matrix of it.
static PjStatus window_padding(PjText *t, const PjAttr **out) {
  size_t base = t->ints.len;
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_is(t, ']')) {
    do {
      const char *at = t->tok.start;
      size_t before = t->ints.len;
      PJ_TRY(pj_text_int_list(t, '[', ']', false));
      if (t->ints.len - before != 2)
        return pj_text_error(t, at, "Expected array with 2 elements, got %zu elements instead",
                             t->ints.len - before);
    } while (pj_text_accept(t, ','));
  }
  PJ_TRY(pj_text_expect(t, ']'));
  size_t count = t->ints.len - base;
  const PjType *type = pj_type_tensor(t->arena, PJ_DT_S64, 2, (int64_t[]){(int64_t)count / 2, 2});
  void *data = pj_arena_memdup(t->arena, t->ints.data + base, count * sizeof *t->ints.data);
  *out = pj_attr_elements(t->arena, type, data, count * sizeof *t->ints.data, false);
  t->ints.len = base;
  return PJ_STATUS_OK;
}

// stride = [1, 2], pad = [[0, 1], ...], ...: each at most once, any of them absent.
static PjStatus window(PjText *t) {
  static const struct {
    const char *word;
    PjKey key;
  } fields[] = {{"stride", PJ_KEY_window_strides},
                {"pad", PJ_KEY_padding},
                {"lhs_dilate", PJ_KEY_lhs_dilation},
                {"rhs_dilate", PJ_KEY_rhs_dilation},
                {"reverse", PJ_KEY_window_reversal}};
  bool seen[5] = {false};
  while (pj_text_is(t, PJ_TOK_WORD)) {
    const char *at = t->tok.start;
    const PjAttr *value = NULL;
    int field = 0;
    while (field < 5 && !pj_text_is_word(t, fields[field].word))
      ++field;
    if (field == 5 || seen[field])
      return pj_text_unexpected(t, "stride, pad, lhs_dilate, rhs_dilate or reverse, each once");
    seen[field] = true;
    pj_text_next(t);
    PJ_TRY(pj_text_expect(t, '='));
    if (fields[field].key == PJ_KEY_padding) {
      PJ_TRY(window_padding(t, &value));
    } else {
      size_t base = t->ints.len;
      bool reverse = fields[field].key == PJ_KEY_window_reversal;
      if (reverse) { // written as numbers or as true and false
        PJ_TRY(pj_text_expect(t, '['));
        if (!pj_text_is(t, ']')) {
          do {
            int64_t flag = 0;
            if (pj_text_is(t, PJ_TOK_WORD)) {
              bool value_bool;
              PJ_TRY(pj_text_bool(t, &value_bool));
              flag = value_bool;
            } else {
              PJ_TRY(pj_text_int(t, &flag));
            }
            PJ_PUSH(t->arena, &t->ints, flag != 0);
          } while (pj_text_accept(t, ','));
        }
        PJ_TRY(pj_text_expect(t, ']'));
      } else {
        PJ_TRY(pj_text_int_list(t, '[', ']', false));
      }
      size_t count = t->ints.len - base;
      value = reverse ? pj_attr_bools(t->arena, count, t->ints.data + base)
                      : pj_attr_ints(t->arena, count, t->ints.data + base);
      t->ints.len = base;
    }
    PJ_TRY(pj_text_push_key(t, fields[field].key, value, at));
    if (!pj_text_accept(t, ','))
      break;
  }
  return PJ_STATUS_OK;
}

// [0] x [1]
static PjStatus dims_pair(PjText *t, PjKey lhs, PjKey rhs) {
  const char *at = t->tok.start;
  const PjAttr *value;
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_ints_attr(t, &value));
  PJ_TRY(pj_text_push_key(t, lhs, value, at));
  if (!pj_text_accept_word(t, "x"))
    return pj_text_unexpected(t, "`x`");
  PJ_TRY(pj_text_ints_attr(t, &value));
  return pj_text_push_key(t, rhs, value, at);
}

static PjStatus dot_dims(PjText *t) {
  if (pj_text_accept_word(t, "batching_dims")) {
    PJ_TRY(dims_pair(t, PJ_KEY_lhs_batching_dimensions, PJ_KEY_rhs_batching_dimensions));
    PJ_TRY(pj_text_expect(t, ','));
  }
  PJ_TRY(pj_text_expect_word(t, "contracting_dims"));
  return dims_pair(t, PJ_KEY_lhs_contracting_dimensions, PJ_KEY_rhs_contracting_dimensions);
}

// True if ", word =" comes next; moves behind the '='.
static bool accept_field(PjText *t, const char *word) {
  PjStr next;
  if (!pj_text_is(t, ',') || pj_text_peek(t, &next) != PJ_TOK_WORD || !pj_str_is(next, word))
    return false;
  pj_text_next(t);
  pj_text_next(t);
  return true;
}

static PjStatus precision(PjText *t) {
  if (!accept_field(t, "precision"))
    return PJ_STATUS_OK;
  const char *at = t->tok.start;
  size_t base = t->elems.len;
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_is(t, ']')) {
    do {
      const PjAttr *elem;
      PJ_TRY(pj_text_enum(t, PJ_ENUM_PRECISION, &elem));
      PJ_PUSH(t->arena, &t->elems, elem);
    } while (pj_text_accept(t, ','));
  }
  PJ_TRY(pj_text_expect(t, ']'));
  const PjAttr *value = pj_attr_array(t->arena, t->elems.len - base, t->elems.data + base);
  t->elems.len = base;
  return pj_text_push_key(t, PJ_KEY_precision_config, value, at);
}

static PjStatus algorithm(PjText *t) {
  if (!accept_field(t, "algorithm"))
    return PJ_STATUS_OK;
  const char *at = t->tok.start;
  const PjAttr *value;
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_dot_algorithm(t, &value));
  return pj_text_push_attr(t, PJ_STR("algorithm"), value, at);
}

// e5m10
static PjStatus exponent_mantissa(PjText *t) {
  static const PjKey keys[] = {PJ_KEY_exponent_bits, PJ_KEY_mantissa_bits};
  PjToken tok = t->tok;
  const char *at = tok.start;
  int64_t bits[2] = {0, 0};
  bool ok = tok.kind == PJ_TOK_WORD;
  for (int i = 0; i < 2 && ok; ++i) {
    ok = at < tok.end && *at == "em"[i];
    const char *digits = ++at;
    for (; ok && at < tok.end && *at >= '0' && *at <= '9'; ++at) {
      bits[i] = bits[i] * 10 + (*at - '0');
      ok = bits[i] <= INT32_MAX;
    }
    ok = ok && at > digits;
  }
  if (!ok || at != tok.end)
    return pj_text_unexpected(t, "exponent and mantissa bits in the format e#m#");
  for (int i = 0; i < 2; ++i)
    PJ_TRY(pj_text_push_key(t, keys[i], pj_attr_int(t->arena, bits[i], PJ_DT_S32), tok.start));
  pj_text_next(t);
  return PJ_STATUS_OK;
}

static PjStatus value_of_operand(PjText *t, PjDraft *draft) {
  const char *at = t->tok.start;
  const PjAttr *value;
  PJ_TRY(pj_text_attr(t, &value));
  if (value->kind != PJ_ATTR_ELEMENTS)
    return pj_text_error(t, at, "expected a dense<> tensor");
  PJ_TRY(pj_text_push_key(t, PJ_KEY_value, value, at));
  return pj_text_check_operands(t, at, draft->operands, 1, &value->type);
}

static PjStatus part(PjText *t, PjDraft *draft, PjStr name) {
  const char *at = t->tok.start;
  const PjAttr *value;
  PjStr text;
  if (pj_str_is(name, "<slice>"))
    return slice_ranges(t);
  if (pj_str_is(name, "<window>"))
    return window(t);
  if (pj_str_is(name, "<dot>"))
    return dot_dims(t);
  if (pj_str_is(name, "<precision>"))
    return precision(t);
  if (pj_str_is(name, "<algorithm>"))
    return algorithm(t);
  if (pj_str_is(name, "<bits>"))
    return exponent_mantissa(t);
  if (pj_str_is(name, "<regions>"))
    return pj_text_is(t, '(') ? pj_text_regions(t) : PJ_STATUS_OK;
  if (pj_str_is(name, "<value>"))
    return value_of_operand(t, draft);
  if (pj_str_is(name, "<conv>")) {
    PJ_TRY(pj_text_conv_dims(t, &value));
    return pj_text_push_attr(t, PJ_STR("dimension_numbers"), value, at);
  }
  if (pj_str_is(name, "<target>")) {
    PJ_TRY(pj_text_symbol(t, &text));
    return pj_text_push_key(t, PJ_KEY_call_target_name, pj_attr_string(t->arena, text), at);
  }
  if (pj_str_is(name, "<sharding>")) {
    PJ_TRY(pj_text_sharding(t, &value));
    return pj_text_push_key(t, PJ_KEY_sharding, value, at);
  }
  PJ_TRY(pj_text_word(t, "a direction", &text)); // <direction>
  return pj_text_push_key(t, PJ_KEY_allowed_direction, pj_attr_string(t->arena, text), at);
}

// ------------------------------------------------------------------------------------- types
static PjStatus push_results(PjText *t, size_t count, const PjType *const *types) {
  for (size_t i = 0; i < count; ++i)
    PJ_PUSH(t->arena, &t->types, types[i]);
  return PJ_STATUS_OK;
}

static PjStatus from_function(PjText *t, PjDraft *draft, const char *at, const PjType *type) {
  PJ_TRY(pj_text_check_operands(t, at, draft->operands, type->num_elems, type->elems));
  return push_results(t, type->num_results, type->results);
}

static PjStatus single_result(PjText *t, PjDraft *draft, const char *at, const PjType *type) {
  if (type->num_results != 1)
    return pj_text_error(t, at, "expected single output");
  return from_function(t, draft, at, type);
}

// All operands have |type|.
static PjStatus all_operands(PjText *t, PjDraft *draft, const char *at, const PjType *type) {
  size_t count = t->operands.len - draft->operands, base = t->types.len;
  for (size_t i = 0; i < count; ++i)
    PJ_PUSH(t->arena, &t->types, type);
  PJ_TRY(pj_text_check_operands(t, at, draft->operands, count, t->types.data + base));
  t->types.len = base;
  return PJ_STATUS_OK;
}

static PjStatus type_list(PjText *t) {
  do {
    const PjType *type;
    PJ_TRY(pj_text_type(t, &type));
    PJ_PUSH(t->arena, &t->types, type);
  } while (pj_text_accept(t, ','));
  return PJ_STATUS_OK;
}

static PjStatus complex_types(PjText *t, PjDraft *draft, const char *at, const PjType *type) {
  if (!(pj_type_is_tensor(type) || type->kind == PJ_TYPE_UNRANKED) ||
      !pj_dtype_is_complex(type->dtype))
    return pj_text_error(t, at, "expected tensor with complex element type");
  PjDtype part_dtype = pj_dtype_part(type->dtype);
  const PjType *real =
      type->kind == PJ_TYPE_UNRANKED
          ? pj_type_unranked(t->arena, part_dtype, NULL)
          : pj_type_tensor_full(t->arena, part_dtype, NULL, type->rank, type->dims, type->bounds);
  PJ_TRY(all_operands(t, draft, at, real));
  return push_results(t, 1, &type);
}

static PjStatus select_types(PjText *t, PjDraft *draft, const char *at) {
  size_t base = t->types.len;
  PJ_TRY(type_list(t));
  size_t count = t->types.len - base;
  const PjType *const *types = t->types.data + base, *first = types[0];
  if (count == 1 && first->kind == PJ_TYPE_FUNCTION) {
    t->types.len = base;
    return single_result(t, draft, at, first);
  }
  if (count != 2)
    return pj_text_error(t, at, "expected functional type or list of two types");
  const PjType *all[3] = {types[0], types[1], types[1]};
  t->types.len = base;
  PJ_TRY(pj_text_check_operands(t, at, draft->operands, 3, all));
  return push_results(t, 1, &all[1]);
}

// T, T -> T or T -> (T, T)
static PjStatus arrow_types(PjText *t, PjDraft *draft, const char *at) {
  size_t base = t->types.len;
  PJ_TRY(type_list(t));
  PJ_TRY(pj_text_check_operands(t, at, draft->operands, t->types.len - base, t->types.data + base));
  t->types.len = base;
  PJ_TRY(pj_text_expect(t, PJ_TOK_ARROW));
  if (pj_text_accept(t, '('))
    return pj_text_type_list(t, ')');
  const PjType *type;
  PJ_TRY(pj_text_type(t, &type));
  return push_results(t, 1, &type);
}

static PjStatus operand_list_types(PjText *t, PjDraft *draft, const char *at, bool also_results) {
  size_t base = t->types.len;
  PJ_TRY(type_list(t));
  PJ_TRY(pj_text_check_operands(t, at, draft->operands, t->types.len - base, t->types.data + base));
  if (!also_results)
    t->types.len = base;
  return PJ_STATUS_OK;
}

static PjStatus types(PjText *t, PjDraft *draft, PjStr how) {
  bool no_operands = t->operands.len == draft->operands;
  if (no_operands && pj_str_is(how, ":return"))
    return PJ_STATUS_OK;
  if (no_operands && pj_str_is(how, ":pairs")) {
    PJ_TRY(pj_text_expect(t, '('));
    return pj_text_expect(t, ')');
  }
  PJ_TRY(pj_text_expect(t, ':'));
  const char *at = t->tok.start;
  const PjType *type;
  if (pj_str_is(how, ":results"))
    return type_list(t);
  if (pj_str_is(how, ":select"))
    return select_types(t, draft, at);
  if (pj_str_is(how, ":arrow"))
    return arrow_types(t, draft, at);
  if (pj_str_is(how, ":pairs"))
    return operand_list_types(t, draft, at, true);
  if (pj_str_is(how, ":return") || pj_str_is(how, ":ins2"))
    return operand_list_types(t, draft, at, false);
  if (pj_str_is(how, ":func")) {
    PJ_TRY(pj_text_function_type(t, &type));
    return from_function(t, draft, at, type);
  }
  PJ_TRY(pj_text_type(t, &type));
  if (pj_str_is(how, ":tuple")) {
    if (type->kind != PJ_TYPE_TUPLE)
      return pj_text_error(t, at, "expected tuple type");
    PJ_TRY(pj_text_check_operands(t, at, draft->operands, type->num_elems, type->elems));
    return push_results(t, 1, &type);
  }
  if (pj_str_is(how, ":one") || pj_str_is(how, ":ins")) {
    PJ_TRY(all_operands(t, draft, at, type));
    return push_results(t, pj_str_is(how, ":one"), &type);
  }
  if (type->kind == PJ_TYPE_FUNCTION)
    return single_result(t, draft, at, type);
  if (pj_str_is(how, ":complex"))
    return complex_types(t, draft, at, type);
  PJ_TRY(all_operands(t, draft, at, type)); // :same
  return push_results(t, 1, &type);
}

// ------------------------------------------------------------------------------------- the form
static PjStatus fixed(PjText *t, PjStr word) {
  if (word.ptr[0] >= 'a' && word.ptr[0] <= 'z') {
    char text[64];
    snprintf(text, sizeof text, "%.*s", PJ_STR_ARG(word));
    return pj_text_expect_word(t, text);
  }
  return pj_text_expect(t, (PjTok)word.ptr[0]);
}

// Behind `?key`: true if the text has the group that begins with ", word" here.
static bool group_present(PjText *t, const char *form) {
  PjStr next;
  pj_form_word(&form); // the comma
  PjStr word = pj_form_word(&form);
  if (!pj_text_is(t, ','))
    return false;
  PjTok kind = pj_text_peek(t, &next);
  return kind == PJ_TOK_WORD && (*word.ptr == '$' || pj_str_eq(word, next));
}

static void skip_group(const char **form) {
  for (PjStr word; (word = pj_form_word(form)).len && !pj_str_is(word, "?.");) {
  }
}

static PjStatus follow(PjText *t, PjDraft *draft, const char *form) {
  for (PjStr word; (word = pj_form_word(&form)).len;) {
    char c = word.ptr[0];
    if (c == '%' && word.len == 1) {
      PJ_TRY(pj_text_operand(t));
    } else if (pj_str_is(word, "%*")) {
      PJ_TRY(pj_text_operands(t));
    } else if (pj_str_is(word, "%,")) {
      while (pj_text_is(t, PJ_TOK_VALUE)) {
        PJ_TRY(pj_text_operand(t));
        PJ_TRY(pj_text_expect(t, ','));
      }
    } else if (c == '$') {
      PJ_TRY(keyed_value(t, draft, (PjStr){word.ptr + 1, word.len - 1}));
    } else if (c == '?') {
      if (word.ptr[1] != '.' && !group_present(t, form))
        skip_group(&form);
    } else if (pj_str_is(word, "{}")) {
      if (pj_text_is(t, '{'))
        PJ_TRY(pj_text_attr_dict(t));
    } else if (c == ':') {
      PJ_TRY(types(t, draft, word));
    } else if (c == '<') {
      PJ_TRY(part(t, draft, word));
    } else {
      PJ_TRY(fixed(t, word));
    }
  }
  return PJ_STATUS_OK;
}

PjStatus pj_text_pretty(PjText *t, PjDraft *draft) {
  return follow(t, draft, pj_form(draft->kind));
}

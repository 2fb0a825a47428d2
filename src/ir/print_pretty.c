// Pretty forms that forms.def describes. An operation that does not fit its form (a module need not
// have been verified) prints in the generic form instead.
#include <inttypes.h>

#include "ir/form.h"
#include "ir/print_parts.h"

// ------------------------------------------------------------------------------------- does it
// fit?
static bool same_types(const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!pj_type_eq(op->operands[i]->type, op->results[0].type))
      return false;
  return true;
}

// The operands have the types of the complex result's parts.
static bool complex_of_parts(const PjOp *op) {
  const PjType *result = op->results[0].type;
  if (!pj_dtype_is_complex(result->dtype))
    return false;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjType part = *op->operands[i]->type;
    if (part.dtype != pj_dtype_part(result->dtype))
      return false;
    part.dtype = result->dtype;
    if (!pj_type_eq(&part, result))
      return false;
  }
  return true;
}

static bool one_operand_type(const PjOp *op) {
  for (uint32_t i = 1; i < op->num_operands; ++i)
    if (!pj_type_eq(op->operands[i]->type, op->operands[0]->type))
      return false;
  return op->num_operands > 0;
}

static bool fits_types(const PjOp *op, PjStr how) {
  const PjType *first = op->num_results ? op->results[0].type : NULL;
  if (pj_str_is(how, ":func"))
    return true;
  if (pj_str_is(how, ":same") || pj_str_is(how, ":complex") || pj_str_is(how, ":select"))
    return op->num_results == 1;
  if (pj_str_is(how, ":results"))
    return op->num_results > 0 && !op->num_operands;
  if (pj_str_is(how, ":arrow"))
    return op->num_results > 0 && op->num_operands > 0;
  if (pj_str_is(how, ":return"))
    return !op->num_results;
  if (pj_str_is(how, ":ins"))
    return !op->num_results && one_operand_type(op);
  if (pj_str_is(how, ":ins2"))
    return !op->num_results;
  if (pj_str_is(how, ":one"))
    return op->num_results == 1 && op->num_operands == 1 && same_types(op);
  if (pj_str_is(how, ":tuple")) {
    if (op->num_results != 1 || first->kind != PJ_TYPE_TUPLE ||
        first->num_elems != op->num_operands)
      return false;
    for (uint32_t i = 0; i < op->num_operands; ++i)
      if (!pj_type_eq(op->operands[i]->type, first->elems[i]))
        return false;
    return true;
  }
  if (op->num_results != op->num_operands)
    return false; // :pairs
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!pj_type_eq(op->operands[i]->type, op->results[i].type))
      return false;
  return true;
}

static bool is_list(const PjAttr *attr) {
  return attr && attr->kind == PJ_ATTR_INTS && attr->columns < 0 && !attr->type;
}

static bool conv_text(PjStrBuf *out, const PjOp *op) {
  static const PjKey keys[] = {
      PJ_KEY_input_batch_dimension,          PJ_KEY_input_feature_dimension,
      PJ_KEY_kernel_input_feature_dimension, PJ_KEY_kernel_output_feature_dimension,
      PJ_KEY_output_batch_dimension,         PJ_KEY_output_feature_dimension};
  static const PjKey lists[] = {PJ_KEY_input_spatial_dimensions, PJ_KEY_kernel_spatial_dimensions,
                                PJ_KEY_output_spatial_dimensions};
  int64_t dims[6];
  uint32_t counts[3];
  const int64_t *spatial[3];
  for (int i = 0; i < 6; ++i)
    dims[i] = pj_op_int(op, keys[i]);
  for (int i = 0; i < 3; ++i)
    spatial[i] = pj_op_ints(op, lists[i], &counts[i]);
  return pj_print_conv(out, dims, counts, spatial);
}

static bool fits_part(const PjOp *op, PjStr part) {
  if (pj_str_is(part, "<slice>")) {
    const PjAttr *start = PJ_ATTR(op, start_indices), *limit = PJ_ATTR(op, limit_indices);
    const PjAttr *strides = PJ_ATTR(op, strides);
    return is_list(start) && is_list(limit) && is_list(strides) && start->count == limit->count &&
           start->count == strides->count && start->count <= PJ_MAX_RANK;
  }
  if (pj_str_is(part, "<conv>")) {
    PjStrBuf scratch = {0};
    bool fits = conv_text(&scratch, op);
    pj_strbuf_free(&scratch);
    return fits;
  }
  if (pj_str_is(part, "<window>"))
    return PJ_ATTR(op, padding) && PJ_ATTR(op, padding)->columns == 2;
  if (pj_str_is(part, "<bits>"))
    return PJ_INT(op, exponent_bits) >= 0 && PJ_INT(op, mantissa_bits) >= 0;
  if (pj_str_is(part, "<target>"))
    return PJ_STRATTR(op, call_target_name).len != 0;
  if (pj_str_is(part, "<value>"))
    return op->num_operands == 1 && pj_type_eq(op->operands[0]->type, PJ_ATTR(op, value)->type);
  if (pj_str_is(part, "<sharding>"))
    return PJ_ATTR(op, sharding)->kind == PJ_ATTR_STRUCT &&
           pj_str_is(PJ_STRATTR(op, sharding), "sdy.sharding");
  if (pj_str_is(part, "<direction>")) {
    PjStr text = PJ_STRATTR(op, allowed_direction);
    for (size_t i = 0; i < text.len; ++i)
      if (text.ptr[i] < 'A' || text.ptr[i] > 'Z')
        return false;
    return PJ_ATTR(op, allowed_direction)->kind == PJ_ATTR_STRING && text.len;
  }
  return true;
}

static bool fits(const PjOp *op, const char *form) {
  const PjOpInfo *info = &pj_op_info[op->kind];
  if ((info->operands >= 0 && op->num_operands != (uint32_t)info->operands) ||
      (info->results >= 0 && op->num_results != (uint32_t)info->results) ||
      (info->regions >= 0 && op->num_regions != (uint32_t)info->regions))
    return false;
  for (int i = 0; i < info->num_attrs; ++i)
    if (!op->attrs[i] && info->attrs[i].mode != PJ_DEFAULT_OPT)
      return false;
  uint32_t fixed = 0;
  for (PjStr word; (word = pj_form_word(&form)).len;) {
    fixed += pj_str_is(word, "%");
    if ((*word.ptr == ':' && !fits_types(op, word)) || (*word.ptr == '<' && !fits_part(op, word)))
      return false;
  }
  return op->num_operands >= fixed;
}

// ------------------------------------------------------------------------------------- parts
static void print_list(PjStrBuf *out, const PjAttr *attr) {
  pj_strbuf_putc(out, '[');
  pj_print_ints(out, attr->count, attr->ints);
  pj_strbuf_putc(out, ']');
}

static void print_short(PjPrinter *p, const PjAttr *attr) {
  PjStrBuf *out = p->out;
  uint64_t bits;
  switch (attr->kind) {
  case PJ_ATTR_INT:
    pj_print_int(out, attr->i64, attr->type->dtype);
    return;
  case PJ_ATTR_FLOAT:
    memcpy(&bits, &attr->f64, sizeof bits);
    pj_float_print(out, PJ_DT_F64, bits);
    return;
  case PJ_ATTR_ENUM: {
    const char *text = pj_enum_text(attr->enum_kind, attr->i64);
    pj_strbuf_puts(out, text ? text : "?");
    return;
  }
  case PJ_ATTR_INTS:
    if (is_list(attr)) {
      print_list(out, attr);
      return;
    }
    break;
  default:
    break;
  }
  pj_attr_print(out, attr);
}

static void print_slice(PjStrBuf *out, const PjOp *op) {
  uint32_t count;
  const int64_t *start = PJ_INTS(op, start_indices, &count),
                *limit = PJ_INTS(op, limit_indices, NULL);
  const int64_t *strides = PJ_INTS(op, strides, NULL);
  pj_strbuf_putc(out, '[');
  for (uint32_t i = 0; i < count; ++i) {
    pj_strbuf_printf(out, "%s%" PRId64 ":%" PRId64, i ? ", " : "", start[i], limit[i]);
    if (strides[i] != 1)
      pj_strbuf_printf(out, ":%" PRId64, strides[i]);
  }
  pj_strbuf_putc(out, ']');
}

static void print_window(PjStrBuf *out, const PjOp *op) {
  static const struct {
    const char *word;
    PjKey key;
  } fields[] = {{"stride", PJ_KEY_window_strides},
                {"pad", PJ_KEY_padding},
                {"lhs_dilate", PJ_KEY_lhs_dilation},
                {"rhs_dilate", PJ_KEY_rhs_dilation},
                {"reverse", PJ_KEY_window_reversal}};
  bool any = false;
  for (int i = 0; i < 5; ++i) {
    int index = pj_op_attr_index(op->kind, fields[i].key);
    if (pj_op_attr_is_default(op, index))
      continue;
    const PjAttr *attr = op->attrs[index];
    pj_strbuf_printf(out, "%s%s = [", any ? ", " : "", fields[i].word);
    any = true;
    if (fields[i].key == PJ_KEY_padding) {
      for (uint32_t k = 0; k + 1 < attr->count; k += 2)
        pj_strbuf_printf(out, "%s[%" PRId64 ", %" PRId64 "]", k ? ", " : "", attr->ints[k],
                         attr->ints[k + 1]);
    } else if (fields[i].key == PJ_KEY_window_reversal) {
      for (uint32_t k = 0; k < attr->count; ++k)
        pj_strbuf_printf(out, "%s%d", k ? ", " : "", attr->ints[k] != 0);
    } else {
      pj_print_ints(out, attr->count, attr->ints);
    }
    pj_strbuf_putc(out, ']');
  }
}

static void print_dims_pair(PjStrBuf *out, const char *name, const PjAttr *lhs, const PjAttr *rhs) {
  pj_strbuf_printf(out, "%s = ", name);
  print_list(out, lhs);
  pj_strbuf_puts(out, " x ");
  print_list(out, rhs);
}

static void print_dot(PjStrBuf *out, const PjOp *op) {
  const PjAttr *lhs = PJ_ATTR(op, lhs_batching_dimensions),
               *rhs = PJ_ATTR(op, rhs_batching_dimensions);
  if (lhs->count || rhs->count) {
    print_dims_pair(out, "batching_dims", lhs, rhs);
    pj_strbuf_puts(out, ", ");
  }
  print_dims_pair(out, "contracting_dims", PJ_ATTR(op, lhs_contracting_dimensions),
                  PJ_ATTR(op, rhs_contracting_dimensions));
}

static void print_precision(PjStrBuf *out, const PjOp *op) {
  int index = pj_op_attr_index(op->kind, PJ_KEY_precision_config);
  if (pj_op_attr_is_default(op, index))
    return;
  const PjAttr *attr = op->attrs[index];
  pj_strbuf_puts(out, ", precision = [");
  for (uint32_t i = 0; i < attr->count; ++i) {
    const char *text = pj_enum_text(PJ_ENUM_PRECISION, attr->elems[i]->i64);
    pj_strbuf_printf(out, "%s%s", i ? ", " : "", text ? text : "?");
  }
  pj_strbuf_putc(out, ']');
}

static void print_algorithm(PjStrBuf *out, const PjOp *op) {
  const PjAttr *first = PJ_ATTR(op, lhs_precision_type);
  if (first->kind == PJ_ATTR_TYPE && first->type->kind == PJ_TYPE_NONE)
    return;
  const PjAttrGroup *group = pj_attr_group(op->kind, PJ_KEY_lhs_precision_type);
  pj_strbuf_puts(out, ", algorithm = <");
  for (int i = 0; group->keys[i] != PJ_KEY_COUNT; ++i) {
    const PjAttr *attr = pj_op_attr(op, group->keys[i]);
    pj_strbuf_printf(out, "%s%s = ", i ? ", " : "", pj_key_text[group->keys[i]]);
    if (attr->kind == PJ_ATTR_INT)
      pj_strbuf_printf(out, "%" PRId64, attr->i64);
    else
      pj_attr_print(out, attr);
  }
  pj_strbuf_putc(out, '>');
}

static void print_part(PjPrinter *p, const PjOp *op, PjStr part) {
  PjStrBuf *out = p->out;
  if (pj_str_is(part, "<slice>")) {
    print_slice(out, op);
  } else if (pj_str_is(part, "<window>")) {
    print_window(out, op);
  } else if (pj_str_is(part, "<conv>")) {
    conv_text(out, op);
  } else if (pj_str_is(part, "<dot>")) {
    print_dot(out, op);
  } else if (pj_str_is(part, "<precision>")) {
    print_precision(out, op);
  } else if (pj_str_is(part, "<algorithm>")) {
    print_algorithm(out, op);
  } else if (pj_str_is(part, "<bits>")) {
    pj_strbuf_printf(out, "e%" PRId64 "m%" PRId64, PJ_INT(op, exponent_bits),
                     PJ_INT(op, mantissa_bits));
  } else if (pj_str_is(part, "<target>")) {
    // One symbol, whatever it holds: a target is no nested reference.
    PjStr target = PJ_STRATTR(op, call_target_name);
    if (memmem(target.ptr, target.len, "::", 2)) {
      pj_strbuf_putc(out, '@');
      pj_string_print(out, target);
    } else {
      pj_symbol_print(out, target);
    }
  } else if (pj_str_is(part, "<sharding>")) {
    pj_print_sharding(out, PJ_ATTR(op, sharding));
  } else if (pj_str_is(part, "<direction>")) {
    pj_strbuf_str(out, PJ_STRATTR(op, allowed_direction));
  } else if (pj_str_is(part, "<value>")) {
    pj_print_elements(out, PJ_ATTR(op, value), p->options.elide_elements);
  } else if (op->num_regions) { // <regions>
    for (uint32_t i = 0; i < op->num_regions; ++i) {
      pj_strbuf_puts(out, i ? ", " : "(");
      pj_print_region(p, &op->regions[i], true);
    }
    pj_strbuf_putc(out, ')');
  }
}

static void print_types(PjPrinter *p, const PjOp *op, PjStr how) {
  PjStrBuf *out = p->out;
  if (pj_str_is(how, ":return") && !op->num_operands)
    return;
  if (pj_str_is(how, ":pairs") && !op->num_operands) {
    pj_strbuf_puts(out, " ()");
    return;
  }
  pj_strbuf_puts(out, " : ");
  if (pj_str_is(how, ":return") || pj_str_is(how, ":pairs") || pj_str_is(how, ":ins2")) {
    pj_print_types(p, op->num_operands, op->operands);
  } else if (pj_str_is(how, ":ins")) {
    pj_print_types(p, 1, op->operands);
  } else if (pj_str_is(how, ":results")) {
    for (uint32_t i = 0; i < op->num_results; ++i) {
      if (i)
        pj_strbuf_puts(out, ", ");
      pj_type_print(out, op->results[i].type);
    }
  } else if (pj_str_is(how, ":arrow")) {
    pj_print_types(p, op->num_operands, op->operands);
    pj_strbuf_puts(out, " -> ");
    if (op->num_results > 1)
      pj_strbuf_putc(out, '(');
    for (uint32_t i = 0; i < op->num_results; ++i) {
      if (i)
        pj_strbuf_puts(out, ", ");
      pj_type_print(out, op->results[i].type);
    }
    if (op->num_results > 1)
      pj_strbuf_putc(out, ')');
  } else if (pj_str_is(how, ":tuple") || pj_str_is(how, ":one") ||
             (pj_str_is(how, ":same") && same_types(op))) {
    pj_type_print(out, op->results[0].type);
  } else if (pj_str_is(how, ":select") && pj_type_eq(op->operands[1]->type, op->results[0].type) &&
             pj_type_eq(op->operands[2]->type, op->results[0].type)) {
    pj_print_types(p, 2, op->operands);
  } else if (pj_str_is(how, ":complex") && complex_of_parts(op)) {
    pj_type_print(out, op->results[0].type);
  } else {
    pj_print_function_type(p, op);
  }
}

// ------------------------------------------------------------------------------------- the form
static void skip_group(const char **form) {
  for (PjStr word; (word = pj_form_word(form)).len && !pj_str_is(word, "?.");) {
  }
}

static bool is_default(const PjOp *op, PjStr key) {
  const PjOpInfo *info = &pj_op_info[op->kind];
  for (int i = 0; i < info->num_attrs; ++i)
    if (pj_str_is(key, pj_key_text[info->attrs[i].key]))
      return pj_op_attr_is_default(op, i);
  return true;
}

static const PjAttr *attr_named(const PjOp *op, PjStr key) {
  const PjOpInfo *info = &pj_op_info[op->kind];
  for (int i = 0; i < info->num_attrs; ++i)
    if (pj_str_is(key, pj_key_text[info->attrs[i].key]))
      return op->attrs[i];
  return NULL;
}

static bool follows_space(PjStr word) {
  return !(pj_str_is(word, ",") || pj_str_is(word, ")") || pj_str_is(word, "]") ||
           pj_str_is(word, "(") || pj_str_is(word, "["));
}

// Spaces stand before every word but brackets, commas, and what comes first behind an opening
// bracket.
static void print_form(PjPrinter *p, const PjOp *op, const char *form) {
  uint32_t operand = 0;
  bool tight = false; // no space before the next word
  for (PjStr word; (word = pj_form_word(&form)).len;) {
    char c = *word.ptr;
    if (c == '?') {
      if (word.ptr[1] != '.' && is_default(op, (PjStr){word.ptr + 1, word.len - 1}))
        skip_group(&form);
      continue;
    }
    if (pj_str_is(word, "{}")) {
      pj_print_dict(p, op, pj_form(op->kind), " {", "}", true, true);
      continue;
    }
    if (c == ':') {
      print_types(p, op, word);
      continue;
    }
    bool nothing = (word.len > 1 && c == '%' && operand == op->num_operands) ||
                   pj_str_is(word, "<precision>") || pj_str_is(word, "<algorithm>") ||
                   (pj_str_is(word, "<regions>") && !op->num_regions);
    if (!nothing && !tight && follows_space(word))
      pj_strbuf_putc(p->out, ' ');
    tight = c == '(' || c == '[';
    if (c == '%' && word.len == 1) {
      pj_print_value(p, op->operands[operand++]);
    } else if (pj_str_is(word, "%*")) {
      pj_print_operands(p, operand, op);
      operand = op->num_operands;
    } else if (pj_str_is(word, "%,")) {
      pj_print_operands(p, operand, op);
      if (operand < op->num_operands)
        pj_strbuf_putc(p->out, ',');
      operand = op->num_operands;
    } else if (c == '$') {
      print_short(p, attr_named(op, (PjStr){word.ptr + 1, word.len - 1}));
    } else if (c == '<') {
      print_part(p, op, word);
    } else {
      pj_strbuf_str(p->out, word);
    }
  }
}

bool pj_print_pretty(PjPrinter *p, const PjOp *op) {
  const char *form = pj_form(op->kind);
  if (!form || !fits(op, form))
    return false;
  // Right inside a function (not in a region there) `func.` is understood.
  bool bare = p->in_func && op->region && op->region->parent &&
              op->region->parent->kind == PJ_OP_FUNC &&
              (op->kind == PJ_OP_FUNC_RETURN || op->kind == PJ_OP_CALL);
  pj_strbuf_puts(p->out, pj_op_info[op->kind].text + (bare ? strlen("func.") : 0));
  print_form(p, op, form);
  return true;
}

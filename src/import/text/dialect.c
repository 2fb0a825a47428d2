// Attributes of the StableHLO and CHLO dialects: `#stablehlo<precision HIGH>`,
// `#stablehlo.gather<...>`. Structured ones become PJ_ATTR_STRUCT with the fields that ops.def has
// as attributes of their own.
#include "import/text/text.h"

// ------------------------------------------------------------------------------------- dimension
// numbers
typedef struct StructSpec {
  const char *mnemonic, *name;
  const char *lists[6]; // fields that are lists
  const char *ints[7];  // fields that are integers
} StructSpec;

static const StructSpec structs[] = {
    {"gather",
     "stablehlo.gather",
     {"offset_dims", "collapsed_slice_dims", "operand_batching_dims", "start_indices_batching_dims",
      "start_index_map"},
     {"index_vector_dim"}},
    {"scatter",
     "stablehlo.scatter",
     {"update_window_dims", "inserted_window_dims", "input_batching_dims",
      "scatter_indices_batching_dims", "scatter_dims_to_operand_dims"},
     {"index_vector_dim"}},
    {"dot",
     "stablehlo.dot",
     {"lhs_batching_dimensions", "rhs_batching_dimensions", "lhs_contracting_dimensions",
      "rhs_contracting_dimensions"},
     {NULL}},
    {"ragged_dot",
     "chlo.ragged_dot",
     {"lhs_batching_dimensions", "rhs_batching_dimensions", "lhs_contracting_dimensions",
      "rhs_contracting_dimensions", "lhs_ragged_dimensions", "rhs_group_dimensions"},
     {NULL}},
    {"conv",
     "stablehlo.conv",
     {"input_spatial_dimensions", "kernel_spatial_dimensions", "output_spatial_dimensions"},
     {"input_batch_dimension", "input_feature_dimension", "kernel_input_feature_dimension",
      "kernel_output_feature_dimension", "output_batch_dimension", "output_feature_dimension"}},
};

enum { MAX_FIELDS = 13, CONV = 4 };

static int find_field(const StructSpec *spec, PjStr word, bool *out_is_list) {
  for (int i = 0; i < 6 && spec->lists[i]; ++i)
    if (pj_str_is(word, spec->lists[i]))
      return *out_is_list = true, i;
  for (int i = 0; i < 7 && spec->ints[i]; ++i)
    if (pj_str_is(word, spec->ints[i]))
      return *out_is_list = false, 6 + i;
  return -1;
}

// field = value, ... > in any order; a comma may stand before the '>'. Absent: empty or 0.
static PjStatus fields(PjText *t, const StructSpec *spec, const PjAttr **out) {
  const PjAttr *given[MAX_FIELDS] = {0}, *values[MAX_FIELDS];
  PjStr names[MAX_FIELDS];
  while (!pj_text_accept(t, '>')) {
    const char *at = t->tok.start;
    PjStr word;
    bool is_list = false;
    PJ_TRY(pj_text_word(t, "a field's name or '>'", &word));
    int field = find_field(spec, word, &is_list);
    if (field < 0)
      return pj_text_error(t, at,
                           "failed parsing %s dimension numbers: '%.*s' is none of its fields",
                           spec->mnemonic, PJ_STR_ARG(word));
    if (given[field])
      return pj_text_error(t, at, "duplicated `%.*s` entry", PJ_STR_ARG(word));
    PJ_TRY(pj_text_expect(t, '='));
    if (is_list) {
      size_t base = t->ints.len;
      PJ_TRY(pj_text_int_list(t, '[', ']', true));
      given[field] = pj_attr_ints(t->arena, t->ints.len - base, t->ints.data + base);
      t->ints.len = base;
    } else {
      int64_t value;
      PJ_TRY(pj_text_int(t, &value));
      given[field] = pj_attr_i64(t->arena, value);
    }
    if (!pj_text_accept(t, ',') && !pj_text_is(t, '>'))
      return pj_text_unexpected(t, "',' or '>'");
  }
  size_t count = 0;
  for (int i = 0; i < 6 && spec->lists[i]; ++i) {
    names[count] = pj_str(spec->lists[i]);
    values[count++] = given[i] ? given[i] : pj_attr_ints(t->arena, 0, NULL);
  }
  for (int i = 0; i < 7 && spec->ints[i]; ++i) {
    names[count] = pj_str(spec->ints[i]);
    values[count++] = given[6 + i] ? given[6 + i] : pj_attr_i64(t->arena, 0);
  }
  *out = pj_attr_struct(t->arena, spec->name, count, names, values);
  return PJ_STATUS_OK;
}

// One group of convolution dimensions, e.g. [b, 0, 1, f]: where the two named and the spatial ones
// stand.
static PjStatus conv_group(PjText *t, char first, char second, int64_t *out_first,
                           int64_t *out_second, const PjAttr **out_spatial) {
  int64_t where[PJ_MAX_RANK], count = 0, spatial = 0;
  const char *start = t->tok.start;
  for (int i = 0; i < PJ_MAX_RANK; ++i)
    where[i] = -1;
  *out_first = *out_second = -1;
  PJ_TRY(pj_text_expect(t, '['));
  do {
    const char *at = t->tok.start;
    if (count == PJ_MAX_RANK)
      return pj_text_error(t, at, "more than %d dimensions", PJ_MAX_RANK);
    if (pj_text_is(t, PJ_TOK_WORD)) {
      PjStr word = pj_tok_str(t->tok);
      int64_t *slot = word.len != 1           ? NULL
                      : word.ptr[0] == first  ? out_first
                      : word.ptr[0] == second ? out_second
                                              : NULL;
      if (!slot || *slot >= 0)
        return pj_text_error(t, at,
                             "Unexpected dimension %.*s, expecting %c, %c and numbers, each once",
                             PJ_STR_ARG(word), first, second);
      *slot = count;
      pj_text_next(t);
    } else {
      int64_t dim;
      PJ_TRY(pj_text_int(t, &dim));
      if (dim < 0 || dim >= PJ_MAX_RANK)
        return pj_text_error(t, at, "Unexpected dimension: expected 0 to %d", PJ_MAX_RANK - 1);
      if (where[dim] >= 0)
        return pj_text_error(t, at, "Duplicate entries for spatial dimension %d", (int)dim);
      where[dim] = count;
      if (dim >= spatial)
        spatial = dim + 1;
    }
    ++count;
  } while (pj_text_accept(t, ','));
  if (*out_first < 0 || *out_second < 0)
    return pj_text_error(t, start, "Expected dimensions %c and %c", first, second);
  for (int64_t i = 0; i < spatial; ++i)
    if (where[i] < 0)
      return pj_text_error(t, start, "Expected spatial dimension %d, which is not specified",
                           (int)i);
  *out_spatial = pj_attr_ints(t->arena, (size_t)spatial, where);
  return pj_text_expect(t, ']');
}

PjStatus pj_text_conv_dims(PjText *t, const PjAttr **out) {
  const StructSpec *spec = &structs[CONV];
  PjStr names[9];
  const PjAttr *values[9];
  int64_t dims[6];
  PJ_TRY(conv_group(t, 'b', 'f', &dims[0], &dims[1], &values[0]));
  if (!pj_text_is(t, PJ_TOK_WORD) || !pj_str_is(pj_tok_str(t->tok), "x"))
    return pj_text_unexpected(t, "'x' between the dimensions of input and kernel");
  pj_text_next(t);
  PJ_TRY(conv_group(t, 'i', 'o', &dims[2], &dims[3], &values[1]));
  PJ_TRY(pj_text_expect(t, PJ_TOK_ARROW));
  PJ_TRY(conv_group(t, 'b', 'f', &dims[4], &dims[5], &values[2]));
  for (int i = 0; i < 3; ++i)
    names[i] = pj_str(spec->lists[i]);
  for (int i = 0; i < 6; ++i) {
    names[3 + i] = pj_str(spec->ints[i]);
    values[3 + i] = pj_attr_i64(t->arena, dims[i]);
  }
  *out = pj_attr_struct(t->arena, spec->name, 9, names, values);
  return PJ_STATUS_OK;
}

static PjStatus conv(PjText *t, const PjAttr **out) {
  if (pj_text_accept_word(t, "raw"))
    return fields(t, &structs[CONV], out);
  PJ_TRY(pj_text_conv_dims(t, out));
  return pj_text_expect(t, '>');
}

// ------------------------------------------------------------------------------------- other
// structures
PjStatus pj_text_dot_algorithm(PjText *t, const PjAttr **out) {
  static const char *const names[] = {"lhs_precision_type",          "rhs_precision_type",
                                      "accumulation_type",           "lhs_component_count",
                                      "rhs_component_count",         "num_primitive_operations",
                                      "allow_imprecise_accumulation"};
  PjStr keys[7];
  const PjAttr *values[7];
  PJ_TRY(pj_text_expect(t, '<'));
  for (int i = 0; i < 7; ++i) {
    if (i)
      PJ_TRY(pj_text_expect(t, ','));
    PJ_TRY(pj_text_expect_word(t, names[i]));
    PJ_TRY(pj_text_expect(t, '='));
    keys[i] = pj_str(names[i]);
    if (i < 3) {
      const PjType *type;
      PJ_TRY(pj_text_type(t, &type));
      values[i] = pj_attr_type(t->arena, type);
    } else if (i < 6) {
      int64_t value;
      PJ_TRY(pj_text_int(t, &value));
      values[i] = pj_attr_i64(t->arena, value);
    } else {
      bool value;
      PJ_TRY(pj_text_bool(t, &value));
      values[i] = pj_attr_bool(t->arena, value);
    }
  }
  *out = pj_attr_struct(t->arena, "stablehlo.dot_algorithm", 7, keys, values);
  return pj_text_expect(t, '>');
}

static PjStatus named_int(PjText *t, const char *name, int64_t *out) {
  PJ_TRY(pj_text_expect_word(t, name));
  PJ_TRY(pj_text_expect(t, '='));
  return pj_text_int(t, out);
}

static PjStatus named_list(PjText *t, const char *name) {
  PJ_TRY(pj_text_expect_word(t, name));
  PJ_TRY(pj_text_expect(t, '='));
  return pj_text_int_list(t, '[', ']', false);
}

static PjStatus output_operand_alias(PjText *t, const PjAttr **out) {
  size_t base = t->ints.len;
  int64_t operand;
  PJ_TRY(named_list(t, "output_tuple_indices"));
  size_t outputs = t->ints.len;
  PJ_TRY(pj_text_expect(t, ','));
  PJ_TRY(named_int(t, "operand_index", &operand));
  PJ_TRY(pj_text_expect(t, ','));
  PJ_TRY(named_list(t, "operand_tuple_indices"));
  *out = pj_attr_alias(t->arena, outputs - base, t->ints.data + base, operand,
                       t->ints.len - outputs, t->ints.data + outputs);
  t->ints.len = base;
  return pj_text_expect(t, '>');
}

static PjStatus channel_handle(PjText *t, const PjAttr **out) {
  int64_t values[2] = {0, 0};
  bool seen[2] = {false, false};
  for (int i = 0; i < 2; ++i) {
    if (i)
      PJ_TRY(pj_text_expect(t, ','));
    int which = pj_text_is_word(t, "type");
    if (seen[which] || (!which && !pj_text_is_word(t, "handle")))
      return pj_text_unexpected(t, "`handle` and `type`, once each");
    seen[which] = true;
    PJ_TRY(named_int(t, which ? "type" : "handle", &values[which]));
  }
  *out = pj_attr_channel(t->arena, values[0], values[1]);
  return pj_text_expect(t, '>');
}

static PjStatus accuracy(PjText *t, const PjAttr **out) {
  double tolerances[2] = {0, 0};
  int64_t ulps = 0;
  for (int i = 0; i < 2; ++i)
    if (pj_text_accept_word(t, i ? "rtol" : "atol")) {
      PJ_TRY(pj_text_expect(t, '='));
      PJ_TRY(pj_text_double(t, &tolerances[i]));
      PJ_TRY(pj_text_expect(t, ','));
    }
  if (pj_text_is_word(t, "ulps")) {
    PJ_TRY(named_int(t, "ulps", &ulps));
    PJ_TRY(pj_text_expect(t, ','));
  }
  PJ_TRY(pj_text_expect_word(t, "mode"));
  PJ_TRY(pj_text_expect(t, '='));
  const char *at = t->tok.start;
  const PjAttr *mode;
  PJ_TRY(pj_text_attr(t, &mode));
  if (mode->kind != PJ_ATTR_ENUM || mode->enum_kind != PJ_ENUM_ACCURACY_MODE)
    return pj_text_error(t, at, "expected #stablehlo.result_accuracy_mode<...>");
  *out = pj_attr_accuracy(t->arena, tolerances[0], tolerances[1], ulps, mode->i64);
  return pj_text_expect(t, '>');
}

static PjStatus bounds(PjText *t, bool named, const PjAttr **out) {
  size_t base = t->ints.len;
  if (named) { // type_extensions<bounds = [1, ?]>
    PJ_TRY(pj_text_expect_word(t, "bounds"));
    PJ_TRY(pj_text_expect(t, '='));
    PJ_TRY(pj_text_int_list(t, '[', ']', true));
    PJ_TRY(pj_text_expect(t, '>'));
  } else {
    PJ_TRY(pj_text_int_list(t, '<', '>', true));
  }
  *out = pj_attr_bounds(t->arena, t->ints.len - base, t->ints.data + base);
  t->ints.len = base;
  return PJ_STATUS_OK;
}

// ------------------------------------------------------------------------------------- meshes
static PjStatus sub_axis(PjText *t, const PjAttr **out) {
  int64_t pre, size;
  PJ_TRY(pj_text_expect(t, '('));
  PJ_TRY(pj_text_int(t, &pre));
  PJ_TRY(pj_text_expect(t, ')'));
  PJ_TRY(pj_text_int(t, &size));
  *out = pj_attr_struct(
      t->arena, "stablehlo.sub_axis_info", 2, (PjStr[]){PJ_STR("pre_size"), PJ_STR("size")},
      (const PjAttr *[]){pj_attr_i64(t->arena, pre), pj_attr_i64(t->arena, size)});
  return PJ_STATUS_OK;
}

// <name = "x", size = 2> or <name = "x", sub_axis_info = (1)2>
static PjStatus axis(PjText *t, bool is_ref, const PjAttr **out) {
  PjStr name, keys[2] = {PJ_STR("name"), is_ref ? PJ_STR("sub_axis_info") : PJ_STR("size")};
  const PjAttr *values[2] = {0};
  PJ_TRY(pj_text_expect(t, '<'));
  PJ_TRY(pj_text_expect_word(t, "name"));
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_string(t, &name));
  values[0] = pj_attr_string(t->arena, name);
  if (!is_ref) {
    int64_t size;
    PJ_TRY(pj_text_expect(t, ','));
    PJ_TRY(named_int(t, "size", &size));
    values[1] = pj_attr_i64(t->arena, size);
  } else if (pj_text_accept(t, ',')) {
    PJ_TRY(pj_text_expect_word(t, "sub_axis_info"));
    PJ_TRY(pj_text_expect(t, '='));
    PJ_TRY(sub_axis(t, &values[1]));
  }
  *out = pj_attr_struct(t->arena, is_ref ? "stablehlo.axis_ref" : "stablehlo.mesh_axis",
                        1 + (values[1] != NULL), keys, values);
  return pj_text_expect(t, '>');
}

static PjStatus mesh(PjText *t, const PjAttr **out) {
  size_t base = t->elems.len;
  const PjAttr *values[2] = {0};
  PJ_TRY(pj_text_expect_word(t, "axes"));
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_is(t, ']')) {
    do {
      const PjAttr *elem;
      PJ_TRY(pj_text_is(t, '<') ? axis(t, false, &elem) : pj_text_attr(t, &elem));
      PJ_PUSH(t->arena, &t->elems, elem);
    } while (pj_text_accept(t, ','));
  }
  PJ_TRY(pj_text_expect(t, ']'));
  values[0] = pj_attr_array(t->arena, t->elems.len - base, t->elems.data + base);
  t->elems.len = base;
  if (pj_text_accept(t, ',')) {
    PJ_TRY(pj_text_expect_word(t, "device_ids"));
    PJ_TRY(pj_text_expect(t, '='));
    PJ_TRY(pj_text_attr(t, &values[1]));
  }
  *out = pj_attr_struct(t->arena, "stablehlo.mesh", 1 + (values[1] != NULL),
                        (PjStr[]){PJ_STR("axes"), PJ_STR("device_ids")}, values);
  return pj_text_expect(t, '>');
}

static PjStatus replica_group_mesh_axes(PjText *t, const PjAttr **out) {
  const PjAttr *values[2];
  PJ_TRY(pj_text_expect_word(t, "mesh"));
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_attr(t, &values[0]));
  PJ_TRY(pj_text_expect(t, ','));
  PJ_TRY(pj_text_expect_word(t, "axes"));
  PJ_TRY(pj_text_expect(t, '='));
  const char *at = t->tok.start;
  PJ_TRY(pj_text_attr(t, &values[1]));
  if (values[1]->kind != PJ_ATTR_ARRAY)
    return pj_text_error(t, at, "expected a list of axes");
  *out = pj_attr_struct(t->arena, "stablehlo.replica_group_mesh_axes", 2,
                        (PjStr[]){PJ_STR("mesh"), PJ_STR("axes")}, values);
  return pj_text_expect(t, '>');
}

// ------------------------------------------------------------------------------------- dispatch
PjStatus pj_text_enum(PjText *t, PjEnumKind kind, const PjAttr **out) {
  const char *at = t->tok.start;
  PjStr word;
  PJ_TRY(pj_text_word_or_string(t, "the name of a value", &word));
  int64_t value = pj_enum_value(kind, word);
  if (value < 0)
    return pj_text_error(t, at, "'%.*s' is no %s", PJ_STR_ARG(word), pj_enum_name(kind));
  *out = pj_attr_enum(t->arena, kind, value);
  return PJ_STATUS_OK;
}

static int enum_of(PjStr mnemonic) {
  for (int kind = 0; kind < PJ_ENUM_COUNT; ++kind)
    if (pj_str_is(mnemonic, pj_enum_name((PjEnumKind)kind)))
      return kind;
  return -1;
}

// Behind `#dialect.mnemonic`: the attribute with its own angle brackets.
static PjStatus dotted(PjText *t, PjStr mnemonic, const char *at, const PjAttr **out) {
  if (pj_str_is(mnemonic, "bounds"))
    return bounds(t, false, out);
  if (pj_str_is(mnemonic, "dot_algorithm"))
    return pj_text_dot_algorithm(t, out);
  if (pj_str_is(mnemonic, "axis_ref"))
    return axis(t, true, out);
  if (pj_str_is(mnemonic, "mesh_axis"))
    return axis(t, false, out);
  if (pj_str_is(mnemonic, "sub_axis_info"))
    return sub_axis(t, out);
  PJ_TRY(pj_text_expect(t, '<'));
  int kind = enum_of(mnemonic);
  if (kind >= 0) {
    PJ_TRY(pj_text_enum(t, (PjEnumKind)kind, out));
    return pj_text_expect(t, '>');
  }
  if (pj_str_is(mnemonic, "conv"))
    return conv(t, out);
  for (size_t i = 0; i < sizeof structs / sizeof *structs; ++i)
    if (pj_str_is(mnemonic, structs[i].mnemonic))
      return fields(t, &structs[i], out);
  if (pj_str_is(mnemonic, "type_extensions"))
    return bounds(t, true, out);
  if (pj_str_is(mnemonic, "channel_handle"))
    return channel_handle(t, out);
  if (pj_str_is(mnemonic, "output_operand_alias"))
    return output_operand_alias(t, out);
  if (pj_str_is(mnemonic, "result_accuracy"))
    return accuracy(t, out);
  if (pj_str_is(mnemonic, "mesh"))
    return mesh(t, out);
  if (pj_str_is(mnemonic, "replica_group_mesh_axes"))
    return replica_group_mesh_axes(t, out);
  return pj_text_error(t, at, "unknown StableHLO attribute '%.*s'", PJ_STR_ARG(mnemonic));
}

// Behind `#dialect<`: a mnemonic and the attribute without brackets of its own, then '>'.
static PjStatus bracketed(PjText *t, bool sdy, const PjAttr **out) {
  const char *at = t->tok.start;
  PjStr mnemonic;
  PJ_TRY(pj_text_word(t, "the name of an attribute", &mnemonic));
  int kind = sdy ? -1 : enum_of(mnemonic);
  if (sdy)
    PJ_TRY(pj_text_sdy_attr(t, mnemonic, out));
  else if (kind >= 0 && !pj_text_is(t, '<'))
    PJ_TRY(pj_text_enum(t, (PjEnumKind)kind, out));
  else
    PJ_TRY(dotted(t, mnemonic, at, out));
  return pj_text_expect(t, '>');
}

PjStatus pj_text_dialect_attr(PjText *t, const PjAttr **out) {
  const char *at = t->tok.start;
  PjStr name = pj_tok_str(t->tok), dialect = {name.ptr + 1, name.len - 1}, mnemonic = {0};
  const char *dot = memchr(name.ptr, '.', name.len);
  if (dot) {
    mnemonic = (PjStr){dot + 1, (size_t)(name.ptr + name.len - dot) - 1};
    dialect.len = (size_t)(dot - name.ptr) - 1;
  }
  bool sdy = pj_str_is(dialect, "sdy"),
       known = sdy || pj_str_is(dialect, "stablehlo") || pj_str_is(dialect, "chlo");
  PjStr after;
  if (!dot && !(pj_text_peek(t, &after) == '<' && known)) {
    PjAlias *alias;
    PJ_TRY(pj_text_alias(t, &alias));
    *out = alias->attr;
    return PJ_STATUS_OK;
  }
  if (!known)
    return pj_text_error(t, at,
                         "unknown dialect of attributes '%.*s'; expected stablehlo, chlo or sdy",
                         PJ_STR_ARG(dialect));
  pj_text_next(t);
  if (dot)
    return sdy ? pj_text_sdy_attr(t, mnemonic, out) : dotted(t, mnemonic, at, out);
  pj_text_next(t);
  return bracketed(t, sdy, out);
}

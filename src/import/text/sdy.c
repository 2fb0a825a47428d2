// Attributes of the Shardy dialect (sdy), named and built as attr.h lists them.
#include "import/text/text.h"

#define FIELDS(...) ((PjStr[]){__VA_ARGS__})
#define VALUES(...) ((const PjAttr *[]){__VA_ARGS__})

static PjStatus expect_word_eq(PjText *t, const char *word) {
  PJ_TRY(pj_text_expect_word(t, word));
  return pj_text_expect(t, '=');
}

// The attributes pushed on t->elems since |base| as an array.
static const PjAttr *pop_array(PjText *t, size_t base) {
  const PjAttr *attr = pj_attr_array(t->arena, t->elems.len - base, t->elems.data + base);
  t->elems.len = base;
  return attr;
}

// "x" or "x":(1)2
static PjStatus axis_ref(PjText *t, const PjAttr **out) {
  PjStr name;
  const PjAttr *values[2] = {0};
  PJ_TRY(pj_text_string(t, &name));
  values[0] = pj_attr_string(t->arena, name);
  if (pj_text_accept(t, ':')) {
    int64_t pre, size;
    PJ_TRY(pj_text_expect(t, '('));
    PJ_TRY(pj_text_int(t, &pre));
    PJ_TRY(pj_text_expect(t, ')'));
    PJ_TRY(pj_text_int(t, &size));
    values[1] =
        pj_attr_struct(t->arena, "sdy.sub_axis", 2, FIELDS(PJ_STR("pre_size"), PJ_STR("size")),
                       VALUES(pj_attr_i64(t->arena, pre), pj_attr_i64(t->arena, size)));
  }
  *out = pj_attr_struct(t->arena, "sdy.axis_ref", 1 + (values[1] != NULL),
                        FIELDS(PJ_STR("name"), PJ_STR("sub_axis")), values);
  return PJ_STATUS_OK;
}

// {"x", "y":(1)2}, and with |out_open| a '?' at the end.
static PjStatus axis_refs(PjText *t, bool *out_open, const PjAttr **out) {
  size_t base = t->elems.len;
  PJ_TRY(pj_text_expect(t, '{'));
  if (!pj_text_is(t, '}')) {
    do {
      if (out_open && pj_text_accept(t, '?')) {
        *out_open = true;
        break;
      }
      const PjAttr *axis;
      PJ_TRY(axis_ref(t, &axis));
      PJ_PUSH(t->arena, &t->elems, axis);
    } while (pj_text_accept(t, ','));
  }
  *out = pop_array(t, base);
  return pj_text_expect(t, '}');
}

// {"x", ?}p1
static PjStatus dimension_sharding(PjText *t, const PjAttr **out) {
  const PjAttr *values[3] = {0};
  bool open = false;
  PJ_TRY(axis_refs(t, &open, &values[0]));
  values[1] = pj_attr_bool(t->arena, !open);
  if (pj_text_is(t, PJ_TOK_WORD) && *t->tok.start == 'p') {
    PjToken tok = t->tok;
    int64_t priority = 0;
    for (const char *at = tok.start + 1; at < tok.end; ++at)
      if (*at < '0' || *at > '9' || !pj_mul_i64(priority, 10, &priority) ||
          !pj_add_i64(priority, *at - '0', &priority))
        return pj_text_unexpected(t, "a priority: p and a number");
    if (tok.end == tok.start + 1)
      return pj_text_unexpected(t, "a priority: p and a number");
    pj_text_next(t);
    values[2] = pj_attr_i64(t->arena, priority);
  }
  *out = pj_attr_struct(t->arena, "sdy.dimension_sharding", 2 + (values[2] != NULL),
                        FIELDS(PJ_STR("axes"), PJ_STR("is_closed"), PJ_STR("priority")), values);
  return PJ_STATUS_OK;
}

static PjStatus mesh_axis(PjText *t, const PjAttr **out) {
  PjStr name;
  int64_t size;
  PJ_TRY(pj_text_string(t, &name));
  PJ_TRY(pj_text_expect(t, '='));
  PJ_TRY(pj_text_int(t, &size));
  *out = pj_attr_struct(t->arena, "sdy.mesh_axis", 2, FIELDS(PJ_STR("name"), PJ_STR("size")),
                        VALUES(pj_attr_string(t->arena, name), pj_attr_i64(t->arena, size)));
  return PJ_STATUS_OK;
}

PjStatus pj_text_sdy_mesh(PjText *t, const PjAttr **out) {
  size_t base = t->elems.len, ints = t->ints.len;
  PJ_TRY(pj_text_expect(t, '<'));
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_is(t, ']')) {
    do {
      const PjAttr *axis;
      PJ_TRY(mesh_axis(t, &axis));
      PJ_PUSH(t->arena, &t->elems, axis);
    } while (pj_text_accept(t, ','));
  }
  PJ_TRY(pj_text_expect(t, ']'));
  if (pj_text_accept(t, ',')) {
    PJ_TRY(expect_word_eq(t, "device_ids"));
    PJ_TRY(pj_text_int_list(t, '[', ']', false));
  }
  const PjAttr *axes = pop_array(t, base);
  const PjAttr *ids = pj_attr_ints(t->arena, t->ints.len - ints, t->ints.data + ints);
  t->ints.len = ints;
  *out = pj_attr_struct(t->arena, "sdy.mesh", 2, FIELDS(PJ_STR("axes"), PJ_STR("device_ids")),
                        VALUES(axes, ids));
  return pj_text_expect(t, '>');
}

PjStatus pj_text_sharding(PjText *t, const PjAttr **out) {
  size_t base = t->elems.len;
  const PjAttr *values[4] = {0};
  PjStr name;
  PJ_TRY(pj_text_expect(t, '<'));
  if (pj_text_accept_word(t, "mesh")) {
    PJ_TRY(pj_text_sdy_mesh(t, &values[0]));
  } else {
    PJ_TRY(pj_text_symbol(t, &name));
    values[0] = pj_attr_symbol(t->arena, name);
  }
  PJ_TRY(pj_text_expect(t, ','));
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_is(t, ']')) {
    do {
      const PjAttr *dim;
      PJ_TRY(dimension_sharding(t, &dim));
      PJ_PUSH(t->arena, &t->elems, dim);
    } while (pj_text_accept(t, ','));
  }
  PJ_TRY(pj_text_expect(t, ']'));
  values[1] = pop_array(t, base);
  while (pj_text_accept(t, ',')) {
    int which = pj_text_is_word(t, "replicated") ? 2 : 3;
    if (values[which])
      return pj_text_unexpected(t, "'>': this is given twice");
    PJ_TRY(expect_word_eq(t, which == 2 ? "replicated" : "unreduced"));
    PJ_TRY(axis_refs(t, NULL, &values[which]));
  }
  if (!values[2])
    values[2] = pj_attr_array(t->arena, 0, NULL);
  *out = pj_attr_struct(
      t->arena, "sdy.sharding", 3 + (values[3] != NULL),
      FIELDS(PJ_STR("mesh"), PJ_STR("dims"), PJ_STR("replicated"), PJ_STR("unreduced")), values);
  return pj_text_expect(t, '>');
}

PjStatus pj_text_sharding_list(PjText *t, const PjAttr **out) {
  size_t base = t->elems.len;
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_is(t, ']')) {
    do {
      const PjAttr *sharding;
      PJ_TRY(pj_text_sharding(t, &sharding));
      PJ_PUSH(t->arena, &t->elems, sharding);
    } while (pj_text_accept(t, ','));
  }
  PJ_TRY(pj_text_expect(t, ']'));
  const PjAttr *list = pop_array(t, base);
  *out = pj_attr_struct(t->arena, "sdy.sharding_per_value", 1, FIELDS(PJ_STR("shardings")), &list);
  return PJ_STATUS_OK;
}

PjStatus pj_text_manual_axes(PjText *t, const PjAttr **out) {
  size_t base = t->elems.len;
  PJ_TRY(pj_text_expect(t, '{'));
  if (!pj_text_is(t, '}')) {
    do {
      PjStr name;
      PJ_TRY(pj_text_string(t, &name));
      PJ_PUSH(t->arena, &t->elems, pj_attr_string(t->arena, name));
    } while (pj_text_accept(t, ','));
  }
  const PjAttr *axes = pop_array(t, base);
  *out = pj_attr_struct(t->arena, "sdy.manual_axes", 1, FIELDS(PJ_STR("axes")), &axes);
  return pj_text_expect(t, '}');
}

// ------------------------------------------------------------------------------------- sharding
// rules Factors are letters i to z (0 to 17), then z_1, z_2 and so on; those of a dimension stand
// one behind the other without a separator.
static bool factor(const char **at, const char *end, int64_t *out) {
  if (*at == end || **at < 'i' || **at > 'z')
    return false;
  *out = *(*at)++ - 'i';
  if (*out == 'z' - 'i' && end - *at > 1 && **at == '_' && (*at)[1] >= '1' && (*at)[1] <= '9') {
    int64_t number = 0;
    for (++*at; *at < end && **at >= '0' && **at <= '9' && number < 1000000; ++*at)
      number = number * 10 + (**at - '0');
    *out += number;
  }
  return true;
}

// One or more factors in a word: pushes their indices on t->ints.
static PjStatus factors(PjText *t) {
  if (!pj_text_is(t, PJ_TOK_WORD))
    return pj_text_unexpected(t, "a factor (i, j, ...)");
  for (const char *at = t->tok.start; at < t->tok.end;) {
    int64_t index;
    if (!factor(&at, t->tok.end, &index))
      return pj_text_unexpected(t, "factors (i, j, ... z_1)");
    PJ_PUSH(t->arena, &t->ints, index);
  }
  pj_text_next(t);
  return PJ_STATUS_OK;
}

static const PjAttr *pop_ints(PjText *t, size_t base) {
  const PjAttr *attr = pj_attr_ints(t->arena, t->ints.len - base, t->ints.data + base);
  t->ints.len = base;
  return attr;
}

// [i, jk]
static PjStatus tensor_mapping(PjText *t, const PjAttr **out) {
  size_t base = t->elems.len;
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_is(t, ']')) {
    do {
      size_t ints = t->ints.len;
      PJ_TRY(factors(t));
      const PjAttr *list = pop_ints(t, ints);
      PJ_PUSH(t->arena, &t->elems,
              pj_attr_struct(t->arena, "sdy.dim_mapping", 1, FIELDS(PJ_STR("factors")), &list));
    } while (pj_text_accept(t, ','));
  }
  const PjAttr *dims = pop_array(t, base);
  *out = pj_attr_struct(t->arena, "sdy.tensor_mapping", 1, FIELDS(PJ_STR("dims")), &dims);
  return pj_text_expect(t, ']');
}

static PjStatus tensor_mappings(PjText *t, const PjAttr **out) {
  size_t base = t->elems.len;
  PJ_TRY(pj_text_expect(t, '('));
  if (!pj_text_is(t, ')')) {
    do {
      const PjAttr *mapping;
      PJ_TRY(tensor_mapping(t, &mapping));
      PJ_PUSH(t->arena, &t->elems, mapping);
    } while (pj_text_accept(t, ','));
  }
  *out = pop_array(t, base);
  return pj_text_expect(t, ')');
}

// {i=8, j=2}: sizes, the factors in order.
static PjStatus factor_sizes(PjText *t, const PjAttr **out) {
  size_t base = t->ints.len;
  PJ_TRY(pj_text_expect(t, '{'));
  if (!pj_text_is(t, '}')) {
    do {
      const char *at = t->tok.start;
      size_t count = t->ints.len - base, before = t->ints.len;
      int64_t size;
      PJ_TRY(factors(t));
      if (t->ints.len != before + 1 || t->ints.data[before] != (int64_t)count)
        return pj_text_error(t, at, "expecting factor indices to be ordered like an iota");
      t->ints.len = before;
      PJ_TRY(pj_text_expect(t, '='));
      PJ_TRY(pj_text_int(t, &size));
      PJ_PUSH(t->arena, &t->ints, size);
    } while (pj_text_accept(t, ','));
  }
  *out = pop_ints(t, base);
  return pj_text_expect(t, '}');
}

// name={i, j}; an empty list when |name| does not stand here.
static PjStatus factor_list(PjText *t, const char *name, const PjAttr **out) {
  size_t base = t->ints.len;
  if (pj_text_is_word(t, name)) {
    PJ_TRY(expect_word_eq(t, name));
    PJ_TRY(pj_text_expect(t, '{'));
    if (!pj_text_is(t, '}')) {
      do
        PJ_TRY(factors(t));
      while (pj_text_accept(t, ','));
    }
    PJ_TRY(pj_text_expect(t, '}'));
  }
  *out = pop_ints(t, base);
  return PJ_STATUS_OK;
}

static PjStatus sharding_rule(PjText *t, const PjAttr **out) {
  const PjAttr *values[8];
  bool custom = false;
  PJ_TRY(pj_text_expect(t, '<'));
  PJ_TRY(tensor_mappings(t, &values[1]));
  PJ_TRY(pj_text_expect(t, PJ_TOK_ARROW));
  PJ_TRY(tensor_mappings(t, &values[2]));
  PJ_TRY(factor_sizes(t, &values[0]));
  PJ_TRY(factor_list(t, "reduction", &values[3]));
  PJ_TRY(factor_list(t, "need_replication", &values[4]));
  PJ_TRY(factor_list(t, "permutation", &values[5]));
  PJ_TRY(factor_list(t, "blocked_propagation", &values[6]));
  if (pj_text_accept(t, ',')) {
    PJ_TRY(pj_text_expect_word(t, "custom"));
    custom = true;
  }
  values[7] = pj_attr_bool(t->arena, custom);
  *out = pj_attr_struct(t->arena, "sdy.op_sharding_rule", 8,
                        FIELDS(PJ_STR("factor_sizes"), PJ_STR("operands"), PJ_STR("results"),
                               PJ_STR("reduction"), PJ_STR("need_replication"),
                               PJ_STR("permutation"), PJ_STR("blocked"), PJ_STR("is_custom")),
                        values);
  return pj_text_expect(t, '>');
}

// ------------------------------------------------------------------------------------- dispatch
static PjStatus list_of_axis_lists(PjText *t, const PjAttr **out) {
  size_t base = t->elems.len;
  PJ_TRY(pj_text_expect(t, '['));
  if (!pj_text_is(t, ']')) {
    do {
      const PjAttr *axes, *list;
      PJ_TRY(axis_refs(t, NULL, &axes));
      list = pj_attr_struct(t->arena, "sdy.axis_list", 1, FIELDS(PJ_STR("axes")), &axes);
      PJ_PUSH(t->arena, &t->elems, list);
    } while (pj_text_accept(t, ','));
  }
  const PjAttr *lists = pop_array(t, base);
  *out = pj_attr_struct(t->arena, "sdy.list_of_axis_lists", 1, FIELDS(PJ_STR("lists")), &lists);
  return pj_text_expect(t, ']');
}

PjStatus pj_text_sdy_attr(PjText *t, PjStr mnemonic, const PjAttr **out) {
  if (pj_str_is(mnemonic, "sharding"))
    return pj_text_sharding(t, out);
  if (pj_str_is(mnemonic, "mesh"))
    return pj_text_sdy_mesh(t, out);
  if (pj_str_is(mnemonic, "op_sharding_rule"))
    return sharding_rule(t, out);
  if (pj_str_is(mnemonic, "manual_axes"))
    return pj_text_manual_axes(t, out);
  if (pj_str_is(mnemonic, "dimension_sharding"))
    return dimension_sharding(t, out);
  if (pj_str_is(mnemonic, "axis_ref"))
    return axis_ref(t, out);
  if (pj_str_is(mnemonic, "list_of_axis_ref_lists"))
    return list_of_axis_lists(t, out);
  if (pj_str_is(mnemonic, "axis_ref_list")) {
    const PjAttr *axes;
    PJ_TRY(axis_refs(t, NULL, &axes));
    *out = pj_attr_struct(t->arena, "sdy.axis_list", 1, FIELDS(PJ_STR("axes")), &axes);
    return PJ_STATUS_OK;
  }
  if (pj_str_is(mnemonic, "sharding_per_value")) {
    PJ_TRY(pj_text_expect(t, '<'));
    PJ_TRY(pj_text_sharding_list(t, out));
    return pj_text_expect(t, '>');
  }
  return pj_text_unexpected(t, "an attribute of the sdy dialect that is supported");
}

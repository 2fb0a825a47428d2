// Dialect attributes with named fields as text: dimension numbers, meshes, shardings.
#include <inttypes.h>

#include "ir/print_parts.h"

static int64_t int_of(const PjAttr *attr, const char *name) {
  const PjAttr *value = pj_attr_get(attr, name);
  return value ? value->i64 : 0;
}

static PjStr str_of(const PjAttr *attr, const char *name) {
  const PjAttr *value = pj_attr_get(attr, name);
  return value ? value->str : (PjStr){0};
}

// The elements of the field |name| printed by |print|, separated by commas.
static void print_each(PjStrBuf *out, const PjAttr *attr, const char *name,
                       void (*print)(PjStrBuf *out, const PjAttr *elem)) {
  const PjAttr *list = pj_attr_get(attr, name);
  for (uint32_t i = 0; list && list->elems && i < list->count; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    print(out, list->elems[i]);
  }
}

// ------------------------------------------------------------------------------------- dimension
// numbers Lists that are empty and integers that are 0 stay out, as in MLIR.
static void print_fields(PjStrBuf *out, const PjAttr *attr) {
  bool any = false;
  for (uint32_t i = 0; i < attr->count; ++i) {
    const PjAttr *value = attr->elems[i];
    bool list = value->kind == PJ_ATTR_INTS;
    if (list ? !value->count : !value->i64)
      continue;
    pj_strbuf_printf(out, "%s%.*s = ", any ? ", " : "", PJ_STR_ARG(attr->names[i]));
    any = true;
    if (list) {
      pj_strbuf_putc(out, '[');
      pj_print_ints(out, value->count, value->ints);
      pj_strbuf_putc(out, ']');
    } else {
      pj_strbuf_printf(out, "%" PRId64, value->i64);
    }
  }
}

static bool place(char where[PJ_MAX_RANK + 2], int64_t rank, int64_t dim, char mark) {
  if (dim < 0 || dim >= rank || where[dim])
    return false;
  where[dim] = mark;
  return true;
}

// One group, e.g. [b, 0, 1, f]; false when the numbers do not fill it, each place once.
static bool conv_group(PjStrBuf *out, int64_t first, char first_mark, int64_t second,
                       char second_mark, uint32_t count, const int64_t *spatial) {
  char where[PJ_MAX_RANK + 2] = {0};
  int64_t rank = (int64_t)count + 2;
  if (count > PJ_MAX_RANK - 2 || !place(where, rank, first, first_mark) ||
      !place(where, rank, second, second_mark))
    return false;
  for (uint32_t i = 0; i < count; ++i)
    if (!place(where, rank, spatial[i], (char)(1 + i)))
      return false;
  for (int64_t i = 0; i < rank; ++i) {
    pj_strbuf_puts(out, i ? ", " : "[");
    if (where[i] == first_mark || where[i] == second_mark)
      pj_strbuf_putc(out, where[i]);
    else
      pj_strbuf_printf(out, "%d", where[i] - 1);
  }
  pj_strbuf_putc(out, ']');
  return true;
}

bool pj_print_conv(PjStrBuf *out, const int64_t dims[6], const uint32_t counts[3],
                   const int64_t *const spatial[3]) {
  size_t start = out->len;
  static const char marks[3][2] = {{'b', 'f'}, {'i', 'o'}, {'b', 'f'}};
  for (int i = 0; i < 3; ++i) {
    if (i)
      pj_strbuf_puts(out, i == 1 ? "x" : "->");
    if (!conv_group(out, dims[2 * i], marks[i][0], dims[2 * i + 1], marks[i][1], counts[i],
                    spatial[i])) {
      out->len = start;
      return false;
    }
  }
  return true;
}

static void print_conv(PjStrBuf *out, const PjAttr *attr) {
  static const char *const names[] = {
      "input_batch_dimension",          "input_feature_dimension",
      "kernel_input_feature_dimension", "kernel_output_feature_dimension",
      "output_batch_dimension",         "output_feature_dimension",
      "input_spatial_dimensions",       "kernel_spatial_dimensions",
      "output_spatial_dimensions"};
  int64_t dims[6];
  uint32_t counts[3];
  const int64_t *spatial[3];
  for (int i = 0; i < 6; ++i)
    dims[i] = int_of(attr, names[i]);
  for (int i = 0; i < 3; ++i) {
    const PjAttr *list = pj_attr_get(attr, names[6 + i]);
    counts[i] = list ? list->count : 0;
    spatial[i] = list ? list->ints : NULL;
  }
  if (pj_print_conv(out, dims, counts, spatial))
    return;
  pj_strbuf_puts(out, "raw ");
  print_fields(out, attr);
}

static void print_algorithm(PjStrBuf *out, const PjAttr *attr) {
  for (uint32_t i = 0; i < attr->count; ++i) {
    const PjAttr *value = attr->elems[i];
    pj_strbuf_printf(out, "%s%.*s = ", i ? ", " : "", PJ_STR_ARG(attr->names[i]));
    if (value->kind == PJ_ATTR_INT)
      pj_strbuf_printf(out, "%" PRId64, value->i64);
    else
      pj_attr_print(out, value);
  }
}

// ------------------------------------------------------------------------------------- StableHLO
// meshes
static void print_sub_axis(PjStrBuf *out, const PjAttr *attr) {
  pj_strbuf_printf(out, "(%" PRId64 ")%" PRId64, int_of(attr, "pre_size"), int_of(attr, "size"));
}

static void print_named_axis(PjStrBuf *out, const PjAttr *attr) {
  const PjAttr *sub = pj_attr_get(attr, "sub_axis_info"), *size = pj_attr_get(attr, "size");
  pj_strbuf_puts(out, "<name = ");
  pj_string_print(out, str_of(attr, "name"));
  if (size)
    pj_strbuf_printf(out, ", size = %" PRId64, size->i64);
  if (sub) {
    pj_strbuf_puts(out, ", sub_axis_info = ");
    print_sub_axis(out, sub);
  }
  pj_strbuf_putc(out, '>');
}

static void print_stablehlo_mesh(PjStrBuf *out, const PjAttr *attr) {
  const PjAttr *ids = pj_attr_get(attr, "device_ids");
  pj_strbuf_puts(out, "<axes=[");
  print_each(out, attr, "axes", print_named_axis);
  pj_strbuf_putc(out, ']');
  if (ids) {
    pj_strbuf_puts(out, ", device_ids=");
    pj_attr_print(out, ids);
  }
  pj_strbuf_putc(out, '>');
}

static void print_mesh_axes(PjStrBuf *out, const PjAttr *attr) {
  pj_strbuf_puts(out, "<mesh = ");
  pj_attr_print(out, pj_attr_get(attr, "mesh"));
  pj_strbuf_puts(out, ", axes = ");
  pj_attr_print(out, pj_attr_get(attr, "axes"));
  pj_strbuf_putc(out, '>');
}

// ------------------------------------------------------------------------------------- Shardy
static void print_mesh_axis(PjStrBuf *out, const PjAttr *attr) {
  pj_string_print(out, str_of(attr, "name"));
  pj_strbuf_printf(out, "=%" PRId64, int_of(attr, "size"));
}

void pj_print_mesh(PjStrBuf *out, const PjAttr *attr) {
  const PjAttr *ids = pj_attr_get(attr, "device_ids");
  pj_strbuf_puts(out, "<[");
  print_each(out, attr, "axes", print_mesh_axis);
  pj_strbuf_putc(out, ']');
  if (ids && ids->count) {
    pj_strbuf_puts(out, ", device_ids=[");
    pj_print_ints(out, ids->count, ids->ints);
    pj_strbuf_putc(out, ']');
  }
  pj_strbuf_putc(out, '>');
}

static void print_axis_ref(PjStrBuf *out, const PjAttr *attr) {
  const PjAttr *sub = pj_attr_get(attr, "sub_axis");
  pj_string_print(out, str_of(attr, "name"));
  if (!sub)
    return;
  pj_strbuf_putc(out, ':');
  print_sub_axis(out, sub);
}

static void print_axis_list(PjStrBuf *out, const PjAttr *attr) {
  pj_strbuf_putc(out, '{');
  print_each(out, attr, "axes", print_axis_ref);
  pj_strbuf_putc(out, '}');
}

static void print_dimension(PjStrBuf *out, const PjAttr *attr) {
  const PjAttr *axes = pj_attr_get(attr, "axes"), *priority = pj_attr_get(attr, "priority");
  pj_strbuf_putc(out, '{');
  print_each(out, attr, "axes", print_axis_ref);
  if (!int_of(attr, "is_closed"))
    pj_strbuf_puts(out, axes && axes->count ? ", ?" : "?");
  pj_strbuf_putc(out, '}');
  if (priority)
    pj_strbuf_printf(out, "p%" PRId64, priority->i64);
}

void pj_print_sharding(PjStrBuf *out, const PjAttr *attr) {
  static const char *const lists[] = {"replicated", "unreduced"};
  const PjAttr *mesh = pj_attr_get(attr, "mesh");
  pj_strbuf_putc(out, '<');
  if (mesh && mesh->kind == PJ_ATTR_STRUCT) {
    pj_strbuf_puts(out, "mesh");
    pj_print_mesh(out, mesh);
  } else {
    pj_attr_print(out, mesh);
  }
  pj_strbuf_puts(out, ", [");
  print_each(out, attr, "dims", print_dimension);
  pj_strbuf_putc(out, ']');
  for (int i = 0; i < 2; ++i) {
    const PjAttr *list = pj_attr_get(attr, lists[i]);
    if (!list || (!list->count && i == 0))
      continue;
    pj_strbuf_printf(out, ", %s={", lists[i]);
    print_each(out, attr, lists[i], print_axis_ref);
    pj_strbuf_putc(out, '}');
  }
  pj_strbuf_putc(out, '>');
}

void pj_print_sharding_list(PjStrBuf *out, const PjAttr *attr) {
  pj_strbuf_putc(out, '[');
  print_each(out, attr, "shardings", pj_print_sharding);
  pj_strbuf_putc(out, ']');
}

void pj_print_manual_axes(PjStrBuf *out, const PjAttr *attr) {
  pj_strbuf_putc(out, '{');
  print_each(out, attr, "axes", pj_attr_print);
  pj_strbuf_putc(out, '}');
}

static void print_factor(PjStrBuf *out, int64_t factor) {
  if (factor < 18)
    pj_strbuf_putc(out, (char)('i' + (factor < 0 ? 0 : factor)));
  else
    pj_strbuf_printf(out, "z_%" PRId64, factor - 17);
}

static void print_dim_mapping(PjStrBuf *out, const PjAttr *attr) {
  const PjAttr *factors = pj_attr_get(attr, "factors");
  for (uint32_t i = 0; factors && i < factors->count; ++i)
    print_factor(out, factors->ints[i]);
}

static void print_tensor_mapping(PjStrBuf *out, const PjAttr *attr) {
  pj_strbuf_putc(out, '[');
  print_each(out, attr, "dims", print_dim_mapping);
  pj_strbuf_putc(out, ']');
}

static void print_factor_list(PjStrBuf *out, const PjAttr *attr, const char *field,
                              const char *name) {
  const PjAttr *list = pj_attr_get(attr, field);
  if (!list || !list->count)
    return;
  pj_strbuf_printf(out, " %s={", name);
  for (uint32_t i = 0; i < list->count; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    print_factor(out, list->ints[i]);
  }
  pj_strbuf_putc(out, '}');
}

static void print_sharding_rule(PjStrBuf *out, const PjAttr *attr) {
  const PjAttr *sizes = pj_attr_get(attr, "factor_sizes");
  pj_strbuf_puts(out, "<(");
  print_each(out, attr, "operands", print_tensor_mapping);
  pj_strbuf_puts(out, ")->(");
  print_each(out, attr, "results", print_tensor_mapping);
  pj_strbuf_puts(out, ") {");
  for (uint32_t i = 0; sizes && i < sizes->count; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    print_factor(out, i);
    pj_strbuf_printf(out, "=%" PRId64, sizes->ints[i]);
  }
  pj_strbuf_putc(out, '}');
  print_factor_list(out, attr, "reduction", "reduction");
  print_factor_list(out, attr, "need_replication", "need_replication");
  print_factor_list(out, attr, "permutation", "permutation");
  print_factor_list(out, attr, "blocked", "blocked_propagation");
  if (int_of(attr, "is_custom"))
    pj_strbuf_puts(out, ", custom");
  pj_strbuf_putc(out, '>');
}

static void print_axis_lists(PjStrBuf *out, const PjAttr *attr) {
  pj_strbuf_putc(out, '[');
  print_each(out, attr, "lists", print_axis_list);
  pj_strbuf_putc(out, ']');
}

// ------------------------------------------------------------------------------------- dispatch
// |brackets|: the printer leaves the angle brackets of `#dialect.name<...>` to the caller.
// |wrapped|: it has none, and MLIR writes `#dialect<name...>`.
static const struct {
  const char *name, *text;
  void (*print)(PjStrBuf *out, const PjAttr *attr);
  bool brackets, wrapped;
} structs[] = {
    {"stablehlo.gather", "stablehlo.gather", print_fields, true, false},
    {"stablehlo.scatter", "stablehlo.scatter", print_fields, true, false},
    {"stablehlo.dot", "stablehlo.dot", print_fields, true, false},
    {"chlo.ragged_dot", "chlo.ragged_dot", print_fields, true, false},
    {"stablehlo.conv", "stablehlo.conv", print_conv, true, false},
    {"stablehlo.dot_algorithm", "stablehlo.dot_algorithm", print_algorithm, true, false},
    {"stablehlo.sub_axis_info", "stablehlo<sub_axis_info", print_sub_axis, false, true},
    {"stablehlo.axis_ref", "stablehlo.axis_ref", print_named_axis, false, false},
    {"stablehlo.mesh_axis", "stablehlo.mesh_axis", print_named_axis, false, false},
    {"stablehlo.mesh", "stablehlo.mesh", print_stablehlo_mesh, false, false},
    {"stablehlo.replica_group_mesh_axes", "stablehlo.replica_group_mesh_axes", print_mesh_axes,
     false, false},
    {"sdy.mesh", "sdy.mesh", pj_print_mesh, false, false},
    {"sdy.axis_ref", "sdy<axis_ref ", print_axis_ref, false, true},
    {"sdy.dimension_sharding", "sdy<dimension_sharding", print_dimension, false, true},
    {"sdy.sharding", "sdy.sharding", pj_print_sharding, false, false},
    {"sdy.sharding_per_value", "sdy.sharding_per_value", pj_print_sharding_list, true, false},
    {"sdy.manual_axes", "sdy<manual_axes", pj_print_manual_axes, false, true},
    {"sdy.op_sharding_rule", "sdy.op_sharding_rule", print_sharding_rule, false, false},
    {"sdy.axis_list", "sdy<axis_ref_list", print_axis_list, false, true},
    {"sdy.list_of_axis_lists", "sdy<list_of_axis_ref_lists", print_axis_lists, false, true},
};

void pj_print_struct(PjStrBuf *out, const PjAttr *attr) {
  for (size_t i = 0; i < sizeof structs / sizeof *structs; ++i) {
    if (!pj_str_is(attr->str, structs[i].name))
      continue;
    pj_strbuf_printf(out, "#%s%s", structs[i].text, structs[i].brackets ? "<" : "");
    structs[i].print(out, attr);
    if (structs[i].brackets || structs[i].wrapped)
      pj_strbuf_putc(out, '>');
    return;
  }
  // An attribute that text has no syntax for here: readable, but it does not parse back.
  pj_strbuf_printf(out, "#%.*s<", PJ_STR_ARG(attr->str));
  for (uint32_t i = 0; i < attr->count; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    pj_print_field(out, attr->names[i], attr->elems[i]);
  }
  pj_strbuf_putc(out, '>');
}

// The module, operations in their generic form, regions and values.
#include "ir/print.h"

#include <inttypes.h>

#include "ir/form.h"
#include "ir/print_parts.h"

void pj_print_indent(PjPrinter *p) {
  for (int i = 0; i < p->indent; ++i)
    pj_strbuf_puts(p->out, "  ");
}

// ------------------------------------------------------------------------------------- values and
// types Both regions of a while have the same arguments; its pretty form names them once, after the
// body's.
static const PjValue *named_value(const PjValue *value) {
  const PjRegion *region = value->region;
  if (!region || !region->parent || region->parent->kind != PJ_OP_WHILE ||
      region->parent->num_regions != 2 || region != &region->parent->regions[0])
    return value;
  const PjRegion *body = &region->parent->regions[1];
  return value->index < body->num_args ? &body->args[value->index] : value;
}

void pj_print_value(PjPrinter *p, const PjValue *value) {
  if (value->region)
    pj_strbuf_printf(p->out, "%%arg%u", named_value(value)->id);
  else if (value->def->num_results == 1)
    pj_strbuf_printf(p->out, "%%%u", value->id);
  else
    pj_strbuf_printf(p->out, "%%%u#%u", value->def->results[0].id, value->index);
}

void pj_print_operands(PjPrinter *p, uint32_t first, const PjOp *op) {
  for (uint32_t i = first; i < op->num_operands; ++i) {
    if (i > first)
      pj_strbuf_puts(p->out, ", ");
    pj_print_value(p, op->operands[i]);
  }
}

void pj_print_types(PjPrinter *p, uint32_t count, PjValue *const *values) {
  for (uint32_t i = 0; i < count; ++i) {
    if (i)
      pj_strbuf_puts(p->out, ", ");
    pj_type_print(p->out, values[i]->type);
  }
}

void pj_print_function_type(PjPrinter *p, const PjOp *op) {
  pj_strbuf_putc(p->out, '(');
  pj_print_types(p, op->num_operands, op->operands);
  pj_strbuf_puts(p->out, ") -> ");
  bool bare = op->num_results == 1 && op->results[0].type->kind != PJ_TYPE_FUNCTION;
  if (!bare)
    pj_strbuf_putc(p->out, '(');
  for (uint32_t i = 0; i < op->num_results; ++i) {
    if (i)
      pj_strbuf_puts(p->out, ", ");
    pj_type_print(p->out, op->results[i].type);
  }
  if (!bare)
    pj_strbuf_putc(p->out, ')');
}

// ------------------------------------------------------------------------------------- attributes
typedef struct Dict {
  PjPrinter *p;
  const char *open;
  bool any;
} Dict;

static void next_field(Dict *d) {
  pj_strbuf_puts(d->p->out, d->any ? ", " : d->open);
  d->any = true;
}

static void print_group(Dict *d, const PjOp *op, const PjAttrGroup *group) {
  const PjAttr *values[10];
  PjStr names[10];
  uint32_t count = 0;
  for (; group->keys[count] != PJ_KEY_COUNT; ++count) {
    names[count] = pj_str(pj_key_text[group->keys[count]]);
    values[count] = pj_op_attr(op, group->keys[count]);
    if (!values[count])
      return;
  }
  if (values[0]->kind == PJ_ATTR_TYPE && values[0]->type->kind == PJ_TYPE_NONE)
    return; // dot_algorithm: none
  PjAttr attr = {.kind = PJ_ATTR_STRUCT,
                 .str = pj_str(group->structure),
                 .names = names,
                 .elems = values,
                 .count = count};
  next_field(d);
  pj_strbuf_printf(d->p->out, "%s = ", group->name);
  pj_print_struct(d->p->out, &attr);
}

static void print_channel(Dict *d, const PjOp *op) {
  bool point_to_point = pj_op_attr_index(op->kind, PJ_KEY_channel_type) >= 0;
  int64_t handle = PJ_INT(op, channel_id);
  if (!point_to_point && !handle)
    return;
  next_field(d);
  pj_strbuf_printf(d->p->out,
                   "channel_handle = #stablehlo.channel_handle<handle = %" PRId64
                   ", type = %" PRId64 ">",
                   handle, point_to_point ? PJ_INT(op, channel_type) : 0);
}

// Attributes that text writes otherwise than their kind says.
static void print_inherent(PjPrinter *p, const PjOp *op, const PjAttrSpec *spec,
                           const PjAttr *attr) {
  PjStrBuf *out = p->out;
  bool unit = spec->key == PJ_KEY_use_global_device_ids || spec->key == PJ_KEY_has_dynamic_root;
  pj_strbuf_puts(out, pj_key_text[spec->key]);
  if (unit && attr->kind == PJ_ATTR_BOOL && attr->i64)
    return;
  pj_strbuf_puts(out, " = ");
  if (spec->kind == PJ_SPEC_API_VERSION) {
    pj_strbuf_printf(out, "%" PRId64 " : i32", attr->i64);
  } else if (spec->kind == PJ_SPEC_LAYOUTS && attr->kind == PJ_ATTR_ARRAY) {
    pj_strbuf_putc(out, '[');
    for (uint32_t i = 0; i < attr->count; ++i) {
      const PjAttr *layout = attr->elems[i];
      pj_strbuf_puts(out, i ? ", dense<" : "dense<");
      if (layout->count)
        pj_strbuf_putc(out, '[');
      pj_print_ints(out, layout->count, layout->ints);
      if (layout->count)
        pj_strbuf_putc(out, ']');
      pj_strbuf_printf(out, "> : tensor<%uxindex>", layout->count);
    }
    pj_strbuf_putc(out, ']');
  } else if (attr->kind == PJ_ATTR_ELEMENTS) {
    pj_print_elements(out, attr, p->options.elide_elements);
  } else {
    pj_attr_print(out, attr);
  }
}

// Layouts are given for operands and results or for neither.
static bool has_layouts(const PjOp *op) {
  const PjAttr *operands = PJ_ATTR(op, operand_layouts), *results = PJ_ATTR(op, result_layouts);
  return (operands && operands->count) || (results && results->count);
}

static void print_inherent_fields(Dict *d, const PjOp *op, const char *form) {
  const PjOpInfo *info = &pj_op_info[op->kind];
  const PjAttrGroup *done[4] = {0};
  size_t num_done = 0;
  for (int i = 0; i < info->num_attrs; ++i) {
    const PjAttrSpec *spec = &info->attrs[i];
    if (form && pj_form_shows(form, spec->key))
      continue;
    const PjAttrGroup *group = pj_attr_group(op->kind, spec->key);
    if (group) {
      bool seen = false;
      for (size_t k = 0; k < num_done; ++k)
        seen |= done[k] == group;
      if (seen || num_done == 4)
        continue;
      done[num_done++] = group;
      print_group(d, op, group);
    } else if (spec->key == PJ_KEY_channel_id) {
      print_channel(d, op);
    } else if (spec->key != PJ_KEY_channel_type &&
               (!pj_op_attr_is_default(op, i) ||
                (spec->kind == PJ_SPEC_LAYOUTS && op->attrs[i] && has_layouts(op)))) {
      next_field(d);
      print_inherent(d->p, op, spec, op->attrs[i]);
    }
  }
  if (op->kind == PJ_OP_CHLO_SCAN) {
    uint32_t carries = pj_op_scan_carries(op);
    next_field(d);
    pj_strbuf_printf(
        d->p->out,
        "operandSegmentSizes = array<i32: %u, %u>, resultSegmentSizes = array<i32: %u, %u>",
        op->num_operands - carries, carries, op->num_results - carries, carries);
  }
}

void pj_print_dict(PjPrinter *p, const PjOp *op, const char *form, const char *open,
                   const char *close, bool inherent, bool extra) {
  Dict d = {p, open, false};
  if (inherent)
    print_inherent_fields(&d, op, form);
  for (uint32_t i = 0; extra && op->extra && i < op->extra->count; ++i) {
    next_field(&d);
    pj_print_field(p->out, op->extra->names[i], op->extra->elems[i]);
  }
  if (d.any)
    pj_strbuf_puts(p->out, close);
}

// ------------------------------------------------------------------------------------- operations
void pj_print_block_args(PjPrinter *p, const PjRegion *region) {
  pj_strbuf_putc(p->out, '(');
  for (uint32_t i = 0; i < region->num_args; ++i) {
    if (i)
      pj_strbuf_puts(p->out, ", ");
    pj_print_value(p, &region->args[i]);
    pj_strbuf_puts(p->out, ": ");
    pj_type_print(p->out, region->args[i].type);
    if (region->arg_locs)
      pj_print_loc(p, region->arg_locs[i]);
  }
  pj_strbuf_putc(p->out, ')');
}

void pj_print_region(PjPrinter *p, const PjRegion *region, bool label) {
  pj_strbuf_puts(p->out, "{\n");
  if (label && region->num_args) {
    pj_print_indent(p);
    pj_strbuf_puts(p->out, "^bb0");
    pj_print_block_args(p, region);
    pj_strbuf_puts(p->out, ":\n");
  }
  ++p->indent;
  for (const PjOp *op = region->first; op; op = op->next)
    pj_print_op(p, op);
  --p->indent;
  pj_print_indent(p);
  pj_strbuf_putc(p->out, '}');
}

static void print_generic(PjPrinter *p, const PjOp *op) {
  pj_strbuf_printf(p->out, "\"%s\"(", pj_op_info[op->kind].text);
  pj_print_operands(p, 0, op);
  pj_strbuf_putc(p->out, ')');
  pj_print_dict(p, op, NULL, " <{", "}>", true, false);
  for (uint32_t i = 0; i < op->num_regions; ++i) {
    pj_strbuf_puts(p->out, i ? ", " : " (");
    pj_print_region(p, &op->regions[i], true);
  }
  if (op->num_regions)
    pj_strbuf_putc(p->out, ')');
  pj_print_dict(p, op, NULL, " {", "}", false, true);
  pj_strbuf_puts(p->out, " : ");
  pj_print_function_type(p, op);
}

void pj_print_op(PjPrinter *p, const PjOp *op) {
  pj_print_indent(p);
  if (op->num_results) {
    pj_strbuf_printf(p->out, "%%%u", op->results[0].id);
    if (op->num_results > 1)
      pj_strbuf_printf(p->out, ":%u", op->num_results);
    pj_strbuf_puts(p->out, " = ");
  }
  if (p->options.generic || !(pj_print_special(p, op) || pj_print_pretty(p, op)))
    print_generic(p, op);
  pj_print_loc(p, op->loc);
  pj_strbuf_putc(p->out, '\n');
}

void pj_op_print(PjStrBuf *out, const PjOp *op, const PjPrintOptions *options) {
  PjPrinter p = {.out = out};
  if (options)
    p.options = *options;
  pj_print_op(&p, op);
}

// ------------------------------------------------------------------------------------- module
static void print_module_dict(PjPrinter *p, const PjModule *module) {
  pj_strbuf_putc(p->out, '{');
  for (uint32_t i = 0; i < module->attrs->count; ++i) {
    if (i)
      pj_strbuf_puts(p->out, ", ");
    pj_print_field(p->out, module->attrs->names[i], module->attrs->elems[i]);
  }
  pj_strbuf_putc(p->out, '}');
}

void pj_module_print(PjStrBuf *out, const PjModule *module, const PjPrintOptions *options) {
  PjPrinter p = {.out = out, .indent = 0};
  if (options)
    p.options = *options;
  if (p.options.locations && !(p.locs = pj_loc_names())) {
    out->failed = true;
    return;
  }
  bool attrs = module->attrs && module->attrs->count;
  if (p.options.generic) {
    pj_strbuf_puts(out, "\"builtin.module\"()");
    if (module->name.len) {
      pj_strbuf_puts(out, " <{sym_name = ");
      pj_string_print(out, module->name);
      pj_strbuf_puts(out, "}>");
    }
    pj_strbuf_puts(out, " (");
    pj_print_region(&p, &module->body, false);
    pj_strbuf_putc(out, ')');
    if (attrs) {
      pj_strbuf_putc(out, ' ');
      print_module_dict(&p, module);
    }
    pj_strbuf_puts(out, " : () -> ()\n");
  } else {
    pj_strbuf_puts(out, "module ");
    if (module->name.len) {
      pj_symbol_print(out, module->name);
      pj_strbuf_putc(out, ' ');
    }
    if (attrs) {
      pj_strbuf_puts(out, "attributes ");
      print_module_dict(&p, module);
      pj_strbuf_putc(out, ' ');
    }
    pj_print_region(&p, &module->body, false);
    pj_strbuf_putc(out, '\n');
  }
  if (p.locs) {
    pj_print_loc_definitions(&p);
    pj_loc_names_free(p.locs);
  }
}

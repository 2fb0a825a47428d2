// Pretty forms with a syntax of their own: constant, reduce, while, manual_computation, functions,
// meshes.
#include "ir/print_parts.h"

static bool attrs_present(const PjOp *op) {
  const PjOpInfo *info = &pj_op_info[op->kind];
  for (int i = 0; i < info->num_attrs; ++i)
    if (!op->attrs[i] && info->attrs[i].mode != PJ_DEFAULT_OPT)
      return false;
  return true;
}

static bool print_constant(PjPrinter *p, const PjOp *op) {
  const PjAttr *value = PJ_ATTR(op, value);
  if (op->num_operands || op->num_regions || op->num_results != 1 || !value ||
      !pj_type_eq(value->type, op->results[0].type))
    return false;
  pj_strbuf_puts(p->out, pj_op_info[op->kind].text);
  pj_print_dict(p, op, NULL, " {", "}", false, true);
  pj_strbuf_putc(p->out, ' ');
  pj_print_elements(p->out, value, p->options.elide_elements);
  return true;
}

// ------------------------------------------------------------------------------------- reduce
// A body that applies one commutative operation to its two arguments, in order, and returns the
// result.
static const PjOp *applied(const PjOp *op) {
  const PjRegion *body = &op->regions[0];
  const PjOp *inner = body->first, *ret = inner ? inner->next : NULL;
  const PjType *input = op->operands[0]->type;
  if (!ret || ret->next || ret->kind != PJ_OP_RETURN || body->num_args != 2 ||
      inner->num_operands != 2 || inner->num_results != 1 || inner->num_regions ||
      op->num_operands != 2 || op->num_results != 1 || (inner->extra && inner->extra->count) ||
      (ret->extra && ret->extra->count) || !(pj_op_info[inner->kind].traits & PJ_TRAIT_COMM) ||
      pj_op_info[inner->kind].num_attrs ||
      strncmp(pj_op_info[inner->kind].text, "stablehlo.", 10) != 0)
    return NULL;
  if (inner->operands[0] != &body->args[0] || inner->operands[1] != &body->args[1] ||
      ret->num_operands != 1 || ret->operands[0] != &inner->results[0])
    return NULL;
  const PjType expected = {.kind = PJ_TYPE_TENSOR,
                           .dtype = input->dtype,
                           .quant = input->quant,
                           .dims = inner->results[0].type->dims};
  if ((input->kind != PJ_TYPE_TENSOR && input->kind != PJ_TYPE_UNRANKED) ||
      !pj_type_eq(&expected, inner->results[0].type) ||
      !pj_type_eq(inner->results[0].type, body->args[0].type) ||
      !pj_type_eq(inner->results[0].type, body->args[1].type))
    return NULL;
  return inner;
}

static void print_reducer(PjPrinter *p, const PjRegion *body) {
  uint32_t half = body->num_args / 2;
  pj_strbuf_putc(p->out, '\n');
  pj_print_indent(p);
  pj_strbuf_puts(p->out, " reducer");
  for (uint32_t i = 0; i < half; ++i) {
    PjRegion pair = {.num_args = 2, .parent = body->parent};
    PjValue args[2] = {body->args[i], body->args[i + half]};
    const PjLoc *locs[2] = {0};
    if (body->arg_locs) {
      locs[0] = body->arg_locs[i];
      locs[1] = body->arg_locs[i + half];
    }
    pair.args = args;
    pair.arg_locs = locs;
    pj_print_block_args(p, &pair);
    pj_strbuf_putc(p->out, ' ');
  }
  pj_print_region(p, body, false);
}

static bool print_reduce(PjPrinter *p, const PjOp *op) {
  uint32_t half = op->num_operands / 2;
  const PjAttr *dims = PJ_ATTR(op, dimensions);
  if (!half || op->num_operands % 2 || op->num_regions != 1 || !dims || dims->columns >= 0 ||
      op->regions[0].num_args % 2 || !op->regions[0].num_args)
    return false;
  const PjOp *inner = applied(op);
  pj_strbuf_puts(p->out, "stablehlo.reduce");
  for (uint32_t i = 0; i < half; ++i) {
    pj_strbuf_puts(p->out, i ? ", (" : "(");
    pj_print_value(p, op->operands[i]);
    pj_strbuf_puts(p->out, " init: ");
    pj_print_value(p, op->operands[i + half]);
    pj_strbuf_putc(p->out, ')');
  }
  if (inner)
    pj_strbuf_printf(p->out, " applies %s", pj_op_info[inner->kind].text);
  pj_strbuf_puts(p->out, " across dimensions = [");
  pj_print_ints(p->out, dims->count, dims->ints);
  pj_strbuf_putc(p->out, ']');
  pj_print_dict(p, op, NULL, " {", "}", false, true);
  pj_strbuf_puts(p->out, " : ");
  pj_print_function_type(p, op);
  if (!inner)
    print_reducer(p, &op->regions[0]);
  return true;
}

// ------------------------------------------------------------------------------------- while
static bool print_while(PjPrinter *p, const PjOp *op) {
  if (op->num_regions != 2 || op->num_results != op->num_operands)
    return false;
  for (int r = 0; r < 2; ++r) {
    const PjRegion *region = &op->regions[r];
    if (region->num_args != op->num_operands)
      return false;
    for (uint32_t i = 0; i < op->num_operands; ++i) {
      const PjType *type = op->operands[i]->type;
      if (!pj_type_eq(type, region->args[i].type) || !pj_type_eq(type, op->results[i].type))
        return false;
    }
  }
  pj_strbuf_puts(p->out, "stablehlo.while(");
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    if (i)
      pj_strbuf_puts(p->out, ", ");
    pj_print_value(p, &op->regions[1].args[i]);
    pj_strbuf_puts(p->out, " = ");
    pj_print_value(p, op->operands[i]);
  }
  pj_strbuf_putc(p->out, ')');
  if (op->num_operands) {
    pj_strbuf_puts(p->out, " : ");
    pj_print_types(p, op->num_operands, op->operands);
  }
  pj_print_dict(p, op, NULL, " attributes {", "}", false, true);
  pj_strbuf_putc(p->out, '\n');
  pj_print_indent(p);
  pj_strbuf_puts(p->out, "cond ");
  pj_print_region(p, &op->regions[0], false);
  pj_strbuf_puts(p->out, " do ");
  pj_print_region(p, &op->regions[1], false);
  return true;
}

// ------------------------------------------------------------------------------------- Shardy
static bool is_struct(const PjAttr *attr, const char *name) {
  return attr && attr->kind == PJ_ATTR_STRUCT && pj_str_is(attr->str, name);
}

static bool print_manual_computation(PjPrinter *p, const PjOp *op) {
  const PjAttr *in = PJ_ATTR(op, in_shardings), *out = PJ_ATTR(op, out_shardings);
  const PjAttr *axes = PJ_ATTR(op, manual_axes);
  if (op->num_regions != 1 || !is_struct(in, "sdy.sharding_per_value") ||
      !is_struct(out, "sdy.sharding_per_value") || !is_struct(axes, "sdy.manual_axes"))
    return false;
  pj_strbuf_puts(p->out, "sdy.manual_computation(");
  pj_print_operands(p, 0, op);
  pj_strbuf_puts(p->out, ") in_shardings=");
  pj_print_sharding_list(p->out, in);
  pj_strbuf_puts(p->out, " out_shardings=");
  pj_print_sharding_list(p->out, out);
  pj_strbuf_puts(p->out, " manual_axes=");
  pj_print_manual_axes(p->out, axes);
  pj_strbuf_putc(p->out, ' ');
  pj_print_block_args(p, &op->regions[0]);
  pj_strbuf_putc(p->out, ' ');
  pj_print_region(p, &op->regions[0], false);
  pj_print_dict(p, op, NULL, " {", "}", false, true);
  pj_strbuf_puts(p->out, " : ");
  pj_print_function_type(p, op);
  return true;
}

static bool print_mesh_op(PjPrinter *p, const PjOp *op) {
  if (!is_struct(PJ_ATTR(op, mesh), "sdy.mesh") || !PJ_STRATTR(op, sym_name).len ||
      op->num_operands || op->num_results || op->num_regions)
    return false;
  pj_strbuf_puts(p->out, "sdy.mesh ");
  pj_symbol_print(p->out, PJ_STRATTR(op, sym_name));
  pj_strbuf_puts(p->out, " = ");
  pj_print_mesh(p->out, PJ_ATTR(op, mesh));
  pj_print_dict(p, op, NULL, " {", "}", false, true);
  return true;
}

// ------------------------------------------------------------------------------------- functions
static bool is_visibility(PjStr text) {
  return !text.len || pj_str_is(text, "public") || pj_str_is(text, "private") ||
         pj_str_is(text, "nested");
}

// The dictionaries fit if there is one for each of |count| values or none at all.
static bool fits_dicts(const PjAttr *attr, uint32_t count) {
  return attr->kind == PJ_ATTR_ARRAY && (!attr->count || attr->count == count);
}

static bool fits_function(const PjOp *op) {
  if (!attrs_present(op) || op->num_operands || op->num_results || op->num_regions != 1)
    return false;
  const PjType *type = PJ_ATTR(op, function_type)->type;
  const PjRegion *body = &op->regions[0];
  if (!type || type->kind != PJ_TYPE_FUNCTION || !is_visibility(PJ_STRATTR(op, sym_visibility)) ||
      !PJ_STRATTR(op, sym_name).len ||
      memmem(PJ_STRATTR(op, sym_name).ptr, PJ_STRATTR(op, sym_name).len, "::", 2) ||
      !fits_dicts(PJ_ATTR(op, arg_attrs), type->num_elems) ||
      !fits_dicts(PJ_ATTR(op, res_attrs), type->num_results))
    return false;
  if (!body->first)
    return body->num_args == 0; // a declaration
  if (body->num_args != type->num_elems)
    return false;
  for (uint32_t i = 0; i < body->num_args; ++i)
    if (!pj_type_eq(body->args[i].type, type->elems[i]))
      return false;
  return true;
}

static void print_value_dict(PjPrinter *p, const PjAttr *dicts, uint32_t i) {
  if (!dicts->count || !dicts->elems[i]->count)
    return;
  pj_strbuf_putc(p->out, ' ');
  pj_attr_print(p->out, dicts->elems[i]);
}

static bool print_function(PjPrinter *p, const PjOp *op) {
  if (!fits_function(op))
    return false;
  const PjType *type = PJ_ATTR(op, function_type)->type;
  const PjRegion *body = &op->regions[0];
  PjStr visibility = PJ_STRATTR(op, sym_visibility);
  PjStrBuf *out = p->out;
  pj_strbuf_puts(out, "func.func ");
  if (visibility.len) {
    pj_strbuf_str(out, visibility);
    pj_strbuf_putc(out, ' ');
  }
  pj_symbol_print(out, PJ_STRATTR(op, sym_name));
  pj_strbuf_putc(out, '(');
  for (uint32_t i = 0; i < type->num_elems; ++i) {
    if (i)
      pj_strbuf_puts(out, ", ");
    if (body->first) {
      pj_print_value(p, &body->args[i]);
      pj_strbuf_puts(out, ": ");
    }
    pj_type_print(out, type->elems[i]);
    print_value_dict(p, PJ_ATTR(op, arg_attrs), i);
    if (body->first && body->arg_locs)
      pj_print_loc(p, body->arg_locs[i]);
  }
  pj_strbuf_putc(out, ')');
  if (type->num_results) {
    const PjAttr *dicts = PJ_ATTR(op, res_attrs);
    bool bare =
        type->num_results == 1 && !dicts->count && type->results[0]->kind != PJ_TYPE_FUNCTION;
    pj_strbuf_puts(out, bare ? " -> " : " -> (");
    for (uint32_t i = 0; i < type->num_results; ++i) {
      if (i)
        pj_strbuf_puts(out, ", ");
      pj_type_print(out, type->results[i]);
      print_value_dict(p, dicts, i);
    }
    if (!bare)
      pj_strbuf_putc(out, ')');
  }
  pj_print_dict(p, op, NULL, " attributes {", "}", false, true);
  if (!body->first)
    return true;
  pj_strbuf_putc(out, ' ');
  p->in_func = true;
  pj_print_region(p, body, false);
  p->in_func = false;
  return true;
}

bool pj_print_special(PjPrinter *p, const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_CONSTANT:
  case PJ_OP_CHLO_CONSTANT:
    return print_constant(p, op);
  case PJ_OP_REDUCE:
    return print_reduce(p, op);
  case PJ_OP_WHILE:
    return print_while(p, op);
  case PJ_OP_SDY_MANUAL_COMPUTATION:
    return print_manual_computation(p, op);
  case PJ_OP_SDY_MESH:
    return print_mesh_op(p, op);
  case PJ_OP_FUNC:
    return print_function(p, op);
  default:
    return false;
  }
}

// Structural equality of modules, in step through both. Values are compared by their numbers, which
// are positions in their function (pj_module_number).
#include "ir/equal.h"

#include <stdio.h>

#include "ir/print.h"

typedef struct Compare {
  PjStrBuf *out;
  const PjOp *func; // being compared
} Compare;

static bool differ(Compare *c, const PjOp *op, const char *what) {
  if (c->out) {
    pj_strbuf_printf(c->out, "%s differ", what);
    if (c->func && PJ_ATTR(c->func, sym_name))
      pj_strbuf_printf(c->out, " in @%.*s", PJ_STR_ARG(PJ_STRATTR(c->func, sym_name)));
    if (op) {
      pj_strbuf_puts(c->out, ": ");
      pj_op_print(c->out, op, NULL);
    }
  }
  return false;
}

static bool attrs_equal(Compare *c, const PjOp *a, const PjOp *b) {
  const PjOpInfo *info = &pj_op_info[a->kind];
  for (int i = 0; i < info->num_attrs; ++i)
    if (!pj_attr_eq(a->attrs[i], b->attrs[i])) {
      char what[96];
      snprintf(what, sizeof what, "attributes '%s'", pj_key_text[info->attrs[i].key]);
      return differ(c, a, what);
    }
  bool empty_a = !a->extra || !a->extra->count, empty_b = !b->extra || !b->extra->count;
  if (empty_a != empty_b || (!empty_a && !pj_attr_eq(a->extra, b->extra)))
    return differ(c, a, "discardable attributes");
  return true;
}

static bool ops_equal(Compare *c, const PjOp *a, const PjOp *b);

static bool regions_equal(Compare *c, const PjOp *op, const PjRegion *a, const PjRegion *b) {
  if (a->num_args != b->num_args)
    return differ(c, op, "numbers of region arguments");
  for (uint32_t i = 0; i < a->num_args; ++i)
    if (!pj_type_eq(a->args[i].type, b->args[i].type))
      return differ(c, op, "types of region arguments");
  const PjOp *x = a->first, *y = b->first;
  for (; x && y; x = x->next, y = y->next)
    if (!ops_equal(c, x, y))
      return false;
  return !x && !y ? true : differ(c, x ? x : y, "numbers of operations");
}

static bool ops_equal(Compare *c, const PjOp *a, const PjOp *b) {
  if (a->kind != b->kind)
    return differ(c, a, "operations");
  if (a->num_operands != b->num_operands || a->num_results != b->num_results ||
      a->num_regions != b->num_regions)
    return differ(c, a, "numbers of operands, results or regions");
  for (uint32_t i = 0; i < a->num_operands; ++i)
    if (a->operands[i]->id != b->operands[i]->id)
      return differ(c, a, "operands");
  for (uint32_t i = 0; i < a->num_results; ++i)
    if (!pj_type_eq(a->results[i].type, b->results[i].type))
      return differ(c, a, "types of results");
  if (!attrs_equal(c, a, b))
    return false;
  for (uint32_t i = 0; i < a->num_regions; ++i)
    if (!regions_equal(c, a, &a->regions[i], &b->regions[i]))
      return false;
  return true;
}

bool pj_module_compare(const PjModule *a, const PjModule *b, PjStrBuf *out) {
  Compare c = {out, NULL};
  if (!pj_str_eq(a->name, b->name))
    return differ(&c, NULL, "names of the modules");
  bool empty_a = !a->attrs || !a->attrs->count, empty_b = !b->attrs || !b->attrs->count;
  if (empty_a != empty_b || (!empty_a && !pj_attr_eq(a->attrs, b->attrs)))
    return differ(&c, NULL, "attributes of the modules");
  const PjOp *x = a->body.first, *y = b->body.first;
  for (; x && y; x = x->next, y = y->next) {
    c.func = x->kind == PJ_OP_FUNC ? x : NULL;
    if (!ops_equal(&c, x, y))
      return false;
  }
  return !x && !y ? true : differ(&c, x ? x : y, "numbers of functions");
}

bool pj_module_eq(const PjModule *a, const PjModule *b) {
  return pj_module_compare(a, b, NULL);
}

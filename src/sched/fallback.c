// Fallbacks: operations that nothing here computes, each made a function of its own for the
// evaluator.
//
// A function takes the operation's operands and whatever its regions read from outside, and returns
// its results. All of them are in one module, prepared once.
#include <string.h>

#include "base/log.h"
#include "sched/lower.h"
#include "sched/shape_map.h"

typedef struct Outline {
  PjLower *l;
  PjMap values; // to their copies
  PJ_VEC(const PjValue *) inputs;
} Outline;

static void collect(Outline *o, const PjValue *value) {
  if (pj_map_find(&o->values, pj_map_ptr(value)))
    return;
  pj_map_set(o->l->arena, &o->values, pj_map_ptr(value), 0);
  PJ_PUSH(o->l->arena, &o->inputs, value);
}

// What the regions of |op| read from outside of |op|.
static void collect_captured(Outline *o, const PjOp *op, PjMap *inside) {
  for (uint32_t r = 0; r < op->num_regions; r++) {
    pj_map_set(o->l->arena, inside, pj_map_ptr(&op->regions[r]), 1);
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next) {
      for (uint32_t i = 0; i < inner->num_operands; i++)
        if (!pj_map_find(inside, pj_map_ptr(pj_home(inner->operands[i]))))
          collect(o, inner->operands[i]);
      collect_captured(o, inner, inside);
    }
  }
}

static PjValue *copy_of(const Outline *o, const PjValue *value) {
  return (PjValue *)(uintptr_t)*pj_map_find(&o->values, pj_map_ptr(value));
}

static void set_copy(Outline *o, const PjValue *value, PjValue *copy) {
  pj_map_set(o->l->arena, &o->values, pj_map_ptr(value), pj_map_ptr(copy));
}

static PjOp *clone(Outline *o, const PjOp *op) {
  PjArena *arena = o->l->arena;
  PjOp *copy = pj_op_create(arena, op->kind, op->num_operands, op->num_results, op->num_regions);
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; i++)
    copy->attrs[i] = op->attrs[i];
  copy->extra = op->extra;
  copy->loc = op->loc;
  for (uint32_t i = 0; i < op->num_operands; i++)
    copy->operands[i] = copy_of(o, op->operands[i]);
  for (uint32_t i = 0; i < op->num_results; i++) {
    copy->results[i].type = op->results[i].type;
    set_copy(o, &op->results[i], &copy->results[i]);
  }
  for (uint32_t r = 0; r < op->num_regions; r++) {
    const PjRegion *from = &op->regions[r];
    const PjType **types = PJ_NEW_ARRAY(arena, const PjType *, from->num_args + 1);
    for (uint32_t i = 0; i < from->num_args; i++)
      types[i] = from->args[i].type;
    pj_region_set_args(arena, &copy->regions[r], from->num_args, types);
    for (uint32_t i = 0; i < from->num_args; i++)
      set_copy(o, &from->args[i], &copy->regions[r].args[i]);
    for (const PjOp *inner = from->first; inner; inner = inner->next)
      pj_op_append(&copy->regions[r], clone(o, inner));
  }
  return copy;
}

PjStatus pj_lower_fallback(PjLower *l, const PjOp *op, PjSteps *out) {
  PjSchedule *s = l->schedule;
  PjArena *arena = l->arena;
  Outline o = {.l = l};
  PjMap inside = {0};
  for (uint32_t i = 0; i < op->num_operands; i++)
    collect(&o, op->operands[i]);
  collect_captured(&o, op, &inside);

  uint32_t n = (uint32_t)o.inputs.len;
  const PjType **inputs = PJ_NEW_ARRAY(arena, const PjType *, n + 1);
  const PjType **results = PJ_NEW_ARRAY(arena, const PjType *, op->num_results + 1);
  for (uint32_t i = 0; i < n; i++)
    inputs[i] = o.inputs.data[i]->type;
  for (uint32_t i = 0; i < op->num_results; i++)
    results[i] = op->results[i].type;
  PjOp *func = pj_op_create(arena, PJ_OP_FUNC, 0, 0, 1);
  char *name = pj_arena_printf(arena, "f%u", s->num_fallbacks++);
  pj_op_set_attr(func, PJ_KEY_sym_name, pj_attr_string(arena, (PjStr){name, strlen(name)}));
  pj_op_set_attr(func, PJ_KEY_function_type,
                 pj_attr_type(arena, pj_type_function(arena, n, inputs, op->num_results, results)));
  pj_op_fill_defaults(arena, func);
  pj_region_set_args(arena, &func->regions[0], n, inputs);
  for (uint32_t i = 0; i < n; i++)
    set_copy(&o, o.inputs.data[i], &func->regions[0].args[i]);
  PjOp *body = clone(&o, op);
  pj_op_append(&func->regions[0], body);
  PjOp *end = pj_op_create(arena, PJ_OP_FUNC_RETURN, op->num_results, 0, 0);
  for (uint32_t i = 0; i < op->num_results; i++)
    end->operands[i] = &body->results[i];
  pj_op_append(&func->regions[0], end);
  if (!s->fallback_module)
    s->fallback_module = pj_module_create(arena);
  pj_op_append(&s->fallback_module->body, func);

  PjStep *step = pj_step_add(l, out, PJ_STEP_EVAL, op, n, op->num_results);
  step->fallback = func;
  for (uint32_t i = 0; i < n; i++)
    pj_slot_touch(l, step->in[i] = pj_slot_of(l, o.inputs.data[i]));
  for (uint32_t i = 0; i < op->num_results; i++)
    pj_slot_touch(l, step->out[i] = pj_slot_for(l, &op->results[i]));
  if (l->options->source)
    return PJ_STATUS_OK;
  PjStrBuf text = {0};
  for (uint32_t i = 0; i < op->num_operands; i++) {
    pj_strbuf_puts(&text, i ? ", " : "");
    pj_type_print(&text, op->operands[i]->type);
  }
  pj_log(PJ_LOG_FALLBACK, "%s(%s)", pj_op_info[op->kind].text, text.data ? text.data : "");
  pj_strbuf_free(&text);
  s->cost += 2000;
  return PJ_STATUS_OK;
}

// Functions and meshes that outlined operations name come along.
PjStatus pj_fallbacks_prepare(PjLower *l) {
  PjSchedule *s = l->schedule;
  if (!s->num_fallbacks || l->options->source)
    return PJ_STATUS_OK;
  const PjOp *entry = pj_module_entry(s->module);
  for (const PjOp *op = s->module->body.first; op; op = op->next) {
    if (op == entry)
      continue;
    Outline o = {.l = l};
    pj_op_append(&s->fallback_module->body, clone(&o, op));
  }
  pj_module_number(s->fallback_module);
  return pj_program_create(s->fallback_module, &s->fallback_program);
}

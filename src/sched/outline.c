// See outline.h.
#include "sched/outline.h"

#include <string.h>

static void collect(PjOutline *o, const PjValue *value) {
  if (pj_map_find(&o->values, pj_map_ptr(value)))
    return;
  pj_map_set(o->arena, &o->values, pj_map_ptr(value), 0);
  PJ_PUSH(o->arena, &o->inputs, value);
}

// What the regions of |op| read from outside of |op|.
static void collect_captured(PjOutline *o, const PjOp *op, PjMap *inside) {
  for (uint32_t r = 0; r < op->num_regions; r++) {
    pj_map_set(o->arena, inside, pj_map_ptr(&op->regions[r]), 1);
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next) {
      for (uint32_t i = 0; i < inner->num_operands; i++) {
        const PjValue *value = inner->operands[i];
        const PjRegion *home = value->def ? value->def->region : value->region;
        if (!pj_map_find(inside, pj_map_ptr(home)))
          collect(o, value);
      }
      collect_captured(o, inner, inside);
    }
  }
}

void pj_outline_collect(PjOutline *o, const PjOp *op) {
  PjMap inside = {0};
  for (uint32_t i = 0; i < op->num_operands; i++)
    collect(o, op->operands[i]);
  collect_captured(o, op, &inside);
}

PjValue *pj_outline_copy_of(const PjOutline *o, const PjValue *value) {
  return (PjValue *)(uintptr_t)*pj_map_find(&o->values, pj_map_ptr(value));
}

void pj_outline_map(PjOutline *o, const PjValue *value, PjValue *copy) {
  pj_map_set(o->arena, &o->values, pj_map_ptr(value), pj_map_ptr(copy));
}

PjOp *pj_outline_clone(PjOutline *o, const PjOp *op) {
  PjArena *arena = o->arena;
  PjOp *copy = pj_op_create(arena, op->kind, op->num_operands, op->num_results, op->num_regions);
  for (uint32_t i = 0; i < pj_op_info[op->kind].num_attrs; i++)
    copy->attrs[i] = op->attrs[i];
  copy->extra = op->extra;
  copy->loc = op->loc;
  for (uint32_t i = 0; i < op->num_operands; i++)
    copy->operands[i] = pj_outline_copy_of(o, op->operands[i]);
  for (uint32_t i = 0; i < op->num_results; i++) {
    copy->results[i].type = op->results[i].type;
    pj_outline_map(o, &op->results[i], &copy->results[i]);
  }
  for (uint32_t r = 0; r < op->num_regions; r++) {
    const PjRegion *from = &op->regions[r];
    const PjType **types = PJ_NEW_ARRAY(arena, const PjType *, from->num_args + 1);
    for (uint32_t i = 0; i < from->num_args; i++)
      types[i] = from->args[i].type;
    pj_region_set_args(arena, &copy->regions[r], from->num_args, types);
    for (uint32_t i = 0; i < from->num_args; i++)
      pj_outline_map(o, &from->args[i], &copy->regions[r].args[i]);
    for (const PjOp *inner = from->first; inner; inner = inner->next)
      pj_op_append(&copy->regions[r], pj_outline_clone(o, inner));
  }
  return copy;
}

PjOp *pj_outline_func(PjArena *arena, const char *name, uint32_t num_inputs,
                      const PjType *const *inputs, uint32_t num_results,
                      const PjType *const *results) {
  PjOp *func = pj_op_create(arena, PJ_OP_FUNC, 0, 0, 1);
  pj_op_set_attr(func, PJ_KEY_sym_name, pj_attr_string(arena, (PjStr){name, strlen(name)}));
  pj_op_set_attr(
      func, PJ_KEY_function_type,
      pj_attr_type(arena, pj_type_function(arena, num_inputs, inputs, num_results, results)));
  pj_op_fill_defaults(arena, func);
  pj_region_set_args(arena, &func->regions[0], num_inputs, inputs);
  return func;
}

void pj_outline_surroundings(PjArena *arena, const PjModule *from, PjModule *to) {
  const PjOp *entry = pj_module_entry(from);
  for (const PjOp *op = from->body.first; op; op = op->next) {
    PjOutline o = {.arena = arena};
    if (op != entry)
      pj_op_append(&to->body, pj_outline_clone(&o, op));
  }
}

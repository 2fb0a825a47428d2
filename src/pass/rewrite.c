// Use counts, replacing and erasing.
#include "pass/rewrite.h"

void pj_rw_add_value(PjRewrite *rw, PjValue *value) {
  if (rw->num_values == rw->cap_values) {
    uint32_t cap = rw->cap_values ? 2 * rw->cap_values : 64;
    PjSlot *slots = PJ_NEW_ARRAY(rw->arena, PjSlot, cap);
    if (rw->num_values)
      memcpy(slots, rw->slots, rw->num_values * sizeof *slots);
    rw->slots = slots;
    rw->cap_values = cap;
  }
  value->id = rw->num_values++;
  rw->slots[value->id] = (PjSlot){0};
}

void pj_rw_replace(PjRewrite *rw, PjValue *old, PjValue *new_value) {
  if (old == new_value)
    return;
  rw->slots[new_value->id].uses += rw->slots[old->id].uses;
  rw->slots[old->id] = (PjSlot){.forward = new_value};
  ++rw->changes;
}

bool pj_rw_inside(const PjValue *value, const PjRegion *body) {
  const PjRegion *home = value->def ? value->def->region : value->region;
  while (home && home != body)
    home = home->parent ? home->parent->region : NULL;
  return home == body;
}

void pj_rw_count_operands(PjRewrite *rw, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    ++rw->slots[op->operands[i]->id].uses;
}

void pj_rw_set_operand(PjRewrite *rw, PjOp *op, uint32_t index, PjValue *value) {
  --rw->slots[pj_rw_value(rw, op->operands[index])->id].uses;
  ++rw->slots[value->id].uses;
  op->operands[index] = value;
}

static void forget_uses(PjRewrite *rw, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    --rw->slots[pj_rw_value(rw, op->operands[i])->id].uses;
  for (uint32_t r = 0; r < op->num_regions; ++r)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      forget_uses(rw, inner);
}

void pj_rw_erase(PjRewrite *rw, PjOp *op) {
  forget_uses(rw, op);
  pj_op_remove(op);
  ++rw->changes;
}

bool pj_rw_droppable(const PjOp *op) {
  uint16_t traits = pj_op_info[op->kind].traits;
  switch (op->kind) {
  case PJ_OP_IF:
  case PJ_OP_CASE:
  case PJ_OP_WHILE: // that it ends is taken for granted
  case PJ_OP_OPTIMIZATION_BARRIER:
    return true;
  case PJ_OP_CUSTOM_CALL:
    // A wish for the order of what its operands come from, which a schedule need not heed.
    if (!op->num_results && pj_str_is(PJ_STRATTR(op, call_target_name), "control_dep"))
      return true;
    return op->num_results && !PJ_INT(op, has_side_effect);
  default:
    return traits & PJ_TRAIT_PURE && !(traits & (PJ_TRAIT_EFFECT | PJ_TRAIT_COLL));
  }
}

bool pj_rw_droppable_deep(const PjOp *op) {
  if (!pj_rw_droppable(op))
    return false;
  for (uint32_t r = 0; r < op->num_regions; ++r)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      if (!(pj_op_info[inner->kind].traits & PJ_TRAIT_TERM) && !pj_rw_droppable_deep(inner))
        return false;
  return true;
}

// ----------------------------------------------------------------------------------------- visits

static void visit_region(PjRewrite *rw, PjRegion *region, PjVisitFn *visit, void *context) {
  for (PjOp *op = region->first, *next; op; op = next) {
    next = op->next;
    pj_rw_resolve(rw, op);
    for (uint32_t r = 0; r < op->num_regions; ++r)
      visit_region(rw, &op->regions[r], visit, context);
    visit(rw, op, context);
  }
}

void pj_rw_visit(PjRewrite *rw, PjVisitFn *visit, void *context) {
  for (PjOp *func = rw->module->body.first; func; func = func->next)
    if (func->kind == PJ_OP_FUNC)
      visit_region(rw, &func->regions[0], visit, context);
}

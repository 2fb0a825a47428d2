// Rules of if, case, while, tuples, and marks that mean nothing on one device.
#include "eval/eval.h"
#include "pass/match.h"
#include "pass/simplify.h"

// Moves the operations of |region|, its terminator excepted, before |at|.
static void move_out(PjRewrite *rw, PjRegion *region, PjOp *at) {
  (void)rw;
  PjOp *end = region->last;
  while (region->first != end) {
    PjOp *op = region->first;
    pj_op_remove(op);
    pj_op_insert_before(at, op);
  }
}

static bool types_match(const PjOp *op, PjValue *const *values) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!pj_type_eq(op->results[i].type, values[i]->type))
      return false;
  return true;
}

static bool take_branch(PjRewrite *rw, PjOp *op, PjRegion *region) {
  if (!types_match(op, region->last->operands))
    return false;
  move_out(rw, region, op);
  return pj_rw_become_all(rw, op, region->last->operands);
}

// Branches that compute nothing choose between values.
static bool choose(PjRewrite *rw, PjOp *op) {
  enum { MAX_RESULTS = 16 };
  PjValue *const *x = op->regions[0].last->operands, *const *y = op->regions[1].last->operands;
  if (op->regions[0].first->next || op->regions[1].first->next || op->num_results > MAX_RESULTS ||
      !types_match(op, x) || !types_match(op, y))
    return false;
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!pj_type_is_static(op->results[i].type) || op->results[i].type->quant)
      return false;
  PjValue *values[MAX_RESULTS];
  for (uint32_t i = 0; i < op->num_results; ++i)
    values[i] =
        pj_build_select(rw, op, op->operands[0], pj_rw_value(rw, x[i]), pj_rw_value(rw, y[i]));
  return pj_rw_become_all(rw, op, values);
}

bool pj_rule_if(PjRewrite *rw, PjOp *op) {
  int64_t known;
  PjOp *negated = pj_def(op->operands[0], PJ_OP_NOT);
  if (pj_const_int(op->operands[0], &known))
    return take_branch(rw, op, &op->regions[known ? 0 : 1]);
  if (negated) {
    PjRegion swap = op->regions[0];
    op->regions[0] = op->regions[1];
    op->regions[1] = swap;
    for (int r = 0; r < 2; ++r)
      for (PjOp *inner = op->regions[r].first; inner; inner = inner->next)
        inner->region = &op->regions[r];
    pj_rw_set_operand(rw, op, 0, negated->operands[0]);
    ++rw->changes;
    return true;
  }
  return op->num_results && choose(rw, op);
}

bool pj_rule_case(PjRewrite *rw, PjOp *op) {
  int64_t index;
  if (op->num_regions == 1)
    index = 0;
  else if (!pj_const_int(op->operands[0], &index))
    return false;
  if (index < 0 || index >= op->num_regions)
    index = op->num_regions - 1;
  return take_branch(rw, op, &op->regions[index]);
}

// Loops that run never, or once.
bool pj_rule_while(PjRewrite *rw, PjOp *op) {
  PjCounter counter;
  bool never = false, once = false;
  PjRegion *cond = &op->regions[0], *body = &op->regions[1];
  PjValue *go_on = cond->last->operands[0];
  int64_t known;
  if (pj_const_int(go_on, &known))
    never = !known;
  else if (pj_match_counter(op, &counter) && counter.alone) {
    never = counter.trips == 0;
    once = counter.trips == 1;
  }
  if (!never && !once)
    return false;
  for (const PjOp *inner = cond->first; inner->next; inner = inner->next)
    if (!pj_rw_droppable_deep(inner))
      return false;
  if (!types_match(op, op->operands))
    return false;
  if (never)
    return pj_rw_become_all(rw, op, op->operands);
  for (uint32_t i = 0; i < body->num_args; ++i)
    if (!pj_type_eq(body->args[i].type, op->operands[i]->type))
      return false;
  if (!types_match(op, body->last->operands))
    return false;
  for (uint32_t i = 0; i < body->num_args; ++i)
    pj_rw_replace(rw, &body->args[i], op->operands[i]);
  move_out(rw, body, op);
  for (uint32_t i = 0; i < body->last->num_operands; ++i)
    body->last->operands[i] = pj_rw_value(rw, body->last->operands[i]);
  return pj_rw_become_all(rw, op, body->last->operands);
}

bool pj_rule_tuple_element(PjRewrite *rw, PjOp *op) {
  PjOp *tuple = pj_def(op->operands[0], PJ_OP_TUPLE);
  if (!tuple)
    return false;
  PjValue *element = tuple->operands[PJ_INT(op, index)];
  return pj_type_eq(element->type, op->results[0].type) && pj_rw_become(rw, op, element);
}

// Where values lie on several devices is settled before these passes; on one it is no question.
bool pj_rule_mark(PjRewrite *rw, PjOp *op) {
  if (op->kind == PJ_OP_CUSTOM_CALL && pj_str_is(PJ_STRATTR(op, call_target_name), "ApproxTopK"))
    return pj_rule_approx_top_k(rw, op);
  if (op->kind == PJ_OP_CUSTOM_CALL && pj_rule_eigenvectors(rw, op))
    return true;
  if (op->num_operands != 1 || op->num_results != 1 ||
      !pj_type_eq(op->operands[0]->type, op->results[0].type))
    return false;
  if (op->kind == PJ_OP_CUSTOM_CALL) {
    PjStr target = PJ_STRATTR(op, call_target_name);
    PjCustomCallFn *fn;
    void *user;
    if (PJ_INT(op, has_side_effect) || pj_custom_call_find(target, &fn, &user) ||
        (!pj_str_is(target, "Sharding") && !pj_str_is(target, "LayoutConstraint") &&
         !pj_str_is(target, "annotate_device_placement")))
      return false;
  }
  return pj_rw_become(rw, op, op->operands[0]);
}

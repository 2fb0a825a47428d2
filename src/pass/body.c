// Regions of scalar operations.
#include "pass/body.h"

#include "pass/constant.h"

static const PjOp *only_op(const PjRegion *region) {
  const PjOp *op = region->first, *end = pj_region_terminator(region);
  return op && op->next == end && end && end->num_operands == 1 && op->num_results == 1 &&
                 end->operands[0] == &op->results[0]
             ? op
             : NULL;
}

PjOpKind pj_region_binary(const PjRegion *region) {
  const PjOp *op = only_op(region);
  if (!op || op->num_operands != 2 || region->num_args != 2 ||
      !(pj_op_info[op->kind].traits & PJ_TRAIT_ELEM))
    return PJ_OP_INVALID;
  bool in_order = op->operands[0] == &region->args[0] && op->operands[1] == &region->args[1],
       swapped = op->operands[0] == &region->args[1] && op->operands[1] == &region->args[0];
  return in_order || (swapped && pj_op_commutes(op)) ? op->kind : PJ_OP_INVALID;
}

int pj_region_argument(const PjRegion *region) {
  const PjOp *end = pj_region_terminator(region);
  if (!end || region->first != end || end->num_operands != 1 || end->operands[0]->region != region)
    return -1;
  return (int)end->operands[0]->index;
}

bool pj_region_spreads(const PjRegion *region, uint32_t limit) {
  for (uint32_t i = 0; i < region->num_args; ++i)
    if (!pj_type_is_scalar_tensor(region->args[i].type) || region->args[i].type->quant)
      return false;
  for (const PjOp *op = region->first; op->next; op = op->next) {
    if (!limit-- || op->num_results != 1 || op->num_regions ||
        !pj_type_is_scalar_tensor(op->results[0].type) || op->results[0].type->quant)
      return false;
    if (op->kind != PJ_OP_CONSTANT && !(pj_op_info[op->kind].traits & PJ_TRAIT_ELEM))
      return false;
    for (uint32_t i = 0; i < op->num_operands; ++i)
      if (!pj_type_is_scalar_tensor(op->operands[i]->type) || op->operands[i]->type->quant)
        return false;
  }
  const PjOp *end = region->last;
  for (uint32_t i = 0; i < end->num_operands; ++i)
    if (!pj_type_is_scalar_tensor(end->operands[i]->type))
      return false;
  return true;
}

typedef struct Spread {
  PjRewrite *rw;
  PjOp *at;
  const PjType *shape;
  PjMap values; // of the region: the arrays
} Spread;

static PjValue *array_of(Spread *s, PjValue *value) {
  const uint64_t *found = pj_map_find(&s->values, pj_map_ptr(value));
  if (found)
    return (PjValue *)(uintptr_t)*found;
  PjValue *captured = pj_rw_value(s->rw, value);
  const PjType *type = pj_type_with_dtype(s->rw->arena, s->shape, captured->type->dtype);
  return pj_build_broadcast(s->rw, s->at, captured, NULL, type);
}

void pj_region_spread(PjRewrite *rw, PjOp *at, const PjRegion *region, PjValue *const *args,
                      PjValue **results) {
  Spread s = {.rw = rw, .at = at, .shape = args[0]->type};
  for (uint32_t i = 0; i < region->num_args; ++i)
    pj_map_set(rw->scratch, &s.values, pj_map_ptr(&region->args[i]), pj_map_ptr(args[i]));
  for (const PjOp *op = region->first; op->next; op = op->next) {
    PjValue *operands[3], *made;
    const PjType *type = pj_type_with_dtype(rw->arena, s.shape, op->results[0].type->dtype);
    if (op->kind == PJ_OP_CONSTANT) {
      made = pj_build_splat(rw, at, type, op->attrs[0]->data);
    } else {
      for (uint32_t i = 0; i < op->num_operands; ++i)
        operands[i] = array_of(&s, op->operands[i]);
      made = pj_build_like(rw, at, op, operands, type);
    }
    pj_map_set(rw->scratch, &s.values, pj_map_ptr(&op->results[0]), pj_map_ptr(made));
  }
  const PjOp *end = region->last;
  for (uint32_t i = 0; i < end->num_operands; ++i)
    results[i] = array_of(&s, end->operands[i]);
}

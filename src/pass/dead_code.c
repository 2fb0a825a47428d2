// Dead code: operations without effect whose results nobody uses.
//
//   %1 = exponential %0 ; %2 = add %1, %1 ; return %0        =>        return %0
//
// One walk backwards over each region, inner regions after the operation that holds them was found
// alive. Use counts fall with each operation that goes, so whatever only that one used is found on
// the way. Values that only feed themselves around a loop are the business of carries.c. A loop
// counts as free of effect: that it ends is taken for granted, as everywhere.
//
// Linear: an operation is looked at once, and once more with the dead one that holds it. The walk
// needs no budget.
#include "pass/passes.h"

static bool is_used(const PjRewrite *rw, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (pj_rw_uses(rw, &op->results[i]))
      return true;
  return false;
}

static void sweep(PjRewrite *rw, PjRegion *region) {
  for (PjOp *op = region->last, *prev; op; op = prev) {
    prev = op->prev;
    if (!(pj_op_info[op->kind].traits & PJ_TRAIT_TERM) && !is_used(rw, op) &&
        pj_rw_droppable_deep(op)) {
      pj_rw_erase(rw, op);
      continue;
    }
    for (uint32_t r = 0; r < op->num_regions; ++r)
      sweep(rw, &op->regions[r]);
  }
}

PjStatus pj_pass_dead_code(PjRewrite *rw) {
  for (PjOp *func = rw->module->body.first; func; func = func->next)
    if (func->kind == PJ_OP_FUNC)
      sweep(rw, &func->regions[0]);
  return PJ_STATUS_OK;
}

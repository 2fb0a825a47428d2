// See cost.h. A walk over the IR in textual order.
#include "runtime/cost.h"

#include "ir/flops.h"
#include "runtime/ffi_call.h"

static double bytes(const PjType *type) {
  size_t size;
  return type && pj_type_is_tensor(type) && pj_type_num_bytes(type, &size) ? (double)size : 0;
}

static void add_cost(const PjOp *op, PjCost *out) {
  out->ops++;
  double transcendentals;
  out->flops += pj_op_flops(op, &transcendentals);
  out->transcendentals += transcendentals;
  switch (op->kind) {
  case PJ_OP_CUSTOM_CALL:
    if (pj_str_is(PJ_STRATTR(op, call_target_name), "Sharding"))
      return; // calls nothing
    if (pj_op_meets(op)) {
      out->collectives = true;
      return;
    }
    out->may_wait = true;
    out->host_callbacks |= pj_ffi_is_python_callback(PJ_STRATTR(op, call_target_name));
    break;
  case PJ_OP_WHILE:
    out->has_loops = true;
    break;
  case PJ_OP_SEND:
  case PJ_OP_RECV:
  case PJ_OP_INFEED:
  case PJ_OP_OUTFEED:
    out->may_wait = true;
    break;
  default:
    break;
  }
  out->collectives |= (pj_op_info[op->kind].traits & PJ_TRAIT_COLL) != 0;
  out->may_wait |= (pj_op_info[op->kind].traits & PJ_TRAIT_EFFECT) != 0;
}

static void walk_cost(const PjRegion *region, bool outermost, PjCost *out) {
  for (const PjOp *op = region->first; op; op = op->next) {
    add_cost(op, out);
    // What bodies of reductions and the like touch was counted with the op around them; a return
    // moves nothing.
    if ((outermost || op->kind == PJ_OP_WHILE) && !(pj_op_info[op->kind].traits & PJ_TRAIT_TERM)) {
      for (uint32_t i = 0; i < op->num_operands; i++)
        out->bytes_accessed += bytes(op->operands[i]->type);
      for (uint32_t i = 0; i < op->num_results; i++)
        out->bytes_accessed += bytes(op->results[i].type);
    }
    for (uint32_t i = 0; i < op->num_regions; i++)
      walk_cost(&op->regions[i], op->kind == PJ_OP_FUNC, out);
  }
}

void pj_module_cost(const PjModule *module, PjCost *out) {
  *out = (PjCost){0};
  walk_cost(&module->body, false, out);
}

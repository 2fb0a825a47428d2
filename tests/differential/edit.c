// See edit.h.
#include "edit.h"

void edit_replace_uses(PjRegion *region, const PjOp *except, const PjValue *from, PjValue *to) {
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; op != except && i < op->num_operands; ++i)
      if (op->operands[i] == from)
        op->operands[i] = to;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      edit_replace_uses(&op->regions[i], except, from, to);
  }
}

PjOp *edit_convert(PjArena *arena, PjValue *value, const PjType *type) {
  PjOp *op = pj_op_create(arena, PJ_OP_CONVERT, 1, 1, 0);
  op->operands[0] = value;
  op->results[0].type = type;
  return op;
}

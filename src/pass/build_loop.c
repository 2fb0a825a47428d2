// Making loops.
#include "pass/build.h"
#include "pass/constant.h"

// A region that carries values of the types of |carry|: its end, before which operations go.
static PjOp *open_region(PjRewrite *rw, PjOp *loop, uint32_t index, uint32_t num_results) {
  const PjType **types = PJ_NEW_ARRAY(rw->scratch, const PjType *, loop->num_operands);
  PjRegion *region = &loop->regions[index];
  for (uint32_t i = 0; i < loop->num_operands; ++i)
    types[i] = loop->operands[i]->type;
  pj_region_set_args(rw->arena, region, loop->num_operands, types);
  for (uint32_t i = 0; i < loop->num_operands; ++i)
    pj_rw_add_value(rw, &region->args[i]);
  PjOp *end = pj_op_create(rw->arena, PJ_OP_RETURN, num_results, 0, 0);
  end->loc = loop->loc;
  pj_op_append(region, end);
  return end;
}

PjOp *pj_build_loop(PjRewrite *rw, PjOp *at, int64_t trips, uint32_t count, PjValue **carry) {
  const PjType **types = PJ_NEW_ARRAY(rw->scratch, const PjType *, count);
  for (uint32_t i = 0; i < count; ++i)
    types[i] = carry[i]->type;
  PjOp *loop = pj_build_op_full(rw, at, PJ_OP_WHILE, count, carry, count, types, 2);
  pj_build_done(rw, loop);
  PjOp *end = open_region(rw, loop, 0, 1);
  PjValue *counter = &loop->regions[0].args[0];
  end->operands[0] = pj_build_compare(rw, end, counter, pj_build_int(rw, end, counter->type, trips),
                                      PJ_CMP_LT, PJ_CMPTYPE_SIGNED);
  pj_rw_count_operands(rw, end);
  end = open_region(rw, loop, 1, count);
  for (uint32_t i = 0; i < count; ++i)
    carry[i] = &loop->regions[1].args[i];
  return end;
}

void pj_build_loop_end(PjRewrite *rw, PjOp *end, uint32_t count, PjValue **carry) {
  PjValue *counter = &end->region->args[0];
  end->operands[0] =
      pj_build_binary(rw, end, PJ_OP_ADD, counter, pj_build_int(rw, end, counter->type, 1));
  for (uint32_t i = 1; i < count; ++i)
    end->operands[i] = carry[i];
  pj_rw_count_operands(rw, end);
  for (uint32_t i = 0; i < count; ++i)
    carry[i] = &end->region->parent->results[i];
}

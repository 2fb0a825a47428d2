#include "reinfer.h"

#include "ir/verify/check.h"

static PjStatus infer_op(PjArena *arena, PjOp *op, int *count) {
  const PjType **inferred = PJ_NEW_ARRAY(arena, const PjType *, op->num_results);
  const PjType **declared = PJ_NEW_ARRAY(arena, const PjType *, op->num_results);
  for (uint32_t i = 0; i < op->num_results; ++i) {
    declared[i] = op->results[i].type;
    op->results[i].type = NULL;
  }
  PjStatus status = pj_infer(arena, op, inferred);
  for (uint32_t i = 0; i < op->num_results; ++i)
    op->results[i].type = declared[i];
  if (pj_status_code(status) == PJ_UNIMPLEMENTED) {
    pj_status_free(status);
    return NULL;
  }
  PJ_TRY(status);
  ++*count;
  for (uint32_t i = 0; i < op->num_results; ++i) {
    bool stored = op->kind == PJ_OP_CONSTANT && declared[i]->quant; // as integers
    if (!stored && !pj__types_compatible(inferred[i], declared[i]))
      return PJ_OP_ERROR(op, INTERNAL, "inferred %s, declared %s", pj_type_text(arena, inferred[i]),
                         pj_type_text(arena, declared[i]));
  }
  return NULL;
}

static PjStatus infer_region(PjArena *arena, PjRegion *region, int *count) {
  for (PjOp *op = region->first; op; op = op->next) {
    if (op->kind != PJ_OP_FUNC)
      PJ_TRY(infer_op(arena, op, count));
    for (uint32_t i = 0; i < op->num_regions; ++i)
      PJ_TRY(infer_region(arena, &op->regions[i], count));
  }
  return NULL;
}

PjStatus pj_test_infer_again(PjModule *module, int *count) {
  int unused = 0;
  return infer_region(module->arena, &module->body, count ? count : &unused);
}

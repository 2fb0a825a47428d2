// Small facts about shapes.
#include "pass/shapes.h"

#include "pass/simplify.h"

bool pj_same_but_units(const PjType *from, const PjType *to, int32_t *map) {
  int32_t j = 0;
  for (int32_t i = 0; i < from->rank; ++i) {
    if (map)
      map[i] = -1;
    if (from->dims[i] == 1)
      continue;
    while (j < to->rank && to->dims[j] == 1)
      ++j;
    if (j == to->rank || to->dims[j] != from->dims[i])
      return false;
    if (map)
      map[i] = j;
    ++j;
  }
  while (j < to->rank && to->dims[j] == 1)
    ++j;
  return j == to->rank;
}

PjValue *pj_build_squeeze(PjRewrite *rw, PjOp *at, PjValue *x) {
  int64_t dims[PJ_MAX_RANK];
  int32_t rank = 0;
  for (int32_t i = 0; i < x->type->rank; ++i)
    if (x->type->dims[i] != 1)
      dims[rank++] = x->type->dims[i];
  return rank == x->type->rank ? x : pj_build_reshape_dims(rw, at, x, rank, dims);
}

PjOp *pj_turned_for_little(PjRewrite *rw, const PjOp *op) {
  PjOp *def = op->operands[0]->def;
  return def && def->kind == PJ_OP_TRANSPOSE && def->region == op->region &&
                 pj_rw_uses(rw, op->operands[0]) == 1 &&
                 pj_count(op->results[0].type) <= pj_count(op->operands[0]->type) / 2
             ? def
             : NULL;
}

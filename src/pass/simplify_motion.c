// Rules that move reshapes, transposes and broadcasts behind elementwise operations.
//
//   %1 = broadcast_in_dim %a, dims = [0] : tensor<8x512xf32>           %1 = rsqrt %a :
//   tensor<8xf32> %2 = rsqrt %1 : tensor<8x512xf32>                           =>    %2 =
//   broadcast_in_dim %1 ...
//
// When all operands of an elementwise operation that are not constants of equal elements are moved
// in one and the same way, the operation is done on what they were before, and its result is moved:
//   broadcasts: fewer elements to compute;
//   transposes that nobody else uses: they meet others and cancel, or reach a contraction, which
//     reads its operands in any order;
//   reshapes that add or take away dimensions of size 1 only: the same. Others stay, so that
//     reductions keep standing next to what they are fused with.
// Elements are computed by the same operations as before, so bits stay.
#include "pass/shapes.h"
#include "pass/simplify.h"

enum { MAX_OPERANDS = 3 };

// A scalar where the others are arrays: select's predicate, clamp's bounds.
static bool stands_apart(const PjOp *op, uint32_t i) {
  return op->operands[i]->type->rank == 0 && op->results[0].type->rank > 0;
}

// The operation that moves all operands that matter, or NULL.
static PjOp *common_mover(PjRewrite *rw, const PjOp *op) {
  PjOp *mover = NULL;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjOp *def = op->operands[i]->def;
    if (stands_apart(op, i) || (def && pj_const_splat(op->operands[i])))
      continue;
    if (!def || (mover && (def->kind != mover->kind ||
                           def->operands[0]->type->rank != mover->operands[0]->type->rank)))
      return NULL;
    switch (def->kind) {
    case PJ_OP_BROADCAST_IN_DIM:
      if (mover &&
          !pj_attr_eq(PJ_ATTR(def, broadcast_dimensions), PJ_ATTR(mover, broadcast_dimensions)))
        return NULL;
      break;
    case PJ_OP_TRANSPOSE: {
      uint32_t here = 0;
      for (uint32_t j = 0; j < op->num_operands; ++j)
        here += op->operands[j] == op->operands[i];
      if (pj_rw_uses(rw, op->operands[i]) != here ||
          (mover && !pj_attr_eq(PJ_ATTR(def, permutation), PJ_ATTR(mover, permutation))))
        return NULL;
      break;
    }
    case PJ_OP_RESHAPE:
      if (!pj_same_but_units(def->operands[0]->type, def->results[0].type, NULL))
        return NULL;
      break;
    default:
      return NULL;
    }
    if (mover)
      for (int32_t d = 0; d < def->operands[0]->type->rank; ++d)
        if (def->operands[0]->type->dims[d] != mover->operands[0]->type->dims[d])
          return NULL;
    mover = mover ? mover : def;
  }
  return mover;
}

bool pj_rule_motion(PjRewrite *rw, PjOp *op) {
  if (op->num_results != 1 || op->num_operands > MAX_OPERANDS)
    return false;
  PjOp *mover = common_mover(rw, op);
  if (!mover)
    return false;
  const PjType *from = mover->operands[0]->type, *type = op->results[0].type;
  PjValue *operands[MAX_OPERANDS];
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjValue *x = op->operands[i];
    const void *element = pj_const_splat(x);
    if (stands_apart(op, i))
      operands[i] = x;
    else if (element)
      operands[i] =
          pj_build_splat(rw, op, pj_type_with_dtype(rw->arena, from, x->type->dtype), element);
    else
      operands[i] = x->def->operands[0];
  }
  PjValue *y =
      pj_build_like(rw, op, op, operands, pj_type_with_dtype(rw->arena, from, type->dtype));
  return pj_rw_become(rw, op, pj_build_like(rw, op, mover, &y, type));
}

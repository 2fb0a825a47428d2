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
//   reshapes that add or take away dimensions of size 1 only: the same;
//   reshapes of such broadcasts and transposes, with these. Others stay, so that reductions keep
//     standing next to what they are fused with.
// Elements are computed by the same operations as before, so bits stay.
#include "pass/shapes.h"
#include "pass/simplify.h"

enum { MAX_OPERANDS = 3 };

// A scalar where the others are arrays: select's predicate, clamp's bounds.
static bool stands_apart(const PjOp *op, uint32_t i) {
  return op->operands[i]->type->rank == 0 && op->results[0].type->rank > 0;
}

// Whether operand |i|, all of whose uses |op| has, is used by nobody else.
static bool is_alone(PjRewrite *rw, const PjOp *op, uint32_t i) {
  uint32_t here = 0;
  for (uint32_t j = 0; j < op->num_operands; ++j)
    here += op->operands[j] == op->operands[i];
  return pj_rw_uses(rw, op->operands[i]) == here;
}

// What a reshape that is more than dimensions of size 1 reshapes, if that moves along with it:
// copies or, |alone|, a transpose.
static PjOp *moved_along(PjRewrite *rw, const PjOp *reshape, bool alone) {
  const PjValue *x = reshape->operands[0];
  PjOp *def = x->def;
  if (!def)
    return NULL;
  if (def->kind == PJ_OP_BROADCAST_IN_DIM)
    return def;
  return def->kind == PJ_OP_TRANSPOSE && alone && pj_rw_uses(rw, x) == 1 ? def : NULL;
}

static bool same_dims(const PjType *a, const PjType *b) {
  if (a->rank != b->rank)
    return false;
  for (int32_t d = 0; d < a->rank; ++d)
    if (a->dims[d] != b->dims[d])
      return false;
  return true;
}

static bool move_alike(const PjOp *a, const PjOp *b) {
  return a->kind == b->kind && same_dims(a->operands[0]->type, b->operands[0]->type) &&
         same_dims(a->results[0].type, b->results[0].type) &&
         (a->kind != PJ_OP_BROADCAST_IN_DIM ||
          pj_attr_eq(PJ_ATTR(a, broadcast_dimensions), PJ_ATTR(b, broadcast_dimensions))) &&
         (a->kind != PJ_OP_TRANSPOSE ||
          pj_attr_eq(PJ_ATTR(a, permutation), PJ_ATTR(b, permutation)));
}

// What moves all operands that matter.
typedef struct Mover {
  PjOp *last;  // or NULL: nothing does
  PjOp *first; // that a reshape comes behind, or NULL
} Mover;

static Mover common_mover(PjRewrite *rw, const PjOp *op) {
  Mover mover = {0}, none = {0};
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjOp *def = op->operands[i]->def, *first = NULL;
    if (stands_apart(op, i) || (def && pj_const_splat(op->operands[i])))
      continue;
    if (!def)
      return none;
    switch (def->kind) {
    case PJ_OP_BROADCAST_IN_DIM:
      break;
    case PJ_OP_TRANSPOSE:
      if (!is_alone(rw, op, i))
        return none;
      break;
    case PJ_OP_RESHAPE:
      if (pj_same_but_units(def->operands[0]->type, def->results[0].type, NULL))
        break;
      first = moved_along(rw, def, is_alone(rw, op, i));
      if (!first)
        return none;
      break;
    default:
      return none;
    }
    if (mover.last && (!move_alike(mover.last, def) || !mover.first != !first ||
                       (first && !move_alike(mover.first, first))))
      return none;
    if (!mover.last)
      mover = (Mover){def, first};
  }
  return mover;
}

bool pj_rule_motion(PjRewrite *rw, PjOp *op) {
  if (op->num_results != 1 || op->num_operands > MAX_OPERANDS)
    return false;
  const Mover mover = common_mover(rw, op);
  if (!mover.last)
    return false;
  const PjType *from = (mover.first ? mover.first : mover.last)->operands[0]->type,
               *type = op->results[0].type;
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
      operands[i] = mover.first ? x->def->operands[0]->def->operands[0] : x->def->operands[0];
  }
  PjValue *y =
      pj_build_like(rw, op, op, operands, pj_type_with_dtype(rw->arena, from, type->dtype));
  if (mover.first)
    y = pj_build_like(rw, op, mover.first, &y,
                      pj_type_with_dtype(rw->arena, mover.first->results[0].type, type->dtype));
  return pj_rw_become(rw, op, pj_build_like(rw, op, mover.last, &y, type));
}

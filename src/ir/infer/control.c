// Control flow, tuples, tokens, and ops that pass values on.
//
// Spec: case, if, while, optimization_barrier, tuple, get_tuple_element, after_all, async_start,
// async_done.
#include <inttypes.h>

#include "ir/verify/check.h"

static PjStatus incompatible(PjCheck *check, const PjOp *op, const char *what, uint32_t i,
                             const PjType *a, const PjType *b) {
  return PJ_WRONG(op, "%s (value %u): %s and %s", what, i, pj__type_text(check, a),
                  pj__type_text(check, b));
}

// The operands pass to the results unchanged, one to one.
PjStatus pj_infer_forward(PjCheck *check, const PjOp *op, const PjType **out) {
  PJ_REQUIRE(op, op->num_operands == op->num_results,
             "requires the same number of operands and results, but has %u and %u",
             op->num_operands, op->num_results);
  for (uint32_t i = 0; i < op->num_results; ++i)
    out[i] = pj__in(op, i);
  return NULL;
}

PjStatus pj_verify_forward(PjCheck *check, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!pj_type_eq(pj__in(op, i), pj__out(op, i)))
      return incompatible(check, op, "requires the same type for operand and result", i,
                          pj__in(op, i), pj__out(op, i));
  return NULL;
}

PjStatus pj_infer_token(PjCheck *check, const PjOp *op, const PjType **out) {
  out[0] = pj_type_simple(PJ_TYPE_TOKEN);
  return NULL;
}

// ---------------------------------------------------------------------- branches

// The least specific type that covers what all branches return as value |i|.
static PjStatus branch_type(PjCheck *check, const PjOp *op, uint32_t i, const PjType **out) {
  const PjType *type = op->regions[0].last->operands[i]->type;
  *out = type;
  if (type->kind != PJ_TYPE_TENSOR)
    return NULL;
  int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  bool differ = false;
  for (int32_t d = 0; d < type->rank; ++d) {
    dims[d] = type->dims[d];
    bounds[d] = pj__bound(type, d);
  }
  for (uint32_t k = 1; k < op->num_regions; ++k) {
    const PjType *other = op->regions[k].last->operands[i]->type;
    if (other->kind != PJ_TYPE_TENSOR || pj_type_eq(type, other))
      continue;
    differ = true;
    for (int32_t d = 0; d < type->rank; ++d)
      pj__merge_dim_least(&dims[d], &bounds[d], other->dims[d], pj__bound(other, d));
  }
  if (differ)
    *out = pj__tensor(check, type, type->rank, dims, bounds);
  return NULL;
}

PjStatus pj_infer_branches(PjCheck *check, const PjOp *op, const PjType **out) {
  PJ_REQUIRE(op, pj__in(op, 0)->rank == 0, "the operand must be a tensor of rank 0, but is %s",
             pj__type_text(check, pj__in(op, 0)));
  PJ_REQUIRE(op, op->num_regions > 0, "needs at least one branch");
  uint32_t count = op->regions[0].last->num_operands;
  for (uint32_t k = 0; k < op->num_regions; ++k) {
    const PjOp *last = op->regions[k].last;
    PJ_REQUIRE(op, op->regions[k].num_args == 0, "branch %u must have no arguments, but has %u", k,
               op->regions[k].num_args);
    PJ_REQUIRE(op, last->num_operands == count, "branch 0 and branch %u return %u and %u values", k,
               count, last->num_operands);
    for (uint32_t i = 0; i < count; ++i) {
      const PjType *first = op->regions[0].last->operands[i]->type, *type = last->operands[i]->type;
      if (!pj__types_compatible(first, type))
        return incompatible(check, op, "the branches return different types", i, first, type);
    }
  }
  PJ_REQUIRE(op, op->num_results == count,
             "the branches return %u values, but the op has %u results", count, op->num_results);
  for (uint32_t i = 0; i < count; ++i)
    PJ_TRY(branch_type(check, op, i, &out[i]));
  return NULL;
}

// ---------------------------------------------------------------------- while
static PjStatus check_loop_args(PjCheck *check, const PjOp *op, const PjRegion *region,
                                const char *name) {
  PJ_REQUIRE(op, region->num_args == op->num_operands,
             "the %s takes %u arguments, but there are %u operands", name, region->num_args,
             op->num_operands);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!pj__types_compatible(pj__in(op, i), region->args[i].type))
      return PJ_WRONG(
          op, "operands must be compatible with the arguments of the %s, but #%u is not: %s and %s",
          name, i, pj__type_text(check, pj__in(op, i)), pj__type_text(check, region->args[i].type));
  return NULL;
}

PjStatus pj_infer_while(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjRegion *cond = &op->regions[0], *body = &op->regions[1];
  uint32_t count;
  PJ_TRY(check_loop_args(check, op, cond, "condition"));
  PJ_TRY(check_loop_args(check, op, body, "body"));
  PjValue *const *returned = pj__returned(body, &count);
  PJ_REQUIRE(op, count == op->num_operands, "the body returns %u values, but there are %u operands",
             count, op->num_operands);
  for (uint32_t i = 0; i < count; ++i)
    if (!pj__types_compatible(pj__in(op, i), returned[i]->type))
      return PJ_WRONG(
          op, "operands must be compatible with what the body returns, but #%u is not: %s and %s",
          i, pj__type_text(check, pj__in(op, i)), pj__type_text(check, returned[i]->type));
  PJ_TRY(pj__check_predicate(check, op, cond, "condition"));
  return pj_infer_forward(check, op, out);
}

// ---------------------------------------------------------------------- tuples
PjStatus pj_infer_tuple(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType **types = PJ_NEW_ARRAY(check->arena, const PjType *, op->num_operands);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    types[i] = pj__in(op, i);
  out[0] = pj_type_list(check->arena, PJ_TYPE_TUPLE, op->num_operands, types);
  return NULL;
}

PjStatus pj_infer_get_tuple_element(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *tuple = pj__in(op, 0);
  PJ_TRY(pj__check_dim(op, "index", PJ_INT(op, index), tuple->num_elems,
                       "the number of elements of the tuple"));
  out[0] = tuple->elems[PJ_INT(op, index)];
  return NULL;
}

// ---------------------------------------------------------------------- async
static bool may_be_async(PjOpKind kind) {
  switch (kind) {
  case PJ_OP_ALL_GATHER:
  case PJ_OP_ALL_REDUCE:
  case PJ_OP_ALL_TO_ALL:
  case PJ_OP_COLLECTIVE_BROADCAST:
  case PJ_OP_COLLECTIVE_PERMUTE:
  case PJ_OP_COLLECTIVE_REDUCE:
  case PJ_OP_DYNAMIC_SLICE:
  case PJ_OP_DYNAMIC_UPDATE_SLICE:
  case PJ_OP_REDUCE_SCATTER:
  case PJ_OP_SLICE:
    return true;
  default:
    return false;
  }
}

PjStatus pj_infer_async_start(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjRegion *body = &op->regions[0];
  uint32_t count;
  PJ_REQUIRE(op, body->first != body->last && body->first->next == body->last,
             "its region must contain exactly one op and a return");
  PJ_REQUIRE(op, may_be_async(body->first->kind),
             "its region must contain a collective or slice op, not %s",
             pj_op_info[body->first->kind].text);
  PJ_REQUIRE(op, body->num_args == op->num_operands,
             "the number of operands (%u) must be that of the region's arguments (%u)",
             op->num_operands, body->num_args);
  for (uint32_t i = 0; i < op->num_operands; ++i)
    if (!pj_type_eq(pj__in(op, i), body->args[i].type))
      return incompatible(check, op, "operands must have the types of the region's arguments", i,
                          pj__in(op, i), body->args[i].type);
  PjValue *const *returned = pj__returned(body, &count);
  PJ_REQUIRE(op, count == 1, "its region must return exactly one value, but returns %u", count);
  PJ_REQUIRE(op, pj_type_is_tensor(returned[0]->type),
             "its region must return a ranked tensor, but returns %s",
             pj__type_text(check, returned[0]->type));
  out[0] = pj_type_list(check->arena, PJ_TYPE_FUTURE, 1, &returned[0]->type);
  return NULL;
}

PjStatus pj_infer_async_done(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *future = pj__in(op, 0);
  PJ_REQUIRE(op, future->num_elems == 1, "the future must hold exactly one value, but holds %u",
             future->num_elems);
  PJ_REQUIRE(op, op->num_results == 1, "needs 1 result, but has %u", op->num_results);
  out[0] = future->elems[0];
  return NULL;
}

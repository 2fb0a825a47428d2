// Regions that ops call: what their terminator returns, and the rules of predicates and of
// reduction bodies.
//
// Spec: reduce (C6), reduce_window (C13), scatter (C23), select_and_scatter (C10), all_reduce (C5),
// reduce_scatter (C7).
#include "ir/verify/check.h"

PjValue *const *pj__returned(const PjRegion *region, uint32_t *out_count) {
  *out_count = region->last->num_operands;
  return region->last->operands;
}

static bool is_rank0(const PjType *type) {
  return pj_type_is_scalar_tensor(type);
}

PjStatus pj__check_predicate(PjCheck *check, const PjOp *op, const PjRegion *region,
                             const char *what) {
  uint32_t count;
  PjValue *const *returned = pj__returned(region, &count);
  PJ_REQUIRE(op, count == 1, "the %s must return one value, but returns %u", what, count);
  const PjType *type = returned[0]->type;
  PJ_REQUIRE(op, is_rank0(type) && type->dtype == PJ_DT_PRED && !type->quant,
             "the %s must return tensor<i1>, but returns %s", what, pj__type_text(check, type));
  return NULL;
}

PjStatus pj__check_reducer(PjCheck *check, const PjOp *op, const PjRegion *region, uint32_t count,
                           const PjType *const *inputs, const PjType *const *inits) {
  uint32_t num_returned;
  PjValue *const *returned = pj__returned(region, &num_returned);
  PJ_REQUIRE(op, region->num_args == 2 * count,
             "the reduction body must take %u arguments, but takes %u", 2 * count,
             region->num_args);
  PJ_REQUIRE(op, num_returned == count, "the reduction body must return %u value%s, but returns %u",
             count, count == 1 ? "" : "s", num_returned);
  for (uint32_t i = 0; i < count; ++i) {
    const PjType *acc = returned[i]->type, *left = region->args[i].type,
                 *right = region->args[count + i].type;
    PJ_REQUIRE(op, is_rank0(acc),
               "the reduction body must return tensors of rank 0, but returns %s as value %u",
               pj__type_text(check, acc), i);
    PJ_REQUIRE(op, is_rank0(left),
               "argument %u of the reduction body must be a tensor of rank 0, but is %s", i,
               pj__type_text(check, left));
    PJ_REQUIRE(op, is_rank0(right),
               "argument %u of the reduction body must be a tensor of rank 0, but is %s", count + i,
               pj__type_text(check, right));
    PJ_REQUIRE(op, pj__elements_eq(acc, left),
               "argument %u of the reduction body has type %s, but the body returns %s", i,
               pj__type_text(check, left), pj__type_text(check, acc));
    PJ_REQUIRE(op, pj__same_element_but_precision(acc, right),
               "argument %u of the reduction body has type %s, but the body returns %s", count + i,
               pj__type_text(check, right), pj__type_text(check, acc));
    PJ_REQUIRE(op, pj__promotable(inits[i], acc),
               "the reduction body returns %s, to which elements of %s cannot be promoted",
               pj__type_text(check, acc), pj__type_text(check, inits[i]));
    PJ_REQUIRE(
        op, pj__promotable(inputs[i], right),
        "argument %u of the reduction body is %s, to which elements of %s cannot be promoted",
        count + i, pj__type_text(check, right), pj__type_text(check, inputs[i]));
  }
  return NULL;
}

// reduce, sort and the batch norms. Spec: reduce (C1-C8), sort (C1-C5), batch_norm_grad,
// batch_norm_inference, batch_norm_training.
#include <inttypes.h>

#include "ir/verify/check.h"

PjStatus pj_infer_reduce(PjCheck *check, const PjOp *op, const PjType **out) {
  uint32_t count = op->num_operands / 2, num_returned;
  const PjType *first = pj__in(op, 0), **inputs = PJ_NEW_ARRAY(check->arena, const PjType *, count),
               **inits = PJ_NEW_ARRAY(check->arena, const PjType *, count);
  PjInts reduced = PJ_LIST(op, dimensions);
  for (uint32_t i = 0; i < count; ++i) {
    inputs[i] = pj__in(op, i);
    inits[i] = pj__in(op, count + i);
    PJ_REQUIRE(op, pj__shapes_compatible(first, inputs[i]),
               "all inputs must have the same shape, but got %s and %s",
               pj__type_text(check, first), pj__type_text(check, inputs[i]));
  }
  PJ_TRY(pj__check_dims(op, "dimensions", reduced, first->rank, "the rank of the inputs"));
  PJ_TRY(pj__check_unique(check, op, "dimensions", reduced));
  PJ_TRY(pj__check_reducer(check, op, &op->regions[0], count, inputs, inits));
  PJ_REQUIRE(op, op->num_results == count, "needs one result per input (%u), but has %u", count,
             op->num_results);
  int64_t dims[PJ_MAX_RANK], bounds[PJ_MAX_RANK];
  int32_t rank = 0;
  for (int32_t i = 0; i < first->rank; ++i) {
    if (pj__list_has(reduced, i))
      continue;
    dims[rank] = first->dims[i];
    bounds[rank++] = pj__bound(first, i);
  }
  PjValue *const *returned = pj__returned(&op->regions[0], &num_returned);
  for (uint32_t i = 0; i < count; ++i)
    out[i] = pj__tensor(check, returned[i]->type, rank, dims, bounds);
  return NULL;
}

PjStatus pj_infer_sort(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *first = pj__in(op, 0);
  const PjRegion *comparator = &op->regions[0];
  int64_t dimension = PJ_INT(op, dimension);
  uint32_t count = op->num_operands;
  PJ_REQUIRE(op, dimension >= -first->rank && dimension < first->rank,
             "dimension must be in [-%d, %d), but is %" PRId64, first->rank, first->rank,
             dimension);
  PJ_REQUIRE(op, comparator->num_args == 2 * count,
             "the comparator must take %u arguments, but takes %u", 2 * count,
             comparator->num_args);
  for (uint32_t i = 0; i < count; ++i) {
    const PjType *in = pj__in(op, i);
    PJ_REQUIRE(op, pj__shapes_compatible(first, in),
               "all inputs must have the same shape, but got %s and %s",
               pj__type_text(check, first), pj__type_text(check, in));
    for (uint32_t j = 2 * i; j < 2 * i + 2; ++j)
      PJ_REQUIRE(op,
                 pj_type_is_scalar_tensor(comparator->args[j].type) &&
                     pj__elements_eq(comparator->args[j].type, in),
                 "argument %u of the comparator must be a tensor of rank 0 with the element type "
                 "of %s, but is %s",
                 j, pj__type_text(check, in), pj__type_text(check, comparator->args[j].type));
  }
  PJ_TRY(pj__check_predicate(check, op, comparator, "comparator"));
  PJ_REQUIRE(op, op->num_results == count, "needs one result per input (%u), but has %u", count,
             op->num_results);
  for (uint32_t i = 0; i < count; ++i)
    out[i] = pj__in(op, i);
  return NULL;
}

// ---------------------------------------------------------------------- batch norms

// Operand 0 (and |grad|, if not 0) have one shape; operands 1..|last| are vectors along its
// feature dimension.
static PjStatus batch_norm(PjCheck *check, const PjOp *op, uint32_t last, uint32_t grad,
                           const PjType **out_feature) {
  const PjType *operand = pj__in(op, 0);
  int64_t feature = PJ_INT(op, feature_index);
  PJ_TRY(pj__check_dim(op, "feature_index", feature, operand->rank, "the operand's rank"));
  for (uint32_t i = 1; i < op->num_operands; ++i)
    PJ_REQUIRE(op, pj__elements_compatible(operand, pj__in(op, i)),
               "requires compatible element types for all operands and results, but got %s and %s",
               pj__type_text(check, operand), pj__type_text(check, pj__in(op, i)));
  if (grad)
    PJ_REQUIRE(op, pj__shapes_compatible(operand, pj__in(op, grad)),
               "operand and grad_output must have the same shape, but got %s and %s",
               pj__type_text(check, operand), pj__type_text(check, pj__in(op, grad)));
  int64_t size = operand->dims[feature], bound = pj__bound(operand, feature);
  for (uint32_t i = 1; i <= last; ++i) {
    PJ_REQUIRE(op, pj__shapes_compatible(pj__in(op, 1), pj__in(op, i)),
               "the operands of rank 1 must have the same shape, but got %s and %s",
               pj__type_text(check, pj__in(op, 1)), pj__type_text(check, pj__in(op, i)));
    PJ_REQUIRE(op, pj__dims_compatible(pj__in(op, i)->dims[0], size),
               "operand #%u has type %s, but must have as many elements as dimension feature_index "
               "= %" PRId64 " of the operand, %s",
               i, pj__type_text(check, pj__in(op, i)), feature, pj__dim_text(check, size));
  }
  *out_feature = pj__tensor(check, operand, 1, &size, &bound);
  return NULL;
}

PjStatus pj_infer_batch_norm_grad(PjCheck *check, const PjOp *op, const PjType **out) {
  PJ_TRY(batch_norm(check, op, 3, 4, &out[1]));
  out[0] = pj__in(op, 0);
  out[2] = out[1];
  return NULL;
}

PjStatus pj_infer_batch_norm_inference(PjCheck *check, const PjOp *op, const PjType **out) {
  const PjType *feature;
  PJ_TRY(batch_norm(check, op, 4, 0, &feature));
  out[0] = pj__in(op, 0);
  return NULL;
}

PjStatus pj_infer_batch_norm_training(PjCheck *check, const PjOp *op, const PjType **out) {
  PJ_TRY(batch_norm(check, op, 2, 0, &out[1]));
  out[0] = pj__in(op, 0);
  out[2] = out[1];
  return NULL;
}

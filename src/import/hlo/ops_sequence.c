// Sorting and scanning.
#include <inttypes.h>

#include "import/hlo/builders.h"

PjStatus pj_hlo_build_sort(PjHloSite *s) {
  int64_t dimension;
  PJ_TRY(pj_hlo_one_dimension(s, &dimension));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_SORT, s->inst->num_operands, 1);
  PJ_HLO_SET(op, dimension, pj_attr_i64(s->h->arena, dimension));
  PJ_HLO_SET(op, is_stable, pj_attr_bool(s->h->arena, s->msg.is_stable));
  PJ_TRY(pj_hlo_region(s, 0, true, &op->regions[0]));
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- topk
// A comparator of pairs of |type| and s32: whether the first of the first two is less than the
// second.
static PjStatus less_first(PjHloSite *s, const PjType *type, PjRegion *region) {
  PjArena *arena = s->h->arena;
  const PjType *value = pj_type_tensor(arena, type->dtype, 0, NULL),
               *index = pj_type_tensor(arena, PJ_DT_S32, 0, NULL);
  pj_region_set_args(arena, region, 4, (const PjType *[]){value, value, index, index});
  PjOp *compare = pj_hlo_op(s, PJ_OP_COMPARE, 2, 1, 0);
  compare->operands[0] = &region->args[0];
  compare->operands[1] = &region->args[1];
  compare->results[0].type = pj_type_tensor(arena, PJ_DT_PRED, 0, NULL);
  PJ_HLO_SET(compare, comparison_direction,
             pj_attr_enum(arena, PJ_ENUM_COMPARE_DIRECTION, PJ_CMP_LT));
  if (pj_dtype_is_float(type->dtype))
    PJ_HLO_SET(compare, compare_type,
               pj_attr_enum(arena, PJ_ENUM_COMPARE_TYPE, PJ_CMPTYPE_TOTALORDER));
  pj_op_fill_defaults(arena, compare);
  pj_op_append(region, compare);
  PjValue *result = &compare->results[0];
  pj_hlo_return(s, region, (PjHloLeaves){&result, 1});
  return PJ_STATUS_OK;
}

// The first |k| of the last dimension of |value|.
static PjStatus take_first(PjHloSite *s, PjValue *value, int64_t k, PjValue **out) {
  const PjType *type = value->type;
  int64_t bounds[3][PJ_MAX_RANK];
  for (int32_t d = 0; d < type->rank; ++d) {
    bounds[0][d] = 0;
    bounds[1][d] = d == type->rank - 1 ? k : type->dims[d];
    bounds[2][d] = 1;
  }
  size_t rank = (size_t)type->rank;
  PjOp *op = pj_hlo_op(s, PJ_OP_SLICE, 1, 1, 0);
  op->operands[0] = value;
  PJ_HLO_SET(op, start_indices, pj_attr_ints(s->h->arena, rank, bounds[0]));
  PJ_HLO_SET(op, limit_indices, pj_attr_ints(s->h->arena, rank, bounds[1]));
  PJ_HLO_SET(op, strides, pj_attr_ints(s->h->arena, rank, bounds[2]));
  const PjType *taken = pj_type_with_dims(s->h->arena, type, type->rank, bounds[1]);
  return pj_hlo_append_one(s, op, taken, out);
}

// The smallest elements and their indices: there is no operation for them but sorting.
static PjStatus smallest(PjHloSite *s) {
  PjValue *value;
  PJ_TRY(pj_hlo_array(s, 0, &value));
  const PjType *type = value->type;
  PJ_FAIL_IF(!pj_type_is_static(type) || !type->rank, UNIMPLEMENTED, "the smallest elements of %s",
             pj_type_text(s->h->arena, type));
  PjOp *iota = pj_hlo_op(s, PJ_OP_IOTA, 0, 1, 0), *sort = pj_hlo_op(s, PJ_OP_SORT, 2, 2, 1);
  const PjAttr *last = pj_attr_i64(s->h->arena, type->rank - 1);
  sort->operands[0] = value;
  PJ_HLO_SET(iota, iota_dimension, last);
  PJ_TRY(pj_hlo_append_one(s, iota, pj_type_with_dtype(s->h->arena, type, PJ_DT_S32),
                           &sort->operands[1]));
  PJ_HLO_SET(sort, dimension, last);
  PJ_HLO_SET(sort, is_stable, pj_attr_bool(s->h->arena, true));
  PJ_TRY(less_first(s, type, &sort->regions[0]));
  for (uint32_t i = 0; i < 2; ++i)
    sort->results[i].type = sort->operands[i]->type;
  PJ_TRY(pj_hlo_append(s, sort));
  s->result = (PjHloLeaves){PJ_NEW_ARRAY(s->h->arena, PjValue *, 2), 2};
  for (uint32_t i = 0; i < 2; ++i)
    PJ_TRY(take_first(s, &sort->results[i], s->msg.k, &s->result.v[i]));
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_topk(PjHloSite *s) {
  if (!s->msg.largest)
    return smallest(s);
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_CHLO_TOP_K, 2, 0);
  PJ_HLO_SET(op, k, pj_attr_i64(s->h->arena, s->msg.k));
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- scan
PjStatus pj_hlo_build_scan(PjHloSite *s) {
  enum { TRUE = 1, FALSE = 2 };
  int64_t dimension;
  PjArena *arena = s->h->arena;
  PJ_TRY(pj_hlo_one_dimension(s, &dimension));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_CHLO_SCAN, s->inst->shape->num_leaves, 1);
  PJ_HLO_SET(op, dimension, pj_attr_i64(arena, dimension));
  PJ_HLO_SET(op, is_reverse, pj_attr_bool(arena, s->msg.is_reverse));
  if (s->msg.is_associative == TRUE || s->msg.is_associative == FALSE)
    PJ_HLO_SET(op, is_associative, pj_attr_bool(arena, s->msg.is_associative == TRUE));
  PJ_TRY(pj_hlo_region(s, 0, false, &op->regions[0]));
  PJ_FAIL_IF(s->msg.num_carries != pj_op_scan_carries(op), UNIMPLEMENTED,
             "num_carries is %" PRId64 ", but %u operands keep their rank", s->msg.num_carries,
             pj_op_scan_carries(op));
  return pj_hlo_finish(s, op);
}

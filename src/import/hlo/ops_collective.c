// Collectives.
#include <inttypes.h>

#include "import/hlo/builders.h"

static int64_t channel(const PjHloSite *s) {
  int64_t id = s->msg.channel_id > 0 ? s->msg.channel_id : s->msg.all_reduce_id;
  return id > 0 ? id : 0;
}

// What most have in common: groups, channel, device numbering.
static PjStatus set_participants(PjHloSite *s, PjOp *op) {
  const PjAttr *groups;
  PJ_TRY(pj_hlo_groups(s, &groups));
  PJ_HLO_SET(op, replica_groups, groups);
  PJ_HLO_SET(op, channel_id, pj_attr_i64(s->h->arena, channel(s)));
  PJ_HLO_SET(op, use_global_device_ids,
             pj_attr_bool(s->h->arena, s->msg.use_global_device_ids && channel(s)));
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_all_gather(PjHloSite *s) {
  int64_t dimension;
  PJ_TRY(pj_hlo_one_dimension(s, &dimension));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_ALL_GATHER, s->inst->num_operands, 0);
  PJ_HLO_SET(op, all_gather_dim, pj_attr_i64(s->h->arena, dimension));
  PJ_TRY(set_participants(s, op));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_all_reduce(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_ALL_REDUCE, s->inst->num_operands, 1);
  PJ_TRY(set_participants(s, op));
  PJ_TRY(pj_hlo_region(s, 0, true, &op->regions[0]));
  return pj_hlo_finish(s, op);
}

// Ours takes one array, HLO's also several: one operation for each.
PjStatus pj_hlo_build_reduce_scatter(PjHloSite *s) {
  int64_t dimension;
  uint32_t count = s->inst->num_operands;
  PJ_TRY(pj_hlo_one_dimension(s, &dimension));
  PJ_FAIL_IF(s->inst->shape->num_leaves != count, INVALID_ARGUMENT,
             "its shape has %u arrays, but %u are reduced", s->inst->shape->num_leaves, count);
  const PjType **types = PJ_NEW_ARRAY(s->h->arena, const PjType *, count);
  PjValue **results = PJ_NEW_ARRAY(s->h->arena, PjValue *, count);
  pj_hlo_shape_leaves(s->inst->shape, types);
  for (uint32_t i = 0; i < count; ++i) {
    PjOp *op = pj_hlo_op(s, PJ_OP_REDUCE_SCATTER, 1, 1, 1);
    PJ_TRY(pj_hlo_array(s, i, &op->operands[0]));
    PJ_HLO_SET(op, scatter_dimension, pj_attr_i64(s->h->arena, dimension));
    PJ_TRY(set_participants(s, op));
    PJ_TRY(pj_hlo_region(s, 0, true, &op->regions[0]));
    PJ_TRY(pj_hlo_append_one(s, op, types[i], &results[i]));
  }
  s->result = (PjHloLeaves){results, count};
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_collective_broadcast(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_COLLECTIVE_BROADCAST, s->inst->num_operands, 0);
  PJ_TRY(set_participants(s, op));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_collective_permute(PjHloSite *s) {
  const PjAttr *pairs;
  PJ_TRY(pj_hlo_pairs(s, &pairs));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_COLLECTIVE_PERMUTE, 1, 0);
  PJ_HLO_SET(op, source_target_pairs, pairs);
  PJ_HLO_SET(op, channel_id, pj_attr_i64(s->h->arena, channel(s)));
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- all-to-all
static PjStatus exchange(PjHloSite *s, PjOp *op, int64_t dimension, int64_t parts) {
  PJ_HLO_SET(op, split_dimension, pj_attr_i64(s->h->arena, dimension));
  PJ_HLO_SET(op, concat_dimension, pj_attr_i64(s->h->arena, dimension));
  PJ_HLO_SET(op, split_count, pj_attr_i64(s->h->arena, parts));
  return set_participants(s, op);
}

// |type| with a dimension of |size| before its own.
static const PjType *stacked(PjHloSite *s, const PjType *type, int64_t size) {
  int64_t dims[PJ_MAX_RANK] = {size};
  if (type->rank)
    memcpy(dims + 1, type->dims, (size_t)type->rank * sizeof *dims);
  return pj_type_tensor(s->h->arena, type->dtype, type->rank + 1, dims);
}

// Row |i| of |stack|, an array of |type|.
static PjStatus take_row(PjHloSite *s, PjValue *stack, int64_t i, const PjType *type,
                         PjValue **out) {
  PjArena *arena = s->h->arena;
  int64_t bounds[3][PJ_MAX_RANK];
  size_t rank = (size_t)type->rank + 1;
  for (size_t d = 0; d < rank; ++d) {
    bounds[0][d] = d ? 0 : i;
    bounds[1][d] = d ? type->dims[d - 1] : i + 1;
    bounds[2][d] = 1;
  }
  PjOp *slice = pj_hlo_op(s, PJ_OP_SLICE, 1, 1, 0), *reshape = pj_hlo_op(s, PJ_OP_RESHAPE, 1, 1, 0);
  slice->operands[0] = stack;
  PJ_HLO_SET(slice, start_indices, pj_attr_ints(arena, rank, bounds[0]));
  PJ_HLO_SET(slice, limit_indices, pj_attr_ints(arena, rank, bounds[1]));
  PJ_HLO_SET(slice, strides, pj_attr_ints(arena, rank, bounds[2]));
  PJ_TRY(pj_hlo_append_one(s, slice, stacked(s, type, 1), &reshape->operands[0]));
  return pj_hlo_append_one(s, reshape, type, out);
}

// The form with a tuple: operand i goes to participant i, result j comes from participant j. The
// same with the operands as rows of one array.
static PjStatus exchange_tuple(PjHloSite *s) {
  uint32_t count = s->inst->num_operands;
  PjHloLeaves all = pj_hlo_gather_leaves(s, 0, count);
  if (count == 1) {
    s->result = all;
    return PJ_STATUS_OK;
  }
  PjValue *first;
  PJ_TRY(pj_hlo_array(s, 0, &first));
  const PjType *type = first->type;
  PJ_FAIL_IF(!pj_type_is_static(type) || type->rank == PJ_MAX_RANK, UNIMPLEMENTED,
             "an all-to-all of tuples of %s", pj_type_text(s->h->arena, type));
  PjOp *stack = pj_hlo_op(s, PJ_OP_CONCATENATE, count, 1, 0),
       *op = pj_hlo_op(s, PJ_OP_ALL_TO_ALL, 1, 1, 0);
  for (uint32_t i = 0; i < count; ++i) {
    PjOp *reshape = pj_hlo_op(s, PJ_OP_RESHAPE, 1, 1, 0);
    PJ_TRY(pj_hlo_array(s, i, &reshape->operands[0]));
    PJ_TRY(pj_hlo_append_one(s, reshape, stacked(s, type, 1), &stack->operands[i]));
  }
  const PjType *rows = stacked(s, type, count);
  PjValue *exchanged;
  PJ_HLO_SET(stack, dimension, pj_attr_i64(s->h->arena, 0));
  PJ_TRY(pj_hlo_append_one(s, stack, rows, &op->operands[0]));
  PJ_TRY(exchange(s, op, 0, count));
  PJ_TRY(pj_hlo_append_one(s, op, rows, &exchanged));
  s->result = (PjHloLeaves){PJ_NEW_ARRAY(s->h->arena, PjValue *, count), count};
  for (uint32_t i = 0; i < count; ++i)
    PJ_TRY(take_row(s, exchanged, i, type, &s->result.v[i]));
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_all_to_all(PjHloSite *s) {
  int64_t dimension;
  const PjAttr *groups;
  if (!s->msg.dimensions.len)
    return exchange_tuple(s);
  PJ_TRY(pj_hlo_one_dimension(s, &dimension));
  PJ_TRY(pj_hlo_groups(s, &groups));
  int64_t parts = groups->columns > 0 ? groups->columns : s->h->config.replica_count;
  PJ_FAIL_IF(parts < 1, UNIMPLEMENTED, "an all-to-all that does not say among how many devices");
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_ALL_TO_ALL, s->inst->num_operands, 0);
  PJ_TRY(exchange(s, op, dimension, parts));
  return pj_hlo_finish(s, op);
}

// A matrix as an attribute that can stand in a dictionary.
static const PjAttr *as_elements(PjHloSite *s, const PjAttr *matrix) {
  int64_t columns = matrix->columns > 0 ? matrix->columns : 0;
  int64_t dims[2] = {columns ? matrix->count / columns : 0, columns};
  const PjType *type = pj_type_tensor(s->h->arena, PJ_DT_S64, 2, dims);
  size_t size = matrix->count * sizeof *matrix->ints;
  bool splat =
      matrix->count > 1 && !memcmp(matrix->ints, matrix->ints + 1, size - sizeof *matrix->ints);
  const void *data = size ? matrix->ints : pj_arena_alloc(s->h->arena, 1);
  return pj_attr_elements(s->h->arena, type, data, splat ? sizeof *matrix->ints : size, splat);
}

// There is no such operation, but a call (eval/ragged_all_to_all.c).
PjStatus pj_hlo_build_ragged_all_to_all(PjHloSite *s) {
  PjArena *arena = s->h->arena;
  const PjAttr *groups;
  PJ_TRY(pj_hlo_groups(s, &groups));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_CUSTOM_CALL, 1, 0);
  PJ_HLO_SET(op, call_target_name, pj_attr_string(arena, PJ_STR("ragged_all_to_all")));
  PJ_HLO_SET(op, api_version, pj_attr_enum(arena, PJ_ENUM_API_VERSION, PJ_API_TYPED_FFI));
  PjStr names[] = {PJ_STR("replica_groups"), PJ_STR("channel_id")};
  const PjAttr *values[] = {as_elements(s, groups), pj_attr_i64(arena, channel(s))};
  PJ_HLO_SET(op, backend_config, pj_attr_dict(arena, 2, names, values));
  return pj_hlo_finish(s, op);
}

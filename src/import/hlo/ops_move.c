// Opcodes that move elements: slices, pads, gathers, bitcasts.
#include <inttypes.h>

#include "import/hlo/builders.h"

PjStatus pj_hlo_one_dimension(PjHloSite *s, int64_t *out) {
  *out = 0;
  PJ_FAIL_IF(s->msg.dimensions.len != 1, INVALID_ARGUMENT, "it has %zu dimensions, expected one",
             s->msg.dimensions.len);
  *out = s->msg.dimensions.data[0];
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_broadcast(PjHloSite *s) {
  PjValue *value;
  const PjType *type;
  PJ_TRY(pj_hlo_array(s, 0, &value));
  PJ_TRY(pj_hlo_result_type(s, &type));
  PjHloInts dims = s->msg.dimensions;
  bool fits = type->kind == PJ_TYPE_TENSOR && dims.len == (uint32_t)value->type->rank;
  for (uint32_t i = 0; fits && i < dims.len; ++i)
    fits = dims.data[i] >= 0 && dims.data[i] < type->rank &&
           (value->type->dims[i] == type->dims[dims.data[i]] || value->type->dims[i] == PJ_DYN ||
            type->dims[dims.data[i]] == PJ_DYN);
  PJ_FAIL_IF(!fits, INVALID_ARGUMENT, "%s cannot be broadcast to %s along its dimensions",
             pj_type_text(s->h->arena, value->type), pj_type_text(s->h->arena, type));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_BROADCAST_IN_DIM, 1, 0);
  PJ_HLO_SET(op, broadcast_dimensions, pj_hlo_ints_attr(s, dims));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_transpose(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_TRANSPOSE, 1, 0);
  PJ_HLO_SET(op, permutation, pj_hlo_ints_attr(s, s->msg.dimensions));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_reverse(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_REVERSE, 1, 0);
  PJ_HLO_SET(op, dimensions, pj_hlo_ints_attr(s, s->msg.dimensions));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_concatenate(PjHloSite *s) {
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_CONCATENATE, 1, 0);
  int64_t dimension;
  PJ_TRY(pj_hlo_one_dimension(s, &dimension));
  PJ_HLO_SET(op, dimension, pj_attr_i64(s->h->arena, dimension));
  return pj_hlo_finish(s, op);
}

// A message of three numbers for each dimension, whatever they mean.
typedef struct Triple {
  int64_t first, second, third;
} Triple;

// Sets |keys| of |op| to the first, second and third numbers of |messages|.
static PjStatus set_triples(PjHloSite *s, PjOp *op, const PjHloSlices *messages,
                            PjStatus (*read)(PjHlo *h, PjStr bytes, Triple *out),
                            const PjKey keys[3]) {
  size_t rank = messages->len;
  int64_t *lists[3];
  for (int k = 0; k < 3; ++k)
    lists[k] = PJ_NEW_ARRAY(s->h->arena, int64_t, rank);
  for (size_t i = 0; i < rank; ++i) {
    Triple t;
    PJ_TRY(read(s->h, messages->data[i], &t));
    lists[0][i] = t.first;
    lists[1][i] = t.second;
    lists[2][i] = t.third;
  }
  for (int k = 0; k < 3; ++k)
    pj_op_set_attr(op, keys[k], pj_attr_ints(s->h->arena, rank, lists[k]));
  return PJ_STATUS_OK;
}

static PjStatus read_slice(PjHlo *h, PjStr bytes, Triple *out) {
  PjHloSliceDimensionMsg msg = {0};
  PJ_TRY(pj_hlo_decode(h, bytes, PJ_HLO_SliceDimension, &msg));
  *out = (Triple){msg.start, msg.limit, msg.stride};
  return PJ_STATUS_OK;
}

static PjStatus read_padding(PjHlo *h, PjStr bytes, Triple *out) {
  PjHloPaddingDimensionMsg msg = {0};
  PJ_TRY(pj_hlo_decode(h, bytes, PJ_HLO_PaddingDimension, &msg));
  *out = (Triple){msg.low, msg.high, msg.interior};
  return PJ_STATUS_OK;
}

PjStatus pj_hlo_build_slice(PjHloSite *s) {
  static const PjKey keys[3] = {PJ_KEY_start_indices, PJ_KEY_limit_indices, PJ_KEY_strides};
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_SLICE, 1, 0);
  PJ_TRY(set_triples(s, op, &s->msg.slice_dimensions, read_slice, keys));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_pad(PjHloSite *s) {
  static const PjKey keys[3] = {PJ_KEY_edge_padding_low, PJ_KEY_edge_padding_high,
                                PJ_KEY_interior_padding};
  PjHloPaddingMsg config = {0};
  PJ_TRY(pj_hlo_decode(s->h, s->msg.padding_config, PJ_HLO_Padding, &config));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_PAD, 1, 0);
  PJ_TRY(set_triples(s, op, &config.dimensions, read_padding, keys));
  return pj_hlo_finish(s, op);
}

// Element |i| of a vector of indices, as a scalar.
static PjStatus take_index(PjHloSite *s, PjValue *vector, int64_t i, PjValue **out) {
  PjArena *arena = s->h->arena;
  PjOp *slice = pj_hlo_op(s, PJ_OP_SLICE, 1, 1, 0), *reshape = pj_hlo_op(s, PJ_OP_RESHAPE, 1, 1, 0);
  int64_t limit = i + 1, one = 1;
  slice->operands[0] = vector;
  PJ_HLO_SET(slice, start_indices, pj_attr_ints(arena, 1, &i));
  PJ_HLO_SET(slice, limit_indices, pj_attr_ints(arena, 1, &limit));
  PJ_HLO_SET(slice, strides, pj_attr_ints(arena, 1, &one));
  PJ_TRY(pj_hlo_append_one(s, slice, pj_type_tensor(arena, vector->type->dtype, 1, &one),
                           &reshape->operands[0]));
  return pj_hlo_append_one(s, reshape, pj_type_tensor(arena, vector->type->dtype, 0, NULL), out);
}

// dynamic-slice and dynamic-update-slice. Their indices are scalars, or, in an old form, one
// vector.
PjStatus pj_hlo_build_dynamic_slice(PjHloSite *s) {
  PjOpKind kind = s->inst->row->kind;
  uint32_t arrays = kind == PJ_OP_DYNAMIC_SLICE ? 1 : 2;
  PjValue *value, *indices = NULL;
  PJ_TRY(pj_hlo_array(s, 0, &value));
  if (s->inst->num_operands == arrays + 1)
    PJ_TRY(pj_hlo_array(s, arrays, &indices));
  bool old = indices && pj_type_is_static(indices->type) && indices->type->rank == 1;
  PjOp *op;
  if (old) {
    PJ_FAIL_IF(indices->type->dims[0] > PJ_MAX_RANK, INVALID_ARGUMENT,
               "a vector of %" PRId64 " indices", indices->type->dims[0]);
    uint32_t count = (uint32_t)indices->type->dims[0];
    op = pj_hlo_op(s, kind, arrays + count, 1, 0);
    for (uint32_t i = 0; i < arrays; ++i)
      PJ_TRY(pj_hlo_array(s, i, &op->operands[i]));
    for (uint32_t i = 0; i < count; ++i)
      PJ_TRY(take_index(s, indices, i, &op->operands[arrays + i]));
  } else {
    op = pj_hlo_op_on_all(s, kind, 1, 0);
  }
  if (kind == PJ_OP_DYNAMIC_SLICE)
    PJ_HLO_SET(op, slice_sizes, pj_hlo_ints_attr(s, s->msg.dynamic_slice_sizes));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_gather(PjHloSite *s) {
  PjHloGatherNumbersMsg msg = {0};
  PjArena *arena = s->h->arena;
  PJ_TRY(pj_hlo_decode(s->h, s->msg.gather_dimension_numbers, PJ_HLO_GatherNumbers, &msg));
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_GATHER, 1, 0);
  PJ_HLO_SET(op, offset_dims, pj_hlo_ints_attr(s, msg.offset_dims));
  PJ_HLO_SET(op, collapsed_slice_dims, pj_hlo_ints_attr(s, msg.collapsed_slice_dims));
  PJ_HLO_SET(op, operand_batching_dims, pj_hlo_ints_attr(s, msg.operand_batching_dims));
  PJ_HLO_SET(op, start_indices_batching_dims, pj_hlo_ints_attr(s, msg.start_indices_batching_dims));
  PJ_HLO_SET(op, start_index_map, pj_hlo_ints_attr(s, msg.start_index_map));
  PJ_HLO_SET(op, index_vector_dim, pj_attr_i64(arena, msg.index_vector_dim));
  PJ_HLO_SET(op, slice_sizes, pj_hlo_ints_attr(s, s->msg.gather_slice_sizes));
  PJ_HLO_SET(op, indices_are_sorted, pj_attr_bool(arena, s->msg.indices_are_sorted));
  return pj_hlo_finish(s, op);
}

PjStatus pj_hlo_build_scatter(PjHloSite *s) {
  PjHloScatterNumbersMsg msg = {0};
  PjArena *arena = s->h->arena;
  PJ_TRY(pj_hlo_decode(s->h, s->msg.scatter_dimension_numbers, PJ_HLO_ScatterNumbers, &msg));
  PJ_FAIL_IF(s->inst->num_operands % 2 == 0, INVALID_ARGUMENT,
             "%u operands, expected as many updates as inputs", s->inst->num_operands);
  PjOp *op = pj_hlo_op_on_all(s, PJ_OP_SCATTER, s->inst->num_operands / 2, 1);
  PJ_HLO_SET(op, update_window_dims, pj_hlo_ints_attr(s, msg.update_window_dims));
  PJ_HLO_SET(op, inserted_window_dims, pj_hlo_ints_attr(s, msg.inserted_window_dims));
  PJ_HLO_SET(op, input_batching_dims, pj_hlo_ints_attr(s, msg.input_batching_dims));
  PJ_HLO_SET(op, scatter_indices_batching_dims,
             pj_hlo_ints_attr(s, msg.scatter_indices_batching_dims));
  PJ_HLO_SET(op, scatter_dims_to_operand_dims,
             pj_hlo_ints_attr(s, msg.scatter_dims_to_operand_dims));
  PJ_HLO_SET(op, index_vector_dim, pj_attr_i64(arena, msg.index_vector_dim));
  PJ_HLO_SET(op, indices_are_sorted, pj_attr_bool(arena, s->msg.indices_are_sorted));
  PJ_HLO_SET(op, unique_indices, pj_attr_bool(arena, s->msg.unique_indices));
  PJ_TRY(pj_hlo_region(s, 0, true, &op->regions[0]));
  return pj_hlo_finish(s, op);
}

// ---------------------------------------------------------------------- bitcast
// A transposition of |value| by |permutation|; |value| itself where that changes nothing.
static PjStatus transpose(PjHloSite *s, PjValue *value, const int64_t *permutation, PjValue **out) {
  const PjType *type = value->type;
  int64_t dims[PJ_MAX_RANK];
  bool same = true;
  for (int32_t i = 0; i < type->rank; ++i) {
    dims[i] = type->dims[permutation[i]];
    same &= permutation[i] == i;
  }
  *out = value;
  if (same)
    return PJ_STATUS_OK;
  PjOp *op = pj_hlo_op(s, PJ_OP_TRANSPOSE, 1, 1, 0);
  op->operands[0] = value;
  PJ_HLO_SET(op, permutation, pj_attr_ints(s->h->arena, (size_t)type->rank, permutation));
  return pj_hlo_append_one(s, op, pj_type_tensor(s->h->arena, type->dtype, type->rank, dims), out);
}

// The same memory seen in another shape, layout or element type: elements in the order of the
// operand's memory, taken in the order of the result's.
PjStatus pj_hlo_build_bitcast(PjHloSite *s) {
  PjArena *arena = s->h->arena;
  const PjHloShape *from = s->frame->comp->insts[s->inst->operands[0]].shape, *to = s->inst->shape;
  PjValue *value;
  const PjType *type;
  PJ_TRY(pj_hlo_array(s, 0, &value));
  PJ_TRY(pj_hlo_result_type(s, &type));
  PJ_FAIL_IF(!pj_type_is_static(type) || !pj_type_is_static(value->type) ||
                 pj_dtype_bits(type->dtype) != pj_dtype_bits(value->type->dtype),
             UNIMPLEMENTED, "a bitcast from %s to %s", pj_type_text(arena, value->type),
             pj_type_text(arena, type));
  int64_t order[PJ_MAX_RANK], dims[PJ_MAX_RANK], back[PJ_MAX_RANK];
  for (int32_t i = 0, rank = value->type->rank; i < rank; ++i)
    order[i] = from->layout ? from->layout[rank - 1 - i] : i;
  for (int32_t i = 0, rank = type->rank; i < rank; ++i) {
    int64_t dim = to->layout ? to->layout[rank - 1 - i] : i;
    dims[i] = type->dims[dim];
    back[dim] = i;
  }
  PJ_TRY(transpose(s, value, order, &value));
  PjOp *reshape = pj_hlo_op(s, PJ_OP_RESHAPE, 1, 1, 0);
  reshape->operands[0] = value;
  const PjType *lying = pj_type_tensor(arena, value->type->dtype, type->rank, dims);
  PJ_TRY(pj_hlo_append_one(s, reshape, lying, &value));
  PJ_TRY(transpose(s, value, back, &value));
  if (value->type->dtype != type->dtype) {
    PjOp *convert = pj_hlo_op(s, PJ_OP_BITCAST_CONVERT, 1, 1, 0);
    convert->operands[0] = value;
    PJ_TRY(pj_hlo_append_one(s, convert, type, &value));
  }
  pj_hlo_set_result(s, value);
  return PJ_STATUS_OK;
}

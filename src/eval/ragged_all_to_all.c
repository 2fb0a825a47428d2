// ragged_all_to_all: everybody sends pieces of different sizes to everybody.
//
// There is no operation for it; JAX and XLA write a custom call (jax.lax.ragged_all_to_all, XLA's
// HloRaggedAllToAllInstruction) of the operand, the array that the results begin as, and four
// vectors of integers, with one entry, or an equal number of them, for each member of the group:
//
//   input_offsets   rows of the operand from which a piece for the member begins
//   send_sizes      its rows
//   output_offsets  rows of the member's result at which it begins there
//   recv_sizes      rows that come from the member: what it sends, so nothing here needs them
//
// backend_config: {replica_groups, channel_id}.
#include <string.h>

#include "eval/grid.h"
#include "eval/structure.h"

enum { OPERAND, OUTPUT, INPUT_OFFSETS, SEND_SIZES, OUTPUT_OFFSETS, RECV_SIZES, NUM_OPERANDS };

static size_t row_bytes(const PjTensor *tensor) {
  return tensor->dims[0] ? tensor->bytes / (size_t)tensor->dims[0] : 0;
}

static bool holds(const PjTensor *tensor, int64_t begin, int64_t rows) {
  return begin >= 0 && rows >= 0 && begin <= tensor->dims[0] && rows <= tensor->dims[0] - begin;
}

// One of what |from| sends to |to|.
static PjStatus send_piece(const PjOp *op, PjTensor *const *in, int64_t entry, uint32_t from,
                           uint32_t to, PjTensor *out) {
  int64_t begin = pj_index_at(in[INPUT_OFFSETS], entry), rows = pj_index_at(in[SEND_SIZES], entry),
          at = pj_index_at(in[OUTPUT_OFFSETS], entry);
  const PjTensor *operand = in[OPERAND];
  if (!holds(operand, begin, rows) || !holds(out, at, rows))
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "member %u sends %lld rows from %lld on to member %u, at %lld; arrays have "
                       "%lld and %lld rows",
                       from, (long long)rows, (long long)begin, to, (long long)at,
                       (long long)operand->dims[0], (long long)out->dims[0]);
  size_t bytes = row_bytes(operand);
  if (rows && bytes)
    memcpy((char *)out->data + (size_t)at * bytes,
           (const char *)operand->data + (size_t)begin * bytes, (size_t)rows * bytes);
  return PJ_STATUS_OK;
}

static PjStatus exchange(PjEval *ev, const PjOp *op, const PjGroup *group,
                         PjTensor *const *const *in, PjTensor ***out) {
  int64_t entries = in[0][INPUT_OFFSETS]->count, each = entries / group->size;
  if (entries % group->size)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "%lld offsets for a group of %u", (long long)entries,
                       group->size);
  for (uint32_t m = 0; m < group->size; ++m) {
    const PjTensor *start = in[m][OUTPUT];
    out[m][0] = pj_eval_new_like(ev, start->dtype, start);
    if (start->bytes)
      memcpy(out[m][0]->data, start->data, start->bytes);
    for (uint32_t from = 0; from < group->size; ++from)
      for (int64_t i = 0; i < each; ++i)
        PJ_TRY(send_piece(op, in[from], m * each + i, from, m, out[m][0]));
  }
  return PJ_STATUS_OK;
}

static bool is_vector(const PjTensor *tensor) {
  PjDtypeClass class = pj_dtype_class(tensor->dtype);
  return tensor->kind == PJ_TENSOR_ARRAY && tensor->rank == 1 &&
         (class == PJ_CLASS_SINT || class == PJ_CLASS_UINT);
}

static PjStatus check(const PjOp *op, PjTensor *const *in) {
  bool good = op->num_operands == NUM_OPERANDS && op->num_results == 1;
  for (uint32_t i = INPUT_OFFSETS; good && i < NUM_OPERANDS; ++i)
    good = is_vector(in[i]) && in[i]->count == in[INPUT_OFFSETS]->count;
  const PjTensor *a = good ? in[OPERAND] : NULL, *b = good ? in[OUTPUT] : NULL;
  good = good && a->kind == PJ_TENSOR_ARRAY && b->kind == PJ_TENSOR_ARRAY && a->dtype == b->dtype &&
         a->rank == b->rank && a->rank > 0 &&
         !memcmp(a->dims + 1, b->dims + 1, (size_t)(a->rank - 1) * sizeof *a->dims);
  if (good)
    return PJ_STATUS_OK;
  return PJ_OP_ERROR(
      op, INVALID_ARGUMENT,
      "ragged_all_to_all takes two arrays that differ in their rows at most and four "
      "vectors of integers, of one size, and has one result");
}

// The groups as collectives have them.
static const PjAttr *groups_of(PjEval *ev, const PjOp *op) {
  const PjAttr *config = PJ_ATTR(op, backend_config),
               *groups = pj_attr_get(config, "replica_groups");
  if (!groups || groups->kind != PJ_ATTR_ELEMENTS || groups->type->dtype != PJ_DT_S64 ||
      groups->type->rank != 2)
    return NULL;
  int64_t rows = groups->type->dims[0], columns = groups->type->dims[1];
  if (rows < 0 || columns <= 0 || rows > UINT32_MAX / columns)
    return NULL;
  size_t count = (size_t)(rows * columns);
  int64_t *ids = PJ_NEW_ARRAY(ev->arena, int64_t, count + 1);
  for (size_t i = 0; i < count; ++i)
    ids[i] = ((const int64_t *)groups->data)[groups->splat ? 0 : i];
  return pj_attr_matrix(ev->arena, (size_t)rows, (size_t)columns, ids);
}

PjStatus pj__ragged_all_to_all(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out,
                               void *user) {
  (void)user;
  PJ_TRY(check(op, in));
  const PjAttr *groups = groups_of(ev, op);
  if (!groups)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                       "ragged_all_to_all wants backend_config = {replica_groups = dense<...> : "
                       "tensor<NxMxi64>}");
  const PjAttr *channel = pj_attr_get(PJ_ATTR(op, backend_config), "channel_id");
  int64_t id = channel && channel->kind == PJ_ATTR_INT ? channel->i64 : 0;
  return pj__grid_exchange(ev, op, groups, id, in, out, exchange);
}

// Loops that apply exchanges of rows one after the other, as LU factors need them for a batch:
//
//   while (i = 0, rows) cond { i < k } do {
//     j = at[:, i]; j = select(j < 0, j + n, j)
//     old = rows[:, i]; new = gather rows at j, element by element of the batch
//     rows = scatter(dynamic_update_slice(rows, new, i), j, old); i = i + 1
//   }
//
// |at| is captured. The body holds nothing else, so the loop has no other effect.
#include "pass/match_exchange.h"

#include "pass/body.h"
#include "pass/constant.h"
#include "pass/match.h"

typedef struct Exchange {
  const PjOp *loop;
  const PjRegion *body;
  const PjValue *counter, *rows;
  int64_t batch, n;
} Exchange;

static const PjOp *made_by(const Exchange *e, const PjValue *value, PjOpKind kind) {
  return value->def && value->def->region == e->body && value->def->kind == kind ? value->def
                                                                                 : NULL;
}

static bool is_shape(const PjValue *value, int32_t rank, int64_t first, int64_t second) {
  const PjType *type = value->type;
  return type->kind == PJ_TYPE_TENSOR && pj_type_is_static(type) && !type->quant &&
         type->dtype == PJ_DT_S32 && type->rank == rank && type->dims[0] == first &&
         (rank < 2 || type->dims[1] == second);
}

static bool is_list(const PjOp *op, PjKey key, uint32_t count, int64_t value) {
  uint32_t have;
  const int64_t *list = pj_op_ints(op, key, &have);
  return have == count && (!count || list[0] == value);
}

// Starts 0 and the counter, |at| being the first of the two operands.
static bool starts_at_counter(const Exchange *e, const PjOp *op, uint32_t at) {
  int64_t zero;
  return op->num_operands == at + 2 && pj_const_int(op->operands[at], &zero) && !zero &&
         op->operands[at + 1] == e->counter;
}

// array[:, i]
static const PjOp *column_of(const Exchange *e, const PjValue *value) {
  const PjOp *slice = made_by(e, value, PJ_OP_DYNAMIC_SLICE);
  return slice && is_shape(value, 2, e->batch, 1) && starts_at_counter(e, slice, 1) ? slice : NULL;
}

// |value| is j, made of at[:, i]: returns at.
static PjValue *match_places(const Exchange *e, const PjValue *value, bool *out_wraps) {
  const PjOp *select = made_by(e, value, PJ_OP_SELECT);
  *out_wraps = select != NULL;
  if (select) {
    const PjOp *less = made_by(e, select->operands[0], PJ_OP_COMPARE),
               *sum = made_by(e, select->operands[1], PJ_OP_ADD);
    int64_t n;
    value = select->operands[2];
    if (!less || !sum || less->operands[0] != value || sum->operands[0] != value ||
        PJ_INT(less, comparison_direction) != PJ_CMP_LT || !pj_const_is_zero(less->operands[1]) ||
        !pj_const_int(sum->operands[1], &n) || n != e->n)
      return NULL;
  }
  const PjOp *slice = column_of(e, value);
  if (!slice || slice->operands[0]->region == e->body ||
      (slice->operands[0]->def && slice->operands[0]->def->region == e->body))
    return NULL;
  return slice->operands[0];
}

static bool match_gather(const Exchange *e, const PjOp *op, const PjValue *places) {
  uint32_t count;
  const int64_t *sizes = PJ_INTS(op, slice_sizes, &count);
  return op->operands[0] == e->rows && op->operands[1] == places && count == 2 && sizes[0] == 1 &&
         sizes[1] == 1 && is_list(op, PJ_KEY_offset_dims, 1, 1) &&
         is_list(op, PJ_KEY_collapsed_slice_dims, 0, 0) &&
         is_list(op, PJ_KEY_operand_batching_dims, 1, 0) &&
         is_list(op, PJ_KEY_start_indices_batching_dims, 1, 0) &&
         is_list(op, PJ_KEY_start_index_map, 1, 1) && PJ_INT(op, index_vector_dim) == 1;
}

static bool match_scatter(const PjOp *op) {
  return op->num_results == 1 && pj_region_argument(&op->regions[0]) == 1 &&
         is_list(op, PJ_KEY_update_window_dims, 0, 0) &&
         is_list(op, PJ_KEY_inserted_window_dims, 1, 1) &&
         is_list(op, PJ_KEY_input_batching_dims, 1, 0) &&
         is_list(op, PJ_KEY_scatter_indices_batching_dims, 1, 0) &&
         is_list(op, PJ_KEY_scatter_dims_to_operand_dims, 1, 1) &&
         PJ_INT(op, index_vector_dim) == 1;
}

static bool is_pure(const PjRegion *region) {
  for (const PjOp *op = region->first; op; op = op->next)
    if (op->kind != PJ_OP_RETURN && (!(pj_op_info[op->kind].traits & PJ_TRAIT_PURE) ||
                                     (op->num_regions && op->kind != PJ_OP_SCATTER)))
      return false;
  return true;
}

bool pj_match_exchange(const PjOp *op, PjExchangeMatch *out) {
  PjCounter counter;
  if (op->num_operands != 2 || !pj_match_counter(op, &counter) || !counter.alone ||
      counter.step != 1 || !counter.start_known || counter.start_value || counter.trips < 0)
    return false;
  const uint32_t index = 1 - counter.index;
  const PjType *type = op->operands[index]->type;
  Exchange e = {.loop = op, .body = &op->regions[1]};
  const PjDtype counted = op->operands[counter.index]->type->dtype;
  if ((counted != PJ_DT_S32 && counted != PJ_DT_S64) || type->kind != PJ_TYPE_TENSOR ||
      type->rank != 2 || !is_pure(e.body) || !is_pure(&op->regions[0]))
    return false;
  e.counter = &e.body->args[counter.index];
  e.rows = &e.body->args[index];
  e.batch = type->dims[0];
  e.n = type->dims[1];
  const PjOp *scatter = made_by(&e, pj_region_terminator(e.body)->operands[index], PJ_OP_SCATTER);
  if (!is_shape(e.rows, 2, e.batch, e.n) || counter.trips > e.n || !scatter ||
      !match_scatter(scatter))
    return false;
  const PjValue *places = scatter->operands[1];
  const PjOp *update = made_by(&e, scatter->operands[0], PJ_OP_DYNAMIC_UPDATE_SLICE),
             *old = made_by(&e, scatter->operands[2], PJ_OP_RESHAPE), *gather;
  if (!update || !old || update->operands[0] != e.rows || !starts_at_counter(&e, update, 2) ||
      !is_shape(places, 2, e.batch, 1) || !is_shape(scatter->operands[2], 1, e.batch, 0))
    return false;
  gather = made_by(&e, update->operands[1], PJ_OP_GATHER);
  const PjOp *column = column_of(&e, old->operands[0]);
  if (!gather || !match_gather(&e, gather, places) || !column || column->operands[0] != e.rows)
    return false;
  bool wraps;
  PjValue *at = match_places(&e, places, &wraps);
  if (!at || at->type->rank != 2 || !is_shape(at, 2, e.batch, at->type->dims[1]) ||
      at->type->dims[1] < counter.trips)
    return false;
  *out = (PjExchangeMatch){.rows = index,
                           .counter = counter.index,
                           .at = at,
                           .batch = e.batch,
                           .n = e.n,
                           .width = at->type->dims[1],
                           .count = counter.trips,
                           .wraps = wraps};
  return true;
}

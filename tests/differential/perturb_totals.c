// See perturb_totals.h.
#include "perturb_totals.h"

#include "edit.h"
#include "pass/match.h"

static uint32_t uses_in(const PjRegion *region, const PjValue *value) {
  uint32_t count = 0;
  for (const PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; ++i)
      count += op->operands[i] == value;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      count += uses_in(&op->regions[i], value);
  }
  return count;
}

// Turns are numbered by the counter: from 0 on, by one.
static bool counts_turns(const PjOp *loop, PjCounter *counter) {
  return pj_match_counter(loop, counter) && counter->alone && counter->start_known &&
         counter->start_value == 0 && counter->step == 1 && counter->trips > 1;
}

static bool is_total(const PjOp *loop, uint32_t carry) {
  const PjRegion *body = &loop->regions[1];
  const PjValue *arg = &body->args[carry], *next = body->last->operands[carry];
  const PjOp *sum = next->def;
  const PjType *type = arg->type;
  if (type->kind != PJ_TYPE_TENSOR || (type->dtype != PJ_DT_F32 && type->dtype != PJ_DT_F64) ||
      !sum || sum->kind != PJ_OP_ADD || sum->region != body || uses_in(body, arg) != 1 ||
      uses_in(body, next) != 1 || uses_in(&loop->regions[0], &loop->regions[0].args[carry]))
    return false;
  const uint32_t at = sum->operands[1] == arg;
  const PjOp *dot = sum->operands[1 - at]->def;
  if (sum->operands[at] != arg || !dot || dot->kind != PJ_OP_DOT_GENERAL || dot->region != body ||
      uses_in(body, &dot->results[0]) != 1)
    return false;
  for (int side = 0; side < 2; ++side) {
    const PjType *of = dot->operands[side]->type;
    if (of->dtype != type->dtype || of->rank == PJ_MAX_RANK)
      return false;
  }
  return true;
}

uint32_t perturb_find_totals(const PjOp *loop, uint32_t out[PERTURB_MOST_TOTALS]) {
  PjCounter counter;
  uint32_t count = 0;
  for (uint32_t i = 0; i < loop->num_operands && count < PERTURB_MOST_TOTALS; ++i)
    if (counts_turns(loop, &counter) && is_total(loop, i))
      out[count++] = i;
  return count;
}

static PjValue *insert(PjArena *arena, PjOp *before, PjOp *op, const PjType *type) {
  op->results[0].type = type;
  pj_op_fill_defaults(arena, op);
  pj_op_insert_before(before, op);
  return &op->results[0];
}

static PjValue *make_zero(PjArena *arena, PjOp *before, const PjType *type) {
  static const double zero;
  PjOp *op = pj_op_create(arena, PJ_OP_CONSTANT, 0, 1, 0);
  pj_op_set_attr(op, PJ_KEY_value,
                 pj_attr_elements(arena, type, &zero, pj_dtype_bytes(type->dtype), true));
  return insert(arena, before, op, type);
}

static PjValue *make_reshape(PjArena *arena, PjOp *before, PjValue *x, int32_t rank,
                             const int64_t *dims) {
  PjOp *op = pj_op_create(arena, PJ_OP_RESHAPE, 1, 1, 0);
  op->operands[0] = x;
  return insert(arena, before, op, pj_type_tensor(arena, x->type->dtype, rank, dims));
}

static int64_t count_of(const PjValue *value) {
  int64_t count = 1;
  pj_type_num_elements(value->type, &count);
  return count;
}

// Row |turn| of |all| is both operands of |dot|, one behind the other.
static PjValue *store_operands(PjArena *arena, PjOp *end, const PjOp *dot, PjValue *turn,
                               PjValue *all) {
  PjOp *join = pj_op_create(arena, PJ_OP_CONCATENATE, 2, 1, 0),
       *update = pj_op_create(arena, PJ_OP_DYNAMIC_UPDATE_SLICE, 4, 1, 0);
  int64_t row[2] = {1, 0};
  for (int side = 0; side < 2; ++side) {
    const int64_t dims[] = {1, count_of(dot->operands[side])};
    join->operands[side] = make_reshape(arena, end, dot->operands[side], 2, dims);
    row[1] += dims[1];
  }
  pj_op_set_attr(join, PJ_KEY_dimension, pj_attr_i64(arena, 1));
  update->operands[0] = all;
  update->operands[1] = insert(arena, end, join, pj_type_tensor(arena, all->type->dtype, 2, row));
  update->operands[2] = turn;
  update->operands[3] = make_zero(arena, end, turn->type);
  return insert(arena, end, update, all->type);
}

// All turns' left or right operands of |dot|.
static PjValue *read_operands(PjArena *arena, PjOp *before, const PjOp *dot, int side,
                              PjValue *all) {
  const PjType *type = dot->operands[side]->type;
  const int64_t turns = all->type->dims[0], left = count_of(dot->operands[0]),
                start[] = {0, side ? left : 0}, limit[] = {turns, side ? all->type->dims[1] : left},
                ones[] = {1, 1}, part[] = {turns, limit[1] - start[1]};
  PjOp *op = pj_op_create(arena, PJ_OP_SLICE, 1, 1, 0);
  op->operands[0] = all;
  pj_op_set_attr(op, PJ_KEY_start_indices, pj_attr_ints(arena, 2, start));
  pj_op_set_attr(op, PJ_KEY_limit_indices, pj_attr_ints(arena, 2, limit));
  pj_op_set_attr(op, PJ_KEY_strides, pj_attr_ints(arena, 2, ones));
  int64_t dims[PJ_MAX_RANK] = {turns};
  memcpy(dims + 1, type->dims, (size_t)type->rank * sizeof *dims);
  return make_reshape(arena, before,
                      insert(arena, before, op, pj_type_tensor(arena, type->dtype, 2, part)),
                      type->rank + 1, dims);
}

// The dimensions of |from|, of all turns: those of a turn, with the turns before (|first|).
static void set_dims(PjArena *arena, PjOp *op, PjKey key, const PjAttr *from, bool first) {
  int64_t dims[PJ_MAX_RANK + 1] = {0};
  for (uint32_t i = 0; i < from->count; ++i)
    dims[first + i] = from->ints[i] + 1;
  pj_op_set_attr(op, key, pj_attr_ints(arena, first + from->count, dims));
}

PjOp *perturb_total(PjArena *arena, PjOp *loop, uint32_t carry) {
  PjCounter counter;
  PjRegion *body = &loop->regions[1];
  PjOp *sum = body->last->operands[carry]->def, *after = loop->next;
  PjValue *arg = &body->args[carry], *init = loop->operands[carry];
  const PjType *type = arg->type;
  PjOp *dot = sum->operands[sum->operands[0] == arg]->def;
  pj_match_counter(loop, &counter);
  const int64_t dims[] = {counter.trips, count_of(dot->operands[0]) + count_of(dot->operands[1])};
  const PjType *all = pj_type_tensor(arena, type->dtype, 2, dims);
  loop->operands[carry] = make_zero(arena, loop, all);
  for (int r = 0; r < 2; ++r)
    loop->regions[r].args[carry].type = all;
  body->last->operands[carry] =
      store_operands(arena, body->last, dot, &body->args[counter.index], arg);
  pj_op_remove(sum);
  pj_op_remove(dot);
  PjOp *total = pj_op_create(arena, PJ_OP_ADD, 2, 1, 0),
       *product = pj_op_create(arena, PJ_OP_DOT_GENERAL, 2, 1, 0);
  edit_replace_uses(loop->region, NULL, &loop->results[carry], &total->results[0]);
  loop->results[carry].type = all;
  for (int side = 0; side < 2; ++side)
    product->operands[side] = read_operands(arena, after, dot, side, &loop->results[carry]);
  for (uint32_t i = 0; i < pj_op_info[PJ_OP_DOT_GENERAL].num_attrs; ++i)
    product->attrs[i] = dot->attrs[i];
  set_dims(arena, product, PJ_KEY_lhs_batching_dimensions, PJ_ATTR(dot, lhs_batching_dimensions),
           false);
  set_dims(arena, product, PJ_KEY_rhs_batching_dimensions, PJ_ATTR(dot, rhs_batching_dimensions),
           false);
  set_dims(arena, product, PJ_KEY_lhs_contracting_dimensions,
           PJ_ATTR(dot, lhs_contracting_dimensions), true);
  set_dims(arena, product, PJ_KEY_rhs_contracting_dimensions,
           PJ_ATTR(dot, rhs_contracting_dimensions), true);
  total->operands[0] = init;
  total->operands[1] = insert(arena, after, product, type);
  insert(arena, after, total, type);
  return product;
}

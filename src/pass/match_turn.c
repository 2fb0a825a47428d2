// Arrays that hold something for each turn of a loop. See match_turn.h.
#include "pass/match_turn.h"

#include "base/alloc.h"
#include "pass/constant.h"
#include "pass/match.h"

// The carried value that |value|, of the region of a loop, is.
static bool is_carry(const PjRegion *region, const PjValue *value, uint32_t *out) {
  if (value->region != region)
    return false;
  *out = value->index;
  return true;
}

bool pj_match_turn(const PjOp *loop, const PjValue *value, PjTurn *out) {
  const PjRegion *body = &loop->regions[1];
  const PjOp *reshape = value->def;
  if (!reshape || reshape->kind != PJ_OP_RESHAPE || reshape->region != body)
    return false;
  PjOp *slice = reshape->operands[0]->def;
  if (!slice || slice->kind != PJ_OP_DYNAMIC_SLICE || slice->region != body)
    return false;
  const PjType *from = slice->operands[0]->type, *to = value->type;
  const int64_t *sizes = PJ_INTS(slice, slice_sizes, NULL);
  int32_t dim = -1;
  if (to->rank != from->rank - 1)
    return false;
  for (int32_t d = 0; d < from->rank; ++d) {
    if (sizes[d] == from->dims[d])
      continue;
    if (dim >= 0 || sizes[d] != 1 || !pj_rw_inside(slice->operands[1 + d], body))
      return false;
    dim = d;
  }
  if (dim < 0)
    return false;
  for (int32_t d = 0; d < to->rank; ++d)
    if (to->dims[d] != from->dims[d + (d >= dim)])
      return false;
  *out = (PjTurn){slice, slice->operands[0], dim, from->dims[dim]};
  return !pj_rw_inside(out->stack, body);
}

bool pj_match_each_turn(const PjOp *loop, const PjCounter *counter, const PjValue *index,
                        int *direction) {
  const PjRegion *body = &loop->regions[1];
  const PjOp *op = index->def;
  const int64_t start = counter->start_value, step = counter->step;
  int64_t number = 0, first;
  uint32_t carry;
  bool negative = false;
  if (!counter->start_known || counter->trips < 1 || (step != 1 && step != -1))
    return false;
  if (op) {
    if (op->region != body || (op->kind != PJ_OP_ADD && op->kind != PJ_OP_SUBTRACT))
      return false;
    const PjValue *a = op->operands[0], *b = op->operands[1];
    bool minus = op->kind == PJ_OP_SUBTRACT;
    if (pj_const_int(b, &number)) {
      index = a;
      number = minus && number != INT64_MIN ? -number : number;
    } else if (pj_const_int(a, &number)) {
      index = b;
      negative = minus;
    } else {
      return false;
    }
  }
  if (!is_carry(body, index, &carry) || carry != counter->index || start == INT64_MIN ||
      !pj_add_i64(number, negative ? -start : start, &first))
    return false;
  *direction = negative ? (int)-step : (int)step;
  return first == (*direction > 0 ? 0 : counter->trips - 1);
}

// True if |update| replaces, in all turns together, all of an array.
static bool updates_all(const PjOp *loop, const PjCounter *counter, const PjOp *update) {
  const PjType *whole = update->operands[0]->type, *part = update->operands[1]->type;
  int direction;
  int64_t zero;
  bool moves = false;
  if (!pj_type_is_static(whole) || !pj_type_is_static(part))
    return false;
  for (int32_t d = 0; d < whole->rank; ++d) {
    const PjValue *start = update->operands[2 + d];
    if (part->dims[d] == whole->dims[d] && pj_const_int(start, &zero) && zero == 0)
      continue;
    if (moves || part->dims[d] != 1 || whole->dims[d] != counter->trips ||
        !pj_match_each_turn(loop, counter, start, &direction))
      return false;
    moves = true;
  }
  return moves;
}

// The carried value that |op|, of the body, is the update of.
static bool updated_carry(const PjOp *op, const PjRegion *body, uint32_t *out) {
  return op && op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE && op->region == body &&
         is_carry(body, op->operands[0], out) && *out < 64;
}

// Takes out of |mask| the carried arrays that |region|, in |body|, reads.
static void take_out_read(const PjRegion *body, const PjRegion *region, uint64_t *mask) {
  for (const PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; ++i) {
      const PjValue *value = op->operands[i];
      uint32_t carry, updated;
      if (is_carry(body, value, &carry) && carry < 64 &&
          !(i == 0 && updated_carry(op, body, &updated) &&
            body->last->operands[carry] == &op->results[0]))
        *mask &= ~(UINT64_C(1) << carry);
      if (updated_carry(value->def, body, &carry) && (op != body->last || i != carry))
        *mask &= ~(UINT64_C(1) << carry);
    }
    for (uint32_t r = 0; r < op->num_regions; ++r)
      take_out_read(body, &op->regions[r], mask);
  }
}

uint64_t pj_match_written(const PjOp *op) {
  const PjRegion *cond = &op->regions[0], *body = &op->regions[1];
  PjCounter counter;
  uint64_t mask = 0;
  uint32_t carry;
  if (!pj_match_counter(op, &counter) || !counter.alone || counter.trips < 1)
    return 0;
  for (uint32_t i = 0; i < op->num_operands && i < 64; ++i) {
    const PjOp *update = body->last->operands[i]->def;
    if (updated_carry(update, body, &carry) && carry == i && updates_all(op, &counter, update))
      mask |= UINT64_C(1) << i;
  }
  if (!mask)
    return 0;
  take_out_read(body, body, &mask);
  for (const PjOp *inner = cond->first; inner; inner = inner->next)
    for (uint32_t i = 0; i < inner->num_operands; ++i)
      if (is_carry(cond, inner->operands[i], &carry) && carry < 64)
        mask &= ~(UINT64_C(1) << carry);
  return mask;
}

// The counter of a loop.
//
//   %0:2 = while(%i = %c0, %x = %a)
//     cond { %1 = compare LT, %i, %c100 ; return %1 }         counter 0: start 0, step 1, 100 trips
//     do   { %2 = multiply %x, %x ; %3 = add %i, %c1 ; return %3, %2 }
//
// Conditions of `and` are common too (a loop that may also end early): then the counter still
// bounds the number of iterations, and the values of the counter inside the body.
#include <limits.h>

#include "base/alloc.h"
#include "pass/constant.h"
#include "pass/match.h"

// The carried value that |value|, of region |region| (the condition or the body) of |op|, is.
static bool is_carry(const PjRegion *region, const PjValue *value, uint32_t *out) {
  if (value->region != region)
    return false;
  *out = value->index;
  return true;
}

static int swapped(int direction) {
  switch (direction) {
  case PJ_CMP_GE:
    return PJ_CMP_LE;
  case PJ_CMP_GT:
    return PJ_CMP_LT;
  case PJ_CMP_LE:
    return PJ_CMP_GE;
  case PJ_CMP_LT:
    return PJ_CMP_GT;
  default:
    return direction;
  }
}

// What the body adds to carried value |index| in each iteration.
static bool find_step(const PjOp *op, uint32_t index, int64_t *out) {
  const PjRegion *body = &op->regions[1];
  const PjOp *next = pj_region_terminator(body)->operands[index]->def;
  if (!next || next->region != body || (next->kind != PJ_OP_ADD && next->kind != PJ_OP_SUBTRACT))
    return false;
  uint32_t carry;
  const PjValue *a = next->operands[0], *b = next->operands[1];
  if (next->kind == PJ_OP_ADD && is_carry(body, b, &carry) && carry == index) {
    const PjValue *swap = a;
    a = b;
    b = swap;
  }
  if (!is_carry(body, a, &carry) || carry != index || !pj_const_int(b, out) || *out == INT64_MIN)
    return false;
  if (next->kind == PJ_OP_SUBTRACT)
    *out = -*out;
  return *out != 0;
}

// The value that carried value |index| starts with, or |value| holds all the time.
static bool known_int(const PjValue *value, int64_t *out) {
  return pj_const_int(value, out);
}

// Iterations of: for (i = start; i DIR limit; i += step), without overflow; -1 when not so simple.
static int64_t count_trips(const PjCounter *c, PjDtype dtype) {
  int64_t span, step = c->step, limit = c->limit_value, last;
  int direction = c->direction;
  if (direction == PJ_CMP_NE) {
    if (!pj_add_i64(limit, -c->start_value, &span) || c->start_value == INT64_MIN ||
        span % step != 0 || span / step < 0)
      return -1;
    return span / step;
  }
  bool up = direction == PJ_CMP_LT || direction == PJ_CMP_LE;
  if (up != (step > 0) || direction == PJ_CMP_EQ)
    return -1;
  if (!up) { // mirrored
    if (c->start_value == INT64_MIN || limit == INT64_MIN)
      return -1;
    step = -step;
    limit = -limit;
  }
  int64_t start = up ? c->start_value : -c->start_value;
  if ((direction == PJ_CMP_LE || direction == PJ_CMP_GE) && !pj_add_i64(limit, 1, &limit))
    return -1;
  if (start >= limit)
    return 0;
  // The counter must reach the limit without wrapping around in its own type.
  unsigned bits = pj_dtype_bits(dtype);
  int64_t highest = bits >= 64 ? INT64_MAX : ((int64_t)1 << (c->is_unsigned ? bits : bits - 1)) - 1;
  if (!pj_add_i64(limit, step - 1, &last) || last > highest || start == INT64_MIN ||
      !pj_add_i64(limit, -start, &span) || (c->is_unsigned && !up))
    return -1;
  return (span - 1) / step + 1;
}

static bool match_compare(const PjOp *op, const PjValue *value, PjCounter *out) {
  const PjRegion *cond = &op->regions[0];
  const PjOp *compare = value->def;
  if (!compare || compare->region != cond || compare->kind != PJ_OP_COMPARE)
    return false;
  PjDtype dtype = compare->operands[0]->type->dtype;
  if (!pj_dtype_is_int(dtype) || compare->operands[0]->type->rank)
    return false;
  for (int side = 0; side < 2; ++side) {
    PjValue *counter = compare->operands[side], *limit = compare->operands[1 - side];
    int64_t step;
    uint32_t index;
    if (!is_carry(cond, counter, &index) || !find_step(op, index, &step))
      continue;
    int direction = (int)PJ_INT(compare, comparison_direction);
    *out = (PjCounter){.index = index,
                       .step = step,
                       .direction = side ? swapped(direction) : direction,
                       .is_unsigned = pj_dtype_class(dtype) == PJ_CLASS_UINT,
                       .limit = limit,
                       .trips = -1};
    const PjValue *bound = limit;
    uint32_t carry;
    // A limit carried along unchanged.
    if (is_carry(cond, limit, &carry)) {
      const PjRegion *body = &op->regions[1];
      if (pj_region_terminator(body)->operands[carry] != &body->args[carry])
        return true;
      bound = op->operands[carry];
    }
    out->start_known = known_int(op->operands[index], &out->start_value);
    out->limit_known = known_int(bound, &out->limit_value);
    if (out->is_unsigned && (out->start_value < 0 || out->limit_value < 0))
      out->start_known = false;
    if (out->start_known && out->limit_known)
      out->trips = count_trips(out, dtype);
    return true;
  }
  return false;
}

bool pj_match_counter(const PjOp *op, PjCounter *out) {
  if (op->kind != PJ_OP_WHILE)
    return false;
  const PjOp *end = pj_region_terminator(&op->regions[0]);
  const PjValue *go_on = end->operands[0];
  if (match_compare(op, go_on, out)) {
    out->alone = true;
    return true;
  }
  if (!go_on->def || go_on->def->kind != PJ_OP_AND || go_on->def->region != &op->regions[0])
    return false;
  return match_compare(op, go_on->def->operands[0], out) ||
         match_compare(op, go_on->def->operands[1], out);
}

// Short loops of elementwise work on arrays are written out.
//
//   %0:3 = while(%i = %c0, %x = %a, %r = %c[13, 15]) { 2 iterations: x = x << r[0] ... }
//     =>  %1 = shift_left %a, 13 ; %2 = shift_left %1, 15 ...
//
// That is the loop of the random number generator that programs of JAX carry with them (Threefry: 5
// rounds, with rotations that take turns), and little else. In a loop every iteration goes through
// memory; written out, all of it is one fused loop over the elements, with constant rotations.
//
// Written out are loops of at most MAX_TRIPS iterations, known to the analysis of the counter
// alone, whose bodies hold nothing but what fuses: elementwise operations, broadcasts, reshapes,
// slices, constants. The operations made are at most MAX_OPS. Types of carried values must be
// constant.
//
// Linear in the operations made. Runs before the simplifier, which then finds the constants.
#include "pass/build.h"
#include "pass/match.h"
#include "pass/passes.h"

enum { MAX_TRIPS = 8, MAX_OPS = 512 };

static bool fuses(const PjOp *op) {
  switch (op->kind) {
  case PJ_OP_CONSTANT:
  case PJ_OP_IOTA:
  case PJ_OP_BROADCAST_IN_DIM:
  case PJ_OP_RESHAPE:
  case PJ_OP_SLICE:
    return true;
  default:
    return pj_op_info[op->kind].traits & PJ_TRAIT_ELEM && op->num_results == 1 && !op->num_regions;
  }
}

static bool should_unroll(const PjOp *loop) {
  PjCounter counter;
  const PjRegion *body = &loop->regions[1];
  if (!pj_match_counter(loop, &counter) || !counter.alone || counter.trips < 1 ||
      counter.trips > MAX_TRIPS)
    return false;
  int64_t count = 0;
  for (const PjOp *op = body->first; op->next; op = op->next)
    if (++count * counter.trips > MAX_OPS || !fuses(op))
      return false;
  for (const PjOp *op = loop->regions[0].first; op->next; op = op->next)
    if (!pj_rw_droppable_deep(op))
      return false;
  for (uint32_t i = 0; i < loop->num_operands; ++i) {
    const PjType *type = loop->operands[i]->type;
    if (!pj_type_is_static(type) || !pj_type_eq(type, body->args[i].type) ||
        !pj_type_eq(type, body->last->operands[i]->type) ||
        !pj_type_eq(type, loop->results[i].type))
      return false;
  }
  return true;
}

// |value| of the body in the iteration that is being copied; PjSlot.tag leads to it, by 1 + index.
static PjValue *current(PjRewrite *rw, PjValue *const *made, PjValue *value) {
  uint32_t tag = rw->slots[value->id].tag;
  return tag ? made[tag - 1] : value;
}

static void unroll(PjRewrite *rw, PjOp *loop, int64_t trips) {
  PjRegion *body = &loop->regions[1];
  uint32_t carries = loop->num_operands, count = carries;
  for (uint32_t i = 0; i < carries; ++i)
    rw->slots[body->args[i].id].tag = 1 + i;
  for (PjOp *op = body->first; op->next; op = op->next)
    rw->slots[op->results[0].id].tag = ++count;
  PjValue **made = PJ_NEW_ARRAY(rw->scratch, PjValue *, count),
          **next = PJ_NEW_ARRAY(rw->scratch, PjValue *, carries), *operands[4];
  for (uint32_t i = 0; i < carries; ++i)
    made[i] = loop->operands[i];
  for (int64_t trip = 0; trip < trips; ++trip) {
    uint32_t at = carries;
    for (PjOp *op = body->first; op->next; op = op->next) {
      for (uint32_t i = 0; i < op->num_operands; ++i)
        operands[i] = current(rw, made, op->operands[i]);
      made[at++] = pj_build_like(rw, loop, op, operands, op->results[0].type);
    }
    for (uint32_t i = 0; i < carries; ++i)
      next[i] = current(rw, made, body->last->operands[i]);
    memcpy(made, next, carries * sizeof *made);
  }
  for (uint32_t i = 0; i < carries; ++i)
    rw->slots[body->args[i].id].tag = 0;
  for (PjOp *op = body->first; op->next; op = op->next)
    rw->slots[op->results[0].id].tag = 0;
  pj_rw_become_all(rw, loop, made);
}

static void visit(PjRewrite *rw, PjOp *op, void *context) {
  (void)context;
  PjCounter counter;
  if (op->kind == PJ_OP_WHILE && !rw->exhausted && should_unroll(op) &&
      pj_match_counter(op, &counter) && pj_rw_spend(rw, MAX_OPS))
    unroll(rw, op, counter.trips);
}

PjStatus pj_pass_unroll(PjRewrite *rw) {
  pj_rw_visit(rw, visit, NULL);
  return PJ_STATUS_OK;
}

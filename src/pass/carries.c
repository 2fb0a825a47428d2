// Carried values and results of control flow that are not needed.
//
//   %0:3 = while(%i = %c0, %w = %a, %d = %b)          %0 = while(%i = %c0)
//     cond { ... %i ... }                               cond { ... %i ... }
//     do { %1 = add %i, %c1              =>             do { %1 = add %i, %c1
//          %2 = multiply %d, %w                              return %1 }
//          return %1, %w, %2 }
//   return %0#0
//
// Of a while loop:
//   * invariant: the body returns its own argument, or what the loop began with. The argument
//   becomes
//     the operand, captured from outside, where constants among them can be seen.
//   * equal: two carried values that begin alike and are changed alike, by one operation each;
//   scans
//     of scans carry several counters. One of them is left.
//   * in step: two integers that go the same way from different starts, as a loop's own counter and
//     the index that its body sees. One of them is the other and a constant.
//   * dead: a value that nobody uses after the loop, the condition does not look at, and the body
//     uses for itself and other dead ones only.
// Of if and case: results that nobody uses, and those that are the same value in all branches.
//
// Types must agree where a value takes the place of another; with dynamic sizes they may not. Inner
// operations come first. What the body computed for dead values goes with them, effects never.
//
// Linear in the operations times the depth of loops within loops.
#include "base/alloc.h"
#include "pass/constant.h"
#include "pass/passes.h"

// The same value, or constants that are equal.
static bool same_value(const PjValue *a, const PjValue *b) {
  if (a == b)
    return true;
  const PjAttr *x = pj_const_of(a), *y = pj_const_of(b);
  return x && y && pj_type_eq(a->type, b->type) && pj_attr_eq(x, y);
}

static void resolve_region(PjRewrite *rw, PjRegion *region) {
  for (PjOp *op = region->first; op; op = op->next) {
    pj_rw_resolve(rw, op);
    for (uint32_t r = 0; r < op->num_regions; ++r)
      resolve_region(rw, &op->regions[r]);
  }
}

// New arrays of values hold what |keep| says; uses of the others must be gone.
static uint32_t keep_values(PjRewrite *rw, PjValue **values, uint32_t count, const bool *keep) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < count; ++i)
    kept += keep[i];
  PjValue *fresh = PJ_NEW_ARRAY(rw->arena, PjValue, kept);
  for (uint32_t i = 0, j = 0; i < count; ++i) {
    PjValue *old = &(*values)[i];
    if (!keep[i])
      continue;
    fresh[j] = *old;
    fresh[j].index = j;
    pj_rw_add_value(rw, &fresh[j]);
    pj_rw_replace(rw, old, &fresh[j++]);
  }
  *values = fresh;
  return kept;
}

static void keep_operands(PjRewrite *rw, PjOp *op, const bool *keep) {
  uint32_t kept = 0;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    if (keep[i])
      op->operands[kept++] = op->operands[i];
    else
      --rw->slots[pj_rw_value(rw, op->operands[i])->id].uses;
  }
  op->num_operands = kept;
}

// ------------------------------------------------------------------------------------------- while

// The operands of the body's terminator are those kept already.
static void keep_carries(PjRewrite *rw, PjOp *loop, const bool *keep) {
  uint32_t count = loop->num_operands;
  PjRegion *cond = &loop->regions[0], *body = &loop->regions[1];
  keep_operands(rw, loop, keep);
  loop->num_results = keep_values(rw, &loop->results, count, keep);
  cond->num_args = keep_values(rw, &cond->args, count, keep);
  body->num_args = keep_values(rw, &body->args, count, keep);
  cond->arg_locs = body->arg_locs = NULL;
  resolve_region(rw, cond);
  resolve_region(rw, body);
}

static bool types_agree(const PjOp *loop, uint32_t i) {
  const PjType *type = loop->operands[i]->type;
  return pj_type_eq(type, loop->results[i].type) &&
         pj_type_eq(type, loop->regions[0].args[i].type) &&
         pj_type_eq(type, loop->regions[1].args[i].type);
}

static void replace_carry(PjRewrite *rw, PjOp *loop, uint32_t i, PjValue *cond, PjValue *body,
                          PjValue *result) {
  pj_rw_replace(rw, &loop->regions[0].args[i], cond);
  pj_rw_replace(rw, &loop->regions[1].args[i], body);
  pj_rw_replace(rw, &loop->results[i], result);
}

// Operations without attributes: what changes a counter, and what writes a turn's value to an array
// of all turns.
static bool is_step(const PjOp *op) {
  if (op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE)
    return true;
  return op->num_operands == 2 && pj_op_info[op->kind].traits & PJ_TRAIT_ELEM &&
         op->kind != PJ_OP_COMPARE;
}

// True if carried values |i| and |j| are always equal.
static bool equal_carries(const PjOp *loop, uint32_t i, uint32_t j) {
  const PjRegion *body = &loop->regions[1];
  const PjOp *a = body->last->operands[i]->def, *b = body->last->operands[j]->def;
  if (!same_value(loop->operands[i], loop->operands[j]) || !a || !b || a->kind != b->kind ||
      a->region != body || b->region != body || a->num_operands != b->num_operands || !is_step(a) ||
      !pj_type_eq(loop->operands[i]->type, loop->operands[j]->type))
    return false;
  for (uint32_t k = 0; k < a->num_operands; ++k) {
    const PjValue *x = a->operands[k], *y = b->operands[k];
    bool carried = x == &body->args[i] && y == &body->args[j];
    if (!carried && (!same_value(x, y) || x == &body->args[i] || x == &body->args[j]))
      return false;
  }
  return true;
}

// The constant that the body adds to the scalar integer |i| in each turn.
static bool step_of(const PjOp *loop, uint32_t i, int64_t *out) {
  const PjRegion *body = &loop->regions[1];
  const PjOp *next = body->last->operands[i]->def;
  if (!next || next->region != body || next->kind != PJ_OP_ADD || next->results[0].type->rank ||
      !pj_dtype_is_int(next->results[0].type->dtype))
    return false;
  bool first = next->operands[0] == &body->args[i];
  return (first || next->operands[1] == &body->args[i]) && pj_const_int(next->operands[first], out);
}

// What carried value |j| is always less than |i|; false if they do not go in step. Sums wrap around
// alike in both.
static bool offset_between(const PjOp *loop, uint32_t i, uint32_t j, int64_t *out) {
  int64_t step, other, start, from;
  return pj_type_eq(loop->operands[i]->type, loop->operands[j]->type) && step_of(loop, i, &step) &&
         step_of(loop, j, &other) && step == other && pj_const_int(loop->operands[i], &start) &&
         pj_const_int(loop->operands[j], &from) && from != INT64_MIN &&
         pj_add_i64(start, -from, out) && *out >= INT32_MIN && *out <= INT32_MAX &&
         pj_dtype_bits(loop->operands[i]->type->dtype) >= 32;
}

static PjValue *plus(PjRewrite *rw, PjOp *at, PjValue *value, int64_t offset) {
  return pj_build_binary(rw, at, PJ_OP_ADD, value, pj_build_int(rw, at, value->type, offset));
}

enum { NONE = UINT32_MAX };

// Makes one of the carried values |i| and |j| the other, or that and a constant. Returns the one
// that is left, or NONE.
static uint32_t merge(PjRewrite *rw, PjOp *loop, uint32_t i, uint32_t j) {
  PjRegion *cond = &loop->regions[0], *body = &loop->regions[1];
  int64_t offset;
  if (equal_carries(loop, j, i)) {
    replace_carry(rw, loop, i, &cond->args[j], &body->args[j], &loop->results[j]);
    return j;
  }
  if (!offset_between(loop, i, j, &offset))
    return NONE;
  // What the condition looks at is left: that is what a loop is known by.
  if (pj_rw_uses(rw, &cond->args[i])) {
    if (pj_rw_uses(rw, &cond->args[j]))
      return NONE;
    uint32_t k = i;
    i = j;
    j = k;
    offset = -offset;
  }
  replace_carry(rw, loop, i, plus(rw, cond->first, &cond->args[j], offset),
                plus(rw, body->first, &body->args[j], offset),
                plus(rw, loop->next, &loop->results[j], offset));
  return j;
}

// Drops values that are invariant, equal to others or in step with them. True if any.
static bool drop_redundant(PjRewrite *rw, PjOp *loop) {
  enum { MAX_PAIRS = 16 }; // values compared with each other
  uint32_t count = loop->num_operands, num_others = 0, others[MAX_PAIRS];
  PjRegion *body = &loop->regions[1];
  bool *keep = PJ_NEW_ARRAY(rw->scratch, bool, count), any = false;
  for (uint32_t i = 0; i < count; ++i) {
    PjValue *returned = body->last->operands[i];
    keep[i] = true;
    if (!types_agree(loop, i))
      continue;
    if (returned == &body->args[i] || same_value(returned, loop->operands[i])) {
      PjValue *start = loop->operands[i];
      replace_carry(rw, loop, i, start, start, start);
      keep[i] = false;
      any = true;
      continue;
    }
    uint32_t k = 0, left = NONE;
    while (k < num_others && (left = merge(rw, loop, i, others[k])) == NONE)
      ++k;
    if (left != NONE) {
      keep[left == i ? others[k] : i] = false;
      others[k] = left;
      any = true;
    } else if (num_others < MAX_PAIRS) {
      others[num_others++] = i;
    }
  }
  if (!any)
    return false;
  keep_operands(rw, body->last, keep);
  keep_carries(rw, loop, keep);
  return true;
}

// PjOp.id marks live operations of the body: it is free while passes run.
enum { UNSEEN, LIVE };

typedef struct Live {
  PjRewrite *rw;
  PjOp *loop;
  bool *carry;
  PJ_VEC(PjOp *) ops; // of the body, found live and to be looked at
  PJ_VEC(uint32_t) carries;
} Live;

static void reach_carry(Live *live, uint32_t i) {
  if (live->carry[i])
    return;
  live->carry[i] = true;
  PJ_PUSH(live->rw->scratch, &live->carries, i);
}

static void reach_op(Live *live, PjOp *op) {
  if (op->id == LIVE)
    return;
  op->id = LIVE;
  PJ_PUSH(live->rw->scratch, &live->ops, op);
}

static void reach_value(Live *live, PjValue *value) {
  PjRegion *body = &live->loop->regions[1];
  if (value->region == body)
    reach_carry(live, value->index);
  else if (value->def && value->def->region == body)
    reach_op(live, value->def);
}

static void reach_operands(Live *live, const PjOp *op) {
  for (uint32_t i = 0; i < op->num_operands; ++i)
    reach_value(live, op->operands[i]);
  for (uint32_t r = 0; r < op->num_regions; ++r)
    for (const PjOp *inner = op->regions[r].first; inner; inner = inner->next)
      reach_operands(live, inner);
}

static void find_live(Live *live) {
  PjRewrite *rw = live->rw;
  PjOp *loop = live->loop;
  PjRegion *body = &loop->regions[1];
  for (uint32_t i = 0; i < loop->num_operands; ++i)
    if (pj_rw_uses(rw, &loop->results[i]) || pj_rw_uses(rw, &loop->regions[0].args[i]))
      reach_carry(live, i);
  for (PjOp *op = body->first; op->next; op = op->next)
    if (!pj_rw_droppable_deep(op))
      reach_op(live, op);
  for (;;) {
    if (live->ops.len)
      reach_operands(live, live->ops.data[--live->ops.len]);
    else if (live->carries.len)
      reach_value(live, body->last->operands[live->carries.data[--live->carries.len]]);
    else
      return;
  }
}

static void drop_dead(PjRewrite *rw, PjOp *loop) {
  uint32_t count = loop->num_operands;
  PjRegion *body = &loop->regions[1];
  bool suspect = false, any = false;
  for (uint32_t i = 0; i < count; ++i)
    suspect |= !pj_rw_uses(rw, &loop->results[i]) && !pj_rw_uses(rw, &loop->regions[0].args[i]);
  if (!suspect)
    return;
  Live live = {.rw = rw, .loop = loop, .carry = PJ_NEW_ARRAY(rw->scratch, bool, count)};
  for (PjOp *op = body->first; op; op = op->next)
    op->id = UNSEEN;
  find_live(&live);
  for (uint32_t i = 0; i < count; ++i)
    any |= !live.carry[i];
  if (!any)
    return;
  // What dead values were computed with goes as well, users before what they use.
  keep_operands(rw, body->last, live.carry);
  for (PjOp *op = body->last->prev, *prev; op; op = prev) {
    prev = op->prev;
    if (op->id == UNSEEN)
      pj_rw_erase(rw, op);
  }
  keep_carries(rw, loop, live.carry);
}

// ------------------------------------------------------------------------------------ if and case

// The value that all branches return as result |i|, and that may stand before |op|; or NULL.
static PjValue *common_value(PjRewrite *rw, PjOp *op, uint32_t i) {
  PjValue *first = op->regions[0].last->operands[i];
  for (uint32_t r = 0; r < op->num_regions; ++r) {
    PjValue *value = op->regions[r].last->operands[i];
    if (!same_value(first, value) || !pj_type_eq(value->type, op->results[i].type))
      return NULL;
  }
  const PjOp *def = first->def;
  bool inside = def && def->region == &op->regions[0];
  if (!inside)
    return first;
  const PjAttr *constant = pj_const_of(first);
  return constant ? pj_build_const(rw, op, first->type, constant->data, constant->data_size) : NULL;
}

static void drop_results(PjRewrite *rw, PjOp *op) {
  uint32_t count = op->num_results;
  bool *keep = PJ_NEW_ARRAY(rw->scratch, bool, count), any = false;
  for (uint32_t i = 0; i < count; ++i) {
    PjValue *common = pj_rw_uses(rw, &op->results[i]) ? common_value(rw, op, i) : NULL;
    if (common)
      pj_rw_replace(rw, &op->results[i], common);
    keep[i] = pj_rw_uses(rw, &op->results[i]) > 0;
    any |= !keep[i];
  }
  if (!any)
    return;
  for (uint32_t r = 0; r < op->num_regions; ++r)
    keep_operands(rw, op->regions[r].last, keep);
  op->num_results = keep_values(rw, &op->results, count, keep);
}

// -------------------------------------------------------------------------------------------- walk

static void walk(PjRewrite *rw, PjRegion *region) {
  enum { MAX_ROUNDS = 4 }; // one value that goes may make another invariant
  for (PjOp *op = region->first; op; op = op->next) {
    pj_rw_resolve(rw, op);
    bool loop = op->kind == PJ_OP_WHILE, branch = op->kind == PJ_OP_IF || op->kind == PJ_OP_CASE;
    bool able = !rw->exhausted && (loop || branch) && pj_rw_spend(rw, 16 + op->num_operands);
    // What the outer loop does not change is captured before inner loops are looked at.
    if (able && loop) {
      resolve_region(rw, &op->regions[1]);
      for (int round = 0; round < MAX_ROUNDS && drop_redundant(rw, op); ++round) {
      }
    }
    for (uint32_t r = 0; r < op->num_regions; ++r)
      walk(rw, &op->regions[r]);
    if (able && loop)
      drop_dead(rw, op);
    if (able && branch && op->num_results)
      drop_results(rw, op);
  }
}

PjStatus pj_pass_carries(PjRewrite *rw) {
  for (PjOp *func = rw->module->body.first; func; func = func->next)
    if (func->kind == PJ_OP_FUNC)
      walk(rw, &func->regions[0]);
  return PJ_STATUS_OK;
}

// Products that a loop adds up turn by turn are one product after the loop.
//
//   %0 = while(... %w = %zeros) do { %1 = reshape(dynamic_slice %xs, %i)               [32, 64]
//                                    %2 = dot_general %1, %g, contracting [0] x [0]    %g: [32,
//                                    128] return ..., add %w, %2 }
//     =>  %0 = while(... %gs = [100, 32, 128]) do { return ..., dynamic_update_slice %gs, %g, %i }
//         add %zeros, dot_general %xs, %0, contracting [0, 1] x [0, 1]
//
// The gradients of a recurrent network's weights are such totals. A turn then stores what it
// multiplied by instead of reading and writing all weights, and the one product sums along all
// turns in registers, with work for all threads.
//
// One operand at least is read in turn, once for each index; the other one is, too, or is computed
// by the turn and kept in a stack, in the order of the first. Stacks take the place of the totals
// that the loop carried; a second product of the same operand shares the first one's if it reads in
// the same order, and what it carried is the same in all turns (carries.c drops it). Sums are made
// in another order: of floats of 32 bits and more only.
//
// Linear in the operations.
#include <string.h>

#include "pass/constant.h"
#include "pass/match.h"
#include "pass/match_turn.h"
#include "pass/passes.h"

enum {
  MIN_GAIN = 2,         // elements of a total for one that is kept
  MAX_BYTES = 64 << 20, // of a stack,
  MAX_GROWTH = 2,       // or so many times what it is multiplied by
};

// An operand of a product: read in turn, or to be kept.
typedef struct Side {
  bool read;
  PjTurn turn;
} Side;

// The total that is carry |carry|.
typedef struct Total {
  uint32_t carry;
  PjOp *sum, *dot;
  PjValue *index; // of the turn
  Side sides[2];
} Total;

// What is kept of |value|, each turn's at |index|.
typedef struct Stack {
  PjValue *value, *index, *all;
} Stack;

typedef struct Loop {
  PjRewrite *rw;
  PjOp *op;
  PjCounter counter;
} Loop;

static const int64_t *sums_of(const PjOp *dot, int side, uint32_t *count) {
  return side ? PJ_INTS(dot, rhs_contracting_dimensions, count)
              : PJ_INTS(dot, lhs_contracting_dimensions, count);
}
static const int64_t *batch_of(const PjOp *dot, int side, uint32_t *count) {
  return side ? PJ_INTS(dot, rhs_batching_dimensions, count)
              : PJ_INTS(dot, lhs_batching_dimensions, count);
}

static bool reads_in_turn(const Loop *l, PjValue *value, Side *out, PjValue **index) {
  int direction;
  if (!pj_match_turn(l->op, value, &out->turn) || out->turn.count != l->counter.trips)
    return false;
  *index = out->turn.slice->operands[1 + out->turn.dim];
  return out->read = pj_match_each_turn(l->op, &l->counter, *index, &direction);
}

// Whether it gains to keep |value| rather than add to |total| each turn.
static bool pays(const Loop *l, const PjType *total, const PjType *value, const Side *other) {
  size_t each, all, sum;
  if (!pj_type_num_bytes(value, &each) || !pj_type_num_bytes(other->turn.stack->type, &all) ||
      !pj_type_num_bytes(total, &sum) || sum < MIN_GAIN * each)
    return false;
  const double bytes = (double)each * (double)l->counter.trips;
  return bytes <= MAX_BYTES || bytes <= MAX_GROWTH * (double)all;
}

static bool match_total(const Loop *l, uint32_t carry, Total *t) {
  const PjRegion *body = &l->op->regions[1];
  PjValue *arg = &l->op->regions[1].args[carry], *next = body->last->operands[carry];
  PjOp *sum = next->def;
  const PjType *type = arg->type;
  if (!pj_type_is_static(type) || (type->dtype != PJ_DT_F32 && type->dtype != PJ_DT_F64) || !sum ||
      sum->kind != PJ_OP_ADD || sum->region != body || pj_rw_uses(l->rw, next) != 1 ||
      pj_rw_uses(l->rw, arg) != 1 || pj_rw_uses(l->rw, &l->op->regions[0].args[carry]) != 0)
    return false;
  const uint32_t at = sum->operands[1] == arg;
  PjOp *dot = sum->operands[1 - at]->def;
  if (sum->operands[at] != arg || !dot || dot->kind != PJ_OP_DOT_GENERAL || dot->region != body ||
      pj_rw_uses(l->rw, &dot->results[0]) != 1)
    return false;
  *t = (Total){.carry = carry, .sum = sum, .dot = dot};
  PjValue *index[2] = {0};
  for (int side = 0; side < 2; ++side) {
    const PjType *of = dot->operands[side]->type;
    if (!pj_type_is_static(of) || of->dtype != type->dtype || of->rank + 1 > PJ_MAX_RANK)
      return false;
    reads_in_turn(l, dot->operands[side], &t->sides[side], &index[side]);
  }
  const bool both = t->sides[0].read && t->sides[1].read;
  t->index = index[t->sides[1].read];
  if (both)
    return index[0] == index[1];
  const int kept = t->sides[0].read;
  return t->sides[1 - kept].read && pj_rw_inside(dot->operands[kept], body) &&
         pays(l, type, dot->operands[kept]->type, &t->sides[1 - kept]);
}

static const PjType *stacked(const Loop *l, const PjType *type) {
  int64_t dims[PJ_MAX_RANK] = {l->counter.trips};
  memcpy(dims + 1, type->dims, (size_t)type->rank * sizeof *dims);
  return pj_type_with_dims(l->rw->arena, type, type->rank + 1, dims);
}

// Carry |t->carry| becomes the stack of |value|.
static void keep(const Loop *l, const Total *t, PjValue *value) {
  PjRewrite *rw = l->rw;
  PjOp *end = l->op->regions[1].last;
  const PjType *type = stacked(l, value->type);
  PjValue *starts[PJ_MAX_RANK] = {t->index}, *zero = pj_build_int(rw, end, t->index->type, 0);
  for (int32_t d = 1; d < type->rank; ++d)
    starts[d] = zero;
  int64_t dims[PJ_MAX_RANK];
  memcpy(dims, type->dims, (size_t)type->rank * sizeof *dims);
  dims[0] = 1;
  PjValue *part = pj_build_reshape_dims(rw, end, value, type->rank, dims);
  pj_rw_set_operand(rw, l->op, t->carry, pj_build_float(rw, l->op, type, 0));
  for (int r = 0; r < 2; ++r)
    l->op->regions[r].args[t->carry].type = type;
  l->op->results[t->carry].type = type;
  PjValue *arg = &l->op->regions[1].args[t->carry];
  pj_rw_set_operand(rw, end, t->carry, pj_build_dynamic_update_slice(rw, end, arg, part, starts));
}

static void shift(const Side *s, const int64_t *dims, uint32_t count, int64_t *out) {
  for (uint32_t i = 0; i < count; ++i)
    out[i] = dims[i] + (!s->read || dims[i] >= s->turn.dim);
}

// The product of all turns, before |at|, which is behind the loop.
static PjValue *build_total(const Loop *l, PjOp *at, const Total *t, PjValue *const *operands) {
  PjRewrite *rw = l->rw;
  PjOp *made = pj_build_op(rw, at, PJ_OP_DOT_GENERAL, 2, operands, t->sum->results[0].type);
  for (uint32_t i = 0; i < pj_op_info[PJ_OP_DOT_GENERAL].num_attrs; ++i)
    made->attrs[i] = t->dot->attrs[i];
  for (int side = 0; side < 2; ++side) {
    const Side *s = &t->sides[side];
    int64_t dims[PJ_MAX_RANK + 1];
    uint32_t count;
    const int64_t *of = sums_of(t->dot, side, &count);
    dims[0] = s->read ? s->turn.dim : 0;
    shift(s, of, count, dims + 1);
    pj_op_set_attr(made,
                   side ? PJ_KEY_rhs_contracting_dimensions : PJ_KEY_lhs_contracting_dimensions,
                   pj_attr_ints(rw->arena, count + 1, dims));
    of = batch_of(t->dot, side, &count);
    shift(s, of, count, dims);
    pj_op_set_attr(made, side ? PJ_KEY_rhs_batching_dimensions : PJ_KEY_lhs_batching_dimensions,
                   pj_attr_ints(rw->arena, count, dims));
  }
  return pj_build_done(rw, made);
}

// Results that others replace must be other values than those that the replacements read.
static void renew_results(const Loop *l) {
  PjValue *fresh = PJ_NEW_ARRAY(l->rw->arena, PjValue, l->op->num_results);
  for (uint32_t i = 0; i < l->op->num_results; ++i) {
    fresh[i] = l->op->results[i];
    pj_rw_add_value(l->rw, &fresh[i]);
  }
  l->op->results = fresh;
}

static void sum_up(Loop *l) {
  PjRewrite *rw = l->rw;
  Total *totals = PJ_NEW_ARRAY(rw->scratch, Total, l->op->num_operands);
  uint32_t count = 0;
  for (uint32_t i = 0; i < l->op->num_operands; ++i)
    count += match_total(l, i, &totals[count]);
  if (!count)
    return;
  PjValue *old = l->op->results;
  Stack *stacks = PJ_NEW_ARRAY(rw->scratch, Stack, count);
  PjOp *after = l->op->next;
  bool *changed = PJ_NEW_ARRAY(rw->scratch, bool, l->op->num_operands);
  memset(changed, 0, l->op->num_operands * sizeof *changed);
  renew_results(l);
  uint32_t num_stacks = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const Total *t = &totals[i];
    PjOp *end = l->op->regions[1].last;
    PjValue *operands[2], *arg = &l->op->regions[1].args[t->carry],
                          *init = l->op->operands[t->carry];
    changed[t->carry] = true;
    bool takes = false;
    for (int side = 0; side < 2; ++side) {
      PjValue *value = t->dot->operands[side];
      if (t->sides[side].read) {
        operands[side] = t->sides[side].turn.stack;
        continue;
      }
      uint32_t s = 0;
      while (s < num_stacks && (stacks[s].value != value || stacks[s].index != t->index))
        ++s;
      if (s == num_stacks) {
        keep(l, t, value);
        stacks[num_stacks++] = (Stack){value, t->index, &l->op->results[t->carry]};
        takes = true;
      }
      operands[side] = stacks[s].all;
    }
    if (!takes)
      pj_rw_set_operand(rw, end, t->carry, arg);
    PjValue *total = build_total(l, after, t, operands);
    total = pj_build_binary(rw, after, PJ_OP_ADD, init, total);
    pj_rw_replace(rw, &old[t->carry], total);
    pj_rw_erase(rw, t->sum);
    pj_rw_erase(rw, t->dot);
  }
  for (uint32_t i = 0; i < l->op->num_results; ++i)
    if (!changed[i])
      pj_rw_replace(rw, &old[i], &l->op->results[i]);
}

static void visit(PjRewrite *rw, PjOp *op, void *context) {
  (void)context;
  Loop l = {rw, op};
  if (op->kind == PJ_OP_WHILE && !rw->exhausted && pj_rw_spend(rw, op->num_operands) &&
      pj_match_counter(op, &l.counter) && l.counter.alone && l.counter.trips > 1)
    sum_up(&l);
}

PjStatus pj_pass_totals(PjRewrite *rw) {
  pj_rw_visit(rw, visit, NULL);
  return PJ_STATUS_OK;
}

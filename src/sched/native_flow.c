// Control flow inside the function that a small loop becomes (native.h): what loops carry, and what
// branches hand over.
#include "kernel/kir_range.h"
#include "pass/range.h"
#include "sched/native.h"
#include "sched/shape_map.h"

enum {
  MAX_CARRIED = 4 * PJ_NATIVE_CARRIES + 1 + 4 * PJ_NATIVE_PIECES,
};

// Values of |region|'s terminator in the slots |targets| (arrays) or registers (single elements,
// into |out|).
static void native_results(PjNative *n, const PjRegion *region, const uint32_t *targets,
                           PjElem *out) {
  const PjOp *end = pj_region_terminator(region);
  pj_native_forget(n);
  for (uint32_t i = 0; i < end->num_operands; i++) {
    const PjValue *value = end->operands[i];
    if (pj_native_is_single(value)) {
      out[i] = pj_nest_scalar(n->nest, value);
      continue;
    }
    uint32_t slot = pj_slot_of(n->l, value);
    if (slot != targets[i])
      pj_native_copy(n, pj_native_slot(n, targets[i]), pj_native_slot(n, slot),
                     pj_value_bytes(value));
  }
}

static void want(PjNative *n, const PjRegion *region, const uint32_t *targets) {
  const PjOp *end = pj_region_terminator(region);
  for (uint32_t i = 0; i < end->num_operands; i++) {
    const PjValue *value = end->operands[i];
    if (value->def && value->def->region == region && !pj_native_is_single(value) &&
        n->l->wanted[value->id] == PJ_NO_SLOT)
      n->l->wanted[value->id] = targets[i];
  }
}

static uint32_t flatten(const PjElem *elems, const PjValue *const *values, uint32_t count,
                        PjKirVal *out) {
  uint32_t m = 0;
  for (uint32_t i = 0; i < count; i++) {
    if (!pj_native_is_single(values[i]))
      continue;
    out[m++] = elems[i].re;
    if (elems[i].im)
      out[m++] = elems[i].im;
  }
  return m;
}

static const PjKirVal *unflatten(PjElem *elems, const PjValue *const *values, uint32_t count,
                                 const PjKirVal *in) {
  for (uint32_t i = 0; i < count; i++) {
    if (!pj_native_is_single(values[i]))
      continue;
    elems[i].re = *in++;
    elems[i].im = pj_dtype_is_complex(values[i]->type->dtype) ? *in++ : 0;
  }
  return in;
}

static void native_case_branch(PjNative *n, const PjOp *op, uint32_t branch, PjKirVal index,
                               const uint32_t *targets, PjElem *results) {
  const PjValue *values[PJ_NATIVE_CARRIES];
  PjKirVal flat[2 * PJ_NATIVE_CARRIES];
  for (uint32_t i = 0; i < op->num_results; i++)
    values[i] = &op->results[i];
  if (branch == op->num_regions - 1) {
    pj_native_region(n, &op->regions[branch]);
    native_results(n, &op->regions[branch], targets, results);
    return;
  }
  PjKirVal here = index;
  if (op->kind == PJ_OP_CASE)
    here = pj_kir_eq(n->k, index, pj_kir_const(n->k, pj_kir_typeof(n->k, index), branch));
  pj_kir_if_begin(n->k, here);
  pj_native_region(n, &op->regions[branch]);
  native_results(n, &op->regions[branch], targets, results);
  uint32_t m = flatten(results, values, op->num_results, flat);
  pj_native_forget(n);
  pj_kir_if_else(n->k, m, flat);
  native_case_branch(n, op, branch + 1, index, targets, results);
  m = flatten(results, values, op->num_results, flat);
  pj_native_forget(n);
  pj_kir_if_end(n->k, m, flat, flat);
  unflatten(results, values, op->num_results, flat);
}

void pj_native_case(PjNative *n, const PjUnit *unit) {
  const PjOp *op = unit->op;
  uint32_t targets[PJ_NATIVE_CARRIES];
  PjElem results[PJ_NATIVE_CARRIES] = {0};
  if (op->num_results > PJ_NATIVE_CARRIES) {
    n->failed = "a branch with many results";
    return;
  }
  for (uint32_t i = 0; i < op->num_results; i++) {
    targets[i] =
        pj_native_is_single(&op->results[i]) ? PJ_NO_SLOT : pj_slot_for(n->l, &op->results[i]);
    if (targets[i] != PJ_NO_SLOT)
      pj_native_bind_memory(n, &op->results[i]);
  }
  for (uint32_t r = 0; r < op->num_regions; r++)
    want(n, &op->regions[r], targets);
  pj_native_forget(n);
  PjKirVal index = pj_nest_scalar(n->nest, op->operands[0]).re;
  native_case_branch(n, op, 0, index, targets, results);
  pj_native_forget(n);
  for (uint32_t i = 0; i < op->num_results; i++) {
    if (pj_native_is_single(&op->results[i]))
      pj_native_bind_value(n, &op->results[i], results[i]);
    else
      pj_native_bind_memory(n, &op->results[i]);
  }
}

// What is known of the integers that a loop carries, a counter, say: in its condition, which sees
// all that the body sees.
static void know_ranges(PjNative *n, const PjOp *op, const PjElem *elems) {
  for (uint32_t i = 0; i < op->num_operands; i++) {
    const PjValue *arg = &op->regions[0].args[i];
    const PjDtype dtype = arg->type->dtype;
    PjRange range;
    if (pj_native_is_single(arg) && pj_dtype_is_int(dtype) && pj_dtype_bits(dtype) >= 32 &&
        pj_range_of(arg, &range) && (dtype != PJ_DT_U32 || range.high <= INT32_MAX))
      pj_kir_assume(n->k, elems[i].re, range.low, range.high);
  }
}

void pj_native_while(PjNative *n, const PjUnit *unit) {
  PjLower *l = n->l;
  PjKir *k = n->k;
  const PjOp *op = unit->op;
  const PjRegion *cond = &op->regions[0], *body = &op->regions[1];
  const PjOp *test = pj_region_terminator(cond);
  uint32_t count = op->num_operands, carry[PJ_NATIVE_CARRIES] = {0}, next[PJ_NATIVE_CARRIES] = {0};
  PjElem elems[PJ_NATIVE_CARRIES] = {0};
  const PjValue *values[PJ_NATIVE_CARRIES] = {0};
  PjPieces pieces[PJ_NATIVE_CARRIES];
  if (count > PJ_NATIVE_CARRIES) {
    n->failed = "a loop with many carries";
    return;
  }
  pj_native_forget(n);
  for (uint32_t i = 0; i < count; i++) {
    const PjValue *init = values[i] = op->operands[i];
    if (pj_native_is_single(init)) {
      elems[i] = pj_nest_scalar(n->nest, init);
      continue;
    }
    const bool empty = pj_starts_empty(&l->ops[op->id], i);
    const bool none = empty && init->def && init->def->kind == PJ_OP_CONSTANT;
    uint32_t source = none ? PJ_NO_SLOT : pj_slot_of(l, init);
    bool taken = none || !pj_value_dies(l, init, unit);
    for (uint32_t j = 0; j < i; j++)
      taken |= !pj_native_is_single(values[j]) && carry[j] == source;
    carry[i] = taken ? pj_slot_new(l, PJ_SLOT_TEMP, pj_value_bytes(init)) : source;
    next[i] = pj_slot_new(l, PJ_SLOT_TEMP, pj_value_bytes(init));
    if (taken && !empty)
      pj_native_copy(n, pj_native_slot(n, carry[i]), pj_native_slot(n, source),
                     pj_value_bytes(init));
    l->slot_of[op->results[i].id] = carry[i];
  }
  uint32_t begin = ++l->time;
  size_t mark = pj_loop_begin(l);
  PjKirVal init[MAX_CARRIED], args[MAX_CARRIED];
  uint32_t m = flatten(elems, values, count, init);
  uint32_t room = MAX_CARRIED - (4 * PJ_NATIVE_CARRIES + 1);
  for (uint32_t i = 0; i < count; i++)
    if (!pj_native_is_single(values[i])) {
      init[m++] = pj_native_slot(n, carry[i]);
      init[m++] = pj_native_slot(n, next[i]);
      pieces[i] = pj_native_pieces(n, values[i]);
      if ((uint32_t)pieces[i].count > room)
        pieces[i].count = 0;
      room -= (uint32_t)pieces[i].count;
      m += pj_native_load(n, &pieces[i], carry[i], init + m);
    }
  init[m++] = pj_kir_const(k, PJ_KIR_T(I1, 1), 0);
  pj_kir_while_begin(k, m, init, args);
  const PjKirVal *at = unflatten(elems, values, count, args);
  know_ranges(n, op, elems);
  uint64_t outer_ptr[2 * PJ_NATIVE_CARRIES];
  const PjKirVal *known[PJ_NATIVE_CARRIES] = {0};
  for (uint32_t i = 0; i < count; i++) {
    if (pj_native_is_single(values[i])) {
      for (int r = 0; r < 2; r++)
        pj_native_bind_value(n, &op->regions[r].args[i], elems[i]);
      continue;
    }
    for (int which = 0; which < 2; which++) {
      uint32_t slot = which ? next[i] : carry[i];
      uint64_t *before = pj_map_find(&n->current, slot);
      outer_ptr[2 * i + which] = before ? *before : 0;
      pj_map_set(l->work, &n->current, slot, *at++);
    }
    known[i] = at;
    at += pieces[i].count;
    for (int r = 0; r < 2; r++) {
      const PjValue *arg = &op->regions[r].args[i];
      l->slot_of[arg->id] = carry[i];
      l->owned[arg->id] = r == 1;
      pj_native_bind_memory(n, arg);
    }
  }
  PjKirVal odd = *at;
  for (uint32_t i = 0; i < count; i++)
    if (known[i])
      pj_native_know(n, &pieces[i], carry[i], known[i]);
  pj_native_region(n, cond);
  pj_native_forget(n);
  PjKirVal go = pj_nest_scalar(n->nest, test->operands[0]).re;
  pj_native_forget(n);
  pj_kir_while_test(k, go);
  for (uint32_t i = 0; i < count; i++)
    if (known[i])
      pj_native_know(n, &pieces[i], carry[i], known[i]);
  want(n, body, next);
  pj_native_region(n, body);

  // An array that was changed in place stays; any other lies in |next| now, or is copied there.
  const PjOp *end = pj_region_terminator(body);
  bool swaps[PJ_NATIVE_CARRIES] = {false};
  PjElem results[PJ_NATIVE_CARRIES] = {0};
  pj_native_forget(n);
  for (uint32_t i = 0; i < count; i++) {
    if (pj_native_is_single(values[i])) {
      results[i] = pj_nest_scalar(n->nest, end->operands[i]);
      continue;
    }
    uint32_t slot = pj_slot_of(l, end->operands[i]);
    swaps[i] = slot != carry[i];
    if (swaps[i] && slot != next[i])
      pj_native_copy(n, pj_native_slot(n, next[i]), pj_native_slot(n, slot),
                     pj_value_bytes(end->operands[i]));
  }
  m = flatten(results, values, count, init);
  for (uint32_t i = 0; i < count; i++)
    if (!pj_native_is_single(values[i])) {
      init[m++] = pj_native_slot(n, swaps[i] ? next[i] : carry[i]);
      init[m++] = pj_native_slot(n, swaps[i] ? carry[i] : next[i]);
      m += pj_native_load(n, &pieces[i], swaps[i] ? next[i] : carry[i], init + m);
    }
  init[m++] = pj_kir_not(k, odd);
  pj_kir_while_end(k, m, init, args);
  pj_native_forget(n);
  at = unflatten(elems, values, count, args);
  for (uint32_t i = 0; i < count; i++) {
    if (pj_native_is_single(values[i]))
      continue;
    pj_map_set(l->work, &n->current, carry[i], outer_ptr[2 * i]);
    pj_map_set(l->work, &n->current, next[i], outer_ptr[2 * i + 1]);
    at += 2 + pieces[i].count;
  }
  odd = *at;
  bool any = false;
  for (uint32_t i = 0; i < count; i++)
    any |= swaps[i];
  if (any) {
    pj_kir_if_begin(k, odd);
    for (uint32_t i = 0; i < count; i++)
      if (swaps[i])
        pj_native_copy(n, pj_native_slot(n, carry[i]), pj_native_slot(n, next[i]),
                       pj_value_bytes(values[i]));
    pj_kir_if_else(k, 0, NULL);
    pj_kir_if_end(k, 0, NULL, NULL);
  }
  l->time++;
  for (uint32_t i = 0; i < count; i++) {
    if (pj_native_is_single(values[i])) {
      pj_native_bind_value(n, &op->results[i], elems[i]);
      continue;
    }
    pj_slot_touch(l, carry[i]);
    pj_slot_touch(l, next[i]);
    PjSchedSlot *slot = &l->schedule->slots.data[next[i]];
    slot->first = slot->first > begin ? begin : slot->first;
    pj_native_bind_memory(n, &op->results[i]);
  }
  pj_loop_end(l, mark, begin);
}

// From a module to a schedule: units become steps, values get memory, loops get their carries.
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "sched/manual.h"
#include "sched/native.h"
#include "sched/shape_map.h"
#include "sched/team.h"

PjStep *pj_step_add(PjLower *l, PjSteps *steps, PjStepKind kind, const PjOp *op, uint32_t num_in,
                    uint32_t num_out) {
  l->time++;
  PjStep step = {.kind = kind, .op = op, .num_in = num_in, .num_out = num_out};
  step.in = PJ_NEW_ARRAY(l->arena, uint32_t, num_in + num_out + 1);
  step.out = step.in + num_in;
  PJ_PUSH(l->arena, steps, step);
  return &steps->data[steps->len - 1];
}

uint32_t pj_code_add(PjLower *l, const PjKir *function, bool *known) {
  uint64_t hash[2];
  pj_kir_hash(function, hash);
  uint64_t *found = pj_map_find(&l->code_of, hash[0] ^ hash[1] * 31);
  *known =
      found && l->hashes.data[2 * *found] == hash[0] && l->hashes.data[2 * *found + 1] == hash[1];
  if (*known)
    return (uint32_t)*found;
  uint32_t code = (uint32_t)l->functions.len;
  PJ_PUSH(l->work, &l->functions, function);
  PJ_PUSH(l->work, &l->hashes, hash[0]);
  PJ_PUSH(l->work, &l->hashes, hash[1]);
  pj_map_set(l->work, &l->code_of, hash[0] ^ hash[1] * 31, code);
  return code;
}

static void add_copy(PjLower *l, PjSteps *out, const PjOp *op, uint32_t from, uint32_t to) {
  if (from == to)
    return;
  PjStep *copy = pj_step_add(l, out, PJ_STEP_COPY, op, 1, 1);
  pj_slot_touch(l, copy->in[0] = from);
  pj_slot_touch(l, copy->out[0] = to);
}

// --- Units ---------------------------------------------------------------------------------------

static void lower_exchange(PjLower *l, const PjOp *op, PjSteps *out) {
  const PjOpInfoSched *info = &l->ops[op->id];
  const PjExchangeMatch *match = info->exchange;
  PjStep *step = pj_step_add(l, out, PJ_STEP_ROUTINE, op, 2, 2);
  step->routine = info->routine;
  pj_slot_touch(l, step->in[0] = pj_slot_of(l, op->operands[match->rows]));
  pj_slot_touch(l, step->in[1] = pj_slot_of(l, match->at));
  pj_slot_touch(l, step->out[0] = pj_slot_for(l, &op->results[match->rows]));
  pj_slot_touch(l, step->out[1] = pj_slot_for(l, &op->results[match->counter]));
  l->schedule->num_routines++;
  l->schedule->cost += info->routine->bytes / 8 + 100;
}

static PjStatus lower_routine(PjLower *l, const PjUnit *unit, PjSteps *out) {
  const PjOp *op = unit->op;
  if (l->ops[op->id].exchange) {
    lower_exchange(l, op, out);
    return PJ_STATUS_OK;
  }
  const PjRoutine *routine = l->ops[op->id].routine;
  int in_place = routine->in_place;
  if (in_place >= 0 && pj_value_dies(l, op->operands[in_place], unit)) {
    bool again = false; // another operand in the same memory
    for (uint32_t i = 0; i < op->num_operands; i++)
      again |= (int)i != in_place &&
               pj_slot_of(l, op->operands[i]) == pj_slot_of(l, op->operands[in_place]);
    if (!again)
      l->slot_of[op->results[0].id] = pj_slot_of(l, op->operands[in_place]);
  }
  uint32_t num_reads;
  const PjValue *const *reads = pj_reads(&l->ops[op->id], op, &num_reads);
  const PjAttentionMatch *attention = l->ops[op->id].attention;
  const uint32_t num_results = attention ? attention->num_outputs : op->num_results;
  PjStep *step = pj_step_add(l, out, PJ_STEP_ROUTINE, op, num_reads, num_results);
  step->routine = routine;
  if (attention) {
    step->num_ops = attention->num_ops;
    step->ops = pj_arena_memdup(l->arena, attention->ops, step->num_ops * sizeof *step->ops);
  }
  for (uint32_t i = 0; i < num_reads; i++)
    pj_slot_touch(l, step->in[i] = pj_slot_of(l, reads[i]));
  for (uint32_t i = 0; i < num_results; i++)
    pj_slot_touch(l, step->out[i] =
                         pj_slot_for(l, attention ? attention->outputs[i] : &op->results[i]));
  l->schedule->num_routines++;
  l->schedule->cost += routine->flops / 20 + routine->bytes / 8 + 100;
  return PJ_STATUS_OK;
}

// Slots for the values that |region| returns: made at once where they can be, copied at the end
// where not. |targets|: a slot for each, taken as given.
static void want_results(PjLower *l, const PjRegion *region, const uint32_t *targets) {
  const PjOp *end = pj_region_terminator(region);
  for (uint32_t i = 0; end && i < end->num_operands; i++) {
    const PjValue *value = end->operands[i];
    if (value->def && value->def->region == region && l->wanted[value->id] == PJ_NO_SLOT)
      l->wanted[value->id] = targets[i];
  }
}

static void copy_results(PjLower *l, const PjRegion *region, const uint32_t *targets,
                         PjSteps *out) {
  const PjOp *end = pj_region_terminator(region);
  for (uint32_t i = 0; end && i < end->num_operands; i++)
    add_copy(l, out, end, pj_slot_of(l, end->operands[i]), targets[i]);
}

static PjStatus lower_case(PjLower *l, const PjOp *op, PjSteps *out) {
  uint32_t *targets = PJ_NEW_ARRAY(l->arena, uint32_t, op->num_results + 1);
  for (uint32_t i = 0; i < op->num_results; i++)
    targets[i] = pj_slot_for(l, &op->results[i]);
  PjSteps *bodies = PJ_NEW_ARRAY(l->arena, PjSteps, op->num_regions);
  uint32_t index = pj_slot_of(l, op->operands[0]);
  l->time++;
  pj_slot_touch(l, index);
  for (uint32_t r = 0; r < op->num_regions; r++) {
    want_results(l, &op->regions[r], targets);
    PJ_TRY(pj_lower_region(l, &op->regions[r], &bodies[r]));
    copy_results(l, &op->regions[r], targets, &bodies[r]);
  }
  PjStep *step = pj_step_add(l, out, PJ_STEP_CASE, op, 1, op->num_results);
  step->in[0] = index;
  for (uint32_t i = 0; i < op->num_results; i++)
    pj_slot_touch(l, step->out[i] = targets[i]);
  step->num_bodies = op->num_regions;
  step->bodies = bodies;
  step->is_if = op->kind == PJ_OP_IF;
  return PJ_STATUS_OK;
}

size_t pj_loop_begin(PjLower *l) {
  l->num_loops++;
  return l->touched.len;
}

// What the loop has touched lives to its end if it was there before it began.
void pj_loop_end(PjLower *l, size_t mark, uint32_t begin) {
  l->num_loops--;
  for (size_t i = mark; i < l->touched.len; i++) {
    PjSchedSlot *slot = &l->schedule->slots.data[l->touched.data[i]];
    if (slot->first < begin && slot->last < l->time)
      slot->last = l->time;
  }
  if (!l->num_loops)
    l->touched.len = 0;
}

static PjStatus lower_while(PjLower *l, const PjUnit *unit, PjSteps *out) {
  const PjOp *op = unit->op;
  const PjRegion *cond = &op->regions[0], *body = &op->regions[1];
  const PjOp *test = pj_region_terminator(cond), *end = pj_region_terminator(body);
  uint32_t n = op->num_operands;
  uint32_t *carry = PJ_NEW_ARRAY(l->arena, uint32_t, n + 1),
           *next = PJ_NEW_ARRAY(l->arena, uint32_t, n + 1);
  for (uint32_t i = 0; i < n; i++) {
    const PjValue *init = op->operands[i];
    const bool empty = pj_starts_empty(&l->ops[op->id], i);
    const bool none = empty && init->def && init->def->kind == PJ_OP_CONSTANT;
    uint32_t source = none ? PJ_NO_SLOT : pj_slot_of(l, init);
    // Exchanged addresses must be those of temporaries.
    bool taken = none || l->schedule->slots.data[source].kind != PJ_SLOT_TEMP ||
                 !pj_value_dies(l, init, unit);
    for (uint32_t j = 0; j < i; j++)
      taken |= carry[j] == source;
    carry[i] = taken ? pj_slot_new(l, PJ_SLOT_TEMP, pj_value_bytes(init)) : source;
    if (!empty)
      add_copy(l, out, op, source, carry[i]);
    for (int r = 0; r < 2; r++) {
      const PjValue *arg = &op->regions[r].args[i];
      l->slot_of[arg->id] = carry[i];
      l->owned[arg->id] = r == 1; // the condition only looks
    }
    l->slot_of[op->results[i].id] = carry[i];
  }
  uint32_t begin = ++l->time;
  size_t mark = pj_loop_begin(l);
  for (uint32_t i = 0; i < n; i++)
    pj_slot_touch(l, carry[i]);
  PjSteps *bodies = PJ_NEW_ARRAY(l->arena, PjSteps, 2);
  PJ_TRY(pj_lower_region(l, cond, &bodies[0]));
  uint32_t pred = pj_slot_of(l, test->operands[0]);
  l->time++;
  pj_slot_touch(l, pred);
  PJ_TRY(pj_lower_region(l, body, &bodies[1]));

  // What the body returns becomes the carry by an exchange of addresses, if it lies in memory of
  // its own.
  uint32_t *swaps = PJ_NEW_ARRAY(l->arena, uint32_t, 2 * n + 1), num_swaps = 0;
  for (uint32_t i = 0; i < n; i++) {
    const PjValue *value = end->operands[i];
    uint32_t slot = pj_slot_of(l, value);
    next[i] = slot;
    if (slot == carry[i])
      continue;
    const PjValue *origin = pj_origin(l, value);
    bool own = pj_home(origin) == body && origin->def && l->owned[origin->id] &&
               l->schedule->slots.data[slot].kind == PJ_SLOT_TEMP;
    for (uint32_t j = 0; j < n; j++)
      own = own && slot != carry[j] && (j == i || pj_slot_of(l, end->operands[j]) != slot);
    if (!own) {
      next[i] = pj_slot_new(l, PJ_SLOT_TEMP, pj_value_bytes(value));
      add_copy(l, &bodies[1], op, slot, next[i]);
    }
    swaps[num_swaps++] = carry[i];
    swaps[num_swaps++] = next[i];
  }
  PjStep *step = pj_step_add(l, out, PJ_STEP_WHILE, op, 1, n);
  step->in[0] = pred;
  for (uint32_t i = 0; i < n; i++)
    pj_slot_touch(l, step->out[i] = carry[i]);
  for (uint32_t i = 0; i < num_swaps; i++) { // both lie still while the loop runs
    PjSchedSlot *slot = &l->schedule->slots.data[swaps[i]];
    pj_slot_touch(l, swaps[i]);
    if (slot->first > begin)
      slot->first = begin;
  }
  step->num_bodies = 2;
  step->bodies = bodies;
  step->num_swaps = num_swaps / 2;
  step->swaps = swaps;
  pj_loop_end(l, mark, begin);
  return PJ_STATUS_OK;
}

static PjStatus lower_manual(PjLower *l, const PjOp *op, PjSteps *out) {
  bool done = false;
  if (!l->options->source)
    PJ_TRY(pj_lower_manual(l, op, out, &done));
  return done ? PJ_STATUS_OK : pj_lower_fallback(l, op, out);
}

static PjStatus lower_unit(PjLower *l, const PjUnit *unit, PjSteps *out) {
  const PjOp *op = unit->op;
  if (unit->is_group)
    return pj_lower_group(l, unit, out);
  if (pj_is_alias(l, op)) {
    for (uint32_t i = 0; i < op->num_results; i++)
      l->slot_of[op->results[i].id] = pj_slot_of(l, op->operands[i]);
    return PJ_STATUS_OK;
  }
  switch (l->ops[op->id].role) {
  case PJ_OPROLE_UPDATE:
    return pj_lower_update(l, unit, out);
  case PJ_OPROLE_ROUTINE:
    return lower_routine(l, unit, out);
  case PJ_OPROLE_CONTROL:
    if (op->kind != PJ_OP_WHILE)
      return lower_case(l, op, out);
    return pj_native_fits(l, op) ? pj_lower_native(l, unit, out) : lower_while(l, unit, out);
  default:
    return op->kind == PJ_OP_SDY_MANUAL_COMPUTATION ? lower_manual(l, op, out)
                                                    : pj_lower_fallback(l, op, out);
  }
}

PjStatus pj_lower_region(PjLower *l, const PjRegion *region, PjSteps *out) {
  PjUnits units = {0};
  pj_lower_roles(l, region);
  pj_lower_units(l, region, &units);
  for (size_t i = 0; i < units.len; i++) {
    if (i % 64 == 0)
      PJ_TRY(pj_compile_tick("scheduling", (int64_t)i, (int64_t)units.len));
    PJ_TRY(lower_unit(l, units.data[i], out));
  }
  return PJ_STATUS_OK;
}

// --- The program ---------------------------------------------------------------------------------

static PjStatus check_type(const PjOp *op, const PjType *type) {
  if (type->kind == PJ_TYPE_TOKEN || (type->kind == PJ_TYPE_TENSOR && pj_type_is_static(type)))
    return PJ_STATUS_OK;
  return PJ_OP_ERROR(op, UNIMPLEMENTED, "a value that is no array of static shape");
}

// Whether a team can compute collective |op|: all devices come to it at once.
static bool is_joint(const PjOp *op) {
  return op->kind != PJ_OP_SEND && op->kind != PJ_OP_RECV && op->kind != PJ_OP_ASYNC_START &&
         op->kind != PJ_OP_ASYNC_DONE;
}

static PjStatus check_region(const PjRegion *region, bool team) {
  for (const PjOp *op = region->first; op; op = op->next) {
    if (pj_op_meets(op) && !(team && is_joint(op)))
      return PJ_OP_ERROR(op, UNIMPLEMENTED, "meets other devices");
    if (op->kind == PJ_OP_SDY_MANUAL_COMPUTATION && team)
      return PJ_OP_ERROR(op, UNIMPLEMENTED, "a manual computation within another");
    for (uint32_t i = 0; i < op->num_results; i++)
      PJ_TRY(check_type(op, op->results[i].type));
    if (op->kind == PJ_OP_WHILE || op->kind == PJ_OP_IF || op->kind == PJ_OP_CASE)
      for (uint32_t r = 0; r < op->num_regions; r++)
        PJ_TRY(check_region(&op->regions[r], team));
  }
  return PJ_STATUS_OK;
}

static PjStatus check(const PjOp *entry, bool team) {
  PJ_FAIL_IF(!entry || !pj_region_terminator(&entry->regions[0]), UNIMPLEMENTED,
             "a program without an entry function");
  for (uint32_t i = 0; i < entry->regions[0].num_args; i++)
    PJ_TRY(check_type(entry, entry->regions[0].args[i].type));
  return check_region(&entry->regions[0], team);
}

static PjStatus compile(PjLower *l) {
  PjSchedule *s = l->schedule;
  uint32_t n = s->num_codes = (uint32_t)l->functions.len;
  s->entries = PJ_NEW_ARRAY(l->arena, PjKernelEntry *, n + 1);
  s->codes = PJ_NEW_ARRAY(l->arena, PjJitCode *, n + 1);
  PjJitCode **codes = s->codes;
  for (uint32_t i = 0; i < n && l->options->dump; i++)
    l->options->dump(l->options->dump_context, s->first_code + i, l->functions.data[i]);
  // Always: it takes microseconds, and code generation crashes on what is wrong.
  for (uint32_t i = 0; i < n; i++)
    PJ_TRY_IN(pj_kir_verify(l->functions.data[i]), "a kernel");
  if (l->options->source) {
    s->functions = pj_arena_memdup(l->arena, l->functions.data, n * sizeof *s->functions);
    s->codes = NULL; // nothing to release
    return PJ_STATUS_OK;
  }
  if (n)
    PJ_TRY(pj_jit_compile(l->options->threads, n, l->functions.data, codes));
  for (uint32_t i = 0; i < n; i++)
    s->entries[i] = pj_jit_entry(codes[i]);
  return PJ_STATUS_OK;
}

// Parameters that JAX gives up for a result of the same size.
static void read_donations(PjLower *l, const PjOp *entry) {
  PjSchedule *s = l->schedule;
  // Source text keeps its promise not to write to arguments.
  const PjAttr *attrs = l->options->source ? NULL : PJ_ATTR(entry, arg_attrs);
  l->donated_to = PJ_NEW_ARRAY(l->work, uint32_t, s->num_inputs + 1);
  for (uint32_t i = 0; i < s->num_inputs; i++) {
    l->donated_to[i] = PJ_NO_SLOT;
    const PjAttr *alias =
        attrs && i < attrs->count ? pj_attr_get(attrs->elems[i], "tf.aliasing_output") : NULL;
    if (!alias || alias->kind != PJ_ATTR_INT || alias->i64 < 0 || alias->i64 >= s->num_outputs)
      continue;
    PjSchedSlot *slot = &s->slots.data[s->inputs[i]];
    uint32_t result = s->outputs[alias->i64];
    bool taken = slot->bytes != s->slots.data[result].bytes || !slot->bytes;
    for (uint32_t k = 0; k < i; k++) // one parameter for one result
      taken |= l->donated_to[k] == result;
    if (taken)
      continue;
    l->donated_to[i] = result;
    slot->donated = true;
    l->owned[entry->regions[0].args[i].id] = true;
  }
}

// Copies results that lie elsewhere; those that lie in the parameter donated to them stay there.
static void return_results(PjLower *l, const PjRegion *body) {
  PjSchedule *s = l->schedule;
  const PjOp *end = pj_region_terminator(body);
  for (uint32_t j = 0; j < s->num_outputs; j++) {
    uint32_t slot = pj_slot_of(l, end->operands[j]);
    const PjSchedSlot *memory = &s->slots.data[slot];
    s->aliased_input[j] = PJ_NOT_ALIASED;
    if (memory->kind == PJ_SLOT_INPUT && memory->donated &&
        l->donated_to[memory->index] == s->outputs[j])
      s->aliased_input[j] = memory->index;
    else
      add_copy(l, &s->steps, end, slot, s->outputs[j]);
  }
}

static void count_uses(const PjRegion *region, uint32_t *uses) {
  for (const PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_operands; i++)
      uses[op->operands[i]->id]++;
    for (uint32_t r = 0; r < op->num_regions; r++)
      count_uses(&op->regions[r], uses);
  }
}

static void find_overwritten(PjSchedule *s, const PjSteps *steps) {
  for (size_t i = 0; i < steps->len; i++) {
    const PjStep *step = &steps->data[i];
    // A loop that is one function names all of its slots among the inputs.
    bool any = step->kind == PJ_STEP_KERNEL && step->op->kind == PJ_OP_WHILE;
    for (uint32_t k = any ? 0 : step->num_in; k < step->num_in + step->num_out; k++) {
      const PjSchedSlot *slot = &s->slots.data[step->in[k]];
      if (slot->kind == PJ_SLOT_INPUT && slot->donated)
        s->overwritten[slot->index] = true;
    }
    for (uint32_t b = 0; b < step->num_bodies; b++)
      find_overwritten(s, &step->bodies[b]);
  }
}

static void number_steps(PjSchedule *s, PjSteps *steps) {
  for (size_t i = 0; i < steps->len; i++) {
    steps->data[i].number = s->num_steps++;
    for (uint32_t b = 0; b < steps->data[i].num_bodies; b++)
      number_steps(s, &steps->data[i].bodies[b]);
  }
}

PjStatus pj_schedule_create(PjArena *arena, const PjModule *module,
                            const PjScheduleOptions *options, PjSchedule **out) {
  *out = NULL;
  const PjOp *entry = pj_module_entry(module);
  PJ_TRY(check(entry, options->team));
  PjSchedule *s = PJ_NEW(arena, PjSchedule);
  *s = (PjSchedule){
      .arena = arena, .module = module, .team = options->team, .first_code = options->first_code};
  *out = s;
  PjLower *l = PJ_NEW(options->work, PjLower);
  *l = (PjLower){.arena = arena, .work = options->work, .schedule = s, .options = options};
  uint32_t values = entry->num_values;
  l->ops = PJ_NEW_ARRAY(options->work, PjOpInfoSched, entry->num_ops + 1);
  l->slot_of = PJ_NEW_ARRAY(options->work, uint32_t, values + 1);
  l->wanted = PJ_NEW_ARRAY(options->work, uint32_t, values + 1);
  l->origin = PJ_NEW_ARRAY(options->work, const PjValue *, values + 1);
  l->last_read = PJ_NEW_ARRAY(options->work, uint32_t, values + 1);
  l->read_moved = PJ_NEW_ARRAY(options->work, bool, values + 1);
  l->owned = PJ_NEW_ARRAY(options->work, bool, values + 1);
  for (uint32_t i = 0; i < values; i++) {
    l->slot_of[i] = l->wanted[i] = PJ_NO_SLOT;
    l->owned[i] = true;
  }
  const PjRegion *body = &entry->regions[0];
  const PjOp *end = pj_region_terminator(body);
  uint32_t *uses = PJ_NEW_ARRAY(options->work, uint32_t, values + 1);
  count_uses(body, uses);
  l->uses = uses;
  s->num_inputs = body->num_args;
  s->num_outputs = end->num_operands;
  s->inputs = PJ_NEW_ARRAY(arena, uint32_t, s->num_inputs + 1);
  s->outputs = PJ_NEW_ARRAY(arena, uint32_t, s->num_outputs + 1);
  s->aliased_input = PJ_NEW_ARRAY(arena, uint32_t, s->num_outputs + 1);
  s->overwritten = PJ_NEW_ARRAY(arena, bool, s->num_inputs + 1);
  for (uint32_t i = 0; i < s->num_inputs; i++) {
    const PjValue *arg = &body->args[i];
    s->inputs[i] = l->slot_of[arg->id] = pj_slot_new(l, PJ_SLOT_INPUT, pj_value_bytes(arg));
    s->slots.data[s->inputs[i]].index = i;
    l->owned[arg->id] = false;
  }
  for (uint32_t i = 0; i < s->num_outputs; i++) {
    s->outputs[i] = pj_slot_new(l, PJ_SLOT_OUTPUT, pj_value_bytes(end->operands[i]));
    s->slots.data[s->outputs[i]].index = i;
    l->returned_bytes += (int64_t)s->slots.data[s->outputs[i]].bytes;
  }
  read_donations(l, entry);
  want_results(l, body, s->outputs);
  PJ_TRY(pj_lower_region(l, body, &s->steps));
  return_results(l, body);
  pj_slots_adopt(l);
  find_overwritten(s, &s->steps);
  number_steps(s, &s->steps);
  if (s->team)
    pj_team_plan(s);
  pj_slots_place(s);
  PJ_TRY(pj_fallbacks_prepare(l));
  return compile(l);
}

int64_t pj_schedule_code_bytes(const PjSchedule *schedule) {
  int64_t bytes = 0;
  for (uint32_t i = 0; i < schedule->num_codes; i++)
    bytes += (int64_t)pj_jit_bytes(schedule->codes[i]);
  for (size_t i = 0; i < schedule->inner.len; i++)
    bytes += pj_schedule_code_bytes(schedule->inner.data[i]);
  return bytes;
}

void pj_schedule_destroy(PjSchedule *schedule) {
  if (!schedule)
    return;
  for (size_t i = 0; i < schedule->inner.len; i++)
    pj_schedule_destroy(schedule->inner.data[i]);
  schedule->inner.len = 0;
  pj_trace_labels_release(atomic_exchange(&schedule->labels, NULL));
  if (!schedule->codes)
    return;
  for (uint32_t i = 0; i < schedule->num_codes; i++)
    pj_jit_release(schedule->codes[i]);
  schedule->num_codes = 0;
}

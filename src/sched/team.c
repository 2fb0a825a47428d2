// What is the same on all devices of a team (team.h): a slot is, unless something else is ever
// written to it, and what a step writes is, unless it reads something else.
#include "sched/team.h"

#include <string.h>

typedef struct Plan {
  PjSchedule *s;
  bool *varying; // by slot
  bool changed;
} Plan;

static void vary(Plan *p, uint32_t slot) {
  p->changed |= !p->varying[slot];
  p->varying[slot] = true;
}

// Slots of one result are one memory.
static void vary_together(Plan *p) {
  const PjSchedSlot *slots = p->s->slots.data;
  for (size_t i = 0; i < p->s->slots.len; i++)
    if (slots[i].kind == PJ_SLOT_OUTPUT && p->varying[i])
      vary(p, p->s->outputs[slots[i].index]);
  for (size_t i = 0; i < p->s->slots.len; i++)
    if (slots[i].kind == PJ_SLOT_OUTPUT && p->varying[p->s->outputs[slots[i].index]])
      vary(p, (uint32_t)i);
}

// A loop that is one function names all that it changes among what it reads.
static bool changes_inputs(const PjStep *step) {
  return step->kind == PJ_STEP_KERNEL && step->op->kind == PJ_OP_WHILE;
}

// Whether equal inputs give equal results on all devices.
static bool is_function(const PjStep *step) {
  if (step->kind != PJ_STEP_EVAL)
    return true;
  return pj_op_info[step->op->kind].traits & PJ_TRAIT_PURE && !pj_is_device_number(step->op);
}

// Whether a collective gives all devices the same: one group of all of them.
static bool joins_all(const Plan *p, const PjOp *op) {
  if (op->kind != PJ_OP_ALL_REDUCE && op->kind != PJ_OP_ALL_GATHER)
    return false;
  const PjAttr *groups = PJ_ATTR(op, replica_groups);
  if (groups->kind == PJ_ATTR_STRUCT || groups->columns <= 0 ||
      (uint32_t)groups->columns != groups->count || groups->count != pj_team_size(p->s->team))
    return false;
  bool *named = PJ_NEW_ARRAY(p->s->arena, bool, groups->count);
  for (uint32_t i = 0; i < groups->count; i++) {
    int64_t id = groups->ints[i];
    if (id < 0 || id >= groups->count || named[id])
      return false;
    named[id] = true;
  }
  return true;
}

static bool holds_meeting(const PjStep *step) {
  bool any = step->kind == PJ_STEP_MEET;
  for (uint32_t b = 0; b < step->num_bodies; b++)
    for (size_t i = 0; i < step->bodies[b].len && !any; i++)
      any = holds_meeting(&step->bodies[b].data[i]);
  return any;
}

// Whether something that |step| or its bodies write varies.
static bool writes_varying(const Plan *p, const PjStep *step) {
  bool any = !is_function(step);
  for (uint32_t i = 0; i < step->num_out && !any; i++)
    any = p->varying[step->out[i]];
  for (uint32_t i = 0; i < step->num_in && !any && changes_inputs(step); i++)
    any = p->varying[step->in[i]];
  for (uint32_t i = 0; i < 2 * step->num_swaps && !any; i++)
    any = p->varying[step->swaps[i]];
  for (uint32_t b = 0; b < step->num_bodies; b++)
    for (size_t i = 0; i < step->bodies[b].len && !any; i++)
      any = writes_varying(p, &step->bodies[b].data[i]);
  return any;
}

static void flow(Plan *p, const PjSteps *steps, bool apart);

static void flow_step(Plan *p, const PjStep *step, bool apart) {
  bool varies = apart || !is_function(step);
  for (uint32_t i = 0; i < step->num_in; i++)
    varies |= p->varying[step->in[i]];
  if (step->kind == PJ_STEP_MEET)
    varies = apart || !joins_all(p, step->op);
  if (changes_inputs(step)) // may write to any of them
    for (uint32_t i = 0; i < step->num_out; i++)
      varies |= p->varying[step->out[i]];
  if (step->kind == PJ_STEP_WHILE || step->kind == PJ_STEP_CASE) {
    // Without a collective in it each device runs it by itself, or one does for all.
    varies |= !holds_meeting(step) && writes_varying(p, step);
    for (uint32_t b = 0; b < step->num_bodies; b++)
      flow(p, &step->bodies[b], varies);
    for (uint32_t i = 0; i < step->num_swaps; i++) {
      uint32_t a = step->swaps[2 * i], b = step->swaps[2 * i + 1];
      if (varies || p->varying[a] || p->varying[b]) {
        vary(p, a);
        vary(p, b);
      }
    }
    return; // its bodies write what it writes
  }
  if (!varies)
    return;
  for (uint32_t i = 0; i < step->num_out; i++)
    vary(p, step->out[i]);
  for (uint32_t i = 0; i < step->num_in && changes_inputs(step); i++)
    vary(p, step->in[i]);
}

// |apart|: not all devices come here.
static void flow(Plan *p, const PjSteps *steps, bool apart) {
  for (size_t i = 0; i < steps->len; i++)
    flow_step(p, &steps->data[i], apart);
}

// Sets |once| and |meets|; returns whether one of |steps| meets.
static bool mark(const Plan *p, PjSteps *steps, bool apart, bool *all_once) {
  bool any = false;
  for (size_t i = 0; i < steps->len; i++) {
    PjStep *step = &steps->data[i];
    bool control = step->kind == PJ_STEP_WHILE || step->kind == PJ_STEP_CASE;
    bool inside = apart || (control && p->varying[step->in[0]]);
    step->once = !inside && step->kind != PJ_STEP_MEET && is_function(step);
    step->meets = step->kind == PJ_STEP_MEET;
    for (uint32_t k = 0; k < step->num_out && !control; k++)
      step->once &= !p->varying[step->out[k]];
    for (uint32_t k = 0; k < step->num_in && changes_inputs(step); k++)
      step->once &= !p->varying[step->in[k]];
    for (uint32_t b = 0; b < step->num_bodies; b++)
      step->meets |= mark(p, &step->bodies[b], inside, &step->once);
    any |= step->meets;
    *all_once &= step->once;
  }
  return any;
}

void pj_team_plan(PjSchedule *s) {
  Plan plan = {.s = s, .varying = PJ_NEW_ARRAY(s->arena, bool, s->slots.len + 1)};
  for (uint32_t i = 0; i < s->num_inputs; i++)
    plan.varying[s->inputs[i]] = s->team->cut_in[i];
  for (uint32_t i = 0; i < s->num_outputs; i++)
    plan.varying[s->outputs[i]] = s->team->cut_out[i];
  do {
    plan.changed = false;
    vary_together(&plan);
    flow(&plan, &s->steps, false);
  } while (plan.changed);
  bool all_once = true;
  mark(&plan, &s->steps, false, &all_once);
  bool *shared = plan.varying;
  for (size_t i = 0; i < s->slots.len; i++)
    shared[i] = !plan.varying[i];
  s->shared = shared;
}

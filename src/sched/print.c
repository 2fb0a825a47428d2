// Schedules as text: slots, then steps, nested ones indented.
#include "ir/print.h"
#include "sched/manual.h"

static const char *const kind_names[] = {"temp", "input", "output", "constant"};

static void print_slot(const PjSchedule *s, PjStrBuf *out, uint32_t slot) {
  const PjSchedSlot *p = &s->slots.data[slot];
  if (p->kind == PJ_SLOT_TEMP)
    pj_strbuf_printf(out, "%%%u@%zu", slot, p->offset);
  else if (p->kind == PJ_SLOT_CONSTANT)
    pj_strbuf_printf(out, "%%%u=constant", slot);
  else
    pj_strbuf_printf(out, "%%%u=%s%u", slot, kind_names[p->kind], p->index);
}

static void print_slots(const PjSchedule *s, PjStrBuf *out, uint32_t count, const uint32_t *slots) {
  for (uint32_t i = 0; i < count; i++) {
    pj_strbuf_puts(out, i ? ", " : "");
    print_slot(s, out, slots[i]);
  }
}

static void print_steps(const PjSchedule *s, PjStrBuf *out, const PjSteps *steps, int depth);

static void print_step(const PjSchedule *s, PjStrBuf *out, const PjStep *step, int depth) {
  pj_strbuf_printf(out, "%*s", 2 * depth, "");
  print_slots(s, out, step->num_out, step->out);
  pj_strbuf_puts(out, step->num_out ? " = " : "");
  switch (step->kind) {
  case PJ_STEP_KERNEL:
    pj_strbuf_printf(out, "kernel %u", s->first_code + step->code);
    if (step->trial)
      pj_strbuf_printf(out, " or %u", s->first_code + step->through);
    break;
  case PJ_STEP_ROUTINE:
    pj_strbuf_printf(out, "routine %s", step->routine->name);
    break;
  case PJ_STEP_COPY:
    pj_strbuf_puts(out, "copy");
    break;
  case PJ_STEP_EVAL:
    pj_strbuf_puts(out, "evaluate");
    break;
  case PJ_STEP_MEET:
    pj_strbuf_puts(out, "meet");
    break;
  case PJ_STEP_MANUAL:
    pj_strbuf_puts(out, "team");
    break;
  case PJ_STEP_WHILE:
    pj_strbuf_puts(out, "while");
    break;
  case PJ_STEP_CASE:
    pj_strbuf_puts(out, step->is_if ? "if" : "case");
    break;
  }
  pj_strbuf_puts(out, step->once ? " once (" : " (");
  print_slots(s, out, step->num_in, step->in);
  pj_strbuf_printf(out, ") %s", pj_op_info[step->op->kind].text);
  if (step->kind == PJ_STEP_KERNEL)
    pj_strbuf_printf(out, ", %lld units by %lld", (long long)step->units, (long long)step->grain);
  for (uint32_t i = 0; i < step->num_swaps; i++)
    pj_strbuf_printf(out, ", %%%u<->%%%u", step->swaps[2 * i], step->swaps[2 * i + 1]);
  PjStrBuf where = {0};
  pj_loc_describe(&where, step->op->loc);
  if (where.len)
    pj_strbuf_printf(out, "  // %.*s", (int)where.len, where.data);
  pj_strbuf_free(&where);
  pj_strbuf_puts(out, "\n");
  for (uint32_t b = 0; b < step->num_bodies; b++) {
    pj_strbuf_printf(out, "%*sbody %u:\n", 2 * depth + 1, "", b);
    print_steps(s, out, &step->bodies[b], depth + 1);
  }
  if (step->kind == PJ_STEP_MANUAL) {
    pj_strbuf_printf(out, "%*sfor each of its devices:\n", 2 * depth + 1, "");
    pj_schedule_print(pj_manual_schedule(step), out);
    pj_strbuf_printf(out, "%*send of these\n", 2 * depth + 1, "");
  }
}

static void print_steps(const PjSchedule *s, PjStrBuf *out, const PjSteps *steps, int depth) {
  for (size_t i = 0; i < steps->len; i++)
    print_step(s, out, &steps->data[i], depth);
}

void pj_schedule_print(const PjSchedule *s, PjStrBuf *out) {
  pj_strbuf_printf(out,
                   "%zu slots, %zu bytes of temporaries, %zu shared, %u kernels of %u functions, "
                   "%u routines, %u fallbacks\n",
                   s->slots.len, s->temp_bytes, s->shared_bytes, s->num_kernels, s->num_codes,
                   s->num_routines, s->num_fallbacks);
  for (size_t i = 0; i < s->slots.len; i++) {
    const PjSchedSlot *slot = &s->slots.data[i];
    if (slot->first == UINT32_MAX)
      continue;
    print_slot(s, out, (uint32_t)i);
    pj_strbuf_printf(out, ": %zu bytes%s", slot->bytes,
                     s->shared && s->shared[i] ? ", shared" : "");
    if (slot->kind == PJ_SLOT_TEMP)
      pj_strbuf_printf(out, ", steps %u to %u", slot->first, slot->last);
    pj_strbuf_puts(out, "\n");
  }
  print_steps(s, out, &s->steps, 0);
}

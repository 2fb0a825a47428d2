// What profilers are told of the steps of a schedule.
#include "base/alloc.h"
#include "ir/flops.h"
#include "ir/label.h"
#include "sched/sched.h"

typedef struct Text {
  PjStrBuf name, ops, source;
} Text;

enum { NAMED_OPS = 4 }; // in a step's name; all of them are in |ops|

// Whether some operation before |i| is of the same kind.
static bool is_repeated(const PjStep *step, uint32_t i) {
  for (uint32_t k = 0; k < i; k++)
    if (step->ops[k]->kind == step->ops[i]->kind)
      return true;
  return false;
}

static uint32_t count_kind(const PjStep *step, PjOpKind kind) {
  uint32_t count = 0;
  for (uint32_t k = 0; k < step->num_ops; k++)
    count += step->ops[k]->kind == kind;
  return count;
}

// "multiply_add.7": in the order from the results to what they are computed from. A routine that
// computes several operations has a name.
static void name_ops(const PjStep *step, Text *text) {
  uint32_t named = 0;
  for (uint32_t i = 0; i < step->num_ops; i++) {
    if (is_repeated(step, i))
      continue;
    uint32_t count = count_kind(step, step->ops[i]->kind);
    pj_strbuf_printf(&text->ops, "%s%s", text->ops.len ? ", " : "", pj_op_short_name(step->ops[i]));
    if (count > 1)
      pj_strbuf_printf(&text->ops, " x%u", count);
    if (step->kind == PJ_STEP_ROUTINE)
      continue;
    if (named < NAMED_OPS)
      pj_strbuf_printf(&text->name, "%s%s", named ? "_" : "", pj_op_short_name(step->ops[i]));
    else if (named == NAMED_OPS)
      pj_strbuf_puts(&text->name, "_etc");
    named++;
  }
  if (step->kind == PJ_STEP_ROUTINE)
    pj_strbuf_puts(&text->name, step->routine->name);
}

static const char *prefix(const PjStep *step) {
  if (step->kind == PJ_STEP_EVAL)
    return "evaluate_";
  // Such a kernel joins what the parts of a long reduction leave.
  return step->kind == PJ_STEP_KERNEL && step->op->kind != PJ_OP_WHILE ? "join_" : "";
}

static void name_step(const PjStep *step, Text *text) {
  if (step->num_ops) {
    name_ops(step, text);
  } else {
    pj_strbuf_puts(&text->ops, pj_op_short_name(step->op));
    if (step->kind == PJ_STEP_ROUTINE)
      pj_strbuf_puts(&text->name, step->routine->name);
    else if (step->kind == PJ_STEP_COPY)
      pj_strbuf_puts(&text->name, "copy");
    else
      pj_strbuf_printf(&text->name, "%s%s", prefix(step), pj_op_short_name(step->op));
  }
  pj_strbuf_printf(&text->name, ".%u", step->number);
}

// The location of the first of its operations that knows where it comes from.
static const PjLoc *location(const PjStep *step, PjStrBuf *out) {
  if (pj_loc_source(out, step->op->loc))
    return step->op->loc;
  for (uint32_t i = 0; i < step->num_ops; i++)
    if (pj_loc_source(out, step->ops[i]->loc))
      return step->ops[i]->loc;
  return step->op->loc;
}

// A transcendental function counts as one.
static double flops_of(const PjStep *step) {
  double flops = 0, transcendentals;
  if (step->kind == PJ_STEP_COPY || step->num_bodies)
    return 0;
  if (step->kind != PJ_STEP_KERNEL) {
    flops = pj_op_flops(step->op, &transcendentals) + transcendentals;
    return step->kind == PJ_STEP_ROUTINE && step->routine->flops > 0 ? step->routine->flops : flops;
  }
  for (uint32_t i = 0; i < step->num_ops; i++)
    flops += pj_op_flops(step->ops[i], &transcendentals) + transcendentals;
  return flops;
}

// Of its machine code, which equal kernels share.
static double code_bytes_of(const PjSchedule *s, const PjStep *step) {
  return step->kind == PJ_STEP_KERNEL && s->codes ? (double)pj_jit_bytes(s->codes[step->code]) : 0;
}

static bool label_step(const PjSchedule *s, const PjStep *step, const char *program,
                       const double *traffic, PjTraceLabels *out) {
  Text text = {0};
  PjStrBuf given = {0};
  name_step(step, &text);
  pj_strbuf_str(&given, pj_loc_framework_name(location(step, &text.source)));
  PjTraceLabel label = {.kind = PJ_TRACE_STEP,
                        .name = text.name.data,
                        .program = program,
                        .ops = text.ops.data,
                        .op_name = given.data,
                        .source = text.source.data,
                        .flops = flops_of(step),
                        .bytes = traffic[step->number],
                        .code_bytes = code_bytes_of(s, step)};
  bool good = !text.name.failed && pj_trace_label_set(out, step->number, &label);
  pj_strbuf_free(&text.name);
  pj_strbuf_free(&text.ops);
  pj_strbuf_free(&text.source);
  pj_strbuf_free(&given);
  return good;
}

static bool label_steps(const PjSchedule *s, const PjSteps *steps, const char *program,
                        const double *traffic, PjTraceLabels *out) {
  for (size_t i = 0; i < steps->len; i++) {
    const PjStep *step = &steps->data[i];
    if (!label_step(s, step, program, traffic, out))
      return false;
    for (uint32_t b = 0; b < step->num_bodies; b++)
      if (!label_steps(s, &step->bodies[b], program, traffic, out))
        return false;
  }
  return true;
}

PjTraceLabels *pj_schedule_labels(const PjSchedule *schedule) {
  // The labels are no part of what is immutable.
  _Atomic(PjTraceLabels *) *place = (_Atomic(PjTraceLabels *) *)(uintptr_t)&schedule->labels;
  PjTraceLabels *labels = atomic_load_explicit(place, memory_order_acquire);
  if (labels)
    return labels;
  labels = pj_trace_labels_create(schedule->num_steps);
  PjStr name = schedule->module->name.len ? schedule->module->name : PJ_STR("main");
  char *program = labels ? pj_strndup(name.ptr, name.len) : NULL;
  double *traffic = program ? pj_schedule_traffic(schedule) : NULL;
  bool good = traffic && label_steps(schedule, &schedule->steps, program, traffic, labels);
  pj_free(traffic);
  pj_free(program);
  PjTraceLabels *other = NULL;
  if (good && atomic_compare_exchange_strong(place, &other, labels))
    return labels;
  pj_trace_labels_release(labels);
  return other; // of a thread that was faster, or none
}

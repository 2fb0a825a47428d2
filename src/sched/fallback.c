// Fallbacks: operations that nothing here computes, each made a function of its own for the
// evaluator; collectives are such functions too, called for all devices at once (team.h).
//
// A function takes the operation's operands and whatever its regions read from outside, and returns
// its results. All of them are in one module, prepared once.
#include <string.h>

#include "base/log.h"
#include "sched/lower.h"
#include "sched/outline.h"

static void log_fallback(const PjOp *op) {
  PjStrBuf text = {0};
  for (uint32_t i = 0; i < op->num_operands; i++) {
    pj_strbuf_puts(&text, i ? ", " : "");
    pj_type_print(&text, op->operands[i]->type);
  }
  pj_log(PJ_LOG_FALLBACK, "%s(%s)", pj_op_info[op->kind].text, text.data ? text.data : "");
  pj_strbuf_free(&text);
}

PjStatus pj_lower_fallback(PjLower *l, const PjOp *op, PjSteps *out) {
  PjSchedule *s = l->schedule;
  PjArena *arena = l->arena;
  PjOutline o = {.arena = arena};
  pj_outline_collect(&o, op);

  uint32_t n = (uint32_t)o.inputs.len;
  const PjType **inputs = PJ_NEW_ARRAY(arena, const PjType *, n + 1);
  const PjType **results = PJ_NEW_ARRAY(arena, const PjType *, op->num_results + 1);
  for (uint32_t i = 0; i < n; i++)
    inputs[i] = o.inputs.data[i]->type;
  for (uint32_t i = 0; i < op->num_results; i++)
    results[i] = op->results[i].type;
  const char *name = pj_arena_printf(arena, "f%u", s->num_outlined++);
  PjOp *func = pj_outline_func(arena, name, n, inputs, op->num_results, results);
  for (uint32_t i = 0; i < n; i++)
    pj_outline_map(&o, o.inputs.data[i], &func->regions[0].args[i]);
  PjOp *body = pj_outline_clone(&o, op);
  pj_op_append(&func->regions[0], body);
  PjOp *end = pj_op_create(arena, PJ_OP_FUNC_RETURN, op->num_results, 0, 0);
  for (uint32_t i = 0; i < op->num_results; i++)
    end->operands[i] = &body->results[i];
  pj_op_append(&func->regions[0], end);
  if (!s->fallback_module)
    s->fallback_module = pj_module_create(arena);
  pj_op_append(&s->fallback_module->body, func);

  bool meets = pj_op_meets(op);
  PjStep *step = pj_step_add(l, out, meets ? PJ_STEP_MEET : PJ_STEP_EVAL, op, n, op->num_results);
  step->fallback = func;
  for (uint32_t i = 0; i < n; i++)
    pj_slot_touch(l, step->in[i] = pj_slot_of(l, o.inputs.data[i]));
  for (uint32_t i = 0; i < op->num_results; i++)
    pj_slot_touch(l, step->out[i] = pj_slot_for(l, &op->results[i]));
  if (l->options->source)
    return PJ_STATUS_OK;
  if (!meets && !pj_is_device_number(op)) {
    s->num_fallbacks++;
    log_fallback(op);
  }
  s->cost += 2000;
  return PJ_STATUS_OK;
}

PjStatus pj_fallbacks_prepare(PjLower *l) {
  PjSchedule *s = l->schedule;
  if (!s->num_outlined || l->options->source)
    return PJ_STATUS_OK;
  pj_outline_surroundings(s->arena, s->module, s->fallback_module);
  pj_module_number(s->fallback_module);
  return pj_program_create(s->fallback_module, &s->fallback_program);
}

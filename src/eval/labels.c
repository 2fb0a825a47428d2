// What profilers are told of the operations of a program that the evaluator runs.
#include "base/alloc.h"
#include "eval/run.h"
#include "ir/flops.h"
#include "ir/label.h"

static double bytes_of(const PjType *type) {
  size_t bytes;
  return pj_type_is_tensor(type) && pj_type_num_bytes(type, &bytes) ? (double)bytes : 0;
}

// The evaluator reads its operands and writes its results whole, but for what control flow does.
static double bytes_moved(const PjOp *op) {
  double bytes = 0;
  if (op->kind == PJ_OP_CALL || op->kind == PJ_OP_WHILE || op->kind == PJ_OP_IF ||
      op->kind == PJ_OP_CASE)
    return 0;
  for (uint32_t i = 0; i < op->num_operands; i++)
    bytes += bytes_of(op->operands[i]->type);
  for (uint32_t i = 0; i < op->num_results; i++)
    bytes += bytes_of(op->results[i].type);
  return bytes;
}

static bool label_op(const PjOp *op, const char *program, uint32_t index, PjTraceLabels *out) {
  PjStrBuf name = {0}, source = {0}, given = {0};
  double transcendentals, flops = pj_op_flops(op, &transcendentals) + transcendentals;
  const char *ops = pj_op_short_name(op);
  pj_strbuf_printf(&name, "evaluate_%s.%u", ops, index);
  pj_strbuf_str(&given, pj_loc_framework_name(op->loc));
  pj_loc_source(&source, op->loc);
  PjTraceLabel label = {.kind = PJ_TRACE_STEP,
                        .name = name.data,
                        .program = program,
                        .ops = ops,
                        .op_name = given.data,
                        .source = source.data,
                        .flops = flops,
                        .bytes = bytes_moved(op)};
  bool good = !name.failed && pj_trace_label_set(out, index, &label);
  pj_strbuf_free(&name);
  pj_strbuf_free(&source);
  pj_strbuf_free(&given);
  return good;
}

static bool label_region(const PjRegion *region, const char *program, uint32_t first,
                         PjTraceLabels *out) {
  for (const PjOp *op = region->first; pj__eval_is_noted(region) && op; op = op->next) {
    if (!label_op(op, program, first + op->id, out))
      return false;
    for (uint32_t i = 0; i < op->num_regions; i++)
      if (!label_region(&op->regions[i], program, first, out))
        return false;
  }
  return true;
}

PjTraceLabels *pj_program_labels(const PjProgram *program) {
  PjStr name = program->module->name.len ? program->module->name : PJ_STR("main");
  char *text = pj_strndup(name.ptr, name.len);
  PjTraceLabels *labels = text ? pj_trace_labels_create(program->num_ops) : NULL;
  bool good = labels;
  for (uint32_t i = 0; i < program->num_funcs && good; i++)
    good = label_region(&program->funcs[i].func->regions[0], text, program->funcs[i].first, labels);
  pj_free(text);
  if (good)
    return labels;
  pj_trace_labels_release(labels);
  return NULL;
}

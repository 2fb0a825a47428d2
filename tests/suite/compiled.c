// Judging a file by what a compiler makes of it.
//
// A test program is taken apart: its checks, and where the numbers come from, stay with the
// evaluator; what lies between is compiled. Constants and calls without operands (@inputs,
// @expected) become arguments, so that the compiler cannot fold the program away, and checked
// values become results. A second time the constants stay: then folding is what is judged.
#include <stdlib.h>

#include "edit.h"
#include "eval/check.h"
#include "eval/eval.h"
#include "inputs.h"
#include "ir/print.h"
#include "judge.h"
#include "suite.h"

enum { MAX_VALUES = 64 };

typedef struct Compiled {
  PjArena *arena;
  const PjCompilerOps *compiler;
  const char *data;
  size_t size;
  SuiteStats *stats;
  Runner *runner, *oracle;
  PjExecutable *executable;
  PjTensor *in[MAX_VALUES], *out[MAX_VALUES], *again[MAX_VALUES], *checked[2 * MAX_VALUES];
  uint32_t num_in;
  PjStrBuf text;
} Compiled;

// ----------------------------------------------------------------------------------------------
// which programs
static bool is_check(const PjOp *op) {
  if (pj_op_info[op->kind].traits & PJ_TRAIT_TEST)
    return pj_str_starts(pj_str(pj_op_info[op->kind].text), "check.");
  return op->kind == PJ_OP_CUSTOM_CALL && pj_str_starts(PJ_STRATTR(op, call_target_name), "check.");
}

// Devices that meet, test operations other than checks, and checks within regions are the
// evaluator's business alone.
static bool is_for_evaluator(const PjRegion *region, bool inner) {
  for (const PjOp *op = region->first; op; op = op->next) {
    uint16_t traits = pj_op_info[op->kind].traits;
    if (is_check(op) ? inner : (traits & (PJ_TRAIT_TEST | PJ_TRAIT_COLL)) != 0)
      return true;
    for (uint32_t i = 0; i < op->num_regions; ++i)
      if (is_for_evaluator(&op->regions[i], inner || op->kind != PJ_OP_FUNC))
        return true;
  }
  return false;
}

// ----------------------------------------------------------------------------------------------
// taking apart
static bool is_source(const PjOp *op) {
  if (op->num_operands || !op->num_results)
    return false;
  for (uint32_t i = 0; i < op->num_results; ++i)
    if (!pj_type_is_static(op->results[i].type) || op->results[i].type->quant)
      return false;
  return op->kind == PJ_OP_CONSTANT || op->kind == PJ_OP_CALL || op->kind == PJ_OP_CHLO_CONSTANT;
}

// Values that the source |op| of |module| gives.
static PjStatus evaluate_source(Compiled *c, PjModule *module, const PjOp *op) {
  PjTensor **out = &c->in[c->num_in];
  if (op->kind == PJ_OP_CALL) {
    PjProgram *program;
    PJ_TRY(pj_program_create(module, &program));
    const PjOp *func = pj_module_find(module, PJ_STRATTR(op, callee));
    PJ_TRY(pj_program_call(program, func, NULL, 0, NULL, op->num_results, out));
    c->num_in += op->num_results;
    return PJ_STATUS_OK;
  }
  const PjAttr *value = PJ_ATTR(op, value);
  out[0] = pj_tensor_new(value->type->dtype, value->type->rank, value->type->dims);
  if (!out[0])
    return pj_status_oom();
  ++c->num_in;
  size_t step = value->splat ? pj_dtype_bytes(value->type->dtype) : out[0]->bytes;
  for (size_t at = 0; at < out[0]->bytes; at += step)
    memcpy((char *)out[0]->data + at, value->data, step);
  return PJ_STATUS_OK;
}

// Makes sources of |func| its arguments.
static PjStatus hoist_sources(Compiled *c, PjModule *module, PjOp *func) {
  PjRegion *body = &func->regions[0];
  PjValue *args = PJ_NEW_ARRAY(c->arena, PjValue, MAX_VALUES);
  uint32_t count = 0;
  for (PjOp *op = body->first, *next; op; op = next) {
    next = op->next;
    if (!is_source(op) || count + op->num_results > MAX_VALUES)
      continue;
    PJ_TRY(evaluate_source(c, module, op));
    for (uint32_t i = 0; i < op->num_results; ++i, ++count) {
      args[count] = (PjValue){.type = op->results[i].type, .region = body, .index = count};
      edit_replace_uses(body, NULL, &op->results[i], &args[count]);
    }
    pj_op_remove(op);
  }
  body->args = args;
  body->num_args = count;
  body->arg_locs = NULL;
  return PJ_STATUS_OK;
}

static void set_type(PjArena *arena, PjOp *func) {
  const PjRegion *body = &func->regions[0];
  const PjOp *end = body->last;
  const PjType **in = PJ_NEW_ARRAY(arena, const PjType *, body->num_args + 1),
               **out = PJ_NEW_ARRAY(arena, const PjType *, end->num_operands + 1);
  for (uint32_t i = 0; i < body->num_args; ++i)
    in[i] = body->args[i].type;
  for (uint32_t i = 0; i < end->num_operands; ++i)
    out[i] = end->operands[i]->type;
  pj_op_set_attr(
      func, PJ_KEY_function_type,
      pj_attr_type(arena, pj_type_function(arena, body->num_args, in, end->num_operands, out)));
  pj_op_set_attr(func, PJ_KEY_arg_attrs, pj_attr_array(arena, 0, NULL));
  pj_op_set_attr(func, PJ_KEY_res_attrs, pj_attr_array(arena, 0, NULL));
}

// Moves the checks of |func| to |checks|, and makes what they check its results: operand i of all
// checks together is result i.
static uint32_t split_checks(PjArena *arena, PjOp *func, PjRegion *checks) {
  PjRegion *body = &func->regions[0];
  PjValue *results[2 * MAX_VALUES];
  uint32_t count = 0;
  for (PjOp *op = body->first, *next; op; op = next) {
    next = op->next;
    if (!is_check(op) || count + op->num_operands > MAX_VALUES)
      continue;
    pj_op_remove(op);
    pj_op_append(checks, op);
    for (uint32_t i = 0; i < op->num_operands; ++i)
      results[count++] = op->operands[i];
  }
  PjOp *end = pj_op_create(arena, body->last->kind, count, 0, 0);
  for (uint32_t i = 0; i < count; ++i)
    end->operands[i] = results[i];
  pj_op_remove(body->last);
  pj_op_append(body, end);
  return count;
}

// Runs |checks|, whose operands in order are |values|.
static PjStatus run_checks(PjArena *arena, PjRegion *checks, uint32_t count,
                           PjTensor *const *values) {
  PjModule *module = pj_module_create(arena);
  PjOp *func = pj_op_create(arena, PJ_OP_FUNC, 0, 0, 1);
  pj_op_set_attr(func, PJ_KEY_sym_name, pj_attr_string(arena, PJ_STR("main")));
  pj_op_append(&module->body, func);
  PjRegion *body = &func->regions[0];
  const PjType *types[MAX_VALUES];
  uint32_t at = 0;
  for (const PjOp *op = checks->first; op; op = op->next)
    for (uint32_t i = 0; i < op->num_operands; ++i)
      types[at++] = op->operands[i]->type;
  pj_region_set_args(arena, body, count, types);
  at = 0;
  for (PjOp *op = checks->first, *next; op; op = next) {
    next = op->next;
    for (uint32_t i = 0; i < op->num_operands; ++i)
      op->operands[i] = &body->args[at++];
    pj_op_append(body, op);
  }
  pj_op_append(body, pj_op_create(arena, PJ_OP_FUNC_RETURN, 0, 0, 0));
  set_type(arena, func);
  pj_op_fill_defaults(arena, func);
  pj_module_number(module);
  PjProgram *program;
  PJ_TRY(pj_program_create(module, &program));
  return pj_program_run(program, NULL, count, values, NULL, 0, NULL);
}

// ----------------------------------------------------------------------------------------------
// judging
static PjStatus start(Compiled *c) {
  static const int one[] = {1}, several[] = {1, 2, 5};
  if (c->runner)
    return PJ_STATUS_OK;
  PJ_TRY(runner_create(&pj_compiler_eval, 1, one, &c->oracle));
  return runner_create(c->compiler, 3, several, &c->runner);
}

static void release(Compiled *c) {
  run_release(MAX_VALUES, c->in);
  run_release(MAX_VALUES, c->out);
  run_release(MAX_VALUES, c->again);
  c->num_in = 0;
  pj_executable_release(c->executable);
  c->executable = NULL;
}

static void count_program(Compiled *c) {
  if (c->executable->stats.num_fallbacks)
    ++c->stats->with_fallbacks;
  else
    ++c->stats->compiled;
  c->stats->fallbacks += c->executable->stats.num_fallbacks;
}

// A check that fails, |status|: it knows how far one order of a sum may be from another no better
// than by a few units in the last place, which are little where terms cancel. The judge does.
static PjStatus judge_rounding(Compiled *c, PjStatus status) {
  static const JudgeOptions options = {0};
  Report report;
  judge(c->runner, c->oracle, &options, (PjStr){c->text.data, c->text.len}, c->in, &report);
  bool fine = report.verdict == JUDGED_OK && !report.exact;
  pj_strbuf_free(&report.text);
  if (fine)
    pj_status_free(status);
  return fine ? PJ_STATUS_OK : status;
}

// Function number |index| of the program, compiled; with |hoist|, without its constants.
static PjStatus judge_function(Compiled *c, uint32_t index, bool hoist) {
  PjModule *module;
  PjRegion checks = {0};
  PJ_TRY(pj_import(c->arena, c->data, c->size, &module));
  PjOp *func = module->body.first;
  for (uint32_t i = 0; i < index; ++i)
    func = func->next;
  if (hoist)
    PJ_TRY(hoist_sources(c, module, func));
  uint32_t count = split_checks(c->arena, func, &checks);
  pj_op_set_attr(func, PJ_KEY_sym_name, pj_attr_string(c->arena, PJ_STR("main")));
  pj_op_set_attr(func, PJ_KEY_sym_visibility, pj_attr_string(c->arena, PJ_STR("")));
  set_type(c->arena, func);
  pj_op_fill_defaults(c->arena, func);
  pj_module_number(module);
  c->text.len = 0;
  pj_module_print(&c->text, module, NULL);
  PJ_TRY(pj_strbuf_status(&c->text));
  PJ_TRY_IN(runner_compile(c->runner, (PjStr){c->text.data, c->text.len}, &c->executable),
            "compiling");
  count_program(c);
  PJ_TRY_IN(runner_run(c->runner, 0, c->executable, c->in, c->out), "running");
  for (int client = 1; client < c->runner->num_clients; ++client) {
    PJ_TRY_IN(runner_run(c->runner, client, c->executable, c->in, c->again), "running");
    for (uint32_t i = 0; i < count; ++i)
      PJ_FAIL_IF(c->out[i]->bytes &&
                     memcmp(c->out[i]->data, c->again[i]->data, c->out[i]->bytes) != 0,
                 INTERNAL, "%d threads give other bits than one", c->runner->threads[client]);
    run_release(MAX_VALUES, c->again);
  }
  PjStatus status = run_checks(c->arena, &checks, count, c->out);
  return status ? judge_rounding(c, status) : PJ_STATUS_OK;
}

static bool is_judged(const PjOp *func) {
  if (func->kind != PJ_OP_FUNC || !func->regions[0].first)
    return false;
  const PjType *type = PJ_ATTR(func, function_type)->type;
  if (type->num_elems)
    return false;
  for (const PjOp *op = func->regions[0].first; op; op = op->next)
    for (uint32_t i = 0; is_check(op) && i < op->num_operands; ++i)
      if (!pj_type_is_static(op->operands[i]->type))
        return false;
  return true;
}

static PjStatus judge_run(Compiled *c) {
  PjModule *module;
  PJ_TRY(pj_import(c->arena, c->data, c->size, &module));
  PJ_TRY(pj_check_register());
  if (is_for_evaluator(&module->body, false)) {
    ++c->stats->evaluated;
    return suite_run(c->arena, module);
  }
  const PjOp *main_func = pj_module_find(module, PJ_STR("main"));
  uint32_t index = 0;
  for (const PjOp *func = module->body.first; func; func = func->next, ++index) {
    if (main_func ? func != main_func : func->kind != PJ_OP_FUNC)
      continue;
    if (!is_judged(func)) {
      ++c->stats->evaluated;
      continue;
    }
    for (int hoist = 1; hoist >= 0; --hoist) {
      PjStatus status = judge_function(c, index, hoist);
      release(c);
      PJ_TRY_IN(status, "@%.*s%s", PJ_STR_ARG(PJ_STRATTR(func, sym_name)),
                hoist ? "" : ", constants folded");
    }
  }
  return PJ_STATUS_OK;
}

// A program without expected results: against the evaluator, on numbers that suit any function.
static PjStatus judge_smoke(Compiled *c) {
  PjStr text = {c->data, c->size};
  PjStatus status = runner_compile(c->oracle, text, &c->executable);
  if (status || c->executable->signature.num_params > MAX_VALUES) {
    pj_status_free(status);
    ++c->stats->evaluated;
    return PJ_STATUS_OK;
  }
  for (uint32_t i = 0; i < c->executable->signature.num_params; ++i) {
    const PjShape *shape = c->executable->signature.params[i].shape;
    if (shape->token) {
      ++c->stats->evaluated;
      return PJ_STATUS_OK;
    }
    c->in[i] = pj_tensor_new(shape->dtype, shape->rank, shape->dims);
    if (!c->in[i])
      return pj_status_oom();
    input_fill(shape->dtype, shape->num_elements, c->in[i]->data,
               input_code(INPUT_SMALL, 0, i + 1));
  }
  Report report;
  static const JudgeOptions options = {.together = true};
  judge(c->runner, c->oracle, &options, text, c->in, &report);
  if (report.num_fallbacks)
    ++c->stats->with_fallbacks;
  else
    ++c->stats->compiled;
  c->stats->fallbacks += report.num_fallbacks;
  if (report.verdict != JUDGED_OK)
    status = PJ_ERROR(INTERNAL, "%s: %s", verdict_names[report.verdict],
                      report.text.data ? report.text.data : "");
  pj_strbuf_free(&report.text);
  return status;
}

typedef struct Entry {
  Compiled *c;
  bool smoke;
} Entry;

static PjStatus judge_guarded(void *context) {
  const Entry *entry = context;
  return entry->smoke ? judge_smoke(entry->c) : judge_run(entry->c);
}

PjStatus suite_judge_compiled(const PjCompilerOps *compiler, bool smoke, const char *data,
                              size_t size, SuiteStats *stats) {
  Compiled c = {.compiler = compiler, .data = data, .size = size, .stats = stats};
  Entry entry = {&c, smoke};
  PjStatus status = start(&c);
  if (!status)
    status = pj_arena_create((size_t)4 << 30, &c.arena);
  if (!status)
    status = pj_arena_guard(c.arena, judge_guarded, &entry);
  release(&c);
  pj_strbuf_free(&c.text);
  pj_arena_destroy(c.arena);
  runner_destroy(c.runner);
  runner_destroy(c.oracle);
  return status;
}

// The pipeline: the list of passes, and what is done around each of them.
#include <time.h>

#include "base/options.h"
#include "base/progress.h"
#include "ir/verify.h"
#include "pass/passes.h"

typedef struct Run {
  PjRewrite rw;
  const PjModule *in;
  PjPassOptions options;
  PjModule *out;
} Run;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t count_ops(const PjModule *module) {
  uint32_t count = 0;
  for (const PjOp *op = module->body.first; op; op = op->next)
    count += op->kind == PJ_OP_FUNC ? op->num_ops : 0;
  return count;
}

// ------------------------------------------------------------------------------------- dumps
// Printing wants the values of each function numbered in textual order; the passes have numbers of
// their own. So each value is visited twice, to exchange the two.
typedef struct Renumber {
  uint32_t *ids, at;
  bool back;
} Renumber;

static void renumber_value(Renumber *r, PjValue *value) {
  if (r->back)
    value->id = r->ids[r->at++];
  else
    r->ids[r->at++] = value->id;
}

static void renumber(Renumber *r, PjRegion *region) {
  for (uint32_t i = 0; i < region->num_args; ++i)
    renumber_value(r, &region->args[i]);
  for (PjOp *op = region->first; op; op = op->next) {
    for (uint32_t i = 0; i < op->num_results; ++i)
      renumber_value(r, &op->results[i]);
    for (uint32_t i = 0; i < op->num_regions; ++i)
      renumber(r, &op->regions[i]);
  }
}

static void dump(Run *run, const char *pass) {
  PjRewrite *rw = &run->rw;
  Renumber save = {.ids = PJ_NEW_ARRAY(rw->scratch, uint32_t, rw->num_values)};
  renumber(&save, &rw->module->body);
  pj_module_number(rw->module);
  run->options.dump(run->options.dump_context, pass, rw->module);
  Renumber restore = {.ids = save.ids, .back = true};
  renumber(&restore, &rw->module->body);
}

// ------------------------------------------------------------------------------------- passes
static PjStatus end_pass(Run *run, const char *name, uint64_t begin) {
  PjRewrite *rw = &run->rw;
  PjPassReport *report = run->options.report;
  if (report && report->count < PJ_MAX_PASSES)
    report->passes[report->count++] =
        (struct PjPassTime){name, now_ns() - begin, rw->changes, rw->exhausted};
  if (run->options.dump)
    dump(run, name);
  if (!run->options.verify)
    return PJ_STATUS_OK;
  PjStatus status = pj_verify(rw->module);
  if (status && pj_status_code(status) != PJ_RESOURCE_EXHAUSTED) {
    PjStatus invalid =
        PJ_ERROR(INTERNAL, "invalid after the pass %s: %s", name, pj_status_message(status));
    pj_status_free(status);
    return invalid;
  }
  return status;
}

static uint64_t begin_pass(Run *run) {
  PjRewrite *rw = &run->rw;
  enum { PER_OP = 256, FREE = 1 << 20 };
  rw->work =
      run->options.work_limit ? run->options.work_limit : FREE + PER_OP * (uint64_t)rw->num_ops;
  rw->exhausted = false;
  rw->changes = 0;
  return run->options.report ? now_ns() : 0;
}

static bool listed(const char *list, const char *name) {
  size_t len = strlen(name);
  for (const char *at = list; (at = strstr(at, name)); at += len)
    if ((at == list || at[-1] == ',') && (!at[len] || at[len] == ','))
      return true;
  return false;
}

static PjStatus run_pass(Run *run, const char *name, PjPassFn *pass) {
  if (run->options.only && !listed(run->options.only, name))
    return PJ_STATUS_OK;
  PJ_TRY(pj_compile_tick(name, 0, 0));
  uint64_t begin = begin_pass(run);
  PjArenaMark mark = pj_arena_mark(run->rw.scratch);
  PJ_TRY_IN(pass(&run->rw), "pass %s", name);
  PjStatus status = end_pass(run, name, begin);
  pj_arena_reset(run->rw.scratch, mark);
  return status;
}

#define PASS(name) PJ_TRY(run_pass(run, #name, pj_pass_##name))

// Simplifying merges equal operations as it goes, so the pass for that alone is for tests; it runs
// again only where loops may have shown it something new.
static PjStatus pipeline(Run *run) {
  bool control = run->rw.has_control;
  PASS(functions);
  PASS(dead_code);
  if (control)
    PASS(carries);
  PASS(simplify);
  if (run->options.only)
    PASS(cse);
  if (control) {
    PASS(dead_code);
    PASS(totals);
    PASS(carries);
    PASS(unroll);
    PASS(turns);
    PASS(hoist);
    PASS(simplify);
    PASS(columns);
  }
  PASS(barriers);
  PASS(dead_code);
  PASS(products);
  PASS(updates);
  PASS(early);
  return PJ_STATUS_OK;
}

static PjStatus run_guarded(void *context) {
  Run *run = context;
  PjRewrite *rw = &run->rw;
  PjPassReport *report = run->options.report;
  pj_arena_alloc(rw->scratch, 1); // the first block stays when a pass gives its memory back
  uint64_t begin = begin_pass(run);
  PjArenaMark mark = pj_arena_mark(rw->scratch);
  PJ_TRY(pj_pass_inline(rw, run->in));
  PJ_TRY(end_pass(run, "inline", begin));
  pj_arena_reset(rw->scratch, mark);
  PJ_TRY(pipeline(run));
  pj_module_number(rw->module);
  if (report)
    report->ops_after = count_ops(rw->module);
  run->out = rw->module;
  return PJ_STATUS_OK;
}

static PjStatus guard_scratch(void *context) {
  Run *run = context;
  return pj_arena_guard(run->rw.scratch, run_guarded, run);
}

// Makes what lies in the module's arena, and guards it: the scratch arena is freed on every way
// out.
static PjStatus guard_module(void *context) {
  Run *run = context;
  PjRewrite *rw = &run->rw;
  rw->module = pj_module_create(rw->arena);
  uint32_t values = 0;
  for (const PjOp *op = run->in->body.first; op; op = op->next)
    values += op->kind == PJ_OP_FUNC ? op->num_values : 0;
  rw->cap_values = values + values / 2 + 32;
  rw->slots = PJ_NEW_ARRAY(rw->arena, PjSlot, rw->cap_values);
  return guard_scratch(run);
}

PjStatus pj_passes_run(PjArena *arena, const PjModule *in, const PjPassOptions *options,
                       PjModule **out) {
  *out = NULL;
  Run run = {.in = in, .rw.arena = arena};
  if (options)
    run.options = *options;
#ifndef NDEBUG
  run.options.verify = true;
#endif
  if (pj_option_int(PJ_OPTION_VERIFY))
    run.options.verify = true;
  if (run.options.report)
    *run.options.report = (PjPassReport){.ops_before = count_ops(in)};
  run.rw.options = &run.options;
  PJ_TRY(pj_arena_create(0, &run.rw.scratch));
  PjStatus status = pj_arena_guard(arena, guard_module, &run);
  pj_arena_destroy(run.rw.scratch);
  if (!status)
    *out = run.out;
  return status;
}

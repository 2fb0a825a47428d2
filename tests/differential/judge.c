// See judge.h.
#include "judge.h"

#include <stdlib.h>

#include "compare.h"
#include "eval/eval.h"
#include "import/import.h"
#include "perturb.h"

const char *const verdict_names[JUDGED_COUNT] = {
    "ok",      "bad program", "refused", "accepted what the evaluator refuses", "threads", "repeat",
    "differs", "crashed",     "hung"};

const PjCompilerOps *judge_compiler(const char *name) {
  if (!strcmp(name, "eval"))
    return &pj_compiler_eval;
  if (!strcmp(name, "passes"))
    return judge_passes_compiler();
  if (!strcmp(name, "default"))
    return pj_platform_cpu.compiler;
  return NULL;
}

enum { MAX_VALUES = 64, FIRST_RUNS = 8, MOST_RUNS = 512 };

typedef struct Judgement {
  Runner *runner, *oracle;
  PjStr text;
  Report *report;
  PjExecutable *native, *reference;
  uint32_t num_in, num_out;
  PjTensor *in[MAX_VALUES], *want[MAX_VALUES], *have[MAX_VALUES], *again[MAX_VALUES];
  // The perturbed program.
  PjArena *arena;
  PjProgram *program;
  Spread spreads[MAX_VALUES];
} Judgement;

static void describe(Report *report, Verdict verdict, PjStatus status, const char *doing) {
  report->verdict = verdict;
  pj_strbuf_printf(&report->text, "%s: %s: %s", doing, pj_code_name(pj_status_code(status)),
                   pj_status_message(status));
}

// --- perturbed runs ------------------------------------------------------------------------------

static PjStatus make_perturbed(void *context) {
  Judgement *j = context;
  PjModule *module;
  PJ_TRY(pj_import(j->arena, j->text.ptr, j->text.len, &module));
  j->report->exact = !perturb_module(module, 1);
  return pj_program_create(module, &j->program);
}

static PjStatus perturbed_run(Judgement *j, int run) {
  PjTensor *out[MAX_VALUES];
  PJ_TRY(perturb_start((uint64_t)run));
  PJ_TRY(pj_program_run(j->program, NULL, j->num_in, j->in, NULL, j->num_out, out));
  for (uint32_t i = 0; i < j->num_out; ++i)
    spread_add(&j->spreads[i], j->want[i], out[i]);
  run_release(j->num_out, out);
  ++j->report->perturbed_runs;
  return PJ_STATUS_OK;
}

// --- differences ---------------------------------------------------------------------------------

static void report_mismatch(Judgement *j, Verdict verdict, const PjTensor *want,
                            const PjTensor *have, const Mismatch *mismatch, const char *names[2]) {
  Report *report = j->report;
  report->verdict = verdict;
  report->result = mismatch->result;
  pj_strbuf_printf(&report->text, "result %u differs in %lld of %lld elements, first at %lld: %s ",
                   mismatch->result, (long long)mismatch->count, (long long)want->count,
                   (long long)mismatch->element, names[0]);
  compare_print_element(&report->text, want, mismatch->element);
  pj_strbuf_printf(&report->text, ", %s ", names[1]);
  compare_print_element(&report->text, have, mismatch->element);
  if (verdict == JUDGED_DIFFERS && report->perturbed_runs)
    pj_strbuf_printf(&report->text, "; %.3Lg times what %d perturbed runs allow", mismatch->worst,
                     report->perturbed_runs);
}

static bool all_equal(Judgement *j, Mismatch *mismatch) {
  for (uint32_t i = 0; i < j->num_out; ++i)
    if (!compare_equal(j->want[i], j->have[i])) {
      mismatch->result = i;
      compare_find(j->want[i], j->have[i], mismatch);
      return false;
    }
  return true;
}

static bool all_allowed(Judgement *j, Mismatch *mismatch) {
  for (uint32_t i = 0; i < j->num_out; ++i) {
    mismatch->result = i;
    if (!spread_allows(&j->spreads[i], j->want[i], j->have[i], mismatch))
      return false;
  }
  return true;
}

static PjStatus judge_results(Judgement *j) {
  static const char *names[] = {"the evaluator says", "the compiler"};
  Mismatch mismatch = {0};
  j->report->equal = all_equal(j, &mismatch);
  if (j->report->equal)
    return PJ_STATUS_OK;
  PJ_TRY(pj_arena_create((size_t)4 << 30, &j->arena));
  PJ_TRY(pj_arena_guard(j->arena, make_perturbed, j));
  for (uint32_t i = 0; i < j->num_out && !j->report->exact; ++i)
    if (!spread_init(&j->spreads[i], j->want[i]))
      return pj_status_oom();
  for (int run = 0; run < MOST_RUNS && !j->report->exact; ++run) {
    PJ_TRY(perturbed_run(j, run));
    // After 8, 16, 32 ... runs: most programs need few, ill-conditioned ones many.
    bool look = run + 1 >= FIRST_RUNS && ((run + 1) & run) == 0;
    if (look && all_allowed(j, &mismatch))
      return PJ_STATUS_OK;
  }
  uint32_t r = mismatch.result;
  report_mismatch(j, JUDGED_DIFFERS, j->want[r], j->have[r], &mismatch, names);
  return PJ_STATUS_OK;
}

// --- all of it -----------------------------------------------------------------------------------

// Runs on every client, each twice: results must be the same bits.
static bool run_everywhere(Judgement *j) {
  static const char *thread_names[] = {"the first client says", "one with other threads"},
                    *repeat_names[] = {"the first run says", "the second"};
  for (int round = 0; round < 2 * j->runner->num_clients; ++round) {
    int client = round % j->runner->num_clients;
    PjTensor **out = round ? j->again : j->have;
    PjStatus status = runner_run(j->runner, client, j->native, j->in, out);
    if (status) {
      describe(j->report, JUDGED_REFUSED, status, "running");
      pj_status_free(status);
      return false;
    }
    bool repeated = round >= j->runner->num_clients;
    for (uint32_t i = 0; round && i < j->num_out; ++i) {
      if (compare_same_bits(j->have[i], j->again[i]))
        continue;
      Mismatch mismatch = {.result = i};
      compare_find(j->have[i], j->again[i], &mismatch);
      report_mismatch(j, repeated && !client ? JUDGED_REPEAT : JUDGED_THREADS, j->have[i],
                      j->again[i], &mismatch, repeated && !client ? repeat_names : thread_names);
      return false;
    }
    if (round)
      run_release(j->num_out, j->again);
  }
  return true;
}

static void judge_all(Judgement *j, PjTensor *const *inputs) {
  Report *report = j->report;
  PjStatus status = runner_compile(j->oracle, j->text, &j->reference);
  if (status) {
    describe(report, JUDGED_BAD_PROGRAM, status, "importing");
    pj_status_free(status);
    return;
  }
  j->num_in = j->reference->signature.num_params;
  j->num_out = j->reference->signature.num_results;
  if (j->num_in > MAX_VALUES || j->num_out > MAX_VALUES) {
    pj_strbuf_puts(&report->text, "too many parameters or results");
    report->verdict = JUDGED_BAD_PROGRAM;
    return;
  }
  if (inputs)
    for (uint32_t i = 0; i < j->num_in; ++i)
      j->in[i] = pj_tensor_retain(inputs[i]);
  else
    status = run_make_inputs(j->reference, j->in);
  if (!status)
    status = runner_run(j->oracle, 0, j->reference, j->in, j->want);
  if (status) {
    // Both may refuse; the compiler at the latest when it runs.
    PjStatus native = runner_compile(j->runner, j->text, &j->native);
    if (!native && j->in[0])
      native = runner_run(j->runner, 0, j->native, j->in, j->have);
    if (!native)
      describe(report, JUDGED_ACCEPTED, status, "the evaluator");
    pj_status_free(native);
    pj_status_free(status);
    return;
  }
  status = runner_compile(j->runner, j->text, &j->native);
  if (status) {
    describe(report, JUDGED_REFUSED, status, "compiling");
    pj_status_free(status);
    return;
  }
  report->num_fallbacks = j->native->stats.num_fallbacks;
  if (!run_everywhere(j))
    return;
  status = judge_results(j);
  if (status) {
    describe(report, JUDGED_BAD_PROGRAM, status, "perturbed run");
    pj_status_free(status);
  }
}

void judge_on(Runner *runner, Runner *oracle, PjStr text, PjTensor *const *inputs, Report *report) {
  *report = (Report){0};
  Judgement *j = calloc(1, sizeof *j);
  if (!j)
    return;
  j->runner = runner;
  j->oracle = oracle;
  j->text = text;
  j->report = report;
  judge_all(j, inputs);
  for (uint32_t i = 0; i < MAX_VALUES; ++i)
    spread_free(&j->spreads[i]);
  run_release(MAX_VALUES, j->in);
  run_release(MAX_VALUES, j->want);
  run_release(MAX_VALUES, j->have);
  run_release(MAX_VALUES, j->again);
  pj_arena_destroy(j->arena);
  pj_executable_release(j->native);
  pj_executable_release(j->reference);
  free(j);
}

void judge(Runner *runner, Runner *oracle, PjStr text, Report *report) {
  judge_on(runner, oracle, text, NULL, report);
}

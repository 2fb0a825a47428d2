// See judge.h.
#include "judge.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "compare.h"
#include "eval/eval.h"
#include "import/import.h"
#include "ir/verify.h"
#include "pass/pass.h"
#include "perturb.h"
#include "range.h"

const char *const verdict_names[JUDGED_COUNT] = {
    [JUDGED_OK] = "ok",
    [JUDGED_BAD_PROGRAM] = "bad program",
    [JUDGED_REFUSED] = "refused",
    [JUDGED_ACCEPTED] = "accepted what the evaluator refuses",
    [JUDGED_THREADS] = "threads",
    [JUDGED_REPEAT] = "repeat",
    [JUDGED_TOGETHER] = "together",
    [JUDGED_MEMORY] = "memory",
    [JUDGED_DIFFERS] = "differs",
    [JUDGED_CRASHED] = "crashed",
    [JUDGED_HUNG] = "hung",
};

const PjCompilerOps *judge_compiler(const char *name) {
  if (!strcmp(name, "eval"))
    return &pj_compiler_eval;
  if (!strcmp(name, "native"))
    return &pj_compiler_native;
  if (!strcmp(name, "passes"))
    return judge_passes_compiler();
  if (!strcmp(name, "aot"))
    return judge_aot_compiler();
  if (!strcmp(name, "default"))
    return pj_platform_cpu.compiler;
  return NULL;
}

enum { MAX_VALUES = 64, FIRST_RUNS = 8, MOST_RUNS = 512, WIDE_RUNS = 32 };

typedef struct Judgement {
  const JudgeOptions *options;
  Runner *runner, *oracle;
  PjStr text;
  Report *report;
  PjExecutable *native, *reference;
  uint32_t num_in, num_out;
  PjTensor *in[MAX_VALUES], *want[MAX_VALUES], *have[MAX_VALUES], *again[MAX_VALUES];
  // The perturbed program.
  PjArena *arena;
  PjProgram *programs[PERTURB_KINDS];
  Spread spreads[MAX_VALUES];
  PjProgram *wide; // the program in double
  Spread far[MAX_VALUES];
} Judgement;

static void describe(Report *report, Verdict verdict, PjStatus status, const char *doing) {
  report->verdict = verdict;
  pj_strbuf_printf(&report->text, "%s: %s: %s", doing, pj_code_name(pj_status_code(status)),
                   pj_status_message(status));
}

// --- perturbed runs ------------------------------------------------------------------------------

// Functions that are written out may be the compiler's own, which err less and elsewhere: in one of
// the programs.
static PjStatus make_perturbed(void *context) {
  Judgement *j = context;
  const PjPassOptions functions = {.only = "functions"};
  for (int kind = 0; kind < PERTURB_KINDS; ++kind) {
    PjModule *module;
    PJ_TRY(pj_import(j->arena, j->text.ptr, j->text.len, &module));
    if (kind == PERTURB_WIDE)
      PJ_TRY(pj_passes_run(j->arena, module, &functions, &module));
    j->report->exact = !perturb_module(module, 1, (PerturbKind)kind);
    PJ_TRY(pj_program_create(module, &j->programs[kind]));
  }
  return PJ_STATUS_OK;
}

// The program in double, or none.
static PjStatus make_wide(void *context) {
  Judgement *j = context;
  PjModule *module;
  PJ_TRY(pj_import(j->arena, j->text.ptr, j->text.len, &module));
  if (!range_widen(module))
    return PJ_STATUS_OK;
  PJ_TRY(pj_verify(module));
  perturb_module(module, RANGE_SCALE, PERTURB_PLAIN);
  return pj_program_create(module, &j->wide);
}

// Runs it; what it cannot do is no fault of the program's.
static void run_wide(Judgement *j) {
  PjStatus status = pj_arena_guard(j->arena, make_wide, j);
  for (uint32_t i = 0; !status && j->wide && i < j->num_out; ++i)
    if (!spread_init(&j->far[i], j->want[i], false))
      status = pj_status_oom();
  for (int run = 0; !status && j->wide && run < WIDE_RUNS; ++run) {
    PjTensor *out[MAX_VALUES];
    status = perturb_start((uint64_t)run);
    if (!status)
      status = pj_program_run(j->wide, NULL, j->num_in, j->in, NULL, j->num_out, out);
    for (uint32_t i = 0; !status && i < j->num_out; ++i)
      spread_add(&j->far[i], j->want[i], out[i]);
    if (!status)
      run_release(j->num_out, out);
  }
  if (status)
    for (uint32_t i = 0; i < j->num_out; ++i)
      spread_free(&j->far[i]);
  pj_status_free(status);
}

static PjStatus perturbed_run(Judgement *j, int run) {
  PjTensor *out[MAX_VALUES];
  PJ_TRY(perturb_start((uint64_t)run));
  PJ_TRY(pj_program_run(j->programs[run % PERTURB_KINDS], NULL, j->num_in, j->in, NULL, j->num_out,
                        out));
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
    if (!spread_allows(&j->spreads[i], &j->far[i], j->want[i], j->have[i], mismatch))
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
    if (!spread_init(&j->spreads[i], j->want[i], true))
      return pj_status_oom();
  for (int run = 0; run < MOST_RUNS && !j->report->exact; ++run) {
    PJ_TRY(perturbed_run(j, run));
    // After 8, 16, 32 ... runs: most programs need few, ill-conditioned ones many.
    bool look = run + 1 >= FIRST_RUNS && ((run + 1) & run) == 0;
    if (look && all_allowed(j, &mismatch))
      return PJ_STATUS_OK;
  }
  if (!j->report->exact) {
    run_wide(j);
    if (all_allowed(j, &mismatch))
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

// Two runs at once, on the client with the most threads: nothing of an executable may belong to one
// run alone.
typedef struct Lane {
  Judgement *j;
  int lane;
  PjStatus status;
  PjTensor *out[MAX_VALUES];
} Lane;

static void *run_lane(void *context) {
  Lane *lane = context;
  Judgement *j = lane->j;
  for (int round = 0; round < 3 && !lane->status; ++round) {
    run_release(MAX_VALUES, lane->out);
    lane->status = runner_run_on(j->runner, j->runner->num_clients - 1, lane->lane, j->native,
                                 j->in, lane->out);
    for (uint32_t i = 0; !lane->status && i < j->num_out; ++i)
      if (!compare_same_bits(j->have[i], lane->out[i]))
        return NULL; // what differs is looked at later
  }
  return NULL;
}

static bool run_together(Judgement *j) {
  static const char *names[] = {"a run alone says", "one of two at once"};
  Lane *lanes = calloc(RUN_LANES, sizeof *lanes);
  pthread_t threads[RUN_LANES];
  bool fine = true;
  for (int i = 0; i < RUN_LANES; ++i) {
    lanes[i] = (Lane){.j = j, .lane = i};
    if (pthread_create(&threads[i], NULL, run_lane, &lanes[i]) != 0)
      abort();
  }
  for (int i = 0; i < RUN_LANES; ++i)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < RUN_LANES; ++i) {
    Mismatch mismatch = {0};
    if (lanes[i].status && fine)
      describe(j->report, JUDGED_TOGETHER, lanes[i].status, "running twice at once");
    fine = fine && !lanes[i].status;
    for (uint32_t r = 0; fine && r < j->num_out; ++r) {
      if (compare_same_bits(j->have[r], lanes[i].out[r]))
        continue;
      fine = false;
      mismatch.result = r;
      compare_find(j->have[r], lanes[i].out[r], &mismatch);
      report_mismatch(j, JUDGED_TOGETHER, j->have[r], lanes[i].out[r], &mismatch, names);
    }
    pj_status_free(lanes[i].status);
    run_release(MAX_VALUES, lanes[i].out);
  }
  free(lanes);
  return fine;
}

// Compiles and runs with the n-th allocation failing: that ends in RESOURCE_EXHAUSTED, or in the
// same results where somebody could do without.
static bool run_short_of_memory(Judgement *j, int64_t n) {
  PjExecutable *executable = NULL;
  pj_alloc_fail_after(n);
  PjStatus status = runner_compile(j->runner, j->text, &executable);
  if (!status)
    status = runner_run(j->runner, j->runner->num_clients - 1, executable, j->in, j->again);
  pj_alloc_fail_after(-1);
  bool fine = !status || pj_status_code(status) == PJ_RESOURCE_EXHAUSTED;
  if (!fine)
    describe(j->report, JUDGED_MEMORY, status, "with a failing allocation");
  for (uint32_t i = 0; !status && i < j->num_out; ++i)
    if (fine && !compare_same_bits(j->have[i], j->again[i])) {
      fine = false;
      j->report->verdict = JUDGED_MEMORY;
      pj_strbuf_printf(&j->report->text, "with allocation %lld failing, result %u is another",
                       (long long)n, i);
    }
  pj_status_free(status);
  run_release(j->num_out, j->again);
  pj_executable_release(executable);
  return fine;
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
  if (!run_everywhere(j) || (j->options->together && !run_together(j)))
    return;
  // Early allocations one by one, then ever further apart.
  int64_t n = 0, step = 1;
  for (int i = 0; i < j->options->failures; ++i, n += step, step += i % 4 == 3)
    if (!run_short_of_memory(j, n))
      return;
  status = judge_results(j);
  if (status) {
    describe(report, JUDGED_BAD_PROGRAM, status, "perturbed run");
    pj_status_free(status);
  }
}

void judge(Runner *runner, Runner *oracle, const JudgeOptions *options, PjStr text,
           PjTensor *const *inputs, Report *report) {
  *report = (Report){0};
  Judgement *j = calloc(1, sizeof *j);
  if (!j)
    return;
  j->options = options;
  j->runner = runner;
  j->oracle = oracle;
  j->text = text;
  j->report = report;
  judge_all(j, inputs);
  for (uint32_t i = 0; i < MAX_VALUES; ++i) {
    spread_free(&j->spreads[i]);
    spread_free(&j->far[i]);
  }
  run_release(MAX_VALUES, j->in);
  run_release(MAX_VALUES, j->want);
  run_release(MAX_VALUES, j->have);
  run_release(MAX_VALUES, j->again);
  pj_arena_destroy(j->arena);
  pj_executable_release(j->native);
  pj_executable_release(j->reference);
  free(j);
}

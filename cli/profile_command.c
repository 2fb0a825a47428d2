// `pjrt profile`: runs a program under the plugin's profiler.
//
// Two profilers one after the other: the first sees compilation and the first run, which pays for
// memory and caches; the second the runs that count.
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "build.h"
#include "commands.h"
#include "file.h"
#include "profile.h"
#include "profiler.h"
#include "progress.h"
#include "subject.h"

typedef struct Args {
  PjPluginArgs plugin;
  const char *program, *trace, *html;
  char **inputs;
  size_t num_inputs, device, repeat, top;
  bool json;
} Args;

typedef struct Job {
  const Args *args;
  char *program;
  size_t program_size;
  PjInputs inputs;
  PjSubject subject;
  const PLUGIN_Profiler_Api *api; // NULL: none
  PLUGIN_Profiler *profiler;      // that is on
  PjStrBuf before, runs;          // what the two saw
  double *runs_s;
  PjArena *arena;
  PjProfile profile;
} Job;

// --- Measuring ----------------------------------------------------------------------------------

static PjStatus turn_on(Job *job) {
  return job->api ? pj_profiler_begin(job->api, &job->profiler) : PJ_STATUS_OK;
}

static PjStatus turn_off(Job *job, PjStrBuf *out) {
  if (!job->api)
    return PJ_STATUS_OK;
  PLUGIN_Profiler *profiler = job->profiler;
  job->profiler = NULL;
  return pj_profiler_end(job->api, profiler, out);
}

static PjStatus measure(Job *job) {
  const Args *args = job->args;
  PjSubject *s = &job->subject;
  pj_show_progress("starting a client");
  PJ_TRY(pj_plugin_open(&args->plugin, &s->plugin, &s->client));
  job->api = pj_profiler_find(s->plugin);
  PJ_TRY(turn_on(job));
  pj_show_progress("compiling %s", args->program);
  PJ_TRY_IN(pj_subject_compile(s, (PjStr){job->program, job->program_size},
                               pj_form_format(pj_form_of(job->program, job->program_size)),
                               args->device, &job->inputs),
            "%s", args->program);
  pj_show_progress("first run");
  PJ_TRY(pj_subject_run(s, &job->profile.first_s));
  PJ_TRY(turn_off(job, &job->before));
  PJ_TRY(turn_on(job));
  for (size_t i = 0; i < args->repeat; i++) {
    if (i % 64 == 0 || job->runs_s[i - 1] > 0.1)
      pj_show_progress("run %zu of %zu", i + 1, args->repeat);
    PJ_TRY(pj_subject_run(s, &job->runs_s[i]));
  }
  return turn_off(job, &job->runs);
}

static PjStatus add_up(void *context) {
  Job *job = context;
  PjProfile *p = &job->profile;
  PJ_TRY(pj_xspace_read(job->arena, (PjStr){job->before.data, job->before.len}, &p->before));
  PJ_TRY(pj_xspace_read(job->arena, (PjStr){job->runs.data, job->runs.len}, &p->runs));
  pj_profile_add_up(job->arena, p);
  return PJ_STATUS_OK;
}

// --- Writing ------------------------------------------------------------------------------------

static PjStatus write_file(const char *path, const PjStrBuf *text) {
  PJ_TRY(pj_strbuf_status(text));
  FILE *file = fopen(path, "w");
  PJ_FAIL_IF(!file, UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
  bool good = fwrite(text->data, 1, text->len, file) == text->len;
  good = fclose(file) == 0 && good;
  PJ_FAIL_IF(!good, UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
  return PJ_STATUS_OK;
}

static PjStatus write_as(const char *path, const PjProfile *p,
                         void (*form)(const PjProfile *, PjStrBuf *)) {
  if (!path)
    return PJ_STATUS_OK;
  PjStrBuf text = {0};
  form(p, &text);
  PjStatus status = write_file(path, &text);
  pj_strbuf_free(&text);
  return status;
}

static PjStatus tell(const Job *job) {
  const Args *args = job->args;
  PJ_TRY(write_as(args->trace, &job->profile, pj_profile_trace));
  PJ_TRY(write_as(args->html, &job->profile, pj_profile_html));
  PjStrBuf text = {0};
  if (args->json)
    pj_profile_json(&job->profile, &text);
  else
    pj_profile_table(&job->profile, args->top, &text);
  PjStatus status = pj_strbuf_status(&text);
  if (!status)
    fwrite(text.data, 1, text.len, stdout);
  pj_strbuf_free(&text);
  return status;
}

static PjStatus profile(Job *job) {
  const Args *args = job->args;
  PJ_TRY(pj_file_read(args->program, &job->program, &job->program_size));
  PJ_TRY(pj_form_check(args->program, job->program, job->program_size, ""));
  PJ_TRY_IN(pj_inputs_make((PjStr){job->program, job->program_size}, args->inputs, args->num_inputs,
                           &job->inputs),
            "%s", args->program);
  job->runs_s = pj_calloc(args->repeat, sizeof *job->runs_s);
  if (!job->runs_s)
    return pj_status_oom();
  PJ_TRY(measure(job));
  pj_hide_progress();
  pj_sort_seconds(job->runs_s, args->repeat);
  PjProfile *p = &job->profile;
  p->program = pj_str(args->program);
  p->plugin = pj_str(args->plugin.path ? args->plugin.path : "");
  p->platform = pj_str(pjh_client_platform_name(job->subject.client));
  p->version = pj_str(pjh_client_platform_version(job->subject.client));
  p->has_steps = job->api != NULL;
  p->compile_s = job->subject.compile_s;
  p->repeat = args->repeat;
  p->runs_s = job->runs_s;
  PJ_TRY(pj_arena_create(0, &job->arena));
  PJ_TRY(pj_arena_guard(job->arena, add_up, job));
  return tell(job);
}

// --- The command --------------------------------------------------------------------------------

static const PjArg options[] = {
    {"--repeat", "N", PJ_ARG_COUNT, offsetof(Args, repeat),
     "runs that count, after a first one that does not (default 20)"},
    {"--top", "N", PJ_ARG_COUNT, offsetof(Args, top),
     "kernels and lines in the table (default 15)"},
    {"--trace", "OUT.json", PJ_ARG_FILE, offsetof(Args, trace),
     "write every event for Perfetto (ui.perfetto.dev) or chrome://tracing"},
    {"--html", "OUT.html", PJ_ARG_FILE, offsetof(Args, html), "write a report with charts"},
    {"--json", NULL, PJ_ARG_FLAG, offsetof(Args, json),
     "print the result as JSON (cli/profile.schema.json)"},
    {"--device", "N", PJ_ARG_COUNT, offsetof(Args, device),
     "run on the client's device N (default 0)"},
    PJ_PLUGIN_ARG_ROWS(offsetof(Args, plugin)),
    {0},
};

static int run(const PjCommand *self, int argc, char **argv) {
  Args args = {.repeat = 20, .top = 15};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  if (!argc)
    return pj_command_wrong(self, "no PROGRAM given");
  if (!args.repeat)
    return pj_command_wrong(self, "--repeat 0: at least one run is needed");
  args.program = argv[0];
  args.inputs = argv + 1;
  args.num_inputs = (size_t)argc - 1;
  Job job = {.args = &args};
  PjStatus status = profile(&job);
  pj_hide_progress();
  if (job.profiler)
    pj_profiler_drop(job.api, job.profiler);
  pj_subject_close(&job.subject);
  pj_inputs_free(&job.inputs);
  pj_strbuf_free(&job.before);
  pj_strbuf_free(&job.runs);
  pj_arena_destroy(job.arena);
  pj_free(job.runs_s);
  pj_free(job.program);
  return pj_command_end(self, status);
}

const PjCommand pj_cmd_profile = {
    .name = "profile",
    .summary = "say which kernels and which lines of a program take how long",
    .synopsis = "PROGRAM [INPUT.npy]...",
    .description =
        "Compiles PROGRAM (StableHLO text, MLIR bytecode or a portable artifact), runs it under "
        "the plugin's profiler, and prints what each kernel took, how fast it was and where in "
        "the user's program it comes from. Without inputs some are generated.\n\n"
        "Works with every plugin that has the profiler extension of the interface; of others it "
        "tells the times of whole runs.",
    .options = options,
    .words = "*",
    .run = run,
};

// `pjrt bench`: programs on one plugin or several, timed in turn.
//
// The runs of all plugins alternate, so what else the machine does meets all of them alike. A
// program is compiled once on each: a second time, plugins may know it, or its kernels.
#include <string.h>

#include "base/alloc.h"
#include "build.h"
#include "commands.h"
#include "file.h"
#include "json.h"
#include "profile.h"
#include "progress.h"
#include "subject.h"

enum { MAX_PLUGINS = 8, LEAST_RUNS = 5 };

typedef struct Files {
  char **names;
  size_t count, capacity;
} Files;

typedef struct Args {
  const char *paths[MAX_PLUGINS];
  size_t num_paths;
  PjPluginArgs create; // options of all clients
  Files inputs;
  double seconds;
  size_t device, repeat;
  bool json;
} Args;

typedef struct Result {
  PjSubject subject;
  double first_s, *runs_s; // in order of time
  size_t runs;
  int64_t temp_bytes, peak_bytes; // -1: the plugin does not say
} Result;

typedef struct Bench {
  const Args *args;
  const char *path;
  char *program;
  size_t size, num_results;
  PjInputs inputs;
  Result results[MAX_PLUGINS];
} Bench;

// --- Measuring ----------------------------------------------------------------------------------

static int64_t find_bytes(PjhError *error, PjhValues *values, const char *name) {
  const PjhValue *value = error ? NULL : pjh_values_find(values, name);
  int64_t bytes = value && value->type == PJRT_NamedValue_kInt64 ? value->integer : -1;
  pjh_error_free(error);
  pjh_values_free(values);
  return bytes;
}

static PjStatus prepare(Bench *bench, Result *result, const char *path) {
  const Args *args = bench->args;
  PjSubject *s = &result->subject;
  PjPluginArgs create = args->create;
  create.path = path;
  PJ_TRY(pj_plugin_open(&create, &s->plugin, &s->client));
  pj_show_progress("compiling %s", bench->path);
  PJ_TRY_IN(pj_subject_compile(s, (PjStr){bench->program, bench->size},
                               pj_form_format(pj_form_of(bench->program, bench->size)),
                               args->device, &bench->inputs),
            "%s", bench->path);
  pj_show_progress("first run of %s", bench->path);
  PJ_TRY_IN(pj_subject_run(s, &result->first_s), "%s", bench->path);
  PjhValues *values = NULL;
  PjhError *error = pjh_executable_memory(s->executable, &values);
  result->temp_bytes = find_bytes(error, values, "temp_size_in_bytes");
  result->runs_s = pj_calloc(args->repeat, sizeof *result->runs_s);
  return result->runs_s ? PJ_STATUS_OK : pj_status_oom();
}

// In turn, until each has had its time.
static PjStatus take_turns(Bench *bench) {
  const Args *args = bench->args;
  double began = pj_seconds(), limit = args->seconds * (double)bench->num_results;
  for (size_t i = 0; i < args->repeat; i++) {
    double passed = pj_seconds() - began;
    if (i >= LEAST_RUNS && passed > limit)
      break;
    if (passed > 0.5)
      pj_show_progress("%s: run %zu, %.0f of %.0f s", bench->path, i + 1, passed, limit);
    for (size_t k = 0; k < bench->num_results; k++) {
      Result *result = &bench->results[k];
      PJ_TRY_IN(pj_subject_run(&result->subject, &result->runs_s[result->runs]), "%s", bench->path);
      result->runs++;
    }
  }
  for (size_t k = 0; k < bench->num_results; k++) {
    Result *result = &bench->results[k];
    pj_sort_seconds(result->runs_s, result->runs);
    PjhValues *values = NULL;
    PjhError *error = pjh_client_device_memory(result->subject.client, args->device, &values);
    result->peak_bytes = find_bytes(error, values, "peak_bytes_in_use");
  }
  return PJ_STATUS_OK;
}

static PjStatus measure(Bench *bench) {
  const Args *args = bench->args;
  PJ_TRY(pj_file_read(bench->path, &bench->program, &bench->size));
  PJ_TRY(pj_form_check(bench->path, bench->program, bench->size, ""));
  PJ_TRY_IN(pj_inputs_make((PjStr){bench->program, bench->size}, args->inputs.names,
                           args->inputs.count, &bench->inputs),
            "%s", bench->path);
  size_t count = args->num_paths ? args->num_paths : 1;
  for (size_t i = 0; i < count; i++) {
    bench->num_results++;
    PJ_TRY(prepare(bench, &bench->results[i], args->num_paths ? args->paths[i] : NULL));
  }
  return take_turns(bench);
}

static void bench_free(Bench *bench) {
  for (size_t i = 0; i < bench->num_results; i++) {
    pj_subject_close(&bench->results[i].subject);
    pj_free(bench->results[i].runs_s);
  }
  pj_inputs_free(&bench->inputs);
  pj_free(bench->program);
}

// --- Telling ------------------------------------------------------------------------------------

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static void put_time(PjStrBuf *out, double seconds) {
  PjStrBuf text = {0};
  pj_show_us(&text, seconds * 1e6);
  pj_strbuf_printf(out, " %9s", text.data ? text.data : "");
  pj_strbuf_free(&text);
}

static void put_bytes(PjStrBuf *out, int64_t bytes) {
  if (bytes < 0)
    pj_strbuf_printf(out, " %10s", "-");
  else
    pj_strbuf_printf(out, " %6.1f MiB", (double)bytes / 1048576);
}

static void put_table(const Bench *bench, bool first, PjStrBuf *out) {
  if (first)
    pj_strbuf_puts(out, "  compile     first    median     least       p95   "
                        "runs      memory   ratio  program\n");
  double base = pj_quantile(bench->results[0].runs_s, bench->results[0].runs, 0.5);
  for (size_t i = 0; i < bench->num_results; i++) {
    const Result *r = &bench->results[i];
    double median = pj_quantile(r->runs_s, r->runs, 0.5);
    put_time(out, r->subject.compile_s);
    put_time(out, r->first_s);
    put_time(out, median);
    put_time(out, r->runs_s[0]);
    put_time(out, pj_quantile(r->runs_s, r->runs, 0.95));
    pj_strbuf_printf(out, " %6zu", r->runs);
    put_bytes(out, r->temp_bytes);
    if (i)
      pj_strbuf_printf(out, " %7.2f", median > 0 ? base / median : 0);
    else
      pj_strbuf_printf(out, " %7s", "");
    pj_strbuf_printf(out, "  %s", base_name(bench->path));
    if (bench->args->num_paths)
      pj_strbuf_printf(out, " on %s", base_name(bench->args->paths[i]));
    pj_strbuf_putc(out, '\n');
  }
}

static void put_number(PjStrBuf *out, const char *key, double value) {
  pj_strbuf_printf(out, ", \"%s\": ", key);
  pj_json_number(out, value);
}

static void put_json(const Bench *bench, bool first, PjStrBuf *out) {
  for (size_t i = 0; i < bench->num_results; i++) {
    const Result *r = &bench->results[i];
    const PjhClient *client = r->subject.client;
    pj_strbuf_puts(out, first && !i ? "[\n  {\"program\": " : ",\n  {\"program\": ");
    pj_json_string(out, pj_str(bench->path));
    pj_strbuf_puts(out, ", \"plugin\": ");
    pj_json_string(out, pj_str(bench->args->num_paths ? bench->args->paths[i] : ""));
    pj_strbuf_puts(out, ", \"platform\": ");
    pj_json_string(out, pj_str(pjh_client_platform_name(client)));
    pj_strbuf_puts(out, ", \"platform_version\": ");
    pj_json_string(out, pj_str(pjh_client_platform_version(client)));
    put_number(out, "compile_s", r->subject.compile_s);
    put_number(out, "first_run_s", r->first_s);
    put_number(out, "runs", (double)r->runs);
    put_number(out, "median_s", pj_quantile(r->runs_s, r->runs, 0.5));
    put_number(out, "min_s", r->runs_s[0]);
    put_number(out, "p95_s", pj_quantile(r->runs_s, r->runs, 0.95));
    put_number(out, "temp_bytes", (double)r->temp_bytes);
    put_number(out, "peak_bytes", (double)r->peak_bytes);
    pj_strbuf_putc(out, '}');
  }
}

// Measures one program and prints its lines.
static PjStatus bench_one(const Args *args, const char *path, bool first) {
  Bench bench = {.args = args, .path = path};
  PjStrBuf text = {0};
  PjStatus status = measure(&bench);
  pj_hide_progress();
  if (!status) {
    (args->json ? put_json : put_table)(&bench, first, &text);
    status = pj_strbuf_status(&text);
  }
  if (!status)
    fwrite(text.data, 1, text.len, stdout);
  fflush(stdout);
  pj_strbuf_free(&text);
  bench_free(&bench);
  return status;
}

// --- The command --------------------------------------------------------------------------------

static PjStatus take_plugin(void *field, const char *text) {
  Args *args = field;
  PJ_FAIL_IF(args->num_paths == MAX_PLUGINS, INVALID_ARGUMENT, "more than %d plugins", MAX_PLUGINS);
  args->paths[args->num_paths++] = text;
  return PJ_STATUS_OK;
}

static PjStatus take_input(void *field, const char *text) {
  Files *files = field;
  if (files->count == files->capacity) {
    size_t capacity = files->capacity ? 2 * files->capacity : 8;
    char **names = pj_realloc(files->names, capacity * sizeof *names);
    if (!names)
      return pj_status_oom();
    files->names = names;
    files->capacity = capacity;
  }
  files->names[files->count++] = (char *)(uintptr_t)text;
  return PJ_STATUS_OK;
}

static const PjArg options[] = {
    {"--plugin", "SO", PJ_ARG_FILE, 0,
     "a plugin to measure; repeated, they are compared with the first one; "
     "default: that of "
     "`pjrt run`",
     take_plugin},
    {"--option", "NAME=VALUE", PJ_ARG_TEXT, offsetof(Args, create),
     "an option for the client of every plugin; may be repeated", pj_plugin_take_option},
    {"--input", "FILE.npy", PJ_ARG_FILE, offsetof(Args, inputs),
     "an input, in the order of the parameters, repeated for each; without any "
     "they are generated",
     take_input},
    {"--seconds", "S", PJ_ARG_SECONDS, offsetof(Args, seconds),
     "time to spend on the runs of a program on a plugin (default 1); five "
     "runs at least"},
    {"--repeat", "N", PJ_ARG_COUNT, offsetof(Args, repeat), "runs at most (default 10000)"},
    {"--device", "N", PJ_ARG_COUNT, offsetof(Args, device),
     "run on the client's device N (default 0)"},
    {"--json", NULL, PJ_ARG_FLAG, offsetof(Args, json),
     "print the results as JSON (cli/bench.schema.json)"},
    {0},
};

static int run(const PjCommand *self, int argc, char **argv) {
  Args args = {.seconds = 1, .repeat = 10000};
  int exit_status = PJ_EXIT_USAGE;
  if (!pj_command_parse(self, &argc, argv, &args))
    goto end;
  if (!argc || (args.inputs.count && argc > 1) || !args.repeat) {
    exit_status = pj_command_wrong(self, !argc          ? "no PROGRAM given"
                                         : !args.repeat ? "--repeat 0: at least one run is needed"
                                                        : "--input goes with one PROGRAM alone");
    goto end;
  }
  PjStatus status = PJ_STATUS_OK;
  for (int i = 0; i < argc && !status; i++)
    status = bench_one(&args, argv[i], i == 0);
  if (!status && args.json)
    fputs("\n]\n", stdout);
  exit_status = pj_command_end(self, status);
end:
  pj_free(args.inputs.names);
  return exit_status;
}

const PjCommand pj_cmd_bench = {
    .name = "bench",
    .summary = "time programs on one plugin, or on several in turn",
    .synopsis = "PROGRAM...",
    .description =
        "Compiles each PROGRAM (StableHLO text, MLIR bytecode or a portable artifact) on each "
        "plugin and runs it many times, the plugins in turn, so that whatever else the machine "
        "does meets all of them. Prints the time of the compilation and of the first run; median, "
        "least and 95th percentile of the others; the memory for temporaries; and how many times "
        "faster than the first plugin the median is.",
    .options = options,
    .words = "*",
    .run = run,
};

// `pjrt run`: a program and its inputs as files, its outputs as text or files.
//
// Everything that can be said about the inputs is said before anything runs: the files are read and
// compared with the program's parameters first, where it can be read here.
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/str.h"
#include "build.h"
#include "commands.h"
#include "file.h"
#include "inputs.h"
#include "progress.h"
#include "report.h"
#include "show.h"
#include "subject.h"

typedef struct RunArgs {
  PjPluginArgs plugin;
  const char *program, *out_dir, *format;
  char **inputs; // points into argv
  size_t num_inputs, device, repeat;
  bool time, generate, json;
} RunArgs;

enum { MAX_STEPS = 8 };

// Everything that one run holds, so that there is one place that frees it.
typedef struct Run {
  const RunArgs *args;
  char *program;
  size_t program_size;
  PjhSignature *signature; // NULL: not known
  PjInputs inputs;
  PjhPlugin *plugin;
  PjhClient *client;
  PjhExecutable *executable;
  PjhBuffer **buffers; // inputs, then outputs
  size_t num_outputs;
  double started; // seconds
  double *runs_s; // what each run took, in the end sorted
  struct {
    const char *name;
    double ms;
  } steps[MAX_STEPS];
  size_t num_steps;
} Run;

// Notes, and perhaps says, how long the step since the last call took.
static void lap(Run *run, const char *step) {
  double t = pj_seconds(), ms = 1e3 * (t - run->started);
  if (run->args->time && !run->args->json) {
    pj_hide_progress();
    printf("%-8s %9.3f ms\n", step, ms);
  }
  run->steps[run->num_steps].name = step;
  run->steps[run->num_steps++].ms = ms;
  run->started = pj_seconds();
}

// --- Outputs -------------------------------------------------------------------------------------

typedef struct Output {
  PJRT_Buffer_Type type;
  size_t rank, size;
  const int64_t *dims; // the buffer's
  void *elements;
  char path[PATH_MAX]; // of its file; empty without
} Output;

static PjStatus fetch(const Run *run, size_t index, PjhBuffer *buffer, Output *out) {
  *out = (Output){.type = pjh_buffer_type(buffer),
                  .rank = pjh_buffer_rank(buffer),
                  .size = pjh_buffer_host_size(buffer),
                  .dims = pjh_buffer_dims(buffer)};
  out->elements = pj_malloc(out->size + 1);
  PJ_FAIL_IF(!out->elements, RESOURCE_EXHAUSTED, "no memory for %zu bytes", out->size);
  PJ_TRY(pj_plugin_status(pjh_buffer_to_host(buffer, out->elements, out->size)));
  if (!run->args->out_dir)
    return PJ_STATUS_OK;
  int n = snprintf(out->path, sizeof out->path, "%s/output_%zu.npy", run->args->out_dir, index);
  PJ_FAIL_IF(n < 0 || (size_t)n >= sizeof out->path, INVALID_ARGUMENT, "-o: the path is too long");
  return pj_npy_write(out->path, out->type, out->dims, out->rank, out->elements, out->size);
}

static PjStatus print_output(size_t index, const Output *output) {
  PjStrBuf text = {0};
  pj_show_type(&text, output->type, output->dims, output->rank);
  if (output->path[0]) {
    pj_strbuf_printf(&text, " -> %s", output->path);
  } else {
    pj_strbuf_putc(&text, '\n');
    pj_show_elements(&text, output->type, output->dims, output->rank, output->elements);
  }
  PjStatus status = pj_strbuf_status(&text);
  if (!status)
    printf("output %zu: %s\n", index, text.data);
  pj_strbuf_free(&text);
  return status;
}

static void report_output(PjReport *report, const Output *output) {
  pj_report_open(report, NULL);
  pj_report_string(report, "type", pjh_type_name(output->type));
  pj_report_open_list(report, "dims");
  for (size_t i = 0; i < output->rank; i++)
    pj_report_int(report, NULL, output->dims[i]);
  pj_report_close(report);
  if (output->path[0])
    pj_report_string(report, "file", output->path);
  else
    pj_show_json(pj_report_value(report, "elements"), output->type, output->elements, output->size);
  pj_report_close(report);
}

static PjStatus put_output(const Run *run, size_t index, PjReport *report) {
  Output output;
  PjStatus status = fetch(run, index, run->buffers[run->inputs.count + index], &output);
  if (!status && run->args->json)
    report_output(report, &output);
  else if (!status)
    status = print_output(index, &output);
  pj_free(output.elements);
  return pj_status_prefix(status, "output %zu", index);
}

static void report_times(const Run *run, PjReport *report) {
  size_t count = run->args->repeat;
  pj_report_open(report, "steps_ms");
  for (size_t i = 0; i < run->num_steps; i++)
    pj_report_real(report, run->steps[i].name, run->steps[i].ms);
  pj_report_close(report);
  pj_report_open(report, "runs");
  pj_report_int(report, "count", (int64_t)count);
  pj_report_real(report, "median_ms", 1e3 * pj_quantile(run->runs_s, count, 0.5));
  pj_report_real(report, "least_ms", 1e3 * run->runs_s[0]);
  pj_report_real(report, "most_ms", 1e3 * run->runs_s[count - 1]);
  pj_report_close(report);
}

static PjStatus put_outputs(const Run *run) {
  const RunArgs *args = run->args;
  PjReport report = {.json = true};
  pj_report_open(&report, NULL);
  pj_report_string(&report, "program", args->program);
  pj_report_string(&report, "platform", pjh_client_platform_name(run->client));
  report_times(run, &report);
  pj_report_open_list(&report, "outputs");
  PjStatus status = PJ_STATUS_OK;
  for (size_t i = 0; i < run->num_outputs && !status; i++)
    status = put_output(run, i, &report);
  pj_report_close(&report);
  pj_report_close(&report);
  if (!status && args->json)
    return pj_report_print(&report);
  pj_strbuf_free(&report.text);
  if (!status && args->repeat > 1)
    printf("%zu runs: median %.3f ms, least %.3f, most %.3f\n", args->repeat,
           1e3 * pj_quantile(run->runs_s, args->repeat, 0.5), 1e3 * run->runs_s[0],
           1e3 * run->runs_s[args->repeat - 1]);
  return status;
}

static PjStatus make_dir(const char *path) {
  struct stat info;
  if (mkdir(path, 0777) == 0)
    return PJ_STATUS_OK;
  int reason = errno;
  if (reason == EEXIST && stat(path, &info) == 0 && S_ISDIR(info.st_mode))
    return PJ_STATUS_OK;
  return PJ_ERROR(UNAVAILABLE, "cannot make the folder %s: %s", path, strerror(reason));
}

// --- The command ---------------------------------------------------------------------------------

static PjStatus read_inputs(Run *run, const char *format) {
  const RunArgs *args = run->args;
  // What cannot be read here is left to the plugin.
  if (strcmp(format, "executable") != 0) {
    PjStatus unread =
        pj_plugin_status(pjh_signature_read(run->program, run->program_size, &run->signature));
    if (unread && args->generate)
      return pj_status_prefix(unread, "%s", args->program);
    pj_status_free(unread);
  }
  if (!args->generate)
    return pj_inputs_read(args->inputs, args->num_inputs, run->signature, &run->inputs);
  PJ_FAIL_IF(!run->signature, UNIMPLEMENTED,
             "--generate: an executable does not tell its parameters; give files");
  return pj_inputs_generate(run->signature, &run->inputs);
}

static PjStatus compile(Run *run, const char *format) {
  const RunArgs *args = run->args;
  bool compiled = strcmp(format, "executable") == 0;
  PjhCompileOptions options = {.format = format, .device = args->device};
  PjhError *error =
      compiled
          ? pjh_executable_deserialize(run->client, run->program, run->program_size,
                                       args->device ? &options : NULL, &run->executable)
          : pjh_compile(run->client, run->program, run->program_size, &options, &run->executable);
  bool guessed = compiled && !args->format;
  PJ_TRY_IN(pj_plugin_status(error), "%s%s", args->program,
            guessed ? ": is neither StableHLO nor HLO, so was taken as an executable" : "");
  lap(run, compiled ? "load" : "compile");
  run->num_outputs = pjh_executable_num_outputs(run->executable);
  run->buffers = pj_calloc(run->inputs.count + run->num_outputs + 1, sizeof(PjhBuffer *));
  return run->buffers ? PJ_STATUS_OK : pj_status_oom();
}

// Runs as often as asked; the outputs are those of the last time. Where there is more than one run,
// none takes the memory of the inputs.
static PjStatus execute(Run *run) {
  size_t count = run->args->repeat;
  PjhBuffer **outputs = run->buffers + run->inputs.count;
  PjhExecuteOptions options = {.keep_arguments = count > 1};
  run->runs_s = pj_calloc(count, sizeof *run->runs_s);
  if (!run->runs_s)
    return pj_status_oom();
  for (size_t r = 0; r < count; r++) {
    for (size_t i = 0; i < run->num_outputs; i++) {
      pjh_buffer_destroy(outputs[i]);
      outputs[i] = NULL;
    }
    if (count > 1)
      pj_show_progress("running %s, %zu of %zu", run->args->program, r + 1, count);
    double start = pj_seconds();
    PjhEvent *done = NULL;
    PjhError *error = pjh_execute_start(run->executable, &options, run->buffers, run->inputs.count,
                                        outputs, run->num_outputs, &done);
    if (!error)
      error = pjh_event_await(done);
    run->runs_s[r] = pj_seconds() - start;
    pjh_event_destroy(done);
    PJ_TRY(pj_plugin_status(error));
  }
  pj_sort_seconds(run->runs_s, count);
  return PJ_STATUS_OK;
}

static PjStatus run_all(Run *run) {
  const RunArgs *args = run->args;
  run->started = pj_seconds();
  PJ_TRY(pj_file_read(args->program, &run->program, &run->program_size));
  const char *format = args->format;
  if (!format) {
    PJ_TRY(pj_form_check_hlo(args->program, run->program, run->program_size));
    format = pj_form_format(pj_form_of(run->program, run->program_size));
  }
  PJ_TRY(read_inputs(run, format));
  if (args->out_dir)
    PJ_TRY(make_dir(args->out_dir));
  lap(run, "read");

  pj_show_progress("starting a client");
  PJ_TRY(pj_plugin_open(&args->plugin, &run->plugin, &run->client));
  lap(run, "client");
  pj_show_progress("compiling %s", args->program);
  PJ_TRY(compile(run, format));
  PJ_TRY(pj_inputs_send(&run->inputs, run->client, args->device, run->buffers));
  lap(run, "send");
  pj_show_progress("running %s", args->program);
  PJ_TRY(execute(run));
  pj_hide_progress();
  lap(run, "execute");
  return put_outputs(run);
}

static void run_free(Run *run) {
  for (size_t i = 0; run->buffers && i < run->inputs.count + run->num_outputs; i++)
    pjh_buffer_destroy(run->buffers[i]);
  pj_free(run->buffers);
  pj_free(run->runs_s);
  pjh_executable_destroy(run->executable);
  pjh_client_destroy(run->client);
  pjh_plugin_destroy(run->plugin);
  pj_inputs_free(&run->inputs);
  pjh_signature_free(run->signature);
  pj_free(run->program);
}

static const PjArg options[] = {
    {"-o", "DIR", PJ_ARG_FOLDER, offsetof(RunArgs, out_dir),
     "write DIR/output_N.npy, making DIR if need be, instead of printing elements"},
    {"--device", "N", PJ_ARG_COUNT, offsetof(RunArgs, device),
     "run on the client's device N (default 0)"},
    {"--format", "mlir|hlo|executable", PJ_ARG_CHOICE, offsetof(RunArgs, format),
     "what PROGRAM is: StableHLO, XLA's HloModuleProto, or what pjrt compile wrote; by default its "
     "first bytes say"},
    {"--generate", NULL, PJ_ARG_FLAG, offsetof(RunArgs, generate),
     "generate the inputs: the same numbers each time, floats in [0, 1), integers from 0 to 3"},
    {"--repeat", "N", PJ_ARG_COUNT, offsetof(RunArgs, repeat),
     "run N times and say what the runs took; the outputs are those of the last. Then no run takes "
     "the memory of donated inputs"},
    {"--time", NULL, PJ_ARG_FLAG, offsetof(RunArgs, time), "say how long each step took"},
    {"--json", NULL, PJ_ARG_FLAG, offsetof(RunArgs, json),
     "print outputs and times as JSON (cli/run.schema.json)"},
    PJ_PLUGIN_ARG_ROWS(offsetof(RunArgs, plugin)),
    {0},
};

static int run_command(const PjCommand *self, int argc, char **argv) {
  RunArgs args = {.repeat = 1};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  if (!argc)
    return pj_command_wrong(self, "no PROGRAM given");
  if (!args.repeat)
    return pj_command_wrong(self, "--repeat: at least 1");
  if (args.generate && argc > 1)
    return pj_command_wrong(self, "--generate, and the input %s is given", argv[1]);
  args.program = argv[0];
  args.inputs = argv + 1;
  args.num_inputs = (size_t)argc - 1;
  Run run = {.args = &args};
  PjStatus status = run_all(&run);
  pj_hide_progress();
  int exit_status = pj_command_end(self, status);
  run_free(&run);
  return exit_status;
}

const PjCommand pj_cmd_run = {
    .name = "run",
    .summary = "run a program on .npy arrays",
    .synopsis = "PROGRAM [INPUT.npy[:TYPE] | INPUTS.npz]...",
    .description =
        "Compiles PROGRAM (StableHLO text, MLIR bytecode or a portable artifact, or XLA's "
        "HloModuleProto; - for standard input), or loads it where it is an executable that `pjrt "
        "compile` wrote, runs it on "
        "the arrays, in the order of its parameters, and prints the "
        "outputs. An .npz archive stands for all of its arrays, in the order in which they were "
        "saved; where every input comes from archives and is called as a parameter of the program "
        "is, names say where it goes.\n\n"
        "A file of raw bytes (dtype V1 or V2, which is how NumPy writes bfloat16 and the other "
        "types of ml_dtypes) takes its element type from the program, or from :TYPE, e.g. "
        "weights.npy:bf16.",
    .options = options,
    .words = "*",
    .run = run_command,
};

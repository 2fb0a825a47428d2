// `pjrt run`: a program and its inputs as files, its outputs as text or files.
//
// Everything that can be said about the inputs is said before anything runs: the files are read and
// compared with the program's parameters first, where its text tells them.
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/str.h"
#include "build.h"
#include "commands.h"
#include "file.h"
#include "npy.h"
#include "plugin.h"
#include "progress.h"
#include "show.h"
#include "signature.h"

typedef struct RunArgs {
  PjPluginArgs plugin;
  const char *program, *out_dir, *format;
  char **inputs; // points into argv
  size_t num_inputs, device;
  bool time;
} RunArgs;

typedef struct Input {
  const char *path; // for messages; owned
  char *bytes;      // the whole file
  PjNpy npy;
  void *elements; // in the machine's byte order, in the file's element order
} Input;

// Everything that one run holds, so that there is one place that frees it.
typedef struct Run {
  const RunArgs *args;
  char *program;
  size_t program_size;
  PjSignature signature;
  Input *inputs;
  PjhPlugin *plugin;
  PjhClient *client;
  PjhExecutable *executable;
  PjhBuffer **buffers; // num_inputs, then num_outputs
  size_t num_buffers;
  double started; // seconds
} Run;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Says how long the step since the last call took.
static void lap(Run *run, const char *step) {
  double t = now();
  if (run->args->time) {
    pj_hide_progress();
    printf("%-8s %9.3f ms\n", step, 1e3 * (t - run->started));
  }
  run->started = t;
}

// --- Inputs --------------------------------------------------------------------------------------

// Reads file |index|. A name that does not exist as it stands may end in :TYPE.
static PjStatus read_input(Input *input, char *name) {
  PJRT_Buffer_Type type = PJRT_Buffer_Type_INVALID;
  const char *colon = strrchr(name, ':');
  size_t length = strlen(name);
  struct stat info;
  if (colon && stat(name, &info) != 0) {
    type = pjh_type_from_name(colon + 1, strlen(colon + 1));
    PJ_FAIL_IF(type == PJRT_Buffer_Type_INVALID, NOT_FOUND,
               "%s: no such file, and '%s' is no element type to read %.*s as", name, colon + 1,
               (int)(colon - name), name);
    length = (size_t)(colon - name);
  }
  char *path = pj_strndup(name, length);
  if (!path)
    return pj_status_oom();
  input->path = path;
  size_t size;
  PJ_TRY(pj_file_read(path, &input->bytes, &size));
  PJ_TRY_IN(pj_npy_parse(input->bytes, size, &input->npy), "%s", path);
  if (type != PJRT_Buffer_Type_INVALID) {
    PJ_FAIL_IF(pjh_type_host_size(type) != input->npy.element_size, INVALID_ARGUMENT,
               "%s: holds elements of %zu bytes, %s has %zu", path, input->npy.element_size,
               pjh_type_name(type), pjh_type_host_size(type));
    input->npy.type = type;
  }
  return PJ_STATUS_OK;
}

// Whether a file of |npy| may stand for elements of |type|: the same type, raw bytes of its width,
// or the byte integers that narrower integers are written as. The caller checks their range.
static bool type_fits(const PjNpy *npy, PJRT_Buffer_Type type) {
  if (npy->type == type)
    return true;
  if (npy->type == PJRT_Buffer_Type_INVALID)
    return pjh_type_host_size(type) == npy->element_size && type != PJRT_Buffer_Type_PRED;
  switch (type) {
  case PJRT_Buffer_Type_S4:
  case PJRT_Buffer_Type_S2:
    return npy->type == PJRT_Buffer_Type_S8;
  case PJRT_Buffer_Type_U4:
  case PJRT_Buffer_Type_U2:
    return npy->type == PJRT_Buffer_Type_U8;
  default:
    return false;
  }
}

static PjStatus check_range(const Input *input, PJRT_Buffer_Type type) {
  int low = 0, high = 0;
  switch (type) {
  case PJRT_Buffer_Type_S4:
    low = -8, high = 7;
    break;
  case PJRT_Buffer_Type_S2:
    low = -2, high = 1;
    break;
  case PJRT_Buffer_Type_U4:
    high = 15;
    break;
  case PJRT_Buffer_Type_U2:
    high = 3;
    break;
  default:
    return PJ_STATUS_OK;
  }
  for (size_t i = 0; i < input->npy.data_size; i++) {
    int value = low < 0 ? (signed char)input->npy.data[i] : input->npy.data[i];
    PJ_FAIL_IF(value < low || value > high, INVALID_ARGUMENT,
               "%s: element %zu is %d, %s reaches from %d to %d", input->path, i, value,
               pjh_type_name(type), low, high);
  }
  return PJ_STATUS_OK;
}

// Compares a file with the parameter it is for, and gives raw bytes their type.
static PjStatus check_input(Input *input, size_t index, const PjParameter *parameter) {
  PjNpy *npy = &input->npy;
  bool fits = npy->rank == parameter->rank;
  for (size_t i = 0; fits && i < npy->rank; i++)
    fits = parameter->dims[i] < 0 || parameter->dims[i] == npy->dims[i];
  fits = fits && type_fits(npy, parameter->type);
  if (fits) {
    PJ_TRY(check_range(input, parameter->type));
    npy->type = parameter->type;
    return PJ_STATUS_OK;
  }
  PjStrBuf wants = {0}, has = {0};
  pj_show_type(&wants, parameter->type, parameter->dims, parameter->rank);
  pj_show_type(&has, npy->type, npy->dims, npy->rank);
  PjStatus status = pj_strbuf_status(&wants);
  if (!status)
    status = pj_strbuf_status(&has);
  if (!status && npy->type == PJRT_Buffer_Type_INVALID)
    status =
        PJ_ERROR(INVALID_ARGUMENT,
                 "argument %zu: the program wants %s, %s holds raw elements of %zu bytes%s", index,
                 wants.data, input->path, npy->element_size, has.data + strlen("invalid"));
  else if (!status)
    status = PJ_ERROR(INVALID_ARGUMENT, "argument %zu: the program wants %s, %s holds %s", index,
                      wants.data, input->path, has.data);
  pj_strbuf_free(&wants);
  pj_strbuf_free(&has);
  return status;
}

static PjStatus read_inputs(Run *run) {
  const RunArgs *args = run->args;
  run->inputs = pj_calloc(args->num_inputs + 1, sizeof *run->inputs);
  if (!run->inputs)
    return pj_status_oom();
  PJ_FAIL_IF(run->signature.known && run->signature.count != args->num_inputs, INVALID_ARGUMENT,
             "the program has %zu parameters, %zu inputs are given", run->signature.count,
             args->num_inputs);
  for (size_t i = 0; i < args->num_inputs; i++) {
    Input *input = &run->inputs[i];
    PJ_TRY(read_input(input, args->inputs[i]));
    // A parameter of a type that has no name here (quantised) is left to the plugin.
    if (run->signature.known && run->signature.parameters[i].type != PJRT_Buffer_Type_INVALID)
      PJ_TRY(check_input(input, i, &run->signature.parameters[i]));
    PJ_FAIL_IF(
        input->npy.type == PJRT_Buffer_Type_INVALID, INVALID_ARGUMENT,
        "argument %zu: %s holds raw elements of %zu bytes; say which type they are, e.g. %s:%s", i,
        input->path, input->npy.element_size, input->path,
        input->npy.element_size == 2 ? "bf16" : "f8E4M3FN");
    if (!input->npy.big_endian)
      continue;
    input->elements = pj_malloc(input->npy.data_size);
    if (!input->elements)
      return pj_status_oom();
    pj_npy_copy_elements(&input->npy, input->elements);
  }
  return PJ_STATUS_OK;
}

static PjStatus send_inputs(Run *run) {
  for (size_t i = 0; i < run->args->num_inputs; i++) {
    const Input *input = &run->inputs[i];
    const PjNpy *npy = &input->npy;
    int64_t strides[PJ_NPY_MAX_RANK];
    pj_npy_strides(npy, strides);
    const void *elements = input->elements ? input->elements : npy->data;
    PjhError *error =
        pjh_buffer_from_host(run->client, run->args->device, elements, npy->type, npy->dims,
                             npy->rank, npy->fortran_order ? strides : NULL, &run->buffers[i]);
    PJ_TRY_IN(pj_plugin_status(error), "argument %zu (%s)", i, input->path);
  }
  return PJ_STATUS_OK;
}

// --- Outputs -------------------------------------------------------------------------------------

static PjStatus put_output(const Run *run, size_t index, PjhBuffer *buffer) {
  size_t size = pjh_buffer_host_size(buffer), rank = pjh_buffer_rank(buffer);
  const int64_t *dims = pjh_buffer_dims(buffer);
  PJRT_Buffer_Type type = pjh_buffer_type(buffer);
  void *elements = pj_malloc(size);
  if (!elements)
    return PJ_ERROR(RESOURCE_EXHAUSTED, "no memory for %zu bytes", size);
  PjStrBuf text = {0};
  PjStatus status = pj_plugin_status(pjh_buffer_to_host(buffer, elements, size));
  if (!status) {
    pj_show_type(&text, type, dims, rank);
    if (run->args->out_dir) {
      char path[PATH_MAX];
      int n = snprintf(path, sizeof path, "%s/output_%zu.npy", run->args->out_dir, index);
      if (n < 0 || (size_t)n >= sizeof path)
        status = PJ_ERROR(INVALID_ARGUMENT, "-o: the path is too long");
      else
        status = pj_npy_write(path, type, dims, rank, elements, size);
      pj_strbuf_printf(&text, " -> %s", path);
    } else {
      pj_strbuf_putc(&text, '\n');
      pj_show_elements(&text, type, dims, rank, elements);
    }
  }
  if (!status)
    status = pj_strbuf_status(&text);
  if (!status)
    printf("output %zu: %s\n", index, text.data);
  pj_strbuf_free(&text);
  pj_free(elements);
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

static PjStatus run_all(Run *run) {
  const RunArgs *args = run->args;
  run->started = now();
  PJ_TRY(pj_file_read(args->program, &run->program, &run->program_size));
  const char *format = args->format;
  if (!format)
    format =
        pj_form_of(run->program, run->program_size) == PJ_FORM_EXECUTABLE ? "executable" : "mlir";
  if (strcmp(format, "mlir") == 0)
    PJ_TRY(pj_cli_signature_read(run->program, run->program_size, &run->signature));
  PJ_TRY(read_inputs(run));
  if (args->out_dir)
    PJ_TRY(make_dir(args->out_dir));
  lap(run, "read");

  pj_show_progress("starting a client");
  PJ_TRY(pj_plugin_open(&args->plugin, &run->plugin, &run->client));
  lap(run, "client");
  pj_show_progress("compiling %s", args->program);
  bool compiled = strcmp(format, "executable") == 0;
  PjhCompileOptions options = {.format = format, .device = args->device};
  PjhError *error =
      compiled
          ? pjh_executable_deserialize(run->client, run->program, run->program_size,
                                       args->device ? &options : NULL, &run->executable)
          : pjh_compile(run->client, run->program, run->program_size, &options, &run->executable);
  PJ_TRY_IN(pj_plugin_status(error), "%s", args->program);
  lap(run, compiled ? "load" : "compile");

  size_t num_outputs = pjh_executable_num_outputs(run->executable);
  run->buffers = pj_calloc(args->num_inputs + num_outputs + 1, sizeof(PjhBuffer *));
  if (!run->buffers)
    return pj_status_oom();
  run->num_buffers = args->num_inputs + num_outputs;
  PJ_TRY(send_inputs(run));
  lap(run, "send");
  PjhBuffer **outputs = run->buffers + args->num_inputs;
  pj_show_progress("running %s", args->program);
  PJ_TRY(pj_plugin_status(
      pjh_execute(run->executable, run->buffers, args->num_inputs, outputs, num_outputs)));
  pj_hide_progress();
  lap(run, "execute");
  for (size_t i = 0; i < num_outputs; i++)
    PJ_TRY_IN(put_output(run, i, outputs[i]), "output %zu", i);
  return PJ_STATUS_OK;
}

static void run_free(Run *run) {
  for (size_t i = 0; i < run->num_buffers; i++)
    pjh_buffer_destroy(run->buffers[i]);
  pj_free(run->buffers);
  pjh_executable_destroy(run->executable);
  pjh_client_destroy(run->client);
  pjh_plugin_destroy(run->plugin);
  for (size_t i = 0; run->inputs && i < run->args->num_inputs; i++) {
    pj_free((char *)(uintptr_t)run->inputs[i].path);
    pj_free(run->inputs[i].bytes);
    pj_free(run->inputs[i].elements);
  }
  pj_free(run->inputs);
  pj_cli_signature_free(&run->signature);
  pj_free(run->program);
}

static const PjArg options[] = {
    {"-o", "DIR", PJ_ARG_FOLDER, offsetof(RunArgs, out_dir),
     "write DIR/output_N.npy, making DIR if need be, instead of printing elements"},
    {"--device", "N", PJ_ARG_COUNT, offsetof(RunArgs, device),
     "run on the client's device N (default 0)"},
    {"--format", "mlir|hlo|executable", PJ_ARG_CHOICE, offsetof(RunArgs, format),
     "what PROGRAM is: StableHLO, a serialised HloModuleProto, or what pjrt compile wrote; by "
     "default its first bytes tell StableHLO from an executable"},
    {"--time", NULL, PJ_ARG_FLAG, offsetof(RunArgs, time), "say how long each step took"},
    PJ_PLUGIN_ARG_ROWS(offsetof(RunArgs, plugin)),
    {0},
};

static int run_command(const PjCommand *self, int argc, char **argv) {
  RunArgs args = {0};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  if (!argc)
    return pj_command_wrong(self, "no PROGRAM given");
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
    .summary = "run a StableHLO program on .npy arrays",
    .synopsis = "PROGRAM [INPUT.npy[:TYPE]]...",
    .description =
        "Compiles PROGRAM (StableHLO text, MLIR bytecode or a portable artifact; - for standard "
        "input), or loads it where it is an executable that `pjrt compile` wrote, runs it once on "
        "the arrays, in the order of its parameters, and prints the "
        "outputs.\n\n"
        "A file of raw bytes (dtype V1 or V2, which is how NumPy writes bfloat16 and the other "
        "types of ml_dtypes) takes its element type from the program, or from :TYPE, e.g. "
        "weights.npy:bf16.",
    .options = options,
    .words = "*",
    .run = run_command,
};

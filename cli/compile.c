// `pjrt compile`: a program into an executable as a file, with devices or ahead of time without.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "build.h"
#include "file.h"
#include "progress.h"
#include "report.h"

typedef struct CompileArgs {
  PjBuildArgs build;
  const char *out;
  bool json;
} CompileArgs;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static PjStatus report_result(const CompileArgs *args, const char *program, const PjBuild *build,
                              const PjhExecutable *executable, size_t size, double seconds) {
  PjReport report = {.json = args->json};
  int64_t code_bytes;
  PjhError *error = pjh_executable_code_size(executable, &code_bytes);
  pj_report_open(&report, NULL);
  pj_report_string(&report, "program", program);
  pj_report_string(&report, "name", pjh_executable_name(executable));
  pj_report_string(&report, "platform",
                   build->topology ? pjh_topology_platform_name(build->topology)
                                   : pjh_client_platform_name(build->client));
  if (build->topology)
    pj_report_string(&report, "topology", args->build.topology ? args->build.topology : "");
  pj_report_real(&report, "seconds", seconds);
  if (!error)
    pj_report_int(&report, "code_bytes", code_bytes);
  pjh_error_free(error);
  if (args->out) {
    pj_report_int(&report, "bytes", (int64_t)size);
    pj_report_string(&report, "out", args->out);
  }
  pj_report_close(&report);
  return pj_report_print(&report);
}

static PjStatus compile(const CompileArgs *args, const char *program, const char *bytes,
                        size_t size, PjBuild *build) {
  PJ_TRY(pj_build_open(&args->build, build));
  double started = now();
  PjhExecutable *executable;
  PJ_TRY_IN(pj_build_compile(build, bytes, size, &executable), "%s", program);
  double seconds = now() - started;
  void *serialized = NULL;
  size_t serialized_size = 0;
  PjStatus status = PJ_STATUS_OK;
  if (args->out)
    status = pj_plugin_status(pjh_executable_serialize(executable, &serialized, &serialized_size));
  pj_hide_progress();
  if (!status && args->out)
    status = pj_file_write(args->out, serialized, serialized_size);
  pjh_free(serialized);
  if (!status && !(args->out && strcmp(args->out, "-") == 0))
    status = report_result(args, program, build, executable, serialized_size, seconds);
  pjh_executable_destroy(executable);
  return status;
}

static PjStatus compile_file(const CompileArgs *args, const char *program) {
  char *bytes;
  size_t size;
  PjBuild build = {0};
  PJ_TRY(pj_file_read(program, &bytes, &size));
  bool hlo = args->build.format && strcmp(args->build.format, "hlo") == 0;
  PjStatus status = PJ_STATUS_OK;
  if (!hlo)
    status = pj_form_check(program, bytes, size, "");
  if (!status)
    status = compile(args, program, bytes, size, &build);
  pj_build_close(&build);
  pj_free(bytes);
  return status;
}

static int run_compile(const PjCommand *self, int argc, char **argv) {
  static CompileArgs args; // large
  args = (CompileArgs){0};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  if (argc != 1)
    return pj_command_wrong(self, argc ? "more than one program" : "no program given");
  PjStatus status = compile_file(&args, argv[0]);
  pj_hide_progress();
  return pj_command_end(self, status);
}

static const PjArg options[] = {
    {"-o", "OUT", PJ_ARG_FILE, offsetof(CompileArgs, out),
     "write the executable to OUT (- for standard output, then nothing else is printed)", NULL},
    {"--json", NULL, PJ_ARG_FLAG, offsetof(CompileArgs, json),
     "print the result as JSON; its schema is cli/compile.schema.json", NULL},
    PJ_PLUGIN_ARG_ROWS(0),
    PJ_BUILD_ARG_ROWS(0),
    {0},
};

const PjCommand pj_cmd_compile = {
    .name = "compile",
    .summary = "compile a program to a file, also for a machine that is not here",
    .synopsis = "PROGRAM",
    .description =
        "Compiles PROGRAM (StableHLO text, MLIR bytecode, or XLA's HloModuleProto) for a device of "
        "the plugin, or with --topology ahead of time for a machine that need not be there, and "
        "says how long it took. With -o it writes the executable, which `pjrt run` and `pjrt "
        "inspect` take; it is for the same plugin and kind of device. Nothing is written when it "
        "fails.",
    .options = options,
    .words = "*",
    .run = run_compile,
};

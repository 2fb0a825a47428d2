// `pjrt inspect`: what a plugin, a program or an executable is.
#include "inspect.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "file.h"
#include "progress.h"

typedef struct InspectArgs {
  PjBuildArgs build;
  const char *optimized;
  bool json, no_client;
} InspectArgs;

static PjStatus inspect_plugin(const InspectArgs *args, const char *path, PjReport *report) {
  // This very file: a name without a slash would be looked for where the system has its libraries.
  PjStrBuf file = {0};
  pj_strbuf_printf(&file, "%s%s", strchr(path, '/') ? "" : "./", path);
  PjBuildArgs build_args = args->build;
  build_args.plugin.path = file.data;
  PjBuild build = {.args = &build_args};
  PjStatus failure = PJ_STATUS_OK;
  PjStatus status = pj_strbuf_status(&file);
  if (!status && (pj_build_is_ahead(&build_args) || !args->no_client))
    status = pj_build_open(&build_args, &build);
  else if (!status)
    status = pj_plugin_load(&build_args.plugin, &build.plugin);
  // That a client cannot be had, as on a machine without the device, is a fact like others.
  if (status && build.plugin && !pj_build_is_ahead(&build_args)) {
    failure = status;
    status = PJ_STATUS_OK;
  }
  if (!status)
    pj_inspect_plugin(report, path, &build, failure);
  pj_status_free(failure);
  pj_build_close(&build);
  pj_strbuf_free(&file);
  return status;
}

// A program or an executable, and, where a plugin is named or needed, what the plugin makes of it.
static PjStatus inspect_code(const InspectArgs *args, const char *path, const char *bytes,
                             size_t size, PjForm form, PjReport *report) {
  const PjBuildArgs *build_args = &args->build;
  bool hlo = build_args->format && *build_args->format == 'h';
  bool readable = form != PJ_FORM_EXECUTABLE, program = readable || hlo;
  if (readable)
    PJ_TRY_IN(pj_inspect_program(report, path, bytes, size), "%s", path);
  if (readable && !build_args->plugin.path && !pj_build_is_ahead(build_args))
    return PJ_STATUS_OK;
  PjBuild build = {0};
  PjhExecutable *executable = NULL;
  PjStatus status = pj_build_open(build_args, &build);
  if (!status && program)
    status = pj_build_compile(&build, bytes, size, &executable);
  else if (!status && build.topology)
    status = PJ_ERROR(INVALID_ARGUMENT, "an executable is loaded on a client, not a topology");
  else if (!status)
    status =
        pj_plugin_status(pjh_executable_deserialize(build.client, bytes, size, NULL, &executable));
  status = pj_status_prefix(status, "%s", path);
  if (!status)
    status = pj_inspect_executable(report,
                                   !program         ? "loaded"
                                   : build.topology ? "compiled ahead of time"
                                                    : "compiled",
                                   executable, args->optimized);
  pjh_executable_destroy(executable);
  pj_build_close(&build);
  return status;
}

static PjStatus inspect(const InspectArgs *args, const char *path) {
  char *bytes;
  size_t size;
  PjReport report = {.json = args->json};
  PJ_TRY(pj_file_read(path, &bytes, &size));
  PjForm form = pj_form_of(bytes, size);
  pj_show_progress("reading %s", path);
  pj_report_open(&report, NULL);
  PjStatus status;
  if (form == PJ_FORM_LIBRARY)
    status = inspect_plugin(args, path, &report);
  else
    status = inspect_code(args, path, bytes, size, form, &report);
  pj_report_close(&report);
  pj_free(bytes);
  pj_hide_progress();
  if (!status)
    return pj_report_print(&report);
  pj_strbuf_free(&report.text);
  return status;
}

static int run_inspect(const PjCommand *self, int argc, char **argv) {
  static InspectArgs args; // large
  args = (InspectArgs){0};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  if (argc != 1)
    return pj_command_wrong(self, argc ? "more than one file" : "no file given");
  return pj_command_end(self, inspect(&args, argv[0]));
}

static const PjArg options[] = {
    {"--json", NULL, PJ_ARG_FLAG, offsetof(InspectArgs, json),
     "print JSON; its schema is cli/inspect.schema.json", NULL},
    {"--no-client", NULL, PJ_ARG_FLAG, offsetof(InspectArgs, no_client),
     "of a plugin: do not start a client", NULL},
    {"--optimized", "FILE", PJ_ARG_FILE, offsetof(InspectArgs, optimized),
     "of an executable: write the plugin's optimized program to FILE", NULL},
    PJ_PLUGIN_ARG_ROWS(0),
    PJ_BUILD_ARG_ROWS(0),
    {0},
};

const PjCommand pj_cmd_inspect = {
    .name = "inspect",
    .summary = "say what a plugin, a program or an executable is",
    .synopsis = "FILE",
    .description =
        "FILE is a plugin (a shared library), a program (StableHLO text, MLIR bytecode or "
        "XLA's HloModuleProto) or an executable that `pjrt compile` wrote; which, its "
        "first bytes say.\n\n"
        "A plugin: version, functions, extensions, attributes, and its devices, or those of "
        "--topology. A program: version, signature, operations. With --plugin or --topology the "
        "program is also compiled. An executable, compiled now or loaded: outputs, code and memory "
        "in bytes, cost, fingerprint, the steps of the optimized program, as far as the plugin "
        "says.",
    .options = options,
    .words = "*",
    .run = run_inspect,
};

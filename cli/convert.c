// `pjrt convert`: a program as text or as a portable artifact, for readers of any StableHLO
// version.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "build.h"
#include "commands.h"
#include "file.h"
#include "import/import.h"
#include "ir/print.h"
#include "progress.h"

typedef struct ConvertArgs {
  const char *out, *to, *target;
  bool generic, locations;
} ConvertArgs;

typedef struct Job {
  PjArena *arena;
  const char *bytes;
  size_t size;
  bool text;
  PjVersion target;
  PjPrintOptions print;
  PjStrBuf written;
} Job;

static PjStatus convert(void *context) {
  Job *job = context;
  PjModule *module;
  PJ_TRY(pj_import(job->arena, job->bytes, job->size, &module));
  if (!job->text)
    PJ_TRY(pj_bytecode_write(module, job->target, &job->written));
  else
    pj_module_print(&job->written, module, &job->print);
  return pj_strbuf_status(&job->written);
}

static PjStatus convert_file(Job *job, const char *in, const char *out) {
  char *bytes;
  PJ_TRY(pj_file_read(in, &bytes, &job->size));
  job->bytes = bytes;
  PjStatus status = pj_form_check(in, bytes, job->size, "");
  if (status) {
    pj_free(bytes);
    return status;
  }
  pj_show_progress("converting %s", in);
  status = pj_arena_create(0, &job->arena);
  if (!status)
    status = pj_arena_guard(job->arena, convert, job);
  pj_arena_destroy(job->arena);
  pj_hide_progress();
  pj_free(bytes);
  status = pj_status_prefix(status, "%s", in);
  if (!status)
    status = pj_file_write(out, job->written.data, job->written.len);
  pj_strbuf_free(&job->written);
  return status;
}

// --- Arguments -----------------------------------------------------------------------------------

// X.Y.Z or X.Y, of digits only.
static bool parse_version(const char *text, PjVersion *out) {
  int *parts[] = {&out->major, &out->minor, &out->patch};
  for (int i = 0; i < 3; ++i) {
    *parts[i] = 0;
    if (i == 2 && !*text)
      return true;
    if (i && *text++ != '.')
      return false;
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 6)
      return false;
    for (; digits; --digits)
      *parts[i] = *parts[i] * 10 + (*text++ - '0');
  }
  return !*text;
}

static bool ends_in(const char *text, const char *ending) {
  size_t length = strlen(text), tail = strlen(ending);
  return length > tail && strcmp(text + length - tail, ending) == 0;
}

static int run_convert(const PjCommand *self, int argc, char **argv) {
  ConvertArgs args = {0};
  if (!pj_command_parse(self, &argc, argv, &args))
    return PJ_EXIT_USAGE;
  if (argc != 1)
    return pj_command_wrong(self, argc ? "more than one program" : "no program given");
  const char *out = args.out ? args.out : "-";
  bool to_stdout = strcmp(out, "-") == 0;
  Job job = {.target = pj_version_current,
             .print = {.generic = args.generic, .locations = args.locations}};
  if (args.to)
    job.text = strcmp(args.to, "text") == 0;
  else
    job.text = !args.target && (to_stdout || ends_in(out, ".mlir") || ends_in(out, ".txt"));
  if (args.target && job.text)
    return pj_command_wrong(self, "--target is for artifacts: text has no version");
  if (args.target && !parse_version(args.target, &job.target))
    return pj_command_wrong(self, "--target %s: expected a version, e.g. 1.13.7", args.target);
  if (!job.text && (args.generic || args.locations))
    return pj_command_wrong(self, "%s is for text", args.generic ? "--generic" : "--locations");
  if (!job.text && to_stdout && isatty(STDOUT_FILENO))
    return pj_command_wrong(self, "an artifact is not for a terminal: name a file with -o");
  return pj_command_end(self, convert_file(&job, argv[0], out));
}

static const PjArg options[] = {
    {"-o", "OUT", PJ_ARG_FILE, offsetof(ConvertArgs, out),
     "where to write; without it, or for -, to standard output", NULL},
    {"--to", "text|artifact|bytecode", PJ_ARG_CHOICE, offsetof(ConvertArgs, to),
     "what to write: StableHLO text, or a portable artifact, which is MLIR bytecode (so both words "
     "mean the same); by default text to standard output and to names in .mlir or .txt, else an "
     "artifact",
     NULL},
    {"--target", "X.Y.Z", PJ_ARG_TEXT, offsetof(ConvertArgs, target),
     "the StableHLO version whose readers are to understand the artifact, from 0.9.0 on; default: "
     "the newest known",
     NULL},
    {"--generic", NULL, PJ_ARG_FLAG, offsetof(ConvertArgs, generic),
     "text only in MLIR's generic form", NULL},
    {"--locations", NULL, PJ_ARG_FLAG, offsetof(ConvertArgs, locations),
     "text with the source locations of the operations", NULL},
    {0},
};

const PjCommand pj_cmd_convert = {
    .name = "convert",
    .summary = "write a program as text or as an artifact for any StableHLO version",
    .synopsis = "PROGRAM",
    .description =
        "Reads PROGRAM (StableHLO text, MLIR bytecode or XLA's HloModuleProto; - for "
        "standard "
        "input), verifies it and writes it as StableHLO, as text or as an artifact for readers of "
        "any version. What the version "
        "cannot express is an error that names the operation. Nothing is written when it fails.",
    .options = options,
    .words = "*",
    .run = run_convert,
};

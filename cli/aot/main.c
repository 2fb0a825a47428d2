// pjrt-aot: writes a StableHLO program as portable C.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "aot/aot.h"
#include "base/alloc.h"
#include "commands.h"
#include "file.h"
#include "import/import.h"

typedef struct Job {
  PjArena *arena;
  const char *program, *out, *weights;
  char *source_path, *header_path;
  char *bytes;
  size_t size;
  PjAotOptions options;
} Job;

static const char usage[] =
    "Usage: pjrt-aot PROGRAM [-o OUT.c] [--name NAME] [--weights FILE] [--isa ISA]\n"
    "\n"
    "Writes PROGRAM (StableHLO text or a portable artifact, \"-\" for standard input) as one C\n"
    "file, and a header beside it that says how to call it. The C needs nothing but libm.\n"
    "\n"
    "  -o OUT.c        where to write; the header is OUT.h. By default NAME.c, here.\n"
    "  --name NAME     of the function; OUT's or PROGRAM's name by default\n"
    "  --weights FILE  write constants of 256 bytes and more there instead of into the C; the\n"
    "                  function takes the file's contents as one more argument\n"
    "  --isa ISA       sse (default), avx2, avx512 or neon: whose vectors the C is written for,\n"
    "                  and whether products and sums are fused. It compiles for any machine, and\n"
    "                  is fast where the compiler may use such instructions (-mavx2 -mfma).\n"
    "  --help, --version\n"
    "\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage. Nothing is written when it fails.\n";

// --- Files --------------------------------------------------------------------------------------

static bool same_file(const char *a, const char *b) {
  struct stat x, y;
  return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static PjStatus write_file(const char *path, const PjStrBuf *text) {
  FILE *file = fopen(path, "wb");
  PJ_FAIL_IF(!file, UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
  bool ok = fwrite(text->data ? text->data : "", 1, text->len, file) == text->len;
  int error = ok ? 0 : errno;
  if (fclose(file) && ok) {
    ok = false;
    error = errno;
  }
  PJ_FAIL_IF(!ok, UNAVAILABLE, "cannot write %s: %s", path, strerror(error));
  return PJ_STATUS_OK;
}

// All of them, or none.
static PjStatus write_files(const Job *job, const PjAotFiles *files) {
  const char *paths[] = {job->header_path, job->source_path, job->weights};
  const PjStrBuf *texts[] = {&files->header, &files->source, &files->weights};
  for (int i = 0; i < 3; ++i) {
    if (!paths[i])
      continue;
    PjStatus status = write_file(paths[i], texts[i]);
    if (!status)
      continue;
    for (int j = 0; j < i; ++j)
      remove(paths[j]);
    return status;
  }
  return PJ_STATUS_OK;
}

// Nothing may be written onto the program, or one file onto another.
static PjStatus check_paths(const Job *job) {
  const char *paths[] = {job->program, job->header_path, job->source_path, job->weights};
  for (int i = 0; i < 4; ++i)
    for (int j = i + 1; j < 4; ++j)
      PJ_FAIL_IF(paths[i] && paths[j] &&
                     (!strcmp(paths[i], paths[j]) || same_file(paths[i], paths[j])),
                 INVALID_ARGUMENT, "%s and %s would be the same file", paths[i], paths[j]);
  return PJ_STATUS_OK;
}

static PjStatus write_program(void *context) {
  Job *job = context;
  PjModule *module;
  PjAotFiles files = {0};
  PJ_TRY(pj_import(job->arena, job->bytes, job->size, &module));
  PjStatus status = pj_aot_write(module, &job->options, &files);
  if (!status)
    status = write_files(job, &files);
  pj_aot_files_free(&files);
  return status;
}

// --- Names --------------------------------------------------------------------------------------

static const char *base_of(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

// A file's name without folders and endings, made a name for a function.
static char *name_of(const char *path) {
  const char *base = base_of(path);
  size_t len = strcspn(base, ".");
  if (len > PJ_AOT_MAX_NAME / 2)
    len = PJ_AOT_MAX_NAME / 2;
  PjStrBuf name = {0};
  pj_strbuf_append(&name, base, len);
  for (size_t i = 0; i < name.len; ++i)
    if (!pj_aot_is_name_char(name.data[i]))
      name.data[i] = '_';
  if (pj_strbuf_status(&name) || pj_aot_is_name(name.len ? name.data : ""))
    return name.data;
  PjStrBuf other = {0};
  pj_strbuf_printf(&other, "program%s%s", name.len && *name.data != '_' ? "_" : "",
                   name.len ? name.data : "");
  pj_strbuf_free(&name);
  return other.data;
}

static bool ends_in_c(const char *path) {
  size_t len = strlen(base_of(path));
  return len > 2 && !strcmp(path + strlen(path) - 2, ".c");
}

// The paths of both files, from -o or from the name.
static PjStatus make_paths(Job *job) {
  PjStrBuf source = {0}, header = {0};
  pj_strbuf_printf(&source, job->out ? "%s" : "%s.c", job->out ? job->out : job->options.name);
  pj_strbuf_printf(&header, "%.*s.h", source.len > 2 ? (int)source.len - 2 : 0,
                   source.len > 2 ? source.data : "");
  job->source_path = source.data;
  job->header_path = header.data;
  PJ_TRY(pj_strbuf_status(&source));
  PJ_TRY(pj_strbuf_status(&header));
  job->options.header = base_of(job->header_path);
  return PJ_STATUS_OK;
}

static PjStatus convert(Job *job) {
  PJ_TRY(make_paths(job));
  PJ_TRY(check_paths(job));
  PJ_TRY(pj_file_read(job->program, &job->bytes, &job->size));
  PJ_TRY(pj_arena_create(0, &job->arena));
  return pj_arena_guard(job->arena, write_program, job);
}

// --- Command line -------------------------------------------------------------------------------

static bool parse_isa(const char *text, PjIsa *out) {
  for (int isa = 0; isa < PJ_ISA_COUNT; ++isa)
    if (!strcmp(pj_isa_name((PjIsa)isa), text)) {
      *out = (PjIsa)isa;
      return true;
    }
  return false;
}

static int wrong(const char *what, const char *argument) {
  fprintf(stderr, "pjrt-aot: %s%s\nTry pjrt-aot --help.\n", what, argument);
  return PJ_EXIT_USAGE;
}

// -1: go on, else the exit status.
static int parse(Job *job, int argc, char **argv) {
  bool options = true;
  for (int i = 1; i < argc; ++i) {
    const char *arg = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (!options || *arg != '-' || !strcmp(arg, "-")) {
      if (job->program)
        return wrong("one program at a time, not also ", arg);
      job->program = arg;
      continue;
    }
    if (!strcmp(arg, "--")) {
      options = false;
      continue;
    }
    if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
      fputs(usage, stdout);
      return PJ_EXIT_OK;
    }
    if (!strcmp(arg, "--version"))
      return printf("pjrt-aot %s\n", PJ_VERSION) < 0 ? PJ_EXIT_FAILED : PJ_EXIT_OK;
    const char **text = !strcmp(arg, "-o")          ? &job->out
                        : !strcmp(arg, "--name")    ? &job->options.name
                        : !strcmp(arg, "--weights") ? &job->weights
                                                    : NULL;
    if (!text && strcmp(arg, "--isa"))
      return wrong("no such option: ", arg);
    if (!value)
      return wrong("no value for ", arg);
    ++i;
    if (text)
      *text = value;
    else if (!parse_isa(value, &job->options.isa))
      return wrong("no such instruction set: ", value);
  }
  if (!job->program)
    return wrong("which program?", "");
  if (job->out && !ends_in_c(job->out))
    return wrong("-o wants a file that ends in .c, not ", job->out);
  return -1;
}

int main(int argc, char **argv) {
  Job job = {0};
  int exit_status = parse(&job, argc, argv);
  if (exit_status >= 0)
    return exit_status;
  char *made = NULL;
  if (!job.options.name)
    job.options.name = made = name_of(job.out ? job.out : job.program);
  job.options.origin = strcmp(job.program, "-") ? base_of(job.program) : NULL;
  job.options.weights = job.weights != NULL;
  PjStatus status = job.options.name ? convert(&job) : pj_status_oom();
  if (status) {
    const char *at = pj_status_location(status);
    fprintf(stderr, "pjrt-aot: %s: %s%s%s\n", job.program, pj_status_message(status),
            *at ? " at " : "", at);
  }
  exit_status = status ? PJ_EXIT_FAILED : PJ_EXIT_OK;
  pj_status_free(status);
  pj_arena_destroy(job.arena);
  pj_free(job.bytes);
  pj_free(job.source_path);
  pj_free(job.header_path);
  pj_free(made);
  return exit_status;
}

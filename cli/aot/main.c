// pjrt-aot: writes a StableHLO program as portable C.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aot/aot.h"
#include "base/alloc.h"
#include "commands.h"
#include "file.h"
#include "import/import.h"

typedef struct Job {
  PjArena *arena;
  const char *path, *out_dir;
  char *bytes;
  size_t size;
  PjAotOptions options;
} Job;

static const char usage[] =
    "Usage: pjrt-aot [--name NAME] [--out DIR] [--isa ISA] PROGRAM\n"
    "\n"
    "Writes PROGRAM (StableHLO text or a portable artifact) as NAME.c and NAME.h, which need "
    "nothing but libm.\n"
    "  --name NAME  of the function and the files; the program's file name by default\n"
    "  --out DIR    where to write them; the current directory by default\n"
    "  --isa ISA    sse (default), avx2, avx512 or neon: how long vectors are, and if products and "
    "sums are fused.\n"
    "               The code runs on any machine, but is fast where the compiler may use such "
    "instructions\n"
    "               (-mavx2 -mfma, say).\n";

static PjStatus write_text(const char *dir, const char *name, const char *suffix,
                           const PjStrBuf *text) {
  PjStrBuf path = {0};
  pj_strbuf_printf(&path, "%s/%s%s", dir, name, suffix);
  PjStatus status = pj_strbuf_status(&path);
  if (!status) {
    FILE *file = fopen(path.data, "wb");
    bool ok = file && fwrite(text->data, 1, text->len, file) == text->len;
    if (file)
      ok = !fclose(file) && ok;
    if (!ok)
      status = PJ_ERROR(UNAVAILABLE, "cannot write %s: %s", path.data, strerror(errno));
  }
  pj_strbuf_free(&path);
  return status;
}

static PjStatus run(void *context) {
  Job *job = context;
  PjModule *module;
  PjStrBuf source = {0}, header = {0};
  PJ_TRY(pj_import(job->arena, job->bytes, job->size, &module));
  PjStatus status = pj_aot_write(module, &job->options, &source, &header);
  if (!status)
    status = write_text(job->out_dir, job->options.name, ".c", &source);
  if (!status)
    status = write_text(job->out_dir, job->options.name, ".h", &header);
  pj_strbuf_free(&source);
  pj_strbuf_free(&header);
  return status;
}

// The file's name without folders and endings, as an identifier.
static char *name_of(const char *path) {
  const char *base = strrchr(path, '/');
  base = base ? base + 1 : path;
  size_t len = strcspn(base, ".");
  char *name = pj_malloc(len + 2);
  if (!name)
    return NULL;
  name[0] = '_'; // if a digit follows
  memcpy(name + 1, base, len);
  name[len + 1] = 0;
  for (char *c = name; *c; ++c)
    if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
      *c = '_';
  if (name[1] > '9')
    memmove(name, name + 1, len + 1);
  return name;
}

static bool parse_isa(const char *text, PjIsa *out) {
  for (int isa = 0; isa < PJ_ISA_COUNT; ++isa)
    if (!strcmp(pj_isa_name((PjIsa)isa), text)) {
      *out = (PjIsa)isa;
      return true;
    }
  return false;
}

static PjStatus convert(Job *job) {
  PJ_TRY(pj_file_read(job->path, &job->bytes, &job->size));
  PJ_TRY(pj_arena_create(0, &job->arena));
  return pj_arena_guard(job->arena, run, job);
}

int main(int argc, char **argv) {
  Job job = {.out_dir = "."};
  for (int i = 1; i < argc; ++i) {
    bool has_value = i + 1 < argc;
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
      fputs(usage, stdout);
      return PJ_EXIT_OK;
    }
    if (!strcmp(argv[i], "--name") && has_value)
      job.options.name = argv[++i];
    else if (!strcmp(argv[i], "--out") && has_value)
      job.out_dir = argv[++i];
    else if (!strcmp(argv[i], "--isa") && has_value && parse_isa(argv[i + 1], &job.options.isa))
      ++i;
    else if (argv[i][0] != '-' && !job.path)
      job.path = argv[i];
    else {
      fprintf(stderr, "pjrt-aot: what is '%s'?\n\n%s", argv[i], usage);
      return PJ_EXIT_USAGE;
    }
  }
  if (!job.path) {
    fputs(usage, stderr);
    return PJ_EXIT_USAGE;
  }
  char *made = NULL, *header = NULL;
  if (!job.options.name)
    job.options.name = made = name_of(job.path);
  if (job.options.name && (header = pj_malloc(strlen(job.options.name) + 3)))
    sprintf(header, "%s.h", job.options.name);
  job.options.header = header;
  const char *base = strrchr(job.path, '/');
  job.options.origin = base ? base + 1 : job.path;
  PjStatus status = header ? convert(&job) : pj_status_oom();
  if (status) {
    const char *at = pj_status_location(status);
    fprintf(stderr, "pjrt-aot: %s: %s%s%s\n", job.path, pj_status_message(status),
            *at ? " at " : "", at);
  }
  int exit_status = status ? PJ_EXIT_FAILED : PJ_EXIT_OK;
  pj_status_free(status);
  pj_arena_destroy(job.arena);
  pj_free(job.bytes);
  pj_free(header);
  pj_free(made);
  return exit_status;
}

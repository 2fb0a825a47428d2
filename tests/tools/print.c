// pj-print [-g] [-l] IN...: reads programs (text or artifacts) and prints them as text, behind each
// a line `// -----`. A program that cannot be read prints as a line `// error: ...`. -g: the
// generic form; -l: with locations. For tests.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/import.h"
#include "ir/print.h"

typedef struct Job {
  PjArena *arena;
  char *bytes;
  size_t size;
  PjModule *module;
} Job;

static bool load(Job *job, const char *path) {
  FILE *f = fopen(path, "rb");
  if (!f)
    return false;
  fseek(f, 0, SEEK_END);
  long size = ftell(f);
  rewind(f);
  job->bytes = size < 0 ? NULL : malloc((size_t)size + 1);
  job->size = job->bytes ? fread(job->bytes, 1, (size_t)size, f) : 0;
  fclose(f);
  return job->bytes != NULL;
}

static PjStatus run(void *ctx) {
  Job *job = ctx;
  if (pj_is_bytecode(job->bytes, job->size))
    PJ_TRY(pj_bytecode_read(job->arena, job->bytes, job->size, &job->module));
  else
    PJ_TRY(pj_text_parse(job->arena, job->bytes, job->size, NULL, &job->module));
  pj_module_number(job->module);
  return PJ_STATUS_OK;
}

static bool print_file(const char *path, const PjPrintOptions *options) {
  Job job = {0};
  PjStrBuf out = {0};
  PjStatus status = load(&job, path) ? PJ_STATUS_OK : PJ_ERROR(NOT_FOUND, "cannot read %s", path);
  if (!status)
    status = pj_arena_create((size_t)4 << 30, &job.arena);
  if (!status)
    status = pj_arena_guard(job.arena, run, &job);
  bool ok = !status;
  if (ok) {
    pj_module_print(&out, job.module, options);
    fwrite(out.data, 1, out.len, stdout);
  } else {
    printf("// error: %s: %s\n", pj_code_name(pj_status_code(status)), pj_status_message(status));
  }
  printf("// -----\n");
  pj_strbuf_free(&out);
  pj_status_free(status);
  pj_arena_destroy(job.arena);
  free(job.bytes);
  return ok;
}

int main(int argc, char **argv) {
  PjPrintOptions options = {0};
  int failed = 0;
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "-g"))
      options.generic = true;
    else if (!strcmp(argv[i], "-l"))
      options.locations = true;
    else
      failed += !print_file(argv[i], &options);
  }
  return failed != 0;
}

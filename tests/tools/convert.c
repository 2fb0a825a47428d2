// pj-convert [-f] [-n] [-o OUT] [-t X.Y.Z] IN: reads a program (artifact or text) and verifies it
// (-n: does not). Prints its fingerprint (-f) and writes it as a portable artifact for readers of a
// version (default: the newest). For tests.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "import/import.h"
#include "ir/fingerprint.h"
#include "ir/verify.h"

typedef struct Job {
  PjArena *arena;
  const char *in, *out;
  PjVersion target;
  char *bytes;
  size_t size;
  PjStrBuf written;
  bool fingerprint, unverified;
} Job;

static bool load(Job *job) {
  FILE *f = fopen(job->in, "rb");
  if (!f)
    return false;
  size_t capacity = 1 << 16, n;
  job->bytes = malloc(capacity);
  while (job->bytes && (n = fread(job->bytes + job->size, 1, capacity - job->size, f)) > 0) {
    job->size += n;
    if (job->size == capacity)
      job->bytes = realloc(job->bytes, capacity *= 2);
  }
  fclose(f);
  return job->bytes != NULL;
}

static PjStatus run(void *ctx) {
  Job *job = ctx;
  PjModule *module;
  if (pj_is_bytecode(job->bytes, job->size))
    PJ_TRY(pj_bytecode_read(job->arena, job->bytes, job->size, &module));
  else
    PJ_TRY(pj_text_parse(job->arena, job->bytes, job->size, job->in, &module));
  if (!job->unverified)
    PJ_TRY(pj_verify(module));
  if (job->fingerprint) {
    char text[33];
    pj_module_number(module);
    pj_fingerprint_text(pj_module_fingerprint(module), text);
    puts(text);
  }
  if (!job->out)
    return PJ_STATUS_OK;
  PJ_TRY(pj_bytecode_write(module, job->target, &job->written));
  FILE *f = fopen(job->out, "wb");
  bool ok = f && fwrite(job->written.data, 1, job->written.len, f) == job->written.len;
  if (f)
    ok = !fclose(f) && ok;
  PJ_FAIL_IF(!ok, UNKNOWN, "cannot write %s", job->out);
  return PJ_STATUS_OK;
}

int main(int argc, char **argv) {
  Job job = {.target = pj_version_current};
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "-o") && i + 1 < argc)
      job.out = argv[++i];
    else if (!strcmp(argv[i], "-t") && i + 1 < argc)
      sscanf(argv[++i], "%d.%d.%d", &job.target.major, &job.target.minor, &job.target.patch);
    else if (!strcmp(argv[i], "-f"))
      job.fingerprint = true;
    else if (!strcmp(argv[i], "-n"))
      job.unverified = true;
    else
      job.in = argv[i];
  }
  if (!job.in || !load(&job)) {
    fprintf(stderr, "usage: pj-convert [-f] [-n] [-o OUT] [-t X.Y.Z] IN\n");
    return 2;
  }
  PjStatus status = pj_arena_create((size_t)4 << 30, &job.arena);
  if (!status)
    status = pj_arena_guard(job.arena, run, &job);
  if (status)
    fprintf(stderr, "%s: %s\n", pj_code_name(pj_status_code(status)), pj_status_message(status));
  int rc = status != NULL;
  pj_status_free(status);
  pj_arena_destroy(job.arena);
  pj_strbuf_free(&job.written);
  free(job.bytes);
  return rc;
}

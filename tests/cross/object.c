// Reads a kernel as wire.h writes it from the first file and writes its object to the second: the
// code generator that tests call which run under another processor.
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "emit/codegen.h"
#include "wire.h"

typedef struct Job {
  PjArena *arena;
  char *data;
  size_t size;
  void *object;
  size_t object_size;
} Job;

static PjStatus run(void *context) {
  Job *job = context;
  PjKir *k;
  PJ_TRY(wire_read(job->arena, job->data, job->size, &k));
  PJ_TRY(pj_kir_verify(k));
  return pj_codegen_object(k, &job->object, &job->object_size);
}

static bool read_file(const char *path, Job *job) {
  FILE *f = fopen(path, "rb");
  if (!f)
    return false;
  fseek(f, 0, SEEK_END);
  job->size = (size_t)ftell(f);
  rewind(f);
  job->data = malloc(job->size + 1);
  bool whole = job->data && fread(job->data, 1, job->size, f) == job->size;
  fclose(f);
  return whole;
}

static bool write_file(const char *path, const Job *job) {
  FILE *f = fopen(path, "wb");
  if (!f)
    return false;
  bool whole = fwrite(job->object, 1, job->object_size, f) == job->object_size;
  return fclose(f) == 0 && whole;
}

int main(int argc, char **argv) {
  Job job = {0};
  if (argc == 2) // does this build generate code for aarch64 at all?
    return !pj_codegen_available(PJ_ISA_NEON);
  if (argc != 3 || !read_file(argv[1], &job) || pj_arena_create(0, &job.arena))
    return 2;
  PjStatus status = pj_arena_guard(job.arena, run, &job);
  if (status)
    fprintf(stderr, "%s\n", pj_status_message(status));
  bool written = !status && write_file(argv[2], &job);
  pj_status_free(status);
  pj_arena_destroy(job.arena);
  pj_free(job.object);
  free(job.data);
  return !written;
}

#include "jit_support.h"

#include "emit/codegen.h"

void test_ok(PjStatus status) {
  if (status)
    fail_msg("%s: %s", pj_code_name(pj_status_code(status)), pj_status_message(status));
}

void test_code(PjStatus status, PjCode want) {
  if (pj_status_code(status) != want)
    fail_msg("expected %s, not %s: %s", pj_code_name(want), pj_code_name(pj_status_code(status)),
             pj_status_message(status));
  pj_status_free(status);
}

uint32_t test_isas(PjIsa out[PJ_ISA_COUNT]) {
  PjIsa host = pj_kir_target_host()->isa;
  uint32_t count = 0;
  if (host != PJ_ISA_NEON)
    for (int isa = PJ_ISA_SSE; isa < (int)host; ++isa)
      if (pj_codegen_available((PjIsa)isa))
        out[count++] = (PjIsa)isa;
  out[count++] = host;
  return count;
}

typedef struct Job {
  PjArena *arena;
  PjKirTarget target;
  const char *name;
  TestBuild *build;
  TestUse *use;
  void *context;
} Job;

static PjStatus run(void *context) {
  Job *job = context;
  PjKir *k = pj_kir_create(job->arena, &job->target, job->name);
  job->build(k, job->context);
  pj_kir_finish(k);
  PJ_TRY(pj_kir_verify(k));
  job->use(k, job->context);
  return NULL;
}

void test_kernel(PjIsa isa, const char *name, TestBuild *build, TestUse *use, void *context) {
  Job job = {.target = pj_kir_target_of(isa),
             .name = name,
             .build = build,
             .use = use,
             .context = context};
  test_ok(pj_arena_create(0, &job.arena));
  test_ok(pj_arena_guard(job.arena, run, &job));
  pj_arena_destroy(job.arena);
}

typedef struct Compile {
  TestBuild *build;
  void *context;
  PjJitCode *code;
} Compile;

static void build_it(PjKir *k, void *context) {
  Compile *c = context;
  c->build(k, c->context);
}

static void compile_it(const PjKir *k, void *context) {
  Compile *c = context;
  test_ok(pj_jit_compile(NULL, 1, &k, &c->code));
}

PjJitCode *test_compile(PjIsa isa, const char *name, TestBuild *build, void *context) {
  Compile c = {build, context, NULL};
  test_kernel(isa, name, build_it, compile_it, &c);
  return c.code;
}

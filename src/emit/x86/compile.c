// A kernel through all steps, in an arena of its own.
#include "base/alloc.h"
#include "base/cpu.h"
#include "emit/x86/mir.h"
#include "emit/x86/x86.h"

// Larger functions cost more than in proportion (the sets of live registers); LLVM takes them.
enum { MAX_INSTS = 20000 };

typedef struct Job {
  PjArena *arena;
  const PjKir *k;
  PjX86Code *out;
} Job;

void pj_x86_choose(X86Fn *f, const PjKir *k) {
  pj_x86_lower(f, k);
  if (f->refused)
    return;
  pj_x86_place_constants(f);
  pj_x86_fold_loads(f);
  pj_x86_allocate(f);
  for (int round = 0; round < 2 && f->spills && f->loops.len; ++round) {
    pj_x86_split(f, round);
    pj_x86_place_constants(f);
    pj_x86_allocate(f);
  }
}

static PjStatus compile(void *context) {
  Job *job = context;
  X86Fn *f = PJ_NEW(job->arena, X86Fn);
  f->arena = job->arena;
  pj_x86_choose(f, job->k);
  PJ_FAIL_IF(f->refused, UNIMPLEMENTED, "kernel %s: %s", job->k->name ? job->k->name : "",
             f->refused);
  X86Bytes bytes = {0};
  pj_x86_encode(f, &bytes);
  job->out->bytes = pj_malloc(bytes.len);
  if (!job->out->bytes)
    return pj_status_oom();
  memcpy(job->out->bytes, bytes.data, bytes.len);
  job->out->size = bytes.len;
  return NULL;
}

PjStatus pj_x86_compile(const PjKir *k, PjX86Code *out) {
  *out = (PjX86Code){0};
  PJ_FAIL_IF((k->target->isa != PJ_ISA_AVX2 && k->target->isa != PJ_ISA_AVX512) ||
                 k->insts.len > MAX_INSTS,
             UNIMPLEMENTED, "left to LLVM");
  Job job = {.k = k, .out = out};
  PJ_TRY(pj_arena_create(0, &job.arena));
  PjStatus status = pj_arena_guard(job.arena, compile, &job);
  pj_arena_destroy(job.arena);
  return status;
}

bool pj_x86_available(PjIsa isa) {
#if defined __x86_64__
  uint32_t avx2 = PJ_CPU_AVX2 | PJ_CPU_F16C;
  return (isa == PJ_ISA_AVX2 && pj_cpu_has(avx2)) ||
         (isa == PJ_ISA_AVX512 && pj_cpu_has(avx2 | PJ_CPU_AVX512));
#else
  return false;
#endif
}

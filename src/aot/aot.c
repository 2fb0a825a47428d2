// From a module to the functions and steps that the writer prints.
#include "aot/aot.h"

#include "aot/write.h"
#include "base/options.h"
#include "pass/pass.h"

typedef struct Job {
  const PjModule *module;
  const PjAotOptions *options;
  PjArena *arena, *work, *kernels;
  PjSchedule *schedule;
  PjKirTarget target;
  PjStrBuf *source, *header;
} Job;

static PjStatus make(void *context) {
  Job *job = context;
  PjModule *module;
  PJ_TRY(pj_passes_run(job->arena, job->module, NULL, &module));
  PjScheduleOptions options = {
      .target = &job->target, .work = job->work, .kernels = job->kernels, .source = true};
  PJ_TRY(pj_schedule_create(job->arena, module, &options, &job->schedule));
  return pj_aot_print(job->schedule, &job->target, job->kernels, job->options, job->source,
                      job->header);
}

static PjStatus in_kernels(void *context) {
  Job *job = context;
  return pj_arena_guard(job->kernels, make, job);
}

static PjStatus in_work(void *context) {
  Job *job = context;
  return pj_arena_guard(job->work, in_kernels, job);
}

static bool is_identifier(const char *name) {
  if (!*name || (*name >= '0' && *name <= '9'))
    return false;
  for (const char *c = name; *c; ++c)
    if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
          *c == '_'))
      return false;
  return true;
}

PjStatus pj_aot_write(const PjModule *module, const PjAotOptions *options, PjStrBuf *source,
                      PjStrBuf *header) {
  PJ_FAIL_IF(!is_identifier(options->name), INVALID_ARGUMENT, "'%s' is no name of a C function",
             options->name);
  Job job = {.module = module,
             .options = options,
             .target = pj_kir_target_of(options->isa),
             .source = source,
             .header = header};
  size_t limit = (size_t)pj_option_int(PJ_OPTION_COMPILE_LIMIT_MB) << 20;
  PjStatus status = pj_arena_create(limit, &job.arena);
  if (!status)
    status = pj_arena_create(limit, &job.work);
  if (!status)
    status = pj_arena_create(limit, &job.kernels);
  if (!status)
    status = pj_arena_guard(job.arena, in_work, &job);
  pj_schedule_destroy(job.schedule);
  pj_arena_destroy(job.kernels);
  pj_arena_destroy(job.work);
  pj_arena_destroy(job.arena);
  return status;
}

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
  PjAotFiles *out;
} Job;

static PjStatus make(void *context) {
  Job *job = context;
  PjModule *module;
  PJ_TRY(pj_passes_run(job->arena, job->module, NULL, &module));
  PjScheduleOptions options = {
      .target = &job->target, .work = job->work, .kernels = job->kernels, .source = true};
  PJ_TRY(pj_schedule_create(job->arena, module, &options, &job->schedule));
  return pj_aot_print(job->schedule, &job->target, job->kernels, job->options, job->out);
}

static PjStatus in_kernels(void *context) {
  Job *job = context;
  return pj_arena_guard(job->kernels, make, job);
}

static PjStatus in_work(void *context) {
  Job *job = context;
  return pj_arena_guard(job->work, in_kernels, job);
}

bool pj_aot_is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Words of C and C++, and what every C program knows.
static const char words[] =
    " INFINITY NAN NULL alignas alignof and and_eq asm assert atomic_cancel atomic_commit "
    "atomic_noexcept auto "
    "bitand "
    "bitor bool break case catch char char16_t char32_t char8_t class co_await co_return co_yield "
    "compl concept const const_cast consteval constexpr constinit continue decltype default delete "
    "do double dynamic_cast else enum errno explicit export extern false float for friend goto if "
    "import inline int linux long main module mutable namespace new noexcept not not_eq nullptr "
    "operator or or_eq private protected public reflexpr register reinterpret_cast requires "
    "restrict return short signed sizeof static static_assert static_cast struct switch "
    "synchronized template this thread_local throw true try typedef typeid typename typeof "
    "typeof_unqual union unix unsigned using virtual void volatile wchar_t while xor xor_eq "
    "abort abs atan atan2 calloc ceil cos div erf exit exp exp2 expm1 fabs floor fma fmax fmin "
    "fmod "
    "free gamma hypot index j0 j1 jn labs ldexp ldiv lgamma log log10 log1p log2 malloc memchr "
    "memcmp memcpy memmove memset modf nan pow printf puts rand read realloc remainder remove "
    "rename rint round scalb signal signgam sin sinh sqrt srand stderr stdin stdout strcpy strlen "
    "system tan tanh tgamma time trunc write y0 y1 yn ";

bool pj_aot_is_name(const char *name) {
  if (!pj_aot_is_name_char(*name) || (*name >= '0' && *name <= '9') || *name == '_')
    return false;
  size_t len = strlen(name);
  if (len > PJ_AOT_MAX_NAME || (len > 2 && !strcmp(name + len - 2, "_t")))
    return false;
  for (const char *c = name; *c; ++c)
    if (!pj_aot_is_name_char(*c))
      return false;
  for (const char *at = words; (at = strstr(at, name)); ++at)
    if (at[-1] == ' ' && at[len] == ' ')
      return false;
  return true;
}

// What may stand between the quotes of an #include.
static bool is_header(const char *name) {
  for (const char *c = name; *c; ++c)
    if (*c < ' ' || *c == 127 || *c == '"' || *c == '\\')
      return false;
  return *name;
}

PjStatus pj_aot_write(const PjModule *module, const PjAotOptions *options, PjAotFiles *out) {
  PJ_FAIL_IF(!pj_aot_is_name(options->name), INVALID_ARGUMENT, "'%s' is no name for a C function",
             options->name);
  PJ_FAIL_IF(!is_header(options->header), INVALID_ARGUMENT, "'%s' is no name for a header",
             options->header);
  Job job = {
      .module = module, .options = options, .target = pj_kir_target_of(options->isa), .out = out};
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

void pj_aot_files_free(PjAotFiles *files) {
  pj_strbuf_free(&files->source);
  pj_strbuf_free(&files->header);
  pj_strbuf_free(&files->weights);
}

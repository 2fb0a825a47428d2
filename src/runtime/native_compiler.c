// The compiler of the CPU plugin: passes, schedule, machine code.
//
// A program is copied and simplified (src/pass), cut into steps (src/sched), and its kernels become
// code (src/emit). What cannot be scheduled at all (dynamic shapes, say) is given to the evaluator
// whole, visibly with PJRT_LOG=fallback. All that a compiled program needs lies in an arena of its
// own.
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/options.h"
#include "base/trace.h"
#include "ir/print.h"
#include "pass/pass.h"
#include "runtime/client.h"
#include "runtime/cost.h"
#include "runtime/dump.h"
#include "runtime/eval_group.h"
#include "runtime/partitioned.h"
#include "sched/team.h"

// What one run needs besides its arrays; kept for the next run.
typedef struct Frame {
  struct Frame *next;
  void **buffers;
  void **inputs, **outputs;
  void *memory; // temporaries, up to SMALL_MEMORY; larger ones come from the device for each run
  size_t bytes; // of |memory|
} Frame;

enum { SMALL_MEMORY = 1 << 16, KEPT_FRAMES = 8 };

struct PjCompiled {
  // The evaluator's, when it runs all of the program; of a team, for devices that are called one by
  // one, perhaps with programs of their own, and meet as threads.
  PjCompiled *whole;
  PjArena *arena;
  PjSchedule *schedule;
  const PjPartitioned *partitioned; // how the schedule is run over whole arrays, or NULL
  const PjTeam *team;               // that runs it, or NULL
  pthread_mutex_t lock;
  Frame *frames; // under |lock|
  int num_frames;
};

// --- Compiling -----------------------------------------------------------------------------------

// Threads that generate code: one pool for the process, started by the first compilation of several
// kernels.
static PjThreads *compile_threads;
static pthread_once_t compile_once = PTHREAD_ONCE_INIT;

static void make_compile_threads(void) {
  pj_status_free(pj_threads_create((int)pj_option_int(PJ_OPTION_THREADS), &compile_threads));
}

typedef struct Job {
  PjModule *in;
  const PjTeam *team;
  PjArena *arena, *work, *kernels;
  PjSchedule *schedule;
  int num_dumped;
  PjDump *dump;
} Job;

static void dump_module(void *context, const char *pass, const PjModule *module) {
  Job *job = context;
  PjStrBuf text = {0};
  char name[64];
  pj_module_print(&text, module, NULL);
  snprintf(name, sizeof name, "%02d.%s.mlir", job->num_dumped++, pass);
  pj_dump_text(job->dump, name, (PjStr){text.data, text.len});
  pj_strbuf_free(&text);
}

static void dump_buffer(Job *job, const char *stage, uint32_t number, PjStrBuf *text) {
  char name[64];
  snprintf(name, sizeof name, "kernel%u.%s", number, stage);
  pj_dump_text(job->dump, name, (PjStr){text->data, text->len});
  pj_strbuf_free(text);
}

static void dump_kernel(void *context, uint32_t code, const PjKir *function) {
  Job *job = context;
  PjStrBuf kir = {0}, ir = {0}, assembly = {0}, own = {0};
  pj_kir_print(function, &kir);
  dump_buffer(job, "kir", code, &kir);
  pj_status_free(pj_jit_dump(function, &ir, &assembly));
  dump_buffer(job, "ll", code, &ir);
  dump_buffer(job, "s", code, &assembly);
  pj_status_free(pj_jit_dump_own(function, &own));
  if (own.len)
    dump_buffer(job, "bin", code, &own);
}

static void dump_schedule(Job *job, const PjPassReport *report, double pass_ms, double total_ms) {
  PjStrBuf text = {0};
  pj_schedule_print(job->schedule, &text);
  pj_dump_text(job->dump, "schedule", (PjStr){text.data, text.len});
  pj_strbuf_free(&text);
  pj_strbuf_printf(&text, "passes %.3f ms, schedule and code %.3f ms\n", pass_ms,
                   total_ms - pass_ms);
  for (uint32_t i = 0; i < report->count; i++)
    pj_strbuf_printf(&text, "  %-24s %8.3f ms %6u changes%s\n", report->passes[i].name,
                     (double)report->passes[i].ns / 1e6, report->passes[i].changes,
                     report->passes[i].exhausted ? ", out of budget" : "");
  pj_dump_text(job->dump, "times", (PjStr){text.data, text.len});
  pj_strbuf_free(&text);
}

static void trace_phase(const PjModule *module, const char *phase, int64_t begin, int64_t end) {
  char program[128];
  if (!pj_trace_on())
    return;
  snprintf(program, sizeof program, "%.*s", PJ_STR_ARG(module->name));
  PjTraceLabel label = {.kind = PJ_TRACE_COMPILE, .name = phase, .program = program};
  pj_trace_add_once(&label, begin, end, 0);
}

static PjStatus schedule_in_kernels(void *context) {
  Job *job = context;
  PjModule *module;
  PjPassReport report = {0};
  PjPassOptions passes = {.verify = pj_option_int(PJ_OPTION_VERIFY) > 0, .report = &report};
  pthread_once(&compile_once, make_compile_threads);
  PjScheduleOptions options = {.target = pj_kir_target_host(),
                               .threads = compile_threads,
                               .team = job->team,
                               .work = job->work,
                               .kernels = job->kernels};
  if (job->dump) {
    dump_module(job, "input", job->in);
    passes.dump = dump_module;
    options.dump = dump_kernel;
    passes.dump_context = options.dump_context = job;
  }
  int64_t start = pj_trace_clock();
  PJ_TRY(pj_passes_run(job->arena, job->in, &passes, &module));
  int64_t middle = pj_trace_clock();
  PjStatus status = pj_schedule_create(job->arena, module, &options, &job->schedule);
  int64_t end = pj_trace_clock();
  trace_phase(module, "passes", start, middle);
  trace_phase(module, "schedule and code", middle, end);
  if (job->dump && !status)
    dump_schedule(job, &report, (double)(middle - start) / 1e6, (double)(end - start) / 1e6);
  return status;
}

static PjStatus schedule_in_work(void *context) {
  Job *job = context;
  return pj_arena_guard(job->kernels, schedule_in_kernels, job);
}

static PjStatus schedule_in_arena(void *context) {
  Job *job = context;
  return pj_arena_guard(job->work, schedule_in_work, job);
}

static PjStatus make_schedule(Job *job) {
  size_t limit = (size_t)pj_option_int(PJ_OPTION_COMPILE_LIMIT_MB) << 20;
  PjStatus status = pj_arena_create(limit, &job->arena);
  if (!status)
    status = pj_arena_create(limit, &job->work);
  if (!status)
    status = pj_arena_create(limit, &job->kernels);
  if (!status)
    status = pj_arena_guard(job->arena, schedule_in_arena, job);
  pj_arena_destroy(job->work);
  pj_arena_destroy(job->kernels);
  if (status) {
    pj_schedule_destroy(job->schedule);
    pj_arena_destroy(job->arena);
    job->schedule = NULL;
    job->arena = NULL;
  }
  return status;
}

// The team for the program of one partition of several: what is not cut is the same on all.
static PjStatus team_of_partitions(PjModule *module, const PjCompileOptions *options,
                                   const PjTeam **out) {
  const PjPartitioned *partitioned;
  PJ_TRY(pj_partitioned_create(module, options, &partitioned));
  bool *in = PJ_NEW_ARRAY(module->arena, bool, partitioned->num_in + 1),
       *results = PJ_NEW_ARRAY(module->arena, bool, partitioned->num_out + 1);
  for (uint32_t i = 0; i < partitioned->num_in; i++)
    in[i] = partitioned->in[i];
  for (uint32_t i = 0; i < partitioned->num_out; i++)
    results[i] = partitioned->out[i];
  PjTeam *team = PJ_NEW(module->arena, PjTeam);
  *team = (PjTeam){.num_replicas = 1,
                   .num_partitions = (uint32_t)options->num_partitions,
                   .cut_in = in,
                   .cut_out = results};
  *out = team;
  return PJ_STATUS_OK;
}

// The team for a program of replicas that meet: each has parameters and results of its own. NULL
// where replicas go their own ways.
static const PjTeam *team_of_replicas(PjModule *module, const PjCompileOptions *options) {
  PjCost cost;
  const PjOp *entry = pj_module_entry(module);
  pj_module_cost(module, &cost);
  if (options->num_replicas <= 1 || !cost.collectives || !entry)
    return NULL;
  const PjType *type = PJ_ATTR(entry, function_type)->type;
  uint32_t most = type->num_elems > type->num_results ? type->num_elems : type->num_results;
  bool *cut = PJ_NEW_ARRAY(module->arena, bool, most + 1);
  memset(cut, true, most);
  PjTeam *team = PJ_NEW(module->arena, PjTeam);
  *team = (PjTeam){.num_replicas = (uint32_t)options->num_replicas,
                   .num_partitions = 1,
                   .cut_in = cut,
                   .cut_out = cut};
  return team;
}

static PjStatus compile_whole(PjModule *module, const PjCompileOptions *options,
                              PjCompiled *compiled) {
  return pj_compiler_eval.compile(module, options, &compiled->whole);
}

static PjStatus native_compile(PjModule *module, const PjCompileOptions *options,
                               PjCompiled **out) {
  *out = NULL;
  PjCompiled *compiled = PJ_NEW(module->arena, PjCompiled);
  *compiled = (PjCompiled){0};
  const char *choice = pj_option_text(PJ_OPTION_COMPILER);
  bool native = pj_jit_available() && strcmp(choice, "eval") != 0;
  // Replicas beside partitions are refused below.
  bool scheduled = native && (options->num_replicas <= 1 || options->num_partitions <= 1);
  Job job = {.in = module};
  if (scheduled && options->local)
    PJ_TRY(team_of_partitions(module, options, &job.team));
  else if (scheduled && options->num_partitions > 1)
    PJ_TRY(pj_partitioned_create(module, options, &compiled->partitioned));
  else if (scheduled && (job.team = team_of_replicas(module, options)))
    PJ_TRY(compile_whole(module, options, compiled));
  if (scheduled) {
    job.dump = pj_dump_open(module->name);
    PjStatus status = make_schedule(&job);
    pj_dump_close(job.dump);
    PjCode code = pj_status_code(status);
    // An internal error is a fault of ours that must not be a user's: unless one looks for it.
    bool hide = code == PJ_INTERNAL && pj_option_int(PJ_OPTION_VERIFY) <= 0;
    if (code != PJ_OK && code != PJ_UNIMPLEMENTED && !hide)
      return status;
    if (status)
      pj_log(PJ_LOG_FALLBACK, "the whole program: %s", pj_status_message(status));
    pj_status_free(status);
  }
  if (!job.schedule && !compiled->whole) {
    PJ_TRY(compile_whole(module, options, compiled));
  } else if (job.schedule && pthread_mutex_init(&compiled->lock, NULL)) {
    pj_schedule_destroy(job.schedule);
    pj_arena_destroy(job.arena);
    return pj_status_oom();
  }
  compiled->team = job.schedule ? job.team : NULL;
  compiled->arena = job.arena;
  compiled->schedule = job.schedule;
  *out = compiled;
  return PJ_STATUS_OK;
}

static void frame_destroy(Frame *frame) {
  if (!frame)
    return;
  pj_free_aligned(frame->memory);
  pj_free(frame);
}

static void native_destroy(PjCompiled *compiled) {
  if (compiled->whole)
    pj_compiler_eval.destroy(compiled->whole);
  if (!compiled->schedule)
    return;
  while (compiled->frames) {
    Frame *frame = compiled->frames;
    compiled->frames = frame->next;
    frame_destroy(frame);
  }
  pthread_mutex_destroy(&compiled->lock);
  pj_schedule_destroy(compiled->schedule);
  pj_arena_destroy(compiled->arena);
}

static void native_stats(const PjCompiled *compiled, PjCompiledStats *out) {
  *out = (PjCompiledStats){0};
  const PjSchedule *s = compiled->schedule;
  if (!s) {
    out->num_fallbacks = 1;
    return;
  }
  out->temp_bytes = (int64_t)s->temp_bytes;
  out->num_fallbacks = s->num_fallbacks;
  out->code_bytes = pj_schedule_code_bytes(s);
}

static const PjTraceLabels *native_steps(const PjCompiled *compiled) {
  return compiled->schedule ? pj_schedule_labels(compiled->schedule) : NULL;
}

// --- Running -------------------------------------------------------------------------------------

static Frame *frame_new(const PjSchedule *s) {
  Frame *frame = pj_malloc(sizeof *frame +
                           (s->slots.len + s->num_inputs + s->num_outputs + 1) * sizeof(void *));
  if (!frame)
    return NULL;
  *frame = (Frame){.buffers = (void **)(frame + 1)};
  frame->inputs = frame->buffers + s->slots.len;
  frame->outputs = frame->inputs + s->num_inputs;
  return frame;
}

// A frame with |memory| bytes, unless that is more than frames hold. One that was left may have
// less: a client with more threads needs more.
static Frame *frame_take(PjCompiled *compiled, size_t memory) {
  pthread_mutex_lock(&compiled->lock);
  Frame *frame = compiled->frames;
  if (frame) {
    compiled->frames = frame->next;
    compiled->num_frames--;
  }
  pthread_mutex_unlock(&compiled->lock);
  if (!frame && !(frame = frame_new(compiled->schedule)))
    return NULL;
  if (memory <= frame->bytes || memory > SMALL_MEMORY)
    return frame;
  pj_free_aligned(frame->memory);
  frame->memory = pj_malloc_aligned(memory, 64);
  frame->bytes = memory;
  if (frame->memory)
    return frame;
  frame_destroy(frame);
  return NULL;
}

static void frame_give(PjCompiled *compiled, Frame *frame) {
  pthread_mutex_lock(&compiled->lock);
  bool keep = compiled->num_frames < KEPT_FRAMES;
  if (keep) {
    frame->next = compiled->frames;
    compiled->frames = frame;
    compiled->num_frames++;
  }
  pthread_mutex_unlock(&compiled->lock);
  if (!keep)
    frame_destroy(frame);
}

// Whether a program may write to the memory of parameter |i|: it was given up, and is aligned as
// kernels want what they write to. Memory that the host brought along may be less so.
static bool may_write(PjArray *const *inputs, const bool *given_up, uint32_t i) {
  return given_up && given_up[i] && (uintptr_t)pj_array_host_pointer(inputs[i]) % 64 == 0;
}

// The address of a parameter that the program overwrites: its own memory if that was given up, else
// a copy in |copies|.
static PjStatus bind_overwritten(PjArray *input, bool given_up, char **copies, void **out) {
  size_t bytes = input->shape->num_bytes;
  *out = pj_array_host_pointer(input);
  if (given_up)
    return PJ_STATUS_OK;
  *out = *copies;
  *copies += (bytes + 63) / 64 * 64;
  return pj_array_read(input, 0, bytes, *out);
}

// A result that is made in the memory of a parameter: that very memory if it was given up, else the
// result's own, which begins as a copy.
static PjStatus bind_aliased(PjArray *input, bool given_up, PjArray *output, void **out) {
  if (given_up && input->memory == output->memory && !output->placed) {
    pj_array_take_over(output, input);
  } else {
    PJ_TRY(pj_array_allocate(output));
    PJ_TRY(pj_array_copy(output, input));
  }
  *out = pj_array_host_pointer(output);
  return PJ_STATUS_OK;
}

static PjStatus bind(const PjSchedule *s, Frame *frame, PjArray *const *inputs,
                     const bool *given_up, PjArray *const *outputs, char *copies) {
  for (uint32_t i = 0; i < s->num_inputs; i++) {
    frame->inputs[i] = NULL;
    PJ_FAIL_IF(!pj_array_host_pointer(inputs[i]) && inputs[i]->shape->num_bytes, INTERNAL,
               "programs need arrays in host memory");
  }
  for (uint32_t j = 0; j < s->num_outputs; j++) {
    uint32_t i = s->aliased_input[j];
    if (i == PJ_NOT_ALIASED) {
      PJ_TRY(pj_array_allocate(outputs[j]));
      frame->outputs[j] = pj_array_host_pointer(outputs[j]);
      continue;
    }
    PJ_TRY(bind_aliased(inputs[i], may_write(inputs, given_up, i), outputs[j], &frame->inputs[i]));
    frame->outputs[j] = frame->inputs[i];
  }
  for (uint32_t i = 0; i < s->num_inputs; i++) {
    if (frame->inputs[i])
      continue;
    if (s->overwritten[i])
      PJ_TRY(
          bind_overwritten(inputs[i], may_write(inputs, given_up, i), &copies, &frame->inputs[i]));
    else
      frame->inputs[i] = pj_array_host_pointer(inputs[i]);
  }
  return PJ_STATUS_OK;
}

static size_t copy_bytes(const PjSchedule *s, PjArray *const *inputs, const bool *given_up,
                         uint32_t i) {
  return s->overwritten[i] && !may_write(inputs, given_up, i)
             ? (s->slots.data[s->inputs[i]].bytes + 63) / 64 * 64
             : 0;
}

// Memory for copies of parameters that are overwritten though they were not given up; those of
// bind_aliased are results.
static size_t copies_bytes(const PjSchedule *s, PjArray *const *inputs, const bool *given_up) {
  size_t bytes = 0;
  for (uint32_t i = 0; i < s->num_inputs; i++)
    bytes += copy_bytes(s, inputs, given_up, i);
  for (uint32_t j = 0; j < s->num_outputs; j++)
    if (s->aliased_input[j] != PJ_NOT_ALIASED)
      bytes -= copy_bytes(s, inputs, given_up, s->aliased_input[j]);
  return bytes;
}

static PjRunOptions run_options(const PjRunContext *context) {
  return (PjRunOptions){.replica = context->replica,
                        .partition = context->partition,
                        .ffi_context = (void *)(uintptr_t)context,
                        .device_ordinal = context->device_ordinal,
                        .client = context->client,
                        .host = context->host};
}

static PjStatus run_schedule(PjCompiled *compiled, const PjRunContext *context, uint32_t num_inputs,
                             PjArray *const *inputs, const bool *may_overwrite,
                             uint32_t num_outputs, PjArray *const *outputs) {
  const PjSchedule *s = compiled->schedule;
  PJ_FAIL_IF(num_outputs != s->num_outputs || num_inputs != s->num_inputs, INTERNAL,
             "the program has %u parameters and %u results, not %u and %u", s->num_inputs,
             s->num_outputs, num_inputs, num_outputs);
  PjThreads *threads = context->client ? context->client->threads : NULL;
  PjDriver *driver = context->client ? context->client->driver : NULL;
  PjMemoryKind scratch =
      context->client && context->client->remote ? PJ_MEMORY_UNPINNED_HOST : PJ_MEMORY_DEVICE;
  size_t own = pj_schedule_memory(s, threads), bytes = own + copies_bytes(s, inputs, may_overwrite);
  Frame *frame = frame_take(compiled, bytes);
  if (!frame)
    return pj_status_oom();
  void *memory = frame->memory;
  PjStatus status = PJ_STATUS_OK;
  if (bytes > SMALL_MEMORY) {
    memory = NULL;
    if (driver)
      status = context->client->platform->device->allocate(driver, 0, scratch, bytes, &memory);
    else if (!(memory = pj_malloc_aligned(bytes, 64)))
      status = pj_status_oom();
  }
  if (!status)
    status = bind(s, frame, inputs, may_overwrite, outputs, (char *)memory + own);
  if (!status) {
    PjRunOptions options = run_options(context);
    status = pj_schedule_run(s, threads, &options, frame->inputs, frame->outputs, frame->buffers,
                             memory);
  }
  if (bytes > SMALL_MEMORY && memory) {
    if (driver)
      context->client->platform->device->free(driver, 0, scratch, memory, bytes);
    else
      pj_free_aligned(memory);
  }
  frame_give(compiled, frame);
  return status;
}

static PjStatus run_whole(void *user, const PjRunContext *context, PjArray *const *inputs,
                          const bool *given_up, PjArray *const *outputs) {
  PjCompiled *compiled = user;
  return run_schedule(compiled, context, compiled->partitioned->num_in, inputs, given_up,
                      compiled->partitioned->num_out, outputs);
}

// --- Replicas ------------------------------------------------------------------------------------

// Runs the program of a team. |frames|: one per device, with room for inputs and outputs alone.
static PjStatus run_team_in(PjCompiled *compiled, const PjRunContext *context,
                            PjArray *const *const *inputs, PjArray *const *const *outputs,
                            uint32_t count, Frame *frames, PjRunOptions *options, void *const **in,
                            void *const **out) {
  const PjSchedule *s = compiled->schedule;
  PjThreads *threads = context->client ? context->client->threads : NULL;
  size_t bytes = pj_team_memory(s, threads), copies = 0;
  for (uint32_t p = 0; p < count; p++)
    copies += copies_bytes(s, inputs[p], NULL);
  char *memory = pj_malloc_aligned(bytes + copies + 64, 64), *at = memory + bytes;
  PjStatus status = memory ? PJ_STATUS_OK : pj_status_oom();
  for (uint32_t p = 0; p < count && !status; p++) {
    options[p] = run_options(context);
    options[p].replica = p / compiled->team->num_partitions;
    options[p].partition = p % compiled->team->num_partitions;
    in[p] = frames[p].inputs;
    out[p] = frames[p].outputs;
    status = bind(s, &frames[p], inputs[p], NULL, outputs[p], at);
    at += copies_bytes(s, inputs[p], NULL);
  }
  if (!status)
    status = pj_team_run(s, threads, options, in, out, memory);
  for (uint32_t i = 0; i < s->num_outputs; i++)
    for (uint32_t p = 1; p < count && !status && s->shared[s->outputs[i]]; p++)
      status = pj_array_copy(outputs[p][i], outputs[0][i]);
  pj_free_aligned(memory);
  return status;
}

static PjStatus run_team(PjCompiled *compiled, const PjRunContext *context,
                         PjArray *const *const *inputs, PjArray *const *const *outputs) {
  const PjSchedule *s = compiled->schedule;
  uint32_t count = pj_team_size(compiled->team);
  size_t each =
      sizeof(Frame) + sizeof(PjRunOptions) + (s->num_inputs + s->num_outputs + 2) * sizeof(void *);
  Frame *frames = pj_calloc(count, each);
  if (!frames)
    return pj_status_oom();
  PjRunOptions *options = (PjRunOptions *)(frames + count);
  void *const **in = (void *const **)(options + count), *const **out = in + count;
  void **addresses = (void **)(out + count);
  for (uint32_t p = 0; p < count; p++, addresses += s->num_inputs + s->num_outputs)
    frames[p] = (Frame){.inputs = addresses, .outputs = addresses + s->num_inputs};
  PjStatus status =
      run_team_in(compiled, context, inputs, outputs, count, frames, options, in, out);
  pj_free(frames);
  return status;
}

typedef struct Meeting {
  PjCompiled *compiled;
  const PjRunContext *context;
} Meeting;

static PjStatus run_met(void *user, PjArray *const *const *inputs, PjArray *const *const *outputs) {
  const Meeting *meeting = user;
  return run_team(meeting->compiled, meeting->context, inputs, outputs);
}

// Devices that are called one by one: the last to come runs all.
static PjStatus meet_as_team(PjCompiled *compiled, const PjRunContext *context,
                             PjArray *const *inputs, PjArray *const *outputs) {
  Meeting meeting = {compiled, context};
  return pj_eval_group_join(context->group, context->partition, inputs, outputs, run_met, &meeting);
}

// --- The vtable ----------------------------------------------------------------------------------

static PjStatus native_run(const PjCompiled *const_compiled, const PjRunContext *context,
                           uint32_t num_inputs, PjArray *const *inputs, const bool *may_overwrite,
                           uint32_t num_outputs, PjArray *const *outputs) {
  PjCompiled *compiled = (PjCompiled *)(uintptr_t)const_compiled;
  if (compiled->whole)
    return pj_compiler_eval.run(compiled->whole, context, num_inputs, inputs, may_overwrite,
                                num_outputs, outputs);
  if (compiled->team && context->group)
    return meet_as_team(compiled, context, inputs, outputs);
  if (compiled->partitioned && context->group)
    return pj_partitioned_meet(compiled->partitioned, context, inputs, outputs, run_whole,
                               compiled);
  return run_schedule(compiled, context, num_inputs, inputs, may_overwrite, num_outputs, outputs);
}

static bool native_is_joint(const PjCompiled *compiled) {
  if (compiled->team)
    return true;
  return compiled->whole ? pj_compiler_eval.is_joint(compiled->whole)
                         : compiled->partitioned != NULL;
}

static PjStatus native_run_joint(const PjCompiled *compiled, const PjRunContext *context,
                                 PjArray *const *const *inputs, PjArray *const *const *outputs) {
  if (compiled->team)
    return run_team((PjCompiled *)(uintptr_t)compiled, context, inputs, outputs);
  if (compiled->whole)
    return pj_compiler_eval.run_joint(compiled->whole, context, inputs, outputs);
  return pj_partitioned_run(compiled->partitioned, context, inputs, outputs, run_whole,
                            (void *)(uintptr_t)compiled);
}

const PjCompilerOps pj_compiler_native = {
    .name = "native",
    .host_memory = true,
    .compile = native_compile,
    .destroy = native_destroy,
    .stats = native_stats,
    .steps = native_steps,
    .run = native_run,
    .is_joint = native_is_joint,
    .run_joint = native_run_joint,
    .group_create = pj_eval_group_create,
    .group_abort = pj_eval_group_abort,
    .group_destroy = pj_eval_group_destroy,
};

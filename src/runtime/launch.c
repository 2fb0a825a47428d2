// Memory of launches, and how they run.
#include "runtime/launch.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/trace.h"
#include "runtime/remote.h"

// --- Memory of a launch --------------------------------------------------------------------------

PjLaunch *pj_launch_create(uint32_t parts, uint32_t in, uint32_t out, void *room) {
  size_t waiter_bytes = room ? 0 : sizeof(PjEventWaiter);
  size_t per_part = (size_t)in * (sizeof(PjArray *) + waiter_bytes + sizeof(bool)) +
                    (size_t)out * sizeof(PjArray *);
  size_t size;
  if (!pj_mul_size(parts, sizeof(PjPart) + per_part, &size) ||
      !pj_add_size(size, sizeof(PjLaunch), &size))
    return NULL;
  PjLaunch *launch = room && size <= PJ_LAUNCH_ROOM ? memset(room, 0, size) : pj_calloc(1, size);
  if (!launch)
    return NULL;
  launch->here = room != NULL;
  launch->num_parts = parts;
  launch->num_in = in;
  launch->num_out = out;
  // Pointers first, flags last: everything stays aligned.
  char *at = (char *)(launch->parts + parts);
  if (!room)
    launch->waiters = (PjEventWaiter *)at;
  PjArray **arrays = (PjArray **)(at + (size_t)parts * in * waiter_bytes);
  bool *flags = (bool *)(arrays + (size_t)parts * (in + out));
  for (uint32_t i = 0; i < parts; i++) {
    PjPart *part = &launch->parts[i];
    part->launch = launch;
    part->in = arrays + (size_t)i * (in + out);
    part->out = part->in + in;
    part->donated = flags + (size_t)i * in;
  }
  return launch;
}

void pj_part_release_inputs(PjPart *part) {
  for (uint32_t i = 0; i < part->launch->num_in; i++) {
    pj_array_release(part->in[i]);
    part->in[i] = NULL;
  }
}

static void release_outputs(PjPart *part) {
  for (uint32_t i = 0; i < part->launch->num_out; i++) {
    pj_array_release(part->out[i]);
    part->out[i] = NULL;
  }
}

void pj_launch_destroy(PjLaunch *launch) {
  for (uint32_t p = 0; p < launch->num_parts; p++) {
    PjPart *part = &launch->parts[p];
    pj_part_release_inputs(part);
    release_outputs(part);
    pj_event_release(part->done);
  }
  if (launch->meeting)
    pj_meeting_leave(launch->loaded, launch->meeting);
  else if (launch->group)
    launch->loaded->executable->compiler->group_destroy(launch->group);
  pj_execute_context_release(launch->context);
  pj_host_transfers_release(launch->transfers);
  pj_loaded_release(launch->loaded);
  pj_free(launch);
}

// --- Running -------------------------------------------------------------------------------------

// Completes a part with |status| (taken). The last part frees the launch.
static void part_finish(PjPart *part, PjStatus status) {
  PjLaunch *launch = part->launch;
  // First give up the arrays: who waits for the outputs may expect the memory of the inputs back,
  // and donates an output to the next run, which may overwrite only what nobody else holds.
  pj_part_release_inputs(part);
  release_outputs(part);
  pj_event_set(part->done, status);
  if (atomic_fetch_sub_explicit(&launch->parts_left, 1, memory_order_acq_rel) == 1)
    pj_launch_destroy(launch);
}

// Handing a run to a worker costs its caller some 5 us, and 30 to 100 us until the result is seen
// by whoever waits for it. What takes this long at most, in nanoseconds, runs within the call.
enum { INLINE_NS = 300000 };

// Learns from a run. Short times count at once, long ones little: they may be those of a busy
// machine.
static void learn_time(PjExecutable *executable, int64_t ns) {
  int64_t known = atomic_load_explicit(&executable->run_ns, memory_order_relaxed);
  if (known && ns > known)
    ns = known + (ns - known) / 8;
  atomic_store_explicit(&executable->run_ns, ns ? ns : 1, memory_order_relaxed);
}

bool pj_launch_is_short(const PjLoadedExecutable *loaded) {
  const PjExecutable *executable = loaded->executable;
  if (executable->prefers_inline)
    return true;
  // The time of a run is then the device's, and the host has better things to do.
  if (loaded->client->queued)
    return false;
  if (executable->cheap)
    return true;
  int64_t ns = atomic_load_explicit(&executable->run_ns, memory_order_relaxed);
  return ns > 0 && ns <= INLINE_NS && !executable->cost.may_wait;
}

static void trace_run(const PjExecutable *executable, const PjLaunch *launch, int64_t begin) {
  PjTraceLabel label = {.kind = PJ_TRACE_RUN,
                        .name = executable->name,
                        .program = executable->name,
                        .flops = executable->cost.flops,
                        .bytes = executable->cost.bytes_accessed};
  pj_trace_add_once(&label, begin, pj_trace_clock(), launch->run_id);
}

// A part while it runs.
typedef struct PartRun {
  PjPart *part;
  PjHostEnd host;
  PjRunContext context;
  double start;  // for the log
  int64_t begin; // 0: nobody wants to know
} PartRun;

static void begin_part(PartRun *run, PjPart *part) {
  PjLaunch *launch = part->launch;
  PjExecutable *executable = launch->loaded->executable;
  uint32_t partitions = (uint32_t)executable->options.num_partitions;
  run->part = part;
  run->host = pj_host_end(&part->host);
  run->context = (PjRunContext){.group = launch->group,
                                .replica = part->index / partitions,
                                .partition = part->index % partitions,
                                .device_ordinal = part->device->desc->local_hardware_id,
                                .name = executable->name,
                                .client = launch->loaded->client,
                                .user = launch->context,
                                .ffi_states = executable->ffi_states,
                                .host = &run->host,
                                .run_id = launch->run_id};
  // A donated array may be overwritten only if nobody else (another buffer, a view) looks at it.
  for (uint32_t i = 0; i < launch->num_in; i++)
    part->donated[i] = part->donated[i] && pj_array_is_exclusive(part->in[i]);
  run->start = pj_log_enabled(PJ_LOG_EXECUTE) ? pj_log_clock(PJ_LOG_EXECUTE) : 0;
  bool learns = !executable->prefers_inline && !executable->cheap;
  run->begin = learns || pj_trace_on() ? pj_trace_clock() : 0;
}

// What |status| means for others than the part itself.
static void end_part(const PartRun *run, PjStatus status) {
  const PjPart *part = run->part;
  PjLaunch *launch = part->launch;
  PjExecutable *executable = launch->loaded->executable;
  if (run->begin && !executable->prefers_inline && !executable->cheap)
    learn_time(executable, pj_trace_clock() - run->begin);
  if (run->begin && pj_trace_on())
    trace_run(executable, launch, run->begin);
  if (pj_log_enabled(PJ_LOG_EXECUTE))
    pj_log(PJ_LOG_EXECUTE, "%s on %s: %.3f ms%s%s", executable->name, part->device->desc->to_string,
           pj_log_clock(PJ_LOG_EXECUTE) - run->start, status ? ", " : "",
           status ? pj_code_name(pj_status_code(status)) : "");
  if (status && launch->group)
    executable->compiler->group_abort(launch->group, status);
  if (status && launch->transfers)
    pj_host_transfers_abort(launch->transfers, status);
}

// Runs all parts of a launch that is joint. The first stands for the others.
static PjStatus run_joint(PjLaunch *launch) {
  const PjExecutable *executable = launch->loaded->executable;
  PjArray *const **arrays = pj_malloc(2 * (size_t)launch->num_parts * sizeof *arrays);
  if (!arrays)
    return pj_status_oom();
  for (uint32_t p = 0; p < launch->num_parts; p++) {
    arrays[p] = launch->parts[p].in;
    arrays[launch->num_parts + p] = launch->parts[p].out;
  }
  PartRun run;
  begin_part(&run, &launch->parts[0]);
  PjStatus status = executable->compiler->run_joint(executable->compiled, &run.context, arrays,
                                                    arrays + launch->num_parts);
  end_part(&run, status);
  pj_free(arrays);
  return status;
}

PjStatus pj_part_run(PjPart *part) {
  PjLaunch *launch = part->launch;
  PartRun run;
  begin_part(&run, part);
  PjStatus status = pj_compiled_run(
      launch->loaded->executable->compiler, launch->loaded->executable->compiled, &run.context,
      launch->num_in, part->in, part->donated, launch->num_out, part->out);
  end_part(&run, status);
  return status;
}

static void part_ended(void *user, PjStatus status) {
  PartRun *run = user;
  PjPart *part = run->part;
  end_part(run, status);
  pj_free(run);
  part_finish(part, status);
}

// Begins a part that a device does by itself; false: there is a thread needed for it. So it is for
// a program that may wait for its host, which may wait for the device's memory.
static bool start_part(PjPart *part) {
  PjLaunch *launch = part->launch;
  PjExecutable *executable = launch->loaded->executable;
  bool able = launch->loaded->client->remote || executable->compiler->start;
  const PjCost *cost = &executable->cost;
  if (!able || launch->group || cost->may_wait || cost->collectives || launch->transfers)
    return false;
  PartRun *run = pj_malloc(sizeof *run);
  if (!run)
    return false;
  begin_part(run, part);
  if (pj_compiled_start(executable->compiler, executable->compiled, &run->context, launch->num_in,
                        part->in, part->donated, launch->num_out, part->out, part_ended, run))
    return true;
  pj_free(run);
  return false;
}

void pj_part_task(void *arg) {
  if (!start_part(arg))
    part_finish(arg, pj_part_run(arg));
}

// Completes all parts with |status| (taken), and so frees the launch.
static void launch_finish(PjLaunch *launch, PjStatus status) {
  // The last part frees the launch; count them beforehand.
  for (uint32_t i = 0, n = launch->num_parts; i < n; i++)
    part_finish(&launch->parts[i], i + 1 < n ? pj_status_clone(status) : status);
}

void pj_launch_joint_task(void *arg) {
  PjLaunch *launch = arg;
  launch_finish(launch, run_joint(launch));
}

static void launch_fail(PjLaunch *launch, PjStatus status) {
  if (launch->group)
    launch->loaded->executable->compiler->group_abort(launch->group, status);
  launch_finish(launch, status);
}

// The first failure among the inputs, for the caller to free.
static PjStatus failed_input(const PjLaunch *launch) {
  for (uint32_t p = 0; p < launch->num_parts; p++)
    for (uint32_t i = 0; i < launch->num_in; i++)
      if (pj_event_has_failed(launch->parts[p].in[i]->ready))
        return pj_event_status(launch->parts[p].in[i]->ready);
  return PJ_STATUS_OK;
}

// All inputs are ready.
static void start(PjLaunch *launch, PjStatus *out_failure) {
  PjStatus failure = failed_input(launch);
  if (failure) {
    launch_fail(launch, failure);
    return;
  }
  PjWorkers *workers = launch->loaded->client->workers;
  if (!launch->group) {
    PjPart *part = &launch->parts[0];
    if (out_failure && launch->prefer_inline && launch->joint) {
      PjStatus status = run_joint(launch);
      *out_failure = pj_status_clone(status);
      launch_finish(launch, status);
    } else if (out_failure && launch->prefer_inline) {
      PjStatus status = pj_part_run(part);
      *out_failure = pj_status_clone(status);
      part_finish(part, status);
    } else {
      pj_workers_submit(workers, &part->task);
    }
    return;
  }
  // In a gang from here on: nothing of |launch| may be touched after the last task was given away.
  PjTask **tasks = pj_malloc(launch->num_parts * sizeof(PjTask *));
  for (uint32_t i = 0; tasks && i < launch->num_parts; i++)
    tasks[i] = &launch->parts[i].task;
  PjStatus status =
      tasks ? pj_workers_submit_gang(workers, tasks, (int)launch->num_parts) : pj_status_oom();
  pj_free(tasks);
  if (status)
    launch_fail(launch, status);
}

void pj_launch_arrive(PjLaunch *launch, PjStatus *out_failure) {
  if (atomic_fetch_sub_explicit(&launch->inputs_left, 1, memory_order_acq_rel) == 1)
    start(launch, out_failure);
}

void pj_launch_input_ready(void *arg, PjStatus status) {
  (void)status; // asked again when all have come
  pj_launch_arrive(arg, NULL);
}

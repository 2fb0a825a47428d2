// Executions: see execute.h.
//
// One launch is one block of memory. It holds its inputs, and waits (without a thread) until they
// are ready. Then each device's part runs: a cheap one on the thread that came last, others on a
// worker; parts that must meet in collectives all at the same time, each on a thread of its own. A
// program that one thread can run for all its devices is one such part.
//
// Most calls of small programs need none of that: one device, ready inputs, and so little work that
// it is done within the call. Such a launch lies on the stack, and its outputs are ready from the
// start, for nobody sees them before they are.
#include "runtime/execute.h"

#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/trace.h"
#include "runtime/meeting.h"
#include "runtime/remote.h"

typedef struct Launch Launch;

typedef struct Part {
  PjTask task;
  Launch *launch;
  PjDevice *device;
  uint32_t index; // among the program's devices, replica-major
  PjHostPart host;
  PjArray **in;
  bool *donated;
  PjArray **out;
  PjEvent *done; // shared by the outputs
} Part;

struct Launch {
  PjLoadedExecutable *loaded;
  PjExecuteContext *context;
  PjDeviceGroup *group;
  PjMeeting *meeting; // NULL: the group is ours
  PjHostTransfers *transfers;
  uint64_t run_id;
  uint32_t num_parts, num_in, num_out;
  _Atomic uint32_t inputs_left; // not ready yet, and one for the call itself
  _Atomic uint32_t parts_left;
  bool joint; // one thread runs all parts; there is no group
  bool prefer_inline;
  bool here; // on the stack of the call that runs it; loaded, context, transfers, outputs borrowed
  PjEventWaiter *waiters; // room for one per input; NULL here
  Part parts[];
};

// --- Memory of a launch --------------------------------------------------------------------------

enum { ROOM_BYTES = 2048 }; // on the stack

// In |room| (of ROOM_BYTES, for a launch here) if it fits there, else on the heap; NULL without
// memory.
static Launch *launch_create(uint32_t parts, uint32_t in, uint32_t out, void *room) {
  size_t waiter_bytes = room ? 0 : sizeof(PjEventWaiter);
  size_t per_part = (size_t)in * (sizeof(PjArray *) + waiter_bytes + sizeof(bool)) +
                    (size_t)out * sizeof(PjArray *);
  size_t size;
  if (!pj_mul_size(parts, sizeof(Part) + per_part, &size) ||
      !pj_add_size(size, sizeof(Launch), &size))
    return NULL;
  Launch *launch = room && size <= ROOM_BYTES ? memset(room, 0, size) : pj_calloc(1, size);
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
    Part *part = &launch->parts[i];
    part->launch = launch;
    part->in = arrays + (size_t)i * (in + out);
    part->out = part->in + in;
    part->donated = flags + (size_t)i * in;
  }
  return launch;
}

static void release_inputs(Part *part) {
  for (uint32_t i = 0; i < part->launch->num_in; i++) {
    pj_array_release(part->in[i]);
    part->in[i] = NULL;
  }
}

static void launch_destroy(Launch *launch) {
  for (uint32_t p = 0; p < launch->num_parts; p++) {
    Part *part = &launch->parts[p];
    release_inputs(part);
    for (uint32_t i = 0; i < launch->num_out; i++)
      pj_array_release(part->out[i]);
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
static void part_finish(Part *part, PjStatus status) {
  Launch *launch = part->launch;
  // First give up the inputs: who waits for the outputs may expect the memory of the inputs back.
  release_inputs(part);
  pj_event_set(part->done, status);
  if (atomic_fetch_sub_explicit(&launch->parts_left, 1, memory_order_acq_rel) == 1)
    launch_destroy(launch);
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

static bool is_short(const PjLoadedExecutable *loaded) {
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

static void trace_run(const PjExecutable *executable, const Launch *launch, int64_t begin) {
  PjTraceLabel label = {.kind = PJ_TRACE_RUN,
                        .name = executable->name,
                        .program = executable->name,
                        .flops = executable->cost.flops,
                        .bytes = executable->cost.bytes_accessed};
  pj_trace_add_once(&label, begin, pj_trace_clock(), launch->run_id);
}

// A part while it runs.
typedef struct PartRun {
  Part *part;
  PjHostEnd host;
  PjRunContext context;
  double start;  // for the log
  int64_t begin; // 0: nobody wants to know
} PartRun;

static void begin_part(PartRun *run, Part *part) {
  Launch *launch = part->launch;
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
  const Part *part = run->part;
  Launch *launch = part->launch;
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
static PjStatus run_joint(Launch *launch) {
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

static PjStatus run_part(Part *part) {
  Launch *launch = part->launch;
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
  Part *part = run->part;
  end_part(run, status);
  pj_free(run);
  part_finish(part, status);
}

// Begins a part that a device does by itself; false: there is a thread needed for it. So it is for
// a program that may wait for its host, which may wait for the device's memory.
static bool start_part(Part *part) {
  Launch *launch = part->launch;
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

static void part_task(void *arg) {
  if (!start_part(arg))
    part_finish(arg, run_part(arg));
}

// Completes all parts with |status| (taken), and so frees the launch.
static void launch_finish(Launch *launch, PjStatus status) {
  // The last part frees the launch; count them beforehand.
  for (uint32_t i = 0, n = launch->num_parts; i < n; i++)
    part_finish(&launch->parts[i], i + 1 < n ? pj_status_clone(status) : status);
}

static void joint_task(void *arg) {
  Launch *launch = arg;
  launch_finish(launch, run_joint(launch));
}

static void launch_fail(Launch *launch, PjStatus status) {
  if (launch->group)
    launch->loaded->executable->compiler->group_abort(launch->group, status);
  launch_finish(launch, status);
}

// The first failure among the inputs, for the caller to free.
static PjStatus failed_input(const Launch *launch) {
  for (uint32_t p = 0; p < launch->num_parts; p++)
    for (uint32_t i = 0; i < launch->num_in; i++)
      if (pj_event_has_failed(launch->parts[p].in[i]->ready))
        return pj_event_status(launch->parts[p].in[i]->ready);
  return PJ_STATUS_OK;
}

// All inputs are ready. With |out_failure| the caller can take a failure of a part that ran here
// and now (a copy).
static void launch_start(Launch *launch, PjStatus *out_failure) {
  PjStatus failure = failed_input(launch);
  if (failure) {
    launch_fail(launch, failure);
    return;
  }
  PjWorkers *workers = launch->loaded->client->workers;
  if (!launch->group) {
    Part *part = &launch->parts[0];
    if (out_failure && launch->prefer_inline && launch->joint) {
      PjStatus status = run_joint(launch);
      *out_failure = pj_status_clone(status);
      launch_finish(launch, status);
    } else if (out_failure && launch->prefer_inline) {
      PjStatus status = run_part(part);
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

static void input_ready(void *arg, PjStatus status) {
  Launch *launch = arg;
  if (atomic_fetch_sub_explicit(&launch->inputs_left, 1, memory_order_acq_rel) == 1)
    launch_start(launch, false);
}

// --- Checking and binding ------------------------------------------------------------------------

static PjStatus check_argument(const PjLoadedExecutable *loaded, const PjDevice *device, uint32_t i,
                               const PjBuffer *buffer) {
  PJ_FAIL_IF(!buffer, INVALID_ARGUMENT, "argument %u is null", i);
  PJ_FAIL_IF(buffer->memory->client != loaded->client, INVALID_ARGUMENT,
             "argument %u belongs to another client", i);
  PJ_FAIL_IF(buffer->memory->device != device, INVALID_ARGUMENT,
             "argument %u is on device %s, but the program runs on device %s", i,
             buffer->memory->device->desc->to_string, device->desc->to_string);
  const PjShape *expected = loaded->executable->signature.params[i].shape;
  if (expected->token ? buffer->shape->num_bytes == 0 : pj_shape_eq(buffer->shape, expected))
    return PJ_STATUS_OK;
  PjStrBuf text = {0};
  pj_strbuf_printf(&text, "argument %u of program %s must be ", i, loaded->executable->name);
  pj_shape_print(&text, expected);
  pj_strbuf_puts(&text, ", but is ");
  pj_shape_print(&text, buffer->shape);
  PjStatus status =
      PJ_ERROR(INVALID_ARGUMENT, "%s", text.data ? text.data : "an argument has the wrong shape");
  pj_strbuf_free(&text);
  return status;
}

static bool is_donatable(const PjExecution *execution, uint32_t i) {
  for (size_t k = 0; k < execution->num_non_donatable; k++)
    if (execution->non_donatable[k] == (int64_t)i)
      return false;
  return true;
}

// Which device runs each part.
static PjStatus bind_devices(Launch *launch, const PjExecution *execution) {
  PjLoadedExecutable *loaded = launch->loaded;
  if (!execution->device) {
    PJ_FAIL_IF(loaded->num_devices == 0, INVALID_ARGUMENT,
               "program %s is portable: an execution must name its device",
               loaded->executable->name);
    PJ_FAIL_IF((int)execution->num_devices != loaded->num_devices, INVALID_ARGUMENT,
               "program %s runs on %d devices, but arguments are given for %u",
               loaded->executable->name, loaded->num_devices, execution->num_devices);
    for (uint32_t i = 0; i < launch->num_parts; i++) {
      launch->parts[i].device = loaded->devices[i];
      launch->parts[i].index = i;
    }
    return PJ_STATUS_OK;
  }
  PJ_FAIL_IF(execution->num_devices != 1, INVALID_ARGUMENT,
             "an execution on one named device with arguments for %u devices",
             execution->num_devices);
  PJ_FAIL_IF(execution->device->client != loaded->client, INVALID_ARGUMENT,
             "the named device belongs to another client");
  launch->parts[0].device = execution->device;
  for (int i = 0; i < loaded->num_devices; i++) {
    if (loaded->devices[i] != execution->device)
      continue;
    launch->parts[0].index = (uint32_t)i;
    return PJ_STATUS_OK;
  }
  PJ_FAIL_IF(loaded->num_devices != 0, INVALID_ARGUMENT, "program %s is not assigned to device %s",
             loaded->executable->name, execution->device->desc->to_string);
  return PJ_STATUS_OK;
}

// Gives donated contents back to the buffers that the launch took them from.
static void undo_donations(Launch *launch, const PjExecution *execution) {
  for (uint32_t p = 0; p < launch->num_parts; p++)
    for (uint32_t i = 0; i < launch->num_in; i++)
      if (launch->parts[p].donated[i] && launch->parts[p].in[i])
        pj_buffer_restore(execution->args[p][i], launch->parts[p].in[i]);
}

// Why the contents of argument |i| cannot be had: deleted before, or donated by this very call.
static PjStatus taken_error(const Launch *launch, const PjExecution *execution, uint32_t p,
                            uint32_t i) {
  const PjBuffer *buffer = execution->args[p][i];
  const char *name = launch->loaded->executable->name;
  for (uint32_t k = 0; k < launch->num_in; k++) {
    if (execution->args[p][k] != buffer || !launch->parts[p].donated[k] || !launch->parts[p].in[k])
      continue;
    return PJ_ERROR(INVALID_ARGUMENT,
                    "Attempt to donate the same buffer twice in Execute(), or to use it again: "
                    "arguments %u and %u of program %s",
                    k, i, name);
  }
  return PJ_ERROR(INVALID_ARGUMENT, "argument %u of program %s: the buffer was deleted or donated",
                  i, name);
}

// Takes the contents of the donated arguments, then references to the others, so that an argument
// that is both is found out.
static PjStatus bind_inputs(Launch *launch, const PjExecution *execution) {
  PjLoadedExecutable *loaded = launch->loaded;
  const PjSignature *signature = &loaded->executable->signature;
  bool any_donated = false;
  for (uint32_t p = 0; p < launch->num_parts; p++)
    for (uint32_t i = 0; i < launch->num_in; i++) {
      PJ_TRY(check_argument(loaded, launch->parts[p].device, i, execution->args[p][i]));
      launch->parts[p].donated[i] = signature->params[i].donated && is_donatable(execution, i);
      any_donated |= launch->parts[p].donated[i];
    }
  for (int others = !any_donated; others < 2; others++) {
    for (uint32_t p = 0; p < launch->num_parts; p++) {
      Part *part = &launch->parts[p];
      for (uint32_t i = 0; i < launch->num_in; i++) {
        if (part->donated[i] == others)
          continue;
        part->in[i] = others ? pj_buffer_acquire(execution->args[p][i])
                             : pj_buffer_take(execution->args[p][i]);
        if (!part->in[i])
          return taken_error(launch, execution, p, i);
      }
    }
  }
  return PJ_STATUS_OK;
}

static PjStatus bind_outputs(Launch *launch, const PjExecution *execution) {
  const PjSignature *signature = &launch->loaded->executable->signature;
  for (uint32_t p = 0; p < launch->num_parts; p++) {
    Part *part = &launch->parts[p];
    part->task = (PjTask){.fn = part_task, .arg = part};
    part->host = (PjHostPart){launch->transfers, p, launch->loaded->client->workers};
    part->done = launch->here ? pj_event_ok() : pj_event_create();
    if (!part->done)
      return pj_status_oom();
    for (uint32_t i = 0; i < launch->num_out; i++) {
      const PjSlot *slot = &signature->results[i];
      PjArray *array = part->out[i] =
          pj_array_create(part->device->memories[slot->memory_kind], slot->shape, part->done);
      if (!array)
        return pj_status_oom();
      execution->outputs[p][i] = pj_buffer_create(launch->here ? array : pj_array_retain(array));
      if (!execution->outputs[p][i])
        return pj_status_oom();
    }
  }
  return PJ_STATUS_OK;
}

static PjStatus make_group(Launch *launch, const PjExecution *execution) {
  PjLoadedExecutable *loaded = launch->loaded;
  if (loaded->num_devices <= 1) {
    launch->run_id =
        atomic_fetch_add_explicit(&loaded->client->next_run_id, 1, memory_order_relaxed);
    return PJ_STATUS_OK;
  }
  const PjExecutable *executable = loaded->executable;
  if (launch->joint) {
    launch->parts[0].task = (PjTask){.fn = joint_task, .arg = launch};
    launch->run_id =
        atomic_fetch_add_explicit(&loaded->client->next_run_id, 1, memory_order_relaxed);
    return PJ_STATUS_OK;
  }
  bool waits = executable->cost.may_wait || executable->cost.collectives;
  if (execution->device && (waits || executable->options.num_partitions > 1)) {
    PJ_TRY(pj_meeting_join(loaded, (int)launch->parts[0].index, &launch->meeting));
    launch->group = launch->meeting->group;
    launch->run_id = launch->meeting->run_id;
    return PJ_STATUS_OK;
  }
  launch->run_id = atomic_fetch_add_explicit(&loaded->client->next_run_id, 1, memory_order_relaxed);
  const PjCompileOptions *options = &loaded->executable->options;
  return loaded->executable->compiler->group_create((uint32_t)options->num_replicas,
                                                    (uint32_t)options->num_partitions,
                                                    loaded->device_ids, &launch->group);
}

static PjStatus prepare(Launch *launch, const PjExecution *execution) {
  PJ_TRY(bind_devices(launch, execution));
  PjStatus status = bind_inputs(launch, execution);
  if (!status)
    status = bind_outputs(launch, execution);
  if (!status)
    status = make_group(launch, execution);
  if (status)
    undo_donations(launch, execution);
  return status;
}

static void drop_outputs(const PjExecution *execution, uint32_t num_parts, uint32_t num_out) {
  for (uint32_t p = 0; p < num_parts; p++) {
    for (uint32_t i = 0; i < num_out; i++) {
      pj_buffer_destroy(execution->outputs[p][i]);
      execution->outputs[p][i] = NULL;
    }
  }
}

static bool all_ready(const PjExecution *execution) {
  for (uint32_t i = 0; i < execution->num_args; i++) {
    const PjBuffer *buffer = execution->args[0][i];
    if (!buffer || !pj_event_is_ready(buffer->ready) || pj_event_has_failed(buffer->ready))
      return false;
  }
  return true;
}

// Runs one device's part within the call.
static PjStatus execute_here(PjLoadedExecutable *loaded, const PjExecution *execution) {
  _Alignas(max_align_t) char room[ROOM_BYTES];
  const PjSignature *signature = &loaded->executable->signature;
  Launch *launch = launch_create(1, signature->num_params, signature->num_results, room);
  if (!launch)
    return pj_status_oom();
  launch->loaded = loaded;
  launch->context = execution->context;
  launch->transfers = execution->transfers;
  Part *part = &launch->parts[0];
  PjStatus status = prepare(launch, execution);
  if (!status) {
    status = run_part(part);
    for (uint32_t i = 0; signature->dynamic && !status && i < launch->num_out; i++)
      pj_buffer_follow(execution->outputs[0][i]);
    if (execution->done)
      execution->done[0] = status ? NULL : pj_event_ok();
  }
  release_inputs(part);
  if (status)
    drop_outputs(execution, 1, launch->num_out);
  if ((void *)launch != room)
    pj_free(launch);
  return status;
}

// Runs whatever is asked for, now or later, here or on workers.
static PjStatus execute_launched(PjLoadedExecutable *loaded, const PjExecution *execution) {
  const PjSignature *signature = &loaded->executable->signature;
  Launch *launch =
      launch_create(execution->num_devices, signature->num_params, signature->num_results, NULL);
  if (!launch)
    return pj_status_oom();
  launch->loaded = pj_loaded_retain(loaded);
  const PjCompilerOps *compiler = loaded->executable->compiler;
  launch->joint = !execution->device && !loaded->client->remote && loaded->num_devices > 1 &&
                  compiler->is_joint && compiler->is_joint(loaded->executable->compiled);
  if (execution->context)
    launch->context = pj_execute_context_retain(execution->context);
  if (execution->transfers)
    launch->transfers = pj_host_transfers_retain(execution->transfers);
  PjStatus status = prepare(launch, execution);
  if (status) {
    drop_outputs(execution, launch->num_parts, launch->num_out);
    launch_destroy(launch);
    return status;
  }

  bool synchronous = !loaded->client->asynchronous;
  // What calls back from several threads must leave the caller's free to answer.
  bool calls_back = launch->joint && loaded->executable->cost.may_wait;
  launch->prefer_inline = !calls_back && (synchronous || is_short(loaded));
  // From the first waiter on, the launch may run and be gone; what is needed later is kept here.
  uint32_t num_parts = launch->num_parts;
  PjEvent **wait_for = synchronous ? pj_calloc(num_parts, sizeof *wait_for) : NULL;
  for (uint32_t p = 0; wait_for && p < num_parts; p++)
    wait_for[p] = pj_event_retain(launch->parts[p].done);
  if (execution->done)
    for (uint32_t p = 0; p < launch->num_parts; p++)
      execution->done[p] = pj_event_retain(launch->parts[p].done);
  atomic_init(&launch->parts_left, launch->num_parts);
  atomic_init(&launch->inputs_left, 1);
  size_t used = 0;
  for (uint32_t p = 0; p < launch->num_parts; p++) {
    for (uint32_t i = 0; i < launch->num_in; i++) {
      PjEvent *ready = launch->parts[p].in[i]->ready;
      if (pj_event_is_ready(ready))
        continue;
      atomic_fetch_add_explicit(&launch->inputs_left, 1, memory_order_relaxed);
      pj_event_when(ready, &launch->waiters[used++], input_ready, launch);
    }
  }
  uint32_t num_out = launch->num_out;
  PjStatus failure = NULL;
  if (atomic_fetch_sub_explicit(&launch->inputs_left, 1, memory_order_acq_rel) == 1)
    launch_start(launch, &failure);
  for (uint32_t p = 0; wait_for && p < num_parts; p++) {
    pj_status_free(pj_event_await(wait_for[p]));
    pj_event_release(wait_for[p]);
  }
  pj_free(wait_for);
  if (failure) {
    // What fails at once is told at once.
    drop_outputs(execution, num_parts, num_out);
    for (uint32_t p = 0; execution->done && p < num_parts; p++) {
      pj_event_release(execution->done[p]);
      execution->done[p] = NULL;
    }
  }
  return failure;
}

// Results whose sizes follow from their contents: the host asks for sizes at once, so the run ends
// before the call does.
static PjStatus execute_dynamic(PjLoadedExecutable *loaded, const PjExecution *execution) {
  PJ_FAIL_IF(
      execution->num_devices != 1 || loaded->num_devices > 1 || loaded->client->remote,
      UNIMPLEMENTED,
      "program %s returns arrays of bounded sizes: it runs on one device, in memory of the host",
      loaded->executable->name);
  for (uint32_t i = 0; i < execution->num_args; i++)
    if (execution->args[0][i])
      PJ_TRY(pj_event_await(execution->args[0][i]->ready));
  return execute_here(loaded, execution);
}

PjStatus pj_execute(PjLoadedExecutable *loaded, const PjExecution *execution) {
  const PjSignature *signature = &loaded->executable->signature;
  PJ_FAIL_IF(atomic_load_explicit(&loaded->deleted, memory_order_acquire), FAILED_PRECONDITION,
             "program %s was deleted", loaded->executable->name);
  PJ_FAIL_IF(execution->num_devices < 1, INVALID_ARGUMENT, "an execution on no device");
  PJ_FAIL_IF(execution->num_args != signature->num_params, INVALID_ARGUMENT,
             "program %s takes %u arguments, but %u are given", loaded->executable->name,
             signature->num_params, execution->num_args);
  for (uint32_t p = 0; p < execution->num_devices; p++)
    for (uint32_t i = 0; i < signature->num_results; i++)
      execution->outputs[p][i] = NULL;
  if (signature->dynamic)
    return execute_dynamic(loaded, execution);
  bool here = (is_short(loaded) || !loaded->client->asynchronous) && execution->num_devices == 1 &&
              loaded->num_devices <= 1 && all_ready(execution);
  return here ? execute_here(loaded, execution) : execute_launched(loaded, execution);
}

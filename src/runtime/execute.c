// Executions: see execute.h. Most calls need nothing of what a launch can do: one device, ready
// inputs, and so little work that it is done within the call. Such a launch lies on the stack, and
// its outputs are ready from the start, for nobody sees them before they are.
#include "runtime/execute.h"

#include "base/alloc.h"
#include "runtime/launch.h"

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
  _Alignas(max_align_t) char room[PJ_LAUNCH_ROOM];
  const PjSignature *signature = &loaded->executable->signature;
  PjLaunch *launch = pj_launch_create(1, signature->num_params, signature->num_results, room);
  if (!launch)
    return pj_status_oom();
  launch->loaded = loaded;
  launch->context = execution->context;
  launch->transfers = execution->transfers;
  PjPart *part = &launch->parts[0];
  PjStatus status = pj_launch_bind(launch, execution);
  if (!status) {
    status = pj_part_run(part);
    for (uint32_t i = 0; signature->dynamic && !status && i < launch->num_out; i++)
      pj_buffer_follow(execution->outputs[0][i]);
    if (execution->done)
      execution->done[0] = status ? NULL : pj_event_ok();
  }
  pj_part_release_inputs(part);
  if (status)
    drop_outputs(execution, 1, launch->num_out);
  if ((void *)launch != room)
    pj_free(launch);
  return status;
}

// Runs whatever is asked for, now or later, here or on workers.
static PjStatus execute_launched(PjLoadedExecutable *loaded, const PjExecution *execution) {
  const PjSignature *signature = &loaded->executable->signature;
  PjLaunch *launch =
      pj_launch_create(execution->num_devices, signature->num_params, signature->num_results, NULL);
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
  PjStatus status = pj_launch_bind(launch, execution);
  if (status) {
    drop_outputs(execution, launch->num_parts, launch->num_out);
    pj_launch_destroy(launch);
    return status;
  }

  bool synchronous = !loaded->client->asynchronous;
  // What calls back from several threads must leave the caller's free to answer.
  bool calls_back = launch->joint && loaded->executable->cost.may_wait;
  launch->prefer_inline = !calls_back && (synchronous || pj_launch_is_short(loaded));
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
      pj_event_when(ready, &launch->waiters[used++], pj_launch_input_ready, launch);
    }
  }
  uint32_t num_out = launch->num_out;
  PjStatus failure = NULL;
  pj_launch_arrive(launch, &failure);
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
  bool here = (pj_launch_is_short(loaded) || !loaded->client->asynchronous) &&
              execution->num_devices == 1 && loaded->num_devices <= 1 && all_ready(execution);
  return here ? execute_here(loaded, execution) : execute_launched(loaded, execution);
}

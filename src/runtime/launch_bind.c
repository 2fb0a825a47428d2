// What a launch is made of: devices, arguments, results, and who runs.
#include "base/alloc.h"
#include "runtime/launch.h"

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
static PjStatus bind_devices(PjLaunch *launch, const PjExecution *execution) {
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
static void undo_donations(PjLaunch *launch, const PjExecution *execution) {
  for (uint32_t p = 0; p < launch->num_parts; p++)
    for (uint32_t i = 0; i < launch->num_in; i++)
      if (launch->parts[p].donated[i] && launch->parts[p].in[i])
        pj_buffer_restore(execution->args[p][i], launch->parts[p].in[i]);
}

// Why the contents of argument |i| cannot be had: deleted before, or donated by this very call.
static PjStatus taken_error(const PjLaunch *launch, const PjExecution *execution, uint32_t p,
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
static PjStatus bind_inputs(PjLaunch *launch, const PjExecution *execution) {
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
      PjPart *part = &launch->parts[p];
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

static PjStatus bind_outputs(PjLaunch *launch, const PjExecution *execution) {
  const PjSignature *signature = &launch->loaded->executable->signature;
  for (uint32_t p = 0; p < launch->num_parts; p++) {
    PjPart *part = &launch->parts[p];
    part->task = (PjTask){.fn = pj_part_task, .arg = part};
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

static PjStatus make_group(PjLaunch *launch, const PjExecution *execution) {
  PjLoadedExecutable *loaded = launch->loaded;
  if (loaded->num_devices <= 1) {
    launch->run_id =
        atomic_fetch_add_explicit(&loaded->client->next_run_id, 1, memory_order_relaxed);
    return PJ_STATUS_OK;
  }
  const PjExecutable *executable = loaded->executable;
  if (launch->joint) {
    launch->parts[0].task = (PjTask){.fn = pj_launch_joint_task, .arg = launch};
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

PjStatus pj_launch_bind(PjLaunch *launch, const PjExecution *execution) {
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

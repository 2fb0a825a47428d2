// See remote.h.
#include "runtime/remote.h"

#include "base/alloc.h"
#include "runtime/client.h"
#include "runtime/start.h"

typedef struct Run {
  PjStarted started; // first; of a run that was begun
  const PjCompilerOps *compiler;
  const PjCompiled *compiled;
  const PjRunContext *context;
  uint32_t num_inputs, num_outputs;
  PjArray *const *inputs;
  PjArray *const *outputs;
  // Shadows: the array itself where the host sees it, else one of our own in host memory.
  PjArray **in, **out;
  bool *may_overwrite; // of the shadows
  // What the device gets of it: addresses and sizes of the remote arrays.
  PjDeviceRun work;
  void **addresses;
  size_t *bytes;
  PjThenFn *then;
  void *user;
} Run;

static bool is_remote(const PjArray *array) {
  return !array->memory->host_visible && !array->shape->token;
}

static PjArray *shadow_of(PjArray *array) {
  if (!is_remote(array))
    return pj_array_retain(array);
  return pj_array_create(array->memory->device->memories[PJ_MEMORY_UNPINNED_HOST], array->shape,
                         pj_event_ok());
}

static PjStatus make_shadows(Run *run, const bool *may_overwrite) {
  for (uint32_t i = 0; i < run->num_inputs; i++) {
    run->in[i] = shadow_of(run->inputs[i]);
    if (!run->in[i])
      return pj_status_oom();
    run->may_overwrite[i] = may_overwrite && may_overwrite[i];
  }
  for (uint32_t i = 0; i < run->num_outputs; i++) {
    run->out[i] = shadow_of(run->outputs[i]);
    if (!run->out[i])
      return pj_status_oom();
  }
  return PJ_STATUS_OK;
}

static PjStatus run_shadows(const Run *run) {
  return run->compiler->run(run->compiled, run->context, run->num_inputs, run->in,
                            run->may_overwrite, run->num_outputs, run->out);
}

// --- On copies -----------------------------------------------------------------------------------

static PjStatus run_on_copies(const Run *run) {
  for (uint32_t i = 0; i < run->num_inputs; i++) {
    if (!is_remote(run->inputs[i]))
      continue;
    PJ_TRY(pj_array_allocate(run->in[i]));
    PJ_TRY(pj_array_copy(run->in[i], run->inputs[i]));
    run->may_overwrite[i] = true;
  }
  PJ_TRY(run_shadows(run));
  for (uint32_t i = 0; i < run->num_outputs; i++) {
    if (!is_remote(run->outputs[i]))
      continue;
    PJ_TRY(pj_array_allocate(run->outputs[i]));
    PJ_TRY(pj_array_copy(run->outputs[i], run->out[i]));
  }
  return PJ_STATUS_OK;
}

// --- By the device -------------------------------------------------------------------------------

// On the device's thread: its addresses become those of the shadows.
static PjStatus run_at(void *context, void *const *inputs, void *const *outputs) {
  const Run *run = context;
  for (uint32_t i = 0, at = 0; i < run->num_inputs; i++)
    if (is_remote(run->inputs[i]))
      pj_array_use_foreign(run->in[i], inputs[at++], true, NULL, NULL);
  for (uint32_t i = 0, at = 0; i < run->num_outputs; i++)
    if (is_remote(run->outputs[i]))
      pj_array_place(run->out[i], outputs[at++]);
  return run_shadows(run);
}

// Gives the outputs memory and fills in run->work.
static PjStatus make_work(Run *run) {
  run->work = (PjDeviceRun){.name = run->context->name, .run = run_at, .context = run};
  uint32_t at = 0;
  for (uint32_t i = 0; i < run->num_inputs; i++)
    if (is_remote(run->inputs[i])) {
      run->bytes[at] = run->inputs[i]->shape->num_bytes;
      run->addresses[at++] = run->inputs[i]->data;
    }
  run->work.num_inputs = at;
  run->work.inputs = run->addresses;
  run->work.input_bytes = run->bytes;
  run->work.outputs = run->addresses + at;
  run->work.output_bytes = run->bytes + at;
  for (uint32_t i = 0; i < run->num_outputs; i++)
    if (is_remote(run->outputs[i])) {
      PJ_TRY(pj_array_allocate(run->outputs[i]));
      run->bytes[at] = run->outputs[i]->shape->num_bytes;
      run->addresses[at++] = run->outputs[i]->data;
    }
  run->work.num_outputs = at - run->work.num_inputs;
  return PJ_STATUS_OK;
}

// Launches the work that was made and waits for it.
static PjStatus launch_and_wait(Run *run, PjDevice *device) {
  PjClient *client = device->client;
  PjWait wait;
  pj_wait_begin(&wait);
  // Who waits for a device does nothing: another thread may work meanwhile.
  pj_workers_block_begin(client->workers);
  client->platform->device->launch(client->driver, device->index, &run->work, &wait.completion);
  PjStatus status = pj_wait_end(&wait);
  pj_workers_block_end(client->workers);
  return status;
}

static PjStatus run_by_device(Run *run, PjDevice *device) {
  PJ_TRY(make_work(run));
  return launch_and_wait(run, device);
}

// --- Runs ----------------------------------------------------------------------------------------

// The device whose memory makes a run of |compiler| a remote one; NULL: there is none.
static PjDevice *device_of(const PjCompilerOps *compiler, const PjRunContext *context,
                           uint32_t num_inputs, PjArray *const *inputs, uint32_t num_outputs,
                           PjArray *const *outputs) {
  if (!compiler->host_memory || !context->client->remote)
    return NULL;
  for (uint32_t i = 0; i < num_inputs; i++)
    if (is_remote(inputs[i]))
      return inputs[i]->memory->device;
  for (uint32_t i = 0; i < num_outputs; i++)
    if (is_remote(outputs[i]))
      return outputs[i]->memory->device;
  return NULL;
}

// With room for all that it lists; NULL without memory.
static Run *run_create(const PjCompilerOps *compiler, const PjCompiled *compiled,
                       const PjRunContext *context, uint32_t num_inputs, PjArray *const *inputs,
                       uint32_t num_outputs, PjArray *const *outputs) {
  size_t count = (size_t)num_inputs + num_outputs;
  Run *run = pj_calloc(1, sizeof *run + count * (sizeof(PjArray *) + sizeof(void *) +
                                                 sizeof(size_t) + sizeof(bool)));
  if (!run)
    return NULL;
  run->compiler = compiler;
  run->compiled = compiled;
  run->context = context;
  run->num_inputs = num_inputs;
  run->num_outputs = num_outputs;
  run->inputs = inputs;
  run->outputs = outputs;
  run->in = (PjArray **)(run + 1);
  run->out = run->in + num_inputs;
  run->addresses = (void **)(run->in + count);
  run->bytes = (size_t *)(run->addresses + count);
  run->may_overwrite = (bool *)(run->bytes + count);
  return run;
}

static void run_destroy(Run *run) {
  for (size_t i = 0; i < (size_t)run->num_inputs + run->num_outputs; i++)
    pj_array_release(run->in[i]);
  pj_free(run);
}

PjStatus pj_compiled_run(const PjCompilerOps *compiler, const PjCompiled *compiled,
                         const PjRunContext *context, uint32_t num_inputs, PjArray *const *inputs,
                         const bool *may_overwrite, uint32_t num_outputs, PjArray *const *outputs) {
  PjDevice *device = device_of(compiler, context, num_inputs, inputs, num_outputs, outputs);
  if (!device)
    return compiler->run(compiled, context, num_inputs, inputs, may_overwrite, num_outputs,
                         outputs);
  Run *run = run_create(compiler, compiled, context, num_inputs, inputs, num_outputs, outputs);
  if (!run)
    return pj_status_oom();
  PjStatus status = make_shadows(run, may_overwrite);
  bool alone = !context->group && device->client->platform->device->launch;
  if (!status)
    status = alone ? run_by_device(run, device) : run_on_copies(run);
  run_destroy(run);
  return status;
}

static void run_ended(PjStarted *started, PjStatus status) {
  Run *run = (Run *)started;
  PjThenFn *then = run->then;
  void *user = run->user;
  run_destroy(run);
  then(user, status);
}

bool pj_compiled_start(const PjCompilerOps *compiler, const PjCompiled *compiled,
                       const PjRunContext *context, uint32_t num_inputs, PjArray *const *inputs,
                       const bool *may_overwrite, uint32_t num_outputs, PjArray *const *outputs,
                       PjThenFn *then, void *user) {
  if (compiler->start)
    return compiler->start(compiled, context, num_inputs, inputs, may_overwrite, num_outputs,
                           outputs, then, user);
  PjDevice *device = device_of(compiler, context, num_inputs, inputs, num_outputs, outputs);
  if (!device || context->group || !device->client->platform->device->launch)
    return false;
  Run *run = run_create(compiler, compiled, context, num_inputs, inputs, num_outputs, outputs);
  PjStatus status = run ? make_shadows(run, may_overwrite) : pj_status_oom();
  if (!status)
    status = make_work(run);
  if (status) {
    if (run)
      run_destroy(run);
    then(user, status);
    return true;
  }
  run->then = then;
  run->user = user;
  PjClient *client = device->client;
  if (!pj_started_begin(&run->started, client, run_ended)) {
    run_ended(&run->started, launch_and_wait(run, device));
    return true;
  }
  client->platform->device->launch(client->driver, device->index, &run->work,
                                   &run->started.completion);
  return true;
}

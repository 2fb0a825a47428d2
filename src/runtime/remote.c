// See remote.h.
#include "runtime/remote.h"

#include "base/alloc.h"
#include "runtime/client.h"

typedef struct Run {
  const PjCompilerOps *compiler;
  const PjCompiled *compiled;
  const PjRunContext *context;
  uint32_t num_inputs, num_outputs;
  PjArray *const *inputs;
  PjArray *const *outputs;
  // Shadows: the array itself where the host sees it, else one of our own in host memory.
  PjArray **in, **out;
  bool *may_overwrite; // of the shadows
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

typedef struct Launch {
  const Run *run;
  uint32_t num_inputs, num_outputs; // remote ones
  void **inputs, **outputs;
  size_t *input_bytes, *output_bytes;
} Launch;

// On the device's thread: its addresses become those of the shadows.
static PjStatus run_at(void *context, void *const *inputs, void *const *outputs) {
  const Run *run = ((Launch *)context)->run;
  for (uint32_t i = 0, at = 0; i < run->num_inputs; i++)
    if (is_remote(run->inputs[i]))
      pj_array_use_foreign(run->in[i], inputs[at++], true, NULL, NULL);
  for (uint32_t i = 0, at = 0; i < run->num_outputs; i++)
    if (is_remote(run->outputs[i]))
      pj_array_place(run->out[i], outputs[at++]);
  return run_shadows(run);
}

static PjStatus run_by_device(const Run *run, PjDevice *device) {
  size_t count = (size_t)run->num_inputs + run->num_outputs;
  void **block = pj_calloc(count, sizeof(void *) + sizeof(size_t));
  if (!block)
    return pj_status_oom();
  size_t *bytes = (size_t *)(block + count);
  Launch launch = {run, 0, 0, block, block + run->num_inputs, bytes, bytes + run->num_inputs};
  for (uint32_t i = 0; i < run->num_inputs; i++)
    if (is_remote(run->inputs[i])) {
      launch.input_bytes[launch.num_inputs] = run->inputs[i]->shape->num_bytes;
      launch.inputs[launch.num_inputs++] = run->inputs[i]->data;
    }
  PjStatus status = PJ_STATUS_OK;
  for (uint32_t i = 0; !status && i < run->num_outputs; i++)
    if (is_remote(run->outputs[i])) {
      status = pj_array_allocate(run->outputs[i]);
      launch.output_bytes[launch.num_outputs] = run->outputs[i]->shape->num_bytes;
      launch.outputs[launch.num_outputs++] = run->outputs[i]->data;
    }
  if (!status) {
    const PjDeviceRun work = {.name = run->context->name,
                              .num_inputs = launch.num_inputs,
                              .num_outputs = launch.num_outputs,
                              .inputs = launch.inputs,
                              .outputs = launch.outputs,
                              .input_bytes = launch.input_bytes,
                              .output_bytes = launch.output_bytes,
                              .run = run_at,
                              .context = &launch};
    // Who waits for a device does nothing: another thread may work meanwhile.
    PjClient *client = device->client;
    pj_workers_block_begin(client->workers);
    status = client->platform->device->launch(client->driver, device->index, &work);
    pj_workers_block_end(client->workers);
  }
  pj_free(block);
  return status;
}

// -------------------------------------------------------------------------------------------------

PjStatus pj_compiled_run(const PjCompilerOps *compiler, const PjCompiled *compiled,
                         const PjRunContext *context, uint32_t num_inputs, PjArray *const *inputs,
                         const bool *may_overwrite, uint32_t num_outputs, PjArray *const *outputs) {
  PjDevice *device = NULL;
  if (compiler->host_memory && context->client->remote) {
    for (uint32_t i = 0; i < num_inputs && !device; i++)
      device = is_remote(inputs[i]) ? inputs[i]->memory->device : NULL;
    for (uint32_t i = 0; i < num_outputs && !device; i++)
      device = is_remote(outputs[i]) ? outputs[i]->memory->device : NULL;
  }
  if (!device)
    return compiler->run(compiled, context, num_inputs, inputs, may_overwrite, num_outputs,
                         outputs);
  size_t count = (size_t)num_inputs + num_outputs;
  PjArray **block = pj_calloc(count, sizeof *block + sizeof(bool));
  if (!block)
    return pj_status_oom();
  Run run = {.compiler = compiler,
             .compiled = compiled,
             .context = context,
             .num_inputs = num_inputs,
             .num_outputs = num_outputs,
             .inputs = inputs,
             .outputs = outputs,
             .in = block,
             .out = block + num_inputs,
             .may_overwrite = (bool *)(block + count)};
  PjStatus status = make_shadows(&run, may_overwrite);
  bool alone = !context->group && device->client->platform->device->launch;
  if (!status)
    status = alone ? run_by_device(&run, device) : run_on_copies(&run);
  for (size_t i = 0; i < count; i++)
    pj_array_release(block[i]);
  pj_free(block);
  return status;
}

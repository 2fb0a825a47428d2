// Execution, and execute contexts.
#include "pjrt/surface.h"

PJRT_Error *pj_api_ExecuteContext_Create(PJRT_ExecuteContext_Create_Args *args) {
  PJ_ARGS(ExecuteContext_Create, context);
  args->context = (PJRT_ExecuteContext *)pj_execute_context_create();
  return args->context ? NULL : pj_surface_error(pj_status_oom());
}

PJRT_Error *pj_api_ExecuteContext_Destroy(PJRT_ExecuteContext_Destroy_Args *args) {
  PJ_ARGS(ExecuteContext_Destroy, context);
  pj_execute_context_release(pj_context_of(args->context));
  return NULL;
}

PJRT_Error *pj_api_LoadedExecutable_Execute(PJRT_LoadedExecutable_Execute_Args *args) {
  PJ_ARGS(LoadedExecutable_Execute, execute_device);
  PJ_NOT_NULL(executable);
  // Hosts before 0.76 know options up to |context|, hosts before 0.52 not even that.
  const PJRT_ExecuteOptions *options = args->options;
  if (options &&
      options->struct_size < PJRT_STRUCT_SIZE(PJRT_ExecuteOptions, num_non_donatable_input_indices))
    return pj_surface_bad_args(
        "PJRT_ExecuteOptions", options->struct_size,
        PJRT_STRUCT_SIZE(PJRT_ExecuteOptions, num_non_donatable_input_indices));
  PjLoadedExecutable *loaded = pj_loaded_of(args->executable);
  if (args->num_devices > (size_t)PJ_MAX_TOPOLOGY_DEVICES || args->num_args > UINT32_MAX)
    return pj_surface_error(PJ_ERROR(INVALID_ARGUMENT,
                                     "an execution on %zu devices with %zu arguments",
                                     args->num_devices, args->num_args));
  if ((args->num_args && !args->argument_lists) ||
      (loaded->executable->signature.num_results && !args->output_lists))
    return pj_surface_error(PJ_ERROR(
        INVALID_ARGUMENT, "PJRT_LoadedExecutable_Execute: argument_lists or output_lists is null"));
  PjExecution execution = {
      .num_devices = (uint32_t)args->num_devices,
      .num_args = (uint32_t)args->num_args,
      .args = (PjBuffer *const *const *)args->argument_lists,
      .outputs = (PjBuffer * *const *)args->output_lists,
      .done = (PjEvent **)args->device_complete_events,
      .device = pj_device_of(args->execute_device),
  };
  if (options) {
    execution.non_donatable = options->non_donatable_input_indices;
    execution.num_non_donatable =
        options->non_donatable_input_indices ? options->num_non_donatable_input_indices : 0;
    if (PJ_HAS(options, context))
      execution.context = pj_context_of(options->context);
    PjStatus status = pj_surface_transfers(options, execution.num_devices, &execution.transfers);
    if (status)
      return pj_surface_error(status);
  }
  PjStatus status = pj_execute(loaded, &execution);
  pj_host_transfers_release(execution.transfers);
  return pj_surface_error(status);
}

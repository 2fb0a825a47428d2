// Running programs.
#include "host/host.h"

// Wraps all of |handles|, also the ones after a failure, so that each is owned by something. On
// failure |outputs| holds only nulls.
static PjhError *wrap_outputs(PjhClient *client, PJRT_Buffer **handles, size_t count,
                              PjhBuffer **outputs) {
  PjhError *first = NULL;
  for (size_t i = 0; i < count; i++) {
    PjhError *error = pjh__buffer_wrap(client, handles[i], &outputs[i]);
    if (first)
      pjh_error_free(error);
    else
      first = error;
  }
  for (size_t i = 0; first && i < count; i++) {
    pjh_buffer_destroy(outputs[i]);
    outputs[i] = NULL;
  }
  return first;
}

PjhError *pjh_execute(PjhExecutable *executable, PjhBuffer *const *arguments, size_t num_arguments,
                      PjhBuffer **outputs, size_t num_outputs) {
  for (size_t i = 0; i < num_outputs; i++)
    outputs[i] = NULL;
  if (!executable->loaded)
    return pjh__error(PJRT_Error_Code_FAILED_PRECONDITION,
                      "the program was compiled ahead of time: load it on a client first");
  if (num_outputs != executable->num_outputs)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "room for %zu outputs, the program has %zu",
                      num_outputs, executable->num_outputs);
  PjhClient *client = executable->client;
  PJRT_Buffer **handles = pj_calloc(num_arguments + num_outputs + 1, sizeof *handles);
  if (!handles)
    return pjh__out_of_memory();
  PJRT_Buffer **results = handles + num_arguments;
  for (size_t i = 0; i < num_arguments; i++)
    handles[i] = arguments[i]->handle;

  PJRT_ExecuteOptions options = {.struct_size =
                                     pjh__size(client->plugin, PJH_GROWN_ExecuteOptions)};
  PJRT_Buffer *const *argument_list = handles;
  PJRT_Event *done = NULL;
  PJH_ARGS(LoadedExecutable_Execute, args);
  args.executable = executable->loaded;
  args.options = &options;
  args.argument_lists = &argument_list;
  args.num_devices = 1;
  args.num_args = num_arguments;
  args.output_lists = &results;
  args.device_complete_events = &done;
  PjhError *error = PJH_CALL(client->plugin, LoadedExecutable_Execute, &args);
  if (!error) {
    error = pjh__await(client->plugin, done);
    PjhError *wrap_error = wrap_outputs(client, results, num_outputs, outputs);
    if (!error)
      error = wrap_error;
    else {
      pjh_error_free(wrap_error);
      for (size_t i = 0; i < num_outputs; i++) {
        pjh_buffer_destroy(outputs[i]);
        outputs[i] = NULL;
      }
    }
  }
  pj_free(handles);
  return error;
}

// Running programs.
#include <string.h>

#include "host/event.h"

// Arrays that one run needs; small ones without the heap.
enum { FEW_HANDLES = 32, FEW_DEVICES = 4 };

typedef struct Run {
  PjhExecutable *executable;
  size_t num_devices, num_arguments, num_outputs; // per device
  PJRT_Buffer **arguments, **outputs;             // of all devices
  PJRT_Buffer *const **argument_lists;            // per device
  PJRT_Buffer ***output_lists;
  PJRT_Event **done;
  int64_t *keep;
  void *heap; // or null

  PJRT_Buffer *few_handles[FEW_HANDLES];
  PJRT_Buffer *const *few_arguments[FEW_DEVICES];
  PJRT_Buffer **few_outputs[FEW_DEVICES];
  PJRT_Event *few_events[FEW_DEVICES];
} Run;

static PjhError *check_counts(const PjhExecutable *executable, size_t num_arguments,
                              size_t num_outputs) {
  if (!executable->loaded)
    return pjh__error(PJRT_Error_Code_FAILED_PRECONDITION,
                      "the program was compiled ahead of time: load it on a client first");
  size_t devices = executable->num_devices;
  if (!devices)
    return pjh__error(PJRT_Error_Code_FAILED_PRECONDITION,
                      "the program runs on no device of this process");
  if (num_outputs != executable->num_outputs * devices)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT,
                      "room for %zu outputs, the program has %zu on each of %zu devices",
                      num_outputs, executable->num_outputs, devices);
  if (num_arguments % devices)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "%zu arguments for %zu devices",
                      num_arguments, devices);
  return NULL;
}

// Lays out the arrays of |run|, whose counts are set. Free run->heap afterwards.
static PjhError *lay_out(Run *run, size_t num_keep) {
  size_t devices = run->num_devices;
  size_t handles = devices * (run->num_arguments + run->num_outputs);
  run->heap = NULL;
  if (handles <= FEW_HANDLES && devices <= FEW_DEVICES && !num_keep) {
    run->arguments = run->few_handles;
    run->argument_lists = run->few_arguments;
    run->output_lists = run->few_outputs;
    run->done = run->few_events;
  } else {
    // All have the size and alignment of a pointer, but for the numbers, which come last.
    char *block = pj_malloc((handles + 3 * devices) * sizeof(void *) + num_keep * sizeof(int64_t));
    if (!block)
      return pjh__out_of_memory();
    run->heap = block;
    run->arguments = (PJRT_Buffer **)(void *)block;
    block += handles * sizeof(void *);
    run->argument_lists = (PJRT_Buffer *const **)(void *)block;
    run->output_lists = (PJRT_Buffer ***)(void *)(block + devices * sizeof(void *));
    run->done = (PJRT_Event **)(void *)(block + 2 * devices * sizeof(void *));
    run->keep = (int64_t *)(void *)(block + 3 * devices * sizeof(void *));
  }
  run->outputs = run->arguments + devices * run->num_arguments;
  for (size_t d = 0; d < devices; d++) {
    run->argument_lists[d] = run->arguments + d * run->num_arguments;
    run->output_lists[d] = run->outputs + d * run->num_outputs;
    run->done[d] = NULL;
  }
  return NULL;
}

// Fills in which parameters are kept; false when one is out of range.
static bool fill_keep(Run *run, const PjhExecuteOptions *options, size_t num_keep) {
  for (size_t i = 0; i < num_keep; i++) {
    size_t index = options->keep_arguments ? i : options->keep[i];
    if (index >= run->num_arguments)
      return false;
    run->keep[i] = (int64_t)index;
  }
  return true;
}

// Lays out and starts the run. On success run->outputs hold handles to be wrapped and run->done
// events, unless |no_events|. Free run->heap in any case.
static PjhError *launch(Run *run, PjhExecutable *executable, const PjhExecuteOptions *options,
                        PjhBuffer *const *arguments, size_t num_arguments, size_t num_outputs,
                        bool no_events) {
  run->heap = NULL;
  PjhError *error = check_counts(executable, num_arguments, num_outputs);
  if (error)
    return error;
  run->executable = executable;
  run->num_devices = executable->num_devices;
  run->num_arguments = num_arguments / run->num_devices;
  run->num_outputs = executable->num_outputs;
  size_t num_keep = options->keep_arguments ? run->num_arguments : options->num_keep;
  error = lay_out(run, num_keep);
  if (error)
    return error;
  if (!fill_keep(run, options, num_keep))
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT,
                      "an argument to keep is out of range: there are %zu", run->num_arguments);
  for (size_t i = 0; i < num_arguments; i++)
    run->arguments[i] = arguments[i]->handle;
  for (size_t i = 0; i < num_outputs; i++)
    run->outputs[i] = NULL; // what a plugin may leave

  PJRT_ExecuteOptions how = {.struct_size = executable->execute_options_size};
  how.launch_id = options->launch_id;
  how.call_location = options->call_location;
  how.non_donatable_input_indices = run->keep;
  how.num_non_donatable_input_indices = num_keep;
  PJH_ARGS(LoadedExecutable_Execute, args);
  args.executable = executable->loaded;
  args.options = &how;
  args.argument_lists = run->argument_lists;
  args.num_devices = run->num_devices;
  args.num_args = run->num_arguments;
  args.output_lists = run->output_lists;
  args.device_complete_events = no_events ? NULL : run->done;
  return PJH_CALL(executable->plugin, LoadedExecutable_Execute, &args);
}

static void drop_outputs(PjhBuffer **outputs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    pjh_buffer_destroy(outputs[i]);
    outputs[i] = NULL;
  }
}

// Wraps all outputs, also the ones after a failure, so that each is owned by something. On failure
// |outputs| holds only nulls.
static PjhError *wrap_outputs(const Run *run, PjhBuffer **outputs) {
  PjhError *first = NULL;
  size_t count = run->num_devices * run->num_outputs;
  for (size_t i = 0; i < count; i++) {
    PjhError *error = pjh__buffer_wrap(run->executable->client, run->outputs[i], &outputs[i]);
    if (first)
      pjh_error_free(error);
    else
      first = error;
  }
  if (first)
    drop_outputs(outputs, count);
  return first;
}

static const PjhExecuteOptions defaults = {0};

PjhError *pjh_execute(PjhExecutable *executable, PjhBuffer *const *arguments, size_t num_arguments,
                      PjhBuffer **outputs, size_t num_outputs) {
  for (size_t i = 0; i < num_outputs; i++)
    outputs[i] = NULL;
  Run run;
  run.keep = NULL;
  PjhError *error =
      launch(&run, executable, &defaults, arguments, num_arguments, num_outputs, false);
  if (!error) {
    for (size_t d = 0; d < run.num_devices; d++) {
      PjhError *run_error = pjh__await(executable->plugin, run.done[d]);
      if (error)
        pjh_error_free(run_error);
      else
        error = run_error;
    }
    PjhError *wrap_error = wrap_outputs(&run, outputs);
    if (!error) {
      error = wrap_error;
    } else {
      pjh_error_free(wrap_error);
      drop_outputs(outputs, num_outputs);
    }
  }
  pj_free(run.heap);
  return error;
}

PjhError *pjh_execute_start(PjhExecutable *executable, const PjhExecuteOptions *options,
                            PjhBuffer *const *arguments, size_t num_arguments, PjhBuffer **outputs,
                            size_t num_outputs, PjhEvent **out_done) {
  for (size_t i = 0; i < num_outputs; i++)
    outputs[i] = NULL;
  PjhEvent *done = NULL;
  if (out_done) {
    *out_done = NULL;
    done = pjh__event_new(executable->plugin, executable->num_devices);
    if (!done)
      return pjh__out_of_memory();
  }
  Run run;
  run.keep = NULL;
  PjhError *error = launch(&run, executable, options ? options : &defaults, arguments,
                           num_arguments, num_outputs, !out_done);
  if (!error) {
    if (done)
      memcpy(done->handles, run.done, run.num_devices * sizeof *run.done);
    error = wrap_outputs(&run, outputs);
  }
  pj_free(run.heap);
  if (error) {
    pjh_event_destroy(done);
    return error;
  }
  if (out_done)
    *out_done = done;
  return NULL;
}

// Compiling and running programs, on one device.
#include "host/host.h"

#include <stdlib.h>
#include <string.h>

// Writes the CompileOptionsProto for one replica and one partition on the device of id |id| into
// |out| and returns its size. Field numbers: CompileOptions.executable_build_options 3;
// ExecutableBuildOptions.device_ordinal 1, num_replicas 4, num_partitions 5, device_assignment 9;
// DeviceAssignment.replica_count 1, computation_count 2, computation_devices 3 {replica_device_ids
// 1}.
enum { OPTIONS_MAX = 64 };

static size_t put_varint(unsigned char *out, uint64_t value) {
  size_t n = 0;
  for (; value >= 0x80; value >>= 7)
    out[n++] = (unsigned char)(value | 0x80);
  out[n++] = (unsigned char)value;
  return n;
}

static size_t write_options(unsigned char out[OPTIONS_MAX], int id) {
  unsigned char ids[12], assignment[24], build[48];
  size_t num_ids = put_varint(ids, (uint64_t)(int64_t)id), n = 0;
  const unsigned char counts[] = {
      0x08, 1, 0x10, 1, 0x1a, (unsigned char)(num_ids + 2), 0x0a, (unsigned char)num_ids};
  memcpy(assignment, counts, sizeof counts);
  memcpy(assignment + sizeof counts, ids, num_ids);
  size_t num_assignment = sizeof counts + num_ids;

  build[n++] = 0x08; // device_ordinal = -1: the assignment decides
  n += put_varint(build + n, UINT64_MAX);
  const unsigned char sizes[] = {0x20, 1, 0x28, 1, 0x4a, (unsigned char)num_assignment};
  memcpy(build + n, sizes, sizeof sizes);
  n += sizeof sizes;
  memcpy(build + n, assignment, num_assignment);
  n += num_assignment;

  out[0] = 0x1a;
  out[1] = (unsigned char)n;
  memcpy(out + 2, build, n);
  return n + 2;
}

static PjhError *device_id(const PjhClient *client, size_t device, int *out) {
  if (device >= client->num_devices)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "device %zu of a client with %zu devices",
                      device, client->num_devices);
  PJH_ARGS(Device_GetDescription, get);
  get.device = client->devices[device];
  PjhError *error = PJH_CALL(client->plugin, Device_GetDescription, &get);
  if (error)
    return error;
  PJH_ARGS(DeviceDescription_Id, id);
  id.device_description = get.device_description;
  error = PJH_CALL(client->plugin, DeviceDescription_Id, &id);
  *out = id.id;
  return error;
}

// Reads what the executable says of itself.
static PjhError *describe(PjhExecutable *executable) {
  PjhPlugin *plugin = executable->client->plugin;
  PJH_ARGS(LoadedExecutable_GetExecutable, get);
  get.loaded_executable = executable->loaded;
  PjhError *error = PJH_CALL(plugin, LoadedExecutable_GetExecutable, &get);
  if (error)
    return error;
  executable->handle = get.executable;

  PJH_ARGS(Executable_NumOutputs, outputs);
  outputs.executable = executable->handle;
  error = PJH_CALL(plugin, Executable_NumOutputs, &outputs);
  if (error)
    return error;
  executable->num_outputs = outputs.num_outputs;

  PJH_ARGS(Executable_Name, name);
  name.executable = executable->handle;
  pjh_error_free(
      PJH_CALL(plugin, Executable_Name, &name)); // A program without a name is no reason to stop.
  executable->name =
      pjh__copy_string(name.executable_name, name.executable_name ? name.executable_name_size : 0);
  return executable->name ? NULL : pjh__out_of_memory();
}

PjhError *pjh_compile(PjhClient *client, const void *code, size_t code_size,
                      const PjhCompileOptions *options, PjhExecutable **out) {
  *out = NULL;
  const PjhCompileOptions defaults = {0};
  if (!options)
    options = &defaults;
  const char *format = options->format ? options->format : "mlir";
  int id = 0;
  PjhError *error = device_id(client, options->device, &id);
  if (error)
    return error;
  unsigned char made[OPTIONS_MAX];
  size_t made_size = write_options(made, id);

  PjhExecutable *executable = calloc(1, sizeof *executable);
  if (!executable)
    return pjh__out_of_memory();
  executable->client = client;

  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE};
  program.code = (char *)(uintptr_t)code; // The interface has no const here; plugins only read.
  program.code_size = code_size;
  program.format = format;
  program.format_size = strlen(format);
  PJH_ARGS(Client_Compile, args);
  args.client = client->handle;
  args.program = &program;
  args.compile_options =
      options->serialized_options ? options->serialized_options : (const char *)made;
  args.compile_options_size =
      options->serialized_options ? options->serialized_options_size : made_size;
  error = PJH_CALL(client->plugin, Client_Compile, &args);
  if (!error) {
    executable->loaded = args.executable;
    error = describe(executable);
  }
  if (error) {
    pjh_executable_destroy(executable);
    return error;
  }
  *out = executable;
  return NULL;
}

void pjh_executable_destroy(PjhExecutable *executable) {
  if (!executable)
    return;
  PjhPlugin *plugin = executable->client->plugin;
  if (executable->handle) {
    PJH_ARGS(Executable_Destroy, args);
    args.executable = executable->handle;
    PJH_DROP(plugin, Executable_Destroy, &args);
  }
  if (executable->loaded) {
    PJH_ARGS(LoadedExecutable_Destroy, args);
    args.executable = executable->loaded;
    PJH_DROP(plugin, LoadedExecutable_Destroy, &args);
  }
  free(executable->name);
  free(executable);
}

const char *pjh_executable_name(const PjhExecutable *executable) {
  return executable->name;
}

size_t pjh_executable_num_outputs(const PjhExecutable *executable) {
  return executable->num_outputs;
}

PjhError *pjh_executable_program(PjhExecutable *executable, char **out_code, size_t *out_size,
                                 const char **out_format) {
  *out_code = NULL;
  *out_size = 0;
  *out_format = NULL;
  PjhPlugin *plugin = executable->client->plugin;
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE};
  PJH_ARGS(Executable_OptimizedProgram, args);
  args.executable = executable->handle;
  args.program = &program;
  PjhError *error = PJH_CALL(plugin, Executable_OptimizedProgram, &args); // tells the size
  if (error)
    return error;
  char *code = malloc(program.code_size + 1);
  if (!code)
    return pjh__out_of_memory();
  program.code = code;
  error = PJH_CALL(plugin, Executable_OptimizedProgram, &args); // writes the bytes
  if (error) {
    free(code);
    return error;
  }
  code[program.code_size] = 0;
  // The format need not end in zero; the known ones are few.
  static const char *const formats[] = {"mlir", "hlo", "hlo_with_config"};
  *out_format = "unknown";
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (strlen(formats[i]) == program.format_size &&
        !memcmp(formats[i], program.format, program.format_size))
      *out_format = formats[i];
  *out_code = code;
  *out_size = program.code_size;
  return NULL;
}

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
  if (num_outputs != executable->num_outputs)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "room for %zu outputs, the program has %zu",
                      num_outputs, executable->num_outputs);
  PjhClient *client = executable->client;
  PJRT_Buffer **handles = calloc(num_arguments + num_outputs + 1, sizeof *handles);
  if (!handles)
    return pjh__out_of_memory();
  PJRT_Buffer **results = handles + num_arguments;
  for (size_t i = 0; i < num_arguments; i++)
    handles[i] = arguments[i]->handle;

  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
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
  free(handles);
  return error;
}

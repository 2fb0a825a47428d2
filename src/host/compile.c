// Programs in, executables out: compilation for a client or a topology, loading, serialisation.
#include "host/program.h"

#include <string.h>

#include "base/proto.h"

// What a program can be placed on: a client's devices, or a topology's.
typedef struct Machine {
  const char *what;
  const PjhDeviceInfo *devices;
  size_t num_devices;
} Machine;

enum { MAX_DEVICES = 1 << 20 }; // of one program, so that products of counts cannot overflow

// Appends a CompileOptionsProto. Field numbers: CompileOptions.executable_build_options 3;
// ExecutableBuildOptions.device_ordinal 1, num_replicas 4, num_partitions 5, use_spmd_partitioning
// 6, device_assignment 9, use_shardy_partitioner 19; DeviceAssignment.replica_count 1,
// computation_count 2, computation_devices 3 { replica_device_ids 1 }.
static PjhError *write_options(const PjhCompileOptions *options, const Machine *machine,
                               PjStrBuf *out) {
  size_t replicas = options->num_replicas ? options->num_replicas : 1;
  size_t partitions = options->num_partitions ? options->num_partitions : 1;
  if (replicas > MAX_DEVICES || partitions > MAX_DEVICES / replicas)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "%zu replicas of %zu partitions", replicas,
                      partitions);
  size_t count = replicas * partitions;
  if (!options->devices && options->device >= machine->num_devices)
    return pjh__no_device(machine->what, options->device, machine->num_devices);
  if (!options->devices && count > machine->num_devices - options->device)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT,
                      "%zu replicas of %zu partitions from device %zu on: the %s has %zu devices",
                      replicas, partitions, options->device, machine->what, machine->num_devices);
  for (size_t i = 0; options->devices && i < count; i++)
    if (options->devices[i] >= machine->num_devices)
      return pjh__no_device(machine->what, options->devices[i], machine->num_devices);

  int64_t *ids = pj_malloc(replicas * sizeof *ids);
  if (!ids)
    return pjh__out_of_memory();
  PjStrBuf assignment = {0}, build = {0}, computation = {0};
  pj_proto_put_varint(&assignment, 1, replicas);
  pj_proto_put_varint(&assignment, 2, partitions);
  for (size_t p = 0; p < partitions; p++) {
    for (size_t r = 0; r < replicas; r++) {
      size_t at = r * partitions + p;
      ids[r] = machine->devices[options->devices ? options->devices[at] : options->device + at].id;
    }
    computation.len = 0;
    pj_proto_put_ints(&computation, 1, ids, replicas);
    pj_proto_put_bytes(&assignment, 3, (PjStr){computation.data, computation.len});
  }
  pj_proto_put_varint(&build, 1, UINT64_MAX); // -1: the assignment decides
  pj_proto_put_varint(&build, 4, replicas);
  pj_proto_put_varint(&build, 5, partitions);
  if (partitions > 1)
    pj_proto_put_varint(&build, 6, 1);
  pj_proto_put_bytes(&build, 9, (PjStr){assignment.data, assignment.len});
  if (partitions > 1)
    pj_proto_put_varint(&build, 19, 1);
  pj_proto_put_bytes(out, 3, (PjStr){build.data, build.len});
  bool failed = assignment.failed || build.failed || computation.failed || out->failed;
  pj_strbuf_free(&assignment);
  pj_strbuf_free(&build);
  pj_strbuf_free(&computation);
  pj_free(ids);
  return failed ? pjh__out_of_memory() : NULL;
}

// The options as bytes: the caller's own, or those written into |made|, to be freed either way. To
// merge two messages is to put one behind the other.
static PjhError *options_bytes(const PjhCompileOptions *options, const Machine *machine,
                               PjStrBuf *made, const char **out, size_t *out_size) {
  if (options->serialized_options && !options->more_options_size) {
    *out = options->serialized_options;
    *out_size = options->serialized_options_size;
    return NULL;
  }
  PjhError *error = NULL;
  if (options->serialized_options)
    pj_strbuf_append(made, options->serialized_options, options->serialized_options_size);
  else
    error = write_options(options, machine, made);
  pj_strbuf_append(made, options->more_options, options->more_options_size);
  if (!error && made->failed)
    error = pjh__out_of_memory();
  *out = made->data;
  *out_size = made->len;
  return error;
}

static const PjhCompileOptions defaults = {0};

// What a compilation hands over, and the buffers that it lies in.
typedef struct Request {
  PJRT_Program program;
  const char *options;
  size_t options_size;
  PjStrBuf made_options, made_code;
} Request;

// Fills in |request|; free it in any case.
static PjhError *make_request(const PjhPlugin *plugin, const void *code, size_t code_size,
                              const PjhCompileOptions *options, const Machine *machine,
                              Request *request) {
  const char *format = options->format ? options->format : "mlir";
  *request = (Request){.program = {.struct_size = PJRT_Program_STRUCT_SIZE}};
  PjhError *error = NULL;
  if (strcmp(format, "mlir") == 0)
    error = pjh__convert(plugin, code, code_size, &request->made_code, &code, &code_size);
  if (error)
    return error;
  PJRT_Program *program = &request->program;
  program->code = (char *)(uintptr_t)code; // The interface has no const here; plugins only read.
  program->code_size = code_size;
  program->format = format;
  program->format_size = strlen(format);
  return options_bytes(options, machine, &request->made_options, &request->options,
                       &request->options_size);
}

static void free_request(Request *request) {
  pj_strbuf_free(&request->made_code);
  pj_strbuf_free(&request->made_options);
}

// Says what to do about |error| where it may be that the plugin does not read the program's format.
static PjhError *format_hint(PjhError *error, const Request *request) {
  PJRT_Error_Code code = error ? pjh_error_code(error) : PJRT_Error_Code_OK;
  if (strcmp(request->program.format, "mlir") == 0 ||
      (code != PJRT_Error_Code_INVALID_ARGUMENT && code != PJRT_Error_Code_UNIMPLEMENTED))
    return error;
  return pjh__hint(error, "a plugin need not take \"%s\"; StableHLO (\"mlir\") is what all take",
                   request->program.format);
}

// --- Executables ---------------------------------------------------------------------------------

// Reads which of the client's devices run the program.
static PjhError *read_devices(PjhExecutable *executable) {
  const PjhClient *client = executable->client;
  PJH_ARGS(LoadedExecutable_AddressableDevices, args);
  args.executable = executable->loaded;
  PjhError *error = PJH_CALL(executable->plugin, LoadedExecutable_AddressableDevices, &args);
  if (error)
    return error;
  executable->devices = pj_calloc(args.num_addressable_devices, sizeof *executable->devices);
  if (!executable->devices)
    return pjh__out_of_memory();
  executable->num_devices = args.num_addressable_devices;
  for (size_t i = 0; i < executable->num_devices; i++) {
    size_t index = 0;
    while (index < client->num_devices && client->devices[index] != args.addressable_devices[i])
      index++;
    if (index == client->num_devices)
      return pjh__error(PJRT_Error_Code_INTERNAL,
                        "the plugin placed the program on a device that its client does not have");
    executable->devices[i] = index;
  }
  return NULL;
}

// Reads what the executable says of itself.
static PjhError *describe(PjhExecutable *executable) {
  PjhPlugin *plugin = executable->plugin;
  PjhError *error = NULL;
  if (executable->loaded) {
    PJH_ARGS(LoadedExecutable_GetExecutable, get);
    get.loaded_executable = executable->loaded;
    error = PJH_CALL(plugin, LoadedExecutable_GetExecutable, &get);
    if (error)
      return error;
    executable->handle = get.executable;
    error = read_devices(executable);
    if (error)
      return error;
  }
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

static PjhExecutable *new_executable(PjhPlugin *plugin, PjhClient *client) {
  PjhExecutable *executable = pj_calloc(1, sizeof *executable);
  if (executable) {
    executable->plugin = plugin;
    executable->client = client;
    executable->execute_options_size = pjh__size(plugin, PJH_GROWN_ExecuteOptions);
  }
  return executable;
}

// Ends every way to an executable: describes it, unless |error|, and hands it out or frees it.
static PjhError *finish(PjhExecutable *executable, PjhError *error, PjhExecutable **out) {
  if (!error && !executable->loaded && !executable->handle)
    error = pjh__nothing_given("executable");
  if (!error)
    error = describe(executable);
  if (error) {
    pjh_executable_destroy(executable);
    return error;
  }
  *out = executable;
  return NULL;
}

PjhError *pjh_compile(PjhClient *client, const void *code, size_t code_size,
                      const PjhCompileOptions *options, PjhExecutable **out) {
  *out = NULL;
  options = options ? options : &defaults;
  PjhExecutable *executable = new_executable(client->plugin, client);
  if (!executable)
    return pjh__out_of_memory();
  const Machine machine = {"client", client->infos, client->num_devices};
  Request request;
  PjhError *error = make_request(client->plugin, code, code_size, options, &machine, &request);
  if (!error) {
    PJH_ARGS(Client_Compile, args);
    args.client = client->handle;
    args.program = &request.program;
    args.compile_options = request.options;
    args.compile_options_size = request.options_size;
    error = format_hint(PJH_CALL(client->plugin, Client_Compile, &args), &request);
    if (!error)
      executable->loaded = args.executable;
  }
  free_request(&request);
  return finish(executable, error, out);
}

PjhError *pjh_compile_ahead(PjhTopology *topology, const void *code, size_t code_size,
                            const PjhCompileOptions *options, PjhExecutable **out) {
  *out = NULL;
  options = options ? options : &defaults;
  PjhExecutable *executable = new_executable(topology->plugin, NULL);
  if (!executable)
    return pjh__out_of_memory();
  const Machine machine = {"topology", topology->infos, topology->num_devices};
  Request request;
  PjhError *error = make_request(topology->plugin, code, code_size, options, &machine, &request);
  if (!error) {
    PJH_ARGS(Compile, args);
    args.topology = topology->handle;
    args.program = &request.program;
    args.compile_options = request.options;
    args.compile_options_size = request.options_size;
    error = format_hint(PJH_CALL(topology->plugin, Compile, &args), &request);
    if (!error)
      executable->handle = args.executable;
  }
  free_request(&request);
  return finish(executable, error, out);
}

PjhError *pjh_executable_deserialize(PjhClient *client, const void *data, size_t size,
                                     const PjhCompileOptions *options, PjhExecutable **out) {
  *out = NULL;
  PjhExecutable *executable = new_executable(client->plugin, client);
  if (!executable)
    return pjh__out_of_memory();
  PJH_GROWN_ARGS(client->plugin, Executable_DeserializeAndLoad, args);
  args.client = client->handle;
  args.serialized_executable = data;
  args.serialized_executable_size = size;
  PjStrBuf made = {0};
  PjhError *error = NULL;
  const size_t needed = PJRT_STRUCT_SIZE(PJRT_Executable_DeserializeAndLoad_Args,
                                         overridden_serialized_compile_options_size);
  if (options && args.struct_size < needed) {
    error = pjh__error(PJRT_Error_Code_UNIMPLEMENTED,
                       "the plugin (PJRT %d.%d) loads an executable only as it was compiled",
                       client->plugin->api->pjrt_api_version.major_version,
                       client->plugin->api->pjrt_api_version.minor_version);
    error = pjh__hint(error, "upgrade the plugin: options for loading came with PJRT 0.71");
  } else if (options) {
    const Machine machine = {"client", client->infos, client->num_devices};
    error = options_bytes(options, &machine, &made, &args.overridden_serialized_compile_options,
                          &args.overridden_serialized_compile_options_size);
  }
  if (!error)
    error = PJH_CALL(client->plugin, Executable_DeserializeAndLoad, &args);
  if (!error)
    executable->loaded = args.loaded_executable;
  pj_strbuf_free(&made);
  return finish(executable, error, out);
}

PjhError *pjh_executable_serialize(const PjhExecutable *executable, void **out_data,
                                   size_t *out_size) {
  *out_data = NULL;
  *out_size = 0;
  PJH_ARGS(Executable_Serialize, args);
  args.executable = executable->handle;
  PjhError *error = PJH_CALL(executable->plugin, Executable_Serialize, &args);
  if (error)
    return error;
  *out_data = pjh__copy_string(args.serialized_bytes, args.serialized_bytes_size);
  if (*out_data)
    *out_size = args.serialized_bytes_size;
  if (args.serialized_executable_deleter)
    args.serialized_executable_deleter(args.serialized_executable);
  return *out_data ? NULL : pjh__out_of_memory();
}

PjhError *pjh_executable_load(PjhClient *client, const PjhExecutable *executable,
                              const PjhCompileOptions *options, PjhExecutable **out) {
  *out = NULL;
  void *data;
  size_t size;
  PjhError *error = pjh_executable_serialize(executable, &data, &size);
  if (error)
    return error;
  error = pjh_executable_deserialize(client, data, size, options, out);
  pjh_free(data);
  return error;
}

void pjh_executable_destroy(PjhExecutable *executable) {
  if (!executable)
    return;
  if (executable->handle) {
    PJH_ARGS(Executable_Destroy, args);
    args.executable = executable->handle;
    PJH_DROP(executable->plugin, Executable_Destroy, &args);
  }
  if (executable->loaded) {
    PJH_ARGS(LoadedExecutable_Destroy, args);
    args.executable = executable->loaded;
    PJH_DROP(executable->plugin, LoadedExecutable_Destroy, &args);
  }
  pj_free(executable->devices);
  pj_free(executable->name);
  pj_free(executable);
}

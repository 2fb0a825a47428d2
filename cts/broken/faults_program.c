// Faults of executables, executions, serialisation, topologies, transfer managers, devices and
// leaks.
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

static const char some_program[] = "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
                                   "  return %a : tensor<4xf32>\n}\n";

PJRT_Error *pj_broken_compile_anything(PJRT_Client_Compile_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Client_Compile(args);
  if (!error)
    return NULL;
  pj_broken_destroy_error(error);
  PJRT_Program program = *args->program;
  program.code = (char *)some_program;
  program.code_size = sizeof some_program - 1;
  args->program = &program;
  error = pj_real->PJRT_Client_Compile(args);
  args->program = NULL;
  return error;
}

PJRT_Error *pj_broken_compile_null(PJRT_Client_Compile_Args *args) {
  args->executable = NULL;
  return NULL;
}

PJRT_Error *pj_broken_outputs_miscounted(PJRT_Executable_NumOutputs_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Executable_NumOutputs(args);
  args->num_outputs++;
  return error;
}

PJRT_Error *pj_broken_ranks_wrong(PJRT_Executable_OutputDimensions_Args *args) {
  static const size_t ranks[4] = {1, 1, 1, 1};
  static const int64_t dims[4] = {4, 1, 1, 1};
  PJRT_Error *error = pj_real->PJRT_Executable_OutputDimensions(args);
  args->dim_sizes = ranks;
  args->dims = dims;
  return error;
}

PJRT_Error *pj_broken_output_types_wrong(PJRT_Executable_OutputElementTypes_Args *args) {
  static PJRT_Buffer_Type types[4] = {PJRT_Buffer_Type_S32, PJRT_Buffer_Type_S32,
                                      PJRT_Buffer_Type_S32, PJRT_Buffer_Type_S32};
  PJRT_Error *error = pj_real->PJRT_Executable_OutputElementTypes(args);
  args->output_types = types;
  return error;
}

PJRT_Error *pj_broken_memory_stats_partial(PJRT_Executable_GetCompiledMemoryStats_Args *args) {
  size_t size = args->struct_size;
  args->struct_size = offsetof(PJRT_Executable_GetCompiledMemoryStats_Args, total_size_in_bytes);
  PJRT_Error *error = pj_real->PJRT_Executable_GetCompiledMemoryStats(args);
  args->struct_size = size;
  return error;
}

PJRT_Error *pj_broken_memory_stats_overrun(PJRT_Executable_GetCompiledMemoryStats_Args *args) {
  size_t size = args->struct_size;
  args->struct_size = PJRT_Executable_GetCompiledMemoryStats_Args_STRUCT_SIZE;
  PJRT_Error *error = pj_real->PJRT_Executable_GetCompiledMemoryStats(args);
  args->struct_size = size;
  return error;
}

PJRT_Error *pj_broken_fingerprint_constant(PJRT_Executable_Fingerprint_Args *args) {
  args->executable_fingerprint = "0";
  args->executable_fingerprint_size = 1;
  return NULL;
}

PJRT_Error *pj_broken_loaded_fingerprint_empty(PJRT_LoadedExecutable_Fingerprint_Args *args) {
  PJRT_Error *error = pj_real->PJRT_LoadedExecutable_Fingerprint(args);
  args->executable_fingerprint_size = 0;
  return error;
}

PJRT_Error *pj_broken_optimized_overrun(PJRT_Executable_OptimizedProgram_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Executable_OptimizedProgram(args);
  if (!error && args->program->code)
    args->program->code[args->program->code_size] = 0;
  return error;
}

// --- Executions ----------------------------------------------------------------------------------

static PJRT_Error *run_with(PJRT_LoadedExecutable_Execute_Args *args, PJRT_Buffer *const *mine,
                            size_t count) {
  PJRT_LoadedExecutable_Execute_Args copy = *args;
  PJRT_Buffer *const *const lists[1] = {mine};
  copy.argument_lists = lists;
  copy.num_args = count;
  return pj_real->PJRT_LoadedExecutable_Execute(&copy);
}

static size_t num_outputs(PJRT_LoadedExecutable *loaded) {
  PJRT_LoadedExecutable_GetExecutable_Args get = {
      .struct_size = PJRT_LoadedExecutable_GetExecutable_Args_STRUCT_SIZE,
      .loaded_executable = loaded};
  pj_broken_destroy_error(pj_real->PJRT_LoadedExecutable_GetExecutable(&get));
  PJRT_Executable_NumOutputs_Args count = {
      .struct_size = PJRT_Executable_NumOutputs_Args_STRUCT_SIZE, .executable = get.executable};
  pj_broken_destroy_error(pj_real->PJRT_Executable_NumOutputs(&count));
  PJRT_Executable_Destroy_Args destroy = {.struct_size = PJRT_Executable_Destroy_Args_STRUCT_SIZE,
                                          .executable = get.executable};
  pj_broken_destroy_error(pj_real->PJRT_Executable_Destroy(&destroy));
  return count.num_outputs;
}

PJRT_Error *pj_broken_outputs_swapped(PJRT_LoadedExecutable_Execute_Args *args) {
  PJRT_Error *error = pj_real->PJRT_LoadedExecutable_Execute(args);
  PJRT_Buffer **out = args->output_lists[0];
  if (!error && num_outputs(args->executable) > 1) {
    PJRT_Buffer *first = out[0];
    out[0] = out[1];
    out[1] = first;
  }
  return error;
}

PJRT_Error *pj_broken_arguments_swapped(PJRT_LoadedExecutable_Execute_Args *args) {
  if (args->num_args != 2)
    return pj_real->PJRT_LoadedExecutable_Execute(args);
  PJRT_Buffer *mine[2] = {args->argument_lists[0][1], args->argument_lists[0][0]};
  return run_with(args, mine, 2);
}

PJRT_Error *pj_broken_arguments_stale(PJRT_LoadedExecutable_Execute_Args *args) {
  static PJRT_Buffer *first; // a copy of the first argument of the first execution
  if (!args->num_args)
    return pj_real->PJRT_LoadedExecutable_Execute(args);
  if (!first) {
    PJRT_Buffer_Memory_Args in = {.struct_size = PJRT_Buffer_Memory_Args_STRUCT_SIZE,
                                  .buffer = args->argument_lists[0][0]};
    pj_broken_destroy_error(pj_real->PJRT_Buffer_Memory(&in));
    PJRT_Buffer_CopyToMemory_Args copy = {.struct_size = PJRT_Buffer_CopyToMemory_Args_STRUCT_SIZE,
                                          .buffer = in.buffer,
                                          .dst_memory = in.memory};
    pj_broken_destroy_error(pj_real->PJRT_Buffer_CopyToMemory(&copy));
    first = copy.dst_buffer;
  }
  PJRT_Buffer *mine[16];
  for (size_t i = 0; i < args->num_args && i < 16; i++)
    mine[i] = i ? args->argument_lists[0][i] : first;
  return run_with(args, mine, args->num_args);
}

PJRT_Error *pj_broken_execute_no_event(PJRT_LoadedExecutable_Execute_Args *args) {
  args->device_complete_events = NULL;
  return pj_real->PJRT_LoadedExecutable_Execute(args);
}

PJRT_Error *pj_broken_execute_unchecked(PJRT_LoadedExecutable_Execute_Args *args) {
  PJRT_Buffer *mine[2] = {args->argument_lists[0][0], args->argument_lists[0][0]};
  return run_with(args, mine, 2);
}

PJRT_Error *pj_broken_execute_noise(PJRT_LoadedExecutable_Execute_Args *args) {
  static int calls;
  PJRT_Buffer *out;
  PJRT_Error *error = pj_real->PJRT_LoadedExecutable_Execute(args);
  out = args->output_lists[0][0];
  if (!error && ++calls == 7) { // the last bit of the result, as a race would change it
    PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args get = {
        .struct_size = PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args_STRUCT_SIZE, .buffer = out};
    PJRT_Event_Await_Args wait = {.struct_size = PJRT_Event_Await_Args_STRUCT_SIZE,
                                  .event = args->device_complete_events[0]};
    pj_broken_destroy_error(pj_real->PJRT_Event_Await(&wait));
    pj_broken_destroy_error(pj_real->PJRT_Buffer_OpaqueDeviceMemoryDataPointer(&get));
    *(uint32_t *)get.device_memory_ptr ^= 1;
  }
  return error;
}

PJRT_Error *pj_broken_options_overread(PJRT_LoadedExecutable_Execute_Args *args) {
  if (args->options->num_tasks)
    *(volatile int *)args->options->task_ids;
  return pj_real->PJRT_LoadedExecutable_Execute(args);
}

PJRT_Error *pj_broken_donation_ignored(PJRT_LoadedExecutable_Execute_Args *args) {
  static const int64_t all[4] = {0, 1, 2, 3};
  PJRT_ExecuteOptions options = *args->options;
  options.non_donatable_input_indices = all;
  options.num_non_donatable_input_indices = args->num_args < 4 ? args->num_args : 4;
  args->options = &options;
  PJRT_Error *error = pj_real->PJRT_LoadedExecutable_Execute(args);
  args->options = NULL;
  return error;
}

PJRT_Error *pj_broken_donation_forced(PJRT_LoadedExecutable_Execute_Args *args) {
  PJRT_ExecuteOptions options = *args->options;
  options.num_non_donatable_input_indices = 0;
  args->options = &options;
  PJRT_Error *error = pj_real->PJRT_LoadedExecutable_Execute(args);
  args->options = NULL;
  return error;
}

// --- Serialisation and topologies ----------------------------------------------------------------

PJRT_Error *pj_broken_serialize_no_deleter(PJRT_Executable_Serialize_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Executable_Serialize(args);
  args->serialized_executable_deleter = NULL;
  return error;
}

PJRT_Error *pj_broken_serialize_cut(PJRT_Executable_Serialize_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Executable_Serialize(args);
  args->serialized_bytes_size -= 3;
  return error;
}

PJRT_Error *pj_broken_deserialize_lenient(PJRT_Executable_DeserializeAndLoad_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Executable_DeserializeAndLoad(args);
  if (!error)
    return NULL;
  pj_broken_destroy_error(error);
  static const char options[] = {0x1a, 4, 0x20, 1, 0x28, 1};
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE,
                          .code = (char *)some_program,
                          .code_size = sizeof some_program - 1,
                          .format = "mlir",
                          .format_size = 4};
  PJRT_Client_Compile_Args compile = {.struct_size = PJRT_Client_Compile_Args_STRUCT_SIZE,
                                      .client = args->client,
                                      .program = &program,
                                      .compile_options = options,
                                      .compile_options_size = sizeof options};
  error = pj_real->PJRT_Client_Compile(&compile);
  args->loaded_executable = compile.executable;
  return error;
}

PJRT_Error *pj_broken_topology_short(PJRT_TopologyDescription_GetDeviceDescriptions_Args *args) {
  PJRT_Error *error = pj_real->PJRT_TopologyDescription_GetDeviceDescriptions(args);
  args->num_descriptions -= args->num_descriptions > 0;
  return error;
}

PJRT_Error *pj_broken_topology_anything(PJRT_TopologyDescription_Create_Args *args) {
  args->topology_name = "cpu";
  args->topology_name_size = 3;
  return pj_real->PJRT_TopologyDescription_Create(args);
}

// --- Transfers and devices -----------------------------------------------------------------------

PJRT_Error *
pj_broken_transfer_offset(PJRT_AsyncHostToDeviceTransferManager_TransferData_Args *args) {
  args->offset = 0;
  return pj_real->PJRT_AsyncHostToDeviceTransferManager_TransferData(args);
}

PJRT_Error *
pj_broken_transfer_early(PJRT_AsyncHostToDeviceTransferManager_TransferData_Args *args) {
  args->is_last_transfer = true;
  return pj_real->PJRT_AsyncHostToDeviceTransferManager_TransferData(args);
}

PJRT_Error *pj_broken_transfer_unfilled(PJRT_AsyncHostToDeviceTransferManager_Destroy_Args *args) {
  return NULL;
}

// Races for the one piece of memory are made likely by a pause.
PJRT_Error *pj_broken_thread_shared(PJRT_Buffer_ToHostBuffer_Args *args) {
  static char room[1 << 16];
  if (!args->dst || args->dst_size > sizeof room)
    return pj_real->PJRT_Buffer_ToHostBuffer(args);
  void *dst = args->dst;
  args->dst = room;
  PJRT_Error *error = pj_real->PJRT_Buffer_ToHostBuffer(args);
  args->dst = dst;
  if (error)
    return error;
  PJRT_Event_Await_Args wait = {.struct_size = PJRT_Event_Await_Args_STRUCT_SIZE,
                                .event = args->event};
  pj_broken_destroy_error(pj_real->PJRT_Event_Await(&wait));
  usleep(100);
  memcpy(dst, room, args->dst_size);
  return NULL;
}

PJRT_Error *pj_broken_devices_first(PJRT_Client_BufferFromHostBuffer_Args *args) {
  args->memory = NULL;
  args->device = pj_broken_first_device(args->client);
  return pj_real->PJRT_Client_BufferFromHostBuffer(args);
}

PJRT_Error *pj_broken_copy_stays(PJRT_Buffer_CopyToDevice_Args *args) {
  PJRT_Buffer_Memory_Args in = {.struct_size = PJRT_Buffer_Memory_Args_STRUCT_SIZE,
                                .buffer = args->buffer};
  pj_broken_destroy_error(pj_real->PJRT_Buffer_Memory(&in));
  PJRT_Buffer_CopyToMemory_Args copy = {.struct_size = PJRT_Buffer_CopyToMemory_Args_STRUCT_SIZE,
                                        .buffer = args->buffer,
                                        .dst_memory = in.memory};
  PJRT_Error *error = pj_real->PJRT_Buffer_CopyToMemory(&copy);
  args->dst_buffer = copy.dst_buffer;
  return error;
}

PJRT_Error *pj_broken_replica_ids(PJRT_LoadedExecutable_AddressableDeviceLogicalIds_Args *args) {
  static PJRT_LogicalDeviceIds none[8];
  PJRT_Error *error = pj_real->PJRT_LoadedExecutable_AddressableDeviceLogicalIds(args);
  args->addressable_device_logical_ids = none;
  return error;
}

// --- Leaks ---------------------------------------------------------------------------------------

void pj_broken_leak_error(PJRT_Error_Destroy_Args *args) {}

PJRT_Error *pj_broken_leak_buffer(PJRT_Buffer_Destroy_Args *args) {
  return NULL;
}

PJRT_Error *pj_broken_leak_memory(PJRT_Buffer_Destroy_Args *args) {
  return NULL;
}

PJRT_Error *pj_broken_leak_event(PJRT_Event_Destroy_Args *args) {
  // The events of a buffer may be one object: what leaks is then a reference. So an event leaks
  // beside it.
  pj_broken_pending_event();
  return pj_real->PJRT_Event_Destroy(args);
}

PJRT_Error *pj_broken_leak_executable(PJRT_LoadedExecutable_Destroy_Args *args) {
  return NULL;
}

PJRT_Error *pj_broken_leak_file(PJRT_Client_Create_Args *args) {
  if (open("/dev/null", O_RDONLY) < 0)
    return pj_broken_invalid();
  return pj_real->PJRT_Client_Create(args);
}

static void keep(PJRT_SerializedExecutable *bytes) {}

PJRT_Error *pj_broken_leak_bytes(PJRT_Executable_Serialize_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Executable_Serialize(args);
  args->serialized_executable_deleter = keep;
  return error;
}

// --- Bytecode and compiling without devices ------------------------------------------------------

PJRT_Error *pj_broken_compile_text_only(PJRT_Client_Compile_Args *args) {
  const PJRT_Program *program = args->program;
  bool bytecode = program->code_size >= 4 && memcmp(program->code, "ML\xefR", 4) == 0;
  return bytecode ? pj_broken_invalid() : pj_real->PJRT_Client_Compile(args);
}

PJRT_Error *pj_broken_compile_crash(PJRT_Client_Compile_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Client_Compile(args);
  if (error && args->program->code_size > 100)
    *(volatile char *)(uintptr_t)args->program->code[40];
  return error;
}

PJRT_Error *pj_broken_ahead_uninitialized(PJRT_TopologyDescription_Create_Args *args) {
  abort(); // the test that calls the two in their usual order is another
}

PJRT_Error *pj_broken_ahead_needs_client(PJRT_Compile_Args *args) {
  PJRT_Client_ProcessIndex_Args ask = {.struct_size = PJRT_Client_ProcessIndex_Args_STRUCT_SIZE,
                                       .client = args->client};
  PJRT_Error *error = pj_real->PJRT_Client_ProcessIndex(&ask);
  return error ? error : pj_real->PJRT_Compile(args);
}

PJRT_Error *pj_broken_device_outputs_swapped(PJRT_LoadedExecutable_Execute_Args *args) {
  PJRT_Error *error = pj_real->PJRT_LoadedExecutable_Execute(args);
  if (!error && args->num_devices == 2) {
    PJRT_Buffer *first = args->output_lists[0][0];
    args->output_lists[0][0] = args->output_lists[1][0];
    args->output_lists[1][0] = first;
  }
  return error;
}

PJRT_Error *pj_broken_older_host_overread(PJRT_Client_CreateErrorBuffer_Args *args) {
  // Where the payload would be: with an older host that is behind the struct.
  PJRT_Client_CreateErrorBuffer_Args copy = *args;
  copy.struct_size = PJRT_Client_CreateErrorBuffer_Args_STRUCT_SIZE;
  PJRT_Error *error = pj_real->PJRT_Client_CreateErrorBuffer(&copy);
  args->buffer = copy.buffer;
  return error;
}

PJRT_Error *pj_broken_profiler_refused(PJRT_LoadedExecutable_Execute_Args *args) {
  return args->extension_start ? pj_broken_invalid() : pj_real->PJRT_LoadedExecutable_Execute(args);
}

// --- HLO and tuples ------------------------------------------------------------------------------

static bool is_hlo(const PJRT_Program *program) {
  return program->format_size == 3 && memcmp(program->format, "hlo", 3) == 0;
}

PJRT_Error *pj_broken_hlo_damaged_crash(PJRT_Client_Compile_Args *args) {
  const PJRT_Program *program = args->program;
  if (is_hlo(program) && program->code_size > 8 && program->code[0] != 0x0a)
    *(volatile char *)(uintptr_t)program->code[1];
  return pj_real->PJRT_Client_Compile(args);
}

PJRT_Error *pj_broken_hlo_cut_crash(PJRT_Client_Compile_Args *args) {
  const PJRT_Program *program = args->program;
  if (is_hlo(program) && program->code_size < 8)
    *(volatile char *)program->code_size;
  return pj_real->PJRT_Client_Compile(args);
}

PJRT_Error *pj_broken_hlo_anything(PJRT_Client_Compile_Args *args) {
  const PJRT_Program *given = args->program;
  if (!is_hlo(given))
    return pj_real->PJRT_Client_Compile(args);
  PJRT_Program program = *given;
  program.code = (char *)some_program;
  program.code_size = sizeof some_program - 1;
  program.format = "mlir";
  program.format_size = 4;
  args->program = &program;
  PJRT_Error *error = pj_real->PJRT_Client_Compile(args);
  args->program = given;
  return error;
}

PJRT_Error *pj_broken_feeds_crash(PJRT_Client_Compile_Args *args) {
  const PJRT_Program *program = args->program;
  if (memmem(program->code, program->code_size, "infeed", 6))
    *(volatile char *)program->format_size;
  return pj_real->PJRT_Client_Compile(args);
}

PJRT_Error *pj_broken_tuple_argument(PJRT_Client_Compile_Args *args) {
  // CompileOptionsProto: parameter_is_tupled_arguments 2.
  bool tupled = memmem(args->compile_options, args->compile_options_size, "\x10\x01", 2) ==
                args->compile_options;
  return tupled ? pj_broken_invalid() : pj_real->PJRT_Client_Compile(args);
}

PJRT_Error *pj_broken_tuple_result(PJRT_Executable_NumOutputs_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Executable_NumOutputs(args);
  args->num_outputs = args->num_outputs > 0;
  return error;
}

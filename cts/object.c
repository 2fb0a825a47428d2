// Clients, buffers, events and executables as tests handle them.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

PJRT_Client *client;
PJRT_Device *device;
size_t pj_first_device;

const char program_add[] =
    "func.func public @main(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {\n"
    "  %0 = stablehlo.add %a, %b : tensor<4xf32>\n"
    "  return %0 : tensor<4xf32>\n}\n";
const char program_two[] =
    "func.func public @main(%a: tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>) {\n"
    "  %zero = stablehlo.constant dense<0.0> : tensor<f32>\n"
    "  %0 = stablehlo.negate %a : tensor<4xf32>\n"
    "  %1 = stablehlo.reduce(%a init: %zero) applies stablehlo.add across dimensions = [0] : "
    "(tensor<4xf32>, tensor<f32>) -> tensor<f32>\n"
    "  return %0, %1 : tensor<4xf32>, tensor<f32>\n}\n";
const char program_identity[] = "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
                                "  return %a : tensor<4xf32>\n}\n";
const char program_donate[] =
    "func.func public @main(%a: tensor<4xf32> {tf.aliasing_output = 0 : i32}) -> tensor<4xf32> {\n"
    "  %0 = stablehlo.add %a, %a : tensor<4xf32>\n"
    "  return %0 : tensor<4xf32>\n}\n";
const char program_none[] = "func.func public @main() -> tensor<2xf32> {\n"
                            "  %0 = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>\n"
                            "  return %0 : tensor<2xf32>\n}\n";
const char program_slow[] =
    "func.func public @main(%a: tensor<256x256xf32>, %n: tensor<i32>) -> tensor<256x256xf32> {\n"
    "  %zero = stablehlo.constant dense<0> : tensor<i32>\n"
    "  %one = stablehlo.constant dense<1> : tensor<i32>\n"
    "  %0:2 = stablehlo.while(%i = %zero, %x = %a) : tensor<i32>, tensor<256x256xf32>\n"
    "  cond {\n"
    "    %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "    stablehlo.return %c : tensor<i1>\n"
    "  } do {\n"
    "    %j = stablehlo.add %i, %one : tensor<i32>\n"
    "    %y = stablehlo.dot_general %x, %a, contracting_dims = [1] x [0] : (tensor<256x256xf32>, "
    "tensor<256x256xf32>) -> tensor<256x256xf32>\n"
    "    stablehlo.return %j, %y : tensor<i32>, tensor<256x256xf32>\n"
    "  }\n"
    "  return %0#1 : tensor<256x256xf32>\n}\n";

void pj_initialize(void) {
  static bool called;
  if (called)
    return;
  called = true;
  ARGS(Plugin_Initialize, args);
  OK(Plugin_Initialize, args);
}

static PJRT_Client *create(const PJRT_NamedValue *options, size_t count) {
  ARGS(Client_Create, args, .create_options = options, .num_options = count);
  OK(Client_Create, args);
  CHECK(args.client, "PJRT_Client_Create succeeds with a null client");
  return args.client;
}

void start(void) {
  pj_initialize();
  client = create(pj_options, pj_num_options);
  CHECK(num_devices() > 0, "the client has no addressable device");
  device = device_at(0);
}

void stop(void) {
  ARGS(Client_Destroy, args, .client = client);
  OK(Client_Destroy, args);
  client = NULL;
}

void start_several(size_t count) {
  start();
  if (num_devices() >= count)
    return;
  stop();
  // Without a word of the profile, the option by which XLA's own CPU plugin is asked.
  PJRT_NamedValue guess = {.struct_size = PJRT_NamedValue_STRUCT_SIZE,
                           .name = "cpu_device_count",
                           .name_size = 16,
                           .type = PJRT_NamedValue_kInt64,
                           .int64_value = 4,
                           .value_size = 1};
  PJRT_NamedValue all[64];
  size_t more = pj_num_several_options ? pj_num_several_options : 1;
  CHECK(pj_num_options + more <= 64, "too many options");
  if (pj_num_options)
    memcpy(all, pj_options, pj_num_options * sizeof *all);
  memcpy(all + pj_num_options, pj_num_several_options ? pj_several_options : &guess,
         more * sizeof *all);
  ARGS(Client_Create, args, .create_options = all, .num_options = pj_num_options + more);
  PJRT_Error *error = CALL(Client_Create, args);
  if (error && pj_num_several_options)
    FAIL("a client with the profile's `several` options: %s", pj_error_text(error));
  if (error)
    pj_not_offered("one device only (the create option cpu_device_count is refused: %s); the "
                   "profile's line `several NAME=VALUE` may tell how to get more",
                   pj_error_text(error));
  client = args.client;
  if (num_devices() < count)
    pj_not_offered("%zu devices are needed, the client has %zu", count, num_devices());
  device = device_at(0);
}

static PJRT_Device *const *addressable(size_t *count) {
  ARGS(Client_AddressableDevices, args, .client = client);
  OK(Client_AddressableDevices, args);
  *count = args.num_addressable_devices;
  return args.addressable_devices;
}

size_t num_devices(void) {
  size_t count;
  addressable(&count);
  return count;
}

PJRT_Device *device_at(size_t index) {
  size_t count;
  PJRT_Device *const *all = addressable(&count);
  CHECK(index < count, "no device %zu", index);
  CHECK(all && all[index], "device %zu is null", index);
  return all[index];
}

int device_id(PJRT_Device *of) {
  ARGS(Device_GetDescription, get, .device = of);
  OK(Device_GetDescription, get);
  ARGS(DeviceDescription_Id, id, .device_description = get.device_description);
  OK(DeviceDescription_Id, id);
  return id.id;
}

PJRT_Memory *default_memory(PJRT_Device *of) {
  ARGS(Device_DefaultMemory, args, .device = of);
  OK(Device_DefaultMemory, args);
  CHECK(args.memory, "the default memory is null");
  return args.memory;
}

// --- Events --------------------------------------------------------------------------------------

bool is_ready(PJRT_Event *event) {
  ARGS(Event_IsReady, args, .event = event);
  OK(Event_IsReady, args);
  return args.is_ready;
}

void destroy_event(PJRT_Event *event) {
  ARGS(Event_Destroy, args, .event = event);
  OK(Event_Destroy, args);
}

PJRT_Error *await_event(PJRT_Event *event) {
  ARGS(Event_Await, args, .event = event);
  PJRT_Error *error = CALL(Event_Await, args);
  destroy_event(event);
  return error;
}

void await_ok(PJRT_Event *event, const char *what) {
  if (!event)
    return;
  PJRT_Error *error = await_event(event);
  if (error)
    FAIL("the event of %s has the error %s: %s", what, pj_code_text(pj_error_code(error)),
         pj_error_text(error));
}

PJRT_Event *ready_event(PJRT_Buffer *buffer) {
  ARGS(Buffer_ReadyEvent, args, .buffer = buffer);
  OK(Buffer_ReadyEvent, args);
  CHECK(args.event, "PJRT_Buffer_ReadyEvent succeeds with a null event");
  return args.event;
}

// --- Buffers -------------------------------------------------------------------------------------

PJRT_Buffer *make_buffer(PJRT_Device *on, PJRT_Buffer_Type type, size_t rank, const int64_t *dims,
                         const void *data) {
  ARGS(Client_BufferFromHostBuffer, args, .client = client, .data = data, .type = type,
       .dims = dims, .num_dims = rank, .device = on);
  args.host_buffer_semantics = PJRT_HostBufferSemantics_kImmutableOnlyDuringCall;
  OK(Client_BufferFromHostBuffer, args);
  CHECK(args.buffer, "PJRT_Client_BufferFromHostBuffer succeeds with a null buffer");
  await_ok(args.done_with_host_buffer, "the upload");
  return args.buffer;
}

PJRT_Buffer *make_f32(size_t count, const float *data) {
  int64_t dims[1] = {(int64_t)count};
  return make_buffer(device, PJRT_Buffer_Type_F32, 1, dims, data);
}

void read_buffer(PJRT_Buffer *buffer, void *out, size_t size) {
  // Hosts ask in row-major order: the layout of the device is the plugin's own.
  ARGS(Buffer_Dimensions, shape, .buffer = buffer);
  OK(Buffer_Dimensions, shape);
  int64_t order[64];
  CHECK(shape.num_dims <= 64, "a buffer of %zu dimensions", shape.num_dims);
  for (size_t i = 0; i < shape.num_dims; i++)
    order[i] = (int64_t)(shape.num_dims - 1 - i);
  PJRT_Buffer_MemoryLayout layout = {.struct_size = PJRT_Buffer_MemoryLayout_STRUCT_SIZE};
  layout.type = PJRT_Buffer_MemoryLayout_Type_Tiled;
  layout.tiled.struct_size = PJRT_Buffer_MemoryLayout_Tiled_STRUCT_SIZE;
  layout.tiled.minor_to_major = order;
  layout.tiled.minor_to_major_size = shape.num_dims;
  ARGS(Buffer_ToHostBuffer, ask, .src = buffer, .host_layout = &layout);
  ask.dst_size = 77777;
  OK(Buffer_ToHostBuffer, ask);
  EQUAL(ask.dst_size, size, "the size that PJRT_Buffer_ToHostBuffer asks for");
  char none;
  ARGS(Buffer_ToHostBuffer, copy, .src = buffer, .host_layout = &layout, .dst = size ? out : &none,
       .dst_size = size);
  OK(Buffer_ToHostBuffer, copy);
  CHECK(copy.event, "PJRT_Buffer_ToHostBuffer succeeds with a null event");
  await_ok(copy.event, "the download");
}

void destroy_buffer(PJRT_Buffer *buffer) {
  ARGS(Buffer_Destroy, args, .buffer = buffer);
  OK(Buffer_Destroy, args);
}

bool is_deleted(PJRT_Buffer *buffer) {
  ARGS(Buffer_IsDeleted, args, .buffer = buffer);
  OK(Buffer_IsDeleted, args);
  return args.is_deleted;
}

void expect_f32(PJRT_Buffer *buffer, size_t count, const float *want, const char *what) {
  float *got = malloc(count ? count * sizeof *got : 1);
  read_buffer(buffer, got, count * sizeof *got);
  for (size_t i = 0; i < count; i++)
    CHECK(got[i] == want[i], "%s: element %zu is %.9g, not %.9g", what, i, (double)got[i],
          (double)want[i]);
  free(got);
}

// --- Executables ---------------------------------------------------------------------------------

const char *compile_options(int replicas, int partitions, size_t *size) {
  // CompileOptionsProto {executable_build_options (3) {device_ordinal (1) = -1, num_replicas (4),
  // num_partitions (5), use_spmd_partitioning (6), device_assignment (9) {replica_count,
  // computation_count, per computation its devices}}}
  static unsigned char bytes[256];
  unsigned char inner[200], list[160];
  size_t n = 0, m = 0;
  list[m++] = 0x08;
  list[m++] = (unsigned char)replicas;
  list[m++] = 0x10;
  list[m++] = (unsigned char)partitions;
  for (int p = 0; p < partitions; p++) {
    list[m++] = 0x1a;
    list[m++] = (unsigned char)(2 + replicas);
    list[m++] = 0x0a;
    list[m++] = (unsigned char)replicas;
    for (int r = 0; r < replicas; r++)
      list[m++] =
          (unsigned char)device_id(device_at(pj_first_device + (size_t)(r * partitions + p)));
  }
  inner[n++] = 0x08;
  for (int i = 0; i < 9; i++)
    inner[n++] = 0xff;
  inner[n++] = 0x01;
  inner[n++] = 0x20;
  inner[n++] = (unsigned char)replicas;
  inner[n++] = 0x28;
  inner[n++] = (unsigned char)partitions;
  inner[n++] = 0x30;
  inner[n++] = partitions > 1;
  inner[n++] = 0x4a;
  inner[n++] = (unsigned char)m;
  memcpy(inner + n, list, m);
  n += m;
  bytes[0] = 0x1a;
  bytes[1] = (unsigned char)n;
  memcpy(bytes + 2, inner, n);
  *size = n + 2;
  return (const char *)bytes;
}

PJRT_Error *try_compile(const char *code, size_t code_size, const char *format, const char *options,
                        size_t options_size, PJRT_LoadedExecutable **out) {
  char *copy = malloc(code_size + 1); // exactly as long as said, and gone after the call
  memcpy(copy, code, code_size);
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE,
                          .code = copy,
                          .code_size = code_size,
                          .format = format,
                          .format_size = strlen(format)};
  ARGS(Client_Compile, args, .client = client, .program = &program, .compile_options = options,
       .compile_options_size = options_size);
  PJRT_Error *error = CALL(Client_Compile, args);
  memset(copy, 0xee, code_size);
  free(copy);
  CHECK(error || args.executable, "PJRT_Client_Compile succeeds with a null executable");
  *out = error ? NULL : args.executable;
  return error;
}

PJRT_LoadedExecutable *compile(const char *text) {
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_LoadedExecutable *loaded;
  pj_expect_ok(PJ_SLOT_Client_Compile,
               try_compile(text, strlen(text), "mlir", options, size, &loaded), __FILE__, __LINE__);
  return loaded;
}

PJRT_Executable *executable_of(PJRT_LoadedExecutable *loaded) {
  ARGS(LoadedExecutable_GetExecutable, args, .loaded_executable = loaded);
  OK(LoadedExecutable_GetExecutable, args);
  CHECK(args.executable, "PJRT_LoadedExecutable_GetExecutable succeeds with null");
  return args.executable;
}

void destroy_executable(PJRT_Executable *executable) {
  ARGS(Executable_Destroy, args, .executable = executable);
  OK(Executable_Destroy, args);
}

void destroy_loaded(PJRT_LoadedExecutable *loaded) {
  ARGS(LoadedExecutable_Destroy, args, .executable = loaded);
  OK(LoadedExecutable_Destroy, args);
}

PJRT_Error *try_execute(PJRT_LoadedExecutable *loaded, size_t num_args, PJRT_Buffer **args,
                        PJRT_Buffer **outputs) {
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  PJRT_Buffer *const *const argument_lists[1] = {args};
  PJRT_Buffer **const output_lists[1] = {outputs};
  PJRT_Event *event = NULL;
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = num_args,
       .output_lists = output_lists, .device_complete_events = &event);
  PJRT_Error *error = CALL(LoadedExecutable_Execute, run);
  if (error)
    return error;
  CHECK(event, "PJRT_LoadedExecutable_Execute succeeds and leaves the device's event null");
  return await_event(event);
}

void execute(PJRT_LoadedExecutable *loaded, size_t num_args, PJRT_Buffer **args,
             PJRT_Buffer **outputs) {
  pj_expect_ok(PJ_SLOT_LoadedExecutable_Execute, try_execute(loaded, num_args, args, outputs),
               __FILE__, __LINE__);
}

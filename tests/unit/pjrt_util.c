// See pjrt_util.h.
#include "pjrt_util.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

const PJRT_Api *api;
PJRT_Client *client;

int plugin_setup(void **state) {
  (void)state;
  void *plugin = dlopen(PJ_BINARY_DIR "/pjrt_plugin_cpu.so", RTLD_LAZY | RTLD_LOCAL);
  if (!plugin) {
    fprintf(stderr, "%s\n", dlerror());
    return -1;
  }
  PJRT_GetPjrtApi *get = (PJRT_GetPjrtApi *)(uintptr_t)dlsym(plugin, "GetPjrtApi");
  api = get();
  PJRT_NamedValue option = {.struct_size = PJRT_NamedValue_STRUCT_SIZE,
                            .name = "cpu_device_count",
                            .name_size = 16,
                            .type = PJRT_NamedValue_kInt64,
                            .int64_value = 2,
                            .value_size = 1};
  ARGS(Client_Create, create, .create_options = &option, .num_options = 1);
  OK(Client_Create, create);
  client = create.client;
  return 0;
}

int plugin_teardown(void **state) {
  (void)state;
  ARGS(Client_Destroy, destroy, .client = client);
  OK(Client_Destroy, destroy);
  return 0;
}

static void describe(PJRT_Error *error, char *out, size_t room, PJRT_Error_Code *code) {
  ARGS(Error_Message, message, .error = error);
  api->PJRT_Error_Message(&message);
  snprintf(out, room, "%.*s", (int)message.message_size, message.message);
  ARGS(Error_GetCode, get, .error = error);
  assert_null(api->PJRT_Error_GetCode(&get));
  *code = get.code;
  ARGS(Error_Destroy, destroy, .error = error);
  api->PJRT_Error_Destroy(&destroy);
}

void expect_ok(PJRT_Error *error, const char *what, const char *file, int line) {
  if (!error)
    return;
  char text[2048];
  PJRT_Error_Code code;
  describe(error, text, sizeof text, &code);
  print_error("%s: code %d: %s\n", what, (int)code, text);
  _fail(file, line);
}

void expect_error(PJRT_Error *error, PJRT_Error_Code code, const char *text, const char *what,
                  const char *file, int line) {
  if (!error) {
    print_error("%s succeeded, but should have failed with \"%s\"\n", what, text);
    _fail(file, line);
  }
  char message[2048];
  PJRT_Error_Code actual;
  describe(error, message, sizeof message, &actual);
  if (actual == code && strstr(message, text))
    return;
  print_error("%s: code %d (expected %d), message \"%s\" (expected to hold \"%s\")\n", what,
              (int)actual, (int)code, message, text);
  _fail(file, line);
}

PJRT_Device *device_at(size_t index) {
  ARGS(Client_AddressableDevices, list, .client = client);
  OK(Client_AddressableDevices, list);
  assert_true(index < list.num_addressable_devices);
  return list.addressable_devices[index];
}

PJRT_Memory *memory_of_kind(PJRT_Device *device, const char *kind) {
  ARGS(Device_AddressableMemories, list, .device = device);
  OK(Device_AddressableMemories, list);
  for (size_t i = 0; i < list.num_memories; i++) {
    ARGS(Memory_Kind, get, .memory = list.memories[i]);
    OK(Memory_Kind, get);
    if (get.kind_size == strlen(kind) && !memcmp(get.kind, kind, get.kind_size))
      return list.memories[i];
  }
  fail_msg("no memory of kind %s", kind);
  return NULL;
}

PJRT_Buffer *make_buffer(PJRT_Device *device, PJRT_Buffer_Type type, size_t rank,
                         const int64_t *dims, const void *data) {
  ARGS(Client_BufferFromHostBuffer, make, .client = client, .data = data, .type = type,
       .dims = dims, .num_dims = rank, .device = device,
       .host_buffer_semantics = PJRT_HostBufferSemantics_kImmutableOnlyDuringCall);
  OK(Client_BufferFromHostBuffer, make);
  expect_ok(await_event(make.done_with_host_buffer), "done_with_host_buffer", __FILE__, __LINE__);
  return make.buffer;
}

PJRT_Error *await_event(PJRT_Event *event) {
  ARGS(Event_Await, await, .event = event);
  PJRT_Error *error = api->PJRT_Event_Await(&await);
  ARGS(Event_Destroy, destroy, .event = event);
  OK(Event_Destroy, destroy);
  return error;
}

void read_buffer(PJRT_Buffer *buffer, void *out, size_t size) {
  ARGS(Buffer_ToHostBuffer, ask, .src = buffer);
  OK(Buffer_ToHostBuffer, ask);
  assert_null(ask.event);
  assert_int_equal(ask.dst_size, size);
  ARGS(Buffer_ToHostBuffer, copy, .src = buffer, .dst = out, .dst_size = size);
  OK(Buffer_ToHostBuffer, copy);
  expect_ok(await_event(copy.event), "ToHostBuffer's event", __FILE__, __LINE__);
}

void destroy_buffer(PJRT_Buffer *buffer) {
  ARGS(Buffer_Destroy, destroy, .buffer = buffer);
  OK(Buffer_Destroy, destroy);
}

bool is_deleted(PJRT_Buffer *buffer) {
  ARGS(Buffer_IsDeleted, ask, .buffer = buffer);
  OK(Buffer_IsDeleted, ask);
  return ask.is_deleted;
}

const char *compile_options(int replicas, int partitions, size_t *size) {
  // { executable_build_options (3): { num_replicas (4), num_partitions (5) } }
  static char bytes[6];
  const char proto[6] = {0x1a, 4, 0x20, (char)replicas, 0x28, (char)partitions};
  memcpy(bytes, proto, sizeof bytes);
  *size = sizeof bytes;
  return bytes;
}

PJRT_Error *try_compile(const char *code, size_t code_size, const char *format, const char *options,
                        size_t options_size, PJRT_LoadedExecutable **out) {
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE,
                          .code = (char *)(uintptr_t)code,
                          .code_size = code_size,
                          .format = format,
                          .format_size = strlen(format)};
  ARGS(Client_Compile, compile, .client = client, .program = &program, .compile_options = options,
       .compile_options_size = options_size);
  PJRT_Error *error = api->PJRT_Client_Compile(&compile);
  *out = compile.executable;
  return error;
}

PJRT_LoadedExecutable *compile(const char *text) {
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_LoadedExecutable *executable;
  expect_ok(try_compile(text, strlen(text), "mlir", options, size, &executable), "compile",
            __FILE__, __LINE__);
  assert_non_null(executable);
  return executable;
}

void destroy_executable(PJRT_LoadedExecutable *executable) {
  ARGS(LoadedExecutable_Destroy, destroy, .executable = executable);
  OK(LoadedExecutable_Destroy, destroy);
}

PJRT_Error *try_execute(PJRT_LoadedExecutable *executable, size_t num_args, PJRT_Buffer **args,
                        PJRT_Buffer **outputs) {
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  PJRT_Buffer *const *arg_list = args;
  ARGS(LoadedExecutable_Execute, execute, .executable = executable, .options = &options,
       .argument_lists = &arg_list, .num_devices = 1, .num_args = num_args,
       .output_lists = &outputs);
  return api->PJRT_LoadedExecutable_Execute(&execute);
}

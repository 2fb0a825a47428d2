// The extensions that frameworks use: layouts, shardings, memory descriptions, FFI.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "pjrt/ext/ffi.h"
#include "pjrt/ext/layouts.h"
#include "pjrt/ext/memory_descriptions.h"
#include "pjrt/ext/profiler.h"
#include "pjrt/ext/shardings.h"
#include "pjrt/ext/xla_ffi.h"

static const void *extension(PJRT_Extension_Type type, size_t size, const char *what) {
  for (PJRT_Extension_Base *e = pj_api_given->extension_start; e; e = e->next)
    if (e->type == type) {
      CHECK(e->struct_size >= size, "struct_size of the extension is %zu, %zu is due",
            e->struct_size, size);
      return e;
    }
  pj_not_offered("no extension %s", what);
}

static void ok(PJRT_Error *error, const char *what) {
  CHECK(!error, "%s: %s", what, pj_error_text(error));
}

static void expect_layout(const PJRT_Layouts_Extension *ext, PJRT_Layouts_MemoryLayout *layout,
                          const char *want, bool destroy, const char *what) {
  CHECK(layout, "%s: a null layout", what);
  PJRT_Layouts_MemoryLayout_Serialize_Args text = {
      .struct_size = PJRT_Layouts_MemoryLayout_Serialize_Args_STRUCT_SIZE, .layout = layout};
  ok(ext->PJRT_Layouts_MemoryLayout_Serialize(&text), "PJRT_Layouts_MemoryLayout_Serialize");
  CHECK(text.serialized_layout_deleter, "no deleter");
  if (want)
    CHECK(text.serialized_bytes_size == strlen(want) &&
              memcmp(text.serialized_bytes, want, strlen(want)) == 0,
          "%s: the layout is '%.*s', not '%s'", what, (int)text.serialized_bytes_size,
          text.serialized_bytes, want);
  text.serialized_layout_deleter(text.serialized_layout);
  PJRT_Layouts_MemoryLayout_Destroy_Args free_args = {
      .struct_size = PJRT_Layouts_MemoryLayout_Destroy_Args_STRUCT_SIZE, .layout = layout};
  if (destroy)
    ok(ext->PJRT_Layouts_MemoryLayout_Destroy(&free_args), "PJRT_Layouts_MemoryLayout_Destroy");
}

static const PJRT_Layouts_Extension *layouts(void) {
  const PJRT_Layouts_Extension *ext = extension(
      PJRT_Extension_Type_Layouts,
      PJRT_STRUCT_SIZE(PJRT_Layouts_Extension, PJRT_Layouts_PJRT_Buffer_MemoryLayout), "Layouts");
  start();
  return ext;
}

static void layout_default(void) {
  const PJRT_Layouts_Extension *ext = layouts();
  PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args args = {
      .struct_size = PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args_STRUCT_SIZE,
      .client = client,
      .type = PJRT_Buffer_Type_F32,
      .dims = (int64_t[]){2, 3},
      .num_dims = 2};
  ok(ext->PJRT_Layouts_PJRT_Client_GetDefaultLayout(&args), "the default layout");
  expect_layout(ext, args.layout, NULL, true, "the default layout of f32[2,3]");
  stop();
}

static void layout_topology(void) {
  const PJRT_Layouts_Extension *ext = layouts();
  if (ext->base.struct_size <
      PJRT_STRUCT_SIZE(PJRT_Layouts_Extension, PJRT_Layouts_PJRT_Topology_GetDefaultLayout))
    pj_not_offered("default layouts of topologies");
  ARGS(Client_TopologyDescription, topology, .client = client);
  OK(Client_TopologyDescription, topology);
  PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args args = {
      .struct_size = PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args_STRUCT_SIZE,
      .topology_description = topology.topology,
      .type = PJRT_Buffer_Type_F32,
      .dims = (int64_t[]){2, 3},
      .num_dims = 2};
  ok(ext->PJRT_Layouts_PJRT_Topology_GetDefaultLayout(&args), "the default layout");
  PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args same = {
      .struct_size = PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args_STRUCT_SIZE,
      .client = client,
      .type = PJRT_Buffer_Type_F32,
      .dims = (int64_t[]){2, 3},
      .num_dims = 2};
  ok(ext->PJRT_Layouts_PJRT_Client_GetDefaultLayout(&same), "the default layout");
  CHECK(same.layout, "the client's default layout is null");
  PJRT_Layouts_MemoryLayout_Serialize_Args text = {
      .struct_size = PJRT_Layouts_MemoryLayout_Serialize_Args_STRUCT_SIZE, .layout = same.layout};
  ok(ext->PJRT_Layouts_MemoryLayout_Serialize(&text), "PJRT_Layouts_MemoryLayout_Serialize");
  char want[256];
  snprintf(want, sizeof want, "%.*s", (int)text.serialized_bytes_size, text.serialized_bytes);
  text.serialized_layout_deleter(text.serialized_layout);
  expect_layout(ext, same.layout, want, true, "the client's default layout of f32[2,3]");
  expect_layout(ext, args.layout, want, true, "the topology's default layout of f32[2,3]");
  stop();
}

static void layout_buffer(void) {
  const PJRT_Layouts_Extension *ext = layouts();
  PJRT_Buffer *b = make_f32(4, (float[]){1, 2, 3, 4});
  PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args args = {
      .struct_size = PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args_STRUCT_SIZE, .buffer = b};
  ok(ext->PJRT_Layouts_PJRT_Buffer_MemoryLayout(&args), "the layout of a buffer");
  destroy_buffer(b); // the layout is the caller's
  expect_layout(ext, args.layout, NULL, true, "the layout of a buffer");
  stop();
}

static void layout_executable(void) {
  const PJRT_Layouts_Extension *ext = layouts();
  if (ext->base.struct_size < PJRT_Layouts_Extension_STRUCT_SIZE)
    pj_not_offered("layouts of parameters");
  PJRT_LoadedExecutable *loaded = compile(program_two);
  PJRT_Executable *executable = executable_of(loaded);
  PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args out = {
      .struct_size = PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args_STRUCT_SIZE,
      .executable = executable};
  ok(ext->PJRT_Layouts_PJRT_Executable_GetOutputLayouts(&out), "the layouts of outputs");
  EQUAL(out.num_outputs, 2, "the number of layouts of outputs");
  for (int i = 0; i < 2; i++) // the list belongs to the executable
    expect_layout(ext, out.layouts[i], NULL, false, "the layout of an output");
  PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args in = {
      .struct_size = PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args_STRUCT_SIZE,
      .executable = executable};
  ok(ext->PJRT_Layouts_PJRT_Executable_GetParameterLayouts(&in), "the layouts of parameters");
  EQUAL(in.num_parameters, 1, "the number of layouts of parameters");
  expect_layout(ext, in.layouts[0], NULL, false, "the layout of a parameter");
  destroy_executable(executable);
  destroy_loaded(loaded);
  stop();
}

static void shardings(void) {
  const PJRT_Shardings_Extension *ext =
      extension(PJRT_Extension_Type_Shardings, sizeof *ext, "Shardings");
  start();
  PJRT_LoadedExecutable *loaded = compile(program_two);
  PJRT_Executable *executable = executable_of(loaded);
  PJRT_Shardings_PJRT_Executable_ParameterShardings_Args in = {
      .struct_size =
          PJRT_STRUCT_SIZE(PJRT_Shardings_PJRT_Executable_ParameterShardings_Args, sharding_sizes),
      .executable = executable};
  ok(ext->PJRT_Shardings_PJRT_Executable_ParameterShardings(&in), "shardings of parameters");
  if (in.shardings)
    EQUAL(in.num_parameters, 1, "the number of shardings of parameters");
  PJRT_Shardings_PJRT_Executable_OutputShardings_Args out = {
      .struct_size =
          PJRT_STRUCT_SIZE(PJRT_Shardings_PJRT_Executable_OutputShardings_Args, sharding_sizes),
      .executable = executable};
  ok(ext->PJRT_Shardings_PJRT_Executable_OutputShardings(&out), "shardings of outputs");
  if (out.shardings)
    EQUAL(out.num_outputs, 2, "the number of shardings of outputs");
  destroy_executable(executable);
  destroy_loaded(loaded);
  stop();
}

static void descriptions(void) {
  const PJRT_MemoryDescriptions_Extension *ext =
      extension(PJRT_Extension_Type_MemoryDescriptions,
                PJRT_MemoryDescriptions_Extension_STRUCT_SIZE, "MemoryDescriptions");
  start();
  ARGS(Device_GetDescription, get, .device = device);
  OK(Device_GetDescription, get);
  PJRT_DeviceDescription_MemoryDescriptions_Args list = {
      .struct_size = PJRT_DeviceDescription_MemoryDescriptions_Args_STRUCT_SIZE,
      .device_description = get.device_description};
  ok(ext->PJRT_DeviceDescription_MemoryDescriptions(&list), "the list");
  CHECK(list.num_memory_descriptions > 0, "no memory is described");
  CHECK(list.default_memory_index < list.num_memory_descriptions,
        "the default memory is number %zu of %zu", list.default_memory_index,
        list.num_memory_descriptions);
  for (size_t i = 0; i < list.num_memory_descriptions; i++) {
    PJRT_MemoryDescription_Kind_Args kind = {.struct_size =
                                                 PJRT_MemoryDescription_Kind_Args_STRUCT_SIZE,
                                             .memory_description = list.memory_descriptions[i]};
    ok(ext->PJRT_MemoryDescription_Kind(&kind), "the kind");
    CHECK(kind.kind && kind.kind_size, "memory %zu has no kind", i);
    CHECK(i != list.default_memory_index ||
              (kind.kind_size == 6 && memcmp(kind.kind, "device", 6) == 0),
          "the default memory is of kind '%.*s'", (int)kind.kind_size, kind.kind);
  }
  stop();
}

static int freed;
static void count_freed(void *object) {
  freed += *(int *)object;
}

static void user_data(void) {
  const PJRT_FFI_Extension *ext = extension(
      PJRT_Extension_Type_FFI, PJRT_STRUCT_SIZE(PJRT_FFI_Extension, user_data_add), "FFI");
  PJRT_FFI_Type_Info info = {.deleter = count_freed};
  PJRT_FFI_Type_Register_Args type = {.struct_size = PJRT_FFI_Type_Register_Args_STRUCT_SIZE,
                                      .type_name = "pjrt_check_type",
                                      .type_name_size = 15,
                                      .type_info = &info};
  ok(ext->type_register(&type), "registering a type");
  CHECK(type.type_id, "the type has no id");
  ARGS(ExecuteContext_Create, make);
  OK(ExecuteContext_Create, make);
  static int one = 1;
  PJRT_FFI_UserData_Add_Args add = {.struct_size = PJRT_FFI_UserData_Add_Args_STRUCT_SIZE,
                                    .context = make.context,
                                    .user_data = {.type_id = type.type_id, .data = &one}};
  ok(ext->user_data_add(&add), "adding user data");
  ARGS(ExecuteContext_Destroy, destroy, .context = make.context);
  OK(ExecuteContext_Destroy, destroy);
  CHECK(freed <= 1, "the deleter of user data ran %d times", freed);
}

static void types(void) {
  const PJRT_FFI_Extension *ext = extension(
      PJRT_Extension_Type_FFI, PJRT_STRUCT_SIZE(PJRT_FFI_Extension, user_data_add), "FFI");
  start();
  static const char *const names[3] = {"pjrt_check_a", "pjrt_check_b", "pjrt_check_a"};
  int64_t ids[3];
  for (int i = 0; i < 3; i++) {
    PJRT_FFI_Type_Register_Args type = {.struct_size = PJRT_FFI_Type_Register_Args_STRUCT_SIZE,
                                        .type_name = names[i],
                                        .type_name_size = 12};
    ok(ext->type_register(&type), "registering a type");
    ids[i] = type.type_id;
  }
  CHECK(ids[0] != ids[1], "two types have one id");
  CHECK(ids[0] == ids[2], "one type has two ids");
  stop();
}

// Results are the operand, each element plus what the host has put into the context.
static int64_t offset_type;
static XLA_FFI_Error *add_offset(XLA_FFI_CallFrame *frame) {
  if (frame->extension_start && frame->extension_start->type == XLA_FFI_Extension_Metadata) {
    XLA_FFI_Metadata *metadata = ((XLA_FFI_Metadata_Extension *)frame->extension_start)->metadata;
    metadata->api_version.major_version = XLA_FFI_API_MAJOR;
    metadata->api_version.minor_version = XLA_FFI_API_MINOR;
    return NULL;
  }
  if (frame->stage != XLA_FFI_ExecutionStage_EXECUTE)
    return NULL;
  CHECK(frame->args.size == 1 && frame->rets.size == 1, "a handler gets %d arguments, %d results",
        (int)frame->args.size, (int)frame->rets.size);
  const XLA_FFI_Buffer *in = frame->args.args[0], *out = frame->rets.rets[0];
  CHECK(in->dtype == XLA_FFI_DataType_F32 && in->rank == 1 && in->dims[0] == 4,
        "a handler gets another array than the program has");
  XLA_FFI_TypeId id = {offset_type};
  XLA_FFI_ExecutionContext_Get_Args get = {.struct_size =
                                               XLA_FFI_ExecutionContext_Get_Args_STRUCT_SIZE,
                                           .ctx = frame->ctx,
                                           .type_id = &id};
  XLA_FFI_Error *error = frame->api->XLA_FFI_ExecutionContext_Get(&get);
  if (error)
    return error;
  for (int i = 0; i < 4; i++)
    ((float *)out->data)[i] = ((const float *)in->data)[i] + *(const float *)get.data;
  return NULL;
}

static void handler(void) {
  const PJRT_FFI_Extension *ext = extension(
      PJRT_Extension_Type_FFI, PJRT_STRUCT_SIZE(PJRT_FFI_Extension, register_handler), "FFI");
  start();
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  ARGS(Buffer_IsOnCpu, cpu, .buffer = a);
  OK(Buffer_IsOnCpu, cpu);
  if (!cpu.is_on_cpu)
    pj_not_offered("the buffer is not in memory that the host can read");
  ARGS(Client_PlatformName, platform, .client = client);
  OK(Client_PlatformName, platform);
  PJRT_FFI_Register_Handler_Args add = {.struct_size = PJRT_FFI_Register_Handler_Args_STRUCT_SIZE,
                                        .target_name = "pjrt_check_add",
                                        .target_name_size = 14,
                                        .platform_name = platform.platform_name,
                                        .platform_name_size = platform.platform_name_size};
  XLA_FFI_Handler *function = add_offset;
  memcpy(&add.handler, &function, sizeof function);
  ok(ext->register_handler(&add), "registering a handler");
  PJRT_FFI_Type_Register_Args type = {.struct_size = PJRT_FFI_Type_Register_Args_STRUCT_SIZE,
                                      .type_name = "pjrt_check_offset",
                                      .type_name_size = 17};
  ok(ext->type_register(&type), "registering a type");
  offset_type = type.type_id;
  ARGS(ExecuteContext_Create, make);
  OK(ExecuteContext_Create, make);
  static float offset = 100;
  PJRT_FFI_UserData_Add_Args data = {.struct_size = PJRT_FFI_UserData_Add_Args_STRUCT_SIZE,
                                     .context = make.context,
                                     .user_data = {.type_id = type.type_id, .data = &offset}};
  ok(ext->user_data_add(&data), "adding user data");
  PJRT_LoadedExecutable *loaded =
      compile("func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
              "  %0 = stablehlo.custom_call @pjrt_check_add(%a) {api_version = 4 : i32, "
              "mhlo.backend_config = {}} : (tensor<4xf32>) -> tensor<4xf32>\n"
              "  return %0 : tensor<4xf32>\n}\n");
  PJRT_Buffer *const *const argument_lists[1] = {&a};
  PJRT_Buffer **const output_lists[1] = {&out};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                 .context = make.context};
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = 1,
       .output_lists = output_lists);
  OK(LoadedExecutable_Execute, run);
  ARGS(ExecuteContext_Destroy, destroy, .context = make.context);
  OK(ExecuteContext_Destroy, destroy);
  expect_f32(out, 4, (float[]){101, 102, 103, 104}, "what the handler computes");
  destroy_buffer(a);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

// --- The profiler --------------------------------------------------------------------------------

static const PLUGIN_Profiler_Api *profiler_api(void) {
  const PJRT_Profiler_Extension *ext =
      extension(PJRT_Extension_Type_Profiler,
                PJRT_STRUCT_SIZE(PJRT_Profiler_Extension, profiler_api), "Profiler");
  const PLUGIN_Profiler_Api *api = ext->profiler_api;
  CHECK(api, "the profiler's table is null");
  CHECK(api->error_destroy && api->error_message && api->error_get_code && api->create &&
            api->destroy && api->start && api->stop && api->collect_data,
        "a function of the profiler's table is null");
  start();
  return api;
}

// The message of an error, which is freed; null for success.
static const char *profiler_error(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler_Error *error) {
  static char text[512];
  if (!error)
    return NULL;
  PLUGIN_Profiler_Error_GetCode_Args code = {
      .struct_size = PLUGIN_Profiler_Error_GetCode_Args_STRUCT_SIZE, .error = error};
  CHECK(!api->error_get_code(&code), "asking for the code of an error is an error");
  CHECK(code.code > 0 && code.code <= PJRT_Error_Code_UNAUTHENTICATED, "an error of code %d",
        code.code);
  PLUGIN_Profiler_Error_Message_Args message = {
      .struct_size = PLUGIN_Profiler_Error_Message_Args_STRUCT_SIZE, .error = error};
  api->error_message(&message);
  CHECK(message.message && message.message_size, "an error without a message");
  snprintf(text, sizeof text, "%.*s", (int)message.message_size, message.message);
  PLUGIN_Profiler_Error_Destroy_Args destroy = {
      .struct_size = PLUGIN_Profiler_Error_Destroy_Args_STRUCT_SIZE, .error = error};
  api->error_destroy(&destroy);
  return text;
}

static void profiler_ok(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler_Error *error,
                        const char *what) {
  const char *text = profiler_error(api, error);
  CHECK(!text, "%s: %s", what, text);
}

#define PROFILER(verb, what)                                                             \
  static PLUGIN_Profiler_Error *profiler_##verb(const PLUGIN_Profiler_Api *api,          \
                                                PLUGIN_Profiler *profiler) {             \
    PLUGIN_Profiler_##what##_Args args = {                                               \
        .struct_size = PLUGIN_Profiler_##what##_Args_STRUCT_SIZE, .profiler = profiler}; \
    return api->verb(&args);                                                             \
  }
PROFILER(start, Start)
PROFILER(stop, Stop)
PROFILER(destroy, Destroy)

static PLUGIN_Profiler *profiler_create(const PLUGIN_Profiler_Api *api) {
  PLUGIN_Profiler_Create_Args create = {.struct_size = PLUGIN_Profiler_Create_Args_STRUCT_SIZE};
  profiler_ok(api, api->create(&create), "creating a profiler");
  CHECK(create.profiler, "the profiler is null");
  return create.profiler;
}

static void profiler_session(void) {
  const PLUGIN_Profiler_Api *api = profiler_api();
  PJRT_LoadedExecutable *loaded = compile(program_add);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  for (int round = 0; round < 2; round++) { // one after another
    PLUGIN_Profiler *profiler = profiler_create(api);
    profiler_ok(api, profiler_start(api, profiler), "starting");
    execute(loaded, 2, (PJRT_Buffer *[]){a, a}, &out);
    expect_f32(out, 4, (float[]){2, 4, 6, 8}, "the sum, while it is watched");
    destroy_buffer(out);
    profiler_ok(api, profiler_stop(api, profiler), "stopping");
    PLUGIN_Profiler_CollectData_Args size = {
        .struct_size = PLUGIN_Profiler_CollectData_Args_STRUCT_SIZE, .profiler = profiler};
    profiler_ok(api, api->collect_data(&size), "asking for the size of the data");
    CHECK(size.buffer_size_in_bytes, "nothing was seen of a compiled program that ran");
    size_t bytes = size.buffer_size_in_bytes;
    unsigned char *data = malloc(bytes + 16);
    memset(data, 0xa7, bytes + 16);
    PLUGIN_Profiler_CollectData_Args fill = {.struct_size =
                                                 PLUGIN_Profiler_CollectData_Args_STRUCT_SIZE,
                                             .profiler = profiler,
                                             .buffer = data,
                                             .buffer_size_in_bytes = bytes};
    profiler_ok(api, api->collect_data(&fill), "asking for the data");
    EQUAL(fill.buffer_size_in_bytes, bytes, "the size, in the call that fills it,");
    EQUAL(data[0], 0x0a, "the first byte of an XSpace (its planes, field 1)");
    for (int i = 0; i < 16; i++)
      EQUAL(data[bytes + (size_t)i], 0xa7, "a byte behind the data");
    free(data);
    profiler_ok(api, profiler_destroy(api, profiler), "destroying");
  }
  destroy_buffer(a);
  destroy_loaded(loaded);
  stop();
}

static void profiler_order(void) {
  const PLUGIN_Profiler_Api *api = profiler_api();
  PLUGIN_Profiler *profiler = profiler_create(api);
  CHECK(profiler_error(api, profiler_stop(api, profiler)), "what was not started is stopped");
  profiler_ok(api, profiler_start(api, profiler), "starting after an error");
  CHECK(profiler_error(api, profiler_start(api, profiler)), "a profiler is started twice");
  profiler_ok(api, profiler_destroy(api, profiler), "destroying a profiler that runs");
  profiler = profiler_create(api);
  profiler_ok(api, profiler_destroy(api, profiler), "destroying a profiler that never ran");
  stop();
}

static void profiler_null(void) {
  const PLUGIN_Profiler_Api *api = profiler_api();
  CHECK(profiler_error(api, profiler_start(api, NULL)), "nothing is started");
  CHECK(profiler_error(api, profiler_stop(api, NULL)), "nothing is stopped");
  PLUGIN_Profiler_CollectData_Args collect = {.struct_size =
                                                  PLUGIN_Profiler_CollectData_Args_STRUCT_SIZE};
  CHECK(profiler_error(api, api->collect_data(&collect)), "there is data of nothing");
  PLUGIN_Profiler_Error_Destroy_Args none = {.struct_size =
                                                 PLUGIN_Profiler_Error_Destroy_Args_STRUCT_SIZE};
  api->error_destroy(&none);
  stop();
}

const PjCtsTest pj_cts_extension_tests[] = {
    {"extension.layouts.default", "the default layout of a shape is the caller's", layout_default},
    {"extension.layouts.topology", "the default layout by topology is that by client",
     layout_topology},
    {"extension.layouts.buffer", "the layout of a buffer outlives it", layout_buffer},
    {"extension.layouts.executable",
     "an executable knows the layouts of its parameters and outputs", layout_executable},
    {"extension.shardings", "one sharding for each parameter and output, or none at all",
     shardings},
    {"extension.memory_descriptions", "a description lists memories, the default among them",
     descriptions},
    {"extension.ffi.types", "a type is its name: the same id again, another id for others", types},
    {"extension.ffi.user_data", "a context takes user data of a registered type", user_data},
    {"extension.ffi.handler", "a custom call finds its handler, and that its user data", handler},
    {"extension.profiler.session", "a profiler sees what runs between start and stop",
     profiler_session},
    {"extension.profiler.order", "starting twice and stopping first are errors", profiler_order},
    {"extension.profiler.null", "a null profiler is an error", profiler_null},
    {0}};

// The extensions that frameworks use: layouts, shardings, memory descriptions, FFI.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "pjrt/ext/ffi.h"
#include "pjrt/ext/layouts.h"
#include "pjrt/ext/memory_descriptions.h"
#include "pjrt/ext/shardings.h"

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

const PjCtsTest pj_cts_extension_tests[] = {
    {"extension.layouts.default", "the default layout of a shape is the caller's", layout_default},
    {"extension.layouts.buffer", "the layout of a buffer outlives it", layout_buffer},
    {"extension.layouts.executable",
     "an executable knows the layouts of its parameters and outputs", layout_executable},
    {"extension.shardings", "one sharding for each parameter and output, or none at all",
     shardings},
    {"extension.memory_descriptions", "a description lists memories, the default among them",
     descriptions},
    {"extension.ffi.user_data", "a context takes user data of a registered type", user_data},
    {0}};

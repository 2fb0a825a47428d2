// Functions of extensions with arguments that are too small or null: each that the plugin offers.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#include "pjrt/ext/custom_partitioner.h"
#include "pjrt/ext/ffi.h"
#include "pjrt/ext/layouts.h"
#include "pjrt/ext/memory_descriptions.h"
#include "pjrt/ext/shardings.h"
#include "pjrt/ext/stream.h"

// X(extension, field of its struct, struct of arguments without PJRT_ and _Args, whether null
// handles are allowed). Functions of the profiler are not among them: hosts pass it any
// struct_size.
#define GUARDED(X)                                                                                \
  X(Layouts, PJRT_Layouts_MemoryLayout_Destroy, Layouts_MemoryLayout_Destroy, true)               \
  X(Layouts, PJRT_Layouts_MemoryLayout_Serialize, Layouts_MemoryLayout_Serialize, false)          \
  X(Layouts, PJRT_Layouts_PJRT_Client_GetDefaultLayout, Layouts_PJRT_Client_GetDefaultLayout,     \
    false)                                                                                        \
  X(Layouts, PJRT_Layouts_PJRT_Buffer_MemoryLayout, Layouts_PJRT_Buffer_MemoryLayout, false)      \
  X(Layouts, PJRT_Layouts_PJRT_Topology_GetDefaultLayout, Layouts_PJRT_Topology_GetDefaultLayout, \
    false)                                                                                        \
  X(Layouts, PJRT_Layouts_PJRT_Executable_GetOutputLayouts,                                       \
    Layouts_PJRT_Executable_GetOutputLayouts, false)                                              \
  X(Layouts, PJRT_Layouts_PJRT_Executable_GetParameterLayouts,                                    \
    Layouts_PJRT_Executable_GetParameterLayouts, false)                                           \
  X(Shardings, PJRT_Shardings_PJRT_Executable_ParameterShardings,                                 \
    Shardings_PJRT_Executable_ParameterShardings, false)                                          \
  X(Shardings, PJRT_Shardings_PJRT_Executable_OutputShardings,                                    \
    Shardings_PJRT_Executable_OutputShardings, false)                                             \
  X(MemoryDescriptions, PJRT_DeviceDescription_MemoryDescriptions,                                \
    DeviceDescription_MemoryDescriptions, false)                                                  \
  X(MemoryDescriptions, PJRT_MemoryDescription_Kind, MemoryDescription_Kind, false)               \
  X(Custom_Partitioner, register_custom_partitioner, Register_Custom_Partitioner, false)          \
  X(Custom_Partitioner, register_batch_partitionable, Register_Batch_Partitionable, false)        \
  X(FFI, type_register, FFI_Type_Register, false)                                                 \
  X(FFI, user_data_add, FFI_UserData_Add, false)                                                  \
  X(FFI, register_handler, FFI_Register_Handler, false)                                           \
  X(Stream, get_stream, Get_Stream_For_External_Ready_Events, false)                              \
  X(Stream, wait_stream, Wait_Until_Buffer_Ready_On_Stream, false)

static const struct {
  PJRT_Extension_Type type;
  const char *extension, *name;
  size_t offset, args_size; // of the function in its struct; of the arguments
  bool null_allowed;
} guarded[] = {
#define X(ext, field, args, null_allowed)                                                       \
  {PJRT_Extension_Type_##ext,      #ext,        #args, offsetof(PJRT_##ext##_Extension, field), \
   PJRT_##args##_Args_STRUCT_SIZE, null_allowed},
    GUARDED(X)
#undef X
};
enum { NUM_GUARDED = sizeof guarded / sizeof *guarded };

typedef PJRT_Error *Function(void *args);

// Ends the test as not offered if the plugin does not have it.
static Function *function_of(size_t row) {
  for (PJRT_Extension_Base *e = pj_api_given->extension_start; e; e = e->next) {
    if (e->type != guarded[row].type)
      continue;
    Function *function = NULL;
    if (e->struct_size < guarded[row].offset + sizeof function)
      pj_not_offered("the extension %s ends before PJRT_%s", guarded[row].extension,
                     guarded[row].name);
    memcpy(&function, (const char *)e + guarded[row].offset, sizeof function);
    CHECK(function, "PJRT_%s is a null pointer", guarded[row].name);
    return function;
  }
  pj_not_offered("no extension %s", guarded[row].extension);
}

// What lies behind struct_size is no pointer that may be followed.
static void too_small(size_t row) {
  enum { PATTERN = 0xa7 };
  Function *function = function_of(row);
  start();
  union {
    size_t struct_size;
    unsigned char bytes[512];
  } args;
  const size_t sizes[] = {0, sizeof(size_t), guarded[row].args_size - 1};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    memset(&args, PATTERN, sizeof args);
    args.struct_size = sizes[i];
    char what[128];
    snprintf(what, sizeof what, "PJRT_%s with a struct_size of %zu", guarded[row].name, sizes[i]);
    // Of the last size only the last byte is missing: then handles are null.
    if (i + 1 == sizeof sizes / sizeof *sizes)
      memset(args.bytes + sizeof(size_t), 0, sizes[i] - sizeof(size_t));
    PJRT_Error *error = function(&args);
    pj_expect_error(-1, error, PJRT_Error_Code_INVALID_ARGUMENT, what, __FILE__, __LINE__);
    for (size_t b = sizes[i] > sizeof(size_t) ? sizes[i] : sizeof(size_t); b < sizeof args; b++)
      CHECK(args.bytes[b] == PATTERN, "%s wrote at byte %zu", what, b);
  }
  stop();
}

static void null_handles(size_t row) {
  Function *function = function_of(row);
  start();
  union {
    size_t struct_size;
    unsigned char bytes[512];
  } args;
  memset(&args, 0, sizeof args);
  args.struct_size = guarded[row].args_size;
  PJRT_Error *error = function(&args);
  char what[128];
  snprintf(what, sizeof what, "PJRT_%s of nothing", guarded[row].name);
  if (guarded[row].null_allowed)
    CHECK(!error, "%s: %s", what, pj_error_text(error));
  else
    pj_expect_error(-1, error, PJRT_Error_Code_OK, what, __FILE__, __LINE__);
  stop();
}

bool pj_cts_guard_test(size_t row, PjCtsTest *out) {
  static char names[2 * NUM_GUARDED][96];
  if (row >= 2 * NUM_GUARDED)
    return false;
  size_t which = row / 2;
  bool null = row % 2;
  snprintf(names[row], sizeof names[row], "extension.%s.%s", null ? "null" : "size",
           guarded[which].name);
  *out = (PjCtsTest){
      .name = names[row],
      .promise = !null ? "a struct_size that is too small is INVALID_ARGUMENT, and nothing is read"
                 : guarded[which].null_allowed ? "destroying null does nothing"
                                               : "null handles are an error",
      .run_row = null ? null_handles : too_small,
      .row = which};
  return true;
}

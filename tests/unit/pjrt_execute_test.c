// Programs through the function table: compile, execute, donate, fail, serialise, run on several
// devices, call handlers; and bad input of every kind.
#include "pjrt_util.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pjrt/ext/ffi.h"
#include "pjrt/ext/layouts.h"
#include "pjrt/ext/shardings.h"
#include "pjrt/ext/xla_ffi.h"

static const char add_text[] =
    "module @adder {\n"
    "  func.func public @main(%a: tensor<3xf32>, %b: tensor<3xf32>) -> (tensor<3xf32>) {\n"
    "    %0 = stablehlo.add %a, %b : tensor<3xf32>\n"
    "    return %0 : tensor<3xf32>\n"
    "  }\n"
    "}\n";

static const int64_t three[1] = {3};

static PJRT_Buffer *vector(float a, float b, float c) {
  const float data[3] = {a, b, c};
  return make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, three, data);
}

static void expect_vector(PJRT_Buffer *buffer, float a, float b, float c) {
  float out[3];
  read_buffer(buffer, out, sizeof out);
  const float expected[3] = {a, b, c};
  for (int i = 0; i < 3; i++)
    if (out[i] != expected[i])
      fail_msg("element %d is %g, expected %g", i, (double)out[i], (double)expected[i]);
}

static PJRT_Executable *executable_of(PJRT_LoadedExecutable *loaded) {
  ARGS(LoadedExecutable_GetExecutable, get, .loaded_executable = loaded);
  OK(LoadedExecutable_GetExecutable, get);
  return get.executable;
}

static void release(PJRT_Executable *executable) {
  ARGS(Executable_Destroy, destroy, .executable = executable);
  OK(Executable_Destroy, destroy);
}

static void test_compile_and_execute(void **state) {
  (void)state;
  PJRT_LoadedExecutable *adder = compile(add_text);
  PJRT_Buffer *args[2] = {vector(1, 2, 3), vector(10, 20, 30)}, *out;
  expect_ok(try_execute(adder, 2, args, &out), "execute", __FILE__, __LINE__);
  assert_false(is_deleted(args[0]));
  expect_vector(out, 11, 22, 33);
  destroy_buffer(out);
  // A buffer twice.
  PJRT_Buffer *same[2] = {args[0], args[0]};
  expect_ok(try_execute(adder, 2, same, &out), "execute", __FILE__, __LINE__);
  expect_vector(out, 2, 4, 6);
  destroy_buffer(out);
  // Old hosts: ExecuteOptions end at |context| (80), or before it.
  for (size_t size = 72; size <= 80; size += 8) {
    PJRT_ExecuteOptions options;
    memset(&options, 0xee, sizeof options);
    options = (PJRT_ExecuteOptions){.struct_size = size};
    memset((char *)&options + size, 0xee, sizeof options - size);
    PJRT_Buffer *const *list = args, **outputs = &out;
    PJRT_Event *done = NULL;
    ARGS(LoadedExecutable_Execute, execute, .executable = adder, .options = &options,
         .argument_lists = &list, .num_devices = 1, .num_args = 2, .output_lists = &outputs,
         .device_complete_events = &done);
    OK(LoadedExecutable_Execute, execute);
    expect_ok(await_event(done), "done", __FILE__, __LINE__);
    expect_vector(out, 11, 22, 33);
    destroy_buffer(out);
  }
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_executable(adder);
}

static void test_questions(void **state) {
  (void)state;
  PJRT_LoadedExecutable *adder = compile(add_text);
  PJRT_Executable *executable = executable_of(adder);
  ARGS(Executable_Name, name, .executable = executable);
  OK(Executable_Name, name);
  assert_int_equal(name.executable_name_size, 5);
  assert_memory_equal(name.executable_name, "adder", 5);
  ARGS(Executable_NumOutputs, outputs, .executable = executable);
  OK(Executable_NumOutputs, outputs);
  assert_int_equal(outputs.num_outputs, 1);
  ARGS(Executable_OutputElementTypes, types, .executable = executable);
  OK(Executable_OutputElementTypes, types);
  assert_int_equal(types.output_types[0], PJRT_Buffer_Type_F32);
  ARGS(Executable_OutputDimensions, dims, .executable = executable);
  OK(Executable_OutputDimensions, dims);
  assert_int_equal(dims.dim_sizes[0], 1);
  assert_int_equal(dims.dims[0], 3);
  ARGS(Executable_OutputMemoryKinds, kinds, .executable = executable);
  OK(Executable_OutputMemoryKinds, kinds);
  assert_memory_equal(kinds.memory_kinds[0], "device", 6);
  ARGS(Executable_GetCostAnalysis, cost, .executable = executable);
  OK(Executable_GetCostAnalysis, cost);
  assert_string_equal(cost.properties[0].name, "flops");
  assert_true(cost.properties[0].float_value == 3);
  // 0.75 knows fewer statistics.
  ARGS(Executable_GetCompiledMemoryStats, stats, .executable = executable);
  stats.struct_size = 112;
  stats.total_allocation_bytes = 4711;
  OK(Executable_GetCompiledMemoryStats, stats);
  assert_int_equal(stats.argument_size_in_bytes, 24);
  assert_int_equal(stats.output_size_in_bytes, 12);
  assert_int_equal(stats.total_allocation_bytes, 4711);
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE};
  ARGS(Executable_OptimizedProgram, optimized, .executable = executable, .program = &program);
  OK(Executable_OptimizedProgram, optimized);
  assert_memory_equal(program.format, "mlir", program.format_size);
  char *text = malloc(program.code_size);
  program.code = text;
  OK(Executable_OptimizedProgram, optimized);
  PJRT_LoadedExecutable *again;
  size_t size;
  const char *options = compile_options(1, 1, &size);
  expect_ok(try_compile(program.code, program.code_size, "mlir", options, size, &again), "again",
            __FILE__, __LINE__);
  free(text);
  // The fingerprint is of the structure: the text came back the same.
  PJRT_Executable *other = executable_of(again);
  ARGS(Executable_Fingerprint, a, .executable = executable);
  ARGS(Executable_Fingerprint, b, .executable = other);
  OK(Executable_Fingerprint, a);
  OK(Executable_Fingerprint, b);
  assert_int_equal(a.executable_fingerprint_size, b.executable_fingerprint_size);
  assert_memory_equal(a.executable_fingerprint, b.executable_fingerprint,
                      a.executable_fingerprint_size);
  ARGS(LoadedExecutable_GetDeviceAssignment, assignment, .executable = adder);
  OK(LoadedExecutable_GetDeviceAssignment, assignment);
  static const char proto[] = {8, 1, 16, 1, 0x1a, 3, 0x0a, 1, 0};
  assert_int_equal(assignment.serialized_bytes_size, sizeof proto);
  assert_memory_equal(assignment.serialized_bytes, proto, sizeof proto);
  assignment.serialized_device_assignment_deleter(assignment.serialized_device_assignment);
  ARGS(Executable_GetCompileOptions, echo, .executable = executable);
  OK(Executable_GetCompileOptions, echo);
  assert_int_equal(echo.serialized_bytes_size, size);
  assert_memory_equal(echo.serialized_bytes, options, size);
  echo.serialized_compile_options_deleter(echo.serialized_compile_options);
  release(other);
  destroy_executable(again);
  destroy_executable(adder);
  // An executable outlives its loaded one.
  OK(Executable_NumOutputs, outputs);
  release(executable);
}

static const PJRT_Extension_Base *extension(PJRT_Extension_Type type) {
  for (const PJRT_Extension_Base *e = api->extension_start; e; e = e->next)
    if (e->type == type)
      return e;
  fail_msg("no extension %d", (int)type);
  return NULL;
}

static void test_layouts_and_shardings(void **state) {
  (void)state;
  const PJRT_Layouts_Extension *layouts =
      (const PJRT_Layouts_Extension *)extension(PJRT_Extension_Type_Layouts);
  const int64_t dims[2] = {2, 3};
  PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args get = {
      .struct_size = PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args_STRUCT_SIZE,
      .client = client,
      .type = PJRT_Buffer_Type_F32,
      .dims = dims,
      .num_dims = 2};
  expect_ok(layouts->PJRT_Layouts_PJRT_Client_GetDefaultLayout(&get), "layout", __FILE__, __LINE__);
  PJRT_Layouts_MemoryLayout_Serialize_Args text = {
      .struct_size = PJRT_Layouts_MemoryLayout_Serialize_Args_STRUCT_SIZE, .layout = get.layout};
  expect_ok(layouts->PJRT_Layouts_MemoryLayout_Serialize(&text), "text", __FILE__, __LINE__);
  assert_int_equal(text.serialized_bytes_size, 5);
  assert_memory_equal(text.serialized_bytes, "{1,0}", 5);
  text.serialized_layout_deleter(text.serialized_layout);
  PJRT_Layouts_MemoryLayout_Destroy_Args destroy = {
      .struct_size = PJRT_Layouts_MemoryLayout_Destroy_Args_STRUCT_SIZE, .layout = get.layout};
  expect_ok(layouts->PJRT_Layouts_MemoryLayout_Destroy(&destroy), "destroy", __FILE__, __LINE__);

  PJRT_LoadedExecutable *adder = compile(add_text);
  PJRT_Executable *executable = executable_of(adder);
  PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args list = {
      .struct_size = PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args_STRUCT_SIZE,
      .executable = executable};
  expect_ok(layouts->PJRT_Layouts_PJRT_Executable_GetParameterLayouts(&list), "list", __FILE__,
            __LINE__);
  assert_int_equal(list.num_parameters, 2);
  const PJRT_Shardings_Extension *shardings =
      (const PJRT_Shardings_Extension *)extension(PJRT_Extension_Type_Shardings);
  PJRT_Shardings_PJRT_Executable_OutputShardings_Args out = {
      .struct_size = PJRT_Shardings_PJRT_Executable_OutputShardings_Args_STRUCT_SIZE,
      .executable = executable};
  expect_ok(shardings->PJRT_Shardings_PJRT_Executable_OutputShardings(&out), "out", __FILE__,
            __LINE__);
  assert_int_equal(out.num_outputs, 1);
  assert_int_equal(out.sharding_sizes[0], 0);
  release(executable);
  destroy_executable(adder);
}

// --- Donation ------------------------------------------------------------------------------------

static const char donate_text[] =
    "func.func @main(%a: tensor<3xf32> {tf.aliasing_output = 0 : i32}, %b: tensor<3xf32>) -> "
    "tensor<3xf32> {\n"
    "  %0 = stablehlo.multiply %a, %b : tensor<3xf32>\n"
    "  return %0 : tensor<3xf32>\n"
    "}\n";

static void test_donation(void **state) {
  (void)state;
  PJRT_LoadedExecutable *scale = compile(donate_text);
  PJRT_Buffer *args[2] = {vector(1, 2, 3), vector(2, 2, 2)}, *out;
  expect_ok(try_execute(scale, 2, args, &out), "execute", __FILE__, __LINE__);
  assert_true(is_deleted(args[0]));
  assert_false(is_deleted(args[1]));
  expect_vector(out, 2, 4, 6);
  // Deleted now.
  PJRT_Buffer *none = NULL;
  expect_error(try_execute(scale, 2, args, &none), PJRT_Error_Code_INVALID_ARGUMENT,
               "argument 0 of program", "deleted", __FILE__, __LINE__);
  assert_null(none);
  // Donated and used in one call: refused, and nothing is lost.
  PJRT_Buffer *same[2] = {out, out};
  expect_error(try_execute(scale, 2, same, &none), PJRT_Error_Code_INVALID_ARGUMENT, "twice",
               "twice", __FILE__, __LINE__);
  assert_false(is_deleted(out));
  expect_vector(out, 2, 4, 6);
  // Not donated on request.
  const int64_t keep[1] = {0};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                 .non_donatable_input_indices = keep,
                                 .num_non_donatable_input_indices = 1};
  PJRT_Buffer *both[2] = {out, args[1]}, *const *list = both, *next, **outputs = &next;
  ARGS(LoadedExecutable_Execute, execute, .executable = scale, .options = &options,
       .argument_lists = &list, .num_devices = 1, .num_args = 2, .output_lists = &outputs);
  OK(LoadedExecutable_Execute, execute);
  assert_false(is_deleted(out));
  expect_vector(out, 2, 4, 6);
  expect_vector(next, 4, 8, 12);
  // A view that somebody still reads keeps its contents.
  ARGS(Buffer_IncreaseExternalReferenceCount, up, .buffer = out);
  OK(Buffer_IncreaseExternalReferenceCount, up);
  ARGS(Buffer_OpaqueDeviceMemoryDataPointer, view, .buffer = out);
  OK(Buffer_OpaqueDeviceMemoryDataPointer, view);
  PJRT_Buffer *last;
  expect_ok(try_execute(scale, 2, both, &last), "execute", __FILE__, __LINE__);
  assert_true(is_deleted(out));
  assert_true(((const float *)view.device_memory_ptr)[2] == 6);
  expect_vector(last, 4, 8, 12);
  ARGS(Buffer_DecreaseExternalReferenceCount, down, .buffer = out);
  OK(Buffer_DecreaseExternalReferenceCount, down);
  destroy_buffer(last);
  destroy_buffer(next);
  destroy_buffer(out);
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_executable(scale);
}

static void test_results_do_not_share_memory_with_arguments(void **state) {
  (void)state;
  PJRT_LoadedExecutable *identity =
      compile("func.func @main(%a: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {\n"
              "  return %a, %a : tensor<3xf32>, tensor<3xf32>\n}\n");
  PJRT_Buffer *arg = vector(1, 2, 3), *out[2];
  expect_ok(try_execute(identity, 1, &arg, out), "execute", __FILE__, __LINE__);
  uintptr_t pointers[3];
  PJRT_Buffer *buffers[3] = {arg, out[0], out[1]};
  for (int i = 0; i < 3; i++) {
    ARGS(Buffer_UnsafePointer, get, .buffer = buffers[i]);
    OK(Buffer_UnsafePointer, get);
    pointers[i] = get.buffer_pointer;
    expect_vector(buffers[i], 1, 2, 3);
  }
  assert_true(pointers[0] != pointers[1] && pointers[1] != pointers[2] &&
              pointers[0] != pointers[2]);
  for (int i = 0; i < 3; i++)
    destroy_buffer(buffers[i]);
  destroy_executable(identity);
}

// --- Pending and failed inputs -------------------------------------------------------------------

// Results of bounded sizes are arrays of the sizes that they have.
static void test_bounded_results(void **state) {
  (void)state;
  PJRT_LoadedExecutable *loaded = compile(
      "module @bounded {\n"
      "  func.func public @main(%a: tensor<4xf32>, %n: tensor<i32>) -> (tensor<?xf32, "
      "#stablehlo.bounds<4>>, tensor<2x?xf32, #stablehlo.bounds<?, 3>>, tensor<4xf32>) {\n"
      "    %0 = \"stablehlo.set_dimension_size\"(%a, %n) {dimension = 0 : i64} : (tensor<4xf32>, "
      "tensor<i32>) -> tensor<?xf32, #stablehlo.bounds<4>>\n"
      "    %1 = \"stablehlo.reshape\"(%0) : (tensor<?xf32, #stablehlo.bounds<4>>) -> "
      "tensor<1x?xf32, "
      "#stablehlo.bounds<?, 4>>\n"
      "    %2 = \"stablehlo.broadcast_in_dim\"(%1) {broadcast_dimensions = array<i64: 0, 1>} : "
      "(tensor<1x?xf32, #stablehlo.bounds<?, 4>>) -> tensor<2x?xf32, #stablehlo.bounds<?, 4>>\n"
      "    %3 = \"stablehlo.slice\"(%2) {start_indices = array<i64: 0, 1>, limit_indices = "
      "array<i64: "
      "2, 4>, strides = array<i64: 1, 1>} : (tensor<2x?xf32, #stablehlo.bounds<?, 4>>) -> "
      "tensor<2x?xf32, #stablehlo.bounds<?, 3>>\n"
      "    return %0, %3, %a : tensor<?xf32, #stablehlo.bounds<4>>, tensor<2x?xf32, "
      "#stablehlo.bounds<?, 3>>, tensor<4xf32>\n"
      "  }\n"
      "}\n");
  const float data[4] = {1, 2, 3, 4};
  const int64_t four[1] = {4};
  for (int32_t n = 0; n <= 4; n++) {
    PJRT_Buffer *args[2] = {make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, four, data),
                            make_buffer(device_at(0), PJRT_Buffer_Type_S32, 0, NULL, &n)};
    PJRT_Buffer *out[3];
    expect_ok(try_execute(loaded, 2, args, out), "execute", __FILE__, __LINE__);
    const int64_t rest = n > 1 ? n - 1 : 0;
    const int64_t sizes[3][2] = {{n}, {2, rest}, {4}};
    for (int i = 0; i < 3; i++) {
      ARGS(Buffer_Dimensions, dims, .buffer = out[i]);
      OK(Buffer_Dimensions, dims);
      assert_int_equal(dims.num_dims, i == 1 ? 2 : 1);
      assert_memory_equal(dims.dims, sizes[i], dims.num_dims * sizeof *dims.dims);
    }
    float got[8];
    read_buffer(out[0], got, (size_t)n * sizeof *got);
    assert_memory_equal(got, data, (size_t)n * sizeof *got);
    read_buffer(out[1], got, (size_t)(2 * rest) * sizeof *got);
    assert_memory_equal(got, data + 1, (size_t)rest * sizeof *got);
    assert_memory_equal(got + rest, data + 1, (size_t)rest * sizeof *got);
    for (int i = 0; i < 5; i++)
      destroy_buffer(i < 2 ? args[i] : out[i - 2]);
  }
  ARGS(LoadedExecutable_Destroy, destroy, .executable = loaded);
  OK(LoadedExecutable_Destroy, destroy);
}

static void test_pending_inputs(void **state) {
  (void)state;
  PJRT_LoadedExecutable *adder = compile(add_text);
  ARGS(Client_CreateAliasBuffer, make, .client = client,
       .memory = memory_of_kind(device_at(0), "device"), .shape_dims = three, .shape_num_dims = 1,
       .shape_element_type = PJRT_Buffer_Type_F32);
  OK(Client_CreateAliasBuffer, make);
  PJRT_Buffer *args[2] = {make.alias_buffer, vector(1, 1, 1)}, *chain[64];
  for (int i = 0; i < 64; i++) {
    expect_ok(try_execute(adder, 2, args, &chain[i]), "execute", __FILE__, __LINE__);
    args[0] = chain[i];
  }
  ARGS(Buffer_ReadyEvent, event, .buffer = chain[63]);
  OK(Buffer_ReadyEvent, event);
  ARGS(Event_IsReady, ready, .event = event.event);
  OK(Event_IsReady, ready);
  assert_false(ready.is_ready);
  PJRT_Buffer *value = vector(0, 10, 20);
  ARGS(Client_FulfillAliasBuffer, fulfil, .client = client, .buffer = value,
       .fulfill_alias_buffer_cb = make.fulfill_alias_buffer_cb);
  OK(Client_FulfillAliasBuffer, fulfil);
  expect_ok(await_event(event.event), "ready", __FILE__, __LINE__);
  expect_vector(chain[63], 64, 74, 84);
  for (int i = 0; i < 64; i++)
    destroy_buffer(chain[i]);
  destroy_buffer(value);
  destroy_buffer(make.alias_buffer);

  // A failure travels through programs, and is no error of the calls.
  OK(Client_CreateAliasBuffer, make);
  args[0] = make.alias_buffer;
  PJRT_Buffer *first, *second;
  expect_ok(try_execute(adder, 2, args, &first), "execute", __FILE__, __LINE__);
  args[0] = first;
  expect_ok(try_execute(adder, 2, args, &second), "execute", __FILE__, __LINE__);
  ARGS(Client_FulfillAliasBuffer, fail, .client = client,
       .fulfill_alias_buffer_cb = make.fulfill_alias_buffer_cb,
       .status_code = PJRT_Error_Code_UNAVAILABLE, .error_message = "unplugged",
       .error_message_size = 9);
  OK(Client_FulfillAliasBuffer, fail);
  ARGS(Buffer_ReadyEvent, poisoned, .buffer = second);
  OK(Buffer_ReadyEvent, poisoned);
  expect_error(await_event(poisoned.event), PJRT_Error_Code_UNAVAILABLE, "unplugged", "second",
               __FILE__, __LINE__);
  // And into programs that are started later.
  args[0] = second;
  PJRT_Buffer *third;
  expect_ok(try_execute(adder, 2, args, &third), "execute", __FILE__, __LINE__);
  ARGS(Buffer_ReadyEvent, late, .buffer = third);
  OK(Buffer_ReadyEvent, late);
  expect_error(await_event(late.event), PJRT_Error_Code_UNAVAILABLE, "unplugged", "third", __FILE__,
               __LINE__);
  destroy_buffer(third);
  destroy_buffer(second);
  destroy_buffer(first);
  destroy_buffer(make.alias_buffer);
  destroy_buffer(args[1]);
  destroy_executable(adder);
}

typedef struct Chained {
  PJRT_LoadedExecutable *scale;
  PJRT_Buffer *args[2], *next;
  uintptr_t before, after;
  atomic_bool done;
} Chained;

static uintptr_t address(PJRT_Buffer *buffer) {
  ARGS(Buffer_UnsafePointer, get, .buffer = buffer);
  OK(Buffer_UnsafePointer, get);
  return get.buffer_pointer;
}

static void run_next(PJRT_Error *error, void *user) {
  assert_null(error);
  Chained *chained = user;
  chained->before = address(chained->args[0]);
  expect_ok(try_execute(chained->scale, 2, chained->args, &chained->next), "execute", __FILE__,
            __LINE__);
  chained->after = address(chained->next);
  atomic_store(&chained->done, true);
}

// From the moment that a result is ready nobody but its buffer holds it: what is donated at once is
// overwritten and not copied.
static void test_donation_of_what_just_came(void **state) {
  (void)state;
  ARGS(Client_CreateAliasBuffer, make, .client = client,
       .memory = memory_of_kind(device_at(0), "device"), .shape_dims = three, .shape_num_dims = 1,
       .shape_element_type = PJRT_Buffer_Type_F32);
  OK(Client_CreateAliasBuffer, make);
  PJRT_Buffer *twos = vector(2, 2, 2), *args[2] = {vector(1, 2, 3), make.alias_buffer}, *out;
  Chained chained = {.scale = compile(donate_text)};
  expect_ok(try_execute(chained.scale, 2, args, &out), "execute", __FILE__, __LINE__);
  chained.args[0] = out;
  chained.args[1] = twos;
  ARGS(Buffer_ReadyEvent, event, .buffer = out);
  OK(Buffer_ReadyEvent, event);
  ARGS(Event_OnReady, later, .event = event.event, .callback = run_next, .user_arg = &chained);
  OK(Event_OnReady, later);
  ARGS(Client_FulfillAliasBuffer, fulfil, .client = client, .buffer = twos,
       .fulfill_alias_buffer_cb = make.fulfill_alias_buffer_cb);
  OK(Client_FulfillAliasBuffer, fulfil);
  expect_ok(await_event(event.event), "ready", __FILE__, __LINE__);
  while (!atomic_load(&chained.done)) // on a worker
    sched_yield();
  assert_true(chained.before == chained.after);
  expect_vector(chained.next, 4, 8, 12);
  destroy_buffer(chained.next);
  destroy_buffer(out);
  destroy_buffer(make.alias_buffer);
  destroy_buffer(args[0]);
  destroy_buffer(twos);
  destroy_executable(chained.scale);
}

// A result that is made in the memory of its parameter has its own where that must be kept, and
// nothing is copied twice.
static void test_memory_of_what_is_kept(void **state) {
  (void)state;
  enum { COUNT = 4 << 20 };
  static const int64_t dims[1] = {COUNT};
  float *ones = malloc(COUNT * sizeof *ones);
  assert_non_null(ones);
  for (int i = 0; i < COUNT; i++)
    ones[i] = 1;
  PJRT_LoadedExecutable *twice =
      compile("func.func @main(%a: tensor<4194304xf32> {tf.aliasing_output = 0 : i32}) -> "
              "tensor<4194304xf32> {\n"
              "  %0 = stablehlo.add %a, %a : tensor<4194304xf32>\n"
              "  return %0 : tensor<4194304xf32>\n"
              "}\n");
  PJRT_Buffer *arg = make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, dims, ones), *out;
  const int64_t keep[1] = {0};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                 .non_donatable_input_indices = keep,
                                 .num_non_donatable_input_indices = 1};
  PJRT_Buffer *const *list = &arg, **outputs = &out;
  ARGS(LoadedExecutable_Execute, execute, .executable = twice, .options = &options,
       .argument_lists = &list, .num_devices = 1, .num_args = 1, .output_lists = &outputs);
  OK(LoadedExecutable_Execute, execute);
  read_buffer(out, ones, COUNT * sizeof *ones);
  assert_true(ones[0] == 2 && ones[COUNT - 1] == 2);
  ARGS(Device_MemoryStats, stats, .device = device_at(0));
  OK(Device_MemoryStats, stats);
  assert_true(stats.peak_bytes_in_use_is_set);
  assert_in_range(stats.peak_bytes_in_use, 0, COUNT * sizeof *ones * 5 / 2);
  free(ones);
  destroy_buffer(arg);
  destroy_buffer(out);
  destroy_executable(twice);
}

// --- Several devices -----------------------------------------------------------------------------

static const char reduce_text[] =
    "module attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 2 : i32} {\n"
    "func.func @main(%a: tensor<3xf32>) -> tensor<3xf32> {\n"
    "  %0 = \"stablehlo.all_reduce\"(%a) ({\n"
    "    ^bb0(%x: tensor<f32>, %y: tensor<f32>):\n"
    "      %s = stablehlo.add %x, %y : tensor<f32>\n"
    "      stablehlo.return %s : tensor<f32>\n"
    "  }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<3xf32>) -> tensor<3xf32>\n"
    "  return %0 : tensor<3xf32>\n"
    "}\n}\n";

static PJRT_LoadedExecutable *compile_reduce(void) {
  size_t size;
  const char *options = compile_options(2, 1, &size);
  PJRT_LoadedExecutable *loaded;
  expect_ok(try_compile(reduce_text, sizeof reduce_text - 1, "mlir", options, size, &loaded),
            "compile", __FILE__, __LINE__);
  return loaded;
}

static PJRT_Buffer *vector_on(int device, float value) {
  const float data[3] = {value, value, value};
  return make_buffer(device_at((size_t)device), PJRT_Buffer_Type_F32, 1, three, data);
}

static void test_collectives_meet(void **state) {
  (void)state;
  PJRT_LoadedExecutable *reduce = compile_reduce();
  ARGS(LoadedExecutable_AddressableDeviceLogicalIds, ids, .executable = reduce);
  OK(LoadedExecutable_AddressableDeviceLogicalIds, ids);
  assert_int_equal(ids.num_addressable_device_logical_ids, 2);
  assert_int_equal(ids.addressable_device_logical_ids[1].replica, 1);
  for (int round = 0; round < 20; round++) {
    PJRT_Buffer *args[2] = {vector_on(0, 1), vector_on(1, 10)}, *out[2];
    PJRT_Buffer *const *lists[2] = {&args[0], &args[1]}, **outputs[2] = {&out[0], &out[1]};
    PJRT_Event *done[2];
    PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
    ARGS(LoadedExecutable_Execute, execute, .executable = reduce, .options = &options,
         .argument_lists = lists, .num_devices = 2, .num_args = 1, .output_lists = outputs,
         .device_complete_events = done);
    OK(LoadedExecutable_Execute, execute);
    for (int d = 0; d < 2; d++) {
      expect_ok(await_event(done[d]), "done", __FILE__, __LINE__);
      expect_vector(out[d], 11, 11, 11);
      ARGS(Buffer_Device, device, .buffer = out[d]);
      OK(Buffer_Device, device);
      assert_ptr_equal(device.device, device_at((size_t)d));
      destroy_buffer(out[d]);
      destroy_buffer(args[d]);
    }
  }
  destroy_executable(reduce);
}

// One thread can run a partitioned program for all its devices: a short one is done when the call
// returns. A program that names a function to call which is not jaxlib's calls none.
static void test_partitions_run_within_the_call(void **state) {
  static const char text[] =
      "module attributes {mhlo.num_partitions = 2 : i32} {\n"
      "sdy.mesh @m = <[\"x\"=2]>\n"
      "func.func @main(%a: tensor<6xf32> {sdy.sharding = #sdy.sharding<@m, [{\"x\"}]>}) -> "
      "(tensor<6xf32> {sdy.sharding = #sdy.sharding<@m, [{\"x\"}]>}) {\n"
      "  %i = stablehlo.custom_call @InspectSharding(%a) {backend_config = \"0123456789abcdef\", "
      "has_side_effect = true} : (tensor<6xf32>) -> tensor<6xf32>\n"
      "  %0 = stablehlo.reverse %i, dims = [0] : tensor<6xf32>\n"
      "  return %0 : tensor<6xf32>\n}\n}\n";
  size_t size;
  const char *bytes = compile_options(1, 2, &size);
  PJRT_LoadedExecutable *reverse;
  expect_ok(try_compile(text, sizeof text - 1, "mlir", bytes, size, &reverse), "compile", __FILE__,
            __LINE__);
  PJRT_Buffer *args[2] = {vector_on(0, 1), vector_on(1, 10)}, *out[2];
  PJRT_Buffer *const *lists[2] = {&args[0], &args[1]}, **outputs[2] = {&out[0], &out[1]};
  PJRT_Event *done[2];
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  for (int d = 0; d < 2; d++) { // else the run begins where the last one becomes ready
    ARGS(Buffer_ReadyEvent, ready, .buffer = args[d]);
    OK(Buffer_ReadyEvent, ready);
    expect_ok(await_event(ready.event), "ready", __FILE__, __LINE__);
  }
  ARGS(LoadedExecutable_Execute, execute, .executable = reverse, .options = &options,
       .argument_lists = lists, .num_devices = 2, .num_args = 1, .output_lists = outputs,
       .device_complete_events = done);
  OK(LoadedExecutable_Execute, execute);
  for (int d = 0; d < 2; d++) {
    ARGS(Event_IsReady, ready, .event = done[d]);
    OK(Event_IsReady, ready);
    assert_true(ready.is_ready);
    expect_ok(await_event(done[d]), "done", __FILE__, __LINE__);
    float expected = d ? 1 : 10;
    expect_vector(out[d], expected, expected, expected);
    destroy_buffer(out[d]);
    destroy_buffer(args[d]);
  }
  destroy_executable(reverse);
}

typedef struct OneDevice {
  PJRT_LoadedExecutable *executable;
  int device;
} OneDevice;

// As torch_xla calls: each device from a thread of its own.
static void *run_one_device(void *arg) {
  OneDevice *one = arg;
  for (int round = 0; round < 20; round++) {
    PJRT_Buffer *in = vector_on(one->device, (float)(round + one->device)), *out;
    PJRT_Buffer *const *list = &in, **outputs = &out;
    PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
    ARGS(LoadedExecutable_Execute, execute, .executable = one->executable, .options = &options,
         .argument_lists = &list, .num_devices = 1, .num_args = 1, .output_lists = &outputs,
         .execute_device = device_at((size_t)one->device));
    OK(LoadedExecutable_Execute, execute);
    float sum = (float)(2 * round + 1);
    expect_vector(out, sum, sum, sum);
    destroy_buffer(out);
    destroy_buffer(in);
  }
  return NULL;
}

static void test_device_by_device(void **state) {
  (void)state;
  OneDevice ones[2] = {{compile_reduce(), 0}, {NULL, 1}};
  ones[1].executable = ones[0].executable;
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run_one_device, &ones[1]), 0);
  run_one_device(&ones[0]);
  pthread_join(thread, NULL);
  // One device alone: it waits for the other, whose input fails.
  PJRT_Buffer *in = vector_on(0, 1), *out;
  PJRT_Buffer *const *list = &in, **outputs = &out;
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  ARGS(LoadedExecutable_Execute, execute, .executable = ones[0].executable, .options = &options,
       .argument_lists = &list, .num_devices = 1, .num_args = 1, .output_lists = &outputs,
       .execute_device = device_at(0));
  OK(LoadedExecutable_Execute, execute);
  ARGS(Client_CreateErrorBuffer, make, .client = client, .error_code = PJRT_Error_Code_ABORTED,
       .error_message = "stop", .error_message_size = 4, .shape_dims = three, .shape_num_dims = 1,
       .shape_element_type = PJRT_Buffer_Type_F32,
       .memory = memory_of_kind(device_at(1), "device"));
  OK(Client_CreateErrorBuffer, make);
  PJRT_Buffer *other_out, *const *other_list = &make.buffer, **other_outputs = &other_out;
  execute.argument_lists = &other_list;
  execute.output_lists = &other_outputs;
  execute.execute_device = device_at(1);
  OK(LoadedExecutable_Execute, execute);
  ARGS(Buffer_ReadyEvent, event, .buffer = out);
  OK(Buffer_ReadyEvent, event);
  expect_error(await_event(event.event), PJRT_Error_Code_ABORTED, "stop", "first device", __FILE__,
               __LINE__);
  destroy_buffer(out);
  destroy_buffer(other_out);
  destroy_buffer(make.buffer);
  destroy_buffer(in);
  destroy_executable(ones[0].executable);
}

// torch_xla's threads compile each its own program, which differ where a device's number comes in;
// and one device may run programs, without collectives, that the others do not.
static void test_device_by_device_of_several_programs(void **state) {
  (void)state;
  static const char other_text[] =
      "module attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 2 : i32} {\n"
      "func.func @main(%a: tensor<3xf32>) -> tensor<3xf32> {\n"
      "  %n = stablehlo.negate %a : tensor<3xf32>\n"
      "  %0 = \"stablehlo.all_reduce\"(%n) ({\n"
      "    ^bb0(%x: tensor<f32>, %y: tensor<f32>):\n"
      "      %s = stablehlo.add %x, %y : tensor<f32>\n"
      "      stablehlo.return %s : tensor<f32>\n"
      "  }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<3xf32>) -> "
      "tensor<3xf32>\n"
      "  return %0 : tensor<3xf32>\n"
      "}\n}\n";
  static const char alone_text[] =
      "module attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 2 : i32} {\n"
      "func.func @main(%a: tensor<3xf32>) -> tensor<3xf32> {\n"
      "  %0 = stablehlo.negate %a : tensor<3xf32>\n"
      "  return %0 : tensor<3xf32>\n"
      "}\n}\n";
  PJRT_LoadedExecutable *programs[3];
  const char *const texts[] = {reduce_text, other_text, alone_text};
  for (int i = 0; i < 3; i++) {
    size_t size;
    const char *options = compile_options(2, 1, &size);
    expect_ok(try_compile(texts[i], strlen(texts[i]), "mlir", options, size, &programs[i]),
              "compile", __FILE__, __LINE__);
  }
  for (int round = 0; round < 3; round++) {
    // What runs on device 0: alone, then the first; on device 1: the second.
    const struct { int program, device; } calls[] = {{2, 0}, {0, 0}, {1, 1}};
    PJRT_Buffer *in[3], *out[3];
    for (int c = 0; c < 3; c++) {
      in[c] = vector_on(calls[c].device, (float)(round + 10 * calls[c].device));
      PJRT_Buffer *const *list = &in[c], **outputs = &out[c];
      PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
      ARGS(LoadedExecutable_Execute, execute, .executable = programs[calls[c].program],
           .options = &options, .argument_lists = &list, .num_devices = 1, .num_args = 1,
           .output_lists = &outputs, .execute_device = device_at((size_t)calls[c].device));
      OK(LoadedExecutable_Execute, execute);
    }
    float alone = (float)-round, sum = -10; // round - (round + 10)
    expect_vector(out[0], alone, alone, alone);
    expect_vector(out[1], sum, sum, sum);
    expect_vector(out[2], sum, sum, sum);
    for (int c = 0; c < 3; c++) {
      destroy_buffer(in[c]);
      destroy_buffer(out[c]);
    }
    if (round == 1) { // the place stays while an executable does
      destroy_executable(programs[0]);
      programs[0] = compile_reduce();
    }
  }
  for (int i = 0; i < 3; i++)
    destroy_executable(programs[i]);
}

// --- Serialising ---------------------------------------------------------------------------------

static void test_serialize(void **state) {
  (void)state;
  PJRT_LoadedExecutable *adder = compile(add_text);
  PJRT_Executable *executable = executable_of(adder);
  ARGS(Executable_Serialize, write, .executable = executable);
  OK(Executable_Serialize, write);
  release(executable);
  destroy_executable(adder);
  for (int twice = 0; twice < 2; twice++) {
    ARGS(Executable_DeserializeAndLoad, load, .client = client,
         .serialized_executable = write.serialized_bytes,
         .serialized_executable_size = write.serialized_bytes_size);
    if (twice)
      load.struct_size = 64; // 0.75
    OK(Executable_DeserializeAndLoad, load);
    PJRT_Buffer *args[2] = {vector(1, 2, 3), vector(1, 1, 1)}, *out;
    expect_ok(try_execute(load.loaded_executable, 2, args, &out), "execute", __FILE__, __LINE__);
    expect_vector(out, 2, 3, 4);
    destroy_buffer(out);
    destroy_buffer(args[0]);
    destroy_buffer(args[1]);
    destroy_executable(load.loaded_executable);
  }
  // Cut anywhere, or with any byte changed, it is refused.
  char *bytes = malloc(write.serialized_bytes_size);
  for (size_t i = 0; i < write.serialized_bytes_size; i++) {
    ARGS(Executable_DeserializeAndLoad, cut, .client = client,
         .serialized_executable = write.serialized_bytes, .serialized_executable_size = i);
    FAILS(Executable_DeserializeAndLoad, cut, INVALID_ARGUMENT, "serialized executable");
    memcpy(bytes, write.serialized_bytes, write.serialized_bytes_size);
    bytes[i] ^= 0x10;
    cut.serialized_executable = bytes;
    cut.serialized_executable_size = write.serialized_bytes_size;
    FAILS(Executable_DeserializeAndLoad, cut, INVALID_ARGUMENT, "serialized executable");
  }
  free(bytes);
  write.serialized_executable_deleter(write.serialized_executable);
}

static void test_ahead_of_time(void **state) {
  (void)state;
  ARGS(TopologyDescription_Create, topology);
  OK(TopologyDescription_Create, topology);
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE,
                          .code = (char *)(uintptr_t)add_text,
                          .code_size = sizeof add_text - 1,
                          .format = "mlir",
                          .format_size = 4};
  size_t size;
  const char *options = compile_options(1, 1, &size);
  ARGS(Compile, compile_args, .topology = topology.topology, .program = &program,
       .compile_options = options, .compile_options_size = size);
  OK(Compile, compile_args);
  ARGS(TopologyDescription_Destroy, destroy, .topology = topology.topology);
  OK(TopologyDescription_Destroy, destroy);
  ARGS(Client_Load, load, .client = client, .executable = compile_args.executable);
  OK(Client_Load, load);
  release(compile_args.executable);
  PJRT_Buffer *args[2] = {vector(1, 2, 3), vector(1, 1, 1)}, *out;
  expect_ok(try_execute(load.loaded_executable, 2, args, &out), "execute", __FILE__, __LINE__);
  expect_vector(out, 2, 3, 4);
  destroy_buffer(out);
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_executable(load.loaded_executable);
}

// --- Bad input -----------------------------------------------------------------------------------

static void refuse(const char *code, const char *format, const char *options, size_t options_size,
                   PJRT_Error_Code expected, const char *text) {
  PJRT_LoadedExecutable *executable;
  expect_error(try_compile(code, strlen(code), format, options, options_size, &executable),
               expected, text, code, __FILE__, __LINE__);
  assert_null(executable);
}

static void test_bad_programs(void **state) {
  (void)state;
  PJRT_Buffer *bystander = vector(7, 8, 9);
  size_t size;
  const char *options = compile_options(1, 1, &size);
  refuse(add_text, "invalid", options, size, PJRT_Error_Code_INVALID_ARGUMENT,
         "Unknown program format 'invalid'");
  refuse(add_text, "mlir", "invalid", 7, PJRT_Error_Code_INVALID_ARGUMENT,
         "PJRT_Client_Compile: failed to deserialize CompileOptionsProto");
  refuse("nonsense", "mlir", options, size, PJRT_Error_Code_INVALID_ARGUMENT, "1:1");
  refuse("module {}", "mlir", options, size, PJRT_Error_Code_INVALID_ARGUMENT, "main");
  refuse("func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> { return %a : tensor<?xf32> }",
         "mlir", options, size, PJRT_Error_Code_INVALID_ARGUMENT, "static shape");
  refuse(reduce_text, "mlir", options, size, PJRT_Error_Code_INVALID_ARGUMENT,
         "mhlo.num_replicas = 2");
  refuse("func.func @main(%a: tensor<3xf32> {tf.aliasing_output = 5 : i32}) -> tensor<3xf32> "
         "{ return %a : tensor<3xf32> }",
         "mlir", options, size, PJRT_Error_Code_INVALID_ARGUMENT,
         "tf.aliasing_output names result 5");
  options = compile_options(3, 1, &size);
  refuse(add_text, "mlir", options, size, PJRT_Error_Code_INVALID_ARGUMENT,
         "3 devices (3 replicas, 1 partitions), but the client has 2");
  expect_vector(bystander, 7, 8, 9);
  destroy_buffer(bystander);
}

static void test_mutated_artifacts(void **state) {
  (void)state;
  PJRT_LoadedExecutable *adder = compile(add_text);
  PJRT_Executable *executable = executable_of(adder);
  ARGS(Executable_Serialize, write, .executable = executable);
  OK(Executable_Serialize, write);
  // The artifact lies between our header and checksum; find it by its magic.
  const char *bytes = write.serialized_bytes;
  size_t size = write.serialized_bytes_size, at = 0, options_size;
  while (at + 4 < size && memcmp(bytes + at, "ML\xefR", 4) != 0)
    at++;
  assert_true(at + 4 < size);
  size_t code_size = size - at - 8;
  const char *options = compile_options(1, 1, &options_size);
  PJRT_LoadedExecutable *loaded;
  expect_ok(try_compile(bytes + at, code_size, "mlir", options, options_size, &loaded), "whole",
            __FILE__, __LINE__);
  destroy_executable(loaded);
  char *copy = malloc(code_size);
  for (size_t i = 0; i < code_size; i++) {
    // Truncated: always refused. Changed: refused or a program, but nothing worse.
    PJRT_Error *error = try_compile(bytes + at, i, "mlir", options, options_size, &loaded);
    assert_non_null(error);
    ARGS(Error_Destroy, destroy, .error = error);
    api->PJRT_Error_Destroy(&destroy);
    memcpy(copy, bytes + at, code_size);
    copy[i] = (char)(copy[i] + 1 + (int)(i % 200));
    destroy.error = try_compile(copy, code_size, "mlir", options, options_size, &loaded);
    api->PJRT_Error_Destroy(&destroy);
    destroy_executable(loaded);
  }
  free(copy);
  write.serialized_executable_deleter(write.serialized_executable);
  release(executable);
  destroy_executable(adder);
}

static void test_bad_arguments(void **state) {
  (void)state;
  PJRT_LoadedExecutable *adder = compile(add_text);
  const int64_t four[1] = {4}, *dims = four;
  const float data[4] = {0};
  const int32_t ints[3] = {0};
  PJRT_Buffer *good = vector(1, 2, 3), *out = NULL;
  PJRT_Buffer *long_one = make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, dims, data);
  PJRT_Buffer *typed = make_buffer(device_at(0), PJRT_Buffer_Type_S32, 1, three, ints);
  PJRT_Buffer *elsewhere = vector_on(1, 1);
  PJRT_Buffer *args[3] = {good, long_one, good};
  expect_error(try_execute(adder, 2, args, &out), PJRT_Error_Code_INVALID_ARGUMENT,
               "argument 1 of program adder must be f32[3], but is f32[4]", "shape", __FILE__,
               __LINE__);
  args[1] = typed;
  expect_error(try_execute(adder, 2, args, &out), PJRT_Error_Code_INVALID_ARGUMENT,
               "must be f32[3], but is s32[3]", "type", __FILE__, __LINE__);
  args[1] = elsewhere;
  expect_error(try_execute(adder, 2, args, &out), PJRT_Error_Code_INVALID_ARGUMENT,
               "CpuDevice(id=1)", "device", __FILE__, __LINE__);
  args[1] = NULL;
  expect_error(try_execute(adder, 2, args, &out), PJRT_Error_Code_INVALID_ARGUMENT, "null", "null",
               __FILE__, __LINE__);
  args[1] = good;
  expect_error(try_execute(adder, 1, args, &out), PJRT_Error_Code_INVALID_ARGUMENT,
               "takes 2 arguments, but 1", "count", __FILE__, __LINE__);
  expect_error(try_execute(adder, 3, args, &out), PJRT_Error_Code_INVALID_ARGUMENT,
               "takes 2 arguments, but 3", "count", __FILE__, __LINE__);
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  PJRT_Buffer *const *lists[2] = {args, args}, **outputs[2] = {&out, &out};
  ARGS(LoadedExecutable_Execute, execute, .executable = adder, .options = &options,
       .argument_lists = lists, .num_devices = 2, .num_args = 2, .output_lists = outputs);
  FAILS(LoadedExecutable_Execute, execute, INVALID_ARGUMENT,
        "runs on 1 devices, but arguments are given for 2");
  execute.num_devices = 1;
  execute.execute_device = device_at(1);
  FAILS(LoadedExecutable_Execute, execute, INVALID_ARGUMENT, "not assigned");
  assert_null(out);
  ARGS(LoadedExecutable_Delete, delete, .executable = adder);
  OK(LoadedExecutable_Delete, delete);
  ARGS(LoadedExecutable_IsDeleted, deleted, .executable = adder);
  OK(LoadedExecutable_IsDeleted, deleted);
  assert_true(deleted.is_deleted);
  expect_error(try_execute(adder, 2, args, &out), PJRT_Error_Code_FAILED_PRECONDITION, "deleted",
               "deleted", __FILE__, __LINE__);
  expect_vector(good, 1, 2, 3);
  destroy_buffer(good);
  destroy_buffer(long_one);
  destroy_buffer(typed);
  destroy_buffer(elsewhere);
  destroy_executable(adder);
}

// --- FFI -----------------------------------------------------------------------------------------

static int64_t scale_type_id;

// result = operand * attribute "factor" + user data; fails if factor is negative.
static XLA_FFI_Error *scale_handler(XLA_FFI_CallFrame *frame) {
  if (frame->extension_start && frame->extension_start->type == XLA_FFI_Extension_Metadata) {
    XLA_FFI_Metadata *metadata = ((XLA_FFI_Metadata_Extension *)frame->extension_start)->metadata;
    metadata->api_version.major_version = XLA_FFI_API_MAJOR;
    metadata->api_version.minor_version = XLA_FFI_API_MINOR;
    return NULL;
  }
  const XLA_FFI_Buffer *in = frame->args.args[0], *out = frame->rets.rets[0];
  // Attributes come sorted by name: factor, label.
  const XLA_FFI_Scalar *factor = frame->attrs.attrs[0];
  const XLA_FFI_ByteSpan *label = frame->attrs.attrs[1];
  float f = *(const float *)factor->value;
  if (frame->attrs.size != 2 || factor->dtype != XLA_FFI_DataType_F32 || label->len != 4 ||
      memcmp(label->ptr, "text", 4) != 0 || in->dtype != XLA_FFI_DataType_F32 || in->rank != 1 ||
      (uintptr_t)in->data % 64 || (uintptr_t)out->data % 64 || f < 0) {
    XLA_FFI_Error_Create_Args create = {.struct_size = XLA_FFI_Error_Create_Args_STRUCT_SIZE,
                                        .message = "a bad factor",
                                        .errc = XLA_FFI_Error_Code_OUT_OF_RANGE};
    return frame->api->XLA_FFI_Error_Create(&create);
  }
  XLA_FFI_TypeId id = {scale_type_id};
  XLA_FFI_ExecutionContext_Get_Args get = {.struct_size =
                                               XLA_FFI_ExecutionContext_Get_Args_STRUCT_SIZE,
                                           .ctx = frame->ctx,
                                           .type_id = &id};
  XLA_FFI_Error *error = frame->api->XLA_FFI_ExecutionContext_Get(&get);
  if (error)
    return error;
  for (int64_t i = 0; i < in->dims[0]; i++)
    ((float *)out->data)[i] = ((const float *)in->data)[i] * f + *(const float *)get.data;
  return NULL;
}

static PJRT_LoadedExecutable *compile_scale(const char *factor) {
  char text[512];
  snprintf(text, sizeof text,
           "func.func @main(%%a: tensor<3xf32>) -> tensor<3xf32> {\n"
           "  %%0 = stablehlo.custom_call @test_scale(%%a) {api_version = 4 : i32, "
           "mhlo.backend_config = "
           "{label = \"text\", factor = %s : f32}} : (tensor<3xf32>) -> tensor<3xf32>\n"
           "  return %%0 : tensor<3xf32>\n}\n",
           factor);
  return compile(text);
}

static void test_handlers(void **state) {
  (void)state;
  const PJRT_FFI_Extension *ffi = (const PJRT_FFI_Extension *)extension(PJRT_Extension_Type_FFI);
  PJRT_FFI_Type_Register_Args type = {.struct_size = PJRT_FFI_Type_Register_Args_STRUCT_SIZE,
                                      .type_name = "scale",
                                      .type_name_size = 5};
  expect_ok(ffi->type_register(&type), "type", __FILE__, __LINE__);
  assert_int_not_equal(type.type_id, 0);
  scale_type_id = type.type_id;
  type.type_id = 0;
  expect_ok(ffi->type_register(&type), "again", __FILE__, __LINE__);
  assert_int_equal(type.type_id, scale_type_id);
  type.type_id = scale_type_id + 1;
  expect_error(ffi->type_register(&type), PJRT_Error_Code_INVALID_ARGUMENT, "taken", "other id",
               __FILE__, __LINE__);

  PJRT_LoadedExecutable *early = compile_scale("2.0");
  PJRT_FFI_Register_Handler_Args handler = {.struct_size =
                                                PJRT_FFI_Register_Handler_Args_STRUCT_SIZE,
                                            .target_name = "test_scale",
                                            .target_name_size = 10,
                                            .handler = (void *)(uintptr_t)scale_handler,
                                            .platform_name = "cpu",
                                            .platform_name_size = 3};
  expect_ok(ffi->register_handler(&handler), "register", __FILE__, __LINE__);

  ARGS(ExecuteContext_Create, create);
  OK(ExecuteContext_Create, create);
  float offset = 100;
  PJRT_FFI_UserData_Add_Args add = {.struct_size = PJRT_FFI_UserData_Add_Args_STRUCT_SIZE,
                                    .context = create.context,
                                    .user_data = {.type_id = scale_type_id, .data = &offset}};
  expect_ok(ffi->user_data_add(&add), "add", __FILE__, __LINE__);
  expect_error(ffi->user_data_add(&add), PJRT_Error_Code_ALREADY_EXISTS, "already", "twice",
               __FILE__, __LINE__);
  // Handlers find operands aligned also where the caller's are not.
  static _Alignas(64) float data[4] = {0, 1, 2, 3};
  const int64_t dims[1] = {3};
  ARGS(Client_CreateViewOfDeviceBuffer, view, .client = client, .device_buffer_ptr = data + 1,
       .dims = dims, .num_dims = 1, .element_type = PJRT_Buffer_Type_F32, .device = device_at(0));
  OK(Client_CreateViewOfDeviceBuffer, view);
  PJRT_Buffer *in = view.buffer, *out, **outputs = &out, *const *list = &in;
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                 .context = create.context};
  ARGS(LoadedExecutable_Execute, execute, .executable = early, .options = &options,
       .argument_lists = &list, .num_devices = 1, .num_args = 1, .output_lists = &outputs);
  OK(LoadedExecutable_Execute, execute);
  // Allowed as soon as the call is back.
  ARGS(ExecuteContext_Destroy, destroy, .context = create.context);
  OK(ExecuteContext_Destroy, destroy);
  expect_vector(out, 102, 104, 106);
  destroy_buffer(out);

  // Without user data, and with the handler's own error. What was compiled before the handler was
  // there runs within the call, and so its failure is the call's.
  execute.options = NULL;
  out = NULL;
  FAILS(LoadedExecutable_Execute, execute, NOT_FOUND, "user data");
  assert_null(out);
  PJRT_LoadedExecutable *bad = compile_scale("-2.0");
  execute.executable = bad;
  OK(LoadedExecutable_Execute, execute);
  ARGS(Buffer_ReadyEvent, event, .buffer = out);
  OK(Buffer_ReadyEvent, event);
  expect_error(await_event(event.event), PJRT_Error_Code_OUT_OF_RANGE, "a bad factor", "bad",
               __FILE__, __LINE__);
  destroy_buffer(out);
  destroy_buffer(in);
  destroy_executable(bad);
  destroy_executable(early);
}

static void test_unknown_custom_call(void **state) {
  (void)state;
  PJRT_LoadedExecutable *unknown = compile(
      "func.func @main(%a: tensor<3xf32>) -> tensor<3xf32> {\n"
      "  %0 = stablehlo.custom_call @nobody_knows_this(%a) : (tensor<3xf32>) -> tensor<3xf32>\n"
      "  return %0 : tensor<3xf32>\n}\n");
  PJRT_Buffer *in = vector(1, 2, 3), *out = NULL;
  expect_error(try_execute(unknown, 1, &in, &out), PJRT_Error_Code_UNIMPLEMENTED,
               "nobody_knows_this", "unknown", __FILE__, __LINE__);
  assert_null(out);
  destroy_buffer(in);
  destroy_executable(unknown);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_compile_and_execute),
      cmocka_unit_test(test_questions),
      cmocka_unit_test(test_layouts_and_shardings),
      cmocka_unit_test(test_donation),
      cmocka_unit_test(test_results_do_not_share_memory_with_arguments),
      cmocka_unit_test(test_bounded_results),
      cmocka_unit_test(test_pending_inputs),
      cmocka_unit_test(test_donation_of_what_just_came),
      cmocka_unit_test(test_memory_of_what_is_kept),
      cmocka_unit_test(test_collectives_meet),
      cmocka_unit_test(test_partitions_run_within_the_call),
      cmocka_unit_test(test_device_by_device),
      cmocka_unit_test(test_device_by_device_of_several_programs),
      cmocka_unit_test(test_serialize),
      cmocka_unit_test(test_ahead_of_time),
      cmocka_unit_test(test_bad_programs),
      cmocka_unit_test(test_mutated_artifacts),
      cmocka_unit_test(test_bad_arguments),
      cmocka_unit_test(test_handlers),
      cmocka_unit_test(test_unknown_custom_call),
  };
  return cmocka_run_group_tests(tests, plugin_setup, plugin_teardown);
}

// Executions and donation.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

static void add(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_add);
  PJRT_Buffer *args[2] = {make_f32(4, (float[]){1, 2, 3, 4}),
                          make_f32(4, (float[]){10, 20, 30, 40})};
  PJRT_Buffer *out;
  execute(loaded, 2, args, &out);
  CHECK(out, "the output is null");
  expect_f32(out, 4, (float[]){11, 22, 33, 44}, "the sum");
  expect_f32(args[0], 4, (float[]){1, 2, 3, 4}, "the first argument, afterwards");
  expect_f32(args[1], 4, (float[]){10, 20, 30, 40}, "the second argument, afterwards");
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void order(void) {
  start();
  PJRT_LoadedExecutable *loaded =
      compile("func.func public @main(%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32> {\n"
              "  %0 = stablehlo.subtract %a, %b : tensor<4xf32>\n"
              "  return %0 : tensor<4xf32>\n}\n");
  PJRT_Buffer *args[2] = {make_f32(4, (float[]){1, 2, 3, 4}), make_f32(4, (float[]){4, 3, 2, 0})};
  PJRT_Buffer *out;
  execute(loaded, 2, args, &out);
  expect_f32(out, 4, (float[]){-3, -1, 1, 4}, "the difference");
  destroy_buffer(out);
  execute(loaded, 2, (PJRT_Buffer *[]){args[1], args[0]}, &out);
  expect_f32(out, 4, (float[]){3, 1, -1, -4}, "the difference the other way");
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void same_twice(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_add);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  execute(loaded, 2, (PJRT_Buffer *[]){a, a}, &out);
  expect_f32(out, 4, (float[]){2, 4, 6, 8}, "a buffer added to itself");
  destroy_buffer(a);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void outputs(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_two);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out[3] = {NULL, NULL, (void *)8};
  execute(loaded, 1, &a, out);
  CHECK(out[2] == (void *)8, "more outputs were written than there are");
  expect_f32(out[0], 4, (float[]){-1, -2, -3, -4}, "the first output");
  expect_f32(out[1], 1, (float[]){10}, "the second output");
  ARGS(Buffer_Dimensions, scalar, .buffer = out[1]);
  OK(Buffer_Dimensions, scalar);
  EQUAL(scalar.num_dims, 0, "the rank of the second output");
  destroy_buffer(a);
  destroy_buffer(out[0]);
  destroy_buffer(out[1]);
  destroy_loaded(loaded);
  stop();
}

static void no_arguments(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_none);
  PJRT_Buffer *out[2];
  execute(loaded, 0, NULL, &out[0]);
  execute(loaded, 0, NULL, &out[1]);
  CHECK(out[0] != out[1], "two executions return one buffer");
  expect_f32(out[0], 2, (float[]){1, 2}, "a constant");
  destroy_buffer(out[0]);
  expect_f32(out[1], 2, (float[]){1, 2}, "a constant, a second time");
  destroy_buffer(out[1]);
  destroy_loaded(loaded);
  stop();
}

static void no_results(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile("func.func public @main(%a: tensor<4xf32>) {\n"
                                          "  return\n}\n");
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out[1] = {(void *)8};
  execute(loaded, 1, &a, out);
  CHECK(out[0] == (void *)8, "an output is written that the program does not have");
  destroy_buffer(a);
  destroy_loaded(loaded);
  stop();
}

static void identity(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_identity);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  execute(loaded, 1, &a, &out);
  CHECK(out != a, "the output is the argument's handle");
  destroy_buffer(a);
  expect_f32(out, 4, (float[]){1, 2, 3, 4}, "a passed argument, after the argument was destroyed");
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void fresh(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_add);
  PJRT_Buffer *out[20];
  for (int i = 0; i < 20; i++) {
    float x = (float)i;
    PJRT_Buffer *args[2] = {make_f32(4, (float[]){x, x, x, x}), make_f32(4, (float[]){1, 2, 3, 4})};
    execute(loaded, 2, args, &out[i]);
    destroy_buffer(args[0]);
    destroy_buffer(args[1]);
  }
  for (int i = 0; i < 20; i++) { // earlier results are not those of later runs
    float x = (float)i;
    expect_f32(out[i], 4, (float[]){x + 1, x + 2, x + 3, x + 4}, "one of 20 results");
    destroy_buffer(out[i]);
  }
  destroy_loaded(loaded);
  stop();
}

static void chain(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_add);
  PJRT_Buffer *one = make_f32(4, (float[]){1, 1, 1, 1}), *x = make_f32(4, (float[]){0, 1, 2, 3});
  for (int i = 0; i < 100; i++) { // nothing is waited for in between
    PJRT_Buffer *args[2] = {x, one}, *out;
    PJRT_Buffer *const *const argument_lists[1] = {args};
    PJRT_Buffer **const output_lists[1] = {&out};
    PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
    ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
         .argument_lists = argument_lists, .num_devices = 1, .num_args = 2,
         .output_lists = output_lists);
    OK(LoadedExecutable_Execute, run);
    memset(&options, 0xee, sizeof options); // they die when the call returns
    destroy_buffer(x);
    x = out;
  }
  expect_f32(x, 4, (float[]){100, 101, 102, 103}, "the end of the chain");
  destroy_buffer(x);
  destroy_buffer(one);
  destroy_loaded(loaded);
  stop();
}

static void pending_argument(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_add);
  ARGS(Client_CreateAliasBuffer, make, .client = client, .memory = default_memory(device),
       .shape_dims = (int64_t[]){4}, .shape_num_dims = 1,
       .shape_element_type = PJRT_Buffer_Type_F32);
  OK(Client_CreateAliasBuffer, make);
  PJRT_Buffer *args[2] = {make.alias_buffer, make_f32(4, (float[]){1, 1, 1, 1})}, *out;
  PJRT_Buffer *const *const argument_lists[1] = {args};
  PJRT_Buffer **const output_lists[1] = {&out};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = 2,
       .output_lists = output_lists);
  OK(LoadedExecutable_Execute, run);
  PJRT_Event *ready = ready_event(out);
  pj_sleep(0.05);
  CHECK(!is_ready(ready), "the result is ready before its argument");
  PJRT_Buffer *value = make_f32(4, (float[]){1, 2, 3, 4});
  ARGS(Client_FulfillAliasBuffer, fulfill, .client = client, .buffer = value,
       .fulfill_alias_buffer_cb = make.fulfill_alias_buffer_cb);
  OK(Client_FulfillAliasBuffer, fulfill);
  await_ok(ready, "the result");
  expect_f32(out, 4, (float[]){2, 3, 4, 5}, "the sum with what came later");
  destroy_buffer(value);
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void outlives_executable(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_none);
  PJRT_Buffer *out;
  execute(loaded, 0, NULL, &out);
  destroy_loaded(loaded);
  for (int i = 0; i < 5; i++) { // other code may come into its place
    loaded = compile(program_add);
    destroy_loaded(loaded);
  }
  expect_f32(out, 2, (float[]){1, 2}, "a result, after the executable was destroyed");
  destroy_buffer(out);
  stop();
}

static void too_few(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_add);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  pj_expect_error(-1, try_execute(loaded, 1, &a, &out), PJRT_Error_Code_OK,
                  "executing with one argument of two", __FILE__, __LINE__);
  destroy_buffer(a);
  destroy_loaded(loaded);
  stop();
}

static void wrong_shape(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_add);
  PJRT_Buffer *args[2] = {make_f32(4, (float[]){1, 2, 3, 4}), make_f32(2, (float[]){1, 2})}, *out;
  pj_expect_error(-1, try_execute(loaded, 2, args, &out), PJRT_Error_Code_OK,
                  "executing with 2 elements for 4", __FILE__, __LINE__);
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_loaded(loaded);
  stop();
}

static void wrong_type(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_identity);
  PJRT_Buffer *a = make_buffer(device, PJRT_Buffer_Type_S32, 1, (int64_t[]){4},
                               (int32_t[]){1, 2, 3, 4}),
              *out;
  pj_expect_error(-1, try_execute(loaded, 1, &a, &out), PJRT_Error_Code_OK,
                  "executing with s32 for f32", __FILE__, __LINE__);
  destroy_buffer(a);
  destroy_loaded(loaded);
  stop();
}

// ExecuteOptions as they were in 0.75.
static void old_options(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_identity);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  PJRT_Buffer *const *const argument_lists[1] = {&a};
  PJRT_Buffer **const output_lists[1] = {&out};
  PJRT_ExecuteOptions options;
  memset(&options, 0xee, sizeof options);
  size_t size = offsetof(PJRT_ExecuteOptions, call_location);
  memset(&options, 0, size);
  options.struct_size = size;
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = 1,
       .output_lists = output_lists);
  OK(LoadedExecutable_Execute, run);
  expect_f32(out, 4, (float[]){1, 2, 3, 4}, "the result for a host of 0.75");
  destroy_buffer(a);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

// jaxlib hangs such a node on every compilation and execution.
static void profiler_extension(void) {
  start();
  struct {
    PJRT_Extension_Base base;
    void *api;
    int64_t context_id;
  } node = {.base = {.struct_size = sizeof node, .type = PJRT_Extension_Type_Profiler}};
  size_t size;
  const char *bytes = compile_options(1, 1, &size);
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE,
                          .code = (char *)program_identity,
                          .code_size = strlen(program_identity),
                          .format = "mlir",
                          .format_size = 4};
  ARGS(Client_Compile, make, .client = client, .program = &program, .compile_options = bytes,
       .compile_options_size = size, .extension_start = &node.base);
  OK(Client_Compile, make);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  PJRT_Buffer *const *const argument_lists[1] = {&a};
  PJRT_Buffer **const output_lists[1] = {&out};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  ARGS(LoadedExecutable_Execute, run, .executable = make.executable, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = 1,
       .output_lists = output_lists, .extension_start = &node.base);
  OK(LoadedExecutable_Execute, run);
  expect_f32(out, 4, (float[]){1, 2, 3, 4}, "the result");
  destroy_buffer(a);
  destroy_buffer(out);
  destroy_loaded(make.executable);
  stop();
}

static void context(void) {
  start();
  ARGS(ExecuteContext_Create, make);
  OK(ExecuteContext_Create, make);
  CHECK(make.context, "the context is null");
  PJRT_LoadedExecutable *loaded = compile(program_identity);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  PJRT_Buffer *const *const argument_lists[1] = {&a};
  PJRT_Buffer **const output_lists[1] = {&out};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                 .context = make.context};
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = 1,
       .output_lists = output_lists);
  OK(LoadedExecutable_Execute, run);
  ARGS(ExecuteContext_Destroy, destroy, .context = make.context);
  OK(ExecuteContext_Destroy, destroy); // at once
  expect_f32(out, 4, (float[]){1, 2, 3, 4}, "the result");
  destroy_buffer(a);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

// A tuple of a tuple becomes three outputs.
static void tuple_result(void) {
  start();
  static const char text[] =
      "func.func public @main(%a: tensor<4xf32>) -> tuple<tensor<4xf32>, tuple<tensor<2xf32>, "
      "tensor<4xf32>>> {\n"
      "  %0 = stablehlo.slice %a [1:3] : (tensor<4xf32>) -> tensor<2xf32>\n"
      "  %1 = stablehlo.negate %a : tensor<4xf32>\n"
      "  %2 = stablehlo.tuple %0, %a : tuple<tensor<2xf32>, tensor<4xf32>>\n"
      "  %3 = stablehlo.tuple %1, %2 : tuple<tensor<4xf32>, tuple<tensor<2xf32>, "
      "tensor<4xf32>>>\n"
      "  return %3 : tuple<tensor<4xf32>, tuple<tensor<2xf32>, tensor<4xf32>>>\n}\n";
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_LoadedExecutable *loaded;
  PJRT_Error *error = try_compile(text, sizeof text - 1, "mlir", options, size, &loaded);
  if (error) { // only old programs return tuples
    const char *message = pj_error_text(error);
    pj_not_offered("programs that return a tuple: %s", message);
  }
  PJRT_Executable *executable = executable_of(loaded);
  ARGS(Executable_NumOutputs, n, .executable = executable);
  OK(Executable_NumOutputs, n);
  EQUAL(n.num_outputs, 3, "the number of outputs");
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out[3];
  execute(loaded, 1, &a, out);
  expect_f32(out[0], 4, (float[]){-1, -2, -3, -4}, "the first output");
  expect_f32(out[1], 2, (float[]){2, 3}, "the second output");
  expect_f32(out[2], 4, (float[]){1, 2, 3, 4}, "the third output");
  for (int i = 0; i < 3; i++)
    destroy_buffer(out[i]);
  destroy_buffer(a);
  destroy_executable(executable);
  destroy_loaded(loaded);
  stop();
}

// parameter_is_tupled_arguments is about the program inside: hosts pass arguments as ever.
static void tupled_arguments(void) {
  start();
  size_t size;
  const char *plain = compile_options(1, 1, &size);
  char options[300] = {0x10, 1};
  memcpy(options + 2, plain, size);
  PJRT_LoadedExecutable *loaded;
  pj_expect_ok(PJ_SLOT_Client_Compile,
               try_compile(program_add, strlen(program_add), "mlir", options, size + 2, &loaded),
               __FILE__, __LINE__);
  PJRT_Buffer *args[2] = {make_f32(4, (float[]){1, 2, 3, 4}), make_f32(4, (float[]){5, 6, 7, 8})};
  PJRT_Buffer *out;
  execute(loaded, 2, args, &out);
  expect_f32(out, 4, (float[]){6, 8, 10, 12}, "the sum");
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void deterministic(void) {
  start();
  PJRT_LoadedExecutable *loaded =
      compile("func.func public @main(%a: tensor<300x300xf32>) -> tensor<f32> {\n"
              "  %zero = stablehlo.constant dense<0.0> : tensor<f32>\n"
              "  %0 = stablehlo.dot_general %a, %a, contracting_dims = [1] x [0] : "
              "(tensor<300x300xf32>, tensor<300x300xf32>) -> tensor<300x300xf32>\n"
              "  %1 = stablehlo.reduce(%0 init: %zero) applies stablehlo.add across dimensions = "
              "[0, 1] : (tensor<300x300xf32>, tensor<f32>) -> tensor<f32>\n"
              "  return %1 : tensor<f32>\n}\n");
  static float data[300 * 300];
  for (int i = 0; i < 300 * 300; i++)
    data[i] = (float)((i * 7919) % 1000) / 777.0f;
  PJRT_Buffer *a = make_buffer(device, PJRT_Buffer_Type_F32, 2, (int64_t[]){300, 300}, data);
  float first = 0;
  for (int i = 0; i < 10; i++) {
    PJRT_Buffer *out;
    float sum;
    execute(loaded, 1, &a, &out);
    read_buffer(out, &sum, sizeof sum);
    destroy_buffer(out);
    if (i == 0)
      first = sum;
    CHECK(memcmp(&first, &sum, sizeof sum) == 0,
          "the same program on the same data: %.9g, then %.9g", (double)first, (double)sum);
  }
  destroy_buffer(a);
  destroy_loaded(loaded);
  stop();
}

const PjCtsTest pj_cts_execute_tests[] = {
    {"execute.add", "the result is right, and the arguments stay as they were", add},
    {"execute.order", "arguments go by their position", order},
    {"execute.same_twice", "one buffer may be passed twice", same_twice},
    {"execute.outputs", "outputs are flat, by position, and no more than there are", outputs},
    {"execute.no_arguments", "a program without arguments makes a new buffer each time",
     no_arguments},
    {"execute.no_results", "a program without results", no_results},
    {"execute.identity", "a passed argument is a buffer of its own", identity},
    {"execute.fresh", "each execution uses its own arguments and results", fresh},
    {"execute.chain", "results may be passed on before they are ready", chain},
    {"execute.pending_argument", "a program waits for its arguments", pending_argument},
    {"execute.outlives_executable", "results outlive the executable", outlives_executable},
    {"execute.too_few", "too few arguments are an error", too_few},
    {"execute.wrong_shape", "an argument of another shape is an error", wrong_shape},
    {"execute.wrong_type", "an argument of another type is an error", wrong_type},
    {"execute.old_options", "options of an older host are read as far as they go", old_options},
    {"execute.profiler_extension", "the node that jaxlib hangs on compilations and executions",
     profiler_extension},
    {"execute.context", "a context may be destroyed when the call returns", context},
    {"execute.tuple_result", "what a program returns as a tuple comes as flat outputs",
     tuple_result},
    {"execute.tupled_arguments", "arguments are passed flat, also to programs that take a tuple",
     tupled_arguments},
    {"execute.deterministic", "the same program on the same data has the same bits", deterministic},
    {0}};

// --- Donation ------------------------------------------------------------------------------------

static PJRT_Buffer *run_donating(PJRT_Buffer *a, bool keep) {
  PJRT_LoadedExecutable *loaded = compile(program_donate);
  PJRT_Buffer *out;
  PJRT_Buffer *const *const argument_lists[1] = {&a};
  PJRT_Buffer **const output_lists[1] = {&out};
  int64_t zero = 0;
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                 .non_donatable_input_indices = keep ? &zero : NULL,
                                 .num_non_donatable_input_indices = keep};
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = 1,
       .output_lists = output_lists);
  OK(LoadedExecutable_Execute, run);
  destroy_loaded(loaded);
  return out;
}

static void donated(void) {
  start();
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out = run_donating(a, false);
  CHECK(is_deleted(a), "a donated argument is not deleted when the call returns");
  expect_f32(out, 4, (float[]){2, 4, 6, 8}, "the result");
  CHECK(!is_deleted(out), "the result is deleted");
  destroy_buffer(a); // the handle is still the host's
  expect_f32(out, 4, (float[]){2, 4, 6, 8}, "the result, after the donated handle went");
  destroy_buffer(out);
  stop();
}

static void kept(void) {
  start();
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out = run_donating(a, true);
  expect_f32(out, 4, (float[]){2, 4, 6, 8}, "the result");
  CHECK(!is_deleted(a), "a non-donatable argument is deleted");
  expect_f32(a, 4, (float[]){1, 2, 3, 4}, "a non-donatable argument");
  destroy_buffer(a);
  destroy_buffer(out);
  stop();
}

static void twice(void) {
  start();
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out = run_donating(a, false), *second;
  PJRT_LoadedExecutable *loaded = compile(program_donate);
  pj_expect_error(-1, try_execute(loaded, 1, &a, &second), PJRT_Error_Code_OK,
                  "donating a buffer twice", __FILE__, __LINE__);
  expect_f32(out, 4, (float[]){2, 4, 6, 8}, "the result of the first time");
  destroy_buffer(a);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void referenced(void) {
  start();
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4});
  ARGS(Buffer_IncreaseExternalReferenceCount, up, .buffer = a);
  OK(Buffer_IncreaseExternalReferenceCount, up);
  ARGS(Buffer_IsOnCpu, cpu, .buffer = a);
  OK(Buffer_IsOnCpu, cpu);
  if (!cpu.is_on_cpu)
    pj_not_offered("the buffer is not in memory that the host can read");
  ARGS(Buffer_OpaqueDeviceMemoryDataPointer, get, .buffer = a);
  OK(Buffer_OpaqueDeviceMemoryDataPointer, get);
  const float *data = get.device_memory_ptr;
  PJRT_LoadedExecutable *loaded = compile(program_donate);
  PJRT_Buffer *out = NULL;
  PJRT_Error *error = try_execute(loaded, 1, &a, &out);
  if (error) // refusing is one way to keep the promise
    pj_error_free(error);
  for (int i = 0; i < 4; i++)
    CHECK(data[i] == (float)(i + 1), "element %d of a referenced buffer was overwritten", i);
  ARGS(Buffer_DecreaseExternalReferenceCount, down, .buffer = a);
  OK(Buffer_DecreaseExternalReferenceCount, down);
  destroy_buffer(a);
  if (out)
    destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void both(void) {
  start();
  PJRT_LoadedExecutable *loaded = compile(
      "func.func public @main(%a: tensor<4xf32> {tf.aliasing_output = 0 : i32}, %b: tensor<4xf32>) "
      "-> tensor<4xf32> {\n"
      "  %0 = stablehlo.add %a, %b : tensor<4xf32>\n"
      "  return %0 : tensor<4xf32>\n}\n");
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out = NULL;
  PJRT_Error *error = try_execute(loaded, 2, (PJRT_Buffer *[]){a, a}, &out);
  if (error) { // a donated buffer that is also read: XLA's plugins refuse
    CHECK(*pj_error_text(error), "an error without a message");
    pj_error_free(error);
  } else {
    expect_f32(out, 4, (float[]){2, 4, 6, 8}, "a donated buffer, added to itself");
    destroy_buffer(out);
  }
  destroy_buffer(a);
  destroy_loaded(loaded);
  stop();
}

static void donor(void) {
  start();
  PJRT_LoadedExecutable *loaded =
      compile("func.func public @main(%a: tensor<4xf32> {jax.buffer_donor = true}, "
              "%b: tensor<4xf32>) -> tensor<4xf32> {\n"
              "  %0 = stablehlo.add %a, %b : tensor<4xf32>\n"
              "  return %0 : tensor<4xf32>\n}\n");
  PJRT_Buffer *args[2] = {make_f32(4, (float[]){1, 2, 3, 4}), make_f32(4, (float[]){1, 1, 1, 1})};
  PJRT_Buffer *out;
  execute(loaded, 2, args, &out);
  expect_f32(out, 4, (float[]){2, 3, 4, 5}, "the result");
  CHECK(!is_deleted(args[1]), "an argument that was not donated is deleted");
  expect_f32(args[1], 4, (float[]){1, 1, 1, 1}, "the other argument");
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

const PjCtsTest pj_cts_donation_tests[] = {
    {"donation.donated", "a donated argument is deleted when the call returns", donated},
    {"donation.kept", "a non-donatable argument stays as it was", kept},
    {"donation.twice", "a donated buffer cannot be used again", twice},
    {"donation.referenced", "memory with external references is not overwritten", referenced},
    {"donation.also_read", "a donated buffer that is passed twice is right, or an error", both},
    {"donation.donor", "jax.buffer_donor donates, and only what it marks", donor},
    {0}};

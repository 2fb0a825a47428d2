// Programs in, questions about executables, errors for what is no program.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

static PJRT_Error *compile_bytes(const char *code, size_t size, const char *format) {
  size_t options_size;
  const char *options = compile_options(1, 1, &options_size);
  PJRT_LoadedExecutable *loaded;
  return try_compile(code, size, format, options, options_size, &loaded);
}

static void refused(const char *code, size_t size, const char *format, const char *what) {
  start();
  pj_expect_error(-1, compile_bytes(code, size, format), PJRT_Error_Code_OK, what, __FILE__,
                  __LINE__);
  stop();
}

static void text(void) {
  start();
  destroy_loaded(compile(program_add));
  stop();
}

static void module(void) {
  start();
  char wrapped[1024];
  snprintf(wrapped, sizeof wrapped, "module @wrapped {\n%s}\n", program_add);
  PJRT_LoadedExecutable *loaded = compile(wrapped);
  PJRT_Executable *executable = executable_of(loaded);
  ARGS(Executable_Name, name, .executable = executable);
  OK(Executable_Name, name);
  CHECK(name.executable_name && name.executable_name_size, "the name is empty");
  destroy_executable(executable);
  destroy_loaded(loaded);
  stop();
}

// program_add as a portable artifact of StableHLO 0.9.0.
static const char artifact_0_9_0[] =
    "\x4d\x4c\xef\x52\x01\x53\x74\x61\x62\x6c\x65\x48\x4c\x4f\x5f\x76\x30\x2e\x39\x2e\x30"
    "\x00\x01\x17\x05\x01\x03\x01\x03\x05\x03\x07\x07\x09\x0b\x03\x39\x23\x07\x01\x1b\x0b"
    "\x13\x33\x0b\x0b\x0b\x0b\x0b\x13\x13\x13\x13\x13\x03\x09\x0b\x0b\x0b\x0b\x03\x07\x13"
    "\x1b\x07\x02\x87\x05\x0d\x17\x01\x01\x01\x03\x0b\x07\x1b\x09\x1d\x0b\x1b\x0d\x1f\x0f"
    "\x21\x05\x0f\x05\x11\x05\x13\x05\x15\x05\x17\x17\x01\x03\x03\x17\x01\x03\x31\x17\x01"
    "\x03\x57\x17\x01\x05\x11\x17\x01\x07\x07\x03\x01\x23\x03\x1d\x19\x1d\x1b\x29\x03\x11"
    "\x05\x11\x05\x01\x01\x03\x01\x09\x04\x45\x05\x01\x10\x03\x07\x03\x01\x05\x03\x11\x11"
    "\x05\x07\x03\x07\x0b\x05\x01\x13\x01\x15\x05\x06\x17\x03\x01\x05\x01\x03\x07\x04\x19"
    "\x03\x05\x06\x03\x01\x05\x01\x00\x12\x02\x1d\x0f\x0b\x1f\x13\x15\x1d\x15\x05\x15\x0f"
    "\x11\x0f\x0b\x11\x62\x75\x69\x6c\x74\x69\x6e\x00\x76\x68\x6c\x6f\x00\x6d\x6f\x64\x75"
    "\x6c\x65\x00\x66\x75\x6e\x63\x5f\x76\x31\x00\x61\x64\x64\x5f\x76\x31\x00\x72\x65\x74"
    "\x75\x72\x6e\x5f\x76\x31\x00\x2d\x00\x61\x72\x67\x5f\x61\x74\x74\x72\x73\x00\x66\x75"
    "\x6e\x63\x74\x69\x6f\x6e\x5f\x74\x79\x70\x65\x00\x72\x65\x73\x5f\x61\x74\x74\x72\x73"
    "\x00\x73\x79\x6d\x5f\x6e\x61\x6d\x65\x00\x73\x79\x6d\x5f\x76\x69\x73\x69\x62\x69\x6c"
    "\x69\x74\x79\x00\x6d\x61\x69\x6e\x00\x70\x75\x62\x6c\x69\x63\x00";

// program_add as a portable artifact of StableHLO 1.0.0.
static const char artifact_1_0_0[] =
    "\x4d\x4c\xef\x52\x0d\x53\x74\x61\x62\x6c\x65\x48\x4c\x4f\x5f\x76\x31\x2e\x30\x2e\x30"
    "\x00\x01\x19\x05\x01\x05\x09\x01\x03\x0b\x03\x07\x0f\x13\x17\x03\x2d\x17\x07\x01\x0f"
    "\x0b\x13\x13\x13\x13\x13\x13\x03\x09\x0b\x0b\x0b\x0b\x03\x07\x13\x1b\x07\x02\x5b\x05"
    "\x0d\x17\x01\x01\x01\x17\x01\x03\x03\x17\x01\x03\x31\x17\x01\x03\x57\x17\x01\x05\x11"
    "\x17\x01\x07\x07\x03\x01\x23\x03\x1d\x0f\x1d\x11\x29\x03\x11\x05\x11\x05\x01\x01\x03"
    "\x01\x09\x04\x51\x05\x01\x50\x03\x01\x07\x04\x41\x03\x01\x05\x03\x50\x05\x03\x07\x04"
    "\x2d\x03\x07\x0b\x05\x03\x07\x03\x09\x00\x05\x06\x0b\x03\x01\x05\x01\x03\x07\x04\x0d"
    "\x03\x05\x06\x03\x01\x05\x01\x00\x8b\x13\x0f\x0b\x05\x15\x0f\x11\x0f\x0b\x11\x62\x75"
    "\x69\x6c\x74\x69\x6e\x00\x76\x68\x6c\x6f\x00\x6d\x6f\x64\x75\x6c\x65\x00\x66\x75\x6e"
    "\x63\x5f\x76\x31\x00\x61\x64\x64\x5f\x76\x31\x00\x72\x65\x74\x75\x72\x6e\x5f\x76\x31"
    "\x00\x2d\x00\x6d\x61\x69\x6e\x00\x70\x75\x62\x6c\x69\x63\x00\x08\x15\x05\x05\x01\x01"
    "\x0b\x0f\x11\x0f\x13\x15";

static void default_options(void) {
  start();
  PJRT_LoadedExecutable *loaded;
  PJRT_Error *error = try_compile(program_add, strlen(program_add), "mlir", NULL, 0, &loaded);
  if (error) {
    const char *message = pj_error_text(error);
    pj_not_offered("empty compile options: %s", message);
  }
  destroy_loaded(loaded);
  stop();
}

static void bytecode(const char *code, size_t code_size) {
  start();
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_LoadedExecutable *loaded;
  pj_expect_ok(PJ_SLOT_Client_Compile, try_compile(code, code_size, "mlir", options, size, &loaded),
               __FILE__, __LINE__);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  execute(loaded, 2, (PJRT_Buffer *[]){a, a}, &out);
  expect_f32(out, 4, (float[]){2, 4, 6, 8}, "the sum");
  destroy_buffer(a);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void bytecode_old(void) {
  bytecode(artifact_0_9_0, sizeof artifact_0_9_0 - 1);
}
static void bytecode_new(void) {
  bytecode(artifact_1_0_0, sizeof artifact_1_0_0 - 1);
}

// What is damaged may be refused or compile to something; it does no harm.
static void bytecode_damaged(void) {
  start();
  size_t size;
  char options[256];
  memcpy(options, compile_options(1, 1, &size), sizeof options);
  for (size_t i = 0; i < sizeof artifact_1_0_0 - 1; i += 3) {
    char copy[sizeof artifact_1_0_0];
    memcpy(copy, artifact_1_0_0, sizeof copy);
    copy[i] = (char)(copy[i] ^ 0x24);
    PJRT_LoadedExecutable *loaded;
    PJRT_Error *error = try_compile(copy, sizeof copy - 1, "mlir", options, size, &loaded);
    if (error)
      pj_error_free(error);
    else
      destroy_loaded(loaded);
  }
  stop();
}

static void garbage(void) {
  refused("this is no program", 18, "mlir", "compiling a sentence");
}
static void empty(void) {
  refused("", 0, "mlir", "compiling nothing");
}
static void unknown_format(void) {
  refused(program_add, strlen(program_add), "cobol", "compiling a program of format 'cobol'");
}
static void cut(void) {
  refused(program_add, strlen(program_add) - 2, "mlir", "compiling text that ends early");
}
static void bytecode_cut(void) {
  refused("ML\xefR\x0d", 5, "mlir", "compiling the head of bytecode alone");
}
static void no_main(void) {
  static const char code[] = "func.func private @other() -> tensor<f32> {\n"
                             "  %0 = stablehlo.constant dense<1.0> : tensor<f32>\n"
                             "  return %0 : tensor<f32>\n}\n"
                             "func.func private @another() -> tensor<f32> {\n"
                             "  %0 = stablehlo.constant dense<2.0> : tensor<f32>\n"
                             "  return %0 : tensor<f32>\n}\n";
  refused(code, sizeof code - 1, "mlir", "compiling two functions without main");
}
static void ill_typed(void) {
  static const char code[] =
      "func.func public @main(%a: tensor<4xf32>, %b: tensor<5xf32>) -> tensor<4xf32> {\n"
      "  %0 = \"stablehlo.add\"(%a, %b) : (tensor<4xf32>, tensor<5xf32>) -> tensor<4xf32>\n"
      "  return %0 : tensor<4xf32>\n}\n";
  refused(code, sizeof code - 1, "mlir", "compiling the sum of 4 and 5 elements");
}
static void unknown_op(void) {
  static const char code[] = "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
                             "  %0 = \"stablehlo.no_such_op\"(%a) : (tensor<4xf32>) -> "
                             "tensor<4xf32>\n"
                             "  return %0 : tensor<4xf32>\n}\n";
  refused(code, sizeof code - 1, "mlir", "compiling an operation that does not exist");
}
static void unknown_custom_call(void) {
  start();
  static const char code[] =
      "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
      "  %0 = stablehlo.custom_call @nobody_has_registered_this(%a) : (tensor<4xf32>) -> "
      "tensor<4xf32>\n"
      "  return %0 : tensor<4xf32>\n}\n";
  PJRT_Error *error = compile_bytes(code, sizeof code - 1, "mlir");
  if (!error) { // then the execution says so
    PJRT_LoadedExecutable *loaded = compile(code);
    PJRT_Buffer *in = make_f32(4, (float[]){1, 2, 3, 4}), *out = NULL;
    error = try_execute(loaded, 1, &in, &out);
    if (!error)
      error = await_event(ready_event(out));
  }
  pj_expect_error(-1, error, PJRT_Error_Code_OK, "calling what nobody has registered", __FILE__,
                  __LINE__);
}
// The interface has no other end for them: such programs may be refused, or compile and wait.
static void feeds(void) {
  start();
  static const char *const codes[] = {
      "func.func public @main() -> tensor<4xf32> {\n"
      "  %t = stablehlo.create_token : !stablehlo.token\n"
      "  %0:2 = \"stablehlo.infeed\"(%t) <{infeed_config = \"\", layout = [[0]]}> : "
      "(!stablehlo.token) -> (tensor<4xf32>, !stablehlo.token)\n"
      "  return %0#0 : tensor<4xf32>\n}\n",
      "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
      "  %t = stablehlo.create_token : !stablehlo.token\n"
      "  %0 = \"stablehlo.outfeed\"(%a, %t) <{outfeed_config = \"\"}> : (tensor<4xf32>, "
      "!stablehlo.token) -> !stablehlo.token\n"
      "  return %a : tensor<4xf32>\n}\n"};
  for (int i = 0; i < 2; i++) {
    PJRT_Error *error = compile_bytes(codes[i], strlen(codes[i]), "mlir");
    if (error)
      pj_expect_error(-1, error, PJRT_Error_Code_OK, "compiling a feed", __FILE__, __LINE__);
  }
  destroy_loaded(compile(program_add));
  stop();
}

static void bad_options(void) {
  start();
  PJRT_LoadedExecutable *loaded;
  PJRT_Error *error =
      try_compile(program_add, strlen(program_add), "mlir", "\xff\xff\xff\xff\xff", 5, &loaded);
  pj_expect_error(-1, error, PJRT_Error_Code_OK, "compiling with damaged options", __FILE__,
                  __LINE__);
  stop();
}

// A host counts on good service after a failure.
static void after_failure(void) {
  start();
  for (int i = 0; i < 20; i++) {
    PJRT_Error *error = compile_bytes("func.func {", 11, "mlir");
    pj_expect_error(-1, error, PJRT_Error_Code_OK, "compiling half a program", __FILE__, __LINE__);
  }
  PJRT_LoadedExecutable *loaded = compile(program_add);
  PJRT_Buffer *args[2] = {make_f32(4, (float[]){1, 2, 3, 4}), make_f32(4, (float[]){1, 1, 1, 1})};
  PJRT_Buffer *out;
  execute(loaded, 2, args, &out);
  expect_f32(out, 4, (float[]){2, 3, 4, 5}, "the sum");
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

// --- Questions -----------------------------------------------------------------------------------

static PJRT_LoadedExecutable *two;
static PJRT_Executable *questioned(void) {
  start();
  two = compile(program_two);
  return executable_of(two);
}

static void done(PJRT_Executable *executable) {
  destroy_executable(executable);
  destroy_loaded(two);
  stop();
}

static void outputs(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_NumOutputs, n, .executable = e);
  OK(Executable_NumOutputs, n);
  EQUAL(n.num_outputs, 2, "the number of outputs");
  done(e);
}

static void output_types(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_OutputElementTypes, types, .executable = e);
  OK(Executable_OutputElementTypes, types);
  EQUAL(types.num_output_types, 2, "the number of output types");
  EQUAL(types.output_types[0], PJRT_Buffer_Type_F32, "the first type");
  EQUAL(types.output_types[1], PJRT_Buffer_Type_F32, "the second type");
  done(e);
}

static void output_dimensions(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_OutputDimensions, dims, .executable = e);
  OK(Executable_OutputDimensions, dims);
  EQUAL(dims.num_outputs, 2, "the number of outputs");
  EQUAL(dims.dim_sizes[0], 1, "the rank of the first output");
  EQUAL(dims.dim_sizes[1], 0, "the rank of the second output");
  EQUAL(dims.dims[0], 4, "the dimension of the first output");
  done(e);
}

static void kinds(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_OutputMemoryKinds, out, .executable = e);
  OK(Executable_OutputMemoryKinds, out);
  EQUAL(out.num_outputs, 2, "the number of outputs");
  for (int i = 0; i < 2; i++)
    CHECK(out.memory_kind_sizes[i] == 6 && memcmp(out.memory_kinds[i], "device", 6) == 0,
          "output %d is in memory of kind '%.*s'", i, (int)out.memory_kind_sizes[i],
          out.memory_kinds[i]);
  done(e);
}

static void parameter_kinds(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_ParameterMemoryKinds, in, .executable = e);
  OK(Executable_ParameterMemoryKinds, in);
  EQUAL(in.num_parameters, 1, "the number of parameters");
  CHECK(in.memory_kind_sizes[0] && in.memory_kinds[0], "no kind");
  done(e);
}

static void sizes(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_NumReplicas, replicas, .executable = e);
  OK(Executable_NumReplicas, replicas);
  EQUAL(replicas.num_replicas, 1, "the number of replicas");
  ARGS(Executable_NumPartitions, partitions, .executable = e);
  OK(Executable_NumPartitions, partitions);
  EQUAL(partitions.num_partitions, 1, "the number of partitions");
  done(e);
}

static void code_size(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_SizeOfGeneratedCodeInBytes, size, .executable = e);
  OK(Executable_SizeOfGeneratedCodeInBytes, size);
  CHECK(size.size_in_bytes >= 0, "the size of the code is %" PRId64, size.size_in_bytes);
  done(e);
}

static void cost(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_GetCostAnalysis, args, .executable = e);
  OK(Executable_GetCostAnalysis, args);
  for (size_t i = 0; i < args.num_properties; i++) {
    CHECK(args.properties[i].name && args.properties[i].name_size, "property %zu has no name", i);
    EQUAL(args.properties[i].type, PJRT_NamedValue_kFloat, "the type of a property");
  }
  done(e);
}

static void memory_stats(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_GetCompiledMemoryStats, stats, .executable = e);
  size_t first =
      offsetof(PJRT_Executable_GetCompiledMemoryStats_Args, generated_code_size_in_bytes);
  memset((char *)&stats + first, 0xa5, stats.struct_size - first);
  OK(Executable_GetCompiledMemoryStats, stats);
  for (size_t at = first; at < stats.struct_size; at += 8)
    CHECK(memcmp((char *)&stats + at, "\xa5\xa5\xa5\xa5\xa5\xa5\xa5\xa5", 8) != 0,
          "the field at byte %zu is not written", at);
  CHECK(stats.argument_size_in_bytes >= 16, "the arguments take %" PRId64 " bytes",
        stats.argument_size_in_bytes);
  CHECK(stats.output_size_in_bytes >= 20, "the outputs take %" PRId64 " bytes",
        stats.output_size_in_bytes);
  done(e);
}

// A host of an older version has no room for the later fields.
static void memory_stats_old(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_GetCompiledMemoryStats, stats, .executable = e);
  stats.struct_size = offsetof(PJRT_Executable_GetCompiledMemoryStats_Args, total_size_in_bytes);
  memset(&stats.total_size_in_bytes, 0xa5, 8);
  OK(Executable_GetCompiledMemoryStats, stats);
  done(e);
}

static void fingerprint(void) {
  PJRT_Executable *a = questioned();
  PJRT_LoadedExecutable *same = compile(program_two), *other = compile(program_add);
  PJRT_Executable *b = executable_of(same), *c = executable_of(other);
  ARGS(Executable_Fingerprint, x, .executable = a);
  ARGS(Executable_Fingerprint, y, .executable = b);
  ARGS(Executable_Fingerprint, z, .executable = c);
  OK(Executable_Fingerprint, x);
  OK(Executable_Fingerprint, y);
  OK(Executable_Fingerprint, z);
#define SAME(p, q)                                                   \
  (p.executable_fingerprint_size == q.executable_fingerprint_size && \
   memcmp(p.executable_fingerprint, q.executable_fingerprint, p.executable_fingerprint_size) == 0)
  CHECK(x.executable_fingerprint_size, "the fingerprint is empty");
  CHECK(SAME(x, y), "one program has two fingerprints");
  CHECK(!SAME(x, z), "two programs have one fingerprint: caches mix them up");
  destroy_executable(b);
  destroy_executable(c);
  destroy_loaded(same);
  destroy_loaded(other);
  done(a);
}

static void loaded_fingerprint(void) {
  PJRT_Executable *e = questioned();
  ARGS(LoadedExecutable_Fingerprint, args, .executable = two);
  OK(LoadedExecutable_Fingerprint, args);
  CHECK(args.executable_fingerprint_size, "the fingerprint is empty");
  done(e);
}

static void optimized(void) {
  PJRT_Executable *e = questioned();
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE};
  ARGS(Executable_OptimizedProgram, args, .executable = e, .program = &program);
  OK(Executable_OptimizedProgram, args);
  CHECK(program.format && program.format_size, "no format");
  CHECK(program.code_size, "the size is 0");
  char *code = malloc(program.code_size + 16);
  memset(code, 0xa7, program.code_size + 16);
  program.code = code;
  size_t size = program.code_size;
  OK(Executable_OptimizedProgram, args);
  EQUAL(program.code_size, size, "the size, in the call that fills it,");
  for (int i = 0; i < 16; i++)
    EQUAL((unsigned char)code[size + (size_t)i], 0xa7, "a byte behind the program");
  free(code);
  done(e);
}

static void echo(void) {
  PJRT_Executable *e = questioned();
  ARGS(Executable_GetCompileOptions, args, .executable = e);
  OK(Executable_GetCompileOptions, args);
  CHECK(args.serialized_compile_options_deleter, "no deleter");
  CHECK(args.serialized_bytes || !args.serialized_bytes_size, "null bytes");
  args.serialized_compile_options_deleter(args.serialized_compile_options);
  done(e);
}

static void assignment(void) {
  PJRT_Executable *e = questioned();
  ARGS(LoadedExecutable_GetDeviceAssignment, args, .executable = two);
  OK(LoadedExecutable_GetDeviceAssignment, args);
  CHECK(args.serialized_device_assignment_deleter, "no deleter");
  args.serialized_device_assignment_deleter(args.serialized_device_assignment);
  done(e);
}

static void devices(void) {
  PJRT_Executable *e = questioned();
  ARGS(LoadedExecutable_AddressableDevices, args, .executable = two);
  OK(LoadedExecutable_AddressableDevices, args);
  EQUAL(args.num_addressable_devices, 1, "the number of devices");
  CHECK(args.addressable_devices[0] == device, "the program is on another device");
  ARGS(LoadedExecutable_AddressableDeviceLogicalIds, ids, .executable = two);
  if (OFFERED(LoadedExecutable_AddressableDeviceLogicalIds, ids)) {
    EQUAL(ids.num_addressable_device_logical_ids, 1, "the number of logical ids");
    EQUAL(ids.addressable_device_logical_ids[0].replica, 0, "the replica");
    EQUAL(ids.addressable_device_logical_ids[0].partition, 0, "the partition");
  }
  done(e);
}

static void outlives(void) {
  PJRT_Executable *e = questioned();
  destroy_loaded(two);
  ARGS(Executable_NumOutputs, n, .executable = e);
  OK(Executable_NumOutputs, n);
  EQUAL(n.num_outputs, 2, "the number of outputs, after the loaded executable went,");
  destroy_executable(e);
  stop();
}

static void deletion(void) {
  PJRT_Executable *e = questioned();
  ARGS(LoadedExecutable_IsDeleted, is, .executable = two);
  OK(LoadedExecutable_IsDeleted, is);
  CHECK(!is.is_deleted, "a new executable is deleted");
  ARGS(LoadedExecutable_Delete, drop, .executable = two);
  OK(LoadedExecutable_Delete, drop);
  OK(LoadedExecutable_IsDeleted, is);
  CHECK(is.is_deleted, "a deleted executable is not");
  PJRT_Buffer *in = make_f32(4, (float[]){1, 2, 3, 4}), *out[2];
  pj_expect_error(-1, try_execute(two, 1, &in, out), PJRT_Error_Code_OK,
                  "executing a deleted executable", __FILE__, __LINE__);
  destroy_buffer(in);
  done(e);
}

const PjCtsTest pj_cts_compile_tests[] = {
    {"compile.text", "StableHLO text compiles", text},
    {"compile.module", "a program in a module has a name", module},
    {"compile.bytecode.0_9_0", "a portable artifact of StableHLO 0.9.0 compiles and runs",
     bytecode_old},
    {"compile.bytecode.1_0_0", "a portable artifact of StableHLO 1.0.0 compiles and runs",
     bytecode_new},
    {"compile.bytecode.damaged", "damaged bytecode does no harm", bytecode_damaged},
    {"compile.default_options", "empty compile options are the default ones", default_options},
    {"compile.garbage", "what is no program is an error", garbage},
    {"compile.empty", "an empty program is an error", empty},
    {"compile.unknown_format", "an unknown format is an error", unknown_format},
    {"compile.cut", "text that ends early is an error", cut},
    {"compile.bytecode.cut", "bytecode that ends early is an error", bytecode_cut},
    {"compile.no_main", "two functions, neither of them main, are an error", no_main},
    {"compile.ill_typed", "operands that do not fit are an error", ill_typed},
    {"compile.unknown_op", "an unknown operation is an error", unknown_op},
    {"compile.unknown_custom_call", "a custom call that nobody has registered is an error",
     unknown_custom_call},
    {"compile.feeds", "infeed and outfeed, of which the interface has no other end, do no harm",
     feeds},
    {"compile.bad_options", "damaged compile options are an error", bad_options},
    {"compile.after_failure", "failures leave nothing behind", after_failure},
    {"executable.outputs", "the number of outputs is that of the program", outputs},
    {"executable.output_types", "output types are those of the program", output_types},
    {"executable.output_dimensions", "output dimensions, concatenated, with the ranks",
     output_dimensions},
    {"executable.output_kinds", "outputs are in memory of kind 'device'", kinds},
    {"executable.parameter_kinds", "each parameter has a kind of memory", parameter_kinds},
    {"executable.sizes", "replicas and partitions are those of the options", sizes},
    {"executable.code_size", "the size of the code is not negative", code_size},
    {"executable.cost", "properties of the cost are named floats", cost},
    {"executable.memory_stats", "every field is written, and holds arguments and outputs",
     memory_stats},
    {"executable.memory_stats_old", "fields beyond an older host's struct are not written",
     memory_stats_old},
    {"executable.fingerprint", "equal programs have equal fingerprints, others others",
     fingerprint},
    {"executable.loaded_fingerprint", "the deprecated fingerprint, if offered, is not empty",
     loaded_fingerprint},
    {"executable.optimized", "the program's size, then the program, and nothing behind it",
     optimized},
    {"executable.compile_options", "compile options come back with a deleter", echo},
    {"executable.assignment", "the device assignment comes with a deleter", assignment},
    {"executable.devices", "the devices of a program are those of its assignment", devices},
    {"executable.outlives", "an executable outlives the loaded one", outlives},
    {"executable.delete", "a deleted executable says so and does not run", deletion},
    {0}};

// What executables say of themselves.
#include "host/host.h"

#include <string.h>

const char *pjh_executable_name(const PjhExecutable *executable) {
  return executable->name;
}

size_t pjh_executable_num_outputs(const PjhExecutable *executable) {
  return executable->num_outputs;
}

PJRT_LoadedExecutable *pjh_executable_loaded_handle(const PjhExecutable *executable) {
  return executable->loaded;
}

PJRT_Executable *pjh_executable_handle(const PjhExecutable *executable) {
  return executable->handle;
}

size_t pjh_executable_num_devices(const PjhExecutable *executable) {
  return executable->num_devices;
}

size_t pjh_executable_device(const PjhExecutable *executable, size_t index) {
  return index < executable->num_devices ? executable->devices[index] : SIZE_MAX;
}

PjhError *pjh_executable_output(const PjhExecutable *executable, size_t index,
                                PJRT_Buffer_Type *out_type, const int64_t **out_dims,
                                size_t *out_rank) {
  *out_type = PJRT_Buffer_Type_INVALID;
  *out_dims = NULL;
  *out_rank = 0;
  if (index >= executable->num_outputs)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "output %zu of a program with %zu outputs",
                      index, executable->num_outputs);
  PJH_ARGS(Executable_OutputElementTypes, types);
  types.executable = executable->handle;
  PjhError *error = PJH_CALL(executable->plugin, Executable_OutputElementTypes, &types);
  if (error)
    return error;
  PJH_ARGS(Executable_OutputDimensions, shapes);
  shapes.executable = executable->handle;
  error = PJH_CALL(executable->plugin, Executable_OutputDimensions, &shapes);
  if (error)
    return error;
  if (index >= types.num_output_types || index >= shapes.num_outputs)
    return pjh__error(PJRT_Error_Code_INTERNAL,
                      "the plugin gives %zu types and %zu shapes for %zu outputs",
                      types.num_output_types, shapes.num_outputs, executable->num_outputs);
  *out_type = types.output_types[index];
  *out_dims = shapes.dims;
  for (size_t i = 0; i < index; i++)
    *out_dims += shapes.dim_sizes[i];
  *out_rank = shapes.dim_sizes[index];
  return NULL;
}

PjhError *pjh_executable_replicas(const PjhExecutable *executable, size_t *out_replicas,
                                  size_t *out_partitions) {
  *out_replicas = *out_partitions = 0;
  PJH_ARGS(Executable_NumReplicas, replicas);
  replicas.executable = executable->handle;
  PjhError *error = PJH_CALL(executable->plugin, Executable_NumReplicas, &replicas);
  if (error)
    return error;
  PJH_ARGS(Executable_NumPartitions, partitions);
  partitions.executable = executable->handle;
  error = PJH_CALL(executable->plugin, Executable_NumPartitions, &partitions);
  if (error)
    return error;
  *out_replicas = replicas.num_replicas;
  *out_partitions = partitions.num_partitions;
  return NULL;
}

PjhError *pjh_executable_cost(const PjhExecutable *executable, PjhValues **out) {
  *out = NULL;
  PJH_ARGS(Executable_GetCostAnalysis, args);
  args.executable = executable->handle;
  PjhError *error = PJH_CALL(executable->plugin, Executable_GetCostAnalysis, &args);
  return error ? error : pjh__values_copy(args.properties, args.num_properties, out);
}

PjhError *pjh_executable_memory(const PjhExecutable *executable, PjhValues **out) {
  *out = NULL;
  PJH_GROWN_ARGS(executable->plugin, Executable_GetCompiledMemoryStats, stats);
  stats.executable = executable->handle;
  PjhError *error = PJH_CALL(executable->plugin, Executable_GetCompiledMemoryStats, &stats);
  if (error)
    return error;
  PJRT_NamedValue values[15];
  size_t count = 0;
#define FIELD(name)                                                                             \
  if (stats.struct_size >= PJRT_STRUCT_SIZE(PJRT_Executable_GetCompiledMemoryStats_Args, name)) \
    values[count++] = pjh_option_int(#name, stats.name);
  FIELD(generated_code_size_in_bytes)
  FIELD(argument_size_in_bytes)
  FIELD(output_size_in_bytes)
  FIELD(alias_size_in_bytes)
  FIELD(temp_size_in_bytes)
  FIELD(host_generated_code_size_in_bytes)
  FIELD(host_argument_size_in_bytes)
  FIELD(host_output_size_in_bytes)
  FIELD(host_alias_size_in_bytes)
  FIELD(host_temp_size_in_bytes)
  FIELD(peak_memory_in_bytes)
  FIELD(total_size_in_bytes)
  FIELD(total_allocation_bytes)
  FIELD(indefinite_allocations)
  FIELD(peak_unpadded_heap_bytes)
#undef FIELD
  return pjh__values_copy(values, count, out);
}

PjhError *pjh_executable_code_size(const PjhExecutable *executable, int64_t *out) {
  *out = 0;
  PJH_ARGS(Executable_SizeOfGeneratedCodeInBytes, args);
  args.executable = executable->handle;
  PjhError *error = PJH_CALL(executable->plugin, Executable_SizeOfGeneratedCodeInBytes, &args);
  if (!error)
    *out = args.size_in_bytes;
  return error;
}

PjhError *pjh_executable_fingerprint(const PjhExecutable *executable, char **out_text,
                                     size_t *out_size) {
  *out_text = NULL;
  *out_size = 0;
  PJH_ARGS(Executable_Fingerprint, args);
  args.executable = executable->handle;
  PjhError *error = PJH_CALL(executable->plugin, Executable_Fingerprint, &args);
  if (pjh_error_code(error) == PJRT_Error_Code_UNIMPLEMENTED && executable->loaded) {
    PJH_ARGS(LoadedExecutable_Fingerprint, old); // what there was before 0.35
    old.executable = executable->loaded;
    PjhError *old_error = PJH_CALL(executable->plugin, LoadedExecutable_Fingerprint, &old);
    if (!old_error) {
      pjh_error_free(error);
      error = NULL;
      args.executable_fingerprint = old.executable_fingerprint;
      args.executable_fingerprint_size = old.executable_fingerprint_size;
    }
    pjh_error_free(old_error);
  }
  if (error)
    return error;
  *out_text = pjh__copy_string(args.executable_fingerprint, args.executable_fingerprint_size);
  if (!*out_text)
    return pjh__out_of_memory();
  *out_size = args.executable_fingerprint_size;
  return NULL;
}

PjhError *pjh_executable_options(const PjhExecutable *executable, void **out_data,
                                 size_t *out_size) {
  *out_data = NULL;
  *out_size = 0;
  PJH_ARGS(Executable_GetCompileOptions, args);
  args.executable = executable->handle;
  PjhError *error = PJH_CALL(executable->plugin, Executable_GetCompileOptions, &args);
  if (error)
    return error;
  *out_data = pjh__copy_string(args.serialized_bytes, args.serialized_bytes_size);
  if (*out_data)
    *out_size = args.serialized_bytes_size;
  if (args.serialized_compile_options_deleter)
    args.serialized_compile_options_deleter(args.serialized_compile_options);
  return *out_data ? NULL : pjh__out_of_memory();
}

PjhError *pjh_executable_program(const PjhExecutable *executable, char **out_code, size_t *out_size,
                                 const char **out_format) {
  *out_code = NULL;
  *out_size = 0;
  *out_format = "";
  PjhPlugin *plugin = executable->plugin;
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE};
  PJH_ARGS(Executable_OptimizedProgram, args);
  args.executable = executable->handle;
  args.program = &program;
  PjhError *error = PJH_CALL(plugin, Executable_OptimizedProgram, &args); // tells the size
  if (error)
    return error;
  char *code = pj_malloc(program.code_size + 1);
  if (!code)
    return pjh__out_of_memory();
  program.code = code;
  error = PJH_CALL(plugin, Executable_OptimizedProgram, &args); // writes the bytes
  if (error) {
    pj_free(code);
    return error;
  }
  code[program.code_size] = 0;
  // The format need not end in zero; the known ones are few.
  static const char *const formats[] = {"mlir", "hlo", "hlo_with_config"};
  *out_format = "unknown";
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (strlen(formats[i]) == program.format_size &&
        !memcmp(formats[i], program.format, program.format_size))
      *out_format = formats[i];
  *out_code = code;
  *out_size = program.code_size;
  return NULL;
}

// PJRT_Executable: what a compiled program is, whatever devices it runs on.
#include <string.h>

#include "base/alloc.h"
#include "pjrt/surface.h"

PJRT_Error *pj_api_Executable_Destroy(PJRT_Executable_Destroy_Args *args) {
  PJ_ARGS(Executable_Destroy, executable);
  pj_executable_release(pj_executable_of(args->executable));
  return NULL;
}

PJRT_Error *pj_api_Executable_Name(PJRT_Executable_Name_Args *args) {
  PJ_ARGS(Executable_Name, executable_name_size);
  PJ_NOT_NULL(executable);
  args->executable_name = pj_executable_of(args->executable)->name;
  args->executable_name_size = strlen(args->executable_name);
  return NULL;
}

PJRT_Error *pj_api_Executable_NumReplicas(PJRT_Executable_NumReplicas_Args *args) {
  PJ_ARGS(Executable_NumReplicas, num_replicas);
  PJ_NOT_NULL(executable);
  args->num_replicas = (size_t)pj_executable_of(args->executable)->options.num_replicas;
  return NULL;
}

PJRT_Error *pj_api_Executable_NumPartitions(PJRT_Executable_NumPartitions_Args *args) {
  PJ_ARGS(Executable_NumPartitions, num_partitions);
  PJ_NOT_NULL(executable);
  args->num_partitions = (size_t)pj_executable_of(args->executable)->options.num_partitions;
  return NULL;
}

PJRT_Error *pj_api_Executable_NumOutputs(PJRT_Executable_NumOutputs_Args *args) {
  PJ_ARGS(Executable_NumOutputs, num_outputs);
  PJ_NOT_NULL(executable);
  args->num_outputs = pj_executable_of(args->executable)->signature.num_results;
  return NULL;
}

PJRT_Error *pj_api_Executable_SizeOfGeneratedCodeInBytes(
    PJRT_Executable_SizeOfGeneratedCodeInBytes_Args *args) {
  PJ_ARGS(Executable_SizeOfGeneratedCodeInBytes, size_in_bytes);
  PJ_NOT_NULL(executable);
  args->size_in_bytes = pj_executable_of(args->executable)->stats.code_bytes;
  return NULL;
}

PJRT_Error *pj_api_Executable_Fingerprint(PJRT_Executable_Fingerprint_Args *args) {
  PJ_ARGS(Executable_Fingerprint, executable_fingerprint_size);
  PJ_NOT_NULL(executable);
  args->executable_fingerprint = pj_executable_of(args->executable)->fingerprint;
  args->executable_fingerprint_size = strlen(args->executable_fingerprint);
  return NULL;
}

PJRT_Error *pj_api_Executable_GetCostAnalysis(PJRT_Executable_GetCostAnalysis_Args *args) {
  PJ_ARGS(Executable_GetCostAnalysis, properties);
  PJ_ANSWERS(answers);
  args->num_properties = sizeof answers->cost / sizeof *answers->cost;
  args->properties = answers->cost;
  return NULL;
}

PJRT_Error *
pj_api_Executable_GetCompiledMemoryStats(PJRT_Executable_GetCompiledMemoryStats_Args *args) {
  // Hosts before 0.78 know fewer fields; the first ten are as old as the function.
  PJ_ARGS(Executable_GetCompiledMemoryStats, host_temp_size_in_bytes);
  PJ_NOT_NULL(executable);
  PjExecutable *executable = pj_executable_of(args->executable);
  int64_t argument[2] = {0}, output[2] = {0}, alias[2] = {0}; // on the device, on the host
  for (uint32_t i = 0; i < executable->signature.num_params; i++) {
    const PjSlot *param = &executable->signature.params[i];
    argument[param->memory_kind != PJ_MEMORY_DEVICE] += (int64_t)param->shape->num_bytes;
    if (param->alias >= 0)
      alias[param->memory_kind != PJ_MEMORY_DEVICE] += (int64_t)param->shape->num_bytes;
  }
  for (uint32_t i = 0; i < executable->signature.num_results; i++) {
    const PjSlot *result = &executable->signature.results[i];
    output[result->memory_kind != PJ_MEMORY_DEVICE] += (int64_t)result->shape->num_bytes;
  }
  args->generated_code_size_in_bytes = executable->stats.code_bytes;
  args->argument_size_in_bytes = argument[0];
  args->output_size_in_bytes = output[0];
  args->alias_size_in_bytes = alias[0];
  args->temp_size_in_bytes = executable->stats.temp_bytes;
  args->host_generated_code_size_in_bytes = 0;
  args->host_argument_size_in_bytes = argument[1];
  args->host_output_size_in_bytes = output[1];
  args->host_alias_size_in_bytes = alias[1];
  args->host_temp_size_in_bytes = 0;
  int64_t peak = argument[0] + output[0] - alias[0] + executable->stats.temp_bytes;
#define PUT(field, number) \
  if (PJ_HAS(args, field)) \
  args->field = (number)
  PUT(peak_memory_in_bytes, peak);
  PUT(total_size_in_bytes, peak + executable->stats.code_bytes);
  PUT(total_allocation_bytes, executable->stats.temp_bytes);
  PUT(indefinite_allocations, 0);
  PUT(peak_unpadded_heap_bytes, executable->stats.temp_bytes);
#undef PUT
  return NULL;
}

PJRT_Error *pj_api_Executable_OutputElementTypes(PJRT_Executable_OutputElementTypes_Args *args) {
  PJ_ARGS(Executable_OutputElementTypes, num_output_types);
  PJ_ANSWERS(answers);
  args->output_types = answers->output_types;
  args->num_output_types = pj_executable_of(args->executable)->signature.num_results;
  return NULL;
}

PJRT_Error *pj_api_Executable_OutputDimensions(PJRT_Executable_OutputDimensions_Args *args) {
  PJ_ARGS(Executable_OutputDimensions, dim_sizes);
  PJ_ANSWERS(answers);
  args->num_outputs = pj_executable_of(args->executable)->signature.num_results;
  args->dims = answers->output_dims;
  args->dim_sizes = answers->output_ranks;
  return NULL;
}

PJRT_Error *pj_api_Executable_OutputMemoryKinds(PJRT_Executable_OutputMemoryKinds_Args *args) {
  PJ_ARGS(Executable_OutputMemoryKinds, memory_kind_sizes);
  PJ_ANSWERS(answers);
  args->num_outputs = pj_executable_of(args->executable)->signature.num_results;
  args->memory_kinds = answers->output_memory_kinds;
  args->memory_kind_sizes = answers->output_memory_kind_sizes;
  return NULL;
}

PJRT_Error *
pj_api_Executable_ParameterMemoryKinds(PJRT_Executable_ParameterMemoryKinds_Args *args) {
  PJ_ARGS(Executable_ParameterMemoryKinds, memory_kind_sizes);
  PJ_ANSWERS(answers);
  args->num_parameters = pj_executable_of(args->executable)->signature.num_params;
  args->memory_kinds = answers->param_memory_kinds;
  args->memory_kind_sizes = answers->param_memory_kind_sizes;
  return NULL;
}

PJRT_Error *pj_api_Executable_OptimizedProgram(PJRT_Executable_OptimizedProgram_Args *args) {
  PJ_ARGS(Executable_OptimizedProgram, program);
  PJ_NOT_NULL(executable);
  PJ_NOT_NULL(program);
  PJRT_Program *program = args->program;
  PjStrBuf text = {0};
  PjStatus status =
      pj_executable_program(pj_executable_of(args->executable), &text, &program->format);
  program->format_size = strlen(program->format);
  if (!status && !program->code) {
    program->code_size = text.len;
  } else if (!status && program->code_size < text.len) {
    status =
        PJ_ERROR(INVALID_ARGUMENT,
                 "PJRT_Executable_OptimizedProgram: code_size must be at least %zu, but is %zu",
                 text.len, program->code_size);
  } else if (!status) {
    memcpy(program->code, text.data, text.len);
    program->code_size = text.len;
  }
  pj_strbuf_free(&text);
  return pj_surface_error(status);
}

static void delete_serialized(PJRT_SerializedExecutable *blob) {
  pj_blob_destroy((PjBlob *)blob);
}

PJRT_Error *pj_api_Executable_Serialize(PJRT_Executable_Serialize_Args *args) {
  PJ_ARGS(Executable_Serialize, serialized_executable_deleter);
  PJ_NOT_NULL(executable);
  PjStrBuf bytes = {0};
  PjStatus status = pj_executable_serialize(pj_executable_of(args->executable), &bytes);
  if (status) {
    pj_strbuf_free(&bytes);
    return pj_surface_error(status);
  }
  PjBlob *blob = pj_blob_create(&bytes);
  if (!blob)
    return pj_surface_error(pj_status_oom());
  args->serialized_bytes = pj_blob_data(blob);
  args->serialized_bytes_size = pj_blob_size(blob);
  args->serialized_executable = (PJRT_SerializedExecutable *)blob;
  args->serialized_executable_deleter = delete_serialized;
  return NULL;
}

static void delete_options(PJRT_SerializedCompileOptions *blob) {
  pj_blob_destroy((PjBlob *)blob);
}

PJRT_Error *pj_api_Executable_GetCompileOptions(PJRT_Executable_GetCompileOptions_Args *args) {
  PJ_ARGS(Executable_GetCompileOptions, serialized_compile_options_deleter);
  PJ_NOT_NULL(executable);
  PjExecutable *executable = pj_executable_of(args->executable);
  PjStrBuf bytes = {0};
  pj_strbuf_append(&bytes, executable->option_bytes, executable->option_size);
  PjBlob *blob = pj_blob_create(&bytes);
  if (!blob)
    return pj_surface_error(pj_status_oom());
  args->serialized_bytes = pj_blob_data(blob);
  args->serialized_bytes_size = pj_blob_size(blob);
  args->serialized_compile_options = (PJRT_SerializedCompileOptions *)blob;
  args->serialized_compile_options_deleter = delete_options;
  return NULL;
}

// The shardings extension.
#include "pjrt/extensions.h"

static PJRT_Error *pj_api_Shardings_PJRT_Executable_ParameterShardings(
    PJRT_Shardings_PJRT_Executable_ParameterShardings_Args *args) {
  PJ_ARGS(Shardings_PJRT_Executable_ParameterShardings, sharding_sizes);
  PJ_ANSWERS(answers);
  args->num_parameters = pj_executable_of(args->executable)->signature.num_params;
  args->shardings = answers->param_shardings;
  args->sharding_sizes = answers->param_sharding_sizes;
  return NULL;
}

static PJRT_Error *pj_api_Shardings_PJRT_Executable_OutputShardings(
    PJRT_Shardings_PJRT_Executable_OutputShardings_Args *args) {
  PJ_ARGS(Shardings_PJRT_Executable_OutputShardings, sharding_sizes);
  PJ_ANSWERS(answers);
  args->num_outputs = pj_executable_of(args->executable)->signature.num_results;
  // jaxlib takes an empty list for the sharding of one tuple, and refuses it.
  args->shardings = args->num_outputs ? answers->output_shardings : NULL;
  args->sharding_sizes = answers->output_sharding_sizes;
  return NULL;
}

PJRT_Shardings_Extension pj_ext_shardings = {
    .base = {.struct_size = PJRT_Shardings_Extension_STRUCT_SIZE,
             .type = PJRT_Extension_Type_Shardings,
             .next = &pj_ext_memory_descriptions.base},
    .PJRT_Shardings_PJRT_Executable_ParameterShardings =
        pj_api_Shardings_PJRT_Executable_ParameterShardings,
    .PJRT_Shardings_PJRT_Executable_OutputShardings =
        pj_api_Shardings_PJRT_Executable_OutputShardings,
};

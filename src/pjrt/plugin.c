// The plugin as a whole: start-up, attributes.
#include "pjrt/surface.h"

PJRT_Error *pj_api_Plugin_Initialize(PJRT_Plugin_Initialize_Args *args) {
  // Nothing to do: what there is to set up is set up by clients, and lazily.
  PJ_ARGS(Plugin_Initialize, extension_start);
  const char *fault = pj_surface_platform()->fault;
  return fault ? pj_surface_error(PJ_ERROR(FAILED_PRECONDITION, "%s", fault)) : NULL;
}

PJRT_Error *pj_api_Plugin_Attributes(PJRT_Plugin_Attributes_Args *args) {
  // Headers before 0.71 or so gave the size without the last field, though the struct has it:
  // jaxlib 0.4.38 and 0.6.2 abort when they are refused.
  PJ_ARGS(Plugin_Attributes, attributes);
  // The version that programs are written for. jaxlib takes the smaller of this and its own 1.17.0;
  // we read up to 1.20.0.
  static const int64_t current[3] = {1, 17, 0}, minimum[3] = {0, 9, 0};
#define NAMED(text) \
  .struct_size = PJRT_NamedValue_STRUCT_SIZE, .name = text, .name_size = sizeof text - 1
  static const PJRT_NamedValue attributes[] = {
      {NAMED("xla_version"), .type = PJRT_NamedValue_kInt64, .int64_value = 2, .value_size = 1},
      {NAMED("stablehlo_current_version"), .type = PJRT_NamedValue_kInt64List,
       .int64_array_value = current, .value_size = 3},
      {NAMED("stablehlo_minimum_version"), .type = PJRT_NamedValue_kInt64List,
       .int64_array_value = minimum, .value_size = 3},
  };
#undef NAMED
  args->attributes = attributes;
  args->num_attributes = sizeof attributes / sizeof *attributes;
  return NULL;
}

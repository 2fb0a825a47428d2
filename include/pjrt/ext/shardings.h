// Shardings extension (type 19): how a program's parameters and results are cut over its devices.
//
// Each entry is a serialised OpSharding; an empty one means replicated, a null list that nothing is
// known. The lists live as long as the executable. Names, order and layout of the structs are
// upstream's (interface version 1).

#ifndef PJRT_EXT_SHARDINGS_H_
#define PJRT_EXT_SHARDINGS_H_

#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PJRT_API_SHARDINGS_EXTENSION_VERSION 1

// Sharding of each parameter.
struct PJRT_Shardings_PJRT_Executable_ParameterShardings_Args {
  size_t struct_size;
  PJRT_Extension_Base *extension_start;
  PJRT_Executable *executable;
  size_t num_parameters;        // out
  const char *const *shardings; // out
  const size_t *sharding_sizes; // out
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_Shardings_PJRT_Executable_ParameterShardings_Args, sharding_sizes);

typedef PJRT_Error *PJRT_Shardings_PJRT_Executable_ParameterShardings(
    PJRT_Shardings_PJRT_Executable_ParameterShardings_Args *args);

// Sharding of each result.
struct PJRT_Shardings_PJRT_Executable_OutputShardings_Args {
  size_t struct_size;
  PJRT_Extension_Base *extension_start;
  PJRT_Executable *executable;
  size_t num_outputs;           // out
  const char *const *shardings; // out
  const size_t *sharding_sizes; // out
};
PJRT_DEFINE_STRUCT_TRAITS(PJRT_Shardings_PJRT_Executable_OutputShardings_Args, sharding_sizes);

typedef PJRT_Error *PJRT_Shardings_PJRT_Executable_OutputShardings(
    PJRT_Shardings_PJRT_Executable_OutputShardings_Args *args);

typedef struct PJRT_Shardings_Extension {
  PJRT_Extension_Base base;
  PJRT_Shardings_PJRT_Executable_ParameterShardings
      *PJRT_Shardings_PJRT_Executable_ParameterShardings;
  PJRT_Shardings_PJRT_Executable_OutputShardings *PJRT_Shardings_PJRT_Executable_OutputShardings;
} PJRT_Shardings_Extension;
enum {
  PJRT_Shardings_Extension_STRUCT_SIZE =
      PJRT_STRUCT_SIZE(PJRT_Shardings_Extension, PJRT_Shardings_PJRT_Executable_OutputShardings)
};

#ifdef __cplusplus
} // extern "C"
#endif

#endif // PJRT_EXT_SHARDINGS_H_

// The table of a plugin's profiler, which its profiler extension points to (profiler.h).
//
// It stands apart from the rest of the interface: it has errors of its own, and none of its
// argument structs has an extension list. Layout as upstream's (version 1).

#ifndef PJRT_EXT_PROFILER_API_H_
#define PJRT_EXT_PROFILER_API_H_

#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PLUGIN_PROFILER_VERSION 1

typedef struct PLUGIN_Profiler PLUGIN_Profiler;
typedef struct PLUGIN_Profiler_Error PLUGIN_Profiler_Error;

// --- Errors: null is success ---------------------------------------------------------------------

struct PLUGIN_Profiler_Error_Destroy_Args {
  size_t struct_size;
  void *priv;
  PLUGIN_Profiler_Error *error; // may be null
};
PJRT_DEFINE_STRUCT_TRAITS(PLUGIN_Profiler_Error_Destroy_Args, error);
typedef void PLUGIN_Profiler_Error_Destroy(PLUGIN_Profiler_Error_Destroy_Args *args);

struct PLUGIN_Profiler_Error_Message_Args {
  size_t struct_size;
  void *priv;
  const PLUGIN_Profiler_Error *error;
  const char *message; // out; lives as long as the error, not ended by zero
  size_t message_size; // out
};
PJRT_DEFINE_STRUCT_TRAITS(PLUGIN_Profiler_Error_Message_Args, message_size);
typedef void PLUGIN_Profiler_Error_Message(PLUGIN_Profiler_Error_Message_Args *args);

struct PLUGIN_Profiler_Error_GetCode_Args {
  size_t struct_size;
  void *priv;
  const PLUGIN_Profiler_Error *error;
  int code; // out; numbered as PJRT_Error_Code
};
PJRT_DEFINE_STRUCT_TRAITS(PLUGIN_Profiler_Error_GetCode_Args, code);
typedef PLUGIN_Profiler_Error *
PLUGIN_Profiler_Error_GetCode(PLUGIN_Profiler_Error_GetCode_Args *args);

// --- Profilers -----------------------------------------------------------------------------------

// |options|: a serialised tensorflow.ProfileOptions; none is allowed.
struct PLUGIN_Profiler_Create_Args {
  size_t struct_size;
  const char *options;
  size_t options_size;
  PLUGIN_Profiler *profiler; // out
};
PJRT_DEFINE_STRUCT_TRAITS(PLUGIN_Profiler_Create_Args, profiler);
typedef PLUGIN_Profiler_Error *PLUGIN_Profiler_Create(PLUGIN_Profiler_Create_Args *args);

struct PLUGIN_Profiler_Destroy_Args {
  size_t struct_size;
  PLUGIN_Profiler *profiler;
};
PJRT_DEFINE_STRUCT_TRAITS(PLUGIN_Profiler_Destroy_Args, profiler);
typedef PLUGIN_Profiler_Error *PLUGIN_Profiler_Destroy(PLUGIN_Profiler_Destroy_Args *args);

struct PLUGIN_Profiler_Start_Args {
  size_t struct_size;
  PLUGIN_Profiler *profiler;
};
PJRT_DEFINE_STRUCT_TRAITS(PLUGIN_Profiler_Start_Args, profiler);
typedef PLUGIN_Profiler_Error *PLUGIN_Profiler_Start(PLUGIN_Profiler_Start_Args *args);

struct PLUGIN_Profiler_Stop_Args {
  size_t struct_size;
  PLUGIN_Profiler *profiler;
};
PJRT_DEFINE_STRUCT_TRAITS(PLUGIN_Profiler_Stop_Args, profiler);
typedef PLUGIN_Profiler_Error *PLUGIN_Profiler_Stop(PLUGIN_Profiler_Stop_Args *args);

// After stop; the data is a serialised tensorflow.profiler.XSpace. With |buffer| null it sets the
// size, and may set |buffer| to the data, which then lives as long as the profiler: that is what
// hosts in use rely on. With room for so many bytes in |buffer| it writes them there.
struct PLUGIN_Profiler_CollectData_Args {
  size_t struct_size;
  PLUGIN_Profiler *profiler;
  uint8_t *buffer;             // in/out
  size_t buffer_size_in_bytes; // out
};
PJRT_DEFINE_STRUCT_TRAITS(PLUGIN_Profiler_CollectData_Args, buffer_size_in_bytes);
typedef PLUGIN_Profiler_Error *PLUGIN_Profiler_CollectData(PLUGIN_Profiler_CollectData_Args *args);

typedef struct PLUGIN_Profiler_Api {
  size_t struct_size;
  void *priv;
  PLUGIN_Profiler_Error_Destroy *error_destroy;
  PLUGIN_Profiler_Error_Message *error_message;
  PLUGIN_Profiler_Error_GetCode *error_get_code;
  PLUGIN_Profiler_Create *create;
  PLUGIN_Profiler_Destroy *destroy;
  PLUGIN_Profiler_Start *start;
  PLUGIN_Profiler_Stop *stop;
  PLUGIN_Profiler_CollectData *collect_data;
} PLUGIN_Profiler_Api;
enum { PLUGIN_Profiler_Api_STRUCT_SIZE = PJRT_STRUCT_SIZE(PLUGIN_Profiler_Api, collect_data) };

#ifdef __cplusplus
} // extern "C"
#endif

#endif // PJRT_EXT_PROFILER_API_H_

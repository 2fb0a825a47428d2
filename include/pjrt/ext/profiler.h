// Profiler extension (type 1).
//
// Hosts attach it, without a profiler, to the arguments of compile and execute calls, to carry the
// id of their trace. Layout as upstream's (interface version 1). The profiler's own table is not
// described here.

#ifndef PJRT_EXT_PROFILER_H_
#define PJRT_EXT_PROFILER_H_

#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PJRT_API_PROFILER_EXTENSION_VERSION 1

struct PLUGIN_Profiler_Api;

typedef struct PJRT_Profiler_Extension {
  PJRT_Extension_Base base;
  struct PLUGIN_Profiler_Api *profiler_api; // may be null
  int64_t traceme_context_id;
} PJRT_Profiler_Extension;
enum {
  PJRT_Profiler_Extension_STRUCT_SIZE =
      PJRT_STRUCT_SIZE(PJRT_Profiler_Extension, traceme_context_id)
};

#ifdef __cplusplus
} // extern "C"
#endif

#endif // PJRT_EXT_PROFILER_H_

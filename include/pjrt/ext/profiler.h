// Profiler extension (type 1).
//
// A plugin that has it in its list can be profiled: a profiler is created, started, stopped, asked
// for what it saw, and destroyed. Hosts also attach it, without a table, to the arguments of
// compile and execute calls, to carry the id of their trace. Layout as upstream's (interface
// version 1).

#ifndef PJRT_EXT_PROFILER_H_
#define PJRT_EXT_PROFILER_H_

#include "pjrt/ext/profiler_api.h"
#include "pjrt/pjrt_c_api.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PJRT_API_PROFILER_EXTENSION_VERSION 1
typedef struct PJRT_Profiler_Extension {
  PJRT_Extension_Base base;
  PLUGIN_Profiler_Api *profiler_api; // null in the arguments of calls
  int64_t traceme_context_id;        // meaningless in a plugin's list
} PJRT_Profiler_Extension;
enum {
  PJRT_Profiler_Extension_STRUCT_SIZE =
      PJRT_STRUCT_SIZE(PJRT_Profiler_Extension, traceme_context_id)
};

#ifdef __cplusplus
} // extern "C"
#endif

#endif // PJRT_EXT_PROFILER_H_

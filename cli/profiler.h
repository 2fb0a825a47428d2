// Profiling through a plugin's profiler extension.
#pragma once
#include "base/status.h"
#include "base/str.h"
#include "pjrt/ext/profiler.h"
#include "pjrt/pjrt.h"

// The plugin's table, or NULL when it has no profiler.
const PLUGIN_Profiler_Api *pj_profiler_find(const PjhPlugin *plugin);

// Makes a profiler and starts it.
PjStatus pj_profiler_begin(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler **out);
// Stops it and appends what it saw, an XSpace, to |out|; destroys it. Also after a failure.
PjStatus pj_profiler_end(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler *profiler, PjStrBuf *out);
// Destroys it without asking; NULL allowed.
void pj_profiler_drop(const PLUGIN_Profiler_Api *api, PLUGIN_Profiler *profiler);

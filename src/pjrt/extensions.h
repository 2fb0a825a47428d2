// The extensions that the plugin offers, in the order of their list.
#pragma once
#include "pjrt/ext/custom_partitioner.h"
#include "pjrt/ext/ffi.h"
#include "pjrt/ext/layouts.h"
#include "pjrt/ext/memory_descriptions.h"
#include "pjrt/ext/profiler.h"
#include "pjrt/ext/shardings.h"
#include "pjrt/surface.h"

// Not const only because the interface's list is not.
extern PJRT_Layouts_Extension pj_ext_layouts; // first; then:
extern PJRT_Shardings_Extension pj_ext_shardings;
extern PJRT_MemoryDescriptions_Extension pj_ext_memory_descriptions;
extern PJRT_Custom_Partitioner_Extension pj_ext_custom_partitioner;
extern PJRT_FFI_Extension pj_ext_ffi;
extern PJRT_Profiler_Extension pj_ext_profiler;

// What the plugin's version of the interface has: functions, extensions, sizes of structs.
#include "host/host.h"

#include <string.h>

#include "pjrt/pjrt_slots.h"

bool pjh_plugin_has(const PjhPlugin *plugin, const char *function) {
#define SLOT(slot, name, since)     \
  if (strcmp(function, #name) == 0) \
    return PJH_HAS(plugin, name);
  PJRT_API_SLOTS(SLOT)
#undef SLOT
  return false;
}

// --- Sizes of structs ----------------------------------------------------------------------------

// The size of |which| up to version |until|. Rows of a struct are in the order of versions.
typedef struct Growth {
  PjhGrown which;
  int until;
  size_t size;
} Growth;

#define ROW(until, name, last_field) \
  { PJH_GROWN_##name, until, PJRT_STRUCT_SIZE(PJRT_##name, last_field) }
enum { NEWEST = 1 << 30 };

// The versions are those of the interface's change log. When `load_options` came it does not say:
// it was not there at 0.105 and is at 0.112, and too large is safer than too small.
static const Growth growth[] = {
    ROW(60, Client_Create_Args, client),
    ROW(NEWEST, Client_Create_Args, kv_try_get_user_arg),
    ROW(112, Device_MemoryStats_Args, peak_pool_bytes_is_set),
    // 0.113 added int64_t peak_allocated_bytes and its flag.
    {PJH_GROWN_Device_MemoryStats_Args, NEWEST, sizeof(PJRT_Device_MemoryStats_Args) + 8 + 1},
    ROW(63, ExecuteOptions, num_non_donatable_input_indices),
    ROW(75, ExecuteOptions, context),
    ROW(77, ExecuteOptions, call_location),
    ROW(96, ExecuteOptions, incarnation_ids),
    ROW(107, ExecuteOptions, multi_slice_config),
    ROW(111, ExecuteOptions, use_major_to_minor_data_layout_for_callbacks),
    ROW(NEWEST, ExecuteOptions, num_hlo_output_callbacks),
    ROW(70, Executable_DeserializeAndLoad_Args, loaded_executable),
    ROW(105, Executable_DeserializeAndLoad_Args, overridden_serialized_compile_options_size),
    ROW(NEWEST, Executable_DeserializeAndLoad_Args, load_options),
    ROW(42, Executable_GetCompiledMemoryStats_Args, temp_size_in_bytes),
    ROW(71, Executable_GetCompiledMemoryStats_Args, host_temp_size_in_bytes),
    ROW(89, Executable_GetCompiledMemoryStats_Args, peak_memory_in_bytes),
    ROW(103, Executable_GetCompiledMemoryStats_Args, total_size_in_bytes),
    ROW(NEWEST, Executable_GetCompiledMemoryStats_Args, peak_unpadded_heap_bytes),
};

size_t pjh__size(const PjhPlugin *plugin, PjhGrown which) {
  int minor = plugin->api->pjrt_api_version.minor_version;
  size_t row = 0;
  while (growth[row].which != which || minor > growth[row].until)
    row++; // The last row of each struct has no end.
  return growth[row].size;
}

// --- Extensions ----------------------------------------------------------------------------------

// A plugin's list is its own, but a circle must not hang us.
enum { MAX_EXTENSIONS = 1000 };

static const PJRT_Extension_Base *first_extension(const PjhPlugin *plugin) {
  // Before 0.45 an extension had no size in front.
  return plugin->api->pjrt_api_version.minor_version < 45 ? NULL : plugin->api->extension_start;
}

size_t pjh_plugin_num_extensions(const PjhPlugin *plugin) {
  size_t count = 0;
  for (const PJRT_Extension_Base *at = first_extension(plugin); at && count < MAX_EXTENSIONS;
       at = at->next)
    count++;
  return count;
}

const PJRT_Extension_Base *pjh_plugin_extension(const PjhPlugin *plugin, size_t index) {
  const PJRT_Extension_Base *at = index < MAX_EXTENSIONS ? first_extension(plugin) : NULL;
  for (; at && index; index--)
    at = at->next;
  return at;
}

const PJRT_Extension_Base *pjh_plugin_find_extension(const PjhPlugin *plugin,
                                                     PJRT_Extension_Type type) {
  size_t count = 0;
  for (const PJRT_Extension_Base *at = first_extension(plugin); at && count < MAX_EXTENSIONS;
       at = at->next, count++)
    if (at->type == type)
      return at;
  return NULL;
}

const char *pjh_extension_name(PJRT_Extension_Type type) {
#define NAME(name) [PJRT_Extension_Type_##name] = #name
  static const char *const names[] = {
      NAME(Gpu_Custom_Call),
      NAME(Profiler),
      NAME(Custom_Partitioner),
      NAME(Stream),
      NAME(Layouts),
      NAME(FFI),
      NAME(MemoryDescriptions),
      NAME(Triton),
      NAME(RawBuffer),
      NAME(PhaseCompile),
      NAME(Example),
      NAME(Unknown),
      NAME(CrossHostTransfers),
      NAME(ExecutableMetadata),
      NAME(Callback),
      NAME(HostAllocator),
      NAME(TpuTopology),
      NAME(TpuExecutable),
      NAME(Megascale),
      NAME(Shardings),
      NAME(AbiVersion),
      NAME(Collectives),
      NAME(MultiSlice),
      NAME(HostMemoryAllocator),
      NAME(XlaTransform),
  };
#undef NAME
  return (size_t)type < sizeof names / sizeof *names ? names[type] : "";
}

// Insides of the host library, shared by the files of this folder only. The public interface is
// pjrt/pjrt.h.
#pragma once
#include <stdint.h>

#include "base/alloc.h"
#include "pjrt/pjrt.h"

struct PjhPlugin {
  const PJRT_Api *api;
};

struct PjhClient {
  PjhPlugin *plugin; // not owned
  PJRT_Client *handle;
  PJRT_Device *const *devices; // the plugin's array; lives as long as |handle|
  size_t num_devices;
  char *platform_name;
  char *platform_version;
  PjhDeviceInfo *infos; // num_devices of them
};

struct PjhTopology {
  PjhPlugin *plugin; // not owned
  PJRT_TopologyDescription *handle;
  bool owned; // false: it belongs to a client
  char *platform_name;
  char *platform_version;
  PJRT_DeviceDescription *const *descriptions; // the plugin's array; lives as long as |handle|
  size_t num_devices;
  PjhDeviceInfo *infos; // num_devices of them
};

struct PjhExecutable {
  PjhPlugin *plugin;             // not owned
  PjhClient *client;             // not owned; null: compiled ahead of time
  PJRT_LoadedExecutable *loaded; // null then, too
  PJRT_Executable *handle;
  size_t num_outputs;
  size_t num_devices, *devices; // indices in |client|
  size_t execute_options_size;  // of PJRT_ExecuteOptions in the plugin's version
  char *name;
};

struct PjhBuffer {
  PjhClient *client; // not owned
  PJRT_Buffer *handle;
  PJRT_Buffer_Type type;
  const int64_t *dims; // the plugin's array; lives as long as |handle|
  size_t rank;
  size_t host_size;
};

// --- Errors --------------------------------------------------------------------------------------

// Makes an error. Without memory it gives a static RESOURCE_EXHAUSTED error, which pjh_error_free
// leaves alone.
PjhError *pjh__error(PJRT_Error_Code code, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));
PjhError *pjh__out_of_memory(void);

// The error for a call that succeeded and left its result null.
PjhError *pjh__nothing_given(const char *what) __attribute__((cold));

// Gives |error| a hint, unless it has one or is null; returns it.
PjhError *pjh__hint(PjhError *error, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));

// Turns the plugin's error into ours and frees it; null stays null.
PjhError *pjh__take(const PjhPlugin *plugin, PJRT_Error *error);

// The error for a function that the plugin does not have.
PjhError *pjh__missing(const PjhPlugin *plugin, const char *function) __attribute__((cold));

// --- Copies --------------------------------------------------------------------------------------

// A copy ended by zero; null without memory. |text| may be null when |size| is 0.
char *pjh__copy_string(const char *text, size_t size);

// Copies a plugin's list. |values| may be null when |count| is 0.
PjhError *pjh__values_copy(const PJRT_NamedValue *values, size_t count, PjhValues **out);

// Reads everything about a device but |local_id|, which becomes -1. Clear |out| on failure too.
PjhError *pjh__device_describe(const PjhPlugin *plugin, PJRT_DeviceDescription *description,
                               PjhDeviceInfo *out);
void pjh__device_clear(PjhDeviceInfo *info);
PjhError *pjh__device_attributes(const PjhPlugin *plugin, PJRT_DeviceDescription *description,
                                 PjhValues **out);
PjhError *pjh__no_device(const char *what, size_t device, size_t num_devices);

// Takes over |handle|, also on failure, and reads type and shape from it.
PjhError *pjh__buffer_wrap(PjhClient *client, PJRT_Buffer *handle, PjhBuffer **out);

// Opens the library at |path| and gets its table, of a version that this library speaks. Does not
// initialise the plugin.
PjhError *pjh__plugin_open(const char *path, const PJRT_Api **out);

// --- Versions ------------------------------------------------------------------------------------

// Structs that grew since 0.29 and that this library passes. The size to state is the one that the
// plugin's version of the interface has: an old plugin may insist on its own.
typedef enum PjhGrown {
  PJH_GROWN_Client_Create_Args,
  PJH_GROWN_Device_MemoryStats_Args, // after the last version that our header knows, too
  PJH_GROWN_ExecuteOptions,
  PJH_GROWN_Executable_DeserializeAndLoad_Args,
  PJH_GROWN_Executable_GetCompiledMemoryStats_Args,
} PjhGrown;
size_t pjh__size(const PjhPlugin *plugin, PjhGrown which);

// Declares the argument struct of one function, zeroed, with its size set: PJH_ARGS(Client_Create,
// args).
#define PJH_ARGS(function, name) \
  PJRT_##function##_Args name = {.struct_size = PJRT_##function##_Args_STRUCT_SIZE}
// The same for a struct of PjhGrown.
#define PJH_GROWN_ARGS(plugin, function, name) \
  PJRT_##function##_Args name = {.struct_size = pjh__size((plugin), PJH_GROWN_##function##_Args)}

// Whether the plugin has a function: its table may be older and shorter than ours, and may have
// holes.
#define PJH_HAS(plugin, function)                                               \
  ((plugin)->api->struct_size >= PJRT_STRUCT_SIZE(PJRT_Api, PJRT_##function) && \
   (plugin)->api->PJRT_##function)

// Calls a function that returns an error, as PjhError*; UNIMPLEMENTED where the plugin does not
// have it.
#define PJH_CALL(plugin, function, args)                                                 \
  (PJH_HAS(plugin, function) ? pjh__take((plugin), (plugin)->api->PJRT_##function(args)) \
                             : pjh__missing((plugin), #function))

// Calls a function of the destroying kind, whose error nobody could act on.
#define PJH_DROP(plugin, function, args) pjh_error_free(PJH_CALL(plugin, function, args))

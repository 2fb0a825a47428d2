// Insides of the host library, shared by the files of this folder only. The public interface is
// pjrt/pjrt.h; this folder includes nothing else of the project, so that it can be taken out and
// used by itself.
#pragma once
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
  char **device_names; // num_devices of them
};

struct PjhExecutable {
  PjhClient *client; // not owned
  PJRT_LoadedExecutable *loaded;
  PJRT_Executable *handle;
  size_t num_outputs;
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

// Makes an error. Without memory it gives a static RESOURCE_EXHAUSTED error, which pjh_error_free
// leaves alone.
PjhError *pjh__error(PJRT_Error_Code code, const char *format, ...)
    __attribute__((format(printf, 2, 3), cold));
PjhError *pjh__out_of_memory(void);

// Turns the plugin's error into ours and frees it; null stays null.
PjhError *pjh__take(const PjhPlugin *plugin, PJRT_Error *error);

// Waits for |event| and destroys it, also when it failed. Null counts as done.
PjhError *pjh__await(const PjhPlugin *plugin, PJRT_Event *event);

// A copy ended by zero; null without memory.
char *pjh__copy_string(const char *text, size_t size);

// Takes over |handle|, also on failure, and reads type and shape from it.
PjhError *pjh__buffer_wrap(PjhClient *client, PJRT_Buffer *handle, PjhBuffer **out);

// Declares the argument struct of one function, zeroed, with its size set: PJH_ARGS(Client_Create,
// args).
#define PJH_ARGS(function, name) \
  PJRT_##function##_Args name = {.struct_size = PJRT_##function##_Args_STRUCT_SIZE}

// Whether the plugin has a function: its table may be older and shorter than ours, and may have
// holes.
#define PJH_HAS(plugin, function)                                               \
  ((plugin)->api->struct_size >= PJRT_STRUCT_SIZE(PJRT_Api, PJRT_##function) && \
   (plugin)->api->PJRT_##function)

// Calls a function that returns an error, as PjhError*; UNIMPLEMENTED where the plugin does not
// have it.
#define PJH_CALL(plugin, function, args)                                                    \
  (PJH_HAS(plugin, function) ? pjh__take((plugin), (plugin)->api->PJRT_##function(args))    \
                             : pjh__error(PJRT_Error_Code_UNIMPLEMENTED,                    \
                                          "the plugin (PJRT %d.%d) has no PJRT_" #function, \
                                          (plugin)->api->pjrt_api_version.major_version,    \
                                          (plugin)->api->pjrt_api_version.minor_version))

// Calls a function of the destroying kind, whose error nobody could act on.
#define PJH_DROP(plugin, function, args) pjh_error_free(PJH_CALL(plugin, function, args))

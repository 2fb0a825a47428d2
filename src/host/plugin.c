// Loading of plugins: dlopen, GetPjrtApi, the version, PJRT_Plugin_Initialize.
#include "host/find.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

enum {
  OLDEST_MINOR = 29, // Before 0.29 the table's first fields lay differently.
  SHIFTED_MINOR = 56 // 0.56 put a function in the middle of the table, 0.57 took it to the end.
};

// Says in one sentence which side is to be upgraded.
static PjhError *check_version(const char *path, const PJRT_Api *api) {
  if (!api)
    return pjh__error(PJRT_Error_Code_FAILED_PRECONDITION, "%s: GetPjrtApi gave no table", path);
  int major = api->pjrt_api_version.major_version, minor = api->pjrt_api_version.minor_version;
  if (major != PJRT_API_MAJOR || minor < OLDEST_MINOR || minor == SHIFTED_MINOR) {
    const char *side = major > PJRT_API_MAJOR ? "libpjrt" : "the plugin";
    PjhError *error = pjh__error(
        PJRT_Error_Code_FAILED_PRECONDITION,
        "%s: speaks PJRT %d.%d, this host speaks %d.%d to %d.%d and newer minor versions, but for "
        "%d.%d: upgrade %s",
        path, major, minor, PJRT_API_MAJOR, OLDEST_MINOR, PJRT_API_MAJOR, PJRT_API_MINOR,
        PJRT_API_MAJOR, SHIFTED_MINOR, side);
    return pjh__hint(error, "upgrade %s", side);
  }
  // Everything below calls these three without asking again.
  if (api->struct_size < PJRT_STRUCT_SIZE(PJRT_Api, PJRT_Error_GetCode) ||
      !api->PJRT_Error_Destroy || !api->PJRT_Error_Message || !api->PJRT_Error_GetCode)
    return pjh__error(PJRT_Error_Code_FAILED_PRECONDITION, "%s: its table has no error functions",
                      path);
  return NULL;
}

PjhError *pjh__plugin_open(const char *path, const PJRT_Api **out) {
  *out = NULL;
  if (pjh__elf_is_cut(path))
    return pjh__error(PJRT_Error_Code_FAILED_PRECONDITION,
                      "%s: the file is cut off: perhaps it was not downloaded to the end", path);
  void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror(); // Names the file already.
    PjhError *error =
        pjh__error(PJRT_Error_Code_NOT_FOUND, "cannot load the plugin: %s", reason ? reason : path);
    if (access(path, F_OK) != 0)
      return pjh__hint(error, "check the path; a name such as \"cpu\" is looked for instead");
    char why[PJH_REASON_MAX];
    if (!pjh__elf_is_plugin(path, why))
      return pjh__hint(error, "this file is no plugin: %s", why);
    return pjh__hint(error, "install the library that the plugin needs, or add its folder to "
                            "LD_LIBRARY_PATH");
  }
  // POSIX promises that a function pointer survives the way through void*; ISO C does not, hence
  // the union.
  union {
    void *object;
    const PJRT_Api *(*function)(void);
  } symbol = {.object = dlsym(library, "GetPjrtApi")};
  if (!symbol.object) {
    dlclose(library);
    return pjh__error(PJRT_Error_Code_NOT_FOUND, "%s: not a PJRT plugin, it has no GetPjrtApi",
                      path);
  }
  const PJRT_Api *api = symbol.function();
  PjhError *error = check_version(path, api);
  if (!error)
    *out = api;
  return error;
}

PjhError *pjh_plugin_load(const char *path, PjhPlugin **out) {
  *out = NULL;
  if (!strchr(path, '/') && !strstr(path, ".so"))
    return pjh_plugin_load_named(path, NULL, out);
  PjhPlugin *plugin = pj_malloc(sizeof *plugin);
  if (!plugin)
    return pjh__out_of_memory();
  PjhError *error = pjh__plugin_open(path, &plugin->api);
  if (!error && PJH_HAS(plugin, Plugin_Initialize)) {
    PJH_ARGS(Plugin_Initialize, args);
    error = PJH_CALL(plugin, Plugin_Initialize, &args);
  }
  if (error) {
    pj_free(plugin);
    return error;
  }
  *out = plugin;
  return NULL;
}

void pjh_plugin_destroy(PjhPlugin *plugin) {
  pj_free(plugin);
}

const PJRT_Api *pjh_plugin_api(const PjhPlugin *plugin) {
  return plugin->api;
}

void pjh_plugin_version(const PjhPlugin *plugin, int *out_major, int *out_minor) {
  *out_major = plugin->api->pjrt_api_version.major_version;
  *out_minor = plugin->api->pjrt_api_version.minor_version;
}

PjhError *pjh_plugin_attributes(const PjhPlugin *plugin, PjhValues **out) {
  *out = NULL;
  PJH_ARGS(Plugin_Attributes, args);
  PjhError *error = PJH_CALL(plugin, Plugin_Attributes, &args);
  return error ? error : pjh__values_copy(args.attributes, args.num_attributes, out);
}

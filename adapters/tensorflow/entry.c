// The library that TensorFlow loads as a pluggable device: from site-packages/tensorflow-plugins/,
// from TF_PLUGGABLE_DEVICE_LIBRARY_PATH, or through `import libpjrt.tensorflow`.
//
// It links nothing of TensorFlow, so it loads into any. What needs TensorFlow's C++ is in an
// adapter, one for each minor version, named tensorflow-MAJOR.MINOR.so and opened here. TensorFlow
// ends the process when one of its plugins reports an error, and whoever upgrades TensorFlow or
// removes libpjrt should not lose it: where something is missing, we offer a device type without
// devices, and say why on stderr.
#include "entry.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pjrt/pjrt_c_api.h"

#define EXPORT __attribute__((visibility("default")))

// Like other devices of TensorFlow below its CPU (70): a program asks for it with
// tf.device("PJRT"). With PJRT_TENSORFLOW_DEFAULT=1 above GPUs (210): all that has a kernel there
// runs there.
enum { PRIORITY_ASKED = 60, PRIORITY_DEFAULT = 230 };

static const PJRT_Api
    *core_api; // Set once by TFNPD_InitPlugin, before TensorFlow calls GetPjrtApi.

// A plugin that can be initialised and nothing else, for a device type without devices.
static PJRT_Error *initialize_nothing(PJRT_Plugin_Initialize_Args *args) {
  (void)args;
  return NULL;
}

static PJRT_Error *no_attributes(PJRT_Plugin_Attributes_Args *args) {
  args->attributes = NULL;
  args->num_attributes = 0;
  return NULL;
}

static const PJRT_Api no_core = {
    .struct_size = sizeof(PJRT_Api),
    .pjrt_api_version = {.struct_size = sizeof(PJRT_Api_Version),
                         .major_version = PJRT_API_MAJOR,
                         .minor_version = PJRT_API_MINOR},
    .PJRT_Plugin_Initialize = initialize_nothing,
    .PJRT_Plugin_Attributes = no_attributes,
};

static int32_t count_nothing(TF_Status *status) {
  (void)status;
  return 0;
}

static void init_nothing(TF_Status *status) {
  (void)status;
}

// The folder of this very file, symbolic links followed. False if the loader does not know it.
static bool own_folder(char folder[PATH_MAX]) {
  Dl_info info;
  if (!dladdr((void *)&no_core, &info) || !info.dli_fname || !realpath(info.dli_fname, folder))
    return false;
  char *slash = strrchr(folder, '/');
  if (!slash)
    return false;
  *slash = 0;
  return true;
}

// A function of the TensorFlow that is loading us; NULL if there is none of this name.
static void *tensorflow_symbol(const char *name) {
  // By its soname, as Python loads it with local scope; the handle is never closed, nor is the
  // library.
  static const char *const libraries[] = {"libtensorflow_cc.so.2", "libtensorflow_framework.so.2",
                                          "libtensorflow.so.2"};
  for (size_t i = 0; i < sizeof libraries / sizeof *libraries; ++i) {
    void *handle = dlopen(libraries[i], RTLD_LAZY | RTLD_NOLOAD);
    void *symbol = handle ? dlsym(handle, name) : NULL;
    if (symbol)
      return symbol;
  }
  return dlsym(RTLD_DEFAULT, name);
}

// Its version, as "2.21.0", or NULL.
static const char *tensorflow_version(void) {
  const char *(*version)(void) = (const char *(*)(void))tensorflow_symbol("TF_Version");
  return version ? version() : NULL;
}

// The functions of a device type without devices. TensorFlow has one such table, that of the
// library which it loaded last: the devices of an earlier one call theirs through ours.
static const PjTfApi *without_devices(void) {
  static PjTfApi table;
  const PjTfApi *(*now)(void) =
      (const PjTfApi *(*)(void))tensorflow_symbol("_ZN10tensorflow8TfnpdApiEv"); // TfnpdApi()
  const PjTfApi *earlier = now ? now() : NULL;
  if (earlier)
    table = *earlier;
  table.struct_size = sizeof table;
  table.functions[PJ_TFNPD_DEVICE_COUNT] = (void (*)(void))count_nothing;
  table.functions[PJ_TFNPD_INIT_DEVICES] = (void (*)(void))init_nothing;
  return &table;
}

// The folder that the installer copied this file from, from the note that it left beside the copy.
static bool noted_folder(const char *folder, char noted[PATH_MAX]) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/libpjrt_tensorflow.path", folder) >= (int)sizeof path)
    return false;
  FILE *file = fopen(path, "r");
  if (!file)
    return false;
  bool there = fgets(noted, PATH_MAX, file) != NULL;
  fclose(file);
  if (there)
    noted[strcspn(noted, "\n")] = 0;
  return there;
}

// Opens |name| in |folder|. NULL with the loader's words in |why| if that fails; |why| stays as it
// is if there is no such file.
static void *open_in(const char *folder, const char *name, char *why, size_t why_size) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path || access(path, R_OK))
    return NULL;
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    snprintf(why, why_size, "%s", dlerror());
  return handle;
}

// Opens the adapter |name| and the core plugin one folder above it. False with a reason in |why|.
static bool open_libraries(const char *name, void **adapter, void **core, char *why,
                           size_t why_size) {
  char own[PATH_MAX], noted[PATH_MAX], beside[PATH_MAX];
  if (!own_folder(own)) {
    snprintf(why, why_size, "the loader does not say where this library lies");
    return false;
  }
  // In the package; or installed into tensorflow-plugins/, from the package that the note names or
  // that lies beside it.
  const char *folders[3] = {own};
  size_t count = 1;
  if (noted_folder(own, noted))
    folders[count++] = noted;
  if (snprintf(beside, sizeof beside, "%s/../libpjrt/tensorflow", own) < (int)sizeof beside)
    folders[count++] = beside;
  snprintf(why, why_size,
           "%s is in none of the folders of libpjrt; python -m libpjrt.tensorflow check", name);
  const char *home = NULL;
  for (size_t i = 0; i < count && !home; ++i)
    if ((*adapter = open_in(folders[i], name, why, why_size)))
      home = folders[i];
  if (!home)
    return false;
  const char *named = getenv("PJRT_CPU_LIBRARY");
  if (named && *named) {
    *core = dlopen(named, RTLD_NOW | RTLD_LOCAL);
    if (!*core)
      snprintf(why, why_size, "%s", dlerror());
  } else {
    snprintf(why, why_size, "there is no pjrt_plugin_cpu.so above %s", home);
    *core = open_in(home, "../pjrt_plugin_cpu.so", why, why_size);
  }
  return *core != NULL;
}

// Finds core plugin and adapter and joins them. NULL with a reason in |why| if one is missing or
// refuses.
static const PjTfApi *join(char *why, size_t why_size) {
  const char *version = tensorflow_version();
  int major = 0, minor = 0;
  if (!version || sscanf(version, "%d.%d", &major, &minor) != 2) {
    snprintf(why, why_size, "there is no TensorFlow in this process");
    return NULL;
  }
  char name[64];
  snprintf(name, sizeof name, "tensorflow-%d.%d.so", major, minor);
  void *adapter, *core;
  if (!open_libraries(name, &adapter, &core, why, why_size))
    return NULL;
  const PJRT_Api *(*get_api)(void) = (const PJRT_Api *(*)(void))dlsym(core, "GetPjrtApi");
  const PJRT_Api *api = get_api ? get_api() : NULL;
  PjTfAdapter *open_adapter = (PjTfAdapter *)dlsym(adapter, "pj_tf_adapter");
  if (!api || !open_adapter) {
    snprintf(why, why_size, "%s is no library of libpjrt", api ? name : "pjrt_plugin_cpu.so");
    return NULL;
  }
  const PjTfApi *functions = open_adapter(api, why, why_size);
  if (functions)
    core_api = api;
  return functions;
}

static bool is_default(void) {
  const char *value = getenv("PJRT_TENSORFLOW_DEFAULT");
  return value && *value && strcmp(value, "0") != 0;
}

// Called by TensorFlow when it loads this library, before GetPjrtApi; |params| tells it about the
// device type.
EXPORT const PjTfApi *TFNPD_InitPlugin(PjTfParams *params, TF_Status *status) {
  (void)status;
  char why[1024] = "";
  const PjTfApi *functions = join(why, sizeof why);
  params->device_type = PJ_TF_DEVICE;
  params->compilation_device_name = PJ_TF_COMPILER;
  params->priority = is_default() ? PRIORITY_DEFAULT : PRIORITY_ASKED;
  params->is_pluggable_device = true;
  // Operations outside of compiled functions are compiled one by one.
  params->use_pjrt_on_demand_compile = functions != NULL;
  if (functions)
    return functions;
  fprintf(stderr, "libpjrt: no PJRT device in TensorFlow: %s\n", why);
  // A name of its own: TensorFlow ends the process when a device type is registered twice.
  static char name[32];
  snprintf(name, sizeof name, "NONE_%zx", (size_t)&name);
  params->device_type = name;
  return without_devices();
}

EXPORT const PJRT_Api *GetPjrtApi(void) {
  return core_api ? core_api : &no_core;
}

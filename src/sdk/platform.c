// A vendor's platform as the plugin's: checked once, completed, and kept for the process.
//
// A platform that is wrong still gives a table of functions, for hosts show what
// PJRT_Plugin_Initialize says, and next to nothing of a plugin that gives no table.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "pjrt/surface.h"
#include "sdk/internal.h"

static PjSdk sdk;
static PjPlatform platform;
static PjDeviceOps device;
static char fault[512];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

const PjSdk *pj_sdk(void) {
  return &sdk;
}

const PjPlatform *pj_surface_platform(void) {
  return &platform;
}

#define FAULT(...) (snprintf(fault, sizeof fault, __VA_ARGS__), false)

// Copies a table of the vendor's, of the size that he knew: |minimum| ends the first version's.
static bool take_table(const char *what, const void *table, size_t minimum, void *out,
                       size_t size) {
  size_t given;
  memcpy(&given, table, sizeof given);
  if (given > size)
    return FAULT(
        "platform %s: %s has struct_size %zu, but libpjrt_sdk.a knows %zu bytes: it is older "
        "than the headers, take both from one installation",
        sdk.name, what, given, size);
  if (given < minimum)
    return FAULT(
        "platform %s: %s has struct_size %zu instead of %zu: write .struct_size = sizeof(%s)",
        sdk.name, what, given, size, what);
  memcpy(out, table, given);
  return true;
}

static bool need(const char *table, const char *function, bool there) {
  return there || FAULT("platform %s: %s lacks the function %s", sdk.name, table, function);
}

static bool both_or_none(const char *table, const char *a, bool has_a, const char *b, bool has_b) {
  return has_a == has_b || FAULT("platform %s: %s has %s but not %s: both or none", sdk.name, table,
                                 has_a ? a : b, has_a ? b : a);
}

#define NEED(ops, name) need(#ops, #name, table->name != NULL)
#define BOTH(ops, one, another) \
  both_or_none(#ops, #one, table->one != NULL, #another, table->another != NULL)

static bool check_device(const PjsDeviceOps *table) {
  if (!NEED(PjsDeviceOps, open) || !NEED(PjsDeviceOps, close) ||
      !NEED(PjsDeviceOps, device_count) || !NEED(PjsDeviceOps, allocate) ||
      !NEED(PjsDeviceOps, free))
    return false;
  if (!table->host_pointer && (!NEED(PjsDeviceOps, copy_in) || !NEED(PjsDeviceOps, copy_out)))
    return false;
  if (table->launch && table->host_pointer)
    return FAULT(
        "platform %s: PjsDeviceOps has launch and host_pointer: libpjrt runs programs itself "
        "where the host can address the memory",
        sdk.name);
  if (table->can_alias && !table->host_pointer)
    return FAULT("platform %s: PjsDeviceOps has can_alias but not host_pointer", sdk.name);
  if (table->can_view && table->host_pointer)
    return FAULT("platform %s: PjsDeviceOps has can_view and host_pointer: libpjrt asks can_alias "
                 "where the host can address the memory",
                 sdk.name);
  return BOTH(PjsDeviceOps, host_allocate, host_free) && BOTH(PjsDeviceOps, pin, unpin) &&
         BOTH(PjsDeviceOps, stats, reset_stats);
}

static bool check_compiler(const PjsCompilerOps *table) {
  if (table->form != PJS_FORM_VERIFIED && table->form != PJS_FORM_SIMPLIFIED)
    return FAULT("platform %s: PjsCompilerOps has the unknown form %d", sdk.name, (int)table->form);
  return NEED(PjsCompilerOps, compile) && NEED(PjsCompilerOps, destroy) &&
         NEED(PjsCompilerOps, run) && BOTH(PjsCompilerOps, serialize, deserialize);
}

static bool check_texts(const PjsPlatform *vendor) {
  size_t length = vendor->name ? strlen(vendor->name) : 0;
  for (size_t i = 0; i < length; i++)
    if (!islower((unsigned char)vendor->name[i]) && !isdigit((unsigned char)vendor->name[i]) &&
        vendor->name[i] != '_')
      length = 0;
  if (!length || length > 31)
    return FAULT(
        "a platform's name must be 1 to 31 lower-case letters, digits and underscores, but is "
        "\"%.40s\"",
        vendor->name ? vendor->name : "(null)");
  sdk.name = vendor->name;
  if (!vendor->version || strlen(vendor->version) > 95)
    return FAULT("platform %s: the version must be a text of up to 95 characters", sdk.name);
  return true;
}

static bool take(const PjsPlatform *vendor) {
  if (!vendor)
    return FAULT("pjs_plugin_api was called without a platform");
  if (vendor->struct_size < sizeof(PjsPlatform))
    return FAULT("PjsPlatform has struct_size %zu instead of %zu: write .struct_size = "
                 "sizeof(PjsPlatform)",
                 vendor->struct_size, sizeof(PjsPlatform));
  if (vendor->sdk_version != PJS_VERSION)
    return FAULT(
        "the platform was compiled for SDK version %d (sdk_version), but libpjrt_sdk.a has "
        "version %d: take headers and archive from one installation",
        vendor->sdk_version, PJS_VERSION);
  if (vendor->struct_size > sizeof(PjsPlatform))
    return FAULT(
        "PjsPlatform has struct_size %zu, but libpjrt_sdk.a knows %zu bytes: it is older than "
        "the headers, take both from one installation",
        vendor->struct_size, sizeof(PjsPlatform));
  if (!check_texts(vendor))
    return false;
  if (!vendor->device && !vendor->compiler)
    return FAULT("platform %s has neither a device nor a compiler", sdk.name);
  if (vendor->device && (!take_table("PjsDeviceOps", vendor->device,
                                     offsetof(PjsDeviceOps, reset_stats) + sizeof(void *),
                                     &sdk.device, sizeof sdk.device) ||
                         !check_device(&sdk.device)))
    return false;
  if (vendor->compiler && (!take_table("PjsCompilerOps", vendor->compiler,
                                       offsetof(PjsCompilerOps, deserialize) + sizeof(void *),
                                       &sdk.compiler, sizeof sdk.compiler) ||
                           !check_compiler(&sdk.compiler)))
    return false;
  sdk.has_device = vendor->device != NULL;
  sdk.has_compiler = vendor->compiler != NULL;
  platform.version = vendor->version;
  return true;
}

// The functions that the vendor has; without a device, those of the host's memory.
static void choose_device(void) {
  device = sdk.has_device ? pj_sdk_device : pj_device_cpu;
  device.name = sdk.name;
  if (!sdk.has_device)
    return;
  if (!sdk.device.launch)
    device.launch = NULL;
  if (!sdk.device.can_view)
    device.can_view = NULL;
  if (!sdk.device.stats) {
    device.stats = NULL;
    device.reset_stats = NULL;
  }
}

const PJRT_Api *pjs_plugin_api(const PjsPlatform *vendor) {
  pthread_mutex_lock(&lock);
  if (!platform.device) {
    sdk.name = "unknown";
    platform.version = "";
    if (!take(vendor)) {
      sdk.has_device = sdk.has_compiler = false;
      platform.fault = fault;
    }
    choose_device();
    platform.compiler = sdk.has_compiler ? &pj_sdk_compiler : &pj_compiler_native;
    platform.device = &device;
  }
  pthread_mutex_unlock(&lock);
  return pj_surface_api();
}

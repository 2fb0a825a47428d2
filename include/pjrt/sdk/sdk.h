/* SDK: the plugin as a whole. Includes the other headers.
 *
 *     static const PjsPlatform platform = {
 *         .struct_size = sizeof(PjsPlatform), .sdk_version = PJS_VERSION,
 *         .name = "toy", .version = "toy 1.0", .device = &device};
 *     PJRT_SDK_PLUGIN(platform)
 */
#ifndef PJRT_SDK_H
#define PJRT_SDK_H

#include "pjrt/sdk/base.h"
#include "pjrt/sdk/compiler.h"
#include "pjrt/sdk/device.h"
#include "pjrt/sdk/evaluate.h"
#include "pjrt/sdk/ir.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct PjsPlatform {
  size_t struct_size; /* sizeof(PjsPlatform) */
  int sdk_version;    /* PJS_VERSION */
  /* What hosts call the platform: lower-case letters, digits and underscores, up to 31. "cpu"
   * brings JAX's rules for CPUs, any other name its portable ones. */
  const char *name;
  /* Free text, up to 95 characters; part of hosts' cache keys: change it with every change of
   * results. */
  const char *version;
  const PjsDeviceOps *device;     /* NULL: the host's processor and memory */
  const PjsCompilerOps *compiler; /* NULL: libpjrt's compiler */
} PjsPlatform;

/* The interface's table for |platform|, which lives as long as the process. Always answers a table:
 * where the platform is wrong (a function is missing, a struct has the wrong size),
 * PJRT_Plugin_Initialize and PJRT_Client_Create fail with FAILED_PRECONDITION and say what is
 * wrong. One platform per plugin: what comes first stays. */
const PJRT_Api *pjs_plugin_api(const PjsPlatform *platform);

#ifdef __cplusplus
#define PJS_EXPORT extern "C" __attribute__((visibility("default")))
#else
#define PJS_EXPORT __attribute__((visibility("default")))
#endif

/* Defines the plugin's one symbol. Once, in one file. */
#define PJRT_SDK_PLUGIN(platform)               \
  PJS_EXPORT const PJRT_Api *GetPjrtApi(void);  \
  PJS_EXPORT const PJRT_Api *GetPjrtApi(void) { \
    return pjs_plugin_api(&(platform));         \
  }

#ifdef __cplusplus
}
#endif

#endif

// The SDK's files among each other. Handles of the public headers are the library's own objects
// under other names.
#pragma once
#include "device/device.h"
#include "pjrt/sdk/sdk.h"
#include "runtime/client.h"
#include "runtime/start.h"

static inline PjStatus pj_sdk_status(PjsError *error) {
  return (PjStatus)error;
}
static inline PjsError *pj_sdk_error(PjStatus status) {
  return (PjsError *)status;
}
static inline PjsDone *pj_sdk_done(PjCompletion *completion) {
  return (PjsDone *)completion;
}

// The vendor's tables, completed: what a smaller struct of an older vendor lacks is NULL.
typedef struct PjSdk {
  const char *name;
  PjsDeviceOps device;
  PjsCompilerOps compiler;
  bool has_device, has_compiler;
} PjSdk;
const PjSdk *pj_sdk(void);

// The vendor's device and compiler as the runtime's.
extern const PjDeviceOps pj_sdk_device;
extern const PjCompilerOps pj_sdk_compiler;
// The vendor's state behind a driver of pj_sdk_device.
PjsDriver *pj_sdk_driver(PjDriver *driver);

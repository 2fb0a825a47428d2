// What all devices share.
#include "device/device.h"

const char *pj_memory_kind_name(PjMemoryKind kind) {
  static const char *const names[PJ_MEMORY_KIND_COUNT] = {"device", "pinned_host", "unpinned_host"};
  return names[kind];
}

// The CPU plugin: its platform, and its one symbol.
#include "pjrt/surface.h"

__attribute__((visibility("default"))) PJRT_GetPjrtApi GetPjrtApi;

const PjPlatform *pj_surface_platform(void) {
  return &pj_platform_cpu;
}

const PJRT_Api *GetPjrtApi(void) {
  return pj_surface_api();
}

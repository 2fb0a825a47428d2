// The function table, and the plugin's one symbol.
#include "pjrt/extensions.h"

__attribute__((visibility("default"))) PJRT_GetPjrtApi GetPjrtApi;

const PjPlatform *pj_surface_platform(void) {
  return &pj_platform_cpu;
}

const PJRT_Api *GetPjrtApi(void) {
#define X(slot, name, since) .PJRT_##name = pj_api_##name,
  static const PJRT_Api api = {.struct_size = PJRT_Api_STRUCT_SIZE,
                               .extension_start = &pj_ext_layouts.base,
                               .pjrt_api_version = {.struct_size = PJRT_Api_Version_STRUCT_SIZE,
                                                    .major_version = PJRT_API_MAJOR,
                                                    .minor_version = PJRT_API_MINOR},
                               PJRT_API_SLOTS(X)};
#undef X
  return &api;
}

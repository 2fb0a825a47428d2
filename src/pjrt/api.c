// The function table.
#include "pjrt/extensions.h"

const PJRT_Api *pj_surface_api(void) {
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

// The memory descriptions extension: every device has the same three memories.
#include <string.h>

#include "pjrt/extensions.h"

struct PJRT_MemoryDescription {
  PjMemoryKind kind;
};

static PJRT_Error *
pj_api_DeviceDescription_MemoryDescriptions(PJRT_DeviceDescription_MemoryDescriptions_Args *args) {
  PJ_ARGS(DeviceDescription_MemoryDescriptions, default_memory_index);
  PJ_NOT_NULL(device_description);
  static const PJRT_MemoryDescription descriptions[PJ_MEMORY_KIND_COUNT] = {
      {PJ_MEMORY_DEVICE}, {PJ_MEMORY_PINNED_HOST}, {PJ_MEMORY_UNPINNED_HOST}};
  static const PJRT_MemoryDescription *const list[PJ_MEMORY_KIND_COUNT] = {
      &descriptions[0], &descriptions[1], &descriptions[2]};
  args->memory_descriptions = list;
  args->num_memory_descriptions = PJ_MEMORY_KIND_COUNT;
  args->default_memory_index = PJ_MEMORY_DEVICE;
  return NULL;
}

static PJRT_Error *pj_api_MemoryDescription_Kind(PJRT_MemoryDescription_Kind_Args *args) {
  PJ_ARGS(MemoryDescription_Kind, kind_id);
  PJ_NOT_NULL(memory_description);
  args->kind = pj_memory_kind_name(args->memory_description->kind);
  args->kind_size = strlen(args->kind);
  args->kind_id = pj_memory_kind_id(args->memory_description->kind);
  return NULL;
}

PJRT_MemoryDescriptions_Extension pj_ext_memory_descriptions = {
    .base = {.struct_size = PJRT_MemoryDescriptions_Extension_STRUCT_SIZE,
             .type = PJRT_Extension_Type_MemoryDescriptions,
             .next = &pj_ext_custom_partitioner.base},
    .PJRT_DeviceDescription_MemoryDescriptions = pj_api_DeviceDescription_MemoryDescriptions,
    .PJRT_MemoryDescription_Kind = pj_api_MemoryDescription_Kind,
};

// PJRT_Device and PJRT_DeviceDescription.
#include <string.h>

#include "pjrt/surface.h"

PJRT_Error *pj_api_DeviceDescription_Id(PJRT_DeviceDescription_Id_Args *args) {
  PJ_ARGS(DeviceDescription_Id, id);
  PJ_NOT_NULL(device_description);
  args->id = pj_desc_of(args->device_description)->id;
  return NULL;
}

PJRT_Error *pj_api_DeviceDescription_ProcessIndex(PJRT_DeviceDescription_ProcessIndex_Args *args) {
  PJ_ARGS(DeviceDescription_ProcessIndex, process_index);
  PJ_NOT_NULL(device_description);
  args->process_index = pj_desc_of(args->device_description)->process_index;
  return NULL;
}

// A list of no attributes, whose address is not null.
static const PJRT_NamedValue no_attributes[1];

PJRT_Error *pj_api_DeviceDescription_Attributes(PJRT_DeviceDescription_Attributes_Args *args) {
  PJ_ARGS(DeviceDescription_Attributes, attributes);
  args->num_attributes = 0;
  args->attributes = no_attributes;
  return NULL;
}

PJRT_Error *pj_api_DeviceDescription_Kind(PJRT_DeviceDescription_Kind_Args *args) {
  PJ_ARGS(DeviceDescription_Kind, device_kind_size);
  PJ_NOT_NULL(device_description);
  args->device_kind = pj_desc_of(args->device_description)->kind;
  args->device_kind_size = strlen(args->device_kind);
  return NULL;
}

PJRT_Error *pj_api_DeviceDescription_DebugString(PJRT_DeviceDescription_DebugString_Args *args) {
  PJ_ARGS(DeviceDescription_DebugString, debug_string_size);
  PJ_NOT_NULL(device_description);
  args->debug_string = pj_desc_of(args->device_description)->debug_string;
  args->debug_string_size = strlen(args->debug_string);
  return NULL;
}

PJRT_Error *pj_api_DeviceDescription_ToString(PJRT_DeviceDescription_ToString_Args *args) {
  PJ_ARGS(DeviceDescription_ToString, to_string_size);
  PJ_NOT_NULL(device_description);
  args->to_string = pj_desc_of(args->device_description)->to_string;
  args->to_string_size = strlen(args->to_string);
  return NULL;
}

PJRT_Error *pj_api_Device_GetDescription(PJRT_Device_GetDescription_Args *args) {
  PJ_ARGS(Device_GetDescription, device_description);
  PJ_NOT_NULL(device);
  args->device_description = (PJRT_DeviceDescription *)pj_device_of(args->device)->desc;
  return NULL;
}

PJRT_Error *pj_api_Device_IsAddressable(PJRT_Device_IsAddressable_Args *args) {
  PJ_ARGS(Device_IsAddressable, is_addressable);
  PJ_NOT_NULL(device);
  PjDevice *device = pj_device_of(args->device);
  args->is_addressable = device->desc->process_index == device->client->process_index;
  return NULL;
}

PJRT_Error *pj_api_Device_LocalHardwareId(PJRT_Device_LocalHardwareId_Args *args) {
  PJ_ARGS(Device_LocalHardwareId, local_hardware_id);
  PJ_NOT_NULL(device);
  args->local_hardware_id = pj_device_of(args->device)->desc->local_hardware_id;
  return NULL;
}

PJRT_Error *pj_api_Device_AddressableMemories(PJRT_Device_AddressableMemories_Args *args) {
  PJ_ARGS(Device_AddressableMemories, num_memories);
  PJ_NOT_NULL(device);
  args->memories = (PJRT_Memory *const *)pj_device_of(args->device)->memories;
  args->num_memories = PJ_MEMORY_KIND_COUNT;
  return NULL;
}

PJRT_Error *pj_api_Device_DefaultMemory(PJRT_Device_DefaultMemory_Args *args) {
  PJ_ARGS(Device_DefaultMemory, memory);
  PJ_NOT_NULL(device);
  args->memory = (PJRT_Memory *)pj_device_of(args->device)->memories[PJ_MEMORY_DEVICE];
  return NULL;
}

PJRT_Error *pj_api_Device_MemoryStats(PJRT_Device_MemoryStats_Args *args) {
  PJ_ARGS(Device_MemoryStats, peak_pool_bytes_is_set);
  PJ_NOT_NULL(device);
  PjDeviceStats stats;
  PjStatus status = pj_device_stats(pj_device_of(args->device), &stats);
  if (status)
    return pj_surface_error(status);
  args->bytes_in_use = stats.bytes_in_use;
#define SET(field, number) (args->field = (number), args->field##_is_set = true)
#define UNSET(field)       (args->field = 0, args->field##_is_set = false)
  SET(peak_bytes_in_use, stats.peak_bytes_in_use);
  SET(num_allocs, stats.num_allocs);
  SET(largest_alloc_size, stats.largest_alloc_size);
  SET(bytes_limit, stats.bytes_limit);
  args->bytes_limit_is_set = stats.bytes_limit >= 0;
  UNSET(bytes_reserved);
  UNSET(peak_bytes_reserved);
  UNSET(bytes_reservable_limit);
  UNSET(largest_free_block_bytes);
  SET(pool_bytes, stats.pool_bytes);
  SET(peak_pool_bytes, stats.peak_pool_bytes);
#undef SET
#undef UNSET
  return NULL;
}

PJRT_Error *pj_api_Device_ClearMemoryStats(PJRT_Device_ClearMemoryStats_Args *args) {
  PJ_ARGS(Device_ClearMemoryStats, device);
  PJ_NOT_NULL(device);
  return pj_surface_error(pj_device_reset_stats(pj_device_of(args->device)));
}

PJRT_Error *pj_api_Device_PoisonExecution(PJRT_Device_PoisonExecution_Args *args) {
  // Launches are not kept by id once they run, so there is never one to poison.
  PJ_ARGS(Device_PoisonExecution, poisoned);
  PJ_NOT_NULL(device);
  args->poisoned = false;
  return NULL;
}

PJRT_Error *
pj_api_Device_CreateAsyncTrackingEvent(PJRT_Device_CreateAsyncTrackingEvent_Args *args) {
  PJ_ARGS(Device_CreateAsyncTrackingEvent, event);
  args->event = NULL;
  return NULL;
}

PJRT_Error *pj_api_AsyncTrackingEvent_Destroy(PJRT_AsyncTrackingEvent_Destroy_Args *args) {
  PJ_ARGS(AsyncTrackingEvent_Destroy, event);
  return NULL;
}

static void delete_no_attributes(PJRT_Device_Attributes *attributes) {}

PJRT_Error *pj_api_Device_GetAttributes(PJRT_Device_GetAttributes_Args *args) {
  PJ_ARGS(Device_GetAttributes, attributes_deleter);
  args->attributes = no_attributes;
  args->num_attributes = 0;
  args->device_attributes = NULL;
  args->attributes_deleter = delete_no_attributes;
  return NULL;
}

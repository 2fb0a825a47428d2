// PJRT_Device and PJRT_DeviceDescription.
#include <string.h>

#include "base/alloc.h"
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

// --- Attributes ----------------------------------------------------------------------------------

// A list of no attributes, whose address is not null.
static const PJRT_NamedValue no_attributes[1];

static char *put_text(char **at, const char *text, size_t size) {
  char *copy = *at;
  if (size)
    memcpy(copy, text, size);
  copy[size] = 0;
  *at += size + 1;
  return copy;
}

static PJRT_NamedValue named_value(const PjDriverOption *from, char **texts) {
  PJRT_NamedValue value = {.struct_size = PJRT_NamedValue_STRUCT_SIZE,
                           .name = put_text(texts, from->name, from->name_size),
                           .name_size = from->name_size,
                           .value_size = 1};
  switch (from->kind) {
  case PJ_DRIVER_OPTION_TEXT:
    value.type = PJRT_NamedValue_kString;
    value.string_value = put_text(texts, from->text, from->text_size);
    value.value_size = from->text_size;
    break;
  case PJ_DRIVER_OPTION_INT:
    value.type = PJRT_NamedValue_kInt64;
    value.int64_value = from->integer;
    break;
  case PJ_DRIVER_OPTION_FLOAT:
    value.type = PJRT_NamedValue_kFloat;
    value.float_value = (float)from->number;
    break;
  case PJ_DRIVER_OPTION_BOOL:
    value.type = PJRT_NamedValue_kBool;
    value.bool_value = from->integer != 0;
    break;
  }
  return value;
}

PjStatus pj_surface_set_attributes(PjClient *client) {
  for (int i = 0; i < client->num_devices; i++) {
    PjDeviceDesc *desc = client->devices[i]->desc;
    PjDeviceInfo info = {0};
    client->platform->device->device_info(client->driver, i, &info);
    size_t size = info.num_attributes * sizeof(PJRT_NamedValue);
    for (size_t k = 0; k < info.num_attributes; k++)
      size += info.attributes[k].name_size + info.attributes[k].text_size + 2;
    if (!size)
      continue;
    PJRT_NamedValue *values = desc->attributes = pj_malloc(size);
    if (!values)
      return pj_status_oom();
    desc->num_attributes = info.num_attributes;
    char *texts = (char *)(values + info.num_attributes);
    for (size_t k = 0; k < info.num_attributes; k++)
      values[k] = named_value(&info.attributes[k], &texts);
  }
  return PJ_STATUS_OK;
}

static const PJRT_NamedValue *attributes_of(const PjDeviceDesc *desc) {
  return desc->attributes ? desc->attributes : no_attributes;
}

PJRT_Error *pj_api_DeviceDescription_Attributes(PJRT_DeviceDescription_Attributes_Args *args) {
  PJ_ARGS(DeviceDescription_Attributes, attributes);
  PJ_NOT_NULL(device_description);
  const PjDeviceDesc *desc = pj_desc_of(args->device_description);
  args->num_attributes = desc->num_attributes;
  args->attributes = attributes_of(desc);
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
  PJ_NOT_NULL(device);
  const PjDeviceDesc *desc = pj_device_of(args->device)->desc;
  args->attributes = attributes_of(desc);
  args->num_attributes = desc->num_attributes;
  args->device_attributes = NULL; // they live as long as the device
  args->attributes_deleter = delete_no_attributes;
  return NULL;
}

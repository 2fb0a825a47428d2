// What can be said of devices, of a client's and of a topology's. Names are copied at the start, so
// that they end in zero and need no error path later.
#include "host/host.h"

PjhError *pjh__no_device(const char *what, size_t device, size_t num_devices) {
  return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "device %zu of a %s with %zu devices", device,
                    what, num_devices);
}

// Keeps a text that is worth having and that nobody needs: without it, it is empty.
static PjhError *keep_text(PjhError *error, const char *text, size_t size, const char **out) {
  if (error || !text)
    size = 0;
  pjh_error_free(error);
  *out = pjh__copy_string(text, size);
  return *out ? NULL : pjh__out_of_memory();
}

PjhError *pjh__device_describe(const PjhPlugin *plugin, PJRT_DeviceDescription *description,
                               PjhDeviceInfo *out) {
  *out = (PjhDeviceInfo){.local_id = -1};
  PJH_ARGS(DeviceDescription_Id, id);
  id.device_description = description;
  PjhError *error = PJH_CALL(plugin, DeviceDescription_Id, &id);
  if (error)
    return error;
  out->id = id.id;
  PJH_ARGS(DeviceDescription_ProcessIndex, process);
  process.device_description = description;
  error = PJH_CALL(plugin, DeviceDescription_ProcessIndex, &process);
  if (error)
    return error;
  out->process = process.process_index;
  PJH_ARGS(DeviceDescription_ToString, name);
  name.device_description = description;
  error = PJH_CALL(plugin, DeviceDescription_ToString, &name);
  error = keep_text(error, name.to_string, name.to_string_size, &out->name);
  if (error)
    return error;
  PJH_ARGS(DeviceDescription_Kind, kind);
  kind.device_description = description;
  error = PJH_CALL(plugin, DeviceDescription_Kind, &kind);
  error = keep_text(error, kind.device_kind, kind.device_kind_size, &out->kind);
  if (error)
    return error;
  PJH_ARGS(DeviceDescription_DebugString, details);
  details.device_description = description;
  error = PJH_CALL(plugin, DeviceDescription_DebugString, &details);
  return keep_text(error, details.debug_string, details.debug_string_size, &out->details);
}

void pjh__device_clear(PjhDeviceInfo *info) {
  pj_free((char *)(uintptr_t)info->name);
  pj_free((char *)(uintptr_t)info->kind);
  pj_free((char *)(uintptr_t)info->details);
}

PjhError *pjh__device_attributes(const PjhPlugin *plugin, PJRT_DeviceDescription *description,
                                 PjhValues **out) {
  *out = NULL;
  PJH_ARGS(DeviceDescription_Attributes, args);
  args.device_description = description;
  PjhError *error = PJH_CALL(plugin, DeviceDescription_Attributes, &args);
  return error ? error : pjh__values_copy(args.attributes, args.num_attributes, out);
}

PjhError *pjh_client_device_info(const PjhClient *client, size_t device, PjhDeviceInfo *out) {
  *out = (PjhDeviceInfo){.name = "", .kind = "", .details = ""};
  if (device >= client->num_devices)
    return pjh__no_device("client", device, client->num_devices);
  *out = client->infos[device];
  return NULL;
}

PjhError *pjh_client_device_attributes(const PjhClient *client, size_t device, PjhValues **out) {
  *out = NULL;
  if (device >= client->num_devices)
    return pjh__no_device("client", device, client->num_devices);
  PJH_ARGS(Device_GetDescription, get);
  get.device = client->devices[device];
  PjhError *error = PJH_CALL(client->plugin, Device_GetDescription, &get);
  return error ? error : pjh__device_attributes(client->plugin, get.device_description, out);
}

PjhError *pjh_client_device_memory(const PjhClient *client, size_t device, PjhValues **out) {
  *out = NULL;
  if (device >= client->num_devices)
    return pjh__no_device("client", device, client->num_devices);
  // Newer plugins write behind the struct that our header has.
  struct {
    PJRT_Device_MemoryStats_Args known;
    int64_t peak_allocated_bytes; // since 0.113
    bool peak_allocated_bytes_is_set;
  } stats = {.known = {.struct_size = pjh__size(client->plugin, PJH_GROWN_Device_MemoryStats_Args),
                       .device = client->devices[device]}};
  PjhError *error = PJH_CALL(client->plugin, Device_MemoryStats, &stats.known);
  if (error)
    return error;
  PJRT_NamedValue values[12];
  size_t count = 0;
  values[count++] = pjh_option_int("bytes_in_use", stats.known.bytes_in_use);
#define COUNTER(from, name) \
  if ((from).name##_is_set) \
    values[count++] = pjh_option_int(#name, (from).name);
  COUNTER(stats.known, peak_bytes_in_use)
  COUNTER(stats.known, num_allocs)
  COUNTER(stats.known, largest_alloc_size)
  COUNTER(stats.known, bytes_limit)
  COUNTER(stats.known, bytes_reserved)
  COUNTER(stats.known, peak_bytes_reserved)
  COUNTER(stats.known, bytes_reservable_limit)
  COUNTER(stats.known, largest_free_block_bytes)
  COUNTER(stats.known, pool_bytes)
  COUNTER(stats.known, peak_pool_bytes)
  COUNTER(stats, peak_allocated_bytes)
#undef COUNTER
  return pjh__values_copy(values, count, out);
}

// PJRT_Client: creation, devices, assignment.
#include "pjrt/surface.h"

PJRT_Error *pj_api_Client_Create(PJRT_Client_Create_Args *args) {
  // The key-value callbacks are not looked at: hosts leave them uninitialised in jobs of one
  // process.
  PJ_ARGS(Client_Create, client);
  args->client = NULL;
  PjSurfaceOptions options;
  PjStatus status = pj_surface_read_options(args->create_options, args->num_options, &options);
  if (!status && options.num_nodes > 1)
    status =
        PJ_ERROR(UNIMPLEMENTED,
                 "option num_nodes is %lld: clients over several processes are not supported yet",
                 (long long)options.num_nodes);
  PjClient *client = NULL;
  if (!status)
    status = pj_client_create(pj_surface_platform(), &options.client, &client);
  if (!status)
    status = pj_surface_set_attributes(client);
  if (status) {
    pj_client_destroy(client);
    return pj_surface_error(status);
  }
  for (int i = 0; i < client->num_memories; i++)
    client->memories[i]->surface_table = &pj_surface_memory_table;
  args->client = (PJRT_Client *)client;
  return NULL;
}

PJRT_Error *pj_api_Client_Destroy(PJRT_Client_Destroy_Args *args) {
  PJ_ARGS(Client_Destroy, client);
  pj_client_destroy(pj_client_of(args->client));
  return NULL;
}

PJRT_Error *pj_api_Client_PlatformName(PJRT_Client_PlatformName_Args *args) {
  PJ_ARGS(Client_PlatformName, platform_name_size);
  PJ_NOT_NULL(client);
  args->platform_name = pj_client_of(args->client)->topology->platform_name;
  args->platform_name_size = strlen(args->platform_name);
  return NULL;
}

PJRT_Error *pj_api_Client_ProcessIndex(PJRT_Client_ProcessIndex_Args *args) {
  PJ_ARGS(Client_ProcessIndex, process_index);
  PJ_NOT_NULL(client);
  args->process_index = pj_client_of(args->client)->process_index;
  return NULL;
}

PJRT_Error *pj_api_Client_PlatformVersion(PJRT_Client_PlatformVersion_Args *args) {
  PJ_ARGS(Client_PlatformVersion, platform_version_size);
  PJ_NOT_NULL(client);
  args->platform_version = pj_client_of(args->client)->topology->platform_version;
  args->platform_version_size = strlen(args->platform_version);
  return NULL;
}

PJRT_Error *pj_api_Client_TopologyDescription(PJRT_Client_TopologyDescription_Args *args) {
  PJ_ARGS(Client_TopologyDescription, topology);
  PJ_NOT_NULL(client);
  args->topology = (PJRT_TopologyDescription *)pj_client_of(args->client)->topology;
  return NULL;
}

PJRT_Error *pj_api_Client_Devices(PJRT_Client_Devices_Args *args) {
  PJ_ARGS(Client_Devices, num_devices);
  PJ_NOT_NULL(client);
  args->devices = (PJRT_Device *const *)pj_client_of(args->client)->devices;
  args->num_devices = (size_t)pj_client_of(args->client)->num_devices;
  return NULL;
}

PJRT_Error *pj_api_Client_AddressableDevices(PJRT_Client_AddressableDevices_Args *args) {
  PJ_ARGS(Client_AddressableDevices, num_addressable_devices);
  PJ_NOT_NULL(client);
  args->addressable_devices = (PJRT_Device *const *)pj_client_of(args->client)->devices;
  args->num_addressable_devices = (size_t)pj_client_of(args->client)->num_devices;
  return NULL;
}

PJRT_Error *pj_api_Client_LookupDevice(PJRT_Client_LookupDevice_Args *args) {
  PJ_ARGS(Client_LookupDevice, device);
  PJ_NOT_NULL(client);
  return pj_surface_error(
      pj_client_device(pj_client_of(args->client), args->id, (PjDevice **)&args->device));
}

PJRT_Error *pj_api_Client_LookupAddressableDevice(PJRT_Client_LookupAddressableDevice_Args *args) {
  PJ_ARGS(Client_LookupAddressableDevice, addressable_device);
  PJ_NOT_NULL(client);
  return pj_surface_error(pj_client_local_device(
      pj_client_of(args->client), args->local_hardware_id, (PjDevice **)&args->addressable_device));
}

PJRT_Error *pj_api_Client_AddressableMemories(PJRT_Client_AddressableMemories_Args *args) {
  PJ_ARGS(Client_AddressableMemories, num_addressable_memories);
  PJ_NOT_NULL(client);
  args->addressable_memories = (PJRT_Memory *const *)pj_client_of(args->client)->memories;
  args->num_addressable_memories = (size_t)pj_client_of(args->client)->num_memories;
  return NULL;
}

PJRT_Error *pj_api_Client_DefaultDeviceAssignment(PJRT_Client_DefaultDeviceAssignment_Args *args) {
  PJ_ARGS(Client_DefaultDeviceAssignment, default_assignment);
  PJ_NOT_NULL(client);
  return pj_surface_error(pj_client_default_assignment(
      pj_client_of(args->client), args->num_replicas, args->num_partitions,
      args->default_assignment_size, args->default_assignment));
}

PJRT_Error *pj_api_Client_UpdateGlobalProcessInfo(PJRT_Client_UpdateGlobalProcessInfo_Args *args) {
  // There is one process, and it knows of itself.
  PJ_ARGS(Client_UpdateGlobalProcessInfo, num_process_infos);
  PJ_NOT_NULL(client);
  return NULL;
}

PJRT_Error *pj_api_Client_DmaMap(PJRT_Client_DmaMap_Args *args) {
  PJ_ARGS(Client_DmaMap, size);
  PJ_NOT_NULL(client);
  PJ_NOT_NULL(data);
  PjClient *client = pj_client_of(args->client);
  const PjDeviceOps *ops = client->platform->device;
  return ops->pin ? pj_surface_error(ops->pin(client->driver, args->data, args->size)) : NULL;
}

PJRT_Error *pj_api_Client_DmaUnmap(PJRT_Client_DmaUnmap_Args *args) {
  PJ_ARGS(Client_DmaUnmap, data);
  PJ_NOT_NULL(client);
  PJ_NOT_NULL(data);
  PjClient *client = pj_client_of(args->client);
  const PjDeviceOps *ops = client->platform->device;
  return ops->unpin ? pj_surface_error(ops->unpin(client->driver, args->data)) : NULL;
}

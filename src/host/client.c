// Clients and their devices. Names are copied at the start, so that they end in zero and need no
// error path later.
#include "host/host.h"

#include <stdlib.h>

// Some plugins leave a debug string empty, none leaves both.
static PjhError *device_name(const PjhPlugin *plugin, PJRT_Device *device, char **out) {
  PJH_ARGS(Device_GetDescription, get);
  get.device = device;
  PjhError *error = PJH_CALL(plugin, Device_GetDescription, &get);
  if (error)
    return error;
  PJH_ARGS(DeviceDescription_ToString, text);
  text.device_description = get.device_description;
  error = PJH_CALL(plugin, DeviceDescription_ToString, &text);
  if (error)
    return error;
  *out = pjh__copy_string(text.to_string, text.to_string_size);
  return *out ? NULL : pjh__out_of_memory();
}

static PjhError *read_devices(PjhClient *client) {
  PJH_ARGS(Client_AddressableDevices, args);
  args.client = client->handle;
  PjhError *error = PJH_CALL(client->plugin, Client_AddressableDevices, &args);
  if (error)
    return error;
  client->device_names = calloc(args.num_addressable_devices + 1, sizeof *client->device_names);
  if (!client->device_names)
    return pjh__out_of_memory();
  client->devices = args.addressable_devices;
  client->num_devices = args.num_addressable_devices;
  for (size_t i = 0; i < client->num_devices && !error; i++)
    error = device_name(client->plugin, client->devices[i], &client->device_names[i]);
  return error;
}

static PjhError *read_platform(PjhClient *client) {
  PJH_ARGS(Client_PlatformName, name);
  name.client = client->handle;
  PjhError *error = PJH_CALL(client->plugin, Client_PlatformName, &name);
  if (error)
    return error;
  PJH_ARGS(Client_PlatformVersion, version);
  version.client = client->handle;
  error = PJH_CALL(client->plugin, Client_PlatformVersion, &version);
  if (error)
    return error;
  client->platform_name = pjh__copy_string(name.platform_name, name.platform_name_size);
  client->platform_version =
      pjh__copy_string(version.platform_version, version.platform_version_size);
  return client->platform_name && client->platform_version ? NULL : pjh__out_of_memory();
}

PjhError *pjh_client_create(PjhPlugin *plugin, const PJRT_NamedValue *options, size_t num_options,
                            PjhClient **out) {
  *out = NULL;
  PjhClient *client = calloc(1, sizeof *client);
  if (!client)
    return pjh__out_of_memory();
  client->plugin = plugin;

  PJH_ARGS(Client_Create, args);
  args.create_options = options;
  args.num_options = num_options;
  PjhError *error = PJH_CALL(plugin, Client_Create, &args);
  if (!error) {
    client->handle = args.client;
    error = read_platform(client);
  }
  if (!error)
    error = read_devices(client);
  if (error) {
    pjh_client_destroy(client);
    return error;
  }
  *out = client;
  return NULL;
}

void pjh_client_destroy(PjhClient *client) {
  if (!client)
    return;
  if (client->handle) {
    PJH_ARGS(Client_Destroy, args);
    args.client = client->handle;
    PJH_DROP(client->plugin, Client_Destroy, &args);
  }
  for (size_t i = 0; client->device_names && i < client->num_devices; i++)
    free(client->device_names[i]);
  free(client->device_names);
  free(client->platform_name);
  free(client->platform_version);
  free(client);
}

const char *pjh_client_platform_name(const PjhClient *client) {
  return client->platform_name;
}

const char *pjh_client_platform_version(const PjhClient *client) {
  return client->platform_version;
}

size_t pjh_client_num_devices(const PjhClient *client) {
  return client->num_devices;
}

PJRT_Device *pjh_client_device(const PjhClient *client, size_t device) {
  return device < client->num_devices ? client->devices[device] : NULL;
}

const char *pjh_client_device_name(const PjhClient *client, size_t device) {
  return device < client->num_devices ? client->device_names[device] : "";
}

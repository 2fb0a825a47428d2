// Clients and their devices.
#include "host/host.h"

static PjhError *read_device(const PjhPlugin *plugin, PJRT_Device *device, PjhDeviceInfo *out) {
  PJH_ARGS(Device_GetDescription, get);
  get.device = device;
  PjhError *error = PJH_CALL(plugin, Device_GetDescription, &get);
  if (!error)
    error = pjh__device_describe(plugin, get.device_description, out);
  if (error)
    return error;
  PJH_ARGS(Device_LocalHardwareId, local);
  local.device = device;
  error = PJH_CALL(plugin, Device_LocalHardwareId, &local);
  if (!error)
    out->local_id = local.local_hardware_id;
  pjh_error_free(error); // Not every device has a number.
  return NULL;
}

static PjhError *read_devices(PjhClient *client) {
  PJH_ARGS(Client_AddressableDevices, args);
  args.client = client->handle;
  PjhError *error = PJH_CALL(client->plugin, Client_AddressableDevices, &args);
  if (error)
    return error;
  client->infos = pj_calloc(args.num_addressable_devices, sizeof *client->infos);
  if (!client->infos)
    return pjh__out_of_memory();
  client->devices = args.addressable_devices;
  client->num_devices = args.num_addressable_devices;
  for (size_t i = 0; i < client->num_devices && !error; i++)
    error = read_device(client->plugin, client->devices[i], &client->infos[i]);
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

// A machine without the device is where most clients fail to start, and no reason not to compile.
static PjhError *absent_device(const PjhPlugin *plugin, PjhError *error) {
  PJRT_Error_Code code = pjh_error_code(error);
  if (!error || code == PJRT_Error_Code_INVALID_ARGUMENT ||
      code == PJRT_Error_Code_RESOURCE_EXHAUSTED || !PJH_HAS(plugin, TopologyDescription_Create) ||
      !PJH_HAS(plugin, Compile))
    return error;
  return pjh__hint(error, "if the device is not there: programs compile ahead of time without it");
}

PjhError *pjh_client_create(PjhPlugin *plugin, const PJRT_NamedValue *options, size_t num_options,
                            PjhClient **out) {
  *out = NULL;
  PjhClient *client = pj_calloc(1, sizeof *client);
  if (!client)
    return pjh__out_of_memory();
  client->plugin = plugin;

  PJH_GROWN_ARGS(plugin, Client_Create, args);
  args.create_options = options;
  args.num_options = num_options;
  PjhError *error = absent_device(plugin, PJH_CALL(plugin, Client_Create, &args));
  if (!error && !args.client)
    error = pjh__nothing_given("client");
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
  for (size_t i = 0; i < client->num_devices; i++)
    pjh__device_clear(&client->infos[i]);
  pj_free(client->infos);
  pj_free(client->platform_name);
  pj_free(client->platform_version);
  pj_free(client);
}

PJRT_Client *pjh_client_handle(const PjhClient *client) {
  return client->handle;
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
  return device < client->num_devices ? client->infos[device].name : "";
}

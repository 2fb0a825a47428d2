// Topologies: machines to compile for, at hand or not.
#include "host/host.h"

#include <string.h>

static PjhError *read_devices(PjhTopology *topology) {
  PJH_ARGS(TopologyDescription_GetDeviceDescriptions, args);
  args.topology = topology->handle;
  PjhError *error = PJH_CALL(topology->plugin, TopologyDescription_GetDeviceDescriptions, &args);
  if (error)
    return error;
  topology->infos = pj_calloc(args.num_descriptions, sizeof *topology->infos);
  if (!topology->infos)
    return pjh__out_of_memory();
  topology->descriptions = args.descriptions;
  topology->num_devices = args.num_descriptions;
  for (size_t i = 0; i < topology->num_devices && !error; i++)
    error = pjh__device_describe(topology->plugin, topology->descriptions[i], &topology->infos[i]);
  return error;
}

static PjhError *read_platform(PjhTopology *topology) {
  PJH_ARGS(TopologyDescription_PlatformName, name);
  name.topology = topology->handle;
  PjhError *error = PJH_CALL(topology->plugin, TopologyDescription_PlatformName, &name);
  if (error)
    return error;
  PJH_ARGS(TopologyDescription_PlatformVersion, version);
  version.topology = topology->handle;
  error = PJH_CALL(topology->plugin, TopologyDescription_PlatformVersion, &version);
  if (error)
    return error;
  topology->platform_name = pjh__copy_string(name.platform_name, name.platform_name_size);
  topology->platform_version =
      pjh__copy_string(version.platform_version, version.platform_version_size);
  return topology->platform_name && topology->platform_version ? NULL : pjh__out_of_memory();
}

// Takes over |handle|, if it is |owned|, also on failure.
static PjhError *wrap(PjhPlugin *plugin, PJRT_TopologyDescription *handle, bool owned,
                      PjhTopology *topology, PjhTopology **out) {
  topology->plugin = plugin;
  topology->handle = handle;
  topology->owned = owned && handle;
  PjhError *error = handle ? read_platform(topology) : pjh__nothing_given("topology");
  if (!error)
    error = read_devices(topology);
  if (error) {
    pjh_topology_destroy(topology);
    return error;
  }
  *out = topology;
  return NULL;
}

PjhError *pjh_topology_create(PjhPlugin *plugin, const char *name, const PJRT_NamedValue *options,
                              size_t num_options, PjhTopology **out) {
  *out = NULL;
  PjhTopology *topology = pj_calloc(1, sizeof *topology);
  if (!topology)
    return pjh__out_of_memory();
  PJH_ARGS(TopologyDescription_Create, args);
  args.topology_name = name ? name : "";
  args.topology_name_size = strlen(args.topology_name);
  args.create_options = options;
  args.num_options = num_options;
  PjhError *error = PJH_CALL(plugin, TopologyDescription_Create, &args);
  if (!error)
    return wrap(plugin, args.topology, true, topology, out);
  pj_free(topology);
  return error;
}

PjhError *pjh_topology_of_client(PjhClient *client, PjhTopology **out) {
  *out = NULL;
  PjhTopology *topology = pj_calloc(1, sizeof *topology);
  if (!topology)
    return pjh__out_of_memory();
  PJH_ARGS(Client_TopologyDescription, args);
  args.client = client->handle;
  PjhError *error = PJH_CALL(client->plugin, Client_TopologyDescription, &args);
  if (!error)
    return wrap(client->plugin, args.topology, false, topology, out);
  pj_free(topology);
  return error;
}

PjhError *pjh_topology_deserialize(PjhPlugin *plugin, const void *data, size_t size,
                                   PjhTopology **out) {
  *out = NULL;
  PjhTopology *topology = pj_calloc(1, sizeof *topology);
  if (!topology)
    return pjh__out_of_memory();
  PJH_ARGS(TopologyDescription_Deserialize, args);
  args.serialized_topology = data;
  args.serialized_topology_size = size;
  PjhError *error = PJH_CALL(plugin, TopologyDescription_Deserialize, &args);
  if (!error)
    return wrap(plugin, args.topology, true, topology, out);
  pj_free(topology);
  return error;
}

PjhError *pjh_topology_serialize(const PjhTopology *topology, void **out_data, size_t *out_size) {
  *out_data = NULL;
  *out_size = 0;
  PJH_ARGS(TopologyDescription_Serialize, args);
  args.topology = topology->handle;
  PjhError *error = PJH_CALL(topology->plugin, TopologyDescription_Serialize, &args);
  if (error)
    return error;
  *out_data = pjh__copy_string(args.serialized_bytes, args.serialized_bytes_size);
  if (*out_data)
    *out_size = args.serialized_bytes_size;
  if (args.serialized_topology_deleter)
    args.serialized_topology_deleter(args.serialized_topology);
  return *out_data ? NULL : pjh__out_of_memory();
}

void pjh_topology_destroy(PjhTopology *topology) {
  if (!topology)
    return;
  if (topology->owned) {
    PJH_ARGS(TopologyDescription_Destroy, args);
    args.topology = topology->handle;
    PJH_DROP(topology->plugin, TopologyDescription_Destroy, &args);
  }
  for (size_t i = 0; i < topology->num_devices; i++)
    pjh__device_clear(&topology->infos[i]);
  pj_free(topology->infos);
  pj_free(topology->platform_name);
  pj_free(topology->platform_version);
  pj_free(topology);
}

const char *pjh_topology_platform_name(const PjhTopology *topology) {
  return topology->platform_name;
}

const char *pjh_topology_platform_version(const PjhTopology *topology) {
  return topology->platform_version;
}

size_t pjh_topology_num_devices(const PjhTopology *topology) {
  return topology->num_devices;
}

PjhError *pjh_topology_device_info(const PjhTopology *topology, size_t device, PjhDeviceInfo *out) {
  *out = (PjhDeviceInfo){.name = "", .kind = "", .details = ""};
  if (device >= topology->num_devices)
    return pjh__no_device("topology", device, topology->num_devices);
  *out = topology->infos[device];
  return NULL;
}

PjhError *pjh_topology_device_attributes(const PjhTopology *topology, size_t device,
                                         PjhValues **out) {
  *out = NULL;
  if (device >= topology->num_devices)
    return pjh__no_device("topology", device, topology->num_devices);
  return pjh__device_attributes(topology->plugin, topology->descriptions[device], out);
}

PjhError *pjh_topology_attributes(const PjhTopology *topology, PjhValues **out) {
  *out = NULL;
  PJH_ARGS(TopologyDescription_Attributes, args);
  args.topology = topology->handle;
  PjhError *error = PJH_CALL(topology->plugin, TopologyDescription_Attributes, &args);
  return error ? error : pjh__values_copy(args.attributes, args.num_attributes, out);
}

PjhError *pjh_topology_fingerprint(const PjhTopology *topology, uint64_t *out) {
  *out = 0;
  PJH_ARGS(TopologyDescription_Fingerprint, args);
  args.topology = topology->handle;
  PjhError *error = PJH_CALL(topology->plugin, TopologyDescription_Fingerprint, &args);
  if (!error)
    *out = args.fingerprint;
  return error;
}

// PJRT_TopologyDescription.
#include <string.h>

#include "base/alloc.h"
#include "base/proto.h"
#include "pjrt/surface.h"

// A topology's name may be empty, the platform's, or that with a number of devices: "cpu:8".
static PjStatus parse_name(PjStr name, int *out_devices) {
  const char *platform = pj_surface_platform()->device->name;
  size_t n = strlen(platform);
  if (!name.len || pj_str_is(name, "default") || pj_str_is(name, platform))
    return PJ_STATUS_OK;
  int64_t count = 0;
  bool ok = name.len > n + 1 && !memcmp(name.ptr, platform, n) && name.ptr[n] == ':';
  for (size_t i = n + 1; ok && i < name.len; i++) {
    ok = name.ptr[i] >= '0' && name.ptr[i] <= '9';
    count = count * 10 + (name.ptr[i] - '0');
    ok = ok && count <= PJ_MAX_TOPOLOGY_DEVICES;
  }
  PJ_FAIL_IF(!ok || count < 1, INVALID_ARGUMENT,
             "unknown topology \"%.*s\"; there are \"%s\" and \"%s:<number of devices>\"",
             PJ_STR_ARG(name), platform, platform);
  *out_devices = (int)count;
  return PJ_STATUS_OK;
}

PJRT_Error *pj_api_TopologyDescription_Create(PJRT_TopologyDescription_Create_Args *args) {
  PJ_ARGS(TopologyDescription_Create, topology);
  args->topology = NULL;
  PjSurfaceOptions options;
  PjStatus status = pj_surface_read_options(args->create_options, args->num_options, &options);
  int devices = options.client.device_count ? options.client.device_count : 1;
  if (!status)
    status = parse_name(
        (PjStr){args->topology_name, args->topology_name ? args->topology_name_size : 0}, &devices);
  const PjPlatform *platform = pj_surface_platform();
  if (!status && platform->fault)
    status = PJ_ERROR(FAILED_PRECONDITION, "%s", platform->fault);
  if (!status)
    status = pj_topology_create(platform->device->name, platform->version, platform->device->name,
                                devices, (PjTopology **)&args->topology);
  return pj_surface_error(status);
}

PJRT_Error *pj_api_TopologyDescription_Destroy(PJRT_TopologyDescription_Destroy_Args *args) {
  PJ_ARGS(TopologyDescription_Destroy, topology);
  pj_topology_release(pj_topology_of(args->topology));
  return NULL;
}

PJRT_Error *
pj_api_TopologyDescription_PlatformName(PJRT_TopologyDescription_PlatformName_Args *args) {
  PJ_ARGS(TopologyDescription_PlatformName, platform_name_size);
  PJ_NOT_NULL(topology);
  args->platform_name = pj_topology_of(args->topology)->platform_name;
  args->platform_name_size = strlen(args->platform_name);
  return NULL;
}

PJRT_Error *
pj_api_TopologyDescription_PlatformVersion(PJRT_TopologyDescription_PlatformVersion_Args *args) {
  PJ_ARGS(TopologyDescription_PlatformVersion, platform_version_size);
  PJ_NOT_NULL(topology);
  args->platform_version = pj_topology_of(args->topology)->platform_version;
  args->platform_version_size = strlen(args->platform_version);
  return NULL;
}

PJRT_Error *pj_api_TopologyDescription_GetDeviceDescriptions(
    PJRT_TopologyDescription_GetDeviceDescriptions_Args *args) {
  PJ_ARGS(TopologyDescription_GetDeviceDescriptions, num_descriptions);
  PJ_NOT_NULL(topology);
  args->descriptions = (PJRT_DeviceDescription *const *)pj_topology_of(args->topology)->descs;
  args->num_descriptions = (size_t)pj_topology_of(args->topology)->num_devices;
  return NULL;
}

static void delete_serialized(PJRT_SerializedTopology *blob) {
  pj_blob_destroy((PjBlob *)blob);
}

PJRT_Error *pj_api_TopologyDescription_Serialize(PJRT_TopologyDescription_Serialize_Args *args) {
  PJ_ARGS(TopologyDescription_Serialize, serialized_topology_deleter);
  PJ_NOT_NULL(topology);
  PjStrBuf bytes = {0};
  pj_topology_serialize(pj_topology_of(args->topology), &bytes);
  PjBlob *blob = pj_blob_create(&bytes);
  if (!blob)
    return pj_surface_error(pj_status_oom());
  args->serialized_bytes = pj_blob_data(blob);
  args->serialized_bytes_size = pj_blob_size(blob);
  args->serialized_topology = (PJRT_SerializedTopology *)blob;
  args->serialized_topology_deleter = delete_serialized;
  return NULL;
}

PJRT_Error *
pj_api_TopologyDescription_Deserialize(PJRT_TopologyDescription_Deserialize_Args *args) {
  PJ_ARGS(TopologyDescription_Deserialize, topology);
  return pj_surface_error(pj_topology_deserialize(
      args->serialized_topology, args->serialized_topology ? args->serialized_topology_size : 0,
      (PjTopology **)&args->topology));
}

PJRT_Error *pj_api_TopologyDescription_Attributes(PJRT_TopologyDescription_Attributes_Args *args) {
  PJ_ARGS(TopologyDescription_Attributes, num_attributes);
  static const PJRT_NamedValue none[1];
  args->attributes = none;
  args->num_attributes = 0;
  return NULL;
}

PJRT_Error *
pj_api_TopologyDescription_Fingerprint(PJRT_TopologyDescription_Fingerprint_Args *args) {
  PJ_ARGS(TopologyDescription_Fingerprint, fingerprint);
  PJ_NOT_NULL(topology);
  args->fingerprint = pj_topology_of(args->topology)->fingerprint;
  return NULL;
}

PJRT_Error *pj_api_TopologyDescription_GetMemorySpaceKindIds(
    PJRT_TopologyDescription_GetMemorySpaceKindIds_Args *args) {
  PJ_ARGS(TopologyDescription_GetMemorySpaceKindIds, num_memory_space_kind_ids);
  PJ_NOT_NULL(topology);
  args->memory_space_kind_ids = pj_topology_of(args->topology)->memory_kind_ids;
  args->num_memory_space_kind_ids = PJ_MEMORY_KIND_COUNT;
  return NULL;
}

// XLA's PrimitiveType for an element type; PJRT's numbers are others.
static int xla_type(const PjShape *shape) {
  static const int codes[] = {
      [PJRT_Buffer_Type_PRED] = 1,        [PJRT_Buffer_Type_S8] = 2,
      [PJRT_Buffer_Type_S16] = 3,         [PJRT_Buffer_Type_S32] = 4,
      [PJRT_Buffer_Type_S64] = 5,         [PJRT_Buffer_Type_U8] = 6,
      [PJRT_Buffer_Type_U16] = 7,         [PJRT_Buffer_Type_U32] = 8,
      [PJRT_Buffer_Type_U64] = 9,         [PJRT_Buffer_Type_F16] = 10,
      [PJRT_Buffer_Type_F32] = 11,        [PJRT_Buffer_Type_F64] = 12,
      [PJRT_Buffer_Type_BF16] = 16,       [PJRT_Buffer_Type_C64] = 15,
      [PJRT_Buffer_Type_C128] = 18,       [PJRT_Buffer_Type_F8E5M2] = 19,
      [PJRT_Buffer_Type_F8E4M3FN] = 20,   [PJRT_Buffer_Type_F8E4M3B11FNUZ] = 23,
      [PJRT_Buffer_Type_F8E5M2FNUZ] = 24, [PJRT_Buffer_Type_F8E4M3FNUZ] = 25,
      [PJRT_Buffer_Type_S4] = 21,         [PJRT_Buffer_Type_U4] = 22,
      [PJRT_Buffer_Type_TOKEN] = 17,      [PJRT_Buffer_Type_S2] = 26,
      [PJRT_Buffer_Type_U2] = 27,         [PJRT_Buffer_Type_F8E4M3] = 28,
      [PJRT_Buffer_Type_F8E3M4] = 29,     [PJRT_Buffer_Type_F8E8M0FNU] = 33,
      [PJRT_Buffer_Type_F4E2M1FN] = 32,   [PJRT_Buffer_Type_S1] = 30,
      [PJRT_Buffer_Type_U1] = 31};
  unsigned type = (unsigned)pj_surface_type(shape);
  return type < sizeof codes / sizeof *codes ? codes[type] : 0;
}

static void free_shape_text(const char *text) {
  pj_free((void *)(uintptr_t)text);
}

PJRT_Error *pj_api_TopologyDescription_MakeCanonicalShapeForMemorySpace(
    PJRT_TopologyDescription_MakeCanonicalShapeForMemorySpace_Args *args) {
  PJ_ARGS(TopologyDescription_MakeCanonicalShapeForMemorySpace, serialized_shape_deleter);
  PJ_NOT_NULL(topology);
  const PjShape *shape;
  PjStatus status = pj_surface_shape(args->element_type, args->dims, args->num_dims,
                                     (PJRT_Buffer_MemoryLayout *)(uintptr_t)args->layout, &shape);
  if (status)
    return pj_surface_error(status);
  // ShapeProto: element_type 2, dimensions 3, layout 5 { minor_to_major 1 },
  // is_dynamic_dimension 6.
  PjStrBuf layout = {0}, out = {0};
  pj_proto_put_ints(&layout, 1, pj_surface_minor_to_major(shape), (size_t)shape->rank);
  pj_proto_put_varint(&out, 2, (uint64_t)xla_type(shape));
  pj_proto_put_ints(&out, 3, shape->dims, (size_t)shape->rank);
  pj_proto_put_bytes(&out, 5, (PjStr){layout.data, layout.len});
  static const int64_t not_dynamic[PJ_MAX_RANK];
  pj_proto_put_ints(&out, 6, not_dynamic, (size_t)shape->rank);
  out.failed |= layout.failed;
  pj_strbuf_free(&layout);
  pj_shape_release(shape);
  if (out.failed) {
    pj_strbuf_free(&out);
    return pj_surface_error(pj_status_oom());
  }
  args->serialized_shape = out.data;
  args->serialized_shape_size = out.len;
  args->serialized_shape_deleter = free_shape_text;
  return NULL;
}

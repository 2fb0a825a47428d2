// PJRT_LoadedExecutable: a program on its devices.
#include "base/alloc.h"
#include "base/proto.h"
#include "pjrt/surface.h"

PJRT_Error *pj_api_LoadedExecutable_Destroy(PJRT_LoadedExecutable_Destroy_Args *args) {
  PJ_ARGS(LoadedExecutable_Destroy, executable);
  pj_loaded_release(pj_loaded_of(args->executable));
  return NULL;
}

PJRT_Error *pj_api_LoadedExecutable_GetExecutable(PJRT_LoadedExecutable_GetExecutable_Args *args) {
  PJ_ARGS(LoadedExecutable_GetExecutable, executable);
  PJ_NOT_NULL(loaded_executable);
  args->executable =
      (PJRT_Executable *)pj_executable_retain(pj_loaded_of(args->loaded_executable)->executable);
  return NULL;
}

PJRT_Error *
pj_api_LoadedExecutable_AddressableDevices(PJRT_LoadedExecutable_AddressableDevices_Args *args) {
  PJ_ARGS(LoadedExecutable_AddressableDevices, num_addressable_devices);
  PJ_NOT_NULL(executable);
  args->addressable_devices = (PJRT_Device *const *)pj_loaded_of(args->executable)->devices;
  args->num_addressable_devices = (size_t)pj_loaded_of(args->executable)->num_devices;
  return NULL;
}

PJRT_Error *pj_api_LoadedExecutable_AddressableDeviceLogicalIds(
    PJRT_LoadedExecutable_AddressableDeviceLogicalIds_Args *args) {
  PJ_ARGS(LoadedExecutable_AddressableDeviceLogicalIds, num_addressable_device_logical_ids);
  PJ_NOT_NULL(executable);
  _Static_assert(sizeof(PjLogicalId) == sizeof(PJRT_LogicalDeviceIds), "the same two numbers");
  args->addressable_device_logical_ids =
      (PJRT_LogicalDeviceIds *)pj_loaded_of(args->executable)->logical_ids;
  args->num_addressable_device_logical_ids = (size_t)pj_loaded_of(args->executable)->num_devices;
  return NULL;
}

PJRT_Error *pj_api_LoadedExecutable_Delete(PJRT_LoadedExecutable_Delete_Args *args) {
  // Running executions hold what they need; the memory goes with the handles.
  PJ_ARGS(LoadedExecutable_Delete, executable);
  PJ_NOT_NULL(executable);
  atomic_store(&pj_loaded_of(args->executable)->deleted, true);
  return NULL;
}

PJRT_Error *pj_api_LoadedExecutable_IsDeleted(PJRT_LoadedExecutable_IsDeleted_Args *args) {
  PJ_ARGS(LoadedExecutable_IsDeleted, is_deleted);
  PJ_NOT_NULL(executable);
  args->is_deleted = atomic_load(&pj_loaded_of(args->executable)->deleted);
  return NULL;
}

// Deprecated: PJRT_Executable_Fingerprint says the same.
PJRT_Error *pj_api_LoadedExecutable_Fingerprint(PJRT_LoadedExecutable_Fingerprint_Args *args) {
  PJ_ARGS(LoadedExecutable_Fingerprint, executable_fingerprint_size);
  PJ_NOT_NULL(executable);
  args->executable_fingerprint = pj_loaded_of(args->executable)->executable->fingerprint;
  args->executable_fingerprint_size = strlen(args->executable_fingerprint);
  return NULL;
}

static void delete_assignment(PJRT_DeviceAssignmentSerialized *blob) {
  pj_blob_destroy((PjBlob *)blob);
}

// DeviceAssignmentProto: replica_count 1, computation_count 2, computation_devices 3 {
// replica_device_ids 1 }.
static void write_assignment(const PjLoadedExecutable *loaded, PjStrBuf *out) {
  int replicas = loaded->executable->options.num_replicas,
      partitions = loaded->executable->options.num_partitions;
  if (loaded->num_devices == 0)
    return;
  int64_t *ids = pj_malloc((size_t)replicas * sizeof *ids);
  out->failed |= !ids;
  pj_proto_put_varint(out, 1, (uint64_t)replicas);
  pj_proto_put_varint(out, 2, (uint64_t)partitions);
  for (int p = 0; ids && p < partitions; p++) {
    PjStrBuf computation = {0};
    for (int r = 0; r < replicas; r++)
      ids[r] = loaded->device_ids[r * partitions + p];
    pj_proto_put_ints(&computation, 1, ids, (size_t)replicas);
    pj_proto_put_bytes(out, 3, (PjStr){computation.data, computation.len});
    out->failed |= computation.failed;
    pj_strbuf_free(&computation);
  }
  pj_free(ids);
}

PJRT_Error *
pj_api_LoadedExecutable_GetDeviceAssignment(PJRT_LoadedExecutable_GetDeviceAssignment_Args *args) {
  PJ_ARGS(LoadedExecutable_GetDeviceAssignment, serialized_device_assignment_deleter);
  PJ_NOT_NULL(executable);
  PjStrBuf bytes = {0};
  write_assignment(pj_loaded_of(args->executable), &bytes);
  PjBlob *blob = pj_blob_create(&bytes);
  if (!blob)
    return pj_surface_error(pj_status_oom());
  args->serialized_bytes = pj_blob_data(blob);
  args->serialized_bytes_size = pj_blob_size(blob);
  args->serialized_device_assignment = (PJRT_DeviceAssignmentSerialized *)blob;
  args->serialized_device_assignment_deleter = delete_assignment;
  return NULL;
}

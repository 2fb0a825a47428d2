// PJRT_AsyncHostToDeviceTransferManager, and PJRT_CopyToDeviceStream.
#include "runtime/transfer_manager.h"
#include "base/alloc.h"
#include "pjrt/surface.h"

static PjTransferManager *manager_of(PJRT_AsyncHostToDeviceTransferManager *handle) {
  return (PjTransferManager *)handle;
}

static PjStatus create_manager(PJRT_Client_CreateBuffersForAsyncHostToDevice_Args *args,
                               PjMemory *memory) {
  size_t count = args->num_shape_specs;
  PJ_FAIL_IF(count && !args->shape_specs, INVALID_ARGUMENT, "%zu shapes at a null address", count);
  PJ_FAIL_IF(args->device_layouts && args->num_device_layouts && args->num_device_layouts != count,
             INVALID_ARGUMENT, "%zu layouts for %zu shapes", args->num_device_layouts, count);
  const PjShape **shapes = pj_calloc(count, sizeof *shapes);
  if (!shapes)
    return pj_status_oom();
  PjStatus status = PJ_STATUS_OK;
  for (size_t i = 0; !status && i < count; i++) {
    PJRT_ShapeSpec *spec = &args->shape_specs[i];
    PJRT_Buffer_MemoryLayout *layout =
        args->num_device_layouts && args->device_layouts ? args->device_layouts[i] : NULL;
    status = pj_surface_shape(spec->element_type, spec->dims, spec->num_dims, layout, &shapes[i]);
  }
  if (!status)
    status = pj_transfer_manager_create(memory, shapes, count,
                                        (PjTransferManager **)&args->transfer_manager);
  for (size_t i = 0; i < count; i++)
    pj_shape_release(shapes[i]);
  pj_free(shapes);
  return status;
}

PJRT_Error *pj_api_Client_CreateBuffersForAsyncHostToDevice(
    PJRT_Client_CreateBuffersForAsyncHostToDevice_Args *args) {
  PJ_ARGS(Client_CreateBuffersForAsyncHostToDevice, transfer_manager);
  args->transfer_manager = NULL;
  PjMemory *memory;
  PjStatus status = pj_surface_target(args->client, NULL, args->memory, &memory);
  if (!status)
    status = create_manager(args, memory);
  return pj_surface_error(status);
}

PJRT_Error *pj_api_AsyncHostToDeviceTransferManager_Destroy(
    PJRT_AsyncHostToDeviceTransferManager_Destroy_Args *args) {
  PJ_ARGS(AsyncHostToDeviceTransferManager_Destroy, transfer_manager);
  pj_transfer_manager_destroy(manager_of(args->transfer_manager));
  return NULL;
}

PJRT_Error *pj_api_AsyncHostToDeviceTransferManager_TransferData(
    PJRT_AsyncHostToDeviceTransferManager_TransferData_Args *args) {
  PJ_ARGS(AsyncHostToDeviceTransferManager_TransferData, done_with_h2d_transfer);
  PJ_NOT_NULL(transfer_manager);
  args->done_with_h2d_transfer = NULL;
  PjStatus status =
      pj_transfer_manager_write(manager_of(args->transfer_manager), args->buffer_index, args->data,
                                args->offset, args->transfer_size, args->is_last_transfer);
  if (!status)
    args->done_with_h2d_transfer = (PJRT_Event *)pj_event_ok();
  return pj_surface_error(status);
}

PJRT_Error *pj_api_AsyncHostToDeviceTransferManager_TransferLiteral(
    PJRT_AsyncHostToDeviceTransferManager_TransferLiteral_Args *args) {
  PJ_ARGS(AsyncHostToDeviceTransferManager_TransferLiteral, done_with_h2d_transfer);
  PJ_NOT_NULL(transfer_manager);
  args->done_with_h2d_transfer = NULL;
  const PjShape *shape;
  int64_t strides[PJ_MAX_RANK];
  PjStatus status = pj_surface_shape(args->shape_element_type, args->shape_dims,
                                     args->shape_num_dims, args->shape_layout, &shape);
  if (!status)
    status = pj_surface_strides(shape, args->shape_layout, strides);
  if (!status)
    status = pj_transfer_manager_write_all(manager_of(args->transfer_manager), args->buffer_index,
                                           shape, args->data, strides);
  pj_shape_release(shape);
  if (!status)
    args->done_with_h2d_transfer = (PJRT_Event *)pj_event_ok();
  return pj_surface_error(status);
}

PJRT_Error *pj_api_AsyncHostToDeviceTransferManager_RetrieveBuffer(
    PJRT_AsyncHostToDeviceTransferManager_RetrieveBuffer_Args *args) {
  PJ_ARGS(AsyncHostToDeviceTransferManager_RetrieveBuffer, buffer_out);
  PJ_NOT_NULL(transfer_manager);
  return pj_surface_error(pj_transfer_manager_retrieve(
      manager_of(args->transfer_manager), args->buffer_index, (PjBuffer **)&args->buffer_out));
}

PJRT_Error *pj_api_AsyncHostToDeviceTransferManager_Device(
    PJRT_AsyncHostToDeviceTransferManager_Device_Args *args) {
  PJ_ARGS(AsyncHostToDeviceTransferManager_Device, device_out);
  PJ_NOT_NULL(transfer_manager);
  args->device_out =
      (PJRT_Device *)pj_transfer_manager_memory(manager_of(args->transfer_manager))->device;
  return NULL;
}

PJRT_Error *pj_api_AsyncHostToDeviceTransferManager_BufferCount(
    PJRT_AsyncHostToDeviceTransferManager_BufferCount_Args *args) {
  PJ_ARGS(AsyncHostToDeviceTransferManager_BufferCount, buffer_count);
  PJ_NOT_NULL(transfer_manager);
  args->buffer_count = pj_transfer_manager_count(manager_of(args->transfer_manager));
  return NULL;
}

PJRT_Error *pj_api_AsyncHostToDeviceTransferManager_BufferSize(
    PJRT_AsyncHostToDeviceTransferManager_BufferSize_Args *args) {
  PJ_ARGS(AsyncHostToDeviceTransferManager_BufferSize, buffer_size);
  PJ_NOT_NULL(transfer_manager);
  return pj_surface_error(pj_transfer_manager_size(manager_of(args->transfer_manager),
                                                   args->buffer_index, &args->buffer_size));
}

PJRT_Error *pj_api_AsyncHostToDeviceTransferManager_SetBufferError(
    PJRT_AsyncHostToDeviceTransferManager_SetBufferError_Args *args) {
  PJ_ARGS(AsyncHostToDeviceTransferManager_SetBufferError, error_message_size);
  PJ_NOT_NULL(transfer_manager);
  PjStatus failure =
      pj_surface_host_status(args->error_code, args->error_message, args->error_message_size);
  if (!failure)
    return pj_surface_error(PJ_ERROR(INVALID_ARGUMENT, "SetBufferError: error_code is OK"));
  return pj_surface_error(
      pj_transfer_manager_fail(manager_of(args->transfer_manager), args->buffer_index, failure));
}

PJRT_Error *pj_api_AsyncHostToDeviceTransferManager_AddMetadata(
    PJRT_AsyncHostToDeviceTransferManager_AddMetadata_Args *args) {
  PJ_ARGS(AsyncHostToDeviceTransferManager_AddMetadata, num_metadata);
  PJ_NOT_NULL(transfer_manager);
  return NULL;
}

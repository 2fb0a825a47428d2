// PJRT_Buffer: what a buffer is, its life, and copies from it.
#include "base/alloc.h"
#include "pjrt/surface.h"

PJRT_Error *pj_api_Buffer_Destroy(PJRT_Buffer_Destroy_Args *args) {
  PJ_ARGS(Buffer_Destroy, buffer);
  pj_buffer_destroy(pj_buffer_of(args->buffer));
  return NULL;
}

PJRT_Error *pj_api_Buffer_ElementType(PJRT_Buffer_ElementType_Args *args) {
  PJ_ARGS(Buffer_ElementType, type);
  PJ_NOT_NULL(buffer);
  args->type = pj_surface_type(pj_buffer_of(args->buffer)->shape);
  return NULL;
}

PJRT_Error *pj_api_Buffer_Dimensions(PJRT_Buffer_Dimensions_Args *args) {
  PJ_ARGS(Buffer_Dimensions, num_dims);
  PJ_NOT_NULL(buffer);
  args->dims = pj_buffer_of(args->buffer)->shape->dims;
  args->num_dims = (size_t)pj_buffer_of(args->buffer)->shape->rank;
  return NULL;
}

PJRT_Error *pj_api_Buffer_UnpaddedDimensions(PJRT_Buffer_UnpaddedDimensions_Args *args) {
  PJ_ARGS(Buffer_UnpaddedDimensions, num_dims);
  PJ_NOT_NULL(buffer);
  args->unpadded_dims = pj_buffer_of(args->buffer)->shape->dims;
  args->num_dims = (size_t)pj_buffer_of(args->buffer)->shape->rank;
  return NULL;
}

PJRT_Error *pj_api_Buffer_DynamicDimensionIndices(PJRT_Buffer_DynamicDimensionIndices_Args *args) {
  PJ_ARGS(Buffer_DynamicDimensionIndices, num_dynamic_dims);
  static const size_t none[1];
  args->dynamic_dim_indices = none;
  args->num_dynamic_dims = 0;
  return NULL;
}

PJRT_Error *pj_api_Buffer_GetMemoryLayout(PJRT_Buffer_GetMemoryLayout_Args *args) {
  PJ_ARGS(Buffer_GetMemoryLayout, layout);
  PJ_NOT_NULL(buffer);
  const PjShape *shape = pj_buffer_of(args->buffer)->shape;
  args->layout = (PJRT_Buffer_MemoryLayout){
      .struct_size = PJRT_Buffer_MemoryLayout_STRUCT_SIZE,
      .type = PJRT_Buffer_MemoryLayout_Type_Tiled,
      .tiled = {.struct_size = PJRT_Buffer_MemoryLayout_Tiled_STRUCT_SIZE,
                .minor_to_major = pj_surface_minor_to_major(shape),
                .minor_to_major_size = (size_t)shape->rank},
  };
  return NULL;
}

PJRT_Error *pj_api_Buffer_OnDeviceSizeInBytes(PJRT_Buffer_OnDeviceSizeInBytes_Args *args) {
  PJ_ARGS(Buffer_OnDeviceSizeInBytes, on_device_size_in_bytes);
  PJ_NOT_NULL(buffer);
  args->on_device_size_in_bytes = pj_buffer_of(args->buffer)->shape->num_bytes;
  return NULL;
}

PJRT_Error *pj_api_Buffer_Device(PJRT_Buffer_Device_Args *args) {
  PJ_ARGS(Buffer_Device, device);
  PJ_NOT_NULL(buffer);
  args->device = (PJRT_Device *)pj_buffer_of(args->buffer)->memory->device;
  return NULL;
}

PJRT_Error *pj_api_Buffer_Memory(PJRT_Buffer_Memory_Args *args) {
  PJ_ARGS(Buffer_Memory, memory);
  PJ_NOT_NULL(buffer);
  args->memory = (PJRT_Memory *)pj_buffer_of(args->buffer)->memory;
  return NULL;
}

PJRT_Error *pj_api_Buffer_Delete(PJRT_Buffer_Delete_Args *args) {
  PJ_ARGS(Buffer_Delete, buffer);
  PJ_NOT_NULL(buffer);
  pj_buffer_delete(pj_buffer_of(args->buffer));
  return NULL;
}

PJRT_Error *pj_api_Buffer_IsDeleted(PJRT_Buffer_IsDeleted_Args *args) {
  PJ_ARGS(Buffer_IsDeleted, is_deleted);
  PJ_NOT_NULL(buffer);
  args->is_deleted = pj_buffer_is_deleted(pj_buffer_of(args->buffer));
  return NULL;
}

PJRT_Error *pj_api_Buffer_IsOnCpu(PJRT_Buffer_IsOnCpu_Args *args) {
  PJ_ARGS(Buffer_IsOnCpu, is_on_cpu);
  PJ_NOT_NULL(buffer);
  args->is_on_cpu = pj_buffer_is_on_host(pj_buffer_of(args->buffer));
  return NULL;
}

PJRT_Error *pj_api_Buffer_ReadyEvent(PJRT_Buffer_ReadyEvent_Args *args) {
  PJ_ARGS(Buffer_ReadyEvent, event);
  PJ_NOT_NULL(buffer);
  args->event = (PJRT_Event *)pj_event_retain(pj_buffer_of(args->buffer)->ready);
  return NULL;
}

PJRT_Error *pj_api_Buffer_UnsafePointer(PJRT_Buffer_UnsafePointer_Args *args) {
  PJ_ARGS(Buffer_UnsafePointer, buffer_pointer);
  PJ_NOT_NULL(buffer);
  void *pointer;
  PjStatus status = pj_buffer_pointer(pj_buffer_of(args->buffer), &pointer);
  args->buffer_pointer = (uintptr_t)pointer;
  return pj_surface_error(status);
}

PJRT_Error *
pj_api_Buffer_OpaqueDeviceMemoryDataPointer(PJRT_Buffer_OpaqueDeviceMemoryDataPointer_Args *args) {
  PJ_ARGS(Buffer_OpaqueDeviceMemoryDataPointer, device_memory_ptr);
  PJ_NOT_NULL(buffer);
  return pj_surface_error(pj_buffer_pointer(pj_buffer_of(args->buffer), &args->device_memory_ptr));
}

PJRT_Error *pj_api_Buffer_IncreaseExternalReferenceCount(
    PJRT_Buffer_IncreaseExternalReferenceCount_Args *args) {
  PJ_ARGS(Buffer_IncreaseExternalReferenceCount, buffer);
  PJ_NOT_NULL(buffer);
  return pj_surface_error(pj_buffer_increase_external_refs(pj_buffer_of(args->buffer)));
}

PJRT_Error *pj_api_Buffer_DecreaseExternalReferenceCount(
    PJRT_Buffer_DecreaseExternalReferenceCount_Args *args) {
  PJ_ARGS(Buffer_DecreaseExternalReferenceCount, buffer);
  PJ_NOT_NULL(buffer);
  return pj_surface_error(pj_buffer_decrease_external_refs(pj_buffer_of(args->buffer)));
}

PJRT_Error *pj_api_Buffer_ToHostBuffer(PJRT_Buffer_ToHostBuffer_Args *args) {
  PJ_ARGS(Buffer_ToHostBuffer, event);
  PJ_NOT_NULL(src);
  PjBuffer *buffer = pj_buffer_of(args->src);
  args->event = NULL;
  if (!args->dst) {
    args->dst_size = buffer->shape->num_bytes;
    return NULL;
  }
  if (args->dst_size < buffer->shape->num_bytes)
    return pj_surface_error(
        PJ_ERROR(INVALID_ARGUMENT,
                 "PJRT_Buffer_ToHostBuffer: dst_size must be at least %zu bytes, but is %zu",
                 buffer->shape->num_bytes, args->dst_size));
  int64_t strides[PJ_MAX_RANK];
  PjStatus status = PJ_STATUS_OK;
  if (!buffer->shape->token)
    status = pj_surface_strides(buffer->shape, args->host_layout, strides);
  if (!status)
    status = pj_buffer_to_host(buffer, args->dst, strides, (PjEvent **)&args->event);
  return pj_surface_error(status);
}

PJRT_Error *pj_api_Buffer_CopyRawToHost(PJRT_Buffer_CopyRawToHost_Args *args) {
  PJ_ARGS(Buffer_CopyRawToHost, event);
  PJ_NOT_NULL(buffer);
  if (args->transfer_size > 0)
    PJ_NOT_NULL(dst);
  return pj_surface_error(pj_buffer_read_raw(pj_buffer_of(args->buffer), args->dst, args->offset,
                                             args->transfer_size, (PjEvent **)&args->event));
}

PJRT_Error *pj_api_Buffer_CopyToDevice(PJRT_Buffer_CopyToDevice_Args *args) {
  PJ_ARGS(Buffer_CopyToDevice, dst_buffer);
  PJ_NOT_NULL(buffer);
  PJ_NOT_NULL(dst_device);
  PjBuffer *buffer = pj_buffer_of(args->buffer);
  PjDevice *device = pj_device_of(args->dst_device);
  args->dst_buffer = NULL;
  if (device == buffer->memory->device)
    return pj_surface_error(PJ_ERROR(
        INVALID_ARGUMENT,
        "PJRT_Buffer_CopyToDevice: cannot copy to the same device (%s) that holds the buffer",
        device->desc->to_string));
  return pj_surface_error(pj_buffer_copy_to_memory(buffer, device->memories[PJ_MEMORY_DEVICE],
                                                   (PjBuffer **)&args->dst_buffer));
}

PJRT_Error *pj_api_Buffer_CopyToMemory(PJRT_Buffer_CopyToMemory_Args *args) {
  PJ_ARGS(Buffer_CopyToMemory, dst_buffer);
  PJ_NOT_NULL(buffer);
  PJ_NOT_NULL(dst_memory);
  return pj_surface_error(pj_buffer_copy_to_memory(
      pj_buffer_of(args->buffer), pj_memory_of(args->dst_memory), (PjBuffer **)&args->dst_buffer));
}

PJRT_Error *pj_api_Buffer_Bitcast(PJRT_Buffer_Bitcast_Args *args) {
  PJ_ARGS(Buffer_Bitcast, out_buffer);
  PJ_NOT_NULL(buffer);
  args->out_buffer = NULL;
  const PjShape *shape;
  PjStatus status =
      pj_surface_shape(args->element_type, args->dims, args->num_dims, args->device_layout, &shape);
  if (!status)
    status = pj_buffer_bitcast(pj_buffer_of(args->buffer), shape, (PjBuffer **)&args->out_buffer);
  pj_shape_release(shape);
  return pj_surface_error(status);
}

// --- Copies and donations that wait for a call of the host ---------------------------------------

typedef struct DeferredCopy {
  PjArray *source;
  PjEvent *done;
  int64_t offset, size;
} DeferredCopy;

static void destination_known(PJRT_Buffer_CopyRawToHostFuture_Callback_Args *args) {
  DeferredCopy *copy = args->callback_data;
  PjStatus failure =
      pj_surface_host_status(args->error_code, args->error_message, args->error_message_size);
  if (!failure && !args->dst && copy->size)
    failure = PJ_ERROR(INVALID_ARGUMENT, "PJRT_Buffer_CopyRawToHostFuture: dst is null");
  if (!failure) {
    pj_array_read_later(copy->source, args->dst, copy->offset, copy->size, copy->done);
  } else {
    pj_event_set(copy->done, failure);
    pj_event_release(copy->done);
    pj_array_release(copy->source);
  }
  pj_free(copy);
}

PJRT_Error *pj_api_Buffer_CopyRawToHostFuture(PJRT_Buffer_CopyRawToHostFuture_Args *args) {
  PJ_ARGS(Buffer_CopyRawToHostFuture, future_ready_callback);
  PJ_NOT_NULL(buffer);
  PjBuffer *buffer = pj_buffer_of(args->buffer);
  int64_t bytes = (int64_t)buffer->shape->num_bytes;
  if (args->offset < 0 || args->transfer_size < 0 || args->offset > bytes ||
      args->transfer_size > bytes - args->offset)
    return pj_surface_error(PJ_ERROR(
        INVALID_ARGUMENT, "a raw copy of %lld bytes at offset %lld of a buffer of %lld bytes",
        (long long)args->transfer_size, (long long)args->offset, (long long)bytes));
  DeferredCopy *copy = pj_calloc(1, sizeof *copy);
  PjEvent *done = pj_event_create();
  PjStatus status = copy && done ? PJ_STATUS_OK : pj_status_oom();
  if (!status) {
    copy->source = pj_buffer_acquire(buffer);
    if (!copy->source)
      status = pj_buffer_deleted_error("CopyRawToHostFuture()");
  }
  if (status) {
    pj_event_release(done);
    pj_free(copy);
    return pj_surface_error(status);
  }
  copy->done = pj_event_retain(done);
  copy->offset = args->offset;
  copy->size = args->transfer_size;
  args->event = (PJRT_Event *)done;
  args->callback_data = copy;
  args->future_ready_callback = destination_known;
  return NULL;
}

typedef struct DeferredDonation {
  PjArray *source, *target;
} DeferredDonation;

static void dependency_ready(PJRT_Buffer_DonateWithControlDependency_Callback_Args *args) {
  DeferredDonation *donation = args->callback_data;
  PjStatus failure =
      pj_surface_host_status(args->error_code, args->error_message, args->error_message_size);
  if (!failure)
    failure = pj_array_fulfil_from(donation->target, donation->source);
  if (failure)
    pj_event_set(donation->target->ready, failure);
  pj_array_release(donation->source);
  pj_array_release(donation->target);
  pj_free(donation);
}

PJRT_Error *
pj_api_Buffer_DonateWithControlDependency(PJRT_Buffer_DonateWithControlDependency_Args *args) {
  PJ_ARGS(Buffer_DonateWithControlDependency, out_buffer);
  PJ_NOT_NULL(buffer);
  PjBuffer *buffer = pj_buffer_of(args->buffer);
  DeferredDonation *donation = pj_calloc(1, sizeof *donation);
  PjBuffer *fresh = NULL;
  PjStatus status =
      donation ? pj_buffer_pending(buffer->memory, buffer->shape, &donation->target, &fresh)
               : pj_status_oom();
  if (!status) {
    donation->source = pj_buffer_take(buffer);
    if (!donation->source)
      status = pj_buffer_deleted_error("DonateWithControlDependency()");
  }
  if (status) {
    if (donation)
      pj_array_release(donation->target);
    pj_buffer_destroy(fresh);
    pj_free(donation);
    return pj_surface_error(status);
  }
  args->callback_data = donation;
  args->dependency_ready_callback = dependency_ready;
  args->out_buffer = (PJRT_Buffer *)fresh;
  return NULL;
}

// Ways to make a PJRT_Buffer.
#include "base/alloc.h"
#include "pjrt/surface.h"
#include "runtime/stride.h"

_Static_assert((int)PJ_HOST_MUTABLE_ZERO_COPY == (int)PJRT_HostBufferSemantics_kMutableZeroCopy,
               "same values");

PJRT_Error *pj_api_Client_BufferFromHostBuffer(PJRT_Client_BufferFromHostBuffer_Args *args) {
  PJ_ARGS(Client_BufferFromHostBuffer, buffer);
  args->buffer = NULL;
  args->done_with_host_buffer = NULL;
  if ((unsigned)args->host_buffer_semantics > PJRT_HostBufferSemantics_kMutableZeroCopy)
    return pj_surface_error(PJ_ERROR(
        INVALID_ARGUMENT, "PJRT_Client_BufferFromHostBuffer: unknown host buffer semantics %d",
        (int)args->host_buffer_semantics));
  if (args->byte_strides && args->num_byte_strides != args->num_dims && args->num_byte_strides != 0)
    return pj_surface_error(
        PJ_ERROR(INVALID_ARGUMENT,
                 "PJRT_Client_BufferFromHostBuffer: %zu strides for an array of %zu dimensions",
                 args->num_byte_strides, args->num_dims));
  PjMemory *memory;
  const PjShape *shape = NULL;
  PjStatus status = pj_surface_target(args->client, args->device, args->memory, &memory);
  if (!status)
    status = pj_surface_shape(args->type, args->dims, args->num_dims, args->device_layout, &shape);
  if (!status)
    status = pj_buffer_from_host(
        memory, shape, args->data, args->num_byte_strides ? args->byte_strides : NULL,
        (PjHostSemantics)args->host_buffer_semantics, (PjEvent **)&args->done_with_host_buffer,
        (PjBuffer **)&args->buffer);
  pj_shape_release(shape);
  return pj_surface_error(status);
}

typedef struct ViewOwner {
  void (*on_delete)(void *device_buffer_ptr, void *user_arg);
  void *user_arg;
} ViewOwner;

static void view_deleted(void *context, void *data) {
  ViewOwner owner = *(ViewOwner *)context;
  pj_free(context);
  if (owner.on_delete)
    owner.on_delete(data, owner.user_arg);
}

// Whether programs can read |data| in place: they read arrays row-major. What they cannot read so
// is copied, not refused: jaxlib answers a failure with a request of a kind that its client of the
// C API does not let through.
static bool is_readable(const PjMemory *memory, const PjShape *shape, const void *data) {
  const PjDeviceOps *ops = memory->client->platform->device;
  if (shape->minor_to_major)
    return false;
  if (!shape->num_bytes)
    return true;
  size_t elem = pj_dtype_bytes(shape->dtype), unit = elem < 8 ? elem : 8; // of complex, a part
  return ops->can_alias(memory->client->driver, memory->device->index, memory->kind, data) ||
         (ops->reads_elements && (uintptr_t)data % unit == 0);
}

static PjStatus copy_of_view(PjMemory *memory, const PjShape *shape, void *data, PjBuffer **out) {
  int64_t strides[PJ_MAX_RANK];
  pj_dense_strides(pj_dtype_bytes(shape->dtype), shape->rank, shape->dims, shape->minor_to_major,
                   strides);
  PjEvent *done;
  PJ_TRY(pj_buffer_from_host(memory, shape, data, strides, PJ_HOST_ONLY_DURING_CALL, &done, out));
  pj_event_release(done);
  return PJ_STATUS_OK;
}

// |data| is an address of the device there: only the device knows whether it can be.
static PjStatus check_remote_view(const PjMemory *memory, const PjShape *shape, const void *data) {
  const PjDeviceOps *ops = memory->client->platform->device;
  PJ_FAIL_IF(!ops->can_view, UNIMPLEMENTED, "views of memory that the host cannot address");
  PJ_FAIL_IF(shape->minor_to_major, UNIMPLEMENTED,
             "views in a layout of their own of memory that the host cannot address");
  PJ_FAIL_IF(shape->num_bytes && !ops->can_view(memory->client->driver, memory->device->index,
                                                memory->kind, data, shape->num_bytes),
             INVALID_ARGUMENT,
             "the %zu bytes at %p, to be viewed as a buffer, are not in the memory of device %s",
             shape->num_bytes, data, memory->device->desc->to_string);
  return PJ_STATUS_OK;
}

PJRT_Error *
pj_api_Client_CreateViewOfDeviceBuffer(PJRT_Client_CreateViewOfDeviceBuffer_Args *args) {
  PJ_ARGS(Client_CreateViewOfDeviceBuffer, buffer);
  args->buffer = NULL;
  PjMemory *memory;
  const PjShape *shape = NULL;
  PjStatus status = pj_surface_target(args->client, args->device,
                                      PJ_HAS(args, memory) ? args->memory : NULL, &memory);
  if (!status)
    status = pj_surface_shape(args->element_type, args->dims, args->num_dims, args->layout, &shape);
  if (!status && !args->device_buffer_ptr && shape->num_bytes)
    status = PJ_ERROR(INVALID_ARGUMENT,
                      "PJRT_Client_CreateViewOfDeviceBuffer: device_buffer_ptr is null");
  if (!status && !memory->host_visible)
    status = check_remote_view(memory, shape, args->device_buffer_ptr);
  if (!status && memory->host_visible && !is_readable(memory, shape, args->device_buffer_ptr)) {
    status = copy_of_view(memory, shape, args->device_buffer_ptr, (PjBuffer **)&args->buffer);
    if (!status && args->on_delete_callback)
      args->on_delete_callback(args->device_buffer_ptr, args->on_delete_callback_arg);
  } else if (!status) {
    ViewOwner *owner = pj_malloc(sizeof *owner);
    if (owner) {
      *owner = (ViewOwner){args->on_delete_callback, args->on_delete_callback_arg};
      status = pj_buffer_view(memory, shape, args->device_buffer_ptr, view_deleted, owner,
                              (PjBuffer **)&args->buffer);
      if (status)
        pj_free(owner);
    } else {
      status = pj_status_oom();
    }
  }
  pj_shape_release(shape);
  return pj_surface_error(status);
}

PJRT_Error *
pj_api_Client_CreateUninitializedBuffer(PJRT_Client_CreateUninitializedBuffer_Args *args) {
  PJ_ARGS(Client_CreateUninitializedBuffer, buffer);
  args->buffer = NULL;
  PjMemory *memory;
  const PjShape *shape = NULL;
  PjStatus status = pj_surface_target(args->client, args->device, args->memory, &memory);
  if (!status)
    status = pj_surface_shape(args->shape_element_type, args->shape_dims, args->shape_num_dims,
                              args->shape_layout, &shape);
  if (!status)
    status = pj_buffer_uninitialized(memory, shape, (PjBuffer **)&args->buffer);
  pj_shape_release(shape);
  return pj_surface_error(status);
}

PJRT_Error *pj_api_Client_CreateErrorBuffer(PJRT_Client_CreateErrorBuffer_Args *args) {
  PJ_ARGS(Client_CreateErrorBuffer, buffer);
  args->buffer = NULL;
  PjMemory *memory;
  const PjShape *shape = NULL;
  PjStatus failure =
      pj_surface_host_status(args->error_code, args->error_message, args->error_message_size);
  PjStatus status =
      failure ? pj_surface_target(args->client, NULL, args->memory, &memory)
              : PJ_ERROR(INVALID_ARGUMENT, "PJRT_Client_CreateErrorBuffer: error_code is OK");
  if (!status)
    status = pj_surface_shape(args->shape_element_type, args->shape_dims, args->shape_num_dims,
                              args->shape_layout, &shape);
  if (status) {
    pj_status_free(failure);
    return pj_surface_error(status);
  }
  if (PJ_HAS(args, num_payload)) {
    for (size_t i = 0; args->payload && i < args->num_payload; i++) {
      const PJRT_NamedValue *value = &args->payload[i];
      if (value->type == PJRT_NamedValue_kString)
        pj_status_add_payload(failure, value->name, value->name_size, value->string_value,
                              value->value_size);
    }
  }
  status = pj_buffer_failed(memory, shape, failure, (PjBuffer **)&args->buffer);
  pj_shape_release(shape);
  return pj_surface_error(status);
}

// The callback object of an alias buffer is a reference to its array.
PJRT_Error *pj_api_Client_CreateAliasBuffer(PJRT_Client_CreateAliasBuffer_Args *args) {
  PJ_ARGS(Client_CreateAliasBuffer, fulfill_alias_buffer_cb);
  args->alias_buffer = NULL;
  args->fulfill_alias_buffer_cb = NULL;
  PjMemory *memory;
  const PjShape *shape = NULL;
  PjStatus status = pj_surface_target(args->client, NULL, args->memory, &memory);
  if (!status)
    status = pj_surface_shape(args->shape_element_type, args->shape_dims, args->shape_num_dims,
                              args->shape_layout, &shape);
  if (!status)
    status = pj_buffer_pending(memory, shape, (PjArray **)&args->fulfill_alias_buffer_cb,
                               (PjBuffer **)&args->alias_buffer);
  pj_shape_release(shape);
  return pj_surface_error(status);
}

static PjStatus fulfil(PjArray *array, PJRT_Buffer *handle) {
  PJ_FAIL_IF(!handle, INVALID_ARGUMENT, "PJRT_Client_FulfillAliasBuffer: buffer is null");
  PjArray *source = pj_buffer_acquire(pj_buffer_of(handle));
  if (!source)
    return pj_buffer_deleted_error("FulfillAliasBuffer()");
  PjStatus status = PJ_STATUS_OK;
  if (!pj_shape_eq(array->shape, source->shape))
    status =
        PJ_ERROR(INVALID_ARGUMENT, "PJRT_Client_FulfillAliasBuffer: the buffers' shapes differ");
  if (!status)
    status = pj_array_fulfil_from(array, source);
  pj_array_release(source);
  return status;
}

PJRT_Error *pj_api_Client_FulfillAliasBuffer(PJRT_Client_FulfillAliasBuffer_Args *args) {
  PJ_ARGS(Client_FulfillAliasBuffer, fulfill_alias_buffer_cb);
  PJ_NOT_NULL(fulfill_alias_buffer_cb);
  PjArray *array = (PjArray *)args->fulfill_alias_buffer_cb;
  PjStatus failure =
      pj_surface_host_status(args->status_code, args->error_message, args->error_message_size);
  PjStatus status = PJ_STATUS_OK;
  if (!failure) {
    status = fulfil(array, args->buffer);
    // The alias must not stay pending for ever.
    failure = pj_status_clone(status);
  }
  if (failure)
    pj_event_set(array->ready, failure);
  pj_array_release(array);
  return pj_surface_error(status);
}

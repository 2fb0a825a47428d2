// Arrays on a device: what they are, and their life.
#include "host/event.h"

static PjhError *describe(PjhBuffer *buffer) {
  PjhPlugin *plugin = buffer->client->plugin;
  PJH_ARGS(Buffer_ElementType, type);
  type.buffer = buffer->handle;
  PjhError *error = PJH_CALL(plugin, Buffer_ElementType, &type);
  if (error)
    return error;
  PJH_ARGS(Buffer_Dimensions, dims);
  dims.buffer = buffer->handle;
  error = PJH_CALL(plugin, Buffer_Dimensions, &dims);
  if (error)
    return error;
  buffer->type = type.type;
  buffer->dims = dims.dims;
  buffer->rank = dims.num_dims;
  size_t size = pjh_type_host_size(type.type);
  for (size_t i = 0; i < dims.num_dims; i++) {
    if (dims.dims[i] < 0 || __builtin_mul_overflow(size, (size_t)dims.dims[i], &size))
      return pjh__error(PJRT_Error_Code_OUT_OF_RANGE,
                        "an array too large for this host: dimension %zu is %lld", i,
                        (long long)dims.dims[i]);
  }
  buffer->host_size = size;
  return NULL;
}

PjhError *pjh__buffer_wrap(PjhClient *client, PJRT_Buffer *handle, PjhBuffer **out) {
  *out = NULL;
  if (!handle)
    return pjh__nothing_given("array");
  PjhBuffer *buffer = pj_calloc(1, sizeof *buffer);
  if (!buffer) {
    PJH_ARGS(Buffer_Destroy, args);
    args.buffer = handle;
    PJH_DROP(client->plugin, Buffer_Destroy, &args);
    return pjh__out_of_memory();
  }
  buffer->client = client;
  buffer->handle = handle;
  PjhError *error = describe(buffer);
  if (error) {
    pjh_buffer_destroy(buffer);
    return error;
  }
  *out = buffer;
  return NULL;
}

void pjh_buffer_destroy(PjhBuffer *buffer) {
  if (!buffer)
    return;
  PJH_ARGS(Buffer_Destroy, args);
  args.buffer = buffer->handle;
  PJH_DROP(buffer->client->plugin, Buffer_Destroy, &args);
  pj_free(buffer);
}

PJRT_Buffer_Type pjh_buffer_type(const PjhBuffer *buffer) {
  return buffer->type;
}

size_t pjh_buffer_rank(const PjhBuffer *buffer) {
  return buffer->rank;
}

const int64_t *pjh_buffer_dims(const PjhBuffer *buffer) {
  return buffer->dims;
}

size_t pjh_buffer_host_size(const PjhBuffer *buffer) {
  return buffer->host_size;
}

PJRT_Buffer *pjh_buffer_handle(const PjhBuffer *buffer) {
  return buffer->handle;
}

PjhError *pjh_buffer_delete(PjhBuffer *buffer) {
  PJH_ARGS(Buffer_Delete, args);
  args.buffer = buffer->handle;
  return PJH_CALL(buffer->client->plugin, Buffer_Delete, &args);
}

PjhError *pjh_buffer_is_deleted(const PjhBuffer *buffer, bool *out) {
  PJH_ARGS(Buffer_IsDeleted, args);
  args.buffer = buffer->handle;
  PjhError *error = PJH_CALL(buffer->client->plugin, Buffer_IsDeleted, &args);
  *out = !error && args.is_deleted;
  return error;
}

PjhError *pjh_buffer_ready(const PjhBuffer *buffer, PjhEvent **out) {
  *out = NULL;
  const PjhPlugin *plugin = buffer->client->plugin;
  PjhEvent *event = pjh__event_new(plugin, 1);
  if (!event)
    return pjh__out_of_memory();
  PJH_ARGS(Buffer_ReadyEvent, args);
  args.buffer = buffer->handle;
  PjhError *error = PJH_CALL(plugin, Buffer_ReadyEvent, &args);
  if (error) {
    pjh_event_destroy(event);
    return error;
  }
  event->handles[0] = args.event;
  *out = event;
  return NULL;
}

PjhError *pjh_buffer_is_ready(const PjhBuffer *buffer, bool *out) {
  *out = false;
  PjhEvent *event;
  PjhError *error = pjh_buffer_ready(buffer, &event);
  if (error)
    return error;
  error = pjh_event_is_ready(event, out);
  pjh_event_destroy(event);
  return error;
}

PjhError *pjh_buffer_await(const PjhBuffer *buffer) {
  PjhEvent *event;
  PjhError *error = pjh_buffer_ready(buffer, &event);
  if (error)
    return error;
  error = pjh_event_await(event);
  pjh_event_destroy(event);
  return error;
}

PjhError *pjh_buffer_device(const PjhBuffer *buffer, size_t *out) {
  *out = 0;
  const PjhClient *client = buffer->client;
  PJH_ARGS(Buffer_Device, args);
  args.buffer = buffer->handle;
  PjhError *error = PJH_CALL(client->plugin, Buffer_Device, &args);
  if (error)
    return error;
  for (size_t i = 0; i < client->num_devices; i++) {
    if (client->devices[i] == args.device) {
      *out = i;
      return NULL;
    }
  }
  return pjh__error(PJRT_Error_Code_INTERNAL,
                    "the plugin says the array lies on a device that its client does not have");
}

PjhError *pjh_buffer_device_size(const PjhBuffer *buffer, size_t *out) {
  PJH_ARGS(Buffer_OnDeviceSizeInBytes, args);
  args.buffer = buffer->handle;
  PjhError *error = PJH_CALL(buffer->client->plugin, Buffer_OnDeviceSizeInBytes, &args);
  *out = error ? 0 : args.on_device_size_in_bytes;
  return error;
}

// Arrays on a device: to it, from it, and what they are.
#include "host/host.h"

PjhError *pjh__await(const PjhPlugin *plugin, PJRT_Event *event) {
  if (!event)
    return NULL;
  PJH_ARGS(Event_Await, await);
  await.event = event;
  PjhError *error = PJH_CALL(plugin, Event_Await, &await);
  PJH_ARGS(Event_Destroy, destroy);
  destroy.event = event;
  PJH_DROP(plugin, Event_Destroy, &destroy);
  return error;
}

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

PjhError *pjh_buffer_from_host(PjhClient *client, size_t device, const void *data,
                               PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                               const int64_t *byte_strides, PjhBuffer **out) {
  *out = NULL;
  if (device >= client->num_devices)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "device %zu of a client with %zu devices",
                      device, client->num_devices);
  PJH_ARGS(Client_BufferFromHostBuffer, args);
  args.client = client->handle;
  args.data = data;
  args.type = type;
  args.dims = dims;
  args.num_dims = rank;
  args.byte_strides = byte_strides;
  args.num_byte_strides = byte_strides ? rank : 0;
  args.host_buffer_semantics = PJRT_HostBufferSemantics_kImmutableOnlyDuringCall;
  args.device = client->devices[device];
  PjhError *error = PJH_CALL(client->plugin, Client_BufferFromHostBuffer, &args);
  if (error)
    return error;
  // With these semantics the event is done already; it still has to be taken.
  error = pjh__await(client->plugin, args.done_with_host_buffer);
  PjhError *wrap_error = pjh__buffer_wrap(client, args.buffer, out);
  if (!error)
    return wrap_error;
  pjh_error_free(wrap_error);
  pjh_buffer_destroy(*out);
  *out = NULL;
  return error;
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

PjhError *pjh_buffer_to_host(PjhBuffer *buffer, void *dst, size_t dst_size) {
  if (dst_size != buffer->host_size)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "room for %zu bytes, the array has %zu",
                      dst_size, buffer->host_size);
  // Row-major whatever the device's layout is. Plugins accept the layout by value only through this
  // struct.
  int64_t *order = pj_malloc((buffer->rank + 1) * sizeof *order);
  if (!order)
    return pjh__out_of_memory();
  for (size_t i = 0; i < buffer->rank; i++)
    order[i] = (int64_t)(buffer->rank - 1 - i);
  PJRT_Buffer_MemoryLayout layout = {.struct_size = PJRT_Buffer_MemoryLayout_STRUCT_SIZE};
  layout.type = PJRT_Buffer_MemoryLayout_Type_Tiled;
  layout.tiled.struct_size = PJRT_Buffer_MemoryLayout_Tiled_STRUCT_SIZE;
  layout.tiled.minor_to_major = order;
  layout.tiled.minor_to_major_size = buffer->rank;

  char nothing; // A null destination would ask for the size instead.
  PJH_ARGS(Buffer_ToHostBuffer, args);
  args.src = buffer->handle;
  args.host_layout = &layout;
  args.dst = dst_size ? dst : &nothing;
  args.dst_size = dst_size;
  PjhError *error = PJH_CALL(buffer->client->plugin, Buffer_ToHostBuffer, &args);
  if (!error)
    error = pjh__await(buffer->client->plugin, args.event);
  pj_free(order);
  return error;
}

// Arrays to a device, from it, and between devices.
#include "host/event.h"

// What to tell when the plugin is done with the caller's memory.
typedef struct Release {
  void (*release)(void *user);
  void *user;
} Release;

static void on_released(PjhError *error, void *user) {
  Release *release = user;
  pjh_error_free(error); // Done with the memory, well or not.
  release->release(release->user);
  pj_free(release);
}

PjhError *pjh_buffer_upload(PjhClient *client, size_t device, const void *data,
                            PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                            const int64_t *byte_strides, PjhUpload how, void (*release)(void *user),
                            void *user, PjhBuffer **out) {
  *out = NULL;
  const PjhPlugin *plugin = client->plugin;
  if (device >= client->num_devices)
    return pjh__no_device("client", device, client->num_devices);
  Release *told = NULL;
  if (release) {
    told = pj_malloc(sizeof *told);
    if (!told)
      return pjh__out_of_memory();
    *told = (Release){release, user};
  }
  PJH_ARGS(Client_BufferFromHostBuffer, args);
  args.client = client->handle;
  args.data = data;
  args.type = type;
  args.dims = dims;
  args.num_dims = rank;
  args.byte_strides = byte_strides;
  args.num_byte_strides = byte_strides ? rank : 0;
  args.host_buffer_semantics = (PJRT_HostBufferSemantics)how;
  args.device = client->devices[device];
  PjhError *error = PJH_CALL(plugin, Client_BufferFromHostBuffer, &args);
  if (error) {
    pj_free(told);
    return error;
  }
  error = pjh__buffer_wrap(client, args.buffer, out);
  if (!error && how == PJH_UPLOAD_COPY) {
    // With these semantics the event is done already, but an error in it is the call's.
    error = pjh__await(plugin, args.done_with_host_buffer);
    args.done_with_host_buffer = NULL;
  }
  if (!error && told)
    error = pjh__when_ended(plugin, args.done_with_host_buffer, on_released, told);
  if (!error) {
    pjh__event_drop(plugin, args.done_with_host_buffer);
    return NULL;
  }
  // Whoever hears of a failure may free the memory at once.
  pjh_buffer_destroy(*out);
  *out = NULL;
  pjh_error_free(pjh__await(plugin, args.done_with_host_buffer));
  pj_free(told);
  return error;
}

PjhError *pjh_buffer_from_host(PjhClient *client, size_t device, const void *data,
                               PJRT_Buffer_Type type, const int64_t *dims, size_t rank,
                               const int64_t *byte_strides, PjhBuffer **out) {
  return pjh_buffer_upload(client, device, data, type, dims, rank, byte_strides, PJH_UPLOAD_COPY,
                           NULL, NULL, out);
}

// --- From a device -------------------------------------------------------------------------------

enum { FEW_DIMS = 16 };

// Starts the copy of |buffer| to |dst|; |out_event| may become null.
static PjhError *start_copy(PjhBuffer *buffer, void *dst, size_t dst_size, PJRT_Event **out_event) {
  if (dst_size != buffer->host_size)
    return pjh__error(PJRT_Error_Code_INVALID_ARGUMENT, "room for %zu bytes, the array has %zu",
                      dst_size, buffer->host_size);
  // Row-major whatever the device's layout is. Plugins accept the layout by value only through this
  // struct.
  int64_t few[FEW_DIMS], *order = few;
  if (buffer->rank > FEW_DIMS) {
    order = pj_malloc(buffer->rank * sizeof *order);
    if (!order)
      return pjh__out_of_memory();
  }
  for (size_t i = 0; i < buffer->rank; i++)
    order[i] = (int64_t)(buffer->rank - 1 - i);
  PJRT_Buffer_MemoryLayout layout = {.struct_size = PJRT_Buffer_MemoryLayout_STRUCT_SIZE};
  layout.type = PJRT_Buffer_MemoryLayout_Type_Tiled;
  layout.tiled.struct_size = PJRT_Buffer_MemoryLayout_Tiled_STRUCT_SIZE;
  layout.tiled.minor_to_major = order;
  layout.tiled.minor_to_major_size = buffer->rank;

  // A null destination would ask for the size instead; nothing is written to this one.
  static char nothing;
  PJH_ARGS(Buffer_ToHostBuffer, args);
  args.src = buffer->handle;
  args.host_layout = &layout;
  args.dst = dst_size ? dst : &nothing;
  args.dst_size = dst_size;
  PjhError *error = PJH_CALL(buffer->client->plugin, Buffer_ToHostBuffer, &args);
  if (!error)
    *out_event = args.event;
  if (order != few)
    pj_free(order);
  return error;
}

PjhError *pjh_buffer_to_host(PjhBuffer *buffer, void *dst, size_t dst_size) {
  PJRT_Event *event = NULL;
  PjhError *error = start_copy(buffer, dst, dst_size, &event);
  return error ? error : pjh__await(buffer->client->plugin, event);
}

PjhError *pjh_buffer_to_host_start(PjhBuffer *buffer, void *dst, size_t dst_size,
                                   PjhEvent **out_done) {
  *out_done = NULL;
  PjhEvent *done = pjh__event_new(buffer->client->plugin, 1);
  if (!done)
    return pjh__out_of_memory();
  PjhError *error = start_copy(buffer, dst, dst_size, &done->handles[0]);
  if (error) {
    pjh_event_destroy(done);
    return error;
  }
  *out_done = done;
  return NULL;
}

// --- Between devices -----------------------------------------------------------------------------

PjhError *pjh_buffer_copy_to_device(PjhBuffer *buffer, size_t device, PjhBuffer **out) {
  *out = NULL;
  PjhClient *client = buffer->client;
  if (device >= client->num_devices)
    return pjh__no_device("client", device, client->num_devices);
  PJH_ARGS(Buffer_CopyToDevice, args);
  args.buffer = buffer->handle;
  args.dst_device = client->devices[device];
  PjhError *error = PJH_CALL(client->plugin, Buffer_CopyToDevice, &args);
  return error ? error : pjh__buffer_wrap(client, args.dst_buffer, out);
}

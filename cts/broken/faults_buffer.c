// Faults of clients, devices, memories, transfers and buffers.
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

PJRT_Error *pj_broken_host_version_equal(PJRT_Client_ProcessIndex_Args *args) {
  // The size that this struct has with padding, as a careless `sizeof` gives.
  if (args->struct_size != sizeof *args)
    return pj_broken_invalid();
  return pj_real->PJRT_Client_ProcessIndex(args);
}

PJRT_Error *pj_broken_newer_host_refused(PJRT_Buffer_ToHostBuffer_Args *args) {
  if (args->struct_size != PJRT_Buffer_ToHostBuffer_Args_STRUCT_SIZE)
    return pj_broken_invalid();
  return pj_real->PJRT_Buffer_ToHostBuffer(args);
}

PJRT_Error *pj_broken_extension_refused(PJRT_Client_ProcessIndex_Args *args) {
  return args->extension_start ? pj_broken_invalid() : pj_real->PJRT_Client_ProcessIndex(args);
}

PJRT_Error *pj_broken_kv_touched(PJRT_Client_Create_Args *args) {
  PJRT_KeyValueGetCallback_Args get = {.struct_size = PJRT_KeyValueGetCallback_Args_STRUCT_SIZE};
  if (args->kv_get_callback)
    args->kv_get_callback(&get);
  return pj_real->PJRT_Client_Create(args);
}

PJRT_Error *pj_broken_lookup_any(PJRT_Client_LookupDevice_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Client_LookupDevice(args);
  if (!error)
    return NULL;
  pj_broken_destroy_error(error);
  args->device = pj_broken_first_device(args->client);
  return NULL;
}

PJRT_Error *pj_broken_device_twice(PJRT_Client_Devices_Args *args) {
  static PJRT_Device *twice[65];
  PJRT_Error *error = pj_real->PJRT_Client_Devices(args);
  if (error || args->num_devices > 64)
    return error;
  memcpy(twice, args->devices, args->num_devices * sizeof *twice);
  twice[args->num_devices++] = twice[0];
  args->devices = twice;
  return NULL;
}

PJRT_Error *pj_broken_assignment_overrun(PJRT_Client_DefaultDeviceAssignment_Args *args) {
  long long count = (long long)args->num_replicas * args->num_partitions;
  for (long long i = 0; i < count && i < 3; i++)
    args->default_assignment[i] = 0;
  return pj_real->PJRT_Client_DefaultDeviceAssignment(args);
}

PJRT_Error *pj_broken_stats_unwritten(PJRT_Device_MemoryStats_Args *args) {
  PJRT_Device_MemoryStats_Args real = *args;
  PJRT_Error *error = pj_real->PJRT_Device_MemoryStats(&real);
  args->bytes_in_use = real.bytes_in_use;
  return error;
}

PJRT_Error *pj_broken_stats_frozen(PJRT_Device_MemoryStats_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Device_MemoryStats(args);
  args->bytes_in_use = 0;
  return error;
}

PJRT_Error *pj_broken_kind_ids_differ(PJRT_Memory_Kind_Id_Args *args) {
  PJRT_Memory_Id_Args id = {.struct_size = PJRT_Memory_Id_Args_STRUCT_SIZE, .memory = args->memory};
  PJRT_Error *error = pj_real->PJRT_Memory_Id(&id);
  args->kind_id = id.id / 2 * 2; // some agree that should not
  return error;
}

PJRT_Error *pj_broken_kind_unknown(PJRT_Memory_Kind_Args *args) {
  args->kind = "host";
  args->kind_size = 4;
  return NULL;
}

// --- Uploads -------------------------------------------------------------------------------------

// As if the semantics were those of zero copy; the event says at once that it is done.
static PJRT_Error *aliased(PJRT_Client_BufferFromHostBuffer_Args *args) {
  args->host_buffer_semantics = PJRT_HostBufferSemantics_kImmutableZeroCopy;
  PJRT_Error *error = pj_real->PJRT_Client_BufferFromHostBuffer(args);
  if (error)
    return error;
  pj_broken_destroy_event(args->done_with_host_buffer);
  args->done_with_host_buffer = pj_broken_ready_event();
  return NULL;
}

PJRT_Error *pj_broken_copy_late(PJRT_Client_BufferFromHostBuffer_Args *args) {
  return aliased(args);
}

PJRT_Error *pj_broken_zero_copy_early(PJRT_Client_BufferFromHostBuffer_Args *args) {
  bool zero_copy = args->host_buffer_semantics == PJRT_HostBufferSemantics_kImmutableZeroCopy;
  return zero_copy ? aliased(args) : pj_real->PJRT_Client_BufferFromHostBuffer(args);
}

PJRT_Error *pj_broken_zero_copy_held(PJRT_Client_BufferFromHostBuffer_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Client_BufferFromHostBuffer(args);
  if (!error && args->host_buffer_semantics == PJRT_HostBufferSemantics_kImmutableZeroCopy)
    args->done_with_host_buffer = pj_broken_pending_event();
  return error;
}

PJRT_Error *pj_broken_strides_ignored(PJRT_Client_BufferFromHostBuffer_Args *args) {
  args->byte_strides = NULL;
  args->num_byte_strides = 0;
  return pj_real->PJRT_Client_BufferFromHostBuffer(args);
}

PJRT_Error *pj_broken_strides_positive(PJRT_Client_BufferFromHostBuffer_Args *args) {
  // Reads from the start of the array upwards: what lies in memory, in its own order.
  int64_t strides[64];
  const char *data = args->data;
  for (size_t i = 0; i < args->num_byte_strides && i < 64; i++) {
    strides[i] = args->byte_strides[i];
    if (strides[i] < 0) {
      data += strides[i] * (args->dims[i] - 1);
      strides[i] = -strides[i];
    }
  }
  if (args->num_byte_strides)
    args->byte_strides = strides;
  args->data = data;
  return pj_real->PJRT_Client_BufferFromHostBuffer(args);
}

PJRT_Error *pj_broken_zero_size_crash(PJRT_Client_BufferFromHostBuffer_Args *args) {
  for (size_t i = 0; i < args->num_dims; i++)
    if (args->dims[i] == 0)
      abort();
  return pj_real->PJRT_Client_BufferFromHostBuffer(args);
}

PJRT_Error *pj_broken_huge_wraps(PJRT_Client_BufferFromHostBuffer_Args *args) {
  uint64_t bytes = 4;
  for (size_t i = 0; i < args->num_dims; i++)
    bytes *= (uint64_t)args->dims[i];
  if (bytes == 0) {
    static const int64_t none[1] = {0};
    args->dims = none;
    args->num_dims = 1;
  }
  return pj_real->PJRT_Client_BufferFromHostBuffer(args);
}

PJRT_Error *pj_broken_memory_ignored(PJRT_Client_BufferFromHostBuffer_Args *args) {
  if (args->memory) {
    PJRT_Memory_AddressableByDevices_Args by = {
        .struct_size = PJRT_Memory_AddressableByDevices_Args_STRUCT_SIZE, .memory = args->memory};
    PJRT_Error *error = pj_real->PJRT_Memory_AddressableByDevices(&by);
    if (error)
      return error;
    args->memory = NULL;
    args->device = by.devices[0];
  }
  return pj_real->PJRT_Client_BufferFromHostBuffer(args);
}

PJRT_Error *pj_broken_type_confused(PJRT_Buffer_ElementType_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Buffer_ElementType(args);
  if (args->type == PJRT_Buffer_Type_U32)
    args->type = PJRT_Buffer_Type_S32;
  return error;
}

// --- Downloads -----------------------------------------------------------------------------------

PJRT_Error *pj_broken_download_size(PJRT_Buffer_ToHostBuffer_Args *args) {
  bool ask = !args->dst;
  PJRT_Error *error = pj_real->PJRT_Buffer_ToHostBuffer(args);
  if (!error && ask)
    args->dst_size /= 4;
  return error;
}

PJRT_Error *pj_broken_download_overrun(PJRT_Buffer_ToHostBuffer_Args *args) {
  bool ask = !args->dst;
  PJRT_Error *error = pj_real->PJRT_Buffer_ToHostBuffer(args);
  if (!error && !ask)
    ((char *)args->dst)[args->dst_size] = 0;
  return error;
}

PJRT_Error *pj_broken_download_unchecked(PJRT_Buffer_ToHostBuffer_Args *args) {
  if (args->dst) {
    PJRT_Buffer_ToHostBuffer_Args ask = *args;
    ask.dst = NULL;
    PJRT_Error *error = pj_real->PJRT_Buffer_ToHostBuffer(&ask);
    if (error)
      return error;
    args->dst_size = ask.dst_size;
  }
  return pj_real->PJRT_Buffer_ToHostBuffer(args);
}

typedef struct Late {
  void *from, *to;
  size_t size;
} Late;

static void *copy_later(void *arg) {
  Late *late = arg;
  usleep(100000);
  memcpy(late->to, late->from, late->size);
  free(late->from);
  free(late);
  return NULL;
}

PJRT_Error *pj_broken_download_early(PJRT_Buffer_ToHostBuffer_Args *args) {
  if (!args->dst || !args->dst_size)
    return pj_real->PJRT_Buffer_ToHostBuffer(args);
  Late *late = malloc(sizeof *late);
  *late = (Late){malloc(args->dst_size), args->dst, args->dst_size};
  args->dst = late->from;
  PJRT_Error *error = pj_real->PJRT_Buffer_ToHostBuffer(args);
  args->dst = late->to;
  if (error)
    return error;
  PJRT_Event_Await_Args wait = {.struct_size = PJRT_Event_Await_Args_STRUCT_SIZE,
                                .event = args->event};
  pj_broken_destroy_error(pj_real->PJRT_Event_Await(&wait));
  pthread_t thread;
  if (pthread_create(&thread, NULL, copy_later, late) == 0)
    pthread_detach(thread);
  return NULL;
}

PJRT_Error *pj_broken_layout_ignored(PJRT_Buffer_ToHostBuffer_Args *args) {
  args->host_layout = NULL;
  return pj_real->PJRT_Buffer_ToHostBuffer(args);
}

PJRT_Error *pj_broken_raw_offset_ignored(PJRT_Buffer_CopyRawToHost_Args *args) {
  args->offset = 0;
  return pj_real->PJRT_Buffer_CopyRawToHost(args);
}

PJRT_Error *pj_broken_raw_range_unchecked(PJRT_Buffer_CopyRawToHost_Args *args) {
  PJRT_Error *error = pj_real->PJRT_Buffer_CopyRawToHost(args);
  if (error)
    pj_broken_destroy_error(error);
  args->event = pj_broken_ready_event();
  return NULL;
}

// --- Buffers -------------------------------------------------------------------------------------

PJRT_Error *pj_broken_dimensions_reversed(PJRT_Buffer_Dimensions_Args *args) {
  static int64_t reversed[64];
  PJRT_Error *error = pj_real->PJRT_Buffer_Dimensions(args);
  if (error || args->num_dims > 64)
    return error;
  for (size_t i = 0; i < args->num_dims; i++)
    reversed[i] = args->dims[args->num_dims - 1 - i];
  args->dims = reversed;
  return NULL;
}

PJRT_Error *pj_broken_delete_ignored(PJRT_Buffer_Delete_Args *args) {
  return NULL;
}

PJRT_Error *pj_broken_delete_denied(PJRT_Buffer_IsDeleted_Args *args) {
  args->is_deleted = false;
  return NULL;
}

PJRT_Error *pj_broken_reference_unchecked(PJRT_Buffer_DecreaseExternalReferenceCount_Args *args) {
  pj_broken_destroy_error(pj_real->PJRT_Buffer_DecreaseExternalReferenceCount(args));
  return NULL;
}

PJRT_Error *pj_broken_copy_is_self(PJRT_Buffer_CopyToMemory_Args *args) {
  args->dst_buffer = args->buffer;
  return NULL;
}

static void nothing(void *data, void *user_arg) {}

PJRT_Error *pj_broken_view_kept(PJRT_Client_CreateViewOfDeviceBuffer_Args *args) {
  args->on_delete_callback = nothing;
  return pj_real->PJRT_Client_CreateViewOfDeviceBuffer(args);
}

PJRT_Error *pj_broken_error_buffer_sound(PJRT_Client_CreateErrorBuffer_Args *args) {
  PJRT_Client_CreateUninitializedBuffer_Args make = {
      .struct_size = PJRT_Client_CreateUninitializedBuffer_Args_STRUCT_SIZE,
      .client = args->client,
      .shape_dims = args->shape_dims,
      .shape_num_dims = args->shape_num_dims,
      .shape_element_type = args->shape_element_type,
      .shape_layout = args->shape_layout,
      .memory = args->memory};
  PJRT_Error *error = pj_real->PJRT_Client_CreateUninitializedBuffer(&make);
  args->buffer = make.buffer;
  return error;
}

PJRT_Error *pj_broken_poison_absorbed(PJRT_LoadedExecutable_Execute_Args *args) {
  PJRT_Buffer *mine[16];
  PJRT_Buffer *const *const lists[1] = {mine};
  for (size_t i = 0; i < args->num_args && i < 16; i++)
    mine[i] = args->argument_lists[0][0];
  if (args->num_args && args->num_args <= 16)
    args->argument_lists = lists;
  return pj_real->PJRT_LoadedExecutable_Execute(args);
}

PJRT_Error *pj_broken_bitcast_copies(PJRT_Buffer_Bitcast_Args *args) {
  PJRT_Buffer_Memory_Args in = {.struct_size = PJRT_Buffer_Memory_Args_STRUCT_SIZE,
                                .buffer = args->buffer};
  pj_broken_destroy_error(pj_real->PJRT_Buffer_Memory(&in));
  PJRT_Buffer_CopyToMemory_Args copy = {.struct_size = PJRT_Buffer_CopyToMemory_Args_STRUCT_SIZE,
                                        .buffer = args->buffer,
                                        .dst_memory = in.memory};
  PJRT_Error *error = pj_real->PJRT_Buffer_CopyToMemory(&copy);
  if (error)
    return error;
  args->buffer = copy.dst_buffer;
  return pj_real->PJRT_Buffer_Bitcast(args);
}

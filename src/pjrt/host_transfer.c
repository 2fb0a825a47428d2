// Send and receive callbacks of an execution, and the streams that receive callbacks fill.
#include "base/alloc.h"
#include "pjrt/surface.h"

// --- Callbacks -----------------------------------------------------------------------------------

static PJRT_Error *callback_error(PJRT_Error_Code code, const char *message, size_t message_size) {
  // A callback that fails cannot have succeeded.
  if (code == PJRT_Error_Code_OK)
    code = PJRT_Error_Code_UNKNOWN;
  return pj_surface_error(pj_surface_host_status(code, message, message_size));
}

static void free_chunk(void *data, void *arg) {
  (void)arg;
  pj_free(data);
}

static PjStatus send(const PjHostChannel *channel, void *data, size_t bytes, size_t total,
                     bool last) {
  PJRT_Chunk chunk = {.data = data, .size = bytes, .deleter = free_chunk};
  PJRT_CallbackError make_error = callback_error;
  PJRT_Error *error =
      ((PJRT_SendCallback)channel->host)(&chunk, &make_error, total, last, channel->user);
  if (!error)
    return PJ_STATUS_OK;
  const char *message = NULL;
  size_t size = 0;
  error->vtable->message(error, &message, &size);
  PjStatus status = pj_surface_host_status(error->vtable->get_code(error), message, size);
  error->vtable->destroy(error);
  return status;
}

static void receive(const PjHostChannel *channel, PjHostStream *stream) {
  ((PJRT_RecvCallback)channel->host)((PJRT_CopyToDeviceStream *)stream, channel->user);
}

PjStatus pj_surface_transfers(const PJRT_ExecuteOptions *options, uint32_t num_devices,
                              PjHostTransfers **out) {
  static const PjHostOps ops = {.send = send, .receive = receive};
  *out = NULL;
  size_t num_sends = options->send_callbacks ? options->num_send_ops : 0;
  size_t num_receives = options->recv_callbacks ? options->num_recv_ops : 0;
  if (!num_sends && !num_receives)
    return PJ_STATUS_OK;
  PjHostTransfers *transfers = pj_host_transfers_create(&ops, num_devices, num_sends, num_receives);
  if (!transfers)
    return pj_status_oom();
  // The host's lists die with the call.
  bool whole = true;
  for (uint32_t d = 0; d < num_devices; d++) {
    PjHostChannel *channels = pj_host_transfers_channels(transfers, d);
    const PJRT_SendCallbackInfo *sends = num_sends ? options->send_callbacks[d] : NULL;
    const PJRT_RecvCallbackInfo *receives = num_receives ? options->recv_callbacks[d] : NULL;
    whole &= (sends || !num_sends) && (receives || !num_receives);
    for (size_t i = 0; sends && i < num_sends; i++) {
      whole &= sends[i].send_callback != NULL;
      channels[i] = (PjHostChannel){sends[i].channel_id, (void (*)(void))sends[i].send_callback,
                                    sends[i].user_arg};
    }
    for (size_t i = 0; receives && i < num_receives; i++) {
      whole &= receives[i].recv_callback != NULL;
      channels[num_sends + i] = (PjHostChannel){
          receives[i].channel_id, (void (*)(void))receives[i].recv_callback, receives[i].user_arg};
    }
  }
  if (!whole) {
    pj_host_transfers_release(transfers);
    return PJ_ERROR(INVALID_ARGUMENT, "send_callbacks or recv_callbacks: a list of a device or a "
                                      "callback is null");
  }
  *out = transfers;
  return PJ_STATUS_OK;
}

// --- Streams -------------------------------------------------------------------------------------

static PjHostStream *stream_of(PJRT_CopyToDeviceStream *handle) {
  return (PjHostStream *)handle;
}

PJRT_Error *pj_api_CopyToDeviceStream_Destroy(PJRT_CopyToDeviceStream_Destroy_Args *args) {
  PJ_ARGS(CopyToDeviceStream_Destroy, stream);
  pj_host_stream_close(stream_of(args->stream));
  return NULL;
}

PJRT_Error *pj_api_CopyToDeviceStream_AddChunk(PJRT_CopyToDeviceStream_AddChunk_Args *args) {
  PJ_ARGS(CopyToDeviceStream_AddChunk, transfer_complete);
  PJ_NOT_NULL(stream);
  PJ_NOT_NULL(chunk);
  PJRT_Chunk chunk = *args->chunk;
  if (chunk.size && !chunk.data)
    return pj_surface_error(PJ_ERROR(
        INVALID_ARGUMENT, "PJRT_CopyToDeviceStream_AddChunk: %zu bytes at null", chunk.size));
  PjStatus status = pj_host_stream_add(stream_of(args->stream), chunk.data, chunk.size);
  if (chunk.deleter)
    chunk.deleter(chunk.data, chunk.deleter_arg);
  args->transfer_complete = (PJRT_Event *)(status ? pj_event_failed(status) : pj_event_ok());
  return NULL;
}

PJRT_Error *pj_api_CopyToDeviceStream_TotalBytes(PJRT_CopyToDeviceStream_TotalBytes_Args *args) {
  PJ_ARGS(CopyToDeviceStream_TotalBytes, total_bytes);
  PJ_NOT_NULL(stream);
  args->total_bytes = (int64_t)pj_host_stream_total(stream_of(args->stream));
  return NULL;
}

PJRT_Error *pj_api_CopyToDeviceStream_GranuleSize(PJRT_CopyToDeviceStream_GranuleSize_Args *args) {
  PJ_ARGS(CopyToDeviceStream_GranuleSize, granule_size_in_bytes);
  PJ_NOT_NULL(stream);
  args->granule_size_in_bytes = 1;
  return NULL;
}

PJRT_Error *
pj_api_CopyToDeviceStream_CurrentBytes(PJRT_CopyToDeviceStream_CurrentBytes_Args *args) {
  PJ_ARGS(CopyToDeviceStream_CurrentBytes, current_bytes);
  PJ_NOT_NULL(stream);
  args->current_bytes = (int64_t)pj_host_stream_current(stream_of(args->stream));
  return NULL;
}

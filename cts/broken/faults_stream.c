// Faults of transfers between a running program and its host.
#include "util.h"

PJRT_Error *pj_broken_stream_total(PJRT_CopyToDeviceStream_TotalBytes_Args *args) {
  PJRT_Error *error = pj_real->PJRT_CopyToDeviceStream_TotalBytes(args);
  args->total_bytes /= 4;
  return error;
}

PJRT_Error *pj_broken_stream_current(PJRT_CopyToDeviceStream_CurrentBytes_Args *args) {
  PJRT_Error *error = pj_real->PJRT_CopyToDeviceStream_CurrentBytes(args);
  args->current_bytes = 0;
  return error;
}

PJRT_Error *pj_broken_stream_granule(PJRT_CopyToDeviceStream_GranuleSize_Args *args) {
  args->granule_size_in_bytes = 0;
  return NULL;
}

PJRT_Error *pj_broken_stream_leak(PJRT_CopyToDeviceStream_AddChunk_Args *args) {
  PJRT_Chunk chunk = *args->chunk;
  chunk.deleter = NULL;
  args->chunk = &chunk;
  return pj_real->PJRT_CopyToDeviceStream_AddChunk(args);
}

PJRT_Error *pj_broken_stream_cut(PJRT_CopyToDeviceStream_AddChunk_Args *args) {
  PJRT_CopyToDeviceStream_TotalBytes_Args total = {
      .struct_size = PJRT_CopyToDeviceStream_TotalBytes_Args_STRUCT_SIZE, .stream = args->stream};
  pj_broken_destroy_error(pj_real->PJRT_CopyToDeviceStream_TotalBytes(&total));
  PJRT_Chunk chunk = *args->chunk;
  if (chunk.size > (size_t)total.total_bytes)
    chunk.size = (size_t)total.total_bytes;
  args->chunk = &chunk;
  return pj_real->PJRT_CopyToDeviceStream_AddChunk(args);
}

PJRT_Error *pj_broken_stream_whole(PJRT_CopyToDeviceStream_AddChunk_Args *args) {
  // The rest of the stream comes from behind the chunk.
  PJRT_Chunk chunk = *args->chunk;
  chunk.size = 16;
  args->chunk = &chunk;
  return pj_real->PJRT_CopyToDeviceStream_AddChunk(args);
}

PJRT_Error *pj_broken_stream_open(PJRT_CopyToDeviceStream_Destroy_Args *args) {
  return NULL;
}

PJRT_Error *pj_broken_leak_stream(PJRT_CopyToDeviceStream_Destroy_Args *args) {
  pj_broken_pending_event();
  return pj_real->PJRT_CopyToDeviceStream_Destroy(args);
}

// --- Callbacks -----------------------------------------------------------------------------------

// Executes with other lists.
static PJRT_Error *with(PJRT_LoadedExecutable_Execute_Args *args, PJRT_SendCallbackInfo **sends,
                        PJRT_RecvCallbackInfo **receives) {
  PJRT_ExecuteOptions options = *args->options;
  options.send_callbacks = sends;
  options.recv_callbacks = receives;
  args->options = &options;
  PJRT_Error *error = pj_real->PJRT_LoadedExecutable_Execute(args);
  args->options = NULL;
  return error;
}

PJRT_Error *pj_broken_stream_channels(PJRT_LoadedExecutable_Execute_Args *args) {
  if (args->options->num_recv_ops != 2)
    return pj_real->PJRT_LoadedExecutable_Execute(args);
  PJRT_RecvCallbackInfo mine[2] = {args->options->recv_callbacks[0][1],
                                   args->options->recv_callbacks[0][0]};
  mine[0].channel_id = args->options->recv_callbacks[0][0].channel_id;
  mine[1].channel_id = args->options->recv_callbacks[0][1].channel_id;
  return with(args, NULL, (PJRT_RecvCallbackInfo *[]){mine});
}

PJRT_Error *pj_broken_stream_devices(PJRT_LoadedExecutable_Execute_Args *args) {
  if (args->num_devices != 2 || !args->options->num_recv_ops)
    return pj_real->PJRT_LoadedExecutable_Execute(args);
  PJRT_RecvCallbackInfo **given = args->options->recv_callbacks;
  return with(args, NULL, (PJRT_RecvCallbackInfo *[]){given[1], given[0]});
}

static void give_zeros(PJRT_CopyToDeviceStream *stream, void *user_arg) {
  static float zeros[4];
  PJRT_Chunk chunk = {.data = zeros, .size = sizeof zeros};
  PJRT_CopyToDeviceStream_AddChunk_Args add = {
      .struct_size = PJRT_CopyToDeviceStream_AddChunk_Args_STRUCT_SIZE,
      .stream = stream,
      .chunk = &chunk};
  pj_broken_destroy_error(pj_real->PJRT_CopyToDeviceStream_AddChunk(&add));
}

PJRT_Error *pj_broken_stream_zeros(PJRT_LoadedExecutable_Execute_Args *args) {
  static PJRT_RecvCallbackInfo info = {.channel_id = 7, .recv_callback = give_zeros};
  PJRT_ExecuteOptions options = *args->options;
  options.num_recv_ops = 1;
  args->options = &options;
  return with(args, NULL, (PJRT_RecvCallbackInfo *[]){&info});
}

static PJRT_SendCallbackInfo host; // of the last execution

static PJRT_Error *forget_error(PJRT_Chunk *chunk, PJRT_CallbackError *make_error, size_t total,
                                bool done, void *user_arg) {
  pj_broken_destroy_error(host.send_callback(chunk, make_error, total, done, host.user_arg));
  return NULL;
}

// The last call that says so is not the last.
static PJRT_Error *never_last(PJRT_Chunk *chunk, PJRT_CallbackError *make_error, size_t total,
                              bool done, void *user_arg) {
  return host.send_callback(chunk, make_error, total, false, host.user_arg);
}

static PJRT_Error *with_send(PJRT_LoadedExecutable_Execute_Args *args, PJRT_SendCallback callback) {
  if (args->options->num_send_ops != 1)
    return pj_real->PJRT_LoadedExecutable_Execute(args);
  host = args->options->send_callbacks[0][0];
  PJRT_SendCallbackInfo mine = {.channel_id = host.channel_id, .send_callback = callback};
  return with(args, (PJRT_SendCallbackInfo *[]){&mine}, NULL);
}

PJRT_Error *pj_broken_send_error_lost(PJRT_LoadedExecutable_Execute_Args *args) {
  return with_send(args, forget_error);
}

PJRT_Error *pj_broken_send_endless(PJRT_LoadedExecutable_Execute_Args *args) {
  return with_send(args, never_last);
}

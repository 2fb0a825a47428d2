// Transfers between a program and its host: see host_transfer.h.
#include "runtime/host_transfer.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "runtime/array.h"

struct PjHostTransfers {
  _Atomic uint32_t references;
  PjHostOps ops;
  size_t num_sends, num_receives;
  pthread_mutex_t lock;   // of all that follows, and of the streams
  pthread_cond_t changed; // a stream is full or closed, or a part has failed
  PjStatus failure;
  PjHostChannel channels[]; // [device][sends, then receives]
};

// The program waits until it is full, and reads no more of it afterwards: |into| is then NULL.
struct PjHostStream {
  PjHostTransfers *transfers;
  int references; // the program's and the host's, under the lock
  bool closed;
  int64_t channel;
  size_t total, current;
  PjTensor *const *into; // filled in turn
};

PjHostTransfers *pj_host_transfers_create(const PjHostOps *ops, uint32_t num_devices,
                                          size_t num_sends, size_t num_receives) {
  size_t size;
  if (!pj_add_size(num_sends, num_receives, &size) || !pj_mul_size(size, num_devices, &size) ||
      !pj_mul_size(size, sizeof(PjHostChannel), &size) ||
      !pj_add_size(size, sizeof(PjHostTransfers), &size))
    return NULL;
  PjHostTransfers *transfers = pj_calloc(1, size);
  if (!transfers)
    return NULL;
  atomic_init(&transfers->references, 1);
  transfers->ops = *ops;
  transfers->num_sends = num_sends;
  transfers->num_receives = num_receives;
  pthread_mutex_init(&transfers->lock, NULL);
  pthread_cond_init(&transfers->changed, NULL);
  return transfers;
}

PjHostChannel *pj_host_transfers_channels(PjHostTransfers *transfers, uint32_t device) {
  return transfers->channels + device * (transfers->num_sends + transfers->num_receives);
}

PjHostTransfers *pj_host_transfers_retain(PjHostTransfers *transfers) {
  atomic_fetch_add_explicit(&transfers->references, 1, memory_order_relaxed);
  return transfers;
}

void pj_host_transfers_release(PjHostTransfers *transfers) {
  if (!transfers || atomic_fetch_sub_explicit(&transfers->references, 1, memory_order_acq_rel) != 1)
    return;
  pj_status_free(transfers->failure);
  pthread_cond_destroy(&transfers->changed);
  pthread_mutex_destroy(&transfers->lock);
  pj_free(transfers);
}

void pj_host_transfers_abort(PjHostTransfers *transfers, PjStatus why) {
  pthread_mutex_lock(&transfers->lock);
  if (!transfers->failure)
    transfers->failure = pj_status_clone(why);
  pthread_cond_broadcast(&transfers->changed);
  pthread_mutex_unlock(&transfers->lock);
}

// --- The program's side --------------------------------------------------------------------------

static PjStatus find_channel(const PjHostPart *part, int64_t id, bool receives,
                             const PjHostChannel **out) {
  PjHostTransfers *transfers = part->transfers;
  size_t count = !transfers ? 0 : receives ? transfers->num_receives : transfers->num_sends;
  for (size_t i = 0; i < count; i++) {
    *out = pj_host_transfers_channels(transfers, part->device) + i +
           (receives ? transfers->num_sends : 0);
    if ((*out)->id == id)
      return PJ_STATUS_OK;
  }
  return PJ_ERROR(INVALID_ARGUMENT,
                  "the program %s the host on channel %lld, but the execution has no callback for "
                  "that channel",
                  receives ? "receives from" : "sends to", (long long)id);
}

static size_t total_bytes(uint32_t count, PjTensor *const *values) {
  size_t total = 0; // no more than there is of memory
  for (uint32_t i = 0; i < count; i++)
    total += values[i]->bytes;
  return total;
}

static PjStatus send_values(void *context, int64_t id, uint32_t count, PjTensor *const *values) {
  PjHostPart *part = context;
  const PjHostChannel *channel;
  PJ_TRY(find_channel(part, id, false, &channel));
  size_t total = total_bytes(count, values);
  for (uint32_t i = 0; i < count; i++) {
    size_t bytes = values[i]->bytes;
    void *data = pj_malloc(bytes ? bytes : 1);
    if (!data)
      return pj_status_oom();
    if (bytes)
      memcpy(data, values[i]->data, bytes);
    PJ_TRY(part->transfers->ops.send(channel, data, bytes, total, i + 1 == count));
  }
  return PJ_STATUS_OK;
}

static void stream_drop(PjHostStream *stream) {
  PjHostTransfers *transfers = stream->transfers;
  pthread_mutex_lock(&transfers->lock);
  bool last = --stream->references == 0;
  pthread_mutex_unlock(&transfers->lock);
  if (!last)
    return;
  pj_host_transfers_release(transfers);
  pj_free(stream);
}

static PjStatus await_stream(PjHostStream *stream, PjWorkers *workers) {
  PjHostTransfers *transfers = stream->transfers;
  // The host may need another program's result for what it has to give.
  pj_workers_block_begin(workers);
  pthread_mutex_lock(&transfers->lock);
  while (stream->current < stream->total && !stream->closed && !transfers->failure)
    pthread_cond_wait(&transfers->changed, &transfers->lock);
  PjStatus status = PJ_STATUS_OK;
  if (stream->current < stream->total)
    status = transfers->failure
                 ? pj_status_clone(transfers->failure)
                 : PJ_ERROR(CANCELLED,
                            "the host destroyed the stream of channel %lld after %zu of %zu bytes",
                            (long long)stream->channel, stream->current, stream->total);
  stream->into = NULL;
  pthread_mutex_unlock(&transfers->lock);
  pj_workers_block_end(workers);
  return status;
}

static PjStatus receive_values(void *context, int64_t id, uint32_t count, PjTensor *const *into) {
  PjHostPart *part = context;
  const PjHostChannel *channel;
  PJ_TRY(find_channel(part, id, true, &channel));
  PjHostStream *stream = pj_malloc(sizeof *stream);
  if (!stream)
    return pj_status_oom();
  *stream = (PjHostStream){.transfers = pj_host_transfers_retain(part->transfers),
                           .references = 2,
                           .channel = id,
                           .total = total_bytes(count, into),
                           .into = into};
  part->transfers->ops.receive(channel, stream);
  PjStatus status = await_stream(stream, part->workers);
  stream_drop(stream);
  for (uint32_t i = 0; !status && i < count; i++)
    pj_canonicalize_elements(into[i]->dtype, into[i]->data, into[i]->count);
  return status;
}

PjHostEnd pj_host_end(PjHostPart *part) {
  return (PjHostEnd){.send = send_values, .receive = receive_values, .context = part};
}

// --- The host's side -----------------------------------------------------------------------------

size_t pj_host_stream_total(const PjHostStream *stream) {
  return stream->total;
}

size_t pj_host_stream_current(PjHostStream *stream) {
  pthread_mutex_lock(&stream->transfers->lock);
  size_t current = stream->current;
  pthread_mutex_unlock(&stream->transfers->lock);
  return current;
}

// Copies to where the stream stands; there is room.
static void fill(PjHostStream *stream, const char *data, size_t bytes) {
  size_t at = stream->current;
  stream->current += bytes;
  for (PjTensor *const *into = stream->into; bytes; into++) {
    size_t size = (*into)->bytes;
    if (at >= size) {
      at -= size;
      continue;
    }
    size_t part = size - at < bytes ? size - at : bytes;
    memcpy((char *)(*into)->data + at, data, part);
    data += part;
    bytes -= part;
    at = 0;
  }
}

PjStatus pj_host_stream_add(PjHostStream *stream, const void *data, size_t bytes) {
  PjHostTransfers *transfers = stream->transfers;
  pthread_mutex_lock(&transfers->lock);
  PjStatus status = PJ_STATUS_OK;
  if (bytes > stream->total - stream->current)
    status =
        PJ_ERROR(INVALID_ARGUMENT, "a chunk of %zu bytes, but the stream has %zu of its %zu bytes",
                 bytes, stream->current, stream->total);
  else if (bytes && !stream->into)
    status = transfers->failure ? pj_status_clone(transfers->failure)
                                : PJ_ERROR(CANCELLED, "the program has ended");
  else
    fill(stream, data, bytes);
  if (stream->current == stream->total)
    pthread_cond_broadcast(&transfers->changed);
  pthread_mutex_unlock(&transfers->lock);
  return status;
}

void pj_host_stream_close(PjHostStream *stream) {
  if (!stream)
    return;
  PjHostTransfers *transfers = stream->transfers;
  pthread_mutex_lock(&transfers->lock);
  stream->closed = true;
  pthread_cond_broadcast(&transfers->changed);
  pthread_mutex_unlock(&transfers->lock);
  stream_drop(stream);
}

// What a running program exchanges with its host: `send` and `recv` with is_host_transfer, by
// channel.
//
// Thread-safe. Callbacks of the host run on the thread of the device's part, without any lock.
#pragma once
#include "base/status.h"
#include "eval/eval.h"
#include "runtime/workers.h"

typedef struct PjHostTransfers PjHostTransfers; // of one execution; reference-counted
typedef struct PjHostStream PjHostStream;       // what the host fills for one recv

// The host's function for one channel of one device; |host| is the interface's to interpret.
typedef struct PjHostChannel {
  int64_t id;
  void (*host)(void);
  void *user;
} PjHostChannel;

typedef struct PjHostOps {
  // Takes |data| (of pj_malloc; not NULL), a part of |total| bytes, the |last| one or not.
  PjStatus (*send)(const PjHostChannel *channel, void *data, size_t bytes, size_t total, bool last);
  // Takes |stream|, for pj_host_stream_close.
  void (*receive)(const PjHostChannel *channel, PjHostStream *stream);
} PjHostOps;

// Channels of |num_devices| devices, for pj_host_transfers_channels to fill. NULL without memory.
PjHostTransfers *pj_host_transfers_create(const PjHostOps *ops, uint32_t num_devices,
                                          size_t num_sends, size_t num_receives);
// Those of one device: |num_sends|, then |num_receives|.
PjHostChannel *pj_host_transfers_channels(PjHostTransfers *transfers, uint32_t device);
PjHostTransfers *pj_host_transfers_retain(PjHostTransfers *transfers);
void pj_host_transfers_release(PjHostTransfers *transfers); // NULL allowed
// A part has failed with |why| (borrowed): no part waits for the host any longer.
void pj_host_transfers_abort(PjHostTransfers *transfers, PjStatus why);

// The place of one device in the transfers of an execution.
typedef struct PjHostPart {
  PjHostTransfers *transfers; // NULL: the execution has no callbacks
  uint32_t device;
  PjWorkers *workers;
} PjHostPart;
// The end that a run of the program sees. |part| must outlive it.
PjHostEnd pj_host_end(PjHostPart *part);

// The bytes that a stream wants, and those that it has.
size_t pj_host_stream_total(const PjHostStream *stream);
size_t pj_host_stream_current(PjHostStream *stream);
// Appends |bytes| of |data|, which is copied. Errors: INVALID_ARGUMENT for more than the stream
// wants; what became of the program, if it waits no longer.
PjStatus pj_host_stream_add(PjHostStream *stream, const void *data, size_t bytes);
// The host's last word: a program whose stream is not full fails with CANCELLED. NULL allowed.
void pj_host_stream_close(PjHostStream *stream);

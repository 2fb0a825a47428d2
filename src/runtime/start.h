// What a device does by itself while the host goes on: copies (PjDeviceOps.start) and runs.
#pragma once
#include "runtime/client.h"

// One such thing, in memory of whoever begins it.
typedef struct PjStarted PjStarted;
struct PjStarted {
  PjCompletion completion; // first
  PjTask task;
  PjClient *client;
  PjStatus status;
  void (*then)(PjStarted *self, PjStatus status);
};

// Prepares |started|, which then counts as under way: something of |client|'s device that tells
// |started|->completion. |then| gets the outcome (taken) on a worker, not on the device's thread.
// False: the client is being destroyed, and soon has no workers: wait for the device instead.
bool pj_started_begin(PjStarted *started, PjClient *client,
                      void (*then)(PjStarted *self, PjStatus status));

// Somebody who waits for one completion.
typedef struct PjWait {
  PjCompletion completion;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool done;
  PjStatus status;
} PjWait;
void pj_wait_begin(PjWait *wait);
PjStatus pj_wait_end(PjWait *wait); // blocks until it is told

// True if copies between the host and |memory| are best begun and waited for by an event.
bool pj_memory_is_started(const PjMemory *memory);

// Begins a copy of |size| bytes at |offset| of |array|, which has memory, from or to the host.
// |then| gets the outcome (taken) on a worker, not on the device's thread: it may run what waits,
// which may wait for the device. Until then the caller keeps the array and the bytes on the host.
void pj_array_start_write(PjArray *array, size_t offset, size_t size, const void *src,
                          PjStarted *started, void (*then)(PjStarted *self, PjStatus status));
void pj_array_start_read(const PjArray *array, size_t offset, size_t size, void *dst,
                         PjStarted *started, void (*then)(PjStarted *self, PjStatus status));

// Waits until nothing is under way, what each |then| does included (but for one that calls this).
// False if nothing was. When it is done, memory that transfers held is free.
bool pj_started_settle(PjClient *client);
// The same for a client that is destroyed: nothing more is begun.
void pj_started_close(PjClient *client);

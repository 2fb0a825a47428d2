// Copies that a device does by itself while the host goes on (PjDeviceOps.start).
#pragma once
#include "runtime/client.h"

// One such copy, in memory of whoever begins it.
typedef struct PjStarted PjStarted;
struct PjStarted {
  PjCompletion completion; // first
  PjTask task;
  PjClient *client;
  PjStatus status;
  void (*then)(PjStarted *self, PjStatus status);
};

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

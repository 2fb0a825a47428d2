// Events: something that becomes ready once, with success or with a failure.
//
// Reference-counted; thread-safe. Callbacks live apart from whoever asked for them and run without
// locks.
#pragma once
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/status.h"

// Called once when the event is ready, on the thread that made it so or on the one that asked.
// |status| is borrowed.
typedef void PjEventFn(void *arg, PjStatus status);

// A place in an event's list of callbacks; the caller supplies it, and it must live until |fn| is
// called.
typedef struct PjEventWaiter {
  struct PjEventWaiter *next;
  PjEventFn *fn;
  void *arg;
} PjEventWaiter;

typedef struct PjEvent PjEvent;

PjEvent *pj_event_create(void); // pending; NULL without memory
// An event that is ready with success. Never fails: it is one static object.
PjEvent *pj_event_ok(void);
// An event that is ready with |status| (taken). Never fails: without memory it is a static
// RESOURCE_EXHAUSTED one.
PjEvent *pj_event_failed(PjStatus status);

PjEvent *pj_event_retain(PjEvent *event);
void pj_event_release(PjEvent *event); // NULL allowed

// Makes a pending event ready; |status| is taken. Runs the callbacks. A second call is ignored and
// answers false.
bool pj_event_set(PjEvent *event, PjStatus status);

bool pj_event_is_ready(const PjEvent *event);
// The failure of a ready event, for the caller to free, or NULL for success.
PjStatus pj_event_status(const PjEvent *event);
// True if the event is ready with a failure.
bool pj_event_has_failed(const PjEvent *event);
// Blocks until ready, then as pj_event_status.
PjStatus pj_event_await(PjEvent *event);

// Calls |fn| when ready, at once if it is. The waiter is the caller's; nothing is allocated.
void pj_event_when(PjEvent *event, PjEventWaiter *waiter, PjEventFn *fn, void *arg);
// As above with a waiter from the heap. Errors: RESOURCE_EXHAUSTED, and |fn| is not called.
PjStatus pj_event_on_ready(PjEvent *event, PjEventFn *fn, void *arg);

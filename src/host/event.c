// Events: the ends of what was started on one device or several.
#include "host/event.h"

#include <stdatomic.h>

PjhError *pjh__await(const PjhPlugin *plugin, PJRT_Event *event) {
  if (!event)
    return NULL;
  PJH_ARGS(Event_Await, await);
  await.event = event;
  PjhError *error = PJH_CALL(plugin, Event_Await, &await);
  pjh__event_drop(plugin, event);
  return error;
}

void pjh__event_drop(const PjhPlugin *plugin, PJRT_Event *event) {
  if (!event)
    return;
  PJH_ARGS(Event_Destroy, destroy);
  destroy.event = event;
  PJH_DROP(plugin, Event_Destroy, &destroy);
}

PjhEvent *pjh__event_new(const PjhPlugin *plugin, size_t count) {
  PjhEvent *event = pj_calloc(1, sizeof *event + count * sizeof *event->handles);
  if (event) {
    event->plugin = plugin;
    event->count = count;
  }
  return event;
}

PjhError *pjh_event_await(const PjhEvent *event) {
  PjhError *first = NULL;
  for (size_t i = 0; i < event->count; i++) {
    if (!event->handles[i])
      continue;
    PJH_ARGS(Event_Await, args);
    args.event = event->handles[i];
    PjhError *error = PJH_CALL(event->plugin, Event_Await, &args);
    if (first)
      pjh_error_free(error);
    else
      first = error;
  }
  return first;
}

PjhError *pjh_event_is_ready(const PjhEvent *event, bool *out) {
  *out = false;
  for (size_t i = 0; i < event->count; i++) {
    if (!event->handles[i])
      continue;
    PJH_ARGS(Event_IsReady, args);
    args.event = event->handles[i];
    PjhError *error = PJH_CALL(event->plugin, Event_IsReady, &args);
    if (error || !args.is_ready)
      return error;
  }
  *out = true;
  return NULL;
}

// A callback that waits for several events; the last one to end calls and frees it.
typedef struct Then {
  PjhCallback callback;
  void *user;
  _Atomic size_t pending;
  _Atomic(PjhError *) first; // owned
} Then;

static void one_ended(PjhError *error, void *user) {
  Then *then = user;
  PjhError *none = NULL;
  if (error && !atomic_compare_exchange_strong(&then->first, &none, error))
    pjh_error_free(error);
  if (atomic_fetch_sub(&then->pending, 1) != 1)
    return;
  PjhError *first = atomic_load(&then->first);
  then->callback(first, then->user);
  pjh_error_free(first);
  pj_free(then);
}

PjhError *pjh_event_then(const PjhEvent *event, PjhCallback callback, void *user) {
  Then *then = pj_calloc(1, sizeof *then);
  if (!then)
    return pjh__out_of_memory();
  then->callback = callback;
  then->user = user;
  // One more than there are events, so that the callback waits for this loop too.
  atomic_store(&then->pending, event->count + 1);
  for (size_t i = 0; i < event->count; i++) {
    PjhError *error = pjh__when_ended(event->plugin, event->handles[i], one_ended, then);
    if (error)
      one_ended(error, then);
  }
  one_ended(NULL, then);
  return NULL;
}

void pjh_event_destroy(PjhEvent *event) {
  if (!event)
    return;
  for (size_t i = 0; i < event->count; i++)
    pjh__event_drop(event->plugin, event->handles[i]);
  pj_free(event);
}

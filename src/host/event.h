// Insides of events, for the files that start things.
#pragma once
#include "host/host.h"

struct PjhEvent {
  const PjhPlugin *plugin; // not owned
  size_t count;
  PJRT_Event *handles[]; // owned; null counts as ended
};

// An event of |count| handles, all null yet. Null without memory.
PjhEvent *pjh__event_new(const PjhPlugin *plugin, size_t count);

// Destroys the plugin's handle; null allowed.
void pjh__event_drop(const PjhPlugin *plugin, PJRT_Event *event);

// Waits for |event| and destroys it, also when it failed. Null counts as done.
PjhError *pjh__await(const PjhPlugin *plugin, PJRT_Event *event);

// What happens at the end; takes |error| over.
typedef void PjhEndFn(PjhError *error, void *user);

// Calls |fn| once at the end of |event|, on a thread of the plugin's or before this returns; null
// has ended. A plugin that calls back more than once changes nothing. On failure |fn| is not
// called.
PjhError *pjh__when_ended(const PjhPlugin *plugin, PJRT_Event *event, PjhEndFn *fn, void *user);

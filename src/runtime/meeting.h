// Meetings: executions that come as one call per device, and whose collectives must meet all the
// same.
//
// The k-th call of each device belongs to the k-th execution. Each device may have an executable of
// its own, as torch_xla's threads compile them: all executables of a client that are for the same
// devices have one place where they meet (partitioned ones, if they are also the same program).
// Executions that wait for nobody do not come there and are not counted, so that one device may run
// more of them than the others.
#pragma once
#include "runtime/executable.h"

struct PjMeeting {
  PjMeeting *next;
  uint64_t number;
  PjDeviceGroup *group;
  uint64_t run_id;
  int expected; // devices that have not finished
};

struct PjMeetingPlace {
  PjMeetingPlace *next; // in the client's list
  int refs;             // executables; under the client's |places_lock|, as the list
  PjClient *client;     // retained, for executables may outlive it
  PjExecutable *program;
  int num_devices;
  int *device_ids;
  pthread_mutex_t lock; // of what follows
  uint64_t *calls;      // per device
  PjMeeting *meetings;
};

// The place of |loaded|, whose devices are known, in |loaded->place|. Errors: RESOURCE_EXHAUSTED.
PjStatus pj_meeting_place_enter(PjLoadedExecutable *loaded);
// Gives it back; the last one frees it, with the meetings that not all devices came to.
void pj_meeting_place_leave(PjLoadedExecutable *loaded);

// Joins device |index| of |loaded| to its next execution. Errors: RESOURCE_EXHAUSTED.
PjStatus pj_meeting_join(PjLoadedExecutable *loaded, int index, PjMeeting **out);
// The device is done with it; the last one frees it.
void pj_meeting_leave(PjLoadedExecutable *loaded, PjMeeting *meeting);

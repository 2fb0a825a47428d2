// Meetings: executions that come as one call per device, and whose collectives must meet all the
// same.
//
// The k-th call of each device belongs to the k-th execution.
#pragma once
#include "runtime/executable.h"

struct PjMeeting {
  PjMeeting *next;
  uint64_t number;
  PjDeviceGroup *group;
  uint64_t run_id;
  int expected; // devices that have not finished
};

// Joins device |index| of |loaded| to its next execution. Errors: RESOURCE_EXHAUSTED.
PjStatus pj_meeting_join(PjLoadedExecutable *loaded, int index, PjMeeting **out);
// The device is done with it; the last one frees it.
void pj_meeting_leave(PjLoadedExecutable *loaded, PjMeeting *meeting);
// Frees the meetings that not all devices came to.
void pj_meetings_destroy(PjLoadedExecutable *loaded);

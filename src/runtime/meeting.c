// See meeting.h. The executable's lock guards the list.
#include "runtime/meeting.h"

#include "base/alloc.h"

static void meeting_destroy(PjLoadedExecutable *loaded, PjMeeting *meeting) {
  loaded->executable->compiler->group_destroy(meeting->group);
  pj_free(meeting);
}

PjStatus pj_meeting_join(PjLoadedExecutable *loaded, int index, PjMeeting **out) {
  PjStatus status = PJ_STATUS_OK;
  pthread_mutex_lock(&loaded->lock);
  uint64_t number = loaded->calls[index];
  PjMeeting *meeting = loaded->meetings;
  while (meeting && meeting->number != number)
    meeting = meeting->next;
  if (!meeting) {
    meeting = pj_calloc(1, sizeof *meeting);
    const PjCompileOptions *options = &loaded->executable->options;
    status = meeting
                 ? loaded->executable->compiler->group_create((uint32_t)options->num_replicas,
                                                              (uint32_t)options->num_partitions,
                                                              loaded->device_ids, &meeting->group)
                 : pj_status_oom();
    if (status) {
      pj_free(meeting);
      meeting = NULL;
    } else {
      meeting->number = number;
      meeting->run_id = atomic_fetch_add(&loaded->client->next_run_id, 1);
      meeting->expected = loaded->num_devices;
      meeting->next = loaded->meetings;
      loaded->meetings = meeting;
    }
  }
  if (meeting)
    loaded->calls[index]++;
  pthread_mutex_unlock(&loaded->lock);
  *out = meeting;
  return status;
}

void pj_meeting_leave(PjLoadedExecutable *loaded, PjMeeting *meeting) {
  pthread_mutex_lock(&loaded->lock);
  bool last = --meeting->expected == 0;
  if (last) {
    PjMeeting **at = &loaded->meetings;
    while (*at != meeting)
      at = &(*at)->next;
    *at = meeting->next;
  }
  pthread_mutex_unlock(&loaded->lock);
  if (last)
    meeting_destroy(loaded, meeting);
}

void pj_meetings_destroy(PjLoadedExecutable *loaded) {
  for (PjMeeting *meeting = loaded->meetings, *next; meeting; meeting = next) {
    next = meeting->next;
    meeting_destroy(loaded, meeting);
  }
  loaded->meetings = NULL;
}

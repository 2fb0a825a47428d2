// See meeting.h.
#include "runtime/meeting.h"

#include <string.h>

#include "base/alloc.h"
#include "runtime/client.h"

static void meeting_destroy(PjMeetingPlace *place, PjMeeting *meeting) {
  place->program->compiler->group_destroy(meeting->group);
  pj_free(meeting);
}

// --- Places --------------------------------------------------------------------------------------

static void place_destroy(PjMeetingPlace *place) {
  for (PjMeeting *meeting = place->meetings, *next; meeting; meeting = next) {
    next = meeting->next;
    meeting_destroy(place, meeting);
  }
  pj_executable_release(place->program);
  pj_client_release(place->client);
  pthread_mutex_destroy(&place->lock);
  pj_free(place->device_ids);
  pj_free(place->calls);
  pj_free(place);
}

static PjStatus place_create(const PjLoadedExecutable *loaded, PjMeetingPlace **out) {
  size_t count = (size_t)loaded->num_devices;
  PjMeetingPlace *place = pj_calloc(1, sizeof *place);
  *out = place;
  if (!place)
    return pj_status_oom();
  place->refs = 1;
  place->num_devices = loaded->num_devices;
  place->program = pj_executable_retain(loaded->executable);
  pj_client_retain(loaded->client);
  place->client = loaded->client;
  pthread_mutex_init(&place->lock, NULL);
  place->device_ids = pj_calloc(count, sizeof *place->device_ids);
  place->calls = pj_calloc(count, sizeof *place->calls);
  if (!place->device_ids || !place->calls) {
    place_destroy(place);
    *out = NULL;
    return pj_status_oom();
  }
  memcpy(place->device_ids, loaded->device_ids, count * sizeof *place->device_ids);
  return PJ_STATUS_OK;
}

// Partitions run one program together. Replicas only exchange values, and the same ones whatever
// else they compute: torch_xla writes the number of a replica into its program.
static bool is_place_of(const PjMeetingPlace *place, const PjLoadedExecutable *loaded) {
  const PjExecutable *a = place->program, *b = loaded->executable;
  return a->compiler == b->compiler && place->num_devices == loaded->num_devices &&
         a->options.num_replicas == b->options.num_replicas &&
         !memcmp(place->device_ids, loaded->device_ids,
                 (size_t)loaded->num_devices * sizeof *loaded->device_ids) &&
         (a->options.num_partitions == 1 || !strcmp(a->fingerprint, b->fingerprint));
}

PjStatus pj_meeting_place_enter(PjLoadedExecutable *loaded) {
  PjClient *client = loaded->client;
  PjStatus status = PJ_STATUS_OK;
  pthread_mutex_lock(&client->places_lock);
  PjMeetingPlace *place = client->places;
  while (place && !is_place_of(place, loaded))
    place = place->next;
  if (place) {
    place->refs++;
  } else {
    status = place_create(loaded, &place);
    if (!status) {
      place->next = client->places;
      client->places = place;
    }
  }
  pthread_mutex_unlock(&client->places_lock);
  loaded->place = place;
  return status;
}

void pj_meeting_place_leave(PjLoadedExecutable *loaded) {
  PjClient *client = loaded->client;
  PjMeetingPlace *place = loaded->place;
  if (!place)
    return;
  pthread_mutex_lock(&client->places_lock);
  bool last = --place->refs == 0;
  if (last) {
    PjMeetingPlace **at = &client->places;
    while (*at != place)
      at = &(*at)->next;
    *at = place->next;
  }
  pthread_mutex_unlock(&client->places_lock);
  if (last)
    place_destroy(place);
}

// --- Meetings ------------------------------------------------------------------------------------

PjStatus pj_meeting_join(PjLoadedExecutable *loaded, int index, PjMeeting **out) {
  PjMeetingPlace *place = loaded->place;
  PjStatus status = PJ_STATUS_OK;
  pthread_mutex_lock(&place->lock);
  uint64_t number = place->calls[index];
  PjMeeting *meeting = place->meetings;
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
      meeting->next = place->meetings;
      place->meetings = meeting;
    }
  }
  if (meeting)
    place->calls[index]++;
  pthread_mutex_unlock(&place->lock);
  *out = meeting;
  return status;
}

void pj_meeting_leave(PjLoadedExecutable *loaded, PjMeeting *meeting) {
  PjMeetingPlace *place = loaded->place;
  pthread_mutex_lock(&place->lock);
  bool last = --meeting->expected == 0;
  if (last) {
    PjMeeting **at = &place->meetings;
    while (*at != meeting)
      at = &(*at)->next;
    *at = meeting->next;
  }
  pthread_mutex_unlock(&place->lock);
  if (last)
    meeting_destroy(place, meeting);
}

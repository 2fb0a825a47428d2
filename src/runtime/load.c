// Placing executables on devices.
#include "base/alloc.h"
#include "runtime/executable.h"
#include "runtime/meeting.h"

static PjStatus place(PjLoadedExecutable *loaded) {
  PjClient *client = loaded->client;
  const PjCompileOptions *options = &loaded->executable->options;
  int64_t count = (int64_t)options->num_replicas * options->num_partitions;
  // A portable program is told its device at each execution.
  if (options->portable && !options->device_ids && count == 1)
    return PJ_STATUS_OK;
  PJ_FAIL_IF(count > client->num_devices, INVALID_ARGUMENT,
             "the program is for %lld devices (%d replicas, %d partitions), but the client has %d",
             (long long)count, options->num_replicas, options->num_partitions, client->num_devices);
  loaded->devices = pj_calloc((size_t)count, sizeof *loaded->devices);
  loaded->device_ids = pj_calloc((size_t)count, sizeof *loaded->device_ids);
  loaded->logical_ids = pj_calloc((size_t)count, sizeof *loaded->logical_ids);
  if (!loaded->logical_ids || !loaded->devices || !loaded->device_ids)
    return pj_status_oom();
  loaded->num_devices = (int)count;
  for (int i = 0; i < loaded->num_devices; i++) {
    int id = options->device_ids ? options->device_ids[i] : client->devices[i]->desc->id;
    PJ_TRY_IN(pj_client_device(client, id, &loaded->devices[i]),
              "device assignment of replica %d, partition %d", i / options->num_partitions,
              i % options->num_partitions);
    loaded->device_ids[i] = id;
    loaded->logical_ids[i] =
        (PjLogicalId){i / options->num_partitions, i % options->num_partitions};
    for (int k = 0; k < i; k++)
      PJ_FAIL_IF(loaded->device_ids[k] == id, INVALID_ARGUMENT,
                 "the device assignment names device %d twice", id);
  }
  return count > 1 ? pj_meeting_place_enter(loaded) : PJ_STATUS_OK;
}

PjStatus pj_executable_load(PjClient *client, PjExecutable *executable, PjLoadedExecutable **out) {
  *out = NULL;
  PjLoadedExecutable *loaded = pj_calloc(1, sizeof *loaded);
  if (!loaded)
    return pj_status_oom();
  atomic_init(&loaded->refs, 1);
  loaded->client = client;
  loaded->executable = pj_executable_retain(executable);
  PjStatus status = place(loaded);
  if (status) {
    pj_loaded_release(loaded);
    return status;
  }
  *out = loaded;
  return PJ_STATUS_OK;
}

PjLoadedExecutable *pj_loaded_retain(PjLoadedExecutable *loaded) {
  atomic_fetch_add_explicit(&loaded->refs, 1, memory_order_relaxed);
  return loaded;
}

void pj_loaded_release(PjLoadedExecutable *loaded) {
  if (!loaded || atomic_fetch_sub_explicit(&loaded->refs, 1, memory_order_acq_rel) != 1)
    return;
  pj_meeting_place_leave(loaded);
  pj_executable_release(loaded->executable);
  pj_free(loaded->devices);
  pj_free(loaded->device_ids);
  pj_free(loaded->logical_ids);
  pj_free(loaded);
}

// See client.h.
#include "runtime/client.h"

#include <limits.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/options.h"
#include "runtime/start.h"

struct PjUserData {
  PjUserData *next;
  const void *key;
  void *data;
  void (*dtor)(void *);
};

void *pj_memory_get_user_data(PjMemory *memory, const void *key) {
  void *data = NULL;
  pthread_mutex_lock(&memory->lock);
  for (PjUserData *entry = memory->user_data; entry; entry = entry->next)
    if (entry->key == key)
      data = entry->data;
  pthread_mutex_unlock(&memory->lock);
  return data;
}

void pj_memory_set_user_data(PjMemory *memory, const void *key, void *data, void (*dtor)(void *)) {
  PjUserData *fresh = pj_malloc(sizeof *fresh);
  void *old_data = NULL;
  void (*old_dtor)(void *) = NULL;
  pthread_mutex_lock(&memory->lock);
  PjUserData *entry = memory->user_data;
  while (entry && entry->key != key)
    entry = entry->next;
  if (entry) {
    old_data = entry->data;
    old_dtor = entry->dtor;
  } else if (fresh) {
    entry = fresh;
    fresh = NULL;
    entry->next = memory->user_data;
    entry->key = key;
    memory->user_data = entry;
  }
  if (entry) {
    entry->data = data;
    entry->dtor = dtor;
  } else {
    // Out of memory, and no way to say so: at least the data are not leaked.
    old_data = data;
    old_dtor = dtor;
  }
  pthread_mutex_unlock(&memory->lock);
  pj_free(fresh);
  if (old_dtor && old_data)
    old_dtor(old_data);
}

static void drop_user_data(PjMemory *memory) {
  for (PjUserData *entry = memory->user_data, *next; entry; entry = next) {
    next = entry->next;
    if (entry->dtor && entry->data)
      entry->dtor(entry->data);
    pj_free(entry);
  }
  memory->user_data = NULL;
}

static void memory_destroy(PjMemory *memory) {
  if (!memory)
    return;
  drop_user_data(memory);
  pthread_mutex_destroy(&memory->lock);
  pj_free(memory);
}

static PjMemory *memory_create(PjDevice *device, PjMemoryKind kind) {
  PjMemory *memory = pj_calloc(1, sizeof *memory);
  if (!memory)
    return NULL;
  memory->client = device->client;
  memory->device = device;
  memory->kind = kind;
  memory->host_visible =
      device->client->platform->device->host_visible(device->client->driver, device->index, kind);
  device->client->remote |= !memory->host_visible;
  memory->id = device->desc->id * PJ_MEMORY_KIND_COUNT + (int)kind;
  pthread_mutex_init(&memory->lock, NULL);
  snprintf(memory->debug_string, sizeof memory->debug_string, "%.16s memory %d of %.16s",
           pj_memory_kind_name(kind), memory->id, device->desc->debug_string);
  snprintf(memory->to_string, sizeof memory->to_string, "%s_%d", pj_memory_kind_name(kind),
           memory->id);
  return memory;
}

static PjStatus create_devices(PjClient *client) {
  client->num_devices = client->topology->num_devices;
  client->num_memories = client->num_devices * PJ_MEMORY_KIND_COUNT;
  client->devices = pj_calloc((size_t)client->num_devices, sizeof *client->devices);
  client->memories = pj_calloc((size_t)client->num_memories, sizeof *client->memories);
  if (!client->devices || !client->memories)
    return pj_status_oom();
  for (int i = 0; i < client->num_devices; i++) {
    PjDevice *device = client->devices[i] = pj_calloc(1, sizeof *device);
    if (!device)
      return pj_status_oom();
    device->client = client;
    device->desc = client->topology->descs[i];
    device->index = i;
    for (int kind = 0; kind < PJ_MEMORY_KIND_COUNT; kind++) {
      PjMemory *memory = memory_create(device, (PjMemoryKind)kind);
      if (!memory)
        return pj_status_oom();
      device->memories[kind] = client->memories[i * PJ_MEMORY_KIND_COUNT + kind] = memory;
    }
  }
  return PJ_STATUS_OK;
}

static PjStatus client_open(PjClient *client, const PjClientOptions *options) {
  const PjDeviceOps *ops = client->platform->device;
  PjDriverConfig config = {.device_count = options->device_count,
                           .num_options = options->num_driver_options,
                           .options = options->driver_options};
  PJ_TRY(ops->open(&config, &client->driver));
  PjDeviceInfo info;
  ops->device_info(client->driver, 0, &info);
  PJ_TRY(pj_topology_create(ops->name, client->platform->version, info.kind,
                            ops->device_count(client->driver), &client->topology));
  for (int i = 0; i < client->topology->num_devices; i++) {
    ops->device_info(client->driver, i, &info);
    client->topology->descs[i]->local_hardware_id = info.local_hardware_id;
  }
  int64_t wanted = options->threads ? options->threads : pj_option_int(PJ_OPTION_THREADS);
  int threads = wanted > 0 && wanted <= INT_MAX ? (int)wanted : 0;
  PJ_TRY(pj_workers_create(threads, &client->workers));
  PJ_TRY(pj_threads_create(threads, &client->threads));
  PJ_TRY(create_devices(client));
  client->queued = client->remote && (ops->launch || ops->start);
  return PJ_STATUS_OK;
}

PjStatus pj_client_create(const PjPlatform *platform, const PjClientOptions *options,
                          PjClient **out_client) {
  *out_client = NULL;
  PJ_FAIL_IF(platform->fault, FAILED_PRECONDITION, "%s", platform->fault);
  PJ_TRY(pj_options_check());
  PjClient *client = pj_calloc(1, sizeof *client);
  if (!client)
    return pj_status_oom();
  atomic_init(&client->refs, 1);
  pthread_mutex_init(&client->started_lock, NULL);
  pthread_mutex_init(&client->places_lock, NULL);
  pthread_cond_init(&client->started_fewer, NULL);
  client->platform = platform;
  client->asynchronous = !options->synchronous && pj_option_int(PJ_OPTION_ASYNC) != 0;
  PjStatus status = client_open(client, options);
  if (status) {
    pj_client_destroy(client);
    return status;
  }
  *out_client = client;
  return PJ_STATUS_OK;
}

void pj_client_retain(PjClient *client) {
  atomic_fetch_add_explicit(&client->refs, 1, memory_order_relaxed);
}

void pj_client_release(PjClient *client) {
  if (atomic_fetch_sub_explicit(&client->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (client->memories)
    for (int i = 0; i < client->num_memories; i++)
      memory_destroy(client->memories[i]);
  if (client->devices)
    for (int i = 0; i < client->num_devices; i++)
      pj_free(client->devices[i]);
  pj_free(client->memories);
  pj_free(client->devices);
  if (client->driver)
    client->platform->device->close(client->driver);
  pj_topology_release(client->topology);
  pthread_cond_destroy(&client->started_fewer);
  pthread_mutex_destroy(&client->started_lock);
  pthread_mutex_destroy(&client->places_lock);
  pj_free(client);
}

void pj_client_destroy(PjClient *client) {
  if (!client)
    return;
  pj_started_close(client);
  pj_workers_destroy(client->workers);
  pj_threads_destroy(client->threads);
  client->workers = NULL;
  client->threads = NULL;
  for (int i = 0; client->memories && i < client->num_memories; i++)
    if (client->memories[i])
      drop_user_data(client->memories[i]);
  pj_client_release(client);
}

PjStatus pj_client_device(PjClient *client, int id, PjDevice **out) {
  *out = NULL;
  for (int i = 0; i < client->num_devices; i++)
    if (client->devices[i]->desc->id == id)
      *out = client->devices[i];
  PJ_FAIL_IF(!*out, INVALID_ARGUMENT, "No matching device found for device_id %d", id);
  return PJ_STATUS_OK;
}

PjStatus pj_client_local_device(PjClient *client, int local_hardware_id, PjDevice **out) {
  *out = NULL;
  for (int i = 0; i < client->num_devices; i++)
    if (client->devices[i]->desc->local_hardware_id == local_hardware_id)
      *out = client->devices[i];
  PJ_FAIL_IF(!*out, INVALID_ARGUMENT, "No matching device found for local_hardware_id %d",
             local_hardware_id);
  return PJ_STATUS_OK;
}

PjStatus pj_client_default_assignment(PjClient *client, int64_t num_replicas,
                                      int64_t num_partitions, size_t room, int *out_ids) {
  PJ_FAIL_IF(num_replicas < 1 || num_partitions < 1, INVALID_ARGUMENT,
             "a device assignment needs at least one replica and one partition, not %lld and %lld",
             (long long)num_replicas, (long long)num_partitions);
  int64_t count = num_replicas * num_partitions; // both came as int
  PJ_FAIL_IF(
      (uint64_t)count > room, FAILED_PRECONDITION,
      "a device assignment of %lld replicas and %lld partitions does not fit into an array of %zu",
      (long long)num_replicas, (long long)num_partitions, room);
  PJ_FAIL_IF(
      count > client->num_devices, INVALID_ARGUMENT,
      "a program of %lld replicas and %lld partitions needs %lld devices, but the client has %d",
      (long long)num_replicas, (long long)num_partitions, (long long)count, client->num_devices);
  for (int64_t i = 0; i < count; i++)
    out_ids[i] = client->devices[i]->desc->id;
  return PJ_STATUS_OK;
}

PjStatus pj_device_stats(PjDevice *device, PjDeviceStats *out_stats) {
  const PjDeviceOps *ops = device->client->platform->device;
  PJ_FAIL_IF(!ops->stats, UNIMPLEMENTED, "platform %s keeps no memory statistics", ops->name);
  ops->stats(device->client->driver, device->index, out_stats);
  int64_t adopted = atomic_load_explicit(&device->adopted_bytes, memory_order_relaxed);
  int64_t peak = atomic_load_explicit(&device->peak_adopted_bytes, memory_order_relaxed);
  out_stats->bytes_in_use += adopted;
  out_stats->peak_bytes_in_use += peak; // an upper bound: the two peaks may be of different times
  out_stats->pool_bytes += adopted;
  out_stats->peak_pool_bytes += peak;
  out_stats->num_allocs += atomic_load_explicit(&device->adopted_count, memory_order_relaxed);
  return PJ_STATUS_OK;
}

PjStatus pj_device_reset_stats(PjDevice *device) {
  const PjDeviceOps *ops = device->client->platform->device;
  PJ_FAIL_IF(!ops->reset_stats, UNIMPLEMENTED, "platform %s keeps no memory statistics", ops->name);
  ops->reset_stats(device->client->driver, device->index);
  atomic_store(&device->peak_adopted_bytes, atomic_load(&device->adopted_bytes));
  return PJ_STATUS_OK;
}

static void job_task(void *arg) {
  PjJob *job = arg;
  PjEvent *after = job->after;
  PjStatus failure = job->failure;
  job->run(job, failure);
  pj_status_free(failure);
  pj_event_release(after);
}

static void job_ready(void *arg, PjStatus status) {
  PjJob *job = arg;
  if (job->workers) {
    job->failure = pj_status_clone(status);
    pj_workers_submit(job->workers, &job->task);
    return;
  }
  PjEvent *after = job->after;
  job->run(job, status);
  pj_event_release(after);
}

void pj_job_after(PjJob *job, PjClient *client, PjEvent *event, bool heavy,
                  void (*run)(PjJob *job, PjStatus failure)) {
  job->task = (PjTask){.fn = job_task, .arg = job};
  job->workers = heavy ? client->workers : NULL;
  job->after = pj_event_retain(event);
  job->failure = NULL;
  job->run = run;
  pj_event_when(event, &job->waiter, job_ready, job);
}

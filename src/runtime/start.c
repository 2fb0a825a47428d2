// See start.h.
#include "runtime/start.h"

bool pj_memory_is_started(const PjMemory *memory) {
  const PjClient *client = memory->client;
  return !memory->host_visible && client->asynchronous && client->platform->device->start;
}

// True on a thread that runs a |then|.
static _Thread_local bool in_then;

static void run_then(void *arg) {
  PjStarted *started = arg;
  PjClient *client = started->client;
  bool outer = in_then;
  in_then = true;
  started->then(started, started->status);
  in_then = outer;
  // The count falls last: the client stays until then.
  pthread_mutex_lock(&client->started_lock);
  client->num_started--;
  pthread_cond_broadcast(&client->started_fewer);
  pthread_mutex_unlock(&client->started_lock);
}

// On the device's thread.
static void copied(PjCompletion *self, PjStatus status) {
  PjStarted *started = (PjStarted *)self;
  started->status = status;
  started->task = (PjTask){.fn = run_then, .arg = started};
  pj_workers_submit(started->client->workers, &started->task);
}

static void start(const PjArray *array, PjStarted *started, const PjDeviceCopy *copy,
                  void (*then)(PjStarted *self, PjStatus status)) {
  PjClient *client = array->memory->client;
  *started = (PjStarted){.completion = {copied}, .client = client, .then = then};
  pthread_mutex_lock(&client->started_lock);
  client->num_started++;
  pthread_mutex_unlock(&client->started_lock);
  client->platform->device->start(client->driver, copy, &started->completion);
}

void pj_array_start_write(PjArray *array, size_t offset, size_t size, const void *src,
                          PjStarted *started, void (*then)(PjStarted *self, PjStatus status)) {
  const PjDeviceCopy copy = {.kind = PJ_COPY_IN,
                             .dst = (char *)array->data + offset,
                             .src = src,
                             .size = size,
                             .dst_device = array->memory->device->index,
                             .dst_kind = array->memory->kind};
  start(array, started, &copy, then);
}

void pj_array_start_read(const PjArray *array, size_t offset, size_t size, void *dst,
                         PjStarted *started, void (*then)(PjStarted *self, PjStatus status)) {
  const PjDeviceCopy copy = {.kind = PJ_COPY_OUT,
                             .dst = dst,
                             .src = (const char *)array->data + offset,
                             .size = size,
                             .src_device = array->memory->device->index,
                             .src_kind = array->memory->kind};
  start(array, started, &copy, then);
}

bool pj_started_settle(PjClient *client) {
  bool inside = in_then;
  if (inside)
    pj_workers_block_begin(client->workers);
  pthread_mutex_lock(&client->started_lock);
  client->num_settling += inside;
  bool any = client->num_started > client->num_settling;
  while (client->num_started > client->num_settling)
    pthread_cond_wait(&client->started_fewer, &client->started_lock);
  client->num_settling -= inside;
  pthread_mutex_unlock(&client->started_lock);
  if (inside)
    pj_workers_block_end(client->workers);
  return any;
}

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
static void told(PjCompletion *self, PjStatus status) {
  PjStarted *started = (PjStarted *)self;
  started->status = status;
  started->task = (PjTask){.fn = run_then, .arg = started};
  pj_workers_submit(started->client->workers, &started->task);
}

bool pj_started_begin(PjStarted *started, PjClient *client,
                      void (*then)(PjStarted *self, PjStatus status)) {
  *started = (PjStarted){.completion = {told}, .client = client, .then = then};
  pthread_mutex_lock(&client->started_lock);
  bool open = !client->closing;
  client->num_started += open;
  pthread_mutex_unlock(&client->started_lock);
  return open;
}

static void start(const PjArray *array, PjStarted *started, const PjDeviceCopy *copy,
                  void (*then)(PjStarted *self, PjStatus status)) {
  PjClient *client = array->memory->client;
  const PjDeviceOps *ops = client->platform->device;
  if (pj_started_begin(started, client, then)) {
    ops->start(client->driver, copy, &started->completion);
    return;
  }
  PjWait wait;
  pj_wait_begin(&wait);
  ops->start(client->driver, copy, &wait.completion);
  then(started, pj_wait_end(&wait));
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

void pj_started_close(PjClient *client) {
  pthread_mutex_lock(&client->started_lock);
  client->closing = true;
  pthread_mutex_unlock(&client->started_lock);
  pj_started_settle(client);
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

// --- Waiting -------------------------------------------------------------------------------------

// The waiting thread frees the wait as soon as it sees |done|: so it is told under the lock.
static void wait_told(PjCompletion *self, PjStatus status) {
  PjWait *wait = (PjWait *)self;
  pthread_mutex_lock(&wait->lock);
  wait->status = status;
  wait->done = true;
  pthread_cond_signal(&wait->changed);
  pthread_mutex_unlock(&wait->lock);
}

void pj_wait_begin(PjWait *wait) {
  *wait = (PjWait){.completion = {wait_told}};
  pthread_mutex_init(&wait->lock, NULL);
  pthread_cond_init(&wait->changed, NULL);
}

PjStatus pj_wait_end(PjWait *wait) {
  pthread_mutex_lock(&wait->lock);
  while (!wait->done)
    pthread_cond_wait(&wait->changed, &wait->lock);
  pthread_mutex_unlock(&wait->lock);
  pthread_cond_destroy(&wait->changed);
  pthread_mutex_destroy(&wait->lock);
  return wait->status;
}

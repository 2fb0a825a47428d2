// Transfers that a device does by itself: when their events fire, whose memory they read, what a
// failure does, and what an allocation and a client's end wait for. The device is the null one with
// a queue that this test lets go on.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "runtime/buffer.h"
#include "runtime/start.h"

static void expect(PjStatus status) {
  if (status)
    fail_msg("%s: %s", pj_code_name(pj_status_code(status)), pj_status_message(status));
}

// --- The device ----------------------------------------------------------------------------------

enum { ROOM = 64 };

static struct {
  pthread_mutex_t lock;
  PjDeviceCopy copies[ROOM];
  PjCompletion *done[ROOM];
  int count;
  bool fails;    // the next copy does
  int64_t limit; // bytes that may be allocated in device memory
  int64_t in_use;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void queue_start(PjDriver *driver, const PjDeviceCopy *copy, PjCompletion *done) {
  pthread_mutex_lock(&queue.lock);
  assert_true(queue.count < ROOM);
  queue.copies[queue.count] = *copy;
  queue.done[queue.count++] = done;
  pthread_mutex_unlock(&queue.lock);
}

// Does what waits in the queue.
static int go_on(void) {
  PjDeviceCopy copies[ROOM];
  PjCompletion *done[ROOM];
  pthread_mutex_lock(&queue.lock);
  int count = queue.count;
  memcpy(copies, queue.copies, sizeof copies);
  memcpy(done, queue.done, sizeof done);
  queue.count = 0;
  bool fails = queue.fails;
  queue.fails = false;
  pthread_mutex_unlock(&queue.lock);
  for (int i = 0; i < count; i++) {
    memcpy(copies[i].dst, copies[i].src, copies[i].size);
    done[i]->fn(done[i], fails ? PJ_ERROR(DATA_LOSS, "the link is down") : PJ_STATUS_OK);
  }
  return count;
}

static PjStatus limited_allocate(PjDriver *driver, int device, PjMemoryKind kind, size_t size,
                                 void **out) {
  if (kind != PJ_MEMORY_DEVICE)
    return pj_device_null.allocate(driver, device, kind, size, out);
  int64_t in_use = __atomic_add_fetch(&queue.in_use, (int64_t)size, __ATOMIC_SEQ_CST);
  PjStatus status = queue.limit && in_use > queue.limit
                        ? PJ_ERROR(RESOURCE_EXHAUSTED, "%zu bytes do not fit", size)
                        : pj_device_null.allocate(driver, device, kind, size, out);
  if (status)
    __atomic_sub_fetch(&queue.in_use, (int64_t)size, __ATOMIC_SEQ_CST);
  return status;
}

static void limited_free(PjDriver *driver, int device, PjMemoryKind kind, void *ptr, size_t size) {
  if (kind == PJ_MEMORY_DEVICE)
    __atomic_sub_fetch(&queue.in_use, (int64_t)size, __ATOMIC_SEQ_CST);
  pj_device_null.free(driver, device, kind, ptr, size);
}

static PjClient *open_client(bool synchronous) {
  static PjDeviceOps ops;
  static PjPlatform platform;
  ops = pj_device_null;
  ops.start = queue_start;
  ops.allocate = limited_allocate;
  ops.free = limited_free;
  platform = (PjPlatform){.device = &ops, .compiler = &pj_compiler_eval, .version = "test"};
  PjClient *client;
  expect(pj_client_create(&platform, &(PjClientOptions){.synchronous = synchronous}, &client));
  return client;
}

static const PjShape *shape_of(int64_t rows, int64_t columns) {
  const PjShape *shape;
  expect(pj_shape_create(PJ_DT_S32, 2, (int64_t[]){rows, columns}, NULL, &shape));
  return shape;
}

static PjBuffer *upload(PjClient *client, const PjShape *shape, const void *data,
                        const int64_t *strides, PjHostSemantics semantics, PjEvent **out_done) {
  PjBuffer *buffer;
  expect(pj_buffer_from_host(client->devices[0]->memories[PJ_MEMORY_DEVICE], shape, data, strides,
                             semantics, out_done, &buffer));
  return buffer;
}

static void download(PjBuffer *buffer, void *out) {
  PjEvent *done;
  expect(pj_buffer_to_host(buffer, out, NULL, &done));
  assert_false(pj_event_is_ready(done));
  assert_int_equal(go_on(), 1);
  expect(pj_event_await(done));
  pj_event_release(done);
}

// --- Tests ---------------------------------------------------------------------------------------

static void test_the_host_waits_for_an_event(void **state) {
  (void)state;
  PjClient *client = open_client(false);
  const PjShape *shape = shape_of(2, 2);
  int32_t data[4] = {1, 2, 3, 4}, back[4] = {0};
  PjEvent *done;
  PjBuffer *buffer = upload(client, shape, data, NULL, PJ_HOST_UNTIL_TRANSFER_COMPLETES, &done);
  assert_false(pj_event_is_ready(done));
  assert_false(pj_event_is_ready(buffer->ready));
  data[0] = 7; // still read: the transfer has not begun
  assert_int_equal(go_on(), 1);
  expect(pj_event_await(buffer->ready));
  expect(pj_event_await(done));
  pj_event_release(done);
  download(buffer, back);
  assert_int_equal(back[0], 7);
  assert_int_equal(back[3], 4);
  pj_buffer_destroy(buffer);
  pj_shape_release(shape);
  pj_client_destroy(client);
  assert_int_equal(queue.in_use, 0);
}

static void test_what_the_call_may_keep_is_copied(void **state) {
  (void)state;
  PjClient *client = open_client(false);
  const PjShape *shape = shape_of(2, 2);
  int32_t data[4] = {1, 2, 3, 4}, back[4];
  const int64_t columns_first[2] = {4, 8};
  PjEvent *done[2];
  PjBuffer *kept = upload(client, shape, data, NULL, PJ_HOST_ONLY_DURING_CALL, &done[0]);
  PjBuffer *turned =
      upload(client, shape, data, columns_first, PJ_HOST_UNTIL_TRANSFER_COMPLETES, &done[1]);
  for (int i = 0; i < 2; i++) {
    assert_true(pj_event_is_ready(done[i]));
    pj_event_release(done[i]);
  }
  memset(data, 0, sizeof data);
  assert_int_equal(go_on(), 2);
  expect(pj_event_await(kept->ready));
  expect(pj_event_await(turned->ready));
  download(kept, back);
  assert_memory_equal(back, ((int32_t[]){1, 2, 3, 4}), sizeof back);
  download(turned, back);
  assert_memory_equal(back, ((int32_t[]){1, 3, 2, 4}), sizeof back);
  pj_buffer_destroy(kept);
  pj_buffer_destroy(turned);
  pj_shape_release(shape);
  pj_client_destroy(client);
}

static void expect_link_down(PjStatus status) {
  assert_int_equal(pj_status_code(status), PJ_DATA_LOSS);
  assert_string_equal(pj_status_message(status), "the link is down");
  pj_status_free(status);
}

static void test_failures_reach_the_events(void **state) {
  (void)state;
  PjClient *client = open_client(false);
  const PjShape *shape = shape_of(1, 1);
  int32_t data = 1, back;
  PjEvent *done;
  PjBuffer *buffer = upload(client, shape, &data, NULL, PJ_HOST_UNTIL_TRANSFER_COMPLETES, &done);
  queue.fails = true;
  go_on();
  expect_link_down(pj_event_await(buffer->ready));
  expect(pj_event_await(done)); // the host has its memory back all the same
  pj_event_release(done);
  expect(pj_buffer_to_host(buffer, &back, NULL, &done));
  expect_link_down(pj_event_await(done));
  pj_event_release(done);
  pj_buffer_destroy(buffer);

  buffer = upload(client, shape, &data, NULL, PJ_HOST_ONLY_DURING_CALL, &done);
  pj_event_release(done);
  go_on();
  expect(pj_event_await(buffer->ready));
  expect(pj_buffer_to_host(buffer, &back, NULL, &done));
  queue.fails = true;
  go_on();
  expect_link_down(pj_event_await(done));
  pj_event_release(done);
  pj_buffer_destroy(buffer);
  pj_shape_release(shape);
  pj_client_destroy(client);
}

static void *go_on_later(void *arg) {
  usleep(20000);
  go_on();
  return NULL;
}

// A buffer that was destroyed while its transfer is under way keeps its memory; who needs it waits.
static void test_an_allocation_waits_for_transfers(void **state) {
  (void)state;
  PjClient *client = open_client(false);
  const PjShape *shape = shape_of(10, 10);
  int32_t data[100] = {0};
  PjEvent *done;
  queue.limit = 500;
  pj_buffer_destroy(upload(client, shape, data, NULL, PJ_HOST_ONLY_DURING_CALL, &done));
  pj_event_release(done);
  assert_int_equal(queue.in_use, 400);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, go_on_later, NULL), 0);
  PjBuffer *buffer = upload(client, shape, data, NULL, PJ_HOST_ONLY_DURING_CALL, &done);
  pj_event_release(done);
  pthread_join(thread, NULL);
  assert_int_equal(queue.in_use, 400);
  // With nothing under way there is nothing to wait for.
  go_on();
  expect(pj_event_await(buffer->ready));
  pj_started_settle(client); // the event fires a moment before its transfer counts as done
  assert_false(pj_started_settle(client));
  PjBuffer *none;
  PjStatus status = pj_buffer_from_host(client->devices[0]->memories[PJ_MEMORY_DEVICE], shape, data,
                                        NULL, PJ_HOST_ONLY_DURING_CALL, &done, &none);
  assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
  pj_status_free(status);
  queue.limit = 0;
  pj_buffer_destroy(buffer);
  pj_shape_release(shape);
  pj_client_destroy(client);
}

static void test_a_client_ends_after_its_transfers(void **state) {
  (void)state;
  PjClient *client = open_client(false);
  const PjShape *shape = shape_of(4, 4);
  int32_t data[16] = {0};
  PjEvent *done;
  pj_buffer_destroy(upload(client, shape, data, NULL, PJ_HOST_UNTIL_TRANSFER_COMPLETES, &done));
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, go_on_later, NULL), 0);
  pj_client_destroy(client);
  assert_true(pj_event_is_ready(done));
  pj_event_release(done);
  pthread_join(thread, NULL);
  pj_shape_release(shape);
  assert_int_equal(queue.in_use, 0);
}

// A host's callback runs on no thread of the device, so it may wait for the device.
static pthread_t called_on;
static PjBuffer *second;
static void upload_another(void *arg, PjStatus status) {
  static const int32_t data[4] = {5, 6, 7, 8};
  PjClient *client = arg;
  assert_null(status);
  called_on = pthread_self();
  const PjShape *shape = shape_of(2, 2);
  PjEvent *done;
  second = upload(client, shape, data, NULL, PJ_HOST_ONLY_DURING_CALL, &done);
  pj_event_release(done);
  pj_shape_release(shape);
}

static void test_callbacks_may_begin_transfers(void **state) {
  (void)state;
  PjClient *client = open_client(false);
  const PjShape *shape = shape_of(2, 2);
  int32_t data[4] = {1, 2, 3, 4};
  PjEvent *done;
  PjBuffer *buffer = upload(client, shape, data, NULL, PJ_HOST_UNTIL_TRANSFER_COMPLETES, &done);
  expect(pj_event_on_ready(done, upload_another, client));
  go_on();
  expect(pj_event_await(buffer->ready));
  while (!go_on())
    usleep(1000);
  expect(pj_event_await(second->ready));
  assert_false(pthread_equal(called_on, pthread_self()));
  pj_event_release(done);
  pj_buffer_destroy(second);
  pj_buffer_destroy(buffer);
  pj_shape_release(shape);
  pj_client_destroy(client);
}

static void test_a_synchronous_client_begins_nothing(void **state) {
  (void)state;
  PjClient *client = open_client(true);
  const PjShape *shape = shape_of(1, 2);
  int32_t data[2] = {3, 4}, back[2];
  PjEvent *done;
  PjBuffer *buffer = upload(client, shape, data, NULL, PJ_HOST_UNTIL_TRANSFER_COMPLETES, &done);
  assert_true(pj_event_is_ready(done) && pj_event_is_ready(buffer->ready));
  pj_event_release(done);
  expect(pj_buffer_to_host(buffer, back, NULL, &done));
  assert_true(pj_event_is_ready(done));
  pj_event_release(done);
  assert_memory_equal(back, data, sizeof back);
  assert_int_equal(go_on(), 0);
  pj_buffer_destroy(buffer);
  pj_shape_release(shape);
  pj_client_destroy(client);
}

static PjStatus move_data(const PjClient *client, const PjShape *shape) {
  static const int32_t data[4] = {1, 2, 3, 4};
  int32_t back[4];
  PjEvent *done;
  PjBuffer *buffer;
  PJ_TRY(pj_buffer_from_host(client->devices[0]->memories[PJ_MEMORY_DEVICE], shape, data, NULL,
                             PJ_HOST_ONLY_DURING_CALL, &done, &buffer));
  pj_event_release(done);
  go_on();
  PjStatus status = pj_event_await(buffer->ready);
  if (!status)
    status = pj_buffer_to_host(buffer, back, NULL, &done);
  if (!status) {
    go_on();
    status = pj_event_await(done);
    pj_event_release(done);
  }
  pj_buffer_destroy(buffer);
  if (!status)
    assert_memory_equal(back, data, sizeof back);
  return status;
}

static void test_every_allocation_may_fail(void **state) {
  (void)state;
  PjClient *client = open_client(false);
  const PjShape *shape = shape_of(2, 2);
  for (int64_t n = 0, succeeded = 0; !succeeded; n++) {
    pj_alloc_fail_after(n);
    PjStatus status = move_data(client, shape);
    pj_alloc_fail_after(-1);
    succeeded = !status;
    if (status)
      assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
    pj_status_free(status);
    assert_true(n < 1000);
  }
  pj_shape_release(shape);
  pj_client_destroy(client);
  assert_int_equal(queue.in_use, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_host_waits_for_an_event),
      cmocka_unit_test(test_what_the_call_may_keep_is_copied),
      cmocka_unit_test(test_failures_reach_the_events),
      cmocka_unit_test(test_an_allocation_waits_for_transfers),
      cmocka_unit_test(test_a_client_ends_after_its_transfers),
      cmocka_unit_test(test_callbacks_may_begin_transfers),
      cmocka_unit_test(test_a_synchronous_client_begins_nothing),
      cmocka_unit_test(test_every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

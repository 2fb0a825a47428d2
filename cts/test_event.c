// Events: ready once, asked and waited for in every order, callbacks that outlive handles.
#include "kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { SLOW = 40 }; // products of the slow program: some tens of milliseconds

// What a callback saw. Static: a callback may come late.
typedef struct Seen {
  atomic_int calls;
  PJRT_Error_Code code;
  char text[256];
  PJRT_Event *destroy; // by the callback
  PJRT_Buffer *ask;    // the callback calls back into the plugin about it
} Seen;

static void callback(PJRT_Error *error, void *user_arg) {
  Seen *seen = user_arg;
  if (error) {
    seen->code = pj_error_code(error);
    snprintf(seen->text, sizeof seen->text, "%s", pj_error_text(error));
    pj_error_free(error);
  }
  if (seen->ask) {
    is_deleted(seen->ask);
    destroy_event(ready_event(seen->ask));
    num_devices();
  }
  if (seen->destroy)
    destroy_event(seen->destroy);
  atomic_fetch_add(&seen->calls, 1);
}

static void on_ready(PJRT_Event *event, Seen *seen) {
  ARGS(Event_OnReady, args, .event = event, .callback = callback, .user_arg = seen);
  OK(Event_OnReady, args);
}

static void wait_calls(Seen *seen, int count) {
  for (double end = pj_now() + 10; atomic_load(&seen->calls) < count; pj_sleep(0.001))
    CHECK(pj_now() < end, "the callback does not come");
  pj_sleep(0.02);
  EQUAL(atomic_load(&seen->calls), count, "the number of calls of the callback");
}

// The result of a slow execution, most likely not ready, and its event.
static PJRT_Buffer *slow(PJRT_Event **done) {
  start();
  PJRT_LoadedExecutable *loaded = compile(program_slow);
  static float square[256 * 256];
  for (int i = 0; i < 256; i++)
    square[i * 257] = 1;
  int32_t rounds = SLOW;
  PJRT_Buffer *args[2] = {
      make_buffer(device, PJRT_Buffer_Type_F32, 2, (int64_t[]){256, 256}, square),
      make_buffer(device, PJRT_Buffer_Type_S32, 0, NULL, &rounds)};
  static PJRT_Buffer *outputs[1];
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  PJRT_Buffer *const *const argument_lists[1] = {args};
  PJRT_Buffer **const output_lists[1] = {outputs};
  *done = NULL;
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .num_args = 2,
       .output_lists = output_lists, .device_complete_events = done);
  OK(LoadedExecutable_Execute, run);
  CHECK(*done, "PJRT_LoadedExecutable_Execute leaves the device's event null");
  return outputs[0];
}

static PJRT_Event *create_event(void) {
  start();
  ARGS(Event_Create, args);
  OK(Event_Create, args);
  CHECK(args.event, "PJRT_Event_Create succeeds with null");
  return args.event;
}

static void set_event(PJRT_Event *event, PJRT_Error_Code code, const char *message) {
  char *copy = strdup(message);
  ARGS(Event_Set, args, .event = event, .error_code = code, .error_message = copy,
       .error_message_size = strlen(copy));
  OK(Event_Set, args);
  memset(copy, '?', strlen(copy)); // the plugin has its own
  free(copy);
}

static void await(void) {
  PJRT_Event *done;
  PJRT_Buffer *result = slow(&done);
  ARGS(Event_Await, wait, .event = done);
  OK(Event_Await, wait);
  CHECK(is_ready(done), "not ready after PJRT_Event_Await");
  OK(Event_Await, wait); // and again
  ARGS(Event_Error, error, .event = done);
  OK(Event_Error, error);
  destroy_event(done);
  await_ok(ready_event(result), "the result");
}

static void poll_ready(void) {
  PJRT_Event *done;
  slow(&done);
  for (double end = pj_now() + 30; !is_ready(done); pj_sleep(0.001))
    CHECK(pj_now() < end, "the event never becomes ready");
  CHECK(is_ready(done), "ready, and then not");
  ARGS(Event_Error, error, .event = done);
  OK(Event_Error, error);
  destroy_event(done);
}

static void pending(void) {
  static Seen seen;
  PJRT_Event *done;
  slow(&done);
  on_ready(done, &seen);
  wait_calls(&seen, 1);
  CHECK(!seen.code, "the callback gets an error: %s", seen.text);
  CHECK(is_ready(done), "the callback came, but the event is not ready");
  destroy_event(done);
}

static void late(void) {
  static Seen seen;
  PJRT_Event *done;
  slow(&done);
  ARGS(Event_Await, wait, .event = done);
  OK(Event_Await, wait);
  on_ready(done, &seen);
  wait_calls(&seen, 1);
  destroy_event(done);
}

static void several(void) {
  static Seen seen[5];
  PJRT_Event *done;
  slow(&done);
  for (int i = 0; i < 5; i++)
    on_ready(done, &seen[i]);
  for (int i = 0; i < 5; i++)
    wait_calls(&seen[i], 1);
  destroy_event(done);
}

static void destroy_first(void) {
  static Seen seen;
  PJRT_Event *done;
  slow(&done);
  on_ready(done, &seen);
  destroy_event(done);
  wait_calls(&seen, 1);
}

static void destroy_inside(void) {
  static Seen seen;
  PJRT_Event *done;
  slow(&done);
  seen.destroy = done;
  on_ready(done, &seen);
  wait_calls(&seen, 1);
}

static void calls_back(void) {
  static Seen seen;
  PJRT_Event *done;
  seen.ask = slow(&done);
  on_ready(done, &seen);
  wait_calls(&seen, 1);
  destroy_event(done);
}

static void unobserved(void) {
  PJRT_Event *done;
  PJRT_Buffer *result = slow(&done);
  destroy_event(done);
  await_ok(ready_event(result), "the result whose other event was destroyed");
  destroy_buffer(result);
}

static void handles(void) {
  PJRT_Event *done;
  PJRT_Buffer *result = slow(&done);
  destroy_event(done);
  // One handle may count its holders, or each be another: either way, each holder destroys once.
  PJRT_Event *events[50];
  for (int i = 0; i < 50; i++)
    events[i] = ready_event(result);
  for (int i = 0; i < 49; i++)
    destroy_event(events[i]);
  // Something else may now stand where an event was that was freed too early.
  PJRT_Event *others[50] = {0};
  for (int i = 0; i < 50; i++) {
    ARGS(Event_Create, another);
    if (OFFERED(Event_Create, another))
      others[i] = another.event;
  }
  await_ok(events[49], "the result");
  for (int i = 0; i < 50 && others[i]; i++)
    CHECK(!is_ready(others[i]), "another event got ready in its place");
}

static void outlives_buffer(void) {
  PJRT_Event *done;
  PJRT_Buffer *result = slow(&done);
  PJRT_Event *ready = ready_event(result);
  destroy_buffer(result);
  ARGS(Event_Await, wait, .event = ready);
  PJRT_Error *error = CALL(Event_Await, wait); // deleted or not: it fires
  if (error)
    pj_error_free(error);
  destroy_event(ready);
  await_ok(done, "the execution");
}

static void created(void) {
  PJRT_Event *event = create_event();
  CHECK(!is_ready(event), "a new event is ready");
  set_event(event, PJRT_Error_Code_OK, "");
  CHECK(is_ready(event), "not ready after PJRT_Event_Set");
  await_ok(event, "a set event");
}

static void *awaits(void *event) {
  ARGS(Event_Await, wait, .event = event);
  PJRT_Error *error = CALL(Event_Await, wait);
  CHECK(!error, "PJRT_Event_Await fails: %s", pj_error_text(error));
  return NULL;
}

static void wakes(void) {
  PJRT_Event *event = create_event();
  static Seen seen;
  on_ready(event, &seen);
  pthread_t threads[3];
  for (int i = 0; i < 3; i++)
    CHECK(pthread_create(&threads[i], NULL, awaits, event) == 0, "no thread");
  pj_sleep(0.05);
  EQUAL(atomic_load(&seen.calls), 0, "the calls of a callback before the event is set");
  set_event(event, PJRT_Error_Code_OK, "");
  for (int i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  wait_calls(&seen, 1);
  destroy_event(event);
}

static void check_error(PJRT_Error *error, const char *what) {
  CHECK(error, "%s: no error of an event that failed", what);
  PJRT_Error_Code code = pj_error_code(error);
  CHECK(code == PJRT_Error_Code_DATA_LOSS, "%s: the error is %s, not DATA_LOSS", what,
        pj_code_text(code));
  CHECK(strstr(pj_error_text(error), "seven words"), "%s: the message is '%s'", what,
        pj_error_text(error));
  pj_error_free(error);
}

static void failed(void) {
  PJRT_Event *event = create_event();
  set_event(event, PJRT_Error_Code_DATA_LOSS, "seven words");
  CHECK(is_ready(event), "an event that failed is not ready");
  for (int i = 0; i < 2; i++) { // each caller gets an error of its own
    ARGS(Event_Error, ask, .event = event);
    check_error(CALL(Event_Error, ask), "PJRT_Event_Error");
    ARGS(Event_Await, wait, .event = event);
    check_error(CALL(Event_Await, wait), "PJRT_Event_Await");
  }
  destroy_event(event);
}

static void check_seen(Seen *seen, const char *what) {
  wait_calls(seen, 1);
  CHECK(seen->code == PJRT_Error_Code_DATA_LOSS, "%s: the callback gets %s, not DATA_LOSS", what,
        pj_code_text(seen->code));
  CHECK(strstr(seen->text, "seven words"), "%s: the callback's message is '%s'", what, seen->text);
}

static void failed_callback(void) {
  static Seen before[2], after;
  PJRT_Event *event = create_event();
  on_ready(event, &before[0]);
  on_ready(event, &before[1]);
  set_event(event, PJRT_Error_Code_DATA_LOSS, "seven words");
  on_ready(event, &after);
  check_seen(&before[0], "before");
  check_seen(&before[1], "before, second");
  check_seen(&after, "after");
  destroy_event(event);
}

const PjCtsTest pj_cts_event_tests[] = {
    {"event.await", "PJRT_Event_Await returns when the work is done, and again at once", await},
    {"event.poll", "an event becomes ready without anybody waiting, and stays so", poll_ready},
    {"event.on_ready.pending", "a callback comes once when the event gets ready", pending},
    {"event.on_ready.late", "a callback on a ready event comes at once", late},
    {"event.on_ready.several", "each of several callbacks comes once", several},
    {"event.on_ready.destroy_first", "a callback comes after its handle was destroyed",
     destroy_first},
    {"event.on_ready.destroy_inside", "a callback may destroy the event's handle", destroy_inside},
    {"event.on_ready.calls_back", "a callback may call the plugin: no lock is held", calls_back},
    {"event.unobserved", "destroying a pending event does not stop the work", unobserved},
    {"event.handles", "PJRT_Buffer_ReadyEvent returns a handle of its own to each caller", handles},
    {"event.outlives_buffer", "an event fires although its buffer was destroyed", outlives_buffer},
    {"event.create.success", "a created event is ready when it is set, not before", created},
    {"event.create.wakes", "PJRT_Event_Set wakes all who wait", wakes},
    {"event.create.failed", "an event set to an error hands it out afresh each time", failed},
    {"event.create.failed_callback", "callbacks get the error of an event, and own it",
     failed_callback},
    {0}};

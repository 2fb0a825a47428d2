// The host library and plugins that break the rules of callbacks, or do not read what they are
// given: the CPU plugin's table with functions of this file in it.
#include <string.h>

#include "host/event.h"
#include "host_support.h"

static PjhEvent *pending; // of |created|, whose end the test decides
static PJRT_Event *created;

static PjhPlugin faulty(PJRT_Api *api) {
  *api = *pjh_plugin_api(host_plugin);
  return (PjhPlugin){api};
}

// An event of |plugin| that ends when it is set.
static void make_event(const PjhPlugin *plugin) {
  PJH_ARGS(Event_Create, args);
  HOST_OK(PJH_CALL(plugin, Event_Create, &args));
  created = args.event;
  pending = pjh__event_new(plugin, 1);
  assert_non_null(pending);
  pending->handles[0] = created;
}

static void end_event(const PjhPlugin *plugin, PJRT_Error_Code code) {
  PJH_ARGS(Event_Set, args);
  args.event = created;
  args.error_code = code;
  args.error_message = "it was said";
  args.error_message_size = strlen(args.error_message);
  HOST_OK(PJH_CALL(plugin, Event_Set, &args));
}

// --- Callbacks -----------------------------------------------------------------------------------

static PJRT_Event_OnReadyCallback late_callback;
static void *late_user;

// The second call, whose error the host leaves alone: it cannot know whose it is.
static void call_again(PJRT_Error *error, void *user) {
  late_callback(error, user);
  if (!error)
    return;
  PJRT_Error_Destroy_Args destroy = {.struct_size = PJRT_Error_Destroy_Args_STRUCT_SIZE};
  destroy.error = error;
  pjh_plugin_api(host_plugin)->PJRT_Error_Destroy(&destroy);
}

static PJRT_Error *on_ready_twice(PJRT_Event_OnReady_Args *args) {
  late_callback = args->callback;
  late_user = args->user_arg;
  PJRT_Error *error = pjh_plugin_api(host_plugin)->PJRT_Event_OnReady(args);
  args->callback = call_again;
  return error ? error : pjh_plugin_api(host_plugin)->PJRT_Event_OnReady(args);
}

static PJRT_Error *some_error(void) {
  PJRT_Event_OnReady_Args wrong = {.struct_size = 1};
  return pjh_plugin_api(host_plugin)->PJRT_Event_OnReady(&wrong);
}

static PJRT_Error *on_ready_called_and_refused(PJRT_Event_OnReady_Args *args) {
  args->callback(NULL, args->user_arg);
  return some_error();
}

static PJRT_Error *on_ready_refused(PJRT_Event_OnReady_Args *args) {
  return some_error();
}

typedef struct Count {
  int times;
  PJRT_Error_Code code;
} Count;

static void count_end(const PjhError *error, void *user) {
  Count *count = user;
  count->times++;
  count->code = pjh_error_code(error);
}

static void count_release(void *user) {
  ++*(int *)user;
}

static void callbacks_that_come_twice_count_once(void **state) {
  (void)state;
  PJRT_Api api;
  PjhPlugin plugin = faulty(&api);
  api.PJRT_Event_OnReady = on_ready_twice;
  for (int failed = 0; failed < 2; failed++) {
    Count count = {0}, second = {0};
    make_event(&plugin);
    HOST_OK(pjh_event_then(pending, count_end, &count));
    assert_int_equal(count.times, 0);
    end_event(&plugin, failed ? PJRT_Error_Code_ABORTED : PJRT_Error_Code_OK);
    HOST_OK(pjh_event_then(pending, count_end, &second)); // on an event that has ended
    PJH_ARGS(Event_Await, await);
    await.event = created;
    pjh_error_free(PJH_CALL(&plugin, Event_Await, &await));
    pjh_event_destroy(pending);
    late_callback(NULL, late_user); // long after
    PJRT_Error_Code expected = failed ? PJRT_Error_Code_ABORTED : PJRT_Error_Code_OK;
    assert_int_equal(count.times, 1);
    assert_int_equal(count.code, expected);
    assert_int_equal(second.times, 1);
    assert_int_equal(second.code, expected);
  }
}

static void memory_is_released_once_by_a_plugin_that_says_so_twice(void **state) {
  (void)state;
  PJRT_Api api;
  PjhPlugin plugin = faulty(&api);
  api.PJRT_Event_OnReady = on_ready_twice;
  PjhClient *client;
  HOST_OK(pjh_client_create(&plugin, NULL, 0, &client));
  const float data[] = {1, 2, 3, 4};
  const int64_t four = 4;
  int times = 0;
  PjhBuffer *x;
  HOST_OK(pjh_buffer_upload(client, 0, data, PJRT_Buffer_Type_F32, &four, 1, NULL, PJH_UPLOAD_LATER,
                            count_release, &times, &x));
  HOST_OK(pjh_buffer_await(x));
  pjh_buffer_destroy(x);
  pjh_client_destroy(client);
  assert_int_equal(times, 1);
}

static void callbacks_that_cannot_be_registered_are_called(void **state) {
  (void)state;
  PJRT_Api api;
  PjhPlugin plugin = faulty(&api);
  Count called = {0}, refused = {0};
  make_event(host_plugin);
  pending->plugin = &plugin;
  // A plugin that calls back and refuses has called back.
  api.PJRT_Event_OnReady = on_ready_called_and_refused;
  HOST_OK(pjh_event_then(pending, count_end, &called));
  assert_int_equal(called.times, 1);
  assert_int_equal(called.code, PJRT_Error_Code_OK);
  // One that only refuses: the callback hears why.
  api.PJRT_Event_OnReady = on_ready_refused;
  HOST_OK(pjh_event_then(pending, count_end, &refused));
  assert_int_equal(refused.times, 1);
  assert_int_equal(refused.code, PJRT_Error_Code_INVALID_ARGUMENT);
  end_event(host_plugin, PJRT_Error_Code_OK);
  pjh_event_destroy(pending);
}

// --- Programs as HLO -----------------------------------------------------------------------------

// An HloModuleProto: `name` (1) is "m", and no computation.
static const char hlo[] = {0x0a, 1, 'm'};
static int seen;

static void see(const PJRT_Program *program) {
  seen += program->format_size == 3 && memcmp(program->format, "hlo", 3) == 0 &&
          program->code_size == sizeof hlo && memcmp(program->code, hlo, sizeof hlo) == 0;
}

// A plugin that reads HLO: what it makes of it is another program.
static PJRT_Error *compile_hlo(PJRT_Client_Compile_Args *args) {
  see(args->program);
  PJRT_Program other = *args->program;
  other.code = (char *)(uintptr_t)host_add_one;
  other.code_size = strlen(host_add_one);
  other.format = "mlir";
  other.format_size = 4;
  args->program = &other;
  return pjh_plugin_api(host_plugin)->PJRT_Client_Compile(args);
}

static void programs_as_hlo_arrive_as_they_are(void **state) {
  (void)state;
  PJRT_Api api;
  PjhPlugin plugin = faulty(&api);
  api.PJRT_Client_Compile = compile_hlo;
  PjhClient *client;
  PjhExecutable *executable;
  HOST_OK(pjh_client_create(&plugin, NULL, 0, &client));
  const PjhCompileOptions options = {.format = "hlo"};
  HOST_OK(pjh_compile(client, hlo, sizeof hlo, &options, &executable));
  assert_int_equal(seen, 1);
  const float in[] = {1, 2, 3, 4}, out[] = {2, 3, 4, 5};
  PjhBuffer *x = host_floats(client, 0, in, 4), *y;
  HOST_OK(pjh_execute(executable, &x, 1, &y, 1));
  host_expect_floats(y, out, 4);
  pjh_buffer_destroy(x);
  pjh_buffer_destroy(y);
  pjh_executable_destroy(executable);
  pjh_client_destroy(client);
}

static void plugins_without_a_format_say_so(void **state) {
  (void)state;
  PjhExecutable *executable;
  const PjhCompileOptions options = {.format = "other"};
  HOST_FAILS_HINT(pjh_compile(host_client, hlo, sizeof hlo, &options, &executable),
                  INVALID_ARGUMENT, "program format 'other'",
                  "StableHLO (\"mlir\") is what all take");
  assert_null(executable);
  PjhTopology *topology;
  HOST_OK(pjh_topology_create(host_plugin, "", NULL, 0, &topology));
  HOST_FAILS_HINT(pjh_compile_ahead(topology, hlo, sizeof hlo, &options, &executable),
                  INVALID_ARGUMENT, "program format 'other'",
                  "StableHLO (\"mlir\") is what all take");
  assert_null(executable);
  pjh_topology_destroy(topology);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(callbacks_that_come_twice_count_once),
      cmocka_unit_test(memory_is_released_once_by_a_plugin_that_says_so_twice),
      cmocka_unit_test(callbacks_that_cannot_be_registered_are_called),
      cmocka_unit_test(programs_as_hlo_arrive_as_they_are),
      cmocka_unit_test(plugins_without_a_format_say_so),
  };
  return cmocka_run_group_tests(tests, host_setup, host_teardown);
}

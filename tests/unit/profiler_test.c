// The profiler extension: the order of calls, what a profile holds, and that none is kept.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/proto.h"
#include "base/trace.h"
#include "pjrt/extensions.h"

static PLUGIN_Profiler_Api *api(void) {
  return pj_ext_profiler.profiler_api;
}

// The code of |error|, which is freed; 0 for none.
static int code_of(PLUGIN_Profiler_Error *error) {
  if (!error)
    return 0;
  PLUGIN_Profiler_Error_GetCode_Args code = {.error = error};
  assert_null(api()->error_get_code(&code));
  PLUGIN_Profiler_Error_Message_Args message = {.error = error};
  api()->error_message(&message);
  assert_true(message.message_size > 0);
  PLUGIN_Profiler_Error_Destroy_Args destroy = {.error = error};
  api()->error_destroy(&destroy);
  return code.code;
}

static PLUGIN_Profiler *create(void) {
  PLUGIN_Profiler_Create_Args args = {.struct_size = PLUGIN_Profiler_Create_Args_STRUCT_SIZE};
  assert_int_equal(code_of(api()->create(&args)), 0);
  return args.profiler;
}

static int start(PLUGIN_Profiler *profiler) {
  PLUGIN_Profiler_Start_Args args = {.profiler = profiler};
  return code_of(api()->start(&args));
}

static int stop(PLUGIN_Profiler *profiler) {
  PLUGIN_Profiler_Stop_Args args = {.profiler = profiler};
  return code_of(api()->stop(&args));
}

static int collect(PLUGIN_Profiler *profiler, uint8_t **buffer, size_t *size) {
  PLUGIN_Profiler_CollectData_Args args = {.profiler = profiler, .buffer = *buffer};
  int code = code_of(api()->collect_data(&args));
  *buffer = args.buffer;
  *size = args.buffer_size_in_bytes;
  return code;
}

static void destroy(PLUGIN_Profiler *profiler) {
  PLUGIN_Profiler_Destroy_Args args = {.profiler = profiler};
  assert_int_equal(code_of(api()->destroy(&args)), 0);
}

static void note(const char *name) {
  PjTraceLabel label = {.kind = PJ_TRACE_STEP, .name = name, .source = "model.py:7:3", .flops = 3};
  int64_t now = pj_trace_clock();
  pj_trace_add_once(&label, now, now + 1, 5);
}

static bool holds(const uint8_t *data, size_t size, const char *text) {
  return memmem(data, size, text, strlen(text)) != NULL;
}

static void calls_in_a_wrong_order_are_refused(void **state) {
  PLUGIN_Profiler *profiler = create();
  uint8_t *buffer = NULL;
  size_t size;
  assert_int_equal(stop(profiler), PJ_FAILED_PRECONDITION);
  assert_int_equal(collect(profiler, &buffer, &size), PJ_FAILED_PRECONDITION);
  assert_int_equal(start(profiler), 0);
  assert_int_equal(start(profiler), PJ_FAILED_PRECONDITION);
  assert_int_equal(collect(profiler, &buffer, &size), PJ_FAILED_PRECONDITION);
  assert_int_equal(stop(profiler), 0);
  assert_int_equal(stop(profiler), PJ_FAILED_PRECONDITION);
  destroy(profiler);
  assert_int_equal(start(NULL), PJ_INVALID_ARGUMENT);
  assert_int_equal(code_of(api()->create(NULL)), PJ_INVALID_ARGUMENT);
}

static void holds_what_happened_while_it_was_on(void **state) {
  PLUGIN_Profiler *first = create(), *second = create();
  uint8_t *data = NULL, *borrowed = NULL, copy[4096];
  size_t size;
  assert_false(pj_trace_on());
  note("before");
  assert_int_equal(start(first), 0);
  assert_true(pj_trace_on());
  note("during");
  assert_int_equal(start(second), 0);
  note("both");
  assert_int_equal(stop(first), 0);
  note("later");
  assert_int_equal(stop(second), 0);
  assert_false(pj_trace_on());
  note("after");

  assert_int_equal(collect(first, &borrowed, &size), 0);
  assert_true(size > 0 && size < sizeof copy);
  data = copy;
  assert_int_equal(collect(first, &data, &size), 0);
  assert_memory_equal(copy, borrowed, size);
  assert_true(holds(copy, size, "during") && holds(copy, size, "both"));
  assert_true(holds(copy, size, "model.py:7:3"));
  assert_false(holds(copy, size, "before") || holds(copy, size, "later"));
  destroy(first);
  borrowed = NULL;
  assert_int_equal(collect(second, &borrowed, &size), 0);
  assert_true(holds(borrowed, size, "both") && holds(borrowed, size, "later"));
  assert_false(holds(borrowed, size, "during") || holds(borrowed, size, "after"));
  // The whole is a message with one plane.
  PjProtoReader reader = pj_proto_reader(borrowed, size);
  PjProtoField field;
  assert_true(pj_proto_next(&reader, &field) && field.number == 1 && field.type == PJ_WIRE_BYTES);
  assert_false(pj_proto_next(&reader, &field) || reader.failed);
  destroy(second);
}

static void the_log_is_emptied(void **state) {
  PLUGIN_Profiler *profiler = create();
  assert_int_equal(start(profiler), 0);
  note("old");
  destroy(profiler); // still on
  assert_false(pj_trace_on());
  profiler = create();
  uint8_t *data = NULL;
  size_t size;
  assert_int_equal(start(profiler), 0);
  assert_int_equal(stop(profiler), 0);
  assert_int_equal(collect(profiler, &data, &size), 0);
  assert_false(holds(data, size, "old"));
  destroy(profiler);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_in_a_wrong_order_are_refused),
      cmocka_unit_test(holds_what_happened_while_it_was_on),
      cmocka_unit_test(the_log_is_emptied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

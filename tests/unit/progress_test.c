// Progress of compilations: reports, cancellation, the limit of time, threads that help.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/progress.h"
#include "runtime/executable.h"

static void expect_code(PjStatus status, PjCode code) {
  if (pj_status_code(status) != code)
    fail_msg("%s instead of %s: %s", pj_code_name(pj_status_code(status)), pj_code_name(code),
             pj_status_message(status));
  pj_status_free(status);
}

typedef struct Seen {
  PjProgress *progress;
  int count;
  const char *phase;
  int64_t done, total;
  bool cancel; // at the first report
} Seen;

static void note(void *context, const char *phase, int64_t done, int64_t total) {
  Seen *seen = context;
  seen->count++;
  seen->phase = phase;
  seen->done = done;
  seen->total = total;
  if (seen->cancel)
    seen->progress->cancelled = true;
}

static void test_ticks(void **state) {
  expect_code(pj_compile_tick("nothing", 0, 0), PJ_OK);
  Seen seen = {0};
  PjProgress progress = {.report = note, .context = &seen}, inner = {0};
  pj_progress_begin(&progress);
  assert_ptr_equal(pj_progress_current(), &progress);
  expect_code(pj_compile_tick("first", 3, 7), PJ_OK);
  assert_int_equal(seen.count, 1);
  assert_string_equal(seen.phase, "first");
  assert_true(seen.done == 3 && seen.total == 7);
  // Not at each tick.
  for (int i = 0; i < 100; ++i)
    expect_code(pj_compile_tick("second", i, 100), PJ_OK);
  assert_true(seen.count < 50);
  pj_progress_begin(&inner);
  inner.cancelled = true;
  expect_code(pj_compile_tick("inner", 0, 0), PJ_CANCELLED);
  pj_progress_end(&inner);
  expect_code(pj_compile_tick("outer", 0, 0), PJ_OK);
  pj_progress_end(&progress);
  assert_null(pj_progress_current());
}

static void *tick_elsewhere(void *arg) {
  // This thread's compilations are others.
  PjStatus own = pj_compile_tick("own", 0, 0);
  return own ? own : pj_progress_tick(arg, "helping", 0, 0);
}

static void test_helpers_are_cancelled_too(void **state) {
  PjProgress progress = {.cancelled = true};
  pj_progress_begin(&progress);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, tick_elsewhere, &progress), 0);
  void *status;
  pthread_join(thread, &status);
  expect_code(status, PJ_CANCELLED);
  pj_progress_end(&progress);
}

static void test_limit(void **state) {
  PjProgress progress = {.limit_s = 1e-6};
  pj_progress_begin(&progress);
  struct timespec nap = {.tv_nsec = 2000000};
  nanosleep(&nap, NULL);
  expect_code(pj_compile_tick("late", 0, 0), PJ_DEADLINE_EXCEEDED);
  pj_progress_end(&progress);
}

static PjStatus compile(PjProgress *progress) {
  static const char text[] = "func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {\n"
                             "  %y = stablehlo.add %x, %x : tensor<8xf32>\n"
                             "  return %y : tensor<8xf32>\n"
                             "}\n";
  PjExecutable *executable = NULL;
  if (progress)
    pj_progress_begin(progress);
  PjStatus status = pj_executable_compile(&pj_compiler_native, pj_str(text), PJ_STR("mlir"),
                                          PJ_STR(""), &executable);
  if (progress)
    pj_progress_end(progress);
  assert_true((executable != NULL) == (status == NULL));
  pj_executable_release(executable);
  return status;
}

static void test_compilations_tell_and_stop(void **state) {
  expect_code(compile(NULL), PJ_OK);
  assert_null(pj_progress_current());
  Seen seen = {0};
  PjProgress progress = {.report = note, .context = &seen};
  expect_code(compile(&progress), PJ_OK);
  assert_true(seen.count > 0);
  assert_null(progress.name);
  // From within the first report.
  seen = (Seen){.progress = &progress, .cancel = true};
  expect_code(compile(&progress), PJ_CANCELLED);
  progress = (PjProgress){.limit_s = 1e-9};
  expect_code(compile(&progress), PJ_DEADLINE_EXCEEDED);
  // The next one is not concerned.
  expect_code(compile(NULL), PJ_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ticks),
      cmocka_unit_test(test_helpers_are_cancelled_too),
      cmocka_unit_test(test_limit),
      cmocka_unit_test(test_compilations_tell_and_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

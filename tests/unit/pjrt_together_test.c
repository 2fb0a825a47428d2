// Everything at once, through the C API: threads compile, run chains of donated buffers, read, and
// destroy executables and buffers whose runs, copies and callbacks are still under way. Worth most
// under the sanitizers.
#include "pjrt_util.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 4, ROUNDS = 24, SIZE = 3000, CHAIN = 5, KINDS = 5 };

static PJRT_LoadedExecutable *shared;
static PJRT_Buffer *ones, *prizes[ROUNDS];
static atomic_int called, winners[ROUNDS];

// Adds |number| + 1 times the second operand to the first, in whose place the result is left.
static PJRT_LoadedExecutable *compile_number(int number) {
  char text[1000];
  snprintf(text, sizeof text,
           "func.func @main(%%a: tensor<%dxf32> {tf.aliasing_output = 0 : i32}, %%b: "
           "tensor<%dxf32>) -> tensor<%dxf32> {\n"
           "  %%c = stablehlo.constant dense<%d.0> : tensor<%dxf32>\n"
           "  %%0 = stablehlo.multiply %%b, %%c : tensor<%dxf32>\n"
           "  %%1 = stablehlo.add %%a, %%0 : tensor<%dxf32>\n"
           "  return %%1 : tensor<%dxf32>\n}\n",
           SIZE, SIZE, SIZE, number + 1, SIZE, SIZE, SIZE, SIZE);
  return compile(text);
}

static PJRT_Buffer *filled(float value) {
  const int64_t dims[] = {SIZE};
  float data[SIZE];
  for (int i = 0; i < SIZE; ++i)
    data[i] = value;
  return make_buffer(device_at(0), PJRT_Buffer_Type_F32, 1, dims, data);
}

static void count_call(PJRT_Error *error, void *user_arg) {
  (void)user_arg;
  assert_null(error);
  ++called;
}

static void expect_filled(PJRT_Buffer *buffer, float value) {
  float out[SIZE];
  read_buffer(buffer, out, sizeof out);
  for (int i = 0; i < SIZE; ++i)
    if (out[i] != value)
      fail_msg("element %d is %g instead of %g", i, (double)out[i], (double)value);
}

// A chain of runs, each on what the last leaves; nothing waits before the end, and executable and
// buffers are gone before they are used.
static void run_chain(int number, bool own) {
  PJRT_LoadedExecutable *executable = own ? compile_number(number) : shared;
  PJRT_Buffer *at = filled(1);
  for (int i = 0; i < CHAIN; ++i) {
    PJRT_Buffer *args[] = {at, ones}, *out;
    expect_ok(try_execute(executable, 2, args, &out), "run", __FILE__, __LINE__);
    destroy_buffer(at);
    at = out;
  }
  ARGS(Buffer_ReadyEvent, ready, .buffer = at);
  OK(Buffer_ReadyEvent, ready);
  ARGS(Event_OnReady, call, .event = ready.event, .callback = count_call);
  OK(Event_OnReady, call);
  ARGS(Event_Destroy, destroy, .event = ready.event);
  OK(Event_Destroy, destroy);
  if (own)
    destroy_executable(executable);
  expect_filled(at, (float)(1 + CHAIN * (number + 1)));
  destroy_buffer(at);
}

// To the other device and back, the source gone before the copy is made.
static void copy_around(void) {
  PJRT_Buffer *buffer = filled(7);
  for (size_t i = 0; i < 2; ++i) {
    ARGS(Buffer_CopyToDevice, copy, .buffer = buffer, .dst_device = device_at(1 - i));
    OK(Buffer_CopyToDevice, copy);
    destroy_buffer(buffer);
    buffer = copy.dst_buffer;
  }
  expect_filled(buffer, 7);
  destroy_buffer(buffer);
}

// All threads give the same buffer away: to one of them only.
static void take_prize(int round) {
  PJRT_Buffer *args[] = {prizes[round], ones}, *out;
  PJRT_Error *error = try_execute(shared, 2, args, &out);
  if (error) {
    expect_error(error, PJRT_Error_Code_INVALID_ARGUMENT, "deleted", "prize", __FILE__, __LINE__);
    return;
  }
  ++winners[round];
  expect_filled(out, 4);
  destroy_buffer(out);
}

static void *take_part(void *arg) {
  const int me = (int)(intptr_t)arg;
  for (int round = 0; round < ROUNDS; ++round) {
    const int number = (me + round) % KINDS;
    run_chain(number, true);
    run_chain(0, false);
    take_prize(round);
    copy_around();
    expect_filled(ones, 1);
  }
  return NULL;
}

static void test_everything_at_once(void **state) {
  (void)state;
  pthread_t threads[THREADS];
  shared = compile_number(0);
  ones = filled(1);
  for (int i = 0; i < ROUNDS; ++i)
    prizes[i] = filled(3);
  for (intptr_t i = 0; i < THREADS; ++i)
    assert_int_equal(pthread_create(&threads[i], NULL, take_part, (void *)i), 0);
  for (int i = 0; i < THREADS; ++i)
    pthread_join(threads[i], NULL);
  for (int i = 0; i < 10000 && called < 2 * THREADS * ROUNDS; ++i) // callbacks may come late
    usleep(1000);
  assert_int_equal(called, 2 * THREADS * ROUNDS);
  for (int i = 0; i < ROUNDS; ++i) {
    assert_int_equal(winners[i], 1);
    assert_true(is_deleted(prizes[i]));
    destroy_buffer(prizes[i]);
  }
  destroy_buffer(ones);
  destroy_executable(shared);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_at_once)};
  return cmocka_run_group_tests(tests, plugin_setup, plugin_teardown);
}

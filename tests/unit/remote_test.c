// Devices whose memory the host cannot address: programs run on copies or by the device, with every
// compiler of the host's, and every allocation failing in turn.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/alloc.h"
#include "runtime/buffer.h"
#include "runtime/execute.h"
#include "runtime/transfer_manager.h"

static void expect(PjStatus status) {
  if (status)
    fail_msg("%s: %s", pj_code_name(pj_status_code(status)), pj_status_message(status));
}

enum { REMOTE_N = 5 };

// Runs x * x + y on the null platform, whose device memory the host does not see, with |compiler|.
static void run_on_null(const PjPlatform *platform, const PjCompilerOps *compiler, bool donate) {
  char text[512];
  snprintf(text, sizeof text,
           "func.func @main(%%x: tensor<5xf32>%s, %%y: tensor<5xf32>) -> (tensor<5xf32>, "
           "tensor<5xf32>) {\n"
           "  %%0 = stablehlo.multiply %%x, %%x : tensor<5xf32>\n"
           "  %%1 = stablehlo.add %%0, %%y : tensor<5xf32>\n"
           "  return %%1, %%y : tensor<5xf32>, tensor<5xf32>\n}\n",
           donate ? " {tf.aliasing_output = 0 : i32}" : "");
  static const float data[REMOTE_N] = {1, 2, 3, 4, 5};
  PjClient *client;
  expect(pj_client_create(platform, &(PjClientOptions){0}, &client));
  assert_true(client->remote);
  assert_false(client->devices[0]->memories[PJ_MEMORY_DEVICE]->host_visible);
  PjExecutable *executable;
  PjLoadedExecutable *loaded;
  expect(pj_executable_compile(compiler, pj_str(text), PJ_STR("mlir"), PJ_STR(""), &executable));
  expect(pj_executable_load(client, executable, &loaded));
  PjBuffer *in[2], *out[2], *const *args[1] = {in}, **const outputs[1] = {out};
  for (int i = 0; i < 2; i++) {
    PjEvent *done;
    expect(pj_buffer_from_host(client->devices[0]->memories[PJ_MEMORY_DEVICE],
                               executable->signature.params[i].shape, data, NULL,
                               PJ_HOST_ONLY_DURING_CALL, &done, &in[i]));
    pj_event_release(done);
    assert_false(pj_buffer_is_on_host(in[i]));
  }
  PjExecution execution = {.num_devices = 1, .num_args = 2, .args = args, .outputs = outputs};
  expect(pj_execute(loaded, &execution));
  assert_int_equal(pj_buffer_is_deleted(in[0]), donate);
  for (int k = 0; k < 2; k++) {
    float back[REMOTE_N];
    PjEvent *done;
    expect(pj_buffer_to_host(out[k], back, NULL, &done));
    expect(pj_event_await(done));
    pj_event_release(done);
    for (int i = 0; i < REMOTE_N; i++)
      assert_true(back[i] == (k ? data[i] : data[i] * data[i] + data[i]));
    pj_buffer_destroy(out[k]);
    pj_buffer_destroy(in[k]);
  }
  pj_loaded_release(loaded);
  pj_executable_release(executable);
  pj_client_destroy(client);
}

static int launches;

// A device that runs programs itself: its processor addresses what the null device allocates.
static void launch_here(PjDriver *driver, int device, const PjDeviceRun *run, PjCompletion *done) {
  launches++;
  assert_string_equal(run->name, "main");
  assert_int_equal(run->num_inputs, 2);
  assert_int_equal(run->num_outputs, 2);
  assert_int_equal(run->input_bytes[1], REMOTE_N * sizeof(float));
  assert_int_equal(run->output_bytes[0], REMOTE_N * sizeof(float));
  done->fn(done, run->run(run->context, run->inputs, run->outputs));
}

static void test_programs_run_where_the_host_cannot_look(void **state) {
  (void)state;
  PjDeviceOps launching = pj_device_null;
  launching.launch = launch_here;
  const PjPlatform platform = {&launching, &pj_compiler_native, "test", NULL};
  const PjCompilerOps *const compilers[] = {&pj_compiler_eval, &pj_compiler_native};
  for (int i = 0; i < 4; i++) {
    run_on_null(&pj_platform_null, compilers[i / 2], i % 2);
    launches = 0;
    run_on_null(&platform, compilers[i / 2], i % 2);
    assert_int_equal(launches, 1);
  }
}

// --- Waiting for devices -------------------------------------------------------------------------

enum { TOGETHER = 3 };

static struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int arrived;
  bool alone; // a launch waited in vain
  pthread_t host;
  bool on_host;
} meeting = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

typedef struct Together {
  const PjDeviceRun *run;
  PjCompletion *done;
  pthread_t thread;
} Together;
static Together launched[TOGETHER];
static int num_launched;

// The device: a thread for each launch, which ends when as many are under way as the test begins.
static void *work_together(void *arg) {
  const Together *together = arg;
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 20;
  pthread_mutex_lock(&meeting.lock);
  meeting.on_host |= pthread_equal(meeting.host, pthread_self()) != 0;
  meeting.arrived++;
  pthread_cond_broadcast(&meeting.changed);
  while (meeting.arrived < TOGETHER && !meeting.alone)
    meeting.alone = pthread_cond_timedwait(&meeting.changed, &meeting.lock, &until) != 0;
  pthread_mutex_unlock(&meeting.lock);
  const PjDeviceRun *run = together->run;
  together->done->fn(together->done, run->run(run->context, run->inputs, run->outputs));
  return NULL;
}

static void launch_together(PjDriver *driver, int device, const PjDeviceRun *run,
                            PjCompletion *done) {
  Together *together = &launched[num_launched++]; // the only thread for tasks begins them in turn
  *together = (Together){run, done, 0};
  assert_int_equal(pthread_create(&together->thread, NULL, work_together, together), 0);
}

typedef struct Idle {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool ran;
} Idle;

static void note_idle(void *arg) {
  Idle *idle = arg;
  pthread_mutex_lock(&idle->lock);
  idle->ran = true;
  pthread_cond_signal(&idle->changed);
  pthread_mutex_unlock(&idle->lock);
}

static void begin_one(PjLoadedExecutable *loaded, PjBuffer **out) {
  PjBuffer *const *none = NULL;
  const PjExecution execution = {.num_devices = 1, .args = &none, .outputs = &out};
  expect(pj_execute(loaded, &execution));
}

// The host begins executions and goes on, be they ever so cheap. The only thread for tasks begins
// them all, and does something else while they are under way.
static void test_executions_wait_for_the_device_together(void **state) {
  (void)state;
  static const char text[] = "func.func @main() -> tensor<2xf32> {\n"
                             "  %0 = stablehlo.iota dim = 0 : tensor<2xf32>\n"
                             "  return %0 : tensor<2xf32>\n}\n";
  PjDeviceOps launching = pj_device_null;
  launching.launch = launch_together;
  const PjPlatform platform = {&launching, &pj_compiler_native, "test", NULL};
  PjClient *client;
  expect(pj_client_create(&platform, &(PjClientOptions){.threads = 1}, &client));
  PjExecutable *executable;
  PjLoadedExecutable *loaded;
  expect(pj_executable_compile(platform.compiler, pj_str(text), PJ_STR("mlir"), PJ_STR(""),
                               &executable));
  expect(pj_executable_load(client, executable, &loaded));
  meeting.host = pthread_self();
  PjBuffer *out[TOGETHER];
  for (int i = 0; i < TOGETHER - 1; i++)
    begin_one(loaded, &out[i]);
  pthread_mutex_lock(&meeting.lock);
  while (meeting.arrived < TOGETHER - 1)
    pthread_cond_wait(&meeting.changed, &meeting.lock);
  pthread_mutex_unlock(&meeting.lock);
  Idle idle = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
  PjTask task = {.fn = note_idle, .arg = &idle};
  pj_workers_submit(client->workers, &task);
  pthread_mutex_lock(&idle.lock);
  while (!idle.ran)
    pthread_cond_wait(&idle.changed, &idle.lock);
  pthread_mutex_unlock(&idle.lock);
  begin_one(loaded, &out[TOGETHER - 1]);
  for (int i = 0; i < TOGETHER; i++) {
    expect(pj_event_await(out[i]->ready));
    pj_buffer_destroy(out[i]);
    pthread_join(launched[i].thread, NULL);
  }
  assert_false(meeting.alone);
  assert_false(meeting.on_host);
  pj_loaded_release(loaded);
  pj_executable_release(executable);
  pj_client_destroy(client);
}

// What is narrower than a byte is stored in its canonical form there, too.
static void test_narrow_elements_elsewhere(void **state) {
  (void)state;
  PjClient *client;
  expect(pj_client_create(&pj_platform_null, &(PjClientOptions){0}, &client));
  PjMemory *memory = client->devices[0]->memories[PJ_MEMORY_DEVICE];
  const int64_t dims[1] = {3};
  const PjShape *shape;
  expect(pj_shape_create(PJ_DT_S4, 1, dims, NULL, &shape));
  PjTransferManager *manager;
  expect(pj_transfer_manager_create(memory, &shape, 1, &manager));
  PjBuffer *buffer;
  expect(pj_transfer_manager_retrieve(manager, 0, &buffer));
  static const uint8_t raw[3] = {0x0f, 0x17, 0x08};
  expect(pj_transfer_manager_write(manager, 0, raw, 0, 3, true));
  int8_t back[3];
  PjEvent *done;
  expect(pj_buffer_to_host(buffer, back, NULL, &done));
  expect(pj_event_await(done));
  pj_event_release(done);
  assert_int_equal(back[0], -1);
  assert_int_equal(back[1], 7);
  assert_int_equal(back[2], -8);
  pj_buffer_destroy(buffer);
  pj_transfer_manager_destroy(manager);
  expect(pj_buffer_uninitialized(memory, shape, &buffer));
  expect(pj_buffer_to_host(buffer, back, NULL, &done));
  expect(pj_event_await(done));
  pj_event_release(done);
  assert_int_equal(back[0] | back[1] | back[2], 0);
  pj_buffer_destroy(buffer);
  pj_shape_release(shape);
  pj_client_destroy(client);
}

// --- Exhausted memory ----------------------------------------------------------------------------

static const char program[] =
    "func.func @main(%a: tensor<4xf32> {jax.buffer_donor = true}, %b: tensor<4xf32>) -> "
    "(tensor<4xf32>, tensor<4xf32>) {\n"
    "  %0 = stablehlo.add %a, %b : tensor<4xf32>\n"
    "  return %0, %b : tensor<4xf32>, tensor<4xf32>\n}\n";

typedef struct Objects {
  PjClient *client;
  PjExecutable *executable;
  PjLoadedExecutable *loaded;
  PjBuffer *args[2], *outputs[2];
} Objects;

static PjStatus run_everything(const PjPlatform *platform, Objects *o) {
  static const float data[4] = {1, 2, 3, 4};
  PJ_TRY(pj_client_create(platform, &(PjClientOptions){.synchronous = true}, &o->client));
  PJ_TRY(pj_executable_compile(platform->compiler, pj_str(program), PJ_STR("mlir"), PJ_STR(""),
                               &o->executable));
  PJ_TRY(pj_executable_load(o->client, o->executable, &o->loaded));
  PjEvent *done;
  for (int i = 0; i < 2; i++) {
    PJ_TRY(pj_buffer_from_host(o->client->devices[0]->memories[PJ_MEMORY_DEVICE],
                               o->executable->signature.params[i].shape, data, NULL,
                               PJ_HOST_ONLY_DURING_CALL, &done, &o->args[i]));
    pj_event_release(done);
  }
  PjBuffer *const *list = o->args, **outputs = o->outputs;
  const PjExecution execution = {
      .num_devices = 1, .num_args = 2, .args = &list, .outputs = &outputs};
  PJ_TRY(pj_execute(o->loaded, &execution));
  float out[4];
  PJ_TRY(pj_buffer_to_host(o->outputs[0], out, NULL, &done));
  PjStatus status = pj_event_await(done);
  pj_event_release(done);
  if (!status)
    assert_true(out[3] == 8);
  return status;
}

static void fail_each_allocation(const PjPlatform *platform) {
  for (int64_t n = 0, succeeded = 0; !succeeded; n++) {
    Objects o = {0};
    pj_alloc_fail_after(n);
    PjStatus status = run_everything(platform, &o);
    pj_alloc_fail_after(-1);
    succeeded = !status;
    if (status && pj_status_code(status) != PJ_RESOURCE_EXHAUSTED)
      fail_msg("allocation %lld: %s: %s", (long long)n, pj_code_name(pj_status_code(status)),
               pj_status_message(status));
    pj_status_free(status);
    for (int i = 0; i < 2; i++) {
      pj_buffer_destroy(o.args[i]);
      pj_buffer_destroy(o.outputs[i]);
    }
    pj_loaded_release(o.loaded);
    pj_executable_release(o.executable);
    pj_client_destroy(o.client);
    assert_true(n < 100000);
  }
}

static void launch_plain(PjDriver *driver, int device, const PjDeviceRun *run, PjCompletion *done) {
  done->fn(done, run->run(run->context, run->inputs, run->outputs));
}

static void test_every_allocation_may_fail(void **state) {
  (void)state;
  fail_each_allocation(&pj_platform_null);
  PjDeviceOps launching = pj_device_null;
  launching.launch = launch_plain;
  fail_each_allocation(&(PjPlatform){&launching, &pj_compiler_eval, "test", NULL});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_programs_run_where_the_host_cannot_look),
      cmocka_unit_test(test_executions_wait_for_the_device_together),
      cmocka_unit_test(test_narrow_elements_elsewhere),
      cmocka_unit_test(test_every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

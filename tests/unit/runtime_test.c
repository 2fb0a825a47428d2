// The runtime below the surface: the caching allocator, workers, strided copies, protocol buffers,
// the null device, and every allocation failing in turn.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/pages.h"
#include "base/proto.h"
#include "device/cpu/memory.h"
#include "runtime/buffer.h"
#include "runtime/copy.h"
#include "runtime/execute.h"
#include "runtime/stride.h"

static void expect(PjStatus status) {
  if (status)
    fail_msg("%s: %s", pj_code_name(pj_status_code(status)), pj_status_message(status));
}

// --- Allocator -----------------------------------------------------------------------------------

static void test_memory_is_counted(void **state) {
  (void)state;
  PjCpuMemory *memory = pj_cpu_memory_create();
  PjDeviceStats stats;
  pj_pages_trim();
  void *block = pj_cpu_memory_alloc(memory, 100000), *small = pj_cpu_memory_alloc(memory, 10);
  assert_int_equal((uintptr_t)block % 64, 0);
  pj_cpu_memory_stats(memory, &stats);
  assert_int_equal(stats.bytes_in_use, 100010);
  assert_int_equal(stats.largest_alloc_size, 100000);
  pj_cpu_memory_free(memory, block, 100000);
  pj_cpu_memory_free(memory, small, 10);
  pj_cpu_memory_stats(memory, &stats);
  assert_int_equal(stats.bytes_in_use, 0);
  assert_int_equal(stats.peak_bytes_in_use, 100010);
  assert_int_equal(stats.num_allocs, 2);
  assert_int_equal(stats.pool_bytes, pj_pages_kept());
  assert_true(stats.peak_pool_bytes >= stats.pool_bytes);
  pj_cpu_memory_reset_peaks(memory);
  pj_cpu_memory_stats(memory, &stats);
  assert_int_equal(stats.peak_bytes_in_use, 0);
  assert_int_equal(stats.largest_alloc_size, 0);
  pj_cpu_memory_destroy(memory);
}

// --- Workers -------------------------------------------------------------------------------------

typedef struct Count {
  PjTask task;
  _Atomic int *counter;
  pthread_barrier_t *barrier;
  _Atomic bool *started; // or NULL
} Count;

static void count_task(void *arg) {
  Count *count = arg;
  if (count->started)
    atomic_store(count->started, true);
  if (count->barrier)
    pthread_barrier_wait(count->barrier);
  atomic_fetch_add(count->counter, 1);
}

static void test_workers(void **state) {
  (void)state;
  enum { TASKS = 500, GANG = 12, ROUNDS = 20 };
  PjWorkers *workers;
  expect(pj_workers_create(2, &workers));
  _Atomic int counter = 0;
  static Count counts[TASKS], gang[ROUNDS][GANG];
  pthread_barrier_t barriers[ROUNDS];
  for (int i = 0; i < TASKS; i++) {
    counts[i] = (Count){.counter = &counter};
    counts[i].task = (PjTask){.fn = count_task, .arg = &counts[i]};
    pj_workers_submit(workers, &counts[i].task);
    // Gangs among them: each waits for all of its members, more than the two ordinary threads.
    if (i % (TASKS / ROUNDS) == 0) {
      int round = i / (TASKS / ROUNDS);
      pthread_barrier_init(&barriers[round], NULL, GANG);
      PjTask *tasks[GANG];
      for (int k = 0; k < GANG; k++) {
        gang[round][k] = (Count){.counter = &counter, .barrier = &barriers[round]};
        gang[round][k].task = (PjTask){.fn = count_task, .arg = &gang[round][k]};
        tasks[k] = &gang[round][k].task;
      }
      expect(pj_workers_submit_gang(workers, tasks, GANG));
    }
  }
  pj_workers_destroy(workers);
  assert_int_equal(atomic_load(&counter), TASKS + ROUNDS * GANG);
  for (int i = 0; i < ROUNDS; i++)
    pthread_barrier_destroy(&barriers[i]);
}

// A task that waits for another one, as a Python callback may.
typedef struct Blocked {
  PjTask task, inner;
  PjWorkers *workers;
  PjEvent *event;
} Blocked;

static void set_event(void *arg) {
  pj_event_set(((Blocked *)arg)->event, NULL);
}

static void wait_for_inner(void *arg) {
  Blocked *blocked = arg;
  pj_workers_block_begin(blocked->workers);
  pj_workers_submit(blocked->workers, &blocked->inner);
  expect(pj_event_await(blocked->event));
  pj_workers_block_end(blocked->workers);
}

static void test_blocked_tasks_let_others_work(void **state) {
  (void)state;
  PjWorkers *workers;
  expect(pj_workers_create(1, &workers));
  static Blocked blocked[8];
  for (int i = 0; i < 8; i++) {
    blocked[i] = (Blocked){.workers = workers, .event = pj_event_create()};
    blocked[i].task = (PjTask){.fn = wait_for_inner, .arg = &blocked[i]};
    blocked[i].inner = (PjTask){.fn = set_event, .arg = &blocked[i]};
    pj_workers_submit(workers, &blocked[i].task);
  }
  for (int i = 0; i < 8; i++)
    expect(pj_event_await(blocked[i].event));
  pj_workers_destroy(workers);
  for (int i = 0; i < 8; i++)
    pj_event_release(blocked[i].event);
}

static pid_t checked_fork(void) {
  pid_t child = fork();
  if (child == 0) { // one that hangs fails; threads of pools block all signals
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    alarm(20);
  }
  return child;
}

static void expect_success(pid_t child) {
  int status;
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 0);
}

// While one task runs and another one waits for it: in the child the first is gone, the second is
// done once there are threads again.
static void test_a_child_of_fork_has_workers(void **state) {
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
  // The first knows no threads in a child; a lock of the second's may be held by a thread that the
  // child does not have (1 run in 100 on a full machine).
  skip();
#endif
  enum { TASKS = 50, GANG = 3 };
  PjWorkers *workers;
  expect(pj_workers_create(1, &workers));
  _Atomic int counter = 0;
  static Count running, waiting, counts[TASKS], gang[GANG];
  pthread_barrier_t barrier, of_gang;
  pthread_barrier_init(&barrier, NULL, 2);
  pthread_barrier_init(&of_gang, NULL, GANG);
  _Atomic bool started = false;
  running = (Count){.counter = &counter, .barrier = &barrier, .started = &started};
  running.task = (PjTask){.fn = count_task, .arg = &running};
  waiting = (Count){.counter = &counter};
  waiting.task = (PjTask){.fn = count_task, .arg = &waiting};
  pj_workers_submit(workers, &running.task);
  while (!atomic_load(&started))
    sched_yield();
  pj_workers_submit(workers, &waiting.task);
  pid_t child = checked_fork();
  if (child != 0)
    pthread_barrier_wait(&barrier);
  for (int i = 0; i < TASKS; i++) {
    counts[i] = (Count){.counter = &counter};
    counts[i].task = (PjTask){.fn = count_task, .arg = &counts[i]};
    pj_workers_submit(workers, &counts[i].task);
  }
  PjTask *tasks[GANG];
  for (int i = 0; i < GANG; i++) {
    gang[i] = (Count){.counter = &counter, .barrier = &of_gang};
    gang[i].task = (PjTask){.fn = count_task, .arg = &gang[i]};
    tasks[i] = &gang[i].task;
  }
  expect(pj_workers_submit_gang(workers, tasks, GANG));
  pj_workers_destroy(workers);
  if (child == 0)
    _exit(atomic_load(&counter) == TASKS + GANG + 1 ? 0 : 1);
  assert_int_equal(atomic_load(&counter), TASKS + GANG + 2);
  expect_success(child);
  pthread_barrier_destroy(&barrier);
  pthread_barrier_destroy(&of_gang);
}

// A task forks, as a Python callback may: the child's only thread is one of the pool's.
static void fork_in_task(void *arg) {
  Blocked *blocked = arg;
  pj_workers_block_begin(blocked->workers);
  pid_t child = checked_fork();
  if (child == 0) {
    pj_workers_submit(blocked->workers, &blocked->inner);
    _exit(pj_event_await(blocked->event) == NULL ? 0 : 1);
  }
  expect_success(child);
  pj_workers_block_end(blocked->workers);
  pj_event_set(blocked->event, NULL);
}

static void test_a_task_may_fork(void **state) {
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
  skip(); // their own locks do not survive a fork on another thread than the first
#endif
  Blocked blocked = {.event = pj_event_create()};
  expect(pj_workers_create(1, &blocked.workers));
  blocked.task = (PjTask){.fn = fork_in_task, .arg = &blocked};
  blocked.inner = (PjTask){.fn = set_event, .arg = &blocked};
  pj_workers_submit(blocked.workers, &blocked.task);
  expect(pj_event_await(blocked.event));
  pj_workers_destroy(blocked.workers);
  pj_event_release(blocked.event);
}

// --- Strides -------------------------------------------------------------------------------------

static void test_strided_copies(void **state) {
  (void)state;
  srand(7);
  static uint8_t src[1 << 16], dst[1 << 16];
  for (size_t i = 0; i < sizeof src; i++)
    src[i] = (uint8_t)rand();
  static const size_t sizes[] = {1, 2, 4, 8, 16, 3};
  for (int round = 0; round < 400; round++) {
    size_t elem = sizes[round % 6];
    int rank = rand() % 6;
    int64_t dims[6], order[6], from[6], to[6], start = 0;
    for (int i = 0; i < rank; i++) {
      dims[i] = rand() % 5;
      order[i] = i;
    }
    for (int i = rank - 1; i > 0; i--) {
      int k = rand() % (i + 1);
      int64_t swap = order[i];
      order[i] = order[k];
      order[k] = swap;
    }
    pj_dense_strides(elem, rank, dims, NULL, to);
    pj_dense_strides(elem, rank, dims, order, from);
    for (int i = 0; i < rank; i++) {
      if (rand() % 3 || !dims[i])
        continue;
      start += from[i] * (dims[i] - 1);
      from[i] = -from[i];
    }
    memset(dst, 0, sizeof dst);
    pj_copy_strided_bytes(NULL, elem, rank, dims, dst, to, src + start, from);
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
      count *= dims[i];
    for (int64_t n = 0; n < count; n++) {
      int64_t rest = n, at = start;
      for (int i = rank - 1; i >= 0; i--) {
        at += rest % dims[i] * from[i];
        rest /= dims[i];
      }
      assert_memory_equal(dst + (size_t)n * elem, src + at, elem);
    }
  }
}

// Large enough for tiles, bands and several threads.
static void test_large_strided_copies(void **state) {
  (void)state;
  PjThreads *threads;
  expect(pj_threads_create(3, &threads));
  static const size_t sizes[] = {1, 2, 4, 8, 16, 3, 40};
  for (int round = 0; round < 7 * 3; round++) {
    size_t elem = sizes[round % 7];
    const int64_t dims[3] = {5, 131 + round, 517 - 9 * round};
    static const int64_t orders[3][3] = {{0, 1, 2}, {1, 2, 0}, {2, 0, 1}};
    int64_t from[3], to[3], count = dims[0] * dims[1] * dims[2];
    pj_dense_strides(elem, 3, dims, NULL, to);
    pj_dense_strides(elem, 3, dims, orders[round / 7], from);
    uint8_t *src = malloc((size_t)count * elem), *dst = malloc((size_t)count * elem);
    assert_true(src && dst);
    for (int64_t i = 0; i < count * (int64_t)elem; i++)
      src[i] = (uint8_t)rand();
    pj_copy_strided_bytes(threads, elem, 3, dims, dst, to, src, from);
    const uint8_t *at = dst;
    for (int64_t i = 0; i < dims[0]; i++)
      for (int64_t j = 0; j < dims[1]; j++)
        for (int64_t k = 0; k < dims[2]; k++, at += elem)
          if (memcmp(at, src + i * from[0] + j * from[1] + k * from[2], elem) != 0)
            fail_msg("elements of %zu bytes, round %d: wrong at %d,%d,%d", elem, round, (int)i,
                     (int)j, (int)k);
    free(src);
    free(dst);
  }
  pj_threads_destroy(threads);
}

static void test_large_copies(void **state) {
  (void)state;
  PjThreads *threads;
  expect(pj_threads_create(3, &threads));
  static const size_t sizes[] = {0, 1, 100, 524287, 524288, 700001, 3 << 20, (16 << 20) + 77};
  uint8_t *src = malloc(17 << 20), *dst = malloc(17 << 20);
  assert_true(src && dst);
  for (size_t i = 0; i < 17 << 20; i++)
    src[i] = (uint8_t)(i * 2654435761u >> 13);
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
    for (size_t shift = 0; shift < 70; shift += 23) {
      memset(dst, 0xEE, sizes[s] + 200);
      pj_copy_bytes(threads, dst + shift, src + 5, sizes[s]);
      assert_memory_equal(dst + shift, src + 5, sizes[s]);
      for (size_t i = 0; i < shift; i++)
        assert_int_equal(dst[i], 0xEE);
      for (size_t i = shift + sizes[s]; i < sizes[s] + 200; i++)
        assert_int_equal(dst[i], 0xEE);
    }
  free(src);
  free(dst);
  pj_threads_destroy(threads);
}

// --- Protocol buffers ----------------------------------------------------------------------------

static void test_proto(void **state) {
  (void)state;
  PjStrBuf text = {0};
  const int64_t ints[3] = {1, 300, -1};
  pj_proto_put_varint(&text, 1, UINT64_MAX);
  pj_proto_put_bytes(&text, 2, PJ_STR("abc"));
  pj_proto_put_ints(&text, 3, ints, 3);
  PjProtoReader reader = pj_proto_reader(text.data, text.len);
  PjProtoField field;
  assert_true(pj_proto_next(&reader, &field));
  assert_true(field.number == 1 && field.value == UINT64_MAX);
  assert_true(pj_proto_next(&reader, &field));
  assert_true(pj_str_is(field.bytes, "abc"));
  assert_true(pj_proto_next(&reader, &field));
  PjProtoInts cursor = {0};
  int64_t value;
  for (int i = 0; i < 3; i++) {
    assert_true(pj_proto_ints(&field, &cursor, &value));
    assert_true(value == ints[i]);
  }
  assert_false(pj_proto_ints(&field, &cursor, &value));
  assert_false(pj_proto_next(&reader, &field));
  assert_false(reader.failed);
  // Cut within a field it fails, and never reads beyond the end.
  for (size_t size = 1; size < text.len; size++) {
    char *copy = malloc(size);
    memcpy(copy, text.data, size);
    reader = pj_proto_reader(copy, size);
    while (pj_proto_next(&reader, &field)) {
      cursor = (PjProtoInts){0};
      while (field.number == 3 && pj_proto_ints(&field, &cursor, &value)) {
      }
    }
    free(copy);
  }
  pj_strbuf_free(&text);
}

static void test_compile_options(void **state) {
  (void)state;
  PjCompileOptions options;
  // A device assignment of 1 replica x 2 partitions on devices 1 and 0.
  static const char good[] = {0x1a, 18,   0x20, 1, 0x28, 2,    0x4a, 12, 8, 1,    16,
                              2,    0x1a, 2,    8, 1,    0x1a, 2,    8,  0, 0x30, 1};
  PjStatus status = pj_compile_options_parse(good, sizeof good - 2, &options);
  assert_null(status);
  assert_int_equal(options.num_partitions, 2);
  assert_int_equal(options.device_ids[0], 1);
  assert_int_equal(options.device_ids[1], 0);
  pj_compile_options_clear(&options);
  // One that is for other counts.
  static const char other[] = {0x1a, 10, 0x20, 1, 0x28, 3, 0x4a, 4, 0x1a, 2, 8, 1};
  status = pj_compile_options_parse(other, sizeof other, &options);
  assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
  pj_status_free(status);
  pj_compile_options_clear(&options);
  // Any bytes at all.
  srand(11);
  for (int round = 0; round < 20000; round++) {
    char bytes[24];
    size_t size = (size_t)rand() % sizeof bytes;
    memcpy(bytes, good, size < sizeof good ? size : sizeof good);
    for (int k = 0; k < 3; k++)
      bytes[rand() % (int)sizeof bytes] = (char)rand();
    pj_status_free(pj_compile_options_parse(bytes, size, &options));
    pj_compile_options_clear(&options);
  }
}

// --- The null device -----------------------------------------------------------------------------

static void test_null_device_moves_data(void **state) {
  (void)state;
  PjClient *client;
  const PjClientOptions options = {.device_count = 2};
  expect(pj_client_create(&pj_platform_null, &options, &client));
  const int64_t dims[2] = {2, 3}, strides[2] = {4, 8}; // column-major
  const int32_t data[6] = {1, 2, 3, 4, 5, 6}, expected[6] = {1, 3, 5, 2, 4, 6};
  const PjShape *shape;
  expect(pj_shape_create(PJ_DT_S32, 2, dims, NULL, &shape));
  PjEvent *done;
  PjBuffer *buffer, *copy;
  expect(pj_buffer_from_host(client->devices[0]->memories[PJ_MEMORY_DEVICE], shape, data, strides,
                             PJ_HOST_ZERO_COPY, &done, &buffer));
  assert_true(pj_event_is_ready(done)); // copied: the device cannot use host memory
  pj_event_release(done);
  assert_false(pj_buffer_is_on_host(buffer));
  expect(
      pj_buffer_copy_to_memory(buffer, client->devices[1]->memories[PJ_MEMORY_PINNED_HOST], &copy));
  assert_true(pj_buffer_is_on_host(copy));
  int32_t out[6];
  expect(pj_buffer_to_host(buffer, out, NULL, &done));
  expect(pj_event_await(done));
  pj_event_release(done);
  assert_memory_equal(out, expected, sizeof out);
  expect(pj_buffer_to_host(copy, out, strides, &done));
  expect(pj_event_await(done));
  pj_event_release(done);
  assert_memory_equal(out, data, sizeof out);
  pj_buffer_destroy(buffer);
  pj_buffer_destroy(copy);
  pj_shape_release(shape);
  pj_client_destroy(client);
}

// --- Exhausted memory ----------------------------------------------------------------------------

static const char program[] =
    "func.func @main(%a: tensor<4xf32> {jax.buffer_donor = true}, %b: tensor<4xf32>) -> "
    "(tensor<4xf32>, tensor<4xf32>) {\n"
    "  %0 = stablehlo.add %a, %b : tensor<4xf32>\n"
    "  %1 = stablehlo.tanh %0 : tensor<4xf32>\n"
    "  return %0, %1 : tensor<4xf32>, tensor<4xf32>\n}\n";

static PjStatus make(PjClient *client, const PjShape *shape, PjBuffer **out) {
  static const float data[4] = {1, 2, 3, 4};
  PjEvent *done;
  PJ_TRY(pj_buffer_from_host(client->devices[0]->memories[PJ_MEMORY_DEVICE], shape, data, NULL,
                             PJ_HOST_ONLY_DURING_CALL, &done, out));
  pj_event_release(done);
  return PJ_STATUS_OK;
}

typedef struct Objects {
  PjClient *client;
  const PjShape *shape;
  PjExecutable *executable, *again;
  PjLoadedExecutable *loaded;
  PjBuffer *args[2], *outputs[2];
  PjEvent *done;
  PjStrBuf bytes;
} Objects;

static PjStatus run_everything(Objects *o) {
  const PjClientOptions options = {.device_count = 1};
  const int64_t dims[1] = {4};
  PJ_TRY(pj_client_create(&pj_platform_cpu, &options, &o->client));
  PJ_TRY(pj_shape_create(PJ_DT_F32, 1, dims, NULL, &o->shape));
  PJ_TRY(pj_executable_compile(&pj_compiler_eval, pj_str(program), PJ_STR("mlir"), PJ_STR(""),
                               &o->executable));
  PJ_TRY(pj_executable_serialize(o->executable, &o->bytes));
  PJ_TRY(pj_executable_deserialize(&pj_compiler_eval, (PjStr){o->bytes.data, o->bytes.len},
                                   PJ_STR(""), &o->again));
  PJ_TRY(pj_executable_load(o->client, o->again, &o->loaded));
  for (int i = 0; i < 2; i++)
    PJ_TRY(make(o->client, o->shape, &o->args[i]));
  PjBuffer *const *list = o->args, **outputs = o->outputs;
  const PjExecution execution = {
      .num_devices = 1, .num_args = 2, .args = &list, .outputs = &outputs, .done = &o->done};
  PJ_TRY(pj_execute(o->loaded, &execution));
  PJ_TRY(pj_event_await(o->done));
  float out[4];
  PjEvent *copied;
  PJ_TRY(pj_buffer_to_host(o->outputs[0], out, NULL, &copied));
  PjStatus status = pj_event_await(copied);
  pj_event_release(copied);
  if (!status)
    assert_true(out[3] == 8);
  return status;
}

static void clear(Objects *o) {
  for (int i = 0; i < 2; i++) {
    pj_buffer_destroy(o->args[i]);
    pj_buffer_destroy(o->outputs[i]);
  }
  pj_event_release(o->done);
  pj_loaded_release(o->loaded);
  pj_executable_release(o->again);
  pj_executable_release(o->executable);
  pj_shape_release(o->shape);
  pj_strbuf_free(&o->bytes);
  pj_client_destroy(o->client);
}

// --- Where programs run --------------------------------------------------------------------------

static pthread_t ran_on;

static PjStatus note_compile(PjModule *module, const PjCompileOptions *options, PjCompiled **out) {
  *out = NULL;
  return PJ_STATUS_OK;
}

static void note_destroy(PjCompiled *compiled) {}

static void note_stats(const PjCompiled *compiled, PjCompiledStats *out) {
  *out = (PjCompiledStats){0};
}

static PjStatus note_run(const PjCompiled *compiled, const PjRunContext *context,
                         uint32_t num_inputs, PjArray *const *inputs, const bool *may_overwrite,
                         uint32_t num_outputs, PjArray *const *outputs) {
  ran_on = pthread_self();
  return pj_array_allocate(outputs[0]);
}

// Runs |loaded| on |input|; true if it did so within the call.
static bool runs_within_call(PjLoadedExecutable *loaded, PjBuffer *input) {
  PjBuffer *output, *const *args[1] = {&input}, **const outputs[1] = {&output};
  PjEvent *done;
  PjExecution execution = {
      .num_devices = 1, .num_args = 1, .args = args, .outputs = outputs, .done = &done};
  expect(pj_execute(loaded, &execution));
  bool ready = pj_event_is_ready(done) && pj_event_is_ready(output->ready);
  expect(pj_event_await(done));
  bool here = pthread_equal(ran_on, pthread_self());
  if (here)
    assert_true(ready);
  pj_event_release(done);
  pj_buffer_destroy(output);
  return here;
}

static void test_short_runs_stay_in_the_call(void **state) {
  (void)state;
  static const PjCompilerOps compiler = {.name = "note",
                                         .compile = note_compile,
                                         .destroy = note_destroy,
                                         .stats = note_stats,
                                         .run = note_run};
  static const char text[] = "func.func @main(%x: tensor<f32>) -> tensor<f32> {\n"
                             "  %y = stablehlo.while(%i = %x) : tensor<f32> cond {\n"
                             "    %c = stablehlo.compare LT, %i, %i : (tensor<f32>, tensor<f32>) "
                             "-> tensor<i1>\n"
                             "    stablehlo.return %c : tensor<i1>\n"
                             "  } do {\n"
                             "    stablehlo.return %i : tensor<f32>\n"
                             "  }\n"
                             "  return %y : tensor<f32>\n"
                             "}\n";
  PjClient *client;
  PjPlatform platform = pj_platform_cpu;
  platform.compiler = &compiler;
  expect(pj_client_create(&platform, &(PjClientOptions){0}, &client));
  PjExecutable *executable;
  PjLoadedExecutable *loaded;
  expect(pj_executable_compile(&compiler, pj_str(text), PJ_STR("mlir"), PJ_STR(""), &executable));
  expect(pj_executable_load(client, executable, &loaded));
  const PjShape *shape = executable->signature.params[0].shape;
  PjBuffer *input;
  expect(pj_buffer_uninitialized(client->devices[0]->memories[PJ_MEMORY_DEVICE], shape, &input));

  // Nothing bounds a loop's time: first it runs elsewhere, and is measured.
  assert_false(runs_within_call(loaded, input));
  assert_true(executable->run_ns > 0);
  executable->run_ns = 1000;
  assert_true(runs_within_call(loaded, input));
  executable->run_ns = 1000000000;
  assert_false(runs_within_call(loaded, input));
  // What may wait for others never holds up its caller.
  executable->run_ns = 1000;
  executable->cost.may_wait = true;
  assert_false(runs_within_call(loaded, input));

  pj_buffer_destroy(input);
  pj_loaded_release(loaded);
  pj_executable_release(executable);
  pj_client_destroy(client);
}

static void test_every_allocation_may_fail(void **state) {
  (void)state;
  int64_t n = 0;
  for (bool succeeded = false; !succeeded; n++) {
    Objects objects = {0};
    pj_alloc_fail_after(n);
    PjStatus status = run_everything(&objects);
    pj_alloc_fail_after(-1);
    succeeded = !status;
    if (status && pj_status_code(status) != PJ_RESOURCE_EXHAUSTED)
      fail_msg("allocation %lld: %s: %s", (long long)n, pj_code_name(pj_status_code(status)),
               pj_status_message(status));
    pj_status_free(status);
    clear(&objects);
    assert_true(n < 100000);
  }
  print_message("%lld allocations\n", (long long)n);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_memory_is_counted),
      cmocka_unit_test(test_workers),
      cmocka_unit_test(test_blocked_tasks_let_others_work),
      cmocka_unit_test(test_a_child_of_fork_has_workers),
      cmocka_unit_test(test_a_task_may_fork),
      cmocka_unit_test(test_strided_copies),
      cmocka_unit_test(test_large_strided_copies),
      cmocka_unit_test(test_large_copies),
      cmocka_unit_test(test_proto),
      cmocka_unit_test(test_compile_options),
      cmocka_unit_test(test_null_device_moves_data),
      cmocka_unit_test(test_short_runs_stay_in_the_call),
      cmocka_unit_test(test_every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

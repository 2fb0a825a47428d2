// Many threads, and many devices.
#include "kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 6, ROUNDS = 100 };

static PJRT_LoadedExecutable *shared;
static PJRT_Buffer *common;

static void in_threads(void *(*run)(void *)) {
  pthread_t threads[THREADS];
  for (size_t i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, run, (void *)(i + 1)) == 0, "no thread");
  for (int i = 0; i < THREADS; i++)
    pthread_join(threads[i], NULL);
}

static void *executes(void *arg) {
  float own = (float)(size_t)arg * 1000;
  for (int i = 0; i < ROUNDS; i++) {
    float x = own + (float)i;
    PJRT_Buffer *args[2] = {make_f32(4, (float[]){x, x, x, x}), common}, *out;
    execute(shared, 2, args, &out);
    expect_f32(out, 4, (float[]){x + 1, x + 2, x + 3, x + 4}, "a sum, in one of several threads");
    destroy_buffer(args[0]);
    destroy_buffer(out);
  }
  return NULL;
}

static void execute_shared(void) {
  start();
  shared = compile(program_add);
  common = make_f32(4, (float[]){1, 2, 3, 4});
  in_threads(executes);
  destroy_buffer(common);
  destroy_loaded(shared);
  stop();
}

static void *compiles(void *arg) {
  for (int i = 0; i < 5; i++) {
    char text[512];
    int shift = (int)(size_t)arg * 10 + i;
    snprintf(text, sizeof text,
             "func.func public @main(%%a: tensor<4xf32>) -> tensor<4xf32> {\n"
             "  %%c = stablehlo.constant dense<%d.0> : tensor<4xf32>\n"
             "  %%0 = stablehlo.add %%a, %%c : tensor<4xf32>\n"
             "  return %%0 : tensor<4xf32>\n}\n",
             shift);
    size_t size;
    static const char options[] = {0x1a, 4, 0x20, 1, 0x28, 1}; // one replica, one partition
    size = sizeof options;
    PJRT_LoadedExecutable *loaded;
    pj_expect_ok(PJ_SLOT_Client_Compile,
                 try_compile(text, strlen(text), "mlir", options, size, &loaded), __FILE__,
                 __LINE__);
    PJRT_Buffer *in = make_f32(4, (float[]){0, 1, 2, 3}), *out;
    execute(loaded, 1, &in, &out);
    float s = (float)shift;
    expect_f32(out, 4, (float[]){s, s + 1, s + 2, s + 3}, "a program compiled in a thread");
    destroy_buffer(in);
    destroy_buffer(out);
    destroy_loaded(loaded);
  }
  return NULL;
}

static void compile_many(void) {
  start();
  in_threads(compiles);
  stop();
}

static void *reads(void *arg) {
  (void)arg;
  for (int i = 0; i < ROUNDS; i++) {
    expect_f32(common, 4, (float[]){1, 2, 3, 4}, "a buffer that several threads read");
    await_ok(ready_event(common), "the buffer");
    CHECK(!is_deleted(common), "the buffer is deleted");
  }
  return NULL;
}

static void read_shared(void) {
  start();
  common = make_f32(4, (float[]){1, 2, 3, 4});
  in_threads(reads);
  destroy_buffer(common);
  stop();
}

static atomic_int called;
static void count(PJRT_Error *error, void *user_arg) {
  (void)user_arg;
  if (error)
    pj_error_free(error);
  atomic_fetch_add(&called, 1);
}

static PJRT_Event *event;
static void *registers(void *arg) {
  (void)arg;
  for (int i = 0; i < ROUNDS; i++) {
    ARGS(Event_OnReady, args, .event = event, .callback = count);
    OK(Event_OnReady, args);
    is_ready(event);
  }
  return NULL;
}

static void *sets(void *arg) {
  (void)arg;
  ARGS(Event_Set, args, .event = event);
  OK(Event_Set, args);
  return NULL;
}

static void callbacks(void) {
  start();
  for (int round = 0; round < 20; round++) {
    ARGS(Event_Create, make);
    OK(Event_Create, make);
    event = make.event;
    atomic_store(&called, 0);
    pthread_t setter;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
      CHECK(pthread_create(&threads[i], NULL, registers, NULL) == 0, "no thread");
    CHECK(pthread_create(&setter, NULL, sets, NULL) == 0, "no thread");
    for (int i = 0; i < THREADS; i++)
      pthread_join(threads[i], NULL);
    pthread_join(setter, NULL);
    for (double end = pj_now() + 10; atomic_load(&called) < THREADS * ROUNDS; pj_sleep(0.001))
      CHECK(pj_now() < end, "%d of %d callbacks came", atomic_load(&called), THREADS * ROUNDS);
    EQUAL(atomic_load(&called), THREADS * ROUNDS, "the number of callbacks");
    destroy_event(event);
  }
  stop();
}

static void *fails(void *arg) {
  for (int i = 0; i < ROUNDS; i++) {
    int id = 1000 * (int)(size_t)arg + i + 100000;
    char number[16];
    snprintf(number, sizeof number, "%d", id);
    ARGS(Client_LookupDevice, args, .client = client, .id = id);
    PJRT_Error *error = CALL(Client_LookupDevice, args);
    CHECK(error, "device %d is found", id);
    const char *text = pj_error_text(error);
    // The message may leave the number out, but may not show that of another thread.
    for (const char *digits = strstr(text, "10"); digits; digits = NULL)
      CHECK(strstr(text, number), "the message of another thread's error: %s, for %s", text,
            number);
    pj_error_free(error);
  }
  return NULL;
}

static void errors(void) {
  start();
  in_threads(fails);
  stop();
}

static void *clients(void *arg) {
  (void)arg;
  for (int i = 0; i < 5; i++) {
    ARGS(Client_Create, make, .create_options = pj_options, .num_options = pj_num_options);
    PJRT_Error *error = CALL(Client_Create, make);
    if (error) {
      const char *text = pj_error_text(error);
      pj_not_offered("a second client: %s", text);
    }
    ARGS(Client_Destroy, destroy, .client = make.client);
    OK(Client_Destroy, destroy);
  }
  return NULL;
}

static void create_clients(void) {
  pj_initialize();
  in_threads(clients);
}

const PjCtsTest pj_cts_thread_tests[] = {
    {"thread.execute", "one executable runs in several threads", execute_shared},
    {"thread.compile", "several threads compile at a time", compile_many},
    {"thread.read", "several threads read one buffer", read_shared},
    {"thread.callbacks", "callbacks from several threads, while another sets the event", callbacks},
    {"thread.errors", "errors of several threads do not mix", errors},
    {"thread.clients", "clients come and go in several threads", create_clients},
    {0}};

// --- Several devices -----------------------------------------------------------------------------

static void place(void) {
  start_several(2);
  size_t n = num_devices() < 4 ? num_devices() : 4;
  for (size_t i = 0; i < n; i++) {
    PJRT_Buffer *b =
        make_buffer(device_at(i), PJRT_Buffer_Type_F32, 1, (int64_t[]){2}, (float[]){(float)i, 1});
    ARGS(Buffer_Device, on, .buffer = b);
    OK(Buffer_Device, on);
    CHECK(on.device == device_at(i), "a buffer for device %zu is on another", i);
    expect_f32(b, 2, (float[]){(float)i, 1}, "its contents");
    destroy_buffer(b);
  }
  stop();
}

static void copy(void) {
  start_several(2);
  PJRT_Buffer *b = make_f32(3, (float[]){1, 2, 3});
  ARGS(Buffer_CopyToDevice, args, .buffer = b, .dst_device = device_at(1));
  OK(Buffer_CopyToDevice, args);
  CHECK(args.dst_buffer && args.dst_buffer != b, "the copy is null, or the buffer itself");
  ARGS(Buffer_Device, on, .buffer = args.dst_buffer);
  OK(Buffer_Device, on);
  CHECK(on.device == device_at(1), "the copy is on another device");
  destroy_buffer(b);
  expect_f32(args.dst_buffer, 3, (float[]){1, 2, 3}, "the copy on the second device");
  destroy_buffer(args.dst_buffer);
  stop();
}

static void copy_memory(void) {
  start_several(2);
  PJRT_Buffer *b = make_f32(3, (float[]){1, 2, 3});
  ARGS(Buffer_CopyToMemory, args, .buffer = b, .dst_memory = default_memory(device_at(1)));
  OK(Buffer_CopyToMemory, args);
  ARGS(Buffer_Device, on, .buffer = args.dst_buffer);
  OK(Buffer_Device, on);
  CHECK(on.device == device_at(1), "the copy is on another device");
  destroy_buffer(b);
  expect_f32(args.dst_buffer, 3, (float[]){1, 2, 3}, "the copy on the second device");
  destroy_buffer(args.dst_buffer);
  stop();
}

static void run_second(void) {
  start_several(2);
  pj_first_device = 1;
  PJRT_LoadedExecutable *loaded = compile(program_add);
  ARGS(LoadedExecutable_AddressableDevices, list, .executable = loaded);
  OK(LoadedExecutable_AddressableDevices, list);
  EQUAL(list.num_addressable_devices, 1, "the number of devices");
  CHECK(list.addressable_devices[0] == device_at(1), "the program is not on the assigned device");
  device = device_at(1);
  PJRT_Buffer *a = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  execute(loaded, 2, (PJRT_Buffer *[]){a, a}, &out);
  ARGS(Buffer_Device, on, .buffer = out);
  OK(Buffer_Device, on);
  CHECK(on.device == device, "the result is not on the assigned device");
  expect_f32(out, 4, (float[]){2, 4, 6, 8}, "the result on the second device");
  destroy_buffer(a);
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static const char all_reduce[] =
    "module @sum attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 2 : i32} {\n"
    "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
    "  %0 = \"stablehlo.all_reduce\"(%a) ({\n"
    "    ^bb0(%x: tensor<f32>, %y: tensor<f32>):\n"
    "      %s = stablehlo.add %x, %y : tensor<f32>\n"
    "      stablehlo.return %s : tensor<f32>\n"
    "  }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4xf32>) -> "
    "tensor<4xf32>\n"
    "  return %0 : tensor<4xf32>\n}\n}\n";

static PJRT_LoadedExecutable *compile_two(void) {
  size_t size;
  const char *options = compile_options(2, 1, &size);
  PJRT_LoadedExecutable *loaded;
  pj_expect_ok(PJ_SLOT_Client_Compile,
               try_compile(all_reduce, sizeof all_reduce - 1, "mlir", options, size, &loaded),
               __FILE__, __LINE__);
  return loaded;
}

static PJRT_Buffer *on_device(size_t index, float value) {
  return make_buffer(device_at(index), PJRT_Buffer_Type_F32, 1, (int64_t[]){4},
                     (float[]){value, value, value, value});
}

static void replicas(void) {
  start_several(2);
  PJRT_LoadedExecutable *loaded = compile_two();
  PJRT_Executable *executable = executable_of(loaded);
  ARGS(Executable_NumReplicas, n, .executable = executable);
  OK(Executable_NumReplicas, n);
  EQUAL(n.num_replicas, 2, "the number of replicas");
  ARGS(LoadedExecutable_AddressableDeviceLogicalIds, ids, .executable = loaded);
  if (OFFERED(LoadedExecutable_AddressableDeviceLogicalIds, ids)) {
    EQUAL(ids.num_addressable_device_logical_ids, 2, "the number of logical ids");
    EQUAL(ids.addressable_device_logical_ids[0].replica +
              10 * ids.addressable_device_logical_ids[1].replica,
          10, "the replicas of the two devices, as 10 b + a,");
  }
  for (int round = 0; round < 10; round++) {
    float x = (float)round;
    PJRT_Buffer *in[2] = {on_device(0, x), on_device(1, 100)}, *out[2];
    PJRT_Buffer *const *const argument_lists[2] = {&in[0], &in[1]};
    PJRT_Buffer **const output_lists[2] = {&out[0], &out[1]};
    PJRT_Event *done[2] = {NULL, NULL};
    PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                   .launch_id = round};
    ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
         .argument_lists = argument_lists, .num_devices = 2, .num_args = 1,
         .output_lists = output_lists, .device_complete_events = done);
    OK(LoadedExecutable_Execute, run);
    for (size_t i = 0; i < 2; i++) {
      CHECK(done[i], "the event of device %zu is null", i);
      await_ok(done[i], "a device");
      expect_f32(out[i], 4, (float[]){x + 100, x + 100, x + 100, x + 100}, "the sum over replicas");
      ARGS(Buffer_Device, on, .buffer = out[i]);
      OK(Buffer_Device, on);
      CHECK(on.device == device_at(i), "result %zu is on another device", i);
      destroy_buffer(in[i]);
      destroy_buffer(out[i]);
    }
  }
  destroy_executable(executable);
  destroy_loaded(loaded);
  stop();
}

// Collectives of two replicas: what device 0 and 1 put in and get out, four elements each.
static const struct {
  const char *name, *promise, *body;
  size_t out_count;
  float want[2][8];
} collectives[] = {
    {"devices.all_gather",
     "all_gather joins the parts in the order of the group",
     "  %0 = \"stablehlo.all_gather\"(%a) <{all_gather_dim = 0 : i64, replica_groups = dense<[[0, "
     "1]]> : tensor<1x2xi64>}> : (tensor<4xf32>) -> tensor<8xf32>\n",
     8,
     {{1, 2, 3, 4, 10, 20, 30, 40}, {1, 2, 3, 4, 10, 20, 30, 40}}},
    {"devices.reduce_scatter",
     "reduce_scatter sums, and each device gets its part",
     "  %0 = \"stablehlo.reduce_scatter\"(%a) <{scatter_dimension = 0 : i64, replica_groups = "
     "dense<[[0, 1]]> : tensor<1x2xi64>}> ({\n"
     "    ^bb0(%x: tensor<f32>, %y: tensor<f32>):\n"
     "      %s = stablehlo.add %x, %y : tensor<f32>\n"
     "      stablehlo.return %s : tensor<f32>\n"
     "  }) : (tensor<4xf32>) -> tensor<2xf32>\n",
     2,
     {{11, 22}, {33, 44}}},
    {"devices.all_to_all",
     "all_to_all exchanges parts",
     "  %0 = \"stablehlo.all_to_all\"(%a) <{split_dimension = 0 : i64, concat_dimension = 0 : i64, "
     "split_count = 2 : i64, replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}> : "
     "(tensor<4xf32>) -> tensor<4xf32>\n",
     4,
     {{1, 2, 10, 20}, {3, 4, 30, 40}}},
    {"devices.collective_permute",
     "collective_permute sends along its pairs, and zeros elsewhere",
     "  %0 = \"stablehlo.collective_permute\"(%a) <{source_target_pairs = dense<[[0, 1]]> : "
     "tensor<1x2xi64>}> : (tensor<4xf32>) -> tensor<4xf32>\n",
     4,
     {{0, 0, 0, 0}, {1, 2, 3, 4}}},
    {"devices.collective_broadcast",
     "collective_broadcast gives all what the first of the group has",
     "  %0 = \"stablehlo.collective_broadcast\"(%a) <{replica_groups = dense<[[1, 0]]> : "
     "tensor<1x2xi64>}> : (tensor<4xf32>) -> tensor<4xf32>\n",
     4,
     {{10, 20, 30, 40}, {10, 20, 30, 40}}},
    {"devices.collective_reduce",
     "collective_reduce gives the sum to the first of the group, and zeros elsewhere",
     "  %0 = \"stablehlo.collective_reduce\"(%a) ({\n"
     "    ^bb0(%x: tensor<f32>, %y: tensor<f32>):\n"
     "      %s = stablehlo.add %x, %y : tensor<f32>\n"
     "      stablehlo.return %s : tensor<f32>\n"
     "  }) {replica_groups = dense<[[1, 0]]> : tensor<1x2xi64>} : (tensor<4xf32>) -> "
     "tensor<4xf32>\n",
     4,
     {{0, 0, 0, 0}, {11, 22, 33, 44}}},
    {"devices.cross_replica_sum",
     "cross-replica-sum gives all the sum",
     "  %0 = \"stablehlo.cross-replica-sum\"(%a) <{replica_groups = dense<[[0, 1]]> : "
     "tensor<1x2xi64>}> : (tensor<4xf32>) -> tensor<4xf32>\n",
     4,
     {{11, 22, 33, 44}, {11, 22, 33, 44}}},
    {"devices.async",
     "a collective between async_start and async_done is that collective",
     "  %f = \"stablehlo.async_start\"(%a) ({\n"
     "    ^bb0(%b: tensor<4xf32>):\n"
     "      %g = \"stablehlo.all_gather\"(%b) <{all_gather_dim = 0 : i64, replica_groups = "
     "dense<[[1, 0]]> : tensor<1x2xi64>}> : (tensor<4xf32>) -> tensor<8xf32>\n"
     "      stablehlo.return %g : tensor<8xf32>\n"
     "  }) : (tensor<4xf32>) -> !stablehlo.future<tensor<8xf32>>\n"
     "  %0 = \"stablehlo.async_done\"(%f) : (!stablehlo.future<tensor<8xf32>>) -> "
     "tensor<8xf32>\n",
     8,
     {{10, 20, 30, 40, 1, 2, 3, 4}, {10, 20, 30, 40, 1, 2, 3, 4}}},
    {"devices.send_recv",
     "what a device sends along a pair, the other receives",
     "  %t = stablehlo.create_token : !stablehlo.token\n"
     "  %u = \"stablehlo.send\"(%a, %t) <{channel_handle = #stablehlo.channel_handle<handle = 0, "
     "type = 1>, is_host_transfer = false, source_target_pairs = dense<[[0, 1], [1, 0]]> : "
     "tensor<2x2xi64>}> : (tensor<4xf32>, !stablehlo.token) -> !stablehlo.token\n"
     "  %0, %v = \"stablehlo.recv\"(%u) <{channel_handle = #stablehlo.channel_handle<handle = 0, "
     "type = 1>, is_host_transfer = false, source_target_pairs = dense<[[0, 1], [1, 0]]> : "
     "tensor<2x2xi64>}> : (!stablehlo.token) -> (tensor<4xf32>, !stablehlo.token)\n",
     4,
     {{10, 20, 30, 40}, {1, 2, 3, 4}}},
    {"devices.send_recv.one_way",
     "a device that no pair names as a target receives zeros",
     "  %t = stablehlo.create_token : !stablehlo.token\n"
     "  %u = \"stablehlo.send\"(%a, %t) <{channel_handle = #stablehlo.channel_handle<handle = 0, "
     "type = 1>, is_host_transfer = false, source_target_pairs = dense<[[0, 1]]> : "
     "tensor<1x2xi64>}> : (tensor<4xf32>, !stablehlo.token) -> !stablehlo.token\n"
     "  %0, %v = \"stablehlo.recv\"(%u) <{channel_handle = #stablehlo.channel_handle<handle = 0, "
     "type = 1>, is_host_transfer = false, source_target_pairs = dense<[[0, 1]]> : "
     "tensor<1x2xi64>}> : (!stablehlo.token) -> (tensor<4xf32>, !stablehlo.token)\n",
     4,
     {{0, 0, 0, 0}, {1, 2, 3, 4}}},
    {"devices.replica_id",
     "replica_id tells the devices apart",
     "  %i = stablehlo.replica_id : tensor<ui32>\n"
     "  %f = stablehlo.convert %i : (tensor<ui32>) -> tensor<f32>\n"
     "  %b = stablehlo.broadcast_in_dim %f, dims = [] : (tensor<f32>) -> tensor<4xf32>\n"
     "  %0 = stablehlo.add %a, %b : tensor<4xf32>\n",
     4,
     {{1, 2, 3, 4}, {11, 21, 31, 41}}},
};

// Runs on the first two devices with four elements each.
static void run_pair(PJRT_LoadedExecutable *pair, size_t out_count, const float (*want)[8],
                     const char *what) {
  static const float data[2][4] = {{1, 2, 3, 4}, {10, 20, 30, 40}};
  PJRT_Buffer *in[2], *out[2];
  for (size_t i = 0; i < 2; i++)
    in[i] = make_buffer(device_at(i), PJRT_Buffer_Type_F32, 1, (int64_t[]){4}, data[i]);
  PJRT_Buffer *const *const argument_lists[2] = {&in[0], &in[1]};
  PJRT_Buffer **const output_lists[2] = {&out[0], &out[1]};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  ARGS(LoadedExecutable_Execute, run, .executable = pair, .options = &options,
       .argument_lists = argument_lists, .num_devices = 2, .num_args = 1,
       .output_lists = output_lists);
  OK(LoadedExecutable_Execute, run);
  for (size_t i = 0; i < 2; i++) {
    expect_f32(out[i], out_count, want[i], what);
    destroy_buffer(in[i]);
    destroy_buffer(out[i]);
  }
}

static void collective(size_t row) {
  start_several(2);
  char text[2048];
  snprintf(text, sizeof text,
           "module @pair attributes {mhlo.num_partitions = 1 : i32, mhlo.num_replicas = 2 : i32} "
           "{\nfunc.func public @main(%%a: tensor<4xf32>) -> tensor<%zuxf32> {\n%s"
           "  return %%0 : tensor<%zuxf32>\n}\n}\n",
           collectives[row].out_count, collectives[row].body, collectives[row].out_count);
  size_t size;
  const char *options = compile_options(2, 1, &size);
  PJRT_LoadedExecutable *pair;
  pj_expect_ok(PJ_SLOT_Client_Compile,
               try_compile(text, strlen(text), "mlir", options, size, &pair), __FILE__, __LINE__);
  run_pair(pair, collectives[row].out_count, collectives[row].want, "what a device gets");
  destroy_loaded(pair);
  stop();
}

bool pj_cts_collective_test(size_t row, PjCtsTest *out) {
  if (row >= sizeof collectives / sizeof *collectives)
    return false;
  *out = (PjCtsTest){.name = collectives[row].name,
                     .promise = collectives[row].promise,
                     .run_row = collective,
                     .row = row};
  return true;
}

// Shapes in a partitioned program are those of the whole; each device holds its half. |head|:
// before the function; |sharding|: the attribute of the argument and of the result.
static void partitions(const char *head, const char *sharding) {
  start_several(2);
  char text[1024];
  snprintf(text, sizeof text,
           "module @halves attributes {mhlo.num_partitions = 2 : i32, mhlo.num_replicas = 1 : i32} "
           "{\n%sfunc.func public @main(%%a: tensor<8xf32> {%s}) -> (tensor<8xf32> {%s}) {\n"
           "  %%0 = stablehlo.reverse %%a, dims = [0] : tensor<8xf32>\n"
           "  return %%0 : tensor<8xf32>\n}\n}\n",
           head, sharding, sharding);
  size_t size;
  const char *options = compile_options(1, 2, &size);
  PJRT_LoadedExecutable *pair;
  PJRT_Error *error = try_compile(text, strlen(text), "mlir", options, size, &pair);
  if (error) {
    const char *message = pj_error_text(error);
    pj_not_offered("programs in two partitions: %s", message);
  }
  static const float want[2][8] = {{40, 30, 20, 10}, {4, 3, 2, 1}};
  run_pair(pair, 4, want, "half of the reversed array");
  destroy_loaded(pair);
  stop();
}

static void partitions_shardy(void) {
  partitions("sdy.mesh @mesh = <[\"x\"=2]>\n", "sdy.sharding = #sdy.sharding<@mesh, [{\"x\"}]>");
}

static void partitions_gspmd(void) {
  partitions("", "mhlo.sharding = \"{devices=[2]<=[2]}\"");
}

static void *one_device(void *arg) {
  size_t index = (size_t)arg;
  for (int round = 0; round < 10; round++) {
    PJRT_Buffer *in = on_device(index, index ? 100 : (float)round), *out;
    PJRT_Buffer *const *const argument_lists[1] = {&in};
    PJRT_Buffer **const output_lists[1] = {&out};
    PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                   .launch_id = round};
    ARGS(LoadedExecutable_Execute, run, .executable = shared, .options = &options,
         .argument_lists = argument_lists, .num_devices = 1, .num_args = 1,
         .output_lists = output_lists, .execute_device = device_at(index));
    OK(LoadedExecutable_Execute, run);
    float sum = (float)round + 100;
    expect_f32(out, 4, (float[]){sum, sum, sum, sum}, "the sum, device by device");
    destroy_buffer(in);
    destroy_buffer(out);
  }
  return NULL;
}

static void device_by_device(void) {
  start_several(2);
  shared = compile_two();
  pthread_t thread;
  CHECK(pthread_create(&thread, NULL, one_device, (void *)1) == 0, "no thread");
  one_device((void *)0);
  pthread_join(thread, NULL);
  destroy_loaded(shared);
  stop();
}

static void foreign_argument(void) {
  start_several(2);
  PJRT_LoadedExecutable *loaded = compile(program_identity); // on the first device
  PJRT_Buffer *in = on_device(1, 5), *out = NULL;
  PJRT_Error *error = try_execute(loaded, 1, &in, &out);
  if (error) {
    CHECK(*pj_error_text(error), "an error without a message");
    pj_error_free(error);
  } else { // or the plugin moves it
    expect_f32(out, 4, (float[]){5, 5, 5, 5}, "the result");
    destroy_buffer(out);
  }
  destroy_buffer(in);
  destroy_loaded(loaded);
  stop();
}

static void too_many(void) {
  start_several(2);
  int count_all = (int)num_devices();
  int *ids = calloc((size_t)count_all + 1, sizeof *ids);
  ARGS(Client_DefaultDeviceAssignment, args, .client = client, .num_replicas = count_all,
       .num_partitions = 1, .default_assignment_size = (size_t)count_all,
       .default_assignment = ids);
  OK(Client_DefaultDeviceAssignment, args);
  for (int i = 0; i < count_all; i++)
    for (int k = 0; k < i; k++)
      CHECK(ids[i] != ids[k], "device %d is assigned twice", ids[i]);
  free(ids);
  stop();
}

const PjCtsTest pj_cts_devices_tests[] = {
    {"devices.place", "a buffer is on the device that was asked for", place},
    {"devices.copy", "a copy to another device", copy},
    {"devices.copy_memory", "a copy to the memory of another device", copy_memory},
    {"devices.run_second", "a program runs on the device that is assigned", run_second},
    {"devices.assignment", "the default assignment uses each device once", too_many},
    {"devices.replicas", "two replicas sum over a collective", replicas},
    {"devices.one_by_one", "each device's part in a call of its own; collectives meet",
     device_by_device},
    {"devices.partitions.shardy", "a program in two partitions, by Shardy, works on halves",
     partitions_shardy},
    {"devices.partitions.gspmd", "a program in two partitions, by mhlo.sharding, works on halves",
     partitions_gspmd},
    {"devices.foreign_argument", "an argument on another device is moved, or an error",
     foreign_argument},
    {0}};

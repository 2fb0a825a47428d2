// Programs that send to their host and receive from it while they run, through the function table.
#include "pjrt_util.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- Programs ------------------------------------------------------------------------------------

#define TOKEN "!stablehlo.token"
#define CHANNEL(handle, type)                                                     \
  "{channel_handle = #stablehlo.channel_handle<handle = " handle ", type = " type \
  ">, is_host_transfer = true}"
#define RECEIVE(handle) "\"stablehlo.recv\"(%t) " CHANNEL(handle, "3") " : (" TOKEN ") -> "

static const char text_send[] =
    "func.func public @main(%a: tensor<4xf32>, %b: tensor<2xi32>) -> tensor<4xf32> {\n"
    "  %t = stablehlo.create_token : " TOKEN "\n"
    "  %u = \"stablehlo.send\"(%b, %t) " CHANNEL(
        "5", "2") " : (tensor<2xi32>, " TOKEN ") -> " TOKEN "\n"
                  "  %s = stablehlo.add %a, %a : tensor<4xf32>\n"
                  "  %v = \"stablehlo.send\"(%s, %u) " CHANNEL(
                      "6", "2") " : (tensor<4xf32>, " TOKEN ") -> " TOKEN "\n"
                                "  return %s : tensor<4xf32>\n}\n";

static const char text_receive[] =
    "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
    "  %t = stablehlo.create_token : " TOKEN "\n"
    "  %0:2 = " RECEIVE("7") "(tensor<4xf32>, " TOKEN ")\n"
                             "  %1 = stablehlo.add %0#0, %a : tensor<4xf32>\n"
                             "  return %1 : tensor<4xf32>\n}\n";

// Several values in one message, among them elements that are narrower than a byte.
static const char text_several[] =
    "func.func public @main() -> (tensor<3xi1>, tensor<0xf32>, tensor<2xi4>, tensor<i32>) {\n"
    "  %t = stablehlo.create_token : " TOKEN "\n"
    "  %0:5 = " RECEIVE("7") "(tensor<3xi1>, tensor<0xf32>, tensor<2xi4>, tensor<i32>, " TOKEN ")\n"
                             "  %v = \"stablehlo.send\"(%0#0, %0#3, %0#4) " CHANNEL(
                                 "6", "2") " : (tensor<3xi1>, "
                                           "tensor<i32>, " TOKEN ") -> " TOKEN "\n"
                                           "  return %0#0, %0#1, %0#2, %0#3 : tensor<3xi1>, "
                                           "tensor<0xf32>, tensor<2xi4>, tensor<i32>\n}\n";

// Three turns: the host gets a number and gives another.
static const char text_loop[] =
    "func.func public @main(%a: tensor<f32>) -> tensor<f32> {\n"
    "  %t = stablehlo.create_token : " TOKEN "\n"
    "  %zero = stablehlo.constant dense<0> : tensor<i32>\n"
    "  %one = stablehlo.constant dense<1> : tensor<i32>\n"
    "  %three = stablehlo.constant dense<3> : tensor<i32>\n"
    "  %0:3 = stablehlo.while(%i = %zero, %x = %a, %k = %t) : tensor<i32>, tensor<f32>, " TOKEN "\n"
    "  cond {\n"
    "    %c = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "    stablehlo.return %c : tensor<i1>\n"
    "  } do {\n"
    "    %j = stablehlo.add %i, %one : tensor<i32>\n"
    "    %u = \"stablehlo.send\"(%x, %k) " CHANNEL(
        "6", "2") " : (tensor<f32>, " TOKEN ") -> " TOKEN "\n"
                  "    %r:2 = \"stablehlo.recv\"(%u) " CHANNEL(
                      "7",
                      "3") " : (" TOKEN ") -> (tensor<f32>, " TOKEN ")\n"
                           "    stablehlo.return %j, %r#0, %r#1 : tensor<i32>, tensor<f32>, " TOKEN
                           "\n"
                           "  }\n"
                           "  return %0#1 : tensor<f32>\n}\n";

// --- The host's side -----------------------------------------------------------------------------

typedef struct Message {
  size_t size, total;
  bool done;
  char data[64];
} Message;

typedef struct Inbox {
  int count;
  Message messages[8];
  PJRT_Error_Code answer; // OK: accepted
} Inbox;

static PJRT_Error *on_send(PJRT_Chunk *chunk, PJRT_CallbackError *callback_error, size_t total,
                           bool done, void *user_arg) {
  Inbox *inbox = user_arg;
  Message *m = &inbox->messages[inbox->count++ % 8];
  *m = (Message){.size = chunk->size, .total = total, .done = done};
  memcpy(m->data, chunk->data, chunk->size < sizeof m->data ? chunk->size : sizeof m->data);
  chunk->deleter(chunk->data, chunk->deleter_arg);
  return inbox->answer ? (*callback_error)(inbox->answer, "the inbox is full", 17) : NULL;
}

typedef struct Outbox {
  pthread_mutex_t lock;
  pthread_cond_t arrived;
  PJRT_CopyToDeviceStream *stream;
} Outbox;
#define OUTBOX \
  { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL }

static void on_receive(PJRT_CopyToDeviceStream *stream, void *user_arg) {
  Outbox *outbox = user_arg;
  pthread_mutex_lock(&outbox->lock);
  outbox->stream = stream;
  pthread_cond_signal(&outbox->arrived);
  pthread_mutex_unlock(&outbox->lock);
}

static PJRT_CopyToDeviceStream *await_stream(Outbox *outbox) {
  pthread_mutex_lock(&outbox->lock);
  while (!outbox->stream)
    pthread_cond_wait(&outbox->arrived, &outbox->lock);
  PJRT_CopyToDeviceStream *stream = outbox->stream;
  outbox->stream = NULL;
  pthread_mutex_unlock(&outbox->lock);
  return stream;
}

static int freed;
static void free_chunk(void *data, void *arg) {
  assert_ptr_equal(arg, &freed);
  free(data);
  freed++;
}

// Adds a copy of |data|; the error of its event.
static PJRT_Error *add(PJRT_CopyToDeviceStream *stream, const void *data, size_t size) {
  char *copy = malloc(size ? size : 1);
  if (size)
    memcpy(copy, data, size);
  PJRT_Chunk chunk = {.data = copy, .size = size, .deleter = free_chunk, .deleter_arg = &freed};
  ARGS(CopyToDeviceStream_AddChunk, args, .stream = stream, .chunk = &chunk);
  int before = freed;
  OK(CopyToDeviceStream_AddChunk, args);
  assert_int_equal(freed, before + 1);
  return await_event(args.transfer_complete);
}

static void add_ok(PJRT_CopyToDeviceStream *stream, const void *data, size_t size) {
  expect_ok(add(stream, data, size), "add", __FILE__, __LINE__);
}

static int64_t current(PJRT_CopyToDeviceStream *stream) {
  ARGS(CopyToDeviceStream_CurrentBytes, args, .stream = stream);
  OK(CopyToDeviceStream_CurrentBytes, args);
  return args.current_bytes;
}

static void drop(PJRT_CopyToDeviceStream *stream) {
  ARGS(CopyToDeviceStream_Destroy, args, .stream = stream);
  OK(CopyToDeviceStream_Destroy, args);
}

// --- Executions ----------------------------------------------------------------------------------

typedef struct Run {
  size_t num_devices, num_args, num_sends, num_receives;
  PJRT_Buffer **args[2], **outputs[2];
  PJRT_SendCallbackInfo *sends[2];
  PJRT_RecvCallbackInfo *receives[2];
} Run;

static PJRT_Error *execute(PJRT_LoadedExecutable *loaded, Run *run) {
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                 .send_callbacks = run->sends,
                                 .recv_callbacks = run->receives,
                                 .num_send_ops = run->num_sends,
                                 .num_recv_ops = run->num_receives};
  ARGS(LoadedExecutable_Execute, args, .executable = loaded, .options = &options,
       .argument_lists = (PJRT_Buffer *const *const *)run->args, .num_devices = run->num_devices,
       .num_args = run->num_args, .output_lists = (PJRT_Buffer * *const *)run->outputs);
  return api->PJRT_LoadedExecutable_Execute(&args);
}

static PJRT_Error *ready(PJRT_Buffer *buffer) {
  ARGS(Buffer_ReadyEvent, args, .buffer = buffer);
  OK(Buffer_ReadyEvent, args);
  return await_event(args.event);
}

static PJRT_Buffer *floats(size_t device, size_t count, float first) {
  float data[8];
  for (size_t i = 0; i < count; i++)
    data[i] = first + (float)i;
  return make_buffer(device_at(device), PJRT_Buffer_Type_F32, 1, (int64_t[]){(int64_t)count}, data);
}

static void test_send(void **state) {
  PJRT_LoadedExecutable *loaded = compile(text_send);
  Inbox ints = {0}, sums = {0};
  PJRT_SendCallbackInfo infos[2] = {{6, &sums, on_send}, {5, &ints, on_send}};
  PJRT_Buffer *args[2] = {floats(0, 4, 1), make_buffer(device_at(0), PJRT_Buffer_Type_S32, 1,
                                                       (int64_t[]){2}, (int32_t[]){-1, 9})};
  PJRT_Buffer *out;
  Run run = {.num_devices = 1,
             .num_args = 2,
             .args = {args},
             .outputs = {&out},
             .num_sends = 2,
             .sends = {infos}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  memset(infos, 0, sizeof infos); // only the callbacks must live on
  expect_ok(ready(out), "the result", __FILE__, __LINE__);
  assert_int_equal(ints.count, 1);
  assert_int_equal(sums.count, 1);
  assert_int_equal(ints.messages[0].size, 8);
  assert_int_equal(sums.messages[0].size, 16);
  assert_int_equal(sums.messages[0].total, 16);
  assert_true(sums.messages[0].done);
  assert_memory_equal(ints.messages[0].data, ((int32_t[]){-1, 9}), 8);
  assert_memory_equal(sums.messages[0].data, ((float[]){2, 4, 6, 8}), 16);
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_buffer(out);
  destroy_executable(loaded);
}

static void test_send_refused(void **state) {
  PJRT_LoadedExecutable *loaded = compile(text_send);
  Inbox inbox = {.answer = PJRT_Error_Code_RESOURCE_EXHAUSTED};
  PJRT_SendCallbackInfo infos[2] = {{5, &inbox, on_send}, {6, &inbox, on_send}};
  PJRT_Buffer *args[2] = {floats(0, 4, 1), make_buffer(device_at(0), PJRT_Buffer_Type_S32, 1,
                                                       (int64_t[]){2}, (int32_t[]){1, 2})};
  PJRT_Buffer *out;
  Run run = {.num_devices = 1,
             .num_args = 2,
             .args = {args},
             .outputs = {&out},
             .num_sends = 2,
             .sends = {infos}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  expect_error(ready(out), PJRT_Error_Code_RESOURCE_EXHAUSTED, "the inbox is full", "the result",
               __FILE__, __LINE__);
  assert_int_equal(inbox.count, 1); // nothing is sent after the failure
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_buffer(out);
  destroy_executable(loaded);
}

static void test_receive(void **state) {
  PJRT_LoadedExecutable *loaded = compile(text_receive);
  Outbox outbox = OUTBOX;
  PJRT_RecvCallbackInfo info = {7, &outbox, on_receive};
  PJRT_Buffer *arg = floats(0, 4, 10), *out;
  Run run = {.num_devices = 1,
             .num_args = 1,
             .args = {&arg},
             .outputs = {&out},
             .num_receives = 1,
             .receives = {&info}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  PJRT_CopyToDeviceStream *stream = await_stream(&outbox);
  ARGS(CopyToDeviceStream_TotalBytes, total, .stream = stream);
  OK(CopyToDeviceStream_TotalBytes, total);
  assert_int_equal(total.total_bytes, 16);
  ARGS(CopyToDeviceStream_GranuleSize, granule, .stream = stream);
  OK(CopyToDeviceStream_GranuleSize, granule);
  assert_int_equal(granule.granule_size_in_bytes, 1);
  const float data[4] = {1, 2, 3, 4};
  assert_int_equal(current(stream), 0);
  add_ok(stream, data, 6);
  assert_int_equal(current(stream), 6);
  // Too much is refused and changes nothing.
  expect_error(add(stream, data, 11), PJRT_Error_Code_INVALID_ARGUMENT, "has 6 of its 16 bytes",
               "add", __FILE__, __LINE__);
  assert_int_equal(current(stream), 6);
  add_ok(stream, NULL, 0);
  add_ok(stream, (const char *)data + 6, 10);
  assert_int_equal(current(stream), 16);
  float got[4];
  read_buffer(out, got, sizeof got);
  assert_memory_equal(got, ((float[]){11, 13, 15, 17}), sizeof got);
  destroy_buffer(out);
  destroy_buffer(arg);
  destroy_executable(loaded);
  assert_int_equal(current(stream), 16); // a handle lives until it is destroyed
  drop(stream);
}

static void test_receive_cancelled(void **state) {
  PJRT_LoadedExecutable *loaded = compile(text_receive);
  Outbox outbox = OUTBOX;
  PJRT_RecvCallbackInfo info = {7, &outbox, on_receive};
  PJRT_Buffer *arg = floats(0, 4, 10), *out;
  Run run = {.num_devices = 1,
             .num_args = 1,
             .args = {&arg},
             .outputs = {&out},
             .num_receives = 1,
             .receives = {&info}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  PJRT_CopyToDeviceStream *stream = await_stream(&outbox);
  add_ok(stream, "1234", 4);
  drop(stream);
  expect_error(ready(out), PJRT_Error_Code_CANCELLED, "channel 7 after 4 of 16 bytes", "the result",
               __FILE__, __LINE__);
  destroy_buffer(out);
  destroy_buffer(arg);
  destroy_executable(loaded);
}

static void test_several_values(void **state) {
  PJRT_LoadedExecutable *loaded = compile(text_several);
  Outbox outbox = OUTBOX;
  Inbox inbox = {0};
  PJRT_RecvCallbackInfo info = {7, &outbox, on_receive};
  PJRT_SendCallbackInfo send = {6, &inbox, on_send};
  PJRT_Buffer *out[4];
  Run run = {.num_devices = 1,
             .outputs = {out},
             .num_receives = 1,
             .receives = {&info},
             .num_sends = 1,
             .sends = {&send}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  PJRT_CopyToDeviceStream *stream = await_stream(&outbox);
  // One bool of the byte 7, and small integers with bits beyond theirs.
  const unsigned char bytes[9] = {1, 0, 1, 0x17, 0xf8, 0x78, 0x56, 0x34, 0x12};
  add_ok(stream, bytes, 4);
  add_ok(stream, bytes + 4, 5);
  drop(stream);
  unsigned char bools[3];
  signed char small[2];
  int32_t number;
  read_buffer(out[0], bools, sizeof bools);
  read_buffer(out[2], small, sizeof small);
  read_buffer(out[3], &number, sizeof number);
  assert_memory_equal(bools, ((unsigned char[]){1, 0, 1}), 3);
  assert_int_equal(small[0], 7);
  assert_int_equal(small[1], -8);
  assert_int_equal(number, 0x12345678);
  assert_int_equal(inbox.count, 2);
  assert_false(inbox.messages[0].done);
  assert_true(inbox.messages[1].done);
  assert_int_equal(inbox.messages[0].size, 3);
  assert_int_equal(inbox.messages[1].size, 4);
  assert_int_equal(inbox.messages[0].total, 7);
  for (int i = 0; i < 4; i++)
    destroy_buffer(out[i]);
  destroy_executable(loaded);
}

// What the host does in a loop: 1, (1 + 1) * 2 = 4, (4 + 1) * 2 = 10, (10 + 1) * 2 = 22.
static Inbox asked;
static void answer(PJRT_CopyToDeviceStream *stream, void *user_arg) {
  float x;
  assert_ptr_equal(user_arg, &asked);
  memcpy(&x, asked.messages[asked.count - 1].data, sizeof x);
  x = (x + 1) * 2;
  add_ok(stream, &x, sizeof x);
  drop(stream);
}

static void test_loop(void **state) {
  PJRT_LoadedExecutable *loaded = compile(text_loop);
  PJRT_RecvCallbackInfo receive = {7, &asked, answer};
  PJRT_SendCallbackInfo send = {6, &asked, on_send};
  PJRT_Buffer *arg = make_buffer(device_at(0), PJRT_Buffer_Type_F32, 0, NULL, (float[]){1}), *out;
  Run run = {.num_devices = 1,
             .num_args = 1,
             .args = {&arg},
             .outputs = {&out},
             .num_sends = 1,
             .sends = {&send},
             .num_receives = 1,
             .receives = {&receive}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  float got;
  read_buffer(out, &got, sizeof got);
  assert_true(got == 22);
  assert_int_equal(asked.count, 3);
  destroy_buffer(out);
  destroy_buffer(arg);
  destroy_executable(loaded);
}

static void test_no_callback(void **state) {
  PJRT_LoadedExecutable *loaded = compile(text_receive);
  Outbox outbox = OUTBOX;
  PJRT_RecvCallbackInfo other = {8, &outbox, on_receive}, none = {7, &outbox, NULL};
  PJRT_Buffer *arg = floats(0, 4, 10), *out;
  Run run = {.num_devices = 1, .num_args = 1, .args = {&arg}, .outputs = {&out}};
  for (int with = 0; with < 2; with++) {
    run.num_receives = (size_t)with;
    run.receives[0] = &other;
    expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
    expect_error(ready(out), PJRT_Error_Code_INVALID_ARGUMENT, "no callback for that channel",
                 "the result", __FILE__, __LINE__);
    destroy_buffer(out);
  }
  run.receives[0] = &none;
  expect_error(execute(loaded, &run), PJRT_Error_Code_INVALID_ARGUMENT, "is null", "execute",
               __FILE__, __LINE__);
  run.receives[0] = NULL;
  expect_error(execute(loaded, &run), PJRT_Error_Code_INVALID_ARGUMENT, "is null", "execute",
               __FILE__, __LINE__);
  assert_null(outbox.stream);
  destroy_buffer(arg);
  destroy_executable(loaded);
}

// Two replicas, each with callbacks of its own.
static PJRT_LoadedExecutable *compile_pair(const char *text) {
  size_t size;
  const char *options = compile_options(2, 1, &size);
  PJRT_LoadedExecutable *loaded;
  expect_ok(try_compile(text, strlen(text), "mlir", options, size, &loaded), "compile", __FILE__,
            __LINE__);
  return loaded;
}

static void test_two_devices(void **state) {
  PJRT_LoadedExecutable *loaded = compile_pair(text_receive);
  Outbox outboxes[2] = {OUTBOX, OUTBOX};
  PJRT_RecvCallbackInfo infos[2] = {{7, &outboxes[0], on_receive}, {7, &outboxes[1], on_receive}};
  PJRT_Buffer *args[2] = {floats(0, 4, 0), floats(1, 4, 0)}, *out[2];
  Run run = {.num_devices = 2,
             .num_args = 1,
             .args = {&args[0], &args[1]},
             .outputs = {&out[0], &out[1]},
             .num_receives = 1,
             .receives = {&infos[0], &infos[1]}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  for (int d = 1; d >= 0; d--) {
    PJRT_CopyToDeviceStream *stream = await_stream(&outboxes[d]);
    const float ten = (float)(10 * (d + 1));
    add_ok(stream, (float[]){ten, ten, ten, ten}, 16);
    drop(stream);
  }
  for (int d = 0; d < 2; d++) {
    float got[4];
    read_buffer(out[d], got, sizeof got);
    assert_true(got[3] == (float)(10 * (d + 1) + 3));
    destroy_buffer(out[d]);
  }

  // One fails: the other does not wait for its host for ever.
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  PJRT_CopyToDeviceStream *waiting = await_stream(&outboxes[1]);
  drop(await_stream(&outboxes[0]));
  for (int d = 0; d < 2; d++) {
    expect_error(ready(out[d]), PJRT_Error_Code_CANCELLED, "0 of 16 bytes", "a result", __FILE__,
                 __LINE__);
    destroy_buffer(out[d]);
    destroy_buffer(args[d]);
  }
  destroy_executable(loaded);
  expect_error(add(waiting, "1234", 4), PJRT_Error_Code_CANCELLED, "0 of 16 bytes", "add", __FILE__,
               __LINE__);
  drop(waiting);
}

// Between devices: along pairs, which must name processes of the program.
static void run_pairs(const char *pairs, float want, const char *failure) {
  char text[1024];
  snprintf(text, sizeof text,
           "func.func public @main(%%a: tensor<4xf32>) -> tensor<4xf32> {\n"
           "  %%t = stablehlo.create_token : " TOKEN "\n"
           "  %%u = \"stablehlo.send\"(%%a, %%t) <{channel_handle = "
           "#stablehlo.channel_handle<handle = 0, type = 1>, source_target_pairs = %s}> : "
           "(tensor<4xf32>, " TOKEN ") -> " TOKEN "\n"
           "  %%0:2 = \"stablehlo.recv\"(%%u) <{channel_handle = "
           "#stablehlo.channel_handle<handle = 0, type = 1>, source_target_pairs = %s}> : "
           "(" TOKEN ") -> (tensor<4xf32>, " TOKEN ")\n"
           "  return %%0#0 : tensor<4xf32>\n}\n",
           pairs, pairs);
  PJRT_LoadedExecutable *loaded = compile_pair(text);
  PJRT_Buffer *args[2] = {floats(0, 4, 10), floats(1, 4, 20)}, *out[2];
  Run run = {
      .num_devices = 2, .num_args = 1, .args = {&args[0], &args[1]}, .outputs = {&out[0], &out[1]}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  for (int d = 0; d < 2; d++) {
    PJRT_Error *error = ready(out[d]);
    if (failure) {
      expect_error(error, PJRT_Error_Code_INVALID_ARGUMENT, failure, "a result", __FILE__,
                   __LINE__);
    } else {
      float got[4];
      expect_ok(error, "a result", __FILE__, __LINE__);
      read_buffer(out[d], got, sizeof got);
      assert_true(d == 0 || got[0] == want);
    }
    destroy_buffer(out[d]);
    destroy_buffer(args[d]);
  }
  destroy_executable(loaded);
}

static void test_pairs(void **state) {
  run_pairs("dense<[[0, 1], [1, 0]]> : tensor<2x2xi64>", 10, NULL);
  run_pairs("dense<[[0, 0], [1, 1]]> : tensor<2x2xi64>", 20, NULL);
  run_pairs("dense<[[1, 0]]> : tensor<1x2xi64>", 0, NULL);
  run_pairs("dense<[[0, 2]]> : tensor<1x2xi64>", 0, "source_target_pairs name process 2");
  run_pairs("dense<[[-1, 0]]> : tensor<1x2xi64>", 0, "source_target_pairs name process -1");
}

static void test_partitioned(void **state) {
  char text[1024];
  snprintf(
      text, sizeof text,
      "module attributes {mhlo.num_partitions = 2 : i32, mhlo.num_replicas = 1 : i32} {\n%s}\n",
      text_receive);
  size_t size;
  const char *options = compile_options(1, 2, &size);
  PJRT_LoadedExecutable *loaded;
  expect_ok(try_compile(text, strlen(text), "mlir", options, size, &loaded), "compile", __FILE__,
            __LINE__);
  Outbox outbox = OUTBOX;
  PJRT_RecvCallbackInfo infos[2] = {{7, &outbox, on_receive}, {7, &outbox, on_receive}};
  PJRT_Buffer *args[2] = {floats(0, 4, 0), floats(1, 4, 0)}, *out[2];
  Run run = {.num_devices = 2,
             .num_args = 1,
             .args = {&args[0], &args[1]},
             .outputs = {&out[0], &out[1]},
             .num_receives = 1,
             .receives = {&infos[0], &infos[1]}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  for (int d = 0; d < 2; d++) {
    expect_error(ready(out[d]), PJRT_Error_Code_UNIMPLEMENTED, "a partitioned program", "a result",
                 __FILE__, __LINE__);
    destroy_buffer(out[d]);
    destroy_buffer(args[d]);
  }
  assert_null(outbox.stream);
  destroy_executable(loaded);
}

static void test_bad_arguments(void **state) {
  ARGS(CopyToDeviceStream_Destroy, none);
  OK(CopyToDeviceStream_Destroy, none);
  PJRT_Chunk chunk = {0};
  ARGS(CopyToDeviceStream_AddChunk, nowhere, .chunk = &chunk);
  FAILS(CopyToDeviceStream_AddChunk, nowhere, INVALID_ARGUMENT, "stream is null");
  ARGS(CopyToDeviceStream_TotalBytes, total);
  FAILS(CopyToDeviceStream_TotalBytes, total, INVALID_ARGUMENT, "stream is null");
  ARGS(CopyToDeviceStream_GranuleSize, granule);
  FAILS(CopyToDeviceStream_GranuleSize, granule, INVALID_ARGUMENT, "stream is null");
  ARGS(CopyToDeviceStream_CurrentBytes, bytes);
  FAILS(CopyToDeviceStream_CurrentBytes, bytes, INVALID_ARGUMENT, "stream is null");

  PJRT_LoadedExecutable *loaded = compile(text_receive);
  Outbox outbox = OUTBOX;
  PJRT_RecvCallbackInfo info = {7, &outbox, on_receive};
  PJRT_Buffer *arg = floats(0, 4, 10), *out;
  Run run = {.num_devices = 1,
             .num_args = 1,
             .args = {&arg},
             .outputs = {&out},
             .num_receives = 1,
             .receives = {&info}};
  expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  PJRT_CopyToDeviceStream *stream = await_stream(&outbox);
  ARGS(CopyToDeviceStream_AddChunk, nothing, .stream = stream);
  FAILS(CopyToDeviceStream_AddChunk, nothing, INVALID_ARGUMENT, "chunk is null");
  chunk.size = 4;
  ARGS(CopyToDeviceStream_AddChunk, null, .stream = stream, .chunk = &chunk);
  FAILS(CopyToDeviceStream_AddChunk, null, INVALID_ARGUMENT, "4 bytes at null");
  add_ok(stream, (float[]){0, 0, 0, 0}, 16);
  drop(stream);
  expect_ok(ready(out), "the result", __FILE__, __LINE__);
  destroy_buffer(out);
  destroy_buffer(arg);
  destroy_executable(loaded);
}

// More programs that wait for their host than there are workers: others run nevertheless.
static void test_many_waiting(void **state) {
  enum { MANY = 40 };
  PJRT_LoadedExecutable *loaded = compile(text_receive);
  static Outbox outboxes[MANY];
  PJRT_Buffer *arg = floats(0, 4, 0), *out[MANY];
  for (int i = 0; i < MANY; i++) {
    outboxes[i] = (Outbox)OUTBOX;
    PJRT_RecvCallbackInfo info = {7, &outboxes[i], on_receive};
    Run run = {.num_devices = 1,
               .num_args = 1,
               .args = {&arg},
               .outputs = {&out[i]},
               .num_receives = 1,
               .receives = {&info}};
    expect_ok(execute(loaded, &run), "execute", __FILE__, __LINE__);
  }
  for (int i = MANY - 1; i >= 0; i--) { // the last to start ends first
    PJRT_CopyToDeviceStream *stream = await_stream(&outboxes[i]);
    add_ok(stream, (float[]){(float)i, 0, 0, 0}, 16);
    drop(stream);
    float got[4];
    read_buffer(out[i], got, sizeof got);
    assert_true(got[0] == (float)i);
    destroy_buffer(out[i]);
  }
  destroy_buffer(arg);
  destroy_executable(loaded);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_send),           cmocka_unit_test(test_send_refused),
      cmocka_unit_test(test_receive),        cmocka_unit_test(test_receive_cancelled),
      cmocka_unit_test(test_several_values), cmocka_unit_test(test_loop),
      cmocka_unit_test(test_no_callback),    cmocka_unit_test(test_two_devices),
      cmocka_unit_test(test_pairs),          cmocka_unit_test(test_partitioned),
      cmocka_unit_test(test_bad_arguments),  cmocka_unit_test(test_many_waiting),
  };
  return cmocka_run_group_tests(tests, plugin_setup, plugin_teardown);
}

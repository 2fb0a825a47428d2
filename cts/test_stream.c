// Programs that exchange data with their host while they run: send and receive callbacks, and the
// streams that a receive callback gets.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

#define TOKEN "!stablehlo.token"
#define CHANNEL(handle, type)                                                     \
  "{channel_handle = #stablehlo.channel_handle<handle = " handle ", type = " type \
  ">, is_host_transfer = true}"
#define RECEIVE(name, handle)                                                                 \
  "  " name ":2 = \"stablehlo.recv\"(%t) " CHANNEL(handle, "3") " : (" TOKEN                  \
                                                                ") -> (tensor<4xf32>, " TOKEN \
                                                                ")\n"

static const char receives[] =
    "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
    "  %t = stablehlo.create_token : " TOKEN
    "\n" RECEIVE("%0", "7") "  %1 = stablehlo.add %0#0, %a : tensor<4xf32>\n"
                            "  return %1 : tensor<4xf32>\n}\n";

static const char receives_two[] =
    "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
    "  %t = stablehlo.create_token : " TOKEN "\n" RECEIVE("%0", "7")
        RECEIVE("%1", "8") "  %2 = stablehlo.subtract %0#0, %1#0 : tensor<4xf32>\n"
                           "  %3 = stablehlo.add %2, %a : tensor<4xf32>\n"
                           "  return %3 : tensor<4xf32>\n}\n";

static const char sends[] =
    "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
    "  %t = stablehlo.create_token : " TOKEN "\n"
    "  %0 = stablehlo.add %a, %a : tensor<4xf32>\n"
    "  %1 = \"stablehlo.send\"(%0, %t) " CHANNEL("9", "2") " : (tensor<4xf32>, " TOKEN ") -> " TOKEN
                                                           "\n"
                                                           "  return %0 : tensor<4xf32>\n}\n";

// Ends the test as not offered if the plugin does not compile such programs at all.
static PJRT_LoadedExecutable *exchanging(const char *text, int replicas) {
  size_t size;
  const char *options = compile_options(replicas, 1, &size);
  PJRT_LoadedExecutable *loaded;
  PJRT_Error *error = try_compile(text, strlen(text), "mlir", options, size, &loaded);
  if (error) {
    const char *message = pj_error_text(error);
    pj_not_offered("programs that exchange data with the host: %s", message);
  }
  return loaded;
}

typedef struct Lists {
  size_t num_sends, num_receives;
  PJRT_SendCallbackInfo *sends[2]; // of each device
  PJRT_RecvCallbackInfo *receives[2];
} Lists;

// Runs on |num_devices| with 10, 20, 30, 40 as the argument of each; lists die with the call.
static PJRT_Error *begin(PJRT_LoadedExecutable *loaded, size_t num_devices, Lists lists,
                         PJRT_Buffer **outputs) {
  PJRT_Buffer *args[2];
  for (size_t i = 0; i < num_devices; i++)
    args[i] = make_buffer(device_at(i), PJRT_Buffer_Type_F32, 1, (int64_t[]){4},
                          (float[]){10, 20, 30, 40});
  PJRT_Buffer *const *const argument_lists[2] = {&args[0], &args[1]};
  PJRT_Buffer **const output_lists[2] = {&outputs[0], &outputs[1]};
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                 .send_callbacks = lists.num_sends ? lists.sends : NULL,
                                 .recv_callbacks = lists.num_receives ? lists.receives : NULL,
                                 .num_send_ops = lists.num_sends,
                                 .num_recv_ops = lists.num_receives};
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = num_devices, .num_args = 1,
       .output_lists = output_lists);
  PJRT_Error *error = CALL(LoadedExecutable_Execute, run);
  for (size_t i = 0; i < num_devices; i++) {
    destroy_buffer(args[i]);
    for (size_t k = 0; k < lists.num_sends; k++)
      memset(&lists.sends[i][k], 0xee, sizeof **lists.sends);
    for (size_t k = 0; k < lists.num_receives; k++)
      memset(&lists.receives[i][k], 0xee, sizeof **lists.receives);
  }
  return error;
}

// The same, for programs that must run; without such transfers the test is not offered.
static void begin_offered(PJRT_LoadedExecutable *loaded, size_t num_devices, Lists lists,
                          PJRT_Buffer **outputs) {
  PJRT_Error *error = begin(loaded, num_devices, lists, outputs);
  if (!error)
    return;
  if (pj_error_code(error) != PJRT_Error_Code_UNIMPLEMENTED)
    FAIL("executing: %s", pj_error_text(error));
  const char *message = pj_error_text(error);
  pj_not_offered("programs that exchange data with the host: %s", message);
}

// --- What a program receives ---------------------------------------------------------------------

typedef struct Receiver {
  PJRT_CopyToDeviceStream *_Atomic stream;
} Receiver;

static void on_receive(PJRT_CopyToDeviceStream *stream, void *user_arg) {
  CHECK(stream, "the stream is null");
  Receiver *receiver = user_arg;
  CHECK(!receiver->stream, "a callback is called twice");
  receiver->stream = stream;
}

static PJRT_CopyToDeviceStream *await_stream(Receiver *receiver, PJRT_Buffer *out) {
  PJRT_Event *ready = ready_event(out);
  for (double end = pj_now() + 10; !receiver->stream; pj_sleep(0.0005)) {
    CHECK(pj_now() < end, "the receive callback is not called");
    if (!is_ready(ready) || receiver->stream)
      continue;
    PJRT_Error *error = await_event(ready);
    CHECK(error, "the program ends without receiving");
    if (pj_error_code(error) != PJRT_Error_Code_UNIMPLEMENTED)
      FAIL("the program ends without receiving: %s", pj_error_text(error));
    const char *message = pj_error_text(error);
    pj_not_offered("programs that exchange data with the host: %s", message);
  }
  destroy_event(ready);
  return receiver->stream;
}

static int chunks_freed;
static void free_chunk(void *data, void *arg) {
  CHECK(arg == &chunks_freed, "the deleter's argument is not what was given");
  free(data);
  __atomic_fetch_add(&chunks_freed, 1, __ATOMIC_RELAXED);
}

// Adds |count| floats; the error of the call or of its event.
static PJRT_Error *add(PJRT_CopyToDeviceStream *stream, const float *data, size_t count) {
  float *copy = malloc(count * sizeof *copy);
  memcpy(copy, data, count * sizeof *copy);
  PJRT_Chunk chunk = {.data = copy,
                      .size = count * sizeof *copy,
                      .deleter = free_chunk,
                      .deleter_arg = &chunks_freed};
  ARGS(CopyToDeviceStream_AddChunk, append, .stream = stream, .chunk = &chunk);
  PJRT_Error *error = CALL(CopyToDeviceStream_AddChunk, append);
  memset(&chunk, 0xee, sizeof chunk); // the caller's
  if (error)
    return error;
  CHECK(append.transfer_complete, "PJRT_CopyToDeviceStream_AddChunk succeeds with a null event");
  return await_event(append.transfer_complete);
}

static void add_ok(PJRT_CopyToDeviceStream *stream, const float *data, size_t count) {
  pj_expect_ok(PJ_SLOT_CopyToDeviceStream_AddChunk, add(stream, data, count), __FILE__, __LINE__);
}

static void drop(PJRT_CopyToDeviceStream *stream) {
  ARGS(CopyToDeviceStream_Destroy, args, .stream = stream);
  OK(CopyToDeviceStream_Destroy, args);
}

static void expect_current(PJRT_CopyToDeviceStream *stream, int64_t want) {
  ARGS(CopyToDeviceStream_CurrentBytes, now, .stream = stream);
  OK(CopyToDeviceStream_CurrentBytes, now);
  EQUAL(now.current_bytes, want, "the bytes so far");
}

// A run of `receives` that waits for its stream.
static PJRT_LoadedExecutable *loaded;
static PJRT_CopyToDeviceStream *waiting(PJRT_Buffer **out) {
  start();
  loaded = exchanging(receives, 1);
  static Receiver receiver;
  PJRT_RecvCallbackInfo info = {
      .channel_id = 7, .user_arg = &receiver, .recv_callback = on_receive};
  begin_offered(loaded, 1, (Lists){.num_receives = 1, .receives = {&info}}, out);
  return await_stream(&receiver, *out);
}

static void done(PJRT_Buffer *out) {
  destroy_buffer(out);
  destroy_loaded(loaded);
  stop();
}

static void receive(void) {
  PJRT_Buffer *out;
  PJRT_CopyToDeviceStream *stream = waiting(&out);
  CHECK(!is_ready(ready_event(out)), "the result is ready before the program has received");
  ARGS(CopyToDeviceStream_TotalBytes, total, .stream = stream);
  OK(CopyToDeviceStream_TotalBytes, total);
  EQUAL(total.total_bytes, 16, "the bytes that the stream expects");
  ARGS(CopyToDeviceStream_GranuleSize, granule, .stream = stream);
  OK(CopyToDeviceStream_GranuleSize, granule);
  CHECK(granule.granule_size_in_bytes > 0 && 16 % granule.granule_size_in_bytes == 0,
        "a granule of %" PRId64 " bytes", granule.granule_size_in_bytes);
  expect_current(stream, 0);
  add_ok(stream, (float[]){1, 2, 3, 4}, 4);
  expect_current(stream, 16);
  drop(stream);
  expect_f32(out, 4, (float[]){11, 22, 33, 44}, "the sum with what was received");
  EQUAL(chunks_freed, 1, "the calls of the chunk's deleter");
  done(out);
}

static void pieces(void) {
  PJRT_Buffer *out;
  PJRT_CopyToDeviceStream *stream = waiting(&out);
  ARGS(CopyToDeviceStream_GranuleSize, granule, .stream = stream);
  OK(CopyToDeviceStream_GranuleSize, granule);
  if (granule.granule_size_in_bytes > 4)
    pj_not_offered("pieces of 4 bytes; the granule is %" PRId64, granule.granule_size_in_bytes);
  const float data[4] = {1, 2, 3, 4};
  PJRT_Event *ready = ready_event(out);
  for (int i = 0; i < 3; i++) {
    add_ok(stream, data + i, 1);
    expect_current(stream, 4 * (i + 1));
  }
  pj_sleep(0.02);
  CHECK(!is_ready(ready), "the result is ready after three of four pieces");
  destroy_event(ready);
  add_ok(stream, data + 3, 1);
  drop(stream);
  expect_f32(out, 4, (float[]){11, 22, 33, 44}, "the sum with what was received");
  EQUAL(chunks_freed, 4, "the calls of the chunks' deleter");
  done(out);
}

static void too_much(void) {
  PJRT_Buffer *out;
  PJRT_CopyToDeviceStream *stream = waiting(&out);
  const float data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  pj_expect_error(PJ_SLOT_CopyToDeviceStream_AddChunk, add(stream, data, 8), PJRT_Error_Code_OK,
                  "a chunk of 32 bytes for 16", __FILE__, __LINE__);
  // The program may have failed with it, or wait for the right chunk.
  PJRT_Error *error = add(stream, data, 4);
  if (error)
    pj_error_free(error);
  drop(stream);
  PJRT_Error *failure = await_event(ready_event(out));
  CHECK(!failure == !error, "the second chunk %s, and the program %s",
        error ? "is refused" : "is taken", failure ? "fails" : "ends well");
  if (failure)
    pj_error_free(failure);
  else
    expect_f32(out, 4, (float[]){11, 22, 33, 44}, "the sum with what was received");
  EQUAL(chunks_freed, 2, "the calls of the chunks' deleter");
  done(out);
}

static void cancelled(void) {
  PJRT_Buffer *out;
  PJRT_CopyToDeviceStream *stream = waiting(&out);
  drop(stream);
  PJRT_Error *error = await_event(ready_event(out)); // fires, or the host waits for ever
  CHECK(error, "a program that received nothing ends well");
  CHECK(*pj_error_text(error), "an error without a message");
  pj_error_free(error);
  done(out);
}

static void no_callback(void) {
  start();
  loaded = exchanging(receives, 1);
  PJRT_Buffer *out = NULL;
  PJRT_Error *error = begin(loaded, 1, (Lists){0}, &out);
  if (!error) {
    error = await_event(ready_event(out));
    destroy_buffer(out);
  }
  pj_expect_error(-1, error, PJRT_Error_Code_OK, "receiving from a host without a callback",
                  __FILE__, __LINE__);
  destroy_loaded(loaded);
  stop();
}

static void channels(void) {
  start();
  loaded = exchanging(receives_two, 1);
  static Receiver receivers[2];
  PJRT_RecvCallbackInfo infos[2] = {
      {.channel_id = 8, .user_arg = &receivers[1], .recv_callback = on_receive},
      {.channel_id = 7, .user_arg = &receivers[0], .recv_callback = on_receive}};
  PJRT_Buffer *out;
  begin_offered(loaded, 1, (Lists){.num_receives = 2, .receives = {infos}}, &out);
  bool given[2] = {false, false};
  for (double end = pj_now() + 10; !given[0] || !given[1]; pj_sleep(0.0005))
    for (int i = 0; i < 2; i++) { // in whatever order the program asks
      if (given[i] || !receivers[i].stream) {
        CHECK(pj_now() < end, "a receive callback is not called");
        continue;
      }
      const float x = i ? 1 : 5;
      add_ok(receivers[i].stream, (float[]){x, x, x, x}, 4);
      drop(receivers[i].stream);
      given[i] = true;
    }
  expect_f32(out, 4, (float[]){14, 24, 34, 44}, "the difference of two channels");
  done(out);
}

static void each_device(void) {
  start_several(2);
  loaded = exchanging(receives, 2);
  static Receiver receivers[2];
  PJRT_RecvCallbackInfo infos[2] = {
      {.channel_id = 7, .user_arg = &receivers[0], .recv_callback = on_receive},
      {.channel_id = 7, .user_arg = &receivers[1], .recv_callback = on_receive}};
  PJRT_Buffer *out[2];
  begin_offered(loaded, 2, (Lists){.num_receives = 1, .receives = {&infos[0], &infos[1]}}, out);
  for (int i = 1; i >= 0; i--) {
    PJRT_CopyToDeviceStream *stream = await_stream(&receivers[i], out[i]);
    const float x = (float)i + 1;
    add_ok(stream, (float[]){x, x, x, x}, 4);
    drop(stream);
  }
  for (int i = 0; i < 2; i++) {
    const float x = (float)i + 1;
    expect_f32(out[i], 4, (float[]){10 + x, 20 + x, 30 + x, 40 + x}, "what a device received");
    destroy_buffer(out[i]);
  }
  destroy_loaded(loaded);
  stop();
}

// --- What a program sends ------------------------------------------------------------------------

typedef struct Sent {
  size_t bytes, total;
  int done;
  float data[4];
  PJRT_Chunk last; // whose deleter has not been called
  bool refuse;
} Sent;

static PJRT_Error *on_send(PJRT_Chunk *chunk, PJRT_CallbackError *callback_error, size_t total,
                           bool is_last, void *user_arg) {
  Sent *sent = user_arg;
  CHECK(chunk && (chunk->data || !chunk->size), "a null chunk");
  CHECK(chunk->deleter, "a chunk without a deleter");
  if (sent->refuse) {
    chunk->deleter(chunk->data, chunk->deleter_arg);
    CHECK(callback_error && *callback_error, "no function that makes errors");
    return (*callback_error)(PJRT_Error_Code_DATA_LOSS, "nobody listens", 14);
  }
  CHECK(sent->bytes + chunk->size <= sizeof sent->data, "more bytes than were to be sent");
  memcpy((char *)sent->data + sent->bytes, chunk->data, chunk->size);
  sent->bytes += chunk->size;
  sent->total = total;
  sent->done += is_last;
  if (is_last)
    sent->last = *chunk;
  else
    chunk->deleter(chunk->data, chunk->deleter_arg);
  return NULL;
}

static PJRT_Buffer *send_to(Sent *sent) {
  start();
  loaded = exchanging(sends, 1);
  PJRT_SendCallbackInfo info = {.channel_id = 9, .user_arg = sent, .send_callback = on_send};
  PJRT_Buffer *out;
  begin_offered(loaded, 1, (Lists){.num_sends = 1, .sends = {&info}}, &out);
  return out;
}

static void send(void) {
  static Sent sent;
  PJRT_Buffer *out = send_to(&sent);
  PJRT_Error *error = await_event(ready_event(out));
  if (error && pj_error_code(error) == PJRT_Error_Code_UNIMPLEMENTED) {
    const char *message = pj_error_text(error);
    pj_not_offered("programs that exchange data with the host: %s", message);
  }
  CHECK(!error, "the program: %s", pj_error_text(error));
  EQUAL(sent.done, 1, "the number of last chunks");
  EQUAL(sent.bytes, 16, "the bytes that were sent");
  EQUAL(sent.total, 16, "the total that the callback was told");
  for (int i = 0; i < 4; i++)
    EQUAL(sent.data[i], 20 * (i + 1), "an element that was sent");
  done(out);
  // The chunk is the host's, also when everything else is gone.
  if (sent.last.size)
    EQUAL(((float *)sent.last.data)[sent.last.size / 4 - 1], 80, "the last element, at the end,");
  sent.last.deleter(sent.last.data, sent.last.deleter_arg);
}

static void send_error(void) {
  static Sent sent = {.refuse = true};
  PJRT_Buffer *out = send_to(&sent);
  PJRT_Error *error = await_event(ready_event(out));
  if (error && pj_error_code(error) == PJRT_Error_Code_UNIMPLEMENTED) {
    const char *message = pj_error_text(error);
    pj_not_offered("programs that exchange data with the host: %s", message);
  }
  CHECK(error, "a program whose host refused what it sent ends well");
  CHECK(strstr(pj_error_text(error), "nobody listens"), "the message is '%s'",
        pj_error_text(error));
  EQUAL(pj_error_code(error), PJRT_Error_Code_DATA_LOSS, "the code");
  pj_error_free(error);
  done(out);
}

const PjCtsTest pj_cts_stream_tests[] = {
    {"stream.receive", "a program waits for what it receives, and a stream tells how much",
     receive},
    {"stream.pieces", "chunks follow each other; the program goes on after the last", pieces},
    {"stream.too_much", "more than a stream expects is an error, and the chunk is freed", too_much},
    {"stream.cancelled", "a stream that is destroyed early ends the program with an error",
     cancelled},
    {"stream.no_callback", "a program that receives, run without callbacks, ends with an error",
     no_callback},
    {"stream.channels", "callbacks are found by their channel", channels},
    {"stream.each_device", "each device has callbacks of its own", each_device},
    {"stream.send", "the host gets what a program sends, and owns it", send},
    {"stream.send_error", "a send callback's error is the program's", send_error},
    {0}};

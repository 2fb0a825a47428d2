// Leaks: what is created and destroyed many times leaves nothing behind.
//
// A phase of many rounds is repeated three times. A leak shows in each of them; a cache that fills
// does not. Growth is taken from the C library's allocator and, for plugins that have one of their
// own, from the resident memory.
#include "kit.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static long long heap(void) {
  struct mallinfo2 info = mallinfo2();
  return (long long)info.uordblks + (long long)info.hblkhd;
}

static long long resident(void) {
  long long pages = 0, unused;
  FILE *file = fopen("/proc/self/statm", "r");
  if (!file || fscanf(file, "%lld %lld", &unused, &pages) != 2)
    pages = 0;
  if (file)
    fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

static int entries(const char *path) {
  DIR *folder = opendir(path);
  int n = 0;
  while (folder && readdir(folder))
    n++;
  if (folder)
    closedir(folder);
  return n;
}

// |bytes|: growth per round that counts as a leak, on the heap; resident memory has to grow by four
// times as much.
static void repeat(void (*round)(void), int rounds, long long bytes, const char *what) {
  for (int i = 0; i < rounds; i++)
    round();
  long long least_heap = INT64_MAX, least_resident = INT64_MAX;
  for (int phase = 0; phase < 3; phase++) {
    long long h = heap(), r = resident();
    for (int i = 0; i < rounds; i++)
      round();
    h = heap() - h;
    r = resident() - r;
    least_heap = h < least_heap ? h : least_heap;
    least_resident = r < least_resident ? r : least_resident;
  }
  CHECK(least_heap < bytes * rounds, "%s leaks about %lld bytes of the heap each time", what,
        least_heap / rounds);
  CHECK(least_resident < 4 * bytes * rounds, "%s leaks about %lld bytes each time", what,
        least_resident / rounds);
}

static void one_error(void) {
  ARGS(Client_LookupDevice, args, .client = client, .id = -1);
  pj_error_free(CALL(Client_LookupDevice, args));
}

// A transfer that is under way may keep its buffer's memory.
static void destroy_ready(PJRT_Buffer *buffer) {
  await_ok(ready_event(buffer), "the buffer");
  destroy_buffer(buffer);
}

static void one_buffer(void) {
  destroy_ready(make_f32(4, (float[]){1, 2, 3, 4}));
}

static void one_large_buffer(void) {
  static float data[1 << 18];
  destroy_ready(make_f32(1 << 18, data));
}

static PJRT_Buffer *kept; // ready
static void keep(void) {
  kept = make_f32(4, (float[]){1, 2, 3, 4});
  await_ok(ready_event(kept), "the buffer");
}

static void one_event(void) {
  await_ok(ready_event(kept), "the buffer");
}

static void callback(PJRT_Error *error, void *user_arg) {
  (void)user_arg;
  if (error)
    pj_error_free(error);
}

static void one_callback(void) {
  PJRT_Event *event = ready_event(kept);
  ARGS(Event_OnReady, args, .event = event, .callback = callback);
  OK(Event_OnReady, args);
  destroy_event(event);
}

static void one_download(void) {
  float got[4];
  read_buffer(kept, got, sizeof got);
}

static void one_failed_buffer(void) {
  ARGS(Client_CreateErrorBuffer, args, .client = client, .error_code = PJRT_Error_Code_ABORTED,
       .error_message = "a message of some length, as messages have", .error_message_size = 42,
       .shape_dims = (int64_t[]){4}, .shape_num_dims = 1,
       .shape_element_type = PJRT_Buffer_Type_F32, .memory = default_memory(device));
  OK(Client_CreateErrorBuffer, args);
  pj_error_free(await_event(ready_event(args.buffer)));
  destroy_buffer(args.buffer);
}

static PJRT_LoadedExecutable *loaded;
static void one_execution(void) {
  PJRT_Buffer *out;
  execute(loaded, 2, (PJRT_Buffer *[]){kept, kept}, &out);
  destroy_buffer(out);
}

static void one_donation(void) {
  PJRT_Buffer *in = make_f32(4, (float[]){1, 2, 3, 4}), *out;
  execute(loaded, 1, &in, &out);
  destroy_buffer(in);
  destroy_buffer(out);
}

static void one_compilation(void) {
  PJRT_LoadedExecutable *again = compile(program_two);
  destroy_executable(executable_of(again));
  destroy_loaded(again);
}

static void one_bad_compilation(void) {
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_LoadedExecutable *none;
  static const char text[] = "func.func public @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
                             "  %0 = stablehlo.add %a, %b : tensor<4xf32>\n"
                             "  return %0 : tensor<4xf32>\n}\n";
  PJRT_Error *error = try_compile(text, sizeof text - 1, "mlir", options, size, &none);
  CHECK(error, "a program compiles that uses what is not there");
  pj_error_free(error);
}

static void one_serialization(void) {
  PJRT_Executable *executable = executable_of(loaded);
  ARGS(Executable_Serialize, args, .executable = executable);
  OK(Executable_Serialize, args);
  args.serialized_executable_deleter(args.serialized_executable);
  destroy_executable(executable);
}

static void one_client(void) {
  start();
  stop();
}

static void leak_error(void) {
  start();
  repeat(one_error, 2000, 12, "an error");
}
static void leak_buffer(void) {
  start();
  repeat(one_buffer, 2000, 12, "a buffer");
}
static void leak_large(void) {
  start();
  repeat(one_large_buffer, 60, 1 << 17, "a buffer of 1 MiB");
}
static void leak_event(void) {
  start();
  keep();
  repeat(one_event, 2000, 12, "an event");
}
// A program that receives from the host; the stream is destroyed in the callback.
static void give(PJRT_CopyToDeviceStream *stream, void *user_arg) {
  (void)user_arg;
  static float data[4] = {1, 2, 3, 4};
  PJRT_Chunk chunk = {.data = data, .size = sizeof data};
  ARGS(CopyToDeviceStream_AddChunk, add, .stream = stream, .chunk = &chunk);
  OK(CopyToDeviceStream_AddChunk, add);
  await_ok(add.transfer_complete, "the chunk");
  ARGS(CopyToDeviceStream_Destroy, drop, .stream = stream);
  OK(CopyToDeviceStream_Destroy, drop);
}

static void one_stream(void) {
  PJRT_RecvCallbackInfo info = {.channel_id = 7, .recv_callback = give};
  PJRT_RecvCallbackInfo *infos[1] = {&info};
  PJRT_ExecuteOptions options = {
      .struct_size = PJRT_ExecuteOptions_STRUCT_SIZE, .recv_callbacks = infos, .num_recv_ops = 1};
  PJRT_Buffer *out, **outputs = &out;
  PJRT_Buffer *const *const argument_lists[1] = {NULL};
  PJRT_Buffer **const output_lists[1] = {outputs};
  ARGS(LoadedExecutable_Execute, run, .executable = loaded, .options = &options,
       .argument_lists = argument_lists, .num_devices = 1, .output_lists = output_lists);
  PJRT_Error *error = CALL(LoadedExecutable_Execute, run);
  if (!error)
    error = await_event(ready_event(out));
  if (error && pj_error_code(error) != PJRT_Error_Code_UNIMPLEMENTED)
    FAIL("a program that receives: %s", pj_error_text(error));
  if (error) {
    const char *message = pj_error_text(error);
    pj_not_offered("programs that receive from the host: %s", message);
  }
  destroy_buffer(out);
}

static void leak_stream(void) {
  start();
  static const char text[] =
      "func.func public @main() -> tensor<4xf32> {\n"
      "  %t = stablehlo.create_token : !stablehlo.token\n"
      "  %0:2 = \"stablehlo.recv\"(%t) {channel_handle = #stablehlo.channel_handle<handle = 7, "
      "type = 3>, is_host_transfer = true} : (!stablehlo.token) -> (tensor<4xf32>, "
      "!stablehlo.token)\n"
      "  return %0#0 : tensor<4xf32>\n}\n";
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_Error *error = try_compile(text, sizeof text - 1, "mlir", options, size, &loaded);
  if (error) {
    const char *message = pj_error_text(error);
    pj_not_offered("programs that receive from the host: %s", message);
  }
  repeat(one_stream, 400, 40, "a transfer from the host");
}

static void leak_callback(void) {
  start();
  keep();
  repeat(one_callback, 2000, 12, "a callback");
}
static void leak_download(void) {
  start();
  keep();
  repeat(one_download, 1500, 12, "a download");
}
static void leak_failed(void) {
  start();
  repeat(one_failed_buffer, 1500, 12, "a buffer with an error");
}
static void leak_execution(void) {
  start();
  keep();
  loaded = compile(program_add);
  repeat(one_execution, 1500, 12, "an execution");
}
static void leak_donation(void) {
  start();
  loaded = compile(program_donate);
  repeat(one_donation, 1000, 12, "an execution with donation");
}
static void leak_compilation(void) {
  start();
  repeat(one_compilation, 40, 400, "a compilation");
}
static void leak_bad_compilation(void) {
  start();
  repeat(one_bad_compilation, 200, 100, "a compilation that fails");
}
static void leak_serialization(void) {
  start();
  loaded = compile(program_add);
  repeat(one_serialization, 500, 12, "a serialisation");
}
static void leak_client(void) {
  for (int i = 0; i < 3; i++)
    one_client();
  int threads = entries("/proc/self/task"), files = entries("/proc/self/fd");
  repeat(one_client, 10, 4000, "a client");
  for (double end = pj_now() + 5; entries("/proc/self/task") > threads + 2; pj_sleep(0.01))
    CHECK(pj_now() < end, "40 clients left %d threads", entries("/proc/self/task") - threads);
  CHECK(entries("/proc/self/fd") <= files + 2, "40 clients left %d open files",
        entries("/proc/self/fd") - files);
}

const PjCtsTest pj_cts_leak_tests[] = {
    {"leak.error", "a destroyed error is free", leak_error},
    {"leak.buffer", "a destroyed buffer is free", leak_buffer},
    {"leak.large_buffer", "a destroyed large buffer is free", leak_large},
    {"leak.event", "a destroyed event is free", leak_event},
    {"leak.callback", "a callback leaves nothing behind", leak_callback},
    {"leak.download", "a download leaves nothing behind", leak_download},
    {"leak.failed_buffer", "a buffer with an error leaves nothing behind", leak_failed},
    {"leak.execution", "an execution leaves its results only", leak_execution},
    {"leak.stream", "a transfer from the host leaves nothing behind", leak_stream},
    {"leak.donation", "a donation leaves its results only", leak_donation},
    {"leak.compilation", "a destroyed executable is free", leak_compilation},
    {"leak.bad_compilation", "a failed compilation leaves nothing behind", leak_bad_compilation},
    {"leak.serialization", "serialised bytes are freed by their deleter", leak_serialization},
    {"leak.client", "a destroyed client leaves no memory, thread or file", leak_client},
    {0}};

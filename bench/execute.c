// bench-execute [arguments [repetitions]]: what one small execution costs apart from the program.
//
// Drives the PJRT functions as JAX does for one call of a compiled function, with a compiler of its
// own whose programs add 1 to eight floats of each argument: what remains is ours to save.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "pjrt/surface.h"

enum { LANES = 8, MAX_ARGUMENTS = 256 };

static PjStatus add_compile(PjModule *module, const PjCompileOptions *options, PjCompiled **out) {
  *out = NULL;
  return PJ_STATUS_OK;
}

static void add_destroy(PjCompiled *compiled) {}

static void add_stats(const PjCompiled *compiled, PjCompiledStats *out) {
  *out = (PjCompiledStats){0};
}

static PjStatus add_run(const PjCompiled *compiled, const PjRunContext *context,
                        uint32_t num_inputs, PjArray *const *inputs, const bool *may_overwrite,
                        uint32_t num_outputs, PjArray *const *outputs) {
  for (uint32_t i = 0; i < num_outputs; i++) {
    PJ_TRY(pj_array_allocate(outputs[i]));
    const float *in = inputs[i]->data;
    float *out = outputs[i]->data;
    for (int k = 0; k < LANES; k++)
      out[k] = in[k] + 1;
  }
  return PJ_STATUS_OK;
}

static const PjCompilerOps add_compiler = {.name = "add",
                                           .compile = add_compile,
                                           .destroy = add_destroy,
                                           .stats = add_stats,
                                           .run = add_run};

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void must(PjStatus status) {
  if (!status)
    return;
  fprintf(stderr, "%s\n", pj_status_message(status));
  exit(1);
}

static void must_surface(PJRT_Error *error) {
  if (!error)
    return;
  fprintf(stderr, "a call failed\n");
  exit(1);
}

#define ARGS(name, variable, ...) \
  PJRT_##name##_Args variable = {.struct_size = PJRT_##name##_Args_STRUCT_SIZE, ##__VA_ARGS__}
#define CALL(name, ...)                                     \
  do {                                                      \
    ARGS(name, call_args_, __VA_ARGS__);                    \
    must_surface((PJRT_Error *)pj_api_##name(&call_args_)); \
  } while (0)

static void on_ready(PJRT_Error *error, void *arg) {
  ++*(long *)arg;
}

// One call of a compiled function, from its arguments to the end of its results.
static void call(PjLoadedExecutable *loaded, size_t count, PJRT_Buffer *const *in, long *ready) {
  PJRT_Buffer *out[MAX_ARGUMENTS];
  PJRT_Buffer *const *in_lists[1] = {in};
  PJRT_Buffer **out_lists[1] = {out};
  PJRT_Event *done[1];
  ARGS(ExecuteContext_Create, context);
  must_surface(pj_api_ExecuteContext_Create(&context));
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE,
                                 .context = context.context};
  CALL(LoadedExecutable_Execute, .executable = (PJRT_LoadedExecutable *)loaded, .options = &options,
       .argument_lists = in_lists, .num_devices = 1, .num_args = count, .output_lists = out_lists,
       .device_complete_events = done);
  CALL(Event_OnReady, .event = done[0], .callback = on_ready, .user_arg = ready);
  CALL(Event_Destroy, .event = done[0]);
  CALL(ExecuteContext_Destroy, .context = context.context);
  for (size_t i = 0; i < count; i++) {
    ARGS(Buffer_ReadyEvent, event, .buffer = out[i]);
    must_surface(pj_api_Buffer_ReadyEvent(&event));
    CALL(Event_IsReady, .event = event.event);
    CALL(Event_Destroy, .event = event.event);
  }
  for (size_t i = 0; i < count; i++)
    CALL(Buffer_Destroy, .buffer = out[i]);
}

// A program of |count| arguments of eight floats that returns them.
static char *program(size_t count) {
  PjStrBuf text = {0};
  pj_strbuf_puts(&text, "func.func @main(");
  for (size_t i = 0; i < count; i++)
    pj_strbuf_printf(&text, "%s%%a%zu: tensor<8xf32>", i ? ", " : "", i);
  pj_strbuf_puts(&text, ") -> (");
  for (size_t i = 0; i < count; i++)
    pj_strbuf_printf(&text, "%stensor<8xf32>", i ? ", " : "");
  pj_strbuf_puts(&text, ") {\n  return ");
  for (size_t i = 0; i < count; i++)
    pj_strbuf_printf(&text, "%s%%a%zu", i ? ", " : "", i);
  pj_strbuf_puts(&text, " : ");
  for (size_t i = 0; i < count; i++)
    pj_strbuf_printf(&text, "%stensor<8xf32>", i ? ", " : "");
  pj_strbuf_puts(&text, "\n}\n");
  return text.data;
}

int main(int argc, char **argv) {
  size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
  int repetitions = argc > 2 ? atoi(argv[2]) : 20000;
  if (count < 1 || count > MAX_ARGUMENTS)
    return 2;
  PjPlatform platform = pj_platform_cpu;
  platform.compiler = &add_compiler;
  PjClient *client;
  must(pj_client_create(&platform, &(PjClientOptions){0}, &client));
  char *text = program(count);
  PjExecutable *executable;
  PjLoadedExecutable *loaded;
  must(pj_executable_compile(&add_compiler, pj_str(text), PJ_STR("mlir"), PJ_STR(""), &executable));
  must(pj_executable_load(client, executable, &loaded));

  static const float data[LANES] = {1, 2, 3, 4, 5, 6, 7, 8};
  PJRT_Buffer *in[MAX_ARGUMENTS];
  for (size_t i = 0; i < count; i++) {
    ARGS(Client_BufferFromHostBuffer, make, .client = (PJRT_Client *)client, .data = data,
         .type = PJRT_Buffer_Type_F32, .dims = (const int64_t[]){LANES}, .num_dims = 1,
         .device = (PJRT_Device *)client->devices[0]);
    must_surface(pj_api_Client_BufferFromHostBuffer(&make));
    CALL(Event_Destroy, .event = make.done_with_host_buffer);
    in[i] = make.buffer;
  }
  long ready = 0;
  double best = 1e30, total = 0;
  enum { BATCH = 100 };
  for (int i = 0; i < repetitions / BATCH + 1; i++) {
    double start = now_ns();
    for (int k = 0; k < BATCH; k++)
      call(loaded, count, in, &ready);
    double each = (now_ns() - start) / BATCH;
    best = each < best ? each : best;
    total += each;
  }
  printf("%zu arguments: %.0f ns a call at best, %.0f on average\n", count, best,
         total / (repetitions / BATCH + 1));
  for (size_t i = 0; i < count; i++)
    CALL(Buffer_Destroy, .buffer = in[i]);
  pj_loaded_release(loaded);
  pj_executable_release(executable);
  pj_client_destroy(client);
  free(text);
  return ready == 0;
}

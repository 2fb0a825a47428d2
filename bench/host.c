// bench-host [plugin.so [rounds]]: what the host library costs over the bare C API.
//
// One execution of y = x + 1 over four floats, by pjh_execute and by the plugin's own functions, in
// turn: a batch of the one, a batch of the other, so that both see the same machine. Both wait for
// the end and destroy the output. Prints nanoseconds per execution: the best batch and the middle
// one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pjrt/pjrt.h"

enum { BATCH = 2000, MAX_ROUNDS = 1000 };

static const char program[] = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
                              "  %one = stablehlo.constant dense<1.0> : tensor<4xf32>\n"
                              "  %y = stablehlo.add %x, %one : tensor<4xf32>\n"
                              "  return %y : tensor<4xf32>\n}\n";

static void must(PjhError *error) {
  if (!error)
    return;
  fprintf(stderr, "bench-host: %s\n", pjh_error_message(error));
  exit(1);
}

static void must_raw(PJRT_Error *error) {
  if (!error)
    return;
  fprintf(stderr, "bench-host: a call of the plugin failed\n");
  exit(1);
}

static double now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void by_library(PjhExecutable *executable, PjhBuffer *x) {
  PjhBuffer *y;
  must(pjh_execute(executable, &x, 1, &y, 1));
  pjh_buffer_destroy(y);
}

static void by_hand(const PJRT_Api *api, PJRT_LoadedExecutable *executable, PJRT_Buffer *x) {
  PJRT_Buffer *y, **outputs = &y, *const *arguments = &x;
  PJRT_Event *done = NULL;
  PJRT_ExecuteOptions options = {.struct_size = PJRT_ExecuteOptions_STRUCT_SIZE};
  PJRT_LoadedExecutable_Execute_Args run = {.struct_size =
                                                PJRT_LoadedExecutable_Execute_Args_STRUCT_SIZE,
                                            .executable = executable,
                                            .options = &options,
                                            .argument_lists = &arguments,
                                            .num_devices = 1,
                                            .num_args = 1,
                                            .output_lists = &outputs,
                                            .device_complete_events = &done};
  must_raw(api->PJRT_LoadedExecutable_Execute(&run));
  PJRT_Event_Await_Args await = {.struct_size = PJRT_Event_Await_Args_STRUCT_SIZE, .event = done};
  must_raw(api->PJRT_Event_Await(&await));
  PJRT_Event_Destroy_Args drop = {.struct_size = PJRT_Event_Destroy_Args_STRUCT_SIZE,
                                  .event = done};
  must_raw(api->PJRT_Event_Destroy(&drop));
  PJRT_Buffer_Destroy_Args destroy = {.struct_size = PJRT_Buffer_Destroy_Args_STRUCT_SIZE,
                                      .buffer = y};
  must_raw(api->PJRT_Buffer_Destroy(&destroy));
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  const char *path = argc > 1 ? argv[1] : "build/pjrt_plugin_cpu.so";
  int rounds = argc > 2 ? atoi(argv[2]) : 200;
  if (rounds < 1 || rounds > MAX_ROUNDS) {
    fprintf(stderr, "usage: bench-host [plugin.so [rounds, 1 to %d]]\n", MAX_ROUNDS);
    return 2;
  }
  PjhPlugin *plugin;
  PjhClient *client;
  PjhExecutable *executable;
  PjhBuffer *x;
  const float values[] = {1, 2, 3, 4};
  const int64_t dims[] = {4};
  must(pjh_plugin_load(path, &plugin));
  must(pjh_client_create(plugin, NULL, 0, &client));
  must(pjh_compile(client, program, strlen(program), NULL, &executable));
  must(pjh_buffer_from_host(client, 0, values, PJRT_Buffer_Type_F32, dims, 1, NULL, &x));

  static double library[MAX_ROUNDS], hand[MAX_ROUNDS];
  const PJRT_Api *api = pjh_plugin_api(plugin);
  PJRT_LoadedExecutable *loaded = pjh_executable_loaded_handle(executable);
  PJRT_Buffer *raw = pjh_buffer_handle(x);
  for (int round = -1; round < rounds; round++) { // the first is warming up
    double start = now_ns();
    for (int i = 0; i < BATCH; i++)
      by_library(executable, x);
    double middle = now_ns();
    for (int i = 0; i < BATCH; i++)
      by_hand(api, loaded, raw);
    double end = now_ns();
    if (round >= 0) {
      library[round] = (middle - start) / BATCH;
      hand[round] = (end - middle) / BATCH;
    }
  }
  qsort(library, (size_t)rounds, sizeof *library, ascending);
  qsort(hand, (size_t)rounds, sizeof *hand, ascending);
  printf("%-24s %9s %9s\n", "ns per execution", "best", "middle");
  printf("%-24s %9.1f %9.1f\n", "pjh_execute", library[0], library[rounds / 2]);
  printf("%-24s %9.1f %9.1f\n", "the C API by hand", hand[0], hand[rounds / 2]);
  printf("%-24s %9.1f %9.1f\n", "overhead", library[0] - hand[0],
         library[rounds / 2] - hand[rounds / 2]);

  pjh_buffer_destroy(x);
  pjh_executable_destroy(executable);
  pjh_client_destroy(client);
  pjh_plugin_destroy(plugin);
  return 0;
}

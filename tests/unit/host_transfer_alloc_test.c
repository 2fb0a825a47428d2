// Transfers with the host below the surface, with every allocation failing in turn.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/alloc.h"
#include "runtime/client.h"
#include "runtime/execute.h"

static const char text[] =
    "func.func @main() -> tensor<4xf32> {\n"
    "  %t = stablehlo.create_token : !stablehlo.token\n"
    "  %0:2 = \"stablehlo.recv\"(%t) {channel_handle = #stablehlo.channel_handle<handle = 7, type "
    "= "
    "3>, is_host_transfer = true} : (!stablehlo.token) -> (tensor<4xf32>, !stablehlo.token)\n"
    "  %1 = \"stablehlo.send\"(%0#0, %0#1) {channel_handle = #stablehlo.channel_handle<handle = 6, "
    "type = 2>, is_host_transfer = true} : (tensor<4xf32>, !stablehlo.token) -> "
    "!stablehlo.token\n"
    "  return %0#0 : tensor<4xf32>\n}\n";

static const float data[4] = {1, 2, 3, 4};
static float echoed[4];

static PjStatus take(const PjHostChannel *channel, void *sent, size_t bytes, size_t total,
                     bool last) {
  assert_int_equal(channel->id, 6);
  assert_int_equal(bytes, sizeof echoed);
  assert_true(last && total == bytes);
  memcpy(echoed, sent, bytes);
  pj_free(sent);
  return PJ_STATUS_OK;
}

// The stream has room for all that is wanted, so adding allocates nothing.
static void give(const PjHostChannel *channel, PjHostStream *stream) {
  assert_int_equal(channel->id, 7);
  PjStatus status = pj_host_stream_add(stream, data, sizeof data);
  assert_null(status);
  pj_host_stream_close(stream);
}

typedef struct Objects {
  PjClient *client;
  PjExecutable *executable;
  PjLoadedExecutable *loaded;
  PjHostTransfers *transfers;
  PjBuffer *output;
} Objects;

static PjStatus run_everything(Objects *o) {
  static const PjHostOps ops = {.send = take, .receive = give};
  PJ_TRY(pj_client_create(&pj_platform_cpu, &(PjClientOptions){.synchronous = true}, &o->client));
  PJ_TRY(pj_executable_compile(&pj_compiler_eval, pj_str(text), PJ_STR("mlir"), PJ_STR(""),
                               &o->executable));
  PJ_TRY(pj_executable_load(o->client, o->executable, &o->loaded));
  o->transfers = pj_host_transfers_create(&ops, 1, 1, 1);
  if (!o->transfers)
    return pj_status_oom();
  PjHostChannel *channels = pj_host_transfers_channels(o->transfers, 0);
  channels[0].id = 6;
  channels[1].id = 7;
  PjBuffer *const *args[1] = {NULL};
  PjBuffer **const outputs[1] = {&o->output};
  PjExecution execution = {
      .num_devices = 1, .args = args, .outputs = outputs, .transfers = o->transfers};
  PJ_TRY(pj_execute(o->loaded, &execution));
  return pj_event_await(o->output->ready);
}

static void test_every_allocation_may_fail(void **state) {
  int64_t n = 0;
  for (bool succeeded = false; !succeeded; n++) {
    Objects o = {0};
    pj_alloc_fail_after(n);
    PjStatus status = run_everything(&o);
    pj_alloc_fail_after(-1);
    succeeded = !status;
    if (status && pj_status_code(status) != PJ_RESOURCE_EXHAUSTED)
      fail_msg("allocation %lld: %s: %s", (long long)n, pj_code_name(pj_status_code(status)),
               pj_status_message(status));
    pj_status_free(status);
    pj_buffer_destroy(o.output);
    pj_host_transfers_release(o.transfers);
    pj_loaded_release(o.loaded);
    pj_executable_release(o.executable);
    pj_client_destroy(o.client);
    assert_true(n < 100000);
  }
  assert_memory_equal(echoed, data, sizeof data);
  print_message("%lld allocations\n", (long long)n);
}

static void test_absurd_sizes(void **state) {
  static const PjHostOps ops = {.send = take, .receive = give};
  assert_null(pj_host_transfers_create(&ops, 4, SIZE_MAX, 2));
  assert_null(pj_host_transfers_create(&ops, 4, SIZE_MAX / 8, 0));
  pj_host_transfers_release(NULL);
  pj_host_stream_close(NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_allocation_may_fail),
      cmocka_unit_test(test_absurd_sizes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

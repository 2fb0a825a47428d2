// See host_support.h.
#include "host_support.h"

#include <stdio.h>
#include <string.h>

#include "pjrt/pjrt_slots.h"

PjhPlugin *host_plugin;
PjhClient *host_client;

int host_setup(void **state) {
  (void)state;
  PJRT_NamedValue option = pjh_option_int("cpu_device_count", 2);
  HOST_OK(pjh_plugin_load(CPU_PLUGIN, &host_plugin));
  HOST_OK(pjh_client_create(host_plugin, &option, 1, &host_client));
  return 0;
}

int host_teardown(void **state) {
  (void)state;
  pjh_client_destroy(host_client);
  pjh_plugin_destroy(host_plugin);
  return 0;
}

void host_expect_ok(PjhError *error, const char *what, const char *file, int line) {
  if (!error)
    return;
  print_error("%s: %s: %s\n", what, pjh_error_code_name(pjh_error_code(error)),
              pjh_error_message(error));
  pjh_error_free(error);
  _fail(file, line);
}

void host_expect_error(PjhError *error, PJRT_Error_Code code, const char *text, const char *hint,
                       const char *what, const char *file, int line) {
  if (pjh_error_code(error) == code && strstr(pjh_error_message(error), text) &&
      strstr(pjh_error_hint(error), hint)) {
    pjh_error_free(error);
    return;
  }
  print_error("%s: %s: \"%s\", hint \"%s\"; expected %s, \"%s\", \"%s\"\n", what,
              pjh_error_code_name(pjh_error_code(error)), pjh_error_message(error),
              pjh_error_hint(error), pjh_error_code_name(code), text, hint);
  pjh_error_free(error);
  _fail(file, line);
}

const char host_add_one[] = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
                            "  %one = stablehlo.constant dense<1.0> : tensor<4xf32>\n"
                            "  %y = stablehlo.add %x, %one : tensor<4xf32>\n"
                            "  return %y : tensor<4xf32>\n"
                            "}\n";

PjhExecutable *host_compile(PjhClient *client, const char *text, const PjhCompileOptions *options) {
  PjhExecutable *executable;
  HOST_OK(pjh_compile(client, text, strlen(text), options, &executable));
  return executable;
}

PjhBuffer *host_floats(PjhClient *client, size_t device, const float *values, int64_t count) {
  PjhBuffer *buffer;
  HOST_OK(
      pjh_buffer_from_host(client, device, values, PJRT_Buffer_Type_F32, &count, 1, NULL, &buffer));
  return buffer;
}

void host_expect_floats(PjhBuffer *buffer, const float *expected, size_t count) {
  float values[64];
  assert_true(count <= sizeof values / sizeof *values);
  assert_int_equal(pjh_buffer_type(buffer), PJRT_Buffer_Type_F32);
  assert_int_equal(pjh_buffer_host_size(buffer), count * sizeof *values);
  HOST_OK(pjh_buffer_to_host(buffer, values, count * sizeof *values));
  for (size_t i = 0; i < count; i++)
    assert_true(values[i] == expected[i]);
}

void host_older(PJRT_Api *api, int minor) {
  *api = *pjh_plugin_api(host_plugin);
  api->pjrt_api_version.minor_version = minor;
  api->struct_size = offsetof(PJRT_Api, PJRT_Error_Destroy);
#define SLOT(slot, name, since)                                 \
  if (since <= minor)                                           \
    api->struct_size = PJRT_STRUCT_SIZE(PJRT_Api, PJRT_##name); \
  else                                                          \
    api->PJRT_##name = (PJRT_##name *)(uintptr_t)0x10; /* must not be called */
  PJRT_API_SLOTS(SLOT)
#undef SLOT
}

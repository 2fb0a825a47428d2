// The host library on the CPU plugin: what plugins, devices, topologies and executables say of
// themselves; compiling ahead of time and serialisation; errors.
#include "host_support.h"

#include <string.h>

// --- Plugins -------------------------------------------------------------------------------------

static void a_plugin_tells_its_facts(void **state) {
  (void)state;
  PjhValues *values;
  HOST_OK(pjh_plugin_attributes(host_plugin, &values));
  const PjhValue *version = pjh_values_find(values, "stablehlo_current_version");
  assert_non_null(version);
  assert_int_equal(version->type, PJRT_NamedValue_kInt64List);
  assert_int_equal(version->list_size, 3);
  assert_int_equal(version->list[0], 1);
  assert_null(pjh_values_find(values, "stablehlo_current_versio"));
  assert_null(pjh_values_get(values, pjh_values_count(values)));
  pjh_values_free(values);

  assert_true(pjh_plugin_has(host_plugin, "Client_Load"));
  assert_false(pjh_plugin_has(host_plugin, "Client_Loa"));
  const PJRT_Extension_Base *layouts =
      pjh_plugin_find_extension(host_plugin, PJRT_Extension_Type_Layouts);
  assert_non_null(layouts);
  bool listed = false;
  size_t count = pjh_plugin_num_extensions(host_plugin);
  for (size_t i = 0; i < count; i++)
    listed = listed || pjh_plugin_extension(host_plugin, i) == layouts;
  assert_true(listed);
  assert_null(pjh_plugin_extension(host_plugin, count));
  assert_null(pjh_plugin_find_extension(host_plugin, PJRT_Extension_Type_Triton));
  assert_string_equal(pjh_extension_name(layouts->type), "Layouts");
  assert_string_equal(pjh_extension_name((PJRT_Extension_Type)99), "");
}

static void values_of_every_kind_are_copied(void **state) {
  (void)state;
  int64_t numbers[] = {3, -4};
  PJRT_NamedValue list = pjh_option_int("list", 0), empty = pjh_option_int("", 0);
  list.type = PJRT_NamedValue_kInt64List;
  list.int64_array_value = numbers;
  list.value_size = 2;
  empty.type = PJRT_NamedValue_kInt64List;
  empty.int64_array_value = NULL;
  empty.value_size = 5; // a plugin's mistake
  char text[] = "some text";
  const PJRT_NamedValue from[] = {
      pjh_option_string("text", text),      list,
      pjh_option_bool("flag", true),        pjh_option_float("real", 0.5f),
      pjh_option_int("integer", INT64_MIN), empty};
  PjhValues *values;
  HOST_OK(pjh__values_copy(from, sizeof from / sizeof *from, &values));
  memset(text, 'x', sizeof text);
  numbers[0] = 0;
  assert_string_equal(pjh_values_find(values, "text")->text, "some text");
  assert_int_equal(pjh_values_find(values, "list")->list_size, 2);
  assert_int_equal(pjh_values_find(values, "list")->list[0], 3);
  assert_int_equal(pjh_values_find(values, "list")->list[1], -4);
  assert_int_equal(pjh_values_find(values, "flag")->integer, 1);
  assert_true(pjh_values_find(values, "real")->real == 0.5);
  assert_true(pjh_values_find(values, "integer")->integer == INT64_MIN);
  assert_int_equal(pjh_values_find(values, "")->list_size, 0);
  assert_int_equal(pjh_values_count(values), 6);
  pjh_values_free(values);
}

static void devices_are_described(void **state) {
  (void)state;
  assert_int_equal(pjh_client_num_devices(host_client), 2);
  for (size_t i = 0; i < 2; i++) {
    PjhDeviceInfo info;
    HOST_OK(pjh_client_device_info(host_client, i, &info));
    assert_int_equal(info.id, i);
    assert_int_equal(info.process, 0);
    assert_int_equal(info.local_id, i);
    assert_string_equal(info.name, pjh_client_device_name(host_client, i));
    assert_true(*info.name && *info.kind);
    PjhValues *values;
    HOST_OK(pjh_client_device_attributes(host_client, i, &values));
    pjh_values_free(values);
    HOST_OK(pjh_client_device_memory(host_client, i, &values));
    assert_non_null(pjh_values_find(values, "bytes_in_use"));
    pjh_values_free(values);
  }
  PjhDeviceInfo info;
  PjhValues *values;
  HOST_FAILS(pjh_client_device_info(host_client, 2, &info), INVALID_ARGUMENT, "2 devices");
  HOST_FAILS(pjh_client_device_attributes(host_client, 2, &values), INVALID_ARGUMENT, "2 devices");
  HOST_FAILS(pjh_client_device_memory(host_client, 2, &values), INVALID_ARGUMENT, "2 devices");
}

// --- Topologies ----------------------------------------------------------------------------------

static void topologies_are_made_and_serialised(void **state) {
  (void)state;
  PjhTopology *topology, *again, *of_client;
  HOST_OK(pjh_topology_create(host_plugin, "cpu:3", NULL, 0, &topology));
  assert_int_equal(pjh_topology_num_devices(topology), 3);
  assert_string_equal(pjh_topology_platform_name(topology), pjh_client_platform_name(host_client));
  assert_string_equal(pjh_topology_platform_version(topology),
                      pjh_client_platform_version(host_client));
  PjhDeviceInfo info;
  HOST_OK(pjh_topology_device_info(topology, 2, &info));
  assert_int_equal(info.id, 2);
  assert_int_equal(info.local_id, -1);
  PjhValues *values;
  HOST_OK(pjh_topology_device_attributes(topology, 2, &values));
  pjh_values_free(values);
  HOST_FAILS(pjh_topology_device_info(topology, 3, &info), INVALID_ARGUMENT, "3 devices");
  HOST_FAILS(pjh_topology_device_attributes(topology, 3, &values), INVALID_ARGUMENT, "3 devices");
  HOST_OK(pjh_topology_attributes(topology, &values));
  pjh_values_free(values);

  void *data;
  size_t size;
  uint64_t first, second;
  HOST_OK(pjh_topology_serialize(topology, &data, &size));
  HOST_OK(pjh_topology_deserialize(host_plugin, data, size, &again));
  pjh_free(data);
  HOST_OK(pjh_topology_fingerprint(topology, &first));
  HOST_OK(pjh_topology_fingerprint(again, &second));
  assert_true(first == second);
  assert_int_equal(pjh_topology_num_devices(again), 3);
  HOST_OK(pjh_topology_of_client(host_client, &of_client));
  assert_int_equal(pjh_topology_num_devices(of_client), 2);
  HOST_OK(pjh_topology_fingerprint(of_client, &second));
  assert_true(first != second);
  pjh_topology_destroy(of_client);
  pjh_topology_destroy(again);
  pjh_topology_destroy(topology);
  HOST_FAILS(pjh_topology_create(host_plugin, "v5e:2x2", NULL, 0, &topology), INVALID_ARGUMENT,
             "v5e:2x2");
  assert_null(topology);
  HOST_FAILS(pjh_topology_deserialize(host_plugin, "?", 1, &topology), INVALID_ARGUMENT, "");
}

// --- Executables ---------------------------------------------------------------------------------

static void expect_runs(PjhExecutable *executable) {
  const float in[] = {1, 2, 3, 4}, out[] = {2, 3, 4, 5};
  PjhBuffer *x = host_floats(host_client, pjh_executable_device(executable, 0), in, 4), *y;
  HOST_OK(pjh_execute(executable, &x, 1, &y, 1));
  host_expect_floats(y, out, 4);
  pjh_buffer_destroy(x);
  pjh_buffer_destroy(y);
}

static void programs_compile_ahead_of_time(void **state) {
  (void)state;
  PjhTopology *topology;
  PjhExecutable *ahead, *loaded, *moved;
  HOST_OK(pjh_topology_create(host_plugin, "cpu:2", NULL, 0, &topology));
  HOST_OK(pjh_compile_ahead(topology, host_add_one, strlen(host_add_one), NULL, &ahead));
  pjh_topology_destroy(topology);
  assert_null(pjh_executable_loaded_handle(ahead));
  assert_non_null(pjh_executable_handle(ahead));
  assert_int_equal(pjh_executable_num_outputs(ahead), 1);
  assert_int_equal(pjh_executable_num_devices(ahead), 0);
  HOST_FAILS(pjh_execute(ahead, NULL, 0, (PjhBuffer *[1]){0}, 1), FAILED_PRECONDITION, "load it");

  HOST_OK(pjh_executable_load(host_client, ahead, NULL, &loaded));
  expect_runs(loaded);
  assert_int_equal(pjh_executable_device(loaded, 0), 0);
  assert_true(pjh_executable_device(loaded, 1) == SIZE_MAX);
  const PjhCompileOptions elsewhere = {.device = 1};
  HOST_OK(pjh_executable_load(host_client, ahead, &elsewhere, &moved));
  assert_int_equal(pjh_executable_device(moved, 0), 1);
  expect_runs(moved);
  pjh_executable_destroy(moved);
  pjh_executable_destroy(loaded);
  pjh_executable_destroy(ahead);
}

static void executables_are_serialised(void **state) {
  (void)state;
  PjhExecutable *executable = host_compile(host_client, host_add_one, NULL), *again;
  void *data;
  size_t size;
  HOST_OK(pjh_executable_serialize(executable, &data, &size));
  pjh_executable_destroy(executable);
  HOST_OK(pjh_executable_deserialize(host_client, data, size, NULL, &again));
  expect_runs(again);
  pjh_executable_destroy(again);
  HOST_FAILS(pjh_executable_deserialize(host_client, data, size / 2, NULL, &again),
             INVALID_ARGUMENT, "");
  assert_null(again);
  pjh_free(data);
}

static void executables_tell_their_facts(void **state) {
  (void)state;
  PjhExecutable *executable = host_compile(host_client, host_add_one, NULL);
  PJRT_Buffer_Type type;
  const int64_t *dims;
  size_t rank, replicas, partitions, size;
  HOST_OK(pjh_executable_output(executable, 0, &type, &dims, &rank));
  assert_int_equal(type, PJRT_Buffer_Type_F32);
  assert_int_equal(rank, 1);
  assert_int_equal(dims[0], 4);
  HOST_FAILS(pjh_executable_output(executable, 1, &type, &dims, &rank), INVALID_ARGUMENT,
             "1 outputs");
  HOST_OK(pjh_executable_replicas(executable, &replicas, &partitions));
  assert_int_equal(replicas, 1);
  assert_int_equal(partitions, 1);
  PjhValues *values;
  HOST_OK(pjh_executable_cost(executable, &values));
  assert_true(pjh_values_find(values, "flops")->real == 4);
  pjh_values_free(values);
  HOST_OK(pjh_executable_memory(executable, &values));
  assert_int_equal(pjh_values_find(values, "argument_size_in_bytes")->integer, 16);
  assert_non_null(pjh_values_find(values, "peak_unpadded_heap_bytes"));
  pjh_values_free(values);
  int64_t code_size;
  HOST_OK(pjh_executable_code_size(executable, &code_size));
  assert_true(code_size >= 0);
  char *fingerprint, *program;
  HOST_OK(pjh_executable_fingerprint(executable, &fingerprint, &size));
  assert_true(size > 0 && strlen(fingerprint) == size);
  pjh_free(fingerprint);
  void *options;
  HOST_OK(pjh_executable_options(executable, &options, &size));
  assert_true(size > 0);
  pjh_free(options);
  const char *format;
  HOST_OK(pjh_executable_program(executable, &program, &size, &format));
  assert_string_equal(format, "mlir");
  pjh_free(program);
  pjh_executable_destroy(executable);
}

static void devices_are_assigned(void **state) {
  (void)state;
  size_t replicas, partitions;
  const PjhCompileOptions two = {.num_replicas = 2};
  PjhExecutable *executable = host_compile(host_client, host_add_one, &two);
  assert_int_equal(pjh_executable_num_devices(executable), 2);
  assert_int_equal(pjh_executable_device(executable, 1), 1);
  HOST_OK(pjh_executable_replicas(executable, &replicas, &partitions));
  assert_int_equal(replicas, 2);
  assert_int_equal(partitions, 1);
  pjh_executable_destroy(executable);

  const size_t backwards[] = {1, 0}, wrong[] = {0, 2};
  const PjhCompileOptions reversed = {.num_partitions = 2, .devices = backwards};
  executable = host_compile(host_client, host_add_one, &reversed);
  HOST_OK(pjh_executable_replicas(executable, &replicas, &partitions));
  assert_int_equal(partitions, 2);
  pjh_executable_destroy(executable);

  const struct {
    PjhCompileOptions options;
    const char *message;
  } bad[] = {
      {{.device = 2}, "device 2 of a client with 2 devices"},
      {{.num_replicas = 3}, "3 replicas of 1 partitions from device 0 on"},
      {{.num_replicas = 2, .device = 1}, "from device 1 on"},
      {{.num_replicas = 2, .devices = wrong}, "device 2 of a client"},
      {{.num_replicas = SIZE_MAX, .num_partitions = SIZE_MAX}, "replicas"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    HOST_FAILS(
        pjh_compile(host_client, host_add_one, strlen(host_add_one), &bad[i].options, &executable),
        INVALID_ARGUMENT, bad[i].message);
}

// --- Errors --------------------------------------------------------------------------------------

static void errors_name_their_location(void **state) {
  (void)state;
  static const struct {
    const char *message, *location;
  } cases[] = {
      {"dot_general: sizes differ | model.py:41:3", "model.py:41:3"},
      {"a | b: sizes differ | model.py:41 (tanh)", "model.py:41"},
      {"loc(\"/tmp/a b.py\":12:7): error: no", "/tmp/a b.py:12:7"},
      {"x.mlir:3:10: error: expected", "x.mlir:3:10"},
      {"nothing at 10:30 of the clock", ""},
      {"\":1:2", ""},
      {":1:2: error:", ""},
      {"a | b", ""},
      {"", ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    PjhError *error =
        pjh__hint(pjh__error(PJRT_Error_Code_INTERNAL, "%s", cases[i].message), "do %s", "that");
    error = pjh__hint(error, "something else"); // the first hint stays
    assert_string_equal(pjh_error_message(error), cases[i].message);
    assert_string_equal(pjh_error_location(error), cases[i].location);
    assert_string_equal(pjh_error_hint(error), "do that");
    pjh_error_free(error);
  }
  assert_string_equal(pjh_error_location(NULL), "");
  assert_string_equal(pjh_error_hint(NULL), "");
}

static void a_programs_error_has_the_users_line(void **state) {
  (void)state;
  static const char text[] =
      "func.func @main(%x: tensor<4xf32>) -> tensor<5xf32> {\n"
      "  %y = \"stablehlo.reshape\"(%x) : (tensor<4xf32>) -> tensor<5xf32> loc(\"model.py\":41:3)\n"
      "  return %y : tensor<5xf32>\n}\n";
  PjhExecutable *executable;
  PjhError *error = pjh_compile(host_client, text, strlen(text), NULL, &executable);
  assert_int_equal(pjh_error_code(error), PJRT_Error_Code_INVALID_ARGUMENT);
  assert_string_equal(pjh_error_location(error), "model.py:41:3");
  pjh_error_free(error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plugin_tells_its_facts),
      cmocka_unit_test(values_of_every_kind_are_copied),
      cmocka_unit_test(devices_are_described),
      cmocka_unit_test(topologies_are_made_and_serialised),
      cmocka_unit_test(programs_compile_ahead_of_time),
      cmocka_unit_test(executables_are_serialised),
      cmocka_unit_test(executables_tell_their_facts),
      cmocka_unit_test(devices_are_assigned),
      cmocka_unit_test(errors_name_their_location),
      cmocka_unit_test(a_programs_error_has_the_users_line),
  };
  return cmocka_run_group_tests(tests, host_setup, host_teardown);
}

// The plugin through its function table: errors, events, clients, devices, memories, topologies,
// and what hosts of other versions send.
#include "pjrt_util.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pjrt/pjrt_slots.h"

static void test_table_is_full(void **state) {
  (void)state;
  assert_int_equal(api->struct_size, PJRT_Api_STRUCT_SIZE);
  assert_int_equal(api->pjrt_api_version.major_version, 0);
  assert_int_equal(api->pjrt_api_version.minor_version, 112);
#define X(slot, name, since) assert_non_null(api->PJRT_##name);
  PJRT_API_SLOTS(X)
#undef X
}

static void test_destroying_nothing(void **state) {
  (void)state;
#define DESTROY(name)              \
  {                                \
    ARGS(name##_Destroy, destroy); \
    OK(name##_Destroy, destroy);   \
  }
  DESTROY(Event)
  DESTROY(Client)
  DESTROY(Executable)
  DESTROY(LoadedExecutable)
  DESTROY(Buffer)
  DESTROY(CopyToDeviceStream)
  DESTROY(TopologyDescription)
  DESTROY(ExecuteContext)
  DESTROY(AsyncHostToDeviceTransferManager)
  DESTROY(AsyncTrackingEvent)
  ARGS(Error_Destroy, destroy);
  api->PJRT_Error_Destroy(&destroy);
}

static void test_small_structs_are_refused(void **state) {
  (void)state;
  ARGS(Client_PlatformName, name, .client = client);
  name.struct_size = 24;
  FAILS(Client_PlatformName, name, INVALID_ARGUMENT, "PJRT_Client_PlatformName_Args size");
  // Larger ones come from newer hosts.
  struct {
    PJRT_Client_PlatformName_Args args;
    char more[64];
  } large = {.args = {.struct_size = sizeof large, .client = client}};
  expect_ok(api->PJRT_Client_PlatformName(&large.args), "larger", __FILE__, __LINE__);
  assert_int_equal(large.args.platform_name_size, 3);
  assert_memory_equal(large.args.platform_name, "cpu", 3);
  ARGS(Client_ProcessIndex, null_client);
  FAILS(Client_ProcessIndex, null_client, INVALID_ARGUMENT, "client is null");
  // The one call that reads something and has no error to return.
  ARGS(Error_Message, no_error);
  api->PJRT_Error_Message(&no_error);
  assert_int_equal(no_error.message_size, 0);
  api->PJRT_Error_Message(NULL);
}

static void test_unknown_extensions_are_skipped(void **state) {
  (void)state;
  PJRT_Extension_Base unknown = {.struct_size = 24, .type = (PJRT_Extension_Type)4711};
  ARGS(Client_ProcessIndex, index, .client = client, .extension_start = &unknown);
  OK(Client_ProcessIndex, index);
  assert_int_equal(index.process_index, 0);
}

static void test_attributes(void **state) {
  (void)state;
  ARGS(Plugin_Attributes, list);
  OK(Plugin_Attributes, list);
  int found = 0;
  for (size_t i = 0; i < list.num_attributes; i++) {
    const PJRT_NamedValue *a = &list.attributes[i];
    for (size_t k = 0; k < i; k++)
      assert_string_not_equal(a->name, list.attributes[k].name);
    if (!strcmp(a->name, "xla_version"))
      found += a->type == PJRT_NamedValue_kInt64 && a->int64_value == 2;
    if (!strcmp(a->name, "stablehlo_current_version"))
      found += a->type == PJRT_NamedValue_kInt64List && a->value_size == 3 &&
               a->int64_array_value[0] == 1;
    if (!strcmp(a->name, "stablehlo_minimum_version"))
      found += a->value_size == 3 && a->int64_array_value[0] == 0 && a->int64_array_value[1] == 9;
  }
  assert_int_equal(found, 3);
}

// --- Clients -------------------------------------------------------------------------------------

static PJRT_Error *create_with(const char *name, PJRT_NamedValue_Type type, int64_t number,
                               PJRT_Client **out) {
  PJRT_NamedValue option = {.struct_size = PJRT_NamedValue_STRUCT_SIZE,
                            .name = name,
                            .name_size = strlen(name),
                            .type = type,
                            .value_size = 1};
  if (type == PJRT_NamedValue_kBool)
    option.bool_value = number != 0;
  else
    option.int64_value = number;
  ARGS(Client_Create, create, .create_options = &option, .num_options = 1);
  // In a job of one process hosts leave these as they are.
  memset(&create.kv_get_callback, 0xee, sizeof create.kv_get_callback);
  memset(&create.kv_try_get_user_arg, 0xee, sizeof create.kv_try_get_user_arg);
  PJRT_Error *error = api->PJRT_Client_Create(&create);
  *out = create.client;
  return error;
}

static void test_create_options(void **state) {
  (void)state;
  PJRT_Client *other;
  expect_error(create_with("cpu_device_count", PJRT_NamedValue_kBool, 1, &other),
               PJRT_Error_Code_INVALID_ARGUMENT, "cpu_device_count", "type", __FILE__, __LINE__);
  expect_error(create_with("cpu_device_count", PJRT_NamedValue_kInt64, 0, &other),
               PJRT_Error_Code_INVALID_ARGUMENT, "cpu_device_count", "zero", __FILE__, __LINE__);
  expect_error(create_with("asynchronous", PJRT_NamedValue_kInt64, 1, &other),
               PJRT_Error_Code_INVALID_ARGUMENT, "asynchronous", "type", __FILE__, __LINE__);
  expect_error(create_with("threads", PJRT_NamedValue_kInt64, -1, &other),
               PJRT_Error_Code_INVALID_ARGUMENT, "threads", "negative", __FILE__, __LINE__);
  expect_error(create_with("invalid_option", PJRT_NamedValue_kInt64, 1, &other),
               PJRT_Error_Code_INVALID_ARGUMENT, "invalid_option", "unknown", __FILE__, __LINE__);
  expect_error(create_with("num_nodes", PJRT_NamedValue_kInt64, 2, &other),
               PJRT_Error_Code_UNIMPLEMENTED, "num_nodes", "processes", __FILE__, __LINE__);
  assert_null(other);
  expect_ok(create_with("asynchronous", PJRT_NamedValue_kBool, 0, &other), "synchronous", __FILE__,
            __LINE__);
  ARGS(Client_Destroy, destroy, .client = other);
  OK(Client_Destroy, destroy);
  expect_ok(create_with("threads", PJRT_NamedValue_kInt64, 3, &other), "threads", __FILE__,
            __LINE__);
  destroy.client = other;
  OK(Client_Destroy, destroy);
  expect_ok(create_with("cpu_device_count", PJRT_NamedValue_kInt64, 8, &other), "eight", __FILE__,
            __LINE__);
  ARGS(Client_Devices, devices, .client = other);
  OK(Client_Devices, devices);
  assert_int_equal(devices.num_devices, 8);
  destroy.client = other;
  OK(Client_Destroy, destroy);
}

static void test_devices(void **state) {
  (void)state;
  ARGS(Client_Devices, all, .client = client);
  OK(Client_Devices, all);
  ARGS(Client_AddressableDevices, local, .client = client);
  OK(Client_AddressableDevices, local);
  assert_int_equal(all.num_devices, 2);
  assert_int_equal(local.num_addressable_devices, 2);
  for (size_t i = 0; i < all.num_devices; i++) {
    assert_ptr_equal(all.devices[i], local.addressable_devices[i]);
    ARGS(Device_GetDescription, get, .device = all.devices[i]);
    OK(Device_GetDescription, get);
    ARGS(DeviceDescription_Id, id, .device_description = get.device_description);
    OK(DeviceDescription_Id, id);
    assert_int_equal(id.id, i);
    ARGS(DeviceDescription_ProcessIndex, process, .device_description = get.device_description);
    OK(DeviceDescription_ProcessIndex, process);
    assert_int_equal(process.process_index, 0);
    ARGS(Device_LocalHardwareId, hardware, .device = all.devices[i]);
    OK(Device_LocalHardwareId, hardware);
    assert_int_equal(hardware.local_hardware_id, i);
    ARGS(Device_IsAddressable, addressable, .device = all.devices[i]);
    OK(Device_IsAddressable, addressable);
    assert_true(addressable.is_addressable);
    ARGS(Client_LookupDevice, lookup, .client = client, .id = (int)i);
    OK(Client_LookupDevice, lookup);
    assert_ptr_equal(lookup.device, all.devices[i]);
    ARGS(Client_LookupAddressableDevice, by_hardware, .client = client,
         .local_hardware_id = (int)i);
    OK(Client_LookupAddressableDevice, by_hardware);
    assert_ptr_equal(by_hardware.addressable_device, all.devices[i]);
    ARGS(DeviceDescription_ToString, text, .device_description = get.device_description);
    OK(DeviceDescription_ToString, text);
    assert_true(text.to_string_size > 0);
    ARGS(Device_GetAttributes, attributes, .device = all.devices[i]);
    OK(Device_GetAttributes, attributes);
    attributes.attributes_deleter(attributes.device_attributes);
  }
  ARGS(Client_LookupDevice, none, .client = client, .id = -1);
  FAILS(Client_LookupDevice, none, INVALID_ARGUMENT, "No matching device found for device_id -1");
  none.id = 2;
  FAILS(Client_LookupDevice, none, INVALID_ARGUMENT, "No matching device found for device_id 2");
}

static void test_default_assignment(void **state) {
  (void)state;
  int ids[2] = {-1, -1};
  ARGS(Client_DefaultDeviceAssignment, ask, .client = client, .num_replicas = 2,
       .num_partitions = 1, .default_assignment_size = 2, .default_assignment = ids);
  OK(Client_DefaultDeviceAssignment, ask);
  assert_int_equal(ids[0], 0);
  assert_int_equal(ids[1], 1);
  ask.default_assignment_size = 1;
  FAILS(Client_DefaultDeviceAssignment, ask, FAILED_PRECONDITION, "does not fit");
  ask.num_replicas = ask.num_partitions = 65537;
  FAILS(Client_DefaultDeviceAssignment, ask, FAILED_PRECONDITION, "does not fit");
  ask.num_replicas = 0;
  FAILS(Client_DefaultDeviceAssignment, ask, INVALID_ARGUMENT, "at least one");
  ask.num_replicas = -3;
  FAILS(Client_DefaultDeviceAssignment, ask, INVALID_ARGUMENT, "at least one");
}

// --- Memories ------------------------------------------------------------------------------------

static int dtor_calls;
static void count_dtor(void *data) {
  (void)data;
  dtor_calls++;
}

static void test_memories(void **state) {
  (void)state;
  ARGS(Client_AddressableMemories, all, .client = client);
  OK(Client_AddressableMemories, all);
  assert_int_equal(all.num_addressable_memories, 6);
  ARGS(Device_DefaultMemory, preset, .device = device_at(1));
  OK(Device_DefaultMemory, preset);
  assert_ptr_equal(preset.memory, memory_of_kind(device_at(1), "device"));
  memory_of_kind(device_at(1), "pinned_host");
  ARGS(Memory_Kind_Id, a, .memory = memory_of_kind(device_at(0), "unpinned_host"));
  ARGS(Memory_Kind_Id, b, .memory = memory_of_kind(device_at(1), "unpinned_host"));
  OK(Memory_Kind_Id, a);
  OK(Memory_Kind_Id, b);
  assert_int_equal(a.kind_id, b.kind_id);
  assert_int_not_equal(a.kind_id, 0);
  for (size_t i = 0; i < all.num_addressable_memories; i++) {
    ARGS(Memory_AddressableByDevices, by, .memory = all.addressable_memories[i]);
    OK(Memory_AddressableByDevices, by);
    assert_int_equal(by.num_devices, 1);
    assert_ptr_equal(by.devices[0], device_at(i / 3));
    for (size_t k = 0; k < i; k++) {
      ARGS(Memory_Id, x, .memory = all.addressable_memories[i]);
      ARGS(Memory_Id, y, .memory = all.addressable_memories[k]);
      OK(Memory_Id, x);
      OK(Memory_Id, y);
      assert_int_not_equal(x.id, y.id);
    }
  }
}

static void test_memory_user_data(void **state) {
  (void)state;
  ARGS(Client_Create, create);
  OK(Client_Create, create);
  ARGS(Client_AddressableMemories, list, .client = create.client);
  OK(Client_AddressableMemories, list);
  PJRT_Memory *memory = list.addressable_memories[0];
  static int key_a, key_b, one, two;
  dtor_calls = 0;
  assert_null(memory->vtable->get_user_data(memory, &key_a));
  memory->vtable->set_user_data(memory, &key_a, &one, count_dtor);
  memory->vtable->set_user_data(memory, &key_b, &two, count_dtor);
  assert_ptr_equal(memory->vtable->get_user_data(memory, &key_a), &one);
  memory->vtable->set_user_data(memory, &key_a, &two, count_dtor);
  assert_int_equal(dtor_calls, 1);
  assert_ptr_equal(memory->vtable->get_user_data(memory, &key_a), &two);
  ARGS(Client_Destroy, destroy, .client = create.client);
  OK(Client_Destroy, destroy);
  assert_int_equal(dtor_calls, 3);
}

static void test_memory_stats(void **state) {
  (void)state;
  const int64_t dims[1] = {1 << 20};
  ARGS(Device_MemoryStats, before, .device = device_at(0));
  OK(Device_MemoryStats, before);
  ARGS(Client_CreateUninitializedBuffer, make, .client = client, .shape_dims = dims,
       .shape_num_dims = 1, .shape_element_type = PJRT_Buffer_Type_F32, .device = device_at(0));
  OK(Client_CreateUninitializedBuffer, make);
  ARGS(Device_MemoryStats, during, .device = device_at(0));
  OK(Device_MemoryStats, during);
  assert_int_equal(during.bytes_in_use - before.bytes_in_use, 4 << 20);
  assert_true(during.peak_bytes_in_use_is_set);
  destroy_buffer(make.buffer);
  ARGS(Device_MemoryStats, after, .device = device_at(0));
  OK(Device_MemoryStats, after);
  assert_int_equal(after.bytes_in_use, before.bytes_in_use);
  assert_true(after.peak_bytes_in_use >= during.bytes_in_use);
  ARGS(Device_ClearMemoryStats, clear, .device = device_at(0));
  OK(Device_ClearMemoryStats, clear);
  OK(Device_MemoryStats, after);
  assert_int_equal(after.peak_bytes_in_use, after.bytes_in_use);
}

// --- Events --------------------------------------------------------------------------------------

typedef struct Seen {
  int calls;
  PJRT_Error *error;
} Seen;

static void remember(PJRT_Error *error, void *user_arg) {
  Seen *seen = user_arg;
  seen->calls++;
  seen->error = error;
}

static void test_event_callbacks_outlive_the_handle(void **state) {
  (void)state;
  ARGS(Event_Create, create);
  OK(Event_Create, create);
  Seen seen[3] = {0};
  for (int i = 0; i < 2; i++) {
    ARGS(Event_OnReady, on, .event = create.event, .callback = remember, .user_arg = &seen[i]);
    OK(Event_OnReady, on);
  }
  ARGS(Event_IsReady, ready, .event = create.event);
  OK(Event_IsReady, ready);
  assert_false(ready.is_ready);
  ARGS(Event_Error, early, .event = create.event);
  FAILS(Event_Error, early, FAILED_PRECONDITION, "not ready");
  ARGS(Event_Set, set, .event = create.event, .error_code = PJRT_Error_Code_ABORTED,
       .error_message = "on purpose!", .error_message_size = 10);
  OK(Event_Set, set);
  FAILS(Event_Set, set, FAILED_PRECONDITION, "ready already");
  OK(Event_IsReady, ready);
  assert_true(ready.is_ready);
  ARGS(Event_OnReady, late, .event = create.event, .callback = remember, .user_arg = &seen[2]);
  OK(Event_OnReady, late);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(seen[i].calls, 1);
    expect_error(seen[i].error, PJRT_Error_Code_ABORTED, "on purpose", "callback", __FILE__,
                 __LINE__);
  }
  ARGS(Event_Error, error, .event = create.event);
  FAILS(Event_Error, error, ABORTED, "on purpose");
  FAILS(Event_Error, error, ABORTED, "on purpose"); // a fresh one each time
  expect_error(await_event(create.event), PJRT_Error_Code_ABORTED, "on purpose", "await", __FILE__,
               __LINE__);
}

static void *set_later(void *arg) {
  usleep(20000);
  ARGS(Event_Set, set, .event = arg, .error_code = PJRT_Error_Code_OK);
  expect_ok(api->PJRT_Event_Set(&set), "set", __FILE__, __LINE__);
  return NULL;
}

static void destroy_in_callback(PJRT_Error *error, void *user_arg) {
  expect_ok(error, "callback", __FILE__, __LINE__);
  ARGS(Event_Destroy, destroy, .event = *(PJRT_Event **)user_arg);
  OK(Event_Destroy, destroy);
  *(PJRT_Event **)user_arg = NULL;
}

static void test_event_from_another_thread(void **state) {
  (void)state;
  ARGS(Event_Create, create);
  OK(Event_Create, create);
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, set_later, create.event), 0);
  ARGS(Event_Await, await, .event = create.event);
  OK(Event_Await, await);
  pthread_join(thread, NULL);
  PJRT_Event *event = create.event;
  ARGS(Event_OnReady, on, .event = event, .callback = destroy_in_callback, .user_arg = &event);
  OK(Event_OnReady, on);
  assert_null(event);
}

// --- Topologies ----------------------------------------------------------------------------------

static void test_topology(void **state) {
  (void)state;
  ARGS(TopologyDescription_Create, create, .topology_name = "cpu:4", .topology_name_size = 5);
  OK(TopologyDescription_Create, create);
  ARGS(TopologyDescription_GetDeviceDescriptions, list, .topology = create.topology);
  OK(TopologyDescription_GetDeviceDescriptions, list);
  assert_int_equal(list.num_descriptions, 4);
  ARGS(TopologyDescription_Serialize, write, .topology = create.topology);
  OK(TopologyDescription_Serialize, write);
  ARGS(TopologyDescription_Deserialize, read, .serialized_topology = write.serialized_bytes,
       .serialized_topology_size = write.serialized_bytes_size);
  OK(TopologyDescription_Deserialize, read);
  ARGS(TopologyDescription_Fingerprint, a, .topology = create.topology);
  ARGS(TopologyDescription_Fingerprint, b, .topology = read.topology);
  OK(TopologyDescription_Fingerprint, a);
  OK(TopologyDescription_Fingerprint, b);
  assert_true(a.fingerprint == b.fingerprint);
  for (size_t size = 0; size < write.serialized_bytes_size; size++) {
    ARGS(TopologyDescription_Deserialize, cut, .serialized_topology = write.serialized_bytes,
         .serialized_topology_size = size);
    FAILS(TopologyDescription_Deserialize, cut, INVALID_ARGUMENT, "topology");
  }
  write.serialized_topology_deleter(write.serialized_topology);
  ARGS(TopologyDescription_Destroy, destroy, .topology = create.topology);
  OK(TopologyDescription_Destroy, destroy);
  destroy.topology = read.topology;
  OK(TopologyDescription_Destroy, destroy);

  ARGS(TopologyDescription_Create, wrong, .topology_name = "tpu", .topology_name_size = 3);
  FAILS(TopologyDescription_Create, wrong, INVALID_ARGUMENT, "unknown topology \"tpu\"");

  ARGS(Client_TopologyDescription, own, .client = client);
  OK(Client_TopologyDescription, own);
  ARGS(TopologyDescription_GetMemorySpaceKindIds, kinds, .topology = own.topology);
  OK(TopologyDescription_GetMemorySpaceKindIds, kinds);
  assert_int_equal(kinds.num_memory_space_kind_ids, 3);
  const int64_t dims[2] = {2, 3};
  ARGS(TopologyDescription_MakeCanonicalShapeForMemorySpace, shape, .topology = own.topology,
       .dims = dims, .num_dims = 2, .element_type = PJRT_Buffer_Type_F32);
  OK(TopologyDescription_MakeCanonicalShapeForMemorySpace, shape);
  // element_type 2: 11; dimensions 3: [2, 3]; layout 5: { minor_to_major 1: [1, 0] }; is_dynamic 6:
  // [0, 0]
  static const char proto[] = {0x10, 11, 0x1a, 2, 2, 3, 0x2a, 4, 0x0a, 2, 1, 0, 0x32, 2, 0, 0};
  assert_int_equal(shape.serialized_shape_size, sizeof proto);
  assert_memory_equal(shape.serialized_shape, proto, sizeof proto);
  shape.serialized_shape_deleter(shape.serialized_shape);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table_is_full),
      cmocka_unit_test(test_destroying_nothing),
      cmocka_unit_test(test_small_structs_are_refused),
      cmocka_unit_test(test_unknown_extensions_are_skipped),
      cmocka_unit_test(test_attributes),
      cmocka_unit_test(test_create_options),
      cmocka_unit_test(test_devices),
      cmocka_unit_test(test_default_assignment),
      cmocka_unit_test(test_memories),
      cmocka_unit_test(test_memory_user_data),
      cmocka_unit_test(test_memory_stats),
      cmocka_unit_test(test_event_callbacks_outlive_the_handle),
      cmocka_unit_test(test_event_from_another_thread),
      cmocka_unit_test(test_topology),
  };
  return cmocka_run_group_tests(tests, plugin_setup, plugin_teardown);
}

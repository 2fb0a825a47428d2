// Clients, devices and memories.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

// Calls |name| twice and checks that the answer, a string, stays where it is.
#define STABLE_STRING(name, handle, object, field)                                          \
  do {                                                                                      \
    ARGS(name, first, .handle = object);                                                    \
    OK(name, first);                                                                        \
    CHECK(first.field || !first.field##_size, "PJRT_" #name " answers null of size %zu",    \
          first.field##_size);                                                              \
    CHECK(first.field##_size, "PJRT_" #name " answers an empty string");                    \
    ARGS(name, second, .handle = object);                                                   \
    OK(name, second);                                                                       \
    CHECK(first.field == second.field && first.field##_size == second.field##_size,         \
          "the answer of PJRT_" #name " moves, though it lives as long as what was asked"); \
  } while (0)

static void names(void) {
  start();
  STABLE_STRING(Client_PlatformName, client, client, platform_name);
  STABLE_STRING(Client_PlatformVersion, client, client, platform_version);
  ARGS(Client_ProcessIndex, index, .client = client);
  OK(Client_ProcessIndex, index);
  EQUAL(index.process_index, 0, "the process index of a single process");
  stop();
}

static void two_clients(void) {
  start();
  PJRT_Client *first = client;
  PJRT_Device *of_first = device;
  ARGS(Client_Create, create, .create_options = pj_options, .num_options = pj_num_options);
  PJRT_Error *error = CALL(Client_Create, create);
  if (error) { // one process may have to own the hardware
    const char *text = pj_error_text(error);
    pj_not_offered("a second client: %s", text);
  }
  client = create.client;
  CHECK(client && client != first, "a second client is the first one");
  device = device_at(0);
  PJRT_Buffer *b = make_f32(1, (float[]){2});
  client = first;
  device = of_first;
  PJRT_Buffer *a = make_f32(1, (float[]){1});
  client = create.client;
  expect_f32(b, 1, (float[]){2}, "the buffer of the second client");
  destroy_buffer(b);
  stop();
  client = first;
  expect_f32(a, 1, (float[]){1}, "the buffer of the first client, after the second was destroyed");
  destroy_buffer(a);
  stop();
}

static void again(void) {
  for (int i = 0; i < 5; i++) {
    start();
    PJRT_Buffer *b = make_f32(1, (float[]){(float)i});
    expect_f32(b, 1, (float[]){(float)i}, "a buffer");
    destroy_buffer(b);
    stop();
  }
}

static void bad_option(void) {
  pj_initialize();
  PJRT_NamedValue option = {.struct_size = PJRT_NamedValue_STRUCT_SIZE,
                            .name = "no plugin has this option",
                            .name_size = 25,
                            .type = PJRT_NamedValue_kInt64,
                            .value_size = 1};
  ARGS(Client_Create, args, .create_options = &option, .num_options = 1);
  PJRT_Error *error = CALL(Client_Create, args);
  if (!error)
    pj_not_offered("unknown create options are ignored; a user's typing error goes unnoticed");
  CHECK(*pj_error_text(error), "the error has no message");
  pj_error_free(error);
}

// In a job of one process jaxlib leaves these fields as the stack had them.
static void garbage(void) {
  pj_initialize();
  ARGS(Client_Create, args, .create_options = pj_options, .num_options = pj_num_options);
  memset(&args.kv_get_callback, 0xee, sizeof args.kv_get_callback);
  memset(&args.kv_get_user_arg, 0xee, sizeof args.kv_get_user_arg);
  memset(&args.kv_put_callback, 0xee, sizeof args.kv_put_callback);
  memset(&args.kv_put_user_arg, 0xee, sizeof args.kv_put_user_arg);
  memset(&args.kv_try_get_callback, 0xee, sizeof args.kv_try_get_callback);
  memset(&args.kv_try_get_user_arg, 0xee, sizeof args.kv_try_get_user_arg);
  OK(Client_Create, args);
  client = args.client;
  stop();
}

static PJRT_Device *const *all_devices(size_t *count) {
  ARGS(Client_Devices, args, .client = client);
  OK(Client_Devices, args);
  *count = args.num_devices;
  return args.devices;
}

static void device_lists(void) {
  start();
  size_t count, again_count;
  PJRT_Device *const *all = all_devices(&count);
  CHECK(count > 0, "no devices");
  PJRT_Device *const *second = all_devices(&again_count);
  EQUAL(again_count, count, "the number of devices, asked again,");
  for (size_t i = 0; i < count; i++) {
    CHECK(all[i] && all[i] == second[i], "device %zu is another one when asked again", i);
    for (size_t k = 0; k < i; k++)
      CHECK(all[i] != all[k] && device_id(all[i]) != device_id(all[k]),
            "devices %zu and %zu are one, or have one id", k, i);
  }
  for (size_t i = 0; i < num_devices(); i++) {
    bool found = false;
    for (size_t k = 0; k < count; k++)
      found |= all[k] == device_at(i);
    CHECK(found, "addressable device %zu is not among all devices", i);
  }
  stop();
}

static void lookup(void) {
  start();
  size_t count;
  PJRT_Device *const *all = all_devices(&count);
  int largest = -1;
  for (size_t i = 0; i < count; i++) {
    ARGS(Client_LookupDevice, args, .client = client, .id = device_id(all[i]));
    OK(Client_LookupDevice, args);
    CHECK(args.device == all[i], "looking for device id %d finds another", args.id);
    largest = args.id > largest ? args.id : largest;
  }
  ARGS(Client_LookupDevice, none, .client = client, .id = -1);
  FAILS(Client_LookupDevice, none, INVALID_ARGUMENT);
  none.id = largest + 1;
  FAILS(Client_LookupDevice, none, INVALID_ARGUMENT);
  none.id = INT32_MAX;
  FAILS(Client_LookupDevice, none, INVALID_ARGUMENT);
  stop();
}

static void lookup_addressable(void) {
  start();
  for (size_t i = 0; i < num_devices(); i++) {
    ARGS(Device_LocalHardwareId, id, .device = device_at(i));
    OK(Device_LocalHardwareId, id);
    if (id.local_hardware_id < 0)
      continue;
    ARGS(Client_LookupAddressableDevice, args, .client = client,
         .local_hardware_id = id.local_hardware_id);
    OK(Client_LookupAddressableDevice, args);
    CHECK(args.addressable_device == device_at(i), "hardware id %d finds another device",
          id.local_hardware_id);
  }
  ARGS(Client_LookupAddressableDevice, none, .client = client, .local_hardware_id = -7);
  REFUSES(Client_LookupAddressableDevice, none);
  stop();
}

static void assignment(void) {
  start();
  int ids[3] = {-99, -99, -99};
  ARGS(Client_DefaultDeviceAssignment, one, .client = client, .num_replicas = 1,
       .num_partitions = 1, .default_assignment_size = 1, .default_assignment = ids);
  OK(Client_DefaultDeviceAssignment, one);
  EQUAL(ids[1], -99, "the number behind the array");
  ARGS(Client_LookupDevice, look, .client = client, .id = ids[0]);
  OK(Client_LookupDevice, look);
  stop();
}

static void assignment_small(void) {
  start();
  int ids[3] = {-99, -99, -99};
  ARGS(Client_DefaultDeviceAssignment, args, .client = client, .num_replicas = 2,
       .num_partitions = 1, .default_assignment_size = 1, .default_assignment = ids);
  REFUSES(Client_DefaultDeviceAssignment, args);
  for (int i = 0; i < 3; i++)
    EQUAL(ids[i], -99, "a number of an array that is too small");
  args.num_replicas = args.num_partitions = 65537;
  REFUSES(Client_DefaultDeviceAssignment, args);
  args.num_replicas = -1;
  args.num_partitions = 1;
  REFUSES(Client_DefaultDeviceAssignment, args);
  stop();
}

// What an older and a newer host send.
static void other_sizes(void) {
  pj_extra_size = 48;
  start();
  PJRT_Buffer *args[2] = {make_f32(4, (float[]){1, 2, 3, 4}), make_f32(4, (float[]){1, 1, 1, 1})};
  PJRT_Buffer *out;
  PJRT_LoadedExecutable *loaded = compile(program_add);
  execute(loaded, 2, args, &out);
  expect_f32(out, 4, (float[]){2, 3, 4, 5}, "the sum");
  destroy_event(ready_event(out));
  destroy_buffer(out);
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_executable(executable_of(loaded));
  destroy_loaded(loaded);
  stop();
}

// Structs as they were before fields were added at their ends. What lies behind belongs to the
// caller.
static void older_host(void) {
  start();
  ARGS(Client_CreateErrorBuffer, fail, .client = client, .error_code = PJRT_Error_Code_ABORTED,
       .error_message = "stop", .error_message_size = 4, .shape_dims = (int64_t[]){4},
       .shape_num_dims = 1, .shape_element_type = PJRT_Buffer_Type_F32,
       .memory = default_memory(device), .payload = (void *)0xeeeeeeee, .num_payload = 9999);
  fail.struct_size = offsetof(PJRT_Client_CreateErrorBuffer_Args, payload); // as in 0.90
  if (OFFERED(Client_CreateErrorBuffer, fail)) {
    pj_error_free(await_event(ready_event(fail.buffer)));
    destroy_buffer(fail.buffer);
  }
  ARGS(Device_PoisonExecution, poison, .device = device, .launch_id = 4711,
       .error_code = PJRT_Error_Code_ABORTED, .payload = (void *)0xeeeeeeee, .num_payload = 9999);
  poison.struct_size = PJRT_STRUCT_SIZE(PJRT_Device_PoisonExecution_Args, poisoned);
  (void)OFFERED(Device_PoisonExecution, poison);
  ARGS(Client_Create, create, .create_options = pj_options, .num_options = pj_num_options);
  create.struct_size = PJRT_STRUCT_SIZE(PJRT_Client_Create_Args, client); // before try_get
  memset(&create.kv_try_get_callback, 0xee, sizeof create.kv_try_get_callback);
  PJRT_Error *error = CALL(Client_Create, create);
  if (error) { // a second client may not be possible
    CHECK(pj_error_code(error) != PJRT_Error_Code_INVALID_ARGUMENT,
          "the older struct is refused: %s", pj_error_text(error));
    pj_error_free(error);
  } else {
    ARGS(Client_Destroy, destroy, .client = create.client);
    OK(Client_Destroy, destroy);
  }
  stop();
}

static void unknown_extension(void) {
  start();
  PJRT_Extension_Base second = {.struct_size = PJRT_Extension_Base_STRUCT_SIZE,
                                .type = (PJRT_Extension_Type)4711};
  PJRT_Extension_Base first = {.struct_size = PJRT_Extension_Base_STRUCT_SIZE,
                               .type = PJRT_Extension_Type_Unknown,
                               .next = &second};
  ARGS(Client_ProcessIndex, index, .client = client, .extension_start = &first);
  OK(Client_ProcessIndex, index);
  ARGS(Client_BufferFromHostBuffer, up, .client = client, .data = (float[]){1, 2},
       .type = PJRT_Buffer_Type_F32, .dims = (int64_t[]){2}, .num_dims = 1, .device = device,
       .extension_start = &first);
  OK(Client_BufferFromHostBuffer, up);
  await_ok(up.done_with_host_buffer, "the upload");
  destroy_buffer(up.buffer);
  stop();
}

static void process_info(void) {
  start();
  PJRT_ProcessInfo info = {.struct_size = PJRT_ProcessInfo_STRUCT_SIZE,
                           .state = PJRT_ProcessState_kConnected};
  ARGS(Client_UpdateGlobalProcessInfo, args, .client = client, .process_infos = &info,
       .num_process_infos = 1);
  OK(Client_UpdateGlobalProcessInfo, args);
  stop();
}

static void dma(void) {
  start();
  static char range[8192] __attribute__((aligned(4096)));
  ARGS(Client_DmaMap, map, .client = client, .data = range, .size = sizeof range);
  OK(Client_DmaMap, map);
  ARGS(Client_DmaUnmap, unmap, .client = client, .data = range);
  OK(Client_DmaUnmap, unmap);
  stop();
}

const PjCtsTest pj_cts_client_tests[] = {
    {"client.names", "platform name and version are there and stay; a single process has index 0",
     names},
    {"client.two", "two clients live side by side", two_clients},
    {"client.again", "clients can be created and destroyed in turn", again},
    {"client.bad_option", "an unknown create option is an error", bad_option},
    {"client.kv_garbage", "key-value callbacks are not touched by a single process", garbage},
    {"client.devices", "devices are unique and stay; addressable ones are among all", device_lists},
    {"client.lookup", "a device is found by its id; an unknown id is INVALID_ARGUMENT", lookup},
    {"client.lookup_addressable", "an addressable device is found by its hardware id",
     lookup_addressable},
    {"client.assignment", "the default assignment names devices and stays in its array",
     assignment},
    {"client.assignment_small", "an assignment that does not fit is refused, and nothing written",
     assignment_small},
    {"client.newer_host", "larger structs of newer hosts are accepted", other_sizes},
    {"client.older_host",
     "structs of older hosts are accepted, and what lies behind them is not read", older_host},
    {"client.unknown_extension", "extensions of a call that are not known are skipped",
     unknown_extension},
    {"client.process_info", "PJRT_Client_UpdateGlobalProcessInfo takes states of processes",
     process_info},
    {"client.dma", "host memory can be mapped for transfers and unmapped", dma},
    {0}};

// --- Devices -------------------------------------------------------------------------------------

static void check_attributes(const PJRT_NamedValue *list, size_t count) {
  CHECK(list || !count, "%zu attributes at null", count);
  for (size_t i = 0; i < count; i++) {
    CHECK(list[i].name && list[i].name_size, "attribute %zu has no name", i);
    CHECK(list[i].type == PJRT_NamedValue_kString || list[i].type == PJRT_NamedValue_kInt64 ||
              list[i].type == PJRT_NamedValue_kInt64List,
          "attribute %.*s has a type (%d) that JAX aborts on", (int)list[i].name_size, list[i].name,
          (int)list[i].type);
  }
}

static void describe(PJRT_DeviceDescription *d) {
  CHECK(d, "a null description");
  STABLE_STRING(DeviceDescription_Kind, device_description, d, device_kind);
  STABLE_STRING(DeviceDescription_DebugString, device_description, d, debug_string);
  STABLE_STRING(DeviceDescription_ToString, device_description, d, to_string);
  ARGS(DeviceDescription_Attributes, list, .device_description = d);
  OK(DeviceDescription_Attributes, list);
  check_attributes(list.attributes, list.num_attributes);
}

static void description(void) {
  start();
  size_t count;
  PJRT_Device *const *all = all_devices(&count);
  for (size_t i = 0; i < count; i++) {
    ARGS(Device_GetDescription, get, .device = all[i]);
    OK(Device_GetDescription, get);
    ARGS(Device_GetDescription, second, .device = all[i]);
    OK(Device_GetDescription, second);
    CHECK(get.device_description == second.device_description, "the description moves");
    describe(get.device_description);
  }
  stop();
}

static void owner(void) {
  start();
  ARGS(Client_ProcessIndex, own, .client = client);
  OK(Client_ProcessIndex, own);
  size_t count, addressable = 0;
  PJRT_Device *const *all = all_devices(&count);
  for (size_t i = 0; i < count; i++) {
    ARGS(Device_GetDescription, get, .device = all[i]);
    OK(Device_GetDescription, get);
    ARGS(DeviceDescription_ProcessIndex, index, .device_description = get.device_description);
    OK(DeviceDescription_ProcessIndex, index);
    ARGS(Device_IsAddressable, is, .device = all[i]);
    OK(Device_IsAddressable, is);
    addressable += is.is_addressable;
    EQUAL(is.is_addressable, index.process_index == own.process_index,
          "whether a device of this process is addressable");
  }
  EQUAL(addressable, num_devices(), "the number of devices that say they are addressable");
  stop();
}

static void device_attributes(void) {
  start();
  ARGS(Device_GetAttributes, args, .device = device);
  OK(Device_GetAttributes, args);
  check_attributes(args.attributes, args.num_attributes);
  CHECK(args.attributes_deleter, "the deleter is null, and JAX calls it");
  args.attributes_deleter(args.device_attributes);
  stop();
}

static void stats(void) {
  start();
  ARGS(Device_MemoryStats, args, .device = device);
  memset((char *)&args + offsetof(PJRT_Device_MemoryStats_Args, bytes_in_use), 0xa5,
         args.struct_size - offsetof(PJRT_Device_MemoryStats_Args, bytes_in_use));
  OK(Device_MemoryStats, args);
#define WRITTEN(flag)                                                                    \
  {                                                                                      \
    unsigned char byte;                                                                  \
    memcpy(&byte, &args.flag##_is_set, 1);                                               \
    CHECK(byte <= 1, #flag "_is_set is not written");                                    \
    if (byte)                                                                            \
      CHECK(args.flag != (int64_t)0xa5a5a5a5a5a5a5a5, #flag " is set, but not written"); \
  }
  CHECK(args.bytes_in_use >= 0, "bytes_in_use is %" PRId64, args.bytes_in_use);
  WRITTEN(peak_bytes_in_use)
  WRITTEN(num_allocs)
  WRITTEN(largest_alloc_size)
  WRITTEN(bytes_limit)
  WRITTEN(bytes_reserved)
  WRITTEN(peak_bytes_reserved)
  WRITTEN(bytes_reservable_limit)
  WRITTEN(largest_free_block_bytes)
  WRITTEN(pool_bytes)
  WRITTEN(peak_pool_bytes)
  stop();
}

static int64_t in_use(void) {
  ARGS(Device_MemoryStats, args, .device = device);
  OK(Device_MemoryStats, args);
  return args.bytes_in_use;
}

static void stats_follow(void) {
  start();
  enum { COUNT = 1 << 20 };
  float *data = calloc(COUNT, sizeof *data);
  int64_t before = in_use();
  PJRT_Buffer *b = make_f32(COUNT, data);
  await_ok(ready_event(b), "the buffer");
  CHECK(in_use() >= before + COUNT * 4, "bytes_in_use grows by %" PRId64 " with a buffer of 4 MiB",
        in_use() - before);
  destroy_buffer(b);
  for (double end = pj_now() + 5; in_use() >= before + COUNT * 4; pj_sleep(0.001))
    CHECK(pj_now() < end, "bytes_in_use does not shrink when the buffer is destroyed");
  stop();
}

static void clear_stats(void) {
  start();
  ARGS(Device_ClearMemoryStats, args, .device = device);
  OK(Device_ClearMemoryStats, args);
  stop();
}

static void poison_nothing(void) {
  start();
  ARGS(Device_PoisonExecution, args, .device = device, .launch_id = 12345,
       .error_code = PJRT_Error_Code_INTERNAL, .error_message = "none", .error_message_size = 4);
  args.poisoned = true;
  OK(Device_PoisonExecution, args);
  CHECK(!args.poisoned, "an execution that never was is said to be poisoned");
  stop();
}

static void tracking(void) {
  start();
  ARGS(Device_CreateAsyncTrackingEvent, args, .device = device, .description = "work",
       .description_size = 4);
  OK(Device_CreateAsyncTrackingEvent, args);
  ARGS(AsyncTrackingEvent_Destroy, destroy, .event = args.event);
  OK(AsyncTrackingEvent_Destroy, destroy);
  stop();
}

const PjCtsTest pj_cts_device_tests[] = {
    {"device.description", "a device describes itself in strings that stay", description},
    {"device.owner", "the devices of this process, and only they, are addressable", owner},
    {"device.attributes", "changing attributes come with a deleter", device_attributes},
    {"device.stats", "memory statistics write every field that they say is set", stats},
    {"device.stats_follow", "bytes_in_use follows the buffers", stats_follow},
    {"device.clear_stats", "peaks can be reset", clear_stats},
    {"device.poison_nothing", "poisoning a launch that is not there poisons nothing",
     poison_nothing},
    {"device.tracking", "an interval for profilers can be begun and ended", tracking},
    {0}};

// --- Memories ------------------------------------------------------------------------------------

static PJRT_Memory *const *all_memories(size_t *count) {
  ARGS(Client_AddressableMemories, args, .client = client);
  OK(Client_AddressableMemories, args);
  *count = args.num_addressable_memories;
  return args.addressable_memories;
}

static void kind_of(PJRT_Memory *memory, char out[64]) {
  ARGS(Memory_Kind, args, .memory = memory);
  OK(Memory_Kind, args);
  snprintf(out, 64, "%.*s", (int)args.kind_size, args.kind);
}

static void memory_texts(void) {
  start();
  size_t count;
  PJRT_Memory *const *all = all_memories(&count);
  CHECK(count > 0, "no memories");
  for (size_t i = 0; i < count; i++) {
    STABLE_STRING(Memory_Kind, memory, all[i], kind);
    STABLE_STRING(Memory_DebugString, memory, all[i], debug_string);
    STABLE_STRING(Memory_ToString, memory, all[i], to_string);
  }
  stop();
}

static void memory_ids(void) {
  start();
  size_t count;
  PJRT_Memory *const *all = all_memories(&count);
  for (size_t i = 0; i < count; i++) {
    ARGS(Memory_Id, id, .memory = all[i]);
    OK(Memory_Id, id);
    for (size_t k = 0; k < i; k++) {
      ARGS(Memory_Id, other, .memory = all[k]);
      OK(Memory_Id, other);
      CHECK(id.id != other.id, "two memories have the id %d", id.id);
    }
  }
  stop();
}

static void memory_kind_ids(void) {
  start();
  size_t count;
  PJRT_Memory *const *all = all_memories(&count);
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < i; k++) {
      ARGS(Memory_Kind_Id, a, .memory = all[i]);
      ARGS(Memory_Kind_Id, b, .memory = all[k]);
      OK(Memory_Kind_Id, a);
      OK(Memory_Kind_Id, b);
      char x[64], y[64];
      kind_of(all[i], x);
      kind_of(all[k], y);
      EQUAL(a.kind_id == b.kind_id, strcmp(x, y) == 0,
            "whether two memories with equal ids of their kinds are of one kind");
    }
  stop();
}

static void memory_default(void) {
  start();
  for (size_t i = 0; i < num_devices(); i++) {
    PJRT_Memory *preset = default_memory(device_at(i));
    char kind[64];
    kind_of(preset, kind);
    CHECK(strcmp(kind, "device") == 0,
          "the kind of the default memory is '%s'; JAX finds only 'device'", kind);
    ARGS(Device_AddressableMemories, own, .device = device_at(i));
    OK(Device_AddressableMemories, own);
    bool found = false;
    for (size_t k = 0; k < own.num_memories; k++)
      found |= own.memories[k] == preset;
    CHECK(found, "the default memory is not among those of the device");
  }
  stop();
}

static void memory_relations(void) {
  start();
  size_t count;
  PJRT_Memory *const *all = all_memories(&count);
  for (size_t i = 0; i < num_devices(); i++) {
    ARGS(Device_AddressableMemories, own, .device = device_at(i));
    OK(Device_AddressableMemories, own);
    for (size_t k = 0; k < own.num_memories; k++) {
      bool listed = false, back = false;
      for (size_t m = 0; m < count; m++)
        listed |= all[m] == own.memories[k];
      CHECK(listed, "a memory of device %zu is not among the client's", i);
      ARGS(Memory_AddressableByDevices, by, .memory = own.memories[k]);
      OK(Memory_AddressableByDevices, by);
      for (size_t d = 0; d < by.num_devices; d++)
        back |= by.devices[d] == device_at(i);
      CHECK(back, "a memory of device %zu does not name the device", i);
    }
  }
  stop();
}

static int freed;
static void count_freed(void *data) {
  freed += *(int *)data;
}

static void memory_user_data(void) {
  if (pj_api.pjrt_api_version.minor_version < 105)
    pj_not_offered("memories begin with a table since 0.105");
  start();
  PJRT_Memory *memory = default_memory(device);
  const PJRT_Memory_FunctionTable *table = memory->vtable;
  if (!table)
    pj_not_offered("the memory's table is null");
  CHECK(table->struct_size >= PJRT_Memory_FunctionTable_STRUCT_SIZE, "its struct_size is %zu",
        table->struct_size);
  static int one = 1, ten = 10, hundred = 100, key_a, key_b;
  CHECK(!table->get_user_data(memory, &key_a), "data under a key that was never set");
  table->set_user_data(memory, &key_a, &one, count_freed);
  table->set_user_data(memory, &key_b, &ten, count_freed);
  CHECK(table->get_user_data(memory, &key_a) == &one, "the first key's data is another");
  CHECK(table->get_user_data(memory, &key_b) == &ten, "the second key's data is another");
  table->set_user_data(memory, &key_a, &hundred, count_freed);
  CHECK(table->get_user_data(memory, &key_a) == &hundred, "the data is not replaced");
  stop();
  EQUAL(freed, 111, "the sum of what was destroyed: 1 + 10 + 100;");
}

const PjCtsTest pj_cts_memory_tests[] = {
    {"memory.texts", "memories say their kind and texts, which stay", memory_texts},
    {"memory.ids", "ids of memories are unique", memory_ids},
    {"memory.kind_ids", "ids of kinds are equal for equal kinds only", memory_kind_ids},
    {"memory.default", "a device's default memory is its own and of kind 'device'", memory_default},
    {"memory.relations", "devices and memories name each other", memory_relations},
    {"memory.user_data", "a host's data is kept by key, replaced, and destroyed with the client",
     memory_user_data},
    {0}};

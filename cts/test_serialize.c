// Serialised executables, topologies, compiling without devices.
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct Bytes {
  char *data;
  size_t size;
} Bytes;

static Bytes serialize(PJRT_Executable *executable) {
  ARGS(Executable_Serialize, args, .executable = executable);
  OK(Executable_Serialize, args);
  CHECK(args.serialized_bytes && args.serialized_bytes_size, "no bytes");
  CHECK(args.serialized_executable_deleter, "no deleter");
  Bytes out = {malloc(args.serialized_bytes_size), args.serialized_bytes_size};
  memcpy(out.data, args.serialized_bytes, out.size);
  args.serialized_executable_deleter(args.serialized_executable);
  return out;
}

static PJRT_Error *deserialize(Bytes bytes, PJRT_LoadedExecutable **out) {
  char *copy = malloc(bytes.size + 1);
  memcpy(copy, bytes.data, bytes.size);
  ARGS(Executable_DeserializeAndLoad, args, .client = client, .serialized_executable = copy,
       .serialized_executable_size = bytes.size);
  PJRT_Error *error = CALL(Executable_DeserializeAndLoad, args);
  memset(copy, 0xee, bytes.size);
  free(copy);
  *out = error ? NULL : args.loaded_executable;
  CHECK(error || *out, "PJRT_Executable_DeserializeAndLoad succeeds with null");
  return error;
}

static void run_add(PJRT_LoadedExecutable *loaded, const char *what) {
  PJRT_Buffer *args[2] = {make_f32(4, (float[]){1, 2, 3, 4}), make_f32(4, (float[]){5, 6, 7, 8})};
  PJRT_Buffer *out;
  execute(loaded, 2, args, &out);
  expect_f32(out, 4, (float[]){6, 8, 10, 12}, what);
  destroy_buffer(args[0]);
  destroy_buffer(args[1]);
  destroy_buffer(out);
}

static void load(PJRT_LoadedExecutable **out, Bytes bytes) {
  pj_expect_ok(PJ_SLOT_Executable_DeserializeAndLoad, deserialize(bytes, out), __FILE__, __LINE__);
}

static Bytes bytes_of(const char *program) {
  PJRT_LoadedExecutable *loaded = compile(program);
  PJRT_Executable *executable = executable_of(loaded);
  Bytes bytes = serialize(executable);
  destroy_executable(executable);
  destroy_loaded(loaded);
  return bytes;
}

static void round_trip(void) {
  start();
  Bytes bytes = bytes_of(program_add);
  PJRT_LoadedExecutable *loaded;
  load(&loaded, bytes);
  run_add(loaded, "the sum of a program that was loaded");
  PJRT_Executable *executable = executable_of(loaded);
  ARGS(Executable_NumOutputs, n, .executable = executable);
  OK(Executable_NumOutputs, n);
  EQUAL(n.num_outputs, 1, "the number of outputs");
  destroy_executable(executable);
  destroy_loaded(loaded);
  stop();
}

static void other_client(void) {
  start();
  Bytes bytes = bytes_of(program_add);
  stop();
  start();
  PJRT_LoadedExecutable *loaded;
  load(&loaded, bytes);
  run_add(loaded, "the sum, in another client");
  destroy_loaded(loaded);
  stop();
}

static void again(void) {
  start();
  Bytes bytes = bytes_of(program_add);
  PJRT_LoadedExecutable *loaded;
  load(&loaded, bytes);
  PJRT_Executable *executable = executable_of(loaded);
  Bytes second = serialize(executable);
  destroy_executable(executable);
  destroy_loaded(loaded);
  load(&loaded, second);
  run_add(loaded, "the sum of a program that was serialised twice");
  destroy_loaded(loaded);
  stop();
}

// Damaged bytes must be refused, or still do no harm: no crash, no endless loop.
static void must_fail(Bytes bytes, const char *what) {
  PJRT_LoadedExecutable *loaded;
  pj_expect_error(-1, deserialize(bytes, &loaded), PJRT_Error_Code_OK, what, __FILE__, __LINE__);
}

static void cut(void) {
  start();
  Bytes bytes = bytes_of(program_add);
  for (size_t size = 0; size < bytes.size; size += 1 + bytes.size / 40)
    must_fail((Bytes){bytes.data, size}, "loading an executable that ends early");
  must_fail((Bytes){bytes.data, bytes.size - 1}, "loading an executable without its last byte");
  stop();
}

static void garbage(void) {
  start();
  bytes_of(program_none); // or it is not offered
  char noise[500];
  for (size_t i = 0; i < sizeof noise; i++)
    noise[i] = (char)(i * 37 + 11);
  must_fail((Bytes){noise, sizeof noise}, "loading noise");
  stop();
}

static void flipped(void) {
  start();
  Bytes bytes = bytes_of(program_add);
  for (size_t i = 0; i < 60; i++) {
    size_t at = i * bytes.size / 60;
    bytes.data[at] = (char)(bytes.data[at] ^ 0x55);
    PJRT_LoadedExecutable *loaded;
    PJRT_Error *error = deserialize(bytes, &loaded);
    if (error)
      pj_error_free(error);
    else
      destroy_loaded(loaded);
    bytes.data[at] = (char)(bytes.data[at] ^ 0x55);
  }
  stop();
}

// The struct as it was up to 0.90.
static void old_struct(void) {
  start();
  Bytes bytes = bytes_of(program_add);
  ARGS(Executable_DeserializeAndLoad, args, .client = client, .serialized_executable = bytes.data,
       .serialized_executable_size = bytes.size);
  args.struct_size = offsetof(PJRT_Executable_DeserializeAndLoad_Args, load_options);
  args.load_options = (PJRT_LoadOptions *)0xeeeeeeee;
  OK(Executable_DeserializeAndLoad, args);
  run_add(args.loaded_executable, "the sum");
  destroy_loaded(args.loaded_executable);
  stop();
}

const PjCtsTest pj_cts_serialize_tests[] = {
    {"serialize.round_trip", "a serialised executable runs again", round_trip},
    {"serialize.other_client", "and in another client", other_client},
    {"serialize.again", "a loaded executable can be serialised again", again},
    {"serialize.cut", "an executable that ends early is refused", cut},
    {"serialize.garbage", "noise is refused", garbage},
    {"serialize.flipped", "changed bytes do no harm", flipped},
    {"serialize.old_host", "fields beyond an older host's struct are not read", old_struct},
    {0}};

// --- Topologies ----------------------------------------------------------------------------------

static PJRT_TopologyDescription *own_topology(void) {
  start();
  ARGS(Client_TopologyDescription, args, .client = client);
  OK(Client_TopologyDescription, args);
  CHECK(args.topology, "the topology is null");
  return args.topology;
}

static void topology_names(void) {
  PJRT_TopologyDescription *t = own_topology();
  ARGS(TopologyDescription_PlatformName, name, .topology = t);
  OK(TopologyDescription_PlatformName, name);
  ARGS(Client_PlatformName, own, .client = client);
  OK(Client_PlatformName, own);
  CHECK(name.platform_name_size == own.platform_name_size &&
            memcmp(name.platform_name, own.platform_name, own.platform_name_size) == 0,
        "the topology's platform is '%.*s', the client's '%.*s'", (int)name.platform_name_size,
        name.platform_name, (int)own.platform_name_size, own.platform_name);
  ARGS(TopologyDescription_PlatformVersion, version, .topology = t);
  OK(TopologyDescription_PlatformVersion, version);
  CHECK(version.platform_version_size, "the platform version is empty");
  ARGS(TopologyDescription_Attributes, list, .topology = t);
  OK(TopologyDescription_Attributes, list);
  CHECK(list.attributes || !list.num_attributes, "attributes at null");
  stop();
}

static void topology_devices(void) {
  PJRT_TopologyDescription *t = own_topology();
  ARGS(TopologyDescription_GetDeviceDescriptions, list, .topology = t);
  OK(TopologyDescription_GetDeviceDescriptions, list);
  ARGS(Client_Devices, all, .client = client);
  OK(Client_Devices, all);
  EQUAL(list.num_descriptions, all.num_devices, "the number of devices in the topology");
  for (size_t i = 0; i < list.num_descriptions; i++) {
    bool found = false;
    ARGS(DeviceDescription_Id, id, .device_description = list.descriptions[i]);
    OK(DeviceDescription_Id, id);
    for (size_t k = 0; k < all.num_devices; k++)
      found |= device_id(all.devices[k]) == id.id;
    CHECK(found, "no device has the id %d of the topology", id.id);
  }
  stop();
}

static void topology_serialize(void) {
  PJRT_TopologyDescription *t = own_topology();
  ARGS(TopologyDescription_Serialize, args, .topology = t);
  OK(TopologyDescription_Serialize, args);
  CHECK(args.serialized_topology_deleter && args.serialized_bytes_size, "no bytes or no deleter");
  ARGS(TopologyDescription_Deserialize, read, .serialized_topology = args.serialized_bytes,
       .serialized_topology_size = args.serialized_bytes_size);
  bool offered = OFFERED(TopologyDescription_Deserialize, read);
  args.serialized_topology_deleter(args.serialized_topology);
  if (!offered)
    return;
  ARGS(TopologyDescription_GetDeviceDescriptions, a, .topology = t);
  ARGS(TopologyDescription_GetDeviceDescriptions, b, .topology = read.topology);
  OK(TopologyDescription_GetDeviceDescriptions, a);
  OK(TopologyDescription_GetDeviceDescriptions, b);
  EQUAL(b.num_descriptions, a.num_descriptions, "the number of devices of the read topology");
  ARGS(TopologyDescription_Destroy, destroy, .topology = read.topology);
  OK(TopologyDescription_Destroy, destroy);
  stop();
}

static void topology_garbage(void) {
  own_topology();
  ARGS(TopologyDescription_Deserialize, read, .serialized_topology = "\x7fnoise\x01\x02",
       .serialized_topology_size = 8);
  REFUSES(TopologyDescription_Deserialize, read);
  stop();
}

static void topology_fingerprint(void) {
  PJRT_TopologyDescription *t = own_topology();
  ARGS(TopologyDescription_Fingerprint, a, .topology = t);
  OK(TopologyDescription_Fingerprint, a);
  uint64_t first = a.fingerprint;
  OK(TopologyDescription_Fingerprint, a);
  CHECK(a.fingerprint == first, "the fingerprint changes");
  stop();
}

static void topology_kinds(void) {
  PJRT_TopologyDescription *t = own_topology();
  ARGS(TopologyDescription_GetMemorySpaceKindIds, args, .topology = t);
  OK(TopologyDescription_GetMemorySpaceKindIds, args);
  ARGS(Memory_Kind_Id, id, .memory = default_memory(device));
  OK(Memory_Kind_Id, id);
  bool found = false;
  for (size_t i = 0; i < args.num_memory_space_kind_ids; i++)
    found |= args.memory_space_kind_ids[i] == id.kind_id;
  CHECK(found, "the kind of the default memory is not among the topology's");
  stop();
}

static void topology_shape(void) {
  PJRT_TopologyDescription *t = own_topology();
  ARGS(Memory_Kind_Id, id, .memory = default_memory(device));
  OK(Memory_Kind_Id, id);
  ARGS(TopologyDescription_MakeCanonicalShapeForMemorySpace, args, .topology = t,
       .memory_space_kind_id = id.kind_id, .dims = (int64_t[]){2, 3}, .num_dims = 2,
       .element_type = PJRT_Buffer_Type_F32);
  OK(TopologyDescription_MakeCanonicalShapeForMemorySpace, args);
  CHECK(args.serialized_shape && args.serialized_shape_size && args.serialized_shape_deleter,
        "no bytes or no deleter");
  args.serialized_shape_deleter(args.serialized_shape);
  stop();
}

static void topology_create(void) {
  ARGS(TopologyDescription_Create, args, .topology_name = "", .topology_name_size = 0);
  PJRT_Error *error = CALL(TopologyDescription_Create, args);
  if (error) { // which names there are is the plugin's own
    const char *text = pj_error_text(error);
    pj_not_offered("the topology without a name: %s", text);
  }
  ARGS(TopologyDescription_GetDeviceDescriptions, list, .topology = args.topology);
  OK(TopologyDescription_GetDeviceDescriptions, list);
  CHECK(list.num_descriptions > 0, "a topology without devices");
  ARGS(TopologyDescription_Destroy, destroy, .topology = args.topology);
  OK(TopologyDescription_Destroy, destroy);
}

static void topology_unknown(void) {
  ARGS(TopologyDescription_Create, args, .topology_name = "no such machine",
       .topology_name_size = 15);
  REFUSES(TopologyDescription_Create, args);
}

// --- Compiling without devices -------------------------------------------------------------------

static PJRT_Error *compile_for(PJRT_TopologyDescription *t, const char *text, PJRT_Client *hint,
                               PJRT_Executable **out) {
  size_t size;
  const char *options = compile_options(1, 1, &size);
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE,
                          .code = (char *)text,
                          .code_size = strlen(text),
                          .format = "mlir",
                          .format_size = 4};
  ARGS(Compile, args, .topology = t, .program = &program, .compile_options = options,
       .compile_options_size = size, .client = hint);
  PJRT_Error *error = CALL(Compile, args);
  *out = args.executable;
  CHECK(error || *out, "PJRT_Compile succeeds with null");
  return error;
}

static void ahead(void) {
  PJRT_TopologyDescription *t = own_topology();
  PJRT_Executable *executable;
  pj_expect_ok(PJ_SLOT_Compile, compile_for(t, program_add, NULL, &executable), __FILE__, __LINE__);
  ARGS(Executable_NumOutputs, n, .executable = executable);
  OK(Executable_NumOutputs, n);
  EQUAL(n.num_outputs, 1, "the number of outputs");
  Bytes bytes = serialize(executable);
  destroy_executable(executable);
  PJRT_LoadedExecutable *loaded;
  load(&loaded, bytes);
  run_add(loaded, "the sum of a program compiled without devices");
  destroy_loaded(loaded);
  stop();
}

static void ahead_load(void) {
  PJRT_TopologyDescription *t = own_topology();
  PJRT_Executable *executable;
  pj_expect_ok(PJ_SLOT_Compile, compile_for(t, program_add, client, &executable), __FILE__,
               __LINE__);
  size_t size;
  const char *options = compile_options(1, 1, &size);
  ARGS(Client_Load, args, .client = client, .executable = executable, .compile_options = options,
       .compile_options_size = size);
  OK(Client_Load, args);
  CHECK(args.loaded_executable, "PJRT_Client_Load succeeds with null");
  destroy_executable(executable);
  run_add(args.loaded_executable, "the sum of a program that was compiled, then loaded");
  destroy_loaded(args.loaded_executable);
  stop();
}

static void ahead_bad(void) {
  PJRT_TopologyDescription *t = own_topology();
  PJRT_Executable *executable;
  pj_expect_error(PJ_SLOT_Compile, compile_for(t, "no program", NULL, &executable),
                  PJRT_Error_Code_OK, "compiling two words", __FILE__, __LINE__);
  stop();
}

const PjCtsTest pj_cts_topology_tests[] = {
    {"topology.names", "the client's topology is of its platform", topology_names},
    {"topology.devices", "the topology describes the client's devices", topology_devices},
    {"topology.serialize", "a serialised topology can be read again", topology_serialize},
    {"topology.garbage", "noise is no topology", topology_garbage},
    {"topology.fingerprint", "the fingerprint stays", topology_fingerprint},
    {"topology.kinds", "the kinds of memory include that of the default memory", topology_kinds},
    {"topology.shape", "a canonical shape comes with a deleter", topology_shape},
    {"topology.create", "a topology without a client", topology_create},
    {"topology.unknown", "an unknown topology is an error", topology_unknown},
    {"topology.compile", "compiled without devices, serialised, loaded and run", ahead},
    {"topology.load", "compiled without devices, then loaded", ahead_load},
    {"topology.compile_bad", "what is no program is an error", ahead_bad},
    {0}};

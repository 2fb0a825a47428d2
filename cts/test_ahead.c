// Compiling for a machine that is not at hand: no client, a topology by its name (--topology).
#include "kit.h"

#include <stdlib.h>

const char *pj_topology;

// Without --topology the plugin's own default, if it has one.
static PJRT_TopologyDescription *uninitialized(void) {
  const char *name = pj_topology ? pj_topology : "";
  ARGS(TopologyDescription_Create, args, .topology_name = name, .topology_name_size = strlen(name));
  PJRT_Error *error = CALL(TopologyDescription_Create, args);
  if (error && !pj_topology) {
    const char *text = pj_error_text(error);
    pj_not_offered("no topology without a name (%s); --topology names one", text);
  }
  pj_expect_ok(PJ_SLOT_TopologyDescription_Create, error, __FILE__, __LINE__);
  CHECK(args.topology, "the topology is null");
  return args.topology;
}

static PJRT_TopologyDescription *topology(void) {
  pj_initialize();
  return uninitialized();
}

static void done(PJRT_TopologyDescription *t) {
  ARGS(TopologyDescription_Destroy, args, .topology = t);
  OK(TopologyDescription_Destroy, args);
}

static void describe(void) {
  PJRT_TopologyDescription *t = topology();
  ARGS(TopologyDescription_PlatformName, name, .topology = t);
  OK(TopologyDescription_PlatformName, name);
  CHECK(name.platform_name_size, "the platform name is empty");
  ARGS(TopologyDescription_PlatformVersion, version, .topology = t);
  OK(TopologyDescription_PlatformVersion, version);
  CHECK(version.platform_version_size, "the platform version is empty");
  ARGS(TopologyDescription_Attributes, list, .topology = t);
  OK(TopologyDescription_Attributes, list);
  CHECK(list.attributes || !list.num_attributes, "attributes at null");
  done(t);
}

static void before_initialize(void) {
  done(uninitialized());
}

static void devices(void) {
  PJRT_TopologyDescription *t = topology();
  ARGS(TopologyDescription_GetDeviceDescriptions, list, .topology = t);
  OK(TopologyDescription_GetDeviceDescriptions, list);
  CHECK(list.num_descriptions > 0, "a topology without devices");
  int *ids = calloc(list.num_descriptions, sizeof *ids);
  for (size_t i = 0; i < list.num_descriptions; i++) {
    ARGS(DeviceDescription_Id, id, .device_description = list.descriptions[i]);
    OK(DeviceDescription_Id, id);
    ids[i] = id.id;
    for (size_t k = 0; k < i; k++)
      CHECK(ids[k] != id.id, "two devices have the id %d", id.id);
    ARGS(DeviceDescription_Kind, kind, .device_description = list.descriptions[i]);
    OK(DeviceDescription_Kind, kind);
    CHECK(kind.device_kind_size, "a device without a kind");
    ARGS(DeviceDescription_ToString, text, .device_description = list.descriptions[i]);
    OK(DeviceDescription_ToString, text);
    CHECK(text.to_string_size, "a device without a text");
  }
  free(ids);
  done(t);
}

static void serialized_topology(void) {
  PJRT_TopologyDescription *t = topology();
  ARGS(TopologyDescription_Serialize, args, .topology = t);
  OK(TopologyDescription_Serialize, args);
  CHECK(args.serialized_bytes_size && args.serialized_topology_deleter, "no bytes or no deleter");
  args.serialized_topology_deleter(args.serialized_topology);
  done(t);
}

static PJRT_Error *compile_for(PJRT_TopologyDescription *t, const char *text,
                               PJRT_Executable **out) {
  static const char options[] = {0x1a, 4, 0x20, 1, 0x28, 1}; // one replica, one partition
  PJRT_Program program = {.struct_size = PJRT_Program_STRUCT_SIZE,
                          .code = (char *)text,
                          .code_size = strlen(text),
                          .format = "mlir",
                          .format_size = 4};
  ARGS(Compile, args, .topology = t, .program = &program, .compile_options = options,
       .compile_options_size = sizeof options);
  PJRT_Error *error = CALL(Compile, args);
  CHECK(error || args.executable, "PJRT_Compile succeeds with null");
  *out = args.executable;
  return error;
}

static PJRT_Executable *compiled(PJRT_TopologyDescription *t) {
  PJRT_Executable *executable;
  pj_expect_ok(PJ_SLOT_Compile, compile_for(t, program_two, &executable), __FILE__, __LINE__);
  return executable;
}

static void questions(void) {
  PJRT_TopologyDescription *t = topology();
  PJRT_Executable *e = compiled(t);
  ARGS(Executable_NumOutputs, n, .executable = e);
  OK(Executable_NumOutputs, n);
  EQUAL(n.num_outputs, 2, "the number of outputs");
  ARGS(Executable_OutputElementTypes, types, .executable = e);
  OK(Executable_OutputElementTypes, types);
  EQUAL(types.output_types[0], PJRT_Buffer_Type_F32, "the first type");
  ARGS(Executable_OutputDimensions, dims, .executable = e);
  OK(Executable_OutputDimensions, dims);
  EQUAL(dims.dim_sizes[0], 1, "the rank of the first output");
  EQUAL(dims.dim_sizes[1], 0, "the rank of the second output");
  EQUAL(dims.dims[0], 4, "the dimension of the first output");
  ARGS(Executable_NumReplicas, replicas, .executable = e);
  OK(Executable_NumReplicas, replicas);
  EQUAL(replicas.num_replicas, 1, "the number of replicas");
  ARGS(Executable_Name, name, .executable = e);
  OK(Executable_Name, name);
  CHECK(name.executable_name_size, "the name is empty");
  destroy_executable(e);
  done(t);
}

static void outlives_topology(void) {
  PJRT_TopologyDescription *t = topology();
  PJRT_Executable *e = compiled(t);
  done(t);
  ARGS(Executable_NumOutputs, n, .executable = e);
  OK(Executable_NumOutputs, n);
  EQUAL(n.num_outputs, 2, "the number of outputs, after the topology went,");
  destroy_executable(e);
}

static void serialized(void) {
  PJRT_TopologyDescription *t = topology();
  PJRT_Executable *e = compiled(t);
  ARGS(Executable_Serialize, args, .executable = e);
  OK(Executable_Serialize, args);
  CHECK(args.serialized_bytes && args.serialized_bytes_size, "no bytes");
  CHECK(args.serialized_executable_deleter, "no deleter");
  args.serialized_executable_deleter(args.serialized_executable);
  destroy_executable(e);
  done(t);
}

static void cost(void) {
  PJRT_TopologyDescription *t = topology();
  PJRT_Executable *e = compiled(t);
  ARGS(Executable_GetCostAnalysis, args, .executable = e);
  OK(Executable_GetCostAnalysis, args);
  CHECK(args.properties || !args.num_properties, "properties at null");
  destroy_executable(e);
  done(t);
}

static void bad(void) {
  PJRT_TopologyDescription *t = topology();
  PJRT_Executable *e;
  pj_expect_error(PJ_SLOT_Compile, compile_for(t, "no program", &e), PJRT_Error_Code_OK,
                  "compiling two words", __FILE__, __LINE__);
  pj_expect_ok(PJ_SLOT_Compile, compile_for(t, program_add, &e), __FILE__, __LINE__);
  destroy_executable(e);
  done(t);
}

const PjCtsTest pj_cts_ahead_tests[] = {
    {"ahead.topology", "a topology without a client says its platform", describe},
    {"ahead.before_initialize", "a topology may come before PJRT_Plugin_Initialize, as JAX has it",
     before_initialize},
    {"ahead.devices", "it describes its devices, with ids of their own", devices},
    {"ahead.topology_bytes", "it can be serialised", serialized_topology},
    {"ahead.compile", "a program compiles for it and answers questions", questions},
    {"ahead.outlives_topology", "an executable outlives the topology", outlives_topology},
    {"ahead.serialize", "the executable can be serialised", serialized},
    {"ahead.cost", "its cost can be asked for", cost},
    {"ahead.compile_bad", "what is no program is an error, and the next one compiles", bad},
    {0}};

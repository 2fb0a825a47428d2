// CompileOptionsProto and what hangs on it, read field by field; unknown fields are skipped, as
// protobuf asks.
//
// CompileOptionsProto: parameter_is_tupled_arguments 2, executable_build_options 3,
// compile_portable_executable 4,
// env_option_overrides 7. ExecutableBuildOptionsProto: num_replicas 4, num_partitions 5,
// use_spmd_partitioning 6, device_assignment 9, allow_spmd_sharding_propagation_to_output 12,
// allow_spmd_sharding_propagation_to_parameters 18, use_shardy_partitioner 19,
// optimization_level 24. DeviceAssignmentProto: replica_count 1, computation_count 2,
// computation_devices 3 { replica_device_ids 1 }.
#include "runtime/compile_options.h"

#include <string.h>

#include "base/alloc.h"
#include "base/proto.h"

enum { MAX_DEVICES = 1 << 20 };

static PjStatus malformed(const char *what) {
  return PJ_ERROR(INVALID_ARGUMENT, "failed to deserialize CompileOptionsProto%s%s",
                  *what ? ": " : "", what);
}

typedef struct Assignment {
  int64_t replicas, computations;
  int64_t *ids; // [computation][replica], growing
  size_t count, capacity;
} Assignment;

static PjStatus push_id(Assignment *assignment, int64_t id) {
  if (assignment->count == assignment->capacity) {
    size_t capacity = assignment->capacity ? assignment->capacity * 2 : 8;
    int64_t *ids = pj_realloc(assignment->ids, capacity * sizeof *ids);
    if (!ids)
      return pj_status_oom();
    assignment->ids = ids;
    assignment->capacity = capacity;
  }
  assignment->ids[assignment->count++] = id;
  return PJ_STATUS_OK;
}

static PjStatus read_computation(PjStr bytes, Assignment *out) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  while (pj_proto_next(&reader, &field)) {
    if (field.number != 1)
      continue;
    PjProtoInts ints = {0};
    int64_t id;
    while (pj_proto_ints(&field, &ints, &id))
      PJ_TRY(push_id(out, id));
    if (ints.failed)
      return malformed("bad device id list");
  }
  return reader.failed ? malformed("bad device assignment") : PJ_STATUS_OK;
}

static PjStatus read_assignment(PjStr bytes, Assignment *out) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  while (pj_proto_next(&reader, &field)) {
    if (field.number == 1 && field.type == PJ_WIRE_VARINT)
      out->replicas = (int32_t)field.value;
    if (field.number == 2 && field.type == PJ_WIRE_VARINT)
      out->computations = (int32_t)field.value;
    if (field.number == 3 && field.type == PJ_WIRE_BYTES)
      PJ_TRY(read_computation(field.bytes, out));
  }
  return reader.failed ? malformed("bad device assignment") : PJ_STATUS_OK;
}

// The proto lists computations (partitions) first; we keep replicas first.
static PjStatus take_assignment(const Assignment *assignment, PjCompileOptions *out) {
  if (assignment->count == 0)
    return PJ_STATUS_OK;
  PJ_FAIL_IF(assignment->replicas != out->num_replicas ||
                 assignment->computations != out->num_partitions,
             INVALID_ARGUMENT,
             "compile options: the device assignment is for %lld replicas and %lld partitions, but "
             "the program for "
             "%d and %d",
             (long long)assignment->replicas, (long long)assignment->computations,
             out->num_replicas, out->num_partitions);
  PJ_FAIL_IF((int64_t)assignment->count != assignment->replicas * assignment->computations,
             INVALID_ARGUMENT,
             "compile options: the device assignment lists %zu devices, but has %lld replicas and "
             "%lld partitions",
             assignment->count, (long long)assignment->replicas,
             (long long)assignment->computations);
  int *ids = pj_malloc(assignment->count * sizeof *ids);
  if (!ids)
    return pj_status_oom();
  for (int r = 0; r < out->num_replicas; r++)
    for (int p = 0; p < out->num_partitions; p++)
      ids[r * out->num_partitions + p] =
          (int)assignment->ids[(int64_t)p * assignment->replicas + r];
  out->device_ids = ids;
  return PJ_STATUS_OK;
}

// A flag for each result or parameter, or one for all. Those that must not get a sharding have one.
static PjStatus read_allowed(const PjProtoField *field, bool *out) {
  PjProtoInts ints = {0};
  int64_t value;
  while (pj_proto_ints(field, &ints, &value))
    *out |= value != 0;
  return ints.failed ? malformed("bad sharding propagation list") : PJ_STATUS_OK;
}

static PjStatus read_build_options(PjStr bytes, PjCompileOptions *out, Assignment *assignment) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  while (pj_proto_next(&reader, &field)) {
    bool varint = field.type == PJ_WIRE_VARINT;
    switch (field.number) {
    case 4:
      if (!varint || field.value > MAX_DEVICES)
        return malformed("num_replicas is no sensible number");
      out->num_replicas = (int)field.value;
      break;
    case 5:
      if (!varint || field.value > MAX_DEVICES)
        return malformed("num_partitions is no sensible number");
      out->num_partitions = (int)field.value;
      break;
    case 6:
      if (varint)
        out->use_spmd_partitioning = field.value != 0;
      break;
    case 9:
      if (field.type != PJ_WIRE_BYTES)
        return malformed("bad device assignment");
      PJ_TRY(read_assignment(field.bytes, assignment));
      break;
    case 12:
      PJ_TRY(read_allowed(&field, &out->allow_output_sharding));
      break;
    case 18:
      PJ_TRY(read_allowed(&field, &out->allow_parameter_sharding));
      break;
    case 19:
      if (varint)
        out->use_shardy = field.value != 0;
      break;
    case 24:
      if (varint)
        out->optimization_level = (int)(int32_t)field.value;
      break;
    default:
      break;
    }
  }
  return reader.failed ? malformed("bad executable build options") : PJ_STATUS_OK;
}

// --- Options by name -----------------------------------------------------------------------------
// Hosts pass XLA's debug options by name (jit's compiler_options). None of them changes what we
// compile, so names that begin as XLA's do are accepted, with the type checked where it is known; a
// name that XLA does not know either is an error.

typedef enum OptionType { TYPE_BOOL, TYPE_INT, TYPE_FLOAT } OptionType;

static const struct KnownOption {
  const char *name;
  OptionType type;
} known_options[] = {
    {"exec_time_optimization_effort", TYPE_FLOAT},
    {"memory_fitting_effort", TYPE_FLOAT},
    {"optimization_level", TYPE_INT},
    {"memory_fitting_level", TYPE_INT},
    {"xla_embed_ir_in_executable", TYPE_BOOL},
    {"xla_cpu_enable_fast_math", TYPE_BOOL},
    {"xla_cpu_enable_fast_min_max", TYPE_BOOL},
    {"xla_cpu_use_thunk_runtime", TYPE_BOOL},
    {"xla_backend_optimization_level", TYPE_INT},
    {"xla_llvm_disable_expensive_passes", TYPE_BOOL},
    {"xla_dump_hlo_as_text", TYPE_BOOL},
    {"xla_dump_max_hlo_modules", TYPE_INT},
};

static const char *const type_names[] = {"bool", "int", "float"};

static bool is_number(PjStr text) {
  bool digits = false;
  for (size_t i = 0; i < text.len; i++) {
    char c = text.ptr[i];
    digits = digits || (c >= '0' && c <= '9');
    if (!((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E'))
      return false;
  }
  return digits;
}

// Whether the value, an OptionOverrideProto { string 1 | bool 2 | int64 3 | double 4 }, fits the
// type.
static PjStatus check_value(PjStr name, OptionType type, PjStr value) {
  PjProtoReader reader = pj_proto_reader(value.ptr, value.len);
  PjProtoField field;
  while (pj_proto_next(&reader, &field)) {
    bool fits = true;
    if (field.number == 1 && field.type == PJ_WIRE_BYTES)
      fits = type != TYPE_BOOL
                 ? is_number(field.bytes)
                 : pj_str_is(field.bytes, "true") || pj_str_is(field.bytes, "false") ||
                       pj_str_is(field.bytes, "True") || pj_str_is(field.bytes, "False");
    if (field.number == 2)
      fits = type == TYPE_BOOL;
    if (field.number == 3)
      fits = type != TYPE_BOOL;
    if (field.number == 4)
      fits = type == TYPE_FLOAT;
    PJ_FAIL_IF(!fits, INVALID_ARGUMENT,
               "While setting option %.*s, '%.*s' is not a valid %s value.", PJ_STR_ARG(name),
               PJ_STR_ARG(field.bytes), type_names[type]);
  }
  return reader.failed ? malformed("bad option override") : PJ_STATUS_OK;
}

// An entry of map<string, OptionOverrideProto>: key 1, value 2.
static PjStatus check_override(PjStr bytes) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  PjProtoField field;
  PjStr name = {"", 0}, value = {"", 0};
  while (pj_proto_next(&reader, &field)) {
    if (field.number == 1 && field.type == PJ_WIRE_BYTES)
      name = field.bytes;
    if (field.number == 2 && field.type == PJ_WIRE_BYTES)
      value = field.bytes;
  }
  if (reader.failed)
    return malformed("bad option override");
  for (size_t i = 0; i < sizeof known_options / sizeof *known_options; i++)
    if (pj_str_is(name, known_options[i].name))
      return check_value(name, known_options[i].type, value);
  PJ_FAIL_IF(!pj_str_starts(name, "xla_"), INVALID_ARGUMENT, "No such compile option: '%.*s'",
             PJ_STR_ARG(name));
  return PJ_STATUS_OK;
}

static PjStatus parse(const void *bytes, size_t size, PjCompileOptions *out,
                      Assignment *assignment) {
  PjProtoReader reader = pj_proto_reader(bytes, size);
  PjProtoField field;
  while (pj_proto_next(&reader, &field)) {
    bool varint = field.type == PJ_WIRE_VARINT;
    if (field.number == 2 && varint)
      out->tupled_arguments = field.value != 0;
    if (field.number == 3 && field.type == PJ_WIRE_BYTES)
      PJ_TRY(read_build_options(field.bytes, out, assignment));
    if (field.number == 4 && varint)
      out->portable = field.value != 0;
    if (field.number == 7 && field.type == PJ_WIRE_BYTES)
      PJ_TRY(check_override(field.bytes));
  }
  if (reader.failed)
    return malformed("");
  // Absent counts mean one.
  if (out->num_replicas < 1)
    out->num_replicas = 1;
  if (out->num_partitions < 1)
    out->num_partitions = 1;
  PJ_FAIL_IF((int64_t)out->num_replicas * out->num_partitions > MAX_DEVICES, INVALID_ARGUMENT,
             "compile options: %d replicas times %d partitions are too many", out->num_replicas,
             out->num_partitions);
  return take_assignment(assignment, out);
}

PjStatus pj_compile_options_parse(const void *bytes, size_t size, PjCompileOptions *out) {
  *out = (PjCompileOptions){.num_replicas = 1, .num_partitions = 1};
  Assignment assignment = {0};
  PjStatus status = parse(bytes, size, out, &assignment);
  pj_free(assignment.ids);
  return status;
}

void pj_compile_options_clear(PjCompileOptions *options) {
  pj_free(options->device_ids);
  options->device_ids = NULL;
}

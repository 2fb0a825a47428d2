// `pjrt inspect` of a compiled program.
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/proto.h"
#include "file.h"
#include "inspect.h"
#include "show.h"

// --- What the optimised program consists of ------------------------------------------------------

enum { MAX_OPCODES = 160, MAX_OPCODE_LENGTH = 48 };

typedef struct OpcodeCount {
  char name[MAX_OPCODE_LENGTH];
  int64_t count;
} OpcodeCount;

typedef struct Opcodes {
  OpcodeCount rows[MAX_OPCODES];
  size_t num_rows;
} Opcodes;

static void count_opcode(Opcodes *opcodes, PjStr name) {
  if (name.len >= MAX_OPCODE_LENGTH)
    return;
  size_t i = 0;
  while (i < opcodes->num_rows && !pj_str_is(name, opcodes->rows[i].name))
    ++i;
  if (i == MAX_OPCODES)
    return;
  if (i == opcodes->num_rows) {
    memcpy(opcodes->rows[i].name, name.ptr, name.len);
    opcodes->rows[i].name[name.len] = 0;
    opcodes->rows[i].count = 0;
    ++opcodes->num_rows;
  }
  ++opcodes->rows[i].count;
}

// The instructions (HloComputationProto.instructions 2) by opcode (HloInstructionProto.opcode 2).
static void count_computation(PjStr bytes, Opcodes *opcodes) {
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  for (PjProtoField field; pj_proto_next(&reader, &field);) {
    if (field.number != 2 || field.type != PJ_WIRE_BYTES)
      continue;
    PjProtoReader instruction = pj_proto_reader(field.bytes.ptr, field.bytes.len);
    for (PjProtoField part; pj_proto_next(&instruction, &part);)
      if (part.number == 2 && part.type == PJ_WIRE_BYTES)
        count_opcode(opcodes, part.bytes);
  }
}

// The entry computation of an HloModuleProto: computations 3, of which entry_computation_id 6 is
// the HloComputationProto.id 5. Each of its instructions is what the plugin runs as one step.
static void count_module(PjStr bytes, Opcodes *opcodes) {
  PjProtoField field;
  uint64_t entry = 0;
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  while (pj_proto_next(&reader, &field))
    if (field.number == 6 && field.type == PJ_WIRE_VARINT)
      entry = field.value;
  reader = pj_proto_reader(bytes.ptr, bytes.len);
  while (pj_proto_next(&reader, &field)) {
    if (field.number != 3 || field.type != PJ_WIRE_BYTES)
      continue;
    uint64_t id = 0;
    PjProtoReader computation = pj_proto_reader(field.bytes.ptr, field.bytes.len);
    for (PjProtoField part; pj_proto_next(&computation, &part);)
      if (part.number == 5 && part.type == PJ_WIRE_VARINT)
        id = part.value;
    if (id == entry)
      count_computation(field.bytes, opcodes);
  }
}

static int more_first(const void *a, const void *b) {
  const OpcodeCount *x = a, *y = b;
  return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->name, y->name);
}

// Of "hlo" (HloModuleProto) and "hlo_with_config" (HloModuleProtoWithConfig.hlo_module 1). What is
// no such message counts nothing.
static void report_steps(PjReport *report, const char *format, PjStr bytes) {
  Opcodes *opcodes = pj_calloc(1, sizeof *opcodes);
  if (!opcodes) {
    report->text.failed = true;
    return;
  }
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  if (strcmp(format, "hlo") == 0)
    count_module(bytes, opcodes);
  else
    for (PjProtoField field; pj_proto_next(&reader, &field);)
      if (field.number == 1 && field.type == PJ_WIRE_BYTES)
        count_module(field.bytes, opcodes);
  qsort(opcodes->rows, opcodes->num_rows, sizeof *opcodes->rows, more_first);
  pj_report_open(report, "steps");
  for (size_t i = 0; i < opcodes->num_rows; ++i)
    pj_report_int(report, opcodes->rows[i].name, opcodes->rows[i].count);
  pj_report_close(report);
  pj_free(opcodes);
}

static PjStatus report_optimized(PjReport *report, PjMissing *missing,
                                 const PjhExecutable *executable, const char *out) {
  char *code;
  size_t size;
  const char *format;
  if (!pj_inspect_given(missing, "optimized_program",
                        pjh_executable_program(executable, &code, &size, &format))) {
    PJ_FAIL_IF(out, UNIMPLEMENTED, "the plugin does not give the optimized program");
    return PJ_STATUS_OK;
  }
  pj_report_open(report, "optimized_program");
  pj_report_string(report, "format", format);
  pj_report_int(report, "bytes", (int64_t)size);
  if (strncmp(format, "hlo", 3) == 0)
    report_steps(report, format, (PjStr){code, size});
  else if (strcmp(format, "mlir") == 0) // what cannot be read, as other dialects, counts nothing
    pj_status_free(pj_inspect_steps(report, code, size));
  pj_report_close(report);
  PjStatus status = out ? pj_file_write(out, code, size) : PJ_STATUS_OK;
  pjh_free(code);
  return status;
}

// --- The section ---------------------------------------------------------------------------------

static void report_outputs(PjReport *report, PjMissing *missing, const PjhExecutable *executable) {
  pj_report_open_list(report, "outputs");
  for (size_t i = 0; i < pjh_executable_num_outputs(executable); ++i) {
    PJRT_Buffer_Type type;
    const int64_t *dims;
    size_t rank;
    if (!pj_inspect_given(missing, "outputs",
                          pjh_executable_output(executable, i, &type, &dims, &rank)))
      break;
    PjStrBuf text = {0};
    pj_show_type(&text, type, dims, rank);
    pj_report_text(report, NULL, text.data, text.len);
    report->text.failed |= text.failed;
    pj_strbuf_free(&text);
  }
  pj_report_close(report);
}

// Fingerprints may be any bytes: those that are no plain text are written as hexadecimal digits.
static void report_fingerprint(PjReport *report, const char *bytes, size_t size) {
  bool plain = true;
  for (size_t i = 0; i < size; ++i)
    plain = plain && bytes[i] > ' ' && bytes[i] < 0x7f;
  PjStrBuf text = {0};
  for (size_t i = 0; i < size && !plain; ++i)
    pj_strbuf_printf(&text, "%02x", (unsigned char)bytes[i]);
  pj_report_text(report, "fingerprint", plain ? bytes : text.data, plain ? size : text.len);
  report->text.failed |= text.failed;
  pj_strbuf_free(&text);
}

PjStatus pj_inspect_executable(PjReport *report, const char *source,
                               const PjhExecutable *executable, const char *optimized) {
  PjMissing missing = {0};
  pj_report_open(report, "executable");
  pj_report_string(report, "source", source);
  pj_report_string(report, "name", pjh_executable_name(executable));
  size_t replicas, partitions;
  if (pj_inspect_given(&missing, "replicas",
                       pjh_executable_replicas(executable, &replicas, &partitions))) {
    pj_report_int(report, "replicas", (int64_t)replicas);
    pj_report_int(report, "partitions", (int64_t)partitions);
  }
  report_outputs(report, &missing, executable);
  int64_t code_bytes;
  if (pj_inspect_given(&missing, "code_bytes", pjh_executable_code_size(executable, &code_bytes)))
    pj_report_int(report, "code_bytes", code_bytes);
  void *serialized;
  size_t size;
  if (pj_inspect_given(&missing, "serialized_bytes",
                       pjh_executable_serialize(executable, &serialized, &size)))
    pj_report_int(report, "serialized_bytes", (int64_t)size);
  pjh_free(serialized);
  char *fingerprint;
  if (pj_inspect_given(&missing, "fingerprint",
                       pjh_executable_fingerprint(executable, &fingerprint, &size)))
    report_fingerprint(report, fingerprint, size);
  pjh_free(fingerprint);
  PjhValues *values;
  if (pj_inspect_given(&missing, "cost", pjh_executable_cost(executable, &values)))
    pj_report_values(report, "cost", values);
  pjh_values_free(values);
  if (pj_inspect_given(&missing, "memory", pjh_executable_memory(executable, &values)))
    pj_report_values(report, "memory", values);
  pjh_values_free(values);
  PjStatus status = report_optimized(report, &missing, executable, optimized);
  pj_inspect_missing(report, &missing);
  pj_report_close(report);
  return status;
}

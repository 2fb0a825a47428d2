// `pjrt inspect` of an optimised program that is HLO. Numbers of the fields are those of hlo.proto.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/proto.h"
#include "inspect.h"

// --- Counting
// -------------------------------------------------------------------------------------

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

// --- Instructions
// ---------------------------------------------------------------------------------

typedef struct Instruction {
  PjStr name, opcode, op_name, file;
  uint64_t line;
} Instruction;

// Of HloInstructionProto: name 1, opcode 2, metadata 7 with op_name 2, source_file 3,
// source_line 4.
static Instruction read_instruction(PjStr bytes) {
  PjStr none = PJ_STR("");
  Instruction out = {none, none, none, none, 0};
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  for (PjProtoField field; pj_proto_next(&reader, &field);) {
    if (field.type != PJ_WIRE_BYTES)
      continue;
    if (field.number == 1)
      out.name = field.bytes;
    else if (field.number == 2)
      out.opcode = field.bytes;
    if (field.number != 7)
      continue;
    PjProtoReader metadata = pj_proto_reader(field.bytes.ptr, field.bytes.len);
    for (PjProtoField part; pj_proto_next(&metadata, &part);)
      if (part.number == 2 && part.type == PJ_WIRE_BYTES)
        out.op_name = part.bytes;
      else if (part.number == 3 && part.type == PJ_WIRE_BYTES)
        out.file = part.bytes;
      else if (part.number == 4 && part.type == PJ_WIRE_VARINT)
        out.line = part.value;
  }
  return out;
}

// What is only a name for something else, or there from the start.
static bool does_nothing(PjStr opcode) {
  static const char *const names[] = {"parameter", "constant", "tuple", "get-tuple-element",
                                      "bitcast"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (pj_str_is(opcode, names[i]))
      return true;
  return false;
}

static void report_kernel(PjReport *report, const Instruction *instruction) {
  pj_report_open(report, NULL);
  pj_report_text(report, "name", instruction->name.ptr, instruction->name.len);
  pj_report_text(report, "operations", instruction->opcode.ptr, instruction->opcode.len);
  PjStrBuf source = {0};
  if (instruction->file.len)
    pj_strbuf_printf(&source, "%.*s:%llu", PJ_STR_ARG(instruction->file),
                     (unsigned long long)instruction->line);
  else
    pj_strbuf_str(&source, instruction->op_name);
  if (source.len)
    pj_report_text(report, "source", source.data, source.len);
  report->text.failed |= source.failed;
  pj_strbuf_free(&source);
  pj_report_close(report);
}

// Calls |fn| for the instructions (2) of a computation.
static void each_instruction(PjStr computation, void (*fn)(void *, const Instruction *),
                             void *context) {
  PjProtoReader reader = pj_proto_reader(computation.ptr, computation.len);
  for (PjProtoField field; pj_proto_next(&reader, &field);)
    if (field.number == 2 && field.type == PJ_WIRE_BYTES) {
      Instruction instruction = read_instruction(field.bytes);
      fn(context, &instruction);
    }
}

// --- Computations --------------------------------------------------------------------------------

// The entry computation of an HloModuleProto: computations 3, of which entry_computation_id 6 is
// the HloComputationProto.id 5. Each of its instructions is what the plugin runs as one step. Empty
// for what is no such message.
static PjStr entry_of(PjStr module) {
  PjProtoField field;
  uint64_t entry = 0;
  PjProtoReader reader = pj_proto_reader(module.ptr, module.len);
  while (pj_proto_next(&reader, &field))
    if (field.number == 6 && field.type == PJ_WIRE_VARINT)
      entry = field.value;
  reader = pj_proto_reader(module.ptr, module.len);
  while (pj_proto_next(&reader, &field)) {
    if (field.number != 3 || field.type != PJ_WIRE_BYTES)
      continue;
    uint64_t id = 0;
    PjProtoReader computation = pj_proto_reader(field.bytes.ptr, field.bytes.len);
    for (PjProtoField part; pj_proto_next(&computation, &part);)
      if (part.number == 5 && part.type == PJ_WIRE_VARINT)
        id = part.value;
    if (id == entry)
      return field.bytes;
  }
  return PJ_STR("");
}

// HloModuleProtoWithConfig.hlo_module 1.
static PjStr module_of(const char *format, PjStr bytes) {
  if (strcmp(format, "hlo") == 0)
    return bytes;
  PjProtoReader reader = pj_proto_reader(bytes.ptr, bytes.len);
  for (PjProtoField field; pj_proto_next(&reader, &field);)
    if (field.number == 1 && field.type == PJ_WIRE_BYTES)
      return field.bytes;
  return PJ_STR("");
}

// --- The report ----------------------------------------------------------------------------------

static int more_first(const void *a, const void *b) {
  const OpcodeCount *x = a, *y = b;
  return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->name, y->name);
}

static void count_instruction(void *context, const Instruction *instruction) {
  if (instruction->opcode.len)
    count_opcode(context, instruction->opcode);
}

typedef struct Listing {
  PjReport *report;
  size_t count;
} Listing;

static void list_instruction(void *context, const Instruction *instruction) {
  Listing *listing = context;
  if (!does_nothing(instruction->opcode) && pj_inspect_lists(listing->report, listing->count++))
    report_kernel(listing->report, instruction);
}

void pj_inspect_hlo(PjReport *report, const char *format, PjStr bytes) {
  PjStr entry = entry_of(module_of(format, bytes));
  Opcodes *opcodes = pj_calloc(1, sizeof *opcodes);
  if (!opcodes) {
    report->text.failed = true;
    return;
  }
  each_instruction(entry, count_instruction, opcodes);
  qsort(opcodes->rows, opcodes->num_rows, sizeof *opcodes->rows, more_first);
  pj_report_open(report, "steps");
  for (size_t i = 0; i < opcodes->num_rows; ++i)
    pj_report_int(report, opcodes->rows[i].name, opcodes->rows[i].count);
  pj_report_close(report);
  pj_free(opcodes);
  Listing listing = {.report = report};
  pj_report_open_list(report, "kernels");
  each_instruction(entry, list_instruction, &listing);
  pj_inspect_unlisted(report, listing.count);
  pj_report_close(report);
}

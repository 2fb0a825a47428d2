// The HLO reader on modules that are put together here: what the wire allows, what must be refused
// and in which words, literals, tuples, donation, copies of callees, exhausted memory, damage.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/proto.h"
#include "import/import.h"
#include "ir/print.h"

enum { PRED = 1, S32 = 4, F32 = 11, TUPLE = 13, TOKEN = 17, S4 = 21 }; // xla.PrimitiveType

// ---------------------------------------------------------------------- making modules
static void put_bytes(PjStrBuf *out, uint32_t number, PjStrBuf *message) {
  pj_proto_put_message(out, number, message);
}

static PjStrBuf array(int element, size_t rank, const int64_t *dims) {
  PjStrBuf shape = {0}, layout = {0};
  int64_t order[8];
  for (size_t i = 0; i < rank; ++i)
    order[i] = (int64_t)(rank - 1 - i);
  pj_proto_put_varint(&shape, 2, (uint64_t)element);
  pj_proto_put_ints(&shape, 3, dims, rank);
  pj_proto_put_ints(&layout, 1, order, rank);
  put_bytes(&shape, 5, &layout);
  return shape;
}
#define ARRAY(element, ...) \
  array((element), sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

static PjStrBuf scalar(int element) {
  return array(element, 0, NULL);
}

static PjStrBuf pair(PjStrBuf a, PjStrBuf b) {
  PjStrBuf shape = {0};
  pj_proto_put_varint(&shape, 2, TUPLE);
  put_bytes(&shape, 4, &a);
  put_bytes(&shape, 4, &b);
  return shape;
}

// An instruction without its closing: name, opcode, shape, id, operands. More fields may follow.
static PjStrBuf begin(const char *opcode, int64_t id, PjStrBuf shape, size_t num_operands,
                      const int64_t *operands) {
  PjStrBuf out = {0};
  char name[48];
  snprintf(name, sizeof name, "%s.%d", opcode, (int)id);
  pj_proto_put_bytes(&out, 1, pj_str(name));
  pj_proto_put_bytes(&out, 2, pj_str(opcode));
  put_bytes(&out, 3, &shape);
  pj_proto_put_varint(&out, 35, (uint64_t)id);
  pj_proto_put_ints(&out, 36, operands, num_operands);
  return out;
}

static void add(PjStrBuf *computation, PjStrBuf instruction) {
  put_bytes(computation, 2, &instruction);
}

static void parameter(PjStrBuf *computation, int64_t id, int64_t number, PjStrBuf shape) {
  PjStrBuf inst = begin("parameter", id, shape, 0, NULL);
  pj_proto_put_varint(&inst, 9, (uint64_t)number);
  add(computation, inst);
}

static void simple(PjStrBuf *computation, const char *opcode, int64_t id, PjStrBuf shape, int64_t a,
                   int64_t b) {
  add(computation, begin(opcode, id, shape, b ? 2 : 1, (int64_t[]){a, b}));
}

static void finish(PjStrBuf *module, PjStrBuf *computation, const char *name, int64_t id,
                   int64_t root) {
  pj_proto_put_bytes(computation, 1, pj_str(name));
  pj_proto_put_varint(computation, 5, (uint64_t)id);
  pj_proto_put_varint(computation, 6, (uint64_t)root);
  put_bytes(module, 3, computation);
  *computation = (PjStrBuf){0};
}

static void finish_entry(PjStrBuf *module, PjStrBuf *computation, int64_t root) {
  finish(module, computation, "entry", 100, root);
  pj_proto_put_bytes(module, 1, PJ_STR("made"));
  pj_proto_put_varint(module, 6, 100);
}

// ---------------------------------------------------------------------- reading them
typedef struct Reading {
  PjArena *arena;
  PjStr bytes;
  bool with_config, expect_text;
  PjStrBuf text;
} Reading;

static PjStatus read_guarded(void *context) {
  Reading *r = context;
  PjModule *module;
  PJ_TRY(pj_import_hlo(r->arena, r->bytes.ptr, r->bytes.len, r->with_config, &module));
  if (r->expect_text)
    pj_module_print(&r->text, module, NULL);
  return PJ_STATUS_OK;
}

static PjStatus read_hlo(Reading *r) {
  PJ_TRY(pj_arena_create((size_t)256 << 20, &r->arena));
  PjStatus status = pj_arena_guard(r->arena, read_guarded, r);
  pj_arena_destroy(r->arena);
  return status;
}

// Expects |module|, which is freed, to be read as a program whose text holds |fragment|.
static void expect_text(PjStrBuf *module, const char *fragment) {
  Reading r = {.bytes = {module->data, module->len}, .expect_text = true};
  PjStatus status = read_hlo(&r);
  if (status)
    fail_msg("%s", pj_status_message(status));
  if (!strstr(r.text.data, fragment))
    fail_msg("no \"%s\" in\n%s", fragment, r.text.data);
  pj_strbuf_free(&r.text);
  pj_strbuf_free(module);
}

static void expect_error(PjStrBuf *module, PjCode code, const char *fragment) {
  Reading r = {.bytes = {module->data, module->len}};
  PjStatus status = read_hlo(&r);
  if (pj_status_code(status) != code || !strstr(pj_status_message(status), fragment))
    fail_msg("%s \"%s\", expected %s \"%s\"", pj_code_name(pj_status_code(status)),
             pj_status_message(status), pj_code_name(code), fragment);
  pj_status_free(status);
  pj_strbuf_free(module);
}

// ---------------------------------------------------------------------- the wire
static void test_numbers(void **state) {
  // Operands half packed and half not, a scalar given twice, an unknown field, ids of which only
  // the low half counts.
  PjStrBuf module = {0}, entry = {0};
  parameter(&entry, 1, 0, ARRAY(F32, 4));
  PjStrBuf inst = begin("subtract", 7, ARRAY(F32, 4), 1, (int64_t[]){(int64_t)5 << 32 | 1});
  pj_proto_put_varint(&inst, 36, 1);
  pj_proto_put_varint(&inst, 35, 2);
  pj_proto_put_varint(&inst, 1999, 3);
  pj_proto_put_double(&inst, 1998, 1.5);
  add(&entry, inst);
  finish_entry(&module, &entry, (int64_t)9 << 32 | 2);
  expect_text(&module, "stablehlo.subtract %arg0, %arg0");
}

static void test_wire_errors(void **state) {
  static const struct {
    const char *bytes;
    size_t size;
    const char *fragment;
  } cases[] = {
      {"\x0b", 1, "malformed field in Module"},                // a group
      {"\x1a\x05\x12", 3, "malformed field in Module"},        // more than there is
      {"\x08\x01", 2, "Module.name: a field of another wire"}, // a number for a text
      {"\x0a\x01\xff", 3, "not UTF-8"},
      {"\x22\x00\x22\x00", 4, "host_program_shape: given twice"},
      {"\x1a\x02\x12\x00", 4, "the opcode is unknown"},
      {"\x1a\x00", 2, "its root is instruction 0"},
      {"", 0, "no computation has the id of the entry"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    PjStrBuf module = {0};
    pj_strbuf_append(&module, cases[i].bytes, cases[i].size);
    expect_error(&module, PJ_INVALID_ARGUMENT, cases[i].fragment);
  }
}

static void test_recognition(void **state) {
  PjStrBuf module = {0}, entry = {0}, envelope = {0};
  bool with_config;
  parameter(&entry, 1, 0, ARRAY(F32, 4));
  finish_entry(&module, &entry, 1);
  assert_true(pj_is_hlo(module.data, module.len, &with_config) && !with_config);
  pj_proto_put_bytes(&envelope, 1, (PjStr){module.data, module.len});
  assert_true(pj_is_hlo(envelope.data, envelope.len, &with_config) && with_config);
  PjStr found = pj_hlo_module_of((PjStr){envelope.data, envelope.len});
  assert_true(pj_str_eq(found, (PjStr){module.data, module.len}));
  Reading r = {.bytes = {envelope.data, envelope.len}, .with_config = true};
  assert_null(read_hlo(&r));
  static const char text[] = "\nmodule {}";
  assert_false(pj_is_hlo(text, sizeof text - 1, &with_config));
  assert_false(pj_is_hlo("", 0, &with_config));
  pj_strbuf_free(&module);
  pj_strbuf_free(&envelope);
}

// ---------------------------------------------------------------------- refusals
// A module whose entry is parameter 1 and then |inst|, the root with id 2.
static PjStrBuf module_of(PjStrBuf inst) {
  PjStrBuf module = {0}, entry = {0};
  parameter(&entry, 1, 0, ARRAY(F32, 4));
  add(&entry, inst);
  finish_entry(&module, &entry, 2);
  return module;
}

#define ONE ((int64_t[]){1, 1, 1})
static void test_instruction_errors(void **state) {
  PjStrBuf module = module_of(begin("frobnicate", 2, ARRAY(F32, 4), 1, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT,
               "computation entry: instruction frobnicate.2 (frobnicate) at byte");
  module = module_of(begin("negate", 2, ARRAY(F32, 4), 2, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT, "2 operands, expected 1");
  module = module_of(begin("negate", 2, ARRAY(F32, 4), 1, (int64_t[]){2}));
  expect_error(&module, PJ_INVALID_ARGUMENT, "which does not stand before it");
  module = module_of(begin("negate", 1, ARRAY(F32, 4), 1, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT, "has the id 1 of another one");
  module = module_of(begin("negate", 2, ARRAY(F32, 5), 1, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT,
               "instruction negate.2 (negate) at byte 47 of computation entry: stablehlo.negate");
  module = module_of(begin("negate", 2, pair(ARRAY(F32, 4), ARRAY(F32, 4)), 1, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT, "its shape has 2 arrays");
  module = module_of(begin("negate", 2, array(99, 0, NULL), 1, ONE));
  expect_error(&module, PJ_UNIMPLEMENTED, "element type 99");
  module = module_of(begin("negate", 2, ARRAY(F32, -4), 1, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT, "has size -4");
  module = module_of(begin("negate", 2, ARRAY(F32, INT64_MAX, 8), 1, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT, "2^63 elements");
  module = module_of(begin("get-tuple-element", 2, ARRAY(F32, 4), 1, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT, "its operand is no tuple");
  module = module_of(begin("constant", 2, ARRAY(F32, 4), 0, NULL));
  expect_error(&module, PJ_INVALID_ARGUMENT, "without a literal");
  module = module_of(begin("reduce", 2, scalar(F32), 2, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT, "0 called computations, expected 1");
  module = module_of(begin("stochastic-convert", 2, ARRAY(F32, 4), 2, ONE));
  expect_error(&module, PJ_UNIMPLEMENTED, "stochastic-convert from tensor<4xf32> with");
  module = module_of(begin("scaled-dot", 2, ARRAY(F32, 4), 1, ONE));
  expect_error(&module, PJ_UNIMPLEMENTED, "scaled-dot is not supported");
  PjStrBuf inst = begin("negate", 2, ARRAY(F32, 4), 1, ONE);
  pj_proto_put_varint(&inst, 38, 55);
  module = module_of(inst);
  expect_error(&module, PJ_INVALID_ARGUMENT, "it calls computation 55");
  inst = begin("parameter", 2, ARRAY(F32, 4), 0, NULL);
  pj_proto_put_varint(&inst, 9, 2);
  module = module_of(inst);
  expect_error(&module, PJ_INVALID_ARGUMENT, "parameter number 2 of 2");
}

// Metadata says where in the user's program.
static void test_location(void **state) {
  PjStrBuf metadata = {0}, inst = begin("negate", 2, ARRAY(F32, 5), 1, ONE);
  pj_proto_put_bytes(&metadata, 2, PJ_STR("model/neg"));
  pj_proto_put_bytes(&metadata, 3, PJ_STR("model.py"));
  pj_proto_put_varint(&metadata, 4, 41);
  put_bytes(&inst, 7, &metadata);
  PjStrBuf module = module_of(inst);
  Reading r = {.bytes = {module.data, module.len}};
  PjStatus status = read_hlo(&r);
  assert_string_equal(pj_status_location(status), "model.py:41:0");
  pj_status_free(status);
  pj_strbuf_free(&module);
}

// Shapes that contain each other a hundred deep, and layouts that are none.
static void test_shapes(void **state) {
  PjStrBuf shape = scalar(F32);
  for (int i = 0; i < 100; ++i) {
    PjStrBuf outer = {0};
    pj_proto_put_varint(&outer, 2, TUPLE);
    put_bytes(&outer, 4, &shape);
    shape = outer;
  }
  PjStrBuf module = module_of(begin("tuple", 2, shape, 1, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT, "shapes nest deeper than 64");
  PjStrBuf layout = {0}, twice = {0};
  pj_proto_put_varint(&twice, 2, F32);
  pj_proto_put_ints(&twice, 3, (int64_t[]){4, 4}, 2);
  pj_proto_put_ints(&layout, 1, (int64_t[]){1, 1}, 2);
  put_bytes(&twice, 5, &layout);
  module = module_of(begin("negate", 2, twice, 1, ONE));
  expect_error(&module, PJ_INVALID_ARGUMENT, "no permutation of 2 dimensions");
}

// ---------------------------------------------------------------------- literals
static PjStrBuf constant(PjStrBuf shape, PjStrBuf literal_shape, uint32_t field, const void *data,
                         size_t size) {
  PjStrBuf inst = begin("constant", 2, shape, 0, NULL), literal = {0};
  put_bytes(&literal, 1, &literal_shape);
  pj_proto_put_bytes(&literal, field, (PjStr){data, size});
  put_bytes(&inst, 8, &literal);
  return module_of(inst);
}

static void test_literals(void **state) {
  // [[1, 2, 3], [4, 5, 6]] column by column.
  PjStrBuf columns = {0}, layout = {0};
  pj_proto_put_varint(&columns, 2, S32);
  pj_proto_put_ints(&columns, 3, (int64_t[]){2, 3}, 2);
  pj_proto_put_ints(&layout, 1, (int64_t[]){0, 1}, 2);
  put_bytes(&columns, 5, &layout);
  PjStrBuf module = constant(ARRAY(S32, 2, 3), columns, 4, "\1\4\2\5\3\6", 6);
  expect_text(&module, "dense<[[1, 2, 3], [4, 5, 6]]>");
  // Of four bits only those count; -2 comes as FE or 0E.
  module = constant(ARRAY(S4, 3), ARRAY(S4, 3), 21, "\xfe\x0e\x37", 3);
  expect_text(&module, "dense<[-2, -2, 7]> : tensor<3xi4>");
  module = constant(ARRAY(F32, 0, 3), ARRAY(F32, 0, 3), 8, "", 0);
  expect_text(&module, "tensor<0x3xf32>");
  module = constant(ARRAY(F32, 2), ARRAY(F32, 2), 8, "abcd", 4);
  expect_error(&module, PJ_INVALID_ARGUMENT, "tensor<2xf32>");
  module = constant(ARRAY(F32, 2), ARRAY(F32, 2), 8, "abcdabcdabcd", 12);
  expect_error(&module, PJ_INVALID_ARGUMENT, "does not hold its 2 elements");
  module = constant(ARRAY(F32, 2), ARRAY(F32, 3), 8, "abcdabcd", 8);
  expect_error(&module, PJ_INVALID_ARGUMENT, "the literal's shape is not the instruction's");
  // No memory for what cannot be there.
  int64_t huge = (int64_t)1 << 40;
  module = constant(ARRAY(F32, huge), ARRAY(F32, huge), 8, "abcd", 4);
  expect_error(&module, PJ_INVALID_ARGUMENT, "a literal of type tensor<1099511627776xf32>");
}

// ---------------------------------------------------------------------- tuples, donation
static PjStrBuf swap_module(void) {
  PjStrBuf module = {0}, entry = {0};
  parameter(&entry, 1, 0, pair(ARRAY(F32, 4), ARRAY(S32, 2)));
  for (int i = 0; i < 2; ++i) {
    PjStrBuf inst = begin("get-tuple-element", 2 + i, i ? ARRAY(S32, 2) : ARRAY(F32, 4), 1, ONE);
    pj_proto_put_varint(&inst, 13, (uint64_t)i);
    add(&entry, inst);
  }
  add(&entry, begin("tuple", 4, pair(ARRAY(S32, 2), ARRAY(F32, 4)), 2, (int64_t[]){3, 2}));
  finish_entry(&module, &entry, 4);
  return module;
}

// A literal of |element| for an array of |shape|, its numbers in |field|.
static PjStrBuf numbers(PjStrBuf shape, uint32_t field, const void *data, size_t size) {
  PjStrBuf literal = {0};
  put_bytes(&literal, 1, &shape);
  pj_proto_put_bytes(&literal, field, (PjStr){data, size});
  return literal;
}

static PjStrBuf tuple_constant(bool both) {
  static const float floats[2] = {1, 2.5f};
  PjStrBuf literal = {0}, module = {0}, entry = {0};
  PjStrBuf first = numbers(ARRAY(F32, 2), 8, floats, sizeof floats),
           second = numbers(scalar(S32), 4, "\x07", 1);
  PjStrBuf shape = pair(ARRAY(F32, 2), scalar(S32));
  put_bytes(&literal, 1, &shape);
  put_bytes(&literal, 10, &first);
  if (both)
    put_bytes(&literal, 10, &second);
  else
    pj_strbuf_free(&second);
  PjStrBuf inst = begin("constant", 2, pair(ARRAY(F32, 2), scalar(S32)), 0, NULL);
  put_bytes(&inst, 8, &literal);
  add(&entry, inst);
  finish_entry(&module, &entry, 2);
  return module;
}

static void test_constant_tuples(void **state) {
  PjStrBuf module = tuple_constant(true);
  expect_text(&module, "dense<[1.000000e+00, 2.500000e+00]> : tensor<2xf32>\n"
                       "    %1 = stablehlo.constant dense<7> : tensor<i32>\n    return %0, %1");
  module = tuple_constant(false);
  expect_error(&module, PJ_INVALID_ARGUMENT, "a literal of 1 elements for a tuple of 2");
}

static void test_tuples(void **state) {
  PjStrBuf module = swap_module();
  expect_text(&module, "@main(%arg0: tensor<4xf32>, %arg1: tensor<2xi32>) -> (tensor<2xi32>, "
                       "tensor<4xf32>) {\n    return %arg1, %arg0");
}

// Result |result| may lie in part |part| of parameter 0.
static PjStrBuf alias_entries(int64_t result, int64_t part) {
  PjStrBuf entries = {0}, entry = {0};
  pj_proto_put_ints(&entry, 1, &result, 1);
  pj_proto_put_ints(&entry, 3, &part, 1);
  pj_proto_put_varint(&entry, 4, 1);
  put_bytes(&entries, 1, &entry);
  return entries;
}

static void test_donation(void **state) {
  PjStrBuf module = swap_module(), entries = alias_entries(1, 0), donors = {0}, donor = {0};
  put_bytes(&module, 8, &entries);
  pj_proto_put_ints(&donor, 2, (int64_t[]){1}, 1);
  put_bytes(&donors, 1, &donor);
  put_bytes(&module, 18, &donors);
  expect_text(&module, "@main(%arg0: tensor<4xf32> {tf.aliasing_output = 1 : i32}, "
                       "%arg1: tensor<2xi32> {jax.buffer_donor = true})");
  module = swap_module();
  entries = alias_entries(2, 0);
  put_bytes(&module, 8, &entries);
  expect_error(&module, PJ_INVALID_ARGUMENT, "entry 0: there is no such part of the result");
  module = swap_module();
  entries = alias_entries(1, 7);
  put_bytes(&module, 8, &entries);
  expect_error(&module, PJ_INVALID_ARGUMENT, "no such part of parameter 0");
}

// ---------------------------------------------------------------------- shardings
// OpSharding of type OTHER.
static PjStrBuf tiles(size_t num_dims, const int64_t *dims, size_t num_devices,
                      const int64_t *devices) {
  PjStrBuf sharding = {0};
  pj_proto_put_varint(&sharding, 1, 3);
  pj_proto_put_ints(&sharding, 3, dims, num_dims);
  pj_proto_put_ints(&sharding, 4, devices, num_devices);
  return sharding;
}

// A parameter %0, an instruction |opcode| %1 with |sharding|, and a pair of both with those of the
// results.
static PjStrBuf sharded_module(const char *opcode, PjStrBuf sharding, PjStrBuf results) {
  PjStrBuf module = {0}, entry = {0}, iota = {0};
  const int64_t dims[] = {2, 4}, reshape[] = {4, 2}, order[] = {1, 0};
  pj_proto_put_varint(&iota, 1, 3);
  pj_proto_put_ints(&iota, 3, dims, 2);
  pj_proto_put_ints(&iota, 9, reshape, 2);
  pj_proto_put_ints(&iota, 10, order, 2);
  PjStrBuf argument = begin("parameter", 1, ARRAY(F32, 4, 8), 0, NULL);
  put_bytes(&argument, 40, &iota);
  add(&entry, argument);
  PjStrBuf inst = begin(opcode, 2, ARRAY(F32, 4, 8), 1, (int64_t[]){1});
  if (!strcmp(opcode, "custom-call"))
    pj_proto_put_bytes(&inst, 28, PJ_STR("Sharding"));
  put_bytes(&inst, 40, &sharding);
  add(&entry, inst);
  PjStrBuf root = begin("tuple", 3, pair(ARRAY(F32, 4, 8), ARRAY(F32, 4, 8)), 2, (int64_t[]){2, 1});
  if (results.len)
    put_bytes(&root, 40, &results);
  add(&entry, root);
  finish_entry(&module, &entry, 3);
  return module;
}

static void test_shardings(void **state) {
  const int64_t dims[] = {4, 1, 2}, devices[] = {0, 1, 2, 3, 4, 5, 6, 7};
  PjStrBuf copies = tiles(3, dims, 8, devices), manual = {0}, both = {0}, whole = {0}, none = {0};
  pj_proto_put_varint(&copies, 6, 1);
  PjStrBuf module = sharded_module("custom-call", copies, none);
  expect_text(&module, "(%arg0: tensor<4x8xf32> {mhlo.sharding = "
                       "\"{devices=[2,4]<=[4,2]T(1,0)}\"})");
  copies = tiles(3, dims, 8, devices);
  pj_proto_put_varint(&copies, 6, 1);
  module = sharded_module("custom-call", copies, none);
  expect_text(&module, "@Sharding(%arg0) {mhlo.sharding = "
                       "\"{devices=[4,1,2]0,1,2,3,4,5,6,7 last_tile_dim_replicate}\"}");
  // Any instruction may say it; kinds of the last tiles are named.
  PjStrBuf kinds = tiles(3, dims, 8, devices);
  pj_proto_put_ints(&kinds, 8, (int64_t[]){4}, 1);
  module = sharded_module("negate", kinds, none);
  expect_text(&module, "@Sharding(%1) {mhlo.sharding = "
                       "\"{devices=[4,1,2]0,1,2,3,4,5,6,7 last_tile_dims={manual}}\"}");
  // Results: one each, of which an empty one is replicated.
  pj_proto_put_varint(&manual, 1, 4);
  pj_proto_put_varint(&both, 1, 2);
  put_bytes(&both, 5, &manual);
  put_bytes(&both, 5, &whole);
  module = sharded_module("negate", tiles(2, dims, 4, devices), both);
  expect_text(&module, "-> (tensor<4x8xf32> {mhlo.sharding = \"{manual}\"}, tensor<4x8xf32> "
                       "{mhlo.sharding = \"{replicated}\"})");
}

typedef struct Writing {
  PjArena *arena;
  PjStr module;
  const PjHloParts *parts;
  PjStrBuf out;
} Writing;

static PjStatus write_guarded(void *context) {
  Writing *w = context;
  return pj_hlo_write(w->arena, w->module, 1, 4, w->parts, &w->out);
}

// What the partitioner found goes back in place of what the module said.
static void test_shardings_go_back(void **state) {
  PjStrBuf module = swap_module(), program = {0}, shape = pair(ARRAY(F32, 4), ARRAY(S32, 2)),
           old = {0}, cut = tiles(1, (int64_t[]){4}, 4, (int64_t[]){0, 1, 2, 3});
  put_bytes(&program, 1, &shape);
  shape = pair(ARRAY(S32, 2), ARRAY(F32, 4));
  put_bytes(&program, 2, &shape);
  put_bytes(&module, 4, &program);
  pj_proto_put_varint(&old, 1, 4);
  put_bytes(&module, 12, &old);
  const PjStr whole = {0}, part = {cut.data, cut.len}, params[] = {part, whole},
              results[] = {whole, part};
  PjHloParts parts = {2, 2, params, results};
  Writing w = {.module = {module.data, module.len}, .parts = &parts};
  assert_null(pj_arena_create(0, &w.arena));
  assert_null(pj_arena_guard(w.arena, write_guarded, &w));
  Reading r = {.bytes = {w.out.data, w.out.len}, .with_config = true, .expect_text = true};
  assert_null(read_hlo(&r));
  assert_non_null(strstr(r.text.data, "(%arg0: tensor<4xf32> {mhlo.sharding = "
                                      "\"{devices=[4]0,1,2,3}\"}, %arg1: tensor<2xi32> "
                                      "{mhlo.sharding = \"{replicated}\"}) -> (tensor<2xi32> "
                                      "{mhlo.sharding = \"{replicated}\"}, tensor<4xf32> "
                                      "{mhlo.sharding = \"{devices=[4]0,1,2,3}\"})"));
  parts.num_results = 1;
  pj_strbuf_free(&w.out);
  PjStatus status = pj_arena_guard(w.arena, write_guarded, &w);
  assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
  pj_status_free(status);
  pj_arena_destroy(w.arena);
  pj_strbuf_free(&w.out);
  pj_strbuf_free(&r.text);
  pj_strbuf_free(&module);
  pj_strbuf_free(&cut);
}

static void test_sharding_errors(void **state) {
  PjStrBuf one = {0}, whole = {0}, named = {0}, name = {0}, none = {0};
  pj_proto_put_varint(&one, 1, 2);
  put_bytes(&one, 5, &whole);
  PjStrBuf module = sharded_module("negate", none, one);
  expect_error(&module, PJ_INVALID_ARGUMENT, "shardings of 1 arrays where there are 2");
  put_bytes(&named, 14, &name);
  module = sharded_module("negate", named, none);
  expect_error(&module, PJ_UNIMPLEMENTED, "a sharding by names of axes");
  PjStrBuf odd = {0};
  pj_proto_put_varint(&odd, 1, 9);
  module = sharded_module("negate", odd, none);
  expect_error(&module, PJ_INVALID_ARGUMENT, "a sharding of type 9");
}

static void test_program_shape(void **state) {
  PjStrBuf module = swap_module(), program = {0}, shape = pair(ARRAY(F32, 4), ARRAY(S32, 2));
  put_bytes(&program, 1, &shape);
  shape = pair(ARRAY(S32, 3), ARRAY(F32, 4));
  put_bytes(&program, 2, &shape);
  put_bytes(&module, 4, &program);
  expect_error(&module, PJ_INVALID_ARGUMENT, "host_program_shape: the result has another shape");
}

// ---------------------------------------------------------------------- callees
// Thirty computations, each of which is a fusion of the one before twice.
static void test_copies(void **state) {
  PjStrBuf module = {0}, computation = {0};
  for (int level = 0; level < 30; ++level) {
    parameter(&computation, 1, 0, ARRAY(F32, 4));
    for (int i = 0; i < 2; ++i) {
      PjStrBuf inst =
          begin(level ? "fusion" : "negate", 2 + i, ARRAY(F32, 4), 1, (int64_t[]){1 + i});
      if (level)
        pj_proto_put_varint(&inst, 38, (uint64_t)level - 1);
      add(&computation, inst);
    }
    if (level == 29)
      finish_entry(&module, &computation, 3);
    else
      finish(&module, &computation, "level", level, 3);
  }
  expect_error(&module, PJ_RESOURCE_EXHAUSTED, "too large");
}

// The same with calls, which become one function each.
static PjStrBuf calls_module(void) {
  PjStrBuf module = {0}, computation = {0};
  for (int level = 0; level < 30; ++level) {
    parameter(&computation, 1, 0, ARRAY(F32, 4));
    for (int i = 0; i < 2; ++i) {
      PjStrBuf inst = begin(level ? "call" : "negate", 2 + i, ARRAY(F32, 4), 1, (int64_t[]){1 + i});
      if (level)
        pj_proto_put_varint(&inst, 38, (uint64_t)level - 1);
      add(&computation, inst);
    }
    if (level == 29)
      finish_entry(&module, &computation, 3);
    else
      finish(&module, &computation, "level", level, 3);
  }
  return module;
}

static void test_calls(void **state) {
  PjStrBuf module = calls_module();
  expect_text(&module, "func.func private @level_0");
}

// ---------------------------------------------------------------------- exhaustion and damage
// A counting loop over a pair, a reduction, a constant and an alias.
static PjStrBuf rich_module(void) {
  PjStrBuf module = {0}, comp = {0}, literal = {0}, shape, entries;
  parameter(&comp, 1, 0, scalar(F32));
  parameter(&comp, 2, 1, scalar(F32));
  simple(&comp, "add", 3, scalar(F32), 1, 2);
  finish(&module, &comp, "sum", 1, 3);
  for (int body = 1; body >= 0; --body) {
    parameter(&comp, 1, 0, pair(scalar(S32), ARRAY(F32, 4)));
    for (int i = 0; i < 2; ++i) {
      PjStrBuf get = begin("get-tuple-element", 2 + i, i ? ARRAY(F32, 4) : scalar(S32), 1, ONE);
      pj_proto_put_varint(&get, 13, (uint64_t)i);
      add(&comp, get);
    }
    PjStrBuf inst = begin("constant", 4, scalar(S32), 0, NULL);
    shape = scalar(S32);
    put_bytes(&literal, 1, &shape);
    pj_proto_put_ints(&literal, 4, (int64_t[]){body ? 1 : 3}, 1);
    put_bytes(&inst, 8, &literal);
    add(&comp, inst);
    if (body) {
      simple(&comp, "add", 5, scalar(S32), 2, 4);
      simple(&comp, "multiply", 6, ARRAY(F32, 4), 3, 3);
      add(&comp, begin("tuple", 7, pair(scalar(S32), ARRAY(F32, 4)), 2, (int64_t[]){5, 6}));
    } else {
      inst = begin("compare", 7, scalar(PRED), 2, (int64_t[]){2, 4});
      pj_proto_put_bytes(&inst, 63, PJ_STR("LT"));
      add(&comp, inst);
    }
    finish(&module, &comp, body ? "body" : "condition", body ? 2 : 3, 7);
  }
  parameter(&comp, 1, 0, pair(scalar(S32), ARRAY(F32, 4)));
  parameter(&comp, 2, 1, scalar(F32));
  PjStrBuf inst = begin("while", 3, pair(scalar(S32), ARRAY(F32, 4)), 1, ONE);
  pj_proto_put_ints(&inst, 38, (int64_t[]){2, 3}, 2);
  add(&comp, inst);
  inst = begin("get-tuple-element", 4, ARRAY(F32, 4), 1, (int64_t[]){3});
  pj_proto_put_varint(&inst, 13, 1);
  add(&comp, inst);
  inst = begin("reduce", 5, scalar(F32), 2, (int64_t[]){4, 2});
  pj_proto_put_ints(&inst, 14, (int64_t[]){0}, 1);
  pj_proto_put_varint(&inst, 38, 1);
  add(&comp, inst);
  add(&comp, begin("tuple", 6, pair(scalar(F32), ARRAY(F32, 4)), 2, (int64_t[]){5, 4}));
  finish_entry(&module, &comp, 6);
  entries = alias_entries(1, 1);
  put_bytes(&module, 8, &entries);
  return module;
}

static void test_rich(void **state) {
  PjStrBuf module = rich_module();
  expect_text(&module, "stablehlo.while");
}

static void test_memory(void **state) {
  PjStrBuf module = rich_module();
  int failures = 0;
  for (int n = 0;; ++n) {
    Reading r = {.bytes = {module.data, module.len}};
    pj_alloc_fail_after(n);
    PjStatus status = read_hlo(&r);
    pj_alloc_fail_after(-1);
    if (!status)
      break;
    assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
    pj_status_free(status);
    ++failures;
  }
  assert_true(failures > 2);
  pj_strbuf_free(&module);
}

// Every prefix, and every byte changed in four ways: an error or a program, whatever it is.
static void test_damage(void **state) {
  static const unsigned char masks[] = {0x01, 0x08, 0x80, 0xFF};
  PjStrBuf module = rich_module();
  int read = 0;
  for (size_t size = 0; size < module.len; ++size) {
    Reading r = {.bytes = {module.data, size}};
    pj_status_free(read_hlo(&r));
  }
  for (size_t at = 0; at < module.len; ++at) {
    for (size_t i = 0; i < sizeof masks; ++i) {
      module.data[at] = (char)(module.data[at] ^ masks[i]);
      Reading r = {.bytes = {module.data, module.len}, .with_config = at % 2};
      PjStatus status = read_hlo(&r);
      read += !status;
      pj_status_free(status);
      module.data[at] = (char)(module.data[at] ^ masks[i]);
    }
  }
  assert_true(read > 0); // names may be anything
  pj_strbuf_free(&module);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_wire_errors),
      cmocka_unit_test(test_recognition),
      cmocka_unit_test(test_instruction_errors),
      cmocka_unit_test(test_location),
      cmocka_unit_test(test_shapes),
      cmocka_unit_test(test_literals),
      cmocka_unit_test(test_tuples),
      cmocka_unit_test(test_constant_tuples),
      cmocka_unit_test(test_donation),
      cmocka_unit_test(test_program_shape),
      cmocka_unit_test(test_shardings),
      cmocka_unit_test(test_shardings_go_back),
      cmocka_unit_test(test_sharding_errors),
      cmocka_unit_test(test_copies),
      cmocka_unit_test(test_calls),
      cmocka_unit_test(test_rich),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_damage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

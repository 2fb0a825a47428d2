// Files put together byte by byte: what no writer writes, such as attributes that contain
// themselves.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bytecode_support.h"

// A file in the making. Everything that these tests count is below 64, so that a number is one
// byte: 2n + 1.
typedef struct File {
  unsigned char bytes[1 << 16];
  size_t size;
} File;

static void byte(File *f, unsigned value) {
  assert_true(f->size < sizeof f->bytes);
  f->bytes[f->size++] = (unsigned char)value;
}

// A varint of two bytes when it has to be.
static void number(File *f, unsigned value) {
  if (value < 128) {
    byte(f, 2 * value + 1);
    return;
  }
  assert_true(value < 1 << 14);
  byte(f, (4 * value + 2) & 0xFF);
  byte(f, value >> 6);
}

static void raw(File *f, const void *data, size_t size) {
  for (size_t i = 0; i < size; ++i)
    byte(f, ((const unsigned char *)data)[i]);
}

static void section(File *f, unsigned id, const File *data) {
  byte(f, id);
  number(f, (unsigned)data->size);
  raw(f, data->bytes, data->size);
}

// Attribute and type entries: builtin attributes first, then builtin types.
typedef struct Entries {
  File data, sizes;
  unsigned num_attrs, num_types;
} Entries;

static void entry(Entries *e, const unsigned char *code, size_t size) {
  number(&e->sizes, (unsigned)(2 * size + 1));
  raw(&e->data, code, size);
}
#define ENTRY(e, ...) \
  entry((e), (const unsigned char[]){__VA_ARGS__}, sizeof(unsigned char[]){__VA_ARGS__})
#define N(n) (2 * (n) + 1)

// Attribute 0 is an unknown location and 1 the string "x"; the module has the dictionary |dict| and
// nothing else.
static File *file_of(const Entries *e, unsigned dict) {
  File *f = calloc(1, sizeof *f), *part = calloc(1, sizeof *part);
  assert_non_null(f);
  assert_non_null(part);
  raw(f, "ML\xEFR", 4);
  number(f, 6);
  raw(f, "StableHLO_v1.17.0", 18);
  // Dialects: builtin, with the operation builtin.module.
  number(part, 1);
  number(part, 0 << 1);
  number(part, 1);
  number(part, 0);
  number(part, 1);
  number(part, 1 << 1 | 1);
  section(f, 1, part);
  part->size = 0;
  number(part, e->num_attrs);
  number(part, e->num_types);
  number(part, 0);
  number(part, e->num_attrs);
  // Sizes of the attributes; with types, a second group follows.
  size_t at = 0;
  for (unsigned i = 0; i < e->num_attrs; ++i) {
    size_t len = e->sizes.bytes[at] & 1 ? 1 : 2;
    raw(part, e->sizes.bytes + at, len);
    at += len;
  }
  if (e->num_types) {
    number(part, 0);
    number(part, e->num_types);
    raw(part, e->sizes.bytes + at, e->sizes.size - at);
  }
  section(f, 3, part);
  section(f, 2, &e->data);
  part->size = 0;
  number(part, 1 << 1); // one operation at the top
  number(part, 0);
  byte(part, 0x11); // a dictionary, regions
  number(part, 0);
  number(part, dict);
  number(part, 1 << 1 | 1); // one isolated region, in a section of its own
  byte(part, 4);
  number(part, 3);
  number(part, 1); // a block
  number(part, 0); // no values
  number(part, 0); // no operations
  section(f, 4, part);
  part->size = 0;
  number(part, 3);
  number(part, 2);
  number(part, 7);
  number(part, 8);
  raw(part, "builtin\0module\0x", 17);
  section(f, 0, part);
  part->size = 0;
  number(part, 0);
  section(f, 8, part);
  free(part);
  return f;
}

static Entries *start(void) {
  Entries *e = calloc(1, sizeof *e);
  assert_non_null(e);
  ENTRY(e, N(15));      // 0: unknown location
  ENTRY(e, N(2), N(2)); // 1: "x"
  e->num_attrs = 2;
  return e;
}

static void expect(Entries *e, unsigned dict, const char *part) {
  File *f = file_of(e, dict);
  PjTestBytes bytes = {f->bytes, f->size};
  PjStatus status = test_read(bytes, 64 << 20, part == NULL);
  if (part ? pj_status_code(status) != PJ_INVALID_ARGUMENT ||
                 !strstr(pj_status_message(status), part)
           : status != NULL)
    fail_msg("got \"%s\", expected \"%s\"", pj_status_message(status), part ? part : "success");
  pj_status_free(status);
  free(f);
  free(e);
}

static void a_hand_made_file_is_read(void **state) {
  Entries *e = start();
  ENTRY(e, N(1), N(1), N(1), N(3)); // 2: {x = 3}
  ENTRY(e, N(0), N(2), N(1), N(1)); // 3: ["x", "x"]
  e->num_attrs = 4;
  expect(e, 2, NULL);
}

static void an_attribute_that_contains_itself_is_refused(void **state) {
  Entries *e = start();
  ENTRY(e, N(1), N(1), N(1), N(3)); // 2: {x = 3}
  ENTRY(e, N(0), N(1), N(4));       // 3: [4]
  ENTRY(e, N(0), N(1), N(3));       // 4: [3]
  e->num_attrs = 5;
  expect(e, 2, "refers to itself");
}

static void a_location_that_contains_itself_is_refused(void **state) {
  Entries *e = calloc(1, sizeof *e);
  assert_non_null(e);
  ENTRY(e, N(10), N(0), N(0)); // 0: callsite of itself
  ENTRY(e, N(2), N(2));        // 1
  ENTRY(e, N(1), N(0));        // 2: {}
  e->num_attrs = 3;
  expect(e, 2, "refers to itself");
}

static void nesting_is_bounded(void **state) {
  Entries *e = start();
  ENTRY(e, N(1), N(1), N(1), N(3));
  unsigned depth = 90; // each entry a list of the next one; the last is a string
  for (unsigned i = 0; i < depth; ++i)
    ENTRY(e, N(0), N(1), N(4 + i));
  ENTRY(e, N(2), N(2));
  e->num_attrs = 4 + depth;
  expect(e, 2, "nested deeper than");
}

// Thirty lists of two of the next: a tree of 2^30 from 150 bytes.
static void shared_subtrees_do_not_explode(void **state) {
  Entries *e = start();
  ENTRY(e, N(1), N(1), N(1), N(3));
  for (unsigned i = 0; i < 30; ++i)
    ENTRY(e, N(0), N(2), N(4 + i), N(4 + i));
  ENTRY(e, N(2), N(2));
  e->num_attrs = 34;
  expect(e, 2, "out of all proportion");
}

static void types_are_checked(void **state) {
  static const struct {
    const char *message;
    unsigned char code[20];
    size_t size;
  } cases[] = {
      {"expected none below 0", {N(13), N(1), N(3), N(1)}, 4}, // tensor<-2xf32>
      {"at most 64", {N(13), 0x82, 0x02}, 3},                  // rank 160
      {"expected a scalar type", {N(13), N(0), N(0)}, 3},      // a tensor of itself, first ...
      {"integer type of 7 bits", {N(0), N(7 << 2)}, 2},
      {"type code 60", {N(60)}, 1},
      {"expected one below 2", {N(15), N(1), N(9)}, 3},
      {"the data ends", {N(13)}, 1},
      {"left over", {N(1), N(1)}, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    Entries *e = start();
    ENTRY(e, N(1), N(1), N(1), N(3)); // 2: {x = 3}
    ENTRY(e, N(6), N(0));             // 3: type 0
    entry(e, cases[i].code, cases[i].size);
    ENTRY(e, N(5)); // type 1: f32
    e->num_attrs = 4;
    e->num_types = 2;
    bool cyclic = i == 2;
    expect(e, 2, cyclic ? "refers to itself" : i == 1 ? "do" : cases[i].message);
  }
}

// A constant that claims to be larger than its bytes; a splat of many elements stays one.
static void constants_are_bound_to_their_bytes(void **state) {
  Entries *e = start();
  ENTRY(e, N(1), N(1), N(1), N(3));                    // 2: {x = 3}
  ENTRY(e, N(18), N(0), N(8), 0, 0, 0, 0, 0, 0, 0, 0); // 3: dense of 8 bytes
  ENTRY(e, N(13), N(2), N(60), N(60), N(1));           // type 0: tensor<30x30xf32>
  ENTRY(e, N(5));                                      // type 1: f32
  e->num_attrs = 4;
  e->num_types = 2;
  expect(e, 2, "tensor<30x30xf32> in 8 bytes");

  e = start();
  ENTRY(e, N(1), N(1), N(1), N(3));
  ENTRY(e, N(18), N(0), N(4), 0, 0, 0x80, 0x3F);
  // tensor<2^62 x f32>: the zigzag number is nine bytes.
  ENTRY(e, N(13), N(1), 0x00, 0, 0, 0, 0, 0, 0, 0, 0x80, N(1));
  ENTRY(e, N(5));
  e->num_attrs = 4;
  e->num_types = 2;
  expect(e, 2, NULL);
}

static void plain_mlir_bytecode_is_told_apart(void **state) {
  Entries *e = start();
  ENTRY(e, N(1), N(0));
  e->num_attrs = 3;
  File *f = file_of(e, 2);
  unsigned char *at = memmem(f->bytes, f->size, "module", 6);
  memcpy(at, "return", 6);
  PjTestBytes bytes = {f->bytes, f->size};
  PjStatus status = test_read(bytes, 0, false);
  assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
  assert_non_null(strstr(pj_status_message(status), "expected builtin.module"));
  pj_status_free(status);
  free(f);
  free(e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_hand_made_file_is_read),
      cmocka_unit_test(an_attribute_that_contains_itself_is_refused),
      cmocka_unit_test(a_location_that_contains_itself_is_refused),
      cmocka_unit_test(nesting_is_bounded),
      cmocka_unit_test(shared_subtrees_do_not_explode),
      cmocka_unit_test(types_are_checked),
      cmocka_unit_test(constants_are_bound_to_their_bytes),
      cmocka_unit_test(plain_mlir_bytecode_is_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// MLIR's own bytecode: tests/native holds a program as text and as jaxlib writes it, which must be
// the same program; and bytes that no writer writes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "bytecode_support.h"
#include "ir/equal.h"

static PjTestBytes load(const char *name) {
  char path[1024];
  snprintf(path, sizeof path, PJ_SOURCE_DIR "/tests/native/%s", name);
  PjTestBytes bytes = test_load(path);
  assert_non_null(bytes.data);
  return bytes;
}

typedef struct Pair {
  PjTestBytes bytes, text;
} Pair;

static PjStatus compare(PjArena *arena, void *ctx) {
  Pair *p = ctx;
  PjModule *read, *parsed;
  PJ_TRY(pj_import(arena, p->bytes.data, p->bytes.size, &read));
  PJ_TRY(pj_import(arena, p->text.data, p->text.size, &parsed));
  PjStrBuf difference = {0};
  if (!pj_module_compare(read, parsed, &difference))
    fail_msg("%.*s", (int)difference.len, (const char *)difference.data);
  return PJ_STATUS_OK;
}

static void expect(PjStatus status, PjCode code, const char *part) {
  if (pj_status_code(status) != code || (part && !strstr(pj_status_message(status), part)))
    fail_msg("%d: %s", pj_status_code(status), status ? pj_status_message(status) : "no error");
  pj_status_free(status);
}

static void it_is_the_program_of_the_text(void **state) {
  Pair pair = {load("everything.bc"), load("everything.mlir")};
  expect(test_with_arena(0, compare, &pair), PJ_OK, NULL);
  free(pair.bytes.data);
  free(pair.text.data);
}

static void truncation_anywhere_is_an_error(void **state) {
  PjTestBytes whole = load("everything.bc");
  for (size_t size = 0; size < whole.size; ++size) {
    PjTestBytes part = {malloc(size ? size : 1), size}; // so that sanitizers see a read beyond it
    memcpy(part.data, whole.data, size);
    expect(test_read(part, 1 << 24, false), PJ_INVALID_ARGUMENT, "bytecode, byte ");
    free(part.data);
  }
  free(whole.data);
}

static void any_changed_byte_gives_a_status(void **state) {
  PjTestBytes bytes = load("everything.bc");
  size_t accepted = 0, refused = 0;
  for (size_t at = 0; at < bytes.size; ++at) {
    unsigned char original = bytes.data[at];
    for (int change = 0; change < 10; ++change) {
      bytes.data[at] = change < 8    ? original ^ (unsigned char)(1 << change)
                       : change == 8 ? 0
                                     : 0xFF;
      PjStatus status = test_read(bytes, 1 << 24, false);
      PjCode code = pj_status_code(status);
      code == PJ_OK ? ++accepted : ++refused;
      assert_true(code == PJ_OK || code == PJ_INVALID_ARGUMENT || code == PJ_UNIMPLEMENTED ||
                  code == PJ_RESOURCE_EXHAUSTED);
      pj_status_free(status);
    }
    bytes.data[at] = original;
  }
  assert_true(refused > accepted / 2);
  free(bytes.data);
}

static void exhausted_memory_is_an_error(void **state) {
  PjTestBytes bytes = load("everything.bc");
  for (int64_t n = 0;; ++n) {
    pj_alloc_fail_after(n);
    PjStatus status = test_read(bytes, 0, false);
    pj_alloc_fail_after(-1);
    PjCode code = pj_status_code(status);
    pj_status_free(status);
    if (code == PJ_OK)
      break;
    assert_int_equal(code, PJ_RESOURCE_EXHAUSTED);
    assert_true(n < 100000);
  }
  free(bytes.data);
}

// Replaces the first |from| by |to|, of the same length.
static void patch(PjTestBytes bytes, const char *from, const char *to) {
  unsigned char *at = memmem(bytes.data, bytes.size, from, strlen(from));
  assert_non_null(at);
  memcpy(at, to, strlen(to));
}

static void text_in_it_is_checked(void **state) {
  PjTestBytes bytes = load("everything.bc");
  // What chlo has no encoding for.
  patch(bytes, "lhs_ragged_dimensions", "lhs_ragged_dimensionz");
  expect(test_read(bytes, 0, false), PJ_INVALID_ARGUMENT, "an attribute as text");
  free(bytes.data);
  bytes = load("everything.bc");
  patch(bytes, "triangular_solve", "triangular_solvf");
  expect(test_read(bytes, 0, false), PJ_INVALID_ARGUMENT, "stablehlo.triangular_solvf is unknown");
  free(bytes.data);
}

// What the text cannot say, found by a fuzzer: a sharding of the mesh "mesh", not of @mesh, and
// one by something else than an axis.
static void parts_of_shardings_are_checked(void **state) {
  PjTestBytes bytes = load("mesh_is_text.bc");
  expect(test_read(bytes, 0, false), PJ_INVALID_ARGUMENT, "mesh of a sharding, expected a symbol");
  free(bytes.data);
  bytes = load("axis_is_another.bc");
  expect(test_read(bytes, 0, false), PJ_INVALID_ARGUMENT, "axes, expected a sdy.axis_ref");
  free(bytes.data);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(it_is_the_program_of_the_text),
      cmocka_unit_test(truncation_anywhere_is_an_error),
      cmocka_unit_test(any_changed_byte_gives_a_status),
      cmocka_unit_test(exhausted_memory_is_an_error),
      cmocka_unit_test(text_in_it_is_checked),
      cmocka_unit_test(parts_of_shardings_are_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

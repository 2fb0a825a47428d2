// The bytecode reader and writer: round trips for every version, hostile bytes, refusals that name
// their reason, and the artifacts of the suites.
#include <dirent.h>
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
#include "ir/fingerprint.h"

static void expect_ok(PjStatus status) {
  if (!status)
    return;
  char text[512];
  snprintf(text, sizeof text, "%s", pj_status_message(status));
  pj_status_free(status);
  fail_msg("%s", text);
}

static void expect_error(PjStatus status, PjCode code, const char *part) {
  if (pj_status_code(status) != code || !strstr(pj_status_message(status), part)) {
    char text[512];
    snprintf(text, sizeof text, "%s: %s", pj_code_name(pj_status_code(status)),
             pj_status_message(status));
    pj_status_free(status);
    fail_msg("got %s, expected \"%s\"", text, part);
  }
  pj_status_free(status);
}

// ---------------------------------------------------------------------------------------- round
// trips
typedef struct Trip {
  const char *text;
  PjVersion target;
  PjStrBuf written, difference;
} Trip;

static PjStatus trip(PjArena *arena, void *ctx) {
  Trip *t = ctx;
  PjModule *first, *second;
  PJ_TRY(pj_text_parse(arena, t->text, strlen(t->text), NULL, &first));
  PJ_TRY(pj_bytecode_write(first, t->target, &t->written));
  PJ_TRY(pj_bytecode_read(arena, t->written.data, t->written.len, &second));
  pj_module_number(first);
  pj_module_number(second);
  PJ_FAIL_IF(!pj_module_compare(first, second, &t->difference), INTERNAL, "for %d.%d.%d: %s",
             t->target.major, t->target.minor, t->target.patch, t->difference.data);
  return PJ_STATUS_OK;
}

// Text, written for |target| and read, is the program that the text is.
static PjStatus round_trip(const char *text, PjVersion target) {
  Trip t = {.text = text, .target = target};
  PjStatus status = test_with_arena(0, trip, &t);
  pj_strbuf_free(&t.written);
  pj_strbuf_free(&t.difference);
  return status;
}

static const PjVersion all_versions[] = {
    {0, 9, 0},  {0, 10, 0}, {0, 11, 0}, {0, 12, 0}, {0, 13, 0}, {0, 14, 0}, {0, 15, 0},
    {0, 16, 0}, {0, 17, 0}, {0, 18, 0}, {0, 19, 0}, {0, 20, 0}, {1, 0, 0},  {1, 1, 0},
    {1, 2, 0},  {1, 3, 0},  {1, 4, 0},  {1, 5, 0},  {1, 6, 0},  {1, 7, 0},  {1, 8, 0},
    {1, 9, 0},  {1, 10, 0}, {1, 11, 0}, {1, 12, 0}, {1, 13, 7}, {1, 14, 0}, {1, 15, 0},
    {1, 16, 2}, {1, 17, 0}, {1, 18, 0}, {1, 19, 0}, {1, 20, 0},
};
enum { NUM_VERSIONS = sizeof all_versions / sizeof *all_versions };

static void every_version_round_trips(void **state) {
  for (int i = 0; i < NUM_VERSIONS; ++i) {
    expect_ok(round_trip(test_program, all_versions[i]));
  }
}

static void every_element_type_round_trips(void **state) {
  for (PjDtype d = 1; d < PJ_DT_COUNT; ++d) {
    char text[512];
    if (d == PJ_DT_TF32 || d == PJ_DT_INDEX)
      continue;
    const char *values = d == PJ_DT_PRED                      ? "true, false, true"
                         : pj_dtype_is_complex(d)             ? "(1.0, 2.0), (0.5, 4.0), (1.0, 1.0)"
                         : pj_dtype_is_float(d)               ? "1.0, 2.0, 0.5"
                         : pj_dtype_class(d) == PJ_CLASS_SINT ? "1, -2, 0"
                                                              : "1, 3, 0";
    snprintf(text, sizeof text,
             "func.func @main() -> tensor<3x%s> {\n"
             "  %%0 = stablehlo.constant dense<[%s]> : tensor<3x%s>\n"
             "  return %%0 : tensor<3x%s>\n}\n",
             pj_dtype_text(d), values, pj_dtype_text(d), pj_dtype_text(d));
    expect_ok(round_trip(text, pj_version_current));
  }
}

static void booleans_of_every_length_round_trip(void **state) {
  for (int n = 1; n <= 20; ++n)
    for (int seed = 0; seed < 4; ++seed) {
      char text[1024];
      int len =
          snprintf(text, sizeof text,
                   "func.func @main() -> tensor<%dxi1> {\n  %%0 = stablehlo.constant dense<[", n);
      for (int i = 0; i < n; ++i)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s%s", i ? ", " : "",
                        seed == 0 || (seed > 1 && i % seed) ? "true" : "false");
      snprintf(text + len, sizeof text - (size_t)len,
               "]> : tensor<%dxi1>\n  return %%0 : tensor<%dxi1>\n}\n", n, n);
      expect_ok(round_trip(text, pj_version_current));
    }
}

static const char sharded_program[] =
    "module @sharded {\n"
    "  sdy.mesh @mesh = <[\"x\"=2, \"y\"=4]>\n"
    "  func.func @main(%arg0: tensor<8x8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{\"x\"}, "
    "{\"y\"}]>})\n"
    "      -> tensor<8x8xf32> {\n"
    "    %0 = stablehlo.tanh %arg0 : tensor<8x8xf32>\n"
    "    %1 = sdy.sharding_constraint %0 <@mesh, [{\"x\", ?}, {}]> : tensor<8x8xf32>\n"
    "    %2 = sdy.manual_computation(%1) in_shardings=[<@mesh, [{\"x\"}, {}]>]\n"
    "        out_shardings=[<@mesh, [{\"x\"}, {}]>] manual_axes={\"x\"} (%arg1: tensor<4x8xf32>) "
    "{\n"
    "      %4 = stablehlo.add %arg1, %arg1 : tensor<4x8xf32>\n"
    "      sdy.return %4 : tensor<4x8xf32>\n"
    "    } : (tensor<8x8xf32>) -> tensor<8x8xf32>\n"
    "    %3 = stablehlo.add %2, %0 : tensor<8x8xf32>\n"
    "    return %3 : tensor<8x8xf32>\n"
    "  }\n"
    "}\n";

static void shardy_round_trips(void **state) {
  expect_ok(round_trip(sharded_program, (PjVersion){1, 17, 0}));
  expect_error(round_trip(sharded_program, (PjVersion){1, 10, 0}), PJ_INVALID_ARGUMENT, "sdy.mesh");
}

// ---------------------------------------------------------------------------------------- refusals
// of the writer
static void expect_refusal(const char *text, PjVersion target, const char *part) {
  expect_error(round_trip(text, target), PJ_INVALID_ARGUMENT, part);
}

static void the_writer_names_what_a_version_lacks(void **state) {
  expect_refusal("func.func @main(%a: tensor<f32>) -> tensor<f32> {\n"
                 "  %0 = stablehlo.tan %a : tensor<f32>\n  return %0 : tensor<f32>\n}\n",
                 (PjVersion){1, 3, 0}, "stablehlo.tan");
  expect_refusal("func.func @main(%a: tensor<f32>) -> tensor<f32> {\n"
                 "  %0 = chlo.erf %a : tensor<f32> -> tensor<f32>\n  return %0 : tensor<f32>\n}\n",
                 (PjVersion){1, 17, 0}, "expanded");
  expect_refusal(
      "func.func @main(%a: tensor<2xi2>) -> tensor<2xi2> {\n  return %a : tensor<2xi2>\n}\n",
      (PjVersion){1, 1, 0}, "i2 exists since 1.2.0");
  expect_refusal("func.func @main(%a: tensor<2x3xf32>, %b: tensor<2x3xf32>) -> (tensor<2x3xf32>, "
                 "tensor<2x3xf32>) {\n"
                 "  %0:2 = \"stablehlo.all_gather\"(%a, %b) {all_gather_dim = 0 : i64,\n"
                 "    replica_groups = dense<0> : tensor<1x1xi64>} :\n"
                 "    (tensor<2x3xf32>, tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>)\n"
                 "  return %0#0, %0#1 : tensor<2x3xf32>, tensor<2x3xf32>\n}\n",
                 (PjVersion){1, 4, 0}, "one operand");
  expect_refusal(test_program, (PjVersion){0, 8, 0}, "expected 0.9.0 to 1.20.0");
  expect_refusal(test_program, (PjVersion){1, 21, 0}, "1.21.0");
}

// ---------------------------------------------------------------------------------------- hostile
// bytes
static void truncation_anywhere_is_an_error(void **state) {
  for (int v = 0; v < NUM_VERSIONS; v += 8) {
    PjTestBytes whole = test_artifact(test_program, all_versions[v]);
    for (size_t size = 0; size < whole.size; ++size) {
      // A copy of exactly that size, so that sanitizers see a read beyond it.
      PjTestBytes part = {malloc(size ? size : 1), size};
      memcpy(part.data, whole.data, size);
      expect_error(test_read(part, 1 << 24, false), PJ_INVALID_ARGUMENT, "bytecode, byte ");
      free(part.data);
    }
    free(whole.data);
  }
}

static void any_changed_byte_gives_a_status(void **state) {
  static const PjVersion targets[] = {{0, 9, 0}, {1, 17, 0}};
  size_t accepted = 0, refused = 0;
  for (int v = 0; v < 2; ++v) {
    PjTestBytes bytes = test_artifact(test_program, targets[v]);
    for (size_t at = 0; at < bytes.size; ++at) {
      unsigned char original = bytes.data[at];
      for (int change = 0; change < 10; ++change) {
        bytes.data[at] = change < 8    ? original ^ (unsigned char)(1 << change)
                         : change == 8 ? 0
                                       : 0xFF;
        PjStatus status = test_read(bytes, 1 << 24, false);
        PjCode code = pj_status_code(status);
        if (code == PJ_OK)
          ++accepted;
        else
          ++refused;
        assert_true(code == PJ_OK || code == PJ_INVALID_ARGUMENT || code == PJ_UNIMPLEMENTED ||
                    code == PJ_RESOURCE_EXHAUSTED);
        pj_status_free(status);
      }
      bytes.data[at] = original;
    }
    free(bytes.data);
  }
  // Names, numbers and constants may change unnoticed; most of the structure may not.
  assert_true(refused > accepted / 2);
}

static void exhausted_memory_is_an_error(void **state) {
  PjTestBytes bytes = test_artifact(test_program, pj_version_current);
  for (int64_t n = 0;; ++n) {
    pj_alloc_fail_after(n);
    PjStatus status = test_read(bytes, 0, true);
    pj_alloc_fail_after(-1);
    PjCode code = pj_status_code(status);
    pj_status_free(status);
    if (code == PJ_OK)
      break;
    assert_int_equal(code, PJ_RESOURCE_EXHAUSTED);
    assert_true(n < 100000);
  }
  expect_error(test_read(bytes, 1 << 12, false), PJ_RESOURCE_EXHAUSTED, "4096 bytes");
  free(bytes.data);
}

// Replaces the first |from| by |to|, of the same length.
static void patch(PjTestBytes bytes, const char *from, const char *to) {
  unsigned char *at = memmem(bytes.data, bytes.size, from, strlen(from));
  assert_non_null(at);
  memcpy(at, to, strlen(to));
}

static void unknown_names_are_given_back(void **state) {
  PjTestBytes bytes = test_artifact(test_program, pj_version_current);
  patch(bytes, "select_v1", "select_v7");
  expect_error(test_read(bytes, 0, false), PJ_INVALID_ARGUMENT, "vhlo.select_v7");
  patch(bytes, "select_v7", "select_v1");
  patch(bytes, "StableHLO_v1.20.0", "StableHLO_v7.20.0");
  expect_ok(test_read(bytes, 0, false)); // a newer producer that used nothing newer
  patch(bytes, "select_v1", "select_v7");
  expect_error(test_read(bytes, 0, false), PJ_INVALID_ARGUMENT, "\"StableHLO_v7.20.0\"");
  patch(bytes, "vhlo", "mhlo");
  expect_error(test_read(bytes, 0, false), PJ_INVALID_ARGUMENT,
               "expected operations of the dialects vhlo");
  free(bytes.data);
}

// ----------------------------------------------------------------------------------------
// fingerprints
typedef struct Print {
  const char *text;
  PjFingerprint out;
} Print;

static PjStatus print(PjArena *arena, void *ctx) {
  Print *p = ctx;
  PjModule *module;
  PJ_TRY(pj_text_parse(arena, p->text, strlen(p->text), NULL, &module));
  pj_module_number(module);
  p->out = pj_module_fingerprint(module);
  // An empty dictionary of attributes says as much as none.
  PjOp *first = module->body.first->regions[0].first;
  if (!module->attrs)
    module->attrs = pj_attr_dict(arena, 0, NULL, NULL);
  if (!first->extra)
    first->extra = pj_attr_dict(arena, 0, NULL, NULL);
  PjFingerprint with_empty = pj_module_fingerprint(module);
  PJ_FAIL_IF(memcmp(&with_empty, &p->out, sizeof with_empty) != 0, INTERNAL,
             "an empty dictionary changes the fingerprint");
  return PJ_STATUS_OK;
}

static PjFingerprint fingerprint(const char *text) {
  Print p = {.text = text};
  expect_ok(test_with_arena(0, print, &p));
  return p.out;
}

static void fingerprints_see_structure_only(void **state) {
#define PROGRAM(x, y, attrs, op, loc)                                                              \
  fingerprint("func.func @main(%" x ": tensor<2xf32>, %" y ": tensor<2xf32>) -> tensor<2xf32> {\n" \
              "  %r = stablehlo." op " %" x ", %" y " " attrs ": tensor<2xf32> loc(" loc ")\n"     \
              "  return %r : tensor<2xf32>\n}\n")
  PjFingerprint base = PROGRAM("a", "b", "", "add", "\"f\":1:2");
  PjFingerprint renamed = PROGRAM("p", "q", "", "add", "unknown");
  PjFingerprint other = PROGRAM("a", "b", "", "subtract", "\"f\":1:2");
  PjFingerprint attributed = PROGRAM("a", "b", "{x = 1 : i64} ", "add", "\"f\":1:2");
  assert_memory_equal(&base, &renamed, sizeof base);
  assert_memory_not_equal(&base, &other, sizeof base);
  assert_memory_not_equal(&base, &attributed, sizeof base);
  char text[33];
  pj_fingerprint_text(base, text);
  assert_int_equal(strspn(text, "0123456789abcdef"), 32);
}

// ---------------------------------------------------------------------------------------- suites
static bool ends_with(const char *name, const char *end) {
  size_t a = strlen(name), b = strlen(end);
  return a >= b && !strcmp(name + a - b, end);
}

static int read_folder(const char *folder) {
  char path[1024];
  int count = 0;
  const char *root = test_suite(folder, path, sizeof path);
  DIR *dir = root ? opendir(root) : NULL;
  if (!dir)
    return 0;
  size_t len = strlen(path);
  for (struct dirent *entry; (entry = readdir(dir));) {
    if (!ends_with(entry->d_name, ".bc"))
      continue;
    snprintf(path + len, sizeof path - len, "/%s", entry->d_name);
    PjTestBytes bytes = test_load(path);
    assert_non_null(bytes.data);
    PjStatus status = test_read(bytes, 0, true);
    if (strstr(entry->d_name, "invalid_vhlo_future"))
      expect_error(status, PJ_INVALID_ARGUMENT, "vhlo.constant_v99");
    else if (status)
      fail_msg("%s: %s", entry->d_name, pj_status_message(status));
    free(bytes.data);
    ++count;
  }
  closedir(dir);
  printf("%s: %d artifacts\n", folder, count);
  return count;
}

static void the_suites_are_read(void **state) {
  read_folder("stablehlo/vhlo");
  read_folder("jax/one_device");
  read_folder("jax/many_devices");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_version_round_trips),
      cmocka_unit_test(every_element_type_round_trips),
      cmocka_unit_test(booleans_of_every_length_round_trip),
      cmocka_unit_test(shardy_round_trips),
      cmocka_unit_test(the_writer_names_what_a_version_lacks),
      cmocka_unit_test(truncation_anywhere_is_an_error),
      cmocka_unit_test(any_changed_byte_gives_a_status),
      cmocka_unit_test(exhausted_memory_is_an_error),
      cmocka_unit_test(unknown_names_are_given_back),
      cmocka_unit_test(fingerprints_see_structure_only),
      cmocka_unit_test(the_suites_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// reduce_window written out, and bitcasts of elements that are less than a byte.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "pass_support.h"

static uint32_t count_kind(const PjRegion *region, PjOpKind kind) {
  uint32_t count = 0;
  for (const PjOp *op = region->first; op; op = op->next) {
    count += op->kind == kind;
    for (uint32_t r = 0; r < op->num_regions; ++r)
      count += count_kind(&op->regions[r], kind);
  }
  return count;
}

// The pipeline leaves |windows| operations reduce_window and |loops| loops, and the same bits.
static void expect_counts(const char *text, uint32_t windows, uint32_t loops) {
  Parsed after = pass_run(text, NULL);
  assert_int_equal(count_kind(&after.module->body, PJ_OP_REDUCE_WINDOW), windows);
  assert_int_equal(count_kind(&after.module->body, PJ_OP_WHILE), loops);
  parsed_free(&after);
  pass_expect_equal(NULL, text);
}

// The greatest element of each window and where it is.
#define ARGMAX(attributes, from, to)                                                  \
  "%i = stablehlo.iota dim = 1 : tensor<" from "xi32>\n"                              \
  "%z = stablehlo.constant dense<0> : tensor<i32>\n"                                  \
  "%m = stablehlo.constant dense<0xFF800000> : tensor<f32>\n"                         \
  "%r:2 = \"stablehlo.reduce_window\"(%x, %i, %m, %z) <{" attributes "}> ({\n"        \
  "^bb0(%a: tensor<f32>, %ai: tensor<i32>, %b: tensor<f32>, %bi: tensor<i32>):\n"     \
  "  %ge = stablehlo.compare GE, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>\n" \
  "  %v = stablehlo.select %ge, %a, %b : tensor<i1>, tensor<f32>\n"                   \
  "  %w = stablehlo.select %ge, %ai, %bi : tensor<i1>, tensor<i32>\n"                 \
  "  stablehlo.return %v, %w : tensor<f32>, tensor<i32>\n"                            \
  "}) : (tensor<" from "xf32>, tensor<" from "xi32>, tensor<f32>, tensor<i32>) -> "   \
  "(tensor<" to "xf32>, tensor<" to "xi32>)\n"                                        \
  "return %r#0, %r#1 : tensor<" to "xf32>, tensor<" to "xi32>"

static void several_operands(void **state) {
  expect_counts(pass_main("%x: tensor<5x9xf32>", "tensor<5x5xf32>, tensor<5x5xi32>",
                          ARGMAX("window_dimensions = array<i64: 2, 3>, window_strides = "
                                 "array<i64: 1, 2>, padding = dense<[[1, 0], [0, 2]]> : "
                                 "tensor<2x2xi64>",
                                 "5x9", "5x5")),
                0, 0);
  // Too many places to be written out: a loop over those of the first dimension.
  expect_counts(pass_main("%x: tensor<40x41xf32>", "tensor<11x11xf32>, tensor<11x11xi32>",
                          ARGMAX("window_dimensions = array<i64: 30, 16>, window_dilations = "
                                 "array<i64: 1, 2>",
                                 "40x41", "11x11")),
                0, 1);
}

#define WINDOW(op, attributes, type, from, to)                                                    \
  "%r = \"stablehlo.reduce_window\"(%x, %z) <{" attributes "}> ({\n"                              \
  "^bb0(%a: tensor<" type ">, %b: tensor<" type ">):\n"                                           \
  "  %s = stablehlo." op " %a, %b : tensor<" type ">\n  stablehlo.return %s : tensor<" type ">\n" \
  "}) : (tensor<" from "x" type ">, tensor<" type ">) -> tensor<" to "x" type ">\n"               \
  "return %r : tensor<" to "x" type ">"

static void padding_that_counts(void **state) {
  // Whether %z is neutral is not known before the run.
  expect_counts(pass_main("%x: tensor<7xf32>, %z: tensor<f32>", "tensor<7xf32>",
                          WINDOW("add",
                                 "window_dimensions = array<i64: 3>, padding = dense<[[1, 1]]> : "
                                 "tensor<1x2xi64>",
                                 "f32", "7", "7")),
                0, 0);
  // Holes count, too.
  expect_counts(
      pass_main("%x: tensor<7xi32>, %z: tensor<i32>", "tensor<11xi32>",
                WINDOW("add", "window_dimensions = array<i64: 3>, base_dilations = array<i64: 2>",
                       "i32", "7", "11")),
      0, 0);
  // Each step is rounded as the evaluator does.
  expect_counts(pass_main("%x: tensor<40xf8E5M2>, %z: tensor<f8E5M2>", "tensor<33xf8E5M2>",
                          WINDOW("add", "window_dimensions = array<i64: 8>", "f8E5M2", "40", "33")),
                0, 0);
}

// Windows that end behind the array are combined from its end on: a body that is neither
// commutative nor associative shows the order.
static void suffixes(void **state) {
#define SUFFIX(n, window, padding)                                                              \
  pass_main("%x: tensor<" n "x3xf32>", "tensor<" n "x3xf32>",                                   \
            "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"                                \
            "%part = stablehlo.constant dense<0.75> : tensor<f32>\n"                            \
            "%r = \"stablehlo.reduce_window\"(%x, %z) <{window_dimensions = array<i64: " window \
            ", 1>, padding = dense<[[" padding "], [0, 0]]> : tensor<2x2xi64>}> ({\n"           \
            "^bb0(%a: tensor<f32>, %b: tensor<f32>):\n"                                         \
            "  %h = stablehlo.multiply %a, %part : tensor<f32>\n"                               \
            "  %s = stablehlo.add %h, %b : tensor<f32>\n"                                       \
            "  stablehlo.return %s : tensor<f32>\n"                                             \
            "}) : (tensor<" n "x3xf32>, tensor<f32>) -> tensor<" n "x3xf32>\n"                  \
            "return %r : tensor<" n "x3xf32>")
  expect_counts(SUFFIX("8", "8", "0, 7"), 0, 0);
  expect_counts(SUFFIX("8", "8", "7, 0"), 0, 0);
  expect_counts(SUFFIX("150", "150", "0, 149"), 0, 1); // a loop
  expect_counts(SUFFIX("150", "150", "149, 0"), 0, 1);
#undef SUFFIX
}

// Running reductions are loops along their dimension, of any length, in the evaluator's order.
static void scans(void **state) {
#define SCAN(shape, window, padding, z)                                                         \
  pass_main("%x: tensor<" shape "xf32>", "tensor<" shape "xf32>",                               \
            "%z = stablehlo.constant dense<" z "> : tensor<f32>\n"                              \
            "%part = stablehlo.constant dense<0.75> : tensor<f32>\n"                            \
            "%r = \"stablehlo.reduce_window\"(%x, %z) <{window_dimensions = array<i64: " window \
            ">, padding = dense<[" padding "]> : tensor<3x2xi64>}> ({\n"                        \
            "^bb0(%a: tensor<f32>, %b: tensor<f32>):\n"                                         \
            "  %h = stablehlo.multiply %a, %part : tensor<f32>\n"                               \
            "  %s = stablehlo.add %h, %b : tensor<f32>\n"                                       \
            "  stablehlo.return %s : tensor<f32>\n"                                             \
            "}) : (tensor<" shape "xf32>, tensor<f32>) -> tensor<" shape "xf32>\n"              \
            "return %r : tensor<" shape "xf32>")
  expect_counts(SCAN("5000x1x1", "5000, 1, 1", "[4999, 0], [0, 0], [0, 0]", "0.0"), 0, 1);
  expect_counts(SCAN("5000x1x1", "5000, 1, 1", "[0, 4999], [0, 0], [0, 0]", "0.0"), 0, 1);
  expect_counts(SCAN("5x300x9", "1, 300, 1", "[0, 0], [299, 0], [0, 0]", "0.0"), 0, 1);
  expect_counts(SCAN("5x3x300", "1, 1, 300", "[0, 0], [0, 0], [299, 0]", "0.0"), 0, 1);
  expect_counts(SCAN("5x300x2", "1, 300, 1", "[0, 0], [0, 299], [0, 0]", "0.0"), 0, 1);
  // Windows may be longer than the array.
  expect_counts(SCAN("5x300x2", "1, 310, 1", "[0, 0], [309, 0], [0, 0]", "0.0"), 0, 1);
  // Where padding counts, results do not continue each other.
  expect_counts(SCAN("300x2x1", "300, 1, 1", "[299, 0], [0, 0], [0, 0]", "1.0"), 0, 1);
  expect_counts(SCAN("300x2x1", "300, 1, 1", "[0, 299], [0, 0], [0, 0]", "1.0"), 0, 1);
  expect_counts(SCAN("9x20x1", "9, 1, 1", "[0, 8], [0, 0], [0, 0]", "1.0"), 0, 0);
#undef SCAN
  // The greatest element so far and where it is, of rows longer than what a loop goes through.
  expect_counts(
      pass_main("%x: tensor<3x4200xf32>", "tensor<3x4200xf32>, tensor<3x4200xi32>",
                ARGMAX("window_dimensions = array<i64: 1, 4200>, padding = dense<[[0, 0], "
                       "[4199, 0]]> : tensor<2x2xi64>",
                       "3x4200", "3x4200")),
      0, 1);
  // One line is cut into blocks: a loop over all of them side by side, and one over their totals.
  // Where x -> a x + b are composed, the order shows.
#define LINE(padding)                                                                              \
  pass_main("%x: tensor<1x4200xi32>, %y: tensor<1x4200xi32>",                                      \
            "tensor<1x4200xi32>, tensor<1x4200xi32>",                                              \
            "%n = stablehlo.constant dense<1> : tensor<i32>\n"                                     \
            "%z = stablehlo.constant dense<0> : tensor<i32>\n"                                     \
            "%r:2 = \"stablehlo.reduce_window\"(%x, %y, %n, %z) <{window_dimensions = array<i64: " \
            "1, 4200>, padding = dense<[[0, 0], [" padding "]]> : tensor<2x2xi64>}> ({\n"          \
            "^bb0(%a: tensor<i32>, %b: tensor<i32>, %c: tensor<i32>, %d: tensor<i32>):\n"          \
            "  %p = stablehlo.multiply %a, %c : tensor<i32>\n"                                     \
            "  %q = stablehlo.multiply %c, %b : tensor<i32>\n"                                     \
            "  %s = stablehlo.add %q, %d : tensor<i32>\n"                                          \
            "  stablehlo.return %p, %s : tensor<i32>, tensor<i32>\n"                               \
            "}) : (tensor<1x4200xi32>, tensor<1x4200xi32>, tensor<i32>, tensor<i32>) -> "          \
            "(tensor<1x4200xi32>, tensor<1x4200xi32>)\n"                                           \
            "return %r#0, %r#1 : tensor<1x4200xi32>, tensor<1x4200xi32>")
  expect_counts(LINE("4199, 0"), 0, 2);
  expect_counts(LINE("0, 4199"), 0, 2);
#undef LINE
}

static void known_bodies_stay(void **state) {
  expect_counts(pass_main("%x: tensor<7xf32>", "tensor<5xf32>",
                          "%z = stablehlo.constant dense<0.0> : tensor<f32>\n" WINDOW(
                              "add", "window_dimensions = array<i64: 3>", "f32", "7", "5")),
                1, 0);
}

static void pooling(void **state) {
#define POOL(op, init, window, strides, type, from, to)                 \
  pass_main("%x: tensor<" from "x" type ">", "tensor<" to "x" type ">", \
            "%z = stablehlo.constant dense<" init "> : tensor<" type    \
            ">\n" WINDOW(op,                                            \
                         "window_dimensions = array<i64: " window       \
                         ">, window_strides = array<i64: " strides ">", \
                         type, from, to))
  expect_counts(POOL("add", "0.0", "1, 2, 2, 1", "1, 2, 2, 1", "f32", "2x8x9x6", "2x4x4x6"), 0, 0);
  expect_counts(POOL("maximum", "-7", "1, 1, 3, 2", "1, 1, 4, 3", "i16", "2x3x11x14", "2x3x3x5"), 0,
                0);
  // Windows that meet, and sums that the ready kernel rounds once.
  expect_counts(POOL("add", "0.0", "1, 3, 2, 1", "1, 2, 2, 1", "f32", "2x9x8x6", "2x4x4x6"), 1, 0);
  expect_counts(POOL("add", "0.0", "1, 2, 2, 1", "1, 2, 2, 1", "bf16", "2x8x8x6", "2x4x4x6"), 1, 0);
#undef POOL
}

static void bits(void **state) {
  static const char *const pairs[][2] = {{"5x8xi4", "5xi32"},       {"5x2xui4", "5xf8E5M2"},
                                         {"3x2xi2", "3xi4"},        {"3x32xui2", "3xf64"},
                                         {"5xi32", "5x8xui4"},      {"5xf8E5M2", "5x2xi4"},
                                         {"3xui4", "3x2xi2"},       {"3xf64", "3x32xui2"},
                                         {"2x4xf4E2M1FN", "2xi16"}, {"7xi4", "7xui4"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; ++i) {
    char args[64], result[64], body[256];
    snprintf(args, sizeof args, "%%x: tensor<%s>", pairs[i][0]);
    snprintf(result, sizeof result, "tensor<%s>", pairs[i][1]);
    snprintf(body, sizeof body,
             "%%r = stablehlo.bitcast_convert %%x : (tensor<%s>) -> tensor<%s>\n"
             "return %%r : tensor<%s>",
             pairs[i][0], pairs[i][1], pairs[i][1]);
    pass_expect_equal(NULL, pass_main(args, result, body));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(several_operands),
      cmocka_unit_test(padding_that_counts),
      cmocka_unit_test(suffixes),
      cmocka_unit_test(scans),
      cmocka_unit_test(known_bodies_stay),
      cmocka_unit_test(pooling),
      cmocka_unit_test(bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

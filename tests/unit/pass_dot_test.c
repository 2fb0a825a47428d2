// Contractions, convolutions, motion of reshapes, transposes and broadcasts, legacy operations.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pass_support.h"

#define F  "tensor<4xf32>"
#define M  "tensor<4x5xf32>"
#define MT "tensor<5x4xf32>"
#define DOT(r, a, b, c, ta, tb, to)                                                          \
  "%" r " = stablehlo.dot_general %" a ", %" b ", contracting_dims = [" c "] : (" ta ", " tb \
  ") -> " to "\n"
#define RSH(r, a, from, to) "%" r " = stablehlo.reshape %" a " : (" from ") -> " to "\n"
#define TRN(r, a, d, from, to) \
  "%" r " = stablehlo.transpose %" a ", dims = [" d "] : (" from ") -> " to "\n"
#define BRC(r, a, d, from, to) \
  "%" r " = stablehlo.broadcast_in_dim %" a ", dims = [" d "] : (" from ") -> " to "\n"

// Of two operands a part each, without the dimension of size 1, multiplied to %m<k>.
#define SLICES(a, at, ta, sa, b, bt, tb, sb, k)                                              \
  "%x" k " = stablehlo.slice %" a " [" at "] : (tensor<" ta "xf32>) -> tensor<" sa           \
  "xf32>\n" RSH("p" k, "x" k, "tensor<" sa "xf32>",                                          \
                "tensor<8xf32>") "%y" k " = stablehlo.slice %" b " [" bt "] : (tensor<" tb   \
                                 "xf32>) -> tensor<" sb                                      \
                                 "xf32>\n" RSH("q" k, "y" k, "tensor<" sb "xf32>",           \
                                               "tensor<8xf32>") "%m" k                       \
                                                                " = stablehlo.multiply %p" k \
                                                                ", %q" k " : tensor<8xf32>\n"

static void expect(const char *args, const char *type, const char *before, const char *after) {
  pass_expect("simplify,cse,dead_code", pass_main(args, type, before),
              pass_main(args, type, after));
}

static void expect_sums(const char *args, const char *type, const char *before, const char *after) {
  pass_expect_sums("simplify,cse,dead_code", pass_main(args, type, before),
                   pass_main(args, type, after));
}

static void transposes_are_read_through(void **state) {
  expect_sums("%a: " MT ", %b: tensor<5x3xf32>", "tensor<4x3xf32>",
              TRN("t", "a", "1, 0", MT, M) DOT("r", "t", "b", "1] x [0", M, "tensor<5x3xf32>",
                                               "tensor<4x3xf32>") "return %r : tensor<4x3xf32>",
              DOT("r", "a", "b", "0] x [0", MT, "tensor<5x3xf32>",
                  "tensor<4x3xf32>") "return %r : tensor<4x3xf32>");
  expect_sums(
      "%a: " M ", %b: tensor<5x3xf32>", "tensor<3x4xf32>",
      DOT("d", "a", "b", "1] x [0", M, "tensor<5x3xf32>", "tensor<4x3xf32>")
          TRN("r", "d", "1, 0", "tensor<4x3xf32>", "tensor<3x4xf32>") "return %r : tensor<3x4xf32>",
      DOT("r", "b", "a", "0] x [1", "tensor<5x3xf32>", M,
          "tensor<3x4xf32>") "return %r : tensor<3x4xf32>");
}

static void units_are_dropped(void **state) {
  expect_sums(
      "%a: tensor<1x4x5xf32>, %b: tensor<1x5x3xf32>", "tensor<1x4x3xf32>",
      "%r = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [1] "
      ": "
      "(tensor<1x4x5xf32>, tensor<1x5x3xf32>) -> tensor<1x4x3xf32>\nreturn %r : tensor<1x4x3xf32>",
      RSH("x", "a", "tensor<1x4x5xf32>", M) RSH("y", "b", "tensor<1x5x3xf32>", "tensor<5x3xf32>")
          DOT("d", "x", "y", "1] x [0", M, "tensor<5x3xf32>", "tensor<4x3xf32>") RSH(
              "r", "d", "tensor<4x3xf32>", "tensor<1x4x3xf32>") "return %r : tensor<1x4x3xf32>");
}

// The sum of one product begins with +0, which makes +0 of -0.
static void outer_products_are_products(void **state) {
  expect("%a: tensor<4x1xf32>, %b: tensor<1x5xf32>", M,
         DOT("r", "a", "b", "1] x [0", "tensor<4x1xf32>", "tensor<1x5xf32>", M) "return %r : " M,
         RSH("x", "a", "tensor<4x1xf32>", F) RSH("y", "b", "tensor<1x5xf32>", "tensor<5xf32>")
             BRC("p", "x", "0", F, M) BRC("q", "y", "1", "tensor<5xf32>",
                                          M) "%m = stablehlo.multiply %p, %q : " M
                                             "\n%z = stablehlo.constant dense<0.0> : " M "\n"
                                             "%r = stablehlo.add %m, %z : " M "\nreturn %r : " M);
}

// What no operand is used again in: positions by directions, matrices by vectors.
static void few_products_are_sums(void **state) {
  expect(
      "%a: tensor<8x2xf32>, %b: tensor<2x8xf32>", "tensor<8xf32>",
      "%r = stablehlo.dot_general %a, %b, batching_dims = [0] x [1], contracting_dims = [1] x "
      "[0] : (tensor<8x2xf32>, tensor<2x8xf32>) -> tensor<8xf32>\nreturn %r : tensor<8xf32>",
      SLICES("a", "0:8, 0:1", "8x2", "8x1", "b", "0:1, 0:8", "2x8", "1x8",
             "0") "%z = stablehlo.constant dense<0.0> : tensor<8xf32>\n"
                  "%s = stablehlo.add %m0, %z : tensor<8xf32>\n" SLICES(
                      "a", "0:8, 1:2", "8x2", "8x1", "b", "1:2, 0:8", "2x8", "1x8",
                      "1") "%r = stablehlo.add %m1, %s : tensor<8xf32>\nreturn %r : tensor<8xf32>");
  // Both operands are used again; too many elements; too few results.
  const char *const kept[][3] = {
      {"tensor<8x3xf32>", "tensor<3x4xf32>", "tensor<8x4xf32>"},
      {"tensor<8x5xf32>", "tensor<5xf32>", "tensor<8xf32>"},
      {"tensor<4x3xf32>", "tensor<3xf32>", "tensor<4xf32>"},
  };
  for (size_t i = 0; i < sizeof kept / sizeof *kept; ++i) {
    char args[128], body[512];
    snprintf(args, sizeof args, "%%a: %s, %%b: %s", kept[i][0], kept[i][1]);
    snprintf(body, sizeof body,
             "%%r = stablehlo.dot_general %%a, %%b, contracting_dims = [1] x [0] : (%s, %s) -> %s\n"
             "return %%r : %s",
             kept[i][0], kept[i][1], kept[i][2], kept[i][2]);
    expect_sums(args, kept[i][2], body, body);
  }
}

#define SUM(r, a, dims, from, to)                                                   \
  "%z = stablehlo.constant dense<0.0> : tensor<f32>\n%" r " = stablehlo.reduce(%" a \
  " init: %z) applies stablehlo.add across dimensions = [" dims "] : (" from        \
  ", tensor<f32>) -> " to "\n"

// Batches in the last dimension, rows by rows, and what is contracted between others; but not rows
// of a matrix, and not a plain matrix by a vector.
static void vectors_are_summed(void **state) {
  pass_expect_sums("products",
                   pass_main("%a: " M ", %b: " M, F,
                             "%r = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], "
                             "contracting_dims = [1] x [1] : (" M ", " M ") -> " F
                             "\nreturn %r : " F),
                   pass_main("%a: " M ", %b: " M, F,
                             "%p = stablehlo.multiply %a, %b : " M
                             "\n" SUM("r", "p", "1", M, F) "return %r : " F));
  pass_expect_sums("products",
                   pass_main("%a: " M ", %b: " M, "tensor<5xf32>",
                             "%r = stablehlo.dot_general %a, %b, batching_dims = [1] x [1], "
                             "contracting_dims = [0] x [0] : (" M ", " M
                             ") -> tensor<5xf32>\nreturn %r : tensor<5xf32>"),
                   pass_main("%a: " M ", %b: " M, "tensor<5xf32>",
                             "%p = stablehlo.multiply %a, %b : " M "\n" SUM(
                                 "r", "p", "0", M, "tensor<5xf32>") "return %r : tensor<5xf32>"));
#define T3 "tensor<3x4x5xf32>"
  pass_expect_sums(
      "products",
      pass_main(
          "%a: " T3 ", %b: " F, "tensor<3x5xf32>",
          DOT("r", "a", "b", "1] x [0", T3, F, "tensor<3x5xf32>") "return %r : tensor<3x5xf32>"),
      pass_main("%a: " T3 ", %b: " F, "tensor<3x5xf32>",
                BRC("w", "b", "1", F, T3) "%p = stablehlo.multiply %a, %w : " T3 "\n" SUM(
                    "r", "p", "1", T3, "tensor<3x5xf32>") "return %r : tensor<3x5xf32>"));
  // The diagonal of a product by a third matrix: the product is made the way it is read.
  pass_expect_sums(
      "products",
      pass_main("%a: " M ", %b: tensor<5x4xf32>, %c: tensor<4x4xf32>", F,
                DOT("d", "a", "b", "1] x [0", M, "tensor<5x4xf32>",
                    "tensor<4x4xf32>") "%r = stablehlo.dot_general %c, %d, batching_dims = "
                                       "[0] x [1], contracting_dims = "
                                       "[1] x [0] : (tensor<4x4xf32>, tensor<4x4xf32>) -> " F
                                       "\nreturn %r : " F),
      pass_main("%a: " M ", %b: tensor<5x4xf32>, %c: tensor<4x4xf32>", F,
                DOT("d", "b", "a", "0] x [1", "tensor<5x4xf32>", M,
                    "tensor<4x4xf32>") "%p = stablehlo.multiply %c, %d : "
                                       "tensor<4x4xf32>\n" SUM("r", "p", "1", "tensor<4x4xf32>",
                                                               F) "return %r : " F));
#define I16 "tensor<4xi16>"
  pass_expect(
      "products",
      pass_main("%a: tensor<4x4xi16>, %b: " I16, I16,
                DOT("r", "a", "b", "1] x [0", "tensor<4x4xi16>", I16, I16) "return %r : " I16),
      pass_main(
          "%a: tensor<4x4xi16>, %b: " I16, I16,
          BRC("w", "b", "1", I16,
              "tensor<4x4xi16>") "%p = stablehlo.multiply %a, %w : tensor<4x4xi16>\n"
                                 "%z = stablehlo.constant dense<0> : tensor<i16>\n"
                                 "%r = stablehlo.reduce(%p init: %z) applies stablehlo.add across "
                                 "dimensions = [1] : (tensor<4x4xi16>, tensor<i16>) -> " I16 "\n"
                                 "return %r : " I16));
  static const char *const stay[] = {"1] x [0", "0] x [0"};
  for (int i = 0; i < 2; ++i) {
    char text[512];
    snprintf(text, sizeof text,
             "%%r = stablehlo.dot_general %%a, %%b, contracting_dims = [%s] : (tensor<4x4xf32>, " F
             ") -> " F "\nreturn %%r : " F,
             stay[i]);
    const char *program = pass_main("%a: tensor<4x4xf32>, %b: " F, F, text);
    pass_expect_sums("products", program, program);
  }
}

static void transposed_spreads_are_spread_so(void **state) {
  expect("%a: " F ", %b: tensor<5xf32>", MT,
         BRC("x", "a", "0", F, M) BRC("y", "b", "1", "tensor<5xf32>",
                                      M) "%m = stablehlo.multiply %x, %y : " M
                                         "\n" TRN("r", "m", "1, 0", M, MT) "return %r : " MT,
         BRC("x", "a", "1", F, MT)
             BRC("y", "b", "0", "tensor<5xf32>", MT) "%r = stablehlo.multiply %x, %y : " MT
                                                     "\nreturn %r : " MT);
  // Through several operations: rules of motion do not bring the transpose back.
#define ONES(t) "%o = stablehlo.constant dense<1.0> : " t "\n"
  expect("%a: " F ", %b: tensor<5xf32>", MT,
         BRC("x", "a", "0", F, M)
             BRC("y", "b", "1", "tensor<5xf32>", M) "%m = stablehlo.multiply %x, %y : " M "\n" ONES(
                 M) "%s = stablehlo.add %m, %o : " M
                    "\n" TRN("r", "s", "1, 0", M, MT) "return %r : " MT,
         BRC("x", "a", "1", F, MT)
             BRC("y", "b", "0", "tensor<5xf32>", MT) "%m = stablehlo.multiply %x, %y : " MT
                                                     "\n" ONES(MT) "%r = stablehlo.add %m, %o : " MT
                                                                   "\nreturn %r : " MT);
}

// One that is read twice, and taken back behind what reads it.
static void transposes_cancel_through_several_uses(void **state) {
  expect("%a: " M, M,
         TRN("t", "a", "1, 0", M, MT) "%n = stablehlo.negate %t : " MT
                                      "\n%e = stablehlo.exponential %t : " MT
                                      "\n%s = stablehlo.add %n, %e : " MT
                                      "\n" TRN("r", "s", "1, 0", MT, M) "return %r : " M,
         "%n = stablehlo.negate %a : " M "\n%e = stablehlo.exponential %a : " M
         "\n%r = stablehlo.add %n, %e : " M "\nreturn %r : " M);
}

static void turned_rows_are_joined_as_columns(void **state) {
#define JOIN(r, d, ta, to) \
  "%" r " = stablehlo.concatenate %x, %y, dim = " d " : (" ta ", " ta ") -> " to "\n"
  expect("%a: " F ", %b: " F, "tensor<4x2xf32>",
         RSH("x", "a", F, "tensor<1x4xf32>") RSH("y", "b", F, "tensor<1x4xf32>")
             JOIN("j", "0", "tensor<1x4xf32>", "tensor<2x4xf32>")
                 TRN("r", "j", "1, 0", "tensor<2x4xf32>",
                     "tensor<4x2xf32>") "return %r : tensor<4x2xf32>",
         RSH("x", "a", F, "tensor<4x1xf32>") RSH("y", "b", F, "tensor<4x1xf32>")
             JOIN("r", "1", "tensor<4x1xf32>", "tensor<4x2xf32>") "return %r : tensor<4x2xf32>");
}

static void plain_dots_become_general(void **state) {
  expect_sums("%a: " M ", %b: tensor<5xf32>", F,
              "%r = stablehlo.dot %a, %b : (" M ", tensor<5xf32>) -> " F "\nreturn %r : " F,
              DOT("r", "a", "b", "1] x [0", M, "tensor<5xf32>", F) "return %r : " F);
}

static void convolutions_without_overlap_become_dots(void **state) {
  // 1 x 1
  expect_sums(
      "%x: tensor<2x3x3x4xf32>, %w: tensor<1x1x4x5xf32>", "tensor<2x3x3x5xf32>",
      "%r = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
      "window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
      "(tensor<2x3x3x4xf32>, tensor<1x1x4x5xf32>) -> tensor<2x3x3x5xf32>\nreturn %r : "
      "tensor<2x3x3x5xf32>",
      RSH("v", "w", "tensor<1x1x4x5xf32>", M)
          DOT("r", "x", "v", "3] x [0", "tensor<2x3x3x4xf32>", M,
              "tensor<2x3x3x5xf32>") "return %r : tensor<2x3x3x5xf32>");
  // patches of 2 x 2
  expect_sums(
      "%x: tensor<1x4x6x3xf32>, %w: tensor<2x2x3x5xf32>", "tensor<1x2x3x5xf32>",
      "%r = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
      "window = {stride = [2, 2]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
      "(tensor<1x4x6x3xf32>, tensor<2x2x3x5xf32>) -> tensor<1x2x3x5xf32>\nreturn %r : "
      "tensor<1x2x3x5xf32>",
      RSH("v", "x", "tensor<1x4x6x3xf32>", "tensor<2x2x3x2x3xf32>")
          DOT("d", "v", "w", "1, 3, 4] x [0, 1, 2", "tensor<2x2x3x2x3xf32>", "tensor<2x2x3x5xf32>",
              "tensor<2x3x5xf32>") RSH("r", "d", "tensor<2x3x5xf32>",
                                       "tensor<1x2x3x5xf32>") "return %r : tensor<1x2x3x5xf32>");
}

// Patches of 8 x 8 with features first: planes of the result are exchanged.
static void large_patches_of_planes_become_dots(void **state) {
  expect_sums(
      "%x: tensor<2x3x16x24xf32>, %w: tensor<5x3x8x8xf32>", "tensor<2x5x2x3xf32>",
      "%r = stablehlo.convolution(%x, %w) dim_numbers = [b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1], "
      "window = {stride = [8, 8]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
      "(tensor<2x3x16x24xf32>, tensor<5x3x8x8xf32>) -> tensor<2x5x2x3xf32>\nreturn %r : "
      "tensor<2x5x2x3xf32>",
      RSH("v", "x", "tensor<2x3x16x24xf32>", "tensor<2x3x2x8x3x8xf32>")
          DOT("d", "w", "v", "1, 2, 3] x [1, 3, 5", "tensor<5x3x8x8xf32>",
              "tensor<2x3x2x8x3x8xf32>", "tensor<5x2x2x3xf32>")
              TRN("r", "d", "1, 0, 2, 3", "tensor<5x2x2x3xf32>",
                  "tensor<2x5x2x3xf32>") "return %r : tensor<2x5x2x3xf32>");
}

static void convolutions_that_overlap_stay(void **state) {
  pass_expect_same(
      "simplify,cse,dead_code",
      pass_main("%x: tensor<1x4x6x3xf32>, %w: tensor<2x2x3x5xf32>", "tensor<1x3x5x5xf32>",
                "%r = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, "
                "0, 1, f], "
                "window = {} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
                "(tensor<1x4x6x3xf32>, tensor<2x2x3x5xf32>) -> tensor<1x3x5x5xf32>\nreturn %r : "
                "tensor<1x3x5x5xf32>"));
}

// A place of a window of two over a line: the line under it times its weight.
#define PLACE(r, at, k)                                                                          \
  "%" r "a = stablehlo.slice %x [0:1, " at                                                       \
  ", 0:1] : (tensor<1x70x1xf32>) -> tensor<1x67x1xf32>\n" RSH(                                   \
      r "b", r "a", "tensor<1x67x1xf32>",                                                        \
      "tensor<1x67xf32>") "%" r "c = stablehlo.slice %w [" k                                     \
                          ", 0:1, 0:1] : (tensor<2x1x1xf32>) -> tensor<1x1x1xf32>\n" RSH(        \
                              r "d", r "c", "tensor<1x1x1xf32>", "tensor<f32>")                  \
                              BRC(r "e", r "d", "", "tensor<f32>",                               \
                                  "tensor<1x67xf32>") "%" r " = stablehlo.multiply %" r "b, %" r \
                                                      "e : tensor<1x67xf32>\n"

static void convolutions_of_one_feature_become_sums(void **state) {
  expect_sums(
      "%x: tensor<1x70x1xf32>, %w: tensor<2x1x1xf32>", "tensor<1x67x1xf32>",
      "%r = stablehlo.convolution(%x, %w) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], "
      "window = {rhs_dilate = [3]} {batch_group_count = 1 : i64, feature_group_count = 1 : i64} : "
      "(tensor<1x70x1xf32>, tensor<2x1x1xf32>) -> tensor<1x67x1xf32>\nreturn %r : "
      "tensor<1x67x1xf32>",
      "%z = stablehlo.constant dense<0.0> : tensor<1x67xf32>\n" PLACE(
          "p", "0:67",
          "0:1") "%t = stablehlo.add %p, %z : tensor<1x67xf32>\n" PLACE("q", "3:70",
                                                                        "1:2") "%s = stablehlo.add "
                                                                               "%t, %q : "
                                                                               "tensor<1x67xf32>"
                                                                               "\n" RSH("r", "s",
                                                                                        "tensor<"
                                                                                        "1x67xf32>",
                                                                                        "tensor<"
                                                                                        "1x67x1xf32"
                                                                                        ">") "retur"
                                                                                             "n %r "
                                                                                             ": "
                                                                                             "tenso"
                                                                                             "r<"
                                                                                             "1x67x"
                                                                                             "1xf32"
                                                                                             ">");
}

static void broadcasts_follow_arithmetic(void **state) {
  expect("%a: " F ", %b: " F, M,
         BRC("x", "a", "0", F, M)
             BRC("y", "b", "0", F, M) "%c = stablehlo.constant dense<2.0> : " M
                                      "\n%m = stablehlo.multiply %x, %y : " M "\n"
                                      "%r = stablehlo.add %m, %c : " M "\nreturn %r : " M,
         "%m = stablehlo.multiply %a, %b : " F "\n%c = stablehlo.constant dense<2.0> : " F "\n"
         "%n = stablehlo.add %m, %c : " F "\n" BRC("r", "n", "0", F, M) "return %r : " M);
}

static void transposes_cancel(void **state) {
  expect("%a: " M ", %b: " M, M,
         TRN("x", "a", "1, 0", M, MT)
             TRN("y", "b", "1, 0", M, MT) "%m = stablehlo.multiply %x, %y : " MT
                                          "\n%e = stablehlo.exponential %m : " MT
                                          "\n" TRN("r", "e", "1, 0", MT, M) "return %r : " M,
         "%m = stablehlo.multiply %a, %b : " M "\n%r = stablehlo.exponential %m : " M
         "\nreturn %r : " M);
}

static void used_transposes_stay(void **state) {
  pass_expect_same("simplify,cse,dead_code",
                   pass_main("%a: " M, MT ", " MT,
                             TRN("x", "a", "1, 0", M, MT) "%e = stablehlo.exponential %x : " MT "\n"
                                                          "return %x, %e : " MT ", " MT));
}

static void dynamic_forms_become_static(void **state) {
  expect("%a: " M, "tensor<20xf32>",
         "%s = stablehlo.constant dense<20> : tensor<1xi64>\n"
         "%r = stablehlo.dynamic_reshape %a, %s : (" M
         ", tensor<1xi64>) -> tensor<20xf32>\nreturn %r : tensor<20xf32>",
         RSH("r", "a", M, "tensor<20xf32>") "return %r : tensor<20xf32>");
  expect("%a: tensor<8xf32>", "tensor<3xf32>",
         "%s = stablehlo.constant dense<1> : tensor<1xi32>\n%l = stablehlo.constant dense<7> : "
         "tensor<1xi32>\n"
         "%t = stablehlo.constant dense<2> : tensor<1xi32>\n"
         "%r = stablehlo.real_dynamic_slice %a, %s, %l, %t : (tensor<8xf32>, tensor<1xi32>, "
         "tensor<1xi32>, tensor<1xi32>) -> tensor<3xf32>\n"
         "return %r : tensor<3xf32>",
         "%r = stablehlo.slice %a [1:7:2] : (tensor<8xf32>) -> tensor<3xf32>\nreturn %r : "
         "tensor<3xf32>");
}

static void chlo_broadcasts_are_made_plain(void **state) {
  expect("%a: " M ", %b: tensor<5xf32>", M,
         "%r = chlo.broadcast_add %a, %b : (" M ", tensor<5xf32>) -> " M "\nreturn %r : " M,
         BRC("x", "b", "1", "tensor<5xf32>", M) "%r = stablehlo.add %a, %x : " M
                                                "\nreturn %r : " M);
}

static void maps_are_spread(void **state) {
  expect("%a: " M ", %b: " M, M,
         "%r = \"stablehlo.map\"(%a, %b) <{dimensions = array<i64: 0, 1>}> ({\n"
         "^bb0(%p: tensor<f32>, %q: tensor<f32>):\n  %0 = stablehlo.multiply %p, %q : tensor<f32>\n"
         "  %c = stablehlo.constant dense<3.0> : tensor<f32>\n  %1 = stablehlo.add %0, %c : "
         "tensor<f32>\n"
         "  stablehlo.return %1 : tensor<f32>\n}) : (" M ", " M ") -> " M "\nreturn %r : " M,
         "%0 = stablehlo.multiply %a, %b : " M "\n%c = stablehlo.constant dense<3.0> : " M "\n"
         "%r = stablehlo.add %0, %c : " M "\nreturn %r : " M);
}

static void legacy_sums_and_selections(void **state) {
  expect_sums("%a: tensor<4x5xf32>, %b: tensor<5x3xf32>", "tensor<3x4xf32>",
              "%r = stablehlo.einsum %a, %b, config = \"ab,bc->ca\" : (tensor<4x5xf32>, "
              "tensor<5x3xf32>) -> tensor<3x4xf32>\n"
              "return %r : tensor<3x4xf32>",
              DOT("r", "b", "a", "0] x [1", "tensor<5x3xf32>", M,
                  "tensor<3x4xf32>") "return %r : tensor<3x4xf32>");
  pass_expect_equal(
      NULL,
      pass_main(
          "%a: tensor<4x5x3xf32>, %i: tensor<2x2xi32>", "tensor<4x2x2x3xf32>",
          "%r = \"stablehlo.torch_index_select\"(%a, %i) <{dim = 1 : i64, batch_dims = 0 : i64}> : "
          "(tensor<4x5x3xf32>, tensor<2x2xi32>) -> tensor<4x2x2x3xf32>\nreturn %r : "
          "tensor<4x2x2x3xf32>"));
  pass_expect_equal(
      NULL,
      pass_main(
          "%a: tensor<4x5x3xf32>, %i: tensor<4x2xi32>", "tensor<4x2x3xf32>",
          "%r = \"stablehlo.torch_index_select\"(%a, %i) <{dim = 1 : i64, batch_dims = 1 : i64}> : "
          "(tensor<4x5x3xf32>, tensor<4x2xi32>) -> tensor<4x2x3xf32>\nreturn %r : "
          "tensor<4x2x3xf32>"));
}

static void selections_are_gathers(void **state) {
  Parsed parsed = pass_run(
      pass_main(
          "%a: tensor<4x5x3xf32>, %i: tensor<4x2xi32>", "tensor<4x2x3xf32>",
          "%r = \"stablehlo.torch_index_select\"(%a, %i) <{dim = 1 : i64, batch_dims = 1 : i64}> : "
          "(tensor<4x5x3xf32>, tensor<4x2xi32>) -> tensor<4x2x3xf32>\nreturn %r : "
          "tensor<4x2x3xf32>"),
      NULL);
  assert_int_equal(pj_module_entry(parsed.module)->regions[0].first->kind, PJ_OP_GATHER);
  parsed_free(&parsed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(transposes_are_read_through),
      cmocka_unit_test(units_are_dropped),
      cmocka_unit_test(outer_products_are_products),
      cmocka_unit_test(few_products_are_sums),
      cmocka_unit_test(vectors_are_summed),
      cmocka_unit_test(transposed_spreads_are_spread_so),
      cmocka_unit_test(transposes_cancel_through_several_uses),
      cmocka_unit_test(turned_rows_are_joined_as_columns),
      cmocka_unit_test(plain_dots_become_general),
      cmocka_unit_test(convolutions_without_overlap_become_dots),
      cmocka_unit_test(large_patches_of_planes_become_dots),
      cmocka_unit_test(convolutions_that_overlap_stay),
      cmocka_unit_test(convolutions_of_one_feature_become_sums),
      cmocka_unit_test(broadcasts_follow_arithmetic),
      cmocka_unit_test(transposes_cancel),
      cmocka_unit_test(used_transposes_stay),
      cmocka_unit_test(dynamic_forms_become_static),
      cmocka_unit_test(chlo_broadcasts_are_made_plain),
      cmocka_unit_test(maps_are_spread),
      cmocka_unit_test(legacy_sums_and_selections),
      cmocka_unit_test(selections_are_gathers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

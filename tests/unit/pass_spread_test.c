// Copies: what repeat, tile and upsampling write is computed before it is spread, spread at once,
// and summed by a product. Sums of padded arrays are cut before they are padded.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pass_support.h"

#define X                   "tensor<4x5xf32>"
#define RSH(r, a, from, to) "%" r " = stablehlo.reshape %" a " : (" from ") -> " to "\n"
#define BRC(r, a, d, from, to) \
  "%" r " = stablehlo.broadcast_in_dim %" a ", dims = [" d "] : (" from ") -> " to "\n"
#define SUM(r, a, d, from, to)                                                               \
  "%" r " = stablehlo.reduce(%" a " init: %z) applies stablehlo.add across dimensions = [" d \
  "] : (" from ", tensor<f32>) -> " to "\n"
#define ZERO "%z = stablehlo.constant dense<0.0> : tensor<f32>\n"

static void expect(const char *args, const char *type, const char *before, const char *after) {
  pass_expect("simplify,dead_code", pass_main(args, type, before), pass_main(args, type, after));
}

static void copies_are_spread_once(void **state) {
  expect(
      "%a: " X, "tensor<8x15xf32>",
      BRC("b", "a", "0, 2", X, "tensor<4x2x5xf32>") RSH("c", "b", "tensor<4x2x5xf32>",
                                                        "tensor<8x5xf32>")
          BRC("d", "c", "0, 1", "tensor<8x5xf32>", "tensor<8x5x3xf32>")
              RSH("r", "d", "tensor<8x5x3xf32>", "tensor<8x15xf32>") "return %r : tensor<8x15xf32>",
      BRC("b", "a", "0, 2", X, "tensor<4x2x5x3xf32>")
          RSH("r", "b", "tensor<4x2x5x3xf32>", "tensor<8x15xf32>") "return %r : tensor<8x15xf32>");
}

static void copies_are_computed_before(void **state) {
  expect("%a: " X ", %b: " X, "tensor<8x5xf32>",
         BRC("p", "a", "0, 2", X, "tensor<4x2x5xf32>") BRC("q", "b", "0, 2", X, "tensor<4x2x5xf32>")
             RSH("c", "p", "tensor<4x2x5xf32>", "tensor<8x5xf32>")
                 RSH("d", "q", "tensor<4x2x5xf32>",
                     "tensor<8x5xf32>") "%r = stablehlo.multiply %c, %d : tensor<8x5xf32>\n"
                                        "return %r : tensor<8x5xf32>",
         "%m = stablehlo.multiply %a, %b : " X "\n" BRC("p", "m", "0, 2", X, "tensor<4x2x5xf32>")
             RSH("r", "p", "tensor<4x2x5xf32>", "tensor<8x5xf32>") "return %r : tensor<8x5xf32>");
  // Copies of different kinds stay.
  pass_expect_same(
      "simplify,dead_code",
      pass_main("%a: " X ", %b: tensor<2x5xf32>", "tensor<8x5xf32>",
                BRC("p", "a", "0, 2", X, "tensor<4x2x5xf32>")
                    BRC("q", "b", "1, 2", "tensor<2x5xf32>",
                        "tensor<4x2x5xf32>") RSH("c", "p", "tensor<4x2x5xf32>", "tensor<8x5xf32>")
                        RSH("d", "q", "tensor<4x2x5xf32>",
                            "tensor<8x5xf32>") "%r = stablehlo.multiply %c, %d : tensor<8x5xf32>\n"
                                               "return %r : tensor<8x5xf32>"));
}

// Twice a number is exact, so bits stay.
static void sums_of_copies_are_products(void **state) {
  expect(
      "%a: " X, X,
      ZERO BRC("p", "a", "0, 2", X, "tensor<4x2x5xf32>") RSH(
          "c", "p", "tensor<4x2x5xf32>",
          "tensor<8x5xf32>") "%n = stablehlo.negate %c : tensor<8x5xf32>\n" RSH("d", "n",
                                                                                "tensor<8x5xf32>",
                                                                                "tensor<4x2x5xf32>")
          SUM("r", "d", "1", "tensor<4x2x5xf32>", X) "return %r : " X,
      "%n = stablehlo.negate %a : " X "\n%t = stablehlo.constant dense<2.0> : " X
      "\n%m = stablehlo.multiply %n, %t : " X "\n%z = stablehlo.constant dense<0.0> : " X
      "\n%r = stablehlo.add %m, %z : " X "\nreturn %r : " X);
  // What is left of a dimension is summed.
  pass_expect_sums(
      "simplify,dead_code",
      pass_main("%a: " X, "tensor<4xf32>",
                ZERO BRC("p", "a", "0, 1", X, "tensor<4x5x2xf32>")
                    RSH("c", "p", "tensor<4x5x2xf32>", "tensor<4x10xf32>")
                        SUM("r", "c", "1", "tensor<4x10xf32>",
                            "tensor<4xf32>") "return %r : tensor<4xf32>"),
      pass_main("%a: " X, "tensor<4xf32>",
                ZERO "%t = stablehlo.constant dense<2.0> : " X
                     "\n%m = stablehlo.multiply %a, %t : " X
                     "\n" SUM("r", "m", "1", X, "tensor<4xf32>") "return %r : tensor<4xf32>"));
}

static void reshaped_transposes_cancel(void **state) {
  expect("%a: tensor<2x3x4xf32>", "tensor<2x3x4xf32>",
         "%t = stablehlo.transpose %a, dims = [0, 2, 1] : (tensor<2x3x4xf32>) -> "
         "tensor<2x4x3xf32>\n" RSH("c", "t", "tensor<2x4x3xf32>",
                                   "tensor<8x3xf32>") "%n = "
                                                      "stablehlo.negate "
                                                      "%c : "
                                                      "tensor<8x3xf32>"
                                                      "\n" RSH("d", "n",
                                                               "tensor<"
                                                               "8x3xf32>",
                                                               "tensor<"
                                                               "2x4x3xf32"
                                                               ">") "%r "
                                                                    "= "
                                                                    "stab"
                                                                    "lehl"
                                                                    "o."
                                                                    "tran"
                                                                    "spos"
                                                                    "e "
                                                                    "%d, "
                                                                    "dims"
                                                                    " = "
                                                                    "[0, "
                                                                    "2, "
                                                                    "1] "
                                                                    ": "
                                                                    "(ten"
                                                                    "sor<"
                                                                    "2x4x"
                                                                    "3xf3"
                                                                    "2>) "
                                                                    "-> "
                                                                    "tens"
                                                                    "or<"
                                                                    "2x3x"
                                                                    "4xf3"
                                                                    "2>"
                                                                    "\nre"
                                                                    "turn"
                                                                    " %r "
                                                                    ": "
                                                                    "tens"
                                                                    "or<"
                                                                    "2x3x"
                                                                    "4xf3"
                                                                    "2>",
         "%r = stablehlo.negate %a : tensor<2x3x4xf32>\nreturn %r : tensor<2x3x4xf32>");
}

static void padded_sums_are_cut(void **state) {
#define PAD(r, a, low, high)                                          \
  "%" r " = stablehlo.pad %" a ", %z, low = [" low "], high = [" high \
  "], interior = [0] : (tensor<6xf32>, tensor<f32>) -> tensor<8xf32>\n"
  expect("%a: tensor<6xf32>, %b: tensor<6xf32>", "tensor<6xf32>",
         ZERO PAD("p", "a", "1", "1")
             PAD("q", "b", "2",
                 "0") "%s = stablehlo.add %p, %q : tensor<8xf32>\n"
                      "%r = stablehlo.slice %s [1:7] : (tensor<8xf32>) -> tensor<6xf32>\n"
                      "return %r : tensor<6xf32>",
         ZERO "%c = stablehlo.slice %b [0:5] : (tensor<6xf32>) -> tensor<5xf32>\n"
              "%q = stablehlo.pad %c, %z, low = [1], high = [0], interior = [0] : (tensor<5xf32>, "
              "tensor<f32>) -> tensor<6xf32>\n"
              "%r = stablehlo.add %a, %q : tensor<6xf32>\nreturn %r : tensor<6xf32>");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_are_spread_once),      cmocka_unit_test(copies_are_computed_before),
      cmocka_unit_test(sums_of_copies_are_products), cmocka_unit_test(reshaped_transposes_cancel),
      cmocka_unit_test(padded_sums_are_cut),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

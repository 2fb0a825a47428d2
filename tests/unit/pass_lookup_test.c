// Gathers of what need not be looked up.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pass_support.h"

// Of an operation of a kind nothing is left, and the bits are the same.
static void expect_without(const char *text, PjOpKind kind) {
  pass_expect_equal(NULL, text);
  Parsed parsed = pass_run(text, NULL);
  for (PjOp *op = pj_module_entry(parsed.module)->regions[0].first; op; op = op->next)
    assert_int_not_equal(op->kind, kind);
  parsed_free(&parsed);
}

static void computed_tables_are_computed_at_the_index(void **state) {
  expect_without(
      pass_main("%i: tensor<7x1xi32>", "tensor<7xf32>",
                "%p = stablehlo.iota dim = 0 : tensor<9xf32>\n"
                "%c = stablehlo.constant dense<3.0> : tensor<9xf32>\n"
                "%q = stablehlo.divide %p, %c : tensor<9xf32>\n"
                "%e = stablehlo.constant dense<7.0> : tensor<1xf32>\n"
                "%t = stablehlo.concatenate %q, %e, dim = 0 : (tensor<9xf32>, tensor<1xf32>) -> "
                "tensor<10xf32>\n"
                "%r = \"stablehlo.gather\"(%t, %i) <{dimension_numbers = "
                "#stablehlo.gather<collapsed_slice_dims = [0], start_index_map = [0], "
                "index_vector_dim = 1>, slice_sizes = array<i64: 1>}> : (tensor<10xf32>, "
                "tensor<7x1xi32>) -> tensor<7xf32>\nreturn %r : tensor<7xf32>"),
      PJ_OP_GATHER);
}

static void choices_between_few_are_selections(void **state) {
  expect_without(
      pass_main("%i: tensor<4x5x1xi32>, %x: tensor<1x4x5xf32>, %y: tensor<1x4x5xf32>",
                "tensor<4x5xf32>",
                "%s = stablehlo.concatenate %x, %y, dim = 0 : (tensor<1x4x5xf32>, "
                "tensor<1x4x5xf32>) -> tensor<2x4x5xf32>\n"
                "%j = stablehlo.iota dim = 0 : tensor<4x5x1xi32>\n"
                "%k = stablehlo.iota dim = 1 : tensor<4x5x1xi32>\n"
                "%v = stablehlo.concatenate %i, %j, %k, dim = 2 : (tensor<4x5x1xi32>, "
                "tensor<4x5x1xi32>, tensor<4x5x1xi32>) -> tensor<4x5x3xi32>\n"
                "%r = \"stablehlo.gather\"(%s, %v) <{dimension_numbers = "
                "#stablehlo.gather<collapsed_slice_dims = [0, 1, 2], start_index_map = [0, 1, 2], "
                "index_vector_dim = 2>, slice_sizes = array<i64: 1, 1, 1>}> : (tensor<2x4x5xf32>, "
                "tensor<4x5x3xi32>) -> tensor<4x5xf32>\nreturn %r : tensor<4x5xf32>"),
      PJ_OP_GATHER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(computed_tables_are_computed_at_the_index),
      cmocka_unit_test(choices_between_few_are_selections),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

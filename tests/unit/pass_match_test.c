// Recognition of scans, arg reductions, classes of gather and scatter.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pass/match.h"
#include "pass_support.h"

static const PjOp *find(const Parsed *parsed, PjOpKind kind) {
  for (const PjOp *op = pj_module_entry(parsed->module)->regions[0].first; op; op = op->next)
    if (op->kind == kind)
      return op;
  fail_msg("no %s", pj_op_info[kind].text);
  return NULL;
}

// --------------------------------------------------------------------------------------- scans

static Parsed window(const char *op, const char *init, const char *size, const char *padding) {
  char body[2048];
  snprintf(body, sizeof body,
           "%%z = stablehlo.constant dense<%s> : tensor<f32>\n"
           "%%r = \"stablehlo.reduce_window\"(%%a, %%z) <{window_dimensions = array<i64: 1, %s>, "
           "padding = dense<[[0, 0], %s]> : tensor<2x2xi64>}> ({\n"
           "^bb0(%%p: tensor<f32>, %%q: tensor<f32>):\n"
           "  %%s = stablehlo.%s %%p, %%q : tensor<f32>\n  stablehlo.return %%s : tensor<f32>\n"
           "}) : (tensor<3x8xf32>, tensor<f32>) -> tensor<3x8xf32>\nreturn %%r : tensor<3x8xf32>",
           init, size, padding, op);
  return pass_run(pass_main("%a: tensor<3x8xf32>", "tensor<3x8xf32>", body), "dead_code");
}

static void scans_are_found(void **state) {
  PjScanMatch match;
  Parsed parsed = window("add", "0.0", "8", "[7, 0]");
  assert_true(pj_match_scan(find(&parsed, PJ_OP_REDUCE_WINDOW), &match));
  assert_int_equal(match.dimension, 1);
  assert_int_equal(match.kind, PJ_OP_ADD);
  assert_false(match.reverse);
  parsed_free(&parsed);
  parsed = window("maximum", "0xFF800000", "8", "[0, 7]");
  assert_true(pj_match_scan(find(&parsed, PJ_OP_REDUCE_WINDOW), &match));
  assert_true(match.reverse);
  parsed_free(&parsed);
  // not neutral; another window
  parsed = window("add", "1.0", "8", "[7, 0]");
  assert_false(pj_match_scan(find(&parsed, PJ_OP_REDUCE_WINDOW), &match));
  parsed_free(&parsed);
  parsed = window("add", "0.0", "3", "[1, 1]");
  assert_false(pj_match_scan(find(&parsed, PJ_OP_REDUCE_WINDOW), &match));
  parsed_free(&parsed);
}

// ------------------------------------------------------------------------------- arg reductions

static bool arg_reduce(const char *init, const char *dtype, const char *body, PjArgMatch *match) {
  char text[4096];
  snprintf(text, sizeof text,
           "%%z = stablehlo.constant dense<%s> : tensor<%s>\n"
           "%%c = stablehlo.constant dense<0> : tensor<i32>\n"
           "%%i = stablehlo.iota dim = 1 : tensor<3x8xi32>\n"
           "%%r:2 = \"stablehlo.reduce\"(%%a, %%i, %%z, %%c) <{dimensions = array<i64: 1>}> ({\n"
           "^bb0(%%v1: tensor<%s>, %%i1: tensor<i32>, %%v2: tensor<%s>, %%i2: tensor<i32>):\n%s"
           "  stablehlo.return %%v, %%x : tensor<%s>, tensor<i32>\n"
           "}) : (tensor<3x8x%s>, tensor<3x8xi32>, tensor<%s>, tensor<i32>) -> (tensor<3x%s>, "
           "tensor<3xi32>)\n"
           "return %%r#0, %%r#1 : tensor<3x%s>, tensor<3xi32>",
           init, dtype, dtype, dtype, body, dtype, dtype, dtype, dtype, dtype);
  char args[64], results[64];
  snprintf(args, sizeof args, "%%a: tensor<3x8x%s>", dtype);
  snprintf(results, sizeof results, "tensor<3x%s>, tensor<3xi32>", dtype);
  Parsed parsed = pass_run(pass_main(args, results, text), NULL);
  bool found = pj_match_arg_reduce(find(&parsed, PJ_OP_REDUCE), match);
  parsed_free(&parsed);
  return found;
}

#define CMP(r, d, a, b, t)                                                         \
  "  %" r " = stablehlo.compare " d ", %" a ", %" b " : (tensor<" t ">, tensor<" t \
  ">) -> tensor<i1>\n"
#define BIN(r, op, a, b) "  %" r " = stablehlo." op " %" a ", %" b " : tensor<i1>\n"
#define SEL(r, p, a, b, t) \
  "  %" r " = stablehlo.select %" p ", %" a ", %" b " : tensor<i1>, tensor<" t ">\n"
#define JAX(d, t)                   \
  CMP("g", d, "v1", "v2", t)        \
  CMP("n", "NE", "v1", "v1", t)     \
  BIN("w", "or", "g", "n")          \
  CMP("e", "EQ", "v1", "v2", t)     \
  CMP("l", "LT", "i1", "i2", "i32") \
  BIN("t", "and", "e", "l")         \
  BIN("y", "or", "w", "t") SEL("v", "w", "v1", "v2", t) SEL("x", "y", "i1", "i2", "i32")

static void arg_reductions_are_found(void **state) {
  PjArgMatch match;
  assert_true(arg_reduce("0xFF800000", "f32", JAX("GT", "f32"), &match));
  assert_true(match.max && match.value == 0 && match.index == 1 && match.dimension == 1);
  assert_true(arg_reduce("0x7F800000", "f32", JAX("LT", "f32"), &match));
  assert_false(match.max);
  assert_true(arg_reduce("-128", "i8", JAX("GT", "i8"), &match));
  // another way to write it, for integers
  assert_true(arg_reduce("-2147483648", "i32",
                         CMP("g", "GE", "v1", "v2", "i32") CMP("e", "EQ", "v1", "v2", "i32")
                             CMP("l", "GT", "i1", "i2", "i32") SEL("v", "g", "v1", "v2", "i32")
                                 SEL("k", "l", "i2", "i1", "i32") SEL("b", "g", "i1", "i2", "i32")
                                     SEL("x", "e", "k", "b", "i32"),
                         &match));
}

static void others_are_not(void **state) {
  PjArgMatch match;
  // the wrong direction for the initial value; the last of equal elements; NaN ignored; no rule
  assert_false(arg_reduce("0xFF800000", "f32", JAX("LT", "f32"), &match));
  assert_false(arg_reduce("-128", "i8",
                          CMP("g", "GT", "v1", "v2", "i8") SEL("v", "g", "v1", "v2", "i8")
                              SEL("x", "g", "i1", "i2", "i32"),
                          &match));
  assert_false(arg_reduce("0xFF800000", "f32",
                          CMP("w", "GT", "v1", "v2", "f32") CMP("e", "EQ", "v1", "v2", "f32")
                              CMP("l", "LT", "i1", "i2", "i32") BIN("t", "and", "e", "l")
                                  BIN("y", "or", "w", "t") SEL("v", "w", "v1", "v2", "f32")
                                      SEL("x", "y", "i1", "i2", "i32"),
                          &match));
  assert_false(arg_reduce("-128", "i8",
                          "  %v = stablehlo.add %v1, %v2 : tensor<i8>\n"
                          "  %x = stablehlo.add %i1, %i2 : tensor<i32>\n",
                          &match));
}

// ------------------------------------------------------------------------------ gather, scatter

static bool index_match(const char *args, const char *type, const char *body, PjOpKind kind,
                        PjIndexMatch *match) {
  Parsed parsed = pass_run(pass_main(args, type, body), NULL);
  bool found = pj_match_index(find(&parsed, kind), match);
  parsed_free(&parsed);
  return found;
}

static void gathers_are_classified(void **state) {
  PjIndexMatch match;
  assert_true(index_match(
      "%a: tensor<9x4xf32>, %i: tensor<5x1xi32>", "tensor<5x4xf32>",
      "%r = \"stablehlo.gather\"(%a, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = "
      "[1], "
      "collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = "
      "array<i64: 1, 4>}> : "
      "(tensor<9x4xf32>, tensor<5x1xi32>) -> tensor<5x4xf32>\nreturn %r : tensor<5x4xf32>",
      PJ_OP_GATHER, &match));
  assert_int_equal(match.kind, PJ_INDEX_ROWS);
  assert_int_equal(match.num_indices, 5);
  assert_true(match.in_order && match.outer == 1 && match.inner == 4 && match.dimension == 0);
  assert_true(index_match(
      "%a: tensor<9x4xf32>, %i: tensor<5x1xi32>", "tensor<9x5xf32>",
      "%r = \"stablehlo.gather\"(%a, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = "
      "[0], "
      "collapsed_slice_dims = [1], start_index_map = [1], index_vector_dim = 1>, slice_sizes = "
      "array<i64: 9, 1>}> : "
      "(tensor<9x4xf32>, tensor<5x1xi32>) -> tensor<9x5xf32>\nreturn %r : tensor<9x5xf32>",
      PJ_OP_GATHER, &match));
  assert_true(match.kind == PJ_INDEX_ROWS && match.in_order && match.outer == 9 &&
              match.inner == 1);
  assert_true(
      index_match("%a: tensor<9x4xf32>, %i: tensor<5x2xi32>", "tensor<5xf32>",
                  "%r = \"stablehlo.gather\"(%a, %i) <{dimension_numbers = #stablehlo.gather<"
                  "collapsed_slice_dims = [0, 1], start_index_map = [0, 1], index_vector_dim = 1>, "
                  "slice_sizes = array<i64: 1, 1>}> : "
                  "(tensor<9x4xf32>, tensor<5x2xi32>) -> tensor<5xf32>\nreturn %r : tensor<5xf32>",
                  PJ_OP_GATHER, &match));
  assert_int_equal(match.kind, PJ_INDEX_ELEMENTS);
  assert_true(index_match(
      "%a: tensor<9x4xf32>, %i: tensor<5x2xi32>", "tensor<5x2x2xf32>",
      "%r = \"stablehlo.gather\"(%a, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [1, "
      "2], "
      "start_index_map = [0, 1], index_vector_dim = 1>, slice_sizes = array<i64: 2, 2>}> : "
      "(tensor<9x4xf32>, tensor<5x2xi32>) -> tensor<5x2x2xf32>\nreturn %r : tensor<5x2x2xf32>",
      PJ_OP_GATHER, &match));
  assert_int_equal(match.kind, PJ_INDEX_GENERAL);
}

static void scatters_are_classified(void **state) {
  PjIndexMatch match;
  char text[2048];
  for (int add = 0; add < 2; ++add) {
    snprintf(
        text, sizeof text,
        "%%r = \"stablehlo.scatter\"(%%a, %%i, %%u) <{scatter_dimension_numbers = "
        "#stablehlo.scatter<"
        "update_window_dims = [1], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], "
        "index_vector_dim = 1>}> ({\n^bb0(%%p: tensor<f32>, %%q: tensor<f32>):\n"
        "  %%s = stablehlo.add %%p, %%q : tensor<f32>\n  stablehlo.return %%%s : tensor<f32>\n"
        "}) : (tensor<9x4xf32>, tensor<5x1xi32>, tensor<5x4xf32>) -> tensor<9x4xf32>\n"
        "return %%r : tensor<9x4xf32>",
        add ? "s" : "q");
    assert_true(index_match("%a: tensor<9x4xf32>, %i: tensor<5x1xi32>, %u: tensor<5x4xf32>",
                            "tensor<9x4xf32>", text, PJ_OP_SCATTER, &match));
    assert_true(match.kind == PJ_INDEX_ROWS && match.in_order && match.inner == 4);
    assert_int_equal(match.combine, add ? PJ_COMBINE_OP : PJ_COMBINE_SET);
    if (add)
      assert_int_equal(match.op, PJ_OP_ADD);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scans_are_found),         cmocka_unit_test(arg_reductions_are_found),
      cmocka_unit_test(others_are_not),          cmocka_unit_test(gathers_are_classified),
      cmocka_unit_test(scatters_are_classified),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// Recognition of arg reductions.
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arg_reductions_are_found),
      cmocka_unit_test(others_are_not),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

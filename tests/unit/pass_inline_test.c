// The private copy, inlining, dead code.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ir/equal.h"
#include "ir/verify.h"
#include "pass_support.h"

static void calls_are_inlined(void **unused) {
  pass_expect(
      "dead_code",
      "func.func @main(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {\n"
      "  %0:2 = func.call @swap(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, "
      "tensor<4xf32>)\n"
      "  %1 = func.call @twice(%0#0) : (tensor<4xf32>) -> tensor<4xf32>\n"
      "  return %1, %0#1 : tensor<4xf32>, tensor<4xf32>\n"
      "}\n"
      "func.func private @swap(%a: tensor<4xf32>, %b: tensor<4xf32>) -> (tensor<4xf32>, "
      "tensor<4xf32>) {\n"
      "  return %b, %a : tensor<4xf32>, tensor<4xf32>\n"
      "}\n"
      "func.func private @twice(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
      "  %0 = func.call @once(%a) : (tensor<4xf32>) -> tensor<4xf32>\n"
      "  %1 = func.call @once(%0) : (tensor<4xf32>) -> tensor<4xf32>\n"
      "  return %1 : tensor<4xf32>\n"
      "}\n"
      "func.func private @once(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
      "  %0 = stablehlo.add %a, %a : tensor<4xf32>\n"
      "  return %0 : tensor<4xf32>\n"
      "}\n",
      pass_main("%a: tensor<4xf32>, %b: tensor<4xf32>", "tensor<4xf32>, tensor<4xf32>",
                "%0 = stablehlo.add %b, %b : tensor<4xf32>\n"
                "%1 = stablehlo.add %0, %0 : tensor<4xf32>\n"
                "return %1, %a : tensor<4xf32>, tensor<4xf32>"));
}

static const char loop_with_call[] =
    "func.func @main(%n: tensor<i32>, %x: tensor<3xf32>) -> tensor<3xf32> {\n"
    "  %c = stablehlo.constant dense<0> : tensor<i32>\n"
    "  %0:2 = stablehlo.while(%i = %c, %v = %x) : tensor<i32>, tensor<3xf32>\n"
    "  cond {\n"
    "    %1 = func.call @less(%i, %n) : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "    stablehlo.return %1 : tensor<i1>\n"
    "  } do {\n"
    "    %one = stablehlo.constant dense<1> : tensor<i32>\n"
    "    %1 = stablehlo.add %i, %one : tensor<i32>\n"
    "    %2 = func.call @step(%v, %x) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>\n"
    "    stablehlo.return %1, %2 : tensor<i32>, tensor<3xf32>\n"
    "  }\n"
    "  return %0#1 : tensor<3xf32>\n"
    "}\n"
    "func.func private @less(%a: tensor<i32>, %b: tensor<i32>) -> tensor<i1> {\n"
    "  %0 = stablehlo.compare LT, %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "  return %0 : tensor<i1>\n"
    "}\n"
    "func.func private @step(%a: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<3xf32> {\n"
    "  %p = stablehlo.constant dense<true> : tensor<i1>\n"
    "  %0 = \"stablehlo.if\"(%p) ({\n"
    "    %1 = stablehlo.multiply %a, %b : tensor<3xf32>\n"
    "    stablehlo.return %1 : tensor<3xf32>\n"
    "  }, {\n"
    "    stablehlo.return %b : tensor<3xf32>\n"
    "  }) : (tensor<i1>) -> tensor<3xf32>\n"
    "  return %0 : tensor<3xf32>\n"
    "}\n";

static void calls_in_regions_are_inlined(void **unused) {
  Parsed parsed = pass_run(loop_with_call, "dead_code");
  int funcs = 0;
  for (PjOp *op = parsed.module->body.first; op; op = op->next)
    ++funcs;
  assert_int_equal(funcs, 1);
  parsed_free(&parsed);
  pass_expect_equal("dead_code", loop_with_call);
}

static void composites_are_inlined(void **unused) {
  pass_expect("dead_code",
              "func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
              "  %0 = stablehlo.composite \"my.twice\" %a {decomposition = @impl} : "
              "(tensor<4xf32>) -> tensor<4xf32>\n"
              "  return %0 : tensor<4xf32>\n"
              "}\n"
              "func.func private @impl(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
              "  %0 = stablehlo.add %a, %a : tensor<4xf32>\n"
              "  return %0 : tensor<4xf32>\n"
              "}\n",
              pass_main("%a: tensor<4xf32>", "tensor<4xf32>",
                        "%0 = stablehlo.add %a, %a : tensor<4xf32>\nreturn %0 : tensor<4xf32>"));
}

static void composites_of_chlo_become_operations(void **unused) {
  pass_expect_equal(
      "dead_code",
      "func.func @main(%a: tensor<3x5xf32>) -> (tensor<3x2xf32>, tensor<3x2xi32>) {\n"
      "  %0:2 = stablehlo.composite \"chlo.top_k\" %a {composite_attributes = {k = 2 : i64}, "
      "decomposition = @impl, version = 1 : i32} : (tensor<3x5xf32>) -> (tensor<3x2xf32>, "
      "tensor<3x2xi32>)\n"
      "  return %0#0, %0#1 : tensor<3x2xf32>, tensor<3x2xi32>\n"
      "}\n"
      "func.func private @impl(%a: tensor<3x5xf32>) -> (tensor<3x2xf32>, tensor<3x2xi32>) {\n"
      "  %i = stablehlo.iota dim = 1 : tensor<3x5xi32>\n"
      "  %0:2 = \"stablehlo.sort\"(%a, %i) <{dimension = 1 : i64, is_stable = true}> ({\n"
      "  ^bb0(%p: tensor<f32>, %q: tensor<f32>, %r: tensor<i32>, %s: tensor<i32>):\n"
      "    %1 = stablehlo.compare GT, %p, %q, TOTALORDER : (tensor<f32>, tensor<f32>) -> "
      "tensor<i1>\n"
      "    stablehlo.return %1 : tensor<i1>\n"
      "  }) : (tensor<3x5xf32>, tensor<3x5xi32>) -> (tensor<3x5xf32>, tensor<3x5xi32>)\n"
      "  %2 = stablehlo.slice %0#0 [0:3, 0:2] : (tensor<3x5xf32>) -> tensor<3x2xf32>\n"
      "  %3 = stablehlo.slice %0#1 [0:3, 0:2] : (tensor<3x5xi32>) -> tensor<3x2xi32>\n"
      "  return %2, %3 : tensor<3x2xf32>, tensor<3x2xi32>\n"
      "}\n");
  Parsed parsed = pass_run("func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
                           "  %0 = stablehlo.composite \"chlo.erf\" %a {decomposition = @impl} : "
                           "(tensor<4xf32>) -> tensor<4xf32>\n"
                           "  return %0 : tensor<4xf32>\n"
                           "}\n"
                           "func.func private @impl(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
                           "  return %a : tensor<4xf32>\n"
                           "}\n",
                           "dead_code");
  const PjOp *func = parsed.module->body.first;
  assert_null(func->next);
  assert_int_equal(func->regions[0].first->kind, PJ_OP_CHLO_ERF);
  parsed_free(&parsed);
}

// As torch_xla sends erf with XLA_STABLEHLO_COMPILE=1. Of other types than an erf has it stays.
static void custom_calls_of_erf_become_operations(void **unused) {
  const char *program =
      "func.func @main(%%a: tensor<4xf32>) -> tensor<%s> {\n"
      "  %%0 = stablehlo.custom_call @mhlo.erf(%%a) {mhlo.attributes = {}, mhlo.version = 1 : "
      "i64} : (tensor<4xf32>) -> tensor<%s>\n"
      "  return %%0 : tensor<%s>\n"
      "}\n";
  char text[512];
  static const struct {
    const char *type;
    PjOpKind kind;
  } cases[] = {{"4xf32", PJ_OP_CHLO_ERF}, {"5xf32", PJ_OP_CUSTOM_CALL}};
  for (int i = 0; i < 2; ++i) {
    snprintf(text, sizeof text, program, cases[i].type, cases[i].type, cases[i].type);
    Parsed parsed = pass_run(text, "dead_code");
    assert_int_equal(parsed.module->body.first->regions[0].first->kind, cases[i].kind);
    parsed_free(&parsed);
  }
}

// f0 calls f1 twice, f1 calls f2 twice ...: 2^40 operations if all were inlined.
static void growth_is_bounded(void **unused) {
  static char text[1 << 16];
  int at = snprintf(text, sizeof text, "func.func @main(%%a: tensor<f32>) -> tensor<f32> {\n");
  for (int i = 0; i < 40; ++i)
    at += snprintf(text + at, sizeof text - (size_t)at,
                   "  %%0 = func.call @f%d(%%a) : (tensor<f32>) -> tensor<f32>\n"
                   "  %%1 = func.call @f%d(%%0) : (tensor<f32>) -> tensor<f32>\n"
                   "  return %%1 : tensor<f32>\n}\n"
                   "func.func @f%d(%%a: tensor<f32>) -> tensor<f32> {\n",
                   i, i, i);
  snprintf(text + at, sizeof text - (size_t)at,
           "  %%0 = stablehlo.add %%a, %%a : tensor<f32>\n  return %%0 : tensor<f32>\n}\n");
  Parsed parsed = parse(text, strlen(text));
  assert_null(parsed.status);
  PjModule *out;
  PjPassReport report;
  PjPassOptions options = {.verify = true, .report = &report};
  assert_null(pj_passes_run(parsed.arena, parsed.module, &options, &out));
  assert_in_range(report.ops_after, 1000, 2000000);
  parsed_free(&parsed);
}

static void the_original_stays(void **unused) {
  Parsed parsed = parse(loop_with_call, strlen(loop_with_call)),
         again = parse(loop_with_call, strlen(loop_with_call));
  PjModule *out;
  assert_null(pj_passes_run(parsed.arena, parsed.module, NULL, &out));
  assert_true(pj_module_eq(parsed.module, again.module));
  assert_null(pj_verify(parsed.module));
  parsed_free(&parsed);
  parsed_free(&again);
}

static void dead_code_goes(void **unused) {
  pass_expect("dead_code",
              pass_main("%a: tensor<4xf32>, %k: tensor<2xui64>", "tensor<4xf32>",
                        "%0 = stablehlo.exponential %a : tensor<4xf32>\n"
                        "%1 = stablehlo.add %0, %a : tensor<4xf32>\n"
                        "%2:2 = stablehlo.rng_bit_generator %k, algorithm = THREE_FRY : "
                        "(tensor<2xui64>) -> (tensor<2xui64>, tensor<4xui32>)\n"
                        "%p = stablehlo.constant dense<true> : tensor<i1>\n"
                        "%3 = \"stablehlo.if\"(%p) ({\n"
                        "  stablehlo.return %1 : tensor<4xf32>\n"
                        "}, {\n"
                        "  stablehlo.return %0 : tensor<4xf32>\n"
                        "}) : (tensor<i1>) -> tensor<4xf32>\n"
                        "%4 = stablehlo.optimization_barrier %3 : tensor<4xf32>\n"
                        "return %a : tensor<4xf32>"),
              pass_main("%a: tensor<4xf32>, %k: tensor<2xui64>", "tensor<4xf32>",
                        "return %a : tensor<4xf32>"));
}

// A loop that never ends goes like any other that nobody reads, as XLA's does: the specification
// leaves open what it means. Read, it stays.
static void endless_loops_go_unread(void **unused) {
  for (int read = 0; read < 2; ++read) {
    char body[1000];
    snprintf(body, sizeof body,
             "%%0 = stablehlo.while(%%x = %%a) : tensor<4xf32>\n"
             "cond {\n"
             "  %%t = stablehlo.constant dense<true> : tensor<i1>\n"
             "  stablehlo.return %%t : tensor<i1>\n"
             "} do {\n"
             "  %%y = stablehlo.negate %%x : tensor<4xf32>\n"
             "  stablehlo.return %%y : tensor<4xf32>\n"
             "}\n"
             "return %s : tensor<4xf32>",
             read ? "%0" : "%a");
    Parsed parsed = pass_run(pass_main("%a: tensor<4xf32>", "tensor<4xf32>", body), NULL);
    const PjOp *first = pj_module_entry(parsed.module)->regions[0].first;
    assert_int_equal(first->kind, read ? PJ_OP_WHILE : PJ_OP_FUNC_RETURN);
    parsed_free(&parsed);
  }
}

static void effects_stay(void **unused) {
  pass_expect(
      "dead_code",
      pass_main("%a: tensor<4xf32>", "tensor<4xf32>",
                "%0 = stablehlo.exponential %a : tensor<4xf32>\n"
                "stablehlo.custom_call @Sharding(%0) {has_side_effect = true} : (tensor<4xf32>) -> "
                "tensor<4xf32>\n"
                "%1 = stablehlo.custom_call @Sharding(%0) : (tensor<4xf32>) -> tensor<4xf32>\n"
                "return %a : tensor<4xf32>"),
      pass_main("%a: tensor<4xf32>", "tensor<4xf32>",
                "%0 = stablehlo.exponential %a : tensor<4xf32>\n"
                "stablehlo.custom_call @Sharding(%0) {has_side_effect = true} : (tensor<4xf32>) -> "
                "tensor<4xf32>\n"
                "return %a : tensor<4xf32>"));
}

static void memory_may_run_out(void **unused) {
  Parsed parsed = parse(loop_with_call, strlen(loop_with_call));
  PjPassOptions options = {.verify = true};
  bool succeeded = false;
  for (int n = 0; n < 500 && !succeeded; ++n) {
    PjModule *out;
    pj_alloc_fail_after(n);
    PjStatus status = pj_passes_run(parsed.arena, parsed.module, &options, &out);
    pj_alloc_fail_after(-1);
    succeeded = !status;
    assert_true(succeeded || (pj_status_code(status) == PJ_RESOURCE_EXHAUSTED && !out));
    pj_status_free(status);
  }
  assert_true(succeeded);
  parsed_free(&parsed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_are_inlined),
      cmocka_unit_test(calls_in_regions_are_inlined),
      cmocka_unit_test(composites_are_inlined),
      cmocka_unit_test(composites_of_chlo_become_operations),
      cmocka_unit_test(custom_calls_of_erf_become_operations),
      cmocka_unit_test(growth_is_bounded),
      cmocka_unit_test(the_original_stays),
      cmocka_unit_test(dead_code_goes),
      cmocka_unit_test(endless_loops_go_unread),
      cmocka_unit_test(effects_stay),
      cmocka_unit_test(memory_may_run_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// What surrounds the passes: report, budget, dumps, running out of memory; constant folding.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ir/equal.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "pass_support.h"

// A bit of everything: a call, a loop with carries of all kinds, scatter, gather, contraction,
// convolution, reduction, transposes, constants.
static const char program[] =
    "func.func @main(%a: tensor<8x4xf32>, %b: tensor<4x4xf32>, %n: tensor<i32>) -> "
    "(tensor<8x4xf32>, tensor<8xf32>, tensor<1x4xf32>) {\n"
    "  %c = stablehlo.constant dense<0> : tensor<i32>\n"
    "  %0:4 = stablehlo.while(%i = %c, %x = %a, %w = %b, %d = %n) : tensor<i32>, tensor<8x4xf32>, "
    "tensor<4x4xf32>, tensor<i32>\n"
    "  cond {\n"
    "    %l = stablehlo.constant dense<8> : tensor<i32>\n"
    "    %q = stablehlo.compare LT, %i, %l : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "    stablehlo.return %q : tensor<i1>\n"
    "  } do {\n"
    "    %one = stablehlo.constant dense<1> : tensor<i32>\n"
    "    %j = stablehlo.add %i, %one : tensor<i32>\n"
    "    %t = stablehlo.transpose %w, dims = [1, 0] : (tensor<4x4xf32>) -> tensor<4x4xf32>\n"
    "    %s = stablehlo.dynamic_slice %x, %i, %c, sizes = [1, 4] : (tensor<8x4xf32>, tensor<i32>, "
    "tensor<i32>) -> tensor<1x4xf32>\n"
    "    %m = stablehlo.dot_general %s, %t, contracting_dims = [1] x [0] : (tensor<1x4xf32>, "
    "tensor<4x4xf32>) -> tensor<1x4xf32>\n"
    "    %y = func.call @put(%x, %m, %i) : (tensor<8x4xf32>, tensor<1x4xf32>, tensor<i32>) -> "
    "tensor<8x4xf32>\n"
    "    %e = stablehlo.add %d, %one : tensor<i32>\n"
    "    stablehlo.return %j, %y, %w, %e : tensor<i32>, tensor<8x4xf32>, tensor<4x4xf32>, "
    "tensor<i32>\n"
    "  }\n"
    "  %z = stablehlo.constant dense<0.0> : tensor<f32>\n"
    "  %r = stablehlo.reduce(%0#1 init: %z) applies stablehlo.add across dimensions = [1] : "
    "(tensor<8x4xf32>, tensor<f32>) -> tensor<8xf32>\n"
    "  %k = stablehlo.constant dense<3.0> : tensor<8xf32>\n"
    "  %o = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<8xf32>\n"
    "  %p = stablehlo.multiply %k, %o : tensor<8xf32>\n"
    "  %u = stablehlo.add %r, %p : tensor<8xf32>\n"
    "  %v = stablehlo.constant dense<2> : tensor<1xi32>\n"
    "  %g = \"stablehlo.gather\"(%0#1, %v) <{dimension_numbers = #stablehlo.gather<offset_dims = "
    "[0, 1], start_index_map = [0]>, slice_sizes = array<i64: 1, 4>}> : (tensor<8x4xf32>, "
    "tensor<1xi32>) -> tensor<1x4xf32>\n"
    "  return %0#1, %u, %g : tensor<8x4xf32>, tensor<8xf32>, tensor<1x4xf32>\n"
    "}\n"
    "func.func private @put(%x: tensor<8x4xf32>, %m: tensor<1x4xf32>, %i: tensor<i32>) -> "
    "tensor<8x4xf32> {\n"
    "  %v = stablehlo.reshape %i : (tensor<i32>) -> tensor<1xi32>\n"
    "  %f = stablehlo.reshape %m : (tensor<1x4xf32>) -> tensor<4xf32>\n"
    "  %s = \"stablehlo.scatter\"(%x, %v, %f) <{scatter_dimension_numbers = "
    "#stablehlo.scatter<update_window_dims = [0], inserted_window_dims = [0], "
    "scatter_dims_to_operand_dims = [0]>}> ({\n"
    "  ^bb0(%p: tensor<f32>, %q: tensor<f32>):\n"
    "    %0 = stablehlo.add %p, %q : tensor<f32>\n    stablehlo.return %0 : tensor<f32>\n"
    "  }) : (tensor<8x4xf32>, tensor<1xi32>, tensor<4xf32>) -> tensor<8x4xf32>\n"
    "  return %s : tensor<8x4xf32>\n"
    "}\n";

static Parsed parse_program(void) {
  Parsed parsed = parse(program, strlen(program));
  if (!parsed.status)
    parsed.status = pj_verify(parsed.module);
  if (parsed.status)
    fail_msg("%s", pj_status_message(parsed.status));
  return parsed;
}

// ------------------------------------------------------------------------------------- pipeline

static void passes_are_reported(void **state) {
  Parsed parsed = parse_program();
  PjPassReport report;
  PjPassOptions options = {.verify = true, .report = &report};
  PjModule *out;
  assert_null(pj_passes_run(parsed.arena, parsed.module, &options, &out));
  assert_string_equal(report.passes[0].name, "inline");
  bool simplified = false;
  for (uint32_t i = 0; i < report.count; ++i) {
    assert_false(report.passes[i].exhausted);
    simplified |= !strcmp(report.passes[i].name, "simplify") && report.passes[i].changes > 0;
  }
  assert_true(simplified);
  assert_true(report.ops_after < report.ops_before);
  // The loop has lost what never changes and what nobody needs, and the scatter within.
  for (PjOp *op = pj_module_entry(out)->regions[0].first; op; op = op->next)
    if (op->kind == PJ_OP_WHILE) {
      assert_int_equal(op->num_operands, 2);
      for (PjOp *inner = op->regions[1].first; inner; inner = inner->next)
        assert_true(inner->kind != PJ_OP_SCATTER && inner->kind != PJ_OP_TRANSPOSE);
    }
  parsed_free(&parsed);
}

// However early a pass has to stop, the module is valid and computes the same.
static void budgets_may_run_out(void **state) {
  bool exhausted = false, finished = false;
  for (uint64_t limit = 1; limit < 5000; limit += 1 + limit / 2) {
    Parsed parsed = parse_program();
    PjPassReport report;
    PjPassOptions options = {.verify = true, .work_limit = limit, .report = &report};
    PjModule *out;
    PjStatus status = pj_passes_run(parsed.arena, parsed.module, &options, &out);
    if (status)
      fail_msg("limit %d: %s", (int)limit, pj_status_message(status));
    bool any = false;
    for (uint32_t i = 0; i < report.count; ++i)
      any |= report.passes[i].exhausted;
    exhausted |= any;
    finished |= !any;
    const char *why = pass_compare(parsed.module, out, 0);
    if (why)
      fail_msg("limit %d: %s", (int)limit, why);
    parsed_free(&parsed);
  }
  assert_true(exhausted && finished);
}

typedef struct Dumps {
  int count;
  bool parse;
} Dumps;

static void dump(void *context, const char *pass, const PjModule *module) {
  Dumps *dumps = context;
  PjStrBuf text = {0};
  pj_module_print(&text, module, NULL);
  Parsed again = parse(text.data, text.len);
  if (again.status)
    fail_msg("after %s: %s\n%s", pass, pj_status_message(again.status), text.data);
  dumps->parse = pj_module_eq(module, again.module);
  parsed_free(&again);
  pj_strbuf_free(&text);
  ++dumps->count;
}

static void every_pass_can_be_dumped(void **state) {
  Parsed parsed = parse_program();
  Dumps dumps = {0};
  PjPassReport report;
  PjPassOptions options = {.dump = dump, .dump_context = &dumps, .report = &report};
  PjModule *out, *plain;
  assert_null(pj_passes_run(parsed.arena, parsed.module, &options, &out));
  assert_int_equal(dumps.count, report.count);
  assert_true(dumps.parse);
  // Looking does not change what comes out.
  assert_null(pj_passes_run(parsed.arena, parsed.module, NULL, &plain));
  assert_true(pj_module_eq(out, plain));
  parsed_free(&parsed);
}

static void memory_may_run_out(void **state) {
  Parsed parsed = parse_program();
  bool succeeded = false;
  for (int n = 0; n < 3000 && !succeeded; ++n) {
    PjArena *arena;
    PjModule *out;
    assert_null(pj_arena_create(0, &arena));
    pj_alloc_fail_after(n);
    PjStatus status = pj_passes_run(arena, parsed.module, NULL, &out);
    pj_alloc_fail_after(-1);
    succeeded = !status;
    assert_true(succeeded || (pj_status_code(status) == PJ_RESOURCE_EXHAUSTED && !out));
    if (succeeded)
      assert_null(pass_compare(parsed.module, out, 0));
    pj_status_free(status);
    pj_arena_destroy(arena);
  }
  assert_true(succeeded);
  parsed_free(&parsed);
}

// Passes keep no more for each loop than its own operations need: so thousands of loops do not take
// gigabytes.
static void memory_is_linear_in_loops(void **state) {
#ifdef NDEBUG
  enum { LOOPS = 3000, BLOCKS = 100 };
#else // the verifier takes its own, after each pass
  enum { LOOPS = 3000, BLOCKS = 400 };
#endif
  PjStrBuf text = {0};
  pj_strbuf_printf(&text, "func.func @main(%%x0: tensor<4xf32>, %%n: tensor<i32>) -> tensor<4xf32> "
                          "{\n  %%c = stablehlo.constant dense<0> : tensor<i32>\n"
                          "  %%one = stablehlo.constant dense<1> : tensor<i32>\n");
  for (int i = 0; i < LOOPS; ++i)
    pj_strbuf_printf(
        &text,
        "  %%r%d:2 = stablehlo.while(%%i = %%c, %%x = %%x%d) : tensor<i32>, tensor<4xf32>\n"
        "  cond {\n"
        "    %%p = stablehlo.compare LT, %%i, %%n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
        "    stablehlo.return %%p : tensor<i1>\n"
        "  } do {\n"
        "    %%j = stablehlo.add %%i, %%one : tensor<i32>\n"
        "    %%s = stablehlo.sine %%x : tensor<4xf32>\n"
        "    stablehlo.return %%j, %%s : tensor<i32>, tensor<4xf32>\n"
        "  }\n"
        "  %%x%d = stablehlo.negate %%r%d#1 : tensor<4xf32>\n",
        i, i, i + 1, i);
  pj_strbuf_printf(&text, "  return %%x%d : tensor<4xf32>\n}\n", LOOPS);
  Parsed parsed = parse(text.data, text.len);
  PjModule *out;
  assert_null(parsed.status);
  assert_null(pj_verify(parsed.module));
  pj_alloc_fail_after(BLOCKS);
  PjStatus status = pj_passes_run(parsed.arena, parsed.module, NULL, &out);
  pj_alloc_fail_after(-1);
  if (status)
    fail_msg("%s", pj_status_message(status));
  parsed_free(&parsed);
  pj_strbuf_free(&text);
}

// -------------------------------------------------------------------------------------- folding

static void expect(const char *type, const char *before, const char *after) {
  char body[2][2048];
  snprintf(body[0], sizeof body[0], "%s\nreturn %%r : %s", before, type);
  snprintf(body[1], sizeof body[1], "%s\nreturn %%r : %s", after, type);
  pass_expect("simplify,dead_code", pass_main("", type, body[0]), pass_main("", type, body[1]));
}

static void constants_are_folded(void **state) {
  // of equal elements, whatever the shape
  expect("tensor<1000x1000xf32>",
         "%a = stablehlo.constant dense<2.0> : tensor<f32>\n"
         "%b = stablehlo.broadcast_in_dim %a, dims = [] : (tensor<f32>) -> tensor<1000x1000xf32>\n"
         "%r = stablehlo.sqrt %b : tensor<1000x1000xf32>",
         "%r = stablehlo.constant dense<0x3FB504F3> : tensor<1000x1000xf32>");
  // of several elements
  expect("tensor<3xi32>",
         "%a = stablehlo.constant dense<[1, 2, 3]> : tensor<3xi32>\n"
         "%b = stablehlo.constant dense<4> : tensor<3xi32>\n"
         "%r = stablehlo.multiply %a, %b : tensor<3xi32>",
         "%r = stablehlo.constant dense<[4, 8, 12]> : tensor<3xi32>");
  // equal elements come out as one
  expect("tensor<3xi1>",
         "%a = stablehlo.constant dense<[1, 2, 3]> : tensor<3xi32>\n"
         "%b = stablehlo.constant dense<4> : tensor<3xi32>\n"
         "%r = stablehlo.compare LT, %a, %b : (tensor<3xi32>, tensor<3xi32>) -> tensor<3xi1>",
         "%r = stablehlo.constant dense<true> : tensor<3xi1>");
  // by a program
  expect("tensor<2x2xi32>",
         "%a = stablehlo.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>\n"
         "%b = stablehlo.transpose %a, dims = [1, 0] : (tensor<2x2xi32>) -> tensor<2x2xi32>\n"
         "%r = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<2x2xi32>, "
         "tensor<2x2xi32>) -> tensor<2x2xi32>",
         "%r = stablehlo.constant dense<[[5, 11], [11, 25]]> : tensor<2x2xi32>");
  expect("tensor<2x3xi8>",
         "%a = stablehlo.constant dense<[1, 2, 3, 4, 5, 6]> : tensor<6xi8>\n"
         "%r = stablehlo.reshape %a : (tensor<6xi8>) -> tensor<2x3xi8>",
         "%r = stablehlo.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>");
  expect("tensor<0xf32>",
         "%a = stablehlo.constant dense<1.0> : tensor<4xf32>\n"
         "%r = stablehlo.slice %a [2:2] : (tensor<4xf32>) -> tensor<0xf32>",
         "%r = stablehlo.constant dense<> : tensor<0xf32>");
}

static void what_depends_on_more_is_not_folded(void **state) {
  pass_expect_same("simplify,dead_code",
                   pass_main("", "tensor<ui32>",
                             "%r = stablehlo.replica_id : tensor<ui32>\nreturn %r : tensor<ui32>"));
  pass_expect_same("simplify,dead_code",
                   pass_main("", "tensor<4096xi32>",
                             "%r = stablehlo.iota dim = 0 : tensor<4096xi32>\n"
                             "return %r : tensor<4096xi32>"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(passes_are_reported),
      cmocka_unit_test(budgets_may_run_out),
      cmocka_unit_test(every_pass_can_be_dumped),
      cmocka_unit_test(memory_may_run_out),
      cmocka_unit_test(memory_is_linear_in_loops),
      cmocka_unit_test(constants_are_folded),
      cmocka_unit_test(what_depends_on_more_is_not_folded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

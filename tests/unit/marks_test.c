// Shardy's operations as marks, for showing.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ir/print.h"
#include "ir/verify.h"
#include "runtime/marks.h"
#include "text_tools.h"

// Two deep, the inner one in a loop, whose body returns an argument as it is.
static const char text[] =
    "sdy.mesh @mesh = <[\"x\"=2, \"y\"=2]>\n"
    "func.func @main(%a: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {\n"
    "  %r:2 = sdy.manual_computation(%a) in_shardings=[<@mesh, [{\"x\"}, {}]>] "
    "out_shardings=[<@mesh, [{\"x\"}, {}]>, <@mesh, [{\"x\"}, {}]>] manual_axes={\"x\"} "
    "(%p: tensor<2x4xf32>) {\n"
    "    %zero = stablehlo.constant dense<0> : tensor<i32>\n"
    "    %w:2 = stablehlo.while(%i = %zero, %q = %p) : tensor<i32>, tensor<2x4xf32>\n"
    "    cond {\n"
    "      %three = stablehlo.constant dense<3> : tensor<i32>\n"
    "      %more = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "      stablehlo.return %more : tensor<i1>\n"
    "    } do {\n"
    "      %one = stablehlo.constant dense<1> : tensor<i32>\n"
    "      %next = stablehlo.add %i, %one : tensor<i32>\n"
    "      %s = sdy.manual_computation(%q) in_shardings=[<@mesh, [{}, {\"y\"}]>] "
    "out_shardings=[<@mesh, [{}, {\"y\"}]>] manual_axes={\"y\"} (%t: tensor<2x2xf32>) {\n"
    "        %n = stablehlo.negate %t : tensor<2x2xf32>\n"
    "        sdy.return %n : tensor<2x2xf32>\n"
    "      } : (tensor<2x4xf32>) -> tensor<2x4xf32>\n"
    "      stablehlo.return %next, %s : tensor<i32>, tensor<2x4xf32>\n"
    "    }\n"
    "    sdy.return %w#1, %p : tensor<2x4xf32>, tensor<2x4xf32>\n"
    "  } : (tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>)\n"
    "  %c = sdy.sharding_constraint %r#0 <@mesh, [{\"y\"}, {}]> : tensor<4x4xf32>\n"
    "  sdy.sharding_group %c group_id=3 : tensor<4x4xf32>\n"
    "  %e = sdy.propagation_barrier %r#1 allowed_direction=NONE : tensor<4x4xf32>\n"
    "  return %c, %e : tensor<4x4xf32>, tensor<4x4xf32>\n}\n";

static int count(const char *where, const char *what) {
  int n = 0;
  for (const char *at = where; (at = strstr(at, what)); at += strlen(what))
    ++n;
  return n;
}

typedef struct Opened {
  const PjModule *module;
  PjArena *arena;
  PjModule *out;
} Opened;

static PjStatus open_guarded(void *context) {
  Opened *o = context;
  return pj_marks_make(o->arena, o->module, &o->out);
}

static void nested_computations_become_marks(void **state) {
  (void)state;
  Parsed parsed = parse(text, strlen(text));
  assert_null(parsed.status);
  Opened o = {.module = parsed.module};
  assert_true(pj_marks_needed(&parsed.module->body));
  assert_null(pj_arena_create(0, &o.arena));
  assert_null(pj_arena_guard(o.arena, open_guarded, &o));
  assert_false(pj_marks_needed(&o.out->body));
  assert_true(pj_marks_needed(&parsed.module->body)); // a copy
  assert_null(pj_verify(o.out));
  PjStrBuf printed = {0};
  pj_module_print(&printed, o.out, NULL);
  assert_non_null(printed.data);
  assert_int_equal(count(printed.data, "@SPMDFullToShardShape"), 2);
  assert_int_equal(count(printed.data, "@SPMDShardToFullShape"), 3);
  assert_int_equal(count(printed.data, "@Sharding("), 1);
  assert_int_equal(count(printed.data, "sdy.sharding_group"), 0);
  assert_int_equal(count(printed.data, "sdy.propagation_barrier"), 0);
  assert_int_equal(count(printed.data, "(tensor<2x4xf32>) -> tensor<2x2xf32>"), 1);
  pj_strbuf_free(&printed);
  pj_arena_destroy(o.arena);
  parsed_free(&parsed);
}

// Hosts have no operations of chlo, but custom calls that stand for them.
static void operations_of_chlo_become_calls(void **state) {
  (void)state;
  static const char chlo[] =
      "func.func @main(%a: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x2xf32>, "
      "tensor<4x4xf32>) {\n"
      "  %0 = chlo.erf %a : tensor<4x4xf32> -> tensor<4x4xf32>\n"
      "  %1:2 = chlo.top_k(%0, k = 2) : tensor<4x4xf32> -> (tensor<4x2xf32>, tensor<4x2xi32>)\n"
      "  %2 = chlo.lgamma %0 : tensor<4x4xf32> -> tensor<4x4xf32>\n"
      "  return %0, %1#0, %2 : tensor<4x4xf32>, tensor<4x2xf32>, tensor<4x4xf32>\n}\n";
  Parsed parsed = parse(chlo, strlen(chlo));
  assert_null(parsed.status);
  Opened o = {.module = parsed.module};
  assert_true(pj_marks_needed(&parsed.module->body));
  assert_null(pj_arena_create(0, &o.arena));
  assert_null(pj_arena_guard(o.arena, open_guarded, &o));
  assert_null(pj_verify(o.out));
  PjStrBuf printed = {0};
  pj_module_print(&printed, o.out, NULL);
  pj_strbuf_putc(&printed, '\0');
  assert_non_null(strstr(printed.data, "custom_call @mhlo.erf(%arg0) {mhlo.attributes = {}, "
                                       "mhlo.version = 1 : i64}"));
  assert_non_null(strstr(printed.data, "mhlo.attributes = {k = 2 : i64, largest = true}"));
  assert_non_null(strstr(printed.data, "custom_call @chlo.lgamma("));
  pj_strbuf_free(&printed);
  pj_arena_destroy(o.arena);
  parsed_free(&parsed);
}

static void asynchronous_collectives_become_plain(void **state) {
  (void)state;
  static const char pair[] =
      "func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
      "  %f = \"stablehlo.async_start\"(%a) ({\n"
      "  ^bb0(%x: tensor<4xf32>):\n"
      "    %s = \"stablehlo.all_reduce\"(%x) <{replica_groups = dense<0> : tensor<1x1xi64>}> ({\n"
      "    ^bb0(%l: tensor<f32>, %r: tensor<f32>):\n"
      "      %t = stablehlo.add %l, %r : tensor<f32>\n"
      "      stablehlo.return %t : tensor<f32>\n"
      "    }) : (tensor<4xf32>) -> tensor<4xf32>\n"
      "    stablehlo.return %s : tensor<4xf32>\n"
      "  }) : (tensor<4xf32>) -> !stablehlo.future<tensor<4xf32>>\n"
      "  %n = stablehlo.negate %a : tensor<4xf32>\n"
      "  %d = \"stablehlo.async_done\"(%f) : (!stablehlo.future<tensor<4xf32>>) -> tensor<4xf32>\n"
      "  %e = stablehlo.add %d, %n : tensor<4xf32>\n"
      "  return %e : tensor<4xf32>\n}\n";
  Parsed parsed = parse(pair, strlen(pair));
  assert_null(parsed.status);
  assert_null(pj_verify(parsed.module));
  Opened o = {.module = parsed.module};
  assert_true(pj_marks_needed(&parsed.module->body));
  assert_null(pj_arena_create(0, &o.arena));
  assert_null(pj_arena_guard(o.arena, open_guarded, &o));
  assert_null(pj_verify(o.out));
  PjStrBuf printed = {0};
  pj_module_print(&printed, o.out, NULL);
  assert_int_equal(count(printed.data, "async"), 0);
  assert_int_equal(count(printed.data, "all_reduce"), 1);
  pj_strbuf_free(&printed);
  pj_arena_destroy(o.arena);
  parsed_free(&parsed);
}

// Wherever memory runs out, that is the answer.
static void memory_may_run_out(void **state) {
  (void)state;
  Parsed parsed = parse(text, strlen(text));
  assert_null(parsed.status);
  bool done = false;
  for (size_t limit = 1 << 10; !done; limit *= 2) {
    Opened o = {.module = parsed.module};
    assert_null(pj_arena_create(limit, &o.arena));
    PjStatus status = pj_arena_guard(o.arena, open_guarded, &o);
    done = !status;
    if (status)
      assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
    pj_status_free(status);
    pj_arena_destroy(o.arena);
  }
  parsed_free(&parsed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nested_computations_become_marks),
      cmocka_unit_test(operations_of_chlo_become_calls),
      cmocka_unit_test(asynchronous_collectives_become_plain),
      cmocka_unit_test(memory_may_run_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

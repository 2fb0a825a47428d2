// Whole programs through importer and evaluator: control flow, values' lifetimes, devices that
// meet, and memory that runs out.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "eval/eval.h"
#include "import/import.h"

typedef struct Run {
  PjArena *arena;
  const char *text;
  PjTensor *const *inputs;
  uint32_t num_inputs, num_outputs;
  const bool *may_overwrite;
  PjTensor **outputs;
} Run;

static PjStatus run_guarded(void *context) {
  Run *run = context;
  PjModule *module;
  PjProgram *program;
  PJ_TRY(pj_import(run->arena, run->text, strlen(run->text), &module));
  PJ_TRY(pj_program_create(module, &program));
  return pj_program_run(program, NULL, run->num_inputs, run->inputs, run->may_overwrite,
                        run->num_outputs, run->outputs);
}

static PjStatus run(Run *r) {
  for (uint32_t i = 0; i < r->num_outputs; ++i)
    r->outputs[i] = NULL;
  PJ_TRY(pj_arena_create(0, &r->arena));
  PjStatus status = pj_arena_guard(r->arena, run_guarded, r);
  pj_arena_destroy(r->arena);
  return status;
}

// Runs |text| without inputs and expects the int32 |values| as its only result.
static void expect_i32(const char *text, int count, const int32_t *values) {
  PjTensor *out;
  Run r = {.text = text, .num_outputs = 1, .outputs = &out};
  PjStatus status = run(&r);
  if (status)
    fail_msg("%s", pj_status_message(status));
  assert_int_equal(out->count, count);
  assert_memory_equal(out->data, values, (size_t)count * sizeof *values);
  pj_tensor_release(out);
}

static void expect_error(const char *text, PjCode code, const char *fragment) {
  PjTensor *out;
  Run r = {.text = text, .num_outputs = 1, .outputs = &out};
  PjStatus status = run(&r);
  assert_int_equal(pj_status_code(status), code);
  if (!strstr(pj_status_message(status), fragment))
    fail_msg("\"%s\" lacks \"%s\"", pj_status_message(status), fragment);
  assert_null(out);
  pj_status_free(status);
}

static const char loop[] =
    "func.func @main() -> tensor<4xi32> {\n"
    "  %zero = stablehlo.constant dense<0> : tensor<i32>\n"
    "  %one = stablehlo.constant dense<1> : tensor<i32>\n"
    "  %n = stablehlo.constant dense<4> : tensor<i32>\n"
    "  %init = stablehlo.constant dense<7> : tensor<4xi32>\n"
    "  %r:2 = stablehlo.while(%i = %zero, %a = %init) : tensor<i32>, tensor<4xi32>\n"
    "  cond {\n"
    "    %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "    stablehlo.return %c : tensor<i1>\n"
    "  } do {\n"
    "    %row = stablehlo.reshape %i : (tensor<i32>) -> tensor<1xi32>\n"
    "    %b = stablehlo.dynamic_update_slice %a, %row, %i : (tensor<4xi32>, tensor<1xi32>, "
    "tensor<i32>) -> tensor<4xi32>\n"
    "    %j = stablehlo.add %i, %one : tensor<i32>\n"
    "    stablehlo.return %j, %b : tensor<i32>, tensor<4xi32>\n"
    "  }\n"
    "  return %r#1 : tensor<4xi32>\n"
    "}\n";

static void loops_carry_values(void **state) {
  (void)state;
  expect_i32(loop, 4, (int32_t[]){0, 1, 2, 3});
}

// A value that the loop both starts from and reads in its body outlives the first round.
static void loops_read_their_initial_values(void **state) {
  (void)state;
  static const char text[] =
      "func.func @main() -> tensor<i32> {\n"
      "  %x = stablehlo.constant dense<3> : tensor<i32>\n"
      "  %n = stablehlo.constant dense<50> : tensor<i32>\n"
      "  %y = stablehlo.add %x, %x : tensor<i32>\n"
      "  %r = stablehlo.while(%i = %y) : tensor<i32>\n"
      "  cond {\n"
      "    %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
      "    stablehlo.return %c : tensor<i1>\n"
      "  } do {\n"
      "    %j = stablehlo.add %i, %y : tensor<i32>\n"
      "    stablehlo.return %j : tensor<i32>\n"
      "  }\n"
      "  return %r : tensor<i32>\n"
      "}\n";
  expect_i32(text, 1, (int32_t[]){54});
}

// The same value twice among the results, a view of it, and an input passed through: each result is
// its own.
static void results_are_independent(void **state) {
  (void)state;
  static const char text[] =
      "func.func @main(%x: tensor<2xi32>) -> (tensor<2xi32>, tensor<2xi32>, tensor<2x1xi32>, "
      "tensor<2xi32>) {\n"
      "  %y = stablehlo.add %x, %x : tensor<2xi32>\n"
      "  %v = stablehlo.reshape %y : (tensor<2xi32>) -> tensor<2x1xi32>\n"
      "  return %y, %y, %v, %x : tensor<2xi32>, tensor<2xi32>, tensor<2x1xi32>, tensor<2xi32>\n"
      "}\n";
  int32_t data[2] = {3, 4};
  PjTensor *in = pj_tensor_wrap(PJ_DT_S32, 1, (int64_t[]){2}, data, false, NULL, NULL), *out[4];
  Run r = {.text = text, .inputs = &in, .num_inputs = 1, .num_outputs = 4, .outputs = out};
  assert_null(run(&r));
  assert_ptr_equal(out[3]->data, data);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < i; ++j)
      assert_ptr_not_equal(out[i]->data, out[j]->data);
  for (int i = 0; i < 3; ++i)
    assert_memory_equal(out[i]->data, ((int32_t[]){6, 8}), sizeof data);
  for (int i = 0; i < 4; ++i)
    pj_tensor_release(out[i]);
  assert_int_equal(in->refs, 1);
  pj_tensor_release(in);
}

static const char update[] = "func.func @main(%x: tensor<4xi32>) -> tensor<4xi32> {\n"
                             "  %i = stablehlo.constant dense<2> : tensor<i32>\n"
                             "  %v = stablehlo.constant dense<9> : tensor<1xi32>\n"
                             "  %y = stablehlo.dynamic_update_slice %x, %v, %i : (tensor<4xi32>, "
                             "tensor<1xi32>, tensor<i32>) -> tensor<4xi32>\n"
                             "  return %y : tensor<4xi32>\n"
                             "}\n";

static void only_donated_inputs_are_written(void **state) {
  (void)state;
  for (int donated = 0; donated < 2; ++donated) {
    int32_t data[4] = {1, 2, 3, 4};
    PjTensor *in = pj_tensor_wrap(PJ_DT_S32, 1, (int64_t[]){4}, data, true, NULL, NULL), *out;
    Run r = {.text = update,
             .inputs = &in,
             .num_inputs = 1,
             .num_outputs = 1,
             .outputs = &out,
             .may_overwrite = (bool[]){donated}};
    assert_null(run(&r));
    assert_int_equal(out->data == (void *)data, donated);
    assert_int_equal(data[2], donated ? 9 : 3);
    assert_memory_equal(out->data, ((int32_t[]){1, 2, 9, 4}), sizeof data);
    pj_tensor_release(out);
    pj_tensor_release(in);
  }
}

static void wrong_inputs_are_named(void **state) {
  (void)state;
  int32_t data[3] = {0};
  PjTensor *in = pj_tensor_wrap(PJ_DT_S32, 1, (int64_t[]){3}, data, false, NULL, NULL), *out;
  Run r = {.text = update, .inputs = &in, .num_inputs = 1, .num_outputs = 1, .outputs = &out};
  PjStatus status = run(&r);
  assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
  assert_non_null(strstr(pj_status_message(status), "tensor<3xi32>"));
  assert_non_null(strstr(pj_status_message(status), "tensor<4xi32>"));
  pj_status_free(status);
  r.num_inputs = 0;
  status = run(&r);
  assert_non_null(strstr(pj_status_message(status), "1 arguments"));
  pj_status_free(status);
  pj_tensor_release(in);
}

#define PARALLEL(body)                                                                   \
  "module {\n"                                                                           \
  "  func.func @f(%x: tensor<i32>) -> tensor<i32> {\n" body "  }\n"                      \
  "  func.func @g(%x: tensor<i32>) -> tensor<i32> {\n    return %x : tensor<i32>\n  }\n" \
  "  func.func @main() -> tensor<i32> {\n"                                               \
  "    %a = stablehlo.constant dense<5> : tensor<i32>\n"                                 \
  "    %b = stablehlo.constant dense<6> : tensor<i32>\n"                                 \
  "    %r:2 = \"interpreter.run_parallel\"(%a, %b) {programs = [[@f], [@PROGRAM]]}\n"    \
  "        : (tensor<i32>, tensor<i32>) -> (tensor<i32>, tensor<i32>)\n"                 \
  "    return %r#1 : tensor<i32>\n"                                                      \
  "  }\n"                                                                                \
  "}\n"

#define ALL_REDUCE                                                                               \
  "    %y = \"stablehlo.all_reduce\"(%x) ({\n"                                                   \
  "      ^bb0(%p: tensor<i32>, %q: tensor<i32>):\n"                                              \
  "        %s = stablehlo.add %p, %q : tensor<i32>\n"                                            \
  "        stablehlo.return %s : tensor<i32>\n"                                                  \
  "    }) {replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<i32>) -> tensor<i32>\n" \
  "    return %y : tensor<i32>\n"

static char *with_program(const char *text, char program) {
  char *copy = strdup(text), *at = strstr(copy, "@PROGRAM");
  at[1] = program;
  memmove(at + 2, at + strlen("@PROGRAM"), strlen(at + strlen("@PROGRAM")) + 1);
  return copy;
}

static void devices_meet(void **state) {
  (void)state;
  char *text = with_program(PARALLEL(ALL_REDUCE), 'f');
  for (int i = 0; i < 50; ++i)
    expect_i32(text, 1, (int32_t[]){11});
  free(text);
}

// The second device never joins the collective: an error, not a wait for ever.
static void a_deadlock_is_reported(void **state) {
  (void)state;
  char *text = with_program(PARALLEL(ALL_REDUCE), 'g');
  for (int i = 0; i < 50; ++i)
    expect_error(text, PJ_FAILED_PRECONDITION, "wait for each other");
  free(text);
}

static void failures_on_one_device_end_all(void **state) {
  (void)state;
  char *text = with_program(
      PARALLEL("    %y = stablehlo.custom_call @nobody(%x) : (tensor<i32>) -> tensor<i32>\n"
               "    return %y : tensor<i32>\n"),
      'g');
  expect_error(text, PJ_UNIMPLEMENTED, "nobody");
  free(text);
}

static void endless_recursion_is_an_error(void **state) {
  (void)state;
  static const char text[] = "func.func @f(%x: tensor<i32>) -> tensor<i32> {\n"
                             "  %y = func.call @f(%x) : (tensor<i32>) -> tensor<i32>\n"
                             "  return %y : tensor<i32>\n"
                             "}\n"
                             "func.func @main() -> tensor<i32> {\n"
                             "  %x = stablehlo.constant dense<1> : tensor<i32>\n"
                             "  %y = func.call @f(%x) : (tensor<i32>) -> tensor<i32>\n"
                             "  return %y : tensor<i32>\n"
                             "}\n";
  PjTensor *out;
  Run r = {.text = text, .num_outputs = 1, .outputs = &out};
  PjStatus status = run(&r);
  assert_non_null(status); // refused, or stopped at a depth
  pj_status_free(status);
}

// A result too large for the address space, or for the memory there is.
static void huge_results_are_an_error(void **state) {
  (void)state;
  expect_error("func.func @main() -> tensor<1000000000x1000000xi32> {\n"
               "  %x = stablehlo.constant dense<1> : tensor<i32>\n"
               "  %y = stablehlo.broadcast_in_dim %x, dims = [] : (tensor<i32>) -> "
               "tensor<1000000000x1000000xi32>\n"
               "  return %y : tensor<1000000000x1000000xi32>\n"
               "}\n",
               PJ_RESOURCE_EXHAUSTED, "memory");
}

static void every_failing_allocation_is_reported(void **state) {
  (void)state;
  char *meet = with_program(PARALLEL(ALL_REDUCE), 'f');
  const char *texts[] = {loop, meet};
  for (int t = 0; t < 2; ++t) {
    int n = 0;
    for (;; ++n) {
      PjTensor *out;
      Run r = {.text = texts[t], .num_outputs = 1, .outputs = &out};
      pj_alloc_fail_after(n);
      PjStatus status = run(&r);
      pj_alloc_fail_after(-1);
      if (!status) {
        pj_tensor_release(out);
        break;
      }
      assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
      assert_null(out);
      pj_status_free(status);
      assert_true(n < 100000);
    }
    assert_true(n > 10);
  }
  free(meet);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loops_carry_values),
      cmocka_unit_test(loops_read_their_initial_values),
      cmocka_unit_test(results_are_independent),
      cmocka_unit_test(only_donated_inputs_are_written),
      cmocka_unit_test(wrong_inputs_are_named),
      cmocka_unit_test(devices_meet),
      cmocka_unit_test(a_deadlock_is_reported),
      cmocka_unit_test(failures_on_one_device_end_all),
      cmocka_unit_test(endless_recursion_is_an_error),
      cmocka_unit_test(huge_results_are_an_error),
      cmocka_unit_test(every_failing_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// The SDK's API of a program, its evaluator, and what executables store for a compiler. Tables,
// errors of wrong ones and whole plugins: tests/python/test_sdk.py.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "import/import.h"
#include "pjrt/sdk/sdk.h"
#include "runtime/executable.h"

static const char program[] =
    "module @sample {\n"
    "func.func @main(%x: tensor<2x3xf32>, %n: tensor<i32>) -> (tensor<2x2xf32>, tensor<i32>) {\n"
    "  %w = stablehlo.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>\n"
    "  %one = stablehlo.constant dense<1> : tensor<i32>\n"
    "  %spread = stablehlo.constant dense<7> : tensor<5xi32>\n"
    "  %p = stablehlo.dot_general %x, %w, contracting_dims = [1] x [0] : (tensor<2x3xf32>, "
    "tensor<3x2xf32>) -> tensor<2x2xf32> loc(\"model.py\":41:3)\n"
    "  %zero = stablehlo.constant dense<0> : tensor<i32>\n"
    "  %r:2 = stablehlo.while(%i = %zero, %s = %zero) : tensor<i32>, tensor<i32> cond {\n"
    "    %c = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "    stablehlo.return %c : tensor<i1>\n"
    "  } do {\n"
    "    %j = stablehlo.add %i, %one : tensor<i32>\n"
    "    %t = stablehlo.add %s, %j : tensor<i32>\n"
    "    stablehlo.return %j, %t : tensor<i32>, tensor<i32>\n"
    "  }\n"
    "  return %p, %r#1 : tensor<2x2xf32>, tensor<i32>\n"
    "}\n"
    "}\n";

typedef struct Parsed {
  PjArena *arena;
  PjModule *module;
} Parsed;

static PjStatus parse(void *context) {
  Parsed *parsed = context;
  return pj_import(parsed->arena, program, sizeof program - 1, &parsed->module);
}

static int set_up(void **state) {
  static Parsed parsed;
  if (pj_arena_create(0, &parsed.arena))
    return 1;
  PjStatus status = pj_arena_guard(parsed.arena, parse, &parsed);
  if (status)
    print_error("%s\n", pj_status_message(status));
  *state = &parsed;
  return status != NULL;
}

static int tear_down(void **state) {
  pj_arena_destroy(((Parsed *)*state)->arena);
  return 0;
}

static const PjsModule *module_of(void **state) {
  return (const PjsModule *)((Parsed *)*state)->module;
}

static const PjsOp *find(const PjsModule *module, const char *name) {
  const PjsOp *op = pjs_region_first(pjs_op_region(pjs_module_entry(module), 0));
  while (op && !pjs_op_is(op, name))
    op = pjs_op_next(op);
  assert_non_null(op);
  return op;
}

// --- The program ---------------------------------------------------------------------------------

static void test_functions_and_operations(void **state) {
  const PjsModule *module = module_of(state);
  assert_true(pjs_text_is(pjs_module_name(module), "sample"));
  const PjsOp *entry = pjs_module_entry(module);
  assert_ptr_equal(entry, pjs_module_first(module));
  assert_ptr_equal(entry, pjs_module_find(module, "main"));
  assert_null(pjs_module_find(module, "other"));
  assert_true(pjs_text_is(pjs_function_name(entry), "main"));
  const PjsRegion *body = pjs_op_region(entry, 0);
  assert_null(pjs_op_region(entry, 1));
  assert_int_equal(pjs_region_num_args(body), 2);
  assert_null(pjs_region_arg(body, 2));
  uint32_t count = 0;
  for (const PjsOp *op = pjs_region_first(body); op; op = pjs_op_next(op), count++) {
    assert_ptr_equal(pjs_op_function(op), entry);
    assert_ptr_equal(pjs_op_parent(op), entry);
    assert_true(pjs_op_number(op) < pjs_function_num_ops(entry));
    for (uint32_t i = 0; i < pjs_op_num_results(op); i++) {
      const PjsValue *value = pjs_op_result(op, i);
      assert_ptr_equal(pjs_value_op(value), op);
      assert_null(pjs_value_region(value));
      assert_int_equal(pjs_value_index(value), i);
      assert_true(pjs_value_number(value) < pjs_function_num_values(entry));
    }
  }
  assert_int_equal(count, 7);
  const PjsOp *loop = find(module, "stablehlo.while"), *end = pjs_region_terminator(body);
  assert_true(pjs_op_is(end, "func.return") && pjs_op_has(end, PJS_TRAIT_TERMINATOR));
  assert_ptr_equal(pjs_op_operand(end, 1), pjs_op_result(loop, 1));
  assert_null(pjs_op_operand(end, 2));
  assert_int_equal(pjs_op_num_regions(loop), 2);
  const PjsRegion *turn = pjs_op_region(loop, 1);
  assert_ptr_equal(pjs_value_region(pjs_region_arg(turn, 1)), turn);
  assert_null(pjs_value_op(pjs_region_arg(turn, 1)));
  const PjsOp *add = pjs_region_first(turn);
  assert_true(pjs_op_has(add, PJS_TRAIT_ELEMENTWISE) && pjs_op_has(add, PJS_TRAIT_COMMUTATIVE));
  assert_false(pjs_op_has(loop, PJS_TRAIT_ELEMENTWISE));
  assert_ptr_equal(pjs_op_parent(add), loop);
}

static void test_types(void **state) {
  const PjsOp *dot = find(module_of(state), "stablehlo.dot_general");
  const PjsType *type = pjs_value_type(pjs_op_operand(dot, 0));
  assert_int_equal(pjs_type_kind(type), PJS_TYPE_TENSOR);
  assert_int_equal(pjs_type_element(type), PJRT_Buffer_Type_F32);
  assert_int_equal(pjs_type_rank(type), 2);
  assert_int_equal(pjs_type_dims(type)[1], 3);
  assert_true(pjs_type_is_static(type) && !pjs_type_is_quantized(type));
  assert_int_equal(pjs_type_num_elements(type), 6);
  assert_int_equal(pjs_type_bytes(type), 24);
  assert_int_equal(pjs_element_bytes(PJRT_Buffer_Type_S4), 1);
  assert_int_equal(pjs_type_num_parts(type), 0);
  assert_null(pjs_type_part(type, 0));
  assert_false(pjs_type_equal(type, pjs_value_type(pjs_op_operand(dot, 1))));
  char *text = pjs_type_print(type);
  assert_string_equal(text, "tensor<2x3xf32>");
  pjs_free(text);
}

static void test_attributes(void **state) {
  const PjsModule *module = module_of(state);
  const PjsOp *dot = find(module, "stablehlo.dot_general");
  size_t count;
  const int64_t *dims = pjs_attr_integers(pjs_op_attr(dot, "lhs_contracting_dimensions"), &count);
  assert_int_equal(count, 1);
  assert_int_equal(dims[0], 1);
  pjs_attr_integers(pjs_op_attr(dot, "lhs_batching_dimensions"), &count); // a default
  assert_int_equal(count, 0);
  const PjsAttr *precision = pjs_op_attr(dot, "precision_config");
  assert_int_equal(pjs_attr_kind(precision), PJS_ATTR_LIST);
  assert_true(pjs_text_is(pjs_attr_text(pjs_attr_item(precision, 0, NULL)), "DEFAULT"));
  assert_null(pjs_attr_item(precision, 99, NULL));
  assert_int_equal(pjs_attr_kind(pjs_op_attr(dot, "accumulation_type")), PJS_ATTR_TYPE);
  assert_null(pjs_op_attr(dot, "value"));
  PjsText name;
  bool seen = false;
  for (uint32_t i = 0; i < pjs_op_num_attrs(dot); i++) {
    const PjsAttr *attr = pjs_op_attr_at(dot, i, &name);
    assert_non_null(attr);
    seen |= pjs_text_is(name, "rhs_contracting_dimensions");
  }
  assert_true(seen);
  assert_null(pjs_op_attr_at(dot, pjs_op_num_attrs(dot), &name));

  const PjsOp *w = find(module, "stablehlo.constant");
  const PjsAttr *value = pjs_op_attr(w, "value");
  bool splat;
  const float *elements = pjs_attr_elements(value, &splat);
  assert_false(splat);
  assert_true(elements[5] == 6);
  assert_ptr_equal(pjs_attr_type(value), pjs_attr_type(value));
  assert_int_equal(pjs_type_bytes(pjs_attr_type(value)), 24);
  const PjsOp *spread = pjs_op_next(pjs_op_next(w));
  const int32_t *one = pjs_attr_elements(pjs_op_attr(spread, "value"), &splat);
  assert_true(splat && one[0] == 7);
  // Questions that do not fit.
  assert_null(pjs_attr_elements(precision, &splat));
  assert_int_equal(pjs_attr_integer(value), 0);
  assert_int_equal(pjs_attr_text(value).size, 0);
  assert_int_equal(pjs_attr_count(value), 0);
  const PjsOp *compare = pjs_region_first(pjs_op_region(find(module, "stablehlo.while"), 0));
  assert_true(pjs_text_is(pjs_attr_text(pjs_op_attr(compare, "comparison_direction")), "LT"));
  char *text = pjs_attr_print(pjs_op_attr(compare, "comparison_direction"));
  assert_non_null(strstr(text, "LT"));
  pjs_free(text);
}

static void test_texts_and_errors(void **state) {
  const PjsModule *module = module_of(state);
  const PjsOp *dot = find(module, "stablehlo.dot_general");
  char place[64], little[6];
  assert_int_equal(pjs_op_location(dot, place, sizeof place), strlen("model.py:41:3"));
  assert_string_equal(place, "model.py:41:3");
  assert_int_equal(pjs_op_location(dot, little, sizeof little), strlen("model.py:41:3"));
  assert_string_equal(little, "model");
  char *text = pjs_op_print(dot);
  assert_non_null(strstr(text, "stablehlo.dot_general"));
  pjs_free(text);
  text = pjs_module_print(module);
  assert_non_null(strstr(text, "stablehlo.while"));
  pjs_free(text);
  PjsError *error = pjs_op_error(dot, PJRT_Error_Code_UNIMPLEMENTED, "rank %d", 2);
  assert_int_equal(pjs_error_code(error), PJRT_Error_Code_UNIMPLEMENTED);
  assert_string_equal(pjs_error_message(error), "stablehlo.dot_general: rank 2");
  error = pjs_error_prefix(error, "chip %d", 3);
  assert_string_equal(pjs_error_message(error), "chip 3: stablehlo.dot_general: rank 2");
  pjs_error_free(error);
  error = pjs_error((PJRT_Error_Code)99, "odd");
  assert_int_equal(pjs_error_code(error), PJRT_Error_Code_UNKNOWN);
  pjs_error_free(error);
  assert_null(pjs_error_prefix(NULL, "nothing"));
  assert_int_equal(pjs_error_code(NULL), PJRT_Error_Code_OK);
  assert_string_equal(pjs_error_message(NULL), "");
}

// --- The evaluator -------------------------------------------------------------------------------

enum { MAX_VALUES = 32 };

static int released;
static void note_release(void *context) {
  __atomic_add_fetch((int *)context, 1, __ATOMIC_SEQ_CST);
}

// Runs the entry with every operation evaluated alone.
static PjsError *run_all(const PjsModule *module, const PjsEvaluator *evaluator, int32_t n,
                         float *out_product, int32_t *out_sum) {
  static const float x[6] = {1, 0, 0, 0, 1, 1};
  PjsTensor *values[MAX_VALUES] = {0};
  const PjsRegion *body = pjs_op_region(pjs_module_entry(module), 0);
  const PjsValue *args[2] = {pjs_region_arg(body, 0), pjs_region_arg(body, 1)};
  const void *data[2] = {x, &n};
  PjsError *error = NULL;
  for (int i = 0; i < 2; i++) {
    PjsTensor *tensor = pjs_tensor_wrap(pjs_value_type(args[i]), data[i], note_release, &released);
    if (!tensor)
      error = pjs_out_of_memory();
    values[pjs_value_number(args[i])] = tensor;
    if (error)
      break;
  }
  const PjsOp *end = pjs_region_terminator(body);
  for (const PjsOp *op = pjs_region_first(body); !error && op != end; op = pjs_op_next(op))
    error = pjs_evaluate(evaluator, op, values);
  if (!error) {
    PjsTensor *product = values[pjs_value_number(pjs_op_operand(end, 0))];
    PjsTensor *sum = values[pjs_value_number(pjs_op_operand(end, 1))];
    assert_int_equal(pjs_tensor_bytes(product), 16);
    assert_int_equal(pjs_tensor_rank(product), 2);
    assert_int_equal(pjs_tensor_dims(product)[0], 2);
    memcpy(out_product, pjs_tensor_data(product), 16);
    memcpy(out_sum, pjs_tensor_data(sum), 4);
  }
  for (int i = 0; i < MAX_VALUES; i++)
    pjs_tensor_release(values[i]);
  return error;
}

static void expect_none(PjsError *error) {
  if (error)
    fail_msg("%d: %s", (int)pjs_error_code(error), pjs_error_message(error));
}

typedef struct Job {
  const PjsModule *module;
  const PjsEvaluator *evaluator;
  int32_t n;
  bool right;
} Job;

static void *run_many(void *arg) {
  Job *job = arg;
  job->right = true;
  for (int i = 0; i < 50; i++) {
    float product[4];
    int32_t sum;
    PjsError *error = run_all(job->module, job->evaluator, job->n, product, &sum);
    job->right = job->right && !error && sum == job->n * (job->n + 1) / 2 && product[2] == 8;
    pjs_error_free(error);
  }
  return NULL;
}

static void test_every_operation_alone(void **state) {
  const PjsModule *module = module_of(state);
  assert_true(pjs_function_num_values(pjs_module_entry(module)) <= MAX_VALUES);
  PjsEvaluator *evaluator;
  expect_none(pjs_evaluator_create(module, &evaluator));
  float product[4];
  int32_t sum;
  released = 0;
  expect_none(run_all(module, evaluator, 10, product, &sum));
  assert_memory_equal(product, ((float[]){1, 2, 8, 10}), sizeof product);
  assert_int_equal(sum, 55); // the loop's body reads values from outside of it
  assert_int_equal(released, 2);
  Job jobs[3];
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) {
    jobs[i] = (Job){module, evaluator, 3 + i, false};
    assert_int_equal(pthread_create(&threads[i], NULL, run_many, &jobs[i]), 0);
  }
  for (int i = 0; i < 3; i++) {
    pthread_join(threads[i], NULL);
    assert_true(jobs[i].right);
  }
  pjs_evaluator_destroy(evaluator);
}

static void expect_invalid(PjsError *error, const char *part) {
  assert_int_equal(pjs_error_code(error), PJRT_Error_Code_INVALID_ARGUMENT);
  if (!strstr(pjs_error_message(error), part))
    fail_msg("%s", pjs_error_message(error));
  pjs_error_free(error);
}

static void test_what_cannot_be_evaluated(void **state) {
  const PjsModule *module = module_of(state);
  PjsEvaluator *evaluator;
  expect_none(pjs_evaluator_create(module, &evaluator));
  PjsTensor *values[MAX_VALUES] = {0};
  const PjsOp *dot = find(module, "stablehlo.dot_general"), *w = find(module, "stablehlo.constant");
  const PjsOp *loop = find(module, "stablehlo.while"), *entry = pjs_module_entry(module);
  expect_none(pjs_evaluate(evaluator, w, values));
  expect_invalid(pjs_evaluate(evaluator, dot, values), "operand 0 has no value");
  assert_null(values[pjs_value_number(pjs_op_result(dot, 0))]);
  // A value of another type.
  uint32_t x = pjs_value_number(pjs_op_operand(dot, 0));
  values[x] = pjs_tensor_retain(values[pjs_value_number(pjs_op_result(w, 0))]);
  expect_invalid(pjs_evaluate(evaluator, dot, values), "does not fit its type tensor<2x3xf32>");
  // What a region reads from outside.
  expect_none(pjs_evaluate(evaluator, pjs_value_op(pjs_op_operand(loop, 0)), values));
  expect_invalid(pjs_evaluate(evaluator, loop, values),
                 "stablehlo.compare: operand 1 has no value");
  expect_invalid(pjs_evaluate(evaluator, entry, values), "no operation of a function");
  expect_invalid(pjs_evaluate(evaluator, pjs_region_terminator(pjs_op_region(entry, 0)), values),
                 "ends a region");
  for (int i = 0; i < MAX_VALUES; i++)
    pjs_tensor_release(values[i]);
  pjs_evaluator_destroy(evaluator);
}

static void test_every_allocation_may_fail(void **state) {
  const PjsModule *module = module_of(state);
  for (int64_t n = 0, succeeded = 0; !succeeded; n++) {
    float product[4];
    int32_t sum;
    PjsEvaluator *evaluator;
    pj_alloc_fail_after(n);
    PjsError *error = pjs_evaluator_create(module, &evaluator);
    if (!error)
      error = run_all(module, evaluator, 3, product, &sum);
    pj_alloc_fail_after(-1);
    succeeded = !error;
    if (error)
      assert_int_equal(pjs_error_code(error), PJRT_Error_Code_RESOURCE_EXHAUSTED);
    pjs_error_free(error);
    pjs_evaluator_destroy(evaluator);
    assert_true(n < 10000);
  }
}

// --- What executables store ----------------------------------------------------------------------

static int compiled, restored;
static PjCode restore_code; // what the next restoring answers

static PjStatus store_compile(PjModule *module, const PjCompileOptions *options, PjCompiled **out) {
  compiled++;
  *out = (PjCompiled *)(uintptr_t) "fresh";
  return PJ_STATUS_OK;
}

static PjStatus store_serialize(const PjCompiled *which, PjStrBuf *out) {
  pj_strbuf_puts(out, "plan of ");
  pj_strbuf_puts(out, (const char *)which);
  return PJ_STATUS_OK;
}

static PjStatus store_deserialize(PjModule *module, const PjCompileOptions *options, PjStr bytes,
                                  PjCompiled **out) {
  restored++;
  assert_true(pj_str_is(bytes, "plan of fresh"));
  if (restore_code)
    return pj_status_make(restore_code, __FILE__, __LINE__, "restored");
  *out = (PjCompiled *)(uintptr_t) "again";
  return PJ_STATUS_OK;
}

static void store_destroy(PjCompiled *which) {}
static void store_stats(const PjCompiled *which, PjCompiledStats *out) {
  *out = (PjCompiledStats){0};
}

static const PjCompilerOps storing = {.name = "storing",
                                      .compile = store_compile,
                                      .serialize = store_serialize,
                                      .deserialize = store_deserialize,
                                      .destroy = store_destroy,
                                      .stats = store_stats};

static PjCode restore(PjStr bytes, PjStr options, int want_compiled, int want_restored) {
  PjExecutable *executable;
  compiled = restored = 0;
  PjStatus status = pj_executable_deserialize(&storing, bytes, options, &executable);
  PjCode code = pj_status_code(status);
  pj_status_free(status);
  assert_int_equal(compiled, want_compiled);
  assert_int_equal(restored, want_restored);
  if (!code)
    assert_string_equal((const char *)executable->compiled, want_compiled ? "fresh" : "again");
  pj_executable_release(executable);
  return code;
}

static void test_executables_store_what_a_compiler_wants(void **state) {
  (void)state;
  PjExecutable *executable;
  assert_null(
      pj_executable_compile(&storing, pj_str(program), PJ_STR("mlir"), PJ_STR(""), &executable));
  PjStrBuf bytes = {0};
  assert_null(pj_executable_serialize(executable, &bytes));
  pj_executable_release(executable);
  PjStr all = {bytes.data, bytes.len}, none = PJ_STR("");
  assert_int_equal(restore(all, none, 0, 1), PJ_OK);
  // Of another version of the compiler: compiled again. What is damaged is an error.
  restore_code = PJ_FAILED_PRECONDITION;
  assert_int_equal(restore(all, none, 1, 1), PJ_OK);
  restore_code = PJ_UNIMPLEMENTED;
  assert_int_equal(restore(all, none, 1, 1), PJ_OK);
  restore_code = PJ_INVALID_ARGUMENT;
  assert_int_equal(restore(all, none, 0, 1), PJ_INVALID_ARGUMENT);
  restore_code = PJ_OK;
  // Other options make another executable: ExecutableBuildOptions {optimization_level 1}.
  assert_int_equal(restore(all, PJ_STR("\x1a\x03\xc0\x01\x01"), 1, 0), PJ_OK);
  // A size of the stored part that the bytes do not have.
  for (size_t i = 12; i < 16; i++) {
    bytes.data[i] ^= 0x55;
    assert_int_equal(restore(all, none, 0, 0), PJ_INVALID_ARGUMENT);
    bytes.data[i] ^= 0x55;
  }
  // A compiler that stores nothing reads what one stored.
  assert_null(pj_executable_deserialize(&pj_compiler_eval, all, none, &executable));
  pj_executable_release(executable);
  pj_strbuf_free(&bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_functions_and_operations),
      cmocka_unit_test(test_types),
      cmocka_unit_test(test_attributes),
      cmocka_unit_test(test_texts_and_errors),
      cmocka_unit_test(test_every_operation_alone),
      cmocka_unit_test(test_what_cannot_be_evaluated),
      cmocka_unit_test(test_every_allocation_may_fail),
      cmocka_unit_test(test_executables_store_what_a_compiler_wants),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

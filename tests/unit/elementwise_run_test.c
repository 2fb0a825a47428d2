// Elementwise operations inside programs: scalars that stand for whole tensors, shapes known only
// at run time, bit casts across widths, chlo's broadcasting, quantised types.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "eval/eval.h"
#include "import/import.h"

typedef struct Run {
  PjArena *arena;
  const char *text;
  PjTensor **inputs;
  uint32_t num_inputs;
  PjTensor *output;
} Run;

static PjStatus run_guarded(void *context) {
  Run *run = context;
  PjModule *module;
  PjProgram *program;
  PJ_TRY(pj_import(run->arena, run->text, strlen(run->text), &module));
  PJ_TRY(pj_program_create(module, &program));
  return pj_program_run(program, NULL, run->num_inputs, run->inputs, NULL, 1, &run->output);
}

static PjStatus run(Run *r) {
  PJ_TRY(pj_arena_create(0, &r->arena));
  PjStatus status = pj_arena_guard(r->arena, run_guarded, r);
  pj_arena_destroy(r->arena);
  return status;
}

// Runs |body| as the body of a function that returns %r of |type|, and compares the bytes of the
// result.
static void expect(const char *type, const char *body, size_t size, const void *want) {
  char text[4096];
  snprintf(text, sizeof text, "func.func @main() -> %s {\n%s\n  return %%r : %s\n}\n", type, body,
           type);
  Run r = {.text = text};
  PjStatus status = run(&r);
  if (status)
    fail_msg("%s\n%s", pj_status_message(status), text);
  assert_int_equal(r.output->bytes, size);
  if (memcmp(r.output->data, want, size)) {
    for (size_t i = 0; i < size; ++i)
      print_message("%02x ", ((uint8_t *)r.output->data)[i]);
    fail_msg("\n%s", text);
  }
  pj_tensor_release(r.output);
}

static void test_scalar_operands(void **state) {
  expect("tensor<3xf32>",
         "%x = stablehlo.constant dense<[-1.0, 0.5, 9.0]> : tensor<3xf32>\n"
         "%l = stablehlo.constant dense<0.0> : tensor<f32>\n"
         "%h = stablehlo.constant dense<[1.0, 1.0, 2.0]> : tensor<3xf32>\n"
         "%r = stablehlo.clamp %l, %x, %h : (tensor<f32>, tensor<3xf32>, tensor<3xf32>) -> "
         "tensor<3xf32>",
         12, (float[]){0, 0.5f, 2});
  expect("tensor<2xi32>",
         "%p = stablehlo.constant dense<false> : tensor<i1>\n"
         "%a = stablehlo.constant dense<[1, 2]> : tensor<2xi32>\n"
         "%b = stablehlo.constant dense<[3, 4]> : tensor<2xi32>\n"
         "%r = stablehlo.select %p, %a, %b : (tensor<i1>, tensor<2xi32>, tensor<2xi32>) -> "
         "tensor<2xi32>",
         8, (int32_t[]){3, 4});
}

static void test_shapes_at_run_time(void **state) {
  static const char text[] =
      "func.func @main(%a: tensor<?xi32>, %b: tensor<?xi32>) -> tensor<?xi32> {\n"
      "  %r = stablehlo.add %a, %b : tensor<?xi32>\n"
      "  return %r : tensor<?xi32>\n"
      "}\n";
  int32_t x[] = {1, 2, 3}, y[] = {10, 20, 30};
  PjTensor *in[2] = {pj_tensor_wrap(PJ_DT_S32, 1, (int64_t[]){3}, x, false, NULL, NULL),
                     pj_tensor_wrap(PJ_DT_S32, 1, (int64_t[]){3}, y, false, NULL, NULL)};
  Run r = {.text = text, .inputs = in, .num_inputs = 2};
  assert_null(run(&r));
  assert_memory_equal(r.output->data, ((int32_t[]){11, 22, 33}), 12);
  pj_tensor_release(r.output);
  pj_tensor_release(in[1]);
  in[1] = pj_tensor_wrap(PJ_DT_S32, 1, (int64_t[]){2}, y, false, NULL, NULL);
  PjStatus status = run(&r);
  assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
  assert_non_null(strstr(pj_status_message(status), "operand 1 has shape 2, operand 0 has 3"));
  pj_status_free(status);
  pj_tensor_release(in[0]);
  pj_tensor_release(in[1]);
}

// Where types bound a size, an operand that is there in full counts only as far as the other one.
static void test_bounded_shapes_meet(void **state) {
#define BOUNDED "tensor<?xi32, #stablehlo.bounds<3>>"
  static const char text[] =
      "func.func @main(%a: " BOUNDED ", %b: tensor<3xi32>) -> " BOUNDED " {\n"
      "  %n = stablehlo.constant dense<2> : tensor<i32>\n"
      "  %s = \"stablehlo.set_dimension_size\"(%b, %n) {dimension = 0 : i64} : (tensor<3xi32>, "
      "tensor<i32>) -> " BOUNDED "\n"
      "  %r = stablehlo.add %a, %s : " BOUNDED "\n"
      "  return %r : " BOUNDED "\n}\n";
  int32_t x[] = {1, 2, 3}, y[] = {10, 20, 30};
  PjTensor *in[2] = {pj_tensor_wrap(PJ_DT_S32, 1, (int64_t[]){3}, x, false, NULL, NULL),
                     pj_tensor_wrap(PJ_DT_S32, 1, (int64_t[]){3}, y, false, NULL, NULL)};
  Run r = {.text = text, .inputs = in, .num_inputs = 2};
  assert_null(run(&r));
  assert_int_equal(r.output->dims[0], 2);
  assert_memory_equal(r.output->data, ((int32_t[]){11, 22}), 8);
  pj_tensor_release(r.output);
  pj_tensor_release(in[0]);
  pj_tensor_release(in[1]);
}

static void test_bitcasts(void **state) {
  expect("tensor<2xi32>",
         "%x = stablehlo.constant dense<[1.0, -0.0]> : tensor<2xf32>\n"
         "%r = stablehlo.bitcast_convert %x : (tensor<2xf32>) -> tensor<2xi32>",
         8, (uint32_t[]){0x3F800000, 0x80000000});
  expect("tensor<1x4xui8>",
         "%x = stablehlo.constant dense<0x01020304> : tensor<1xi32>\n"
         "%r = stablehlo.bitcast_convert %x : (tensor<1xi32>) -> tensor<1x4xui8>",
         4, (uint8_t[]){4, 3, 2, 1});
  expect("tensor<i16>",
         "%x = stablehlo.constant dense<[1, -1, 2, 7]> : tensor<4xi4>\n"
         "%r = stablehlo.bitcast_convert %x : (tensor<4xi4>) -> tensor<i16>",
         2, (uint16_t[]){0x72F1});
  expect("tensor<2xi4>",
         "%x = stablehlo.constant dense<-113> : tensor<i8>\n" // 0x8F
         "%r = stablehlo.bitcast_convert %x : (tensor<i8>) -> tensor<2xi4>",
         2, (int8_t[]){-1, -8});
  expect("tensor<2xui4>",
         "%x = stablehlo.constant dense<[-1, 3]> : tensor<2xi4>\n"
         "%r = stablehlo.bitcast_convert %x : (tensor<2xi4>) -> tensor<2xui4>",
         2, (uint8_t[]){15, 3});
  expect("tensor<f64>",
         "%x = stablehlo.constant dense<[0, 0x3FF80000]> : tensor<2xi32>\n"
         "%r = stablehlo.bitcast_convert %x : (tensor<2xi32>) -> tensor<f64>",
         8, (double[]){1.5});
}

static void test_broadcasting(void **state) {
  expect("tensor<2x3xi32>",
         "%x = stablehlo.constant dense<[[1], [2]]> : tensor<2x1xi32>\n"
         "%y = stablehlo.constant dense<[10, 20, 30]> : tensor<3xi32>\n"
         "%r = chlo.broadcast_add %x, %y : (tensor<2x1xi32>, tensor<3xi32>) -> tensor<2x3xi32>",
         24, (int32_t[]){11, 21, 31, 12, 22, 32});
  expect("tensor<2x3xi32>",
         "%x = stablehlo.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>\n"
         "%y = stablehlo.constant dense<[10, 20]> : tensor<2xi32>\n"
         "%r = chlo.broadcast_subtract %x, %y {broadcast_dimensions = array<i64: 0>} : "
         "(tensor<2x3xi32>, "
         "tensor<2xi32>) -> tensor<2x3xi32>",
         24, (int32_t[]){-9, -8, -7, -16, -15, -14});
}

// ------------------------------------------------------------------ quantised types
static void test_quantize(void **state) {
  // By hand: x / 0.5 + 1, rounded to even, within -8 .. 7 of the i8 storage; NaN is stored as 0.
  expect("tensor<6xi8>",
         "%x = stablehlo.constant dense<[0.25, 0.75, -1.0, 100.0, -100.0, 0x7FC00000]> : "
         "tensor<6xf32>\n"
         "%q = stablehlo.uniform_quantize %x : (tensor<6xf32>) -> "
         "tensor<6x!quant.uniform<i8<-8:7>:f32, 0.5:1>>\n"
         "%r = stablehlo.bitcast_convert %q : (tensor<6x!quant.uniform<i8<-8:7>:f32, 0.5:1>>) -> "
         "tensor<6xi8>",
         6, (int8_t[]){2, 2, -1, 7, -8, 0});
}

static void test_per_axis(void **state) {
  expect("tensor<2x2xf32>",
         "%s = stablehlo.constant dense<[[127, -128], [10, -128]]> : tensor<2x2xi8>\n"
         "%q = stablehlo.bitcast_convert %s : (tensor<2x2xi8>) -> "
         "tensor<2x2x!quant.uniform<i8:f32:1, {0.5:-128, 2.0:127}>>\n"
         "%r = stablehlo.uniform_dequantize %q : (tensor<2x2x!quant.uniform<i8:f32:1, {0.5:-128, "
         "2.0:127}>>) -> "
         "tensor<2x2xf32>",
         16, (float[]){127.5f, -510, 69, -510});
}

static void test_quantized_arithmetic(void **state) {
  // (6 - 1) * 0.5 + (4 + 0) * 0.25 = 3.5 -> 35; saturates: (127 - 1) * 0.5 + 31.75 -> 127
  expect(
      "tensor<2xi8>",
      "%a = stablehlo.constant dense<[6, 127]> : tensor<2xi8>\n"
      "%b = stablehlo.constant dense<[4, 127]> : tensor<2xi8>\n"
      "%x = stablehlo.bitcast_convert %a : (tensor<2xi8>) -> tensor<2x!quant.uniform<i8:f32, "
      "0.5:1>>\n"
      "%y = stablehlo.bitcast_convert %b : (tensor<2xi8>) -> tensor<2x!quant.uniform<i8:f32, "
      "0.25>>\n"
      "%z = stablehlo.add %x, %y : (tensor<2x!quant.uniform<i8:f32, 0.5:1>>, "
      "tensor<2x!quant.uniform<i8:f32, "
      "0.25>>) -> tensor<2x!quant.uniform<i8:f32, 0.1>>\n"
      "%r = stablehlo.bitcast_convert %z : (tensor<2x!quant.uniform<i8:f32, 0.1>>) -> tensor<2xi8>",
      2, (int8_t[]){35, 127});
  // Weights only: float activations times quantised weights give floats.
  expect("tensor<1x2xf32>",
         "%a = stablehlo.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>\n"
         "%b = stablehlo.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>\n"
         "%w = stablehlo.bitcast_convert %b : (tensor<2x2xi8>) -> "
         "tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 2.0}>>\n"
         "%r = stablehlo.dot_general %a, %w, contracting_dims = [1] x [0] : (tensor<1x2xf32>, "
         "tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 2.0}>>) -> tensor<1x2xf32>",
         8, (float[]){3.5f, 20});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_scalar_operands),
      cmocka_unit_test(test_shapes_at_run_time),
      cmocka_unit_test(test_bounded_shapes_meet),
      cmocka_unit_test(test_bitcasts),
      cmocka_unit_test(test_broadcasting),
      cmocka_unit_test(test_quantize),
      cmocka_unit_test(test_per_axis),
      cmocka_unit_test(test_quantized_arithmetic),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

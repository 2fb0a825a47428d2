// Programs that the verifier must let through, since their types leave sizes open or their parts do
// not know of each other, but that cannot be run: each ends in an error that says why.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluate.h"

// |ops| get %x and %y of the sizes |x| and |y| (lists), of a type with |rank| open dimensions, and
// define %r of |type|.
static void fails_with_sizes(const char *x, const char *y, int rank, const char *ops,
                             const char *type, const char *fragment) {
  char open[32] = "";
  for (int i = 0; i < rank; ++i)
    strcat(open, "?x");
  text_start();
  text_add("func.func @main() -> %s {\n"
           "  %%u = stablehlo.constant dense<[%s]> : tensor<%dxi64>\n"
           "  %%v = stablehlo.constant dense<[%s]> : tensor<%dxi64>\n"
           "  %%x = stablehlo.dynamic_iota %%u, dim = 0 : (tensor<%dxi64>) -> tensor<%sf32>\n"
           "  %%y = stablehlo.dynamic_iota %%v, dim = 0 : (tensor<%dxi64>) -> tensor<%sf32>\n"
           "  %s\n  return %%r : %s\n}\n",
           type, x, rank, y, rank, rank, open, rank, open, ops, type);
  evaluate_fails(text_get(), PJ_INVALID_ARGUMENT, fragment);
}

static void open_sizes_must_agree(void **state) {
  (void)state;
  static const char dot[] =
      "%r = stablehlo.dot_general %x, %y, contracting_dims = [0] x [0] : (tensor<?xf32>, "
      "tensor<?xf32>) -> tensor<f32>";
  fails_with_sizes("700", "3", 1, dot, "tensor<f32>", "contracting");
  fails_with_sizes("3", "700", 1, dot, "tensor<f32>", "contracting");
  fails_with_sizes("3, 5", "30, 3", 2,
                   "%r = \"stablehlo.triangular_solve\"(%x, %y) {left_side = true, lower = true, "
                   "unit_diagonal = false, transpose_a = #stablehlo<transpose NO_TRANSPOSE>} : "
                   "(tensor<?x?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>",
                   "tensor<?x?xf32>", "square");
  fails_with_sizes("3, 5", "1, 1", 2, "%r = stablehlo.cholesky %x, lower = true : tensor<?x?xf32>",
                   "tensor<?x?xf32>", "square");
  fails_with_sizes(
      "3, 500", "1, 3", 2,
      "%s = stablehlo.constant dense<3> : tensor<1xi64>\n"
      "  %z = stablehlo.dynamic_reshape %y, %s : (tensor<?x?xf32>, tensor<1xi64>) -> "
      "tensor<?xf32>\n"
      "  %r = \"stablehlo.batch_norm_inference\"(%x, %z, %z, %z, %z) {epsilon = 0.0 : f32, "
      "feature_index = 1 : i64} : (tensor<?x?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, "
      "tensor<?xf32>) -> tensor<?x?xf32>",
      "tensor<?x?xf32>", "500 features");
  fails_with_sizes("3, 10, 50", "2, 2, 3", 3,
                   "%r = \"stablehlo.convolution\"(%x, %y) {dimension_numbers = "
                   "#stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>, feature_group_count = 1 : "
                   "i64, batch_group_count = 1 : i64} : (tensor<?x?x?xf32>, tensor<?x?x?xf32>) -> "
                   "tensor<?x?x?xf32>",
                   "tensor<?x?x?xf32>", "50 input features");
  fails_with_sizes("3", "1", 1,
                   "%c = stablehlo.complex %x, %x : tensor<?xcomplex<f32>>\n"
                   "  %r = stablehlo.fft %c, type = IRFFT, length = [512] : "
                   "(tensor<?xcomplex<f32>>) -> tensor<?xf32>",
                   "tensor<?xf32>", "expected 257");
}

static void custom_calls_check_what_they_get(void **state) {
  (void)state;
  evaluate_fails("func.func @main() -> tensor<f32> {\n"
                 "  %t = stablehlo.create_token : !stablehlo.token\n"
                 "  stablehlo.custom_call @shape_assertion(%t) {has_side_effect = true} : "
                 "(!stablehlo.token) -> ()\n"
                 "  %r = stablehlo.constant dense<0.0> : tensor<f32>\n"
                 "  return %r : tensor<f32>\n}\n",
                 PJ_INVALID_ARGUMENT, "tensor<i1>");
  evaluate_fails("func.func @main() -> tensor<f32> {\n"
                 "  %c = stablehlo.constant dense<false> : tensor<i1>\n"
                 "  stablehlo.custom_call @shape_assertion(%c) {error_message = 5 : i32, "
                 "has_side_effect = true} : (tensor<i1>) -> ()\n"
                 "  %r = stablehlo.constant dense<0.0> : tensor<f32>\n"
                 "  return %r : tensor<f32>\n}\n",
                 PJ_INVALID_ARGUMENT, "does not hold");
  evaluate_fails("func.func @main() -> tensor<f32> {\n"
                 "  %c = stablehlo.constant dense<0.0> : tensor<f32>\n"
                 "  %t = stablehlo.custom_call @Sharding(%c) : (tensor<f32>) -> "
                 "tuple<tensor<f32>>\n"
                 "  %r = stablehlo.get_tuple_element %t[0] : (tuple<tensor<f32>>) -> tensor<f32>\n"
                 "  return %r : tensor<f32>\n}\n",
                 PJ_INVALID_ARGUMENT, "does not fit its type tuple");
}

// Strides of an empty array do not overflow either.
static void empty_arrays_have_bounded_sizes(void **state) {
  (void)state;
  evaluate_fails("func.func @main() -> tensor<0x4x4611686018427387904xf32> {\n"
                 "  %c = stablehlo.constant dense<0.0> : tensor<f32>\n"
                 "  %x = stablehlo.broadcast_in_dim %c, dims = [] : (tensor<f32>) -> "
                 "tensor<4611686018427387904x4x0xf32>\n"
                 "  %r = stablehlo.transpose %x, dims = [2, 1, 0] : "
                 "(tensor<4611686018427387904x4x0xf32>) -> tensor<0x4x4611686018427387904xf32>\n"
                 "  return %r : tensor<0x4x4611686018427387904xf32>\n}\n",
                 PJ_RESOURCE_EXHAUSTED, "memory");
}

#define ADDS                                        \
  "({\n  ^bb0(%p: tensor<f32>, %q: tensor<f32>):\n" \
  "    %s = stablehlo.add %p, %q : tensor<f32>\n"   \
  "    stablehlo.return %s : tensor<f32>\n  })"
#define GROUPS "{replica_groups = dense<[[0, 1]]> : tensor<1x2xi64>}"

// Processes that run different programs meet in the same collective.
static void members_of_a_group_bring_the_same(void **state) {
  (void)state;
  evaluate_fails("func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
                 "  %r = \"stablehlo.all_reduce\"(%a) " ADDS GROUPS
                 " : (tensor<4xf32>) -> tensor<4xf32>\n"
                 "  return %r : tensor<4xf32>\n}\n"
                 "func.func @g(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
                 "  %r:2 = \"stablehlo.all_reduce\"(%a, %a) " ADDS GROUPS
                 " : (tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)\n"
                 "  return %r#0 : tensor<4xf32>\n}\n"
                 "func.func @main() -> tensor<4xf32> {\n"
                 "  %a = stablehlo.constant dense<1.0> : tensor<4xf32>\n"
                 "  %r:2 = \"interpreter.run_parallel\"(%a, %a) {programs = [[@f], [@g]]} : "
                 "(tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)\n"
                 "  return %r#0 : tensor<4xf32>\n}\n",
                 PJ_INVALID_ARGUMENT, "different shapes");
  text_start();
  for (int i = 0; i < 2; ++i) {
    int n = i ? 300 : 2;
    text_add("func.func @%c(%%a: tensor<4x%dxf32>) -> tensor<8x%dxf32> {\n"
             "  %%r = \"stablehlo.all_gather\"(%%a) {all_gather_dim = 0 : i64, replica_groups = "
             "dense<[[0, 1]]> : tensor<1x2xi64>} : (tensor<4x%dxf32>) -> tensor<8x%dxf32>\n"
             "  return %%r : tensor<8x%dxf32>\n}\n",
             i ? 'g' : 'f', n, n, n, n, n);
  }
  text_add("func.func @main() -> tensor<8x2xf32> {\n"
           "  %%a = stablehlo.constant dense<1.0> : tensor<4x2xf32>\n"
           "  %%b = stablehlo.constant dense<1.0> : tensor<4x300xf32>\n"
           "  %%r:2 = \"interpreter.run_parallel\"(%%a, %%b) {programs = [[@f], [@g]]} : "
           "(tensor<4x2xf32>, tensor<4x300xf32>) -> (tensor<8x2xf32>, tensor<8x300xf32>)\n"
           "  return %%r#0 : tensor<8x2xf32>\n}\n");
  evaluate_fails(text_get(), PJ_INVALID_ARGUMENT, "different shapes");
}

static void manual_fails(const char *mesh, const char *sharding, const char *part,
                         const char *fragment) {
  text_start();
  text_add("sdy.mesh @mesh = <[\"x\"=2]%s>\n"
           "func.func @main() -> tensor<4x4xf32> {\n"
           "  %%a = stablehlo.constant dense<1.0> : tensor<4x4xf32>\n"
           "  %%r = sdy.manual_computation(%%a) in_shardings=[<@mesh, [%s]>] "
           "out_shardings=[<@mesh, [%s]>] manual_axes={\"x\"} (%%p: tensor<%sxf32>) {\n"
           "    sdy.return %%p : tensor<%sxf32>\n"
           "  } : (tensor<4x4xf32>) -> tensor<4x4xf32>\n"
           "  return %%r : tensor<4x4xf32>\n}\n",
           mesh, sharding, sharding, part, part);
  evaluate_fails(text_get(), PJ_INVALID_ARGUMENT, fragment);
}

static void meshes_and_shardings_name_each_part_once(void **state) {
  (void)state;
  manual_fails(", device_ids=[1, 1]", "{\"x\"}, {}", "2x4", "permutation");
  manual_fails("", "{\"x\"}, {\"x\"}", "2x2", "twice");
}

// Each of two replicas gathers a nested manual computation among its own partitions.
static void nested_manual_computations_stay_in_their_replica(void **state) {
  (void)state;
  static const char text[] =
      "sdy.mesh @mesh = <[\"x\"=2]>\n"
      "func.func @f(%a: tensor<4xf32>) -> tensor<4xf32> {\n"
      "  %r = sdy.manual_computation(%a) in_shardings=[<@mesh, [{\"x\"}]>] "
      "out_shardings=[<@mesh, [{\"x\"}]>] manual_axes={\"x\"} (%p: tensor<2xf32>) {\n"
      "    sdy.return %p : tensor<2xf32>\n"
      "  } : (tensor<4xf32>) -> tensor<4xf32>\n"
      "  return %r : tensor<4xf32>\n}\n"
      "func.func @main() -> (tensor<4xf32>, tensor<4xf32>) {\n"
      "  %a = stablehlo.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>\n"
      "  %b = stablehlo.constant dense<[5.0, 6.0, 7.0, 8.0]> : tensor<4xf32>\n"
      "  %r:4 = \"interpreter.run_parallel\"(%a, %a, %b, %b) {programs = [[@f, @f], [@f, @f]]} : "
      "(tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> (tensor<4xf32>, "
      "tensor<4xf32>, tensor<4xf32>, tensor<4xf32>)\n"
      "  return %r#0, %r#3 : tensor<4xf32>, tensor<4xf32>\n}\n";
  for (int round = 0; round < 20; ++round) {
    PjTensor *out[2];
    evaluate_ok(text, 0, NULL, 2, out);
    for (int i = 0; i < 2; ++i) {
      assert_memory_equal(out[i]->data, ((const float[]){1, 2, 3, 4, 5, 6, 7, 8}) + 4 * i, 16);
      pj_tensor_release(out[i]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(open_sizes_must_agree),
      cmocka_unit_test(custom_calls_check_what_they_get),
      cmocka_unit_test(empty_arrays_have_bounded_sizes),
      cmocka_unit_test(members_of_a_group_bring_the_same),
      cmocka_unit_test(meshes_and_shardings_name_each_part_once),
      cmocka_unit_test(nested_manual_computations_stay_in_their_replica),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

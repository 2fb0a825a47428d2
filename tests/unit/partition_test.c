// Sharding rules and propagation. What is expected is what Shardy says
// (tests/python/test_partition.py compares whole programs with it); here are the rules one by one,
// and small cases of each mechanism.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "partition/gspmd.h"
#include "partition/partition.h"
#include "partition/rule.h"
#include "partition/spec.h"
#include "pass_support.h"

// --- Rules ---------------------------------------------------------------------------------------

typedef struct RuleCase {
  const char *args, *op, *results; // of a function whose last operation has the rule
  const char *rule;                // "" : none
} RuleCase;

static const RuleCase rule_cases[] = {
    {"%a: tensor<16x24xf32>, %b: tensor<16x24xf32>", "stablehlo.add %a, %b : tensor<16x24xf32>",
     "tensor<16x24xf32>", "([i, j], [i, j])->([i, j]) {i=16, j=24}"},
    {"%a: tensor<f32>", "stablehlo.negate %a : tensor<f32>", "tensor<f32>", "([])->([])"},
    {"%p: tensor<i1>, %a: tensor<4xf32>, %b: tensor<4xf32>",
     "stablehlo.select %p, %a, %b : tensor<i1>, tensor<4xf32>", "tensor<4xf32>",
     "([], [i], [i])->([i]) {i=4}"},
    {"%a: tensor<4x8xi32>", "stablehlo.bitcast_convert %a : (tensor<4x8xi32>) -> tensor<4x8x4xi8>",
     "tensor<4x8x4xi8>", "([i, j])->([i, j, k]) {i=4, j=8, k=4} need_replication={k}"},
    {"%a: tensor<1x8xf32>",
     "stablehlo.broadcast_in_dim %a, dims = [0, 2] : (tensor<1x8xf32>) -> tensor<4x3x8xf32>",
     "tensor<4x3x8xf32>", "([i, l])->([j, k, l]) {i=1, j=4, k=3, l=8}"},
    {"%a: tensor<16x12x8xf32>",
     "stablehlo.transpose %a, dims = [2, 0, 1] : (tensor<16x12x8xf32>) -> tensor<8x16x12xf32>",
     "tensor<8x16x12xf32>", "([j, k, i])->([i, j, k]) {i=8, j=16, k=12}"},
    {"%a: tensor<16x12x8xf32>", "stablehlo.reshape %a : (tensor<16x12x8xf32>) -> tensor<192x8xf32>",
     "tensor<192x8xf32>", "([i, j, k])->([ij, k]) {i=16, j=12, k=8}"},
    {"%a: tensor<6x1x4xf32>", "stablehlo.reshape %a : (tensor<6x1x4xf32>) -> tensor<2x12xf32>",
     "tensor<2x12xf32>", "([ij, k, l])->([i, jl]) {i=2, j=3, k=1, l=4}"},
    {"%a: tensor<2x3xf32>", "stablehlo.reshape %a : (tensor<2x3xf32>) -> tensor<3x2xf32>",
     "tensor<3x2xf32>", "([i, k])->([j, l]) {i=2, j=3, k=3, l=2}"},
    {"%a: tensor<0x3xf32>", "stablehlo.reshape %a : (tensor<0x3xf32>) -> tensor<3x0xf32>",
     "tensor<3x0xf32>", ""},
    {"%a: tensor<2x32x16xf32>, %b: tensor<2x64x16xf32>",
     "stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [2] x [2] : "
     "(tensor<2x32x16xf32>, tensor<2x64x16xf32>) -> tensor<2x32x64xf32>",
     "tensor<2x32x64xf32>",
     "([i, j, l], [i, k, l])->([i, j, k]) {i=2, j=32, k=64, l=16} reduction={l}"},
    {"%a: tensor<32x16xf32>, %b: tensor<16x64xf32>",
     "stablehlo.dot %a, %b : (tensor<32x16xf32>, tensor<16x64xf32>) -> tensor<32x64xf32>",
     "tensor<32x64xf32>", "([i, k], [k, j])->([i, j]) {i=32, j=64, k=16} reduction={k}"},
    {"%a: tensor<8x16x4xf32>, %b: tensor<3x2x32xf32>",
     "stablehlo.convolution(%a, %b) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {pad = "
     "[[1, 1]]} {batch_group_count = 1 : i64, feature_group_count = 2 : i64} : "
     "(tensor<8x16x4xf32>, tensor<3x2x32xf32>) -> tensor<8x16x32xf32>",
     "tensor<8x16x32xf32>",
     "([i, j, kl], [n, l, km])->([i, j, km]) {i=8, j=16, k=2, l=2, m=16, n=1} reduction={l} "
     "permutation={j}"},
    {"%a: tensor<16x24xf32>, %z: tensor<f32>",
     "stablehlo.reduce(%a init: %z) applies stablehlo.add across dimensions = [1] : "
     "(tensor<16x24xf32>, tensor<f32>) -> tensor<16xf32>",
     "tensor<16xf32>", "([i, j], [])->([i]) {i=16, j=24} reduction={j}"},
    {"%a: tensor<16x12xf32>",
     "stablehlo.slice %a [2:10, 0:12] : (tensor<16x12xf32>) -> tensor<8x12xf32>",
     "tensor<8x12xf32>", "([i, j])->([i, j]) {i=16, j=12} permutation={i}"},
    {"%a: tensor<16x12xf32>, %z: tensor<f32>",
     "stablehlo.pad %a, %z, low = [0, 1], high = [0, 1], interior = [0, 0] : "
     "(tensor<16x12xf32>, tensor<f32>) -> tensor<16x14xf32>",
     "tensor<16x14xf32>", "([i, j], [])->([i, j]) {i=16, j=12} permutation={j}"},
    {"%a: tensor<16x12xf32>", "stablehlo.reverse %a, dims = [1] : tensor<16x12xf32>",
     "tensor<16x12xf32>", "([i, j])->([i, j]) {i=16, j=12} permutation={j}"},
    {"%a: tensor<16x12xf32>",
     "stablehlo.concatenate %a, %a, dim = 0 : (tensor<16x12xf32>, tensor<16x12xf32>) -> "
     "tensor<32x12xf32>",
     "tensor<32x12xf32>", "([i, j], [i, j])->([i, j]) {i=32, j=12} need_replication={i}"},
    {"%a: tensor<16x12xf32>, %i: tensor<i32>",
     "stablehlo.dynamic_slice %a, %i, %i, sizes = [4, 12] : (tensor<16x12xf32>, tensor<i32>, "
     "tensor<i32>) -> tensor<4x12xf32>",
     "tensor<4x12xf32>",
     "([i, j], [], [])->([i, j]) {i=16, j=12} need_replication={i} blocked_propagation={i}"},
    {"%a: tensor<16x12xf32>, %u: tensor<4x12xf32>, %i: tensor<i32>",
     "stablehlo.dynamic_update_slice %a, %u, %i, %i : (tensor<16x12xf32>, tensor<4x12xf32>, "
     "tensor<i32>, tensor<i32>) -> tensor<16x12xf32>",
     "tensor<16x12xf32>",
     "([i, k], [j, k], [], [])->([i, k]) {i=16, j=4, k=12} need_replication={j}"},
    {"%t: tensor<64x32xf32>, %i: tensor<4x8x1xi32>",
     "\"stablehlo.gather\"(%t, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = [2], "
     "collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 2>, slice_sizes = "
     "array<i64: 1, 32>}> : (tensor<64x32xf32>, tensor<4x8x1xi32>) -> tensor<4x8x32xf32>",
     "tensor<4x8x32xf32>",
     "([l, k], [i, j, m])->([i, j, k]) {i=4, j=8, k=32, l=64, m=1} reduction={l} "
     "need_replication={m}"},
    {"%t: tensor<64x32xf32>, %i: tensor<4x1xi32>, %u: tensor<4x32xf32>",
     "\"stablehlo.scatter\"(%t, %i, %u) <{scatter_dimension_numbers = "
     "#stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], "
     "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({\n"
     "^bb0(%x: tensor<f32>, %y: tensor<f32>):\n  %s = stablehlo.add %x, %y : tensor<f32>\n"
     "  stablehlo.return %s : tensor<f32>\n}) : (tensor<64x32xf32>, tensor<4x1xi32>, "
     "tensor<4x32xf32>) -> tensor<64x32xf32>",
     "tensor<64x32xf32>",
     "([k, j], [i, l], [i, j])->([k, j]) {i=4, j=32, k=64, l=1} reduction={i} "
     "need_replication={l}"},
    {"%a: tensor<8x16xcomplex<f32>>",
     "stablehlo.fft %a, type = FFT, length = [16] : (tensor<8x16xcomplex<f32>>) -> "
     "tensor<8x16xcomplex<f32>>",
     "tensor<8x16xcomplex<f32>>", "([i, j])->([i, j]) {i=8, j=16} need_replication={j}"},
    {"%a: tensor<3x8x8xf32>", "stablehlo.cholesky %a, lower = true : tensor<3x8x8xf32>",
     "tensor<3x8x8xf32>", "([i, j, k])->([i, j, k]) {i=3, j=8, k=8} need_replication={j, k}"},
    {"%a: tensor<3x8x8xf32>, %b: tensor<3x8x5xf32>",
     "\"stablehlo.triangular_solve\"(%a, %b) <{left_side = true, lower = true, transpose_a = "
     "#stablehlo<transpose NO_TRANSPOSE>, unit_diagonal = false}> : (tensor<3x8x8xf32>, "
     "tensor<3x8x5xf32>) -> tensor<3x8x5xf32>",
     "tensor<3x8x5xf32>",
     "([i, j, l], [i, j, k])->([i, l, k]) {i=3, j=8, k=5, l=8} need_replication={j, k, l}"},
    {"%a: tensor<8x4xf32>",
     "stablehlo.custom_call @f(%a) {sdy.sharding_rule = #sdy.op_sharding_rule<([i, j])->([j, i]) "
     "{i=8, j=4} need_replication={j}, custom>} : (tensor<8x4xf32>) -> tensor<4x8xf32>",
     "tensor<4x8xf32>", "([i, j])->([j, i]) {i=8, j=4} need_replication={j}"},
    {"%a: tensor<8x4xf32>", "stablehlo.custom_call @f(%a) : (tensor<8x4xf32>) -> tensor<8x4xf32>",
     "tensor<8x4xf32>", ""},
};

typedef struct RuleJob {
  Parsed parsed;
  PjStrBuf text;
} RuleJob;

static PjStatus print_rule(void *context) {
  RuleJob *job = context;
  const PjOp *end = pj_region_terminator(&pj_module_entry(job->parsed.module)->regions[0]);
  const PjShardingRule *rule = pj_shard_rule_of(job->parsed.arena, end->prev);
  if (rule)
    pj_shard_rule_print(&job->text, rule);
  return PJ_STATUS_OK;
}

static void rules_are_shardys(void **unused) {
  for (size_t i = 0; i < sizeof rule_cases / sizeof *rule_cases; ++i) {
    const RuleCase *c = &rule_cases[i];
    char body[4096];
    snprintf(body, sizeof body, "%%r = %s\nreturn %%r : %s", c->op, c->results);
    const char *text = pass_main(c->args, c->results, body);
    RuleJob job = {.parsed = parse(text, strlen(text))};
    if (job.parsed.status)
      fail_msg("%s: %s", c->op, pj_status_message(job.parsed.status));
    PjStatus status = pj_verify(job.parsed.module);
    if (status)
      fail_msg("%s: %s", c->op, pj_status_message(status));
    assert_null(pj_arena_guard(job.parsed.arena, print_rule, &job));
    assert_string_equal(job.text.data ? job.text.data : "", c->rule);
    pj_strbuf_free(&job.text);
    parsed_free(&job.parsed);
  }
}

// --- Propagation ---------------------------------------------------------------------------------

typedef struct PropagationJob {
  PjModule *module;
  bool parameters, results;
} PropagationJob;

static PjStatus propagate(void *context) {
  PropagationJob *job = context;
  PjPartitionOptions options = {.to_parameters = job->parameters, .to_results = job->results};
  return pj_partition_propagate(job->module, &options);
}

static PjStatus run(const char *text, PropagationJob job, PjStrBuf *out) {
  Parsed parsed = parse(text, strlen(text));
  if (parsed.status)
    fail_msg("%s", pj_status_message(parsed.status));
  job.module = parsed.module;
  PjStatus status = pj_verify(parsed.module);
  if (!status)
    status = pj_arena_guard(parsed.arena, propagate, &job);
  if (!status)
    pj_module_print(out, parsed.module, NULL);
  parsed_free(&parsed);
  return status;
}

// Expects that the signature of the entry contains |args| and |results|.
static void expect(const char *text, const char *signature) {
  PjStrBuf out = {0};
  PjStatus status = run(text, (PropagationJob){NULL, true, true}, &out);
  if (status)
    fail_msg("%s", pj_status_message(status));
  if (!strstr(out.data, signature))
    fail_msg("expected %s in\n%s", signature, out.data);
  pj_strbuf_free(&out);
}

#define MESH      "sdy.mesh @m = <[\"x\"=4, \"y\"=2]>\n"
#define CUT(dims) "{sdy.sharding = #sdy.sharding<@m, [" dims "]>}"

static void products_keep_rows_and_columns(void **unused) {
  expect(MESH
         "func.func @main(%a: tensor<16x8xf32> " CUT("{\"x\"}, {}") ", %b: tensor<8x4xf32> " CUT(
             "{}, {\"y\"}") ") -> tensor<16x4xf32> {\n"
                            "  %0 = stablehlo.dot %a, %b : (tensor<16x8xf32>, tensor<8x4xf32>) -> "
                            "tensor<16x4xf32>\n"
                            "  return %0 : tensor<16x4xf32>\n}\n",
         "-> (tensor<16x4xf32> " CUT("{\"x\"}, {\"y\"}") ")");
}

static void parameters_get_shardings_backwards(void **unused) {
  expect(MESH
         "func.func @main(%a: tensor<16x8xf32>, %b: tensor<16x8xf32>) -> (tensor<16x8xf32> " CUT(
             "{\"y\"}, {\"x\"}") ") {\n"
                                 "  %0 = stablehlo.add %a, %b : tensor<16x8xf32>\n  return %0 : "
                                 "tensor<16x8xf32>\n}\n",
         "(%arg0: tensor<16x8xf32> " CUT("{\"y\"}, {\"x\"}") ", %arg1: tensor<16x8xf32> " CUT(
             "{\"y\"}, {\"x\"}") ")");
}

static void larger_tensors_win(void **unused) {
  // Both operands want axis x, for dimensions that the result has both: the larger one gets it.
  expect(MESH
         "func.func @main(%a: tensor<16x8xf32> " CUT("{\"x\"}, {}") ", %b: tensor<8x64xf32> " CUT(
             "{}, {\"x\"}") ") -> tensor<16x64xf32> {\n"
                            "  %0 = stablehlo.dot %a, %b : (tensor<16x8xf32>, tensor<8x64xf32>) -> "
                            "tensor<16x64xf32>\n  return %0 : tensor<16x64xf32>\n}\n",
         "-> (tensor<16x64xf32> " CUT("{}, {\"x\"}") ")");
}

static void results_are_cut_evenly_by_whole_axes(void **unused) {
  // 6 rows do not divide by 4, and a half of x is no axis.
  expect(MESH "func.func @main(%a: tensor<6x8xf32>) -> tensor<6x8xf32> {\n"
              "  %0 = sdy.sharding_constraint %a <@m, [{\"x\"}, {\"y\"}]> : tensor<6x8xf32>\n"
              "  %1 = stablehlo.negate %0 : tensor<6x8xf32>\n  return %1 : tensor<6x8xf32>\n}\n",
         "-> (tensor<6x8xf32> " CUT("{}, {\"y\"}") ")");
}

static void reshapes_split_axes(void **unused) {
  // x:(1)2 goes to the dimension of 2, the other half cannot follow into a result.
  expect(MESH "func.func @main(%a: tensor<8x4xf32> " CUT(
             "{\"x\", \"y\"}, {}") ") -> "
                                   "tensor<4x2x4xf32> {\n"
                                   "  %0 = stablehlo.reshape %a : (tensor<8x4xf32>) -> "
                                   "tensor<4x2x4xf32>\n"
                                   "  return %0 : tensor<4x2x4xf32>\n}\n",
         "-> (tensor<4x2x4xf32> " CUT("{\"x\"}, {\"y\"}, {}") ")");
  expect(MESH "func.func @main(%a: tensor<8x4xf32> " CUT(
             "{\"x\"}, {}") ") -> tensor<2x4x4xf32> {\n"
                            "  %0 = stablehlo.reshape %a : (tensor<8x4xf32>) -> tensor<2x4x4xf32>\n"
                            "  return %0 : tensor<2x4x4xf32>\n}\n",
         "-> (tensor<2x4x4xf32> " CUT("{}, {}, {}") ")");
}

static void loops_have_one_sharding(void **unused) {
  expect(MESH "func.func @main(%n: tensor<i32>, %a: tensor<16xf32>, %b: tensor<16xf32> " CUT(
             "{\"x\"}") ") -> tensor<16xf32> {\n"
                        "  %c = stablehlo.constant dense<0> : tensor<i32>\n"
                        "  %0:2 = stablehlo.while(%i = %c, %v = %a) : tensor<i32>, tensor<16xf32>\n"
                        "  cond {\n    %1 = stablehlo.compare LT, %i, %n : (tensor<i32>, "
                        "tensor<i32>) -> "
                        "tensor<i1>\n    stablehlo.return %1 : tensor<i1>\n  } do {\n"
                        "    %one = stablehlo.constant dense<1> : tensor<i32>\n"
                        "    %1 = stablehlo.add %i, %one : tensor<i32>\n"
                        "    %2 = stablehlo.add %v, %b : tensor<16xf32>\n"
                        "    stablehlo.return %1, %2 : tensor<i32>, tensor<16xf32>\n  }\n"
                        "  return %0#1 : tensor<16xf32>\n}\n",
         "%arg1: tensor<16xf32> " CUT("{\"x\"}") ", %arg2: tensor<16xf32> " CUT(
             "{\"x\"}") ") -> (tensor<16xf32> " CUT("{\"x\"}") ")");
}

static void constants_have_one_user_each(void **unused) {
  // One constant, used along x here and along y there: no conflict.
  expect(MESH "func.func @main(%a: tensor<16xf32> " CUT("{\"x\"}") ", %b: tensor<16xf32> " CUT(
             "{\"y\"}") ") -> (tensor<16xf32>, tensor<16xf32>) {\n"
                        "  %c = stablehlo.constant dense<1.0> : tensor<16xf32>\n"
                        "  %0 = stablehlo.add %a, %c : tensor<16xf32>\n"
                        "  %1 = stablehlo.add %b, %c : tensor<16xf32>\n"
                        "  return %0, %1 : tensor<16xf32>, tensor<16xf32>\n}\n",
         "-> (tensor<16xf32> " CUT("{\"x\"}") ", tensor<16xf32> " CUT("{\"y\"}") ")");
}

static void constraints_hold(void **unused) {
  expect(MESH "func.func @main(%a: tensor<16x8xf32> " CUT(
             "{\"x\"}, {}") ") -> tensor<16x8xf32> {\n"
                            "  %0 = sdy.sharding_constraint %a <@m, [{\"y\"}, {?}]> : "
                            "tensor<16x8xf32>\n"
                            "  %1 = stablehlo.negate %0 : tensor<16x8xf32>\n  return %1 : "
                            "tensor<16x8xf32>\n}\n",
         "-> (tensor<16x8xf32> " CUT("{\"y\"}, {}") ")");
}

static void groups_are_alike(void **unused) {
  expect(MESH "func.func @main(%a: tensor<16xf32> " CUT(
             "{\"x\"}") ", %b: tensor<16xf32>) -> "
                        "tensor<16xf32> {\n"
                        "  sdy.sharding_group %a group_id = 7 : tensor<16xf32>\n"
                        "  sdy.sharding_group %b group_id = 7 : tensor<16xf32>\n"
                        "  return %b : tensor<16xf32>\n}\n",
         "%arg1: tensor<16xf32> " CUT("{\"x\"}") ") -> (tensor<16xf32> " CUT("{\"x\"}") ")");
}

static void manual_computations_have_free_axes(void **unused) {
  // Along y the compiler cuts, also within.
  expect(
      MESH "func.func @main(%a: tensor<16x8xf32> " CUT(
          "{}, {\"y\"}") ") -> tensor<16x8xf32> {\n"
                         "  %0 = sdy.manual_computation(%a) in_shardings=[<@m, [{\"x\", ?}, {?}]>] "
                         "out_shardings=[<@m, [{\"x\", ?}, {?}]>] manual_axes={\"x\"} (%v: "
                         "tensor<4x8xf32>) {\n"
                         "    %1 = stablehlo.negate %v : tensor<4x8xf32>\n    sdy.return %1 : "
                         "tensor<4x8xf32>\n"
                         "  } : (tensor<16x8xf32>) -> tensor<16x8xf32>\n  return %0 : "
                         "tensor<16x8xf32>\n}\n",
      "-> (tensor<16x8xf32> " CUT("{\"x\"}, {\"y\"}") ")");
}

static void priorities_come_in_order(void **unused) {
  // Later dimensions wait: axis x goes to where priority 0 wants it.
  expect(MESH
         "func.func @main(%a: tensor<16x8xf32> " CUT("{\"x\"}p1, {}") ", %b: tensor<16x8xf32> " CUT(
             "{}, {\"x\"}p0") ") -> tensor<16x8xf32> {\n"
                              "  %0 = stablehlo.add %a, %b : tensor<16x8xf32>\n  return %0 : "
                              "tensor<16x8xf32>\n}\n",
         "-> (tensor<16x8xf32> " CUT("{}, {\"x\"}") ")");
}

static const char simple[] = MESH "func.func @main(%a: tensor<16x8xf32> " CUT(
    "{\"x\"}, {}") ", %b: tensor<16x8xf32>) -> "
                   "tensor<16x8xf32> {\n"
                   "  %0 = stablehlo.add %a, %b : tensor<16x8xf32>\n  return %0 : "
                   "tensor<16x8xf32>\n}\n";

static void only_what_may_be_chosen_is_chosen(void **unused) {
  PjStrBuf out = {0};
  assert_null(run(simple, (PropagationJob){NULL, false, false}, &out));
  assert_non_null(strstr(out.data, "%arg1: tensor<16x8xf32>)"));
  assert_null(strstr(strstr(out.data, "->"), "sdy"));
  pj_strbuf_free(&out);
}

static void what_was_found_is_found_again(void **unused) {
  PjStrBuf first = {0}, second = {0};
  assert_null(run(simple, (PropagationJob){NULL, true, true}, &first));
  assert_null(run(first.data, (PropagationJob){NULL, true, true}, &second));
  assert_string_equal(first.data, second.data);
  pj_strbuf_free(&first);
  pj_strbuf_free(&second);
}

// --- GSPMD ---------------------------------------------------------------------------------------

static PjStatus import_gspmd(void *context) {
  PropagationJob *job = context;
  PJ_TRY(pj_gspmd_import(job->module, 8));
  return propagate(context);
}

static PjStatus run_gspmd(const char *text, PjStrBuf *out) {
  Parsed parsed = parse(text, strlen(text));
  if (parsed.status)
    fail_msg("%s", pj_status_message(parsed.status));
  PropagationJob job = {parsed.module, true, true};
  PjStatus status = pj_verify(parsed.module);
  if (!status)
    status = pj_arena_guard(parsed.arena, import_gspmd, &job);
  if (!status)
    pj_module_print(out, parsed.module, NULL);
  parsed_free(&parsed);
  return status;
}

static void expect_shardings_of_one_mesh(const char *columns, const char *rows) {
  char text[1024];
  snprintf(
      text, sizeof text,
      "func.func @main(%%a: tensor<16x32xf32> {mhlo.sharding = \"%s\"}) -> tensor<16x32xf32> {\n"
      "  %%0 = stablehlo.custom_call @Sharding(%%a) {mhlo.sharding = \"%s\"} : "
      "(tensor<16x32xf32>) -> tensor<16x32xf32>\n"
      "  return %%0 : tensor<16x32xf32>\n}\n",
      columns, rows);
  PjStrBuf out = {0};
  PjStatus status = run_gspmd(text, &out);
  if (status)
    fail_msg("%s", pj_status_message(status));
  assert_non_null(strstr(out.data, "<[\"axis_0\"=2, \"axis_1\"=2, \"axis_2\"=2]>"));
  assert_non_null(strstr(out.data,
                         "%arg0: tensor<16x32xf32> {sdy.sharding = "
                         "#sdy.sharding<@gspmd, [{\"axis_2\"}, {\"axis_0\", \"axis_1\"}]>}"));
  assert_non_null(strstr(out.data, "-> (tensor<16x32xf32> {sdy.sharding = #sdy.sharding<@gspmd, "
                                   "[{\"axis_0\", \"axis_1\"}, {}]>})"));
  pj_strbuf_free(&out);
}

static void texts_become_shardings_of_one_mesh(void **unused) {
  expect_shardings_of_one_mesh("{devices=[2,4]<=[4,2]T(1,0)}",
                               "{devices=[4,1,2]<=[8] last_tile_dim_replicate}");
  // The same, device by device.
  expect_shardings_of_one_mesh("{devices=[2,4]0,2,4,6,1,3,5,7}",
                               "{devices=[4,1,2]0,1,2,3,4,5,6,7 last_tile_dim_replicate}");
}

static void marked_calls_become_manual_computations(void **unused) {
  PjStrBuf out = {0};
  PjStatus status = run_gspmd(
      "func.func @main(%a: tensor<16xf32>) -> tensor<16xf32> {\n"
      "  %0 = stablehlo.custom_call @Sharding(%a) {mhlo.sharding = \"{devices=[8]<=[8]}\"} : "
      "(tensor<16xf32>) -> tensor<16xf32>\n"
      "  %1 = stablehlo.custom_call @SPMDFullToShardShape(%0) {mhlo.sharding = \"{manual}\"} : "
      "(tensor<16xf32>) -> tensor<2xf32>\n"
      "  %2 = call @shmap_body(%1) : (tensor<2xf32>) -> tensor<2xf32>\n"
      "  %3 = stablehlo.custom_call @Sharding(%2) {mhlo.sharding = \"{manual}\"} : "
      "(tensor<2xf32>) -> tensor<2xf32>\n"
      "  %4 = stablehlo.custom_call @SPMDShardToFullShape(%3) {mhlo.sharding = "
      "\"{devices=[8]<=[8]}\"} : (tensor<2xf32>) -> tensor<16xf32>\n"
      "  return %4 : tensor<16xf32>\n}\n"
      "func.func private @shmap_body(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
      "  %0 = stablehlo.negate %x : tensor<2xf32>\n  return %0 : tensor<2xf32>\n}\n",
      &out);
  if (status)
    fail_msg("%s", pj_status_message(status));
  assert_non_null(strstr(out.data, "sdy.manual_computation("));
  assert_null(strstr(out.data, "SPMD"));
  pj_strbuf_free(&out);
}

static void bad_texts_are_refused(void **unused) {
  static const char *const texts[] = {"{devices=[3]<=[8]}",
                                      "{devices=[8]<=[8]T(1)}",
                                      "{devices=[8",
                                      "{devices=[2,4]<=[8]}",
                                      "{devices=[]<=[]}",
                                      "{devices=[8]0,3,1,2,4,5,6,7}",
                                      "{devices=[8]0,1,2}",
                                      "{devices=[8]1,2,3,4,5,6,7,8}",
                                      "{devices=[8]0,0,0,0,0,0,0,0}"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i) {
    char text[512];
    PjStrBuf out = {0};
    snprintf(text, sizeof text,
             "func.func @main(%%a: tensor<16xf32> {mhlo.sharding = \"%s\"}) -> tensor<16xf32> "
             "{\n  return %%a : tensor<16xf32>\n}\n",
             texts[i]);
    PjStatus status = run_gspmd(text, &out);
    if (pj_status_code(status) != PJ_INVALID_ARGUMENT && pj_status_code(status) != PJ_UNIMPLEMENTED)
      fail_msg("%s: %s", texts[i], status ? pj_status_message(status) : "accepted");
    pj_status_free(status);
    pj_strbuf_free(&out);
  }
}

static void faults_are_named(void **unused) {
  PjStrBuf out = {0};
  PjStatus status =
      run(MESH "func.func @main(%a: tensor<16x8xf32> " CUT(
              "{\"x\"}, {\"x\"}") ") -> "
                                  "tensor<16x8xf32> {\n  return %a : tensor<16x8xf32>\n}\n",
          (PropagationJob){NULL, true, true}, &out);
  assert_int_equal(pj_status_code(status), PJ_INVALID_ARGUMENT);
  assert_non_null(strstr(pj_status_message(status), "uses axis \"x\" twice"));
  pj_status_free(status);
  pj_strbuf_free(&out);
}

static void memory_may_run_out(void **unused) {
  for (int64_t n = 0;; ++n) {
    Parsed parsed = parse(simple, strlen(simple));
    assert_null(parsed.status);
    PropagationJob job = {parsed.module, true, true};
    pj_alloc_fail_after(n);
    PjStatus status = pj_arena_guard(parsed.arena, propagate, &job);
    pj_alloc_fail_after(-1);
    bool done = !status;
    if (!done)
      assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
    pj_status_free(status);
    parsed_free(&parsed);
    if (done)
      break;
  }
}

// Two calls of one callback, both cut as the first one's operand is, which is cut like what it
// becomes in a manual computation; there a call is per device as it is.
static void callbacks_get_parts(void **state) {
  (void)state;
#define CALL(operands, types)                                                \
  "stablehlo.custom_call @xla_ffi_partitioned_python_cpu_callback(" operands \
  ") {has_side_effect = true, mhlo.backend_config = {index = 7 : ui64}} : (" types ") -> ()\n"
  static const char text[] =
      "sdy.mesh @mesh = <[\"x\"=2, \"y\"=2]>\n"
      "func.func @main(%a: tensor<4x6xf32> {sdy.sharding = #sdy.sharding<@mesh, [{\"x\"}, {}]>}) "
      "-> tensor<4x6xf32> {\n"
      "  %b = stablehlo.negate %a : tensor<4x6xf32>\n"
      "  %s = stablehlo.constant dense<2.0> : tensor<f32>\n" CALL("%b, %s", "tensor<4x6xf32>, "
                                                                            "tensor<f32>")
          CALL("%a, %s",
               "tensor<4x6xf32>, tensor<f32>") "  %r = sdy.manual_computation(%b) "
                                               "in_shardings=[<@mesh, "
                                               "[{\"x\"}, {\"y\"}]>] "
                                               "out_shardings=[<@mesh, [{\"x\"}, {\"y\"}]>] "
                                               "manual_axes={\"x\", \"y\"} "
                                               "(%p: tensor<2x3xf32>) {\n"
                                               "    %t = stablehlo.constant dense<2.0> : "
                                               "tensor<f32>\n" CALL(
                                                   "%p, %t",
                                                   "tensor<2x3xf32>, tensor<f32>") "    sdy.return "
                                                                                   "%p : "
                                                                                   "tensor<2x3xf32>"
                                                                                   "\n"
                                                                                   "  } : "
                                                                                   "(tensor<"
                                                                                   "4x6xf32>) "
                                                                                   "-> "
                                                                                   "tensor<4x6xf32>"
                                                                                   "\n"
                                                                                   "  return %r : "
                                                                                   "tensor<4x6xf32>"
                                                                                   "\n}"
                                                                                   "\n";
  PjStrBuf out = {0};
  assert_null(run(text, (PropagationJob){.results = true}, &out));
  assert_non_null(out.data);
  int manual = 0, parts = 0;
  for (const char *at = out.data; (at = strstr(at, "sdy.manual_computation")); ++at)
    ++manual;
  for (const char *at = out.data; (at = strstr(at, "(tensor<2x3xf32>, tensor<f32>) -> ()")); ++at)
    ++parts;
  assert_int_equal(manual, 3);
  assert_int_equal(parts, 3);
  Parsed again = parse(out.data, out.len);
  assert_null(again.status);
  assert_null(pj_verify(again.module));
  parsed_free(&again);
  pj_strbuf_free(&out);
#undef CALL
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rules_are_shardys),
      cmocka_unit_test(products_keep_rows_and_columns),
      cmocka_unit_test(parameters_get_shardings_backwards),
      cmocka_unit_test(larger_tensors_win),
      cmocka_unit_test(results_are_cut_evenly_by_whole_axes),
      cmocka_unit_test(reshapes_split_axes),
      cmocka_unit_test(loops_have_one_sharding),
      cmocka_unit_test(constants_have_one_user_each),
      cmocka_unit_test(constraints_hold),
      cmocka_unit_test(groups_are_alike),
      cmocka_unit_test(manual_computations_have_free_axes),
      cmocka_unit_test(priorities_come_in_order),
      cmocka_unit_test(only_what_may_be_chosen_is_chosen),
      cmocka_unit_test(what_was_found_is_found_again),
      cmocka_unit_test(callbacks_get_parts),
      cmocka_unit_test(faults_are_named),
      cmocka_unit_test(texts_become_shardings_of_one_mesh),
      cmocka_unit_test(marked_calls_become_manual_computations),
      cmocka_unit_test(bad_texts_are_refused),
      cmocka_unit_test(memory_may_run_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

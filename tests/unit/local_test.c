// Localising: what each operation becomes for one device of eight, and that all of them together
// give what the whole program gives. The program of a device is put into a manual computation over
// all axes, which the evaluator runs, a thread per device.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ir/print.h"
#include "ir/verify.h"
#include "partition/partition.h"
#include "pass_support.h"

#define MESH "sdy.mesh @m = <[\"x\"=4, \"y\"=2]>\n"

typedef struct Job {
  PjModule *module, *local, *joined;
  PjStr why;
} Job;

static void keep_reason(void *context, PjStatus why) {
  Job *job = context;
  const char *text = pj_status_message(why);
  job->why = (PjStr){pj_arena_strndup(job->module->arena, text, strlen(text)), strlen(text)};
}

static const PjAttr *per_value(PjArena *arena, const PjAttr *dicts) {
  const PjStr name = PJ_STR("shardings");
  const PjAttr **shardings = PJ_NEW_ARRAY(arena, const PjAttr *, dicts->count + 1);
  for (uint32_t i = 0; i < dicts->count; i++)
    assert_non_null(shardings[i] = pj_attr_get(dicts->elems[i], "sdy.sharding"));
  const PjAttr *list = pj_attr_array(arena, dicts->count, shardings);
  return pj_attr_struct(arena, "sdy.sharding_per_value", 1, &name, &list);
}

// A program over whole arrays around that of a device, which is taken apart.
static PjModule *join(const PjModule *whole, PjModule *local) {
  PjArena *arena = whole->arena;
  const PjOp *entry = pj_module_entry(whole);
  PjOp *inner = pj_module_entry(local);
  const PjType *type = PJ_ATTR(entry, function_type)->type;
  PjModule *module = pj_module_create(arena);
  for (PjOp *op = local->body.first, *next; op; op = next) {
    next = op->next;
    pj_op_remove(op);
    if (op != inner)
      pj_op_append(&module->body, op);
  }
  PjOp *func = pj_op_create(arena, PJ_OP_FUNC, 0, 0, 1);
  for (uint32_t i = 0; i < pj_op_info[PJ_OP_FUNC].num_attrs; i++)
    func->attrs[i] = entry->attrs[i];
  PjRegion *body = &func->regions[0];
  pj_region_set_args(arena, body, type->num_elems, type->elems);
  PjOp *manual =
      pj_op_create(arena, PJ_OP_SDY_MANUAL_COMPUTATION, type->num_elems, type->num_results, 1);
  const PjStr axes_name = PJ_STR("axes");
  const PjAttr *names[] = {pj_attr_string(arena, PJ_STR("x")), pj_attr_string(arena, PJ_STR("y"))};
  const PjAttr *axes = pj_attr_array(arena, 2, names);
  pj_op_set_attr(manual, PJ_KEY_in_shardings, per_value(arena, PJ_ATTR(entry, arg_attrs)));
  pj_op_set_attr(manual, PJ_KEY_out_shardings, per_value(arena, PJ_ATTR(entry, res_attrs)));
  pj_op_set_attr(manual, PJ_KEY_manual_axes,
                 pj_attr_struct(arena, "sdy.manual_axes", 1, &axes_name, &axes));
  for (uint32_t i = 0; i < type->num_elems; i++)
    manual->operands[i] = &body->args[i];
  PjOp *end = pj_op_create(arena, PJ_OP_FUNC_RETURN, type->num_results, 0, 0);
  for (uint32_t i = 0; i < type->num_results; i++) {
    manual->results[i].type = type->results[i];
    end->operands[i] = &manual->results[i];
  }
  pj_op_append(body, manual);
  pj_op_append(body, end);
  pj_op_append(&module->body, func);
  // The body and its arguments move.
  PjRegion *from = &inner->regions[0], *to = &manual->regions[0];
  to->args = from->args;
  to->num_args = from->num_args;
  for (uint32_t i = 0; i < to->num_args; i++)
    to->args[i].region = to;
  for (PjOp *op; (op = from->first);) {
    pj_op_remove(op);
    if (op->kind == PJ_OP_FUNC_RETURN) {
      PjOp *last = pj_op_create(arena, PJ_OP_SDY_RETURN, op->num_operands, 0, 0);
      memcpy(last->operands, op->operands, op->num_operands * sizeof *op->operands);
      op = last;
    }
    pj_op_append(to, op);
  }
  pj_module_number(module);
  return module;
}

static PjStatus localize(void *context) {
  Job *job = context;
  PjPartitionOptions options = {.to_parameters = true,
                                .to_results = true,
                                .local_devices = 8,
                                .why_whole = keep_reason,
                                .why_context = job};
  PJ_TRY(pj_partition_propagate(job->module, &options));
  job->local = options.local;
  return PJ_STATUS_OK;
}

static PjStatus join_guarded(void *context) {
  Job *job = context;
  job->joined = join(job->module, job->local);
  return pj_verify(job->joined);
}

// Expects |parts| (separated by '|') in the program of a device that |text| becomes, those that
// begin with '!' nowhere in it, and the results of the whole program.
static void expect(const char *text, const char *parts) {
  Parsed parsed = parse(text, strlen(text));
  if (parsed.status)
    fail_msg("%s\n%s", pj_status_message(parsed.status), text);
  Job job = {.module = parsed.module};
  PjStrBuf out = {0};
  assert_null(pj_verify(parsed.module));
  PjStatus status = pj_arena_guard(parsed.arena, localize, &job);
  if (status)
    fail_msg("%s\n%s", pj_status_message(status), text);
  if (!job.local)
    fail_msg("stays whole: %.*s\n%s", PJ_STR_ARG(job.why), text);
  pj_module_print(&out, job.local, NULL);
  for (const char *at = parts; *at;) {
    char part[200];
    size_t length = strcspn(at, "|");
    bool absent = *at == '!';
    snprintf(part, sizeof part, "%.*s", (int)(length - absent), at + absent);
    if (absent == (strstr(out.data, part) != NULL))
      fail_msg("%s \"%s\" in\n%s\nof\n%s", absent ? "unexpected" : "expected", part, out.data,
               text);
    at += length + (at[length] == '|');
  }
  status = pj_arena_guard(parsed.arena, join_guarded, &job);
  if (status)
    fail_msg("%s\n%s", pj_status_message(status), out.data);
  const char *differ = pass_compare(parsed.module, job.joined, 0);
  if (differ)
    fail_msg("%s\n%s", differ, out.data);
  pj_strbuf_free(&out);
  parsed_free(&parsed);
}

// main(args) -> results { body }, where {xy} after a type says how it lies: a letter per dimension
// for axes x and y, . for none, Z for x, y and z for y, x; after + unreduced axes.
static const char *write_program(const char *text) {
  static char out[2][16384];
  static int turn;
  char *to = out[turn ^= 1], *end = to + sizeof out[0];
  to += snprintf(to, (size_t)(end - to), MESH);
  for (; *text; text++) {
    size_t length = strspn(text + 1, "xyzZ.+");
    if (*text != '{' || !length || text[1 + length] != '}') {
      *to++ = *text;
      continue;
    }
    to += snprintf(to, (size_t)(end - to), "{sdy.sharding = #sdy.sharding<@m, [");
    bool first = true;
    for (text++; *text != '}' && *text != '+'; text++, first = false) {
      const char *dim = *text == 'x'   ? "{\"x\"}"
                        : *text == 'y' ? "{\"y\"}"
                        : *text == 'Z' ? "{\"x\", \"y\"}"
                        : *text == 'z' ? "{\"y\", \"x\"}"
                                       : "{}";
      to += snprintf(to, (size_t)(end - to), "%s%s", first ? "" : ", ", dim);
    }
    to += snprintf(to, (size_t)(end - to), "]");
    if (*text == '+') {
      to += snprintf(to, (size_t)(end - to), ", unreduced={\"%c\"}", text[1]);
      text += 2;
    }
    to += snprintf(to, (size_t)(end - to), ">}");
  }
  *to = 0;
  return out[turn];
}

static void expect_program(const char *text, const char *parts) {
  expect(write_program(text), parts);
}

// --- Operations ----------------------------------------------------------------------------------

static void elements_stay_where_they_are(void **unused) {
  expect_program("func.func @main(%a: tensor<8x6xf32> {xy}, %b: tensor<8x6xf32> {..}) -> "
                 "(tensor<8x6xf32> {xy}) {\n"
                 "  %0 = stablehlo.add %a, %b : tensor<8x6xf32>\n"
                 "  %1 = stablehlo.sine %0 : tensor<8x6xf32>\n"
                 "  return %1 : tensor<8x6xf32>\n}\n",
                 "%arg0: tensor<2x3xf32>|%arg1: tensor<8x6xf32>|sizes = [2, 3]|stablehlo.add|"
                 "!all_gather|!all_reduce|!stablehlo.add %arg0, %arg1 : tensor<8x6xf32>");
}

static void products_are_summed_where_both_are_cut(void **unused) {
#define DOT(a, b, r)                                                                        \
  "func.func @main(%a: tensor<8x16xf32> {" a "}, %b: tensor<16x8xf32> {" b "}) -> "         \
  "(tensor<8x8xf32> {" r "}) {\n"                                                           \
  "  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<8x16xf32>, " \
  "tensor<16x8xf32>) -> tensor<8x8xf32>\n"                                                  \
  "  return %0 : tensor<8x8xf32>\n}\n"
  expect_program(DOT(".x", "x.", ".."),
                 "all_reduce|!all_gather|(tensor<8x4xf32>, tensor<4x8xf32>)");
  expect_program(DOT(".x", "x.", "x."), "reduce_scatter|!all_reduce|!all_gather");
  expect_program(DOT(".x", "x.", ".x"), "reduce_scatter|!all_reduce");
  expect_program(DOT("x.", ".y", "xy"), "!all_|!reduce_scatter|-> tensor<2x4xf32>");
  expect_program(DOT("x.", "x.", "x."), "all_gather|!all_reduce");
  expect_program(DOT("xy", "y.", "x."), "all_reduce|-> tensor<2x8xf32>");
  expect_program(DOT(".Z", "Z.", "y."), "reduce_scatter|all_reduce");
}

static void terms_stay_terms(void **unused) {
#define TERMS(a, b)                                                                         \
  "func.func @main(%a: tensor<8x16xf32> {" a "}, %b: tensor<16x8xf32> {" b "}) -> "         \
  "(tensor<8x8xf32> {..+x}) {\n"                                                            \
  "  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<8x16xf32>, " \
  "tensor<16x8xf32>) -> tensor<8x8xf32>\n"                                                  \
  "  %1 = sdy.sharding_constraint %0 <@m, [{}, {}], unreduced={\"x\"}> : tensor<8x8xf32>\n" \
  "  %2 = stablehlo.add %1, %1 : tensor<8x8xf32>\n"                                         \
  "  %3 = sdy.sharding_constraint %2 <@m, [{}, {}], unreduced={\"x\"}> : tensor<8x8xf32>\n" \
  "  return %3 : tensor<8x8xf32>\n}\n"
  expect_program(TERMS(".x", "x."), "!all_reduce|!reduce_scatter|!select|add %");
  expect_program(TERMS(".Z", "Z."), "[[0, 1], [2, 3], [4, 5], [6, 7]]|all_reduce|!select");
  expect_program(TERMS("..", ".."), "select|!all_reduce");
}

static void sums_are_joined(void **unused) {
#define REDUCE(op, init, a, r)                                                               \
  "func.func @main(%a: tensor<8x16xf32> {" a "}) -> (tensor<8xf32> {" r "}) {\n"             \
  "  %c = stablehlo.constant dense<" init "> : tensor<f32>\n"                                \
  "  %0 = stablehlo.reduce(%a init: %c) applies stablehlo." op " across dimensions = [1] : " \
  "(tensor<8x16xf32>, tensor<f32>) -> tensor<8xf32>\n  return %0 : tensor<8xf32>\n}\n"
  expect_program(REDUCE("add", "0.0", ".x", "."), "all_reduce|tensor<8x4xf32>|!select");
  expect_program(REDUCE("add", "3.0", ".x", "."), "all_reduce|select");
  expect_program(REDUCE("maximum", "0xFF800000", "yx", "y"), "all_reduce|tensor<4x4xf32>");
  expect_program(REDUCE("minimum", "1.0", ".x", "x"), "all_reduce|dynamic_slice|!reduce_scatter");
  expect_program(REDUCE("multiply", "2.0", ".x", "."), "all_gather|!all_reduce");
  expect_program(REDUCE("add", "0.0", "x.", "x"), "!all_");
}

static void values_out_of_nothing(void **unused) {
  expect_program(
      "func.func @main() -> (tensor<8x6xi32> {xy}, tensor<8xbf16> {Z}, tensor<8xf32> {x}, "
      "tensor<4xi32> {x}, tensor<8xi8> {Z}) {\n"
      "  %0 = stablehlo.iota dim = 1 : tensor<8x6xi32>\n"
      "  %1 = stablehlo.iota dim = 0 : tensor<8xbf16>\n"
      "  %2 = stablehlo.constant dense<2.0> : tensor<8xf32>\n"
      "  %3 = stablehlo.constant dense<[3, 1, 4, 1]> : tensor<4xi32>\n"
      "  %4 = stablehlo.iota dim = 0 : tensor<8xi8>\n"
      "  return %0, %1, %2, %3, %4 : tensor<8x6xi32>, tensor<8xbf16>, tensor<8xf32>, "
      "tensor<4xi32>, tensor<8xi8>\n}\n",
      "tensor<2x3xi32>|dense<2.000000e+00> : tensor<2xf32>|partition_id|!all_");
}

static void shapes_change(void **unused) {
  expect_program("func.func @main(%a: tensor<8x4x6xf32> {x.y}) -> (tensor<32x6xf32> {xy}, "
                 "tensor<6x8x4xf32> {yx.}, tensor<8x4x6x4xf32> {x.y.}, tensor<8x24xf32> {xy}) {\n"
                 "  %0 = stablehlo.reshape %a : (tensor<8x4x6xf32>) -> tensor<32x6xf32>\n"
                 "  %1 = stablehlo.transpose %a, dims = [2, 0, 1] : (tensor<8x4x6xf32>) -> "
                 "tensor<6x8x4xf32>\n"
                 "  %2 = stablehlo.broadcast_in_dim %a, dims = [0, 1, 2] : (tensor<8x4x6xf32>) -> "
                 "tensor<8x4x6x4xf32>\n"
                 "  %3 = stablehlo.reshape %a : (tensor<8x4x6xf32>) -> tensor<8x24xf32>\n"
                 "  return %0, %1, %2, %3 : tensor<32x6xf32>, tensor<6x8x4xf32>, "
                 "tensor<8x4x6x4xf32>, tensor<8x24xf32>\n}\n",
                 "tensor<8x3xf32>|tensor<3x2x4xf32>|tensor<2x4x3x4xf32>|all_");
}

static void cut_dimensions_are_put_together_to_be_sliced(void **unused) {
  expect_program(
      "func.func @main(%a: tensor<8x6xf32> {xy}, %z: tensor<f32>) -> (tensor<4x6xf32> {xy}, "
      "tensor<8x6xf32> {xy}, tensor<16x6xf32> {xy}, tensor<8x6xf32> {xy}, tensor<8x6xf32> {xy}) {\n"
      "  %0 = stablehlo.slice %a [2:6, 0:6] : (tensor<8x6xf32>) -> tensor<4x6xf32>\n"
      "  %1 = stablehlo.pad %a, %z, low = [1, 0], high = [-1, 0], interior = [0, 0] : "
      "(tensor<8x6xf32>, tensor<f32>) -> tensor<8x6xf32>\n"
      "  %2 = stablehlo.concatenate %a, %1, dim = 0 : (tensor<8x6xf32>, tensor<8x6xf32>) -> "
      "tensor<16x6xf32>\n"
      "  %3 = stablehlo.reverse %a, dims = [0] : tensor<8x6xf32>\n"
      "  %4 = stablehlo.reverse %a, dims = [1] : tensor<8x6xf32>\n"
      "  return %0, %1, %2, %3, %4 : tensor<4x6xf32>, tensor<8x6xf32>, tensor<16x6xf32>, "
      "tensor<8x6xf32>, tensor<8x6xf32>\n}\n",
      "all_gather|tensor<8x3xf32>");
}

static void slices_at_runtime(void **unused) {
  expect_program("func.func @main(%a: tensor<8x6xf32> {xy}, %u: tensor<3x6xf32> {.y}, "
                 "%i: tensor<i32>, %v: tensor<8x2xf32> {x.}) -> (tensor<3x6xf32> {.y}, "
                 "tensor<8x6xf32> {xy}, tensor<8x6xf32> {xy}) {\n"
                 "  %0 = stablehlo.dynamic_slice %a, %i, %i, sizes = [3, 6] : (tensor<8x6xf32>, "
                 "tensor<i32>, tensor<i32>) -> tensor<3x6xf32>\n"
                 "  %1 = stablehlo.dynamic_update_slice %a, %u, %i, %i : (tensor<8x6xf32>, "
                 "tensor<3x6xf32>, tensor<i32>, tensor<i32>) -> tensor<8x6xf32>\n"
                 "  %2 = stablehlo.dynamic_update_slice %a, %v, %i, %i : (tensor<8x6xf32>, "
                 "tensor<8x2xf32>, tensor<i32>, tensor<i32>) -> tensor<8x6xf32>\n"
                 "  return %0, %1, %2 : tensor<3x6xf32>, tensor<8x6xf32>, tensor<8x6xf32>\n}\n",
                 "sizes = [3, 3]|(tensor<2x6xf32>, tensor<2x2xf32>");
}

static void rows_are_looked_up_and_added(void **unused) {
  expect_program(
      "func.func @main(%t: tensor<16x8xf32> {.y}, %i: tensor<8x1xi32> {x.}, %u: tensor<8x8xf32> "
      "{xy}) -> (tensor<8x8xf32> {xy}, tensor<16x8xf32> {.y}, tensor<16x8xf32> {.y+x}) {\n"
      "  %0 = \"stablehlo.gather\"(%t, %i) <{dimension_numbers = #stablehlo.gather<offset_dims = "
      "[1], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes "
      "= array<i64: 1, 8>}> : (tensor<16x8xf32>, tensor<8x1xi32>) -> tensor<8x8xf32>\n"
      "  %1 = \"stablehlo.scatter\"(%t, %i, %u) <{scatter_dimension_numbers = "
      "#stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], "
      "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({\n"
      "^bb0(%x: tensor<f32>, %y: tensor<f32>):\n  %s = stablehlo.add %x, %y : tensor<f32>\n"
      "  stablehlo.return %s : tensor<f32>\n}) : (tensor<16x8xf32>, tensor<8x1xi32>, "
      "tensor<8x8xf32>) -> tensor<16x8xf32>\n"
      "  %2 = \"stablehlo.scatter\"(%t, %i, %u) <{scatter_dimension_numbers = "
      "#stablehlo.scatter<update_window_dims = [1], inserted_window_dims = [0], "
      "scatter_dims_to_operand_dims = [0], index_vector_dim = 1>}> ({\n"
      "^bb0(%x: tensor<f32>, %y: tensor<f32>):\n  %s = stablehlo.add %x, %y : tensor<f32>\n"
      "  stablehlo.return %s : tensor<f32>\n}) : (tensor<16x8xf32>, tensor<8x1xi32>, "
      "tensor<8x8xf32>) -> tensor<16x8xf32>\n"
      "  return %0, %1, %2 : tensor<8x8xf32>, tensor<16x8xf32>, tensor<16x8xf32>\n}\n",
      "slice_sizes = array<i64: 1, 4>|(tensor<16x4xf32>, tensor<2x1xi32>, tensor<2x4xf32>)|"
      "all_reduce|!all_gather");
}

static void sorted_dimensions_are_whole(void **unused) {
  expect_program(
      "func.func @main(%a: tensor<8x6xf32> {xy}) -> (tensor<8x6xf32> {xy}) {\n"
      "  %0 = \"stablehlo.sort\"(%a) <{dimension = 0 : i64, is_stable = true}> ({\n"
      "  ^bb0(%x: tensor<f32>, %y: tensor<f32>):\n"
      "    %c = stablehlo.compare LT, %x, %y : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"
      "    stablehlo.return %c : tensor<i1>\n"
      "  }) : (tensor<8x6xf32>) -> tensor<8x6xf32>\n"
      "  return %0 : tensor<8x6xf32>\n}\n",
      "all_gather|(tensor<8x3xf32>) -> tensor<8x3xf32>");
}

static void convolutions(void **unused) {
#define CONV(a, k, r, shape, kernel, groups)                                                      \
  "func.func @main(%a: tensor<8x6x" shape "xf32> {" a "}, %k: tensor<3x" kernel "xf32> {" k "}) " \
  "-> (tensor<8x6x8xf32> {" r "}) {\n"                                                            \
  "  %0 = stablehlo.convolution(%a, %k) dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = "  \
  "{pad = [[1, 1]]} {batch_group_count = 1 : i64, feature_group_count = " groups " : i64} : "     \
  "(tensor<8x6x" shape "xf32>, tensor<3x" kernel "xf32>) -> tensor<8x6x8xf32>\n"                  \
  "  return %0 : tensor<8x6x8xf32>\n}\n"
  expect_program(CONV("x..", "..y", "x.y", "4", "4x8", "1"), "-> tensor<2x6x4xf32>|!all_");
  expect_program(CONV("..x", ".x.", "...", "4", "4x8", "1"), "all_reduce|(tensor<8x6x1xf32>");
  expect_program(CONV("..x", "..x", "..x", "8", "2x8", "4"), "feature_group_count = 1 : i64|!all_");
  expect_program(CONV(".y.", "...", ".y.", "4", "4x8", "1"), "all_gather");
}

static void sums_that_do_not_wait_for_each_other_are_one(void **unused) {
  expect_program(
      "func.func @main(%a: tensor<8x16xf32> {.x}, %b: tensor<4x16xf32> {.x}) -> (tensor<8xf32> "
      "{.}, "
      "tensor<4xf32> {.}, tensor<f32>) {\n"
      "  %c = stablehlo.constant dense<0.0> : tensor<f32>\n"
      "  %0 = stablehlo.reduce(%a init: %c) applies stablehlo.add across dimensions = [1] : "
      "(tensor<8x16xf32>, tensor<f32>) -> tensor<8xf32>\n"
      "  %1 = stablehlo.reduce(%b init: %c) applies stablehlo.add across dimensions = [1] : "
      "(tensor<4x16xf32>, tensor<f32>) -> tensor<4xf32>\n"
      "  %2 = stablehlo.reduce(%0 init: %c) applies stablehlo.add across dimensions = [0] : "
      "(tensor<8xf32>, tensor<f32>) -> tensor<f32>\n"
      "  return %0, %1, %2 : tensor<8xf32>, tensor<4xf32>, tensor<f32>\n}\n",
      "(tensor<8xf32>, tensor<4xf32>) -> (tensor<8xf32>, tensor<4xf32>)");
}

// --- Control flow --------------------------------------------------------------------------------

static void loops_and_branches(void **unused) {
  expect_program(
      "func.func @main(%n: tensor<i32>, %a: tensor<8x8xf32> {x.}, %w: tensor<8x8xf32> {y.}) -> "
      "(tensor<8x8xf32> {x.}, tensor<8x8xf32> {xy}) {\n"
      "  %one = stablehlo.constant dense<1> : tensor<i32>\n"
      "  %zero = stablehlo.constant dense<0> : tensor<i32>\n"
      "  %0:2 = stablehlo.while(%i = %zero, %c = %a) : tensor<i32>, tensor<8x8xf32>\n"
      "  cond {\n    %three = stablehlo.constant dense<3> : tensor<i32>\n"
      "    %p = stablehlo.compare LT, %i, %three : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
      "    stablehlo.return %p : tensor<i1>\n  } do {\n"
      "    %d = stablehlo.dot_general %c, %w, contracting_dims = [1] x [0] : (tensor<8x8xf32>, "
      "tensor<8x8xf32>) -> tensor<8x8xf32>\n"
      "    %j = stablehlo.add %i, %one : tensor<i32>\n"
      "    stablehlo.return %j, %d : tensor<i32>, tensor<8x8xf32>\n  }\n"
      "  %p = stablehlo.compare LT, %n, %one : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
      "  %1 = \"stablehlo.if\"(%p) ({\n    %t = stablehlo.transpose %a, dims = [1, 0] : "
      "(tensor<8x8xf32>) -> tensor<8x8xf32>\n    stablehlo.return %t : tensor<8x8xf32>\n  }, {\n"
      "    stablehlo.return %w : tensor<8x8xf32>\n  }) : (tensor<i1>) -> tensor<8x8xf32>\n"
      "  return %0#1, %1 : tensor<8x8xf32>, tensor<8x8xf32>\n}\n",
      "stablehlo.while|tensor<2x8xf32>|all_|stablehlo.if");
}

// --- Moves ---------------------------------------------------------------------------------------

static void expect_move(const char *from, const char *to, const char *parts) {
  char text[1000];
  snprintf(text, sizeof text,
           "func.func @main(%%a: tensor<8x16xf32> {%s}) -> (tensor<8x16xf32> {%s}) {\n"
           "  return %%a : tensor<8x16xf32>\n}\n",
           from, to);
  expect_program(text, parts);
}

static void parts_move(void **unused) {
  expect_move("..", "xy", "dynamic_slice|!all_|!collective");
  expect_move("xy", "..", "all_gather|!all_to_all|!collective");
  expect_move("x.", ".x", "all_to_all|!all_gather");
  expect_move("Z.", "xy", "all_to_all|!all_gather");
  expect_move(".Z", "x.", "all_gather");
  expect_move("Z.", ".Z", "all_to_all|!all_gather");
  expect_move("z.", "Z.", "collective_permute|!all_gather");
  expect_move("xy", "yx", "all_");
  expect_move("x.", "y.", "!all_to_all");
  expect_move("..+x", "..", "all_reduce");
  expect_move("..+x", "x.", "reduce_scatter|!all_reduce");
  expect_move("..+x", ".y", "all_reduce|dynamic_slice");
  expect_move("..+y", "xy", "reduce_scatter|dynamic_slice");
  expect_move("..", "..+x", "select|!all_");
  expect_move("x.", "..+x", "dynamic_update_slice|!all_");
  expect_move("Z.", "..+x", "dynamic_update_slice|all_gather");
  expect_move(".x+y", ".x+y", "!all_|!dynamic");
}

static void axes_are_cut(void **unused) {
  // The halves of x go to different dimensions.
  expect_program("func.func @main(%a: tensor<8x4xf32> {x.}) -> (tensor<2x4x4xf32> {...}, "
                 "tensor<2x16xf32> {..}) {\n"
                 "  %0 = stablehlo.reshape %a : (tensor<8x4xf32>) -> tensor<2x4x4xf32>\n"
                 "  %1 = stablehlo.sine %0 : tensor<2x4x4xf32>\n"
                 "  %2 = stablehlo.reshape %1 : (tensor<2x4x4xf32>) -> tensor<2x16xf32>\n"
                 "  return %1, %2 : tensor<2x4x4xf32>, tensor<2x16xf32>\n}\n",
                 "all_gather");
  expect_program("func.func @main(%a: tensor<6x4xf32> {..}) -> (tensor<6x4xf32> {y.}) {\n"
                 "  %0 = sdy.sharding_constraint %a <@m, [{\"x\"}, {}]> : tensor<6x4xf32>\n"
                 "  %1 = stablehlo.sine %0 : tensor<6x4xf32>\n"
                 "  return %1 : tensor<6x4xf32>\n}\n",
                 "tensor<3x4xf32>");
}

// --- Manual computations -------------------------------------------------------------------------

static void manual_bodies_are_the_device_s(void **unused) {
  expect_program(
      "func.func @main(%a: tensor<8x16xf32> {..}) -> (tensor<2x16xf32> {..}) {\n"
      "  %0 = sdy.manual_computation(%a) in_shardings=[<@m, [{\"x\"}, {}]>] out_shardings=[<@m, "
      "[{}, {}], replicated={\"x\"}>] manual_axes={\"x\"} (%b: tensor<2x16xf32>) {\n"
      "    %1 = \"stablehlo.all_reduce\"(%b) <{channel_handle = #stablehlo.channel_handle<handle = "
      "1, type = 1>, replica_groups = dense<[[0, 2, 4, 6], [1, 3, 5, 7]]> : tensor<2x4xi64>, "
      "use_global_device_ids}> ({\n    ^bb0(%x: tensor<f32>, %y: tensor<f32>):\n"
      "      %s = stablehlo.add %x, %y : tensor<f32>\n      stablehlo.return %s : tensor<f32>\n"
      "    }) : (tensor<2x16xf32>) -> tensor<2x16xf32>\n"
      "    %2 = sdy.sharding_constraint %1 <@m, [{}, {\"y\"}]> : tensor<2x16xf32>\n"
      "    %3 = stablehlo.sine %2 : tensor<2x16xf32>\n"
      "    sdy.return %3 : tensor<2x16xf32>\n  } : (tensor<8x16xf32>) -> tensor<2x16xf32>\n"
      "  return %0 : tensor<2x16xf32>\n}\n",
      "!manual_computation|sine %|tensor<2x8xf32>|all_gather");
}

// --- Programs that stay whole --------------------------------------------------------------------

static void expect_whole(const char *program, const char *why) {
  const char *text = write_program(program);
  Parsed parsed = parse(text, strlen(text));
  if (parsed.status)
    fail_msg("%s\n%s", pj_status_message(parsed.status), text);
  Job job = {.module = parsed.module};
  assert_null(pj_verify(parsed.module));
  assert_null(pj_arena_guard(parsed.arena, localize, &job));
  assert_null(job.local);
  if (!job.why.len || !strstr(job.why.ptr, why))
    fail_msg("expected \"%s\", not: %.*s", why, PJ_STR_ARG(job.why));
  parsed_free(&parsed);
}

static void calls_and_effects_keep_programs_whole(void **unused) {
#define CALL(op)                                                                \
  "func.func @main(%a: tensor<8xf32> {x}) -> (tensor<8xf32> {x}) {\n  %0 = " op \
  "\n  return %0 : tensor<8xf32>\n}\n"
  expect_whole(CALL("stablehlo.custom_call @f(%a) : (tensor<8xf32>) -> tensor<8xf32>"), "once");
  expect_whole(
      CALL("\"stablehlo.collective_permute\"(%a) <{source_target_pairs = dense<[[0, 1]]> : "
           "tensor<1x2xi64>}> : (tensor<8xf32>) -> tensor<8xf32>"),
      "outside");
  expect_whole(
      "func.func @main(%a: tensor<8xf32> {x}, %t: !stablehlo.token) -> (tensor<8xf32> {x}) "
      "{\n  return %a : tensor<8xf32>\n}\n",
      "no array");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elements_stay_where_they_are),
      cmocka_unit_test(products_are_summed_where_both_are_cut),
      cmocka_unit_test(terms_stay_terms),
      cmocka_unit_test(sums_are_joined),
      cmocka_unit_test(values_out_of_nothing),
      cmocka_unit_test(shapes_change),
      cmocka_unit_test(cut_dimensions_are_put_together_to_be_sliced),
      cmocka_unit_test(slices_at_runtime),
      cmocka_unit_test(rows_are_looked_up_and_added),
      cmocka_unit_test(sorted_dimensions_are_whole),
      cmocka_unit_test(convolutions),
      cmocka_unit_test(sums_that_do_not_wait_for_each_other_are_one),
      cmocka_unit_test(loops_and_branches),
      cmocka_unit_test(parts_move),
      cmocka_unit_test(axes_are_cut),
      cmocka_unit_test(manual_bodies_are_the_device_s),
      cmocka_unit_test(calls_and_effects_keep_programs_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

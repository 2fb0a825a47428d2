// The text parser: small programs of every form, malformed ones, and what MLIR's own parser
// refuses.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ir/print.h"
#include "text_tools.h"

// ------------------------------------------------------------------------------------- accepted
// Programs whose printed text parses back to the same module, in every mode of the printer.
static const char *const programs[] = {
    "",
    "module {}",
    "module @m attributes {mhlo.num_partitions = 2 : i32, a, \"b c\" = [1, 2.5, \"x\\22\\n\"]} {}",
    "func.func private @f(tensor<2xf32>, tensor<*xi1>) -> (tensor<f32> {jax.result_info = \"a\"})",
    "func.func @main() { return }",
    "func.func @main(%arg0: tensor<2x?xf32, #stablehlo.bounds<?, 5>> {a.b}) -> tensor<2x?xf32, "
    "#stablehlo.type_extensions<bounds = [?, 5]>> { func.return %arg0 : tensor<2x?xf32, "
    "#stablehlo.bounds<?, 5>> }",
    "func.func @main(%a: tensor<f32>) -> tensor<f32> {\n"
    "  %0 = stablehlo.add %a, %a : tensor<f32>\n"
    "  %1 = \"stablehlo.add\"(%a, %0) : (tensor<f32>, tensor<f32>) -> tensor<f32>\n"
    "  %2 = call @g(%1) : (tensor<f32>) -> tensor<f32>\n"
    "  %3:2 = \"stablehlo.optimization_barrier\"(%2, %a) : (tensor<f32>, tensor<f32>) -> "
    "(tensor<f32>, tensor<f32>)\n"
    "  return %3#1 : tensor<f32>\n"
    "}\n"
    "func.func private @g(%a: tensor<f32>) -> tensor<f32> { return %a : tensor<f32> }",
    // Aliases before and after their use; locations.
    "#a = #stablehlo<precision HIGH>\n"
    "func.func @main(%a: !t loc(\"x\"(#loc2)), %b: !t) -> !t {\n"
    "  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0], precision = [HIGH, "
    "DEFAULT] : "
    "(!t, !t) -> !t loc(#loc1)\n"
    "  %1 = \"stablehlo.dot\"(%0, %b) {precision_config = [#a, #b]} : (!t, !t) -> !t\n"
    "  return %1 : !t loc(callsite(\"f\" at \"x.py\":1:2))\n"
    "} loc(fused<\"m\">[#loc1, unknown])\n"
    "#b = #a\n"
    "!t = tensor<2x2xf32>\n"
    "#loc1 = loc(\"a.py\":3:4 to 5:6)\n"
    "#loc2 = loc(#loc1)",
    // Constants.
    "func.func @main() {\n"
    "  %0 = stablehlo.constant dense<[[1, -2], [0x10, 255]]> : tensor<2x2xi8>\n"
    "  %1 = stablehlo.constant dense<[true, false]> : tensor<2xi1>\n"
    "  %2 = stablehlo.constant dense<(1.0, -2.5e-3)> : tensor<3xcomplex<f32>>\n"
    "  %3 = stablehlo.constant dense<[0x7FC0, 1.0, -0.0]> : tensor<3xbf16>\n"
    "  %4 = stablehlo.constant dense<\"0x0F07\"> : tensor<2xi4>\n"
    "  %5 = stablehlo.constant dense<> : tensor<0x4xf32>\n"
    "  %6 = stablehlo.constant dense<[[], []]> : tensor<2x0xf32>\n"
    "  %7 = stablehlo.constant dense<7> : tensor<99999999x99999999xui64>\n"
    "  %8 = stablehlo.constant dense<1.5> : tensor<2xf8E4M3FN>\n"
    "  %9 = stablehlo.constant() <{value = dense<1> : tensor<2xi8>}> : () -> "
    "tensor<2x!quant.uniform<i8:f32, 0.5>>\n"
    "  return\n"
    "}",
    // Quantised types.
    "func.func private @q(tensor<4x!quant.uniform<i8<-127:127>:f32:0, {0.1:-30, 0.5, 2.0:1, "
    "1.0e-3}>>, tensor<!quant.uniform<u4:bf16, 3.0:2>>)",
    // Control flow.
    "func.func @main(%a: tensor<i32>, %b: tensor<4xf32>) -> tensor<4xf32> {\n"
    "  %0:2 = stablehlo.while(%i = %a, %x = %b) : tensor<i32>, tensor<4xf32> attributes {k = 1}\n"
    "  cond {\n"
    "    %c = stablehlo.constant dense<3> : tensor<i32>\n"
    "    %1 = stablehlo.compare LT, %i, %c, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "    stablehlo.return %1 : tensor<i1>\n"
    "  } do {\n"
    "    %c = stablehlo.constant dense<1> : tensor<i32>\n"
    "    %1 = stablehlo.add %i, %c : tensor<i32>\n"
    "    stablehlo.return %1, %x : tensor<i32>, tensor<4xf32>\n"
    "  }\n"
    "  %r = \"stablehlo.case\"(%a) ({\n"
    "    stablehlo.return %0#1 : tensor<4xf32>\n"
    "  }, {\n"
    "    stablehlo.return %b : tensor<4xf32>\n"
    "  }) : (tensor<i32>) -> tensor<4xf32>\n"
    "  return %r : tensor<4xf32>\n"
    "}",
    "func.func @main(%a: tensor<4x5xf32>, %i: tensor<f32>) {\n"
    "  %0 = stablehlo.reduce(%a init: %i) applies stablehlo.add across dimensions = [0, 1] : "
    "(tensor<4x5xf32>, tensor<f32>) -> tensor<f32>\n"
    "  %1:2 = stablehlo.reduce(%a init: %i), (%a init: %i) across dimensions = [1] {x} : "
    "(tensor<4x5xf32>, tensor<4x5xf32>, tensor<f32>, tensor<f32>) -> (tensor<4xf32>, "
    "tensor<4xf32>)\n"
    "   reducer(%p: tensor<f32> loc(\"p\"), %q: tensor<f32>) (%r: tensor<f32>, %s: tensor<f32>) {\n"
    "    %2 = stablehlo.maximum %p, %q : tensor<f32>\n"
    "    stablehlo.return %2, %s : tensor<f32>, tensor<f32>\n"
    "  }\n"
    "  return\n"
    "}",
    // One op of each odd form.
    "func.func @main(%a: tensor<3x4xf32>, %i: tensor<i32>, %p: tensor<3x4xi1>, %t: "
    "!stablehlo.token, "
    "%f: tensor<f32>) {\n"
    "  %0 = stablehlo.slice %a [0:2, 1:4:2] : (tensor<3x4xf32>) -> tensor<2x2xf32>\n"
    "  %1 = stablehlo.dynamic_slice %a, %i, %i, sizes = [1, 4] : (tensor<3x4xf32>, tensor<i32>, "
    "tensor<i32>) -> tensor<1x4xf32>\n"
    "  %2 = stablehlo.select %p, %a, %a : tensor<3x4xi1>, tensor<3x4xf32>\n"
    "  %3 = stablehlo.complex %a, %a : tensor<3x4xcomplex<f32>>\n"
    "  %4 = stablehlo.pad %a, %f, low = [0, -1], high = [1, 0], interior = [0, 2] : "
    "(tensor<3x4xf32>, "
    "tensor<f32>) -> tensor<4x9xf32>\n"
    "  %5 = stablehlo.reduce_precision %a, format = e5m10 : tensor<3x4xf32>\n"
    "  %6 = stablehlo.tuple %a, %t : tuple<tensor<3x4xf32>, !stablehlo.token>\n"
    "  %7 = stablehlo.get_tuple_element %6[1] : (tuple<tensor<3x4xf32>, !stablehlo.token>) -> "
    "!stablehlo.token\n"
    "  stablehlo.optimization_barrier ()\n"
    "  %8 = stablehlo.after_all %t, %7 : !stablehlo.token\n"
    "  %9 = stablehlo.custom_call @\"a b\"(%a) {api_version = 2 : i32, operand_layouts = "
    "[dense<[1, "
    "0]> : tensor<2xindex>], result_layouts = [dense<> : tensor<0xindex>], output_operand_aliases "
    "= "
    "[#stablehlo.output_operand_alias<output_tuple_indices = [], operand_index = 0, "
    "operand_tuple_indices = []>], called_computations = [@main]} : (tensor<3x4xf32>) -> "
    "tensor<f32>\n"
    "  %10 = stablehlo.composite \"x.y\" %a, %f {decomposition = @main, version = 3 : i32, "
    "composite_attributes = {k = array<f32: 1.0, 0x7FC00000>}} : (tensor<3x4xf32>, tensor<f32>) -> "
    "tensor<f32>\n"
    "  %11 = stablehlo.exponential %a {result_accuracy = #stablehlo.result_accuracy<atol = 0.5, "
    "ulps "
    "= 3, mode = #stablehlo.result_accuracy_mode<TOLERANCE>>} : tensor<3x4xf32>\n"
    "  %12 = stablehlo.cholesky %a, lower = true : tensor<3x4xf32>\n"
    "  %13:2 = chlo.top_k(%a, k = 2) : tensor<3x4xf32> -> (tensor<3x2xf32>, tensor<3x2xi32>)\n"
    "  %14 = chlo.next_after %a, %a : tensor<3x4xf32>, tensor<3x4xf32> -> tensor<3x4xf32>\n"
    "  check.expect_almost_eq_const %f, dense<1.0> : tensor<f32>, tolerance = 0.1\n"
    "  return\n"
    "}",
    "func.func @main(%a: tensor<1x8x8x2xf32>, %b: tensor<3x3x2x4xf32>) {\n"
    "  %0 = stablehlo.convolution(%a, %b) dim_numbers = [b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f], "
    "window = {stride = [2, 2], pad = [[1, 1], [0, 2]], reverse = [true, false]} "
    "{batch_group_count = 1 : i64, feature_group_count = 1 : i64} : (tensor<1x8x8x2xf32>, "
    "tensor<3x3x2x4xf32>) -> tensor<1x4x4x4xf32>\n"
    "  %1 = stablehlo.dot_general %a, %b, batching_dims = [0] x [0], contracting_dims = [3] x [2], "
    "algorithm = <lhs_precision_type = tf32, rhs_precision_type = tf32, accumulation_type = f32, "
    "lhs_component_count = 1, rhs_component_count = 1, num_primitive_operations = 1, "
    "allow_imprecise_accumulation = false> : (tensor<1x8x8x2xf32>, tensor<3x3x2x4xf32>) -> "
    "tensor<f32>\n"
    "  %2 = \"stablehlo.convolution\"(%a, %b) {dimension_numbers = #stablehlo.conv<raw "
    "input_batch_dimension = 7, input_spatial_dimensions = [1, 1]>, batch_group_count = 1 : i64, "
    "feature_group_count = 1 : i64, lhs_dilation = dense<2> : tensor<2xi64>} : "
    "(tensor<1x8x8x2xf32>, tensor<3x3x2x4xf32>) -> tensor<f32>\n"
    "  return\n"
    "}",
    // Collectives and Shardy.
    "sdy.mesh @mesh = <[\"x\"=2, \"y\"=4], device_ids=[7, 6, 5, 4, 3, 2, 1, 0]>\n"
    "func.func @main(%a: tensor<8xf32> {sdy.sharding = #sdy.sharding<@mesh, [{\"x\", ?}p1], "
    "replicated={\"y\":(2)2}, unreduced={\"z\"}>}) -> tensor<8xf32> {\n"
    "  %0 = sdy.sharding_constraint %a <@mesh, [{?}]> : tensor<8xf32>\n"
    "  %1 = sdy.manual_computation(%0) in_shardings=[<@mesh, [{\"x\"}]>] "
    "out_shardings=[<mesh<[\"x\"=2]"
    ">, [{}]>] manual_axes={\"x\"} (%b: tensor<4xf32>) {\n"
    "    %2 = \"stablehlo.all_gather\"(%b) <{all_gather_dim = 0 : i64, channel_handle = "
    "#stablehlo.channel_handle<handle = 1, type = 1>, replica_groups = dense<[[0, 1]]> : "
    "tensor<1x2xi64>, use_global_device_ids}> : (tensor<4xf32>) -> tensor<8xf32>\n"
    "    sdy.return %2 : tensor<8xf32>\n"
    "  } : (tensor<8xf32>) -> tensor<8xf32>\n"
    "  %3 = stablehlo.custom_call @f(%1) {sdy.sharding_rule = #sdy.op_sharding_rule<([i, "
    "jk])->([i, "
    "z_1]) {i=1, j=2, k=3} reduction={j} need_replication={i, k}, custom>, m = "
    "#sdy<manual_axes{\"x\"}"
    ">, g = #stablehlo.replica_group_mesh_axes<mesh = @mesh, axes = [#stablehlo.axis_ref<name = "
    "\"x\", "
    "sub_axis_info = (1)2>]>} : (tensor<8xf32>) -> tensor<8xf32>\n"
    "  sdy.sharding_group %3 group_id = 4 : tensor<8xf32>\n"
    "  return %3 : tensor<8xf32>\n"
    "}",
    // chlo.scan and a grid of programs.
    "func.func @main(%a: tensor<3xf32>, %i: tensor<f32>) {\n"
    "  %0:2 = chlo.scan(%a) inits(%i) dimension = 0 attributes {is_reverse = true} {\n"
    "  ^bb0(%x: tensor<f32>, %c: tensor<f32>):\n"
    "    %1 = stablehlo.add %x, %c : tensor<f32>\n"
    "    stablehlo.return %1, %1 : tensor<f32>, tensor<f32>\n"
    "  } : (tensor<3xf32>, tensor<f32>) -> (tensor<3xf32>, tensor<f32>)\n"
    "  \"interpreter.run_parallel\"() {programs = [[@main], [@main]], infeed = [@q]} : () -> ()\n"
    "  return\n"
    "}",
    // The generic form of everything, with a label in the function's region.
    "\"builtin.module\"() <{sym_name = \"m\"}> ({\n"
    "  \"func.func\"() <{function_type = (tensor<f32>) -> tensor<f32>, sym_name = \"main\"}> ({\n"
    "  ^bb0(%a: tensor<f32>):\n"
    "    \"func.return\"(%a) : (tensor<f32>) -> ()\n"
    "  }) {x = 1 : i64} : () -> ()\n"
    "}) {y} : () -> ()",
};

static void test_round_trip(void **state) {
  for (size_t i = 0; i < sizeof programs / sizeof *programs; ++i) {
    char *why = round_trip(programs[i], strlen(programs[i]));
    if (why)
      fail_msg("program %zu: %s\n%s", i, why, programs[i]);
  }
}

// ------------------------------------------------------------------------------------- refused
// Programs with the place and a part of the message.
static const struct {
  const char *text, *message;
} refused[] = {
    {"module {", "1:9: expected func.func"},
    {"module {} module {}", "1:11: expected one module"},
    {"func.func @f() { return } func.func @f() { return }",
     "1:27: redefinition of symbol named 'f'"},
    {"func.func @f(%a: tensor<f32>, %a: tensor<f32>) { return }",
     "1:31: redefinition of SSA value '%a'"},
    {"func.func @f() {\n  return %a : tensor<f32>\n}", "2:10: use of undeclared SSA value '%a'"},
    {"func.func @f(%a: tensor<f32>) {\n  return %a : tensor<f64>\n}",
     "2:10: use of this value expects different type"},
    {"func.func @f(%a: tensor<f32>) {\n  %0 = stablehlo.abs %a : (tensor<f32>, tensor<f32>) -> "
     "tensor<f32>\n}",
     "1 operands present, but expected 2"},
    {"func.func @f(%a: tensor<f32>) {\n  %0:2 = stablehlo.abs %a : tensor<f32>\n}",
     "2:3: operation defines 1 results but was provided 2 to bind"},
    {"func.func @f(%a: tensor<f32>) { return %a#1 : tensor<f32> }", "there is no #1"},
    {"func.func @f(%a: !x) { return }", "1:18: undefined alias !x"},
    {"#a = #b\n#b = #a\nmodule attributes {x = #a} {}", "contains itself"},
    {"#a = loc(#b)\n#b = loc(#a)\nmodule {}", "this location contains itself"},
    {"module {} loc(#nowhere)", "1:15: undefined location alias #nowhere"},
    {"#a = 1\n#a = 2\nmodule {}", "2:1: the alias #a is defined twice"},
    {"module attributes {a = 1, a = 2} {}", "'a' is given twice"},
    {"module attributes {a = dense<[1, 2]> : tensor<3xi32>} {}", "1:30: this list has 2 elements"},
    {"module attributes {a = dense<[[1], 2]> : tensor<2x1xi32>} {}", "1:36: expected a list"},
    {"module attributes {a = dense<[[1]]> : tensor<1xi32>} {}", "nested deeper than the rank"},
    {"module attributes {a = dense<256> : tensor<i8>} {}", "integer constant out of range"},
    {"module attributes {a = dense<-0> : tensor<i8>} {}", "integer constant out of range"},
    {"module attributes {a = dense<-1> : tensor<ui8>} {}", "expected an unsigned value"},
    {"module attributes {a = dense<1> : tensor<f32>} {}", "unexpected decimal integer"},
    {"module attributes {a = dense<1.0> : tensor<i32>} {}", "expected an integer"},
    {"module attributes {a = dense<0x1FFFF> : tensor<f16>} {}",
     "hexadecimal float constant out of"},
    {"module attributes {a = dense<true> : tensor<i8>} {}", "true and false are for i1"},
    {"module attributes {a = dense<[]> : tensor<999999999999xi8>} {}", "the literal has fewer"},
    {"module attributes {a = dense<1> : tensor<?xi8>} {}", "must have static shape"},
    {"module attributes {a = dense<\"0x0102\"> : tensor<3xi8>} {}", "hex data size is invalid"},
    {"module attributes {a = dense<\"0x0g\"> : tensor<i8>} {}", "expected only hex digits"},
    {"module attributes {a = dense<\"0xg0\"> : tensor<i8>} {}", "expected only hex digits"},
    {"module attributes {a = dense<1 : tensor<i8>} {}", "expected ':'"},
    {"module attributes {a = dense_resource<x> : tensor<2xf32>} {}", "must be written out"},
    {"module attributes {a = 256 : i8} {}", "integer constant out of range"},
    {"module attributes {a = \"x} {}", "this string has no end"},
    {"module attributes {a = \"\\q\"} {}", "unknown escape"},
    {"module attributes {a = #foo.bar<1>} {}", "unknown dialect"},
    {"module attributes {a = tensor<3xi10>} {}", "an element type of StableHLO"},
    {"module attributes {a = tensor<3x2>} {}", "expected 'x' behind a dimension"},
    {"module attributes {a = tensor<99999999999999999999xf32>} {}", "does not fit 64 bits"},
    {"module attributes {a = tensor<3xf32, #stablehlo.bounds<4>>} {}", "has size 3"},
    {"module attributes {a = tensor<?xf32, #stablehlo.bounds<4, 5>>} {}", "one bound for each"},
    {"module attributes {a = !quant.uniform<i8:f32, -1.0>} {}", "positive and finite"},
    {"module attributes {a = !quant.uniform<i8<0:300>:f32, 1.0>} {}", "exceeds the storage type's"},
    {"module attributes {a = #stablehlo.conv<[b, f]x[i, o]->[b, b]>} {}", "Unexpected dimension b"},
    {"module attributes {a = #stablehlo.gather<offset_dims = [0], offset_dims = [1]>} {}",
     "duplicated"},
    {"func.func @f() { %0 = stablehlo.nothing }", "unknown operation 'stablehlo.nothing'"},
    {"func.func @f() { \"stablehlo.add\" }", "expected '('"},
    {"func.func @f(%a: tensor<f32>) { %0 = \"stablehlo.abs\"(%a) <{foo}> : (tensor<f32>) -> "
     "tensor<f32> }",
     "stablehlo.abs has no property 'foo'"},
    {"func.func @f() { %0 = \"stablehlo.iota\"() {iota_dimension = 0 : i32} : () -> tensor<2xi8> }",
     "expected an integer of type i64"},
    {"func.func @f() { \"stablehlo.case\"() ({\n^a:\n^b:\n}) : () -> () }",
     "regions of several blocks"},
    {"func.func @f() { func.func @g() { return } }", "may only stand in the module"},
    {"stablehlo.return", "expected func.func, sdy.mesh"},
};

static void test_refused(void **state) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; ++i) {
    Parsed parsed = parse(refused[i].text, strlen(refused[i].text));
    if (!parsed.status)
      fail_msg("accepted: %s", refused[i].text);
    const char *message = pj_status_message(parsed.status);
    if (!strstr(message, refused[i].message))
      fail_msg("%s\n  gives  %s\n  not    %s", refused[i].text, message, refused[i].message);
    parsed_free(&parsed);
  }
}

// Every prefix of a program either parses or is refused; so does every program with one byte
// changed.
static void test_damage(void **state) {
  for (size_t i = 0; i < sizeof programs / sizeof *programs; ++i) {
    size_t size = strlen(programs[i]);
    char *copy = malloc(size + 1);
    for (size_t n = 0; n < size; ++n) {
      memcpy(copy, programs[i], size);
      Parsed parsed = parse(copy, n);
      parsed_free(&parsed);
      copy[n] = "<>(){}[]%#!@\"x0,=:- \n"[(n * 7 + i) % 22];
      parsed = parse(copy, size);
      parsed_free(&parsed);
    }
    free(copy);
  }
}

// Nesting without end is refused, not followed.
static void test_depth(void **state) {
  static const char *const opens[] = {"module attributes {a = ", "module attributes {a = ",
                                      "module attributes {a = ", "module {} loc(",
                                      "func.func @f() { "};
  static const char *const repeats[] = {"[", "tuple<", "() -> (", "fused[",
                                        "\"stablehlo.case\"() ({"};
  for (size_t i = 0; i < sizeof opens / sizeof *opens; ++i) {
    size_t count = 100000, len = strlen(repeats[i]), start = strlen(opens[i]);
    char *text = malloc(start + count * len + 1);
    memcpy(text, opens[i], start);
    for (size_t k = 0; k < count; ++k)
      memcpy(text + start + k * len, repeats[i], len);
    Parsed parsed = parse(text, start + count * len);
    assert_non_null(parsed.status);
    assert_non_null(strstr(pj_status_message(parsed.status), "deeper"));
    parsed_free(&parsed);
    free(text);
  }
}

// Memory that runs out at any point gives RESOURCE_EXHAUSTED.
static void test_exhaustion(void **state) {
  const char *text = programs[9];
  for (size_t limit = 64; limit < 16384; limit += 61) {
    Parsed parsed = parse_limited(text, strlen(text), limit);
    if (parsed.status)
      assert_int_equal(pj_status_code(parsed.status), PJ_RESOURCE_EXHAUSTED);
    parsed_free(&parsed);
  }
}

// ------------------------------------------------------------------------------------- values
static const PjAttr *module_attr(Parsed *parsed, const char *text) {
  *parsed = parse(text, strlen(text));
  assert_null(parsed->status);
  return parsed->module->attrs->elems[0];
}

static void test_elements(void **state) {
  Parsed parsed;
  const PjAttr *attr =
      module_attr(&parsed, "module attributes {a = dense<[-1, 127, 128, 0x80]> : tensor<4xi8>} {}");
  assert_int_equal(attr->kind, PJ_ATTR_ELEMENTS);
  assert_int_equal(attr->data_size, 4);
  assert_memory_equal(attr->data, "\xFF\x7F\x80\x80", 4);
  parsed_free(&parsed);

  attr = module_attr(&parsed, "module attributes {a = dense<[2, 2]> : tensor<2xi16>} {}");
  assert_true(attr->splat);
  assert_int_equal(attr->data_size, 2);
  parsed_free(&parsed);

  attr = module_attr(&parsed, "module attributes {a = dense<\"0x0E07\"> : tensor<2xi4>} {}");
  assert_memory_equal(attr->data, "\xFE\x07", 2); // sign copied into the upper bits
  parsed_free(&parsed);

  attr = module_attr(&parsed, "module attributes {a = dense<\"0x05\"> : tensor<i1>} {}");
  assert_memory_equal(attr->data, "\x01", 1);
  parsed_free(&parsed);

  attr = module_attr(&parsed, "module attributes {a = dense<\"0x0103\"> : tensor<16xi1>} {}");
  assert_memory_equal(attr->data, "\1\0\0\0\0\0\0\0\1\1\0\0\0\0\0\0", 16); // packed, of old
  parsed_free(&parsed);

  attr = module_attr(&parsed, "module attributes {a = dense<0.1> : tensor<f32>} {}");
  float value;
  memcpy(&value, attr->data, sizeof value);
  assert_true(value == 0.1f);
  assert_false(attr->splat);
  parsed_free(&parsed);
}

// Readers of different age take hex digits of i1 for bits or for bytes.
static void test_many_bits_are_spelt_out(void **state) {
  char text[1024] = "module attributes {a = dense<[false";
  for (int i = 1; i < 120; ++i)
    strcat(text, i % 3 ? ", false" : ", true");
  strcat(text, "]> : tensor<120xi1>} {\n}\n");
  Parsed parsed;
  module_attr(&parsed, text);
  PjStrBuf out = {0};
  pj_module_print(&out, parsed.module, NULL);
  assert_non_null(strstr(out.data, "dense<[false, false, false, true, false"));
  pj_strbuf_free(&out);
  parsed_free(&parsed);
}

static void test_canonical(void **state) {
  const char *text =
      "func.func @main(%a: tensor<2x3xf32>, %b: tensor<f32>) {\n"
      "  %0 = \"stablehlo.reduce_window\"(%a, %b) ({\n"
      "  ^bb0(%x: tensor<f32>, %y: tensor<f32>):\n"
      "    stablehlo.return %x : tensor<f32>\n"
      "  }) {window_dimensions = dense<[1, 2]> : tensor<2xi64>, padding = dense<[[0, 1], [2, 3]]> "
      ": "
      "tensor<2x2xi64>, index_vector_dim = 3} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x2xf32>\n"
      "  return\n"
      "}";
  Parsed parsed = parse(text, strlen(text));
  assert_null(parsed.status);
  const PjOp *op = pj_module_entry(parsed.module)->regions[0].first;
  uint32_t count;
  const int64_t *values = PJ_INTS(op, window_dimensions, &count);
  assert_int_equal(count, 2);
  assert_int_equal(values[1], 2);
  values = PJ_INTS(op, window_strides, &count); // a default
  assert_int_equal(count, 2);
  assert_int_equal(values[0], 1);
  assert_int_equal(PJ_ATTR(op, padding)->columns, 2);
  assert_int_equal(PJ_ATTR(op, padding)->ints[3], 3);
  assert_int_equal(pj_attr_get(op->extra, "index_vector_dim")->i64, 3);
  assert_ptr_equal(op->regions[0].args[0].region, &op->regions[0]);
  assert_ptr_equal(op->regions[0].first->region, &op->regions[0]);
  assert_ptr_equal(op->regions[0].parent, op);
  parsed_free(&parsed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip), cmocka_unit_test(test_refused),
      cmocka_unit_test(test_damage),     cmocka_unit_test(test_depth),
      cmocka_unit_test(test_exhaustion), cmocka_unit_test(test_elements),
      cmocka_unit_test(test_canonical),  cmocka_unit_test(test_many_bits_are_spelt_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// What pjrt-aot writes: contents of the files, refusals, exhausted memory. That the C is right is
// judged by programs through the C compiler (tests/python/test_aot.py, pj-differential).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "aot/aot.h"
#include "base/alloc.h"
#include "text_tools.h"

// Every kind of step, and constants small and large.
static const char program[] =
    "func.func @main(%x: tensor<8x64xf32>, %n: tensor<i32>, %unused: tensor<3xi8>) -> "
    "(tensor<8x64xf32>, tensor<8x64xf32>) {\n"
    "  %table = stablehlo.iota dim = 0 : tensor<64x64xf32>\n"
    "  %zero = stablehlo.constant dense<0.0> : tensor<f32>\n"
    "  %one = stablehlo.constant dense<1> : tensor<i32>\n"
    "  %big = stablehlo.sine %table : tensor<64x64xf32>\n"
    "  %p = stablehlo.dot_general %x, %big, contracting_dims = [1] x [0] : (tensor<8x64xf32>, "
    "tensor<64x64xf32>) -> tensor<8x64xf32>\n"
    "  %s = \"stablehlo.sort\"(%p) <{dimension = 1 : i64}> ({\n"
    "    ^bb0(%a: tensor<f32>, %b: tensor<f32>):\n"
    "      %lt = stablehlo.compare LT, %a, %b : (tensor<f32>, tensor<f32>) -> tensor<i1>\n"
    "      stablehlo.return %lt : tensor<i1>\n"
    "  }) : (tensor<8x64xf32>) -> tensor<8x64xf32>\n"
    "  %k, %l = stablehlo.while(%i = %n, %y = %s) : tensor<i32>, tensor<8x64xf32> cond {\n"
    "    %c = stablehlo.compare LT, %i, %one : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "    stablehlo.return %c : tensor<i1>\n"
    "  } do {\n"
    "    %j = stablehlo.add %i, %one : tensor<i32>\n"
    "    %z = stablehlo.dot_general %y, %big, contracting_dims = [1] x [0] : (tensor<8x64xf32>, "
    "tensor<64x64xf32>) -> tensor<8x64xf32>\n"
    "    stablehlo.return %j, %z : tensor<i32>, tensor<8x64xf32>\n"
    "  }\n"
    "  %b = \"stablehlo.case\"(%n) ({\n"
    "    stablehlo.return %l : tensor<8x64xf32>\n"
    "  }, {\n"
    "    %e = stablehlo.exponential %l : tensor<8x64xf32>\n"
    "    stablehlo.return %e : tensor<8x64xf32>\n"
    "  }) : (tensor<i32>) -> tensor<8x64xf32>\n"
    "  return %b, %x : tensor<8x64xf32>, tensor<8x64xf32>\n"
    "}\n";

static const PjAotOptions plain = {.name = "model", .header = "model.h", .origin = "model.mlir"};

static PjStatus write_with(const char *text, const PjAotOptions *options, PjAotFiles *files) {
  Parsed parsed = parse(text, strlen(text));
  assert_non_null(parsed.module);
  PjStatus status = pj_aot_write(parsed.module, options, files);
  parsed_free(&parsed);
  return status;
}

static bool holds(const PjStrBuf *text, const char *word) {
  return text->data && strstr(text->data, word);
}

static void test_files(void **state) {
  PjAotFiles files = {0};
  assert_null(write_with(program, &plain, &files));
  assert_true(holds(&files.header, "void model(const float *in0, const int32_t *in1, const int8_t "
                                   "*in2, float *out0, float *out1, void *workspace);"));
  assert_true(holds(&files.header, "#define MODEL_WORKSPACE "));
  assert_true(holds(&files.header, "in0: tensor<8x64xf32>"));
  assert_true(holds(&files.source, "#include \"model.h\""));
  assert_true(holds(&files.source, "(void)in2;"));
  assert_true(holds(&files.source, "for (;;) {"));
  assert_true(holds(&files.source, "_dot_general("));
  assert_true(holds(&files.source, "_sort("));
  assert_int_equal(files.weights.len, 0);
  pj_aot_files_free(&files);
}

static void test_same_text_each_time(void **state) {
  PjAotFiles first = {0}, second = {0};
  assert_null(write_with(program, &plain, &first));
  assert_null(write_with(program, &plain, &second));
  assert_string_equal(first.source.data, second.source.data);
  assert_string_equal(first.header.data, second.header.data);
  pj_aot_files_free(&first);
  pj_aot_files_free(&second);
}

static void test_weights(void **state) {
  static const char text[] =
      "func.func @main(%x: tensor<128xi32>, %y: tensor<2xi32>) -> (tensor<128xi32>, tensor<2xi32>) "
      "{\n  %d = stablehlo.constant dense<[DATA]> : tensor<128xi32>\n"
      "  %e = stablehlo.constant dense<[7, 9]> : tensor<2xi32>\n"
      "  %0 = stablehlo.add %x, %d : tensor<128xi32>\n"
      "  %1 = stablehlo.add %y, %e : tensor<2xi32>\n"
      "  return %0, %1 : tensor<128xi32>, tensor<2xi32>\n}\n";
  PjStrBuf whole = {0};
  const char *at = strstr(text, "DATA");
  pj_strbuf_append(&whole, text, (size_t)(at - text));
  for (int i = 0; i < 128; ++i)
    pj_strbuf_printf(&whole, "%s%d", i ? ", " : "", 3 * i);
  pj_strbuf_puts(&whole, at + 4);
  PjAotOptions options = plain;
  options.weights = true;
  PjAotFiles files = {0};
  assert_null(write_with(whole.data, &options, &files));
  assert_int_equal(files.weights.len, 512);
  int32_t number;
  memcpy(&number, files.weights.data + 4 * 100, 4);
  assert_int_equal(number, 300);
  assert_true(holds(&files.header, "const void *weights, void *workspace"));
  assert_true(holds(&files.header, "#define MODEL_WEIGHTS 512"));
  assert_false(holds(&files.source, "372"));
  assert_true(holds(&files.source, "7, 9"));
  pj_aot_files_free(&files);
  pj_strbuf_free(&whole);
}

static void expect_refused(const char *text, const PjAotOptions *options, PjCode code,
                           const char *word) {
  PjAotFiles files = {0};
  PjStatus status = write_with(text, options, &files);
  assert_int_equal(pj_status_code(status), code);
  assert_non_null(strstr(pj_status_message(status), word));
  pj_status_free(status);
  pj_aot_files_free(&files);
}

static void test_names(void **state) {
  static const char *const bad[] = {"",     "4x",     "a b",   "a-b",    "int",       "main",
                                    "_a",   "size_t", "class", "memcpy", "f32_load",  "AT",
                                    "swap", "FN",     "exp",   "while",  "k0_map/**/"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    PjAotOptions options = plain;
    options.name = bad[i];
    expect_refused(program, &options, PJ_INVALID_ARGUMENT, "name");
  }
  PjAotOptions options = plain;
  options.header = "a\".h";
  expect_refused(program, &options, PJ_INVALID_ARGUMENT, "header");
  assert_true(pj_aot_is_name("x"));
  assert_true(pj_aot_is_name("whiles"));
  assert_true(pj_aot_is_name("Model_7"));
}

static void test_refusals(void **state) {
  expect_refused("func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n  %0 = "
                 "stablehlo.custom_call @f(%x) : (tensor<4xf32>) -> tensor<4xf32> "
                 "loc(\"model.py\":3:5)\n  return %0 : tensor<4xf32>\n}\n",
                 &plain, PJ_UNIMPLEMENTED, "stablehlo.custom_call: not available as C @f");
  expect_refused("func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {\n  return %x : "
                 "tensor<?xf32>\n}\n",
                 &plain, PJ_UNIMPLEMENTED, "static shape");
  expect_refused("func.func @main() -> !stablehlo.token {\n  %0 = stablehlo.create_token : "
                 "!stablehlo.token\n  return %0 : !stablehlo.token\n}\n",
                 &plain, PJ_UNIMPLEMENTED, "result 0 is no array");
  // LAPACK's names with what LAPACK does not take.
  expect_refused("func.func @main(%x: tensor<4x5xf32>) -> tensor<4xf32> {\n  %0:2 = "
                 "stablehlo.custom_call @lapack_spotrf_ffi(%x) : (tensor<4x5xf32>) -> "
                 "(tensor<4xf32>, tensor<i32>)\n  return %0#0 : tensor<4xf32>\n}\n",
                 &plain, PJ_UNIMPLEMENTED, "lapack_spotrf_ffi");
}

static void test_exhausted_memory(void **state) {
  Parsed parsed = parse(program, strlen(program));
  assert_non_null(parsed.module);
  bool done = false;
  int n = 0;
  for (; !done && n < 20000; n += n < 40 ? 1 : 7) {
    PjAotFiles files = {0};
    pj_alloc_fail_after(n);
    PjStatus status = pj_aot_write(parsed.module, &plain, &files);
    pj_alloc_fail_after(-1);
    done = !status;
    if (status)
      assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
    pj_status_free(status);
    pj_aot_files_free(&files);
  }
  assert_true(done);
  assert_true(n > 20);
  parsed_free(&parsed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_files),    cmocka_unit_test(test_same_text_each_time),
      cmocka_unit_test(test_weights),  cmocka_unit_test(test_names),
      cmocka_unit_test(test_refusals), cmocka_unit_test(test_exhausted_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

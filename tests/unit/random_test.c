// rng_bit_generator against values that jaxlib 0.10.2 gives on its CPU, and rng against the
// intervals and moments of its distributions.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/float.h"
#include "evaluate.h"

typedef struct Bits {
  const char *algorithm;
  int state_size;
  PjDtype dtype;
  int32_t rank;
  int64_t dims[2];
  uint64_t next[3], values[9];
} Bits;

static const uint64_t state0[3] = {0x0123456789abcdef, 0xfedcba9876543210, 0xfffffffffffffffe};
static const Bits cases[] = {
    {"THREE_FRY",
     2,
     PJ_DT_U32,
     2,
     {2, 3},
     {0x123456789abcdefu, 0xfedcba9876543213u},
     {0xaed4a37fu, 0xc3cc4d02u, 0xaee5264eu, 0x1130d111u, 0x798e402eu, 0xb089da7au}},
    {"THREE_FRY",
     2,
     PJ_DT_U32,
     1,
     {3},
     {0x123456789abcdefu, 0xfedcba9876543212u},
     {0xaed4a37fu, 0x1130d111u, 0xc3cc4d02u}},
    {"THREE_FRY", 2, PJ_DT_U32, 0, {1}, {0x123456789abcdefu, 0xfedcba9876543211u}, {0xaed4a37fu}},
    {"THREE_FRY",
     2,
     PJ_DT_U64,
     1,
     {3},
     {0x123456789abcdefu, 0xfedcba9876543213u},
     {0x1130d111aed4a37fu, 0x798e402ec3cc4d02u, 0xb089da7aaee5264eu}},
    {"THREE_FRY",
     2,
     PJ_DT_U16,
     2,
     {3, 3},
     {0x123456789abcdefu, 0xfedcba9876543216u},
     {0xa37fu, 0x4d02u, 0x264eu, 0xd111u, 0x402eu, 0xda7au, 0x5a8u, 0x2210u, 0x9a78u}},
    {"THREE_FRY",
     2,
     PJ_DT_U8,
     1,
     {5},
     {0x123456789abcdefu, 0xfedcba9876543213u},
     {0x7fu, 0x11u, 0x2u, 0x2eu, 0x4eu}},
    {"PHILOX",
     2,
     PJ_DT_U32,
     2,
     {2, 3},
     {0x123456789abcdefu, 0xfedcba9876543212u},
     {0x1ec53d42u, 0xcfa390b5u, 0xf2235702u, 0xe71ff917u, 0xcb472319u, 0xd682777au}},
    {"PHILOX",
     2,
     PJ_DT_U32,
     1,
     {3},
     {0x123456789abcdefu, 0xfedcba9876543211u},
     {0x1ec53d42u, 0xcfa390b5u, 0xf2235702u}},
    {"PHILOX", 2, PJ_DT_U32, 0, {1}, {0x123456789abcdefu, 0xfedcba9876543211u}, {0x1ec53d42u}},
    {"PHILOX",
     2,
     PJ_DT_U64,
     1,
     {3},
     {0x123456789abcdefu, 0xfedcba9876543212u},
     {0xcfa390b51ec53d42u, 0xe71ff917f2235702u, 0xd682777acb472319u}},
    {"PHILOX",
     2,
     PJ_DT_U16,
     2,
     {3, 3},
     {0x123456789abcdefu, 0xfedcba9876543213u},
     {0x3d42u, 0x90b5u, 0x5702u, 0xf917u, 0x2319u, 0x777au, 0x7b98u, 0x9f89u, 0xdd49u}},
    {"PHILOX",
     2,
     PJ_DT_U8,
     1,
     {5},
     {0x123456789abcdefu, 0xfedcba9876543212u},
     {0x42u, 0xb5u, 0x2u, 0x17u, 0x19u}},
    {"PHILOX",
     3,
     PJ_DT_U32,
     2,
     {2, 3},
     {0x123456789abcdefu, 0xfedcba9876543212u, 0xfffffffffffffffeu},
     {0x5d4de108u, 0x13089e2eu, 0x4777c423u, 0xbff66959u, 0xd33d7048u, 0x96f6afe3u}},
    {"PHILOX",
     3,
     PJ_DT_U32,
     1,
     {3},
     {0x123456789abcdefu, 0xfedcba9876543211u, 0xfffffffffffffffeu},
     {0x5d4de108u, 0x13089e2eu, 0x4777c423u}},
    {"PHILOX",
     3,
     PJ_DT_U32,
     0,
     {1},
     {0x123456789abcdefu, 0xfedcba9876543211u, 0xfffffffffffffffeu},
     {0x5d4de108u}},
    {"PHILOX",
     3,
     PJ_DT_U64,
     1,
     {3},
     {0x123456789abcdefu, 0xfedcba9876543212u, 0xfffffffffffffffeu},
     {0x13089e2e5d4de108u, 0xbff669594777c423u, 0x96f6afe3d33d7048u}},
    {"PHILOX",
     3,
     PJ_DT_U16,
     2,
     {3, 3},
     {0x123456789abcdefu, 0xfedcba9876543213u, 0xfffffffffffffffeu},
     {0xe108u, 0x9e2eu, 0xc423u, 0x6959u, 0x7048u, 0xafe3u, 0x1d2au, 0xcd26u, 0xd820u}},
    {"PHILOX",
     3,
     PJ_DT_U8,
     1,
     {5},
     {0x123456789abcdefu, 0xfedcba9876543212u, 0xfffffffffffffffeu},
     {0x8u, 0x2eu, 0x23u, 0x59u, 0x48u}},
    {"DEFAULT",
     3,
     PJ_DT_U32,
     2,
     {2, 3},
     {0x123456789abcdefu, 0xfedcba9876543212u, 0xfffffffffffffffeu},
     {0x5d4de108u, 0x13089e2eu, 0x4777c423u, 0xbff66959u, 0xd33d7048u, 0x96f6afe3u}},
    {"DEFAULT",
     3,
     PJ_DT_U32,
     1,
     {3},
     {0x123456789abcdefu, 0xfedcba9876543211u, 0xfffffffffffffffeu},
     {0x5d4de108u, 0x13089e2eu, 0x4777c423u}},
    {"DEFAULT",
     3,
     PJ_DT_U32,
     0,
     {1},
     {0x123456789abcdefu, 0xfedcba9876543211u, 0xfffffffffffffffeu},
     {0x5d4de108u}},
    {"DEFAULT",
     3,
     PJ_DT_U64,
     1,
     {3},
     {0x123456789abcdefu, 0xfedcba9876543212u, 0xfffffffffffffffeu},
     {0x13089e2e5d4de108u, 0xbff669594777c423u, 0x96f6afe3d33d7048u}},
    {"DEFAULT",
     3,
     PJ_DT_U16,
     2,
     {3, 3},
     {0x123456789abcdefu, 0xfedcba9876543213u, 0xfffffffffffffffeu},
     {0xe108u, 0x9e2eu, 0xc423u, 0x6959u, 0x7048u, 0xafe3u, 0x1d2au, 0xcd26u, 0xd820u}},
    {"DEFAULT",
     3,
     PJ_DT_U8,
     1,
     {5},
     {0x123456789abcdefu, 0xfedcba9876543212u, 0xfffffffffffffffeu},
     {0x8u, 0x2eu, 0x23u, 0x59u, 0x48u}},
};

static void generate(const char *algorithm, int64_t state_size, const uint64_t *initial,
                     PjDtype dtype, int32_t rank, const int64_t *dims, PjTensor **out) {
  PjTensor *in = make_tensor(PJ_DT_U64, 1, &state_size, initial);
  text_start();
  text_add("func.func @main(%%a: ");
  text_type(PJ_DT_U64, 1, &state_size);
  text_add(") -> (");
  text_type(PJ_DT_U64, 1, &state_size);
  text_add(", ");
  text_type(dtype, rank, dims);
  text_add(") {\n%%s, %%r = stablehlo.rng_bit_generator %%a, algorithm = %s : (", algorithm);
  text_type(PJ_DT_U64, 1, &state_size);
  text_add(") -> (");
  text_type(PJ_DT_U64, 1, &state_size);
  text_add(", ");
  text_type(dtype, rank, dims);
  text_add(")\nreturn %%s, %%r : ");
  text_type(PJ_DT_U64, 1, &state_size);
  text_add(", ");
  text_type(dtype, rank, dims);
  text_add("\n}\n");
  evaluate_ok(text_get(), 1, &in, 2, out);
  pj_tensor_release(in);
}

static void test_bits(void **state) {
  (void)state;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    const Bits *b = &cases[c];
    PjTensor *out[2];
    generate(b->algorithm, b->state_size, state0, b->dtype, b->rank, b->dims, out);
    assert_memory_equal(out[0]->data, b->next, (size_t)b->state_size * 8);
    for (int64_t i = 0; i < out[1]->count; ++i) {
      const char *at = (const char *)out[1]->data + (size_t)i * pj_dtype_bytes(b->dtype);
      assert_true((uint64_t)pj_int_decode(b->dtype, at) == b->values[i]);
    }
    pj_tensor_release(out[0]);
    pj_tensor_release(out[1]);
  }
}

// The carry from the lower into the upper half of Philox' counter: a run across it equals two runs
// on its sides.
static void test_carry(void **state) {
  static const uint64_t before[3] = {7, UINT64_MAX, 5}, after[3] = {7, 0, 6};
  static const int64_t eight[1] = {8}, four[1] = {4};
  PjTensor *whole[2], *first[2], *second[2];
  (void)state;
  generate("PHILOX", 3, before, PJ_DT_U32, 1, eight, whole);
  generate("PHILOX", 3, before, PJ_DT_U32, 1, four, first);
  generate("PHILOX", 3, after, PJ_DT_U32, 1, four, second);
  assert_memory_equal(first[0]->data, after, sizeof after);
  assert_memory_equal(whole[0]->data, second[0]->data, sizeof after);
  assert_memory_equal(whole[1]->data, first[1]->data, 16);
  assert_memory_equal((char *)whole[1]->data + 16, second[1]->data, 16);
  for (int i = 0; i < 2; ++i) {
    pj_tensor_release(whole[i]);
    pj_tensor_release(first[i]);
    pj_tensor_release(second[i]);
  }
}

enum { COUNT = 20000 };

static PjTensor *draw(const char *type, const char *a, const char *b, const char *distribution) {
  PjTensor *out;
  text_start();
  text_add("func.func @main() -> tensor<%dx%s> {\n", COUNT, type);
  text_add("%%a = stablehlo.constant dense<%s> : tensor<%s>\n%%b = stablehlo.constant dense<%s> : "
           "tensor<%s>\n",
           a, type, b, type);
  text_add("%%s = stablehlo.constant dense<%d> : tensor<1xi64>\n", COUNT);
  text_add("%%r = stablehlo.rng %%a, %%b, %%s, distribution = %s : (tensor<%s>, tensor<%s>, "
           "tensor<1xi64>) -> tensor<%dx%s>\n",
           distribution, type, type, COUNT, type);
  text_add("return %%r : tensor<%dx%s>\n}\n", COUNT, type);
  evaluate_ok(text_get(), 0, NULL, 1, &out);
  return out;
}

// Checks that all values lie in [low, high) and that mean and standard deviation are right to 8 of
// their own deviations.
static void check(PjTensor *t, double low, double high, double mean, double deviation) {
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < t->count; ++i) {
    const char *at = (const char *)t->data + (size_t)i * pj_dtype_bytes(t->dtype);
    const double x = pj_dtype_is_float(t->dtype) ? pj_double_decode(t->dtype, at)
                                                 : (double)pj_int_decode(t->dtype, at);
    assert_true(x >= low && x < high);
    sum += x;
    squares += (x - mean) * (x - mean);
  }
  const double error = 8 * deviation / sqrt(COUNT);
  assert_true(fabs(sum / COUNT - mean) <= error);
  assert_true(fabs(sqrt(squares / COUNT) - deviation) <= error);
  pj_tensor_release(t);
}

static void test_uniform(void **state) {
  (void)state;
  const double root12 = sqrt(12.0);
  check(draw("f32", "-1.0", "3.0", "UNIFORM"), -1, 3, 1, 4 / root12);
  check(draw("f64", "0.0", "1.0", "UNIFORM"), 0, 1, 0.5, 1 / root12);
  check(draw("bf16", "0.0", "1.0", "UNIFORM"), 0, 1, 0.5, 1 / root12);
  check(draw("f8E5M2", "1.0", "2.0", "UNIFORM"), 1, 2, 1.37,
        0.27); // four values; the open end counts as the first
  check(draw("i32", "-5", "6", "UNIFORM"), -5, 6, 0, sqrt(10.0));
  check(draw("ui8", "10", "12", "UNIFORM"), 10, 12, 10.5, 0.5);
  check(draw("i64", "-9223372036854775808", "9223372036854775807", "UNIFORM"), -0x1p63, 0x1p63, 0,
        0x1p64 / root12);
}

static void test_normal(void **state) {
  (void)state;
  check(draw("f32", "2.0", "3.0", "NORMAL"), -30, 34, 2, 3);
  check(draw("f64", "0.0", "1.0", "NORMAL"), -10, 10, 0, 1);
}

static void test_streams_differ(void **state) {
  (void)state;
  PjTensor *a = draw("f32", "0.0", "1.0", "UNIFORM"), *b = draw("f32", "0.0", "1.0", "UNIFORM");
  assert_memory_not_equal(a->data, b->data, a->bytes);
  pj_tensor_release(a);
  pj_tensor_release(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_bits),           cmocka_unit_test(test_carry),
      cmocka_unit_test(test_uniform),        cmocka_unit_test(test_normal),
      cmocka_unit_test(test_streams_differ),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// sort and chlo.top_k: every kind of comparator against an insertion sort with the same order.
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "eval/sort_key.h"
#include "evaluate.h"

enum { MAX = 4 };

// A comparator of two i32 operands (a, b): arguments a0, a1, b0, b1; defines %less.
typedef struct Order {
  const char *text;
  bool (*less)(const int32_t *left, const int32_t *right);
} Order;

static bool by_a(const int32_t *l, const int32_t *r) {
  return l[0] < r[0];
}
static bool by_falling_a(const int32_t *l, const int32_t *r) {
  return l[0] > r[0];
}
static bool by_b(const int32_t *l, const int32_t *r) {
  return l[1] < r[1];
}
static bool by_both(const int32_t *l, const int32_t *r) {
  return l[0] < r[0] || (l[0] == r[0] && l[1] > r[1]);
}
static bool by_distance(const int32_t *l, const int32_t *r) {
  return (l[0] - 3) * (l[0] - 3) < (r[0] - 3) * (r[0] - 3);
}
static bool by_sum(const int32_t *l, const int32_t *r) {
  return l[0] + l[1] < r[0] + r[1];
}
static bool never(const int32_t *l, const int32_t *r) {
  return false;
}

#define II "(tensor<i32>, tensor<i32>) -> tensor<i1>\n"
static const Order orders[] = {
    {"%less = stablehlo.compare LT, %a0, %a1 : " II, by_a},
    {"%less = stablehlo.compare GT, %a0, %a1, SIGNED : " II, by_falling_a},
    {"%less = stablehlo.compare GT, %a1, %a0 : " II, by_a},
    {"%less = stablehlo.compare LT, %b0, %b1 : " II, by_b},
    {"%l = stablehlo.compare LT, %a0, %a1 : " II "%e = stablehlo.compare EQ, %a0, %a1 : " II
     "%r = stablehlo.compare LT, %b1, %b0 : " II "%c = stablehlo.and %r, %e : tensor<i1>\n"
     "%less = stablehlo.or %c, %l : tensor<i1>\n",
     by_both},
    {"%l = stablehlo.compare LT, %a0, %a1 : " II "%e = stablehlo.compare NE, %a0, %a1 : " II
     "%r = stablehlo.compare GT, %b0, %b1 : " II
     "%less = stablehlo.select %e, %l, %r : tensor<i1>, tensor<i1>\n",
     by_both},
    // A key that is computed, with a captured value.
    {"%x = stablehlo.subtract %a0, %three : tensor<i32>\n"
     "%y = stablehlo.subtract %a1, %three : tensor<i32>\n"
     "%u = stablehlo.multiply %x, %x : tensor<i32>\n"
     "%v = stablehlo.multiply %y, %y : tensor<i32>\n"
     "%less = stablehlo.compare LT, %u, %v : " II,
     by_distance},
    // A key of both operands.
    {"%x = stablehlo.add %a0, %b0 : tensor<i32>\n"
     "%y = stablehlo.add %a1, %b1 : tensor<i32>\n"
     "%less = stablehlo.compare LT, %x, %y : " II,
     by_sum},
    // Not of the form f(left) < f(right), as written.
    {"%x = stablehlo.subtract %a0, %a1 : tensor<i32>\n"
     "%z = stablehlo.constant dense<0> : tensor<i32>\n"
     "%less = stablehlo.compare LT, %x, %z : " II,
     by_a},
    // Through the region.
    {"%v = stablehlo.reshape %a0 : (tensor<i32>) -> tensor<1xi32>\n"
     "%w = stablehlo.reshape %v : (tensor<1xi32>) -> tensor<i32>\n"
     "%less = stablehlo.compare LT, %w, %a1 : " II,
     by_a},
    {"%less = stablehlo.constant dense<false> : tensor<i1>\n", never},
};

static void check_order(const Order *order, int32_t rank, const int64_t *dims, int32_t axis,
                        bool negative_axis, int64_t range) {
  PjTensor *args[3], *out[2];
  for (int i = 0; i < 2; ++i) {
    args[i] = make_tensor(PJ_DT_S32, rank, dims, NULL);
    for (int64_t j = 0; j < args[i]->count; ++j)
      ((int32_t *)args[i]->data)[j] = (int32_t)random_int(-range, range);
  }
  args[2] = make_tensor(PJ_DT_S32, 0, NULL, (int32_t[]){3});
  text_start();
  text_add("func.func @main(%%p: ");
  text_type(PJ_DT_S32, rank, dims);
  text_add(", %%q: ");
  text_type(PJ_DT_S32, rank, dims);
  text_add(", %%three: tensor<i32>) -> (");
  for (int pass = 0; pass < 2; ++pass) {
    for (int i = 0; i < 2; ++i) {
      text_add(i ? ", " : "");
      text_type(PJ_DT_S32, rank, dims);
    }
    if (pass)
      break;
    text_add(") {\n  %%r:2 = \"stablehlo.sort\"(%%p, %%q) <{dimension = %d : i64, is_stable = "
             "true}> ({\n^bb0(%%a0: tensor<i32>, %%a1: tensor<i32>, %%b0: tensor<i32>, %%b1: "
             "tensor<i32>):\n%sstablehlo.return %%less : tensor<i1>\n}) : (",
             negative_axis ? axis - rank : axis, order->text);
  }
  text_add(") -> (");
  for (int i = 0; i < 4; ++i) {
    text_type(PJ_DT_S32, rank, dims);
    text_add(i == 1 ? ")\n  return %%r#0, %%r#1 : " : i % 2 ? "\n}\n" : ", ");
  }
  evaluate_ok(text_get(), 3, args, 2, out);

  int64_t n = dims[axis], stride = product(rank - axis - 1, dims + axis + 1);
  for (int64_t slice = 0; n && slice < args[0]->count / n; ++slice) {
    int64_t base = slice / stride * n * stride + slice % stride;
    int32_t sorted[400][2];
    for (int64_t i = 0; i < n; ++i) {
      int32_t item[2];
      for (int k = 0; k < 2; ++k)
        item[k] = ((int32_t *)args[k]->data)[base + i * stride];
      int64_t j = i;
      for (; j > 0 && order->less(item, sorted[j - 1]); --j)
        memcpy(sorted[j], sorted[j - 1], sizeof item);
      memcpy(sorted[j], item, sizeof item);
    }
    for (int64_t i = 0; i < n; ++i)
      for (int k = 0; k < 2; ++k)
        if (((int32_t *)out[k]->data)[base + i * stride] != sorted[i][k])
          fail_msg("slice %" PRId64 " place %" PRId64 "\n%s", slice, i, text_get());
  }
  for (int i = 0; i < 3; ++i)
    pj_tensor_release(args[i]);
  for (int i = 0; i < 2; ++i)
    pj_tensor_release(out[i]);
}

static void every_comparator(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof orders / sizeof *orders; ++i)
    for (int round = 0; round < 12; ++round) {
      int32_t rank = (int32_t)random_int(1, 3), axis = (int32_t)random_int(0, rank - 1);
      int64_t dims[MAX];
      for (int32_t d = 0; d < rank; ++d)
        dims[d] = random_int(0, 20) ? random_int(1, 6) : 0;
      if (round >= 8) // merges of several runs; by radix from 256 on
        dims[axis] = round == 11 ? 390 : 20 * round;
      // Few values make ties, many use all the digits.
      check_order(&orders[i], rank, dims, axis, round % 2, round % 3 ? 4 : 30000);
    }
}

// ---- floats

static const char float_sort[] =
    "func.func @main(%%x: tensor<%dx%s>) -> (tensor<%dx%s>, tensor<%dxi32>) {\n"
    "  %%i = stablehlo.iota dim = 0 : tensor<%dxi32>\n"
    "  %%r:2 = \"stablehlo.sort\"(%%x, %%i) <{dimension = 0 : i64, is_stable = true}> ({\n"
    "  ^bb0(%%a: tensor<%s>, %%b: tensor<%s>, %%c: tensor<i32>, %%d: tensor<i32>):\n"
    "    %%y = stablehlo.compare %s, %%a, %%b, %s : (tensor<%s>, tensor<%s>) -> tensor<i1>\n"
    "    stablehlo.return %%y : tensor<i1>\n"
    "  }) : (tensor<%dx%s>, tensor<%dxi32>) -> (tensor<%dx%s>, tensor<%dxi32>)\n"
    "  return %%r#0, %%r#1 : tensor<%dx%s>, tensor<%dxi32>\n}\n";

static void expect_places(PjDtype dtype, int n, const void *x, const char *direction,
                          const char *kind, const int32_t *places) {
  char text[2048];
  const char *t = pj_dtype_text(dtype);
  sprintf(text, float_sort, n, t, n, t, n, n, t, t, direction, kind, t, t, n, t, n, n, t, n, n, t,
          n);
  PjTensor *in = make_tensor(dtype, 1, (int64_t[]){n}, x), *out[2];
  evaluate_ok(text, 1, &in, 2, out);
  for (int i = 0; i < n; ++i)
    if (((int32_t *)out[1]->data)[i] != places[i])
      fail_msg("%s %s %s: place %d holds element %d, expected %d", t, direction, kind, i,
               ((int32_t *)out[1]->data)[i], places[i]);
  pj_tensor_release(in);
  pj_tensor_release(out[0]);
  pj_tensor_release(out[1]);
}

static void zeros_and_nans_have_their_places(void **state) {
  (void)state;
  // 0: +0, 1: NaN, 2: -inf, 3: -0, 4: 1, 5: -NaN, 6: inf, 7: -1
  float f32[] = {0.0f, NAN, -INFINITY, -0.0f, 1, -NAN, INFINITY, -1};
  double f64[8];
  uint16_t bf16[8];
  for (int i = 0; i < 8; ++i) {
    uint32_t bits;
    f64[i] = f32[i];
    memcpy(&bits, &f32[i], sizeof bits);
    bf16[i] = (uint16_t)(bits >> 16);
  }
  static const int32_t total[] = {5, 2, 7, 3, 0, 4, 6, 1}, falling[] = {1, 6, 4, 0, 3, 7, 2, 5};
  expect_places(PJ_DT_F32, 8, f32, "LT", "TOTALORDER", total);
  expect_places(PJ_DT_F64, 8, f64, "LT", "TOTALORDER", total);
  expect_places(PJ_DT_BF16, 8, bf16, "LT", "TOTALORDER", total);
  expect_places(PJ_DT_F32, 8, f32, "GT", "TOTALORDER", falling);
  expect_places(PJ_DT_F64, 8, f64, "GT", "TOTALORDER", falling);
  expect_places(PJ_DT_BF16, 8, bf16, "GT", "TOTALORDER", falling);
  // Ordinary comparison: zeros are equal, so they keep their order.
  float plain[] = {0.0f, 5, -INFINITY, -0.0f, 1, 0.0f, INFINITY, -1};
  expect_places(PJ_DT_F32, 8, plain, "LT", "FLOAT", (int32_t[]){2, 7, 0, 3, 5, 4, 1, 6});
  expect_places(PJ_DT_F32, 8, plain, "GT", "FLOAT", (int32_t[]){6, 1, 4, 0, 3, 5, 7, 2});
  // A NaN is not comparable: any permutation will do, but nothing may be lost.
  char text[2048];
  sprintf(text, float_sort, 8, "f32", 8, "f32", 8, 8, "f32", "f32", "LT", "FLOAT", "f32", "f32", 8,
          "f32", 8, 8, "f32", 8, 8, "f32", 8);
  PjTensor *in = make_tensor(PJ_DT_F32, 1, (int64_t[]){8}, f32), *out[2];
  evaluate_ok(text, 1, &in, 2, out);
  int32_t seen = 0;
  for (int i = 0; i < 8; ++i)
    seen |= 1 << ((int32_t *)out[1]->data)[i];
  assert_int_equal(seen, 255);
  pj_tensor_release(in);
  pj_tensor_release(out[0]);
  pj_tensor_release(out[1]);
}

static void unsigned_and_narrow_integers(void **state) {
  (void)state;
  expect_places(PJ_DT_U8, 4, (uint8_t[]){200, 3, 255, 0}, "LT", "UNSIGNED",
                (int32_t[]){3, 1, 0, 2});
  expect_places(PJ_DT_S8, 4, (int8_t[]){-100, 3, -1, 127}, "GT", "SIGNED", (int32_t[]){3, 1, 2, 0});
  expect_places(PJ_DT_S4, 4, (int8_t[]){-8, 7, -1, 0}, "LT", "SIGNED", (int32_t[]){0, 2, 3, 1});
  expect_places(PJ_DT_U64, 3, (uint64_t[]){UINT64_MAX, 0, 1ull << 63}, "LT", "UNSIGNED",
                (int32_t[]){1, 2, 0});
  expect_places(PJ_DT_S64, 3, (int64_t[]){INT64_MAX, INT64_MIN, 0}, "GT", "SIGNED",
                (int32_t[]){0, 2, 1});
}

// ---- the largest

static void top_k(void **state) {
  (void)state;
  static const char text[] =
      "func.func @main() -> (tensor<2x3xf32>, tensor<2x3xi32>) {\n"
      "  %x = stablehlo.constant dense<[[1.0, 0x7FC00000, 1.0, 0x7F800000, 0xFFC00000], "
      "[-0.0, 0.0, -1.0, -0.0, 0.0]]> : tensor<2x5xf32>\n"
      "  %r:2 = chlo.top_k(%x, k = 3) : tensor<2x5xf32> -> (tensor<2x3xf32>, tensor<2x3xi32>)\n"
      "  return %r#0, %r#1 : tensor<2x3xf32>, tensor<2x3xi32>\n}\n";
  PjTensor *out[2];
  evaluate_ok(text, 0, NULL, 2, out);
  assert_memory_equal(out[1]->data, ((int32_t[]){1, 3, 0, 1, 4, 0}), 24);
  const float *values = out[0]->data;
  assert_true(isnan(values[0]) && !signbit(values[0]));
  assert_true(values[1] == INFINITY && values[2] == 1 && signbit(values[5]));
  pj_tensor_release(out[0]);
  pj_tensor_release(out[1]);
}

static void keys_sort_at_every_length(void **state) {
  (void)state;
  static uint64_t keys[3000], spare_keys[3000], original[3000];
  static uint32_t order[3000], spare_order[3000];
  for (int64_t n = 0; n < 3000; n = n < 40 ? n + 1 : n * 5 / 4)
    for (int width = 3; width <= 64; width += 61) {
      for (int64_t i = 0; i < n; ++i) {
        original[i] = keys[i] = (uint64_t)random_int(0, INT64_MAX - 1) >> (64 - width);
        order[i] = (uint32_t)i;
      }
      pj_sort_by_key(n, keys, order, spare_keys, spare_order);
      for (int64_t i = 0; i < n; ++i) {
        assert_true(keys[i] == original[order[i]]);
        if (i)
          assert_true(keys[i - 1] < keys[i] || (keys[i - 1] == keys[i] && order[i - 1] < order[i]));
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_comparator),
      cmocka_unit_test(zeros_and_nans_have_their_places),
      cmocka_unit_test(unsigned_and_narrow_integers),
      cmocka_unit_test(top_k),
      cmocka_unit_test(keys_sort_at_every_length),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

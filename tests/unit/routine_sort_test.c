// sort and chlo.top_k by routine and by evaluator: comparators, types, shapes, special values.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "routine_support.h"

// Comparators of operands a (type T) and b (i32): "T" stands for tensor<type>, "N" for the NaN of
// the type.
static const char *const comparators[] = {
    "%less = stablehlo.compare LT, %a0, %a1, $ : (T, T) -> tensor<i1>\n",
    "%less = stablehlo.compare GT, %a0, %a1, $ : (T, T) -> tensor<i1>\n",
    "%less = stablehlo.compare GT, %a1, %a0, $ : (T, T) -> tensor<i1>\n",
    "%less = stablehlo.compare LT, %b0, %b1 : (tensor<i32>, tensor<i32>) -> tensor<i1>\n",
    // b, then a falling
    "%l = stablehlo.compare LT, %b0, %b1 : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "%e = stablehlo.compare EQ, %b0, %b1 : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "%r = stablehlo.compare GT, %a0, %a1, $ : (T, T) -> tensor<i1>\n"
    "%c = stablehlo.and %e, %r : tensor<i1>\n%less = stablehlo.or %l, %c : tensor<i1>\n",
    // a computed key
    "%x = stablehlo.multiply %b0, %b0 : tensor<i32>\n%y = stablehlo.multiply %b1, %b1 : "
    "tensor<i32>\n"
    "%less = stablehlo.compare LT, %x, %y : (tensor<i32>, tensor<i32>) -> tensor<i1>\n",
    // a key of one and one of the other
    "%x = stablehlo.negate %b0 : tensor<i32>\n%y = stablehlo.negate %b1 : tensor<i32>\n"
    "%l = stablehlo.compare LT, %a0, %a1, $ : (T, T) -> tensor<i1>\n"
    "%e = stablehlo.compare EQ, %a0, %a1, $ : (T, T) -> tensor<i1>\n"
    "%r = stablehlo.compare LT, %x, %y : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
    "%less = stablehlo.select %e, %r, %l : tensor<i1>, tensor<i1>\n",
    // not of the form f(left) < f(right), as written
    "%x = stablehlo.subtract %b0, %b1 : tensor<i32>\n%z = stablehlo.constant dense<0> : "
    "tensor<i32>\n"
    "%less = stablehlo.compare LT, %x, %z : (tensor<i32>, tensor<i32>) -> tensor<i1>\n",
    "%less = stablehlo.constant dense<false> : tensor<i1>\n",
};
// As jax.lax.sort compares floats: one zero, one NaN.
static const char plain[] =
    "%z = stablehlo.constant dense<0.0> : T\n%n = stablehlo.constant dense<N> : T\n"
    "%p0 = stablehlo.compare EQ, %a0, %z, FLOAT : (T, T) -> tensor<i1>\n%q0 = stablehlo.select "
    "%p0, %z, %a0 : tensor<i1>, T\n"
    "%r0 = stablehlo.compare NE, %a0, %a0, FLOAT : (T, T) -> tensor<i1>\n%s0 = stablehlo.select "
    "%r0, %n, %q0 : tensor<i1>, T\n"
    "%p1 = stablehlo.compare EQ, %a1, %z, FLOAT : (T, T) -> tensor<i1>\n%q1 = stablehlo.select "
    "%p1, %z, %a1 : tensor<i1>, T\n"
    "%r1 = stablehlo.compare NE, %a1, %a1, FLOAT : (T, T) -> tensor<i1>\n%s1 = stablehlo.select "
    "%r1, %n, %q1 : tensor<i1>, T\n"
    "%less = stablehlo.compare LT, %s0, %s1, $ : (T, T) -> tensor<i1>\n";

static const char *nan_text(PjDtype dtype) {
  return dtype == PJ_DT_F64   ? "0x7FF8000000000000"
         : dtype == PJ_DT_F32 ? "0x7FC00000"
         : dtype == PJ_DT_F16 ? "0x7E00"
                              : "0x7FC0";
}

// The types of |count| operands, with names before them if they are not NULL.
static void types(PjDtype dtype, int count, int32_t rank, const int64_t *dims, bool named) {
  for (int i = 0; i < count; ++i) {
    text_add("%s%s", i ? ", " : "", named ? (i ? "%q: " : "%p: ") : "");
    text_type(i ? PJ_DT_S32 : dtype, rank, dims);
  }
}

static void add_comparator(const char *text, const char *type, PjDtype dtype) {
  for (const char *at = text; *at; ++at) {
    const bool alone = at[1] == ',' || at[1] == ')' || at[1] == '\n';
    if (*at == 'T' && alone && at[-1] != 'L' && at[-1] != 'G' && at[-1] != 'A')
      text_add("tensor<%s>", pj_dtype_text(dtype));
    else if (*at == 'N' && at[1] == '>')
      text_add("%s", nan_text(dtype));
    else if (*at == '$')
      text_add("%s", type);
    else
      text_add("%c", *at);
  }
}

// Sorts |count| operands (1: only a) by |comparator|, compared as |type|.
static void check(const char *comparator, const char *type, PjDtype dtype, int count, int32_t rank,
                  const int64_t *dims, int32_t axis, bool special) {
  text_start();
  text_add("func.func @main(");
  types(dtype, count, rank, dims, true);
  text_add(") -> (");
  types(dtype, count, rank, dims, false);
  text_add(") {\n  %s = \"stablehlo.sort\"(%%p%s) <{dimension = %d : i64, is_stable = true}> "
           "({\n^bb0(%%a0: tensor<%s>, "
           "%%a1: tensor<%s>%s):\n",
           count == 2 ? "%r:2" : "%r", count == 2 ? ", %q" : "", axis, pj_dtype_text(dtype),
           pj_dtype_text(dtype), count == 2 ? ", %b0: tensor<i32>, %b1: tensor<i32>" : "");
  add_comparator(comparator, type, dtype);
  text_add("stablehlo.return %%less : tensor<i1>\n}) : (");
  types(dtype, count, rank, dims, false);
  text_add(") -> (");
  types(dtype, count, rank, dims, false);
  text_add(")\n  return %s : ", count == 2 ? "%r#0, %r#1" : "%r");
  types(dtype, count, rank, dims, false);
  text_add("\n}\n");
  PjTensor *inputs[] = {random_tensor(dtype, rank, dims, special),
                        random_tensor(PJ_DT_S32, rank, dims, false)};
  check_routine(text_get(), PJ_OP_SORT, (uint32_t)count, inputs, MATCH_BITS, 0);
  for (int i = 0; i < 2; ++i)
    pj_tensor_release(inputs[i]);
}

static const PjDtype dtypes[] = {PJ_DT_F32,  PJ_DT_S32,  PJ_DT_U32,      PJ_DT_F64, PJ_DT_S64,
                                 PJ_DT_BF16, PJ_DT_F16,  PJ_DT_S8,       PJ_DT_U16, PJ_DT_S16,
                                 PJ_DT_U64,  PJ_DT_PRED, PJ_DT_F8E4M3FN, PJ_DT_S4};

static const char *compare_type(PjDtype dtype, bool total) {
  return pj_dtype_is_float(dtype)                 ? total ? "TOTALORDER" : "FLOAT"
         : pj_dtype_class(dtype) == PJ_CLASS_SINT ? "SIGNED"
                                                  : "UNSIGNED";
}

static void every_comparator(void **state) {
  (void)state;
  const size_t kinds = sizeof comparators / sizeof *comparators;
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; ++d)
    for (size_t c = 0; c <= kinds; ++c)
      for (int round = 0; round < 8; ++round) {
        const PjDtype dtype = dtypes[d];
        const bool is_plain = c == kinds;
        if (is_plain && (!pj_dtype_is_float(dtype) || dtype == PJ_DT_F8E4M3FN))
          continue;
        const int32_t rank = (int32_t)random_int(1, 3), axis = (int32_t)random_int(0, rank - 1);
        int64_t dims[3];
        for (int32_t i = 0; i < rank; ++i)
          dims[i] = random_int(0, 20) ? random_int(1, 6) : 0;
        if (round >= 4)
          dims[axis] = round == 7 ? 600 : random_int(2, 300);
        const int count = (c < 3 || is_plain) && round % 2 ? 1 : 2;
        check(is_plain ? plain : comparators[c], compare_type(dtype, is_plain || round % 3), dtype,
              count, rank, dims, round == 2 ? axis - rank : axis, round % 2);
      }
}

// Slices that all threads sort together, near enough for the caches and not.
static void long_slices(void **state) {
  (void)state;
  static const int64_t dims[][2] = {{1, 263000}, {66000, 2}};
  for (int axis = 0; axis < 2; ++axis)
    for (int count = 1; count <= 2; ++count)
      for (size_t d = 0; d < 6; ++d) {
        const PjDtype dtype = dtypes[d];
        check(pj_dtype_is_float(dtype) ? plain : comparators[d % 3], compare_type(dtype, true),
              dtype, count, 2, dims[1 - axis], axis, true);
      }
  check(comparators[4], "SIGNED", PJ_DT_S32, 2, 1, dims[1], 0, false);
  check(comparators[5], "SIGNED", PJ_DT_S32, 2, 1, dims[1], 0, false);
  check(comparators[0], "FLOAT", PJ_DT_F32, 1, 1, dims[1], 0, true);
}

// Many rows of few keys, of which some hold zeros and NaN of several kinds.
static void short_rows(void **state) {
  (void)state;
  static const int64_t dims[][2] = {{300, 2}, {37, 3}, {131, 4},  {129, 5}, {1000, 8},
                                    {17, 9},  {2, 12}, {257, 16}, {300, 17}};
  for (size_t i = 0; i < sizeof dims / sizeof *dims; ++i)
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; ++d)
      for (int round = 0; round < 4; ++round) {
        const PjDtype dtype = dtypes[d];
        const bool jax = pj_dtype_is_float(dtype) && dtype != PJ_DT_F8E4M3FN && round % 2;
        check(jax ? plain : comparators[round % 2], compare_type(dtype, true), dtype, 1, 2, dims[i],
              1, round / 2);
      }
}

static void top_k(void **state) {
  (void)state;
  static const int64_t rows[][3] = {{3, 1000, 7},   {2, 5000, 1}, {5, 300, 300}, {4, 20, 5},
                                    {1, 3000, 900}, {0, 10, 3},   {3, 9, 0},     {2, 1, 1},
                                    {3, 512, 256},  {4, 32, 8},   {3, 300, 16},  {2, 1500, 32}};
  for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; ++d)
    for (size_t i = 0; i < sizeof rows / sizeof *rows; ++i) {
      if (dtypes[d] == PJ_DT_F8E4M3FN)
        continue;
      const char *type = pj_dtype_text(dtypes[d]);
      const int n0 = (int)rows[i][0], n1 = (int)rows[i][1], k = (int)rows[i][2];
      text_start();
      text_add("func.func @main(%%x: tensor<%dx%dx%s>) -> (tensor<%dx%dx%s>, tensor<%dx%dxi32>) {\n"
               "  %%v, %%i = chlo.top_k(%%x, k = %d) : tensor<%dx%dx%s> -> (tensor<%dx%dx%s>, "
               "tensor<%dx%dxi32>)\n"
               "  return %%v, %%i : tensor<%dx%dx%s>, tensor<%dx%dxi32>\n}\n",
               n0, n1, type, n0, k, type, n0, k, k, n0, n1, type, n0, k, type, n0, k, n0, k, type,
               n0, k);
      PjTensor *x = random_tensor(dtypes[d], 2, rows[i], i % 2);
      check_routine(text_get(), PJ_OP_CHLO_TOP_K, 1, &x, MATCH_BITS, 0);
      pj_tensor_release(x);
    }
}

// Rows in which every element enters the buffer, and one in which few numbers come again and again.
static void check_ordered_rows(int k) {
  const int64_t dims[] = {3, 6000};
  text_start();
  text_add("func.func @main(%%x: tensor<3x6000xf32>) -> (tensor<3x%dxf32>, tensor<3x%dxi32>) {\n"
           "  %%v, %%i = chlo.top_k(%%x, k = %d) : tensor<3x6000xf32> -> (tensor<3x%dxf32>, "
           "tensor<3x%dxi32>)\n"
           "  return %%v, %%i : tensor<3x%dxf32>, tensor<3x%dxi32>\n}\n",
           k, k, k, k, k, k, k);
  PjTensor *x = random_tensor(PJ_DT_F32, 2, dims, 0);
  float *data = (float *)(void *)x->data;
  for (int i = 0; i < 6000; ++i) {
    data[i] = (float)i - 3000;
    data[6000 + i] = (float)-i;
    data[12000 + i] = (float)(i * 7 % 5);
  }
  check_routine(text_get(), PJ_OP_CHLO_TOP_K, 1, &x, MATCH_BITS, 0);
  pj_tensor_release(x);
}

static void top_k_of_ordered_rows(void **state) {
  (void)state;
  check_ordered_rows(300);
  check_ordered_rows(20);
}

static void plain_instructions(void **state) {
  pj_cpu_limit(0);
  every_comparator(state);
  short_rows(state);
  top_k(state);
  pj_cpu_limit(PJ_CPU_AVX2 | PJ_CPU_F16C);
  short_rows(state);
  pj_cpu_limit(~0u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(every_comparator),
                                     cmocka_unit_test(long_slices),
                                     cmocka_unit_test(short_rows),
                                     cmocka_unit_test(top_k),
                                     cmocka_unit_test(top_k_of_ordered_rows),
                                     cmocka_unit_test(plain_instructions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

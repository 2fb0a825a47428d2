// dot_general, dot, einsum and ragged_dot against sums written down from their definitions: every
// element by its multi-indices, in double or in integers modulo 2^64.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "contraction_support.h"

enum { ROUNDS = 150 };

// --- dot_general ---------------------------------------------------------------------------------

typedef struct Types {
  PjDtype lhs, rhs, result;
} Types;

static const Types types[] = {
    {PJ_DT_F32, PJ_DT_F32, PJ_DT_F32},    {PJ_DT_F64, PJ_DT_F64, PJ_DT_F64},
    {PJ_DT_BF16, PJ_DT_BF16, PJ_DT_BF16}, {PJ_DT_F16, PJ_DT_F16, PJ_DT_F32},
    {PJ_DT_C64, PJ_DT_C64, PJ_DT_C64},    {PJ_DT_C128, PJ_DT_C128, PJ_DT_C128},
    {PJ_DT_S8, PJ_DT_S8, PJ_DT_S32},      {PJ_DT_S8, PJ_DT_S8, PJ_DT_S8},
    {PJ_DT_U16, PJ_DT_U16, PJ_DT_U16},    {PJ_DT_S32, PJ_DT_S32, PJ_DT_S32},
    {PJ_DT_U64, PJ_DT_U64, PJ_DT_U64},    {PJ_DT_S4, PJ_DT_S4, PJ_DT_S4},
    {PJ_DT_U2, PJ_DT_U2, PJ_DT_U2},       {PJ_DT_PRED, PJ_DT_PRED, PJ_DT_PRED},
    {PJ_DT_S64, PJ_DT_S64, PJ_DT_S64},    {PJ_DT_F8E4M3FN, PJ_DT_F8E4M3FN, PJ_DT_F32},
};

static void test_dot_general(void **state) {
  (void)state;
  for (int round = 0; round < ROUNDS; ++round) {
    const Types type = types[round % (int)(sizeof types / sizeof *types)];
    // Sizes in the order batch, rows, cols, sum.
    const int64_t counts[4] = {random_int(0, 2), random_int(0, 2), random_int(0, 2),
                               random_int(0, 2)};
    int64_t sizes[4][2], lhs_of[6], rhs_of[6], lhs_dims[6], rhs_dims[6], out_dims[6], terms = 1;
    for (int g = 0; g < 4; ++g)
      for (int64_t i = 0; i < counts[g]; ++i)
        sizes[g][i] = random_int(random_int(0, 9) ? 1 : 0, 5);
    if (round % 10 == 9 && counts[3])
      sizes[3][0] = 300;
    for (int64_t i = 0; i < counts[3]; ++i)
      terms *= sizes[3][i];
    // Logical dimension d (batch, own, sum) lies at lhs_of[d] in the operand.
    const int64_t lhs_rank = counts[0] + counts[1] + counts[3],
                  rhs_rank = counts[0] + counts[2] + counts[3];
    random_order(lhs_rank, lhs_of);
    random_order(rhs_rank, rhs_of);
    int32_t rank = 0;
    for (int g = 0; g < 3; ++g)
      for (int64_t i = 0; i < counts[g]; ++i)
        out_dims[rank++] = sizes[g][i];
    // Free dimensions come in the order in which they lie in the operand, so keep that order.
    for (int side = 0; side < 2; ++side) {
      int64_t *of = side ? rhs_of : lhs_of;
      const int64_t first = counts[0], n = counts[side ? 2 : 1];
      if (n == 2 && of[first] > of[first + 1]) {
        const int64_t other = of[first];
        of[first] = of[first + 1];
        of[first + 1] = other;
      }
    }
    for (int64_t d = 0; d < lhs_rank; ++d)
      lhs_dims[lhs_of[d]] = d < counts[0]               ? sizes[0][d]
                            : d < counts[0] + counts[1] ? sizes[1][d - counts[0]]
                                                        : sizes[3][d - counts[0] - counts[1]];
    for (int64_t d = 0; d < rhs_rank; ++d)
      rhs_dims[rhs_of[d]] = d < counts[0]               ? sizes[0][d]
                            : d < counts[0] + counts[2] ? sizes[2][d - counts[0]]
                                                        : sizes[3][d - counts[0] - counts[2]];
    PjTensor *a = random_operand(type.lhs, (int32_t)lhs_rank, lhs_dims),
             *b = random_operand(type.rhs, (int32_t)rhs_rank, rhs_dims);
    program_start(a, b, type.result, rank, out_dims);
    text_add("%%r = stablehlo.dot_general %%a, %%b, batching_dims = [");
    text_list(counts[0], lhs_of);
    text_add("] x [");
    text_list(counts[0], rhs_of);
    text_add("], contracting_dims = [");
    text_list(counts[3], lhs_of + counts[0] + counts[1]);
    text_add("] x [");
    text_list(counts[3], rhs_of + counts[0] + counts[2]);
    text_add("]");
    PjTensor *out = program_finish(a, b, "", type.result, rank, out_dims);
    for (int64_t o = 0; o < out->count; ++o) {
      int64_t index[6], x[6], y[6], s[2];
      Value sum = {0};
      unravel(o, rank, out_dims, index);
      for (int64_t k = 0; k < terms; ++k) {
        unravel(k, (int32_t)counts[3], sizes[3], s);
        for (int64_t d = 0; d < lhs_rank; ++d)
          x[lhs_of[d]] = d < counts[0] + counts[1] ? index[d] : s[d - counts[0] - counts[1]];
        for (int64_t d = 0; d < rhs_rank; ++d)
          y[rhs_of[d]] = d < counts[0]               ? index[d]
                         : d < counts[0] + counts[2] ? index[d + counts[1]]
                                                     : s[d - counts[0] - counts[2]];
        value_add_product(&sum, value_get(a, ravel((int32_t)lhs_rank, lhs_dims, x)),
                          value_get(b, ravel((int32_t)rhs_rank, rhs_dims, y)));
      }
      expect_sum(out, o, sum, terms);
    }
    pj_tensor_release(a);
    pj_tensor_release(b);
    pj_tensor_release(out);
  }
}

static void test_dot(void **state) {
  static const int64_t m[2] = {3, 4}, n[2] = {4, 5}, v[1] = {4}, mn[2] = {3, 5}, three[1] = {3},
                       five[1] = {5};
  const struct {
    int32_t lhs_rank, rhs_rank, rank;
    const int64_t *lhs, *rhs, *out;
  } cases[] = {
      {2, 2, 2, m, n, mn}, {2, 1, 1, m, v, three}, {1, 2, 1, v, n, five}, {1, 1, 0, v, v, NULL}};
  (void)state;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    PjTensor *a = random_operand(PJ_DT_S32, cases[c].lhs_rank, cases[c].lhs);
    PjTensor *b = random_operand(PJ_DT_S32, cases[c].rhs_rank, cases[c].rhs);
    program_start(a, b, PJ_DT_S32, cases[c].rank, cases[c].out);
    text_add("%%r = stablehlo.dot %%a, %%b");
    PjTensor *out = program_finish(a, b, "", PJ_DT_S32, cases[c].rank, cases[c].out);
    const int64_t rows = a->count / 4, cols = b->count / 4;
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < cols; ++j) {
        Value sum = {0};
        for (int64_t k = 0; k < 4; ++k)
          value_add_product(&sum, value_get(a, i * 4 + k), value_get(b, k * cols + j));
        expect_sum(out, i * cols + j, sum, 4);
      }
    }
    pj_tensor_release(a);
    pj_tensor_release(b);
    pj_tensor_release(out);
  }
}

// --- einsum --------------------------------------------------------------------------------------

// |lhs|, |rhs|, |out|: one letter per dimension; sizes by letter: a 2, b 3, c 4, d 5.
static void check_einsum(const char *lhs, const char *rhs, const char *result) {
  static const int64_t sizes[4] = {2, 3, 4, 5};
  int64_t lhs_dims[4], rhs_dims[4], out_dims[4];
  const int32_t lhs_rank = (int32_t)strlen(lhs), rhs_rank = (int32_t)strlen(rhs),
                rank = (int32_t)strlen(result);
  for (int32_t d = 0; d < lhs_rank; ++d)
    lhs_dims[d] = sizes[lhs[d] - 'a'];
  for (int32_t d = 0; d < rhs_rank; ++d)
    rhs_dims[d] = sizes[rhs[d] - 'a'];
  for (int32_t d = 0; d < rank; ++d)
    out_dims[d] = sizes[result[d] - 'a'];
  PjTensor *a = random_operand(PJ_DT_F64, lhs_rank, lhs_dims),
           *b = random_operand(PJ_DT_F64, rhs_rank, rhs_dims);
  program_start(a, b, PJ_DT_F64, rank, out_dims);
  text_add("%%r = stablehlo.einsum %%a, %%b, config = \"%s,%s->%s\"", lhs, rhs, result);
  PjTensor *out = program_finish(a, b, "", PJ_DT_F64, rank, out_dims);
  double want[120] = {0};
  for (int64_t i = 0; i < 120;
       ++i) { // all values of all four letters; a letter that occurs nowhere counts once
    int64_t letters[4], x[4], y[4], z[4];
    bool counts = true;
    unravel(i, 4, sizes, letters);
    for (int l = 0; l < 4; ++l)
      counts &= letters[l] == 0 || strchr(lhs, 'a' + l) || strchr(rhs, 'a' + l);
    for (int32_t d = 0; d < lhs_rank; ++d)
      x[d] = letters[lhs[d] - 'a'];
    for (int32_t d = 0; d < rhs_rank; ++d)
      y[d] = letters[rhs[d] - 'a'];
    for (int32_t d = 0; d < rank; ++d)
      z[d] = letters[result[d] - 'a'];
    if (counts)
      want[ravel(rank, out_dims, z)] += value_get(a, ravel(lhs_rank, lhs_dims, x)).re *
                                        value_get(b, ravel(rhs_rank, rhs_dims, y)).re;
  }
  for (int64_t i = 0; i < out->count; ++i)
    assert_true(fabs(value_get(out, i).re - want[i]) < 1e-12);
  pj_tensor_release(a);
  pj_tensor_release(b);
  pj_tensor_release(out);
}

static void test_einsum(void **state) {
  (void)state;
  check_einsum("ab", "bc", "ac");
  check_einsum("ab", "bc", "ca");
  check_einsum("abc", "acd", "abd");
  check_einsum("ab", "cd", "dbca");
  check_einsum("ab", "ab", "");
  check_einsum("aab", "bc", "ca"); // a diagonal
  check_einsum("abc", "d", "b");   // sums of one operand only
  evaluate_fails(
      "func.func @main() -> tensor<f32> {\n %a = stablehlo.constant dense<1.0> : tensor<2xf32>\n"
      " %r = stablehlo.einsum %a, %a, config = \"ab,b->\" : (tensor<2xf32>, tensor<2xf32>) -> "
      "tensor<f32>\n"
      " return %r : tensor<f32>\n}\n",
      PJ_INVALID_ARGUMENT, "einsum_config");
}

// --- ragged_dot ----------------------------------------------------------------------------------

static PjTensor *ragged(PjTensor *a, PjTensor *b, const char *sizes, const char *sizes_type,
                        const char *numbers, int32_t rank, const int64_t *dims) {
  char more[64];
  snprintf(more, sizeof more, ", %s", sizes_type);
  program_start(a, b, PJ_DT_F32, rank, dims);
  text_add("%%g = stablehlo.constant dense<%s> : %s\n", sizes, sizes_type);
  text_add("%%r = \"chlo.ragged_dot\"(%%a, %%b, %%g) {ragged_dot_dimension_numbers = "
           "#chlo.ragged_dot<%s>}",
           numbers);
  return program_finish(a, b, more, PJ_DT_F32, rank, dims);
}

// Groups of 2, 0 and 3 of the 6 rows (mode 1) or summed elements (mode 2); the last one is in no
// group.
static int group_of(int64_t i) {
  return i < 2 ? 0 : i < 5 ? 2 : -1;
}

static void test_ragged_rows(void **state) {
  static const int64_t lhs[2] = {6, 4}, rhs[3] = {3, 4, 5}, dims[2] = {6, 5};
  (void)state;
  PjTensor *a = random_operand(PJ_DT_F32, 2, lhs), *b = random_operand(PJ_DT_F32, 3, rhs);
  PjTensor *out = ragged(
      a, b, "[2, 0, 3]", "tensor<3xi64>",
      "lhs_batching_dimensions = [], rhs_batching_dimensions = [], lhs_contracting_dimensions = "
      "[1], "
      "rhs_contracting_dimensions = [1], lhs_ragged_dimensions = [0], rhs_group_dimensions = [0]",
      2, dims);
  for (int64_t i = 0; i < 6; ++i) {
    for (int64_t j = 0; j < 5; ++j) {
      Value sum = {0};
      for (int64_t k = 0; k < 4 && group_of(i) >= 0; ++k)
        value_add_product(&sum, value_get(a, i * 4 + k),
                          value_get(b, (group_of(i) * 4 + k) * 5 + j));
      expect_sum(out, i * 5 + j, sum, 4);
    }
  }
  pj_tensor_release(a);
  pj_tensor_release(b);
  pj_tensor_release(out);
}

static void test_ragged_sum(void **state) {
  static const int64_t lhs[3] = {2, 4, 6}, rhs[3] = {2, 6, 5}, dims[4] = {3, 2, 4, 5};
  (void)state;
  PjTensor *a = random_operand(PJ_DT_F32, 3, lhs), *b = random_operand(PJ_DT_F32, 3, rhs);
  PjTensor *out = ragged(
      a, b, "[[2, 0, 3], [6, 0, 0]]", "tensor<2x3xi32>",
      "lhs_batching_dimensions = [0], rhs_batching_dimensions = [0], lhs_contracting_dimensions = "
      "[2], "
      "rhs_contracting_dimensions = [1], lhs_ragged_dimensions = [2], rhs_group_dimensions = []",
      4, dims);
  for (int64_t o = 0; o < out->count; ++o) {
    int64_t i[4];
    Value sum = {0};
    unravel(o, 4, dims, i);
    for (int64_t k = 0; k < 6; ++k)
      if ((i[1] ? 0 : group_of(k)) == i[0])
        value_add_product(&sum, value_get(a, (i[1] * 4 + i[2]) * 6 + k),
                          value_get(b, (i[1] * 6 + k) * 5 + i[3]));
    expect_sum(out, o, sum, 6);
  }
  pj_tensor_release(a);
  pj_tensor_release(b);
  pj_tensor_release(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dot_general), cmocka_unit_test(test_dot),
      cmocka_unit_test(test_einsum),      cmocka_unit_test(test_ragged_rows),
      cmocka_unit_test(test_ragged_sum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

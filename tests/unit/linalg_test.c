// cholesky, triangular_solve and batch_norm_*, by what their results must satisfy: products of
// factors, residuals of solutions, and the specification's formulas written out.
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "linalg_support.h"

static void test_cholesky(void **state) {
  static const int64_t sizes[] = {0, 1, 2, 5, 32, 33, 70};
  (void)state;
  for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s) {
    for (int form = 0; form < 8; ++form) {
      const int64_t n = sizes[s];
      const bool lower = form & 4;
      PjTensor *a = positive_definite(linalg_types[form & 3], 2, n),
               *spoilt = random_matrix(a->dtype, 2, n, n), *out;
      for (int64_t e = 0; e < a->count; ++e)
        if (lower ? e / n % n >= e % n : e / n % n <= e % n)
          number_set(spoilt, e, number_get(a, e)); // the other triangle is not read
      const Result result = {a->dtype, 3, {2, n, n}};
      run_op(lower ? "\"stablehlo.cholesky\"(%a0) {lower = true}"
                   : "\"stablehlo.cholesky\"(%a0) {lower = false}",
             1, &spoilt, 1, &result, &out);
      for (int64_t e = 0; e < a->count; ++e) {
        const int64_t b = e / (n * n), i = e / n % n, j = e % n;
        Number sum = 0;
        for (int64_t k = 0; k < n; ++k)
          sum += lower ? number_get(out, (b * n + i) * n + k) *
                             conj(number_get(out, (b * n + j) * n + k))
                       : conj(number_get(out, (b * n + k) * n + i)) *
                             number_get(out, (b * n + k) * n + j);
        expect_number(sum, number_get(a, e), a->dtype, 1 + (double)n);
        if (lower ? i < j : i > j)
          assert_true(number_get(out, e) == 0);
      }
      release_all(3, (PjTensor *[]){a, spoilt, out});
    }
  }
}

static void test_cholesky_indefinite(void **state) {
  (void)state;
  PjTensor *a = positive_definite(PJ_DT_F32, 3, 40), *out;
  number_set(a, 40 * 40 + 39 * 40 + 39, -1); // only the second matrix
  const Result result = {PJ_DT_F32, 3, {3, 40, 40}};
  run_op("\"stablehlo.cholesky\"(%a0) {lower = true}", 1, &a, 1, &result, &out);
  for (int64_t e = 0; e < out->count; ++e)
    assert_int_equal(isnan(creal(number_get(out, e))) != 0, e / 1600 == 1);
  release_all(2, (PjTensor *[]){a, out});
}

static void test_triangular_solve(void **state) {
  static const char *const forms[] = {"NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"};
  (void)state;
  for (int round = 0; round < 24 * 8; ++round) {
    const bool left = round & 1, lower = round & 2, unit = round & 4;
    const int form = round / 8 % 3;
    const PjDtype dtype = linalg_types[round / 24 % 4];
    const int64_t n = round / 96 ? 40 : 3, m = 4;
    PjTensor *a = random_matrix(dtype, 2, n, n),
             *b = random_matrix(dtype, 2, left ? n : m, left ? m : n), *out;
    for (int64_t e = 0; e < a->count; ++e)
      number_set(a, e,
                 e / n % n == e % n ? 2 + number_get(a, e) / 4 : number_get(a, e) / (double)n);
    char op[300];
    snprintf(op, sizeof op,
             "\"stablehlo.triangular_solve\"(%%a0, %%a1) {left_side = %s, lower = %s, "
             "unit_diagonal = %s, transpose_a = #stablehlo<transpose %s>}",
             left ? "true" : "false", lower ? "true" : "false", unit ? "true" : "false",
             forms[form]);
    const Result result = {dtype, 3, {2, b->dims[1], b->dims[2]}};
    run_op(op, 2, (PjTensor *[]){a, b}, 1, &result, &out);
    for (int64_t e = 0; e < b->count; ++e) {
      const int64_t cols = b->dims[2], matrix = e / (b->dims[1] * cols),
                    row = e / cols % b->dims[1], col = e % cols;
      Number sum = 0;
      for (int64_t k = 0; k < n; ++k) {
        const int64_t i = left ? row : k, j = left ? k : col; // of op(a)
        const int64_t ai = form ? j : i, aj = form ? i : j;   // of a
        Number value = lower ? (ai >= aj) * number_get(a, (matrix * n + ai) * n + aj)
                             : (ai <= aj) * number_get(a, (matrix * n + ai) * n + aj);
        if (unit && ai == aj)
          value = 1;
        if (form == 2)
          value = conj(value);
        sum += value * number_get(out, matrix * n * m + (left ? k * cols + col : row * cols + k));
      }
      expect_number(sum, number_get(b, e), dtype, 1);
    }
    release_all(3, (PjTensor *[]){a, b, out});
  }
}

static void test_batch_norm(void **state) {
  (void)state;
  const int64_t features = 3;
  PjTensor *x = random_matrix(PJ_DT_F64, 4, 3, 5), *g = random_matrix(PJ_DT_F64, 4, 3, 5), *out[3],
           *in[4];
  for (int i = 0; i < 4; ++i) { // scale, offset or mean, mean or variance, variance
    in[i] = make_tensor(PJ_DT_F64, 1, &features, NULL);
    for (int64_t c = 0; c < features; ++c)
      number_set(in[i], c, 0.5 + (double)random_int(0, 1000) / 1000);
  }
  const Result results[3] = {{PJ_DT_F64, 3, {4, 3, 5}}, {PJ_DT_F64, 1, {3}}, {PJ_DT_F64, 1, {3}}};
  const double epsilon = 0.125;
  double mean[3] = {0}, variance[3] = {0}, sum_g[3] = {0}, sum_gx[3] = {0};
  for (int64_t e = 0; e < x->count; ++e)
    mean[e / 5 % 3] += creal(number_get(x, e)) / 20;
  for (int64_t e = 0; e < x->count; ++e)
    variance[e / 5 % 3] += pow(creal(number_get(x, e)) - mean[e / 5 % 3], 2) / 20;
  run_op(
      "\"stablehlo.batch_norm_training\"(%a0, %a1, %a2) {epsilon = 0.125 : f32, feature_index = 1 "
      ": i64}",
      3, (PjTensor *[]){x, in[0], in[1]}, 3, results, out);
  for (int64_t e = 0; e < x->count; ++e) {
    const int64_t c = e / 5 % 3;
    const Number want =
        number_get(in[0], c) * (number_get(x, e) - mean[c]) / sqrt(variance[c] + epsilon) +
        number_get(in[1], c);
    expect_number(number_get(out[0], e), want, PJ_DT_F64, 1);
    expect_number(number_get(out[1], c), mean[c], PJ_DT_F64, 1);
    expect_number(number_get(out[2], c), variance[c], PJ_DT_F64, 1);
  }
  release_all(3, out);
  run_op("\"stablehlo.batch_norm_inference\"(%a0, %a1, %a2, %a3, %a4) {epsilon = 0.125 : f32, "
         "feature_index = 1 : i64}",
         5, (PjTensor *[]){x, in[0], in[1], in[2], in[3]}, 1, results, out);
  for (int64_t e = 0; e < x->count; ++e) {
    const int64_t c = e / 5 % 3;
    const Number want = number_get(in[0], c) * (number_get(x, e) - number_get(in[2], c)) /
                            csqrt(number_get(in[3], c) + epsilon) +
                        number_get(in[1], c);
    expect_number(number_get(out[0], e), want, PJ_DT_F64, 1);
  }
  release_all(1, out);
  run_op("\"stablehlo.batch_norm_grad\"(%a0, %a1, %a2, %a3, %a4) {epsilon = 0.125 : f32, "
         "feature_index = 1 : i64}",
         5, (PjTensor *[]){x, in[0], in[2], in[3], g}, 3, results, out);
  for (int64_t e = 0; e < x->count; ++e) {
    const int64_t c = e / 5 % 3;
    sum_g[c] += creal(number_get(g, e));
    sum_gx[c] += creal(number_get(g, e) * (number_get(x, e) - number_get(in[2], c)));
  }
  for (int64_t e = 0; e < x->count; ++e) {
    const int64_t c = e / 5 % 3;
    const double v = creal(number_get(in[3], c)) + epsilon,
                 centred = creal(number_get(x, e) - number_get(in[2], c));
    const double want = creal(number_get(in[0], c)) / sqrt(v) / 20 *
                        (20 * creal(number_get(g, e)) - sum_g[c] - centred * sum_gx[c] / v);
    expect_number(number_get(out[0], e), want, PJ_DT_F64, 1);
    expect_number(number_get(out[1], c), sum_gx[c] / sqrt(v), PJ_DT_F64, 4);
    expect_number(number_get(out[2], c), sum_g[c], PJ_DT_F64, 4);
  }
  release_all(3, out);
  release_all(4, in);
  release_all(2, (PjTensor *[]){x, g});
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cholesky),
      cmocka_unit_test(test_cholesky_indefinite),
      cmocka_unit_test(test_triangular_solve),
      cmocka_unit_test(test_batch_norm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

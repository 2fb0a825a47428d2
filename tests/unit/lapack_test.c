// The custom calls of linear algebra that JAX makes for the CPU, by what their results must
// satisfy.
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "linalg_support.h"

#ifdef PJ_HAVE_LAPACK
static const char *const letters = "sdcz";

// "stablehlo.custom_call @lapack_?NAME_ffi(%a0) {..}" with matrices column-major. Kinds: m matrix,
// v vector, s scalar (per batch).
static const char *lapack(int type, const char *name, const char *in_kinds, const char *out_kinds,
                          const char *config) {
  static char text[1500];
  size_t at = (size_t)snprintf(text, sizeof text, "stablehlo.custom_call @lapack_%c%s_ffi(",
                               letters[type], name);
  for (size_t i = 0; in_kinds[i]; ++i)
    at += (size_t)snprintf(text + at, sizeof text - at, "%s%%a%zu", i ? ", " : "", i);
  at += (size_t)snprintf(text + at, sizeof text - at, ") {mhlo.backend_config = {%s}", config);
  for (int side = 0; side < 2; ++side) {
    const char *kinds = side ? out_kinds : in_kinds;
    at += (size_t)snprintf(text + at, sizeof text - at, ", %s_layouts = [",
                           side ? "result" : "operand");
    for (size_t i = 0; kinds[i]; ++i)
      at += (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? ", " : "",
                             kinds[i] == 'm'   ? "dense<[1, 2, 0]> : tensor<3xindex>"
                             : kinds[i] == 'v' ? "dense<[1, 0]> : tensor<2xindex>"
                                               : "dense<0> : tensor<1xindex>");
    at += (size_t)snprintf(text + at, sizeof text - at, "]");
  }
  snprintf(text + at, sizeof text - at, "}");
  return text;
}

static void test_lu(void **state) {
  (void)state;
  for (int type = 0; type < 4; ++type) {
    for (int shape = 0; shape < 3; ++shape) {
      const PjDtype dtype = linalg_types[type];
      const int64_t m = shape == 1 ? 7 : 5, n = shape == 2 ? 7 : 5, k = m < n ? m : n;
      PjTensor *a = random_matrix(dtype, 2, m, n), *out[3];
      const Result results[3] = {
          {dtype, 3, {2, m, n}}, {PJ_DT_S32, 2, {2, k}}, {PJ_DT_S32, 1, {2}}};
      run_op(lapack(type, "getrf", "m", "mvs", ""), 1, &a, 3, results, out);
      for (int64_t b = 0; b < 2; ++b) {
        int64_t order[7];
        for (int64_t i = 0; i < m; ++i)
          order[i] = i;
        for (int64_t i = 0; i < k; ++i) {
          const int64_t other = ((int32_t *)out[1]->data)[b * k + i] - 1, row = order[i];
          order[i] = order[other];
          order[other] = row;
        }
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            Number sum = 0;
            for (int64_t l = 0; l < k && l <= i && l <= j; ++l)
              sum += (l == i ? 1 : matrix_at(out[0], b, i, l)) * matrix_at(out[0], b, l, j);
            expect_number(sum, matrix_at(a, b, order[i], j), dtype, 4);
          }
        }
        assert_int_equal(((int32_t *)out[2]->data)[b], 0);
      }
      release_all(3, out);
      release_all(1, &a);
    }
  }
}

static void test_qr(void **state) {
  (void)state;
  for (int type = 0; type < 4; ++type) {
    const PjDtype dtype = linalg_types[type];
    const int64_t m = 9, n = 6;
    PjTensor *a = random_matrix(dtype, 2, m, n), *factor[2], *q, *product_;
    const Result factors[2] = {{dtype, 3, {2, m, n}}, {dtype, 2, {2, n}}},
                 matrix = {dtype, 3, {2, m, n}};
    run_op(lapack(type, "geqrf", "m", "mv", ""), 1, &a, 2, factors, factor);
    run_op(lapack(type, type < 2 ? "orgqr" : "ungqr", "mv", "m", ""), 2, factor, 1, &matrix, &q);
    // q^H * a = r: the upper triangle of the factor, then zeros.
    run_op(lapack(type, type < 2 ? "ormqr" : "unmqr", "mvm", "m", "left = true, transpose = true"),
           3, (PjTensor *[]){factor[0], factor[1], a}, 1, &matrix, &product_);
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          Number sum = 0, inner = 0;
          for (int64_t k = 0; k <= j; ++k)
            sum += matrix_at(q, b, i, k) * matrix_at(factor[0], b, k, j);
          for (int64_t k = 0; k < m && i < n; ++k)
            inner += conj(matrix_at(q, b, k, i)) * matrix_at(q, b, k, j);
          expect_number(sum, matrix_at(a, b, i, j), dtype, 4);
          if (i < n)
            expect_number(inner, i == j, dtype, 4);
          expect_number(matrix_at(product_, b, i, j), i <= j ? matrix_at(factor[0], b, i, j) : 0,
                        dtype, 4);
        }
      }
    }
    release_all(5, (PjTensor *[]){a, factor[0], factor[1], q, product_});
  }
}

static void test_svd(void **state) {
  (void)state;
  for (int round = 0; round < 16; ++round) {
    const int type = round & 3;
    const PjDtype dtype = linalg_types[type], real = pj_dtype_part(dtype);
    const bool full = round & 4;
    const int64_t m = 4, n = 7, k = 4, v = full ? n : k;
    PjTensor *a = random_matrix(dtype, 2, m, n), *out[5];
    const Result results[5] = {{dtype, 3, {2, m, n}},
                               {real, 2, {2, k}},
                               {dtype, 3, {2, m, m}},
                               {dtype, 3, {2, v, n}},
                               {PJ_DT_S32, 1, {2}}};
    run_op(lapack(type, round & 8 ? "gesvd" : "gesdd", "m", "mvmms",
                  full ? "mode = 65 : ui8" : "mode = 83 : ui8"),
           1, &a, 5, results, out);
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          Number sum = 0;
          for (int64_t l = 0; l < k; ++l)
            sum += matrix_at(out[2], b, i, l) * number_get(out[1], b * k + l) *
                   matrix_at(out[3], b, l, j);
          expect_number(sum, matrix_at(a, b, i, j), dtype, 8);
        }
      }
      for (int64_t l = 0; l + 1 < k; ++l)
        assert_true(creal(number_get(out[1], b * k + l)) >=
                    creal(number_get(out[1], b * k + l + 1)));
    }
    release_all(5, out);
    release_all(1, &a);
  }
}

static void test_eigen(void **state) {
  (void)state;
  for (int type = 0; type < 4; ++type) {
    const PjDtype dtype = linalg_types[type], real = pj_dtype_part(dtype),
                  pairs = is_wide(dtype) ? PJ_DT_C128 : PJ_DT_C64;
    const int64_t n = 6;
    PjTensor *h = positive_definite(dtype, 2, n), *a = random_matrix(dtype, 2, n, n), *out[6];
    const Result symmetric[3] = {{dtype, 3, {2, n, n}}, {real, 2, {2, n}}, {PJ_DT_S32, 1, {2}}};
    run_op(
        lapack(type, type < 2 ? "syevd" : "heevd", "m", "mvs", "mode = 86 : ui8, uplo = 76 : ui8"),
        1, &h, 3, symmetric, out);
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t i = 0; i < n; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          Number sum = 0;
          for (int64_t k = 0; k < n; ++k)
            sum += matrix_at(h, b, i, k) * matrix_at(out[0], b, k, j);
          expect_number(sum, number_get(out[1], b * n + j) * matrix_at(out[0], b, i, j), dtype, 30);
        }
      }
    }
    release_all(3, out);
    // What frameworks write for any platform; the other triangle is not read.
    for (int lower = 0; lower < 2; ++lower) {
      PjTensor *half = make_tensor(dtype, 3, (int64_t[]){2, n, n}, h->data);
      for (int64_t at = 0; at < 2 * n * n; ++at)
        if (lower ? at % n > at / n % n : at % n < at / n % n)
          number_set(half, at, 99);
      run_op(lower ? "stablehlo.custom_call @Eigh(%a0) {backend_config = \"1,1,100,1e-6\"}"
                   : "stablehlo.custom_call @Eigh(%a0) {backend_config = \"0,1,100,1e-6\"}",
             1, &half, 2, symmetric, out);
      for (int64_t at = 0; at < 2 * n * n; ++at) {
        const int64_t b = at / (n * n), i = at / n % n, j = at % n;
        Number sum = 0;
        for (int64_t k = 0; k < n; ++k)
          sum += matrix_at(h, b, i, k) * matrix_at(out[0], b, k, j);
        expect_number(sum, number_get(out[1], b * n + j) * matrix_at(out[0], b, i, j), dtype, 30);
      }
      release_all(1, &half);
      release_all(2, out);
    }
    // Real matrices: eigenvalues in two vectors, complex eigenvectors.
    const Result values = {pairs, 2, {2, n}}, parts = {real, 2, {2, n}},
                 vectors = {pairs, 3, {2, n, n}}, info = {PJ_DT_S32, 1, {2}};
    const uint32_t count = type < 2 ? 5 : 4;
    run_op(lapack(type, "geev", "m", type < 2 ? "vvmms" : "vmms",
                  "compute_left = 86 : ui8, compute_right = 86 : ui8"),
           1, &a, count,
           type < 2 ? (Result[]){parts, parts, vectors, vectors, info}
                    : (Result[]){values, vectors, vectors, info},
           out);
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t j = 0; j < n; ++j) {
        const Number value = type < 2
                                 ? number_get(out[0], b * n + j) + I * number_get(out[1], b * n + j)
                                 : number_get(out[0], b * n + j);
        const PjTensor *left = out[count - 3], *right = out[count - 2];
        for (int64_t i = 0; i < n; ++i) {
          Number r = 0, l = 0;
          for (int64_t k = 0; k < n; ++k) {
            r += matrix_at(a, b, i, k) * matrix_at(right, b, k, j);
            l += conj(matrix_at(left, b, k, j)) * matrix_at(a, b, k, i);
          }
          expect_number(r, value * matrix_at(right, b, i, j), dtype, 8);
          expect_number(l, value * conj(matrix_at(left, b, i, j)), dtype, 8);
        }
      }
    }
    release_all(count, out);
    // Schur form: z * t * z^H = a.
    const Result matrix = {dtype, 3, {2, n, n}}, own = {dtype, 2, {2, n}};
    run_op(lapack(type, "gees", "m", type < 2 ? "mmvvss" : "mmvss",
                  "mode = 86 : ui8, sort = 78 : ui8"),
           1, &a, count + 1,
           type < 2 ? (Result[]){matrix, matrix, own, own, info, info}
                    : (Result[]){matrix, matrix, own, info, info},
           out);
    for (int64_t e = 0; e < a->count; ++e) {
      const int64_t b = e / (n * n), i = e / n % n, j = e % n;
      Number sum = 0;
      for (int64_t k = 0; k < n; ++k)
        for (int64_t l = 0; l < n; ++l)
          sum += matrix_at(out[1], b, i, k) * matrix_at(out[0], b, k, l) *
                 conj(matrix_at(out[1], b, j, l));
      expect_number(sum, number_get(a, e), dtype, 8);
    }
    release_all(count + 1, out);
    release_all(2, (PjTensor *[]){h, a});
  }
}

static void test_not_finite(void **state) {
  (void)state;
  PjTensor *a = random_matrix(PJ_DT_F64, 2, 4, 4), *out[3];
  number_set(a, 5, NAN);
  const Result results[3] = {
      {PJ_DT_F64, 3, {2, 4, 4}}, {PJ_DT_F64, 2, {2, 4}}, {PJ_DT_S32, 1, {2}}};
  run_op(lapack(1, "syevd", "m", "mvs", "mode = 86 : ui8, uplo = 76 : ui8"), 1, &a, 3, results,
         out);
  assert_int_equal(((int32_t *)out[2]->data)[0], -4);
  assert_int_equal(((int32_t *)out[2]->data)[1], 0);
  release_all(3, out);
  run_op("stablehlo.custom_call @Eigh(%a0) {backend_config = \"1,1,100,1e-6\"}", 1, &a, 2, results,
         out);
  for (int64_t i = 0; i < 16; ++i)
    assert_true(isnan(((double *)out[0]->data)[i]) && !isnan(((double *)out[0]->data)[16 + i]));
  assert_true(isnan(((double *)out[1]->data)[0]) && !isnan(((double *)out[1]->data)[4]));
  release_all(2, out);
  release_all(1, &a);
}

static void test_bad_calls(void **state) {
  static const struct {
    const char *call, *first, *rest, *fragment;
  } cases[] = {
      {"@lapack_spotrf_ffi(%a)", "tensor<3x3xf32>", ", tensor<i32>", "uplo"},
      {"@lapack_spotrf_ffi(%a) {mhlo.backend_config = {uplo = 90 : ui8}}", "tensor<3x3xf32>",
       ", tensor<i32>", "letters"},
      {"@lapack_spotrf_ffi(%a) {mhlo.backend_config = {uplo = 76 : ui8}}", "tensor<3x4xf32>",
       ", tensor<i32>", "dimension 1"},
      {"@lapack_dpotrf_ffi(%a) {mhlo.backend_config = {uplo = 76 : ui8}}", "tensor<3x3xf64>",
       ", tensor<i32>", "f64"},
      {"@lapack_sgetrf_ffi(%a)", "tensor<3x3xf32>", ", tensor<i32>", "results"},
      {"@Eigh(%a) {backend_config = \"lower\"}", "tensor<3x3xf32>", ", tensor<3xf32>",
       "configuration"},
      {"@lapack_spotrf_ffi(%a) {mhlo.backend_config = {uplo = 76 : ui8}}", "tensor<1x3x3xf32>",
       ", tensor<i32>", "batch"},
  };
  (void)state;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; ++c) {
    char text[600];
    snprintf(
        text, sizeof text,
        "func.func @main() -> %s {\n%%a = stablehlo.constant dense<1.0> : tensor<3x3xf32>\n"
        "%%r:2 = stablehlo.custom_call %s : (tensor<3x3xf32>) -> (%s%s)\nreturn %%r#0 : %s\n}\n",
        cases[c].first, cases[c].call, cases[c].first, cases[c].rest, cases[c].first);
    evaluate_fails(text, PJ_INVALID_ARGUMENT, cases[c].fragment);
  }
}
#endif

// A singular system: the solution must be finite, large, and nearly in the null space.
static void test_tridiagonal_perturbed(void **state) {
  (void)state;
  const int64_t n = 4;
  const double zero[4] = {0, 0, 0, 0}, ones[4] = {1, 1, 1, 1}, diagonal[4] = {1, 2, 0, 3};
  PjTensor *in[4], *out;
  in[0] = make_tensor(PJ_DT_F64, 1, &n, zero);
  in[1] = make_tensor(PJ_DT_F64, 1, &n, diagonal);
  in[2] = make_tensor(PJ_DT_F64, 1, &n, zero);
  in[3] = make_tensor(PJ_DT_F64, 2, (int64_t[]){n, 1}, ones);
  const Result result = {PJ_DT_F64, 2, {n, 1}};
  run_op("stablehlo.custom_call @tridiagonal_solve_perturbed_ffi(%a0, %a1, %a2, %a3)", 4, in, 1,
         &result, &out);
  const double *x = out->data;
  assert_true(x[0] == 1 && x[1] == 0.5 && isfinite(x[2]) && fabs(x[2]) > 1e14 &&
              fabs(x[3] - 1.0 / 3) < 1e-15);
  release_all(4, in);
  release_all(1, &out);
}

static void test_csr(void **state) {
  (void)state;
  const float values[3] = {2, 3, 4}, dense[6] = {1, 2, 3, 4, 5, 6}, want[6] = {6, 8, 0, 0, 23, 30};
  const int32_t starts[4] = {0, 1, 1, 3}, columns[3] = {1, 0, 2};
  PjTensor *in[4], *out;
  in[0] = make_tensor(PJ_DT_F32, 1, (int64_t[]){3}, values);
  in[1] = make_tensor(PJ_DT_S32, 1, (int64_t[]){4}, starts);
  in[2] = make_tensor(PJ_DT_S32, 1, (int64_t[]){3}, columns);
  in[3] = make_tensor(PJ_DT_F32, 2, (int64_t[]){3, 2}, dense);
  const Result result = {PJ_DT_F32, 2, {3, 2}};
  run_op("stablehlo.custom_call @cpu_csr_sparse_dense_ffi(%a0, %a1, %a2, %a3)", 4, in, 1, &result,
         &out);
  assert_memory_equal(out->data, want, sizeof want);
  release_all(4, in);
  release_all(1, &out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#ifdef PJ_HAVE_LAPACK
      cmocka_unit_test(test_lu),
      cmocka_unit_test(test_qr),
      cmocka_unit_test(test_svd),
      cmocka_unit_test(test_eigen),
      cmocka_unit_test(test_not_finite),
      cmocka_unit_test(test_bad_calls),
#endif
      cmocka_unit_test(test_tridiagonal_perturbed),
      cmocka_unit_test(test_csr),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

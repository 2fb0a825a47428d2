// LAPACK's custom calls by routine and by evaluator: small ones a vector at a time, others one by
// one.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "eval/float.h"
#include "routine_support.h"

#ifdef PJ_HAVE_LAPACK
enum { MAX_ARRAYS = 5 };

typedef struct Array {
  PjDtype dtype;
  int32_t rank;
  int64_t dims[3];
} Array;

static Array matrix(PjDtype dtype, int64_t batch, int64_t rows, int64_t cols) {
  return (Array){dtype, 3, {batch, rows, cols}};
}
static Array vector(PjDtype dtype, int64_t batch, int64_t size) {
  return (Array){dtype, 2, {batch, size}};
}
static Array scalar(int64_t batch) {
  return (Array){PJ_DT_S32, 1, {batch}};
}

static void add_types(int count, const Array *arrays) {
  for (int i = 0; i < count; ++i) {
    text_add(i ? ", " : "");
    text_type(arrays[i].dtype, arrays[i].rank, arrays[i].dims);
  }
}

static void add_layouts(const char *name, int count, const Array *arrays) {
  text_add("%s_layouts = [", name);
  for (int i = 0; i < count; ++i)
    text_add("%s%s", i ? ", " : "",
             arrays[i].rank == 3   ? "dense<[1, 2, 0]> : tensor<3xindex>"
             : arrays[i].rank == 2 ? "dense<[1, 0]> : tensor<2xindex>"
                                   : "dense<0> : tensor<1xindex>");
  text_add("]");
}

// lapack_?NAME_ffi by type, with matrices column by column.
static const char *call(const char *name, const char *config, int num_in, const Array *in,
                        int num_out, const Array *out) {
  static const char *const args[] = {"%a", "%b"};
  const char letter = in[0].dtype == PJ_DT_F32   ? 's'
                      : in[0].dtype == PJ_DT_F64 ? 'd'
                      : in[0].dtype == PJ_DT_C64 ? 'c'
                                                 : 'z';
  text_start();
  text_add("func.func @main(");
  for (int i = 0; i < num_in; ++i) {
    text_add("%s%s: ", i ? ", " : "", args[i]);
    add_types(1, &in[i]);
  }
  text_add(") -> (");
  add_types(num_out, out);
  text_add(") {\n  %%r:%d = stablehlo.custom_call @lapack_%c%s_ffi(%s) {mhlo.backend_config = "
           "{%s}, ",
           num_out, letter, name, num_in == 2 ? "%a, %b" : "%a", config);
  add_layouts("operand", num_in, in);
  text_add(", ");
  add_layouts("result", num_out, out);
  text_add("} : (");
  add_types(num_in, in);
  text_add(") -> (");
  add_types(num_out, out);
  text_add(")\n  return ");
  for (int i = 0; i < num_out; ++i)
    text_add("%s%%r#%d", i ? ", " : "", i);
  text_add(" : ");
  add_types(num_out, out);
  text_add("\n}\n");
  return text_get();
}

static void set(PjTensor *t, int64_t at, double value) {
  const PjDtype part = pj_dtype_part(t->dtype);
  const size_t elem = pj_dtype_bytes(part);
  char *to = (char *)t->data + (size_t)at * pj_dtype_bytes(t->dtype);
  pj_double_encode(part, value, to);
  if (pj_dtype_is_complex(t->dtype))
    pj_double_encode(part, 0, to + elem);
}

// Elements of like size; squares with a |diagonal| if that is not 0.
static PjTensor *random_array(const Array *a, double diagonal) {
  PjTensor *t = pj_tensor_new(a->dtype, a->rank, a->dims);
  assert_non_null(t);
  for (int64_t i = 0; i < t->count; ++i)
    set(t, i, (double)random_int(-1000, 1000) / 1000);
  const int64_t n = a->dims[2];
  for (int64_t i = 0; a->rank == 3 && diagonal != 0 && n && i < t->count / n; ++i)
    set(t, i * n + i % n, diagonal + (double)random_int(0, 9) / 10);
  return t;
}

static const int64_t batches[] = {1, 2, 8, 19, 0};
static const int64_t shapes[][2] = {{1, 1}, {2, 2},   {3, 3},   {4, 4}, {5, 3},
                                    {3, 5}, {13, 13}, {32, 32}, {0, 3}, {34, 33}};
enum { BATCHES = 5, SHAPES = 10 };
static const PjDtype types[] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_C64, PJ_DT_C128};

// Of sizes that go by blocks: one and several of those, with ends of every kind.
static const int64_t large[][2] = {{48, 48}, {49, 83},   {83, 49},   {96, 96},
                                   {97, 97}, {145, 210}, {210, 145}, {150, 48}};
enum { LARGE = 8 };

static void large_factors(void **state) {
  (void)state;
  for (int t = 0; t < 2; ++t)
    for (int s = 0; s < LARGE; ++s)
      for (int64_t batch = 1; batch <= 21; batch += s < 2 ? 20 : 1000) {
        const int64_t m = large[s][0], n = large[s][1];
        const Array in = matrix(types[t], batch, m, n), square = matrix(types[t], batch, n, n);
        const Array out[] = {in, vector(PJ_DT_S32, batch, m < n ? m : n), scalar(batch)};
        PjTensor *a = random_array(&in, 0);
        // Equal elements, of which the first is to be taken, and a column of zeros.
        for (int64_t i = 0; batch > 1 && i < m; ++i) {
          set(a, i * n, i % 2 ? -2 : 2);
          set(a, m * n + i * n + 1, 0);
        }
        check_routine(call("getrf", "", 1, &in, 3, out), PJ_OP_CUSTOM_CALL, 1, &a, MATCH_NORM,
                      40 * (double)(n + 1));
        pj_tensor_release(a);
        const Array factor[] = {square, scalar(batch)};
        for (int upper = 0; upper < 2; ++upper) {
          a = random_array(&square, (double)n + 2);
          if (batch > 1)
            set(a, n * n + 40 * n + 40, -1);
          check_routine(
              call("potrf", upper ? "uplo = 85 : ui8" : "uplo = 76 : ui8", 1, &square, 2, factor),
              PJ_OP_CUSTOM_CALL, 1, &a, MATCH_NORM, batch > 1 ? INFINITY : 20);
          pj_tensor_release(a);
        }
      }
}

// Results beside the triangle are what was there.
static void large_factor_info(void **state) {
  (void)state;
  for (int upper = 0; upper < 2; ++upper) {
    const int64_t n = 230;
    const Array in = matrix(PJ_DT_F32, 1, n, n), out[] = {in, scalar(1)};
    PjTensor *a = random_array(&in, (double)n + 2), *have[2];
    RoutineCase c;
    routine_open(call("potrf", upper ? "uplo = 85 : ui8" : "uplo = 76 : ui8", 1, &in, 2, out),
                 PJ_OP_CUSTOM_CALL, &c);
    assert_non_null(c.routine);
    for (int bad = 0; bad < 3; ++bad) {
      const int64_t at = (const int64_t[]){-1, 100, 229}[bad];
      if (bad)
        set(a, at * n + at, bad == 1 ? NAN : -3);
      assert_null(routine_run(&c, 2, false, &a, have));
      assert_int_equal(*(int32_t *)have[1]->data, at + 1);
      const float *from = a->data, *to = have[0]->data;
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = 0; j < n; ++j)
          if (upper ? j < i : j > i)
            assert_true(from[i * n + j] == to[i * n + j]);
      if (bad)
        set(a, at * n + at, (double)n + 2);
      pj_tensor_release(have[0]);
      pj_tensor_release(have[1]);
    }
    pj_tensor_release(a);
    routine_close(&c);
  }
}

static void lu(void **state) {
  (void)state;
  for (int t = 0; t < 4; ++t)
    for (int s = 0; s < SHAPES; ++s)
      for (int b = 0; b < BATCHES; ++b) {
        const int64_t m = shapes[s][0], n = shapes[s][1], batch = batches[b];
        const Array in = matrix(types[t], batch, m, n);
        const Array out[] = {in, vector(PJ_DT_S32, batch, m < n ? m : n), scalar(batch)};
        PjTensor *a = random_array(&in, 0);
        // Equal elements, of which the first is to be taken, and a column of zeros.
        for (int64_t i = 0; n > 1 && batch > 1 && i < m; ++i) {
          set(a, i * n, i % 2 ? -2 : 2);
          set(a, m * n + i * n + 1, 0);
        }
        check_routine(call("getrf", "", 1, &in, 3, out), PJ_OP_CUSTOM_CALL, 1, &a, MATCH_NORM,
                      40 * (double)(n + 1));
        pj_tensor_release(a);
      }
}

static void cholesky(void **state) {
  (void)state;
  for (int t = 0; t < 4; ++t)
    for (int s = 0; s < SHAPES; ++s)
      for (int b = 0; b < 2 * BATCHES; ++b) {
        const int64_t n = shapes[s][1], batch = batches[b / 2];
        const Array in = matrix(types[t], batch, n, n), out[] = {in, scalar(batch)};
        PjTensor *a = random_array(&in, (double)n + 2);
        if (batch > 2) // no factor: LAPACK and we stop in the first row, and say so
          set(a, 2 * n * n, -1);
        check_routine(call("potrf", b % 2 ? "uplo = 85 : ui8" : "uplo = 76 : ui8", 1, &in, 2, out),
                      PJ_OP_CUSTOM_CALL, 1, &a, MATCH_NORM, batch > 2 ? INFINITY : 20);
        pj_tensor_release(a);
      }
}

static void triangular(void **state) {
  (void)state;
  static const int64_t sizes[][2] = {{1, 1}, {3, 1},  {3, 4},   {5, 7},    {32, 32}, {3, 33},
                                     {0, 2}, {48, 3}, {49, 37}, {100, 70}, {8, 200}, {5, 67}};
  for (int t = 0; t < 4; ++t)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s)
      for (int round = 0; round < 24; ++round) {
        if (t > 1 && sizes[s][0] > 48)
          continue;
        const bool left = round & 1, lower = round & 2, unit = round & 4;
        const int64_t n = sizes[s][0], m = sizes[s][1], batch = batches[(round + (int)s) % BATCHES];
        const Array in[] = {matrix(types[t], batch, n, n),
                            matrix(types[t], batch, left ? n : m, left ? m : n)};
        char config[200];
        snprintf(config, sizeof config,
                 "side = %d : ui8, uplo = %d : ui8, trans_x = %d : ui8, diag = %d : ui8",
                 left ? 'L' : 'R', lower ? 'L' : 'U', "NTC"[round / 8], unit ? 'U' : 'N');
        PjTensor *inputs[] = {random_array(&in[0], (double)n + 2), random_array(&in[1], 0)};
        // What stands beside a unit diagonal would grow without end.
        for (int64_t i = 0; unit && i < inputs[0]->count; ++i)
          set(inputs[0], i, (double)random_int(-100, 100) / (100 * (double)n));
        check_routine(call("trsm", config, 2, in, 1, &in[1]), PJ_OP_CUSTOM_CALL, 2, inputs,
                      MATCH_NORM, 20 * (double)(n + 1));
        pj_tensor_release(inputs[0]);
        pj_tensor_release(inputs[1]);
      }
}

static void qr(void **state) {
  (void)state;
  for (int t = 0; t < 4; ++t)
    for (int s = 0; s < SHAPES; ++s)
      for (int b = 0; b < BATCHES; ++b) {
        const int64_t m = shapes[s][0], n = shapes[s][1], batch = batches[b], k = m < n ? m : n;
        const Array in = matrix(types[t], batch, m, n), out[] = {in, vector(types[t], batch, k)};
        PjTensor *a = random_array(&in, 0);
        if (types[t] == PJ_DT_F32 && batch > 2) // whose squares overflow; nothing to reflect
          for (int64_t i = 0; i < m * n; ++i) {
            set(a, i, (double)random_int(-1000, 1000) * 1e33);
            set(a, m * n + i, i / n == i % n);
          }
        check_routine(call("geqrf", "", 1, &in, 2, out), PJ_OP_CUSTOM_CALL, 1, &a, MATCH_NORM,
                      60 * (double)(n + 1));
        pj_tensor_release(a);
        if (n > m)
          continue;
        const Array factors[] = {in, vector(types[t], batch, n - n / 3)};
        PjTensor *inputs[] = {random_array(&factors[0], 0), random_array(&factors[1], 0)};
        check_routine(
            call(pj_dtype_is_complex(types[t]) ? "ungqr" : "orgqr", "", 2, factors, 1, &in),
            PJ_OP_CUSTOM_CALL, 2, inputs, MATCH_NORM, 60 * (double)(n + 1));
        pj_tensor_release(inputs[0]);
        pj_tensor_release(inputs[1]);
      }
}

// What a matrix holds does not change its neighbours.
static void neighbours(void **state) {
  (void)state;
  static const double bad[] = {NAN, INFINITY, -INFINITY, 0};
  const Array in = matrix(PJ_DT_F32, 16, 5, 5), out[] = {in, vector(PJ_DT_S32, 16, 5), scalar(16)};
  PjTensor *a = random_array(&in, 0), *want[3], *have[3];
  RoutineCase c;
  routine_open(call("getrf", "", 1, &in, 3, out), PJ_OP_CUSTOM_CALL, &c);
  assert_non_null(c.routine);
  assert_null(routine_run(&c, 1, false, &a, want));
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    for (int64_t j = 0; j < 25; ++j)
      set(a, 3 * 25 + j, j % 2 ? bad[i] : 1);
    assert_null(routine_run(&c, 1, false, &a, have));
    for (int64_t at = 0; at < 16; ++at)
      for (int r = 0; r < 3 && at != 3; ++r) {
        const size_t bytes = want[r]->bytes / 16, begin = (size_t)at * bytes;
        assert_memory_equal((char *)have[r]->data + begin, (char *)want[r]->data + begin, bytes);
      }
    for (int64_t k = 0; k < 5; ++k) // pivots are rows, whatever they were chosen from
      assert_in_range(((int32_t *)have[1]->data)[3 * 5 + k], k + 1, 5);
    for (int r = 0; r < 3; ++r)
      pj_tensor_release(have[r]);
  }
  for (int r = 0; r < 3; ++r)
    pj_tensor_release(want[r]);
  pj_tensor_release(a);
  routine_close(&c);
}

// Runs lapack_?|name|_ffi of mode N on one matrix: values are result 1 and lie in |have|, info is
// result |at|. The same bits for any number of threads.
static int32_t values_of(const char *name, const char *config, PjTensor *a, int count,
                         const Array *out, int at, PjTensor **have) {
  const Array in = matrix(a->dtype, 1, a->dims[1], a->dims[2]);
  PjTensor *first[5];
  RoutineCase c;
  routine_open(call(name, config, 1, &in, count, out), PJ_OP_CUSTOM_CALL, &c);
  assert_non_null(c.routine);
  assert_null(routine_run(&c, 1, false, &a, first));
  assert_null(routine_run(&c, 5, false, &a, have));
  for (int i = 0; i < count; ++i) {
    assert_memory_equal(first[i]->data, have[i]->data, have[i]->bytes);
    pj_tensor_release(first[i]);
  }
  routine_close(&c);
  return *(int32_t *)have[at]->data;
}

static void release(int count, PjTensor **tensors) {
  for (int i = 0; i < count; ++i)
    pj_tensor_release(tensors[i]);
}

// h t h, h = 1 - 2 v v^T of a |v| of length 1, for the tridiagonal t of 2 and -1, times |scale|:
// its values are known. Of |cols| >= n columns, the others zero.
static PjTensor *known(PjDtype dtype, int64_t n, int64_t cols, double scale) {
  const Array shape = matrix(dtype, 1, n, cols);
  PjTensor *t = random_array(&shape, 0);
  double length = 0;
  for (int64_t i = 0; i < n; ++i)
    length += (double)((i * 7 % 11 + 1) * (i * 7 % 11 + 1));
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < cols; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < n && j < n; ++p) {
        const double left =
            (double)(i == p) - 2 * (double)((i * 7 % 11 + 1) * (p * 7 % 11 + 1)) / length;
        for (int64_t q = p > 0 ? p - 1 : 0; q < n && q <= p + 1; ++q)
          sum += left * (p == q ? 2 : -1) *
                 ((double)(q == j) - 2 * (double)((q * 7 % 11 + 1) * (j * 7 % 11 + 1)) / length);
      }
      set(t, i * cols + j, scale * sum);
    }
  return t;
}

static void check_known(PjDtype dtype, int64_t n, double scale, bool descending,
                        const PjTensor *have) {
  const double bound = dtype == PJ_DT_F32 ? 2e-6 : 1e-14 * (double)(n + 10);
  for (int64_t k = 0; k < n; ++k) {
    const double want = 2 - 2 * cos(3.14159265358979323846 * (double)(k + 1) / (double)(n + 1)),
                 is = pj_double_decode(dtype, (const char *)have->data +
                                                  (size_t)(descending ? n - 1 - k : k) *
                                                      pj_dtype_bytes(dtype));
    assert_true(fabs(is / scale - want) <= 4 * bound);
  }
}

static void values(void **state) {
  (void)state;
  static const int64_t sizes[] = {2, 3, 15, 16, 33, 70, 200};
  for (int t = 0; t < 2; ++t)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s)
      for (int round = 0; round < 4; ++round) {
        const int64_t n = sizes[s], wide = n + round % 2 * (n / 3);
        const PjDtype dtype = types[t];
        const double scale = round < 2 ? 1 : round == 2 ? 1e-36 : 1e36;
        const Array square = matrix(dtype, 1, n, n), all = matrix(dtype, 1, n, wide);
        const Array eigen[] = {square, vector(dtype, 1, n), scalar(1)};
        const Array singular[] = {all, vector(dtype, 1, n), square, matrix(dtype, 1, n, wide),
                                  scalar(1)};
        PjTensor *a = known(dtype, n, n, scale), *b = known(dtype, n, wide, scale), *have[5];
        // Of the other triangle nothing counts.
        for (int64_t i = 0; i < n; ++i)
          for (int64_t j = 0; j < i; ++j)
            set(a, round % 2 ? j * n + i : i * n + j, 1e30);
        assert_int_equal(values_of("syevd",
                                   round % 2 ? "mode = 78 : ui8, uplo = 76 : ui8"
                                             : "mode = 78 : ui8, uplo = 85 : ui8",
                                   a, 3, eigen, 2, have),
                         0);
        check_known(dtype, n, scale, false, have[1]);
        release(3, have);
        assert_int_equal(values_of("gesdd", "mode = 78 : ui8", b, 5, singular, 4, have), 0);
        check_known(dtype, n, scale, true, have[1]);
        release(5, have);
        set(a, n, NAN);
        set(b, 1, INFINITY);
        assert_int_equal(
            values_of("syevd", "mode = 78 : ui8, uplo = 76 : ui8", a, 3, eigen, 2, have), -4);
        release(3, have);
        assert_int_equal(values_of("gesdd", "mode = 78 : ui8", b, 5, singular, 4, have), -4);
        release(5, have);
        pj_tensor_release(a);
        pj_tensor_release(b);
      }
}

static void plain_instructions(void **state) {
  pj_cpu_limit(0);
  lu(state);
  qr(state);
  neighbours(state);
  large_factors(state);
  triangular(state);
  values(state);
  pj_cpu_limit(PJ_CPU_AVX2 | PJ_CPU_F16C);
  large_factors(state);
  triangular(state);
  values(state);
  pj_cpu_limit(~0u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(large_factors),
                                     cmocka_unit_test(large_factor_info),
                                     cmocka_unit_test(values),
                                     cmocka_unit_test(lu),
                                     cmocka_unit_test(cholesky),
                                     cmocka_unit_test(triangular),
                                     cmocka_unit_test(qr),
                                     cmocka_unit_test(neighbours),
                                     cmocka_unit_test(plain_instructions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void) {
  return 0;
}
#endif

// fft against the sum in its definition, in long double: all kinds, lengths of every sort of
// factor, one to three dimensions; long lengths by going there and back.
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/float.h"
#include "evaluate.h"

typedef struct Pair {
  long double re, im;
} Pair;

typedef enum Kind { FFT, IFFT, RFFT, IRFFT } Kind;
static const char *const names[] = {"FFT", "IFFT", "RFFT", "IRFFT"};

static PjTensor *fft(Kind kind, PjTensor *in, PjDtype dtype, int32_t rank, const int64_t *dims,
                     int32_t count, const int64_t *lengths) {
  PjTensor *out;
  text_start();
  text_add("func.func @main(%%a: ");
  text_type(in->dtype, rank, in->dims);
  text_add(") -> ");
  text_type(dtype, rank, dims);
  text_add(" {\n%%r = stablehlo.fft %%a, type = %s, length = [", names[kind]);
  text_list(count, lengths);
  text_add("] : (");
  text_type(in->dtype, rank, in->dims);
  text_add(") -> ");
  text_type(dtype, rank, dims);
  text_add("\nreturn %%r : ");
  text_type(dtype, rank, dims);
  text_add("\n}\n");
  evaluate_ok(text_get(), 1, &in, 1, &out);
  return out;
}

static PjTensor *random_numbers(PjDtype dtype, int32_t rank, const int64_t *dims) {
  PjTensor *t = make_tensor(dtype, rank, dims, NULL);
  const bool wide = pj_dtype_part(dtype) == PJ_DT_F64;
  const int64_t count = pj_dtype_is_complex(dtype) ? 2 * t->count : t->count;
  for (int64_t i = 0; i < count; ++i) {
    const double value = (double)random_int(-1000000, 1000000) / 1e6;
    if (wide)
      ((double *)t->data)[i] = value;
    else
      ((float *)t->data)[i] = (float)value;
  }
  return t;
}

static Pair get(const PjTensor *t, int64_t i) {
  const bool wide = pj_dtype_part(t->dtype) == PJ_DT_F64, complex = pj_dtype_is_complex(t->dtype);
  const int64_t at = complex ? 2 * i : i;
  const double re = wide ? ((double *)t->data)[at] : ((float *)t->data)[at];
  const double im = !complex ? 0 : wide ? ((double *)t->data)[at + 1] : ((float *)t->data)[at + 1];
  return (Pair){re, im};
}

// Transforms dimension |axis| of |data| by the definition.
static void transform(Pair *data, int32_t rank, const int64_t *dims, int32_t axis, bool inverse) {
  const int64_t n = dims[axis], inner = product(rank - axis - 1, dims + axis + 1),
                outer = product(axis, dims);
  Pair *line = malloc((size_t)n * sizeof *line);
  for (int64_t o = 0; o < outer * inner; ++o) {
    Pair *at = data + o / inner * n * inner + o % inner;
    for (int64_t k = 0; k < n; ++k) {
      Pair sum = {0, 0};
      for (int64_t j = 0; j < n; ++j) {
        const long double angle = (inverse ? 2 : -2) * 3.14159265358979323846264338327950288L *
                                  (long double)(j * k % n) / (long double)n;
        const Pair x = at[j * inner];
        sum.re += x.re * cosl(angle) - x.im * sinl(angle);
        sum.im += x.re * sinl(angle) + x.im * cosl(angle);
      }
      line[k] = inverse ? (Pair){sum.re / (long double)n, sum.im / (long double)n} : sum;
    }
    for (int64_t k = 0; k < n; ++k)
      at[k * inner] = line[k];
  }
  free(line);
}

// Checks one transform of |lengths| with a batch dimension of 2 before them.
static void check(Kind kind, bool wide, int32_t count, const int64_t *lengths) {
  const int32_t rank = count + 1;
  const PjDtype real = wide ? PJ_DT_F64 : PJ_DT_F32, complex = wide ? PJ_DT_C128 : PJ_DT_C64;
  const int64_t n = lengths[count - 1], half = n / 2 + 1;
  int64_t full[4] = {2}, in_dims[4], out_dims[4];
  for (int32_t d = 0; d < count; ++d)
    full[1 + d] = lengths[d];
  memcpy(in_dims, full, sizeof full);
  memcpy(out_dims, full, sizeof full);
  if (kind == IRFFT)
    in_dims[count] = half;
  if (kind == RFFT)
    out_dims[count] = half;
  PjTensor *in = random_numbers(kind == RFFT ? real : complex, rank, in_dims);
  PjTensor *out = fft(kind, in, kind == IRFFT ? real : complex, rank, out_dims, count, lengths);
  const bool inverse = kind == IFFT || kind == IRFFT;

  Pair *data = calloc((size_t)product(rank, full), sizeof *data);
  if (kind == IRFFT) {
    // The outer dimensions, then the missing half of each line, then the last dimension.
    for (int64_t i = 0; i < in->count; ++i)
      data[i] = get(in, i);
    for (int32_t axis = 1; axis < count; ++axis)
      transform(data, rank, in_dims, axis, true);
    for (int64_t line = product(count, full) - 1; line >= 0; --line) {
      Pair row[64];
      memcpy(row, data + line * half, (size_t)half * sizeof *row);
      row[0].im = 0;
      if (n % 2 == 0)
        row[half - 1].im = 0;
      for (int64_t k = half; k < n; ++k)
        row[k] = (Pair){row[n - k].re, -row[n - k].im};
      memcpy(data + line * n, row, (size_t)n * sizeof *row);
    }
    transform(data, rank, full, count, true);
  } else {
    for (int64_t i = 0; i < in->count; ++i)
      data[i] = get(in, i);
    for (int32_t axis = 1; axis <= count; ++axis)
      transform(data, rank, full, axis, inverse);
  }
  const long double limit =
      (wide ? 1e-15L : 1e-7L) * (inverse ? 4 : 8 * sqrtl((long double)product(count, lengths)));
  for (int64_t i = 0; i < out->count; ++i) {
    const int64_t at = i / out_dims[count] * full[count] + i % out_dims[count];
    const Pair have = get(out, i);
    assert_true(fabsl(have.re - data[at].re) <= limit);
    if (kind != IRFFT)
      assert_true(fabsl(have.im - data[at].im) <= limit);
  }
  free(data);
  pj_tensor_release(in);
  pj_tensor_release(out);
}

static void test_lengths(void **state) {
  static const int64_t lengths[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 15, 16, 17,
                                    20, 21, 25, 27, 29, 30, 31, 32, 36, 37, 41, 47, 49, 60, 62, 64};
  (void)state;
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i)
    for (Kind kind = FFT; kind <= IRFFT; ++kind)
      check(kind, i % 2 || kind == FFT, 1, &lengths[i]);
}

static void test_dimensions(void **state) {
  static const int64_t boxes[][3] = {{3, 4, 5}, {2, 7, 8}, {1, 3, 6}, {5, 1, 2}};
  (void)state;
  for (size_t i = 0; i < sizeof boxes / sizeof *boxes; ++i)
    for (Kind kind = FFT; kind <= IRFFT; ++kind)
      for (int32_t count = 2; count <= 3; ++count)
        check(kind, i % 2, count, boxes[i]);
}

static void test_long(void **state) {
  static const int64_t lengths[] = {1 << 16, 3 * 5 * 7 * 11 * 13, 10007, 2 * 5003, 59049};
  (void)state;
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
    PjTensor *in = random_numbers(PJ_DT_C128, 1, &lengths[i]);
    PjTensor *there = fft(FFT, in, PJ_DT_C128, 1, &lengths[i], 1, &lengths[i]);
    PjTensor *back = fft(IFFT, there, PJ_DT_C128, 1, &lengths[i], 1, &lengths[i]);
    for (int64_t j = 0; j < lengths[i]; ++j) {
      assert_true(fabsl(get(back, j).re - get(in, j).re) < 2e-14L);
      assert_true(fabsl(get(back, j).im - get(in, j).im) < 2e-14L);
    }
    pj_tensor_release(in);
    pj_tensor_release(there);
    pj_tensor_release(back);
  }
}

static void test_empty(void **state) {
  static const int64_t dims[2] = {0, 4}, half[2] = {0, 3}, length[1] = {4};
  (void)state;
  PjTensor *in = make_tensor(PJ_DT_F32, 2, dims, NULL),
           *out = fft(RFFT, in, PJ_DT_C64, 2, half, 1, length);
  assert_int_equal(out->count, 0);
  pj_tensor_release(in);
  pj_tensor_release(out);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_dimensions),
      cmocka_unit_test(test_long),
      cmocka_unit_test(test_empty),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// fft by routine and by evaluator: every kind, many lengths, one to three dimensions.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "routine_support.h"

static void check(const char *kind, bool wide, int32_t rank, const int64_t *dims, int32_t count) {
  // |dims| are those of the longer side; of the real transforms' complex side the last is halved.
  const bool real_in = kind[0] == 'R', real_out = kind[0] == 'I' && kind[1] == 'R';
  int64_t in[4], out[4], n = 1;
  for (int32_t d = 0; d < rank; ++d)
    in[d] = out[d] = dims[d];
  for (int32_t d = rank - count; d < rank; ++d)
    n *= dims[d];
  if (real_in && dims[rank - 1])
    out[rank - 1] = dims[rank - 1] / 2 + 1;
  if (real_out && dims[rank - 1])
    in[rank - 1] = dims[rank - 1] / 2 + 1;
  const PjDtype real = wide ? PJ_DT_F64 : PJ_DT_F32, complex = wide ? PJ_DT_C128 : PJ_DT_C64;
  const PjDtype from = real_in ? real : complex, to = real_out ? real : complex;
  text_start();
  text_add("func.func @main(%%x: ");
  text_type(from, rank, in);
  text_add(") -> ");
  text_type(to, rank, out);
  text_add(" {\n  %%r = \"stablehlo.fft\"(%%x) <{fft_type = #stablehlo<fft_type %s>, fft_length = "
           "array<i64: ",
           kind);
  text_list(count, dims + rank - count);
  text_add(">}> : (");
  text_type(from, rank, in);
  text_add(") -> ");
  text_type(to, rank, out);
  text_add("\n  return %%r : ");
  text_type(to, rank, out);
  text_add("\n}\n");
  PjTensor *x = random_tensor(from, rank, in, false);
  check_routine(text_get(), PJ_OP_FFT, 1, &x, MATCH_NORM, 8 * (log2((double)n + 1) + 1));
  pj_tensor_release(x);
}

static const char *const kinds[] = {"FFT", "IFFT", "RFFT", "IRFFT"};

static void lengths(void **state) {
  (void)state;
  static const int64_t list[] = {1,  2,   3,   4,   5,   6,   7,    8,    9,   11,
                                 12, 15,  16,  25,  30,  31,  32,   37,   60,  64,
                                 97, 100, 128, 194, 243, 256, 1000, 1155, 1024};
  for (size_t i = 0; i < sizeof list / sizeof *list; ++i)
    for (int k = 0; k < 4; ++k)
      for (int lines = 1; lines < 20; lines += 6) {
        const int64_t dims[] = {lines, list[i]};
        check(kinds[k], (i + (size_t)lines) % 2, 2, dims, 1);
      }
}

static void dimensions(void **state) {
  (void)state;
  for (int round = 0; round < 120; ++round) {
    const int32_t rank = (int32_t)random_int(1, 4),
                  count = (int32_t)random_int(1, rank < 3 ? rank : 3);
    int64_t dims[4];
    for (int32_t d = 0; d < rank; ++d)
      dims[d] = random_int(1, 12);
    if (round % 20 == 0 && rank > count)
      dims[0] = 0;
    check(kinds[round % 4], round % 3 == 0, rank, dims, count);
  }
}

// Lines that are computed as two dimensions.
static void long_lines(void **state) {
  (void)state;
  static const int64_t shapes[][2] = {
      {1, 2048}, {1, 3000},  {2, 4096}, {1, 65536}, {9, 32768}, {1, 100000}, {1, 1031}, {3, 577},
      {2, 1013}, {1, 10007}, {1, 2062}, {1, 195},   {4, 360},   {3, 509},    {2, 193},  {4, 400}};
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; ++i)
    for (int k = 0; k < 4; ++k)
      check(kinds[k], i % 2, 2, shapes[i], 1);
  static const int64_t plane[] = {2100, 33};
  check("FFT", false, 2, plane, 2);
  static const int64_t column[] = {2048, 1};
  for (int k = 0; k < 4; ++k)
    check(kinds[k], false, 2, column, 2);
}

static void plain_instructions(void **state) {
  pj_cpu_limit(0);
  lengths(state);
  long_lines(state);
  pj_cpu_limit(~0u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(lengths), cmocka_unit_test(dimensions),
                                     cmocka_unit_test(long_lines),
                                     cmocka_unit_test(plain_instructions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

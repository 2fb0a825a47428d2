// cholesky, triangular_solve and rng_bit_generator by routine and by evaluator.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "eval/float.h"
#include "routine_support.h"

static const PjDtype types[] = {PJ_DT_F32, PJ_DT_F64, PJ_DT_C64, PJ_DT_C128};

// A matrix with a large diagonal; some negative, so that it has no factor.
static PjTensor *square_tensor(PjDtype dtype, const int64_t *dims, int32_t rank, bool bad) {
  PjTensor *tensor = random_tensor(dtype, rank, dims, false);
  const PjDtype part = pj_dtype_part(dtype);
  const int64_t n = dims[rank - 1], per = pj_dtype_is_complex(dtype) ? 2 : 1;
  const size_t elem = pj_dtype_bytes(part);
  for (int64_t i = 0; n && i < tensor->count / n; ++i) {
    char *at = (char *)tensor->data + (size_t)((i * n + i % n) * per) * elem;
    pj_double_encode(
        part, (double)n * 4 + (double)random_int(1, 9) - (bad && !random_int(0, 5) ? 1000 : 0), at);
    if (per == 2)
      pj_double_encode(part, 0, at + elem);
  }
  return tensor;
}

static void check_cholesky(PjDtype dtype, int64_t batch, int64_t n, bool lower) {
  const int64_t dims[] = {batch, n, n};
  text_start();
  for (int part = 0; part < 4; ++part) {
    static const char *const before[] = {
        "func.func @main(%a: ", ") -> ",
        " {\n  %r = \"stablehlo.cholesky\"(%a) <{lower = ", ") -> "};
    text_add("%s", before[part]);
    if (part == 2)
      text_add("%s}> : (", lower ? "true" : "false");
    text_type(dtype, 3, dims);
  }
  text_add("\n  return %%r : ");
  text_type(dtype, 3, dims);
  text_add("\n}\n");
  PjTensor *a = square_tensor(dtype, dims, 3, n % 2);
  check_routine(text_get(), PJ_OP_CHOLESKY, 1, &a, MATCH_BITS, 0);
  pj_tensor_release(a);
}

static void cholesky(void **state) {
  (void)state;
  static const int64_t sizes[] = {0, 1, 2, 3, 4, 7, 16, 17, 32, 33, 70};
  for (size_t t = 0; t < 4; ++t)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
      for (int round = 0; round < 4; ++round)
        check_cholesky(types[t],
                       round < 2       ? 1 + round
                       : sizes[i] > 16 ? 3
                                       : 21,
                       sizes[i], round % 2);
}

static void check_solve(PjDtype dtype, int64_t batch, int64_t n, int64_t m, bool left, bool lower,
                        bool unit, const char *form) {
  const int64_t a[] = {batch, n, n}, b[] = {batch, left ? n : m, left ? m : n};
  text_start();
  text_add("func.func @main(%%a: ");
  text_type(dtype, 3, a);
  text_add(", %%b: ");
  text_type(dtype, 3, b);
  text_add(") -> ");
  text_type(dtype, 3, b);
  text_add(" {\n  %%r = \"stablehlo.triangular_solve\"(%%a, %%b) <{left_side = %s, lower = %s, "
           "unit_diagonal = %s, "
           "transpose_a = #stablehlo<transpose %s>}> : (",
           left ? "true" : "false", lower ? "true" : "false", unit ? "true" : "false", form);
  text_type(dtype, 3, a);
  text_add(", ");
  text_type(dtype, 3, b);
  text_add(") -> ");
  text_type(dtype, 3, b);
  text_add("\n  return %%r : ");
  text_type(dtype, 3, b);
  text_add("\n}\n");
  PjTensor *inputs[] = {square_tensor(dtype, a, 3, false), random_tensor(dtype, 3, b, false)};
  check_routine(text_get(), PJ_OP_TRIANGULAR_SOLVE, 2, inputs, MATCH_BITS, 0);
  for (int i = 0; i < 2; ++i)
    pj_tensor_release(inputs[i]);
}

static void solve(void **state) {
  (void)state;
  static const char *const forms[] = {"NO_TRANSPOSE", "TRANSPOSE", "ADJOINT"};
  static const int64_t sizes[][3] = {{1, 5, 3},   {20, 3, 1},  {9, 4, 6},   {2, 40, 35},
                                     {1, 1, 1},   {0, 2, 2},   {3, 0, 2},   {5, 16, 16},
                                     {1, 8, 300}, {3, 7, 131}, {2, 32, 64}, {1, 1, 40}};
  for (size_t t = 0; t < 4; ++t)
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i)
      for (int round = 0; round < 24; ++round)
        check_solve(types[t], sizes[i][0], sizes[i][1], sizes[i][2], round & 1, round & 2,
                    round & 4, forms[round / 8]);
}

static void random_bits(void **state) {
  (void)state;
  static const PjDtype outs[] = {PJ_DT_U32, PJ_DT_U64, PJ_DT_S8, PJ_DT_U16,
                                 PJ_DT_S4,  PJ_DT_F32, PJ_DT_U2};
  static const int64_t shapes[][3] = {{1, 1, 1},    {3, 5, 7}, {4, 5, 6},   {1, 600, 3},
                                      {5000, 1, 1}, {3, 0, 2}, {7, 7, 501}, {33, 2, 40}};
  for (size_t t = 0; t < sizeof outs / sizeof *outs; ++t)
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; ++s)
      for (int kind = 0; kind < 3; ++kind) {
        const int size = kind == 2 ? 3 : 2;
        text_start();
        text_add("func.func @main(%%s: tensor<%dxui64>) -> (tensor<%dxui64>, ", size, size);
        text_type(outs[t], 3, shapes[s]);
        text_add(") {\n  %%r:2 = \"stablehlo.rng_bit_generator\"(%%s) <{rng_algorithm = "
                 "#stablehlo<rng_algorithm %s>}> : "
                 "(tensor<%dxui64>) -> (tensor<%dxui64>, ",
                 kind ? "PHILOX" : "THREE_FRY", size, size);
        text_type(outs[t], 3, shapes[s]);
        text_add(")\n  return %%r#0, %%r#1 : tensor<%dxui64>, ", size);
        text_type(outs[t], 3, shapes[s]);
        text_add("\n}\n");
        // Counters that carry into their upper halves.
        const uint64_t seed[] = {0x123456789ABCDEF0u, s % 2 ? UINT64_MAX - 5 : 0xFFFFFFF0u,
                                 UINT64_MAX};
        const int64_t dims[] = {size};
        PjTensor *x = make_tensor(PJ_DT_U64, 1, dims, seed);
        check_routine(text_get(), PJ_OP_RNG_BIT_GENERATOR, 1, &x, MATCH_BITS, 0);
        pj_tensor_release(x);
      }
}

static void plain_instructions(void **state) {
  pj_cpu_limit(0);
  cholesky(state);
  random_bits(state);
  pj_cpu_limit(~0u);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(cholesky), cmocka_unit_test(solve),
                                     cmocka_unit_test(random_bits),
                                     cmocka_unit_test(plain_instructions)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// Matrix products: every way of computing them against the definition, summed in double (integers:
// exactly).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/gemm.h"

#define TYPES ((PjComp)6)

static uint64_t random_state = 88172645463325252u;
static uint64_t random_bits(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}
static double random_unit(void) {
  return (double)(int64_t)random_bits() * 0x1p-63;
}

static void fill(PjComp comp, int64_t count, void *data) {
  for (int64_t i = 0; i < count; ++i) {
    switch (comp) {
    case PJ_COMP_F32:
      ((float *)data)[i] = (float)random_unit();
      break;
    case PJ_COMP_F64:
      ((double *)data)[i] = random_unit();
      break;
    case PJ_COMP_U32:
      ((uint32_t *)data)[i] = (uint32_t)random_bits();
      break;
    case PJ_COMP_U64:
      ((uint64_t *)data)[i] = random_bits();
      break;
    case PJ_COMP_C64:
      ((float *)data)[2 * i] = (float)random_unit();
      ((float *)data)[2 * i + 1] = (float)random_unit();
      break;
    case PJ_COMP_C128:
      ((double *)data)[2 * i] = random_unit();
      ((double *)data)[2 * i + 1] = random_unit();
      break;
    }
  }
}

// Element |i| as real and imaginary part.
static void get(PjComp comp, const void *data, int64_t i, double *re, double *im) {
  *im = 0;
  switch (comp) {
  case PJ_COMP_F32:
    *re = ((const float *)data)[i];
    return;
  case PJ_COMP_F64:
    *re = ((const double *)data)[i];
    return;
  case PJ_COMP_C64:
    *re = ((const float *)data)[2 * i];
    *im = ((const float *)data)[2 * i + 1];
    return;
  case PJ_COMP_C128:
    *re = ((const double *)data)[2 * i];
    *im = ((const double *)data)[2 * i + 1];
    return;
  default:
    *re = 0;
  }
}

static uint64_t get_int(PjComp comp, const void *data, int64_t i) {
  return comp == PJ_COMP_U32 ? ((const uint32_t *)data)[i] : ((const uint64_t *)data)[i];
}

// Checks g->c; elements beside the columns of c must be as they were (bytes of 0x5A).
static void check(const PjGemm *g) {
  const size_t bytes = pj_comp_bytes(g->comp);
  for (int64_t i = 0; i < g->m; ++i) {
    for (int64_t j = 0; j < g->c_row; ++j) {
      const int64_t at = i * g->c_row + j;
      if (j >= g->n) {
        if (i == g->m - 1)
          break;
        for (size_t q = 0; q < bytes; ++q)
          assert_int_equal(((unsigned char *)g->c)[(size_t)at * bytes + q], 0x5A);
        continue;
      }
      if (g->comp == PJ_COMP_U32 || g->comp == PJ_COMP_U64) {
        uint64_t sum = 0;
        for (int64_t p = 0; p < g->k; ++p)
          sum += get_int(g->comp, g->a, i * g->a_row + p * g->a_col) *
                 get_int(g->comp, g->b, p * g->b_row + j * g->b_col);
        if (g->comp == PJ_COMP_U32)
          sum = (uint32_t)sum;
        assert_true(sum == get_int(g->comp, g->c, at));
        continue;
      }
      long double re = 0, im = 0;
      double size = 0, ar, ai, br, bi, cr, ci;
      for (int64_t p = 0; p < g->k; ++p) {
        get(g->comp, g->a, i * g->a_row + p * g->a_col, &ar, &ai);
        get(g->comp, g->b, p * g->b_row + j * g->b_col, &br, &bi);
        re += (long double)ar * br - (long double)ai * bi;
        im += (long double)ar * bi + (long double)ai * br;
        size += (fabs(ar) + fabs(ai)) * (fabs(br) + fabs(bi));
      }
      get(g->comp, g->c, at, &cr, &ci);
      const bool narrow = g->comp == PJ_COMP_F32 || g->comp == PJ_COMP_C64;
      // n products summed in any order are off by no more than n roundings of the sum of their
      // sizes (Higham, Accuracy and Stability, 3.1); a complex element has 2 k of them.
      const double limit = (narrow ? 0x1p-24 : 0x1p-53) * (double)(2 * g->k + 1) * size;
      assert_true(fabsl(cr - re) <= limit);
      assert_true(fabsl(ci - im) <= limit);
    }
  }
}

typedef enum Way { CHOSEN, DIRECT, BLOCKED, BLAS, WAYS } Way;

static void run(PjComp comp, int64_t m, int64_t n, int64_t k, bool a_transposed, bool b_transposed,
                int64_t pad) {
  const size_t bytes = pj_comp_bytes(comp);
  const int64_t a_count = (m + pad) * (k + pad) + 1, b_count = (n + pad) * (k + pad) + 1;
  void *a = malloc((size_t)a_count * bytes), *b = malloc((size_t)b_count * bytes);
  PjGemm g = {.comp = comp, .m = m, .n = n, .k = k, .a = a, .b = b, .c_row = n + pad};
  fill(comp, a_count, a);
  fill(comp, b_count, b);
  g.a_row = a_transposed ? 1 : k + pad;
  g.a_col = a_transposed ? m + pad : 1;
  g.b_row = b_transposed ? 1 : n + pad;
  g.b_col = b_transposed ? k + pad : 1;
  const size_t c_bytes = (size_t)(m * g.c_row + 1) * bytes;
  g.c = malloc(c_bytes);
  for (Way way = 0; way < WAYS; ++way) {
    memset(g.c, 0x5A, c_bytes);
    const size_t size = way == CHOSEN    ? pj_gemm_scratch(&g)
                        : way == BLOCKED ? pj_gemm_blocked_scratch(&g)
                                         : 0;
    void *scratch = aligned_alloc(64, (size + 64) / 64 * 64);
    bool done = true;
    switch (way) {
    case CHOSEN:
      pj_gemm(&g, scratch);
      break;
    case DIRECT:
      pj_gemm_direct(&g);
      break;
    case BLOCKED:
      pj_gemm_blocked(&g, scratch);
      break;
    default:
      done = pj_gemm_blas(&g);
      break;
    }
    if (done)
      check(&g);
    free(scratch);
  }
  free(a);
  free(b);
  free(g.c);
}

static void test_sizes(void **state) {
  static const int64_t sizes[][3] = {{1, 1, 1},     {3, 5, 7},     {1, 40, 30}, {40, 1, 30},
                                     {40, 30, 1},   {0, 3, 4},     {3, 0, 4},   {3, 4, 0},
                                     {17, 33, 300}, {150, 20, 10}, {7, 70, 9},  {13, 9, 1030}};
  (void)state;
  for (PjComp comp = 0; comp < TYPES; ++comp)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; ++s)
      for (int form = 0; form < 8; ++form)
        run(comp, sizes[s][0], sizes[s][1], sizes[s][2], form & 1, form & 2, form & 4 ? 3 : 0);
}

// More than one block in each direction.
static void test_blocks(void **state) {
  (void)state;
  for (PjComp comp = 0; comp < TYPES; ++comp) {
    run(comp, 150, 40, 260, false, true, 0);
    run(comp, 5, 1100, 3, true, false, 0);
  }
}

// A stride of 0 repeats an operand; strides of neither 1 suit no library.
static void test_strides(void **state) {
  float a[64], b[64], c[16];
  char scratch[1 << 16] __attribute__((aligned(64)));
  (void)state;
  fill(PJ_COMP_F32, 64, a);
  fill(PJ_COMP_F32, 64, b);
  PjGemm g = {PJ_COMP_F32, 4, 4, 4, a, 12, 3, b, 0, 2, c, 4};
  pj_gemm(&g, scratch);
  check(&g);
  assert_true(pj_gemm_blocked_scratch(&g) <= sizeof scratch);
  pj_gemm_blocked(&g, scratch);
  check(&g);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_blocks),
      cmocka_unit_test(test_strides),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// Divisions by known numbers that become products (kernel/kir_divide.c): the same bits, and only
// where nothing can go wrong.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit_support.h"
#include "kernel/elem.h"
#include "kernel/kir_build.h"
#include "kernel/kir_range.h"

enum { LANES = 8, TOP = 1 << 23, MASK = (1 << 22) - 1 };

// What the number theory says against all quotients of a binade.
static void all_quotients(void **state) {
  (void)state;
  // The least divisor for which it fails, one that ends in zeros, and everyday ones.
  static const uint32_t divisors[] = {10420791, TOP + 1,  2 * TOP - 1, TOP + 2,
                                      TOP + 4,  3u << 22, 255u << 16,  14763950};
  for (size_t i = 0; i < sizeof divisors / sizeof *divisors; i++) {
    float c = (float)divisors[i], high = 1 / c, low = fmaf(-high, c, 1) / c;
    uint32_t wrong = 0;
    for (uint32_t x = TOP; x < 2 * TOP; x++)
      wrong += fmaf((float)x, high, (float)x * low) != (float)x / c;
    assert_int_equal(pj_kir__products_divide(divisors[i]), wrong == 0);
    assert_int_equal(wrong == 0, i != 0);
  }
}

typedef enum Source { BYTES, FLOATS, SHIFTED, NEGATED, DOUBLED } Source;

typedef struct Case {
  Source source;
  float divisor;
  bool as_param, divides; // it is known of a parameter; the function still divides vectors
  int vector_divisions;
} Case;

// out[i] = in[i] / divisor, of bytes in floats, or of what is computed from them.
static void build(PjKir *k, void *context) {
  Case *c = context;
  PjKirType f = PJ_KIR_T(F32, LANES);
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, LANES), 0, NULL, NULL);
  PjKirVal x = pj_kir_load(k, c->source == FLOATS ? f : PJ_KIR_T(I8, LANES), pj_kir_buffer(k, 0), i,
                           0, true);
  if (c->source != FLOATS)
    x = pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F32, pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I32, x));
  if (c->source == SHIFTED) // about 0, never -0
    x = pj_kir_fsub(k, pj_kir_fdiv(k, x, pj_kir_float(k, f, 100)), pj_kir_float(k, f, 0.45));
  if (c->source == NEGATED) // -0
    x = pj_kir_1(k, PJ_KIR_FNEG, x);
  PjKirVal divisor = pj_kir_float(k, PJ_KIR_T(F32, 1), c->divisor);
  if (c->as_param) {
    uint32_t bits;
    memcpy(&bits, &c->divisor, 4);
    divisor = pj_kir_param(k, PJ_KIR_T(F32, 1), 0);
    pj_kir_assume_bits(k, divisor, bits);
  }
  x = pj_kir_fdiv(k, x, divisor);
  if (c->source == DOUBLED) // the quotient's own range
    x = pj_kir_fdiv(k, pj_kir_fadd(k, x, x), divisor);
  pj_kir_store(k, x, pj_kir_buffer(k, 1), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_finish(k);
  c->vector_divisions = 0;
  for (PjKirVal v = 1; v < k->insts.len; v++)
    c->vector_divisions += pj_kir_inst(k, v)->op == PJ_KIR_FDIV && pj_kir_typeof(k, v).lanes > 1;
}

static float expected(const Case *c, uint8_t byte, float number) {
  float x = c->source == FLOATS ? number : (float)byte;
  if (c->source == SHIFTED)
    x = x / 100 - 0.45f;
  if (c->source == NEGATED)
    x = -x;
  x /= c->divisor;
  return c->source == DOUBLED ? (x + x) / c->divisor : x;
}

static void same_bits(void **state) {
  (void)state;
  static const Case cases[] = {
      {BYTES, 255, false, false, 0},
      {BYTES, 255, true, false, 0},
      {BYTES, 0.229f, true, false, 0},
      {SHIFTED, 0.22f, true, false, 0},
      {DOUBLED, 3, true, false, 0},
      {BYTES, 10420791, true, false, 0}, // beyond the sizes that are taken
      {BYTES, 10420791 / 0x1p10f, true, true, 0},
      {BYTES, -255, true, true, 0},
      {NEGATED, 255, true, true, 0},
      {FLOATS, 255, true, true, 0},
      {BYTES, 0, true, true, 0},
      {BYTES, NAN, true, true, 0},
      {BYTES, 0x1p-130f, true, true, 0},
  };
  PjIsa isas[PJ_ISA_COUNT];
  uint32_t n = test_isas(isas);
  for (uint32_t a = 0; a < n; a++)
    for (size_t t = 0; t < sizeof cases / sizeof *cases; t++) {
      Case c = cases[t];
      PjJitCode *code = test_compile(isas[a], "divide", build, &c);
      if (isas[a] != PJ_ISA_SSE && c.divisor != 10420791)
        assert_int_equal(c.vector_divisions != 0, c.divides);
      uint8_t bytes[256];
      float numbers[256], out[256];
      for (int i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
        numbers[i] = ldexpf((float)(i - 128), i - 140);
      }
      uint64_t params[1] = {0};
      memcpy(params, &c.divisor, 4);
      void *buffers[] = {c.source == FLOATS ? (void *)numbers : bytes, out};
      pj_jit_entry(code)(buffers, params, 0, 256, NULL);
      for (int i = 0; i < 256; i++) {
        float want = expected(&c, bytes[i], numbers[i]);
        if (isnan(want))
          assert_true(isnan(out[i]));
        else
          assert_memory_equal(&out[i], &want, 4);
      }
      pj_jit_release(code);
    }
}

// Ranges of what is computed from bytes, against all of them.
static void build_ranges(PjKir *k, void *context) {
  (void)context;
  PjKirVal byte =
      pj_kir_load(k, PJ_KIR_T(I8, LANES), pj_kir_buffer(k, 0), pj_kir_begin(k), 0, true);
  PjKirVal n = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I32, byte), i = pj_kir_begin(k);
  PjKirType t = PJ_KIR_T(I32, LANES);
  PjKirRange r = pj_kir_range(k, n);
  assert_true(r.known && r.lo == 0 && r.hi == 255);
  r = pj_kir_range(k, byte);
  assert_true(r.lo == -128 && r.hi == 127);
  r = pj_kir_range(k, pj_kir_sub(k, pj_kir_const(k, t, 7), n));
  assert_true(r.lo == -248 && r.hi == 7);
  r = pj_kir_range(k, pj_kir_mul(k, pj_kir_sub(k, n, pj_kir_const(k, t, 10)), n));
  assert_true(r.lo == -2550 && r.hi == 245 * 255);
  r = pj_kir_range(
      k, pj_kir_and(k, pj_kir_load(k, t, pj_kir_buffer(k, 1), i, 0, true), pj_kir_const(k, t, 15)));
  assert_true(r.lo == 0 && r.hi == 15);
  // What may wrap around may be anything.
  PjKirVal large = pj_kir_mul(k, n, pj_kir_const(k, t, 1 << 24));
  assert_int_equal(pj_kir_range(k, large).lo, INT32_MIN);
  pj_kir_assume(k, i, 0, 1000);
  r = pj_kir_range(k,
                   pj_kir_add(k, pj_kir_splat(k, i, LANES), pj_kir_iota(k, PJ_KIR_T(I64, LANES))));
  assert_true(r.lo == 0 && r.hi == 1000 + LANES - 1);
  PjKirVal x = pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F32, n);
  r = pj_kir_range(k, pj_kir_fma(k, x, pj_kir_float(k, PJ_KIR_T(F32, LANES), -0.5),
                                 pj_kir_float(k, PJ_KIR_T(F32, LANES), 3)));
  assert_true(r.known && r.low <= -124.5 && r.low > -124.6 && r.high >= 3 && r.high < 3.1 &&
              r.grid == -1 && r.no_minus_zero);
  r = pj_kir_range(k, pj_kir_fmul(k, x, pj_kir_float(k, PJ_KIR_T(F32, LANES), -2)));
  assert_true(r.known && r.low == -510 && r.grid == 1 && !r.no_minus_zero);
  // Numbers that overflow, and those of memory.
  PjKirVal huge = pj_kir_fmul(k, x, pj_kir_float(k, PJ_KIR_T(F32, LANES), 0x1p120));
  assert_false(pj_kir_range(k, huge).known);
  assert_false(
      pj_kir_range(k, pj_kir_load(k, PJ_KIR_T(F32, LANES), pj_kir_buffer(k, 1), i, 0, true)).known);
}

// Quotients and remainders of integers of 22 bits, which are computed in f32.
typedef struct Whole {
  int32_t divisor, least;
  bool in_f32;
} Whole;

static void build_whole(PjKir *k, void *context) {
  Whole *w = context;
  PjKirType t = PJ_KIR_T(I32, LANES);
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, LANES), 0, NULL, NULL);
  PjKirVal x = pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, true);
  x = pj_kir_add(k, pj_kir_and(k, x, pj_kir_const(k, t, MASK)),
                 pj_kir_const(k, t, (uint32_t)w->least));
  PjElem args[2] = {{x, 0}, {pj_kir_const(k, PJ_KIR_T(I32, 1), (uint32_t)w->divisor), 0}};
  pj_kir_store(k, pj_elem_apply_kind(k, PJ_OP_DIVIDE, PJ_DT_S32, PJ_DT_S32, args).re,
               pj_kir_buffer(k, 1), i, 0);
  pj_kir_store(k, pj_elem_apply_kind(k, PJ_OP_REMAINDER, PJ_DT_S32, PJ_DT_S32, args).re,
               pj_kir_buffer(k, 2), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_finish(k);
  w->in_f32 = true;
  for (PjKirVal v = 1; v < k->insts.len; v++) // other ways are by doubles or high halves
    w->in_f32 &= pj_kir_typeof(k, v).elem != PJ_KIR_F64 && pj_kir_inst(k, v)->op != PJ_KIR_UMULH;
}

static void whole_numbers(void **state) {
  (void)state;
  static const Whole cases[] = {{977, 0, true},         {3, 0, true},         {7, -MASK / 2, true},
                                {MASK, 0, true},        {MASK - 1, -1, true}, {3, -MASK, true},
                                {977, 2, false},        {-3, 0, false},       {MASK + 3, 0, false},
                                {977, -MASK - 1, false}};
  enum { N = 1 << 16 };
  int32_t *in = malloc(N * sizeof *in), *quotients = malloc(N * sizeof *in),
          *rests = malloc(N * sizeof *in);
  assert_true(in && quotients && rests);
  PjIsa isas[PJ_ISA_COUNT];
  uint32_t n = test_isas(isas);
  for (uint32_t a = 0; a < n; a++)
    for (size_t t = 0; t < sizeof cases / sizeof *cases; t++) {
      Whole w = cases[t];
      PjJitCode *code = test_compile(isas[a], "whole", build_whole, &w);
      assert_int_equal(w.in_f32, cases[t].in_f32);
      // Next to multiples of the divisor, from both ends.
      for (int64_t i = 0; i < N; i++) {
        int64_t multiple = i / 8 * 8191 % MASK / w.divisor * w.divisor + i % 8 - 4 - w.least;
        in[i] = (int32_t)(multiple < 0 ? 0 : multiple > MASK ? MASK : multiple);
      }
      void *buffers[] = {in, quotients, rests};
      pj_jit_entry(code)(buffers, NULL, 0, N, NULL);
      for (int i = 0; i < N; i++) {
        int32_t x = in[i] + w.least;
        if (quotients[i] != x / w.divisor || rests[i] != x % w.divisor)
          fail_msg("%d by %d: %d, %d", x, w.divisor, quotients[i], rests[i]);
      }
      pj_jit_release(code);
    }
  free(in);
  free(quotients);
  free(rests);
}

// Vectors of 64 bits: those of numbers below 2^51 are divided in f64, others lane by lane.
static void build_wide(PjKir *k, void *context) {
  const PjDtype dtype = *(const PjDtype *)context;
  const PjKirType t = PJ_KIR_T(I64, LANES);
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, LANES), 0, NULL, NULL);
  PjElem args[2] = {{pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, true), 0},
                    {pj_kir_load(k, t, pj_kir_buffer(k, 1), i, 0, true), 0}};
  pj_kir_store(k, pj_elem_apply_kind(k, PJ_OP_DIVIDE, dtype, dtype, args).re, pj_kir_buffer(k, 2),
               i, 0);
  pj_kir_store(k, pj_elem_apply_kind(k, PJ_OP_REMAINDER, dtype, dtype, args).re,
               pj_kir_buffer(k, 3), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_finish(k);
  uint32_t divisions = 0;
  for (PjKirVal v = 1; v < k->insts.len; v++)
    divisions += pj_kir_inst(k, v)->op == PJ_KIR_FDIV;
  assert_int_equal(divisions, 2);
}

static uint64_t random_bits(uint64_t *state, unsigned most) {
  uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);
  x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
  x ^= x >> 31;
  return x >> (64 - most + x % most);
}

static void wide_numbers(void **state) {
  (void)state;
  enum { N = 1 << 14 };
  static const unsigned most[] = {20, 32, 50, 51, 52, 53, 64};
  uint64_t *a = malloc(4 * N * sizeof *a), *b = a + N, *quotients = b + N, *rests = quotients + N,
           seed = 1;
  assert_non_null(a);
  PjIsa isas[PJ_ISA_COUNT];
  const uint32_t n = test_isas(isas);
  for (uint32_t isa = 0; isa < n; isa++)
    for (int with_sign = 0; with_sign < 2; with_sign++) {
      PjDtype dtype = with_sign ? PJ_DT_S64 : PJ_DT_U64;
      PjJitCode *code = test_compile(isas[isa], "wide", build_wide, &dtype);
      for (size_t m = 0; m < sizeof most / sizeof *most; m++) {
        for (int i = 0; i < N; i++) {
          a[i] = random_bits(&seed, most[m]);
          b[i] = random_bits(&seed, most[m]);
          if (b[i] && i % 4 < 3) // next to a multiple, where quotients are hardest to round
            a[i] += (uint64_t)(i % 4) - 1 - a[i] % b[i];
          if (with_sign && i % 3 == 0)
            a[i] = 0 - a[i];
          if (with_sign && i % 5 < 2)
            b[i] = 0 - b[i];
        }
        void *buffers[] = {a, b, quotients, rests};
        pj_jit_entry(code)(buffers, NULL, 0, N, NULL);
        for (int i = 0; i < N; i++) {
          const int64_t x = (int64_t)a[i], y = (int64_t)b[i];
          const bool wraps = with_sign && y == -1;
          const uint64_t quotient = !y          ? UINT64_MAX
                                    : wraps     ? 0 - a[i]
                                    : with_sign ? (uint64_t)(x / y)
                                                : a[i] / b[i],
                         rest = !y          ? a[i]
                                : wraps     ? 0
                                : with_sign ? (uint64_t)(x % y)
                                            : a[i] % b[i];
          if (quotients[i] != quotient || rests[i] != rest)
            fail_msg("%lld by %lld: %lld, %lld", (long long)x, (long long)y,
                     (long long)quotients[i], (long long)rests[i]);
        }
      }
      pj_jit_release(code);
    }
  free(a);
}

// Single integers by numbers, as products.
typedef struct Single {
  PjDtype dtype;
  int64_t divisor;
  bool natural; // below 2^31, and known to be
  int divisions;
} Single;

static void build_single(PjKir *k, void *context) {
  Single *s = context;
  const PjKirType t = s->dtype == PJ_DT_S64 ? PJ_KIR_T(I64, 1) : PJ_KIR_T(I32, 1);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 1), 0, NULL, NULL);
  PjKirVal x = pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, true);
  if (s->natural)
    x = pj_kir_and(k, x, pj_kir_const(k, t, INT32_MAX));
  PjElem args[2] = {{x, 0}, {pj_kir_const(k, t, (uint64_t)s->divisor), 0}};
  pj_kir_store(k, pj_elem_apply_kind(k, PJ_OP_DIVIDE, s->dtype, s->dtype, args).re,
               pj_kir_buffer(k, 1), i, 0);
  pj_kir_store(k, pj_elem_apply_kind(k, PJ_OP_REMAINDER, s->dtype, s->dtype, args).re,
               pj_kir_buffer(k, 2), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_finish(k);
  s->divisions = 0;
  for (PjKirVal v = 1; v < k->insts.len; v++)
    s->divisions += pj_kir_inst(k, v)->op == PJ_KIR_SDIV || pj_kir_inst(k, v)->op == PJ_KIR_UDIV;
}

static int64_t number_at(const Single *s, const void *numbers, int i) {
  int64_t x = s->dtype == PJ_DT_S64   ? ((const int64_t *)numbers)[i]
              : s->dtype == PJ_DT_U32 ? (int64_t)((const uint32_t *)numbers)[i]
                                      : (int64_t)((const int32_t *)numbers)[i];
  return s->natural && s->dtype != PJ_DT_U32 ? x & INT32_MAX : x;
}

static void single_numbers(void **state) {
  (void)state;
  static const Single cases[] = {
      {PJ_DT_S32, 1000, false, 0},
      {PJ_DT_S32, 3, false, 0},
      {PJ_DT_S32, 7, false, 0},
      {PJ_DT_S32, INT32_MAX, false, 0},
      {PJ_DT_S32, (1 << 30) + 1, false, 0},
      {PJ_DT_S32, (1 << 30) - 1, false, 0},
      {PJ_DT_S32, 1000, true, 0},
      {PJ_DT_S32, 641, true, 0},
      {PJ_DT_U32, 7, false, 0},
      {PJ_DT_U32, 641, false, 0},
      {PJ_DT_U32, INT32_MAX, false, 0},
      {PJ_DT_S64, 1000, true, 0},
      {PJ_DT_S32, -3, false, 1},
      {PJ_DT_S64, 1000, false, 1},
      {PJ_DT_U32, 0xffffffff, false, 1},
  };
  enum { N = 4096 };
  static int64_t in[N], quotients[N], rests[N];
  PjIsa isas[PJ_ISA_COUNT];
  const uint32_t n = test_isas(isas);
  for (uint32_t a = 0; a < n; a++)
    for (size_t t = 0; t < sizeof cases / sizeof *cases; t++) {
      Single s = cases[t];
      PjJitCode *code = test_compile(isas[a], "single", build_single, &s);
      assert_int_equal(s.divisions > 0, cases[t].divisions);
      // Around multiples of the divisor, and the ends.
      for (int i = 0; i < N; i++) {
        const int64_t step = INT64_C(0x100000000) / N;
        int64_t x = i / 4 * 4 * step / s.divisor * s.divisor + i % 4 - 2;
        if (i < 8)
          x = i - 4;
        if (s.dtype == PJ_DT_S64)
          in[i] = x;
        else
          ((uint32_t *)in)[i] = i < 16 && i >= 8 ? 0x80000000u + (uint32_t)i - 12 : (uint32_t)x;
      }
      void *buffers[] = {in, quotients, rests};
      pj_jit_entry(code)(buffers, NULL, 0, N, NULL);
      for (int i = 0; i < N; i++) {
        const int64_t x = number_at(&s, in, i),
                      d = s.dtype == PJ_DT_U32 ? (int64_t)(uint32_t)s.divisor : s.divisor;
        Single exact = {.dtype = s.dtype};
        if (number_at(&exact, quotients, i) != x / d || number_at(&exact, rests, i) != x % d)
          fail_msg("%lld by %lld: %lld, %lld", (long long)x, (long long)d,
                   (long long)number_at(&exact, quotients, i),
                   (long long)number_at(&exact, rests, i));
      }
      pj_jit_release(code);
    }
}

// Rests of single integers by others of which nothing is known: what the division leaves.
static void build_rests(PjKir *k, void *context) {
  const PjDtype dtype = *(PjDtype *)context;
  const PjKirType t = pj_dtype_bits(dtype) == 64 ? PJ_KIR_T(I64, 1) : PJ_KIR_T(I32, 1);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 1), 0, NULL, NULL);
  PjElem args[2] = {{pj_kir_load(k, t, pj_kir_buffer(k, 0), i, 0, true), 0},
                    {pj_kir_load(k, t, pj_kir_buffer(k, 1), i, 0, true), 0}};
  pj_kir_store(k, pj_elem_apply_kind(k, PJ_OP_REMAINDER, dtype, dtype, args).re,
               pj_kir_buffer(k, 2), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  for (PjKirVal v = 1; v < k->insts.len; v++)
    assert_int_not_equal(pj_kir_inst(k, v)->op, PJ_KIR_MUL);
}

static uint64_t rest(PjDtype dtype, uint64_t x, uint64_t y) {
  if (!y || y == (dtype == PJ_DT_S32 ? UINT32_MAX : UINT64_MAX))
    return !y ? x : dtype == PJ_DT_S32 || dtype == PJ_DT_S64 ? 0 : x % y;
  switch (dtype) {
  case PJ_DT_S32:
    return (uint32_t)((int32_t)x % (int32_t)y);
  case PJ_DT_S64:
    return (uint64_t)((int64_t)x % (int64_t)y);
  default:
    return x % y;
  }
}

static void single_rests(void **state) {
  (void)state;
  static const uint64_t numbers[] = {
      0,          1,          2,          3,         7,          1000,  0x7fffffff, 0x80000000,
      0xfffffff9, 0xfffffffe, 0xffffffff, INT64_MAX, 1ull << 63, ~6ull, ~1ull,      ~0ull};
  enum { COUNT = sizeof numbers / sizeof *numbers, PAIRS = COUNT * COUNT };
  static const PjDtype dtypes[] = {PJ_DT_S32, PJ_DT_U32, PJ_DT_S64, PJ_DT_U64};
  PjIsa isas[PJ_ISA_COUNT];
  const uint32_t n = test_isas(isas);
  for (uint32_t a = 0; a < n; a++)
    for (size_t t = 0; t < sizeof dtypes / sizeof *dtypes; t++) {
      PjDtype dtype = dtypes[t];
      PjJitCode *code = test_compile(isas[a], "rests", build_rests, &dtype);
      const bool wide = pj_dtype_bits(dtype) == 64;
      uint64_t in[3][PAIRS];
      for (int i = 0; i < PAIRS; i++)
        for (int which = 0; which < 2; which++) {
          const uint64_t number = numbers[which ? i % COUNT : i / COUNT];
          if (wide)
            in[which][i] = number;
          else
            ((uint32_t *)in[which])[i] = (uint32_t)number;
        }
      void *buffers[] = {in[0], in[1], in[2]};
      pj_jit_entry(code)(buffers, NULL, 0, PAIRS, NULL);
      for (int i = 0; i < PAIRS; i++) {
        uint64_t of[3];
        for (int which = 0; which < 3; which++)
          of[which] = wide ? in[which][i] : ((uint32_t *)in[which])[i];
        if (of[2] != rest(dtype, of[0], of[1]))
          fail_msg("%llx by %llx: %llx", (unsigned long long)of[0], (unsigned long long)of[1],
                   (unsigned long long)of[2]);
      }
      pj_jit_release(code);
    }
}

static void ignore(const PjKir *k, void *context) {
  (void)k;
  (void)context;
}

static void ranges(void **state) {
  (void)state;
  test_kernel(PJ_ISA_AVX2, "ranges", build_ranges, ignore, NULL);
}

int main(void) {
  const struct CMUnitTest always[] = {cmocka_unit_test(all_quotients)};
  const struct CMUnitTest with_code[] = {
      cmocka_unit_test(same_bits),     cmocka_unit_test(wide_numbers),
      cmocka_unit_test(whole_numbers), cmocka_unit_test(single_numbers),
      cmocka_unit_test(single_rests),  cmocka_unit_test(ranges)};
  int failed = cmocka_run_group_tests(always, NULL, NULL);
  if (pj_jit_available())
    failed += cmocka_run_group_tests(with_code, NULL, NULL);
  return failed;
}

// Control operations of kernel IR, nested, with carried scalars and vectors, and calls of the
// run-time library.
#include <math.h>
#include <string.h>

#include "jit_support.h"

static int64_t call(PjJitCode *code, void *a, void *b, int64_t begin, int64_t end) {
  int64_t out = -1;
  void *buffers[] = {&out, a, b};
  pj_jit_entry(code)(buffers, NULL, begin, end, NULL);
  pj_jit_release(code);
  return out;
}

static void give(PjKir *k, PjKirVal value) {
  pj_kir_store(k, value, pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0);
}

static PjJitCode *make(TestBuild *build, void *context) {
  return test_compile(pj_kir_target_host()->isa, "control", build, context);
}

// Fibonacci: carried values change places.
static void build_fibonacci(PjKir *k, void *context) {
  PjKirVal init[] = {pj_kir_i64(k, 0), pj_kir_i64(k, 1)}, args[2], results[2];
  pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), pj_kir_i64(k, 1), 2, init, args);
  PjKirVal next[] = {args[1], pj_kir_add(k, args[0], args[1])};
  pj_kir_for_end(k, 2, next, results);
  give(k, results[0]);
}

static void loops(void **state) {
  assert_int_equal(call(make(build_fibonacci, NULL), NULL, NULL, 0, 90), 2880067194370816120);
  assert_int_equal(call(make(build_fibonacci, NULL), NULL, NULL, 5, 6), 1);
  assert_int_equal(call(make(build_fibonacci, NULL), NULL, NULL, 5, 5), 0); // no turn
  assert_int_equal(call(make(build_fibonacci, NULL), NULL, NULL, 5, -5), 0);
}

// Sum over i < n, j < i step 3 of i * j; counts also the turns of the inner loop.
static void build_nest(PjKir *k, void *context) {
  PjKirVal zero = pj_kir_i64(k, 0), init[] = {zero, zero}, outer[2], inner[2], next[2], results[2];
  PjKirVal i = pj_kir_for_begin(k, zero, pj_kir_end(k), pj_kir_i64(k, 1), 2, init, outer);
  PjKirVal j = pj_kir_for_begin(k, zero, i, pj_kir_i64(k, 3), 2, outer, inner);
  next[0] = pj_kir_add(k, inner[0], pj_kir_mul(k, i, j));
  next[1] = pj_kir_add(k, inner[1], pj_kir_i64(k, 1));
  pj_kir_for_end(k, 2, next, results);
  pj_kir_for_end(k, 2, results, next);
  give(k, pj_kir_add(k, pj_kir_mul(k, next[0], pj_kir_i64(k, 100000)), next[1]));
}

static void nested_loops(void **state) {
  int64_t sum = 0, turns = 0;
  for (int64_t i = 0; i < 20; ++i)
    for (int64_t j = 0; j < i; j += 3) {
      sum += i * j;
      ++turns;
    }
  assert_int_equal(call(make(build_nest, NULL), NULL, NULL, 0, 20), sum * 100000 + turns);
}

// Collatz: steps until 1; the next number by an if with a value.
static void build_collatz(PjKir *k, void *context) {
  PjKirVal one = pj_kir_i64(k, 1), init[] = {pj_kir_begin(k), pj_kir_i64(k, 0)}, args[2],
           results[2];
  pj_kir_while_begin(k, 2, init, args);
  pj_kir_while_test(k, pj_kir_2(k, PJ_KIR_NE, args[0], one));
  pj_kir_if_begin(k, pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I1, args[0]));
  PjKirVal up = pj_kir_add(k, pj_kir_mul(k, args[0], pj_kir_i64(k, 3)), one);
  pj_kir_if_else(k, 1, &up);
  PjKirVal down = pj_kir_lshr(k, args[0], one), number;
  pj_kir_if_end(k, 1, &down, &number);
  PjKirVal next[] = {number, pj_kir_add(k, args[1], one)};
  pj_kir_while_end(k, 2, next, results);
  give(k, results[1]);
}

static void whiles(void **state) {
  assert_int_equal(call(make(build_collatz, NULL), NULL, NULL, 27, 0), 111);
  assert_int_equal(call(make(build_collatz, NULL), NULL, NULL, 1, 0), 0);
}

// A condition that itself loops: counts how often it is computed. While the sum of i < n is below
// the limit, n grows.
static void build_condition(PjKir *k, void *context) {
  PjKirVal zero = pj_kir_i64(k, 0), one = pj_kir_i64(k, 1), args[1], result;
  pj_kir_while_begin(k, 1, &zero, args);
  PjKirVal sum;
  PjKirVal part;
  PjKirVal i = pj_kir_for_begin(k, zero, args[0], one, 1, &zero, &part);
  PjKirVal more = pj_kir_add(k, part, i);
  pj_kir_for_end(k, 1, &more, &sum);
  PjKirVal count = pj_kir_load(k, PJ_KIR_T(I64, 1), pj_kir_buffer(k, 1), zero, 0, false);
  pj_kir_store(k, pj_kir_add(k, count, one), pj_kir_buffer(k, 1), zero, 0);
  pj_kir_while_test(k, pj_kir_slt(k, sum, pj_kir_end(k)));
  PjKirVal next = pj_kir_add(k, args[0], one);
  pj_kir_while_end(k, 1, &next, &result);
  give(k, result);
}

static void condition_with_loop(void **state) {
  int64_t count = 0;
  assert_int_equal(call(make(build_condition, NULL), &count, NULL, 0, 100), 15);
  assert_int_equal(count, 16);
}

// An if without values, whose sides store; a loop inside of one side; a vector carried through
// both.
static void build_sides(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(F32, 8);
  PjKirVal zero = pj_kir_i64(k, 0), one = pj_kir_i64(k, 1);
  PjKirVal v = pj_kir_load(k, t, pj_kir_buffer(k, 1), zero, 0, false);
  pj_kir_if_begin(k, pj_kir_slt(k, pj_kir_begin(k), pj_kir_end(k)));
  PjKirVal part, sum;
  pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), one, 1, &v, &part);
  PjKirVal doubled = pj_kir_fadd(k, part, part);
  pj_kir_for_end(k, 1, &doubled, &sum);
  give(k, one);
  pj_kir_if_else(k, 1, &sum);
  give(k, pj_kir_i64(k, 2));
  PjKirVal negative = pj_kir_1(k, PJ_KIR_FNEG, v), result;
  pj_kir_if_end(k, 1, &negative, &result);
  pj_kir_store(k, result, pj_kir_buffer(k, 2), zero, 0);
}

static void sides(void **state) {
  float in[8] = {1, 2, 3, 4, 5, 6, 7, 8}, out[8];
  assert_int_equal(call(make(build_sides, NULL), in, out, 0, 3), 1);
  for (int i = 0; i < 8; ++i)
    assert_true(out[i] == in[i] * 8);
  assert_int_equal(call(make(build_sides, NULL), in, out, 3, 3), 2);
  for (int i = 0; i < 8; ++i)
    assert_true(out[i] == -in[i]);
}

// Carries that leave a loop as masks and as pointers.
static void build_mask_carry(PjKir *k, void *context) {
  PjKirType t = PJ_KIR_T(I32, 8);
  PjKirVal zero = pj_kir_i64(k, 0), one = pj_kir_i64(k, 1);
  PjKirVal never = pj_kir_const(k, PJ_KIR_T(I1, 8), 0), init[] = {never, pj_kir_buffer(k, 1)},
           args[2], results[2];
  pj_kir_for_begin(k, zero, pj_kir_end(k), one, 2, init, args);
  PjKirVal v = pj_kir_load(k, t, args[1], zero, 0, false);
  PjKirVal hit = pj_kir_eq(k, v, pj_kir_iota(k, t));
  PjKirVal next[] = {pj_kir_or(k, args[0], hit), pj_kir_ptradd(k, args[1], pj_kir_i64(k, 32))};
  pj_kir_for_end(k, 2, next, results);
  PjKirVal bits = pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I32, results[0]);
  pj_kir_store(k, bits, pj_kir_buffer(k, 2), zero, 0);
  give(k, pj_kir_load(k, PJ_KIR_T(I64, 1), results[1], zero, 0, false));
}

static void carries_of_all_kinds(void **state) {
  int32_t in[4][8] = {
      {0, 9, 9, 9, 9, 9, 9, 7}, {9, 9, 2, 9, 4, 9, 9, 9}, {9, 9, 9, 9, 4, 9, 9, 9}, {42, 0}};
  int32_t out[8], want[8] = {-1, 0, -1, 0, -1, 0, 0, -1};
  assert_int_equal(call(make(build_mask_carry, NULL), in, out, 0, 3), 42);
  assert_memory_equal(out, want, sizeof want);
}

// Every function of the run-time library can be called.
static void build_calls(PjKir *k, void *context) {
  PjKirVal a = pj_kir_buffer(k, 1), b = pj_kir_buffer(k, 2), zero = pj_kir_i64(k, 0);
  for (int callee = 0; callee < PJ_KIR_EXTERN_COUNT; ++callee) {
    const PjKirExternInfo *info = &pj_kir_extern_info[callee];
    PjKirVal args[4];
    for (uint32_t i = 0; info->args[i]; ++i)
      switch (info->args[i]) {
      case 'p':
        args[i] = i ? b : a;
        break;
      case 'l':
        args[i] = pj_kir_i64(k, 16);
        break;
      case 'i':
        args[i] = pj_kir_const(k, PJ_KIR_T(I32, 1), 3);
        break;
      case 'f':
        args[i] = pj_kir_float(k, PJ_KIR_T(F32, 1), i ? 2.5 : 6.75);
        break;
      default:
        args[i] = pj_kir_float(k, PJ_KIR_T(F64, 1), i ? 2.5 : 6.75);
      }
    PjKirVal result = pj_kir_call(k, (PjKirExtern)callee, (uint32_t)strlen(info->args), args);
    if (callee == PJ_KIR_EXTERN_FMOD)
      pj_kir_store(k, result, b, pj_kir_i64(k, 4), 0);
    if (callee == PJ_KIR_EXTERN_FMODF)
      pj_kir_store(k, result, b, pj_kir_i64(k, 16), 0);
  }
  give(k, zero);
}

static void calls(void **state) {
  char a[32] = "0123456789abcdef+", b[80] = "ABCDEFGHIJKLMNOP+";
  assert_int_equal(call(make(build_calls, NULL), a, b, 0, 1), 0);
  assert_memory_equal(a, "\3\3\3\3\3\3\3\3\3\3\3\3\3\3\3\3+", 17);
  double f64;
  float f32;
  memcpy(&f64, b + 32, 8);
  memcpy(&f32, b + 64, 4);
  assert_true(f64 == fmod(6.75, 2.5) && f32 == fmodf(6.75f, 2.5f));
}

int main(void) {
  if (!pj_jit_available()) {
    printf("no code generator for this processor: nothing to test\n");
    return 0;
  }
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loops),
      cmocka_unit_test(nested_loops),
      cmocka_unit_test(whiles),
      cmocka_unit_test(sides),
      cmocka_unit_test(condition_with_loop),
      cmocka_unit_test(carries_of_all_kinds),
      cmocka_unit_test(calls),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

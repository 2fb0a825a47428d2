// Kernel IR: sharing, placement, folding, dead values, text, hash, verifier. That operations
// compute what they should is tested with the emitters.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "kernel/kir.h"

#define T_F32X8 PJ_KIR_T(F32, 8)
#define T_F32   PJ_KIR_T(F32, 1)
#define T_I64   PJ_KIR_T(I64, 1)

static PjKirTarget target;

typedef void Build(PjKir *k);
typedef struct Job {
  PjArena *arena;
  Build *build;
  PjStrBuf *text;
  uint64_t hash[2];
} Job;

static PjStatus run_job(void *context) {
  Job *job = context;
  PjKir *k = pj_kir_create(job->arena, &target, "t");
  job->build(k);
  pj_kir_finish(k);
  PJ_TRY(pj_kir_verify(k));
  pj_kir_print(k, job->text);
  pj_kir_hash(k, job->hash);
  return PJ_STATUS_OK;
}

static PjStatus make(Build *build, PjStrBuf *text, uint64_t hash[2]) {
  Job job = {.build = build, .text = text};
  PJ_TRY(pj_arena_create(0, &job.arena));
  PjStatus status = pj_arena_guard(job.arena, run_job, &job);
  pj_arena_destroy(job.arena);
  memcpy(hash, job.hash, sizeof job.hash);
  return status;
}

// The text of what |build| makes is |want|, without its first line.
static void expect(Build *build, const char *want) {
  PjStrBuf text = {0};
  uint64_t hash[2];
  PjStatus status = make(build, &text, hash);
  if (status)
    fail_msg("%s", pj_status_message(status));
  assert_string_equal(strchr(text.data, '\n') + 1, want);
  pj_strbuf_free(&text);
}

// Stores |v|, so that it is needed.
static void keep(PjKir *k, PjKirVal v) {
  pj_kir_store(k, v, pj_kir_buffer(k, 0), pj_kir_i64(k, 0), 0);
}

static PjKirVal x8(PjKir *k) {
  return pj_kir_load(k, T_F32X8, pj_kir_buffer(k, 1), pj_kir_begin(k), 0, true);
}

// --- sharing and placement. One call a line where the order of making shows: C leaves the order of
// arguments open.

static void build_sum(PjKir *k) {
  PjKirVal init = pj_kir_float(k, T_F32X8, 0), sum, out;
  PjKirVal begin = pj_kir_begin(k), end = pj_kir_end(k), step = pj_kir_i64(k, 8);
  PjKirVal i = pj_kir_for_begin(k, begin, end, step, 1, &init, &sum);
  PjKirVal x = pj_kir_load(k, T_F32X8, pj_kir_buffer(k, 0), i, 0, false);
  PjKirVal scaled = pj_kir_fmul(k, x, pj_kir_param(k, T_F32, 0));
  PjKirVal again = pj_kir_fmul(k, pj_kir_param(k, T_F32, 0), x);
  PjKirVal twice = pj_kir_fadd(k, scaled, again);
  sum = pj_kir_fadd(k, sum, twice);
  pj_kir_for_end(k, 1, &sum, &out);
  keep(k, pj_kir_reduce_lanes(k, PJ_KIR_FADD, out));
}

static void loops_share_and_hoist(void **state) {
  expect(build_sum, "%1 = const f32x8 0.00000000e+00\n"
                    "%2 = begin\n"
                    "%3 = end\n"
                    "%4 = const i64 8\n"
                    "%5 = buffer 0\n"
                    "%6 = param f32 0\n"
                    "%7 = splat f32x8 %6\n"
                    "%16:0 = for %9 = %2 to %3 step %4, %10 = %1 {\n"
                    "  %11 = load f32x8 %5[%9]\n"
                    "  %12 = fmul f32x8 %11, %7\n"
                    "  %13 = fadd f32x8 %12, %12\n"
                    "  %14 = fadd f32x8 %10, %13\n"
                    "  yield %14\n"
                    "}\n"
                    "%17 = shuffle f32x4 %16, %16 [0 1 2 3]\n"
                    "%18 = shuffle f32x4 %16, %16 [4 5 6 7]\n"
                    "%19 = fadd f32x4 %17, %18\n"
                    "%20 = shuffle f32x2 %19, %19 [0 1]\n"
                    "%21 = shuffle f32x2 %19, %19 [2 3]\n"
                    "%22 = fadd f32x2 %20, %21\n"
                    "%23 = extract f32 %22[0]\n"
                    "%24 = extract f32 %22[1]\n"
                    "%25 = fadd f32 %23, %24\n"
                    "%26 = const i64 0\n"
                    "store %25, %5[%26]\n");
}

// The branch keeps the square root, though its operand exists outside; the scalar sum leaves it.
static void build_if(PjKir *k) {
  PjKirVal n = pj_kir_param(k, T_I64, 0), result;
  PjKirVal x = x8(k);
  pj_kir_if_begin(k, pj_kir_slt(k, n, pj_kir_i64(k, 5)));
  PjKirVal root = pj_kir_1(k, PJ_KIR_FSQRT, x);
  pj_kir_store(k, root, pj_kir_buffer(k, 0), pj_kir_add(k, n, pj_kir_i64(k, 1)), 0);
  pj_kir_if_else(k, 1, &root);
  PjKirVal one = pj_kir_float(k, T_F32, 1);
  pj_kir_if_end(k, 1, &one, &result);
  keep(k, result);
}

static void branches_keep_their_work(void **state) {
  expect(build_if, "%1 = param i64 0\n"
                   "%2 = begin\n"
                   "%3 = buffer 1\n"
                   "%4 = read f32x8 %3[%2]\n"
                   "%5 = const i64 5\n"
                   "%6 = slt i1 %1, %5\n"
                   "%7 = const i64 1\n"
                   "%8 = add i64 %1, %7\n"
                   "%9 = buffer 0\n"
                   "%10 = const f32x8 1.00000000e+00\n"
                   "%16:0 = if %6 {\n"
                   "  %12 = fsqrt f32x8 %4\n"
                   "  store %12, %9[%8]\n"
                   "  yield %12\n"
                   "} else {\n"
                   "  yield %10\n"
                   "}\n"
                   "%17 = const i64 0\n"
                   "store %16, %9[%17]\n");
}

// What the body computes of carried values stays in it; what does not change precedes the loop;
// values of the condition are seen in the body; a read stays where it is.
static void build_while(PjKir *k) {
  PjKirVal init[2] = {pj_kir_float(k, T_F32X8, 1), pj_kir_i64(k, 0)}, carried[2], out[2];
  PjKirVal y = pj_kir_splat(k, pj_kir_param(k, T_F32, 0), 8);
  pj_kir_while_begin(k, 2, init, carried);
  PjKirVal norm = pj_kir_fmul(k, carried[0], carried[0]);
  pj_kir_while_test(k, pj_kir_flt(k, pj_kir_extract(k, norm, 0), pj_kir_float(k, T_F32, 9)));
  PjKirVal root = pj_kir_1(k, PJ_KIR_FSQRT, y);
  PjKirVal x = x8(k);
  PjKirVal same = x8(k);
  assert_int_equal(x, same);
  PjKirVal next[2] = {pj_kir_fadd(k, pj_kir_fmul(k, norm, root), x),
                      pj_kir_add(k, carried[1], pj_kir_i64(k, 1))};
  pj_kir_while_end(k, 2, next, out);
  keep(k, out[0]);
}

// Integers go as far out as they can, to the condition; what it does not ask for comes back.
static void build_count(PjKir *k) {
  PjKirVal zero = pj_kir_i64(k, 0), at, end;
  pj_kir_while_begin(k, 1, &zero, &at);
  PjKirVal twice = pj_kir_add(k, at, at);
  pj_kir_while_test(k, pj_kir_slt(k, twice, pj_kir_i64(k, 9)));
  PjKirVal next = pj_kir_add(k, at, pj_kir_i64(k, 1));
  pj_kir_store(k, x8(k), pj_kir_buffer(k, 0), pj_kir_add(k, next, twice), 0);
  pj_kir_while_end(k, 1, &next, &end);
}

static void conditions_compute_what_they_need(void **state) {
  expect(build_count, "%1 = const i64 0\n"
                      "%2 = const i64 9\n"
                      "%3 = const i64 1\n"
                      "%4 = buffer 0\n"
                      "%5 = begin\n"
                      "%6 = buffer 1\n"
                      "while %8 = %1 {\n"
                      "  %9 = add i64 %8, %8\n"
                      "  %10 = slt i1 %9, %2\n"
                      "  yield %10\n"
                      "} do {\n"
                      "  %12 = add i64 %8, %3\n"
                      "  %13 = add i64 %8, %9\n"
                      "  %14 = add i64 %13, %3\n"
                      "  %15 = read f32x8 %6[%5]\n"
                      "  store %15, %4[%14]\n"
                      "  yield %12\n"
                      "}\n");
}

static void whiles_keep_their_bodies(void **state) {
  expect(build_while, "%1 = const f32x8 1.00000000e+00\n"
                      "%2 = const i64 0\n"
                      "%3 = param f32 0\n"
                      "%4 = const f32 9.00000000e+00\n"
                      "%5 = fsqrt f32 %3\n"
                      "%6 = splat f32x8 %5\n"
                      "%7 = begin\n"
                      "%8 = buffer 1\n"
                      "%19:0 = while %10 = %1 {\n"
                      "  %11 = fmul f32x8 %10, %10\n"
                      "  %12 = extract f32 %11[0]\n"
                      "  %13 = flt i1 %12, %4\n"
                      "  yield %13\n"
                      "} do {\n"
                      "  %15 = read f32x8 %8[%7]\n"
                      "  %16 = fmul f32x8 %11, %6\n"
                      "  %17 = fadd f32x8 %15, %16\n"
                      "  yield %17\n"
                      "}\n"
                      "%20 = buffer 0\n"
                      "store %19, %20[%2]\n");
}

// Carried values that never change are their initial values, through two loops; a loop without use
// goes away.
static void build_unchanged(PjKir *k) {
  PjKirVal x = x8(k), zero = pj_kir_i64(k, 0), one = pj_kir_i64(k, 1), outer[2], inner[2], out[2];
  PjKirVal n = pj_kir_end(k);
  pj_kir_for_begin(k, zero, n, one, 2, (PjKirVal[]){x, zero}, outer);
  PjKirVal j = pj_kir_for_begin(k, zero, n, one, 2, outer, inner);
  PjKirVal next[2] = {inner[0], pj_kir_add(k, inner[1], j)};
  pj_kir_for_end(k, 2, next, out);
  pj_kir_for_end(k, 2, out, out);
  keep(k, out[0]);
}

static void unused_loops_go_away(void **state) {
  expect(build_unchanged, "%1 = begin\n"
                          "%2 = buffer 1\n"
                          "%3 = read f32x8 %2[%1]\n"
                          "%4 = const i64 0\n"
                          "%5 = buffer 0\n"
                          "store %3, %5[%4]\n");
}

// Equal values of closed blocks are made again; divisions are not moved but shared in scope.
static void build_scopes(PjKir *k) {
  PjKirVal n = pj_kir_param(k, T_I64, 0), m = pj_kir_param(k, T_I64, 1), zero = pj_kir_i64(k, 0);
  PjKirVal quotient[2];
  for (int round = 0; round < 2; ++round) {
    pj_kir_for_begin(k, zero, n, pj_kir_i64(k, 1), 0, NULL, NULL);
    quotient[round] = pj_kir_2(k, PJ_KIR_SDIV, n, m);
    pj_kir_store(k, quotient[round], pj_kir_buffer(k, 0), zero, 0);
    pj_kir_for_end(k, 0, NULL, NULL);
  }
  assert_int_not_equal(quotient[0], quotient[1]);
  PjKirVal last = pj_kir_2(k, PJ_KIR_SDIV, n, m);
  assert_int_not_equal(last, quotient[1]);
  pj_kir_if_begin(k, pj_kir_slt(k, n, m));
  assert_int_equal(last, pj_kir_2(k, PJ_KIR_SDIV, n, m));
  pj_kir_if_else(k, 0, NULL);
  pj_kir_if_end(k, 0, NULL, NULL);
  keep(k, last);
}

static void scopes_end_sharing(void **state) {
  expect(build_scopes, "%1 = param i64 0\n"
                       "%2 = param i64 1\n"
                       "%3 = const i64 0\n"
                       "%4 = const i64 1\n"
                       "%5 = buffer 0\n"
                       "for %7 = %3 to %1 step %4 {\n"
                       "  %8 = sdiv i64 %1, %2\n"
                       "  store %8, %5[%3]\n"
                       "  yield\n"
                       "}\n"
                       "for %12 = %3 to %1 step %4 {\n"
                       "  %13 = sdiv i64 %1, %2\n"
                       "  store %13, %5[%3]\n"
                       "  yield\n"
                       "}\n"
                       "%16 = sdiv i64 %1, %2\n"
                       "store %16, %5[%3]\n");
}

// --- identities: values are equal when they are the same value

#define SAME(a, b)                        \
  do {                                    \
    PjKirVal first_ = (a), second_ = (b); \
    assert_int_equal(first_, second_);    \
  } while (0)

static void build_integers(PjKir *k) {
  PjKirType type = PJ_KIR_T(I32, 1);
  PjKirVal x = pj_kir_param(k, type, 0), y = pj_kir_param(k, type, 1);
#define C(n) pj_kir_const(k, type, (uint64_t)(int64_t)(n))
  SAME(pj_kir_add(k, x, y), pj_kir_add(k, y, x));
  SAME(pj_kir_add(k, C(0), x), x);
  SAME(pj_kir_add(k, pj_kir_add(k, x, C(3)), C(-3)), x);
  SAME(pj_kir_sub(k, pj_kir_add(k, x, y), y), x);
  SAME(pj_kir_add(k, pj_kir_sub(k, x, y), y), x);
  SAME(pj_kir_sub(k, x, x), C(0));
  SAME(pj_kir_mul(k, x, C(0)), C(0));
  SAME(pj_kir_mul(k, C(1), x), x);
  SAME(pj_kir_mul(k, x, C(8)), pj_kir_shl(k, x, C(3)));
  SAME(pj_kir_mul(k, pj_kir_mul(k, x, C(3)), C(5)), pj_kir_mul(k, x, C(15)));
  SAME(pj_kir_2(k, PJ_KIR_UDIV, x, C(16)), pj_kir_lshr(k, x, C(4)));
  SAME(pj_kir_2(k, PJ_KIR_UREM, x, C(16)), pj_kir_and(k, x, C(15)));
  SAME(pj_kir_2(k, PJ_KIR_SDIV, x, C(1)), x);
  SAME(pj_kir_2(k, PJ_KIR_SREM, x, C(1)), C(0));
  SAME(pj_kir_and(k, x, C(-1)), x);
  SAME(pj_kir_and(k, x, C(0)), C(0));
  SAME(pj_kir_and(k, pj_kir_and(k, x, C(12)), C(6)), pj_kir_and(k, x, C(4)));
  SAME(pj_kir_or(k, x, C(-1)), C(-1));
  SAME(pj_kir_or(k, x, x), x);
  SAME(pj_kir_xor(k, x, x), C(0));
  SAME(pj_kir_not(k, pj_kir_not(k, x)), x);
  SAME(pj_kir_shl(k, pj_kir_shl(k, x, C(20)), C(12)), C(0));
  SAME(pj_kir_ashr(k, pj_kir_ashr(k, x, C(20)), C(20)), pj_kir_ashr(k, x, C(31)));
  SAME(pj_kir_lshr(k, x, C(32)), C(0));
  SAME(pj_kir_lshr(k, pj_kir_ashr(k, x, C(7)), C(31)), pj_kir_lshr(k, x, C(31)));
  PjKirVal half =
      pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I32, pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I16, x));
  SAME(pj_kir_lshr(k, pj_kir_shl(k, half, C(16)), C(16)), half);
  assert_true(pj_kir_lshr(k, pj_kir_shl(k, half, C(17)), C(17)) != half);
  assert_true(pj_kir_lshr(k, pj_kir_shl(k, x, C(16)), C(16)) != x);
  SAME(pj_kir_2(k, PJ_KIR_SMAX, x, C(INT32_MIN)), x);
  SAME(pj_kir_2(k, PJ_KIR_SMIN, x, C(INT32_MIN)), C(INT32_MIN));
  SAME(pj_kir_2(k, PJ_KIR_UMIN, x, C(-1)), x);
  SAME(pj_kir_2(k, PJ_KIR_UMAX, x, x), x);
  SAME(pj_kir_not(k, pj_kir_slt(k, x, y)), pj_kir_2(k, PJ_KIR_SLE, y, x));
  SAME(pj_kir_not(k, pj_kir_eq(k, x, y)), pj_kir_ne(k, y, x));
  SAME(pj_kir_2(k, PJ_KIR_ULT, x, C(0)), pj_kir_const(k, PJ_KIR_T(I1, 1), 0));
  PjKirVal wide = pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I64, x);
  SAME(pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, wide), x);
  SAME(pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I8, wide), pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I8, x));
  PjKirVal narrow = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I8, x);
  PjKirVal zero_wide = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I16, narrow);
  SAME(pj_kir_cast(k, PJ_KIR_SEXT, PJ_KIR_I64, zero_wide),
       pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, narrow));
  PjKirVal mask = pj_kir_slt(k, x, y);
  SAME(pj_kir_ne(k, pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I8, mask),
                 pj_kir_const(k, PJ_KIR_T(I8, 1), 0)),
       mask);
  PjKirVal p = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I1, x);
  SAME(pj_kir_select(k, pj_kir_not(k, p), x, y), pj_kir_select(k, p, y, x));
  SAME(pj_kir_select(k, mask, x, x), x);
#undef C
  keep(k, x);
}

static void build_folded_integers(PjKir *k) {
#define C(elem, n)     pj_kir_const(k, PJ_KIR_T(elem, 1), (uint64_t)(n))
#define F(OP, e, a, b) pj_kir_2(k, PJ_KIR_##OP, C(e, a), C(e, b))
  SAME(F(ADD, I8, 200, 100), C(I8, 44));
  SAME(F(MUL, I16, 300, 300), C(I16, 90000));
  SAME(F(UMULH, I16, 0x8000u, 6), C(I16, 3));
  SAME(F(UMULH, I32, 0x80000000u, 6), C(I32, 3));
  SAME(F(UMULH, I64, 1ull << 63, 6), C(I64, 3));
  SAME(F(SDIV, I8, -7, 2), C(I8, -3));
  SAME(F(SREM, I8, -7, 2), C(I8, -1));
  SAME(F(UDIV, I8, -7, 2), C(I8, 124));
  SAME(F(SMIN, I8, -7, 2), C(I8, -7));
  SAME(F(UMIN, I8, -7, 2), C(I8, 2));
  SAME(F(ASHR, I16, -7, 1), C(I16, -4));
  SAME(F(LSHR, I16, -7, 1), C(I16, 0x7FFC));
  SAME(F(SLT, I8, -7, 2), C(I1, 1));
  SAME(F(ULT, I8, -7, 2), C(I1, 0));
  SAME(pj_kir_1(k, PJ_KIR_CTLZ, C(I16, 1)), C(I16, 15));
  SAME(pj_kir_1(k, PJ_KIR_CTLZ, C(I64, 0)), C(I64, 64));
  SAME(pj_kir_1(k, PJ_KIR_POPCNT, C(I8, -1)), C(I8, 8));
  // What is undefined is not folded.
  uint64_t bits;
  assert_false(pj_kir_is_const(k, F(SDIV, I8, -128, -1), &bits));
  assert_false(pj_kir_is_const(k, F(UREM, I32, 1, 0), &bits));
#undef F
#undef C
}

static void build_floats(PjKir *k) {
  PjKirVal x = x8(k), y = pj_kir_fadd(k, x, pj_kir_param(k, T_F32, 0)),
           minus = pj_kir_1(k, PJ_KIR_FNEG, y);
  uint64_t bits;
#define C(v) pj_kir_float(k, T_F32X8, v)
  SAME(pj_kir_fadd(k, x, C(-0.0)), x);
  assert_int_not_equal(pj_kir_fadd(k, x, C(0.0)), x);
  SAME(pj_kir_fsub(k, x, C(0.0)), x);
  SAME(pj_kir_fmul(k, x, C(1)), x);
  SAME(pj_kir_fmul(k, C(-1), x), pj_kir_1(k, PJ_KIR_FNEG, x));
  SAME(pj_kir_fadd(k, x, minus), pj_kir_fsub(k, x, y));
  SAME(pj_kir_fsub(k, x, minus), pj_kir_fadd(k, x, y));
  SAME(pj_kir_fdiv(k, x, C(8)), pj_kir_fmul(k, x, C(0.125)));
  SAME(pj_kir_fdiv(k, x, C(-0x1p126)), pj_kir_fmul(k, x, C(-0x1p-126)));
  assert_int_equal(pj_kir_inst(k, pj_kir_fdiv(k, x, C(0x1p127)))->op, PJ_KIR_FDIV);
  assert_int_equal(pj_kir_inst(k, pj_kir_fdiv(k, x, C(3)))->op, PJ_KIR_FDIV);
  assert_int_equal(pj_kir_inst(k, pj_kir_fdiv(k, x, C(0)))->op, PJ_KIR_FDIV);
  SAME(pj_kir_fma(k, x, C(1), y), pj_kir_fadd(k, x, y));
  SAME(pj_kir_fma(k, x, y, C(-0.0)), pj_kir_fmul(k, x, y));
  SAME(pj_kir_1(k, PJ_KIR_FABS, pj_kir_1(k, PJ_KIR_FNEG, x)), pj_kir_1(k, PJ_KIR_FABS, x));
  SAME(pj_kir_1(k, PJ_KIR_FLOOR, pj_kir_1(k, PJ_KIR_CEIL, x)), pj_kir_1(k, PJ_KIR_CEIL, x));
  SAME(pj_kir_2(k, PJ_KIR_FNE, x, x), pj_kir_2(k, PJ_KIR_UNO, x, x));
  SAME(pj_kir_fadd(k, C(0.5), C(0.25)), C(0.75));
  SAME(pj_kir_fmul(k, C(0x1p-100), C(0x1p-40)), C(0x1p-140));
  SAME(pj_kir_fma(k, C(0x1.000002p0), C(0x1.000002p0), C(-0x1.000004p0)), C(0x1p-46));
  SAME(pj_kir_1(k, PJ_KIR_RINT, C(2.5)), C(2));
  SAME(pj_kir_1(k, PJ_KIR_FSQRT, C(2)), C(sqrtf(2)));
  SAME(pj_kir_2(k, PJ_KIR_FMIN, C(1), C(-2)), C(-2));
  // A NaN's bits are the processor's.
  assert_false(pj_kir_is_const(k, pj_kir_fsub(k, C(INFINITY), C(INFINITY)), &bits));
  SAME(pj_kir_cast(k, PJ_KIR_FPTOSI, PJ_KIR_I8, C(-128.7)), pj_kir_const(k, PJ_KIR_T(I8, 8), 0x80));
  assert_false(pj_kir_is_const(k, pj_kir_cast(k, PJ_KIR_FPTOSI, PJ_KIR_I8, C(128)), &bits));
  assert_false(pj_kir_is_const(k, pj_kir_cast(k, PJ_KIR_FPTOUI, PJ_KIR_I8, C(NAN)), &bits));
  SAME(pj_kir_cast(k, PJ_KIR_F32TOF16, PJ_KIR_I16, C(65520)),
       pj_kir_const(k, PJ_KIR_T(I16, 8), 0x7C00));
  SAME(pj_kir_cast(k, PJ_KIR_F16TOF32, PJ_KIR_F32, pj_kir_const(k, PJ_KIR_T(I16, 8), 1)),
       C(0x1p-24));
  SAME(pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F32, pj_kir_const(k, PJ_KIR_T(I8, 8), 0xFF)), C(-1));
  SAME(pj_kir_bitcast(k, PJ_KIR_F32, pj_kir_bitcast(k, PJ_KIR_I32, x)), x);
  // x + 0 is x where x is never -0.
  PjKirVal square = pj_kir_fmul(k, x, x);
  SAME(pj_kir_fadd(k, square, C(0.0)), square);
  SAME(pj_kir_fadd(k, pj_kir_fadd(k, x, square), C(0.0)), pj_kir_fadd(k, x, square));
#undef C
}

static void build_lanes(PjKir *k) {
  PjKirVal x = x8(k), s = pj_kir_param(k, T_F32, 0);
  PjKirVal low = pj_kir_half(k, x, 0), high = pj_kir_half(k, x, 1);
  SAME(pj_kir_join(k, low, high),
       pj_kir_shuffle(k, low, high, 8, (const uint8_t[]){0, 1, 2, 3, 4, 5, 6, 7}));
  SAME(pj_kir_half(k, pj_kir_half(k, x, 1), 1),
       pj_kir_shuffle(k, x, x, 2, (const uint8_t[]){6, 7}));
  SAME(pj_kir_shuffle(k, x, x, 8, (const uint8_t[]){0, 9, 2, 11, 4, 5, 14, 15}), x);
  SAME(pj_kir_extract(k, pj_kir_half(k, x, 1), 2), pj_kir_extract(k, x, 6));
  SAME(pj_kir_extract(k, pj_kir_join(k, low, high), 5), pj_kir_extract(k, x, 5));
  SAME(pj_kir_extract(k, pj_kir_splat(k, s, 8), 3), s);
  SAME(pj_kir_extract(k, pj_kir_iota(k, PJ_KIR_T(I32, 8)), 3),
       pj_kir_const(k, PJ_KIR_T(I32, 1), 3));
  // Floats of indices that 32 bits hold.
  PjKirVal at = pj_kir_and(k, pj_kir_begin(k), pj_kir_i64(k, 0xffff));
  PjKirVal wide = pj_kir_add(k, pj_kir_iota(k, PJ_KIR_T(I64, 8)), at);
  PjKirVal narrow =
      pj_kir_add(k, pj_kir_iota(k, PJ_KIR_T(I32, 8)), pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, at));
  narrow = pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F32, narrow);
  SAME(pj_kir_cast(k, PJ_KIR_SITOFP, PJ_KIR_F32, wide), narrow);
  SAME(pj_kir_cast(k, PJ_KIR_UITOFP, PJ_KIR_F32, wide), narrow);
  // Uniform lanes are computed once.
  PjKirVal uniform = pj_kir_fmul(k, pj_kir_splat(k, s, 8), pj_kir_float(k, T_F32X8, 3));
  SAME(uniform, pj_kir_splat(k, pj_kir_fmul(k, s, pj_kir_float(k, T_F32, 3)), 8));
  // Masks that hold everywhere or nowhere.
  PjKirVal p = pj_kir_buffer(k, 0), i = pj_kir_begin(k);
  SAME(pj_kir_load(k, T_F32X8, p, i, pj_kir_const(k, PJ_KIR_T(I1, 8), 0), true),
       pj_kir_float(k, T_F32X8, 0));
  SAME(pj_kir_load(k, T_F32X8, p, i, pj_kir_const(k, PJ_KIR_T(I1, 8), 1), true),
       pj_kir_load(k, T_F32X8, p, i, 0, true));
  SAME(pj_kir_gather(k, T_F32X8, p, pj_kir_splat(k, i, 8), 0, true),
       pj_kir_splat(k, pj_kir_load(k, T_F32, p, i, 0, true), 8));
  SAME(pj_kir_ptradd(k, pj_kir_ptradd(k, p, pj_kir_i64(k, 8)), pj_kir_i64(k, -8)),
       pj_kir_ptradd(k, p, pj_kir_i64(k, 0)));
}

// What was stored is put together, or taken apart; what may have been overwritten is not known.
static void build_memory(PjKir *k) {
  const PjKirType f32x4 = PJ_KIR_T(F32, 4);
  PjKirVal p = pj_kir_buffer(k, 0), q = pj_kir_buffer(k, 1), x = x8(k);
  PjKirVal low = pj_kir_half(k, x, 0), high = pj_kir_half(k, x, 1),
           both = pj_kir_join(k, low, high);
  k->alias = 1;
  pj_kir_store(k, low, p, pj_kir_i64(k, 0), 0);
  pj_kir_store(k, high, p, pj_kir_i64(k, 4), 0);
  SAME(pj_kir_load(k, T_F32X8, p, pj_kir_i64(k, 0), 0, false), both);
  SAME(pj_kir_load(k, T_F32, p, pj_kir_i64(k, 5), 0, false), pj_kir_extract(k, x, 5));
  SAME(pj_kir_load(k, f32x4, p, pj_kir_i64(k, 2), 0, false),
       pj_kir_shuffle(k, low, high, 4, (const uint8_t[]){2, 3, 4, 5}));
  // Under a literal mask, zeros where it is off; under another one it is a load.
  PjKirVal lane = pj_kir_iota(k, PJ_KIR_T(I64, 4)), zeros = pj_kir_const(k, f32x4, 0);
  PjKirVal first_three = pj_kir_2(k, PJ_KIR_ULT, lane, pj_kir_i64(k, 3));
  PjKirVal last_three =
      pj_kir_2(k, PJ_KIR_ULT, pj_kir_add(k, lane, pj_kir_const(k, PJ_KIR_T(I64, 4), ~0ull)),
               pj_kir_i64(k, 3));
  SAME(pj_kir_load(k, f32x4, p, pj_kir_i64(k, 5), first_three, false),
       pj_kir_shuffle(k, high, zeros, 4, (const uint8_t[]){1, 2, 3, 7}));
  SAME(pj_kir_load(k, f32x4, p, pj_kir_i64(k, -1), last_three, false),
       pj_kir_shuffle(k, low, zeros, 4, (const uint8_t[]){4, 0, 1, 2}));
  SAME(pj_kir_load(k, f32x4, p, pj_kir_i64(k, 0), first_three, false),
       pj_kir_shuffle(k, low, zeros, 4, (const uint8_t[]){0, 1, 2, 7}));
  PjKirVal narrow =
      pj_kir_add(k, pj_kir_iota(k, PJ_KIR_T(I8, 4)), pj_kir_const(k, PJ_KIR_T(I8, 4), 0xff));
  SAME(pj_kir_load(k, f32x4, p, pj_kir_i64(k, -1),
                   pj_kir_2(k, PJ_KIR_ULT, narrow, pj_kir_const(k, PJ_KIR_T(I8, 4), 3)), false),
       pj_kir_shuffle(k, low, zeros, 4, (const uint8_t[]){4, 0, 1, 2}));
  PjKirVal some = pj_kir_2(k, PJ_KIR_ULT, lane, pj_kir_begin(k));
  assert_int_equal(pj_kir_inst(k, pj_kir_load(k, f32x4, p, pj_kir_i64(k, 0), some, false))->op,
                   PJ_KIR_LOAD);
  assert_int_equal(
      pj_kir_inst(k, pj_kir_load(k, f32x4, p, pj_kir_i64(k, 6), first_three, false))->op,
      PJ_KIR_LOAD); // the element behind |high| is not known
  k->alias = 2;
  pj_kir_store(k, x, q, pj_kir_begin(k), 0); // meets nothing of alias 1
  k->alias = 1;
  SAME(pj_kir_load(k, T_F32X8, p, pj_kir_i64(k, 0), 0, false), both);
  PjKirVal y = pj_kir_param(k, T_F32, 0);
  pj_kir_store(k, y, p, pj_kir_i64(k, 5), 0);
  SAME(pj_kir_load(k, T_F32, p, pj_kir_i64(k, 5), 0, false), y);
  SAME(pj_kir_load(k, f32x4, p, pj_kir_i64(k, 0), 0, false), low);
  assert_int_equal(pj_kir_inst(k, pj_kir_load(k, f32x4, p, pj_kir_i64(k, 4), 0, false))->op,
                   PJ_KIR_LOAD); // two elements of |high| are known no more
  k->alias = 3;
  pj_kir_known(k, y, q, pj_kir_i64(k, 7));
  SAME(pj_kir_load(k, T_F32, q, pj_kir_i64(k, 7), 0, false), y);
  assert_int_equal(pj_kir_inst(k, pj_kir_load(k, T_F32, q, pj_kir_i64(k, 6), 0, false))->op,
                   PJ_KIR_LOAD);
  k->alias = 0;
  pj_kir_store(k, y, q, pj_kir_begin(k), 0); // may meet all
  assert_int_equal(pj_kir_inst(k, pj_kir_load(k, T_F32X8, p, pj_kir_i64(k, 0), 0, false))->op,
                   PJ_KIR_LOAD);
}

// A branch knows what the code around it knows, and that again what it knew where nothing was
// written.
static void build_memory_around_branches(PjKir *k) {
  PjKirVal p = pj_kir_buffer(k, 0), x = pj_kir_param(k, T_F32, 0), zero = pj_kir_i64(k, 0),
           condition = pj_kir_2(k, PJ_KIR_FLT, x, pj_kir_float(k, T_F32, 1)), result;
  pj_kir_store(k, x, p, zero, 0);
  pj_kir_if_begin(k, condition);
  PjKirVal sine = pj_kir_call(k, PJ_KIR_EXTERN_SINF, 1, &x);
  SAME(pj_kir_load(k, T_F32, p, zero, 0, false), x);
  pj_kir_if_else(k, 1, &sine);
  SAME(pj_kir_load(k, T_F32, p, zero, 0, false), x);
  pj_kir_if_end(k, 1, &x, &result);
  SAME(pj_kir_load(k, T_F32, p, zero, 0, false), x);
  pj_kir_if_begin(k, condition);
  pj_kir_store(k, result, p, zero, 0);
  pj_kir_if_else(k, 0, NULL);
  SAME(pj_kir_load(k, T_F32, p, zero, 0, false), x);
  pj_kir_if_end(k, 0, NULL, NULL);
  PjKirVal loaded = pj_kir_load(k, T_F32, p, zero, 0, false);
  assert_int_equal(pj_kir_inst(k, loaded)->op, PJ_KIR_LOAD);
}

static void holds(Build *build) {
  PjStrBuf text = {0};
  uint64_t hash[2];
  PjStatus status = make(build, &text, hash);
  if (status)
    fail_msg("%s", pj_status_message(status));
  pj_strbuf_free(&text);
}

// What a branch or a loop asked is decided in it.
static void build_decided(PjKir *k) {
  PjKirVal n = pj_kir_begin(k), zero = pj_kir_i64(k, 0), arg, out, one = pj_kir_i64(k, 1);
  PjKirVal yes = pj_kir_const(k, PJ_KIR_T(I1, 1), 1), no = pj_kir_const(k, PJ_KIR_T(I1, 1), 0);
  PjKirVal less = pj_kir_slt(k, n, pj_kir_end(k)), equal = pj_kir_eq(k, n, one);
  pj_kir_if_begin(k, pj_kir_and(k, less, equal));
  SAME(pj_kir_slt(k, n, pj_kir_end(k)), yes);
  SAME(pj_kir_2(k, PJ_KIR_SLE, pj_kir_end(k), n), no);
  SAME(pj_kir_select(k, equal, n, zero), n);
  pj_kir_if_else(k, 1, &n);
  pj_kir_if_rare(k);
  assert_int_equal(pj_kir_inst(k, pj_kir_select(k, equal, n, zero))->op, PJ_KIR_SELECT);
  pj_kir_if_end(k, 1, &zero, &out);
  assert_int_equal(pj_kir_inst(k, pj_kir_select(k, equal, n, zero))->op, PJ_KIR_SELECT);
  pj_kir_while_begin(k, 1, &out, &arg);
  pj_kir_while_test(k, pj_kir_2(k, PJ_KIR_NE, arg, zero));
  SAME(pj_kir_eq(k, arg, zero), no);
  SAME(pj_kir_select(k, pj_kir_eq(k, arg, zero), one, arg), arg);
  out = pj_kir_2(k, PJ_KIR_LSHR, arg, one);
  pj_kir_while_end(k, 1, &out, &out);
  SAME(pj_kir_select(k, no, n, out), out);
  assert_int_not_equal(pj_kir_eq(k, out, zero), no);
  keep(k, out);
}

static void integer_identities(void **state) {
  holds(build_integers);
  holds(build_folded_integers);
}
static void float_identities(void **state) {
  holds(build_floats);
}
static void lane_identities(void **state) {
  holds(build_lanes);
}
static void conditions_are_decided(void **state) {
  holds(build_decided);
}
static void memory_is_known(void **state) {
  holds(build_memory);
  holds(build_memory_around_branches);
}

// --- hash and verifier

static void build_with(PjKir *k, PjKirOp op) {
  PjKirVal x = x8(k);
  keep(k, pj_kir_2(k, op, pj_kir_param(k, T_F32, 0), x));
}
static void build_axpy(PjKir *k) {
  build_with(k, PJ_KIR_FADD);
}
static void build_axpy_unused(PjKir *k) {
  for (int i = 0; i < 100; ++i)
    pj_kir_fadd(k, pj_kir_param(k, T_F32, 3), pj_kir_float(k, T_F32, i));
  build_with(k, PJ_KIR_FADD);
}
static void build_axmy(PjKir *k) {
  build_with(k, PJ_KIR_FSUB);
}
static void build_axpy_mask(PjKir *k) {
  k->alias = 2;
  build_with(k, PJ_KIR_FADD);
}

static void equal_functions_hash_equally(void **state) {
  Build *const builds[] = {build_axpy, build_axpy_unused, build_axmy, build_axpy_mask, build_sum};
  uint64_t hash[5][2];
  for (int i = 0; i < 5; ++i) {
    PjStrBuf text = {0};
    assert_null(make(builds[i], &text, hash[i]));
    pj_strbuf_free(&text);
  }
  assert_memory_equal(hash[0], hash[1], 16);
  for (int i = 0; i < 5; ++i)
    for (int j = 0; j < 5; ++j)
      if (i != j && i + j != 1) {
        assert_int_not_equal(hash[i][0], hash[j][0]);
        assert_int_not_equal(hash[i][1], hash[j][1]);
      }
}

static void build_wrong_types(PjKir *k) {
  PjKirVal x = pj_kir_load(k, PJ_KIR_T(I32, 4), pj_kir_buffer(k, 0), pj_kir_begin(k), 0, false);
  keep(k, pj_kir_fadd(k, x, pj_kir_const(k, PJ_KIR_T(I32, 4), 5)));
}
static void build_out_of_scope(PjKir *k) {
  PjKirVal zero = pj_kir_i64(k, 0), index;
  index = pj_kir_for_begin(k, zero, pj_kir_end(k), pj_kir_i64(k, 1), 0, NULL, NULL);
  pj_kir_store(k, index, pj_kir_buffer(k, 0), zero, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_store(k, pj_kir_add(k, index, index), pj_kir_buffer(k, 0), zero, 0);
}
static void build_narrow_index(PjKir *k) {
  pj_kir_store(k, pj_kir_float(k, T_F32, 1), pj_kir_buffer(k, 0),
               pj_kir_const(k, PJ_KIR_T(I32, 1), 0), 0);
}
static void build_mask_in_memory(PjKir *k) {
  keep(k, pj_kir_slt(k, pj_kir_begin(k), pj_kir_end(k)));
}

static void verifier_names_what_is_wrong(void **state) {
  static const struct {
    Build *build;
    const char *want;
  } cases[] = {{build_wrong_types, "(fadd): operand type"},
               {build_out_of_scope, "out of scope"},
               {build_narrow_index, "type of the index"},
               {build_mask_in_memory, "type of a value in memory"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; ++i) {
    PjStrBuf text = {0};
    uint64_t hash[2];
    PjStatus status = make(cases[i].build, &text, hash);
    assert_int_equal(pj_status_code(status), PJ_INTERNAL);
    if (!strstr(pj_status_message(status), cases[i].want))
      fail_msg("%s", pj_status_message(status));
    pj_status_free(status);
    pj_strbuf_free(&text);
  }
}

static void failed_allocations_are_errors(void **state) {
  Build *const builds[] = {build_sum, build_while, build_integers};
  for (int b = 0; b < 3; ++b)
    for (int64_t n = 0; n < 100000; ++n) {
      PjStrBuf text = {0};
      uint64_t hash[2];
      pj_alloc_fail_after(n);
      PjStatus status = make(builds[b], &text, hash);
      PjStatus printed = pj_strbuf_status(&text);
      pj_alloc_fail_after(-1);
      bool done = !status && !printed;
      if (status)
        assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
      pj_status_free(status);
      pj_status_free(printed);
      pj_strbuf_free(&text);
      if (done)
        break;
    }
}

// Building takes time in proportion to the size: scopes that end leave nothing behind that later
// look-ups pass.
static void build_large(PjKir *k) {
  PjKirVal zero = pj_kir_i64(k, 0), sum = pj_kir_param(k, T_F32, 0);
  for (int i = 0; i < 20000; ++i) {
    pj_kir_if_begin(k, pj_kir_slt(k, pj_kir_end(k), pj_kir_i64(k, i)));
    PjKirVal root = pj_kir_1(k, PJ_KIR_FSQRT, pj_kir_param(k, T_F32, 1));
    pj_kir_store(k, root, pj_kir_buffer(k, 0), zero, 0);
    pj_kir_if_else(k, 1, &root);
    PjKirVal other = pj_kir_fadd(k, sum, pj_kir_float(k, T_F32, i));
    pj_kir_if_end(k, 1, &other, &sum);
  }
  keep(k, sum);
}
static void large_functions(void **state) {
  holds(build_large);
}

static void host_is_described(void **state) {
  const PjKirTarget *host = pj_kir_target_host();
  assert_ptr_equal(host, pj_kir_target_host());
  assert_true(host->vector_bytes >= 16 && host->vector_bytes <= 64);
  assert_true(host->l1_bytes > 0 && host->l2_bytes >= host->l1_bytes &&
              host->l3_bytes >= host->l2_bytes);
  assert_true(host->threads >= 1);
  assert_string_equal(pj_isa_name(PJ_ISA_NEON), "neon");
}

int main(void) {
  target = pj_kir_target_of(PJ_ISA_AVX2);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loops_share_and_hoist),
      cmocka_unit_test(branches_keep_their_work),
      cmocka_unit_test(whiles_keep_their_bodies),
      cmocka_unit_test(conditions_compute_what_they_need),
      cmocka_unit_test(unused_loops_go_away),
      cmocka_unit_test(scopes_end_sharing),
      cmocka_unit_test(integer_identities),
      cmocka_unit_test(float_identities),
      cmocka_unit_test(lane_identities),
      cmocka_unit_test(conditions_are_decided),
      cmocka_unit_test(memory_is_known),
      cmocka_unit_test(equal_functions_hash_equally),
      cmocka_unit_test(verifier_names_what_is_wrong),
      cmocka_unit_test(failed_allocations_are_errors),
      cmocka_unit_test(large_functions),
      cmocka_unit_test(host_is_described),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

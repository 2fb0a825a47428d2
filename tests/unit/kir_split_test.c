// Loops split where the conditions in them change (kernel/kir_split.h): the same memory afterwards,
// and branches only where they are needed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kernel/kir_range.h"
#include "kernel/kir_split.h"
#include "kir_eval.h"

enum { ROOM = 96, SIZE = 512, LANES = 4 };

typedef struct Form {
  int64_t moves[2];
  bool or_equal, joined, begins_at_param, nested;
} Form;

static PjKirTarget target;

// out[i] = (i + move0 < p0 [and i + move1 < p1] ? in[i] : i) + (p2 ? in[i + p3] : in[i]), and the
// sum of all. |nested|: that asks for its condition once more where it does not hold.
static void build(PjKir *k, const Form *f) {
  PjKirType t = PJ_KIR_T(I32, LANES), i64 = PJ_KIR_T(I64, 1);
  PjKirVal in = pj_kir_buffer(k, 0), out = pj_kir_buffer(k, 1), sum;
  PjKirVal p[5];
  for (uint32_t i = 0; i < 5; ++i)
    p[i] = pj_kir_param(k, i64, i);
  PjKirVal zero = pj_kir_const(k, t, 0);
  PjKirVal i = pj_kir_for_begin(k, f->begins_at_param ? p[4] : pj_kir_i64(k, 0), pj_kir_end(k),
                                pj_kir_i64(k, LANES), 1, &zero, &sum);
  PjKirOp less = f->or_equal ? PJ_KIR_ULE : PJ_KIR_ULT;
  PjKirVal condition = pj_kir_2(k, less, pj_kir_add(k, i, pj_kir_i64(k, f->moves[0])), p[0]);
  if (f->joined)
    condition = pj_kir_and(k, condition,
                           pj_kir_2(k, less, pj_kir_add(k, i, pj_kir_i64(k, f->moves[1])), p[1]));
  PjKirVal x, y;
  pj_kir_if_begin(k, condition);
  PjKirVal plain = pj_kir_load(k, t, in, i, 0, true);
  pj_kir_if_else(k, 1, &plain);
  if (f->nested) {
    pj_kir_if_begin(k, condition);
    PjKirVal never = pj_kir_add(k, pj_kir_load(k, t, in, i, 0, true), zero);
    pj_kir_if_else(k, 1, &never);
  }
  PjKirVal other = pj_kir_splat(k, pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, i), LANES);
  if (f->nested) {
    PjKirVal inner = other;
    pj_kir_if_end(k, 1, &inner, &other);
  }
  pj_kir_if_end(k, 1, &other, &x);
  pj_kir_if_begin(k, pj_kir_2(k, PJ_KIR_NE, p[2], pj_kir_i64(k, 0)));
  plain = pj_kir_load(k, t, in, pj_kir_add(k, i, p[3]), 0, true);
  pj_kir_if_else(k, 1, &plain);
  other = pj_kir_load(k, t, in, i, 0, true);
  pj_kir_if_end(k, 1, &other, &y);
  pj_kir_store(k, pj_kir_add(k, x, y), out, i, 0);
  PjKirVal next = pj_kir_add(k, sum, x);
  pj_kir_for_end(k, 1, &next, &sum);
  pj_kir_store(k, sum, out, pj_kir_i64(k, SIZE), 0);
}

typedef struct Job {
  PjArena *arena;
  const Form *form;
  PjKir *plain, *split;
} Job;

static PjStatus make(void *context) {
  Job *job = context;
  job->plain = pj_kir_create(job->arena, &target, "plain");
  build(job->plain, job->form);
  pj_kir_finish(job->plain);
  job->split = pj_kir_split(job->plain);
  return pj_kir_verify(job->split);
}

static int count(const char *text, const char *what) {
  int n = 0;
  for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
    ++n;
  return n;
}

static void check(const Form *form) {
  static const int64_t bounds[] = {0, 1, 3, 4, 17, 60, 64, 67, 200, -1, INT64_MAX, INT64_MIN},
                       ends[] = {0, 1, 4, 63, 64, 65};
  Job job = {.form = form};
  assert_null(pj_arena_create(0, &job.arena));
  assert_null(pj_arena_guard(job.arena, make, &job));
  assert_ptr_not_equal(job.plain, job.split);
  int32_t *in = calloc(ROOM + SIZE + ROOM, 4), *want = calloc(SIZE + LANES, 4),
          *have = calloc(SIZE + LANES, 4);
  for (int i = 0; i < ROOM + SIZE + ROOM; ++i)
    in[i] = 1000 + 7 * i;
  enum { BOUNDS = sizeof bounds / sizeof *bounds, ENDS = sizeof ends / sizeof *ends };
  for (int a = 0; a < BOUNDS; ++a)
    for (int b = 0; b < BOUNDS; ++b)
      for (int e = 0; e < ENDS * 4; ++e) {
        uint64_t params[] = {(uint64_t)bounds[a], (uint64_t)bounds[b], e & 1, 5,
                             form->begins_at_param ? (uint64_t)(e % 7) : 0};
        void *first[] = {in + ROOM, want}, *second[] = {in + ROOM, have};
        memset(want, 0, (SIZE + LANES) * 4);
        memset(have, 0, (SIZE + LANES) * 4);
        kir_eval(job.plain, first, params, 0, ends[e / 4], NULL);
        kir_eval(job.split, second, params, 0, ends[e / 4], NULL);
        assert_memory_equal(want, have, (SIZE + LANES) * 4);
      }
  PjStrBuf text = {0};
  pj_kir_print(job.split, &text);
  // The middle one has no branch left, and nothing chooses between two reads.
  int loops =
      form->moves[0] < 0 || (form->joined && form->moves[1] < 0) || form->begins_at_param ? 3 : 2;
  assert_int_equal(count(text.data, "for %"), loops);
  assert_int_equal(count(text.data, " = if "), loops - 1);
  pj_strbuf_free(&text);
  free(in);
  free(want);
  free(have);
  pj_arena_destroy(job.arena);
}

static void test_forms(void **state) {
  (void)state;
  static const int64_t moves[] = {0, 1, -1, -4, 9, -13};
  for (int a = 0; a < 6; ++a)
    for (int form = 0; form < (a < 2 ? 16 : 8); ++form)
      check(&(Form){{moves[a], moves[(a + form) % 6]}, form & 1, form & 2, form & 4, form & 8});
}

// out[r][i] = r - 2 < p0 ? in[i] : 7, for rows of |WIDE|: the loop along a row does not change
// that.
enum { ROWS = 9, WIDE = 16 };

static PjStatus make_rows(void *context) {
  Job *job = context;
  PjKir *k = job->plain = pj_kir_create(job->arena, &target, "rows");
  PjKirType t = PJ_KIR_T(I32, LANES);
  PjKirVal in = pj_kir_buffer(k, 0), out = pj_kir_buffer(k, 1), value;
  PjKirVal bound = pj_kir_param(k, PJ_KIR_T(I64, 1), 0), one = pj_kir_i64(k, 1);
  PjKirVal row = pj_kir_for_begin(k, pj_kir_begin(k), pj_kir_end(k), one, 0, NULL, NULL);
  PjKirVal inside = pj_kir_2(k, PJ_KIR_ULT, pj_kir_add(k, row, pj_kir_i64(k, -2)), bound);
  PjKirVal i = pj_kir_for_begin(k, pj_kir_i64(k, 0), pj_kir_i64(k, WIDE), pj_kir_i64(k, LANES), 0,
                                NULL, NULL);
  pj_kir_if_begin(k, inside);
  PjKirVal there = pj_kir_load(k, t, in, i, 0, true);
  pj_kir_if_else(k, 1, &there);
  PjKirVal seven = pj_kir_const(k, t, 7);
  pj_kir_if_end(k, 1, &seven, &value);
  pj_kir_store(k, value, out, pj_kir_add(k, pj_kir_mul(k, row, pj_kir_i64(k, WIDE)), i), 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_finish(k);
  job->split = pj_kir_split(k);
  return pj_kir_verify(job->split);
}

static void test_rows(void **state) {
  (void)state;
  Job job = {0};
  assert_null(pj_arena_create(0, &job.arena));
  assert_null(pj_arena_guard(job.arena, make_rows, &job));
  for (uint64_t bound = 0; bound < ROWS; ++bound) {
    int32_t in[WIDE], want[ROWS * WIDE] = {0}, have[ROWS * WIDE] = {0};
    void *first[] = {in, want}, *second[] = {in, have};
    for (int i = 0; i < WIDE; ++i)
      in[i] = 100 + i;
    kir_eval(job.plain, first, &bound, 0, ROWS, NULL);
    kir_eval(job.split, second, &bound, 0, ROWS, NULL);
    assert_memory_equal(want, have, sizeof want);
  }
  PjStrBuf text = {0};
  pj_kir_print(job.split, &text);
  // One branch, around two loops.
  assert_int_equal(count(text.data, "for %"), 3);
  assert_int_equal(count(text.data, " if %"), 1);
  assert_int_equal(count(text.data, " = if "), 0);
  pj_strbuf_free(&text);
  pj_arena_destroy(job.arena);
}

// out[i] = in[i] for i < n0, in[i] + 1000 for the next n1, and so on: parts that are joined, each
// as long as a vector at least; what crosses from one to the next is chosen by lanes. The sizes are
// parameters that are |known| while the function is made.
enum { PARTS = 4 };

typedef struct Joined {
  Job job;
  int64_t sizes[PARTS];
  bool known;
} Joined;

static PjKirVal part(PjKir *k, PjKirVal in, PjKirVal i, int p) {
  PjKirType t = PJ_KIR_T(I32, LANES);
  return pj_kir_add(k, pj_kir_load(k, t, in, i, 0, true), pj_kir_const(k, t, 1000u * (unsigned)p));
}

static PjStatus make_joined(void *context) {
  Joined *joined = context;
  Job *job = &joined->job;
  PjKir *k = job->plain = pj_kir_create(job->arena, &target, "joined");
  PjKirType i64 = PJ_KIR_T(I64, 1), lanes64 = PJ_KIR_T(I64, LANES);
  PjKirVal in = pj_kir_buffer(k, 0), out = pj_kir_buffer(k, 1), from[PARTS], last[PARTS];
  int64_t start = 0;
  for (uint32_t p = 0; p < PARTS; ++p) {
    from[p] = pj_kir_param(k, i64, 2 * p);
    last[p] = pj_kir_param(k, i64, 2 * p + 1);
    if (joined->known) {
      pj_kir_assume(k, from[p], -start, -start);
      pj_kir_assume(k, last[p], joined->sizes[p] - LANES, joined->sizes[p] - LANES);
    }
    start += joined->sizes[p];
  }
  PjKirVal i = pj_kir_for_begin(k, pj_kir_i64(k, 0), pj_kir_param(k, i64, 2 * PARTS),
                                pj_kir_i64(k, LANES), 0, NULL, NULL);
  if (joined->known)
    pj_kir_assume(k, pj_kir_param(k, i64, 2 * PARTS), start, start);
  for (int p = 0; p < PARTS; ++p) {
    pj_kir_if_begin(k, pj_kir_2(k, PJ_KIR_ULE, pj_kir_add(k, i, from[p]), last[p]));
    PjKirVal whole = part(k, in, i, p);
    pj_kir_if_else(k, 1, &whole);
  }
  PjKirVal value = part(k, in, i, 0);
  for (int p = 1; p < PARTS; ++p) {
    PjKirVal at =
        pj_kir_add(k, pj_kir_iota(k, lanes64), pj_kir_splat(k, pj_kir_add(k, i, from[p]), LANES));
    PjKirVal end = pj_kir_splat(k, pj_kir_add(k, last[p], pj_kir_i64(k, LANES)), LANES);
    value = pj_kir_select(k, pj_kir_2(k, PJ_KIR_ULT, at, end), part(k, in, i, p), value);
  }
  for (int p = 0; p < PARTS; ++p) {
    PjKirVal other = value;
    pj_kir_if_end(k, 1, &other, &value);
  }
  pj_kir_store(k, value, out, i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_finish(k);
  job->split = pj_kir_split(k);
  return pj_kir_verify(job->split);
}

static void test_joined(void **state) {
  (void)state;
  static const int64_t sizes[][PARTS] = {
      {4, 4, 4, 4}, {16, 8, 40, 12}, {5, 6, 7, 9}, {4, 9, 31, 5}, {64, 33, 4, 18}};
  for (int s = 0; s < 5; ++s)
    for (int known = 0; known < 2; ++known) {
      Joined joined = {.known = known};
      uint64_t params[2 * PARTS + 1];
      int64_t start = 0;
      bool even = true; // nothing crosses
      for (int p = 0; p < PARTS; ++p) {
        joined.sizes[p] = sizes[s][p];
        params[2 * p] = (uint64_t)-start;
        params[2 * p + 1] = (uint64_t)(sizes[s][p] - LANES);
        start += sizes[s][p];
        even &= sizes[s][p] % LANES == 0;
      }
      params[2 * PARTS] = (uint64_t)start;
      assert_null(pj_arena_create(0, &joined.job.arena));
      assert_null(pj_arena_guard(joined.job.arena, make_joined, &joined));
      int32_t in[SIZE], want[SIZE] = {0}, have[SIZE] = {0};
      for (int i = 0; i < SIZE; ++i)
        in[i] = 7 * i;
      void *first[] = {in, want}, *second[] = {in, have};
      kir_eval(joined.job.plain, first, params, 0, 0, NULL);
      kir_eval(joined.job.split, second, params, 0, 0, NULL);
      assert_memory_equal(want, have, sizeof want);
      for (int64_t i = 0, p = 0, end = sizes[s][0]; i < start; ++i) {
        if (i == end)
          end += sizes[s][++p];
        assert_int_equal(have[i], 7 * i + 1000 * p);
      }
      PjStrBuf text = {0};
      pj_kir_print(joined.job.split, &text);
      if (known) // a loop for each part, none with a branch, and those that cross between them
        assert_int_equal(count(text.data, " = if "), 0);
      if (known && even)
        assert_int_equal(count(text.data, "for %"), PARTS);
      pj_strbuf_free(&text);
      pj_arena_destroy(joined.job.arena);
    }
}

// Nothing to split: the function itself comes back.
static PjStatus make_simple(void *context) {
  PjArena *arena = context;
  PjKir *k = pj_kir_create(arena, &target, "simple");
  PjKirVal i =
      pj_kir_for_begin(k, pj_kir_i64(k, 0), pj_kir_end(k), pj_kir_i64(k, 1), 0, NULL, NULL);
  pj_kir_store(k, pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, i), pj_kir_buffer(k, 0), i, 0);
  pj_kir_for_end(k, 0, NULL, NULL);
  pj_kir_finish(k);
  assert_ptr_equal(pj_kir_split(k), k);
  return PJ_STATUS_OK;
}

static void test_simple(void **state) {
  (void)state;
  PjArena *arena;
  assert_null(pj_arena_create(0, &arena));
  assert_null(pj_arena_guard(arena, make_simple, arena));
  pj_arena_destroy(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_forms), cmocka_unit_test(test_rows),
                                     cmocka_unit_test(test_joined), cmocka_unit_test(test_simple)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// Profiles from the plugin's writer to the command's reader (cli/xspace.h), whole and damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/trace.h"
#include "runtime/profile.h"
#include "xspace.h"

// A profile of a run from 1000 to 9000 ns with two steps in it, one in the other, after a
// compilation.
static PjStrBuf make_profile(void) {
  PjStrBuf out = {0};
  PjTraceLabels *labels = pj_trace_labels_create(3);
  PjTraceLabel run = {.kind = PJ_TRACE_RUN, .name = "f", .program = "f"},
               loop = {.kind = PJ_TRACE_STEP, .name = "while.0", .program = "f"},
               step = {.kind = PJ_TRACE_STEP,
                       .name = "add.1",
                       .program = "f",
                       .ops = "add, multiply",
                       .op_name = "jit(f)/add",
                       .source = "model.py:7:3",
                       .flops = 12,
                       .bytes = 48},
               compile = {.kind = PJ_TRACE_COMPILE, .name = "passes", .program = "f"};
  assert_true(pj_trace_label_set(labels, 0, &run) && pj_trace_label_set(labels, 1, &loop) &&
              pj_trace_label_set(labels, 2, &step));
  pj_trace_enter();
  pj_trace_start();
  int64_t begin = pj_trace_clock();
  pj_trace_add_once(&compile, begin, begin + 500, 0);
  pj_trace_add(labels, 2, begin + 3000, begin + 5000, 0);
  pj_trace_add(labels, 2, begin + 5000, begin + 6000, 0);
  pj_trace_add(labels, 1, begin + 2000, begin + 8000, 0);
  pj_trace_add(labels, 0, begin + 1000, begin + 9000, 3);
  pj_trace_stop();
  pj_trace_labels_release(labels);
  assert_null(pj_profile_write(begin, begin + 10000, &out));
  pj_trace_leave();
  return out;
}

typedef struct Job {
  PjArena *arena;
  PjStr bytes;
  PjXSpace space;
} Job;

static PjStatus read_guarded(void *context) {
  Job *job = context;
  return pj_xspace_read(job->arena, job->bytes, &job->space);
}

static PjCode read_profile(Job *job, const char *bytes, size_t size) {
  *job = (Job){.bytes = {bytes, size}};
  assert_null(pj_arena_create(0, &job->arena));
  PjStatus status = pj_arena_guard(job->arena, read_guarded, job);
  PjCode code = pj_status_code(status);
  pj_status_free(status);
  return code;
}

static const PjSpanName *name_of(const Job *job, size_t span) {
  return &job->space.names.data[job->space.spans.data[span].name];
}

static void reads_what_was_written(void **state) {
  PjStrBuf profile = make_profile();
  Job job;
  assert_int_equal(read_profile(&job, profile.data, profile.len), PJ_OK);
  assert_int_equal(job.space.lines.len, 1);
  assert_true(pj_str_is(job.space.lines.data[0].plane, "/device:CUSTOM:pjrt_cpu"));
  assert_int_equal(job.space.spans.len, 5);
  const char *names[] = {"passes", "f", "while.0", "add.1", "add.1"};
  const PjSpanKind kinds[] = {PJ_SPAN_COMPILE, PJ_SPAN_RUN, PJ_SPAN_STEP, PJ_SPAN_STEP,
                              PJ_SPAN_STEP};
  const double selves[] = {0.5, 2, 3, 2, 1}, durations[] = {0.5, 8, 6, 2, 1};
  for (size_t i = 0; i < 5; i++) {
    const PjSpan *span = &job.space.spans.data[i];
    assert_true(pj_str_is(name_of(&job, i)->name, names[i]));
    assert_int_equal(name_of(&job, i)->kind, kinds[i]);
    assert_true(span->self_us > selves[i] - 1e-6 && span->self_us < selves[i] + 1e-6);
    assert_true(span->duration_us > durations[i] - 1e-6 && span->duration_us < durations[i] + 1e-6);
  }
  const PjSpanName *step = name_of(&job, 4);
  assert_true(pj_str_is(step->source, "model.py:7:3") && pj_str_is(step->op_name, "jit(f)/add"));
  assert_true(pj_str_is(step->ops, "add, multiply") && pj_str_is(step->program, "f"));
  assert_true(step->flops == 12 && step->bytes == 48);
  pj_arena_destroy(job.arena);
  pj_strbuf_free(&profile);
}

// Any bytes are safe; what is cut within a message is refused.
static void damage_is_harmless(void **state) {
  PjStrBuf profile = make_profile();
  Job job;
  for (size_t cut = 1; cut < profile.len; cut++) {
    char *part = pj_strndup(profile.data, cut); // of its own, for sanitizers
    assert_int_equal(read_profile(&job, part, cut), PJ_INVALID_ARGUMENT);
    pj_arena_destroy(job.arena);
    pj_free(part);
  }
  for (size_t i = 0; i < profile.len; i++)
    for (int bit = 0; bit < 8; bit++) {
      profile.data[i] = (char)(profile.data[i] ^ 1 << bit);
      PjCode code = read_profile(&job, profile.data, profile.len);
      assert_true(code == PJ_OK || code == PJ_INVALID_ARGUMENT);
      for (size_t k = 0; k < job.space.spans.len; k++)
        assert_true(job.space.spans.data[k].name < job.space.names.len);
      pj_arena_destroy(job.arena);
      profile.data[i] = (char)(profile.data[i] ^ 1 << bit);
    }
  pj_strbuf_free(&profile);
}

// Without memory events are lost, but nothing else.
static void failing_allocations(void **state) {
  for (int64_t n = 0; n < 60; n++) {
    PjStrBuf out = {0};
    pj_trace_enter();
    pj_trace_start();
    int64_t begin = pj_trace_clock();
    pj_alloc_fail_after(n);
    PjTraceLabel label = {.kind = PJ_TRACE_STEP, .name = "add", .source = "x.py:1:1"};
    pj_trace_add_once(&label, begin, begin + 10, 0);
    PjStatus status = pj_profile_write(begin, begin + 100, &out);
    pj_alloc_fail_after(-1);
    assert_true(!status || pj_status_code(status) == PJ_RESOURCE_EXHAUSTED);
    pj_status_free(status);
    pj_trace_stop();
    pj_trace_leave();
    pj_strbuf_free(&out);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_was_written),
      cmocka_unit_test(damage_is_harmless),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

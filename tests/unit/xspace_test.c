// Profiles from the plugin's writer to the command's reader (cli/xspace.h), whole and damaged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/proto.h"
#include "base/trace.h"
#include "profile.h"
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

// --- Profiles as XLA's plugins write them --------------------------------------------------------

static void put_entry(PjStrBuf *plane, uint32_t field, uint64_t key, PjStrBuf *message) {
  PjStrBuf entry = {0};
  pj_proto_put_varint(&entry, 1, key);
  pj_proto_put_message(&entry, 2, message);
  pj_proto_put_message(plane, field, &entry);
}

static void put_name(PjStrBuf *plane, uint32_t field, uint64_t number, const char *name) {
  PjStrBuf message = {0};
  pj_proto_put_varint(&message, 1, number);
  pj_proto_put_bytes(&message, 2, pj_str(name));
  put_entry(plane, field, number, &message);
}

// An event of [begin, begin + length) us with the stat number 1, unless |stat| is NULL.
static void put_event(PjStrBuf *line, uint64_t name, uint64_t begin, uint64_t length,
                      const char *stat) {
  PjStrBuf event = {0}, message = {0};
  pj_proto_put_varint(&event, 1, name);
  pj_proto_put_varint(&event, 2, begin * 1000000);
  pj_proto_put_varint(&event, 3, length * 1000000);
  if (stat) {
    pj_proto_put_varint(&message, 1, 1);
    pj_proto_put_bytes(&message, 5, pj_str(stat));
    pj_proto_put_message(&event, 4, &message);
  }
  pj_proto_put_message(line, 4, &event);
}

static void put_line(PjStrBuf *plane, const char *name, PjStrBuf *events) {
  PjStrBuf line = {0};
  pj_proto_put_bytes(&line, 2, pj_str(name));
  pj_proto_put_varint(&line, 3, 1000);
  pj_strbuf_append(&line, events->data, events->len);
  pj_strbuf_free(events);
  pj_proto_put_message(plane, 3, &line);
}

// A GPU with two kernels in a run, a line that repeats them by step, and a thread of the host.
static PjStrBuf make_foreign(void) {
  PjStrBuf out = {0}, device = {0}, host = {0}, modules = {0}, ops = {0}, steps = {0}, thread = {0};
  pj_proto_put_bytes(&host, 2, PJ_STR("/host:CPU"));
  put_name(&host, 4, 1, "Execute");
  put_event(&thread, 1, 0, 100, NULL);
  put_line(&host, "python3", &thread);
  pj_proto_put_bytes(&device, 2, PJ_STR("/device:GPU:0"));
  put_name(&device, 5, 1, "hlo_op");
  put_name(&device, 4, 1, "loop_fusion");
  put_name(&device, 4, 2, "gemm_kernel");
  put_name(&device, 4, 3, "jit_f");
  put_event(&modules, 3, 10, 50, NULL);
  put_line(&device, "XLA Modules", &modules);
  put_event(&ops, 1, 10, 20, "fusion.3");
  put_event(&ops, 2, 30, 30, "dot.1");
  put_line(&device, "XLA Ops", &ops);
  put_event(&steps, 1, 10, 50, NULL);
  put_line(&device, "Steps", &steps);
  pj_proto_put_message(&out, 1, &host);
  pj_proto_put_message(&out, 1, &device);
  return out;
}

static PjStatus add_up(void *context) {
  Job *job = context;
  static double seconds[] = {50e-6};
  PjProfile profile = {.repeat = 1, .runs_s = seconds, .has_steps = true, .runs = job->space};
  PjStr none = PJ_STR("");
  profile.program = profile.platform = profile.version = profile.plugin = none;
  pj_profile_add_up(job->arena, &profile);
  assert_int_equal(profile.kernels.len, 2);
  assert_true(pj_str_is(profile.kernels.data[0].name, "gemm_kernel"));
  assert_true(pj_str_is(profile.kernels.data[0].ops, "dot.1"));
  assert_true(pj_str_is(profile.kernels.data[1].ops, "fusion.3"));
  assert_true(profile.kernels_us > 49.99 && profile.kernels_us < 50.01);
  return PJ_STATUS_OK;
}

static void other_plugins_profiles(void **state) {
  PjStrBuf profile = make_foreign();
  Job job;
  assert_int_equal(read_profile(&job, profile.data, profile.len), PJ_OK);
  assert_int_equal(job.space.lines.len, 3);
  assert_int_equal(job.space.spans.len, 4);
  assert_int_equal(name_of(&job, 0)->kind, PJ_SPAN_HOST);
  assert_int_equal(name_of(&job, 1)->kind, PJ_SPAN_RUN);
  assert_int_equal(name_of(&job, 2)->kind, PJ_SPAN_STEP);
  assert_null(pj_arena_guard(job.arena, add_up, &job));
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
      cmocka_unit_test(other_plugins_profiles),
      cmocka_unit_test(damage_is_harmless),
      cmocka_unit_test(failing_allocations),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// See profile.h. Numbers of the fields are those of xplane.proto; names of stats are those that
// TensorBoard's profiler knows.
#include "runtime/profile.h"

#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/map.h"
#include "base/proto.h"
#include "base/vec.h"

enum { // fields
  SPACE_PLANES = 1,
  SPACE_WARNINGS = 3,
  PLANE_NAME = 2,
  PLANE_LINES = 3,
  PLANE_EVENT_METADATA = 4,
  PLANE_STAT_METADATA = 5,
  LINE_ID = 1,
  LINE_NAME = 2,
  LINE_TIMESTAMP_NS = 3,
  LINE_EVENTS = 4,
  EVENT_METADATA_ID = 1,
  EVENT_OFFSET_PS = 2,
  EVENT_DURATION_PS = 3,
  EVENT_STATS = 4,
  STAT_METADATA_ID = 1,
  STAT_DOUBLE = 2,
  STAT_UINT64 = 3,
  STAT_STRING = 5,
  METADATA_ID = 1,
  METADATA_NAME = 2,
  METADATA_STATS = 5,
  ENTRY_KEY = 1,
  ENTRY_VALUE = 2,
};

static const char *const stat_names[] = {
#define STATS(X)              \
  X(CATEGORY, "hlo_category") \
  X(PROGRAM, "hlo_module")    \
  X(OPS, "hlo_op")            \
  X(OP_NAME, "tf_op")         \
  X(SOURCE, "source")         \
  X(FLOPS, "flops")           \
  X(BYTES, "bytes_accessed")  \
  X(RUN, "run_id")
#define X(name, text) text,
    STATS(X)
#undef X
};
enum {
#define X(name, text) STAT_##name,
  STATS(X)
#undef X
      NUM_STATS
};

static const char *const category_names[] = {"compile", "run", "step", "transfer"};

typedef struct Line {
  uint32_t thread;
  PjStrBuf events;
} Line;

typedef struct Writer {
  PjArena *arena;
  int64_t begin_ns;
  PjMap numbers;     // of labels, from 1
  uint32_t count;    // of labels
  PjStrBuf metadata; // of the plane's events
  PJ_VEC(Line) lines;
} Writer;

static void put_stat(PjStrBuf *out, uint32_t field, int stat, const char *text, double number,
                     uint64_t count) {
  PjStrBuf message = {0};
  pj_proto_put_varint(&message, STAT_METADATA_ID, (uint64_t)stat + 1);
  if (text)
    pj_proto_put_bytes(&message, STAT_STRING, pj_str(text));
  else if (count)
    pj_proto_put_varint(&message, STAT_UINT64, count);
  else
    pj_proto_put_double(&message, STAT_DOUBLE, number);
  pj_proto_put_message(out, field, &message);
}

// An entry of a map from numbers to messages; |message| is freed.
static void put_entry(PjStrBuf *out, uint32_t field, uint64_t key, PjStrBuf *message) {
  PjStrBuf entry = {0};
  pj_proto_put_varint(&entry, ENTRY_KEY, key);
  pj_proto_put_message(&entry, ENTRY_VALUE, message);
  pj_proto_put_message(out, field, &entry);
}

static void put_label(Writer *w, uint32_t number, const PjTraceLabel *label) {
  PjStrBuf message = {0};
  pj_proto_put_varint(&message, METADATA_ID, number);
  pj_proto_put_bytes(&message, METADATA_NAME, pj_str(label->name));
  put_stat(&message, METADATA_STATS, STAT_CATEGORY, category_names[label->kind], 0, 0);
  const char *texts[] = {label->program, label->ops, label->op_name, label->source};
  for (int i = 0; i < 4; i++)
    if (*texts[i])
      put_stat(&message, METADATA_STATS, STAT_PROGRAM + i, texts[i], 0, 0);
  if (label->flops > 0)
    put_stat(&message, METADATA_STATS, STAT_FLOPS, NULL, label->flops, 0);
  if (label->bytes > 0)
    put_stat(&message, METADATA_STATS, STAT_BYTES, NULL, label->bytes, 0);
  put_entry(&w->metadata, PLANE_EVENT_METADATA, number, &message);
}

// The number of |label|: labels of events that happen once differ though they say the same, which
// costs bytes and harms nobody.
static uint32_t number_of(Writer *w, const PjTraceLabel *label) {
  const uint64_t *known = pj_map_find(&w->numbers, pj_map_ptr(label));
  if (known)
    return (uint32_t)*known;
  pj_map_set(w->arena, &w->numbers, pj_map_ptr(label), ++w->count);
  put_label(w, w->count, label);
  return w->count;
}

static Line *line_of(Writer *w, uint32_t thread) {
  for (size_t i = 0; i < w->lines.len; i++)
    if (w->lines.data[i].thread == thread)
      return &w->lines.data[i];
  Line line = {.thread = thread};
  PJ_PUSH(w->arena, &w->lines, line);
  return &w->lines.data[w->lines.len - 1];
}

static bool put_event(void *context, const PjTraceEvent *event) {
  Writer *w = context;
  Line *line = line_of(w, event->thread);
  uint32_t number = number_of(w, event->label);
  PjStrBuf message = {0}; // after what allocates from the arena
  pj_proto_put_varint(&message, EVENT_METADATA_ID, number);
  pj_proto_put_varint(&message, EVENT_OFFSET_PS, (uint64_t)(event->begin_ns - w->begin_ns) * 1000);
  pj_proto_put_varint(&message, EVENT_DURATION_PS,
                      (uint64_t)(event->end_ns - event->begin_ns) * 1000);
  if (event->run)
    put_stat(&message, EVENT_STATS, STAT_RUN, NULL, 0, event->run);
  pj_proto_put_message(&line->events, LINE_EVENTS, &message);
  return !line->events.failed;
}

// Nanoseconds since 1970 at a time of the log's clock: what other planes of a profile count in.
static uint64_t wall_clock(int64_t ns) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int64_t offset = now.tv_sec * INT64_C(1000000000) + now.tv_nsec - pj_trace_clock();
  return (uint64_t)(ns + offset);
}

static void put_line(PjStrBuf *plane, uint64_t began, Line *line) {
  PjStrBuf message = {0};
  char name[32];
  snprintf(name, sizeof name, "thread %u", line->thread);
  pj_proto_put_varint(&message, LINE_ID, line->thread);
  pj_proto_put_bytes(&message, LINE_NAME, pj_str(name));
  pj_proto_put_varint(&message, LINE_TIMESTAMP_NS, began);
  pj_strbuf_append(&message, line->events.data, line->events.len);
  message.failed |= line->events.failed;
  pj_proto_put_message(plane, PLANE_LINES, &message);
}

typedef struct Job {
  Writer w;
  int64_t end_ns;
  PjStrBuf *out;
} Job;

static PjStatus write_guarded(void *context) {
  Job *job = context;
  Writer *w = &job->w;
  uint64_t lost = pj_trace_read(w->begin_ns, job->end_ns, put_event, w);
  PjStrBuf plane = {0};
  pj_proto_put_bytes(&plane, PLANE_NAME, PJ_STR("/device:CUSTOM:pjrt_cpu"));
  for (size_t i = 0; i < w->lines.len; i++)
    put_line(&plane, wall_clock(w->begin_ns), &w->lines.data[i]);
  pj_strbuf_append(&plane, w->metadata.data, w->metadata.len);
  plane.failed |= w->metadata.failed;
  for (int i = 0; i < NUM_STATS; i++) {
    PjStrBuf message = {0};
    pj_proto_put_varint(&message, METADATA_ID, (uint64_t)i + 1);
    pj_proto_put_bytes(&message, METADATA_NAME, pj_str(stat_names[i]));
    put_entry(&plane, PLANE_STAT_METADATA, (uint64_t)i + 1, &message);
  }
  pj_proto_put_message(job->out, SPACE_PLANES, &plane);
  if (lost) {
    char text[96];
    snprintf(text, sizeof text, "%llu events were lost: the log was full",
             (unsigned long long)lost);
    pj_proto_put_bytes(job->out, SPACE_WARNINGS, pj_str(text));
  }
  return pj_strbuf_status(job->out);
}

PjStatus pj_profile_write(int64_t begin_ns, int64_t end_ns, PjStrBuf *out) {
  Job job = {.w = {.begin_ns = begin_ns}, .end_ns = end_ns, .out = out};
  PJ_TRY(pj_arena_create(0, &job.w.arena));
  PjStatus status = pj_arena_guard(job.w.arena, write_guarded, &job);
  for (size_t i = 0; i < job.w.lines.len; i++)
    pj_strbuf_free(&job.w.lines.data[i].events);
  pj_strbuf_free(&job.w.metadata);
  pj_arena_destroy(job.w.arena);
  return status;
}

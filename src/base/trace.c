// See trace.h. Events lie in chunks under one lock: a step of a program takes a microsecond at
// least, the lock some 20 nanoseconds.
#include "base/trace.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"

_Atomic int pj_trace_users_;

// --- Labels --------------------------------------------------------------------------------------

struct PjTraceLabels {
  _Atomic int refs;
  bool logged;         // the log holds a reference; under its lock
  PjTraceLabels *next; // in the log's list
  uint32_t count;
  PjTraceLabel labels[];
};

enum { NUM_STRINGS = 5 };

static const char **string_of(PjTraceLabel *label, int i) {
  const char **strings[NUM_STRINGS] = {&label->name, &label->program, &label->ops, &label->op_name,
                                       &label->source};
  return strings[i];
}

PjTraceLabels *pj_trace_labels_create(uint32_t count) {
  PjTraceLabels *labels = pj_calloc(1, sizeof *labels + count * sizeof *labels->labels);
  if (!labels)
    return NULL;
  atomic_init(&labels->refs, 1);
  labels->count = count;
  for (uint32_t i = 0; i < count; i++)
    for (int k = 0; k < NUM_STRINGS; k++)
      *string_of(&labels->labels[i], k) = "";
  return labels;
}

PjTraceLabels *pj_trace_labels_retain(PjTraceLabels *labels) {
  atomic_fetch_add_explicit(&labels->refs, 1, memory_order_relaxed);
  return labels;
}

void pj_trace_labels_release(PjTraceLabels *labels) {
  if (!labels || atomic_fetch_sub_explicit(&labels->refs, 1, memory_order_acq_rel) != 1)
    return;
  for (uint32_t i = 0; i < labels->count; i++)
    for (int k = 0; k < NUM_STRINGS; k++)
      if (**string_of(&labels->labels[i], k))
        pj_free((char *)(uintptr_t)*string_of(&labels->labels[i], k));
  pj_free(labels);
}

bool pj_trace_label_set(PjTraceLabels *labels, uint32_t index, const PjTraceLabel *label) {
  PjTraceLabel *own = &labels->labels[index];
  own->kind = label->kind;
  own->flops = label->flops;
  own->bytes = label->bytes;
  own->code_bytes = label->code_bytes;
  PjTraceLabel from = *label;
  for (int k = 0; k < NUM_STRINGS; k++) {
    const char *text = *string_of(&from, k);
    if (!text || !*text)
      continue;
    char *copy = pj_strndup(text, strlen(text));
    if (!copy)
      return false;
    *string_of(own, k) = copy;
  }
  return true;
}

uint32_t pj_trace_labels_count(const PjTraceLabels *labels) {
  return labels->count;
}

const PjTraceLabel *pj_trace_label(const PjTraceLabels *labels, uint32_t index) {
  return &labels->labels[index];
}

// --- The log -------------------------------------------------------------------------------------

enum { CHUNK_EVENTS = 4096, MAX_CHUNKS = 1024 };

typedef struct Event {
  PjTraceLabels *labels;
  uint32_t index, thread;
  int64_t begin_ns, end_ns;
  uint64_t run;
} Event;

static struct {
  pthread_mutex_t lock;
  int members; // entered and not left
  Event *chunks[MAX_CHUNKS];
  size_t count;
  uint64_t lost;
  int64_t lost_ns; // when the last one was
  PjTraceLabels *labels;
} the_log = {.lock = PTHREAD_MUTEX_INITIALIZER};

int64_t pj_trace_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// Asked once: after a fork the child's first thread goes by its parent's number, which tells
// threads apart just as well.
static uint32_t this_thread(void) {
  static _Thread_local uint32_t thread;
  if (!thread)
    thread = (uint32_t)syscall(SYS_gettid);
  return thread;
}

// Under the lock; NULL when there is no room.
static Event *next_event(void) {
  size_t chunk = the_log.count / CHUNK_EVENTS;
  if (chunk == MAX_CHUNKS)
    return NULL;
  if (!the_log.chunks[chunk])
    the_log.chunks[chunk] = pj_malloc(CHUNK_EVENTS * sizeof(Event));
  return the_log.chunks[chunk] ? &the_log.chunks[chunk][the_log.count % CHUNK_EVENTS] : NULL;
}

void pj_trace_add(PjTraceLabels *labels, uint32_t index, int64_t begin_ns, int64_t end_ns,
                  uint64_t run) {
  if (!pj_trace_on())
    return;
  uint32_t thread = this_thread();
  pthread_mutex_lock(&the_log.lock);
  Event *event = the_log.members ? next_event() : NULL;
  if (event) {
    *event = (Event){labels, index, thread, begin_ns, end_ns, run};
    the_log.count++;
    if (!labels->logged) {
      labels->logged = true;
      labels->next = the_log.labels;
      the_log.labels = pj_trace_labels_retain(labels);
    }
  } else {
    the_log.lost++;
    the_log.lost_ns = end_ns;
  }
  pthread_mutex_unlock(&the_log.lock);
}

void pj_trace_add_once(const PjTraceLabel *label, int64_t begin_ns, int64_t end_ns, uint64_t run) {
  if (!pj_trace_on())
    return;
  PjTraceLabels *labels = pj_trace_labels_create(1);
  if (labels && pj_trace_label_set(labels, 0, label))
    pj_trace_add(labels, 0, begin_ns, end_ns, run);
  pj_trace_labels_release(labels);
}

void pj_trace_enter(void) {
  pthread_mutex_lock(&the_log.lock);
  the_log.members++;
  pthread_mutex_unlock(&the_log.lock);
}

void pj_trace_start(void) {
  atomic_fetch_add_explicit(&pj_trace_users_, 1, memory_order_relaxed);
}

void pj_trace_stop(void) {
  atomic_fetch_sub_explicit(&pj_trace_users_, 1, memory_order_relaxed);
}

static void empty_log(void) {
  for (size_t i = 0; i < MAX_CHUNKS; i++) {
    pj_free(the_log.chunks[i]);
    the_log.chunks[i] = NULL;
  }
  while (the_log.labels) {
    PjTraceLabels *labels = the_log.labels;
    the_log.labels = labels->next;
    labels->logged = false;
    pj_trace_labels_release(labels);
  }
  the_log.count = 0;
  the_log.lost = 0;
}

void pj_trace_leave(void) {
  pthread_mutex_lock(&the_log.lock);
  if (--the_log.members == 0)
    empty_log();
  pthread_mutex_unlock(&the_log.lock);
}

uint64_t pj_trace_read(int64_t begin_ns, int64_t end_ns,
                       bool (*fn)(void *context, const PjTraceEvent *event), void *context) {
  pthread_mutex_lock(&the_log.lock);
  size_t count = the_log.count;
  uint64_t lost = the_log.lost_ns >= begin_ns ? the_log.lost : 0;
  pthread_mutex_unlock(&the_log.lock);
  // What was added stays as it is until the last member leaves.
  for (size_t i = 0; i < count; i++) {
    const Event *from = &the_log.chunks[i / CHUNK_EVENTS][i % CHUNK_EVENTS];
    if (from->begin_ns < begin_ns || from->end_ns > end_ns)
      continue;
    PjTraceEvent event = {&from->labels->labels[from->index], from->begin_ns, from->end_ns,
                          from->run, from->thread};
    if (!fn(context, &event))
      break;
  }
  return lost;
}

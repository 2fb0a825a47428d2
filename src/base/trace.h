// What happens while a profiler is on: a log of the process that any stage adds to.
//
// An event is a span of time on a thread with a label: what it was, where in the user's program,
// how much work. Labels are made when a profiler first sees what they name, are kept by whoever
// makes them (a schedule, say) and by the log. Without a profiler all this costs one relaxed load
// where pj_trace_on is asked.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef enum PjTraceKind {
  PJ_TRACE_COMPILE,  // a compilation, or a phase of one
  PJ_TRACE_RUN,      // a program on one device
  PJ_TRACE_STEP,     // one step of a program: a kernel, a routine ...
  PJ_TRACE_TRANSFER, // a copy between host and device
} PjTraceKind;

// Strings are never NULL.
typedef struct PjTraceLabel {
  PjTraceKind kind;
  const char *name;    // "kernel 3", "routine gemm", "passes"
  const char *program; // to which it belongs
  const char *ops;     // of steps: the operations that it computes, "multiply, add"
  const char *op_name; // the name that the framework gave one of them, "jit(f)/add"
  const char *source;  // its place in the user's program, "model.py:41:3"
  double flops, bytes; // of one event; 0: not known
  double code_bytes;   // of its machine code; 0: it has none of its own
} PjTraceLabel;

typedef struct PjTraceLabels PjTraceLabels; // a fixed number of labels; reference-counted

extern _Atomic int pj_trace_users_; // profilers that are on

static inline bool pj_trace_on(void) {
  return atomic_load_explicit(&pj_trace_users_, memory_order_relaxed) > 0;
}

// |count| labels, all empty; NULL without memory.
PjTraceLabels *pj_trace_labels_create(uint32_t count);
PjTraceLabels *pj_trace_labels_retain(PjTraceLabels *labels);
void pj_trace_labels_release(PjTraceLabels *labels); // NULL allowed
// Copies |label| with its strings; false without memory. Before anyone else sees the labels.
bool pj_trace_label_set(PjTraceLabels *labels, uint32_t index, const PjTraceLabel *label);
uint32_t pj_trace_labels_count(const PjTraceLabels *labels);
const PjTraceLabel *pj_trace_label(const PjTraceLabels *labels, uint32_t index);

int64_t pj_trace_clock(void); // nanoseconds, monotonic

// Adds an event to the log; does nothing when no profiler is on. |run|: number of the execution, or
// 0. Without memory, and beyond some millions of events, events are counted but lost. Threads: any.
void pj_trace_add(PjTraceLabels *labels, uint32_t index, int64_t begin_ns, int64_t end_ns,
                  uint64_t run);
// An event with a label of its own.
void pj_trace_add_once(const PjTraceLabel *label, int64_t begin_ns, int64_t end_ns, uint64_t run);

// A profiler turns the log on and off; the log is emptied by whoever leaves last. Leaving follows
// the last pj_trace_read.
void pj_trace_enter(void);
void pj_trace_start(void);
void pj_trace_stop(void);
void pj_trace_leave(void);

typedef struct PjTraceEvent {
  const PjTraceLabel *label;
  int64_t begin_ns, end_ns;
  uint64_t run;
  uint32_t thread; // of the operating system
} PjTraceEvent;

// Calls |fn|, which may leave by longjmp, for the events that lie within [begin_ns, end_ns], in the
// order of their ends, until it returns false. For those who have entered. Returns how many events
// of that time are missing, as far as known.
uint64_t pj_trace_read(int64_t begin_ns, int64_t end_ns,
                       bool (*fn)(void *context, const PjTraceEvent *event), void *context);

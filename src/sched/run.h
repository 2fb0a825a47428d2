// Inside of running: what a run of a schedule has at hand.
#pragma once
#include "sched/sched.h"

typedef struct PjRun {
  const PjSchedule *s;
  PjThreads *threads;
  const PjRunOptions *options;
  void **buffers;        // addresses by slot
  char *scratch;         // pj_run_scratch bytes
  PjTraceLabels *labels; // of the steps, while a profiler is on; else NULL
} PjRun;

// Rounded up to what temporaries are aligned to.
static inline size_t pj_run_aligned(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}
// Does |count| steps, one after the other; none of them meets.
PjStatus pj_run_steps(PjRun *r, const PjStep *steps, size_t count);
// Bytes of scratch that steps need on |threads|, a multiple of 64.
size_t pj_run_scratch(const PjSteps *steps, const PjThreads *threads);
// Fills in |buffers|. |memory| and |shared|: where temporaries lie.
void pj_run_bind(const PjSchedule *s, void *const *inputs, void *const *outputs, void *memory,
                 void *shared, void **buffers);
// A tensor of |type| over |data|, which stays the caller's; NULL without memory.
PjTensor *pj_run_tensor(const PjType *type, void *data);
// The contents of |tensor| to |to|, |bytes| of them.
PjStatus pj_run_take(const PjTensor *tensor, void *to, size_t bytes);
// After a turn of loop |step|: the slots that change places.
void pj_run_swap(const PjStep *step, void **buffers);
// Which body a case or if runs.
uint32_t pj_run_branch(const PjStep *step, void *const *buffers);

// A compilation as its user sees it: how far it is, a way to stop it, and log lines while it takes
// long.
//
// Whoever compiles calls pj_compile_tick between pieces of work of a millisecond or so, and passes
// its failure on. Whoever asks for a compilation may put a PjProgress around it on the same thread;
// pj_executable_compile puts one where there is none, for the log (PJRT_LOG=compile: a line after
// one second, and each time that the time has doubled) and the limit (PJRT_COMPILE_TIMEOUT_S).
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

// Called on the thread that ticks, at most ten times a second. |phase| lives for ever; |total| 0:
// not known.
typedef void PjProgressFn(void *context, const char *phase, int64_t done, int64_t total);

typedef struct PjProgress {
  // Set by the user, before it begins.
  PjProgressFn *report; // or NULL
  void *context;
  double limit_s; // 0: none
  // Set by anyone at any time: the compilation ends with CANCELLED at its next tick.
  _Atomic bool cancelled;

  const char *_Atomic name; // of the program, once it is known; lives while the progress does
  int64_t began_ns;
  _Atomic int64_t report_at_ns, log_at_ns; // the next times
  struct PjProgress *outer;
} PjProgress;

// Makes |progress| that of the compilations of this thread, until pj_progress_end.
void pj_progress_begin(PjProgress *progress);
void pj_progress_end(PjProgress *progress);
// That of this thread, or NULL. For threads that help with a compilation.
PjProgress *pj_progress_current(void);

// Tells how far a compilation is. |phase| is a literal. Errors: CANCELLED; DEADLINE_EXCEEDED when
// the limit has passed. NULL: does nothing. Threads: any. Cost: a look at the clock.
PjStatus pj_progress_tick(PjProgress *progress, const char *phase, int64_t done, int64_t total);
// As above for this thread's.
PjStatus pj_compile_tick(const char *phase, int64_t done, int64_t total);

// See progress.h.
#include "base/progress.h"

#include <time.h>

#include "base/log.h"

enum { REPORT_NS = 100000000, FIRST_LOG_NS = 1000000000 };

static _Thread_local PjProgress *current;

static int64_t clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * (int64_t)1000000000 + now.tv_nsec;
}

void pj_progress_begin(PjProgress *progress) {
  progress->began_ns = clock_ns();
  atomic_store(&progress->report_at_ns, progress->began_ns);
  atomic_store(&progress->log_at_ns, progress->began_ns + FIRST_LOG_NS);
  progress->outer = current;
  current = progress;
}

void pj_progress_end(PjProgress *progress) {
  current = progress->outer;
}

PjProgress *pj_progress_current(void) {
  return current;
}

// True for one caller once |now| has reached |*at|, which moves on to |next|.
static bool is_due(_Atomic int64_t *at, int64_t now, int64_t next) {
  int64_t due = atomic_load_explicit(at, memory_order_relaxed);
  return now >= due && atomic_compare_exchange_strong(at, &due, next);
}

PjStatus pj_progress_tick(PjProgress *progress, const char *phase, int64_t done, int64_t total) {
  if (!progress)
    return PJ_STATUS_OK;
  PJ_FAIL_IF(atomic_load_explicit(&progress->cancelled, memory_order_relaxed), CANCELLED,
             "the compilation was cancelled (%s)", phase);
  int64_t now = clock_ns(), age = now - progress->began_ns;
  PJ_FAIL_IF(progress->limit_s > 0 && (double)age > progress->limit_s * 1e9, DEADLINE_EXCEEDED,
             "the compilation takes longer than the %.3g s that are allowed (%s)",
             progress->limit_s, phase);
  if (progress->report && is_due(&progress->report_at_ns, now, now + REPORT_NS))
    progress->report(progress->context, phase, done, total);
  if (is_due(&progress->log_at_ns, now, now + age)) {
    const char *name = atomic_load(&progress->name);
    if (total)
      pj_log(PJ_LOG_COMPILE, "%s: compiling for %.1f s, now %s, %lld of %lld",
             name ? name : "a program", (double)age / 1e9, phase, (long long)done,
             (long long)total);
    else
      pj_log(PJ_LOG_COMPILE, "%s: compiling for %.1f s, now %s", name ? name : "a program",
             (double)age / 1e9, phase);
  }
  return PJ_STATUS_OK;
}

PjStatus pj_compile_tick(const char *phase, int64_t done, int64_t total) {
  return pj_progress_tick(current, phase, done, total);
}

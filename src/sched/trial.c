#include "sched/trial.h"

#include <stdbool.h>
#include <time.h>

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

// The least of the measured runs: what else goes on only makes one longer.
static uint64_t least(PjTrial *trial, int way) {
  uint64_t ns = UINT64_MAX;
  for (int i = 0; i < PJ_TRIAL_RUNS; i++) {
    uint64_t taken = atomic_load_explicit(&trial->ns[way][i], memory_order_relaxed);
    ns = taken < ns ? taken : ns;
  }
  return ns;
}

PjTrialTurn pj_trial_begin(PjTrial *trial) {
  enum { EACH = 1 + PJ_TRIAL_RUNS };
  uint32_t turn =
      atomic_fetch_add_explicit(&trial->turns, 1, memory_order_relaxed) % PJ_TRIAL_PERIOD;
  if (turn < PJ_TRIAL_WAYS * EACH)
    return (PjTrialTurn){now(), (int)turn / EACH, (int)turn % EACH - 1};
  bool through = least(trial, PJ_TRIAL_THROUGH) < least(trial, PJ_TRIAL_PAST);
  return (PjTrialTurn){0, through ? PJ_TRIAL_THROUGH : PJ_TRIAL_PAST, -1};
}

void pj_trial_end(PjTrial *trial, PjTrialTurn turn) {
  if (turn.measured >= 0)
    atomic_store_explicit(&trial->ns[turn.way][turn.measured], now() - turn.began,
                          memory_order_relaxed);
}

// Which of two forms of a kernel is faster where it runs: one whose results go past the caches, and
// one whose results go through them.
//
// A kernel that moves about as much as the last cache holds is up to one and a half times faster
// one way or the other, and which way nothing tells beforehand: it depends on how much of the cache
// other processes and other programs leave, how many threads there are, and on who reads the
// results. Both forms give the same bits. So each is run a few times in turn, and the faster one
// for a while, before both are tried again.
#pragma once
#include <stdatomic.h>
#include <stdint.h>

enum {
  PJ_TRIAL_PAST, // ways
  PJ_TRIAL_THROUGH,
  PJ_TRIAL_WAYS,
  PJ_TRIAL_RUNS = 3,    // that are measured of each way, after one that finds the caches as the
                        // other way left them
  PJ_TRIAL_PERIOD = 256 // turns from one trial to the next
};

// Shared by all runs of a schedule; those at the same time may mix up a measurement, no more.
typedef struct PjTrial {
  _Atomic uint32_t turns;
  _Atomic uint64_t ns[PJ_TRIAL_WAYS][PJ_TRIAL_RUNS];
} PjTrial;

typedef struct PjTrialTurn {
  uint64_t began;
  int way, measured; // its place among the measured ones, -1: it is none
} PjTrialTurn;

PjTrialTurn pj_trial_begin(PjTrial *trial);
void pj_trial_end(PjTrial *trial, PjTrialTurn turn);

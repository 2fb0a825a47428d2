// A lock of one byte for sections of a few instructions: no initialisation, no end, half of a
// mutex's time.
#pragma once
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct PjSpin {
  _Atomic bool held; // zero: free
} PjSpin;

static inline void pj_spin_lock(PjSpin *spin) {
  // Whoever holds it may have lost its processor: let it run.
  for (int tries = 1; atomic_exchange_explicit(&spin->held, true, memory_order_acquire); ++tries)
    if (tries % 16 == 0)
      sched_yield();
}

static inline void pj_spin_unlock(PjSpin *spin) {
  atomic_store_explicit(&spin->held, false, memory_order_release);
}

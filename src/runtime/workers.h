// Worker threads of a client. They start when there is work and go when it has been absent for a
// while, so that loading the plugin and small programs cost no thread.
//
// Thread-safe. A child of fork() may go on: it starts threads of its own, does what was waiting,
// and lacks what the parent's threads were doing. Tasks are the caller's memory and belong to the
// workers until their function is called.
#pragma once
#include <stdbool.h>

#include "base/status.h"

typedef struct PjWorkers PjWorkers;

typedef struct PjTask {
  struct PjTask *next;
  void (*fn)(void *arg);
  void *arg;
} PjTask;

// |max_busy| bounds the threads that run ordinary tasks at a time; 0: twice the processors that
// this process may use.
PjStatus pj_workers_create(int max_busy, PjWorkers **out_workers);
// Waits until all tasks are done, then ends the threads. Not from within a task. NULL allowed.
void pj_workers_destroy(PjWorkers *workers);

// Runs |task| on some thread, sooner or later. Never fails: if no thread can be started at all, it
// runs here and now.
void pj_workers_submit(PjWorkers *workers, PjTask *task);

// Runs |count| tasks at the same time, each on a thread of its own, whatever |max_busy| says: they
// may wait for each other. Errors: RESOURCE_EXHAUSTED if the threads cannot be had; then no task
// runs.
PjStatus pj_workers_submit_gang(PjWorkers *workers, PjTask *const *tasks, int count);

// Around a wait inside a task for something that may need another task to run (a Python callback,
// say): lets another thread work meanwhile. Also allowed outside of tasks.
void pj_workers_block_begin(PjWorkers *workers);
void pj_workers_block_end(PjWorkers *workers);

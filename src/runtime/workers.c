// See workers.h. One lock guards everything: tasks take microseconds at least, and small programs
// never come here.
#include "runtime/workers.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "base/alloc.h"
#include "base/machine.h"

enum {
  IDLE_SECONDS = 5,
  STACK_BYTES = 16 << 20, // evaluation recurses by region nesting; address space only
};

struct PjWorkers {
  pthread_mutex_t lock;
  pthread_cond_t work;   // for idle threads
  pthread_cond_t change; // for whoever waits for threads to end
  PjTask *first, *last;  // ordinary tasks
  int queued;            // their number
  PjTask *gang;          // tasks that have a thread promised to them
  int gang_waiting;      // their number
  int max_busy;
  int max_busy_unblocked; // what |max_busy| is while nobody is blocked
  int threads;            // alive
  int idle;               // waiting for work (until they run again, even if woken)
  int starting;           // created, not running yet
  int busy;               // running ordinary tasks, blocked ones excepted
  bool stopping;
  PjWorkers *next, *previous; // in the list of all pools
};

// What this thread does for a pool: a child of fork() has no other threads.
static _Thread_local struct {
  const PjWorkers *workers; // whose thread it is
  bool ordinary;            // it runs an ordinary task
  int blocks;               // pj_workers_block_begin without its end, of any pool
} self;

// --- fork() --------------------------------------------------------------------------------------

// All pools. A child finds them whole, since the forking thread holds their locks, and without
// threads: new ones start when tasks come. Ordinary tasks that were waiting go on waiting for
// those; what ran, and gangs, some of whose threads may have begun, stay with the parent.
static PjWorkers *all_workers;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void make_conditions(PjWorkers *workers) {
  pthread_condattr_t attr;
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&workers->work, &attr);
  pthread_condattr_destroy(&attr);
  pthread_cond_init(&workers->change, NULL);
}

static void before_fork(void) {
  pthread_mutex_lock(&all_lock);
  for (PjWorkers *workers = all_workers; workers; workers = workers->next)
    pthread_mutex_lock(&workers->lock);
}

static void after_fork_in_parent(void) {
  for (PjWorkers *workers = all_workers; workers; workers = workers->next)
    pthread_mutex_unlock(&workers->lock);
  pthread_mutex_unlock(&all_lock);
}

static void after_fork_in_child(void) {
  for (PjWorkers *workers = all_workers; workers; workers = workers->next) {
    bool ours = self.workers == workers;
    workers->threads = ours;
    workers->busy = ours && self.ordinary;
    workers->max_busy = workers->max_busy_unblocked + self.blocks;
    workers->idle = workers->starting = workers->gang_waiting = 0;
    workers->gang = NULL;
    make_conditions(workers); // the old ones count waiters that are gone
  }
  after_fork_in_parent();
}

static void watch_forks(void) {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

// -------------------------------------------------------------------------------------------------

PjStatus pj_workers_create(int max_busy, PjWorkers **out_workers) {
  *out_workers = NULL;
  PjWorkers *workers = pj_calloc(1, sizeof *workers);
  if (!workers)
    return pj_status_oom();
  pthread_mutex_init(&workers->lock, NULL);
  make_conditions(workers);
  workers->max_busy = workers->max_busy_unblocked = max_busy > 0 ? max_busy : 2 * pj_cpu_count();
  pthread_once(&fork_once, watch_forks);
  pthread_mutex_lock(&all_lock);
  workers->next = all_workers;
  if (all_workers)
    all_workers->previous = workers;
  all_workers = workers;
  pthread_mutex_unlock(&all_lock);
  *out_workers = workers;
  return PJ_STATUS_OK;
}

// Invariant: idle + starting >= gang_waiting, so that every gang task gets a thread whatever the
// others do.

static bool ordinary_ready(const PjWorkers *workers) {
  return workers->first && workers->busy < workers->max_busy;
}

// The life of a thread. Holds the lock except while it runs a task.
static void *worker_main(void *arg) {
  PjWorkers *workers = arg;
  self.workers = workers;
  pthread_mutex_lock(&workers->lock);
  workers->starting--;
  for (;;) {
    PjTask *task = NULL;
    bool ordinary = false;
    if (workers->gang) {
      task = workers->gang;
      workers->gang = task->next;
      workers->gang_waiting--;
    } else if (ordinary_ready(workers)) {
      task = workers->first;
      workers->first = task->next;
      if (!workers->first)
        workers->last = NULL;
      workers->queued--;
      workers->busy++;
      ordinary = true;
    }
    if (task) {
      self.ordinary = ordinary;
      pthread_mutex_unlock(&workers->lock);
      task->fn(task->arg);
      pthread_mutex_lock(&workers->lock);
      if (ordinary)
        workers->busy--;
      continue;
    }
    // A stopping pool waits for what is queued behind |max_busy|, too.
    if (workers->stopping && !workers->first)
      break;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    workers->idle++;
    int rc = pthread_cond_timedwait(&workers->work, &workers->lock, &until);
    workers->idle--;
    if (rc != 0 && !workers->gang && !ordinary_ready(workers) && !workers->stopping)
      break;
  }
  workers->threads--;
  pthread_cond_broadcast(&workers->change);
  pthread_mutex_unlock(&workers->lock);
  return NULL;
}

// Starts one thread; the lock is held. Signals stay with the threads of the host.
static bool start_thread(PjWorkers *workers) {
  pthread_attr_t attr;
  pthread_attr_init(&attr);
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_t thread;
  bool ok = pthread_create(&thread, &attr, worker_main, workers) == 0;
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
  if (ok) {
    workers->threads++;
    workers->starting++;
  }
  return ok;
}

// Sees to it that threads come for the ordinary tasks that |max_busy| allows; the lock is held.
// False if there is no thread at all.
static bool rouse(PjWorkers *workers) {
  int runnable = workers->max_busy - workers->busy;
  if (runnable > workers->queued)
    runnable = workers->queued;
  if (runnable <= 0)
    return true;
  if (workers->idle + workers->starting < workers->gang_waiting + runnable)
    return start_thread(workers) || workers->threads > 0;
  pthread_cond_signal(&workers->work);
  return true;
}

void pj_workers_destroy(PjWorkers *workers) {
  if (!workers)
    return;
  pthread_mutex_lock(&all_lock);
  *(workers->previous ? &workers->previous->next : &all_workers) = workers->next;
  if (workers->next)
    workers->next->previous = workers->previous;
  pthread_mutex_unlock(&all_lock);
  pthread_mutex_lock(&workers->lock);
  if (!workers->threads) // tasks that a child of fork() has not come to
    rouse(workers);
  workers->stopping = true;
  pthread_cond_broadcast(&workers->work);
  while (workers->threads)
    pthread_cond_wait(&workers->change, &workers->lock);
  pthread_mutex_unlock(&workers->lock);
  pthread_cond_destroy(&workers->work);
  pthread_cond_destroy(&workers->change);
  pthread_mutex_destroy(&workers->lock);
  pj_free(workers);
}

void pj_workers_submit(PjWorkers *workers, PjTask *task) {
  task->next = NULL;
  pthread_mutex_lock(&workers->lock);
  if (workers->last)
    workers->last->next = task;
  else
    workers->first = task;
  workers->last = task;
  workers->queued++;
  bool ok = rouse(workers);
  if (!ok) {
    // The queue holds nothing else, or an earlier task would have met the same fate.
    workers->first = workers->last = NULL;
    workers->queued = 0;
  }
  pthread_mutex_unlock(&workers->lock);
  if (!ok)
    task->fn(task->arg);
}

PjStatus pj_workers_submit_gang(PjWorkers *workers, PjTask *const *tasks, int count) {
  pthread_mutex_lock(&workers->lock);
  int missing = workers->gang_waiting + count - (workers->idle + workers->starting);
  bool ok = true;
  for (; ok && missing > 0; missing--)
    ok = start_thread(workers);
  if (ok) {
    for (int i = 0; i < count; i++) {
      tasks[i]->next = workers->gang;
      workers->gang = tasks[i];
    }
    workers->gang_waiting += count;
    pthread_cond_broadcast(&workers->work);
  }
  pthread_mutex_unlock(&workers->lock);
  PJ_FAIL_IF(!ok, RESOURCE_EXHAUSTED,
             "cannot start the %d threads that a program on %d devices needs", count, count);
  return PJ_STATUS_OK;
}

void pj_workers_block_begin(PjWorkers *workers) {
  if (!workers)
    return;
  self.blocks++;
  pthread_mutex_lock(&workers->lock);
  workers->max_busy++;
  rouse(workers);
  pthread_mutex_unlock(&workers->lock);
}

void pj_workers_block_end(PjWorkers *workers) {
  if (!workers)
    return;
  self.blocks--;
  pthread_mutex_lock(&workers->lock);
  workers->max_busy--;
  pthread_mutex_unlock(&workers->lock);
}

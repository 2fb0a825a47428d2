// See threads.h.
//
// A loop is a set of shares, one per thread that it can use, each a range of grains with a cursor.
// A thread takes half of what its own share still holds, over and over, then half of what it finds
// in the others'. So a thread works on neighbouring memory, on the same part of it in loop after
// loop, and one that was late or is slow is helped out.
//
// The caller publishes a loop by opening |gate| and then stepping |epoch|, the word that idle
// workers watch: a few microseconds with their eyes open, then asleep in the kernel (futex). A
// worker enters through the gate, which counts who is inside. Once the caller finds no work left it
// closes the gate and waits until it is empty: workers that came too late to help are not waited
// for.
#include "base/threads.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/machine.h"

enum {
  MAX_THREADS = 1024,
  LINE = 64,             // no two threads write the same cache line without need
  STACK_BYTES = 8 << 20, // address space only
  SPIN_NS = 30000,       // about what it costs to sleep and be woken again
  YIELD_NS = 10000,      // from here on others may have the processor
  PAUSES_PER_LOOK = 16,  // between two looks at the clock
  PIECES_WHEN_BUSY =
      16, // of a loop on its caller, which looks between them whether the workers are free
};

// The gate: who is inside, and two flags.
#define OPEN    0x80000000u
#define AWAITED 0x40000000u // the caller sleeps until the gate is empty
#define INSIDE  0x3fffffffu

typedef struct Share {
  _Alignas(LINE) _Atomic int64_t next; // grains
  int64_t end;
} Share;

typedef struct Worker {
  PjThreads *threads;
  pthread_t handle;
  int index;
  uint32_t epoch; // the last one before the loop that it was started for
} Worker;

struct PjThreads {
  int count;
  bool spins;           // not when there are more threads than processors
  cpu_set_t processors; // those of the creating thread: a loop's caller may be bound to fewer
  bool has_processors;
  PjThreads *next, *previous; // in the list of all pools

  // The loop that runs. Written by its caller before the gate opens.
  PjRangeFn *fn;
  void *context;
  int64_t first, last, grain; // elements
  int num_shares;
  int caller_processor; // or -1

  _Alignas(LINE) _Atomic bool busy; // a loop has the workers; held by its caller
  int started;                      // workers; under |busy|
  _Atomic bool stopping;            // set before the last step of |epoch|
  _Alignas(LINE) _Atomic uint32_t gate;
  _Alignas(LINE) _Atomic uint32_t epoch;
  _Atomic uint32_t sleepers;
  _Atomic int to_wake; // sleepers that the loop can still use

  Worker *workers; // count - 1
  Share shares[];  // count
};

// Where this thread stands in a loop: loops inside of its part run right here, under its number.
static _Thread_local struct {
  const PjThreads *threads;
  int index;
} inside;

// --- Waiting -------------------------------------------------------------------------------------

static void futex_wait(_Atomic uint32_t *word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

static inline void pause_briefly(void) {
#if defined __x86_64__ || defined __i386__
  __builtin_ia32_pause();
#elif defined __aarch64__
  __asm__ volatile("isb" ::: "memory");
#endif
}

static int64_t clock_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * (int64_t)1000000000 + now.tv_nsec;
}

// Watches |word| & |mask| until it differs from |value|; false if it did not for SPIN_NS.
static bool spin(const _Atomic uint32_t *word, uint32_t mask, uint32_t value) {
  for (int64_t start = 0;;) {
    for (int i = 0; i < PAUSES_PER_LOOK; ++i) {
      if ((atomic_load_explicit(word, memory_order_acquire) & mask) != value)
        return true;
      pause_briefly();
    }
    int64_t now = clock_ns();
    if (!start)
      start = now;
    if (now - start > SPIN_NS)
      return false;
    if (now - start > YIELD_NS)
      sched_yield();
  }
}

// Waits until |epoch| has moved on from |seen|, and returns it. The sequentially consistent order
// of our entry into |sleepers| before the kernel reads |epoch|, and of the caller's step of |epoch|
// before it reads |sleepers|, leaves no way to miss a wake-up.
static uint32_t next_epoch(PjThreads *threads, uint32_t seen) {
  if (!threads->spins || !spin(&threads->epoch, UINT32_MAX, seen)) {
    atomic_fetch_add(&threads->sleepers, 1);
    while (atomic_load(&threads->epoch) == seen)
      futex_wait(&threads->epoch, seen);
    atomic_fetch_sub(&threads->sleepers, 1);
  }
  return atomic_load_explicit(&threads->epoch, memory_order_acquire);
}

// Wakes two sleepers, which wake two each in turn: many threads are up in a logarithm of steps, and
// few cost the caller one call.
static void wake_some(PjThreads *threads) {
  if (atomic_load_explicit(&threads->to_wake, memory_order_relaxed) <= 0 ||
      !atomic_load(&threads->sleepers))
    return;
  int left = atomic_fetch_sub(&threads->to_wake, 2);
  if (left > 0)
    futex_wake(&threads->epoch, left < 2 ? left : 2);
}

// --- The parts of a loop -------------------------------------------------------------------------

static void run_share(PjThreads *threads, Share *share, int index) {
  int64_t next = atomic_load_explicit(&share->next, memory_order_relaxed);
  for (;;) {
    int64_t left = share->end - next;
    if (left <= 0)
      return;
    int64_t taken = (left + 1) / 2;
    if (!atomic_compare_exchange_weak_explicit(&share->next, &next, next + taken,
                                               memory_order_relaxed, memory_order_relaxed))
      continue;
    int64_t begin = threads->first + next * threads->grain;
    int64_t end = taken < left || share != &threads->shares[threads->num_shares - 1]
                      ? begin + taken * threads->grain
                      : threads->last;
    threads->fn(threads->context, begin, end, index);
    next = atomic_load_explicit(&share->next, memory_order_relaxed);
  }
}

static void run_shares(PjThreads *threads, int index) {
  inside.threads = threads;
  inside.index = index;
  int own = index % threads->num_shares;
  for (int i = 0; i < threads->num_shares; ++i) {
    int at = own + i < threads->num_shares ? own + i : own + i - threads->num_shares;
    run_share(threads, &threads->shares[at], index);
  }
  inside.threads = NULL;
}

static bool enter(PjThreads *threads) {
  uint32_t gate = atomic_load_explicit(&threads->gate, memory_order_relaxed);
  while (gate & OPEN)
    if (atomic_compare_exchange_weak_explicit(&threads->gate, &gate, gate + 1, memory_order_acquire,
                                              memory_order_relaxed))
      return true;
  return false;
}

static void leave(PjThreads *threads) {
  if (atomic_fetch_sub_explicit(&threads->gate, 1, memory_order_release) == (AWAITED | 1))
    futex_wake(&threads->gate, 1);
}

// The processors of the pool but for |processor|; false if that leaves none.
static bool processors_without(const PjThreads *threads, int processor, cpu_set_t *out) {
  if (!threads->has_processors || !threads->spins || processor < 0 || processor >= CPU_SETSIZE)
    return false;
  *out = threads->processors;
  CPU_CLR(processor, out);
  return CPU_COUNT(out) > 0;
}

// The kernel may wake a worker on the processor that the caller is using, and leaves it there for
// milliseconds. Then the worker steps aside: it excludes that processor, which moves it at once,
// and allows it again.
static void step_aside(const PjThreads *threads) {
  int here = sched_getcpu();
  cpu_set_t others;
  if (here == threads->caller_processor && processors_without(threads, here, &others) &&
      sched_setaffinity(0, sizeof others, &others) == 0)
    sched_setaffinity(0, sizeof threads->processors, &threads->processors);
}

static void *worker_main(void *arg) {
  Worker *worker = arg;
  PjThreads *threads = worker->threads;
  uint32_t epoch = worker->epoch;
  if (threads->has_processors)
    sched_setaffinity(0, sizeof threads->processors, &threads->processors);
  for (;;) {
    epoch = next_epoch(threads, epoch);
    if (atomic_load_explicit(&threads->stopping, memory_order_relaxed))
      return NULL;
    if (!enter(threads))
      continue;
    wake_some(threads);
    step_aside(threads);
    run_shares(threads, worker->index);
    leave(threads);
  }
}

// Starts workers until there are |wanted|, or as many as can be had. Signals stay with the threads
// of the host.
static void start_workers(PjThreads *threads, int wanted) {
  pthread_attr_t attr;
  if (pthread_attr_init(&attr) != 0)
    return;
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  while (threads->started < wanted) {
    Worker *worker = &threads->workers[threads->started];
    worker->threads = threads;
    worker->index = threads->started + 1;
    worker->epoch = atomic_load_explicit(&threads->epoch, memory_order_relaxed);
    if (pthread_create(&worker->handle, &attr, worker_main, worker) != 0)
      break;
    threads->started++;
  }
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attr);
}

static void close_gate(PjThreads *threads) {
  uint32_t gate = atomic_fetch_and_explicit(&threads->gate, ~OPEN, memory_order_acquire) & INSIDE;
  while (gate) {
    // Whoever is inside works on its last piece.
    if (!threads->spins || !spin(&threads->gate, INSIDE, gate)) {
      gate = atomic_fetch_or_explicit(&threads->gate, AWAITED, memory_order_acquire) | AWAITED;
      if (gate & INSIDE)
        futex_wait(&threads->gate, gate);
    }
    gate = atomic_load_explicit(&threads->gate, memory_order_acquire) & INSIDE;
  }
  atomic_store_explicit(&threads->gate, 0, memory_order_relaxed);
}

// Runs elements |first| to |last| with the workers, which are ours.
static void run_parallel(PjThreads *threads, int64_t first, int64_t last, int64_t grain,
                         PjRangeFn *fn, void *context) {
  int64_t grains = (last - first - 1) / grain + 1;
  int shares = grains < threads->count ? (int)grains : threads->count;
  if (threads->started < shares - 1)
    start_workers(threads, shares - 1);
  threads->fn = fn;
  threads->context = context;
  threads->first = first;
  threads->last = last;
  threads->grain = grain;
  threads->num_shares = shares;
  threads->caller_processor = sched_getcpu();
  for (int i = 0; i < shares; ++i) {
    int64_t each = grains / shares, rest = grains % shares;
    int64_t begin = each * i + (i < rest ? i : rest);
    atomic_store_explicit(&threads->shares[i].next, begin, memory_order_relaxed);
    threads->shares[i].end = begin + each + (i < rest);
  }
  atomic_store_explicit(&threads->to_wake, shares - 1, memory_order_relaxed);
  atomic_store_explicit(&threads->gate, OPEN, memory_order_release);
  atomic_fetch_add(&threads->epoch, 1);
  wake_some(threads);
  run_shares(threads, 0);
  close_gate(threads);
}

void pj_threads_for(PjThreads *threads, int64_t count, int64_t grain, PjRangeFn *fn,
                    void *context) {
  if (count <= 0)
    return;
  if (grain < 1)
    grain = 1;
  bool nested = threads && inside.threads == threads;
  if (!threads || threads->count == 1 || count <= grain || nested) {
    fn(context, 0, count, nested ? inside.index : 0);
    return;
  }
  int64_t piece = ((count - 1) / grain / PIECES_WHEN_BUSY + 1) * grain;
  for (int64_t begin = 0; begin < count;) {
    if (count - begin > grain &&
        !atomic_exchange_explicit(&threads->busy, true, memory_order_acquire)) {
      // A loop of another pool may be around us.
      const PjThreads *outer = inside.threads;
      int outer_index = inside.index;
      run_parallel(threads, begin, count, grain, fn, context);
      inside.threads = outer;
      inside.index = outer_index;
      atomic_store_explicit(&threads->busy, false, memory_order_release);
      return;
    }
    int64_t end = count - begin > piece ? begin + piece : count;
    fn(context, begin, end, 0);
    begin = end;
  }
}

// --- Life ----------------------------------------------------------------------------------------

// All pools, because a child of fork() has none of their threads: there they start anew when a loop
// wants them.
static PjThreads *all_pools;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

static void before_fork(void) {
  pthread_mutex_lock(&all_lock);
}

static void after_fork_in_parent(void) {
  pthread_mutex_unlock(&all_lock);
}

static void after_fork_in_child(void) {
  for (PjThreads *threads = all_pools; threads; threads = threads->next) {
    threads->started = 0;
    atomic_store(&threads->gate, 0);
    atomic_store(&threads->sleepers, 0);
    // A loop that another thread of the parent ran is not ours to end.
    atomic_store(&threads->busy, inside.threads == threads && inside.index == 0);
  }
  pthread_mutex_unlock(&all_lock);
}

static void watch_forks(void) {
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

PjStatus pj_threads_create(int count, PjThreads **out_threads) {
  *out_threads = NULL;
  int processors = pj_cpu_count();
  if (count <= 0)
    count = processors;
  if (count > MAX_THREADS)
    count = MAX_THREADS;
  size_t size = sizeof(PjThreads) + (size_t)count * sizeof(Share);
  PjThreads *threads = pj_malloc_aligned(size, LINE);
  Worker *workers = threads ? pj_calloc((size_t)count, sizeof *workers) : NULL;
  if (!workers) {
    pj_free_aligned(threads);
    return pj_status_oom();
  }
  *threads = (PjThreads){.count = count, .spins = count <= processors, .workers = workers};
  threads->has_processors =
      sched_getaffinity(0, sizeof threads->processors, &threads->processors) == 0;
  pthread_once(&fork_once, watch_forks);
  pthread_mutex_lock(&all_lock);
  threads->next = all_pools;
  if (all_pools)
    all_pools->previous = threads;
  all_pools = threads;
  pthread_mutex_unlock(&all_lock);
  *out_threads = threads;
  return PJ_STATUS_OK;
}

void pj_threads_destroy(PjThreads *threads) {
  if (!threads)
    return;
  pthread_mutex_lock(&all_lock);
  *(threads->previous ? &threads->previous->next : &all_pools) = threads->next;
  if (threads->next)
    threads->next->previous = threads->previous;
  pthread_mutex_unlock(&all_lock);
  atomic_store_explicit(&threads->stopping, true, memory_order_relaxed);
  atomic_fetch_add(&threads->epoch, 1);
  futex_wake(&threads->epoch, INT_MAX);
  for (int i = 0; i < threads->started; ++i)
    pthread_join(threads->workers[i].handle, NULL);
  pj_free(threads->workers);
  pj_free_aligned(threads);
}

int pj_threads_count(const PjThreads *threads) {
  return threads ? threads->count : 1;
}

// The pool of threads: every element once, nested and concurrent loops, numbers of threads, forks,
// exhaustion.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/machine.h"
#include "base/threads.h"

enum { MAX = 8 };

static PjThreads *pool(int count) {
  PjThreads *threads;
  assert_null(pj_threads_create(count, &threads));
  return threads;
}

typedef struct Loop {
  PjThreads *threads;
  int64_t count, grain;
  unsigned char *seen; // times each element was run
  _Atomic int bad;     // parts that break a promise
  _Atomic int on[MAX]; // parts that run on a thread now
  _Atomic int ranges;
  int work; // per element
} Loop;

static void mark(void *context, int64_t begin, int64_t end, int thread) {
  Loop *loop = context;
  bool ok = thread >= 0 && thread < pj_threads_count(loop->threads) && begin < end && begin >= 0 &&
            end <= loop->count && begin % loop->grain == 0 &&
            (end % loop->grain == 0 || end == loop->count);
  if (!ok || atomic_fetch_add(&loop->on[thread], 1) != 0) {
    atomic_fetch_add(&loop->bad, 1);
    return;
  }
  for (int64_t i = begin; i < end; ++i) {
    loop->seen[i]++; // not atomic: nobody else may be here
    for (volatile int k = 0; k < loop->work; ++k) {
    }
  }
  atomic_fetch_sub(&loop->on[thread], 1);
  atomic_fetch_add(&loop->ranges, 1);
}

static bool run_loop(PjThreads *threads, int64_t count, int64_t grain, int work) {
  Loop loop = {.threads = threads,
               .count = count,
               .grain = grain,
               .work = work,
               .seen = calloc(1, (size_t)count + 1)};
  pj_threads_for(threads, count, grain, mark, &loop);
  bool ok = loop.seen && loop.bad == 0;
  for (int64_t i = 0; i < count; ++i)
    ok = ok && loop.seen[i] == 1;
  free(loop.seen);
  return ok && (count > 0) == (loop.ranges > 0);
}

static void every_element_runs_once(void **state) {
  static const int64_t counts[] = {0, 1, 2, 3, 5, 7, 16, 63, 64, 65, 1000, 4097};
  static const int64_t grains[] = {1, 2, 3, 16, 64, 5000};
  for (int n = 1; n <= 5; ++n) {
    PjThreads *threads = pool(n);
    assert_int_equal(pj_threads_count(threads), n);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; ++c)
      for (size_t g = 0; g < sizeof grains / sizeof *grains; ++g)
        assert_true(run_loop(threads, counts[c], grains[g], 0));
    pj_threads_destroy(threads);
  }
}

static void thousands_of_short_loops(void **state) {
  PjThreads *threads = pool(3);
  for (int i = 0; i < 5000; ++i)
    assert_true(run_loop(threads, 1 + i % 97, 1 + i % 7, i % 11));
  pj_threads_destroy(threads);
}

static void no_pool_is_a_pool_of_one(void **state) {
  assert_int_equal(pj_threads_count(NULL), 1);
  assert_true(run_loop(NULL, 100, 3, 0));
  pj_threads_destroy(NULL);
}

typedef struct Thread {
  pthread_t first;
  _Atomic int others;
} Thread;

static void note_thread(void *context, int64_t begin, int64_t end, int thread) {
  Thread *t = context;
  if (!pthread_equal(pthread_self(), t->first))
    atomic_fetch_add(&t->others, 1);
  // Long enough that a worker is awake before the caller has done everything.
  struct timespec nap = {.tv_nsec = 2000000};
  nanosleep(&nap, NULL);
}

static void workers_do_run(void **state) {
  PjThreads *threads = pool(4);
  Thread t = {.first = pthread_self()};
  pj_threads_for(threads, 16, 1, note_thread, &t);
  assert_true(t.others > 0);
  // After a while they sleep, and are woken.
  struct timespec nap = {.tv_nsec = 20000000};
  nanosleep(&nap, NULL);
  t.others = 0;
  pj_threads_for(threads, 16, 1, note_thread, &t);
  assert_true(t.others > 0);
  // What is not worth a hand-over stays on its caller.
  t.others = 0;
  pj_threads_for(threads, 16, 16, note_thread, &t);
  assert_int_equal(t.others, 0);
  pj_threads_destroy(threads);
}

typedef struct Nest {
  PjThreads *threads, *other;
  _Atomic int bad;
  _Atomic int64_t sum;
  _Atomic int on[MAX];
} Nest;

typedef struct Inner {
  Nest *nest;
  int outer; // thread of the outer part, or -1 for a pool of its own
} Inner;

static void inner_part(void *context, int64_t begin, int64_t end, int thread) {
  Inner *inner = context;
  // Inside a part of the same pool the outer thread's number goes on, so scratch by number stays
  // apart.
  if (inner->outer >= 0 && (thread != inner->outer || begin != 0 || end != 50))
    atomic_fetch_add(&inner->nest->bad, 1);
  for (int64_t i = begin; i < end; ++i)
    atomic_fetch_add(&inner->nest->sum, i);
}

static void outer_part(void *context, int64_t begin, int64_t end, int thread) {
  Nest *nest = context;
  if (atomic_fetch_add(&nest->on[thread], 1) != 0)
    atomic_fetch_add(&nest->bad, 1);
  for (int64_t i = begin; i < end; ++i) {
    Inner same = {nest, thread}, apart = {nest, -1};
    pj_threads_for(nest->threads, 50, 1, inner_part, &same);
    pj_threads_for(nest->other, 50, 1, inner_part, &apart);
    pj_threads_for(nest->threads, 50, 1, inner_part, &same);
  }
  atomic_fetch_sub(&nest->on[thread], 1);
}

static void loops_nest(void **state) {
  Nest nest = {.threads = pool(4), .other = pool(2)};
  for (int i = 0; i < 50; ++i)
    pj_threads_for(nest.threads, 40, 1, outer_part, &nest);
  assert_int_equal(nest.bad, 0);
  assert_int_equal(nest.sum, 50 * 40 * 3 * (49 * 50 / 2));
  pj_threads_destroy(nest.threads);
  pj_threads_destroy(nest.other);
}

static void *loops_of_a_caller(void *arg) {
  PjThreads *threads = arg;
  for (int i = 0; i < 400; ++i)
    if (!run_loop(threads, 1 + i * 7 % 300, 1 + i % 5, 20))
      return arg;
  return NULL;
}

static void several_callers_at_once(void **state) {
  PjThreads *threads = pool(3);
  pthread_t callers[5];
  for (int i = 0; i < 5; ++i)
    assert_int_equal(pthread_create(&callers[i], NULL, loops_of_a_caller, threads), 0);
  for (int i = 0; i < 5; ++i) {
    void *failed;
    pthread_join(callers[i], &failed);
    assert_null(failed);
  }
  pj_threads_destroy(threads);
}

static void pools_come_and_go(void **state) {
  for (int i = 0; i < 200; ++i) {
    PjThreads *threads = pool(1 + i % 5);
    if (i % 3)
      assert_true(run_loop(threads, 100, 1, 0));
    if (i % 10 == 9) {
      struct timespec nap = {.tv_nsec = 100000};
      nanosleep(&nap, NULL);
    }
    pj_threads_destroy(threads);
  }
}

static void a_child_of_fork_starts_anew(void **state) {
#ifdef __SANITIZE_THREAD__
  skip(); // the sanitizer knows no threads in a child
#endif
  PjThreads *threads = pool(3);
  assert_true(run_loop(threads, 1000, 1, 10));
  pid_t child = fork();
  if (child == 0) {
    bool ok = true;
    for (int i = 0; i < 100; ++i)
      ok = ok && run_loop(threads, 1000, 1, 10);
    pj_threads_destroy(threads);
    _exit(ok ? 0 : 1);
  }
  assert_true(child > 0);
  assert_true(run_loop(threads, 1000, 1, 10));
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  pj_threads_destroy(threads);
}

static int64_t process_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * (int64_t)1000000000 + now.tv_nsec;
}

static void idle_workers_use_no_processor(void **state) {
  PjThreads *threads = pool(4);
  assert_true(run_loop(threads, 1000, 1, 10));
  struct timespec nap = {.tv_nsec = 20000000};
  nanosleep(&nap, NULL);
  int64_t start = process_ns();
  for (int i = 0; i < 10; ++i)
    nanosleep(&nap, NULL);
  // 200 ms have passed; three workers that watch would have used hundreds.
  assert_true(process_ns() - start < 50000000);
  pj_threads_destroy(threads);
}

static void counts_obey_affinity(void **state) {
  cpu_set_t old, one;
  assert_int_equal(sched_getaffinity(0, sizeof old, &old), 0);
  assert_in_range(pj_cpu_count(), 1, CPU_COUNT(&old));
  int first = 0;
  while (!CPU_ISSET(first, &old))
    first++;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  assert_int_equal(pj_cpu_count(), 1);
  PjThreads *threads = pool(0);
  assert_int_equal(pj_threads_count(threads), 1);
  pj_threads_destroy(threads);
  // More threads than processors: nobody spins, everything still comes to an end.
  threads = pool(4);
  for (int i = 0; i < 200; ++i)
    assert_true(run_loop(threads, 100, 1, 0));
  pj_threads_destroy(threads);
  assert_int_equal(sched_setaffinity(0, sizeof old, &old), 0);
}

static void exhausted_memory_is_an_error(void **state) {
  for (int n = 0; n < 2; ++n) {
    PjThreads *threads = (PjThreads *)1;
    pj_alloc_fail_after(n);
    PjStatus status = pj_threads_create(3, &threads);
    pj_alloc_fail_after(-1);
    assert_int_equal(pj_status_code(status), PJ_RESOURCE_EXHAUSTED);
    assert_null(threads);
    pj_status_free(status);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_element_runs_once),
      cmocka_unit_test(thousands_of_short_loops),
      cmocka_unit_test(no_pool_is_a_pool_of_one),
      cmocka_unit_test(workers_do_run),
      cmocka_unit_test(loops_nest),
      cmocka_unit_test(several_callers_at_once),
      cmocka_unit_test(pools_come_and_go),
      cmocka_unit_test(a_child_of_fork_starts_anew),
      cmocka_unit_test(idle_workers_use_no_processor),
      cmocka_unit_test(counts_obey_affinity),
      cmocka_unit_test(exhausted_memory_is_an_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

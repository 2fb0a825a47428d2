// bench-threads [threads]: what a parallel loop costs, apart from its work.
//
// Rows: loops back to back (workers are awake), loops after a pause (they sleep), and loops of an
// amount of work, against the same work on one thread.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/threads.h"

enum { SAMPLES = 1001 };

static double now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void report(const char *what, double *times, int count) {
  qsort(times, (size_t)count, sizeof *times, by_size);
  printf("%-44s median %8.2f us   10%% %8.2f   90%% %8.2f\n", what, times[count / 2],
         times[count / 10], times[count * 9 / 10]);
}

static float data[1 << 16];

static void work(void *context, int64_t begin, int64_t end, int thread) {
  for (int64_t i = begin; i < end; ++i)
    data[i] = sqrtf(data[i] + 1) * 0.5f;
}

static void nothing(void *context, int64_t begin, int64_t end, int thread) {}

static void measure(const char *what, PjThreads *threads, int64_t count, int64_t grain,
                    PjRangeFn *fn, unsigned pause_us, int samples) {
  static double times[SAMPLES];
  pj_threads_for(threads, count, grain, fn, NULL);
  for (int i = 0; i < samples; ++i) {
    if (pause_us)
      usleep(pause_us);
    double start = now_us();
    pj_threads_for(threads, count, grain, fn, NULL);
    times[i] = now_us() - start;
  }
  report(what, times, samples);
}

int main(int argc, char **argv) {
  PjThreads *threads;
  PjStatus status = pj_threads_create(argc > 1 ? atoi(argv[1]) : 0, &threads);
  if (status) {
    fprintf(stderr, "%s\n", pj_status_message(status));
    return 1;
  }
  int count = pj_threads_count(threads);
  printf("%d threads\n", count);
  measure("clock alone", NULL, 1, 1, nothing, 0, SAMPLES);
  measure("empty, back to back", threads, count, 1, nothing, 0, SAMPLES);
  measure("empty, after 1 ms", threads, count, 1, nothing, 1000, 301);
  for (int64_t n = 1 << 10; n <= 1 << 16; n <<= 2) {
    char what[64];
    snprintf(what, sizeof what, "sqrt of %lld, one thread", (long long)n);
    measure(what, NULL, n, 1, work, 0, SAMPLES);
    snprintf(what, sizeof what, "sqrt of %lld, back to back", (long long)n);
    measure(what, threads, n, n / 16, work, 0, SAMPLES);
    snprintf(what, sizeof what, "sqrt of %lld, after 1 ms", (long long)n);
    measure(what, threads, n, n / 16, work, 1000, 301);
  }
  pj_threads_destroy(threads);
  return 0;
}

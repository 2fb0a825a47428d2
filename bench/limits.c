// bench-limits [seconds per figure]: what this machine can do at most, to read the bench against.
//
// Memory bandwidth (read, fill, copy, triad a = b + s c) from memory and from the caches,
// multiply-adds per second in f32 and f64 (and in bf16 and bytes, where the processor has them),
// with 1 thread and with all; then what it costs to hand work to another thread and to wait for it.
// Bytes are those that the program names: a copy of n bytes counts 2 n, although a plain store
// makes the cache read its line first; "streaming" stores do not. Each figure is the best of many
// rounds, since a limit is what is sought.
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "base/cpu.h"
#include "base/threads.h"

#ifdef __x86_64__
#define WIDE __attribute__((target("avx2,fma")))
#else
#define WIDE
#endif

// A vector of 32 bytes, whatever the target makes of it.
typedef float Floats __attribute__((vector_size(32)));
typedef double Doubles __attribute__((vector_size(32)));

enum { VECTOR = 32, ACCUMULATORS = 8, CHAINS = 12, MEMORY = 64 << 20, HAND_OVERS = 1000 };

static double seconds_per_figure = 0.25;
static Floats *to, *from, *third;
static volatile float sink;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// --- Memory
// ---------------------------------------------------------------------------------------------------

WIDE static void read_range(void *context, int64_t begin, int64_t end, int thread) {
  Floats sums[ACCUMULATORS] = {0};
  for (int64_t i = begin; i + ACCUMULATORS <= end; i += ACCUMULATORS) {
    _Pragma("GCC unroll 16") for (int k = 0; k < ACCUMULATORS; ++k) sums[k] += from[i + k];
  }
  for (int k = 1; k < ACCUMULATORS; ++k)
    sums[0] += sums[k];
  sink = sums[0][0];
}

// A processor fetches ahead only so much of one stream.
WIDE static void read_places_range(void *context, int64_t begin, int64_t end, int thread) {
  enum { PLACES = 4 };
  Floats sums[ACCUMULATORS] = {0};
  const int64_t part = (end - begin) / PLACES;
  for (int64_t i = begin; i + 2 <= begin + part; i += 2) {
    _Pragma("GCC unroll 16") for (int k = 0; k < ACCUMULATORS; ++k) sums[k] +=
        from[i + k / 2 * part + k % 2];
  }
  for (int k = 1; k < ACCUMULATORS; ++k)
    sums[0] += sums[k];
  sink = sums[0][0];
}

WIDE static void fill_range(void *context, int64_t begin, int64_t end, int thread) {
  Floats value = {1, 2, 3, 4, 5, 6, 7, 8};
  for (int64_t i = begin; i < end; ++i) {
    to[i] = value;
    __asm__ volatile("" ::: "memory"); // Or the compiler calls memset, which may stream.
  }
}

WIDE static void copy_range(void *context, int64_t begin, int64_t end, int thread) {
  for (int64_t i = begin; i < end; ++i) {
    to[i] = from[i];
    __asm__ volatile("" ::: "memory");
  }
}

WIDE static void triad_range(void *context, int64_t begin, int64_t end, int thread) {
  for (int64_t i = begin; i < end; ++i)
    to[i] = from[i] + 0.5f * third[i];
}

static void memcpy_range(void *context, int64_t begin, int64_t end, int thread) {
  memcpy(to + begin, from + begin, (size_t)(end - begin) * VECTOR);
}

#ifdef __x86_64__
WIDE static void stream_copy_range(void *context, int64_t begin, int64_t end, int thread) {
  for (int64_t i = begin; i < end; ++i)
    _mm256_stream_ps((float *)&to[i], (__m256)from[i]);
  _mm_sfence();
}
#endif

// The best rate of |fn| over |count| elements that name |units| each; |threads| NULL: on this
// thread.
static double best_rate(PjThreads *threads, PjRangeFn *fn, int64_t count, double units) {
  int parts = pj_threads_count(threads);
  int64_t grain = (count + parts - 1) / parts;
  // Small counts are repeated within one measurement, so that the clock does not matter.
  int repeats = (int)(1 + (1 << 16) / count);
  double best = 1e9, end = now() + seconds_per_figure;
  while (now() < end) {
    double start = now();
    for (int i = 0; i < repeats; ++i)
      pj_threads_for(threads, count, grain, fn, NULL);
    double taken = (now() - start) / repeats;
    best = taken < best ? taken : best;
  }
  return (double)count * units / best;
}

static void bandwidth(const char *what, PjThreads *threads, PjRangeFn *fn, double bytes) {
  int64_t sizes[] = {16 << 10, 256 << 10, 8 << 20, MEMORY};
  printf("%-24s", what);
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; ++i) {
    bool handed_over = pj_threads_count(threads) > 1 && sizes[i] < 1 << 20;
    if (handed_over)
      printf(" %12s", "");
    else
      printf(" %12.1f", 1e-9 * best_rate(threads, fn, sizes[i] / VECTOR, bytes * VECTOR));
  }
  printf("\n");
}

// --- Arithmetic
// -----------------------------------------------------------------------------------------------

// Chains of dependent multiply-adds, enough of them to fill every pipe. NAME runs |end| - |begin|
// steps of CHAINS.
#define PEAK(name, attribute, type, splat, fma)                                               \
  attribute static void name(void *context, int64_t begin, int64_t end, int thread) {         \
    type sums[CHAINS], a = splat(0.999f), b = splat(0.001f);                                  \
    for (int k = 0; k < CHAINS; ++k)                                                          \
      sums[k] = splat((float)k);                                                              \
    for (int64_t i = begin; i < end; ++i) {                                                   \
      _Pragma("GCC unroll 16") for (int k = 0; k < CHAINS; ++k) sums[k] = fma(sums[k], a, b); \
    }                                                                                         \
    for (int k = 1; k < CHAINS; ++k)                                                          \
      sums[0] = fma(sums[k], a, sums[0]);                                                     \
    sink = (float)((const volatile float *)&sums[0])[0];                                      \
  }

#ifdef __x86_64__
#define WIDER __attribute__((target("avx512f")))
PEAK(peak_f32_avx512, WIDER, __m512, _mm512_set1_ps, _mm512_fmadd_ps)
PEAK(peak_f64_avx512, WIDER, __m512d, _mm512_set1_pd, _mm512_fmadd_pd)
// Products of pairs of bf16, and of fours of bytes, added to each of 16 sums.
#define DOTS __attribute__((target("avx512f,avx512bf16,avx512vnni")))
DOTS static inline __m512 dots_bf16(__m512 sum, __m512 a, __m512 b) {
  return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}
DOTS static inline __m512 dots_bytes(__m512 sum, __m512 a, __m512 b) {
  return (__m512)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
}
PEAK(peak_bf16, DOTS, __m512, _mm512_set1_ps, dots_bf16)
PEAK(peak_bytes, DOTS, __m512, _mm512_set1_ps, dots_bytes)
PEAK(peak_f32_avx2, WIDE, __m256, _mm256_set1_ps, _mm256_fmadd_ps)
PEAK(peak_f64_avx2, WIDE, __m256d, _mm256_set1_pd, _mm256_fmadd_pd)
#else
#define SPLAT(x)   \
  (x) - (Floats) { \
    0              \
  }
#define SPLAT_WIDE(x)       \
  (double)(x) - (Doubles) { \
    0                       \
  }
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
PEAK(peak_f32, , Floats, SPLAT, MULTIPLY_ADD)
PEAK(peak_f64, , Doubles, SPLAT_WIDE, MULTIPLY_ADD)
#endif

static void peak(const char *what, PjThreads *threads, PjRangeFn *fn, int lanes) {
  printf("%-24s %12.1f GFLOP/s\n", what,
         1e-9 * best_rate(threads, fn, 1 << 20, 2.0 * CHAINS * lanes));
}

static void arithmetic(PjThreads *threads) {
#ifdef __x86_64__
  if (pj_cpu_has(PJ_CPU_AVX512)) {
    peak("f32, AVX-512", threads, peak_f32_avx512, 16);
    peak("f64, AVX-512", threads, peak_f64_avx512, 8);
  }
  if (pj_cpu_has(PJ_CPU_AVX512_BF16))
    peak("bf16, AVX-512", threads, peak_bf16, 32);
  if (pj_cpu_has(PJ_CPU_AVX512_VNNI))
    peak("8-bit integers, AVX-512", threads, peak_bytes, 64);
  peak("f32, AVX2", threads, peak_f32_avx2, 8);
  peak("f64, AVX2", threads, peak_f64_avx2, 4);
#else
  peak("f32", threads, peak_f32, 8);
  peak("f64", threads, peak_f64, 4);
#endif
}

// --- Hand-over
// ------------------------------------------------------------------------------------------------

static atomic_int ball;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t moved = PTHREAD_COND_INITIALIZER;

// Two threads take turns: |ball| even is the caller's turn, odd the other's. Spinning, or asleep in
// between.
static void spin_turns(int mine) {
  for (int i = mine; i < HAND_OVERS; i += 2) {
    while (atomic_load_explicit(&ball, memory_order_acquire) != i) {
    }
    atomic_store_explicit(&ball, i + 1, memory_order_release);
  }
}

static void sleep_turns(int mine) {
  for (int i = mine; i < HAND_OVERS; i += 2) {
    pthread_mutex_lock(&lock);
    while (atomic_load(&ball) != i)
      pthread_cond_wait(&moved, &lock);
    atomic_store(&ball, i + 1);
    pthread_cond_signal(&moved);
    pthread_mutex_unlock(&lock);
  }
}

static void *spin_other(void *unused) {
  spin_turns(1);
  return NULL;
}

static void *sleep_other(void *unused) {
  sleep_turns(1);
  return NULL;
}

static void hand_over(const char *what, void *(*other)(void *), void (*turns)(int)) {
  double best = 1e9;
  for (int round = 0; round < 20; ++round) {
    pthread_t thread;
    atomic_store(&ball, 0);
    if (pthread_create(&thread, NULL, other, NULL) != 0)
      return;
    double start = now();
    turns(0);
    pthread_join(thread, NULL);
    double taken = now() - start;
    best = taken < best ? taken : best;
  }
  printf("%-48s %8.2f us\n", what, 1e6 * best / HAND_OVERS);
}

static void nothing(void *context, int64_t begin, int64_t end, int thread) {}

static void loops(PjThreads *threads) {
  enum { ROUNDS = 2000 };
  pj_threads_for(threads, 2, 1, nothing, NULL);
  double start = now();
  for (int i = 0; i < ROUNDS; ++i)
    pj_threads_for(threads, pj_threads_count(threads), 1, nothing, NULL);
  printf("%-48s %8.2f us\n", "a parallel loop of nothing, workers awake",
         1e6 * (now() - start) / ROUNDS);
}

static void report(PjThreads *threads) {
  int count = pj_threads_count(threads);
  printf("\n%d thread%s\n%-24s %12s %12s %12s %12s\n", count, count == 1 ? "" : "s", "GB/s",
         "16 KiB", "256 KiB", "8 MiB", "64 MiB");
  bandwidth("read", threads, read_range, 1);
  bandwidth("read in four places", threads, read_places_range, 1);
  bandwidth("fill", threads, fill_range, 1);
  bandwidth("copy", threads, copy_range, 2);
  bandwidth("copy, memcpy", threads, memcpy_range, 2);
#ifdef __x86_64__
  bandwidth("copy, streaming", threads, stream_copy_range, 2);
#endif
  bandwidth("triad", threads, triad_range, 3);
  arithmetic(threads);
}

int main(int argc, char **argv) {
  if (argc > 1)
    seconds_per_figure = atof(argv[1]);
#ifdef __x86_64__
  if (!pj_cpu_has(PJ_CPU_AVX2)) {
    fprintf(stderr, "bench-limits: needs AVX2\n");
    return 1;
  }
#endif
  PjThreads *threads;
  PjStatus status = pj_threads_create(0, &threads);
  Floats **arrays[] = {&to, &from, &third};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; ++i) {
    *arrays[i] = aligned_alloc(4096, MEMORY);
    if (status || !*arrays[i]) {
      fprintf(stderr, "bench-limits: out of memory\n");
      return 1;
    }
    memset(*arrays[i], 0, MEMORY);
  }
  report(NULL);
  if (pj_threads_count(threads) > 1)
    report(threads);
  printf("\n");
  hand_over("hand-over to a spinning thread", spin_other, spin_turns);
  hand_over("hand-over to a sleeping thread", sleep_other, sleep_turns);
  loops(threads);
  pj_threads_destroy(threads);
  return 0;
}

// Descriptions of targets, and of the machine at hand.
#include "kernel/target.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/options.h"

const char *pj_isa_name(PjIsa isa) {
  static const char *const names[PJ_ISA_COUNT] = {"sse", "avx2", "avx512", "neon"};
  return isa < PJ_ISA_COUNT ? names[isa] : "?";
}

PjKirTarget pj_kir_target_of(PjIsa isa) {
  static const int vector_bytes[PJ_ISA_COUNT] = {16, 32, 64, 16};
  return (PjKirTarget){.isa = isa,
                       .vector_bytes = vector_bytes[isa],
                       .fma = isa != PJ_ISA_SSE,
                       .l1_bytes = 32 << 10,
                       .l2_bytes = 512 << 10,
                       .l3_bytes = 4 << 20,
                       .past_bytes = INT64_MAX,
                       .returned_bytes = INT64_MAX,
                       .threads = 2};
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static PjKirTarget host;

static void cache_size(int name, int64_t *size) {
  long bytes = sysconf(name);
  if (bytes > 0)
    *size = bytes;
}

#ifdef _SC_LEVEL1_DCACHE_SIZE
// Bytes of the last cache that processor 0 reaches, 0: not known. The C library adds up all of a
// socket, so the system is asked first.
static int64_t last_cache(void) {
  long long kib = 0;
  FILE *file = fopen("/sys/devices/system/cpu/cpu0/cache/index3/size", "r");
  if (file) {
    if (fscanf(file, "%lldK", &kib) != 1 || kib < 0 || kib > INT32_MAX)
      kib = 0;
    fclose(file);
  }
  int64_t bytes = kib << 10;
  if (!bytes)
    cache_size(_SC_LEVEL3_CACHE_SIZE, &bytes);
  return bytes;
}
#endif

// Three quarters of the last cache: with more than that moved, lines that are written may not have
// been in it, and may be evicted again before they are read. With twice as much they are. What
// nobody reads for now may be evicted with half of it.
static void past_limits(PjKirTarget *target, int64_t last_cache) {
  if (*pj_option_text(PJ_OPTION_WRITE_PAST_KB)) {
    int64_t kib = pj_option_int(PJ_OPTION_WRITE_PAST_KB);
    target->past_bytes = kib > 0 && kib < INT64_MAX >> 10 ? kib << 10 : INT64_MAX;
  } else if (last_cache) {
    target->past_bytes = last_cache / 4 * 3;
    target->tried_bytes = 2 * target->past_bytes;
    target->returned_bytes = last_cache / 2;
  }
}

static void detect(void) {
#if defined(__aarch64__)
  host = pj_kir_target_of(PJ_ISA_NEON);
#else
  host = pj_kir_target_of(pj_cpu_has(PJ_CPU_AVX512)               ? PJ_ISA_AVX512
                          : pj_cpu_has(PJ_CPU_AVX2 | PJ_CPU_F16C) ? PJ_ISA_AVX2
                                                                  : PJ_ISA_SSE);
  host.bytes_move = pj_cpu_has(PJ_CPU_AVX512 | PJ_CPU_AVX512_VBMI);
#endif
#ifdef _SC_LEVEL1_DCACHE_SIZE
  cache_size(_SC_LEVEL1_DCACHE_SIZE, &host.l1_bytes);
  cache_size(_SC_LEVEL2_CACHE_SIZE, &host.l2_bytes);
  int64_t shared = last_cache();
#else
  int64_t shared = 0;
#endif
  long threads = sysconf(_SC_NPROCESSORS_ONLN);
  host.threads = threads > 0 ? (int)threads : 1;
  if (shared) // All processors share it; one can count on its part, but on no less than its own.
    host.l3_bytes = shared / host.threads > host.l2_bytes ? shared / host.threads : host.l2_bytes;
  past_limits(&host, shared);
  // Those with AVX-512 fetch far enough ahead within the last cache.
  if (host.isa == PJ_ISA_AVX512)
    host.streamed_bytes = shared;
}

const PjKirTarget *pj_kir_target_host(void) {
  pthread_once(&once, detect);
  return &host;
}

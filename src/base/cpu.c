// Features of the processor: the compiler's run-time checks, which include the operating system's
// part.
#include "base/cpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/options.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t machine;                      // with the option applied
static _Atomic uint32_t current = UINT32_MAX; // UINT32_MAX: not read yet

#if defined(__x86_64__)
// Behind a check of AVX, which includes the operating system's part.
static bool has_f16c(void) {
  unsigned a, b, c, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

static uint32_t detect(void) {
  uint32_t set = 0;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    set |= PJ_CPU_AVX2;
  if (!(set & PJ_CPU_AVX2))
    return set;
  if (has_f16c())
    set |= PJ_CPU_F16C;
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
    set |= PJ_CPU_AVX512;
  if (!(set & PJ_CPU_AVX512))
    return set;
  if (__builtin_cpu_supports("avx512bf16"))
    set |= PJ_CPU_AVX512_BF16;
  if (__builtin_cpu_supports("avx512vnni"))
    set |= PJ_CPU_AVX512_VNNI;
  if (__builtin_cpu_supports("avx512vbmi"))
    set |= PJ_CPU_AVX512_VBMI;
#if !defined(__clang__) || __clang_major__ >= 16 // earlier ones do not know the names
  if (__builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16") &&
      __builtin_cpu_supports("amx-int8"))
    set |= PJ_CPU_AMX;
#endif
#endif
  return set;
}

static void init(void) {
  const char *limit = pj_option_text(PJ_OPTION_CPU);
  machine = detect();
  if (!strcmp(limit, "sse"))
    machine = 0;
  else if (!strcmp(limit, "avx2"))
    machine &= PJ_CPU_AVX2 | PJ_CPU_F16C;
  else if (!strcmp(limit, "avx512"))
    machine &= ~(uint32_t)(PJ_CPU_AMX | PJ_CPU_AVX512_VBMI);
  uint32_t unread = UINT32_MAX;
  atomic_compare_exchange_strong(&current, &unread, machine);
}

uint32_t pj_cpu_features(void) {
  uint32_t set = atomic_load_explicit(&current, memory_order_relaxed);
  if (__builtin_expect(set != UINT32_MAX, 1))
    return set;
  pthread_once(&once, init);
  return atomic_load_explicit(&current, memory_order_relaxed);
}

bool pj_cpu_runs_generated_code(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
#else
  return true;
#endif
}

void pj_cpu_limit(uint32_t mask) {
  pthread_once(&once, init);
  atomic_store(&current, machine & mask);
}

// What of the machine this process may use. Limits of control groups are read once per process.
#pragma once
#include <stdint.h>

// Processors that the affinity of the calling thread and the CPU quotas of its control groups
// leave, at least 1.
int pj_cpu_count(void);
// Bytes of memory: of the machine, or what control groups and the limit of the address space leave.
// 0: unknown.
uint64_t pj_memory_limit(void);
// Bytes of a processor's own second cache. 0: unknown.
uint64_t pj_second_cache(void);

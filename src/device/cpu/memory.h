// The memory of a CPU device: blocks that are kept and given out again (base/block.h), and
// counters.
//
// The blocks that are kept are shared by all devices of the process, so that several virtual ones
// need no more memory than one; each counts what it has in use, and the pool as a whole.
// Thread-safe.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "device/device.h"

typedef struct PjCpuMemory PjCpuMemory;

PjCpuMemory *pj_cpu_memory_create(void);         // NULL without memory
void pj_cpu_memory_destroy(PjCpuMemory *memory); // NULL allowed

// |size| bytes aligned to 64, not zeroed; NULL without memory. Free with the same size.
void *pj_cpu_memory_alloc(PjCpuMemory *memory, size_t size);
void pj_cpu_memory_free(PjCpuMemory *memory, void *ptr, size_t size);

void pj_cpu_memory_stats(PjCpuMemory *memory, PjDeviceStats *out_stats);
// Sets the peaks to what is in use now.
void pj_cpu_memory_reset_peaks(PjCpuMemory *memory);

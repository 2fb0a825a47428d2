// The memory of a CPU device: a caching allocator, because a page fault costs more than arithmetic
// on the page, and the heap's locks more than a small program.
//
// Blocks up to PJ_SMALL_MAX come from lists of the calling thread (base/small.h). Larger sizes are
// rounded to one of eight classes per power of two and kept in a list per class, up to a limit.
// Counters count both, but what the threads' lists keep. Thread-safe.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "device/device.h"

typedef struct PjCpuCache PjCpuCache;

// Creates a cache that keeps at most |limit_bytes| of free blocks; NULL without memory.
PjCpuCache *pj_cpu_cache_create(size_t limit_bytes);
// Frees the cache and the blocks in it; blocks given out must have come back.
void pj_cpu_cache_destroy(PjCpuCache *cache);

// |size| bytes aligned to 64, not zeroed; NULL without memory. Free with the same size.
void *pj_cpu_cache_alloc(PjCpuCache *cache, size_t size);
void pj_cpu_cache_free(PjCpuCache *cache, void *ptr, size_t size);

void pj_cpu_cache_stats(PjCpuCache *cache, PjDeviceStats *out_stats);
// Sets the peaks to what is in use now.
void pj_cpu_cache_reset_peaks(PjCpuCache *cache);

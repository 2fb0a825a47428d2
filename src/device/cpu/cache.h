// A small caching allocator for large blocks: a page fault costs more than arithmetic on the page,
// so blocks that programs free at each step are kept and given out again.
//
// Sizes from 32 KiB up are rounded to one of eight classes per power of two and kept in a list per
// class, up to a limit; smaller ones go straight to the heap. Thread-safe.
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

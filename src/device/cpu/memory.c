// See memory.h.
#include "device/cpu/memory.h"

#include <stdatomic.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/pages.h"

struct PjCpuMemory {
  _Atomic int64_t in_use, peak_in_use, largest, count;
  _Atomic int64_t peak_pool;
};

PjCpuMemory *pj_cpu_memory_create(void) {
  return pj_calloc(1, sizeof(PjCpuMemory));
}

void pj_cpu_memory_destroy(PjCpuMemory *memory) {
  pj_free(memory);
}

static inline int64_t load(const _Atomic int64_t *counter) {
  return atomic_load_explicit(counter, memory_order_relaxed);
}

static inline int64_t add(_Atomic int64_t *counter, int64_t change) {
  return atomic_fetch_add_explicit(counter, change, memory_order_relaxed) + change;
}

static inline void raise_to(_Atomic int64_t *counter, int64_t value) {
  int64_t old = load(counter);
  while (value > old && !atomic_compare_exchange_weak_explicit(
                            counter, &old, value, memory_order_relaxed, memory_order_relaxed)) {
  }
}

void *pj_cpu_memory_alloc(PjCpuMemory *memory, size_t size) {
  void *ptr = pj_block_alloc(size);
  if (!ptr)
    return NULL;
  int64_t in_use = add(&memory->in_use, (int64_t)size);
  add(&memory->count, 1);
  raise_to(&memory->peak_in_use, in_use);
  raise_to(&memory->largest, (int64_t)size);
  // Small blocks leave what is kept as it was.
  raise_to(&memory->peak_pool, size > PJ_BLOCK_SMALL ? in_use + pj_pages_kept() : in_use);
  return ptr;
}

void pj_cpu_memory_free(PjCpuMemory *memory, void *ptr, size_t size) {
  if (!ptr)
    return;
  pj_block_free(ptr, size);
  add(&memory->in_use, -(int64_t)size);
}

void pj_cpu_memory_stats(PjCpuMemory *memory, PjDeviceStats *out_stats) {
  int64_t in_use = load(&memory->in_use), pool = in_use + pj_pages_kept();
  raise_to(&memory->peak_pool, pool);
  *out_stats = (PjDeviceStats){.bytes_in_use = in_use,
                               .peak_bytes_in_use = load(&memory->peak_in_use),
                               .num_allocs = load(&memory->count),
                               .largest_alloc_size = load(&memory->largest),
                               .pool_bytes = pool,
                               .peak_pool_bytes = load(&memory->peak_pool),
                               .bytes_limit = -1};
}

void pj_cpu_memory_reset_peaks(PjCpuMemory *memory) {
  int64_t in_use = load(&memory->in_use);
  atomic_store_explicit(&memory->peak_in_use, in_use, memory_order_relaxed);
  atomic_store_explicit(&memory->peak_pool, in_use + pj_pages_kept(), memory_order_relaxed);
  atomic_store_explicit(&memory->largest, 0, memory_order_relaxed);
}

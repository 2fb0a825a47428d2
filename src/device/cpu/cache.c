// See cache.h. A free block holds the link to the next one in its first word.
#include "device/cpu/cache.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/small.h"

enum {
  MIN_SHIFT = 15, // 32 KiB: smaller blocks come from the threads' own lists
  MAX_SHIFT = 40, // 1 TiB: larger ones are not kept
  STEPS = 8,      // classes per power of two: at most an eighth is wasted
  CLASSES = (MAX_SHIFT - MIN_SHIFT) * STEPS,
  ALIGNMENT = 64,
};
_Static_assert(PJ_SMALL_MAX == 1 << MIN_SHIFT, "every size has one place");

typedef struct FreeBlock {
  struct FreeBlock *next;
} FreeBlock;

struct PjCpuCache {
  pthread_mutex_t lock;
  FreeBlock *free[CLASSES];
  size_t limit_bytes, kept_bytes;
  // Counters are not under the lock, since small blocks never take it.
  _Atomic int64_t in_use, peak_in_use, largest, count;
  _Atomic int64_t unused, peak_pool; // of the pool's bytes: kept, or lost to rounding
};

// The class of a |size| above PJ_SMALL_MAX and the size of its blocks; -1 for sizes that are not
// kept.
static int class_of(size_t size, size_t *out_size) {
  *out_size = size;
  if (size > (size_t)1 << (MAX_SHIFT - 1))
    return -1;
  int shift = 63 - __builtin_clzll(size);
  size_t step = ((size_t)1 << shift) / STEPS;
  size_t rounded = (size + step - 1) / step * step; // may reach the next power of two
  *out_size = rounded;
  shift = 63 - __builtin_clzll(rounded);
  return (shift - MIN_SHIFT) * STEPS +
         (int)((rounded - ((size_t)1 << shift)) / (((size_t)1 << shift) / STEPS));
}

PjCpuCache *pj_cpu_cache_create(size_t limit_bytes) {
  PjCpuCache *cache = pj_calloc(1, sizeof *cache);
  if (!cache)
    return NULL;
  pthread_mutex_init(&cache->lock, NULL);
  cache->limit_bytes = limit_bytes;
  return cache;
}

// --- Counters ------------------------------------------------------------------------------------

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

// One allocation of |size| bytes, by which the pool's unused bytes change by |unused|.
static inline void count_alloc(PjCpuCache *cache, size_t size, int64_t unused) {
  int64_t in_use = add(&cache->in_use, (int64_t)size);
  add(&cache->count, 1);
  raise_to(&cache->peak_in_use, in_use);
  raise_to(&cache->largest, (int64_t)size);
  raise_to(&cache->peak_pool,
           in_use + (unused ? add(&cache->unused, unused) : load(&cache->unused)));
}

// --- Large blocks --------------------------------------------------------------------------------

static void drop_all(PjCpuCache *cache) {
  for (int c = 0; c < CLASSES; c++) {
    for (FreeBlock *block = cache->free[c], *next; block; block = next) {
      next = block->next;
      pj_free_aligned(block);
    }
    cache->free[c] = NULL;
  }
  add(&cache->unused, -(int64_t)cache->kept_bytes);
  cache->kept_bytes = 0;
}

void pj_cpu_cache_destroy(PjCpuCache *cache) {
  if (!cache)
    return;
  drop_all(cache);
  pthread_mutex_destroy(&cache->lock);
  pj_free(cache);
}

static void *take_kept(PjCpuCache *cache, int c, size_t block_size) {
  pthread_mutex_lock(&cache->lock);
  FreeBlock *block = cache->free[c];
  if (block) {
    cache->free[c] = block->next;
    cache->kept_bytes -= block_size;
  }
  pthread_mutex_unlock(&cache->lock);
  return block;
}

static void *large_alloc(PjCpuCache *cache, size_t size) {
  size_t block_size;
  int c = class_of(size, &block_size);
  void *ptr = c >= 0 ? take_kept(cache, c, block_size) : NULL;
  if (ptr) {
    count_alloc(cache, size, -(int64_t)size);
    return ptr;
  }
  ptr = pj_malloc_aligned(block_size, ALIGNMENT);
  if (!ptr) {
    // What is kept for others may be what is missing here.
    pthread_mutex_lock(&cache->lock);
    drop_all(cache);
    pthread_mutex_unlock(&cache->lock);
    ptr = pj_malloc_aligned(block_size, ALIGNMENT);
  }
  if (ptr)
    count_alloc(cache, size, (int64_t)(block_size - size));
  return ptr;
}

static void large_free(PjCpuCache *cache, void *ptr, size_t size) {
  size_t block_size;
  int c = class_of(size, &block_size);
  pthread_mutex_lock(&cache->lock);
  bool keep = c >= 0 && cache->kept_bytes + block_size <= cache->limit_bytes;
  if (keep) {
    FreeBlock *block = ptr;
    block->next = cache->free[c];
    cache->free[c] = block;
    cache->kept_bytes += block_size;
  }
  pthread_mutex_unlock(&cache->lock);
  add(&cache->unused, keep ? (int64_t)size : -(int64_t)(block_size - size));
  add(&cache->in_use, -(int64_t)size);
  if (!keep)
    pj_free_aligned(ptr);
}

// --- All blocks ----------------------------------------------------------------------------------

void *pj_cpu_cache_alloc(PjCpuCache *cache, size_t size) {
  if (size > PJ_SMALL_MAX)
    return large_alloc(cache, size);
  void *ptr = pj_small_alloc(size);
  if (ptr)
    count_alloc(cache, size, 0);
  return ptr;
}

void pj_cpu_cache_free(PjCpuCache *cache, void *ptr, size_t size) {
  if (!ptr)
    return;
  if (size > PJ_SMALL_MAX) {
    large_free(cache, ptr, size);
    return;
  }
  pj_small_free(ptr, size);
  add(&cache->in_use, -(int64_t)size);
}

void pj_cpu_cache_stats(PjCpuCache *cache, PjDeviceStats *out_stats) {
  int64_t in_use = load(&cache->in_use);
  *out_stats = (PjDeviceStats){.bytes_in_use = in_use,
                               .peak_bytes_in_use = load(&cache->peak_in_use),
                               .num_allocs = load(&cache->count),
                               .largest_alloc_size = load(&cache->largest),
                               .pool_bytes = in_use + load(&cache->unused),
                               .peak_pool_bytes = load(&cache->peak_pool),
                               .bytes_limit = -1};
}

void pj_cpu_cache_reset_peaks(PjCpuCache *cache) {
  int64_t in_use = load(&cache->in_use);
  atomic_store_explicit(&cache->peak_in_use, in_use, memory_order_relaxed);
  atomic_store_explicit(&cache->peak_pool, in_use + load(&cache->unused), memory_order_relaxed);
  atomic_store_explicit(&cache->largest, 0, memory_order_relaxed);
}

// See cache.h. A free block holds the link to the next one in its first word.
#include "device/cpu/cache.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"

enum {
  MIN_SHIFT = 15, // 32 KiB: smaller blocks are the heap's business
  MAX_SHIFT = 40, // 1 TiB: larger ones are not kept
  STEPS = 8,      // classes per power of two: at most an eighth is wasted
  CLASSES = (MAX_SHIFT - MIN_SHIFT) * STEPS,
  ALIGNMENT = 64,
};

typedef struct FreeBlock {
  struct FreeBlock *next;
} FreeBlock;

struct PjCpuCache {
  pthread_mutex_t lock;
  FreeBlock *free[CLASSES];
  size_t limit_bytes, kept_bytes;
  PjDeviceStats stats;
};

// The class of |size| and the size of its blocks; -1 for sizes that are not kept.
static int class_of(size_t size, size_t *out_size) {
  *out_size = size;
  if (size < (size_t)1 << MIN_SHIFT || size > (size_t)1 << (MAX_SHIFT - 1))
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
  cache->stats.bytes_limit = -1;
  return cache;
}

static void drop_all(PjCpuCache *cache) {
  for (int c = 0; c < CLASSES; c++) {
    for (FreeBlock *block = cache->free[c], *next; block; block = next) {
      next = block->next;
      pj_free_aligned(block);
    }
    cache->free[c] = NULL;
  }
  cache->stats.pool_bytes -= (int64_t)cache->kept_bytes;
  cache->kept_bytes = 0;
}

void pj_cpu_cache_destroy(PjCpuCache *cache) {
  if (!cache)
    return;
  drop_all(cache);
  pthread_mutex_destroy(&cache->lock);
  pj_free(cache);
}

static void count_alloc(PjDeviceStats *stats, size_t size, size_t new_pool_bytes) {
  stats->bytes_in_use += (int64_t)size;
  stats->num_allocs++;
  stats->pool_bytes += (int64_t)new_pool_bytes;
  if (stats->bytes_in_use > stats->peak_bytes_in_use)
    stats->peak_bytes_in_use = stats->bytes_in_use;
  if (stats->pool_bytes > stats->peak_pool_bytes)
    stats->peak_pool_bytes = stats->pool_bytes;
  if ((int64_t)size > stats->largest_alloc_size)
    stats->largest_alloc_size = (int64_t)size;
}

void *pj_cpu_cache_alloc(PjCpuCache *cache, size_t size) {
  size_t block_size;
  int c = class_of(size, &block_size);
  pthread_mutex_lock(&cache->lock);
  if (c >= 0 && cache->free[c]) {
    FreeBlock *block = cache->free[c];
    cache->free[c] = block->next;
    cache->kept_bytes -= block_size;
    count_alloc(&cache->stats, size, 0);
    pthread_mutex_unlock(&cache->lock);
    return block;
  }
  pthread_mutex_unlock(&cache->lock);

  void *ptr = pj_malloc_aligned(block_size, ALIGNMENT);
  pthread_mutex_lock(&cache->lock);
  if (!ptr && cache->kept_bytes) {
    // What is kept for others may be what is missing here.
    drop_all(cache);
    pthread_mutex_unlock(&cache->lock);
    ptr = pj_malloc_aligned(block_size, ALIGNMENT);
    pthread_mutex_lock(&cache->lock);
  }
  if (ptr)
    count_alloc(&cache->stats, size, block_size);
  pthread_mutex_unlock(&cache->lock);
  return ptr;
}

void pj_cpu_cache_free(PjCpuCache *cache, void *ptr, size_t size) {
  if (!ptr)
    return;
  size_t block_size;
  int c = class_of(size, &block_size);
  pthread_mutex_lock(&cache->lock);
  cache->stats.bytes_in_use -= (int64_t)size;
  if (c >= 0 && cache->kept_bytes + block_size <= cache->limit_bytes) {
    FreeBlock *block = ptr;
    block->next = cache->free[c];
    cache->free[c] = block;
    cache->kept_bytes += block_size;
    ptr = NULL;
  } else {
    cache->stats.pool_bytes -= (int64_t)block_size;
  }
  pthread_mutex_unlock(&cache->lock);
  pj_free_aligned(ptr);
}

void pj_cpu_cache_stats(PjCpuCache *cache, PjDeviceStats *out_stats) {
  pthread_mutex_lock(&cache->lock);
  *out_stats = cache->stats;
  pthread_mutex_unlock(&cache->lock);
}

void pj_cpu_cache_reset_peaks(PjCpuCache *cache) {
  pthread_mutex_lock(&cache->lock);
  cache->stats.peak_bytes_in_use = cache->stats.bytes_in_use;
  cache->stats.peak_pool_bytes = cache->stats.pool_bytes;
  cache->stats.largest_alloc_size = 0;
  pthread_mutex_unlock(&cache->lock);
}

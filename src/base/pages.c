// See pages.h. A kept block holds the link to the next one in its first word.
#include "base/pages.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/alloc.h"
#include "base/block.h"
#include "base/chunks.h"
#include "base/machine.h"
#include "base/spin.h"

enum {
  MIN_SHIFT = 15,
  MAX_SHIFT = 40, // 1 TiB: larger blocks are not kept
  STEPS = 8,      // classes per power of two: at most an eighth is wasted
  CLASSES = (MAX_SHIFT - MIN_SHIFT) * STEPS,
  ALIGNMENT = 64,
  HUGE_BYTES = 2 << 20,
  SLACK = 32 << 20, // kept beyond the most that was in use
  MIN_LIMIT = 64 << 20,
};
_Static_assert(PJ_BLOCK_SMALL == 1 << MIN_SHIFT, "every size has one place");

// The address sanitizer watches blocks of the heap. It must see each end, too.
#ifdef __SANITIZE_ADDRESS__
static const bool from_heap = true;
#else
static const bool from_heap = false;
#endif

typedef struct Kept {
  struct Kept *next;
  size_t size; // of the block; while it is dropped
} Kept;

static struct {
  PjSpin lock;
  Kept *free[CLASSES];
  int top;           // no class above holds a block
  size_t kept, used; // bytes of blocks
  size_t most_used;
} pages;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static size_t limit; // of |kept|

// A child of fork() finds the lists whole and the lock free.
static void before_fork(void) {
  pj_spin_lock(&pages.lock);
  pj_chunk_lock();
}

static void after_fork(void) {
  pj_chunk_unlock();
  pj_spin_unlock(&pages.lock);
}

static void prepare(void) {
  uint64_t memory = pj_memory_limit();
  limit = memory ? (size_t)(memory / 8) : 0;
  if (limit < MIN_LIMIT)
    limit = MIN_LIMIT;
  pthread_atfork(before_fork, after_fork, after_fork);
}

// The class of |size| and the size of its blocks; -1 for sizes that are not kept.
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

size_t pj_pages_size(size_t size) {
  size_t block_size;
  class_of(size, &block_size);
  return block_size;
}

// --- From and to the system ----------------------------------------------------------------------

static void *system_alloc(size_t block_size) {
  if (!from_heap && block_size <= PJ_CHUNK_LARGEST)
    return pj_chunk_alloc(block_size);
  if (from_heap || block_size < HUGE_BYTES)
    return pj_malloc_aligned(block_size, ALIGNMENT);
  return pj_alloc_should_fail() ? NULL : pj_huge_map(block_size);
}

static void system_free(void *block, size_t block_size) {
  if (!from_heap && block_size <= PJ_CHUNK_LARGEST)
    pj_chunk_free(block);
  else if (from_heap || block_size < HUGE_BYTES)
    pj_free_aligned(block);
  else
    pj_huge_unmap(block, block_size);
}

// --- The kept blocks -----------------------------------------------------------------------------

// Takes the largest kept blocks, of |excess| bytes together or all, out of their lists; for drop().
// Under the lock.
static Kept *collect(size_t excess) {
  Kept *list = NULL;
  while (excess && pages.kept) {
    while (!pages.free[pages.top])
      pages.top--;
    Kept *block = pages.free[pages.top];
    pages.free[pages.top] = block->next;
    pages.kept -= block->size;
    excess -= block->size < excess ? block->size : excess;
    block->next = list;
    list = block;
  }
  return list;
}

static void drop(Kept *list) {
  for (Kept *next; list; list = next) {
    next = list->next;
    system_free(list, list->size);
  }
}

// Counts |block_size| more bytes in use. Under the lock.
static void use(size_t block_size) {
  pages.used += block_size;
  if (pages.used > pages.most_used)
    pages.most_used = pages.used;
}

// What must go before |block_size| fresh bytes come, so that the whole stays near the most that
// ever was in use. Under the lock.
static Kept *make_room(size_t block_size) {
  size_t used, most, whole;
  if (!pages.kept || !pj_add_size(pages.used, block_size, &used) ||
      !pj_add_size(used, pages.kept, &whole))
    return NULL;
  most = (used > pages.most_used ? used : pages.most_used) + SLACK;
  return whole > most ? collect(whole - most) : NULL;
}

void *pj_pages_alloc(size_t size) {
  if (size > PTRDIFF_MAX / 2)
    return NULL; // and no sum below overflows
  size_t block_size;
  int c = class_of(size, &block_size);
  if (c >= 0 && !from_heap) {
    if (pj_alloc_should_fail())
      return NULL;
    pj_spin_lock(&pages.lock);
    Kept *block = pages.free[c];
    if (block) {
      pages.free[c] = block->next;
      pages.kept -= block_size;
      use(block_size);
    }
    pj_spin_unlock(&pages.lock);
    if (block)
      return block;
  }
  // Before the new block, so that both are never there together.
  pj_spin_lock(&pages.lock);
  Kept *surplus = make_room(block_size);
  pj_spin_unlock(&pages.lock);
  drop(surplus);
  void *fresh = system_alloc(block_size);
  if (!fresh && pj_pages_kept()) {
    // What is kept for others may be what is missing here.
    pj_pages_trim();
    fresh = system_alloc(block_size);
  }
  if (!fresh)
    return NULL;
  pj_spin_lock(&pages.lock);
  use(block_size);
  pj_spin_unlock(&pages.lock);
  return fresh;
}

void pj_pages_free(void *ptr, size_t size) {
  if (!ptr)
    return;
  pthread_once(&once, prepare);
  size_t block_size;
  int c = class_of(size, &block_size);
  pj_spin_lock(&pages.lock);
  pages.used -= block_size;
  bool keep = !from_heap && c >= 0 && pages.kept + block_size <= limit;
  if (keep) {
    Kept *block = ptr;
    *block = (Kept){pages.free[c], block_size};
    pages.free[c] = block;
    pages.kept += block_size;
    if (c > pages.top)
      pages.top = c;
  }
  pj_spin_unlock(&pages.lock);
  if (!keep)
    system_free(ptr, block_size);
}

int64_t pj_pages_kept(void) {
  pj_spin_lock(&pages.lock);
  int64_t kept = (int64_t)pages.kept;
  pj_spin_unlock(&pages.lock);
  return kept;
}

void pj_pages_trim(void) {
  pj_spin_lock(&pages.lock);
  Kept *list = collect(SIZE_MAX);
  pj_spin_unlock(&pages.lock);
  drop(list);
}

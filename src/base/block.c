// See block.h. After Bonwick's magazines: a thread fills and drains one list, holds a second one
// that is full or empty, and turns to the common store only when both are of no use. So a thread
// that allocates and frees around the edge of a list does not go there each time.
#include "base/block.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pages.h"

enum {
  ALIGNMENT = 64,
  FINE_MAX = 1024, // classes of 64 bytes up to here, then four per power of two
  FINE_CLASSES = FINE_MAX / ALIGNMENT,
  CLASSES = FINE_CLASSES + 5 * 4,
  LIST_BYTES = 16 << 10, // in one list of a thread, but 2 to 32 blocks
  STORE_BYTES = 1 << 20, // in the store, per class
};
_Static_assert(FINE_MAX << 5 == PJ_BLOCK_SMALL, "five powers of two above the fine classes");

// The sanitizers look into blocks that come from the heap and go back to it, not into lists of
// ours.
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
static const bool keeps = false;
#else
static const bool keeps = true;
#endif

typedef struct Block {
  struct Block *next;
  struct Block *next_list; // of the first block of a list in the store
} Block;

typedef struct List {
  Block *first;
  unsigned count, room; // room: 0 while the thread may keep nothing
} List;

typedef struct ThreadCache {
  List current[CLASSES], spare[CLASSES]; // a spare list is full or empty
  bool registered;
} ThreadCache;

static _Thread_local ThreadCache cache;

static struct {
  pthread_mutex_t lock;
  Block *lists[CLASSES]; // full ones
  unsigned counts[CLASSES];
} store = {.lock = PTHREAD_MUTEX_INITIALIZER};

// --- Classes -------------------------------------------------------------------------------------

static inline int class_of(size_t size) {
  if (size <= FINE_MAX)
    return size ? (int)((size - 1) / ALIGNMENT) : 0;
  int shift = 63 - __builtin_clzll(size - 1); // 10 to 14
  return FINE_CLASSES + (shift - 10) * 4 + (int)((size - 1) >> (shift - 2) & 3);
}

static inline size_t class_size(int c) {
  if (c < FINE_CLASSES)
    return ((size_t)c + 1) * ALIGNMENT;
  int shift = 10 + (c - FINE_CLASSES) / 4;
  return (size_t)(4 + (c - FINE_CLASSES) % 4 + 1) << (shift - 2);
}

// Blocks of a full list, by class.
#define LENGTH(size) \
  (LIST_BYTES / (size) > 32 ? 32 : LIST_BYTES / (size) < 2 ? 2 : LIST_BYTES / (size))
#define FINE(c) LENGTH(((c) + 1) * ALIGNMENT)
#define FOUR(base) \
  LENGTH((base) / 4 * 5), LENGTH((base) / 4 * 6), LENGTH((base) / 4 * 7), LENGTH((base)*2)
static const uint8_t list_length[CLASSES] = {
    FINE(0),  FINE(1),  FINE(2),    FINE(3),    FINE(4),    FINE(5),    FINE(6),
    FINE(7),  FINE(8),  FINE(9),    FINE(10),   FINE(11),   FINE(12),   FINE(13),
    FINE(14), FINE(15), FOUR(1024), FOUR(2048), FOUR(4096), FOUR(8192), FOUR(16384),
};
#undef FOUR
#undef FINE
#undef LENGTH

size_t pj_block_size(size_t size) {
  return size > PJ_BLOCK_SMALL ? pj_pages_size(size) : class_size(class_of(size));
}

// --- The common store ----------------------------------------------------------------------------

// The store is only tried: who does not get it goes to the heap, and a child of fork() whose parent
// held the lock at that moment is not stuck.

static Block *store_take(int c) {
  if (pthread_mutex_trylock(&store.lock) != 0)
    return NULL;
  Block *list = store.lists[c];
  if (list) {
    store.lists[c] = list->next_list;
    store.counts[c]--;
  }
  pthread_mutex_unlock(&store.lock);
  return list;
}

static void free_list(Block *list) {
  for (Block *next; list; list = next) {
    next = list->next;
    pj_free_aligned(list);
  }
}

static void store_give(int c, Block *list) {
  size_t size = class_size(c);
  bool taken = false;
  if (pthread_mutex_trylock(&store.lock) == 0) {
    if (store.counts[c] < STORE_BYTES / (size * list_length[c])) {
      list->next_list = store.lists[c];
      store.lists[c] = list;
      store.counts[c]++;
      taken = true;
    }
    pthread_mutex_unlock(&store.lock);
  }
  if (!taken)
    free_list(list);
}

// --- Threads -------------------------------------------------------------------------------------

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static _Atomic bool key_made;

// A thread ends: nobody else knows its lists.
static void thread_ends(void *arg) {
  ThreadCache *own = arg;
  for (int c = 0; c < CLASSES; ++c) {
    free_list(own->current[c].first);
    if (own->spare[c].first)
      store_give(c, own->spare[c].first);
  }
  memset(own, 0, sizeof *own);
}

static void make_key(void) {
  atomic_store(&key_made, pthread_key_create(&key, thread_ends) == 0);
}

// Whoever unloads the library while threads go on: they must not call into it when they end.
__attribute__((destructor)) static void delete_key(void) {
  if (atomic_exchange(&key_made, false))
    pthread_key_delete(key);
}

// Without a destructor for this thread it keeps nothing.
static bool may_keep(ThreadCache *own) {
  if (own->registered)
    return true;
  pthread_once(&key_once, make_key);
  own->registered = atomic_load(&key_made) && pthread_setspecific(key, own) == 0;
  return own->registered;
}

// --- Blocks --------------------------------------------------------------------------------------

static __attribute__((noinline)) void *alloc_slow(ThreadCache *own, int c) {
  if (may_keep(own)) {
    List *current = &own->current[c], *spare = &own->spare[c];
    current->room = list_length[c];
    if (spare->first) {
      *current = *spare;
      spare->first = NULL;
    } else {
      current->first = store_take(c);
      current->count = current->first ? list_length[c] : 0;
    }
    Block *block = current->first;
    if (block) {
      current->first = block->next;
      current->count--;
      return block;
    }
  }
  return pj_malloc_aligned(class_size(c), ALIGNMENT);
}

static __attribute__((noinline)) void free_slow(ThreadCache *own, int c, Block *block) {
  if (!may_keep(own)) {
    pj_free_aligned(block);
    return;
  }
  List *current = &own->current[c], *spare = &own->spare[c];
  current->room = list_length[c];
  if (current->count >= current->room) {
    if (spare->first)
      store_give(c, spare->first);
    *spare = *current;
    current->first = NULL;
    current->count = 0;
  }
  block->next = current->first;
  current->first = block;
  current->count++;
}

void *pj_block_alloc(size_t size) {
  if (size > PJ_BLOCK_SMALL)
    return pj_pages_alloc(size);
  if (!keeps)
    return pj_malloc_aligned(size, ALIGNMENT);
  if (pj_alloc_should_fail())
    return NULL;
  int c = class_of(size);
  ThreadCache *own = &cache;
  List *current = &own->current[c];
  Block *block = current->first;
  if (!block)
    return alloc_slow(own, c);
  current->first = block->next;
  current->count--;
  return block;
}

void *pj_block_calloc(size_t size) {
  void *ptr = pj_block_alloc(size);
  return ptr && size ? memset(ptr, 0, size) : ptr;
}

void pj_block_free(void *ptr, size_t size) {
  if (!ptr)
    return;
  if (size > PJ_BLOCK_SMALL) {
    pj_pages_free(ptr, size);
    return;
  }
  if (!keeps) {
    pj_free_aligned(ptr);
    return;
  }
  int c = class_of(size);
  ThreadCache *own = &cache;
  List *current = &own->current[c];
  Block *block = ptr;
  if (current->count >= current->room) {
    free_slow(own, c, block);
    return;
  }
  block->next = current->first;
  current->first = block;
  current->count++;
}

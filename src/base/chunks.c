// See chunks.h.
#include "base/chunks.h"

#include <stdint.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/spin.h"

enum {
  PAGE = 4096,
  CHUNK_BYTES = 2 << 20,   // and aligned to that: a block's chunk follows from its address
  FIRST_BYTES = 512 << 10, // what as many faults cost as clearing a huge page does
  HEADER_BYTES = PAGE,
};

typedef struct Chunk {
  size_t live;    // blocks
  size_t at, end; // where the next block begins, and what is there
} Chunk;

static struct {
  PjSpin lock;
  Chunk *current; // that blocks are cut from, or NULL
  bool any;       // there was a chunk before
} chunks;

void pj_chunk_lock(void) {
  pj_spin_lock(&chunks.lock);
}

void pj_chunk_unlock(void) {
  pj_spin_unlock(&chunks.lock);
}

static size_t whole_pages(size_t size) {
  return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

// Memory that starts with a huge page, if there are any.
static void *map_aligned(size_t size) {
  size_t room;
  if (!pj_add_size(size, CHUNK_BYTES, &room))
    return NULL;
  char *start = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (start == MAP_FAILED)
    return NULL;
  char *block = start + (-(uintptr_t)start & (CHUNK_BYTES - 1)), *end = block + size;
  if (block > start)
    munmap(start, (size_t)(block - start));
  if (start + room > end)
    munmap(end, (size_t)(start + room - end));
  return block;
}

void *pj_huge_map(size_t size) {
  size = whole_pages(size);
  void *start = map_aligned(size);
  if (start)
    madvise(start, size, MADV_HUGEPAGE);
  return start;
}

void pj_huge_unmap(void *start, size_t size) {
  munmap(start, whole_pages(size));
}

// Cuts a block from the current chunk; NULL if it has no room. Under the lock.
static void *cut(size_t size) {
  Chunk *chunk = chunks.current;
  if (!chunk || chunk->end - chunk->at < size)
    return NULL;
  void *block = (char *)chunk + chunk->at;
  chunk->at += size;
  chunk->live++;
  return block;
}

static Chunk *new_chunk(bool first) {
  Chunk *chunk = first ? map_aligned(CHUNK_BYTES) : pj_huge_map(CHUNK_BYTES);
  if (chunk)
    *chunk = (Chunk){.at = HEADER_BYTES, .end = first ? FIRST_BYTES : CHUNK_BYTES};
  return chunk;
}

void *pj_chunk_alloc(size_t size) {
  if (pj_alloc_should_fail())
    return NULL;
  pj_chunk_lock();
  void *block = cut(size);
  bool first = !chunks.any && size <= FIRST_BYTES - HEADER_BYTES;
  pj_chunk_unlock();
  if (block)
    return block;
  // Outside of the lock, which is no place for system calls.
  Chunk *fresh = new_chunk(first);
  if (!fresh)
    return NULL;
  pj_chunk_lock();
  block = cut(size);
  bool late = block; // another thread was faster
  if (!late) {
    // The old one goes with its last block.
    chunks.current = fresh;
    chunks.any = true;
    block = cut(size);
  }
  pj_chunk_unlock();
  if (late)
    munmap(fresh, CHUNK_BYTES);
  return block;
}

void pj_chunk_free(void *block) {
  Chunk *chunk = (Chunk *)((uintptr_t)block & ~(uintptr_t)(CHUNK_BYTES - 1));
  pj_chunk_lock();
  bool empty = !--chunk->live;
  if (empty && chunks.current == chunk)
    chunks.current = NULL;
  pj_chunk_unlock();
  if (empty)
    munmap(chunk, CHUNK_BYTES);
}

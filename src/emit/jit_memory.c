// Regions of address space, given out in units of 64 bytes.
//
// Code of several functions shares a page, and others may run there while a new function comes in,
// so the page cannot be made writable for a moment. Instead a new page is made elsewhere, writable,
// with what the old one holds and the new code, then made executable, and moved over the old one in
// a single system call (mremap). Memory stays private to the process, so a child after fork has its
// own.
#include "emit/jit_memory.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

enum { UNIT = 64, REGION_BYTES = 256 << 10 };

typedef struct PjJitRegion {
  struct PjJitRegion *next, *prev;
  uint8_t *base;
  uint64_t units, used; // of them in spans
  uint64_t hint;        // no unit below it is free
  uint8_t *taken;       // a flag per unit
  uint8_t *filled;      // a flag per page: it holds something
} PjJitRegion;

static struct {
  pthread_mutex_t lock;
  PjJitRegion *regions;
  uint64_t used_units;
} memory = {.lock = PTHREAD_MUTEX_INITIALIZER};

static uint64_t page_bytes(void) {
  long size = sysconf(_SC_PAGESIZE);
  return size > 0 ? (uint64_t)size : 4096;
}

static PjJitRegion *new_region(uint64_t bytes) {
  uint64_t page = page_bytes();
  bytes = (bytes + page - 1) / page * page;
  PjJitRegion *r = pj_calloc(1, sizeof *r);
  uint8_t *flags = r ? pj_calloc(1, bytes / UNIT + bytes / page) : NULL;
  void *base =
      flags ? mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
            : MAP_FAILED;
  if (base == MAP_FAILED) {
    pj_free(flags);
    pj_free(r);
    return NULL;
  }
  r->base = base;
  r->units = bytes / UNIT;
  r->taken = flags;
  r->filled = flags + r->units;
  r->next = memory.regions;
  if (r->next)
    r->next->prev = r;
  memory.regions = r;
  return r;
}

static void delete_region(PjJitRegion *r) {
  if (r->prev)
    r->prev->next = r->next;
  else
    memory.regions = r->next;
  if (r->next)
    r->next->prev = r->prev;
  munmap(r->base, r->units * UNIT);
  pj_free(r->taken);
  pj_free(r);
}

// The first of |units| free units in a row; false if there are none.
static bool find_units(PjJitRegion *r, uint64_t units, uint64_t *out) {
  if (r->units - r->used < units)
    return false;
  while (r->hint < r->units && r->taken[r->hint])
    ++r->hint;
  for (uint64_t start = r->hint, length = 0; start + units <= r->units;) {
    if (r->taken[start + length]) {
      start += length + 1;
      length = 0;
    } else if (++length == units) {
      *out = start;
      return true;
    }
  }
  return false;
}

PjStatus pj_jit_memory_alloc(uint64_t bytes, PjJitSpan *out) {
  uint64_t units = (bytes + UNIT - 1) / UNIT, start = 0;
  *out = (PjJitSpan){0};
  pthread_mutex_lock(&memory.lock);
  PjJitRegion *r = memory.regions;
  while (r && !find_units(r, units, &start))
    r = r->next;
  if (!r) {
    r = new_region(units * UNIT > REGION_BYTES ? units * UNIT : REGION_BYTES);
    start = 0;
  }
  if (r) {
    memset(r->taken + start, 1, units);
    r->used += units;
    memory.used_units += units;
    *out = (PjJitSpan){r, r->base + start * UNIT, units * UNIT};
  }
  pthread_mutex_unlock(&memory.lock);
  return r ? NULL
           : PJ_ERROR(RESOURCE_EXHAUSTED, "no memory for %llu bytes of code",
                      (unsigned long long)bytes);
}

// Builds the pages of the span anew and moves them into place.
static int replace_pages(const PjJitSpan *span, const void *code, uint64_t bytes) {
  uint64_t page = page_bytes();
  PjJitRegion *r = span->region;
  uint64_t offset = (uint64_t)(span->address - r->base);
  uint64_t first = offset / page, last = (offset + bytes - 1) / page;
  uint64_t size = (last - first + 1) * page;
  uint8_t *fresh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (fresh == MAP_FAILED)
    return errno;
  for (uint64_t i = first; i <= last; i += last > first ? last - first : 1)
    if (r->filled[i]) // only the outer pages are shared with others
      memcpy(fresh + (i - first) * page, r->base + i * page, page);
  uint8_t *here = fresh + (offset - first * page);
  memcpy(here, code, bytes);
  uint8_t *there = r->base + first * page;
  if (mprotect(fresh, size, PROT_READ | PROT_EXEC) != 0 ||
      mremap(fresh, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, there) == MAP_FAILED) {
    int error = errno;
    munmap(fresh, size);
    return error;
  }
  __builtin___clear_cache((char *)there, (char *)there + size);
  memset(r->filled + first, 1, last - first + 1);
  return 0;
}

PjStatus pj_jit_memory_fill(const PjJitSpan *span, const void *code, uint64_t bytes) {
  if (!bytes)
    return NULL;
  pthread_mutex_lock(&memory.lock);
  int error = replace_pages(span, code, bytes);
  pthread_mutex_unlock(&memory.lock);
  return error ? PJ_ERROR(RESOURCE_EXHAUSTED, "the system gives no executable memory: %s",
                          strerror(error))
               : NULL;
}

void pj_jit_memory_free(const PjJitSpan *span) {
  PjJitRegion *r = span->region;
  if (!r)
    return;
  pthread_mutex_lock(&memory.lock);
  uint64_t start = (uint64_t)(span->address - r->base) / UNIT, units = span->bytes / UNIT;
  memset(r->taken + start, 0, units);
  r->used -= units;
  memory.used_units -= units;
  if (start < r->hint)
    r->hint = start;
  if (!r->used)
    delete_region(r);
  pthread_mutex_unlock(&memory.lock);
}

uint64_t pj_jit_memory_used(void) {
  pthread_mutex_lock(&memory.lock);
  uint64_t used = memory.used_units * UNIT;
  pthread_mutex_unlock(&memory.lock);
  return used;
}

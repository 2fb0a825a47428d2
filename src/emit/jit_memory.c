// Regions of address space, given out in units of 64 bytes.
//
// Code of several functions shares a page, and others may run there while a new function comes in,
// so the page cannot be made writable for a moment. The kernel can write it for us, though, as for
// a debugger: /proc/self/mem takes no notice of protection where memory is private. That is a few
// microseconds, and changes no mapping, so no other processor has to be told.
//
// Where that is not to be had (no /proc, or a kernel that was told not to), a new page is made
// elsewhere, writable, with what the old one holds and the new code, then made executable, and
// moved over the old one in a single system call (mremap). What was moved there by itself is a
// mapping of its own to the kernel, which allows a process only so many (vm.max_map_count, 65530).
// So what is in many pieces is made anew in one: each page is copied a few times until its region
// is full, and a region is some 20 mappings at most.
//
// Memory stays private to the process either way, so a child after fork has its own.
#include "emit/jit_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

enum { UNIT = 64, REGION_BYTES = 1 << 20 };

typedef struct PjJitRegion {
  struct PjJitRegion *next, *prev;
  uint8_t *base;
  uint64_t units, used; // of them in spans
  uint64_t hint;        // no unit below it is free
  uint64_t too_many;    // there are not so many free units in a row
  uint8_t *taken;       // a flag per unit
  uint8_t *filled;      // a flag per page: it holds something
  uint8_t *begins;      // a flag per page: the kernel may have a mapping that begins with it
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
  uint8_t *flags = r ? pj_calloc(1, bytes / UNIT + 2 * (bytes / page)) : NULL;
  void *base = flags ? mmap(NULL, bytes, PROT_READ | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
                     : MAP_FAILED;
  if (base == MAP_FAILED) {
    pj_free(flags);
    pj_free(r);
    return NULL;
  }
  r->base = base;
  r->units = bytes / UNIT;
  r->too_many = r->units + 1;
  r->taken = flags;
  r->filled = flags + r->units;
  r->begins = r->filled + bytes / page;
  r->begins[0] = 1;
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
  if (r->units - r->used < units || units >= r->too_many)
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
  r->too_many = units;
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

typedef struct Pages {
  uint64_t first, last;
} Pages;

static uint64_t count_flags(const uint8_t *flags, uint64_t count) {
  uint64_t set = 0;
  for (uint64_t i = 0; i < count; ++i)
    set += flags[i];
  return set;
}

// Which pages to make anew for code on pages |p|: these, or all that hold something in the largest
// aligned block around them that is in many pieces.
static Pages pages_to_replace(const PjJitRegion *r, uint64_t num_pages, Pages p) {
  Pages widest = p;
  for (uint64_t size = 8; size < 2 * num_pages; size *= 2) {
    uint64_t first = p.first / size * size, end = (p.last / size + 1) * size;
    end = end < num_pages ? end : num_pages;
    if (count_flags(r->begins + first, end - first) <= 4 + size / 16)
      continue;
    while (first < p.first && !r->filled[first])
      ++first;
    while (end - 1 > p.last && !r->filled[end - 1])
      --end;
    widest = (Pages){first, end - 1};
  }
  return widest;
}

// The pages are a mapping of their own now.
static void note_piece(PjJitRegion *r, uint64_t num_pages, Pages p) {
  r->begins[p.first] = 1;
  memset(r->begins + p.first + 1, 0, p.last - p.first);
  if (p.last + 1 < num_pages)
    r->begins[p.last + 1] = 1;
}

// Whether the kernel writes the span for us. The file is opened each time, which is cheap: a
// descriptor that we kept would be the parent's memory in a child of fork(), and another file
// altogether once the host has closed what it does not know.
static bool write_through_kernel(const PjJitSpan *span, const void *code, uint64_t bytes) {
  int memory_file = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
  if (memory_file < 0)
    return false;
  uint64_t done = 0;
  while (done < bytes) {
    ssize_t written = pwrite(memory_file, (const char *)code + done, bytes - done,
                             (off_t)((uintptr_t)span->address + done));
    if (written <= 0 && !(written < 0 && errno == EINTR))
      break;
    done += written > 0 ? (uint64_t)written : 0;
  }
  close(memory_file);
  return done == bytes;
}

// Builds pages |own|, which the span lies in, anew and moves them into place. All of them are
// written, so they come in one fault.
static int replace_pages(const PjJitSpan *span, Pages own, const void *code, uint64_t bytes) {
  PjJitRegion *r = span->region;
  uint64_t page = page_bytes(), num_pages = r->units * UNIT / page;
  uint64_t offset = (uint64_t)(span->address - r->base);
  Pages p = pages_to_replace(r, num_pages, own);
  uint64_t size = (p.last - p.first + 1) * page;
  uint8_t *fresh =
      mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (fresh == MAP_FAILED)
    return errno;
  for (uint64_t i = p.first; i <= p.last; ++i)
    if (r->filled[i] && (i <= own.first || i >= own.last)) // between them all is new
      memcpy(fresh + (i - p.first) * page, r->base + i * page, page);
  uint8_t *here = fresh + (offset - p.first * page);
  memcpy(here, code, bytes);
  uint8_t *there = r->base + p.first * page;
  if (mprotect(fresh, size, PROT_READ | PROT_EXEC) != 0 ||
      mremap(fresh, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, there) == MAP_FAILED) {
    int error = errno;
    munmap(fresh, size);
    return error;
  }
  note_piece(r, num_pages, p);
  return 0;
}

static int fill(const PjJitSpan *span, const void *code, uint64_t bytes) {
  PjJitRegion *r = span->region;
  uint64_t page = page_bytes(), offset = (uint64_t)(span->address - r->base);
  Pages own = {offset / page, (offset + bytes - 1) / page};
  int error = write_through_kernel(span, code, bytes) ? 0 : replace_pages(span, own, code, bytes);
  if (error)
    return error;
  memset(r->filled + own.first, 1, own.last - own.first + 1);
  char *start = (char *)r->base + own.first * page, *end = (char *)r->base + (own.last + 1) * page;
  __builtin___clear_cache(start, end);
  return 0;
}

// Gives back the memory of pages that nobody has a part of any more. They stay mapped, and read as
// zeros.
static void drop_pages(PjJitRegion *r, uint64_t start, uint64_t units) {
  uint64_t each = page_bytes() / UNIT;
  for (uint64_t i = start / each; i <= (start + units - 1) / each; ++i)
    if (r->filled[i] && !count_flags(r->taken + i * each, each)) {
      r->filled[i] = 0;
      madvise(r->base + i * each * UNIT, each * UNIT, MADV_DONTNEED);
    }
}

PjStatus pj_jit_memory_fill(const PjJitSpan *span, const void *code, uint64_t bytes) {
  if (!bytes)
    return NULL;
  pthread_mutex_lock(&memory.lock);
  int error = fill(span, code, bytes);
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
  r->too_many = r->units + 1;
  if (!r->used)
    delete_region(r);
  else
    drop_pages(r, start, units);
  pthread_mutex_unlock(&memory.lock);
}

uint64_t pj_jit_memory_used(void) {
  pthread_mutex_lock(&memory.lock);
  uint64_t used = memory.used_units * UNIT;
  pthread_mutex_unlock(&memory.lock);
  return used;
}

void pj_jit_memory_lock(void) {
  pthread_mutex_lock(&memory.lock);
}

void pj_jit_memory_unlock(void) {
  pthread_mutex_unlock(&memory.lock);
}

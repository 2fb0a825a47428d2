// The one place that calls malloc.
#include "base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static _Atomic int64_t fail_countdown = -1;

static bool count_down(int64_t left) {
  while (left > 0)
    if (atomic_compare_exchange_weak(&fail_countdown, &left, left - 1))
      return false;
  return left == 0;
}

static inline bool should_fail(void) {
  int64_t left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
  return __builtin_expect(left >= 0, 0) && count_down(left);
}

bool pj_alloc_should_fail(void) {
  return should_fail();
}

void pj_alloc_fail_after(int64_t count) {
  atomic_store(&fail_countdown, count < 0 ? -1 : count);
}

void *pj_malloc(size_t size) {
  return should_fail() ? NULL : malloc(size ? size : 1);
}

void *pj_calloc(size_t count, size_t size) {
  if (should_fail())
    return NULL;
  // malloc keeps small blocks at hand per thread, calloc does not look there.
  size_t bytes;
  if (pj_mul_size(count, size, &bytes) && bytes <= 1024) {
    void *ptr = malloc(bytes ? bytes : 1);
    return ptr ? memset(ptr, 0, bytes ? bytes : 1) : NULL;
  }
  return calloc(count, size);
}

void *pj_realloc(void *ptr, size_t size) {
  return should_fail() ? NULL : realloc(ptr, size ? size : 1);
}

void pj_free(void *ptr) {
  free(ptr);
}

#ifdef __SANITIZE_ADDRESS__
void *pj_malloc_aligned(size_t size, size_t align) {
  size_t padded;
  if (should_fail() || !pj_add_size(size ? size : 1, align - 1, &padded))
    return NULL;
  return aligned_alloc(align, padded & ~(align - 1));
}

void pj_free_aligned(void *ptr) {
  free(ptr);
}
#else
// malloc keeps small blocks at hand, aligned_alloc cuts each from a larger one: ten times slower.
// The block's own address lies before the aligned one.
void *pj_malloc_aligned(size_t size, size_t align) {
  size_t total;
  if (should_fail() || !pj_add_size(size, align + sizeof(void *), &total))
    return NULL;
  char *block = malloc(total);
  if (!block)
    return NULL;
  uintptr_t first = (uintptr_t)block + sizeof(void *);
  char *ptr = block + (((first + align - 1) & ~(uintptr_t)(align - 1)) - (uintptr_t)block);
  ((void **)ptr)[-1] = block;
  return ptr;
}

void pj_free_aligned(void *ptr) {
  if (ptr)
    free(((void **)ptr)[-1]);
}
#endif

char *pj_strndup(const char *text, size_t len) {
  char *copy = len < SIZE_MAX ? pj_malloc(len + 1) : NULL;
  if (!copy)
    return NULL;
  if (len)
    memcpy(copy, text, len);
  copy[len] = 0;
  return copy;
}

#ifdef __SANITIZE_ADDRESS__
// Programs may ask for more memory than there is: that is an error to report, also under the
// sanitizer.
const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__asan_default_options(void) {
  return "allocator_may_return_null=1";
}
#endif

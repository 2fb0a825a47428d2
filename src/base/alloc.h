// Heap allocation for long-lived objects. Every heap allocation of the library goes through here,
// so that a test can make the n-th one fail and the memory in use can be counted.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Returns |size| bytes aligned for any type, or NULL. A size of 0 returns a unique pointer.
void *pj_malloc(size_t size);

// As pj_malloc, zeroed; NULL also when |count| * |size| overflows.
void *pj_calloc(size_t count, size_t size);

// Resizes |ptr| (may be NULL). On failure returns NULL and leaves |ptr| as it was.
void *pj_realloc(void *ptr, size_t size);

// Frees what the functions above returned. NULL is allowed.
void pj_free(void *ptr);

// Returns |size| bytes aligned to |align| (a power of two), or NULL. Free with pj_free_aligned.
void *pj_malloc_aligned(size_t size, size_t align);
void pj_free_aligned(void *ptr);

// Copies |len| bytes of |text| and a NUL to the heap; NULL on exhaustion.
char *pj_strndup(const char *text, size_t len);

// Test hook: lets |count| further allocations of this process succeed, then fails every one until
// called again; a negative |count| (the initial state) never fails.
void pj_alloc_fail_after(int64_t count);
// Counts one allocation that takes no memory from the heap now (from a list of free blocks, say);
// true if it must fail.
bool pj_alloc_should_fail(void);

// Sizes: each returns false when the result does not fit.
static inline bool pj_mul_size(size_t a, size_t b, size_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}
static inline bool pj_add_size(size_t a, size_t b, size_t *out) {
  return !__builtin_add_overflow(a, b, out);
}
static inline bool pj_mul_i64(int64_t a, int64_t b, int64_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}
static inline bool pj_add_i64(int64_t a, int64_t b, int64_t *out) {
  return !__builtin_add_overflow(a, b, out);
}

// The greatest common divisor of two numbers that are not negative.
static inline int64_t pj_gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

// Small blocks that come and go with every execution: objects, and the contents of small arrays.
//
// Each thread keeps lists of free blocks per size, so that taking and giving back costs a few
// nanoseconds and no lock. Full lists move between threads through a common store, for what one
// thread makes another often drops. All of it is bounded; what is too much goes back to the heap.
#pragma once
#include <stddef.h>

enum { PJ_SMALL_MAX = 32 << 10 }; // larger blocks are the heap's business

// |size| bytes aligned to 64, uninitialised, or NULL. Sizes above PJ_SMALL_MAX are allowed.
void *pj_small_alloc(size_t size);
// As above, zeroed.
void *pj_small_calloc(size_t size);
// Frees a block of either function, given the same size. NULL allowed. On any thread.
void pj_small_free(void *ptr, size_t size);
// The bytes that a block for |size| takes.
size_t pj_small_size(size_t size);

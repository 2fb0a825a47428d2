// Memory that comes and goes with every execution: objects, contents of arrays, scratch.
//
// Each thread keeps lists of free small blocks per size, so that taking and giving back costs a few
// nanoseconds and no lock. Full lists move between threads through a common store, for what one
// thread makes another often drops. All of it is bounded; what is too much goes back to the heap.
// Larger blocks come from base/pages.h.
#pragma once
#include <stddef.h>

enum { PJ_BLOCK_SMALL = 32 << 10 }; // up to here blocks are small

// |size| bytes aligned to 64, uninitialised, or NULL.
void *pj_block_alloc(size_t size);
// As above, zeroed.
void *pj_block_calloc(size_t size);
// Frees a block of either function, given the same size. NULL allowed. On any thread.
void pj_block_free(void *ptr, size_t size);
// The bytes that a block for |size| takes.
size_t pj_block_size(size_t size);

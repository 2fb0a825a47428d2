// Blocks of 32 to 512 KiB, cut one after the other from chunks of 2 MiB.
//
// A chunk is one huge page where the system grants it: that is cleared in the time of a hundred
// faults on small pages, and a compilation touches many hundreds. The first chunk of a process is
// short and of small pages, so that who needs little pays for little. A chunk goes back to the
// system when its last block does; whoever frees blocks keeps them for a while (base/pages.h), so
// nothing here looks for room within a chunk. Thread-safe; around fork() the lock is the caller's
// business.
#pragma once
#include <stddef.h>

enum { PJ_CHUNK_LARGEST = 512 << 10 };

// |size| bytes, a multiple of 4 KiB up to PJ_CHUNK_LARGEST, on a page of their own; uninitialised,
// or NULL.
void *pj_chunk_alloc(size_t size);
void pj_chunk_free(void *block);
// Two MiB or more of huge pages, |size| rounded up to 4 KiB: starts where one may; or NULL.
void *pj_huge_map(size_t size);
void pj_huge_unmap(void *start, size_t size);

// A child of fork() finds the lock free.
void pj_chunk_lock(void);
void pj_chunk_unlock(void);

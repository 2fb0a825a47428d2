// Large blocks, kept when they are freed: a page fault costs more than arithmetic on the page.
//
// Sizes are rounded to one of eight classes per power of two. A freed block waits in its class for
// the next request. What is kept is bounded by an eighth of the machine's memory, and together with
// what is in use stays near the most that ever was in use, so that the process grows no larger than
// its programs need. Blocks up to 512 KiB (base/chunks.h) and from 2 MiB up lie on huge pages where
// the system grants them. Thread-safe; a child of fork() may go on.
#pragma once
#include <stddef.h>
#include <stdint.h>

// |size| bytes aligned to 64, uninitialised, or NULL. For sizes above PJ_BLOCK_SMALL (base/block.h,
// which comes here for them).
void *pj_pages_alloc(size_t size);
void pj_pages_free(void *ptr, size_t size); // the same size; NULL allowed
size_t pj_pages_size(size_t size);          // the bytes that a block for |size| takes

// Bytes that are kept, and giving them back to the system.
int64_t pj_pages_kept(void);
void pj_pages_trim(void);

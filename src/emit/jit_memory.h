// Memory for code: executable, never writable and executable at once, pages shared by small
// functions.
#pragma once
#include <stdint.h>

#include "base/status.h"

// A piece of code memory. Freed with pj_jit_memory_free.
typedef struct PjJitSpan {
  struct PjJitRegion *region;
  uint8_t *address; // aligned to 64
  uint64_t bytes;   // a multiple of 64
} PjJitSpan;

// Reserves at least |bytes|, so that code can be linked for the address. Nothing can be read there
// yet. Errors: RESOURCE_EXHAUSTED. Threads: any, also for the functions below.
PjStatus pj_jit_memory_alloc(uint64_t bytes, PjJitSpan *out);
// Puts |bytes| bytes of code there, which may run from then on. Once per span. Errors:
// RESOURCE_EXHAUSTED.
PjStatus pj_jit_memory_fill(const PjJitSpan *span, const void *code, uint64_t bytes);
// Nobody runs code of |span| any more.
void pj_jit_memory_free(const PjJitSpan *span);
// Around fork(): a child finds nothing half done.
void pj_jit_memory_lock(void);
void pj_jit_memory_unlock(void);
// Bytes in spans now.
uint64_t pj_jit_memory_used(void);

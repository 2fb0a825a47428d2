// Arena: everything that one compilation (or one evaluation's bookkeeping) builds, freed in one
// call, on error paths too.
//
// Allocation never returns NULL. When memory or the arena's limit is exhausted it leaves, by
// longjmp, to the innermost pj_arena_guard of this arena, which returns RESOURCE_EXHAUSTED. Hence
// the rule for code that runs under a guard: own nothing across an arena allocation that the arena
// does not own or that a cleanup list cannot find.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct PjArena PjArena; // thread-compatible: one thread at a time

// Creates an arena that gives out at most |limit_bytes| (0: no limit). Errors: RESOURCE_EXHAUSTED.
PjStatus pj_arena_create(size_t limit_bytes, PjArena **out_arena);
void pj_arena_destroy(PjArena *arena); // NULL allowed

// Runs |fn|(|ctx|) and returns its status, or RESOURCE_EXHAUSTED when an allocation from |arena|
// fails meanwhile. Guards nest; each allocation needs one around it.
PjStatus pj_arena_guard(PjArena *arena, PjStatus (*fn)(void *ctx), void *ctx);

// Leaves to the guard as a failed allocation does: for code under the guard whose own allocation
// failed.
_Noreturn void pj_arena_exhausted(PjArena *arena);

// |size| zeroed bytes, aligned to 16. Never NULL.
void *pj_arena_alloc(PjArena *arena, size_t size);
// |count| * |size| zeroed bytes; an overflowing product counts as exhaustion.
void *pj_arena_calloc(PjArena *arena, size_t count, size_t size);
// Copies of |size| bytes, and of |len| characters followed by a NUL.
void *pj_arena_memdup(PjArena *arena, const void *data, size_t size);
char *pj_arena_strndup(PjArena *arena, const char *text, size_t len);
char *pj_arena_printf(PjArena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// A point to come back to: pj_arena_reset frees what was allocated after the mark.
typedef struct PjArenaMark {
  char *at, *end;
  void *blocks;
  size_t used;
} PjArenaMark;
PjArenaMark pj_arena_mark(const PjArena *arena);
void pj_arena_reset(PjArena *arena, PjArenaMark mark);

// Bytes given out so far.
size_t pj_arena_used(const PjArena *arena);

#define PJ_NEW(arena, Type)              ((Type *)pj_arena_alloc((arena), sizeof(Type)))
#define PJ_NEW_ARRAY(arena, Type, count) ((Type *)pj_arena_calloc((arena), (count), sizeof(Type)))

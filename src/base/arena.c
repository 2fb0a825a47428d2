// Bump allocation in blocks that double up to 256 KiB; large requests get a block of their own.
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/block.h"

enum { FIRST_BLOCK = 8 << 10, LAST_BLOCK = 256 << 10, ALIGN = 16 };

typedef struct Block {
  struct Block *next;
  size_t size;
} Block;

struct PjArena {
  char *at, *end;
  Block *blocks;
  size_t next_block, used, limit;
  jmp_buf *guard;
};

PjStatus pj_arena_create(size_t limit_bytes, PjArena **out_arena) {
  *out_arena = NULL;
  PjArena *arena = pj_block_calloc(sizeof *arena);
  if (!arena)
    return pj_status_oom();
  arena->next_block = FIRST_BLOCK;
  arena->limit = limit_bytes ? limit_bytes : SIZE_MAX;
  *out_arena = arena;
  return PJ_STATUS_OK;
}

void pj_arena_destroy(PjArena *arena) {
  if (!arena)
    return;
  for (Block *block = arena->blocks, *next; block; block = next) {
    next = block->next;
    pj_block_free(block, block->size);
  }
  pj_block_free(arena, sizeof *arena);
}

PjStatus pj_arena_guard(PjArena *arena, PjStatus (*fn)(void *ctx), void *ctx) {
  jmp_buf env, *volatile outer = arena->guard;
  PjStatus status;
  arena->guard = &env;
  if (setjmp(env) == 0)
    status = fn(ctx);
  else if (arena->used >= arena->limit)
    status = PJ_ERROR(RESOURCE_EXHAUSTED,
                      "the program needs more than the %zu bytes allowed for compiling it",
                      arena->limit);
  else
    status = pj_status_oom();
  arena->guard = outer;
  return status;
}

void pj_arena_exhausted(PjArena *arena) {
  if (arena->guard)
    longjmp(*arena->guard, 1);
  abort(); // A caller forgot its guard: a defect of ours that tests with failing allocation find.
}

static size_t round_up(size_t size) {
  return (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

static char *add_block(PjArena *arena, size_t payload) {
  size_t size;
  if (!pj_add_size(payload, round_up(sizeof(Block)), &size))
    return NULL;
  Block *block = pj_block_alloc(size);
  if (!block)
    return NULL;
  *block = (Block){arena->blocks, size};
  arena->blocks = block;
  return (char *)block + round_up(sizeof(Block));
}

static void *alloc_raw(PjArena *arena, size_t size) {
  if (size > SIZE_MAX / 2)
    pj_arena_exhausted(arena);
  size = round_up(size ? size : 1);
  if (size > arena->limit - arena->used) {
    arena->used = arena->limit;
    pj_arena_exhausted(arena);
  }
  char *at;
  if (size <= (size_t)(arena->end - arena->at)) {
    at = arena->at;
    arena->at += size;
  } else if (size > arena->next_block / 4) {
    at = add_block(arena, size);
  } else {
    // As a whole it is of a size that blocks are kept in.
    size_t payload = arena->next_block - round_up(sizeof(Block));
    at = add_block(arena, payload);
    if (at) {
      arena->at = at + size;
      arena->end = at + payload;
      if (arena->next_block < LAST_BLOCK)
        arena->next_block *= 2;
    }
  }
  if (!at)
    pj_arena_exhausted(arena);
  arena->used += size;
  return at;
}

void *pj_arena_alloc(PjArena *arena, size_t size) {
  return memset(alloc_raw(arena, size), 0, round_up(size ? size : 1));
}

void *pj_arena_calloc(PjArena *arena, size_t count, size_t size) {
  size_t bytes;
  if (!pj_mul_size(count, size, &bytes))
    pj_arena_exhausted(arena);
  return pj_arena_alloc(arena, bytes);
}

void *pj_arena_memdup(PjArena *arena, const void *data, size_t size) {
  void *copy = alloc_raw(arena, size);
  if (size)
    memcpy(copy, data, size);
  return copy;
}

char *pj_arena_strndup(PjArena *arena, const char *text, size_t len) {
  char *copy = pj_arena_calloc(arena, len + 1, 1);
  if (len)
    memcpy(copy, text, len);
  return copy;
}

char *pj_arena_printf(PjArena *arena, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  char *text = pj_arena_calloc(arena, (size_t)(len < 0 ? 0 : len) + 1, 1);
  va_start(args, format);
  if (len > 0)
    vsnprintf(text, (size_t)len + 1, format, args);
  va_end(args);
  return text;
}

PjArenaMark pj_arena_mark(const PjArena *arena) {
  return (PjArenaMark){arena->at, arena->end, arena->blocks, arena->used};
}

void pj_arena_reset(PjArena *arena, PjArenaMark mark) {
  while (arena->blocks != mark.blocks) {
    Block *block = arena->blocks;
    arena->blocks = block->next;
    pj_block_free(block, block->size);
  }
  arena->at = mark.at;
  arena->end = mark.end;
  arena->used = mark.used;
}

size_t pj_arena_used(const PjArena *arena) {
  return arena->used;
}

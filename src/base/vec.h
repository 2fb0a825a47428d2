// Growing arrays in an arena: declare `struct { Type *data; size_t len, cap; }` or PJ_VEC(Type),
// zeroed, then push. Old storage stays in the arena until it is destroyed: growth by doubling
// wastes at most as much again.
#pragma once
#include <stddef.h>
#include <string.h>

#include "base/arena.h"

#define PJ_VEC(Type) \
  struct {           \
    Type *data;      \
    size_t len, cap; \
  }

#define PJ_PUSH(arena, vec, value)                                                          \
  do {                                                                                      \
    if ((vec)->len == (vec)->cap)                                                           \
      (vec)->data =                                                                         \
          pj_vec_grow_((arena), (vec)->data, (vec)->len, &(vec)->cap, sizeof *(vec)->data); \
    (vec)->data[(vec)->len++] = (value);                                                    \
  } while (0)

// Gives an empty vector storage, so that |data| may be offset before anything was pushed.
#define PJ_RESERVE(arena, vec) \
  ((vec)->data = pj_vec_grow_((arena), (vec)->data, (vec)->len, &(vec)->cap, sizeof *(vec)->data))

static inline void *pj_vec_grow_(PjArena *arena, void *data, size_t len, size_t *cap, size_t elem) {
  size_t next = *cap ? *cap * 2 : 8;
  void *grown = pj_arena_calloc(arena, next, elem);
  if (len)
    memcpy(grown, data, len * elem);
  *cap = next;
  return grown;
}

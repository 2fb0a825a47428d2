// A map from 64-bit keys (pointers, hashes, numbers) to 64-bit values, in an arena. Open
// addressing; never shrinks.
#pragma once
#include <stdbool.h>

#include "base/arena.h"

typedef struct PjMap {
  struct PjMapSlot {
    uint64_t key, value;
    bool used;
  } * slots;
  size_t len, cap; // |cap| is 0 or a power of two
} PjMap;

// The value of |key|, or NULL. Valid until the next insertion.
uint64_t *pj_map_find(const PjMap *map, uint64_t key);
// Sets the value of |key|, replacing one that is there.
void pj_map_set(PjArena *arena, PjMap *map, uint64_t key, uint64_t value);

static inline uint64_t pj_map_ptr(const void *ptr) {
  return (uint64_t)(uintptr_t)ptr;
}

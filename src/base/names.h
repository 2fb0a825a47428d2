// Names: gives each distinct string a number, dense from 0. Lookup and insertion in constant time.
#pragma once
#include "base/arena.h"
#include "base/hash.h"
#include "base/str.h"

// Zero-initialise. The names are not copied: they must outlive the table. All memory is the
// arena's.
typedef struct PjNames {
  uint32_t *slots; // number + 1, or 0: free
  uint64_t *hashes;
  PjStr *names;
  uint32_t count, capacity; // of names; there are twice as many slots
} PjNames;

#define PJ_NAMES_NONE UINT32_MAX

static inline uint64_t pj_names_hash_(PjStr name) {
  return pj_hash_bytes(PJ_HASH_SEED, name.ptr, name.len);
}

static inline uint32_t pj_names_find_hashed_(const PjNames *names, PjStr name, uint64_t hash) {
  if (!names->count)
    return PJ_NAMES_NONE;
  for (uint64_t at = hash, mask = 2 * (uint64_t)names->capacity - 1;; ++at) {
    uint32_t slot = names->slots[at & mask];
    if (!slot)
      return PJ_NAMES_NONE;
    if (names->hashes[slot - 1] == hash && pj_str_eq(names->names[slot - 1], name))
      return slot - 1;
  }
}

// The number of |name|, or PJ_NAMES_NONE.
static inline uint32_t pj_names_find(const PjNames *names, PjStr name) {
  return pj_names_find_hashed_(names, name, pj_names_hash_(name));
}

static inline void pj_names_place_(PjNames *names, uint32_t number) {
  uint64_t at = names->hashes[number], mask = 2 * (uint64_t)names->capacity - 1;
  while (names->slots[at & mask])
    ++at;
  names->slots[at & mask] = number + 1;
}

// The number of |name|, which is added when it is new.
static inline uint32_t pj_names_add(PjArena *arena, PjNames *names, PjStr name) {
  uint64_t hash = pj_names_hash_(name);
  uint32_t number = pj_names_find_hashed_(names, name, hash);
  if (number != PJ_NAMES_NONE)
    return number;
  if (names->count == names->capacity) {
    uint32_t capacity = names->capacity ? 2 * names->capacity : 32;
    if (capacity > UINT32_MAX / 4)
      pj_arena_exhausted(arena);
    PjStr *strs = PJ_NEW_ARRAY(arena, PjStr, capacity);
    uint64_t *hashes = PJ_NEW_ARRAY(arena, uint64_t, capacity);
    if (names->count) {
      memcpy(strs, names->names, names->count * sizeof *strs);
      memcpy(hashes, names->hashes, names->count * sizeof *hashes);
    }
    names->slots = PJ_NEW_ARRAY(arena, uint32_t, 2 * (size_t)capacity);
    names->names = strs;
    names->hashes = hashes;
    names->capacity = capacity;
    for (uint32_t i = 0; i < names->count; ++i)
      pj_names_place_(names, i);
  }
  names->names[names->count] = name;
  names->hashes[names->count] = hash;
  pj_names_place_(names, names->count);
  return names->count++;
}

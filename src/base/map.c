// Open addressing with linear probing at a load of at most one half.
#include "base/map.h"

static size_t first_slot(const PjMap *map, uint64_t key) {
  key ^= key >> 32;
  key *= 0x9E3779B97F4A7C15ull;
  return (size_t)(key ^ key >> 29) & (map->cap - 1);
}

uint64_t *pj_map_find(const PjMap *map, uint64_t key) {
  if (!map->cap)
    return NULL;
  for (size_t at = first_slot(map, key); map->slots[at].used; at = (at + 1) & (map->cap - 1))
    if (map->slots[at].key == key)
      return &map->slots[at].value;
  return NULL;
}

static void insert(PjMap *map, uint64_t key, uint64_t value) {
  size_t at = first_slot(map, key);
  while (map->slots[at].used)
    at = (at + 1) & (map->cap - 1);
  map->slots[at] = (struct PjMapSlot){key, value, true};
}

void pj_map_set(PjArena *arena, PjMap *map, uint64_t key, uint64_t value) {
  uint64_t *found = pj_map_find(map, key);
  if (found) {
    *found = value;
    return;
  }
  if (2 * (map->len + 1) > map->cap) {
    PjMap old = *map;
    map->cap = old.cap ? 2 * old.cap : 16;
    map->slots = PJ_NEW_ARRAY(arena, struct PjMapSlot, map->cap);
    for (size_t i = 0; i < old.cap; ++i)
      if (old.slots[i].used)
        insert(map, old.slots[i].key, old.slots[i].value);
  }
  insert(map, key, value);
  ++map->len;
}

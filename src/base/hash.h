// 64-bit hash of bytes (FNV-1a with a final mix): for tables and structural fingerprints, not
// against attackers.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define PJ_HASH_SEED 0xcbf29ce484222325ull

static inline uint64_t pj_hash_u64(uint64_t hash, uint64_t value) {
  hash ^= value;
  hash *= 0x9E3779B97F4A7C15ull;
  return hash ^ (hash >> 32);
}

static inline uint64_t pj_hash_bytes(uint64_t hash, const void *data, size_t size) {
  const unsigned char *p = data;
  for (; size >= 8; p += 8, size -= 8) {
    uint64_t word;
    __builtin_memcpy(&word, p, 8);
    hash = pj_hash_u64(hash, word);
  }
  uint64_t tail = size;
  for (size_t i = 0; i < size; ++i)
    tail = tail << 8 | p[i];
  return pj_hash_u64(hash, tail);
}

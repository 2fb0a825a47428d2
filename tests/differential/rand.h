// Repeatable random numbers: the same seed gives the same program on every machine.
#pragma once
#include <stdbool.h>
#include <stdint.h>

typedef struct Rand {
  uint64_t state;
} Rand;

static inline uint64_t rand_mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

static inline uint64_t rand_bits(Rand *r) {
  r->state += 0x9E3779B97F4A7C15u;
  return rand_mix(r->state);
}

// In [low, high].
static inline int64_t rand_int(Rand *r, int64_t low, int64_t high) {
  return low + (int64_t)(rand_bits(r) % (uint64_t)(high - low + 1));
}

static inline bool rand_chance(Rand *r, int percent) {
  return rand_int(r, 0, 99) < percent;
}

// 0 to |count| - 1 in any order.
static inline void rand_order(Rand *r, int64_t count, int64_t *out) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = i;
  for (int64_t i = count; i > 1; --i) {
    int64_t j = rand_int(r, 0, i - 1), swap = out[i - 1];
    out[i - 1] = out[j];
    out[j] = swap;
  }
}

// In [0, 1).
static inline double rand_unit(Rand *r) {
  return (double)(rand_bits(r) >> 11) * 0x1p-53;
}

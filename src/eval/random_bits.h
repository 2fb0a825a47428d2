// Counter-based random generators (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// 2011).
#pragma once
#include <stdint.h>

// Threefry-2x32 with 20 rounds: block |counter| under |key|.
void pj_threefry(const uint32_t key[2], const uint32_t counter[2], uint32_t out[2]);
// Philox-4x32 with 10 rounds.
void pj_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

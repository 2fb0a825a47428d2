// Inside of attention: its vector loops, and its form for few queries.
#pragma once
#include "routine/attention.h"

// What is read after some rows: memory is asked for it while those are computed, a row with each.
typedef struct PjNextRows {
  const float *first;
  int64_t rows, step; // 0 rows: nothing
} PjNextRows;

typedef struct PjAttentionLoops {
  // --- tiles of scores, [key][query], of two vectors a row
  void (*causal)(int64_t rows, int64_t key, float value, float *scores);
  void (*mask)(int64_t n, int64_t lanes, const uint8_t *from, int64_t row, int64_t key, bool hides,
               float value, float *scores);
  void (*weigh)(int64_t n, float *scores, float *most, float *sum, float *factor);
  void (*differentiate)(int64_t n, float factor, float *scores, float *change, float *most);
  // --- products with them; see attention_variant.h
  int tile_rows; // keys, or queries, of one tile
  void (*score)(int64_t n, int64_t depth, const float *k, int64_t k_step, const float *q, bool skip,
                float *scores);
  void (*add_values)(int64_t n, int64_t width, const float *weights, const float *v, int64_t v_step,
                     const float *factor, float *sums, int64_t step);
  void (*add_queries)(int64_t slivers, int64_t width, const float *weights, int64_t sliver,
                      const float *q, int64_t q_step, float *sums, int64_t step);
  // --- one query; rows of k and v lie |step| elements apart
  void (*dots)(int64_t n, int64_t depth, const float *k, int64_t step, const PjNextRows *next,
               const float *q, float *out);
  float (*weigh_row)(int64_t n, float *scores, float *most, float *sum);
  void (*mix)(int64_t n, int64_t width, const float *v, int64_t step, const PjNextRows *next,
              const float *weights, float *sums);
  // --- any numbers
  void (*scale)(int64_t n, float factor, float *x);
  void (*divide)(int64_t n, float by, float *x);
  bool (*finite)(int64_t n, const float *x);
  float (*largest)(int64_t n, const float *x);
} PjAttentionLoops;

const PjAttentionLoops *pj__attention_loops(void);

// For a few queries, or NULL when it is not that.
const PjRoutine *pj__attention_few(PjArena *arena, const PjAttention *what);

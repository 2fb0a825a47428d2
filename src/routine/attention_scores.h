// Tiles of scores, [key][query] of some keys and of the queries of one sliver: what attention and
// its gradient share.
#pragma once
#include "routine/attention_loops.h"
#include "routine/gemm.h"

enum { PJ_MAX_HEAD = 512 };
#define PJ_FAR 110.0f // e^-PJ_FAR is 0

typedef struct PjScores {
  PjAttention a;
  const PjMicro *micro;
  const PjAttentionLoops *loops;
  PjPanel add[PJ_MAX_SCORE_STEPS]; // of steps that add
  uint32_t input[PJ_MAX_SCORE_STEPS];
  uint32_t first; // of the steps, but for a scale that is applied to q
  float scale;    // that one, or 1
  int causal;     // the step whose hidden keys may be skipped, or -1
} PjScores;

// The queries of one task.
typedef struct PjScorePart {
  int64_t at[PJ_MAX_RANK]; // its batch
  int64_t row, rows;
} PjScorePart;

// |first|: the first input of steps. False where heads are too wide for blocks.
bool pj__scores_init(PjScores *s, const PjAttention *what, uint32_t first);
// A panel of f32 over an operand of |dtype| with such strides along what it packs in slivers and
// along its sums; |left|: for a.
bool pj__scores_panel(PjPanel *panel, PjDtype dtype, bool left, int64_t outer, int64_t sum);

// The batch of |part| in the array at |base|.
const char *pj__scores_batch(const PjScores *s, const PjScorePart *part, const void *base,
                             PjDtype dtype, const int64_t *strides);
// The same in |array|, an input or output at |base|.
const char *pj__scores_array(const PjScores *s, const PjScorePart *part, const void *base,
                             const PjAttentionArray *array);
// Brings |n| rows of |length| numbers from row |first| of the array at |base| on to |out|, as f32
// in rows |step| apart, filled up with zeros, and so are the rows after them up to whole tiles.
// |more| has room for a row.
void pj__scores_rows(const PjScores *s, const PjAttentionArray *array, const char *base,
                     int64_t first, int64_t n, int64_t length, int64_t step, float *out,
                     float *more);
// Part |task| of those that are |parts| of each batch, |rows| queries high.
PjScorePart pj__scores_part(const PjScores *s, int64_t task, int64_t parts, int64_t rows);

// Computes the steps on a tile of |n| keys from |key| on and queries from |row| on, of which
// |lanes| exist. |more| has room for another such tile, |temp| for PJ_PACK_TEMP bytes.
void pj__scores_apply(const PjScores *s, const void *const *in, const PjScorePart *part,
                      int64_t key, int64_t n, int64_t row, int64_t lanes, float *tile, float *more,
                      char *temp);
// Sets to 0 what masks hide in such a tile.
void pj__scores_hide(const PjScores *s, const void *const *in, const PjScorePart *part, int64_t key,
                     int64_t n, int64_t row, int64_t lanes, float *tile);
// True if the weights of keys that the causal mask hides are 0 for |n| queries, whose largest
// scores are |most|.
bool pj__scores_hidden_weigh_nothing(const PjScores *s, int64_t n, const float *most);

// Writes one row of |width| numbers.
void pj__scores_store_row(const PjAttentionArray *array, int64_t width, const float *numbers,
                          char *temp, char *row);

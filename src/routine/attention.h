// Attention: softmax(q k^T, scaled and masked) v, without the matrix of scores.
//
// For each batch, of rows queries and |keys| keys:
//
//   s[r, j] = sum over d of q[r, d] * k[j, d], then the steps in order
//   p[r, j] = exp(s[r, j] - max over j) / sum over j of exp(..)
//   out[r, w] = sum over j of p[r, j] * v[j, w]
//
// all in f32, whatever the types in memory; p is not rounded in between. Results are those of the
// steps written out but for the order of sums, with NaN and infinities wherever they stand: a
// masked score counts as what the mask puts in its place, so a row that is masked whole is an
// average, or NaN for a mask of -inf.
#pragma once
#include "routine/routine.h"

typedef enum PjScoreKind {
  PJ_SCORE_SCALE,  // s * value
  PJ_SCORE_ADD,    // s + input (f32)
  PJ_SCORE_MASK,   // input (i1) == keep ? s : value
  PJ_SCORE_CAUSAL, // j <= r + offset ? s : value
} PjScoreKind;

typedef struct PjScoreStep {
  PjScoreKind kind;
  float value;
  bool keep;
  int64_t offset;
  int64_t row, key, batch[PJ_MAX_RANK]; // of the input: strides in elements, 0 where it repeats
} PjScoreStep;

// Strides in elements: along rows (of k and v: keys), along what is summed or made, and batches.
typedef struct PjAttentionArray {
  PjDtype dtype; // F32, BF16 or F16
  int64_t row, col, batch[PJ_MAX_RANK];
  int64_t offset; // of the first element, from where the input or output lies
} PjAttentionArray;

enum { PJ_MAX_SCORE_STEPS = 6 };

typedef struct PjAttention {
  int64_t rows, keys, depth, width; // depth: of q and k; width: of v and the result
  int32_t num_batch;
  int64_t batch[PJ_MAX_RANK]; // sizes
  PjAttentionArray q, k, v, out;
  uint32_t num_steps;
  PjScoreStep steps[PJ_MAX_SCORE_STEPS];
} PjAttention;

// in[0]: q, in[1]: k, in[2]: v, then the inputs of steps that have one, in order; out[0]: the
// result. NULL where heads are too wide for it. All sizes are at least 1. Allocates from |arena|.
const PjRoutine *pj_routine_attention(PjArena *arena, const PjAttention *what);

// The gradient of |of|, given that of its result, which lies as of.out says:
//
//   dv[j, w] = sum over r of p[r, j] * dout[r, w]
//   dp[r, j] = sum over w of dout[r, w] * v[j, w]
//   ds[r, j] = factor * p[r, j] * (dp[r, j] - sum over i of p[r, i] * dp[r, i]), 0 where a mask
//   hides dq[r, d] = sum over j of ds[r, j] * k[j, d] dk[j, d] = sum over r of ds[r, j] * q[r, d]
//
// The scores are computed again; p and ds exist for a few queries at a time. Sums over queries have
// a fixed order. Keys that a causal mask hides are skipped as in attention, if in addition nothing
// they would be multiplied by could overflow.
typedef struct PjAttentionGradient {
  PjAttention of;
  float factor;
  bool hides;
  PjAttentionArray dq, dk, dv;
} PjAttentionGradient;

// in[0..3]: q, k, v, dout, then inputs of steps; out[0..2]: dq, dk, dv. Otherwise as above.
const PjRoutine *pj_routine_attention_gradient(PjArena *arena, const PjAttentionGradient *what);

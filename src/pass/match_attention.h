// Recognising attention.
#pragma once
#include "ir/ir.h"
#include "routine/attention.h"

enum { PJ_MAX_ATTENTION_OPS = 96 };

// Operations that one routine computes: |ops| make |outputs| from |inputs|, and nothing but each
// other reads what else they make.
typedef struct PjAttentionMatch {
  PjAttention what;
  bool is_gradient;
  PjAttentionGradient gradient; // then, instead of |what|
  uint32_t num_inputs, num_outputs;
  const PjValue *inputs[4 + PJ_MAX_SCORE_STEPS]; // as the routine takes and gives them
  const PjValue *outputs[3];
  uint32_t num_ops;
  const PjOp *ops[PJ_MAX_ATTENTION_OPS];
  const PjOp *product; // of a gradient: the one of dout and v
  const PjOp *place;   // the one of them in whose place the routine can run
} PjAttentionMatch;

// softmax(steps(q k^T)) v. |op|: the second product, a dot_general. |uses|: of each value in the
// function, by id. All operations lie in the region of |op|. The work is bounded.
bool pj_match_attention(const PjOp *op, const uint32_t *uses, PjAttentionMatch *out);

// The gradient of that. |op|: the product that makes the gradient of q. Linear in the products of
// the region, once |op| looks like one. What it needs of attention itself, it computes again: only
// pj_attention_take says which operations are not needed any more.
bool pj_match_attention_gradient(const PjOp *op, const uint32_t *uses, PjAttentionMatch *out);
// Lets a match read q, k, v and dout from what they are slices of, where that lies in memory or is
// not much larger; before its routine is made. Others may then be all that reads the slices.
void pj_attention_look_through(PjAttentionMatch *match);
// Makes those operations the match's, and takes what they read out of |uses|, so that they no
// longer hinder pj_match_attention. False, and nothing changed, if they are too many, or not all
// that was to be saved: then the match is not worth it.
bool pj_attention_take(PjAttentionMatch *match, uint32_t *uses);

// Recognising attention.
#pragma once
#include "ir/ir.h"
#include "routine/attention.h"

enum { PJ_MAX_ATTENTION_OPS = 40 };

// softmax(steps(q k^T)) v as operations. |ops| make the result of the last of them, |result|, from
// |inputs|, and nothing but each other reads what the others make.
typedef struct PjAttentionMatch {
  PjAttention what;
  uint32_t num_inputs;
  const PjValue *inputs[3 + PJ_MAX_SCORE_STEPS]; // as the routine takes them
  uint32_t num_ops;
  const PjOp *ops[PJ_MAX_ATTENTION_OPS];
  const PjOp *last;
} PjAttentionMatch;

// |op|: the second product, a dot_general. |uses|: of each value in the function, by id. All
// operations lie in the region of |op|. The work is bounded.
bool pj_match_attention(const PjOp *op, const uint32_t *uses, PjAttentionMatch *out);

// Making a rule: factors are added one after the other, and mapped to dimensions.
#pragma once
#include "partition/rule.h"

typedef struct PjRuleLink {
  uint32_t tensor, dim, factor;
} PjRuleLink;

typedef struct PjRuleBuilder {
  PjArena *arena;
  const PjOp *op;
  uint32_t num_operands, num_results;
  const PjType **types; // operands, then results
  PjFactor *factors;
  uint32_t num_factors, cap_factors;
  PjRuleLink *links;
  uint32_t num_links, cap_links;
  uint32_t *base;   // of each tensor: where its dimensions begin in |counts|
  uint32_t *counts; // factors of each dimension
} PjRuleBuilder;

enum { PJ_NO_DIM = -1 };

void pj_shard_begin(PjRuleBuilder *b, PjArena *arena, const PjOp *op);
// A new factor; pj_shard_map maps it.
void pj_shard_factor(PjRuleBuilder *b, int64_t size, PjFactorKind kind);
void pj_shard_block(PjRuleBuilder *b); // the last factor
// Dimension |dim| of a tensor (results follow the operands) gets the last factor too; nothing for
// PJ_NO_DIM and for tensors of rank 0.
void pj_shard_map(PjRuleBuilder *b, uint32_t tensor, int64_t dim);
void pj_shard_map_operands(PjRuleBuilder *b, int64_t dim);
void pj_shard_map_results(PjRuleBuilder *b, int64_t dim);
// A factor of dimension |dim| in all ranked operands and results.
void pj_shard_everywhere(PjRuleBuilder *b, int64_t dim, int64_t size, PjFactorKind kind);
// Gives each dimension without a factor one of its own, of size 1.
const PjShardingRule *pj_shard_end(PjRuleBuilder *b);

// --- By kinds of operations: factors into |b|. False: no rule.
typedef bool PjRuleFn(PjRuleBuilder *b, const PjOp *op);

PjRuleFn pj_shard_pointwise, pj_shard_bitcast, pj_shard_broadcast, pj_shard_transpose,
    pj_shard_reshape, pj_shard_dot_general, pj_shard_dot, pj_shard_convolution, pj_shard_reduce,
    pj_shard_reduce_window, pj_shard_select_and_scatter, pj_shard_resized, pj_shard_reverse,
    pj_shard_concatenate, pj_shard_dynamic_slice, pj_shard_dynamic_update_slice, pj_shard_gather,
    pj_shard_scatter, pj_shard_sort, pj_shard_top_k, pj_shard_fft, pj_shard_cholesky,
    pj_shard_triangular_solve, pj_shard_rng, pj_shard_batch_norm_inference, pj_shard_all_gather,
    pj_shard_all_to_all, pj_shard_reduce_scatter, pj_shard_custom_call;

static inline const PjType *pj_shard_type(const PjRuleBuilder *b, uint32_t tensor) {
  return b->types[tensor];
}
static inline bool pj_shard_listed(const int64_t *list, uint32_t count, int64_t dim) {
  for (uint32_t i = 0; i < count; ++i)
    if (list[i] == dim)
      return true;
  return false;
}

// Sharding rules: which dimensions of an operation's operands and results may be cut alike.
//
// A rule has factors. Each dimension of each ranked operand and result is a product of factors,
// major first; what shards a factor in one tensor shards it in the others. So reshape
// [6] -> [2, 3] has the rule ([ij]) -> ([i, j]).
#pragma once
#include "ir/ir.h"

typedef enum PjFactorKind {
  PJ_FACTOR_PASS,      // the shards are computed alone
  PJ_FACTOR_REDUCE,    // and are parts of a sum
  PJ_FACTOR_REPLICATE, // wants to be whole
  PJ_FACTOR_PERMUTE,   // neighbours exchange elements
} PjFactorKind;

typedef struct PjFactor {
  int64_t size;
  PjFactorKind kind;
  bool blocked; // nothing propagates along it
} PjFactor;

typedef struct PjFactorMap {
  int32_t rank;
  const uint32_t *first;   // rank + 1: where the factors of a dimension begin
  const uint32_t *factors; // indices
} PjFactorMap;

typedef struct PjShardingRule {
  uint32_t num_factors, num_operands, num_results;
  const PjFactor *factors;
  const PjFactorMap *maps; // operands, then results
} PjShardingRule;

// The rule of |op|: what its sdy.sharding_rule says, else that of its kind. NULL: nothing
// propagates through it.
const PjShardingRule *pj_shard_rule_of(PjArena *arena, const PjOp *op);

// The rule by which |num_operands| and |num_results| tensors of |type| are cut alike.
const PjShardingRule *pj_shard_rule_identity(PjArena *arena, const PjType *type,
                                             uint32_t num_operands, uint32_t num_results);

// True if result elements depend on the operands' elements of the same place only, as Shardy sees
// it: such operations come first.
bool pj_shard_is_elementwise(const PjOp *op);

// The one operation on its two arguments that |body| is, of those that devices can combine parts
// by: ADD, MULTIPLY, MINIMUM, MAXIMUM, AND, OR. PJ_OP_INVALID: something else.
PjOpKind pj_shard_reducer(const PjRegion *body);

// ([i, j], [j, k])->([i, k]) {i=8, j=4, k=2} reduction={j}
void pj_shard_rule_print(PjStrBuf *out, const PjShardingRule *rule);

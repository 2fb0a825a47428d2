// Rules of operations that move elements: broadcasts, reshapes, slices, concatenations.
#include "base/alloc.h"
#include "partition/rule_build.h"

static const PjType *in_type(const PjOp *op, uint32_t i) {
  return op->operands[i]->type;
}

static const PjType *out_type(const PjOp *op, uint32_t i) {
  return op->results[i].type;
}

bool pj_shard_pointwise(PjRuleBuilder *b, const PjOp *op) {
  if (!op->num_results || !pj_type_is_tensor(out_type(op, 0)))
    return false;
  const PjType *type = out_type(op, 0);
  for (int32_t d = 0; d < type->rank; ++d)
    pj_shard_everywhere(b, d, type->dims[d], PJ_FACTOR_PASS);
  return true;
}

bool pj_shard_bitcast(PjRuleBuilder *b, const PjOp *op) {
  const PjType *in = in_type(op, 0), *out = out_type(op, 0);
  const PjType *smaller = in->rank < out->rank ? in : out;
  for (int32_t d = 0; d < smaller->rank; ++d)
    pj_shard_everywhere(b, d, smaller->dims[d], PJ_FACTOR_PASS);
  const PjType *larger = in->rank < out->rank ? out : in;
  if (in->rank != out->rank) {
    pj_shard_factor(b, larger->dims[larger->rank - 1], PJ_FACTOR_REPLICATE);
    pj_shard_map(b, larger == out, larger->rank - 1);
  }
  return true;
}

bool pj_shard_broadcast(PjRuleBuilder *b, const PjOp *op) {
  const PjType *in = in_type(op, 0), *out = out_type(op, 0);
  uint32_t count;
  const int64_t *dims = PJ_INTS(op, broadcast_dimensions, &count);
  for (int32_t d = 0; d < out->rank; ++d) {
    int64_t from = PJ_NO_DIM;
    for (uint32_t i = 0; i < count; ++i)
      if (dims[i] == d)
        from = i;
    if (from >= 0 && in->dims[from] == 1 && out->dims[d] != 1) {
      pj_shard_factor(b, 1, PJ_FACTOR_PASS);
      pj_shard_map(b, 0, from);
      from = PJ_NO_DIM;
    }
    pj_shard_factor(b, out->dims[d], PJ_FACTOR_PASS);
    pj_shard_map(b, 0, from);
    pj_shard_map(b, 1, d);
  }
  return true;
}

bool pj_shard_transpose(PjRuleBuilder *b, const PjOp *op) {
  const PjType *out = out_type(op, 0);
  const int64_t *permutation = PJ_INTS(op, permutation, NULL);
  for (int32_t d = 0; d < out->rank; ++d) {
    pj_shard_factor(b, out->dims[d], PJ_FACTOR_PASS);
    pj_shard_map(b, 0, permutation[d]);
    pj_shard_map(b, 1, d);
  }
  return true;
}

// One of the two shapes of a reshape, with how far its factors have come.
typedef struct Side {
  const PjType *type;
  uint32_t tensor;
  int32_t dim;
  int64_t sizes, factors; // products so far
} Side;

static bool at_one(const Side *s) {
  return s->dim < s->type->rank && s->type->dims[s->dim] == 1;
}

// What is left of the dimension at hand; begins it if it is new.
static int64_t rest_of(Side *s) {
  if (s->dim < s->type->rank && s->sizes == s->factors)
    s->sizes *= s->type->dims[s->dim];
  return s->sizes / s->factors;
}

static void add_alone(PjRuleBuilder *b, Side *s, int64_t size) {
  pj_shard_factor(b, size, PJ_FACTOR_PASS);
  pj_shard_map(b, s->tensor, s->dim);
  s->factors *= size;
}

// The factor to add on the side that lags: one that lets both meet, else one that keeps what the
// rests have in common.
static int64_t catching_up(int64_t rest, int64_t common, int64_t behind, int64_t ahead) {
  if (ahead % behind == 0 && rest % (ahead / behind) == 0)
    return ahead / behind;
  return rest > common ? rest / common : rest;
}

static void advance(Side *s) {
  if (s->dim < s->type->rank && s->sizes == s->factors)
    ++s->dim;
}

bool pj_shard_reshape(PjRuleBuilder *b, const PjOp *op) {
  Side in = {in_type(op, 0), 0, 0, 1, 1}, out = {out_type(op, 0), 1, 0, 1, 1};
  for (int32_t d = 0; d < in.type->rank; ++d)
    if (in.type->dims[d] == 0)
      return false;
  while (in.dim < in.type->rank || out.dim < out.type->rank) {
    if (at_one(&in) || at_one(&out)) {
      Side *one = at_one(&in) ? &in : &out;
      add_alone(b, one, 1);
      ++one->dim;
      continue;
    }
    int64_t rest_in = rest_of(&in), rest_out = rest_of(&out), common = pj_gcd(rest_in, rest_out);
    if (in.factors != out.factors) {
      Side *lags = in.factors < out.factors ? &in : &out;
      int64_t rest = lags == &in ? rest_in : rest_out;
      int64_t ahead = lags == &in ? out.factors : in.factors;
      add_alone(b, lags, catching_up(rest, common, lags->factors, ahead));
    } else if (common > 1) {
      pj_shard_factor(b, common, PJ_FACTOR_PASS);
      pj_shard_map(b, 0, in.dim);
      pj_shard_map(b, 1, out.dim);
      in.factors *= common;
      out.factors *= common;
    } else {
      add_alone(b, &in, rest_in);
      add_alone(b, &out, rest_out);
    }
    advance(&in);
    advance(&out);
  }
  return true;
}

// Dimensions of equal size in operand and result are cut alike, others are |other|.
static void resized(PjRuleBuilder *b, const PjOp *op, PjFactorKind other, bool block) {
  const PjType *in = in_type(op, 0), *out = out_type(op, 0);
  for (int32_t d = 0; d < in->rank; ++d) {
    bool same = in->dims[d] == out->dims[d];
    pj_shard_everywhere(b, d, in->dims[d], same ? PJ_FACTOR_PASS : other);
    if (!same && block)
      pj_shard_block(b);
  }
}

bool pj_shard_resized(PjRuleBuilder *b, const PjOp *op) {
  resized(b, op, PJ_FACTOR_PERMUTE, false);
  return true;
}

bool pj_shard_dynamic_slice(PjRuleBuilder *b, const PjOp *op) {
  resized(b, op, PJ_FACTOR_REPLICATE, true);
  return true;
}

bool pj_shard_top_k(PjRuleBuilder *b, const PjOp *op) {
  resized(b, op, PJ_FACTOR_REPLICATE, true);
  return true;
}

bool pj_shard_dynamic_update_slice(PjRuleBuilder *b, const PjOp *op) {
  const PjType *in = in_type(op, 0), *update = in_type(op, 1);
  bool fixed = true;
  for (uint32_t i = 2; i < op->num_operands; ++i)
    fixed &= op->operands[i]->def && op->operands[i]->def->kind == PJ_OP_CONSTANT;
  for (int32_t d = 0; d < in->rank; ++d) {
    if (in->dims[d] == update->dims[d]) {
      pj_shard_everywhere(b, d, in->dims[d], PJ_FACTOR_PASS);
      continue;
    }
    pj_shard_factor(b, in->dims[d], PJ_FACTOR_PASS);
    pj_shard_map(b, 0, d);
    pj_shard_map_results(b, d);
    pj_shard_factor(b, update->dims[d], fixed ? PJ_FACTOR_PASS : PJ_FACTOR_REPLICATE);
    pj_shard_map(b, 1, d);
  }
  return true;
}

bool pj_shard_reverse(PjRuleBuilder *b, const PjOp *op) {
  const PjType *type = out_type(op, 0);
  uint32_t count;
  const int64_t *dims = PJ_INTS(op, dimensions, &count);
  for (int32_t d = 0; d < type->rank; ++d)
    pj_shard_everywhere(b, d, type->dims[d],
                        pj_shard_listed(dims, count, d) ? PJ_FACTOR_PERMUTE : PJ_FACTOR_PASS);
  return true;
}

static bool is_slice(const PjValue *value) {
  return value->def && value->def->kind == PJ_OP_SLICE;
}

// Rolls and halos: concatenations of slices, or of an array and its slices.
static bool joins_slices(const PjOp *op) {
  bool all = true, any = false, same = true;
  const PjValue *source = NULL;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    const PjValue *value = op->operands[i];
    bool slice = is_slice(value);
    const PjValue *from = slice ? value->def->operands[0] : value;
    same &= i == 0 || from == source;
    source = from;
    all &= slice;
    any |= slice;
  }
  return all || (same && any);
}

bool pj_shard_concatenate(PjRuleBuilder *b, const PjOp *op) {
  const PjType *type = out_type(op, 0);
  PjFactorKind joined = joins_slices(op) ? PJ_FACTOR_PERMUTE : PJ_FACTOR_REPLICATE;
  for (int32_t d = 0; d < type->rank; ++d)
    pj_shard_everywhere(b, d, type->dims[d], d == PJ_INT(op, dimension) ? joined : PJ_FACTOR_PASS);
  return true;
}

bool pj_shard_sort(PjRuleBuilder *b, const PjOp *op) {
  const PjType *type = in_type(op, 0);
  int64_t dimension = PJ_INT(op, dimension);
  dimension += dimension < 0 ? type->rank : 0;
  bool alone = true;
  for (int32_t d = 0; d < type->rank; ++d)
    alone &= d == dimension || type->dims[d] == 1;
  for (int32_t d = 0; d < type->rank; ++d) {
    bool sorted = d == dimension;
    pj_shard_everywhere(b, d, type->dims[d], sorted ? PJ_FACTOR_REPLICATE : PJ_FACTOR_PASS);
    if (sorted && alone)
      pj_shard_block(b);
  }
  return true;
}

// Rules of gather and scatter, which have one structure: an array (the input), indices, and slices
// that are read from it or written to it.
#include "partition/rule_build.h"

typedef struct Indexing {
  PjRuleBuilder *b;
  bool scatter;
  bool sums; // updates that meet are combined by one of the reductions that devices know
  uint32_t inputs;
  const PjType *input, *indices, *slices;
  const int64_t *window, *collapsed, *input_batch, *index_batch;
  uint32_t num_window, num_collapsed, num_batch;
  int64_t index_vector;
} Indexing;

static void add(const Indexing *x, int64_t input, int64_t index, int64_t slice, int64_t size,
                PjFactorKind kind) {
  PjRuleBuilder *b = x->b;
  pj_shard_factor(b, size, kind);
  for (uint32_t i = 0; i < x->inputs; ++i)
    pj_shard_map(b, i, input);
  pj_shard_map(b, x->inputs, index);
  if (!x->scatter) {
    pj_shard_map_results(b, slice);
    return;
  }
  for (uint32_t i = 0; i < x->inputs; ++i)
    pj_shard_map(b, x->inputs + 1 + i, slice);
  pj_shard_map_results(b, input);
}

// Dimension |slice| of the slices lies along dimension |input| of the input.
static void window(const Indexing *x, int64_t input, int64_t slice) {
  int64_t whole = x->input->dims[input], part = x->slices->dims[slice];
  if (whole == part) {
    add(x, input, PJ_NO_DIM, slice, whole, PJ_FACTOR_PASS);
  } else if (x->scatter || part == 1) {
    add(x, input, PJ_NO_DIM, PJ_NO_DIM, whole, x->scatter ? PJ_FACTOR_REPLICATE : PJ_FACTOR_REDUCE);
    add(x, PJ_NO_DIM, PJ_NO_DIM, slice, part, PJ_FACTOR_REPLICATE);
  } else {
    add(x, input, PJ_NO_DIM, slice, whole, PJ_FACTOR_REPLICATE);
    pj_shard_block(x->b);
  }
}

// Dimension |slice| of the slices is dimension |index| of the indices.
static void batch(const Indexing *x, int64_t index, int64_t slice) {
  int64_t input = PJ_NO_DIM;
  for (uint32_t i = 0; i < x->num_batch; ++i)
    if (x->index_batch[i] == index)
      input = x->input_batch[i];
  PjFactorKind kind = PJ_FACTOR_PASS;
  if (x->scatter && input == PJ_NO_DIM)
    kind = x->sums ? PJ_FACTOR_REDUCE : PJ_FACTOR_REPLICATE;
  add(x, input, index, slice, x->slices->dims[slice], kind);
}

static bool indexing(const Indexing *x) {
  int64_t input = 0, position = 0;
  for (int32_t d = 0; d < x->slices->rank; ++d) {
    if (!pj_shard_listed(x->window, x->num_window, d)) {
      batch(x, position < x->index_vector ? position : position + 1, d);
      ++position;
      continue;
    }
    while (pj_shard_listed(x->collapsed, x->num_collapsed, input) ||
           pj_shard_listed(x->input_batch, x->num_batch, input))
      ++input;
    if (input >= x->input->rank)
      return false;
    window(x, input++, d);
  }
  for (uint32_t i = 0; i < x->num_collapsed; ++i) {
    int64_t size = x->input->dims[x->collapsed[i]];
    PjFactorKind kind = x->scatter  ? PJ_FACTOR_PASS
                        : size == 1 ? PJ_FACTOR_REPLICATE
                                    : PJ_FACTOR_REDUCE;
    add(x, x->collapsed[i], PJ_NO_DIM, PJ_NO_DIM, size, kind);
  }
  if (x->index_vector < x->indices->rank)
    add(x, PJ_NO_DIM, x->index_vector, PJ_NO_DIM, x->indices->dims[x->index_vector],
        PJ_FACTOR_REPLICATE);
  return true;
}

bool pj_shard_gather(PjRuleBuilder *b, const PjOp *op) {
  Indexing x = {.b = b,
                .inputs = 1,
                .input = op->operands[0]->type,
                .indices = op->operands[1]->type,
                .slices = op->results[0].type,
                .index_vector = PJ_INT(op, index_vector_dim)};
  x.window = PJ_INTS(op, offset_dims, &x.num_window);
  x.collapsed = PJ_INTS(op, collapsed_slice_dims, &x.num_collapsed);
  x.input_batch = PJ_INTS(op, operand_batching_dims, &x.num_batch);
  x.index_batch = PJ_INTS(op, start_indices_batching_dims, NULL);
  return indexing(&x);
}

bool pj_shard_scatter(PjRuleBuilder *b, const PjOp *op) {
  uint32_t inputs = op->num_results;
  Indexing x = {.b = b,
                .scatter = true,
                .sums = pj_shard_reducer(&op->regions[0]) != PJ_OP_INVALID,
                .inputs = inputs,
                .input = op->operands[0]->type,
                .indices = op->operands[inputs]->type,
                .slices = op->operands[inputs + 1]->type,
                .index_vector = PJ_INT(op, index_vector_dim)};
  x.window = PJ_INTS(op, update_window_dims, &x.num_window);
  x.collapsed = PJ_INTS(op, inserted_window_dims, &x.num_collapsed);
  x.input_batch = PJ_INTS(op, input_batching_dims, &x.num_batch);
  x.index_batch = PJ_INTS(op, scatter_indices_batching_dims, NULL);
  return indexing(&x);
}

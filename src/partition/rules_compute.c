// Rules of contractions, reductions, windows, linear algebra, random numbers and collectives.
#include "partition/partitioners.h"
#include "partition/rule_build.h"

static const PjType *in_type(const PjOp *op, uint32_t i) {
  return op->operands[i]->type;
}

static const PjType *out_type(const PjOp *op, uint32_t i) {
  return op->results[i].type;
}

// A factor of one dimension each of two operands and the result.
static void binary(PjRuleBuilder *b, int64_t lhs, int64_t rhs, int64_t out, int64_t size,
                   PjFactorKind kind) {
  pj_shard_factor(b, size, kind);
  pj_shard_map(b, 0, lhs);
  pj_shard_map(b, 1, rhs);
  pj_shard_map(b, 2, out);
}

// --- Contractions --------------------------------------------------------------------------------

bool pj_shard_dot_general(PjRuleBuilder *b, const PjOp *op) {
  const PjType *lhs = in_type(op, 0), *rhs = in_type(op, 1);
  uint32_t batches, contracted;
  const int64_t *lhs_batch = PJ_INTS(op, lhs_batching_dimensions, &batches),
                *rhs_batch = PJ_INTS(op, rhs_batching_dimensions, NULL),
                *lhs_contract = PJ_INTS(op, lhs_contracting_dimensions, &contracted),
                *rhs_contract = PJ_INTS(op, rhs_contracting_dimensions, NULL);
  int64_t out = 0;
  for (uint32_t i = 0; i < batches; ++i)
    binary(b, lhs_batch[i], rhs_batch[i], out++, lhs->dims[lhs_batch[i]], PJ_FACTOR_PASS);
  for (int32_t d = 0; d < lhs->rank; ++d)
    if (!pj_shard_listed(lhs_batch, batches, d) && !pj_shard_listed(lhs_contract, contracted, d))
      binary(b, d, PJ_NO_DIM, out++, lhs->dims[d], PJ_FACTOR_PASS);
  for (int32_t d = 0; d < rhs->rank; ++d)
    if (!pj_shard_listed(rhs_batch, batches, d) && !pj_shard_listed(rhs_contract, contracted, d))
      binary(b, PJ_NO_DIM, d, out++, rhs->dims[d], PJ_FACTOR_PASS);
  for (uint32_t i = 0; i < contracted; ++i)
    binary(b, lhs_contract[i], rhs_contract[i], PJ_NO_DIM, lhs->dims[lhs_contract[i]],
           PJ_FACTOR_REDUCE);
  return true;
}

bool pj_shard_dot(PjRuleBuilder *b, const PjOp *op) {
  const PjType *lhs = in_type(op, 0), *rhs = in_type(op, 1);
  bool rows = lhs->rank == 2;
  if (rows)
    binary(b, 0, PJ_NO_DIM, 0, lhs->dims[0], PJ_FACTOR_PASS);
  if (rhs->rank == 2)
    binary(b, PJ_NO_DIM, 1, rows ? 1 : 0, rhs->dims[1], PJ_FACTOR_PASS);
  binary(b, rows ? 1 : 0, 0, PJ_NO_DIM, rhs->dims[0], PJ_FACTOR_REDUCE);
  return true;
}

// A spatial dimension of a convolution is cut by windows and within a window; the larger of the two
// is the major factor.
static void spatial(PjRuleBuilder *b, int64_t lhs, int64_t rhs, int64_t out, int64_t size,
                    int64_t windows, int64_t window) {
  bool windows_first = windows >= window;
  for (int i = 0; i < 2; ++i) {
    bool by_windows = (i == 0) == windows_first;
    int64_t factor = by_windows ? windows : window;
    factor = factor < size ? factor : size;
    if (factor <= 1)
      continue;
    if (by_windows)
      binary(b, lhs, PJ_NO_DIM, out, factor, PJ_FACTOR_PERMUTE);
    else
      binary(b, lhs, rhs, PJ_NO_DIM, factor, PJ_FACTOR_REDUCE);
    size /= factor;
  }
}

bool pj_shard_convolution(PjRuleBuilder *b, const PjOp *op) {
  const PjType *lhs = in_type(op, 0), *rhs = in_type(op, 1), *out = out_type(op, 0);
  int64_t batch_groups = PJ_INT(op, batch_group_count),
          feature_groups = PJ_INT(op, feature_group_count);
  int64_t in_batch = PJ_INT(op, input_batch_dimension),
          in_feature = PJ_INT(op, input_feature_dimension),
          kernel_in = PJ_INT(op, kernel_input_feature_dimension),
          kernel_out = PJ_INT(op, kernel_output_feature_dimension),
          out_batch = PJ_INT(op, output_batch_dimension),
          out_feature = PJ_INT(op, output_feature_dimension);
  uint32_t count;
  const int64_t *in_spatial = PJ_INTS(op, input_spatial_dimensions, &count),
                *kernel_spatial = PJ_INTS(op, kernel_spatial_dimensions, NULL),
                *out_spatial = PJ_INTS(op, output_spatial_dimensions, NULL);
  if (batch_groups > 1)
    binary(b, in_batch, kernel_out, out_feature, batch_groups, PJ_FACTOR_PASS);
  binary(b, in_batch, PJ_NO_DIM, out_batch, out->dims[out_batch], PJ_FACTOR_PASS);
  for (uint32_t i = 0; i < count; ++i)
    spatial(b, in_spatial[i], kernel_spatial[i], out_spatial[i], lhs->dims[in_spatial[i]],
            out->dims[out_spatial[i]], rhs->dims[kernel_spatial[i]]);
  if (feature_groups > 1)
    binary(b, in_feature, kernel_out, out_feature, feature_groups, PJ_FACTOR_PASS);
  binary(b, in_feature, kernel_in, PJ_NO_DIM, rhs->dims[kernel_in], PJ_FACTOR_REDUCE);
  int64_t rest = out->dims[out_feature] / (batch_groups * feature_groups);
  if (rest > 1)
    binary(b, PJ_NO_DIM, kernel_out, out_feature, rest, PJ_FACTOR_PASS);
  return true;
}

// --- Reductions and windows ----------------------------------------------------------------------

bool pj_shard_reduce(PjRuleBuilder *b, const PjOp *op) {
  const PjType *in = in_type(op, 0);
  uint32_t count, inputs = op->num_operands / 2;
  const int64_t *dims = PJ_INTS(op, dimensions, &count);
  int64_t out = 0;
  for (int32_t d = 0; d < in->rank; ++d) {
    bool reduced = pj_shard_listed(dims, count, d);
    pj_shard_factor(b, in->dims[d], reduced ? PJ_FACTOR_REDUCE : PJ_FACTOR_PASS);
    for (uint32_t i = 0; i < inputs; ++i)
      pj_shard_map(b, i, d);
    if (!reduced)
      pj_shard_map_results(b, out++);
  }
  return true;
}

// Windows of one element that lie side by side.
static bool is_plain(const PjOp *op, int32_t d) {
  const int64_t *padding = PJ_INTS(op, padding, NULL);
  return padding[2 * d] == 0 && padding[2 * d + 1] == 0 &&
         PJ_INTS(op, window_dimensions, NULL)[d] == 1 && PJ_INTS(op, window_strides, NULL)[d] == 1;
}

bool pj_shard_reduce_window(PjRuleBuilder *b, const PjOp *op) {
  const PjType *out = out_type(op, 0);
  for (int32_t d = 0; d < out->rank; ++d)
    pj_shard_everywhere(b, d, out->dims[d], is_plain(op, d) ? PJ_FACTOR_PASS : PJ_FACTOR_PERMUTE);
  return true;
}

bool pj_shard_select_and_scatter(PjRuleBuilder *b, const PjOp *op) {
  const PjType *source = in_type(op, 1), *out = out_type(op, 0);
  for (int32_t d = 0; d < out->rank; ++d) {
    if (is_plain(op, d)) {
      pj_shard_everywhere(b, d, out->dims[d], PJ_FACTOR_PASS);
      continue;
    }
    pj_shard_factor(b, source->dims[d], PJ_FACTOR_REPLICATE);
    pj_shard_map(b, 1, d);
    pj_shard_factor(b, out->dims[d], PJ_FACTOR_PERMUTE);
    pj_shard_map(b, 0, d);
    pj_shard_map_results(b, d);
  }
  return true;
}

bool pj_shard_batch_norm_inference(PjRuleBuilder *b, const PjOp *op) {
  const PjType *type = out_type(op, 0);
  for (int32_t d = 0; d < type->rank; ++d) {
    pj_shard_factor(b, type->dims[d], PJ_FACTOR_PASS);
    pj_shard_map(b, 0, d);
    for (uint32_t i = 1; i < op->num_operands && d == PJ_INT(op, feature_index); ++i)
      pj_shard_map(b, i, 0);
    pj_shard_map_results(b, d);
  }
  return true;
}

// --- Linear algebra and random numbers -----------------------------------------------------------

bool pj_shard_cholesky(PjRuleBuilder *b, const PjOp *op) {
  const PjType *type = out_type(op, 0);
  for (int32_t d = 0; d < type->rank; ++d)
    pj_shard_everywhere(b, d, type->dims[d],
                        d < type->rank - 2 ? PJ_FACTOR_PASS : PJ_FACTOR_REPLICATE);
  return true;
}

bool pj_shard_triangular_solve(PjRuleBuilder *b, const PjOp *op) {
  const PjType *a = in_type(op, 0), *rhs = in_type(op, 1);
  int64_t rows = a->rank - 2, columns = a->rank - 1;
  int64_t transpose = PJ_INT(op, transpose_a);
  bool transposed = transpose == PJ_TRANSPOSE_YES || transpose == PJ_TRANSPOSE_ADJOINT;
  for (int64_t d = 0; d < rows; ++d)
    pj_shard_everywhere(b, d, a->dims[d], PJ_FACTOR_PASS);
  bool left = PJ_INT(op, left_side);
  // op(a) x = rhs, or x op(a) = rhs: the dimension that the solution has alone, the one of op(a)
  // that rhs has, and the one that is summed over.
  int64_t kept = left != transposed ? rows : columns, summed = left != transposed ? columns : rows;
  int64_t alone = left ? columns : rows, shared = left ? rows : columns;
  if (left)
    binary(b, kept, shared, PJ_NO_DIM, a->dims[kept], PJ_FACTOR_REPLICATE);
  binary(b, PJ_NO_DIM, alone, alone, rhs->dims[alone], PJ_FACTOR_REPLICATE);
  if (!left)
    binary(b, kept, shared, PJ_NO_DIM, a->dims[kept], PJ_FACTOR_REPLICATE);
  binary(b, summed, PJ_NO_DIM, shared, a->dims[summed], PJ_FACTOR_REPLICATE);
  return true;
}

bool pj_shard_fft(PjRuleBuilder *b, const PjOp *op) {
  const PjType *in = in_type(op, 0), *out = out_type(op, 0);
  uint32_t count;
  PJ_INTS(op, fft_length, &count);
  for (int32_t d = 0; d < in->rank; ++d) {
    pj_shard_everywhere(b, d, in->dims[d],
                        d < in->rank - (int32_t)count ? PJ_FACTOR_PASS : PJ_FACTOR_REPLICATE);
    if (d == in->rank - 1 && count && in->dims[d] != out->dims[d])
      pj_shard_block(b);
  }
  return true;
}

bool pj_shard_rng(PjRuleBuilder *b, const PjOp *op) {
  const PjType *state = in_type(op, 0), *out = out_type(op, 1);
  for (int32_t d = 0; d < state->rank; ++d) {
    pj_shard_factor(b, state->dims[d], PJ_FACTOR_REPLICATE);
    pj_shard_block(b);
    pj_shard_map(b, 0, d);
    pj_shard_map(b, 1, d);
  }
  for (int32_t d = 0; d < out->rank; ++d) {
    pj_shard_factor(b, out->dims[d], PJ_FACTOR_PASS);
    pj_shard_map(b, 2, d);
  }
  return true;
}

// --- Collectives ---------------------------------------------------------------------------------

// Dimension |d| is whole, in operands and results each for itself.
static void exchanged(PjRuleBuilder *b, const PjOp *op, int64_t d) {
  pj_shard_factor(b, in_type(op, 0)->dims[d], PJ_FACTOR_REPLICATE);
  pj_shard_map_operands(b, d);
  pj_shard_factor(b, out_type(op, 0)->dims[d], PJ_FACTOR_REPLICATE);
  pj_shard_map_results(b, d);
}

static bool collective(PjRuleBuilder *b, const PjOp *op, int64_t first, int64_t second) {
  const PjType *in = in_type(op, 0);
  for (int32_t d = 0; d < in->rank; ++d)
    if (d != first && d != second)
      pj_shard_everywhere(b, d, in->dims[d], PJ_FACTOR_PASS);
  exchanged(b, op, first);
  if (second != first)
    exchanged(b, op, second);
  return true;
}

bool pj_shard_all_gather(PjRuleBuilder *b, const PjOp *op) {
  return collective(b, op, PJ_INT(op, all_gather_dim), PJ_INT(op, all_gather_dim));
}

bool pj_shard_all_to_all(PjRuleBuilder *b, const PjOp *op) {
  return collective(b, op, PJ_INT(op, split_dimension), PJ_INT(op, concat_dimension));
}

bool pj_shard_reduce_scatter(PjRuleBuilder *b, const PjOp *op) {
  return collective(b, op, PJ_INT(op, scatter_dimension), PJ_INT(op, scatter_dimension));
}

// --- Custom calls --------------------------------------------------------------------------------

static bool is_one_of(PjStr name, const char *const *names) {
  for (; *names; ++names)
    if (pj_str_is(name, *names))
      return true;
  return false;
}

// Batch dimensions of a factorisation: all but the last two of the first operand.
static bool batches(PjRuleBuilder *b, const PjOp *op) {
  if (!op->num_operands || !pj_type_is_tensor(in_type(op, 0)) || in_type(op, 0)->rank < 2)
    return false;
  const PjType *in = in_type(op, 0);
  for (int32_t d = 0; d < in->rank - 2; ++d)
    pj_shard_everywhere(b, d, in->dims[d], PJ_FACTOR_PASS);
  return true;
}

static void alone(PjRuleBuilder *b, uint32_t tensor, int64_t dim, int64_t second,
                  int64_t second_dim, PjFactorKind kind) {
  pj_shard_factor(b, pj_shard_type(b, tensor)->dims[dim], kind);
  pj_shard_map(b, tensor, dim);
  if (second >= 0)
    pj_shard_map(b, (uint32_t)second, second_dim);
}

// Of a call that its host said to compute batches: how many of the first dimensions of all arrays
// are, its frontend attribute tells.
static bool leading_batches(PjRuleBuilder *b, const PjOp *op) {
  const PjAttr *frontend = pj_attr_get(op->extra, "mhlo.frontend_attributes");
  const PjAttr *said =
      frontend && frontend->kind == PJ_ATTR_DICT ? pj_attr_get(frontend, "num_batch_dims") : NULL;
  if (!said || said->kind != PJ_ATTR_STRING || said->str.len != 1 || *said->str.ptr < '0' ||
      *said->str.ptr > '9')
    return false;
  int32_t count = *said->str.ptr - '0'; // ten and more are not cut
  for (uint32_t t = 0; t < op->num_operands + op->num_results; ++t) {
    const PjType *type = pj_shard_type(b, t), *first = pj_shard_type(b, 0);
    if (!pj_type_is_tensor(type) || type->rank < count)
      return false;
    for (int32_t d = 0; d < count; ++d)
      if (type->dims[d] != first->dims[d])
        return false;
  }
  for (int32_t d = 0; d < count; ++d)
    pj_shard_everywhere(b, d, pj_shard_type(b, 0)->dims[d], PJ_FACTOR_PASS);
  return true;
}

bool pj_shard_custom_call(PjRuleBuilder *b, const PjOp *op) {
  static const char *const pointwise[] = {"annotate_device_placement",
                                          "Cholesky",
                                          "CompactWyHelper",
                                          "InspectSharding",
                                          "InvertDiagBlocksLowerTriangular",
                                          "InvertDiagBlocksUpperTriangular",
                                          "LayoutConstraint",
                                          "mhlo.erf",
                                          "MoveToDevice",
                                          "MoveToHost",
                                          "X64SplitHigh",
                                          "X64SplitLow",
                                          "X64Combine",
                                          NULL};
  PjStr name = PJ_STRATTR(op, call_target_name);
  if (pj_partitioner_has_batches(name) && leading_batches(b, op))
    return true;
  if (is_one_of(name, pointwise))
    return pj_shard_pointwise(b, op);
  if (pj_str_is(name, "mhlo.topk") && op->num_operands == 1 && op->num_results == 2)
    return pj_shard_top_k(b, op);
  bool qr = pj_str_is(name, "Qr") || pj_str_is(name, "QrDecompositionBlock");
  if ((qr || pj_str_is(name, "Eigh")) && op->num_operands == 1 && op->num_results == 2) {
    if (!batches(b, op))
      return false;
    int32_t rank = in_type(op, 0)->rank;
    PjFactorKind kind = qr ? PJ_FACTOR_REPLICATE : PJ_FACTOR_PASS;
    alone(b, 0, rank - 2, 1, rank - 2, kind);
    alone(b, 0, rank - 1, 1, rank - 1, kind);
    if (qr && out_type(op, 1)->rank == rank - 1)
      alone(b, 2, rank - 2, -1, 0, kind);
    else if (!qr)
      pj_shard_map(b, 2, rank - 2);
    return true;
  }
  if (pj_str_is(name, "ProductOfElementaryHouseholderReflectors") && op->num_operands == 2 &&
      op->num_results == 1) {
    if (!batches(b, op))
      return false;
    int32_t rank = in_type(op, 0)->rank;
    alone(b, 0, rank - 2, 2, rank - 2, PJ_FACTOR_REPLICATE);
    alone(b, 0, rank - 1, 2, rank - 1, PJ_FACTOR_REPLICATE);
    if (in_type(op, 1)->rank == rank - 1)
      alone(b, 1, rank - 2, -1, 0, PJ_FACTOR_REPLICATE);
    return true;
  }
  return false;
}

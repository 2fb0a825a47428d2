// Products and convolutions, with dimension numbers of all kinds, and dense linear algebra.
#include "gen.h"

static PjDtype contraction_dtype(Gen *g) {
  PjDtype dtype;
  do
    dtype = gen_dtype(g, rand_chance(&g->rand, 75) ? GEN_FLOAT : GEN_NUMBER);
  while (dtype == PJ_DT_F8E8M0FNU);
  return dtype;
}

// Narrow types are mostly accumulated into a wider result.
static PjDtype result_dtype(Gen *g, PjDtype dtype) {
  if (pj_dtype_is_float(dtype) && pj_dtype_bits(dtype) <= 16 && rand_chance(&g->rand, 50))
    return PJ_DT_F32;
  if (pj_dtype_class(dtype) == PJ_CLASS_SINT && pj_dtype_bits(dtype) <= 16 &&
      rand_chance(&g->rand, 60))
    return PJ_DT_S32;
  return dtype;
}

static void emit_dot(Gen *g) {
  uint32_t batch = rand_chance(&g->rand, 65) ? 0 : (uint32_t)rand_int(&g->rand, 1, 2),
           contract = rand_chance(&g->rand, 85) ? 1 : (uint32_t)rand_int(&g->rand, 0, 2);
  uint32_t free[2] = {(uint32_t)rand_int(&g->rand, 0, 2), (uint32_t)rand_int(&g->rand, 0, 2)};
  if (rand_chance(&g->rand, 60))
    free[0] = free[1] = 1;
  int64_t batch_sizes[2], contract_sizes[2], out[8];
  int32_t out_rank = 0;
  for (uint32_t i = 0; i < batch; ++i)
    out[out_rank++] = batch_sizes[i] = gen_size(g);
  int64_t depth = 1;
  for (uint32_t i = 0; i < contract; ++i)
    depth *= contract_sizes[i] = gen_size(g);
  PjDtype dtype = contraction_dtype(g);
  PjValue *operands[2];
  int64_t lists[2][2][2]; // side, batch or contracting
  for (int side = 0; side < 2; ++side) {
    int64_t order[6], dims[6];
    uint32_t rank = batch + contract + free[side];
    for (uint32_t i = 0; i < rank; ++i)
      order[i] = i;
    if (rand_chance(&g->rand, 50))
      gen_shuffle(g, rank, order);
    for (uint32_t i = 0; i < batch; ++i)
      dims[lists[side][0][i] = order[i]] = batch_sizes[i];
    for (uint32_t i = 0; i < contract; ++i)
      dims[lists[side][1][i] = order[batch + i]] = contract_sizes[i];
    bool is_free[6] = {false};
    for (uint32_t i = batch + contract; i < rank; ++i) {
      dims[order[i]] = gen_size(g);
      is_free[order[i]] = true;
    }
    for (uint32_t i = 0; i < rank; ++i)
      if (is_free[i])
        out[out_rank++] = dims[i];
    if (!gen_fits(g, (int32_t)rank, dims) || !gen_fits(g, out_rank, out))
      return;
    operands[side] = gen_of_type(g, gen_type(g, dtype, (int32_t)rank, dims));
  }
  const PjType *type = gen_type(g, result_dtype(g, dtype), out_rank, out);
  if (gen_count(type) * depth > (1 << 24))
    return;
  g->work_left -= gen_count(type) * depth / 16;
  PjOp *op = gen_op(g, PJ_OP_DOT_GENERAL, 2, operands, 1, 0);
  gen_set_ints(g, op, PJ_KEY_lhs_batching_dimensions, batch, lists[0][0]);
  gen_set_ints(g, op, PJ_KEY_rhs_batching_dimensions, batch, lists[1][0]);
  gen_set_ints(g, op, PJ_KEY_lhs_contracting_dimensions, contract, lists[0][1]);
  gen_set_ints(g, op, PJ_KEY_rhs_contracting_dimensions, contract, lists[1][1]);
  gen_done(g, op, &type);
}

// A product of matrices with what often follows: a bias, an activation.
static void emit_dense(Gen *g) {
  PjDtype dtype = contraction_dtype(g);
  if (!pj_dtype_is_float(dtype))
    return;
  int64_t m = gen_size(g), k = gen_size(g), n = gen_size(g);
  if (!gen_fits(g, 2, (int64_t[]){m, k}) || !gen_fits(g, 2, (int64_t[]){k, n}) ||
      !gen_fits(g, 2, (int64_t[]){m, n}) || m * n * k > (1 << 24))
    return;
  PjValue *operands[] = {gen_of_type(g, gen_type(g, dtype, 2, (int64_t[]){m, k})),
                         gen_of_type(g, gen_type(g, dtype, 2, (int64_t[]){k, n}))};
  const PjType *type = gen_type(g, dtype, 2, (int64_t[]){m, n});
  PjOp *op = gen_op(g, PJ_OP_DOT_GENERAL, 2, operands, 1, 0);
  gen_set_ints(g, op, PJ_KEY_lhs_contracting_dimensions, 1, (int64_t[]){1});
  gen_set_ints(g, op, PJ_KEY_rhs_contracting_dimensions, 1, (int64_t[]){0});
  PjValue *x = gen_done(g, op, &type);
  PjValue *bias = gen_of_type(g, gen_type(g, dtype, 1, (int64_t[]){n}));
  x = gen_binary(g, PJ_OP_ADD, x, gen_broadcast_in_dim(g, bias, type, (int64_t[]){1}));
  if (rand_chance(&g->rand, 50))
    gen_unary(g, PJ_OP_TANH, x);
  else
    gen_binary(g, PJ_OP_MAXIMUM, x, gen_splat(g, type, 0));
  g->work_left -= m * n * k / 16;
}

static void emit_convolution(Gen *g) {
  PjDtype dtype = contraction_dtype(g);
  uint32_t spatial = rand_chance(&g->rand, 60) ? 2 : (uint32_t)rand_int(&g->rand, 0, 3);
  int32_t rank = (int32_t)spatial + 2;
  int64_t batch = rand_int(&g->rand, 1, 4),
          features =
              rand_chance(&g->rand, 85) ? rand_int(&g->rand, 1, 4) : rand_int(&g->rand, 8, 20),
          outputs = rand_int(&g->rand, 1, 5), feature_groups = 1, batch_groups = 1;
  int64_t grouping = rand_int(&g->rand, 0, 9);
  const bool many = dtype == PJ_DT_F32 && spatial == 2 && rand_chance(&g->rand, 15); // features
  if (many) { // windows of 3 x 3
    batch = rand_int(&g->rand, 1, 2);
    features = 16 * rand_int(&g->rand, 2, 3);
    outputs = 32;
  } else if (grouping < 2) { // grouped or depthwise
    feature_groups = rand_int(&g->rand, 2, 3);
    features = grouping ? feature_groups : feature_groups * 2;
    outputs = feature_groups * rand_int(&g->rand, 1, 2);
  } else if (grouping == 2) {
    batch_groups = 2;
    batch *= 2;
    outputs *= 2;
  }
  int64_t numbers[3][5], dims[3][5]; // input, kernel, output: two and the spatial ones
  for (int t = 0; t < 3; ++t) {
    for (int32_t i = 0; i < rank; ++i)
      numbers[t][i] = i;
    if (rand_chance(&g->rand, 70))
      gen_shuffle(g, (uint32_t)rank, numbers[t]);
  }
  const bool large = !many && spatial && g->options->size && rand_chance(&g->rand, 15);
  const bool gradient = large || (many && rand_chance(&g->rand, 30)); // by the window
  if (large) { // also of three dimensions, of groups
    feature_groups = 1;
    batch_groups = rand_chance(&g->rand, 60) ? 1 : rand_int(&g->rand, 2, 4);
    batch = batch_groups * rand_int(&g->rand, 1, 12);
    outputs = batch_groups * rand_int(&g->rand, 1, 18);
    features = rand_int(&g->rand, 1, 2);
  } else if (gradient) {
    batch = features;
    features = rand_int(&g->rand, 1, 2);
  }
  if (gradient) {
    const int64_t last = rank - 1;
    for (int32_t i = 0; i < (int32_t)spatial; ++i) {
      numbers[0][2 + i] = numbers[1][2 + i] = i + 1;
      numbers[2][2 + i] = i;
    }
    memcpy(numbers[0], (int64_t[]){last, 0}, 2 * sizeof(int64_t));
    memcpy(numbers[1], (int64_t[]){0, last}, 2 * sizeof(int64_t));
    memcpy(numbers[2], (int64_t[]){last - 1, last}, 2 * sizeof(int64_t));
    if (large && rand_chance(&g->rand, 30)) { // features first
      for (int32_t i = 0; i < (int32_t)spatial; ++i)
        numbers[0][2 + i] = numbers[1][2 + i] = numbers[2][2 + i] = i + 2;
      memcpy(numbers[0], (int64_t[]){1, 0}, 2 * sizeof(int64_t));
      memcpy(numbers[1], (int64_t[]){0, 1}, 2 * sizeof(int64_t));
      memcpy(numbers[2], (int64_t[]){1, 0}, 2 * sizeof(int64_t));
    }
  } else if (many && rand_chance(&g->rand, 70)) { // features last
    memcpy(numbers[0], (int64_t[]){0, 3, 1, 2}, 4 * sizeof(int64_t));
    memcpy(numbers[2], (int64_t[]){0, 3, 1, 2}, 4 * sizeof(int64_t));
  }
  dims[0][numbers[0][0]] = batch;
  dims[0][numbers[0][1]] = features;
  dims[1][numbers[1][0]] = features / feature_groups;
  dims[1][numbers[1][1]] = outputs;
  dims[2][numbers[2][0]] = batch / batch_groups;
  dims[2][numbers[2][1]] = outputs;
  int64_t strides[3], lhs_dilation[3], rhs_dilation[3], padding[6], reversal[3], depth = features;
  for (uint32_t i = 0; i < spatial; ++i) {
    int64_t n = rand_int(&g->rand, 1, (int64_t[]){7, 16, 40}[g->options->size]),
            window = rand_int(&g->rand, 1, 3);
    strides[i] = rand_chance(&g->rand, 70) ? 1 : 2;
    lhs_dilation[i] = rand_chance(&g->rand, 85) ? 1 : 2;
    rhs_dilation[i] = rand_chance(&g->rand, 85) ? 1 : 2;
    reversal[i] = rand_chance(&g->rand, 10);
    if (many) {
      n = rand_int(&g->rand, 5, (int64_t[]){7, 12, 20}[g->options->size]);
      window = 3;
      strides[i] = lhs_dilation[i] = 1;
    }
    padding[2 * i] = rand_chance(&g->rand, 50) ? 0 : rand_int(&g->rand, -1, 2);
    padding[2 * i + 1] = rand_chance(&g->rand, 50) ? 0 : rand_int(&g->rand, -1, 2);
    if (gradient) {
      if (large) {
        n = spatial == 1 ? 8 * n : spatial == 3 ? (n + 1) / 2 : n;
        strides[i] = rand_chance(&g->rand, 80) ? 1 : 2;
        lhs_dilation[i] = 1;
      } else {
        rhs_dilation[i] = 1;
      }
      window = (n + padding[2 * i] + padding[2 * i + 1] - 2) / rhs_dilation[i];
      if (window < 1)
        return;
    }
    int64_t span = (n - 1) * lhs_dilation[i] + 1 + padding[2 * i] + padding[2 * i + 1],
            reach = (window - 1) * rhs_dilation[i] + 1;
    if (span < 0)
      return;
    dims[0][numbers[0][2 + i]] = n;
    dims[1][numbers[1][2 + i]] = window;
    dims[2][numbers[2][2 + i]] = span < reach ? 0 : (span - reach) / strides[i] + 1;
    depth *= window;
  }
  for (int t = 0; t < 3; ++t)
    if (!gen_fits(g, rank, dims[t]))
      return;
  // Long sums of equal numbers go astray in the evaluator itself.
  PjValue *(*const make)(Gen *, const PjType *) = many || large ? gen_argument : gen_of_type;
  PjValue *operands[] = {make(g, gen_type(g, dtype, rank, dims[0])),
                         make(g, gen_type(g, dtype, rank, dims[1]))};
  const PjType *type = gen_type(g, result_dtype(g, dtype), rank, dims[2]);
  g->work_left -= gen_count(type) * depth / 8;
  PjOp *op = gen_op(g, PJ_OP_CONVOLUTION, 2, operands, 1, 0);
  gen_set_ints(g, op, PJ_KEY_window_strides, spatial, strides);
  gen_set_ints(g, op, PJ_KEY_lhs_dilation, spatial, lhs_dilation);
  gen_set_ints(g, op, PJ_KEY_rhs_dilation, spatial, rhs_dilation);
  pj_op_set_attr(op, PJ_KEY_window_reversal, pj_attr_bools(g->arena, spatial, reversal));
  gen_set_pairs(g, op, PJ_KEY_padding, spatial, padding);
  gen_set_int(g, op, PJ_KEY_input_batch_dimension, numbers[0][0]);
  gen_set_int(g, op, PJ_KEY_input_feature_dimension, numbers[0][1]);
  gen_set_ints(g, op, PJ_KEY_input_spatial_dimensions, spatial, numbers[0] + 2);
  gen_set_int(g, op, PJ_KEY_kernel_input_feature_dimension, numbers[1][0]);
  gen_set_int(g, op, PJ_KEY_kernel_output_feature_dimension, numbers[1][1]);
  gen_set_ints(g, op, PJ_KEY_kernel_spatial_dimensions, spatial, numbers[1] + 2);
  gen_set_int(g, op, PJ_KEY_output_batch_dimension, numbers[2][0]);
  gen_set_int(g, op, PJ_KEY_output_feature_dimension, numbers[2][1]);
  gen_set_ints(g, op, PJ_KEY_output_spatial_dimensions, spatial, numbers[2] + 2);
  gen_set_int(g, op, PJ_KEY_feature_group_count, feature_groups);
  gen_set_int(g, op, PJ_KEY_batch_group_count, batch_groups);
  gen_done(g, op, &type);
}

// A symmetric positive definite matrix: the identity, heavy, and a little of something else.
static PjValue *definite_matrix(Gen *g, PjDtype dtype, int32_t batch_rank, int64_t n) {
  int64_t dims[3] = {2, n, n};
  const PjType *type = gen_type(g, dtype, 2 + batch_rank, dims + 1 - batch_rank);
  const PjType *index = pj_type_with_dtype(g->arena, type, PJ_DT_S32);
  PjValue *rows = gen_iota(g, index, batch_rank), *columns = gen_iota(g, index, batch_rank + 1);
  PjValue *diagonal = gen_compare(g, PJ_CMP_EQ, PJ_CMPTYPE_SIGNED, rows, columns);
  PjValue *near = gen_compare(g, PJ_CMP_LE, PJ_CMPTYPE_SIGNED,
                              gen_unary(g, PJ_OP_ABS, gen_binary(g, PJ_OP_SUBTRACT, rows, columns)),
                              gen_splat(g, index, 1));
  PjValue *off =
      gen_select(g, near, gen_splat(g, type, rand_unit(&g->rand)), gen_splat(g, type, 0));
  return gen_select(g, diagonal, gen_splat(g, type, 3), off);
}

static void emit_linear_algebra(Gen *g) {
  PjDtype dtype = rand_chance(&g->rand, 60) ? PJ_DT_F32 : PJ_DT_F64;
  int64_t n = rand_int(&g->rand, 1, 9);
  int32_t batch = rand_chance(&g->rand, 25);
  PjValue *a = definite_matrix(g, dtype, batch, n);
  if (rand_chance(&g->rand, 50)) {
    PjOp *op = gen_op(g, PJ_OP_CHOLESKY, 1, &a, 1, 0);
    gen_set_bool(g, op, PJ_KEY_lower, rand_chance(&g->rand, 60));
    gen_done(g, op, NULL);
    return;
  }
  bool left = rand_chance(&g->rand, 60);
  int64_t dims[3] = {2, n, n};
  dims[left ? 2 : 1] = rand_int(&g->rand, 1, 5);
  PjValue *b = gen_of_type(g, gen_type(g, dtype, 2 + batch, dims + 1 - batch));
  PjOp *op = gen_op(g, PJ_OP_TRIANGULAR_SOLVE, 2, (PjValue *[]){a, b}, 1, 0);
  gen_set_bool(g, op, PJ_KEY_left_side, left);
  gen_set_bool(g, op, PJ_KEY_lower, rand_chance(&g->rand, 50));
  gen_set_bool(g, op, PJ_KEY_unit_diagonal, rand_chance(&g->rand, 20));
  pj_op_set_attr(op, PJ_KEY_transpose_a,
                 pj_attr_enum(g->arena, PJ_ENUM_TRANSPOSE,
                              rand_int(&g->rand, PJ_TRANSPOSE_NO, PJ_TRANSPOSE_ADJOINT)));
  gen_done(g, op, NULL);
}

const GenEmitter gen_contractions[] = {
    {"dot_general", 40, emit_dot},
    {"dot_general dense", 12, emit_dense},
    {"convolution", 15, emit_convolution},
    {"cholesky triangular_solve", 5, emit_linear_algebra},
    {0},
};

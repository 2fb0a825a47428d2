// What frameworks write: normalisations, activations, attention, scans, stencils, counters. They
// invite the rewrites that single operations do not.
#include "gen.h"

#include <math.h>

// A float array of at least |min_rank| dimensions whose type has arithmetic.
static PjValue *pick_float(Gen *g, int32_t min_rank, int32_t max_rank) {
  PjValue *a = gen_pick(g, GEN_FLOAT, min_rank, max_rank);
  return a->type->dtype == PJ_DT_F8E8M0FNU ? gen_convert(g, a, PJ_DT_F32) : a;
}

static PjValue *splat_like(Gen *g, PjValue *like, double value) {
  if (rand_chance(&g->rand, 50))
    return gen_splat(g, like->type, value);
  return gen_broadcast_scalar(g, gen_splat(g, gen_scalar(g, like->type->dtype), value), like->type);
}

// |reduced| (|like| without dimension |dim|) spread over |like|'s shape again; by way of a
// dimension of size 1, or at once.
static PjValue *spread(Gen *g, PjValue *reduced, PjValue *like, int64_t dim) {
  int64_t at[GEN_MAX_RANK], dims[GEN_MAX_RANK];
  int32_t n = 0;
  for (int32_t i = 0; i < like->type->rank; ++i) {
    dims[i] = i == dim ? 1 : like->type->dims[i];
    if (i != dim)
      at[n++] = i;
  }
  const PjType *type = gen_like(g, like, reduced->type->dtype);
  if (rand_chance(&g->rand, 50))
    return gen_broadcast_in_dim(g, reduced, type, at);
  PjValue *kept =
      rand_chance(&g->rand, 50)
          ? gen_reshape(g, reduced, like->type->rank, dims)
          : gen_broadcast_in_dim(g, reduced,
                                 gen_type(g, reduced->type->dtype, like->type->rank, dims), at);
  for (int32_t i = 0; i < like->type->rank; ++i)
    at[i] = i;
  return gen_broadcast_in_dim(g, kept, type, at);
}

static PjValue *softmax(Gen *g, PjValue *x, int64_t dim) {
  PjValue *top = spread(g, gen_reduce(g, PJ_OP_MAXIMUM, x, 1, &dim), x, dim);
  PjValue *e = gen_unary(g, PJ_OP_EXPONENTIAL, gen_binary(g, PJ_OP_SUBTRACT, x, top));
  PjValue *sum = spread(g, gen_reduce(g, PJ_OP_ADD, e, 1, &dim), x, dim);
  if (rand_chance(&g->rand, 25)) // log softmax
    return gen_binary(g, PJ_OP_SUBTRACT, gen_binary(g, PJ_OP_SUBTRACT, x, top),
                      gen_unary(g, PJ_OP_LOG, sum));
  return gen_binary(g, PJ_OP_DIVIDE, e, sum);
}

static void emit_softmax(Gen *g) {
  PjValue *x = pick_float(g, 1, 4);
  softmax(g, x,
          rand_chance(&g->rand, 70) ? x->type->rank - 1 : rand_int(&g->rand, 0, x->type->rank - 1));
}

static void emit_layer_norm(Gen *g) {
  PjValue *x = pick_float(g, 2, 4), *input = x;
  int64_t dim = rand_chance(&g->rand, 80) ? x->type->rank - 1
                                          : rand_int(&g->rand, 0, x->type->rank - 1),
          n = x->type->dims[dim];
  if (!n)
    return;
  if (pj_dtype_bits(x->type->dtype) < 32)
    x = gen_convert(g, x, PJ_DT_F32);
  PjValue *sum = gen_reduce(g, PJ_OP_ADD, x, 1, &dim);
  PjValue *mean =
      spread(g, gen_binary(g, PJ_OP_DIVIDE, sum, splat_like(g, sum, (double)n)), x, dim);
  PjValue *centred = gen_binary(g, PJ_OP_SUBTRACT, x, mean);
  PjValue *squares =
      gen_reduce(g, PJ_OP_ADD, gen_binary(g, PJ_OP_MULTIPLY, centred, centred), 1, &dim);
  PjValue *variance = gen_binary(g, PJ_OP_DIVIDE, squares, splat_like(g, squares, (double)n));
  PjValue *scale =
      gen_unary(g, PJ_OP_RSQRT, gen_binary(g, PJ_OP_ADD, variance, splat_like(g, variance, 1e-2)));
  PjValue *y = gen_binary(g, PJ_OP_MULTIPLY, centred, spread(g, scale, x, dim));
  const PjType *row = gen_type(g, x->type->dtype, 1, &n);
  PjValue *gamma = gen_broadcast_in_dim(g, gen_of_type(g, row), x->type, &dim);
  y = gen_binary(g, PJ_OP_MULTIPLY, y, gamma);
  if (input != x)
    y = gen_convert(g, y, input->type->dtype);
  if (rand_chance(&g->rand, 50))
    gen_binary(g, PJ_OP_ADD, y, input);
}

static void emit_activation(Gen *g) {
  PjValue *x = pick_float(g, 1, 4);
  if (rand_chance(&g->rand, 50)) { // gelu, by tanh
    PjValue *cube = gen_binary(g, PJ_OP_MULTIPLY, x, gen_binary(g, PJ_OP_MULTIPLY, x, x));
    PjValue *inner =
        gen_binary(g, PJ_OP_MULTIPLY, splat_like(g, x, 0.797884583),
                   gen_binary(g, PJ_OP_ADD, x,
                              gen_binary(g, PJ_OP_MULTIPLY, splat_like(g, x, 0.044715), cube)));
    PjValue *gate = gen_binary(g, PJ_OP_ADD, splat_like(g, x, 1), gen_unary(g, PJ_OP_TANH, inner));
    gen_binary(g, PJ_OP_MULTIPLY, x, gen_binary(g, PJ_OP_MULTIPLY, splat_like(g, x, 0.5), gate));
    return;
  }
  PjValue *gate = gen_unary(g, PJ_OP_LOGISTIC, x); // silu, gated
  gen_binary(g, PJ_OP_MULTIPLY, gen_binary(g, PJ_OP_MULTIPLY, x, gate), gen_of_type(g, x->type));
}

// softmax(q k^T / sqrt(d), masked) v
static void emit_attention(Gen *g) {
  PjDtype dtype = g->floats[0] == PJ_DT_F8E8M0FNU || pj_dtype_bits(g->floats[0]) < 16
                      ? PJ_DT_F32
                      : g->floats[0];
  int64_t b = rand_int(&g->rand, 1, 3), n = gen_size(g), m = gen_size(g),
          d = rand_int(&g->rand, 1, 9);
  int64_t q_dims[3] = {b, n, d}, k_dims[3] = {b, m, d}, s_dims[3] = {b, n, m};
  if (!m || !gen_fits(g, 3, q_dims) || !gen_fits(g, 3, k_dims) || !gen_fits(g, 3, s_dims))
    return;
  const PjType *scores = gen_type(g, dtype, 3, s_dims);
  PjValue *qk[] = {gen_of_type(g, gen_type(g, dtype, 3, q_dims)),
                   gen_of_type(g, gen_type(g, dtype, 3, k_dims))};
  PjOp *op = gen_op(g, PJ_OP_DOT_GENERAL, 2, qk, 1, 0);
  static const int64_t zero[] = {0}, one[] = {1}, two[] = {2};
  gen_set_ints(g, op, PJ_KEY_lhs_batching_dimensions, 1, zero);
  gen_set_ints(g, op, PJ_KEY_rhs_batching_dimensions, 1, zero);
  gen_set_ints(g, op, PJ_KEY_lhs_contracting_dimensions, 1, two);
  gen_set_ints(g, op, PJ_KEY_rhs_contracting_dimensions, 1, two);
  PjValue *s = gen_done(g, op, &scores);
  s = gen_binary(g, PJ_OP_MULTIPLY, s, splat_like(g, s, 1 / sqrt((double)d)));
  if (rand_chance(&g->rand, 60)) {
    const PjType *index = gen_type(g, PJ_DT_S32, 3, s_dims);
    PjValue *mask =
        gen_compare(g, PJ_CMP_GE, PJ_CMPTYPE_SIGNED, gen_iota(g, index, 1), gen_iota(g, index, 2));
    s = gen_select(g, mask, s, splat_like(g, s, -1e9));
  }
  PjValue *pv[] = {softmax(g, s, 2), gen_of_type(g, gen_type(g, dtype, 3, k_dims))};
  const PjType *out = gen_type(g, dtype, 3, q_dims);
  op = gen_op(g, PJ_OP_DOT_GENERAL, 2, pv, 1, 0);
  gen_set_ints(g, op, PJ_KEY_lhs_batching_dimensions, 1, zero);
  gen_set_ints(g, op, PJ_KEY_rhs_batching_dimensions, 1, zero);
  gen_set_ints(g, op, PJ_KEY_lhs_contracting_dimensions, 1, two);
  gen_set_ints(g, op, PJ_KEY_rhs_contracting_dimensions, 1, one);
  gen_done(g, op, &out);
}

// Rounds of a counter-based generator, on 32-bit words.
static void emit_bit_mixing(Gen *g) {
  PjValue *x = gen_pick_dtype(g, PJ_DT_U32, 0, 2), *y = gen_of_type(g, x->type);
  static const int turns[] = {13, 15, 26, 6, 17, 29, 16, 24};
  for (int64_t n = rand_int(&g->rand, 1, 6), i = 0; i < n; ++i) {
    x = gen_binary(g, PJ_OP_ADD, x, y);
    PjValue *up = gen_binary(g, PJ_OP_SHIFT_LEFT, y, splat_like(g, y, turns[i]));
    PjValue *down = gen_binary(g, PJ_OP_SHIFT_RIGHT_LOGICAL, y, splat_like(g, y, 32 - turns[i]));
    y = gen_binary(g, PJ_OP_XOR, gen_binary(g, PJ_OP_OR, up, down), x);
  }
  if (rand_chance(&g->rand, 50)) { // to floats in [0, 1)
    PjValue *bits =
        gen_binary(g, PJ_OP_OR, gen_binary(g, PJ_OP_SHIFT_RIGHT_LOGICAL, y, splat_like(g, y, 9)),
                   splat_like(g, y, 0x3F800000));
    const PjType *type = gen_like(g, bits, PJ_DT_F32);
    PjValue *f = gen_done(g, gen_op(g, PJ_OP_BITCAST_CONVERT, 1, &bits, 1, 0), &type);
    gen_binary(g, PJ_OP_SUBTRACT, f, splat_like(g, f, 1));
  }
}

// x[indices] with numpy's negative indices: compare, add, select, then a gather of rows.
static void emit_take(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 1, 3);
  int64_t n = a->type->dims[0], count = gen_size(g);
  if (!n)
    return;
  PjValue *i = gen_index(g, gen_type(g, PJ_DT_S32, 1, &count), n);
  PjValue *negative = gen_compare(g, PJ_CMP_LT, PJ_CMPTYPE_SIGNED, i, splat_like(g, i, 0));
  i = gen_select(g, negative, gen_binary(g, PJ_OP_ADD, i, splat_like(g, i, (double)n)), i);
  PjValue *indices =
      gen_broadcast_in_dim(g, i, gen_type(g, PJ_DT_S32, 2, (int64_t[]){count, 1}), (int64_t[]){0});
  int64_t sizes[3], offset[3] = {1, 2, 3}, dims[3], rank = a->type->rank;
  for (int64_t d = 0; d < rank; ++d)
    sizes[d] = dims[d] = d ? a->type->dims[d] : 1;
  dims[0] = count;
  if (!gen_fits(g, (int32_t)rank, dims))
    return;
  PjOp *op = gen_op(g, PJ_OP_GATHER, 2, (PjValue *[]){a, indices}, 1, 0);
  gen_set_ints(g, op, PJ_KEY_offset_dims, (uint32_t)rank - 1, offset);
  gen_set_ints(g, op, PJ_KEY_collapsed_slice_dims, 1, (int64_t[]){0});
  gen_set_ints(g, op, PJ_KEY_start_index_map, 1, (int64_t[]){0});
  gen_set_int(g, op, PJ_KEY_index_vector_dim, 1);
  gen_set_ints(g, op, PJ_KEY_slice_sizes, (uint32_t)rank, sizes);
  gen_done(g, op, NULL);
}

// indices == iota, as numbers.
static void emit_one_hot(Gen *g) {
  int64_t dims[2] = {gen_size(g), rand_int(&g->rand, 1, 12)};
  if (!gen_fits(g, 2, dims))
    return;
  PjValue *i = gen_index(g, gen_type(g, PJ_DT_S32, 1, dims), dims[1]);
  const PjType *type = gen_type(g, PJ_DT_S32, 2, dims);
  PjValue *hot =
      gen_compare(g, PJ_CMP_EQ, PJ_CMPTYPE_SIGNED, gen_broadcast_in_dim(g, i, type, (int64_t[]){0}),
                  gen_iota(g, type, 1));
  gen_convert(g, hot, g->floats[0]);
}

static PjValue *shifted(Gen *g, PjValue *x, int64_t dim, int64_t from, int64_t to) {
  int64_t start[GEN_MAX_RANK] = {0}, limit[GEN_MAX_RANK], ones[GEN_MAX_RANK];
  for (int32_t i = 0; i < x->type->rank; ++i) {
    limit[i] = x->type->dims[i];
    ones[i] = 1;
  }
  start[dim] = from;
  limit[dim] = to;
  PjOp *op = gen_op(g, PJ_OP_SLICE, 1, &x, 1, 0);
  gen_set_ints(g, op, PJ_KEY_start_indices, (uint32_t)x->type->rank, start);
  gen_set_ints(g, op, PJ_KEY_limit_indices, (uint32_t)x->type->rank, limit);
  gen_set_ints(g, op, PJ_KEY_strides, (uint32_t)x->type->rank, ones);
  return gen_done(g, op, NULL);
}

// The array turned along a dimension: two slices put together the other way round.
static PjValue *roll(Gen *g, PjValue *x, int64_t dim, int64_t by) {
  int64_t n = x->type->dims[dim];
  PjValue *parts[] = {shifted(g, x, dim, n - by, n), shifted(g, x, dim, 0, n - by)};
  PjOp *op = gen_op(g, PJ_OP_CONCATENATE, 2, parts, 1, 0);
  gen_set_int(g, op, PJ_KEY_dimension, dim);
  return gen_done(g, op, NULL);
}

// A loop that updates a grid from its neighbours.
static void emit_stencil(Gen *g) {
  if (g->depth)
    return;
  PjValue *x = pick_float(g, 1, 3);
  int64_t dim = rand_int(&g->rand, 0, x->type->rank - 1), n = x->type->dims[dim];
  if (n < 2)
    return;
  const PjType *scalar = gen_scalar(g, PJ_DT_S32), *types[] = {scalar, x->type};
  PjValue *operands[] = {gen_splat(g, scalar, 0), x};
  PjOp *op = gen_op(g, PJ_OP_WHILE, 2, operands, 2, 2);
  GenScope scope = gen_open(g, &op->regions[0], 2, types, false);
  PjValue *go_on = gen_compare(g, PJ_CMP_LT, PJ_CMPTYPE_SIGNED, &op->regions[0].args[0],
                               gen_splat(g, scalar, (double)rand_int(&g->rand, 1, 6)));
  gen_close(g, scope, 1, &go_on);
  scope = gen_open(g, &op->regions[1], 2, types, false);
  PjValue *y = &op->regions[1].args[1];
  PjValue *sides = gen_binary(g, PJ_OP_ADD, roll(g, y, dim, 1), roll(g, y, dim, n - 1));
  PjValue *change = gen_binary(g, PJ_OP_SUBTRACT, sides, gen_binary(g, PJ_OP_ADD, y, y));
  PjValue *next =
      gen_binary(g, PJ_OP_ADD, y, gen_binary(g, PJ_OP_MULTIPLY, splat_like(g, y, 0.125), change));
  PjValue *results[] = {gen_binary(g, PJ_OP_ADD, &op->regions[1].args[0], gen_splat(g, scalar, 1)),
                        next};
  gen_close(g, scope, 2, results);
  gen_done(g, op, NULL);
}

// scan: rows of xs go in, rows of ys come out, a carry goes on.
static void emit_scan(Gen *g) {
  if (g->depth > 1)
    return;
  PjValue *xs = pick_float(g, 1, 3);
  int32_t rank = xs->type->rank;
  int64_t n = xs->type->dims[0], row_dims[GEN_MAX_RANK];
  if (n < 1 || n > 64)
    return;
  memcpy(row_dims, xs->type->dims, (size_t)rank * sizeof *row_dims);
  row_dims[0] = 1;
  PjDtype dtype = xs->type->dtype;
  const PjType *scalar = gen_scalar(g, PJ_DT_S32),
               *row = gen_type(g, dtype, rank - 1, row_dims + 1);
  PjValue *operands[] = {gen_splat(g, scalar, 0), gen_of_type(g, row), gen_splat(g, xs->type, 0)};
  const PjType *types[] = {scalar, row, xs->type};
  PjOp *op = gen_op(g, PJ_OP_WHILE, 3, operands, 3, 2);
  GenScope scope = gen_open(g, &op->regions[0], 3, types, false);
  PjValue *go_on = gen_compare(g, PJ_CMP_LT, PJ_CMPTYPE_SIGNED, &op->regions[0].args[0],
                               gen_splat(g, scalar, (double)n));
  gen_close(g, scope, 1, &go_on);
  scope = gen_open(g, &op->regions[1], 3, types, false);
  PjValue *args = op->regions[1].args, *i = &args[0];
  if (rand_chance(&g->rand, 30)) // from the end
    i = gen_binary(g, PJ_OP_SUBTRACT, gen_splat(g, scalar, (double)(n - 1)), i);
  PjValue *zero = gen_splat(g, scalar, 0);
  PjValue *at[2 + GEN_MAX_RANK] = {xs, i};
  for (int32_t d = 1; d < rank; ++d)
    at[1 + d] = zero;
  PjOp *read = gen_op(g, PJ_OP_DYNAMIC_SLICE, 1 + (uint32_t)rank, at, 1, 0);
  gen_set_ints(g, read, PJ_KEY_slice_sizes, (uint32_t)rank, row_dims);
  PjValue *x = gen_reshape(g, gen_done(g, read, NULL), rank - 1, row_dims + 1);
  PjValue *decayed = gen_binary(g, PJ_OP_MULTIPLY, &args[1], splat_like(g, x, 0.5));
  PjValue *carry = gen_binary(g, PJ_OP_ADD, decayed, x);
  if (rand_chance(&g->rand, 50))
    carry = gen_unary(g, PJ_OP_TANH, carry);
  gen_fill(g, (int)rand_int(&g->rand, 0, 2));
  PjValue *out[2 + GEN_MAX_RANK] = {&args[2], gen_reshape(g, carry, rank, row_dims), i};
  for (int32_t d = 1; d < rank; ++d)
    out[2 + d] = zero;
  PjValue *ys =
      gen_done(g, gen_op(g, PJ_OP_DYNAMIC_UPDATE_SLICE, 2 + (uint32_t)rank, out, 1, 0), NULL);
  PjValue *results[] = {gen_binary(g, PJ_OP_ADD, &args[0], gen_splat(g, scalar, 1)), carry, ys};
  gen_close(g, scope, 3, results);
  gen_done(g, op, NULL);
}

static void emit_roll(Gen *g) {
  PjValue *x = gen_pick(g, GEN_ANY, 1, 4);
  int64_t dim = rand_int(&g->rand, 0, x->type->rank - 1), n = x->type->dims[dim];
  if (n)
    roll(g, x, dim, rand_int(&g->rand, 0, n));
}

// The same reduction of an array and of its transpose; both used.
static void emit_moments(Gen *g) {
  PjValue *x = pick_float(g, 2, 3);
  int64_t dims[1] = {rand_int(&g->rand, 0, x->type->rank - 1)}, permutation[3] = {1, 0, 2};
  PjValue *sum = gen_reduce(g, PJ_OP_ADD, x, 1, dims);
  PjValue *t = gen_transpose(g, x, permutation);
  gen_reduce(g, PJ_OP_MAXIMUM, t, 1, dims);
  gen_binary(g, PJ_OP_MULTIPLY, x, spread(g, sum, x, dims[0]));
}

const GenEmitter gen_patterns[] = {
    {"softmax reduce exponential", 12, emit_softmax},
    {"layer_norm reduce rsqrt", 10, emit_layer_norm},
    {"activation tanh logistic", 8, emit_activation},
    {"attention dot_general softmax", 6, emit_attention},
    {"threefry shift_left", 6, emit_bit_mixing},
    {"take gather", 8, emit_take},
    {"one_hot iota compare", 5, emit_one_hot},
    {"stencil while", 6, emit_stencil},
    {"scan while dynamic_update_slice", 10, emit_scan},
    {"roll concatenate slice", 8, emit_roll},
    {"moments reduce transpose", 8, emit_moments},
    {0},
};

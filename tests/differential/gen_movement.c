// Operations that move elements without looking at them.
#include "gen.h"

static void emit_broadcast(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 0, 4);
  int32_t rank = a->type->rank, extra = (int32_t)rand_int(&g->rand, 0, 2);
  if (rank + extra > GEN_MAX_RANK)
    extra = 0;
  int64_t dims[GEN_MAX_RANK], at[GEN_MAX_RANK], order[GEN_MAX_RANK];
  for (int32_t i = 0; i < rank + extra; ++i) {
    dims[i] = gen_size(g);
    order[i] = i;
  }
  // Operand dimensions keep their order mostly; any order is allowed.
  gen_shuffle(g, (uint32_t)(rank + extra), order);
  if (rand_chance(&g->rand, 80))
    for (int32_t i = 1; i < rank; ++i)
      for (int32_t j = i; j > 0 && order[j] < order[j - 1]; --j) {
        int64_t swap = order[j];
        order[j] = order[j - 1];
        order[j - 1] = swap;
      }
  for (int32_t i = 0; i < rank; ++i) {
    at[i] = order[i];
    if (a->type->dims[i] != 1 || rand_chance(&g->rand, 40))
      dims[at[i]] = a->type->dims[i];
  }
  if (gen_fits(g, rank + extra, dims))
    gen_broadcast_in_dim(g, a, gen_type(g, a->type->dtype, rank + extra, dims), at);
}

// Splits and merges dimensions, adds and drops those of size 1.
static PjValue *cut_again(Gen *g, PjValue *a) {
  int64_t dims[GEN_MAX_RANK];
  int32_t rank = 0;
  int64_t carried = 1;
  for (int32_t i = 0; i < a->type->rank; ++i) {
    int64_t n = a->type->dims[i] * carried;
    carried = 1;
    if (rand_chance(&g->rand, 30) || (rank >= GEN_MAX_RANK - 2 && i + 1 < a->type->rank)) {
      carried = n;
      continue;
    }
    static const int64_t factors[] = {2, 3, 4, 8, 5};
    int64_t f = factors[rand_int(&g->rand, 0, 4)];
    if (rank < GEN_MAX_RANK - 2 && n && n % f == 0 && rand_chance(&g->rand, 40)) {
      bool first = rand_chance(&g->rand, 50);
      dims[rank++] = first ? f : n / f;
      n = first ? n / f : f;
    }
    dims[rank++] = n;
    if (rank < GEN_MAX_RANK - 2 && rand_chance(&g->rand, 10))
      dims[rank++] = 1;
  }
  if (carried != 1 || !rank)
    dims[rank++] = carried;
  if (rank == 1 && dims[0] == 1 && rand_chance(&g->rand, 50))
    rank = 0;
  return gen_reshape(g, a, rank, dims);
}

static void emit_reshape(Gen *g) {
  cut_again(g, gen_pick(g, GEN_ANY, 0, GEN_MAX_RANK));
}

static PjValue *turn(Gen *g, PjValue *a) {
  int64_t permutation[GEN_MAX_RANK];
  for (int32_t i = 0; i < a->type->rank; ++i)
    permutation[i] = i;
  gen_shuffle(g, (uint32_t)a->type->rank, permutation);
  return gen_transpose(g, a, permutation);
}

// Turned, cut into other dimensions and turned again, as where channels become pixels.
static void emit_turns(Gen *g) {
  PjValue *a = turn(g, gen_pick(g, GEN_ANY, 1, GEN_MAX_RANK));
  turn(g, cut_again(g, a));
}

static void emit_transpose(Gen *g) {
  turn(g, gen_pick(g, GEN_ANY, rand_chance(&g->rand, 95) ? 2 : 0, GEN_MAX_RANK));
}

static void emit_slice(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, rand_chance(&g->rand, 97), GEN_MAX_RANK);
  int64_t start[GEN_MAX_RANK], limit[GEN_MAX_RANK], stride[GEN_MAX_RANK];
  for (int32_t i = 0; i < a->type->rank; ++i) {
    int64_t n = a->type->dims[i];
    bool whole = rand_chance(&g->rand, 40);
    start[i] = whole ? 0 : rand_int(&g->rand, 0, n);
    limit[i] = whole ? n : rand_int(&g->rand, start[i], n);
    if (limit[i] == start[i] && rand_chance(&g->rand, 90)) {
      start[i] = 0;
      limit[i] = n;
    }
    stride[i] = rand_chance(&g->rand, 65) ? 1 : rand_int(&g->rand, 1, 4);
  }
  PjOp *op = gen_op(g, PJ_OP_SLICE, 1, &a, 1, 0);
  gen_set_ints(g, op, PJ_KEY_start_indices, (uint32_t)a->type->rank, start);
  gen_set_ints(g, op, PJ_KEY_limit_indices, (uint32_t)a->type->rank, limit);
  gen_set_ints(g, op, PJ_KEY_strides, (uint32_t)a->type->rank, stride);
  gen_done(g, op, NULL);
}

static void emit_pad(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, rand_chance(&g->rand, 95), GEN_MAX_RANK);
  int64_t low[GEN_MAX_RANK], high[GEN_MAX_RANK], interior[GEN_MAX_RANK], dims[GEN_MAX_RANK];
  for (int32_t i = 0; i < a->type->rank; ++i) {
    int64_t n = a->type->dims[i];
    bool none = rand_chance(&g->rand, 35);
    low[i] = none ? 0 : rand_int(&g->rand, -2, 3);
    high[i] = none ? 0 : rand_int(&g->rand, -2, 3);
    interior[i] = rand_chance(&g->rand, 70) ? 0 : rand_int(&g->rand, 0, 2);
    int64_t dilated = n ? n + (n - 1) * interior[i] : 0;
    if (low[i] + high[i] + dilated < 0)
      low[i] = high[i] = 0;
    dims[i] = low[i] + high[i] + dilated;
  }
  if (!gen_fits(g, a->type->rank, dims))
    return;
  PjValue *operands[] = {a, gen_of_type(g, gen_scalar(g, a->type->dtype))};
  PjOp *op = gen_op(g, PJ_OP_PAD, 2, operands, 1, 0);
  gen_set_ints(g, op, PJ_KEY_edge_padding_low, (uint32_t)a->type->rank, low);
  gen_set_ints(g, op, PJ_KEY_edge_padding_high, (uint32_t)a->type->rank, high);
  gen_set_ints(g, op, PJ_KEY_interior_padding, (uint32_t)a->type->rank, interior);
  gen_done(g, op, NULL);
}

static void emit_concatenate(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 1, GEN_MAX_RANK);
  int64_t dim = rand_int(&g->rand, 0, a->type->rank - 1), dims[GEN_MAX_RANK];
  memcpy(dims, a->type->dims, (size_t)a->type->rank * sizeof *dims);
  PjValue *operands[5];
  uint32_t count = (uint32_t)rand_int(&g->rand, 1, 5);
  int64_t sum = 0;
  for (uint32_t i = 0; i < count; ++i) {
    dims[dim] = rand_chance(&g->rand, 50) ? a->type->dims[dim] : gen_size(g);
    sum += dims[dim];
    if (!gen_fits(g, a->type->rank, dims))
      return;
    operands[i] = i ? gen_of_type(g, gen_type(g, a->type->dtype, a->type->rank, dims)) : a;
  }
  dims[dim] = sum + a->type->dims[dim];
  if (!gen_fits(g, a->type->rank, dims))
    return;
  PjOp *op = gen_op(g, PJ_OP_CONCATENATE, count, operands, 1, 0);
  gen_set_int(g, op, PJ_KEY_dimension, dim);
  gen_done(g, op, NULL);
}

static void emit_reverse(Gen *g) {
  PjValue *a = gen_pick(g, GEN_ANY, 1, GEN_MAX_RANK);
  int64_t dims[GEN_MAX_RANK];
  uint32_t count = 0;
  for (int32_t i = 0; i < a->type->rank; ++i)
    if (rand_chance(&g->rand, 50))
      dims[count++] = i;
  gen_shuffle(g, count, dims);
  PjOp *op = gen_op(g, PJ_OP_REVERSE, 1, &a, 1, 0);
  gen_set_ints(g, op, PJ_KEY_dimensions, count, dims);
  gen_done(g, op, NULL);
}

static void emit_iota(Gen *g) {
  PjDtype dtype = gen_dtype(g, GEN_NUMBER);
  if (dtype == PJ_DT_F8E8M0FNU)
    return;
  const PjType *type = gen_random_type(g, dtype, 1, GEN_MAX_RANK);
  gen_iota(g, type, rand_int(&g->rand, 0, type->rank - 1));
}

static void emit_constant(Gen *g) {
  gen_constant(g, gen_random_type(g, gen_dtype(g, GEN_ANY), 0, 4));
}

// Movements of movements: what motion of reshapes and transposes has to get right.
static void emit_moves(Gen *g) {
  static GenEmit *const moves[] = {emit_reshape, emit_transpose, emit_broadcast,
                                   emit_slice,   emit_pad,       emit_reverse};
  for (int64_t n = rand_int(&g->rand, 2, 4); n > 0; --n)
    moves[rand_int(&g->rand, 0, 5)](g);
}

const GenEmitter gen_movement[] = {
    {"broadcast_in_dim", 40, emit_broadcast},
    {"reshape", 30, emit_reshape},
    {"transpose", 30, emit_transpose},
    {"transpose reshape", 10, emit_turns},
    {"slice", 30, emit_slice},
    {"pad", 25, emit_pad},
    {"concatenate", 25, emit_concatenate},
    {"reverse", 15, emit_reverse},
    {"iota", 10, emit_iota},
    {"constant", 5, emit_constant},
    {"reshape transpose broadcast_in_dim slice pad reverse", 15, emit_moves},
    {0},
};

// What frameworks emit now and then: tuples, composites, tokens, legacy operations, dynamic forms
// whose sizes are constants, chlo's implicit broadcasting and scans.
#include <stdio.h>

#include "gen.h"

static bool is_scale_type(const PjValue *value) {
  return value->type->dtype == PJ_DT_F8E8M0FNU;
}

static void emit_tuple(Gen *g) {
  PjValue *operands[4];
  const PjType *types[4];
  uint32_t count = (uint32_t)rand_int(&g->rand, 1, 4);
  for (uint32_t i = 0; i < count; ++i) {
    operands[i] = gen_pick(g, GEN_ANY, 0, 4);
    types[i] = operands[i]->type;
  }
  const PjType *type = pj_type_list(g->arena, PJ_TYPE_TUPLE, count, types);
  PjValue *tuple = gen_done(g, gen_op(g, PJ_OP_TUPLE, count, operands, 1, 0), &type);
  --g->num_values; // only its elements are for others
  for (int64_t n = rand_int(&g->rand, 1, 2); n > 0; --n) {
    uint32_t i = (uint32_t)rand_int(&g->rand, 0, count - 1);
    PjOp *op = gen_op(g, PJ_OP_GET_TUPLE_ELEMENT, 1, &tuple, 1, 0);
    pj_op_set_attr(op, PJ_KEY_index, pj_attr_int(g->arena, i, PJ_DT_S32));
    gen_done(g, op, &types[i]);
  }
}

static void emit_composite(Gen *g) {
  if (g->depth >= 2 || g->num_funcs >= 4 || g->isolated)
    return;
  PjValue *x = gen_pick(g, GEN_FLOAT, 0, 3), *operands[] = {x, gen_of_type(g, x->type)};
  if (is_scale_type(x))
    return;
  const PjType *in[] = {x->type, x->type}, *out;
  char name[16];
  snprintf(name, sizeof name, "c%u", g->num_funcs++);
  PjOp *func = gen_function(g, name);
  GenScope scope = gen_open(g, &func->regions[0], 2, in, true);
  PjValue *y = gen_binary(g, PJ_OP_MULTIPLY, &func->regions[0].args[0], &func->regions[0].args[1]);
  y = gen_unary(g, PJ_OP_TANH, y);
  out = y->type;
  gen_close(g, scope, 1, &y);
  gen_set_signature(g, func, 1, &y);
  PjOp *op = gen_op(g, PJ_OP_COMPOSITE, 2, operands, 1, 0);
  pj_op_set_attr(op, PJ_KEY_name, pj_attr_string(g->arena, PJ_STR("my.gate")));
  pj_op_set_attr(op, PJ_KEY_decomposition, pj_attr_symbol(g->arena, pj_str(name)));
  gen_done(g, op, &out);
}

static void emit_dimension_size(Gen *g) {
  PjValue *x = gen_pick(g, GEN_ANY, 1, 4);
  PjOp *op = gen_op(g, PJ_OP_GET_DIMENSION_SIZE, 1, &x, 1, 0);
  gen_set_int(g, op, PJ_KEY_dimension, rand_int(&g->rand, 0, x->type->rank - 1));
  gen_done(g, op, NULL);
}

static void emit_device_id(Gen *g) {
  gen_done(
      g,
      gen_op(g, rand_chance(&g->rand, 50) ? PJ_OP_PARTITION_ID : PJ_OP_REPLICA_ID, 0, NULL, 1, 0),
      NULL);
}

static void emit_legacy(Gen *g) {
  PjValue *x = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 3);
  if (is_scale_type(x))
    return;
  int64_t choice = rand_int(&g->rand, 0, 3);
  if (choice == 0) {
    int64_t sizes[2] = {gen_size(g), gen_size(g)}, dims[GEN_MAX_RANK];
    for (int32_t i = 0; i < x->type->rank; ++i)
      dims[2 + i] = x->type->dims[i];
    dims[0] = sizes[0];
    dims[1] = sizes[1];
    if (!gen_fits(g, x->type->rank + 2, dims))
      return;
    PjOp *op = gen_op(g, PJ_OP_BROADCAST, 1, &x, 1, 0);
    gen_set_ints(g, op, PJ_KEY_broadcast_sizes, 2, sizes);
    gen_done(g, op, NULL);
  } else if (choice == 1 && x->type->rank <= 2) {
    int64_t k = x->type->dims[x->type->rank - 1], n = gen_size(g), dims[2] = {k, n};
    if (!gen_fits(g, 2, dims))
      return;
    bool matrix = rand_chance(&g->rand, 60);
    PjValue *y = gen_of_type(g, gen_type(g, x->type->dtype, matrix ? 2 : 1, dims));
    int64_t out[2] = {x->type->dims[0], n};
    int32_t from = x->type->rank == 1;
    const PjType *type = gen_type(g, x->type->dtype, 2 - from - !matrix, out + from);
    if (!gen_fits(g, type->rank, type->dims))
      return;
    gen_done(g, gen_op(g, PJ_OP_DOT, 2, (PjValue *[]){x, y}, 1, 0), &type);
  } else if (choice == 2) {
    int64_t dim = rand_int(&g->rand, 0, x->type->rank - 1), count = rand_int(&g->rand, 1, 6);
    PjValue *i = gen_index(g, gen_type(g, PJ_DT_S32, 1, &count), x->type->dims[dim]);
    if (!x->type->dims[dim])
      return;
    PjOp *op = gen_op(g, PJ_OP_TORCH_INDEX_SELECT, 2, (PjValue *[]){x, i}, 1, 0);
    gen_set_int(g, op, PJ_KEY_dim, dim);
    gen_set_int(g, op, PJ_KEY_batch_dims, 0);
    gen_done(g, op, NULL);
  } else if (x->type->rank == 2) {
    int64_t dims[2] = {x->type->dims[1], gen_size(g)}, out[2] = {x->type->dims[0], dims[1]};
    if (!gen_fits(g, 2, dims) || !gen_fits(g, 2, out))
      return;
    PjValue *y = gen_of_type(g, gen_type(g, x->type->dtype, 2, dims));
    PjOp *op = gen_op(g, PJ_OP_EINSUM, 2, (PjValue *[]){x, y}, 1, 0);
    pj_op_set_attr(op, PJ_KEY_einsum_config, pj_attr_string(g->arena, PJ_STR("ij,jk->ik")));
    const PjType *type = gen_type(g, x->type->dtype, 2, out);
    gen_done(g, op, &type);
  }
}

static PjValue *sizes_of(Gen *g, int64_t count, const int64_t *values) {
  return gen_ints(g, gen_type(g, rand_chance(&g->rand, 50) ? PJ_DT_S64 : PJ_DT_S32, 1, &count),
                  values);
}

// Dynamic operations with constant sizes and static results, as shape refinement leaves them.
static void emit_dynamic(Gen *g) {
  PjValue *x = gen_pick(g, GEN_ANY, 1, 3);
  const PjType *type = x->type;
  int32_t rank = type->rank;
  int64_t zeros[GEN_MAX_RANK] = {0}, ones[GEN_MAX_RANK], dims[GEN_MAX_RANK];
  for (int32_t i = 0; i < rank; ++i) {
    ones[i] = 1;
    dims[i] = type->dims[i];
  }
  switch (rand_int(&g->rand, 0, 4)) {
  case 0: {
    int64_t flat = gen_count(type);
    PjValue *operands[] = {x, sizes_of(g, 1, &flat)};
    const PjType *to = gen_type(g, type->dtype, 1, &flat);
    gen_done(g, gen_op(g, PJ_OP_DYNAMIC_RESHAPE, 2, operands, 1, 0), &to);
    break;
  }
  case 1: {
    int64_t out[GEN_MAX_RANK] = {rand_int(&g->rand, 1, 4)}, at[GEN_MAX_RANK];
    for (int32_t i = 0; i < rank; ++i) {
      out[i + 1] = dims[i];
      at[i] = i + 1;
    }
    if (!gen_fits(g, rank + 1, out))
      return;
    PjValue *operands[] = {x, sizes_of(g, rank + 1, out)};
    PjOp *op = gen_op(g, PJ_OP_DYNAMIC_BROADCAST_IN_DIM, 2, operands, 1, 0);
    gen_set_ints(g, op, PJ_KEY_broadcast_dimensions, (uint32_t)rank, at);
    const PjType *to = gen_type(g, type->dtype, rank + 1, out);
    gen_done(g, op, &to);
    break;
  }
  case 2: {
    PjDtype dtype = gen_dtype(g, GEN_FLOAT | GEN_INT);
    if (dtype == PJ_DT_F8E8M0FNU)
      return;
    PjValue *size = sizes_of(g, rank, dims);
    PjOp *op = gen_op(g, PJ_OP_DYNAMIC_IOTA, 1, &size, 1, 0);
    gen_set_int(g, op, PJ_KEY_iota_dimension, rand_int(&g->rand, 0, rank - 1));
    const PjType *to = gen_type(g, dtype, rank, dims);
    gen_done(g, op, &to);
    break;
  }
  case 3: {
    int64_t low[GEN_MAX_RANK], out[GEN_MAX_RANK];
    for (int32_t i = 0; i < rank; ++i) {
      low[i] = rand_int(&g->rand, 0, 2);
      out[i] = dims[i] + low[i];
    }
    if (!gen_fits(g, rank, out))
      return;
    PjValue *none = sizes_of(g, rank, zeros);
    PjValue *lows = gen_ints(g, none->type, low);
    PjValue *operands[] = {x, gen_of_type(g, gen_scalar(g, type->dtype)), lows, none, none};
    const PjType *to = gen_type(g, type->dtype, rank, out);
    gen_done(g, gen_op(g, PJ_OP_DYNAMIC_PAD, 5, operands, 1, 0), &to);
    break;
  }
  default: {
    int64_t start[GEN_MAX_RANK], out[GEN_MAX_RANK];
    for (int32_t i = 0; i < rank; ++i) {
      start[i] = rand_int(&g->rand, 0, dims[i]);
      out[i] = dims[i] - start[i];
    }
    PjValue *starts = sizes_of(g, rank, start);
    PjValue *operands[] = {x, starts, gen_ints(g, starts->type, dims),
                           gen_ints(g, starts->type, ones)};
    const PjType *to = gen_type(g, type->dtype, rank, out);
    gen_done(g, gen_op(g, PJ_OP_REAL_DYNAMIC_SLICE, 4, operands, 1, 0), &to);
  }
  }
}

// chlo.broadcast_*: shapes meet as in numpy.
static void emit_implicit_broadcast(Gen *g) {
  static const PjOpKind kinds[] = {PJ_OP_CHLO_BROADCAST_ADD, PJ_OP_CHLO_BROADCAST_MULTIPLY,
                                   PJ_OP_CHLO_BROADCAST_MAXIMUM, PJ_OP_CHLO_BROADCAST_SUBTRACT,
                                   PJ_OP_CHLO_BROADCAST_DIVIDE};
  PjValue *x = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 4);
  if (is_scale_type(x))
    return;
  int32_t drop = (int32_t)rand_int(&g->rand, 0, x->type->rank);
  int64_t dims[GEN_MAX_RANK];
  for (int32_t i = drop; i < x->type->rank; ++i)
    dims[i - drop] = rand_chance(&g->rand, 30) ? 1 : x->type->dims[i];
  PjValue *y = gen_of_type(g, gen_type(g, x->type->dtype, x->type->rank - drop, dims));
  bool swap = rand_chance(&g->rand, 40);
  gen_done(g,
           gen_op(g, kinds[rand_int(&g->rand, 0, 4)], 2, (PjValue *[]){swap ? y : x, swap ? x : y},
                  1, 0),
           NULL);
}

// A scan: sums along a dimension, the carry and what it was at each step.
static void emit_scan(Gen *g) {
  PjValue *x = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 3);
  if (is_scale_type(x))
    return;
  int32_t rank = x->type->rank;
  int64_t dim = rand_int(&g->rand, 0, rank - 1), row[GEN_MAX_RANK];
  for (int32_t i = 0, at = 0; i < rank; ++i)
    if (i != dim)
      row[at++] = x->type->dims[i];
  const PjType *carry = gen_type(g, x->type->dtype, rank - 1, row), *types[] = {carry, carry};
  PjOp *op = gen_op(g, PJ_OP_CHLO_SCAN, 2, (PjValue *[]){x, gen_of_type(g, carry)}, 2, 1);
  gen_set_int(g, op, PJ_KEY_dimension, dim);
  gen_set_bool(g, op, PJ_KEY_is_reverse, rand_chance(&g->rand, 30));
  GenScope scope = gen_open(g, &op->regions[0], 2, types, true);
  PjValue *y = gen_binary(g, PJ_OP_ADD, &op->regions[0].args[1], &op->regions[0].args[0]);
  PjValue *results[] = {
      y, rand_chance(&g->rand, 50) ? y : gen_binary(g, PJ_OP_MAXIMUM, y, &op->regions[0].args[0])};
  gen_close(g, scope, 2, results);
  const PjType *out[] = {x->type, carry};
  gen_done(g, op, out);
}

const GenEmitter gen_rare[] = {
    {"tuple get_tuple_element", 4, emit_tuple},
    {"composite", 3, emit_composite},
    {"get_dimension_size", 2, emit_dimension_size},
    {"partition_id replica_id", 1, emit_device_id},
    {"legacy broadcast dot torch_index_select einsum", 6, emit_legacy},
    {"dynamic dynamic_reshape dynamic_broadcast_in_dim dynamic_iota dynamic_pad real_dynamic_slice",
     6, emit_dynamic},
    {"chlo broadcast_add", 4, emit_implicit_broadcast},
    {"chlo.scan", 3, emit_scan},
    {0},
};

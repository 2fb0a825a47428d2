// What simplification is for: operations that do nothing, undo each other, or could be done before
// the program runs. The values that make them so (zeros, ones, whole ranges) do not come up by
// chance.
#include <math.h>

#include "gen.h"

static bool is_scale_type(const PjValue *value) {
  return value->type->dtype == PJ_DT_F8E8M0FNU;
}

static PjValue *number(Gen *g, const PjType *type, double value) {
  if (rand_chance(&g->rand, 40) && type->rank)
    return gen_broadcast_scalar(g, gen_splat(g, gen_scalar(g, type->dtype), value), type);
  return gen_splat(g, type, value);
}

static PjValue *all_ones(Gen *g, const PjType *type) {
  int64_t minus_one = -1;
  PjValue *one = gen_ints(g, gen_scalar(g, type->dtype), &minus_one);
  return type->rank ? gen_broadcast_scalar(g, one, type) : one;
}

static void emit_arithmetic(Gen *g) {
  PjValue *x = gen_pick(g, g->special ? GEN_INT | GEN_FLOAT : GEN_NUMBER, 0, 4);
  if (is_scale_type(x))
    return;
  const PjType *type = x->type;
  bool is_float = gen_in_classes(type->dtype, GEN_FLOAT),
       is_int = gen_in_classes(type->dtype, GEN_INT);
  static const double numbers[] = {0, -0.0, 1, -1, 2, 0.5, 4, 3};
  static const PjOpKind any[] = {PJ_OP_ADD, PJ_OP_SUBTRACT, PJ_OP_MULTIPLY, PJ_OP_DIVIDE,
                                 PJ_OP_POWER};
  static const PjOpKind real[] = {PJ_OP_MAXIMUM, PJ_OP_MINIMUM, PJ_OP_REMAINDER, PJ_OP_ADD};
  double value = numbers[rand_int(&g->rand, 0, 7)];
  if (is_float && rand_chance(&g->rand, 15))
    value = rand_chance(&g->rand, 30) ? (double)NAN
                                      : (rand_chance(&g->rand, 50) ? 1 : -1) * (double)INFINITY;
  if (is_int && pj_dtype_bits(type->dtype) < 8)
    value = 1;
  PjOpKind kind = (is_float || is_int) && rand_chance(&g->rand, 30) ? real[rand_int(&g->rand, 0, 3)]
                                                                    : any[rand_int(&g->rand, 0, 4)];
  PjValue *c = number(g, type, value);
  if (rand_chance(&g->rand, 20))
    c = x; // x - x, x / x, max(x, x)
  PjValue *y = rand_chance(&g->rand, 65) ? gen_binary(g, kind, x, c) : gen_binary(g, kind, c, x);
  if (rand_chance(&g->rand, 50)) // (x + c) + d
    gen_binary(g, kind, y, number(g, type, is_int ? 1 : numbers[rand_int(&g->rand, 0, 7)]));
  else if (rand_chance(&g->rand, 50))
    gen_unary(g, PJ_OP_NEGATE, gen_unary(g, PJ_OP_NEGATE, y));
}

static void emit_logic(Gen *g) {
  static const PjOpKind kinds[] = {PJ_OP_AND, PJ_OP_OR, PJ_OP_XOR};
  PjValue *x = gen_pick(g, GEN_PRED | GEN_INT, 0, 4);
  bool pred = gen_in_classes(x->type->dtype, GEN_PRED);
  PjValue *c;
  switch (rand_int(&g->rand, 0, 3)) {
  case 0:
    c = pred ? number(g, x->type, 1) : all_ones(g, x->type);
    break;
  case 1:
    c = number(g, x->type, 0);
    break;
  case 2:
    c = gen_unary(g, PJ_OP_NOT, x);
    break;
  default:
    c = x;
  }
  PjValue *y = gen_binary(g, kinds[rand_int(&g->rand, 0, 2)], x, c);
  if (!pred && rand_chance(&g->rand, 60)) { // shifts by nothing, by too much, and back
    int64_t by = rand_int(
        &g->rand, 0, pj_dtype_bits(x->type->dtype) > 4 ? pj_dtype_bits(x->type->dtype) + 1 : 1);
    if (by > 127)
      by = 64;
    PjValue *amount = number(g, x->type, (double)by);
    static const PjOpKind shifts[] = {PJ_OP_SHIFT_LEFT, PJ_OP_SHIFT_RIGHT_LOGICAL,
                                      PJ_OP_SHIFT_RIGHT_ARITHMETIC};
    y = gen_binary(g, shifts[rand_int(&g->rand, 0, 2)], y, amount);
    gen_binary(g, shifts[rand_int(&g->rand, 0, 2)], y, amount);
  }
}

// Comparisons whose outcome is known, or follows from a range: iota, clamp, absolute values.
static void emit_known_compare(Gen *g) {
  PjValue *x = gen_pick(g, GEN_INT | GEN_FLOAT, 0, 3);
  if (is_scale_type(x))
    return;
  bool is_float = gen_in_classes(x->type->dtype, GEN_FLOAT);
  int type = is_float                                   ? PJ_CMPTYPE_FLOAT
             : gen_in_classes(x->type->dtype, GEN_SINT) ? PJ_CMPTYPE_SIGNED
                                                        : PJ_CMPTYPE_UNSIGNED;
  if (x->type->rank && !is_float && rand_chance(&g->rand, 40))
    x = gen_iota(g, x->type, 0);
  else if (rand_chance(&g->rand, 30) && type != PJ_CMPTYPE_UNSIGNED)
    x = gen_unary(g, PJ_OP_ABS, x);
  else if (rand_chance(&g->rand, 40)) {
    PjValue *operands[] = {gen_splat(g, gen_scalar(g, x->type->dtype), 0), x,
                           gen_splat(g, gen_scalar(g, x->type->dtype), 1)};
    x = gen_done(g, gen_op(g, PJ_OP_CLAMP, 3, operands, 1, 0), NULL);
  }
  PjValue *y =
      rand_chance(&g->rand, 40)
          ? x
          : number(g, x->type,
                   pj_dtype_bits(x->type->dtype) < 8 ? 1 : (double)rand_int(&g->rand, 0, 9));
  PjValue *p = gen_compare(g, (int)rand_int(&g->rand, PJ_CMP_EQ, PJ_CMP_LT), type, x, y);
  if (rand_chance(&g->rand, 30))
    p = gen_unary(g, PJ_OP_NOT, p);
  gen_select(g, p, x, y);
}

static void emit_known_select(Gen *g) {
  PjValue *x = gen_pick(g, GEN_ANY, 0, 4),
          *y = rand_chance(&g->rand, 30) ? x : gen_of_type(g, x->type);
  bool scalar = rand_chance(&g->rand, 40);
  PjValue *p = number(g, scalar ? gen_scalar(g, PJ_DT_PRED) : gen_like(g, x, PJ_DT_PRED),
                      (double)rand_int(&g->rand, 0, 1));
  PjValue *z = gen_select(g, p, x, y);
  if (rand_chance(&g->rand, 50)) { // select(p, select(p, a, b), c)
    p = gen_of_type(g, gen_like(g, x, PJ_DT_PRED));
    gen_select(g, p, gen_select(g, p, z, y), gen_select(g, gen_unary(g, PJ_OP_NOT, p), x, z));
  }
}

// Conversions there and back, exact and not.
static void emit_conversions(Gen *g) {
  PjValue *x = gen_pick(g, GEN_ANY, 0, 4);
  PjDtype from = x->type->dtype;
  PjValue *y = gen_convert(g, x, gen_dtype(g, GEN_ANY));
  if (rand_chance(&g->rand, 70))
    y = gen_convert(g, y, rand_chance(&g->rand, 50) ? from : gen_dtype(g, GEN_ANY));
  if (gen_in_classes(from, GEN_COMPLEX))
    gen_binary(g, PJ_OP_COMPLEX, gen_unary(g, PJ_OP_REAL, x), gen_unary(g, PJ_OP_IMAG, x));
}

static PjValue *slice(Gen *g, PjValue *x, int64_t dim, int64_t from, int64_t to, int64_t by) {
  int64_t start[GEN_MAX_RANK] = {0}, limit[GEN_MAX_RANK], stride[GEN_MAX_RANK];
  for (int32_t i = 0; i < x->type->rank; ++i) {
    limit[i] = x->type->dims[i];
    stride[i] = 1;
  }
  start[dim] = from;
  limit[dim] = to;
  stride[dim] = by;
  PjOp *op = gen_op(g, PJ_OP_SLICE, 1, &x, 1, 0);
  gen_set_ints(g, op, PJ_KEY_start_indices, (uint32_t)x->type->rank, start);
  gen_set_ints(g, op, PJ_KEY_limit_indices, (uint32_t)x->type->rank, limit);
  gen_set_ints(g, op, PJ_KEY_strides, (uint32_t)x->type->rank, stride);
  return gen_done(g, op, NULL);
}

static PjValue *concatenate(Gen *g, uint32_t count, PjValue *const *parts, int64_t dim) {
  int64_t sizes[GEN_MAX_RANK];
  memcpy(sizes, parts[0]->type->dims, (size_t)parts[0]->type->rank * sizeof *sizes);
  sizes[dim] = 0;
  for (uint32_t i = 0; i < count; ++i)
    sizes[dim] += parts[i]->type->dims[dim];
  if (!gen_fits(g, parts[0]->type->rank, sizes))
    return NULL;
  PjOp *op = gen_op(g, PJ_OP_CONCATENATE, count, parts, 1, 0);
  gen_set_int(g, op, PJ_KEY_dimension, dim);
  return gen_done(g, op, NULL);
}

// Taken apart and put together; slices of slices, of concatenations, of paddings, of broadcasts.
static void emit_pieces(Gen *g) {
  PjValue *x = gen_pick(g, GEN_ANY, 1, 4);
  int64_t dim = rand_int(&g->rand, 0, x->type->rank - 1), n = x->type->dims[dim];
  int64_t at = rand_int(&g->rand, 0, n);
  PjValue *parts[] = {slice(g, x, dim, 0, at, 1), slice(g, x, dim, at, n, 1)};
  PjValue *y = concatenate(g, 2, parts, dim);
  if (!y || rand_chance(&g->rand, 30))
    return;
  if (rand_chance(&g->rand, 40)) {
    PjValue *more[] = {y, gen_of_type(g, y->type), parts[0]};
    y = concatenate(g, (uint32_t)rand_int(&g->rand, 1, 3), more, dim);
    if (!y)
      return;
  }
  n = y->type->dims[dim];
  int64_t from = rand_int(&g->rand, 0, n), to = rand_int(&g->rand, from, n);
  y = slice(g, y, dim, from, to, rand_int(&g->rand, 1, 3));
  n = y->type->dims[dim];
  y = slice(g, y, dim, rand_int(&g->rand, 0, n), n, 1);
  if (rand_chance(&g->rand, 50)) {
    PjOp *op = gen_op(g, PJ_OP_REVERSE, 1, &y, 1, 0);
    gen_set_ints(g, op, PJ_KEY_dimensions, 1, &dim);
    y = gen_done(g, op, NULL);
    op = gen_op(g, PJ_OP_REVERSE, 1, &y, 1, 0);
    gen_set_ints(g, op, PJ_KEY_dimensions, 1, rand_chance(&g->rand, 50) ? &dim : (int64_t[]){0});
    gen_done(g, op, NULL);
  }
}

static PjValue *pad(Gen *g, PjValue *x, PjValue *value, int64_t dim, int64_t low, int64_t high,
                    int64_t interior) {
  int64_t lows[GEN_MAX_RANK] = {0}, highs[GEN_MAX_RANK] = {0}, interiors[GEN_MAX_RANK] = {0};
  lows[dim] = low;
  highs[dim] = high;
  interiors[dim] = interior;
  PjOp *op = gen_op(g, PJ_OP_PAD, 2, (PjValue *[]){x, value}, 1, 0);
  gen_set_ints(g, op, PJ_KEY_edge_padding_low, (uint32_t)x->type->rank, lows);
  gen_set_ints(g, op, PJ_KEY_edge_padding_high, (uint32_t)x->type->rank, highs);
  gen_set_ints(g, op, PJ_KEY_interior_padding, (uint32_t)x->type->rank, interiors);
  return gen_done(g, op, NULL);
}

static void emit_paddings(Gen *g) {
  PjValue *x = gen_pick(g, GEN_ANY, 1, 4);
  int64_t dim = rand_int(&g->rand, 0, x->type->rank - 1), n = x->type->dims[dim];
  PjValue *value = rand_chance(&g->rand, 50) ? gen_splat(g, gen_scalar(g, x->type->dtype), 1)
                                             : gen_of_type(g, gen_scalar(g, x->type->dtype));
  PjValue *y = pad(g, x, value, dim, rand_int(&g->rand, 0, 3), rand_int(&g->rand, 0, 3),
                   rand_int(&g->rand, 0, 1));
  n = y->type->dims[dim];
  if (rand_chance(&g->rand, 50)) {
    int64_t cut = n < 3 ? 0 : rand_int(&g->rand, 0, n - 2);
    y = pad(g, y, value, dim, -cut, rand_int(&g->rand, 0, 2), 0);
  } else {
    int64_t from = rand_int(&g->rand, 0, n);
    y = slice(g, y, dim, from, n, 1);
  }
  if (gen_in_classes(y->type->dtype, GEN_INT) && rand_chance(&g->rand, 40))
    gen_reduce(g, PJ_OP_ADD, y, 1, &dim);
}

// Reshapes, transposes and broadcasts of each other and of constants, then arithmetic on them.
static void emit_views(Gen *g) {
  PjValue *x = gen_pick(g, GEN_ANY, 2, 4);
  int32_t rank = x->type->rank;
  int64_t order[GEN_MAX_RANK], back[GEN_MAX_RANK], dims[GEN_MAX_RANK];
  for (int32_t i = 0; i < rank; ++i)
    order[i] = i;
  gen_shuffle(g, (uint32_t)rank, order);
  for (int32_t i = 0; i < rank; ++i)
    back[order[i]] = i;
  PjValue *y = gen_transpose(g, x, order);
  if (gen_in_classes(y->type->dtype, GEN_FLOAT) && !is_scale_type(y) && rand_chance(&g->rand, 60))
    y = gen_unary(g, rand_chance(&g->rand, 50) ? PJ_OP_NEGATE : PJ_OP_TANH, y);
  if (rand_chance(&g->rand, 60))
    y = gen_transpose(g, y, rand_chance(&g->rand, 80) ? back : order);
  if (rand_chance(&g->rand, 60)) { // flattened, and back to what it was
    int64_t flat = gen_count(y->type);
    memcpy(dims, y->type->dims, (size_t)rank * sizeof *dims);
    y = gen_reshape(g, y, 1, &flat);
    if (gen_in_classes(y->type->dtype, GEN_INT) && rand_chance(&g->rand, 50))
      y = gen_binary(g, PJ_OP_ADD, y, gen_of_type(g, y->type));
    y = gen_reshape(g, y, rank, dims);
  }
  if (rand_chance(&g->rand, 40))
    gen_reduce(g, PJ_OP_MAXIMUM,
               is_scale_type(y)                              ? gen_convert(g, y, PJ_DT_F32)
               : gen_in_classes(y->type->dtype, GEN_COMPLEX) ? gen_unary(g, PJ_OP_REAL, y)
                                                             : y,
               1, (int64_t[]){rand_int(&g->rand, 0, rank - 1)});
}

// Slices at constant places; updates of all, of nothing, one over the other; reads of what was
// written.
static void emit_constant_indices(Gen *g) {
  PjValue *x = gen_pick(g, GEN_ANY, 1, 3);
  int32_t rank = x->type->rank;
  int64_t sizes[GEN_MAX_RANK];
  const PjType *scalar = gen_scalar(g, PJ_DT_S32);
  PjValue *at[GEN_MAX_RANK], *operands[2 + GEN_MAX_RANK];
  for (int32_t i = 0; i < rank; ++i) {
    int64_t n = x->type->dims[i];
    sizes[i] = rand_chance(&g->rand, 40) ? n : rand_int(&g->rand, n > 0, n);
    at[i] = gen_splat(g, scalar, (double)rand_int(&g->rand, -1, n));
  }
  const PjType *piece = gen_type(g, x->type->dtype, rank, sizes);
  for (int64_t n = rand_int(&g->rand, 1, 2); n > 0; --n) {
    operands[0] = x;
    operands[1] = gen_of_type(g, piece);
    memcpy(operands + 2, at, (size_t)rank * sizeof *at);
    x = gen_done(g, gen_op(g, PJ_OP_DYNAMIC_UPDATE_SLICE, 2 + (uint32_t)rank, operands, 1, 0),
                 NULL);
  }
  if (rand_chance(&g->rand, 40) && rank)
    at[0] = gen_index(g, scalar, x->type->dims[0]);
  operands[0] = x;
  memcpy(operands + 1, at, (size_t)rank * sizeof *at);
  PjOp *op = gen_op(g, PJ_OP_DYNAMIC_SLICE, 1 + (uint32_t)rank, operands, 1, 0);
  gen_set_ints(g, op, PJ_KEY_slice_sizes, (uint32_t)rank, sizes);
  gen_done(g, op, NULL);
}

// Reductions of broadcasts, over dimensions of size 1, over none; of iotas and constants.
static void emit_known_reduce(Gen *g) {
  PjValue *x = gen_pick(g, GEN_FLOAT | GEN_INT, 0, 2);
  if (is_scale_type(x))
    return;
  int32_t rank = x->type->rank;
  int64_t dims[GEN_MAX_RANK], at[GEN_MAX_RANK];
  for (int32_t i = 0; i < rank; ++i) {
    dims[i + 1] = x->type->dims[i];
    at[i] = i + 1;
  }
  dims[0] = rand_chance(&g->rand, 30) ? 1 : rand_int(&g->rand, 1, 5);
  if (!gen_fits(g, rank + 1, dims))
    return;
  static const PjOpKind kinds[] = {PJ_OP_ADD, PJ_OP_MAXIMUM, PJ_OP_MINIMUM, PJ_OP_MULTIPLY};
  PjValue *y = gen_broadcast_in_dim(g, x, gen_type(g, x->type->dtype, rank + 1, dims), at);
  int64_t axes[] = {0, 1};
  gen_reduce(g, kinds[rand_int(&g->rand, 0, 3)], y, (uint32_t)rand_int(&g->rand, 0, rank ? 2 : 1),
             axes);
}

// Branches and loops whose condition is known.
static void emit_known_control(Gen *g) {
  if (g->depth >= GEN_MAX_DEPTH)
    return;
  PjValue *x = gen_pick(g, GEN_ANY, 0, 3);
  const PjType *pred = gen_scalar(g, PJ_DT_PRED), *scalar = gen_scalar(g, PJ_DT_S32);
  if (rand_chance(&g->rand, 50)) {
    bool is_if = rand_chance(&g->rand, 50);
    PjValue *p = is_if ? gen_splat(g, pred, (double)rand_int(&g->rand, 0, 1))
                       : gen_splat(g, scalar, (double)rand_int(&g->rand, -1, 3));
    uint32_t branches = is_if ? 2 : 3;
    PjOp *op = gen_op(g, is_if ? PJ_OP_IF : PJ_OP_CASE, 1, &p, 1, branches);
    for (uint32_t i = 0; i < branches; ++i) {
      GenScope scope = gen_open(g, &op->regions[i], 0, NULL, false);
      gen_fill(g, (int)rand_int(&g->rand, 0, 2));
      PjValue *y = gen_of_type(g, x->type);
      gen_close(g, scope, 1, &y);
    }
    gen_done(g, op, NULL);
    return;
  }
  // A loop of none, one or two rounds, with a carry that does not change and one that nobody reads.
  PjValue *operands[] = {gen_splat(g, scalar, (double)rand_int(&g->rand, 0, 1)), x,
                         gen_of_type(g, x->type)};
  const PjType *types[] = {scalar, x->type, x->type};
  PjOp *op = gen_op(g, PJ_OP_WHILE, 3, operands, 3, 2);
  GenScope scope = gen_open(g, &op->regions[0], 3, types, false);
  PjValue *go_on = rand_chance(&g->rand, 15)
                       ? gen_splat(g, pred, 0)
                       : gen_compare(g, PJ_CMP_LT, PJ_CMPTYPE_SIGNED, &op->regions[0].args[0],
                                     gen_splat(g, scalar, 2));
  gen_close(g, scope, 1, &go_on);
  scope = gen_open(g, &op->regions[1], 3, types, false);
  PjValue *args = op->regions[1].args,
          *counter = gen_binary(g, PJ_OP_ADD, &args[0], gen_splat(g, scalar, 1));
  gen_fill(g, (int)rand_int(&g->rand, 0, 2));
  PjValue *results[] = {counter, &args[1],
                        rand_chance(&g->rand, 50) ? &args[1] : gen_of_type(g, x->type)};
  gen_close(g, scope, 3, results);
  gen_done(g, op, NULL);
}

const GenEmitter gen_identities[] = {
    {"identity add subtract multiply divide power maximum minimum remainder negate", 20,
     emit_arithmetic},
    {"identity and or xor not shift_left", 12, emit_logic},
    {"identity compare clamp iota", 12, emit_known_compare},
    {"identity select", 8, emit_known_select},
    {"identity convert complex", 10, emit_conversions},
    {"identity slice concatenate reverse", 12, emit_pieces},
    {"identity pad slice", 10, emit_paddings},
    {"identity transpose reshape", 12, emit_views},
    {"identity dynamic_slice dynamic_update_slice", 10, emit_constant_indices},
    {"identity reduce broadcast_in_dim", 8, emit_known_reduce},
    {"identity if case while", 8, emit_known_control},
    {0},
};

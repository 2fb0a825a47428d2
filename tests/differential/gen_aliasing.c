// Who holds which memory: updates in place of what is still read, loops whose carries change places
// or are one value, results that are arguments, or one value twice.
#include "gen.h"

static PjValue *zero(Gen *g, const PjType *type) {
  return gen_splat(g, type, 0);
}

// |x| with one slice, as large as |x| along all dimensions but the first, overwritten at |at|.
static PjValue *write_at(Gen *g, PjValue *x, PjValue *part, PjValue *at) {
  PjValue *operands[2 + GEN_MAX_RANK] = {x, part, at};
  PjValue *none = x->type->rank > 1 ? zero(g, at->type) : NULL;
  for (int32_t i = 1; i < x->type->rank; ++i)
    operands[2 + i] = none;
  uint32_t count = 2 + (uint32_t)x->type->rank;
  return gen_done(g, gen_op(g, PJ_OP_DYNAMIC_UPDATE_SLICE, count, operands, 1, 0), NULL);
}

static PjValue *read_at(Gen *g, PjValue *x, PjValue *at, int64_t rows) {
  int64_t sizes[GEN_MAX_RANK];
  memcpy(sizes, x->type->dims, (size_t)x->type->rank * sizeof *sizes);
  sizes[0] = rows;
  PjValue *operands[1 + GEN_MAX_RANK] = {x, at};
  PjValue *none = x->type->rank > 1 ? zero(g, at->type) : NULL;
  for (int32_t i = 1; i < x->type->rank; ++i)
    operands[1 + i] = none;
  PjOp *op = gen_op(g, PJ_OP_DYNAMIC_SLICE, 1 + (uint32_t)x->type->rank, operands, 1, 0);
  gen_set_ints(g, op, PJ_KEY_slice_sizes, (uint32_t)x->type->rank, sizes);
  return gen_done(g, op, NULL);
}

static PjValue *pick_array(Gen *g) {
  PjValue *x = gen_pick(g, GEN_FLOAT | GEN_INT, 1, 3);
  if (!gen_count(x->type) || x->type->dtype == PJ_DT_F8E8M0FNU)
    return NULL;
  return x;
}

static const PjType *row_type(Gen *g, const PjType *type, int64_t rows) {
  int64_t dims[GEN_MAX_RANK];
  memcpy(dims, type->dims, (size_t)type->rank * sizeof *dims);
  dims[0] = rows;
  return gen_type(g, type->dtype, type->rank, dims);
}

// Updates one after the other; what was before is read again afterwards, or updated once more.
static void emit_updates(Gen *g) {
  PjValue *x = pick_array(g);
  if (!x)
    return;
  const PjType *scalar = gen_scalar(g, PJ_DT_S32);
  int64_t n = x->type->dims[0], rows = rand_int(&g->rand, 1, n);
  PjValue *part = gen_of_type(g, row_type(g, x->type, rows));
  PjValue *a = write_at(g, x, part, gen_index(g, scalar, n - rows + 1));
  PjValue *b = rand_chance(&g->rand, 50) ? x : a;
  if (rand_chance(&g->rand, 60)) // a shifted copy of itself: reads and writes overlap
    part = read_at(g, a, gen_index(g, scalar, n - rows + 1), rows);
  b = write_at(g, b, part, gen_index(g, scalar, n - rows + 1));
  if (rand_chance(&g->rand, 60))
    gen_binary(g, PJ_OP_SUBTRACT, b, rand_chance(&g->rand, 50) ? x : a);
  if (rand_chance(&g->rand, 30))
    gen_binary(g, PJ_OP_ADD, a, x);
}

// One element at a time, at the loop's counter; the element comes from another place of the array
// or from another carry.
static void emit_in_place_loop(Gen *g) {
  if (g->depth > 1)
    return;
  PjValue *x = pick_array(g);
  if (!x || x->type->dims[0] > 64)
    return;
  int64_t n = x->type->dims[0];
  const PjType *scalar = gen_scalar(g, PJ_DT_S32), *types[] = {scalar, x->type, x->type};
  // Both carries may start as the very same value.
  PjValue *operands[] = {zero(g, scalar), x,
                         rand_chance(&g->rand, 50) ? x : gen_of_type(g, x->type)};
  PjOp *op = gen_op(g, PJ_OP_WHILE, 3, operands, 3, 2);
  GenScope scope = gen_open(g, &op->regions[0], 3, types, false);
  PjValue *go_on = gen_compare(g, PJ_CMP_LT, PJ_CMPTYPE_SIGNED, &op->regions[0].args[0],
                               gen_splat(g, scalar, (double)rand_int(&g->rand, 1, n)));
  gen_close(g, scope, 1, &go_on);
  scope = gen_open(g, &op->regions[1], 3, types, false);
  PjValue *args = op->regions[1].args, *i = &args[0], *a = &args[1], *b = &args[2];
  PjValue *last = gen_binary(g, PJ_OP_SUBTRACT, gen_splat(g, scalar, (double)(n - 1)), i);
  PjValue *row =
      read_at(g, rand_chance(&g->rand, 60) ? a : b, rand_chance(&g->rand, 60) ? last : i, 1);
  if (rand_chance(&g->rand, 50))
    row = gen_binary(g, PJ_OP_ADD, row, read_at(g, b, i, 1));
  PjValue *written = write_at(g, a, row, i), *other = b;
  switch (rand_int(&g->rand, 0, 5)) {
  case 0: // what was, into the other carry
    other = a;
    break;
  case 1: // both are one
    other = written;
    break;
  case 2: // change places
    other = written;
    written = b;
    break;
  case 3: // the other too, from the array before the write
    other = write_at(g, b, read_at(g, a, last, 1), i);
    break;
  case 4: // a read of what was just written
    other = write_at(g, b, read_at(g, written, i, 1), last);
    break;
  default:
    break;
  }
  if (rand_chance(&g->rand, 25))
    written = gen_select(
        g, gen_compare(g, PJ_CMP_LT, PJ_CMPTYPE_SIGNED, i, gen_splat(g, scalar, 2)), written, a);
  PjValue *results[] = {gen_binary(g, PJ_OP_ADD, i, gen_splat(g, scalar, 1)), written, other};
  gen_close(g, scope, 3, results);
  gen_done(g, op, NULL);
  if (rand_chance(&g->rand, 40)) // what the loop started from is still in use
    gen_binary(g, PJ_OP_SUBTRACT, &op->results[1], x);
}

// Carries that only change places, are constants, arguments or captured values.
static void emit_rotation(Gen *g) {
  if (g->depth > 1)
    return;
  PjValue *x = gen_pick(g, GEN_ANY, 0, 3);
  const PjType *scalar = gen_scalar(g, PJ_DT_S32), *t = x->type, *types[] = {scalar, t, t, t};
  PjValue *operands[] = {zero(g, scalar), x, rand_chance(&g->rand, 40) ? x : gen_of_type(g, t),
                         gen_constant(g, t)};
  PjValue *captured = gen_of_type(g, t);
  PjOp *op = gen_op(g, PJ_OP_WHILE, 4, operands, 4, 2);
  GenScope scope = gen_open(g, &op->regions[0], 4, types, false);
  PjValue *go_on = gen_compare(g, PJ_CMP_LT, PJ_CMPTYPE_SIGNED, &op->regions[0].args[0],
                               gen_splat(g, scalar, (double)rand_int(&g->rand, 0, 4)));
  gen_close(g, scope, 1, &go_on);
  scope = gen_open(g, &op->regions[1], 4, types, false);
  PjValue *args = op->regions[1].args;
  PjValue *choices[] = {&args[1], &args[2], &args[3], captured, x};
  PjValue *results[4] = {gen_binary(g, PJ_OP_ADD, &args[0], gen_splat(g, scalar, 1))};
  for (int i = 1; i < 4; ++i) {
    results[i] = choices[rand_int(&g->rand, 0, 4)];
    if (rand_chance(&g->rand, 20) && t->dtype != PJ_DT_F8E8M0FNU)
      results[i] = gen_binary(g, PJ_OP_MAXIMUM, results[i], choices[rand_int(&g->rand, 0, 4)]);
  }
  gen_close(g, scope, 4, results);
  gen_done(g, op, NULL);
}

// Branches that pass values through, and one that updates what the other returns as it is.
static void emit_branch_updates(Gen *g) {
  if (g->depth > 1)
    return;
  PjValue *x = pick_array(g);
  if (!x)
    return;
  PjValue *y = rand_chance(&g->rand, 40) ? x : gen_of_type(g, x->type);
  PjValue *p = gen_of_type(g, gen_scalar(g, PJ_DT_PRED));
  const PjType *scalar = gen_scalar(g, PJ_DT_S32);
  PjOp *op = gen_op(g, PJ_OP_IF, 1, &p, 2, 2);
  for (int i = 0; i < 2; ++i) {
    GenScope scope = gen_open(g, &op->regions[i], 0, NULL, false);
    PjValue *results[] = {x, y};
    if (rand_chance(&g->rand, 60)) {
      PjValue *row = gen_of_type(g, row_type(g, x->type, 1));
      results[i] = write_at(g, rand_chance(&g->rand, 50) ? x : y, row,
                            gen_index(g, scalar, x->type->dims[0]));
    }
    if (rand_chance(&g->rand, 30)) {
      PjValue *swap = results[0];
      results[0] = results[1];
      results[1] = swap;
    }
    gen_close(g, scope, 2, results);
  }
  gen_done(g, op, NULL);
  if (rand_chance(&g->rand, 50))
    gen_binary(g, PJ_OP_ADD, &op->results[0], x);
}

// Scatter into what is read again.
static void emit_scatter_twice(Gen *g) {
  PjValue *x = pick_array(g);
  if (!x || x->type->rank != 1)
    return;
  int64_t n = x->type->dims[0], count = rand_int(&g->rand, 1, 9);
  const PjType *indices = gen_type(g, PJ_DT_S32, 2, (int64_t[]){count, 1});
  for (int round = 0; round < 2; ++round) {
    PjValue *operands[] = {x, gen_index(g, indices, n),
                           gen_of_type(g, gen_type(g, x->type->dtype, 1, &count))};
    PjOp *op = gen_op(g, PJ_OP_SCATTER, 3, operands, 1, 1);
    gen_set_ints(g, op, PJ_KEY_inserted_window_dims, 1, (int64_t[]){0});
    gen_set_ints(g, op, PJ_KEY_scatter_dims_to_operand_dims, 1, (int64_t[]){0});
    gen_set_int(g, op, PJ_KEY_index_vector_dim, 1);
    gen_binary_body(g, &op->regions[0], rand_chance(&g->rand, 50) ? PJ_OP_MAXIMUM : PJ_OP_MINIMUM,
                    x->type->dtype);
    PjValue *y = gen_done(g, op, NULL);
    if (rand_chance(&g->rand, 50))
      gen_binary(g, PJ_OP_SUBTRACT, y, x);
    x = rand_chance(&g->rand, 70) ? y : x;
  }
}

// Many operations in a row, and many values that all meet in the end: kernels have limits of
// operations, inputs and results.
static void emit_long(Gen *g) {
  if (g->depth || g->options->filter)
    return;
  PjValue *x = gen_pick(g, GEN_FLOAT | GEN_INT, 0, 3), *made[40];
  if (x->type->dtype == PJ_DT_F8E8M0FNU || gen_count(x->type) > 2000)
    return;
  static const PjOpKind kinds[] = {PJ_OP_ADD, PJ_OP_SUBTRACT, PJ_OP_MAXIMUM, PJ_OP_MULTIPLY,
                                   PJ_OP_MINIMUM};
  int64_t length = rand_int(&g->rand, 20, 200);
  int kept = 0;
  for (int64_t i = 0; i < length && g->num_values < GEN_MAX_VALUES - 60; ++i) {
    PjValue *y = rand_chance(&g->rand, 70) && kept ? made[rand_int(&g->rand, 0, kept - 1)]
                                                   : gen_of_type(g, x->type);
    x = gen_binary(g, kinds[rand_int(&g->rand, 0, 4)], x, y);
    if (kept < 40 && rand_chance(&g->rand, 30))
      made[kept++] = x;
  }
}

const GenEmitter gen_aliasing[] = {
    {"aliasing dynamic_update_slice", 10, emit_updates},
    {"aliasing while dynamic_update_slice", 14, emit_in_place_loop},
    {"aliasing while", 8, emit_rotation},
    {"aliasing if dynamic_update_slice", 8, emit_branch_updates},
    {"aliasing scatter", 5, emit_scatter_twice},
    {"long", 3, emit_long},
    {0},
};

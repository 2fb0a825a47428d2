// Control flow: loops of several kinds, branches, calls.
#include "gen.h"

#include <stdio.h>

enum { MAX_CARRIES = 6 };

// A value of |type| made in the region at hand: what a body gives back for a carry.
static PjValue *next_carry(Gen *g, PjValue *carry, bool update) {
  const PjType *type = carry->type;
  int64_t choice = rand_int(&g->rand, 0, 9);
  if (update && choice < 3)
    return carry;
  bool arithmetic = !gen_in_classes(type->dtype, GEN_PRED) && type->dtype != PJ_DT_F8E8M0FNU;
  if (choice < 5 && arithmetic)
    return gen_binary(g, choice & 1 ? PJ_OP_ADD : PJ_OP_MULTIPLY, carry, gen_of_type(g, type));
  if (choice < 7 && gen_in_classes(type->dtype, GEN_FLOAT) && arithmetic)
    return gen_unary(g, PJ_OP_TANH, carry);
  if (choice < 8)
    return gen_select(g, gen_of_type(g, gen_scalar(g, PJ_DT_PRED)), carry, gen_of_type(g, type));
  return gen_of_type(g, type);
}

// One row of |carry|, at the loop's counter, replaced by something: the loop of a scan.
static PjValue *write_row(Gen *g, PjValue *carry, PjValue *counter) {
  int64_t sizes[GEN_MAX_RANK];
  int32_t rank = carry->type->rank;
  memcpy(sizes, carry->type->dims, (size_t)rank * sizeof *sizes);
  sizes[0] = 1;
  PjValue *operands[2 + GEN_MAX_RANK] = {
      carry, gen_of_type(g, gen_type(g, carry->type->dtype, rank, sizes)), counter};
  PjValue *zero = rank > 1 ? gen_splat(g, counter->type, 0) : NULL;
  for (int32_t i = 1; i < rank; ++i)
    operands[2 + i] = zero;
  return gen_done(g, gen_op(g, PJ_OP_DYNAMIC_UPDATE_SLICE, 2 + (uint32_t)rank, operands, 1, 0),
                  NULL);
}

static PjValue *read_row(Gen *g, PjValue *carry, PjValue *counter) {
  int64_t sizes[GEN_MAX_RANK];
  int32_t rank = carry->type->rank;
  memcpy(sizes, carry->type->dims, (size_t)rank * sizeof *sizes);
  sizes[0] = 1;
  PjValue *operands[1 + GEN_MAX_RANK] = {carry, counter};
  PjValue *zero = rank > 1 ? gen_splat(g, counter->type, 0) : NULL;
  for (int32_t i = 1; i < rank; ++i)
    operands[1 + i] = zero;
  PjOp *op = gen_op(g, PJ_OP_DYNAMIC_SLICE, 1 + (uint32_t)rank, operands, 1, 0);
  gen_set_ints(g, op, PJ_KEY_slice_sizes, (uint32_t)rank, sizes);
  return gen_done(g, op, NULL);
}

// A loop: a counter, carries of any types, a body of random operations. Every loop ends, by its
// counter at the latest; some end before, at what the data say.
static void emit_while(Gen *g) {
  if (g->depth >= GEN_MAX_DEPTH)
    return;
  int64_t trips = rand_int(&g->rand, 0, g->depth ? 3 : 8);
  uint32_t count = 1 + (uint32_t)rand_int(&g->rand, 0, MAX_CARRIES - 1);
  PjDtype counter_dtype = rand_chance(&g->rand, 75)   ? PJ_DT_S32
                          : rand_chance(&g->rand, 50) ? PJ_DT_S64
                                                      : PJ_DT_U8;
  const PjType *scalar = gen_scalar(g, counter_dtype), *types[MAX_CARRIES];
  PjValue *operands[MAX_CARRIES];
  operands[0] = gen_splat(g, scalar, 0);
  for (uint32_t i = 1; i < count; ++i)
    operands[i] = gen_pick(g, GEN_ANY, 0, 4);
  for (uint32_t i = 0; i < count; ++i)
    types[i] = operands[i]->type;
  bool data_dependent = count > 1 && rand_chance(&g->rand, 30);
  PjValue *flag_source = NULL;
  PjValue *limit = rand_chance(&g->rand, 30) ? gen_splat(g, scalar, (double)trips) : NULL;
  PjOp *op = gen_op(g, PJ_OP_WHILE, count, operands, count, 2);
  // The condition.
  GenScope scope = gen_open(g, &op->regions[0], count, types, false);
  PjValue *args = op->regions[0].args;
  int type = counter_dtype == PJ_DT_U8 ? PJ_CMPTYPE_UNSIGNED : PJ_CMPTYPE_SIGNED;
  PjValue *go_on = gen_compare(g, PJ_CMP_LT, type, &args[0],
                               limit ? limit : gen_splat(g, scalar, (double)trips));
  if (data_dependent) {
    flag_source = &args[1 + rand_int(&g->rand, 0, count - 2)];
    PjDtype dtype = flag_source->type->dtype;
    if (!flag_source->type->rank && gen_in_classes(dtype, GEN_SINT | GEN_FLOAT))
      go_on = gen_binary(
          g, PJ_OP_AND, go_on,
          gen_compare(g, PJ_CMP_LT,
                      gen_in_classes(dtype, GEN_SINT) ? PJ_CMPTYPE_SIGNED : PJ_CMPTYPE_FLOAT,
                      flag_source, gen_splat(g, flag_source->type, 5)));
    else if (gen_in_classes(dtype, GEN_PRED)) {
      int64_t dims[GEN_MAX_RANK] = {0, 1, 2, 3, 4, 5};
      go_on = gen_binary(
          g, PJ_OP_AND, go_on,
          gen_reduce(g, PJ_OP_AND, flag_source, (uint32_t)flag_source->type->rank, dims));
    }
  }
  gen_close(g, scope, 1, &go_on);
  // The body.
  int64_t work = g->work_left;
  g->work_left = work / (trips + 1);
  scope = gen_open(g, &op->regions[1], count, types, false);
  args = op->regions[1].args;
  for (uint32_t i = 1; i < count; ++i)
    if (args[i].type->rank && args[i].type->dims[0] && rand_chance(&g->rand, 25))
      read_row(g, &args[i], &args[0]);
  gen_fill(g, (int)rand_int(&g->rand, 0, g->depth > 1 ? 2 : 5));
  PjValue *results[MAX_CARRIES];
  for (uint32_t i = 1; i < count; ++i)
    results[i] = args[i].type->rank && args[i].type->dims[0] && rand_chance(&g->rand, 30)
                     ? write_row(g, &args[i], &args[0])
                     : next_carry(g, &args[i], true);
  if (count > 2 && rand_chance(&g->rand, 15) && pj_type_eq(types[1], types[2])) {
    PjValue *swap = results[1]; // carries that change places
    results[1] = results[2];
    results[2] = swap;
  }
  results[0] = gen_binary(g, PJ_OP_ADD, &args[0], gen_splat(g, scalar, 1));
  gen_close(g, scope, count, results);
  g->work_left = work - (work / (trips + 1) - g->work_left) * (trips + 1);
  gen_done(g, op, NULL);
}

static void branch(Gen *g, PjRegion *region, uint32_t count, const PjType *const *types) {
  GenScope scope = gen_open(g, region, 0, NULL, false);
  gen_fill(g, (int)rand_int(&g->rand, 0, 4));
  PjValue *results[4];
  for (uint32_t i = 0; i < count; ++i)
    results[i] = gen_of_type(g, types[i]);
  gen_close(g, scope, count, results);
}

static void emit_branches(Gen *g) {
  if (g->depth >= GEN_MAX_DEPTH)
    return;
  bool is_if = rand_chance(&g->rand, 60);
  uint32_t branches = is_if ? 2 : (uint32_t)rand_int(&g->rand, 1, 4),
           count = (uint32_t)rand_int(&g->rand, 1, 3);
  const PjType *types[4];
  for (uint32_t i = 0; i < count; ++i)
    types[i] = gen_pick(g, GEN_ANY, 0, 4)->type;
  const PjType *scalar = gen_scalar(g, is_if ? PJ_DT_PRED : PJ_DT_S32);
  PjValue *selector = is_if ? gen_of_type(g, scalar) : gen_index(g, scalar, branches);
  PjOp *op = gen_op(g, is_if ? PJ_OP_IF : PJ_OP_CASE, 1, &selector, count, branches);
  for (uint32_t i = 0; i < branches; ++i)
    branch(g, &op->regions[i], count, types);
  gen_done(g, op, NULL);
}

static void emit_barrier(Gen *g) {
  PjValue *operands[3];
  uint32_t count = (uint32_t)rand_int(&g->rand, 1, 3);
  for (uint32_t i = 0; i < count; ++i)
    operands[i] = gen_pick(g, GEN_ANY, 0, GEN_MAX_RANK);
  gen_done(g, gen_op(g, PJ_OP_OPTIMIZATION_BARRIER, count, operands, count, 0), NULL);
}

// A function that is called once or twice.
static void emit_call(Gen *g) {
  if (g->depth >= 2 || g->num_funcs >= 3 || g->isolated)
    return;
  uint32_t count = (uint32_t)rand_int(&g->rand, 1, 4), num_results = 0;
  PjValue *operands[4], *results[4];
  const PjType *in[4], *out[4];
  for (uint32_t i = 0; i < count; ++i) {
    operands[i] = gen_pick(g, GEN_ANY, 0, 4);
    in[i] = operands[i]->type;
  }
  char name[16];
  snprintf(name, sizeof name, "f%u", g->num_funcs++);
  PjOp *func = gen_function(g, name);
  GenScope scope = gen_open(g, &func->regions[0], count, in, true);
  gen_fill(g, (int)rand_int(&g->rand, 1, 5));
  for (uint32_t i = g->num_values; i > g->first && num_results < 3; --i)
    if (rand_chance(&g->rand, 60))
      results[num_results++] = g->values[i - 1];
  for (uint32_t i = 0; i < num_results; ++i)
    out[i] = results[i]->type;
  gen_close(g, scope, num_results, results);
  gen_set_signature(g, func, num_results, results);
  for (int64_t calls = rand_int(&g->rand, 1, 2); calls > 0; --calls) {
    PjOp *op = gen_op(g, PJ_OP_CALL, count, operands, num_results, 0);
    pj_op_set_attr(op, PJ_KEY_callee, pj_attr_symbol(g->arena, pj_str(name)));
    gen_done(g, op, out);
    for (uint32_t i = 0; i < count; ++i)
      operands[i] = gen_of_type(g, in[i]);
  }
}

const GenEmitter gen_control[] = {
    {"while", 30, emit_while},
    {"if case", 18, emit_branches},
    {"optimization_barrier", 4, emit_barrier},
    {"call", 8, emit_call},
    {0},
};

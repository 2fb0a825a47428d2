// Loops over the rows of stacks: what a turn reads is multiplied by weights and makes a state, and
// products with that are added up. So are recurrent layers and the gradients of their weights.
#include "gen.h"

typedef struct Recurrence {
  Gen *g;
  PjDtype dtype;
  int64_t turns, rows; // |rows| of a turn; 0: a turn is a vector
  PjValue *indices[2]; // of a turn: forward, backward
} Recurrence;

// What turns read: |width| numbers for each row. The turns lie along any dimension.
typedef struct Stack {
  PjValue *all;
  int32_t rank;
  int64_t dims[3], turn; // the dimension of the turns
} Stack;

static PjValue *bounded(const Recurrence *r, PjValue *x) {
  // Nothing is wider than double, to tell what sums in another order may overflow to.
  return r->dtype == PJ_DT_F64 && r->g->special ? gen_unary(r->g, PJ_OP_TANH, x) : x;
}

static bool make_stack(const Recurrence *r, int64_t width, Stack *out) {
  Gen *g = r->g;
  Stack s = {.rank = r->rows ? 3 : 2};
  s.turn = rand_chance(&g->rand, 60) ? 0 : rand_int(&g->rand, 0, s.rank - 1);
  int32_t d = 0;
  const int64_t sizes[] = {r->rows, width};
  for (int i = r->rows ? 0 : 1; i < 2; ++i, ++d) {
    d += d == s.turn;
    s.dims[d] = sizes[i];
  }
  s.dims[s.turn] = r->turns;
  if (!gen_fits(g, s.rank, s.dims))
    return false;
  s.all = bounded(r, gen_of_type(g, gen_type(g, r->dtype, s.rank, s.dims)));
  *out = s;
  return true;
}

static PjValue *read_turn(const Recurrence *r, const Stack *s, bool backward) {
  Gen *g = r->g;
  PjValue *operands[4] = {s->all};
  int64_t sizes[3], kept[2];
  int32_t n = 0;
  for (int32_t d = 0; d < s->rank; ++d) {
    sizes[d] = s->dims[d];
    operands[1 + d] = r->indices[backward];
    if (d == s->turn)
      continue;
    operands[1 + d] = gen_splat(g, r->indices[0]->type, 0);
    kept[n++] = s->dims[d];
  }
  sizes[s->turn] = 1;
  PjOp *op = gen_op(g, PJ_OP_DYNAMIC_SLICE, 1 + (uint32_t)s->rank, operands, 1, 0);
  gen_set_ints(g, op, PJ_KEY_slice_sizes, (uint32_t)s->rank, sizes);
  return gen_reshape(g, gen_done(g, op, NULL), n, kept);
}

static PjValue *product(const Recurrence *r, PjValue *a, PjValue *b, int64_t along_a,
                        int64_t along_b, bool batch) {
  Gen *g = r->g;
  PjValue *operands[] = {a, b};
  const int64_t along[] = {along_a, along_b};
  int64_t dims[4];
  int32_t rank = 0;
  if (batch)
    dims[rank++] = a->type->dims[along_a];
  for (int side = 0; side < 2; ++side)
    for (int32_t d = 0; d < operands[side]->type->rank; ++d)
      if (d != along[side])
        dims[rank++] = operands[side]->type->dims[d];
  const PjType *type = gen_type(g, r->dtype, rank, dims);
  PjOp *op = gen_op(g, PJ_OP_DOT_GENERAL, 2, operands, 1, 0);
  gen_set_ints(g, op, batch ? PJ_KEY_lhs_batching_dimensions : PJ_KEY_lhs_contracting_dimensions,
               along_a >= 0, &along[0]);
  gen_set_ints(g, op, batch ? PJ_KEY_rhs_batching_dimensions : PJ_KEY_rhs_contracting_dimensions,
               along_b >= 0, &along[1]);
  return gen_done(g, op, &type);
}

// Of two things with a number for each row: what a turn adds to a total.
static PjValue *product_of_rows(const Recurrence *r, PjValue *a, PjValue *b, bool batch) {
  const int64_t along = r->rows ? 0 : -1;
  return product(r, a, b, along, along, batch && r->rows);
}

static PjValue *add_either_way(Gen *g, PjValue *a, PjValue *b) {
  return rand_chance(&g->rand, 50) ? gen_binary(g, PJ_OP_ADD, a, b)
                                   : gen_binary(g, PJ_OP_ADD, b, a);
}

static void emit_recurrence(Gen *g) {
  if (g->depth > 1)
    return;
  Recurrence r = {.g = g, .turns = rand_int(&g->rand, 2, 9)};
  r.dtype = rand_chance(&g->rand, 60)   ? PJ_DT_F32
            : rand_chance(&g->rand, 60) ? PJ_DT_F64
                                        : gen_dtype(g, GEN_FLOAT);
  if (pj_dtype_bits(r.dtype) < 16)
    r.dtype = PJ_DT_BF16;
  const int64_t most = (int64_t[]){20, 40, 90}[g->options->size];
  r.rows =
      rand_chance(&g->rand, 25) ? 0 : rand_int(&g->rand, 1, rand_chance(&g->rand, 70) ? 5 : most);
  const int64_t in = rand_int(&g->rand, 1, most), width = rand_int(&g->rand, 1, most),
                other = rand_int(&g->rand, 1, most);
  const int64_t work = r.turns * (r.rows + 1) * (in * width + other * width + in * other);
  Stack xs, ys;
  if (work > g->work_left * 8 || !make_stack(&r, in, &xs) || !make_stack(&r, other, &ys))
    return;
  g->work_left -= work / 8;
  const bool turned = rand_chance(&g->rand, 50), batch = rand_chance(&g->rand, 20);
  const int64_t weight_dims[] = {turned ? width : in, turned ? in : width},
                state_dims[] = {r.rows, width};
  PjValue *weights = gen_of_type(g, gen_type(g, r.dtype, 2, weight_dims));
  // Carried: the counter, the state, totals of products with both stacks and of both.
  enum { COUNTER, STATE, TOTALS, MOST = TOTALS + 3 };
  const PjType *scalar = gen_scalar(g, rand_chance(&g->rand, 70) ? PJ_DT_S32 : PJ_DT_S64),
               *types[MOST] = {scalar};
  types[STATE] =
      r.rows ? gen_type(g, r.dtype, 2, state_dims) : gen_type(g, r.dtype, 1, state_dims + 1);
  const uint32_t totals = (uint32_t)rand_int(&g->rand, 1, 3), count = TOTALS + totals;
  const int64_t pairs[3][2] = {{in, width}, {other, width}, {in, other}};
  for (uint32_t i = 0; i < totals; ++i) {
    const int64_t dims[] = {r.rows, pairs[i][0], pairs[i][1]};
    const bool batched = batch && r.rows;
    if (!gen_fits(g, 2 + batched, dims + 1 - batched))
      return;
    types[TOTALS + i] = gen_type(g, r.dtype, 2 + batched, dims + 1 - batched);
  }
  PjValue *operands[MOST] = {gen_splat(g, scalar, 0)}, *results[MOST];
  operands[STATE] = bounded(&r, gen_of_type(g, types[STATE]));
  for (uint32_t i = 0; i < totals; ++i)
    operands[TOTALS + i] = rand_chance(&g->rand, 70)
                               ? gen_splat(g, types[TOTALS + i], 0)
                               : bounded(&r, gen_of_type(g, types[TOTALS + i]));
  PjOp *op = gen_op(g, PJ_OP_WHILE, count, operands, count, 2);
  GenScope scope = gen_open(g, &op->regions[0], count, types, false);
  PjValue *go_on = gen_compare(g, PJ_CMP_LT, PJ_CMPTYPE_SIGNED, &op->regions[0].args[COUNTER],
                               gen_splat(g, scalar, (double)r.turns));
  gen_close(g, scope, 1, &go_on);
  scope = gen_open(g, &op->regions[1], count, types, false);
  PjValue *args = op->regions[1].args;
  r.indices[0] = &args[COUNTER];
  r.indices[1] =
      gen_binary(g, PJ_OP_SUBTRACT, gen_splat(g, scalar, (double)(r.turns - 1)), &args[COUNTER]);
  PjValue *x = read_turn(&r, &xs, rand_chance(&g->rand, 30)),
          *y = read_turn(&r, &ys, rand_chance(&g->rand, 30));
  PjValue *drive = r.rows || rand_chance(&g->rand, 50)
                       ? product(&r, x, weights, r.rows ? 1 : 0, turned, false)
                       : product(&r, weights, x, turned, 0, false);
  results[COUNTER] = gen_binary(g, PJ_OP_ADD, &args[COUNTER], gen_splat(g, scalar, 1));
  results[STATE] = gen_unary(g, PJ_OP_TANH, add_either_way(g, &args[STATE], drive));
  PjValue *state = rand_chance(&g->rand, 50) ? results[STATE] : &args[STATE];
  PjValue *factors[3][2] = {{x, state}, {y, state}, {x, y}};
  for (uint32_t i = 0; i < totals; ++i)
    results[TOTALS + i] = add_either_way(g, &args[TOTALS + i],
                                         product_of_rows(&r, factors[i][0], factors[i][1], batch));
  gen_close(g, scope, count, results);
  gen_done(g, op, NULL);
}

const GenEmitter gen_recurrences[] = {
    {"recurrence while dot_general dynamic_slice", 10, emit_recurrence},
    {0},
};

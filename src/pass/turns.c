// Products of what a loop reads in turn are one product before the loop.
//
//   while(%i ...) do { %1 = dynamic_slice %xs, %i, 0, 0, sizes = [1, 32, 64] ; %2 = reshape %1
//                      %3 = dot_general %2, %w ... }                 [32, 64] x [64, 128]
//     =>  %4 = dot_general %xs, %w                                   [100, 32, 64] x [64, 128]
//         while(%i ...) do { %5 = dynamic_slice %4, %i, 0, 0, sizes = [1, 32, 128]
//                            %3 = reshape %5 ... }
//
// Recurrent networks are written so. The one product reads the weights once, in tiles of many rows,
// and has work for all threads.
//
// |xs| and |w| come from outside of the loop. What is read does not depend on how the index moves,
// for the slice and the product change places: so it need not be understood, and is clamped as
// before. It is a question of cost only: the loop is known to run at least once for each index,
// each turn computes something that is worth a trip through memory, and all turns together do not
// take too much of it. A turn of many rows fills the tiles by itself: if its weights stay in a near
// cache and all turns' results in none, it remains where its result is read at once. Where |xs| is
// the right operand and alone shapes the result, the two change places, so that the results of a
// turn lie side by side.
//
// Linear in the operations.
#include "pass/constant.h"
#include "pass/match.h"
#include "pass/match_turn.h"
#include "pass/passes.h"
#include "pass/shapes.h"

enum {
  MIN_WORK = 512,       // multiplications of a turn
  MIN_SUMS = 8,         // of one element
  MAX_BYTES = 64 << 20, // of all turns' results,
  MAX_GROWTH = 2,       // or so many times what they are made of
  MANY_ROWS = 32,       // of a turn, which fill tiles as well as those of all turns
  NEAR_BYTES = 1 << 20, // that stay in a near cache,
  FAR_BYTES = 4 << 20,  // and in a core's part of the last one
};

// A product of the loop's body as one before it.
typedef struct Turns {
  PjOp *dot;
  PjTurn turn;
  PjValue *weights;
  uint32_t side; // of the turn
} Turns;

static const int64_t *contracted(const PjOp *dot, uint32_t side, uint32_t *count) {
  return side ? PJ_INTS(dot, rhs_contracting_dimensions, count)
              : PJ_INTS(dot, lhs_contracting_dimensions, count);
}

static bool match_turn(const PjOp *loop, const PjOp *dot, uint32_t side, Turns *t) {
  t->weights = dot->operands[1 - side];
  t->side = side;
  return pj_match_turn(loop, dot->operands[side], &t->turn) &&
         !pj_rw_inside(t->weights, &loop->regions[1]);
}

// True if the turns' results lie one behind the other when the left operand is the stack.
static bool in_order(const Turns *t) {
  uint32_t num_batch, count;
  PJ_INTS(t->dot, lhs_batching_dimensions, &num_batch);
  const int64_t *sums = contracted(t->dot, t->side, &count);
  if (num_batch)
    return false;
  const int32_t rank = t->dot->operands[t->side]->type->rank;
  for (int32_t d = 0; d < rank; ++d) // before the dimension in which the loop moves
    if (d < t->turn.dim && !pj_list_has(sums, count, d))
      return false;
  // On the right: it would be the last of the result, if not for an exchange.
  const PjAttr *algorithm = PJ_ATTR(t->dot, accumulation_type);
  return !t->side ||
         (rank == (int32_t)count && (!algorithm || algorithm->type->kind == PJ_TYPE_NONE));
}

static bool pays(const PjOp *loop, const Turns *t) {
  PjCounter counter;
  size_t turn, all, weights;
  uint32_t count;
  const PjType *x = t->dot->operands[t->side]->type, *result = t->dot->results[0].type;
  if (!pj_match_counter(loop, &counter) || !counter.alone || counter.trips < t->turn.count ||
      !pj_type_is_static(t->turn.stack->type) || !pj_type_is_static(t->weights->type) ||
      !pj_type_num_bytes(result, &turn) || !pj_type_num_bytes(t->turn.stack->type, &all) ||
      !pj_type_num_bytes(t->weights->type, &weights))
    return false;
  const int64_t *sums = contracted(t->dot, t->side, &count);
  double each = 1, work = 1, elements = 1;
  for (uint32_t i = 0; i < count; ++i)
    each *= (double)x->dims[sums[i]];
  for (int32_t d = 0; d < x->rank; ++d)
    elements *= (double)x->dims[d];
  for (int32_t d = 0; d < result->rank; ++d)
    work *= (double)result->dims[d];
  const double bytes = (double)turn * (double)t->turn.count;
  if (elements >= MANY_ROWS * each && weights <= NEAR_BYTES && bytes > FAR_BYTES)
    return false;
  return each >= MIN_SUMS && each * work >= MIN_WORK &&
         (bytes <= MAX_BYTES || bytes <= MAX_GROWTH * (double)all);
}

// The product of all turns, before |loop|: [count, result's dimensions].
static PjValue *build_product(PjRewrite *rw, PjOp *loop, const Turns *t) {
  const PjType *result = t->dot->results[0].type;
  int64_t dims[PJ_MAX_RANK], sums[PJ_MAX_RANK];
  uint32_t count;
  dims[0] = t->turn.count;
  memcpy(dims + 1, result->dims, (size_t)result->rank * sizeof *dims);
  PjValue *operands[] = {t->turn.stack, t->weights};
  PjOp *made = pj_build_op(rw, loop, PJ_OP_DOT_GENERAL, 2, operands,
                           pj_type_with_dims(rw->arena, result, result->rank + 1, dims));
  for (uint32_t i = 0; i < pj_op_info[PJ_OP_DOT_GENERAL].num_attrs; ++i)
    made->attrs[i] = t->dot->attrs[i];
  const int64_t *of_slice = contracted(t->dot, t->side, &count);
  for (uint32_t i = 0; i < count; ++i)
    sums[i] = of_slice[i] + (of_slice[i] >= t->turn.dim);
  pj_op_set_attr(made, PJ_KEY_lhs_contracting_dimensions, pj_attr_ints(rw->arena, count, sums));
  const int64_t *of_weights = contracted(t->dot, 1 - t->side, &count);
  pj_op_set_attr(made, PJ_KEY_rhs_contracting_dimensions,
                 pj_attr_ints(rw->arena, count, of_weights));
  return pj_build_done(rw, made);
}

static bool spread(PjRewrite *rw, PjOp *loop, PjOp *dot) {
  Turns t = {.dot = dot};
  if ((!match_turn(loop, dot, 0, &t) || !in_order(&t)) &&
      (!match_turn(loop, dot, 1, &t) || !in_order(&t)))
    return false;
  const PjType *result = dot->results[0].type;
  if (result->rank + 1 > PJ_MAX_RANK || !pays(loop, &t))
    return false;
  PjValue *all = build_product(rw, loop, &t), *starts[PJ_MAX_RANK],
          *zero = pj_build_int(rw, dot, t.turn.slice->operands[1]->type, 0);
  int64_t sizes[PJ_MAX_RANK] = {1};
  starts[0] = t.turn.slice->operands[1 + t.turn.dim];
  for (int32_t d = 0; d < result->rank; ++d) {
    starts[1 + d] = zero;
    sizes[1 + d] = result->dims[d];
  }
  PjValue *turn = pj_build_dynamic_slice(rw, dot, all, starts, sizes);
  return pj_rw_become(rw, dot, pj_build_reshape(rw, dot, turn, result));
}

static void visit(PjRewrite *rw, PjOp *op, void *context) {
  (void)context;
  PjOp *loop = op->region->parent;
  if (op->kind == PJ_OP_DOT_GENERAL && loop->kind == PJ_OP_WHILE &&
      op->region == &loop->regions[1] && !rw->exhausted && pj_rw_spend(rw, 1) &&
      spread(rw, loop, op))
    ++rw->changes;
}

PjStatus pj_pass_turns(PjRewrite *rw) {
  pj_rw_visit(rw, visit, NULL);
  return PJ_STATUS_OK;
}

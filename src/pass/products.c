// Contractions that read each element of their larger operand once, and not along the rows of a
// matrix, become products that are summed.
//
//   %r = dot_general %x, %y, batching_dims = [1] x [1], contracting_dims = [0] x [0]
//     =>  %p = multiply %x, %y ; %r = reduce %p, 0, add, dimensions = [0]
//
// One operand is a vector: it has no dimension but those of batches and those that are contracted.
// Nothing is used again then, so that the other, the matrix, goes through the processor once, in
// the order in which it lies, with what is computed around it; a routine would turn it first where
// batches are its last dimension, or take it in many short pieces where what is contracted lies
// between others, or where both are vectors and each pair of rows is a product of its own. Left as
// they are, for the routines read them as they lie: contractions of other matrices along rows, and
// a vector by one plain matrix, unless of integers that the routines of vectors do not know; and
// the products of attention.
//
// Late, since what recognises and moves contractions knows them by their name, and after what is
// dead has gone, whose uses would hide attention. Linear, but for looking for attention, which is
// bounded.
#include "base/alloc.h"
#include "pass/contraction.h"
#include "pass/match_attention.h"
#include "pass/passes.h"
#include "pass/simplify.h"

static bool is_vector(const PjSide *side) {
  return side->x->type->rank == (int32_t)(side->num_batch + side->num_contract);
}

// Are the contracted dimensions those from |first| on, in their order?
static bool contracts_from(const PjSide *side, int64_t first) {
  for (uint32_t i = 0; i < side->num_contract; ++i)
    if (side->contract[i] != first + i)
      return false;
  return true;
}

static bool contracts_rows(const PjSide *side) {
  return contracts_from(side, side->x->type->rank - (int64_t)side->num_contract);
}

// Does a routine read both as they lie: [batch, free, contracted], or [contracted, free]? Single
// elements of batches are too little work for one.
static bool has_routine(const PjSide *matrix, const PjSide *vector) {
  return contracts_rows(vector) && !(matrix->num_batch && is_vector(matrix)) &&
         (contracts_rows(matrix) || (!matrix->num_batch && contracts_from(matrix, 0)));
}

// Of these a vector goes through the packed product of matrices.
static bool is_wide_integer(PjDtype dtype) {
  return pj_dtype_is_int(dtype) && pj_dtype_bits(dtype) >= 16;
}

static bool pays(const PjOp *op, const PjSide side[2], const PjSide **matrix) {
  for (int s = 0; s < 2; ++s)
    if (!pj_type_is_tensor(side[s].x->type) || !pj_type_is_static(side[s].x->type) ||
        side[s].x->type->quant)
      return false;
  const PjType *type = op->results[0].type;
  if (!side[0].num_contract || pj_has_algorithm(op) || !pj_type_is_static(type) || type->quant ||
      !pj_count(side[0].x->type) || !pj_count(side[1].x->type))
    return false;
  if (!is_vector(&side[0]) && !is_vector(&side[1]))
    return false;
  *matrix = is_vector(&side[1]) ? &side[0] : &side[1];
  return is_wide_integer(side[0].x->type->dtype) ||
         !has_routine(*matrix, *matrix == side ? side + 1 : side);
}

// The vector as a factor of the matrix.
static PjValue *spread(PjRewrite *rw, PjOp *op, const PjSide *vector, const PjSide *matrix,
                       const PjType *shape) {
  int64_t dims[PJ_MAX_RANK], perm[PJ_MAX_RANK];
  const int32_t rank = vector->x->type->rank;
  for (uint32_t i = 0; i < vector->num_batch; ++i)
    dims[vector->batch[i]] = matrix->batch[i];
  for (uint32_t i = 0; i < vector->num_contract; ++i)
    dims[vector->contract[i]] = matrix->contract[i];
  PjValue *x = pj_build_convert(rw, op, vector->x, shape->dtype);
  if (rank < shape->rank)
    return pj_build_broadcast(rw, op, x, dims, shape);
  for (int32_t d = 0; d < rank; ++d)
    perm[dims[d]] = d;
  return pj_build_transpose(rw, op, x, perm);
}

// The sum has the matrix's dimensions in their order, the contraction those of batches before.
static PjValue *in_order(PjRewrite *rw, PjOp *op, const PjSide *matrix, PjValue *sum) {
  int64_t place[PJ_MAX_RANK], perm[PJ_MAX_RANK];
  int32_t left = 0, rank = 0;
  for (int32_t d = 0; d < matrix->x->type->rank; ++d)
    place[d] = pj_list_has(matrix->contract, matrix->num_contract, d) ? -1 : left++;
  for (uint32_t i = 0; i < matrix->num_batch; ++i)
    perm[rank++] = place[matrix->batch[i]];
  for (int32_t d = 0; d < matrix->x->type->rank; ++d)
    if (pj_side_is_free(matrix, d))
      perm[rank++] = place[d];
  return pj_build_transpose(rw, op, sum, perm);
}

static bool become_sum(PjRewrite *rw, PjOp *op, const PjSide side[2], const PjSide *matrix) {
  const PjSide *vector = matrix == side ? side + 1 : side;
  const PjType *type = op->results[0].type;
  const PjDtype from = matrix->x->type->dtype, dtype = pj_product_type(from, type->dtype);
  if (vector->x->type->dtype != from || dtype == PJ_DT_INVALID)
    return false;
  const PjType *shape = pj_type_with_dtype(rw->arena, matrix->x->type, dtype);
  PjValue *factors[2];
  factors[matrix - side] = pj_build_convert(rw, op, matrix->x, dtype);
  factors[vector - side] = spread(rw, op, vector, matrix, shape);
  int64_t dims[PJ_MAX_RANK];
  uint32_t count = 0;
  for (int64_t d = 0; d < shape->rank; ++d)
    if (pj_list_has(matrix->contract, matrix->num_contract, d))
      dims[count++] = d;
  PjValue *product = pj_build_binary(rw, op, PJ_OP_MULTIPLY, factors[0], factors[1]);
  PjValue *sum = in_order(rw, op, matrix, pj_build_sum(rw, op, product, count, dims));
  pj_rw_become(rw, op, pj_build_convert(rw, op, sum, type->dtype));
  // What the vector was turned for may be made the other way round.
  PjOp *turn = pj_def(factors[vector - side], PJ_OP_TRANSPOSE);
  PjOp *dot = turn ? pj_def(turn->operands[0], PJ_OP_DOT_GENERAL) : NULL;
  if (dot && pj_rule_transpose_of_dot(rw, turn, dot)) {
    pj_rw_resolve(rw, product->def);
    if (!pj_rw_uses(rw, dot->results))
      pj_rw_erase(rw, dot);
  }
  return true;
}

// The values of the module as it came, by number.
typedef struct Walk {
  uint32_t num_values, *uses;
  bool *taken; // made by attention
  bool any;    // contraction that is to become a sum
} Walk;

static bool is_taken(const Walk *w, const PjOp *op) {
  return op->results[0].id < w->num_values && w->taken[op->results[0].id];
}

static void find_attention(Walk *w, const PjOp *op) {
  PjAttentionMatch match;
  if (pj_match_attention(op, w->uses, &match))
    for (uint32_t i = 0; i < match.num_ops; ++i)
      w->taken[match.ops[i]->results[0].id] = true;
}

static bool is_product(PjRewrite *rw, const PjOp *op) {
  return op->kind == PJ_OP_DOT_GENERAL && !rw->exhausted && pj_rw_spend(rw, 1);
}

static void look(PjRewrite *rw, PjOp *op, void *context) {
  if (!is_product(rw, op))
    return;
  Walk *w = context;
  PjSide side[2];
  const PjSide *matrix;
  pj_sides_read(op, side);
  w->any |= pays(op, side, &matrix);
  find_attention(w, op);
}

static void rewrite(PjRewrite *rw, PjOp *op, void *context) {
  if (!is_product(rw, op))
    return;
  PjSide side[2];
  const PjSide *matrix;
  pj_sides_read(op, side);
  if (pays(op, side, &matrix) && !is_taken(context, op) && become_sum(rw, op, side, matrix))
    ++rw->changes;
}

PjStatus pj_pass_products(PjRewrite *rw) {
  Walk w = {.num_values = rw->num_values};
  w.uses = PJ_NEW_ARRAY(rw->scratch, uint32_t, w.num_values);
  w.taken = PJ_NEW_ARRAY(rw->scratch, bool, w.num_values);
  for (uint32_t id = 0; id < w.num_values; ++id)
    w.uses[id] = rw->slots[id].uses;
  pj_rw_visit(rw, look, &w);
  if (w.any)
    pj_rw_visit(rw, rewrite, &w);
  return PJ_STATUS_OK;
}

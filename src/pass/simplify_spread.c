// Rules of what is spread: a broadcast that is reshaped, as repeat, tile and upsampling by the
// nearest are written.
//
//   %1 = broadcast_in_dim %x, dims = [0, 2] : tensor<4x5xf32> -> tensor<4x2x5x3xf32>
//   %2 = reshape %1 : tensor<8x15xf32>
//
// What is spread again is spread once; the sum of copies is a product. (Elementwise operations are
// done before spreading, simplify_motion.c.) So the gradient of such a copy needs none in memory.
//
// Here dimensions are cut as finely as the reshape cuts and joins them (PjRefined): each factor is
// either a part of a dimension of %x or counts copies.
#include "pass/body.h"
#include "pass/shapes.h"
#include "pass/simplify.h"

enum { MOST_FACTORS = 12 };

// |broadcast|, reshaped or not, as |type|.
typedef struct Spread {
  PjOp *broadcast;
  PjRefined r;                      // a: the broadcast's dimensions; b: those of |type|
  int32_t first_x[PJ_MAX_RANK + 1]; // factors of the broadcast's operand, by its dimensions
  int32_t of_x[MOST_FACTORS];       // each one's place among all
  bool copies[MOST_FACTORS];        // of a factor
} Spread;

static bool is_spread(const PjValue *value, Spread *s) {
  PjOp *def = value->def;
  if (def && def->kind == PJ_OP_RESHAPE)
    def = def->operands[0]->def;
  if (!def || def->kind != PJ_OP_BROADCAST_IN_DIM ||
      !pj_refine(def->results[0].type, value->type, &s->r) || s->r.rank > MOST_FACTORS)
    return false;
  s->broadcast = def;
  const int64_t *to = PJ_INTS(def, broadcast_dimensions, NULL);
  const int32_t rank = def->operands[0]->type->rank;
  int32_t n = 0;
  for (int32_t c = 0; c < s->r.rank; ++c)
    s->copies[c] = true;
  for (int32_t d = 0; d < rank; ++d) {
    s->first_x[d] = n;
    for (int32_t c = s->r.first_a[to[d]]; c < s->r.first_a[to[d] + 1]; ++c) {
      s->of_x[n++] = c;
      s->copies[c] = false;
    }
  }
  s->first_x[rank] = n;
  return true;
}

// |x|, the broadcast's operand or of its shape, with factor c at place[c] of |rank| |dims|.
static PjValue *spread_to(PjRewrite *rw, PjOp *at, const Spread *s, PjValue *x,
                          const int32_t *place, int32_t rank, const int64_t *dims) {
  int64_t cut[MOST_FACTORS], to[MOST_FACTORS];
  const int32_t n = s->first_x[x->type->rank];
  for (int32_t i = 0; i < n; ++i) {
    cut[i] = s->r.dims[s->of_x[i]];
    to[i] = place[s->of_x[i]];
  }
  x = pj_build_reshape_dims(rw, at, x, n, cut);
  return pj_build_broadcast(rw, at, x, to, pj_type_with_dims(rw->arena, x->type, rank, dims));
}

bool pj_rule_spread_again(PjRewrite *rw, PjOp *op) {
  const PjType *type = op->results[0].type;
  const PjValue *x = op->operands[0];
  const int64_t *to = PJ_INTS(op, broadcast_dimensions, NULL);
  Spread s;
  if (!is_spread(x, &s) || s.r.rank + type->rank - x->type->rank > MOST_FACTORS)
    return false;
  int32_t place[MOST_FACTORS], rank = 0;
  int64_t dims[MOST_FACTORS];
  for (int32_t i = 0; i < type->rank; ++i) {
    int32_t d = 0;
    while (d < x->type->rank && to[d] != i)
      ++d;
    if (d == x->type->rank) {
      dims[rank++] = type->dims[i];
      continue;
    }
    for (int32_t c = s.r.first_b[d]; c < s.r.first_b[d + 1]; ++c) {
      place[c] = rank;
      dims[rank++] = s.r.dims[c];
    }
  }
  PjValue *all = spread_to(rw, op, &s, s.broadcast->operands[0], place, rank, dims);
  return pj_rw_become(rw, op, pj_build_reshape(rw, op, all, type));
}

// |x| as many times as there are copies that are summed.
static PjValue *times(PjRewrite *rw, PjOp *at, PjValue *x, int64_t copies) {
  return pj_build_binary(rw, at, PJ_OP_MULTIPLY, x, pj_build_int(rw, at, x->type, copies));
}

// Whether that is the sum but for the order of its terms, where |more| is summed behind it.
static bool is_product(const PjType *type, int64_t copies, bool more) {
  enum { MOST_COPIES = 1 << 24 }; // a number of f32
  if (!pj_dtype_is_float(type->dtype))
    return pj_dtype_is_int(type->dtype) && pj_dtype_bits(type->dtype) >= 32 && copies <= INT32_MAX;
  // Sums of narrow floats are rounded once.
  const bool exact = !(copies & (copies - 1));
  return copies <= MOST_COPIES &&
         (pj_dtype_bits(type->dtype) >= 32 || (!more && pj_dtype_bits(type->dtype) == 16 && exact));
}

// A reduction over copies. What is left of the dimensions that are reduced stays to be.
bool pj_rule_reduce_copies(PjRewrite *rw, PjOp *op) {
  const PjOpKind kind = op->num_results == 1 ? pj_region_binary(&op->regions[0]) : PJ_OP_COUNT;
  const PjType *type = op->results[0].type;
  PjValue *x = op->operands[0];
  Spread s;
  if ((kind != PJ_OP_ADD && kind != PJ_OP_MAXIMUM && kind != PJ_OP_MINIMUM && kind != PJ_OP_AND &&
       kind != PJ_OP_OR) ||
      x->type->dtype != type->dtype || op->operands[1]->type->dtype != type->dtype ||
      op->regions[0].args[0].type->dtype != type->dtype || pj_dtype_is_complex(type->dtype) ||
      !is_spread(x, &s))
    return false;
  uint32_t count;
  const int64_t *reduced = PJ_INTS(op, dimensions, &count);
  int32_t place[MOST_FACTORS], rank = 0;
  int64_t factors[MOST_FACTORS], dims[PJ_MAX_RANK], copies = 1, left = 1;
  for (int32_t d = 0; d < x->type->rank; ++d) {
    const bool is_reduced = pj_list_has(reduced, count, d);
    dims[d] = 1;
    for (int32_t c = s.r.first_b[d]; c < s.r.first_b[d + 1]; ++c) {
      if (is_reduced && s.copies[c]) {
        copies *= s.r.dims[c];
        continue;
      }
      left *= is_reduced ? s.r.dims[c] : 1;
      dims[d] *= s.r.dims[c];
      place[c] = rank;
      factors[rank++] = s.r.dims[c];
    }
  }
  PjValue *source = s.broadcast->operands[0];
  if (copies == 1)
    return false;
  if (kind == PJ_OP_ADD) {
    if (!pj_const_is_zero(op->operands[1]) || !is_product(type, copies, left > 1))
      return false;
    source = times(rw, op, source, copies);
  }
  source = spread_to(rw, op, &s, source, place, rank, factors);
  pj_rw_set_operand(rw, op, 0, pj_build_reshape_dims(rw, op, source, x->type->rank, dims));
  ++rw->changes;
  return true;
}

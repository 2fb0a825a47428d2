// Rules of reshape, transpose, broadcast, reverse, iota.
//
// The normal form: a broadcast's operand has no dimensions of size 1, and a broadcast that repeats
// nothing is a transpose or reshape; a transpose moves at least one dimension that is not of size
// 1; of several in a row one is left; what a broadcast or iota can absorb it does.
#include "pass/shapes.h"
#include "pass/simplify.h"

static bool keep(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become(rw, op, value);
}

static PjValue *build_iota(PjRewrite *rw, PjOp *at, const PjType *type, int64_t dim) {
  PjOp *op = pj_build_op(rw, at, PJ_OP_IOTA, 0, NULL, type);
  pj_op_set_attr(op, PJ_KEY_iota_dimension, pj_attr_i64(rw->arena, dim));
  return &op->results[0];
}

bool pj_rule_iota(PjRewrite *rw, PjOp *op) {
  const PjType *type = op->results[0].type;
  return type->dims[PJ_INT(op, iota_dimension)] == 1 && !pj_dtype_is_complex(type->dtype) &&
         keep(rw, op, pj_build_int(rw, op, type, 0));
}

bool pj_rule_reshape(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  PjOp *def = x->def;
  int32_t map[PJ_MAX_RANK];
  if (pj_type_eq(x->type, type))
    return keep(rw, op, x);
  if (!def)
    return false;
  if (def->kind == PJ_OP_RESHAPE)
    return keep(rw, op, pj_build_reshape(rw, op, def->operands[0], type));
  if (!pj_same_but_units(x->type, type, map))
    return false;
  if (def->kind == PJ_OP_BROADCAST_IN_DIM) {
    PjValue *y = pj_build_squeeze(rw, op, def->operands[0]);
    const int64_t *to = PJ_INTS(def, broadcast_dimensions, NULL);
    int64_t dims[PJ_MAX_RANK];
    int32_t rank = 0;
    for (int32_t i = 0; i < def->operands[0]->type->rank; ++i)
      if (def->operands[0]->type->dims[i] != 1)
        dims[rank++] = map[to[i]];
    return keep(rw, op, pj_build_broadcast(rw, op, y, dims, type));
  }
  if (def->kind == PJ_OP_IOTA) {
    int32_t dim = map[PJ_INT(def, iota_dimension)];
    return dim >= 0 && keep(rw, op, build_iota(rw, op, type, dim));
  }
  return false;
}

enum { MAX_ELEM_OPERANDS = 3, MAX_DEPTH = 3 };

static bool is_inverse(const int64_t *a, const int64_t *b, int32_t rank) {
  for (int32_t d = 0; d < rank; ++d)
    if (a[b[d]] != d)
      return false;
  return true;
}

// Is |value|, used once, made of smaller arrays spread out, which can be read in any order, and of
// transposes that |perm| takes back?
static bool is_read_as_well(PjRewrite *rw, const PjValue *value, const int64_t *perm, int depth) {
  const PjOp *def = value->def;
  if (!def || pj_const_splat(value))
    return def;
  if (def->kind == PJ_OP_BROADCAST_IN_DIM || def->kind == PJ_OP_IOTA)
    return true;
  if (def->kind == PJ_OP_TRANSPOSE)
    return is_inverse(PJ_INTS(def, permutation, NULL), perm, value->type->rank);
  if (!depth || !(pj_op_info[def->kind].traits & PJ_TRAIT_ELEM) || def->num_results != 1 ||
      def->num_operands > MAX_ELEM_OPERANDS || pj_rw_uses(rw, value) != 1)
    return false;
  for (uint32_t i = 0; i < def->num_operands; ++i)
    if (def->operands[i]->type->rank != value->type->rank ||
        !is_read_as_well(rw, def->operands[i], perm, depth - 1))
      return false;
  return true;
}

// Such a value in the transposed order, down to the leaves at once: rules of motion would bring a
// transpose in between back.
static PjValue *in_other_order(PjRewrite *rw, PjOp *at, PjValue *value, const int64_t *perm) {
  PjOp *def = value->def;
  if (pj_const_splat(value) || !(pj_op_info[def->kind].traits & PJ_TRAIT_ELEM))
    return pj_build_transpose(rw, at, value, perm);
  PjValue *operands[MAX_ELEM_OPERANDS];
  int64_t dims[PJ_MAX_RANK];
  for (uint32_t i = 0; i < def->num_operands; ++i)
    operands[i] = in_other_order(rw, at, def->operands[i], perm);
  for (int32_t d = 0; d < value->type->rank; ++d)
    dims[d] = value->type->dims[perm[d]];
  return pj_build_like(rw, at, def, operands,
                       pj_type_with_dims(rw->arena, value->type, value->type->rank, dims));
}

// Do the dimensions of |type| that are not of size 1 keep their order?
static bool keeps_order(const PjType *type, const int64_t *perm) {
  int64_t last = -1;
  for (int32_t i = 0; i < type->rank; ++i) {
    if (type->dims[perm[i]] == 1)
      continue;
    if (perm[i] < last)
      return false;
    last = perm[i];
  }
  return true;
}

// Rows that are joined and then turned are columns that are joined: each is the same elements in
// the same order. So nothing is written and read again on the way.
static bool transpose_parts(PjRewrite *rw, PjOp *op, PjOp *joined, const int64_t *perm) {
  enum { MAX_PARTS = 8 };
  if (joined->num_operands > MAX_PARTS || pj_rw_uses(rw, joined->results) != 1)
    return false;
  for (uint32_t i = 0; i < joined->num_operands; ++i)
    if (!keeps_order(joined->operands[i]->type, perm))
      return false;
  PjValue *parts[MAX_PARTS];
  for (uint32_t i = 0; i < joined->num_operands; ++i) {
    const PjType *type = joined->operands[i]->type;
    int64_t dims[PJ_MAX_RANK];
    for (int32_t d = 0; d < type->rank; ++d)
      dims[d] = type->dims[perm[d]];
    parts[i] = pj_build_reshape_dims(rw, op, joined->operands[i], type->rank, dims);
  }
  int64_t along = 0;
  while (perm[along] != PJ_INT(joined, dimension))
    ++along;
  PjValue *made = pj_build_like(rw, op, joined, parts, op->results[0].type);
  pj_op_set_attr(made->def, PJ_KEY_dimension, pj_attr_i64(rw->arena, along));
  return keep(rw, op, made);
}

// Dimensions that follow one another on both sides are one. Returns how many are left.
static int32_t merge_neighbours(int32_t n, int64_t *dims, int64_t *perm) {
  int32_t at[PJ_MAX_RANK], left = 0, out = 0;
  bool joins[PJ_MAX_RANK] = {false}; // the one before it
  for (int32_t i = 1; i < n; ++i)
    joins[perm[i]] = perm[i] == perm[i - 1] + 1;
  for (int32_t d = 0; d < n; ++d) {
    at[d] = joins[d] ? left - 1 : left++;
    dims[at[d]] = joins[d] ? dims[at[d]] * dims[d] : dims[d];
  }
  for (int32_t i = 0; i < n; ++i)
    if (!joins[perm[i]])
      perm[out++] = at[perm[i]];
  return left;
}

// transpose(reshape(transpose(x))), as of channels that become pixels: one transpose of x, cut into
// more dimensions.
static bool transpose_again(PjRewrite *rw, PjOp *op, const PjOp *reshape, const int64_t *perm) {
  PjValue *y = reshape->operands[0];
  PjOp *first = pj_def(y, PJ_OP_TRANSPOSE);
  PjRefined r;
  if (!first || pj_rw_uses(rw, y) != 1 || pj_rw_uses(rw, &reshape->results[0]) != 1 ||
      !pj_refine(y->type, reshape->results[0].type, &r))
    return false;
  PjValue *x = first->operands[0];
  const int64_t *inner = PJ_INTS(first, permutation, NULL);
  int64_t dims[PJ_MAX_RANK], place[PJ_MAX_RANK], to[PJ_MAX_RANK];
  int32_t n = 0, out = 0;
  for (int32_t d = 0; d < x->type->rank; ++d) {
    int32_t at = 0;
    while (inner[at] != d)
      ++at;
    for (int32_t c = r.first_a[at]; c < r.first_a[at + 1]; ++c) {
      place[c] = n;
      dims[n++] = r.dims[c];
    }
  }
  for (int32_t d = 0; d < op->results[0].type->rank; ++d)
    for (int32_t c = r.first_b[perm[d]]; c < r.first_b[perm[d] + 1]; ++c)
      to[out++] = place[c];
  x = pj_build_reshape_dims(rw, op, x, merge_neighbours(n, dims, to), dims);
  return keep(rw, op,
              pj_build_reshape(rw, op, pj_build_transpose(rw, op, x, to), op->results[0].type));
}

bool pj_rule_transpose(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  const int64_t *perm = PJ_INTS(op, permutation, NULL);
  int32_t rank = type->rank;
  if (keeps_order(x->type, perm))
    return keep(rw, op, pj_build_reshape(rw, op, x, type));
  PjOp *def = x->def;
  if (!def)
    return false;
  int64_t dims[PJ_MAX_RANK], inverse[PJ_MAX_RANK];
  for (int32_t i = 0; i < rank; ++i)
    inverse[perm[i]] = i;
  switch (def->kind) {
  case PJ_OP_TRANSPOSE: {
    const int64_t *inner = PJ_INTS(def, permutation, NULL);
    for (int32_t i = 0; i < rank; ++i)
      dims[i] = inner[perm[i]];
    return keep(rw, op, pj_build_transpose(rw, op, def->operands[0], dims));
  }
  case PJ_OP_BROADCAST_IN_DIM: {
    const int64_t *to = PJ_INTS(def, broadcast_dimensions, NULL);
    for (int32_t i = 0; i < def->operands[0]->type->rank; ++i)
      dims[i] = inverse[to[i]];
    return keep(rw, op, pj_build_broadcast(rw, op, def->operands[0], dims, type));
  }
  case PJ_OP_IOTA:
    return keep(rw, op, build_iota(rw, op, type, inverse[PJ_INT(def, iota_dimension)]));
  case PJ_OP_DOT_GENERAL:
    return pj_rule_transpose_of_dot(rw, op, def);
  case PJ_OP_CONCATENATE:
    return transpose_parts(rw, op, def, perm);
  case PJ_OP_RESHAPE: {
    // A reshape that adds dimensions of size 1 comes after the transpose.
    PjValue *y = def->operands[0];
    int32_t map[PJ_MAX_RANK], count = 0;
    if (y->type->rank >= rank || !pj_same_but_units(x->type, y->type, map))
      return transpose_again(rw, op, def, perm);
    for (int32_t i = 0; i < y->type->rank; ++i)
      if (y->type->dims[i] == 1)
        return false;
    for (int32_t i = 0; i < rank; ++i)
      if (type->dims[i] != 1)
        dims[count++] = map[perm[i]];
    return keep(rw, op, pj_build_reshape(rw, op, pj_build_transpose(rw, op, y, dims), type));
  }
  default:
    return (pj_op_info[def->kind].traits & PJ_TRAIT_ELEM) &&
           is_read_as_well(rw, x, perm, MAX_DEPTH) && keep(rw, op, in_other_order(rw, op, x, perm));
  }
}

// A broadcast whose operand has as many elements as its result.
static PjValue *unrepeated(PjRewrite *rw, PjOp *op, PjValue *x, const int64_t *to) {
  const PjType *type = op->results[0].type;
  int64_t from[PJ_MAX_RANK], perm[PJ_MAX_RANK];
  int32_t count = 0;
  for (int32_t i = 0; i < type->rank; ++i)
    from[i] = -1;
  for (int32_t i = 0; i < x->type->rank; ++i)
    from[to[i]] = i;
  for (int32_t i = 0; i < type->rank; ++i)
    if (from[i] >= 0)
      perm[count++] = from[i];
  return pj_build_reshape(rw, op, pj_build_transpose(rw, op, x, perm), type);
}

bool pj_rule_broadcast(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  const int64_t *to = PJ_INTS(op, broadcast_dimensions, NULL);
  int64_t dims[PJ_MAX_RANK];
  int32_t rank = x->type->rank, count = 0;
  if (pj_count(x->type) == pj_count(type))
    return keep(rw, op, unrepeated(rw, op, x, to));
  for (int32_t i = 0; i < rank; ++i)
    if (x->type->dims[i] != 1)
      dims[count++] = to[i];
  if (count < rank)
    return keep(rw, op, pj_build_broadcast(rw, op, pj_build_squeeze(rw, op, x), dims, type));
  PjOp *def = x->def;
  if (!def)
    return false;
  switch (def->kind) {
  case PJ_OP_BROADCAST_IN_DIM: {
    const int64_t *inner = PJ_INTS(def, broadcast_dimensions, NULL);
    for (int32_t i = 0; i < def->operands[0]->type->rank; ++i)
      dims[i] = to[inner[i]];
    return keep(rw, op, pj_build_broadcast(rw, op, def->operands[0], dims, type));
  }
  case PJ_OP_TRANSPOSE: {
    const int64_t *perm = PJ_INTS(def, permutation, NULL);
    for (int32_t i = 0; i < rank; ++i)
      dims[perm[i]] = to[i];
    return keep(rw, op, pj_build_broadcast(rw, op, def->operands[0], dims, type));
  }
  case PJ_OP_IOTA:
    return keep(rw, op, build_iota(rw, op, type, to[PJ_INT(def, iota_dimension)]));
  case PJ_OP_RESHAPE:
    return pj_rule_spread_again(rw, op);
  default:
    return false;
  }
}

bool pj_rule_reverse(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  uint32_t count, inner_count = 0, left = 0;
  const int64_t *dims = PJ_INTS(op, dimensions, &count), *inner_dims = NULL;
  int64_t merged[PJ_MAX_RANK];
  PjOp *inner = pj_def(x, PJ_OP_REVERSE);
  if (inner)
    inner_dims = PJ_INTS(inner, dimensions, &inner_count);
  for (int64_t d = 0; d < x->type->rank; ++d)
    if (x->type->dims[d] > 1 &&
        pj_list_has(dims, count, d) != (inner && pj_list_has(inner_dims, inner_count, d)))
      merged[left++] = d;
  PjValue *source = inner ? inner->operands[0] : x;
  if (!left)
    return keep(rw, op, source);
  if (!inner && left == count)
    return false;
  PjOp *made = pj_build_op(rw, op, PJ_OP_REVERSE, 1, &source, op->results[0].type);
  pj_op_set_attr(made, PJ_KEY_dimensions, pj_attr_ints(rw->arena, left, merged));
  return keep(rw, op, &made->results[0]);
}

// Rules of slice, pad, concatenate, dynamic_slice, dynamic_update_slice.
#include "base/alloc.h"
#include "pass/shapes.h"
#include "pass/simplify.h"

static bool keep(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become(rw, op, value);
}

typedef struct Box {
  const int64_t *start, *limit, *strides;
} Box;

static Box box_of(const PjOp *slice) {
  return (Box){PJ_INTS(slice, start_indices, NULL), PJ_INTS(slice, limit_indices, NULL),
               PJ_INTS(slice, strides, NULL)};
}

static bool same_scalar(const PjValue *a, const PjValue *b) {
  int64_t x, y;
  return a == b || (pj_const_int(a, &x) && pj_const_int(b, &y) && x == y);
}

// ------------------------------------------------------------------------------------------- slice

static bool slice_of_slice(PjRewrite *rw, PjOp *op, PjOp *inner) {
  Box outer = box_of(op), in = box_of(inner);
  const PjType *type = op->results[0].type;
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK], strides[PJ_MAX_RANK];
  for (int32_t d = 0; d < type->rank; ++d) {
    if (!pj_mul_i64(in.strides[d], outer.strides[d], &strides[d]))
      return false;
    start[d] = in.start[d] + outer.start[d] * in.strides[d];
    // Just behind the last element, so that large strides do not carry it too far.
    // Nothing may start behind the end of the strided slice, and so of what it was taken from.
    if (!type->dims[d])
      start[d] = 0;
    limit[d] = type->dims[d] ? start[d] + (type->dims[d] - 1) * strides[d] + 1 : 0;
    if (type->dims[d] <= 1)
      strides[d] = 1;
  }
  return keep(rw, op, pj_build_slice(rw, op, inner->operands[0], start, limit, strides));
}

// The parts of the concatenation that the slice touches.
static bool slice_of_concatenate(PjRewrite *rw, PjOp *op, PjOp *concat) {
  Box box = box_of(op);
  enum { MAX_PARTS = 8, MAX_OPERANDS = 128 };
  int64_t dim = PJ_INT(concat, dimension), at = 0;
  int32_t rank = op->results[0].type->rank;
  PjValue *parts[MAX_PARTS];
  uint32_t count = 0, touched = 0;
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  if (concat->num_operands > MAX_OPERANDS)
    return false;
  for (uint32_t i = 0; i < concat->num_operands; ++i) {
    int64_t size = concat->operands[i]->type->dims[dim];
    touched += at < box.limit[dim] && at + size > box.start[dim];
    at += size;
  }
  if (touched == 0 || touched == concat->num_operands || touched > MAX_PARTS ||
      (touched > 1 && box.strides[dim] != 1))
    return false;
  at = 0;
  for (uint32_t i = 0; i < concat->num_operands; ++i) {
    PjValue *part = concat->operands[i];
    int64_t size = part->type->dims[dim];
    if (at < box.limit[dim] && at + size > box.start[dim]) {
      for (int32_t d = 0; d < rank; ++d) {
        start[d] = box.start[d];
        limit[d] = box.limit[d];
      }
      start[dim] = box.start[dim] > at ? box.start[dim] - at : 0;
      limit[dim] = box.limit[dim] - at < size ? box.limit[dim] - at : size;
      parts[count++] = pj_build_slice(rw, op, part, start, limit, box.strides);
    }
    at += size;
  }
  if (count == 1)
    return pj_type_eq(parts[0]->type, op->results[0].type) && keep(rw, op, parts[0]);
  PjOp *made = pj_build_op(rw, op, PJ_OP_CONCATENATE, count, parts, op->results[0].type);
  pj_op_set_attr(made, PJ_KEY_dimension, PJ_ATTR(concat, dimension));
  return keep(rw, op, &made->results[0]);
}

// Within the padded array itself.
static bool slice_of_pad(PjRewrite *rw, PjOp *op, PjOp *pad) {
  Box box = box_of(op);
  const int64_t *low = PJ_INTS(pad, edge_padding_low, NULL),
                *interior = PJ_INTS(pad, interior_padding, NULL);
  const PjType *inner = pad->operands[0]->type;
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  for (int32_t d = 0; d < inner->rank; ++d) {
    if (interior[d])
      return false;
    start[d] = box.start[d] - low[d];
    limit[d] = box.limit[d] - low[d];
    if (start[d] < 0 || limit[d] > inner->dims[d])
      return false;
  }
  return keep(rw, op, pj_build_slice(rw, op, pad->operands[0], start, limit, box.strides));
}

static bool slice_of_broadcast(PjRewrite *rw, PjOp *op, PjOp *broadcast) {
  Box box = box_of(op);
  PjValue *x = broadcast->operands[0];
  const int64_t *to = PJ_INTS(broadcast, broadcast_dimensions, NULL);
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK], strides[PJ_MAX_RANK];
  for (int32_t i = 0; i < x->type->rank; ++i) {
    bool repeated = x->type->dims[i] == 1;
    start[i] = repeated ? 0 : box.start[to[i]];
    limit[i] = repeated ? 1 : box.limit[to[i]];
    strides[i] = repeated ? 1 : box.strides[to[i]];
  }
  x = pj_build_slice(rw, op, x, start, limit, strides);
  return keep(rw, op, pj_build_broadcast(rw, op, x, to, op->results[0].type));
}

// Inside the update, or beside it, of an update at a constant place.
static bool slice_of_update(PjRewrite *rw, PjOp *op, PjOp *update) {
  Box box = box_of(op);
  PjValue *x = update->operands[0], *u = update->operands[1];
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  bool inside = true, beside = false;
  for (int32_t d = 0; d < x->type->rank; ++d) {
    int64_t at;
    if (!pj_const_int(update->operands[2 + d], &at))
      return false;
    if (at < 0 || at > x->type->dims[d] - u->type->dims[d])
      return false; // settled soon
    start[d] = box.start[d] - at;
    limit[d] = box.limit[d] - at;
    inside &= start[d] >= 0 && limit[d] <= u->type->dims[d];
    beside |= limit[d] <= 0 || start[d] >= u->type->dims[d];
  }
  if (inside)
    return keep(rw, op, pj_build_slice(rw, op, u, start, limit, box.strides));
  return beside && keep(rw, op, pj_build_slice(rw, op, x, box.start, box.limit, box.strides));
}

static bool slice_of_iota(PjRewrite *rw, PjOp *op, PjOp *iota) {
  Box box = box_of(op);
  int64_t dim = PJ_INT(iota, iota_dimension);
  if (box.start[dim] != 0 || box.strides[dim] != 1)
    return false;
  PjOp *made = pj_build_op(rw, op, PJ_OP_IOTA, 0, NULL, op->results[0].type);
  pj_op_set_attr(made, PJ_KEY_iota_dimension, PJ_ATTR(iota, iota_dimension));
  return keep(rw, op, &made->results[0]);
}

// A reshape that adds or removes dimensions of size 1 comes after the slice.
static bool slice_of_reshape(PjRewrite *rw, PjOp *op, PjOp *reshape) {
  Box box = box_of(op);
  PjValue *x = reshape->operands[0];
  int32_t map[PJ_MAX_RANK];
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK], strides[PJ_MAX_RANK];
  if (!pj_same_but_units(x->type, op->operands[0]->type, map) || !pj_count(op->results[0].type))
    return false;
  for (int32_t i = 0; i < x->type->rank; ++i) {
    start[i] = map[i] < 0 ? 0 : box.start[map[i]];
    limit[i] = map[i] < 0 ? 1 : box.limit[map[i]];
    strides[i] = map[i] < 0 ? 1 : box.strides[map[i]];
  }
  x = pj_build_slice(rw, op, x, start, limit, strides);
  return keep(rw, op, pj_build_reshape(rw, op, x, op->results[0].type));
}

static bool slice_of_transpose(PjRewrite *rw, PjOp *op) {
  PjOp *transpose = pj_turned_for_little(rw, op);
  if (!transpose)
    return false;
  Box box = box_of(op);
  const int64_t *perm = PJ_INTS(transpose, permutation, NULL);
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK], strides[PJ_MAX_RANK];
  for (int32_t d = 0; d < op->results[0].type->rank; ++d) {
    start[perm[d]] = box.start[d];
    limit[perm[d]] = box.limit[d];
    strides[perm[d]] = box.strides[d];
  }
  PjValue *x = pj_build_slice(rw, op, transpose->operands[0], start, limit, strides);
  return keep(rw, op, pj_build_transpose(rw, op, x, perm));
}

bool pj_rule_slice(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  if (pj_type_eq(x->type, op->results[0].type))
    return keep(rw, op, x);
  if (!x->def)
    return false;
  switch (x->def->kind) {
  case PJ_OP_SLICE:
    return slice_of_slice(rw, op, x->def);
  case PJ_OP_CONCATENATE:
    return slice_of_concatenate(rw, op, x->def);
  case PJ_OP_PAD:
    return slice_of_pad(rw, op, x->def);
  case PJ_OP_BROADCAST_IN_DIM:
    return slice_of_broadcast(rw, op, x->def);
  case PJ_OP_DYNAMIC_UPDATE_SLICE:
    return slice_of_update(rw, op, x->def);
  case PJ_OP_IOTA:
    return slice_of_iota(rw, op, x->def);
  case PJ_OP_RESHAPE:
    return slice_of_reshape(rw, op, x->def);
  case PJ_OP_TRANSPOSE:
    return slice_of_transpose(rw, op);
  default:
    return pj_rule_slice_of_sum(rw, op);
  }
}

// --------------------------------------------------------------------------------------------- pad

// Rows apart from one another are rows with others behind (and before) each:
//   [n, row] -> [n, 1, row] -> padded to [n, gap + 1, row] -> [n (gap + 1), row]
// What pads edges is computed with what it pads; room between elements is a routine's. Where the
// edges do not make up for the gap that the last row lacks, a slice takes away what is too much.
static bool spread_rows(PjRewrite *rw, PjOp *op) {
  enum { ROW = 16 };
  PjValue *x = op->operands[0];
  const PjType *from = x->type, *to = op->results[0].type;
  const int64_t *low = PJ_INTS(op, edge_padding_low, NULL),
                *high = PJ_INTS(op, edge_padding_high, NULL),
                *interior = PJ_INTS(op, interior_padding, NULL);
  int32_t d = 0;
  while (d < from->rank && !(interior[d] && from->dims[d] > 1))
    ++d;
  int64_t row = 1;
  for (int32_t i = d + 1; i < from->rank; ++i) {
    if (interior[i] && from->dims[i] > 1)
      return false;
    row *= to->dims[i];
  }
  if (d == from->rank || row < ROW || low[d] < 0 || high[d] < 0 || from->rank == PJ_MAX_RANK)
    return false;
  const int64_t group = interior[d] + 1, over = (group - (to->dims[d] % group)) % group;
  int64_t dims[PJ_MAX_RANK], before[PJ_MAX_RANK], behind[PJ_MAX_RANK], start[PJ_MAX_RANK] = {0};
  for (int32_t i = 0, k = 0; i < from->rank; ++i, ++k) {
    dims[k] = from->dims[i];
    before[k] = low[i];
    behind[k] = high[i];
    if (i != d)
      continue;
    before[k] = low[d] / group;
    dims[++k] = 1;
    before[k] = low[d] % group;
    behind[k] = interior[d] - before[k];
    behind[k - 1] = (to->dims[d] + over) / group - before[k - 1] - from->dims[d];
  }
  x = pj_build_reshape_dims(rw, op, x, from->rank + 1, dims);
  x = pj_build_pad(rw, op, x, op->operands[1], before, behind, NULL);
  for (int32_t i = 0; i < to->rank; ++i)
    dims[i] = to->dims[i] + (i == d ? over : 0);
  x = pj_build_reshape_dims(rw, op, x, to->rank, dims);
  return keep(rw, op, pj_build_slice(rw, op, x, start, to->dims, NULL));
}

bool pj_rule_pad(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *value = op->operands[1];
  const PjType *type = op->results[0].type;
  const int64_t *low = PJ_INTS(op, edge_padding_low, NULL),
                *high = PJ_INTS(op, edge_padding_high, NULL),
                *interior = PJ_INTS(op, interior_padding, NULL);
  bool none = true, negative = true;
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  for (int32_t d = 0; d < type->rank; ++d) {
    bool between = interior[d] && x->type->dims[d] > 1;
    none &= !low[d] && !high[d] && !between;
    negative &= low[d] <= 0 && high[d] <= 0 && !between;
    start[d] = -low[d];
    limit[d] = x->type->dims[d] + high[d];
    negative &= start[d] <= limit[d];
  }
  if (none)
    return keep(rw, op, x);
  if (!pj_count(x->type))
    return keep(rw, op, pj_build_broadcast(rw, op, value, NULL, type));
  if (negative)
    return keep(rw, op, pj_build_slice(rw, op, x, start, limit, NULL));
  return spread_rows(rw, op);
}

// ------------------------------------------------------------------------------------- concatenate

// The slice of |a|'s source that |a| and |b| are together, or NULL.
static PjValue *joined_slices(PjRewrite *rw, PjOp *op, PjValue *a, PjValue *b, int64_t dim) {
  PjOp *x = pj_def(a, PJ_OP_SLICE), *y = pj_def(b, PJ_OP_SLICE);
  if (!x || !y || x->operands[0] != y->operands[0])
    return NULL;
  Box first = box_of(x), second = box_of(y);
  int64_t limit[PJ_MAX_RANK];
  for (int32_t d = 0; d < a->type->rank; ++d) {
    limit[d] = first.limit[d];
    if (first.strides[d] != second.strides[d] ||
        (d != dim && (first.start[d] != second.start[d] || limit[d] != second.limit[d])))
      return NULL;
  }
  if (first.strides[dim] != 1 || first.limit[dim] != second.start[dim])
    return NULL;
  limit[dim] = second.limit[dim];
  return pj_build_slice(rw, op, x->operands[0], first.start, limit, first.strides);
}

// The constant of equal elements that |a| and |b| are together, or NULL.
static PjValue *joined_splats(PjRewrite *rw, PjOp *op, PjValue *a, PjValue *b, int64_t dim) {
  const PjAttr *x = pj_const_of(a), *y = pj_const_of(b);
  if (!x || !y || !pj_const_is_splat(x) || !pj_const_is_splat(y) ||
      memcmp(x->data, y->data, pj_dtype_bytes(x->type->dtype)) != 0)
    return NULL;
  int64_t dims[PJ_MAX_RANK];
  for (int32_t d = 0; d < a->type->rank; ++d)
    dims[d] = a->type->dims[d] + (d == dim ? b->type->dims[d] : 0);
  return pj_build_splat(rw, op, pj_type_with_dims(rw->arena, a->type, a->type->rank, dims),
                        x->data);
}

bool pj_rule_concatenate(PjRewrite *rw, PjOp *op) {
  enum { MAX_PARTS = 64 };
  int64_t dim = PJ_INT(op, dimension);
  PjValue *parts[MAX_PARTS];
  uint32_t count = 0;
  bool changed = false;
  if (op->num_operands == 1)
    return keep(rw, op, op->operands[0]);
  if (op->num_operands > MAX_PARTS / 2)
    return false;
  for (uint32_t i = 0; i < op->num_operands; ++i) {
    PjValue *x = op->operands[i];
    if (!x->type->dims[dim]) {
      changed = true;
      continue;
    }
    PjOp *inner = pj_def(x, PJ_OP_CONCATENATE);
    // Only what nobody else needs as a whole.
    if (inner && PJ_INT(inner, dimension) == dim && pj_rw_uses(rw, x) == 1 &&
        count + inner->num_operands + op->num_operands - i <= MAX_PARTS / 2) {
      for (uint32_t j = 0; j < inner->num_operands; ++j)
        parts[count++] = inner->operands[j];
      changed = true;
      continue;
    }
    PjValue *join = NULL;
    if (count && !(join = joined_slices(rw, op, parts[count - 1], x, dim)))
      join = joined_splats(rw, op, parts[count - 1], x, dim);
    if (join) {
      parts[count - 1] = join;
      changed = true;
    } else {
      parts[count++] = x;
    }
  }
  if (!changed || !count)
    return false;
  if (count == 1)
    return keep(rw, op, parts[0]);
  PjOp *made = pj_build_op(rw, op, PJ_OP_CONCATENATE, count, parts, op->results[0].type);
  pj_op_set_attr(made, PJ_KEY_dimension, PJ_ATTR(op, dimension));
  return keep(rw, op, &made->results[0]);
}

// ---------------------------------------------------------------------------------- dynamic slices

// Brings start |index| of a window of |size| elements in a dimension of |extent| into the form that
// the clamping gives. True if it changed.
static bool settle_start(PjRewrite *rw, PjOp *op, uint32_t index, int64_t size, int64_t extent) {
  PjValue *start = op->operands[index];
  int64_t at;
  bool known = pj_const_int(start, &at);
  if (size == extent && (!known || at != 0)) {
    pj_rw_set_operand(rw, op, index, pj_build_int(rw, op, start->type, 0));
    return true;
  }
  if (!known || (at >= 0 && at <= extent - size))
    return false;
  // U64 constants above 2^63 read as negative; they stand for the end.
  bool high = at > 0 || pj_dtype_class(start->type->dtype) == PJ_CLASS_UINT;
  int64_t settled = high ? extent - size : 0;
  PjValue *value = pj_build_int(rw, op, start->type, settled);
  if (!pj_const_int(value, &at) || at != settled)
    return false; // does not fit the type of the start
  pj_rw_set_operand(rw, op, index, value);
  return true;
}

// dynamic_slice(slice(x), i): of x itself, that much further on, where |i| is known to lie within
// the slice (its clamping does nothing): the counter of a loop, say, that takes x[1:] row by row.
// The slice then need not be in memory.
static bool window_of_slice(PjRewrite *rw, PjOp *op, PjOp *slice) {
  const PjType *part = slice->results[0].type, *whole = slice->operands[0]->type,
               *type = op->results[0].type;
  Box box = box_of(slice);
  PjValue *starts[PJ_MAX_RANK];
  for (int pass = 0; pass < 2; ++pass) // nothing is made before all is known
    for (int32_t d = 0; d < type->rank; ++d) {
      PjValue *start = op->operands[1 + d];
      PjRange range;
      starts[d] = start;
      if (part->dims[d] == whole->dims[d])
        continue;
      const int64_t last = part->dims[d] - type->dims[d];
      if (box.strides[d] != 1 || !pj_range_of(start, &range) || range.low < 0 ||
          range.high > last || pj_dtype_bits(start->type->dtype) < 32 || whole->dims[d] > INT32_MAX)
        return false;
      if (pass && box.start[d])
        starts[d] = pj_build_binary(rw, op, PJ_OP_ADD, start,
                                    pj_build_int(rw, op, start->type, box.start[d]));
    }
  return keep(rw, op, pj_build_dynamic_slice(rw, op, slice->operands[0], starts, type->dims));
}

bool pj_rule_dynamic_slice(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  const PjType *type = op->results[0].type;
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  if (pj_type_eq(x->type, type))
    return keep(rw, op, x);
  bool constant = true, changed = false;
  for (int32_t d = 0; d < type->rank; ++d) {
    changed |= settle_start(rw, op, 1 + (uint32_t)d, type->dims[d], x->type->dims[d]);
    constant &= pj_const_int(op->operands[1 + d], &start[d]);
    if (constant)
      limit[d] = start[d] + type->dims[d];
    constant = constant && start[d] >= 0 && limit[d] <= x->type->dims[d];
  }
  if (constant)
    return keep(rw, op, pj_build_slice(rw, op, x, start, limit, NULL));
  PjOp *def = x->def;
  if (!def)
    return changed;
  if (def->kind == PJ_OP_DYNAMIC_UPDATE_SLICE && pj_type_eq(def->operands[1]->type, type)) {
    bool same = true;
    for (int32_t d = 0; d < type->rank; ++d)
      same &= same_scalar(op->operands[1 + d], def->operands[2 + d]);
    if (same)
      return keep(rw, op, def->operands[1]);
  }
  if (def->kind == PJ_OP_SLICE && window_of_slice(rw, op, def))
    return true;
  if (pj_turned_for_little(rw, op)) {
    const int64_t *perm = PJ_INTS(def, permutation, NULL);
    PjValue *starts[PJ_MAX_RANK];
    int64_t sizes[PJ_MAX_RANK];
    for (int32_t d = 0; d < type->rank; ++d) {
      starts[perm[d]] = op->operands[1 + d];
      sizes[perm[d]] = type->dims[d];
    }
    PjValue *y = pj_build_dynamic_slice(rw, op, def->operands[0], starts, sizes);
    return keep(rw, op, pj_build_transpose(rw, op, y, perm));
  }
  if (def->kind == PJ_OP_BROADCAST_IN_DIM) {
    const int64_t *to = PJ_INTS(def, broadcast_dimensions, NULL);
    PjValue *y = def->operands[0], *starts[PJ_MAX_RANK];
    int64_t sizes[PJ_MAX_RANK];
    for (int32_t i = 0; i < y->type->rank; ++i) {
      if (y->type->dims[i] != x->type->dims[to[i]])
        return changed;
      starts[i] = op->operands[1 + to[i]];
      sizes[i] = type->dims[to[i]];
    }
    if (y->type->rank)
      y = pj_build_dynamic_slice(rw, op, y, starts, sizes);
    return keep(rw, op, pj_build_broadcast(rw, op, y, to, type));
  }
  // One element of 0, 1, 2 ...: the index, where that is known to be within.
  PjRange range;
  if (def->kind == PJ_OP_IOTA && type->rank == 1 && type->dims[0] == 1 &&
      pj_dtype_is_int(type->dtype) && pj_range_of(op->operands[1], &range) && range.low >= 0 &&
      range.high < x->type->dims[0]) {
    PjValue *index = op->operands[1];
    if (index->type->dtype != type->dtype)
      index = pj_build_unary(rw, op, PJ_OP_CONVERT, index,
                             pj_type_with_dtype(rw->arena, index->type, type->dtype));
    return keep(rw, op, pj_build_reshape(rw, op, index, type));
  }
  return changed;
}

// What is written into equal elements, at a place that is known, is padded with them.
static bool update_of_splat(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *update = op->operands[1];
  const void *element = pj_const_splat(x);
  int64_t low[PJ_MAX_RANK], high[PJ_MAX_RANK];
  if (!element)
    return false;
  for (int32_t d = 0; d < x->type->rank; ++d) {
    if (!pj_const_int(op->operands[2 + d], &low[d]))
      return false;
    high[d] = x->type->dims[d] - update->type->dims[d] - low[d];
    if (low[d] < 0 || high[d] < 0)
      return false; // settled soon
  }
  PjValue *value = pj_build_splat(rw, op, pj_type_with_dims(rw->arena, x->type, 0, NULL), element);
  return keep(rw, op, pj_build_pad(rw, op, update, value, low, high, NULL));
}

bool pj_rule_dynamic_update_slice(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *update = op->operands[1];
  int32_t rank = x->type->rank;
  if (pj_type_eq(x->type, update->type))
    return keep(rw, op, update);
  if (!pj_count(update->type))
    return keep(rw, op, x);
  bool changed = false;
  for (int32_t d = 0; d < rank; ++d)
    changed |= settle_start(rw, op, 2 + (uint32_t)d, update->type->dims[d], x->type->dims[d]);
  // Written again at once.
  PjOp *inner = pj_def(x, PJ_OP_DYNAMIC_UPDATE_SLICE);
  if (inner && pj_type_eq(inner->operands[1]->type, update->type)) {
    bool same = true;
    for (int32_t d = 0; d < rank; ++d)
      same &= same_scalar(op->operands[2 + d], inner->operands[2 + d]);
    if (same) {
      pj_rw_set_operand(rw, op, 0, inner->operands[0]);
      ++rw->changes;
      return true;
    }
  }
  // What is there already.
  PjOp *read = pj_def(update, PJ_OP_DYNAMIC_SLICE);
  if (read && read->operands[0] == x) {
    bool same = true;
    for (int32_t d = 0; d < rank; ++d)
      same &= same_scalar(op->operands[2 + d], read->operands[1 + d]);
    if (same)
      return keep(rw, op, x);
  }
  return changed || update_of_splat(rw, op);
}

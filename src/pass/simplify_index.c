// Rules of gather and scatter: those that touch one window, or windows in a row.
//
// The index of a gather is clamped as a dynamic_slice's is, so a gather of one window is a
// dynamic_slice. A scatter drops a window that does not lie within, so it is a
// dynamic_update_slice where that is known not to happen: for constants, loop counters (range.h).
#include "pass/body.h"
#include "pass/shapes.h"
#include "pass/simplify.h"

static bool keep(PjRewrite *rw, PjOp *op, PjValue *value) {
  return pj_rw_become(rw, op, value);
}

// Element |k| of |count| indices as a scalar.
static PjValue *index_element(PjRewrite *rw, PjOp *op, PjValue *indices, uint32_t k,
                              uint32_t count) {
  const PjType *scalar = pj_type_with_dims(rw->arena, indices->type, 0, NULL);
  const PjAttr *constant = pj_const_of(indices);
  size_t bytes = pj_dtype_bytes(scalar->dtype);
  if (constant)
    return pj_build_splat(rw, op, scalar,
                          (const char *)constant->data + (constant->splat ? 0 : k * bytes));
  while (pj_def(indices, PJ_OP_RESHAPE))
    indices = indices->def->operands[0];
  PjOp *parts = pj_def(indices, PJ_OP_CONCATENATE);
  if (parts && parts->num_operands == count)
    return pj_build_reshape(rw, op, parts->operands[k], scalar);
  if (count > 1) {
    int64_t start = k, limit = k + 1;
    indices = pj_build_reshape_dims(rw, op, indices, 1, (int64_t[]){count});
    indices = pj_build_slice(rw, op, indices, &start, &limit, NULL);
  }
  return pj_build_reshape(rw, op, indices, scalar);
}

// The start of the only window along each dimension of |x|, as scalars.
static void window_starts(PjRewrite *rw, PjOp *op, const PjType *x, PjValue *indices,
                          const int64_t *map, uint32_t num_map, PjValue **starts) {
  PjValue *zero = NULL;
  for (int32_t d = 0; d < x->rank; ++d)
    starts[d] = NULL;
  for (uint32_t k = 0; k < num_map; ++k)
    starts[map[k]] = index_element(rw, op, indices, k, num_map);
  for (int32_t d = 0; d < x->rank; ++d) {
    if (starts[d])
      continue;
    if (!zero)
      zero = pj_build_int(rw, op, starts[map[0]]->type, 0);
    starts[d] = zero;
  }
}

// ------------------------------------------------------------------------------------------ gather

typedef struct Progression {
  int64_t start, step, count;
} Progression;

// Integers start, start + step, ... in row-major order.
static bool match_progression(PjRewrite *rw, const PjValue *value, Progression *out) {
  enum { MAX_CONSTANT = 4096 };
  int64_t add = 0;
  for (int depth = 0; depth < 4 && value->def; ++depth) {
    const PjOp *def = value->def;
    int64_t c;
    if (def->kind == PJ_OP_RESHAPE) {
      value = def->operands[0];
    } else if (def->kind == PJ_OP_ADD && pj_const_int(def->operands[1], &c) && c >= 0 &&
               c < INT32_MAX && add < INT32_MAX) {
      add += c;
      value = def->operands[0];
    } else {
      break;
    }
  }
  if (!pj_is_int(value) || !value->def)
    return false;
  out->count = pj_count(value->type);
  if (value->def->kind == PJ_OP_IOTA) {
    int64_t dim = PJ_INT(value->def, iota_dimension);
    PjRange limits;
    out->start = add;
    out->step = 1;
    // The sums must not wrap around.
    return out->count == value->type->dims[dim] && pj_dtype_bits(value->type->dtype) >= 16 &&
           pj_range_of(value, &limits) && limits.high + add <= INT16_MAX;
  }
  const PjAttr *attr = pj_const_of(value);
  int64_t elements[MAX_CONSTANT];
  uint32_t count;
  if (!attr || add || out->count < 2 || out->count > MAX_CONSTANT || attr->splat)
    return false;
  PjValue flat = *value;
  const PjType line = {
      .kind = PJ_TYPE_TENSOR, .dtype = value->type->dtype, .rank = 1, .dims = &out->count};
  flat.type = &line;
  if (!pj_const_ints(&flat, MAX_CONSTANT, elements, &count))
    return false;
  out->start = elements[0];
  out->step = elements[1] - elements[0];
  for (uint32_t i = 1; i < count; ++i)
    if (elements[i] - elements[i - 1] != out->step)
      return false;
  return out->step > 0;
}

// gather(x, [a, a + s, a + 2s ...]) along one dimension: a slice.
static bool gather_of_progression(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *indices = op->operands[1];
  const PjType *type = op->results[0].type;
  uint32_t num_map, num_offset, num_collapsed, num_batching;
  const int64_t *map = PJ_INTS(op, start_index_map, &num_map),
                *offset = PJ_INTS(op, offset_dims, &num_offset),
                *collapsed = PJ_INTS(op, collapsed_slice_dims, &num_collapsed),
                *sizes = PJ_INTS(op, slice_sizes, NULL);
  PJ_INTS(op, operand_batching_dims, &num_batching);
  Progression p;
  if (num_map != 1 || num_collapsed != 1 || collapsed[0] != map[0] || num_batching ||
      !match_progression(rw, indices, &p))
    return false;
  int64_t dim = map[0], last = p.start + (p.count - 1) * p.step;
  if (p.start < 0 || last >= x->type->dims[dim])
    return false;
  // Result: offset dimensions, dimensions of the indices all in one place, offset dimensions.
  int32_t before = 0, rank = x->type->rank;
  uint32_t batch_dims = (uint32_t)type->rank - num_offset;
  while (before < type->rank && pj_list_has(offset, num_offset, before))
    ++before;
  for (uint32_t i = 0; i < batch_dims; ++i)
    if (pj_list_has(offset, num_offset, before + (int32_t)i))
      return false;
  int64_t start[PJ_MAX_RANK], limit[PJ_MAX_RANK], strides[PJ_MAX_RANK], perm[PJ_MAX_RANK];
  int32_t at = 0;
  for (int32_t d = 0; d < rank; ++d) {
    start[d] = d == dim ? p.start : 0;
    limit[d] = d == dim ? last + 1 : sizes[d];
    strides[d] = d == dim ? p.step : 1;
    if (d == dim)
      continue;
    if (at == before)
      perm[at++] = dim;
    perm[at++] = d;
  }
  if (at == before)
    perm[at++] = dim;
  PjValue *y = pj_build_slice(rw, op, x, start, limit, strides);
  return keep(rw, op, pj_build_reshape(rw, op, pj_build_transpose(rw, op, y, perm), type));
}

// A few columns of a transposed array are rows of what it was, that are turned then.
static bool gather_of_transpose(PjRewrite *rw, PjOp *op) {
  PjOp *transpose = pj_turned_for_little(rw, op);
  uint32_t num_map, num_offset, num_collapsed, num_batching;
  const int64_t *map = PJ_INTS(op, start_index_map, &num_map),
                *offset = PJ_INTS(op, offset_dims, &num_offset),
                *collapsed = PJ_INTS(op, collapsed_slice_dims, &num_collapsed),
                *sizes = PJ_INTS(op, slice_sizes, NULL);
  PJ_INTS(op, operand_batching_dims, &num_batching);
  if (!transpose || num_map != 1 || num_collapsed != 1 || collapsed[0] != map[0] || num_batching)
    return false;
  const PjType *type = op->results[0].type;
  const int64_t *turn = PJ_INTS(transpose, permutation, NULL), dim = turn[map[0]];
  int64_t dims[PJ_MAX_RANK], perm[PJ_MAX_RANK], places[PJ_MAX_RANK], from[PJ_MAX_RANK];
  int32_t rank = type->rank, batch = 0;
  // First dimensions of the indices, then those of the operand in its order.
  for (int32_t i = 0; i < rank; ++i)
    if (!pj_list_has(offset, num_offset, i)) {
      dims[batch] = type->dims[i];
      perm[i] = batch++;
    }
  for (uint32_t k = 0, d = 0; k < num_offset; ++k, ++d) {
    d += d == (uint32_t)map[0];
    const int64_t at = batch + turn[d] - (turn[d] > dim);
    dims[at] = sizes[d];
    perm[offset[k]] = at;
    places[k] = batch + (int64_t)k;
  }
  for (int32_t d = 0; d < (int32_t)num_offset + 1; ++d)
    from[turn[d]] = sizes[d];
  PjValue *operands[] = {transpose->operands[0], op->operands[1]};
  PjValue *y = pj_build_like(rw, op, op, operands, pj_type_with_dims(rw->arena, type, rank, dims));
  pj_op_set_attr(y->def, PJ_KEY_offset_dims, pj_attr_ints(rw->arena, num_offset, places));
  pj_op_set_attr(y->def, PJ_KEY_collapsed_slice_dims, pj_attr_ints(rw->arena, 1, &dim));
  pj_op_set_attr(y->def, PJ_KEY_start_index_map, pj_attr_ints(rw->arena, 1, &dim));
  pj_op_set_attr(y->def, PJ_KEY_slice_sizes, pj_attr_ints(rw->arena, num_offset + 1, from));
  return keep(rw, op, pj_build_transpose(rw, op, y, perm));
}

// Without indices, every window begins where the operand does.
static bool gather_of_first(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0];
  uint32_t num_collapsed, num_batching;
  const int64_t *collapsed = PJ_INTS(op, collapsed_slice_dims, &num_collapsed),
                *sizes = PJ_INTS(op, slice_sizes, NULL);
  PJ_INTS(op, operand_batching_dims, &num_batching);
  if (num_batching)
    return false;
  int64_t start[PJ_MAX_RANK] = {0}, dims[PJ_MAX_RANK];
  int32_t rank = 0;
  for (int32_t d = 0; d < x->type->rank; ++d)
    if (!pj_list_has(collapsed, num_collapsed, d))
      dims[rank++] = sizes[d];
  x = pj_build_slice(rw, op, x, start, sizes, NULL);
  x = pj_build_reshape_dims(rw, op, x, rank, dims);
  return keep(rw, op,
              pj_build_broadcast(rw, op, x, PJ_INTS(op, offset_dims, NULL), op->results[0].type));
}

bool pj_rule_gather(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *indices = op->operands[1], *starts[PJ_MAX_RANK];
  uint32_t num_map;
  const int64_t *map = PJ_INTS(op, start_index_map, &num_map);
  if (!num_map)
    return gather_of_first(rw, op);
  if (!pj_is_int(indices))
    return false;
  if (pj_count(indices->type) != num_map)
    return gather_of_progression(rw, op) || gather_of_transpose(rw, op) || pj_rule_lookup(rw, op);
  window_starts(rw, op, x->type, indices, map, num_map, starts);
  PjValue *y = pj_build_dynamic_slice(rw, op, x, starts, PJ_INTS(op, slice_sizes, NULL));
  return keep(rw, op, pj_build_reshape(rw, op, y, op->results[0].type));
}

// ----------------------------------------------------------------------------------------- scatter

// 1: the window that begins at |starts| lies within |x|; 0: it does not; -1: not known.
static int lies_within(PjRewrite *rw, const PjType *x, const int64_t *window,
                       PjValue *const *starts) {
  int result = 1;
  for (int32_t d = 0; d < x->rank; ++d) {
    PjRange range;
    if (!pj_range_of(starts[d], &range))
      return -1;
    if (range.high < 0 || range.low > x->dims[d] - window[d])
      return 0;
    if (range.low < 0 || range.high > x->dims[d] - window[d])
      result = -1;
  }
  return result;
}

// The body of |op| on the elements |old| of the operand and those of the update |u|.
static PjValue *combined(PjRewrite *rw, PjOp *op, PjValue *old, PjValue *u) {
  const PjRegion *body = &op->regions[0];
  int returned = pj_region_argument(body);
  PjValue *args[] = {old, u}, *result;
  if (returned >= 0)
    return args[returned];
  pj_region_spread(rw, op, body, args, &result);
  return result;
}

// scatter(x, [a, a + 1, a + 2 ...], u) along one dimension, all of it within: an update of one
// slice.
static bool scatter_of_progression(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *indices = op->operands[1], *update = op->operands[2];
  uint32_t num_map, num_window, num_inserted, num_batching;
  const int64_t *map = PJ_INTS(op, scatter_dims_to_operand_dims, &num_map),
                *window_dims = PJ_INTS(op, update_window_dims, &num_window),
                *inserted = PJ_INTS(op, inserted_window_dims, &num_inserted);
  PJ_INTS(op, input_batching_dims, &num_batching);
  Progression p;
  int32_t rank = x->type->rank, before = 0;
  if (num_map != 1 || num_inserted != 1 || inserted[0] != map[0] || num_batching ||
      !match_progression(rw, indices, &p) || p.step != 1 || p.start < 0 ||
      p.start + p.count > x->type->dims[map[0]])
    return false;
  // Dimensions of the update: window, those of the indices all in one place, window.
  int32_t batch = update->type->rank - (int32_t)num_window;
  while (before < update->type->rank && pj_list_has(window_dims, num_window, before))
    ++before;
  for (int32_t i = 0; i < batch; ++i)
    if (pj_list_has(window_dims, num_window, before + i))
      return false;
  int64_t shape[PJ_MAX_RANK], perm[PJ_MAX_RANK], start[PJ_MAX_RANK], limit[PJ_MAX_RANK];
  int32_t count = 0;
  for (int32_t i = 0; i < update->type->rank; ++i)
    if (i < before || i >= before + batch)
      shape[count++] = update->type->dims[i];
    else if (i == before)
      shape[count++] = p.count;
  for (int32_t d = 0, w = 0; d < rank; ++d) {
    perm[d] = d == map[0] ? before : w < before ? w : w + 1;
    w += d != map[0];
    start[d] = d == map[0] ? p.start : 0;
    limit[d] = start[d] + shape[perm[d]];
  }
  PjValue *u = pj_build_reshape_dims(rw, op, update, rank, shape);
  u = pj_build_transpose(rw, op, u, perm);
  u = combined(rw, op, pj_build_slice(rw, op, x, start, limit, NULL), u);
  PjValue *starts[PJ_MAX_RANK];
  const PjType *scalar = pj_type_tensor(rw->arena, PJ_DT_S64, 0, NULL);
  for (int32_t d = 0; d < rank; ++d)
    starts[d] = pj_build_int(rw, op, scalar, start[d]);
  return keep(rw, op, pj_build_dynamic_update_slice(rw, op, x, u, starts));
}

// Whether all types are one, and the body can be applied to arrays.
static bool combines(const PjOp *op) {
  enum { MAX_BODY = 16 };
  const PjRegion *body = &op->regions[0];
  const PjDtype dtype = op->operands[0]->type->dtype;
  return op->operands[2]->type->dtype == dtype && op->results[0].type->dtype == dtype &&
         body->args[0].type->dtype == dtype && body->args[1].type->dtype == dtype &&
         (pj_region_argument(body) >= 0 || pj_region_spreads(body, MAX_BODY));
}

// Without indices, the only window begins where the operand does: a mask is added, say, to all of
// it.
static bool scatter_of_all(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *update = op->operands[2];
  uint32_t num_window;
  PJ_INTS(op, update_window_dims, &num_window);
  return pj_type_eq(x->type, update->type) && num_window == (uint32_t)x->type->rank &&
         combines(op) && keep(rw, op, combined(rw, op, x, update));
}

static bool scatter_as_update(PjRewrite *rw, PjOp *op) {
  PjValue *x = op->operands[0], *indices = op->operands[1], *update = op->operands[2];
  uint32_t num_map, num_inserted, num_batching, num_window;
  const int64_t *map = PJ_INTS(op, scatter_dims_to_operand_dims, &num_map),
                *inserted = PJ_INTS(op, inserted_window_dims, &num_inserted),
                *batching = PJ_INTS(op, input_batching_dims, &num_batching),
                *window_dims = PJ_INTS(op, update_window_dims, &num_window);
  if (!combines(op))
    return false;
  if (pj_count(indices->type) != num_map)
    return scatter_of_progression(rw, op);
  int64_t window[PJ_MAX_RANK];
  uint32_t next = 0;
  for (int32_t d = 0; d < x->type->rank; ++d)
    window[d] = pj_list_has(inserted, num_inserted, d) || pj_list_has(batching, num_batching, d)
                    ? 1
                    : update->type->dims[window_dims[next++]];
  // The starts are made to be looked at, and are dead if that was for nothing; so first a look at
  // whether they can be known at all.
  PjRange range;
  if (!pj_range_of(indices, &range) ||
      (range.low == INT64_MIN || range.high >= INT32_MAX || range.low <= INT32_MIN))
    return false;
  PjValue *starts[PJ_MAX_RANK];
  window_starts(rw, op, x->type, indices, map, num_map, starts);
  int within = lies_within(rw, x->type, window, starts);
  if (within == 0)
    return keep(rw, op, x);
  if (within < 0)
    return false;
  PjValue *u = pj_build_reshape_dims(rw, op, update, x->type->rank, window);
  u = combined(rw, op, pj_build_dynamic_slice(rw, op, x, starts, window), u);
  return keep(rw, op, pj_build_dynamic_update_slice(rw, op, x, u, starts));
}

bool pj_rule_scatter(PjRewrite *rw, PjOp *op) {
  if (op->num_operands != 3)
    return false;
  uint32_t num_map;
  PJ_INTS(op, scatter_dims_to_operand_dims, &num_map);
  if (!pj_count(op->operands[2]->type) || !pj_count(op->operands[0]->type))
    return keep(rw, op, op->operands[0]);
  if (!num_map)
    return scatter_of_all(rw, op);
  if (!pj_is_int(op->operands[1]))
    return false;
  return scatter_as_update(rw, op) || pj_rule_scatter_places(rw, op);
}

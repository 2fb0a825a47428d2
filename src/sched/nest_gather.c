// gather inside a kernel: an element of the operand at an index that was read from an array.
//
// Result dimensions are those of the index array (batch) and those of the slices (offset). An index
// is clamped so that its slice lies inside the operand. Slices that are read whole along the
// innermost dimensions stay contiguous, and so does a part of the dimension before these. Where a
// little is read of what is computed, only that is computed: a row's logarithm of a probability, at
// its label.
#include "eval/structure.h"
#include "kernel/kir_range.h"
#include "sched/nest_parts.h"
#include "sched/shape_map.h"

typedef struct Gather {
  uint32_t num_offset, num_collapsed, num_batching, num_mapped;
  const int64_t *offset, *collapsed, *batching, *index_batching, *map, *sizes;
  int64_t vector_dim;
  int8_t of_operand[PJ_MAX_LOOP_RANK]; // result dimension of an operand's dimension, or -1
  int8_t of_indices[PJ_MAX_LOOP_RANK]; // of an index array's
  int8_t start[PJ_MAX_LOOP_RANK];      // which element of the index vector places an operand's
                                       // dimension, or -1
} Gather;

static void read_gather(const PjOp *op, Gather *g) {
  const PjType *from = op->operands[0]->type, *indices = op->operands[1]->type,
               *to = op->results[0].type;
  g->offset = PJ_INTS(op, offset_dims, &g->num_offset);
  g->collapsed = PJ_INTS(op, collapsed_slice_dims, &g->num_collapsed);
  g->batching = PJ_INTS(op, operand_batching_dims, &g->num_batching);
  g->index_batching = PJ_INTS(op, start_indices_batching_dims, NULL);
  g->map = PJ_INTS(op, start_index_map, &g->num_mapped);
  g->sizes = PJ_INTS(op, slice_sizes, NULL);
  g->vector_dim = PJ_INT(op, index_vector_dim);
  uint32_t next = 0;
  for (int d = 0; d < from->rank; d++) {
    bool dropped = pj_contains(g->collapsed, g->num_collapsed, d) ||
                   pj_contains(g->batching, g->num_batching, d);
    g->of_operand[d] = dropped ? -1 : (int8_t)g->offset[next++];
    g->start[d] = -1;
  }
  for (uint32_t i = 0; i < g->num_mapped; i++)
    if (from->dims[g->map[i]] > g->sizes[g->map[i]]) // else it lies at 0, whatever the index
      g->start[g->map[i]] = (int8_t)i;
  int r = 0;
  for (int d = 0; d < indices->rank; d++) {
    if (d == g->vector_dim) {
      g->of_indices[d] = -1;
      continue;
    }
    while (r < to->rank && pj_contains(g->offset, g->num_offset, r))
      r++;
    g->of_indices[d] = (int8_t)r++;
  }
}

static bool batched(const Gather *g,
                    int d) { // an index array's dimension that is also an operand's
  return pj_contains(g->index_batching, g->num_batching, d);
}

// Whether dimensions |d| and |e| of the index array, neither of size 1, are one run in it and in
// the result.
static bool runs_on(const Gather *g, const PjType *indices, const int64_t *pos, const PjType *to,
                    const int64_t *out, int d, int e) {
  const int r = g->of_indices[d], q = g->of_indices[e];
  return pos[d] == pos[e] * indices->dims[e] && out[r] == out[q] * to->dims[q] && !batched(g, d) &&
         !batched(g, e);
}

// The cuts that batch dimensions need by themselves, and for the index array's own cuts, |inner|.
static bool batch_cuts(const PjOp *op, const Gather *g, const PjCuts *inner, PjCuts *cuts) {
  const PjType *indices = op->operands[1]->type, *to = op->results[0].type;
  int64_t out[PJ_MAX_RANK], pos[PJ_MAX_RANK], count = pj_count(to);
  pj_shape_strides(to, out);
  pj_shape_strides(indices, pos);
  int above = -1; // the last one that was seen
  for (int d = 0; d < indices->rank; d++) {
    int r = g->of_indices[d];
    if (r < 0 || to->dims[r] == 1)
      continue;
    if (above < 0 || !runs_on(g, indices, pos, to, out, above, d)) {
      if (!pj_cuts_add(cuts, out[r] * to->dims[r], count) ||
          (above >= 0 && !pj_cuts_add(cuts, out[g->of_indices[above]], count)))
        return false;
    }
    above = d;
  }
  if (above >= 0 && !pj_cuts_add(cuts, out[g->of_indices[above]], count))
    return false;
  for (int i = 0; i < inner->n; i++) {
    int d = pj_dim_at(indices, pos, inner->at[i]);
    if (d < 0 || d == g->vector_dim) // which element of a vector is a piece by itself
      continue;
    if (inner->at[i] % pos[d] ||
        !pj_cuts_add(cuts, out[g->of_indices[d]] * (inner->at[i] / pos[d]), count))
      return false;
  }
  return true;
}

enum {
  FEW = 4, // how many times as large as the result what is computed at several indices must be
  FLAT_DEPTH = 6,
};

// The cuts that those of the operand, |inner|, need. A dimension that indices place is a piece by
// itself.
static bool operand_cuts(const PjOp *op, const Gather *g, const PjCuts *inner, PjCuts *cuts) {
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  int64_t in[PJ_MAX_RANK], out[PJ_MAX_RANK], count = pj_count(to);
  if (inner->n && count > pj_count(from) / FEW)
    return false;
  pj_shape_strides(from, in);
  pj_shape_strides(to, out);
  for (int i = 0; i < inner->n; i++) {
    const int64_t cut = inner->at[i];
    const int d = pj_dim_at(from, in, cut), r = d < 0 ? -1 : g->of_operand[d];
    if (d < 0 || cut % in[d])
      return false;
    if (r >= 0 && g->start[d] < 0 && from->dims[d] == to->dims[r]) {
      if (!pj_cuts_add(cuts, out[r] * (cut / in[d]), count))
        return false;
    } else if (cut != in[d])
      return false;
  }
  return true;
}

// Whether the result's dimensions from |r| on are the operand's last ones, all of them.
static bool is_whole(const Gather *g, const PjType *from, const PjType *to, int r) {
  if (from->rank < to->rank - r)
    return false;
  for (int i = r; i < to->rank; i++) {
    const int e = from->rank - (to->rank - i);
    if (g->of_operand[e] != i || g->start[e] >= 0 || from->dims[e] != to->dims[i])
      return false;
  }
  return true;
}

bool pj_gather_cuts(const PjOp *op, uint32_t operand, const PjCuts *inner, PjCuts *cuts) {
  const PjType *from = op->operands[0]->type, *to = op->results[0].type;
  const PjCuts none = {0};
  int64_t out[PJ_MAX_RANK], count = pj_count(to);
  Gather g;
  read_gather(op, &g);
  pj_shape_strides(to, out);
  if (!batch_cuts(op, &g, operand == 1 ? inner : &none, cuts) ||
      (operand == 0 && !operand_cuts(op, &g, inner, cuts)))
    return false;
  for (int r = 0; r < to->rank; r++) {
    if (to->dims[r] == 1 || !pj_contains(g.offset, g.num_offset, r))
      continue;
    if (!pj_cuts_add(cuts, out[r] * to->dims[r], count))
      return false;
    // Whole slices along the last dimensions of both are one run, and so are these and a part of
    // the dimension before, unless what is read there must tell them apart.
    if (is_whole(&g, from, to, r))
      return true;
    const int d = from->rank - (to->rank - r);
    bool joined = d >= 0 && g.of_operand[d] == r && out[r] > 1 && is_whole(&g, from, to, r + 1);
    for (int i = 0; operand == 0 && i < inner->n; i++)
      joined = joined && inner->at[i] >= out[r] * from->dims[d];
    if (joined)
      return true;
    if (!pj_cuts_add(cuts, out[r], count))
      return false;
  }
  return true;
}

// Whether the type that indices were widened from holds no number above |last|: a table of 256,
// read by bytes.
static bool within(const PjValue *indices, int64_t last) {
  for (int steps = 0; steps < 8; steps++) {
    const PjDtype dtype = indices->type->dtype;
    const unsigned bits = pj_dtype_bits(dtype);
    if (pj_dtype_class(dtype) == PJ_CLASS_UINT && bits < 32 && (int64_t)(1ull << bits) - 1 <= last)
      return true;
    const PjOp *def = indices->def;
    if (!def || (def->kind != PJ_OP_CONVERT && def->kind != PJ_OP_RESHAPE))
      return false;
    indices = def->operands[0];
    if (!pj_dtype_is_int(indices->type->dtype) || pj_dtype_bits(indices->type->dtype) > bits ||
        (pj_dtype_bits(indices->type->dtype) == bits && def->kind == PJ_OP_CONVERT))
      return false;
  }
  return false;
}

// An element |x| of |indices| brought into [0, last]: in 32 bits, which machines compare, where
// these hold it, else as i64.
static PjKirVal clamped(PjNest *nest, PjKirVal x, const PjValue *indices, int64_t last) {
  const PjDtype dtype = indices->type->dtype;
  PjKir *k = nest->ix.k;
  bool is_signed = pj_dtype_class(dtype) == PJ_CLASS_SINT;
  unsigned bits = pj_dtype_bits(dtype);
  bool narrow = bits <= 32 && last <= INT32_MAX;
  PjKirElem elem = narrow ? PJ_KIR_I32 : PJ_KIR_I64;
  if (pj_kir_typeof(k, x).elem != elem)
    x = pj_kir_cast(k, is_signed ? PJ_KIR_SEXT : PJ_KIR_ZEXT, elem, x);
  const PjKirRange known = pj_kir_range(k, x);
  if (within(indices, last) || (known.known && known.lo >= 0 && known.hi <= last))
    return x;
  int lanes = pj_kir_typeof(k, x).lanes;
  PjKirVal limit = pj_ix_number(&nest->ix, last);
  if (narrow)
    limit = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, limit);
  limit = pj_kir_splat(k, limit, lanes);
  if (!is_signed)
    x = pj_kir_2(k, PJ_KIR_UMIN, x, limit);
  else
    x = pj_kir_2(k, PJ_KIR_SMIN,
                 pj_kir_2(k, PJ_KIR_SMAX, x, pj_kir_const(k, pj_kir_type(elem, lanes), 0)), limit);
  return x;
}

// Indices of neighbouring dimensions, which become one piece while 32 bits hold it: half the
// vectors that 64 would take.
typedef struct Joined {
  PjKirVal x; // 0: none
  int64_t pos, extent;
} Joined;

static void joined_end(PjNest *nest, Joined *j, PjIndex *result) {
  PjKir *k = nest->ix.k;
  if (!j->x)
    return;
  if (pj_kir_typeof(k, j->x).elem != PJ_KIR_I64)
    j->x = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, j->x);
  result->p[result->n++] = (PjPiece){j->pos, j->extent, pj_ix_from(&nest->ix, j->x)};
  *j = (Joined){0};
}

// Index |x| along the dimension of |size| at |pos|.
static void joined_add(PjNest *nest, Joined *j, PjKirVal x, int64_t pos, int64_t size,
                       PjIndex *result) {
  PjKir *k = nest->ix.k;
  if (j->x && (j->pos != pos * size || j->extent > INT32_MAX / size ||
               pj_kir_typeof(k, x).elem == PJ_KIR_I64 || pj_kir_typeof(k, j->x).elem == PJ_KIR_I64))
    joined_end(nest, j, result);
  if (!j->x) {
    *j = (Joined){x, pos, size};
    return;
  }
  PjKirVal times = pj_kir_cast(k, PJ_KIR_TRUNC, PJ_KIR_I32, pj_ix_number(&nest->ix, size));
  const int lanes = pj_kir_typeof(k, x).lanes, lanes_of_j = pj_kir_typeof(k, j->x).lanes;
  const int wide = lanes > lanes_of_j ? lanes : lanes_of_j; // an index may be the same in all lanes
  x = pj_kir_add(k, pj_kir_splat(k, x, wide),
                 pj_kir_mul(k, pj_kir_splat(k, j->x, wide), pj_kir_splat(k, times, wide)));
  *j = (Joined){x, pos, j->extent * size};
}

// Whether elements of |value| are computed from ones at the same place of arrays in memory.
static bool lies_flat(PjNest *nest, const PjValue *value, int depth) {
  const PjOp *def = value->def;
  if (pj_nest_place(nest, value) || value->type->rank == 0)
    return true;
  if (!def || depth == 0)
    return false;
  if (def->kind == PJ_OP_CONSTANT)
    return true;
  bool flat = pj_op_keeps_order(def) || pj_elem_is(def);
  for (uint32_t i = 0; flat && i < def->num_operands; i++)
    flat = lies_flat(nest, def->operands[i], depth - 1);
  return flat;
}

PjElem pj_gather_value(PjNest *nest, const PjOp *op, const PjIndex *index, PjKirVal mask) {
  const PjType *from = op->operands[0]->type, *indices = op->operands[1]->type,
               *to = op->results[0].type;
  Gather g;
  int64_t in[PJ_MAX_RANK], out[PJ_MAX_RANK], pos[PJ_MAX_RANK];
  read_gather(op, &g);
  pj_shape_strides(from, in);
  pj_shape_strides(to, out);
  pj_shape_strides(indices, pos);
  PjIndex batch = {0}, result = {0};
  for (int i = 0; i < index->n; i++) {
    const PjPiece *p = &index->p[i];
    int r = pj_dim_counted(to, out, p->pos);
    for (int d = 0; d < indices->rank && r >= 0; d++)
      if (g.of_indices[d] == r)
        batch.p[batch.n++] = (PjPiece){pos[d] * (p->pos / out[r]), p->extent, p->ix};
  }
  Joined joined = {0};
  const bool flat = lies_flat(nest, op->operands[0], FLAT_DEPTH);
  int vector_piece = batch.n;
  bool vector = g.vector_dim < indices->rank && indices->dims[g.vector_dim] > 1;
  int64_t below = 1; // what of the index belongs to a dimension that is one with those behind it
  for (int d = 0; d < from->rank; d++) {
    int r = g.of_operand[d];
    // Runs of whole dimensions are one piece of the index: take each piece where its position lies.
    if (r >= 0 && g.start[d] < 0 && from->dims[d] == to->dims[r]) {
      for (int i = 0; i < index->n; i++)
        if (index->p[i].pos >= below && pj_dim_at(to, out, index->p[i].pos) == r)
          result.p[result.n++] =
              (PjPiece){in[d] * (index->p[i].pos / out[r]), index->p[i].extent, index->p[i].ix};
      continue;
    }
    bool single = r < 0; // nothing but the index says where
    PjSpan span = {{0}, 1};
    if (r >= 0)
      span = pj_nest_span(nest, index, out[r], to->dims[r]);
    if (span.times > 1)
      below = out[r] * to->dims[r];
    PjIx ix = span.ix;
    for (uint32_t b = 0; b < g.num_batching; b++)
      if (g.batching[b] == d) {
        int at = g.of_indices[g.index_batching[b]];
        single = false;
        ix = pj_ix_add(&nest->ix, ix, pj_nest_dim_index(nest, index, out[at], to->dims[at]));
      }
    if (g.start[d] >= 0) {
      PjIndex where = batch;
      if (vector) {
        where.n = vector_piece + 1;
        where.p[vector_piece] = (PjPiece){pos[g.vector_dim], indices->dims[g.vector_dim],
                                          pj_ix_uniform(pj_ix_number(&nest->ix, g.start[d]))};
      }
      PjKirVal x = pj_nest_value(nest, op->operands[1], &where, mask).re;
      x = clamped(nest, x, op->operands[1], from->dims[d] - g.sizes[d]);
      if (single) {
        joined_add(nest, &joined, x, in[d], from->dims[d], &result);
        if (!flat)
          joined_end(nest, &joined, &result);
        continue;
      }
      if (pj_kir_typeof(nest->ix.k, x).elem != PJ_KIR_I64)
        x = pj_kir_cast(nest->ix.k, PJ_KIR_ZEXT, PJ_KIR_I64, x);
      PjIx start = pj_ix_scale(&nest->ix, pj_ix_from(&nest->ix, x), span.times);
      ix = pj_ix_add(&nest->ix, ix, start);
    }
    if (from->dims[d] > 1)
      result.p[result.n++] = (PjPiece){in[d] / span.times, from->dims[d] * span.times, ix};
  }
  joined_end(nest, &joined, &result);
  return pj_nest_value(nest, op->operands[0], &result, mask);
}

#include "kernel/kir_range.h"
#include "sched/emit_loops.h"
#include "sched/shape_map.h"

void pj_emit_lanes(PjEmit *e, int lanes) {
  e->nest->ix.lanes = lanes;
  pj_nest_forget(e->nest);
}

PjKirVal pj_emit_whole(PjEmit *e, PjKirVal begin, PjKirVal end, int lanes) {
  PjKirVal length = pj_kir_sub(e->k, end, begin);
  return pj_kir_add(e->k, begin, pj_kir_and(e->k, length, pj_kir_i64(e->k, -(int64_t)lanes)));
}

PjKirVal pj_emit_mask(PjEmit *e, int lanes, PjKirVal left) {
  PjKirElem elem = pj_ix_narrow(e->k->target, lanes);
  left = pj_kir_cast(e->k, PJ_KIR_TRUNC, elem, left);
  return e->nest->some = pj_kir_slt(e->k, pj_kir_iota(e->k, pj_kir_type(elem, lanes)), left);
}

PjKirVal pj_emit_lanes_from(PjEmit *e, int lanes, PjKirVal first) {
  PjKirElem elem = pj_ix_narrow(e->k->target, lanes);
  first = pj_kir_cast(e->k, PJ_KIR_TRUNC, elem, first);
  return pj_kir_2(e->k, PJ_KIR_SLE, first, pj_kir_iota(e->k, pj_kir_type(elem, lanes)));
}

void pj_emit_outer(PjEmit *e, PjKirVal flat, const PjLoop *loops, int num_loops, PjIndex *index) {
  PjIx found[PJ_MAX_PIECES];
  int left = 0;
  for (int i = 0; i < num_loops; i++)
    left += !loops[i].inner;
  for (int i = num_loops; i-- > 0;) {
    if (loops[i].inner)
      continue;
    if (--left == 0) {
      found[i] = pj_ix_uniform(flat);
      break;
    }
    PjKirVal extent = pj_ix_number(&e->nest->ix, loops[i].extent);
    // One division for both: the remainder is what the quotient leaves.
    PjKirVal quotient = pj_kir_2(e->k, PJ_KIR_UDIV, flat, extent);
    found[i] = pj_ix_uniform(pj_kir_sub(e->k, flat, pj_kir_mul(e->k, quotient, extent)));
    flat = quotient;
  }
  for (int i = 0; i < num_loops; i++)
    if (!loops[i].inner)
      index->p[index->n++] = (PjPiece){loops[i].pos, loops[i].extent, found[i]};
}

PjIndex pj_emit_kept(const PjGroup *group, const PjIndex *index) {
  PjIndex kept = {0};
  for (int i = 0; i < group->num_loops; i++) {
    const PjLoop *loop = &group->loops[i];
    for (int j = 0; !loop->inner && j < index->n; j++)
      if (index->p[j].pos == loop->pos)
        kept.p[kept.n++] = (PjPiece){loop->out_pos, loop->extent, index->p[j].ix};
  }
  return kept;
}

void pj_emit_store(PjEmit *e, uint32_t root, uint32_t result, PjDtype dtype, PjIx at, PjElem value,
                   PjKirVal mask) {
  const PjRootBuffers *out = &e->out[root];
  e->k->past = out->past && !mask;
  pj_nest_store(e->nest, dtype, out->ptr[result], out->alias[result], at, value, mask);
  e->k->past = false;
}

int64_t pj_emit_trips(PjEmit *e, PjKirVal begin, PjKirVal end, int64_t step, int64_t limit) {
  uint64_t b, f;
  if (!pj_kir_is_const(e->k, begin, &b) || !pj_kir_is_const(e->k, end, &f))
    return -1;
  if (!e->nest->ix.literal && !e->group->written)
    limit = 1;
  int64_t length = (int64_t)f - (int64_t)b, trips = length <= 0 ? 0 : (length + step - 1) / step;
  return trips <= limit ? trips : -1;
}

// Where an update (an index of the domain, its operand 1) goes in the array that it changes.
static PjIx update_offset(PjEmit *e, const PjOp *op, const PjIndex *index) {
  const PjType *whole = op->operands[0]->type, *part = op->operands[1]->type;
  int64_t to[PJ_MAX_RANK], from[PJ_MAX_RANK];
  PjIxBuilder *ix = &e->nest->ix;
  PjIx sum = {0};
  pj_shape_strides(whole, to);
  pj_shape_strides(part, from);
  for (int i = 0; i < index->n; i++) {
    int d = pj_dim_at(part, from, index->p[i].pos);
    if (d >= 0)
      sum =
          pj_ix_add(ix, sum, pj_ix_scale(ix, index->p[i].ix, to[d] * (index->p[i].pos / from[d])));
  }
  for (int d = 0; d < part->rank; d++) {
    if (part->dims[d] == whole->dims[d])
      continue;
    PjIx start =
        pj_ix_uniform(pj_nest_start(e->nest, op->operands[2 + d], whole->dims[d], part->dims[d]));
    sum = pj_ix_add(ix, sum, pj_ix_scale(ix, start, to[d]));
  }
  return sum;
}

// All roots at one index of the last loop. Values first, then stores: a root may lie where an input
// does.
static const PjValue *value_of(const PjOp *op) {
  return op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE ? op->operands[1] : &op->results[0];
}

static PjIndex map_values(PjEmit *e, const PjIndex *outer, PjIx at, PjKirVal mask, PjElem *values) {
  const PjGroup *g = e->group;
  PjIndex index = *outer;
  index.p[index.n++] = (PjPiece){1, g->loops[g->num_loops - 1].extent, at};
  for (uint32_t r = 0; r < g->num_roots; r++)
    values[r] = pj_nest_value(e->nest, value_of(g->roots[r].op), &index, mask);
  return index;
}

static void map_stores(PjEmit *e, const PjIndex *index, const PjElem *values, PjKirVal mask) {
  const PjGroup *g = e->group;
  PjIx offset = pj_ix_offset(&e->nest->ix, index);
  for (uint32_t r = 0; r < g->num_roots; r++) {
    const PjOp *op = g->roots[r].op;
    if (!g->roots[r].stored)
      continue;
    bool update = op->kind == PJ_OP_DYNAMIC_UPDATE_SLICE;
    pj_emit_store(e, r, 0, op->results[0].type->dtype,
                  update ? update_offset(e, op, index) : offset, values[r], mask);
  }
}

static void map_body(PjEmit *e, const PjIndex *outer, PjIx at, PjKirVal mask) {
  PjElem values[PJ_MAX_ROOTS];
  PjIndex index = map_values(e, outer, at, mask, values);
  map_stores(e, &index, values, mask);
}

static PjIx next_lanes(PjKirVal at) {
  return (PjIx){.base = at, .step = 1};
}

enum { UNROLLED = 12 }; // turns of a short loop that are written out

// Where turn |i| of a loop from |begin| to |end| by whole |step|s works. Rows that are turned round
// are read from their beginning and written from the end, since a processor fetches ahead where one
// row follows the other, and nobody waits for what is written.
static PjKirVal turn_at(PjEmit *e, const PjLoop *loop, PjKirVal begin, PjKirVal end, int64_t step,
                        PjKirVal i) {
  const PjGroup *g = e->group;
  PjKir *k = e->k;
  if (!g->plain || g->num_loops == 1 || g->reversed < loop->pos ||
      g->reversed >= loop->pos * loop->extent)
    return i;
  PjKirVal last = pj_kir_sub(k, pj_kir_add(k, begin, end), pj_kir_i64(k, step));
  return pj_kir_sub(k, last, i);
}

static void map_loop(PjEmit *e, const PjIndex *outer, PjKirVal begin, PjKirVal end, int lanes,
                     bool sure) {
  PjKir *k = e->k;
  pj_emit_lanes(e, lanes);
  int64_t trips =
      pj_emit_trips(e, begin, end, lanes, e->group->written ? PJ_GROUP_WRITTEN : UNROLLED);
  for (int64_t t = 0; t < trips; t++)
    map_body(e, outer, next_lanes(pj_kir_add(k, begin, pj_kir_i64(k, t * lanes))), 0);
  if (trips >= 0) {
    pj_nest_forget(e->nest);
    return;
  }
  PjKirVal i = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, lanes), 0, NULL, NULL);
  if (sure)
    pj_kir_for_sure(k);
  const PjLoop *loop = &e->group->loops[e->group->num_loops - 1];
  pj_kir_assume(k, i, 0, loop->extent - 1);
  if (lanes > 1) {
    i = turn_at(e, loop, begin, end, lanes, i);
    pj_kir_assume(k, i, 0, loop->extent - 1);
  }
  map_body(e, outer, next_lanes(i), 0);
  pj_nest_forget(e->nest);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// What fills no vector, from |begin| to |end|: a vector with some lanes off. Of several blocks all
// but the last one have no such end.
static void map_end(PjEmit *e, const PjIndex *outer, PjKirVal begin, PjKirVal end) {
  PjKir *k = e->k;
  const int lanes = e->group->lanes;
  const bool always = e->group->blocks <= 1;
  pj_emit_lanes(e, lanes);
  PjKirVal at =
      always ? begin : pj_kir_for_begin(k, begin, end, pj_kir_i64(k, lanes), 0, NULL, NULL);
  map_body(e, outer, next_lanes(at), pj_emit_mask(e, lanes, pj_kir_sub(k, end, at)));
  pj_nest_forget(e->nest);
  if (!always)
    pj_kir_for_end(k, 0, NULL, NULL);
}

static void map_range(PjEmit *e, const PjIndex *outer, PjKirVal begin, PjKirVal end,
                      int64_t extent) {
  PjKir *k = e->k;
  const PjEnds ends = pj_group_ends(e->group, k->target);
  int lanes = ends == PJ_ENDS_MASKED || extent >= e->group->lanes ? e->group->lanes : 1;
  if (lanes > 1) {
    PjElem values[PJ_MAX_ROOTS];
    PjIndex last;
    if (ends == PJ_ENDS_AGAIN) { // a whole block's last vector, too
      pj_emit_lanes(e, lanes);
      PjIx at = next_lanes(pj_kir_sub(k, end, pj_kir_i64(k, lanes)));
      last = map_values(e, outer, at, 0, values);
    }
    PjKirVal whole = extent % lanes ? pj_emit_whole(e, begin, end, lanes) : end;
    bool all = e->group->num_loops > 1 && e->group->blocks <= 1; // of the loop are at hand
    map_loop(e, outer, begin, whole, lanes, extent % lanes == 0 || all);
    if (ends == PJ_ENDS_AGAIN)
      map_stores(e, &last, values, 0);
    if (ends == PJ_ENDS_MASKED)
      map_end(e, outer, whole, end);
    if (ends != PJ_ENDS_SINGLE || extent % lanes == 0)
      return;
    begin = whole;
  }
  map_loop(e, outer, begin, end, 1, lanes == 1);
}

// Element |c| of the loops that are written out: the index of the last one; others go to |index|.
static PjIx column_at(PjEmit *e, PjIndex *index, int64_t c) {
  const PjGroup *g = e->group;
  const PjLoop *last = &g->loops[g->num_loops - 1];
  if (g->written_loops == 2)
    index->p[index->n++] =
        (PjPiece){last[-1].pos, last[-1].extent, pj_ix_uniform(pj_kir_i64(e->k, c / last->extent))};
  return pj_ix_uniform(pj_kir_i64(e->k, c % last->extent));
}

// The loop before those that are written out.
static void map_tiny(PjEmit *e, const PjIndex *outer, PjKirVal lo, PjKirVal hi) {
  PjKir *k = e->k;
  const PjLoop *second = &e->group->loops[e->group->num_loops - 1 - e->group->written_loops];
  pj_emit_lanes(e, 1);
  PjKirVal i = pj_kir_for_begin(k, lo, hi, pj_kir_i64(k, 1), 0, NULL, NULL);
  pj_kir_for_sure(k);
  PjIndex index = *outer;
  index.p[index.n++] = (PjPiece){second->pos, second->extent, pj_ix_uniform(i)};
  for (int64_t c = 0; c < pj_group_columns(e->group); c++) {
    PjIndex row = index;
    const PjIx at = column_at(e, &row, c);
    map_body(e, &row, at, 0);
  }
  pj_nest_forget(e->nest);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// Rows that vectors of |lanes| run across in one turn.
static int64_t rows_across(const PjGroup *g, int lanes) {
  return pj_group_across(g, lanes) * lanes / g->loops[g->num_loops - 1].extent;
}

// The same in vectors of |lanes| that run across the rows of the last loop, as many as begin where
// a row does: which row a lane lies in, and where, is known. Returns the row that is next.
static PjKirVal across_by(PjEmit *e, const PjIndex *outer, PjKirVal lo, PjKirVal hi, int lanes) {
  const PjGroup *g = e->group;
  const PjLoop *last = &g->loops[g->num_loops - 1], *second = last - 1;
  PjKir *k = e->k;
  int64_t vectors = pj_group_across(g, lanes), rows = rows_across(g, lanes);
  PjKirVal whole = pj_emit_whole(e, lo, hi, (int)rows);
  pj_emit_lanes(e, lanes);
  PjKirVal i = pj_kir_for_begin(k, lo, whole, pj_kir_i64(k, rows), 0, NULL, NULL);
  i = turn_at(e, second, lo, whole, rows, i);
  for (int64_t v = 0; v < vectors; v++) {
    int64_t row[PJ_KIR_MAX_LANES], column[PJ_KIR_MAX_LANES];
    for (int l = 0; l < lanes; l++) {
      row[l] = (v * lanes + l) / last->extent;
      column[l] = (v * lanes + l) % last->extent;
    }
    PjIndex index = *outer;
    index.p[index.n++] = (PjPiece){second->pos, second->extent, pj_ix_lanes(&e->nest->ix, i, row)};
    map_body(e, &index, pj_ix_lanes(&e->nest->ix, 0, column), 0);
  }
  pj_nest_forget(e->nest);
  pj_kir_for_end(k, 0, NULL, NULL);
  return whole;
}

// In vectors across rows; what these leave in shorter ones, and the last rows one by one.
static void map_across(PjEmit *e, const PjIndex *outer, PjKirVal lo, PjKirVal hi) {
  enum { SHORTER = 4, LEAST_BYTES = 16 };
  const PjGroup *g = e->group;
  const int least = LEAST_BYTES * g->lanes / e->k->target->vector_bytes;
  int64_t left = g->loops[g->num_loops - 2].extent;
  for (int lanes = g->lanes; lanes >= least && lanes > 1 && left; lanes /= SHORTER) {
    const int64_t rows = rows_across(g, lanes);
    if (lanes < g->lanes && left < rows)
      continue;
    lo = across_by(e, outer, lo, hi, lanes);
    left = g->blocks > 1 ? rows - 1 : left % rows;
  }
  if (left)
    map_tiny(e, outer, lo, hi);
}

// Vector |v| of those that hold, row by row, what |columns| hold column by column.
static PjKirVal interleaved(PjKir *k, const PjKirVal *columns, int count, int lanes, int v) {
  PjKirVal all = columns[0];
  for (int c = 1; c < count; c++) {
    uint8_t pattern[PJ_KIR_MAX_LANES];
    for (int l = 0; l < lanes; l++) {
      int row = (v * lanes + l) / count, column = (v * lanes + l) % count;
      pattern[l] = (uint8_t)(column == c ? lanes + row : c == 1 ? row : l);
    }
    all = pj_kir_shuffle(k, all, columns[c], lanes, pattern);
  }
  return all;
}

// Truth values change places as the bytes that they are in memory.
static PjDtype moved_as(const PjValue *value) {
  return value->type->dtype == PJ_DT_PRED ? PJ_DT_U8 : value->type->dtype;
}

// The same in vectors that run down the rows, one for each column of the last loops: so every
// column is computed in its own way, and once. Few are interleaved, others stored lane by lane.
static void map_down(PjEmit *e, const PjIndex *outer, PjKirVal lo, PjKirVal hi) {
  const PjGroup *g = e->group;
  const PjLoop *last = &g->loops[g->num_loops - 1], *second = last - g->written_loops;
  PjKir *k = e->k;
  const int columns = (int)pj_group_columns(g);
  const bool few = columns <= PJ_MAX_DOWN;
  PjKirVal whole = pj_emit_whole(e, lo, hi, g->lanes), values[PJ_MAX_DOWN][PJ_MOST_DOWN];
  pj_emit_lanes(e, g->lanes);
  PjKirVal i = pj_kir_for_begin(k, lo, whole, pj_kir_i64(k, g->lanes), 0, NULL, NULL);
  for (int c = 0; c < columns; c++) {
    PjIndex index = *outer;
    index.p[index.n++] = (PjPiece){second->pos, second->extent, next_lanes(i)};
    const PjIx at = column_at(e, &index, c);
    index.p[index.n++] = (PjPiece){1, last->extent, at};
    for (uint32_t r = 0; r < g->num_roots; r++) {
      const PjValue *value = &g->roots[r].op->results[0];
      PjElem elem = pj_nest_splat(e->nest, pj_nest_value(e->nest, value, &index, 0));
      values[r][c] = pj_elem_convert(k, value->type->dtype, moved_as(value), elem).re;
    }
  }
  PjIndex index = *outer;
  index.p[index.n++] = (PjPiece){second->pos, second->extent, pj_ix_uniform(i)};
  PjIx offset = pj_ix_offset(&e->nest->ix, &index);
  for (uint32_t r = 0; r < g->num_roots; r++)
    for (int v = 0; v < columns && g->roots[r].stored; v++) {
      PjIx at = pj_ix_add_near(&e->nest->ix, offset, few ? (int64_t)v * g->lanes : v);
      at.step = few ? 1 : columns;
      const PjKirVal value = few ? interleaved(k, values[r], columns, g->lanes, v) : values[r][v];
      pj_emit_store(e, r, 0, moved_as(&g->roots[r].op->results[0]), at, (PjElem){value, 0}, 0);
    }
  pj_nest_forget(e->nest);
  pj_kir_for_end(k, 0, NULL, NULL);
  if (second->extent % g->lanes || g->blocks > 1)
    map_tiny(e, outer, whole, hi);
}

// The indices of a unit: of the block, and of the loops before the one that is cut. Where units
// follow one another they are counted on, as dividing the unit's number would take longer than a
// short row.
typedef struct Counters {
  int n;                         // the fastest first
  PjKirVal limit[PJ_MAX_PIECES]; // each counts from 0 up to its limit; the last one has none
  int64_t extent[PJ_MAX_PIECES]; // the limits' numbers
  PjKirVal value[PJ_MAX_PIECES];
} Counters;

static void counters_of(PjEmit *e, int num_loops, Counters *out) {
  const PjGroup *g = e->group;
  if (g->blocks > 1)
    out->extent[out->n++] = g->blocks;
  for (int i = num_loops; i-- > 0;)
    out->extent[out->n++] = g->loops[i].extent;
  for (int i = 0; i < out->n; i++)
    out->limit[i] = pj_ix_number(&e->nest->ix, out->extent[i]);
}

static void count_to(PjEmit *e, PjKirVal unit, Counters *c) {
  PjKir *k = e->k;
  for (int i = 0; i + 1 < c->n; i++) {
    c->value[i] = pj_kir_2(k, PJ_KIR_UREM, unit, c->limit[i]);
    unit = pj_kir_2(k, PJ_KIR_UDIV, unit, c->limit[i]);
  }
  c->value[c->n - 1] = unit;
}

static void count_on(PjEmit *e, const Counters *c, PjKirVal *next) {
  PjKir *k = e->k;
  PjKirVal carry = pj_kir_i64(k, 1);
  for (int i = 0; i < c->n; i++) {
    next[i] = pj_kir_add(k, c->value[i], carry);
    if (i + 1 == c->n)
      break;
    PjKirVal full = pj_kir_eq(k, next[i], c->limit[i]);
    next[i] = pj_kir_select(k, full, pj_kir_i64(k, 0), next[i]);
    carry = pj_kir_cast(k, PJ_KIR_ZEXT, PJ_KIR_I64, full);
  }
}

void pj_emit_map(PjEmit *e, PjKirVal begin, PjKirVal end) {
  const PjGroup *g = e->group;
  PjKir *k = e->k;
  PjIndex outer = {0};
  if (g->num_loops == 1) {
    map_range(e, &outer, begin, end, g->count);
    return;
  }
  // The loop that is cut into blocks.
  int split = g->num_loops - 1 - (g->tiny ? g->written_loops : 0);
  const PjLoop *last = &g->loops[split];
  if (g->written)
    e->nest->ix.small = last->extent;
  Counters c = {0};
  counters_of(e, split, &c);
  bool once = pj_emit_trips(e, begin, end, 1, 1) == 1;
  uint32_t carried = c.n > 1 && !once ? (uint32_t)c.n : 0;
  if (once || carried)
    count_to(e, begin, &c);
  if (!once) {
    PjKirVal unit = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, 1), carried, c.value, c.value);
    if (!carried)
      c.value[0] = unit;
    for (uint32_t i = 0; i + 1 < carried; i++) // the last one has no limit
      pj_kir_assume(k, c.value[i], 0, c.extent[i] - 1);
  }
  PjKirVal lo = pj_kir_i64(k, 0), hi = pj_ix_number(&e->nest->ix, last->extent);
  if (g->blocks > 1) {
    PjKirVal size = pj_kir_i64(k, g->block);
    lo = pj_kir_mul(k, c.value[0], size);
    hi = pj_kir_2(k, PJ_KIR_SMIN, hi, pj_kir_add(k, lo, size));
  }
  for (int i = 0; i < split; i++)
    outer.p[outer.n++] =
        (PjPiece){g->loops[i].pos, g->loops[i].extent, pj_ix_uniform(c.value[c.n - 1 - i])};
  if (g->across)
    map_across(e, &outer, lo, hi);
  else if (g->down && g->lanes > 1)
    map_down(e, &outer, lo, hi);
  else if (g->tiny)
    map_tiny(e, &outer, lo, hi);
  else
    map_range(e, &outer, lo, hi, last->extent);
  if (once)
    return;
  PjKirVal next[PJ_MAX_PIECES];
  if (carried)
    count_on(e, &c, next);
  pj_kir_for_end(k, carried, next, next);
}

void pj_group_emit(PjNest *nest, const PjGroup *group, const PjRootBuffers *out, PjKirVal begin,
                   PjKirVal end) {
  PjEmit e = {nest, nest->ix.k, group, out};
  switch (group->kind) {
  case PJ_GROUP_MAP:
    pj_emit_map(&e, begin, end);
    return;
  case PJ_GROUP_ROWS:
    pj_emit_rows(&e, begin, end);
    return;
  case PJ_GROUP_COLUMNS:
    pj_emit_columns(&e, begin, end);
    return;
  }
}

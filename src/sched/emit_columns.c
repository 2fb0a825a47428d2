// Reductions whose kept elements lie beside each other in memory: sums of columns.
//
// A unit is a block of columns, up to eight vectors wide, whose accumulators stay in registers
// while the loops run over what is reduced. A block at the edge runs vector by vector, then column
// by column, or as one more vector with some lanes off. Where a block is all there is to a row,
// many rows are one long stretch of memory, which is read in several places at a time, as long rows
// are (emit_rows.c).
#include "sched/emit_reduce.h"

typedef struct Columns {
  PjEmit *e;
  PjIndex outer; // of the outer loops but the last
  PjKirVal part, first_begin, first_end;
  int inner[PJ_MAX_PIECES];
  int num_inner;
  int places;    // of the last inner loop that are read at a time
  PjKirVal mask; // the columns that there are; 0: all
} Columns;

enum { MAX_PLACES = 4 };

// Into every copy: copy c is |lanes| columns further.
static void take_row(Columns *c, const PjIndex *outer, PjAccumulators *acc, int first, int copies,
                     int lanes, PjKirVal column) {
  PjEmit *e = c->e;
  PjKir *k = e->k;
  const PjGroup *g = e->group;
  const PjLoop *last = &g->loops[g->num_loops - 1];
  for (int copy = 0; copy < copies; copy++) {
    PjIndex index = *outer;
    PjKirVal at = copy ? pj_kir_add(k, column, pj_kir_i64(k, (int64_t)lanes * copy)) : column;
    index.p[index.n++] = (PjPiece){1, last->extent, {.base = at, .step = 1}};
    pj_accumulators_take(e, acc, first + copy, &index, c->mask);
  }
  pj_nest_forget(e->nest);
}

// Rows from |begin| to |end|, of |places| parts side by side, the copies of |acc| that belong to
// one after those of the one before.
static void rows_loop(Columns *c, const PjIndex *outer, PjAccumulators *acc, int lanes,
                      PjKirVal column, PjKirVal begin, PjKirVal end, int places) {
  PjEmit *e = c->e;
  PjKir *k = e->k;
  const PjLoop *loop = &e->group->loops[c->inner[c->num_inner - 1]];
  int copies = acc->copies / c->places;
  PjKirVal init[PJ_MAX_CARRIED], args[PJ_MAX_CARRIED], away[MAX_PLACES] = {0}, stop = end;
  if (places > 1) {
    PjKirVal part = pj_kir_lshr(k, pj_kir_sub(k, end, begin), pj_kir_i64(k, __builtin_ctz(places)));
    stop = pj_kir_add(k, begin, part);
    for (int p = 1; p < places; p++)
      away[p] = pj_kir_mul(k, part, pj_kir_i64(k, p));
  }
  uint32_t n = pj_accumulators_flatten(acc, init);
  PjKirVal i = pj_kir_for_begin(k, begin, stop, pj_kir_i64(k, 1), n, init, args);
  pj_accumulators_unflatten(acc, args);
  for (int p = 0; p < places; p++) {
    PjIndex index = *outer;
    PjKirVal row = p ? pj_kir_add(k, i, away[p]) : i;
    index.p[index.n++] = (PjPiece){loop->pos, loop->extent, pj_ix_uniform(row)};
    take_row(c, &index, acc, p * copies, copies, lanes, column);
  }
  pj_accumulators_flatten(acc, init);
  pj_kir_for_end(k, n, init, args);
  pj_accumulators_unflatten(acc, args);
}

static void column_loops(Columns *c, int level, const PjIndex *outer, PjAccumulators *acc,
                         int lanes, PjKirVal column) {
  PjEmit *e = c->e;
  PjKir *k = e->k;
  const PjGroup *g = e->group;
  const PjLoop *loop = &g->loops[c->inner[level]];
  PjKirVal begin = pj_kir_i64(k, 0), end = pj_ix_number(&e->nest->ix, loop->extent);
  if (level == 0 && c->first_begin) {
    begin = c->first_begin;
    end = c->first_end;
  }
  if (level == c->num_inner - 1) {
    PjKirVal whole = begin;
    if (c->places > 1) {
      whole = pj_emit_whole(e, begin, end, c->places);
      rows_loop(c, outer, acc, lanes, column, begin, whole, c->places);
    }
    rows_loop(c, outer, acc, lanes, column, whole, end, 1);
    return;
  }
  PjKirVal init[PJ_MAX_CARRIED], args[PJ_MAX_CARRIED];
  uint32_t n = pj_accumulators_flatten(acc, init);
  PjKirVal i = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, 1), n, init, args);
  pj_accumulators_unflatten(acc, args);
  PjIndex index = *outer;
  index.p[index.n++] = (PjPiece){loop->pos, loop->extent, pj_ix_uniform(i)};
  column_loops(c, level + 1, &index, acc, lanes, column);
  pj_accumulators_flatten(acc, init);
  pj_kir_for_end(k, n, init, args);
  pj_accumulators_unflatten(acc, args);
}

static void column_block(Columns *c, int copies, int lanes, PjKirVal column) {
  PjEmit *e = c->e;
  PjKir *k = e->k;
  const PjGroup *g = e->group;
  PjAccumulators acc = {0};
  for (uint32_t r = 0; r < g->num_roots; r++)
    acc.roots[acc.num_roots++] = r;
  pj_emit_lanes(e, 1);
  if (!pj_accumulators_begin(e, &acc, copies * c->places, lanes)) {
    e->nest->failed = "too many reductions in one loop";
    return;
  }
  pj_emit_lanes(e, lanes);
  column_loops(c, 0, &c->outer, &acc, lanes, column);
  pj_accumulators_merge(e, &acc, copies);
  for (int copy = 0; copy < copies; copy++) {
    PjKirVal at = copy ? pj_kir_add(k, column, pj_kir_i64(k, (int64_t)lanes * copy)) : column;
    PjIndex index = c->outer;
    index.p[index.n++] = (PjPiece){1, g->loops[g->num_loops - 1].extent, {.base = at, .step = 1}};
    PjIndex kept = pj_emit_kept(g, &index);
    PjIx offset = pj_ix_offset(&e->nest->ix, &kept);
    if (c->part)
      offset = pj_ix_add(&e->nest->ix, offset,
                         pj_ix_scale(&e->nest->ix, pj_ix_uniform(c->part), g->outer));
    for (uint32_t i = 0; i < acc.num_roots; i++) {
      const PjReducer *r = &g->roots[i].reducer;
      PjElem *sum = pj_accumulators_of(e, &acc, copy, i);
      if (!c->part)
        pj_reducer_finish(r, e->nest, sum);
      for (uint32_t o = 0; o < r->count && (g->roots[i].stored || c->part); o++)
        pj_emit_store(e, i, o, c->part ? pj_reducer_dtype(r, o) : r->op->results[o].type->dtype,
                      offset, sum[o], c->mask);
    }
  }
  pj_nest_forget(e->nest);
}

// Columns from |column| to |stop|: vector by vector, then those that are left.
static void edge(Columns *c, bool vectors, PjKirVal column, PjKirVal stop) {
  PjEmit *e = c->e;
  PjKir *k = e->k;
  const PjGroup *g = e->group;
  const int64_t left = g->loops[g->num_loops - 1].extent % g->lanes;
  if (vectors) {
    PjKirVal whole = pj_emit_whole(e, column, stop, g->lanes);
    PjKirVal i = pj_kir_for_begin(k, column, whole, pj_kir_i64(k, g->lanes), 0, NULL, NULL);
    column_block(c, 1, g->lanes, i);
    pj_kir_for_end(k, 0, NULL, NULL);
    column = whole;
  }
  if (!left)
    return;
  const PjEnds ends = pj_group_ends(g, k->target);
  if (ends != PJ_ENDS_SINGLE) {
    pj_kir_if_begin(k, pj_kir_slt(k, column, stop)); // not so of blocks but the last
    if (ends == PJ_ENDS_MASKED)
      c->mask = pj_emit_mask(e, g->lanes, pj_kir_sub(k, stop, column));
    else
      column = pj_kir_sub(k, stop, pj_kir_i64(k, g->lanes));
    column_block(c, 1, g->lanes, column);
    c->mask = 0;
    pj_kir_if_else(k, 0, NULL);
    pj_kir_if_end(k, 0, NULL, NULL);
    return;
  }
  PjKirVal i = pj_kir_for_begin(k, column, stop, pj_kir_i64(k, 1), 0, NULL, NULL);
  column_block(c, 1, 1, i);
  pj_kir_for_end(k, 0, NULL, NULL);
}

// As many as leave the accumulators in registers.
static int places_of(const PjGroup *g) {
  enum { VECTORS = 8 };
  int64_t carried = 0;
  for (uint32_t r = 0; r < g->num_roots; r++)
    carried += g->roots[r].reducer.count;
  carried *= g->block / g->lanes;
  int places = MAX_PLACES;
  while (places > 1 && carried * places > VECTORS)
    places /= 2;
  return places;
}

void pj_emit_columns(PjEmit *e, PjKirVal begin, PjKirVal end) {
  const PjGroup *g = e->group;
  PjKir *k = e->k;
  PjIxBuilder *ix = &e->nest->ix;
  Columns c = {.e = e, .places = g->whole ? places_of(g) : 1};
  for (int i = 0; i < g->num_loops; i++)
    if (g->loops[i].inner)
      c.inner[c.num_inner++] = i;
  const PjLoop *last = &g->loops[g->num_loops - 1], *first = &g->loops[c.inner[0]];
  PjKirVal unit = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, 1), 0, NULL, NULL);
  PjKirVal flat = unit;
  if (g->split > 1) {
    PjKirVal parts = pj_ix_number(ix, g->split), size = pj_ix_number(ix, g->split_size);
    flat = pj_kir_2(k, PJ_KIR_UDIV, unit, parts);
    c.part = pj_kir_2(k, PJ_KIR_UREM, unit, parts);
    c.first_begin = pj_kir_mul(k, c.part, size);
    c.first_end = pj_kir_2(k, PJ_KIR_SMIN, pj_kir_add(k, c.first_begin, size),
                           pj_ix_number(ix, first->extent));
  }
  PjKirVal column = pj_kir_i64(k, 0);
  if (g->blocks > 1) {
    PjKirVal blocks = pj_ix_number(ix, g->blocks);
    column = pj_kir_mul(k, pj_kir_2(k, PJ_KIR_UREM, flat, blocks), pj_kir_i64(k, g->block));
    flat = pj_kir_2(k, PJ_KIR_UDIV, flat, blocks);
  }
  pj_emit_outer(e, flat, g->loops, g->num_loops - 1, &c.outer);
  if (g->streamed) {
    pj_emit_stream(e, &c.outer, column, c.part, c.first_begin, c.first_end);
    pj_kir_for_end(k, 0, NULL, NULL);
    return;
  }
  int copies = g->block % g->lanes ? 0 : (int)(g->block / g->lanes);
  if (copies && last->extent % g->block == 0) {
    column_block(&c, copies, g->lanes, column);
  } else {
    PjKirVal size = pj_ix_number(ix, last->extent),
             next = pj_kir_add(k, column, pj_kir_i64(k, g->block));
    PjKirVal stop = pj_kir_2(k, PJ_KIR_SMIN, size, next);
    if (copies > 1) {
      pj_kir_if_begin(k, pj_kir_2(k, PJ_KIR_SLE, next, size));
      column_block(&c, copies, g->lanes, column);
      pj_kir_if_else(k, 0, NULL);
    }
    edge(&c, copies, column, stop);
    if (copies > 1)
      pj_kir_if_end(k, 0, NULL, NULL);
  }
  pj_kir_for_end(k, 0, NULL, NULL);
}

// --- Joining parts -------------------------------------------------------------------------------

static void join_loop(PjEmit *e, const PjRootBuffers *in, int lanes, PjKirVal begin, PjKirVal end) {
  const PjGroup *g = e->group;
  PjKir *k = e->k;
  PjNest *nest = e->nest;
  pj_emit_lanes(e, lanes);
  PjKirVal at = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, lanes), 0, NULL, NULL);
  for (uint32_t i = 0; i < g->num_roots; i++) {
    const PjReducer *r = &g->roots[i].reducer;
    PjAccumulators acc = {.copies = 1, .num_roots = 1, .roots = {i}, .count = r->count};
    PjIx first = {.base = at, .step = 1};
    PjPlace place[PJ_MAX_REDUCED];
    for (uint32_t o = 0; o < r->count; o++) {
      place[o] = (PjPlace){
          .kind = PJ_PLACE_MEMORY, .ptr = in[i].ptr[o], .alias = in[i].alias[o], .readonly = true};
      acc.value[o] = pj_nest_load(nest, pj_reducer_dtype(r, o), &place[o], first, 0);
    }
    PjKirVal init[PJ_MAX_CARRIED], args[PJ_MAX_CARRIED];
    uint32_t n = pj_accumulators_flatten(&acc, init);
    PjKirVal part = pj_kir_for_begin(k, pj_kir_i64(k, 1), pj_ix_number(&nest->ix, g->split),
                                     pj_kir_i64(k, 1), n, init, args);
    pj_accumulators_unflatten(&acc, args);
    PjIx next = pj_ix_add(&nest->ix, first, pj_ix_scale(&nest->ix, pj_ix_uniform(part), g->outer));
    PjElem x[PJ_MAX_REDUCED];
    for (uint32_t o = 0; o < r->count; o++)
      x[o] = pj_nest_load(nest, pj_reducer_dtype(r, o), &place[o], next, 0);
    pj_reducer_combine(r, nest, acc.value, x);
    pj_accumulators_flatten(&acc, init);
    pj_kir_for_end(k, n, init, args);
    pj_accumulators_unflatten(&acc, args);
    pj_nest_forget(nest);
    pj_reducer_finish(r, nest, acc.value);
    for (uint32_t o = 0; o < r->count; o++)
      pj_emit_store(e, i, o, r->op->results[o].type->dtype, first, acc.value[o], 0);
  }
  pj_nest_forget(nest);
  pj_kir_for_end(k, 0, NULL, NULL);
}

void pj_group_emit_join(PjNest *nest, const PjGroup *group, const PjRootBuffers *in,
                        const PjRootBuffers *out, PjKirVal begin, PjKirVal end) {
  PjEmit e = {nest, nest->ix.k, group, out};
  if (group->outer >= group->lanes) {
    PjKirVal whole = pj_emit_whole(&e, begin, end, group->lanes);
    join_loop(&e, in, group->lanes, begin, whole);
    begin = whole;
  }
  if (group->outer < group->lanes || group->outer % group->lanes)
    join_loop(&e, in, 1, begin, end);
}

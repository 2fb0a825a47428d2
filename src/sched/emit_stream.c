// Sums of columns of large arrays.
//
// A block of columns that a unit keeps in registers (emit_columns.c) is a few hundred bytes wide:
// its rows lie pages apart, where no processor reads ahead. Here a block is a page wide, and its
// accumulators lie in scratch memory, which stays in the first cache. Several rows are taken in
// turn at each vector of columns, so that accumulators are fetched seldom, and what depends on the
// column alone is computed once for all of them.
#include "sched/emit_reduce.h"

typedef struct Stream {
  PjEmit *e;
  const PjIndex *outer; // of the outer loops but the last
  PjKirVal column, width;
  PjKirVal part, first_begin, first_end;
  int inner[PJ_MAX_PIECES]; // the inner loops
  int num_inner;
  PjPlace kept[PJ_MAX_CARRIED]; // the memory of the accumulators
  uint32_t num_kept;
} Stream;

enum { ALIASES = 200, LAST_ALIAS = 254 };

static PjDtype kept_dtype(const PjGroup *g, uint32_t number) {
  for (uint32_t r = 0;; r++) {
    if (number < g->roots[r].reducer.count)
      return pj_reducer_dtype(&g->roots[r].reducer, number);
    number -= g->roots[r].reducer.count;
  }
}

size_t pj_stream_scratch(const PjGroup *g) {
  size_t bytes = 0;
  for (uint32_t r = 0; r < g->num_roots; r++)
    for (uint32_t o = 0; o < g->roots[r].reducer.count; o++)
      bytes += ((size_t)g->block * pj_dtype_bytes(pj_reducer_dtype(&g->roots[r].reducer, o)) + 63) /
               64 * 64;
  return bytes;
}

static void place_accumulators(Stream *s) {
  PjEmit *e = s->e;
  const PjGroup *g = e->group;
  PjKirVal scratch = e->nest->scratch ? e->nest->scratch : pj_kir_scratch(e->k);
  size_t offset = 0;
  for (uint32_t i = 0; i < s->num_kept; i++) {
    PjKirVal at = pj_ix_number(&e->nest->ix, (int64_t)offset);
    s->kept[i] = (PjPlace){.kind = PJ_PLACE_MEMORY,
                           .ptr = offset ? pj_kir_ptradd(e->k, scratch, at) : scratch,
                           .alias = (uint8_t)(ALIASES + i <= LAST_ALIAS ? ALIASES + i : 0)};
    offset += ((size_t)g->block * pj_dtype_bytes(kept_dtype(g, i)) + 63) / 64 * 64;
  }
}

static void load_accumulators(Stream *s, PjAccumulators *acc, PjIx at) {
  for (uint32_t i = 0; i < acc->count; i++)
    acc->value[i] = pj_nest_load(s->e->nest, kept_dtype(s->e->group, i), &s->kept[i], at, 0);
}

static void store_accumulators(Stream *s, const PjAccumulators *acc, PjIx at) {
  for (uint32_t i = 0; i < acc->count; i++)
    pj_nest_store(s->e->nest, kept_dtype(s->e->group, i), s->kept[i].ptr, s->kept[i].alias, at,
                  acc->value[i], 0);
}

static void begin_accumulators(Stream *s, PjAccumulators *acc) {
  PjEmit *e = s->e;
  *acc = (PjAccumulators){.copies = 1};
  for (uint32_t r = 0; r < e->group->num_roots; r++) {
    acc->roots[acc->num_roots++] = r;
    acc->count += e->group->roots[r].reducer.count;
  }
}

// What is done at |at|, a vector of columns (counted within the block), with rows from |row| on.
typedef enum Task { FILL, TAKE, FINISH } Task;

static void fill(Stream *s, PjIx at) {
  PjEmit *e = s->e;
  PjAccumulators acc;
  begin_accumulators(s, &acc);
  int lanes = e->nest->ix.lanes;
  if (!pj_accumulators_begin(e, &acc, 1, lanes)) {
    e->nest->failed = "too many reductions in one loop";
    return;
  }
  store_accumulators(s, &acc, at);
}

static void take(Stream *s, PjIx at, const PjIndex *rows, int num_rows) {
  PjEmit *e = s->e;
  PjAccumulators acc;
  begin_accumulators(s, &acc);
  load_accumulators(s, &acc, at);
  // Signs of extremes are kept for one turn.
  for (uint32_t i = 0; i < acc.num_roots && num_rows > 1; i++)
    if (pj_reducer_keeps_signs(&e->group->roots[i].reducer))
      pj_reducer_begin_signs(&e->group->roots[i].reducer, e->nest,
                             pj_accumulators_of(e, &acc, 0, i));
  PjIx column = pj_ix_add(&e->nest->ix, at, pj_ix_uniform(s->column));
  int64_t extent = e->group->loops[e->group->num_loops - 1].extent;
  for (int r = 0; r < num_rows; r++) {
    PjIndex index = rows[r];
    index.p[index.n++] = (PjPiece){1, extent, column};
    pj_accumulators_take(e, &acc, 0, &index, 0);
  }
  for (uint32_t i = 0; i < acc.num_roots; i++) {
    PjElem *sum = pj_accumulators_of(e, &acc, 0, i);
    if (sum->im && pj_reducer_keeps_signs(&e->group->roots[i].reducer))
      pj_reducer_end_signs(&e->group->roots[i].reducer, e->nest, sum);
  }
  store_accumulators(s, &acc, at);
}

static void finish(Stream *s, PjIx at) {
  PjEmit *e = s->e;
  const PjGroup *g = e->group;
  PjIxBuilder *ix = &e->nest->ix;
  PjAccumulators acc;
  begin_accumulators(s, &acc);
  load_accumulators(s, &acc, at);
  PjIndex index = *s->outer;
  index.p[index.n++] =
      (PjPiece){1, g->loops[g->num_loops - 1].extent, pj_ix_add(ix, at, pj_ix_uniform(s->column))};
  PjIndex kept = pj_emit_kept(g, &index);
  PjIx offset = pj_ix_offset(ix, &kept);
  if (s->part)
    offset = pj_ix_add(ix, offset, pj_ix_scale(ix, pj_ix_uniform(s->part), g->outer));
  for (uint32_t i = 0; i < acc.num_roots; i++) {
    const PjReducer *r = &g->roots[i].reducer;
    PjElem *sum = pj_accumulators_of(e, &acc, 0, i);
    if (!s->part)
      pj_reducer_finish(r, e->nest, sum);
    for (uint32_t o = 0; o < r->count && (g->roots[i].stored || s->part); o++)
      pj_emit_store(e, i, o, s->part ? pj_reducer_dtype(r, o) : r->op->results[o].type->dtype,
                    offset, sum[o], 0);
  }
}

static void columns_by(Stream *s, Task task, PjKirVal begin, PjKirVal end, int lanes,
                       const PjIndex *rows, int num_rows) {
  PjEmit *e = s->e;
  PjKir *k = e->k;
  pj_emit_lanes(e, lanes);
  PjIx at = {.base = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, lanes), 0, NULL, NULL),
             .step = 1};
  switch (task) {
  case FILL:
    fill(s, at);
    break;
  case TAKE:
    take(s, at, rows, num_rows);
    break;
  case FINISH:
    finish(s, at);
  }
  pj_nest_forget(e->nest);
  pj_kir_for_end(k, 0, NULL, NULL);
}

static void columns(Stream *s, Task task, const PjIndex *rows, int num_rows) {
  PjKir *k = s->e->k;
  const PjGroup *g = s->e->group;
  int lanes = g->lanes;
  PjKirVal begin = pj_kir_i64(k, 0), whole = s->width;
  bool tail = g->loops[g->num_loops - 1].extent % lanes;
  if (tail)
    whole = pj_kir_and(k, s->width, pj_kir_i64(k, -(int64_t)lanes));
  columns_by(s, task, begin, whole, lanes, rows, num_rows);
  if (tail && lanes > 1)
    columns_by(s, task, whole, s->width, 1, rows, num_rows);
}

// Rows taken in one turn: fewer where the code of one is long.
static int rows_at_once(const PjGroup *g) {
  return g->cost <= 2 ? 8 : g->cost <= 20 ? 4 : 2;
}

// Whether rows of less than a page lie behind each other, so many that they are read in as many
// places at a time, as long rows are (emit_rows.c).
static bool is_stretch(const PjGroup *g, const PjLoop *loop) {
  enum { PAGE = 4096 };
  for (uint32_t r = 0; r < g->num_roots; r++)
    if (g->roots[r].reducer.ordered || g->roots[r].reducer.by_index)
      return false;
  const PjLoop *last = &g->loops[g->num_loops - 1];
  int64_t bytes = (int64_t)pj_dtype_bytes(g->roots[0].reducer.op->operands[0]->type->dtype),
          rows = loop == g->loops && g->split > 1 ? g->split_size : loop->extent;
  return g->plain && loop->pos == last->extent && last->extent * bytes < PAGE &&
         last->extent * bytes * rows >= rows_at_once(g) * (int64_t)PAGE;
}

static void rows_by(Stream *s, const PjLoop *loop, const PjIndex *outer, PjKirVal begin,
                    PjKirVal end, int num_rows) {
  PjKir *k = s->e->k;
  PjIndex rows[8];
  PjKirVal step = pj_kir_i64(k, num_rows), away = pj_kir_i64(k, 1);
  if (num_rows > 1 && is_stretch(s->e->group, loop)) {
    away = pj_kir_lshr(k, pj_kir_sub(k, end, begin), pj_kir_i64(k, __builtin_ctz(num_rows)));
    end = pj_kir_add(k, begin, away);
    step = pj_kir_i64(k, 1);
  }
  PjKirVal i = pj_kir_for_begin(k, begin, end, step, 0, NULL, NULL);
  for (int r = 0; r < num_rows; r++) {
    rows[r] = *outer;
    PjKirVal row = r ? pj_kir_add(k, i, pj_kir_mul(k, away, pj_kir_i64(k, r))) : i;
    rows[r].p[rows[r].n++] = (PjPiece){loop->pos, loop->extent, pj_ix_uniform(row)};
  }
  columns(s, TAKE, rows, num_rows);
  pj_kir_for_end(k, 0, NULL, NULL);
}

static void row_loops(Stream *s, int level, const PjIndex *outer) {
  PjEmit *e = s->e;
  PjKir *k = e->k;
  const PjLoop *loop = &e->group->loops[s->inner[level]];
  PjKirVal begin = pj_kir_i64(k, 0), end = pj_ix_number(&e->nest->ix, loop->extent);
  if (level == 0 && s->first_begin) {
    begin = s->first_begin;
    end = s->first_end;
  }
  if (level == s->num_inner - 1) {
    int at_once = rows_at_once(e->group);
    PjKirVal whole = pj_emit_whole(e, begin, end, at_once);
    rows_by(s, loop, outer, begin, whole, at_once);
    rows_by(s, loop, outer, whole, end, 1);
    return;
  }
  PjIndex index = *outer;
  PjKirVal i = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, 1), 0, NULL, NULL);
  index.p[index.n++] = (PjPiece){loop->pos, loop->extent, pj_ix_uniform(i)};
  row_loops(s, level + 1, &index);
  pj_kir_for_end(k, 0, NULL, NULL);
}

void pj_emit_stream(PjEmit *e, const PjIndex *outer, PjKirVal column, PjKirVal part,
                    PjKirVal first_begin, PjKirVal first_end) {
  const PjGroup *g = e->group;
  PjKir *k = e->k;
  PjKirVal size = pj_ix_number(&e->nest->ix, g->loops[g->num_loops - 1].extent);
  Stream s = {.e = e,
              .outer = outer,
              .column = column,
              .width = pj_kir_2(k, PJ_KIR_SMIN, pj_kir_sub(k, size, column),
                                pj_ix_number(&e->nest->ix, g->block)),
              .part = part,
              .first_begin = first_begin,
              .first_end = first_end};
  for (int i = 0; i < g->num_loops; i++)
    if (g->loops[i].inner)
      s.inner[s.num_inner++] = i;
  for (uint32_t r = 0; r < g->num_roots; r++)
    s.num_kept += g->roots[r].reducer.count;
  if (s.num_kept > PJ_MAX_CARRIED / 2) {
    e->nest->failed = "too many reductions in one loop";
    return;
  }
  place_accumulators(&s);
  columns(&s, FILL, NULL, 0);
  row_loops(&s, 0, outer);
  columns(&s, FINISH, NULL, 0);
}

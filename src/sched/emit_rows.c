// Reductions along rows, and what is computed from them row by row.
//
// A call has rows [begin, end). For each, stage after stage runs over the row: its loop computes
// the stage's elements, stores those that are wanted later, and feeds the stage's reductions, whose
// results are then registers for the stages to come. Lanes are partial sums; so are up to four
// copies of the vectors where the loop would otherwise wait for its own addition: vectors of one
// piece of the row, or of several where pieces are short. What does not fill a vector at the end of
// a row is one all the same (PjEnds), or goes to an accumulator of one lane.
#include <string.h>

#include "sched/emit_reduce.h"

bool pj_accumulators_begin(PjEmit *e, PjAccumulators *acc, int copies, int lanes) {
  const PjGroup *g = e->group;
  acc->copies = copies;
  acc->count = 0;
  for (int c = 0; c < copies; c++)
    for (uint32_t i = 0; i < acc->num_roots; i++) {
      const PjReducer *r = &g->roots[acc->roots[i]].reducer;
      if (acc->count + r->count > PJ_MAX_CARRIED / 2)
        return false;
      PjElem begin[PJ_MAX_REDUCED];
      pj_reducer_begin(r, e->nest, begin);
      for (uint32_t o = 0; o < r->count; o++) {
        begin[o].re = pj_kir_splat(e->k, begin[o].re, lanes);
        if (begin[o].im)
          begin[o].im = pj_kir_splat(e->k, begin[o].im, lanes);
        acc->value[acc->count++] = begin[o];
      }
    }
  return true;
}

uint32_t pj_accumulators_flatten(const PjAccumulators *acc, PjKirVal *out) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < acc->count; i++) {
    out[n++] = acc->value[i].re;
    if (acc->value[i].im)
      out[n++] = acc->value[i].im;
  }
  return n;
}

void pj_accumulators_unflatten(PjAccumulators *acc, const PjKirVal *in) {
  for (uint32_t i = 0; i < acc->count; i++) {
    acc->value[i].re = *in++;
    if (acc->value[i].im)
      acc->value[i].im = *in++;
  }
}

void pj_accumulators_take(PjEmit *e, PjAccumulators *acc, int copy, const PjIndex *index,
                          PjKirVal mask) {
  const PjKirVal counted = mask ? mask : e->fresh;
  for (uint32_t i = 0; i < acc->num_roots; i++) {
    const PjReducer *r = &e->group->roots[acc->roots[i]].reducer;
    PjElem x[PJ_MAX_REDUCED], before[PJ_MAX_REDUCED];
    for (uint32_t o = 0; o < r->count; o++)
      x[o] = pj_nest_splat(e->nest, pj_nest_value(e->nest, r->op->operands[o], index, mask));
    PjElem *to = pj_accumulators_of(e, acc, copy, i), *first = pj_accumulators_of(e, acc, 0, i);
    for (uint32_t o = 0; o < r->count; o++)
      before[o] = to[o];
    if (first->im && pj_reducer_keeps_signs(r))
      pj_reducer_extreme(r, e->nest, to, first, x[0].re);
    else
      pj_reducer_combine(r, e->nest, to, x);
    for (uint32_t o = 0; counted && o < r->count; o++)
      to[o] = pj_elem_select(e->k, counted, to[o], before[o]);
  }
}

void pj_accumulators_merge(PjEmit *e, PjAccumulators *acc, int left) {
  for (int half = acc->copies / 2; half >= left; half /= 2)
    for (int c = 0; c < half; c++)
      for (uint32_t i = 0; i < acc->num_roots; i++)
        pj_reducer_merge(&e->group->roots[acc->roots[i]].reducer, e->nest,
                         pj_accumulators_of(e, acc, c, i), pj_accumulators_of(e, acc, c + half, i));
  acc->count /= (uint32_t)(acc->copies / left);
  acc->copies = left;
}

// The loops of one stage over one row.
typedef struct Stage {
  PjEmit *e;
  int number;
  PjKirVal first_begin, first_end; // of the first inner loop
  int inner[PJ_MAX_PIECES];        // the inner loops
  int num_inner;
  bool vector, tail;
  PjEnds ends;
  bool in_order; // of equal elements the first counts: lanes take them in their order
  int copies;
  int pieces;              // that the loop before the last takes at a time, each into its own copy
  int copy;                // of the piece at hand
  int streams;             // places that the vectors of a turn lie in
  PjAccumulators vec, one; // in vectors; of single elements
} Stage;

static PjKirVal row_ptr(PjEmit *e, uint32_t root) {
  const PjGroup *g = e->group;
  size_t offset = 0;
  for (uint32_t i = 0; i < root; i++) {
    const PjRoot *r = &g->roots[i];
    if (r->role == PJ_ROOT_ELEMENTS && r->reused && !r->stored)
      offset += ((size_t)g->inner * pj_dtype_bytes(r->op->results[0].type->dtype) + 63) / 64 * 64;
  }
  return pj_kir_ptradd(e->k, e->nest->scratch ? e->nest->scratch : pj_kir_scratch(e->k),
                       pj_ix_number(&e->nest->ix, (int64_t)offset));
}

static PjIx offset_within(PjEmit *e, const PjIndex *index, int64_t below) {
  PjIndex part = {0};
  for (int i = 0; i < index->n; i++)
    if (index->p[i].pos < below)
      part.p[part.n++] = index->p[i];
  return pj_ix_offset(&e->nest->ix, &part);
}

static bool is_element(const Stage *s, uint32_t r) {
  const PjRoot *root = &s->e->group->roots[r];
  return root->role == PJ_ROOT_ELEMENTS && root->stage == s->number;
}

static void stage_values(Stage *s, const PjIndex *index, PjKirVal mask, PjElem *values) {
  const PjGroup *g = s->e->group;
  for (uint32_t r = 0; r < g->num_roots; r++)
    if (is_element(s, r))
      values[r] = pj_nest_value(s->e->nest, &g->roots[r].op->results[0], index, mask);
}

static void stage_stores(Stage *s, const PjIndex *index, const PjElem *values, PjKirVal mask) {
  PjEmit *e = s->e;
  const PjGroup *g = e->group;
  for (uint32_t r = 0; r < g->num_roots; r++) {
    const PjRoot *root = &g->roots[r];
    if (!is_element(s, r))
      continue;
    PjDtype dtype = root->op->results[0].type->dtype;
    if (root->stored)
      pj_emit_store(e, r, 0, dtype, pj_ix_offset(&e->nest->ix, index), values[r], mask);
    else if (root->reused)
      pj_nest_store(e->nest, dtype, row_ptr(e, r), (uint8_t)(200 + r),
                    offset_within(e, index, g->inner), values[r], mask);
  }
}

static PjIndex element_at(const Stage *s, const PjIndex *outer, PjKirVal at) {
  PjIndex index = *outer;
  const PjLoop *last = &s->e->group->loops[s->inner[s->num_inner - 1]];
  index.p[index.n++] = (PjPiece){last->pos, last->extent, {.base = at, .step = 1}};
  return index;
}

static void take(Stage *s, PjAccumulators *acc, int copy, const PjIndex *outer, PjKirVal at,
                 PjKirVal mask) {
  PjIndex index = element_at(s, outer, at);
  PjElem values[PJ_MAX_ROOTS];
  pj_accumulators_take(s->e, acc, acc == &s->vec ? s->copy + copy : copy, &index, mask);
  stage_values(s, &index, mask, values);
  stage_stores(s, &index, values, mask);
  pj_nest_forget(s->e->nest);
}

// The vector at the end of a row that begins in the one before (PJ_ENDS_AGAIN).
typedef struct RowEnd {
  PjIndex index;
  PjElem values[PJ_MAX_ROOTS];
} RowEnd;

// Takes it in; the vectors of the row end at |whole|.
static void end_first(Stage *s, const PjIndex *outer, PjKirVal whole, PjKirVal end, RowEnd *last) {
  PjEmit *e = s->e;
  PjKir *k = e->k;
  const int lanes = e->group->lanes;
  PjKirVal at = pj_kir_sub(k, end, pj_kir_i64(k, lanes));
  pj_emit_lanes(e, lanes);
  last->index = element_at(s, outer, at);
  e->fresh = pj_emit_lanes_from(e, lanes, pj_kir_sub(k, whole, at));
  pj_accumulators_take(e, &s->vec, s->copy, &last->index, 0);
  e->fresh = 0;
  stage_values(s, &last->index, 0, last->values);
  pj_nest_forget(e->nest);
}

// Stores it, after them.
static void end_last(Stage *s, const RowEnd *last) {
  pj_emit_lanes(s->e, s->e->group->lanes);
  stage_stores(s, &last->index, last->values, 0);
}

enum {
  UNROLLED = 8, // turns of a short loop that are written out
  COPIES = 4,
  STREAMS = 4, // places that a long row is read in at a time
  MAX_COPIES = 8,
};

// for (i = begin; i < end; i += step) with the accumulators |acc| carried; |copies| vectors at a
// time, side by side or, with |streams|, in as many parts.
static void last_loop(Stage *s, PjAccumulators *acc, int lanes, int copies, int streams,
                      PjKirVal begin, PjKirVal end, const PjIndex *outer) {
  PjKir *k = s->e->k;
  PjKirVal init[PJ_MAX_CARRIED], args[PJ_MAX_CARRIED], away[STREAMS] = {0};
  const int beside = copies / streams;
  pj_emit_lanes(s->e, lanes);
  int64_t step = (int64_t)lanes * copies, trips = pj_emit_trips(s->e, begin, end, step, UNROLLED);
  for (int64_t t = 0; t < trips; t++)
    for (int c = 0; c < copies; c++)
      take(s, acc, c, outer, pj_kir_add(k, begin, pj_kir_i64(k, t * step + (int64_t)lanes * c)), 0);
  if (trips >= 0)
    return;
  if (streams > 1) {
    PjKirVal part =
        pj_kir_lshr(k, pj_kir_sub(k, end, begin), pj_kir_i64(k, __builtin_ctz((unsigned)streams)));
    end = pj_kir_add(k, begin, part);
    step = (int64_t)lanes * beside;
    for (int p = 1; p < streams; p++)
      away[p] = pj_kir_mul(k, part, pj_kir_i64(k, p));
    s->e->nest->streams = true;
  }
  uint32_t n = pj_accumulators_flatten(acc, init);
  PjKirVal i = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, step), n, init, args);
  pj_accumulators_unflatten(acc, args);
  for (int c = 0; c < copies; c++) {
    PjKirVal place = away[c / beside] ? pj_kir_add(k, i, away[c / beside]) : i;
    take(s, acc, c, outer, pj_kir_add(k, place, pj_kir_i64(k, (int64_t)lanes * (c % beside))), 0);
  }
  s->e->nest->streams = false;
  pj_accumulators_flatten(acc, init);
  pj_kir_for_end(k, n, init, args);
  pj_accumulators_unflatten(acc, args);
}

// ---- Where the largest element of a long row is

enum { SEARCH_BLOCK = 512, SEARCH_FROM = 16 * SEARCH_BLOCK }; // elements

// Whether stage |s| does nothing but look for the index of an extreme float in rows so long that
// few blocks of them hold a new one.
static bool is_search(const Stage *s) {
  const PjGroup *g = s->e->group;
  if (s->vec.num_roots != 1 || s->num_inner != 1 || s->copies == 1)
    return false;
  const PjReducer *r = &g->roots[s->vec.roots[0]].reducer;
  int64_t length = g->split > 1 ? g->split_size : g->loops[s->inner[0]].extent;
  return r->by_index && length >= SEARCH_FROM &&
         pj_dtype_is_float(r->op->operands[1 - r->index]->type->dtype);
}

// The extreme elements of a block, lane by lane, without NaN, and where there was one.
typedef struct Extreme {
  PjKirVal value, nan;
} Extreme;

static Extreme extreme_of(Stage *s, const PjReducer *r, PjKirVal best, PjKirVal begin, PjKirVal end,
                          const PjIndex *outer) {
  PjEmit *e = s->e;
  PjKir *k = e->k;
  const PjLoop *last = &e->group->loops[s->inner[0]];
  PjKirOp op = r->largest ? PJ_KIR_FMAX : PJ_KIR_FMIN;
  int lanes = e->group->lanes, copies = s->copies;
  PjKirVal carried[PJ_MAX_CARRIED], args[PJ_MAX_CARRIED];
  for (int c = 0; c < copies; c++)
    carried[c] = best;
  carried[copies] = pj_kir_const(k, PJ_KIR_T(I1, lanes), 0);
  uint32_t n = (uint32_t)copies + 1;
  PjKirVal i =
      pj_kir_for_begin(k, begin, end, pj_kir_i64(k, (int64_t)lanes * copies), n, carried, args);
  PjKirVal nan = args[copies];
  for (int c = 0; c < copies; c++) {
    PjIndex index = *outer;
    PjKirVal at = c ? pj_kir_add(k, i, pj_kir_i64(k, (int64_t)lanes * c)) : i;
    index.p[index.n++] = (PjPiece){last->pos, last->extent, {.base = at, .step = 1}};
    PjElem x =
        pj_nest_splat(e->nest, pj_nest_value(e->nest, r->op->operands[1 - r->index], &index, 0));
    carried[c] = pj_kir_2(k, op, x.re, args[c]); // that of before if x is NaN
    nan = pj_kir_or(k, nan, pj_kir_2(k, PJ_KIR_UNO, x.re, x.re));
    pj_nest_forget(e->nest);
  }
  carried[copies] = nan;
  pj_kir_for_end(k, n, carried, args);
  for (int half = copies / 2; half > 0; half /= 2)
    for (int c = 0; c < half; c++)
      args[c] = pj_kir_2(k, op, args[c], args[c + half]);
  return (Extreme){args[0], args[copies]};
}

// As last_loop over whole vectors: blocks that hold a NaN or something beyond the best so far are
// taken in, the others cannot change the result, for of equal elements the first counts. The first
// block is taken in always.
static void search_loop(Stage *s, PjKirVal begin, PjKirVal end, const PjIndex *outer) {
  PjEmit *e = s->e;
  PjKir *k = e->k;
  const PjReducer *r = &e->group->roots[s->vec.roots[0]].reducer;
  PjKirOp op = r->largest ? PJ_KIR_FMAX : PJ_KIR_FMIN;
  int lanes = e->group->lanes;
  PjKirVal init[PJ_MAX_CARRIED], args[PJ_MAX_CARRIED], taken[PJ_MAX_CARRIED];
  pj_emit_lanes(e, lanes);
  uint32_t n = pj_accumulators_flatten(&s->vec, init);
  init[n] = init[1 - r->index]; // of the best, in all lanes
  PjKirVal block = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, SEARCH_BLOCK), n + 1, init, args);
  PjKirVal block_end =
      pj_kir_2(k, PJ_KIR_SMIN, pj_kir_add(k, block, pj_kir_i64(k, SEARCH_BLOCK)), end);
  PjKirVal best = args[n];
  Extreme found = extreme_of(s, r, best, block, block_end, outer);
  PjKirVal beyond =
      r->largest ? pj_kir_flt(k, best, found.value) : pj_kir_flt(k, found.value, best);
  PjKirVal any = pj_kir_reduce_lanes(k, PJ_KIR_OR, pj_kir_or(k, beyond, found.nan));
  pj_kir_if_begin(k, pj_kir_or(k, any, pj_kir_eq(k, block, begin)));
  pj_accumulators_unflatten(&s->vec, args);
  last_loop(s, &s->vec, lanes, s->copies, 1, block, block_end, outer);
  pj_accumulators_flatten(&s->vec, taken);
  taken[n] = pj_kir_splat(k, pj_kir_reduce_lanes(k, op, found.value), lanes);
  pj_kir_if_else(k, n + 1, taken);
  pj_kir_if_end(k, n + 1, args, taken);
  pj_kir_for_end(k, n + 1, taken, args);
  pj_accumulators_unflatten(&s->vec, args);
}

// Whether what the last loop reads is long enough to be read in several places at a time. A
// processor fetches ahead only so much of each stream that it sees, less than memory (on some, also
// the last cache) can deliver; with parts of a page or more it sees several.
static bool is_streams(const Stage *s, const PjLoop *last) {
  enum { PAGE = 4096 };
  const PjGroup *g = s->e->group;
  if (!g->plain || last->pos != 1)
    return false;
  int64_t length = g->split > 1 && s->num_inner == 1 ? g->split_size : last->extent, widest = 0;
  for (uint32_t i = 0; i < s->vec.num_roots; i++) {
    const PjReducer *r = &g->roots[s->vec.roots[i]].reducer;
    for (uint32_t o = 0; o < r->count; o++) {
      int64_t bytes = (int64_t)pj_dtype_bytes(r->op->operands[o]->type->dtype);
      widest = bytes > widest ? bytes : widest;
    }
  }
  return length * widest >= STREAMS * PAGE &&
         g->count * widest * g->inputs > s->e->k->target->streamed_bytes;
}

static void pieces_loop(Stage *s, int level, const PjIndex *outer, PjKirVal begin, PjKirVal end,
                        int pieces);

static void stage_loop(Stage *s, int level, const PjIndex *outer) {
  PjEmit *e = s->e;
  PjKir *k = e->k;
  const PjLoop *loop = &e->group->loops[s->inner[level]];
  PjKirVal begin = pj_kir_i64(k, 0), end = pj_ix_number(&e->nest->ix, loop->extent);
  if (level == 0 && s->first_begin) {
    begin = s->first_begin;
    end = s->first_end;
  }
  if (level == s->num_inner - 1) {
    int lanes = e->group->lanes;
    PjKirVal whole = end;
    if (s->vector) {
      // Whether a row is one vector is part of the code.
      bool one = loop->extent < 2 * (int64_t)lanes && !(level == 0 && s->first_begin);
      whole = one                               ? pj_kir_i64(k, loop->extent < lanes ? 0 : lanes)
              : s->tail || loop->extent % lanes ? pj_emit_whole(e, begin, end, lanes)
                                                : end;
      PjKirVal at = begin;
      RowEnd last;
      if (s->ends == PJ_ENDS_AGAIN && !s->in_order)
        end_first(s, outer, whole, end, &last);
      if (s->copies > 1) {
        PjKirVal many = loop->extent % (lanes * s->copies)
                            ? pj_emit_whole(e, begin, end, lanes * s->copies)
                            : end;
        if (is_search(s))
          search_loop(s, begin, many, outer);
        else
          last_loop(s, &s->vec, lanes, s->copies, s->streams, begin, many, outer);
        at = many;
      }
      if (s->copies == 1 || loop->extent % (lanes * s->copies))
        last_loop(s, &s->vec, lanes, 1, 1, at, whole, outer);
      if (s->ends == PJ_ENDS_AGAIN && s->in_order) // there is nothing to store
        end_first(s, outer, whole, end, &last);
      else if (s->ends == PJ_ENDS_AGAIN)
        end_last(s, &last);
      if (s->ends == PJ_ENDS_MASKED) {
        pj_emit_lanes(e, lanes);
        take(s, &s->vec, 0, outer, whole, pj_emit_mask(e, lanes, pj_kir_sub(k, end, whole)));
      }
    }
    if (s->tail)
      last_loop(s, &s->one, 1, 1, 1, s->vector ? whole : begin, end, outer);
    return;
  }
  if (level == s->num_inner - 2 && s->pieces > 1) {
    PjKirVal many = loop->extent % s->pieces || (level == 0 && s->first_begin)
                        ? pj_emit_whole(e, begin, end, s->pieces)
                        : end;
    pieces_loop(s, level, outer, begin, many, s->pieces);
    if (many == end)
      return;
    begin = many;
  }
  pieces_loop(s, level, outer, begin, end, 1);
}

static void pieces_loop(Stage *s, int level, const PjIndex *outer, PjKirVal begin, PjKirVal end,
                        int pieces) {
  PjKir *k = s->e->k;
  const PjLoop *loop = &s->e->group->loops[s->inner[level]];
  PjKirVal init[2 * PJ_MAX_CARRIED], args[2 * PJ_MAX_CARRIED];
  uint32_t n = s->vector ? pj_accumulators_flatten(&s->vec, init) : 0, v = n;
  if (s->tail)
    n += pj_accumulators_flatten(&s->one, init + v);
  PjKirVal i = pj_kir_for_begin(k, begin, end, pj_kir_i64(k, pieces), n, init, args);
  pj_accumulators_unflatten(&s->vec, args);
  pj_accumulators_unflatten(&s->one, args + v);
  for (s->copy = 0; s->copy < pieces; s->copy++) {
    PjIndex index = *outer;
    PjKirVal at = s->copy ? pj_kir_add(k, i, pj_kir_i64(k, s->copy)) : i;
    index.p[index.n++] = (PjPiece){loop->pos, loop->extent, pj_ix_uniform(at)};
    stage_loop(s, level + 1, &index);
  }
  s->copy = 0;
  if (s->vector)
    pj_accumulators_flatten(&s->vec, init);
  if (s->tail)
    pj_accumulators_flatten(&s->one, init + v);
  pj_kir_for_end(k, n, init, args);
  pj_accumulators_unflatten(&s->vec, args);
  pj_accumulators_unflatten(&s->one, args + v);
}

// How many vectors the last loop takes at a time: several where it only adds up what is cheap to
// compute. Where it is too short for that, the loop before it takes several turns at a time.
static void choose_copies(Stage *s, const PjLoop *last, uint32_t reduced) {
  const PjGroup *g = s->e->group;
  s->copies = s->pieces = 1;
  for (uint32_t r = 0; r < g->num_roots; r++)
    if (g->roots[r].role == PJ_ROOT_ELEMENTS && g->roots[r].stage == s->number)
      return;
  if (g->cost > 1.5 || reduced > 2)
    return;
  if (last->extent >= 8 * (int64_t)g->lanes)
    s->copies = COPIES;
  else if (s->vector && s->num_inner > 1 &&
           g->loops[s->inner[s->num_inner - 2]].extent >= 4 * COPIES)
    s->pieces = COPIES;
}

// Runs stage |number| and binds the results of its reductions. False: out of room.
static bool run_stage(PjEmit *e, int number, const PjIndex *outer, PjKirVal first_begin,
                      PjKirVal first_end, PjKirVal part) {
  const PjGroup *g = e->group;
  Stage s = {.e = e, .number = number, .first_begin = first_begin, .first_end = first_end};
  for (int i = 0; i < g->num_loops; i++)
    if (g->loops[i].inner)
      s.inner[s.num_inner++] = i;
  const PjLoop *last = &g->loops[s.inner[s.num_inner - 1]];
  bool ordered = false;
  for (uint32_t r = 0; r < g->num_roots; r++)
    ordered |= g->roots[r].role == PJ_ROOT_REDUCE && g->roots[r].reducer.ordered;
  s.ends = ordered ? PJ_ENDS_SINGLE : pj_group_ends(g, e->k->target);
  bool elements = false;
  for (uint32_t r = 0; r < g->num_roots; r++) {
    const PjRoot *root = &g->roots[r];
    elements |= is_element(&s, r);
    s.in_order |= root->role == PJ_ROOT_REDUCE && root->stage == number && root->reducer.by_index;
  }
  if (s.in_order && elements && s.ends == PJ_ENDS_AGAIN)
    s.ends = PJ_ENDS_SINGLE;
  s.vector = !ordered && (s.ends == PJ_ENDS_MASKED || last->extent >= g->lanes);
  s.tail = !s.vector || (s.ends == PJ_ENDS_SINGLE && last->extent % g->lanes);
  for (uint32_t r = 0; r < g->num_roots; r++)
    if (g->roots[r].role == PJ_ROOT_REDUCE && g->roots[r].stage == number) {
      s.vec.roots[s.vec.num_roots++] = r;
      s.one.roots[s.one.num_roots++] = r;
    }
  choose_copies(&s, last, s.vec.num_roots);
  s.vec.copies = s.one.copies = 1;
  s.streams = 1;
  if (s.vector && s.copies > 1 && !is_search(&s) && is_streams(&s, last)) {
    // Two vectors of a place at a time, if the accumulators stay in registers.
    s.streams = STREAMS;
    s.copies = s.vec.num_roots == 1 ? 2 * STREAMS : STREAMS;
  }
  pj_emit_lanes(e, 1);
  if ((s.vector && !pj_accumulators_begin(e, &s.vec, s.copies * s.pieces, g->lanes)) ||
      (s.tail && !pj_accumulators_begin(e, &s.one, 1, 1)))
    return false;
  for (uint32_t i = 0; s.vector && g->lanes > 1 && i < s.vec.num_roots; i++) {
    const PjReducer *r = &g->roots[s.vec.roots[i]].reducer;
    if (pj_reducer_keeps_signs(r))
      pj_reducer_begin_signs(r, e->nest, pj_accumulators_of(e, &s.vec, 0, i));
  }
  stage_loop(&s, 0, outer);
  pj_emit_lanes(e, 1);
  if (s.vector)
    pj_accumulators_merge(e, &s.vec, 1);
  for (uint32_t i = 0; i < s.one.num_roots; i++) {
    uint32_t number_of_root = s.one.roots[i];
    const PjRoot *root = &g->roots[number_of_root];
    const PjReducer *r = &root->reducer;
    PjElem *sum =
        s.vector ? pj_accumulators_of(e, &s.vec, 0, i) : pj_accumulators_of(e, &s.one, 0, i);
    if (s.vector) {
      pj_reducer_lanes(r, e->nest, sum);
      if (s.tail)
        pj_reducer_combine(r, e->nest, sum, pj_accumulators_of(e, &s.one, 0, i));
    }
    PjIndex kept = pj_emit_kept(g, outer);
    PjIx at = pj_ix_offset(&e->nest->ix, &kept);
    if (part)
      at = pj_ix_add(&e->nest->ix, at, pj_ix_scale(&e->nest->ix, pj_ix_uniform(part), g->outer));
    else
      pj_reducer_finish(r, e->nest, sum);
    for (uint32_t o = 0; o < r->count; o++) {
      PjDtype dtype = part ? pj_reducer_dtype(r, o) : root->op->results[o].type->dtype;
      if (root->stored || part)
        pj_emit_store(e, number_of_root, o, dtype, at, sum[o], 0);
      PjPlace place = {.kind = PJ_PLACE_VALUE, .value = sum[o]};
      pj_nest_bind(e->nest, &root->op->results[o], &place);
    }
  }
  return true;
}

void pj_emit_rows(PjEmit *e, PjKirVal begin, PjKirVal end) {
  const PjGroup *g = e->group;
  PjKir *k = e->k;
  bool once = pj_emit_trips(e, begin, end, 1, 1) == 1;
  PjKirVal unit = once ? begin : pj_kir_for_begin(k, begin, end, pj_kir_i64(k, 1), 0, NULL, NULL);
  PjKirVal row = unit, part = 0, first_begin = 0, first_end = 0;
  if (g->split > 1) {
    const PjLoop *first = g->loops;
    while (!first->inner)
      first++;
    PjKirVal fast = pj_ix_number(&e->nest->ix, g->apart ? g->outer : g->split),
             size = pj_ix_number(&e->nest->ix, g->split_size);
    row = pj_kir_2(k, g->apart ? PJ_KIR_UREM : PJ_KIR_UDIV, unit, fast);
    part = pj_kir_2(k, g->apart ? PJ_KIR_UDIV : PJ_KIR_UREM, unit, fast);
    first_begin = pj_kir_mul(k, part, size);
    first_end = pj_kir_2(k, PJ_KIR_SMIN, pj_kir_add(k, first_begin, size),
                         pj_ix_number(&e->nest->ix, first->extent));
  }
  PjIndex outer = {0};
  pj_emit_outer(e, row, g->loops, g->num_loops, &outer);
  for (int s = 0; s < g->num_stages && !e->nest->failed; s++) {
    if (!run_stage(e, s, &outer, first_begin, first_end, part)) {
      e->nest->failed = "too many reductions in one loop";
      break;
    }
    for (uint32_t r = 0; r < g->num_roots; r++) {
      const PjRoot *root = &g->roots[r];
      if (root->role != PJ_ROOT_ELEMENTS || root->stage != s || !root->reused)
        continue;
      PjPlace place = {.kind = PJ_PLACE_MEMORY,
                       .ptr = root->stored ? e->out[r].ptr[0] : row_ptr(e, r),
                       .row = root->stored ? 0 : g->inner,
                       .alias = root->stored ? e->out[r].alias[0] : (uint8_t)(200 + r)};
      pj_nest_bind(e->nest, &root->op->results[0], &place);
    }
  }
  pj_emit_lanes(e, 1);
  PjIndex kept = pj_emit_kept(g, &outer);
  for (uint32_t r = 0; r < g->num_roots && !e->nest->failed; r++)
    if (g->roots[r].role == PJ_ROOT_PER_ROW && g->roots[r].stored)
      pj_emit_store(e, r, 0, g->roots[r].op->results[0].type->dtype,
                    pj_ix_offset(&e->nest->ix, &kept),
                    pj_nest_value(e->nest, &g->roots[r].op->results[0], &kept, 0), 0);
  pj_nest_forget(e->nest);
  if (!once)
    pj_kir_for_end(k, 0, NULL, NULL);
}

// The gradient of attention in strips: some queries with all keys. Scores and weights' gradients of
// a strip are tiles [key][query], one for each sliver of queries, so that softmax runs across
// vectors. Of the products with those, the one that makes dq has queries as its rows, whose numbers
// stand beside each other in a tile; those that add to dk and dv have keys, and read their rows.
// What they multiply lies in rows too, so of all that comes in only q and dout are turned as well.
//
//   memory of a task: k, v, dk and dv; two tiles for each sliver of a strip
//
// A task is one batch, or a group of its strips where batches are few: then each group has its own
// dk and dv, added up in order. The number of groups follows from sizes alone.
#include <float.h>
#include <string.h>

#include "eval/strided.h"
#include "routine/attention_scores.h"

enum {
  STRIP_BYTES = 256 << 10, // of tiles
  LEAST_SLIVERS = 2,       // of a strip: longer sums for dk and dv
  MOST_SLIVERS = 8,
  TASKS = 8,     // that are wanted
  ADD_KEYS = 32, // of groups that are added up in one part
};

typedef struct Plan {
  PjRoutine routine;
  PjScores s;
  PjAttentionGradient g;
  PjPanel q, d;    // slivers of queries
  int64_t slivers; // of a strip
  int64_t strips, groups, group_strips;
  int64_t batches;
  int64_t up_keys;                // rounded up to tiles
  int64_t wide_depth, wide_width; // rounded up to vectors: rows
} Plan;

typedef struct Run {
  const Plan *plan;
  const void *const *in;
  void *const *out;
  char *scratch;
} Run;

typedef struct Space {
  char *temp;
  float *q, *d, *q_rows, *d_rows; // of a strip
  float *k, *v;
  float *weights, *changes; // [sliver][key][query]
  float *more, *sums, *most;
  float *dk, *dv; // [key][depth], [key][width]
} Space;

static size_t floats(int64_t count) {
  return pj__scratch_round((size_t)count * sizeof(float));
}

static size_t made_bytes(const Plan *p) { // dk and dv of a task
  return floats(p->up_keys * p->wide_depth) + floats(p->up_keys * p->wide_width);
}

// Lays out |at|, or, if that is NULL, only counts. Returns the bytes.
static size_t lay_out(const Plan *p, char *at, Space *out) {
  const int64_t nr = p->s.micro->nr, depth = p->s.a.depth, width = p->s.a.width,
                rows = p->slivers * nr;
  size_t used = PJ_PACK_TEMP;
  out->temp = at;
#define TAKE(NAME, COUNT)                       \
  out->NAME = at ? (float *)(at + used) : NULL; \
  used += floats(COUNT)
  TAKE(q, rows * depth);
  TAKE(d, rows * width);
  TAKE(q_rows, rows * p->wide_depth);
  TAKE(d_rows, rows * p->wide_width);
  TAKE(k, p->up_keys * p->wide_depth);
  TAKE(v, p->up_keys * p->wide_width);
  TAKE(weights, rows * p->up_keys);
  TAKE(changes, rows * p->up_keys);
  TAKE(more, pj__max(p->up_keys * nr, pj__max(depth, width)));
  TAKE(sums, nr * p->wide_depth);
  TAKE(most, nr);
#undef TAKE
  out->dk = at ? (float *)(at + used) : NULL;
  out->dv = at ? (float *)(at + used + floats(p->up_keys * p->wide_depth)) : NULL;
  return used + (p->groups == 1 ? made_bytes(p) : 0);
}

static char *batch_of(const Run *run, const PjScorePart *part, int which,
                      const PjAttentionArray *array) {
  return (char *)pj__scores_array(&run->plan->s, part, run->out[which], array);
}

// ---- one strip
// Packs queries [row, row + rows).
static void pack_strip(const Run *run, const PjScorePart *part, const Space *s) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->s.a;
  const int nr = p->s.micro->nr;
  const int64_t depth = a->depth, width = a->width;
  const char *q = pj__scores_array(&p->s, part, run->in[0], &a->q),
             *d = pj__scores_array(&p->s, part, run->in[3], &a->out);
  const int64_t slivers = pj__divide_up(part->rows, nr), behind = slivers * nr - part->rows;
  p->q.pack(&p->q, q, part->row, part->rows, 0, depth, nr, s->q, nr * depth, s->temp);
  p->d.pack(&p->d, d, part->row, part->rows, 0, width, nr, s->d, nr * width, s->temp);
  if (p->s.scale != 1)
    p->s.loops->scale(slivers * nr * depth, p->s.scale, s->q);
  pj__scores_rows(&p->s, &a->q, q, part->row, part->rows, depth, p->wide_depth, s->q_rows, s->more);
  pj__scores_rows(&p->s, &a->out, d, part->row, part->rows, width, p->wide_width, s->d_rows,
                  s->more);
  // Queries behind the last one add nothing.
  memset(s->q_rows + part->rows * p->wide_depth, 0,
         (size_t)(behind * p->wide_depth) * sizeof(float));
  memset(s->d_rows + part->rows * p->wide_width, 0,
         (size_t)(behind * p->wide_width) * sizeof(float));
}

// Weights and the gradient of scores, of sliver |i| and |n| keys; its queries' dq. With |skip|, the
// keys behind are hidden ones; false if they may not be left out.
static bool do_sliver(const Run *run, const PjScorePart *part, const Space *s, int64_t i, int64_t n,
                      bool skip) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->s.a;
  const PjAttentionLoops *loops = p->s.loops;
  const int nr = p->s.micro->nr, rows = loops->tile_rows;
  const int64_t depth = a->depth, width = a->width, lanes = pj__min(nr, part->rows - i * nr),
                row = part->row + i * nr;
  float *weights = s->weights + i * p->up_keys * nr, *changes = s->changes + i * p->up_keys * nr;
  // How many keys the first query sees; tiles of which the first half of them sees nothing.
  const int64_t seen = skip ? row + a->steps[p->s.causal].offset + 1 : n,
                half = pj__max(0, skip ? seen + nr / 2 - 1 : n),
                all = pj__min(n, pj__divide_up(half, rows) * rows);
  const float *q = s->q + i * nr * depth, *d = s->d + i * nr * width;
  loops->score(all, depth, s->k, p->wide_depth, q, false, weights);
  loops->score(all, width, s->v, p->wide_width, d, false, changes);
  loops->score(n - all, depth, s->k + all * p->wide_depth, p->wide_depth, q, true,
               weights + all * nr);
  loops->score(n - all, width, s->v + all * p->wide_width, p->wide_width, d, true,
               changes + all * nr);
  pj__scores_apply(&p->s, run->in, part, 0, n, row, lanes, weights, s->more, s->temp);
  loops->differentiate(n, p->g.factor, weights, changes, s->most);
  if (p->g.hides)
    pj__scores_hide(&p->s, run->in, part, 0, n, row, lanes, changes);
  if (skip && !pj__scores_hidden_weigh_nothing(&p->s, lanes, s->most))
    return false;
  for (int r = 0; r < nr; r += rows)
    loops->add_values(skip ? pj__max(0, pj__min(n, seen + r + rows - 1)) : n, depth, changes + r,
                      s->k, p->wide_depth, NULL, s->sums + r * p->wide_depth, p->wide_depth);
  const PjAttentionArray *dq = &p->g.dq;
  const int64_t step = dq->row * (int64_t)pj_dtype_bytes(dq->dtype);
  char *to = batch_of(run, part, 0, dq) + row * step;
  for (int64_t r = 0; r < lanes; ++r, to += step)
    pj__scores_store_row(dq, depth, s->sums + r * p->wide_depth, s->temp, to);
  return true;
}

// Adds what the slivers give to dk and dv. |counts|: the keys of each, which do not fall.
static void add_strip(const Plan *p, const Space *s, int64_t slivers, const int64_t *counts) {
  const PjAttentionLoops *loops = p->s.loops;
  const int nr = p->s.micro->nr;
  const int64_t depth = p->wide_depth, width = p->wide_width, sliver = p->up_keys * nr;
  int64_t first = 0;
  for (int64_t j = 0; j < counts[slivers - 1]; j += loops->tile_rows) {
    while (counts[first] <= j)
      ++first;
    const int64_t at = first * sliver + j * nr, query = first * nr;
    loops->add_queries(slivers - first, p->s.a.depth, s->changes + at, sliver,
                       s->q_rows + query * depth, depth, s->dk + j * depth, depth);
    loops->add_queries(slivers - first, p->s.a.width, s->weights + at, sliver,
                       s->d_rows + query * width, width, s->dv + j * width, width);
  }
}

// ---- tasks
// The strips of |part|, a group of rows. With |skip| hidden keys are left out; false if they may
// not be.
static bool differentiate(const Run *run, const PjScorePart *part, const Space *s, bool skip) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->s.a;
  const int nr = p->s.micro->nr, rows = p->s.loops->tile_rows;
  const char *k = pj__scores_array(&p->s, part, run->in[1], &a->k),
             *v = pj__scores_array(&p->s, part, run->in[2], &a->v);
  pj__scores_rows(&p->s, &a->k, k, 0, a->keys, a->depth, p->wide_depth, s->k, s->more);
  pj__scores_rows(&p->s, &a->v, v, 0, a->keys, a->width, p->wide_width, s->v, s->more);
  if (skip && !p->s.loops->finite(a->keys * p->wide_depth, s->k))
    return false;
  memset(s->dk, 0, (size_t)(p->up_keys * p->wide_depth) * sizeof *s->dk);
  memset(s->dv, 0, (size_t)(p->up_keys * p->wide_width) * sizeof *s->dv);
  const double most = skip ? (double)p->s.loops->largest(p->up_keys * p->wide_width, s->v) : 0;
  PjScorePart strip = *part;
  for (; strip.row < part->row + part->rows; strip.row += strip.rows) {
    strip.rows = pj__min(p->slivers * nr, part->row + part->rows - strip.row);
    pack_strip(run, &strip, s);
    const int64_t slivers = pj__divide_up(strip.rows, nr);
    if (skip &&
        !(most * (double)p->s.loops->largest(slivers * nr * a->width, s->d) * (double)a->width <
          FLT_MAX))
      return false;
    int64_t counts[MOST_SLIVERS];
    for (int64_t i = 0; i < slivers; ++i) {
      const int64_t last = strip.row + pj__min((i + 1) * nr, strip.rows) - 1;
      counts[i] = a->keys;
      if (skip) // up to the last key that a query sees, in whole tiles
        counts[i] =
            pj__min(a->keys, pj__divide_up(last + a->steps[p->s.causal].offset + 1, rows) * rows);
      if (counts[i] <= 0 || !do_sliver(run, &strip, s, i, counts[i], skip))
        return false;
    }
    add_strip(p, s, slivers, counts);
  }
  return true;
}

// Keys [first, last) of dk and dv.
static void store_keys(const Run *run, const PjScorePart *part, int64_t first, int64_t last,
                       const float *dk, const float *dv, char *temp) {
  const Plan *p = run->plan;
  const PjAttentionArray *k = &p->g.dk, *v = &p->g.dv;
  const int64_t k_bytes = (int64_t)pj_dtype_bytes(k->dtype),
                v_bytes = (int64_t)pj_dtype_bytes(v->dtype);
  char *to_k = batch_of(run, part, 1, k), *to_v = batch_of(run, part, 2, v);
  for (int64_t j = first; j < last; ++j) {
    pj__scores_store_row(k, p->s.a.depth, dk + j * p->wide_depth, temp,
                         to_k + j * k->row * k_bytes);
    pj__scores_store_row(v, p->s.a.width, dv + j * p->wide_width, temp,
                         to_v + j * v->row * v_bytes);
  }
}

static void run_groups(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Plan *p = run->plan;
  Space s;
  lay_out(p, pj__thread_scratch(&p->routine, run->scratch, thread), &s);
  for (int64_t task = begin; task < end; ++task) {
    const PjScorePart part =
        pj__scores_part(&p->s, task, p->groups, p->group_strips * p->slivers * p->s.micro->nr);
    if (p->groups > 1) {
      s.dk = (float *)(run->scratch + (size_t)task * made_bytes(p));
      s.dv = (float *)((char *)s.dk + floats(p->up_keys * p->wide_depth));
    }
    if (p->s.causal < 0 || !differentiate(run, &part, &s, true))
      differentiate(run, &part, &s, false);
    if (p->groups == 1)
      store_keys(run, &part, 0, p->s.a.keys, s.dk, s.dv, s.temp);
  }
}

// Adds up what the groups of a batch have made, into the first one's.
static void add_groups(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Plan *p = run->plan;
  const int64_t parts = pj__divide_up(p->s.a.keys, ADD_KEYS);
  char *temp = pj__thread_scratch(&p->routine, run->scratch, thread);
  for (; begin < end; ++begin) {
    const PjScorePart part = pj__scores_part(&p->s, begin / parts * p->groups, p->groups, 1);
    const int64_t first = begin % parts * ADD_KEYS, last = pj__min(first + ADD_KEYS, p->s.a.keys);
    float *dk = (float *)(run->scratch + (size_t)(begin / parts * p->groups) * made_bytes(p));
    float *dv = (float *)((char *)dk + floats(p->up_keys * p->wide_depth));
    for (int64_t g = 1; g < p->groups; ++g) {
      const size_t step = (size_t)g * made_bytes(p) / sizeof(float);
      for (int64_t i = first * p->wide_depth; i < last * p->wide_depth; ++i)
        dk[i] += dk[step + (size_t)i];
      for (int64_t i = first * p->wide_width; i < last * p->wide_width; ++i)
        dv[i] += dv[step + (size_t)i];
    }
    store_keys(run, &part, first, last, dk, dv, temp);
  }
}

static PjStatus run_gradient(const PjRoutine *self, PjThreads *threads, const void *const *in,
                             void *const *out, void *scratch) {
  const Plan *p = (const Plan *)self;
  Run run = {.plan = p, .in = in, .out = out, .scratch = scratch};
  const int64_t tasks = p->batches * p->groups, parts = pj__divide_up(p->s.a.keys, ADD_KEYS);
  pj_threads_for(threads, tasks, pj__grain(tasks, self->flops / (double)tasks / 16), run_groups,
                 &run);
  if (p->groups > 1)
    pj_threads_for(threads, p->batches * parts,
                   pj__grain(p->batches * parts, (double)(p->groups * ADD_KEYS) *
                                                     (double)(p->wide_depth + p->wide_width)),
                   add_groups, &run);
  return PJ_STATUS_OK;
}

// ---- plan
const PjRoutine *pj_routine_attention_gradient(PjArena *arena, const PjAttentionGradient *what) {
  const PjAttention *a = &what->of;
  Plan *p = PJ_NEW(arena, Plan);
  *p = (Plan){.g = *what};
  if (!pj__scores_init(&p->s, a, 4) ||
      !pj__scores_panel(&p->q, a->q.dtype, false, a->q.row, a->q.col) ||
      !pj__scores_panel(&p->d, a->out.dtype, false, a->out.row, a->out.col))
    return NULL;
  const int64_t rows = p->s.loops->tile_rows, nr = p->s.micro->nr,
                slivers = pj__divide_up(a->rows, nr);
  p->up_keys = pj__divide_up(a->keys, rows) * rows;
  p->wide_depth = pj__divide_up(a->depth, nr) * nr;
  p->wide_width = pj__divide_up(a->width, nr) * nr;
  const int64_t fit = STRIP_BYTES / (p->up_keys * nr * (int64_t)(2 * sizeof(float)));
  p->slivers = pj__min(slivers, pj__max(LEAST_SLIVERS, pj__min(MOST_SLIVERS, fit)));
  p->strips = pj__divide_up(slivers, p->slivers);
  p->batches = 1;
  for (int32_t d = 0; d < a->num_batch; ++d)
    p->batches *= a->batch[d];
  p->groups = pj__min(p->strips, pj__divide_up(TASKS, p->batches));
  p->group_strips = pj__divide_up(p->strips, p->groups);
  p->groups = pj__divide_up(p->strips, p->group_strips);
  Space unused;
  p->routine = (PjRoutine){.name = "attention_gradient",
                           .run = run_gradient,
                           .in_place = -1,
                           .scratch_bytes =
                               p->groups > 1 ? (size_t)(p->batches * p->groups) * made_bytes(p) : 0,
                           .thread_scratch_bytes = lay_out(p, NULL, &unused)};
  const double scores = (double)p->batches * (double)a->rows * (double)a->keys;
  p->routine.flops =
      scores * (double)(6 * a->depth + 4 * a->width + 24) / (p->s.causal < 0 ? 1 : 2);
  p->routine.bytes = (double)p->batches * (double)(2 * a->rows + 2 * a->keys) *
                     (double)(a->depth + a->width) * (double)sizeof(float);
  return &p->routine;
}

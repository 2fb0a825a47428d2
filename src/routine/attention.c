// Attention in blocks: some queries see the keys a block at a time, with weights relative to the
// largest score so far (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018;
// Dao et al., "FlashAttention", 2022).
//
// Scores are turned round: a tile of them is [key][query], so that what softmax sums lies across
// vectors and not along them. Keys are rows of that product, as they lie but for being brought
// together; of the second one, out = p v, queries are: their weights lie beside each other. So only
// q is turned. A tile of the keys' block and the queries of one sliver stays in the first cache;
// the blocks of k and v in the second.
//
// What a causal mask hides is not computed, if that makes no difference: its weights must be 0
// (the mask's value lies far below the largest score of every row), and what they multiply finite.
// Where it turns out otherwise, the queries are done again with all keys.
#include <math.h>
#include <string.h>

#include "routine/attention_scores.h"

enum {
  KEYS = 384,     // of a block; a multiple of every tile's rows
  SLIVERS = 16,   // of queries that use a block together
  TASKS_EACH = 4, // wanted for each thread
};

typedef struct Plan {
  PjRoutine routine;
  PjScores s;
  PjPanel q;
  int64_t keys;     // of a block
  int64_t slivers;  // that use it, at most
  int64_t up_width; // rounded up to nr
  size_t q_bytes, k_bytes, v_bytes, sums_bytes, tile_bytes, more_bytes, lanes_bytes; // of a thread
} Plan;

typedef struct Run {
  const Plan *plan;
  const void *const *in;
  char *out, *scratch;
  int64_t parts, slivers; // into which queries are cut
} Run;

typedef struct Space {
  char *temp;
  float *q, *k, *v;
  float *sums; // [query][width]
  float *tile; // [key][query]
  float *more; // the same, of what is added; or a row of k
  float *most, *sum, *factor;
} Space;

static Space space(const Run *run, int thread) {
  const Plan *p = run->plan;
  char *at = pj__thread_scratch(&p->routine, run->scratch, thread);
  Space s = {.temp = at};
  s.q = (float *)(at += PJ_PACK_TEMP);
  s.k = (float *)(at += p->q_bytes);
  s.v = (float *)(at += p->k_bytes);
  s.sums = (float *)(at += p->v_bytes);
  s.tile = (float *)(at += p->sums_bytes);
  s.more = (float *)(at += p->tile_bytes);
  s.most = (float *)(at += p->more_bytes);
  s.sum = s.most + p->slivers * p->s.micro->nr;
  s.factor = s.sum + p->slivers * p->s.micro->nr;
  return s;
}

// Keys from |key| on, |n| of them, for the queries of sliver |i|. With |skip| query r sees |seen| +
// r of them.
static void add_keys(const Run *run, const PjScorePart *part, const Space *s, int64_t key,
                     int64_t n, int64_t i, bool skip, int64_t seen) {
  const Plan *p = run->plan;
  const PjAttentionLoops *loops = p->s.loops;
  const int nr = p->s.micro->nr, rows = loops->tile_rows;
  const int64_t depth = p->s.a.depth, up = p->up_width;
  const float *q = s->q + i * nr * depth;
  // Tiles that the first half of the queries sees nothing of.
  const int64_t half = skip ? pj__max(0, seen + nr / 2 - 1) : n,
                all = pj__min(n, pj__divide_up(half, rows) * rows);
  loops->score(all, depth, s->k, depth, q, false, s->tile);
  if (all < n)
    loops->score(n - all, depth, s->k + all * depth, depth, q, true, s->tile + all * nr);
  pj__scores_apply(&p->s, run->in, part, key, n, part->row + i * nr,
                   pj__min(nr, part->rows - i * nr), s->tile, s->more, s->temp);
  float *sums = s->sums + i * nr * up;
  loops->weigh(n, s->tile, s->most + i * nr, s->sum + i * nr, s->factor);
  for (int r = 0; r < nr; r += rows)
    loops->add_values(skip ? pj__max(0, pj__min(n, seen + r + rows - 1)) : n, p->s.a.width,
                      s->tile + r, s->v, up, key > 0 ? s->factor + r : NULL, sums + r * up, up);
}

// The results of sliver |i|.
static void store(const Run *run, const PjScorePart *part, const Space *s, int64_t i) {
  const Plan *p = run->plan;
  const PjAttentionArray *out = &p->s.a.out;
  const int nr = p->s.micro->nr;
  const int64_t width = p->s.a.width, step = out->row * (int64_t)pj_dtype_bytes(out->dtype);
  char *row = (char *)pj__scores_array(&p->s, part, run->out, out) + (part->row + i * nr) * step;
  for (int64_t r = 0; r < pj__min(nr, part->rows - i * nr); ++r, row += step) {
    float *sums = s->sums + (i * nr + r) * p->up_width;
    p->s.loops->divide(width, s->sum[i * nr + r], sums);
    pj__scores_store_row(out, width, sums, s->temp, row);
  }
}

// One task. With |skip| hidden keys are left out; false if they may not be.
static bool attend(const Run *run, const PjScorePart *part, const Space *s, bool skip) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->s.a;
  const int nr = p->s.micro->nr;
  const int64_t slivers = pj__divide_up(part->rows, nr);
  const char *q = pj__scores_array(&p->s, part, run->in[0], &a->q),
             *k = pj__scores_array(&p->s, part, run->in[1], &a->k),
             *v = pj__scores_array(&p->s, part, run->in[2], &a->v);
  p->q.pack(&p->q, q, part->row, part->rows, 0, a->depth, nr, s->q, nr * a->depth, s->temp);
  if (p->s.scale != 1)
    p->s.loops->scale(slivers * nr * a->depth, p->s.scale, s->q);
  for (int64_t r = 0; r < slivers * nr; ++r) {
    s->most[r] = -INFINITY;
    s->sum[r] = 0;
  }
  bool hidden = false;
  for (int64_t key = 0; key < a->keys; key += p->keys) {
    const int64_t n = pj__min(p->keys, a->keys - key);
    // How many keys of the block the first and the last query see.
    const int64_t seen = skip ? part->row + a->steps[p->s.causal].offset + 1 - key : n;
    const int64_t seen_last = skip ? pj__min(n, seen + part->rows - 1) : n;
    pj__scores_rows(&p->s, &a->v, v, key, n, a->width, p->up_width, s->v, s->more);
    if (seen < n) {
      hidden = true;
      if (!p->s.loops->finite(p->up_width * n, s->v))
        return false;
    }
    if (seen_last <= 0)
      continue;
    pj__scores_rows(&p->s, &a->k, k, key, seen_last, a->depth, a->depth, s->k, s->more);
    for (int64_t i = 0; i < slivers; ++i) {
      const int64_t last = pj__min((i + 1) * nr, part->rows) - 1;
      const int64_t count = skip ? pj__min(n, seen + last) : n;
      if (count > 0)
        add_keys(run, part, s, key, count, i, skip, seen + i * nr);
    }
  }
  if (hidden && !pj__scores_hidden_weigh_nothing(&p->s, part->rows, s->most))
    return false;
  for (int64_t i = 0; i < slivers; ++i)
    store(run, part, s, i);
  return true;
}

static void run_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Plan *p = run->plan;
  const Space s = space(run, thread);
  const int64_t rows = run->slivers * p->s.micro->nr;
  for (int64_t task = begin; task < end; ++task) {
    const PjScorePart part = pj__scores_part(&p->s, task, run->parts, rows);
    if (p->s.causal < 0 || !attend(run, &part, &s, true))
      attend(run, &part, &s, false);
  }
}

static PjStatus run_attention(const PjRoutine *self, PjThreads *threads, const void *const *in,
                              void *const *out, void *scratch) {
  const Plan *p = (const Plan *)self;
  const int64_t slivers = pj__divide_up(p->s.a.rows, p->s.micro->nr);
  const int count = pj_threads_count(threads);
  int64_t batches = 1, each = p->slivers;
  for (int32_t d = 0; d < p->s.a.num_batch; ++d)
    batches *= p->s.a.batch[d];
  while (count > 1 && each > 2 && batches * pj__divide_up(slivers, each) < TASKS_EACH * count)
    each = pj__divide_up(each, 2);
  Run run = {.plan = p, .in = in, .out = out[0], .scratch = scratch};
  run.slivers = pj__divide_up(slivers, pj__divide_up(slivers, each)); // all about alike
  run.parts = pj__divide_up(slivers, run.slivers);
  const int64_t tasks = batches * run.parts;
  pj_threads_for(threads, tasks, pj__grain(tasks, self->flops / (double)tasks / 16), run_parts,
                 &run);
  return PJ_STATUS_OK;
}

// ---- plan
const PjRoutine *pj_routine_attention(PjArena *arena, const PjAttention *what) {
  const PjAttention *a = what;
  const PjRoutine *few = pj__attention_few(arena, what);
  if (few)
    return few;
  Plan *p = PJ_NEW(arena, Plan);
  *p = (Plan){0};
  if (!pj__scores_init(&p->s, a, 3) ||
      !pj__scores_panel(&p->q, a->q.dtype, false, a->q.row, a->q.col))
    return NULL;
  const int rows = p->s.loops->tile_rows, nr = p->s.micro->nr;
  const size_t number = sizeof(float);
  p->keys = pj__min(KEYS, pj__divide_up(a->keys, rows) * rows);
  p->slivers = pj__min(SLIVERS, pj__divide_up(a->rows, nr));
  p->up_width = pj__divide_up(a->width, nr) * nr;
  p->q_bytes = pj__scratch_round((size_t)(p->slivers * nr * a->depth) * number);
  p->k_bytes = pj__scratch_round((size_t)(p->keys * a->depth) * number);
  p->v_bytes = pj__scratch_round((size_t)(p->keys * p->up_width) * number);
  p->sums_bytes = pj__scratch_round((size_t)(p->slivers * p->up_width * nr) * number);
  p->tile_bytes = pj__scratch_round((size_t)(p->keys * nr) * number);
  p->more_bytes =
      pj__scratch_round((size_t)(pj__max(p->keys * nr, pj__max(a->depth, a->width))) * number);
  p->lanes_bytes = pj__scratch_round((size_t)((2 * p->slivers + 1) * nr) * number);
  p->routine = (PjRoutine){.name = "attention",
                           .run = run_attention,
                           .in_place = -1,
                           .thread_scratch_bytes = PJ_PACK_TEMP + p->q_bytes + p->k_bytes +
                                                   p->v_bytes + p->sums_bytes + p->tile_bytes +
                                                   p->more_bytes + p->lanes_bytes};
  double batches = 1;
  for (int32_t d = 0; d < a->num_batch; ++d)
    batches *= (double)a->batch[d];
  const double scores = batches * (double)a->rows * (double)a->keys;
  const double bytes =
      batches *
      ((double)(a->rows * (a->depth + a->width)) + (double)(a->keys * (a->depth + a->width))) *
      (double)number;
  p->routine.flops = scores * (double)(2 * (a->depth + a->width) + 16) / (p->s.causal < 0 ? 1 : 2);
  p->routine.bytes = bytes;
  return &p->routine;
}

// Attention in blocks: some queries see the keys a block at a time, with weights relative to the
// largest score so far (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018;
// Dao et al., "FlashAttention", 2022).
//
// Everything is turned round: a tile of scores is [key][query], as the packed product's kernel
// leaves it when keys are its rows and queries its columns. So what softmax sums lies across
// vectors and not along them, and a tile of weights is already packed as the second product, out^T
// = v^T p^T, wants its right operand. A tile of the keys' block and the queries of one sliver stays
// in the first cache; the blocks of k and v in the second.
//
// What a causal mask hides is not computed, if that makes no difference: its weights must be 0
// (the mask's value lies far below the largest score of every row), and what they multiply finite.
// Where it turns out otherwise, the queries are done again with all keys.
#include <math.h>
#include <string.h>

#include "eval/strided.h"
#include "routine/attention_loops.h"
#include "routine/gemm.h"

enum {
  KEYS = 384,   // of a block; a multiple of every kernel's mr
  SLIVERS = 16, // of queries that use a block together
  MAX_HEAD = 512,
  TASKS_EACH = 4, // wanted for each thread
};
#define FAR 110.0f // e^-FAR is 0

typedef struct Plan {
  PjRoutine routine;
  PjAttention a;
  const PjMicro *micro;
  const PjAttentionLoops *loops;
  PjPanel q, k, v;
  PjPanel add[PJ_MAX_SCORE_STEPS]; // of steps that add
  uint32_t input[PJ_MAX_SCORE_STEPS];
  uint32_t first;   // of the steps, but for a scale that is applied to q
  float scale;      // that one, or 1
  int causal;       // the step whose hidden keys may be skipped, or -1
  int64_t keys;     // of a block
  int64_t slivers;  // that use it, at most
  int64_t up_width; // rounded up to mr
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
  float *sums; // [sliver][width][query]
  float *tile; // [key][query]
  float *more; // the same, of what is added; or a sliver of the result, [query][width]
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
  s.sum = s.most + p->slivers * p->micro->nr;
  s.factor = s.sum + p->slivers * p->micro->nr;
  return s;
}

// The queries of one task.
typedef struct Part {
  int64_t at[PJ_MAX_RANK]; // its batch
  int64_t row, rows;
} Part;

static const char *element(const Plan *p, const Part *part, const void *base, PjDtype dtype,
                           const int64_t *strides) {
  int64_t offset = 0;
  for (int32_t d = 0; d < p->a.num_batch; ++d)
    offset += part->at[d] * strides[d];
  return (const char *)base + offset * (int64_t)pj_dtype_bytes(dtype);
}

// Scores of |n| keys from |key| on, of queries from |row| on, of which |lanes| exist.
static void apply_steps(const Run *run, const Part *part, const Space *s, int64_t key, int64_t n,
                        int64_t row, int64_t lanes) {
  const Plan *p = run->plan;
  const int nr = p->micro->nr;
  for (uint32_t i = p->first; i < p->a.num_steps; ++i) {
    const PjScoreStep *step = &p->a.steps[i];
    switch (step->kind) {
    case PJ_SCORE_SCALE:
      p->loops->scale(n * nr, step->value, s->tile);
      break;
    case PJ_SCORE_ADD: {
      const char *from = element(p, part, run->in[p->input[i]], PJ_DT_F32, step->batch);
      p->add[i].pack(&p->add[i], from, row, lanes, key, n, nr, s->more, 0, s->temp);
      for (int64_t j = 0; j < n * nr; ++j)
        s->tile[j] += s->more[j];
      break;
    }
    case PJ_SCORE_MASK: {
      const uint8_t *from =
          (const uint8_t *)element(p, part, run->in[p->input[i]], PJ_DT_PRED, step->batch) +
          row * step->row + key * step->key;
      for (int64_t j = 0; j < n; ++j)
        for (int64_t lane = 0; lane < lanes; ++lane)
          if ((from[lane * step->row + j * step->key] != 0) != step->keep)
            s->tile[j * nr + lane] = step->value;
      break;
    }
    case PJ_SCORE_CAUSAL: {
      const int64_t seen = pj__max(0, pj__min(n, row + step->offset + 1 - key));
      p->loops->causal(n - seen, key + seen - step->offset - row, step->value, s->tile + seen * nr);
      break;
    }
    }
  }
}

// Keys from |key| on, |n| of them, for the queries of sliver |i|.
static void add_keys(const Run *run, const Part *part, const Space *s, int64_t key, int64_t n,
                     int64_t block, int64_t i) {
  const Plan *p = run->plan;
  const int mr = p->micro->mr, nr = p->micro->nr;
  const float *q = s->q + i * nr * p->a.depth;
  for (int64_t j = 0; j < n; j += mr)
    p->micro->tile(p->a.depth, s->k + j * p->a.depth, q, s->tile + j * nr, nr, false);
  apply_steps(run, part, s, key, n, part->row + i * nr, pj__min(nr, part->rows - i * nr));
  float *sums = s->sums + i * p->up_width * nr;
  p->loops->weigh(n, s->tile, s->most + i * nr, s->sum + i * nr, s->factor);
  if (key > 0)
    p->loops->rescale(p->up_width, false, s->factor, sums);
  for (int64_t w = 0; w < p->a.width; w += mr)
    p->micro->tile(n, s->v + w * block, s->tile, sums + w * nr, nr, true);
}

// The results of sliver |i|.
static void store(const Run *run, const Part *part, const Space *s, int64_t i) {
  const Plan *p = run->plan;
  const PjAttentionArray *out = &p->a.out;
  const int nr = p->micro->nr;
  const int64_t width = p->a.width, lanes = pj__min(nr, part->rows - i * nr);
  const size_t bytes = pj_dtype_bytes(out->dtype);
  float *sums = s->sums + i * p->up_width * nr;
  p->loops->rescale(width, true, s->sum + i * nr, sums);
  const int64_t dims[] = {lanes, width}, from[] = {1, nr}, to[] = {width, 1}, one = 1;
  pj_strided_copy(sizeof(float), 2, dims, sums, from, s->more, to);
  char *row = (char *)element(p, part, run->out, out->dtype, out->batch) +
              (part->row + i * nr) * out->row * (int64_t)bytes;
  for (int64_t lane = 0; lane < lanes; ++lane, row += out->row * (int64_t)bytes) {
    const float *numbers = s->more + lane * width;
    if (out->col == 1) {
      pj_comp_store(PJ_COMP_F32, out->dtype, width, numbers, row);
      continue;
    }
    pj_comp_store(PJ_COMP_F32, out->dtype, width, numbers, s->temp);
    pj_strided_copy(bytes, 1, &width, s->temp, &one, row, &out->col);
  }
}

// True if the weights of hidden keys are 0 for all queries.
static bool hidden_weigh_nothing(const Plan *p, const Part *part, const Space *s) {
  for (int64_t r = 0; r < part->rows; ++r)
    if (!(p->a.steps[p->causal].value - s->most[r] < -FAR))
      return false;
  return true;
}

// One task. With |skip| hidden keys are left out; false if they may not be.
static bool attend(const Run *run, const Part *part, const Space *s, bool skip) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->a;
  const int mr = p->micro->mr, nr = p->micro->nr;
  const int64_t slivers = pj__divide_up(part->rows, nr);
  const char *q = element(p, part, run->in[0], a->q.dtype, a->q.batch),
             *k = element(p, part, run->in[1], a->k.dtype, a->k.batch),
             *v = element(p, part, run->in[2], a->v.dtype, a->v.batch);
  p->q.pack(&p->q, q, part->row, part->rows, 0, a->depth, nr, s->q, nr * a->depth, s->temp);
  if (p->scale != 1)
    p->loops->scale(slivers * nr * a->depth, p->scale, s->q);
  memset(s->sums, 0, (size_t)(slivers * p->up_width * nr) * sizeof *s->sums);
  for (int64_t r = 0; r < slivers * nr; ++r) {
    s->most[r] = -INFINITY;
    s->sum[r] = 0;
  }
  bool hidden = false;
  for (int64_t key = 0; key < a->keys; key += p->keys) {
    const int64_t n = pj__min(p->keys, a->keys - key);
    // How many keys of the block the first and the last query see.
    const int64_t seen = skip ? part->row + a->steps[p->causal].offset + 1 - key : n;
    const int64_t seen_last = skip ? pj__min(n, seen + part->rows - 1) : n;
    p->v.pack(&p->v, v, 0, a->width, key, n, mr, s->v, mr * n, s->temp);
    if (seen < n) {
      hidden = true;
      if (!p->loops->finite(p->up_width * n, s->v))
        return false;
    }
    if (seen_last <= 0)
      continue;
    p->k.pack(&p->k, k, key, seen_last, 0, a->depth, mr, s->k, mr * a->depth, s->temp);
    for (int64_t i = 0; i < slivers; ++i) {
      const int64_t last = pj__min((i + 1) * nr, part->rows) - 1;
      const int64_t count = skip ? pj__min(n, seen + last) : n;
      if (count > 0)
        add_keys(run, part, s, key, count, n, i);
    }
  }
  if (hidden && !hidden_weigh_nothing(p, part, s))
    return false;
  for (int64_t i = 0; i < slivers; ++i)
    store(run, part, s, i);
  return true;
}

static void run_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Plan *p = run->plan;
  const Space s = space(run, thread);
  const int64_t rows = run->slivers * p->micro->nr;
  for (int64_t task = begin; task < end; ++task) {
    Part part = {.row = task % run->parts * rows};
    part.rows = pj__min(rows, p->a.rows - part.row);
    int64_t batch = task / run->parts;
    for (int32_t d = p->a.num_batch - 1; d >= 0; --d) {
      part.at[d] = batch % p->a.batch[d];
      batch /= p->a.batch[d];
    }
    if (p->causal < 0 || !attend(run, &part, &s, true))
      attend(run, &part, &s, false);
  }
}

static PjStatus run_attention(const PjRoutine *self, PjThreads *threads, const void *const *in,
                              void *const *out, void *scratch) {
  const Plan *p = (const Plan *)self;
  const int64_t slivers = pj__divide_up(p->a.rows, p->micro->nr);
  const int count = pj_threads_count(threads);
  int64_t batches = 1, each = p->slivers;
  for (int32_t d = 0; d < p->a.num_batch; ++d)
    batches *= p->a.batch[d];
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
static bool set_panel(PjPanel *panel, PjDtype dtype, bool left, int64_t outer, int64_t sum) {
  *panel = (PjPanel){.outer_step = outer, .sum_step = sum};
  return pj__panel_init(panel, PJ_COMP_F32, dtype, left);
}

// The step whose hidden keys may be skipped: what follows it only masks with the same value.
static int skipped_step(const PjAttention *a) {
  for (int i = (int)a->num_steps - 1; i >= 0; --i) {
    if (a->steps[i].kind == PJ_SCORE_CAUSAL)
      return i;
    if (a->steps[i].kind != PJ_SCORE_MASK || a->steps[i].value != a->steps[a->num_steps - 1].value)
      return -1;
  }
  return -1;
}

const PjRoutine *pj_routine_attention(PjArena *arena, const PjAttention *what) {
  const PjAttention *a = what;
  const PjRoutine *few = pj__attention_few(arena, what);
  if (few)
    return few;
  Plan *p = PJ_NEW(arena, Plan);
  *p = (Plan){.a = *a, .micro = pj__micro(PJ_COMP_F32), .loops = pj__attention_loops(), .scale = 1};
  const int mr = p->micro->mr, nr = p->micro->nr;
  if (a->depth > MAX_HEAD || a->width > MAX_HEAD ||
      !set_panel(&p->q, a->q.dtype, false, a->q.row, a->q.col) ||
      !set_panel(&p->k, a->k.dtype, true, a->k.row, a->k.col) ||
      !set_panel(&p->v, a->v.dtype, true, a->v.col, a->v.row))
    return NULL;
  uint32_t inputs = 3;
  for (uint32_t i = 0; i < a->num_steps; ++i) {
    const PjScoreStep *step = &a->steps[i];
    if (step->kind == PJ_SCORE_ADD || step->kind == PJ_SCORE_MASK)
      p->input[i] = inputs++;
    if (step->kind == PJ_SCORE_ADD &&
        !set_panel(&p->add[i], PJ_DT_F32, false, step->row, step->key))
      return NULL;
  }
  if (a->num_steps && a->steps[0].kind == PJ_SCORE_SCALE) {
    p->scale = a->steps[0].value;
    p->first = 1;
  }
  p->causal = skipped_step(a);
  const size_t number = sizeof(float);
  p->keys = pj__min(KEYS, pj__divide_up(a->keys, mr) * mr);
  p->slivers = pj__min(SLIVERS, pj__divide_up(a->rows, nr));
  p->up_width = pj__divide_up(a->width, mr) * mr;
  p->q_bytes = pj__scratch_round((size_t)(p->slivers * nr * a->depth) * number);
  p->k_bytes = pj__scratch_round((size_t)(p->keys * a->depth) * number);
  p->v_bytes = pj__scratch_round((size_t)(p->keys * p->up_width) * number);
  p->sums_bytes = pj__scratch_round((size_t)(p->slivers * p->up_width * nr) * number);
  p->tile_bytes = pj__scratch_round((size_t)(p->keys * nr) * number);
  p->more_bytes = pj__scratch_round((size_t)(pj__max(p->keys, a->width) * nr) * number);
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
  p->routine.flops = scores * (double)(2 * (a->depth + a->width) + 16) / (p->causal < 0 ? 1 : 2);
  p->routine.bytes = bytes;
  return &p->routine;
}

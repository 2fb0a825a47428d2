// Attention of a few queries, as when a text is continued token by token: k and v are read as they
// lie, once, and what bounds it is memory. Per query, blocks of scores are computed, weighed
// relative to the largest so far, and mixed; keys that a mask hides are not read for their scores.
#include <math.h>
#include <string.h>

#include "eval/comp.h"
#include "eval/strided.h"
#include "routine/attention_loops.h"
#include "routine/gemm.h"

enum {
  FEW = 4,    // queries
  KEYS = 384, // of a block
  GROUP = 8,  // keys of which scores are computed, or left out, together
  MAX_HEAD = 512,
};

typedef struct Plan {
  PjRoutine routine;
  PjAttention a;
  const PjAttentionLoops *loops;
  PjPanel k, v; // for their conversion
  int64_t batches;
  uint32_t input[PJ_MAX_SCORE_STEPS];
} Plan;

typedef struct Run {
  const Plan *plan;
  const void *const *in;
  char *out, *scratch;
} Run;

typedef struct Space {
  float *q, *sums, *scores, *converted, *gathered;
  bool *seen;
} Space;

static size_t numbers(int64_t count) {
  return pj__scratch_round((size_t)count * sizeof(float));
}

static Space space(const Run *run, int thread) {
  const PjAttention *a = &run->plan->a;
  char *at = pj__thread_scratch(&run->plan->routine, run->scratch, thread);
  Space s = {.q = (float *)at};
  s.sums = (float *)(at += numbers(a->depth));
  s.scores = (float *)(at += numbers(a->width));
  s.converted = (float *)(at += numbers(KEYS));
  s.gathered = (float *)(at += numbers(GROUP * MAX_HEAD));
  s.seen = (bool *)(at + numbers(MAX_HEAD));
  return s;
}

static const char *element(const Plan *p, const int64_t *at, const void *base, PjDtype dtype,
                           const int64_t *strides) {
  int64_t offset = 0;
  for (int32_t d = 0; d < p->a.num_batch; ++d)
    offset += at[d] * strides[d];
  return (const char *)base + offset * (int64_t)pj_dtype_bytes(dtype);
}

// Whether each of |n| keys from |key| on is kept by all masks.
static void find_seen(const Run *run, const int64_t *at, int64_t row, int64_t key, int64_t n,
                      bool *seen) {
  const Plan *p = run->plan;
  memset(seen, true, (size_t)n * sizeof *seen);
  for (uint32_t i = 0; i < p->a.num_steps; ++i) {
    const PjScoreStep *step = &p->a.steps[i];
    if (step->kind == PJ_SCORE_CAUSAL)
      for (int64_t j = pj__max(0, row + step->offset + 1 - key); j < n; ++j)
        seen[j] = false;
    if (step->kind != PJ_SCORE_MASK)
      continue;
    const uint8_t *mask =
        (const uint8_t *)element(p, at, run->in[p->input[i]], PJ_DT_PRED, step->batch) +
        row * step->row + key * step->key;
    for (int64_t j = 0; j < n; ++j)
      seen[j] &= (mask[j * step->key] != 0) == step->keep;
  }
}

static void apply_steps(const Run *run, const int64_t *at, int64_t row, int64_t key, int64_t n,
                        float *scores) {
  const Plan *p = run->plan;
  for (uint32_t i = 0; i < p->a.num_steps; ++i) {
    const PjScoreStep *step = &p->a.steps[i];
    const void *input = run->in[p->input[i]];
    switch (step->kind) {
    case PJ_SCORE_SCALE:
      p->loops->scale(n, step->value, scores);
      break;
    case PJ_SCORE_ADD: {
      const float *more = (const float *)element(p, at, input, PJ_DT_F32, step->batch) +
                          row * step->row + key * step->key;
      for (int64_t j = 0; j < n; ++j)
        scores[j] += more[j * step->key];
      break;
    }
    case PJ_SCORE_MASK: {
      const uint8_t *mask = (const uint8_t *)element(p, at, input, PJ_DT_PRED, step->batch) +
                            row * step->row + key * step->key;
      for (int64_t j = 0; j < n; ++j)
        if ((mask[j * step->key] != 0) != step->keep)
          scores[j] = step->value;
      break;
    }
    case PJ_SCORE_CAUSAL:
      for (int64_t j = pj__max(0, row + step->offset + 1 - key); j < n; ++j)
        scores[j] = step->value;
      break;
    }
  }
}

// |n| rows of |length| numbers from |rows| on, as f32: where they are, or converted.
static const float *as_numbers(const PjPanel *panel, const char *rows, int64_t n, int64_t length,
                               int64_t *step, float *converted) {
  if (panel->dtype == PJ_DT_F32)
    return (const float *)rows;
  for (int64_t j = 0; j < n; ++j)
    pj__panel_load(panel, length, rows + j * *step * (int64_t)pj_dtype_bytes(panel->dtype),
                   converted + j * length);
  *step = length;
  return converted;
}

// Rows of |array| from |first| on, for loops that read something else before. Only those that are
// read as they lie.
static PjNextRows rows_at(const PjAttentionArray *array, const char *first, int64_t rows) {
  if (array->dtype != PJ_DT_F32 || !first)
    return (PjNextRows){0};
  return (PjNextRows){(const float *)first, rows, array->row};
}

// Scores of |n| keys, before |next|; those of groups of hidden ones are 0 until masks are applied.
static void score(const Run *run, const Space *s, const char *k, int64_t n,
                  const PjNextRows *next) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->a;
  const int64_t bytes = (int64_t)pj_dtype_bytes(a->k.dtype);
  for (int64_t j = 0, end; j < n; j = end) {
    end = j;
    // A run of groups alike, or of numbers to be converted one group.
    bool any = false;
    do {
      bool some = false;
      const int64_t after = pj__min(end + GROUP, n);
      for (int64_t i = end; i < after; ++i)
        some |= s->seen[i];
      if (end > j && some != any)
        break;
      any = some;
      end = after;
    } while (end < n && (!any || a->k.dtype == PJ_DT_F32));
    int64_t step = a->k.row;
    if (any) {
      const float *rows =
          as_numbers(&p->k, k + j * step * bytes, end - j, a->depth, &step, s->converted);
      p->loops->dots(end - j, a->depth, rows, step, next, s->q, s->scores + j);
    } else {
      memset(s->scores + j, 0, (size_t)(end - j) * sizeof *s->scores);
    }
  }
}

static void mix(const Run *run, const Space *s, const char *v, int64_t n, const PjNextRows *next) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->a;
  const int64_t bytes = (int64_t)pj_dtype_bytes(a->v.dtype),
                most = a->v.dtype == PJ_DT_F32 ? n : GROUP;
  for (int64_t j = 0; j < n; j += most) {
    int64_t step = a->v.row;
    const int64_t count = pj__min(most, n - j);
    const float *rows =
        as_numbers(&p->v, v + j * step * bytes, count, a->width, &step, s->converted);
    p->loops->mix(count, a->width, rows, step, next, s->scores + j, s->sums);
  }
}

// One query. |then|: the keys that are read next, or NULL.
static void attend(const Run *run, const Space *s, const int64_t *at, int64_t row,
                   const char *then) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->a;
  const size_t q_bytes = pj_dtype_bytes(a->q.dtype), out_bytes = pj_dtype_bytes(a->out.dtype);
  const char *q = element(p, at, run->in[0], a->q.dtype, a->q.batch) +
                  row * a->q.row * (int64_t)q_bytes,
             *k = element(p, at, run->in[1], a->k.dtype, a->k.batch),
             *v = element(p, at, run->in[2], a->v.dtype, a->v.batch);
  const int64_t one = 1;
  pj_strided_copy(q_bytes, 1, &a->depth, q, &a->q.col, s->gathered, &one);
  pj_comp_load(PJ_COMP_F32, a->q.dtype, a->depth, s->gathered, s->q);
  memset(s->sums, 0, (size_t)a->width * sizeof *s->sums);
  float most = -INFINITY, sum = 0;
  for (int64_t key = 0; key < a->keys; key += KEYS) {
    const int64_t n = pj__min(KEYS, a->keys - key);
    const char *keys = k + key * a->k.row * (int64_t)pj_dtype_bytes(a->k.dtype),
               *values = v + key * a->v.row * (int64_t)pj_dtype_bytes(a->v.dtype);
    const bool last = key + n == a->keys;
    const PjNextRows after_keys = rows_at(&a->v, values, n),
                     after_values =
                         rows_at(&a->k, last ? then : keys + n * a->k.row * (int64_t)sizeof(float),
                                 last ? a->keys : a->keys - key - n);
    find_seen(run, at, row, key, n, s->seen);
    score(run, s, keys, n, &after_keys);
    apply_steps(run, at, row, key, n, s->scores);
    const float factor = p->loops->weigh_row(n, s->scores, &most, &sum);
    if (key > 0)
      p->loops->scale(a->width, factor, s->sums);
    mix(run, s, values, n, &after_values);
  }
  for (int64_t w = 0; w < a->width; ++w)
    s->sums[w] /= sum;
  pj_comp_store(PJ_COMP_F32, a->out.dtype, a->width, s->sums, s->gathered);
  char *out = (char *)element(p, at, run->out, a->out.dtype, a->out.batch) +
              row * a->out.row * (int64_t)out_bytes;
  pj_strided_copy(out_bytes, 1, &a->width, s->gathered, &one, out, &a->out.col);
}

// The batch that is number |batch|.
static void place(const Plan *p, int64_t batch, int64_t *at) {
  for (int32_t d = p->a.num_batch - 1; d >= 0; --d) {
    at[d] = batch % p->a.batch[d];
    batch /= p->a.batch[d];
  }
}

static void run_batches(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Plan *p = run->plan;
  const Space s = space(run, thread);
  const PjAttentionArray *k = &p->a.k;
  int64_t at[PJ_MAX_RANK];
  place(p, begin, at);
  for (int64_t task = begin; task < end; ++task) {
    int64_t next[PJ_MAX_RANK];
    place(p, task + 1 < end ? task + 1 : task, next);
    const char *same = element(p, at, run->in[1], k->dtype, k->batch),
               *then = task + 1 < end ? element(p, next, run->in[1], k->dtype, k->batch) : NULL;
    for (int64_t row = 0; row < p->a.rows; ++row)
      attend(run, &s, at, row, row + 1 < p->a.rows ? same : then);
    memcpy(at, next, sizeof at);
  }
}

static PjStatus run_few(const PjRoutine *self, PjThreads *threads, const void *const *in,
                        void *const *out, void *scratch) {
  const Plan *p = (const Plan *)self;
  Run run = {.plan = p, .in = in, .out = out[0], .scratch = scratch};
  pj_threads_for(threads, p->batches, pj__grain(p->batches, self->bytes / (double)p->batches),
                 run_batches, &run);
  return PJ_STATUS_OK;
}

const PjRoutine *pj__attention_few(PjArena *arena, const PjAttention *what) {
  const PjAttention *a = what;
  if (a->rows > FEW || (a->depth > 1 && a->k.col != 1) || (a->width > 1 && a->v.col != 1) ||
      a->depth > MAX_HEAD || a->width > MAX_HEAD)
    return NULL;
  Plan *p = PJ_NEW(arena, Plan);
  *p = (Plan){.a = *a, .loops = pj__attention_loops(), .batches = 1};
  if (!pj__panel_init(&p->k, PJ_COMP_F32, a->k.dtype, true) ||
      !pj__panel_init(&p->v, PJ_COMP_F32, a->v.dtype, true))
    return NULL;
  uint32_t inputs = 3;
  for (uint32_t i = 0; i < a->num_steps; ++i)
    if (a->steps[i].kind == PJ_SCORE_ADD || a->steps[i].kind == PJ_SCORE_MASK)
      p->input[i] = inputs++;
  for (int32_t d = 0; d < a->num_batch; ++d)
    p->batches *= a->batch[d];
  p->routine =
      (PjRoutine){.name = "attention_few",
                  .run = run_few,
                  .in_place = -1,
                  .thread_scratch_bytes = numbers(a->depth) + numbers(a->width) + numbers(KEYS) +
                                          numbers(GROUP * MAX_HEAD) + numbers(MAX_HEAD) +
                                          pj__scratch_round(KEYS * sizeof(bool))};
  const double scores = (double)p->batches * (double)a->rows * (double)a->keys;
  p->routine.flops = scores * (double)(2 * (a->depth + a->width) + 16);
  p->routine.bytes = (double)p->batches * (double)a->keys *
                     ((double)a->depth * (double)pj_dtype_bytes(a->k.dtype) +
                      (double)a->width * (double)pj_dtype_bytes(a->v.dtype));
  return &p->routine;
}

// Attention of a few queries, as when a text is continued token by token: k and v are read as they
// lie, once, and what bounds it is memory. Per query, blocks of scores are computed, weighed
// relative to the largest so far, and mixed; keys that a mask hides are not read for their scores.
// Where the heads of a key lie side by side, some of them take turns, so that memory is read nearly
// in its order.
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
  TURN = 16,  // keys of a head at its turn
  MAX_HEAD = 512,
  MOST_QUERIES = 8, // of all heads that take turns
  TASKS = 8,        // that are wanted
};

typedef struct Plan {
  PjRoutine routine;
  PjAttention a;
  const PjAttentionLoops *loops;
  PjPanel k, v;            // for their conversion
  int64_t heads, together; // of the last batch dimension: all, and those that take turns
  int64_t parts, tasks;    // of all heads; all in all
  uint32_t input[PJ_MAX_SCORE_STEPS];
} Plan;

typedef struct Run {
  const Plan *plan;
  const void *const *in;
  char *out, *scratch;
} Run;

typedef struct Query {
  float *q, *sums, *scores;
  bool *seen;
  float most, sum;
} Query;

typedef struct Space {
  float *converted, *gathered;
  Query queries[MOST_QUERIES]; // [head][row]
} Space;

static size_t numbers(int64_t count) {
  return pj__scratch_round((size_t)count * sizeof(float));
}

static size_t query_bytes(const PjAttention *a) {
  return numbers(a->depth) + numbers(a->width) + numbers(KEYS) +
         pj__scratch_round(KEYS * sizeof(bool));
}

static Space space(const Run *run, int thread) {
  const PjAttention *a = &run->plan->a;
  char *at = pj__thread_scratch(&run->plan->routine, run->scratch, thread);
  Space s = {.converted = (float *)at};
  s.gathered = (float *)(at += numbers(GROUP * MAX_HEAD));
  at += numbers(MAX_HEAD);
  for (int64_t i = 0; i < run->plan->together * a->rows; ++i) {
    Query *query = &s.queries[i];
    query->q = (float *)at;
    query->sums = (float *)(at += numbers(a->depth));
    query->scores = (float *)(at += numbers(a->width));
    query->seen = (bool *)(at += numbers(KEYS));
    at += pj__scratch_round(KEYS * sizeof(bool));
  }
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

static bool sees(const Query *query, int64_t key, int64_t n) {
  bool some = false;
  for (int64_t j = key; j < key + n; ++j)
    some |= query->seen[j];
  return some;
}

// Scores of |n| keys from |key| of the block on, before |next|; those of groups of hidden ones are
// 0 until masks are applied.
static void score(const Run *run, const Space *s, const Query *query, const char *k, int64_t key,
                  int64_t n, const PjNextRows *next) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->a;
  const int64_t bytes = (int64_t)pj_dtype_bytes(a->k.dtype), last = key + n;
  for (int64_t j = key, end; j < last; j = end) {
    // A run of groups alike, or of numbers to be converted one group.
    end = pj__min(j + GROUP, last);
    const bool any = sees(query, j, end - j);
    while (end < last && (!any || a->k.dtype == PJ_DT_F32) &&
           sees(query, end, pj__min(GROUP, last - end)) == any)
      end = pj__min(end + GROUP, last);
    int64_t step = a->k.row;
    if (any) {
      const float *rows =
          as_numbers(&p->k, k + j * step * bytes, end - j, a->depth, &step, s->converted);
      p->loops->dots(end - j, a->depth, rows, step, next, query->q, query->scores + j);
    } else {
      memset(query->scores + j, 0, (size_t)(end - j) * sizeof *query->scores);
    }
  }
}

static void mix(const Run *run, const Space *s, const Query *query, const char *v, int64_t key,
                int64_t n, const PjNextRows *next) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->a;
  const int64_t bytes = (int64_t)pj_dtype_bytes(a->v.dtype), last = key + n,
                most = a->v.dtype == PJ_DT_F32 ? n : GROUP;
  for (int64_t j = key; j < last; j += most) {
    int64_t step = a->v.row;
    const int64_t count = pj__min(most, last - j);
    const float *rows =
        as_numbers(&p->v, v + j * step * bytes, count, a->width, &step, s->converted);
    p->loops->mix(count, a->width, rows, step, next, query->scores + j, query->sums);
  }
}

// The array at |base|, from head |at| on.
static const char *head(const Plan *p, const int64_t *at, int64_t h, const PjAttentionArray *array,
                        const void *base) {
  const int64_t step = p->a.num_batch ? array->batch[p->a.num_batch - 1] : 0;
  return element(p, at, base, array->dtype, array->batch) +
         (array->offset + h * step) * (int64_t)pj_dtype_bytes(array->dtype);
}

static void begin_query(const Run *run, const Space *s, Query *query, const char *q) {
  const PjAttention *a = &run->plan->a;
  const int64_t one = 1;
  pj_strided_copy(pj_dtype_bytes(a->q.dtype), 1, &a->depth, q, &a->q.col, s->gathered, &one);
  pj_comp_load(PJ_COMP_F32, a->q.dtype, a->depth, s->gathered, query->q);
  memset(query->sums, 0, (size_t)a->width * sizeof *query->sums);
  query->most = -INFINITY;
  query->sum = 0;
}

static void end_query(const Run *run, const Space *s, const Query *query, char *out) {
  const PjAttentionArray *to = &run->plan->a.out;
  const int64_t width = run->plan->a.width, one = 1;
  for (int64_t w = 0; w < width; ++w)
    query->sums[w] /= query->sum;
  pj_comp_store(PJ_COMP_F32, to->dtype, width, query->sums, s->gathered);
  pj_strided_copy(pj_dtype_bytes(to->dtype), 1, &width, s->gathered, &one, out, &to->col);
}

// Keys [key, key + n) for |heads| heads from |at| on. |then|: the keys that the first one reads
// next, or NULL.
static void add_keys(const Run *run, Space *s, const int64_t *at, int64_t heads, int64_t key,
                     int64_t n, const char *then) {
  const Plan *p = run->plan;
  const PjAttention *a = &p->a;
  const int64_t k_row = a->k.row * (int64_t)pj_dtype_bytes(a->k.dtype),
                v_row = a->v.row * (int64_t)pj_dtype_bytes(a->v.dtype), queries = heads * a->rows;
  int64_t each[PJ_MAX_RANK];
  memcpy(each, at, sizeof each);
  for (int64_t i = 0; i < queries; ++i) {
    if (a->num_batch)
      each[a->num_batch - 1] = at[a->num_batch - 1] + i / a->rows;
    find_seen(run, each, i % a->rows, key, n, s->queries[i].seen);
  }
  for (int64_t j = 0; j < n; j += TURN)
    for (int64_t i = 0; i < queries; ++i) {
      const Query *query = &s->queries[i];
      const int64_t next = j + TURN, count = pj__min(TURN, n - j);
      const char *k = head(p, at, i / a->rows, &a->k, run->in[1]) + key * k_row,
                 *v = head(p, at, i / a->rows, &a->v, run->in[2]) + key * v_row;
      PjNextRows ahead = {0};
      if (i % a->rows == 0)
        ahead = next < n && sees(query, next, pj__min(TURN, n - next))
                    ? rows_at(&a->k, k + next * k_row, pj__min(TURN, n - next))
                    : rows_at(&a->v, v, pj__min(TURN, n));
      score(run, s, query, k, j, count, &ahead);
    }
  for (int64_t i = 0; i < queries; ++i) {
    Query *query = &s->queries[i];
    if (a->num_batch)
      each[a->num_batch - 1] = at[a->num_batch - 1] + i / a->rows;
    apply_steps(run, each, i % a->rows, key, n, query->scores);
    const float factor = p->loops->weigh_row(n, query->scores, &query->most, &query->sum);
    if (key > 0)
      p->loops->scale(a->width, factor, query->sums);
  }
  for (int64_t j = 0; j < n; j += TURN)
    for (int64_t i = 0; i < queries; ++i) {
      const int64_t next = j + TURN, count = pj__min(TURN, n - j), h = i / a->rows;
      const char *v = head(p, at, h, &a->v, run->in[2]) + key * v_row;
      PjNextRows ahead = {0};
      if (i % a->rows == 0 && next < n)
        ahead = rows_at(&a->v, v + next * v_row, pj__min(TURN, n - next));
      else if (i % a->rows == 0 && then)
        ahead = rows_at(&a->k, then + (head(p, at, h, &a->k, NULL) - head(p, at, 0, &a->k, NULL)),
                        TURN);
      mix(run, s, &s->queries[i], v, j, count, &ahead);
    }
}

// Where the heads of |task| begin; returns how many they are.
static int64_t place(const Plan *p, int64_t task, int64_t *at) {
  const int64_t first = task % p->parts * p->together;
  int64_t batch = task / p->parts;
  for (int32_t d = p->a.num_batch - 2; d >= 0; --d) {
    at[d] = batch % p->a.batch[d];
    batch /= p->a.batch[d];
  }
  if (p->a.num_batch)
    at[p->a.num_batch - 1] = first;
  return pj__min(p->together, p->heads - first);
}

static void run_tasks(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Plan *p = run->plan;
  const PjAttention *a = &p->a;
  const int64_t q_row = a->q.row * (int64_t)pj_dtype_bytes(a->q.dtype),
                k_row = a->k.row * (int64_t)pj_dtype_bytes(a->k.dtype),
                out_row = a->out.row * (int64_t)pj_dtype_bytes(a->out.dtype);
  Space s = space(run, thread);
  for (int64_t task = begin; task < end; ++task) {
    int64_t at[PJ_MAX_RANK] = {0}, after[PJ_MAX_RANK] = {0};
    const int64_t heads = place(p, task, at), queries = heads * a->rows;
    const char *then = NULL, *k = head(p, at, 0, &a->k, run->in[1]);
    if (task + 1 < end) {
      place(p, task + 1, after);
      then = head(p, after, 0, &a->k, run->in[1]);
    }
    for (int64_t i = 0; i < queries; ++i)
      begin_query(run, &s, &s.queries[i],
                  head(p, at, i / a->rows, &a->q, run->in[0]) + i % a->rows * q_row);
    for (int64_t key = 0; key < a->keys; key += KEYS) {
      const int64_t n = pj__min(KEYS, a->keys - key);
      add_keys(run, &s, at, heads, key, n, key + n < a->keys ? k + (key + n) * k_row : then);
    }
    for (int64_t i = 0; i < queries; ++i)
      end_query(run, &s, &s.queries[i],
                (char *)head(p, at, i / a->rows, &a->out, run->out) + i % a->rows * out_row);
  }
}

static PjStatus run_few(const PjRoutine *self, PjThreads *threads, const void *const *in,
                        void *const *out, void *scratch) {
  const Plan *p = (const Plan *)self;
  Run run = {.plan = p, .in = in, .out = out[0], .scratch = scratch};
  pj_threads_for(threads, p->tasks, pj__grain(p->tasks, self->bytes / (double)p->tasks), run_tasks,
                 &run);
  return PJ_STATUS_OK;
}

// How many heads take turns: those whose keys and values lie side by side, if enough tasks are
// left.
static int64_t heads_together(const PjAttention *a, int64_t batches) {
  const int32_t d = a->num_batch - 1;
  if (d < 0 || a->k.batch[d] < 0 || a->k.batch[d] >= a->k.row || a->v.batch[d] < 0 ||
      a->v.batch[d] >= a->v.row)
    return 1;
  int64_t together = pj__min(a->batch[d], pj__max(1, MOST_QUERIES / a->rows));
  while (together > 1 && batches / together < TASKS)
    together = pj__divide_up(together, 2);
  return together;
}

const PjRoutine *pj__attention_few(PjArena *arena, const PjAttention *what) {
  const PjAttention *a = what;
  if (a->rows > FEW || (a->depth > 1 && a->k.col != 1) || (a->width > 1 && a->v.col != 1) ||
      a->depth > MAX_HEAD || a->width > MAX_HEAD)
    return NULL;
  Plan *p = PJ_NEW(arena, Plan);
  *p = (Plan){.a = *a, .loops = pj__attention_loops(), .heads = 1};
  if (!pj__panel_init(&p->k, PJ_COMP_F32, a->k.dtype, true) ||
      !pj__panel_init(&p->v, PJ_COMP_F32, a->v.dtype, true))
    return NULL;
  uint32_t inputs = 3;
  for (uint32_t i = 0; i < a->num_steps; ++i)
    if (a->steps[i].kind == PJ_SCORE_ADD || a->steps[i].kind == PJ_SCORE_MASK)
      p->input[i] = inputs++;
  int64_t batches = 1;
  for (int32_t d = 0; d < a->num_batch; ++d)
    batches *= p->heads = a->batch[d];
  p->together = heads_together(a, batches);
  p->parts = pj__divide_up(p->heads, p->together);
  p->tasks = batches / p->heads * p->parts;
  p->routine =
      (PjRoutine){.name = "attention_few",
                  .run = run_few,
                  .in_place = -1,
                  .thread_scratch_bytes = numbers(GROUP * MAX_HEAD) + numbers(MAX_HEAD) +
                                          (size_t)(p->together * a->rows) * query_bytes(a)};
  const double scores = (double)batches * (double)a->rows * (double)a->keys;
  p->routine.flops = scores * (double)(2 * (a->depth + a->width) + 16);
  p->routine.bytes = (double)batches * (double)a->keys *
                     ((double)a->depth * (double)pj_dtype_bytes(a->k.dtype) +
                      (double)a->width * (double)pj_dtype_bytes(a->v.dtype));
  return &p->routine;
}

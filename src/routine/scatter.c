// scatter, with any elementwise body and any number of operands.
//
// Updates of one element are applied in the order of the index vectors, so results do not depend on
// who applies them: threads share the operand, each goes through all vectors and takes those whose
// window begins in its part of one dimension, along which windows are one element wide. Windows
// that do not lie within the operand are dropped whole, as the evaluator does.
#include <string.h>

#include "eval/float.h"
#include "eval/structure.h"
#include "routine/body.h"
#include "routine/copy.h"
#include "routine/fold.h"
#include "routine/indexing.h"

enum { WIDTH = 256, MOST_PARTS = 64 };

typedef enum Way { SET, PAIRS, HALF, BODY } Way; // HALF: pairs of 16-bit floats, each rounded

typedef struct Window {
  int32_t num; // dimensions, outermost first, joined where they are contiguous on both sides
  int64_t dims[PJ_MAX_RANK], in[PJ_MAX_RANK], update[PJ_MAX_RANK]; // sizes, strides in elements
  int64_t row, row_in, row_update;                                 // the innermost
} Window;

typedef struct Scatter {
  PjRoutine routine;
  const PjOp *op;
  Way way;
  uint32_t count;
  PjIndexPlan index;
  int64_t limit[PJ_MAX_RANK];          // largest start of a window that is inside, by index.moved
  int64_t update_strides[PJ_MAX_RANK]; // along the vectors' space
  Window window;
  bool fits;       // windows fit into the operand at all
  int32_t key;     // index.moved whose starts are shared among threads, or -1
  int64_t parts;   // of them
  PjFoldKind kind; // of pairs
  PjPairsFn *pairs;
  const PjScalarBody *body;
  size_t *elem;
  // One row per vector of one component, everything equidistant: steps of the indices and of the
  // updates.
  bool simple;
  int64_t index_step, update_step;
} Scatter;

typedef struct Run {
  const Scatter *s;
  const void *const *in;
  void *const *out;
  char *scratch;
  int64_t parts;
} Run;

// Combines |n| elements at |to| of the operands with those at |from| of the updates.
static void combine(const Run *run, int64_t n, int64_t to, int64_t from, int64_t from_step,
                    char *temp) {
  const Scatter *s = run->s;
  const int64_t elem = (int64_t)s->elem[0];
  if (s->way == PAIRS) {
    char *acc = (char *)run->out[0] + to * elem;
    s->pairs(n, acc, (const char *)run->in[s->count + 1] + from * elem, from_step, acc);
    return;
  }
  if (s->way == HALF) {
    const PjDtype dtype = pj__in(s->op, 0)->dtype;
    float *a = (float *)temp, *b = a + WIDTH;
    uint16_t *raw = (uint16_t *)(b + WIDTH);
    uint16_t *acc = (uint16_t *)run->out[0] + to;
    const uint16_t *x = (const uint16_t *)run->in[s->count + 1] + from;
    if (from_step != 1) {
      for (int64_t i = 0; i < n; ++i)
        raw[i] = x[i * from_step];
      x = raw;
    }
    pj_float_decode_n(dtype, n, acc, a);
    pj_float_decode_n(dtype, n, x, b);
    s->pairs(n, a, b, 1, a);
    pj_float_encode_n(dtype, n, a, acc);
    return;
  }
  const void **args = (const void **)temp, **outs = args + 2 * s->count;
  temp += pj__scratch_round((size_t)s->count * 3 * sizeof(void *));
  for (uint32_t i = 0; i < s->count; ++i) {
    char *acc = (char *)run->out[i] + to * (int64_t)s->elem[i];
    const char *x = (const char *)run->in[s->count + 1 + i] + from * (int64_t)s->elem[i];
    if (from_step != 1 && n > 1) {
      const int64_t one = 1;
      pj_strided_copy(s->elem[i], 1, &n, x, &from_step, temp, &one);
      x = temp;
    }
    temp += pj__scratch_round(WIDTH * s->elem[i]);
    args[i] = acc;
    args[s->count + i] = x;
  }
  if (s->way == SET) {
    for (uint32_t i = 0; i < s->count; ++i)
      memcpy((void *)args[i], args[s->count + i], (size_t)n * s->elem[i]);
    return;
  }
  char *copies = temp;
  for (uint32_t i = 0; i < s->count; ++i)
    temp += pj__scratch_round(WIDTH * s->elem[i]);
  pj__body_run(s->body, n, args, outs, temp);
  // A body may return another accumulator as it is: all are read before any is written.
  for (uint32_t i = 0; s->count > 1 && i < s->count; ++i) {
    memcpy(copies, outs[i], (size_t)n * s->elem[i]);
    outs[i] = copies;
    copies += pj__scratch_round(WIDTH * s->elem[i]);
  }
  for (uint32_t i = 0; i < s->count; ++i)
    if (outs[i] != args[i])
      memcpy((void *)args[i], outs[i], (size_t)n * s->elem[i]);
}

static void row(const Run *run, int64_t to, int64_t from, char *temp) {
  const Window *w = &run->s->window;
  if (w->row_in != 1 && w->row > 1) {
    for (int64_t j = 0; j < w->row; ++j)
      combine(run, 1, to + j * w->row_in, from + j * w->row_update, 1, temp);
    return;
  }
  const int64_t most = run->s->way == PAIRS ? w->row : WIDTH;
  for (int64_t j = 0; j < w->row; j += most)
    combine(run, pj__min(most, w->row - j), to + j, from + j * w->row_update, w->row_update, temp);
}

static void window(const Run *run, int64_t to, int64_t from, char *temp) {
  const Window *w = &run->s->window;
  int64_t at[PJ_MAX_RANK];
  for (int32_t d = 0; d < w->num; ++d)
    at[d] = 0;
  for (;;) {
    row(run, to, from, temp);
    int32_t d = w->num - 1;
    for (; d >= 0; --d) {
      to += w->in[d];
      from += w->update[d];
      if (++at[d] < w->dims[d])
        break;
      to -= w->in[d] * w->dims[d];
      from -= w->update[d] * w->dims[d];
      at[d] = 0;
    }
    if (d < 0)
      return;
  }
}

// Single elements at equidistant places: what histograms and segment sums of vectors are.
#define SINGLES(T, EXPR)                                                                \
  {                                                                                     \
    T *acc = run->out[0];                                                               \
    const T *update = run->in[s->count + 1];                                            \
    for (int64_t i = 0; i < s->index.count; ++i) {                                      \
      const int64_t start = pj__index_read(s->index.dtype, indices, i * s->index_step); \
      if (start < low || start >= high)                                                 \
        continue;                                                                       \
      T *const at = acc + start * stride;                                               \
      const T x = update[i * s->update_step];                                           \
      *at = EXPR;                                                                       \
    }                                                                                   \
    return true;                                                                        \
  }

// False if there is no loop for it.
static bool single_elements(const Run *run, int64_t low, int64_t high) {
  const Scatter *s = run->s;
  const void *indices = run->in[s->count];
  const int64_t stride = s->index.moved[0].stride;
  if (s->way == SET && s->count == 1)
    switch (s->elem[0]) {
    case 4:
      SINGLES(uint32_t, x)
    case 8:
      SINGLES(uint64_t, x)
    default:
      return false;
    }
  if (s->way != PAIRS || s->kind != PJ_FOLD_ADD)
    return false;
  switch (pj__in(s->op, 0)->dtype) {
  case PJ_DT_F32:
    SINGLES(float, *at + x)
  case PJ_DT_F64:
    SINGLES(double, *at + x)
  case PJ_DT_S32:
  case PJ_DT_U32:
    SINGLES(uint32_t, *at + x)
  default:
    return false;
  }
}

static void scatter_parts(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Scatter *s = run->s;
  const void *indices = run->in[s->count];
  char *temp = pj__thread_scratch(&s->routine, run->scratch, thread);
  // Starts [low, high) of the shared dimension.
  int64_t low = 0, high = INT64_MAX;
  if (run->parts > 1) {
    const int64_t size = pj__divide_up(s->limit[s->key] + 1, run->parts);
    low = begin * size;
    high = end * size;
  }
  if (s->simple) {
    const PjIndexed *moved = &s->index.moved[0];
    high = pj__min(high, s->limit[0] + 1);
    if (s->window.row == 1 && single_elements(run, low, high))
      return;
    for (int64_t i = 0; i < s->index.count; ++i) {
      const int64_t start = pj__index_read(s->index.dtype, indices, i * s->index_step);
      if (start >= low && start < high)
        row(run, start * moved->stride, i * s->update_step, temp);
    }
    return;
  }
  PjIndexWalk walk;
  pj__index_walk(&walk, &s->index, s->update_strides, 0);
  for (int64_t i = 0; i < s->index.count; ++i, pj__index_next(&walk)) {
    if (run->parts > 1) {
      const int64_t start = pj__index_start(&walk, &s->index.moved[s->key], indices);
      if (start < low || start >= high)
        continue;
    }
    uint64_t to = 0; // wraps for starts outside, which are dropped
    bool inside = true;
    for (int32_t k = 0; k < s->index.num; ++k) {
      const int64_t start = pj__index_start(&walk, &s->index.moved[k], indices);
      inside &= start >= 0 && start <= s->limit[k];
      to += (uint64_t)start * (uint64_t)s->index.moved[k].stride;
    }
    if (inside)
      window(run, (int64_t)to, walk.other, temp);
  }
}

static PjStatus run_scatter(const PjRoutine *self, PjThreads *threads, const void *const *in,
                            void *const *out, void *scratch) {
  const Scatter *s = (const Scatter *)self;
  Run run = {s, in, out, scratch, 1};
  for (uint32_t i = 0; i < s->count; ++i)
    pj__move(threads, out[i], in[i], pj__bytes(pj__in(s->op, i)));
  if (!s->fits)
    return PJ_STATUS_OK;
  if (s->key >= 0)
    run.parts = pj__max(1, pj__min(s->parts, pj_threads_count(threads)));
  pj_threads_for(threads, run.parts, 1, scatter_parts, &run);
  return PJ_STATUS_OK;
}

// Dimensions of the window that are contiguous to each other on both sides become one.
static void join(Window *w) {
  int32_t num = 0;
  for (int32_t d = 0; d < w->num; ++d) {
    if (w->dims[d] == 1)
      continue;
    if (num && w->in[num - 1] == w->in[d] * w->dims[d] &&
        w->update[num - 1] == w->update[d] * w->dims[d]) {
      w->dims[num - 1] *= w->dims[d];
      w->in[num - 1] = w->in[d];
      w->update[num - 1] = w->update[d];
      continue;
    }
    w->dims[num] = w->dims[d];
    w->in[num] = w->in[d];
    w->update[num++] = w->update[d];
  }
  w->row = w->row_in = w->row_update = 1;
  w->num = num;
  if (num) {
    --w->num;
    w->row = w->dims[w->num];
    w->row_in = w->in[w->num];
    w->row_update = w->update[w->num];
  }
}

// Window and strides of the updates; false when they do not fit each other.
static bool make_window(Scatter *s, const PjType *operand, const PjType *update) {
  uint32_t num_window, num_inserted;
  const int64_t *window_dims = PJ_INTS(s->op, update_window_dims, &num_window),
                *inserted = PJ_INTS(s->op, inserted_window_dims, &num_inserted);
  int64_t strides[PJ_MAX_RANK], operand_strides[PJ_MAX_RANK], sizes[PJ_MAX_RANK];
  int32_t rank = 0;
  pj_strides(update->rank, update->dims, strides);
  pj_strides(operand->rank, operand->dims, operand_strides);
  s->fits = pj__count(operand) && pj__count(update);
  for (int32_t d = 0; d < operand->rank; ++d) {
    sizes[d] = 1;
    bool dropped = pj_contains(inserted, num_inserted, d);
    for (int32_t k = 0; k < s->index.num; ++k)
      dropped |= s->index.moved[k].component < 0 && s->index.moved[k].dim == d;
    if (dropped)
      continue;
    if (s->window.num == (int32_t)num_window)
      return false;
    const int64_t from = window_dims[s->window.num];
    sizes[d] = update->dims[from];
    s->fits &= sizes[d] <= operand->dims[d];
    s->window.dims[s->window.num] = sizes[d];
    s->window.in[s->window.num] = operand_strides[d];
    s->window.update[s->window.num++] = strides[from];
  }
  for (int32_t d = 0; d < update->rank; ++d) {
    if (pj_contains(window_dims, num_window, d))
      continue;
    if (rank == s->index.rank || s->index.dims[rank] != update->dims[d])
      return false;
    s->update_strides[rank++] = strides[d];
  }
  if (rank != s->index.rank)
    return false;
  s->key = -1;
  for (int32_t k = 0; k < s->index.num; ++k) {
    const int32_t d = s->index.moved[k].dim;
    s->limit[k] = operand->dims[d] - sizes[d];
    if (sizes[d] == 1 && (s->key < 0 || s->limit[k] > s->limit[s->key]))
      s->key = k;
  }
  join(&s->window);
  return true;
}

static bool make_body(PjArena *arena, Scatter *s) {
  const PjRegion *body = &s->op->regions[0];
  const PjOp *end = pj_region_terminator(body);
  const PjDtype dtype = pj__in(s->op, 0)->dtype;
  if (!end || end->num_operands != s->count || body->num_args != 2 * s->count)
    return false;
  for (uint32_t i = 0; i < s->count; ++i) {
    const PjDtype own = pj__in(s->op, i)->dtype;
    if (pj__out(s->op, i)->dtype != own || pj__in(s->op, s->count + 1 + i)->dtype != own ||
        body->args[i].type->dtype != own || body->args[s->count + i].type->dtype != own)
      return false;
  }
  bool set = true;
  for (uint32_t i = 0; i < s->count; ++i)
    set &= end->operands[i] == &body->args[s->count + i];
  const bool half = dtype == PJ_DT_BF16 || dtype == PJ_DT_F16;
  if (set) {
    s->way = SET;
  } else if (s->count == 1 && pj__fold_kind(body, &s->kind) &&
             (s->pairs = pj__fold_pairs(s->kind, half ? PJ_DT_F32 : dtype))) {
    s->way = half ? HALF : PAIRS;
  } else {
    s->way = BODY;
    s->body = pj__body_returns(arena, body, WIDTH);
  }
  return s->way != BODY || s->body;
}

const PjRoutine *pj__routine_scatter(PjArena *arena, const PjOp *op) {
  Scatter *s = PJ_NEW(arena, Scatter);
  s->op = op;
  s->count = (op->num_operands - 1) / 2;
  if (!s->count || op->num_operands != 2 * s->count + 1)
    return NULL;
  const PjType *operand = pj__in(op, 0), *update = pj__in(op, s->count + 1);
  s->elem = PJ_NEW_ARRAY(arena, size_t, s->count);
  size_t temp = pj__scratch_round((size_t)s->count * 3 * sizeof(void *));
  for (uint32_t i = 0; i < s->count; ++i) {
    s->elem[i] = pj_dtype_bytes(pj__in(op, i)->dtype);
    temp += 2 * pj__scratch_round(WIDTH * s->elem[i]);
    if (pj__count(pj__in(op, i)) != pj__count(operand) ||
        pj__count(pj__in(op, s->count + 1 + i)) != pj__count(update))
      return NULL;
  }
  if (!pj__index_plan(op, operand, pj__in(op, s->count), PJ_KEY_scatter_dims_to_operand_dims,
                      PJ_KEY_input_batching_dims, PJ_KEY_scatter_indices_batching_dims,
                      &s->index) ||
      !make_window(s, operand, update) || !make_body(arena, s))
    return NULL;
  if (s->body)
    temp += pj__body_scratch(s->body);
  if (s->way == HALF)
    temp = WIDTH * (2 * sizeof(float) + sizeof(uint16_t));
  s->simple = s->index.num == 1 && s->index.moved[0].component == 0 && s->window.num == 0 &&
              pj__index_uniform(&s->index, s->update_strides, &s->index_step, &s->update_step);
  // A part costs a look at every index.
  const double all = (double)pj__bytes(update) + 16 * (double)s->index.count;
  if (s->key >= 0)
    s->parts =
        pj__max(1, pj__min(pj__min(MOST_PARTS, s->limit[s->key] + 1), (int64_t)(all / (1 << 16))));
  s->routine = (PjRoutine){.name = "scatter", .run = run_scatter, .in_place = 0};
  s->routine.thread_scratch_bytes = pj__scratch_round(temp);
  s->routine.bytes = 2 * (double)pj__bytes(operand) + 3 * (double)pj__bytes(update);
  return &s->routine;
}

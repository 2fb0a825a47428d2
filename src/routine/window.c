// reduce_window: cumulative operations (scan.h) and windows that slide.
//
// Windows along lines that fit into the cache are window_lines.h's. Any other sliding window is a
// loop over the rows of results (all dimensions but the last): for each place of the window the
// elements under it are combined into the row at once. Padding is the init value, so it is skipped:
// the routine serves init values that combined with themselves stay as they are, as the evaluator's
// shortcut does. 16-bit floats are combined as F32 and rounded at the end.
#include <string.h>

#include "eval/float.h"
#include "eval/strided.h"
#include "routine/scan.h"
#include "routine/window_lines.h"

enum { WIDTH = 512, SPAN = 4096, MANY = 32 }; // results of a row at a time, and elements under them

typedef struct Slide {
  PjRoutine routine;
  PjWindow w;
  PjDtype dtype, comp;
  size_t elem, comp_elem;
  PjPairsFn *pairs;
  PjManyFn *many; // where the last dimension is not touched by the window, or NULL
  bool convert;
  int64_t rows, width;          // of results; results at a time
  int64_t strides[PJ_MAX_RANK]; // of the array
} Slide;

typedef struct Run {
  const Slide *s;
  const char *in;
  const void *init;
  char *out, *scratch;
} Run;

// acc[j] = op(acc[j], x[j * step]) for n results.
static void combine(const Slide *s, int64_t n, char *acc, const char *x, int64_t step, char *temp) {
  if (s->convert) {
    pj_float_decode_n(s->dtype, (n - 1) * step + 1, x, (float *)temp);
    x = temp;
  }
  s->pairs(n, acc, x, step, acc);
}

// Combines the elements at place |k| of the last dimension into results [first, first + n).
static void last_place(const Slide *s, const char *line, int64_t k, int64_t first, int64_t n,
                       char *acc, char *temp) {
  const PjWindow *w = &s->w;
  const int32_t d = w->rank - 1;
  if (w->base_dilation[d] == 1) {
    int64_t from, to;
    pj_window_range(w, d, k, &from, &to);
    from = pj__max(from, first);
    to = pj__min(to, first + n);
    if (from < to)
      combine(s, to - from, acc + (size_t)(from - first) * s->comp_elem,
              line + (from * w->stride[d] + k * w->dilation[d] - w->low[d]) * (int64_t)s->elem,
              w->stride[d], temp);
    return;
  }
  for (int64_t j = first; j < first + n; ++j) {
    const int64_t i = pj_window_place(w, d, j * w->stride[d] + k * w->dilation[d] - w->low[d]);
    if (i >= 0)
      combine(s, 1, acc + (size_t)(j - first) * s->comp_elem, line + i * (int64_t)s->elem, 1, temp);
  }
}

static void row_part(const Run *run, const int64_t *at, int64_t first, int64_t n, char *acc,
                     char *temp) {
  const Slide *s = run->s;
  const PjWindow *w = &s->w;
  const int32_t last = w->rank - 1;
  int64_t k[PJ_MAX_RANK] = {0};
  const void *lines[MANY];
  int count = 0;
  for (;;) {
    int64_t offset = 0;
    bool inside = true;
    for (int32_t d = 0; inside && d < last; ++d) {
      const int64_t i =
          pj_window_place(w, d, at[d] * w->stride[d] + k[d] * w->dilation[d] - w->low[d]);
      inside = i >= 0;
      offset += i * s->strides[d];
    }
    if (inside && s->many) {
      lines[count++] = run->in + (offset + first) * (int64_t)s->elem;
      if (count == MANY) {
        s->many(n, count, lines, acc);
        count = 0;
      }
    } else if (inside) {
      for (int64_t kl = 0; kl < w->size[last]; ++kl)
        last_place(s, run->in + offset * (int64_t)s->elem, kl, first, n, acc, temp);
    }
    int32_t d = last - 1;
    for (; d >= 0 && ++k[d] == w->size[d]; --d)
      k[d] = 0;
    if (d < 0)
      break;
  }
  if (count)
    s->many(n, count, lines, acc);
}

static void slide_rows(void *context, int64_t begin, int64_t end, int thread) {
  const Run *run = context;
  const Slide *s = run->s;
  const PjWindow *w = &s->w;
  const int64_t length = w->out[w->rank - 1];
  char *acc = pj__thread_scratch(&s->routine, run->scratch, thread), *temp = acc + WIDTH * 8;
  char init[16] __attribute__((aligned(16)));
  if (s->convert)
    pj_float_decode_n(s->dtype, 1, run->init, (float *)init);
  else
    memcpy(init, run->init, s->elem);
  for (int64_t row = begin; row < end; ++row) {
    int64_t at[PJ_MAX_RANK], rest = row;
    for (int32_t d = w->rank - 2; d >= 0; --d) {
      at[d] = rest % w->out[d];
      rest /= w->out[d];
    }
    for (int64_t first = 0; first < length; first += s->width) {
      const int64_t n = pj__min(s->width, length - first);
      char *out = run->out + (size_t)(row * length + first) * s->elem, *to = s->convert ? acc : out;
      pj_fill(s->comp_elem, n, init, to);
      row_part(run, at, first, n, to, temp);
      if (s->convert)
        pj_float_encode_n(s->dtype, n, (const float *)acc, out);
    }
  }
}

static PjStatus run_slide(const PjRoutine *self, PjThreads *threads, const void *const *in,
                          void *const *out, void *scratch) {
  const Slide *s = (const Slide *)self;
  Run run = {s, in[0], in[1], out[0], scratch};
  double work = (double)s->w.out[s->w.rank - 1] * (double)s->elem;
  for (int32_t d = 0; d < s->w.rank; ++d)
    work *= (double)s->w.size[d];
  pj_threads_for(threads, s->rows, pj__grain(s->rows, work), slide_rows, &run);
  return PJ_STATUS_OK;
}

static const PjRoutine *select_slide(PjArena *arena, const PjOp *op, const PjWindow *window,
                                     PjFoldKind kind) {
  const PjType *type = pj__in(op, 0);
  Slide *s = PJ_NEW(arena, Slide);
  s->w = *window;
  pj_window_merge(&s->w);
  s->dtype = type->dtype;
  s->convert = s->dtype == PJ_DT_BF16 || s->dtype == PJ_DT_F16;
  if (s->convert && kind == PJ_FOLD_MUL)
    return NULL; // in f32 a product would come back from where it had become 0 or infinite
  const double bytes = (double)pj__bytes(type) + (double)pj__bytes(pj__out(op, 0));
  const PjRoutine *lines = pj__window_lines(arena, &s->w, s->dtype, kind);
  if (lines) {
    ((PjRoutine *)lines)->bytes = bytes;
    return lines;
  }
  s->comp = s->convert ? PJ_DT_F32 : s->dtype;
  s->elem = pj_dtype_bytes(s->dtype);
  s->comp_elem = pj_dtype_bytes(s->comp);
  s->pairs = pj__fold_pairs(kind, s->comp);
  if (!s->convert && pj_window_untouched(&s->w, s->w.rank - 1))
    s->many = pj__fold_many(kind, s->dtype);
  const int64_t stride = s->w.stride[s->w.rank - 1];
  if (!s->pairs || s->elem > 8)
    return NULL;
  s->width = s->convert ? pj__max(1, pj__min(WIDTH, SPAN / pj__max(stride, 1))) : WIDTH;
  pj_strides(s->w.rank, s->w.in, s->strides);
  s->rows = 1;
  for (int32_t d = 0; d < s->w.rank - 1; ++d)
    s->rows *= s->w.out[d];
  s->routine = (PjRoutine){.name = "reduce_window", .run = run_slide, .in_place = -1};
  s->routine.thread_scratch_bytes = WIDTH * 8 + SPAN * sizeof(float);
  s->routine.bytes = bytes;
  return &s->routine;
}

const PjRoutine *pj__routine_reduce_window(PjArena *arena, const PjOp *op) {
  const PjRegion *body = &op->regions[0];
  const PjType *type = pj__in(op, 0);
  PjFoldKind kind;
  PjWindow window;
  const PjTensor shape = {.rank = type->rank, .dims = (int64_t *)type->dims, .dtype = type->dtype};
  if (op->num_operands != 2 || body->num_args != 2 || body->args[0].type->dtype != type->dtype ||
      pj__out(op, 0)->dtype != type->dtype || !pj__fold_kind(body, &kind) ||
      !pj__count(pj__out(op, 0)))
    return NULL;
  PjStatus status = pj_window_init(op, &shape, &window);
  if (status) {
    pj_status_free(status);
    return NULL;
  }
  // Padding and holes may be skipped if the init value combined with itself is itself.
  bool padded = false;
  for (int32_t d = 0; d < window.rank; ++d)
    padded |= window.low[d] > 0 || window.high[d] > 0 || window.base_dilation[d] != 1;
  const void *init = pj__constant_element(op->operands[1]);
  PjPairsFn *const pairs = pj__fold_pairs(kind, type->dtype);
  const bool half = type->dtype == PJ_DT_BF16 || type->dtype == PJ_DT_F16;
  char element[8] __attribute__((aligned(8))), twice[8] __attribute__((aligned(8)));
  if (init && half) {
    pj_float_decode_n(type->dtype, 1, init, (float *)element);
    pj__fold_pairs(kind, PJ_DT_F32)(1, element, element, 1, twice);
  } else if (init && pairs) {
    memcpy(element, init, pj_dtype_bytes(type->dtype));
    pairs(1, element, element, 1, twice);
  } else if (padded || !pairs) {
    return NULL;
  }
  const size_t bytes = half ? 4 : pj_dtype_bytes(type->dtype);
  if (init && padded && memcmp(element, twice, bytes) != 0)
    return NULL;
  const PjRoutine *scan =
      init && pj__count(type) ? pj__scan_select(arena, op, &window, kind, init) : NULL;
  return scan ? scan : select_slide(arena, op, &window, kind);
}

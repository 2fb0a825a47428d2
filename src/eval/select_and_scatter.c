// select_and_scatter, with any bodies.
//
// Works on rows: all windows along the innermost dimension of the source at once. For each place of
// the window the candidate of every window is compared with the one selected so far by one run of
// the select body; then the source values are combined into the result, in order, at the selected
// positions. Windows without any element select nothing.
#include "eval/combine.h"
#include "eval/window.h"

enum { WIDTH = 256 };

typedef struct Select {
  PjEval *ev;
  const PjRegion *region;
  PjBody *body; // or NULL
  size_t elem;
} Select;

// keep[j] = select(a[j], b[j])
static PjStatus run_select(const Select *s, int64_t n, const char *a, const char *b, PjDtype dtype,
                           uint8_t *keep) {
  if (s->body) {
    const void *args[] = {a, b}, *out;
    pj_body_run(s->body, n, args, &out);
    memcpy(keep, out, (size_t)n);
    return PJ_STATUS_OK;
  }
  for (int64_t j = 0; j < n; ++j) {
    PjTensor *args[2], *out;
    for (int i = 0; i < 2; ++i) {
      args[i] = pj_eval_new(s->ev, dtype, 0, NULL);
      memcpy(args[i]->data, (i ? b : a) + (size_t)j * s->elem, s->elem);
    }
    PJ_TRY(pj_eval_region(s->ev, s->region, args, &out, 1));
    keep[j] = *(const uint8_t *)out->data;
    pj_eval_drop(s->ev, out);
    for (int i = 0; i < 2; ++i)
      pj_eval_drop(s->ev, args[i]);
  }
  return PJ_STATUS_OK;
}

typedef struct Row {
  const PjWindow *w;
  const int64_t *strides; // of the operand
  const char *operand;
  char *chosen, *candidate; // values per window
  int64_t *place;           // offset of the chosen element, or -1
  int64_t *offer;           // of the candidate, or -1
  uint8_t *keep;
} Row;

// The candidates of windows [j0, j0 + n) at place |k| of the window. False if there are none.
static bool offer(const Row *row, const Select *s, const int64_t *at, const int64_t *k, int64_t j0,
                  int64_t n) {
  const PjWindow *w = row->w;
  int32_t last = w->rank - 1;
  int64_t base = 0, from, to;
  for (int32_t d = 0; d < last; ++d) {
    int64_t i = at[d] * w->stride[d] + k[d] - w->low[d];
    if (i < 0 || i >= w->in[d])
      return false;
    base += i * row->strides[d];
  }
  pj_window_range(w, last, k[last], &from, &to);
  if (from < j0)
    from = j0;
  if (to > j0 + n)
    to = j0 + n;
  if (from >= to)
    return false;
  for (int64_t j = 0; j < n; ++j)
    row->offer[j] = -1;
  memcpy(row->candidate, row->chosen, (size_t)n * s->elem);
  for (int64_t j = from; j < to; ++j) {
    int64_t i = base + j * w->stride[last] + k[last] - w->low[last];
    row->offer[j - j0] = i;
    memcpy(row->candidate + (size_t)(j - j0) * s->elem, row->operand + (size_t)i * s->elem,
           s->elem);
  }
  return true;
}

static PjStatus choose(const Row *row, const Select *s, PjDtype dtype, const int64_t *at,
                       int64_t j0, int64_t n) {
  const PjWindow *w = row->w;
  int64_t k[PJ_MAX_RANK] = {0};
  for (int64_t j = 0; j < n; ++j)
    row->place[j] = -1;
  memset(row->chosen, 0, (size_t)n * s->elem);
  for (;;) {
    if (offer(row, s, at, k, j0, n)) {
      PJ_TRY(run_select(s, n, row->chosen, row->candidate, dtype, row->keep));
      for (int64_t j = 0; j < n; ++j) {
        if (row->offer[j] < 0 || (row->place[j] >= 0 && row->keep[j]))
          continue;
        row->place[j] = row->offer[j];
        memcpy(row->chosen + (size_t)j * s->elem, row->candidate + (size_t)j * s->elem, s->elem);
      }
    }
    int32_t i = w->rank - 1;
    for (; i >= 0; --i) {
      if (++k[i] < w->size[i])
        break;
      k[i] = 0;
    }
    if (i < 0)
      return PJ_STATUS_OK;
  }
}

static PjStatus scatter_rows(PjEval *ev, const PjWindow *w, const Select *select,
                             PjCombiner *combiner, const PjTensor *operand, const PjTensor *source,
                             PjTensor *result) {
  int64_t strides[PJ_MAX_RANK], at[PJ_MAX_RANK] = {0}, first = 0;
  int32_t last = w->rank - 1;
  size_t elem = select->elem;
  char *values = pj_eval_scratch(ev, 2 * WIDTH * elem);
  int64_t *places = pj_eval_scratch(ev, 2 * WIDTH * sizeof *places);
  uint8_t *keep = pj_eval_scratch(ev, WIDTH);
  const Row row = {w,      strides,        operand->data, values, values + WIDTH * elem,
                   places, places + WIDTH, keep};
  pj_strides(w->rank, w->in, strides);
  for (;;) {
    for (int64_t j = 0; j < w->out[last]; j += WIDTH) {
      int64_t n = w->out[last] - j < WIDTH ? w->out[last] - j : WIDTH;
      PJ_TRY(choose(&row, select, operand->dtype, at, j, n));
      for (int64_t i = 0; i < n; ++i) {
        if (places[i] < 0)
          continue;
        void *acc = (char *)result->data + (size_t)places[i] * elem;
        const void *x = (const char *)source->data + (size_t)(first + j + i) * elem;
        PJ_TRY(pj_combine(combiner, 1, &acc, &x, 1));
      }
    }
    first += w->out[last];
    int32_t i = last - 1;
    for (; i >= 0; --i) {
      if (++at[i] < w->out[i])
        break;
      at[i] = 0;
    }
    if (i < 0)
      break;
  }
  pj_eval_free(ev, values);
  pj_eval_free(ev, places);
  pj_eval_free(ev, keep);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_select_and_scatter(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  PjWindow w;
  PJ_TRY(pj_window_init(op, in[0], &w));
  bool fits = in[1]->rank == w.rank;
  for (int32_t d = 0; fits && d < w.rank; ++d)
    fits = in[1]->dims[d] == w.out[d];
  if (!fits) {
    char a[PJ_DIMS_TEXT], b[PJ_DIMS_TEXT];
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "source has shape %s, the windows have %s",
                       pj_dims_text(in[1]->rank, in[1]->dims, a), pj_dims_text(w.rank, w.out, b));
  }
  PJ_TRY(pj_result_new(ev, op, 0, w.rank, in[0]->dims, out));
  if (!w.rank) { // a scalar is one window of one element
    w.rank = 1;
    w.in[0] = w.out[0] = w.size[0] = w.stride[0] = w.dilation[0] = 1;
    w.low[0] = 0;
  }
  // The bodies may work in a wider type than the operands have.
  PjTensor *args[3];
  for (int i = 0; i < 3; ++i)
    args[i] = pj_converted(ev, in[i], (*out)->dtype);
  pj_splat(*out, args[2]);
  if ((*out)->count && in[1]->count) {
    Select select = {ev, &op->regions[0], NULL, pj_dtype_bytes((*out)->dtype)};
    PjCombiner combiner;
    if (select.region->num_args != 2 || select.region->args[0].type->dtype != (*out)->dtype)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT, "select takes other arguments than the operand");
    int64_t width = w.out[w.rank - 1] < WIDTH ? w.out[w.rank - 1] : WIDTH;
    select.body = pj_body_compile(ev, select.region, width);
    PJ_TRY(pj_combiner_init(ev, &op->regions[1], 1, 1, false, &combiner));
    PJ_TRY(scatter_rows(ev, &w, &select, &combiner, args[0], args[1], *out));
  }
  for (int i = 0; i < 3; ++i)
    pj_eval_drop(ev, args[i]);
  return PJ_STATUS_OK;
}

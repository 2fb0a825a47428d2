// Running scans: cumsum and its kin as reduce_window (pj_window_run).
//
// Result j covers the elements [j - low, j - low + size) of the array: a prefix of length j - low +
// size, or the suffix from j - low on.
//
// The work is done on an array of [outer, n, inner]: on vectors of |inner| elements, or, when inner
// is 1, along rows by the native scan, or on vectors of |outer| elements after a transposition.
#include "eval/scan_window.h"

typedef struct Scan {
  PjEval *ev;
  PjCombiner *combiner;
  uint32_t count;
  int64_t n, out_n, outer, inner;
  int64_t low, size;
  bool suffix;
} Scan;

// Elements are covered by result j: [*from, *to).
static void covered(const Scan *s, int64_t j, int64_t *from, int64_t *to) {
  *from = pj_clamp_i64(j - s->low, 0, s->n);
  *to = pj_clamp_i64(j - s->low + s->size, 0, s->n);
}

// One block [n][width] of each array, dense, into [out_n][width]. |acc| holds the init values and
// is used up.
static PjStatus scan_block(const Scan *s, int64_t width, const void *const *x, void *const *out,
                           void *const *acc) {
  const PjCombiner *c = s->combiner;
  const void **row = pj_eval_scratch(s->ev, s->count * sizeof *row);
  int64_t done = s->suffix ? s->n : 0; // elements [0, done), or [done, n), are in |acc|
  for (int64_t step = 0; step < s->out_n; ++step) {
    int64_t j = s->suffix ? s->out_n - 1 - step : step, from, to;
    covered(s, j, &from, &to);
    while (s->suffix ? done > from : done < to) {
      int64_t at = s->suffix ? --done : done++;
      for (uint32_t i = 0; i < s->count; ++i)
        row[i] =
            (const char *)x[i] + (size_t)(at * width) * pj_dtype_bytes(pj_combiner_dtype(c, i));
      PJ_TRY(s->suffix ? pj_combine_before(s->combiner, width, acc, row, 1)
                       : pj_combine(s->combiner, width, acc, row, 1));
    }
    for (uint32_t i = 0; i < s->count; ++i) {
      size_t bytes = (size_t)width * pj_dtype_bytes(pj_combiner_dtype(c, i));
      memcpy((char *)out[i] + (size_t)j * bytes, acc[i], bytes);
    }
  }
  pj_eval_free(s->ev, row);
  return PJ_STATUS_OK;
}

// Rows of a native type: results up to the first element are init already, those after the last
// repeat.
static void scan_rows(const Scan *s, const char *x, char *out) {
  const PjFold *fold = &s->combiner->fold;
  size_t elem = pj_dtype_bytes(pj_combiner_dtype(s->combiner, 0));
  char acc[16] __attribute__((aligned(16)));
  for (int64_t r = 0; r < s->outer; ++r) {
    memcpy(acc, out, elem);
    int64_t done = 0;
    for (int64_t step = 0; step < s->out_n; ++step) {
      int64_t j = s->suffix ? s->out_n - 1 - step : step, from, to;
      covered(s, j, &from, &to);
      int64_t have = s->suffix ? s->n - from : to;
      // From here on every result takes one element more: the rest is one call.
      if (have == done + 1) {
        int64_t left = s->n - done < s->out_n - step ? s->n - done : s->out_n - step;
        int64_t sign = s->suffix ? -1 : 1, at = s->suffix ? s->n - 1 - done : done;
        fold->scan(left, x + (size_t)at * elem, sign, out + (size_t)j * elem, sign, acc);
        done += left;
        step += left - 1;
        continue;
      }
      if (have > done) {
        fold->row(have - done, x + (size_t)(s->suffix ? from : done) * elem, acc);
        done = have;
      }
      memcpy(out + (size_t)j * elem, acc, elem);
    }
    x += (size_t)s->n * elem;
    out += (size_t)s->out_n * elem;
  }
}

static PjStatus scan_blocks(const Scan *s, int64_t blocks, int64_t width, void **x, void **out) {
  const PjCombiner *c = s->combiner;
  void **acc = pj_eval_scratch(s->ev, s->count * sizeof *acc);
  for (uint32_t i = 0; i < s->count; ++i)
    acc[i] = pj_eval_scratch(s->ev, (size_t)width * pj_dtype_bytes(pj_combiner_dtype(c, i)));
  for (int64_t b = 0; b < blocks; ++b) {
    for (uint32_t i = 0; i < s->count; ++i) // the first row of results is still init
      memcpy(acc[i], out[i], (size_t)width * pj_dtype_bytes(pj_combiner_dtype(c, i)));
    PJ_TRY(scan_block(s, width, (const void *const *)x, out, acc));
    for (uint32_t i = 0; i < s->count; ++i) {
      size_t bytes = (size_t)width * pj_dtype_bytes(pj_combiner_dtype(c, i));
      x[i] = (char *)x[i] + (size_t)s->n * bytes;
      out[i] = (char *)out[i] + (size_t)s->out_n * bytes;
    }
  }
  for (uint32_t i = 0; i < s->count; ++i)
    pj_eval_free(s->ev, acc[i]);
  pj_eval_free(s->ev, acc);
  return PJ_STATUS_OK;
}

PjStatus pj_scan_window(PjEval *ev, const PjWindow *w, PjCombiner *combiner, uint32_t count,
                        PjTensor *const *inputs, PjTensor *const *out, bool *done) {
  int32_t axis;
  const PjWindowRun run = pj_window_run(w, &axis);
  *done = run != PJ_WINDOWS_APART;
  if (!*done)
    return PJ_STATUS_OK;
  Scan s = {.ev = ev, .combiner = combiner, .count = count, .outer = 1, .inner = 1};
  for (int32_t d = 0; d < w->rank; ++d)
    if (d != axis)
      *(d < axis ? &s.outer : &s.inner) *= w->in[d];
  s.n = w->in[axis];
  s.out_n = w->out[axis];
  s.low = w->low[axis];
  s.size = w->size[axis];
  s.suffix = run == PJ_WINDOWS_SUFFIX;
  if (s.inner == 1 && combiner->native) {
    scan_rows(&s, inputs[0]->data, out[0]->data);
    return PJ_STATUS_OK;
  }
  void **x = pj_eval_scratch(ev, 4 * count * sizeof *x), **results = x + count;
  void **x_at = results + count, **results_at = x_at + count;
  bool turn = s.inner == 1 && s.outer > 1;
  const int64_t in_dims[] = {s.outer, s.n}, out_dims[] = {s.outer, s.out_n};
  const int64_t in_rows[] = {s.n, 1}, in_columns[] = {1, s.outer};
  const int64_t out_rows[] = {s.out_n, 1}, out_columns[] = {1, s.outer};
  for (uint32_t i = 0; i < count; ++i) {
    size_t elem = pj_dtype_bytes(out[i]->dtype);
    x[i] = turn ? pj_eval_scratch(ev, inputs[i]->bytes) : inputs[i]->data;
    results[i] = turn ? pj_eval_scratch(ev, out[i]->bytes) : out[i]->data;
    if (turn) {
      pj_strided_copy(elem, 2, in_dims, inputs[i]->data, in_rows, x[i], in_columns);
      memcpy(results[i], out[i]->data, out[i]->bytes); // init everywhere
    }
    x_at[i] = x[i];
    results_at[i] = results[i];
  }
  PJ_TRY(turn ? scan_blocks(&s, 1, s.outer, x_at, results_at)
              : scan_blocks(&s, s.outer, s.inner, x_at, results_at));
  for (uint32_t i = 0; turn && i < count; ++i) {
    pj_strided_copy(pj_dtype_bytes(out[i]->dtype), 2, out_dims, results[i], out_columns,
                    out[i]->data, out_rows);
    pj_eval_free(ev, x[i]);
    pj_eval_free(ev, results[i]);
  }
  pj_eval_free(ev, x);
  return PJ_STATUS_OK;
}

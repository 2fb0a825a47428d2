// reduce_window, with any body and any number of operands.
//
// Windows that reach to one end of the array, as JAX writes cumsum, cumprod and cummax, are running
// scans (scan_window.c). Others accumulate window element by window element on vectors of windows
// along the innermost dimension: for each place (k0, k1, ...) of the window, acc[j] = body(acc[j],
// x[j * stride + shift]) over all j for which the element exists.
//
// Padding counts as the init value. Skipping it is right when body(init, init) = init
// (associativity does the rest); otherwise, and for dilated arrays, the padded array is built as
// the specification says.
#include "eval/combine.h"
#include "eval/scan_window.h"
#include "eval/window.h"

enum { WIDTH = 1024 };

// body(init, init) = init, bit for bit.
static PjStatus init_is_neutral(PjEval *ev, PjCombiner *combiner, uint32_t count,
                                PjTensor *const *inits, bool *out) {
  void **acc = pj_eval_scratch(ev, 2 * count * sizeof *acc);
  const void **x = (const void **)(acc + count);
  for (uint32_t i = 0; i < count; ++i) {
    acc[i] = pj_eval_scratch(ev, inits[i]->bytes);
    memcpy(acc[i], inits[i]->data, inits[i]->bytes);
    x[i] = inits[i]->data;
  }
  PJ_TRY(pj_combine(combiner, 1, acc, x, 1));
  *out = true;
  for (uint32_t i = 0; i < count; ++i) {
    *out &= memcmp(acc[i], inits[i]->data, inits[i]->bytes) == 0;
    pj_eval_free(ev, acc[i]);
  }
  pj_eval_free(ev, acc);
  return PJ_STATUS_OK;
}

// Replaces the arrays by padded and dilated ones, after which the window has neither.
static void materialise(PjEval *ev, PjWindow *w, uint32_t count, PjTensor **inputs,
                        PjTensor *const *inits) {
  int64_t dims[PJ_MAX_RANK], interior[PJ_MAX_RANK];
  for (int32_t d = 0; d < w->rank; ++d) {
    interior[d] = w->base_dilation[d] - 1;
    int64_t n = w->in[d] ? (w->in[d] - 1) * w->base_dilation[d] + 1 : 0;
    n += w->low[d] + w->high[d];
    dims[d] = n > 0 ? n : 0;
  }
  for (uint32_t i = 0; i < count; ++i) {
    PjTensor *padded = pj_eval_new(ev, inputs[i]->dtype, w->rank, dims);
    pj_pad(inputs[i], inits[i], w->low, interior, padded);
    pj_eval_drop(ev, inputs[i]);
    inputs[i] = padded;
  }
  for (int32_t d = 0; d < w->rank; ++d) {
    w->in[d] = dims[d];
    w->low[d] = w->high[d] = 0;
    w->base_dilation[d] = 1;
  }
}

// Advances |at| through the box [from, to); false after its last position, when |at| is |from|
// again.
static bool advance(int32_t rank, int64_t *at, const int64_t *from, const int64_t *to) {
  for (int32_t i = rank - 1; i >= 0; --i) {
    if (++at[i] < to[i])
      return true;
    at[i] = from[i];
  }
  return false;
}

typedef struct Slide {
  PjEval *ev;
  PjCombiner *combiner;
  const PjWindow *w;
  uint32_t count;
  int64_t strides[PJ_MAX_RANK]; // of the arrays
  void **acc, **row_acc;        // results; the part of them at hand
  const void **x, **row_x;      // arrays; likewise
} Slide;

// One row of windows (all but the innermost dimension at |at|), |first| the offset of its first
// result.
static PjStatus slide_row(Slide *s, const int64_t *at, int64_t first) {
  const PjWindow *w = s->w;
  int32_t last = w->rank - 1;
  // Of the window, the places [from, to) that lie within the array; in the innermost dimension for
  // any window.
  int64_t k[PJ_MAX_RANK], from[PJ_MAX_RANK], to[PJ_MAX_RANK];
  for (int32_t d = 0; d <= last; ++d) {
    int64_t least = (d < last ? at[d] : 0) * w->stride[d] - w->low[d];
    int64_t most = d < last ? least : (w->out[d] - 1) * w->stride[d] - w->low[d];
    int64_t step = w->dilation[d];
    k[d] = from[d] = most >= 0 ? 0 : (-most + step - 1) / step;
    to[d] = least >= w->in[d] ? 0 : (w->in[d] - 1 - least) / step + 1;
    if (to[d] > w->size[d])
      to[d] = w->size[d];
    if (from[d] >= to[d])
      return PJ_STATUS_OK;
  }
  do {
    int64_t base = 0;
    for (int32_t d = 0; d < last; ++d)
      base += (at[d] * w->stride[d] + k[d] * w->dilation[d] - w->low[d]) * s->strides[d];
    for (int64_t kl = from[last]; kl < to[last]; ++kl) {
      int64_t begin, end;
      pj_window_range(w, last, kl, &begin, &end);
      if (begin >= end)
        continue;
      int64_t shift = base + begin * w->stride[last] + kl * w->dilation[last] - w->low[last];
      for (uint32_t i = 0; i < s->count; ++i) {
        int64_t elem = (int64_t)pj_dtype_bytes(pj_combiner_dtype(s->combiner, i));
        s->row_acc[i] = (char *)s->acc[i] + (first + begin) * elem;
        s->row_x[i] = (const char *)s->x[i] + shift * elem;
      }
      PJ_TRY(pj_combine(s->combiner, end - begin, s->row_acc, s->row_x, w->stride[last]));
    }
  } while (advance(last, k, from, to));
  return PJ_STATUS_OK;
}

static PjStatus slide(PjEval *ev, const PjWindow *w, PjCombiner *combiner, uint32_t count,
                      PjTensor *const *inputs, PjTensor *const *out) {
  Slide s = {.ev = ev, .combiner = combiner, .w = w, .count = count};
  s.acc = pj_eval_scratch(ev, 4 * count * sizeof *s.acc);
  s.row_acc = s.acc + count;
  s.x = (const void **)(s.row_acc + count);
  s.row_x = s.x + count;
  for (uint32_t i = 0; i < count; ++i) {
    s.acc[i] = out[i]->data;
    s.x[i] = inputs[i]->data;
  }
  pj_strides(w->rank, w->in, s.strides);
  static const int64_t zeros[PJ_MAX_RANK];
  int64_t at[PJ_MAX_RANK] = {0}, first = 0;
  do {
    PJ_TRY(slide_row(&s, at, first));
    first += w->out[w->rank - 1];
  } while (advance(w->rank - 1, at, zeros, w->out));
  pj_eval_free(ev, s.acc);
  return PJ_STATUS_OK;
}

PjStatus pj_ev_reduce_window(PjEval *ev, const PjOp *op, PjTensor *const *in, PjTensor **out) {
  const PjRegion *body = &op->regions[0];
  uint32_t count = op->num_operands / 2;
  PjWindow w;
  PjCombiner combiner;
  if (!count || body->num_args != 2 * count)
    return PJ_OP_ERROR(op, INVALID_ARGUMENT, "the body takes %u arguments for %u operands",
                       body->num_args, op->num_operands);
  PJ_TRY(pj_same_shapes(op, count, in));
  PJ_TRY(pj_window_init(op, in[0], &w));
  int64_t most = 1;
  for (int32_t d = 0; d < w.rank && most < WIDTH; ++d)
    most *= w.out[d] < WIDTH ? w.out[d] : WIDTH;
  PJ_TRY(pj_combiner_init(ev, body, count, most < WIDTH ? most : WIDTH, false, &combiner));
  PjTensor **inputs = pj_eval_scratch(ev, 3 * count * sizeof *inputs), **inits = inputs + count;
  PjTensor **sums = inits + count;
  for (uint32_t i = 0; i < count; ++i) {
    PJ_TRY(pj_result_check(op, i, w.rank, w.out));
    // The body may work in a wider type than the operands have.
    PjDtype dtype = pj_combiner_dtype(&combiner, i);
    inputs[i] = pj_converted(ev, in[i], dtype);
    inits[i] = pj_converted(ev, in[count + i], dtype);
    sums[i] = pj_eval_new(ev, dtype, w.rank, w.out);
    pj_splat(sums[i], inits[i]);
  }
  if (sums[0]->count) {
    bool padded = false, dilated = false, neutral = true, done = false;
    for (int32_t d = 0; d < w.rank; ++d) {
      padded |= w.low[d] > 0 || w.high[d] > 0;
      dilated |= w.base_dilation[d] != 1;
    }
    if (padded)
      PJ_TRY(init_is_neutral(ev, &combiner, count, inits, &neutral));
    if (dilated || !neutral)
      materialise(ev, &w, count, inputs, inits);
    pj_window_merge(&w);
    PJ_TRY(pj_scan_window(ev, &w, &combiner, count, inputs, sums, &done));
    if (!done && inputs[0]->count)
      PJ_TRY(slide(ev, &w, &combiner, count, inputs, sums));
  }
  for (uint32_t i = 0; i < count; ++i) {
    out[i] = pj_converted(ev, sums[i], op->results[i].type->dtype);
    pj_eval_drop(ev, sums[i]);
    pj_eval_drop(ev, inputs[i]);
    pj_eval_drop(ev, inits[i]);
  }
  pj_eval_free(ev, inputs);
  return PJ_STATUS_OK;
}

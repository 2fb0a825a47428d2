// Accumulating with a region.
#include "eval/combine.h"

#include "eval/strided.h"

static size_t elem_bytes(const PjCombiner *c, uint32_t i) {
  return pj_dtype_bytes(pj_combiner_dtype(c, i));
}

PjStatus pj_combiner_init(PjEval *ev, const PjRegion *region, uint32_t count, int64_t width,
                          bool may_widen, PjCombiner *out) {
  const PjOp *end = pj_region_terminator(region);
  PJ_FAIL_IF(!end || region->num_args != 2 * count || end->num_operands != count, INTERNAL,
             "the body takes %u arguments and returns %u values where %u and %u are expected",
             region->num_args, end ? end->num_operands : 0, 2 * count, count);
  *out = (PjCombiner){.ev = ev, .region = region, .count = count, .width = width < 1 ? 1 : width};
  out->replaces = pj_body_returns_args(region, count);
  if (out->replaces)
    return PJ_STATUS_OK;
  PjDtype dtype = region->args[0].type->dtype;
  if (count == 1 && dtype == region->args[1].type->dtype) {
    PjOpKind kind = pj_body_binary(region);
    out->native = pj_fold_select(kind, dtype, &out->fold);
    if (!out->native && may_widen && pj_dtype_is_float(dtype))
      out->native = out->widened = pj_fold_select(kind, PJ_DT_F32, &out->fold);
    if (out->native)
      return PJ_STATUS_OK;
  }
  out->body = pj_body_compile(ev, region, out->width);
  out->args = PJ_NEW_ARRAY(ev->arena, const void *, 2 * (size_t)count);
  out->outs = PJ_NEW_ARRAY(ev->arena, const void *, count);
  if (!out->body)
    return PJ_STATUS_OK;
  out->columns = PJ_NEW_ARRAY(ev->arena, void *, count);
  out->copies = PJ_NEW_ARRAY(ev->arena, void *, count);
  for (uint32_t i = 0; i < count; ++i) {
    out->columns[i] = pj_arena_calloc(ev->arena, (size_t)out->width, elem_bytes(out, i));
    out->copies[i] = pj_arena_calloc(ev->arena, (size_t)out->width, elem_bytes(out, i));
  }
  return PJ_STATUS_OK;
}

static void copy_column(size_t elem, int64_t n, const void *x, int64_t x_stride, void *out) {
  if (x_stride == 1) {
    memcpy(out, x, (size_t)n * elem);
    return;
  }
  const int64_t one = 1;
  pj_strided_copy(elem, 1, &n, x, &x_stride, out, &one);
}

// At most |width| elements through the compiled body.
static void run_body(PjCombiner *c, int64_t n, int64_t at, void *const *acc, const void *const *x,
                     int64_t x_stride, bool before) {
  const void **mine = c->args + (before ? c->count : 0),
             **theirs = c->args + (before ? 0 : c->count);
  for (uint32_t i = 0; i < c->count; ++i) {
    size_t elem = elem_bytes(c, i);
    mine[i] = (char *)acc[i] + (size_t)at * elem;
    theirs[i] = (const char *)x[i] + at * x_stride * (int64_t)elem;
    if (x_stride == 1)
      continue;
    copy_column(elem, n, theirs[i], x_stride, c->columns[i]);
    theirs[i] = c->columns[i];
  }
  pj_body_run(c->body, n, c->args, c->outs);
  if (c->count > 1) {
    // A body may return another accumulator as it is; save it before it is overwritten.
    for (uint32_t i = 0; i < c->count; ++i)
      for (uint32_t k = 0; k < i; ++k)
        if (c->outs[i] == mine[k]) {
          memcpy(c->copies[i], c->outs[i], (size_t)n * elem_bytes(c, i));
          c->outs[i] = c->copies[i];
        }
  }
  for (uint32_t i = 0; i < c->count; ++i)
    if (c->outs[i] != mine[i])
      memcpy((void *)mine[i], c->outs[i], (size_t)n * elem_bytes(c, i));
}

static PjStatus run_region(PjCombiner *c, int64_t at, void *const *acc, const void *const *x,
                           int64_t x_stride, bool before) {
  PjTensor **args = (PjTensor **)c->args, **outs = (PjTensor **)c->outs;
  for (uint32_t i = 0; i < 2 * c->count; ++i) {
    uint32_t k = i % c->count;
    size_t elem = elem_bytes(c, k);
    bool from_acc = (i < c->count) != before;
    args[i] = pj_eval_new(c->ev, pj_combiner_dtype(c, k), 0, NULL);
    memcpy(args[i]->data,
           from_acc ? (char *)acc[k] + (size_t)at * elem
                    : (const char *)x[k] + at * x_stride * (int64_t)elem,
           elem);
  }
  PJ_TRY(pj_eval_region(c->ev, c->region, args, outs, c->count));
  for (uint32_t i = 0; i < 2 * c->count; ++i)
    pj_eval_drop(c->ev, args[i]);
  for (uint32_t i = 0; i < c->count; ++i) {
    size_t elem = elem_bytes(c, i);
    memcpy((char *)acc[i] + (size_t)at * elem, outs[i]->data, elem);
    pj_eval_drop(c->ev, outs[i]);
  }
  return PJ_STATUS_OK;
}

static PjStatus combine(PjCombiner *c, int64_t n, void *const *acc, const void *const *x,
                        int64_t x_stride, bool before) {
  if (c->native) { // all of them commute
    c->fold.vec(n, acc[0], x[0], x_stride);
    return PJ_STATUS_OK;
  }
  if (c->replaces) {
    for (uint32_t i = 0; !before && i < c->count; ++i)
      copy_column(elem_bytes(c, i), n, x[i], x_stride, acc[i]);
    return PJ_STATUS_OK;
  }
  if (c->body) {
    for (int64_t at = 0; at < n; at += c->width)
      run_body(c, n - at < c->width ? n - at : c->width, at, acc, x, x_stride, before);
    return PJ_STATUS_OK;
  }
  for (int64_t at = 0; at < n; ++at)
    PJ_TRY(run_region(c, at, acc, x, x_stride, before));
  return PJ_STATUS_OK;
}

PjStatus pj_combine(PjCombiner *c, int64_t n, void *const *acc, const void *const *x,
                    int64_t x_stride) {
  return combine(c, n, acc, x, x_stride, false);
}

PjStatus pj_combine_before(PjCombiner *c, int64_t n, void *const *acc, const void *const *x,
                           int64_t x_stride) {
  return combine(c, n, acc, x, x_stride, true);
}

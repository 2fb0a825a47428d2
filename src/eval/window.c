// Window geometry (spec: reduce_window, num_windows).
#include "eval/window.h"

#include <inttypes.h>

static int64_t entry(const int64_t *list, int32_t i, int64_t absent) {
  return list ? list[i] : absent;
}

PjStatus pj_window_init(const PjOp *op, const PjTensor *operand, PjWindow *out) {
  const int64_t *size = PJ_INTS(op, window_dimensions, NULL);
  const int64_t *stride = PJ_INTS(op, window_strides, NULL);
  const int64_t *dilation = PJ_INTS(op, window_dilations, NULL);
  const int64_t *base = PJ_INTS(op, base_dilations, NULL), *padding = PJ_INTS(op, padding, NULL);
  out->rank = operand->rank;
  for (int32_t d = 0; d < operand->rank; ++d) {
    int64_t n = operand->dims[d], extent, padded = n;
    out->in[d] = n;
    out->size[d] = entry(size, d, 1);
    out->stride[d] = entry(stride, d, 1);
    out->dilation[d] = entry(dilation, d, 1);
    out->base_dilation[d] = entry(base, d, 1);
    out->low[d] = padding ? padding[2 * d] : 0;
    out->high[d] = padding ? padding[2 * d + 1] : 0;
    bool fits = out->size[d] > 0 && out->stride[d] > 0 && out->dilation[d] > 0 &&
                out->base_dilation[d] > 0 && out->size[d] < PJ_INDEX_LIMIT &&
                out->stride[d] < PJ_INDEX_LIMIT && out->dilation[d] < PJ_INDEX_LIMIT &&
                out->low[d] < PJ_INDEX_LIMIT && out->low[d] > -PJ_INDEX_LIMIT &&
                pj_mul_i64(out->size[d] - 1, out->dilation[d], &extent) &&
                pj_add_i64(extent, 1, &extent) && extent < PJ_INDEX_LIMIT &&
                (!n || pj_mul_i64(n - 1, out->base_dilation[d], &padded)) &&
                pj_add_i64(padded, n > 0, &padded) && pj_add_i64(padded, out->low[d], &padded) &&
                pj_add_i64(padded, out->high[d], &padded);
    if (!fits)
      return PJ_OP_ERROR(op, INVALID_ARGUMENT,
                         "the window of dimension %d (size %" PRId64 ", stride %" PRId64
                         ", padding %" PRId64 " and %" PRId64 ") is out of range",
                         d, out->size[d], out->stride[d], out->low[d], out->high[d]);
    out->out[d] = padded <= 0 || extent > padded ? 0 : (padded - extent) / out->stride[d] + 1;
  }
  return PJ_STATUS_OK;
}

void pj_window_merge(PjWindow *w) {
  int32_t rank = 0;
  for (int32_t d = 0; d < w->rank; ++d) {
    if (rank && pj_window_untouched(w, d) && pj_window_untouched(w, rank - 1)) {
      w->in[rank - 1] *= w->in[d];
      w->out[rank - 1] *= w->out[d];
      continue;
    }
    w->size[rank] = w->size[d];
    w->stride[rank] = w->stride[d];
    w->dilation[rank] = w->dilation[d];
    w->base_dilation[rank] = w->base_dilation[d];
    w->low[rank] = w->low[d];
    w->high[rank] = w->high[d];
    w->in[rank] = w->in[d];
    w->out[rank++] = w->out[d];
  }
  if (!rank) {
    w->size[0] = w->stride[0] = w->dilation[0] = w->base_dilation[0] = w->in[0] = w->out[0] = 1;
    w->low[0] = w->high[0] = 0;
    rank = 1;
  }
  w->rank = rank;
}

PjWindowRun pj_window_run(const PjWindow *w, int32_t *axis) {
  *axis = -1;
  for (int32_t d = 0; d < w->rank; ++d) {
    if (w->base_dilation[d] != 1)
      return PJ_WINDOWS_APART;
    if (pj_window_untouched(w, d))
      continue;
    if (*axis >= 0 || w->stride[d] != 1 || w->dilation[d] != 1)
      return PJ_WINDOWS_APART;
    *axis = d;
  }
  if (*axis < 0)
    return PJ_WINDOWS_APART;
  const int64_t low = w->low[*axis];
  return w->out[*axis] - 1 - low <= 0           ? PJ_WINDOWS_PREFIX
         : w->size[*axis] - low >= w->in[*axis] ? PJ_WINDOWS_SUFFIX
                                                : PJ_WINDOWS_APART;
}

// Windows sliding over an array: the geometry that reduce_window and select_and_scatter share.
#pragma once
#include "eval/structure.h"

typedef struct PjWindow {
  int32_t rank;
  int64_t size[PJ_MAX_RANK], stride[PJ_MAX_RANK], dilation[PJ_MAX_RANK]; // of the window
  int64_t base_dilation[PJ_MAX_RANK], low[PJ_MAX_RANK], high[PJ_MAX_RANK];
  int64_t in[PJ_MAX_RANK], out[PJ_MAX_RANK]; // sizes of the array and of the space of windows
} PjWindow;

// Reads the window attributes of |op| for an array of shape |operand| and computes |out|.
// INVALID_ARGUMENT when sizes overflow.
PjStatus pj_window_init(const PjOp *op, const PjTensor *operand, PjWindow *out);

// The window leaves dimension |d| as it is.
static inline bool pj_window_untouched(const PjWindow *w, int32_t d) {
  return w->size[d] == 1 && w->stride[d] == 1 && !w->low[d] && w->in[d] == w->out[d] &&
         w->base_dilation[d] == 1;
}

// The element of the array at place |i| of the dilated dimension |d|, or -1: padding, or a hole.
static inline int64_t pj_window_place(const PjWindow *w, int32_t d, int64_t i) {
  if (i < 0)
    return -1;
  if (w->base_dilation[d] != 1) { // a division is dear where there are many windows
    if (i % w->base_dilation[d])
      return -1;
    i /= w->base_dilation[d];
  }
  return i < w->in[d] ? i : -1;
}

// Joins neighbouring dimensions that the window does not touch; a scalar gets one of size 1. Sizes
// only: data stays where it is.
void pj_window_merge(PjWindow *w);

// Whether results continue each other: exactly one dimension, *|axis|, has a window, of stride 1,
// and every window begins before the array (result j continues j - 1, from left to right) or every
// window ends behind it (result j continues j + 1, from right to left, the new element before what
// was accumulated). Who combines them in another order gets other roundings.
typedef enum PjWindowRun { PJ_WINDOWS_APART, PJ_WINDOWS_PREFIX, PJ_WINDOWS_SUFFIX } PjWindowRun;
PjWindowRun pj_window_run(const PjWindow *w, int32_t *axis);

// The windows j in [*from, *to) of one dimension whose element |k| lies within the array, for base
// dilation 1.
static inline void pj_window_range(const PjWindow *w, int32_t d, int64_t k, int64_t *from,
                                   int64_t *to) {
  int64_t shift = k * w->dilation[d] - w->low[d], s = w->stride[d]; // element j * s + shift
  int64_t first = shift >= 0 ? 0 : (-shift + s - 1) / s;
  int64_t room = w->in[d] - shift, end = room <= 0 ? 0 : (room + s - 1) / s;
  *from = first;
  *to = end < w->out[d] ? end : w->out[d];
}

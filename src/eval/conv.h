// Geometry of a convolution in one canonical order: input [batch, spatial.., feature], kernel
// [spatial.., feature in, feature out], output [batch, spatial.., feature].
#pragma once
#include "eval/comp.h"

typedef struct PjConv {
  PjComp comp;
  int32_t spatial; // at least 1: a convolution without spatial dimensions has one of size 1
  int64_t batch, in_features, out_features; // of the input, of the input, of the output
  int64_t feature_groups, batch_groups;     // one of them is 1
  int64_t in[PJ_MAX_RANK], window[PJ_MAX_RANK], out[PJ_MAX_RANK]; // spatial sizes
  int64_t stride[PJ_MAX_RANK], low[PJ_MAX_RANK], in_dilation[PJ_MAX_RANK],
      window_dilation[PJ_MAX_RANK];
  bool reverse[PJ_MAX_RANK];
} PjConv;

static inline int64_t pj_conv_groups(const PjConv *v) {
  return v->feature_groups > 1 ? v->feature_groups : v->batch_groups;
}
static inline int64_t pj_conv_group_features(const PjConv *v) {
  return v->in_features / v->feature_groups;
}
static inline int64_t pj_conv_out_batch(const PjConv *v) {
  return v->batch / v->batch_groups;
}
int64_t pj_conv_window_size(const PjConv *v); // product of the window's sizes
int64_t pj_conv_out_size(const PjConv *v);    // product of the output's spatial sizes

// Convolves |in| with |kernel| (reversed already, where |v| says so) into |out|: dense arrays of
// v->comp in canonical order; the output has at least one element. Scratch comes from |ev|: a few
// MiB, or a dozen times the kernel's size per output feature.
void pj_conv_run(PjEval *ev, const PjConv *v, const void *in, const void *kernel, void *out);

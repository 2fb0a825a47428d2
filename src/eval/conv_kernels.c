// Convolution of dense arrays in canonical order: by matrix products over blocks of unrolled
// windows ("im2col"), and by direct loops where each group has one input feature (depthwise).
#include "eval/conv.h"

#include <string.h>

#include "base/alloc.h"

enum { PATCH_BYTES = 1 << 20, PATCH_MIN_ROWS = 12 };

int64_t pj_conv_window_size(const PjConv *v) {
  int64_t size = 1;
  for (int32_t d = 0; d < v->spatial; ++d)
    size *= v->window[d];
  return size;
}

int64_t pj_conv_out_size(const PjConv *v) {
  int64_t size = 1;
  for (int32_t d = 0; d < v->spatial; ++d)
    size *= v->out[d];
  return size;
}

// Where element |w| of a window that starts at |start| lies in the input along dimension |d|, or
// -1: in the padding or between dilated elements.
static inline int64_t locate(const PjConv *v, int32_t d, int64_t start, int64_t w) {
  const int64_t at = start + w * v->window_dilation[d];
  if (at < 0)
    return -1;
  if (v->in_dilation[d] == 1)
    return at < v->in[d] ? at : -1;
  return at % v->in_dilation[d] == 0 && at / v->in_dilation[d] < v->in[d] ? at / v->in_dilation[d]
                                                                          : -1;
}

// An output position: batch and spatial numbers, counted up row by row.
typedef struct Position {
  int64_t batch, out[PJ_MAX_RANK];
} Position;

static void position_next(const PjConv *v, Position *p) {
  for (int32_t d = v->spatial - 1; d >= 0; --d) {
    if (++p->out[d] < v->out[d])
      return;
    p->out[d] = 0;
  }
  ++p->batch;
}

// Calls for the lines of a window: all dimensions but the last fixed. |line| counts them; |at| is
// the input's line number within the batch (or -1 when it lies outside).
static int64_t line_at(const PjConv *v, const Position *p, const int64_t *w) {
  int64_t line = 0;
  for (int32_t d = 0; d < v->spatial - 1; ++d) {
    const int64_t at = locate(v, d, p->out[d] * v->stride[d] - v->low[d], w[d]);
    if (at < 0)
      return -1;
    line = line * v->in[d] + at;
  }
  return line;
}

static bool line_next(const PjConv *v, int64_t *w) {
  for (int32_t d = v->spatial - 2; d >= 0; --d) {
    if (++w[d] < v->window[d])
      return true;
    w[d] = 0;
  }
  return false;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
  return value < low ? low : value > high ? high : value;
}

// Unrolls the window of one output position and group: [window.., feature].
static void unroll(const PjConv *v, const char *in, const Position *p, int64_t group, char *patch) {
  const int32_t last = v->spatial - 1;
  const size_t bytes = pj_comp_bytes(v->comp), pixel = (size_t)v->in_features * bytes;
  const size_t part = (size_t)pj_conv_group_features(v) * bytes;
  const size_t line_bytes = (size_t)v->in[last] * pixel, run = (size_t)v->window[last] * part;
  const int64_t batch = p->batch + (v->batch_groups > 1 ? group * pj_conv_out_batch(v) : 0);
  int64_t lines = 1;
  for (int32_t d = 0; d < last; ++d)
    lines *= v->in[d];
  in += (size_t)(batch * lines) * line_bytes + (v->feature_groups > 1 ? (size_t)group * part : 0);
  const int64_t start = p->out[last] * v->stride[last] - v->low[last];
  const bool dense = v->in_dilation[last] == 1 && v->window_dilation[last] == 1 && part == pixel;
  const int64_t from = clamp(-start, 0, v->window[last]),
                to = clamp(v->in[last] - start, from, v->window[last]);
  int64_t w[PJ_MAX_RANK] = {0};
  do {
    const int64_t line = line_at(v, p, w);
    const char *source = in + (size_t)(line < 0 ? 0 : line) * line_bytes;
    if (line < 0) {
      memset(patch, 0, run);
    } else if (dense) {
      memset(patch, 0, (size_t)from * pixel);
      if (to > from)
        memcpy(patch + (size_t)from * pixel, source + (size_t)(start + from) * pixel,
               (size_t)(to - from) * pixel);
      memset(patch + (size_t)to * pixel, 0, (size_t)(v->window[last] - to) * pixel);
    } else {
      for (int64_t x = 0; x < v->window[last]; ++x) {
        const int64_t at = locate(v, last, start, x);
        if (at < 0)
          memset(patch + (size_t)x * part, 0, part);
        else
          memcpy(patch + (size_t)x * part, source + (size_t)at * pixel, part);
      }
    }
    patch += run;
  } while (line_next(v, w));
}

// A window of one element that walks over the input one by one: the input is its own unrolled form.
static bool is_pointwise(const PjConv *v) {
  for (int32_t d = 0; d < v->spatial; ++d)
    if (v->window[d] != 1 || v->stride[d] != 1 || v->low[d] != 0 || v->in_dilation[d] != 1 ||
        v->out[d] != v->in[d])
      return false;
  return v->feature_groups == 1;
}

static void by_products(PjEval *ev, const PjConv *v, const char *in, const char *kernel,
                        char *out) {
  const size_t bytes = pj_comp_bytes(v->comp);
  const int64_t groups = pj_conv_groups(v), n = v->out_features / groups;
  const int64_t k = pj_conv_window_size(v) * pj_conv_group_features(v);
  const int64_t rows = pj_conv_out_batch(v) * pj_conv_out_size(v);
  const bool pointwise = is_pointwise(v);
  int64_t block = k ? (int64_t)(PATCH_BYTES / bytes) / k : rows;
  block = pointwise ? rows
                    : clamp(block, PATCH_MIN_ROWS, rows > PATCH_MIN_ROWS ? rows : PATCH_MIN_ROWS);
  int64_t patch_size;
  if (!pj_mul_i64(block, k, &patch_size))
    pj_arena_exhausted(ev->arena);
  char *patch = pointwise ? NULL : pj_comp_scratch(ev, v->comp, patch_size);
  PjGemm g = {v->comp, block, n, k, patch, k, 1, kernel, v->out_features, 1, out, v->out_features};
  const size_t scratch_bytes = pj_gemm_scratch(&g);
  void *scratch = scratch_bytes ? pj_eval_scratch(ev, scratch_bytes) : NULL;
  for (int64_t group = 0; group < groups; ++group) {
    Position p = {0};
    for (int64_t row = 0; row < rows; row += g.m) {
      g.m = rows - row < block ? rows - row : block;
      if (pointwise) {
        const int64_t batch = v->batch_groups > 1 ? group * pj_conv_out_batch(v) : 0;
        g.a = in + (size_t)((batch * pj_conv_out_size(v) + row) * v->in_features) * bytes;
      } else if (k) {
        for (int64_t i = 0; i < g.m; ++i, position_next(v, &p))
          unroll(v, in, &p, group, patch + (size_t)(i * k) * bytes);
      }
      g.b = kernel + (size_t)(group * n) * bytes;
      g.c = out + (size_t)(row * v->out_features + group * n) * bytes;
      pj_gemm(&g, scratch);
    }
  }
  if (scratch)
    pj_eval_free(ev, scratch);
  if (patch)
    pj_eval_free(ev, patch);
}

// out[features * multiplier] += in[features] * kernel[features * multiplier]
#define DEPTHWISE(NAME, T)                                                                         \
  static void NAME(int64_t features, int64_t multiplier, const void *x, const void *y, void *to) { \
    const T *in = x, *kernel = y;                                                                  \
    T *restrict out = to;                                                                          \
    if (multiplier == 1) {                                                                         \
      for (int64_t i = 0; i < features; ++i)                                                       \
        out[i] += in[i] * kernel[i];                                                               \
      return;                                                                                      \
    }                                                                                              \
    for (int64_t i = 0; i < features; ++i, out += multiplier, kernel += multiplier)                \
      for (int64_t j = 0; j < multiplier; ++j)                                                     \
        out[j] += in[i] * kernel[j];                                                               \
  }
DEPTHWISE(depthwise_f32, float)
DEPTHWISE(depthwise_f64, double)
DEPTHWISE(depthwise_u32, uint32_t)
DEPTHWISE(depthwise_u64, uint64_t)

static void depthwise(const PjConv *v, const char *in, const char *kernel, char *out) {
  static void (*const table[])(int64_t, int64_t, const void *, const void *,
                               void *) = {[PJ_COMP_F32] = depthwise_f32,
                                          [PJ_COMP_F64] = depthwise_f64,
                                          [PJ_COMP_U32] = depthwise_u32,
                                          [PJ_COMP_U64] = depthwise_u64};
  const int32_t last = v->spatial - 1;
  const size_t bytes = pj_comp_bytes(v->comp), pixel = (size_t)v->in_features * bytes,
               out_pixel = (size_t)v->out_features * bytes;
  int64_t lines = 1;
  for (int32_t d = 0; d < last; ++d)
    lines *= v->in[d];
  const int64_t rows = v->batch * pj_conv_out_size(v),
                multiplier = v->out_features / v->in_features;
  Position p = {0};
  memset(out, 0, (size_t)rows * out_pixel);
  for (int64_t row = 0; row < rows; ++row, position_next(v, &p), out += out_pixel) {
    const char *weights = kernel, *batch = in + (size_t)(p.batch * lines * v->in[last]) * pixel;
    int64_t w[PJ_MAX_RANK] = {0};
    do {
      const int64_t line = line_at(v, &p, w);
      for (int64_t x = 0; x < v->window[last]; ++x, weights += out_pixel) {
        const int64_t at =
            line < 0 ? -1 : locate(v, last, p.out[last] * v->stride[last] - v->low[last], x);
        if (at >= 0)
          table[v->comp](v->in_features, multiplier,
                         batch + (size_t)(line * v->in[last] + at) * pixel, weights, out);
      }
    } while (line_next(v, w));
  }
}

void pj_conv_run(PjEval *ev, const PjConv *v, const void *in, const void *kernel, void *out) {
  const bool complex = v->comp == PJ_COMP_C64 || v->comp == PJ_COMP_C128;
  if (v->feature_groups > 1 && pj_conv_group_features(v) == 1 && !complex &&
      pj_conv_window_size(v) > 0)
    depthwise(v, in, kernel, out);
  else
    by_products(ev, v, in, kernel, out);
}
